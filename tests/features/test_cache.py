"""The feature cache: the same features without the work, whatever happened to its shards or its store."""

import json
import logging
import os
import re
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.backbones.by_name import build_feature_extractor, find_backbone
from components.dataset.images import to_model_input
from components.dataset.snapshot import open_dataset
from components.features import cache as feature_cache
from components.features.cache import cache_key, default_cache_uri, open_feature_cache
from components.features.extraction import extract_features
from components.features.network import feature_network
from components.network.digest import network_digest
from components.network.keras_runtime import keras
from components.step.errors import UsageError
from tests.support.extraction import extract_arguments, run_extract
from tests.support.generated import image_bytes, write_files

SIZE = 32


def extractor(seed=0):
    keras.utils.set_random_seed(seed)
    return build_feature_extractor(find_backbone("mobilenet"), SIZE, "none")


@pytest.fixture(scope="module")
def network():
    return extractor()


def make_dataset(folder, seeds):
    """Return a dataset of images of noise, two classes, one image a seed."""
    write_files(folder / "images", {f"{'ab'[seed % 2]}/{seed:03}.png": image_bytes(seed) for seed in seeds})
    outcome = run_extract(
        extract_arguments(folder, "", folder / "images", folder / "store", annotation_format="folders")
    )
    return outcome.dataset()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("noise"), range(70))


@pytest.fixture(scope="module")
def expected(dataset, network):
    return extract_features(network, dataset, dataset.samples())[0]


class Forbidden:
    """Stands for a dataset or a network that must not be asked."""

    def __getattr__(self, name):
        raise AssertionError(name)


class Counting:
    """A dataset that counts the images asked of it."""

    def __init__(self, dataset):
        self.dataset, self.count = dataset, 0

    def images(self, samples):
        self.count += len(samples)
        return self.dataset.images(samples)


def through_cache(uri, network, dataset, keep=()):
    """Return the features of all samples and how many images were read."""
    counting = Counting(dataset)
    cache = open_feature_cache(str(uri), network, SIZE)
    features, pixels = extract_features(network, counting, dataset.samples(), keep, cache)
    assert sorted(pixels) == sorted(keep)
    return features, counting.count


def shards(folder):
    return sorted(folder.rglob("*.parquet"))


def test_a_second_pass_reads_no_image_and_gives_the_same_bits(tmp_path, network, dataset, expected, monkeypatch):
    cold, read = through_cache(tmp_path / "cache", network, dataset)
    np.testing.assert_array_equal(cold, expected)
    assert read == 70
    monkeypatch.setattr("components.features.extraction.feature_network", Forbidden())
    warm, read = through_cache(tmp_path / "cache", network, dataset)
    np.testing.assert_array_equal(warm, expected)
    assert read == 0


def test_kept_pixels_are_all_that_a_warm_pass_reads(tmp_path, network, dataset):
    keep = [sample.sample_id for sample in dataset.samples()[5:9]]
    _, cold = extract_features(network, dataset, dataset.samples(), keep)
    through_cache(tmp_path / "cache", network, dataset)
    counting = Counting(dataset)
    cache = open_feature_cache(str(tmp_path / "cache"), network, SIZE)
    _, warm = extract_features(network, counting, dataset.samples(), keep, cache)
    assert counting.count == 4
    assert warm.keys() == cold.keys()
    assert all(np.array_equal(warm[name], cold[name]) for name in keep)


def test_datasets_share_the_features_of_images_they_share(tmp_path, network, dataset):
    through_cache(tmp_path / "cache", network, dataset)
    other = make_dataset(tmp_path, range(40, 80))
    features, read = through_cache(tmp_path / "cache", network, other)
    assert read == 10
    np.testing.assert_array_equal(features, extract_features(network, other, other.samples())[0])


