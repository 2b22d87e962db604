"""https:// : any web server, presigned URLs among them; to read only, and by sha256."""

from __future__ import annotations

from .base import Content, Store, Version, shown
from .over_http import Refused, request, start_and_size

REASONS = {
    401: "it asks for a password; a presigned URL needs none",
    403: "it is refused; a presigned URL may have expired, and then a new one is needed",
    404: "it is not there",
    410: "it is not there any more",
}


class HttpsStore(Store):
    """What a URL gives. `http://` too: the sum says whether it is the right file."""

    schemes = ("https", "http")
    requires_checksum = True

    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        headers = {"Range": f"bytes={start}-"} if start else {}
        try:
            answer = request(shown(uri), uri, headers)
        except Refused as error:
            if reason := REASONS.get(error.code):
                raise Refused(shown(uri), error.code, f"({reason})") from error
            raise
        about = answer.headers
        start, size = start_and_size(about["Content-Range"], about["Content-Length"])
        return Content(answer, Version(size=size, tag=about["ETag"] or ""), start)
