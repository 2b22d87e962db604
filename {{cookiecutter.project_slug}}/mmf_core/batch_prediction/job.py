"""A batch prediction from its options to its output, its file of bad rows and its summary."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import Any

from .. import __version__
from ..fingerprints import fingerprint
from ..settings import Settings
from ..web.http.codec_options import limits_of
from . import bad_rows
from .chunks import Limits
from .dask_workers import Dask, DaskWorkers
from .destination import Destination
from .errors import BatchError, TooManyErrors
from .journal import Journal
from .outputs import output_of
from .plan import Plan, Prepared
from .progress import Progress, counted
from .request import Request
from .run import Run
from .sources import STANDARD, find_sources
from .summary import Summary, versions
from .workers import Results, Workers

_NATIVE_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Job:
    """One batch prediction."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._sources = find_sources(request.inputs, request.type_)
        same = self._sources[0].format.extension if request.output == STANDARD else None
        self._destination = Destination.of(request.output, request.type_ or same)
        self._errors = Destination.of(request.errors, None) if request.errors else None
        self._destination.check(self._sources, overwrite=request.overwrite)
        if self._errors:  # the run that is continued may have written it
            self._errors.check(self._sources, overwrite=request.overwrite or request.resume)
        self._check_files()
        if request.address:
            Dask().require("--engine dask")
        if request.resume and not self._is_resumable:
            raise BatchError("--resume needs files: standard input and output cannot be resumed")
        self._settings = Settings.from_env()
        output = output_of(self._destination, limits_of(self._settings))
        formats = frozenset(source.format for source in self._sources)
        self._plan = Plan(request, formats, output, self._settings)

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
        prepared = self._plan.prepare()
        with TemporaryDirectory(prefix="mmfmeta-") as temporary:
            folder = self._destination.folder(temporary)
            identity = self._identity(prepared)
            if self._request.overwrite and not self._request.resume:
                Journal.discard(folder)
            with Journal.open(folder, identity, resume=self._request.resume) as journal:
                try:
                    return self._write(prepared, journal)
                except OSError as error:  # such as a full disk
                    name = f"{error.filename}: " if error.filename else ""
                    hint = self._resume_hint(journal)
                    raise BatchError(f"{name}{error.strerror or error}{hint}") from error

    def _write(self, prepared: Prepared, journal: Journal) -> int:
        request, progress = self._request, Progress(sys.stderr)
        limits = Limits(request.batch_rows, longest_record=self._settings.max_body)
        summary = Summary(time(), is_resumed=bool(journal.parts))
        run = Run(
            prepared.predictor,
            prepared.output,
            journal,
            progress,
            sources=self._sources,
            limits=limits,
            typed=prepared.typed,
            max_errors=self._request.max_errors,
        )
        try:
            with closing(self._workers(prepared, run)) as workers:
                complete = run.write(workers)
        except BatchError as error:
            is_of_rows = isinstance(error, TooManyErrors)
            bad_rows_hint = f"; {self._write_bad_rows(run, journal)}" if is_of_rows else ""
            resume_hint = self._resume_hint(journal)
            journal.fail()
            raise BatchError(f"{error}{bad_rows_hint}{resume_hint}") from error
        finally:
            progress.end()
        bad_rows_hint = self._write_bad_rows(run, journal)
        parts = list(run.parts())
        if complete is None:
            journal.remove()
            rows = sum(part.rows for part in parts)
            raise BatchError(
                f"no row can be predicted: {counted(rows, 'bad row')}; {bad_rows_hint}"
                if rows
                else "expected at least one row, got none"
            )
        if self._request.summary:
            summary.write(
                self._request.summary,
                target=prepared.target.route,
                model_version=prepared.registry.version,
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

    def _workers(self, prepared: Prepared, run: Run) -> Results:
        """Start what does the work: this process, others beside it, or a cluster."""
        if self._request.address:
            artifacts = prepared.registry.artifacts.values()
            return DaskWorkers(self._request.address, self._plan, artifacts, run.save)
        return Workers(self._request.workers, run.work)

    def _resume_hint(self, journal: Journal) -> str:
        return "; --resume continues" if journal.parts and self._is_resumable else ""

    def _write_bad_rows(self, run: Run, journal: Journal) -> str:
        """Write the file of bad rows, if one is requested; return where they can be seen."""
        if self._errors:
            bad_rows.write(run.parts(), journal, self._errors, limits_of(self._settings))
            return f"see {self._errors.name}"
        for (file, bad), *_ in bad_rows.numbered(run.parts(), journal):
            column = f', column "{bad.column}"' if bad.column else ""
            return f"the first: {file}, row {bad.row}{column}: {bad.message}"
        return ""

    def _identity(self, prepared: Prepared) -> dict[str, Any]:
        """Return what must be the same for a run to be continued."""
        request = self._request
        main = Path(sys.modules["main"].__file__ or "")
        return {
            "target": prepared.target.route,
            "input": [source.identity() for source in self._sources],
            "output": self._destination.name,
            "output format": [self._destination.format.name, self._destination.compression],
            "columns": [request.keep, request.text],
            "arguments": list(request.arguments),
            "batch rows": request.batch_rows,
            "model": prepared.registry.version,
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
