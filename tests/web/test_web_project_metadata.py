"""The name, version and description of the service, from its pyproject.toml."""

import json
from pathlib import Path

import pytest
from test_page import HOSTILE, Elements

import mmf_core as mmf
from mmf_core.web import create_app
from mmf_core.web.project_metadata import ProjectMetadata, read_metadata

PROJECT = """
[project]
name = "wine-cultivars"
version = "1.2.3"
description = "Какое это вино"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which the service is started."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def client() -> object:
    registry = mmf.Registry()

    @registry.target
    def nothing() -> None:
        pass

    return create_app(registry).test_client()


def test_project_metadata_is_shown(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    name = "wine-cultivars"
    assert read_metadata() == ProjectMetadata(name, "1.2.3", "Какое это вино", name)
    assert client().get("/openapi.json").json["info"] == {
        "title": "wine-cultivars",
        "version": "1.2.3",
        "description": "Какое это вино",
    }
    page = client().get("/").text
    assert "<title>wine-cultivars</title>" in page
    words = " ".join(Elements(page).words.split())
    assert "wine-cultivars Какое это вино" in words
    assert "wine-cultivars 1.2.3" in words


def test_title_may_be_unicode(folder: Path) -> None:
    text = f"{PROJECT}[tool.mmf]\ntitle = 'Сорта вина'\n"
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    assert client().get("/openapi.json").json["info"]["title"] == "Сорта вина"
    page = Elements(client().get("/").text)
    assert page.words.split()[:2] == ["Сорта", "вина"]
    assert "wine-cultivars 1.2.3" in " ".join(page.words.split())


def test_links_are_on_the_page(folder: Path) -> None:
    links = {
        "Data docs": "https://example.org/docs?a=1&b=2",
        "Отчёт": "/reports/",
        "script": "javascript:alert(1)",
        "not a text": 1,
        HOSTILE: "http://example.org/",
    }
    lines = "".join(f"{json.dumps(text)} = {json.dumps(url)}\n" for text, url in links.items())
    text = f"{PROJECT}[tool.mmf.links]\n{lines}"
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    page = Elements(client().get("/").text)
    addresses = [dict(attributes).get("href") for tag, attributes in page.elements if tag == "a"]
    assert [address for address in addresses if address in links.values()] == [
        "https://example.org/docs?a=1&b=2",
        "/reports/",
        "http://example.org/",
    ]
    assert "Data docs · Отчёт" in " ".join(page.words.split())
    assert not [tag for tag, _ in page.elements if tag == "img"]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "project = 1",
        "[project]\nname = 1",
        "tool = 1",
        "[tool]\nmmf = 1",
        "[tool.mmf]\nlinks = 1",
        "[project",
        "\ufeff[project]",
        "ы",
    ],
)
def test_project_file_is_optional(folder: Path, text: str | None) -> None:
    if text is not None:
        (folder / "pyproject.toml").write_text(text, encoding="cp1251", errors="ignore")
    assert read_metadata() == ProjectMetadata()
    info = client().get("/openapi.json").json["info"]
    assert info == {"title": "Model service", "version": mmf.__version__}
    assert "<title>Model service</title>" in client().get("/", query_string={"lang": "en"}).text


def test_metadata_is_escaped_on_the_page(folder: Path) -> None:
    text = HOSTILE.replace("'", "")
    (folder / "pyproject.toml").write_text(
        f"[project]\nname = '{text}'\ndescription = '{text}'\n", encoding="utf-8"
    )
    page = Elements(client().get("/").text)
    assert page.words.count(text) >= 3
    assert not [tag for tag, _ in page.elements if tag == "img"]
