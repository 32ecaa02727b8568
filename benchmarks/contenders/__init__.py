"""Who takes part in which work. A contender's module is imported in its own processes alone."""

from __future__ import annotations

from typing import Any, NamedTuple

ADAM = [{"adam": "fused"}, {"adam": "foreach"}]
COMPILED = [{"compiled": "c"}, {"compiled": "numpy"}]
NETS = ("mlp", "cnn", "lstm", "transformer")


class Contender(NamedTuple):
    """A library, and what it can do.

    Parameters
    ----------
    title
        Its name in the tables.
    module
        Of this package; it has one function for each work.
    package
        What must be installed.
    works
        The works that it takes part in, each with the settings to try: the fastest counts.
    threads
        The numbers of threads to try.
    """

    title: str
    module: str
    package: str
    works: dict[str, list[dict[str, Any]]]
    threads: tuple[int, ...] = (1, 2)


def _plain(*works: str) -> dict[str, list[dict[str, Any]]]:
    return {work: [{}] for work in works}


OURS = ("ours", "compiled")
"""The contenders that are not peers."""

CONTENDERS = {
    "ours": Contender("tinygrad_lesson", "pytorch_style", "tinygrad_lesson",
                      _plain("lesson", *NETS, "chain", "moons")),
    "compiled": Contender("tl.compile", "pytorch_style", "tinygrad_lesson",
                          dict.fromkeys(("lesson", *NETS, "chain"), COMPILED)),
    "hand": Contender("NumPy by hand", "by_hand", "numpy", _plain("lesson", "chain")),
    "torch": Contender("PyTorch", "pytorch_style", "torch",
                       _plain("lesson", "chain", "moons") | dict.fromkeys(NETS, ADAM)),
    "jax": Contender("jax.jit", "in_jax", "jax", {
        **_plain("lesson", "mlp", "transformer", "chain"),
        "cnn": [{"channels": "last"}, {"channels": "first"}],
        "lstm": [{"unroll": 1}, {"unroll": 4}],
    }),
    "autograd": Contender("HIPS autograd", "in_autograd", "autograd",
                          _plain("lesson", "mlp", "chain")),  # moons: 12 s a step
    "mygrad": Contender("MyGrad", "in_mygrad", "mygrad",
                        _plain("lesson", "mlp", "cnn", "chain", "moons")),
    "micrograd": Contender("micrograd", "in_micrograd", "micrograd", _plain("moons"), (1,)),
}  # fmt: skip
