"""The lessons' exercises check themselves.

Each lesson has a module here, and each exercise in it a function that looks at the student's answer:

    answer = ...                                   # the student replaces the three dots
    gl.checks.minimax_game.value_at_equilibrium(answer)

It prints one of three things: that the answer is right and what follows from it, a hint about *why* it is not, or that
nothing has been filled in. It never raises, so a notebook runs through with any answer. `report()` prints the mark.

To add an exercise, write a function that takes the answer, raises `Hint` for a wrong one and returns what there is to
say about a right one:

    @exercise("The value of the game at its equilibrium")
    def value_at_equilibrium(answer):
        if answer > 0:
            raise Hint("Both logarithms are of numbers below 1, so V cannot be positive.")
        ...
        return "−log 4: the discriminator answers ½ everywhere."
"""

import functools
import importlib
import inspect
from typing import NamedTuple

_LESSONS = ("start_here", "watch", "minimax_game", "mlp_gan", "dcgan", "wgan", "quality", "clinic", "faster")

# The latest outcome of every exercise seen so far, by (lesson, exercise): what `report` counts.
_outcomes = {}


class Hint(Exception):
    """Raised by a check for a wrong answer; its text tells the student why, and what to look at."""


class Outcome:
    """What became of one answer.

    Attributes:
        status: "right", "wrong" or "blank".
        title: the exercise's title.
        message: what the student reads.
    """

    _MARKS = {"right": "✅ Right", "wrong": "❌ Not yet", "blank": "✏️  Still blank"}

    def __init__(self, status, title, message):
        self.status, self.title, self.message = status, title, message

    def __bool__(self):
        return self.status == "right"

    def __str__(self):
        return f"{self._MARKS[self.status]} · {self.title}: {self.message}"

    __repr__ = __str__

    def _ipython_display_(self):
        # A notebook echoes the value of a cell's last line; the sentence has been printed already.
        pass


class Mark(NamedTuple):
    """Right answers, out of how many."""

    right: int
    total: int

    def _ipython_display_(self):
        pass


class Blank(Exception):
    """Raised where a function that the student was to write still returns the three dots."""


def is_blank(answer):
    """Whether an answer was left as it stood: `...` or `None`, or a sequence or dictionary of nothing else."""
    if answer is ... or answer is None:
        return True
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, (list, tuple)):
        return len(answer) > 0 and all(is_blank(part) for part in answer)
    return False


def _noticing_blanks(answer):
    """A student's function, made to raise `Blank` when it returns the three dots; other answers as they are."""
    if not inspect.isfunction(answer):
        return answer

    @functools.wraps(answer)
    def call(*arguments, **keywords):
        result = answer(*arguments, **keywords)
        # None is no blank here: it is what a function returns whose `return` was forgotten, and that wants a hint.
        if result is ... or (isinstance(result, tuple) and result and all(part is ... for part in result)):
            raise Blank
        return result

    return call


def exercise(title):
    """Turns a function that examines an answer into an exercise that prints its outcome and never raises.

    Args:
        title: what the exercise is called in messages and in the report.

    Returns:
        A decorator. The decorated function prints and returns an `Outcome`.
    """

    def decorate(examine):
        lesson = examine.__module__.rpartition(".")[2]

        @functools.wraps(examine)
        def check(*answers):
            try:
                if not answers or any(is_blank(answer) for answer in answers):
                    raise Blank
                outcome = Outcome("right", title, examine(*map(_noticing_blanks, answers)))
            except Blank:
                outcome = Outcome("blank", title, "replace the three dots with your answer and run the cell again.")
            except Hint as hint:
                outcome = Outcome("wrong", title, str(hint))
            except Exception as error:  # whatever the student's code raised: the notebook has to go on
                outcome = Outcome("wrong", title, f"your answer raised {type(error).__name__}: {error}")
            _outcomes[lesson, examine.__name__] = outcome
            print(outcome)
            return outcome

        check.is_exercise = True
        check.title = title
        return check

    return decorate


def exercises(lesson):
    """The exercises of a lesson, in order.

    Args:
        lesson: the lesson's module name, such as "minimax_game".

    Returns:
        A dictionary from the exercise's name to its check.

    Raises:
        ValueError: if there is no such lesson.
    """
    if lesson not in _LESSONS:
        raise ValueError(
            f"A lesson's checks are asked for by its name. Received: lesson={lesson!r}. Known: {', '.join(_LESSONS)}."
        )
    module = importlib.import_module(f"{__name__}.{lesson}")
    return {name: check for name, check in vars(module).items() if getattr(check, "is_exercise", False)}


def report(lesson=None):
    """Prints which exercises of a lesson are right, and the mark: right answers out of all.

    Args:
        lesson: the lesson's module name. By default every lesson of which an exercise was checked in this kernel.

    Returns:
        A `Mark`, the pair `(right, total)`, which a marking script can add up.
    """
    lessons = [lesson] if lesson else [name for name in _LESSONS if any(seen == name for seen, _ in _outcomes)]
    right = total = 0
    for name in lessons:
        for key, check in exercises(name).items():
            outcome = _outcomes.get((name, key))
            status = "blank" if outcome is None else outcome.status
            print(f"{Outcome._MARKS[status]} · {check.title}")
            right, total = right + (status == "right"), total + 1
    if not lessons:
        print("No exercise has been checked yet: run an exercise's cell first.")
    else:
        print(f"{right} of {total} right.")
    return Mark(right, total)


def __getattr__(name):
    if name in _LESSONS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
