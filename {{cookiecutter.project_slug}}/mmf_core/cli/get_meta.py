"""`mmfmeta get-meta main`: writes `mmf.json`, the description that MMF reads."""

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
    "--out", default="mmf.json", show_default=True, type=click.Path(dir_okay=False, path_type=Path)
)
def get_meta(module: str, out: Path) -> None:
    """Import MODULE (main) and write what it declares; no artifact's loader is run."""
    registry = load_project(module.removesuffix(".py"))
    text = json.dumps(registry.meta(), ensure_ascii=False, indent=2, default=str)
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from error
    click.echo(f"{out}: written")


def load_project(module: str) -> Registry:
    """Import MODULE; what its code raises is told with the line, and not as a traceback."""
    try:
        return load(module)
    except MMFError:
        raise
    except (Exception, SystemExit) as error:
        what = " ".join(str(error).split())
        raise click.ClickException(
            f"{module} cannot be imported: {type(error).__name__}: {what}{_place(error)}"
        ) from error


def _place(error: BaseException) -> str:
    """Say which line of the project failed; a SyntaxError does so itself."""
    frames = traceback.extract_tb(error.__traceback__)
    files = [(Path(one.filename), one.lineno) for one in frames]
    ours = [one for one in files if one[0].parent == Path.cwd()]
    return f" ({ours[-1][0].name}, line {ours[-1][1]})" if ours else ""
