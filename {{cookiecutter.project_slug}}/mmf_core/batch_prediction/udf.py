"""A target as a plain function of tables, for engines that have machines of their own.

spark:  frame.mapInPandas(partial(map, batch_udf("score")), "prediction double")
ray:    dataset.map_batches(batch_udf("score"), batch_format="pandas")
dask:   frame.map_partitions(batch_udf("score"), meta={"prediction": "f8"})
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from ..codecs import as_frame
from ..example_calls import use_model_schemas
from ..execution import Execution, Timings
from ..registry import default, load
from .project import check_rows, find_target, table_argument

if TYPE_CHECKING:
    import pandas as pd

_lock = Lock()
_loaded: dict[BatchUDF, Execution] = {}


@dataclass(frozen=True, slots=True)
class BatchUDF:
    """Sent to another process, it is its names: the project is loaded there, once."""

    target: str | None
    module: str
    folder: str

    def __call__(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the result for a table, a row for each; InvalidValue lists invalid cells."""
        if table.empty:
            return table.iloc[:0, :0]
        with _lock:
            execution = _loaded.get(self) or _loaded.setdefault(self, self._load())
        target = execution.target
        counted = table.reset_index(drop=True)
        result: pd.DataFrame = as_frame(execution({table_argument(target): counted}, Timings()))
        check_rows(target, result, table)
        return result.set_axis(table.index)

    def _load(self) -> Execution:
        if self.folder:
            default.folder = Path(self.folder)  # where the files of artifacts are
            if self.folder not in sys.path:
                sys.path.insert(0, self.folder)
        registry = load(self.module)
        registry.load_artifacts()
        use_model_schemas(registry)
        target = find_target(registry, self.target)
        table_argument(target)
        return Execution(target)


def batch_udf(
    target: str | None = None, *, module: str = "main", folder: str | Path = ""
) -> BatchUDF:
    """Return a target as a function from a table to a table, which can be sent to other processes.

    - `target`: its name; without one, the default target, or the only one that fits.
    - `module`: the module that declares it.
    - `folder`: the project's, if it is not on the path of those processes.
    """
    return BatchUDF(target, module, str(folder))
