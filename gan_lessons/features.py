"""Networks that turn an image into a few numbers, its features, in which scores are measured.

    extractor = gl.features.mnist()            # or cifar10(), inception_v3(), or an Extractor around your own network
    extractor(images).shape                    # (n, 64)

Distances between pixels do not measure likeness: a picture that is shifted by a pixel is far from itself. The last
layers of a classifier depend on what is in the picture. A score measured in features is a statement about *these*
features, so it carries their name. Scores in different features cannot be compared.

Two classifiers come with the package and need no network. `data/train_features.py` trained them on the real MNIST and
the real CIFAR-10.
"""

import contextlib
import functools
import hashlib
import json
import random
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from gan_lessons import data
from gan_lessons._arguments import ROOM, integer

# The file that Keras downloads for InceptionV3, and its address.
_INCEPTION_FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
_INCEPTION_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/{_INCEPTION_FILE}"


class Extractor:
    """Computes the features of images with a network, and names the scores that are measured in them.

    Images are floats in [−1, 1]. The extractor resizes images of another size than the network's (bilinear; with an
    antialiasing filter where they shrink), repeats grey images over the three channels of a network for colour, and
    reduces colour images to their brightness for a network for grey images. `preparation` describes this for a shape.

    Args:
        model: a Keras model from images to features of shape (n, d). With `layer`, a classifier: a model from images to
            probabilities of shape (n, classes).
        title: the name of the features, as "MNIST features".
        layer: the name of a layer of the classifier, whose output (n, d) are the features.
        note: a sentence that says where the network is from.
        antialias: whether images that are too large are smoothed before they shrink.

    Attributes:
        image_shape: (height, width, channels) of the network's images; None for a side that may have any length.
        dimensions: d, the number of features.
        has_probabilities: whether the network is a classifier.

    Raises:
        TypeError: if the model is not a built functional or sequential Keras model.
        ValueError: if its input is not images, its output does not have the shape (n, d), or it has no such layer.

    Example:
        >>> extractor = Extractor(classifier, "Fashion-MNIST features", layer="dense")
        >>> extractor(images).shape, extractor.probabilities(images).shape
        ((1000, 128), (1000, 10))
    """

    def __init__(
        self, model: keras.Model, title: str, layer: str | None = None, note: str = "", antialias: bool = True
    ):
        if not isinstance(model, keras.Model) or not getattr(model, "outputs", None):
            raise TypeError(
                "model must be a built functional or sequential Keras model. "
                f"Received: model of type {type(model).__name__}. Wrap it in keras.Model(inputs, outputs)."
            )
        if not isinstance(title, str) or not title:
            raise TypeError(f"title must name the features, such as 'MNIST features'. Received: title={title!r}.")
        shape = model.input_shape
        if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] not in (1, 3):
            raise ValueError(
                f"model must take images of shape (n, height, width, 1 or 3). Received: a model of input shape {shape}."
            )
        outputs = model.outputs[0]
        if layer is not None:
            names = [existing.name for existing in model.layers]
            if layer not in names:
                raise ValueError(f"layer must be a layer of the model: {', '.join(names)}. Received: layer={layer!r}.")
            outputs = [model.get_layer(layer).output, outputs]
        for output in outputs if layer is not None else [outputs]:
            if len(output.shape) != 2:
                raise ValueError(
                    "Features and probabilities have the shape (n, d). "
                    f"Received: an output of shape {tuple(output.shape)}. End it in GlobalAveragePooling2D or Flatten."
                )
        self.title = title
        self.note = note
        self.antialias = antialias
        self.has_probabilities = layer is not None
        self.image_shape = tuple(shape[1:])
        self.dimensions = int((outputs[0] if layer is not None else outputs).shape[-1])
        self._model = keras.Model(model.inputs, outputs)

    def __call__(self, images, batch_size: int = 250) -> np.ndarray:
        """Compute the features of images.

        Args:
            images: an array or tensor of shape (n, height, width, 1 or 3), floats in [−1, 1].
            batch_size: how many images the network sees at a time.

        Returns:
            A NumPy array of shape (n, d), float32.

        Raises:
            TypeError, ValueError: for images of another kind, shape or range, or a batch_size below 1.
        """
        outputs = self._outputs(images, batch_size)
        return outputs[0] if self.has_probabilities else outputs

    def probabilities(self, images, batch_size: int = 250) -> np.ndarray:
        """Compute the classifier's probabilities of images.

        Args, Raises: as for a call; ValueError too if the network is not a classifier.

        Returns:
            A NumPy array of shape (n, classes), float32.
        """
        return self.both(images, batch_size)[1]

    def both(self, images, batch_size: int = 250) -> tuple[np.ndarray, np.ndarray]:
        """Compute features and probabilities of images in one pass.

        Args, Raises: as for `probabilities`.

        Returns:
            NumPy arrays of shape (n, d) and (n, classes), float32.
        """
        if not self.has_probabilities:
            raise ValueError(
                f"Probabilities need a classifier. Received: {self.title}, which has no classes. "
                "Make the Extractor of a classifier, and let `layer` name the layer of its features."
            )
        return self._outputs(images, batch_size)

    def preparation(self, image_shape: Sequence[int]) -> str:
        """Describe how images of a shape are changed before the network sees them.

        Args:
            image_shape: (height, width, channels).

        Returns:
            A few words; "" if they are not changed.
        """
        (height, width, channels), (tall, wide, wanted) = image_shape, self.image_shape
        words = []
        if channels != wanted:
            words.append("grey repeated in three channels" if wanted == 3 else "colour reduced to brightness")
        if None not in (tall, wide) and (height, width) != (tall, wide):
            shrinks = self.antialias and (tall < height or wide < width)
            words.append(
                f"resized from {height}×{width} to {tall}×{wide}, bilinear" + (", antialiased" if shrinks else "")
            )
        return "; ".join(words)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A digest of the network and its weights, which is the same for the same features in every process."""
        digest = hashlib.blake2b(digest_size=12)
        digest.update(json.dumps([self.title, self.antialias, self.image_shape, self.dimensions]).encode())
        for weight in self._model.get_weights():
            digest.update(np.ascontiguousarray(weight).tobytes())
        return digest.hexdigest()

    def _outputs(self, images, batch_size):
        images, batch_size = _checked(images), integer("batch_size", batch_size)
        parts = []
        for start in range(0, len(images), batch_size):
            parts.append(self._model.predict_on_batch(self._prepared(images[start : start + batch_size])))
        if self.has_probabilities:
            return tuple(np.concatenate([part[which] for part in parts]).astype("float32") for which in (0, 1))
        return np.concatenate(parts).astype("float32")

    def _prepared(self, images):
        tall, wide, wanted = self.image_shape
        if images.shape[-1] < wanted:
            images = np.repeat(images, 3, axis=-1)
        elif images.shape[-1] > wanted:
            images = images @ np.array([[0.299], [0.587], [0.114]], "float32")  # ITU-R BT.601, as Pillow's mode L
        if None not in (tall, wide) and images.shape[1:3] != (tall, wide):
            images = ops.image.resize(
                images, (tall, wide), "bilinear", antialias=self.antialias, data_format="channels_last"
            )
        return ops.convert_to_numpy(images)

    def __repr__(self):
        return f"<{self.title}: {self.dimensions} numbers of an image {self.image_shape}>"


def _checked(images):
    """Return images as a float32 array, once kind, shape and range are known to be right."""
    dtype = getattr(images, "dtype", None)
    images = ops.convert_to_numpy(images)
    if images.ndim != 4 or len(images) == 0 or images.shape[-1] not in (1, 3):
        raise ValueError(
            f"Images have the shape (n, height, width, 1 or 3), n > 0. Received: images of shape {images.shape}."
        )
    if not np.issubdtype(images.dtype, np.floating):
        raise TypeError(f"Images are floats in [-1, 1]. Received: images of dtype {dtype}. Scale bytes: x / 127.5 - 1.")
    low, high = float(images.min()), float(images.max())
    if not -1 - ROOM <= low <= high <= 1 + ROOM:  # False for NaN, too
        raise ValueError(
            f"Images are finite, in [-1, 1]. Received: images from {low:.4g} to {high:.4g}. "
            "Scale them: 2 * x - 1 from [0, 1], x / 127.5 - 1 from [0, 255]."
        )
    return images.astype("float32", copy=False)


# --- the extractors that have a name -------------------------------------------------------------------------------


@functools.cache
def mnist() -> Extractor:
    """Return the extractor for digits, 28×28×1: the bundled classifier of MNIST."""
    return _bundled("mnist", "MNIST")


@functools.cache
def cifar10() -> Extractor:
    """Return the extractor for colour images, 32×32×3: the bundled classifier of CIFAR-10."""
    return _bundled("cifar10", "CIFAR-10")


@functools.cache
def inception_v3() -> Extractor:
    """Return the extractor in which published scores are measured: the last pooling layer of InceptionV3, 2048 numbers.

    Images are resized to 299×299 (bilinear, not antialiased) and lie in [−1, 1], as published. The weights are those of
    `keras.applications`, trained on ImageNet. Keras downloads them (96 MB) at the first use. Most published scores are
    measured with another training of this network (TensorFlow's of 2015). They are close to these, not equal.

    Returns:
        An `Extractor` for 299×299×3.

    Raises:
        RuntimeError: if the weights are not on this machine, and the network does not have them.

    Reference:
        Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2015, arXiv:1512.00567
    """
    folder = data.keras_home() / "models"
    problem = None
    if not (folder / _INCEPTION_FILE).is_file() and not data.network_answers(_INCEPTION_URL):
        problem = "the network does not answer"
    else:
        try:
            with _random_numbers_untouched():
                network = keras.applications.InceptionV3(weights="imagenet")
        except Exception as error:
            problem = f"Keras could not get them ({(str(error).splitlines() or [type(error).__name__])[0][:200]})"
    if problem:
        raise RuntimeError(
            f"InceptionV3 needs its weights (96 MB). Received: none in {folder}, and {problem}. "
            f"Where there is a network, download {_INCEPTION_URL} and put it into that folder; or use the features "
            "that come with the package, features='mnist' or features='cifar10'."
        )
    return Extractor(
        network,
        "InceptionV3 features",
        layer="avg_pool",
        note="the last pooling layer (2048 numbers) of keras.applications.InceptionV3, trained on ImageNet",
        antialias=False,
    )


NAMES = {"mnist": mnist, "cifar10": cifar10, "inception_v3": inception_v3}


def get(identifier: str | Extractor | keras.Model) -> Extractor:
    """Return the extractor that a name, a model or an extractor stands for.

    Args:
        identifier: "mnist", "cifar10", "inception_v3", an `Extractor`, or a Keras model from images to features.

    Returns:
        An `Extractor`.

    Raises:
        TypeError, ValueError: for anything else.
    """
    if isinstance(identifier, Extractor):
        return identifier
    if isinstance(identifier, keras.Model):
        return Extractor(identifier, f"features of {identifier.name}")
    if isinstance(identifier, str):
        if identifier in NAMES:
            return NAMES[identifier]()
        raise ValueError(f"features must be one of {', '.join(map(repr, NAMES))}. Received: features={identifier!r}.")
    raise TypeError(
        f"features must be one of {', '.join(map(repr, NAMES))}, an Extractor or a Keras model. "
        f"Received: features of type {type(identifier).__name__}."
    )


def for_images(image_shape: Sequence[int]) -> Extractor:
    """Return the bundled extractor for images of a shape: MNIST's for one channel, CIFAR-10's for three.

    On other images than MNIST's and CIFAR-10's the features still change with what is in the picture, and a distance
    in them is 0 for equal distributions. But the classifiers were trained on digits and on ten kinds of things, and may
    not respond to what matters in your images. Then make an `Extractor` of a classifier of your images.

    Args:
        image_shape: (height, width, channels).

    Returns:
        An `Extractor`.

    Raises:
        ValueError: for other numbers of channels.
    """
    if len(image_shape) != 3 or image_shape[-1] not in (1, 3):
        raise ValueError(
            "The bundled features are for images of shape (height, width, 1 or 3). "
            f"Received: images of shape {tuple(image_shape)}. Use features of your own: features=Extractor(…)."
        )
    return mnist() if image_shape[-1] == 1 else cifar10()


def _bundled(name, title):
    record = json.loads(data.bundled("features.json").read_text(encoding="utf-8"))[name]
    with _random_numbers_untouched():
        classifier = keras.models.load_model(data.bundled(f"{name}_features.keras"), compile=False)
    extractor = Extractor(classifier, f"{title} features", layer="features")
    extractor.note = (
        f"the {extractor.dimensions} numbers before the classes, in the bundled classifier of {title} "
        f"({record['test_accuracy']:.2%} of its test set right)"
    )
    return extractor


@contextlib.contextmanager
def _random_numbers_untouched():
    """Restore Python's random state afterwards.

    A network draws seeds for its first weights even if it is loaded. A training must not depend on its scoring.
    """
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
