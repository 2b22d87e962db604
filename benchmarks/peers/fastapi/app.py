"""FastAPI with a pydantic model of a row and uvicorn."""

import os

import joblib
import pandas as pd
from fastapi import FastAPI
from wines import Predictions, Wine

app = FastAPI()
model = joblib.load(os.environ["BENCH_MODEL"])


@app.post("/predict")
async def predict(wines: list[Wine]) -> Predictions:
    """Return one prediction per wine."""
    table = pd.DataFrame([wine.model_dump() for wine in wines])
    return Predictions(predictions=model.predict(table).tolist())
