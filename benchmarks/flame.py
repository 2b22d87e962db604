"""Draw where the time of a one-row request goes, as a flame graph: `make bench-flame NAME=after`.

The request of one_row.py is repeated in this process, and a timer interrupts it each millisecond to
note the Python functions that are running. A box is a function: as wide as its share of the
samples, below its caller, and coloured by its part. Code in C shows as the Python function that
called it. Writes docs/images/flame-NAME.svg and prints the CPU time of a request.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from xml.sax.saxutils import escape

import one_row
from instructions import HARNESS, OWN, part_of
from paths import PAYLOAD, ROOT

SECONDS, WARM_UP, INTERVAL = 20.0, 500, 0.001
WIDTH, ROW, LEAST, LETTER = 1200, 17, 1.2, 6.2
"""In pixels: the picture, a row, the narrowest box that is drawn, a letter."""
STYLE = "text{font:11px sans-serif;fill:#111}rect{stroke:#fff;stroke-width:.5}"


@dataclass
class Box:
    """A function called by the functions above it: its part, its samples, what it calls."""

    part: str = ""
    samples: int = 0
    calls: dict[str, Box] = field(default_factory=dict)


class Sampler:
    """Records the stack at each signal."""

    def __init__(self) -> None:
        self.root = Box()

    def __call__(self, _signal: int, frame: FrameType | None) -> None:
        """Add a sample; below the benchmark's own frames."""
        codes = []
        while frame:
            codes.append(frame.f_code)
            frame = frame.f_back
        box = self.root
        box.samples += 1
        for code in reversed(codes):
            part = part_of(code.co_filename) or box.part
            if part != HARNESS:
                name = f"{code.co_qualname} ({part})"
                box = box.calls.setdefault(name, Box(part))
                box.samples += 1


def sample(seconds: float) -> tuple[Box, float]:
    """Return what was running, and the CPU seconds of a request."""
    sampler, requests = Sampler(), 0
    with tempfile.TemporaryDirectory() as working:
        application, body = one_row.make_application(PAYLOAD, Path(working))
        for _ in range(WARM_UP):
            one_row.send(application, body)
        signal.signal(signal.SIGALRM, sampler)
        signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)
        ends, spent = time.monotonic() + seconds, time.process_time()
        while time.monotonic() < ends:
            one_row.send(application, body)
            requests += 1
        spent = time.process_time() - spent
        signal.setitimer(signal.ITIMER_REAL, 0)
    return sampler.root, spent / requests


def draw(root: Box, title: str) -> str:
    """Return the picture."""
    boxes = list(_boxes(root, 0.0, 1, WIDTH / max(1, root.samples)))
    height = ROW * (2 + max((row for row, _ in boxes), default=0))
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>'
    background = f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    lines = (head, background, f'<text x="4" y="12">{escape(title)}</text>', *(b for _, b in boxes))
    return "\n".join([*lines, "</svg>", ""])


def _boxes(box: Box, x: float, row: int, scale: float) -> Iterator[tuple[int, str]]:
    """Yield the row and the drawing of each box that is wide enough."""
    for name, called in box.calls.items():
        width = called.samples * scale
        if width >= LEAST:
            title = f"{name} {width / WIDTH:.1%}"
            rect = f'<rect x="{x:.1f}" y="{row * ROW}" width="{width:.1f}" height="{ROW}"'
            drawing = f'<g><title>{escape(title)}</title>{rect} fill="{_colour(called.part)}"/>'
            if text := name.rpartition(" (")[0][: int((width - 4) / LETTER)]:
                drawing += f'<text x="{x + 2:.1f}" y="{row * ROW + 12}">{escape(text)}</text>'
            yield row, f"{drawing}</g>"
            yield from _boxes(called, x, row + 1, scale)
        x += width


def _colour(part: str) -> str:
    """Return blue for our own parts, and one of the warm colours for each other."""
    hue = 210 if part.startswith(OWN) else zlib.crc32(part.encode()) % 140
    return f"hsl({hue},75%,75%)"


def main() -> None:
    """Sample, draw, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    terminal = sys.stdout
    root, cpu = sample(options.seconds)
    picture = ROOT / "docs" / "images" / f"flame-{options.name}.svg"
    title = f"A one-row request: {root.samples:,} samples; blue is mmf_core"
    picture.write_text(draw(root, title), encoding="utf-8")
    size = picture.stat().st_size / 1024
    print(f"{picture.relative_to(ROOT)}, {size:.0f} KiB; {cpu * 1e6:.0f} µs CPU", file=terminal)


if __name__ == "__main__":
    main()
