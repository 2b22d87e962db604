"""`mmfmeta get-meta main`: write `mmf.json`, the description that MMF reads."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import click

from ..errors import MMFError
from ..registry import Registry, load


@click.command("get-meta")
@click.argument("module", default="main")
@click.option(
    "--out",
    default="mmf.json",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)
def get_meta(module: str, out: Path) -> None:
    """Write the targets and artifacts of MODULE (default: main) as JSON.

    MODULE is imported, but no artifact's loader runs.
    """
    registry = load_project(module.removesuffix(".py"))
    text = json.dumps(registry.meta(), ensure_ascii=False, indent=2, default=str)
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {out}: {error.strerror}") from error
    click.echo(f"wrote {out}")


def load_project(module: str) -> Registry:
    """Import a module; ClickException names the line of its code that failed."""
    try:
        return load(module)
    except MMFError:
        raise
    except (Exception, SystemExit) as error:
        reason = " ".join(str(error).split())
        raise click.ClickException(
            f"{module} cannot be imported: {type(error).__name__}: {reason}{_location(error)}"
        ) from error


def _location(error: BaseException) -> str:
    """Return the line of the project that failed; a SyntaxError has it in its own text."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [(Path(frame.filename), frame.lineno) for frame in frames]
    own = [(file.name, line) for file, line in lines if file.parent == Path.cwd()]
    return f" ({own[-1][0]}, line {own[-1][1]})" if own else ""
