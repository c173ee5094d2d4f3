"""The tool that builds the notebooks: tried on a tiny course, then asked about the real one."""

import shutil
import subprocess
import sys
from pathlib import Path

import course
import jupytext
import nbformat
import pytest
from building import forms, survey

ROOT = Path(__file__).resolve().parent.parent

README = f"# A course\n\n{course.TABLE_START}\n{course.TABLE_END}\n\nThe end.\n"

ALPHA = """\
# %% [markdown]
# # {{number}} Alpha
# After {{lesson:beta}} see [the README](../README.md). Next: {{next}}

# %%
import os
print("step 1", end="\\r")
print("step 2")
print("fast:", os.environ["GAN_LESSONS_FAST"])

# %% tags=["real-images"]
from pathlib import Path
with open("runs.txt", "a") as runs: runs.write("x")  # in notebooks/, and counts the runs
print("an image of a data set")

# %%
from tqdm.auto import tqdm
import ipywidgets, sys
for _ in tqdm(range(3)): pass
print("2026-01-01 00:00:00.000001: I tensorflow/core: some noise", file=sys.stderr)
ipywidgets.IntSlider()
"""

BETA = """\
# %% [markdown]
# # {{number}} Beta
# Previous: {{previous}}; next: {{next}}

# %%
class DataInfo:
    def __init__(self, title, split):
        self.title, self.split, self.examples = title, split, 3
held = DataInfo("MNIST", "train"), DataInfo("holiday", "")
1 + 1
"""


def make(root, order="alpha\nbeta\n", **scripts):
    """A course in a folder of its own."""
    source = root / "notebooks" / "source"
    source.mkdir(parents=True, exist_ok=True)
    (source / "order.txt").write_text(f"# the order\n{order}", encoding="utf-8")
    for name, text in scripts.items():
        (source / f"{name}.py").write_text(text, encoding="utf-8")
    if not (root / "README.md").exists():
        (root / "README.md").write_text(README, encoding="utf-8")
    return course.Course(root)


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    root = tmp_path_factory.mktemp("built")
    assert make(root, alpha=ALPHA, beta=BETA).build()
    return root


@pytest.fixture
def built(built_once, tmp_path):
    """A copy of the tiny course, built, that may be changed."""
    shutil.copytree(built_once, tmp_path / "copy")
    return tmp_path / "copy"


def read(root, name):
    return nbformat.read(root / "notebooks" / name, as_version=4)


def edit(root, name, change):
    """Changes a built notebook in place."""
    path = root / "notebooks" / name
    notebook = read(root, name)
    change(notebook)
    nbformat.write(notebook, path)


def runs(root):
    return len((root / "notebooks" / "runs.txt").read_text())


# --- building ----------------------------------------------------------------------------------------------


def test_what_is_built_agrees_with_its_sources(built):
    assert course.Course(built).check() == []


def test_numbers_and_links_come_from_the_order(built):
    first = read(built, "00_alpha.ipynb").cells[0].source
    assert first.startswith("# 00 Alpha\n")
    assert "After [01 Beta](01_beta.ipynb)" in first
    assert first.endswith("Next: [01 Beta](01_beta.ipynb)")
    last = read(built, "01_beta.ipynb").cells[0].source
    assert last == "# 01 Beta\nPrevious: [00 Alpha](00_alpha.ipynb); next: that was the last lesson."


def test_the_table_tells_images_and_times(built):
    table = course.Course(built).table()
    seconds = read(built, "01_beta.ipynb").metadata.gan_lessons.seconds
    assert f"| 01 | [Beta](notebooks/01_beta.ipynb) | MNIST | 0 min | {seconds} s |" in table.splitlines()
    assert table in (built / "README.md").read_text(encoding="utf-8")
    assert (built / "README.md").read_text(encoding="utf-8").endswith(f"{course.TABLE_END}\n\nThe end.\n")


def test_outputs_are_kept_as_a_reader_wants_them(built):
    code = [cell for cell in read(built, "00_alpha.ipynb").cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3]
    assert [output.text for output in code[0].outputs] == ["step 2\nfast: 0\n"]  # what \\r wrote over is gone
    assert [output.text for output in code[1].outputs] == [course.LEFT_OUT]
    (slider,) = code[2].outputs  # neither TensorFlow's noise nor the progress bar that is through
    assert slider.data["text/plain"] == course.UNUSED
    assert "an image of a data set" in (built / "build" / "00_alpha.ipynb").read_text(encoding="utf-8")
    assert "an image of a data set" in (built / "build" / "00_alpha.html").read_text(encoding="utf-8")


