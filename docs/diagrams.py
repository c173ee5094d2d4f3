"""Draws the diagram of every system, `docs/diagrams/*.svg`, in one style: `python docs/diagrams.py`.

A diagram shows who feeds whom (solid arrows), what is compared (round boxes) and whose weights each gradient changes
(dashed arrows, in the colour of the player). It is data, a `Diagram` in the list below: a row for a box, a row for an
arrow. The code that draws comes first and knows no system.

Each file reads in a light and in a dark page: its own panel follows the reader's `prefers-color-scheme`.
`<title>` and `<desc>` describe it to those who cannot see it; a lesson uses the title as alt text. No file refers to
anything outside itself.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent / "diagrams"

COLUMN, ROW = 168, 88  # the distance of two boxes, in pixels
HEIGHT, LETTER, LINE = 30, 7.9, 18  # of a box with one line of text; of a letter; of each further line
MARGIN = 18

# Okabe and Ito's colours, dark enough for white text: (in a light page, in a dark page).
COLOURS = {
    "panel": ("#fcfbf8", "#1d1f23"),
    "ink": ("#2b2b2b", "#e8e8e8"),
    "line": ("#666666", "#a5a5a5"),
    "real": ("#0072b2", "#3f9fdc"),
    "generator": ("#bd5200", "#bd5200"),
    "discriminator": ("#00795a", "#00795a"),
    "encoder": ("#8f4a78", "#8f4a78"),
    "to_generator": ("#bd5200", "#f08a3c"),
    "to_discriminator": ("#00795a", "#2fb890"),
    "to_encoder": ("#8f4a78", "#d48abb"),
}
NETWORKS = ("generator", "discriminator", "encoder")


@dataclass(frozen=True)
class Diagram:
    """A system as boxes and arrows.

    Attributes:
        name: the file's name.
        title: what the diagram shows.
        text: the diagram in words, for those who cannot see it.
        boxes: {name: (column, row, kind, text)}; kinds are a network's player, "real", "made", "noise" and "loss".
        arrows: (from, to): who feeds whom.
        gradients: (from, to, lane, label, shift from, shift to): whose weights a loss changes. The arrow runs along the
            row `lane`, above or below both boxes, or straight if it is None; the shifts move its ends, in pixels.
        curves: ([(column, row), …], kind): lines through points, for the diagrams that are pictures of a function.
        legend: the line below the drawing, in place of the usual one.
    """

    name: str
    title: str
    text: str
    boxes: dict
    arrows: list
    gradients: list
    curves: list = field(default_factory=list)
    legend: str = ""


# --- the systems -----------------------------------------------------------------------------------------------------

GAN = Diagram(
    "gan",
    "A generative adversarial network",
    "Latents z go into the generator G, which makes fakes G(z). Real samples x and fakes go into the discriminator "
    "D, which outputs one logit for each. D's loss compares the logits with the truth, and its gradient changes D "
    "alone. G's loss asks that D take the fakes for real. Its gradient flows back through D and changes G alone.",
    {
        "z": (0, 1, "noise", "latents z"),
        "G": (1, 1, "generator", "generator G"),
        "x": (2, 0, "real", "real x"),
        "fake": (2, 1, "made", "fakes G(z)"),
        "D": (3, 0.5, "discriminator", "discriminator D"),
        "d": (4.3, 0, "loss", "D's loss:\nreal 1, fakes 0"),
        "g": (4.3, 1, "loss", "G's loss:\nfakes 1"),
    },
    [("z", "G"), ("G", "fake"), ("x", "D"), ("fake", "D"), ("D", "d"), ("D", "g")],
    [("d", "D", -0.5, "changes D"), ("g", "G", 1.6, "through D and the fakes: changes G")],
)

WGAN = Diagram(
    "wgan",
    "A Wasserstein GAN with gradient penalty",
    "The critic f outputs a number for each real sample x and each fake G(z), without a sigmoid. The difference of "
    "the two means estimates how far apart the distributions are. The critic raises it; the generator lowers it. "
    "Between a real sample and a fake lies a point x̂; the penalty asks that the critic's slope there have length "
    "1. Difference and penalty change the critic; only the fakes' mean changes the generator.",
    {
        "z": (0, 2, "noise", "latents z"),
        "G": (1, 2, "generator", "generator G"),
        "x": (2, 0, "real", "real x"),
        "between": (2, 1, "made", "in between x̂"),
        "fake": (2, 2, "made", "fakes G(z)"),
        "f": (3, 1, "discriminator", "critic f"),
        "d": (4.5, 0, "loss", "critic's loss: penalty\n+ mean f(G(z)) − mean f(x)"),
        "p": (4.5, 1, "loss", "penalty:\nλ · mean (‖∇f(x̂)‖ − 1)²"),
        "g": (4.5, 2, "loss", "G's loss:\n− mean f(G(z))"),
    },
    [
        *[
            ("z", "G"),
            ("G", "fake"),
            ("x", "between"),
            ("fake", "between"),
            ("x", "f"),
            ("between", "f"),
            ("fake", "f"),
        ],
        *[("f", "d"), ("f", "p"), ("f", "g"), ("p", "d")],
    ],
    [("d", "f", -0.5, "changes f"), ("g", "G", 2.6, "through f and the fakes: changes G")],
)

DCGAN = Diagram(
    "dcgan",
    "A convolutional GAN for images of 32×32 pixels",
    "Upper row, the generator: 100 latents become a map of 4×4 places with 128 channels. Three transposed convolutions "
    "double its sides, to 8×8, 16×16 and 32×32, and end in a fake image of three colours. Lower row, the "
    "discriminator, from right to left: three convolutions halve the sides of a fake or a real image, to 16×16, 8×8 "
    "and 4×4, and end in one logit. One loss changes the discriminator. The other flows back through it and "
    "the fake, and changes the generator.",
    {
        "z": (0, 0, "noise", "100 latents z"),
        "G": (1.05, 0, "generator", "G: 4×4×128"),
        "G2": (2.1, 0, "generator", "8×8×64"),
        "G3": (3.1, 0, "generator", "16×16×32"),
        "fake": (4.2, 0, "made", "fake 32×32×3"),
        "x": (4.2, 1.6, "real", "real 32×32×3"),
        "D": (3.1, 1.6, "discriminator", "D: 16×16×32"),
        "D2": (2.1, 1.6, "discriminator", "8×8×64"),
        "D3": (1.05, 1.6, "discriminator", "4×4×128"),
        "d": (0, 1.6, "loss", "one logit,\ntwo losses"),
    },
    [
        *[("z", "G"), ("G", "G2"), ("G2", "G3"), ("G3", "fake")],
        *[("fake", "D"), ("x", "D"), ("D", "D2"), ("D2", "D3"), ("D3", "d")],
    ],
    [
        ("d", "D3", 2.4, "changes D"),
        ("d", "G", 0.8, "through D: changes G"),
    ],
)

CONDITIONAL = Diagram(
    "conditional",
    "A conditional GAN",
    "A label y goes into the generator beside the latents z, and into the discriminator beside the sample. The "
    "discriminator compares pairs: a real sample with its label against a fake with the label that it was made for. "
    "Its loss changes D alone; the generator's loss flows back through D and changes G alone.",
    {
        "z": (0, 2, "noise", "latents z"),
        "y": (0, 1, "real", "label y"),
        "G": (1, 2, "generator", "generator G"),
        "x": (2, 0, "real", "real x of label y"),
        "fake": (2, 2, "made", "fakes G(z, y)"),
        "D": (3.15, 1, "discriminator", "discriminator D"),
        "d": (4.5, 0.45, "loss", "D's loss:\nreal 1, fakes 0"),
        "g": (4.5, 1.55, "loss", "G's loss:\nfakes 1"),
    },
    [("z", "G"), ("y", "G"), ("G", "fake"), ("y", "D"), ("x", "D"), ("fake", "D"), ("D", "d"), ("D", "g")],
    [("d", "D", -0.1, "changes D"), ("g", "G", 2.6, "through D and the fakes: changes G")],
)

BIGAN = Diagram(
    "bigan",
    "A bidirectional GAN",
    "Two pairs are compared. One is a real sample x with the code E(x) that the encoder gives it. The other is a "
    "latent z with the fake G(z) that the generator makes of it. The discriminator D outputs a logit for a pair. "
    "Its loss changes D alone. The opposite losses flow back through D: that of the first pair changes the encoder, "
    "that of the second changes the generator.",
    {
        "x": (0, 0, "real", "real x"),
        "z": (0, 2, "noise", "latents z"),
        "E": (1, 0, "encoder", "encoder E"),
        "G": (1, 2, "generator", "generator G"),
        "upper": (2, 0.7, "real", "pair x, E(x)"),
        "lower": (2, 1.3, "made", "pair G(z), z"),
        "D": (3.1, 1, "discriminator", "discriminator D"),
        "e": (4.5, -0.1, "loss", "E's loss:\nx, E(x) 0"),
        "d": (4.5, 1, "loss", "D's loss:\nx, E(x) 1; G(z), z 0"),
        "g": (4.5, 2.1, "loss", "G's loss:\nG(z), z 1"),
    },
    [
        *[("x", "E"), ("E", "upper"), ("x", "upper"), ("z", "G"), ("G", "lower"), ("z", "lower")],
        *[("upper", "D"), ("lower", "D"), ("D", "d"), ("D", "e"), ("D", "g")],
    ],
    [
        ("e", "E", -0.7, "through D: changes E"),
        ("d", "D", 0.62, "changes D", -20, 20),
        ("g", "G", 2.7, "through D: changes G"),
    ],
)

TRANSLATION = Diagram(
    "translation",
    "Translation from pairs (pix2pix)",
    "A source s goes into the generator G, which makes a translation G(s). It is compared twice. The distance to "
    "the known target t, pixel by pixel, is one loss. The other comes from the discriminator D, which sees the "
    "source with the target or the source with the translation. D's loss changes D alone; both other losses change "
    "G.",
    {
        "s": (0, 1, "real", "source s"),
        "G": (1, 2, "generator", "generator G"),
        "t": (1, 0, "real", "target t"),
        "made": (2, 2, "made", "translation G(s)"),
        "D": (3.2, 0.4, "discriminator", "discriminator D"),
        "d": (4.6, 0, "loss", "D's loss:\ns, t 1; s, G(s) 0"),
        "g": (4.6, 1, "loss", "G's loss:\ns, G(s) 1"),
        "l1": (3.3, 2, "loss", "L1: mean |t − G(s)|"),
    },
    [
        *[("s", "G"), ("G", "made"), ("s", "D"), ("t", "D"), ("made", "D"), ("D", "d"), ("D", "g")],
        *[("made", "l1"), ("t", "l1")],
    ],
    [
        ("d", "D", -0.5, "changes D"),
        ("l1", "G", 2.5, "changes G", 0, 20),
        ("g", "G", 2.85, "through D and G(s): changes G", 0, -20),
    ],
)

CYCLEGAN = Diagram(
    "cyclegan",
    "CycleGAN: translation without pairs",
    "There are samples a of one domain and b of another, and no pairs. G turns a into G(a), which discriminator B "
    "compares with real b; F turns G(a) back into F(G(a)), which has to be a again. The lower half is the mirror "
    "image: F turns b into F(b), which discriminator A compares with real a, and G turns it back. G and F in both "
    "halves are the same two networks. The question of each discriminator changes the discriminator one way and the "
    "network that it judges the other way. Both cycle losses change G and F.",
    {
        "b_or": (0.3, 0, "loss", "b or G(a)?"),
        "DB": (1.6, 0, "discriminator", "discriminator B"),
        "real_b": (2.7, 0, "real", "real b"),
        "a": (0, 1.1, "real", "real a"),
        "G": (0.9, 1.1, "generator", "G: a → b"),
        "b_": (1.75, 1.1, "made", "G(a)"),
        "F": (2.55, 1.1, "encoder", "F: b → a"),
        "a__": (3.4, 1.1, "made", "F(G(a))"),
        "cycle_a": (4.5, 1.1, "loss", "cycle:\nmean |F(G(a)) − a|"),
        "b": (0, 3.3, "real", "real b"),
        "F2": (0.9, 3.3, "encoder", "F: b → a"),
        "a_": (1.75, 3.3, "made", "F(b)"),
        "G2": (2.55, 3.3, "generator", "G: a → b"),
        "b__": (3.4, 3.3, "made", "G(F(b))"),
        "cycle_b": (4.5, 3.3, "loss", "cycle:\nmean |G(F(b)) − b|"),
        "a_or": (0.3, 4.4, "loss", "a or F(b)?"),
        "DA": (1.6, 4.4, "discriminator", "discriminator A"),
        "real_a": (2.7, 4.4, "real", "real a"),
    },
    [
        *[("a", "G"), ("G", "b_"), ("b_", "F"), ("F", "a__"), ("a__", "cycle_a")],
        *[("real_b", "DB"), ("b_", "DB"), ("DB", "b_or")],
        *[("b", "F2"), ("F2", "a_"), ("a_", "G2"), ("G2", "b__"), ("b__", "cycle_b")],
        *[("real_a", "DA"), ("a_", "DA"), ("DA", "a_or")],
    ],
    [
        ("b_or", "DB", -0.5, "changes B"),
        ("b_or", "G", None, "changes G"),
        ("cycle_a", "F", 1.6, "changes F", -30),
        ("cycle_a", "G", 1.9, "changes G"),
        ("cycle_b", "F2", 2.5, "changes F"),
        ("cycle_b", "G2", 2.8, "changes G", -30),
        ("a_or", "F2", None, "changes F"),
        ("a_or", "DA", 4.9, "changes A"),
    ],
)

VAE = Diagram(
    "vae",
    "A variational autoencoder, for comparison",
    "A real sample x goes into the encoder, which outputs the mean μ and the spread σ of a code. The code z = μ + σ "
    "ε is drawn with noise ε and goes into the decoder, which makes x̂. Two things are compared: x̂ with x, and the "
    "codes' distribution N(μ, σ²) with N(0, 1). Both losses change the encoder; only the first changes the decoder. "
    "No second player takes part.",
    {
        "x": (0, 1, "real", "real x"),
        "E": (0.9, 1, "encoder", "encoder"),
        "code": (1.7, 1, "made", "μ, σ"),
        "e": (1.7, 0, "noise", "noise ε"),
        "z": (2.6, 0.5, "made", "z = μ + σ ε"),
        "G": (3.6, 0.5, "generator", "decoder"),
        "x_": (4.5, 0.5, "made", "x̂"),
        "kl": (2.7, 1.5, "loss", "KL: N(μ, σ²) and N(0, 1)"),
        "r": (4.5, 1.6, "loss", "reconstruction:\nx̂ and x"),
    },
    [("x", "E"), ("E", "code"), ("code", "z"), ("e", "z"), ("z", "G"), ("G", "x_"), ("x_", "r"), ("code", "kl")],
    [
        ("r", "G", None, "changes decoder"),
        ("kl", "E", 2, "changes encoder", 0, 20),
        ("r", "E", 2.35, "through decoder and z: changes encoder", 0, -10),
    ],
)


def _logistic(start, end, top, bottom, middle, slope):
    places = [start + (end - start) * step / 40 for step in range(41)]
    return [(place, bottom - (bottom - top) / (1 + math.exp(-slope * (place - middle)))) for place in places]


LINE_GAME = Diagram(
    "line",
    "The game on a line",
    "On a line of numbers, the fakes lie to the left and the real samples to the right. The discriminator's output "
    "is a curve that is low over the fakes and high over the real samples. Each fake moves up the curve, to the "
    "right: that is the gradient that reaches G through D. D then moves its curve after them.",
    {
        "fake": (1.1, 2, "made", "fakes"),
        "x": (3.9, 2, "real", "real"),
        "D": (4.9, 0, "discriminator", "D(x)"),
    },
    [],
    [],
    [
        (_logistic(0, 5, 0, 1.2, 2.5, 2), "to_discriminator"),
        ([(-0.1, 1.55), (5.1, 1.55)], "line"),
        *[
            ([(place, 1.55), (place + reach, 1.55)], "to_generator")
            for place, reach in [(0.8, 0.14), (1.2, 0.28), (1.7, 0.62)]
        ],
        *[([(place, 1.55)], "real") for place in (3.5, 3.8, 4.0, 4.3)],
    ],
)


def _bumps(start, end, top, bottom, heights, width):
    """A curve with a bump at each (place, height of 0 to 1)."""
    places = [start + (end - start) * step / 80 for step in range(81)]
    return [
        (x, bottom - (bottom - top) * sum(h * math.exp(-(((x - m) / width) ** 2)) for m, h in heights)) for x in places
    ]


COLLAPSE = Diagram(
    "collapse",
    "Mode collapse on a line",
    "Real samples lie in three heaps on a line. All fakes lie together in the left heap. The discriminator's output is "
    "a curve that is low where the fakes are and highest over the middle heap. Every fake moves up the curve, to the "
    "right: all together they leave the left heap for the middle one, where the discriminator will be low next.",
    {
        "now": (0.85, 2.15, "made", "all fakes, now"),
        "next": (2.6, 2.15, "real", "next"),
        "last": (4.4, 2.15, "real", "and then?"),
        "D": (3.6, -0.1, "discriminator", "D(x)"),
    },
    [],
    [],
    [
        (_bumps(0, 5, 0, 1.3, [(2.6, 1), (4.4, 0.8)], 0.8), "to_discriminator"),
        ([(-0.1, 1.6), (5.1, 1.6)], "line"),
        *[([(place, 1.6)], "real") for place in (0.4, 0.5, 0.6, 2.45, 2.55, 2.65, 2.75, 4.25, 4.35, 4.45, 4.55)],
        *[
            ([(place, 1.6), (place + reach, 1.6)], "to_generator")
            for place, reach in [(0.72, 0.17), (0.97, 0.21), (1.24, 0.5)]
        ],
    ],
)

QUALITY = Diagram(
    "quality",
    "A score of generated images",
    "Real samples x and fakes G(z) go through one network, a classifier whose weights stay as they are. It turns each "
    "image into features, a short vector. A score compares the features of the real samples with those of the fakes. "
    "No gradient flows: a score changes no weights.",
    {
        "x": (0, 0, "real", "real x"),
        "fake": (0, 1, "made", "fakes G(z)"),
        "C": (1.25, 0.5, "encoder", "fixed classifier"),
        "fx": (2.7, 0, "real", "features of x"),
        "ff": (2.7, 1, "made", "features of G(z)"),
        "score": (4.1, 0.5, "loss", "score:\nhow far apart?"),
    },
    [("x", "C"), ("fake", "C"), ("C", "fx"), ("C", "ff"), ("fx", "score"), ("ff", "score")],
    [],
)


STEP = Diagram(
    "step",
    "Where the time of a training step goes",
    "Time runs from left to right. The lower row is the processor: a call from Python, the discriminator's turn, the "
    "generator's turn, then the next call with its two turns. The upper row runs beside it: while the first step "
    "runs, batch 2 is read, and the second call gets it. While the second step runs, batch 3 is read.",
    {
        "2": (0.65, 0, "real", "batch 2 is read"),
        "3": (2.65, 0, "real", "batch 3 is read"),
        "call1": (0, 1, "noise", "call 1"),
        "D1": (0.65, 1, "discriminator", "D's turn"),
        "G1": (1.3, 1, "generator", "G's turn"),
        "call2": (2, 1, "noise", "call 2"),
        "D2": (2.65, 1, "discriminator", "D's turn"),
        "G2": (3.3, 1, "generator", "G's turn"),
        "call3": (4, 1, "noise", "call 3"),
    },
    [("call1", "D1"), ("D1", "G1"), ("2", "call2"), ("call2", "D2"), ("D2", "G2"), ("3", "call3")],
    [],
    legend="time runs from left to right · upper row: beside the step, in other threads",
)

DIRAC = Diagram(
    "dirac",
    "The smallest GAN",
    "On a line of numbers lie one fake, at θ, and one real sample, at 0. The discriminator's logit is a straight line "
    "through 0 with the slope ψ. The fake moves up the slope. The discriminator turns its line, so that it falls at "
    "the fake; once the fake has passed 0, the slope turns round.",
    {
        "fake": (1.2, 0.45, "made", "fake θ"),
        "x": (2.5, 1.55, "real", "real 0"),
        "D": (3.6, 0.05, "discriminator", "logit ψx"),
    },
    [],
    [],
    [
        ([(0.3, 1.75), (4.7, 0.25)], "to_discriminator"),
        ([(-0.1, 1), (5.1, 1)], "line"),
        ([(1.2, 1), (1.85, 1)], "to_generator"),
        ([(2.5, 1)], "real"),
    ],
)

DIAGRAMS = [GAN, WGAN, DCGAN, CONDITIONAL, BIGAN, TRANSLATION, CYCLEGAN, VAE, LINE_GAME, COLLAPSE, QUALITY, STEP, DIRAC]


# --- drawing ---------------------------------------------------------------------------------------------------------


class Box:
    """A box on the page: its middle, its size and its looks."""

    def __init__(self, column, row, kind, text):
        self.x, self.y, self.kind, self.lines = COLUMN * column, ROW * row, kind, text.split("\n")
        self.width = LETTER * max(map(len, self.lines)) + 24
        self.height = HEIGHT + LINE * (len(self.lines) - 1)

    def svg(self):
        radius = self.height / 2 if self.kind == "loss" else 4
        yield (
            f'<rect class="{self.kind}" x="{self.x - self.width / 2:.0f}" y="{self.y - self.height / 2:.0f}" '
            f'width="{self.width:.0f}" height="{self.height:.0f}" rx="{radius:.0f}"/>'
        )
        for number, line in enumerate(self.lines):
            y = self.y + 5 + LINE * (number - (len(self.lines) - 1) / 2)
            place = "in" if self.kind in NETWORKS else "on"
            yield f'<text class="{place}" x="{self.x:.0f}" y="{y:.0f}">{escape(line)}</text>'

    def edge(self, x, y, gap=3):
        """Where the straight way from the box's middle to (x, y) leaves the box."""
        across, down = x - self.x, y - self.y
        scale = min(
            (self.width / 2 + gap) / abs(across) if across else math.inf,
            (self.height / 2 + gap) / abs(down) if down else math.inf,
        )
        return self.x + scale * across, self.y + scale * down


