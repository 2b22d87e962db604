"""s3:// : Amazon S3 and every server of its kind, by the standard library alone.

Set by AWS's own variables: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION
and AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import StoreError
from .base import Content, Store, Version
from .over_http import Refused, request, size_and_start
from .signing import escaped, keys, query_text, region, signed

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PART = 32 * 1024 * 1024
AT_ONCE = 3
SPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
META = "x-amz-meta-"
WRONG_KEYS = "the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not taken"
REASONS = {
    "InvalidAccessKeyId": WRONG_KEYS,
    "SignatureDoesNotMatch": WRONG_KEYS,
    "AccessDenied": "these keys may not do that",
    "ExpiredToken": "the keys have expired",
    "NoSuchBucket": "there is no such bucket",
    "NoSuchKey": "it is not in the bucket",
    "NoSuchVersion": "there is no such version; mmfmeta versions lists those there are",
    "PermanentRedirect": "the bucket is in another region; set AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set AWS_REGION",
}


class S3Store(Store):
    """Objects as `s3://bucket/key`."""

    schemes = ("s3",)

    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        query = {"versionId": version} if version else {}
        headers = {"Range": f"bytes={start}-"} if start else {}
        answer = _ask(uri, "GET", query, headers)
        size, start = size_and_start(answer.headers, answer.status)
        return Content(answer, _version(answer.headers, size), start)

    def upload(self, path: Path, uri: str, metadata: Mapping[str, str]) -> Version:
        headers = {META + key: value for key, value in metadata.items()}
        if path.stat().st_size <= PART:
            answer = _ask(uri, "PUT", {}, headers, path.read_bytes())
        else:
            answer = _upload_in_parts(path, uri, headers)
        with answer:
            return _version(answer.headers, path.stat().st_size)

    def versions(self, uri: str) -> list[Version]:
        from defusedxml.ElementTree import fromstring

        bucket, key = _bucket_and_key(uri)
        query = {"versions": "", "prefix": key}
        found: list[Version] = []
        while True:
            with _ask(f"s3://{bucket}", "GET", query) as answer:
                page = fromstring(answer.read())
            found += [
                _listed(one) for one in page.iter(SPACE + "Version") if _text(one, "Key") == key
            ]
            if _text(page, "IsTruncated") != "true":
                break
            query["key-marker"] = _text(page, "NextKeyMarker")
            query["version-id-marker"] = _text(page, "NextVersionIdMarker")
        if not found:
            raise StoreError(f"{uri}: {REASONS['NoSuchKey']}")
        return sorted(found, key=lambda one: one.modified, reverse=True)


def _upload_in_parts(path: Path, uri: str, headers: Mapping[str, str]) -> Any:
    with _ask(uri, "POST", {"uploads": ""}, headers, b"") as answer:
        upload = _tag("UploadId", answer.read().decode())

    def send(number: int, body: bytes) -> str:
        query = {"partNumber": str(number), "uploadId": upload}
        with _ask(uri, "PUT", query, {}, body) as answer:
            etag = answer.headers["ETag"]
        return f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"

    try:
        with path.open("rb") as file, ThreadPoolExecutor(AT_ONCE) as pool:
            sent: list[str] = []
            for numbers, bodies in _batches(file):  # no more in memory than is on its way
                sent += pool.map(send, numbers, bodies)
        whole = f"<CompleteMultipartUpload>{''.join(sent)}</CompleteMultipartUpload>".encode()
        answer = _ask(uri, "POST", {"uploadId": upload}, {}, whole)
    except BaseException:  # parts of what is given up would be paid for
        with suppress(StoreError):
            _ask(uri, "DELETE", {"uploadId": upload}).close()
        raise
    if code := _tag("Code", answer.read().decode()):  # S3 may say 200 first and then what fails
        raise StoreError(f"{uri}: the parts do not make a whole: {code}; push it again")
    return answer


def _batches(file: IO[bytes]) -> Iterator[tuple[list[int], list[bytes]]]:
    for first in count(1, AT_ONCE):
        bodies = [body for _ in range(AT_ONCE) if (body := file.read(PART))]
        if not bodies:
            return
        yield list(range(first, first + len(bodies))), bodies


def _ask(
    uri: str,
    method: str,
    query: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Any:
    url = _url(*_bucket_and_key(uri))
    if query:
        url = f"{url}?{query_text(query)}"
    by, now = keys(), datetime.now(UTC)
    full = signed(method, url, headers or {}, body or b"", now, by)
    try:
        return request(uri, url, method=method, headers=full, body=body, redirect=False)
    except Refused as error:
        code = _tag("Code", error.body)
        reason = REASONS.get(code) or _tag("Message", error.body)
        raise Refused(uri, error.code, f"{code}: {reason}", "") from error


def _url(bucket: str, key: str) -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    path = escaped(key, safe="/")
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}/{path}"
    host = f"s3.{region()}.amazonaws.com"
    # A certificate for *.s3… holds for one label only, so names with dots go into the path.
    return f"https://{host}/{bucket}/{path}" if "." in bucket else f"https://{bucket}.{host}/{path}"


def _bucket_and_key(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not bucket:
        raise StoreError(f"{uri}: give s3://bucket/key")
    return bucket, key


def _version(headers: Mapping[str, str], size: int) -> Version:
    metadata = {
        key.lower().removeprefix(META): value
        for key, value in headers.items()
        if key.lower().startswith(META)
    }
    return Version(
        id=headers.get("x-amz-version-id") or "",
        size=size,
        sha256=metadata.get("sha256", ""),
        tag=headers.get("ETag") or "",
        modified=headers.get("Last-Modified") or "",
        metadata=metadata,
    )


def _listed(one: Element) -> Version:
    size = int(_text(one, "Size"))
    return Version(id=_text(one, "VersionId"), size=size, modified=_text(one, "LastModified"))


def _text(element: Element, name: str) -> str:
    return element.findtext(SPACE + name) or ""


def _tag(name: str, xml: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    return found[1] if found else ""
