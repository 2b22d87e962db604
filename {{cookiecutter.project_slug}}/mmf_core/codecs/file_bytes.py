"""What a file is in Python: bytes that know the file's name and media type."""

from __future__ import annotations

import re

LONGEST_NAME = 200  # characters, of which a file system may need four bytes each at worst
_MEDIA_TYPE = re.compile(r"[\w.+!#$&^-]+/[\w.+!#$&^-]+", re.ASCII)  # RFC 6838, 4.2


class FileBytes(bytes):
    """The bytes of a file; `name` and `media_type` are empty where they are not known.

    The name is safe to save under: no folders, no control characters. ValueError if the media type
    is not like `image/png`.
    """

    name: str
    media_type: str

    def __new__(
        cls, data: bytes | bytearray | memoryview = b"", name: str = "", media_type: str = ""
    ) -> FileBytes:
        """Make it of any bytes."""
        if media_type and not is_media_type(media_type):
            raise ValueError(f"{media_type!r} is no media type such as image/png")
        made = super().__new__(cls, data)
        made.name, made.media_type = safe_name(name), media_type
        return made


def is_media_type(text: str) -> bool:
    """Tell whether this is a media type without parameters."""
    return _MEDIA_TYPE.fullmatch(text) is not None


def safe_name(name: str) -> str:
    """Return a file's own name, whatever folders and unprintable characters came with it."""
    own = re.split(r"[/\\]", name)[-1]
    clean = "".join(one for one in own if one.isprintable()).strip(" .")
    return clean[-LONGEST_NAME:].lstrip(" .")  # the end, for its extension
