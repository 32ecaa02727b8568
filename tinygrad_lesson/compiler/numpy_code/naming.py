"""What to call the values of a program: as the lesson would, where that can be found out.

Results of layers are named after the layer, gradients ``d_weight`` and ``delta_hidden``, what
takes the place of a parameter ``new_weight``; everything else by a noun for its op.
"""

from __future__ import annotations

import keyword
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from ...tracing.numbers import Read
from ...tracing.program import (
    Argument,
    Attribute,
    Constant,
    Drawn,
    Equation,
    Gradient,
    Held,
    Program,
    Slot,
    Value,
)

NOUNS = {
    "add": "total", "subtract": "difference", "multiply": "product", "divide": "quotient",
    "matmul": "product", "sum": "total", "mean": "average", "where": "chosen", "getitem": "part",
    "take": "rows", "take_along_axis": "rows", "square": "squares", "pow": "power",
    "negative": "negated", "astype": "converted", "permute_dims": "turned",
    "matrix_transpose": "turned", "stack": "joined", "concat": "joined", "add_at": "spread",
    "broadcast_to": "spread", "max": "largest", "min": "smallest", "log_softmax": "log_p",
    "softmax": "p", "safe_softmax": "p", "one_hot": "target", "var": "variance", "exp": "e",
    "sqrt": "root", "reshape": "shaped", "expand_dims": "shaped", "squeeze": "shaped",
    "log_softmax_grad": "d_scores", "softmax_grad": "d_scores", "memory_flow": "flow",
    "recurrent_flow": "flow", "lstm_states": "states", "gru_states": "states",
    "rnn_states": "states", "pool_argmax": "taps", "pool_put": "spread", "sigmoid": "s",
    "tanh": "t", "relu": "positive",
}  # fmt: skip
"""What a result of an op is; others are named like their op."""

BACKWARDS = frozenset({
    "sum", "matmul", "matrix_transpose", "permute_dims", "reshape", "squeeze", "conv_weight_grad",
    "multiply",
})  # fmt: skip
"""The ops between the gradient at a layer's result and that of its parameter."""

AFFINE = ("affine", "matmul", "conv", "add", "multiply", "scale_shift")


def tidy(name: str) -> str:
    """A Python name: ``0.weight`` becomes ``weight0``, ``block.0.bias`` ``block_0_bias``."""
    name = re.sub(r"^(d_|new_|)(\d+)\.(\w+)$", r"\1\3\2", name)
    name = re.sub(r"\W", "_", name).strip("_") or "value"
    if not (name[0].isalpha() or name[0] == "_"):
        name = f"p{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


