"""Smoke tests: the model, the routes and the targets exist and can be called."""

import pandas as pd

import main
from app import app


def test_model_is_loaded_and_can_predict() -> None:
    assert callable(main.model.predict)


def test_every_target_has_a_route() -> None:
    routes = {rule.rule for rule in app.url_map.iter_rules()}

    assert {"/score", "/explain", "/colour"} <= routes


def test_a_target_is_still_a_function(wines: pd.DataFrame) -> None:
    assert len(main.score(wines)) == len(wines)
