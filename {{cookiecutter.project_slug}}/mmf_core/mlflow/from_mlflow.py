"""`mmfmeta from-mlflow FOLDER`: writes a main.py that serves a model of MLflow's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..codecs import Kind
from ..descriptors import Array, DataFrame, Descriptor, schema_of
from ..models.mlflow_format import FORMAT
from ..models.mlflow_signature import TYPES, read_signature

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
    """Write a main.py that serves the model in FOLDER, by its signature."""
    FORMAT.require(folder.name)
    text, descriptor = source(folder, read_signature(folder))
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{out} is there already; --out writes elsewhere") from None
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from error
    key = "dataframe_records" if descriptor.kind is Kind.TABLE else "inputs"
    body = json.dumps({key: descriptor.example()}, ensure_ascii=False).replace("'", "'\\''")
    click.echo(f"{out}: written; when it is served:")
    click.echo(f"curl HOST/invocations -H 'Content-Type: application/json' -d '{body}'")


def source(folder: Path, signature: Any) -> tuple[str, Descriptor[Any]]:
    """Return a main.py for a signature, and the descriptor of its data."""
    params = signature.params.params if signature.params else ()
    data, schema, descriptor = _data(folder, signature)
    arguments = [f"data={data}", *(f"{one.name}={_scalar(one)}" for one in params)]
    named = ", ".join(f'"{one.name}": {one.name}' for one in params)
    lines = "".join(f"    {one},\n" for one in arguments)
    text = _SOURCE.format(
        folder=folder.as_posix(),
        imports="\nfrom datetime import datetime\n" if "datetime" in schema else "",
        schema=schema,
        description=f"the model in {folder.name}, as MLflow describes it",
        returns=descriptor.class_name,
        arguments=f"\n{lines}" if params else arguments[0],
        params=f", params={{{named}}}" if params else "",
    )
    return text, descriptor


def _data(folder: Path, signature: Any) -> tuple[str, str, Descriptor[Any]]:
    """Return the Python of the data's descriptor and of its schema, and the descriptor."""
    inputs = signature.inputs
    if inputs.is_tensor_spec() and not inputs.has_input_names():
        (one,) = inputs.inputs
        shape, dtype = tuple(None if size < 0 else size for size in one.shape), str(one.type)
        return f"mmf.Array(shape={shape}, dtype={dtype!r})", "", Array(shape=shape, dtype=dtype)
    schema = schema_of(folder)
    return "mmf.DataFrame(schema=SCHEMA)", f"SCHEMA = {schema}\n", DataFrame(schema=schema)


def _scalar(param: Any) -> str:
    """Return the Python of a parameter's descriptor."""
    kind = TYPES.get(param.dtype.name, str).__name__
    if param.shape is not None or kind not in _SCALARS or not param.name.isidentifier():
        raise click.ClickException(f"params: {param.name} cannot be an argument; write main.py")
    return f"mmf.{_SCALARS[kind]}(default={param.default!r})"
