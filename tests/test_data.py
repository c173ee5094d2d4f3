import importlib.util
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gan_lessons import data


def pictures(count, shape=(8, 8, 3), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), "uint8")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with two small TFDS sets, written by TFDS: `dots` with labels, `odd_sizes` without."""
    import tensorflow_datasets as tfds

    folder = tmp_path_factory.mktemp("tfds")
    colours = tfds.features.Image(shape=(8, 8, 3), encoding_format="png")
    features = {
        "id": tfds.features.Text(),
        "image": colours,
        "label": tfds.features.ClassLabel(names=["a", "b", "c"]),
    }
    images = {"train": pictures(50), "test": pictures(20, seed=1)}
    splits = {
        split: tf.data.Dataset.from_tensor_slices(
            {"id": [f"{i}" for i in range(len(x))], "image": x, "label": np.arange(len(x)) % 3}
        )
        for split, x in images.items()
    }
    store(tfds, "dots", tfds.features.FeaturesDict(features), splits, folder)

    sizes = [(8, 12), (20, 10), (16, 16)]
    odd = tf.data.Dataset.from_generator(
        lambda: ({"image": pictures(1, (*size, 3))[0]} for size in sizes),
        output_signature={"image": tf.TensorSpec((None, None, 3), tf.uint8)},
    )
    features = {"image": tfds.features.Image(shape=(None, None, 3), encoding_format="png")}
    store(tfds, "odd_sizes", tfds.features.FeaturesDict(features), {"train": odd}, folder)
    return folder


def store(tfds, name, features, splits, folder, version="1.0.0"):
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version=version,
        features=features,
        split_datasets=splits,
        data_dir=str(folder),
        disable_shuffling=True,
    )


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    """A machine without prepared sets whose network does not answer; counts the questions it was asked."""
    asked = []
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(data, "network_answers", lambda url: bool(asked.append(url)))
    return asked


# --- sets of TFDS --------------------------------------------------------------------------------------------------


def test_arrays_are_the_pixels_of_the_prepared_set(prepared):
    images, labels, info = data.arrays("dots", split="test", data_dir=prepared)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, pictures(20, seed=1) / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(labels, np.arange(20) % 3)
    assert info == data.DataInfo("dots", "dots", False, (8, 8, 3), 20, ("a", "b", "c"), "test")


@pytest.mark.parametrize(("name", "first"), [("cifar10", "airplane"), ("anything", "0")])
def test_classes_that_were_prepared_as_numbers_have_their_names(name, first, tmp_path):
    import tensorflow_datasets as tfds

    images = pictures(10, (32, 32, 3))
    features = {
        "id": tfds.features.Text(),
        "image": tfds.features.Image(shape=(32, 32, 3), encoding_format="png"),
        "label": tfds.features.ClassLabel(num_classes=10),
    }
    examples = {"id": [f"{i}" for i in range(10)], "image": images, "label": np.arange(10)}
    splits = {split: tf.data.Dataset.from_tensor_slices(examples) for split in ("train", "test")}
    store(tfds, name, tfds.features.FeaturesDict(features), splits, tmp_path, version="3.0.2")
    read, labels, info = data.arrays(name, data_dir=tmp_path, allow_stand_in=False)
    assert len(info.class_names) == 10 and info.class_names[0] == first
    np.testing.assert_allclose(read, images / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(labels, np.arange(10))


def test_the_environment_names_the_folder_even_after_tfds_was_imported(prepared, monkeypatch):
    import tensorflow_datasets  # noqa: F401

    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    assert len(data.arrays("dots")[0]) == 50


@pytest.mark.parametrize(
    "split, wanted",
    [("train[:10]", range(10)), ("train[50%:]", range(25, 50)), ("train[-5:]", range(45, 50))],
)
def test_parts_of_splits(prepared, split, wanted):
    images, _, info = data.arrays("dots", split=split, data_dir=prepared)
    np.testing.assert_allclose(images, pictures(50)[list(wanted)] / 127.5 - 1, atol=1e-6)
    assert info.examples == len(wanted)


def test_examples_takes_the_first(prepared):
    images, labels, info = data.arrays("dots", examples=7, data_dir=prepared)
    np.testing.assert_allclose(images, pictures(50)[:7] / 127.5 - 1, atol=1e-6)
    assert len(labels) == info.examples == 7
    assert data.arrays("dots", examples=1000, data_dir=prepared)[2].examples == 50


def test_image_size_crops_about_the_centre_and_averages(prepared):
    images, _, info = data.arrays("dots", examples=5, image_size=(8, 4), data_dir=prepared)
    np.testing.assert_allclose(images, pictures(50)[:5, :, 2:6] / 127.5 - 1, atol=1e-6)
    assert info.image_shape == (8, 4, 3)
    flat = data._fit(np.full((2, 6, 10, 1), 77, "uint8"), (3, 3)).numpy()
    assert flat.shape == (2, 3, 3, 1) and (flat == 77).all()


def test_images_of_many_sizes_need_a_size(prepared):
    with pytest.raises(ValueError, match="image_size must be given"):
        data.load("odd_sizes", data_dir=prepared)
    images, labels, info = data.arrays("odd_sizes", image_size=8, data_dir=prepared)
    assert images.shape == (3, 8, 8, 3) and labels is None and info.class_names == ()
    np.testing.assert_allclose(images[0], pictures(1, (8, 12, 3))[0][:, 2:10] / 127.5 - 1, atol=1e-6)


def test_labels_of_a_set_without_any(prepared):
    with pytest.raises(ValueError, match="labels must be False"):
        data.load("odd_sizes", labels=True, image_size=8, data_dir=prepared)


@pytest.mark.parametrize("damage", ["cut", "emptied", "removed", "info"])
def test_a_damaged_set_is_an_error_at_once(prepared, tmp_path, damage):
    import shutil

    shutil.copytree(prepared / "dots", tmp_path / "dots")
    [file] = (tmp_path / "dots" / "1.0.0").glob("*train*")
    if damage == "cut":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif damage == "emptied":
        file.write_bytes(b"")
    elif damage == "removed":
        file.unlink()
    else:
        (tmp_path / "dots" / "1.0.0" / "dataset_info.json").write_text("{")
    with pytest.raises(ValueError, match="damaged.* load again"):
        data.load("dots", data_dir=tmp_path)


# -------------------------------------------------------------------------------------------------- batches


def test_batches_hold_every_image_once_and_its_label(prepared):
    train = data.load("dots", batch_size=16, labels=True, data_dir=prepared)
    assert train.element_spec[0].shape.as_list() == [None, 8, 8, 3]
    assert train.element_spec[0].dtype == tf.float32 and train.element_spec[1].dtype == tf.int64
    batches = list(train.as_numpy_iterator())
    assert [len(images) for images, _ in batches] == [16, 16, 16, 2] and len(train) == 4
    images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    known = {image.tobytes(): i for i, image in enumerate(pictures(50))}
    numbers = [known[np.rint((image + 1) * 127.5).astype("uint8").tobytes()] for image in images]
    assert sorted(numbers) == list(range(50)) and numbers != list(range(50))
    np.testing.assert_array_equal(labels, np.array(numbers) % 3)
    assert images.min() >= -1 and images.max() <= 1
    assert train.info.name == "dots"


def test_drop_remainder(prepared):
    train = data.load("dots", batch_size=16, drop_remainder=True, data_dir=prepared)
    assert [len(images) for images in train] == [16, 16, 16]
    assert train.element_spec.shape.as_list() == [16, 8, 8, 3]
    with pytest.raises(ValueError, match="batch_size must be at most the number of images"):
        data.load("dots", batch_size=64, drop_remainder=True, data_dir=prepared)


def epochs(count=2, **arguments):
    train = data.load("standin_scenes", split="test", examples=200, batch_size=200, **arguments)
    return [next(iter(train)).numpy() for _ in range(count)]


def test_each_epoch_has_an_order_of_its_own():
    first, second = epochs()
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(second, axis=0))


def test_the_order_follows_the_seeds():
    runs = []
    for seed in (3, 3, 4):
        keras.utils.set_random_seed(seed)
        runs.append(epochs())
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
    keras.utils.set_random_seed(3)
    one = epochs(seed=5)
    keras.utils.set_random_seed(3)
    random.random()  # an explicit seed asks nothing of Python's random numbers
    np.testing.assert_array_equal(epochs(seed=5), one)


def test_unshuffled_is_in_order():
    images, labels, _ = data.arrays("standin_digits", "test", examples=30)
    train = data.load("standin_digits", split="test", examples=30, batch_size=30, shuffle=False, labels=True)
    for batch in (train, train):
        np.testing.assert_array_equal(next(iter(batch))[0], images)
        np.testing.assert_array_equal(next(iter(batch))[1], labels)


# ---------------------------------------------------------------------------- no network, and the stand-ins


@pytest.mark.parametrize(
    "name, size, stand_in, shape",
    [
        ("mnist", None, "standin_digits", (28, 28, 1)),
        ("binary_alpha_digits", None, "standin_digits", (20, 16, 1)),
        ("cifar10", None, "standin_scenes", (32, 32, 3)),
        ("cifar10", 16, "standin_scenes", (16, 16, 3)),
        ("tf_flowers", (24, 12), "standin_scenes", (24, 12, 3)),
    ],
)
def test_without_a_network_a_stand_in_of_the_same_shape(no_network, capsys, name, size, stand_in, shape):
    train = data.load(name, split="test", batch_size=8, examples=16, image_size=size)
    assert next(iter(train)).shape == (8, *shape)
    assert train.info.name == stand_in and train.info.is_stand_in and train.info.examples == 16
    assert "drawn by gan_lessons" in train.info.title and train.info.image_shape == shape
    said = capsys.readouterr()
    assert said.out.count("\n") == 1 and "the network does not answer" in said.out
    assert train.info.title in said.out and said.err == ""
    assert len(no_network) == 1 and no_network[0].startswith("http")


def test_a_stand_in_may_be_refused(no_network):
    with pytest.raises(RuntimeError, match="MNIST is not on this machine and the network does not answer"):
        data.load("mnist", allow_stand_in=False)


def test_a_download_that_breaks_off_leads_to_the_stand_in_and_says_why(no_network, monkeypatch, capsys):
    import tensorflow_datasets as tfds

    def broken(self, **kwargs):
        raise ConnectionError("the line went dead\nafter 3 MB")

    monkeypatch.setattr(data, "network_answers", lambda url: True)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", broken)
    assert data.load("mnist", split="test").info.is_stand_in
    assert "could not be downloaded (the line went dead)" in capsys.readouterr().out


def test_with_a_network_the_set_is_prepared_and_then_found(monkeypatch, tmp_path):
    """A set that TFDS computes rather than downloads; asking, preparing and reading are the real ones."""
    import tensorflow_datasets as tfds

    class Dashes(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        pkg_dir_path = tmp_path  # TFDS would look for it in the package that the class is in

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(4, 4, 1)),
                "label": tfds.features.ClassLabel(num_classes=2),
            }
            return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

        def _split_generators(self, manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for i in range(6):
                yield i, {"image": np.full((4, 4, 1), 40 * i, "uint8"), "label": i % 2}

    asked = []
    monkeypatch.setattr(data, "network_answers", lambda url: asked.append(url) is None)
    for _ in range(2):
        images, labels, info = data.arrays("dashes", data_dir=tmp_path)
        assert sorted(np.rint((images[:, 0, 0, 0] + 1) * 127.5)) == [0, 40, 80, 120, 160, 200]
        assert not info.is_stand_in and len(labels) == 6
    assert len(asked) == 1, "a prepared set must not ask the network"


def test_a_prepared_set_asks_no_network(no_network, prepared):
    data.load("dots", data_dir=prepared)
    data.load("standin_scenes", split="test")
    assert no_network == []


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def serve(answer):
    """Starts a server that sends `answer` to whoever connects, or nothing at all if it is None: its port."""
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        held = []
        while True:
            connection, _ = listener.accept()
            held.append(connection)
            if answer is not None:
                connection.recv(4096)
                connection.sendall(answer)
                connection.close()

    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1]


@pytest.fixture
def no_proxy(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def test_the_network_question(no_proxy):
    yes = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")  # the body never comes: it is not waited for
    gone = serve(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    assert data.network_answers(f"http://127.0.0.1:{yes}/file.gz") is True
    assert data.network_answers(f"http://127.0.0.1:{gone}/file.gz") is False
    assert data.network_answers(f"http://127.0.0.1:{free_port()}/file.gz") is False
    assert data.network_answers("http://no-such-host.invalid/file.gz") is False


def test_the_question_goes_through_the_proxy(no_proxy, monkeypatch):
    proxy = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
    assert data.network_answers("http://no-such-host.invalid/file.gz") is True
    blocked = serve(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{blocked}")
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{blocked}")
    assert data.network_answers("http://no-such-host.invalid/file.gz") is False
    assert data.network_answers("https://no-such-host.invalid/file.gz") is False


def test_a_network_that_is_silent_is_not_waited_for(no_proxy, monkeypatch):
    monkeypatch.setattr(data, "_PATIENCE", 0.3)
    silent = serve(None)
    assert data.network_answers(f"http://127.0.0.1:{silent}/file.gz") is False

    def looking_up(*args, **kwargs):  # a name server that does not answer either: time-outs do not reach it
        time.sleep(3)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", looking_up)
    start = time.monotonic()
    assert data.network_answers("http://no-such-host.invalid/file.gz") is False
    assert time.monotonic() - start < 2.5


# ------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(name="mnits"), r"name='mnits'.*Did you mean 'mnist'"),
        (dict(name="Fashion-MNIST"), "Did you mean 'fashion_mnist'"),
        (dict(name="standin_digit"), "Did you mean 'standin_digits'"),
        (dict(name="qqqqqqq"), r"See tfds.list_builders\(\)"),
        (dict(name="imdb_reviews"), "name must be an image set"),
        (dict(name=""), "name must be"),
        (dict(name=3), "name must be"),
        (dict(batch_size=0), "batch_size=0"),
        (dict(batch_size=2.5), "batch_size=2.5"),
        (dict(batch_size=True), "batch_size=True"),
        (dict(split="trian"), r"'train', 'test'.*split='trian'"),
        (dict(split="train[5:5]"), "split must have images"),
        (dict(split="train[:"), "split must be"),
        (dict(split=None), "split must be a string"),
        (dict(examples=-1), "examples=-1"),
        (dict(examples=0), "examples=0"),
        (dict(image_size=0), "image_size=0"),
        (dict(image_size=(8, 8, 3)), r"image_size=\(8, 8, 3\)"),
        (dict(image_size="8"), "image_size"),
        (dict(seed=-1), "seed=-1"),
        (dict(seed="x"), "seed='x'"),
    ],
)
def test_arguments_that_cannot_be_meant(arguments, message, no_network):
    with pytest.raises((TypeError, ValueError), match=message):
        data.load(**{"name": "standin_digits", "split": "test", **arguments})


@pytest.mark.parametrize("split", ["validation", "train[5:5]", "train["])
def test_a_split_that_is_not_there_has_an_error_of_its_own(split):
    with pytest.raises(data.SplitError, match=r"split must .*Received: split="):
        data.arrays("standin_digits", split)


def test_too_many_images_for_the_memory(monkeypatch):
    with pytest.raises(ValueError, match="must fit in memory.*Give a smaller image_size"):
        data._check_memory(10**9, (1024, 1024, 3))


# ----------------------------------------------------------------------------------------- one's own folder


@pytest.fixture
def folder(tmp_path):
    for i, name in enumerate(["cats/a.png", "cats/b.webp", "dogs/old/c.jpg", "dogs/d.gif", "dogs/e.bmp"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30 + i, 20), (40 * i, 100, 255 - 40 * i)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


def test_a_folder_of_images(folder):
    train = data.from_directory(folder, image_size=(8, 12), batch_size=5, labels=True, shuffle=False)
    images, labels = next(iter(train))
    assert images.shape == (5, 8, 12, 3) and images.dtype == tf.float32
    wanted = np.array([[40 * i, 100, 255 - 40 * i] for i in (0, 1, 3, 4, 2)]) / 127.5 - 1  # d, e, old/c: by path
    np.testing.assert_allclose(images.numpy().mean((1, 2)), wanted, atol=0.03)
    np.testing.assert_array_equal(labels, [0, 0, 1, 1, 1])
    info = train.info
    assert info == data.DataInfo(folder.name, folder.name, False, (8, 12, 3), 5, ("cats", "dogs"))
    grey = data.from_directory(folder, image_size=8, channels=1, examples=2)
    assert next(iter(grey)).shape == (2, 8, 8, 1) and grey.info.class_names == ()


def test_pictures_are_cropped_not_squeezed(tmp_path):
    wide = np.zeros((10, 30, 3), "uint8")
    wide[:, 10:20] = 255
    Image.fromarray(wide).save(tmp_path / "wide.png")
    image = next(iter(data.from_directory(tmp_path, image_size=10)))
    np.testing.assert_array_equal(image, np.ones((1, 10, 10, 3)))


def test_pictures_are_turned_as_the_camera_was_held(tmp_path):
    picture = Image.fromarray(np.repeat(np.array([[[255], [0]]], "uint8"), 3, axis=2))  # white left, black right
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise: white ends on top
    picture.resize((16, 16), Image.Resampling.NEAREST).save(tmp_path / "phone.png", exif=exif)
    image = next(iter(data.from_directory(tmp_path, image_size=16))).numpy()[0, ..., 0]
    assert image[:7].mean() > 0.9 and image[9:].mean() < -0.9


def read(folder, **arguments):
    """The images of a folder as pixels 0 … 255, in the order of their paths."""
    train = data.from_directory(folder, shuffle=False, **{"image_size": 4, "batch_size": 100} | arguments)
    return np.rint((next(iter(train)).numpy() + 1) * 127.5).astype(int)


@pytest.mark.parametrize("name, dtype", [("a.png", "uint16"), ("a.tif", "<u2"), ("a.tif", ">u2")])
def test_pictures_of_16_bits(tmp_path, name, dtype):
    values = (256 * np.arange(0, 256, 16).reshape(4, 4) + 255).astype(dtype)
    Image.fromarray(values).save(tmp_path / name)
    wanted = np.repeat((values >> 8)[..., None], 3, axis=-1)
    np.testing.assert_array_equal(read(tmp_path), wanted[None])
    np.testing.assert_array_equal(read(tmp_path, channels=1), wanted[None, ..., :1])


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1"])
def test_pictures_of_every_mode(tmp_path, mode):
    name = "a.jpg" if mode == "CMYK" else "a.png"
    Image.new("RGB", (9, 9), "white").convert("L" if mode == "LA" else mode).convert(mode).save(tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path), np.full((1, 4, 4, 3), 255))


@pytest.mark.parametrize("suffix", ["tif", "TIFF", "jfif", "JPG", "Png", "WebP"])
def test_every_ending_in_either_case(tmp_path, suffix):
    kind = {"tif": "TIFF", "tiff": "TIFF", "jfif": "JPEG", "jpg": "JPEG"}.get(suffix.lower(), suffix.upper())
    Image.new("RGB", (16, 16), (200, 100, 50)).save(tmp_path / f"a.{suffix}", kind, quality=95)
    assert np.abs(read(tmp_path) - [200, 100, 50]).max() <= 3


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "CMYK", "P"])
def test_tiffs_of_every_mode_are_what_pillow_shows(tmp_path, mode):
    colours = pictures(1, (4, 4, 3))[0]
    picture = Image.fromarray(colours).convert(mode)
    picture.save(tmp_path / "a.tiff")
    np.testing.assert_array_equal(read(tmp_path)[0], np.asarray(picture.convert("RGB")))


def test_a_cmyk_photograph_has_its_colours(tmp_path):
    ink = np.zeros((16, 16, 4), "uint8")
    ink[..., 1], ink[..., 3] = 100, 50  # (1 − M)·(1 − K) and so on
    Image.fromarray(ink, "CMYK").save(tmp_path / "a.jpg", quality=100)
    wanted = [(255 - colour) * (255 - 50) / 255 for colour in (0, 100, 0)]
    assert np.abs(read(tmp_path) - wanted).max() <= 3


COLOURS = pictures(1, (4, 4, 3), seed=5)[0]
ALPHA = np.arange(0, 256, 17).reshape(4, 4).astype("uint8")


def laid_over(colours, alpha, background):
    alpha = alpha[..., None] / 255
    return alpha * colours + (1 - alpha) * np.array(background)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize(
    "background, rgb", [({}, (255, 255, 255)), ({"background": (10, 90, 200)}, (10, 90, 200)),
                        ({"background": "#0A5AC8"}, (10, 90, 200))],
)  # fmt: skip
def test_transparent_pictures_lie_on_the_background(tmp_path, suffix, background, rgb):
    picture = Image.fromarray(np.dstack([COLOURS, ALPHA]))
    picture.save(tmp_path / f"a.{suffix}", **({"lossless": True, "exact": True} if suffix == "webp" else {}))
    assert np.abs(read(tmp_path, **background)[0] - laid_over(COLOURS, ALPHA, rgb)).max() <= 1


def test_transparent_grey_pictures(tmp_path):
    grey = COLOURS[..., :1]
    Image.fromarray(np.dstack([grey, ALPHA])).save(tmp_path / "a.png")
    wanted = laid_over(grey, ALPHA, 255)
    assert np.abs(read(tmp_path, channels=1)[0] - wanted).max() <= 1
    assert np.abs(read(tmp_path)[0] - wanted).max() <= 1


def test_one_colour_that_stands_for_transparent(tmp_path):
    """PNG's tRNS in its four forms, and a GIF: a colour, or entries of a palette, of which none may be seen."""
    checks = np.indices((4, 4)).sum(0) % 2  # 1 where it is transparent
    palette = Image.fromarray(checks.astype("uint8"), "P")
    palette.putpalette([30, 60, 90, 255, 0, 0])
    palette.save(tmp_path / "a.png", transparency=1)
    palette.save(tmp_path / "b.png", transparency=bytes([255, 0]))
    palette.save(tmp_path / "c.gif", transparency=1)
    np.testing.assert_array_equal(read(tmp_path), np.where(checks[..., None], 255, [30, 60, 90])[None].repeat(3, 0))

    other = tmp_path / "other"
    other.mkdir()
    Image.fromarray(np.where(checks, 7, 99).astype("uint8")).save(other / "a.png", transparency=7)
    Image.fromarray(np.where(checks, 0x0701, 0x0702).astype("uint16")).save(other / "b.png", transparency=0x0701)
    colours = np.where(checks[..., None], [7, 8, 9], [99, 98, 97]).astype("uint8")
    Image.fromarray(colours).save(other / "c.png", transparency=(7, 8, 9))
    wanted = [np.where(checks[..., None], 255, seen) for seen in ([99] * 3, [7] * 3, [99, 98, 97])]
    np.testing.assert_array_equal(read(other), wanted)


