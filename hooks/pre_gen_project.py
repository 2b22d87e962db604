"""Reject answers that cannot become a project, before any file of it is written.

The answers arrive as JSON inside a string: they are data here, never code. cookiecutter makes the
project's folder before it calls this hook, so cookiecutter.json keeps the folder name as it was
typed in `__asked_slug` and puts its nearest plain spelling into `project_slug`: a name such as
`../x` or `a/b` never reaches the disk, and the spelling is what is proposed instead.
"""

import json
import keyword
import re
import sys
import unicodedata

# `tojson` leaves no apostrophe in its output, so no answer can end this literal.
ANSWERS = r'''{{ cookiecutter | tojson }}'''  # fmt: skip  # noqa: Q001

MAX_LENGTH = 40
SHAPE = re.compile(r"[a-z](?:[-_]?[a-z0-9])*")
LINE_BREAKERS = frozenset({"Cc", "Cs", "Zl", "Zp"})

IN_THE_PROJECT = """
    app build conftest deploy docs gunicorn_conf loadtests locustfile main mmf_core mmf_meta model
    test tests train venv
"""
INSTALLED = """
    calamine coverage dateutil defusedxml flask flask_cors flask_swagger_ui greenlet gunicorn honcho
    hypothesis jinja2 joblib
    jpype locust mlflow mlflow_skinny mypy numpy onnx onnxruntime openpyxl orjson pandas pil
    pillow pip prometheus_client py4j pypmml pytest pytest_cov pytest_html pytest_xdist
    python_calamine
    python_dateutil python_json_logger pythonjsonlogger ruff scikit_learn scipy setuptools skl2onnx
    sklearn sklearn2pmml skops uv werkzeug xlrd
"""


def slug_problem(slug: str, safe: str) -> str | None:
    """Return why the folder name `slug` is invalid; `safe` is its nearest plain spelling."""
    instead = suggestion(safe)
    if not slug:
        return f"is empty: type a name such as {instead}"
    if len(slug) > MAX_LENGTH:
        return f"has {len(slug)} characters, the limit is {MAX_LENGTH}: type {instead}"
    if slug != safe or not SHAPE.fullmatch(slug):
        return (
            f"must be lower-case Latin letters and digits, a letter first, with single - or _"
            f" between them, not {slug!r}: type {instead}"
        )
    owner = owner_of(slug)
    return f"{slug!r} is {owner}: type {instead}" if owner else None


def owner_of(slug: str) -> str | None:
    """Return what already has this name; `-` counts as `_`, as in an import."""
    name = slug.replace("-", "_")
    if keyword.iskeyword(name):
        return "a Python keyword"
    if name in sys.stdlib_module_names:
        return "a module of Python's standard library"
    if name in INSTALLED.split():
        return "a package that the project installs"
    if name in IN_THE_PROJECT.split():
        return "a name used inside the project"
    return None


def suggestion(safe: str) -> str:
    """Return a name that would be accepted: a letter first, single separators, not in use."""
    name = re.sub(r"[-_]+", "-", safe).strip("-")
    if not name[:1].isalpha():
        name = f"model-{name}".rstrip("-")[:MAX_LENGTH].rstrip("-")
    return f"{name}-model" if owner_of(name) else name


def text_problem(text: str) -> str | None:
    """Name the character of an answer that would break the lines that quote it."""
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in LINE_BREAKERS:
            code = f"U+{ord(character):04X}"
            return f"has a line break or control character ({code}) at {position}: type one line"
    return None


def problems(answers: dict[str, str]) -> list[str]:
    """List every reason to reject `answers`, each with what to type instead."""
    by_key = {"project_slug": slug_problem(answers["__asked_slug"], answers["project_slug"])}
    for key in ("project_name", "description", "author"):
        by_key[key] = text_problem(answers[key])
    if not answers["project_name"].strip():
        by_key["project_name"] = "is empty: type the title of the service"
    return [f"{key} {problem}" for key, problem in by_key.items() if problem]


def main() -> int:
    """Print the reasons, if any, and return the exit code."""
    reasons = problems(json.loads(ANSWERS))
    for reason in reasons:
        print(reason, file=sys.stderr)
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
