"""What translate.py needs besides its networks: sentences, the search for a translation, plots."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from number_words import number_words

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, data, nn
from tinygrad_lesson.data import Subwords

Pairs = Sequence[tuple[str, ...]]  # German and English


def asked(description: str, networks: Iterable[str]) -> argparse.Namespace:
    """What the user of translate.py asked for."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, help="folder of Multi30k's files")
    parser.add_argument("--quick", action="store_true", help="seconds with German number words")
    parser.add_argument("--model", choices=networks, default="gru")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, help="the highest of the cycle")
    parser.add_argument("--size", type=int, default=256, help="features of a piece")
    parser.add_argument("--pieces", type=int, default=3000, help="in each language")
    parser.add_argument("--dropout", type=float)
    parser.add_argument("--beam", type=int, default=5, help="beginnings kept while translating")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="keep the trained network")
    parser.add_argument("--load", type=Path, help="a saved network, for --say")
    parser.add_argument("--say", metavar="SENTENCE", help="German of your own")
    parser.add_argument("--compare-torch", action="store_true", help="time a step of each")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the plots go")
    args = parser.parse_args()
    if args.say and not args.load:
        parser.error("--say needs the network: --load FILE")
    if not (args.say or args.quick or args.data):
        parser.error("where are Multi30k's files? --data FOLDER, or --quick to do without")
    rate, dropout = {"gru": (2e-3, 0.3), "transformer": (1e-3, 0.1)}[args.model]
    args.learning_rate = rate if args.learning_rate is None else args.learning_rate
    args.dropout = dropout if args.dropout is None else args.dropout
    if args.quick:
        small = {"epochs": 3, "size": 64, "pieces": 60, "batch_size": 32, "dropout": 0.1}
        vars(args).update(small, learning_rate=5e-3)
    args.out.mkdir(exist_ok=True)
    return args


def load(args: argparse.Namespace) -> list[Pairs]:
    """What to learn from, what to choose the epoch by, and what to test on."""
    if not args.quick:
        parts = ("train", "val", "test_2016_flickr")
        return [data.Multi30k(args.data, part).sentences for part in parts]
    numbers = np.random.default_rng(args.seed).permutation(10_000)[:2400]
    pairs: Pairs = [number_words(int(n)) for n in numbers]
    return [pairs[:2000], pairs[2000:2200], pairs[2200:]]


class Languages:
    """The pieces of which German and English sentences are made, as numbers."""

    def __init__(self, german: list[str], english: list[str]) -> None:
        self.pieces = german, english
        self.sizes = len(german), len(english)
        self.german, self.english = Subwords(german), Subwords(english)

    @classmethod
    def learn(cls, pairs: Pairs, pieces: int) -> Languages:
        """Those that the sentences of each language most often have, `pieces` of them."""
        return cls(*(Subwords.learn(side, pieces).pieces for side in zip(*pairs, strict=True)))

    def target(self, sentence: str) -> np.ndarray:
        """An English sentence between its start and its end."""
        pieces = self.english.encode(sentence)
        return np.concatenate([[Subwords.start], pieces, [Subwords.end]])

    def batches(self, pairs: Pairs, size: int) -> data.DataLoader:
        """Batches of: German (S, N), English without its end (T, N), English without its start."""
        rows = [(self.german.encode(de), self.target(en)) for de, en in pairs]
        alike = data.LengthBatches([(len(en), len(de)) for de, en in rows], size, pool=200)

        def side_by_side(samples: list[tuple[np.ndarray, ...]]) -> tuple[Tensor, ...]:
            source, target = map(data.pad_sequence, zip(*samples, strict=True))
            return source, target[:-1], target[1:]

        return data.DataLoader(rows, batch_sampler=alike, collate_fn=side_by_side)


# ---- translating -------------------------------------------------------------------------