def test_the_first_of_several_pictures(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for name in ("a.gif", "b.png", "c.tif", "d.webp"):
        frames[0].save(
            tmp_path / name, save_all=True, append_images=frames[1:], **{"lossless": True} if "w" in name else {}
        )
    np.testing.assert_array_equal(read(tmp_path), np.full((4, 4, 4, 3), [255, 0, 0]))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_pictures_are_turned_as_the_camera_was_held_whatever_the_file(tmp_path, orientation, suffix):
    # The corners of what is to be seen, as the camera wrote them: EXIF 2.3, tag 0x0112.
    seen = np.kron(np.array([[250, 10], [90, 170]], "uint8"), np.ones((32, 32), "uint8"))
    turns = {1: lambda x: x, 2: np.fliplr, 3: lambda x: np.rot90(x, 2), 4: np.flipud, 5: np.transpose,
             6: np.rot90, 7: lambda x: np.rot90(x, 2).T, 8: lambda x: np.rot90(x, -1)}  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    written = Image.fromarray(np.ascontiguousarray(turns[orientation](seen))).convert("RGB")
    written.save(tmp_path / f"a.{suffix}", exif=exif, **{"quality": 95} if suffix in ("jpg", "webp") else {})
    middles = read(tmp_path, image_size=16, channels=1)[0, 4::8, 4::8, 0]  # of the four quarters
    assert np.abs(middles - [[250, 10], [90, 170]]).max() <= 3


def test_a_large_photograph_keeps_its_detail_when_it_is_turned(tmp_path):
    """A JPEG is decoded at a fraction of its size; a wide picture that is written upright must not lose too much."""
    stripes = np.tile(np.array([0, 255], "uint8").repeat(16), 32)  # 32 stripes in 1024 pixels
    written = np.broadcast_to(stripes[:, None], (1024, 160))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(written)).convert("RGB").save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = read(tmp_path, image_size=(20, 128), channels=1)[0, 10, :, 0]
    assert image.min() < 40 and image.max() > 215


