"""Draws grids of images, the curves of a training, and walks through latent space.

    gl.plotting.show_images(gan.generate(25, seed=0), title="MNIST, 20 epochs")
    gl.plotting.loss_curves(history)

Every function returns a matplotlib `Figure` that pyplot does not know. A notebook shows it once, as the last expression
of a cell; `figure.savefig("name.png")` saves it; Python frees its memory when you drop the last reference.

The functions enlarge images a whole number of times and never smooth them: a checkerboard in a picture is one in the
image.
"""

import io
import math
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from gan_lessons._arguments import ROOM, integer, positive
from gan_lessons.samples import check_range, range_of

#: A colour for each role, the same in every picture, also for colour-blind eyes (Okabe and Ito, 2008).
COLOURS = {
    "real": "#0072B2",
    "generated": "#D55E00",
    "generator": "#D55E00",
    "discriminator": "#009E73",
    "penalty": "#333333",
    "reference": "#666666",
}

_DPI = 100  # one inch of figure is 100 pixels of screen
_GAP = 2  # pixels between two images
_MARGIN = 8  # pixels around everything
_WIDEST = 1200  # pixels; wider grids are scaled down
_SEEN_WELL = 72  # pixels; small images are enlarged to at least this


class Picture(Figure):
    """Makes a matplotlib figure that a notebook can show without pyplot.

    Args:
        width, height: the size in pixels of the screen.
        **kwargs: as `matplotlib.figure.Figure`.
    """

    def __init__(self, width: int, height: int, **kwargs: Any):
        super().__init__(figsize=(width / _DPI, height / _DPI), dpi=_DPI, **kwargs)

    def _repr_png_(self):
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


# --- images as pixels ------------------------------------------------------------------------------------------------


def to_pixels(images: ArrayLike, value_range: tuple[float, float] = (-1.0, 1.0)) -> np.ndarray:
    """Turns images into pixels: round(255·(x − low)/(high − low)).

    Args:
        images: an array of shape (n, height, width, channels), with 1 channel (grey) or 3 (red, green, blue),
            of floats in `value_range`, or of uint8, which are pixels already.
        value_range: (low, high), the values of black and white.

    Returns:
        A uint8 array of the same shape.

    Raises:
        TypeError: for integers other than uint8, or if images is not an array.
        ValueError: for another shape, no image, a NaN, or a value outside the range.

    Example:
        >>> to_pixels(np.array([-1.0, 0.0, 1.0]).reshape(3, 1, 1, 1)).ravel()
        array([  0, 128, 255], dtype=uint8)
    """
    low, high = check_range(value_range)
    images = np.asarray(images)
    if images.dtype != np.uint8 and "float" not in str(images.dtype):
        raise TypeError(
            "Images must be floats in value_range, or uint8 pixels. "
            f"Received: images with dtype {images.dtype}. For pixels 0 … 255: images.astype('uint8')."
        )
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        hint = {
            2: "For a single grey image: image[None, ..., None].",
            3: "For a single image: image[None]; for grey images without the channel axis: images[..., None].",
            4: "Pick 1 channel (grey) or 3 (red, green, blue): images[..., :3].",
        }.get(images.ndim, "Stack the images along the first axis.")
        raise ValueError(
            "Images must have shape (n, height, width, channels) with 1 or 3 channels. "
            f"Received: images of shape {images.shape}. {hint}"
        )
    if images.size == 0:
        raise ValueError(f"There must be at least one image. Received: images of shape {images.shape}.")
    if images.dtype == np.uint8:
        return images
    images = images.astype("float64")
    if not np.isfinite(images).all():
        bad = int((~np.isfinite(images)).any(axis=(1, 2, 3)).sum())
        raise ValueError(
            f"Images must be finite. Received: images with NaN or infinity in {bad} of {len(images)}. "
            "If a generator made them, its training has diverged."
        )
    room = ROOM * (high - low)
    if images.min() < low - room or images.max() > high + room:
        raise ValueError(
            f"Images must lie in value_range. Received: values from {images.min():g} to {images.max():g}, "
            f"value_range=({low:g}, {high:g}). Give the images' own range, such as "
            "value_range=(0, 255), or clip them: numpy.clip(images, -1, 1)."
        )
    return np.rint(np.clip((images - low) / (high - low), 0, 1) * 255).astype("uint8")


