"""Tracing: a step becomes a program.

====================  ========================================================================
``program.py``        equations, and where arrays come from and go to
``numbers.py``        Python numbers that differ from step to step
``variable.py``       what a tensor holds while a step is traced
``trace.py``          the namespace that puts everything down
``settings.py``       settings and state of optimizers
``modules.py``        attributes of modules, which decide what a step does
``environment.py``    variables from outside, which do so, too; ``names.py``: where code finds them
``aliases.py``        arguments that the step reaches in another way, too
``pullback.py``       the way back from results that are differentiated outside
``writing.py``        what a step leaves behind
``leaving.py``        the trace lets go of everything; ``shapes.py``: those that depend on numbers
``undo.py``           what a step that fails has to put back
====================  ========================================================================
"""
