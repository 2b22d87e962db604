"""`mmfmeta init` writes main.py from a model file and never overwrites a user's work."""

import ast
import pickle
import shlex
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from mmf_core.cli import main
from mmf_core.registry import Registry
from mmf_core.web import create_app

EMPTY = '"""The targets."""\n\n# import mmf_core as mmf\n'
REQUIREMENTS = "# reasons\nflask\nscikit-learn         # the model's own code\njoblib\n"
ROWS = pd.DataFrame({"area (m²)": [30.0, 60.0, 90.0], "rooms": [1.0, 2.0, 4.0]})


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project without a sample, as the current folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "main.py").write_text(EMPTY)
    (folder / "requirements.in").write_text(REQUIREMENTS)
    (folder / "requirements.txt").write_text("numpy==2.4.0\nflask==3.1.0\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a model file in another folder."""
    path = tmp_path / "elsewhere" / "house prices.joblib"
    path.parent.mkdir()
    joblib.dump(Ridge().fit(ROWS, [3.0, 6.0, 9.0]), path)
    return path


def init(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["init", *map(str, arguments)])


def serve(project: Path) -> Any:
    """Return a client for the targets in main.py, without importing it as a module."""
    registry = Registry()
    names: dict[str, Any] = {}
    code = (project / "main.py").read_text().replace("import mmf_core as mmf", "")
    names["mmf"] = _Names(registry)
    exec(compile(code, "main.py", "exec"), names)
    return create_app(registry).test_client()


class _Names:
    def __init__(self, registry: Registry) -> None:
        self.target, self.artifact = registry.target, registry.artifact

    def __getattr__(self, name: str) -> Any:
        import mmf_core

        return getattr(mmf_core, name)


def test_model_from_another_folder_is_served(project: Path, model: Path) -> None:
    result = init(model)
    assert result.exit_code == 0, result.output
    assert (project / model.name).read_bytes() == model.read_bytes()
    response = serve(project).post("/predict?format=json", json=ROWS.to_dict("records"))
    expected = joblib.load(model).predict(ROWS)
    assert [row["prediction"] for row in response.json] == pytest.approx(expected)


def test_id_is_returned_beside_its_prediction(project: Path, model: Path) -> None:
    init(model)
    rows = [{"id": f"00{number}", **row} for number, row in enumerate(ROWS.to_dict("records"))]
    response = serve(project).post("/predict?format=json", json=rows)
    assert [list(row) for row in response.json] == [["id", "prediction"]] * 3
    assert [row["id"] for row in response.json] == ["000", "001", "002"]


def test_invalid_request_names_the_columns(project: Path, model: Path) -> None:
    init(model)
    response = serve(project).post("/predict", json=[{"rooms": "two"}])
    assert response.status_code == 422
    assert {error["column"] for error in response.json["errors"]} == {"area (m²)", "rooms"}


def test_printed_curl_gets_the_printed_prediction(project: Path, model: Path) -> None:
    printed = init(model).output
    (curl,) = [line for line in printed.splitlines() if line.startswith("curl ")]
    _, url, *options = shlex.split(curl)
    body = options[options.index("-d") + 1]
    response = serve(project).post(
        f"/{url.rpartition('/')[2]}",
        data=body.encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    assert response.status_code == 200
    assert f"prediction for an example: {response.json[0]['prediction']}\n" in printed


def check_lint(project: Path) -> None:
    for command in (("format", "--check"), ("check", "--select", "E,F,I,Q,W")):
        subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "--isolated", "main.py"],
            check=True,
            cwd=project,
        )


def test_generated_main_passes_lint(project: Path, model: Path) -> None:
    init(model, "--name", "price")
    check_lint(project)
    assert "def price(" in (project / "main.py").read_text()


@pytest.mark.parametrize(
    ("begins", "load"),
    [
        (StandardScaler(), 'mmf.fast_path(mmf.artifact("own.joblib").load())'),
        (FunctionTransformer(), 'mmf.artifact("own.joblib").load()'),
    ],
)
def test_estimator_uses_the_fast_path(
    begins: Any, load: str, project: Path, tmp_path: Path
) -> None:
    model = make_pipeline(begins, LinearRegression()).fit(ROWS, [3.0, 6.0, 9.0])
    joblib.dump(model, tmp_path / "own.joblib")
    init(tmp_path / "own.joblib")
    assert f"model = {load}\n" in (project / "main.py").read_text()


