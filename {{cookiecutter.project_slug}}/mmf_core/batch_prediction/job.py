"""A batch prediction from its options to its output, its file of bad rows and its summary."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import Any

from .. import __version__
from ..cli.get_meta import load_project
from ..codecs import Format
from ..example_calls import use_model_schemas
from ..fingerprints import fingerprint
from ..registry import Registry
from ..settings import Settings
from ..target import Target
from ..web.http.codec_options import limits_of, options_of
from . import bad_rows
from .chunks import Limits
from .destination import Destination
from .errors import BatchError, TooManyErrors
from .journal import Journal
from .outputs import Output, output_of
from .predictor import Predictor
from .progress import Progress, counted
from .project import argument_values, find_target, table_argument
from .request import Request
from .run import Run, Typed
from .sources import STANDARD, find_sources
from .summary import Summary, versions
from .workers import Workers

_SEPARATED = {Format.CSV, Format.TSV}
_TYPED = {Format.PARQUET, Format.ARROW, Format.FEATHER}
"""Formats whose columns have types of their own."""
_NATIVE_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Job:
    """One batch prediction."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._sources = find_sources(request.inputs, request.type_)
        same = self._sources[0].format.extension if request.output == STANDARD else None
        self._destination = Destination.of(request.output, request.type_ or same)
        self._errors = Destination.of(request.errors, None) if request.errors else None
        for destination in filter(None, (self._destination, self._errors)):
            destination.check(self._sources, overwrite=request.overwrite)
        self._check_files()
        if request.resume and not self._is_resumable:
            raise BatchError("--resume needs files: standard input and output are gone")
        self._settings = Settings.from_env()

    def _check_files(self) -> None:
        """Raise BatchError if a file would be written twice, or the summary over another one."""
        request = self._request
        names = (request.output, request.errors, request.summary)
        files = [Path(name).resolve() for name in names if name and str(name) != STANDARD]
        if len(set(files)) < len(files):
            raise BatchError("expected different files for the output, --errors and --summary")
        if request.summary and request.summary.exists():
            if any(
                source.path and source.path.samefile(request.summary) for source in self._sources
            ):
                raise BatchError(f"{request.summary} is an input, too; write another file")
            if not request.overwrite and not request.resume:
                raise BatchError(f"{request.summary} exists; write --overwrite to replace it")

    def run(self) -> int:
        """Predict; return how many rows are bad. BatchError if nothing is written."""
        _share_cores(self._request.workers)
        registry = load_project("main")
        registry.load_artifacts()
        use_model_schemas(registry, may_call=self._settings.warm_up)
        target = find_target(registry, self._request.target)
        argument = table_argument(target)
        options, typed = self._reading(target, argument)
        output = output_of(self._destination, limits_of(self._settings))
        predictor = Predictor(
            target,
            argument,
            arguments=argument_values(target, argument, self._request.arguments),
            keep=self._request.keep,
            options=options,
            output=self._destination.format,
        )
        with TemporaryDirectory(prefix="mmfmeta-") as temporary:
            folder = self._destination.folder(temporary)
            identity = self._identity(registry, target)
            if self._request.overwrite and not self._request.resume:
                Journal.discard(folder)
            with Journal.open(folder, identity, resume=self._request.resume) as journal:
                return self._write(registry, target, predictor, output, journal, typed)

    def _write(
        self,
        registry: Registry,
        target: Target,
        predictor: Predictor,
        output: Output,
        journal: Journal,
        typed: Typed | None,
    ) -> int:
        request, progress = self._request, Progress(sys.stderr)
        limits = Limits(request.batch_rows, longest_record=self._settings.max_body)
        summary = Summary(time(), is_resumed=bool(journal.parts))
        run = Run(
            predictor,
            output,
            journal,
            progress,
            sources=self._sources,
            limits=limits,
            typed=typed,
            max_errors=self._request.max_errors,
        )
        workers = Workers(self._request.workers, run.work)
        try:
            complete = run.write(workers)
        except BatchError as error:
            is_of_rows = isinstance(error, TooManyErrors)
            bad_rows_hint = f"; {self._write_bad_rows(run, journal)}" if is_of_rows else ""
            resume_hint = "; --resume continues" if journal.parts and self._is_resumable else ""
            journal.fail()
            raise BatchError(f"{error}{bad_rows_hint}{resume_hint}") from error
        finally:
            workers.end()
            progress.end()
        bad_rows_hint = self._write_bad_rows(run, journal)
        parts = list(run.parts())
        if complete is None:
            journal.remove()
            rows = sum(part.rows for part in parts)
            raise BatchError(
                f"no row can be predicted: {counted(rows, 'bad row')}; {bad_rows_hint}"
                if rows
                else "there are no rows"
            )
        if self._request.summary:
            summary.write(
                self._request.summary,
                target=target.route,
                model_version=registry.version,
                sources=self._sources,
                parts=parts,
                output=(self._destination.name, None if self._destination.place else complete),
                workers=self._request.workers,
            )
        self._destination.put(complete, overwrite=request.overwrite)
        journal.remove()
        bad = sum(part.bad for part in parts)
        line = summary.line(parts, self._destination.name, bad_rows_hint if bad else "")
        sys.stderr.write(line + "\n")
        return bad

    def _write_bad_rows(self, run: Run, journal: Journal) -> str:
        """Write the file of bad rows, if one is requested; return where they can be seen."""
        if self._errors:
            bad_rows.write(run.parts(), journal, self._errors, limits_of(self._settings))
            return f"see {self._errors.name}"
        for (file, bad), *_ in bad_rows.numbered(run.parts(), journal):
            column = f', column "{bad.column}"' if bad.column else ""
            return f"the first: {file}, row {bad.row}{column}: {bad.message}"
        return ""

    def _reading(self, target: Target, argument: str) -> tuple[dict[str, Any], Typed | None]:
        """Return the options for reading tables, and the columns that no schema gives a type."""
        request, formats = self._request, {source.format for source in self._sources}
        options = options_of(target.arguments[argument], limits_of(self._settings))
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
        are_texts = self._destination.format in _SEPARATED and formats <= _SEPARATED
        texts = [*request.text, *((request.keep or ()) if are_texts else ())]
        if others := dict.fromkeys((name for name in texts if name not in declared), str):
            options = {**options, "types": {**declared, **others}}
            options.pop("floats", None)
        keep = None if target.kept else request.keep
        is_typed = self._destination.format not in _SEPARATED
        return {**options, "keep": True}, Typed(
            is_all=False, keep=keep, declared={*declared, *others}
        ) if is_typed else None

    def _identity(self, registry: Registry, target: Target) -> dict[str, Any]:
        """Return what must be the same for a run to be continued."""
        request = self._request
        main = Path(sys.modules["main"].__file__ or "")
        return {
            "target": target.route,
            "input": [source.identity() for source in self._sources],
            "output": self._destination.name,
            "output format": [self._destination.format.name, self._destination.compression],
            "columns": [request.keep, request.text],
            "arguments": list(request.arguments),
            "batch rows": request.batch_rows,
            "model": registry.version,
            "main.py": fingerprint(main),
            "versions": {"mmf_core": __version__, **versions()},
        }

    @property
    def _is_resumable(self) -> bool:
        are_files = all(source.path for source in self._sources)
        return are_files and not self._destination.is_standard


def _share_cores(workers: int) -> None:
    """Give each process its share of the cores, before the libraries are imported that read it."""
    if workers > 1:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        for name in _NATIVE_THREADS:
            os.environ.setdefault(name, str(max(1, (cores or 1) // workers)))