def test_hidden_files_are_not_read(folder):
    (folder / "cats" / "._a.png").write_bytes(b"what a Mac leaves beside a.png on foreign disks")
    (folder / ".ipynb_checkpoints").mkdir()
    Image.new("RGB", (4, 4)).save(folder / ".ipynb_checkpoints" / "a-checkpoint.png")
    info = data.from_directory(folder, image_size=8, labels=True).info
    assert info.examples == 5 and info.class_names == ("cats", "dogs")


def test_a_hidden_folder_that_is_asked_for_is_read(tmp_path):
    (tmp_path / ".pictures").mkdir()
    Image.new("RGB", (4, 4), "red").save(tmp_path / ".pictures" / "a.png")
    assert data.from_directory(tmp_path / ".pictures", image_size=4).info.examples == 1


def test_image_files_that_are_left_out_are_counted_once(folder, recwarn):
    data.from_directory(folder, image_size=8)
    assert not recwarn, "a text file is no image"
    for name in ("a.HEIC", "b.heic", "dogs/c.svg", "d.psd"):
        (folder / name).write_bytes(b"an image of a kind that Pillow does not read")
    assert data.from_directory(folder, image_size=8).info.examples == 5
    [warning] = recwarn
    assert "4 image files are left out (2 .heic, 1 .psd, 1 .svg), 5 are read" in str(warning.message)
    assert warning.filename == __file__


