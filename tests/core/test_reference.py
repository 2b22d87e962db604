"""docs/descriptors.md matches the docstrings, and their examples pass."""

import doctest
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

import mmf_core as mmf
import reference
from mmf_core.call_options import CallOptions

MEMBERS = reference.members()
pytestmark = pytest.mark.usefixtures("default_registry")


@pytest.fixture
def names(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Yield the names used by the examples, in a folder with the model's file."""
    table = pd.DataFrame({"age": [31, 42], "weight": [60.5, 80.0]})
    model = LinearRegression().fit(table, [1.0, 2.0])
    with chdir(tmp_path):
        mmf.save_model(model, "model.joblib", example=table)
        yield {"mmf": mmf, "X": table, "model": model}


def test_page_is_current() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run make reference"


@pytest.mark.parametrize("name", MEMBERS)
def test_docstring_examples_pass(name: str, names: dict[str, Any]) -> None:
    text = MEMBERS[name].__doc__
    test = doctest.DocTestParser().get_doctest(text, names, name, None, 0)
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("name", MEMBERS)
def test_every_option_is_documented_and_exists(name: str) -> None:
    value = MEMBERS[name]
    limits = {field.name for field in fields(CallOptions)} if name == "target" else set()
    assert reference.undescribed(value) == set()
    assert reference.options(value).keys() <= reference.parameters(value).keys() | limits


@pytest.mark.parametrize("name", MEMBERS)
def test_declarations_and_descriptors_have_examples(name: str) -> None:
    is_declared = reference.section_of(MEMBERS[name]) in {"Declarations", "Descriptors"}
    assert not is_declared or ">>> " in MEMBERS[name].__doc__


def test_every_public_name_is_on_the_page() -> None:
    page = reference.page()
    assert [name for name in reference.public() if f"`mmf.{name}`" not in page] == []
