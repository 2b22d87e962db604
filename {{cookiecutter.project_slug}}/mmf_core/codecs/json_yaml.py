"""JSON values as YAML 1.2 (RFC 9512)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar

from ..errors import InvalidValue, RequestError
from .base import Codec, Kind, Options
from .formats import Format
from .json_values import MAX_DEPTH, check_value, plain, too_deep

MAX_REPEATED = 100_000
"""The values that all aliases together may stand for: a few lines can stand for billions."""

# Scalars other than text: YAML 1.2's core schema, with numbers as in JSON. By default PyYAML reads
# YAML 1.1, in which `no` is a bool, `1:30` a number and 2026-01-31 a date.
_SCALARS = (
    ("null", r"^(?:null|Null|NULL|~|)$", ["n", "N", "~", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^-?(?:0|[1-9][0-9]*)$", list("-0123456789")),
    (
        "float",
        r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$",
        list("-0123456789"),
    ),
)


class JSONAsYAML(Codec[Any]):
    """One document without tags; an alias becomes the value that it stands for."""

    kind = Kind.JSON
    format = Format.YAML
    requires: ClassVar = {"yaml": "pyyaml"}
    memory_weights: ClassVar = dict.fromkeys((b",", b"\n", b":", b"[", b"{"), 440)

    def decode(self, data: bytes, options: Options) -> Any:
        import yaml

        try:
            _check_events(data)
            return check_value(yaml.load(data, Loader=_loader()))  # noqa: S506 - a SafeLoader
        except InvalidValue:
            raise
        except yaml.YAMLError as error:
            raise RequestError(f"this YAML cannot be read: {_reason(error)}") from None
        except (ValueError, TypeError, OverflowError):  # long numbers; objects as keys
            raise RequestError(
                "this YAML has a number that is too long, or a name that is not text"
            ) from None

    def encode(self, value: Any, options: Options) -> bytes:
        import yaml

        text: str = yaml.dump(plain(value), Dumper=_dumper(), allow_unicode=True, sort_keys=False)
        return text.encode()


CODECS = (JSONAsYAML(),)


@lru_cache(maxsize=1)
def _loader() -> Any:
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return _with_scalars(type("Loader", (base,), {"yaml_implicit_resolvers": {}}))


@lru_cache(maxsize=1)
def _dumper() -> Any:
    """Return a dumper that quotes texts which YAML 1.1 or 1.2 would read as another type."""
    import yaml

    return _with_scalars(type("Dumper", (getattr(yaml, "CSafeDumper", yaml.SafeDumper),), {}))


def _with_scalars(loader_or_dumper: Any) -> Any:
    for kind, pattern, first_characters in _SCALARS:
        tag = f"tag:yaml.org,2002:{kind}"
        loader_or_dumper.add_implicit_resolver(tag, re.compile(pattern), first_characters)
    return loader_or_dumper


def _check_events(data: bytes) -> None:
    """Refuse tags, great depth and repetition before any value is built."""
    import yaml

    document = _ValueCounter()
    for event in yaml.parse(data, Loader=_loader()):
        if getattr(event, "tag", None):
            raise InvalidValue("YAML tags such as !!str or !name are not supported; remove them")
        match event:
            case yaml.AliasEvent():
                document.repeat(event.anchor)
            case yaml.ScalarEvent():
                document.begin(event.anchor)
                document.end()
            case yaml.CollectionStartEvent():
                document.begin(event.anchor)
            case yaml.CollectionEndEvent():
                document.end()


class _ValueCounter:
    """Counts the values of a document, and those that each anchor stands for."""

    def __init__(self) -> None:
        self.count = self.repeated = 0
        self.anchor_sizes: dict[str | None, int] = {}
        self.open_values: list[tuple[str | None, int]] = []

    def begin(self, anchor: str | None) -> None:
        if len(self.open_values) > MAX_DEPTH:  # the last of them may be a scalar
            raise too_deep()
        self.open_values.append((anchor, self.count))
        self.count += 1

    def end(self) -> None:
        anchor, start = self.open_values.pop()
        self.anchor_sizes[anchor] = self.count - start

    def repeat(self, anchor: str | None) -> None:
        if anchor not in self.anchor_sizes:
            raise InvalidValue(f"the alias *{anchor} in this YAML has no anchor before it")
        self.count += self.anchor_sizes[anchor]
        self.repeated += self.anchor_sizes[anchor]
        if self.repeated > MAX_REPEATED:
            raise InvalidValue(
                f"expected aliases in this YAML to stand for at most {MAX_REPEATED:,} values; "
                "write the values out"
            )


def _reason(error: Any) -> str:
    """Return the problem and its place, without PyYAML's excerpt of the text."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{problem or 'it has characters that YAML does not allow'}{place}"