def test_only_the_widgets_that_are_shown_are_kept(built):
    notebook = read(built, "00_alpha.ipynb")
    models = notebook.metadata.widgets[course.WIDGETS].state
    kinds = sorted(model.model_name for model in models.values())
    assert kinds == ["IntSliderModel", "LayoutModel", "SliderStyleModel"]
    (shown,) = [cell.outputs[0].data[course.WIDGET_VIEW].model_id for cell in notebook.cells[-1:]]
    assert models[shown].model_name == "IntSliderModel"
    assert all(int(name, 16) < 100 for name in models)  # the same names whenever it is built


def test_building_again_changes_nothing_and_executes_nothing(built):
    before = {path: path.read_bytes() for path in (built / "notebooks").glob("*.ipynb")}
    ran = runs(built)
    assert course.Course(built).build()
    assert runs(built) == ran
    assert {path: path.read_bytes() for path in (built / "notebooks").glob("*.ipynb")} == before


def test_new_text_needs_no_run_and_new_code_does(built):
    shutil.rmtree(built / "build")
    ran = runs(built)
    changed = make(built, alpha=ALPHA.replace("After", "Having read"))
    assert len(changed.check()) == 1
    assert changed.build() and changed.check() == []
    assert runs(built) == ran

    changed = make(built, alpha=ALPHA.replace("After", "Having read").replace('"step 2"', '"step two"'))
    assert any("'import os'" in problem for problem in changed.check())  # the first line of what differs
    assert changed.build(["alpha"]) and changed.check() == []
    assert runs(built) == ran + 1


def test_a_lesson_is_put_between_two_others_by_one_line(built):
    ran = runs(built)
    ids = [cell.id for cell in read(built, "01_beta.ipynb").cells]
    longer = make(built, "alpha\ngamma\nbeta\n", gamma="# %% [markdown]\n# # {{number}} Gamma\n\n# %%\n3")
    assert "01_gamma.ipynb has not been built." in longer.check()
    assert longer.build() and longer.check() == []
    assert runs(built) == ran
    names = sorted(path.name for path in (built / "notebooks").glob("*.ipynb"))
    assert names == ["00_alpha.ipynb", "01_gamma.ipynb", "02_beta.ipynb"]
    assert [cell.id for cell in read(built, "02_beta.ipynb").cells] == ids
    assert read(built, "00_alpha.ipynb").cells[0].source.endswith("Next: [01 Gamma](01_gamma.ipynb)")


def test_building_one_lesson_leaves_the_outputs_of_others(built):
    swapped = make(built, "beta\nalpha\n")
    swapped.build(["beta"])
    assert (built / "notebooks" / "00_alpha.ipynb").exists()  # renamed only when its turn comes
    assert not (built / "notebooks" / "01_beta.ipynb").exists()
    swapped.build()
    assert swapped.check() == []


def test_a_cell_that_is_tagged_or_not_any_more(built):
    ran = runs(built)
    tagged = make(built, beta=BETA.replace("# %%\nclass", '# %% tags=["real-images"]\nclass'))
    assert tagged.build() and tagged.check() == []
    shutil.rmtree(built / "build")
    untagged = make(built, alpha=ALPHA.replace(' tags=["real-images"]', ""))
    assert untagged.build() and untagged.check() == []
    assert runs(built) == ran + 1  # its output was not in the committed notebook: it had to be made again
    assert read(built, "00_alpha.ipynb").cells[2].outputs[0].text == "an image of a data set\n"


@pytest.mark.parametrize(
    "line, why",
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; print('careful', file=sys.stderr)", "wrote to stderr: 'careful'"),
        ("from pathlib import Path; print(Path.cwd())", "names a folder of this machine"),
        ("# NBVAL_SKIP\n2", "is skipped by the tests"),
    ],
)
def test_what_must_not_be_committed_is_not_built(built, capsys, line, why):
    before = (built / "notebooks" / "01_beta.ipynb").read_bytes()
    assert not make(built, beta=f"{BETA}\n# %%\n{line}\n").build(["beta"])
    assert why in capsys.readouterr().out
    assert (built / "notebooks" / "01_beta.ipynb").read_bytes() == before


