"""notebooks/pipeline.ipynb: clean as it is kept, and each of its cells runs, in order, on the sample."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PIPELINE = ROOT / "notebooks" / "pipeline.ipynb"
FAST = 'backbone, image_size, epochs = "small_cnn", 28, 3'


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_kept_without_outputs_places_and_secrets(path: Path):
    notebook = read(path)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell for cell in cells if cell.outputs or cell.execution_count]
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"""["'`\s](?:/home|/root|/Users|/tmp|/work|[A-Z]:\\)""", text)
    assert not re.search(r"(?i)(?:secret|password|token|key)[a-z_]*\W{0,3}=\W{0,3}\w", text)


def test_its_five_cells_are_those_of_the_pipeline_and_the_client():
    titles = re.findall(r"^## \d\. (.+)$", "\n".join(cell.source for cell in read(PIPELINE).cells), re.MULTILINE)
    assert titles == ["Client", "Extract", "Split", "Train and evaluate", "Test"]


def executed(folder: Path, monkeypatch: pytest.MonkeyPatch, replaced: dict[str, str], left_out: set[str]) -> Any:
    """Return the notebook after all of its cells were run in `folder`, but for those that are tagged as `left_out`."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "jupyter"))
    notebook = read(PIPELINE)
    notebook.cells = [cell for cell in notebook.cells if not left_out & set(cell.metadata.get("tags", []))]
    for cell in notebook.cells:
        for tag in set(replaced) & set(cell.metadata.get("tags", [])):
            cell.source = replaced[tag]
    client = NotebookClient(notebook, timeout=4 * PATIENCE, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def shown(notebook: Any, kind: str) -> list[str]:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [output.data[kind] for output in outputs if kind in output.get("data", {})]


def test_it_leads_from_images_to_a_tested_network(tmp_path: Path, monkeypatch):
    notebook = executed(tmp_path, monkeypatch, {"parameters": FAST}, {"slow"})
    frames = [html for html in shown(notebook, "text/html") if "<iframe" in html]
    assert len(frames) == 3
    assert all('sandbox="allow-scripts"' in frame for frame in frames)
    titles = ("Data report", "Training report", "Test report")
    assert [title for title, frame in zip(titles, frames, strict=True) if title not in frame] == []
    [images] = [html for html in shown(notebook, "text/html") if "<img" in html]
    assert images.count("<img") == 8 * 10
    printed = "".join(o.text for c in notebook.cells if c.cell_type == "code" for o in c.outputs if "text" in o)
    assert "400 samples in" in printed
    assert len(re.findall(r"^yes ", printed, re.MULTILINE)) == 7
    assert re.search(r"\d+ % +[a-z-]+ +", printed)


@pytest.mark.slow
def test_all_of_it_as_it_stands(tmp_path: Path, monkeypatch):
    notebook = executed(tmp_path, monkeypatch, {}, set())
    assert "pretrained" in shown(notebook, "text/html")[-1]
