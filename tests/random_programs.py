"""Random programs of the ops of the registry, and of what users write besides.

A program is a list of steps, each with the places of its inputs, grown from a seed by trying one
after the other on what is there; what is refused is not taken. Inputs are of all dtypes, lie in
memory in all ways, have no axes, empty ones or odd lengths, and hold NaN, infinities, signed zeros
and denormals. Half of the programs go on to gradients, some of those to gradients of gradients, and
some keep tensors from one run to the next, or train modules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, optim
from tinygrad_lesson.errors import TinygradError
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Sample, calls

from .random_pieces import PIECES, Step, made

SHAPED = {
    "flatnonzero", "nonzero", "argwhere", "masked_select", "unique_places", "unique_all",
    "unique_counts", "unique_inverse", "unique_values", "repeat", "sum_repeated",
}  # fmt: skip
"""Their shapes depend on numbers: they cannot be compiled."""

UNWRITTEN = {"empty_like"}
"""Its numbers are anything."""

DTYPES = ("f8", "f8", "f8", "f4", "f4", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "u2", "u8",
          "?")  # fmt: skip
SHAPES = (
    (), (1,), (3,), (4,), (3, 4), (1, 4), (3, 1), (4, 3), (2, 3, 4), (0,), (0, 3), (2, 2), (17,),
    (5, 7), (2, 33), (3, 1, 5), (4, 67),
)  # fmt: skip
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e300, -1.0, 1.0, 0.5)
LARGE = ((300, 40), (70, 130), (2049,), (3, 700), (700, 3), (2, 3, 17, 19))
LARGEST = 1000
"""Of programs without large inputs."""

OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True}, "Adam": {"lr": 0.1, "amsgrad": True},
    "AdamW": {"lr": 0.1}, "NAdam": {}, "RAdam": {"lr": 0.1}, "Adagrad": {"lr": 0.1},
    "RMSprop": {"momentum": 0.5, "centered": True}, "Adadelta": {}, "Lion": {"lr": 0.01},
}  # fmt: skip

FINITE = (
    "svd",
    "pinv",
    "rank",
    "cond",
    "lstsq",
    "norm",
    "eig",
    "solve",
    "inv",
    "det",
    "matrix",
    "qr",
)
"""Ops with these in their names get no NaN and no infinities: LAPACK may go on forever; nor others
than they were given at first, which they might refuse."""

ELEMENTWISE = [
    op for op in REGISTRY.values()
    if op.kind.name == "elementwise" and op.name not in SHAPED | UNWRITTEN and not op.required
]  # fmt: skip
SAMPLED = [
    (op, call)
    for op in REGISTRY.values()
    if op.name not in SHAPED | UNWRITTEN
    for call in calls(op.samples)
]


def needs_finite(name: str) -> bool:
    """Whether an op must not be given NaN or infinities."""
    return any(part in name for part in FINITE)


class Kept:
    """What a program finds outside itself, and leaves there, as it is at first.

    Attributes
    ----------
    held
        Tensors that results are assigned to.
    modules
        Parameters and running statistics.
    """

    def __init__(self, program: Program) -> None:
        self.held = [Tensor(start) for _, start in program.held]
        self.generator = np.random.default_rng(program.seed)
        pairs = enumerate(program.modules)
        self.modules = [made(number, size, place) for place, (number, size) in pairs]
        parameters = [x for module in self.modules for x in module.parameters()]
        make = getattr(optim, program.optimizer or "SGD")
        settings = OPTIMIZERS[program.optimizer or "SGD"]
        self.optimizer = make(parameters, **settings) if program.optimizer else None
        if self.optimizer is not None:  # its moments are there from the first step on
            program.run(map(Tensor, program.arrays), self)
            self.optimizer.zero_grad()

    def tensors(self) -> Iterator[Tensor]:
        """All there is."""
        yield from self.held
        for module in self.modules:
            yield from module.parameters()
            yield from (buffer for _, buffer in module.named_buffers())

    def train(self, results: list[Any]) -> None:
        """A step of the optimizer."""
        ends = [tl.mean(tl.tanh(x)) for x in results if x.requires_grad]
        if self.optimizer is not None and ends:
            self.optimizer.zero_grad()
            sum(ends[1:], ends[0]).backward()
            self.optimizer.step()

    def between(self, call: int) -> None:
        """What the user does before a call."""
        if self.optimizer is not None and call == 2:
            self.optimizer.param_groups[0]["lr"] *= 0.5


class Program:
    """Inputs, the ops on them, and which results and gradients to give back.

    Parameters
    ----------
    seed
        Decides about everything.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.rng = seed, np.random.default_rng(seed)
        self.largest = 20 * LARGEST if self.rng.random() < 0.06 else LARGEST
        self.arrays: list[np.ndarray] = []
        self.steps: list[Step] = []
        self.grown: list[tuple[int, int | None]] = []
        self.values: list[Any] = []
        self.modules: list[tuple[int, int]] = []
        self.held: list[tuple[int, np.ndarray]] = []
        self.optimizer = ""
        self._growing = Kept(self)
        for _ in range(self.rng.integers(1, 4)):
            self.enter(self.array())
        for _ in range(self.rng.integers(3, 25)):
            self.grow()
        used = {x for step in self.steps for x in step.inputs if isinstance(x, int)}
        self.results = [i for i in range(len(self.values)) if i not in used]
        some = self.rng.integers(0, len(self.values), 2).tolist()
        self.results = sorted({*self.results, *some})
        self.held = self.keeps()
        wanted = self.pick((0, 0, 0, 1, 1, 2))
        if self.modules and self.rng.random() < 0.6:
            self.optimizer, wanted = self.pick(tuple(OPTIMIZERS)), 0
        self.order = next(n for n in range(wanted, -1, -1) if n == 0 or self.has_gradients(n))

    # ---- growing -----------------------------------------------------------------------------

    def pick(self, items: Any) -> Any:
        return items[self.rng.integers(len(items))]

    def array(self, shape: Any = None, dtype: Any = None) -> np.ndarray:
        """Numbers of all kinds, which need not lie in order."""
        array = self.numbers(shape, dtype)
        if self.rng.random() < 0.8 or not array.ndim:
            return array
        return self.pick(LAYOUTS)(array)  # type: ignore[no-any-return]

    def numbers(self, shape: Any = None, dtype: Any = None) -> np.ndarray:
        if shape is None:
            large = self.largest > LARGEST and self.rng.random() < 0.5
            shape = self.pick(LARGE if large else SHAPES)
        dtype = np.dtype(self.pick(DTYPES) if dtype is None else dtype)
        if dtype.kind == "b":
            return np.asarray(self.rng.random(shape) < 0.5)
        if dtype.kind in "iu":
            low = 0 if dtype.kind == "u" else -5
            return np.asarray(self.rng.integers(low, 9, shape), dtype)
        numbers = self.rng.normal(size=shape) * self.pick((0.5, 1.0, 3.0))
        if self.rng.random() < 0.3:
            mask = self.rng.random(shape) < 0.3
            numbers = np.where(mask, self.rng.choice(SPECIAL, shape), numbers)
        with np.errstate(all="ignore"):
            return np.asarray(numbers).astype(dtype)

    def enter(self, array: np.ndarray) -> int:
        """One more input."""
        place = len(self.values)
        self.arrays.append(array)
        self.grown.append((place, None))
        self.values.append(Tensor(array))
        return place

    def grow(self) -> None:
        """Add an op, if one of several tries is taken."""
        for _ in range(6):
            how = self.rng.random()
            lists: list[list[Any]] = [
                self.values, self.arrays, self.grown, self.modules, self._growing.modules,
            ]  # fmt: skip
            before = [*map(len, lists)]
            try:
                if how < 0.35:
                    step = self.elementwise()
                elif how < 0.65:
                    step = self.structural()
                elif how < 0.8:
                    step = self.sampled()
                else:
                    step = self.pick(PIECES)(self)
                results = step.run(self.values, self._growing)
            except (TinygradError, ValueError, TypeError, IndexError, OverflowError):
                results = []
            if results and all(x.size <= self.largest for x in results):
                self.steps.append(step)
                for x in results:
                    self.grown.append((len(self.values), len(self.steps) - 1))
                    self.values.append(x)
                return
            for some, length in zip(lists, before, strict=True):
                del some[length:]

    def some(self, kinds: str = "fiub") -> int:
        """A value, a late one rather than an early one."""
        places = [i for i, v in enumerate(self.values) if v.dtype.kind in kinds]
        if not places:
            return self.enter(self.array(dtype="f8" if "f" in kinds else "i8"))
        late = max(len(places) - 1 - int(self.rng.exponential(3.0)), 0)
        return places[late]

    def of_axes(self, count: int, dtype: Any = None) -> int:
        """Floats with so many axes, none of them empty: a value, or one more input."""
        fits = [
            i for i, v in enumerate(self.values)
            if v.ndim == count and v.dtype.kind == "f" and v.size
            and (dtype is None or v.dtype == dtype)
        ]  # fmt: skip
        if fits and self.rng.random() < 0.6:
            return self.pick(fits)  # type: ignore[no-any-return]
        shape = tuple(self.rng.integers(1, 7, count).tolist())
        return self.enter(self.array(shape, dtype or self.pick(("f4", "f8"))))

    def keep(self, number: int, size: int) -> int:
        """One more module."""
        self.modules.append((number, size))
        self._growing.modules.append(made(number, size, len(self.modules) - 1))
        return len(self.modules) - 1

    def elementwise(self) -> Step:
        op = self.pick(ELEMENTWISE)
        inputs: list[Any] = []
        for i in range(len(op.arrays)):
            if i == len(op.arrays) - 1 and i and self.rng.random() < 0.4:
                inputs.append((self.pick((0.5, 2, -1.5, 0, 1, True, 1e-3, -0.0)),))
            else:
                inputs.append(self.some("f" if self.rng.random() < 0.6 else "fiub"))
        return call_of(op, tuple(inputs), {})

    def sampled(self) -> Step:
        """A call as the registry has it, on new inputs and, where one fits, on what is there."""
        op, call = self.pick(SAMPLED)
        assert isinstance(call, Sample)
        dtype = self.pick(("f8", "f8", "f4"))
        inputs = []
        for domain, array in zip(call.inputs, call.draw(self.rng, np.dtype(dtype)), strict=True):
            fits = [
                i for i, v in enumerate(self.values)
                if v.shape == array.shape and v.dtype == array.dtype and domain.kind == "f"
                and (not needs_finite(op.name) or np.isfinite(v.numpy()).all())
            ]  # fmt: skip
            reuse = fits and not domain.dominant and self.rng.random() < 0.5
            inputs.append(self.pick(fits) if reuse else self.enter(array))
        return call_of(op, tuple(inputs), dict(call.params))

    def structural(self) -> Step:
        """Reductions, views, indexing, joining and products, with parameters for what is there."""
        x = self.some()
        shape = self.values[x].shape
        ndim = len(shape)
        axis = int(self.rng.integers(-ndim, ndim)) if ndim else None
        name = self.pick(STRUCTURAL)
        op = REGISTRY[name]
        if name in REDUCTIONS:
            axes = tuple(np.flatnonzero(self.rng.random(ndim) < 0.5).tolist())
            some = self.pick((None, axis, axis, axes if name not in ALONG_ONE else axis))
            return call_of(op, (x,), {"axis": some, "keepdims": bool(self.rng.random() < 0.5)})
        if name in ALONG:
            return call_of(op, (x,), {"axis": axis})
        if name == "reshape":
            size = self.values[x].size
            cut = [n for n in (1, 2, 3, 4) if size % n == 0]
            first = self.pick(cut)
            return call_of(
                op, (x,), {"shape": self.pick(((-1,), (first, size // first), shape[::-1]))}
            )
        if name == "permute_dims":
            return call_of(op, (x,), {"axes": tuple(self.rng.permutation(ndim).tolist())})
        if name == "expand_dims":
            return call_of(op, (x,), {"axis": int(self.rng.integers(-ndim - 1, ndim + 1))})
        if name == "squeeze":
            ones = [i for i, n in enumerate(shape) if n == 1]
            return call_of(op, (x,), {"axis": self.pick(ones) if ones else axis})
        if name == "broadcast_to":
            return call_of(op, (x,), {"shape": (*self.pick(((2,), (), (0,), (1, 3))), *shape)})
        if name == "roll":
            return call_of(op, (x,), {"shift": int(self.rng.integers(-3, 4)), "axis": axis})
        if name == "astype":
            return call_of(op, (x,), {"dtype": np.dtype(self.pick(DTYPES))})
        if name == "getitem":
            return self.indexed(x, shape)
        if name in ("concat", "stack"):
            return call_of(op, (x, self.some(), x), {"axis": axis or 0})
        if name == "where":
            return call_of(op, (self.some("b"), x, self.some()), {})
        if name == "add_at" and ndim:
            index = self.enter(self.rng.integers(-3, 3, shape[:1]))
            params = {"index": (tl.arrays.SLOT,), "shape": (3, *shape[1:])}
            return call_of(op, (x, index), params)
        if name == "take":
            index = self.enter(self.rng.integers(0, max(shape[axis], 1) if axis is not None else 1,
                                                 self.pick(((2,), (), (2, 2), (0,)))))  # fmt: skip
            return call_of(op, (x, index), {"axis": axis})
        if name == "matmul" and ndim and self.rng.random() < 0.7:
            other = self.array((shape[-1], self.pick((1, 3, 5))), self.values[x].dtype)
            return call_of(op, (x, self.enter(other)), {})
        return call_of(op, (x, self.some()), {})

    def indexed(self, x: int, shape: tuple[int, ...]) -> Step:
        index: list[Any] = []
        arrays: list[int] = []
        for n in shape[: int(self.rng.integers(0, len(shape) + 1))]:
            how = self.rng.random()
            if how < 0.3 and n:
                index.append(int(self.rng.integers(-n, n)))
            elif how < 0.8:
                ends = self.rng.integers(-n - 1, n + 2, 2).tolist()
                index.append(slice(self.pick((None, ends[0])), self.pick((None, ends[1])),
                                   self.pick((None, 1, 2, -1))))  # fmt: skip
            elif how < 0.9 or not n:
                index += [None, slice(None)]
            else:
                index.append(tl.arrays.SLOT)
                arrays.append(self.enter(self.rng.integers(-n, n, self.pick(((2,), (3,), ())))))
        return call_of(
            REGISTRY["getitem"], (x, *arrays), {"index": (*index, *self.pick(((), (...,))))}
        )

    def keeps(self) -> list[tuple[int, np.ndarray]]:
        """Some results that are assigned to tensors from outside, and what those hold at first."""
        floats = [i for i in self.results if self.values[i].dtype.kind == "f"]
        if self.rng.random() < 0.7 or not floats:
            return []
        place = self.pick(floats)
        value = self.values[place]
        return [(place, self.array(value.shape, value.dtype))]

    def has_gradients(self, order: int) -> bool:
        try:
            self.run(map(Tensor, self.arrays), Kept(self), order)
        except (TinygradError, ValueError):
            return False
        return True

    def others(self) -> list[np.ndarray]:
        """Other inputs of the same shapes and dtypes; integers stay, since they may be places."""
        if any(needs_finite(step.name) for step in self.steps):
            return self.arrays
        return [a if a.dtype.kind in "iu" else self.array(a.shape, a.dtype) for a in self.arrays]

    # ---- running -----------------------------------------------------------------------------

    def run(self, inputs: Any, kept: Kept, order: int | None = None) -> list[Any]:
        """Results; gradients of the sum of those that have some; gradients of their sum."""
        given = iter(inputs)
        values: list[Tensor] = []
        leaves: list[Tensor] = []
        order = self.order if order is None else order
        done = -1
        for _, number in self.grown:
            if number is None:
                values.append(self.entered(next(given), order > 0, leaves))
            elif number != done:
                values += self.steps[number].run(values, kept)
                done = number
        results = [values[i] for i in self.results]
        for tensor, (place, _) in zip(kept.held, self.held, strict=True):
            results.append(tensor * 2.0)
            tensor.assign(values[place].detach())
        kept.train(results)
        ends = [x for x in results if x.requires_grad]
        found: list[Any] = []
        for more in range(order - 1, -1, -1):
            if ends:
                ones = [tl.ones_like(x.detach()) for x in ends]
                grads = autograd.grad(ends, leaves, ones, None, more > 0, allow_unused=True)
                found += grads
                ends = [x for x in grads if x is not None and x.requires_grad]
        return [None if x is None else x.detach() for x in (*results, *found)]

    def entered(self, x: Tensor, differentiated: bool, leaves: list[Tensor]) -> Tensor:
        if differentiated and x.dtype.kind == "f":
            x = x.detach()
            x.requires_grad = True
            leaves.append(x)
        return x

    def __str__(self) -> str:
        names = [f"{a.dtype}{list(a.shape)}" for a in self.arrays]
        lines = [f"inputs {', '.join(names)}; gradients of order {self.order} {self.optimizer}"]
        for place, number in self.grown:
            lines.append(f"v{place} = {'input' if number is None else self.steps[number]}")
        return "\n".join([*lines, f"return {self.results}, keep {[p for p, _ in self.held]}"])


def call_of(op: Op[...], inputs: tuple[int | tuple[Any, ...], ...], params: dict[str, Any]) -> Step:
    """A call of an op of the registry."""
    return Step(op.name, op.record, inputs, params)


LAYOUTS = (
    lambda x: np.array(x.T, order="C").T,
    np.flip,
    lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    lambda x: np.broadcast_to(x[..., :1], x.shape),
    lambda x: np.array(np.swapaxes(x, 0, -1), order="C").swapaxes(0, -1)[::-1],
)
"""The same numbers, or some of them, laid out in memory in other ways."""

REDUCTIONS = ("sum", "mean", "max", "min", "prod", "any", "all", "argmax", "argmin", "var")
ALONG_ONE = ("argmax", "argmin")
ALONG = (
    "cumulative_sum", "cumulative_prod", "cumulative_max", "flip", "sort", "argsort", "softmax",
    "log_softmax",
)  # fmt: skip
STRUCTURAL = [
    *REDUCTIONS, *REDUCTIONS[:4], *ALONG, *("reshape", "getitem", "matmul") * 3, "permute_dims",
    "permute_dims", "expand_dims", "squeeze", "broadcast_to", "broadcast_to", "roll", "astype",
    "astype", "concat", "stack", "where", "where", "take", "add_at", "outer",
]  # fmt: skip
