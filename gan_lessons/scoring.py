"""Scores with all that one has to know to read them: `gl.score(gan, "mnist")`.

A score is a number about a sample of a generator's images, beside a sample of real ones, in some features. It depends
on how many images there are and on which features, so a `ScoreCard` states them, and with each score its *floor*: what
other real images score in the place of the generated ones. No generator can be asked for more.
"""

import contextlib
import hashlib
import math
import os
import uuid
import zipfile
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from gan_lessons import data as image_sets
from gan_lessons import features as extractors
from gan_lessons import metrics, validation

# The images are made and looked at by so many at a time.
_CHUNK = 500

#: The metrics of a card, by the names that `scores` takes.
METRICS = {
    "frechet_distance": metrics.FrechetDistance,
    "kernel_distance": metrics.KernelDistance,
    "inception_score": metrics.InceptionScore,
    "precision_recall": metrics.PrecisionRecall,
}

# What stands in a card: name in the logs, words, whether higher is better, and what a generator that is broken has.
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
    """The scores of one generator, with what one has to know to read them. `print(card)` shows it as a table.

    Attributes:
        subject: what was scored: the model's name, or "images".
        scores: {name: score}; names as `frechet_distance`, `kernel_distance`, `inception_score`, `precision`, `recall`,
            `density`, `coverage`.
        floor: the same names: what other real images score in the place of the generated ones.
        spreads: {name: standard deviation} of the scores that have one: over the subsets of `kernel_distance`, over the
            parts of `inception_score`.
        floor_spreads: the same for the floor.
        count: how many generated images, how many real ones, and how many for the floor: the same number of each.
        features: the features' title; `features_note` says what they are, `preparation` how images were made to fit.
        data: the title of the set of real images.
        split: which of its images the generated ones were compared with.
        floor_split: which of its images gave the floor.
        seed: the seed of the latents; None for images that were given.
    """

    subject: str
    scores: dict
    floor: dict
    spreads: dict
    floor_spreads: dict
    count: int
    features: str
    features_note: str
    preparation: str
    data: str
    split: str
    floor_split: str
    seed: int | None

    def __str__(self):
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
    gan,
    data,
    count=10_000,
    features=None,
    scores=tuple(METRICS),
    held_out=None,
    seed=0,
    value_range=None,
    cache=True,
    verbose=1,
):
    """Scores a generator against real images, and prints the card.

    The generated images are those of `gan.generate(count, seed=seed)`, so with the average of the weights where there
    is one. The same number of real images is taken twice: some to compare with, others for the floor.

    Args:
        gan: a model with `generate(count, seed=…)`, as `gan_lessons.GAN` has; or images, (n, height, width, channels).
        data: the real images: the name of a set as `gan_lessons.data.load` takes, an array of images, a
            `tf.data.Dataset` of batches of them, or a `Reference` made before, which has its own count, features and
            scores. Of a named set images of "train" are compared with, and those of "test" give the floor, filled up
            from "train" where "test" has too few. Of others the first half is compared with, the second gives the
            floor.
        count: how many images of each kind; fewer if the set does not have twice as many.
        features: what they are compared in: "mnist", "cifar10", "inception_v3", an `Extractor` or a Keras model.
            Default: MNIST's for one channel, CIFAR-10's for three; other sizes are resized, and the card says so.
        scores: which of "frechet_distance", "kernel_distance", "inception_score", "precision_recall". Default: all,
            without "inception_score" in features of a network that has no classes.
        held_out: real images that nobody trained on, for the floor.
        seed: an integer, the seed of the latents.
        value_range: (low, high), the values of black and white in generated images and in arrays and data sets of real
            ones. Default: told from the model; (−1, 1) if it cannot be.
        cache: whether features of the real images are kept on disk, in Keras's folder (`KERAS_HOME`, `~/.keras`).
        verbose: 1 for a progress bar and the printed card, 0 for silence.

    Returns:
        A `ScoreCard`.

    Raises:
        TypeError, ValueError: for arguments that cannot be meant, or images that are not finite.

    Example:
        >>> card = gl.score(gan, "mnist")
                                              gan           floor
        Fréchet distance, MNIST features    4.214           0.087  lower is better
        …
        >>> card.scores["recall"]
        0.61
    """
    value_range = _value_range(gan, value_range)
    if not isinstance(data, Reference):
        data = Reference(
            data,
            count=count,
            features=features,
            scores=scores,
            held_out=held_out,
            image_shape=_image_shape(gan),
            value_range=value_range,
            cache=cache,
            verbose=verbose,
        )
    card = data.score(gan, seed=seed, value_range=value_range, verbose=verbose)
    if verbose:
        print(card)
    return card