@pytest.mark.parametrize(
    "order, scripts, why",
    [
        ("alpha\nalpha\n", {"alpha": ALPHA}, "twice: alpha"),
        ("alpha\nmissing\n", {"alpha": ALPHA}, "without a script in source/: missing"),
        ("alpha\n", {"alpha": ALPHA, "left": BETA}, "does not name: left"),
        ("alpha\n", {"alpha": "# %% [markdown]\n# # Alpha\n"}, "must begin with the heading"),
    ],
)
def test_an_order_that_does_not_agree_with_the_scripts_is_refused(tmp_path, order, scripts, why):
    with pytest.raises(course.CourseError, match=why):
        make(tmp_path, order, **scripts)


def test_a_link_to_an_unknown_lesson_is_refused(tmp_path):
    lonely = make(tmp_path, "alpha\n", alpha=ALPHA)
    with pytest.raises(course.CourseError, match="no lesson beta"):
        lonely.compose(lonely.lessons[0])


# --- checking ----------------------------------------------------------------------------------------------


def _set_source(notebook):
    notebook.cells[1].source += "\nx = 1"


def _drop_cell(notebook):
    notebook.cells.pop()


def _count(notebook):
    notebook.cells[1].execution_count = None


def _order(notebook):
    notebook.cells[1].execution_count = 2


def _fast(notebook):
    notebook.metadata.gan_lessons.speed = "fast"


def _image(notebook):
    notebook.cells[2].outputs = [nbformat.v4.new_output("display_data", {"image/png": "AAAA"})]


def _error(notebook):
    notebook.cells[1].outputs = [nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])]


def _home(notebook):
    notebook.cells[1].outputs[0].text = f"saved in {Path.home()}/made.png"


def _tags(notebook):
    notebook.cells[2].metadata.tags = []


@pytest.mark.parametrize(
    "change, why",
    [
        (_set_source, "differs from source/alpha.py; first at 'import os'"),
        (_drop_cell, "differs from source/alpha.py"),
        (_count, "not all executed once, in order"),
        (_order, "not all executed once, in order"),
        (_fast, "not executed at laptop size"),
        (_image, "is tagged real-images and shows its output"),
        (_error, "raised ValueError: no"),
        (_home, "names a folder of this machine"),
        (_tags, "differs from source/alpha.py"),
    ],
)
def test_a_notebook_changed_by_hand_is_noticed(built, change, why):
    edit(built, "00_alpha.ipynb", change)
    assert any(why in problem for problem in course.Course(built).check())


def test_what_lies_around_the_notebooks_is_checked_too(built):
    (built / "notebooks" / "07_old.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook()))
    text = (built / "README.md").read_text(encoding="utf-8").replace("MNIST", "CIFAR-10")
    text += "[gone](docs/gone.png) and `[not](a_link)`, $[E](x)$"
    (built / "README.md").write_text(text, encoding="utf-8")
    problems = course.Course(built).check()
    assert problems == [
        "07_old.ipynb is no lesson of source/order.txt.",
        "README.md's table of lessons differs from the notebooks.",
        "README.md: the link to docs/gone.png leads nowhere.",
    ]


def test_a_readme_without_a_place_for_the_table_is_refused(built):
    (built / "README.md").write_text("# A course\n", encoding="utf-8")
    with pytest.raises(course.CourseError, match="must hold the lines"):
        course.Course(built).check()


# --- running -----------------------------------------------------------------------------------------------


def test_a_run_keeps_what_is_done_and_does_not_stop_at_a_failure(built, capsys):
    ran = runs(built)
    broken = make(built, "alpha\ngamma\nbeta\n", gamma="# %% [markdown]\n# # {{number}} Gamma\n\n# %%\n1 / 0")
    assert not broken.run()
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line[:2].isdigit()]
    assert [(line[0], line[-1]) for line in lines] == [
        ("00_alpha.ipynb", "kept"),
        ("01_gamma.ipynb", "zero"),  # ZeroDivisionError: division by zero
        ("02_beta.ipynb", "kept"),
    ]
    assert runs(built) == ran
    names = sorted(path.name for path in (built / "build").iterdir())
    assert names == sorted(
        f"{stem}.{kind}" for stem in ("00_alpha", "01_gamma", "02_beta") for kind in ("html", "ipynb")
    )
    page = (built / "build" / "00_alpha.html").read_text(encoding="utf-8")
    assert 'href="01_gamma.html"' in page

    mended = make(built, "alpha\ngamma\nbeta\n", gamma="# %% [markdown]\n# # {{number}} Gamma\n\n# %%\n1 / 2")
    assert mended.run()
    assert mended.run(["alpha"], fresh=True)
    assert runs(built) == ran + 1