def test_a_pass_that_was_cut_off_goes_on_where_its_last_shard_ended(tmp_path, network, dataset, expected, monkeypatch):
    monkeypatch.setattr(feature_cache, "SHARD_SAMPLES", 32)
    batches = iter([True, False])

    def killed(images):
        if next(batches):
            return feature_network(network)(images)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("components.features.extraction.feature_network", lambda extractor: killed)
        with pytest.raises(KeyboardInterrupt):
            through_cache(tmp_path / "cache", network, dataset)
    features, read = through_cache(tmp_path / "cache", network, dataset)
    assert read == 70 - 32
    np.testing.assert_array_equal(features, expected)


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def hide_flip(path):
    """Change a feature and write the file anew, so that only its own digest tells."""
    table = pq.read_table(path)
    metadata, column = table.schema.metadata, table["features"].combine_chunks()
    values = np.array(column.flatten())
    values[7] += 1
    changed = type(column).from_arrays(values, type=column.type)
    pq.write_table(table.set_column(1, "features", changed).replace_schema_metadata(metadata), path)


def foreign(path):
    """Put the shard of another key there."""
    table = pq.read_table(path)
    described = json.loads(table.schema.metadata[b"pawline"]) | {"key": "0" * 64}
    pq.write_table(table.replace_schema_metadata({b"pawline": json.dumps(described)}), path)


def without_metadata(path):
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)


def with_other_columns(path):
    table = pq.read_table(path)
    pq.write_table(table.rename_columns(["sha256", "vectors"]), path)


