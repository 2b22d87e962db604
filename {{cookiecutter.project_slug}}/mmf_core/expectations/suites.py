"""Suites of Great Expectations, from the JSON that it keeps in gx/expectations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import Untranslatable

# They do not change what is valid.
_WITHOUT_EFFECT = {
    "result_format",
    "catch_exceptions",
    "include_config",
    "batch_id",
    "unexpected_rows_query",
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation: its name and its parameters; those that are not set are left out."""

    name: str
    parameters: Mapping[str, Any]

    def __str__(self) -> str:
        column = self.parameters.get("column")
        return self.name if column is None else f'{self.name}, column "{column}"'


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite by its name."""

    name: str
    expectations: tuple[Expectation, ...]


def read_suite(file: Path) -> Suite:
    """Read a suite of any version; Untranslatable unless the file is one."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        name = content.get("name") or content["expectation_suite_name"]  # before version 1
        expectations = tuple(_expectations(content["expectations"]))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason = (
            f"expected a suite of Great Expectations as JSON, got {type(error).__name__}: {error}"
        )
        raise Untranslatable(str(file), [reason]) from error
    return Suite(str(name), expectations)


def _expectations(configurations: list[Mapping[str, Any]]) -> Iterator[Expectation]:
    for configuration in configurations:
        name = configuration.get("type") or configuration["expectation_type"]  # before version 1
        parameters = {
            key: value
            for key, value in configuration["kwargs"].items()
            if key not in _WITHOUT_EFFECT and value is not None
        }
        if configuration.get("severity", "critical") != "critical":
            parameters["severity"] = configuration["severity"]
        if parameters.get("mostly") == 1:
            del parameters["mostly"]
        yield Expectation(str(name), parameters)
