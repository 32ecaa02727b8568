"""A deep belief network looks at 8,000 digits without labels, then learns to read from 500.

Pictures are cheap, labels are not. Hinton, Osindero and Teh ("A fast learning algorithm for deep
belief nets", 2006) let each layer first learn, by itself, what the layer below it does; only then
are all of them trained to name the digits. Is it worth the trouble? Beside it, with the same 500
labels, the same net from Xavier's random weights, and one with ReLUs.

    python examples/dbn.py --data FOLDER     (t10k-images-idx3-ubyte and -labels-, or .gz)
    python examples/dbn.py --data FOLDER --labels 200 --seeds 1 --save out/dbn.npz
    python examples/dbn.py --load out/dbn.npz --predict my_digit.png
    python examples/dbn.py --quick           (scikit-learn's small digits; no download)
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from itertools import pairwise, product
from typing import Any

import numpy as np
from beside_torch import compare, cross_entropy
from dbn_plots import draw_errors, draw_layers
from handwriting import load, options, parsed, read_picture
from tqdm import tqdm

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, data, nn
from tinygrad_lesson.training import accuracy

BATCH = 50  # pictures
STARTS = ("pretrained", "Xavier", "ReLU")


def loader(*arrays: np.ndarray) -> data.DataLoader:
    """The rows in batches, in a new order each time."""
    return data.DataLoader(data.TensorDataset(*arrays), BATCH, shuffle=True)


def pretrain(pictures: np.ndarray, args: argparse.Namespace) -> tuple[nn.DBN, list[list[float]]]:
    """One layer after the other, from below; also how well each gives back what it is shown."""
    dbn = nn.DBN([pictures.shape[1], *args.sizes])
    units, curves = pictures, []  # a gray pixel is a unit that is on with that probability
    for depth, rbm in enumerate(dbn.stack, 1):
        optimizer = tl.optim.SGD(rbm.parameters(), args.look_rate, momentum=0.5, weight_decay=2e-4)
        errors = []
        for _ in tqdm(range(args.look), desc=f"looking, layer {depth}", unit="epoch", leave=False):
            for (v,) in loader(units):
                # p(v) = exp(-F(v)) / Z: likely is what has a low free energy. Z nobody can sum up,
                # but the gradient of -log Z is the mean of F's over all that the model would draw.
                # k steps of sampling that begin at the data come near: contrastive divergence.
                dreamt = rbm.gibbs(v, args.k)
                loss = rbm.free_energy(v).mean() - rbm.free_energy(dreamt).mean()
                optimizer.zero_grad()
                loss.backward()  # no update rule was derived by hand
                optimizer.step()
            errors.append(rbm.reconstruction_error(Tensor(units[:1000])))
        curves.append(errors)
        with tl.no_grad():
            units = rbm(Tensor(units)).numpy()  # what the next layer looks at
    return dbn, curves


def build(sizes: list[int], nn: Any = nn, activation: str = "Sigmoid") -> Any:
    """Pixels in, a score for each of 10 digits out; the layers may be PyTorch's."""
    layers = []
    for below, above in pairwise(sizes):
        layers += [nn.Linear(below, above), getattr(nn, activation)()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 10))


def sizes_of(dbn: nn.DBN) -> list[int]:
    return [dbn.stack[0].n_visible, *(rbm.n_hidden for rbm in dbn.stack)]


def begin(start: str, dbn: nn.DBN) -> nn.Sequential:
    """The same net, as one of `STARTS` has it before it sees a label."""
    model: nn.Sequential = build(sizes_of(dbn), activation="ReLU" if start == "ReLU" else "Sigmoid")
    draw_weight = nn.init.kaiming_normal_ if start == "ReLU" else nn.init.xavier_uniform_
    for parameter in model.parameters():
        draw_weight(parameter) if parameter.ndim == 2 else nn.init.zeros_(parameter)
    if start == "pretrained":  # all but the scores, which come from Xavier's weights
        model.load_state_dict({**model.state_dict(), **dbn.as_sequential().state_dict()})
    return model


def learn(
    model: nn.Module, x: np.ndarray, y: np.ndarray, rate: float, epochs: int, judges: Any = None
) -> np.ndarray:
    """Learn from labels; returns the share of wrong answers on the judges after each epoch."""
    history = tl.fit(
        model, loader(x, y), nn.functional.cross_entropy, tl.optim.Adam(model.parameters(), rate),
        epochs=epochs, validation=judges, metrics=[accuracy], progress=False,
    )  # fmt: skip
    return np.array([1 - record.get("val_accuracy", 0.0) for record in history])


