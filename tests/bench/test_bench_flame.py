"""The flame graph: boxes as wide as their samples, below their callers."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from baking import ROOT

LARGEST = 150 * 1024


def test_box_is_as_wide_as_its_share_and_below_its_caller(
    bench: Callable[[str], ModuleType],
) -> None:
    flame = bench("flame")
    inner = {"b (pandas)": flame.Box("pandas", 25), "c (numpy)": flame.Box("numpy", 50)}
    root = flame.Box("", 100, {"a<x> (mmf_core)": flame.Box("mmf_core", 100, inner)})
    picture = ElementTree.fromstring(flame.draw(root, "title"))
    boxes = {}
    for group in picture.findall("{*}g"):
        title, rect = group.find("{*}title"), group.find("{*}rect")
        assert title is not None
        assert rect is not None
        boxes[title.text] = [float(rect.attrib[name]) for name in ("x", "y", "width")]
    row, width = flame.ROW, flame.WIDTH
    assert boxes == {
        "a<x> (mmf_core) 100.0%": [0, row, width],
        "b (pandas) 25.0%": [0, 2 * row, width / 4],
        "c (numpy) 50.0%": [width / 4, 2 * row, width / 2],
    }


def test_box_too_narrow_to_see_is_left_out(bench: Callable[[str], ModuleType]) -> None:
    flame = bench("flame")
    root = flame.Box("", 10_000, {"a (numpy)": flame.Box("numpy", 1)})
    assert "<g>" not in flame.draw(root, "title")


def test_sampler_keeps_the_functions_below_the_benchmark(
    bench: Callable[[str], ModuleType],
) -> None:
    sampler = bench("flame").Sampler()

    def inner() -> None:
        sampler(0, sys._getframe())

    inner()
    names, box = [], sampler.root
    while box.calls:
        ((name, box),) = box.calls.items()
        names.append(name)
    assert box.samples == 1
    assert "test_sampler_keeps_the_functions_below_the_benchmark.<locals>.inner" in names[-1]


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "images").glob("flame-*.svg")))
def test_pictures_are_small_and_well_formed(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    assert len(text.encode()) < LARGEST
    ElementTree.fromstring(text)
