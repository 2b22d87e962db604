"""A file in Python: bytes with a name and a media type."""

from __future__ import annotations

import re

MAX_NAME_BYTES = 240
"""Of a name in UTF-8: file systems take 255, and something may be added to it."""
_MEDIA_TYPE = re.compile(r"[\w.+!#$&^-]+/[\w.+!#$&^-]+", re.ASCII)  # RFC 6838, 4.2


class FileBytes(bytes):
    """The bytes of a file, with the name and the media type that it was or will be sent under.

    - `data`: the bytes.
    - `name`: the file's name; what `.name` holds is safe to save under: no folders, no control
      characters.
    - `media_type`: such as `image/png`; ValueError if it cannot be one.

    >>> mmf.FileBytes(b"a,b", name="../table.csv", media_type="text/csv").name
    'table.csv'
    """

    name: str
    media_type: str

    def __new__(
        cls, data: bytes | bytearray | memoryview = b"", name: str = "", media_type: str = ""
    ) -> FileBytes:
        """Create a file from bytes."""
        if media_type and not is_media_type(media_type):
            raise ValueError(f"expected a media type such as image/png, got {media_type!r}")
        file = super().__new__(cls, data)
        file.name, file.media_type = safe_name(name), media_type
        return file


def is_media_type(text: str) -> bool:
    """Return whether a text is a media type without parameters."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def safe_name(name: str) -> str:
    """Return a file's own name, without folders and unprintable characters."""
    base = re.split(r"[/\\]", name)[-1]
    clean = "".join(filter(str.isprintable, base)).strip(" .")
    end = clean.encode()[-MAX_NAME_BYTES:]  # to keep the extension
    return end.decode(errors="ignore").lstrip(" .")
