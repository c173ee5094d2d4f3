"""The lessons' exercises check themselves.

Each lesson has a module here, and each exercise in it is a row of data, an `Exercise`:

    answer = ...                                   # the student replaces the three dots
    gl.checks.minimax_game.value_at_equilibrium(answer)

A call prints whether the answer is right, with what follows from it or a hint, or that nothing has been filled in. It
never raises, so a notebook runs through with any answer. A first wrong answer gets a hint, a second one the formula
too, a third the way to the solution, `gl.checks.minimax_game.value_at_equilibrium.solution()`. `report()` prints the
mark. An exercise whose solution was shown counts as shown, not as right.

To add an exercise, add a row to the lesson's module. The tests read the rows:

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

_LESSONS = (
    "start_here",
    "watch",
    "minimax_game",
    "mlp_gan",
    "dcgan",
    "wgan",
    "dynamics",
    "quality",
    "clinic",
    "clinic_silent",
    "faster",
    "collapse",
)
_MARKS = {"right": "✅ Right", "wrong": "❌ Not yet", "blank": "✏️  Still blank", "shown": "👀 Solution shown"}


class Outcome(NamedTuple):
    """Whether an answer was "right", "wrong" or "blank", the exercise's title, and what the student reads."""

    status: str
    title: str
    message: str

    def __bool__(self):
        return self.status == "right"

    def __str__(self):
        return f"{_MARKS[self.status]} · {self.title}: {self.message}"

    __repr__ = __str__

    def _ipython_display_(self):
        pass  # a notebook would echo the value of a cell's last line, which has been printed already


class Mark(NamedTuple):
    """Right answers, out of how many."""

    right: int
    total: int
    _ipython_display_ = Outcome._ipython_display_


class Exercise:
    """An exercise: call it with an answer, and it prints and returns an `Outcome`. It never raises.

    Args:
        title: what the exercise is called in messages and in the report.
        kind: the kind of answer, with what is right and the known mistakes.
        right: what the student reads after a right answer.

    Attributes:
        status: what the report counts: "right", "wrong" or "blank", "shown" after `solution`, or None at the start.
        wrong: how many wrong answers were given since the last right one.
    """

    def __init__(self, title: str, kind: Kind, right: str):
        self.title, self.kind, self.right = title, kind, right
        self.status, self.wrong = None, 0

    def __call__(self, *answers: Any) -> Outcome:
        try:
            if all(map(is_blank, answers)):
                raise Blank
            if len(answers) > 1 and not self.kind.several:
                raise Hint("give one answer.")
            self.kind.examine(*map(noticing_blanks, answers))
            status, text, self.wrong = "right", self.right, 0
        except Blank as blank:
            status, text = "blank", str(blank) or "replace the three dots with your answer and run the cell again."
        except Hint as hint:
            status, text = "wrong", self._ladder(str(hint), hint.formula or self.kind.formula)
        except Exception as error:  # whatever the student's code raised: the notebook has to go on
            words = in_words(error, next(filter(callable, answers), None))
            status, text = "wrong", self._ladder(words, self.kind.formula)
        if self.status != "shown":
            self.status = status
        print(outcome := Outcome(status, self.title, text))
        return outcome

    def working(self, function: Callable) -> Callable:
        """Returns the function that the lesson goes on with: the student's if it is right, or else the solution.

        It says which. An answer that is wrong or blank thus spoils no later cell.

        Args:
            function: the student's function.
        """
        try:
            self.kind.examine(noticing_blanks(function))
        except Exception:  # whatever the student's code raised
            print(f"{self.title}: the lesson goes on with a function of its own until yours is right.")
            return self.kind.reference
        print(f"{self.title}: the lesson goes on with your function.")
        return function

    def _ladder(self, *rungs):
        """The hint, after another wrong answer the formula too, then the way to the solution."""
        self.wrong += 1
        solution = f"To see a solution: gl.checks.{_place(self)}.solution()"
        return "\n   ".join(filter(None, (*rungs, solution)[: self.wrong]))

    def solution(self) -> None:
        """Prints a right answer. The report counts the exercise as shown from then on."""
        self.status = "shown"
        print("\n".join(filter(None, (self.kind.formula, self.kind.solution()))))


def _loaded():
    """The exercises of each lesson that has been imported."""
    return {lesson: exercises(lesson) for lesson in _LESSONS if f"{__name__}.{lesson}" in sys.modules}


def _place(exercise):
    """Where an exercise stands, as in "watch.arrow_length"."""
    places = {id(row): f"{lesson}.{name}" for lesson, rows in _loaded().items() for name, row in rows.items()}
    return places.get(id(exercise), exercise.title)


def exercises(lesson: str) -> dict[str, Exercise]:
    """Returns the exercises of a lesson, in order, by their names.

    Args:
        lesson: the lesson's module name, such as "minimax_game".

    Raises:
        ValueError: if there is no such lesson.
    """
    if lesson not in _LESSONS:
        known = ", ".join(_LESSONS)
        raise ValueError(f"Ask for a lesson's checks by its name. Received: lesson={lesson!r}. Known: {known}.")
    module = importlib.import_module(f"{__name__}.{lesson}")
    return {name: row for name, row in vars(module).items() if isinstance(row, Exercise)}


def report(lesson: str | None = None) -> Mark:
    """Prints which exercises of a lesson are right, and the mark: right answers out of all.

    Args:
        lesson: the lesson's module name. By default every lesson of which an exercise was checked in this kernel.

    Returns:
        A `Mark`, the pair `(right, total)`, which a marking script can add up.
    """
    begun = [name for name, rows in _loaded().items() if any(row.status for row in rows.values())]
    rows = [row for name in ([lesson] if lesson else begun) for row in exercises(name).values()]
    statuses = [row.status or "blank" for row in rows]
    for row, status in zip(rows, statuses, strict=True):
        print(f"{_MARKS[status]} · {row.title}")
    mark, shown = Mark(statuses.count("right"), len(rows)), statuses.count("shown")
    if rows:
        print(f"{mark.right} of {mark.total} right{f', {shown} shown' if shown else ''}.")
    else:
        print("No exercise has been checked yet: run an exercise's cell first.")
    return mark


def __getattr__(name):
    if name in _LESSONS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