def test_edited_main_is_backed_up(project: Path, model: Path) -> None:
    assert "replaced" not in init(model).output  # nothing but comments
    assert not list(project.glob("main.old*"))
    own = (project / "main.py").read_text() + "\nOWN = 1\n"
    (project / "main.py").write_text(own)
    assert "main.py has been replaced; the old one is main.old-1.py" in init(model).output
    assert (project / "main.old-1.py").read_text() == own


@pytest.mark.parametrize("text", ["def broken(:", "import own"])
def test_any_content_is_backed_up(project: Path, model: Path, text: str) -> None:
    (project / "main.py").write_text(text)
    init(model)
    assert (project / "main.old-1.py").read_text() == text


def test_existing_model_is_backed_up(project: Path, model: Path) -> None:
    (project / model.name).write_bytes(b"the user's other model")
    assert "house prices.old-1.joblib" in init(model).output
    assert (project / "house prices.old-1.joblib").read_bytes() == b"the user's other model"


@pytest.mark.parametrize("where", ["model.joblib", "models/model.joblib", "./model.joblib"])
def test_model_in_the_project_is_not_moved(project: Path, model: Path, where: str) -> None:
    path = project / where
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(model.read_bytes())
    before = path.stat().st_mtime
    assert "copied" not in init(where).output
    assert path.stat().st_mtime == before
    assert f'artifact("{Path(where).as_posix()}")' in (project / "main.py").read_text()
    assert serve(project).get("/health/ready").status_code == 200


