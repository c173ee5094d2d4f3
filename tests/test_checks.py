"""All exercises of all lessons: right answers in every form, blanks, each known mistake, and the ladder of hints."""

import functools
import importlib
from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

from gan_lessons import checks
from gan_lessons.checks import Exercise, Mark, Outcome, kinds
from gan_lessons.checks.kinds import Blank, Choice, Function, Hint, Network, Number, Several, is_blank, on

ROWS = {f"{lesson}.{name}": row for lesson in checks._LESSONS for name, row in checks.exercises(lesson).items()}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """No answers have been seen yet."""
    monkeypatch.setattr(checks, "_outcomes", {})
    for row in ROWS.values():
        row.wrong, row.shown = 0, False


# --- right answers, and wrong ones, read from the rows -----------------------------------------------------------------


@functools.singledispatch
def rights(kind):
    """The forms of a right answer, each a tuple of what the exercise is called with."""
    return []


@functools.singledispatch
def wrongs(kind):
    """Pairs of an answer that makes one known mistake, and the hint for it."""
    return []


@functools.singledispatch
def blank(kind):
    return (...,)


@rights.register
def _(kind: Number):
    one = kind.right
    forms = [one, np.float64(one), np.array([one]), np.array([[one]]), tf.constant(one, tf.float64), Fraction(one), str(one)]
    rounded = [round(one, 2), f"{one:.2f}"] if kind.room >= 0.01 else []
    whole = [int(one), np.int64(one)] if one == int(one) else []
    return [(form,) for form in (*forms, *rounded, *whole)]


@wrongs.register
def _(kind: Number):
    beyond = []
    if kind.within:
        low, high, hint = kind.within
        beyond = [(one, hint) for one in (low - 0.37, high + 0.37) if np.isfinite(one)]
    return [((mistake,), hint) for mistake, hint in (*kind.mistakes.items(), *beyond)]


@rights.register
def _(kind: Choice):
    if isinstance(kind.right, str):
        return [(kind.right,), (kind.right.upper(),), (f" {kind.right.title()} ",), (np.str_(kind.right),)]
    if isinstance(kind.right, bool):
        return [(kind.right,), (np.bool_(kind.right),), (str(kind.right),)]
    return [(kind.right,), (list(kind.right),), (np.array(kind.right),), (tf.TensorShape(kind.right),)]


@wrongs.register
def _(kind: Choice):
    return [((mistake,), hint) for mistake, hint in kind.mistakes.items()]


def one_right(kind):
    return rights(kind)[0][0]


@rights.register
def _(kind: Several):
    plain = {name: one_right(part) for name, part in kind.parts.items()}
    changed = [plain | {name: form} for name, part in kind.parts.items() for (form,) in rights(part)]
    return [(plain,), tuple(plain.values()), (list(plain.values()),), *((answer,) for answer in changed)]


@wrongs.register
def _(kind: Several):
    plain = {name: one_right(part) for name, part in kind.parts.items()}
    parts = kind.parts.items()
    single = [((plain | {name: wrong},), hint) for name, part in parts for (wrong,), hint in wrongs(part)]
    return single + [((answer,), hint) for answer, hint in kind.mistakes]


@blank.register
def _(kind: Several):
    return (dict.fromkeys(kind.parts, ...),)


@rights.register
def _(kind: Function):
    return [(kind.reference,)]


@wrongs.register
def _(kind: Function):
    return [((mistake,), hint) for mistake, hint in kind.mistakes]


@blank.register
def _(kind: Function):
    return (lambda *arguments: ...,)


@rights.register
def _(kind: Network):
    return [(kind.reference(),)]


@wrongs.register
def _(kind: Network):
    return [((breaks(),), hint.partition("{")[0]) for _, hint, breaks in kind.rules]


@pytest.mark.parametrize("name", ROWS)
def test_an_exercise_tells_right_blank_and_each_mistake_apart(name, capsys):
    row = ROWS[name]
    for answers in rights(row.kind):
        outcome = row(*answers)
        assert outcome.status == "right" and len(outcome.message) > 20, (answers, str(outcome))

    for nothing in ((), (...,), (None,), blank(row.kind)):
        assert row(*nothing).status == "blank"

    for answers, hint in wrongs(row.kind):
        row.wrong = 0
        outcome = row(*answers)
        assert outcome.status == "wrong" and hint in outcome.message, (answers, hint, str(outcome))
        assert len(hint) > 20 and row.wrong == 1

    for nonsense in ("nonsense", object(), -12345.678, float("nan"), [], {"a": 1}, lambda *a, **k: None, lambda: 0):
        outcome = row(nonsense)
        assert outcome.status == "wrong" and len(outcome.message) > 20, (nonsense, str(outcome))

    assert checks.report(name.partition(".")[0]).right == 0
    row.solution()
    assert len(capsys.readouterr().out.splitlines()[-1]) > 0
