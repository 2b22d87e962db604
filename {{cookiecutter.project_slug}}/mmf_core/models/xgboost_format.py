"""XGBoost's own binary JSON, as `save_model` writes it."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from ..errors import DescriptorError
from .base import ModelFormat
from .inputs import (
    InputColumn,
    ModelInputs,
    choices_column,
    library_of,
    named,
    without_names,
)

_ESTIMATORS = {"classifier": "XGBClassifier", "ranker": "XGBRanker", "regressor": "XGBRegressor"}


class XgboostFormat(ModelFormat):
    """One model: the estimator that wrote it, or a Booster where there was none."""

    suffixes = (".ubj",)
    library = "xgboost"
    requires: ClassVar = {"xgboost": "xgboost"}

    def load(self, path: Path) -> Any:
        import xgboost

        booster = xgboost.Booster(model_file=path)
        kind = json.loads(booster.attr("scikit_learn") or "{}").get("_estimator_type")
        if kind not in _ESTIMATORS:
            return booster
        model = getattr(xgboost, _ESTIMATORS[kind])()
        model.load_model(path)
        return model

    def save(self, model: Any, path: Path, example: Any) -> None:
        model.save_model(path)

    def inputs_of(self, model: Any) -> ModelInputs | None:
        if library_of(model) != self.library:
            return None
        booster = model.get_booster() if hasattr(model, "get_booster") else model
        names = booster.feature_names
        if names is None:
            raise without_names(model)
        types = booster.feature_types or ["q"] * len(names)
        columns = named(names)
        columns |= {
            name: InputColumn(bool, nullable=True)
            for name, type_ in zip(names, types, strict=True)
            if type_ == "i"
        }
        if "c" in types:
            columns |= _categories(booster)
        return ModelInputs(columns, self.library)


FORMAT = XgboostFormat()


def _categories(booster: Any) -> dict[str, InputColumn]:
    if find_spec("pyarrow") is None:
        raise DescriptorError("XGBoost: pyarrow reads its categories: make add PACKAGE=pyarrow")
    try:
        by_name = booster.get_categories(export_to_arrow=True).to_arrow()
    except Exception as error:  # before version 3.1
        raise DescriptorError(f"XGBoost: the categories cannot be read: {error}") from error
    return {
        name: choices_column(values.to_pylist(), nullable=True, category=True)
        for name, values in by_name or ()
        if values is not None
    }