class Reference:
    """Real images to score generators against, looked at once: what several scores against the same images share.

    Args:
        data, count, features, scores, held_out, cache: as in `score`.
        image_shape: (height, width, channels) of what the generators make. Images of a named set are brought to its
            size.
            Default: as the real images are.
        value_range: (low, high), the values of black and white in arrays and data sets.
        verbose: 1 for a progress bar.

    Attributes:
        floor: {name: score} of the images kept for it.
        floor_spreads: {name: standard deviation} of these, for the scores that have one.
        extractor: the `Extractor` of the features.
        image_shape: (height, width, channels).
        count: how many images are compared with, and how many give the floor.

    Raises:
        TypeError, ValueError: as `score`.

    Example:
        >>> mnist = gl.scoring.Reference("mnist", count=5_000)
        >>> cards = [mnist.score(gan) for gan in (first, second, third)]
    """

    def __init__(
        self,
        data,
        count=10_000,
        features=None,
        scores=tuple(METRICS),
        held_out=None,
        image_shape=None,
        value_range=(-1.0, 1.0),
        cache=True,
        verbose=1,
    ):
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 20:
            raise ValueError(f"count must be an integer of at least 20. Received: count={count!r}.")
        self.scores = names_of_scores(scores)
        if features is not None:
            features = extractors.get(features)
        real, other, self.title, self.split, self.floor_split = _two_samples(
            data, held_out, int(count), image_shape, value_range
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

        keep = cache and not isinstance(data, tf.data.Dataset)  # which comes in another order each time
        real_answers = self._look(real, f"{self.title}, real", keep, verbose)
        self._metrics = {name: METRICS[name]() for name in self.scores}
        for name, metric in self._metrics.items():
            if name != "inception_score":
                metric.update_real(real_answers[0])
        self.floor, self.floor_spreads = self._measure(self._look(other, f"{self.title}, floor", keep, verbose))

    def score(self, gan, seed=0, value_range=None, verbose=1):
        """Scores a generator against these images.

        Args:
            gan, seed, value_range, verbose: as in the function `score`; the card is not printed.

        Returns:
            A `ScoreCard`.

        Raises:
            TypeError, ValueError: for what makes no images, or images that are not finite or of another shape.
        """
        value_range = _value_range(gan, value_range)
        given = not callable(getattr(gan, "generate", None))
        if given:
            images = _images(gan, "gan")
            if len(images) < self.count:
                raise ValueError(
                    f"As many images are scored as real ones are compared with. Received: {len(images)} images, "
                    f"{self.count} real ones. Give at least as many, or a smaller count."
                )
            chunks = (images[start : start + _CHUNK] for start in range(0, self.count, _CHUNK))
        else:
            chunks = _generated(gan, self.count, seed)
        subject = "images" if given else getattr(gan, "name", type(gan).__name__)
        answers = self._answers(self._of_range(chunks, value_range), subject, verbose)
        found, spreads = self._measure(answers)
        return self._card(subject, found, spreads, None if given else seed)

    def broken(self, gan, seed=0):
        """The card of a generator whose images are not finite: the worst of each score. Returns: a `ScoreCard`."""
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
                "All images that are compared have one shape. "
                f"Received: {tuple(shape)} against real images of {self.image_shape}. Load these in the other's shape."
            )

    def _of_range(self, chunks, value_range):
        """Generated images in [−1, 1], at most `count`, each of the right shape."""
        low, high = value_range
        for images in chunks:
            images = keras.ops.convert_to_numpy(images).astype("float32")
            self._check_shape(images.shape[1:])
            if not np.isfinite(images).all():
                bad = int((~np.isfinite(images)).any(axis=(1, 2, 3)).sum())
                raise NotFinite(f"Images must be finite numbers. Received: NaN or infinity in {bad} of {len(images)}.")
            # A generator without a tanh may go past black and white; a screen shows no more than these.
            yield np.clip(2 * (images - low) / (high - low) - 1, -1, 1)

    def _look(self, images, title, keep, verbose):
        """Features and probabilities of real images, from the disk if they are there."""
        path = _cache_path(self.extractor, images) if keep else None
        known = _read(path, len(images), self.extractor)
        if known is None:
            chunks = (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))
            known = self._answers(chunks, title, verbose)
            _write(path, known)
        return known

    def _answers(self, chunks, title, verbose):
        """(features, probabilities) of images that come in pieces; probabilities are None without classes."""
        from tqdm.auto import tqdm

        parts = []
        with tqdm(total=self.count, desc=f"Scoring {title}", unit=" images", disable=not verbose, leave=False) as bar:
            for images in chunks:
                whole = self.extractor.has_probabilities
                parts.append(self.extractor.both(images) if whole else (self.extractor(images), None))
                bar.update(len(images))
        found, probabilities = zip(*parts, strict=True)
        return np.concatenate(found), None if probabilities[0] is None else np.concatenate(probabilities)

    def _measure(self, answers):
        """({name: score}, {name: spread}) of one set of images in the place of the generated ones."""
        found, spreads = {}, {}
        for name, metric in self._metrics.items():
            metric.reset_state()
            metric.update_state(answers[1] if name == "inception_score" else answers[0])
            result = metric.result()
            found |= result if isinstance(result, dict) else {name: result}
            if hasattr(metric, "spread"):
                spreads[name] = metric.spread
            metric.reset_state()
        return found, spreads


