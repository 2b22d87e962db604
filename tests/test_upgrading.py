"""A project takes a newer template: what it has changed stays, and nothing is lost."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mmf_core.extras import find_extras, remove_extras, with_required
from mmf_core.upgrading.adoption import infer_record
from mmf_core.upgrading.changelog import entries_between
from mmf_core.upgrading.hook_consent import confirm_hooks
from mmf_core.upgrading.record import (
    CRUFT,
    NAME,
    Record,
    UpgradeError,
    Version,
    read_record,
    write_record,
)
from mmf_core.upgrading.requirements import merge_requirements
from mmf_core.upgrading.template import Template, generate
from template_repository import PAYLOAD, commit, copy_template, git

KEPT = {"cors", "init", "models/skops", "upgrading"}
PARTS = {"codecs/table_xls", "grpc", "metrics", "stores/s3", "tasks", "v2"}
OLD, NEW = "0.9.0", "0.10.0"
INTERRUPTED = """
import os, signal, sys

left = int(sys.argv[1])
here = os.getcwd() + os.sep
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod"}


def kill(event, arguments):
    global left
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if (event in CHANGES or writes) and isinstance(arguments[0], str | os.PathLike):
        removes = event in {"os.remove", "os.rmdir"} and arguments[1] >= 0  # in an open folder
        folder = os.readlink(f"/proc/self/fd/{arguments[1]}") if removes else ""
        if os.path.abspath(os.path.join(folder, arguments[0])).startswith(here):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)


sys.dont_write_bytecode = True
sys.addaudithook(kill)
from mmf_core.cli import main
main(["upgrade", "--no-tests", "--accept-hooks"])
"""
MMFMETA = (sys.executable, "-m", "mmf_core")
OWN_CAPABILITY = """from ..capabilities import Capability

CAPABILITY = Capability()
"""
CHANGELOG = f"""# Changelog

## [Unreleased]

## [{NEW}] - 2027-01-01

### Added

- Nothing to read.

### Removed

- `mmf.Old`: write `mmf.New`.

## [{OLD}] - 2026-12-01

### Removed

- Long gone.
"""


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old!r}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@dataclass(frozen=True)
class Upgradable:
    """A project made from the older of two versions of a template."""

    template: Path
    folder: Path

    def upgrade(
        self, *options: str, code: int = 0, tests: bool = False, stdin: int = subprocess.DEVNULL
    ) -> str:
        """Run `mmfmeta upgrade` and return what it prints; without a terminal, hooks are run."""
        hooks = ["--accept-hooks"] if stdin == subprocess.DEVNULL else []
        return self.mmfmeta(
            "upgrade", *hooks, *([] if tests else ["--no-tests"]), *options, code=code, stdin=stdin
        )

    def mmfmeta(self, *arguments: str, code: int = 0, stdin: int = subprocess.DEVNULL) -> str:
        """Run a command in the project and return what it prints."""
        done = subprocess.run(
            [*MMFMETA, *arguments],
            cwd=self.folder,
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert done.returncode == code, printed
        return printed

    def text(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of the template with two versions."""
    folder = copy_template(tmp_path_factory.mktemp("template") / "mmf-flask")
    package = folder / PAYLOAD / "mmf_core"
    remove_extras(package, find_extras(package).keys() - KEPT)  # fewer files to make and to merge
    init = package / "__init__.py"
    version = next(line for line in init.read_text().splitlines() if line.startswith("__version__"))
    edit(init, version, f'__version__ = "{OLD}"')
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    commit(folder, "old", f"v{OLD}")
    edit(init, OLD, NEW)
    (folder / PAYLOAD / "mmf_core" / "new_module.py").write_text('"""New."""\n')
    (folder / PAYLOAD / "mmf_core" / "cors" / "new_part.py").write_text('"""New."""\n')
    edit(folder / "hooks" / "pre_gen_project.py", "import json\n", "# a new hook\nimport json\n")
    edit(folder / PAYLOAD / "Procfile", "web:", "# the new template\nweb:")
    edit(folder / PAYLOAD / "compose.yaml", "services:", "# the new template\nservices:")
    edit(folder / PAYLOAD / "gunicorn.conf.py", '"""', '"""The new template: ')
    edit(folder / PAYLOAD / "main.py", '"""', '"""The new sample. ')
    edit(folder / PAYLOAD / "train.py", '"""', '"""The new training. ')
    edit(folder / PAYLOAD / ".dockerignore", "\n", "\nnew-template\n")
    (folder / PAYLOAD / "requirements.in").write_text(
        (folder / PAYLOAD / "requirements.in").read_text().replace("orjson", "orjson<9", 1)
        + "new-package  # because\n"
    )
    (folder / PAYLOAD / "new.txt").write_text("new\n")
    commit(folder, "new", f"v{NEW}")
    return folder


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project of the older version, in a git repository of its own."""
    folder = tmp_path_factory.mktemp("made")
    git(template, "checkout", "--quiet", f"v{OLD}")
    config = folder / "config.yaml"
    folders = {"cookiecutters_dir": str(folder), "replay_dir": str(folder / "replay")}
    config.write_text(json.dumps(folders))
    answers = ("project_slug=wines", "project_name=Сорта {{ '{{' }} \"вина\" % \\n")
    options = ("--no-input", "--config-file", str(config), "--output-dir", str(folder))
    command = [sys.executable, "-m", "cookiecutter", *options, str(template), *answers]
    subprocess.run(command, check=True, capture_output=True)
    git(template, "checkout", "--quiet", "main")
    if git(folder / "wines", "status", "--porcelain"):  # there is no name for an author
        commit(folder / "wines", "new project")
    return folder / "wines"


@pytest.fixture
def project(template: Path, made: Path, tmp_path: Path) -> Upgradable:
    """Give a copy of it."""
    return Upgradable(template, Path(shutil.copytree(made, tmp_path / "wines")))


def test_project_has_a_record_of_where_it_comes_from(project: Upgradable) -> None:
    record = read_record(project.folder)
    assert (record.template, record.version) == (str(project.template), OLD)
    assert record.commit == git(project.template, "rev-parse", f"v{OLD}").strip()
    assert record.answers["project_name"] == 'Сорта {{ "вина" % \\n'
    assert {"mmf_core", "main.py", "Makefile"} <= record.sums.keys()
    cruft = json.loads(project.text(CRUFT))
    assert cruft["commit"] == record.commit
    assert cruft["context"]["cookiecutter"]["project_slug"] == "wines"


def test_what_nobody_has_changed_is_replaced(project: Upgradable) -> None:
    printed = project.upgrade()
    for path in ("Procfile", "compose.yaml", ".dockerignore", "gunicorn.conf.py", "main.py"):
        assert "new" in project.text(path)
        assert f"updated   {path}" in printed
    assert project.text("new.txt") == "new\n"
    assert NEW in project.text("mmf_core/__init__.py")
    assert (project.folder / "mmf_core" / "new_module.py").exists()
    assert "`mmf.Old`: write `mmf.New`." in printed
    assert "Nothing to read" not in printed
    assert "Long gone" not in printed
    record = read_record(project.folder)
    assert record.version == NEW
    assert record.commit == git(project.template, "rev-parse", f"v{NEW}").strip()
    assert record.template == str(project.template)
    assert record.answers["project_name"] == 'Сорта {{ "вина" % \\n'
    commit(project.folder, "upgraded")
    assert f"{NEW} is up to date" in project.upgrade()


def test_what_the_project_has_changed_stays(project: Upgradable) -> None:
    folder = project.folder
    (folder / "main.py").write_text("# mine\n")
    edit(folder / "Procfile", "web:", "mine: true\nweb:")
    (folder / "compose.yaml").write_text(project.text("compose.yaml") + "# mine\n")
    (folder / ".dockerignore").unlink()
    git(folder, "mv", "train.py", "training.py")
    (folder / "requirements.in").write_text(project.text("requirements.in") + "mine\n")
    (folder / "own.py").write_text("mine = 1\n")
    commit(folder, "mine")
    printed = project.upgrade(code=1)
    assert project.text("main.py") == "# mine\n"
    assert "conflicts Procfile" in printed
    assert "<<<<<<< " in project.text("Procfile")
    assert "mine: true" in project.text("Procfile")
    assert "merged    compose.yaml" in printed
    assert "# mine" in project.text("compose.yaml")
    assert "# the new template" in project.text("compose.yaml")
    assert not (folder / ".dockerignore").exists()
    assert not (folder / "train.py").exists()
    assert "The new training" in project.text("training.py")
    requirements = project.text("requirements.in").splitlines()
    assert {"mine", "new-package  # because"} <= set(requirements)
    assert any(line.startswith("orjson<9") for line in requirements)
    assert project.text("own.py") == "mine = 1\n"
    git(folder, "reset", "--hard", "--quiet")
    assert git(folder, "status", "--porcelain", "--ignored") == ""
    assert read_record(folder).version == OLD


@pytest.mark.long
def test_edited_core_is_not_lost(project: Upgradable) -> None:
    edit(project.folder / "mmf_core" / "cors" / "capability.py", '"""', '"""Mine. ')
    commit(project.folder, "mine")
    printed = project.upgrade(code=2)
    assert "--mine" in printed
    assert '+"""Mine. ' in printed
    assert git(project.folder, "status", "--porcelain") == ""
    project.upgrade("--mine")
    assert '"""Mine. ' in project.text("mmf_core/cors/capability.py")
    assert NEW in project.text("mmf_core/__init__.py")


