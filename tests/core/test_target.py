"""Targets: what is refused when declared, and what a declaration leaves alone."""

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


def test_the_function_stays_the_function_that_it_is(registry: Registry) -> None:
    def double(n: Any = mmf.Integer()) -> Any:
        return n * 2

    assert registry.target(returns=mmf.Integer())(double) is double
    assert registry.target(_named("bare")).__name__ == "bare"
    assert double(4) == double(n=4) == 8


def test_an_unknown_option_is_named_beside_the_known_ones(registry: Registry) -> None:
    options = "description, returns, name, batch, default, example, examples, timeout, "
    words = rf"^@mmf\.target\(batches=…\): unknown option; expected one of {options}"
    with pytest.raises(
        DeclarationError,
        match=f"{words}max_concurrency, max_queue, background, task_timeout, retries, schedule$",
    ):
        registry.target(batches=True)


@pytest.mark.parametrize("called", [False, True])
def test_it_decorates_with_and_without_parentheses(registry: Registry, *, called: bool) -> None:
    decorator: Any = registry.target() if called else registry.target

    @decorator
    def score(data: Any = mmf.DataFrame()) -> Any: ...

    assert list(registry.targets) == ["score"]


def test_a_declaration_is_what_was_declared(registry: Registry) -> None:
    data, limit, returns = mmf.DataFrame(), mmf.Integer(default=1), mmf.Dict()

    @registry.target(description="Оценка", returns=returns, name="Оценка вина")
    def score(data: Any = data, *, limit: Any = limit) -> Any: ...

    target = registry.targets["score"]
    assert (target.route, target.name, target.description) == ("score", "Оценка вина", "Оценка")
    assert dict(target.arguments) == {"data": data, "limit": limit}
    assert target.descriptors == [data, limit, returns]
    assert target.function is score


def test_name_and_description_come_from_the_function_where_not_given(registry: Registry) -> None:
    @registry.target
    def score() -> None:
        """Tell the price."""

    target = registry.targets["score"]
    assert (target.name, target.description) == ("score", "Tell the price.")
    assert target.returns is None
    assert target.descriptors == []


def test_all_arguments_without_a_descriptor_are_named_with_the_function() -> None:
    def score(a, b=5, c=mmf.String(), *rest, d=mmf.String, **more): ...  # type: ignore[no-untyped-def] # noqa: ANN001, ANN002, ANN003, ANN202

    with pytest.raises(DescriptorError) as caught:
        Target.of(score)
    message = str(caught.value)
    assert "score" in message
    assert "a, b, rest, d, more" in message
    assert "mmf." in message


def test_an_undescribed_argument_is_no_attribute_error(registry: Registry) -> None:
    with pytest.raises(DescriptorError, match="data"):
        registry.target(lambda_named("score"))
    assert not registry.targets


def lambda_named(name: str) -> Callable[..., Any]:
    """Return a function of one undescribed argument."""

    def function(data: Any) -> Any:
        return data

    function.__name__ = name
    return function


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_route_of_the_service_is_refused(name: str, registry: Registry) -> None:
    with pytest.raises(DeclarationError, match=name):
        registry.target(_named(name))
    assert not registry.targets


def test_the_reserved_names_are_the_documented_ones() -> None:
    documented = (
        "docs health metrics ping version invocations v2 openapi.json page static task tasks log "
        "feedback rollout"
    )
    assert set(documented.split()) == RESERVED


@pytest.mark.parametrize("name", ["<lambda>", "a-b", "a/b", "class", "", "1st", "a b"])
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(DeclarationError, match="name"):
        Target.of(_named(name))


class _Callable:
    def __call__(self) -> None: ...


@pytest.mark.parametrize("thing", [partial(print), _Callable()], ids=["partial", "instance"])
def test_what_has_no_name_is_refused(thing: Callable[..., Any]) -> None:
    with pytest.raises(DeclarationError, match="expected a named function"):
        Target.of(thing)


def test_a_name_in_any_script_is_a_route() -> None:
    assert Target.of(_named("оценка")).route == "оценка"


async def _coroutine() -> None: ...


def test_async_is_refused() -> None:
    with pytest.raises(DeclarationError, match="async"):
        Target.of(_coroutine)


def test_an_argument_called_as_the_query_parameter_is_refused() -> None:
    def score(format: Any = mmf.String()) -> None: ...

    with pytest.raises(DeclarationError, match=r"\?format="):
        Target.of(score)


def test_an_argument_called_as_the_sheets_parameter_is_refused() -> None:
    def score(sheet: Any = mmf.String()) -> None: ...

    with pytest.raises(DeclarationError, match=r"\?sheet="):
        Target.of(score)


def test_positional_only_arguments_are_refused() -> None:
    def score(a: Any = mmf.String(), /, b: Any = mmf.String()) -> Any: ...

    with pytest.raises(DeclarationError, match=r"cannot be passed by name: a$"):
        Target.of(score)


@pytest.mark.parametrize("returns", [mmf.DataFrame, "csv", mmf.XLSX, 5])
def test_returns_must_be_a_descriptor(returns: Any) -> None:
    with pytest.raises(DescriptorError, match="returns="):
        Target.of(_named("score"), returns=returns)


def test_class_whose_parentheses_are_missing_is_named() -> None:
    def predict(x: Any = mmf.Float) -> float:
        return float(x)

    with pytest.raises(DescriptorError, match=r"write x=mmf\.Float\(\), for example"):
        Target.of(predict)
    returns: Any = mmf.Dict
    with pytest.raises(DescriptorError, match=r"write returns=mmf\.Dict\(\), for example"):
        Target.of(_named("score"), returns=returns)


def test_two_targets_of_one_name_are_refused(registry: Registry) -> None:
    first = _named("score")
    registry.target(first)
    with pytest.raises(DeclarationError, match="score"):
        registry.target(_named("score"))
    assert registry.targets["score"].function is first


def test_a_wrapped_function_is_read_through_its_wrapper(registry: Registry) -> None:
    def plain(n: Any = mmf.Integer()) -> Any:
        return n

    @registry.target
    @wraps(plain)
    def wrapper(*args: Any, **values: Any) -> Any:
        return plain(*args, **values)

    assert list(registry.targets["plain"].arguments) == ["n"]


def test_a_descriptor_shared_by_two_targets_keeps_its_own_name(registry: Registry) -> None:
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


def test_files_and_scalars_mix_in_any_order(registry: Registry) -> None:
    @registry.target
    def score(
        limit: Any = mmf.Integer(default=1),
        img: Any = mmf.Img(),
        data: Any = mmf.DataFrame(),
        label: Any = mmf.String(),
    ) -> Any: ...

    assert list(registry.targets["score"].arguments) == ["limit", "img", "data", "label"]


def test_meta_has_the_keys_of_mmf(registry: Registry) -> None:
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


def test_targets_are_kept_in_their_registry_and_not_in_the_module(registry: Registry) -> None:
    before = set(vars(mmf))
    registry.target(_named("score"))
    assert set(vars(mmf)) == before
    assert Registry().targets == {}
