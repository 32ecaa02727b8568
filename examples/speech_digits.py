"""A recurrent network listens to digits: one, or a whole row of them.

The Free Spoken Digit Dataset: 6 people say each digit 50 times; the first five of each are its test
set, so no voice in it is new. A sound is made a picture of its frequencies over time. Convolutions
sum that up every 40 ms, and a recurrent layer reads it from both ends, so that at each moment it
knows what came before and what comes after.

    python examples/speech_digits.py --data FOLDER     (of the recordings, or of their zip)
    python examples/speech_digits.py --data FOLDER --seed 1 --save out/ear.npz
    python examples/speech_digits.py --load out/ear.npz --predict my_digit.wav
    python examples/speech_digits.py --quick           (the tones of a telephone; no download)

With --sequence up to six recordings are joined, at random and with pauses. Nobody tells the network
where one digit ends and the next begins: connectionist temporal classification (CTC, Graves et al.,
2006) sums up over all the ways in which the digits could lie in the sound.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import sound_plots
from beside_torch import compare
from sounds import Parts, Recording, error_rate, line_up, load, options, read_sound, shuffled
from tqdm import tqdm

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor

BLANK = 10  # "nothing new" is an answer, too, where one is asked for every 40 ms
Lists = list[list[int]]


def build(nn: Any, sequence: bool, hidden: int) -> Any:
    """40 bands every 10 ms in, a score for each answer out; the layers may be PyTorch's."""

    def halved(channels: int) -> list[Any]:  # what there is around every second frame
        convolution = nn.Conv1d(channels, 64, 5, stride=2, padding=2)
        return [convolution, nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2)]

    return nn.ModuleDict(
        {
            "front": nn.Sequential(*halved(40), *halved(64)),
            "memory": nn.GRU(64, hidden, bidirectional=True),
            "scores": nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * hidden, 10 + sequence)),
        }
    )


def read(library: Any, model: Any, frames: Any, sequence: bool, **lengths: Any) -> Any:
    """Scores for each moment (T / 4, N, 11), or for each recording (N, 10)."""
    moments = model["front"](frames).moveaxis(2, 0)
    states, last = model["memory"](moments, **lengths)
    ends = library.concat([last[0], last[1]], axis=-1)  # what each direction knows in the end
    return model["scores"](states if sequence else ends)


def loss_of(library: Any, scores: Any, digits: Any, *counts: Any) -> Any:
    """How unlikely the digits are: one for each recording, or as many as the counts say."""
    F = library.nn.functional  # noqa: N806  PyTorch's name for it
    if not counts:
        return F.cross_entropy(scores, digits)
    return F.ctc_loss(F.log_softmax(scores, -1), digits, *counts, blank=BLANK)


