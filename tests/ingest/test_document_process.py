"""Any bytes as a document end as images or as a fault."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.ingest.taking import Settings, take
from tests.support.pdfs import pdf

WHOLE = pdf([(1, (32, 24)), (2, (32, 24))], [(1, (32, 24))])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])  # Each is a process.
@given(data=st.data())
def test_a_document_with_bytes_changed_gives_images_or_a_fault(data, tmp_path: Path) -> None:
    document = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 20))):
        document[data.draw(st.integers(0, len(document) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.pdf").write_bytes(document[: data.draw(st.integers(0, len(document)))])
    found = take(tmp_path / "a.pdf", tmp_path, Settings("embedded", 72))
    assert bool(found.images) != bool(found.fault)
