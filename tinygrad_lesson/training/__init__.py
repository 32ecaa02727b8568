"""Training: the loop that everybody writes, to use or to copy from; nothing needs it.

==================  ============================================================================
``loop.py``         fit, one step, and one look at other data
``measures.py``     what is measured: means over samples, accuracy, the history of the epochs
``run.py``          everything that a run is made of: what a checkpoint saves
==================  ============================================================================
"""

from __future__ import annotations

from .loop import evaluate as evaluate
from .loop import fit as fit
from .loop import train_on as train_on
from .measures import History as History
from .measures import Record as Record
from .measures import accuracy as accuracy
