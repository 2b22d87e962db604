"""Contents of a generated project, for any answers."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import baking
from baking import PAYLOAD, QUESTIONS, ROOT, choices, typed

Bake = Callable[..., Path]

GENERATED = """
    .dockerignore
    .gitattributes
    .github/workflows/ci.yml
    .github/workflows/upgrade.yml
    .github/zizmor.yml
    .gitlab-ci.yml
    .gitignore
    .mmf.toml
    .python-version
    Dockerfile
    Makefile
    Procfile
    README.md
    app.json
    app.py
    compose.yaml
    deploy/grafana/dashboard.json
    deploy/grafana/provisioning/dashboards/files.yml
    deploy/grafana/provisioning/datasources/prometheus.yml
    deploy/kubernetes/autoscaler.yaml
    deploy/kubernetes/deployment.yaml
    deploy/kubernetes/disruption-budget.yaml
    deploy/kubernetes/kustomization.yaml
    deploy/kubernetes/network-policy.yaml
    deploy/kubernetes/service.yaml
    deploy/kubernetes/worker/deployment.yaml
    deploy/kubernetes/worker/kustomization.yaml
    deploy/kubernetes/worker/network-policy.yaml
    deploy/prometheus/alerts.yml
    deploy/prometheus/prometheus.yml
    deploy/serverless/service.yaml
    gunicorn.conf.py
    loadtests/__init__.py
    loadtests/bodies.py
    loadtests/call.py
    loadtests/calls.py
    loadtests/checks.py
    loadtests/locustfile.py
    loadtests/run.py
    loadtests/service.py
    loadtests/settings.py
    loadtests/shape.py
    loadtests/steps.py
    loadtests/targets.py
    loadtests/verdict.py
    main.py
    pyproject.toml
    requirements-dev.in
    requirements-dev.txt
    requirements.in
    requirements.txt
    tests/conftest.py
    tests/test_artifacts.py
    tests/test_files.py
    tests/test_smoke.py
    tests/test_targets.py
    tests/test_wine.py
    train.py
"""
# All of mmf_core is the same in every project; its own list would only repeat the folder.
VENDORED = "mmf_core/"
RECORDS = (".mmf.toml", ".cruft.json", ".github/workflows/upgrade.yml")
"""About the template of the project."""
TEMPLATE_READERS = ("upgrading/",)
"""Code of mmf_core that reads the template, and so names its questions."""
# Prometheus and Grafana templates use the same braces.
OTHER_BRACES = ("deploy/grafana/", "deploy/prometheus/")

HOSTILE = {
    "double quotes": 'A "quoted" one',
    "apostrophe": "O'connor",
    "backslash": "ends with \\",
    "escapes": r"\n \u0041 \x",
    "cyrillic": "Сорта вина",
    "jinja": "{{ 7*7 }} {% if %}",
    "code": "__import__('os')",
    "triple apostrophe": "a ''' b",
    "triple quotes": 'a """ b',
    "shell": "$(touch x) `touch x` ; touch x",
    "emoji": "🍷 wine 👩‍🔬",
    "markup": "<script>alert(1)</script> & --> # [x](y)",
    "yaml": "yes: - {a: [b]} # c",
    "percent": "100 % %(x)s {x} ${X}",
    "spaces": "  two  spaces  ",
}
TEXTS = ("project_name", "description", "author")