@pytest.mark.parametrize(
    "spoil",
    [
        flip,
        hide_flip,
        foreign,
        without_metadata,
        with_other_columns,
        lambda path: path.write_bytes(path.read_bytes()[:-1000]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\x93NUMPY of someone else"),
    ],
)
def test_a_spoilt_shard_is_said_in_one_line_and_rebuilt(tmp_path, network, dataset, expected, spoil, caplog):
    caplog.set_level(logging.INFO, "pawline")
    through_cache(tmp_path, network, dataset)
    [shard] = shards(tmp_path)
    spoil(shard)
    caplog.clear()
    features, read = through_cache(tmp_path, network, dataset)
    np.testing.assert_array_equal(features, expected)
    assert read == 70
    [line] = [record.getMessage() for record in caplog.records if "damaged" in record.getMessage()]
    assert shard.name in line
    assert "\n" not in line
    assert through_cache(tmp_path, network, dataset)[1] == 0
    assert shards(tmp_path) == [shard]


def refusing_store(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file" / "below"


def test_a_store_that_cannot_be_written_is_done_without(tmp_path, network, dataset, expected, caplog):
    caplog.set_level(logging.INFO, "pawline")
    features, read = through_cache(refusing_store(tmp_path), network, dataset)
    assert read == 70
    np.testing.assert_array_equal(features, expected)
    assert len([r for r in caplog.records if "feature cache: done without" in r.getMessage()]) == 1


def test_no_space_is_said_once_and_leaves_nothing(tmp_path, network, dataset, expected, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "pawline")
    monkeypatch.setattr(feature_cache, "SHARD_SAMPLES", 32)

    def full(path, *_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(feature_cache, "write_shard", full)
    features, _ = through_cache(tmp_path / "cache", network, dataset)
    np.testing.assert_array_equal(features, expected)
    [line] = [r.getMessage() for r in caplog.records if "feature cache" in r.getMessage()]
    assert "No space left on device" in line
    assert shards(tmp_path) == []


def test_s3_keeps_features_too(bucket, network, dataset, expected):
    through_cache(bucket.uri("features"), network, dataset)
    assert all(re.fullmatch(r"features/[0-9a-f]{64}/[0-9a-f]{64}\.parquet", key) for key in bucket.listed())
    features, read = through_cache(bucket.uri("features"), network, dataset)
    assert read == 0
    np.testing.assert_array_equal(features, expected)


def test_a_bucket_that_is_missing_is_done_without(s3_environment, network, dataset, expected, caplog):
    features, _ = through_cache("s3://no-such-bucket/features", network, dataset)
    np.testing.assert_array_equal(features, expected)
    assert sum("feature cache: done without" in r.getMessage() for r in caplog.records) == 1


def test_another_scheme_is_refused(network):
    with pytest.raises(UsageError, match="s3://"):
        open_feature_cache("ftp://host/features", network, SIZE)


def test_the_key_tells_networks_apart_but_not_how_often_they_were_built(network):
    again = extractor()
    assert [layer.name for layer in again.layers] != []
    assert cache_key(again, SIZE) == cache_key(network, SIZE)
    others = {cache_key(extractor(seed=1), SIZE), cache_key(network, 2 * SIZE), cache_key(with_scale(1 / 255), SIZE)}
    assert len(others | {cache_key(network, SIZE), cache_key(with_scale(1 / 128), SIZE)}) == 5


def with_scale(scale, activation="relu"):
    """Return a small network whose layers Keras names by counting."""
    inputs = keras.Input((SIZE, SIZE, 3), dtype="uint8")
    x = keras.layers.Activation(activation)(keras.layers.Rescaling(scale)(inputs))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def test_layers_that_keras_numbers_do_not_change_the_digest():
    one, other = with_scale(1.0), with_scale(1.0)
    assert one.layers[1].name != other.layers[1].name
    assert network_digest(one) == network_digest(other)
    assert network_digest(one) != network_digest(with_scale(1.0, "sigmoid"))


def test_how_layers_are_joined_changes_the_digest():
    def joined(order):
        inputs = keras.Input((4,))
        two, three = keras.layers.Rescaling(2.0)(inputs), keras.layers.Rescaling(3.0)(inputs)
        return keras.Model(inputs, keras.layers.Subtract()([two, three][::order]))

    assert network_digest(joined(1)) != network_digest(joined(-1))


@pytest.mark.parametrize(
    ("dataset_uri", "cache"),
    [("s3://b/datasets/abc", "s3://b/datasets/features"), ("/runs/datasets/abc/", "/runs/datasets/features")],
)
def test_the_cache_lies_beside_the_dataset(dataset_uri, cache):
    assert default_cache_uri(dataset_uri) == cache


def test_equal_images_run_through_the_network_once(tmp_path, network):
    write_files(tmp_path / "images", {f"{label}/x.png": image_bytes(1) for label in "ab"})
    folder = tmp_path / "images"
    shutil.copy(folder / "a" / "x.png", folder / "a" / "copy.png")
    os.remove(folder / "b" / "x.png")
    write_files(folder, {"b/y.png": image_bytes(2)})
    found = run_extract(extract_arguments(tmp_path, "", folder, tmp_path / "store", annotation_format="folders"))
    dataset = open_dataset(found.dataset().uri)
    features, read = through_cache(tmp_path / "cache", network, dataset)
    assert read == 2
    rows = {s.sample_id: row for s, row in zip(dataset.samples(), features, strict=True)}
    np.testing.assert_array_equal(rows["a/copy.png"], rows["a/x.png"])
    assert not np.array_equal(rows["a/x.png"], rows["b/y.png"])


def test_features_of_decoded_pixels_are_those_of_the_images(dataset, network):
    samples = dataset.samples()[::-1]
    decoded = np.stack([dict_of_pixels(dataset, network)[sample.sample_id] for sample in samples])
    keep = [samples[2].sample_id]
    features, kept = extract_features(network, dataset, samples, keep, decoded=decoded)
    expected, pixels = extract_features(network, dataset, samples, keep)
    np.testing.assert_array_equal(features, expected)
    np.testing.assert_array_equal(kept[keep[0]], pixels[keep[0]])


def dict_of_pixels(dataset, network):
    return {s.sample_id: to_model_input(data, network.input_shape[1]) for s, data in dataset.images(dataset.samples())}


def test_features_are_keras_s_own_also_where_onnx_lacks_a_layer(network):
    pixels = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    unknown = keras.Model(network.input, keras.layers.UnitNormalization()(network.output))
    for model in (network, unknown):
        expected = keras.ops.convert_to_numpy(model(pixels, training=False))
        np.testing.assert_allclose(feature_network(model)(pixels), expected, rtol=1e-4, atol=1e-5)
