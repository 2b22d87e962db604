"""Hooks of the template are code: those that run are shown first, and run if the user agrees."""

from __future__ import annotations

import sys

import click

from .record import UpgradeError
from .template import Template

ACCEPT_HOOKS = click.option(
    "--accept-hooks",
    is_flag=True,
    help="Run the hooks that are shown without a prompt, as where there is no terminal.",
)


def confirm_hooks(
    template: Template, old: str, new: str, *, is_known: bool, accepted: bool
) -> None:
    """Show the hooks of two commits that have not generated this project, and have them confirmed.

    If it is known that `old` has, that is what `new` has changed in them; else it is all of them.
    UpgradeError unless they are accepted, here or in a terminal.
    """
    shown = []
    if not is_known and (hooks := template.changed_hooks("", old)):
        shown.append(
            f"The hooks that generated this project are not recorded. These of {old[:12]} run to "
            f"generate it again:\n{hooks}"
        )
    if changed := template.changed_hooks(old, new):
        shown.append(f"The hooks of the two versions, which both run, differ:\n{changed}")
    if not shown:
        return
    click.echo(_visible("\n".join(shown)))
    if accepted:
        return
    if not sys.stdin.isatty():
        raise UpgradeError(
            "these hooks were not accepted: read them, and pass --accept-hooks, or confirm them in "
            "a terminal"
        )
    try:
        click.confirm("Run them?", abort=True)
    except click.Abort:
        raise UpgradeError("these hooks were not accepted") from None


def _visible(text: str) -> str:
    """Escape the characters that a terminal obeys, or hides text by, instead of showing them."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else ascii(character)[1:-1]
        for character in text
    )
