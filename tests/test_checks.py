"""All exercises of all lessons: right answers in every form, blanks, each known mistake, and the ladder of hints."""

import functools
import importlib
import re
import sys
import types
from fractions import Fraction
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_lessons import checks
from gan_lessons.checks import Exercise, Mark, Outcome, clinic
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Blank, Choice, Hint, Network, Number, Several, is_blank

ROWS = {f"{lesson}.{name}": row for lesson in checks._LESSONS for name, row in checks.exercises(lesson).items()}


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """No answers have been seen yet."""
    monkeypatch.setattr(checks, "_outcomes", {})
    for row in ROWS.values():
        row.wrong, row.shown = 0, False


# --- right answers, and wrong ones, read from the rows --------------------------------------------


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
    forms = [
        one,
        np.float64(one),
        np.array([one]),
        np.array([[one]]),
        tf.constant(one, tf.float64),
        Fraction(one),
        str(one),
    ]
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
    if kind.selection:
        chosen = [name for name, holds in plain.items() if holds]
        return [(chosen,), (chosen[::-1],), (set(chosen),), (np.array(chosen),), (plain,)]
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


def as_shown(kind):
    """The function that the solution's text defines."""
    scope = dict(kind.reference.__globals__)
    exec(kind.solution(), scope)
    return scope[kind.reference.__name__.removeprefix("_")]


@rights.register
def _(kind: Function):
    return [(kind.reference,), (as_shown(kind),)]


@wrongs.register
def _(kind: Function):
    return [((mistake,), hint) for mistake, hint in kind.mistakes.items()]


@blank.register
def _(kind: Function):
    return (lambda *arguments: ...,)


@rights.register
def _(kind: Network):
    return [(kind.reference(),), (as_shown(kind)(),)]


@wrongs.register
def _(kind: Network):
    return [((breaks(),), hint.partition("{")[0]) for _, hint, breaks in kind.rules]


@wrongs.register
def _(kind: clinic.Mend):
    return [((illness,), f"not {illness!r}: {hint}") for illness, hint in kind.clues.items() if illness]


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


# --- the ladder, the report -----------------------------------------------------------------------


@pytest.fixture
def row(monkeypatch):
    """An exercise of a lesson with two, known to the report for the length of one test."""
    module = types.ModuleType("gan_lessons.checks.practice")
    four = Number(4, {5: "close: 2 + 2, not 2 + 3."}, nudge="count on your fingers.", formula="2 + 2")
    module.double = Exercise("Twice two", four, right="four it is.")
    module.word = Exercise("A word", Choice("yes", {"no": "the other."}, "yes or no?", "yes"), right="so it is.")
    module.helper = lambda: None  # not an exercise
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(checks, "_LESSONS", (*checks._LESSONS, "practice"))
    return module.double


def test_an_outcome_is_printed_and_returned(row, capsys):
    outcome = row(4)
    assert isinstance(outcome, Outcome) and outcome and outcome.status == "right"
    assert capsys.readouterr().out == "✅ Right · Twice two: four it is.\n"
    assert repr(outcome) == str(outcome) and outcome._ipython_display_() is Mark(1, 2)._ipython_display_() is None
    assert not row(5) and capsys.readouterr().out == "❌ Not yet · Twice two: close: 2 + 2, not 2 + 3.\n"
    assert not row(...) and "✏️  Still blank · Twice two: replace the three dots" in capsys.readouterr().out


def test_wrong_answers_climb_a_ladder(row, capsys):
    nudge, formula, solution = (row(7).message for _ in range(3))
    assert nudge == "count on your fingers."
    assert formula == "count on your fingers.\n   2 + 2"
    assert solution.startswith(formula) and "gl.checks.practice.double.solution()" in solution
    assert row(4) and row(7).message == nudge, "a right answer begins anew"
    capsys.readouterr()
    row.solution()
    assert capsys.readouterr().out == "2 + 2\n4\n"
    assert "give one answer" in row(4, 4).message


def test_the_report_counts_right_answers_and_solutions_shown(row, capsys):
    row(5)
    capsys.readouterr()
    assert checks.report("practice") == (0, 2)
    assert capsys.readouterr().out == "❌ Not yet · Twice two\n✏️  Still blank · A word\n0 of 2 right.\n"
    row(4)
    mark = checks.report()  # of the lessons of which an answer was seen
    assert isinstance(mark, Mark) and (mark.right, mark.total) == mark == (1, 2)
    row.solution()
    row(4)
    capsys.readouterr()
    assert checks.report() == (0, 2)
    assert capsys.readouterr().out.endswith(
        "Solution shown · Twice two\n✏️  Still blank · A word\n0 of 2 right, 1 shown.\n"
    )


def test_a_report_before_any_exercise(capsys):
    assert checks.report() == (0, 0)
    assert "No exercise has been checked yet" in capsys.readouterr().out


def test_lessons_and_exercises_are_found_by_name(row):
    assert list(checks.exercises("practice")) == ["double", "word"]
    for function in (checks.exercises, checks.report):
        with pytest.raises(ValueError, match="Received: lesson='nothing'. Known: .*practice"):
            function("nothing")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        checks.nothing  # noqa: B018
    assert checks.wgan is importlib.import_module("gan_lessons.checks.wgan")


