"""The source of a main.py for a model file."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from ..models import fast_path
from .served_models import RESULTS, ServedModel

_SOURCE = '''"""The targets of this service: the only file you must edit. README.md shows more."""
{datetime}
import mmf_core as mmf

{load}
{targets}'''
_TARGET = '''
{rows} = mmf.DataFrame(description="one row for each prediction"{schema})


@mmf.target(returns=mmf.DataFrame(format=mmf.XLSX))
def {name}(data={rows}):
    """Return the {result} for each row."""
    return {call}
'''
_LONGEST = 10_000  # characters of a schema that somebody would read; the model has them all
_LOAD = "{name} = {loaded}"
# A file that is too large to be kept with the code, and is all the same.
_LOAD_LARGE = '''
@mmf.artifact({file!r})
def {name}():
    """Load the file, once, at start-up."""
    return {loaded}
'''


def source(file: str, models: Sequence[ServedModel], *, is_large: bool) -> str:
    """Return a main.py that serves the models of a file, each by one target."""
    name = models[0].expression.partition("[")[0]
    loaded = f"mmf.load_model({file!r})" if is_large else f"mmf.artifact({file!r}).load()"
    if name == models[0].expression and fast_path(models[0].model) is not models[0].model:
        loaded = f"mmf.fast_path({loaded})"
    targets = "\n".join(_target(model, is_only=len(models) == 1) for model in models)
    return _SOURCE.format(
        datetime="\nfrom datetime import datetime\n" if "datetime" in targets else "",
        load=(_LOAD_LARGE if is_large else _LOAD).format(file=file, name=name, loaded=loaded),
        targets=targets,
    )


def _target(model: ServedModel, *, is_only: bool) -> str:
    columns, _ = model.columns
    schema = "" if columns is None else f", schema={columns!r}"
    if len(schema) > _LONGEST:
        schema = f", schema={model.before_expression or model.expression}"
    if schema:  # an id comes back beside its prediction
        schema += ', extra="keep"'
    data = "data.to_numpy()" if columns is None and model.is_unnamed else "data"
    if model.before_expression:
        data = f"{model.before_expression}.transform({data})"
    return _TARGET.format(
        rows="ROWS" if is_only else f"{model.target.upper()}_ROWS",
        schema=schema,
        name=model.target,
        result=f"{RESULTS[model.method]} of {'the model' if is_only else _in_docstring(model.key)}",
        call=f"{model.expression}.{model.method}({data})",
    )


def _in_docstring(key: object) -> str:
    return "".join(character for character in str(key) if character.isalnum() or character in " -_")


def is_empty(module: Path) -> bool:
    """Return whether a module is absent, or says nothing but comments and a docstring."""
    if not module.exists():
        return True
    try:
        body = ast.parse(module.read_bytes()).body
    except (SyntaxError, ValueError):
        return False
    return all(
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        for statement in body
    )