def test_a_fast_run_is_kept_apart(built):
    shutil.rmtree(built / "build")
    small = course.Course(built)
    assert small.run(["alpha"], fast=True)
    notebook = nbformat.read(built / "build" / "fast-run" / "00_alpha.ipynb", as_version=4)
    assert notebook.metadata.gan_lessons.speed == "fast"
    assert notebook.cells[1].outputs[0].text.endswith("fast: 1\n")
    assert small.kept(small.lessons[0]) is None
    assert small.kept(small.lessons[0], fast=True)


def test_what_students_hand_in_gets_its_mark(built, tmp_path, capsys):
    cells = [
        "import gan_lessons as gl\nnames = list(gl.checks.exercises('start_here'))",
        "gl.checks.exercises('start_here')[names[0]](...)",
        "1 / 0",
        "gl.checks.exercises('start_here')[names[-1]].status = 'right'",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["gan_lessons"] = {"lesson": "start_here"}
    nbformat.write(notebook, tmp_path / "ada.ipynb")
    course.Course(built).mark([tmp_path / "ada.ipynb"])

    from gan_lessons import checks

    total = len(checks.exercises("start_here"))
    line = capsys.readouterr().out.strip()
    assert line.startswith("ada.ipynb")
    assert line.endswith(f"1 of {total} right; failed: code cell 3 (1 / 0)")


# --- the new form ------------------------------------------------------------------------------------------

GAMMA = """\
# %% [markdown]
# # {{number}} Gamma
# Reading and running it takes {{time}}.

# %% tags=["parameters"]
STEPS = 1000

# %%
print("steps:", STEPS)

# %% tags=["test"]
assert STEPS in (2, 1000)
print("tested")

# %% tags=["fast"]
STEPS = 2

# %% [markdown]
# ### Exercise 1 · Double it

# %%
answer = 2 * STEPS
answer
"""


def cells(source):
    return jupytext.reads(source, fmt="py:percent").cells


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def gamma_once(tmp_path_factory):
    root = tmp_path_factory.mktemp("gamma")
    assert make(root, "gamma\n", gamma=GAMMA).build()
    return root


@pytest.fixture
def gamma(gamma_once, tmp_path):
    """A copy of a course of one lesson in the new form, built, that may be changed."""
    shutil.copytree(gamma_once, tmp_path / "gamma")
    return tmp_path / "gamma"


def test_a_lesson_takes_three_forms(gamma):
    small = course.Course(gamma)
    (lesson,) = small.lessons
    steps, test = 'print("steps:", STEPS)', 'assert STEPS in (2, 1000)\nprint("tested")'
    assert code(small.compose(lesson, "laptop")) == ["STEPS = 1000", steps, test, "answer = 2 * STEPS\nanswer"]
    assert code(small.compose(lesson, "published")) == ["STEPS = 1000", steps, "answer = 2 * STEPS\nanswer"]
    fast = small.compose(lesson, "fast")
    assert code(fast) == ["STEPS = 1000", "STEPS = 2", steps, test, "answer = 2 * STEPS\nanswer"]
    assert [cell.metadata.get("tags") for cell in fast.cells[1:3]] == [["parameters"], ["injected-parameters"]]
    assert len({cell.id for cell in fast.cells}) == len(fast.cells)


def test_tests_run_at_laptop_size_and_are_not_published(gamma):
    assert course.Course(gamma).check() == []
    notebook = read(gamma, "00_gamma.ipynb")
    shown = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in shown] == [1, 2, 3]
    assert shown[0].metadata.tags == ["parameters"]  # which papermill looks for
    printed, value = [output for cell in shown for output in cell.outputs]
    assert (printed.text, value.data["text/plain"], value.execution_count) == ("steps: 1000\n", "2000", 3)
    executed = nbformat.read(gamma / "build" / "00_gamma.ipynb", as_version=4)
    assert "tested\n" in [output.get("text") for cell in executed.cells for output in cell.get("outputs", [])]
    page = (gamma / "build" / "00_gamma.html").read_text(encoding="utf-8")
    assert "steps: 1000" in page and "tested" not in page


