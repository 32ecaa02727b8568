"""Programs of very many 0-d equations, as micrograd's are: a run of them becomes one *tape*.

Written out, each of a hundred thousand equations would be a line for Python or a statement for the
C compiler. On a tape they are rows of a table: which op, and where its operands lie.

=============  ===========================================================================
``plan.py``    in which order they run, and where their results are kept
``tape.py``    the table, and what runs it without any writer
``kept.py``    tapes of former processes, by what they were made of
=============  ===========================================================================
"""
