"""Write docs/descriptors.md, the reference of what a main.py declares, from the docstrings.

    python tools/reference.py

A docstring says what something is, lists its options as `- name: meaning`, and ends with examples,
which `tests/core/test_reference.py` runs. Defaults come from the signature, formats from the
codecs; an option that a base class describes is listed with each descriptor that has it.
"""

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from textwrap import fill
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "{{cookiecutter.project_slug}}"))

import mmf_core as mmf  # noqa: E402 - the template's own, which is not installed
from mmf_core.codecs import Kind, readable, writable  # noqa: E402
from mmf_core.descriptors import Descriptor  # noqa: E402

PAGE = ROOT / "docs" / "descriptors.md"
OPTION = re.compile(r"- (`\w+`(?:, `\w+`)*): (.*)", re.DOTALL)
WIDTH = 140
NO_VALUE = {"<class 'inspect._empty'>", "REQUIRED"}
HEAD = """\
# Reference: what a main.py declares

<!-- Written from the docstrings by `make reference`. -->

Every public name of `import mmf_core as mmf`. A target is a function whose arguments have
*descriptors* as defaults: a descriptor says what a value is, checks it, and describes it in OpenAPI
and on the page.

A request that does not fit gets a 422 with the message of the InvalidValue. A declaration that
contradicts itself stops the start with a DescriptorError that says what to write instead.

In the examples, `.validate(…)` stands for a request and returns what the function receives; `X` is
a table with the columns `age` and `weight`, and `model` was fitted on it. "Name from MMF" marks
what a main.py written for MMF expects.
"""
SECTIONS = ("Declarations", "Descriptors", "With descriptors", "Errors", "Formats")


def public() -> dict[str, Any]:
    """Return the public names that are not modules."""
    names = {name: value for name, value in vars(mmf).items() if not name.startswith("_")}
    return {name: value for name, value in names.items() if not inspect.ismodule(value)}


def members() -> dict[str, Any]:
    """Return the public classes and functions, each once, in the order of their kinds."""
    once: dict[str, Any] = {}
    for name, value in public().items():
        if callable(value):
            own = value.__name__
            once[own if public().get(own) is value else name] = value
    return dict(sorted(once.items(), key=lambda item: _rank(item[1])))


def section_of(value: Any) -> str:
    """Return the section of a class or function."""
    if not inspect.isclass(value):
        return "Declarations"
    if issubclass(value, Descriptor):
        return "Descriptors"
    if value is mmf.Format:
        return "Formats"
    is_error = issubclass(value, Exception) or value is mmf.ErrorDetail
    return "Errors" if is_error else "With descriptors"


def _kind(value: Any) -> Kind | None:
    return getattr(value, "kind", None)


def _rank(value: Any) -> tuple[int, bool]:
    """Return the sort key of a name: by kind of value; `target` and `artifact` before functions."""
    kind = _kind(value)
    return (list(Kind).index(kind) if kind else 0, not inspect.ismethod(value))


def paragraphs(value: Any) -> list[str]:
    """Return the paragraphs of a docstring; each option is one."""
    blocks = (inspect.getdoc(value) or "").split("\n\n")
    return [text for block in blocks for text in re.split(r"\n(?=- `)", block)]


def own_options(value: Any) -> dict[str, str]:
    """Return the options that one docstring lists: meaning by name."""
    listed = [match for match in map(OPTION.fullmatch, paragraphs(value)) if match]
    return {name: match[2] for match in listed for name in re.findall(r"`(\w+)`", match[1])}


def options(value: Any) -> dict[str, str]:
    """Return the options of a class or function, without those that all descriptors have."""
    common = own_options(Descriptor)
    merged: dict[str, str] = {}
    for base in value.__mro__[-2::-1] if inspect.isclass(value) else [value]:
        merged |= own_options(base) if base.__doc__ else {}
    order = [*parameters(value), *merged]
    own = {name: text for name, text in merged.items() if common.get(name) != text}
    return dict(sorted(own.items(), key=lambda item: order.index(item[0])))


