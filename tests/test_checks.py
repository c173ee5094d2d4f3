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
from gan_lessons.checks import Exercise, Mark
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Blank, Choice, Hint, Number, Several, is_blank

ROWS = {f"{lesson}.{name}": row for lesson in checks._LESSONS for name, row in checks.exercises(lesson).items()}


@pytest.fixture(autouse=True)
def fresh():
    """No answers have been seen yet."""
    for row in ROWS.values():
        row.wrong, row.status = 0, None


# --- right answers, and wrong ones, read from the rows --------------------------------------------


@functools.singledispatch
def forms(kind):
    """The forms of a right answer; pairs of a known mistake and its hint; a blank."""


@forms.register
def _(kind: Number):
    one = kind.right
    rights = [one, np.float64(one), np.array([[one]]), tf.constant(one, tf.float64), Fraction(one), str(one)]
    rights += [round(one, 2), f"{one:.2f}"] if kind.room >= 0.01 else []
    rights += [int(one), np.int64(one)] if one == int(one) else []
    return rights, list(kind.mistakes.items()), ...


@forms.register
def _(kind: Choice):
    word = str(kind.right)
    return [kind.right, word, word.upper(), f" {word.title()} ", np.str_(word)], list(kind.mistakes.items()), ...


@forms.register
def _(kind: Several):
    parts = {name: forms(part) for name, part in kind.parts.items()}
    plain = {name: rights[0] for name, (rights, _, _) in parts.items()}
    right = [plain] + [plain | {name: form} for name, (rights, _, _) in parts.items() for form in rights]
    wrong = [(plain | {name: one}, hint) for name, (_, wrongs, _) in parts.items() for one, hint in wrongs]
    if kind.selection:
        chosen = [name for name, holds in plain.items() if holds]
        return [*right, chosen, chosen[::-1], set(chosen), np.array(chosen)], wrong, {}.fromkeys(parts, ...)
    return [*right, list(plain.values())], wrong, {}.fromkeys(parts, ...)


@forms.register
def _(kind: Function):
    scope = dict(kind.reference.__globals__)
    exec(kind.solution(), scope)
    shown = scope[kind.reference.__name__.removeprefix("_")]
    return [kind.reference, shown], list(kind.mistakes.items()), lambda *arguments: ...


