"""Count the instructions of a request of one row, by part: `make bench-instructions`.

    python benchmarks/instructions.py [--against [COMMIT]] [--keep] [--with NAME | --without NAME]

The request of one_row.py runs under valgrind's callgrind in one thread, with the same hashes and
addresses each time, and counts only between the marks of marks.c: neither start-up nor warm-up is
in the figures. A busy machine counts the same as a quiet one. The total is the median of three
processes; `spread` is how far apart they are.

How C instructions get to Python parts: a part is counted in a pass of its own, in which the
evaluation of each Python frame switches the count on or off by the file that its code is from. So
an instruction belongs to the Python code that was running, and the interpreter's and the standard
library's own (except logging) to their caller; only those in a package's own shared library belong
to that package. The switches make Python calls a little dearer: the parts are scaled to the total.
`--keep` writes the table to docs/performance.md, where a test reads the total. `--with drift`
counts what a capability costs that is turned on, `--without rollouts` what one costs that is not:
its folder is deleted.
Needs valgrind, its headers, a C compiler and Python's headers.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import CodeType

import figures
import one_row
from documents import write_table
from paths import BUILD, HERE, PAYLOAD, ROOT
from processes import processor
from targets import BEFORE

TOTAL = "total"
PROCESSES, REQUESTS, WARM_UP = 3, 20, 30
PAGE = ROOT / "docs" / "performance.md"
KEPT = re.compile(r"Python ([\d.]+), ([^:\n]+): ([\d,]+) instructions a request")
Kept = tuple[str, str, int]
OWN, HARNESS, LOGGING = "mmf_core", "the benchmark", "logging"
PACKAGES = {
    "flask": "Flask, Werkzeug",
    "werkzeug": "Flask, Werkzeug",
    "blinker": "Flask, Werkzeug",
    "sklearn": "scikit-learn",
    "pythonjsonlogger": LOGGING,
}
"""Packages that the table has under another name than their own."""


def part_of(file: str) -> str:
    """Return the part that a file of Python code is of; "": that of its caller."""
    if file.startswith(str(HERE)):
        return HARNESS
    if match := re.search(r"/mmf_core/(?:(\w+)/)?", file):
        return f"{OWN}/{match[1] or ''}".rstrip("/")
    return LOGGING if "/logging/" in file else package_of(file)


def package_of(file: str) -> str:
    """Return the package that a file is of, a module or a shared library; "": none."""
    match = re.search(r"/site-packages/([a-zA-Z0-9_]+)", file)
    return PACKAGES.get(match[1], match[1]) if match else ""


@dataclass(frozen=True)
class Counted:
    """The instructions of one request: all, how far three processes are apart, and the parts'."""

    total: float
    spread: float
    parts: dict[str, float]

    @property
    def own(self) -> float:
        """Those of mmf_core."""
        return sum(value for part, value in self.parts.items() if part.startswith(OWN))

    def rows(self) -> dict[str, float]:
        """Return the figures of the table."""
        return self.parts | {f"**{OWN}, all**": self.own, "**total**": self.total}


def count(folder: Path, marks: Path, *, parts: bool, queued: int, capability: str) -> None:
    """Send requests, marking what callgrind shall count; runs under valgrind."""
    library = ctypes.PyDLL(str(marks))
    library.hook.argtypes = [ctypes.py_object]
    names = [""]  # the first is everything

    def number_of(code: CodeType) -> int:
        part = part_of(code.co_filename)
        if part not in names:
            names.append(part)
        return names.index(part)

    with tempfile.TemporaryDirectory() as working:
        if (folder / OWN / "tasks").is_dir():  # an earlier version refuses what it does not know
            os.environ["MMF_TASKS_DIR"] = working
        sys.path.insert(0, str(folder))
        headers = one_row.WITH[capability](Path(working)) if capability else {}
        application, body = one_row.make_application(folder, Path(working))
        if queued:
            one_row.fill_queue(body, queued)

        def requests(number: int) -> None:
            for _ in range(number):
                one_row.send(application, body, headers=headers)

        def counted(part: int) -> None:
            gc.collect()
            library.start(part)
            requests(REQUESTS)
            library.stop((names[part] or TOTAL).encode())

        requests(WARM_UP)
        gc.disable()
        counted(0)
        if parts:
            library.hook(number_of)
            requests(WARM_UP)
            for part in range(1, len(names)):
                counted(part)
            library.hook(None)


