"""Codec options: the operator's limits, overridden by the options of a descriptor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, current_app

from ...descriptors import Descriptor
from ...settings import Settings

_KEY = "MMF_CODEC_OPTIONS"


def install(app: Flask, settings: Settings) -> None:
    """Store the operator's limits in the application."""
    app.config[_KEY] = limits_of(settings)


def limits_of(settings: Settings) -> dict[str, Any]:
    """Return the codec options from the settings; sizes in bytes."""
    return {
        "max_body": settings.max_body,
        "max_decompressed": settings.max_decompressed,
        "escape_formulas": settings.csv_escape,
    }


def limits() -> dict[str, Any]:
    """Return the operator's limits of the current application."""
    options: dict[str, Any] = current_app.config[_KEY]
    return options


def options_of(
    descriptor: Descriptor[Any], limits_: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the options for the codecs of a descriptor's values."""
    return {**(limits() if limits_ is None else limits_), **descriptor.options}
