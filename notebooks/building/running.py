"""The kernel that runs a lesson's cells, and what is kept of what it prints."""

import json
import re
import sys

import nbformat
from nbclient import NotebookClient
from tqdm import tqdm

from .survey import first_line

WIDGETS = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

# What TensorFlow writes to stderr while starting, whatever one asks it not to.
_NOISE = re.compile(
    r"WARNING: All log messages before absl|To enable the following instructions|[IWE]\d{4} \d\d:\d\d:\d\d"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] "
)


class Client(NotebookClient):
    """Runs cells, and shows how far it is."""

    bar = None

    def code_cells(self, title):
        """The code cells with their indices; a bar tells which is running, and what it printed last."""
        cells = [(index, cell) for index, cell in enumerate(self.nb.cells) if cell.cell_type == "code"]
        with tqdm(cells, unit="cell", position=1, leave=False, **bar_options()) as self.bar:
            for index, cell in self.bar:
                self.bar.set_description(f"{title} | {first_line(cell)}", refresh=sys.stderr.isatty())
                yield index, cell
        self.bar = None

    def process_message(self, msg, cell, cell_index):
        if self.bar is not None and msg["msg_type"] == "stream" and (text := msg["content"]["text"].strip()):
            self.bar.set_postfix_str(text.splitlines()[-1][-60:], refresh=sys.stderr.isatty())
        return super().process_message(msg, cell, cell_index)

    def ask(self, source):
        """What a piece of Python prints last when the kernel runs it, read as JSON."""
        probe = nbformat.v4.new_code_cell(source)
        self.nb.cells.append(probe)
        self.execute_cell(probe, len(self.nb.cells) - 1, store_history=False)
        self.nb.cells.pop()
        printed = "".join(output.text for output in probe.outputs if output.get("name") == "stdout")
        return json.loads(printed.splitlines()[-1])

    def image_sets(self):
        """The titles of the image sets that the kernel holds, found by the `DataInfo` that each carries.

        A folder of pictures, which has no split, is not named: it was made on the way, or is somebody's own.
        """
        return self.ask(
            "import gc, json\n"
            "held = [thing for thing in gc.get_objects() if type(thing).__name__ == 'DataInfo']\n"
            "print(json.dumps(sorted({info.title for info in held if info.examples and info.split})))"
        )


def clean(notebook):
    """Joins printed pieces as a screen would, drops TensorFlow's noise, gives widgets lasting ids."""
    for cell in notebook.cells:
        joined = []
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and joined and joined[-1].get("name") == output.name:
                joined[-1].text += output.text
            else:
                joined.append(output)
        for output in joined:
            if output.output_type == "stream":
                output.text = re.sub(r"[^\n]*\r(?!\n)", "", re.sub(r"[^\n]\x08", "", output.text))
            if output.get("name") == "stderr":
                output.text = "".join(line for line in output.text.splitlines(True) if not _NOISE.match(line))
        if "outputs" in cell:
            cell.outputs = [output for output in joined if not _is_spent(output)]
    models = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    for model in models.values():
        model.state = {key: value for key, value in model.state.items() if value is not None}
    names = {model: f"{number:032x}" for number, model in enumerate(models, start=1)}
    renamed = re.sub(r"[0-9a-f]{32}", lambda match: names.get(match[0], match[0]), nbformat.writes(notebook))
    return nbformat.reads(renamed, as_version=4)


def _is_spent(output):
    """Whether an output has nothing left to say: an empty stream, the widget of a finished progress bar."""
    if output.output_type == "stream":
        return not output.text.strip()
    data = output.get("data", {})
    return WIDGET_VIEW in data and bool(re.search(r"\d+%\|.*\[.*\]", data.get("text/plain", "")))


def bar_options():
    return {"dynamic_ncols": True} if sys.stderr.isatty() else {"mininterval": 60}  # a log wants few lines
