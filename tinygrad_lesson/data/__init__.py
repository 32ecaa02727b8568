"""Data: sets of samples, how they are split, and batches of them.

====================  ========================================================================
``datasets.py``       what has samples: arrays, parts of a set, several sets in a row
``splits.py``         a set in two or more, at random or class by class
``batches.py``        the DataLoader: shuffled batches, with threads, from where it left off
``lengths.py``        sequences of different lengths: padded, and batches of those alike
``mnist.py``          pictures of digits and of clothes
``speech_digits.py``  spoken digits
``multi30k.py``       the same sentences in German and English
``spectrograms.py``   sound as a picture of its frequencies
``text_files.py``     pieces of a text, to learn what comes next
``subwords.py``       pieces of words as numbers
``idx.py``, ``wav.py``, ``text.py``     the formats of files
``files.py``          where files are, and how they are opened
``download.py``, ``archives.py``        fetching files, and unpacking them
====================  ========================================================================
"""

from __future__ import annotations

from .archives import unpack as unpack
from .batches import DataLoader as DataLoader
from .batches import default_collate as default_collate
from .datasets import ConcatDataset as ConcatDataset
from .datasets import Dataset as Dataset
from .datasets import Subset as Subset
from .datasets import TensorDataset as TensorDataset
from .download import download as download
from .files import cache_folder as cache_folder
from .idx import read_idx as read_idx
from .lengths import LengthBatches as LengthBatches
from .lengths import pad_sequence as pad_sequence
from .mnist import MNIST as MNIST
from .mnist import FashionMNIST as FashionMNIST
from .multi30k import Multi30k as Multi30k
from .spectrograms import log_mel as log_mel
from .spectrograms import mel_bands as mel_bands
from .spectrograms import resample as resample
from .speech_digits import SpeechDigits as SpeechDigits
from .splits import random_split as random_split
from .splits import stratified_split as stratified_split
from .subwords import Subwords as Subwords
from .text import Characters as Characters
from .text import read_lines as read_lines
from .text import read_parallel as read_parallel
from .text import read_text as read_text
from .text_files import TextFile as TextFile
from .text_files import TinyShakespeare as TinyShakespeare
from .wav import Sound as Sound
from .wav import read_wav as read_wav
