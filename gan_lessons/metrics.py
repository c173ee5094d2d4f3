"""Scores of samples: numbers in the place of "they look good".

    distance = gl.metrics.FrechetDistance("mnist")
    distance.update_real(train_images)                  # batch by batch, or at once
    distance.update_state(gan.generate(10_000, seed=0))
    distance.result()                                   # a float
    distance.reset_state()                              # forgets the generated images, keeps the real ones

Four Keras metrics compare generated images with real ones in *features* (`gan_lessons.features`); `class_report` is
what a classifier of the real images says of the generated ones. `gl.score` measures a GAN by all four, and says beside
each score what it would be for real images. A score without the number of images, the features and that floor means
little.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from gan_lessons import features as extractors

# Rows of a matrix of distances that are held in memory at a time: 250 × 10,000 of them take 20 MB. Larger blocks miss
# the processor's cache, smaller ones multiply matrices more slowly.
_BLOCK = 250

_GOLDEN = (5**0.5 - 1) / 2


# --- metrics on features -------------------------------------------------------------------------------------------


class _SampleMetric(keras.metrics.Metric):
    """What the scores share: where features come from, real against generated, and what is remembered.

    The state is kept in NumPy and in double precision, not in Keras variables: it is for use outside of a compiled
    step.
    """

    def __init__(self, features, name):
        super().__init__(name=name)
        self.features = None if features is None else extractors.get(features)

    def update_real(self, images):
        """Takes real images in, or their features. Args: images (n, height, width, channels) or (n, d)."""
        self._take(self._numbers(images), real=True)

    def update_state(self, images):
        """Takes generated images in, or their features. Args: images (n, height, width, channels) or (n, d)."""
        self._take(self._numbers(images), real=False)

    def reset_state(self):
        """Forgets the generated images. What is known of the real ones stays, for the next epoch."""
        self._forget(real=False)

    def reset_real(self):
        """Forgets the real images."""
        self._forget(real=True)

    def result(self):
        """The score of all that was taken in so far."""
        raise NotImplementedError

    def _numbers(self, images):
        """Features (n, d) in double precision, from images or given."""
        _check_eager(self, images)
        if np.ndim(images) != 2:
            if self.features is None:
                raise ValueError(
                    f"Without an extractor {type(self).__name__} takes features of shape (n, d). Received: an array of "
                    f"shape {np.shape(images)}. Give it one: {type(self).__name__}('mnist')."
                )
            images = self._look(images)
        numbers = np.asarray(keras.ops.convert_to_numpy(images), "float64")
        if len(numbers) == 0 or not np.isfinite(numbers).all():
            raise ValueError(
                f"Features must be finite numbers, of at least one image. Received: {_described(numbers)}."
            )
        return numbers

    def _look(self, images):
        return self.features(images)

    def _require(self, real, generated, least=1):
        if real < least or generated < least:
            raise ValueError(
                f"{type(self).__name__} compares at least {least} real and {least} generated images. Received: {real} "
                f"real, {generated} generated. Call update_real(images) and update_state(images) first."
            )

    def get_config(self):
        return {"name": self.name, "features": _name_of(self.features)}  # no dtype: it is always double precision


def _check_eager(metric, images):
    if keras.ops.is_tensor(images) and not hasattr(images, "numpy"):
        raise TypeError(
            f"{type(metric).__name__} keeps its state outside of TensorFlow. Received: a symbolic tensor, from within "
            "a compiled step. Update it between the steps, in a callback for example (callbacks.ScoreMonitor)."
        )


def _described(numbers):
    return f"an array of shape {numbers.shape}" + ("" if np.isfinite(numbers).all() else " with NaN or infinity in it")


def _name_of(extractor):
    """The name of an extractor that has one, for a config."""
    if extractor is None:
        return None
    for name, make in extractors.NAMES.items():
        # One that has not been made yet is not this one, and InceptionV3 is not to be downloaded for the question.
        if make.cache_info().currsize and make() is extractor:
            return name
    raise ValueError(
        f"Only features with a name ({', '.join(extractors.NAMES)}) can be written down. "
        f"Received: {extractor.title}. Make the metric again where it is needed."
    )


class _Moments:
    """Count, mean and scatter Σ(x − μ)(x − μ)ᵀ of vectors that come in batches.

    Batches are merged by the update of Chan, Golub & LeVeque (1979), which subtracts no large numbers from one another,
    as Σxxᵀ − n·μμᵀ would.
    """

    def __init__(self):
        self.count, self.mean, self.scatter = 0, 0.0, 0.0

    def update(self, vectors):
        if self.count and vectors.shape[1] != len(self.mean):
            raise ValueError(f"Features have one length. Received: {vectors.shape[1]} after {len(self.mean)}.")
        count, mean = len(vectors), vectors.mean(0)
        centred = vectors - mean
        apart = mean - self.mean
        total = self.count + count
        self.scatter = self.scatter + centred.T @ centred + np.outer(apart, apart) * (self.count * count / total)
        self.mean = self.mean + apart * (count / total)
        self.count = total

    @property
    def covariance(self):
        return self.scatter / (self.count - 1)


def frechet(mean_a, covariance_a, mean_b, covariance_b):
    """The squared Fréchet distance of two Gaussians: how far one must be moved to become the other.

    |μ_a − μ_b|² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½)

    It is the squared 2-Wasserstein distance. For Σ_a = AAᵀ and Σ_b = BBᵀ the trace of the root is the sum of the
    singular values of AᵀB. So no root of a matrix is taken, nothing becomes complex, and singular covariances (fewer
    images than features) are as good as others.

    Args:
        mean_a, mean_b: vectors of shape (d,).
        covariance_a, covariance_b: symmetric matrices without negative eigenvalues, of shape (d, d).

    Returns:
        A float, at least 0.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> frechet([0.0], [[1.0]], [3.0], [[4.0]])          # in one dimension (μ_a − μ_b)² + (σ_a − σ_b)²
        10.0

    Reference:
        Dowson & Landau, The Fréchet distance between multivariate normal distributions, 1982
    """
    mean_a, covariance_a, mean_b, covariance_b = (
        np.asarray(one, "float64") for one in (mean_a, covariance_a, mean_b, covariance_b)
    )
    length = mean_a.size
    if (mean_a.shape, mean_b.shape) != ((length,),) * 2 or (covariance_a.shape, covariance_b.shape) != (
        (length, length),
    ) * 2:
        raise ValueError(
            "Two Gaussians have means of shape (d,) and covariances of shape (d, d). Received: means of shape "
            f"{mean_a.shape} and {mean_b.shape}, covariances of shape {covariance_a.shape} and {covariance_b.shape}."
        )
    root_trace = np.linalg.svd(_factor(covariance_a).T @ _factor(covariance_b), compute_uv=False).sum()
    distance = np.sum((mean_a - mean_b) ** 2) + np.trace(covariance_a) + np.trace(covariance_b) - 2 * root_trace
    return max(float(distance), 0.0)


def _factor(covariance):
    """A of shape (d, rank) with covariance = AAᵀ."""
    values, vectors = np.linalg.eigh(covariance)
    # Directions in which there is nothing are left out: rounding would put something there, and its root is large.
    there = values > len(values) * np.finfo("float64").eps * max(values[-1], 0)
    return vectors[:, there] * np.sqrt(values[there])


@keras.saving.register_keras_serializable("gan_lessons")
class FrechetDistance(_SampleMetric):
    """The Fréchet distance of real and generated images: of the two Gaussians that have their features' mean and
    covariance.

    In the features of InceptionV3 it is known as FID. It is 0 for equal distributions, and lower is better. It sees
    what changes the mean or the covariance of the features, and nothing else. With few images it is too large, for any
    generator: about as much as it is between two sets of real images of that size. Compare scores of equal n only.

    Mean and covariance are added up batch by batch; the images themselves are not kept.

    Args:
        features: an `Extractor`, its name or a Keras model (see `gan_lessons.features.get`); None to be given features.
        name: the metric's name.

    Example:
        >>> distance = FrechetDistance("cifar10")
        >>> for batch in real: distance.update_real(batch)
        >>> distance.update_state(gan.generate(10_000, seed=0))
        >>> distance.result()
        31.4

    Reference:
        Heusel et al., GANs Trained by a Two Time-Scale Update Rule …, 2017, arXiv:1706.08500
    """

    _direction = "down"

    def __init__(self, features=None, name="frechet_distance"):
        super().__init__(features, name)
        self._moments = {True: _Moments(), False: _Moments()}

    def _take(self, numbers, real):
        self._moments[real].update(numbers)

    def _forget(self, real):
        self._moments[real] = _Moments()

    def result(self):
        """The distance. Returns: a float. Raises: ValueError if there are fewer than two images on a side."""
        real, generated = self._moments[True], self._moments[False]
        self._require(real.count, generated.count, least=2)
        return frechet(real.mean, real.covariance, generated.mean, generated.covariance)


class _KeepingMetric(_SampleMetric):
    """A metric that needs every image's features until the end."""

    def __init__(self, features, name):
        super().__init__(features, name)
        self._parts = {True: [], False: []}
        self._known = {}

    def _take(self, numbers, real):
        parts = [*self._parts[True], *self._parts[False]]
        if parts and parts[0].shape[1] != numbers.shape[1]:
            raise ValueError(f"Features have one length. Received: {numbers.shape[1]} after {parts[0].shape[1]}.")
        self._parts[real].append(numbers)
        self._changed(real)

    def _forget(self, real):
        self._parts[real] = []
        self._changed(real)

    def _changed(self, real):
        # What follows from the real images alone is not worked out again while only the generated ones change.
        self._known = {} if real else {key: value for key, value in self._known.items() if key == "real_radii"}

    def _all(self, real):
        if len(self._parts[real]) > 1:
            self._parts[real] = [np.concatenate(self._parts[real])]
        return self._parts[real][0] if self._parts[real] else np.zeros((0, 1))


