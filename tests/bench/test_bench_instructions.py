"""The count of instructions: how callgrind's dumps are read, and that a request stays as cheap."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import mmf_core as mmf
from baking import PAYLOAD
from mmf_core.tasks.service import TaskService
from mmf_core.web import create_app

MOST = 1.03
"""Times the instructions that docs/performance.md has, or that the commit before needs."""
DUMP = """\
desc: Trigger: Client Request: mmf_core/web

positions: line
events: Ir
summary: 60

ob=(1) /usr/lib/libpython3.11.so.1.0
fn=(1) evaluate
12 10
+3 5
cob=(2) /x/site-packages/orjson/orjson.so
cfn=(2) dumps
calls=4 7
* 40
ob=(2)
fn=(2)
7 25
-2 15
cob=(1)
cfn=(1)
calls=1 2
3 99
ob=(1)
fn=(3)
1 5
"""


@pytest.fixture
def instructions(bench: Callable[[str], ModuleType]) -> ModuleType:
    """Return the module."""
    return bench("instructions")


def test_library_of_a_package_is_counted_apart(instructions: ModuleType) -> None:
    assert instructions.attribute(DUMP) == {"mmf_core/web": 20, "orjson": 40}


def test_total_is_not_divided(instructions: ModuleType) -> None:
    dump = DUMP.replace("mmf_core/web", instructions.TOTAL)
    assert instructions.attribute(dump) == {instructions.TOTAL: 60}


def test_rest_of_the_process_is_not_counted(instructions: ModuleType) -> None:
    assert instructions.attribute(DUMP.replace("Client Request: mmf_core/web", "Program end")) == {}


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("/x/mmf_core/web/rest.py", "mmf_core/web"),
        ("/x/mmf_core/target.py", "mmf_core"),
        ("/x/site-packages/werkzeug/routing/map.py", "Flask, Werkzeug"),
        ("/x/site-packages/sklearn/pipeline.py", "scikit-learn"),
        ("/x/lib/python3.11/logging/__init__.py", "logging"),
        ("/x/lib/python3.11/contextlib.py", ""),
        ("<string>", ""),
    ],
)
def test_part_of_a_file(instructions: ModuleType, file: str, part: str) -> None:
    assert instructions.part_of(file) == part


def test_kept_figure_is_read_from_the_written_table(instructions: ModuleType) -> None:
    counted = instructions.Counted(1234567.0, 0.001, {"mmf_core/web": 234567.0, "pandas": 1e6})
    text = instructions.table(counted, None)
    assert instructions.kept(text) == (*instructions.machine(), 1234567)
    assert "of which mmf_core 234,567" in text


def test_page_has_a_figure(instructions: ModuleType) -> None:
    assert instructions.kept(instructions.PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("kept", "kept_before", "base"),
    [
        (("3.11", "this", 100), ("3.11", "this", 90), 100),  # the same machine: the page's figure
        (("3.12", "this", 100), ("3.12", "this", 100), 70),  # another: the commit before
        (("3.11", "that", 100), ("3.11", "that", 90), None),  # the commit has changed the figure
    ],
)
def test_what_a_count_is_compared_with(
    instructions: ModuleType,
    kept: tuple[str, str, int],
    kept_before: tuple[str, str, int],
    base: int | None,
) -> None:
    assert instructions.base(("3.11", "this"), kept, kept_before, lambda: 70) == base


def test_missing_history_is_an_error_that_says_so(instructions: ModuleType) -> None:
    commit = "0" * 40
    with (
        pytest.raises(SystemExit, match="a clone with its history"),
        instructions.at_commit(commit),
    ):
        pass


def test_missing_program_is_an_error_that_says_how_to_get_it(
    instructions: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="valgrind is missing: apt-get install valgrind"):
        instructions.measure(PAYLOAD)


@pytest.mark.long
@pytest.mark.skipif(
    not (shutil.which("valgrind") and shutil.which("cc")), reason="apt-get install valgrind gcc"
)
def test_request_needs_no_more_instructions_than_are_kept(instructions: ModuleType) -> None:
    commit = instructions.previous_commit()
    page = instructions.git("show", f"{commit}:docs/performance.md").decode()

    def before() -> float:
        with instructions.at_commit(commit) as folder:
            return instructions.measure(folder).total

    kept = instructions.kept(instructions.PAGE.read_text(encoding="utf-8"))
    base = instructions.base(instructions.machine(), kept, instructions.kept(page), before)
    total = instructions.measure(PAYLOAD).total
    assert base is None or total <= MOST * base, (
        f"a one-row request needs {total:,.0f} instructions, {total / base - 1:.1%} more: make it "
        "cheaper, or write the new figure with `make bench-instructions KEEP=1`"
    )


def test_queue_is_filled_at_once(
    bench: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMF_TASKS_DIR", str(tmp_path))
    app = create_app(mmf.Registry())
    bench("one_row").fill_queue(b"[]", 10_000)
    store = TaskService.of(app).store
    assert store.counts() == {"queued": 10_000}
    for _ in range(2):
        with store.open_input(store.claim("worker", 1)) as body:
            assert body == b"[]"
    store.close()
