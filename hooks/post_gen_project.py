"""Remove what is not part of the project, record its origin, and create a git repository."""

import json
import os
import shutil
import sys
from pathlib import Path

# `tojson` leaves no apostrophe in its output, so no answer can end this literal.
ANSWERS = r'''{{ cookiecutter | tojson }}'''  # fmt: skip  # noqa: Q001

CRUFTS_COMMIT = "_commit"  # an answer of cruft, not of cookiecutter

TRAINING_TARGET = "\n\n\n# It runs as a task"  # its first line, and those between targets
WITHOUT_SKLEARN = ("onnx", "pmml")  # formats of models that the service runs without it

# The main.py of a project without a sample: what is commented out is valid as soon as it is not.
EMPTY_MAIN = '''\
"""The targets of this service: the only file you must edit. README.md shows what it can declare.

`make init MODEL=path/to/file` writes it from a model file. Or write it yourself, from these lines:
"""

# import mmf_core as mmf
#
# model = mmf.artifact("model.joblib").load()
#
#
# @mmf.target(returns=mmf.DataFrame(format=mmf.XLSX))
# def predict(data=mmf.DataFrame(description="one row for each prediction")):
#     """Predict a value for each row."""
#     return model.predict(data)
'''

FIRST = {
    "wine": "make test    # installs what it needs, trains the sample model, runs the tests",
    "none": "make init MODEL=path/to/model.joblib    # copies your model, writes main.py for it",
}


def farewell(slug: str, sample: str) -> str:
    """Name the commands that follow `cookiecutter`."""
    return (
        f"\nThe project is in {slug}. Next:\n\n"
        f"    cd {slug}\n"
        f"    {FIRST[sample]}\n"
        "    make run     # serves it on http://127.0.0.1:8000\n"
    )


def remove_extras(project: Path, model_format: str) -> None:
    """Remove extras of mmf_core, but not the commands and the model's format; and their files."""
    from mmf_core import extras  # of the new project, which is on the path when this script runs

    package = project / "mmf_core"
    kept = {f"models/{model_format}", "init", "upgrading"}
    extras.remove_extras(package, extras.find_extras(package).keys() - kept)
    for folders in extras.PROJECT_FILES.values():
        for folder in folders:
            shutil.rmtree(project / folder)


def remove_training_target(project: Path) -> None:
    """Remove the sample's target that trains, which is the last one of main.py."""
    main = project / "main.py"
    before, _, _ = main.read_text(encoding="utf-8").partition(TRAINING_TARGET)
    main.write_text(f"{before.rstrip()}\n", encoding="utf-8")


def remove_sample(project: Path, model_file: str) -> None:
    """Remove the sample's targets, training and tests."""
    main = EMPTY_MAIN.replace("model.joblib", model_file)
    (project / "main.py").write_text(main, encoding="utf-8")
    (project / "train.py").unlink()
    (project / "tests" / "test_wine.py").unlink()


def write_record(project: Path, answers: dict[str, str]) -> None:
    """Write the records of `mmfmeta upgrade` and cruft."""
    # of the new project, which is on the path as soon as this script runs
    from mmf_core import __version__
    from mmf_core.upgrading import record

    changed = {record.ADDED_EXTRAS, record.REMOVED_EXTRAS}
    public = {
        name: text
        for name, text in answers.items()
        if not name.startswith("_") or (name in changed and text)
    }
    source = absolute(answers["_template"], answers)
    record.write_record(
        project,
        record.Record(
            template=source,
            version=__version__,
            commit=answers.get(CRUFTS_COMMIT)
            or commit_of(Path(absolute(answers.get("_repo_dir") or source, answers))),
            answers=public,
            sums=record.checksums(project),
        ),
    )


def absolute(path: str, answers: dict[str, str]) -> str:
    """Return a path as an absolute one; a URL is unchanged.

    cookiecutter passes it as typed, relative to the folder in which cookiecutter was called: the
    shell's or, if no other was chosen, that of the output.
    """
    for folder in (os.environ.get("PWD"), answers.get("_output_dir")):
        if folder and (there := Path(folder, path)).exists():
            return str(there.resolve())
    return path


def commit_of(template: Path) -> str:
    """Return the commit of a template; empty if it has changes, or is not a repository."""
    from mmf_core.upgrading.git import git  # of the new project, as above

    if not template.is_dir() or not shutil.which("git"):
        return ""
    top = git(template, "rev-parse", "--show-toplevel", may_fail=True).strip()
    if Path(top) != template.resolve() or git(template, "status", "--porcelain", may_fail=True):
        return ""
    return git(template, "rev-parse", "HEAD", may_fail=True).strip()


def start_repository(project: Path) -> None:
    """Make the project a git repository with a first commit.

    Not without git, nor inside another repository. Without a name for its author there is no
    commit, and the files are staged. No hook and no key of the user's is used.
    """
    from mmf_core.upgrading.git import git  # of the new project, as above

    if not shutil.which("git") or git(project, "rev-parse", "--is-inside-work-tree", may_fail=True):
        return
    for command in (("init",), ("add", "--all"), ("commit", "--message", "A new project")):
        git(project, *command, may_fail=True)


if __name__ == "__main__":
    answers = json.loads(ANSWERS)
    sys.dont_write_bytecode = True  # the new project has no caches
    sys.path.insert(0, str(Path.cwd()))
    if answers["extras"] == "core":
        remove_extras(Path.cwd(), answers["model_format"])
    if answers["extras"] == "core" or answers["model_format"] in WITHOUT_SKLEARN:
        remove_training_target(Path.cwd())
    if answers["sample"] == "none":
        remove_sample(Path.cwd(), answers["__model_file"])
    write_record(Path.cwd(), answers)
    if CRUFTS_COMMIT not in answers:  # else .git would be part of what cruft compares
        start_repository(Path.cwd())
        print(farewell(answers["project_slug"], answers["sample"]))
