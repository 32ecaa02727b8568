"""gradcheck: the gradient that autograd gives, against the one that differences give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import ArgumentError, DTypeError, GradcheckError, RuleError
from .culprit import culprits, masked
from .progress import Progress
from .recorded import escapes
from .report import Report, Result
from .search import Search, signs
from .subjects import Function, Gradient, Subject
from .targets import arguments_of, variables_of
from .verdicts import Verdict


def gradcheck(
    function: Callable[..., Any],
    inputs: Any,
    *,
    params: Any = None,
    order: int = 1,
    mode: str = "full",
    rtol: float = 1e-6,
    atol: float = 1e-10,
    seed: int = 0,
    raise_on_failure: bool = False,
) -> Report:
    """Check the gradient of a function, or of a module, against finite differences.

    Everything is computed in float64 on copies; tensors, modules and their ``.grad`` stay as
    they are. Each numeric derivative comes with an estimate of its error, so that the verdict on
    each input is *pass*, *fail* or *inconclusive*; *kink* where the slopes to both sides differ
    and the analytic derivative lies between them; or *outside* where the function has no
    derivative, such as ``sqrt`` at 0. If one fails, the rules in the graph are checked one by
    one, and the report names the op, the module, the line, the element and a likely mistake.

    Parameters
    ----------
    function
        Takes `inputs` and returns tensors: one, or several in tuples, lists or dicts. If it is a
        module (it has ``named_parameters()``), or a method of one, its parameters are checked
        too, save those that require no gradient. It may take gradients itself.
    inputs
        A tensor, an array or a list of floats; or a list or tuple of several. Those of a floating
        dtype are checked; integers and whatever else there is are passed on as they are.
    params
        What else to check, where the function closes over it: modules and tensors, alone or in
        a list or dict. What requires no gradient, and buffers, are constants in float64.
    order
        2 checks also the gradient of the gradient, as ``create_graph=True`` records it.
    mode
        ``"full"`` looks at every element; ``"fast"`` at a few random directions, and bisects to
        the element if one is off. Its report says how small an error it finds.
    rtol, atol
        By how much an element may be off: relative to itself, and to the largest of its tensor.
        A whole direction must agree a thousand times better.
    seed
        Of the random directions and cotangents.
    raise_on_failure
        Raise GradcheckError with the report, rather than return it, if it is not all pass.

    Returns
    -------
    Report
        True if all passed; ``print(report)`` shows a table.

    Notes
    -----
    The differences are described in ``differences.py``. An output of many elements is weighted
    with random cotangents; a small Jacobian is compared whole. What a random direction shows of
    an error is its size times a weight of at least one half, so that a single wrong element
    cannot hide; several cancel in all of the directions with probability zero.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_lesson as tl
    >>> from tinygrad_lesson.checking import gradcheck
    >>> report = gradcheck(lambda x, y: tl.tanh(x) * y, ([0.5, -1.0], [2.0, 3.0]))
    >>> bool(report)
    True
    >>> print(gradcheck(tl.abs, np.array([0.0, 2.0])))
    gradcheck passed: 1 gradient (full mode, float64)
    <BLANKLINE>
      input  shape  verdict             worst at  analytic  numeric  +-  ratio
      -----  -----  ------------------  --------  --------  -------  --  -----
      x      (2,)   kink (1 at a kink)  [0]              0   -1 | 1   -      -
    <BLANKLINE>
      At a kink the slopes to the left and right differ (left | right); a derivative between
      them passes.
    """
    if mode not in ("full", "fast") or order not in (1, 2):
        raise ArgumentError(
            "gradcheck",
            f"mode={mode!r} and order={order!r} are not known",
            'mode is "full" or "fast", order is 1 or 2.',
        )
    arguments = arguments_of(inputs)
    variables, constants = variables_of(function, arguments, params)
    subject = Function(function, arguments, variables, constants)
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"), Progress() as tick:
        try:
            report = _report(subject, rng, rtol, atol, order, mode, tick)
        except DTypeError as error:
            remedy = "A check is all in float64: name what the function closes over as params=."
            raise DTypeError("gradcheck", error.what, remedy) from error
        report = replace(report, results=_in_low_precision(subject, report.results))
    if raise_on_failure and not report:
        raise GradcheckError("gradcheck", str(report), "Correct the rule, or move the inputs.")
    return report


def _report(
    subject: Function,
    rng: np.random.Generator,
    rtol: float,
    atol: float,
    order: int,
    mode: str,
    tick: Callable[[], None],
) -> Report:
    """Check the first order, then the second, then look for whom to blame."""
    results: list[Result] = []
    for level in range(1, order + 1):
        checked: Function | Gradient = subject
        if level == 2:
            checked = Gradient(subject, signs(rng, subject.value(subject.points).size))
        try:
            results += _check(checked, rng, rtol, atol, mode, level, tick)
        except RuleError:  # a rule gave the wrong shape: nothing else can be said
            results += [
                _result(name, point, Verdict.FAIL, level)
                for name, point in zip(checked.names, checked.points, strict=True)
            ]
        if any(r.verdict is Verdict.FAIL for r in results):
            outputs, _ = subject.record()
            # A function that takes gradients itself needs one order more of each rule.
            found = culprits(outputs, rtol, atol, level + subject.recorded, tick)
            if not found:
                found = masked(outputs, [signs(rng, o.size).reshape(o.shape) for o in outputs])
            notes = () if found else _unrecorded(subject)
            return Report(tuple(results), tuple(found), mode, order, notes)
    return Report(tuple(results), (), mode, order)


def _check(
    subject: Subject,
    rng: np.random.Generator,
    rtol: float,
    atol: float,
    mode: str,
    order: int,
    tick: Callable[[], None],
) -> list[Result]:
    subject.value(subject.points)  # of a compiled function the first call is rounded otherwise
    search = Search(subject, mode, rng, rtol, atol, tick)
    if not np.array_equal(search.center, subject.value(subject.points), equal_nan=True):
        raise GradcheckError(
            "gradcheck",
            "the function gives another value each time that it is called",
            "Draw random numbers once, outside of the function, or seed a generator inside it; put"
            " a module that draws into eval mode.",
        )
    results = []
    for number, (name, point) in enumerate(zip(subject.names, subject.points, strict=True)):
        found = search.variable(number)
        results.append(
            Result(
                name, point.shape, found.verdict, found.index, found.analytic, found.numeric,
                found.error, found.slopes, found.kinks, found.detects, order=order,
            )
        )  # fmt: skip
    return results


def _result(name: str, point: Array, verdict: Verdict, order: int) -> Result:
    nan = float("nan")
    return Result(name, point.shape, verdict, None, nan, nan, nan, order=order)


def _unrecorded(subject: Function) -> tuple[str, ...]:
    """What to say where every rule is right and the whole is wrong."""
    for number, name in enumerate(subject.names):
        if escapes(subject, number):
            return (
                "Every rule in the graph is right, but the function depends on"
                f" {name} in a way that the graph does not have.",
                "Look for detach(), numpy(), .data, item(), float(), no_grad(), or a gradient taken"
                " without create_graph=True, on that way.",
            )
    return ("No rule in the graph was found to be wrong by itself.",)


def _in_low_precision(subject: Function, results: Sequence[Result]) -> tuple[Result, ...]:
    """Compare with the gradient in the tensors' own dtypes, where those are not float64."""
    dtypes = [v.array.dtype for v in subject.variables]
    low = [dtype != np.float64 for dtype in dtypes]
    if not any(low) or any(r.verdict is Verdict.FAIL for r in results):
        return tuple(results)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, subject.value(subject.points).size)
    exact, rough = subject.pull([weights])[0], _rough(subject, min(dtypes, key=_size), weights)
    if rough is None:
        return tuple(results)
    checked = []
    for result in results:
        i = subject.names.index(result.name)
        finite = np.isfinite(exact[i])
        largest = np.abs(exact[i][finite]).max(initial=0.0)
        off = np.abs(exact[i] - rough[i])[finite].max(initial=0.0) / (largest or 1.0)
        if low[i] and result.order == 1:
            result = replace(result, rounding=float(off), dtype=str(dtypes[i]))
        checked.append(result)
    return tuple(checked)


def _rough(subject: Function, lowest: Any, weights: Array) -> list[Array] | None:
    """The gradient in the tensors' own dtypes; in the lowest where the function mixes none."""
    for dtype in (None, lowest):
        own = Function(
            subject.function, subject.arguments, subject.variables, subject.constants, dtype
        )
        try:
            return own.pull([weights])[0]
        except DTypeError:  # as a float32 module refuses a float64 input
            continue
    return None


def _size(dtype: np.dtype[Any]) -> int:
    return dtype.itemsize