def goal(digits: Lists, lengths: np.ndarray, sequence: bool) -> list[np.ndarray]:
    """All digits in one row, and of sequences the moments and the digits that each has."""
    counts = [lengths // 4, np.array([len(row) for row in digits])]
    return [np.concatenate(digits), *(counts if sequence else [])]


def train(model: Any, parts: Parts, args: argparse.Namespace) -> list[tuple[float, float]]:
    """Hear all recordings `args.epochs` times: the loss, and the errors held out, after each."""
    rng = np.random.default_rng(args.seed)
    batches = -(-len(parts.train) // args.batch_size)
    optimizer = tl.optim.AdamW(model.parameters())
    progress = tqdm(total=args.epochs * batches, desc="training", unit="step")
    schedule = tl.optim.lr_scheduler.OneCycleLR(optimizer, args.learning_rate, progress.total)
    curve = []
    for _ in range(args.epochs):
        model.train()
        losses = []
        for rows in np.array_split(rng.permutation(len(parts.train)), batches):
            heard = [parts.train[i] for i in rows]
            frames, lengths, digits = line_up(heard, rng, args.most, vary=True)
            scores = read(tl, model, Tensor(frames), args.sequence, lengths=lengths // 4)
            loss = loss_of(tl, scores, *goal(digits, lengths, args.sequence))
            optimizer.zero_grad()
            loss.backward()
            tl.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(float(loss))
            progress.update()
        curve.append((float(np.mean(losses)), error_rate(*answers(model, parts.valid, args))))
        progress.set_postfix(loss=f"{curve[-1][0]:.3f}", held_out=f"{curve[-1][1]:.1%} wrong")
    progress.close()
    return curve


def chances(model: Any, frames: np.ndarray, lengths: np.ndarray, sequence: bool) -> np.ndarray:
    """How likely each answer is: (T / 4, N, 11) or (N, 10)."""
    model.eval()
    with tl.no_grad():
        scores = read(tl, model, Tensor(frames), sequence, lengths=lengths // 4)
        return np.asarray(tl.softmax(scores, axis=-1))


def understood(found: np.ndarray, lengths: np.ndarray, sequence: bool) -> Lists:
    """The likeliest answers. In a sequence, one that lasts counts once, and a blank not at all."""
    best = found.argmax(axis=-1)
    if not sequence:
        return [[int(digit)] for digit in best]
    paths = [path[: n // 4] for path, n in zip(best.T, lengths, strict=True)]
    new = [path[np.diff(path, prepend=BLANK) != 0] for path in paths]
    return [path[path != BLANK].tolist() for path in new]


def answers(model: Any, recordings: list[Recording], args: Any) -> tuple[Lists, Lists]:
    """What was said and what was understood, sound by sound; always joined in the same way."""
    rng, said, heard = np.random.default_rng(0), [], []
    for start in range(0, len(recordings), 100):
        frames, lengths, digits = line_up(recordings[start : start + 100], rng, args.most)
        said += digits
        found = chances(model, frames, lengths, args.sequence)
        heard += understood(found, lengths, args.sequence)
    return said, heard


def draw(model: Any, curve: Any, said: Lists, heard: Lists, test: Any, args: Any) -> None:
    """The curve; which digit was taken for which, or when each of a sequence was heard."""
    wrong = [] if args.sequence else [i for i in range(len(said)) if said[i] != heard[i]]
    shown = [test[i] for i in [*range(0, len(test), len(test) // 4), *wrong][:8]]
    frames, lengths, digits = line_up(shown, np.random.default_rng(2), args.most)
    found = chances(model, frames, lengths, args.sequence)
    sound_plots.save(args, curve, (said, heard), (frames, lengths, found, digits))


def beside_torch(recordings: list[Recording], args: Any) -> str:
    """PyTorch's layers know no lengths: all sounds are as long as the longest here."""
    frames, lengths, digits = line_up(recordings, np.random.default_rng(0), args.most)
    targets = goal(digits, np.full_like(lengths, frames.shape[-1]), args.sequence)

    def loss(library: Any, model: Any, frames: Any, *goal: Any) -> Any:
        return loss_of(library, read(library, model, frames, args.sequence), *goal)

    return compare(lambda nn: build(nn, args.sequence, args.hidden), loss, frames, *targets)


def main() -> None:
    """Train, test once, draw."""
    args = (parser := options(__doc__.split("\n\n")[0])).parse_args()
    if args.predict:
        if not args.load:
            parser.error("--predict needs the network: --load FILE")
        kept = tl.load(args.load)
        model = build(tl.nn, kept["sequence"], kept["hidden"])
        model.load_state_dict(kept["model"])
        frames, lengths = read_sound(args.predict)
        found = chances(model, frames, lengths, kept["sequence"])
        print(f"{args.predict}:", *understood(found, lengths, kept["sequence"])[0])
        return
    if args.quick:
        args.epochs, args.batch_size, args.hidden = 10 if args.sequence else 5, 16, 32
        args.most = 3
    elif not args.data:
        parser.error("where are the recordings? --data FOLDER, or --quick to do without")
    args.most = args.most if args.sequence else 1

    tl.keep_freed_memory()
    tl.manual_seed(args.seed)
    parts = load(None if args.quick else args.data)
    test = shuffled(parts.test, 5) if args.sequence else parts.test
    model = build(tl.nn, args.sequence, args.hidden)
    _, untrained = answers(model, test, args)
    wall, cpu = time.perf_counter(), time.process_time()
    curve = train(model, parts, args)
    print(f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU time")
    said, heard = answers(model, test, args)
    rng = np.random.default_rng(0)
    guessed = [rng.integers(0, 10, len(digits)).tolist() for digits in said]
    rates = [error_rate(said, given) for given in (heard, untrained, guessed)]
    shown = rates if args.sequence else [1 - rate for rate in rates]
    measure = "digit error rate" if args.sequence else "accuracy"
    print(f"{measure} on {len(said)} sounds of {sum(map(len, said))} digits, never heard:", end=" ")
    print("{:.2%} (untrained {:.2%}, guessed {:.2%})".format(*shown))
    draw(model, curve, said, heard, test, args)
    if args.save:
        kept = {"model": model.state_dict(), "sequence": args.sequence, "hidden": args.hidden}
        tl.save(kept, args.save)
        print("saved:", args.save)
    if args.compare_torch:
        print(beside_torch(parts.train[: args.batch_size], args))


if __name__ == "__main__":
    main()
