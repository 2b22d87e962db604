"""Remove the extras that were not wanted; print what to type next."""

import json
import shutil
import sys
from pathlib import Path

# `tojson` leaves no apostrophe in its output, so no answer can end this literal.
ANSWERS = r'''{{ cookiecutter | tojson }}'''  # fmt: skip  # noqa: Q001


def farewell(slug: str) -> str:
    """Name the commands that follow `cookiecutter`."""
    return (
        f"\nThe project is in {slug}. Next:\n\n"
        f"    cd {slug}\n"
        "    make test    # installs what it needs, trains the sample model, runs the tests\n"
        "    make run     # serves it on http://127.0.0.1:8000\n"
    )


def remove_extras(project: Path, model_format: str) -> None:
    """Remove every extra of mmf_core but the model's format, and the dashboards of the metrics."""
    sys.dont_write_bytecode = True  # the new project has no caches
    sys.path.insert(0, str(project))
    from mmf_core import extras

    package = project / "mmf_core"
    kept = {f"models/{model_format}"}
    extras.remove_extras(package, extras.find_extras(package).keys() - kept)
    for folder in ("grafana", "prometheus"):
        shutil.rmtree(project / "deploy" / folder)


if __name__ == "__main__":
    answers = json.loads(ANSWERS)
    if answers["extras"] == "core":
        remove_extras(Path.cwd(), answers["model_format"])
    print(farewell(answers["project_slug"]))
