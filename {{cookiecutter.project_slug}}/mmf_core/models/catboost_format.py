"""CatBoost's own binary format, as `save_model` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from .base import ModelFormat
from .inputs import InputColumn, ModelInputs, library_of, named, without_names

_CLASSIFICATION = {"Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll"}


class CatboostFormat(ModelFormat):
    """One model: a classifier or a regressor, by its loss function."""

    suffixes = (".cbm",)
    library = "catboost"
    requires: ClassVar = {"catboost": "catboost"}

    def load(self, path: Path) -> Any:
        import catboost

        model = catboost.CatBoost().load_model(path)
        loss = str(model.get_all_params().get("loss_function", "")).partition(":")[0]
        is_classifier = loss in _CLASSIFICATION
        kind = catboost.CatBoostClassifier if is_classifier else catboost.CatBoostRegressor
        return kind().load_model(path)

    def save(self, model: Any, path: Path, example: Any) -> None:
        model.save_model(path)

    def inputs_of(self, model: Any) -> ModelInputs | None:
        if library_of(model) != self.library:
            return None
        names = model.feature_names_
        if not names or names == [str(index) for index in range(len(names))]:
            raise without_names(model)
        columns = named(names)
        texts = [*model.get_cat_feature_indices(), *model.get_text_feature_indices()]
        columns |= {names[index]: InputColumn(str) for index in texts}
        doubt = ", ".join(names[index] for index in texts)
        doubt = doubt and f"CatBoost takes texts or whole numbers in {doubt}"
        return ModelInputs(columns, self.library, doubt)


FORMAT = CatboostFormat()
