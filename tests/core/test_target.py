"""Targets: invalid declarations, and what a declaration does not change."""

# ruff: noqa: B008 - a target's arguments and their descriptors

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest

import mmf_core as mmf
from mmf_core.errors import DeclarationError, DescriptorError
from mmf_core.registry import Registry
from mmf_core.target import RESERVED, Target


def _named(name: str) -> Callable[[], None]:
    def function() -> None: ...

    function.__name__ = name
    return function


def test_decorator_returns_the_function(registry: Registry) -> None:
    def double(n: Any = mmf.Integer()) -> Any:
        return n * 2

    assert registry.target(returns=mmf.Integer())(double) is double
    assert registry.target(_named("bare")).__name__ == "bare"
    assert double(4) == double(n=4) == 8


def test_unknown_option_error_lists_known_ones(registry: Registry) -> None:
    options = "description, returns, name, batch, default, example, examples, timeout, "
    words = rf"^@mmf\.target\(batches=…\): unknown option; expected one of {options}"
    with pytest.raises(
        DeclarationError,
        match=f"{words}max_concurrency, max_queue, background, task_timeout, retries, schedule$",
    ):
        registry.target(batches=True)


@pytest.mark.parametrize("called", [False, True])
def test_decorator_works_with_and_without_parentheses(registry: Registry, *, called: bool) -> None:
    decorator: Any = registry.target() if called else registry.target

    @decorator
    def score(data: Any = mmf.DataFrame()) -> Any: ...

    assert list(registry.targets) == ["score"]


def test_declaration_attributes(registry: Registry) -> None:
    data, limit, returns = mmf.DataFrame(), mmf.Integer(default=1), mmf.Dict()

    @registry.target(description="Оценка", returns=returns, name="Оценка вина")
    def score(data: Any = data, *, limit: Any = limit) -> Any: ...

    target = registry.targets["score"]
    assert (target.route, target.name, target.description) == ("score", "Оценка вина", "Оценка")
    assert dict(target.arguments) == {"data": data, "limit": limit}
    assert target.descriptors == [data, limit, returns]
    assert target.function is score


def test_name_and_description_default_to_the_function(registry: Registry) -> None:
    @registry.target
    def score() -> None:
        """Predict the price."""

    target = registry.targets["score"]
    assert (target.name, target.description) == ("score", "Predict the price.")
    assert target.returns is None
    assert target.descriptors == []


def test_arguments_without_descriptor_are_named() -> None:
    def score(a, b=5, c=mmf.String(), *rest, d=mmf.String, **more): ...  # type: ignore[no-untyped-def] # noqa: ANN001, ANN002, ANN003, ANN202

    with pytest.raises(DescriptorError) as caught:
        Target.of(score)
    message = str(caught.value)
    assert "score" in message
    assert "a, b, rest, d, more" in message
    assert "mmf." in message


def test_argument_without_descriptor_is_a_descriptor_error(registry: Registry) -> None:
    with pytest.raises(DescriptorError, match="data"):
        registry.target(lambda_named("score"))
    assert not registry.targets


def lambda_named(name: str) -> Callable[..., Any]:
    """Return a function of one argument without a descriptor."""

    def function(data: Any) -> Any:
        return data

    function.__name__ = name
    return function


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_rejects_reserved_route(name: str, registry: Registry) -> None:
    with pytest.raises(DeclarationError, match=name):
        registry.target(_named(name))
    assert not registry.targets


def test_reserved_names() -> None:
    documented = (
        "docs health metrics ping version invocations v2 openapi.json page static task tasks log "
        "feedback rollout"
    )
    assert set(documented.split()) == RESERVED


@pytest.mark.parametrize("name", ["<lambda>", "a-b", "a/b", "class", "", "1st", "a b"])
def test_rejects_invalid_identifier(name: str) -> None:
    with pytest.raises(DeclarationError, match="name"):
        Target.of(_named(name))


class _Callable:
    def __call__(self) -> None: ...


@pytest.mark.parametrize("function", [partial(print), _Callable()], ids=["partial", "instance"])
def test_rejects_unnamed_function(function: Callable[..., Any]) -> None:
    with pytest.raises(DeclarationError, match="expected a named function"):
        Target.of(function)


