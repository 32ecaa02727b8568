"""Schedules: how the learning rate changes while a model learns.

Their formulas and names are PyTorch's.

==================  ============================================================================
``schedule.py``     the base class, and what all formulas are made of
``formulas.py``     a rate for each epoch: steps, powers, lines, cosines
``one_cycle.py``    up and down once, the momentum the other way
``sequential.py``   one schedule after the other
``plateau.py``      less whenever a figure improves no more
==================  ============================================================================
"""

from __future__ import annotations

from .formulas import CosineAnnealingLR as CosineAnnealingLR
from .formulas import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from .formulas import ExponentialLR as ExponentialLR
from .formulas import LambdaLR as LambdaLR
from .formulas import LinearLR as LinearLR
from .formulas import MultiStepLR as MultiStepLR
from .formulas import StepLR as StepLR
from .one_cycle import OneCycleLR as OneCycleLR
from .plateau import ReduceLROnPlateau as ReduceLROnPlateau
from .schedule import LRScheduler as LRScheduler
from .sequential import SequentialLR as SequentialLR
