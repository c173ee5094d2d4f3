"""Builds, runs and checks the course.

A lesson is a jupytext percent script, `source/<name>.py`; `source/order.txt` puts the lessons in order. From
these come the committed notebooks, `NN_<name>.ipynb`, their links to one another, and README's table.

    python notebooks/course.py build [name ...]    the committed notebooks and README's table (make notebooks)
    python notebooks/course.py run [name ...]      every lesson at laptop size, into build/ (make course)
    python notebooks/course.py fast [name ...]     the form that the tests execute, into build/fast/ (in make test)
    python notebooks/course.py check               the size of each lesson; is what is committed what the sources give?
    python notebooks/course.py mark file ...       the marks of notebooks that students handed in

A lesson is executed only where it must be. `build` keeps the outputs of a notebook whose code cells are
unchanged, so that editing its text costs nothing, and takes those in build/ if they are newer.
`--fresh` executes regardless: use it when a change in the package changes what a lesson shows.

In a lesson's markdown, {{number}} and {{time}} stand for its number and for the minutes that studying it takes,
{{previous}}, {{next}} and {{lesson:name}} for links to other lessons. The tags of cells are explained in
building/forms.py, and the rules for a lesson that uses them in building/survey.py.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbconvert
import nbformat
from building import forms
from building.running import WIDGET_VIEW, WIDGETS, Client, bar_options, clean
from building.survey import breaches, first_line, survey
from nbclient.exceptions import CellExecutionError, DeadKernelError
from tqdm import tqdm

UNUSED = "(Run this cell to use its sliders.)"
LEFT_OUT = "The images shown here are not kept in the notebook: run the cell to see them.\n"
TABLE_START, TABLE_END = "<!-- lessons (make notebooks) -->", "<!-- end of lessons -->"
LARGE = 3_000_000  # bytes: beyond this a notebook is slow to open and to clone

_PLACEHOLDER = re.compile(r"\{\{(number|time|previous|next|course|lesson:\w+)\}\}")
_TITLE = re.compile(r"^# +# +\{\{number\}\}[\s·.:–—-]*(\S.*)$", re.MULTILINE)
_BASE64 = re.compile(r"[A-Za-z0-9+/=\n]{200,}")
_LINK = re.compile(r"\]\(([^()\s#]+)(?:#[^()\s]*)?\)|<img [^>]*src=\"([^\"]+)\"")
_CODE_OR_MATHS = re.compile(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)


class CourseError(Exception):
    """Something in the course is not as it has to be; the text says what."""


@dataclass(frozen=True)
class Lesson:
    """One lesson: its place in the order, its name and its title."""

    number: int
    name: str
    title: str
    source: Path

    @property
    def file(self):
        return f"{self.number:02}_{self.name}.ipynb"

    @property
    def link(self):
        return f"[{self.number:02} {self.title}]({self.file})"


class Course:
    """The lessons of a checkout, and what is done with them.

    Args:
        root: the folder that holds README.md and notebooks/.

    Raises:
        CourseError: if the order list and the scripts beside it do not agree.
    """

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.notebooks = self.root / "notebooks"
        self.sources = self.notebooks / "source"
        self.readme = self.root / "README.md"
        lines = (self.sources / "order.txt").read_text(encoding="utf-8").splitlines()
        names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        scripts = {path.stem for path in self.sources.glob("*.py")}
        if repeated := [name for name, count in Counter(names).items() if count > 1]:
            raise CourseError(f"order.txt must name a lesson once. Received twice: {', '.join(repeated)}.")
        if missing := [name for name in names if name not in scripts]:
            raise CourseError(f"order.txt names lessons without a script in source/: {', '.join(missing)}.")
        if left := sorted(scripts - set(names)):
            raise CourseError(f"Scripts in source/ that order.txt does not name: {', '.join(left)}.")
        self.lessons = [self._lesson(number, name) for number, name in enumerate(names)]

    def _lesson(self, number, name):
        source = self.sources / f"{name}.py"
        title = _TITLE.search(source.read_text(encoding="utf-8"))
        if not title:
            raise CourseError(f"{name}.py must begin with the heading '# {{{{number}}}} Title'.")
        return Lesson(number, name, title[1].strip(), source)

    def select(self, names):
        """The lessons of these names, in order; all of them if there are none."""
        known = [lesson.name for lesson in self.lessons]
        if unknown := [name for name in names if name not in known]:
            raise CourseError(f"There is no lesson {', '.join(unknown)}. The lessons are {', '.join(known)}.")
        return [lesson for lesson in self.lessons if not names or lesson.name in names]

    def compose(self, lesson, form="published", seconds=None):
        """The lesson's notebook in one of its forms, without outputs: placeholders filled in, lasting cell ids.

        Args:
            lesson: the lesson.
            form: "published", "laptop" or "fast", see building/forms.py.
            seconds: what running it takes; by default what it took when the committed notebook was built.
        """
        notebook = jupytext.reads(lesson.source.read_text(encoding="utf-8"), fmt="py:percent")
        if seconds is None:
            seconds = self._record(lesson).get("seconds", 0)
        minutes, seen = survey(notebook.cells).minutes(seconds), Counter()
        for cell in notebook.cells:
            digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
            seen[digest] += 1
            cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
            cell.metadata.pop("lines_to_next_cell", None)
            if cell.cell_type == "markdown":
                cell.source = _PLACEHOLDER.sub(lambda match: self._fill(match[1], lesson, minutes), cell.source)
        executed = forms.take_form(notebook.cells, "fast" if form == "fast" else "laptop")
        code = forms.digest(executed)  # of a published notebook: of the cells whose outputs it shows, tests included
        notebook.cells = forms.take_form(notebook.cells, form)
        notebook.metadata = nbformat.from_dict(
            {
                "kernelspec": {
                    "display_name": "Python 3 (ipykernel)",
                    "language": "python",
                    "name": "python3",
                },
                "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
                "gan_lessons": {"lesson": lesson.name, "code": code},
            }
        )
        notebook.nbformat, notebook.nbformat_minor = 4, 5
        return notebook

    def _cells(self, lesson):
        """All cells of the lesson's source."""
        return jupytext.reads(lesson.source.read_text(encoding="utf-8"), fmt="py:percent").cells

    def _fill(self, placeholder, lesson, minutes):
        if placeholder == "time":
            return f"{minutes} minutes"
        if placeholder == "number":
            return f"{lesson.number:02}"
        if placeholder == "previous":
            return self.lessons[lesson.number - 1].link if lesson.number > 0 else ""
        if placeholder == "next":
            last = lesson.number + 1 == len(self.lessons)
            return "that was the last lesson." if last else self.lessons[lesson.number + 1].link
        if placeholder == "course":
            return "\n".join(f"- {other.link}" for other in self.lessons)
        return self.select([placeholder.removeprefix("lesson:")])[0].link

    # --- running -------------------------------------------------------------------------------------------

    def folder(self, fast=False):
        """Where executed lessons are kept."""
        return self.root / "build" / "fast-run" if fast else self.root / "build"

    def kept(self, lesson, fast=False):
        """The path of the lesson as executed earlier from the same code cells, or None."""
        for path in self.folder(fast).glob(f"[0-9][0-9]_{lesson.name}.ipynb"):
            record = _read(path).metadata.get("gan_lessons", {})
            speed = "fast" if fast else "laptop"
            if _is_complete(record, _code(self.compose(lesson, speed)), speed):
                return path
        return None

    def run(self, names=(), fresh=False, fast=False):
        """Executes lessons into build/, each with an HTML copy, and prints what came of it.

        A lesson executed earlier from the same code is kept, so that an interrupted run goes on where it was.

        Returns:
            Whether every lesson ran through.
        """
        lessons = self.select(names)
        if not fast and (expected := sum(self._record(lesson).get("seconds", 0) for lesson in lessons)):
            print(f"{len(lessons)} lessons; they took {_minutes(expected)} when they were last built.")
        rows = []
        try:
            for lesson in tqdm(lessons, desc="Lessons", unit="lesson", position=0, **bar_options()):
                path = None if fresh else self.kept(lesson, fast)
                how = "kept" if path else "ran"
                notebook = _read(path) if path else self.execute(lesson, fast)
                self._write_executed(lesson, notebook, path, fast)
                record = notebook.metadata.gan_lessons
                outcome = record.get("failed", how)
                rows.append((lesson, outcome, record.get("seconds", 0), record.get("images", [])))
        except KeyboardInterrupt:
            print("\nInterrupted. What was executed is kept: the same command goes on from here.")
        print()
        for lesson, outcome, seconds, images in rows:
            print(f"{lesson.file:24} {_minutes(seconds):>8}  {', '.join(images) or 'no images':40} {outcome}")
        print(f"Executed notebooks and HTML copies: {os.path.relpath(self.folder(fast))}{os.sep}")
        return len(rows) == len(lessons) and all(outcome in ("kept", "ran") for _, outcome, *_ in rows)

    def execute(self, lesson, fast=False):
        """Runs a lesson in a kernel of its own. An error ends it, and is told in the notebook's metadata."""
        notebook = self.compose(lesson, speed := "fast" if fast else "laptop")
        record = notebook.metadata.gan_lessons
        record.speed = speed
        started, testing = time.monotonic(), 0.0
        with self._kernel(notebook, fast) as client:
            for index, cell in client.code_cells(lesson.file[:-6]):
                began = time.monotonic()
                try:
                    client.execute_cell(cell, index, execution_count=client.code_cells_executed + 1)
                except CellExecutionError as error:
                    record.failed = f"failed at {first_line(cell)!r}: {error.ename}: {error.evalue}"
                except DeadKernelError:
                    record.failed = f"failed at {first_line(cell)!r}: the kernel died, for want of memory perhaps"
                if "failed" in record:
                    break
                testing += time.monotonic() - began if forms.TEST in forms.tags(cell) else 0
            else:
                record.seconds = round(time.monotonic() - started - testing)
                record.images = client.image_sets()
            client.set_widgets_metadata()
        return clean(notebook)

    def _fill_in(self, executed, lesson, form="published"):
        """The lesson in one of its forms, with the outputs of `executed`."""
        seconds = executed.metadata.gan_lessons.get("seconds", 0)
        return _with_outputs(self.compose(lesson, form, seconds), executed)

    @contextlib.contextmanager
    def _kernel(self, notebook, fast, **options):
        """Starts a kernel in notebooks/ and yields the client that runs the notebook's cells in it."""
        os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # this environment's kernel, before others
        environment = dict(os.environ, GAN_LESSONS_FAST="1" if fast else "0")  # for lessons in the old form
        environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        environment.pop("MPLBACKEND", None)  # pictures go into the notebook
        client = Client(notebook, kernel_name="python3", record_timing=False, **options)
        client.reset_execution_trackers()
        with client.setup_kernel(cwd=str(self.notebooks), env=environment, stderr=subprocess.DEVNULL):
            yield client

    def _write_executed(self, lesson, notebook, path, fast):
        folder = self.folder(fast)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / lesson.file
        composed = self._fill_in(notebook, lesson, "fast" if fast else "laptop")  # its text may be newer
        for stale in [
            *folder.glob(f"[0-9][0-9]_{lesson.name}.ipynb"),
            *folder.glob(f"[0-9][0-9]_{lesson.name}.html"),
        ]:
            if stale.stem != target.stem:
                stale.unlink()
        if path != target or _dump(composed) != path.read_text(encoding="utf-8"):
            _write(target, _dump(composed))
        page = target.with_suffix(".html")
        if path is None or not page.exists() or page.stat().st_mtime < target.stat().st_mtime:
            composed.cells = forms.without(composed.cells, forms.TEST)
            for cell in composed.cells:
                if cell.cell_type == "markdown":
                    cell.source = re.sub(r"\]\((\d+_\w+)\.ipynb", r"](\1.html", cell.source)
            exporter = nbconvert.HTMLExporter(embed_images=True)
            resources = {"metadata": {"path": str(self.notebooks), "name": lesson.title}}
            _write(page, exporter.from_notebook_node(composed, resources=resources)[0])

    def fast(self, names=()):
        """Writes the fast form of lessons into build/fast/, not executed: the tests do that."""
        folder = self.root / "build" / "fast"
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob("*.ipynb"):
            stale.unlink()
        for lesson in self.select(names):
            _write(folder / lesson.file, _dump(self.compose(lesson, "fast")))
        return True

    # --- marking ---------------------------------------------------------------------------------------

    def mark(self, paths):
        """Runs notebooks that students handed in, with the lesson's fast values, and prints the mark of each.

        A cell that fails, or takes more than ten minutes, does not stop the others.
        """
        fast = {lesson.name: forms.tagged(self._cells(lesson), forms.FAST) for lesson in self.lessons}
        for path in [Path(path) for path in paths]:
            notebook, failed = _read(path), []
            lesson = notebook.metadata.get("gan_lessons", {}).get("lesson")
            own = [cell.id for cell in forms.code(notebook.cells)]
            notebook.cells = forms.inject(notebook.cells, fast.get(lesson, []))
            try:
                with self._kernel(notebook, fast=True, allow_errors=True, timeout=600) as client:
                    client.interrupt_on_timeout = True
                    for index, cell in client.code_cells(path.name):
                        client.execute_cell(cell, index)
                        if any(output.output_type == "error" for output in cell.outputs):
                            number = f"code cell {own.index(cell.id) + 1}" if cell.id in own else "the fast values"
                            failed.append(f"{number} ({first_line(cell)})")
                    right, total = client.ask(
                        f"import json, gan_lessons\nprint(json.dumps(gan_lessons.checks.report({lesson!r})))"
                    )
                mark = f"{right} of {total} right"
            except (DeadKernelError, IndexError, ValueError):  # no kernel, or none that can print a mark
                mark = "no mark: it broke the kernel"
            print(f"{path.name:40} {mark}{'; failed: ' if failed else ''}{', '.join(failed)}", flush=True)
        return True

    # --- building ------------------------------------------------------------------------------------------

    def build(self, names=(), fresh=False):
        """Writes the committed notebooks and README's table.

        Returns:
            Whether all of them could be built.
        """
        chosen, complete = self.select(names), True
        for lesson in chosen:
            executed = None if fresh else self._outputs_at_hand(lesson)
            how = "outputs kept"
            if executed is None:
                how = "executed"
                executed = self.execute(lesson)
                self._write_executed(lesson, executed, None, fast=False)
            notebook = _publish(self._fill_in(executed, lesson))
            if problems := self._faults(notebook, lesson):
                complete = False
                print(f"{lesson.file}: not built.", *problems, sep="\n  ")
                continue
            text = _dump(notebook)
            _write(self.notebooks / lesson.file, text)
            record = notebook.metadata.gan_lessons
            images = ", ".join(record.images) or "no images"
            print(f"{lesson.file}: {how}; {images}, {_minutes(record.seconds)}.")
            if any("stand-in" in title for title in record.images):
                print("  These are the stand-ins. For the real sets, set TFDS_DATA_DIR and build it --fresh.")
            if len(text) > LARGE:
                print(f"  It is large: {len(text) / 1e6:.1f} MB. Fewer or smaller pictures would help.")
            for path in self.notebooks.glob(f"[0-9][0-9]_{lesson.name}.ipynb"):
                if path.name != lesson.file:  # its number has changed
                    path.unlink()
        names = {lesson.name for lesson in self.lessons}
        for path in self.notebooks.glob("[0-9][0-9]_*.ipynb"):
            if path.stem[3:] not in names:
                path.unlink()
        self._write_table()
        return complete

    def _outputs_at_hand(self, lesson):
        """The newest notebook that already has the outputs of this lesson's code, or None."""
        wanted = self.compose(lesson)
        candidates = [path for path in [self.kept(lesson)] if path]
        for path in self.notebooks.glob(f"[0-9][0-9]_{lesson.name}.ipynb"):
            built = _read(path)
            # A cell that is no longer tagged wants its output, which this notebook does not have.
            ours, theirs = ({cell.id for cell in forms.tagged(nb.cells, forms.REAL_IMAGES)} for nb in (wanted, built))
            if _is_complete(built.metadata.get("gan_lessons", {}), _code(wanted)) and theirs <= ours:
                candidates.append(path)
        return _read(max(candidates, key=lambda path: path.stat().st_mtime)) if candidates else None

    def _faults(self, notebook, lesson):
        """What keeps a notebook from being committed, one sentence each."""
        faults = []
        record = notebook.metadata.get("gan_lessons", {})
        if "failed" in record:
            faults.append(f"It {record.failed}.")
        elif not _is_complete(record, _code(self.compose(lesson))):
            faults.append("It was not executed at laptop size from these cells.")
        code = forms.code(notebook.cells)
        if "failed" not in record and [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
            faults.append("Its cells were not all executed once, in order.")
        for number, cell in enumerate(code, start=1):
            name = f"Code cell {number} ({first_line(cell)})"
            if re.search(r"nbval.skip", cell.source + str(cell.metadata.get("tags", "")), re.IGNORECASE):
                faults.append(f"{name} is skipped by the tests.")
            for output in cell.outputs:
                if output.output_type == "error" and "failed" not in record:
                    faults.append(f"{name} raised {output.ename}: {output.evalue}")
                if output.get("name") == "stderr":
                    faults.append(f"{name} wrote to stderr: {output.text.strip()[:300]!r}")
        for cell in forms.tagged(notebook.cells, forms.REAL_IMAGES):
            if cell.outputs != _left_out():
                faults.append(f"The cell {first_line(cell)!r} is tagged {forms.REAL_IMAGES} and shows its output.")
        text = _BASE64.sub("", _dump(notebook))
        places = {Path.home(), self.root, Path(sys.prefix), Path(tempfile.gettempdir())}
        if prepared := os.environ.get("TFDS_DATA_DIR"):
            places.add(Path(prepared))
        for place in sorted(str(place) for place in places if len(place.parts) > 1):
            if found := re.search(re.escape(place) + r"\b.{0,60}", text):
                faults.append(f"It names a folder of this machine: {found[0]!r}")
        return faults

    def _record(self, lesson):
        path = self.notebooks / lesson.file
        return _read(path).metadata.get("gan_lessons", {}) if path.exists() else {}

    def table(self):
        """README's table of lessons, with the time that each takes to study, and took to run when it was built."""
        rows = ["| | lesson | images | studying it | running all of it |", "| --- | --- | --- | --: | --: |"]
        for lesson in self.lessons:
            record = self._record(lesson)
            images = ", ".join(record.get("images", [])) or "–"
            study, took = "not built yet", ""
            if "seconds" in record:
                study = f"{survey(self._cells(lesson)).minutes(record['seconds'])} min"
                took = _minutes(record["seconds"])
            title = f"[{lesson.title}](notebooks/{lesson.file})"
            rows.append(f"| {lesson.number:02} | {title} | {images} | {study} | {took} |")
        return "\n".join(rows)

    def _split_readme(self):
        text = self.readme.read_text(encoding="utf-8")
        if text.count(TABLE_START) != 1 or text.count(TABLE_END) != 1:
            raise CourseError(f"README.md must hold the lines {TABLE_START} and {TABLE_END} once each.")
        before, rest = text.split(TABLE_START)
        table, after = rest.split(TABLE_END)
        return before, table.strip(), after

    def _write_table(self):
        before, _, after = self._split_readme()
        _write(self.readme, f"{before}{TABLE_START}\n{self.table()}\n{TABLE_END}{after}")

    # --- checking ------------------------------------------------------------------------------------------

    def sizes(self):
        """What each lesson asks of its reader, a line each."""
        lines = []
        for lesson in self.lessons:
            cells, seconds = self._cells(lesson), self._record(lesson).get("seconds", 0)
            size = survey(cells)
            lines.append(
                f"{lesson.file:24} {size.words:6,} words {size.cells:4} code cells, longest {size.longest:3} lines "
                f"{size.exercises:3} exercises {size.minutes(seconds):4} min"
                f"{'' if seconds else ' and computing, not measured yet'}"
                f"{'' if forms.is_new(cells) else '  (old form)'}"
            )
        return lines

    def check(self):
        """What is wrong with the sources, and what differs between them and what is committed, one sentence each."""
        problems = []
        for lesson in self.lessons:
            problems += [f"source/{lesson.name}.py: {breach}" for breach in breaches(self._cells(lesson))]
            path = self.notebooks / lesson.file
            if not path.exists():
                problems.append(f"{lesson.file} has not been built.")
                continue
            built, wanted = _read(path), self.compose(lesson)
            if [_essence(cell) for cell in built.cells] != [_essence(cell) for cell in wanted.cells]:
                differing = [
                    first_line(new)
                    for old, new in zip([*built.cells, *[None] * len(wanted.cells)], wanted.cells, strict=False)
                    if old is None or _essence(old) != _essence(new)
                ]
                where = f"; first at {differing[0]!r}" if differing else "; it has more cells"
                problems.append(f"{lesson.file} differs from source/{lesson.name}.py{where}.")
            problems += [f"{lesson.file}: {fault}" for fault in self._faults(built, lesson)]
            problems += [f"{lesson.file}: {fault}" for fault in self._dead_links(self.notebooks, _markdown(built))]
        for path in sorted(self.notebooks.glob("*.ipynb")):
            if path.name not in {lesson.file for lesson in self.lessons}:
                problems.append(f"{path.name} is no lesson of source/order.txt.")
        if self._split_readme()[1] != self.table():
            problems.append("README.md's table of lessons differs from the notebooks.")
        problems += [f"README.md: {fault}" for fault in self._dead_links(self.root, self.readme.read_text("utf-8"))]
        return problems

    def _dead_links(self, folder, markdown):
        targets = [first or second for first, second in _LINK.findall(_CODE_OR_MATHS.sub("", markdown))]
        return [
            f"the link to {target} leads nowhere."
            for target in targets
            if not re.match(r"[a-z]+:", target) and not (folder / target).exists()
        ]


def _read(path):
    return nbformat.read(path, as_version=4)


def _dump(notebook):
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def _write(path, text):
    # Under another name first: an interrupted write leaves the file that was there.
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _code(notebook):
    return notebook.metadata.gan_lessons.code


def _is_complete(record, code, speed="laptop"):
    return record.get("code") == code and record.get("speed") == speed and "failed" not in record


def _essence(cell):
    return cell.cell_type, cell.id, cell.source, cell.metadata


def _markdown(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def _left_out():
    return [nbformat.v4.new_output("stream", name="stdout", text=LEFT_OUT)]


def _minutes(seconds):
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def _with_outputs(composed, executed):
    """`composed` with the outputs of `executed`, which has the same code cells, and those of tests perhaps."""
    done = executed.cells if forms.tagged(composed.cells, forms.TEST) else forms.without(executed.cells, forms.TEST)
    counts = sorted(cell.execution_count for cell in forms.code(done) if cell.execution_count)
    for cell, source in zip(forms.code(composed.cells), forms.code(done), strict=True):
        cell.outputs, count = source.outputs, source.execution_count
        cell.execution_count = counts.index(count) + 1 if count else None  # as if the tests had not been there
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = cell.execution_count
    composed.metadata.gan_lessons = executed.metadata.gan_lessons
    if "widgets" in executed.metadata:
        composed.metadata.widgets = executed.metadata.widgets
    return composed


def _publish(notebook):
    """Takes out what a committed notebook does not show: images of data sets, and widgets around them."""
    for cell in forms.tagged(notebook.cells, forms.REAL_IMAGES):
        cell.outputs = _left_out()
    if "widgets" in notebook.metadata:
        models = notebook.metadata.widgets[WIDGETS].state
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        views = [output.data for output in outputs if WIDGET_VIEW in output.get("data", {})]
        for view in views:
            view["text/plain"] = UNUSED  # what a reader sees who has not run the cell
        reached, todo = set(), [view[WIDGET_VIEW]["model_id"] for view in views]
        while todo:
            model = todo.pop()
            if model in models and model not in reached:
                reached.add(model)
                todo += re.findall(r"IPY_MODEL_([0-9a-f]{32})", json.dumps(models[model]))
        notebook.metadata.widgets[WIDGETS].state = {name: models[name] for name in models if name in reached}
        if not reached:
            del notebook.metadata["widgets"]
    return notebook


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Builds, runs and checks the course.")
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="write the committed notebooks and README's table")
    run = commands.add_parser("run", help="run lessons at laptop size into build/")
    fast = commands.add_parser("fast", help="write the form that the tests execute into build/fast/")
    commands.add_parser("check", help="the size of each lesson; is what is committed what the sources give?")
    mark = commands.add_parser("mark", help="run notebooks that students handed in, and print their marks")
    mark.add_argument("paths", nargs="+", help="notebooks")
    for command in (build, run, fast):
        command.add_argument("names", nargs="*", help="lessons, by name; all of them by default")
    for command in (build, run):
        command.add_argument("--fresh", action="store_true", help="execute even what was executed before")
    run.add_argument("--fast", action="store_true", help="run the tests' small sizes, into build/fast-run/")
    options = vars(parser.parse_args(arguments))
    try:
        course = Course(Path(__file__).resolve().parent.parent)
        command = options.pop("command")
        if command == "check":
            print(*course.sizes(), sep="\n")
            problems = course.check()
            print(*problems or ["The committed notebooks are what the sources give."], sep="\n")
            return 1 if problems else 0
        return 0 if getattr(course, command)(**options) else 1
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
