"""The kinds of answer that an exercise can ask for: a number, a choice, several of these, a function, a network.

A kind holds what is right, the known mistakes with a hint for each, a nudge for every other wrong answer, and the
formula that follows the nudge. `examine` returns where an answer is right, and raises `Hint` where it is wrong.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops


class Hint(Exception):
    """Raised for a wrong answer. Its text tells the student what to look at.

    Args:
        text: what is wrong.
        formula: what the student reads besides after another wrong answer.
    """

    def __init__(self, text: str, formula: str = ""):
        super().__init__(text)
        self.formula = formula


class Blank(Exception):
    """Raised where something still stands as three dots. Its text, if any, names the parts still to do."""


def is_blank(answer: Any) -> bool:
    """Returns whether an answer is `...` or `None`, or a sequence or a dictionary of nothing else."""
    if answer is ... or answer is None:
        return True
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, (list, tuple)):
        return len(answer) > 0 and all(is_blank(part) for part in answer)
    return False


class Kind:
    """Base of all kinds of answer.

    Args:
        nudge: the hint for a wrong answer that is no known mistake: what to look at.
        formula: what follows the hint from the second wrong answer on.
    """

    def __init__(self, nudge: str, formula: str):
        self.nudge, self.formula = nudge, formula

    def examine(self, answer: Any) -> str | None:
        """Returns where the answer is right: nothing, or what was measured. Raises `Hint` or `Blank` elsewhere."""
        raise NotImplementedError

    def solution(self) -> str:
        """Returns a right answer as the text of Python code."""
        raise NotImplementedError

    def wrong(self, hint: str = ""):
        raise Hint(hint or self.nudge, self.formula)


class Number(Kind):
    """A number. Two decimals are enough, and so is a relative error of 1 %, unless `room` says something else.

    Args:
        right: the right number.
        mistakes: from a wrong number to its hint. An answer counts as the nearest of all of these.
        nudge, formula: as in `Kind`.
        room: how far an answer may be away, relative to the right number (or to ½, if that is larger).
        within: the lowest and the highest possible number and the hint for all outside, or None.
    """

    def __init__(
        self,
        right: float,
        mistakes: Mapping[float, str],
        nudge: str,
        formula: str,
        room: float = 0.01,
        within: tuple[float, float, str] | None = None,
    ):
        super().__init__(nudge, formula)
        self.right, self.mistakes, self.room, self.within = float(right), dict(mistakes), room, within

    def examine(self, answer):
        try:
            array = np.asarray(answer if isinstance(answer, str) else ops.convert_to_numpy(answer))
            value = float(array.reshape(())) if not isinstance(answer, bool) and array.size == 1 else None
        except (TypeError, ValueError):
            value = None
        if value is None:
            self.wrong(f"the answer is one number. Received: {answer!r}.")
        near = {number: self._apart(value, number) for number in (self.right, *self.mistakes)}
        nearest = min(near, key=near.get)
        if not near[nearest] <= self.room:  # also where it is NaN
            if self.within and not self.within[0] <= value <= self.within[1]:
                self.wrong(self.within[2])
            self.wrong()
        if nearest != self.right:
            self.wrong(self.mistakes[nearest])

    @staticmethod
    def _apart(value, number):
        return (
            0.0 if value == number else abs(value - number) / max(abs(number), 0.5) if np.isfinite(number) else np.inf
        )

    def solution(self):
        return f"{self.right:.6g}"


class Choice(Kind):
    """A word, True or False, or a shape; case and surrounding spaces do not count.

    Args:
        right: the right choice: a string, a bool or a tuple of integers.
        mistakes: from a wrong choice to its hint.
        nudge, formula: as in `Kind`.
        options: all words that can be chosen. By default the right one and the known mistakes.
    """

    def __init__(self, right, mistakes: Mapping[Any, str], nudge: str, formula: str, options: Iterable = ()):
        super().__init__(nudge, formula)
        self.right, self.mistakes = right, dict(mistakes)
        self.options = tuple(options) or (right, *mistakes)

    def examine(self, answer):
        chosen = self._read(answer)
        if chosen == self.right:
            return
        if not isinstance(self.right, tuple) and chosen not in self.options:
            self.wrong(f"{answer!r} is none of {', '.join(map(str, sorted(self.options)))}.")
        self.wrong(self.mistakes.get(chosen, ""))

    def _read(self, answer):
        if isinstance(self.right, tuple):
            try:
                return tuple(int(size) for size in answer)
            except (TypeError, ValueError):
                self.wrong("a shape is a tuple of whole numbers, such as (3, 5).")
        word = str(answer).strip().lower()
        return {"true": True, "1": True, "false": False, "0": False}.get(word, word) if self._is_bool else word

    @property
    def _is_bool(self):
        return isinstance(self.right, bool)

    def solution(self):
        return repr(self.right)


class Several(Kind):
    """Several answers, by name. The student gives a dictionary, a sequence in order, or one argument for each.

    Args:
        parts: from a name to the kind of that answer.
        mistakes: pairs of a wrong answer to all parts, a dictionary, and its hint. They come before the parts' own.
        formula: as in `Kind`, for parts that have none.
        selection: whether the student gives a list of the names that are True.
    """

    def __init__(
        self,
        parts: Mapping[Any, Kind],
        mistakes: Iterable[tuple[Mapping, str]] = (),
        formula: str = "",
        selection: bool = False,
    ):
        names = ", ".join(map(str, parts))
        nudge = f"keep the dictionary with the keys {names}, and replace the dots behind each colon."
        super().__init__(f"give a list of some of these: {names}." if selection else nudge, formula)
        self.parts, self.mistakes, self.selection = dict(parts), list(mistakes), selection

    @property
    def right(self) -> dict:
        return {name: getattr(part, "right", None) for name, part in self.parts.items()}

    def examine(self, *answers):
        answers = self._by_name(answers[0] if len(answers) == 1 else answers)
        blank = [name for name in self.parts if is_blank(answers[name])]
        hints = {}
        for name, part in self.parts.items():
            if name not in blank:
                try:
                    part.examine(answers[name])
                except Hint as hint:
                    hints[name] = hint
        for mistake, text in self.mistakes:
            if hints and not blank and all(self._agree(part, answers[n], mistake[n]) for n, part in self.parts.items()):
                self.wrong(text)
        for name, hint in hints.items():
            raise Hint(f"{self._label(name)}{hint}", hint.formula or self.formula)
        if blank:
            raise Blank(f"still to do: {', '.join(map(str, blank))}.")

    def _by_name(self, answers):
        if self.selection and not isinstance(answers, Mapping):
            try:
                chosen = {tuple(int(size) for size in name) for name in answers}
            except (TypeError, ValueError):
                self.wrong()
            if other := chosen - set(self.parts):
                self.wrong(f"{min(other)} is not among these: {', '.join(map(str, self.parts))}.")
            return {name: name in chosen for name in self.parts}
        if isinstance(answers, (list, tuple)) and len(answers) == len(self.parts):
            answers = dict(zip(self.parts, answers, strict=True))
        if not isinstance(answers, Mapping) or set(answers) != set(self.parts):
            self.wrong()
        return answers

    @staticmethod
    def _agree(part, answer, other):
        """Whether an answer to a part is the one of a known mistake."""
        if isinstance(part, Number):
            try:
                return np.isclose(float(answer), other, rtol=part.room)
            except (TypeError, ValueError):
                return False
        return str(answer).strip().lower() == str(other).lower()

    @staticmethod
    def _label(name):
        return f"({name}) " if len(str(name)) == 1 else f"{name}: "

    def solution(self):
        if self.selection:
            return repr([name for name, part in self.parts.items() if part.right])
        lines = (f"    {name!r}: {part.solution()}," for name, part in self.parts.items())
        return "\n".join(["{", *lines, "}"])


class Function(Kind):
    """A function, compared with a reference by what both do under a few probes.

    A probe takes a function, calls it, and returns an array or a tuple of arrays. `on(...)` makes the usual one: what
    the function returns for given arguments. Choose probes that tell the reference from each of the mistakes.

    Args:
        reference: a right function, written as a student would. It is the solution as well.
        probes: the probes, the plainest first.
        mistakes: from a wrong function to its hint. A string stands for what the function returns, in terms of the
            arguments of the reference and of the names of its module. A student's function gets the hint of the one that
            gives the same where it first goes wrong, and agrees with it most elsewhere.
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
        return inspect.cleandoc(inspect.getsource(self.reference))