def test_a_test_that_fails_keeps_a_lesson_from_being_built(gamma, capsys):
    assert not make(gamma, "gamma\n", gamma=GAMMA.replace("(2, 1000)", "(2, 3)")).build()
    assert "failed at 'assert STEPS in (2, 3)': AssertionError" in capsys.readouterr().out


def test_a_new_test_has_to_run_and_a_new_fast_value_has_not(gamma, capsys):
    assert make(gamma, "gamma\n", gamma=GAMMA.replace("STEPS = 2\n", "STEPS = 3\n")).check() == []
    changed = make(gamma, "gamma\n", gamma=GAMMA.replace("(2, 1000)", "(2, 3, 1000)"))
    assert changed.check() == ["00_gamma.ipynb: It was not executed at laptop size from these cells."]
    capsys.readouterr()
    assert changed.build() and changed.check() == []
    assert "executed" in capsys.readouterr().out
    shutil.rmtree(gamma / "build")  # the published notebook's outputs will do, though it shows no test
    assert changed.build()
    assert "outputs kept" in capsys.readouterr().out


def test_a_cell_that_becomes_a_test_has_to_run_as_one(gamma):
    plain = make(gamma, "gamma\n", gamma=GAMMA.replace('# %% tags=["test"]', "# %%"))
    assert any("not executed at laptop size" in problem for problem in plain.check())


