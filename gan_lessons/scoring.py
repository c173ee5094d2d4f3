"""Scores models, and reports with each score what you need to read it: `gl.score(gan, "mnist")`.

A score compares a number of generated images with as many real ones, in some features. It depends on the number of
images and on the features, so a `ScoreCard` states both, and beside each score its *floor*: the score of other real
images in the place of the generated ones. No generator can be asked for more.
"""

import contextlib
import hashlib
import math
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan_lessons import data as image_sets
from gan_lessons import features as extractors
from gan_lessons import metrics
from gan_lessons import samples as samples_of
from gan_lessons._arguments import ROOM, integer
from gan_lessons.saving import replacing

# The number of images that go through the network at a time, between two movements of the progress bar.
_CHUNK = 500

# A photograph of snow may have no dark pixel; so many images without one are not in [−1, 1].
_ENOUGH_TO_BE_DARK = 8

#: The metrics of a card, by the names that `scores` takes.
METRICS = {
    "frechet_distance": metrics.FrechetDistance,
    "kernel_distance": metrics.KernelDistance,
    "inception_score": metrics.InceptionScore,
    "precision_recall": metrics.PrecisionRecall,
}

# The rows of a card: name in the logs, words, whether higher is better, and the score of images that are not finite.
_ROWS = {
    "frechet_distance": ("Fréchet distance, {features}", False, math.inf),
    "kernel_distance": ("kernel distance, {features}", False, math.inf),
    "inception_score": ("classifier score (as Inception Score), {features}", True, 1.0),
    "precision": ("precision (k = 3), {features}", True, 0.0),
    "recall": ("recall (k = 3), {features}", True, 0.0),
    "density": ("density (k = 5), {features}", True, 0.0),
    "coverage": ("coverage (k = 5), {features}", True, 0.0),
}


