"""docs/own-format.md: its program makes annotations that extract reads."""

import json
import re
import subprocess
import sys
from pathlib import Path

from components.extract.formats.table import read_csv

PAGE = (Path(__file__).parents[2] / "docs" / "own-format.md").read_text(encoding="utf-8")


def test_the_program_of_the_page_makes_a_csv_that_is_read(tmp_path: Path):
    [program] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    boxes = [(1, 7), (1, 7), (2, 9)]  # Two boxes of one category on the first image.
    (tmp_path / "from_coco.py").write_text(program, encoding="utf-8")
    (tmp_path / "instances.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "a,b.jpg"}, {"id": 2, "file_name": "c.jpg"}],
                "categories": [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}],
                "annotations": [{"image_id": image, "category_id": category} for image, category in boxes],
            }
        )
    )
    [command] = re.findall(r"^python (.*) > annotations\.csv$", PAGE, re.MULTILINE)
    done = subprocess.run([sys.executable, *command.split()], cwd=tmp_path, capture_output=True, check=True, text=True)
    found = read_csv(done.stdout).annotations
    assert [(one.file_name, one.label) for one in found] == [("a,b.jpg", "cat"), ("c.jpg", "dog")]
