"""Data: sets of samples, how they are split, and batches of them.

====================  ========================================================================
``datasets.py``       what has samples: arrays, parts of a set, several sets in a row
``splits.py``         a set in two or more, at random or class by class
``batches.py``        the DataLoader: shuffled batches, with threads, from where it left off
====================  ========================================================================
"""

from __future__ import annotations

from .batches import DataLoader as DataLoader
from .batches import default_collate as default_collate
from .datasets import ConcatDataset as ConcatDataset
from .datasets import Dataset as Dataset
from .datasets import Subset as Subset
from .datasets import TensorDataset as TensorDataset
from .splits import random_split as random_split
from .splits import stratified_split as stratified_split
