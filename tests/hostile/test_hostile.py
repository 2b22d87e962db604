"""The short form of `make hostile`: inputs within their limits, each sent once or a few times."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from all_inputs import INPUTS
from hostile_inputs import HostileInput
from hostile_run import attack, hostile_service, open_files

from commands import wait_until
from long_parameters import long_except
from services import Service

MOST_OPEN = 120
"""Open files of all processes; two workers and a task process have about 100 at the end."""
ATTEMPTS = 3
"""Other processes may slow an attempt; a quadratic input is slow in each."""
SHORT = [hostile for hostile in INPUTS if hostile.is_short]
FEW_MIB = 64.0
"""Inputs with higher limits take seconds each; decoders have their own tests of limits."""
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="only Linux lists child processes"
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with hostile_service(tmp_path_factory.mktemp("hostile")) as running:
        yield running
        # A process that runs a task, or marks cells, may be ending.
        wait_until(lambda: open_files(running.process.pid) <= MOST_OPEN)


@pytest.mark.parametrize(
    "hostile",
    long_except(SHORT, lambda hostile: hostile.seconds <= 2 and hostile.mib <= FEW_MIB),
    ids=lambda hostile: f"{hostile.protocol} {hostile.name}",
)
def test_service_stays_within_its_limits(hostile: HostileInput, service: Service) -> None:
    faults = ["not sent"]
    for _ in range(ATTEMPTS):
        if not faults:
            break
        faults = attack(service, hostile).faults()
    assert faults == []


def test_names_are_unique() -> None:
    """A row of the table is identified by its protocol and name."""
    names = [(hostile.protocol, hostile.name) for hostile in INPUTS]
    assert len(set(names)) == len(names)
