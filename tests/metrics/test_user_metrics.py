"""Metrics of main.py when main.py is imported again."""

from collections.abc import Iterator
from types import ModuleType

import pytest
from prometheus_client import REGISTRY, Counter

from mmf_core.metrics.user_metrics import unregistered


@pytest.fixture
def module() -> Iterator[ModuleType]:
    """Yield a module that declares a metric and other values."""
    module = ModuleType("main")
    module.__dict__.update(SEEN=Counter("reimported", "Seen."), NAME="x", ROWS=[1, 2])
    yield module
    with unregistered([module]):
        pass


def test_new_module_may_declare_the_same_metric(module: ModuleType) -> None:
    module.SEEN.inc()
    with unregistered([module]):
        module.SEEN = Counter("reimported", "Seen, again.")
    assert REGISTRY.get_sample_value("reimported_total") == 0


def test_old_metric_is_restored_if_the_new_module_fails(module: ModuleType) -> None:
    module.SEEN.inc()
    with pytest.raises(ZeroDivisionError), unregistered([module]):
        _declare_and_fail()
    assert REGISTRY.get_sample_value("reimported_total") == 1
    assert REGISTRY.get_sample_value("reimported_too_total") is None


def _declare_and_fail() -> None:
    Counter("reimported", "Seen, again.")
    Counter("reimported_too", "Only in the new module.")
    raise ZeroDivisionError


def test_metrics_of_other_modules_are_kept(module: ModuleType) -> None:
    other = Counter("of_a_library", "Seen.")
    other.inc()
    with unregistered([module]):
        assert REGISTRY.get_sample_value("reimported_total") is None
        assert REGISTRY.get_sample_value("of_a_library_total") == 1
    REGISTRY.unregister(other)