class NotFinite(ValueError):
    """Generated images with NaN or infinity in them."""


# --- the real images -----------------------------------------------------------------------------------------------


def _two_samples(data, held_out, count, image_shape, value_range):
    """(to compare with, for the floor, title, and which images these two are); both of one length, in [−1, 1]."""
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
        _enough(count)
        return images[:count], other[:count], title, f"{count:,} of {split}", "those given as held_out"
    count = min(count, len(images) // 2)
    _enough(count)
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
        except ValueError as error:
            if "split must be" not in str(error):
                raise
            other = None  # a set without "test"
        tested = 0 if other is None else len(other)
        where = f"test[:{tested}]" if tested else ""
    lacking = 0 if held_out is not None else count - tested
    images, _, info = image_sets.arrays(name, "train", examples=count + lacking, image_size=image_size)
    if held_out is None and tested and other_info.name != info.name:
        raise ValueError(
            f"The images of the floor must be of the same set. Received: {info.title} and {other_info.title}."
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
    _enough(count)
    return images[:count], other[:count], info.title, f"train[:{count}]", where


def _enough(count):
    if count < 20:
        raise ValueError(
            f"At least 20 images to compare with are needed, and as many for the floor. Received: {count} of each."
        )


def _from_dataset(dataset, count):
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError("data must end. Received: a data set that repeats for ever. Take it before repeat().")
    parts, have = [], 0
    for batch in dataset:
        images = keras.ops.convert_to_numpy(batch[0] if isinstance(batch, (tuple, list)) else batch)
        if images.ndim != 4:
            raise ValueError(
                "data must have batches of images, (n, height, width, channels). "
                f"Received: a batch of shape {images.shape}. Batch it: data.batch(64)."
            )
        parts.append(images)
        have += len(images)
        if have >= count:
            break
    if not parts:
        raise ValueError("data must not be empty. Received: a data set without a batch.")
    return np.concatenate(parts)[:count]


def _images(images, name):
    if isinstance(images, (list, tuple)) or not hasattr(images, "shape"):
        wanted = "a model with generate(count, seed=…)" if name == "gan" else "the name of a set, a tf.data.Dataset"
        raise TypeError(
            f"{name} must be {wanted} or an array of images. Received: {name} of type {type(images).__name__}."
        )
    if len(images.shape) != 4 or images.shape[0] == 0:
        raise ValueError(
            f"{name} must be images of shape (n, height, width, channels). Received: {name} of shape {images.shape}."
        )
    return keras.ops.convert_to_numpy(images)


def _scaled(images, value_range, name):
    """Real images in [−1, 1]; an error if they are not of the range that they should be of."""
    validation.check_array(images, images.shape[1:], value_range, name)
    low, high = value_range
    if (low, high) == (-1.0, 1.0):
        return images.astype("float32")
    return (2 * (images.astype("float32") - low) / (high - low) - 1).clip(-1, 1)


# --- the generated ones --------------------------------------------------------------------------------------------


def _generated(gan, count, seed):
    """The images of gan.generate(count, seed=seed), in pieces where the model can be asked for pieces."""
    if callable(getattr(gan, "sample_latents", None)):
        latents = gan.sample_latents(count, seed)
        for start in range(0, count, _CHUNK):
            yield gan.generate(latents=latents[start : start + _CHUNK])
    else:
        images = gan.generate(count, seed=seed)
        for start in range(0, count, _CHUNK):
            yield images[start : start + _CHUNK]


def _image_shape(gan):
    shape = getattr(gan, "image_shape", None) or tuple(getattr(gan, "shape", ()))[1:]
    return tuple(shape) if len(shape) == 3 else None


def _value_range(gan, value_range):
    if value_range is None:
        from gan_lessons import plotting  # brings matplotlib along, so not before it is needed

        return plotting.range_of(gan)
    low, high = (float(end) for end in value_range)
    if not low < high:
        raise ValueError(f"value_range must be (low, high), low < high. Received: value_range={value_range!r}.")
    return low, high


def names_of_scores(scores):
    """The names of scores as a tuple. Args: one name or several. Raises: ValueError if one of them is unknown."""
    names = (scores,) if isinstance(scores, str) else tuple(scores)
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise ValueError(f"scores must be some of {', '.join(METRICS)}. Received: scores={scores!r}.")
    return names


# --- what is kept on disk ------------------------------------------------------------------------------------------


def _cache_path(extractor, images):
    """Where the answers to exactly these images are kept: the name is a digest of images and network."""
    digest = hashlib.blake2b(f"{images.shape} {extractor.fingerprint}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(images))
    return image_sets.keras_home() / "gan_lessons" / f"features-{digest.hexdigest()}.npz"


def _read(path, count, extractor):
    """(features, probabilities) or None; a file that is damaged counts as none."""
    if path is None or not path.is_file():
        return None
    with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        with np.load(path) as kept:
            found = kept["features"]
            probabilities = kept["probabilities"] if extractor.has_probabilities else None
        if found.shape == (count, extractor.dimensions):
            return found, probabilities
    return None


def _write(path, answers):
    if path is None:
        return
    found, probabilities = answers
    arrays = {"features": found} | ({} if probabilities is None else {"probabilities": probabilities})
    with contextlib.suppress(OSError):  # where nothing can be written, it is computed again next time
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
        try:
            np.savez(unfinished, **arrays)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)


def _number(value, spread=None):
    return f"{value:.4g}" + ("" if spread is None else f" ± {spread:.2g}")
