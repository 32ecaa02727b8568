"""A network translates from German to English, and shows which words it looked at.

One half of it reads the German sentence, the other writes the English one, piece by piece. For each
piece it looks back at all that was read, and takes in most of what matters now: that is attention
(Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and translate",
2015). Multi30k has 29,000 sentences to learn from, captions of photographs.

    python examples/translate.py --data FOLDER       (train.de.gz, train.en.gz, val..., test...)
    python examples/translate.py --data FOLDER --model transformer --save out/translate.npz
    python examples/translate.py --load out/translate.npz --say "Ein Hund läuft durch den Schnee."
    python examples/translate.py --quick             (German number words; no download)
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from beside_torch import compare
from sentences import Languages, Pairs, asked, draw_attention, draw_losses, judged, load, translate

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.data import Subwords


class Recurrent(nn.Module):
    """Two GRUs read, one from each end; two write, and attention stands between them."""

    def __init__(self, german: int, english: int, size: int, dropout: float) -> None:
        self.build(tl, german, english, size, dropout)

    def build(self, library: Any, german: int, english: int, size: int, dropout: float) -> None:
        """Make the layers, of this library or of PyTorch."""
        nn, self.concat = library.nn, library.concat
        self.german, self.english = nn.Embedding(german, size), nn.Embedding(english, size)
        self.reader = nn.GRU(size, size // 2, bidirectional=True)
        self.start = nn.Linear(size, size)
        self.asker = nn.GRU(size, size)
        self.attention = nn.MultiheadAttention(size, num_heads=1)
        self.writer = nn.GRU(2 * size, size)
        self.scores = nn.Linear(size, english)
        self.dropout = nn.Dropout(dropout)

    def read(self, pieces: Tensor, padding: Tensor) -> Any:
        return self.reader(pieces, lengths=(~padding).sum(0))

    def encode(self, source: Tensor) -> tuple[Tensor, ...]:
        """What is to be known of German sentences (S, N): states, where there are none, gist."""
        padding = source == Subwords.padding
        states, last = self.read(self.dropout(self.german(source)), padding)
        gist = self.start(self.concat([last[0], last[1]], axis=-1)).tanh()
        return self.dropout(states), padding.T, gist[None]

    def decode(self, memory: tuple[Tensor, ...], prefix: Tensor) -> Any:
        """Features of what to write behind each piece of English beginnings (T, N)."""
        states, padding, gist = memory
        # In training the whole translation is known. What was attended to does not lead back into
        # the GRU that asks for it, so that all steps of it are one call, and so is the attention.
        # The GRU behind it remembers what was taken in, and need not be written twice.
        asked, _ = self.asker(self.dropout(self.english(prefix)), gist)
        seen, weights = self.attention(asked, states, states, padding)
        self.weights = weights.detach()
        written, _ = self.writer(self.dropout(self.concat([asked, seen], axis=-1)), gist)
        return self.dropout(written + seen)

    def forward(self, source: Tensor, prefix: Tensor) -> Any:
        return self.scores(self.decode(self.encode(source), prefix))


class Transformer(nn.Module):
    """Nothing is read in order: attention alone, to waves that tell where each piece stands."""

    def __init__(self, german: int, english: int, size: int, dropout: float) -> None:
        self.german, self.english = nn.Embedding(german, size), nn.Embedding(english, size)
        self.places = nn.PositionalEncoding(size, dropout)
        self.net = nn.Transformer(size, 4, 2, 2, 2 * size, dropout, norm_first=True)
        self.scores = nn.Linear(size, english)
        # The last look at what was read is asked for its weights as well, and they are kept.
        last: Any = self.net.decoder.layers[-1]
        last.multihead_attn.register_forward_pre_hook(lambda _, args: (*args[:4], True, *args[5:]))
        last.multihead_attn.register_forward_hook(self.keep)

    def keep(self, layer: nn.Module, args: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        self.weights = output[1].detach()

    def encode(self, source: Tensor) -> tuple[Tensor, ...]:
        padding = (source == Subwords.padding).T
        read = self.net.encoder(self.places(self.german(source)), src_key_padding_mask=padding)
        return read, padding

    def decode(self, memory: tuple[Tensor, ...], prefix: Tensor) -> Any:
        read, padding = memory
        written = self.places(self.english(prefix))
        return self.net.decoder(written, read, tgt_is_causal=True, memory_key_padding_mask=padding)

    def forward(self, source: Tensor, prefix: Tensor) -> Any:
        return self.scores(self.decode(self.encode(source), prefix))


NETWORKS = {"gru": Recurrent, "transformer": Transformer}


def surprise(scores: Any, following: Any, library: Any = tl) -> Any:
    """Cross-entropy; a tenth of each target is spread over all pieces, against being too sure."""
    flat, pieces = scores.reshape(-1, scores.shape[-1]), following.reshape(-1)
    return library.nn.functional.cross_entropy(
        flat, pieces, ignore_index=Subwords.padding, label_smoothing=0.1
    )


def train(
    model: Any, languages: Languages, pairs: Pairs, held_out: Pairs, args: argparse.Namespace
) -> tl.training.History:
    """Learn; and of all epochs keep the weights of that which fits the pairs held out best."""
    batches = languages.batches(pairs, args.batch_size)
    optimizer = tl.optim.Adam(model.parameters(), betas=(0.9, 0.98))
    schedule = tl.optim.lr_scheduler.OneCycleLR(
        optimizer, args.learning_rate, args.epochs * len(batches), cycle_momentum=False
    )
    return tl.fit(
        model, batches, surprise, optimizer, epochs=args.epochs, schedule=schedule,
        schedule_per="batch", validation=languages.batches(held_out, args.batch_size),
        patience=args.epochs, clip_norm=1.0,
    )  # fmt: skip


def compare_torch(languages: Languages, pairs: Pairs, args: argparse.Namespace) -> str:
    """Time a step of the GRUs in both libraries; PyTorch's have no `lengths`, so that none has."""
    batch = next(iter(languages.batches(pairs, args.batch_size)))

    def build(nn: Any) -> Any:
        twin = nn.Module()
        library = sys.modules[nn.__name__.removesuffix(".nn")]
        Recurrent.build(twin, library, *languages.sizes, args.size, args.dropout)
        twin.read = lambda pieces, padding: twin.reader(pieces)
        return twin

    def loss(library: Any, twin: Any, source: Any, prefix: Any, following: Any) -> Any:
        scores = twin.scores(Recurrent.decode(twin, Recurrent.encode(twin, source), prefix))
        return surprise(scores, following, library)

    return compare(build, loss, *(part.numpy() for part in batch))


