"""The formats that values travel in: names, media types and file name extensions in one place."""

from __future__ import annotations

from enum import Enum


class Format(Enum):
    """How bytes are written. The first media type is the one sent; the others are accepted too."""

    CSV = ("text/csv", "application/csv", "text/x-csv"), ("csv",)
    TSV = ("text/tab-separated-values", "text/tsv"), ("tsv", "tab")
    JSON = ("application/json", "text/json"), ("json",)
    JSONL = (
        (
            "application/x-ndjson",
            "application/ndjson",
            "application/jsonl",
            "application/x-jsonlines",
        ),
        ("jsonl", "ndjson"),
    )
    XLSX = (
        (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.ms-excel.sheet.macroenabled.12",
        ),
        ("xlsx", "xlsm"),
    )
    XLS = ("application/vnd.ms-excel", "application/x-excel"), ("xls",)
    ODS = ("application/vnd.oasis.opendocument.spreadsheet",), ("ods",)
    XML = ("application/xml", "text/xml"), ("xml",)
    PARQUET = ("application/vnd.apache.parquet", "application/x-parquet"), ("parquet", "pq")
    ARROW = ("application/vnd.apache.arrow.stream",), ("arrows", "arrow")
    FEATHER = ("application/vnd.apache.arrow.file", "application/x-feather"), ("feather",)
    YAML = ("application/yaml", "application/x-yaml", "text/yaml"), ("yaml", "yml")
    MSGPACK = ("application/msgpack", "application/x-msgpack"), ("msgpack",)
    PROTOBUF = ("application/x-protobuf", "application/protobuf"), ("pb", "protobuf")
    NPY = ("application/x-npy",), ("npy",)
    HTML = ("text/html",), ("html", "htm")
    EVENTS = ("text/event-stream",), ("events", "sse")
    TEXT = ("text/plain",), ("txt", "text")
    PNG = ("image/png",), ("png",)
    JPEG = ("image/jpeg", "image/jpg"), ("jpg", "jpeg", "jpe")
    WEBP = ("image/webp",), ("webp",)
    GIF = ("image/gif",), ("gif",)
    BMP = ("image/bmp", "image/x-ms-bmp"), ("bmp",)
    TIFF = ("image/tiff",), ("tiff", "tif")
    BINARY = ("application/octet-stream",), ("bin",)

    __hash__ = object.__hash__  # by identity, as members are equal; Enum's own calls Python

    # Names that MMF's documentation uses for the same thing.
    JPG = JPEG

    def __init__(self, media_types: tuple[str, ...], extensions: tuple[str, ...]) -> None:
        self.media_types = media_types
        self.extensions = extensions
        self.media_type = media_types[0]
        """The media type of responses."""
        self.content_type = self.media_type
        """The media type, with a charset if the format is text."""
        if self.media_type.startswith("text/"):
            self.content_type += "; charset=utf-8"
        self.extension = extensions[0]
        """The extension that file names get, without the dot; also the format's short name."""

    @classmethod
    def of_media_type(cls, media_type: str) -> Format | None:
        """Find the format of `text/csv` and the like; without parameters."""
        return _BY_MEDIA_TYPE.get(media_type.lower())

    @classmethod
    def of_extension(cls, extension: str) -> Format | None:
        """Find the format of `xlsx`, `.XLSX` and the like."""
        return _BY_EXTENSION.get(extension.lstrip(".").lower())


_BY_MEDIA_TYPE = {media_type: format for format in Format for media_type in format.media_types}
_BY_EXTENSION = {extension: format for format in Format for extension in format.extensions}