def test_a_folder_of_other_images_only(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"")
    with pytest.raises(ValueError, match="with images of other kinds: 1 .heic. Convert them"):
        data.from_directory(tmp_path, image_size=8)


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_pictures_without_a_white_are_refused_by_name(tmp_path, dtype):
    Image.fromarray(np.ones((4, 4), dtype)).save(tmp_path / "depth.tif")
    with pytest.raises(ValueError, match=r"1 of 1 that cannot: .*depth\.tif \(32 bits a channel"):
        data.from_directory(tmp_path, image_size=4)


@pytest.mark.filterwarnings("ignore:Tag data larger than file:UserWarning")  # of Pillow, on some damaged TIFFs
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "gif", "webp", "bmp"])
def test_a_damaged_file_among_good_ones_is_named(tmp_path, suffix):
    random = np.random.default_rng(0)
    for name in ("good", "cut", "empty"):
        Image.fromarray(pictures(1, (64, 64, 3))[0]).save(tmp_path / f"{name}.{suffix}")
    (tmp_path / f"empty.{suffix}").write_bytes(b"")
    whole = (tmp_path / f"cut.{suffix}").read_bytes()
    (tmp_path / f"cut.{suffix}").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(ValueError, match=rf"2 of 3 that cannot: .*cut\.{suffix}.*empty\.{suffix}"):
        data.from_directory(tmp_path, image_size=8)
    # Whatever bytes are wrong: the error is this one, or the picture can be shown.
    for _ in range(30):
        spoilt = bytearray(whole)
        for place in random.integers(0, min(len(whole), 400), 5):
            spoilt[place] = random.integers(256)
        (tmp_path / f"cut.{suffix}").write_bytes(spoilt)
        with pytest.raises(ValueError, match=r"that cannot: .*empty"):
            data.from_directory(tmp_path, image_size=8)


