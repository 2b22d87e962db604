"""A prediction compared with the truth: whether a class is correct, or a quantity's error."""

from __future__ import annotations

from dataclasses import dataclass

from ..error_texts import quoted
from .database import NO_BIN
from .predictions import Predictions, Value

BINS = 10
"""The number of probability bins in which probabilities are compared with the accuracy."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a prediction turned out: `hit` for a class, `error` for a quantity."""

    hit: bool | None = None
    error: float | None = None
    bin: int = NO_BIN
    probability: float | None = None


def outcome(predictions: Predictions, row: int, truth: Value) -> Outcome:
    """Compare a row's prediction with the truth; ValueError if they cannot be compared."""
    predicted = predictions.values[row] if row < len(predictions.values) else None
    if predicted is None:
        raise ValueError("this row has no prediction to compare; send a reward")
    probability = predictions.probabilities[row] if predictions.probabilities else None
    if isinstance(predicted, str) != isinstance(truth, str):
        kind = "text" if isinstance(predicted, str) else "number"
        raise ValueError(f"expected a {kind}, as the prediction is, got {quoted(truth)}")
    if isinstance(predicted, float) and isinstance(truth, int | float) and probability is None:
        if isinstance(truth, bool):
            raise ValueError(f"expected a number, as the prediction is, got {quoted(truth)}")
        return Outcome(error=abs(predicted - truth))
    if probability is None:
        return Outcome(hit=predicted == truth)
    index = min(BINS - 1, max(0, int(BINS * probability)))
    return Outcome(hit=predicted == truth, bin=index, probability=probability)
