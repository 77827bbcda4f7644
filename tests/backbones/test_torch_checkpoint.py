"""Reading PyTorch state dicts: tensors come out right, anything else is refused and runs nothing."""

import hashlib
import io
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.backbones.torch_checkpoint import MAGIC_NUMBER, PROTOCOL, parse_checkpoint, read_checkpoint
from components.step.errors import DataError


class _StateDictPickler(pickle._Pickler):  # The Python one: the C one checks that globals are importable.
    def save_global_name(self, module: str, name: str) -> None:
        self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Tensor):
            self.save_tensor(obj)
        else:
            super().save(obj, save_persistent_id)

    def save_tensor(self, tensor: "Tensor") -> None:
        self.save_global_name("torch._utils", "_rebuild_tensor_v2")
        self.write(pickle.MARK + pickle.MARK)
        self.save("storage")
        self.save_global_name("torch", tensor.kind)
        for value in (tensor.key, "cpu", tensor.count, None):
            self.save(value)
        self.write(pickle.TUPLE + pickle.BINPERSID)
        for value in (tensor.offset, tensor.shape, tensor.stride, False, OrderedDict()):
            self.save(value)
        self.write(pickle.TUPLE + pickle.REDUCE)


class Tensor:
    """A tensor as PyTorch pickles it: a view of a storage."""

    def __init__(self, key, values, shape=None, stride=None, offset=0, count=None, kind="FloatStorage"):
        array = np.asarray(values)
        self.key, self.values, self.kind = key, array.ravel(), kind
        self.shape = array.shape if shape is None else shape
        self.stride = tuple(s // array.itemsize for s in array.strides) if stride is None else stride
        self.offset, self.count = offset, array.size if count is None else count


def state_dict(tensors: dict[str, Tensor], magic: int = MAGIC_NUMBER) -> bytes:
    """Return `tensors` as the bytes of a legacy state dict."""
    file = io.BytesIO()
    for header in (magic, PROTOCOL, {"little_endian": True}):
        pickle.dump(header, file, protocol=2)
    _StateDictPickler(file, protocol=2).dump(OrderedDict(tensors))
    pickle.dump([tensor.key for tensor in tensors.values()], file, protocol=2)
    for tensor in tensors.values():
        file.write(len(tensor.values).to_bytes(8, "little") + tensor.values.tobytes())
    return file.getvalue()


GOOD = state_dict({"a.weight": Tensor("1", np.arange(6, dtype="<f4").reshape(2, 3))})


def test_tensors_come_out_with_shape_type_and_values():
    tensors = parse_checkpoint(
        state_dict(
            {
                "a.weight": Tensor("1", np.arange(6, dtype="<f4").reshape(2, 3)),
                "a.count": Tensor("2", np.array([7], "<i8"), shape=(), stride=(), kind="LongStorage"),
            }
        )
    )
    np.testing.assert_array_equal(tensors["a.weight"], [[0, 1, 2], [3, 4, 5]])
    assert tensors["a.weight"].dtype == np.float32
    assert tensors["a.count"] == 7
    assert tensors["a.count"].dtype == np.int64


def test_a_permuted_tensor_is_read_by_its_strides():
    values = np.arange(6, dtype="<f4").reshape(2, 3)
    tensors = parse_checkpoint(state_dict({"t": Tensor("1", values, shape=(3, 2), stride=(1, 3))}))
    np.testing.assert_array_equal(tensors["t"], values.T)


@pytest.mark.parametrize(
    "view",
    [
        {"shape": (7,), "stride": (1,)},
        {"shape": (2, 3), "stride": (3, 2)},
        {"offset": 1},
        {"offset": -1},
        {"shape": (2, 3), "stride": (-3, 1)},
        {"shape": (10**6, 10**6), "stride": (0, 0)},
        {"count": 10**15},
        {"count": -1},
    ],
)
def test_a_view_beyond_its_storage_is_refused(view):
    with pytest.raises(DataError, match="must be a PyTorch state dict"):
        parse_checkpoint(state_dict({"t": Tensor("1", np.arange(6, dtype="<f4").reshape(2, 3), **view)}))


class _Command:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("place", range(5))
def test_a_pickle_that_runs_a_command_is_refused_and_runs_nothing(place, tmp_path):
    victim = tmp_path / "victim"
    attack = pickle.dumps(_Command(os.system, f"touch {victim}"), protocol=2)
    pickle.loads(attack)  # noqa: S301  # The attack works, so that a refusal means something.
    assert victim.exists()
    victim.unlink()
    parts = [pickle.dumps(part, protocol=2) for part in (MAGIC_NUMBER, PROTOCOL, {}, OrderedDict(), [])]
    parts[place] = attack
    with pytest.raises(DataError, match=r"system is no tensor"):
        parse_checkpoint(b"".join(parts))
    assert not victim.exists()


@pytest.mark.parametrize(
    ("module", "name"), [("builtins", "eval"), ("numpy", "load"), ("torch", "load"), ("os", "system")]
)
def test_no_other_name_is_found(module, name):
    attack = b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"."
    with pytest.raises(DataError, match=f"{module}.{name} is no tensor"):
        parse_checkpoint(attack)


def test_another_format_is_refused():
    with pytest.raises(DataError, match="another format"):
        parse_checkpoint(state_dict({}, magic=1))


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(data):
    with pytest.raises(DataError):
        parse_checkpoint(data)


@given(st.integers(0, len(GOOD) - 1))
def test_a_truncated_file_is_refused(length):
    with pytest.raises(DataError):
        parse_checkpoint(GOOD[:length])


def test_nothing_is_unpickled_before_the_digest_matches(tmp_path):
    path, victim = tmp_path / "weights.pth", tmp_path / "victim"
    path.write_bytes(pickle.dumps(_Command(os.system, f"touch {victim}")))
    with pytest.raises(DataError, match=r"must have sha256 0000.* Received: .*weights\.pth with "):
        read_checkpoint(path, "0" * 64)
    assert not victim.exists()
    path.write_bytes(GOOD)
    assert list(read_checkpoint(path, hashlib.sha256(GOOD).hexdigest())) == ["a.weight"]
