"""Fixtures that the tests share: the service, and wines to predict."""

import pandas as pd
import pytest
from flask.testing import FlaskClient
from sklearn.datasets import load_wine

from app import app


@pytest.fixture
def client() -> FlaskClient:
    """Return a client that calls the service without a network."""
    return app.test_client()


@pytest.fixture(scope="session")
def wines() -> pd.DataFrame:
    """Return nine real wines, three of each cultivar."""
    data = load_wine(as_frame=True)
    return data.data.groupby(data.target).head(3).reset_index(drop=True)


@pytest.fixture(scope="session")
def cultivars() -> list[str]:
    """Return the true cultivars of the nine wines."""
    return [f"class_{cultivar}" for cultivar in (0, 1, 2) for _ in range(3)]
