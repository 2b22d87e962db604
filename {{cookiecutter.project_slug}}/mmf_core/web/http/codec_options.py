"""What codecs are told beside the bytes: the operator's settings, and over them the author's."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app

from ...descriptors import Descriptor
from ...settings import Settings

_KEY = "MMF_CODEC_OPTIONS"


def install(app: Flask, settings: Settings) -> None:
    """Keep what the settings have to say to codecs."""
    app.config[_KEY] = {
        "max_body": settings.max_body,
        "max_decompressed": settings.max_decompressed,
        "escape_formulas": settings.csv_escape,
    }


def max_decompressed() -> int:
    """Return to how many bytes a body may decompress."""
    most: int = current_app.config[_KEY]["max_decompressed"]
    return most


def limits() -> dict[str, Any]:
    """Return what the operator allows."""
    known: dict[str, Any] = current_app.config[_KEY]
    return known


def options_of(descriptor: Descriptor[Any]) -> dict[str, Any]:
    """Return the options for the codecs of a descriptor's values."""
    return {**current_app.config[_KEY], **descriptor.options}
