"""vmap: a function of one example, run on many at once.

====================  ========================================================================
``batched.py``        an array of one example that stands for those of all
``level.py``          the namespace beneath the ops while a function is being mapped
``rules.py``          how an op runs on all examples at once, by kind
``movement.py``       the same for ops that put elements elsewhere
``mapping.py``        :func:`vmap`
====================  ========================================================================
"""

from __future__ import annotations

from . import movement as movement
from .mapping import BatchingWarning as BatchingWarning
from .mapping import vmap as vmap
