"""Dicts and other nested plain values as YAML 1.2 (RFC 9512)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar

from ..errors import InvalidValue, RequestError
from .base import Codec, Kind, Options
from .formats import Format
from .plain import MAX_DEPTH, checked, plain, too_deep

MAX_REPEATED = 100_000
"""How many values aliases may stand for in all: a few lines can stand for billions."""

# What is no text: YAML 1.2's core schema, with numbers as in JSON. Of YAML 1.1, which PyYAML
# reads by itself, `no` is no bool, `1:30` no number and 2026-01-31 no date.
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


class TreeYAML(Codec[Any]):
    """One document without tags; an alias is what it stands for."""

    kind = Kind.JSON
    format = Format.YAML
    requires: ClassVar = {"yaml": "pyyaml"}

    def decode(self, data: bytes, options: Options) -> Any:
        import yaml

        try:
            _examine(data)
            return checked(yaml.load(data, Loader=_loader()))  # noqa: S506 - of SafeLoader's kind
        except InvalidValue:
            raise
        except yaml.YAMLError as error:
            raise RequestError(f"this is not valid YAML: {_short(error)}") from None
        except (ValueError, TypeError, OverflowError):  # a number too long; an object as a key
            raise RequestError("this YAML has a number or a name that cannot be read") from None

    def encode(self, value: Any, options: Options) -> bytes:
        import yaml

        text: str = yaml.dump(plain(value), Dumper=_dumper(), allow_unicode=True, sort_keys=False)
        return text.encode()


@lru_cache(maxsize=1)
def _loader() -> Any:
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return _with_scalars(type("Loader", (base,), {"yaml_implicit_resolvers": {}}))


@lru_cache(maxsize=1)
def _dumper() -> Any:
    """Return what puts a text into quotes if either version would take it for something else."""
    import yaml

    return _with_scalars(type("Dumper", (getattr(yaml, "CSafeDumper", yaml.SafeDumper),), {}))


def _with_scalars(reader_or_writer: Any) -> Any:
    for kind, pattern, first in _SCALARS:
        tag = f"tag:yaml.org,2002:{kind}"
        reader_or_writer.add_implicit_resolver(tag, re.compile(pattern), first)
    return reader_or_writer


def _examine(data: bytes) -> None:
    """Read the events only, so that nothing is built of tags, great depth or repetition."""
    import yaml

    document = _Sizes()
    for event in yaml.parse(data, Loader=_loader()):
        if getattr(event, "tag", None):
            raise InvalidValue("YAML is read without tags, such as !!str or !name")
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


class _Sizes:
    """How many values there are, and how many each anchor stands for."""

    def __init__(self) -> None:
        self.count = self.repeated = 0
        self.of_anchors: dict[str | None, int] = {}
        self.open_ones: list[tuple[str | None, int]] = []

    def begin(self, anchor: str | None) -> None:
        if len(self.open_ones) > MAX_DEPTH:  # the last of them may be a scalar
            raise too_deep()
        self.open_ones.append((anchor, self.count))
        self.count += 1

    def end(self) -> None:
        anchor, start = self.open_ones.pop()
        self.of_anchors[anchor] = self.count - start

    def repeat(self, anchor: str | None) -> None:
        if anchor not in self.of_anchors:
            raise InvalidValue(f"*{anchor} in this YAML stands for nothing before it")
        self.count += self.of_anchors[anchor]
        self.repeated += self.of_anchors[anchor]
        if self.repeated > MAX_REPEATED:
            raise InvalidValue(f"aliases in this YAML stand for more than {MAX_REPEATED:,} values")


def _short(error: Any) -> str:
    """Say what is wrong and where, without PyYAML's picture of the place."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{problem or 'it has characters that YAML does not allow'}{where}"
