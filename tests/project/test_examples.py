"""Every example runs alone, without a display, and leaves its figure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))


def test_there_are_examples():
    assert EXAMPLES


def run_script(script, folder, *arguments, **variables):
    """Run a script in a folder, with the bundled data unless a variable says otherwise; return the finished process."""
    environment = os.environ | {"MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)}
    environment.pop("SKREGOPT_DATA", None)
    command = [sys.executable, str(script), *arguments]
    run = subprocess.run(command, cwd=folder, env=environment | variables, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    return run


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_example_filters_no_warning(script):
    """What warns teaches the wrong thing."""
    assert "warnings" not in script.read_text(encoding="utf-8")


@pytest.mark.examples
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_example_saves_its_figure(script, tmp_path):
    pytest.importorskip("matplotlib")
    run = run_script(script, tmp_path)
    figure = tmp_path / f"{script.stem}.png"
    assert figure.read_bytes()[:4] == b"\x89PNG"
    assert "Warning" not in run.stderr, run.stderr


@pytest.mark.examples
def test_adult_draws_the_same_figure_again(tmp_path):
    """On a made-up file with the columns of the real one that its code names."""
    pytest.importorskip("matplotlib")
    rng = np.random.RandomState(0)
    X = np.column_stack([rng.normal(size=400), rng.randint(-1, 3, size=400)]).astype(np.float32)
    X[X[:, 1] < 0, 1] = np.nan
    y = (X[:, 0] + rng.normal(size=400) > 0).astype(int)
    levels = json.dumps({"color": ["blue", "green", "red"]})
    np.savez(
        tmp_path / "adult.npz", X=X, y=y, feature_names=["age", "color"], cat_levels=levels,
        class_names=["<=50K", ">50K"], train_idx=np.arange(300), test_idx=np.arange(300, 400),
    )  # fmt: skip
    figures = []
    for name in ("first.svg", "second.svg"):
        arguments = ("--networks", "1", "--figure", name)
        run = run_script(ROOT / "examples" / "adult.py", tmp_path, *arguments, SKREGOPT_DATA=str(tmp_path))
        assert run.stdout.count("calibration error") == 3 and "Warning" not in run.stderr, run.stderr
        figures.append((tmp_path / name).read_text(encoding="utf-8"))
    assert figures[0] == figures[1] and "uncalibrated" in figures[0]


@pytest.mark.examples
def test_intervals_with_or_without_mapie(tmp_path):
    output = run_script(ROOT / "examples" / "conformal_intervals.py", tmp_path).stdout
    assert "pip install mapie" in output or output.count("of the rows") == 3
