"""The predictions in a result, and their comparison with the truth."""

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmf_core.codecs import NumberTable
from mmf_core.feedback.database import NO_BIN
from mmf_core.feedback.predictions import MAX_ROWS, Predictions, predictions_of
from mmf_core.feedback.scores import added, calibration_error
from mmf_core.feedback.store import Sums, decoded, encoded
from mmf_core.feedback.truth import Outcome, outcome

UNKNOWN = Predictions()


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (NumberTable(("prediction",), np.array([[1.5], [2.0]])), Predictions(2, [1.5, 2.0])),
        (NumberTable(("prediction",), np.array([[1], [0]])), Predictions(2, [1, 0])),
        (NumberTable(("prediction",), np.array([[True]])), Predictions(1, [True])),
        (
            NumberTable(("prediction_0", "prediction_1"), np.array([[0.2, 0.8], [0.9, 0.1]])),
            Predictions(2, [1, 0], [0.8, 0.9]),
        ),
        (NumberTable(("prediction_0", "prediction_1"), np.array([[3.0, 4.0]])), UNKNOWN),
        (pd.DataFrame({"id": ["a"], "prediction": ["red"]}), Predictions(1, ["red"])),
        (pd.DataFrame({"wine": pd.Categorical(["red"])}), Predictions(1, ["red"])),
        (pd.DataFrame({"a": [1.0], "b": [2.0]}), UNKNOWN),
        (
            pd.DataFrame({"prediction": ["red"], "probability": [0.75]}),
            Predictions(1, ["red"], [0.75]),
        ),
        (
            pd.DataFrame({"id": [7], "probability_red": [0.25], "probability_white": [0.75]}),
            Predictions(1, ["white"], [0.75]),
        ),
        (
            pd.DataFrame({"probability_red": [0.25], "probability_white": [0.75]}),
            Predictions(1, ["white"], [0.75]),
        ),
        (
            pd.DataFrame({"prediction": ["rosé"], "probability_red": [0.25], "id": [7]}),
            Predictions(1, ["rosé"]),
        ),
        (
            pd.DataFrame(
                {"prediction": ["b", "a"], "probability_a": [0.6, 0.9], "probability_b": [0.4, 0.1]}
            ),
            Predictions(2, ["b", "a"], [0.4, 0.9]),
        ),
        (
            pd.DataFrame({"prediction": [1.0], "probability_0": [0.7], "probability_1": [0.3]}),
            Predictions(1, [1.0], [0.3]),
        ),
        (
            pd.DataFrame({"probability_a": [0.9, None], "probability_b": [None, "much"]}),
            Predictions(2, ["a", None], [0.9, None]),
        ),
        (
            pd.DataFrame({"prediction": pd.array([1, None], dtype="Int64")}),
            Predictions(2, [1, None]),
        ),
        (pd.DataFrame({"prediction": [math.nan, 1.5]}), Predictions(2, [None, 1.5])),
        (pd.DataFrame({"prediction": [None]}), UNKNOWN),
        (np.array([1, 2]), Predictions(2, [1, 2])),
        (np.array([[0.5, 0.25, 0.25]]), Predictions(1, [0], [0.5])),
        (np.array([[5.0, 0.25, 0.25]]), UNKNOWN),
        (np.array(3), Predictions(1, [3])),
        ({"prediction": "red", "probability": 0.75}, Predictions(1, ["red"], [0.75])),
        ({"probabilities": {"red": 0.25, "white": 0.75}}, Predictions(1, ["white"], [0.75])),
        ({"probabilities": {np.int64(1): np.float64(0.75)}}, Predictions(1, [1], [0.75])),
        ({"by": "v2"}, UNKNOWN),
        ([{"prediction": 1}, {"prediction": 2}], Predictions(2, [1, 2])),
        (["red", "white"], Predictions(2, ["red", "white"])),
        (1.5, Predictions(1, [1.5])),
        (np.float32(1.5), Predictions(1, [1.5])),
        (np.bool_(True), Predictions(1, [True])),
        ("red", Predictions(1, ["red"])),
        ("x" * 201, UNKNOWN),
        (None, UNKNOWN),
        (object(), UNKNOWN),
    ],
)
def test_predictions_are_found_in_a_result(result: Any, expected: Predictions) -> None:
    predictions = predictions_of(result)
    assert predictions == expected
    assert [*map(type, predictions.values)] == [*map(type, expected.values)]
    assert decoded(predictions.rows, encoded(predictions)) == expected


def test_predictions_are_kept_for_the_first_rows_only() -> None:
    for result in (
        NumberTable(("prediction",), np.arange(MAX_ROWS + 5.0).reshape(-1, 1)),
        pd.DataFrame({"prediction": np.arange(MAX_ROWS + 5.0)}),
        np.arange(MAX_ROWS + 5.0),
        [*map(float, range(MAX_ROWS + 5))],
    ):
        predictions = predictions_of(result)
        assert (predictions.rows, len(predictions.values)) == (MAX_ROWS + 5, MAX_ROWS)
        assert decoded(predictions.rows, encoded(predictions)) == predictions


@pytest.mark.parametrize(
    ("predictions", "truth", "expected"),
    [
        (Predictions(1, [1.5]), 2, Outcome(error=0.5)),
        (Predictions(1, [1]), 1, Outcome(hit=True)),
        (Predictions(1, [1]), 1.0, Outcome(hit=True)),
        (Predictions(1, [1]), 2, Outcome(hit=False)),
        (Predictions(1, ["red"]), "red", Outcome(hit=True)),
        (Predictions(1, [True]), True, Outcome(hit=True)),
        (Predictions(1, [1.0], [0.75]), 1, Outcome(hit=True, bin=7, probability=0.75)),
        (Predictions(1, ["red"], [1.0]), "white", Outcome(hit=False, bin=9, probability=1.0)),
        (Predictions(1, ["red"], [None]), "red", Outcome(hit=True)),
    ],
)
def test_truth_is_compared_with_the_prediction(
    predictions: Predictions, truth: Any, expected: Outcome
) -> None:
    assert outcome(predictions, 0, truth) == expected


@pytest.mark.parametrize(
    ("predictions", "truth", "message"),
    [
        (Predictions(1, ["1"]), 1, "expected a text, as the prediction is, got 1"),
        (Predictions(1, [1]), "1", 'expected a number, as the prediction is, got "1"'),
        (Predictions(1), 1, "this row has no prediction to compare; send a reward"),
        (Predictions(1, [None]), 1, "has no prediction to compare"),
    ],
)
def test_truth_that_cannot_be_compared_is_rejected(
    predictions: Predictions, truth: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        outcome(predictions, 0, truth)


def test_calibration_error_is_zero_for_correct_probabilities() -> None:
    calibrated = Sums(0, 0, classes=10, hits=8, quantities=0, error=0, probability=8.0)
    overconfident = Sums(0, 0, classes=30, hits=0, quantities=0, error=0, probability=15.0)
    other = Sums(1, 1, classes=9, hits=9, quantities=2, error=3, probability=0)
    assert calibration_error({8: calibrated, NO_BIN: other}) == 0
    assert calibration_error({8: calibrated, 5: overconfident}) == pytest.approx(15 / 40)
    assert calibration_error({NO_BIN: other}) is None
    assert added([calibrated, overconfident, other]).classes == 49


def test_stored_predictions_are_small() -> None:
    many = Predictions(MAX_ROWS, [0] * MAX_ROWS)
    assert len(encoded(many) or b"") < 1_000
    assert json.loads(encoded(Predictions(1, [1])) or b"") == [[1], []]