def kernel_distance(real, generated):
    """The squared maximum mean discrepancy of two samples under the kernel k(x, y) = (x·y/d + 1)³, without bias.

    mean k(x, x') + mean k(y, y') − 2 mean k(x, y)   over pairs of *different* vectors x, x' and y, y'

    Its expectation is 0 for equal distributions, whatever the number of samples; so it is sometimes negative.

    Args:
        real, generated: features of shape (n, d) and (m, d), n and m at least 2.

    Returns:
        A float.
    """

    def kernel(x, y):
        values = x @ y.T / x.shape[1] + 1
        return values * values * values  # many times faster than values**3

    def mean_of_pairs(x):
        values = kernel(x, x)
        return (values.sum() - np.trace(values)) / (len(x) * (len(x) - 1))

    return float(mean_of_pairs(real) + mean_of_pairs(generated) - 2 * kernel(real, generated).mean())


@keras.saving.register_keras_serializable("gan_lessons")
class KernelDistance(_KeepingMetric):
    """The kernel distance of real and generated images, known as KID in the features of InceptionV3.

    `kernel_distance` of random subsets of both sides, and the mean of these. Unlike the Fréchet distance it has no
    bias: it is 0 in the mean for equal distributions, whatever the number of images, and for these it may come out
    negative. Lower is better. `spread` says how much the subsets differ.

    Args:
        features: an `Extractor`, its name or a Keras model (see `gan_lessons.features.get`); None to be given features.
        subsets: how many subsets.
        subset_size: how many images of each side a subset has. At most half of the smaller side is taken, so that
            subsets differ.
        seed: an integer that fixes the subsets.
        name: the metric's name.

    Raises:
        ValueError: for numbers that are too small.

    Reference:
        Bińkowski et al., Demystifying MMD GANs, 2018, arXiv:1801.01401
    """

    _direction = "down"

    def __init__(self, features=None, subsets=100, subset_size=1000, seed=0, name="kernel_distance"):
        super().__init__(features, name)
        self.subsets = _integer("subsets", subsets, least=2)
        self.subset_size = _integer("subset_size", subset_size, least=2)
        self.seed = _integer("seed", seed, least=0)

    def result(self):
        """The mean over the subsets. Returns: a float. Raises: ValueError for fewer than four images on a side."""
        return float(self._distances().mean())

    @property
    def spread(self):
        """The standard deviation over the subsets, a float."""
        return float(self._distances().std(ddof=1))

    def _distances(self):
        if "distances" not in self._known:
            real, generated = self._all(True), self._all(False)
            self._require(len(real), len(generated), least=4)
            size = min(self.subset_size, len(real) // 2, len(generated) // 2)
            random = np.random.default_rng(self.seed)
            self._known["distances"] = np.array(
                [
                    kernel_distance(*(random.choice(side, size, replace=False) for side in (real, generated)))
                    for _ in range(self.subsets)
                ]
            )
        return self._known["distances"]

    def get_config(self):
        return super().get_config() | {"subsets": self.subsets, "subset_size": self.subset_size, "seed": self.seed}


@keras.saving.register_keras_serializable("gan_lessons")
class PrecisionRecall(_KeepingMetric):
    """Are the generated images like real ones, and are there generated ones like all of the real? Four answers.

    Around each image lies a ball that reaches to its k-th nearest neighbour on its own side. The balls together are
    where the images of that side are at home.

    - `precision`: the fraction of generated images that lie in a ball of a real one: how many look real.
    - `recall`: the fraction of real images that lie in a ball of a generated one: how much of the variety is there.
    - `density`: in how many balls of real images a generated one lies, over k: as precision, but one far-off real image
      with a huge ball counts little. It is 1 for equal distributions and may be more.
    - `coverage`: the fraction of real images whose ball has a generated one in it: as recall, with the balls of the
      real images, which a few odd generated images cannot make huge.

    All depend on n: keep it the same on both sides and from score to score. Distances are computed in blocks, so that
    10,000 against 10,000 fit in memory.

    Args:
        features: an `Extractor`, its name or a Keras model (see `gan_lessons.features.get`); None to be given features.
        neighbours: k of precision and recall.
        density_neighbours: k of density and coverage.
        name: the metric's name.

    Raises:
        ValueError: for numbers that are too small.

    Reference:
        Kynkäänniemi et al., Improved Precision and Recall Metric …, 2019, arXiv:1904.06991 (k = 3);
        Naeem et al., Reliable Fidelity and Diversity Metrics …, 2020, arXiv:2002.09797 (k = 5)
    """

    _direction = "up"

    def __init__(self, features=None, neighbours=3, density_neighbours=5, name="precision_recall"):
        super().__init__(features, name)
        self.neighbours = _integer("neighbours", neighbours, least=1)
        self.density_neighbours = _integer("density_neighbours", density_neighbours, least=1)

    def result(self):
        """The four numbers. Returns: a dict of floats. Raises: ValueError for no more images than neighbours."""
        if "result" not in self._known:
            real, generated = self._all(True), self._all(False)
            self._require(len(real), len(generated), least=max(self.neighbours, self.density_neighbours) + 1)
            if "real_radii" not in self._known:
                self._known["real_radii"] = _radii(real, (self.neighbours, self.density_neighbours))
            near, dense = self._known["real_radii"]
            (generated_near,) = _radii(generated, (self.neighbours,))
            within = np.zeros(len(generated), bool)  # a generated image in a ball of a real one
            found = np.zeros(len(real), bool)  # a real image in a ball of a generated one
            covered = np.zeros(len(real), bool)  # a real image whose ball has a generated one in it
            balls = 0
            for rows, distances in _distance_blocks(generated, real):
                within[rows] = (distances <= near).any(1)
                found |= (distances <= generated_near[rows, None]).any(0)
                inside = distances <= dense
                covered |= inside.any(0)
                balls += np.count_nonzero(inside)
            self._known["result"] = {
                "precision": float(within.mean()),
                "recall": float(found.mean()),
                "density": float(balls / (self.density_neighbours * len(generated))),
                "coverage": float(covered.mean()),
            }
        return dict(self._known["result"])

    def get_config(self):
        return super().get_config() | {
            "neighbours": self.neighbours,
            "density_neighbours": self.density_neighbours,
        }


def _distance_blocks(a, b):
    """Yields (rows, squared distances of a[rows] to all of b)."""
    # About the middle of all: |x|² + |y|² − 2x·y loses digits where the vectors are long and their differences short.
    middle = b.mean(0)
    a, b = a - middle, b - middle
    lengths_a, lengths_b = (a * a).sum(1), (b * b).sum(1)
    for start in range(0, len(a), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distances = a[rows] @ (-2 * b.T)
        distances += lengths_a[rows, None]
        distances += lengths_b
        # What is left of two equal vectors is rounding; to call it 0 makes a repeated image lie in its own ball.
        distances[distances < 1e-12 * lengths_b.max()] = 0
        yield rows, distances


def _radii(vectors, neighbours):
    """For each k of `neighbours` the squared distance of each vector to its k-th nearest other, (n,)."""
    radii = np.empty((len(neighbours), len(vectors)))
    for rows, distances in _distance_blocks(vectors, vectors):
        block = np.arange(len(distances))
        distances[block, rows.start + block] = np.inf  # not itself
        nearest = np.partition(distances, sorted({k - 1 for k in neighbours}), axis=1)
        radii[:, rows] = [nearest[:, k - 1] for k in neighbours]
    return radii


@keras.saving.register_keras_serializable("gan_lessons")
class InceptionScore(_SampleMetric):
    """The classifier score: exp(E_x KL(p(y|x) ‖ p(y))). In the classes of InceptionV3 it is known as Inception Score.

    It is high if each image is surely of some class (p(y|x) is sharp) and all classes come up (p(y) is broad); its
    range is 1 to the number of classes. Higher is better. It never sees a real image: one perfect image of each class,
    and nothing else, has the highest score. So it takes no real images in; what real ones score is a second metric's
    result.

    Args:
        features: an `Extractor` of a classifier, or its name; None to be given probabilities of shape (n, classes).
        splits: in how many parts the images are scored. The score is the mean over these, `spread` their standard
            deviation, as published. Images are dealt out so that no order of classes makes parts of one class. Smaller
            parts have lower scores.
        name: the metric's name.

    Raises:
        ValueError: if the extractor has no classes, or for numbers that are too small.

    Reference:
        Salimans et al., Improved Techniques for Training GANs, 2016, arXiv:1606.03498
    """

    _direction = "up"

    def __init__(self, features=None, splits=10, name="inception_score"):
        super().__init__(features, name)
        if self.features is not None and not self.features.has_probabilities:
            raise ValueError(
                f"InceptionScore needs a classifier. Received: features={self.features!r}, which has no classes. "
                "Make the Extractor of a classifier, with `layer` naming the layer of its features."
            )
        self.splits = _integer("splits", splits, least=1)
        self._forget(real=False)

    def update_real(self, images):
        """Refused: this score looks at one set of images. To score real ones, give them to a metric of their own."""
        raise TypeError(
            "InceptionScore looks at one set of images only. Received: real images. "
            "To see what these score, give them to update_state() of another InceptionScore."
        )

    def reset_state(self):
        """Forgets all images."""
        self._forget(real=False)

    def _look(self, images):
        return self.features.probabilities(images)

    def _take(self, numbers, real):
        if numbers.min() < -1e-6 or not np.allclose(numbers.sum(1), 1, atol=1e-3):
            raise ValueError(
                "A classifier answers probabilities of shape (n, classes) that add up to 1. "
                f"Received: numbers from {numbers.min():.3g} to {numbers.max():.3g}. Apply a softmax to logits."
            )
        numbers = np.clip(numbers, 0, None)
        # By the multiples of the golden ratio, which fall evenly and in step with no period that classes may come in.
        part = ((self._count + np.arange(len(numbers))) * _GOLDEN % 1 * self.splits).astype(int)
        if self._count == 0:
            self._sums = np.zeros((self.splits, numbers.shape[1]))
        # KL(p(y|x) ‖ p(y)) in the mean is the entropy of the mean less the mean of the entropies; both add up.
        logs = np.log(numbers, out=np.zeros_like(numbers), where=numbers > 0)
        np.add.at(self._sums, part, numbers)
        np.add.at(self._negative_entropies, part, (numbers * logs).sum(1))
        self._counts += np.bincount(part, minlength=self.splits)
        self._count += len(numbers)

    def _forget(self, real):
        self._count, self._sums = 0, None
        self._counts, self._negative_entropies = np.zeros(self.splits, int), np.zeros(self.splits)

    def result(self):
        """The mean over the parts. Returns: a float. Raises: ValueError if there are fewer images than parts."""
        return float(self._scores().mean())

    @property
    def spread(self):
        """The standard deviation over the parts, a float."""
        return float(self._scores().std())

    def _scores(self):
        if not self._counts.all():
            raise ValueError(
                f"InceptionScore needs images for each of its splits. Received: {self._count} images for splits="
                f"{self.splits}. Call update_state(images) first, or take fewer splits."
            )
        mean = self._sums / self._counts[:, None]
        logs = np.log(mean, out=np.zeros_like(mean), where=mean > 0)
        return np.exp(self._negative_entropies / self._counts - (mean * logs).sum(1))

    def get_config(self):
        return super().get_config() | {"splits": self.splits}


def _integer(name, value, least):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}. Received: {name}={value!r}.")
    return int(value)


# --- what a classifier says ----------------------------------------------------------------------------------------


def train_classifier(images, labels, epochs=3, seed=0, verbose=0):
    """Trains a small convolutional classifier, to judge generated images with.

    On MNIST, three epochs get 98.6 % of the test set right, five 99.0 %, at about a quarter of a minute each on two cores.

    Args:
        images: real images of shape (n, height, width, channels) in [−1, 1].
        labels: their classes, integers of shape (n,), from 0 on.
        epochs: passes over the images.
        seed: an integer; the same seed and data give the same classifier.
        verbose: as `keras.Model.fit`.

    Returns:
        A Keras model from images to probabilities of shape (n, classes).

    Raises:
        ValueError: if images and labels are not of one length, or there are none.
    """
    images, labels = np.asarray(images, "float32"), np.asarray(labels)
    if images.ndim != 4 or len(images) == 0 or labels.shape != (len(images),):
        raise ValueError(
            "A classifier is trained on images of shape (n, height, width, channels), n > 0, and one label each. "
            f"Received: images of shape {images.shape}, labels of shape {labels.shape}."
        )
    seeds = iter(range(seed, seed + 100))

    def kernel():
        return keras.initializers.HeNormal(seed=next(seeds))

    classifier = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            layers.Conv2D(32, 3, padding="same", activation="relu", kernel_initializer=kernel()),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu", kernel_initializer=kernel()),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu", kernel_initializer=kernel()),
            layers.Dropout(0.4, seed=next(seeds)),
            layers.Dense(int(labels.max()) + 1, activation="softmax", kernel_initializer=kernel()),
        ],
        name="classifier",
    )
    classifier.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    # Shuffled here, with this seed, so that the classifier does not depend on what else drew random numbers.
    random = np.random.default_rng(seed)
    for epoch in range(epochs):
        order = random.permutation(len(images))
        classifier.fit(
            images[order], labels[order], batch_size=128, epochs=epoch + 1, initial_epoch=epoch,
            shuffle=False, verbose=verbose,
        )
    return classifier


