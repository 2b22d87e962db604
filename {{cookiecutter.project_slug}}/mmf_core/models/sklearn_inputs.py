"""The columns that a fitted scikit-learn model takes: which are numbers, and which are categories.

A model knows the names of its columns. What is in them follows from the first step that uses them:
an encoder knows its categories, a vectorizer takes text, and everything else takes numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..errors import DescriptorError
from .inputs import (
    NUMBER,
    NUMBER_OR_NULL,
    SKLEARN,
    InputColumn,
    ModelInputs,
    choices_column,
    library_of,
    named,
    without_names,
)
from .sklearn_fast_path import META_ESTIMATORS

Columns = dict[str, InputColumn]
_ENCODERS = {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}
_TEXTS = {"CountVectorizer", "HashingVectorizer"}  # and their subclasses
_UNKNOWN = {"FunctionTransformer", "DictVectorizer", "FeatureHasher", "LabelBinarizer"}


def sklearn_inputs(
    model: Any, inputs_of: Callable[[Any], ModelInputs | None]
) -> ModelInputs | None:
    """Return a model's columns; None if it is not scikit-learn's.

    `inputs_of` describes steps of other libraries. DescriptorError if nothing is known.
    """
    if library_of(model) not in SKLEARN:
        return None
    names = _names(model)
    if names is None:
        raise without_names(model)
    return ModelInputs(_Reader(inputs_of).columns(model, list(named(names)), []), "sklearn")


class _Reader:
    """Reads the columns of an estimator and of those inside it.

    `rest` are the steps that get an estimator's output.
    """

    def __init__(self, inputs_of: Callable[[Any], ModelInputs | None]) -> None:
        self._inputs_of = inputs_of
        self._readers: dict[str, Callable[[Any, Sequence[str], Sequence[Any]], Columns]] = {
            "Pipeline": self._pipeline,
            "ColumnTransformer": self._parts,
            "FeatureUnion": self._union,
            "SimpleImputer": self._imputed,
            **dict.fromkeys(_ENCODERS, _encoded),
            **dict.fromkeys(_TEXTS, _texts),
            **dict.fromkeys(_UNKNOWN, _anything),
        }

    def columns(self, estimator: Any, names: Sequence[str], rest: Sequence[Any]) -> Columns:
        """Return the columns of the named inputs of an estimator."""
        if _is_identity(estimator):
            return dict.fromkeys(names, NUMBER_OR_NULL if _takes_nulls(rest) else NUMBER)
        if library_of(estimator) not in SKLEARN:
            return self._foreign(estimator, names)
        bases = _bases(estimator)
        for base, read in self._readers.items():
            if base in bases:
                return read(estimator, names, rest)
        if inner := _inner(estimator):
            return self.columns(inner[0], names, rest)
        if (preprocessor := getattr(estimator, "_preprocessor", None)) is not None:
            return _boosted(preprocessor, names)
        column = NUMBER_OR_NULL if _takes_nulls([estimator, *rest]) else NUMBER
        return dict.fromkeys(names, column)

    def _pipeline(self, pipeline: Any, names: Sequence[str], rest: Sequence[Any]) -> Columns:
        return self._steps([*_steps(pipeline), *rest], names)

    def _union(self, union: Any, names: Sequence[str], rest: Sequence[Any]) -> Columns:
        parts = [self.columns(part, names, rest) for _, part in union.transformer_list]
        return _merged(parts, names)

    def _steps(self, steps: Sequence[Any], names: Sequence[str]) -> Columns:
        while steps and _is_identity(steps[0]):
            steps = steps[1:]
        if not steps:
            return dict.fromkeys(names, NUMBER_OR_NULL)
        return self.columns(steps[0], names, steps[1:])

    def _parts(self, transformer: Any, names: Sequence[str], rest: Sequence[Any]) -> Columns:
        """Return the columns that a ColumnTransformer uses; it takes tables without the others."""
        parts = []
        for name, part, _ in transformer.transformers_:
            indices = transformer._transformer_to_input_indices.get(name, ())  # noqa: SLF001
            chosen = [names[index] for index in indices]
            if chosen and part != "drop":
                parts.append(self.columns(part, chosen, rest))
        return _merged(parts, names)

    def _imputed(self, imputer: Any, names: Sequence[str], rest: Sequence[Any]) -> Columns:
        """Return what the next step knows of the columns whose nulls are filled before it."""
        is_text = imputer.statistics_.dtype == object
        columns = dict.fromkeys(names, InputColumn(str) if is_text else NUMBER)
        if rest and getattr(rest[0], "n_features_in_", 0) == len(names) and is_text:
            columns = self.columns(rest[0], names, rest[1:])
        return {name: replace(column, nullable=True) for name, column in columns.items()}

    def _foreign(self, estimator: Any, names: Sequence[str]) -> Columns:
        inputs = self._inputs_of(estimator)
        if inputs is None or len(inputs.columns) != len(names):
            raise DescriptorError(f"{estimator.__class__.__name__}: it does not declare its input")
        return dict(zip(names, inputs.columns.values(), strict=True))


def _names(estimator: Any) -> Any:
    """Return the names of an estimator's columns, or of the first step's that knows them."""
    if "Pipeline" in _bases(estimator):
        named = (_names(step) for step in _steps(estimator) if not _is_identity(step))
        return next(named, None)
    return getattr(estimator, "feature_names_in_", None)


def _bases(estimator: Any) -> set[str]:
    return {base.__name__ for base in estimator.__class__.__mro__}


def _steps(pipeline: Any) -> list[Any]:
    return [step for _, step in pipeline.steps]


def _is_identity(step: Any) -> bool:
    """Whether a step passes everything on as it is."""
    if step is None or isinstance(step, str):
        return True
    return step.__class__.__name__ == "FunctionTransformer" and step.func is None


def _takes_nulls(steps: Sequence[Any]) -> bool:
    """Whether steps take empty cells of numbers, as far as they say; an unknown one may."""
    for step in steps:
        if _is_identity(step):
            continue
        if library_of(step) not in SKLEARN or "Imputer" in step.__class__.__name__:
            return True
        bases = _bases(step)
        if "Pipeline" in bases:
            return _takes_nulls([*_steps(step), *steps[1:]])
        if {"ColumnTransformer", "FeatureUnion", "FunctionTransformer"} & bases:
            return True
        if inner := _inner(step):
            return _takes_nulls(inner[:1])
        if not step.__sklearn_tags__().input_tags.allow_nan:
            return False
    return True


def _merged(parts: Iterable[Columns], names: Sequence[str]) -> Columns:
    """Return columns that several parts use; of each, the most restrictive one counts."""
    merged: Columns = {}
    for columns in parts:
        for name, column in columns.items():
            previous = merged.setdefault(name, column)
            if previous.type is not column.type and {previous.type, column.type} & {str, bool}:
                raise DescriptorError(f"column {name!r}: its steps take different types")
            is_stricter = column.choices is not None or (previous.nullable and not column.nullable)
            if previous.choices is None and is_stricter:
                merged[name] = column
    return {name: merged[name] for name in names if name in merged}


def _inner(estimator: Any) -> list[Any]:
    """Return the estimators to which an estimator passes its input as it is."""
    part = getattr(estimator, META_ESTIMATORS.get(estimator.__class__.__name__, ""), None)
    return part if isinstance(part, list) else [part] if part is not None else []


def _texts(_vectorizer: Any, names: Sequence[str], _rest: Sequence[Any]) -> Columns:
    return dict.fromkeys(names, InputColumn(str))


def _anything(transformer: Any, _names: Sequence[str], _rest: Sequence[Any]) -> Columns:
    raise DescriptorError(f"a {transformer.__class__.__name__} may take anything")


def _encoded(encoder: Any, names: Sequence[str], _rest: Sequence[Any]) -> Columns:
    closed = encoder.__class__.__name__ != "TargetEncoder" and encoder.handle_unknown == "error"
    columns = {}
    for name, values in zip(names, encoder.categories_, strict=True):
        try:
            columns[name] = choices_column(values.tolist(), closed=closed)
        except DescriptorError as error:
            raise DescriptorError(f"column {name!r}: {error}") from None
    return columns


def _boosted(preprocessor: Any, names: Sequence[str]) -> Columns:
    """Return the columns of gradient boosting with categories; unknown ones count as missing."""
    columns: Columns = dict.fromkeys(names, NUMBER_OR_NULL)
    indices = preprocessor._transformer_to_input_indices.get("encoder", ())  # noqa: SLF001
    encoder = preprocessor.named_transformers_["encoder"]
    for index, values in zip(indices, encoder.categories_, strict=True):
        columns[names[index]] = choices_column(values.tolist(), closed=False)
    return columns
