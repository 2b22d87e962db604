"""Draws the timeline of a rollout by each strategy: docs/images/rollout-NAME.svg.

A service with two workers gets `RATE` requests a second. What is drawn is what its callers have
received, second by second: the share of the candidate's responses, and that of errors.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any
from xml.sax.saxutils import escape

from rollout_faults import RolloutEnv
from rollout_services import Rollout

RATE = 200.0
REPORTED = 4  # one response in this many gets a reward
IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDTH, LEFT, RIGHT, TOP, HEIGHT, GAP = 760, 46, 150, 44, 130, 74
STYLE = """
text { font: 13px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 14px }
.quiet { fill: #59636e; font-size: 12px }
path, line { fill: none; stroke: #d1d9e0 }
.event { stroke: #59636e; stroke-dasharray: 3 3 }
.share { stroke: #0969da; stroke-width: 2 }
.errors { stroke: #cf222e; stroke-width: 2 }
.copies { stroke: #8250df; stroke-width: 2 }
text.share { fill: #0969da } text.errors { fill: #cf222e } text.copies { fill: #8250df }
text.share, text.errors, text.copies { stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .quiet { fill: #9198a1 }
  path, line { stroke: #3d444d }
  .share { stroke: #4493f8 } text.share { fill: #4493f8 }
  .errors { stroke: #f85149 } text.errors { fill: #f85149 }
  .copies { stroke: #ab7df8 } text.copies { fill: #ab7df8 }
}
"""


@dataclass(frozen=True)
class Course:
    """A timeline: percentages by second, by the name of a line, and the operations."""

    title: str
    lines: dict[str, list[float]]
    events: list[tuple[float, str]]


COURSES: dict[str, Callable[[Path], list[Course]]] = {}


def course(draw: Callable[[Path], list[Course]]) -> Callable[[Path], list[Course]]:
    """Register the drawing of a strategy, by the name of the function."""
    COURSES[draw.__name__] = draw
    return draw


class Recorder:
    """Records the operations, and the outcomes of copies."""

    def __init__(self, env: RolloutEnv, rollout: Rollout) -> None:
        self.rollout = rollout
        self._env, self._start = env, time.monotonic()
        self._events: list[tuple[float, str]] = []
        self._copies: list[float] = []
        self._before = (0, 0)

    def note(self, text: str) -> None:
        """Record an operation now."""
        self._events.append((time.monotonic() - self._start, text))

    def command(self, *arguments: str) -> None:
        """Run a command of `mmfmeta rollout`."""
        self.note(arguments[0])
        done = self.rollout.command(*arguments, MMF_FEEDBACK="1")
        assert done.returncode == 0, done.stderr

    def watch(self, over: Event) -> None:
        """Record once a second which share of the copies differs."""
        while not over.wait(max(0.0, self._start + len(self._copies) + 1 - time.monotonic())):
            copies = self.rollout.state().get("copies", {})
            now = copies.get("compared", 0), copies.get("different", 0)
            compared, different = (
                after - before for after, before in zip(now, self._before, strict=True)
            )
            self._before = now
            self._copies.append(100 * different / compared if compared > 0 else 0.0)

    def reward(self, candidate: float, stable: float, over: Event) -> None:
        """Report rewards for a part of the responses, by these probabilities."""
        seen = 0
        while not over.wait(0.1):
            sights, seen = self._env.seen[seen::REPORTED], len(self._env.seen)
            for sight in sights:
                chance = candidate if sight.version == "v2" else stable
                row = {"row": 0, "reward": float(random.random() < chance)}
                reported = {"request_id": sight.request, "rows": [row]}
                response = self.rollout.post(
                    "/feedback", json.dumps(reported).encode(), {"Content-Type": "application/json"}
                )
                assert response.status_code == 202, response.text

    def course(self, title: str, *, with_copies: bool = False) -> Course:
        """Return the timeline."""
        seconds = int(time.monotonic() - self._start)
        share, errors = [], []
        for second in range(seconds):
            begin = self._start + second
            responses = self._env.between(begin, begin + 1)
            count = max(1, len(responses))
            share.append(100 * sum(sight.version == "v2" for sight in responses) / count)
            errors.append(100 * sum(sight.status != 200 for sight in responses) / count)
        lines = {"share": share, "errors": errors}
        if with_copies:
            lines["copies"] = self._copies[:seconds]
        return Course(title, lines, self._events)


@contextmanager
def recording(folder: Path, **candidate: Any) -> Iterator[Recorder]:
    """Serve two versions under load, and record what happens."""
    folder.mkdir()
    env = RolloutEnv(folder, RATE, 1, may_fail=True, factors={"v2": candidate.get("factor", 1)})
    env.settings["MMF_FEEDBACK"] = "1"
    over = Event()
    with env.load(**candidate) as rollout, ThreadPoolExecutor(1) as pool:
        recorder = Recorder(env, rollout)
        watching = pool.submit(recorder.watch, over)
        try:
            time.sleep(3)
            yield recorder
            time.sleep(3)
        finally:
            over.set()
            watching.result()


FILES = "model.json=new.json"


@course
def silent(folder: Path) -> list[Course]:
    """Draw copies whose responses differ, and callers who do not notice."""
    with recording(folder / "silent", factor=2) as recorder:
        recorder.command("start", "v2", FILES, "--mirror", "100")
        time.sleep(15)
        recorder.command("abort")
    return [recorder.course("Silent: a candidate whose responses all differ", with_copies=True)]


@course
def canary(folder: Path) -> list[Course]:
    """Draw one that grows in steps, and one that is rolled back."""
    steps = ["--steps", "5,20,50,100", "--minutes", "0.07"]
    with recording(folder / "good") as recorder:
        recorder.command("start", "v2", FILES, *steps)
        recorder.rollout.until(traffic=100)
        time.sleep(3)
        recorder.command("promote")
    good = recorder.course("Canary: a good candidate, by steps of 5, 20, 50 and 100 %")
    with recording(folder / "bad") as recorder:
        recorder.command("start", "v2", FILES, *steps)
        recorder.rollout.until(traffic=20)
        recorder.note("fails")
        (folder / "bad" / "fails").write_text("0.3")
        while recorder.rollout.state()["status"] == "running":
            time.sleep(0.1)
        recorder.note("rolled back")
    bad = recorder.course("Canary: a candidate whose calls begin to fail, 30 % of them")
    return [good, bad]


@course
def ab(folder: Path) -> list[Course]:
    """Draw two groups of callers, the second of which grows."""
    with recording(folder / "ab") as recorder:
        recorder.command(
            "start", "v2", FILES, "--traffic", "30", "--sticky", "X-User-Id", "--strategy", "ab"
        )
        time.sleep(8)
        recorder.command("set", "--traffic", "50")
        time.sleep(8)
        recorder.command("abort")
    return [recorder.course("A/B: 30 %, then 50 % of the callers")]


@course
def bandit(folder: Path) -> list[Course]:
    """Draw a candidate with more rewards."""
    over = Event()
    with recording(folder / "bandit") as recorder, ThreadPoolExecutor(1) as pool:
        try:
            recorder.command("start", "v2", FILES, "--strategy", "bandit")
            telling = pool.submit(recorder.reward, 0.6, 0.5, over)
            time.sleep(40)
        finally:
            over.set()
        telling.result()
        recorder.command("abort")
    return [
        recorder.course(
            "Bandit: 60 % of the candidate's responses are rewarded, and 50 % of the others"
        )
    ]


NAMES = {
    "share": "responses by the candidate",
    "errors": "errors that callers get",
    "copies": "copies that differ",
}


def svg(courses: Sequence[Course]) -> str:
    """Return a picture with a panel for each timeline."""
    height = TOP + len(courses) * (HEIGHT + GAP) - 10
    title = escape("; ".join(each.title for each in courses))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">'
    )
    parts = [head, f"<title>{title}</title>", f"<style>{STYLE}</style>"]
    for number, each in enumerate(courses):
        parts += panel(each, TOP + number * (HEIGHT + GAP))
    return "\n".join([*parts, "</svg>", ""])


def panel(drawn: Course, top: float) -> Iterator[str]:
    """Draw a timeline: lines of percentages over seconds."""
    seconds = max(map(len, drawn.lines.values()))
    wide = (WIDTH - LEFT - RIGHT) / seconds
    yield text(0, top - 24, drawn.title, "title")
    for percent in (0, 50, 100):
        y = top + HEIGHT * (1 - percent / 100)
        yield f'<line x1="{LEFT}" y1="{y:.0f}" x2="{WIDTH - RIGHT}" y2="{y:.0f}"/>'
        yield text(LEFT - 8, y + 4, f"{percent} %", "quiet", "end")
    for second in range(0, seconds + 1, 5):
        yield text(LEFT + second * wide, top + HEIGHT + 17, f"{second} s", "quiet", "middle")
    for second, event in drawn.events:
        x = LEFT + second * wide
        yield f'<line class="event" x1="{x:.0f}" y1="{top - 4}" x2="{x:.0f}" y2="{top + HEIGHT}"/>'
        yield text(x + 4, top - 6, event, "quiet")
    for row, (name, values) in enumerate(drawn.lines.items()):
        points = [
            (LEFT + (second + 0.5) * wide, top + HEIGHT * (1 - value / 100))
            for second, value in enumerate(values)
        ]
        path = " ".join(
            f"{'M' if not number else 'L'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(points)
        )
        yield f'<path class="{name}" d="{path}"/>'
        yield text(WIDTH - RIGHT + 8, top + 14 + 18 * row, NAMES[name], f"{name} quiet")


def text(x: float, y: float, content: str, kind: str, anchor: str = "start") -> str:
    """Write text at a point."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{escape(content)}</text>'


def main(names: list[str]) -> None:
    """Draw the selected strategies."""
    for name, draw in COURSES.items():
        if names and name not in names:
            continue
        print(f"{name} …", flush=True)
        with TemporaryDirectory() as folder:
            (IMAGES / f"rollout-{name}.svg").write_text(svg(draw(Path(folder))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
