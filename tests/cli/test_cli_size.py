"""`mmfmeta size`: the size of the slug and the memory of the workers."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from baking import PAYLOAD
from mmf_core.cli import main
from mmf_core.heroku_size import slug
from mmf_core.heroku_size.slug import Size
from mmf_core.processes import has_pss, pss

MIB = 1024 * 1024
MAIN = """
import mmf_core as mmf


@mmf.artifact("ballast", preload=False)
def ballast():
    return bytearray(b"x" * {ballast} * 1024 * 1024)


@mmf.target(returns=mmf.Integer())
def size(number=mmf.Integer()):
    return len(ballast)
"""
STARTS_ANOTHER = """
import subprocess
import sys

HOLD = "held = b'x' * 40 * 1024 * 1024; print(flush=True); input()"
other = subprocess.Popen(
    [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
)
other.stdout.readline()  # it ends with its standard input
"""
linux_only = pytest.mark.skipif(not has_pss(), reason="proportional set sizes are Linux's")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a small project, as the current one."""
    (tmp_path / "requirements.txt").write_text("click==8\n-c other.txt\n# flask\n")
    (tmp_path / "main.py").write_text(MAIN.format(ballast=1))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(PAYLOAD))
    return tmp_path


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the size of Python itself: compressing it takes seconds."""
    monkeypatch.setattr(slug, "of_python", Size)


def run_size(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["size", *arguments])


def test_file_sizes_are_summed(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(3 * MIB))
    (tmp_path / "b.txt").write_text("abc")
    compressed = sum(len(zlib.compress(data, 1)) for data in (bytes(3 * MIB), b"abc"))
    assert slug.of_project(tmp_path) == Size(3 * MIB + 3, compressed)


def test_python_files_count_twice(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1\n")
    assert slug.of_project(tmp_path).uncompressed == 4


def test_hidden_and_cache_files_are_skipped(tmp_path: Path) -> None:
    for folder in (".venv/lib", ".git", "__pycache__"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").write_text("x")
    assert slug.of_project(tmp_path) == Size()


def test_dependencies_are_counted(tmp_path: Path) -> None:
    lines = tmp_path / "requirements.txt"
    lines.write_text("flask>=3\nno-such-package==1 ; sys_platform == 'win32'\n--hash=x\n")
    packages = slug.of_packages(lines)
    assert {"flask", "werkzeug", "jinja2", "markupsafe"} <= {name.lower() for name in packages}
    assert not {"no-such-package", "asgiref", "pytest"} & set(packages), "extras are not brought"
    assert all(size.uncompressed > size.compressed > 0 for size in packages.values())


def test_python_size_is_that_of_the_standard_library() -> None:
    files = list(slug._walk(Path(sysconfig.get_path("stdlib")), slug.NOT_PYTHON))
    names = {file.name for file in files}
    assert "zipfile" in str(files)
    assert "argparse.py" in names
    assert not any("site-packages" in file.parts for file in files)


@linux_only
@pytest.mark.usefixtures("light", "project")
def test_both_sizes_are_printed() -> None:
    result = run_size("--workers", "2")
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line for line in result.output.splitlines()}
    assert {"click", "Python", "this", "slug:", "memory:"} <= set(lines)
    assert " of 500 MiB, compressed" in lines["slug:"]
    assert " of 512 MiB, 2 workers that called each target once" in lines["memory:"]


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize(
    "buildpack", ["heroku/jvm", "https://github.com/heroku/heroku-buildpack-jvm-common"]
)
def test_java_counts_if_its_buildpack_is_configured(
    project: Path, monkeypatch: pytest.MonkeyPatch, buildpack: str
) -> None:
    monkeypatch.setattr("mmf_core.processes.PROC", project)  # memory is not measured
    assert "Java" not in run_size().output
    (project / "app.json").write_text(json.dumps({"buildpacks": [{"url": buildpack}]}))
    home = project / ".jre"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").touch(mode=0o755)
    (home / "modules").write_bytes(bytes(3 * MIB))
    monkeypatch.setenv("PATH", str(project / ".bin"))
    assert "Java: not measured" in run_size().output
    (project / ".bin").mkdir()
    (project / ".bin" / "java").symlink_to(home / "bin" / "java")
    assert re.search(r"(?m)^Java +3\.0 +0\.0$", run_size().output)


@linux_only
@pytest.mark.usefixtures("light")
def test_exits_with_1_if_too_large(project: Path) -> None:
    (project / "weights.bin").write_bytes(os.urandom(2 * MIB))
    result = run_size("--slug", "1", "--memory", "10")
    assert result.exit_code == 1
    assert "Error: too large: slug and memory" in result.output
    assert "1 worker that" in result.output


@linux_only
def test_memory_loaded_after_the_fork_counts_per_worker(project: Path) -> None:
    """An artifact loaded after the fork is not shared."""
    (project / "main.py").write_text(MAIN.format(ballast=40))
    assert memory_of("3") - memory_of("1") > 80 * MIB


@linux_only
def test_child_processes_are_counted(project: Path) -> None:
    before = memory_of("1")
    (project / "main.py").write_text(MAIN.format(ballast=1) + STARTS_ANOTHER)
    assert memory_of("1") - before > 40 * MIB


def memory_of(workers: str) -> int:
    """Measure the project in the working directory."""
    done = subprocess.run(
        [sys.executable, "-m", "mmf_core", "measure-memory", "--workers", workers],
        env=os.environ | {"SERVER_SOFTWARE": "gunicorn/"},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@linux_only
@pytest.mark.usefixtures("light")
def test_project_that_fails_to_load(project: Path) -> None:
    (project / "main.py").write_text("raise RuntimeError('no')\n")
    result = run_size()
    assert result.exit_code == 1
    assert "running main failed; see its output above" in result.output


@pytest.mark.usefixtures("light", "project")
def test_memory_is_linux_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("mmf_core.processes.PROC", tmp_path)
    result = run_size()
    assert result.exit_code == 0
    assert "not measured (only possible on Linux)" in result.output


def test_outside_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run_size()
    assert result.exit_code == 1
    assert "requirements.txt is not in" in result.output


def test_process_without_pss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmf_core.processes.PROC", tmp_path)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "smaps_rollup").write_text("Rss: 1 kB\n")
    with pytest.raises(ValueError, match="process 7"):
        pss(7)
