"""The page about the seams shows code that works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "structure.md"

SHOWN = """

from a2lc.segmentation import TrainingSettings, make_objective

for registry, name in (
    (ACQUISITIONS, "smallest"), (LEARNERS, "newest"), (ANNOTATORS, "agreeing"),
    (COLUMNS, "images_asked"), (FORMATS, "numpy"),
):
    assert name in registry.names()
assert make_objective(TrainingSettings(objective="confident"), 3).channels == 3
"""


@pytest.mark.slow
def test_its_examples_register_what_they_show(tmp_path: Path) -> None:
    """In a process of its own: what is registered stays."""
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    program = tmp_path / "examples.py"
    program.write_text("\n".join([*examples, SHOWN]), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, program], check=True, env=environment)
