"""Every example runs alone, without a display, and leaves its figure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_example_filters_no_warning(script):
    """What warns teaches the wrong thing."""
    assert "warnings" not in script.read_text(encoding="utf-8")


@pytest.mark.examples
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_example_saves_its_figure(script, tmp_path):
    pytest.importorskip("matplotlib")
    environment = os.environ | {"MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)}
    environment.pop("SKREGOPT_DATA", None)  # the bundled data
    run = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert run.returncode == 0, run.stderr
    figure = tmp_path / f"{script.stem}.png"
    assert figure.read_bytes()[:4] == b"\x89PNG"
    assert "Warning" not in run.stderr, run.stderr
