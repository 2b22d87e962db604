"""Saves a model with a column of every type: `save.py FOLDER`, run where the full mlflow is."""

import sys
import time
from typing import Any

import numpy as np
import pandas as pd
from mlflow import pyfunc
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

COLUMNS = [
    ColSpec("long", "a"),
    ColSpec("double", "b", required=False),
    ColSpec("string", "s", required=False),
    ColSpec("boolean", "f", required=False),
    ColSpec("datetime", "d", required=False),
]
PARAMS = [ParamSpec("times", "long", 2), ParamSpec("shape", "string", "array")]


class Model(pyfunc.PythonModel):
    """Answers `a * times`, in one of the shapes that a model may answer in."""

    def predict(self, context: object, model_input: pd.DataFrame, params: Any = None) -> Any:
        """Fail where a is 666; be late where it is 999; `shape` may be a column to send back."""
        del context
        a, shape = model_input["a"], params["shape"]
        if (a == 666).any():
            raise RuntimeError("a secret of the model")
        if (a == 999).any():
            time.sleep(30)
        result = (a * params["times"]).to_numpy()
        if shape in model_input:
            return model_input[[shape]].rename(columns={shape: "reported"})
        shapes = {
            "frame": lambda: pd.DataFrame({"y": result, "z": "text"}),
            "series": lambda: pd.Series(result, name="y"),
            "matrix": lambda: np.stack([result, result * 0.5], axis=1),
            "texts": lambda: [str(value) for value in result],
            "nan": lambda: result * float("nan"),
        }
        return shapes.get(shape, lambda: result)()


signature = ModelSignature(inputs=Schema(COLUMNS), params=ParamSchema(PARAMS))
pyfunc.save_model(sys.argv[1], python_model=Model(), signature=signature, pip_requirements=[])
