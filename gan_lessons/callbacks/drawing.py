"""Turns samples of any shape into one picture, with text above it.

| a sample | is drawn as |
| --- | --- |
| (height, width, channels), 1, 3 or 4 channels | an image; transparent pixels are laid over white |
| (frames, height, width, channels) | a row of frames, or of slices of a volume |
| (columns,), a row of a table | a point: the first column to the right, the second upwards |
| (steps, channels), a series, up to 8 channels | lines over the steps, one colour a channel |
| (height, width), more than 8 columns | a grey image |
"""

import io
import math
import textwrap
from pathlib import Path

import keras
import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from gan_lessons import plotting

_MARGIN = 8  # pixels around a picture
_LINE = 18  # pixels from one line of text to the next
_NARROWEST = 240  # pixels, so that there is room for text
_WIDEST = 1200  # pixels, up to which small images are enlarged
_PLOT = 400  # pixels, the sides of a plot
_MOST_LINES = 8  # more channels than these cannot be told apart as lines


def lay_out(samples, value_range: tuple[float, float], smallest: int) -> tuple[np.ndarray, int, int]:
    """Lays samples out on white.

    A picture must not end a training: values outside the range are clipped, and a NaN is black.

    Args:
        samples: an array (n, …) whose shape stands in the table above, of floats in `value_range` or of uint8 pixels;
            or a list of such arrays of one shape, of which each is a row.
        value_range: (low, high), the values of black and white. The axes of a plot span at least this range.
        smallest: pixels; narrower images are enlarged to at least this width.

    Returns:
        The picture, a uint8 array (height, width, 1 or 3); how many samples it has; and how many of them have a NaN or
        an infinity.

    Raises:
        TypeError, ValueError: for what cannot be drawn.
    """
    columns = None
    if isinstance(samples, (list, tuple)):
        rows = [keras.ops.convert_to_numpy(row) for row in samples]
        if len({row.shape for row in rows}) != 1:
            shapes = ", ".join(str(row.shape) for row in rows) or "no row"
            raise ValueError(f"All rows must have the same number of samples of the same shape. Received: {shapes}.")
        columns, samples = rows[0].shape[0], np.concatenate(rows)
    samples = keras.ops.convert_to_numpy(samples)
    shape, rank = samples.shape[1:], samples.ndim - 1
    if samples.size == 0:
        raise ValueError(f"There must be at least one sample. Received: samples of shape {samples.shape}.")
    count = len(samples)
    if "float" in samples.dtype.name:
        samples = samples.astype("float64")
    broken = int((~np.isfinite(samples)).reshape(count, -1).any(axis=1).sum())

    if rank == 1:
        return _plot(samples, value_range), count, broken
    if rank == 2 and shape[-1] <= _MOST_LINES:
        return _plot(samples, value_range), count, broken
    if rank == 2:
        samples = samples[..., None]
    elif rank == 4:
        columns = shape[0]
        samples = samples.reshape(-1, *shape[1:])
    if samples.ndim != 4 or samples.shape[-1] not in (1, 3, 4):
        raise ValueError(
            "Samples must be images (height, width, channels) with 1, 3 or 4 channels, videos (frames, height, width, "
            f"channels), series (steps, channels) or rows of a table (columns,). Received: samples of shape {shape}."
        )
    return _images(samples, value_range, columns, smallest), count, broken


def _images(images, value_range, columns, smallest):
    low, high = value_range
    if images.dtype == np.uint8:
        low, high, images = 0.0, 255.0, images.astype("float64")
    if images.dtype == np.float64:  # other kinds of numbers `image_grid` refuses, by name
        images = np.clip(np.nan_to_num(images, nan=low), low, high)
        if images.shape[-1] == 4:
            opaque = (images[..., 3:] - low) / (high - low)
            images = opaque * images[..., :3] + (1 - opaque) * high
    width = images.shape[2]
    in_a_row = columns or math.ceil(math.sqrt(len(images)))
    zoom = max(1, min(math.ceil(smallest / width), _WIDEST // (in_a_row * width)))
    return plotting.image_grid(images, columns, value_range=(low, high), zoom=zoom)


def _plot(samples, value_range):
    """Rows of a table as points, or series as lines: a uint8 array, always of one size."""
    if samples.ndim == 2:
        samples = samples[:, :2]
    finite = samples[np.isfinite(samples)]
    low = min(value_range[0], finite.min(initial=value_range[0]))
    high = max(value_range[1], finite.max(initial=value_range[1]))
    room = 0.05 * (high - low)
    figure = Figure(figsize=(_PLOT / 100, _PLOT / 100), dpi=100)
    axes = figure.add_axes((0.13, 0.08, 0.84, 0.89))
    axes.set_ylim(low - room, high + room)
    axes.tick_params(labelsize=8)
    if samples.ndim == 2:
        up = samples[:, 1] if samples.shape[1] > 1 else np.zeros(len(samples))
        axes.set_xlim(low - room, high + room)
        axes.scatter(samples[:, 0], up, s=12, alpha=0.7, linewidths=0, color=plotting.COLOURS["generated"])
    else:
        axes.xaxis.get_major_locator().set_params(integer=True)
        for channel in range(samples.shape[2]):
            axes.plot(samples[:, :, channel].T, color=f"C{channel}", linewidth=0.8, alpha=0.7)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def captioned(grid: np.ndarray, title: str | None, caption: str) -> Image.Image:
    """Returns a picture with text above it; grey (mode L) if the picture is.

    Args:
        grid: a uint8 array (height, width, 1 or 3).
        title, caption: lines of text; long ones are wrapped.
    """
    mode = "L" if grid.shape[-1] == 1 else "RGB"
    inner = max(grid.shape[1], _NARROWEST)
    # matplotlib brings this font along, and the other pictures have it too.
    font = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), 13)
    lines = [line for text in (title, caption) if text for line in _wrapped(str(text), font, inner)]
    above = _MARGIN + _LINE * len(lines) + 4
    picture = Image.new(mode, (inner + 2 * _MARGIN, above + grid.shape[0] + _MARGIN), "white")
    draw = ImageDraw.Draw(picture)
    for index, line in enumerate(lines):
        draw.text((picture.width / 2, _MARGIN + _LINE * index), line, fill="black", font=font, anchor="ma")
    images = Image.fromarray(grid[..., 0] if mode == "L" else grid)
    picture.paste(images, ((picture.width - images.width) // 2, above))
    return picture


def _wrapped(text, font, width):
    """Lines of about `width` pixels. `textwrap` counts letters: they get the text's mean width, and a tenth more."""
    lines = []
    for part in text.splitlines():
        letter = 1.1 * font.getlength(part) / max(1, len(part))
        lines += textwrap.wrap(part, max(1, int(width / max(1, letter))))
    return lines


def png(picture: Image.Image) -> bytes:
    """Returns a picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
