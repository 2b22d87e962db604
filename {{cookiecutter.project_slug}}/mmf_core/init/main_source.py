"""The source of a main.py for one model."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from ..descriptors import schema_of
from ..descriptors.training import Columns
from ..errors import DescriptorError

_SOURCE = '''"""The targets of this service: the only file you must edit. README.md shows more."""
{datetime}
import mmf_core as mmf

{load}

ROWS = mmf.DataFrame(description="one row for each prediction"{schema})


@mmf.target(returns=mmf.DataFrame(format=mmf.XLSX))
def {name}(data=ROWS):
    """Return the model's {result} for each row."""
    return model.{method}({data})
'''
_LONGEST = 10_000  # characters of a schema that somebody would read; the model has them all
_RESULTS = {"predict": "prediction", "transform": "output"}
_LOAD = "model = mmf.artifact({file!r}).load()"
# A file that is too large to be kept with the code, and is all the same.
_LOAD_LARGE = '''
@mmf.artifact({file!r})
def model():
    """Load the model, once, at start-up."""
    return mmf.load_model({file!r})
'''


def method_of(model: Any) -> str:
    """Return the name of the method that a target calls; empty if the model has none."""
    return next((method for method in _RESULTS if hasattr(model, method)), "")


def columns_of(model: Any) -> tuple[Columns | None, str]:
    """Return the columns that a model knows; None and the reason if it does not."""
    try:
        return schema_of(model), ""
    except DescriptorError as error:
        return None, str(error)


def source(file: str, name: str, model: Any, columns: Columns | None, *, is_large: bool) -> str:
    """Return a main.py that serves a model file by one target."""
    schema = "" if columns is None else f", schema={columns!r}"
    if len(schema) > _LONGEST:
        schema = ", schema=model"
    is_unnamed = columns is None and hasattr(model, "n_features_in_")  # fitted on an array
    method = method_of(model)
    return _SOURCE.format(
        datetime="\nfrom datetime import datetime\n" if "datetime" in schema else "",
        load=(_LOAD_LARGE if is_large else _LOAD).format(file=file),
        schema=schema,
        name=name,
        method=method,
        result=_RESULTS[method],
        data="data.to_numpy()" if is_unnamed else "data",
    )


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
