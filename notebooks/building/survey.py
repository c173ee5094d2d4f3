"""What a lesson asks of its reader, in numbers, and the rules of the new form that a program can check."""

import re
from dataclasses import dataclass

from nbformat import NotebookNode

from . import forms

WORDS_A_MINUTE, MINUTES_AN_EXERCISE = 200, 6
MOST_WORDS, MOST_LINES = 2_400, 15

_BLOCK = re.compile(r"```.*?```|\$\$.*?\$\$", re.DOTALL)
_INLINE = re.compile(r"`[^`]*`|\$[^$\n]*\$")
_NOT_READ = re.compile(r"!\[[^\]]*\]\([^()\s]*\)|\]\([^()\s]*\)|<[^<>]+>")  # a picture, a link's address, HTML
_EXERCISE = re.compile(r"^### Exercise \d+", re.MULTILINE)
_CHECK = re.compile(r"\bchecks\.\w+\.\w+(?=\()")


@dataclass(frozen=True)
class Survey:
    """The size of a lesson.

    Attributes:
        words: those of its prose. A formula in a line counts as a word; code blocks, displayed formulas and
            addresses do not count.
        cells: how many code cells the reader sees.
        longest: how many lines the longest of them has, blank lines aside.
        exercises: their headings, `### Exercise 1`. In the old form, which has no such headings: the calls of checks.
    """

    words: int
    cells: int
    longest: int
    exercises: int

    def minutes(self, seconds: float) -> int:
        """Returns the minutes that studying the lesson takes, where running it takes this many seconds."""
        return round(self.words / WORDS_A_MINUTE + MINUTES_AN_EXERCISE * self.exercises + seconds / 60)


def survey(cells: list[NotebookNode]) -> Survey:
    """Returns the size of a lesson, given the cells of its source."""
    shown = forms.take_form(cells, "published")
    prose = "\n\n".join(cell.source for cell in shown if cell.cell_type == "markdown")
    code = forms.code(shown)
    return Survey(
        words=_count_words(prose),
        cells=len(code),
        longest=max(map(_count_lines, code), default=0),
        exercises=len(_EXERCISE.findall(prose)) or len(_checks(code)),
    )


def breaches(cells: list[NotebookNode]) -> list[str]:
    """Returns the rules of the new form that a source breaks, a sentence each; none for a source in the old form."""
    found = [
        f"A cell has the tag {tag!r}. Known: {', '.join(sorted(forms.TAGS))}."
        for cell in cells
        for tag in forms.tags(cell)
        if tag not in forms.TAGS
    ]
    if not forms.is_new(cells):
        return found
    size, shown = survey(cells), forms.code(forms.take_form(cells, "published"))
    if size.words > MOST_WORDS:
        found.append(f"It has {size.words:,} words; {MOST_WORDS:,} is the most.")
    for number, cell in enumerate(shown, start=1):
        name = f"Code cell {number} ({first_line(cell)})"
        if (lines := _count_lines(cell)) > MOST_LINES:
            found.append(f"{name} has {lines} lines; {MOST_LINES} is the most.")
        if re.search(r"^\s*assert\b", cell.source, re.MULTILINE):
            found.append(f"{name} asserts: that belongs into a cell tagged {forms.TEST}.")
        if "FAST" in cell.source:
            found.append(f"{name} says FAST: the fast run's values belong into the cell tagged {forms.FAST}.")
    if (checks := len(_checks(shown))) > size.exercises:
        found.append(f"It checks {checks} exercises and has {size.exercises} headings '### Exercise …'.")
    return found + _misplaced(cells, shown)


def _misplaced(cells, shown):
    """What is wrong with the hidden cells: a reader's run must not need them, and a fast run must need `parameters`."""
    found = []
    parameters, fast = forms.tagged(cells, forms.PARAMETERS), forms.tagged(cells, forms.FAST)
    if len(parameters) > 1 or len(fast) > 1 or len(fast) > len(parameters):
        found.append(
            f"It has {len(parameters)} cells tagged {forms.PARAMETERS} and {len(fast)} tagged {forms.FAST}: "
            "one of each, or the first alone."
        )
    elif fast and (others := forms.assigned(fast[0]) - forms.assigned(parameters[0])):
        found.append(
            f"The cell tagged {forms.FAST} sets what {forms.PARAMETERS} does not: {', '.join(sorted(others))}."
        )
    tests = forms.code(forms.tagged(cells, forms.TEST))
    hidden = set().union(*map(forms.assigned, tests)) - set().union(*map(forms.assigned, shown))
    if needed := hidden & set().union(*map(forms.used, shown)):
        found.append(f"The reader's cells use what only a cell tagged {forms.TEST} sets: {', '.join(sorted(needed))}.")
    if any("nbval" in cell.source.lower() and "skip" in cell.source.lower() for cell in tests):
        found.append(f"A cell tagged {forms.TEST} is skipped by the tests.")
    return found


def first_line(cell: NotebookNode) -> str:
    """Returns what a cell is called in messages: its first line."""
    lines = [line.strip() for line in cell.source.splitlines() if line.strip()]
    return lines[0][:50] if lines else "(empty)"


def _count_words(markdown):
    text = _NOT_READ.sub(" ", _INLINE.sub("x", _BLOCK.sub(" ", markdown)))
    return sum(any(map(str.isalnum, word)) for word in text.split())


def _count_lines(cell):
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def _checks(code):
    return {call for cell in code for call in _CHECK.findall(cell.source)}
