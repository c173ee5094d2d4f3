"""Extractors: the bundled classifiers, networks of one's own, InceptionV3 without its weights."""

import importlib
import json
import random
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from gan_lessons import data, features
from gan_lessons.features import Extractor

SHAPES = {"mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
FOLDER = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(scope="module")
def script():
    """The script data/train_features.py, as a module."""
    return script_of("train_features")


def script_of(name):
    """A script of data/, as a module."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


def images(count=9, shape=(6, 5, 1), seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype("float32")


def classifier(shape=(6, 5, 1), classes=3, name="judge"):
    inputs = keras.Input(shape)
    x = layers.Dense(4, "tanh", name="code")(layers.Flatten()(inputs))
    return keras.Model(inputs, layers.Dense(classes, "softmax")(x), name=name)


def pixels(shape):
    """An extractor whose features are the pixels that the network is shown."""
    inputs = keras.Input(shape)
    return Extractor(keras.Model(inputs, layers.Flatten()(inputs)), "pixels")


# --- the bundled ones ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHAPES)
def test_a_bundled_classifier_is_small_and_says_what_it_is(name):
    assert data.bundled(f"{name}_features.keras").stat().st_size <= 2_000_000
    record = json.loads(data.bundled("features.json").read_text(encoding="utf-8"))[name]
    assert record["test_images"] == 10_000
    assert record["test_accuracy"] > {"mnist": 0.992, "cifar10": 0.75}[name]
    extractor = features.NAMES[name]()
    assert extractor is features.get(name) is features.for_images(SHAPES[name])
    assert extractor.image_shape == SHAPES[name] and extractor.title == f"{data._TITLES[name]} features"
    assert f"{record['test_accuracy']:.2%}" in extractor.note and str(extractor.dimensions) in extractor.note
    found, probabilities = extractor.both(images(7, SHAPES[name]))
    assert found.shape == (7, extractor.dimensions) and probabilities.shape == (7, 10)
    assert found.dtype == probabilities.dtype == "float32" and 64 <= extractor.dimensions <= 128
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert found.min() >= 0, "a mean of ReLUs"


def test_mnists_classifier_reads_the_drawn_digits():
    # It has seen handwriting only, so this is what it has learnt, on images that are not MNIST's.
    drawn, labels, _ = data.arrays("standin_digits", split="test", examples=500)
    assert np.mean(features.mnist().probabilities(drawn).argmax(1) == labels) > 0.95


def test_cifars_features_tell_the_drawn_scenes_apart():
    # Boats, cars, … as drawn are not CIFAR-10's; but a nearest class mean in features must do far better than by
    # chance.
    drawn, labels, _ = data.arrays("standin_scenes", split="test", examples=600)
    found = features.cifar10()(drawn)
    means = np.stack([found[:300][labels[:300] == label].mean(0) for label in range(10)])
    nearest = np.linalg.norm(found[300:, None] - means, axis=2).argmin(1)
    assert np.mean(nearest == labels[300:]) > 0.75


def test_features_are_what_the_network_file_holds():
    with_keras = keras.models.load_model(data.bundled("mnist_features.keras"), compile=False)
    drawn, _, _ = data.arrays("standin_digits", split="test", examples=30)
    np.testing.assert_allclose(features.mnist().probabilities(drawn), with_keras.predict(drawn, verbose=0), atol=1e-6)
    # The last layer by hand: features are what it is given.
    weights, bias = with_keras.layers[-1].get_weights()
    logits = features.mnist()(drawn) @ weights + bias
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(features.mnist().probabilities(drawn), expected, atol=1e-5)


def test_precision_and_random_numbers_are_left_alone():
    features.mnist.cache_clear()
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras.utils.set_random_seed(5)
    expected = random.random(), np.random.random()
    keras.utils.set_random_seed(5)
    found = features.mnist()(images(4, (28, 28, 1)))
    assert (random.random(), np.random.random()) == expected
    keras.config.set_dtype_policy("float32")
    features.mnist.cache_clear()
    np.testing.assert_array_equal(found, features.mnist()(images(4, (28, 28, 1))))


# --- the script that trained them ----------------------------------------------------------------------------------


def test_folding_changes_nothing_but_the_last_digits(script, tmp_path):
    shape, convolutions = (9, 8, 2), [(5, 1), (7, 2)]
    trained = script.network(shape, convolutions, 4, normalised=True, name="trained")
    x = np.random.default_rng(0).normal(size=(256, *shape)).astype("float32")
    trained.compile("sgd", "sparse_categorical_crossentropy")
    trained.fit(x, np.arange(256) % 4, epochs=3, batch_size=16, verbose=0)  # so that no statistic is 0 or 1
    small = script.folded(trained, shape, convolutions, 4, "small")
    assert not any(isinstance(layer, layers.BatchNormalization) for layer in small.layers)
    expected = trained.predict(x, verbose=0)
    np.testing.assert_allclose(small.predict(x, verbose=0), expected, atol=2e-3)
    assert np.ptp(expected) > 0.1
    for weight in small.get_weights():
        np.testing.assert_array_equal(weight, weight.astype("float16"))


def test_a_portable_file_holds_the_network_without_what_only_a_training_reads(tmp_path):
    judge = classifier()
    script_of("portable").write(judge, tmp_path / "small.keras")
    judge.save(tmp_path / "plain.keras")
    assert (tmp_path / "small.keras").stat().st_size < 0.8 * (tmp_path / "plain.keras").stat().st_size
    again = keras.models.load_model(tmp_path / "small.keras", safe_mode=True)
    np.testing.assert_array_equal(again.predict(images(), verbose=0), judge.predict(images(), verbose=0))
    assert again.name == judge.name and [layer.name for layer in again.layers] == [layer.name for layer in judge.layers]


@pytest.mark.parametrize("name", ["mnist_features", "cifar10_features", "digits_generator"])
def test_bundled_networks_hold_no_setting_that_a_version_of_keras_refuses(name):
    with zipfile.ZipFile(data.bundled(f"{name}.keras")) as saved:
        config = saved.read("config.json").decode()
    for word in ("initializer", "input_axes", "quantization", "shared_object"):
        assert word not in config
    assert '"layers"' in config and keras.models.load_model(data.bundled(f"{name}.keras"), compile=False).built


def test_augmented_batches_are_shifted_and_mirrored_images_with_their_labels(script):
    # Image i has one white pixel in the middle, i shades of grey below it on the left, and label i.
    count = script.BATCH_SIZE
    pictures = np.full((count, 9, 9, 1), -1.0, "float32")
    pictures[:, 4, 4] = 1.0
    pictures[:, 5, 3, 0] = np.arange(count) / 127.5 - 1
    batches = iter(script.batches(pictures, np.arange(count), shift=2, flip=True, seed=0))
    shifts, mirrored, seen = set(), 0, []
    for _ in range(20):
        batch, labels = (part.numpy() for part in next(batches))
        assert batch.shape == pictures.shape and sorted(labels) == list(range(count))
        (top, left) = np.argwhere(batch[labels.argmax(), :, :, 0] > 0.99)[0]
        for image, label in zip(batch, labels, strict=True):
            row, column = np.argwhere(image[:, :, 0] > 0.99)[0]
            side = image[row + 1, column - 1, 0], image[row + 1, column + 1, 0]
            assert np.isclose(max(side), label / 127.5 - 1, atol=1e-4) and min(side) == -1
            mirrored += side[1] > side[0]
        shifts |= {(int(top) - 4, abs(int(left) - 4))}
        seen.append(tuple(labels))
    assert len(shifts) > 5 and max(map(max, shifts)) == 2 and len(set(seen)) == 20
    assert 0.4 < mirrored / (20 * count) < 0.6


# --- any network ---------------------------------------------------------------------------------------------------


def test_an_extractor_of_a_classifier():
    judge = classifier()
    extractor = Extractor(judge, "my features", layer="code", note="made here")
    x = images(11)
    code, probabilities = extractor.both(x, batch_size=4)
    np.testing.assert_allclose(code, keras.Model(judge.inputs, judge.get_layer("code").output).predict(x, verbose=0))
    np.testing.assert_allclose(probabilities, judge.predict(x, verbose=0), rtol=1e-5)
    np.testing.assert_allclose(extractor(x), code, rtol=1e-5)
    np.testing.assert_allclose(extractor.probabilities(tf.constant(x)), probabilities, rtol=1e-5)
    assert extractor.dimensions == 4 and extractor.has_probabilities and extractor.note == "made here"
    assert "my features: 4 numbers" in repr(extractor)


def test_an_extractor_of_features_alone():
    extractor = features.get(classifier(name="net"))
    assert extractor.title == "features of net" and not extractor.has_probabilities
    with pytest.raises(ValueError, match="Probabilities need a classifier. Received: features of net"):
        extractor.probabilities(images())


def test_grey_for_colour_and_colour_for_grey():
    x = images(3, (6, 5, 1))
    np.testing.assert_array_equal(pixels((6, 5, 3))(x), np.repeat(x, 3, -1).reshape(3, -1))
    colour = np.random.default_rng(0).integers(0, 256, (3, 6, 5, 3), dtype="uint8")
    by_pillow = np.stack([np.asarray(Image.fromarray(one).convert("L")) for one in colour]).reshape(3, -1)
    shown = pixels((6, 5, 1))((colour / 127.5 - 1).astype("float32"))
    np.testing.assert_allclose((shown + 1) * 127.5, by_pillow, atol=1)


@pytest.mark.parametrize("antialias", [True, False])
def test_other_sizes_are_resized(antialias):
    inputs = keras.Input((4, 8, 1))
    extractor = Extractor(keras.Model(inputs, layers.Flatten()(inputs)), "pixels", antialias=antialias)
    x = images(3, (16, 5, 1))
    expected = tf.image.resize(x, (4, 8), "bilinear", antialias=antialias).numpy().reshape(3, -1)
    np.testing.assert_allclose(extractor(x), expected, atol=1e-5)


@pytest.mark.parametrize(
    "shape, wanted, words",
    [
        ((28, 28, 1), (28, 28, 1), ""),
        ((28, 28, 1), (28, 28, 3), "grey repeated in three channels"),
        ((28, 28, 3), (28, 28, 1), "colour reduced to brightness"),
        ((64, 48, 3), (32, 32, 3), "resized from 64×48 to 32×32, bilinear, antialiased"),
        ((16, 16, 1), (32, 32, 3), "grey repeated in three channels; resized from 16×16 to 32×32, bilinear"),
        ((64, 48, 3), (None, None, 3), ""),
    ],
)
def test_what_is_done_to_images_is_said(shape, wanted, words):
    inputs = keras.Input(wanted)
    extractor = Extractor(keras.Model(inputs, layers.GlobalAveragePooling2D()(inputs)), "means")
    assert extractor.preparation(shape) == words


def test_the_fingerprint_is_the_networks():
    judge = classifier()
    same = keras.models.clone_model(judge)
    same.set_weights(judge.get_weights())
    of = {name: Extractor(model, "a", layer="code").fingerprint for name, model in (("judge", judge), ("same", same))}
    assert of["judge"] == of["same"]
    same.set_weights([weight + 1e-6 for weight in judge.get_weights()])
    others = {
        Extractor(same, "a", layer="code").fingerprint,
        Extractor(judge, "b", layer="code").fingerprint,
        Extractor(judge, "a").fingerprint,
        Extractor(judge, "a", layer="code", antialias=False).fingerprint,
    }
    assert len(others) == 4 and of["judge"] not in others


@pytest.mark.parametrize(
    "change, error",
    [
        (lambda x: (x * 127.5 + 127.5).astype("uint8"), "floats in .*dtype uint8.*x / 127.5 - 1"),
        (lambda x: x * 127.5 + 127.5, r"in \[-1, 1\]. Received: images from .* to 25"),
        (lambda x: np.where(x > 0.9, np.nan, x), "finite.*nan"),
        (lambda x: x[0], "shape .*height, width"),
        (lambda x: x[:0], "n > 0"),
        (lambda x: np.repeat(x, 2, -1), "1 or 3"),
    ],
    ids=["bytes", "scale", "nan", "rank", "none", "channels"],
)
def test_what_are_no_images_is_refused(change, error):
    with pytest.raises((TypeError, ValueError), match=error):
        pixels((6, 5, 1))(change(images()))


def test_what_is_no_extractor_is_refused():
    with pytest.raises(ValueError, match="'mnist', 'cifar10', 'inception_v3'. Received: features='vgg'"):
        features.get("vgg")
    with pytest.raises(TypeError, match="an Extractor or a Keras model. Received: features of type int"):
        features.get(3)
    with pytest.raises(TypeError, match="built functional or sequential"):
        Extractor(keras.Sequential([layers.Flatten()]), "flat")
    with pytest.raises(TypeError, match="title must name the features"):
        Extractor(classifier(), "")
    with pytest.raises(ValueError, match="layer must be a layer of the model: .*code.*Received: layer='cod'"):
        Extractor(classifier(), "a", layer="cod")
    inputs = keras.Input((6, 5, 1))
    with pytest.raises(ValueError, match="have the shape .n, d.. Received: .*GlobalAveragePooling2D"):
        Extractor(keras.Model(inputs, layers.Conv2D(2, 3)(inputs)), "maps")
    points = keras.Input((2,))
    with pytest.raises(ValueError, match="must take images"):
        Extractor(keras.Model(points, layers.Dense(2)(points)), "points")
    with pytest.raises(ValueError, match="bundled features are for images"):
        features.for_images((8, 8, 4))


# --- InceptionV3 ---------------------------------------------------------------------------------------------------


@pytest.fixture
def empty_home(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    features.inception_v3.cache_clear()
    yield tmp_path
    features.inception_v3.cache_clear()


def test_without_a_network_inception_says_so_at_once(empty_home, monkeypatch):
    asked = []
    monkeypatch.setattr(data, "network_answers", lambda url: bool(asked.append(url)))
    monkeypatch.setattr(keras.applications, "InceptionV3", lambda **_: pytest.fail("no download without a network"))
    with pytest.raises(RuntimeError, match="network does not answer.*features='mnist' or features='cifar10'"):
        features.get("inception_v3")
    assert asked[0].endswith("inception_v3_weights_tf_dim_ordering_tf_kernels.h5")


def test_a_download_that_breaks_off_is_told(empty_home, monkeypatch):
    def breaks(**_):
        raise OSError("connection reset")

    monkeypatch.setattr(data, "network_answers", lambda url: True)
    monkeypatch.setattr(keras.applications, "InceptionV3", breaks)
    with pytest.raises(RuntimeError, match="Keras could not get them .connection reset"):
        features.inception_v3()


def test_inceptions_features_are_its_last_pooling_layer(empty_home, monkeypatch):
    # The architecture with weights that are not trained: weights are all that the download brings.
    original, asked = keras.applications.InceptionV3, []
    monkeypatch.setattr(
        keras.applications, "InceptionV3", lambda weights: asked.append(weights) or original(weights=None)
    )
    (empty_home / "models").mkdir()
    (empty_home / "models" / features._INCEPTION_FILE).write_bytes(b"as if it had been downloaded")
    monkeypatch.setattr(data, "network_answers", lambda url: pytest.fail("what is there needs no network"))
    extractor = features.get("inception_v3")
    assert asked == ["imagenet"] and extractor is features.get("inception_v3")
    assert extractor.image_shape == (299, 299, 3) and extractor.dimensions == 2048 and extractor.has_probabilities
    x = images(2, (32, 32, 1))
    shown = extractor._prepared(x)
    expected = tf.image.resize(np.repeat(x, 3, -1), (299, 299), "bilinear").numpy()
    np.testing.assert_allclose(shown, expected, atol=1e-5)
    # Keras's own preprocessing of the same pictures as bytes.
    np.testing.assert_allclose(
        shown, keras.applications.inception_v3.preprocess_input((expected + 1) * 127.5), atol=1e-5
    )
    found, probabilities = extractor.both(x)
    assert found.shape == (2, 2048) and probabilities.shape == (2, 1000)
    assert "resized from 32×32 to 299×299, bilinear" in extractor.preparation(x.shape[1:])
    assert "antialiased" not in extractor.preparation((512, 512, 3))