def files_of(folder: Path) -> dict[str, Path]:
    """Map the files under `folder` by their relative names, without git's own."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix(): folder / path for path in paths if path.parts[0] != ".git"}


def read(path: Path) -> str:
    """Read a file as text; bytes that are not UTF-8 are replaced."""
    return path.read_text(encoding="utf-8", errors="replace")


def is_template(text: str) -> bool:
    """Return whether Jinja would change a text."""
    return any(mark in text for mark in ("{{", "{%", "{#"))


def check_parses(project: Path) -> None:
    """Fail on a generated file that its parser rejects."""
    for name, path in files_of(project).items():
        text = read(path)
        if name.endswith(".py"):
            compile(text, name, "exec")
        elif name.endswith((".yml", ".yaml")):
            assert isinstance(yaml.safe_load(text), dict)
        elif name.endswith(".toml"):
            tomllib.loads(text)
        elif name.endswith(".json"):
            json.loads(text)


def test_every_file_is_listed(baked: Path) -> None:
    own = {name for name in files_of(baked) if not name.startswith(VENDORED)}
    own -= {".cruft.json"}  # only if the template has no changes that are not committed
    assert sorted(own) == sorted(GENERATED.split())


def test_payload_has_no_caches() -> None:
    """Cookiecutter copies everything there, including caches."""
    caches = re.compile(r"\.pyc$|(^|/)(__pycache__|\.\w+_cache|\.cache)/")
    assert [name for name in files_of(PAYLOAD) if caches.search(name)] == []


def test_vendored_package_is_copied_byte_for_byte(baked: Path) -> None:
    ours, theirs = files_of(PAYLOAD / "mmf_core"), files_of(baked / "mmf_core")
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name].read_bytes() != theirs[name].read_bytes()] == []


def test_file_without_jinja_is_copied_byte_for_byte(baked: Path) -> None:
    generated = files_of(baked)
    plain = {n: p for n, p in files_of(PAYLOAD).items() if not is_template(read(p))}
    assert plain
    assert [n for n, path in plain.items() if generated[n].read_bytes() != path.read_bytes()] == []


def test_vendored_package_does_not_use_answers() -> None:
    """It is tested in place, so it must behave the same there and in a project."""
    texts = {name: read(path) for name, path in files_of(PAYLOAD / "mmf_core").items()}
    others = {name: text for name, text in texts.items() if not name.startswith(TEMPLATE_READERS)}
    assert [name for name, text in others.items() if "cookiecutter" in text.lower()] == []


def test_modes_are_kept(baked: Path) -> None:
    generated = files_of(baked)
    assert [
        n for n, p in files_of(PAYLOAD).items() if generated[n].stat().st_mode != p.stat().st_mode
    ] == []


def test_no_template_markup_remains(baked: Path) -> None:
    left = []
    for name, path in files_of(baked).items():
        text = re.sub(r"\$\{\{[^}]*\}\}", "", read(path))
        expected = name.startswith((VENDORED, *OTHER_BRACES)) or name.endswith(".py")
        shown = is_template(text) and not expected
        is_record = name in RECORDS or name.removeprefix(VENDORED).startswith(TEMPLATE_READERS)
        if not is_record and (shown or "cookiecutter" in text.lower()):
            left.append(name)
    assert left == []


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
@pytest.mark.parametrize("version", choices("python_version"))
def test_ruff_passes(choose: Bake, version: str, command: tuple[str, ...]) -> None:
    project = choose(python_version=version)
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_hostile_answers_stay_text(other: Path, baked: Path) -> None:
    check_is_only_text(other, baked, f"Сорта {baking.HOSTILE}", baking.HOSTILE)


@pytest.mark.long
@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
def test_each_hostile_answer_stays_text(bake: Bake, baked: Path, answer: str) -> None:
    project = bake(**dict.fromkeys(TEXTS, typed(answer)), project_slug="hostile")
    check_is_only_text(project, baked, answer, answer)


def check_is_only_text(project: Path, default: Path, name: str, description: str) -> None:
    """Fail unless answers appear as plain, complete text."""
    check_parses(project)
    assert files_of(project).keys() == files_of(default).keys()
    assert [path.name for path in project.parent.iterdir()] == [project.name]
    settings = tomllib.loads(read(project / "pyproject.toml"))
    assert settings["project"]["description"] == description
    described = json.loads(read(project / "app.json"))
    assert (described["name"], described["description"]) == (name, description)
    assert read(project / "README.md").startswith(f"# {name}\n")


@pytest.mark.long
@pytest.mark.parametrize("question", TEXTS)
def test_hostile_answers_do_not_reach_code(bake: Bake, baked: Path, question: str) -> None:
    """An answer may appear in text that people and tools read, never in a program."""
    project = bake(**{question: "hostile-mark", "project_slug": baked.name})
    generated, default = files_of(project), files_of(baked)
    touched = {
        name for name in generated if generated[name].read_bytes() != default[name].read_bytes()
    }
    assert touched <= {"README.md", "app.json", "pyproject.toml", *RECORDS}


@pytest.mark.long
def test_command_line_answers_are_rendered_once(bake: Bake) -> None:
    """Cookiecutter renders such answers once, itself; nothing here renders them again."""
    project = bake(description="{{ 7*7 }}{{ '{{ 7*7 }}' }}")
    rendered_text = tomllib.loads(read(project / "pyproject.toml"))["project"]["description"]
    assert rendered_text == "49{{ 7*7 }}"


@pytest.mark.parametrize("version", choices("python_version"))
def test_python_version_is_used_everywhere(choose: Bake, version: str) -> None:
    project = choose(python_version=version)
    settings = tomllib.loads(read(project / "pyproject.toml"))
    workflow = read(project / ".github/workflows/ci.yml")

    check_parses(project)
    assert read(project / ".python-version") == f"{version}\n"
    assert f"python:{version}-" in read(project / "Dockerfile")
    assert version in settings["project"]["requires-python"]
    assert f'"{version}"' in workflow


def test_every_question_has_a_prompt() -> None:
    questions = {name: default for name, default in QUESTIONS.items() if not name.startswith("_")}
    prompts = QUESTIONS["__prompts__"]
    assert prompts.keys() == questions.keys()
    for name, default in questions.items():
        if isinstance(default, list):
            assert prompts[name].keys() == {"__prompt__", *default}
        else:
            assert prompts[name].strip().endswith(("?", "README", "_"))


def test_questions_are_prompted(output: Path) -> None:
    """The real command, with answers at the prompts."""
    output.mkdir()
    answers = ["Сорта вина", "", '{{ 7*7 }} "x" \\', "O'connor", "2", "4", "", ""]
    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(ROOT), "--default-config", "-o", str(output)],
        input="\n".join(answers) + "\n",
        env={"HOME": str(output.parent), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    project = output / "sorta-vina"
    settings = tomllib.loads(read(project / "pyproject.toml"))["project"]

    assert "What is the service called?" in done.stdout
    assert "cd sorta-vina" in done.stdout
    assert "make test" in done.stdout
    assert "make run" in done.stdout
    assert settings["description"] == '{{ 7*7 }} "x" \\'
    assert read(project / ".python-version") == "3.12\n"
    assert 'MODEL = "model.onnx"' in read(project / "train.py")
    check_parses(project)