def straight(start, end):
    """The corners of a straight arrow from a box to a box."""
    return [start.edge(end.x, end.y), end.edge(start.x, start.y)]


def along(start, end, lane, shift_start=0, shift_end=0):
    """The corners of an arrow that leaves a box up or down, runs along a row, and turns into the other box."""
    y = ROW * lane
    ends = [(start, start.x + shift_start), (end, end.x + shift_end)]
    (first, last) = ((x, box.y + math.copysign(box.height / 2 + 3, y - box.y)) for box, x in ends)
    return [first, (first[0], y), (last[0], y), last]


def path(points, radius=12):
    """The `d` of a path through points, its corners rounded."""
    text = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for before, (x, y), after in zip(points, points[1:], points[2:]):  # noqa: B905
        for verb, (to_x, to_y) in (("L", before), (f"Q{x:.0f} {y:.0f}", after)):
            part = min(1, radius / (math.hypot(to_x - x, to_y - y) or 1))
            text += (
                f" {verb}" + (" " if verb != "L" else "") + f"{x + part * (to_x - x):.0f} {y + part * (to_y - y):.0f}"
            )
    return text + f" L{points[-1][0]:.0f} {points[-1][1]:.0f}"


def draw(diagram):
    """Returns a diagram as the text of an SVG file."""
    boxes = {name: Box(*row) for name, row in diagram.boxes.items()}
    shapes, labels = [], []
    corners = [
        (box.x + sign * box.width / 2, box.y + sign * box.height / 2) for box in boxes.values() for sign in (-1, 1)
    ]

    for points, kind in diagram.curves:
        points = [(COLUMN * column, ROW * row) for column, row in points]
        corners += points
        if len(points) == 1 or kind == "to_generator":  # a sample
            dot = "real-dot" if kind == "real" else kind
            shapes.append(f'<circle class="{dot} dot" cx="{points[0][0]:.0f}" cy="{points[0][1]:.0f}" r="6"/>')
        if len(points) > 1:
            head = ' marker-end="url(#to_generator)"' if kind == "to_generator" else ""
            line = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
            shapes.append(f'<polyline class="{kind} curve" points="{line}"{head}/>')

    for start, end in diagram.arrows:
        shapes.append(f'<path class="flow" d="{path(straight(boxes[start], boxes[end]))}" marker-end="url(#flow)"/>')

    for start, end, lane, label, *shifts in diagram.gradients:
        start, end = boxes[start], boxes[end]
        points = straight(start, end) if lane is None else along(start, end, lane, *shifts)
        kind = f"to_{end.kind}"
        shapes.append(f'<path class="{kind} gradient" d="{path(points)}" marker-end="url(#{kind})"/>')
        (x0, y0), (x1, y1) = points[len(points) // 2 - 1 : len(points) // 2 + 1]  # the middle stretch
        x, y, width = (x0 + x1) / 2, (y0 + y1) / 2, 6.6 * len(label) + 8
        labels.append(f'<rect class="behind" x="{x - width / 2:.0f}" y="{y - 8:.0f}" width="{width:.0f}" height="16"/>')
        labels.append(f'<text class="{kind} label" x="{x:.0f}" y="{y + 4:.0f}">{escape(label)}</text>')
        corners += [(x, y + sign * 8) for x, y in points for sign in (-1, 1)]

    left, top = (min(values) - MARGIN for values in zip(*corners, strict=True))
    right, bottom = (max(values) + MARGIN for values in zip(*corners, strict=True))
    bottom += 26
    legend = "solid: what flows · dashed: a gradient, to the weights that it changes"
    if diagram.curves:
        legend = "an arrow on a fake: where the gradient through D moves it"
    elif not diagram.gradients:
        legend = "solid: what flows · no dashed arrow: no weights change"
    legend = diagram.legend or legend
    labels.append(f'<text class="legend" x="{left + 14:.0f}" y="{bottom - 12:.0f}">{legend}</text>')
    size = f"{left:.0f} {top:.0f} {right - left:.0f} {bottom - top:.0f}"
    heads = "".join(
        f'<marker id="{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="head {kind}" d="M0 0L10 5L0 10z"/></marker>'
        for kind in ("flow", "to_generator", "to_discriminator", "to_encoder")
    )
    drawn = "\n".join([*shapes, *(line for box in boxes.values() for line in box.svg()), *labels])
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" width="{right - left:.0f}" role="img" \
aria-labelledby="title desc">
<title id="title">{escape(diagram.title)}</title>
<desc id="desc">{escape(diagram.text)}</desc>
<style>{_style()}</style>
<defs>{heads}</defs>
<rect class="panel" x="{left:.0f}" y="{top:.0f}" width="{right - left:.0f}" height="{bottom - top:.0f}" rx="10"/>
{drawn}
</svg>
"""


def _style():
    light = " ".join(f"--{name}: {pair[0]};" for name, pair in COLOURS.items())
    dark = " ".join(f"--{name}: {pair[1]};" for name, pair in COLOURS.items())
    rules = [
        f"svg {{ {light} }}",
        f"@media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}",
        "text { font: 14px 'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif; }",
        "text { text-anchor: middle; fill: var(--ink); }",
        "text.in { fill: #fff; font-weight: bold; font-size: 13px; }",
        "text.legend { font-size: 12px; text-anchor: start; fill: var(--line); }",
        "text.label { font-size: 12px; }",
        "rect { fill: var(--panel); stroke: var(--line); stroke-width: 1.5; }",
        "rect.behind { stroke: none; }",
        "rect.panel { stroke-opacity: 0.35; stroke-width: 1; }",
        "rect.real { stroke: var(--real); stroke-width: 2.5; }",
        "rect.made { stroke: var(--to_generator); stroke-width: 2.5; }",
        "rect.noise { stroke-dasharray: 2 3; }",
        "rect.loss { stroke: var(--ink); }",
        *[f"rect.{kind} {{ fill: var(--{kind}); stroke: none; }}" for kind in NETWORKS],
        ".flow { fill: none; stroke: var(--line); stroke-width: 1.8; }",
        ".gradient { fill: none; stroke-width: 2; stroke-dasharray: 6 4; }",
        ".curve { fill: none; stroke-width: 2.5; }",
        ".line { stroke: var(--line); stroke-width: 1.5; }",
        ".real-dot { fill: var(--real); }",
        *[f".gradient.to_{kind}, .curve.to_{kind} {{ stroke: var(--to_{kind}); }}" for kind in NETWORKS],
        *[f".label.to_{kind}, .dot.to_{kind}, .head.to_{kind} {{ fill: var(--to_{kind}); }}" for kind in NETWORKS],
        ".head { stroke: none; } .head.flow { fill: var(--line); }",
    ]
    return "\n" + "\n".join(rules) + "\n"


def main():
    FOLDER.mkdir(exist_ok=True)
    for diagram in DIAGRAMS:
        (FOLDER / f"{diagram.name}.svg").write_text(draw(diagram), encoding="utf-8")
    print(f"{FOLDER}: {', '.join(diagram.name for diagram in DIAGRAMS)}")


if __name__ == "__main__":
    main()
