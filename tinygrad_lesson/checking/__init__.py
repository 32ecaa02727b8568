"""Gradcheck that convicts: finite differences with a verdict, and the rule that is to blame."""

from __future__ import annotations

from .check import gradcheck as gradcheck
from .culprit import Culprit as Culprit
from .report import Report as Report
from .report import Result as Result
from .verdicts import Verdict as Verdict