# --- what a kind accepts --------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [0, False, "", (), [], {}, 0.0, (0, ...), [1, None], "...", np.zeros(3)], ids=repr)
def test_what_is_not_blank(answer):
    assert not is_blank(answer)


@pytest.mark.parametrize("answer", [..., None, (..., ...), [...], {"a": ..., "b": None}, ((None, [...]),)], ids=repr)
def test_what_is_blank(answer):
    assert is_blank(answer)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("minimax_game.value_at_equilibrium", -1.39),
        ("mlp_gan.answers_half", {"d_loss": 1.39, "g_loss": 0.69}),
        ("start_here.halfway_length", 7.07),
        ("minimax_game.far_apart", {"divergence": 0.69, "distance": 5}),
        ("wgan.read_the_curves", {"I": "Unbounded", "II": "DEAD", "III": " healthy"}),
    ],
)
def test_the_decimals_that_a_picture_shows_are_enough(name, answer):
    assert ROWS[name](answer), "right, as a person would say"


def test_the_nearest_number_counts():
    kind = Number(1, {1.02: "a little too much."}, nudge="look again.", formula="1")
    for right in (1, 1.0, 0.991, 1.009):
        kind.examine(right)
    for wrong, words in ((1.012, "too much"), (1.04, "look again"), (True, "one number"), ([1, 1], "one number")):
        with pytest.raises(Hint, match=words):
            kind.examine(wrong)


def on_line():
    return Function(lambda x: 2 * x, [on(np.array([1.0, 2.0]))], {}, nudge="look again.", formula="2x")


def test_parts_that_are_still_to_do():
    kind = Several({"a": Number(1, {}, "a!", "1"), "b": Number(2, {}, "b!", "2")})
    with pytest.raises(Blank, match="still to do: b"):
        kind.examine({"a": 1, "b": ...})
    with pytest.raises(Hint, match=r"\(a\) a!"):  # a wrong one comes first
        kind.examine({"a": 3, "b": ...})
    both = Several({"f": on_line(), "g": on_line()})
    with pytest.raises(Hint, match=r"\(f\) look again"):  # a function that returns three dots is still to do
        both.examine(lambda x: 3 * x, lambda x: ...)
    with pytest.raises(Blank, match="still to do: g"):
        both.examine(lambda x: 2 * x, lambda x: ...)
    with pytest.raises(Hint, match="keep the dictionary with the keys a, b"):
        kind.examine({"a": 1})


def slopes(points):
    with tf.GradientTape() as tape:
        tape.watch(points)
        total = tf.reduce_sum(points**2)
    return tape.gradient(total, points)


def unwatched(then):
    def function(points):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(points**2)
        return then(tape.gradient(total, points))

    return function


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (unwatched(lambda gradient: gradient), "tape.watch"),
        (unwatched(lambda gradient: gradient**2), "tape.watch"),
        (unwatched(lambda gradient: gradient.numpy()), "tape.watch"),
        (unwatched(tf.square), "tape.watch"),
        (unwatched(lambda gradient: keras.ops.sum(gradient)), "tape.watch"),
        (lambda points: tf.ones((2, 3)) + tf.ones((4, 5)), "the shapes do not fit: [2,3] vs. [4,5]"),
        (lambda points: tf.matmul(points, points), "the shapes do not fit"),
        (lambda points: points * tf.constant(1.0, tf.float64), "one type only"),
        (lambda points: None, "end in `return"),
        (lambda points: 1 / 0, "your answer raised ZeroDivisionError: division by zero"),
        (lambda: 0, "your answer raised TypeError"),
        (lambda points: slopes(points)[:2], "has shape (2,), where (3,)"),
        (lambda points: (slopes(points), 1.0), "returns 2 values"),
        (lambda points: slopes(points) / 0, "not finite"),
        (lambda points: 7 * points, "look again"),
        (slopes(tf.constant([1.0])), "the function itself"),
    ],
)
def test_no_exception_of_tensorflows_reaches_the_student(function, words):
    probe = on(tf.constant([1.0, -2.0, 3.0]))
    row = Exercise("Slopes", Function(slopes, [probe], {}, nudge="look again.", formula="2x"), right="yes.")
    outcome = row(function)
    assert outcome.status == "wrong" and words in outcome.message and "{{" not in outcome.message, str(outcome)
    assert row(slopes)


def test_a_mistake_is_told_by_all_that_it_does():
    """Two mistakes that agree on the first data: the one that agrees on the second as well gives the hint."""
    probes = [on(np.array([1.0, 2.0])), on(np.array([-3.0, 1.0]))]
    mistakes = {(lambda x: np.abs(x).sum()): "no absolute values.", (lambda x: x.sum()): "a mean, not a sum."}
    kind = Function(lambda x: x.mean(), probes, mistakes, nudge="look again.", formula="mean")
    for function, hint in ((lambda x: sum(x), "not a sum"), (lambda x: sum(abs(x)), "no absolute")):
        with pytest.raises(Hint, match=hint):
            kind.examine(function)


@pytest.mark.parametrize("lesson", checks._LESSONS)
def test_a_lesson_calls_its_exercises_in_order(lesson):
    source = Path(__file__).resolve().parent.parent / "notebooks" / "source" / f"{lesson}.py"
    called = re.findall(rf"^gl\.checks\.{lesson}\.(\w+)\(", source.read_text(encoding="utf-8"), re.MULTILINE)
    assert called == list(checks.exercises(lesson))
