"""Model files: loaded and saved by suffix, one module `<kind>_format.py` for each format.

To add a format, add a module with a subclass of `ModelFormat` and `FORMAT = MyFormat()`; to remove
one, delete its modules.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..capabilities import parts
from ..errors import ArtifactError, DescriptorError, MMFError
from ..packages import find_declared
from ..settings import Settings
from .base import ModelFormat as ModelFormat
from .inputs import LIBRARY as LIBRARY
from .inputs import SKLEARN
from .inputs import InputColumn as InputColumn
from .inputs import ModelInputs as ModelInputs
from .load_failures import how_to_mend
from .saving import compare, parts_of, replacing
from .saving import profile_of as profile_of
from .sklearn_fast_path import fast_path as fast_path
from .sklearn_fast_path import unwrapped
from .sklearn_inputs import sklearn_inputs
from .unsupported import how_to_load

FORMATS: list[ModelFormat] = list(find_declared(__name__, "FORMAT", "_format").values())


def load_model(path: str | Path, *, trusted: Iterable[str] = ()) -> Any:
    """Return the object in a model file; ArtifactError names the file and the reason.

    - `path`: the file; its suffix says which format it has.
    - `trusted`: types that formats with restricted types may create beside those of numpy, scipy
      and scikit-learn.

    Loading pickle or joblib files, among others, runs any code in them: load only your own.
    MMF_ALLOW_PICKLE=0 refuses these formats.

    >>> mmf.load_model("model.joblib").predict(X)
    array([1., 2.])
    """
    path = Path(path)
    return _load(path, _required_format(path, how_to_load(path)).trusting(trusted))


def libraries() -> set[str]:
    """Return the packages that check what models are given: modules whose errors are complaints."""
    return {*SKLEARN, *(format.library for format in FORMATS if format.library)}


def known_inputs(value: Any) -> list[ModelInputs | DescriptorError]:
    """Return what a model takes, or each of a dict of models, or why that is not known."""
    results: list[ModelInputs | DescriptorError] = []
    for part in parts_of(value).values():
        if not hasattr(part, "predict"):
            continue
        try:
            inputs = inputs_of(part)
        except DescriptorError as error:
            results.append(error)
        except Exception as error:  # noqa: BLE001 - of a library in a version that is not known
            results.append(
                DescriptorError(f"{type(part).__name__}: {type(error).__name__}: {error}")
            )
        else:
            results += [inputs] if inputs else []
    return results


def format_of(path: str | Path) -> ModelFormat | None:
    """Return the format of a model file by its suffix; None if the suffix is unknown."""
    return next((candidate for candidate in FORMATS if candidate.holds(Path(path))), None)


def inputs_of(model: Any) -> ModelInputs | None:
    """Return what a fitted model takes; None for an object that is not a model of a known kind.

    DescriptorError if it is one but does not know its columns.
    """
    model = unwrapped(model)
    for model_format in FORMATS:
        if (inputs := model_format.inputs_of(model)) is not None:
            return inputs
    return sklearn_inputs(model, inputs_of)


def inputs_of_file(path: Path) -> ModelInputs | None:
    """Return what the model in a file takes; None if it is of no known kind.

    ArtifactError if there is no such file, or if it cannot be loaded.
    """
    if not path.exists():
        raise ArtifactError.absent(path)
    model_format = format_of(path)
    if model_format is None:
        return None
    return model_format.inputs_of_file(path) or inputs_of(load_model(path))


def save_model(
    model: Any, path: str | Path, *, example: Any, tolerance: float = -1.0, reference: Any = None
) -> None:
    """Write a fitted model in the format of the path's suffix, if its predictions survive.

    - `model`: what has `predict`, or a dict of these.
    - `path`: the file to write.
    - `example`: rows of input, a table or an array; for a dict of models also a dict of these.
    - `tolerance`: the largest difference of a prediction, relative to the largest one; below 0 it
      is the format's own.
    - `reference`: the table that the model was fitted on, of which a profile is written beside the
      file, some kB, so that the service can detect drift; only the extra `drift` does.

    The file is loaded again and predictions for the example are compared; ArtifactError reports
    the difference and leaves any earlier file at `path`.

    >>> mmf.save_model(model, "model.joblib", example=X)
    """
    path = Path(path)
    model_format = _required_format(path)
    limit = model_format.tolerance if tolerance < 0 else tolerance
    model_format.require(path.name)
    model = unwrapped(model)
    with replacing(path) as new:
        _export(model, new, example, model_format)
        try:
            compare(model, _load(new, model_format), example, limit)
        except ArtifactError as error:
            raise ArtifactError(f"{path} is not written: {error}") from error
    if reference is not None:
        for save_profile in parts("profiler"):
            save_profile(model, path, reference)


def _load(path: Path, model_format: ModelFormat) -> Any:
    if model_format.runs_code and not Settings.from_env().allow_pickle:
        raise ArtifactError(
            f"{path.name} could run code when it is loaded, and MMF_ALLOW_PICKLE=0 forbids that; "
            f"use mmf.save_model with one of the suffixes {_safe_suffixes()}"
        )
    model_format.require(path.name)
    if not path.exists():
        raise ArtifactError.absent(path)
    try:
        return model_format.load(path)
    except (MemoryError, MMFError):
        raise
    except Exception as error:  # a broken or foreign file makes unpicklers raise nearly anything
        reason = ": ".join(filter(None, [type(error).__name__, str(error)]))
        raise ArtifactError(
            f"{path} cannot be loaded: {reason}; {how_to_mend(path, error)}"
        ) from error


def _export(model: Any, path: Path, example: Any, model_format: ModelFormat) -> None:
    try:
        model_format.save(model, path, example)
    except (MemoryError, MMFError):
        raise
    except OSError as error:
        raise ArtifactError(f"cannot write {path.name}: {error.strerror or error}") from error
    except Exception as error:  # exporters raise anything for models that they do not support
        reason = str(error).strip().partition("\n")[0]
        raise ArtifactError(
            f"{path.name} is not written: this format cannot hold a {type(model).__name__}: "
            f"{type(error).__name__}: {reason}; .joblib holds every model"
        ) from error


def _required_format(path: Path, hint: str = "") -> ModelFormat:
    if model_format := format_of(path):
        return model_format
    if any(path.suffix in candidate.suffixes for candidate in FORMATS):
        raise ArtifactError(
            f"{path.name} cannot be loaded: expected a model in the format of {path.suffix} files, "
            f"got something else{hint}"
        )
    raise ArtifactError(
        f"{path.name or path}: unknown suffix of a model file; "
        f"expected one of {_suffixes(FORMATS)}{hint}"
    )


def _safe_suffixes() -> str:
    return _suffixes(candidate for candidate in FORMATS if not candidate.runs_code)


def _suffixes(formats: Iterable[ModelFormat]) -> str:
    return ", ".join(suffix for model_format in formats for suffix in model_format.suffixes)
