"""`mmfmeta --version`."""

from click.testing import CliRunner

import mmf_core
from mmf_core.cli import main


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert (result.exit_code, result.output) == (0, f"mmfmeta, version {mmf_core.__version__}\n")
