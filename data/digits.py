"""Draws handwritten-looking digits, 28×28×1: what stands in for MNIST where there is no network.

A digit is a few strokes of a pen. Each written form below is a list of points that the pen passes, in a box
of 100×100, x to the right and y down; `!` marks a corner, `|` lifts the pen. A smooth curve (Catmull–Rom)
goes through the points, which no two writers put in the same place; the result is slanted, turned, stretched,
distorted elastically (Simard et al. 2003), and drawn with a pen of its own width and pressure. Last, MNIST's
own rule: the digit fills a box of 20×20, and its centre of mass is in the middle of the picture.

Reference:
    LeCun et al., Gradient-based learning applied to document recognition, 1998
    Simard et al., Best practices for convolutional neural networks applied to visual document analysis, 2003
"""

import numpy as np

SHAPE = (28, 28, 1)
EXAMPLES = {"train": 18_000, "test": 2_000}

# (how often, the form)
FORMS = {
    0: [
        (4, "55,0 22,10 4,50 20,90 50,100 80,88 96,50 78,10 50,0"),
        (2, "66,6 35,3 6,40 14,88 50,99 86,78 92,35 70,8 48,10"),
        (2, "40,4 12,30 6,66 30,98 66,94 94,60 86,20 58,2 34,6 24,16"),
    ],
    1: [
        (6, "50,0 50,50 50,100"),
        (3, "26,26 40,14 54,0! 54,50 54,100"),
        (2, "24,24 52,0! 52,50 52,100! | 20,100 50,99 84,100"),
        (1, "36,12 52,0! 52,50 52,100"),
    ],
    2: [
        (4, "8,26 24,4 58,0 84,18 76,44 42,74 6,98! 50,98 96,94"),
        (3, "10,22 30,2 64,2 82,22 70,50 36,84 14,96 6,84 26,76 56,92 96,94"),
        (2, "12,12 48,0 84,16 64,52 4,100! 50,99 96,100"),
        (2, "10,30 20,6 54,0 80,18 72,46 44,72 8,96! 34,86 66,98 98,88"),
    ],
    3: [
        (4, "10,12 44,0 82,14 76,38 40,48! 78,54 92,78 56,100 6,88"),
        (2, "12,10 50,0 80,20 62,44 40,52 46,43 66,50 92,72 60,100 8,90"),
        (2, "8,3! 48,4 88,3! 44,42! 84,52 90,82 50,100 8,88"),
        (2, "16,14 48,0 76,18 64,42 34,50 72,58 82,82 48,100 10,92"),
    ],
    4: [
        (4, "22,2 14,30 8,56! 50,58 94,52 | 80,6 76,50 70,100"),
        (2, "66,100 66,50 66,0! 36,34 4,66! 50,66 98,64"),
        (2, "16,4 12,38 28,58 58,54 82,34 | 88,0 80,50 70,100"),
        (2, "56,0 32,30 6,62! 50,62 96,58 | 66,34 66,66 62,100"),
    ],
    5: [
        (4, "86,2 54,3 22,2! 15,42! 50,34 88,56 80,88 46,100 6,90"),
        (3, "24,8 20,26 14,46! 54,38 90,62 72,94 36,100 4,88 | 22,6 55,5 92,0"),
        (2, "86,3 42,4 20,20 26,40 60,50 86,70 64,97 8,92"),
    ],
    6: [
        (4, "70,0 36,20 10,60 24,94 60,98 86,76 66,52 36,56 14,78"),
        (2, "60,0 36,30 16,66 20,92 50,100 80,86 76,62 46,52 18,72"),
        (2, "82,8 56,0 20,30 8,66 26,96 66,97 86,72 60,52 26,62 14,82"),
    ],
    7: [
        (4, "4,6 48,5 92,3! 62,42 44,70 36,100"),
        (2, "6,22! 8,4! 50,5 92,3! 54,52 42,100"),
        (3, "4,6 48,5 92,3! 62,44 40,100! | 22,54 50,51 80,48"),
        (2, "4,8 40,12 94,2! 76,50 70,100"),
    ],
    8: [
        (4, "82,16 50,0 18,18 34,42 70,60 86,82 50,100 12,82 26,60 66,42 82,20 64,4"),
        (2, "50,46 20,34 22,8 50,0 78,8 80,34 50,46 12,62 12,90 50,100 88,90 88,62 50,46"),
        (2, "86,10 50,0 20,20 44,45 80,70 62,97 26,93 20,70 50,48 78,28 88,8"),
    ],
    9: [
        (4, "82,24 54,0 16,14 14,44 50,52 78,32 84,8! 82,50 74,100"),
        (2, "84,28 50,0 12,24 30,52 70,46 86,14! 90,54 70,92 24,96"),
        (2, "80,14 46,0 12,24 24,50 60,48 84,14! 66,60 50,100"),
    ],
}


