"""Health: what a model's units, gradients and steps did while it learned, and what is wrong.

=================  =============================================================================
``watch.py``       Health, which looks on through hooks and changes nothing
``report.py``      what it saw, as tables
``diagnosis.py``   from numbers to causes and remedies, in words
=================  =============================================================================
"""

from __future__ import annotations

from .report import ActivationHealth as ActivationHealth
from .report import Finding as Finding
from .report import HealthReport as HealthReport
from .report import LayerHealth as LayerHealth
from .report import ParameterHealth as ParameterHealth
from .watch import Health as Health
