"""The rewards of both versions, from the capability that takes feedback, if it is there and on."""

from __future__ import annotations

from collections.abc import Sequence

from ..capabilities import parts
from ..errors import MMFError
from .plan import Candidate
from .strategies import STRATEGIES, BothRewards, Rewards


def rewards_of(candidate: Candidate, key: str, versions: Sequence[str] = ()) -> BothRewards | None:
    """Return what both versions have been rewarded with since this candidate's rollout began.

    The first look with their names, the candidate's last, begins to count. None if it cannot be
    known just now; nothing is looked at for a strategy that needs no rewards.
    """
    if not STRATEGIES[candidate.strategy].needs_rewards:
        return BothRewards()
    sources = [source for make_source in parts("rewards") if (source := make_source())]
    if not sources:
        return None
    try:
        found = dict(sources[0](key, versions))
    except MMFError:
        return None
    ours = Rewards(*found.pop(candidate.name, (0, 0)))
    others = [found[version] for version in versions[:1]] or [*found.values(), (0, 0)]
    return BothRewards(Rewards(*others[0]), ours)
