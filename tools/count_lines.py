"""Count the lines of code of mmf_core: no blank lines, no comments, no docstrings.

    python tools/count_lines.py [FOLDER]

FOLDER holds mmf_core; without it, the template's own. What a project can delete (a capability's
folder, the modules of a store or of a model format, an optional codec) is listed apart; what
remains is the core.
"""

import argparse
import ast
import io
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PAYLOAD = Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}"
sys.path.insert(0, str(PAYLOAD))

from mmf_core.extras import find_extras  # noqa: E402 - the template's own, which is not installed

NO_CODE = frozenset(
    {
        *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
        *(tokenize.ENCODING, tokenize.ENDMARKER),
    }
)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstring_lines(tree: ast.AST) -> Iterator[int]:
    """Yield the number of every line that belongs to a docstring."""
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            statement = node.body[0]
            yield from range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)


def code_lines(source: str) -> int:
    """Count the lines of `source` that hold code."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {
        number
        for token in tokens
        if token.type not in NO_CODE
        for number in range(token.start[0], token.end[0] + 1)
    }
    return len(lines - set(docstring_lines(ast.parse(source))))


def count(package: Path) -> dict[str, int]:
    """Return the lines of code of every Python file, by its name within the package."""
    return {
        file.relative_to(package).as_posix(): code_lines(file.read_text(encoding="utf-8"))
        for file in sorted(package.rglob("*.py"))
    }


def owners(package: Path) -> dict[str, str]:
    """Return the extra that a file belongs to, by the file's name; none for the core."""
    return {
        _name(package, file): extra.name
        for extra in find_extras(package).values()
        for path in extra.paths
        for file in (path.rglob("*.py") if path.is_dir() else [path])
    }


def _name(package: Path, path: Path) -> str:
    return path.relative_to(package).as_posix()


def by_folder(lines: dict[str, int]) -> Counter[str]:
    """Add up files by their top folder; modules beside the folders are `.`."""
    totals: Counter[str] = Counter()
    for file, number in lines.items():
        totals[file.partition("/")[0] if "/" in file else "."] += number
    return totals


def table(title: str, totals: Counter[str]) -> str:
    """Lay out totals, the largest first, with their sum."""
    rows = [*totals.most_common(), (f"{title}: total", totals.total())]
    return "\n".join(f"{name:<32}{number:>7,}" for name, number in rows)


def main() -> None:
    """Print the core by folder, the deletable parts, and both totals."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=PAYLOAD)
    package = parser.parse_args().folder / "mmf_core"
    lines, parts = count(package), owners(package)
    core = {file: number for file, number in lines.items() if file not in parts}
    deletable: Counter[str] = Counter()
    for file, part in parts.items():
        deletable[part] += lines[file]
    print(table("core", by_folder(core)), table("deletable", deletable), sep="\n\n")
    print(f"\n{'mmf_core':<32}{sum(lines.values()):>7,}")


if __name__ == "__main__":
    main()