def image_grid(
    images: ArrayLike,
    columns: int | None = None,
    value_range: tuple[float, float] = (-1.0, 1.0),
    zoom: int = 1,
    gap: int = _GAP,
    row_gap: int | None = None,
) -> np.ndarray:
    """Puts images side by side in rows, left to right and top to bottom, on white.

    Args:
        images: as in `to_pixels`.
        columns: the number of images in a row; by default about as many as there are rows.
        value_range: (low, high), the values of black and white.
        zoom: the number of pixels that a pixel becomes, in both directions.
        gap: white pixels between two columns.
        row_gap: white pixels between two rows; by default `gap`.

    Returns:
        A uint8 array of shape (height, width, channels).

    Raises:
        TypeError, ValueError: as `to_pixels`, and for counts that are not positive integers.

    Example:
        >>> image_grid(gan.generate(25), zoom=2).shape    # five images of 28·2 pixels and four gaps of 2
        (288, 288, 1)
    """
    pixels = to_pixels(images, value_range)
    columns = _columns(columns, len(pixels))
    zoom = integer("zoom", zoom)
    gap = integer("gap", gap, least=0)
    row_gap = gap if row_gap is None else integer("row_gap", row_gap, least=0)

    pixels = pixels.repeat(zoom, axis=1).repeat(zoom, axis=2)
    _, height, width, channels = pixels.shape
    rows = math.ceil(len(pixels) / columns)
    grid = np.full((rows * (height + row_gap) - row_gap, columns * (width + gap) - gap, channels), 255, "uint8")
    for index, image in enumerate(pixels):
        row, column = divmod(index, columns)
        top, left = row * (height + row_gap), column * (width + gap)
        grid[top : top + height, left : left + width] = image
    return grid


# --- pictures of images ----------------------------------------------------------------------------------------------


def show_images(
    images: ArrayLike,
    columns: int | None = None,
    title: str | None = None,
    captions: Iterable[Any] | str | None = None,
    scale: float = 1.0,
    value_range: tuple[float, float] = (-1.0, 1.0),
) -> Picture:
    """Shows images in a grid.

    Args:
        images: as in `to_pixels`.
        columns: the number of images in a row; by default about as many as there are rows.
        title: the text above the picture; name the data set.
        captions: a short text for each image, below it.
        scale: 2 for twice as large.
        value_range: (low, high), the values of black and white.

    Returns:
        A matplotlib `Figure`.

    Raises:
        TypeError, ValueError: as `to_pixels`, and for counts that do not fit.

    Example:
        >>> show_images(gan.generate(10, seed=0), columns=10, title="MNIST, generated")
    """
    pixels = to_pixels(images, value_range)
    if captions is not None:
        captions = [captions] if isinstance(captions, str) else list(map(str, captions))
        if len(captions) != len(pixels):
            raise ValueError(
                f"captions must be as many as images. Received: {len(captions)} captions, {len(pixels)} images."
            )
    return _lay_out(pixels, _columns(columns, len(pixels)), title, scale, captions=captions)


def image_rows(
    rows: Mapping[Any, ArrayLike],
    title: str | None = None,
    scale: float = 1.0,
    value_range: tuple[float, float] = (-1.0, 1.0),
) -> Picture:
    """Shows rows of images to compare, each with its name at the left.

    Args:
        rows: a dictionary from a row's name to its images, which are as in `to_pixels`; all rows of the same shape.
        title: the text above the picture; name the data set.
        scale: 2 for twice as large.
        value_range: (low, high), the values of black and white.

    Returns:
        A matplotlib `Figure`.

    Raises:
        TypeError, ValueError: as `to_pixels`, and for rows of different shapes.

    Example:
        >>> image_rows({"epoch 1": early, "epoch 20": late}, title="MNIST, the same latents")
    """
    if not isinstance(rows, Mapping) or not rows:
        raise ValueError(
            "rows must be a dictionary from names to images, with at least one row. "
            f"Received: rows of type {type(rows).__name__}. For images without names: show_images(images)."
        )
    pixels = {str(name): to_pixels(images, value_range) for name, images in rows.items()}
    shapes = {name: row.shape for name, row in pixels.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"All rows must have the same number of images of the same shape. Received: {shapes}.")
    columns = len(next(iter(pixels.values())))
    return _lay_out(np.concatenate(list(pixels.values())), columns, title, scale, labels=list(pixels))


