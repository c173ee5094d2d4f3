"""The kinds of answer that an exercise can ask for: a number, a choice, several of these, a network.

A kind holds what is right, the known mistakes with a hint for each, a nudge for every other wrong answer, and the
formula that follows the nudge. `examine` returns where an answer is right, and raises `Hint` where it is wrong. A
function is a kind too; it has a module of its own, `gan_lessons.checks.functions`.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
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


def written(function: Callable) -> str:
    """Returns the source of a function of the rows, under a public name."""
    return textwrap.dedent(inspect.getsource(function)).replace("def _", "def ", 1).rstrip()


class Kind:
    """Base of all kinds of answer.

    Args:
        nudge: the hint for a wrong answer that is no known mistake: what to look at.
        formula: what follows the hint from the second wrong answer on.
    """

    several = False  # whether `examine` takes more than one argument

    def __init__(self, nudge: str, formula: str):
        self.nudge, self.formula = nudge, formula

    def examine(self, answer: Any) -> str | None:
        """Returns where the answer is right: nothing, or what was measured. Raises `Hint` or `Blank` elsewhere."""
        raise NotImplementedError

    def solution(self) -> str:
        """Returns a right answer as the text of Python code."""
        raise NotImplementedError

    def wrong(self, hint: str = ""):
        """Raises `Hint` with a hint, or with the nudge where none is given."""
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

    several = True

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

    def examine(self, *answers):
        answers = self._by_name(answers[0] if len(answers) == 1 else answers)
        blank, hints = [], {}
        for name, part in self.parts.items():
            try:
                if is_blank(answers[name]):
                    raise Blank
                part.examine(answers[name])
            except Blank:
                blank.append(name)
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
        if any(hasattr(part, "reference") for part in self.parts.values()):
            return "\n\n".join(part.solution() for part in self.parts.values())
        lines = (f"    {name!r}: {part.solution()}," for name, part in self.parts.items())
        return "\n".join(["{", *lines, "}"])


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
        return written(self.reference)