@dataclass(frozen=True)
class ClassReport:
    """What a classifier says of a set of samples.

    Attributes:
        confidence: the mean over the samples of the largest class probability, in (1/classes, 1].
        shares: the fraction of the samples assigned to each class, of shape (classes,); they add up to 1.
        count: how many samples were judged.
    """

    confidence: float
    shares: np.ndarray
    count: int

    def __str__(self):
        shares = " ".join(f"{label}:{share:.0%}" for label, share in enumerate(self.shares))
        return f"{self.count} samples, mean confidence {self.confidence:.3f}; shares {shares}"


def class_report(classifier, images, batch_size=512):
    """Judges samples with a classifier of the real images.

    Confidence alone can be had with one perfect picture, repeated; shares alone with noise. Read them together.

    Args:
        classifier: a Keras model from images to probabilities of shape (n, classes).
        images: samples of shape (n, height, width, channels), in the range that the classifier was trained on.
        batch_size: how many are judged at a time.

    Returns:
        A `ClassReport`.

    Raises:
        ValueError: if there are no images, or the classifier does not answer probabilities.

    Example:
        >>> print(class_report(classifier, gan.generate(10_000, seed=0)))
        10000 samples, mean confidence 0.957; shares 0:10% 1:12% …
    """
    images = np.asarray(images, "float32")
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(
            f"Samples have the shape (n, height, width, channels), n > 0. Received: images of shape {images.shape}."
        )
    probabilities = classifier.predict(images, batch_size=batch_size, verbose=0)
    if probabilities.ndim != 2 or not np.allclose(probabilities.sum(1), 1, atol=1e-3) or probabilities.min() < 0:
        raise ValueError(
            "The classifier must answer probabilities of shape (n, classes) that add up to 1. "
            f"Received: answers of shape {probabilities.shape}. End it in a softmax."
        )
    assigned = np.bincount(probabilities.argmax(1), minlength=probabilities.shape[1])
    return ClassReport(float(probabilities.max(1).mean()), assigned / len(images), len(images))