def image(rng, label):
    """One digit, uint8 (28, 28, 1), by one hand: `rng` decides everything but which digit it is."""
    printed = rng.random() < 0.06  # now and then a tidy hand, or a print
    care = 0.25 if printed else rng.uniform(0.6, 1.3)
    strokes = [
        _curve(points, corners)
        for points, corners in _form(rng, label, unsteady=(1.8 if label == 0 else 3.0) * care)
    ]
    lengths = [len(stroke) for stroke in strokes]
    points = np.concatenate(strokes) / 100 - 0.5

    points = points @ _hand(rng, label, printed)
    points = points + _elastic(rng, points, strength=0.055 * care)

    # MNIST's box: with the pen's width, the longer side of the digit is 20 pixels.
    pen = rng.uniform(1.2, 2.3) if printed else 0.85 + 0.95 * rng.random() ** 1.3
    low, high = points.min(0), points.max(0)
    points = (points - (low + high) / 2) * ((20 - 2 * pen) / (high - low).max()) + 13.5
    radius = pen * np.concatenate([_pressure(rng, n, 0.03 if printed else 0.13) for n in lengths])
    soft = rng.uniform(0.9, 1.4)

    # MNIST's centring: draw once to find the centre of mass, then again where it belongs.
    ink = _ink(points, radius, soft)
    rows, columns = np.mgrid[:28, :28]
    mass = np.array([(ink * columns).sum(), (ink * rows).sum()]) / ink.sum()
    ink = _ink(points + 13.5 - mass, radius, soft)
    return np.rint(255 * ink).astype("uint8")[..., None]


def _form(rng, label, unsteady):
    """The strokes of a written form, its points moved a little: a list of (points, is_corner)."""
    weights = np.array([weight for weight, _ in FORMS[label]], float)
    chosen = int(np.searchsorted(np.cumsum(weights / weights.sum()), rng.random()))
    strokes = []
    for stroke in FORMS[label][chosen][1].split("|"):
        words = stroke.split()
        points = np.array([[float(n) for n in word.strip("!").split(",")] for word in words])
        slips = np.pad(unsteady * rng.standard_normal(points.shape), ((1, 1), (0, 0)), "edge")
        points = (
            points + (slips[:-2] + slips[1:-1] + slips[2:]) / 2
        )  # a hand that strays comes back by and by
        strokes.append((points, [word.endswith("!") for word in words]))
    return strokes


def _curve(points, corners, steps=22):
    """A Catmull–Rom spline through points (n, 2), broken at the corners: (n·steps, 2)."""
    cuts = [0, *[i for i in range(1, len(points) - 1) if corners[i]], len(points) - 1]
    pieces = []
    t = np.linspace(0, 1, steps)[:, None]
    for start, end in zip(cuts[:-1], cuts[1:], strict=True):
        run = points[start : end + 1]
        run = np.concatenate([[2 * run[0] - run[1]], run, [2 * run[-1] - run[-2]]])
        for a, b, c, d in zip(run[:-3], run[1:-2], run[2:-1], run[3:], strict=True):
            pieces.append(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return np.concatenate(pieces)


def _hand(rng, label, printed):
    """How a hand writes: narrow or wide, slanted, turned: a matrix for row vectors."""
    narrow = rng.uniform(0.25, 0.7) if label == 1 else rng.uniform(0.55, 1.0)
    slant = 0.0 if printed else np.clip(0.18 + 0.24 * rng.standard_normal(), -0.45, 0.85)
    turn = (0.02 if printed else 0.1) * rng.standard_normal()
    stretch = np.diag([narrow, 1.0])
    shear = np.array([[1.0, 0.0], [-slant, 1.0]])
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return stretch @ shear @ rotation


def _elastic(rng, points, strength):
    """Simard's distortion at points (n, 2): random displacements on a grid, smoothed by a Gaussian."""
    line = np.linspace(-0.7, 0.7, 8)
    grid = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    displacements = rng.uniform(-1, 1, grid.shape)
    distances = ((points[:, None] - grid) ** 2).sum(-1)
    return strength * np.exp(-distances / (2 * 0.22**2)) @ displacements


def _pressure(rng, count, amount):
    """The pen's width along a stroke, about 1: it swells slowly, and the ends taper at times."""
    t = np.linspace(0, 1, count)
    waves = sum(rng.standard_normal() * np.cos(np.pi * k * t + np.pi * rng.random()) for k in (1, 2, 3))
    taper = (
        1 - amount * 3 * rng.random() * np.exp(-12 * t) - amount * 3 * rng.random() * np.exp(-12 * (1 - t))
    )
    return np.clip(1 + amount * waves, 0.6, 1.5) * taper


def _ink(points, radius, soft):
    """Ink in [0, 1] on 28×28 pixels: full within the pen's radius of a point, gone a soft edge away."""
    pixels = np.arange(28.0)
    dx2 = (pixels[:, None] - points[:, 0]) ** 2
    dy2 = (pixels[:, None] - points[:, 1]) ** 2
    reach = (radius - np.sqrt(dy2[:, None] + dx2[None])).max(-1)
    return np.clip(0.5 + reach / soft, 0, 1)
