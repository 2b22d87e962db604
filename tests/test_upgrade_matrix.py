"""Projects of every version, each with what users change, are upgraded to the template of today.

No line of theirs is lost, and the service responds as before, or the changelog says why not.
The versions are the tags of this repository, and two commits from before projects had a record.
"""

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest

from baking import ROOT
from mmf_core.upgrading.record import NAME, parse_version, read_record
from template_repository import PAYLOAD, clone_template, commit, git

WITHOUT_RECORD = ("8ab6c54", "f6b7ba8")
MINE = "mine, Ваше"  # in each line that the user writes
OWN_MAIN = f'''"""{MINE}"""
import mmf_core as mmf

model = mmf.artifact("model.joblib").load()  # {MINE}


@mmf.target(returns=mmf.DataFrame(format=mmf.CSV))
def score(data=mmf.DataFrame(schema=dict.fromkeys(model.feature_names_in_.tolist(), float))):
    return model.predict(data)  # {MINE}


@mmf.target(returns=mmf.Float())
def double(number=mmf.Float(description="{MINE}")):
    return 2 * number  # {MINE}
'''
WINE = {
    "alcohol": 14.23,
    "malic_acid": 1.71,
    "ash": 2.43,
    "alcalinity_of_ash": 15.6,
    "magnesium": 127.0,
    "total_phenols": 2.8,
    "flavanoids": 3.06,
    "nonflavanoid_phenols": 0.28,
    "proanthocyanins": 2.29,
    "color_intensity": 5.64,
    "hue": 1.04,
    "od280/od315_of_diluted_wines": 3.92,
    "proline": 1065.0,
}
CALLS = {
    "a table": ("/score", [WINE, WINE], "application/json"),
    "a table, CSV": ("/score", [WINE], "text/csv"),
    "an invalid cell": ("/score", [WINE | {"ash": "much"}], "application/json"),
    "an object": ("/explain", WINE, "application/json"),
    "a number": ("/double?number=2.5", None, "application/json"),
    "another path": ("/nothing", [WINE], "application/json"),
}
WORDING = {"detail", "message", "request_id"}  # of an error; docs/compatibility.md: not stable
EXPLAINED = {
    (
        "use_another_model_format",
        "an object",
    ): "`Fault`, a descriptor's `check`",  # as in the sample
}
"""What the changelog says of a call that a user's main.py no longer serves, by the edit."""
CALL = """
import json, sys

sys.path.insert(0, "")
from app import app

client = app.test_client()
responses = {}
for name, (path, body, accept) in json.load(sys.stdin).items():
    response = client.post(path, json=body, headers={"Accept": accept})
    is_json = response.mimetype.endswith("json")
    content = response.get_json() if is_json else response.get_data(as_text=True)
    responses[name] = response.status_code, response.mimetype, content
print(json.dumps(responses))
"""


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


def append(file: Path, text: str) -> None:
    write(file, file.read_text(encoding="utf-8") + text)


def replace_all(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old!r}"
    write(file, text.replace(old, new))


def rewrite_main(project: Path) -> None:
    write(project / "main.py", OWN_MAIN)
    (project / "train.py").unlink()


def add_requirement(project: Path) -> None:
    append(project / "requirements.in", f"tabulate>0.8  # {MINE}\n")
    append(project / "requirements.txt", f"tabulate==0.9.0  # {MINE}\n")


def change_dockerfile(project: Path) -> None:
    replace_all(project / "Dockerfile", "\nEXPOSE", f"\nLABEL owner='{MINE}'\nEXPOSE")
    append(project / "Dockerfile", f"# {MINE}\n")


def delete_files(project: Path) -> None:
    for path in ("app.json", "Procfile", "tests/test_files.py"):
        (project / path).unlink()


def configure_gunicorn(project: Path) -> None:
    append(project / "gunicorn.conf.py", f"\nkeepalive = 7  # {MINE}\n")


def edit_on_windows(project: Path) -> None:
    """Have lines end as on Windows, and change one in the middle."""
    for path in ("README.md", "gunicorn.conf.py", "requirements.in", "train.py"):
        lines = (project / path).read_text(encoding="utf-8").splitlines()
        lines[3:3] = [f"# {MINE}"]
        write(project / path, "".join(f"{line}\r\n" for line in lines))


RENAMED = {"loadtests/нагрузка.py": "loadtests/locustfile.py"}