def nearest_neighbours(
    samples: ArrayLike,
    neighbours: ArrayLike,
    title: str | None = None,
    scale: float = 1.0,
    value_range: tuple[float, float] = (-1.0, 1.0),
) -> Picture:
    """Shows generated images above the training images that are nearest to them, to find copies.

    A copied image looks like the image below it. An image that is no copy is near to several and equal to none.

    Args:
        samples: generated images, as in `to_pixels`.
        neighbours: the nearest training image of each, of the same shape; or of shape (n, k, height, width,
            channels) for the k nearest, nearest first.
        title: the text above the picture; name the data set and the distance.
        scale: 2 for twice as large.
        value_range: (low, high), the values of black and white.

    Returns:
        A matplotlib `Figure`.

    Raises:
        TypeError, ValueError: as `image_rows`.

    Example:
        >>> nearest_neighbours(samples, train_images[nearest], title="MNIST, nearest by Euclidean distance")
    """
    neighbours = np.asarray(neighbours)
    if neighbours.ndim == 5:
        names = [
            f"{rank}{_ordinal(rank)} nearest" if rank > 1 else "nearest" for rank in range(1, neighbours.shape[1] + 1)
        ]
        rows = {name: neighbours[:, index] for index, name in enumerate(names)}
    else:
        rows = {"nearest": neighbours}
    return image_rows({"generated": samples} | rows, title, scale, value_range)


def latent_path(start: ArrayLike, end: ArrayLike, steps: int, spherical: bool = True) -> np.ndarray:
    """Returns points on the way from a latent to another, both ends included.

    The straight way is (1 − t)·start + t·end. The spherical way is an arc around the origin,

        sin((1 − t)·ω)/sin(ω) · start + sin(t·ω)/sin(ω) · end,    ω the angle between the two.

    Use the arc for latents from N(0, I). In d dimensions their length is close to √d, with a standard deviation of only
    about 0.7, so that all of them lie near a sphere. Two of them are nearly at right angles, and the middle of the
    straight way is only √(d/2) long: the generator was never trained on such latents.

    Args:
        start, end: latents of shape (latent_dim,), or (n, latent_dim) for n paths.
        steps: the number of points, at least 2.
        spherical: the arc, or the straight line.

    Returns:
        A float32 array of shape (steps, latent_dim), or (n, steps, latent_dim).

    Raises:
        TypeError: if steps is not an integer.
        ValueError: for shapes that differ, or fewer than 2 steps.

    Example:
        >>> latent_path([1.0, 0.0], [0.0, 1.0], steps=3)
        array([[1.   , 0.   ], [0.707, 0.707], [0.   , 1.   ]], dtype=float32)

    Reference:
        White, Sampling Generative Networks, 2016, arXiv:1609.04468
    """
    start, end = np.asarray(start, "float64"), np.asarray(end, "float64")
    if start.shape != end.shape or start.ndim not in (1, 2) or start.size == 0:
        raise ValueError(
            "start and end must both have shape (latent_dim,) or (n, latent_dim). "
            f"Received: start of shape {start.shape}, end of shape {end.shape}."
        )
    t = np.linspace(0.0, 1.0, integer("steps", steps, least=2))[:, None]  # (steps, 1)
    start, end = start[..., None, :], end[..., None, :]  # (…, 1, latent_dim)
    weights = 1.0 - t, t
    if spherical:
        lengths = np.linalg.norm(start, axis=-1, keepdims=True) * np.linalg.norm(end, axis=-1, keepdims=True)
        cosine = np.sum(start * end, axis=-1, keepdims=True) / np.maximum(lengths, 1e-300)
        angle = np.arccos(np.clip(cosine, -1.0, 1.0))
        sine = np.sin(angle)
        # Latents on a line through the origin have no arc between them: use the straight way.
        curved = (sine > 1e-6) & (lengths > 0)
        sine = np.where(curved, sine, 1.0)
        weights = [np.where(curved, np.sin(weight * angle) / sine, weight) for weight in weights]
    return (weights[0] * start + weights[1] * end).astype("float32")