def test_files_that_cannot_be_read_are_named(folder):
    (folder / "cats" / "broken.jpg").write_bytes(b"not a picture")
    cut = (folder / "cats" / "a.png").read_bytes()
    (folder / "dogs" / "cut.png").write_bytes(cut[: len(cut) // 2])
    with pytest.raises(ValueError, match=r"2 of 7 that cannot: .*broken\.jpg.*cut\.png") as caught:
        data.from_directory(folder, image_size=8)
    assert "cats/a.png" not in str(caught.value)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(path="nowhere"), "path must be a folder that exists"),
        (dict(image_size=-4), "image_size"),
        (dict(image_size=None), "image_size"),
        (dict(batch_size=0), "batch_size=0"),
        (dict(channels=4), "channels=4"),
        (dict(background="whit"), "background must be a colour.*Received: background='whit'"),
        (dict(background=(1, 2)), r"background=\(1, 2\)"),
        (dict(background=(0, 0, 256)), r"background=\(0, 0, 256\)"),
        (dict(background=None), "background=None"),
        (dict(examples=0), "examples=0"),
    ],
)
def test_folders_and_numbers_that_cannot_be_meant(folder, change, message):
    with pytest.raises((TypeError, ValueError), match=message):
        data.from_directory(**{"path": folder, "image_size": 8, **change})