def search(model: Any, source: Tensor, beam: int) -> np.ndarray:
    """For each sentence the best translation found when `beam` beginnings of it are kept."""
    n = source.shape[1]
    memory = model.encode(Tensor(np.repeat(source.numpy(), beam, axis=1)))
    prefix = np.full((1, n * beam), Subwords.start)
    total = np.tile(np.where(np.arange(beam) == 0, 0.0, -np.inf), (n, 1))  # of log-probabilities
    for _ in range(2 * len(source) + 10):  # more pieces than any translation has
        over = (prefix == Subwords.end).any(axis=0)
        if over.all():
            break
        # The beginnings are read anew each time: simpler than to carry a state for each.
        scores = model.scores(model.decode(memory, Tensor(prefix))[-1])
        logs = np.array(nn.functional.log_softmax(scores, -1).numpy())
        pieces = logs.shape[1]
        logs[over] = np.where(np.arange(pieces) == Subwords.end, 0.0, -np.inf)
        grown = (total[:, :, None] + logs.reshape(n, beam, pieces)).reshape(n, -1)
        best = np.argpartition(-grown, beam - 1, axis=1)[:, :beam]
        total = np.take_along_axis(grown, best, axis=1)
        rows = best // pieces + beam * np.arange(n)[:, None]
        prefix = np.concatenate([prefix[:, rows.ravel()], best.reshape(1, -1) % pieces])
    lengths = np.sum(prefix != Subwords.end, axis=0).reshape(n, beam)
    rows = np.argmax(total / lengths, axis=1) + beam * np.arange(n)  # the sum favours short ones
    return prefix[:, rows].T


def translate(model: Any, languages: Languages, sentences: list[str], beam: int) -> list[str]:
    """Those of like length are translated together, so that little is computed for nothing."""
    model.eval()
    numbers = [languages.german.encode(sentence) for sentence in sentences]
    order = np.argsort([len(row) for row in numbers])
    found: dict[int, str] = {}
    with tl.no_grad():
        for part in np.array_split(order, -(-len(order) // 50)):
            rows = search(model, data.pad_sequence([numbers[i] for i in part]), beam)
            found |= zip(part.tolist(), map(languages.english.decode, rows), strict=True)
    return [found[i] for i in range(len(sentences))]


def judged(given: list[str], truth: list[str]) -> str:
    """How many runs of one to four words are right, BLEU, and how many whole sentences."""
    exact = f"{np.mean([a == b for a, b in zip(given, truth, strict=True)]):.1%} word for word"
    try:
        from sacrebleu.metrics import BLEU
    except ImportError:
        return f"{exact} (for BLEU: pip install sacrebleu)"
    bleu = BLEU()
    score = bleu.corpus_score(given, [truth]).score
    return f"BLEU {score:.1f}, {exact}  {bleu.get_signature()}"


# ---- pictures ----------------------------------------------------------------------------


def draw_attention(model: Any, languages: Languages, pairs: Pairs, path: Path) -> None:
    """From where in the German sentence each English piece was taken."""
    figure = Figure(figsize=(1 + 4.5 * len(pairs), 5), layout="constrained")
    for number, (sentence, translation) in enumerate(pairs, 1):
        source, target = languages.german.encode(sentence), languages.target(translation)
        with tl.no_grad():
            model(Tensor(source[:, None]), Tensor(target[:-1, None]))
        axes = figure.add_subplot(1, len(pairs), number)
        axes.imshow(model.weights.numpy()[0], cmap="Greens", vmin=0, vmax=1)
        axes.set_xticks(range(len(source)), [languages.german.pieces[i] for i in source])
        axes.set_yticks(range(len(target) - 1), [languages.english.pieces[i] for i in target[1:]])
        axes.tick_params("x", rotation=90)
    figure.suptitle("Dark: what was looked at")
    figure.savefig(path, dpi=110)


def draw_losses(history: list[dict[str, float]], path: Path) -> None:
    """How well the next piece was foretold, in each epoch."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="epoch", ylabel="cross-entropy (nats)", title="Learning")
    epochs = range(1, len(history) + 1)
    axes.plot(epochs, [record["loss"] for record in history], "o-", label="training, with dropout")
    axes.plot(epochs, [record["val_loss"] for record in history], "o-", label="held out")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    figure.savefig(path, dpi=110)
