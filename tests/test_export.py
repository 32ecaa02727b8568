"""Export: modules that run without this library, and go on as the compiled step does.

All modules run in one process in which the library cannot be imported.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.arrays import numpy as kernels
from tinygrad_lesson.compiler.numpy_code.gathering import Gathered
from tinygrad_lesson.errors import ArgumentError

F = nn.functional
STEPS = 20

ALONE = """
import json, sys
sys.modules["tinygrad_lesson"] = None  # importing it is an error
import numpy as np

for name in json.loads(sys.argv[1]):
    module = __import__(name)
    data = np.load(f"{name}_data.npz")
    arguments = [data[key] for key in sorted(data.files) if key.startswith("argument")]
    if "seeded" in data.files:
        module.seed(7)
    results = [module.step(*arguments) for _ in range(len(data["expected"]))]
    np.testing.assert_allclose(results, data["expected"], rtol=1e-12, atol=1e-14)
assert not any(key.startswith("tinygrad_lesson.") for key in sys.modules)
print("as expected")
"""


class Words(nn.Module):
    """Which word comes next, by a recurrent network or by attention."""

    def __init__(self, attention: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 8)
        self.attention = attention
        self.body: Any = (
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")
            if attention
            else nn.LSTM(8, 8, batch_first=True)
        )
        self.output = nn.Linear(8, 7)

    def forward(self, words: Tensor) -> Tensor:
        found = self.body(self.embedding(words))
        return self.output(found if self.attention else found[0])


def next_word(net: nn.Module, words: Tensor) -> Tensor:
    return F.cross_entropy(net(words[:, :-1]).reshape(-1, 7), words[:, 1:].reshape(-1))


def training(
    net: nn.Module, loss: Callable[..., Tensor], optimizer: Callable[..., Any]
) -> Callable[..., Tensor]:
    net.to(tl.float64)
    descent = optimizer(net.parameters())

    def step(*given: Tensor) -> Tensor:
        value = loss(net, *given)
        descent.zero_grad()
        value.backward()
        descent.step()
        return value

    return step


def classes(net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(net(x), y)


def cases() -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Steps, and their arguments."""
    tl.manual_seed(3)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 5)), rng.integers(0, 3, 8)
    words = rng.integers(0, 7, (3, 9))
    sgd = lambda p: tl.optim.SGD(p, lr=0.5)  # noqa: E731
    adam = lambda p: tl.optim.Adam(p, lr=0.01)  # noqa: E731
    lesson = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid())
    mlp = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 3))
    cnn = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
                        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 3))  # fmt: skip
    fixed = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.GELU(), nn.Dropout(0.5),
                          nn.Linear(6, 3)).to(tl.float64).eval()  # fmt: skip
    with tl.no_grad():
        fixed[1].running_mean += 0.5

    def forward(x: Tensor) -> Tensor:
        with tl.no_grad():
            return F.softmax(fixed(x), axis=-1)

    inputs, targets = rng.normal(size=(4, 3)), rng.uniform(size=(4, 1))
    images, kinds = rng.normal(size=(4, 1, 8, 8)), rng.integers(0, 3, 4)
    mse = lambda net, x, y: F.mse_loss(net(x), y)  # noqa: E731
    return {
        "lesson": (training(lesson, mse, sgd), (inputs, targets)),
        "mlp": (training(mlp, classes, adam), (x, y)),
        "cnn": (training(cnn, classes, sgd), (images, kinds)),
        "lstm": (training(Words(attention=False), next_word, adam), (words,)),
        "transformer": (training(Words(attention=True), next_word, adam), (words,)),
        "forward": (forward, (x,)),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exported modules, with arguments and what the compiled steps gave from there on."""
    path = tmp_path_factory.mktemp("exported")
    for name, (function, arguments) in cases().items():
        step = tl.compile(function)
        step.__dict__["function"].__name__ = "step"
        tensors = [Tensor(array) for array in arguments]
        for _ in range(3):
            step(*tensors)
        step.export(path / f"{name}.py")
        data = {f"argument{i}": array for i, array in enumerate(arguments)}
        if name in ("mlp", "transformer"):
            tl.manual_seed(7)
            data["seeded"] = np.array(True)
        expected = [np.asarray(step(*tensors).numpy()) for _ in range(STEPS)]
        np.savez(path / f"{name}_data.npz", expected=expected, **data)
    return path


def load(path: Path) -> ModuleType:
    """The exported module, in this process."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_modules_go_on_as_the_steps_do_without_the_library(folder: Path) -> None:
    names = json.dumps(["lesson", "mlp", "cnn", "lstm", "transformer", "forward"])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ALONE, names],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout == "as expected\n"