def test_an_empty_folder_and_loose_files(folder, tmp_path_factory):
    with pytest.raises(ValueError, match="path must hold images"):
        data.from_directory(tmp_path_factory.mktemp("empty"), image_size=8)
    Image.new("RGB", (4, 4)).save(folder / "loose.png")
    with pytest.raises(ValueError, match=r"1 images outside of such folders, 'loose\.png'"):
        data.from_directory(folder, image_size=8, labels=True)


# ------------------------------------------------------------------------------------------ where files are


def test_bundled_files_are_found_in_a_checkout_and_in_an_installed_package(tmp_path):
    checkout = Path(data.__file__).resolve().parents[1] / "data" / "digits_test.bz2"
    assert data.bundled("digits_test.bz2") == checkout
    with pytest.raises(FileNotFoundError, match=r"name='nothing\.bz2'"):
        data.bundled("nothing.bz2")

    # Installed, the files are in the package, and there is no folder data/ beside it.
    package = tmp_path / "gan_lessons"
    (package / "bundled").mkdir(parents=True)
    (package / "data.py").write_bytes(Path(data.__file__).read_bytes())
    (package / "bundled" / "digits_test.bz2").write_bytes(checkout.read_bytes())
    spec = importlib.util.spec_from_file_location("installed_data", package / "data.py")
    installed = importlib.util.module_from_spec(spec)
    sys.modules["installed_data"] = installed  # dataclasses look their module up
    try:
        spec.loader.exec_module(installed)
        assert installed.bundled("digits_test.bz2") == package / "bundled" / "digits_test.bz2"
        np.testing.assert_array_equal(
            installed._unpack("standin_digits", "test"), data._unpack("standin_digits", "test")
        )
    finally:
        del sys.modules["installed_data"]


