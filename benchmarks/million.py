"""A million annotations without images: parse, validate and split, within a minute and 2 GiB.

`python -m benchmarks.million measure FILE` is the process that is measured.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import in_process, machine, peak_mib, publish, table, timed

COUNT = 1_000_000
MAX_SECONDS, MAX_MIB = 60, 2048


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million", description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="number of annotations")
    parser.add_argument("--update", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "annotations.json"
        write_export(export, arguments.count)
        size = export.stat().st_size / 1e6
        found = in_process("benchmarks.million", "measure", str(export))
    peak = found.pop("peak")
    total = sum(found.values())
    rows = [[name, f"{seconds:.1f}"] for name, seconds in found.items()]
    rows += [["**all**", f"{total:.1f}"], ["target", str(MAX_SECONDS)]]
    text = (
        f"`python -m benchmarks.million` on {machine()} {arguments.count:,} annotations in an ecotag export of "
        f"{size:.0f} MB.\n\n"
        f"{table(['', 'seconds'], rows)}\n\nPeak memory of the process: {peak:.0f} MiB of {MAX_MIB} allowed."
    )
    publish("million", text, arguments.update)
    return 0 if total < MAX_SECONDS and peak < MAX_MIB else 1


def write_export(path: Path, count: int) -> None:
    """Write an ecotag export as a large project has it: pages of documents, every twentieth a second opinion."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"projectName": "million", "projectType": "ImageClassifier", "annotations": [')
        for index in range(count):
            file.write(("," if index else "") + json.dumps(_annotation(index)))
        file.write("]}")


def _annotation(index: int) -> dict[str, object]:
    image = index - (index % 20 == 19)
    document, page = divmod(image, 4)
    return {
        "nameIdentifier": f"annotator{index - image}@example.org",
        "createDate": 638_000_000_000_000_000 + index,
        "fileName": f"{document:032x}_page{page}_index0.png",
        "annotation": {"label": f"class-{image * 7919 % 101 % 20:02}"},
    }


def measure(path: Path) -> dict[str, float]:
    """Do the work on the export at `path`; return the seconds of each part and the peak memory in MiB."""
    from components.dataset.samples import Sample
    from components.extract.agreement import agree
    from components.extract.annotations import AnnotationSet
    from components.extract.formats.reading import read_annotations
    from components.extract.groups import compile_group_pattern, groups_of
    from components.split.step import split_samples

    pattern = compile_group_pattern(r"(?P<document>.+)_page")
    annotated: list[AnnotationSet] = []
    samples: list[Sample] = []

    def validate() -> None:
        agreed, bad = agree(annotated.pop().annotations)
        assert not bad
        # What reading the images would add.
        groups = groups_of([a.sample_id for a in agreed], pattern)
        samples.extend(Sample(a.sample_id, a.label, g, "", 1, 1) for a, g in zip(agreed, groups, strict=True))

    def split() -> None:
        ratios = {"train": 0.8, "validation": 0.1, "test": 0.1}
        assert sum(len(part) for part in split_samples(samples, ratios).values()) == len(samples)

    return {
        "parse": timed(lambda: annotated.append(read_annotations("ecotag", str(path), "", []))),
        "validate": timed(validate),
        "split": timed(split),
        "peak": peak_mib(),
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        sys.exit(main())
