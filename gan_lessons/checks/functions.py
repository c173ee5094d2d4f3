"""The kind of answer that is a function, and what its exceptions mean for a student.

A student's function and a right one are put to the same probes. Where they differ, the known mistakes are too.
"""

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
        self.mistakes = {self._function(wrong): hint for wrong, hint in mistakes.items()}
        self._cache = {}

    def examine(self, function):
        if not callable(function) or isinstance(function, type):
            self.wrong("give the function itself: its name, without brackets behind it.")
        done = [_attempt(probe, function) for probe in self.probes]
        for number, (found, expected) in enumerate(zip(done, self._done(self.reference), strict=True)):
            if isinstance(found, Exception):
                self._known(done, number, None)
                self.wrong(in_words(found, function))
            if len(found) != len(expected):
                self.wrong(f"it returns {len(found)} values, and {len(expected)} is what is asked for.")
            for part, (one, two) in enumerate(zip(found, expected, strict=True)):
                if not self._close(one, two):
                    self._known(done, number, part)
                    self._unknown(one, two)

    def _done(self, function):
        """What the reference or a mistake does under each probe; computed once."""
        if function not in self._cache:
            self._cache[function] = [_attempt(probe, function) for probe in self.probes]
        return self._cache[function]

    def _function(self, wrong):
        if callable(wrong):
            return wrong
        arguments = ", ".join(inspect.signature(self.reference).parameters)
        return eval(f"lambda {arguments}: {wrong}", self.reference.__globals__)

    def _known(self, done, number, part):
        """Raises the hint of the mistake that gives the same here, and is most like the function elsewhere."""
        hints = {}
        for wrong, hint in self.mistakes.items():
            other = self._done(wrong)
            if part is None or isinstance(other[number], Exception):
                same = self._close(done[number], other[number])
            else:
                same = self._close(done[number][part], other[number][part])
            if same:
                hints.setdefault(sum(map(self._likeness, done, other)), hint)
        if hints:
            self.wrong(hints[max(hints)])

    def _likeness(self, one, two):
        """How many results of a probe are the same."""
        if isinstance(one, Exception) or isinstance(two, Exception):
            return self._close(one, two)
        return sum(map(self._close, one, two))

    def _close(self, one, two):
        """Whether two results, or two exceptions, are the same. NaN and infinities count as one."""
        if isinstance(one, Exception) or isinstance(two, Exception):
            return type(one) is type(two) and (not isinstance(one, Hint) or str(one) == str(two))
        if one.size == two.size == 1:
            one, two = one.reshape(()), two.reshape(())
        if one.shape != two.shape:
            return False
        finite = np.isfinite(two)
        return np.array_equal(finite, np.isfinite(one)) and np.allclose(
            one[finite], two[finite], rtol=min(self.room, 1e-3), atol=self.room
        )

    def _unknown(self, one, two):
        """Raises what can be said of a wrong result in general."""
        if one.shape != two.shape and not one.size == two.size == 1:
            if two.size == 1:
                self.wrong(f"the result has shape {one.shape}; one number is asked for. Is a mean or a sum missing?")
            self.wrong(f"the result has shape {one.shape}, where {two.shape} is asked for.")
        if np.isfinite(two).all() and not np.isfinite(one).all():
            self.wrong("the result is not finite. Does a logarithm get 0, does an exponential overflow?")
        if one.size == 1:
            self.wrong(f"{self.nudge} Here it gives {one.item():.4g} where {two.item():.4g} is right.")
        self.wrong()

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


def noticing_blanks(function: Callable) -> Callable:
    """Returns a function that raises `Blank` where `function` returns three dots."""

    def call(*arguments, **keywords):
        result = function(*arguments, **keywords)
        if result is ... or (isinstance(result, tuple) and result and all(part is ... for part in result)):
            raise Blank
        return result

    call.uses_a_tape = _uses_a_tape(function)
    return call


def _uses_a_tape(function):
    """Whether a function, or a method of a class, has a GradientTape in it."""
    pieces = vars(function).values() if isinstance(function, type) else (function,)
    return any("GradientTape" in getattr(getattr(one, "__code__", None), "co_names", ()) for one in pieces)


def _attempt(probe, function):
    """What a function does under a probe: a list of arrays, or the exception that it raises."""
    try:
        with np.errstate(all="ignore"):
            result = probe(function if hasattr(function, "uses_a_tape") else noticing_blanks(function))
        parts = result if isinstance(result, tuple) else (result,)
        if any(part is None for part in parts):
            return Hint(NOTHING)
        return [np.asarray(ops.convert_to_numpy(part), "float64") for part in parts]
    except Blank:
        raise
    except Exception as error:  # what the student's code raises is a part of the answer
        return error


def in_words(error: Exception, function: Callable | None = None) -> str:
    """Returns what an exception means for the student, without TensorFlow's own words."""
    text = str(error)
    uses_a_tape = function is not None and (_uses_a_tape(function) or getattr(function, "uses_a_tape", False))
    if isinstance(error, Hint):
        return UNWATCHED if text == NOTHING and uses_a_tape else text
    if _NONE_GRADIENT.search(text) and (uses_a_tape or "radient" in text):
        return UNWATCHED
    if isinstance(error, tf.errors.OpError) or "tensorflow" in type(error).__module__:
        shapes = _SHAPES.search(text)
        if "expected to be a" in text or "dtype" in text:
            return "TensorFlow computes with numbers of one type only: turn all of them into float32."
        return f"TensorFlow cannot compute this: the shapes do not fit{': ' + shapes.group() if shapes else ''}."
    first = text.strip().partition("\n")[0]
    return f"your answer raised {type(error).__name__}: {first[:200]}"
