"""What a run calls: the target of a loaded project; how its table is read, its result written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..cli.get_meta import load_project
from ..codecs import Format
from ..example_calls import use_model_schemas
from ..registry import Registry
from ..settings import LARGEST, MIB, Settings
from ..target import Target
from ..web.http.codec_options import limits_of, options_of
from .column_types import Typed
from .errors import BatchError
from .outputs import Output
from .predictor import Predictor
from .project import argument_values, find_target, table_argument
from .request import Request

_SEPARATED = {Format.CSV, Format.TSV}
_TYPED = {Format.PARQUET, Format.ARROW, Format.FEATHER}
"""Formats whose columns have types of their own."""
UNLIMITED = {"max_body": LARGEST * MIB, "max_decompressed": LARGEST * MIB}
"""The operator's limits are for what others send, not for a file of one's own."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A loaded project; `typed` are the columns that no schema gives a type, None without any."""

    registry: Registry
    target: Target
    predictor: Predictor
    output: Output
    typed: Typed | None


@dataclass(frozen=True, slots=True)
class Plan:
    """How chunks are predicted; on another machine, the same plan prepares the same.

    `formats` are those of the inputs.
    """

    request: Request
    formats: frozenset[Format]
    output: Output
    settings: Settings

    def prepare(self) -> Prepared:
        """Load the project, which is on the path; BatchError if the target does not fit."""
        registry = load_project("main")
        registry.load_artifacts()
        use_model_schemas(registry, may_call=self.settings.warm_up)
        target = find_target(registry, self.request.target)
        argument = table_argument(target)
        options, typed = self._reading(target, argument)
        predictor = Predictor(
            target,
            argument,
            arguments=argument_values(target, argument, self.request.arguments),
            keep=self.request.keep,
            options=options,
            output=self.output.format,
        )
        return Prepared(registry, target, predictor, self.output, typed)

    def _reading(self, target: Target, argument: str) -> tuple[dict[str, Any], Typed | None]:
        """Return the options for reading tables, and the columns that no schema gives a type."""
        request, formats = self.request, self.formats
        limits = {**limits_of(self.settings), **UNLIMITED}
        options = options_of(target.arguments[argument], limits)
        declared: dict[str, Any] | None = options.get("types")
        keeps = request.keep is None or bool(request.keep) or bool(target.kept)
        if declared is None:
            if keeps and not formats <= _TYPED:
                raise BatchError(
                    f"--keep: {target.route} needs schema= in main.py, or Parquet or Arrow as "
                    f"input, which say which columns are numbers"
                )
            return options, Typed(is_all=True)
        if not keeps:
            return options, None
        are_texts = self.output.format in _SEPARATED and formats <= _SEPARATED
        texts = [*request.text, *((request.keep or ()) if are_texts else ())]
        if others := dict.fromkeys((name for name in texts if name not in declared), str):
            options = {**options, "types": {**declared, **others}}
            options.pop("floats", None)
        keep = None if target.kept else request.keep
        is_typed = self.output.format not in _SEPARATED
        return {**options, "keep": True}, Typed(
            is_all=False, keep=keep, declared={*declared, *others}
        ) if is_typed else None
