"""Draws small colour scenes of ten kinds, 32×32×3: what stands in for CIFAR-10 where there is no network.

Every scene is painted back to front on a canvas three times as fine as the picture, so that edges come out
smooth. What is painted is a signed distance (negative inside, positive outside, in units of the picture's
side) and a colour. Place, size, colour, form, weather and light are drawn anew for each picture.

Reference:
    Quilez, 2D distance functions, https://iquilezles.org/articles/distfunctions2d/
"""

import numpy as np

SHAPE = (32, 32, 3)
EXAMPLES = {"train": 5_000, "test": 1_000}
CLASSES = ("sunset", "house", "tree", "mountain", "boat", "balloon", "flower", "car", "fish", "night")

FINE = 3  # canvas pixels per picture pixel, each way
SIDE = 32 * FINE
X, Y = np.meshgrid((np.arange(SIDE) + 0.5) / SIDE, (np.arange(SIDE) + 0.5) / SIDE)


def image(rng, label):
    """One scene, uint8 (32, 32, 3): `rng` decides everything but its kind."""
    canvas = np.zeros((SIDE, SIDE, 3))
    PAINTERS[label](rng, canvas)
    small = canvas.reshape(32, FINE, 32, FINE, 3).mean((1, 3))
    # The camera: exposure, contrast, the warmth of the light.
    small = 0.5 + rng.uniform(0.8, 1.12) * (small - 0.5) + rng.uniform(-0.07, 0.07)
    small = small * (1 + 0.06 * rng.uniform(-1, 1) * np.array([1.0, 0.1, -1.0]))
    return np.rint(255 * np.clip(small, 0, 1)).astype("uint8")


# -------------------------------------------------------------------------------------------------- the brush


def paint(canvas, distance, colour, opacity=1.0, blur=0.0):
    """Lays a colour, (3,) or (SIDE, SIDE, 3), over the canvas where the distance is negative."""
    cover = np.clip(0.5 - distance / (blur + 1.5 / SIDE), 0, 1)[..., None] * opacity
    canvas += cover * (colour - canvas)


def disc(x, y, radius, flat=1.0):
    return np.hypot(X - x, (Y - y) / flat) - radius


def box(x, y, half_width, half_height, turn=0.0):
    u, v = _turned(x, y, turn)
    return np.maximum(np.abs(u) - half_width, np.abs(v) - half_height)


def ellipse(x, y, a, b, turn=0.0):
    u, v = _turned(x, y, turn)
    return (np.hypot(u / a, v / b) - 1) * min(a, b)


