"""Layers, activations and losses, under PyTorch's names and with its layouts."""

from __future__ import annotations

from . import functional as functional
from . import utils as utils
from . import init as init
from .activations import ReLU as ReLU
from .activations import Sigmoid as Sigmoid
from .activations import Tanh as Tanh
from .containers import ModuleDict as ModuleDict
from .containers import ModuleList as ModuleList
from .containers import Sequential as Sequential
from .layers import Linear as Linear
from .losses import CrossEntropyLoss as CrossEntropyLoss
from .losses import MSELoss as MSELoss
from .module import Module as Module
from .parameter import Buffer as Buffer
from .parameter import Parameter as Parameter
