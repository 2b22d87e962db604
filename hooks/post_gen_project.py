"""Remove what is not part of the project, record where it comes from, begin a git repository."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

# `tojson` leaves no apostrophe in its output, so no answer can end this literal.
ANSWERS = r'''{{ cookiecutter | tojson }}'''  # fmt: skip  # noqa: Q001


# The main.py of a project without a sample: what is commented out is valid as soon as it is not.
EMPTY_MAIN = '''\
"""The targets of this service: the only file you must edit. README.md shows what it can say.

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
    from mmf_core import extras

    package = project / "mmf_core"
    kept = {f"models/{model_format}", "init", "upgrading"}
    extras.remove_extras(package, extras.find_extras(package).keys() - kept)
    for folder in ("grafana", "prometheus", "kubernetes/worker"):
        shutil.rmtree(project / "deploy" / folder)


def remove_sample(project: Path, model_file: str) -> None:
    """Remove the sample's targets, training and tests."""
    main = EMPTY_MAIN.replace("model.joblib", model_file)
    (project / "main.py").write_text(main, encoding="utf-8")
    (project / "train.py").unlink()
    (project / "tests" / "test_wine.py").unlink()


def write_record(project: Path, answers: dict[str, str]) -> None:
    """Write what `mmfmeta upgrade` and cruft need to know."""
    from mmf_core import __version__
    from mmf_core.upgrading import record

    public = {name: text for name, text in answers.items() if not name.startswith("_")}
    record.write_record(
        project,
        record.Record(
            template=answers["_template"],
            version=__version__,
            commit=commit_of(Path(answers.get("_repo_dir") or answers["_template"])),
            answers=public,
            sums=record.checksums(project),
        ),
    )


def commit_of(template: Path) -> str:
    """Return the commit that a template is at; empty if it has changes, or is not a repository."""

    def git(*arguments: str) -> str:
        command = [shutil.which("git") or "git", "-C", str(template), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() if not done.returncode else "unknown"

    if not template.is_dir() or shutil.which("git") is None or git("status", "--porcelain"):
        return ""
    is_top = Path(git("rev-parse", "--show-toplevel")) == template.resolve()
    return git("rev-parse", "HEAD") if is_top else ""


def start_repository(project: Path) -> None:
    """Make the project a git repository with a first commit.

    Not without git, nor inside another repository. Without a name for its author there is no
    commit, and the files are staged. No hook and no key of the user's is asked.
    """
    program = shutil.which("git")
    elsewhere = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")  # in a hook
    environment = {name: text for name, text in os.environ.items() if name not in elsewhere}

    def git(*arguments: str) -> bool:
        command = [program or "", "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false"]
        done = subprocess.run(
            [*command, "-c", "init.defaultBranch=main", *arguments],
            cwd=project,
            env=environment,
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    if program and not git("rev-parse", "--is-inside-work-tree"):
        _ = git("init") and git("add", "--all") and git("commit", "--message", "A new project")


if __name__ == "__main__":
    answers = json.loads(ANSWERS)
    sys.dont_write_bytecode = True  # the new project has no caches
    sys.path.insert(0, str(Path.cwd()))
    if answers["extras"] == "core":
        remove_extras(Path.cwd(), answers["model_format"])
    if answers["sample"] == "none":
        remove_sample(Path.cwd(), answers["__model_file"])
    write_record(Path.cwd(), answers)
    start_repository(Path.cwd())
    print(farewell(answers["project_slug"], answers["sample"]))
