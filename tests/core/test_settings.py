"""Settings: read from the environment, rejected if invalid."""

import re

import pytest

from baking import ROOT
from mmf_core.errors import SettingError
from mmf_core.registry import Registry
from mmf_core.settings import MIB, REMOVED, RENAMED, Settings, check_environment
from mmf_core.web import create_app
from mmf_core.web.app import settings_groups


def test_defaults() -> None:
    settings = Settings.from_env({})
    assert settings.max_body == 50 * 1024 * 1024
    assert settings.max_decompressed == 100 * 1024 * 1024
    assert settings.csv_escape is False
    assert settings.max_artifact == 10 * 1024 * 1024
    assert (settings.log_level, settings.log_format) == ("info", "auto")


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("MMF_MAX_BODY_MIB", "60", "max_body", 60 * MIB),
        ("MMF_MAX_BODY_MIB", " 0.5 ", "max_body", MIB // 2),
        ("MMF_MAX_ARTIFACT_MIB", "1", "max_artifact", MIB),
        ("MMF_MAX_DECOMPRESSED_MIB", "0.5", "max_decompressed", MIB // 2),
        ("MMF_ARTIFACTS", " s3://bucket/prefix ", "artifacts", "s3://bucket/prefix"),
        ("MMF_CACHE", "/var/cache/models", "cache", "/var/cache/models"),
        ("MMF_MAX_CACHE_MIB", "100", "max_cache", 100 * MIB),
        ("MMF_STORE_TIMEOUT", "2.5", "store_timeout", 2.5),
        ("MMF_STORE_TIMEOUT", "+25e-1", "store_timeout", 2.5),
        ("MMF_TIMEOUT", ".5", "timeout", 0.5),
        ("MMF_TIMEOUT", "5.", "timeout", 5.0),
        ("MMF_CSV_ESCAPE", "1", "csv_escape", True),
        ("MMF_CSV_ESCAPE", "0", "csv_escape", False),
        ("MMF_LOG_LEVEL", "DEBUG", "log_level", "debug"),
        ("MMF_LOG_LEVEL", "warning", "log_level", "warning"),
        ("MMF_LOG_FORMAT", "Json", "log_format", "json"),
        ("MMF_ALLOW_PICKLE", "0", "allow_pickle", False),
        ("MMF_WARM_UP", "0", "warm_up", False),
        ("MMF_RELOAD_SECONDS", "2.5", "reload_seconds", 2.5),
        ("MMF_ALLOW_PICKLE", "1", "allow_pickle", True),
    ],
)
def test_variables_are_read(variable: str, text: str, name: str, value: object) -> None:
    assert getattr(Settings.from_env({variable: text}), name) == value