@dataclass(frozen=True)
class ScoreCard:
    """Holds the scores of a model, with what you need to read them. `print(card)` shows them as a table.

    Attributes:
        subject: the model's name, or "images".
        scores: {name: score}; names as `frechet_distance`, `kernel_distance`, `inception_score`, `precision`, `recall`,
            `density`, `coverage`.
        floor: {name: score} of other real images in the place of the generated ones.
        spreads: {name: standard deviation} of the scores that have one: over the subsets of `kernel_distance`, over the
            parts of `inception_score`.
        floor_spreads: the same for the floor.
        count: the number of generated images, of real ones, and of those for the floor: the same number of each.
        features: the features' title. `features_note` describes them, `preparation` how images were made to fit.
        data: the title of the set of real images.
        split: the images of it that the generated ones were compared with.
        floor_split: the images of it that gave the floor.
        seed: the seed of the generated images; None for images that were given.
    """

    subject: str
    scores: dict[str, float]
    floor: dict[str, float]
    spreads: dict[str, float]
    floor_spreads: dict[str, float]
    count: int
    features: str
    features_note: str
    preparation: str
    data: str
    split: str
    floor_split: str
    seed: int | None

    def __str__(self) -> str:
        rows = [("", self.subject, "floor", "")]
        for name, value in self.scores.items():
            words, higher, _ = _ROWS[name]
            spread, floor_spread = self.spreads.get(name), self.floor_spreads.get(name)
            rows.append(
                (
                    words.format(features=self.features),
                    _number(value, spread),
                    _number(self.floor[name], floor_spread),
                    "higher is better" if higher else "lower is better",
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [
            f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}".rstrip() for row in rows
        ]
        made = f"{self.count:,} generated" + ("" if self.seed is None else f" (seed {self.seed})")
        lines.append(f"n: {made}, against {self.count:,} real: {self.data}, {self.split}.")
        lines.append(f"Floor: {self.count:,} real images in place of the generated: {self.data}, {self.floor_split}.")
        note = self.features_note or f"features from {self.features}"
        lines.append(f"{self.features}: {note}" + (f"; images {self.preparation}" if self.preparation else "") + ".")
        return "\n".join(lines)


def score(
    gan: Any,
    data: "str | np.ndarray | tf.Tensor | tf.data.Dataset | Reference",
    count: int = 10_000,
    features: str | extractors.Extractor | keras.Model | None = None,
    scores: str | Iterable[str] = tuple(METRICS),
    held_out: np.ndarray | tf.Tensor | None = None,
    seed: int = 0,
    value_range: tuple[float, float] | None = None,
    cache: bool = True,
    verbose: int = 1,
) -> ScoreCard:
    """Scores a model against real images, and prints the card.

    The generated images are those of `gan.generate(count, seed=seed)`; if the model keeps an average of its weights, it
    generates with the average. The function compares them with the same number of real images, and takes as many others
    for the floor.

    Args:
        gan: a model of any family with `generate(count, seed=…)`; or images, (n, height, width, channels).
        data: the real images: the name of a set as `gan_lessons.data.load` takes, an array of images, a
            `tf.data.Dataset` of batches of them, or a `Reference` made before, which has its own count, features and
            scores. Of a named set, images of "train" are compared with, and those of "test" give the floor, filled up
            from "train" where "test" has too few. Of others, the first half is compared with, and the second gives the
            floor.
        count: the number of images of each kind; fewer if the set does not have twice as many.
        features: what to compare in: "mnist", "cifar10", "inception_v3", an `Extractor` or a Keras model. Default:
            MNIST's for one channel, CIFAR-10's for three. Images of other sizes are resized, and the card reports it.
        scores: which of "frechet_distance", "kernel_distance", "inception_score", "precision_recall". Default: all,
            without "inception_score" in features of a network without classes.
        held_out: real images for the floor that the model was not trained on.
        seed: an integer, the seed of the generated images.
        value_range: (low, high), the values of black and white in generated images and in arrays and data sets of real
            ones. Default: as `gan_lessons.samples.range_of` tells from the model.
        cache: whether to keep features of the real images on disk, in Keras's folder (`KERAS_HOME`, `~/.keras`).
        verbose: 1 for a progress bar and the printed card, 0 for silence.

    Returns:
        A `ScoreCard`.

    Raises:
        TypeError: for what is neither a model nor images, or images that are not floats.
        ValueError: for samples that are not images, images that are not finite or out of range, or numbers and names
            out of range.

    Example:
        >>> card = gl.score(gan, "mnist")
                                              gan           floor
        Fréchet distance, MNIST features    4.214           0.087  lower is better
        …
        >>> card.scores["recall"]
        0.61
    """
    image_shape = _shape_of(gan)
    value_range = _range_of(gan, value_range)
    if not isinstance(data, Reference):
        data = Reference(
            data,
            count=count,
            features=features,
            scores=scores,
            held_out=held_out,
            image_shape=image_shape,
            value_range=value_range,
            cache=cache,
            verbose=verbose,
        )
    card = data.score(gan, seed=seed, value_range=value_range, verbose=verbose)
    if verbose:
        print(card)
    return card


class Reference:
    """Holds real images, with their features, to score several models against.

    Args:
        data, count, features, scores, held_out, cache: as in `score`.
        image_shape: (height, width, channels) of the models' samples; images of a named set are resized to it. Default:
            the shape of the real images.
        value_range: (low, high), the values of black and white in arrays and data sets.
        verbose: 1 for a progress bar.

    Attributes:
        floor: {name: score} of the images kept for it.
        floor_spreads: {name: standard deviation} of these, for the scores that have one.
        extractor: the `Extractor` of the features.
        image_shape: (height, width, channels).
        count: the number of images to compare with, and of those that give the floor.

    Raises:
        TypeError, ValueError: as `score`.

    Example:
        >>> mnist = gl.scoring.Reference("mnist", count=5_000)
        >>> cards = [mnist.score(gan) for gan in (first, second, third)]
    """

    def __init__(
        self,
        data: str | np.ndarray | tf.Tensor | tf.data.Dataset,
        count: int = 10_000,
        features: str | extractors.Extractor | keras.Model | None = None,
        scores: str | Iterable[str] = tuple(METRICS),
        held_out: np.ndarray | tf.Tensor | None = None,
        image_shape: tuple[int, int, int] | None = None,
        value_range: tuple[float, float] = (-1.0, 1.0),
        cache: bool = True,
        verbose: int = 1,
    ):
        count = integer("count", count, least=20)
        self.scores = names_of_scores(scores)
        value_range = samples_of.check_range(value_range)
        if features is not None:
            features = extractors.get(features)
        if image_shape is not None:
            _check_image(image_shape)
        real, other, self.title, self.split, self.floor_split = _two_samples(
            data, held_out, count, image_shape, value_range
        )
        self.count = len(real)
        self.image_shape = tuple(real.shape[1:])
        self._check_shape(image_shape or self.image_shape)
        self._check_shape(other.shape[1:])
        self.extractor = extractors.for_images(self.image_shape) if features is None else features
        if "inception_score" in self.scores and not self.extractor.has_probabilities:
            if tuple(scores) != tuple(METRICS):
                raise ValueError(
                    f"inception_score needs the features of a classifier. Received: {self.extractor!r}. "
                    "Make the Extractor of a classifier, with `layer` naming the layer of its features."
                )
            self.scores = tuple(name for name in self.scores if name != "inception_score")

        keep = cache and not isinstance(data, tf.data.Dataset)  # whose order may differ from run to run
        outputs = self._outputs_of_real(real, f"{self.title}, real", keep, verbose)
        self._metrics = {name: METRICS[name]() for name in self.scores}
        for name, metric in self._metrics.items():
            if name != "inception_score":
                metric.update_real(outputs[0])
        outputs = self._outputs_of_real(other, f"{self.title}, floor", keep, verbose)
        self.floor, self.floor_spreads = self._measure(outputs)

    def score(
        self, gan: Any, seed: int = 0, value_range: tuple[float, float] | None = None, verbose: int = 1
    ) -> ScoreCard:
        """Scores a model against these images.

        Args:
            gan, seed, value_range, verbose: as in the function `score`; the card is not printed.

        Returns:
            A `ScoreCard`.

        Raises:
            TypeError, ValueError: as the function `score`, and for images of another shape.
            NotFinite: for images with NaN or infinity.
        """
        self._check_shape(_shape_of(gan))
        value_range = _range_of(gan, value_range)
        given = not _generates(gan)
        if given:
            images = _images(gan, "gan")
            _check_floats(images, value_range, "gan")
            if len(images) < self.count:
                raise ValueError(
                    f"The images to score must be at least as many as the real ones. Received: {len(images)} images, "
                    f"{self.count} real ones. Give more, or a smaller count."
                )
        else:
            images = gan.generate(self.count, seed=seed)
            if len(images) != self.count:
                raise ValueError(
                    "generate(count, seed=…) must return as many images as count. "
                    f"Received: {len(images)} for count={self.count}."
                )
        subject = "images" if given else getattr(gan, "name", type(gan).__name__)
        chunks = (images[start : min(start + _CHUNK, self.count)] for start in range(0, self.count, _CHUNK))
        outputs = self._outputs(self._of_range(chunks, value_range), subject, verbose)
        found, spreads = self._measure(outputs)
        return self._card(subject, found, spreads, None if given else seed)

    def broken(self, gan: Any, seed: int = 0) -> ScoreCard:
        """Returns the card of a model whose images are not finite: the worst value of each score.

        Args:
            gan, seed: as in `score`.
        """
        worst = {name: _ROWS[name][2] for name in self.floor}
        return self._card(getattr(gan, "name", type(gan).__name__), worst, {}, seed)

    def _card(self, subject, found, spreads, seed):
        return ScoreCard(
            subject,
            found,
            self.floor,
            spreads,
            self.floor_spreads,
            self.count,
            self.extractor.title,
            self.extractor.note,
            self.extractor.preparation(self.image_shape),
            self.title,
            self.split,
            self.floor_split,
            seed,
        )

    def _check_shape(self, shape):
        if tuple(shape) != self.image_shape:
            raise ValueError(
                "All images to compare must have one shape. Received: "
                f"{tuple(shape)} against real images of {self.image_shape}. Load the real ones in the model's shape."
            )

    def _of_range(self, chunks, value_range):
        """Yields generated images in [−1, 1]."""
        low, high = value_range
        for images in chunks:
            images = keras.ops.convert_to_numpy(images).astype("float32")
            self._check_shape(images.shape[1:])
            if not np.isfinite(images).all():
                bad = int((~np.isfinite(images)).any(axis=(1, 2, 3)).sum())
                raise NotFinite(f"Images must be finite numbers. Received: NaN or infinity in {bad} of {len(images)}.")
            # A generator without a tanh may go past black and white; a screen shows no more than these.
            yield np.clip(2 * (images - low) / (high - low) - 1, -1, 1)

    def _outputs_of_real(self, images, title, keep, verbose):
        """Returns features and probabilities of real images, from the disk if they are there."""
        path = _cache_path(self.extractor, images) if keep else None
        known = _read(path, len(images), self.extractor)
        if known is None:
            chunks = (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))
            known = self._outputs(chunks, title, verbose)
            _write(path, known)
        return known

    def _outputs(self, chunks, title, verbose):
        """Returns (features, probabilities) of images in pieces; probabilities are None without classes."""
        from tqdm.auto import tqdm

        parts = []
        with tqdm(total=self.count, desc=f"Scoring {title}", unit=" images", disable=not verbose, leave=False) as bar:
            for images in chunks:
                whole = self.extractor.has_probabilities
                parts.append(self.extractor.both(images) if whole else (self.extractor(images), None))
                bar.update(len(images))
        found, probabilities = zip(*parts, strict=True)
        return np.concatenate(found), None if probabilities[0] is None else np.concatenate(probabilities)

    def _measure(self, outputs):
        """Returns ({name: score}, {name: spread}) of images in the place of the generated ones, from their outputs."""
        found, spreads = {}, {}
        for name, metric in self._metrics.items():
            metric.reset_state()
            metric.update_state(outputs[1] if name == "inception_score" else outputs[0])
            result = metric.result()
            found |= result if isinstance(result, dict) else {name: result}
            if hasattr(metric, "spread"):
                spreads[name] = metric.spread
            metric.reset_state()
        return found, spreads


