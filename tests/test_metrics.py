"""The scores, held against closed forms, SciPy, and formulas written out pair by pair; classifiers that are known."""

import keras
import numpy as np
import pytest
import scipy.linalg
import scipy.spatial.distance
import scipy.special
import tensorflow as tf

from gan_lessons import features, metrics
from gan_lessons.metrics import FrechetDistance, InceptionScore, KernelDistance, PrecisionRecall

# --- Fréchet distance ----------------------------------------------------------------------------------------------


def covariance(d, rank=None, seed=0):
    factor = np.random.default_rng(seed).normal(size=(d, rank or d))
    return factor @ factor.T / d


def by_sqrtm(mean_a, covariance_a, mean_b, covariance_b):
    """The formula as it is printed in Heusel et al., equation (6)."""
    root = scipy.linalg.sqrtm(covariance_a @ covariance_b)
    return np.sum((mean_a - mean_b) ** 2) + np.trace(covariance_a + covariance_b - 2 * root.real)


def test_frechet_of_numbers():
    assert metrics.frechet([0.0], [[1.0]], [3.0], [[4.0]]) == pytest.approx(10.0, rel=1e-12)  # 3² + (1 − 2)²
    assert metrics.frechet([1.0, 2.0], np.eye(2), [1.0, 2.0], np.eye(2)) == pytest.approx(0, abs=1e-12)
    assert metrics.frechet([0.0], [[0.0]], [2.0], [[0.0]]) == 4.0  # two points