@pytest.mark.parametrize("text", ["", "   "])
def test_empty_variable_is_ignored(text: str) -> None:
    assert Settings.from_env({"MMF_MAX_BODY_MIB": text}) == Settings()


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("MMF_MAX_BODY_MIB", "lots"),
        ("MMF_MAX_BODY_MIB", "0"),
        ("MMF_MAX_BODY_MIB", "-1"),
        ("MMF_MAX_BODY_MIB", "nan"),
        ("MMF_MAX_BODY_MIB", "inf"),
        ("MMF_MAX_ARTIFACT_MIB", "10 MB"),
        ("MMF_MAX_DECOMPRESSED_MIB", "0"),
        ("MMF_MAX_CACHE_MIB", "0"),
        ("MMF_STORE_TIMEOUT", "0"),
        ("MMF_STORE_TIMEOUT", "soon"),
        ("MMF_MAX_BODY_MIB", "1e-300"),
        ("MMF_MAX_RSS_MIB", "1e300"),
        ("MMF_CLIENT_TIMEOUT", "0"),
        ("MMF_CLIENT_TIMEOUT", "-1"),
        ("MMF_CLIENT_TIMEOUT", "1e30"),
        ("MMF_CLIENT_TIMEOUT", "inf"),
        ("MMF_TIMEOUT", "nan"),
        ("MMF_TIMEOUT", "1_0"),
        ("MMF_TIMEOUT", "\N{ARABIC-INDIC DIGIT ONE}"),
        ("MMF_TIMEOUT", "1e"),
        ("MMF_TIMEOUT", "."),
        ("MMF_MAX_BODY_MIB", "1_0"),
        ("MMF_DRAIN_SECONDS", "86401"),
        ("MMF_CSV_ESCAPE", "yes"),
        ("MMF_LOG_LEVEL", "loud"),
        ("MMF_LOG_FORMAT", "yaml"),
        ("MMF_ALLOW_PICKLE", "no"),
    ],
)
def test_rejects_invalid_value_naming_the_variable(variable: str, text: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_env({variable: text})
    assert variable in str(caught.value)
    assert text in str(caught.value)


def test_invalid_choice_error_lists_choices() -> None:
    with pytest.raises(SettingError, match="debug, info, warning, error"):
        Settings.from_env({"MMF_LOG_LEVEL": "loud"})


def test_process_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_MAX_BODY_MIB", "3")
    assert Settings.from_env().max_body == 3 * MIB


@pytest.mark.parametrize("page", ["docs/settings.md", "{{cookiecutter.project_slug}}/README.md"])
def test_documented_settings_match_the_code(page: str) -> None:
    documented = set(re.findall(r"^\| `(MMF_\w+)`", (ROOT / page).read_text(), re.MULTILINE))
    assert documented == {variable for group in settings_groups() for variable in group.variables()}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("MMF_MAX_BODY_MB", "MMF_MAX_BODY_MB is now called MMF_MAX_BODY_MIB"),
        ("MMF_FAST_SKLEARN", "no longer a setting: write mmf.fast_path(model) in main.py instead"),
        ("MMF_STUCK_AFTER", "MMF_STUCK_AFTER is now called MMF_ABANDONED_CALL_TIMEOUT"),
        (
            "MMF_TIMEOUTS",
            "not a setting of this service; did you mean MMF_TIMEOUT?",
        ),
        ("MMF_CORS_ORIGIN", "did you mean MMF_CORS_ORIGINS?"),
        ("MMF_GONE", "MMF_GONE is not a setting of this service; has its extra been removed?"),
    ],
)
def test_rejects_unknown_variable(name: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        check_environment(settings_groups(), {name: "1", "MMF_LOG_LEVEL": "info", "OTHER": "x"})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MMF_PAYLOAD_LOG", "https://user:hunter2@host/"),
        ("MMF_PAYLOAD_LOG_KEY", "hunter2"),
        ("MMF_TASKS", "mysql://user:hunter2@host/db"),
        ("MMF_WEBHOOK_SECRET", "hunter2"),
        ("MMF_TOKEN_KEYS", "hunter2"),
        ("MMF_API_KEYS", "ci hunter2"),
        ("MMF_RATE_LIMIT_REDIS", "http://:hunter2@host"),
    ],
)
def test_invalid_secret_is_not_repeated(name: str, text: str) -> None:
    problems = [line for group in settings_groups() for line in group.problems({name: text})]
    assert [line.partition(":")[0] for line in problems] == [name]
    assert "hunter2" not in problems[0]


def test_ignores_kubernetes_service_variables() -> None:
    links = ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP_ADDR")
    check_environment(settings_groups(), {f"MMF_API_{link}": "x" for link in links})


def test_service_rejects_unknown_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_MAX_BODY", "1")
    with pytest.raises(SettingError, match="did you mean MMF_MAX_BODY_MIB"):
        create_app(Registry())


def test_renamed_variables_have_successors() -> None:
    available = {variable for group in settings_groups() for variable in group.variables()}
    assert set(RENAMED.values()) <= available
    assert not (RENAMED.keys() | REMOVED.keys()) & available


def test_all_invalid_values_are_reported_together() -> None:
    environ = {"MMF_MAX_BODY_MIB": "much", "MMF_TIMEOUT": "long"}
    with pytest.raises(SettingError, match=r"\AMMF_MAX_BODY_MIB.*\nMMF_TIMEOUT.*\Z"):
        Settings.from_env(environ)
    with pytest.raises(SettingError, match=r"\AMMF_GONE.*\nMMF_MAX_BODY_MIB.*\nMMF_TIMEOUT.*\Z"):
        check_environment([Settings], {**environ, "MMF_GONE": "1"})
