"""The models in a file, and the targets that serve them."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..descriptors import schema_of
from ..descriptors.training import Columns
from ..errors import DescriptorError
from ..target import RESERVED

RESULTS = {"predict": "prediction", "transform": "output"}
MOST_MODELS = 10
_TAKEN = {"mmf", "model", "models", "datetime", *RESERVED}


class CannotServe(Exception):
    """No main.py can be written without a guess; the message says what to write."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model, the target that serves it, and the expression of both in main.py.

    `before` is what transforms the table before the model gets it, such as a scaler; `key` is the
    model's in a file of several.
    """

    target: str
    model: Any
    expression: str = "model"
    key: Any = None
    before: Any = None
    before_expression: str = ""

    @property
    def method(self) -> str:
        """The name of the method that the target calls."""
        return _method_of(self.model)

    @property
    def first(self) -> Any:
        """What gets the caller's table."""
        return self.model if self.before is None else self.before

    @property
    def columns(self) -> tuple[Columns | None, str]:
        """The columns of the table; None and the reason if they are not known."""
        try:
            return schema_of(self.first), ""
        except DescriptorError as error:
            return None, str(error)

    @property
    def is_unnamed(self) -> bool:
        """Whether it was fitted on an array, without names of columns."""
        return _names(self.first) is None and hasattr(self.first, "n_features_in_")

    def predict(self, table: Any) -> Any:
        """Return what the target will."""
        if self.before is not None:
            table = self.before.transform(table)
        return getattr(self.model, self.method)(table)


def served_models(loaded: Any, name: str) -> list[ServedModel]:
    """Return the models of an object or a dict; `name` is that of the only target.

    CannotServe if there is none, or if it is not clear how they belong together.
    """
    if not isinstance(loaded, Mapping):
        if not _method_of(loaded):
            raise CannotServe(f"a {type(loaded).__name__} without predict")
        return [ServedModel(name, loaded)]
    models = {key: part for key, part in loaded.items() if hasattr(part, "predict")}
    if not models:
        raise CannotServe(f"a {type(loaded).__name__} without predict")
    if len(models) > MOST_MODELS or not all(isinstance(key, str | int) for key in models):
        raise CannotServe(
            f"{len(models)} models: one target with which=mmf.String(choices=[…]) may serve them"
        )
    names = [name] if len(models) == 1 else list(_target_names(models, name))
    return [
        ServedModel(target, model, f"models[{key!r}]", key, *_before(loaded, key))
        for target, (key, model) in zip(names, models.items(), strict=True)
    ]


def unused_parts(loaded: Any, served: list[ServedModel]) -> list[str]:
    """Return the keys of a dict that no target uses and that transform tables."""
    if not isinstance(loaded, Mapping):
        return []
    used = {id(model.before) for model in served}
    parts = _transformers(loaded).items()
    return [str(key) for key, part in parts if id(part) not in used]


def _method_of(model: Any) -> str:
    if hasattr(model, "predict"):
        return "predict"
    return "transform" if _is_transformer(model) else ""


def _is_transformer(part: Any) -> bool:
    """Whether a part only transforms tables; a DataFrame has `transform`, too."""
    return all(hasattr(part, name) for name in ("fit", "transform")) and not hasattr(
        part, "predict"
    )


def _target_names(models: Mapping[Any, Any], name: str) -> Iterator[str]:
    """Yield a name for each target: its key's, if that can be one."""
    for number, key in enumerate(models, start=1):
        text = str(key).strip().lower().replace(" ", "_").replace("-", "_")
        is_name = text.isascii() and text.isidentifier() and not keyword.iskeyword(text)
        yield text if is_name and text not in _TAKEN else f"{name}_{number}"


def _transformers(loaded: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: part for key, part in loaded.items() if _is_transformer(part)}


def _before(loaded: Mapping[Any, Any], key: Any) -> tuple[Any, str]:
    """Return the part that transforms the table of a model, and its expression; or none.

    A model without names of columns was fitted on an array: on what the part returns, if that has
    as many columns and the part knows names. Otherwise either may get the caller's table.
    """
    model = loaded[key]
    fitting = [each for each, part in _transformers(loaded).items() if _may_precede(part, model)]
    if not fitting:
        return None, ""
    is_array = _names(model) is None and _width(model) is not None
    if len(fitting) > 1 or not is_array or _names(loaded[fitting[0]]) is None:
        raise CannotServe(
            f"{key!r} and {', '.join(map(repr, fitting))}, and does not record whether that model "
            f"takes the table itself or what those return"
        )
    return loaded[fitting[0]], f"models[{fitting[0]!r}]"


def _may_precede(part: Any, model: Any) -> bool:
    """Whether a model may have been fitted on the output of a part."""
    try:
        names = list(part.get_feature_names_out())
    except Exception:  # noqa: BLE001 - as many as it takes, as far as is known
        return _width(model) in {None, _width(part)}
    if (fitted_names := _names(model)) is not None:
        return list(fitted_names) == names
    return _width(model) in {None, len(names)}


def _width(part: Any) -> int | None:
    return getattr(part, "n_features_in_", None)


def _names(part: Any) -> Any:
    """Return the names of the columns that a part was fitted on; None if it does not know them."""
    for attribute in ("feature_names_in_", "feature_names_"):  # CatBoost's
        if (names := getattr(part, attribute, None)) is not None:
            return names
    try:
        return list(schema_of(part))
    except DescriptorError:
        return None
