"""A project whose target predicts by rows."""

from collections.abc import Callable

from click.testing import Result

MAIN = """
import os

import mmf_core as mmf


@mmf.target(returns=mmf.DataFrame(), default=True)
def score(
    data=mmf.DataFrame(schema={"a": float, "b": mmf.Column(int, ge=0)}),
    factor=mmf.Float(default=1.0),
):
    if (data["a"] == -666).any():
        raise RuntimeError("the number of the beast")
    if os.path.exists("down") and (data["a"] == 200).any():
        raise mmf.Unavailable("the feature store does not respond")
    return (data["a"] + data["b"]) * factor


@mmf.target(returns=mmf.DataFrame())
def twice(data=mmf.DataFrame(schema={"a": float})):
    return data["a"] * 2
"""
Predict = Callable[..., Result]
