"""Writes the measured tables of docs/fidelity.md: `make fidelity`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fidelity_arrays
import fidelity_cells
import fidelity_columns
import fidelity_json
import fidelity_texts
from fidelity import Kind, Outcome, measured

from mmf_core import codecs
from mmf_core.codecs import Codec, Format

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"


@dataclass(frozen=True)
class Section:
    """A table of the page: kinds by formats."""

    title: str
    kind: codecs.Kind
    kinds: Sequence[Kind]
    outcomes: Sequence[Outcome]

    @property
    def formats(self) -> list[Format]:
        """The formats that can be both read and written."""
        writable = codecs.writable(self.kind)
        return [format for format in codecs.readable(self.kind) if format in writable]

    @property
    def pattern(self) -> re.Pattern[str]:
        """Find the generated part between its markers."""
        mark = re.escape(self.title)
        return re.compile(rf"(<!-- {mark} -->\n)(.*?)(<!-- end -->)", re.DOTALL)

    @property
    def text(self) -> str:
        """The page's text between the markers."""
        match = self.pattern.search(PAGE.read_text(encoding="utf-8"))
        assert match, f"no <!-- {self.title} --> in {PAGE}"
        return match[2]

    @property
    def codecs(self) -> dict[Format, Codec[Any]]:
        """The codecs of those formats."""
        by_format = {format: codecs.find(self.kind, format) for format in self.formats}
        return {format: codec for format, codec in by_format.items() if codec}


def _section(title: str, kinds: Sequence[Kind]) -> Section:
    return Section(title, codecs.Kind.TABLE, kinds, fidelity_cells.OUTCOMES)


SECTIONS = (
    _section("numbers", fidelity_columns.NUMBERS),
    _section("other types", fidelity_columns.OTHERS),
    _section("dates", fidelity_columns.DATES),
    _section("texts", fidelity_texts.TEXTS),
    _section("names and shapes", fidelity_texts.SHAPES),
    Section("JSON values", codecs.Kind.JSON, fidelity_json.KINDS, fidelity_json.OUTCOMES),
    Section("arrays", codecs.Kind.ARRAY, fidelity_arrays.KINDS, fidelity_arrays.OUTCOMES),
)


def read(section: Section) -> dict[str, dict[str, str]]:
    """Return the table on the page: kind → format → outcome's word."""
    lines = section.text.strip().splitlines()
    head, _, *rows = (_split(line) for line in lines if line.startswith("|"))
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def legend(section: Section, used: set[str]) -> str:
    """Return the meanings of the words used in a table."""
    return "".join(
        f"- {outcome.word}: {outcome.meaning}\n"
        for outcome in section.outcomes
        if outcome.word in used
    )


def _split(line: str) -> list[str]:
    return [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split(" | ")]


def _text(section: Section) -> str:
    """Measure a section's kinds in all formats, and return its table and the words' meanings."""
    formats = section.formats
    lines = [
        f"| | {' | '.join(format.name for format in formats)} |",
        "|---|" + "---|" * len(formats),
    ]
    used = set()
    for kind in section.kinds:
        print(f"{section.title}: {kind.name}", flush=True)
        words = measured(kind, section.codecs, section.outcomes).values()
        used.update(words)
        lines.append(f"| {kind.name} | {' | '.join(words)} |")
    return "\n".join([*lines, "", legend(section, used)])


def main() -> None:
    """Measure everything and write it down."""
    page = PAGE.read_text(encoding="utf-8")
    for section in SECTIONS:
        text = _text(section)
        page = section.pattern.sub(lambda match, new=text: match[1] + new + match[3], page)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
