"""Measured outcomes of round trips of values through formats.

A cell of docs/fidelity.md is a kind of value, a format and an outcome, and states: this holds for
every value of the kind that hypothesis makes, and no better outcome does. `measured` finds it for
`make fidelity`, which writes the page; `check` compares it with a cell for the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmf_core.codecs import Codec, Format
from mmf_core.errors import RequestError

REJECTIONS = (TypeError, ValueError, RequestError)


@dataclass(frozen=True)
class Kind:
    """Values of one kind; `declared` creates the descriptor of such a value."""

    name: str
    values: st.SearchStrategy[Any]
    declared: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Trip:
    """A value written in a format and read back: the result, or the error."""

    value: Any
    codec: Codec[Any]
    declared: Callable[[Any], Any] | None

    @cached_property
    def bare(self) -> Any:
        """The result without a descriptor."""
        try:
            return self.codec.decode(self.codec.encode(self.value, {}), {})
        except REJECTIONS as error:
            return error

    @cached_property
    def described(self) -> Any:
        """The result with a descriptor; an error if there is none."""
        if self.declared is None:
            return LookupError()
        try:
            descriptor = self.declared(self.value)
            data = self.codec.encode(self.value, {})
            return descriptor.validate(self.codec.decode(data, descriptor.options))
        except REJECTIONS as error:
            return error

    def __str__(self) -> str:
        return f"{self.value!r} → {self.bare!r}; as declared → {self.described!r}"


@dataclass(frozen=True)
class Outcome:
    """A word of the page, its meaning, and a predicate for one round trip."""

    word: str
    meaning: str
    holds: Callable[[Trip], bool]


def of_bare(compare: Callable[[Any, Any], bool]) -> Callable[[Trip], bool]:
    """Compare the undeclared result with the value sent."""
    return lambda trip: not _is_error(trip.bare) and compare(trip.bare, trip.value)


def of_described(compare: Callable[[Any, Any], bool]) -> Callable[[Trip], bool]:
    """Compare the declared result with the value sent."""
    return lambda trip: not _is_error(trip.described) and compare(trip.described, trip.value)


def _is_error(received: Any) -> bool:
    return isinstance(received, Exception)


REFUSED = Outcome("refused", "an error reports it", lambda trip: _is_error(trip.bare))
NO = Outcome("**no**", "none of these: some such values change or are lost", lambda _: True)


def check(
    kind: Kind,
    codecs: Mapping[Format, Codec[Any]],
    outcomes: Sequence[Outcome],
    words: Mapping[Format, str],
) -> None:
    """Assert that a format's outcome holds for all values, and that each better one does not."""
    assert _best(outcomes, _disproved(kind, codecs, outcomes, words)) == words, kind.name


def measured(
    kind: Kind, codecs: Mapping[Format, Codec[Any]], outcomes: Sequence[Outcome]
) -> dict[Format, str]:
    """Return the word of the best outcome that holds, for each format."""
    return _best(outcomes, _disproved(kind, codecs, outcomes))


def _best(outcomes: Sequence[Outcome], disproved: Mapping[Format, set[str]]) -> dict[Format, str]:
    return {
        format: next(outcome.word for outcome in outcomes if outcome.word not in words)
        for format, words in disproved.items()
    }


def _disproved(
    kind: Kind,
    codecs: Mapping[Format, Codec[Any]],
    outcomes: Sequence[Outcome],
    words: Mapping[Format, str] = MappingProxyType({}),
) -> dict[Format, set[str]]:
    """Return the outcomes that fail for some value, up to the one that a format's word names.

    This one must hold for all: hypothesis reports the simplest value for which it does not.
    """
    disproved: dict[Format, set[str]] = {format: set() for format in codecs}

    # A profile with more examples also applies here.
    @settings(
        max_examples=max(4, settings().max_examples // 25),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(kind.values)
    def check_value(value: Any) -> None:
        for format, codec in codecs.items():
            trip = Trip(value, codec, kind.declared)
            for outcome in outcomes:
                if outcome.word == words.get(format):
                    assert outcome.holds(trip), f"{format.name}: not {outcome.word!r} but {trip}"
                    break
                if outcome.word not in disproved[format] and not outcome.holds(trip):
                    disproved[format].add(outcome.word)

    check_value()
    return disproved
