"""Who takes part in which work. A contender's module is imported in its own processes alone."""

from __future__ import annotations

from typing import Any, NamedTuple

NETS = ("mlp", "cnn", "lstm", "transformer", "resnet", "gru", "deep", "speech", "vae")
TEXTS = ("text_rnn", "gpt")


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
    compiled
        Whether the library's ``compile`` makes something of the step first.
    """

    title: str
    module: str
    package: str
    works: dict[str, list[dict[str, Any]]]
    threads: tuple[int, ...] = (1, 2)
    compiled: bool = False


def _plain(*works: str) -> dict[str, list[dict[str, Any]]]:
    return {work: [{}] for work in works}


OURS = ("ours", "compiled")
"""The contenders that are not peers."""

STEPS = ("lesson", *NETS, "chain", "dbn", "hessian", *TEXTS)

CONTENDERS = {
    "ours": Contender("tinygrad_lesson", "pytorch_style", "tinygrad_lesson",
                      _plain(*STEPS, "repeat", "moons")),
    "compiled": Contender("tl.compile, C", "pytorch_style", "tinygrad_lesson",
                          _plain(*STEPS, "repeat", "moons"), compiled=True),
    "hand": Contender("NumPy by hand", "by_hand", "numpy",
                      _plain("lesson", "repeat", "chain", "mlp", "dbn")),
    "torch": Contender("PyTorch", "pytorch_style", "torch", _plain(*STEPS, "moons")),
    "torch.compile": Contender("torch.compile", "pytorch_style", "torch", _plain(*STEPS), (2,),
                               compiled=True),
    "jax": Contender("jax.jit", "in_jax", "jax", {
        **_plain("lesson", "repeat", *NETS, "chain", "dbn", "hessian"),
        "cnn": [{"channels": "last"}, {"channels": "first"}],
    }),
    "autograd": Contender("HIPS autograd", "in_autograd", "autograd",
                          _plain("lesson", "mlp", "deep", "vae", "dbn", "chain", "hessian")),
    "mygrad": Contender("MyGrad", "in_mygrad", "mygrad",
                        _plain("lesson", "mlp", "deep", "cnn", "chain", "moons")),
    "micrograd": Contender("micrograd", "in_micrograd", "micrograd", _plain("moons"), (1,)),
}  # fmt: skip
"""HIPS autograd would need 12 s for a step of the moons, and jax.jit minutes to compile one;
torch.compile takes 15 s for each step and setting, so that it has one."""
