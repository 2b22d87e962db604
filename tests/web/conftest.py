"""Targets of every kind, clients that call them, and the log of the service."""

from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
import served_api
from flask import Flask
from flask.testing import FlaskClient
from log_output import Output

import mmf_core as mmf
from mmf_core.settings import Settings
from mmf_core.web import create_app, logs

TABLE = mmf.DataFrame(format=mmf.CSV)
SHEET = mmf.DataFrame(format=mmf.XLSX)
RECORDS = mmf.DataFrame(format=mmf.JSON)
TYPED = mmf.DataFrame(schema={"a": int, "b": float | None})
STRICT = mmf.DataFrame(schema={"a": float})
DICT = mmf.Dict()
ARRAY = mmf.Array()
FILE = mmf.File()
PICTURE = mmf.Img()
TEXT = mmf.String()
SOME_TEXT = mmf.String(default="none given")
WHOLE = mmf.Integer()
ONE = mmf.Integer(default=1)
NUMBER = mmf.Float()
FLAG = mmf.Bool()
MOMENT = mmf.Datetime()


def declare_tables(registry: mmf.Registry) -> None:
    """Declare targets that take a table or make one."""
    target = registry.target

    @target(returns=TABLE)
    def table(data: Any = TABLE) -> Any:
        return data

    @target(returns=SHEET)
    def sheet(data: Any = TABLE) -> Any:
        return data

    @target(returns=RECORDS)
    def records(data: Any = TABLE) -> Any:
        return data

    @target(returns=RECORDS)
    def typed(data: Any = TYPED) -> Any:
        return data

    @target(returns=RECORDS)
    def strict(data: Any = STRICT) -> Any:
        return data

    @target(returns=RECORDS)
    def gaps() -> Any:
        return pd.DataFrame({"a": [1.5, float("nan")], "b": [float("inf"), float("-inf")]})


def declare_results(registry: mmf.Registry) -> None:
    """Declare targets whose results become tables."""
    target = registry.target

    @target(returns=RECORDS)
    def vector(data: Any = TABLE) -> Any:
        return data.to_numpy()[:, 0]

    @target(returns=RECORDS)
    def matrix(data: Any = TABLE) -> Any:
        return data.to_numpy()

    @target(returns=RECORDS)
    def series(data: Any = TABLE) -> Any:
        return data["a"].rename(None)

    @target(returns=RECORDS)
    def named(data: Any = TABLE) -> Any:
        return data["a"].rename("cultivar")


def declare_files_and_trees(registry: mmf.Registry) -> None:
    """Declare targets of one argument that is neither a table nor a scalar."""
    target = registry.target

    @target(returns=DICT)
    def swap(data: Any = DICT) -> Any:
        return {str(value): key for key, value in data.items()}

    @target(returns=ARRAY)
    def double(data: Any = ARRAY) -> Any:
        return data * 2

    @target(returns=WHOLE)
    def size(file: bytes = FILE) -> int:  # type: ignore[assignment]
        return len(file)

    @target(returns=FILE)
    def copied(file: Any = FILE) -> Any:
        return file

    @target(returns=PICTURE)
    def mirror(photo: Any = PICTURE) -> Any:
        return photo[:, ::-1]


def declare_scalars(registry: mmf.Registry) -> None:
    """Declare targets of one scalar argument."""
    target = registry.target

    @target(returns=TEXT)
    def shout(text: Any = TEXT) -> Any:
        return text.upper()

    @target(returns=WHOLE)
    def next_one(number: Any = WHOLE) -> Any:
        return number + 1

    @target(returns=NUMBER)
    def half(number: Any = NUMBER) -> Any:
        return np.float64(number / 2)

    @target(returns=FLAG)
    def opposite(flag: Any = FLAG) -> Any:
        return not flag

    @target(returns=MOMENT)
    def next_year(moment: datetime = MOMENT) -> datetime:  # type: ignore[assignment]
        return moment.replace(year=moment.year + 1)

    @target
    def forget(text: Any = TEXT) -> None:
        del text


def declare_others(registry: mmf.Registry) -> None:
    """Declare targets of several arguments, and of none."""
    target = registry.target

    @target(returns=TEXT)
    def greet(who: Any = SOME_TEXT, times: Any = ONE) -> Any:
        return who * times

    @target(returns=DICT)
    def mixed(data: Any = TABLE, picture: Any = FILE, label: Any = TEXT, times: Any = ONE) -> Any:
        rows = data.to_dict("records")
        return {"rows": rows, "bytes": len(picture), "label": label, "times": times}

    @target(returns=DICT)
    def labelled(data: Any = TABLE, label: Any = TEXT, times: Any = ONE) -> Any:
        return {"rows": data.to_dict("records"), "label": label, "times": times}

    @target(returns=TEXT)
    def hello() -> str:
        return "hello"

    @target(returns=TABLE)
    def предсказать(  # noqa: PLC2401 - a route in another script
        таблица: Any = TABLE,  # noqa: PLC2401
        имя: Any = SOME_TEXT,  # noqa: PLC2401
    ) -> Any:
        return таблица.assign(имя=имя)


@pytest.fixture
def registry() -> mmf.Registry:
    """Return a new, empty registry."""
    return mmf.Registry()


@pytest.fixture(scope="session")
def everything() -> mmf.Registry:
    """Return a registry with targets of every kind."""
    registry = mmf.Registry()
    for declare in (
        declare_tables,
        declare_results,
        declare_files_and_trees,
        declare_scalars,
        declare_others,
    ):
        declare(registry)
    return registry


@pytest.fixture(scope="module")
def described() -> Flask:
    """Return the service that the OpenAPI document and the page describe."""
    return create_app(served_api.declare())


@pytest.fixture(scope="session")
def client(everything: mmf.Registry) -> FlaskClient:
    """Return a client of the service with all targets."""
    return create_app(everything).test_client()


@pytest.fixture
def serve_function() -> Callable[..., FlaskClient]:
    """Return a function that serves one function as a target, and returns a client."""

    def make(function: Callable[..., Any], **how: Any) -> FlaskClient:
        registry = mmf.Registry()
        registry.target(**how)(function)
        return create_app(registry).test_client()

    return make


@pytest.fixture
def bare_logging() -> Output:
    """Return standard output and unconfigured logging."""
    return Output()


@pytest.fixture
def output(bare_logging: Output) -> Output:
    """Return standard output with the service's logs, one JSON object per line."""
    return bare_logging


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Prepare logging around the test only: pytest configures it after creating the fixtures."""
    standard_output = pyfuncitem.funcargs.get("bare_logging")
    if standard_output is None:
        return (yield)
    with standard_output.in_place():
        if "output" in pyfuncitem.funcargs:
            logs.configure(Settings(log_format="json"))
        return (yield)
