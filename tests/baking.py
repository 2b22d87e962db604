"""Makes projects of the template, as its user does."""

import json
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parent.parent
PAYLOAD = ROOT / "{{cookiecutter.project_slug}}"
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))


def typed(text: str) -> str:
    """Write `text` so that it arrives as if typed at the prompt.

    Answers given on the command line are templates themselves, those at the prompt are not.
    """
    return f"{{% raw %}}{text}{{% endraw %}}"


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