def interpolation(
    gan: keras.Model,
    rows: int = 4,
    steps: int = 10,
    seed: int | None = 0,
    spherical: bool = True,
    title: str | None = None,
    scale: float = 1.0,
) -> Picture:
    """Shows the images of a generator on the way between pairs of latents, a pair in each row.

    Images that change smoothly, and are good all the way, are a sign that the generator has not learnt a list of images
    by heart. `latent_path` defines the two ways.

    Args:
        gan: a model with `generate(latents=…)` and `sample_latents(count, seed)`, such as `gan_lessons.GAN`.
        rows: the number of pairs.
        steps: the number of images on the way, both ends included.
        seed: an integer for the same pairs in each call; None for others in each call.
        spherical: along an arc around the origin; False for the straight line.
        title: the text above the picture; name the data set.
        scale: 2 for twice as large.

    Returns:
        A matplotlib `Figure`.

    Raises:
        TypeError: if the model cannot generate from latents, or a count is not an integer.
        ValueError: for counts that are too small.

    Example:
        >>> interpolation(gan, rows=3, title="MNIST, from digit to digit")
    """
    rows, steps = integer("rows", rows), integer("steps", steps, least=2)
    if not all(callable(getattr(gan, method, None)) for method in ("generate", "sample_latents")):
        raise TypeError(
            "gan must have the methods generate(latents=…) and sample_latents(count, seed), as gan_lessons.GAN has. "
            f"Received: gan of type {type(gan).__name__}. Show samples of other models with show_images(samples)."
        )
    ends = np.asarray(gan.sample_latents(2 * rows, seed=seed))
    paths = latent_path(ends[:rows], ends[rows:], steps, spherical)  # (rows, steps, latent_dim)
    low, high = range_of(gan)
    images = np.clip(gan.generate(latents=paths.reshape(rows * steps, -1)), low, high)
    return _lay_out(to_pixels(images, (low, high)), steps, title, scale)


def _lay_out(pixels, columns, title=None, scale=1.0, captions=None, labels=None):
    """Returns a figure on which each pixel covers a whole number of screen pixels. Sizes here are in screen pixels."""
    scale = positive("scale", scale)
    _, height, width, _ = pixels.shape
    zoom = max(1, math.ceil(_SEEN_WELL * scale / width - 1e-9))
    zoom = max(1, min(zoom, int(_WIDEST * scale / (columns * width))))
    shrink = min(1.0, _WIDEST * scale / (columns * (width * zoom + _GAP)))  # large images become smaller

    small = 13  # a line of small text
    wrapped = [textwrap.fill(caption, max(4, int(width * zoom * shrink / 6.5))) for caption in captions or []]
    below = max((small * (1 + text.count("\n")) + 4 for text in wrapped), default=0)
    labels = [textwrap.fill(label, 24) for label in labels or []]
    left = max((8 * len(line) + 6 for label in labels for line in label.splitlines()), default=0)

    row_gap = _GAP + math.ceil(below / shrink)
    grid = image_grid(pixels, columns, zoom=zoom, row_gap=row_gap)
    grid_height, grid_width = grid.shape[0] * shrink, grid.shape[1] * shrink
    inner = max(left + grid_width, 280 if title else 0)
    title = "\n".join(textwrap.fill(line, int(inner / 8.7)) for line in title.splitlines()) if title else ""
    above = 20 * len(title.splitlines()) + 4 if title else 0
    full_width = math.ceil(inner + 2 * _MARGIN)
    full_height = math.ceil(above + grid_height + below + 2 * _MARGIN)

    figure = Picture(full_width, full_height)
    x = _MARGIN + left + int((inner - left - grid_width) / 2)
    y = _MARGIN + below  # matplotlib counts from the bottom
    axes = figure.add_axes((x / full_width, y / full_height, grid_width / full_width, grid_height / full_height))
    axes.set_axis_off()
    axes.imshow(
        np.broadcast_to(grid, (*grid.shape[:2], 3)),  # a colour map would change some greys by 1
        aspect="auto",
        extent=(0, grid_width, grid_height, 0),
        interpolation="nearest" if shrink == 1 else "antialiased",
    )
    row_height, column_width = (height * zoom + row_gap) * shrink, (width * zoom + _GAP) * shrink
    for index, text in enumerate(wrapped):
        row, column = divmod(index, columns)
        place = (
            column * column_width + width * zoom * shrink / 2,
            row * row_height + height * zoom * shrink + 3,
        )
        axes.text(*place, text, fontsize=7.5, ha="center", va="top", clip_on=False)
    for row, text in enumerate(labels):
        place = (-8, row * row_height + height * zoom * shrink / 2)
        axes.text(*place, text, fontsize=9, ha="right", va="center", clip_on=False)
    if title:
        figure.text(0.5, 1 - (_MARGIN - 2) / full_height, title, fontsize=11, ha="center", va="top")
    return figure