def use_cyrillic_paths(project: Path) -> None:
    write(project / "данные" / "сорта вин.csv", f"вино,сорт\n1,{MINE}\n")
    for new, old in RENAMED.items():
        git(project, "mv", old, new)
        append(project / new, f"# {MINE}\n")


def use_another_model_format(project: Path) -> None:
    (project / "model.pkl").write_bytes(pickle.dumps(joblib.load(project / "model.joblib")))
    (project / "model.joblib").unlink()
    replace_all(project / "main.py", "model.joblib", "model.pkl")
    append(project / "main.py", f"# {MINE}\n")


def write_tests(project: Path) -> None:
    write(project / "tests" / "test_mine.py", f"def test_mine():\n    assert '{MINE}'\n")
    append(project / "tests" / "conftest.py", f"\n# {MINE}\n")
    append(project / "tests" / "test_smoke.py", f"\n# {MINE}\n")


def add_make_target(project: Path) -> None:
    append(project / "Makefile", f"\n.PHONY: mine\nmine: ## {MINE}\n\t@echo '{MINE}'\n")


EDITS = {
    edit.__name__: edit
    for edit in (
        rewrite_main,
        add_requirement,
        change_dockerfile,
        delete_files,
        configure_gunicorn,
        edit_on_windows,
        use_cyrillic_paths,
        use_another_model_format,
        write_tests,
        add_make_target,
    )
}
RESPONSES: dict[tuple[str, bytes], dict[str, Any]] = {}  # before an upgrade: by version, main.py
SHORT = {("8ab6c54", "rewrite_main"), ("f6b7ba8", "edit_on_windows")}


def versions(repository: Path = ROOT) -> list[str]:
    """Return the tags of a repository that are versions, and the commits without a record."""
    listing = ["git", "tag", "--list"]
    tags = subprocess.run(
        listing, cwd=repository, check=False, capture_output=True, text=True
    ).stdout
    return [*filter(parse_version, tags.split()), *WITHOUT_RECORD]


def cells() -> Iterator[Any]:
    for version in versions():
        for edit in EDITS:
            is_short = (version, edit) in SHORT
            yield pytest.param(version, edit, marks=() if is_short else pytest.mark.long)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clone of this repository whose newest commit has the files of today."""
    if not (ROOT / ".git").exists():
        pytest.skip("older versions are in the git repository of the template, which is not here")
    return clone_template(tmp_path_factory.mktemp("template") / "mmf-flask")


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give a function that returns the project of a version, with its model, made once."""
    projects: dict[str, Path] = {}

    def make(version: str) -> Path:
        if version not in projects:
            projects[version] = generate(version, template, tmp_path_factory.mktemp(version))
        return projects[version]

    return make


def generate(version: str, template: Path, folder: Path) -> Path:
    known = ["git", "rev-parse", "--verify", "--quiet", f"{version}^{{commit}}"]
    if subprocess.run(known, cwd=template, check=False, capture_output=True).returncode:
        pytest.skip(f"this clone does not reach back to {version}: git fetch --unshallow")
    git(template, "worktree", "add", "--quiet", "--detach", str(folder / "template"), version)
    folder.mkdir(exist_ok=True)
    config = folder / "config.yaml"
    folders = {"cookiecutters_dir": str(folder), "replay_dir": str(folder / "replay")}
    config.write_text(json.dumps(folders))
    options = ("--no-input", "--config-file", str(config), "--output-dir", str(folder))
    answers = ("project_slug=wines", "project_name=Сорта", "author=O'Connor", "python_version=3.12")
    command = [sys.executable, "-m", "cookiecutter", *options, str(folder / "template"), *answers]
    subprocess.run(command, check=True, capture_output=True)
    project = folder / "wines"
    subprocess.run([sys.executable, "train.py"], cwd=project, check=True, capture_output=True)
    git(project, "init", "--quiet")
    commit(project, "generated, with its model")
    return project


@pytest.mark.parametrize(("version", "edit"), list(cells()))
def test_no_line_is_lost_and_the_service_responds_as_before(
    version: str, edit: str, made: Callable[[str], Path], template: Path, tmp_path: Path
) -> None:
    check_upgrade(version, edit, made(version), template, tmp_path)


