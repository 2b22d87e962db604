"""`mmfmeta export`: a folder that predicts without a server."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ..batch_prediction.project import find_target, table_argument
from ..cli.get_meta import load_project
from ..example_calls import use_model_schemas
from .exported_model import PLAN, export_model
from .page import PAGE, write_page


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="OUT")
@click.argument("target", required=False)
@click.option(
    "--runtime",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    metavar="FOLDER",
    help="The npm package onnxruntime-web: node_modules/onnxruntime-web.",
)
def export(folder: Path, target: str | None, runtime: Path) -> None:
    """Write a folder that predicts on a device: model.onnx, its columns, and a page for a browser.

    TARGET is by default the only one from a table to a table. It must return what its model
    predicts and no more, since nothing else of main.py runs in a browser: its example is compared.
    """
    registry = load_project("main")
    registry.load_artifacts()
    use_model_schemas(registry)
    chosen = find_target(registry, target)
    argument = table_argument(chosen)
    with TemporaryDirectory(prefix="mmfmeta-") as temporary:
        complete = Path(temporary)
        plan = export_model(registry, chosen, argument, complete)
        write_page(complete, plan, runtime)
        folder.mkdir(parents=True, exist_ok=True)
        for file in complete.iterdir():
            shutil.copy(file, folder)
    click.echo(f"wrote {folder}: {PAGE}, which any browser opens, model.onnx and {PLAN}")
