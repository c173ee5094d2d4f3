"""The exercises of the lesson How good is it?: right answers, wrong ones with their hints, blank ones."""

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage

from gan_lessons import checks, metrics
from gan_lessons.checks import quality

SCORES = {"a": 1, "b": 10, "c": 1, "d": 2, "e": 2**1.5}
DISTANCES = {"a": 9, "b": 4, "c": 2, "d": 1.6}
LIMITS = {"without end": 9, "10,000": 9.5}
FOUR = {"precision": 1, "recall": 1, "density": 4 / 3, "coverage": 3 / 4}
WHO = {"A": "misses", "B": "copies", "C": "blurs", "D": "repeats"}


def distance(
    real, made, root=lambda m: scipy.linalg.sqrtm(m).real, factor=2.0, shift=None, final=lambda x: x, **options
):
    """A right answer, with what may be wrong about it as arguments."""
    a, b = (np.cov(one, rowvar=False, **options) for one in (real, made))
    means = real.mean(0) - made.mean(0)
    means = np.sum(means**2) if shift is None else shift(means)
    return final(means + np.trace(a + b) - factor * np.trace(root(a @ b)))


def variant(**kwargs):
    return lambda real, made: distance(real, made, **kwargs)


def by_the_package(real, made):
    metric = metrics.FrechetDistance()
    metric.update_real(real)
    metric.update_state(made)
    return metric.result()


def for_four_features_only(real, made):
    return distance(real, made) if real.shape[1] == 4 else 0.0


def elementwise(matrix):
    with np.errstate(invalid="ignore"):
        return np.sqrt(matrix)


def rows_are_variables(real, made):
    return np.trace(np.cov(real) + np.cov(made))


@pytest.mark.parametrize(
    ("check", "answers"),
    [
        ("classifier_scores", (SCORES,)),
        ("classifier_scores", ({**SCORES, "e": "2.83"},)),
        ("gaussian_distances", (DISTANCES,)),
        ("frechet_distance", (distance,)),
        ("frechet_distance", (by_the_package,)),
        ("frechet_distance", (lambda real, made: np.array([[distance(real, made)]]),)),
        ("without_bias", (LIMITS,)),
        ("on_a_line", (FOUR,)),
        ("on_a_line", ({**FOUR, "density": 1.33},)),
        ("whose_card", (WHO,)),
        ("whose_card", ({name: f" {fault.upper()} " for name, fault in WHO.items()},)),
    ],
)
def test_a_right_answer_is_right(check, answers):
    outcome = getattr(quality, check)(*answers)
    assert outcome.status == "right", str(outcome)


