"""The options of `mmfmeta token`, and what may be in them."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

import click

from ..cli.get_meta import load_project
from ..errors import quoted
from ..web.authorization import ALL, GROUPS
from .callers import MAX_NAME, is_name
from .rates import parse_rate

PRIVATE = "token-key.pem"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhd])")
PRIVATE_OPTION = click.option(
    *("--key", "private"),
    type=click.Path(dir_okay=False, path_type=Path),
    default=PRIVATE,
    show_default=True,
    help="The private key. Keep it where tokens are made, never with the service.",
)
AUDIENCE_OPTION = click.option(
    "--audience",
    envvar="MMF_TOKEN_AUDIENCE",
    help="The audience of tokens. Default: the project's name.",
)


def _target_names(_: click.Context, __: click.Parameter, value: str) -> list[str]:
    """Read names of targets; in a project's folder, of those that its main.py declares."""
    names = _split(value)
    if invalid := [name for name in names if name != ALL and not name.isidentifier()]:
        raise click.BadParameter(
            f"expected names of targets, or {ALL} for all of them, got {quoted(invalid[0])}"
        )
    if set(names) == {ALL} or not Path("main.py").is_file():
        return names
    targets = [*load_project("main").targets]
    if unknown := next((name for name in names if name not in {ALL, *targets}), None):
        nearest = get_close_matches(unknown, targets, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise click.BadParameter(
            f"expected targets of this project, of {', '.join(targets)}, got {unknown}{hint}"
        )
    return names


def _group_names(_: click.Context, __: click.Parameter, value: str) -> list[str]:
    names = _split(value)
    if unknown := [name for name in names if name not in GROUPS]:
        raise click.BadParameter(f"expected groups of {', '.join(GROUPS)}, got {unknown[0]}")
    return names


def _split(value: str) -> list[str]:
    names = [name.strip() for name in value.split(",") if name.strip()]
    if not names:
        raise click.BadParameter(f"expected names with commas between them, got {quoted(value)}")
    return names


def _subject(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_name(value.strip()):
        raise click.BadParameter(
            f"expected 1 to {MAX_NAME} printable characters, got {quoted(value)}"
        )
    return value


def _seconds(_: click.Context, __: click.Parameter, value: str) -> int:
    match = _DURATION.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"expected 30d, 12h, 15m or 90s, got {value}")
    return int(match[1]) * _UNITS[match[2]]


def _rate(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    try:
        if value is not None:
            parse_rate(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


TARGETS_OPTION = click.option(
    "--targets",
    callback=_target_names,
    required=True,
    help=f"Targets with commas between them, of main.py if it is in this folder; {ALL}: all.",
)
GROUPS_OPTION = click.option(
    "--groups",
    callback=_group_names,
    default="predict",
    show_default=True,
    help=f"What may be called, of {', '.join(GROUPS)}.",
)
RATE_OPTION = click.option("--rate", callback=_rate, help="The caller's own rate: 100/minute.")
SUBJECT_OPTION = click.option(
    "--subject", callback=_subject, help="The caller's name in the log. Default: the token's id."
)
EXPIRES_OPTION = click.option(
    "--expires",
    callback=_seconds,
    default="30d",
    show_default=True,
    help="How long the token is valid: 30d, 12h, 15m or 90s.",
)