@pytest.mark.parametrize("options", [pytest.param((), marks=pytest.mark.long), ("--mine",)])
def test_removed_extra_stays_removed(options: tuple[str, ...], project: Upgradable) -> None:
    shutil.rmtree(project.folder / "mmf_core" / "cors")
    commit(project.folder, "without CORS")
    project.upgrade(*options)
    assert not (project.folder / "mmf_core" / "cors").exists()
    assert NEW in project.text("mmf_core/__init__.py")


@pytest.mark.long
def test_dry_run_and_check_change_nothing(project: Upgradable) -> None:
    assert f"{NEW} is newer than {OLD}" in project.upgrade("--check", code=1)
    assert "updated   Procfile" in project.upgrade("--dry-run")
    assert git(project.folder, "status", "--porcelain") == ""
    assert f"{OLD} is up to date" in project.upgrade("--to", OLD)


def test_check_exits_with_2_if_it_fails(project: Upgradable, tmp_path: Path) -> None:
    """1 is for a newer version: a template that cannot be reached must not look like one."""
    missing = tmp_path / "missing"
    printed = project.upgrade("--check", "--from-template", str(missing), code=2)
    assert f"repository '{missing}' does not exist" in printed
    assert "--from-template PATH|URL" in printed
    untagged = tmp_path / "untagged"
    git(tmp_path, "clone", "--quiet", "--no-tags", str(project.template), str(untagged))
    printed = project.upgrade("--check", "--from-template", str(untagged), code=2)
    assert "no tag that is a version, such as v0.3.0" in printed
    assert "--to BRANCH or --to COMMIT" in printed
    (project.folder / NAME).unlink()
    assert f"{NAME} is missing" in project.upgrade("--check", code=2)


def test_dry_run_exits_as_the_upgrade_would_with_conflicts(project: Upgradable) -> None:
    edit(project.folder / "Procfile", "web:", "mine: true\nweb:")
    commit(project.folder, "mine")
    assert "conflicts Procfile" in project.upgrade("--dry-run", code=1)
    assert git(project.folder, "status", "--porcelain") == ""


def test_changed_hooks_are_shown_and_run_only_if_confirmed(project: Upgradable) -> None:
    terminal, stdin = pty.openpty()
    try:
        os.write(terminal, b"n\n")
        printed = project.upgrade(stdin=stdin, code=2)
    finally:
        os.close(terminal)
        os.close(stdin)
    assert "+# a new hook" in printed
    assert "Run them?" in printed
    assert git(project.folder, "status", "--porcelain") == ""


