"""Property tests: statements that hold for every wine, measured or not."""

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.pandas import column, data_frames, range_indexes
from sklearn.datasets import load_wine

import main

# A busy machine is not a defect of the model.
unhurried = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# From zero to twice the largest value ever measured.
measurements = {
    name: st.floats(min_value=0, max_value=2 * maximum)
    for name, maximum in load_wine(as_frame=True).data.max().items()
}
tables = data_frames(
    [column(name, elements=measurement) for name, measurement in measurements.items()],
    index=range_indexes(min_size=1, max_size=4),
)


@unhurried
@given(tables)
def test_every_wine_gets_one_known_cultivar(wines: pd.DataFrame) -> None:
    predictions = main.score(wines)

    assert len(predictions) == len(wines)
    assert set(predictions) <= {"class_0", "class_1", "class_2"}


@unhurried
@given(tables)
def test_a_wine_is_predicted_alike_alone_and_among_others(wines: pd.DataFrame) -> None:
    alone = [main.score(wines.iloc[[row]])[0] for row in range(len(wines))]

    assert list(main.score(wines)) == alone


@unhurried
@given(st.fixed_dictionaries(measurements))
def test_probabilities_add_up(wine: dict[str, float]) -> None:
    explained = main.explain(wine)

    assert abs(sum(explained["probabilities"].values()) - 1) < 0.001
    assert (
        max(explained["probabilities"], key=explained["probabilities"].get) == explained["cultivar"]
    )