@pytest.mark.parametrize("test, passes", [("(2, 1000)", True), ("(1000,)", False)])
def test_nbval_executes_the_fast_form(gamma, test, passes):
    small = make(gamma, "gamma\n", gamma=GAMMA.replace("(2, 1000)", test))
    folder = gamma / "build" / "fast"
    folder.mkdir()
    (folder / "07_stale.ipynb").write_text("no longer a lesson")
    assert small.fast()
    assert [path.name for path in folder.iterdir()] == ["00_gamma.ipynb"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env"]
    ran = subprocess.run([*command, "build/fast/00_gamma.ipynb"], cwd=gamma, capture_output=True, text=True)
    assert (ran.returncode, "5 passed" in ran.stdout) == (0 if passes else 1, passes), ran.stdout


def test_what_students_hand_in_runs_with_the_fast_values(gamma, tmp_path, capsys):
    (gamma / "notebooks" / "source" / "gamma.py").unlink()
    small = make(gamma, "start_here\n", start_here=GAMMA)
    notebook = read(gamma, "00_gamma.ipynb")
    notebook.metadata.gan_lessons.lesson = "start_here"
    notebook.cells[1].source = "STEPS = 5000"  # more than a marker wants to wait for
    notebook.cells[-1].source = "assert STEPS == 5000, STEPS"
    nbformat.write(notebook, tmp_path / "ada.ipynb")
    small.mark([tmp_path / "ada.ipynb"])
    line = capsys.readouterr().out.strip()
    assert line.endswith("right; failed: code cell 3 (assert STEPS == 5000, STEPS)")


@pytest.mark.parametrize(
    "sources, expected",
    [
        (["import os", "STEPS = 5", "x = STEPS"], ["import os", "STEPS = 5", "STEPS = 2", "x = STEPS"]),
        (["def f():\n    STEPS = 1", "STEPS = 5"], ["def f():\n    STEPS = 1", "STEPS = 5", "STEPS = 2"]),
        (["%pip install x", "1"], ["STEPS = 2", "%pip install x", "1"]),
    ],
)
def test_fast_values_find_their_place_where_a_copy_has_lost_its_tags(sources, expected):
    copy = [nbformat.v4.new_code_cell(source) for source in sources]
    assert [cell.source for cell in forms.inject(copy, [nbformat.v4.new_code_cell("STEPS = 2")])] == expected


def test_a_lesson_is_measured():
    text = """\
# %% [markdown]
# # {{number}} Five words of a title
# A [link to a page](https://example.org/a/b), ![six words that nobody need read](x.svg) $a + b = c$ and `f(x, y)`.
#
# $$ \\int_0^1 x \\, dx $$
#
# ```
# code is no prose
# ```
#
# | a | table |
# | --- | --- |
# | of | words |
#
# ### Exercise 1 · One
# ### Exercise 2 · Two

# %%
a = 1

b = 2

# %% tags=["test"]
1
2
3
"""
    size = survey.survey(cells(text))
    assert size == survey.Survey(words=5 + 1 + 5 + 3 + 4 + 6, cells=1, longest=2, exercises=2)
    assert survey.Survey(words=1000, cells=9, longest=9, exercises=3).minutes(seconds=420) == 5 + 18 + 7


def test_exercises_of_the_old_form_are_its_checks():
    calls = "gl.checks.beta.one(a)\ngl.checks.beta.two(b)\ngl.checks.report()\ngl.checks.beta.one(c)"
    assert survey.survey(cells(f"# %%\n{calls}\n")).exercises == 2


def test_sizes_and_the_time_are_told(gamma, built):
    notebook = read(gamma, "00_gamma.ipynb")
    notebook.metadata.gan_lessons.seconds = 600
    nbformat.write(notebook, gamma / "notebooks" / "00_gamma.ipynb")
    slow = course.Course(gamma)
    assert "takes 16 minutes." in slow.compose(slow.lessons[0]).cells[0].source  # 10, and 6 for the exercise
    assert "| [Gamma](notebooks/00_gamma.ipynb) | – | 16 min | 10 min |" in slow.table()
    (line,) = slow.sizes()
    assert line.split() == ("00_gamma.ipynb 12 words 3 code cells, longest 2 lines 1 exercises 16 min".split())
    assert all(line.endswith("(old form)") for line in course.Course(built).sizes())


@pytest.mark.parametrize(
    "old, new, why",
    [
        ('print("steps:", STEPS)', "\n".join(f"x{i} = 1\n" for i in range(16)), "has 16 lines; 15 is the most"),
        ('print("steps:", STEPS)', "if STEPS:\n    assert STEPS", "asserts: that belongs into a cell tagged test"),
        ('print("steps:", STEPS)', "STEPS = 1 if FAST else 2", "says FAST"),
        ("Reading", "word " * 2400, "words; 2,400 is the most"),
        ("answer = 2", "gl.checks.gamma.one(1); gl.checks.gamma.two(2); answer = 2", "checks 2 exercises and has 1"),
        ('["parameters"]', '["parameter"]', "the tag 'parameter'. Known"),
        ('["parameters"]', '["fast"]', "0 cells tagged parameters and 2 tagged fast"),
        ("STEPS = 2\n", "STEPS = 2\nEPOCHS = 3\n", "sets what parameters does not: EPOCHS"),
        ('print("tested")', "twice = 2", "use what only a cell tagged test sets: twice"),
        ('print("tested")', "# NBVAL_SKIP", "is skipped by the tests"),
    ],
)
def test_a_breach_of_the_new_form_is_told(old, new, why):
    source = GAMMA.replace("answer = 2 *", "answer = twice *") if new == "twice = 2" else GAMMA
    assert old in source
    assert any(why in breach for breach in survey.breaches(cells(source.replace(old, new))))


def test_the_new_form_itself_breaks_no_rule_and_the_old_form_has_none():
    assert survey.breaches(cells(GAMMA)) == []
    long = "# %%\n" + "\n".join(f"assert {i} or FAST" for i in range(30))
    assert survey.breaches(cells(long)) == []
    fifteen = GAMMA.replace("answer = 2 * STEPS", "answer = 2 * STEPS\n" * 14)
    assert survey.breaches(cells(fifteen)) == []


def test_a_breach_fails_the_check(gamma):
    broken = make(gamma, "gamma\n", gamma=GAMMA.replace('["parameters"]', '["parameters", "hide"]'))
    assert "source/gamma.py: A cell has the tag 'hide'. Known: fast, parameters, real-images, test." in broken.check()


# --- this course -------------------------------------------------------------------------------------------


def test_the_committed_notebooks_are_what_the_sources_give():
    assert course.Course(ROOT).check() == []


def test_every_lesson_has_its_exercises():
    from gan_lessons import checks

    for lesson in course.Course(ROOT).lessons:
        assert len(checks.exercises(lesson.name)) >= 3, lesson.name
