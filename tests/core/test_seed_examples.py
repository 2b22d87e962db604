"""The examples of MMF's documentation, unchanged, are declared and served.

Only the model is ours: the documentation does not describe the contents of its file `model`.
"""

# ruff: noqa: RUF001 - the examples are in Russian

import io
import json
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from PIL import Image

import mmf_core as mmf
from mmf_core.errors import ArtifactError
from mmf_core.registry import Registry, load
from mmf_core.web import create_app

IMPORTS = """
import mmf_core as mmf
import pandas as pd
import pickle
"""
OPENED = """
with open('model', 'br') as f:
    model = pickle.load(f) # (1)
"""
MARK = """
mmf.artifact('model') # (1)

with open('model', 'br') as f:
    model = pickle.load(f)
"""
WITH = """
with mmf.artifact('model', 'br') as f: # (1)
    model = pickle.load(f)
"""
LOADER = """
@mmf.artifact('model') # (1)
def model(): # (2)
    with open('model', 'br') as f:
        return pickle.load(f) # (3)
"""
DATAFRAME = """
@mmf.target(returns=mmf.DataFrame(format=mmf.XLSX)) # (1)
def score(
    data = mmf.DataFrame(description='Данные для модели') # (2)
):
    return model.predict(data) # (3)
"""
DICT = """
@mmf.target(returns=mmf.Dict(format=mmf.JSON)) # (1)
def score(
    data = mmf.Dict(description='Данные для модели в формате JSON') # (2)
):
    return model.predict(data)
"""
# The body uses `data`, which this function does not have: a mistake in the documentation.
MIXED = """
@mmf.target(returns=mmf.String()) # (1)
def score(
    img = mmf.Img( # (2)
        format='rgb',
        description='Файл изображения, совместимый с opencv'
    ),
    model_id = mmf.String( # (3)
        description='ID модели, которую нужно использовать для классификации'
    ),
):
    return model[model_id].predict(data) # (4)
"""
FIXED = MIXED.replace("predict(data)", "predict(img)")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAME = "seed_example"

ARTIFACTS = {"opened": OPENED, "mark": MARK, "with": WITH, "loader": LOADER}
each_artifact = pytest.mark.parametrize("artifact", ARTIFACTS.values(), ids=ARTIFACTS.keys())


class Sums:
    """A model that sums each row, as an array."""

    def predict(self, data: pd.DataFrame) -> np.ndarray:
        sums: np.ndarray = data.to_numpy().sum(axis=1)
        return sums


class Counts:
    """A model of plain objects."""

    def predict(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"fields": np.int64(len(data)), "Цена": float("nan")}


class Colour:
    """An image model: the strongest channel."""

    def predict(self, img: np.ndarray) -> str:
        return ["red", "green", "blue"][int(img.mean(axis=(0, 1)).argmax())]


@pytest.fixture
def declare(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    default_registry: Registry,
) -> Iterator[Callable[[object, str], Registry]]:
    """Yield a function that writes a model file beside a module and loads the module."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def make(model: object, text: str) -> Registry:
        (tmp_path / "model").write_bytes(pickle.dumps(model))
        (tmp_path / f"{NAME}.py").write_text(IMPORTS + text, encoding="utf-8")
        registry = load(NAME)
        assert registry is default_registry
        return registry

    yield make
    sys.modules.pop(NAME, None)


def _client(registry: Registry) -> FlaskClient:
    return create_app(registry).test_client()


def _module() -> ModuleType:
    return sys.modules[NAME]


def _picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), (10, 20, 200)).save(buffer, "PNG")
    return buffer.getvalue()


@each_artifact
def test_table_example_returns_excel(
    artifact: str, declare: Callable[[object, str], Registry]
) -> None:
    client = _client(declare(Sums(), artifact + DATAFRAME))
    response = client.post("/score", data=b"a,b\n1,2\n3,4\n", content_type="text/csv")
    assert response.status_code == 200
    assert response.content_type == XLSX
    assert pd.read_excel(io.BytesIO(response.data), engine="calamine").to_dict("list") == {
        "prediction": [3, 7]
    }


@each_artifact
def test_dict_example_returns_json(
    artifact: str, declare: Callable[[object, str], Registry]
) -> None:
    response = _client(declare(Counts(), artifact + DICT)).post("/score", json={"a": 1, "b": []})
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert json.loads(response.data) == {"fields": 2, "Цена": None}


@each_artifact
def test_mixed_example_returns_a_string(
    artifact: str, declare: Callable[[object, str], Registry]
) -> None:
    client = _client(declare({"colour": Colour()}, artifact + FIXED))
    form = {"img": (io.BytesIO(_picture()), "фото.png"), "model_id": "colour"}
    response = client.post("/score", data=form)
    assert response.status_code == 200
    assert response.get_json() == {"result": "blue"}


def test_bug_in_the_mixed_example_is_500(
    declare: Callable[[object, str], Registry],
) -> None:
    client = _client(declare({"colour": Colour()}, WITH + MIXED))
    form = {"img": (io.BytesIO(_picture()), "a.png"), "model_id": "colour"}
    response = client.post("/score", data=form)
    assert response.status_code == 500
    assert response.content_type == "application/problem+json"
    assert "NameError" not in response.text
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("artifact", [MARK, WITH, LOADER], ids=["mark", "with", "loader"])
def test_every_artifact_form_loads_the_same_object(
    artifact: str, declare: Callable[[object, str], Registry]
) -> None:
    registry = declare(Sums(), artifact + DATAFRAME)
    assert [artifact["file"] for artifact in registry.meta()["artifacts"]] == ["model"]
    registry.load_artifacts()
    assert type(_module().model) is Sums
    assert _module().score(pd.DataFrame({"a": [1, 2]})).tolist() == [1, 2]


def test_only_the_decorator_works_without_the_file(
    declare: Callable[[object, str], Registry], tmp_path: Path
) -> None:
    registry = declare(Sums(), LOADER + DATAFRAME)
    (tmp_path / "model").unlink()
    assert registry.meta()["targets"][0]["name"] == "score"
    with pytest.raises(ArtifactError, match="model"):
        registry.load_artifacts()


def test_only_the_decorator_loads_models_over_10_mib(
    declare: Callable[[object, str], Registry],
    default_registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MMF_MAX_ARTIFACT_MIB", raising=False)
    large = {"colour": Colour(), "weights": b"x" * (10 * 1024 * 1024)}
    with pytest.raises(ArtifactError, match=r"10 MiB.*@mmf\.artifact"):
        declare(large, WITH + FIXED)
    default_registry.artifacts.clear()
    declare(large, LOADER + FIXED).load_artifacts()
    assert _module().model["weights"] == large["weights"]


def test_rejects_argument_without_descriptor(
    declare: Callable[[object, str], Registry],
) -> None:
    with pytest.raises(mmf.DescriptorError, match=r"score.*data"):
        declare(Sums(), WITH + "@mmf.target()\ndef score(data): ...\n")


def test_model_may_have_several_targets(
    declare: Callable[[object, str], Registry],
) -> None:
    text = WITH + "".join(
        body.replace("def score", f"def {name}")
        for name, body in (("table", DATAFRAME), ("tree", DICT), ("mixed", FIXED))
    )
    assert list(declare(Sums(), text).targets) == ["table", "tree", "mixed"]
