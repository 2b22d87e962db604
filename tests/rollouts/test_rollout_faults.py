"""All operations on rollouts, once each, under a lighter load.

`make soak-rollouts` has the long form, for docs/reliability.md.
"""

from pathlib import Path

import pytest
from rollout_faults import ROLLOUT_FAULTS, RolloutEnv, RolloutFault

RATE = 100.0
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


@pytest.mark.long
@pytest.mark.parametrize(
    "fault", ROLLOUT_FAULTS, ids=[fault.happen.__name__ for fault in ROLLOUT_FAULTS]
)
def test_no_response_is_wrong_or_lost(fault: RolloutFault, tmp_path: Path) -> None:
    env = RolloutEnv(tmp_path, RATE, 1)
    fault.happen(env)
    assert env.tally.right > 0
    assert env.faults() == []


def test_page_has_every_row() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [each.title for each in ROLLOUT_FAULTS if f"\n| {each.title} |" not in page] == []
