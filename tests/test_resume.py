"""Resume: a training killed with SIGKILL at any moment and begun again ends with the bytes of one that was not."""

import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.samples import write_split_table
from tests.extraction import extract_arguments, run_extract

ROOT = Path(__file__).parent.parent
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

    def run(self, kill_after=None):
        """Run it, killed after that many seconds unless it ended before; return its exit code and its log."""
        with subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
            try:
                _, log = process.communicate(timeout=kill_after)
            except subprocess.TimeoutExpired:
                process.kill()
                _, log = process.communicate()
        return process.returncode, log

    def kill_at(self, text):
        """Run it and kill it as soon as its log has `text`; return its log so far."""
        lines = []
        with subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
            for line in process.stderr:
                lines.append(line)
                if text in line:
                    process.kill()
        assert process.returncode == -9, "".join(lines)
        return "".join(lines)

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
    """A training that nobody killed, and how many seconds it took."""
    training = Training(tables, tmp_path_factory.mktemp("uninterrupted"))
    started = time.monotonic()
    code, log = training.run()
    assert code == 0, log
    return training, time.monotonic() - started


def killed_until_done(training, delays):
    """Run it killed after each of `delays` seconds, then to its end; return how many kills hit, and the logs."""
    logs, kills = [], 0
    for delay in delays:
        code, log = training.run(kill_after=delay)
        logs.append(log)
        if code == 0:
            return kills, logs
        assert code == -9, log
        kills += 1
    code, log = training.run()
    assert code == 0, log
    return kills, [*logs, log]


def test_three_kills_change_no_bit_and_leave_nothing(tables, uninterrupted, tmp_path):
    reference, _ = uninterrupted
    training = Training(tables, tmp_path)
    training.kill_at("head epoch 1")
    logs = [training.kill_at("fine-tuning epoch 4"), training.kill_at("writing the bundle")]
    code, log = training.run()
    assert code == 0, log
    assert all("resumed: phase" in log for log in [*logs, log])
    assert training.digest() == reference.digest()
    assert training.files() == reference.files()
    assert not [name for name in training.files() if name.startswith("checkpoints/")]


def test_another_configuration_does_not_go_on_from_a_checkpoint(tables, tmp_path):
    Training(tables, tmp_path).kill_at("head epoch 1")
    assert len(list((tmp_path / "checkpoints").rglob("checkpoint"))) == 1
    code, log = Training(tables, tmp_path, **{"seed": 1, "epochs": 1, "fine-tune-epochs": 0}).run()
    assert code == 0, log
    assert "resumed" not in log
    assert len(list((tmp_path / "checkpoints").rglob("checkpoint"))) == 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_kills_at_random_moments_change_no_bit(tables, uninterrupted, tmp_path):
    reference, seconds = uninterrupted
    random_moments, kills, hit = np.random.default_rng(0), 0, []
    while kills < 20:
        training = Training(tables, tmp_path / str(kills))
        delays = [random_moments.uniform(0.2, 1.05) * seconds for _ in range(4)]
        more, logs = killed_until_done(training, delays)
        kills += more
        hit += [re.sub(r"\d+", "", log.splitlines()[-1][9:60]) for log in logs[:more] if log]
        assert training.digest() == reference.digest()
        assert training.files() == reference.files()
    print("\n".join(hit))
