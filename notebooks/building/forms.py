"""The three forms of a lesson, which the tags of its cells tell apart.

A cell of a source may carry tags, as in `# %% tags=["test"]`:

    parameters   the sizes of the laptop run, in one cell that the reader sees
    fast         other values for the same names, in one cell that the reader does not see
    test         runs and is not shown: what the lesson claims, asserted
    real-images  runs and is shown, but its output is not kept: the images are not ours to distribute

    form         the cells
    laptop       all but `fast`
    fast         all; those of `fast` stand right behind `parameters`, as papermill injects them
    published    all but `fast` and `test`, with the outputs of the laptop form

A lesson with any of the first three tags is written in the *new form*. The others are tested with the environment
variable GAN_LESSONS_FAST, which goes when the last of them is rewritten.
"""

import ast
import copy
import hashlib
import json
from collections.abc import Iterable

from nbformat import NotebookNode

PARAMETERS, FAST, TEST, REAL_IMAGES = "parameters", "fast", "test", "real-images"
INJECTED = "injected-parameters"  # papermill's tag
TAGS = {PARAMETERS, FAST, TEST, REAL_IMAGES}


def tags(cell: NotebookNode) -> list[str]:
    """Returns the tags of a cell."""
    return cell.metadata.get("tags", [])


def tagged(cells: Iterable[NotebookNode], tag: str) -> list[NotebookNode]:
    """Returns the cells that carry this tag."""
    return [cell for cell in cells if tag in tags(cell)]


def without(cells: Iterable[NotebookNode], *left_out: str) -> list[NotebookNode]:
    """Returns the cells that carry none of these tags."""
    return [cell for cell in cells if not set(tags(cell)) & set(left_out)]


def code(cells: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Returns the code cells."""
    return [cell for cell in cells if cell.cell_type == "code"]


def is_new(cells: list[NotebookNode]) -> bool:
    """Returns whether a source is written in the new form."""
    return len(without(cells, PARAMETERS, FAST, TEST)) < len(cells)


def take_form(cells: list[NotebookNode], form: str) -> list[NotebookNode]:
    """Returns the cells of a source in the form "laptop", "fast" or "published"."""
    if form == "published":
        return without(cells, FAST, TEST)
    rest = without(cells, FAST)
    return rest if form == "laptop" else inject(rest, tagged(cells, FAST))


def inject(cells: list[NotebookNode], fast: list[NotebookNode]) -> list[NotebookNode]:
    """Returns `cells` with the cells of `fast` behind the parameters.

    Where a student's copy has lost the tag, the parameters are the first cell that assigns one of the names.
    """
    if not fast:
        return list(cells)
    fast = copy.deepcopy(fast)
    for cell in fast:
        cell.metadata.tags = [INJECTED]
    places = [i for i, cell in enumerate(cells) if set(tags(cell)) & {PARAMETERS, INJECTED}]
    if not places:
        names = set().union(*map(assigned, fast))
        places = [i for i, cell in enumerate(cells) if cell.cell_type == "code" and assigned(cell) & names][:1]
    place = places[-1] + 1 if places else 0
    return [*cells[:place], *fast, *cells[place:]]


def assigned(cell: NotebookNode) -> set[str]:
    """Returns the names that a code cell assigns, imports or defines outside functions and classes."""
    found = set()

    def visit(node):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
            return
        elif isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            return
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(_tree(cell))
    return found


def used(cell: NotebookNode) -> set[str]:
    """Returns the names that a code cell reads and does not set itself, in whatever function or comprehension."""
    nodes = list(ast.walk(_tree(cell)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    own = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return {name.id for name in names} - own


def _tree(cell):
    try:
        return ast.parse(cell.source)
    except SyntaxError:  # a magic, such as %pip, or a student's slip: the kernel will tell
        return ast.Module(body=[], type_ignores=[])


def digest(cells: Iterable[NotebookNode]) -> str:
    """Returns a fingerprint of the code, by which outputs are matched with the source that they come from."""
    sources = [[TEST, cell.source] if TEST in tags(cell) else cell.source for cell in code(cells)]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()[:16]
