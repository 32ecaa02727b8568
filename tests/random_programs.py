"""Random programs of the ops of the registry.

A program is a list of ops, each with the places of its inputs, grown from a seed by trying op after
op on what is there; what an op refuses is not taken. Inputs are of all dtypes, lie in memory in all
ways, have no axes, empty ones or odd lengths, and hold NaN, infinities, signed zeros and denormals.
Half of the programs go on to gradients, some of those to gradients of gradients, and some keep a
tensor from one run to the next.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd
from tinygrad_lesson.errors import TinygradError
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Sample, calls

SHAPED = {
    "flatnonzero", "nonzero", "argwhere", "masked_select", "unique_places", "unique_all",
    "unique_counts", "unique_inverse", "unique_values", "repeat", "sum_repeated",
}  # fmt: skip
"""Their shapes depend on numbers: they cannot be compiled."""

UNWRITTEN = {"empty_like"}
"""Its numbers are anything."""

DTYPES = ("f8", "f8", "f8", "f4", "f4", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "?")
SHAPES = (
    (), (1,), (3,), (4,), (3, 4), (1, 4), (3, 1), (4, 3), (2, 3, 4), (0,), (0, 3), (2, 2), (17,),
    (5, 7), (2, 33), (3, 1, 5), (4, 67),
)  # fmt: skip
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e300, -1.0, 1.0, 0.5)
LARGEST = 1000

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


def needs_finite(op: Op[...]) -> bool:
    """Whether an op must not be given NaN or infinities."""
    return any(part in op.name for part in FINITE)


class Step(NamedTuple):
    """An op, the places of its inputs (or numbers of Python's), and its parameters."""

    op: Op[...]
    inputs: tuple[int | tuple[Any], ...]
    params: dict[str, Any]

    def __repr__(self) -> str:
        given = [f"v{x}" if isinstance(x, int) else repr(x[0]) for x in self.inputs]
        given += [f"{k}={v!r}" for k, v in self.params.items()]
        return f"{self.op.name}({', '.join(given)})"

    def run(self, values: list[Any]) -> list[Tensor]:
        args = [values[x] if isinstance(x, int) else x[0] for x in self.inputs]
        out = self.op.record(*args, **self.params)
        return [out] if isinstance(out, Tensor) else [x for x in out if isinstance(x, Tensor)]


class Program:
    """Inputs, the ops on them, and which results and gradients to give back.

    Parameters
    ----------
    seed
        Decides about everything.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.arrays: list[np.ndarray] = []
        self.steps: list[Step] = []
        self.grown: list[tuple[int, int | None]] = []
        self.values: list[Any] = []
        for _ in range(self.rng.integers(1, 4)):
            self.enter(self.array())
        for _ in range(self.rng.integers(3, 31)):
            self.grow()
        used = {x for step in self.steps for x in step.inputs if isinstance(x, int)}
        self.results = [i for i in range(len(self.values)) if i not in used]
        some = self.rng.integers(0, len(self.values), 2).tolist()
        self.results = sorted({*self.results, *some})
        self.held = self.keeps()
        wanted = self.pick((0, 0, 0, 1, 1, 2))
        self.order = next(n for n in range(wanted, -1, -1) if n == 0 or self.has_gradients(n))

    # ---- growing -----------------------------------------------------------------------------

    def pick(self, items: Any) -> Any:
        return items[self.rng.integers(len(items))]

    def array(self, shape: Any = None, dtype: Any = None) -> np.ndarray:
        """Numbers of all kinds, which need not lie in order."""
        array = self.numbers(shape, dtype)
        if self.rng.random() < 0.8:
            return array
        return np.array(array.T, order="C").T if self.rng.random() < 0.5 else np.flip(array)

    def numbers(self, shape: Any = None, dtype: Any = None) -> np.ndarray:
        shape = self.pick(SHAPES) if shape is None else shape
        dtype = np.dtype(self.pick(DTYPES) if dtype is None else dtype)
        if dtype.kind == "b":
            return self.rng.random(shape) < 0.5
        if dtype.kind in "iu":
            low = 0 if dtype.kind == "u" else -5
            return self.rng.integers(low, 9, shape).astype(dtype)
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
            before = len(self.values), len(self.arrays), len(self.grown)
            if how < 0.45:
                step = self.elementwise()
            elif how < 0.8:
                step = self.structural()
            else:
                step = self.sampled()
            try:
                results = step.run(self.values)
            except (TinygradError, ValueError, TypeError, IndexError, OverflowError):
                results = []
            if results and all(x.size <= LARGEST for x in results):
                self.steps.append(step)
                for x in results:
                    self.grown.append((len(self.values), len(self.steps) - 1))
                    self.values.append(x)
                return
            del self.values[before[0] :], self.arrays[before[1] :], self.grown[before[2] :]

    def some(self, kinds: str = "fiub") -> int:
        """A value, a late one rather than an early one."""
        places = [i for i, v in enumerate(self.values) if v.dtype.kind in kinds]
        if not places:
            return self.enter(self.array(dtype="f8" if "f" in kinds else "i8"))
        late = max(len(places) - 1 - int(self.rng.exponential(3.0)), 0)
        return places[late]

    def elementwise(self) -> Step:
        op = self.pick(ELEMENTWISE)
        inputs: list[Any] = []
        for i in range(len(op.arrays)):
            if i == len(op.arrays) - 1 and i and self.rng.random() < 0.4:
                inputs.append((self.pick((0.5, 2, -1.5, 0, 1, True, 1e-3, -0.0)),))
            else:
                inputs.append(self.some("f" if self.rng.random() < 0.6 else "fiub"))
        return Step(op, tuple(inputs), {})

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
                and (not needs_finite(op) or np.isfinite(v.numpy()).all())
            ]  # fmt: skip
            reuse = fits and not domain.dominant and self.rng.random() < 0.5
            inputs.append(self.pick(fits) if reuse else self.enter(array))
        return Step(op, tuple(inputs), dict(call.params))

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
            return Step(op, (x,), {"axis": some, "keepdims": bool(self.rng.random() < 0.5)})
        if name in ALONG:
            return Step(op, (x,), {"axis": axis})
        if name == "reshape":
            size = self.values[x].size
            cut = [n for n in (1, 2, 3, 4) if size % n == 0]
            first = self.pick(cut)
            return Step(
                op, (x,), {"shape": self.pick(((-1,), (first, size // first), shape[::-1]))}
            )
        if name == "permute_dims":
            return Step(op, (x,), {"axes": tuple(self.rng.permutation(ndim).tolist())})
        if name == "expand_dims":
            return Step(op, (x,), {"axis": int(self.rng.integers(-ndim - 1, ndim + 1))})
        if name == "squeeze":
            ones = [i for i, n in enumerate(shape) if n == 1]
            return Step(op, (x,), {"axis": self.pick(ones) if ones else axis})
        if name == "broadcast_to":
            return Step(op, (x,), {"shape": (*self.pick(((2,), (), (0,), (1, 3))), *shape)})
        if name == "roll":
            return Step(op, (x,), {"shift": int(self.rng.integers(-3, 4)), "axis": axis})
        if name == "astype":
            return Step(op, (x,), {"dtype": np.dtype(self.pick(DTYPES))})
        if name == "getitem":
            return self.indexed(x, shape)
        if name in ("concat", "stack"):
            return Step(op, (x, self.some(), x), {"axis": axis or 0})
        if name == "where":
            return Step(op, (self.some("b"), x, self.some()), {})
        if name == "add_at" and ndim:
            index = self.enter(self.rng.integers(-3, 3, shape[:1]))
            params = {"index": (tl.arrays.SLOT,), "shape": (3, *shape[1:])}
            return Step(op, (x, index), params)
        if name == "take":
            index = self.enter(self.rng.integers(0, max(shape[axis], 1) if axis is not None else 1,
                                                 self.pick(((2,), (), (2, 2), (0,)))))  # fmt: skip
            return Step(op, (x, index), {"axis": axis})
        if name == "matmul" and ndim and self.rng.random() < 0.7:
            other = self.array((shape[-1], self.pick((1, 3, 5))), self.values[x].dtype)
            return Step(op, (x, self.enter(other)), {})
        return Step(op, (x, self.some()), {})

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
        return Step(
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
            self.run([Tensor(array) for array in self.arrays], [], order)
        except (TinygradError, ValueError):
            return False
        return True

    def others(self) -> list[np.ndarray]:
        """Other inputs of the same shapes and dtypes; integers stay, since they may be places."""
        if any(needs_finite(step.op) for step in self.steps):
            return self.arrays
        return [a if a.dtype.kind in "iu" else self.array(a.shape, a.dtype) for a in self.arrays]

    # ---- running -----------------------------------------------------------------------------

    def run(self, inputs: Any, held: list[Tensor], order: int | None = None) -> list[Any]:
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
                values += self.steps[number].run(values)
                done = number
        results = [values[i] for i in self.results]
        for tensor, (place, _) in zip(held, self.held, strict=False):
            results.append(tensor * 2.0)
            tensor.assign(values[place].detach())
        ends = [x for x in results if x.requires_grad]
        found: list[Any] = []
        for more in range(order - 1, -1, -1):
            if ends:
                ones = [tl.ones_like(x.detach()) for x in ends]
                ends = list(autograd.grad(ends, leaves, ones, None, more > 0, allow_unused=True))
                found += ends
                ends = [x for x in ends if x is not None and x.requires_grad]
        return [None if x is None else x.detach() for x in (*results, *found)]

    def entered(self, x: Tensor, differentiated: bool, leaves: list[Tensor]) -> Tensor:
        if differentiated and x.dtype.kind == "f":
            x = x.detach()
            x.requires_grad = True
            leaves.append(x)
        return x

    def __str__(self) -> str:
        names = [f"{a.dtype}{list(a.shape)}" for a in self.arrays]
        lines = [f"inputs {', '.join(names)}; gradients of order {self.order}"]
        for place, number in self.grown:
            lines.append(f"v{place} = {'input' if number is None else self.steps[number]}")
        return "\n".join([*lines, f"return {self.results}, keep {[p for p, _ in self.held]}"])


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
