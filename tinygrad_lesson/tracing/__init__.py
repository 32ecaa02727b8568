"""Tracing: a step becomes a program.

====================  ========================================================================
``program.py``        equations, and where arrays come from and go to
``numbers.py``        Python numbers that differ from step to step
``variable.py``       what a tensor holds while a step is traced
``trace.py``          the namespace that puts everything down
``modules.py``        attributes of modules, which decide what a step does
``environment.py``    variables from outside, which do so, too
``undo.py``           what a step that fails has to put back
====================  ========================================================================
"""