@pytest.mark.parametrize("seed", range(5))
def test_frechet_of_diagonal_covariances(seed):
    # Σ = diag(σ²): |μ − μ'|² + Σ(σ − σ')², coordinate by coordinate.
    random = np.random.default_rng(seed)
    mean, other = random.normal(size=(2, 30))
    sigma, tau = random.uniform(0, 3, size=(2, 30))
    expected = np.sum((mean - other) ** 2) + np.sum((sigma - tau) ** 2)
    assert metrics.frechet(mean, np.diag(sigma**2), other, np.diag(tau**2)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_frechet_of_full_covariances_is_scipys(seed):
    a, b = covariance(40, seed=seed), covariance(40, seed=seed + 100)
    mean, other = np.random.default_rng(seed).normal(size=(2, 40))
    assert metrics.frechet(mean, a, other, b) == pytest.approx(by_sqrtm(mean, a, other, b), rel=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_frechet_of_covariances_that_commute(seed):
    # Two covariances with the same axes: as diagonal ones, whatever the axes.
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.normal(size=(25, 25)))
    sigma, tau = random.uniform(0.1, 2, size=(2, 25))
    a, b = axes * sigma**2 @ axes.T, axes * tau**2 @ axes.T
    assert metrics.frechet(np.zeros(25), a, np.zeros(25), b) == pytest.approx(np.sum((sigma - tau) ** 2), rel=1e-9)


@pytest.mark.parametrize("ranks", [(3, 3), (3, 20), (20, 3), (1, 1), (7, 12)], ids=str)
def test_frechet_where_covariances_are_singular(ranks):
    # tr(Σ_a Σ_b)^½ is the sum of the singular values of AᵀB for Σ = AAᵀ: no root of a matrix is taken.
    random = np.random.default_rng(0)
    a, b = (random.normal(size=(20, rank)) for rank in ranks)
    root = np.linalg.svd(a.T @ b, compute_uv=False).sum()
    expected = np.trace(a @ a.T) + np.trace(b @ b.T) - 2 * root
    zero = np.zeros(20)
    assert metrics.frechet(zero, a @ a.T, zero, b @ b.T) == pytest.approx(expected, rel=1e-9)
    assert metrics.frechet(zero, a @ a.T, zero, a @ a.T) == pytest.approx(0, abs=1e-6)


def test_frechet_is_symmetric_and_shapes_must_fit():
    a, b, mean, other = covariance(9, 4), covariance(9, 9, seed=1), np.arange(9.0), np.ones(9)
    assert metrics.frechet(mean, a, other, b) == pytest.approx(metrics.frechet(other, b, mean, a), rel=1e-9)
    with pytest.raises(ValueError, match="covariances of shape \\(d, d\\)"):
        metrics.frechet(mean, a, other[:8], b[:8, :8])


def test_the_moments_of_batches_are_numpys_of_all():
    # Far from 0, where Σxxᵀ − n·μμᵀ would lose every digit.
    vectors = 1e6 + np.random.default_rng(0).normal(size=(1000, 6)) @ covariance(6)
    moments = metrics._Moments()
    for part in np.array_split(vectors, [1, 2, 50, 51, 700]):
        moments.update(part)
    assert moments.count == 1000
    np.testing.assert_allclose(moments.mean, vectors.mean(0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance, np.cov(vectors, rowvar=False), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("n, d", [(500, 20), (30, 20), (12, 60), (2, 5)], ids=str)
def test_the_metric_is_the_formula_on_the_samples(n, d):
    random = np.random.default_rng(0)
    real, made = random.normal(size=(n, d)), random.normal(0.5, 2, size=(n + 1, d))
    distance = FrechetDistance()
    for part in np.array_split(real, 3):
        if len(part):
            distance.update_real(part)
    distance.update_state(made[: n // 2])
    distance.update_state(made[n // 2 :])
    # Of centred samples X/√(n−1), as above for singular covariances: it holds for n < d too.
    x, y = ((one - one.mean(0)) / np.sqrt(len(one) - 1) for one in (real, made))
    expected = np.sum((real.mean(0) - made.mean(0)) ** 2) + np.sum(x**2) + np.sum(y**2)
    expected -= 2 * np.linalg.svd(x @ y.T, compute_uv=False).sum()
    assert distance.result() == pytest.approx(expected, rel=1e-8)
    if n > 2 * d:
        terms = [f(one) for one in (real, made) for f in (lambda v: v.mean(0), lambda v: np.cov(v, rowvar=False))]
        assert distance.result() == pytest.approx(by_sqrtm(*terms), rel=1e-8)


def test_frechet_of_gaussian_samples_approaches_the_closed_form():
    random = np.random.default_rng(0)
    d, n = 5, 40_000
    distance = FrechetDistance()
    distance.update_real(random.normal(size=(n, d)))
    distance.update_state(1.0 + 2.0 * random.normal(size=(n, d)))
    assert distance.result() == pytest.approx(d * (1 + 1), rel=0.03)  # 1² + (2 − 1)² for each coordinate


# --- kernel distance -----------------------------------------------------------------------------------------------


def kernel_by_pairs(real, made):
    def k(x, y):
        return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3

    def mean(values):
        values = list(values)
        return sum(values) / len(values)

    within = [mean(k(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j) for s in (real, made)]
    return sum(within) - 2 * mean(k(x, y) for x in real for y in made)


@pytest.mark.parametrize("n, m, d", [(2, 2, 1), (7, 5, 3), (12, 20, 4)])
def test_the_kernel_distance_pair_by_pair(n, m, d):
    random = np.random.default_rng(0)
    real, made = random.normal(size=(n, d)), random.normal(1, 2, size=(m, d))
    assert metrics.kernel_distance(real, made) == pytest.approx(kernel_by_pairs(real, made), rel=1e-10)


def test_the_kernel_distance_has_no_bias():
    # Of equal distributions, over many samples of 8 each: 0 within four standard errors, where the biased one is far
    # off.
    random = np.random.default_rng(0)
    pairs = random.normal(size=(4000, 2, 8, 3))
    values = np.array([metrics.kernel_distance(*pair) for pair in pairs])
    error = values.std() / np.sqrt(len(values))
    assert abs(values.mean()) < 4 * error
    diagonal = np.mean([(np.sum(x * x, -1) / 3 + 1) ** 3 for x in pairs[:200, 0]])
    assert diagonal / 8 > 20 * error, "what leaving out the pairs (x, x) takes away is more than the error"


def test_the_kernel_metric_is_the_mean_over_its_subsets():
    random = np.random.default_rng(0)
    real, made = random.normal(size=(300, 5)), random.normal(0.3, 1, size=(200, 5))
    distance = KernelDistance(subsets=400, subset_size=50)
    for part in np.array_split(real, 4):
        distance.update_real(part)
    distance.update_state(made)
    whole = metrics.kernel_distance(real, made)
    assert distance.result() == pytest.approx(whole, abs=4 * distance.spread / np.sqrt(400))
    # The spread of subsets of 50 that are truly new.
    fresh = [
        metrics.kernel_distance(random.normal(size=(50, 5)), random.normal(0.3, 1, size=(50, 5))) for _ in range(400)
    ]
    assert 0.6 < distance.spread / np.std(fresh) < 1.2
    other = KernelDistance(subsets=400, subset_size=50, seed=1)
    other.update_real(real)
    other.update_state(made)
    assert other.result() != distance.result() and other.result() == pytest.approx(distance.result(), rel=0.3)


def test_few_images_leave_subsets_that_differ():
    random = np.random.default_rng(0)
    distance = KernelDistance()  # subsets of 1000, of which there are only 40
    distance.update_real(random.normal(size=(40, 3)))
    distance.update_state(random.normal(size=(40, 3)))
    assert distance.spread > 0


# --- precision and recall ------------------------------------------------------------------------------------------


def neighbours_by_hand(real, made, k, dense):
    """Both papers' definitions on SciPy's exact distances, point by point."""
    distance = scipy.spatial.distance.cdist

    def radii(points, k):
        return [sorted(np.delete(row, i))[k - 1] for i, row in enumerate(distance(points, points))]

    across = distance(made, real)
    near, generated_near, balls = radii(real, k), radii(made, k), radii(real, dense)
    precision = np.mean([any(across[j, i] <= near[i] for i in range(len(real))) for j in range(len(made))])
    recall = np.mean([any(across[j, i] <= generated_near[j] for j in range(len(made))) for i in range(len(real))])
    density = sum(across[j, i] <= balls[i] for i in range(len(real)) for j in range(len(made))) / (dense * len(made))
    coverage = np.mean([min(across[:, i]) <= balls[i] for i in range(len(real))])
    return {"precision": precision, "recall": recall, "density": density, "coverage": coverage}


@pytest.mark.parametrize("n, m, k, dense", [(30, 40, 3, 5), (25, 10, 1, 2), (6, 6, 5, 5)])
def test_precision_and_recall_by_hand(n, m, k, dense, monkeypatch):
    monkeypatch.setattr(metrics, "_BLOCK", 7)
    random = np.random.default_rng(n)
    real, made = random.normal(size=(n, 4)), random.normal(0.5, 0.7, size=(m, 4))
    metric = PrecisionRecall(neighbours=k, density_neighbours=dense)
    for part in np.array_split(real, 3):
        metric.update_real(part)
    metric.update_state(made)
    expected = neighbours_by_hand(real, made, k, dense)
    assert metric.result() == pytest.approx(expected)
    assert 0 < expected["precision"] and expected["recall"] < 1
    assert all(type(value) is float for value in metric.result().values())


def test_precision_and_recall_see_two_different_things():
    random = np.random.default_rng(0)
    real = np.concatenate([random.normal(centre, 0.1, size=(200, 2)) for centre in (0, 5)])

    def measured(made):
        metric = PrecisionRecall()
        metric.update_real(real)
        metric.update_state(made)
        return metric.result()

    half = measured(random.normal(0, 0.1, size=(400, 2)))  # one of two heaps: real, but not all of it
    assert half["precision"] > 0.9 and half["recall"] < 0.6 and half["coverage"] < 0.6
    wide = measured(np.concatenate([real[:200], random.uniform(10, 20, size=(200, 2))]))  # half of it is nowhere
    assert wide["precision"] == 0.5
    same = measured(real)
    assert same["precision"] == same["recall"] == same["coverage"] == 1.0 and 1 < same["density"] < 1.5
    far = measured(real + 100)
    assert far == {"precision": 0.0, "recall": 0.0, "density": 0.0, "coverage": 0.0}


def test_repeated_images_have_no_room_around_them():
    random = np.random.default_rng(0)
    real = random.normal(size=(400, 3))
    metric = PrecisionRecall()
    metric.update_real(real)
    metric.update_state(np.repeat(real[:20] + 1e-9, 20, axis=0))  # 20 images, each twenty times: balls of radius 0
    result = metric.result()
    assert result["precision"] == 1.0 and result["recall"] < 0.06


def test_what_is_known_of_the_real_images_is_kept(monkeypatch):
    random = np.random.default_rng(0)
    real, made, more = random.normal(size=(3, 50, 3))
    metric, fresh = PrecisionRecall(), PrecisionRecall()
    metric.update_real(real)
    metric.update_state(made)
    metric.result()
    metric.reset_state()
    metric.update_state(more)
    sides = []
    radii = metrics._radii
    monkeypatch.setattr(metrics, "_radii", lambda vectors, k: sides.append(vectors) or radii(vectors, k))
    result = metric.result()
    assert len(sides) == 1, "of the generated images only"
    fresh.update_real(real)
    fresh.update_state(more)
    assert fresh.result() == result
    metric.update_real(made)  # now the real ones are others
    fresh.update_real(made)
    assert metric.result() == fresh.result() != result


# --- classifier score ----------------------------------------------------------------------------------------------


def score_of(probabilities, **kwargs):
    metric = InceptionScore(**kwargs)
    metric.update_state(np.asarray(probabilities))
    return metric.result()


def test_the_classifier_score_of_tf_gans_test():
    # tensorflow/gan, classifier_metrics_test.py: the logits of two images in 1001 classes.
    logits = np.array([[1, 2] * 500 + [4], [4, 5] * 500 + [6]], float)
    score = score_of(scipy.special.softmax(logits, axis=1), splits=1)
    # Less 3 the second row is 1, 2, …, 3: up to their sums the rows differ in the last class only. So by hand:
    rest = 500 * (np.e + np.e**2)
    last = np.array([np.e**4 / (rest + np.e**4), np.e**3 / (rest + np.e**3)])
    groups = np.stack([last, 1 - last], 1)
    by_hand = np.exp(np.mean(np.sum(groups * np.log(groups / groups.mean(0)), 1)))
    assert score == pytest.approx(by_hand, rel=1e-9) and by_hand == pytest.approx(1.00080878, abs=1e-8)


def test_the_frechet_and_kernel_distances_of_tf_gans_tests():
    # The same file's samples: 512 of 256 numbers, numpy.random.seed(0).
    random = np.random.RandomState(0)
    real, made = (random.randn(512, 256).astype("float32").astype("float64") for _ in range(2))
    distance = FrechetDistance()
    distance.update_real(real)
    distance.update_state(made)
    terms = [f(one) for one in (real, made) for f in (lambda v: v.mean(0), lambda v: np.cov(v, rowvar=False))]
    assert distance.result() == pytest.approx(by_sqrtm(*terms), rel=1e-6)

    # There the mean of k over the upper triangles, for samples that are 1.1 times as wide and moved by 0.05.
    made = 1.1 * made + 0.05
    across, of_real, of_made = ((a @ b.T / 256 + 1) ** 3 for a, b in ((real, made), (real, real), (made, made)))
    upper = np.triu_indices(512, k=1)
    expected = of_real[upper].mean() + of_made[upper].mean() - 2 * across.mean()
    assert metrics.kernel_distance(real, made) == pytest.approx(expected, rel=1e-9)


def test_the_ends_of_the_classifier_score():
    classes = 7
    sharp = np.eye(classes)[np.arange(70) % classes]
    assert score_of(sharp, splits=1) == pytest.approx(classes)  # each image surely of a class, all classes
    assert score_of(np.full((50, classes), 1 / classes), splits=1) == pytest.approx(1)  # nobody knows
    assert score_of(np.tile(sharp[0], (50, 1)), splits=1) == pytest.approx(1)  # always the same
    assert score_of(sharp[np.arange(70) % classes < 3], splits=1) == pytest.approx(3)  # three of seven classes


def test_the_classifier_score_in_parts_and_batches():
    probabilities = np.random.default_rng(0).dirichlet([0.3] * 6, size=230)
    metric = InceptionScore(splits=4)
    for part in np.array_split(probabilities, [1, 6, 100]):
        metric.update_state(part)
    part = np.floor(4 * np.modf(np.arange(230) * 0.6180339887498949)[0])
    parts = [probabilities[part == one] for one in range(4)]
    assert {len(one) for one in parts} <= {57, 58}
    expected = [np.exp(np.mean(scipy.special.rel_entr(p, p.mean(0)).sum(1))) for p in parts]
    assert metric.result() == pytest.approx(np.mean(expected), rel=1e-9)
    assert metric.spread == pytest.approx(np.std(expected), rel=1e-9)
    metric.reset_state()
    metric.update_state(probabilities[:50])
    assert metric.result() == pytest.approx(score_of(probabilities[:50], splits=4))


@pytest.mark.parametrize("classes, splits", [(10, 10), (5, 10), (10, 5), (7, 3)])
def test_no_order_of_classes_makes_parts_of_one_class(classes, splits):
    for order in (np.arange(2000) % classes, np.sort(np.arange(2000) % classes)):
        assert score_of(np.eye(classes)[order], splits=splits) > 0.99 * classes


# --- all metrics ---------------------------------------------------------------------------------------------------

ALL = (FrechetDistance, KernelDistance, PrecisionRecall)


def fed(metric, real, made):
    metric.update_real(real)
    metric.update_state(made)
    return metric


@pytest.mark.parametrize("kind", ALL)
def test_images_go_through_the_extractor(kind):
    images = np.random.default_rng(0).uniform(-1, 1, (40, 6, 5, 1)).astype("float32")
    inputs = keras.Input((6, 5, 1))
    outputs = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, activation="relu")(inputs))
    extractor = features.Extractor(keras.Model(inputs, outputs), "test features")
    through = fed(kind(extractor), images[:20], images[20:]).result()
    given = fed(kind(), extractor(images[:20]), tf.constant(extractor(images[20:]))).result()
    assert through == pytest.approx(given, rel=1e-5)


@pytest.mark.parametrize("kind", ALL)
def test_reset_state_keeps_the_real_images(kind):
    real, made, other = np.random.default_rng(0).normal(size=(3, 60, 4))
    metric = fed(kind(), real, made)
    first = metric.result()
    metric.reset_state()
    with pytest.raises(ValueError, match=f"{kind.__name__} compares at least .* Received: 60 real, 0 generated"):
        metric.result()
    metric.update_state(other)
    assert metric.result() == fed(kind(), real, other).result() != first
    metric.reset_real()
    with pytest.raises(ValueError, match="Received: 0 real, 60 generated"):
        metric.result()
    metric.update_real(made)
    assert metric.result() == fed(kind(), made, other).result()


@pytest.mark.parametrize("kind", [*ALL, InceptionScore])
def test_a_metric_is_a_keras_metric(kind):
    metric = kind(name="mine")
    assert isinstance(metric, keras.metrics.Metric) and metric.name == "mine"
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(again) is kind and again.get_config() == metric.get_config()


def test_configs_bring_back_every_setting():
    kernel = KernelDistance(subsets=7, subset_size=11, seed=3)
    again = KernelDistance.from_config(kernel.get_config())
    assert (again.subsets, again.subset_size, again.seed) == (7, 11, 3)
    nearest = PrecisionRecall.from_config(PrecisionRecall(neighbours=2, density_neighbours=4).get_config())
    assert (nearest.neighbours, nearest.density_neighbours) == (2, 4)
    assert InceptionScore.from_config(InceptionScore(splits=3).get_config()).splits == 3
    named = FrechetDistance.from_config(FrechetDistance("mnist").get_config())
    assert named.features is features.mnist()
    inputs = keras.Input((4, 4, 1))
    own = FrechetDistance(keras.Model(inputs, keras.layers.Flatten()(inputs)))
    with pytest.raises(ValueError, match="Only features with a name .*mnist.* can be saved"):
        own.get_config()


@pytest.mark.parametrize(
    "numbers, error",
    [
        (np.full((3, 4), np.nan), "finite numbers"),
        (np.zeros((0, 4)), "at least one image"),
        (np.zeros((3, 4, 4, 1), "float32"), "Without an extractor .* takes features of shape"),
        (np.zeros(3), "Without an extractor"),
    ],
    ids=["nan", "none", "images", "rank"],
)
@pytest.mark.parametrize("kind", ALL)
def test_what_are_no_features_is_refused(kind, numbers, error):
    with pytest.raises(ValueError, match=error):
        kind().update_state(numbers)


@pytest.mark.parametrize("kind", ALL)
def test_features_of_another_length_are_refused(kind):
    metric = kind()
    metric.update_real(np.ones((5, 3)))
    with pytest.raises(ValueError, match="one length|shape"):
        metric.update_real(np.ones((5, 4)))
        metric.result()


def test_numbers_that_cannot_be_meant():
    for make, name in [
        (lambda v: KernelDistance(subsets=v), "subsets"),
        (lambda v: KernelDistance(subset_size=v), "subset_size"),
        (lambda v: PrecisionRecall(neighbours=v), "neighbours"),
        (lambda v: PrecisionRecall(density_neighbours=v), "density_neighbours"),
        (lambda v: InceptionScore(splits=v), "splits"),
    ]:
        for value, error in ((0, ValueError), (1.5, TypeError), (True, TypeError), ("3", TypeError)):
            with pytest.raises(error, match=f"{name} must be an integer of at least .* Received: {name}="):
                make(value)
    with pytest.raises(ValueError, match="Received: 3 real, 3 generated"):
        fed(PrecisionRecall(), np.eye(3), np.eye(3)).result()


def test_logits_and_networks_without_classes_have_no_classifier_score():
    with pytest.raises(ValueError, match="add up to 1.*Apply a softmax"):
        score_of(np.random.default_rng(0).normal(size=(20, 5)))
    with pytest.raises(ValueError, match="images for each of its splits. Received: 4 images for splits=10"):
        score_of(np.eye(4))
    with pytest.raises(TypeError, match="one set of images only. Received: real images"):
        InceptionScore().update_real(np.eye(4))
    inputs = keras.Input((4, 4, 1))
    with pytest.raises(ValueError, match="InceptionScore needs a classifier"):
        InceptionScore(keras.Model(inputs, keras.layers.Flatten()(inputs)))


def test_within_a_compiled_step_a_metric_says_that_it_cannot():
    @tf.function
    def step(numbers):
        FrechetDistance().update_state(numbers)

    with pytest.raises(TypeError, match="symbolic tensor.*between the steps"):
        step(tf.zeros((4, 3)))


# --- what a classifier says ----------------------------------------------------------------------------------------


def patches(count, seed=0, shape=(8, 8, 1)):
    """Images of two classes: bright on the left, or on the right."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    images = random.normal(-0.5, 0.2, (count, *shape)).astype("float32")
    half = shape[1] // 2
    for image, label in zip(images, labels, strict=True):
        image[:, half * label : half * (label + 1)] += 1.0
    return np.clip(images, -1, 1), labels


class Answers:
    """A classifier whose answer to an image is written in the image: its first pixels are the probabilities."""

    def __init__(self, classes=3):
        self.classes = classes

    def predict(self, images, batch_size, verbose):
        return np.asarray(images)[:, 0, : self.classes, 0]


def written(probabilities):
    images = np.zeros((len(probabilities), 1, 4, 1), "float32")
    images[:, 0, : np.shape(probabilities)[1], 0] = probabilities
    return images


def test_the_report_is_what_numpy_says():
    probabilities = np.random.default_rng(0).dirichlet([1, 2, 0.5], size=50).astype("float32")
    report = metrics.class_report(Answers(), written(probabilities))
    np.testing.assert_allclose(report.confidence, probabilities.max(1).mean(), rtol=1e-6)
    expected = [np.mean(probabilities.argmax(1) == label) for label in range(3)]
    np.testing.assert_allclose(report.shares, expected)
    assert isinstance(report, metrics.ClassReport) and report.count == 50 and abs(report.shares.sum() - 1) < 1e-12


def test_a_class_that_is_missing_has_a_share_of_0():
    report = metrics.class_report(Answers(), written([[1, 0, 0], [0.5, 0.3, 0.2]]))
    assert report.shares.tolist() == [1, 0, 0] and report.confidence == 0.75
    assert str(report) == "2 samples, mean confidence 0.750; shares 0:100% 1:0% 2:0%"


def test_a_real_keras_classifier_in_batches():
    images, _ = patches(30)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(4, "softmax")])
    probabilities = model.predict(images, verbose=0)
    report = metrics.class_report(model, images, batch_size=7)
    np.testing.assert_allclose(report.confidence, probabilities.max(1).mean(), rtol=1e-6)
    np.testing.assert_allclose(report.shares, np.bincount(probabilities.argmax(1), minlength=4) / 30)


@pytest.mark.parametrize(
    "answers, images",
    [(lambda x: x * 2, [[1, 0, 0]]), (lambda x: x[:, 0], [[1, 0, 0]]), (lambda x: x, [[1.5, -0.5, 0]])],
    ids=["sum", "rank", "negative"],
)
def test_what_is_not_probabilities_is_refused(answers, images):
    class Wrong(Answers):
        def predict(self, *arguments, **options):
            return answers(super().predict(*arguments, **options))

    with pytest.raises(ValueError, match="must output probabilities.*Received: outputs of shape.*softmax"):
        metrics.class_report(Wrong(), written(images))


@pytest.mark.parametrize(
    "images", [np.zeros((0, 4, 4, 1)), np.zeros((4, 4, 1)), np.zeros(3)], ids=lambda x: str(x.shape)
)
def test_no_images_are_refused(images):
    with pytest.raises(ValueError, match="Received: images of shape"):
        metrics.class_report(Answers(), images)
    with pytest.raises(ValueError, match="Received: images of shape"):
        metrics.train_classifier(images, np.zeros(len(images)))


def test_labels_must_be_as_many_as_images():
    with pytest.raises(ValueError, match="labels of shape \\(3,\\)"):
        metrics.train_classifier(np.zeros((4, 8, 8, 1)), [0, 1, 0])


def test_a_classifier_learns_and_judges():
    images, labels = patches(400)
    classifier = metrics.train_classifier(images, labels, epochs=2, seed=0)
    test_images, test_labels = patches(200, seed=1)
    assert np.mean(classifier.predict(test_images, verbose=0).argmax(1) == test_labels) > 0.97
    report = metrics.class_report(classifier, test_images)
    np.testing.assert_allclose(report.shares, np.bincount(test_labels) / 200, atol=0.03)
    assert report.confidence > 0.9
    one = metrics.class_report(classifier, test_images[test_labels == 1])
    assert one.shares[1] > 0.97, "what makes one class only is seen"

    # The same seed and data give the same classifier, whatever random numbers were drawn before.
    keras.utils.set_random_seed(123)
    again = metrics.train_classifier(images, labels, epochs=2, seed=0)
    for a, b in zip(classifier.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
