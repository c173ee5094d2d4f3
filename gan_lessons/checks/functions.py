"""The kind of answer that is a function, and what its exceptions mean for a student.

A student's function and a right one run under the same probes. Where they differ, known mistakes run there too.
"""

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons.checks.kinds import Blank, Hint, Kind, written


class Function(Kind):
    """A function, compared with a reference by what both do under a few probes.

    A probe takes a function, calls it, and returns an array or a tuple of arrays. `on(...)` makes the usual one: what
    the function returns for given arguments. Choose probes that tell the reference from each of the mistakes.

    Args:
        reference: a right function, written as a student would. It is the solution as well.
        probes: the probes, the plainest first.
        mistakes: from a wrong function to its hint. A string stands for what the function returns, in terms of the
            arguments of the reference and of the names of its module. A student's function gets the hint of the mistake
            that gives the same where it first goes wrong, and agrees with it most elsewhere.
        nudge, formula: as in `Kind`.
        room: the absolute error that is allowed. The relative one is this too, but at most 0.001.
    """

    def __init__(
        self,
        reference: Callable,
        probes: Iterable[Callable],
        mistakes: Mapping[Callable | str, str],
        nudge: str,
        formula: str,
        room: float = 1e-3,
    ):
        super().__init__(nudge, formula)
        self.reference, self.probes, self.room = reference, list(probes), room
        arguments = ", ".join(inspect.signature(reference).parameters)
        self.mistakes = {
            wrong if callable(wrong) else eval(f"lambda {arguments}: {wrong}", reference.__globals__): hint
            for wrong, hint in mistakes.items()
        }
        self._known = functools.cache(self._results)  # of the reference and the mistakes

    def examine(self, function):
        if not callable(function) or isinstance(function, type):
            self.wrong("give the function itself: its name, without brackets behind it.")
        results = self._results(function)
        for number, (found, expected) in enumerate(zip(results, self._known(self.reference), strict=True)):
            if not isinstance(found[0], Exception) and len(found) != len(expected):
                self.wrong(f"it returns {len(found)} values, and {len(expected)} is what is asked for.")
            for part, (one, two) in enumerate(zip(found, expected, strict=False)):
                if not self._same(one, two):
                    self._explain(results, number, part)
                    self._describe(function, one, two)

    def _results(self, function):
        """For each probe the list of what it returns, arrays, or a list of the exception that the function raises."""
        return [_attempt(probe, function) for probe in self.probes]

    def _explain(self, results, number, part):
        """Raises the hint of the mistake that gives the same here and is most like the function elsewhere, if any."""
        alike = {}
        for mistake, hint in self.mistakes.items():
            known = self._known(mistake)
            if any(self._same(results[number][part], other) for other in known[number][part : part + 1]):
                pairs = [pair for both in zip(results, known, strict=True) for pair in zip(*both, strict=False)]
                alike.setdefault(sum(self._same(*pair) for pair in pairs), hint)
        if alike:
            self.wrong(alike[max(alike)])

    def _same(self, one, two):
        """Whether two results, or two exceptions, are the same. NaN and infinities count as one."""
        if isinstance(one, Exception) or isinstance(two, Exception):
            return type(one) is type(two) and (not isinstance(one, Hint) or str(one) == str(two))
        if one.size == two.size == 1:
            one, two = one.reshape(()), two.reshape(())
        finite = np.isfinite(two)
        return (
            one.shape == two.shape
            and np.array_equal(finite, np.isfinite(one))
            and np.allclose(one[finite], two[finite], rtol=min(self.room, 1e-3), atol=self.room)
        )

    def _describe(self, function, one, two):
        """Raises what can be said of a wrong result in general."""
        if isinstance(one, Exception):
            self.wrong(in_words(one, function))
        if one.shape != two.shape and not one.size == two.size == 1:
            missing = "; one number is asked for. Is a mean or a sum missing?" if two.size == 1 else ""
            self.wrong(f"the result has shape {one.shape}{missing or f', where {two.shape} is asked for.'}")
        if np.isfinite(two).all() and not np.isfinite(one).all():
            self.wrong("the result is not finite. Does a logarithm get 0, does an exponential overflow?")
        self.wrong(f"{self.nudge} It gives {one.item():.4g}, not {two.item():.4g}." if one.size == 1 else self.nudge)

    def solution(self):
        return written(self.reference)


# --- calling what a student wrote -------------------------------------------------------------------------------------

NOTHING = "the function returns nothing. Does it end in `return …`?"
UNWATCHED = (
    "the tape's gradient is None: it knows no way from the result to what you differentiate by. A tape records "
    "variables and what it is told to watch: call `tape.watch(…)` first, compute all inside the `with`, and in "
    "TensorFlow, not NumPy."
)
_NONE_GRADIENT = re.compile(r"NoneType|\(None\)|None values|No gradients provided|[Gg]radient\w* (is|are|was) None")
_SHAPES = re.compile(r"\[[\d,]*\] vs\. \[[\d,]*\]")


def on(*arguments: Any) -> Callable:
    """Returns a probe: what a function returns for these arguments."""
    return lambda function: function(*arguments)


def noticing_blanks(answer: Any) -> Any:
    """Returns a function that raises `Blank` where the student's returns three dots; other answers as they are."""
    if not hasattr(answer, "__code__") or hasattr(answer, "__wrapped__"):
        return answer

    @functools.wraps(answer)
    def call(*arguments, **keywords):
        result = answer(*arguments, **keywords)
        if result is ... or (isinstance(result, tuple) and result and all(part is ... for part in result)):
            raise Blank
        return result

    return call


def _attempt(probe, function):
    """What a function does under a probe: a list of arrays, or of the exception that it raises."""
    try:
        with np.errstate(all="ignore"):
            result = probe(noticing_blanks(function))
        parts = result if isinstance(result, tuple) else (result,)
        if any(part is None for part in parts):
            return [Hint(NOTHING)]
        return [np.asarray(ops.convert_to_numpy(part), "float64") for part in parts]
    except Blank:
        raise
    except Exception as error:  # what the student's code raises is a part of the answer
        return [error]


def in_words(error: Exception, function: Callable | None = None) -> str:
    """Returns what an exception means for the student, without TensorFlow's own words."""
    text = str(error)
    code = getattr(inspect.unwrap(function), "__code__", None) if function else None
    uses_a_tape = "GradientTape" in getattr(code, "co_names", ())
    if isinstance(error, Hint):
        return UNWATCHED if text == NOTHING and uses_a_tape else text
    if _NONE_GRADIENT.search(text) and (uses_a_tape or "radient" in text):
        return UNWATCHED
    if isinstance(error, tf.errors.OpError) or "tensorflow" in type(error).__module__:
        if "expected to be a" in text or "dtype" in text:
            return "TensorFlow computes with numbers of one type only: turn all of them into float32."
        shapes = _SHAPES.search(text)
        return f"TensorFlow cannot compute this: the shapes do not fit{': ' + shapes.group() if shapes else ''}."
    return f"your answer raised {type(error).__name__}: {text.strip().partition(chr(10))[0][:200]}"
