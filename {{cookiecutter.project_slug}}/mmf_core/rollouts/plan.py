"""`rollout.toml`: which version is the candidate, and which requests it gets.

The file is read by the service while it serves; the commands and `PUT /rollout` write it, too.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from ..errors import MMFError
from ..text_files import replace_text
from .sticky import parse_sticky
from .strategies import STRATEGIES
from .toml_text import toml_of

MAX_BYTES = 64 * 1024
MAX_STEPS = 100
ALL = 100.0
"""Per cent."""
LARGEST = 1_000_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class PlanError(MMFError):
    """A plan is invalid; the message says why, and what was expected."""


def _percent(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= ALL:
        raise ValueError("expected a number from 0 to 100")
    return float(value)


def _half(value: Any) -> float:
    number = _percent(value)
    if number > ALL / 2:
        raise ValueError("expected a number from 0 to 50")
    return number


def _positive(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value < math.inf:
        raise ValueError("expected a number of more than 0")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
        raise ValueError("expected a whole number of at least 1")
    return value


def _share(value: Any) -> float:
    number = _positive(value)
    if number > 1:
        raise ValueError("expected a share, more than 0 and at most 1")
    return number


def _steps(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_STEPS:
        raise ValueError(f"expected 1 to {MAX_STEPS} numbers, such as [5, 20, 50, 100]")
    steps = tuple(map(_percent, value))
    if list(steps) != sorted(set(steps)) or not steps[0]:
        raise ValueError("expected numbers that rise, from more than 0 to 100")
    return steps


def _text(pattern: re.Pattern[str], expected: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(f"expected {expected}")
        return value

    return parse


def _strategy(value: Any) -> str:
    if not isinstance(value, str) or value not in STRATEGIES:
        raise ValueError(f"expected one of {', '.join(STRATEGIES)}")
    return value


def _flag(value: Any) -> bool:
    if value not in (True, False):
        raise ValueError("expected true or false")
    return bool(value)


def _files(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(
        isinstance(text, str) and text for text in value.values()
    ):
        raise ValueError('expected "file of main.py" = "file or version of the candidate"')
    return dict(value)


def _entry(default: Any, parse: Callable[[Any], Any]) -> Any:
    """Declare an entry of a table; `parse` raises ValueError for an invalid value."""
    return field(default=default, metadata={"parse": parse})


class _Table:
    @classmethod
    def read(cls, name: str, table: Any) -> Self:
        """Read a table of the file; PlanError names an invalid entry."""
        if not isinstance(table, dict):
            raise PlanError(f"{name}: expected a table, [{name}]")
        parsers = {item.name: item.metadata["parse"] for item in fields(cls)}  # type: ignore[arg-type]
        if unknown := [key for key in table if key not in parsers]:
            raise PlanError(
                f"[{name}] {unknown[0]}: unknown entry; expected one of {', '.join(parsers)}"
            )
        values = {}
        for key, value in table.items():
            try:
                values[key] = parsers[key](value)
            except ValueError as error:
                raise PlanError(f"[{name}] {key} = {value!r}: {error}") from None
        return cls(**values)


@dataclass(frozen=True)
class Candidate(_Table):
    """The new version, and which requests it gets.

    `artifacts` are other files, or other versions in their stores, by the file that main.py loads;
    `main` is another module in place of main.py. `traffic` is the percentage of the requests that
    it serves, `mirror` that of the requests copied to it, whose responses are discarded. `sticky`
    decides instead of chance: the value of a header, of a claim or of a column.
    """

    name: str = _entry("", _text(_NAME, "letters, digits, dots, dashes, at most 64"))
    strategy: str = _entry("canary", _strategy)
    traffic: float = _entry(0.0, _percent)
    mirror: float = _entry(0.0, _percent)
    sticky: str = _entry("", parse_sticky)
    main: str = _entry("", _text(re.compile(r"[\w./-]+\.py"), "a file such as main_v2.py"))
    artifacts: Mapping[str, str] = field(default_factory=dict, metadata={"parse": _files})
    promoted: bool = _entry(False, _flag)


@dataclass(frozen=True)
class Steps(_Table):
    """The shares of a canary, one after the other.

    Each lasts for at least `minutes` and `requests` of the candidate.
    """

    traffic: tuple[float, ...] = _entry((), _steps)
    minutes: float = _entry(10.0, _positive)
    requests: int = _entry(100, _count)


@dataclass(frozen=True)
class Bandit(_Table):
    """How a bandit splits the traffic by the rewards of both versions.

    Without `epsilon` it is Thompson sampling, and `least` is the percentage that each version keeps
    in any case. With it, this share of the requests is divided evenly, and the rest goes to the
    version with the higher mean.
    """

    epsilon: float = _entry(0.0, _share)
    least: float = _entry(1.0, _half)


@dataclass(frozen=True)
class Gates(_Table):
    """What rolls a candidate back; each gate is checked after `requests` of each version.

    `errors` is the share of its calls that may fail, `slower` the largest ratio of its 95th
    percentile to the stable version's, `different` the share of mirrored responses that may differ.
    `url` is requested before each step: any status but 2xx holds the step.
    """

    requests: int = _entry(50, _count)
    errors: float = _entry(0.02, _share)
    slower: float = _entry(2.0, _positive)
    different: float = _entry(1.0, _share)
    url: str = _entry("", _text(re.compile(r"https?://\S+"), "a URL, http:// or https://"))


@dataclass(frozen=True)
class Plan:
    """The whole file; without a candidate there is nothing to do."""

    candidate: Candidate | None = None
    steps: Steps = field(default_factory=Steps)
    bandit: Bandit = field(default_factory=Bandit)
    gates: Gates = field(default_factory=Gates)

    def with_candidate(self, **changes: Any) -> Plan:
        """Return the plan with other entries of its candidate, which are checked."""
        if self.candidate is None:
            raise PlanError("no rollout is in progress; start one with mmfmeta rollout start")
        checked = Candidate.read("candidate", changes)
        changed = {name: getattr(checked, name) for name in changes}
        return replace(self, candidate=replace(self.candidate, **changed))


_TABLES: dict[str, type[_Table]] = {
    "candidate": Candidate,
    "steps": Steps,
    "bandit": Bandit,
    "gates": Gates,
}


def parse(text: str) -> Plan:
    """Read a plan from TOML; PlanError if it is invalid."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"not TOML: {error}") from None
    return of(document)


