"""The rewards of both versions, from the feedback capability, if installed and enabled."""

from __future__ import annotations

from collections.abc import Sequence

from ..capabilities import parts
from ..errors import MMFError
from .plan import Candidate
from .strategies import STRATEGIES, BothRewards, Rewards


def rewards_of(candidate: Candidate, key: str, versions: Sequence[str] = ()) -> BothRewards | None:
    """Return the rewards of both versions since this candidate's rollout began.

    Counting starts with the first call that names them, the candidate last. None if they are not
    available now; nothing is read for a strategy that needs no rewards.
    """
    if not STRATEGIES[candidate.strategy].needs_rewards:
        return BothRewards()
    sources = [source for make_source in parts("rewards") if (source := make_source())]
    if not sources:
        return None
    try:
        rewards = dict(sources[0](key, versions))
    except MMFError:
        return None
    ours = Rewards(*rewards.pop(candidate.name, (0, 0)))
    others = [rewards[version] for version in versions[:1]] or [*rewards.values(), (0, 0)]
    return BothRewards(Rewards(*others[0]), ours)
