"""Tracing: a step becomes a program.

====================  ========================================================================
``program.py``        equations, and where arrays come from and go to
``numbers.py``        Python numbers that differ from step to step
``variable.py``       what a tensor holds while a step is traced
``trace.py``          the namespace that puts everything down
====================  ========================================================================
"""