def of(document: Mapping[str, Any]) -> Plan:
    """Return the plan in a document; PlanError if it is invalid."""
    if unknown := [name for name in document if name not in _TABLES]:
        raise PlanError(f"{unknown[0]}: unknown table; expected {', '.join(_TABLES)}")
    tables = {name: _TABLES[name].read(name, table) for name, table in document.items()}
    plan = Plan(**tables)  # type: ignore[arg-type] # by their names
    if (candidate := plan.candidate) is None:
        if tables:
            raise PlanError("[candidate] is missing")
        return plan
    if not candidate.name:
        raise PlanError("[candidate] name is missing; X-Model-Version reports it")
    if not (candidate.artifacts or candidate.main):
        raise PlanError("[candidate.artifacts] is missing: name the files of the new version")
    if "bandit" in tables and candidate.strategy != "bandit":
        raise PlanError('[bandit] is for strategy = "bandit"')
    if problem := STRATEGIES[candidate.strategy].problem(plan):
        raise PlanError(f"[candidate] {problem}")
    return plan


def check_needs(plan: Plan, place: str = "") -> None:
    """Reject a plan whose requirements this service lacks; PlanError names them, after `place`."""
    candidate = plan.candidate
    if candidate is None or candidate.promoted:
        return
    if missing := STRATEGIES[candidate.strategy].missing():
        raise PlanError(f"{place}[candidate] {missing}")


def read(path: Path) -> Plan:
    """Read a plan from a file; without the file it is empty. PlanError names an invalid file."""
    try:
        return parse(_content(path))
    except PlanError as error:
        raise PlanError(f"{path.name}: {error}") from error


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise PlanError(f"cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise PlanError(f"expected at most {MAX_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise PlanError("not UTF-8") from None


def document_of(plan: Plan) -> dict[str, Any]:
    """Return a plan as a document that `of` reads, without the defaults."""
    if plan.candidate is None:
        return {}
    document = {}
    for name, table in _TABLES.items():
        defaults = asdict(table())  # type: ignore[call-overload] # each is a dataclass
        values = asdict(getattr(plan, name))
        if changed := {key: value for key, value in values.items() if value != defaults[key]}:
            document[name] = changed
    return document


def write(plan: Plan, path: Path) -> None:
    """Replace the file atomically; without a candidate remove it. OSError if that fails."""
    if plan.candidate is None:
        path.unlink(missing_ok=True)
        return
    replace_text(path, toml_of(document_of(plan)))
