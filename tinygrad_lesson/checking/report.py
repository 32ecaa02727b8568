"""The report of a gradient check: truthy when it passed, and made to be read in a terminal."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from dataclasses import dataclass

from .culprit import Culprit
from .search import PROJECTIONS
from .verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """What was found of one input or parameter.

    Attributes
    ----------
    name, shape
        Which one; ``order`` 2 where it is the gradient of the gradient.
    verdict
        The worst of its elements'.
    index
        The worst element; None for a projection of all of them.
    analytic, numeric, error
        Its derivative both ways, and how far off the numeric one may be.
    slopes
        At a kink, the slopes to the left and right; else None.
    kinks
        How many elements are at a kink, where a subgradient was accepted.
    detects
        In fast mode, the relative error that would have been found for certain in any one element
        whose gradient is of average size.
    rounding, dtype
        How far the gradient is off when it is computed in the tensor's own, lower precision:
        the largest difference over the largest element; and what that dtype is. None and empty
        if it is float64 anyway.
    """

    name: str
    shape: tuple[int, ...]
    verdict: Verdict
    index: tuple[int, ...] | None
    analytic: float
    numeric: float
    error: float
    slopes: tuple[float, float] | None = None
    kinks: int = 0
    detects: float | None = None
    rounding: float | None = None
    dtype: str = ""
    order: int = 1

    @property
    def ratio(self) -> float:
        """Analytic over numeric."""
        if self.numeric:
            return self.analytic / self.numeric
        return 1.0 if self.analytic == 0 else math.inf


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of :func:`gradcheck`: true if every gradient passed.

    Attributes
    ----------
    results
        One for each input and parameter that was checked.
    culprits
        On failure, the rules that are wrong, those nearest to the inputs first.
    mode, order
        As they were asked for.
    notes
        Whatever else a reader should know, in sentences.
    """

    results: tuple[Result, ...]
    culprits: tuple[Culprit, ...] = ()
    mode: str = "full"
    order: int = 1
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every gradient passed, at a kink perhaps with a subgradient."""
        return all(r.verdict in (Verdict.PASS, Verdict.KINK) for r in self.results)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict on any input."""
        return max((r.verdict for r in self.results), default=Verdict.PASS)

    @property
    def culprit(self) -> Culprit | None:
        """The first of the culprits."""
        return self.culprits[0] if self.culprits else None

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        parts = [self._headline(), _table(self.results)]
        parts += [_accusation(culprit) for culprit in self.culprits]
        notes = [*_remarks(self.results), *self.notes]
        if notes:
            parts.append("\n".join(_wrapped(note, "  ", "  ") for note in notes))
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return f"<Report {self.verdict}: {len(self.results)} gradients, {self.mode} mode>"

    def _headline(self) -> str:
        counts = Counter(r.verdict for r in self.results)
        total = len(self.results)
        word = "gradient" if total == 1 else "gradients"
        how = f"{self.mode} mode, float64" + (", orders 1 and 2" if self.order == 2 else "")
        if self.passed:
            return f"gradcheck passed: {total} {word} ({how})"
        bad = [
            f"{counts[v]} {said}"
            for v, said in (
                (Verdict.FAIL, "wrong"),
                (Verdict.INCONCLUSIVE, "inconclusive"),
                (Verdict.OUTSIDE, "outside the domain"),
            )
            if counts[v]
        ]
        failed = "failed" if counts[Verdict.FAIL] else "could not tell"
        return f"gradcheck {failed}: of {total} {word}, {' and '.join(bad)} ({how})"


