"""One model behind `mlflow models serve` and behind this service: the same requests and responses.

All differences are in `mlflow_parity.deltas`. `make conformance` prints the table.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from baking import ROOT
from mlflow_parity import both, environment
from mlflow_parity.cases import CASES
from mlflow_parity.deltas import DELTAS, unexpected


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model's folder, as MLflow saves it."""
    return both.save_model(tmp_path_factory.mktemp("mlflow"))


@pytest.fixture(scope="module")
def ours(model: Path) -> Iterator[int]:
    """Yield the port of this service with the model."""
    with both.serving(model) as port:
        yield port


@pytest.mark.long
def test_responses_match_mlflow_except_for_the_deltas(model: Path, ours: int) -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    responses = both.compare(model, ours)
    assert {name: responses[name] for name in unexpected(responses)} == {}


def test_page_lists_every_delta() -> None:
    page = (ROOT / "docs" / "mlflow.md").read_text(encoding="utf-8")
    assert [why for _, _, why in DELTAS.values() if why not in page] == []


@pytest.mark.long
def test_mlflow_client_works(ours: int) -> None:
    lines = environment.script("client.py", str(ours)).splitlines()
    assert lines[1:4] == ["[{0: 2}, {0: 6}]", "[5, 15]", "[2]"]
    assert "error code 400" in lines[4]
    assert "missing columns: a" in lines[4]
