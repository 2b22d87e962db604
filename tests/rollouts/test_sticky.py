"""What keeps a caller on one version: a header, a claim of its token, or a column."""

from typing import Any

import pandas as pd
import pytest

from mmf_core.access.callers import TokenCaller
from mmf_core.codecs import NumberTable
from mmf_core.errors import InvalidValue
from mmf_core.rollouts.sticky import sticky_key
from mmf_core.web.request_context import RequestContext


def context(claims: dict[str, Any] | None = None, **environ: str) -> RequestContext:
    made = RequestContext("-")
    made.environ = environ
    made.caller = TokenCaller("ann", claims=claims) if claims is not None else None
    return made


def test_header_keeps_a_caller_on_one_version() -> None:
    key = sticky_key("X-User-Id")
    assert key(context(HTTP_X_USER_ID="7"), {}) == "7"
    assert key(context(), {}) is None
    assert key(None, {}) is None


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"sub": "ann"}, "ann"),
        ({"sub": 7}, "7"),
        ({"sub": ["ann"]}, None),
        ({}, None),
        (None, None),
    ],
)
def test_claim_keeps_a_caller_on_one_version(
    claims: dict[str, Any] | None, text: str | None
) -> None:
    assert sticky_key("claim:sub")(context(claims), {}) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"user": 7, "x": 1}, "7"),
        ({"user": "7"}, "7"),
        ({"user": ""}, None),
        ({"x": 1}, None),
        (pd.DataFrame({"user": [7, 7]}), "7"),
        (pd.DataFrame({"user": [7.0, None]}), "7"),
        (pd.DataFrame({"user": ["ann"], "x": [1]}), "ann"),
        (pd.DataFrame({"user": [None, None]}), None),
        (pd.DataFrame({"user": []}), None),
        (pd.DataFrame({"x": [1]}), None),
        (NumberTable(("user", "x"), pd.DataFrame({"a": [7.0], "b": [1.0]}).to_numpy()), "7"),
        (1.5, None),
        (None, None),
    ],
)
def test_column_keeps_a_caller_on_one_version(value: Any, text: str | None) -> None:
    assert sticky_key("column:user")(context(), {"other": 1, "data": value}) == text


@pytest.mark.parametrize(
    "values",
    [
        {"data": pd.DataFrame({"user": [7, 8]})},
        {"left": pd.DataFrame({"user": [7]}), "right": {"user": 8}},
    ],
)
def test_column_of_two_callers_is_rejected(values: dict[str, Any]) -> None:
    """One of them would get the version of the other."""
    with pytest.raises(InvalidValue, match=r'"user" decides .* expected one value .* got 2'):
        sticky_key("column:user")(context(), values)