def test_large_model_gets_a_loader(
    project: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_MAX_ARTIFACT_MIB", "0.0001")
    assert init(model).exit_code == 0
    assert "def model():" in (project / "main.py").read_text()
    ast.parse((project / "main.py").read_text())
    response = serve(project).post("/predict?format=json", json=ROWS.to_dict("records"))
    assert response.status_code == 200


def test_large_schema_is_read_from_the_model(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "wide.joblib"
    wide = pd.DataFrame(0.5, index=range(3), columns=[f"gene {index}" for index in range(5_000)])
    joblib.dump(Ridge().fit(wide, [1.0, 2.0, 3.0]), path)
    assert init(path).exit_code == 0
    assert "schema=model" in (project / "main.py").read_text()
    assert serve(project).get("/health/ready").status_code == 200


def test_schema_has_types_and_categories_of_the_model(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "encoded.joblib"
    rows = pd.DataFrame({"city": ["Kazan", "Omsk", "Kazan"], "area": [30.0, 60.0, 90.0]})
    encoder = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
    joblib.dump(make_pipeline(encoder, Ridge()).fit(rows, [1.0, 2.0, 3.0]), path)
    assert "prediction for an example" in init(path).output
    client = serve(project)
    assert client.post("/predict?format=json", json=rows.to_dict("records")).status_code == 200
    response = client.post("/predict", json=[{"city": "Tver", "area": 30}])
    assert response.status_code == 422
    assert response.json["errors"][0]["column"] == "city"


def test_model_fitted_on_an_array_has_no_schema(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "bare.joblib"
    bare = Ridge().fit(ROWS.to_numpy(), [3.0, 6.0, 9.0])
    joblib.dump(bare, path)
    assert "has no schema" in init(path).output
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # scikit-learn warns about missing feature names
        response = serve(project).post("/predict?format=json", json=ROWS.to_dict("records"))
    expected = bare.predict(ROWS.to_numpy())
    assert [row["prediction"] for row in response.json] == pytest.approx(expected)


SCALER = StandardScaler().fit(ROWS)
PRICE = Ridge().fit(ROWS, [3.0, 6.0, 9.0])
SCALED = Ridge().fit(SCALER.transform(ROWS), [3.0, 6.0, 9.0])
ONE = StandardScaler().fit([[1.0], [2.0]])  # of the labels


def predictions(client: Any, route: str) -> list[float]:
    response = client.post(f"/{route}?format=json", json=ROWS.to_dict("records"))
    assert response.status_code == 200, response.text
    return [row["prediction"] for row in response.json]


@pytest.mark.parametrize("is_large", [False, True])
def test_dict_of_models_gets_a_target_per_model(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_large: bool
) -> None:
    monkeypatch.setenv("MMF_MAX_ARTIFACT_MIB", "0.0001" if is_large else "10")
    path = tmp_path / "wines.joblib"
    models = {"red": PRICE, "White wine": Ridge(5).fit(ROWS, [1.0, 2.0, 3.0]), "class": PRICE}
    joblib.dump({**models, "threshold": 0.5, 'ещё "одна"': PRICE}, path)
    output = init(path).output
    assert output.count("prediction for an example") == output.count("\ncurl ") == 4
    assert output.count("next:") == 1
    client = serve(project)
    routes = dict(zip(models, ("red", "white_wine", "predict_3"), strict=True))
    for key, route in routes.items():
        assert predictions(client, route) == pytest.approx(models[key].predict(ROWS))
        assert client.post(f"/{route}", json=[{"rooms": "two"}]).status_code == 422
    assert predictions(client, "predict_4") == pytest.approx(PRICE.predict(ROWS))
    check_lint(project)


def test_scaler_is_applied_before_the_model(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "scaled.joblib"
    joblib.dump({"scaler": SCALER, "model": SCALED, "labels": ONE, "columns": list(ROWS)}, path)
    output = init(path, "--name", "price").output
    assert "price: models['scaler'] transforms the table first" in output
    assert "main.py does not use 'labels' of the file, which does not fit the model" in output
    expected = SCALED.predict(SCALER.transform(ROWS))
    assert predictions(serve(project), "price") == pytest.approx(expected)
    check_lint(project)


@pytest.mark.parametrize(
    "parts",
    [
        {"model": PRICE, "scaler": SCALER},
        {"model": SCALED, "scaler": SCALER, "other": SCALER},
        {"model": SCALED, "scaler": StandardScaler().fit(ROWS.to_numpy())},
        {"model": Ridge().fit([[1.0], [2.0]], [1.0, 2.0]), "labels": ONE},
    ],
    ids=["both know the columns", "two scalers", "no names", "of the labels"],
)
def test_ambiguous_model_and_scaler_are_not_guessed(
    project: Path, tmp_path: Path, parts: dict[str, Any]
) -> None:
    path = tmp_path / "parts.joblib"
    joblib.dump(parts, path)
    result = init(path)
    assert result.exit_code == 1
    assert "does not record whether that model takes the table itself" in result.output
    assert (project / "main.py").read_text() == EMPTY


def test_more_than_ten_models_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "shops.joblib"
    joblib.dump({f"shop {number}": PRICE for number in range(11)}, path)
    assert "holds 11 models: one target with which=mmf.String(choices=[…])" in init(path).output


def test_table_is_not_a_model(tmp_path: Path) -> None:
    path = tmp_path / "table.joblib"
    joblib.dump(ROWS, path)
    assert "holds a DataFrame without predict" in init(path).output


def test_sample_files_are_backed_up(project: Path, model: Path) -> None:
    for name, text in {
        "tests/test_wine.py": "import main",
        "train.py": "from sklearn.datasets import load_wine",
        "loadtests/examples.json": '{"score": [], "of": "wine"}',
    }.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    (project / "main.py").write_text("SCORE = 1\n")
    output = init(model).output
    assert "renamed the sample's tests/test_wine.py to tests/test_wine.py.old-1" in output
    assert "renamed the sample's train.py to train.py.old-1" in output
    assert (project / "train.py.old-1").read_text() == "from sklearn.datasets import load_wine"
    assert not (project / "train.py").exists()
    assert (project / "loadtests" / "examples.json").read_text() == "{}\n"
    assert "wine" in (project / "loadtests" / "examples.json.old-1").read_text()


def test_custom_training_and_examples_are_kept(project: Path, model: Path) -> None:
    own = {"tests/test_wine.py": "", "train.py": "x = 1\n", "loadtests/examples.json": '{"a": 1}'}
    for name, text in own.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    init(model)
    assert (project / "train.py").read_text() == "x = 1\n"
    assert (project / "loadtests" / "examples.json").read_text() == '{"a": 1}'


def test_requirements_of_the_format_and_of_mlflow_models_are_added(tmp_path: Path) -> None:
    import onnxruntime
    import sklearn

    import mmf_core as mmf

    mmf.save_model(PRICE, tmp_path / "price.onnx", example=ROWS)
    line = f"onnxruntime=={onnxruntime.__version__}"
    assert f"added {line} to requirements.in" in init(tmp_path / "price.onnx").output
    folder = tmp_path / "price.mlflow"
    mmf.save_model(PRICE, folder, example=ROWS)
    pins = (folder / "requirements.txt").read_text()
    (folder / "requirements.txt").write_text(pins.replace(sklearn.__version__, "1.5.2"))
    assert "added scikit-learn==1.5.2 to requirements.in" in init(folder).output


def test_unsupported_model_changes_nothing(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.joblib"
    joblib.dump({"a": 1}, other)
    broken = tmp_path / "broken.joblib"
    broken.write_bytes(b"x")
    unknown = tmp_path / "model.xyz"
    unknown.write_bytes(b"x")
    for arguments, words in (
        ((other,), "holds a dict without predict: write main.py yourself"),
        ((broken,), "broken.joblib cannot be loaded"),
        ((unknown,), "unknown suffix of a model file"),
        ((tmp_path / "absent.joblib",), "absent.joblib not found"),
        (("",), "which model file?"),
        ((other, "--name", "docs"), "expected a name for a function"),
        ((other, "--name", "class"), "expected a name for a function"),
    ):
        result = init(*arguments)
        assert result.exit_code == 1
        assert words in result.output
        assert len(result.output.splitlines()) == 1
    assert {path.name for path in project.iterdir()} == {
        "main.py",
        "requirements.in",
        "requirements.txt",
    }
    assert (project / "main.py").read_text() == EMPTY


@pytest.mark.parametrize(
    ("module", "package"),
    [("absent.sklearn", "absent"), ("sklearn.absent", "scikit-learn"), ("cv2x", "cv2x")],
)
def test_missing_package_is_named_with_its_command(
    tmp_path: Path, module: str, package: str
) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"c" + module.encode() + b"\nBooster\n.")
    assert init(path).output == (
        f"Error: {path} needs {package}: make add PACKAGE={package}, then this command again\n"
    )


def test_missing_reader_of_a_format_is_named_with_its_command(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmf_core.packages._is_installed", lambda module: module != "lightgbm")
    monkeypatch.delitem(sys.modules, "lightgbm", raising=False)
    path = model.with_suffix(".txt")
    path.write_text("tree\n")
    assert init(path).output == (
        f"Error: {path} needs lightgbm: make add PACKAGE=lightgbm, then this command again\n"
    )


def test_package_of_the_model_is_required(project: Path, tmp_path: Path) -> None:
    """Statsmodels, locust and other packages that are not pinned yet."""
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(Ridge().fit(ROWS, [3.0, 6.0, 9.0])))
    (project / "requirements.in").write_text("flask\n")
    output = init(path).output
    lines = (project / "requirements.in").read_text().splitlines()
    import sklearn

    assert lines[0] == "flask"
    assert f"scikit-learn=={sklearn.__version__}  # the model's own code" in lines
    assert not [line for line in lines if line.startswith("numpy")]  # pinned already
    assert f"added scikit-learn=={sklearn.__version__} to requirements.in: make add" in output


def test_version_in_the_file_is_required(project: Path, tmp_path: Path) -> None:
    state = Ridge().fit(ROWS, [3.0, 6.0, 9.0]).__getstate__()
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(_Restored({**state, "_sklearn_version": "1.5.2"})))
    output = init(path).output
    assert "added scikit-learn==1.5.2 to requirements.in: make add" in output
    assert "prediction for an example, with other versions than the file's: " in output
    assert "next: make add, then make run, and in a second terminal\n\ncurl " in output
    assert (project / "requirements.in").read_text() == REQUIREMENTS.replace(
        "scikit-learn         #", "scikit-learn==1.5.2         #"
    )


class _Restored:
    """A pickle of a Ridge with another state than this scikit-learn writes."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def __reduce__(self) -> Any:
        return Ridge, (), self.state