@pytest.mark.parametrize(
    ("check", "answers", "words"),
    [
        ("classifier_scores", ([1, 10, 1, 2, 2.83],), "dictionary"),
        ("classifier_scores", (SCORES | {"e": ...},), "e still to do"),
        ("classifier_scores", (SCORES | {"a": 0},), "exp(0) is 1"),
        ("classifier_scores", (SCORES | {"a": 10},), "What is KL"),
        ("classifier_scores", (SCORES | {"b": np.log(10)},), "mean of the divergences"),
        ("classifier_scores", (SCORES | {"b": 1},), "number of images"),
        ("classifier_scores", (SCORES | {"c": 10},), "just as broad"),
        ("classifier_scores", (SCORES | {"d": 5},), "½, ½"),
        ("classifier_scores", (SCORES | {"d": np.log(2)},), "mean of the divergences"),
        ("classifier_scores", (SCORES | {"e": 1.5},), "bits"),
        ("classifier_scores", (SCORES | {"e": 3},), "equal"),
        ("classifier_scores", (SCORES | {"e": 4},), "entropy of the shares"),
        ("classifier_scores", (SCORES | {"b": 1000},), "between 1"),
        ("gaussian_distances", (DISTANCES | {"a": 3},), "squared"),
        ("gaussian_distances", (DISTANCES | {"a": 10},), "equal spreads cancel"),
        ("gaussian_distances", (DISTANCES | {"b": 64},), "variances"),
        ("gaussian_distances", (DISTANCES | {"b": 8},), "difference of the variances"),
        ("gaussian_distances", (DISTANCES | {"b": 2},), "has its square"),
        ("gaussian_distances", (DISTANCES | {"c": 18},), "diagonal"),
        ("gaussian_distances", (DISTANCES | {"c": 1},), "one of the two axes"),
        ("gaussian_distances", (DISTANCES | {"c": 0},), "same total variance"),
        ("gaussian_distances", (DISTANCES | {"d": 0},), "rises and the other falls"),
        ("gaussian_distances", (DISTANCES | {"d": 0.8},), "one of the two axes"),
        ("gaussian_distances", (DISTANCES | {"d": 5.12},), "variances"),
        ("gaussian_distances", (DISTANCES | {"d": 2.8},), "twice"),
        ("gaussian_distances", (DISTANCES | {"d": 2.56},), "root is missing"),
        ("gaussian_distances", (DISTANCES | {"d": 1},), "axes (1, 1)"),
        ("gaussian_distances", (DISTANCES | {"d": -1.6},), "not negative"),
        ("frechet_distance", (variant(root=elementwise),), "every *entry*"),
        ("frechet_distance", (variant(root=lambda m: m),), "root is missing"),
        ("frechet_distance", (variant(factor=1),), "twice"),
        ("frechet_distance", (variant(factor=-2),), "subtracted, not added"),
        ("frechet_distance", (variant(factor=0),), "last term"),
        ("frechet_distance", (variant(shift=lambda m: 0),), "means is missing"),
        ("frechet_distance", (variant(shift=np.linalg.norm),), "squared"),
        ("frechet_distance", (variant(shift=lambda m: np.mean(m**2)),), "sum over the features"),
        ("frechet_distance", (lambda real, made: np.sum((real.mean(0) - made.mean(0)) ** 2),), "means alone"),
        ("frechet_distance", (variant(final=np.sqrt),), "root at the end"),
        ("frechet_distance", (variant(ddof=0),), "n − 1"),
        ("frechet_distance", (variant(final=lambda x: x + 0j),), "complex"),
        ("frechet_distance", (variant(final=lambda x: x + 1),), "was expected"),
        ("frechet_distance", (rows_are_variables,), "rowvar"),
        ("frechet_distance", (lambda real, made: real.mean(0) - made.mean(0),), "one number"),
        ("frechet_distance", (for_four_features_only,), "wrong for 2"),
        ("without_bias", (LIMITS | {"without end": 10},), "5,000 images"),
        ("without_bias", (LIMITS | {"10,000": 5},), "1/n"),
        ("without_bias", (LIMITS | {"without end": 5000},), "a, where"),
        ("without_bias", (LIMITS | {"without end": 3},), "two equations"),
        ("without_bias", (LIMITS | {"10,000": 9},), "b follows"),
        ("without_bias", ({"without end": 9.5, "10,000": 9},), "wrong way round"),
        ("on_a_line", (FOUR | {"precision": 1 / 3},), "from 2 to 10"),
        ("on_a_line", (FOUR | {"precision": 2 / 3},), "in none"),
        ("on_a_line", (FOUR | {"precision": 0},), "how many of"),
        ("on_a_line", (FOUR | {"recall": 0.75},), "−6 to 9"),
        ("on_a_line", (FOUR | {"recall": 0},), "*generated*"),
        ("on_a_line", (FOUR | {"density": 4},), "divides"),
        ("on_a_line", (FOUR | {"density": 1},), "*two* balls"),
        ("on_a_line", (FOUR | {"coverage": 1},), "ball of 0"),
        ("on_a_line", (FOUR | {"coverage": 0.5},), "ball of 6"),
        ("on_a_line", (FOUR | {"coverage": 0.9},), "four real points"),
        ("on_a_line", (FOUR | {"recall": ...},), "recall still to do"),
        ("whose_card", (WHO | {"A": "copies", "B": "misses"},), "below the floor"),
        ("whose_card", (WHO | {"A": "blurs", "C": "misses"},), "none looks like"),
        ("whose_card", (WHO | {"C": "repeats", "D": "blurs"},), "no size"),
        ("whose_card", (WHO | {"D": "misses", "A": "misses"},), "five digits"),
        ("whose_card", (WHO | {"A": "collapsed"},), "none of"),
        ("whose_card", (WHO | {"D": ...},), "D still to do"),
        ("whose_card", ("copies",), "dictionary"),
    ],
)
def test_a_wrong_answer_gets_a_hint_about_why(check, answers, words):
    outcome = getattr(quality, check)(*answers)
    assert outcome.status == "wrong"
    assert words in outcome.message, outcome.message


