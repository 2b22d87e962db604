"""Plain Flask, as most people start: records, a table, predict, JSON."""

import os

import joblib
import pandas as pd
from flask import Flask, Response, jsonify, request

app = Flask(__name__)
model = joblib.load(os.environ["BENCH_MODEL"])


@app.post("/predict")
def predict() -> Response:
    """Return one prediction per record."""
    table = pd.DataFrame(request.get_json())
    return jsonify(predictions=model.predict(table).tolist())