def measure(
    folder: Path,
    *,
    parts: bool = False,
    queued: int = 0,
    capability: str = "",
    processes: int = PROCESSES,
) -> Counted:
    """Count the total in several processes, and the parts in one of them, beside `queued` tasks.

    `capability` is one of `one_row.WITH`, turned on.
    """
    marks = _build_marks()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(
            lambda number: _callgrind(
                folder, marks, parts=parts and number == 0, queued=queued, capability=capability
            ),
            range(processes),
        )
        first, *others = runs
    totals = [first.pop(TOTAL), *(run[TOTAL] for run in others)]
    total = statistics.median(totals)
    spread = (max(totals) - min(totals)) / total
    scale = total / (sum(first.values()) or total)
    dearest = {part: value * scale for part, value in first.most_common()}
    return Counted(total, spread, dearest)


def _callgrind(
    folder: Path, marks: Path, *, parts: bool, queued: int, capability: str
) -> Counter[str]:
    """Return the instructions of a request: all of them as TOTAL, and by part."""
    with tempfile.TemporaryDirectory() as dumps:
        command = [
            *("setarch", platform.machine(), "-R"),  # the same addresses at each run
            *("valgrind", "--tool=callgrind", "--instr-atstart=no", "--collect-atstart=no"),
            f"--callgrind-out-file={dumps}/calls",
            *(sys.executable, __file__, str(folder), "--marks", str(marks)),
            *(["--parts"] if parts else []),
            *("--queued", str(queued)),
            *(["--with", capability] if capability else []),
        ]
        environment = {key: value for key, value in os.environ.items() if key[:4] != "MMF_"}
        done = subprocess.run(
            command,
            env=environment | {"PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        instructions: Counter[str] = Counter()
        for file in Path(dumps).glob("calls.*"):
            instructions.update(attribute(file.read_text(encoding="utf-8")))
    return Counter({part: value // REQUESTS for part, value in instructions.items()})


def attribute(dump: str) -> Counter[str]:
    """Divide one dump of callgrind between the part that it is of and packages' own libraries.

    The format: valgrind.org/docs/manual/cl-format.html.
    """
    trigger = re.search(r"^desc: Trigger: Client Request: (.*)$", dump, re.MULTILINE)
    if not trigger:
        return Counter()  # what was left at the end
    names: dict[str, str] = {}
    instructions: Counter[str] = Counter()
    library, is_call = "", False
    for line in dump.splitlines():
        if match := re.match(r"c?ob=(\(\d+\))(?: (.*))?$", line):
            names.setdefault(match[1], match[2] or "")
            library = library if line[0] == "c" else names[match[1]]
        elif line.startswith("calls="):
            is_call = True  # the next line has what the callee cost, counted with the callee
        elif re.match(r"[+*-]?\d*[ ]\d+$", line):
            part = "" if trigger[1] == TOTAL else package_of(library)
            instructions[part or trigger[1]] += 0 if is_call else int(line.split()[1])
            is_call = False
    return instructions


def _build_marks() -> Path:
    """Compile marks.c, unless that was done."""
    for program in ("valgrind", "cc"):
        if not shutil.which(program):
            raise SystemExit(f"{program} is missing: apt-get install valgrind gcc")
    source = HERE / "marks.c"
    library = BUILD / "instructions" / f"marks-{platform.python_version()}.so"
    if not library.is_file() or library.stat().st_mtime < source.stat().st_mtime:
        library.parent.mkdir(parents=True, exist_ok=True)
        headers = f"-I{sysconfig.get_paths()['include']}"
        command = ["cc", "-shared", "-fPIC", "-O1", headers, "-o", str(library), str(source)]
        subprocess.run(command, check=True)
    return library


def git(*arguments: str) -> bytes:
    """Return what git prints about this repository."""
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        raise SystemExit(f"{done.stderr.decode()}a clone with its history is needed")
    return done.stdout


def previous_commit() -> str:
    """Return the commit before what lies here: the last one if there are changes since."""
    return "HEAD" if git("status", "--porcelain", "--", PAYLOAD.name) else "HEAD^"


@contextmanager
def at_commit(commit: str) -> Iterator[Path]:
    """Lay out the payload of a commit in a temporary folder; yield that."""
    archive = git("archive", commit, PAYLOAD.name)
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
        yield Path(folder, PAYLOAD.name)


@contextmanager
def without(folder: Path, capability: str | None) -> Iterator[Path]:
    """Yield a copy of a folder in which a capability is deleted; the folder itself for None."""
    if capability is None:
        yield folder
        return
    if not (folder / OWN / capability / "capability.py").is_file():
        raise SystemExit(f"{capability}: expected a folder of {OWN} with a capability.py")
    with tempfile.TemporaryDirectory() as copies:
        copy = shutil.copytree(folder / OWN, Path(copies, OWN))
        shutil.rmtree(copy / capability)
        yield copy.parent


def machine() -> tuple[str, str]:
    """Return Python's version and the processor's name, on which the figures depend."""
    return platform.python_version(), processor()


def table(counted: Counted, before: Counted | None) -> str:
    """Return the page's text: the total on its machine, and the parts, the dearest first."""
    figure = "Python {}, {}".format(*machine())
    figure += f": {counted.total:,.0f} instructions a request, of which {OWN} {counted.own:,.0f}"
    lines = [
        f"{figure}; the processes differ by {counted.spread:.2%}.\n",
        "| part | instructions | share |" + " before |" * bool(before),
        "|---|---|---|" + "---|" * bool(before),
    ]
    old = before.rows() if before else {}
    for part, value in counted.rows().items():
        cells = [part, f"{value:,.0f}", f"{value / counted.total:.1%}"]
        lines.append(f"| {' | '.join(cells + [f'{old.get(part, 0):,.0f}'] * bool(before))} |")
    return "\n".join(lines)


def kept(page: str) -> Kept | None:
    """Return Python's version, the processor and the total that the page has."""
    match = KEPT.search(page)
    return (match[1], match[2], int(match[3].replace(",", ""))) if match else None


def base(
    here: tuple[str, str], kept: Kept, kept_before: Kept | None, before: Callable[[], float]
) -> float | None:
    """Return the total that a commit is compared with; None: it has changed the figure itself.

    The kept figure is of one version of Python on one processor; elsewhere `before` counts the
    commit before.
    """
    if here == kept[:2]:
        return kept[2]
    return before() if kept == kept_before else None


def main() -> None:
    """Count, print, keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=PAYLOAD, help="holds mmf_core")
    parser.add_argument("--against", nargs="?", const=BEFORE, help=f"a commit, or {BEFORE}")
    parser.add_argument("--keep", action="store_true", help=f"write the table to {PAGE.name}")
    parser.add_argument("--marks", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--parts", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--queued", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--with", dest="capability", choices=one_row.WITH, default="")
    parser.add_argument("--without", metavar="FOLDER", help="a capability of mmf_core to delete")
    arguments = parser.parse_args()
    if arguments.marks:
        count(
            arguments.folder,
            arguments.marks,
            parts=arguments.parts,
            queued=arguments.queued,
            capability=arguments.capability,
        )
        return
    if name := arguments.capability or arguments.without:
        with without(arguments.folder, arguments.without) as folder:
            off = measure(folder)
        on = measure(arguments.folder, capability=arguments.capability)
        print(f"without {name}: {off.total:,.0f} instructions a request")
        print(f"with {name}: {on.total:,.0f}, {on.total / off.total - 1:+.2%}")
        return
    counted, before = measure(arguments.folder, parts=True), None
    if arguments.against:
        with at_commit(arguments.against) as folder:
            before = measure(folder, parts=True)
    text = table(counted, before)
    print(text)
    if before:
        figures.save("instructions", {"own": counted.own, "own_before": before.own})
    if arguments.keep:
        write_table(PAGE.name, "make bench-instructions KEEP=1", text)


if __name__ == "__main__":
    main()