def say(sentence: str, args: argparse.Namespace) -> str:
    """The translation by a saved network, and a picture of what it looked at."""
    kept = tl.load(args.load)
    languages = Languages(*kept["pieces"])
    model = NETWORKS[kept["model"]](*languages.sizes, kept["size"], 0.0)
    model.load_state_dict(kept["weights"])
    (said,) = translate(model, languages, [sentence], args.beam)
    picture = args.out / "translate_said.png"
    draw_attention(model, languages, [(sentence, said)], picture)
    return f"{said}\nwhat it looked at: {picture}"


def main() -> None:
    """Train, test once, draw."""
    args = asked(__doc__.split("\n\n")[0], NETWORKS)
    if args.say:
        print(say(args.say, args))
        return
    tl.manual_seed(args.seed)
    tl.keep_freed_memory()
    pairs, held_out, test = load(args)
    languages = Languages.learn(pairs, args.pieces)
    if args.compare_torch:
        print("the GRUs,", compare_torch(languages, pairs, args))
        return
    model = NETWORKS[args.model](*languages.sizes, args.size, args.dropout)
    german, english = (list(side) for side in zip(*test, strict=True))
    print("chance:   ", judged([en for _, en in pairs[: len(test)]], english))
    print("untrained:", judged(translate(model, languages, german[:100], 1), english[:100]))
    wall, cpu = time.perf_counter(), time.process_time()
    history = train(model, languages, pairs, held_out, args)
    given = translate(model, languages, german, args.beam)
    print("trained:  ", judged(given, english))
    print(f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU time")
    for i in range(3):
        print(f"\n  {german[i]}\n  {given[i]}\n  (by hand: {english[i]})")
    draw_losses(history, args.out / "translate_losses.png")
    shown = [pair for pair in zip(german, given, strict=True) if len(pair[0]) < 80][:3]
    draw_attention(model, languages, shown, args.out / "translate_attention.png")
    print("\nplots:", *sorted(args.out.glob("translate_*.png")))
    if args.save:
        kept = {"model": args.model, "size": args.size, "pieces": languages.pieces}
        tl.save({**kept, "weights": model.state_dict()}, args.save)
        print("saved:", args.save)


if __name__ == "__main__":
    main()
