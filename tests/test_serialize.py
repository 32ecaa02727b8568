"""Saving and loading: what was saved comes back, and what is damaged does no harm."""

from __future__ import annotations

import json
import math
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim, serialize
from tinygrad_lesson.errors import FileFormatError, MissingDependencyError, SerializationError

NUMBERS = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.float16, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=4),
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | NUMBERS
    | NUMBERS.map(Tensor)
)  # fmt: skip
NESTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
)


def alike(a: object, b: object) -> bool:
    if isinstance(a, Tensor | np.ndarray):
        x, y = np.asarray(a), np.asarray(b)
        return type(a) is type(b) and x.dtype == y.dtype and x.tobytes() == y.tobytes()
    if isinstance(a, dict):
        return list(a) == list(b) and all(alike(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(alike, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


@given(NESTS)
def test_any_nest_comes_back(tmp_path_factory: pytest.TempPathFactory, state: object) -> None:
    path = tmp_path_factory.mktemp("nest") / "state.npz"
    tl.save(state, path)
    assert alike(tl.load(path), state)


def training(steps: int, resume_at: Path | None = None, save_at: int | None = None) -> list[bytes]:
    """Train with dropout-like noise, momentum and a schedule; the weights after each step."""
    generator = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(3, 8, generator=generator), nn.Tanh(), nn.Linear(8, 1, generator=generator)
    )
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    x, y = np.random.default_rng(1).normal(size=(2, 16, 3)).astype("f4")
    start = 0
    if resume_at is not None and resume_at.exists():
        state = tl.load(resume_at)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        generator.bit_generator.state = state["generator"]
        start = state["step"]
    weights = []
    for step in range(start, steps):
        noisy = x + generator.normal(size=x.shape).astype("f4")
        optimizer.zero_grad()
        nn.functional.mse_loss(model(noisy), y[:, :1]).backward()
        optimizer.step()
        schedule.step()
        weights.append(b"".join(p.numpy().tobytes() for p in model.parameters()))
        if step + 1 == save_at and resume_at is not None:
            state = {
                "model": model.state_dict(), "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(), "generator": generator.bit_generator.state,
                "step": step + 1,
            }  # fmt: skip
            tl.save(state, resume_at)
    return weights


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path: Path) -> None:
    whole = training(12)
    first = training(5, tmp_path / "run.npz", save_at=5)
    assert [*first, *training(12, tmp_path / "run.npz")] == whole


def test_the_file_is_plain_numpy(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3))
    tl.save(model.state_dict(), tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["0.weight"], model[0].weight.numpy())


def test_arrays_saved_by_numpy_can_be_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "foreign.npz", weight=np.ones((3, 2), "f4"), bias=np.zeros(3, "f4"))
    nn.Linear(2, 3).load_state_dict(tl.load(tmp_path / "foreign.npz"))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "state.npz"
    tl.save({"w": Tensor(np.arange(1000.0)), "epoch": 3}, path)
    return path


def test_wherever_the_file_is_cut_off_the_error_is_clear(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in range(0, len(whole), 97):
        saved.write_bytes(whole[:length])
        with pytest.raises(FileFormatError, match=r"\[load\] .*damaged"):
            tl.load(saved)


def test_whichever_byte_is_damaged_nothing_wrong_is_loaded(saved: Path) -> None:
    whole, right = saved.read_bytes(), tl.load(saved)
    for place in range(0, len(whole), 61):
        saved.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            loaded = tl.load(saved)
        except FileFormatError:
            continue
        assert alike(loaded, right)


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip at all", b"\x80\x04K\x01."])
def test_foreign_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises(FileFormatError):
        tl.load(path)


class Bomb:
    def __reduce__(self) -> tuple:
        return os.mkdir, ("exploded",)


def test_nothing_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("bomb.npz", bomb=np.array([Bomb()], object))
    with zipfile.ZipFile("other.npz", "w") as archive:
        archive.writestr("bomb.npy", pickle.dumps(Bomb()))
    for name in ("bomb.npz", "other.npz"):
        with pytest.raises(FileFormatError):
            tl.load(name)
    assert not Path("exploded").exists()


def test_a_later_version_is_refused(saved: Path) -> None:
    with zipfile.ZipFile(saved, "w") as archive:
        archive.writestr("structure.json", json.dumps({"tinygrad_lesson": 99, "state": 1}))
    with pytest.raises(FileFormatError, match="later version"):
        tl.load(saved)


def test_a_crash_while_saving_leaves_the_old_file(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(serialize.os, "fsync", crash)
    with pytest.raises(OSError, match="no space left"):
        tl.save({"epoch": 4}, saved)
    assert tl.load(saved)["epoch"] == 3
    assert [path.name for path in saved.parent.iterdir()] == ["state.npz"]


@pytest.mark.parametrize(
    ("state", "name", "message"),
    [
        ({"f": max}, "s.npz", r"f is a builtin_function_or_method"),
        ({"a": {"b": [1, {2}]}}, "s.npz", r"a.b.1 is a set"),
        ({(1, 2): 3}, "s.npz", r"has the key \(1, 2\)"),
        (np.array(["a"]), "s.npz", "the state holds <U1"),
        ({}, "s.pt", r"the name 's.pt' does not say how"),
        ({}, "missing/s.npz", r"the folder .*missing cannot be written to"),
        ({"a": 1}, "s.safetensors", "a flat dict of tensors and nothing else"),
    ],
)
def test_what_cannot_be_saved(tmp_path: Path, state: object, name: str, message: str) -> None:
    with pytest.raises(SerializationError, match=message):
        tl.save(state, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["none.npz", "none.safetensors"])
def test_a_file_that_does_not_exist(tmp_path: Path, name: str) -> None:
    if name.endswith("safetensors"):
        pytest.importorskip("safetensors")
    with pytest.raises(FileNotFoundError, match=r"\[load\] .*none"):
        tl.load(tmp_path / name)


def test_nan_and_infinity_are_numbers(tmp_path: Path) -> None:
    tl.save([math.nan, math.inf], tmp_path / "s.npz")
    assert tl.load(tmp_path / "s.npz")[1] == math.inf


# ---- safetensors -------------------------------------------------------------------------


def test_safetensors_there_and_back(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    tl.save(model.state_dict(), tmp_path / "m.safetensors")
    loaded = tl.load(tmp_path / "m.safetensors")
    assert alike({name: loaded[name] for name in model.state_dict()}, model.state_dict())
    whole = (tmp_path / "m.safetensors").read_bytes()
    for length in (0, 5, 30, len(whole) - 1):
        (tmp_path / "m.safetensors").write_bytes(whole[:length])
        with pytest.raises(FileFormatError):
            tl.load(tmp_path / "m.safetensors")


@pytest.mark.oracle
def test_pytorch_reads_ours_and_we_read_pytorchs(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    ours, theirs = nn.Linear(2, 3), torch.nn.Linear(2, 3)
    safetensors.save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    ours.load_state_dict(tl.load(tmp_path / "theirs.safetensors"))
    np.testing.assert_array_equal(ours.weight.numpy(), theirs.weight.detach().numpy())
    tl.save({k: v * 2 for k, v in ours.state_dict().items()}, tmp_path / "ours.safetensors")
    theirs.load_state_dict(safetensors.load_file(tmp_path / "ours.safetensors"))
    np.testing.assert_array_equal(theirs.bias.detach().numpy(), 2 * ours.bias.numpy())


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    with pytest.raises(MissingDependencyError, match=r"pip install \"tinygrad_lesson\[io\]\""):
        tl.save({}, tmp_path / "m.safetensors")
