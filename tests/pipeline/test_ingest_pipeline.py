"""The small pipeline of documents to images: compiled as it is committed, its command understood by the step."""

from pathlib import Path

from components.ingest.step import build_parser
from pipeline.cli.main import main
from pipeline.compilation import COMPILED_INGEST, compile_ingest
from pipeline.compiled import load_pipeline
from tests.support.pdfs import pdf


def test_the_committed_pipeline_is_what_the_graph_gives(tmp_path: Path) -> None:
    compile_ingest(tmp_path / "ingest.yaml")
    assert (tmp_path / "ingest.yaml").read_bytes() == COMPILED_INGEST.read_bytes()


def test_its_step_runs_the_command_that_there_is() -> None:
    [step] = load_pipeline(COMPILED_INGEST).steps
    flags = {word for word in step.command if str(word).startswith("--")}
    assert flags == {flag for action in build_parser()._actions for flag in action.option_strings} - {"-h", "--help"}


def test_it_is_compiled_for_a_cluster(tmp_path: Path, capsys) -> None:
    output = tmp_path / "ingest.yaml"
    assert main(["compile", "--ingest", "--output", str(output), "--image", "registry.test/step:1"]) == 0
    assert main(["compile", "--ingest", "--output", str(output), "--image", "registry.test/step:2"]) == 0
    assert "registry.test/step:2" in output.read_text()
    assert main(["compile", "--ingest", "--output", str(COMPILED_INGEST), "--image", "registry.test/step:1"]) == 2
    assert "stays" in capsys.readouterr().err


def test_the_command_takes_documents_in_and_says_where_the_images_are(tmp_path: Path, capsys) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf([(1, (32, 24))]))
    assert main(["ingest", str(tmp_path), str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/out/images\n"
    assert main(["ingest", str(tmp_path), str(tmp_path / "out"), "--take", "photos"]) == 2
    assert "take must be one of embedded, pages" in capsys.readouterr().err