def fine_tune(
    start: str, dbn: nn.DBN, x: np.ndarray, y: np.ndarray, args: argparse.Namespace
) -> tuple[nn.Sequential, float, int]:
    """Choose a learning rate and when to stop; then learn from all labels.

    The test set has no say in the choice, and neither has a label beyond the 500: each half of
    them judges nets that learned from the other half.
    """
    half = np.arange(len(x)) % 2
    wrong = np.zeros((len(args.rates), args.epochs))
    trials = list(product(range(len(args.rates)), (0, 1)))
    for number, judge in tqdm(trials, desc=f"reading, {start}", unit="net", leave=False):
        learnt, judges = half != judge, loader(x[half == judge], y[half == judge])
        model = begin(start, dbn)
        wrong[number] += learn(model, x[learnt], y[learnt], args.rates[number], args.epochs, judges)
    number, epoch = np.unravel_index(wrong.argmin(), wrong.shape)
    model = begin(start, dbn)
    learn(model, x, y, args.rates[number], int(epoch) + 1)
    return model, args.rates[number], int(epoch) + 1


def error(model: nn.Module, x: np.ndarray, y: np.ndarray) -> float:
    """The share of wrong answers."""
    with tl.no_grad():
        return float(np.mean(model(Tensor(x)).argmax(axis=1).numpy() != y))


def main() -> None:
    """Look, read, compare, draw."""
    parser = options(__doc__, quick="small nets, 100 labels, two seeds")
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 500, 250])
    parser.add_argument("--look", type=int, default=15, help="epochs without labels, each layer")
    parser.add_argument("--look-rate", type=float, default=0.1, help="learning rate without them")
    parser.add_argument("--k", type=int, default=1, help="steps of sampling (CD-k)")
    parser.add_argument("--labels", type=int, default=500, help="how many are known")
    parser.add_argument("--epochs", type=int, default=50, help="with labels, at most")
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3, 3e-3, 1e-2])
    parser.add_argument("--seeds", type=int, default=5, help="how many, from --seed on")
    args = parsed(parser)
    if args.predict:
        state = tl.load(args.load)
        model = build(state["sizes"])
        model.load_state_dict(state["model"])
        for path in args.predict:
            print(f"{path}: {model(read_picture(path).reshape(1, -1)).argmax().item()}")
        return
    if args.quick:
        args.sizes, args.look, args.labels, args.epochs, args.seeds = [100, 100, 50], 10, 100, 15, 2

    tl.keep_freed_memory()
    pictures, labels = load(None if args.quick else args.data)
    pictures = pictures.reshape(len(pictures), -1)
    first = len(pictures) * 4 // 5  # of the pictures to test with: MNIST's row 8,000
    tested = pictures[first:], labels[first:]
    wall, cpu, found = time.perf_counter(), time.process_time(), []
    for seed in range(args.seed, args.seed + args.seeds):
        tl.manual_seed(seed)
        dbn, curves = pretrain(pictures[:first], args)
        untrained = error(begin("pretrained", dbn), *tested)
        known = tl.randperm(first).numpy()[: args.labels]
        words, models = [], {}
        for start in STARTS:
            models[start], *choice = fine_tune(start, dbn, pictures[known], labels[known], args)
            found.append(error(models[start], *tested))
            words.append(f"{start} {found[-1]:.2%} (rate {choice[0]:g}, {choice[1]} epochs)")
        print(f"seed {seed}:", ", ".join(words), flush=True)
    errors = np.array(found).reshape(-1, len(STARTS))
    ours, xavier, relu = errors.mean(axis=0)
    print(f"wrong on {len(tested[0])} pictures never seen, with {args.labels} labels, mean:")
    print(f"pretrained {ours:.2%}, {ours / xavier:.2f} times Xavier's {xavier:.2%};", end=" ")
    print(f"ReLU {relu:.2%}; before the labels {untrained:.2%}, chance 90%")
    wins = np.sum(errors[:, 0] < errors[:, 1])
    print(f"pretrained is below Xavier in {wins} of {len(errors)} seeds")
    print(f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU time")
    if args.compare_torch:
        network = partial(build, sizes_of(dbn))
        print(compare(network, cross_entropy, pictures[known[:BATCH]], labels[known[:BATCH]]))
    args.out.mkdir(exist_ok=True)
    draw_layers(dbn, tested[0], args.out)
    draw_errors(curves, STARTS, errors, args.out / "dbn.png")
    print("plots:", *sorted(args.out.glob("dbn*.png")))
    if args.save:
        tl.save({"sizes": sizes_of(dbn), "model": models["pretrained"].state_dict()}, args.save)
        print("saved:", args.save)


if __name__ == "__main__":
    main()
