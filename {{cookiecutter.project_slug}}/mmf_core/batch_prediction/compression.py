"""Files that are compressed as a whole: `.gz` and `.zst`."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from ..errors import MissingPackage
from ..packages import zstd_module
from .errors import BatchError

if TYPE_CHECKING:
    from collections.abc import Iterator

GZIP, ZSTD = "gz", "zst"
SUFFIXES = (GZIP, ZSTD)
_GZIP_LEVEL, _ZSTD_LEVEL = 6, 3


def decompressed(stream: IO[bytes], compression: str) -> IO[bytes]:
    """Return a stream of what another has compressed; `compression` is a suffix or empty."""
    if compression == GZIP:
        return cast("IO[bytes]", gzip.GzipFile(fileobj=stream, mode="rb"))
    if compression == ZSTD:
        return cast("IO[bytes]", _zstd().ZstdFile(stream, "rb"))
    return stream


def compressed(data: bytes, compression: str) -> bytes:
    """Return bytes as one member of a stream: members may follow each other (RFC 1952, RFC 8878).

    The same bytes become the same member at any time.
    """
    if compression == GZIP:
        return gzip.compress(data, _GZIP_LEVEL, mtime=0)
    if compression == ZSTD:
        return bytes(_zstd().compress(data, _ZSTD_LEVEL))
    return data


def check_available(compression: str) -> None:
    """Raise MissingPackage if a compression needs a library that is not installed."""
    if compression == ZSTD:
        _zstd()


@contextmanager
def damage_reported(name: str, compression: str) -> Iterator[None]:
    """Raise BatchError for a file that is cut off or damaged."""
    try:
        yield
    except EOFError:
        raise BatchError(
            f"{name}: the file ends in the middle of its .{compression} data"
        ) from None
    except gzip.BadGzipFile as error:
        raise BatchError(f"{name}: expected .{compression} data: {error}") from None
    except _errors(compression) as error:
        raise BatchError(f"{name}: the .{compression} data is damaged: {error}") from None


def _errors(compression: str) -> tuple[type[Exception], ...]:
    """Return the errors that damaged data raise, besides EOFError and BadGzipFile."""
    if compression == GZIP:
        return (zlib.error,)
    return (_zstd().ZstdError,) if compression == ZSTD else ()


def _zstd() -> Any:
    if zstd := zstd_module():
        return zstd
    raise MissingPackage(".zst", ["backports.zstd"])
