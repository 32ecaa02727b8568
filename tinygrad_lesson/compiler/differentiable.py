"""A compiled function as one node of the graph: what it returns can be differentiated outside.

The function and its way back become two programs (``parting.py``). The first returns, besides the
results, what the second computes with; the node saves that, until a backward pass releases it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

import numpy as np

from ..arrays import Array
from ..arrays import numpy as kernels
from ..errors import GradientError, GraphFreedError
from ..gradients import pull_back, variable
from ..mode import current, enable_grad
from ..segments import Segment, record, segment_op
from ..tensor import Tensor
from ..tracing.program import Constant, Drawn, Held, Lent, Value
from ..tracing.pullback import Pullback
from ..trees import flatten
from .call import Call
from .entry import Entry
from .parting import parted
from .state_code import OTHERWISE

COMPILED = segment_op("compiled", "A compiled function, whose gradient is compiled, too.")


class Differentiable:
    """Runs a program, and puts a node into the graph that carries gradients back through another.

    Parameters
    ----------
    entry
        The program, as it runs where nobody records.
    function
        What was compiled.
    pullback
        The way back.
    call
        The call that was traced.
    """

    def __init__(
        self, entry: Entry, function: Callable[..., Any], pullback: Pullback, call: Call
    ) -> None:
        program, options = entry.program, entry.options
        self.function, self.rebuild, self.pullback = function, entry.rebuild, pullback
        self._guards, self._pattern, self._options = program.guards, call.pattern(), options
        self._count = len(program.results)
        sources = [value.source for value in program.inputs]
        outside = not all(type(x) is int for x in pullback.leaves)
        drawn = any(type(source) is Drawn for source in sources)
        self._pure = not (outside or drawn or program.writes)
        self._reads = [source.tensor for source in sources if type(source) is Held]
        self.forward, self.residuals, self._back = parted(program, pullback, options.mode == "c")
        self._there = Entry(self.forward, list, call, entry.names, options, entry.checked)
        self._way_back: Entry | None = None

    def __call__(self, call: Call) -> Any:
        """What the function returns, or OTHERWISE."""
        found = self._there.driver.run(*call.tensors)
        if found is OTHERWISE:
            return OTHERWISE
        residuals = [tensor._data for tensor in found[self._count :]]
        return self._on_a_node(found[: self._count], call, residuals, lambda saved: saved)

    def first(self, results: list[Any], call: Call) -> Any:
        """The same for the call that was traced, of which the results are there already."""
        given, self.pullback = self.pullback.given, self.pullback._replace(given={})
        values = list(given)

        def residuals(saved: Sequence[Array]) -> Sequence[Array]:
            return self._computed(dict(zip(values, saved, strict=True)))

        return self._on_a_node(results, call, list(given.values()), residuals)

    def _computed(self, known: dict[Value, Array]) -> list[Array]:
        """What the way back computes with, from what the function read."""
        known.update((v, v.source.array) for v in self.forward.inputs if type(v.source) is Constant)
        for equation in self.forward.equations:
            inputs = [known[x] if type(x) is Value else x for x in equation.inputs]
            known[equation.out] = equation.op.forward(kernels, *inputs, **equation.params)
        return [known[value] for value in self.residuals]

    def _on_a_node(
        self,
        results: list[Any],
        call: Call,
        saves: Sequence[Array],
        residuals: Callable[[Sequence[Array]], Sequence[Array]],
    ) -> Any:
        """The results, some of them from one new node, which saves what gives the residuals."""
        leaves = [call.tensors[x] if type(x) is int else x for x in self.pullback.leaves]
        outputs = [results[i] for i in self.pullback.results]
        again, count = self._again(call), len(saves)

        def pull(tensors: list[Tensor], cotangents: list[Tensor]) -> Sequence[Tensor]:
            saved = getattr(home(), "saved", ())
            recorded = any(t.requires_grad for t in (*tensors, *cotangents))
            if again is not None and (recorded or len(saved) < count):
                with enable_grad():
                    variables = [variable(tensor) for tensor in tensors]
                    results = again(variables)
                return pull_back(results, variables, cotangents, recorded)
            if len(saved) < count:
                raise GraphFreedError(
                    "compile", "an earlier backward pass released what the gradient is made of",
                    "Pass retain_graph=True to that one.",
                )  # fmt: skip
            kept = [Tensor.lift(array) for array in residuals(saved)]
            return self._once([*kept, *cotangents], [*tensors, *cotangents])

        segment = Segment(again or _refuse, pull, outputs)
        home = ref(segment)
        recorded = record(
            COMPILED, segment,
            [leaf._node for leaf in leaves if leaf._node is not None],
            [leaf._data for leaf in leaves], outputs, saves,
        )  # fmt: skip
        for place, output in zip(self.pullback.results, recorded, strict=True):
            results[place] = output
        return self.rebuild(iter(results))

    def _pulled(self, given: list[Tensor]) -> list[Tensor]:
        """Run the way back."""
        with self._options.lock:
            if self._way_back is None:
                call = Call(tuple(given), {})
                names = [f"x{i}" for i in range(len(self.residuals))]
                names += [f"d{i}" for i in range(len(given) - len(names))]
                self._way_back = Entry(self._back, list, call, names, self._options)
        found: list[Tensor] = self._way_back.driver.run(*given)
        return found

    def _once(self, given: list[Tensor], recorded: list[Tensor]) -> list[Tensor]:
        """Run the way back; whoever wants to differentiate its results again is told."""
        found = self._pulled(given)
        history = [t for t in recorded if t.requires_grad and t.node is not None]
        if not history or not current().grad:
            return found
        nodes, arrays = [t.node for t in history], [t.raw for t in history]
        return record(COMPILED, Segment(_refuse, _refuse, found), nodes, arrays, found)  # type: ignore[arg-type]

    def _again(self, call: Call) -> Callable[[list[Tensor]], list[Tensor]] | None:
        """The function itself on other tensors, recorded op by op.

        What else it was given is as it was in this call. None for a function that reads parameters,
        draws numbers or changes something.
        """
        if not self._pure:
            return None
        arrays, read = _arrays(call.tensors), _arrays(self._reads)

        def again(tensors: list[Tensor]) -> list[Tensor]:
            self._check(read)
            given = [Tensor.lift(array) for array in arrays]
            for place, tensor in zip(self.pullback.leaves, tensors, strict=True):
                given[place] = tensor
            results, _ = flatten(self._pattern.of(self.function, given))
            return [results[i] for i in self.pullback.results]

        return again

    def _check(self, read: Sequence[Array]) -> None:
        """Raise GradientError if the function would not do what it did."""
        pairs = zip(_arrays(self._reads), read, strict=True)
        same = all(now is old or np.array_equal(now, old, equal_nan=True) for now, old in pairs)
        if not same or not all(guard.holds() for guard in self._guards):
            raise GradientError(
                "compile",
                "a gradient through a compiled function is to be differentiated again, but what"
                " the function reads has changed since it was called",
                "Call it once more, or pass what changes as an argument.",
            )


def _arrays(tensors: Sequence[Tensor]) -> list[Array]:
    """What they hold; a user may write into an array of his own."""
    return [np.array(x._data) if type(x) is Lent else x._data for x in tensors]


def _refuse(*_: Any) -> list[Tensor]:
    raise GradientError(
        "compile",
        "a gradient through a compiled function is to be differentiated again, or its ops are to be"
        " run again, but it reads parameters, draws numbers or changes something",
        "Take the first gradient inside the compiled function, or leave it uncompiled.",
    )