class NotFinite(ValueError):
    """Reports generated images with NaN or infinity in them."""


def names_of_scores(scores: str | Iterable[str]) -> tuple[str, ...]:
    """Returns the names of scores as a tuple.

    Args:
        scores: a name or several.

    Raises:
        ValueError: if a name is unknown, or there are none.
    """
    names = (scores,) if isinstance(scores, str) else tuple(scores)
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise ValueError(f"scores must be some of {', '.join(METRICS)}. Received: scores={scores!r}.")
    return names


# --- the real images -----------------------------------------------------------------------------------------------


def _two_samples(data, held_out, count, image_shape, value_range):
    """Returns (images to compare with, images for the floor, title, the two splits), both in [−1, 1], equally many."""
    if isinstance(data, str):
        return _two_samples_of_a_name(data, held_out, count, image_shape, value_range)
    info = getattr(data, "info", None)
    title = getattr(info, "title", "images that were given")
    split = getattr(info, "split", "") or "all"
    if isinstance(data, tf.data.Dataset):
        images = _from_dataset(data, count if held_out is not None else 2 * count)
    else:
        images = _images(data, "data")
    images = _scaled(images, value_range, "data")
    if held_out is not None:
        other = _scaled(_images(held_out, "held_out"), value_range, "held_out")
        count = min(count, len(images), len(other))
        _check_enough(count)
        return images[:count], other[:count], title, f"{count:,} of {split}", "those given as held_out"
    count = min(count, len(images) // 2)
    _check_enough(count)
    words = f"{count:,} of {split}"
    return images[:count], images[count : 2 * count], title, words, f"another {words}"


def _two_samples_of_a_name(name, held_out, count, image_shape, value_range):
    image_size = None if image_shape is None else tuple(image_shape[:2])
    if held_out is not None:
        other = _scaled(_images(held_out, "held_out"), value_range, "held_out")[:count]
        where = "those given as held_out"
    else:
        try:
            other, _, other_info = image_sets.arrays(name, "test", examples=count, image_size=image_size)
        except image_sets.SplitError:
            other = None  # a set without "test"
        tested = 0 if other is None else len(other)
        where = f"test[:{tested}]" if tested else ""
    lacking = 0 if held_out is not None else count - tested
    images, _, info = image_sets.arrays(name, "train", examples=count + lacking, image_size=image_size)
    if held_out is None and tested and other_info.name != info.name:
        raise ValueError(
            f"The images of the floor must be of the same set. Received: {info.title} and {other_info.title}. "
            "Prepare the set where there is a network (see gan_lessons.data.load)."
        )
    if held_out is not None:
        count = min(count, len(images), len(other))
    else:
        count = min(count, len(images), (len(images) + tested) // 2)
        if tested < count:
            rest = images[count : 2 * count - tested]
            other = rest if other is None else np.concatenate([other, rest])
            part = f"train[{count}:{count + len(rest)}]"
            where = f"{where} and {part}" if where else part
        elif tested:
            where = f"test[:{count}]"
    _check_enough(count)
    return images[:count], other[:count], info.title, f"train[:{count}]", where


def _from_dataset(dataset, count):
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "data must end. Received: a data set that repeats without end. Pass it as it is before repeat()."
        )
    parts, have = [], 0
    for batch in dataset:
        images = keras.ops.convert_to_numpy(samples_of.images_of(batch))
        if images.ndim != 4:
            raise ValueError(
                "data must have batches of images, (n, height, width, channels). "
                f"Received: a batch of shape {images.shape}. If these are single images: data.batch(64)."
            )
        parts.append(images)
        have += len(images)
        if have >= count:
            break
    if not parts:
        raise ValueError("data must not be empty. Received: a data set without a batch.")
    return np.concatenate(parts)[:count]


def _images(images, name):
    """Returns an argument that must be an array of images, as a NumPy array."""
    if isinstance(images, (list, tuple)) or not hasattr(images, "shape"):
        wanted = "a model with generate(count, seed=…)" if name == "gan" else "the name of a set, a tf.data.Dataset"
        raise TypeError(
            f"{name} must be {wanted} or an array of images. Received: {name} of type {type(images).__name__}."
        )
    if len(images.shape) != 4 or images.shape[0] == 0:
        raise ValueError(
            f"{name} must be images of shape (n, height, width, channels). Received: {name} of shape "
            f"{tuple(images.shape)}.{_advice(images.shape[1:])}"
        )
    return keras.ops.convert_to_numpy(images)


def _check_image(shape):
    """Refuses a shape of samples that are not images."""
    if len(shape) != 3:
        raise ValueError(
            "Scores compare images of shape (height, width, channels). "
            f"Received: samples of shape {tuple(shape)}.{_advice(shape)}"
        )


def _advice(shape):
    grey = " If they are grey images, add an axis for the channel: images[..., None]." if len(shape) == 2 else ""
    return grey + (
        " Of other samples, compare numbers that describe them, of shape (n, d): metric = "
        "gl.metrics.FrechetDistance(), metric.update_real(numbers), metric.update_state(numbers)."
    )


def _check_enough(count):
    if count < 20:
        raise ValueError(
            "At least 20 images to compare with are needed, and as many for the floor. "
            f"Received: {count} of each. Give more images."
        )


def _check_floats(images, value_range, name):
    """Refuses images that are not floats, and images in [0, 1] or 0 … 255 where black is below 0."""
    if "float" not in str(images.dtype):
        raise TypeError(
            f"{name} must be floats in value_range. Received: {name} of dtype {images.dtype}. "
            "Bytes become floats in [-1, 1] by images / 127.5 - 1."
        )
    low, high = float(images.min()), float(images.max())
    if value_range[0] < 0 <= low and high > 0 and len(images) >= _ENOUGH_TO_BE_DARK:
        raise ValueError(_not_in_range(low, high, value_range, name))


def _scaled(images, value_range, name):
    """Returns real images in [−1, 1], as float32; refuses images that are not in value_range."""
    _check_floats(images, value_range, name)
    low, high = value_range
    if not np.isfinite(images).all():
        raise ValueError(f"{name} must be finite numbers. Received: {name} with NaN or infinity in it.")
    room = ROOM * (high - low)
    if images.min() < low - room or images.max() > high + room:
        raise ValueError(_not_in_range(float(images.min()), float(images.max()), value_range, name))
    if (low, high) == (-1.0, 1.0):
        return images.astype("float32")
    return (2 * (images.astype("float32") - low) / (high - low) - 1).clip(-1, 1)


def _not_in_range(low, high, value_range, name):
    return (
        f"{name} must be images in value_range. Received: {name} with values from {low:g} to {high:g}, value_range="
        f"({value_range[0]:g}, {value_range[1]:g}). Real and generated images share this range: scale {name} to it "
        "(2 * x - 1 brings [0, 1] to [-1, 1], x / 127.5 - 1 brings 0 … 255), or give the range of both as value_range."
    )


# --- the generated ones --------------------------------------------------------------------------------------------


def _generates(gan):
    return callable(getattr(gan, "generate", None))


def _shape_of(gan):
    """Returns the shape (height, width, channels) of what is to be scored; refuses what are no images."""
    shape = samples_of.shape_of(gan) if _generates(gan) else _images(gan, "gan").shape[1:]
    _check_image(shape)
    return tuple(shape)


def _range_of(gan, value_range):
    return samples_of.range_of(gan) if value_range is None else samples_of.check_range(value_range)


# --- what is kept on disk ------------------------------------------------------------------------------------------


def _cache_path(extractor, images) -> Path:
    """Returns the path of the outputs for exactly these images: the name is a digest of images and network."""
    digest = hashlib.blake2b(f"{images.shape} {extractor.fingerprint}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(images))
    return image_sets.keras_home() / "gan_lessons" / f"features-{digest.hexdigest()}.npz"


def _read(path, count, extractor):
    """Returns (features, probabilities), or None if the file is missing or damaged."""
    if path is None or not path.is_file():
        return None
    with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        with path.open("rb") as file, np.load(file) as kept:
            found = kept["features"]
            probabilities = kept["probabilities"] if extractor.has_probabilities else None
        if found.shape == (count, extractor.dimensions):
            return found, probabilities
    return None


def _write(path, outputs):
    if path is None:
        return
    found, probabilities = outputs
    arrays = {"features": found} | ({} if probabilities is None else {"probabilities": probabilities})
    with contextlib.suppress(OSError):  # where nothing can be written, the next call computes them again
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            np.savez(temporary, **arrays)


def _number(value, spread=None):
    return f"{value:.4g}" + ("" if spread is None else f" ± {spread:.2g}")
