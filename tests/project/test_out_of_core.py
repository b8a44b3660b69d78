"""examples/out_of_core.py: memory does not grow with the file."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skregopt

EXAMPLE = Path(__file__).parents[2] / "examples" / "out_of_core.py"


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform == "win32", reason="the example measures memory by the module resource")
def test_memory_is_that_of_a_block():
    command = [sys.executable, str(EXAMPLE), "--gigabytes", "0.2", "--passes", "2", "--block-rows", "20000"]
    environment = os.environ | {"PYTHONPATH": str(Path(skregopt.__file__).parents[1])}
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert result.returncode == 0, result.stderr
    size, block, growth = (
        float(re.search(pattern, result.stdout)[1])
        for pattern in (r"([\d.]+) GB,", r"blocks of (\d+) MB", r"grew by (\d+) MB")
    )
    assert size > 0.19 and block < 5
    assert growth < 60, result.stdout
    scores = [float(score) for score in re.findall(r"R2 ([\d.]+)", result.stdout)]
    assert len(scores) == 2 and scores[1] > 0.95
