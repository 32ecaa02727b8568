"""One tree of exceptions, and one form for every message.

``[op or layer path] what is wrong: the shapes or values. The remedy.``

Each class is also the built-in exception that users already catch (ValueError, TypeError,
IndexError, RuntimeError, ...), so ``except ValueError`` keeps working.
"""

from __future__ import annotations


class TinygradError(Exception):
    """Root of every error that this library raises on purpose.

    Parameters
    ----------
    where
        The op, the layer path or the function that refuses, shown in brackets.
    what
        What is wrong, with the shapes or values; no full stop at the end.
    remedy
        What to write instead.
    """

    def __init__(self, where: str, what: str, remedy: str) -> None:
        super().__init__(where, what, remedy)
        self.where, self.what, self.remedy = where, what, remedy

    def __str__(self) -> str:
        return f"[{self.where}] {self.what}. {self.remedy}"


class ShapeError(TinygradError, ValueError):
    """Shapes that do not fit one another."""


class AxisError(TinygradError, ValueError, IndexError):
    """An axis that the tensor does not have."""


class DTypeError(TinygradError, TypeError):
    """A dtype that the op or the flag cannot have."""


class ArgumentError(TinygradError, TypeError):
    """An unknown keyword, a missing argument, or one of the wrong kind."""


class RangeError(TinygradError, ValueError):
    """A number outside the range that has a meaning."""


class IndexingError(TinygradError, IndexError):
    """An index that is out of range or of a kind that cannot index."""


class ReadOnlyError(TinygradError, ValueError):
    """A write into an array that a graph may still need."""


class GradientError(TinygradError, RuntimeError):
    """A derivative that cannot be taken as asked."""


class GraphFreedError(GradientError):
    """A second walk over a graph whose saved arrays were released."""


class NonScalarError(GradientError):
    """``backward()`` on more than one number, with no cotangent given."""


class DisconnectedError(GradientError):
    """No path of recorded ops leads from the outputs to the inputs."""


class NotDifferentiableError(GradientError, NotImplementedError):
    """An op for which nobody has written this derivative."""


class RuleError(GradientError, ValueError):
    """A derivative rule that returned something of the wrong shape."""


class NonFiniteError(GradientError, FloatingPointError):
    """A NaN or an infinity, met in debug mode, with what made it."""


class NonFiniteWarning(RuntimeWarning):
    """An op made NaN or infinity out of numbers that were neither, in debug mode."""


class TraceError(TinygradError, TypeError):
    """A number was asked for where a function runs on arrays that stand for others."""


class RetraceWarning(UserWarning):
    """A compiled step is traced again and again."""


class CompilerWarning(UserWarning):
    """There is no C compiler, or it failed: a compiled step runs as NumPy source."""


class OutOfMemoryError(TinygradError, MemoryError):
    """A compiled step found no memory for what it works with."""


class GradcheckError(GradientError, AssertionError):
    """A gradient that differs from finite differences, with the report of :func:`gradcheck`."""


class SerializationError(TinygradError, TypeError):
    """Something that cannot be pickled or copied, such as a graph."""


class FileFormatError(TinygradError, ValueError):
    """A file that is damaged, cut off, or not what it is taken for."""


class DownloadError(TinygradError, OSError):
    """A file that cannot be fetched, or is not the one that was published."""


class StateDictError(TinygradError, RuntimeError, KeyError):
    """A ``state_dict`` that does not fit the module or the optimizer."""

    __str__ = TinygradError.__str__  # KeyError's would quote the whole message


class MissingDependencyError(TinygradError, ImportError):
    """An optional package that is not installed; the message has the command."""
