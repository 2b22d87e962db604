"""Print what to type next."""

import json

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


if __name__ == "__main__":
    print(farewell(json.loads(ANSWERS)["project_slug"]))