@pytest.mark.parametrize("name", ROWS)
def test_an_exercise_tells_right_blank_and_each_mistake_apart(name, capsys):
    row = ROWS[name]
    rights, wrongs, blank = forms(row.kind)
    for answer in rights:
        outcome = row(answer)
        assert outcome.status == "right" and len(outcome.message) > 20, (answer, outcome)
    for nothing in ((), (...,), (None,), (blank,)):
        assert row(*nothing).status == "blank"
    for answer, hint in wrongs:
        outcome = row(answer)
        assert outcome.status == "wrong" and hint in outcome.message and len(hint) > 8, (answer, hint, outcome)
    for nonsense in ("nonsense", object(), -12345.678, float("nan"), [], {"a": 1}, lambda *a, **k: None, lambda: 0):
        outcome = row(nonsense)
        assert outcome.status == "wrong" and len(outcome.message) > 20, (nonsense, outcome)
    assert checks.report(name.partition(".")[0]).right == 0
    capsys.readouterr()
    row.solution()
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("lesson", checks._LESSONS)
def test_a_lesson_calls_its_exercises_in_order(lesson):
    source = Path(__file__).resolve().parent.parent / "notebooks" / "source" / f"{lesson}.py"
    called = re.findall(
        rf"^(?:if not )?gl\.checks\.{lesson}\.(\w+)\(", source.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert called == list(checks.exercises(lesson))


# --- the ladder, the report -----------------------------------------------------------------------


@pytest.fixture
def row(monkeypatch):
    """An exercise of a lesson with two, known to the report for the length of one test."""
    module = types.ModuleType("gan_lessons.checks.practice")
    four = Number(4, {5: "close: 2 + 2, not 2 + 3."}, nudge="count on your fingers.", formula="2 + 2")
    module.double = Exercise("Twice two", four, right="four it is.")
    module.word = Exercise("A word", Choice("yes", {"no": "the other."}, "yes or no?", "yes"), right="so it is.")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(checks, "_LESSONS", (*checks._LESSONS, "practice"))
    return module.double


def test_wrong_answers_climb_a_ladder(row, capsys):
    assert row(4) and capsys.readouterr().out == "✅ Right · Twice two: four it is.\n"
    assert not row(5) and capsys.readouterr().out == "❌ Not yet · Twice two: close: 2 + 2, not 2 + 3.\n"
    formula, solution = (row(7).message for _ in range(2))
    assert formula == "count on your fingers.\n   2 + 2"
    assert solution == f"{formula}\n   To see a solution: gl.checks.practice.double.solution()"
    assert row(4) and row(7).message == "count on your fingers.", "a right answer begins anew"
    capsys.readouterr()
    row.solution()
    assert capsys.readouterr().out == "2 + 2\n4\n"
    assert "give one answer" in row(4, 4).message


def test_the_report_counts_right_answers_and_solutions_shown(row, capsys):
    assert checks.report() == (0, 0) and "No exercise has been checked yet" in capsys.readouterr().out
    row(5)
    capsys.readouterr()
    assert checks.report("practice") == (0, 2)
    assert capsys.readouterr().out == "❌ Not yet · Twice two\n✏️  Still blank · A word\n0 of 2 right.\n"
    row(4)
    mark = checks.report()  # of the lessons of which an answer was seen
    assert isinstance(mark, Mark) and (mark.right, mark.total) == mark == (1, 2)
    row.solution()
    row(4)
    assert checks.report() == (0, 2) and capsys.readouterr().out.endswith("0 of 2 right, 1 shown.\n")


def test_a_notebook_does_not_echo_what_was_printed(row):
    assert repr(row(4)) == "✅ Right · Twice two: four it is."
    assert row(4)._ipython_display_() is Mark(1, 2)._ipython_display_() is None


def test_lessons_and_exercises_are_found_by_name(row):
    assert list(checks.exercises("practice")) == ["double", "word"]
    for function in (checks.exercises, checks.report):
        with pytest.raises(ValueError, match="Received: lesson='nothing'. Known: .*practice"):
            function("nothing")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        checks.nothing  # noqa: B018
    assert checks.wgan is importlib.import_module("gan_lessons.checks.wgan")


def test_a_lesson_goes_on_with_a_function_that_works(capsys):
    row = Exercise("Twice", on_line(), right="yes.")
    for mine, kept in ((lambda x: x + x, True), (lambda x: 3 * x, False), (lambda x: ..., False), (..., False)):
        assert (row.working(mine) is mine) == kept and row.working(mine)(4) == 8
        assert ("goes on with your function" in capsys.readouterr().out) == kept


# --- what a kind accepts --------------------------------------------------------------------------


def test_what_is_blank():
    assert all(map(is_blank, (..., None, (..., ...), [...], {"a": ..., "b": None}, ((None, [...]),))))
    assert not any(map(is_blank, (0, False, "", (), [], {}, 0.0, (0, ...), [1, None], "...", np.zeros(3))))


def test_the_nearest_number_counts():
    kind = Number(1, {1.02: "a little too much.", np.inf: "no end."}, nudge="look again.", formula="1")
    for right in (1, 1.0, 0.991, 1.009):
        kind.examine(right)
    wrong = {1.012: "too much", 1.04: "look again", np.inf: "no end", True: "one number", (1, 1): "one number"}
    for answer, words in wrong.items():
        with pytest.raises(Hint, match=words):
            kind.examine(answer)


def on_line():
    return Function(lambda x: 2 * x, [on(np.array([1.0, 2.0]))], {}, nudge="look again.", formula="2x")


def test_parts_that_are_still_to_do():
    kind = Several({"a": Number(1, {}, "a!", "1"), "b": Number(2, {}, "b!", "2")})
    both = Several({"f": on_line(), "g": on_line()})
    for answers, words in (([1, ...], "b"), ([lambda x: 2 * x, lambda x: ...], "g")):
        with pytest.raises(Blank, match=f"still to do: {words}"):
            (both if words == "g" else kind).examine(*answers)
    with pytest.raises(Hint, match=r"\(a\) a!"):  # a wrong one comes first
        kind.examine({"a": 3, "b": ...})
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
    assert outcome.status == "wrong" and words in outcome.message and "{{" not in outcome.message, outcome
    assert row(slopes)


def test_a_lesson_goes_on_with_a_working_function(capsys):
    row = Exercise("Twice", on_line(), right="yes.")
    mine = [lambda x: x + x, lambda x: x, lambda x: ..., lambda x: 1 / 0]
    assert [row.working(function) is function for function in mine] == [True, False, False, False]
    assert row.working(mine[-1])(3) == 6 and row.wrong == 0
    assert "goes on with your function" in capsys.readouterr().out.splitlines()[0]


def test_a_mistake_is_told_by_all_that_it_does():
    """Two mistakes that agree on the first data: the one that agrees on the second as well gives the hint."""
    probes = [on(np.array([1.0, 2.0])), on(np.array([-3.0, 1.0]))]
    mistakes = {(lambda x: np.abs(x).sum()): "no absolute values.", (lambda x: x.sum()): "a mean, not a sum."}
    kind = Function(lambda x: x.mean(), probes, mistakes, nudge="look again.", formula="mean")
    for function, hint in ((lambda x: sum(x), "not a sum"), (lambda x: sum(abs(x)), "no absolute")):
        with pytest.raises(Hint, match=hint):
            kind.examine(function)