# --- curves ----------------------------------------------------------------------------------------------------------


def loss_curves(history: Any, title: str | None = None) -> Picture:
    """Draws both players' losses over the epochs.

    Thin lines mark the losses of a D that cannot tell real from generated and outputs ½ everywhere: D's loss is then
    2·log 2 = 1.386, and G's is log 2 = 0.693 in the non-saturating game and −log 2 in the minimax game. A loss that
    stays there does not prove success: D may be too weak to see a difference. Under a penalty, or a Wasserstein
    objective, the losses have no such value, and the picture no line.

    Args:
        history: the return value of `fit`, a dictionary of lists such as its `history`, or a pandas table of a
            CSVLogger file. An entry "epoch" counts from 0, as in Keras.
        title: the text above the picture; name the data set.

    Returns:
        A matplotlib `Figure`. Losses on validation data, if the history has them for every epoch, are dashed.

    Raises:
        TypeError: if the history is none of these.
        ValueError: if it is empty, or lacks the losses of a GAN.

    Example:
        >>> loss_curves(gan.fit(train, epochs=20), title=train.info.title)
    """
    epochs, values = _history(history, ("d_loss", "g_loss"))
    figure, axes = _epoch_axes(epochs, title, "loss")
    _curve(axes, epochs, values, "d_loss", "discriminator (d_loss)", COLOURS["discriminator"])
    _curve(axes, epochs, values, "g_loss", "generator (g_loss)", COLOURS["generator"])
    if "penalty" in values:
        _curve(axes, epochs, values, "penalty", "penalty, part of d_loss", COLOURS["penalty"])
    if "d_real" in values and "penalty" not in values:
        _reference(axes, 2 * math.log(2), "2 log 2", COLOURS["discriminator"])
        # The sign tells the game: log(1 − D) is never positive, −log D never negative.
        if np.nanmax(values["g_loss"], initial=-np.inf) <= 0:
            _reference(axes, -math.log(2), "−log 2", COLOURS["generator"])
        else:
            _reference(axes, math.log(2), "log 2", COLOURS["generator"])
    axes.legend(fontsize=9, edgecolor="none", framealpha=0.85)
    return figure


def discriminator_curves(history: Any, title: str | None = None) -> Picture:
    """Draws the discriminator's mean output on real and on generated images, over the epochs.

    For minimax and non-saturating objectives the output is D(x), a probability: 1 on real and 0 on generated images for
    a D that tells them apart, ½ on both (the thin line) for a D that cannot. For Wasserstein the picture shows the
    critic's estimate of the distance, E[D(x)] − E[D(G(z))], which falls towards 0 as the generator gets better. For least
    squares and the hinge it shows D's mean outputs, which are no probabilities, and for relativistic objectives how surely
    D prefers a real image to a generated one.

    Args:
        history: as in `loss_curves`.
        title: the text above the picture; name the data set.

    Returns:
        A matplotlib `Figure`. Outputs on validation data, if the history has them for every epoch, are dashed.

    Raises:
        TypeError: if the history is none of these.
        ValueError: if it is empty, or its objective logs none of these.

    Example:
        >>> discriminator_curves(gan.fit(train, epochs=20), title=train.info.title)
    """
    entries = _entries(history).keys()
    shown = next((shown for shown in _LOGGED if set(shown.curves) <= set(entries)), _LOGGED[0])
    epochs, values = _history(history, tuple(shown.curves))
    figure, axes = _epoch_axes(epochs, title, shown.ylabel)
    for name, (label, colour) in shown.curves.items():
        _curve(axes, epochs, values, name, label, COLOURS[colour])
    if shown.undecided is not None:
        _reference(axes, *shown.undecided, COLOURS["reference"])
    if shown.is_probability:
        axes.set_ylim(-0.02, 1.02)
    axes.legend(fontsize=9, edgecolor="none", framealpha=0.85)
    return figure