def test_unicode_name_is_a_route() -> None:
    assert Target.of(_named("оценка")).route == "оценка"


async def _coroutine() -> None: ...


def test_rejects_async_function() -> None:
    with pytest.raises(DeclarationError, match="async"):
        Target.of(_coroutine)


def test_rejects_argument_named_format() -> None:
    def score(format: Any = mmf.String()) -> None: ...

    with pytest.raises(DeclarationError, match=r"\?format="):
        Target.of(score)


def test_rejects_argument_named_sheet() -> None:
    def score(sheet: Any = mmf.String()) -> None: ...

    with pytest.raises(DeclarationError, match=r"\?sheet="):
        Target.of(score)


def test_rejects_positional_only_arguments() -> None:
    def score(a: Any = mmf.String(), /, b: Any = mmf.String()) -> Any: ...

    with pytest.raises(DeclarationError, match=r"cannot be passed by name: a$"):
        Target.of(score)


@pytest.mark.parametrize("returns", [mmf.DataFrame, "csv", mmf.XLSX, 5])
def test_returns_must_be_a_descriptor(returns: Any) -> None:
    with pytest.raises(DescriptorError, match="returns="):
        Target.of(_named("score"), returns=returns)


def test_descriptor_class_without_parentheses_is_named() -> None:
    def predict(x: Any = mmf.Float) -> float:
        return float(x)

    with pytest.raises(DescriptorError, match=r"write x=mmf\.Float\(\), for example"):
        Target.of(predict)
    returns: Any = mmf.Dict
    with pytest.raises(DescriptorError, match=r"write returns=mmf\.Dict\(\), for example"):
        Target.of(_named("score"), returns=returns)


def test_rejects_duplicate_target(registry: Registry) -> None:
    first = _named("score")
    registry.target(first)
    with pytest.raises(DeclarationError, match="score"):
        registry.target(_named("score"))
    assert registry.targets["score"].function is first


def test_wrapped_function_signature_is_used(registry: Registry) -> None:
    def plain(n: Any = mmf.Integer()) -> Any:
        return n

    @registry.target
    @wraps(plain)
    def wrapper(*args: Any, **values: Any) -> Any:
        return plain(*args, **values)

    assert list(registry.targets["plain"].arguments) == ["n"]


def test_shared_descriptor_keeps_its_name(registry: Registry) -> None:
    shared = mmf.DataFrame(description="wines")

    @registry.target(returns=shared)
    def first(table: Any = shared) -> Any: ...

    @registry.target
    def second(rows: Any = shared, other: Any = shared) -> Any: ...

    metas = registry.meta()["targets"]
    names = [
        [(descriptor["id"], descriptor["name"]) for descriptor in meta["descriptors"]]
        for meta in metas
    ]
    assert names == [[("table", "table")], [("rows", "rows"), ("other", "other")]]
    assert (metas[0]["returns"]["name"], shared.name) == (None, "")


def test_arguments_keep_their_order(registry: Registry) -> None:
    @registry.target
    def score(
        limit: Any = mmf.Integer(default=1),
        img: Any = mmf.Img(),
        data: Any = mmf.DataFrame(),
        label: Any = mmf.String(),
    ) -> Any: ...

    assert list(registry.targets["score"].arguments) == ["limit", "img", "data", "label"]


def test_meta_has_mmf_keys(registry: Registry) -> None:
    @registry.target(returns=mmf.String(), name="Class", description="of a picture")
    def classify(img: Any = mmf.Img(format="bgr"), label: Any = mmf.String(name="id")) -> Any: ...

    meta = registry.targets["classify"].meta()
    assert (meta["name"], meta["description"]) == ("Class", "of a picture")
    assert meta["returns"]["class_name"] == "String"
    assert [
        (descriptor["id"], descriptor["name"], descriptor["class_name"])
        for descriptor in meta["descriptors"]
    ] == [
        ("img", "img", "Image"),
        ("label", "id", "String"),
    ]
    assert meta["descriptors"][0]["color"] == "bgr"
    assert Target.of(_named("nothing")).meta()["returns"] is None


def test_targets_are_kept_only_in_their_registry(registry: Registry) -> None:
    before = set(vars(mmf))
    registry.target(_named("score"))
    assert set(vars(mmf)) == before
    assert Registry().targets == {}
