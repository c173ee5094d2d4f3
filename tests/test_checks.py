"""How an exercise answers: right, wrong, blank; and what the report counts."""

import importlib
import sys
import types

import pytest

from gan_lessons import checks
from gan_lessons.checks import Blank, Hint, Mark, Outcome, exercise, is_blank


@pytest.fixture
def lesson(monkeypatch):
    """A lesson `practice` of two exercises, known to the report for the length of one test."""
    module = types.ModuleType("gan_lessons.checks.practice")

    def double(answer):
        """Twice two."""
        if answer == 5:
            raise Hint("close: 2 + 2, not 2 + 3.")
        if answer(2) if callable(answer) else answer != 4:
            raise Hint("it is twice two that is asked for.")
        return "four it is."

    def pair(first, second):
        if first == second:
            raise Hint("they are the same.")
        return "two different ones."

    for function, title in ((double, "Twice two"), (pair, "Two things")):
        function.__module__ = module.__name__
        setattr(module, function.__name__, exercise(title)(function))
    module.helper = lambda: None  # not an exercise
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(checks, "_LESSONS", (*checks._LESSONS, "practice"))
    monkeypatch.setattr(checks, "_outcomes", {})
    return module


def test_a_right_answer(lesson, capsys):
    outcome = lesson.double(4)
    assert isinstance(outcome, Outcome) and outcome and outcome.status == "right"
    assert capsys.readouterr().out == "✅ Right · Twice two: four it is.\n"


def test_a_wrong_answer_says_why(lesson, capsys):
    outcome = lesson.double(5)
    assert not outcome and outcome.status == "wrong" and outcome.message == "close: 2 + 2, not 2 + 3."
    assert capsys.readouterr().out == "❌ Not yet · Twice two: close: 2 + 2, not 2 + 3.\n"


def test_an_answer_that_raises_does_not_stop_the_notebook(lesson, capsys):
    outcome = lesson.double(lambda x: x / 0)
    assert outcome.status == "wrong" and outcome.message == "your answer raised ZeroDivisionError: division by zero"
    assert "❌ Not yet" in capsys.readouterr().out
    assert lesson.pair("a").status == "wrong", "too few answers"


@pytest.mark.parametrize(
    "blank", [(...,), (None,), (), ((..., ...),), ([...],), ({"a": ..., "b": ...},), ((None, [...]),)], ids=repr
)
def test_a_blank_one_says_so(lesson, capsys, blank):
    outcome = lesson.double(*blank)
    assert not outcome and outcome.status == "blank"
    assert "✏️  Still blank · Twice two: replace the three dots" in capsys.readouterr().out


def test_an_answer_of_two_parts_is_blank_while_one_is(lesson):
    assert lesson.pair(1, ...).status == "blank" and lesson.pair(..., 1).status == "blank"
    assert lesson.pair(1, 2).status == "right" and lesson.pair(1, 1).status == "wrong"


@pytest.mark.parametrize("answer", [0, False, "", (), [], {}, 0.0, (0, ...), [1, None], "..."], ids=repr)
def test_what_is_not_blank(answer):
    assert not is_blank(answer)


def test_arrays_are_not_blank():
    import numpy as np

    assert not is_blank(np.zeros(3)) and not is_blank([np.zeros(3), np.zeros(3)])


def test_functions_that_still_return_the_three_dots_are_blank(lesson):
    assert lesson.double(lambda x: ...).status == "blank" and lesson.double(lambda x: (..., ...)).status == "blank"
    assert issubclass(Blank, Exception) and not issubclass(Blank, Hint)
    assert lesson.double(lambda x: None).status == "right", "a forgotten `return` is left to the exercise"


def test_the_report_counts(lesson, capsys):
    lesson.double(5)
    capsys.readouterr()
    assert checks.report("practice") == (0, 2)
    assert capsys.readouterr().out == "❌ Not yet · Twice two\n✏️  Still blank · Two things\n0 of 2 right.\n"
    lesson.double(4)
    lesson.pair(1, 2)
    mark = checks.report()
    assert isinstance(mark, Mark) and (mark.right, mark.total) == mark == (2, 2)
    assert capsys.readouterr().out.endswith("✅ Right · Twice two\n✅ Right · Two things\n2 of 2 right.\n")
    lesson.double(5)  # the latest answer counts
    assert checks.report() == (1, 2)


def test_a_report_before_any_exercise(lesson, capsys):
    assert checks.report() == (0, 0)
    assert "No exercise has been checked yet" in capsys.readouterr().out


def test_exercises_are_found_in_order(lesson):
    found = checks.exercises("practice")
    assert list(found) == ["double", "pair"] and found["double"].title == "Twice two"
    with pytest.raises(ValueError, match="Received: lesson='nothing'. Known: .*practice"):
        checks.exercises("nothing")
    with pytest.raises(ValueError, match="Received: lesson='nothing'"):
        checks.report("nothing")


def test_the_decorated_function_keeps_its_name_and_words(lesson):
    assert lesson.double.__name__ == "double" and lesson.double.__doc__ == "Twice two."
    assert lesson.double.is_exercise


def test_outcomes_and_marks_are_not_echoed_by_a_notebook(lesson):
    assert lesson.double(4)._ipython_display_() is None and Mark(1, 2)._ipython_display_() is None
    assert repr(lesson.double(4)) == str(lesson.double(4))


def test_unknown_names_are_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        checks.nothing  # noqa: B018


@pytest.mark.parametrize("name", checks._LESSONS)
def test_every_lesson_has_its_exercises(name, monkeypatch, capsys):
    monkeypatch.setattr(checks, "_outcomes", {})
    module = getattr(checks, name)
    assert module is importlib.import_module(f"gan_lessons.checks.{name}")
    found = checks.exercises(name)
    assert len(found) >= 3
    for check in found.values():
        for nothing in (..., None, (...,)):
            assert check(nothing).status == "blank"
        for nonsense in ("nonsense", object(), lambda *a, **k: None, -12345.678):
            outcome = check(nonsense)
            assert outcome.status in ("wrong", "blank") and len(outcome.message) > 10, (name, check.__name__, nonsense)
    assert checks.report(name) == (0, len(found)) and "Not yet" in capsys.readouterr().out