class Network(Kind):
    """A Keras model that has to keep a list of rules.

    Args:
        reference: a function that makes a right model. It is the solution as well.
        rules: triples of a function from a model to whether it keeps the rule, the hint for one that breaks it (`{}`
            in it stands for what the model has), and a function that makes a model that breaks this rule alone. The
            first function may return a pair: whether it keeps the rule, and what the model has.
        formula: as in `Kind`.
    """

    def __init__(self, reference: Callable, rules: Iterable[tuple[Callable, str, Callable]], formula: str):
        super().__init__("return a Keras model: keras.Model(latents, x).", formula)
        self.reference, self.rules = reference, list(rules)

    def examine(self, model):
        if not hasattr(model, "layers") or not hasattr(model, "output_shape"):
            self.wrong(f"{self.nudge} Received: {type(model).__name__}.")
        for keeps, hint, _ in self.rules:
            kept = keeps(model)
            kept, has = kept if isinstance(kept, tuple) else (kept, "")
            if not kept:
                self.wrong(hint.format(has))

    def solution(self):
        return inspect.cleandoc(inspect.getsource(self.reference))


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
    return "GradientTape" in getattr(getattr(function, "__code__", None), "co_names", ())


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
        return f"TensorFlow cannot compute this: two shapes do not fit{': ' + shapes.group() if shapes else ''}."
    first = text.strip().partition("\n")[0]
    return f"your answer raised {type(error).__name__}: {first[:200]}"