class Names:
    """Gives out names, each once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)
        self._counts: dict[str, int] = {}

    def new(self, hint: str) -> str:
        """A name like `hint`."""
        hint = name = tidy(hint)
        while name in self.taken:
            count = self._counts[hint] = self._counts.get(hint, 1) + 1
            name = f"{hint}{count}" if not hint[-1].isdigit() else f"{hint}_{count}"
        self.taken.add(name)
        return name


class Hints:
    """What the values of a program would be called, if nothing else had the name.

    Parameters
    ----------
    program
        Of it.
    arguments
        What the arguments of the step are called.
    """

    def __init__(self, program: Program, arguments: list[str]) -> None:
        self.program, self.arguments = program, arguments
        self.made = {equation.out: equation for equation in program.equations}
        self._suffixes = self._of_dicts()
        self._wanted = {e.out: e.out.name for e in program.equations if e.out.name}
        self._wanted |= {value: "d_w" for value, name in self._wanted.items() if name == "d_"}
        self._wanted |= self._outputs()
        self._layers = self._of_layers()
        self._deltas = self._of_deltas()

    def of_input(self, value: Value) -> str:
        """For one that no equation makes."""
        source = value.source
        if type(source) is Argument:
            return self.arguments[source.position]
        if type(source) is Slot:
            return f"{source.key}{self._suffixes.get(id(source.holder), '')}"
        if type(source) is Gradient:
            return f"d_{value.name or 'w'}"
        if type(source) is Drawn:
            return "noise" if source.method in ("standard_normal", "normal") else "draw"
        if type(source) is Constant:
            array = source.array
            counts = array.dtype.kind == "i" and array.ndim == 1 and array.size > 1
            return "places" if counts and (array == range(array.size)).all() else "c"
        return value.name or "w"

    def of_number(self, read: Read) -> str:
        """For a Python number that is read from a dict."""
        place = "" if read.place is None else str(read.place + 1)
        key = read.key.rstrip("s") if place else read.key
        return f"{key}{place}{self._suffixes.get(id(read.holder), '')}"

    def of_result(
        self,
        equation: Equation,
        line_of: Callable[[Value], Value],
        names: Mapping[Value, str],
    ) -> str:
        """For the result of an equation.

        Parameters
        ----------
        equation
            Makes it.
        line_of
            For a value that may be an expression inside a line: what that line makes.
        names
            The names of what was made before.
        """
        out = equation.out
        if out in self._wanted:
            return self._wanted[out]
        if out in self._deltas:
            layer = self._deltas[out]
            shown = line_of(layer)
            return f"{'d' if shown is layer else 'delta'}_{names.get(shown, 'layer')}"
        if out in self._layers:
            return self._layers[out]
        if out.dtype.kind == "b":
            return "mask"
        if equation.op.name == "subtract" and self._is_error(equation):
            return "error"
        return NOUNS.get(equation.op.name, equation.op.name)

    def _is_error(self, equation: Equation) -> bool:
        """A result less what was given."""
        x, y = equation.inputs
        given = [type(v) is Value and type(v.source) is Argument for v in (x, y)]
        return given == [False, True] and x in self.made

    # ---- layers --------------------------------------------------------------------------

    def _of_layers(self) -> dict[Value, str]:
        found: dict[Value, str] = {}
        equations = self.program.equations
        for place, equation in enumerate(equations):
            root, _, _ = equation.scope.partition("/")
            if not root:
                continue
            layer, _, kind = equation.scope.rpartition("/")[2].partition(":")
            following = equations[place + 1] if place + 1 < len(equations) else None
            if following is None or following.scope.partition("/")[0] != root:
                found[equation.out] = "output"
            elif kind and not layer.isdigit():
                found[equation.out] = layer
            elif self._is_activation(equation):
                found[equation.out] = "hidden"
            elif kind:
                found[equation.out] = f"{kind.lower()}{layer}"
        return found

    def _is_activation(self, equation: Equation) -> bool:
        """A function of what a linear layer gave."""
        values = equation.values()
        inner = self.made.get(values[0]) if len(values) == 1 else None
        return (
            equation.op.kind.name == "elementwise"
            and inner is not None
            and inner.op.name == "affine"
        )

    # ---- gradients -----------------------------------------------------------------------

    def _of_deltas(self) -> dict[Value, Value]:
        """For gradients at the results of layers: which result."""
        users: dict[str, Equation] = {}
        parameters = {v.name: v for v in self.program.inputs if type(v.source) is Held and v.name}
        for equation in self.program.equations:
            for x in equation.values():
                if x.name in parameters and equation.op.name in AFFINE and equation.scope:
                    users.setdefault(x.name, equation)
        found: dict[Value, Value] = {}
        for equation in self.program.equations:
            parameter = equation.out.name.removeprefix("d_")
            layer = users.get(parameter)
            if layer is None or not equation.out.name.startswith("d_"):
                continue
            delta = self._behind(equation, layer.out)
            if delta is not None:
                found.setdefault(delta, layer.out)
        return found

    def _behind(self, equation: Equation, result: Value) -> Value | None:
        """The value of the shape of `result` that a parameter's gradient was made of."""
        level = [equation]
        for _ in range(3):
            below = []
            for at in level:
                if at.op.name not in BACKWARDS:
                    continue
                for x in at.values():
                    made = self.made.get(x)
                    if made is None or made.scope:
                        continue
                    if x.shape == result.shape:
                        return x
                    below.append(made)
            level = below
        return None

    # ---- what is left behind -------------------------------------------------------------

    def _of_dicts(self) -> dict[int, str]:
        """For each dict of an optimizer, the parameter that it is about, as an ending."""
        found: dict[int, str] = {}
        for target, value in self.program.writes:
            if type(target) is Slot and type(value) is Value and id(target.holder) not in found:
                name = self._nearest_gradient(value)
                if name:
                    found[id(target.holder)] = f"_{tidy(name.removeprefix('d_') or 'w')}"
        return found

    def _nearest_gradient(self, value: Value) -> str:
        waiting, seen = deque([value]), {value}
        while waiting and len(seen) < 200:
            x = waiting.popleft()
            if x.name.startswith("d_") and x.shape == value.shape:
                return x.name
            if x in self.made:
                new = [y for y in self.made[x].values() if y not in seen]
                seen.update(new)
                waiting.extend(new)
        return ""

    def _outputs(self) -> dict[Value, str]:
        """Those are named after the place that they go to."""
        wanted: dict[Value, str] = {}
        names = {id(v.source.tensor): v.name for v in self.program.inputs if type(v.source) is Held}
        for target, value in self.program.writes:
            if type(value) is not Value or value not in self.made:
                continue
            if type(target) is Held:
                name = target.tensor.name or names.get(id(target.tensor)) or "w"
                wanted[value] = f"new_{tidy(name)}"
            elif type(target) is Slot:
                wanted[value] = f"new_{target.key}{self._suffixes.get(id(target.holder), '')}"
            elif type(target) is Attribute:
                wanted[value] = f"new_{target.name}"
        trained = any(e.out.name.startswith("d_") for e in self.program.equations)
        for value in self.program.results:
            if type(value) is not Value or value not in self.made or self.made[value].scope:
                continue
            is_loss = trained and not value.shape and value.dtype.kind == "f"
            wanted.setdefault(value, "loss" if is_loss else "result")
        return wanted
