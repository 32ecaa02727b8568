"""A small transformer learns to write like Shakespeare, one character after the other.

It has no memory that changes from character to character, as text_rnn.py has: each character looks
back at all those before it in its piece of text, and takes from each as much as it wants.

    python examples/gpt.py --data tinyshakespeare.txt         (or any other text)
    python examples/gpt.py --data tinyshakespeare.txt --seed 1 --save out/poet.npz
    python examples/gpt.py --load out/poet.npz --predict "O Romeo, "
    python examples/gpt.py --quick                            (this project's README)

The last tenth of the text is read once, at the end, in windows that overlap by half: each of its
characters but the first few is guessed from at least half a window.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import texts
from matplotlib.figure import Figure

import tinygrad_lesson as tl
from tinygrad_lesson import data
from tinygrad_lesson.nn import functional as F  # noqa: N812  PyTorch's name for it

HEADS = 4


def attention(nn: Any, width: int) -> dict[str, Any]:
    """What lets a character take something from those before it."""
    return {"look": nn.Linear(width, 3 * width), "take": nn.Linear(width, width)}


@functools.cache
def distances(length: int) -> np.ndarray:
    """What is added to the scores of attention, (HEADS, length, length): far is worth less.

    Each head has a slope of its own, from far-sighted to near-sighted, and none sees what is yet to
    come (Press, Smith and Lewis, "Train short, test long", 2022). Nothing else says where a
    character stands.
    """
    back = np.arange(length)[:, None] - np.arange(length)
    slopes = 2.0 ** (-8 * np.arange(1, HEADS + 1) / HEADS)
    return np.where(back < 0, -np.inf, -slopes[:, None, None] * back).astype(np.float32)


def beside(library: Any, x: Any) -> Any:
    """Half of the features of each character, and half of the one before: words begin with pairs.

    (It is the "token shift" of Peng et al., "RWKV", 2023.)
    """
    half = x.shape[-1] // 2
    before = library.nn.functional.pad(x[..., :half], (0, 0, 1, -1))
    return library.concat([before, x[..., half:]], dim=-1)


def attend(block: Any, x: Any, bias: Any) -> tuple[Any, Any]:
    """What each character takes from those before it, and the shares (N, HEADS, T, T)."""
    query, key, value = (
        part.unflatten(-1, (HEADS, -1)).swapaxes(1, 2) for part in block["look"](x).chunk(3, -1)
    )
    fit = query * query.shape[-1] ** -0.5 @ key.mT  # what is sought, and what is there
    shares = (fit + bias).softmax(-1)
    return block["take"]((shares @ value).swapaxes(1, 2).flatten(-2)), shares


def read(library: Any, model: Any, numbers: Any) -> tuple[Any, list[Any]]:
    """Scores for what follows each of the characters (N, T), and the shares in each block."""
    x, looks = model["dropout"](model["embedding"](numbers)), []
    bias = library.asarray(distances(numbers.shape[1]))
    for block in model["blocks"]:
        taken, shares = attend(block, beside(library, block["norm1"](x)), bias)
        x = x + block["dropout"](taken)
        x = x + texts.think(block, beside(library, block["norm2"](x)))
        looks.append(shares)
    return model["scores"](model["norm"](x)), looks


def loss(library: Any, model: Any, x: Any, y: Any) -> Any:
    """How surprising the characters `y` are after those in `x`."""
    scores = read(library, model, x)[0]
    return library.nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y.reshape(-1))


def surprise(window: int, model: Any, numbers: np.ndarray, temperature: float) -> np.ndarray:
    """Nats for each character but the first, each from at least half a window before it."""
    model.eval()
    half, last = window // 2, len(numbers) - 1
    found = np.empty(last, np.float32)
    with tl.no_grad():
        for start in range(0, max(last - half, 1), half):
            end = min(start + window, last)
            x, y = numbers[start:end], numbers[start + 1 : end + 1]
            scores = read(tl, model, x[None])[0][0] / temperature
            nats = F.cross_entropy(scores, y, reduction="none").numpy()
            new = half if start else 0  # the first half was in the window before
            found[start + new : end] = nats[new:]
    model.train()
    return found


def write(model: Any, vocabulary: data.Characters, text: str, length: int, args: Any) -> str:
    """`text`, continued by `length` characters; each time the last `args.length` are read."""
    rng = np.random.default_rng(args.seed)
    model.eval()
    with tl.no_grad():
        for _ in range(length):
            seen = vocabulary.encode(text[-args.length :])
            text += vocabulary.decode([texts.drawn(read(tl, model, seen[None])[0][0, -1], rng)])
    return text


def draw(model: Any, vocabulary: data.Characters, numbers: np.ndarray, path: Path) -> None:
    """At which characters (columns) each character (rows) looks, in each block and head."""
    model.eval()
    with tl.no_grad():
        looks = read(tl, model, numbers[None])[1]
    letters = [c if c.isprintable() else "\\n" for c in vocabulary.decode(numbers)]
    figure = Figure(figsize=(3 * HEADS, 3 * len(looks)), layout="constrained")
    grid = figure.subplots(len(looks), HEADS, sharex=True, sharey=True, squeeze=False)
    for (row, head), axes in np.ndenumerate(grid):
        axes.imshow(looks[row].numpy()[0, head], cmap="Blues", vmin=0, vmax=1)
        axes.set_title(f"block {row + 1}, head {head + 1}", fontsize=9)
        axes.tick_params(labelsize=6)
    axes.set_xticks(range(len(letters)), letters)
    axes.set_yticks(range(len(letters)), letters)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Train, test once, write and draw."""
    defaults = {"steps": 2000, "width": 128, "blocks": 4, "learning_rate": 4e-3}
    args = texts.options(__doc__.split("\n\n")[0], **defaults)
    if args.predict is not None:
        model, vocabulary = texts.restored(args, attention)
        print(write(model, vocabulary, args.predict or "\n", 400, args))
        return
    parts, make = texts.begin(args, attention)
    model = make(tl.nn)
    in_windows = functools.partial(surprise, args.length)
    learnt = texts.learn(model, loss, in_windows, parts, args)
    print("it writes:", write(model, parts.vocabulary, "\n", 400, args), sep="\n")
    args.out.mkdir(exist_ok=True)
    figure = Figure(figsize=(8, 4), layout="constrained")
    learnt.draw(figure.add_subplot())
    figure.savefig(args.out / "gpt.png", dpi=110)
    draw(model, parts.vocabulary, parts.test[200:240], args.out / "gpt_attention.png")
    print("plots:", *sorted(args.out.glob("gpt*.png")))
    if args.save:
        texts.keep(args, model, parts)
    if args.compare_torch:
        print(texts.compared(make, loss, parts, args))


if __name__ == "__main__":
    main()
