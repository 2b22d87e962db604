"""The cost of Flask and gunicorn by themselves: a view that does nothing."""

from flask import Flask

app = Flask(__name__)


@app.post("/predict")
def predict() -> str:
    """Respond immediately."""
    return "[]"
