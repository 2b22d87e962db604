"""Invalid answers: rejected with a reason, and nothing is left behind."""

import importlib.util
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from cookiecutter.exceptions import FailedHookException

from baking import PAYLOAD, ROOT, rendered, typed

Bake = Callable[..., Path]

SHAPE = "must be lower-case Latin letters and digits"
SLUGS = {
    "": "is empty: type a name such as my-model",
    "Wine": f"{SHAPE}, a letter first, with single - or _ between them, not 'Wine': type wine",
    "two words": "type two-words",
    "1wine": "type model-1wine",
    "2026": "type model-2026",
    "_wine": "type wine",
    "wine-": "type wine",
    "wine__red": "type wine-red",
    "wine--red": "type wine-red",
    "вино": "type vino",
    "🍷": "type my-model",
    "a/b": "type a-b",
    "../up": "type up",
    "/tmp/up": "type tmp-up",
    "..": "type my-model",
    ".": "type my-model",
    "a\\b": "type a-b",
    "a.b": "type a-b",
    "~root": "type root",
    "a\nb": "type a-b",
    "a b; touch x": "type a-b-touch-x",
    "$(touch x)": "type touch-x",
    "'''": "type my-model",
    '"""': "type my-model",
    "{{ 7*7 }}": "type model-7-7",
    "__import__('os')": "type import-os",
    "w" * 41: f"has 41 characters, the limit is 40: type {'w' * 40}",
    "w" * 300: f"has 300 characters, the limit is 40: type {'w' * 40}",
    "class": "'class' is a Python keyword: type class-model",
    "lambda": "is a Python keyword",
    "Class": "type class-model",
    "json": "'json' is a module of Python's standard library: type json-model",
    "logging": "is a module of Python's standard library",
    "concurrent": "is a module of Python's standard library",
    "flask": "'flask' is a package that the project installs: type flask-model",
    "gunicorn": "is a package that the project installs",
    "numpy": "is a package that the project installs",
    "openpyxl": "is a package that the project installs",
    "orjson": "is a package that the project installs",
    "pandas": "is a package that the project installs",
    "pytest": "is a package that the project installs",
    "locust": "is a package that the project installs",
    "scikit-learn": "is a package that the project installs",
    "scikit_learn": "is a package that the project installs",
    "sklearn": "is a package that the project installs",
    "app": "is a name used inside the project",
    "loadtests": "is a name used inside the project",
    "main": "is a name used inside the project",
    "mmf-core": "is a name used inside the project",
    "mmf_core": "'mmf_core' is a name used inside the project: type mmf-core-model",
    "mmf_meta": "is a name used inside the project",
    "tests": "is a name used inside the project",
    "train": "is a name used inside the project",
}
NAMES = [ascii(slug)[:20] + str(len(slug)) for slug in SLUGS]
BREAKS = {
    "newline": "one\ntwo",
    "carriage return": "one\rtwo",
    "tab": "one\ttwo",
    "nul": "one\0two",
    "escape": "one\x1b[31mtwo",
    "next line": "one\x85two",
    "line separator": "one\u2028two",
    "paragraph separator": "one\u2029two",
    "surrogate": "one\ud800two",
    "delete": "one\x7ftwo",
}


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """Return the hook as a module: it is valid Python before rendering, too."""
    spec = importlib.util.spec_from_file_location("pre_gen", ROOT / "hooks/pre_gen_project.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rejections(hook: ModuleType) -> Callable[..., list[str]]:
    """Return a function that returns the reasons for rejecting these answers."""
    return lambda **answers: hook.problems(rendered(**answers))


@pytest.mark.parametrize("slug", SLUGS, ids=NAMES)
def test_rejects_invalid_slug(rejections: Callable[..., list[str]], slug: str) -> None:
    (reason,) = rejections(project_slug=typed(slug))
    assert reason.startswith("project_slug ")
    assert SLUGS[slug] in reason


@pytest.mark.parametrize(
    "slug",
    [
        pytest.param(slug, id=name, marks=() if slug == "../up" else pytest.mark.long)
        for slug, name in zip(SLUGS, NAMES, strict=True)
    ],
)
def test_rejected_project_leaves_nothing(
    bake: Bake, output: Path, capfd: pytest.CaptureFixture[str], slug: str
) -> None:
    around = {*output.parent.iterdir(), output, output.parent / "output.yaml"}
    with pytest.raises(FailedHookException):
        bake(project_slug=typed(slug))
    assert SLUGS[slug] in capfd.readouterr().err
    assert list(output.iterdir()) == []
    assert set(output.parent.iterdir()) - {output.parent / "replay"} == around


@pytest.mark.parametrize("slug", ["wine", "w", "a1", "red-wine", "red_wine", "model-2", "w" * 40])
def test_accepts_valid_slug(rejections: Callable[..., list[str]], slug: str) -> None:
    assert rejections(project_slug=slug) == []


@pytest.mark.parametrize("question", ["project_name", "description", "author"])
@pytest.mark.parametrize("answer", BREAKS.values(), ids=BREAKS.keys())
def test_rejects_multiline_answer(
    rejections: Callable[..., list[str]], question: str, answer: str
) -> None:
    # Jinja normalizes every line break to a newline.
    code = f"U+{ord(answer.replace(chr(13), chr(10))[3]):04X}"
    (reason,) = rejections(**{question: typed(answer), "project_slug": "wine"})
    assert reason.startswith(f"{question} has a line break or control character ({code}) at 4")


@pytest.mark.long
@pytest.mark.parametrize("answer", BREAKS.values(), ids=BREAKS.keys())
def test_multiline_answers_leave_nothing(
    bake: Bake, output: Path, capfd: pytest.CaptureFixture[str], answer: str
) -> None:
    with pytest.raises(FailedHookException):
        bake(project_slug="wine", **dict.fromkeys(("description", "author"), typed(answer)))
    assert capfd.readouterr().err.count("has a line break or control character") == 2
    assert list(output.iterdir()) == []


def test_all_reasons_are_reported_together(rejections: Callable[..., list[str]]) -> None:
    reasons = rejections(project_name=" ", project_slug="Wine", author="a\nb")
    assert [reason.split()[0] for reason in reasons] == ["project_slug", "project_name", "author"]


def test_suggestions_are_valid(hook: ModuleType) -> None:
    for reason in SLUGS.values():
        proposed = re.search(r"type (?:a name such as )?(\S+)$", reason)
        if proposed:
            name = proposed[1]
            assert hook.slug_problem(name, name) is None


def test_name_without_letters_requires_a_slug(rejections: Callable[..., list[str]]) -> None:
    (reason,) = rejections(project_name="🍷")
    assert reason.startswith("project_slug is empty")


def test_cyrillic_name_gives_a_latin_slug(rejections: Callable[..., list[str]]) -> None:
    assert rendered(project_name="Сорта вина")["project_slug"] == "sorta-vina"
    assert rejections(project_name="Сорта вина") == []


def test_rejects_names_of_installed_packages(hook: ModuleType) -> None:
    requirements = (PAYLOAD / "requirements.in").read_text()
    requirements += (PAYLOAD / "requirements-dev.in").read_text()
    names = {
        name.lower().replace("-", "_") for name in re.findall(r"(?m)^[A-Za-z][\w-]*", requirements)
    }
    assert names
    assert names - set(hook.INSTALLED.split()) == set()


def test_rejects_names_of_project_modules(hook: ModuleType) -> None:
    modules = {path.stem.replace(".", "_") for path in PAYLOAD.glob("*.py")}
    folders = {path.name for path in PAYLOAD.iterdir() if path.is_dir() and path.name[0] != "."}
    assert (modules | folders) - set(hook.IN_THE_PROJECT.split()) == set()


def test_default_answers_are_valid(hook: ModuleType, baked: Path) -> None:
    assert baked.name == "wine-cultivars"
    settings = tomllib.loads((baked / "pyproject.toml").read_text())
    assert settings["project"]["name"] == baked.name
    assert json.loads((baked / "app.json").read_text())["name"] == "Wine cultivars"
    assert hook.slug_problem(baked.name, baked.name) is None
