"""Scores of samples: numbers in the place of "they look good".

Here: what a classifier of the real images says of the generated ones. A sample that it assigns to a class with confidence
looks like *something*; samples spread over all classes are not all the same thing.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers


def train_classifier(images, labels, epochs=3, seed=0, verbose=0):
    """Trains a small convolutional classifier, to judge generated images with.

    On MNIST, three epochs (about a minute on a laptop) reach 99 % of the test set.

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
