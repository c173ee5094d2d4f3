"""The scores: a classifier that is known, and one that is trained on images made to be told apart."""

import keras
import numpy as np
import pytest

from gan_lessons import metrics


def patches(count, seed=0, shape=(8, 8, 1)):
    """Images of two classes: bright on the left, or on the right."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    images = random.normal(-0.5, 0.2, (count, *shape)).astype("float32")
    half = shape[1] // 2
    for image, label in zip(images, labels):
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

    with pytest.raises(ValueError, match="must answer probabilities.*Received: answers of shape.*softmax"):
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
