"""examples/cron: the very line of its crontab, run as cron runs it."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sklearn.datasets import load_wine

from baking import ROOT
from commands import LONGEST_COMMAND, Project, wait_until
from mmf_core.cron import CronSchedule

EXAMPLE = ROOT / "examples" / "cron"
COPIES = 2_000  # of 178 wines: six chunks


def entry() -> tuple[str, str]:
    """Return the times and the command of the crontab's only line."""
    text = (EXAMPLE / "crontab").read_text(encoding="utf-8")
    ((times, command),) = re.findall(r"(?m)^((?:[\d*]+ ){5})(.+)$", text)
    assert "%" not in command  # cron would end the command there
    return times.strip(), command


def start(folder: Path) -> subprocess.Popen[str]:
    """Start the line with what cron gives it."""
    return subprocess.Popen(
        ["/bin/sh", "-c", entry()[1]],
        cwd="/",
        env={
            "PATH": "/usr/bin:/bin",
            "SHELL": "/bin/sh",
            "HOME": str(folder.parent),
            "PROJECT": str(folder),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def mail(folder: Path) -> str:
    """Run the line, and return what it prints, which cron would mail."""
    printed, _ = start(folder).communicate(timeout=LONGEST_COMMAND)
    log = folder / "nightly.log"
    print(log.read_text() if log.exists() else "no log")
    return printed


def test_line_runs_every_night() -> None:
    schedule = CronSchedule.parse(entry()[0])
    evening = datetime(2026, 12, 1, 18, tzinfo=UTC).timestamp()
    assert schedule.latest(evening - 86_400, evening) == evening - (16 * 60 - 15) * 60
    assert schedule.latest(evening, evening + 86_400) == evening + (8 * 60 + 15) * 60


@pytest.mark.long
def test_files_are_predicted_at_night(
    example_project: Callable[..., Project], figure: Callable[[str, float, str], None]
) -> None:
    project = example_project("cron")
    project.run(".venv/bin/python", "train.py")
    folder = project.folder
    incoming, predictions = folder / "incoming", folder / "predictions"
    assert mail(folder) == ""  # nothing to do

    wines = load_wine(as_frame=True).data
    incoming.mkdir()
    wines.rename_axis("id").reset_index().to_csv(incoming / "monday.csv", index=False)
    began = time.monotonic()
    assert mail(folder) == ""
    figure("178 wines by the line", time.monotonic() - began, "s")
    lines = (predictions / "monday.csv").read_text().splitlines()
    assert len(lines) == 1 + len(wines)
    assert lines[1] == "0,class_0"

    # A second run leaves it alone; a bad row is mailed, and holds up no other.
    written = (predictions / "monday.csv").stat()
    header, *rows = (incoming / "monday.csv").read_text().splitlines()
    bad = ["7,strong" + rows[7][rows[7].index(",", 2) :], *rows[8:]]
    (incoming / "tuesday.csv").write_text("\n".join([header, *bad]))
    printed = mail(folder)
    assert "incoming/tuesday.csv" in printed
    assert "1 bad row: see rejected/tuesday.csv" in printed
    assert (predictions / "monday.csv").stat() == written
    assert len((predictions / "tuesday.csv").read_text().splitlines()) == len(rows[8:]) + 1
    assert 'got ""strong""' in (folder / "rejected" / "tuesday.csv").read_text()
    assert mail(folder) == ""

    # The mail names each file that has failed, however many have not.
    (incoming / "a.csv").write_text(header)
    for name in ("b", "c", "d", "e", "tuesday-bad"):
        (incoming / f"{name}.csv").write_text(f"{header}\n{rows[7]}")
    first, *others = mail(folder).splitlines()
    assert first == "incoming/a.csv: Error: expected at least one row, got none"
    assert len(others) == 1
    assert (predictions / "tuesday-bad.csv").exists()
    (incoming / "a.csv").unlink()

    # A night that is cut short is continued, and two do not run at once.
    (incoming / "friday.csv").write_text("\n".join([header, *rows * COPIES]))
    process = start(folder)
    wait_until(lambda: list(predictions.glob(".friday.csv.parts/*")))
    assert mail(folder) != ""
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    is_free = ["flock", "--nonblock", str(folder / "nightly.lock"), "true"]
    wait_until(lambda: subprocess.run(is_free, check=False).returncode == 0)
    assert not (predictions / "friday.csv").exists()
    began = time.monotonic()
    assert mail(folder) == ""
    figure(f"{len(rows) * COPIES:,} wines after a kill", time.monotonic() - began, "s")
    friday = (predictions / "friday.csv").read_text().splitlines()
    assert friday[1:] == lines[1:] * COPIES
    assert list(predictions.glob(".*")) == []