def parameters(value: Any) -> Mapping[str, inspect.Parameter]:
    """Return what a class or function can be called with.

    Nothing for enumerations, and for errors without parameters of their own.
    """
    if inspect.isclass(value) and (
        issubclass(value, Enum) or (issubclass(value, Exception) and "__init__" not in vars(value))
    ):
        return {}
    return inspect.signature(value).parameters


def undescribed(value: Any) -> set[str]:
    """Return the parameters that no docstring describes."""
    common = own_options(Descriptor) if section_of(value) == "Descriptors" else {}
    named = {
        name
        for name, parameter in parameters(value).items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    return named - options(value).keys() - common.keys()


def default_of(value: Any, name: str) -> str:
    """Return the default of a parameter as Python; empty if it has none that can be written."""
    parameter = parameters(value).get(name)
    if parameter is None or repr(parameter.default) in NO_VALUE:
        return ""
    field = getattr(value, "__dataclass_fields__", {}).get(name)
    if field and field.default_factory is not dataclasses.MISSING:
        return f"`{field.default_factory()!r}`"
    return "" if type(parameter.default) is object else f"`{parameter.default!r}`"


def option_table(value: Any, listed: Mapping[str, str]) -> Iterator[str]:
    """Yield a table of options: name, default, meaning."""
    rows: dict[str, list[str]] = {}
    for name, text in listed.items():
        rows.setdefault(text, []).append(name)
    yield "| option | default | |\n|---|---|---|"
    for text, names in rows.items():
        defaults = filter(None, {default_of(value, name): None for name in names})
        cells = [" ".join(f"`{name}`" for name in names), ", ".join(defaults), _line(text)]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _line(text: str) -> str:
    return " ".join(text.split()).removesuffix(".")


def _filled(text: str) -> str:
    return fill(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False)


def format_line(kind: Kind) -> str:
    """Return the formats of a kind of value, as text."""
    read, written = ([form.name for form in side(kind)] for side in (readable, writable))
    parts = {
        "": [name for name in read if name in written],
        "in only: ": [name for name in read if name not in written],
        "out only: ": [name for name in written if name not in read],
    }
    return "; ".join(label + ", ".join(names) for label, names in parts.items() if names)


def entry(name: str, value: Any) -> Iterator[str]:
    """Yield the text of a class or function: what it is, its options, its examples."""
    aliases = [other for other, same in public().items() if same is value and other != name]
    yield f"### {', '.join(f'`mmf.{title}`' for title in [name, *aliases])}\n"
    texts = [text for text in paragraphs(value) if not OPTION.fullmatch(text)]
    yield from (f"{_filled(text)}\n" for text in texts if not text.startswith(">>> "))
    if listed := options(value):
        yield from option_table(value, listed)
    if kind := _kind(value):
        yield f"Formats: {format_line(kind)}.\n"
    yield from (f"```python\n{text}\n```\n" for text in texts if text.startswith(">>> "))


def format_table() -> Iterator[str]:
    """Yield the table of formats."""
    yield "`mmf.Format`, in MMF `mmf.DataFrameFormat` and `mmf.ImageFormat`, for `out_format=`:\n"
    yield "| | file names end in | media types |\n|---|---|---|"
    for form in mmf.Format:
        name = f"mmf.{'' if form.name in public() else 'Format.'}{form.name}"
        extensions = " ".join(f"`.{extension}`" for extension in form.extensions)
        yield f"| `{name}` | {extensions} | {' '.join(map('`{}`'.format, form.media_types))} |"
    yield ""


def section(title: str) -> Iterator[str]:
    """Yield the text of a section."""
    yield f"## {title}\n"
    if title == "Formats":
        yield from format_table()
        return
    if title == "Descriptors":
        yield "All of them have these options, all by name:\n"
        yield from option_table(Descriptor, own_options(Descriptor))
    for name, value in members().items():
        if section_of(value) == title:
            yield from entry(name, value)


def page() -> str:
    """Return the whole page."""
    lines = [HEAD, *(line for title in SECTIONS for line in section(title))]
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
