"""Four pipelines: `kedro run --pipeline=NAME`."""

from kedro.pipeline import Pipeline, node

from .nodes import evaluate, extract, fit, predict, split


def register_pipelines() -> dict[str, Pipeline]:
    """Return the pipelines by name."""
    de = Pipeline(
        [
            node(extract, None, "wines"),
            node(split, ["wines", "params:test_size"], ["train", "test"]),
        ]
    )
    ds = Pipeline([node(fit, ["train", "params:C"], "model")])
    quality = Pipeline(
        [
            node(predict, ["model", "test"], "predictions"),
            node(evaluate, ["predictions", "test"], "metrics"),
        ]
    )
    # The same node on the table of a request: it has no file in the catalog.
    predict_api = Pipeline([node(predict, ["model", "request"], "response")])
    return {
        "de": de,
        "ds": ds,
        "predict": quality,
        "predict_api": predict_api,
        "__default__": de + ds + quality,
    }
