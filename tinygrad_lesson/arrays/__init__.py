"""Array namespaces: the vocabulary of ops as raw kernels, one module a backend.

An op's forward and its rules are written against a namespace ``xp`` and never name NumPy. A
namespace has the functions of the array API standard under the standard's names, and a short
extension that makes the vocabulary closed under differentiation:

=====================  ====================================================================
``sigmoid, relu``      activations, stable at both ends
``logsumexp``,         reductions that do not overflow
``softmax``,
``log_softmax``
``getitem``            ``x[index]``, with the index arrays apart from the static skeleton
``add_at``             the adjoint of ``getitem``: adds up what repeated indices ask for
``add_along_axis``,    the adjoints of ``take_along_axis``, ``pad``, ``windows``, ``diagonal`` and
``unpad``,             ``repeat``
``overlap_add``,
``on_diagonal``,
``sum_repeated``
``one_hot``            class numbers as rows of zeros and a one
``conv``,              convolution, and its adjoints in the images and in the kernels
``conv_input_grad``,
``conv_weight_grad``
``pool_sum``,          sums over windows, and their adjoint
``pool_spread``
``pool_max``,          the largest elements of windows; where they are; elements at such places,
``pool_argmax``,       and the adjoint of taking them
``pool_pick``,
``pool_put``
=====================  ====================================================================
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

Array: TypeAlias = Any
"""An array of some backend, a Tensor or a Python number: what carries Python's operators.

It is ``Any`` on purpose: the same rule runs on all three, and on a tracer's variables."""

Namespace: TypeAlias = Any
"""What a forward or a rule gets as ``xp``: a module or object with the vocabulary."""


class _Slot:
    """Stands in an index skeleton where an index array goes."""

    def __repr__(self) -> str:
        return "array"


SLOT: Final = _Slot()

__all__ = ["SLOT", "Array", "Namespace"]
