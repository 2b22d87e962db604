"""`mmfmeta token`: make keys and tokens, and look into tokens."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ..text_files import replace_text
from .api_keys import hash_of, new_api_key
from .command_options import (
    AUDIENCE_OPTION,
    EXPIRES_OPTION,
    GROUPS_OPTION,
    PRIVATE_OPTION,
    RATE_OPTION,
    SUBJECT_OPTION,
    TARGETS_OPTION,
)
from .errors import AccessError
from .key_set import key_id, public_jwk, read_public_keys
from .settings import audience_of, public_keys, revoked_tokens
from .tokens import ALGORITHM, MAX_TOKEN, PACKAGES, TokenVerifier

PUBLIC = "token-keys.json"


@click.group()
def token() -> None:
    """Make keys and tokens for the callers of the service."""


@token.command()
@PRIVATE_OPTION
@click.option(
    *("--keys", "public"),
    type=click.Path(dir_okay=False, path_type=Path),
    default=PUBLIC,
    show_default=True,
    help="The public keys, to which that of the new key is added: MMF_TOKEN_KEYS of the service.",
)
def keygen(private: Path, public: Path) -> None:
    """Make a key that signs tokens, and add its public half to those of the service."""
    PACKAGES.require("mmfmeta token")
    # an optional package
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes_raw()
    jwks = _jwks(public)
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(
            f"{private} already exists; choose another file with --key"
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    jwks["keys"].append(public_jwk(raw))
    replace_text(public, json.dumps(jwks, indent=2) + "\n")
    click.echo(f"{private}: the private key; keep it where tokens are made")
    click.echo(
        f"{public}: the public keys, {len(jwks['keys'])} in all; MMF_TOKEN_KEYS of the service"
    )


@token.command()
@PRIVATE_OPTION
@AUDIENCE_OPTION
@TARGETS_OPTION
@GROUPS_OPTION
@RATE_OPTION
@SUBJECT_OPTION
@EXPIRES_OPTION
def create(  # noqa: PLR0913, PLR0917 - an option each
    private: Path,
    audience: str | None,
    targets: list[str],
    groups: list[str],
    rate: str | None,
    subject: str | None,
    expires: int,
) -> None:
    """Print a new token."""
    PACKAGES.require("mmfmeta token")
    import jwt  # an optional package

    key, raw = _read_private(private)
    now, token_id = int(time.time()), secrets.token_hex(8)
    claims: dict[str, Any] = {
        "sub": subject or token_id,
        "aud": audience_of(audience or ""),
        "iat": now,
        "nbf": now,
        "exp": now + expires,
        "jti": token_id,
        "targets": targets,
        "groups": groups,
    }
    if rate:
        claims["rate"] = rate
    token = jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": key_id(raw)})
    if len(token) > MAX_TOKEN:
        raise click.ClickException(
            f"a token has at most {MAX_TOKEN} characters: name fewer targets"
        )
    click.echo(token)


@token.command()
@click.argument("text", metavar="[TOKEN]", required=False)
@click.option(
    "--keys",
    envvar="MMF_TOKEN_KEYS",
    default=PUBLIC,
    show_default=True,
    help="The public keys, as in MMF_TOKEN_KEYS.",
)
@click.option("--revoked", envvar="MMF_TOKEN_REVOKED", help="The file of revoked tokens.")
@AUDIENCE_OPTION
def inspect(text: str | None, keys: str, revoked: str | None, audience: str | None) -> None:
    """Show a token's claims, and whether a service would accept it; exit with 1 if not.

    Without TOKEN it is read from standard input, so that no history of commands has it.
    """
    PACKAGES.require("mmfmeta token")
    import jwt  # an optional package

    text = (text or sys.stdin.read()).strip()
    try:
        claims = jwt.decode(text, options={"verify_signature": False})
        header = jwt.get_unverified_header(text)
    except jwt.InvalidTokenError as error:
        raise click.ClickException(f"this is not a token: {error}") from error
    click.echo(json.dumps({"header": header, "claims": _readable(claims)}, indent=2))
    try:
        verifier = TokenVerifier(
            public_keys(keys),
            audience_of(audience or ""),
            revoked_tokens(revoked) if revoked else None,
        )
        caller = verifier.verify(text)
    except (AccessError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    until = datetime.fromtimestamp(caller.expires or 0, UTC)
    click.echo(f"valid until {until:%Y-%m-%d %H:%M:%S} UTC")


@token.command()
@click.argument("name")
@TARGETS_OPTION
@GROUPS_OPTION
@RATE_OPTION
def api_key(name: str, targets: list[str], groups: list[str], rate: str | None) -> None:
    """Print a new API key for the caller NAME, and its line of MMF_API_KEYS."""
    if not re.fullmatch(r"[\w.@+-]{1,200}", name):
        raise click.BadParameter("expected letters, digits and . @ + - _", param_hint="NAME")
    key = new_api_key()
    options = f"targets={','.join(targets)} groups={','.join(groups)}"
    own_rate = f" rate={rate}" if rate else ""
    click.echo(key)
    click.echo(f"{name} {hash_of(key)} {options}{own_rate}")


def _jwks(file: Path) -> dict[str, list[Any]]:
    """Return the public keys of a file, ready for JSON; none if the file is missing."""
    if not file.exists():
        return {"keys": []}
    text = file.read_text("utf-8")
    try:
        read_public_keys(text)
        jwks = json.loads(text)
    except ValueError as error:
        raise click.ClickException(f"{file}: {error}") from error
    return {"keys": jwks.get("keys", [jwks])}


def _read_private(file: Path) -> tuple[Any, bytes]:
    """Return a private key, and its public half."""
    # an optional package
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except FileNotFoundError:
        raise click.ClickException(
            f"{file} is missing: make it with mmfmeta token keygen"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise click.ClickException(f"{file} cannot be read as a private key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise click.ClickException(f"{file}: expected a key of Ed25519")
    return key, key.public_key().public_bytes_raw()


def _readable(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return claims with their times as people write them."""
    return {
        name: _time(value) if name in {"exp", "nbf", "iat"} else value
        for name, value in claims.items()
    }


def _time(value: Any) -> Any:
    try:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (TypeError, ValueError, OverflowError, OSError):
        return value
