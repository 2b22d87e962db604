"""A report as a self-contained HTML page: the columns, largest drift first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html import escape

from .comparison import LARGE, MOVED, SIGNIFICANCE, Drift
from .log_report import Report
from .profile import ColumnProfile

_WIDTH, _HEIGHT = 320, 56
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #ddd }
td.n { font-variant-numeric: tabular-nums }
.same { color: #2e7d32 } .moved { color: #8a5300 } .drifted { color: #b3261e; font-weight: 600 }
rect.old { fill: #9aa5b1 } rect.new { fill: #1f6feb }
"""


def page(report: Report, now: datetime) -> str:
    """Return the page; `now` is the time of the report."""
    order = sorted(report.columns.items(), key=lambda item: item[1].psi, reverse=True)
    rows = "".join(_row(name, report.profile.columns[name], drift) for name, drift in order)
    versions = ", ".join(f"{name}: {count:,}" for name, count in report.versions.most_common())
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Drift</title><style>{_STYLE}</style></head><body>
<h1>Drift</h1>
<p>{report.rows:,} rows of {escape(report.location)},
{_minute(report.first)} to {_minute(report.last)} UTC
({escape(versions)}), compared with {report.profile.rows:,} rows of reference.
Written {now:%Y-%m-%d %H:%M} UTC.</p>
<p>PSI is the population stability index: from {MOVED} a column has shifted, from {LARGE} it has
drifted, if its p-value is less than {SIGNIFICANCE:.0%}, corrected for the
number of columns.
In the plots the reference is grey, the traffic is blue; empty cells are on the left.</p>
<table><tr><th>column</th><th></th><th>PSI</th><th>p</th><th>empty</th><th>shares</th></tr>
{rows}</table></body></html>
"""


def _minute(time: str) -> str:
    return escape(time[:16].replace("T", " "))


def _row(name: str, column: ColumnProfile, drift: Drift) -> str:
    empty = f"{drift.expected[0]:.1%} → {drift.actual[0]:.1%}"
    return (
        f'<tr><td>{escape(name)}</td><td class="{drift.verdict}">{drift.verdict}</td>'
        f'<td class="n">{drift.psi:.3f}</td><td class="n">{drift.p_value:.2g}</td>'
        f'<td class="n">{empty}</td><td>{_picture(column, drift)}</td></tr>\n'
    )


def _picture(column: ColumnProfile, drift: Drift) -> str:
    bars = "".join(_bars(column, drift))
    return f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="shares">{bars}</svg>'


def _bars(column: ColumnProfile, drift: Drift) -> Iterator[str]:
    highest = max(*drift.expected, *drift.actual)
    width = _WIDTH / len(drift.expected)
    pairs = zip(column.labels(), drift.expected, drift.actual, strict=True)
    for index, (label, *shares) in enumerate(pairs):
        title = escape(f"{label}: {shares[0]:.1%} → {shares[1]:.1%}")
        yield f"<g><title>{title}</title>"
        for position, (kind, share) in enumerate(zip(("old", "new"), shares, strict=True)):
            height = _HEIGHT * share / highest
            yield (
                f'<rect class="{kind}" x="{(index + position * 0.45) * width:.1f}" '
                f'y="{_HEIGHT - height:.1f}" width="{0.42 * width:.1f}" height="{height:.1f}"/>'
            )
        yield "</g>"