def test_nothing_of_this_library_is_imported(folder: Path) -> None:
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert all("tinygrad" not in alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                assert "tinygrad" not in str(node.module)


def test_the_docstring_says_how(folder: Path) -> None:
    doc = ast.get_docstring(ast.parse((folder / "mlp.py").read_text()))
    assert doc is not None
    for words in ("mlp.step(given_0, given_1)", "float64, shape (8, 5)", "int64, shape (8,)",
                  "mlp.npz",
                  "mlp.save()", "mlp.seed(0)"):  # fmt: skip
        assert words in doc
    doc = ast.get_docstring(ast.parse((folder / "forward.py").read_text()))
    assert doc is not None
    assert "save()" not in doc
    assert "leaves it as it is" in doc


def test_wrong_arguments(folder: Path) -> None:
    module = load(folder / "forward.py")
    with pytest.raises(ValueError, match=r"x has shape \(2, 5\)\. .* for \(8, 5\)"):
        module.step(np.ones((2, 5)))
    with pytest.raises(TypeError):
        module.step(np.ones((8, 5), complex))
    assert module.step(np.ones((8, 5), int).tolist()).shape == (8, 3)


def test_of_several_shapes_that_of_the_latest_call_is_exported(tmp_path: Path) -> None:
    step = tl.compile(lambda x: (x * 2).sum())
    for size in (3, 4):
        for _ in range(2):
            step(tl.ones(size))
    step(tl.ones(3))
    step.export(tmp_path / "three.py")
    step(tl.ones(4))
    step.export(tmp_path / "four.py")
    for size, name in ((3, "three"), (4, "four")):
        module = load(tmp_path / f"{name}.py")
        assert module.step(np.ones(size, np.float32)) == 2 * size
        with pytest.raises(ValueError, match=r"made for \(.,\): export another one"):
            module.step(np.ones(7 - size, np.float32))


def test_state_is_kept_in_the_module_and_its_file(tmp_path: Path) -> None:
    function, (x, y) = cases()["mlp"]
    step = tl.compile(function)
    for _ in range(2):
        step(Tensor(x), Tensor(y))
    step.export(tmp_path / "kept.py")
    module = load(tmp_path / "kept.py")
    assert module.state["lr"] == 0.01
    assert module.state["step_weight0"] == 2
    assert module.state["weight0"].shape == (6, 5)
    module.step(x, y)
    module.save()
    expected = [module.step(x, y) for _ in range(3)]
    again = load(tmp_path / "kept.py")
    assert again.state["step_weight0"] == 3
    assert type(again.state["step_weight0"]) is int
    assert type(again.state["lr"]) is float
    np.testing.assert_array_equal([again.step(x, y) for _ in range(3)], expected)
    again.load()
    np.testing.assert_array_equal([again.step(x, y) for _ in range(3)], expected)
    again.load()
    again.state["lr"] = 0.0
    before = again.state["weight0"]
    again.step(x, y)
    np.testing.assert_array_equal(again.state["weight0"], before)


def test_the_step_is_not_touched_by_what_its_module_does(tmp_path: Path) -> None:
    w = Tensor(np.ones(2), requires_grad=True)
    descent = tl.optim.SGD([w], lr=0.5)

    @tl.compile
    def step(x: Tensor) -> Tensor:
        loss = (w * x).sum()
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss

    x = Tensor(np.ones(2))
    step(x)
    step.export(tmp_path / "alone.py")
    module = load(tmp_path / "alone.py")
    for _ in range(3):
        module.step(np.ones(2))
    np.testing.assert_array_equal(w.numpy(), [0.5, 0.5])
    assert float(step(x)) == 1.0


def test_results_and_state_are_nobody_elses(tmp_path: Path) -> None:
    """Who writes into what it gave or got changes nothing of the state."""
    last = Tensor(np.zeros(2))

    @tl.compile
    def remember(x: Tensor) -> tuple[Tensor, Tensor]:
        before = last * 1
        last.assign(x)
        return before, last

    remember(Tensor(np.ones(2)))
    remember.export(tmp_path / "memory.py")
    module = load(tmp_path / "memory.py")
    x = np.array([3.0, 4.0])
    before, now = module.remember(x)
    np.testing.assert_array_equal(before, [1.0, 1.0])
    x[:] = -1
    now[:] = -2
    np.testing.assert_array_equal(module.remember(np.ones(2))[0], [3.0, 4.0])


def test_gradients_that_are_added_up(tmp_path: Path) -> None:
    w = Tensor(np.array([1.0, 2.0]), requires_grad=True)

    @tl.compile
    def accumulate(x: Tensor) -> Tensor:
        loss = (w * x).sum()
        loss.backward()
        return w.grad * 1

    x = Tensor(np.array([3.0, 4.0]))
    for _ in range(2):
        accumulate(x)
    accumulate.export(tmp_path / "added.py")
    np.testing.assert_array_equal(load(tmp_path / "added.py").accumulate(x.numpy()), [9.0, 12.0])


def test_nests_of_arguments_and_results(tmp_path: Path) -> None:
    @tl.compile
    def several(batch: dict[str, Any], scale: float) -> dict[str, Any]:
        x, (y,) = batch["x"], batch["more"]
        return {"sum": x + y, "both": (x * scale, [y.sum()]), "scale": scale, "none": None}

    x, y = np.arange(3.0), np.ones(3)
    several({"x": Tensor(x), "more": [Tensor(y)]}, 2.0)
    several.export(tmp_path / "nests.py")
    found = load(tmp_path / "nests.py").several(batch_x=x, batch_more_0=y)
    assert sorted(found) == ["both", "none", "scale", "sum"]
    np.testing.assert_array_equal(found["sum"], x + y)
    np.testing.assert_array_equal(found["both"][0], x * 2)
    assert found["both"][1] == [3.0]
    assert found["scale"] == 2.0
    assert found["none"] is None


@pytest.mark.parametrize("name", ["softmax", "state", "np", "print", "<lambda>", "class", "load"])
def test_names_that_the_module_needs_itself(name: str, tmp_path: Path) -> None:
    """A function or arguments that are called like a kernel or like what the module has."""
    step = tl.compile(lambda state, given, _n0, np, sum: F.softmax(state, axis=-1) * given + sum)
    step.__dict__["function"].__name__ = name
    arrays = [np.full((2, 3), 0.5), np.full((2, 3), 2.0), np.ones(1), np.ones(1), np.ones(1)]
    expected = step(*map(Tensor, arrays)).numpy()
    step.export(tmp_path / "named.py")
    module = load(tmp_path / "named.py")
    np.testing.assert_array_equal(module.step(*arrays), expected)


def test_large_constants_lie_in_the_file(tmp_path: Path) -> None:
    @tl.compile
    def shift(x: Tensor) -> Tensor:
        return x + Tensor(np.linspace(0, 1, 50))

    shift(Tensor(np.ones(50)))
    shift.export(tmp_path / "large.py")
    found = load(tmp_path / "large.py").shift(np.ones(50))
    np.testing.assert_array_equal(found, 1 + np.linspace(0, 1, 50))


# ---- what cannot be exported -------------------------------------------------------------


def test_a_schedule_is_python_code(tmp_path: Path) -> None:
    w = Tensor(np.ones(2), requires_grad=True)
    descent = tl.optim.SGD([w], lr=0.5)
    schedule = tl.optim.lr_scheduler.StepLR(descent, 2)

    @tl.compile
    def step(x: Tensor) -> Tensor:
        loss = (w * x).sum()
        descent.zero_grad()
        loss.backward()
        descent.step()
        schedule.step()
        return loss

    step(Tensor(np.ones(2)))
    with pytest.raises(ArgumentError, match=r"schedule.*state\['lr'\]"):
        step.export(tmp_path / "step.py")


def test_what_else_cannot_be_exported(tmp_path: Path) -> None:
    double = tl.compile(lambda x: 2 * x)
    with pytest.raises(ArgumentError, match="Call it once"):
        double.export(tmp_path / "double.py")
    double(Tensor([1.0]))
    with pytest.raises(ArgumentError, match="no module"):
        double.export(tmp_path / "double.txt")
    with pytest.raises(ArgumentError, match="no module"):
        double.export(tmp_path / "my-step.py")

    @tl.compile
    def change(x: Tensor) -> None:
        x.assign(x + 1)

    change(Tensor([1.0]))
    with pytest.raises(ArgumentError, match="changes its argument"):
        change.export(tmp_path / "change.py")
    assert not list(tmp_path.iterdir())


def test_a_step_that_would_go_on_otherwise_says_so(tmp_path: Path) -> None:
    """A setting that the step decides by is looked at in the module, too."""
    w = Tensor(np.ones(2), requires_grad=True)
    descent = tl.optim.SGD([w], lr=0.5)

    @tl.compile
    def step(x: Tensor) -> Tensor:
        loss = (w * x).sum()
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss

    step(Tensor(np.ones(2)))
    step.export(tmp_path / "decided.py")
    module = load(tmp_path / "decided.py")
    module.state["weight_decay"] = 0.1
    with pytest.raises(RuntimeError, match="export it again"):
        module.step(np.ones(2))


# ---- the source of kernels ---------------------------------------------------------------


def test_every_kernel_can_be_gathered() -> None:
    """All at once, in one module: no name is missing, and none stands for two things."""
    own = [
        name
        for name, kernel in vars(kernels).items()
        if not name.startswith("_") and callable(kernel) and getattr(np, name, None) is not kernel
        and not hasattr(builtins, name)
    ]  # fmt: skip
    gathered = Gathered(own, ())
    source = "\n\n".join(
        ["from __future__ import annotations", *gathered.imports, *gathered.definitions]
    )
    assert "tinygrad_lesson" not in source
    names: dict[str, Any] = {"__name__": "gathered"}
    exec(compile(source, "gathered", "exec"), names)
    x = np.random.default_rng(0).normal(size=(3, 4))
    for name in ("softmax", "log_softmax", "gelu", "logsumexp", "sort", "digamma"):
        np.testing.assert_array_equal(names[name](x), getattr(kernels, name)(x))
    image, weight = np.random.default_rng(1).normal(size=(2, 2, 6, 6)), np.ones((3, 2, 3, 3))
    given = (image, weight, (1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    np.testing.assert_array_equal(names["conv"](*given), kernels.conv(*given))


def test_names_are_changed_only_where_they_mean_something_else() -> None:
    gathered = Gathered(["softmax", "logsumexp"], ())
    source = "\n".join(gathered.definitions)
    assert "def max_reduction(x" in source  # Python has another `max`
    assert "keepdims=True" in source
    assert "def softmax(x" in source


# ---- loops ------------------------------------------------------------------------------


def counter() -> tuple[Any, Tensor]:
    w = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    descent = tl.optim.SGD([w], lr=0.1, momentum=0.5)

    @tl.compile
    def step(x: Tensor) -> Tensor:
        loss = ((w * x) ** 2).sum()
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss

    return step, w


def test_repeat_is_a_loop() -> None:
    x = Tensor(np.array([1.0, 0.5]))
    one, v = counter()
    other, w = counter()
    for _ in range(5):
        expected = one(x)
    same = other.repeat(5, x)
    assert float(same) == float(expected)
    np.testing.assert_array_equal(w.numpy(), v.numpy())


@pytest.mark.parametrize("n", [0, -1, 1.5, True])
def test_repeat_needs_a_number_of_steps(n: Any) -> None:
    step, _ = counter()
    with pytest.raises(ArgumentError, match="no number of steps"):
        step.repeat(n, Tensor([1.0]))


def test_scan_is_a_loop() -> None:
    rows = np.random.default_rng(0).normal(size=(6, 2))
    one, v = counter()
    other, w = counter()
    expected = [float(one(Tensor(row))) for row in rows]
    np.testing.assert_array_equal(other.scan(Tensor(rows)).numpy(), expected)
    np.testing.assert_array_equal(w.numpy(), v.numpy())


def test_scan_of_nests() -> None:
    @tl.compile
    def pair(batch: dict[str, Tensor], scale: int) -> tuple[Tensor, dict[str, Any]]:
        return batch["x"] * scale, {"sum": batch["y"].sum(), "scale": scale}

    x, y = np.arange(6.0).reshape(3, 2), np.arange(12.0).reshape(3, 4)
    product, more = pair.scan({"x": Tensor(x), "y": y}, 2)
    np.testing.assert_array_equal(product.numpy(), x * 2)
    np.testing.assert_array_equal(more["sum"].numpy(), y.sum(axis=1))
    np.testing.assert_array_equal(more["scale"].numpy(), [2, 2, 2])


def test_what_scan_refuses() -> None:
    double = tl.compile(lambda x, y: 2 * x)
    for given in (([1.0], [1.0, 2.0]), (1.0, [1.0]), ([], [])):
        with pytest.raises(tl.errors.ShapeError, match="leading axis"):
            double.scan(*(Tensor(np.array(x)) for x in given))
    with pytest.raises(tl.errors.ShapeError, match="no tensors"):
        double.scan(1, 2)
    with pytest.raises(ArgumentError, match="cannot be stacked"):
        tl.compile(lambda x: "word").scan(Tensor([1.0]))
