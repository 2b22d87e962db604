"""AWS's Signature Version 4, of headers, as its documentation of Amazon S3 defines it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from ..errors import StoreError

ALGORITHM = "AWS4-HMAC-SHA256"


class Keys(NamedTuple):
    """What a request is signed with; `token` belongs to keys that expire."""

    access: str
    secret: str = ""
    token: str = ""


def keys() -> Keys:
    """Return the keys of AWS_ACCESS_KEY_ID, else those that botocore finds, if it is installed.

    It knows profiles, AWS's single sign-on and the roles of machines and containers.
    """
    if access := os.environ.get("AWS_ACCESS_KEY_ID"):
        secret = os.environ.get("AWS_SECRET_ACCESS_KEY", "")
        return Keys(access, secret, os.environ.get("AWS_SESSION_TOKEN", ""))
    try:
        from botocore.session import Session
    except ImportError as error:
        raise StoreError(
            "s3:// needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
            "for those of a profile or a role: pip install botocore"
        ) from error
    if not (found := Session().get_credentials()):
        raise StoreError("s3:// needs keys: there is no AWS_ACCESS_KEY_ID, and no profile or role")
    frozen = found.get_frozen_credentials()
    return Keys(frozen.access_key, frozen.secret_key, frozen.token or "")


def region() -> str:
    """Return the region, of AWS_REGION or AWS_DEFAULT_REGION."""
    names = ("AWS_REGION", "AWS_DEFAULT_REGION")
    return next((os.environ[name] for name in names if os.environ.get(name)), "us-east-1")


def escaped(text: str, safe: str = "") -> str:
    """Escape as the signature wants it: everything but letters, digits and `-._~`."""
    return quote(text, safe=safe)


def query_text(query: Mapping[str, str]) -> str:
    """Return a query in the order that is signed."""
    return "&".join(f"{escaped(key)}={escaped(value)}" for key, value in sorted(query.items()))


def signed(
    method: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime, by: Keys
) -> dict[str, str]:
    """Return `headers` and those that sign them; the path and query of `url` are escaped."""
    parts = urlsplit(url)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    payload = hashlib.sha256(body).hexdigest()
    full = {**headers, "x-amz-content-sha256": payload, "x-amz-date": stamp}
    if by.token:
        full["x-amz-security-token"] = by.token
    canonical = {key.lower(): value.strip() for key, value in full.items()} | {"host": parts.netloc}
    names = ";".join(sorted(canonical))
    lines = "".join(f"{key}:{canonical[key]}\n" for key in sorted(canonical))
    asked = "\n".join([method, parts.path or "/", parts.query, lines, names, payload])
    scope = f"{stamp[:8]}/{region()}/s3/aws4_request"
    digest = hashlib.sha256(asked.encode()).hexdigest()
    key = f"AWS4{by.secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    signature = _hmac(key, f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}").hex()
    full["Authorization"] = (
        f"{ALGORITHM} Credential={by.access}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return full


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
