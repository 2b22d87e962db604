"""Makes projects from the template, as its user does."""

import json
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.generate import generate_context
from cookiecutter.main import cookiecutter
from cookiecutter.prompt import prompt_for_config

ROOT = Path(__file__).resolve().parent.parent
PAYLOAD = ROOT / "{{cookiecutter.project_slug}}"
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
HOSTILE = (
    "\"quoted\" O'connor \\n \\u0041 {{ 7*7 }} {% if %} $(touch x) <b>&--> # [x](y) % ${X} 🍷 '''"
)


def typed(text: str) -> str:
    """Escape `text` so that it arrives as if typed at the prompt.

    Answers given on the command line are templates themselves, those at the prompt are not.
    """
    return f"{{% raw %}}{text}{{% endraw %}}"


# A project with answers other than the defaults.
OTHER = {
    "project_name": typed(f"Сорта {HOSTILE}"),
    "project_slug": "wine_cultivars2",
    "description": typed(HOSTILE),
    "author": typed(HOSTILE),
    "python_version": QUESTIONS["python_version"][-1],
    "model_format": "pmml",
}


def choices(question: str) -> list[Any]:
    """Give a question's choices as parameters; those of neither project are long to test."""
    first, *others = QUESTIONS[question]
    return [
        first,
        *(
            other if other == OTHER[question] else pytest.param(other, marks=pytest.mark.long)
            for other in others
        ),
    ]


def rendered(**answers: str) -> dict[str, Any]:
    """Return all answers as hooks get them from cookiecutter, without making a project."""
    context = generate_context(context_file=str(ROOT / "cookiecutter.json"), extra_context=answers)
    return dict(prompt_for_config(context, no_input=True))


def make_project(output: Path, answers: dict[str, str]) -> Path:
    """Run cookiecutter without questions and return the new project's folder."""
    unknown = answers.keys() - QUESTIONS.keys()
    assert not unknown, f"cookiecutter.json does not ask for {unknown}: it would be ignored"
    output.mkdir(parents=True, exist_ok=True)
    config = output.parent / f"{output.name}.yaml"
    folders = {"cookiecutters_dir": str(output), "replay_dir": str(output.parent / "replay")}
    config.write_text(json.dumps(folders), encoding="utf-8")
    made = cookiecutter(
        str(ROOT),
        no_input=True,
        extra_context=answers,
        output_dir=str(output),
        config_file=str(config),
    )
    return Path(made)