def _table(results: tuple[Result, ...]) -> str:
    orders = {r.order for r in results}
    rows = [["input", "shape", "verdict", "worst at", "analytic", "numeric", "+-", "ratio"]]
    low = sorted({r.dtype for r in results if r.rounding is not None})
    if low:
        rows[0].append(f"{low[0]} error" if len(low) == 1 else "error in its dtype")
    for r in results:
        prefix = f"d2 {r.name}" if r.order == 2 and len(orders) > 1 else r.name
        digits = 6 if r.verdict is not Verdict.FAIL else 8
        nothing = 0 in r.shape or (r.index is None and math.isnan(r.analytic))
        row = [
            prefix,
            str(r.shape),
            str(r.verdict) + (f" ({r.kinks} at a kink)" if r.verdict is Verdict.KINK else ""),
            "-" if nothing else place(r.index),
            number(r.analytic, digits),
            " | ".join(number(x, 4) for x in r.slopes) if r.slopes else number(r.numeric, digits),
            f"{r.error:.0e}" if math.isfinite(r.error) and not r.slopes else "-",
            ratio(r.ratio) if not r.slopes else "-",
        ]
        if low:
            error = "-" if r.rounding is None else f"{r.rounding:.0e}"
            row.append(f"{error} {r.dtype}" if r.dtype and len(low) > 1 else error)
        rows.append(row)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = {0, 1, 2, 3}
    lines = [
        "  "
        + "  ".join(
            cell.ljust(w) if i in left else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    rule = "  " + "  ".join("-" * w for w in widths)
    return "\n".join([lines[0], rule, *lines[1:]])


def _accusation(culprit: Culprit) -> str:
    facts = [
        ("module", culprit.scope),
        ("line", culprit.where),
        (
            "element",
            f"{place(culprit.element)} of shape {culprit.shape}"
            if culprit.element is not None
            else "",
        ),
    ]
    if not math.isnan(culprit.numeric):
        facts += [
            ("analytic", number(culprit.analytic, 8)),
            ("numeric", number(culprit.numeric, 8)),
            ("ratio", ratio(culprit.ratio) if math.isfinite(culprit.ratio) else ""),
        ]
    facts.append(("guess", culprit.guess))
    lines = [f"  culprit: the rule of {culprit.op} for its input {culprit.input!r}"]
    for name, value in facts:
        if value:
            head = f"    {name:<8}  "
            lines.append(_wrapped(value, head, " " * len(head)))
    return "\n".join(lines)


def _remarks(results: tuple[Result, ...]) -> list[str]:
    remarks = []
    detects = [r.detects for r in results if r.detects is not None]
    if detects and all(r.verdict is not Verdict.FAIL for r in results):
        # With all weights given but one, that one would have to lie in a window of this width.
        chance = min(1.0, (max(detects) / 4 / 0.01) ** PROJECTIONS)
        remarks.append(
            f"Detection power: an error of {100 * max(detects):.1g} % in any one element of average"
            " size is found for certain; errors of 1 % in several elements cancel out in all"
            f" {PROJECTIONS} projections with a probability below {chance:.0e}."
        )
    verdicts = {r.verdict for r in results}
    if Verdict.KINK in verdicts:
        remarks.append(
            "At a kink the slopes to the left and right differ (left | right);"
            " a derivative between them passes."
        )
    if Verdict.INCONCLUSIVE in verdicts:
        remarks.append(
            "Inconclusive: the differences are noisier (+-) than the tolerance. Does the function"
            " round to float32, jump, or draw random numbers of its own?"
        )
    if Verdict.OUTSIDE in verdicts:
        remarks.append(
            "Outside: the function is not defined on both sides of this point; move the input."
        )
    return remarks


def _wrapped(text: str, first: str, later: str) -> str:
    return textwrap.fill(text, 92, initial_indent=first, subsequent_indent=later)


def place(index: tuple[int, ...] | None) -> str:
    """An element's place as it is written in an index."""
    if index is None:
        return "projection"
    return f"[{', '.join(map(str, index))}]" if index else "()"


def number(x: float, digits: int) -> str:
    """A number with so many significant digits."""
    return f"{x:.{digits}g}"


def ratio(x: float) -> str:
    """A ratio to four digits after the point, or in powers of ten."""
    if not math.isfinite(x):
        return "-"
    x += 0.0  # -0 becomes 0
    return f"{x:.4f}" if 1e-3 < abs(x) < 1e4 or x == 0 else f"{x:.1e}"
