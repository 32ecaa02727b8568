"""MNIST and Fashion-MNIST: small pictures of ten kinds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..arrays import Array
from ..tensor import Tensor
from .datasets import TensorDataset, check_index
from .files import cache_folder, damaged, find
from .idx import read_idx


class MNIST(TensorDataset):
    """Handwritten digits: 60,000 to train, 10,000 to test.

    A sample is a picture, float32 of shape (1, 28, 28) from 0 (paper) to 1 (ink), and the digit,
    int64 of shape (). The bytes that they are made of are in `images`, uint8 of shape
    (samples, 28, 28), and `labels`; unpacked files stay on disk, and are read batch by batch.

    Source: Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist/, fetched from the
    mirror in `home` that torchvision uses, and checked against the MD5 digests that it lists.
    Licence: CC BY-SA 3.0. (No test of this library has used that address.)

    Parameters
    ----------
    root
        The folder of the IDX files, such as ``train-images-idx3-ubyte``, with ``.gz`` or without;
        this set's folder in the user's cache unless given.
    train
        Take the training set rather than the test set.
    download
        Fetch the files that are not there.
    transform
        Called with picture and digit of each sample; what it returns takes their place.
    """

    home: ClassVar[str] = "https://ossci-datasets.s3.amazonaws.com/mnist/"
    digests: ClassVar[Mapping[str, str]] = {
        "train-images-idx3-ubyte.gz": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "md5:d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "md5:9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "md5:ec29112dd5afa0611ce80d1b7f02629c",
    }
    classes: ClassVar[Sequence[str]] = tuple("0123456789")

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        download: bool = False,
        *,
        transform: Callable[[Tensor, Tensor], Any] | None = None,
    ) -> None:
        name = type(self).__name__
        folder = cache_folder(name) if root is None else Path(root)
        part = "train" if train else "t10k"

        def found(file: str) -> Path:
            return find(
                name, folder, file, self.home + file, download=download, digest=self.digests[file]
            )

        images, labels = (
            found(f"{part}-images-idx3-ubyte.gz"),
            found(f"{part}-labels-idx1-ubyte.gz"),
        )
        self.images, self.labels = read_idx(images), read_idx(labels)
        if self.images.ndim != 3 or self.images.dtype != np.uint8:
            raise damaged(name, images, f"holds {_seen(self.images)}, and no pictures")
        if self.labels.shape != self.images.shape[:1] or self.labels.dtype != np.uint8:
            what = f"holds {_seen(self.labels)}, and no labels for {len(self.images)} pictures"
            raise damaged(name, labels, what)
        if self.labels.size and self.labels.max() >= len(self.classes):
            raise damaged(name, labels, f"has the label {self.labels.max()}")
        super().__init__(self.images, self.labels, transform=transform)

    def __getitem__(self, index: int) -> Any:
        check_index(self, index)
        picture, label = (Tensor.lift(part.raw[0]) for part in self._batch([index]))
        return (picture, label) if self.transform is None else self.transform(picture, label)

    def _batch(self, indices: Sequence[int]) -> tuple[Tensor, ...]:
        rows = np.asarray(indices)
        pictures = self.images[rows][:, np.newaxis].astype(np.float32) / np.float32(255)
        return Tensor.lift(pictures), Tensor.lift(self.labels[rows].astype(np.int64))


class FashionMNIST(MNIST):
    """Pictures of clothes, in the form of :class:`MNIST`: 60,000 to train, 10,000 to test.

    The kinds are named in `classes`.

    Source: H. Xiao, K. Rasul, R. Vollgraf, 2017, https://github.com/zalandoresearch/fashion-mnist,
    checked against the MD5 digests that torchvision lists. Licence: MIT. (No test of this library
    has used that address.)
    """

    home = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
    digests: ClassVar[Mapping[str, str]] = {
        "train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
    }
    classes = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot",
    )  # fmt: skip


def _seen(array: Array) -> str:
    return f"{array.dtype} of shape {array.shape}"