def polygon(*corners):
    """A convex polygon from its corners, either way round."""
    corners = np.array(corners)
    following = np.roll(corners, -1, axis=0)
    if (corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum() < 0:
        corners, following = following, corners
    edges = zip(corners, following, strict=True)
    return np.max(
        [((X - a[0]) * (b - a)[1] - (Y - a[1]) * (b - a)[0]) / np.hypot(*(b - a)) for a, b in edges], axis=0
    )


def line(a, b, width):
    (ax, ay), (bx, by) = a, b
    t = np.clip(((X - ax) * (bx - ax) + (Y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
    return np.hypot(X - ax - t * (bx - ax), Y - ay - t * (by - ay)) - width / 2


def _turned(x, y, turn):
    c, s = np.cos(turn), np.sin(turn)
    return c * (X - x) + s * (Y - y), c * (Y - y) - s * (X - x)


def noise(rng, across, down=None):
    """Smooth noise of about unit size with so many bumps across and down the canvas."""
    down = down or across

    def spread(n):
        place = np.linspace(0, n - 1, SIDE)[:, None] - np.arange(n)
        return np.clip(1 - np.abs(place), 0, 1)

    return spread(down) @ rng.standard_normal((down, across)) @ spread(across).T


def ridge(rng, base, height, rough):
    """A skyline: for each column of the canvas, how far down it begins."""
    line = np.zeros(SIDE)
    for k in (2, 4, 8, 16):
        line += (
            rng.standard_normal(k + 1)
            @ np.clip(1 - np.abs(np.linspace(0, k, SIDE) - np.arange(k + 1)[:, None]), 0, 1)
            / (k**rough)
        )
    return base - height * line


def hsv(hue, saturation, value):
    """A colour from hue (any number; whole turns count for nothing), saturation and value in [0, 1]."""
    wheel = np.clip(np.abs((hue + np.array([0, 2 / 3, 1 / 3])) % 1 * 6 - 3) - 1, 0, 1)
    return np.clip(value, 0, 1) * (1 - np.clip(saturation, 0, 1) * (1 - wheel))


def about(rng, colour, spread=0.07):
    """A colour near this one."""
    return np.clip(np.array(colour) + spread * rng.uniform(-1, 1, 3) + spread * rng.uniform(-1, 1), 0, 1)


def lit(rng, colour, amount=0.22):
    """A colour in light that falls from one side."""
    angle = rng.uniform(0, 2 * np.pi)
    return np.clip(
        colour * (1 + amount * ((X - 0.5) * np.cos(angle) + (Y - 0.5) * np.sin(angle)))[..., None] * 1.0, 0, 1
    )


# -------------------------------------------------------------------------------------------------- backdrops


def sky(rng, canvas, mood=None):
    """A sky over the whole canvas; what is below the horizon is painted later."""
    mood = rng.choice(["blue", "blue", "blue", "grey", "evening", "dawn"]) if mood is None else mood
    top, low = {
        "blue": ((0.22, 0.46, 0.82), (0.70, 0.84, 0.95)),
        "grey": ((0.52, 0.57, 0.63), (0.80, 0.82, 0.84)),
        "evening": ((0.30, 0.28, 0.52), (0.97, 0.68, 0.45)),
        "dawn": ((0.50, 0.58, 0.80), (0.98, 0.84, 0.78)),
    }[mood]
    t = np.clip(Y / rng.uniform(0.6, 1.1), 0, 1)[..., None]
    canvas[:] = about(rng, top) * (1 - t) + about(rng, low) * t
    if rng.random() < 0.7:
        clouds(rng, canvas, white=0.95 if mood in ("blue", "grey") else 0.85)


def clouds(rng, canvas, white):
    shape = (
        noise(rng, rng.integers(3, 7), rng.integers(5, 10))
        + 0.5 * noise(rng, 12, 16)
        - 2.5 * np.abs(Y - rng.uniform(0, 0.5))
    )
    cover = np.clip((shape + rng.uniform(-0.6, 0.3)) * 0.9, 0, 0.9)[..., None]
    canvas += cover * (about(rng, (white, white, white * 1.01), 0.04) - canvas)


def ground(rng, canvas, horizon, colour=None):
    """Land below a skyline (a number or one for each column), darker to the front, with some texture."""
    kinds = [
        (0.33, 0.52, 0.20),
        (0.42, 0.55, 0.24),
        (0.62, 0.58, 0.32),
        (0.78, 0.70, 0.50),
        (0.90, 0.92, 0.95),
        (0.45, 0.36, 0.25),
    ]
    colour = about(
        rng, kinds[rng.choice(6, p=[0.32, 0.24, 0.16, 0.12, 0.08, 0.08])] if colour is None else colour
    )
    shade = (
        1.08 - 0.35 * np.clip(Y - np.min(horizon), 0, 1) + 0.05 * noise(rng, 16, 24) + 0.05 * noise(rng, 5, 7)
    )
    paint(canvas, horizon - Y, np.clip(colour * shade[..., None], 0, 1))


def hills(rng, canvas, horizon):
    """A far skyline, blue with distance, or none."""
    if rng.random() < 0.6:
        far = ridge(rng, horizon - rng.uniform(0, 0.06), rng.uniform(0.03, 0.09), 0.9)
        paint(
            canvas,
            far - Y,
            about(rng, rng.choice([(0.42, 0.52, 0.62), (0.30, 0.42, 0.34), (0.55, 0.55, 0.60)]), 0.06),
        )


def sea(rng, canvas, horizon, near, far):
    """Water below the horizon, with ripples that widen to the front."""
    depth = np.clip((Y - horizon) / (1 - horizon + 1e-9), 0, 1)
    colour = far * (1 - depth[..., None]) + near * depth[..., None]
    ripples = (noise(rng, 7, 34) + 0.6 * noise(rng, 12, 60)) * (0.03 + 0.05 * depth)
    paint(canvas, horizon - Y, np.clip(colour * (1 + 1.2 * ripples[..., None]), 0, 1))
    return ripples


# ---------------------------------------------------------------------------------------------- the ten kinds


def sunset(rng, canvas):
    hue = rng.uniform(-0.03, 0.11)
    horizon = rng.uniform(0.42, 0.72)
    top, low = (
        hsv(rng.uniform(0.55, 0.92), rng.uniform(0.3, 0.7), rng.uniform(0.2, 0.6)),
        hsv(hue, rng.uniform(0.55, 0.9), 0.95),
    )
    t = np.clip(Y / horizon, 0, 1)[..., None] ** rng.uniform(0.7, 1.8)
    canvas[:] = top * (1 - t) + low * t
    x, y, size = rng.uniform(0.15, 0.85), horizon - rng.uniform(-0.06, 0.3), rng.uniform(0.06, 0.16)
    glow = np.exp(-((disc(x, y, 0) / rng.uniform(0.2, 0.4)) ** 2))[..., None]
    canvas += 0.6 * glow * (hsv(hue + 0.06, 0.35, 1.0) - canvas)
    for _ in range(rng.integers(0, 5)):
        streak = ellipse(
            rng.uniform(0, 1), rng.uniform(0.05, horizon), rng.uniform(0.15, 0.5), rng.uniform(0.012, 0.035)
        )
        paint(
            canvas,
            streak,
            about(rng, hsv(hue + rng.uniform(-0.1, 0.02), 0.5, rng.uniform(0.4, 0.9))),
            0.75,
            blur=0.03,
        )
    sun = hsv(hue + 0.07, rng.uniform(0.1, 0.5), 1.0)
    paint(canvas, disc(x, y, size), sun)
    ripples = sea(
        rng, canvas, horizon, hsv(rng.uniform(0.55, 0.75), 0.5, 0.25), hsv(hue, 0.5, rng.uniform(0.5, 0.75))
    )
    path = np.abs(X - x) - size * (0.5 + 1.2 * (Y - horizon)) - 2.5 * ripples
    paint(canvas, np.maximum(path, horizon - Y), sun, rng.uniform(0.5, 0.85), blur=0.05)
    if rng.random() < 0.45:
        land = ridge(rng, horizon, rng.uniform(0.02, 0.07), 0.8) + 0.4 * np.clip(
            (np.arange(SIDE) / SIDE - rng.uniform(0.2, 0.8)) * rng.choice([-1, 1]), 0, 1
        )
        paint(canvas, np.maximum(land - Y, Y - horizon - 0.01), hsv(0.7, 0.3, rng.uniform(0.08, 0.25)))


def house(rng, canvas):
    horizon = rng.uniform(0.5, 0.75)
    sky(rng, canvas)
    hills(rng, canvas, horizon)
    ground(rng, canvas, horizon)
    x, width, height = rng.uniform(0.35, 0.65), rng.uniform(0.16, 0.3), rng.uniform(0.1, 0.2)
    foot = horizon + rng.uniform(0.06, 0.2)
    walls = [
        (0.90, 0.86, 0.76),
        (0.80, 0.45, 0.34),
        (0.93, 0.93, 0.92),
        (0.88, 0.75, 0.42),
        (0.55, 0.66, 0.74),
        (0.62, 0.47, 0.34),
    ]
    wall = about(rng, walls[rng.integers(6)])
    eaves, side = foot - 2 * height, rng.choice([-1, 1])
    paint(canvas, box(x, foot - height, width, height), lit(rng, wall))
    shadow = box(x + side * width * 0.6, foot - height, width * 0.4, height)
    paint(canvas, shadow, wall * 0.75, rng.choice([0.0, 0.9]))
    roof = about(
        rng, [(0.60, 0.22, 0.16), (0.35, 0.30, 0.30), (0.50, 0.34, 0.22), (0.30, 0.36, 0.44)][rng.integers(4)]
    )
    peak, over, top = (
        eaves - rng.uniform(0.1, 0.22),
        width + rng.uniform(0.02, 0.06),
        rng.choice([0.0, 0.0, width * 0.6]),
    )
    if rng.random() < 0.5:
        paint(canvas, box(x + side * width * 0.5, peak + 0.05, 0.03, 0.09), roof * 0.8)
    paint(
        canvas,
        polygon((x - over, eaves), (x - top - 0.001, peak), (x + top + 0.001, peak), (x + over, eaves)),
        lit(rng, roof),
    )
    door, glass = (
        about(rng, (0.38, 0.24, 0.16), 0.15),
        about(rng, [(0.25, 0.32, 0.42), (0.98, 0.88, 0.5)][rng.integers(2)]),
    )
    place = x + width * rng.uniform(-0.6, 0.6)
    paint(canvas, box(place, foot - height * 0.5, 0.035, height * 0.5), door)
    for u in np.linspace(-0.68, 0.68, rng.integers(2, 4)):
        if abs(x + u * width - place) > 0.07:
            paint(canvas, box(x + u * width, foot - height * 1.2, 0.038, 0.046), wall * 0.6 + 0.4)
            paint(canvas, box(x + u * width, foot - height * 1.2, 0.027, 0.035), glass)
    if rng.random() < 0.4:
        crown(
            rng,
            canvas,
            x + side * rng.uniform(0.32, 0.45),
            foot - 0.12,
            rng.uniform(0.07, 0.13),
            (0.2, 0.4, 0.16),
        )


def crown(rng, canvas, x, y, size, colour):
    """The leaves of a round tree: a heap of discs, the lit ones on top."""
    for k in range(9):
        u, v = rng.uniform(-0.75, 0.75, 2) * size
        shade = 0.72 + 0.06 * k
        leaf = disc(x + u, y + v - 0.03 * k * size, size * rng.uniform(0.4, 0.65)) + 0.012 * noise(rng, 24)
        paint(canvas, leaf, about(rng, np.clip(np.array(colour) * shade, 0, 1), 0.03))


def tree(rng, canvas):
    horizon = rng.uniform(0.55, 0.82)
    sky(rng, canvas)
    hills(rng, canvas, horizon)
    ground(rng, canvas, ridge(rng, horizon, rng.uniform(0, 0.04), 1.2))
    x, size = rng.uniform(0.3, 0.7), rng.uniform(0.16, 0.27)
    foot, lean = horizon + rng.uniform(0.04, 0.14), rng.uniform(-0.05, 0.05)
    paint(
        canvas,
        ellipse(x + rng.uniform(-0.1, 0.1), foot, size, 0.03),
        np.array((0.1, 0.12, 0.08)),
        0.5,
        blur=0.04,
    )
    bark = about(rng, (0.33, 0.23, 0.15))
    kind = rng.choice(["round", "round", "fir", "autumn", "poplar"])
    top = foot - rng.uniform(0.16, 0.3)
    paint(canvas, line((x, foot), (x + lean, top - 0.05), rng.uniform(0.04, 0.08)), bark)
    if kind == "fir":
        green = about(rng, (0.12, 0.32, 0.2))
        height, layers = rng.uniform(0.42, 0.6), rng.integers(3, 6)
        for k in range(layers):
            base = foot - 0.06 - height * 0.72 * k / layers
            half = size * (1 - 0.75 * k / layers)
            paint(
                canvas,
                polygon((x - half, base), (x, base - height * 0.42), (x + half, base))
                + 0.012 * noise(rng, 30),
                green * (0.8 + 0.12 * k),
            )
    elif kind == "poplar":
        green = about(rng, (0.25, 0.42, 0.15))
        for k in range(7):
            y = foot - 0.12 - 0.09 * k * rng.uniform(0.8, 1.0)
            crown(rng, canvas, x, y, size * 0.42 * np.sin(0.5 + 0.36 * k), green)
    else:
        leaves = {"round": (0.25, 0.46, 0.17), "autumn": hsv(rng.uniform(0.0, 0.14), 0.8, 0.75)}[kind]
        for u in (-1, 1):
            paint(canvas, line((x + lean, top), (x + lean + u * size * 0.5, top - size * 0.6), 0.025), bark)
        crown(rng, canvas, x + lean, top - size * 0.6, size, about(rng, leaves))


def mountain(rng, canvas):
    sky(rng, canvas)
    rock = about(
        rng,
        [(0.40, 0.42, 0.50), (0.45, 0.38, 0.34), (0.32, 0.38, 0.42), (0.55, 0.42, 0.38)][rng.integers(4)],
        0.05,
    )
    foot, snow = rng.uniform(0.66, 0.82), rng.uniform(0.04, 0.2) * (rng.random() < 0.75)
    column, side = np.arange(SIDE) / SIDE, rng.choice([-1, 1])
    for k in range(rng.integers(2, 5)):
        x, peak, steep = rng.uniform(0.1, 0.9), rng.uniform(0.12, 0.42) + 0.05 * k, rng.uniform(0.8, 1.6)
        edge = ridge(rng, peak + steep * np.abs(column - x), 0.025, 0.5)
        haze = 0.35 - 0.1 * k
        shadow = np.clip(0.5 + ((X - x) * side + 0.05 * noise(rng, 10)) * 14, 0, 1)[..., None]
        face = (rock + 0.04 * noise(rng, 14)[..., None]) * (1.15 - 0.4 * shadow)
        cap = peak + snow + 0.035 * noise(rng, 16)
        white = np.array((0.97, 0.97, 1.0)) * (1.0 - 0.22 * shadow)
        face = np.where((Y < cap)[..., None], white, face)
        paint(
            canvas,
            np.maximum(edge - Y, Y - foot - 0.2),
            np.clip(face * (1 - haze) + haze * np.array((0.7, 0.78, 0.88)), 0, 1),
        )
    if rng.random() < 0.35:
        water = about(rng, (0.30, 0.48, 0.58))
        sea(rng, canvas, foot, water * 0.7, water)
    else:
        ground(
            rng,
            canvas,
            ridge(rng, foot, rng.uniform(0.01, 0.05), 0.9),
            [(0.22, 0.36, 0.18), (0.36, 0.46, 0.22), (0.45, 0.42, 0.28), (0.86, 0.88, 0.92)][rng.integers(4)],
        )


def boat(rng, canvas):
    horizon = rng.uniform(0.4, 0.66)
    sky(rng, canvas)
    hills(rng, canvas, horizon)
    blue = hsv(rng.uniform(0.47, 0.62), rng.uniform(0.35, 0.75), rng.uniform(0.4, 0.75))
    sea(rng, canvas, horizon, blue * 0.75, blue * 0.6 + 0.35)
    x, y, size, side = (
        rng.uniform(0.32, 0.68),
        horizon + rng.uniform(0.06, 0.2),
        rng.uniform(0.14, 0.26),
        rng.choice([-1, 1]),
    )
    hull = about(
        rng, [(0.9, 0.9, 0.88), (0.5, 0.14, 0.12), (0.15, 0.2, 0.35), (0.45, 0.3, 0.18)][rng.integers(4)]
    )
    sail = about(
        rng, [(0.96, 0.95, 0.9), (0.96, 0.95, 0.9), hsv(rng.random(), 0.7, 0.85)][rng.integers(3)], 0.03
    )
    mast, high = x + side * 0.12 * size, y - size * rng.uniform(1.6, 2.5)
    paint(
        canvas,
        ellipse(x, y + size * 0.45, size * 0.9, size * 0.3) + 0.02 * noise(rng, 8, 30),
        hull * 0.4 + sail * 0.2,
        0.5,
        blur=0.04,
    )
    paint(canvas, line((mast, y), (mast, high), 0.02), np.array((0.25, 0.18, 0.12)))
    belly = 0.02 * np.sin(np.pi * np.clip((Y - high) / (y - high), 0, 1))
    for direction, reach, lift in (
        (1, rng.uniform(0.75, 1.1), 0.02),
        (-1, rng.uniform(0.4, 0.9), 0.1 * rng.random()),
    ):
        u = direction * side
        corners = [
            (mast + 0.012 * u, high + lift),
            (mast + 0.012 * u + u * reach * size, y - 0.035),
            (mast + 0.012 * u, y - 0.035),
        ]
        cloth = sail * (1.0 if direction == 1 else 0.86)
        paint(canvas, polygon(*corners) - belly, lit(rng, cloth, 0.3))
    paint(
        canvas,
        polygon(
            (x - size, y - 0.03),
            (x + size, y - 0.03),
            (x + size * 0.7, y + size * 0.28),
            (x - size * 0.75, y + size * 0.28),
        ),
        lit(rng, hull),
    )
    paint(canvas, box(x, y - 0.025, size * 0.98, 0.01), np.clip(hull + 0.25, 0, 1))


def balloon(rng, canvas):
    sky(rng, canvas)
    if rng.random() < 0.5:
        ground(rng, canvas, ridge(rng, rng.uniform(0.8, 0.95), 0.04, 0.9))
    if rng.random() < 0.4:
        one_balloon(rng, canvas, rng.uniform(0.1, 0.9), rng.uniform(0.15, 0.7), rng.uniform(0.05, 0.08))
    one_balloon(rng, canvas, rng.uniform(0.32, 0.68), rng.uniform(0.3, 0.5), rng.uniform(0.16, 0.27))


def one_balloon(rng, canvas, x, y, size):
    basket, knot = y + size * 1.75, y + size * 1.3
    for u in (-0.14, 0.14):
        paint(
            canvas,
            line((x + u * size, basket), (x + 2.2 * u * size, knot - 0.2 * size), 0.012),
            np.array((0.3, 0.25, 0.2)),
        )
    paint(canvas, box(x, basket, size * 0.18, size * 0.14), about(rng, (0.45, 0.3, 0.16)))
    hue, other = rng.random(), rng.random()
    colours = (
        hsv(hue, rng.uniform(0.6, 0.95), 0.9),
        [hsv(other, 0.8, 0.9), np.array((0.96, 0.95, 0.9))][rng.integers(2)],
    )
    width = np.sqrt(np.clip(1 - ((Y - y) / (1.25 * size)) ** 2, 0.02, 1))
    around = np.arcsin(np.clip((X - x) / size / width, -1, 1))
    if rng.random() < 0.7:
        wave = np.sin(rng.integers(3, 6) * around + rng.choice([0, np.pi / 2]))
    else:
        wave = np.sin((Y - y) / size * rng.uniform(3, 7) + rng.uniform(0, 6))
    mix = np.clip(0.5 + 4 * wave, 0, 1)[..., None]
    light = 0.78 + 0.3 * np.cos(around - rng.uniform(-0.8, 0.8))
    skin = np.clip((colours[0] * mix + colours[1] * (1 - mix)) * light[..., None], 0, 1)
    shape = np.minimum(
        disc(x, y, size),
        polygon(
            (x - 0.9 * size, y + 0.45 * size),
            (x + 0.9 * size, y + 0.45 * size),
            (x + 0.22 * size, knot),
            (x - 0.22 * size, knot),
        ),
    )
    paint(canvas, shape, skin)


def flower(rng, canvas):
    green = hsv(rng.uniform(0.2, 0.38), rng.uniform(0.35, 0.7), rng.uniform(0.25, 0.6))
    blot = (0.5 * noise(rng, 4) + 0.25 * noise(rng, 7))[..., None]
    canvas[:] = np.clip(
        green * (1 + 0.35 * blot) + 0.04 * noise(rng, 5)[..., None] * np.array((1.0, 0.3, -0.5)), 0, 1
    )
    for _ in range(rng.integers(0, 7)):
        a, lean = rng.uniform(0, 1), rng.uniform(-0.3, 0.3)
        paint(
            canvas,
            line((a, 1.1), (a + lean, rng.uniform(0.1, 0.6)), 0.03),
            about(rng, green * rng.uniform(0.7, 1.3)),
            0.7,
            blur=0.02,
        )
    x, y, size = rng.uniform(0.35, 0.65), rng.uniform(0.3, 0.58), rng.uniform(0.2, 0.34)
    stalk = about(rng, green * 0.75, 0.03)
    paint(canvas, line((x, y), (x + rng.uniform(-0.2, 0.2), 1.1), 0.04), stalk)
    for u in (-1, 1):
        if rng.random() < 0.5:
            paint(
                canvas,
                ellipse(x + u * 0.15, rng.uniform(0.8, 0.92), 0.15, 0.05, -u * rng.uniform(0.3, 0.8)),
                about(rng, green * 1.1, 0.04),
            )
    hue = rng.choice([rng.uniform(0.75, 1.05), rng.uniform(0.08, 0.17), rng.uniform(0.6, 0.75)])
    petal = hsv(hue, rng.choice([rng.uniform(0, 0.15), rng.uniform(0.5, 0.95)]), rng.uniform(0.85, 1.0))
    count, fat, start, layers = (
        rng.integers(5, 13),
        rng.uniform(1.0, 1.35),
        rng.uniform(0, 6),
        rng.integers(1, 3),
    )
    tilt = rng.uniform(0.7, 1.0)
    for layer in range(layers):
        reach = size * (1 - 0.35 * layer)
        for k in rng.permutation(count):
            angle = start + layer * np.pi / count + 2 * np.pi * k / count
            length = reach * rng.uniform(0.48, 0.54)
            c, s = np.cos(angle), np.sin(angle) * tilt
            wide = min(reach * fat * np.pi * 0.5 / count, length * 0.75)
            shape = ellipse(x + c * length, y + s * length, length, wide, np.arctan2(s, c))
            inner = np.clip(disc(x, y, 0) / reach, 0, 1)[..., None]
            paint(canvas, shape - 0.012, petal * 0.55)
            paint(canvas, shape, np.clip(petal * (0.68 + 0.36 * inner) * rng.uniform(0.88, 1.04), 0, 1))
    heart = about(rng, [(0.95, 0.78, 0.2), (0.35, 0.22, 0.1), (0.8, 0.85, 0.4)][rng.integers(3)], 0.05)
    paint(
        canvas,
        disc(x, y, size * rng.uniform(0.2, 0.36), tilt),
        np.clip(heart * (1 + 0.2 * noise(rng, 30)[..., None]), 0, 1),
    )


def car(rng, canvas):
    horizon = rng.uniform(0.42, 0.58)
    sky(rng, canvas)
    if rng.random() < 0.4:
        for left in np.arange(-0.05, 1, 0.13):
            top = rng.uniform(0.15, 0.4)
            tower = about(rng, hsv(rng.uniform(0, 0.12), 0.2, rng.uniform(0.35, 0.75)))
            paint(
                canvas,
                polygon((left, top), (left + 0.12, top), (left + 0.12, 1), (left, 1)),
                tower * (1 - 0.3 * (np.sin(X * 150) * np.sin(Y * 110) > 0.3))[..., None],
            )
    else:
        hills(rng, canvas, horizon)
    ground(rng, canvas, horizon)
    road = rng.uniform(0.56, 0.66)
    ground(rng, canvas, road, about(rng, (0.38, 0.38, 0.40), 0.05))
    paint(
        canvas,
        box(0.5, min(road + 0.3, 0.94), 1, 0.012) + 0.1 * (np.sin(X * rng.uniform(15, 30)) > 0.5),
        np.array((0.92, 0.9, 0.8)),
        0.8,
    )
    x, size, side = rng.uniform(0.4, 0.6), rng.uniform(0.25, 0.36), rng.choice([-1, 1])
    y, high = road + rng.uniform(0.08, 0.14), rng.uniform(0.2, 0.28)
    body = hsv(
        rng.choice([0.0, 0.02, 0.12, 0.33, 0.58, 0.62, rng.random()]),
        rng.choice([0.05, rng.uniform(0.6, 0.95)]),
        rng.uniform(0.35, 0.95),
    )
    wheel = size * rng.uniform(0.2, 0.25)
    kind = rng.choice(["saloon", "hatchback", "van"])
    back, front = {"saloon": (-0.62, 0.45), "hatchback": (-0.92, 0.4), "van": (-0.98, 0.72)}[kind]
    tall = size * (high * (3.4 if kind == "van" else 2.4))
    slope = rng.uniform(0.2, 0.35)
    paint(canvas, ellipse(x, y + wheel * 1.3, size * 1.15, 0.03), np.array((0.08, 0.08, 0.1)), 0.7, blur=0.03)

    def along(u):
        return x + side * u * size

    def panel(*corners):
        return polygon(*[(along(u), v) for u, v in corners])

    waist, roof = y - size * 0.28, y - size * 0.28 - tall * 0.62
    paint(
        canvas,
        panel((back, waist + 0.02), (back + slope * 0.5, roof), (front - slope, roof), (front, waist + 0.02)),
        lit(rng, body * 0.95, 0.3),
    )
    glass = about(rng, (0.62, 0.74, 0.82), 0.12) * rng.uniform(0.4, 1.0)
    paint(
        canvas,
        panel(
            (back + 0.09, waist),
            (back + slope * 0.5 + 0.06, roof + 0.02),
            (front - slope - 0.03, roof + 0.02),
            (front - 0.08, waist),
        ),
        glass,
    )
    post = along((back + front) / 2 - rng.uniform(0, 0.15))
    paint(canvas, box(post, (waist + roof) / 2, 0.012, (waist - roof) / 2), body)
    shade = np.clip(1.1 - 2.2 * np.clip(Y - waist, 0, 0.2), 0, 1.1)[..., None]
    paint(
        canvas,
        box(x, (waist + y) / 2 + 0.03, size - 0.03, (y - waist) / 2 + 0.005) - 0.03,
        np.clip(body * shade, 0, 1),
    )
    paint(canvas, disc(along(0.98), waist + 0.06, 0.024), np.array((1.0, 0.96, 0.75)))
    paint(canvas, disc(along(-1.0), waist + 0.06, 0.02), np.array((0.8, 0.1, 0.08)))
    for u in (-0.56, 0.58):
        paint(canvas, disc(along(u), y + wheel * 0.3, wheel), np.array((0.07, 0.07, 0.08)))
        paint(canvas, disc(along(u), y + wheel * 0.3, wheel * 0.5), np.array((0.6, 0.6, 0.63)))


def fish(rng, canvas):
    water = hsv(rng.uniform(0.45, 0.64), rng.uniform(0.45, 0.9), rng.uniform(0.4, 0.8))
    t = np.clip(Y, 0, 1)[..., None]
    canvas[:] = np.clip(water * (1.25 - rng.uniform(0.3, 0.8) * t) + 0.12 * (1 - t), 0, 1)
    rays = noise(rng, 9, 2) * np.clip(1 - Y * 1.2, 0, 1)
    canvas[:] = np.clip(canvas + 0.07 * rays[..., None] + 0.015 * noise(rng, 10)[..., None], 0, 1)
    if rng.random() < 0.6:
        ground(
            rng,
            canvas,
            ridge(rng, rng.uniform(0.82, 0.95), 0.04, 0.9),
            (0.7, 0.66, 0.5) * (0.4 + 0.6 * water),
        )
    for _ in range(rng.integers(0, 4)):
        foot, tall = rng.uniform(0, 1), rng.uniform(0.2, 0.5)
        bend = 0.03 * np.sin(Y * rng.uniform(10, 25) + rng.uniform(0, 6))
        weed = np.maximum(np.abs(X - foot - bend) - 0.02, 1 - tall - Y)
        paint(canvas, weed, about(rng, hsv(rng.uniform(0.2, 0.45), 0.6, 0.4)), 0.85)
    x, y, size, side = (
        rng.uniform(0.4, 0.6),
        rng.uniform(0.35, 0.65),
        rng.uniform(0.18, 0.3),
        rng.choice([-1, 1]),
    )
    turn, deep = rng.uniform(-0.35, 0.35), rng.uniform(0.42, 0.8)
    skin = hsv(
        rng.choice([rng.uniform(0, 0.15), rng.random()]), rng.uniform(0.3, 0.95), rng.uniform(0.7, 1.0)
    )
    second = [np.array((0.97, 0.97, 0.95)), np.array((0.1, 0.1, 0.15)), hsv(rng.random(), 0.8, 0.9)][
        rng.integers(3)
    ]
    c, s = np.cos(turn), np.sin(turn)

    def place(u, v):  # along the fish, and down it
        return x + size * (side * u * c - v * s), y + size * (side * u * s + v * c)

    def fin(colour, *corners):
        paint(canvas, polygon(*[place(u, v) for u, v in corners]), colour)

    spread, long = rng.uniform(0.4, 0.75), rng.uniform(1.45, 1.75)
    edge = skin * 0.7 + second * 0.15
    fin(edge, (-0.75, -0.05), (-long, -spread), (-long + 0.25, 0.0))
    fin(edge, (-0.75, 0.05), (-long + 0.25, 0.0), (-long, spread))
    fin(edge * 0.9, (-0.45, -deep * 0.7), (-0.25, -deep - rng.uniform(0.15, 0.5)), (0.45, -deep * 0.7))
    fin(edge * 0.85, (-0.25, deep * 0.7), (0.3, deep * 0.75), (-0.3, deep + rng.uniform(0.1, 0.35)))
    u, v = (c * (X - x) + s * (Y - y)) * side / size, (c * (Y - y) - s * (X - x)) / size
    pattern = rng.choice(["plain", "bars", "belly", "line"])
    where = {
        "plain": -np.ones_like(u),
        "bars": np.sin(u * rng.uniform(5, 10) + rng.uniform(0, 6)) - 0.3,
        "belly": v / deep - 0.1,
        "line": 0.16 - np.abs(v),
    }[pattern]
    mix = np.clip(0.5 + 5 * where, 0, 1)[..., None]
    scales = (skin * (1 - mix) + second * mix) * (1.05 - 0.35 * np.clip(v / deep, -1, 1))[..., None]
    paint(canvas, (np.hypot(u, v / deep) - 1) * size * deep, np.clip(scales, 0, 1))
    paint(canvas, disc(*place(0.62, -0.16), 0.034), np.array((0.97, 0.97, 0.95)))
    paint(canvas, disc(*place(0.64, -0.16), 0.019), np.array((0.05, 0.05, 0.08)))
    for k in range(rng.integers(0, 4)):
        bx, by = place(1.25 + 0.12 * k, -0.2)
        paint(
            canvas,
            disc(bx + rng.uniform(-0.03, 0.03), by - 0.11 * k, rng.uniform(0.012, 0.024)),
            np.array((0.9, 0.97, 1.0)),
            0.7,
        )


def night(rng, canvas):
    deep = hsv(rng.uniform(0.58, 0.78), rng.uniform(0.5, 0.9), rng.uniform(0.08, 0.25))
    t = Y[..., None] ** 1.3
    canvas[:] = np.clip(deep * (1 - t) + (deep * 1.3 + rng.uniform(0.02, 0.2)) * t, 0, 1)
    for _ in range(rng.integers(6, 30)):
        paint(
            canvas,
            disc(rng.random(), rng.random() * 0.75, rng.uniform(0.006, 0.013)),
            np.array((1.0, 1.0, 0.92)),
            rng.uniform(0.4, 1.0),
        )
    x, y, size = rng.uniform(0.15, 0.85), rng.uniform(0.14, 0.42), rng.uniform(0.08, 0.16)
    canvas += (
        0.35
        * np.exp(-((disc(x, y, 0) / (2.2 * size)) ** 2))[..., None]
        * (np.array((0.75, 0.8, 0.95)) - canvas)
    )
    behind = canvas.copy()
    pale = about(rng, [(0.97, 0.96, 0.86), (0.98, 0.85, 0.6), (0.9, 0.93, 0.97)][rng.integers(3)], 0.03)
    paint(canvas, disc(x, y, size), np.clip(pale * (0.97 + 0.09 * noise(rng, 24))[..., None], 0, 1))
    if rng.random() < 0.5:
        angle = rng.uniform(0, 2 * np.pi)
        paint(
            canvas, disc(x + 0.55 * size * np.cos(angle), y + 0.4 * size * np.sin(angle), size * 0.95), behind
        )
    if rng.random() < 0.4:
        clouds(rng, canvas, white=rng.uniform(0.15, 0.4))
    horizon = rng.uniform(0.65, 0.85)
    dark = deep * rng.uniform(0.2, 0.6)
    kind = rng.choice(["hills", "town", "firs", "lake"])
    if kind == "lake":
        ripples = sea(rng, canvas, horizon, deep * 0.6, deep * 1.3 + 0.08)
        paint(
            canvas, np.maximum(np.abs(X - x) - 0.5 * size - 2.5 * ripples, horizon - Y), pale, 0.6, blur=0.05
        )
        return
    paint(canvas, ridge(rng, horizon, rng.uniform(0.03, 0.1), 0.9) - Y, dark)
    if kind == "firs":
        for _ in range(rng.integers(3, 9)):
            u, tall = rng.random(), rng.uniform(0.15, 0.35)
            paint(
                canvas,
                polygon(
                    (u - tall * 0.28, horizon + 0.08),
                    (u, horizon + 0.08 - tall),
                    (u + tall * 0.28, horizon + 0.08),
                ),
                dark * 0.8,
            )
    if kind == "town":
        for left in np.arange(-0.02, 1, rng.uniform(0.12, 0.2)):
            wide, top = rng.uniform(0.08, 0.16), horizon - rng.uniform(0.02, 0.22)
            paint(
                canvas,
                polygon((left, top), (left + wide, top), (left + wide, 1.1), (left, 1.1)),
                dark * rng.uniform(0.6, 1.2),
            )
            for v in np.arange(top + 0.05, 0.97, 0.085):
                for u in np.arange(left + 0.03, left + wide - 0.02, 0.05):
                    if rng.random() < 0.4:
                        paint(
                            canvas,
                            box(u, v, 0.013, 0.018),
                            about(rng, (1.0, 0.85, 0.45)),
                            rng.uniform(0.5, 1.0),
                        )


PAINTERS = (sunset, house, tree, mountain, boat, balloon, flower, car, fish, night)