def test_each_tag_that_is_a_version_is_upgraded(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).touch()
        if name == "first":
            git(tmp_path, "init", "--quiet")
        commit(tmp_path, name)
        git(tmp_path, "tag", {"first": "v0.3.0", "second": "nightly"}[name])
    git(tmp_path, "tag", "--annotate", "--message", "a version", "v0.4.0")
    assert versions(tmp_path) == ["v0.3.0", "v0.4.0", *WITHOUT_RECORD]


@pytest.mark.long
@pytest.mark.parametrize("edit", ["add_make_target", "rewrite_main"])
def test_project_of_a_tag_is_upgraded(edit: str, template: Path, tmp_path: Path) -> None:
    """There may be no tag yet: the newest commit gets one, in a clone, and has a record."""
    if not git(template, "rev-list", "--max-count=1", "HEAD~1"):
        pytest.skip("this clone has one commit: git fetch --unshallow")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(template), str(clone))
    git(clone, "tag", "v99.0.0", "HEAD~1")
    compose = clone / PAYLOAD / "compose.yaml"
    append(compose, "# the newest\n")
    commit(clone, "the newest")
    generated = generate("v99.0.0", clone, tmp_path / "made")
    check_upgrade("v99.0.0", edit, generated, clone, tmp_path)
    text = (tmp_path / "projects" / "mine" / "compose.yaml").read_text(encoding="utf-8")
    assert text.endswith("# the newest\n")


def check_upgrade(version: str, edit: str, generated: Path, template: Path, tmp_path: Path) -> None:
    """Upgrade a project that was edited: no line is lost, and it responds as before."""
    folder = tmp_path / ("Мои проекты" if edit == "use_cyrillic_paths" else "projects") / "mine"
    project = Path(shutil.copytree(generated, folder))
    EDITS[edit](project)
    commit(project, "mine")
    before = tree_of(project)
    main = version, before["main.py"]
    responses = RESPONSES[main] = RESPONSES.get(main) or responses_of(project)
    is_recorded = (project / NAME).exists()
    assert is_recorded == (version not in WITHOUT_RECORD)
    printed = upgrade(project, template, *(() if is_recorded else ("--adopt", version)))
    check_lines(tree_of(generated), before, tree_of(project))
    assert read_record(project).commit == git(template, "rev-parse", "HEAD").strip()
    now = responses_of(project)
    for name in CALLS:
        if (reason := EXPLAINED.get((edit, name))) and version in WITHOUT_RECORD:
            assert reason in printed
        else:
            assert now[name] == responses[name], printed


def upgrade(project: Path, template: Path, *options: str) -> str:
    """Run the newest mmfmeta as docs/upgrade.md shows it for a project without the command."""
    command = [sys.executable, "-P", "-m", "mmf_core", "upgrade", "--no-tests", "--accept-hooks"]
    done = subprocess.run(
        [*command, "--to", "HEAD", "--from-template", str(template), *options],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(template / PAYLOAD)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == int("\nconflicts " in printed), printed
    return printed


def tree_of(folder: Path) -> dict[str, bytes]:
    """Return the contents of a project's files."""
    paths = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    files = {path: folder / path for path in paths if path}
    return {path: file.read_bytes() for path, file in files.items() if file.is_file()}


def check_lines(
    generated: dict[str, bytes], before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    """Check that what the user has written is there, and what the user has deleted is not."""
    for path, contents in before.items():
        own = lines(contents) - lines(generated.get(RENAMED.get(path, path), b""))
        assert not own - lines(after.get(path, b"")), path
        if contents.count(b"\r\n") == contents.count(b"\n") > 0:
            assert after[path].count(b"\r\n") == after[path].count(b"\n"), path
    assert not (generated.keys() - before.keys()) & after.keys()


def lines(contents: bytes) -> Counter[bytes]:
    return Counter(line for line in contents.splitlines() if line.strip())


def responses_of(project: Path) -> dict[str, Any]:
    """Return the status, the media type and the body of each call."""
    done = subprocess.run(
        [sys.executable, "-c", CALL],
        cwd=project,
        input=json.dumps(CALLS),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    responses: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {name: without_wording(response) for name, response in responses.items()}


def without_wording(value: Any) -> Any:
    """Leave the texts of errors out."""
    if isinstance(value, list):
        return [without_wording(part) for part in value]
    if isinstance(value, dict):
        return {key: without_wording(part) for key, part in value.items() if key not in WORDING}
    return value
