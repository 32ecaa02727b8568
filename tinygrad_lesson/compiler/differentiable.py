"""A compiled function as one node of the graph: what it returns can be differentiated outside.

The function and its way back become two programs (``parting.py``). The first returns, besides the
results, what the second computes with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..arrays import Array
from ..arrays import numpy as kernels
from ..errors import GradientError
from ..gradients import pull_back, variable
from ..mode import current, enable_grad
from ..segments import Segment, record, segment_op
from ..tensor import Tensor
from ..tracing.program import Constant, Drawn, Value
from ..tracing.pullback import Pullback
from ..trees import flatten
from .call import Call
from .driver import OTHERWISE
from .entry import Entry
from .parting import parted

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
        program, mode, threads = entry.program, entry.mode, entry.threads
        self.function, self.rebuild, self.pullback = function, entry.rebuild, pullback
        self._mode, self._threads, self._count = mode, threads, len(program.results)
        sources = [type(value.source) for value in program.inputs]
        outside = Drawn in sources or not all(type(x) is int for x in pullback.leaves)
        self._pure = not outside and not program.writes
        self.forward, self.residuals, self._back = parted(program, pullback, mode == "c")
        self._entry = Entry(self.forward, list, call, entry.names, mode, threads)
        self._way_back: Entry | None = None

    def __call__(self, call: Call) -> Any:
        """What the function returns, or OTHERWISE."""
        found = self._entry.driver.run(*call.tensors)
        if found is OTHERWISE:
            return OTHERWISE
        kept = [x if isinstance(x, Tensor) else Tensor.lift(x) for x in found[self._count :]]
        return self._on_a_node(found[: self._count], call, lambda: kept)

    def first(self, results: list[Any], call: Call) -> Any:
        """The same for the call that was traced, of which the results are there already."""
        given, self.pullback = self.pullback.given, self.pullback._replace(given={})
        return self._on_a_node(results, call, lambda: self._computed(given))

    def _computed(self, given: dict[Value, Array]) -> list[Tensor]:
        """What the way back computes with, from what the function read."""
        known = dict(given)
        known.update((v, v.source.array) for v in self.forward.inputs if type(v.source) is Constant)
        for equation in self.forward.equations:
            inputs = [known[x] if type(x) is Value else x for x in equation.inputs]
            known[equation.out] = equation.op.forward(kernels, *inputs, **equation.params)
        return [Tensor.lift(known[value]) for value in self.residuals]

    def _on_a_node(
        self, results: list[Any], call: Call, kept: Callable[[], list[Tensor]]
    ) -> Any:  # fmt: skip
        places = self.pullback.leaves
        leaves = [call.tensors[x] if type(x) is int else x for x in places]
        outputs = [results[i] for i in self.pullback.results]

        def run(tensors: list[Tensor]) -> list[Tensor]:
            return self._again(call, tensors)

        def pull(tensors: list[Tensor], cotangents: list[Tensor]) -> Sequence[Tensor]:
            if not self._pure or not any(t.requires_grad for t in (*tensors, *cotangents)):
                return self._once([*kept(), *cotangents], [*tensors, *cotangents])
            with enable_grad():
                variables = [variable(tensor) for tensor in tensors]
                again = run(variables)
            return pull_back(again, variables, cotangents, create_graph=True)

        recorded = record(
            COMPILED, Segment(run, pull, outputs),
            [leaf._node for leaf in leaves if leaf._node is not None],
            [leaf._data for leaf in leaves], outputs,
        )  # fmt: skip
        for place, output in zip(self.pullback.results, recorded, strict=True):
            results[place] = output
        return self.rebuild(iter(results))

    def _pulled(self, given: list[Tensor]) -> list[Tensor]:
        """Run the way back."""
        if self._way_back is None:
            call = Call(tuple(given), {})
            names = [f"x{i}" for i in range(len(self.residuals))]
            names += [f"d{i}" for i in range(len(given) - len(names))]
            self._way_back = Entry(self._back, list, call, names, self._mode, self._threads)
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

    def _again(self, call: Call, tensors: list[Tensor]) -> list[Tensor]:
        """The function itself on other tensors, recorded op by op."""
        if not self._pure:
            _refuse()
        given = list(call.tensors)
        for place, tensor in zip(self.pullback.leaves, tensors, strict=True):
            given[place] = tensor
        results, _ = flatten(call.of(self.function, given))
        return [results[i] for i in self.pullback.results]


def _refuse(*_: Any) -> list[Tensor]:
    raise GradientError(
        "compile",
        "a gradient through a compiled function is to be differentiated again, or its ops are to be"
        " run again, but it reads parameters, draws numbers or changes something",
        "Take the first gradient inside the compiled function, or leave it uncompiled.",
    )
