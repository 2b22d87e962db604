"""Tables in the documents, each between two comments: the command that writes it, and an end."""

from __future__ import annotations

from paths import ROOT

END = "<!-- end -->"


def write_table(page: str, command: str, text: str) -> None:
    """Replace the table of a command in docs/; ValueError if the page has no place for it."""
    path = ROOT / "docs" / page
    before, comment, rest = path.read_text(encoding="utf-8").partition(f"<!-- {command} -->\n")
    if not comment or END not in rest:
        raise ValueError(f"expected <!-- {command} --> and {END} in {path}")
    path.write_text(f"{before}{comment}{text}\n{rest[rest.index(END) :]}", encoding="utf-8")