def test_nothing_in_a_hook_or_a_setting_of_git_hides_what_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source"
    (source / "hooks").mkdir(parents=True)
    git(source, "init", "--quiet")
    (source / "README.md").touch()
    commit(source, "no hooks")
    hook = b"\0\nrun_this  \x1b[8m\xff\r# nothing\n"  # binary for git, and hidden
    (source / "hooks" / "post_gen_project.sh").write_bytes(hook)
    commit(source, "a hook")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "true")  # shows nothing here, as one with windows does
    template = Template(str(source), tmp_path / "clone")
    commits = template.commit_of("HEAD~1"), template.commit_of("HEAD")
    confirm_hooks(template, *commits, is_known=True, accepted=True)
    printed = capsys.readouterr().out
    assert "+run_this  \\x1b[8m\\udcff\n# nothing\n" in printed


def test_hooks_do_not_run_without_a_terminal_unless_they_are_accepted(project: Upgradable) -> None:
    for options in ((), ("--dry-run",)):
        printed = project.mmfmeta("upgrade", "--no-tests", *options, code=2)
        assert "+# a new hook" in printed
        assert "--accept-hooks" in printed
        assert git(project.folder, "status", "--porcelain") == ""


def test_hooks_of_both_versions_are_shown_before_a_project_without_a_record_is_adopted(
    project: Upgradable,
) -> None:
    """The commit is found by its files: its hooks have not run here yet, as far as is known."""
    for name in (NAME, CRUFT):
        (project.folder / name).unlink()
    commit(project.folder, "no record")
    options = ("--no-tests", "--adopt", OLD, "--from-template", str(project.template))
    printed = project.mmfmeta("upgrade", *options, code=2)
    for path in git(project.template, "ls-tree", "--name-only", f"v{OLD}", "hooks/").split():
        hook = git(project.template, "show", f"v{OLD}:{path}")
        assert "".join(f"+{line}\n" for line in hook.splitlines()) in printed
    assert "+# a new hook" in printed
    assert "--accept-hooks" in printed
    assert git(project.folder, "status", "--porcelain") == ""
    project.mmfmeta("upgrade", *options, "--accept-hooks")
    assert read_record(project.folder).version == NEW


def test_all_hooks_are_shown_if_those_of_the_project_are_unknown(
    project: Upgradable, tmp_path: Path
) -> None:
    template = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(project.template), str(template))
    edit(template / PAYLOAD / "Procfile", "web:", "# newer\nweb:")
    commit(template, "the same hooks", "v0.11.0")
    record = read_record(project.folder)
    write_record(project.folder, replace(record, version=NEW, commit=""))
    commit(project.folder, "generated from uncommitted changes")
    terminal, stdin = pty.openpty()
    try:
        os.write(terminal, b"n\n")
        printed = project.upgrade("--from-template", str(template), stdin=stdin, code=2)
    finally:
        os.close(terminal)
        os.close(stdin)
    for hook in (template / "hooks").glob("*.py"):
        assert "".join(f"+{line}\n" for line in hook.read_text().splitlines()) in printed
    assert "Run them?" in printed
    assert git(project.folder, "status", "--porcelain") == ""


