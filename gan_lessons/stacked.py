"""Three digits as the three colours of one image: a data set whose modes can be counted.

With ten digits there are 10³ = 1,000 modes. A classifier of single digits, called on each colour, tells the mode of an
image; a generator that has collapsed misses most of them.

    train = stacked.images(digits, 50_000, seed=0)                       # (50000, 28, 28, 3)
    classifier = gl.metrics.train_classifier(digits, labels)
    print(stacked.count(train[:5_000], classifier))                      # 994 of 1000 modes, reverse KL 0.11 nats (…)

References:
    Metz et al., Unrolled Generative Adversarial Networks, 2016, arXiv:1611.02163
    Lin et al., PacGAN, 2017, arXiv:1712.04086 (of 26,000 samples: DCGAN 99 modes, PacDCGAN2 1,000)
"""

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr

from gan_lessons._arguments import integer


def images(digits: ArrayLike, count: int, seed: int | None = None) -> np.ndarray:
    """Draws images whose three colours are three digits, each drawn from all digits with replacement.

    Args:
        digits: grey images of any labelled set, of shape (n, height, width, 1).
        count: the number of images.
        seed: an integer for the same images in each call; None for others in each call.

    Returns:
        A NumPy array of shape (count, height, width, 3), float32, in the range of `digits`.

    Raises:
        TypeError: if count is not an integer.
        ValueError: if the digits are not grey images, or count is below 1.

    Example:
        >>> images(digits, 100, seed=0).shape
        (100, 28, 28, 3)
    """
    digits, count = np.asarray(digits, "float32"), integer("count", count)
    if digits.ndim != 4 or digits.shape[-1] != 1 or not len(digits):
        raise ValueError(
            "digits must be grey images of shape (n, height, width, 1), n > 0. "
            f"Received: digits of shape {digits.shape}."
        )
    chosen = np.random.default_rng(seed).integers(len(digits), size=(3, count))
    return np.concatenate([digits[part] for part in chosen], axis=-1)


def modes_of(images: ArrayLike, classifier: keras.Model, batch_size: int = 512) -> np.ndarray:
    """Returns the mode of each image, a number from 0 to K³ − 1: its three classes as digits in base K, red first.

    Args:
        images: an array of shape (count, height, width, 3).
        classifier: a Keras model from grey images of shape (n, height, width, 1) to K probabilities or logits.
        batch_size: how many digits are classified at a time.

    Raises:
        ValueError: if the images do not have three colours, or none is given, or a value is not finite.
    """
    images = np.asarray(images, "float32")
    if images.ndim != 4 or images.shape[-1] != 3 or not len(images):
        raise ValueError(
            f"images must have shape (count, height, width, 3), count > 0. Received: images of shape {images.shape}."
        )
    if not np.isfinite(images).all():
        raise ValueError("images must be finite. Received: images with NaN or infinity. The training has diverged.")
    colours = np.moveaxis(images, -1, 0)[..., None]
    outputs = [classifier.predict(colour, batch_size=batch_size, verbose=0) for colour in colours]
    red, green, blue = (output.argmax(axis=1) for output in outputs)
    classes = outputs[0].shape[1]
    return (red * classes + green) * classes + blue


@dataclass(frozen=True)
class Count:
    """Holds how many modes samples cover, and how evenly.

    Attributes:
        covered: the number of modes with at least one sample.
        modes: the number of modes that there are, K³.
        reverse_kl: KL(p_g ‖ uniform) over the modes, in nats: 0 if all have equally many samples, log(modes) if one has
            all. Of real images it is about (modes − 1) / (2 · samples) too large.
        samples: the number of samples.
    """

    covered: int
    modes: int
    reverse_kl: float
    samples: int

    def __str__(self) -> str:
        return f"{self.covered} of {self.modes} modes, reverse KL {self.reverse_kl:.2f} nats ({self.samples:,} samples)"


def count(images: ArrayLike, classifier: keras.Model, batch_size: int = 512) -> Count:
    """Counts the modes that images cover, as the papers do: one sample is enough for a mode.

    Args:
        images, classifier, batch_size: as in `modes_of`. The papers count in 26,000 samples.

    Returns:
        A `Count`.

    Raises:
        ValueError: as `modes_of`.
    """
    classes = classifier.output_shape[-1]
    found = np.bincount(modes_of(images, classifier, batch_size), minlength=classes**3)
    return Count(int((found > 0).sum()), classes**3, reverse_kl(found), int(found.sum()))


def reverse_kl(counts: ArrayLike) -> float:
    """Returns KL(p̂ ‖ uniform) = Σ p̂ log(p̂ · modes), in nats, where p̂ are the shares of the modes.

    "Reverse" since the generator's distribution comes first: it punishes mass on too few modes.

    Args:
        counts: the number of samples of each mode, of shape (modes,).

    Raises:
        ValueError: if there is no sample, or a count is negative.

    Example:
        >>> reverse_kl([50, 50, 0, 0])      # half of the modes: log 2
        0.6931
    """
    counts = np.asarray(counts, "float64")
    if counts.ndim != 1 or not counts.sum() > 0 or counts.min() < 0:
        raise ValueError(f"counts must be numbers of samples, with at least one sample. Received: counts={counts}.")
    return float(rel_entr(counts / counts.sum(), 1 / len(counts)).sum())
