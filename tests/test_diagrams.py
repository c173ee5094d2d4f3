"""The diagrams of `docs/diagrams`: the script's own, readable in words and in both themes."""

import importlib.util
import itertools
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
SVG = "{http://www.w3.org/2000/svg}"


def _load():
    spec = importlib.util.spec_from_file_location("diagrams", DOCS / "diagrams.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


diagrams = _load()
each = pytest.mark.parametrize("diagram", diagrams.DIAGRAMS, ids=lambda diagram: diagram.name)


def test_the_files_are_those_of_the_script():
    assert {path.stem for path in (DOCS / "diagrams").glob("*")} == {diagram.name for diagram in diagrams.DIAGRAMS}


@each
def test_a_file_is_what_the_script_writes(diagram):
    assert (DOCS / "diagrams" / f"{diagram.name}.svg").read_text(encoding="utf-8") == diagrams.draw(diagram)


@each
def test_a_file_has_a_title_and_a_text(diagram):
    root = ElementTree.parse(DOCS / "diagrams" / f"{diagram.name}.svg").getroot()
    title, text = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title.text == diagram.title and 5 < len(title.text) < 60
    assert text.text == diagram.text and len(text.text.split()) > 30
    assert root.get("aria-labelledby").split() == [title.get("id"), text.get("id")]


@each
def test_nothing_overlaps_or_leaves_the_panel(diagram):
    root = ElementTree.fromstring(diagrams.draw(diagram))
    left, top, width, height = map(float, root.get("viewBox").split())
    boxes = [diagrams.Box(*row) for row in diagram.boxes.values()]
    for box in boxes:
        assert left < box.x - box.width / 2 and box.x + box.width / 2 < left + width
        assert top < box.y - box.height / 2 and box.y + box.height / 2 < top + height
    for one, other in itertools.combinations(boxes, 2):
        beside = abs(one.x - other.x) > (one.width + other.width) / 2
        assert beside or abs(one.y - other.y) > (one.height + other.height) / 2, (one.lines, other.lines)


@each
def test_a_gradient_changes_a_network_and_takes_its_colour(diagram):
    drawn = diagrams.draw(diagram)
    for _, end, _, label, *_ in diagram.gradients:
        kind = diagram.boxes[end][2]
        assert kind in diagrams.NETWORKS
        assert f'<text class="to_{kind} label"' in drawn and label in drawn


def _contrast(one, other):
    """The contrast of two colours, 1 to 21, as WCAG 2 defines it."""

    def luminance(colour):
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_has_contrast_in_both_themes(theme):
    colour = {name: pair[theme] for name, pair in diagrams.COLOURS.items()}
    for network in diagrams.NETWORKS:
        assert _contrast("#ffffff", colour[network]) >= 4.5
        assert _contrast(colour["panel"], colour[f"to_{network}"]) >= 4.5
    assert _contrast(colour["panel"], colour["ink"]) >= 7
    assert _contrast(colour["panel"], colour["line"]) >= 4.5
