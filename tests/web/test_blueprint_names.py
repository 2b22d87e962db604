"""A target may have the name of any blueprint of the service, except its routes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import mmf_core as mmf
from mmf_core.target import RESERVED
from mmf_core.web import create_app
from mmf_core.web.blueprints import PREFIX

NUMBER = mmf.Integer()


def double(number: Any = NUMBER) -> Any:
    return 2 * number


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Flask]:
    """Return a function that serves targets of these names, with every capability."""
    settings = {
        "MMF_GRPC_PORT": "1",
        "MMF_CORS_ORIGINS": "https://app.example.com",
        "MMF_RATE_LIMIT": "1000/second",
        "MMF_TASKS_DIR": str(tmp_path / "tasks"),
        "MMF_FEEDBACK_DIR": str(tmp_path / "feedback"),
    }
    for name, text in settings.items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(tmp_path)
    Path("next.joblib").touch()

    def make(*names: str) -> Flask:
        registry = mmf.Registry()
        registry.artifact("next.joblib", "rb")
        for name in names:
            function = type(double)(double.__code__, globals(), name, double.__defaults__)
            registry.target(returns=mmf.Integer())(function)

        @registry.target(returns=mmf.ModelFile("next.joblib"))
        def train() -> Any:
            raise NotImplementedError

        return create_app(registry, ready=False)

    return make


def test_target_names_cannot_collide_with_blueprints(serve: Callable[..., Flask]) -> None:
    app = serve("double")
    others = set(app.blueprints) - {"double", "train"}
    assert all(name.startswith(PREFIX) for name in others), others
    names = {name.removeprefix(PREFIX) for name in others}
    assert names >= {"grpc", "mlflow", "mmf_tasks", "openapi", "cors", "access", "retraining"}
    free = sorted(names - RESERVED)
    client = serve(*free).test_client()
    for name in free:
        response = client.post(f"/{name}", json={"number": 21})
        assert response.get_json() == {"result": 42}, (name, response.text)
    assert not PREFIX.isidentifier()
