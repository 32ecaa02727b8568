"""What text_rnn.py and gpt.py share: the text, the frame of the network, and how it learns.

Both networks are a stack of blocks. In a block, a *mixer* lets each character take something from
those before it (an LSTM in one example, attention in the other); then two linear maps think about
it, each character for itself. Both add to what was there (He et al., 2016).
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from beside_torch import compare
from matplotlib.axes import Axes
from tqdm import trange

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, data, nn

ROOT, START = Path(__file__).parent.parent, time.perf_counter()


# ---- the text ----------------------------------------------------------------------------


class Parts(NamedTuple):
    """A text as numbers. The test begins with the character before it, so that its first counts."""

    vocabulary: data.Characters
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray

    def chance(self) -> str:
        """What can be reached without reading, in nats per character of the test part."""
        size = len(self.vocabulary)
        share = np.bincount(self.train, minlength=size) + 1.0
        share /= share.sum()
        frequency = -np.mean(np.log(share[self.test[1:]]))
        return f"chance: {np.log(size):.3f} nats; by how often each occurs: {frequency:.3f}"


def load(args: argparse.Namespace) -> Parts:
    """The last tenth is for the test; the first 40th of the rest is held out, for the curve."""
    if args.quick:
        paths = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    else:
        inside = args.data / "tinyshakespeare.txt"
        paths = [inside if inside.is_file() else args.data]
    text = "".join(data.read_text(path) for path in paths)
    vocabulary = data.Characters(text)
    numbers = vocabulary.encode(text)
    test = len(numbers) * 9 // 10
    valid = test // 40  # not the end: the play that the test goes on with begins there
    return Parts(vocabulary, numbers[valid:test], numbers[:valid], numbers[test - 1 :])


def drawn(scores: Tensor, rng: np.random.Generator, temperature: float = 0.8) -> int:
    """One character by the chances that the scores give; below 1 the likely ones gain."""
    chances = nn.functional.softmax(scores / temperature, -1).numpy().astype(np.float64)
    return int(rng.choice(len(chances), p=chances / chances.sum()))


# ---- the network -------------------------------------------------------------------------

Mixer = Callable[[Any, int], dict[str, Any]]


def build(nn: Any, mixer: Mixer, characters: int, width: int, blocks: int, dropout: float) -> Any:
    """A vector for each character, blocks that change it, and a score for each one to come."""

    def block() -> Any:
        parts = {
            "norm1": nn.LayerNorm(width), **mixer(nn, width),
            "norm2": nn.LayerNorm(width), "widen": nn.Linear(width, 4 * width),
            "narrow": nn.Linear(4 * width, width), "dropout": nn.Dropout(dropout),
        }  # fmt: skip
        return nn.ModuleDict(parts)

    parts = {
        "embedding": nn.Embedding(characters, width), "dropout": nn.Dropout(dropout),
        "blocks": nn.ModuleList([block() for _ in range(blocks)]),
        "norm": nn.LayerNorm(width), "scores": nn.Linear(width, characters),
    }  # fmt: skip
    return nn.ModuleDict(parts)


def think(block: Any, x: Any) -> Any:
    """Two linear maps, with squares between them (So et al., "Primer", 2021)."""
    return block["dropout"](block["narrow"](block["widen"](x).relu().square()))


def begin(args: argparse.Namespace, mixer: Mixer) -> tuple[Parts, Callable[[Any], Any]]:
    """The text, and what builds the network for it, of this library's layers or of PyTorch's."""
    tl.keep_freed_memory()
    tl.manual_seed(args.seed)
    parts = load(args)

    def make(nn: Any) -> Any:
        return build(nn, mixer, len(parts.vocabulary), **sizes(args))

    return parts, make


def sizes(args: argparse.Namespace) -> dict[str, Any]:
    """What :func:`build` is to know of the network besides its characters."""
    return {"width": args.width, "blocks": args.blocks, "dropout": args.dropout}


# ---- learning ----------------------------------------------------------------------------

Loss = Callable[[Any, Any, Any, Any], Any]  # of library, network, characters, and those that follow
Surprise = Callable[[Any, np.ndarray, float], np.ndarray]  # of network, characters, temperature


class Learnt(NamedTuple):
    """The loss of each step, six times on the way that of the part held out, the nats of the test's
    characters, and how many characters were seen in all."""

    losses: list[float]
    held_out: list[float]
    nats: np.ndarray
    seen: int

    def draw(self, axes: Axes) -> None:
        """The curves of the losses."""
        groups = np.array_split(self.losses, min(len(self.losses), 80))
        means = [float(np.mean(group)) for group in groups]
        for values, label, style in ((means, "training", "-"), (self.held_out, "held out", "o-")):
            seen = np.linspace(0, self.seen, len(values) + 1)[1:]
            axes.plot(seen, values, style, label=label, markersize=4)
        axes.set(xlabel="characters seen", ylabel="nats per character", title="Learning")
        axes.legend()


def learn(
    model: Any, loss: Loss, surprise: Surprise, parts: Parts, args: argparse.Namespace
) -> Learnt:
    """Train, choose a temperature, test once; print what can be reached and what was."""

    def held_out(temperature: float = 1.0) -> float:
        return float(np.mean(surprise(model, parts.valid, temperature)))

    print(parts.chance())
    print(f"untrained: {held_out():.3f} nats per character")
    losses, checks = train(model, functools.partial(loss, tl, model), held_out, parts, args)
    nats = surprise(model, parts.test, calibrated(held_out))
    print(f"trained: {np.mean(nats):.3f} nats per character, the mean over {len(nats)} never seen")
    wall, cpu = time.perf_counter() - START, time.process_time()
    print(f"{wall:.1f} s, {cpu:.1f} s of CPU time")
    return Learnt(losses, checks, nats, args.steps * args.batch_size * args.length)


def train(
    model: Any, loss: Callable[[Tensor, Tensor], Tensor], valid: Callable[[], float],
    parts: Parts, args: argparse.Namespace,
) -> tuple[list[float], list[float]]:  # fmt: skip
    """Learn from random pieces: the loss of each step, and six times on the way `valid()`."""
    rng = np.random.default_rng(args.seed)
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim < 2]  # biases and norms need not be small
    groups = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    optimizer = tl.optim.AdamW(groups, betas=(0.9, 0.99), weight_decay=0.1)
    schedule = tl.optim.lr_scheduler.OneCycleLR(
        optimizer, args.learning_rate, args.steps, pct_start=0.1, cycle_momentum=False
    )

    # A step is hundreds of operations, always the same ones: as one piece of C code it takes half
    # the time. To build that takes seconds, which does not pay for a few steps.
    @tl.compile(mode="numpy" if args.quick else None)
    def step(x: Tensor, y: Tensor) -> Tensor:
        surprise = loss(x, y)
        optimizer.zero_grad()
        surprise.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        return surprise

    losses, held_out = [], []
    for number in (progress := trange(1, args.steps + 1, desc="training", unit="step")):
        starts = rng.integers(0, len(parts.train) - args.length, (args.batch_size, 1))
        x, y = (parts.train[starts + np.arange(args.length) + ahead] for ahead in (0, 1))
        losses.append(float(step(Tensor(x), Tensor(y))))
        progress.set_postfix(nats=f"{np.mean(losses[-50:]):.3f}", refresh=False)
        if number * 6 // args.steps > len(held_out):
            held_out.append(valid())
    return losses, held_out


def calibrated(held_out: Callable[[float], float]) -> float:
    """What to divide scores by: a network is too sure of itself (Guo et al., 2017)."""
    temperature = min((1.0, 1.1, 1.2, 1.3, 1.4), key=held_out)
    print(f"scores divided by {temperature}, which was best on the part held out")
    return temperature


def compared(make: Callable[[Any], Any], loss: Loss, parts: Parts, args: argparse.Namespace) -> str:
    """How long a step takes here and in PyTorch."""
    x = parts.train[: args.batch_size * args.length].reshape(args.batch_size, -1)
    return compare(make, loss, x, np.roll(x, -1), compiled=True)


# ---- options, and networks that were saved -------------------------------------------------


def options(description: str, **defaults: float) -> argparse.Namespace:
    """What is asked for on the command line, if it is enough to go on."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, help="a text file, or tinyshakespeare.txt's folder")
    parser.add_argument("--quick", action="store_true", help="seconds with this project's README")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--width", type=int, help="numbers for a character")
    parser.add_argument("--blocks", type=int)
    parser.add_argument("--length", type=int, default=128, help="characters in a piece")
    parser.add_argument("--batch-size", type=int, default=16, help="pieces in a step")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--learning-rate", type=float, help="the highest")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="keep the trained network")
    parser.add_argument("--load", type=Path, help="a saved network, for --predict")
    parser.add_argument("--predict", metavar="TEXT", help="a beginning of your own to continue")
    parser.add_argument("--compare-torch", action="store_true", help="time a step of each")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the plots go")
    parser.set_defaults(**defaults)
    args = parser.parse_args()
    if args.predict is not None and not args.load:
        parser.error("--predict needs the network: --load FILE")
    if args.quick:
        args.steps, args.width, args.blocks, args.length = 200, 48, 1, 64
        args.learning_rate = 1e-2
    elif args.predict is None and not args.data:
        parser.error("where is the text? --data FILE, or --quick to do without")
    return args


def keep(args: argparse.Namespace, model: Any, parts: Parts) -> None:
    """Save the network and what it takes to build it."""
    kept = {"model": model.state_dict(), "characters": parts.vocabulary.characters}
    tl.save({**kept, "sizes": sizes(args)}, args.save)
    print("saved:", args.save)


def restored(args: argparse.Namespace, mixer: Mixer) -> tuple[Any, data.Characters]:
    """The network that :func:`keep` has saved, and its characters."""
    kept = tl.load(args.load)
    vocabulary = data.Characters(kept["characters"])
    model = build(nn, mixer, len(vocabulary), **kept["sizes"])
    model.load_state_dict(kept["model"])
    return model, vocabulary
