"""The suite's work is compared with a published script's, in a real environment."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "perf" / "published.py"


@pytest.mark.environment
def test_the_suite_and_a_script_train_the_same_model():
    """`perf/published.py` fails by itself where their parameters differ in number."""
    command = [SCRIPT, "--release=tensorflow-1.14.0", "--model=lstm_text_generation", "--pairs=1"]
    answer = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    row = re.fullmatch(
        r"\| `lstm_text_generation` \| ([\d.]+) \(([\d.]+), ([\d.]+)\) \|\n", answer.stdout
    )
    assert row
    assert all(float(ratio) > 0 for ratio in row.groups())
