"""The pinned versions: all of them exact, shared ones alike, none tied to where they were found."""

import re
from pathlib import Path

import pytest

from baking import PAYLOAD, ROOT

LOCKS = (
    PAYLOAD / "requirements.txt",
    PAYLOAD / "requirements-dev.txt",
    ROOT / "requirements-dev.txt",
)
PIN = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)==([^\s;]+)(?: ; (.+))?")
each_lock = pytest.mark.parametrize("lock", LOCKS, ids=["project", "project dev", "template"])


def pins(lock: Path) -> dict[tuple[str, str], str]:
    """Map (package, marker) to the pinned version."""
    found = (PIN.fullmatch(line) for line in lock.read_text().splitlines())
    return {(match[1], match[3] or ""): match[2] for match in found if match}


def versions(lock: Path) -> dict[str, set[str]]:
    """Map each package to its pinned versions: more needs may bring it to more systems."""
    found: dict[str, set[str]] = {}
    for (package, _), version in pins(lock).items():
        found.setdefault(package, set()).add(version)
    return found


@each_lock
def test_every_line_is_an_exact_pin(lock: Path) -> None:
    lines = lock.read_text().splitlines()
    assert lines
    assert [line for line in lines if not PIN.fullmatch(line)] == []


@each_lock
def test_nothing_tells_where_it_was_found(lock: Path) -> None:
    text = lock.read_text() + lock.with_suffix(".in").read_text()
    assert re.findall(r"https?:|file:|--(?:index|extra|find|trusted)|@ |(?<![\w}])/\w+", text) == []


@each_lock
def test_every_wanted_package_is_pinned(lock: Path) -> None:
    wanted = re.findall(r"(?m)^[A-Za-z][\w.-]*", lock.with_suffix(".in").read_text())
    names = {re.sub(r"[-_.]+", "-", name).lower() for name in wanted}  # as PEP 503 has them
    assert names - {package for package, _ in pins(lock)} == set()


@pytest.mark.parametrize(("smaller", "larger"), [(0, 1), (1, 2)], ids=["service", "project"])
def test_shared_pins_agree(smaller: int, larger: int) -> None:
    """What a service runs with is what its tests run with, and those of the template."""
    inner, outer = versions(LOCKS[smaller]), versions(LOCKS[larger])
    assert {package: outer.get(package) for package in inner} == inner
