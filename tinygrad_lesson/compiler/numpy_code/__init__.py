"""A program as straight-line NumPy source.

===================  ========================================================================
``writer.py``        a program as a function of NumPy arrays
``notation.py``      how an op is written
``naming.py``        what to call the values of a program
``layout.py``        how the lines are laid out on the page
``tape_lines.py``    very many single numbers, from a table
``lifetimes.py``     large arrays that nobody needs any more
``export.py``        a compiled step as a module that needs NumPy alone
``module_text.py``   what such a module is made of
``gathering.py``     the source of kernels, for such a module
===================  ========================================================================
"""
