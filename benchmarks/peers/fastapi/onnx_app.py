"""FastAPI with a pydantic model of a row, uvicorn, and the forest in onnxruntime."""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from wines import Predictions, Wine

app = FastAPI()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1  # one core is all that it has
session = onnxruntime.InferenceSession(os.environ["BENCH_ONNX"], options)
(X,) = (tensor.name for tensor in session.get_inputs())


@app.post("/predict")
async def predict(wines: list[Wine]) -> Predictions:
    """Return one prediction per wine."""
    rows = np.array([[*wine.model_dump().values()] for wine in wines], np.float32)
    return Predictions(predictions=session.run(None, {X: rows})[0].ravel().tolist())
