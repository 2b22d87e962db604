"""Fixtures that the tests share: the service, called without a network."""

from importlib import import_module

import pytest
from flask.testing import FlaskClient

from mmf_core.errors import MMFError


def pytest_sessionstart() -> None:
    """End with one line, before any test, if there is no target or no model."""
    try:
        import_module("app")
    except MMFError as error:
        pytest.exit(str(error), returncode=1)


@pytest.fixture
def client() -> FlaskClient:
    """Return a client that calls the service without a network."""
    from app import app

    return app.test_client()
