"""Resume: a training killed with SIGKILL at any moment and begun again ends with the bytes of one that was not."""

import hashlib
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.dataset.samples import write_split_table
from tests.support.extraction import extract_arguments, run_extract

ROOT = Path(__file__).parents[2]
OPTIONS = {
    "backbone": "efficientnet_lite0",
    "image-size": 48,
    "batch-size": 8,
    "epochs": 3,
    "fine-tune-epochs": 3,
    "augment": "strong",
    "label-smoothing": 0.1,
    "class-weight": "balanced",
    "schedule": "cosine",
    "warmup-epochs": 1,
    "optimizer": "adamw",
    "checkpoint-minutes": 0,
}
OUTPUTS = {"bundle": "bundle", "metrics": "metrics.json", "history": "history.csv", "report": "report.html"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A dataset of 48 images in three noisy shades, in the folder of its tables: 36 train, 12 validation."""
    folder = tmp_path_factory.mktemp("resume")
    for index in range(48):
        shade = index % 3
        pixels = np.random.default_rng(index).integers(50 * shade, 50 * shade + 110, (48, 48, 3), dtype=np.uint8)
        (folder / "images" / f"shade{shade}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "images" / f"shade{shade}" / f"{index:02}.png")
    written = run_extract(
        extract_arguments(folder, "", folder / "images", folder / "store", annotation_format="folders")
    )
    samples = sorted(written.dataset().samples(), key=lambda sample: sample.sample_id[-6:])
    write_split_table(folder / "train.csv", samples[:36], "train")
    write_split_table(folder / "validation.csv", samples[36:], "validation")
    return folder, written.dataset_uri


class Training:
    """The train step as a process of its own, with all that it keeps below `out`."""

    def __init__(self, tables, out, **options):
        folder, dataset_uri = tables
        self.out = out
        named = {"dataset-uri": dataset_uri, **{f"{s}-samples": folder / f"{s}.csv" for s in ("train", "validation")}}
        named |= {name: out / "outputs" / file for name, file in OUTPUTS.items()}
        named |= {"checkpoint-uri": out / "checkpoints", "cache-uri": out / "features", **OPTIONS, **options}
        words = [word for name, value in named.items() for word in (f"--{name}", str(value))]
        self.command = [sys.executable, "-m", "components.train", *words]

    def run(self):
        """Run it to its end; return its log."""
        done = subprocess.run(self.command, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def kill_at(self, text, seconds_later=0.0):
        """Run it and kill it `seconds_later` than its log has `text`; return whether that came, and its log so far."""
        lines, killed = [], False
        with subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
            for line in process.stderr:
                lines.append(line)
                if text in line and not killed:
                    time.sleep(seconds_later)
                    process.kill()
                    killed = True
        # It may have ended by itself in the meantime, or be past that moment since it was resumed.
        assert process.returncode in (0, -9), "".join(lines)
        return process.returncode == -9, "".join(lines)

    def digest(self):
        """Return the sha256 of the network, and the history, which says which epoch was kept."""
        network = (self.out / "outputs" / "bundle" / "model.keras").read_bytes()
        return hashlib.sha256(network).hexdigest(), (self.out / "outputs" / "history.csv").read_text()

    def files(self):
        """Return every file below the outputs and the checkpoints."""
        folders = (self.out / "outputs", self.out / "checkpoints")
        return sorted(str(p.relative_to(self.out)) for folder in folders for p in folder.rglob("*"))


@pytest.fixture(scope="module")
def uninterrupted(tables, tmp_path_factory):
    """A training that nobody killed."""
    training = Training(tables, tmp_path_factory.mktemp("uninterrupted"))
    training.run()
    return training


@pytest.mark.timeout(1800)  # Six trainings: a minute on an idle machine.
def test_three_kills_change_no_bit_and_leave_nothing(tables, uninterrupted, tmp_path):
    training = Training(tables, tmp_path)
    kills = [training.kill_at(text) for text in ("head epoch 1", "fine-tuning epoch 4", "writing the bundle")]
    assert all(hit for hit, _ in kills)
    assert all("resumed: phase" in log for log in [kills[1][1], kills[2][1], training.run()])
    assert training.digest() == uninterrupted.digest()
    assert training.files() == uninterrupted.files()
    # The last attempt's, for its own run until the results have left the pod.
    kept = [name for name in training.files() if name.startswith("checkpoints/")]
    assert [Path(name).name for name in kept if (training.out / name).is_file()] == ["checkpoint", "finished"]


def test_another_configuration_does_not_go_on_from_a_checkpoint(tables, tmp_path):
    Training(tables, tmp_path).kill_at("head epoch 1")
    assert len(list((tmp_path / "checkpoints").rglob("checkpoint"))) == 1
    log = Training(tables, tmp_path, **{"seed": 1, "epochs": 1, "fine-tune-epochs": 0}).run()
    assert "resumed" not in log
    kept = list((tmp_path / "checkpoints").iterdir())
    assert sorted((folder / "finished").exists() for folder in kept) == [False, True]  # That of the killed one stays.


# What the log says at the beginning of each stage, and how many seconds that stage goes on for.
STAGES = {
    "python -m components.train": 6.0,  # imports, backbone, features
    "features: 48 done": 0.3,  # decoding
    "decoding: 48 done": 2.0,  # training begins
    "head epoch 1": 0.4,  # steps, checkpoints and validation, mixed
    "fine-tuning: ": 4.0,
    "fine-tuning epoch 4": 1.0,
    "writing the bundle": 2.0,  # the bundle, views, report, the checkpoint's removal
}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_kills_at_random_moments_change_no_bit(tables, uninterrupted, tmp_path):
    moments, hits = np.random.default_rng(0), []
    while len(hits) < 20:
        training = Training(tables, tmp_path / str(len(hits)))
        for stage in sorted(moments.choice(list(STAGES), 5), key=list(STAGES).index):
            hit, _ = training.kill_at(stage, moments.uniform(0, STAGES[stage]))
            hits += [stage] if hit else []
        training.run()
        assert training.digest() == uninterrupted.digest()
        assert set(training.files()) ^ set(uninterrupted.files()) == set()
    print(f"{len(hits)} kills: {Counter(hits)}")
