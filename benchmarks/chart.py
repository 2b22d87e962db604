"""Draws results.svg: requests/s by ours as bars, legible on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from figures import Run
from paths import CHART
from servers import Server
from workloads import WORKLOADS, Workload

SHOWN = ("one-row-32", "forest-32")
WIDTH, LEFT, RIGHT = 760, 220, 60
LEGEND = "Requests per second; this template = 1, more is faster"
LINE, BAR, HEAD, GAP = 26, 18, 34, 18
STYLE = """
text { font: 13px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 14px }
.ours { font-weight: 600 }
.quiet { fill: #59636e }
rect { fill: #afb8c1 }
rect.ours { fill: #0969da }
rect.ceiling { fill: none; stroke: #afb8c1; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .quiet { fill: #9198a1 }
  rect { fill: #57606a }
  rect.ours { fill: #4493f8 }
  rect.ceiling { stroke: #57606a }
}
"""


def write(run: Run) -> None:
    """Draw the workloads that are shown and were measured."""
    workloads = [
        workload
        for workload in WORKLOADS
        if workload.name in SHOWN and len(run.servers(workload)) > 1
    ]
    top, drawn = HEAD, [text(0, 18, LEGEND, "quiet")]
    for workload in workloads:
        drawn += list(panel(run, workload, top))
        top += HEAD + LINE * len(panel_servers(run, workload)) + GAP
    title = escape(
        f"Requests/s, this template = 1: {', '.join(workload.label for workload in workloads)}"
    )
    size = f'width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">'
    lines = "\n".join(
        [head, f"<title>{title}</title>", f"<style>{STYLE}</style>", *drawn, "</svg>"]
    )
    CHART.write_text(lines + "\n", encoding="utf-8")


def panel_servers(run: Run, workload: Workload) -> list[Server]:
    """Return the servers of a panel: ours once, and Flask as it was fastest."""
    servers = [each for each in run.servers(workload) if not each.name.startswith("ours-")]
    flasks = [each for each in servers if each.name.startswith("flask")]
    flasks.sort(key=lambda each: run.relative(each, workload.name))
    return [each for each in servers if each not in flasks[:-1]]


def panel(run: Run, workload: Workload, top: int) -> Iterator[str]:
    """Draw one workload: its title and a bar for each server."""
    servers = panel_servers(run, workload)
    scale = (WIDTH - LEFT - RIGHT) / max(run.relative(server, workload.name) for server in servers)
    yield text(0, top + 20, f"{workload.label[0].upper()}{workload.label[1:]}", "title")
    for number, server in enumerate(servers):
        y, speed = top + HEAD + number * LINE, run.relative(server, workload.name)
        kind = "ours" if server.name == "ours" else "ceiling" if server.ceiling else ""
        wide = max(1.0, speed * scale)
        yield text(LEFT - 8, y + 14, server.label.replace("*", "").replace("`", ""), kind, "end")
        yield f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{wide:.1f}" height="{BAR}" rx="2"/>'
        yield text(LEFT + wide + 8, y + 14, f"{speed:.2f}", kind)


def text(x: float, y: float, content: str, kind: str = "", anchor: str = "start") -> str:
    """Write text at a point."""
    place = f'x="{x:.1f}" y="{y}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{escape(content)}</text>'
