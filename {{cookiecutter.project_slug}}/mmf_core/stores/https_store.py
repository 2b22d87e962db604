"""https:// : any web server, including presigned URLs; read-only, and by sha256."""

from __future__ import annotations

from ..errors import StoreError
from .base import Store
from .objects import Content, Version, redact_url
from .over_http import HTTPStatusError, request, start_and_size

REASONS = {
    401: "a password is required; a presigned URL needs none",
    403: "access denied; a presigned URL may have expired: create a new one",
    404: "not found",
    410: "no longer available",
}


class HttpsStore(Store):
    """Files by URL. `http://` too: the checksum shows whether it is the right file."""

    schemes = ("https", "http")
    requires_checksum = True

    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        headers = {"Range": f"bytes={start}-"} if start else {}
        try:
            response = request(redact_url(uri), uri, headers)
        except HTTPStatusError as error:
            if reason := REASONS.get(error.code):
                raise HTTPStatusError(redact_url(uri), error.code, f"({reason})") from error
            raise
        fields = response.headers
        try:
            start, size = start_and_size(fields["Content-Range"], fields["Content-Length"])
        except StoreError as error:
            response.close()
            raise StoreError(f"{redact_url(uri)}: {error}") from error
        return Content(response, Version(size=size, etag=fields["ETag"] or ""), start)


STORE = HttpsStore()