@pytest.mark.parametrize(
    ("check", "answers"),
    [
        ("classifier_scores", (dict.fromkeys("abcde", ...),)),
        ("gaussian_distances", (dict.fromkeys("abcd", ...),)),
        ("frechet_distance", (lambda real, made: ...,)),
        ("without_bias", (dict.fromkeys(LIMITS, ...),)),
        ("on_a_line", (dict.fromkeys(FOUR, ...),)),
        ("whose_card", (dict.fromkeys("ABCD", ...),)),
    ],
)
def test_a_blank_answer_is_blank(check, answers):
    assert getattr(quality, check)(*answers).status == "blank"


# --- the right answers, from the package ------------------------------------------------------------------------------


def test_the_classifier_scores_are_the_metrics():
    certain = np.eye(10)
    sets = {
        "a": certain[[7] * 1000],
        "b": certain,
        "c": np.full((1000, 10), 0.1),
        "d": certain[[4] * 500 + [9] * 500],
        "e": certain[[3] * 500 + [5] * 250 + [8] * 250],
    }
    found = {}
    for key, probabilities in sets.items():
        metric = metrics.InceptionScore(splits=1)
        metric.update_state(probabilities)
        found[key] = metric.result()
    assert quality.classifier_scores(found)


def test_the_distances_are_the_packages():
    zero, tilted = np.zeros(2), np.array([[1, 0.8], [0.8, 1]])
    found = {
        "a": metrics.frechet([0.0], [[1.0]], [3.0], [[1.0]]),
        "b": metrics.frechet([0.0], [[1.0]], [0.0], [[9.0]]),
        "c": metrics.frechet(zero, np.diag([4.0, 1.0]), zero, np.diag([1.0, 4.0])),
        "d": metrics.frechet(zero, tilted, zero, tilted * [[1, -1], [-1, 1]]),
    }
    assert quality.gaussian_distances(found)


def test_the_four_numbers_on_a_line_are_the_metrics():
    metric = metrics.PrecisionRecall(neighbours=1, density_neighbours=1)
    metric.update_real(np.array(quality.LINE["real"])[:, None])
    metric.update_state(np.array(quality.LINE["generated"])[:, None])
    assert quality.on_a_line(metric.result())


# --- the four suspects ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sets():
    random = np.random.default_rng(0)
    labels = np.arange(300) % 10
    # Each class has a picture of its own, and each image differs a little from it.
    patterns = random.uniform(-0.7, 0.7, (10, 8, 8, 1))
    training, held_out = (patterns[labels] + 0.2 * random.normal(size=(2, 300, 8, 8, 1))).clip(-1, 1).astype("float32")
    return training, held_out, labels


def test_each_suspect_has_its_fault(sets):
    training, held_out, labels = sets
    made = {quality._WHO[name]: images for name, images in quality.suspects(*sets).items()}
    assert {images.shape for images in made.values()} == {held_out.shape}
    assert {images.dtype for images in made.values()} == {np.dtype("float32")}

    def of_them(images, others):
        """For each image whether it is one of the others."""
        return (images.reshape(300, 1, -1) == others.reshape(1, len(others), -1)).all(2).any(1)

    assert of_them(made["copies"], training).all()
    assert of_them(made["repeats"], held_out).all() and len(np.unique(made["repeats"], axis=0)) == 20
    assert of_them(made["misses"], held_out[labels < 5]).all()
    assert not of_them(made["misses"], held_out[labels >= 5]).any()
    assert len(np.unique(made["misses"], axis=0)) > 50
    np.testing.assert_array_equal(made["blurs"], quality.blurred(held_out))


def test_blurring_is_scipys(sets):
    images = sets[1]
    weights = np.array([1, 4, 6, 4, 1]) / 16
    expected = images
    for axis in (1, 2):
        expected = scipy.ndimage.convolve1d(expected, weights, axis=axis, mode="nearest")
    np.testing.assert_allclose(quality.blurred(images), expected, atol=1e-6)


def test_the_lesson_has_six_exercises():
    assert len(checks.exercises("quality")) == 6
