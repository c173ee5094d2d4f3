"""Defines two-dimensional toy distributions, on which you can see all that a GAN learns and misses.

Each function returns a `Toy`, which draws samples and has a list of its modes:

    ring = toys.ring()                                     # eight narrow Gaussians on a circle
    samples = ring.sample(10_000, seed=0)                  # (10000, 2), float32
    train = toys.as_dataset(samples, batch_size=128)
    toys.modes_covered(gan.generate(2_500), ring)          # of 8
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from gan_lessons import stacked
from gan_lessons._arguments import integer, not_negative, positive


@dataclass(frozen=True, eq=False)
class Toy:
    """Describes a distribution on the plane.

    Attributes:
        name: its name, for titles.
        draw: a function from (random, count) to `count` points, with `random` a `numpy.random.Generator`.
        modes: the centres of its modes, of shape (modes, 2); None for a distribution without modes.
        std: the standard deviation around a centre, in each coordinate; None without modes.
    """

    name: str
    draw: Callable[[np.random.Generator, int], np.ndarray]
    modes: np.ndarray | None = None
    std: float | None = None

    @property
    def scale(self) -> float:
        """The largest coordinate of a centre: points divided by it lie about in [−1, 1]. 1 without modes."""
        return 1.0 if self.modes is None else float(np.abs(self.modes).max())

    def sample(self, count: int, seed: int | None = None) -> np.ndarray:
        """Draws points.

        Args:
            count: the number of points.
            seed: an integer for the same points in each call; None for others in each call.

        Returns:
            A NumPy array of shape (count, 2), float32.

        Raises:
            TypeError: if count is not an integer.
            ValueError: if count is below 1.

        Example:
            >>> ring().sample(10_000, seed=0).shape
            (10000, 2)
        """
        count = integer("count", count)
        return self.draw(np.random.default_rng(seed), count).astype("float32")


def _mixture(name, centres, std):
    def draw(random, count):
        return centres[random.integers(len(centres), size=count)] + std * random.normal(size=(count, 2))

    return Toy(name, draw, centres, std)


def ring(modes: int = 8, radius: float = 1.0, std: float = 0.01) -> Toy:
    """Returns a mixture of Gaussians of equal weight, evenly spaced on a circle: the usual test for mode collapse.

    Args:
        modes: the number of Gaussians.
        radius: the radius of the circle.
        std: the standard deviation of each Gaussian.

    Raises:
        TypeError: if modes is not an integer.
        ValueError: if an argument is not positive.

    Example:
        >>> ring(modes=8).modes.shape
        (8, 2)

    Reference:
        Lin et al., PacGAN, 2017, arXiv:1712.04086 (8 modes, radius 1, variance 10⁻⁴)
    """
    modes, radius, std = integer("modes", modes), positive("radius", radius), positive("std", std)
    angles = 2 * np.pi * np.arange(modes) / modes
    return _mixture(f"ring of {modes}", radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), std)


def grid(side: int = 5, spacing: float = 2.0, std: float = 0.05) -> Toy:
    """Returns a mixture of Gaussians of equal weight on a square grid around 0.

    Args:
        side: the number of Gaussians in each direction; 5 makes 25 modes.
        spacing: the distance between neighbours.
        std: the standard deviation of each Gaussian.

    Raises:
        TypeError: if side is not an integer.
        ValueError: if an argument is not positive.

    Example:
        >>> grid(side=5).modes.shape
        (25, 2)

    Reference:
        Lin et al., PacGAN, 2017, arXiv:1712.04086 (25 modes at −4 … 4, variance 0.0025)
    """
    side, spacing, std = integer("side", side), positive("spacing", spacing), positive("std", std)
    ticks = spacing * (np.arange(side) - (side - 1) / 2)
    return _mixture(f"grid of {side**2}", np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), std)


def moons(noise: float = 0.05) -> Toy:
    """Returns a distribution on two half-circles that reach into each other, without modes.

    Args:
        noise: the standard deviation around the curves; 0 for points on them.

    Raises:
        ValueError: if the noise is negative.

    Example:
        >>> moons(noise=0.1).sample(500, seed=0).shape
        (500, 2)
    """
    noise = not_negative("noise", noise)

    def draw(random, count):
        angles, upper = np.pi * random.random(count), random.integers(2, size=count)
        half_circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        # The lower one is the upper one turned upside down and moved by (1, ½).
        points = np.where(upper[:, None], half_circle, np.array([1.0, 0.5]) - half_circle)
        return points + noise * random.normal(size=(count, 2))

    return Toy("moons", draw)


def lines(positions: ArrayLike = (0.0, 1.0), noise: float = 0.0) -> Toy:
    """Returns a distribution on upright segments: x at one of the positions, equally likely, and y ~ U[0, 1].

    Two segments at a distance θ are the example that the paper argues with for the Wasserstein distance: they never
    overlap, yet they can be near or far.

    Args:
        positions: the x of each segment.
        noise: the standard deviation of x around a position; 0 for points on the segments.

    Raises:
        ValueError: if positions is empty, or the noise is negative.

    Example:
        >>> lines(positions=(0.0, 0.5)).sample(100, seed=0)[:, 0].max()
        0.5

    Reference:
        Arjovsky et al., Wasserstein GAN, 2017, example 1, arXiv:1701.07875
    """
    positions = np.atleast_1d(np.asarray(positions, dtype="float64"))
    if positions.ndim != 1 or len(positions) == 0 or not np.isfinite(positions).all():
        raise ValueError(f"positions must be finite numbers, at least one. Received: positions={positions!r}.")
    noise = not_negative("noise", noise)

    def draw(random, count):
        x = positions[random.integers(len(positions), size=count)] + noise * random.normal(size=count)
        return np.stack([x, random.random(count)], axis=1)

    return Toy(f"lines at {', '.join(f'{position:g}' for position in positions)}", draw)


def modes_covered(samples: ArrayLike, toy: Toy, radius: float = 3.0) -> int:
    """Returns the number of modes with a sample within 3 standard deviations of their centre, as PacGAN counts them.

    Args:
        samples: an array of shape (count, 2).
        toy: a `Toy` with modes.
        radius: the largest distance to a centre, in standard deviations.

    Raises:
        ValueError: if the samples are not points on the plane, or the toy has no modes.

    Example:
        >>> modes_covered([[1.0, 0.01], [0.0, -1.0], [0.0, 0.0]], ring())
        2

    Reference:
        Lin et al., PacGAN, 2017, arXiv:1712.04086
    """
    return int(_near(samples, toy, radius).any(axis=1).sum())


def share_on_modes(samples: ArrayLike, toy: Toy, radius: float = 3.0) -> float:
    """Returns the share of samples within 3 standard deviations of a mode's centre.

    `modes_covered` counts a mode for one sample near it, so that a cloud over the whole plane covers all modes. The
    share tells that cloud from samples of the distribution, which have 1 − exp(−radius²/2), 0.989 at 3.

    Args:
        samples, toy, radius: as in `modes_covered`.

    Raises:
        ValueError: as `modes_covered`.

    Example:
        >>> share_on_modes([[1.0, 0.01], [0.0, -1.0], [0.0, 0.0], [0.5, 0.5]], ring())
        0.5
    """
    return float(_near(samples, toy, radius).any(axis=0).mean())


def reverse_kl(samples: ArrayLike, toy: Toy) -> float:
    """Returns KL(p_g ‖ uniform) over the modes, in nats, each sample counted for the mode that it is nearest to.

    0 if all modes have equally many samples, log(modes) if one has all. It says nothing of how near the samples are.

    Args:
        samples, toy: as in `modes_covered`.

    Raises:
        ValueError: as `modes_covered`.

    Example:
        >>> reverse_kl([[1.0, 0.0], [0.9, 0.0]], ring(modes=8))      # all on one of eight: log 8
        2.0794

    Reference:
        Lin et al., PacGAN, 2017, arXiv:1712.04086
    """
    nearest = _distances(samples, toy).argmin(axis=0)
    return stacked.reverse_kl(np.bincount(nearest, minlength=len(toy.modes)))


def _near(samples, toy, radius):
    """Whether each sample lies near each mode: a boolean array of shape (modes, count)."""
    return _distances(samples, toy) <= positive("radius", radius) * toy.std


def _distances(samples, toy):
    """The distance of each sample to each mode, of shape (modes, count)."""
    samples = np.asarray(samples, dtype="float64")
    if samples.ndim != 2 or samples.shape[1] != 2 or not np.isfinite(samples).all():
        raise ValueError(
            f"samples must be finite points, of shape (count, 2). Received: samples of shape {samples.shape}."
        )
    if toy.modes is None:
        raise ValueError(f"toy must have modes. Received: toy={toy.name!r}, without modes. Use ring() or grid().")
    return cdist(toy.modes, samples)


def as_dataset(samples: ArrayLike, batch_size: int = 64, seed: int | None = None) -> tf.data.Dataset:
    """Returns samples as batches for `GAN.fit`, shuffled anew in each epoch.

    Args:
        samples: an array of shape (count, …).
        batch_size: samples in a batch; the last batch may be smaller.
        seed: an integer that fixes the order.

    Returns:
        A `tf.data.Dataset` of float32 batches.

    Raises:
        TypeError: if batch_size is not an integer.
        ValueError: if samples is empty, or batch_size below 1.

    Example:
        >>> gan.fit(as_dataset(ring().sample(10_000), batch_size=128), epochs=20)
    """
    samples = np.asarray(samples, dtype="float32")
    if samples.ndim < 2 or len(samples) == 0:
        raise ValueError(f"samples must have shape (count, …), count > 0. Received: samples of shape {samples.shape}.")
    batch_size = integer("batch_size", batch_size)
    dataset = tf.data.Dataset.from_tensor_slices(samples).shuffle(len(samples), seed=seed)
    return dataset.batch(batch_size).prefetch(2)
