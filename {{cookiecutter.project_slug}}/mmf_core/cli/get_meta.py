"""`mmfmeta get-meta main`: writes `mmf.json`, the description that MMF reads."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..registry import load


@click.command("get-meta")
@click.argument("module", default="main")
@click.option(
    "--out", default="mmf.json", show_default=True, type=click.Path(dir_okay=False, path_type=Path)
)
def get_meta(module: str, out: Path) -> None:
    """Import MODULE (main) and write what it declares; no artifact's loader is run."""
    text = json.dumps(
        load(module.removesuffix(".py")).meta(), ensure_ascii=False, indent=2, default=str
    )
    out.write_text(text + "\n", encoding="utf-8")
    click.echo(f"{out}: written")
