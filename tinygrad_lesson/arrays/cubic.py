"""Cubic convolution, in operators only: it serves kernels and composites alike."""

from __future__ import annotations

from . import Array

_A = -0.75  # the slope at 1, as in PyTorch and OpenCV; -0.5 is more accurate, and blurs more


def cubic_weights(t: Array) -> tuple[Array, Array, Array, Array]:
    """What four neighbours contribute at a share `t` of the way from the second to the third.

    Keys, "Cubic convolution interpolation for digital image processing", 1981.
    """

    def near(d: Array) -> Array:
        return ((_A + 2) * d - (_A + 3)) * d * d + 1

    def far(d: Array) -> Array:
        return ((_A * d - 5 * _A) * d + 8 * _A) * d - 4 * _A

    return far(t + 1), near(t), near(1 - t), far(2 - t)
