"""Valid plans, and the errors of invalid ones."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mmf_core as mmf
from error_shape import assert_problem
from mmf_core.rollouts import changes
from mmf_core.rollouts.plan import (
    MAX_BYTES,
    Candidate,
    Plan,
    PlanError,
    document_of,
    of,
    parse,
    read,
    write,
)
from mmf_core.web import create_app

GOOD: dict[str, Any] = {"candidate": {"name": "v2", "artifacts": {"m": "n"}}}


def candidate(**entries: Any) -> dict[str, Any]:
    return {"candidate": GOOD["candidate"] | entries}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"candidates": {}}, "candidates: unknown table; expected candidate, steps, bandit, gates"),
        ({"candidate": []}, r"candidate: expected a table, \[candidate\]"),
        ({"candidate": {}}, "name is missing"),
        ({"gates": {}}, r"\[candidate\] is missing"),
        ({"candidate": {"name": "v2"}}, r"\[candidate.artifacts\] is missing"),
        (candidate(name="a b"), "name = 'a b': expected letters"),
        (candidate(traffic=101), "traffic = 101: expected a number from 0 to 100"),
        (candidate(traffic=-1), "expected a number from 0 to 100"),
        (candidate(traffic=True), "expected a number from 0 to 100"),
        (candidate(traffic=float("nan")), "expected a number from 0 to 100"),
        (candidate(mirror="10"), "mirror = '10'"),
        (candidate(strategy="best"), "expected one of ab, bandit, canary, silent"),
        (candidate(strategy=["ab"]), "expected one of ab, bandit, canary, silent"),
        (candidate(strategy="silent", traffic=5), "a silent version serves no requests"),
        (candidate(strategy="ab"), 'needs sticky = "X-User-Id"'),
        (candidate(sticky="X User"), "expected the name of a header"),
        (candidate(sticky="column:"), "claim:NAME or column:NAME"),
        (candidate(sticky=["X-User-Id"]), "expected the name of a header"),
        (candidate(artifacts={"m": 1}), 'expected "file of main.py"'),
        (candidate(weight=5), "weight: unknown entry; expected one of name, strategy"),
        (candidate(main="../x"), "expected a file such as main_v2.py"),
        (GOOD | {"steps": {"traffic": [50, 5]}}, "expected numbers that rise"),
        (GOOD | {"steps": {"traffic": [0, 5]}}, "expected numbers that rise"),
        (GOOD | {"steps": {"traffic": [1] * 101}}, "expected 1 to 100 numbers"),
        (GOOD | {"steps": {"minutes": 0}}, "expected a number of more than 0"),
        (GOOD | {"steps": {"requests": 0}}, "expected a whole number of at least 1"),
        (GOOD | {"gates": {"errors": 1.5}}, "expected a share"),
        (GOOD | {"gates": {"url": "file:///etc/passwd"}}, "expected a URL, http:// or https://"),
        (candidate(strategy="silent") | {"steps": {"traffic": [5]}}, "remove traffic and"),
    ],
)
def test_invalid_plans_are_rejected(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        of(document)


@given(
    st.fixed_dictionaries(
        {
            "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
            "artifacts": st.dictionaries(
                st.text(st.characters(codec="utf-8"), min_size=1),
                st.text(st.characters(codec="utf-8"), min_size=1),
                min_size=1,
                max_size=3,
            ),
        },
        optional={
            "traffic": st.floats(0, 100),
            "mirror": st.floats(0, 100),
            "sticky": st.sampled_from(["X-User-Id", "claim:sub", "column:the user"]),
        },
    )
)
def test_written_plan_is_read_again(entries: dict[str, Any]) -> None:
    plan = of({"candidate": entries})
    file = Path("rollout.toml")
    write(plan, file)
    assert read(file) == plan
    assert of(document_of(plan)) == plan


def test_changes_at_the_same_time_are_all_kept() -> None:
    """Each reads the plan and writes another: one of two used to be lost."""
    file = Path("rollout.toml")
    changes.begin(file, GOOD)
    with ThreadPoolExecutor(8) as pool:
        for share in range(1, 21):
            entries = [{"traffic": share}, {"mirror": share}] * 4
            list(pool.map(lambda changed: changes.set_shares(file, **changed), entries))
            candidate = read(file).candidate
            assert candidate
            assert (candidate.traffic, candidate.mirror) == (share, share)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_files() -> None:
    file = Path("rollout.toml")
    assert read(file) == Plan() == parse("")
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(PlanError, match="expected at most 65536 bytes"):
        read(file)
    file.write_bytes(b"\xff")
    with pytest.raises(PlanError, match="not UTF-8"):
        read(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(PlanError, match="cannot be read"):
        read(file)


@pytest.mark.parametrize(
    "change", [{"action": ["promote"]}, {"action": {}}, {"traffic": []}, {"traffic": 10**30}, [], 1]
)
def test_invalid_changes_are_rejected(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of actions was a crash."""
    monkeypatch.setenv("MMF_ADMIN_HTTP", "1")
    monkeypatch.setattr(changes, "set_shares", lambda _file, **shares: Candidate.read("", shares))
    client = create_app(mmf.Registry()).test_client()
    if isinstance(change, dict):
        (name,) = change
        twice = f'{{"{name}": 1, "{name}": 2}}'
        assert_problem(client.put("/rollout", data=twice), 422, f'once, got "{name}" twice')
    compressed = gzip.compress(json.dumps(change).encode())
    for body, coding in ((json.dumps(change), {}), (compressed, {"Content-Encoding": "gzip"})):
        response = client.put("/rollout", data=body, headers=coding)
        assert_problem(response, 422, "expected")
