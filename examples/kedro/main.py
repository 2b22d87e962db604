"""Serve the pipeline predict_api: the request's table goes in, the response's comes out."""

import logging

from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from wines.pipeline_registry import register_pipelines

import mmf_core as mmf

logging.getLogger("kedro").setLevel(logging.WARNING)  # not five lines for each request

config = OmegaConfigLoader("conf", base_env="base", default_run_env="local")
model = mmf.artifact(config["catalog"]["model"]["filepath"]).load()
pipeline = register_pipelines()["predict_api"]
runner = SequentialRunner()


@mmf.target(returns=mmf.DataFrame(), batch=True)
def predict(data=mmf.DataFrame(schema=dict.fromkeys(model.feature_names_in_.tolist(), float))):
    """Predict the cultivar of each wine in a table."""
    datasets = {"request": data, "model": model}
    catalog = DataCatalog(
        {name: MemoryDataset(value, copy_mode="assign") for name, value in datasets.items()}
    )
    return runner.run(pipeline, catalog)["response"].load()
