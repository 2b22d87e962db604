"""FastAPI with a pydantic model of a row and uvicorn."""

import os

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = joblib.load(os.environ["BENCH_MODEL"])


class Wine(BaseModel):
    """Eleven measurements of one wine."""

    fixed_acidity: float
    volatile_acidity: float
    citric_acid: float
    residual_sugar: float
    chlorides: float
    free_sulfur_dioxide: float
    total_sulfur_dioxide: float
    density: float
    pH: float  # noqa: N815 - the column's name
    sulphates: float
    alcohol: float


class Predictions(BaseModel):
    """One prediction per wine."""

    predictions: list[float]


@app.post("/predict")
async def predict(wines: list[Wine]) -> Predictions:
    """Answer with one prediction per wine."""
    table = pd.DataFrame([wine.model_dump() for wine in wines])
    return Predictions(predictions=model.predict(table).tolist())
