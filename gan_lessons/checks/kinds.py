"""The kinds of answer that an exercise can ask for: a number, a choice, or several of these.

A kind holds what is right, the known mistakes with a hint for each, a nudge for every other wrong answer, and the
formula that follows the nudge. A function is a kind too, in a module of its own, `gan_lessons.checks.functions`.
"""

import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from keras import ops


class Hint(Exception):
    """Raised for a wrong answer.

    Args:
        text: what is wrong, for the student.
        formula: what the student reads too after another wrong answer.
    """

    def __init__(self, text: str, formula: str = ""):
        super().__init__(text)
        self.formula = formula


class Blank(Exception):
    """Raised where something still stands as three dots. Its text, if any, names the parts still to do."""


def is_blank(answer: Any) -> bool:
    """Returns whether an answer is `...` or `None`, or a sequence or a dictionary of nothing else."""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, (list, tuple)):
        return len(answer) > 0 and all(map(is_blank, answer))
    return answer is ... or answer is None


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

    def examine(self, answer: Any):
        """Raises `Hint` where the answer is wrong, and `Blank` where something is still to do."""
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
    """

    def __init__(self, right: float, mistakes: Mapping[float, str], nudge: str, formula: str, room: float = 0.01):
        super().__init__(nudge, formula)
        self.right, self.mistakes, self.room = float(right), dict(mistakes), room

    def examine(self, answer):
        try:
            if isinstance(answer, bool):
                raise TypeError
            array = np.asarray(answer if isinstance(answer, str) else ops.convert_to_numpy(answer))
            value = float(array.reshape(()))
        except (TypeError, ValueError):
            self.wrong(f"the answer is one number. Received: {answer!r}.")

        def apart(number):
            return 0.0 if value == number else np.nan_to_num(abs(value - number) / max(abs(number), 0.5), nan=np.inf)

        nearest = min((self.right, *self.mistakes), key=apart)
        if not apart(nearest) <= self.room:
            self.wrong()
        if nearest != self.right:
            self.wrong(self.mistakes[nearest])

    def solution(self):
        return f"{self.right:.6g}"


class Choice(Kind):
    """A word, or True or False. Case and surrounding spaces do not count.

    Args:
        right: the right choice, a string or a bool.
        mistakes: from a wrong choice to its hint.
        nudge, formula: as in `Kind`.
    """

    def __init__(self, right: str | bool, mistakes: Mapping[Any, str], nudge: str, formula: str):
        super().__init__(nudge, formula)
        self.right, self.mistakes = right, dict(mistakes)

    def examine(self, answer):
        read = {str(choice).lower(): choice for choice in (self.right, *self.mistakes)}
        if isinstance(self.right, bool):
            read |= {"1": True, "0": False}
        word = str(answer).strip().lower()
        if word not in read:
            self.wrong(f"{answer!r} is none of {', '.join(sorted(map(str, (self.right, *self.mistakes))))}.")
        if read[word] != self.right:
            self.wrong(self.mistakes[read[word]])

    def solution(self):
        return repr(self.right)


class Several(Kind):
    """Several answers, by name. The student gives a dictionary, a sequence in order, or one argument for each.

    Args:
        parts: from a name to the kind of that answer.
        formula: as in `Kind`, for parts that have none.
        selection: whether the student gives a list of the names that are True.
    """

    several = True

    def __init__(self, parts: Mapping[Any, Kind], formula: str = "", selection: bool = False):
        names = ", ".join(map(str, parts))
        nudge = f"keep the dictionary with the keys {names}, and replace the dots behind each colon."
        super().__init__(f"give a list of some of these: {names}." if selection else nudge, formula)
        self.parts, self.selection = dict(parts), selection

    def examine(self, *answers):
        answers = self._by_name(answers[0] if len(answers) == 1 else answers)
        blank, hints = [], []
        for name, part in self.parts.items():
            try:
                if is_blank(answers[name]):
                    raise Blank
                part.examine(answers[name])
            except Blank:
                blank.append(str(name))
            except Hint as hint:
                label = f"({name}) " if len(str(name)) == 1 else f"{name}: "
                hints.append(Hint(f"{label}{hint}", hint.formula or self.formula))
        if hints:
            raise hints[0]
        if blank:
            raise Blank(f"still to do: {', '.join(blank)}.")

    def _by_name(self, answers):
        if self.selection and not isinstance(answers, Mapping):
            try:
                chosen = {tuple(map(int, name)) for name in answers}
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

    def solution(self):
        if self.selection:
            return repr([name for name, part in self.parts.items() if part.right])
        if any(hasattr(part, "reference") for part in self.parts.values()):
            return "\n\n".join(part.solution() for part in self.parts.values())
        return "{" + ", ".join(f"{name!r}: {part.solution()}" for name, part in self.parts.items()) + "}"
