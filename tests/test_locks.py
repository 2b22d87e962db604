"""The pinned versions: all exact, shared ones equal, independent of their index."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from baking import QUESTIONS, ROOT, choices

Bake = Callable[..., Path]

CHOICES = QUESTIONS["model_format"]
FOLDER = ROOT / "templates" / "locks"
TEMPLATE = ROOT / "requirements-dev.txt"
PROJECT = [FOLDER / f"{choice}{kind}.txt" for choice in CHOICES for kind in ("", "-dev")]
PIN = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)==([^\s;]+)(?: ; (.+))?")
# sklearn2pmml rejects the newest.
BEHIND = {"pmml": {"scikit-learn"}}
LINTERS = ROOT / "tests" / "linters" / "requirements.in"
OTHERS = [*sorted(ROOT.glob("examples/*/requirements.in")), LINTERS]
LOCKS = [*PROJECT, TEMPLATE, *(source.with_suffix(".txt") for source in OTHERS)]
each_lock = pytest.mark.parametrize(
    "lock", LOCKS, ids=lambda lock: f"{lock.parent.name}-{lock.stem}"
)
each_choice = pytest.mark.parametrize("choice", CHOICES)
each_choice_of_a_project = pytest.mark.parametrize("choice", choices("model_format"))


def pins(lock: Path) -> dict[tuple[str, str], str]:
    """Map (package, marker) to the pinned version."""
    matches = (PIN.fullmatch(line) for line in lock.read_text().splitlines())
    return {(match[1], match[3] or ""): match[2] for match in matches if match}


def versions(lock: Path) -> dict[str, set[str]]:
    """Map each package to its pinned versions: markers may differ by system."""
    pinned: dict[str, set[str]] = {}
    for (package, _), version in pins(lock).items():
        pinned.setdefault(package, set()).add(version)
    return pinned


def normalized(name: str) -> str:
    """Normalize a package name according to PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def check_pinned(source: Path, lock: Path) -> None:
    """Fail unless every required package is pinned."""
    packages = re.findall(r"(?m)^[A-Za-z][\w.-]*", source.read_text())
    assert packages
    assert {normalized(name) for name in packages} - {package for package, _ in pins(lock)} == set()


@each_lock
def test_every_line_is_an_exact_pin(lock: Path) -> None:
    lines = lock.read_text().splitlines()
    assert lines
    assert [line for line in lines if not PIN.fullmatch(line)] == []


@each_lock
def test_lock_does_not_name_its_index(lock: Path) -> None:
    check_portable(lock.read_text())


def check_portable(text: str) -> None:
    """Fail on an address, an index option, or a local path."""
    assert re.findall(r"https?:|file:|--(?:index|extra|find|trusted)|@ |(?<![\w}])/\w+", text) == []


def test_every_package_of_the_template_is_pinned() -> None:
    check_pinned(TEMPLATE.with_suffix(".in"), TEMPLATE)
    check_portable(TEMPLATE.with_suffix(".in").read_text())


@pytest.mark.parametrize("source", OTHERS, ids=lambda source: source.parent.name)
def test_every_package_of_an_environment_is_pinned(source: Path) -> None:
    check_pinned(source, source.with_suffix(".txt"))
    included = re.compile(r"(?m)^-r \.\./\.\./templates/locks/\w+\.txt$")
    check_portable(included.sub("", source.read_text()))


@each_choice_of_a_project
def test_project_gets_the_lock_of_its_model_format(choose: Bake, choice: str) -> None:
    project = choose(model_format=choice)
    for kind in ("", "-dev"):
        source = project / f"requirements{kind}.in"
        lock = source.with_suffix(".txt")
        assert lock.read_bytes() == (FOLDER / f"{choice}{kind}.txt").read_bytes()
        check_pinned(source, lock)
        check_portable(source.read_text())


@each_choice_of_a_project
def test_lock_is_complete(choose: Bake, tmp_path: Path, choice: str) -> None:
    """Resolving again with everything pinned must give the same packages."""
    project = tmp_path
    for file in choose(model_format=choice).glob("requirements*"):
        shutil.copy(file, project)
    uv = (sys.executable, "-m", "uv", "pip", "compile", "--universal", "--python-version", "3.11")
    options = ("--fork-strategy", "fewest", "--no-header", "--no-annotate", "--quiet")
    for kind in ("", "-dev"):
        source, again = f"requirements{kind}.in", project / f"again{kind}.txt"
        lock = project / f"requirements{kind}.txt"
        again.write_bytes(lock.read_bytes())  # uv keeps existing pins
        command = [*uv, *options, source, "--output-file", again.name]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
        assert versions(again) == versions(lock)


@each_choice
def test_shared_pins_agree(choice: str) -> None:
    """A service, its tests and the template's tests use the same versions."""
    service, tests = (versions(FOLDER / f"{choice}{kind}.txt") for kind in ("", "-dev"))
    assert {package: tests.get(package) for package in service} == service
    template = versions(TEMPLATE)
    assert {package: template.get(package) for package in service} == service
    differing = {name for name in tests if name in template and tests[name] != template[name]}
    assert differing == BEHIND.get(choice, set())


def test_template_lock_includes_the_default_project() -> None:
    assert versions(FOLDER / f"{CHOICES[0]}-dev.txt").items() <= versions(TEMPLATE).items()
