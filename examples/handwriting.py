"""Handwritten digits for the examples: MNIST's, scikit-learn's in their place, and one's own."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.image
import numpy as np

from tinygrad_lesson import Tensor, data, nn


def options(description: str, quick: str) -> argparse.ArgumentParser:
    """The options of the examples that read digits; `quick` says what that changes."""
    parser = argparse.ArgumentParser(description=description.split("\n\n")[0])
    parser.add_argument("--data", type=Path, help="folder of MNIST's files")
    parser.add_argument("--quick", action="store_true", help=f"scikit-learn's digits, {quick}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="keep the trained network")
    parser.add_argument("--load", type=Path, help="a saved network, for --predict")
    own = "digits of your own"
    parser.add_argument("--predict", type=Path, nargs="+", metavar="PICTURE", help=own)
    parser.add_argument("--compare-torch", action="store_true", help="time a step there, too")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the plots go")
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was given, once nothing is missing."""
    args = parser.parse_args()
    if args.predict and not args.load:
        parser.error("--predict needs the network: --load FILE")
    if not (args.predict or args.quick or args.data):
        parser.error("where are MNIST's files? --data FOLDER, or --quick to do without")
    return args


def load(folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, 1, 28, 28) from 0 to 1, and the digit on each.

    Parameters
    ----------
    folder
        Where MNIST's 10,000 test pictures lie (t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte,
        or .gz); if None, scikit-learn's 1,797 small digits are enlarged instead.
    """
    if folder is None:
        from sklearn.datasets import load_digits

        small = load_digits()
        large = np.kron(small.images / 16, np.ones((1, 3, 3)))  # 8x8 pixels to 24x24
        return np.pad(large, ((0, 0), (2, 2), (2, 2)))[:, None].astype(np.float32), small.target
    mnist = data.MNIST(folder, train=False)
    pictures = (np.asarray(mnist.images) / 255).astype(np.float32)
    return pictures[:, None], np.asarray(mnist.labels).astype(np.int64)


def read_picture(path: Path) -> np.ndarray:
    """A digit of any size, dark on light or light on dark, as MNIST would have it."""
    pixels = matplotlib.image.imread(path).astype(np.float32)
    gray = pixels[..., :3].mean(axis=-1) if pixels.ndim == 3 else pixels
    gray = (gray - gray.min()) / max(float(np.ptp(gray)), 1e-6)
    ink = 1 - gray if np.median(gray) > 0.5 else gray
    rows, columns = (np.flatnonzero((ink > 0.3).any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = 20 / max(ink.shape)  # MNIST's digits are 20 pixels large, in a frame of 28
    size = tuple(max(1, round(n * scale)) for n in ink.shape)
    small = nn.functional.interpolate(Tensor(ink[None, None]), size=size, mode="area").numpy()
    top, left = ((28 - n) // 2 for n in size)
    frame = ((0, 0), (0, 0), (top, 28 - size[0] - top), (left, 28 - size[1] - left))
    return np.pad(small, frame)
