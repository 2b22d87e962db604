"""`mmfmeta from-mlflow FOLDER`: writes a main.py that serves an MLflow model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..codecs import Kind
from ..descriptors import Array, DataFrame, Descriptor, schema_of
from ..models.mlflow_signature import TYPES, read_signature
from .package import MLFLOW

_SCALARS = {"bool": "Bool", "int": "Integer", "float": "Float", "str": "String"}
_SOURCE = '''"""Serves the MLflow model in {folder}."""
{imports}
import mmf_core as mmf

model = mmf.artifact({folder!r}).load()
{schema}

@mmf.target(description={description!r}, returns=mmf.{returns}(), default=True)
def predict({arguments}):
    return model.predict(data{params})
'''


@click.command("from-mlflow")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out", default="main.py", show_default=True, type=click.Path(dir_okay=False, path_type=Path)
)
def from_mlflow(folder: Path, out: Path) -> None:
    """Write a main.py that serves the model in FOLDER, according to its signature."""
    MLFLOW.require(folder.name)
    text, descriptor = source(folder, read_signature(folder))
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{out} already exists; choose another file by --out") from None
    except OSError as error:
        raise click.ClickException(f"cannot write {out}: {error.strerror}") from error
    key = "dataframe_records" if descriptor.kind is Kind.TABLE else "inputs"
    body = json.dumps({key: descriptor.plain_example}, ensure_ascii=False).replace("'", "'\\''")
    click.echo(f"Wrote {out}. Once it is served, call it:")
    click.echo(f"curl HOST/invocations -H 'Content-Type: application/json' -d '{body}'")


def source(folder: Path, signature: Any) -> tuple[str, Descriptor[Any]]:
    """Return a main.py for a signature, and the descriptor of its data."""
    params = signature.params.params if signature.params else ()
    data, schema, descriptor = _data(folder, signature)
    arguments = [f"data={data}", *(f"{param.name}={_scalar(param)}" for param in params)]
    by_name = ", ".join(f'"{param.name}": {param.name}' for param in params)
    lines = "".join(f"    {argument},\n" for argument in arguments)
    text = _SOURCE.format(
        folder=folder.as_posix(),
        imports="\nfrom datetime import datetime\n" if "datetime" in schema else "",
        schema=schema,
        description=f"the model in {folder.name}, as MLflow describes it",
        returns=descriptor.class_name,
        arguments=f"\n{lines}" if params else arguments[0],
        params=f", params={{{by_name}}}" if params else "",
    )
    return text, descriptor


def _data(folder: Path, signature: Any) -> tuple[str, str, Descriptor[Any]]:
    """Return the source of the data's descriptor, the source of its schema, and the descriptor."""
    inputs = signature.inputs
    if inputs.is_tensor_spec() and not inputs.has_input_names():
        (tensor,) = inputs.inputs
        shape = tuple(None if size < 0 else size for size in tensor.shape)
        dtype = str(tensor.type)
        return f"mmf.Array(shape={shape}, dtype={dtype!r})", "", Array(shape=shape, dtype=dtype)
    schema = schema_of(folder)
    return "mmf.DataFrame(schema=SCHEMA)", f"SCHEMA = {schema}\n", DataFrame(schema=schema)


def _scalar(param: Any) -> str:
    """Return the source of a parameter's descriptor."""
    kind = TYPES.get(param.dtype.name, str).__name__
    if param.shape is not None or kind not in _SCALARS or not param.name.isidentifier():
        raise click.ClickException(
            f"param {param.name}: cannot become an argument; write main.py yourself"
        )
    return f"mmf.{_SCALARS[kind]}(default={param.default!r})"