def test_missing_cookiecutter_is_reported_before_anything_is_to_be_confirmed(
    project: Upgradable, tmp_path: Path
) -> None:
    (tmp_path / "git").symlink_to(str(shutil.which("git")))
    program = (
        "import sys; sys.modules['cookiecutter'] = None; from mmf_core.cli import main; main()"
    )
    for arguments in (("upgrade",), ("extras", "remove", "cors")):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=project.folder,
            env={**os.environ, "PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert "cookiecutter is missing: install it, such as by `pipx install" in done.stderr
        assert done.stdout == ""


def test_commits_of_one_version_are_named(project: Upgradable, tmp_path: Path) -> None:
    template = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(project.template), str(template))
    git(template, "checkout", "--quiet", f"v{OLD}")
    edit(template / PAYLOAD / "Procfile", "web:", "# later\nweb:")
    commit(template, "later", "v0.9.1")
    old, new = (git(template, "rev-parse", name).strip()[:7] for name in (f"v{OLD}", "v0.9.1"))
    options = ("--dry-run", "--from-template", str(template), "--to", "v0.9.1")
    assert f"{OLD} ({old}) → {OLD} ({new})\n" in project.upgrade(*options)


@pytest.mark.long
def test_tests_of_the_project_that_fail_are_reported(project: Upgradable) -> None:
    (project.folder / "Makefile").write_text("test:\n\t@echo own tests; exit 7\n")
    commit(project.folder, "my tests")
    printed = project.upgrade(tests=True, code=3)
    assert "own tests" in printed
    assert "`make test` failed" in printed
    assert "Undo it: git reset --hard" in printed
    assert NEW in project.text("mmf_core/__init__.py")


def test_project_that_is_newer_than_the_newest_version_stays(
    project: Upgradable, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    git(tmp_path, "clone", "--quiet", str(project.template), str(older))
    git(older, "tag", "--delete", f"v{NEW}")
    record = read_record(project.folder)
    newer = git(older, "rev-parse", "main").strip()
    write_record(project.folder, replace(record, version=NEW, commit=newer))
    commit(project.folder, "from the newest commit")
    assert f"{NEW} is up to date" in project.upgrade("--from-template", str(older))


@pytest.mark.parametrize("is_beside", [True, False])
def test_relative_path_of_the_template_is_recorded_for_the_project(
    is_beside: bool, template: Path, tmp_path: Path
) -> None:
    folder = template.parent if is_beside else tmp_path
    output = tmp_path / "projects" if is_beside else tmp_path
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"replay_dir": str(tmp_path / "replay")}))
    options = ("--no-input", "--config-file", str(config), "--output-dir", str(output))
    path = os.path.relpath(template, folder)
    subprocess.run(
        [sys.executable, "-m", "cookiecutter", *options, path, "project_slug=wines"],
        cwd=folder,
        env={**os.environ, "PWD": str(folder) if is_beside else ""},
        check=True,
        capture_output=True,
    )
    record = read_record(output / "wines")
    assert record.template == str(template)
    assert record.commit == git(template, "rev-parse", "HEAD").strip()


@pytest.mark.long
@pytest.mark.parametrize("changes", [1, 2, 4, 8, 12, 16, 24, 64, 128, 256])
def test_upgrade_that_is_killed_is_undone_by_git(changes: int, project: Upgradable) -> None:
    """Before the first change of a file or after hundreds, git has the tree of before."""
    before = tree_of(project.folder)
    command = [sys.executable, "-c", INTERRUPTED, str(changes)]
    killed = subprocess.run(command, cwd=project.folder, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    assert "git reset --hard && git clean -fd" in killed.stdout.decode()
    git(project.folder, "reset", "--quiet", "--hard")
    git(project.folder, "clean", "--quiet", "-fd")
    assert tree_of(project.folder) == before
    assert git(project.folder, "status", "--porcelain") == ""


def tree_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a project."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not {".git", "__pycache__"}.intersection(path.parts)
    }


def test_changes_that_are_not_committed_are_refused(project: Upgradable) -> None:
    edit(project.folder / "main.py", '"""', '"""Mine. ')
    assert "expected a clean git tree, got 1 changed files, such as main.py" in project.upgrade(
        code=2
    )


def test_upgrade_does_not_begin_beside_another_git(project: Upgradable) -> None:
    """Nothing could be staged: the files would be changed by half."""
    lock = project.folder / ".git" / "index.lock"
    lock.touch()
    printed = project.upgrade(code=2)
    lock.unlink()
    assert f"{lock} exists" in printed
    assert git(project.folder, "status", "--porcelain") == ""


@pytest.mark.long
def test_file_that_git_does_not_keep_is_not_replaced(project: Upgradable) -> None:
    edit(project.folder / ".gitignore", "\n", "\nnew.txt\n")
    commit(project.folder, "ignored")
    (project.folder / "new.txt").write_text("mine\n")
    assert "new.txt: the new version has this file, and git ignores yours" in project.upgrade(
        code=2
    )
    assert project.text("new.txt") == "mine\n"
    assert git(project.folder, "status", "--porcelain") == ""


def test_core_that_git_does_not_keep_is_not_replaced(project: Upgradable) -> None:
    edit(project.folder / ".gitignore", "\n", "\nmmf_core/\n")
    git(project.folder, "rm", "-r", "--quiet", "--cached", "mmf_core")
    commit(project.folder, "ignored")
    printed = project.upgrade(code=2)
    assert "would be replaced, and git ignores it" in printed
    assert OLD in project.text("mmf_core/__init__.py")
    git(project.folder, "add", "--force", "mmf_core")
    commit(project.folder, "before the upgrade")
    project.upgrade()
    assert NEW in project.text("mmf_core/__init__.py")


@pytest.mark.long
def test_links_and_folders_in_the_place_of_files_stay(project: Upgradable, tmp_path: Path) -> None:
    """Nothing is written through a link: git could not bring back a file outside of the project."""
    template = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(project.template), str(template))
    (template / PAYLOAD / "loadtests" / "new.py").write_text("new\n")
    commit(template, "a file in a folder")
    folder, outside = project.folder, tmp_path / "outside"
    before = {"Procfile": project.text("Procfile"), "requirements.in": "mine\n"}
    for path, text in before.items():
        (tmp_path / path).write_text(text)
        (folder / path).unlink()
        (folder / path).symlink_to(tmp_path / path)
    shutil.move(folder / "loadtests", outside)
    (folder / "loadtests").symlink_to(outside)
    (folder / "new.txt").mkdir()
    (folder / "new.txt" / "mine").write_text("mine\n")
    commit(folder, "links")
    printed = project.upgrade("--from-template", str(template), "--to", "main")
    for line in (
        "Procfile, a link (the template: Procfile)",
        "requirements.in, a link (the template: requirements.in)",
        "loadtests, a link (the template: loadtests/new.py)",
        "new.txt, a folder (the template: new.txt)",
    ):
        assert f"kept      {line}" in printed
    assert {path: (tmp_path / path).read_text() for path in before} == before
    assert not (outside / "new.py").exists()
    assert "# the new template" in project.text("compose.yaml")
    assert not git(folder, "diff", "--name-only")


@pytest.mark.long
def test_requirements_in_another_encoding_are_refused(project: Upgradable) -> None:
    text = project.text("requirements.txt")
    (project.folder / "requirements.txt").write_text(text, encoding="utf-16")
    commit(project.folder, "pip freeze in PowerShell")
    printed = project.upgrade(code=2)
    assert "Error: requirements.txt: expected UTF-8" in printed
    assert git(project.folder, "status", "--porcelain") == ""


@pytest.mark.long
def test_another_template_is_refused(project: Upgradable, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(project.template), str(other))
    git(other, "checkout", "--quiet", f"v{OLD}")
    edit(other / PAYLOAD / "Procfile", "web:", "# other\nweb:")
    commit(other, "other")
    git(other, "tag", "--force", f"v{OLD}")
    record = read_record(project.folder)
    write_record(
        project.folder,
        Record(record.template, record.version, "", record.answers, record.sums),
    )
    commit(project.folder, "no commit known")
    printed = project.upgrade("--from-template", str(other), code=2)
    assert "does not make what this project began with: Procfile" in printed


@pytest.mark.long
def test_project_without_a_record_is_adopted(project: Upgradable) -> None:
    for name in (NAME, CRUFT):
        (project.folder / name).unlink()
    commit(project.folder, "no record")
    assert f"{NAME} is missing" in project.upgrade(code=2)
    assert "--from-template" in project.upgrade("--adopt", OLD, code=2)
    project.upgrade("--adopt", OLD, "--from-template", str(project.template))
    assert read_record(project.folder).version == NEW


@pytest.mark.long
def test_bundle_is_a_template(project: Upgradable, tmp_path: Path) -> None:
    bundle = tmp_path / "template.bundle"
    git(project.template, "bundle", "create", "--quiet", str(bundle), "--all")
    project.upgrade("--from-template", str(bundle))
    assert read_record(project.folder).version == NEW


def test_address_that_cookiecutter_accepts_is_one_of_git(project: Upgradable) -> None:
    address = f"git+file://{project.template}"
    assert f"{NEW} is newer" in project.upgrade("--check", "--from-template", address, code=1)


@pytest.mark.parametrize(
    ("text", "reason"), [("not TOML", "cannot be read"), ('version = "1"\n', "cannot be read")]
)
def test_broken_record_is_named(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(text)
    with pytest.raises(UpgradeError, match=reason):
        read_record(tmp_path)


@pytest.mark.parametrize(
    ("address", "recorded"),
    [
        ("https://bob:s3c@ret@example.com/org/mmf.git", "https://example.com/org/mmf.git"),
        ("git+https://token@example.com/org/mmf", "git+https://example.com/org/mmf"),
        ("https://example.com/org/mmf@main", "https://example.com/org/mmf@main"),
        ("ssh://git@example.com/org/mmf", "ssh://git@example.com/org/mmf"),
        ("git@example.com:org/mmf.git", "git@example.com:org/mmf.git"),
    ],
)
def test_password_in_the_address_of_a_template_is_not_recorded(
    address: str, recorded: str, tmp_path: Path
) -> None:
    write_record(tmp_path, Record(address, OLD, "1234567"))
    assert read_record(tmp_path).template == recorded
    cruft = json.loads((tmp_path / CRUFT).read_text())
    assert (cruft["template"], cruft["context"]["cookiecutter"]["_template"]) == (recorded,) * 2


@pytest.mark.parametrize(
    ("old", "mine", "new", "merged", "kept"),
    [
        ("a==1\nb==1\n", "a==1\nb==1\n", "a==2\nb==1\n", "a==2\nb==1\n", []),
        ("a==1\n", "a==1\nm==1\n", "a==1\nn==1\n", "a==1\nm==1\nn==1\n", []),
        ("a==1\nb==1\n", "a==1\nb==1\n", "b==1\n", "b==1\n", []),
        ("a==1\n", "a==3\n", "a==2\n", "a==3\n", ["a==3 (the template: a==2)"]),
        ("a==1\n", "a==3\n", "", "a==3\n", ["a==3 (the template: removed)"]),
        ("a==1\n", "", "a==2\n", "", []),
        ("# c\nA_b>1  # x\n", "# d\nA_b>1  # x\n", "a-b>2  # y\n", "# d\na-b>2  # y\n", []),
        (
            'a==1 ; python_version < "3.12"\na==2 ; python_version >= "3.12"\n',
            'a==1 ; python_version < "3.12"\na==2 ; python_version >= "3.12"\n',
            'a==1 ; python_version < "3.12"\na==3 ; python_version >= "3.12"\n',
            'a==1 ; python_version < "3.12"\na==3 ; python_version >= "3.12"\n',
            [],
        ),
        (
            "a==1\nb==1\n",
            "a==3\nb==1\nm==1\n",
            "a==1 ; x\na==2 ; y\nb==1 ; x\n",
            "a==3\nb==1 ; x\nm==1\n",
            ["a==3 (the template: a==1 ; x, a==2 ; y)"],
        ),
        ("a==1 ; x\na==2 ; y\n", "a==1 ; x\na==2 ; y\n# m\n", "a==3\n", "a==3\n# m\n", []),
        ("-r x.in\n", "-r x.in\n-c y\n", "-r x.in\nb\n", "-r x.in\n-c y\nb\n", []),
    ],
)
def test_requirements_are_merged_by_package(
    old: str, mine: str, new: str, merged: str, kept: list[str]
) -> None:
    assert merge_requirements(old, mine, new) == (merged, kept)


def test_only_what_may_need_something_done_is_shown() -> None:
    shown = list(entries_between(CHANGELOG, Version(0, 9, 0), Version(0, 10, 0)))
    assert shown == [f"{NEW} Removed\n\n- `mmf.Old`: write `mmf.New`."]


@pytest.fixture(scope="module")
def parts_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of the template with extras that have parts in many places."""
    folder = copy_template(tmp_path_factory.mktemp("parts") / "mmf-flask")
    package = folder / PAYLOAD / "mmf_core"
    remove_extras(package, find_extras(package).keys() - KEPT - PARTS)
    commit(folder, "some extras")
    return folder


def begin(template: Path, folder: Path, **answers: str) -> Upgradable:
    """Generate a project and commit it."""
    made, _ = generate(template, {"project_slug": "wines"} | answers, folder)
    record = read_record(made)
    head = git(template, "rev-parse", "HEAD").strip()
    write_record(made, replace(record, template=str(template), commit=head))
    git(made, "init", "--quiet")
    commit(made, "a new project")
    return Upgradable(template, made)


def test_extras_that_are_removed_and_added_leave_the_project_as_it_was(
    parts_template: Path, tmp_path: Path
) -> None:
    project = begin(parts_template, tmp_path / "all")
    folder = project.folder
    before = tree_of(folder)
    names = ("metrics", "cors", "stores/s3", "codecs/table_xls")
    printed = project.mmfmeta("extras", "remove", *names)
    for path in ("mmf_core/metrics", "deploy/prometheus", "mmf_core/codecs/table_xls.py"):
        assert f"deleted   {path}\n" in printed
        assert not (folder / path).exists()
    assert "updated   compose.yaml" in printed
    assert "updated   requirements.in" in printed
    assert "make add" in printed
    assert "git reset --hard" in printed
    text = project.text("compose.yaml") + project.text("README.md")
    for name in ("prometheus:", "grafana:", "MMF_CORS_ORIGINS", "seaweedfs"):
        assert name not in text
    assert "postgres:" in text
    own = project.text("requirements.in")
    for package in ("flask-cors", "prometheus-client"):
        assert package not in own
    assert "pandas" in own, "the core imports it, too"
    assert (
        read_record(folder).answers["__removed_extras"] == "codecs/table_xls cors metrics stores/s3"
    )
    commit(folder, "less")
    assert "already there: v2" in project.mmfmeta("extras", "add", "v2")
    project.mmfmeta("extras", "add", *names)
    assert tree_of(folder) == before


def test_extras_are_merged_into_what_the_project_has_changed(
    parts_template: Path, tmp_path: Path
) -> None:
    project = begin(parts_template, tmp_path / "core", extras="core")
    folder = project.folder
    assert "metrics" not in find_extras(folder / "mmf_core")
    edit(folder / "compose.yaml", "mem_limit: 512m", "mem_limit: 2g  # mine")
    edit(folder / "Dockerfile", "\nEXPOSE", "\nLABEL owner=mine\nEXPOSE")
    (folder / "Procfile").write_text("web: gunicorn --preload app:app\n")
    (folder / "requirements.in").write_text(project.text("requirements.in") + "mine\n")
    (folder / "Makefile").write_text(project.text("Makefile") + "\nmine:\n\t@echo mine\n")
    edit(folder / "mmf_core" / "target.py", '"""', '"""Mine. ')
    (folder / "main.py").write_text("# mine\n")
    commit(folder, "mine")
    mine = tree_of(folder)
    assert "conflicts Procfile" in project.mmfmeta("extras", "add", "tasks", "--dry-run", code=1)
    assert git(folder, "status", "--porcelain") == ""
    printed = project.mmfmeta("extras", "add", "tasks", code=1)
    assert "added     mmf_core/tasks\n" in printed
    assert "added     deploy/kubernetes/worker\n" in printed
    assert "merged    compose.yaml" in printed
    assert "merged    Dockerfile" in printed
    assert "conflicts Procfile" in printed
    assert "Edit what is between <<<<<<< and >>>>>>>" in printed
    assert "=======\nweb: gunicorn app:app\nworker: python" in project.text("Procfile")
    for path, text in {"compose.yaml": "2g  # mine", "Dockerfile": "LABEL owner=mine"}.items():
        assert text in project.text(path)
        assert "tasks" in project.text(path)
    assert "prometheus" not in project.text("compose.yaml")
    changed = {path for path, contents in mine.items() if tree_of(folder)[path] != contents}
    assert {"main.py", "Makefile", "mmf_core/target.py", "requirements.txt"}.isdisjoint(changed)
    assert read_record(folder).answers["__added_extras"] == "tasks"


@pytest.mark.long
def test_upgrade_changes_the_parts_of_extras_that_were_added(
    parts_template: Path, tmp_path: Path
) -> None:
    project = begin(parts_template, tmp_path / "core", extras="core")
    project.mmfmeta("extras", "add", "tasks")
    commit(project.folder, "with tasks")
    edit(parts_template / PAYLOAD / "compose.yaml", "postgres:17.6", "postgres:17.7")
    commit(parts_template, "later")
    try:
        project.upgrade("--to", "main")
        assert "postgres:17.7" in project.text("compose.yaml")
        assert read_record(project.folder).answers["__added_extras"] == "tasks"
        assert (project.folder / "mmf_core" / "tasks").exists()
        commit(project.folder, "upgraded")
        printed = project.mmfmeta("extras", "remove", "tasks")
        assert "deleted   mmf_core/tasks\n" in printed
        assert "postgres" not in project.text("compose.yaml")
        assert "__added_extras" not in read_record(project.folder).answers
    finally:
        git(parts_template, "reset", "--quiet", "--hard", "HEAD~1")


@pytest.mark.long
def test_what_is_the_projects_own_stays_when_an_extra_is_removed(
    parts_template: Path, tmp_path: Path
) -> None:
    project = begin(parts_template, tmp_path / "own")
    folder = project.folder
    (folder / "own.py").write_text("import flask_cors\n")
    (folder / "deploy" / "grafana" / "dashboard.json").write_text("mine\n")
    (folder / "deploy" / "grafana" / "mine.json").write_text("mine\n")
    commit(folder, "mine")
    printed = project.mmfmeta("extras", "remove", "metrics", "cors")
    assert "kept      deploy/grafana/dashboard.json (the template: removed)" in printed
    assert project.text("deploy/grafana/dashboard.json") == "mine\n"
    assert project.text("deploy/grafana/mine.json") == "mine\n"
    assert not (folder / "deploy" / "grafana" / "provisioning").exists()
    assert "flask-cors" in project.text("requirements.in"), "own.py imports it"
    assert "prometheus-client" not in project.text("requirements.in")


def test_extra_that_is_edited_is_not_removed_in_part(parts_template: Path, tmp_path: Path) -> None:
    """What is edited would stay, and be imported: no command, not even this one, would work."""
    project = begin(parts_template, tmp_path / "own")
    edit(project.folder / "mmf_core" / "cors" / "capability.py", '"""', '"""Mine. ')
    commit(project.folder, "mine")
    for options in ([], ["--dry-run"]):
        printed = project.mmfmeta("extras", "remove", "cors", *options, code=2)
        assert "cors has been edited" in printed
        assert "git log -p mmf_core/cors shows it" in printed
        assert "Changing the files" not in printed
    assert git(project.folder, "status", "--porcelain") == ""


@pytest.mark.long
def test_extra_brings_what_it_requires(parts_template: Path, tmp_path: Path) -> None:
    project = begin(parts_template, tmp_path / "core", extras="core")
    core, offered = project.folder / "mmf_core", parts_template / PAYLOAD / "mmf_core"
    assert set(with_required(["grpc"], core, offered)) == {"grpc", "v2"}
    project.mmfmeta("extras", "add", "grpc")
    assert {"grpc", "v2"} <= find_extras(core).keys()
    imported = [sys.executable, "-c", "import mmf_core.grpc.views"]
    subprocess.run(imported, cwd=project.folder, check=True)
    commit(project.folder, "gRPC")
    printed = project.mmfmeta("extras", "remove", "v2", code=2)
    assert "grpc requires v2: remove it, too" in printed
    project.mmfmeta("extras", "remove", "v2", "grpc")
    assert find_extras(core).keys() == {"init", "upgrading"}


def test_extras_that_cannot_be_changed_are_refused(project: Upgradable, tmp_path: Path) -> None:
    for arguments, reason in {
        ("add", "nothing"): "unknown extra: nothing; available: cors",
        ("remove", "nothing"): "unknown extra: nothing; available: cors",
        ("add", "cors", "--from-template", str(tmp_path / "x")): "does not exist",
        ("add", "cors", "--template", str(tmp_path / "x")): "does not exist",
    }.items():
        assert reason in project.mmfmeta("extras", *arguments, code=2)
    own = project.folder / "mmf_core" / "own"
    own.mkdir()
    (own / "capability.py").write_text(OWN_CAPABILITY)
    assert "expected a clean git tree" in project.mmfmeta("extras", "remove", "cors", code=2)
    commit(project.folder, "an extra of its own")
    printed = project.mmfmeta("extras", "remove", "own", code=2)
    assert "own is not an extra of the template: delete its folder" in printed
    record = read_record(project.folder)
    write_record(project.folder, replace(record, commit=""))
    commit(project.folder, "an unknown commit")
    printed = project.mmfmeta("extras", "remove", "cors", code=2)
    assert "hooks that generated this project are not recorded" in printed
    assert "--accept-hooks" in printed
    edit(project.folder / "mmf_core" / "__init__.py", OLD, "0.9.5")
    commit(project.folder, "another version")
    printed = project.mmfmeta("extras", "remove", "cors", "--accept-hooks", code=2)
    assert f"names a template with mmf_core {OLD}, but mmf_core here is 0.9.5" in printed
    (project.folder / NAME).unlink()
    assert f"{NAME} is missing" in project.mmfmeta("extras", "remove", "cors", code=2)


@pytest.mark.long
def test_extra_that_was_added_later_is_upgraded(template: Path, tmp_path: Path) -> None:
    """A project began with the core alone: what it got later is not an edit of mmf_core."""
    git(template, "checkout", "--quiet", f"v{OLD}")
    try:
        folder, _ = generate(template, {"extras": "core", "project_slug": "wines"}, tmp_path / "a")
        assert not (folder / "mmf_core" / "cors").exists()
        shutil.copytree(template / PAYLOAD / "mmf_core" / "cors", folder / "mmf_core" / "cors")
    finally:
        git(template, "checkout", "--quiet", "main")
    git(folder, "init", "--quiet")
    commit(folder, "with CORS")
    Upgradable(template, folder).upgrade()
    assert (folder / "mmf_core" / "cors" / "new_part.py").exists()
    assert not (folder / "mmf_core" / "models" / "skops_format.py").exists()
    assert NEW in (folder / "mmf_core" / "__init__.py").read_text()


def test_the_commit_of_a_project_without_a_record_is_found(
    project: Upgradable, tmp_path: Path
) -> None:
    """Commits of one version differ in a file that is copied, or in one with answers in it."""
    template = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(project.template), str(template))
    made = git(template, "rev-parse", f"v{OLD}").strip()
    git(template, "checkout", "--quiet", "-b", "old", made)
    edit(template / PAYLOAD / "README.md", "\n", "\na later line\n")
    commit(template, "a later README of the same version")
    edit(template / PAYLOAD / "gunicorn.conf.py", '"""', '"""Later: ')
    commit(template, "a later file of the same version")
    git(template, "tag", "--delete", f"v{OLD}")
    answers = read_record(project.folder).answers
    for name in (NAME, CRUFT):
        (project.folder / name).unlink()
    (project.folder / "compose.yaml").write_text("mine: true\n")
    commit(project.folder, "no record")
    clone = Template(str(template), tmp_path / "clone")
    assert infer_record(project.folder, clone, "a template", OLD) == Record(
        "a template", OLD, made, answers
    )
    with pytest.raises(UpgradeError, match="no commit of the template has version 7"):
        infer_record(project.folder, clone, "a template", "7.0.0")
    with pytest.raises(UpgradeError, match="no version or commit 'nowhere'"):
        infer_record(project.folder, clone, "a template", "nowhere")


def test_branch_hides_neither_a_tag_nor_a_commit(tmp_path: Path) -> None:
    """A template's branch may have any name; an old one is not what it is now."""
    template = tmp_path / "template"
    template.mkdir()
    git(template, "init", "--quiet", "--initial-branch=main")
    commits = []
    for name in ("first", "second", "third"):
        (template / name).touch()
        commit(template, name)
        commits.append(git(template, "rev-parse", "HEAD").strip())
    first, second, third = commits
    git(template, "tag", "v0.9.0", first)
    git(template, "tag", "stable", second)
    git(template, "branch", "work", first)
    for branch in ("v0.9.0", "0.9.0", "stable", first[:7], first):
        git(template, "update-ref", f"refs/heads/{branch}", third)
    clone = Template(str(template), tmp_path / "clone")
    assert clone.commit_of("v0.9.0") == clone.commit_of("0.9.0") == first
    assert clone.commit_of("stable") == second
    for length in (7, 12, 40):
        assert clone.commit_of(first[:length]) == first
    git(tmp_path / "clone", "branch", "--no-track", "work", third)
    assert clone.commit_of("work") == first
    assert clone.commit_of("HEAD") == third
    assert clone.commit_of("main~1") == second
    assert clone.commit_of("nowhere") == clone.commit_of("0000000") == ""


@pytest.mark.long
def test_answers_that_todays_questions_do_not_have_are_reported(
    project: Upgradable, tmp_path: Path
) -> None:
    template = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(project.template), str(template))
    questions = json.loads((template / "cookiecutter.json").read_text(encoding="utf-8"))
    del questions["author"], questions["__prompts__"]["author"]
    del questions["__prompts__"]["python_version"]["3.11"]
    questions["python_version"].remove("3.11")
    (template / "cookiecutter.json").write_text(json.dumps(questions), encoding="utf-8")
    edit(template / "hooks" / "pre_gen_project.py", '"description", "author"', '"description",')
    edit(template / PAYLOAD / "pyproject.toml", "cookiecutter.author", '"somebody"')
    commit(template, "other questions", "v0.11.0")
    printed = project.upgrade("--from-template", str(template))
    assert "answer    author: this version does not ask for it" in printed
    assert "answer    python_version: '3.11' is not a choice any more, '3.12' is used" in printed
    record = read_record(project.folder)
    assert record.version == NEW, "__version__ is that of mmf_core"
    assert "author" not in record.answers
    assert record.answers["python_version"] == "3.12"
    assert project.text(".python-version") == "3.12\n"


@pytest.mark.long
def test_project_moves_to_a_fork_of_its_template(project: Upgradable, tmp_path: Path) -> None:
    fork = tmp_path / "fork"
    git(tmp_path, "clone", "--quiet", str(project.template), str(fork))
    edit(fork / PAYLOAD / "Procfile", "web:", "# the fork\nweb:")
    edit(fork / PAYLOAD / "mmf_core" / "__init__.py", NEW, "0.11.0")
    commit(fork, "a fork", "v0.11.0")
    project.upgrade("--from-template", str(fork))
    assert "# the fork" in project.text("Procfile")
    record = read_record(project.folder)
    assert (record.template, record.version) == (str(fork), "0.11.0")


@pytest.mark.parametrize(
    "path",
    [
        "--upload-pack=touch hostile",
        "ext::sh -c touch% hostile",
        "$(touch hostile)",
        "; touch hostile",
        "file:///dev/null",
        "\n",
    ],
)
def test_hostile_path_of_a_template_runs_nothing(path: str, project: Upgradable) -> None:
    assert "Error: git clone failed" in project.upgrade("--from-template", path, code=2)
    record = read_record(project.folder)
    write_record(project.folder, replace(record, template=path))
    commit(project.folder, "hostile")
    assert "Error: git clone failed" in project.upgrade(code=2)
    assert git(project.folder, "status", "--porcelain", "--ignored") == ""


@pytest.mark.long
def test_lines_end_as_the_project_has_them(project: Upgradable) -> None:
    """The template has line feeds: only what it has changed is changed, in CRLF as well."""
    for path in ("compose.yaml", "requirements.in", "mmf_core/cors/capability.py"):
        contents = (project.folder / path).read_bytes()
        (project.folder / path).write_bytes(contents.replace(b"\n", b"\r\n"))
    commit(project.folder, "edited on Windows")
    printed = project.upgrade()
    assert "conflicts" not in printed
    for path in ("compose.yaml", "requirements.in"):
        contents = (project.folder / path).read_bytes()
        assert b"new" in contents
        assert contents.count(b"\r\n") == contents.count(b"\n")


@pytest.mark.long
def test_what_the_template_removes_stays_if_it_is_changed(
    project: Upgradable, tmp_path: Path
) -> None:
    template = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(project.template), str(template))
    (template / PAYLOAD / "Procfile").unlink()
    (template / PAYLOAD / "compose.yaml").unlink()
    commit(template, "fewer files")
    edit(project.folder / "Procfile", "web:", "mine: true\nweb:")
    commit(project.folder, "mine")
    printed = project.upgrade("--from-template", str(template), "--to", "main")
    assert "kept      Procfile (the template: removed)" in printed
    assert "mine: true" in project.text("Procfile")
    assert not (project.folder / "compose.yaml").exists()


@pytest.mark.parametrize("is_conflict", [False, pytest.param(True, marks=pytest.mark.long)])
def test_file_that_both_sides_have_renamed_stays_under_both_names(
    is_conflict: bool, project: Upgradable, tmp_path: Path
) -> None:
    template = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(project.template), str(template))
    git(template, "mv", f"{PAYLOAD}/train.py", f"{PAYLOAD}/training.py")
    commit(template, "another name")
    git(project.folder, "mv", "train.py", "fit.py")
    if is_conflict:
        edit(project.folder / "fit.py", '"""', '"""Mine. ')
    else:
        (project.folder / "fit.py").write_text(project.text("fit.py") + "# mine\n")
    commit(project.folder, "mine")
    options = ("--from-template", str(template), "--to", "main")
    printed = project.upgrade(*options, code=int(is_conflict))
    lines = {line for line in printed.splitlines() if "fit.py" in line or "train" in line}
    both = "kept      fit.py (the template: training.py, also renamed from train.py)"
    if is_conflict:
        assert lines == {both, "conflicts fit.py", "conflicts training.py"}
    else:
        assert lines == {both, "merged    fit.py", "added     training.py"}
    for path in ("fit.py", "training.py"):
        assert ("<<<<<<<" in project.text(path)) == is_conflict
        assert "The new training" in project.text(path)
        assert ("Mine. " if is_conflict else "# mine") in project.text(path)
    assert not (project.folder / "train.py").exists()


@pytest.mark.long
def test_files_of_the_sample_are_not_added_beside_other_targets(
    project: Upgradable, tmp_path: Path
) -> None:
    template = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(project.template), str(template))
    git(template, "checkout", "--quiet", f"v{OLD}")
    sample = template / PAYLOAD / "tests" / "test_wine.py"
    text = sample.read_text()
    sample.unlink()
    edit(template / "hooks" / "post_gen_project.py", '"test_wine.py").unlink()', '"x").touch()')
    commit(template, "before", "v0.11.0")
    sample.write_text(text)
    commit(template, "after", "v0.12.0")
    for is_changed in (True, False):
        made, _ = generate_at(template, "v0.11.0", tmp_path / str(is_changed))
        if is_changed:
            (made / "main.py").write_text("# mine\n")
        git(made, "init", "--quiet")
        commit(made, "mine")
        options = ("--from-template", str(template), "--to", "v0.12.0")
        Upgradable(template, made).upgrade(*options)
        assert (made / "tests" / "test_wine.py").exists() == (not is_changed)


def generate_at(template: Path, version: str, folder: Path) -> tuple[Path, Record]:
    """Generate a project of a version."""
    head = git(template, "rev-parse", "HEAD").strip()
    git(template, "checkout", "--quiet", "--detach", version)
    try:
        return generate(template, {"project_slug": "wines"}, folder)
    finally:
        git(template, "checkout", "--quiet", "--detach", head)
