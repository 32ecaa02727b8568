"""An LSTM learns to write like Shakespeare, one character after the other.

It reads a character, changes its state, and says how likely each next character is. What it has
read stays in that state: nothing else remembers. The loss is the surprise, in nats: the logarithm
of 1 over the chance that it gave to the character that came.

    python examples/text_rnn.py --data tinyshakespeare.txt     (or any other text)
    python examples/text_rnn.py --data tinyshakespeare.txt --seed 1 --save out/poet.npz
    python examples/text_rnn.py --load out/poet.npz --predict "O Romeo, "
    python examples/text_rnn.py --quick                        (this project's README)

The last tenth of the text is read once, at the end, from its first character to its last, without
learning.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import texts
from matplotlib.figure import Figure

import tinygrad_lesson as tl
from tinygrad_lesson import data
from tinygrad_lesson.nn import functional as F  # noqa: N812  PyTorch's name for it

State = tuple[Any, Any]  # what is shown, and what is remembered


def memory(nn: Any, width: int) -> dict[str, Any]:
    """What lets a character take something from those before it."""
    return {"lstm": nn.LSTM(width, width, batch_first=True)}


def read(model: Any, numbers: Any, states: list[State] | None = None) -> tuple[Any, list[State]]:
    """Scores for what follows each of the characters (N, T), and the states after the last."""
    x, after = model["dropout"](model["embedding"](numbers)), []
    for number, block in enumerate(model["blocks"]):
        remembered, state = block["lstm"](block["norm1"](x), states and states[number])
        x = x + block["dropout"](remembered)
        x = x + texts.think(block, block["norm2"](x))
        after.append(state)
    return model["scores"](model["norm"](x)), after


def remember_at_first(model: Any) -> None:
    """Open the forget gates: a memory that fades at once could not show what it is good for."""
    for block in model["blocks"]:
        bias = block["lstm"].bias_ih_l0
        put, keep, new, show = np.split(bias.numpy(), 4)
        bias.assign(np.concatenate([put, keep + 1, new, show]))


def loss(library: Any, model: Any, x: Any, y: Any) -> Any:
    """How surprising the characters `y` are after those in `x`."""
    scores = read(model, x)[0]
    return library.nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y.reshape(-1))


def surprise(model: Any, numbers: np.ndarray, temperature: float) -> np.ndarray:
    """Nats for each character but the first; the state goes on from piece to piece."""
    model.eval()
    found, states = [], None
    with tl.no_grad():
        for start in range(0, len(numbers) - 1, 500):
            y = numbers[start + 1 : start + 501]
            scores, states = read(model, numbers[None, start : start + len(y)], states)
            found.append(F.cross_entropy(scores[0] / temperature, y, reduction="none").numpy())
    model.train()
    return np.concatenate(found)


def write(model: Any, vocabulary: data.Characters, text: str, length: int, seed: int) -> str:
    """`text`, continued by `length` characters."""
    rng = np.random.default_rng(seed)
    model.eval()
    with tl.no_grad():
        scores, states = read(model, vocabulary.encode(text)[None])
        for _ in range(length):
            number = texts.drawn(scores[0, -1], rng)
            text += vocabulary.decode([number])
            scores, states = read(model, [[number]], states)
    return text


def draw_surprise(figure: Figure, text: str, nats: np.ndarray) -> None:
    """How surprising each character of a text was: words surprise where they begin."""
    axes = figure.add_subplot(2, 1, 2, ylabel="nats", title="How surprising each character was")
    axes.bar(range(len(text)), nats, color="C2")
    axes.set_xticks(range(len(text)), [c if c.isprintable() else "\\n" for c in text], fontsize=8)
    axes.set_xlim(-1, len(text))


def main() -> None:
    """Train, test once, write and draw."""
    defaults = {"steps": 1200, "width": 192, "blocks": 2, "learning_rate": 5e-3}
    args = texts.options(__doc__.split("\n\n")[0], **defaults)
    if args.predict is not None:
        model, vocabulary = texts.restored(args, memory)
        print(write(model, vocabulary, args.predict or "\n", 400, args.seed))
        return
    parts, make = texts.begin(args, memory)
    model = make(tl.nn)
    remember_at_first(model)
    learnt = texts.learn(model, loss, surprise, parts, args)
    print("it writes:", write(model, parts.vocabulary, "\n", 400, args.seed), sep="\n")
    args.out.mkdir(exist_ok=True)
    figure = Figure(figsize=(10, 6), layout="constrained")
    learnt.draw(figure.add_subplot(2, 1, 1))
    draw_surprise(figure, parts.vocabulary.decode(parts.test[201:291]), learnt.nats[200:290])
    figure.savefig(args.out / "text_rnn.png", dpi=110)
    print("plot:", args.out / "text_rnn.png")
    if args.save:
        texts.keep(args, model, parts)
    if args.compare_torch:
        print(texts.compared(make, loss, parts, args))


if __name__ == "__main__":
    main()
