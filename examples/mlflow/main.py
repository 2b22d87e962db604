"""Serves the model that is in production; MLFLOW_TRACKING_URI says where MLflow's server is."""

from pathlib import Path

import mmf_core as mmf
from mmf_core.models.mlflow_registry import fetch

folder = fetch("models:/ElasticNetWineModel/Production", Path(".models"))
model = mmf.load_model(folder)


@mmf.target(returns=mmf.DataFrame(), default=True)
def predict(wines=mmf.DataFrame(schema=mmf.schema_of(folder))):
    """Tell the quality of each wine in a table."""
    return model.predict(wines)
