"""Two-dimensional toy distributions: small enough to see all of what a GAN learns and what it misses.

Each function returns a `Toy`, which draws samples and knows its modes, where it has any:

    ring = toys.ring()                                     # eight narrow Gaussians on a circle
    samples = ring.sample(10_000, seed=0)                  # (10000, 2), float32
    train = toys.as_dataset(samples, batch_size=128)
    toys.modes_covered(gan.generate(2_500), ring)          # of 8
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf


@dataclass(frozen=True, eq=False)
class Toy:
    """A distribution on the plane.

    Attributes:
        name: what to call it in a title.
        draw: a function from (random, count) to `count` points, with `random` a `numpy.random.Generator`.
        modes: the centres of its modes, of shape (modes, 2), or None.
        std: the standard deviation around a centre, in each coordinate, or None.
    """

    name: str
    draw: Callable
    modes: np.ndarray | None = None
    std: float | None = None

    def sample(self, count, seed=None):
        """Draws points.

        Args:
            count: how many.
            seed: an integer for the same points every time; None for others each time.

        Returns:
            A NumPy array of shape (count, 2), float32.

        Raises:
            ValueError: if count is not a positive integer.
        """
        _positive_integer(count=count)
        return self.draw(np.random.default_rng(seed), count).astype("float32")


def _positive_integer(**numbers):
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise ValueError(f"{name} must be a positive integer. Received: {name}={number!r}.")


def _positive(**numbers):
    for name, number in numbers.items():
        if not 0 < number < np.inf:
            raise ValueError(f"{name} must be a positive number. Received: {name}={number!r}.")


def _not_negative(**numbers):
    for name, number in numbers.items():
        if not 0 <= number < np.inf:
            raise ValueError(f"{name} must be 0 or positive. Received: {name}={number!r}.")


def _mixture(name, centres, std):
    def draw(random, count):
        return centres[random.integers(len(centres), size=count)] + std * random.normal(size=(count, 2))

    return Toy(name, draw, centres, std)


def ring(modes=8, radius=1.0, std=0.01):
    """Gaussians of equal weight, evenly spaced on a circle: the usual test for mode collapse.

    Args:
        modes: how many.
        radius: of the circle.
        std: the standard deviation of each.

    Returns:
        A `Toy`.

    Raises:
        ValueError: if an argument is not positive.

    Reference:
        Lin et al., PacGAN, 2017, arXiv:1712.04086 (8 modes, radius 1, variance 10⁻⁴)
    """
    _positive_integer(modes=modes)
    _positive(radius=radius, std=std)
    angles = 2 * np.pi * np.arange(modes) / modes
    return _mixture(f"ring of {modes}", radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), std)


def grid(side=5, spacing=2.0, std=0.05):
    """Gaussians of equal weight on a square grid around 0.

    Args:
        side: how many in each direction; 5 makes 25 modes.
        spacing: between neighbours.
        std: the standard deviation of each.

    Returns:
        A `Toy`.

    Raises:
        ValueError: if an argument is not positive.

    Reference:
        Lin et al., PacGAN, 2017, arXiv:1712.04086 (25 modes at −4 … 4, variance 0.0025)
    """
    _positive_integer(side=side)
    _positive(spacing=spacing, std=std)
    ticks = spacing * (np.arange(side) - (side - 1) / 2)
    return _mixture(f"grid of {side**2}", np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), std)


def moons(noise=0.05):
    """Two half-circles that reach into each other: a distribution on curves, without modes.

    Args:
        noise: the standard deviation around the curves; 0 for points on them.

    Returns:
        A `Toy`.

    Raises:
        ValueError: if the noise is negative.
    """
    _not_negative(noise=noise)

    def draw(random, count):
        angles, upper = np.pi * random.random(count), random.integers(2, size=count)
        half_circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        # The lower one is the upper one turned upside down and moved by (1, ½).
        points = np.where(upper[:, None], half_circle, np.array([1.0, 0.5]) - half_circle)
        return points + noise * random.normal(size=(count, 2))

    return Toy("moons", draw)


def lines(positions=(0.0, 1.0), noise=0.0):
    """Upright segments, x at one of the positions and y ~ U[0, 1], each position equally likely.

    One segment against another, θ apart, is the example that made the case for the Wasserstein distance: they
    never overlap, and yet one can be near or far.

    Args:
        positions: where the segments stand.
        noise: the standard deviation of x around a position; 0 for points on the segments.

    Returns:
        A `Toy`.

    Raises:
        ValueError: if there is no position, or the noise is negative.

    Reference:
        Arjovsky et al., Wasserstein GAN, 2017, example 1, arXiv:1701.07875
    """
    positions = np.atleast_1d(np.asarray(positions, dtype="float64"))
    if positions.ndim != 1 or len(positions) == 0 or not np.isfinite(positions).all():
        raise ValueError(f"positions must be one or more finite numbers. Received: positions={positions!r}.")
    _not_negative(noise=noise)

    def draw(random, count):
        x = positions[random.integers(len(positions), size=count)] + noise * random.normal(size=count)
        return np.stack([x, random.random(count)], axis=1)

    return Toy(f"lines at {', '.join(f'{position:g}' for position in positions)}", draw)


def modes_covered(samples, toy, radius=3.0):
    """How many modes samples reach: those with a sample within 3 standard deviations of the centre.

    This is PacGAN's convention. A sample far from every centre covers none.

    Args:
        samples: an array of shape (count, 2).
        toy: a `Toy` with modes.
        radius: how near is near enough, in standard deviations.

    Returns:
        An integer from 0 to the number of modes.

    Raises:
        ValueError: if the samples are not points on the plane, or the toy has no modes.

    Example:
        >>> modes_covered([[1.0, 0.01], [0.0, -1.0], [0.0, 0.0]], ring())
        2

    Reference:
        Lin et al., PacGAN, 2017, arXiv:1712.04086
    """
    samples = np.asarray(samples, dtype="float64")
    if samples.ndim != 2 or samples.shape[1] != 2 or not np.isfinite(samples).all():
        raise ValueError(
            f"samples must be finite points, of shape (count, 2). Received: samples of shape {samples.shape}."
        )
    if toy.modes is None:
        raise ValueError(f"Modes are counted on a toy that has some. Received: toy={toy.name!r}. Use ring() or grid().")
    _positive(radius=radius)
    # One mode at a time: the table of all distances would be large for 25 modes and many samples.
    return sum(bool((np.linalg.norm(samples - mode, axis=1) <= radius * toy.std).any()) for mode in toy.modes)


def as_dataset(samples, batch_size=64, seed=None):
    """Samples as batches, shuffled anew in each epoch: what `GAN.fit` takes.

    Args:
        samples: an array of shape (count, …).
        batch_size: samples a batch; the last may be smaller.
        seed: an integer for the same order every time.

    Returns:
        A `tf.data.Dataset` of float32 batches.

    Raises:
        ValueError: if there are no samples, or batch_size is not a positive integer.
    """
    samples = np.asarray(samples, dtype="float32")
    if samples.ndim < 2 or len(samples) == 0:
        raise ValueError(f"samples must have shape (count, …), count > 0. Received: samples of shape {samples.shape}.")
    _positive_integer(batch_size=batch_size)
    dataset = tf.data.Dataset.from_tensor_slices(samples).shuffle(len(samples), seed=seed)
    return dataset.batch(batch_size).prefetch(2)
