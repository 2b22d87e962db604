"""A table without a schema gets that of the model, if a trial call passes it unchanged."""

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import mmf_core as mmf
from mmf_core.errors import DeclarationError, DescriptorError
from mmf_core.models import ModelFormat, ModelInputs
from mmf_core.models.inputs import NUMBER_OR_NULL
from mmf_core.web import create_app

RANDOM = np.random.default_rng(0)
CITIES = ["Kazan", "Moscow", "Omsk"]
X = pd.DataFrame(
    {
        "area": RANDOM.random(60),
        "city": RANDOM.choice(CITIES, 60),
        "age": RANDOM.integers(0, 50, 60),
    }
)
Y = X.area * 2
MODEL = make_pipeline(
    make_column_transformer((OneHotEncoder(), ["city"]), (StandardScaler(), ["area", "age"])),
    Ridge(),
).fit(X, Y)
ROW = {"area": 0.5, "city": "Omsk", "age": 7}


@pytest.fixture
def registry(tmp_path: Path) -> mmf.Registry:
    """Return a registry with a model's file."""
    joblib.dump(MODEL, tmp_path / "model.joblib")
    return mmf.Registry()


Serve = Callable[..., FlaskClient]


@pytest.fixture
def serve(registry: mmf.Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Serve:
    """Return a function that serves `predict(model, data)`; the log explains a missing schema."""

    def serve(predict: Callable[[Any, pd.DataFrame], Any], **declared: Any) -> FlaskClient:
        model = registry.artifact(tmp_path / "model.joblib").load()
        returns = declared.pop("returns", None) or mmf.DataFrame(format=mmf.JSON)

        def score(data: Any = mmf.DataFrame(**declared)) -> Any:  # noqa: B008 - is its descriptor
            return predict(model, data)

        registry.target(returns=returns)(score)
        with caplog.at_level(logging.INFO):
            return create_app(registry).test_client()

    return serve


def _passed_on(model: Any, data: pd.DataFrame) -> Any:
    return model.predict(data)


def _with_probabilities(model: Any, data: pd.DataFrame) -> Any:
    result = pd.DataFrame({"price": model.predict(data)}, index=data.index)
    return result if len(data) and data.shape[0] else None


@pytest.mark.parametrize("predict", [_passed_on, _with_probabilities])
def test_table_has_the_schema_of_the_model(
    predict: Callable[..., Any], serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(predict)
    assert "score: data has the schema of the model, 3 columns" in caplog.messages
    assert client.post("/score", json=[ROW]).status_code == 200
    assert client.post("/score", json=[{**ROW, "id": 7}]).status_code == 200
    for wrong, place in (
        ({"age": None}, {"row": 1, "column": "age"}),
        ({"age": "strong"}, {"row": 1, "column": "age", "value": "strong"}),
        ({"city": "Paris"}, {"row": 1, "column": "city", "value": "Paris"}),
    ):
        response = client.post("/score", json=[ROW, {**ROW, **wrong}])
        assert response.status_code == 422
        (error,) = response.json["errors"]
        assert place.items() <= error.items()
    response = client.post("/score", json=[{"area": 1, "city": "Omsk"}])
    assert (response.status_code, response.json["detail"]) == (422, "missing columns: age")


def test_schema_applies_to_every_protocol(serve: Serve) -> None:
    client = serve(_passed_on)
    description = client.get("/openapi.json").get_data(as_text=True)
    for city in CITIES:
        assert city in description
    missing = {"dataframe_records": [{"area": 1, "city": "Omsk"}]}
    response = client.post("/invocations", json=missing)
    assert response.status_code == 400
    assert "missing columns: age" in response.json["message"]
    names = [tensor["name"] for tensor in client.get("/v2/models/score").json["inputs"]]
    assert names == list(ROW)
    inputs = [{"name": "area", "datatype": "FP64", "shape": [1], "data": [1.0]}]
    response = client.post("/v2/models/score/infer", json={"inputs": inputs})
    assert response.status_code == 400
    assert "missing columns: city, age" in response.json["error"]


@pytest.mark.parametrize("sent", ["text/csv", "application/json", "xlsx", "parquet", "v2"])
def test_booleans_are_numbers_in_every_format(
    sent: str, registry: mmf.Registry, tmp_path: Path
) -> None:
    table = X[["area"]].assign(flag=X.age > 20)
    joblib.dump(Ridge().fit(table, Y), tmp_path / "flags.joblib")
    model = registry.artifact(tmp_path / "flags.joblib").load()

    def score(data: Any = mmf.DataFrame()) -> Any:  # noqa: B008 - is its descriptor
        return model.predict(data)

    registry.target(returns=mmf.DataFrame(format=mmf.JSON))(score)
    client = create_app(registry).test_client()
    rows, buffer = table.head(3), io.BytesIO()
    if sent == "v2":
        inputs = [
            {"name": name, "datatype": datatype, "shape": [3], "data": rows[name].tolist()}
            for name, datatype in (("area", "FP64"), ("flag", "BOOL"))
        ]
        response = client.post("/v2/models/score/infer", json={"inputs": inputs})
        assert response.status_code == 200, response.json
        predictions = response.json["outputs"][0]["data"]
    else:
        body: Any = buffer
        if sent == "text/csv":
            body = rows.to_csv(index=False)
        elif sent == "application/json":
            body = rows.to_json(orient="records")
        else:
            write = rows.to_excel if sent == "xlsx" else rows.to_parquet
            write(buffer, index=False)
            body = buffer.getvalue()
        types = {
            "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "parquet": "application/vnd.apache.parquet",
        }
        response = client.post("/score", data=body, content_type=types.get(sent, sent))
        assert response.status_code == 200, response.json
        predictions = [row["prediction"] for row in response.json]
    assert predictions == pytest.approx(model.predict(rows).tolist())


def _renames(model: Any, data: pd.DataFrame) -> Any:
    return model.predict(data.rename(columns={"Площадь": "area"}))


def _renames_if_needed(model: Any, data: pd.DataFrame) -> Any:
    if "Площадь" in data.columns:
        data = data.rename(columns={"Площадь": "area"})
    return model.predict(data)


def _derives(model: Any, data: pd.DataFrame) -> Any:
    data["age"] = 2026 - data["built"]
    return model.predict(data)


def _derives_what_is_missing(model: Any, data: pd.DataFrame) -> Any:
    if "age" not in data:
        data["age"] = 2026 - data["built"]
    return model.predict(data)


def _drops(model: Any, data: pd.DataFrame) -> Any:
    return model.predict(data.drop(columns="id", errors="ignore"))


def _chooses(model: Any, data: pd.DataFrame) -> Any:
    return model.predict(data[list(ROW)])


def _fills(model: Any, data: pd.DataFrame) -> Any:
    return model.predict(data.fillna({"age": 1}))


def _fills_in_place(model: Any, data: pd.DataFrame) -> Any:
    data.fillna({"age": 1}, inplace=True)
    return model.predict(data)


def _lowers(model: Any, data: pd.DataFrame) -> Any:
    data["city"] = data["city"].str.title()
    return model.predict(data)


def _returns_all(model: Any, data: pd.DataFrame) -> Any:
    return pd.concat([data, pd.Series(model.predict(data), name="price")], axis=1)


def _recovers(model: Any, data: pd.DataFrame) -> Any:
    try:
        return model.predict(data)
    except ValueError:
        return [0.0] * len(data)


def _ignores_the_model(_model: Any, data: pd.DataFrame) -> Any:
    return [1.0] * len(data)


ROW_AS_SENT = {
    _renames: {"Площадь": 0.5, "city": "Omsk", "age": 7},
    _renames_if_needed: {"Площадь": 0.5, "city": "Omsk", "age": 7},
    _derives: {"area": 0.5, "city": "Omsk", "built": 2019},
    _derives_what_is_missing: {"area": 0.5, "city": "Omsk", "built": 2019},
    _drops: {**ROW, "id": 7},
    _chooses: {**ROW, "id": 7},
    _fills: {**ROW, "age": None},
    _fills_in_place: {**ROW, "age": None},
    _lowers: {**ROW, "city": "omsk"},
    _recovers: {"area": 1},
    _ignores_the_model: {"x": 1},
    _returns_all: {**ROW, "id": 7},
}


@pytest.mark.parametrize("predict", ROW_AS_SENT)
def test_function_with_preprocessing_is_unaffected(
    predict: Callable[..., Any], serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    response = serve(predict).post("/score", json=[ROW_AS_SENT[predict]])
    assert response.status_code == 200, response.json
    if predict is _returns_all:
        assert response.json[0]["id"] == 7
    (line,) = [message for message in caplog.messages if message.startswith("score: tables are")]
    assert "; write schema= to have them checked, or schema=None" in line


def test_schema_none_disables_inference(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    client = serve(_passed_on, schema=None)
    assert not [message for message in caplog.messages if message.startswith("score:")]
    response = client.post("/score", json=[{"area": 1}])
    assert response.status_code == 422  # raised by the model
    assert "columns are missing" in response.json["detail"]
    assert "inputs" in client.get("/v2/models/score").json


def test_model_may_be_given_as_schema(serve: Serve) -> None:
    response = serve(_drops, schema=MODEL).post("/score", json=[{"area": 1, "city": "Omsk"}])
    assert (response.status_code, response.json["detail"]) == (422, "missing columns: age")


def _reason(registry: mmf.Registry, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.INFO):
        create_app(registry)
    (line,) = [message for message in caplog.messages if ": tables are not checked" in message]
    return line


def _declare(registry: mmf.Registry, function: Callable[..., Any]) -> None:
    registry.target(returns=mmf.DataFrame())(function)


def test_schema_is_not_inferred_from_two_models(
    registry: mmf.Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    joblib.dump({"a": MODEL, "b": MODEL, "threshold": 0.5}, tmp_path / "two.joblib")
    models = registry.artifact(tmp_path / "two.joblib").load()

    def score(data: Any = mmf.DataFrame()) -> Any:  # noqa: B008
        return models["a"].predict(data)

    _declare(registry, score)
    assert "expected one model from mmf.artifact, got 2" in _reason(registry, caplog)


def test_log_explains_why_no_schema_is_inferred(
    registry: mmf.Registry,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    joblib.dump(Ridge().fit(X[["area"]].to_numpy(), Y), tmp_path / "bare.joblib")
    model = registry.artifact(tmp_path / "bare.joblib").load()

    def score(data: Any = mmf.DataFrame()) -> Any:  # noqa: B008
        return model.predict(data)

    _declare(registry, score)
    assert "Ridge: it was fitted without column names" in _reason(registry, caplog)

    def joined(left: Any = mmf.DataFrame(), right: Any = mmf.DataFrame()) -> Any:  # noqa: B008
        return model.predict(left.join(right))

    other = mmf.Registry()
    other.artifact(tmp_path / "model.joblib").load()
    _declare(other, joined)
    caplog.clear()
    assert "joined: tables are not checked before the call: it has 2" in _reason(other, caplog)

    other = mmf.Registry()
    other.artifact(tmp_path / "model.joblib").load()
    _declare(other, score)
    caplog.clear()
    monkeypatch.setenv("MMF_WARM_UP", "0")
    assert "MMF_WARM_UP=0 forbids the trial" in _reason(other, caplog)


def test_schema_is_inferred_from_a_loader(
    registry: mmf.Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loader = registry.artifact(tmp_path / "model.joblib")

    @loader
    def model() -> Any:
        return joblib.load(tmp_path / "model.joblib")

    def score(data: Any = mmf.DataFrame()) -> Any:  # noqa: B008
        return model.predict(data)

    _declare(registry, score)
    with caplog.at_level(logging.INFO):
        create_app(registry)
    assert "score: data has the schema of the model, 3 columns" in caplog.messages


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (
            {"area": float, "city": str},
            "the schema has no 'age', the model takes {'age': float} and says: .*are missing",
        ),
        (
            {"area": str, "city": mmf.Column(str, choices=CITIES), "age": float},
            "the schema has {'area': str}, the model takes {'area': float} and says: .*could not",
        ),
    ],
)
def test_rejects_schema_that_contradicts_the_model(schema: Any, words: str, serve: Serve) -> None:
    with pytest.raises(DeclarationError, match=f"score: the schema of data contradicts.*{words}"):
        serve(_passed_on, schema=schema)


@pytest.mark.parametrize(
    ("predict", "more"), [(_derives, {"built": int}), (_passed_on, {"age": int, "id": int})]
)
def test_schema_may_have_columns_for_the_function(
    predict: Callable[..., Any], more: dict[str, Any], serve: Serve
) -> None:
    client = serve(predict, schema={"area": float, "city": str, **more})
    row = {"area": 1, "city": "Omsk", **dict.fromkeys(more, 2000)}
    assert client.post("/score", json=[row]).status_code == 200


class _Any:
    """A model that accepts any table."""

    def predict(self, data: pd.DataFrame) -> Any:
        return pd.DataFrame({"n": [1.0] * len(data)})


def test_custom_format_defines_its_inputs(
    registry: mmf.Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Own(ModelFormat):
        suffixes = (".own",)

        def load(self, path: Path) -> Any:
            return _Any()

        def inputs_of(self, model: Any) -> ModelInputs | None:
            return ModelInputs({"a": NUMBER_OR_NULL}, "own") if isinstance(model, _Any) else None

    monkeypatch.setattr("mmf_core.models.FORMATS", [Own()])
    (tmp_path / "model.own").touch()
    model = registry.artifact(tmp_path / "model.own").load()
    assert mmf.schema_of(model) == {"a": float | None}
    with pytest.raises(DescriptorError, match="not a model"):
        mmf.schema_of(object())


def test_page_offers_an_example_with_the_model_columns(serve: Serve) -> None:
    client = serve(_passed_on)
    response = client.get("/page/example/score/data.xlsx")
    assert response.status_code == 200, response.text
    assert list(pd.read_excel(io.BytesIO(response.data), engine="openpyxl").columns) == list(ROW)
