"""LightGBM's own text, as `Booster.save_model` writes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

from ..errors import DescriptorError
from .base import ModelFormat
from .inputs import ModelInputs, choices_column, library_of, named, without_names

_BEGINNING = b"tree"
_UNNAMED = re.compile(r"Column_\d+")
_CATEGORICAL = re.compile(r"^\[categorical_feature: ([\d,]+)\]$", re.MULTILINE)


class LightgbmFormat(ModelFormat):
    """One Booster; of a classifier its `predict` returns probabilities."""

    suffixes = (".txt",)
    library = "lightgbm"
    requires: ClassVar = {"lightgbm": "lightgbm"}

    def holds(self, path: Path) -> bool:
        """Whether it is such a file, or may become one: other texts have the suffix, too."""
        if not super().holds(path) or not path.is_file():
            return super().holds(path)
        with path.open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING

    def load(self, path: Path) -> Any:
        import lightgbm

        return lightgbm.Booster(model_file=path)

    def save(self, model: Any, path: Path, example: Any) -> None:
        getattr(model, "booster_", model).save_model(path)

    def inputs_of(self, model: Any) -> ModelInputs | None:
        if library_of(model) != self.library:
            return None
        booster = getattr(model, "booster_", model)
        names = booster.feature_name()
        if all(map(_UNNAMED.fullmatch, names)):
            raise without_names(model)
        columns = named(names)
        if categories := booster.pandas_categorical:
            match = _CATEGORICAL.search(booster.model_to_string(num_iteration=1))
            indices = [int(index) for index in match[1].split(",")] if match else []
            if len(indices) != len(categories):
                raise DescriptorError("LightGBM: which columns are categories is not in the file")
            for index, values in zip(indices, categories, strict=True):
                columns[names[index]] = choices_column(values, nullable=True, category=True)
        return ModelInputs(columns, self.library, underscores=True)


FORMAT = LightgbmFormat()