class _Logged(NamedTuple):
    """How what objectives log is drawn: the curves by name, and the output of a D that cannot tell, if it is known."""

    curves: dict
    ylabel: str
    undecided: tuple | None = None
    is_probability: bool = False


_ON_REAL, _ON_GENERATED = ("on real images, D(x)", "real"), ("on generated images, D(G(z))", "generated")
_PREFERS = "how surely D prefers real to generated"
_LOGGED = (
    _Logged({"d_real": _ON_REAL, "d_fake": _ON_GENERATED}, "D's mean output", (0.5, "½"), is_probability=True),
    _Logged({"output_real": _ON_REAL, "output_fake": _ON_GENERATED}, "D's mean output"),
    _Logged({"prefers_real": (_PREFERS, "discriminator")}, "mean probability", (0.5, "½"), is_probability=True),
    _Logged({"distance": ("the critic's distance", "discriminator")}, "E[D(x)] − E[D(G(z))]", (0.0, "0")),
)


def _entries(history):
    """Returns the dictionary of a `History`, or the dictionary or table itself."""
    entries = getattr(history, "history", history)
    if not hasattr(entries, "keys") or not hasattr(entries, "__getitem__"):
        raise TypeError(
            "history must be the return value of fit(), or a dictionary of lists. "
            f"Received: history of type {type(history).__name__}."
        )
    return entries


def _history(history, needed):
    """Returns (epochs counted from 1, arrays of values by name); refuses a history without the names needed."""
    entries = _entries(history)
    values = {key: np.atleast_1d(np.asarray(entries[key], "float64")) for key in entries.keys() if key != "epoch"}
    if missing := [name for name in needed if name not in values]:
        raise ValueError(
            f"history must have the entries {', '.join(needed)}. "
            f"Received: {', '.join(map(str, values)) or 'no entry'}, without {', '.join(missing)}. "
            "Pass the return value of GAN.fit(): it has the losses, and whatever the objective logs."
        )
    length = len(values[needed[0]])
    if length == 0:
        raise ValueError("history must have at least one epoch. Received: a history without epochs.")
    epochs = entries["epoch"] if "epoch" in entries.keys() else getattr(history, "epoch", ())
    if len(epochs) != length:
        epochs = range(length)
    return np.asarray(epochs, dtype=int) + 1, values


def _epoch_axes(epochs, title, ylabel):
    figure = Picture(700, 380, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("epoch")
    axes.set_ylabel(ylabel)
    if title:
        axes.set_title("\n".join(textwrap.fill(line, 72) for line in title.splitlines()), fontsize=11)
    first, last = int(epochs[0]), int(epochs[-1])
    margin = max(0.5 if first == last else 0.0, 0.02 * (last - first))
    axes.set_xlim(first - margin, last + margin)
    ticks = [
        int(tick)
        for tick in MaxNLocator(10, integer=True, steps=[1, 2, 5, 10]).tick_values(first, last)
        if first <= tick <= last
    ]
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1
    axes.set_xticks([first] + [tick for tick in ticks if tick - first >= 0.75 * step])
    return figure, axes


def _curve(axes, epochs, values, name, label, colour):
    # Mark the points of a short line; a single point is visible only by its mark.
    marker = "o" if len(epochs) <= 20 else "none"
    for key, style, end, inside in ((name, "-", "", colour), (f"val_{name}", "--", ", validation", "white")):
        if len(values.get(key, ())) == len(epochs):
            (line,) = axes.plot(epochs, values[key], style, color=colour, linewidth=1.8, label=label + end)
            line.set(marker=marker, markersize=4.5, markerfacecolor=inside)


def _reference(axes, value, text, colour):
    axes.axhline(value, color=colour, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
    axes.annotate(
        text,
        (1, value),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        color=colour,
    )


# --- arguments -------------------------------------------------------------------------------------------------------


def _columns(columns, count):
    """Returns the columns that were asked for, or a number that fills a grid which is not far from square."""
    if columns is not None:
        return min(integer("columns", columns), count)
    side = math.ceil(math.sqrt(count))
    return next((number for number in range(side, 2 * side + 1) if count % number == 0), side)


def _ordinal(number):
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
