"""The lessons' exercises check themselves.

Each lesson has a module here, and each exercise in it is a row of data, an `Exercise`:

    answer = ...                                   # the student replaces the three dots
    gl.checks.minimax_game.value_at_equilibrium(answer)

A call prints one of three things: that the answer is right and what follows from it, a hint, or that nothing has been
filled in. It never raises, so a notebook runs through with any answer. A first wrong answer gets a hint, a second one
the formula besides, and a third the way to the solution, `gl.checks.minimax_game.value_at_equilibrium.solution()`.
`report()` prints the mark; an exercise whose solution was shown counts as shown, not as right.

To add an exercise, add a row to the lesson's module. The tests read the rows too, and need no change:

    value_at_equilibrium = Exercise(
        "V when D outputs ½ everywhere",
        Number(-2 * LOG_2, {2 * LOG_2: "the sign is wrong."}, nudge="…", formula="log ½ + log(1 − ½)"),
        right="−log 4, whatever the two densities are.",
    )

The kinds of answer are in `gan_lessons.checks.kinds` and `gan_lessons.checks.functions`.
"""

import importlib
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from gan_lessons.checks.functions import in_words, noticing_blanks
from gan_lessons.checks.kinds import Blank, Hint, Kind, is_blank

_LESSONS = ("start_here", "watch", "minimax_game", "mlp_gan", "dcgan", "wgan", "quality", "clinic", "faster", "collapse")

# The latest outcome of every exercise seen so far, by (lesson, exercise): what `report` counts.
_outcomes = {}


class Outcome:
    """What became of one answer.

    Attributes:
        status: "right", "wrong", "blank" or "shown".
        title: the exercise's title.
        message: what the student reads.
    """

    _MARKS = {"right": "✅ Right", "wrong": "❌ Not yet", "blank": "✏️  Still blank", "shown": "👀 Solution shown"}

    def __init__(self, status: str, title: str, message: str):
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


class Exercise:
    """An exercise: call it with an answer, and it prints and returns an `Outcome`. It never raises.

    Args:
        title: what the exercise is called in messages and in the report.
        kind: the kind of answer, with what is right and the known mistakes.
        right: what the student reads after a right answer, or a function from the answers to that.

    Attributes:
        wrong: how many wrong answers were given since the last right one.
        shown: whether the solution was shown.
    """

    def __init__(self, title: str, kind: Kind, right: str | Callable[..., str]):
        self.title, self.kind, self.right = title, kind, right
        self.wrong, self.shown = 0, False

    def __call__(self, *answers: Any) -> Outcome:
        try:
            if not answers or all(is_blank(answer) for answer in answers):
                raise Blank
            if len(answers) > 1 and not self.kind.several:
                raise Hint("give one answer.")
            # A student's function raises Blank when it returns the three dots. Classes and networks stay as they are.
            found = self.kind.examine(*(noticing_blanks(one) if hasattr(one, "__code__") else one for one in answers))
            said = self.right(*answers) if callable(self.right) else self.right
            outcome, self.wrong = Outcome("right", self.title, f"{found}. {said}" if found else said), 0
        except Blank as blank:
            todo = str(blank) or "replace the three dots with your answer and run the cell again."
            outcome = Outcome("blank", self.title, todo)
        except Hint as hint:
            outcome = self._hint(str(hint), hint.formula or self.kind.formula)
        except Exception as error:  # whatever the student's code raised: the notebook has to go on
            outcome = self._hint(in_words(error, next(filter(callable, answers), None)), self.kind.formula)
        _outcomes[_place(self)] = outcome
        print(outcome)
        return outcome

    def working(self, function: Callable) -> Callable:
        """Returns the function that a lesson goes on with: the student's if it is right, or else the solution.

        It says which. An answer that is wrong or blank thus spoils no later cell.

        Args:
            function: the student's function.
        """
        try:
            self.kind.examine(noticing_blanks(function))
            print(f"{self.title}: the lesson goes on with your function.")
            return function
        except Exception:  # whatever the student's code raised
            print(f"{self.title}: the lesson goes on with a function of its own until yours is right.")
            return self.kind.reference

    def _hint(self, text, formula):
        """The next rung of the ladder: the hint, then the formula besides, then the way to the solution."""
        self.wrong += 1
        if self.wrong > 1 and formula:
            text = f"{text}\n   {formula}"
        if self.wrong > 2:
            text = f"{text}\n   To see a solution: gl.checks.{'.'.join(_place(self))}.solution()"
        return Outcome("wrong", self.title, text)

    def solution(self) -> None:
        """Prints a right answer. The report counts the exercise as shown from then on."""
        self.shown = True
        _outcomes[_place(self)] = Outcome("shown", self.title, "")
        print("\n".join(part for part in (self.kind.formula, self.kind.solution()) if part))


def _place(exercise):
    """The lesson of an exercise, and its name there."""
    for lesson in _LESSONS:
        module = sys.modules.get(f"{__name__}.{lesson}")
        for name, value in vars(module).items() if module else ():
            if value is exercise:
                return lesson, name
    return "", exercise.title


def exercises(lesson: str) -> dict[str, Exercise]:
    """Returns the exercises of a lesson, in order, by their names.

    Args:
        lesson: the lesson's module name, such as "minimax_game".

    Raises:
        ValueError: if there is no such lesson.
    """
    if lesson not in _LESSONS:
        raise ValueError(
            f"Ask for a lesson's checks by its name. Received: lesson={lesson!r}. Known: {', '.join(_LESSONS)}."
        )
    module = importlib.import_module(f"{__name__}.{lesson}")
    return {name: row for name, row in vars(module).items() if isinstance(row, Exercise)}


def report(lesson: str | None = None) -> Mark:
    """Prints which exercises of a lesson are right, and the mark: right answers out of all.

    Args:
        lesson: the lesson's module name. By default every lesson of which an exercise was checked in this kernel.

    Returns:
        A `Mark`, the pair `(right, total)`, which a marking script can add up.
    """
    lessons = [lesson] if lesson else [name for name in _LESSONS if any(seen == name for seen, _ in _outcomes)]
    statuses = []
    for name in lessons:
        for key, row in exercises(name).items():
            outcome = _outcomes.get((name, key))
            statuses.append("shown" if row.shown else "blank" if outcome is None else outcome.status)
            print(f"{Outcome._MARKS[statuses[-1]]} · {row.title}")
    mark = Mark(statuses.count("right"), len(statuses))
    if not lessons:
        print("No exercise has been checked yet: run an exercise's cell first.")
    else:
        shown = f", {statuses.count('shown')} shown" if "shown" in statuses else ""
        print(f"{mark.right} of {mark.total} right{shown}.")
    return mark


def __getattr__(name):
    if name in _LESSONS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
