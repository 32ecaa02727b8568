"""``python -m viz.gallery``."""

from __future__ import annotations

from . import write

for path in write():
    print(path)