def test_kerass_own_folder(tmp_path, monkeypatch):
    (tmp_path / "served").write_text("a file")
    for name, folder in (("KERAS_HOME", tmp_path / "elsewhere"), ("HOME", tmp_path / ".keras")):
        monkeypatch.delenv("KERAS_HOME", raising=False)
        monkeypatch.setenv(name, str(folder if name == "KERAS_HOME" else tmp_path))
        assert data.keras_home() == folder
        # Where Keras itself, in a process of its own, puts what it downloads.
        code = f"import keras; print(keras.utils.get_file('got', {(tmp_path / 'served').as_uri()!r}))"
        run = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True)
        assert run.stdout.splitlines()[-1] == str(folder / "datasets" / "got"), run.stderr


def test_a_fresh_process_behind_a_dead_proxy(tmp_path):
    """The import is cheap; then nothing but one sentence is said, on either stream."""
    code = (
        "import sys, keras; old = set(sys.modules); import gan_lessons.data as data;"
        "assert not {'tensorflow_datasets', 'PIL.Image', 'requests'} & (set(sys.modules) - old);"
        "print('imported', file=sys.stderr); data.load('cifar10', split='test')"
    )
    proxy = f"http://127.0.0.1:{free_port()}"
    variables = {"http_proxy": proxy, "https_proxy": proxy, "no_proxy": "", "TFDS_DATA_DIR": str(tmp_path)}
    root = Path(data.__file__).resolve().parents[1]
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=os.environ | variables, text=True, capture_output=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == (
        "CIFAR-10 is not on this machine and the network does not answer: "
        "using the stand-in scenes (drawn by gan_lessons) in its place.\n"
    )
    assert run.stderr.endswith("imported\n")


def test_a_full_pass_through_fit():
    train = data.load("standin_scenes", 32, "test", labels=True, examples=64, image_size=8)
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert np.isfinite(model.fit(train, epochs=2, verbose=0, shuffle=False).history["loss"]).all()
