"""What is sent and returned: a pydantic model of a row, and of the predictions."""

from pydantic import BaseModel


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
