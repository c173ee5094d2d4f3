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


# -------------------------------------------------------------------------------------------- sets of TFDS


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
    with pytest.raises(ValueError, match="batch_size must leave a batch"):
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
    yes = serve(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    )  # the body never comes: it is not waited for
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
    wanted = (
        np.array([[40 * i, 100, 255 - 40 * i] for i in (0, 1, 3, 4, 2)]) / 127.5 - 1
    )  # d, e, old/c: by path
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
    picture = Image.fromarray(
        np.repeat(np.array([[[255], [0]]], "uint8"), 3, axis=2)
    )  # white left, black right
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise: white ends on top
    picture.resize((16, 16), Image.Resampling.NEAREST).save(tmp_path / "phone.png", exif=exif)
    image = next(iter(data.from_directory(tmp_path, image_size=16))).numpy()[0, ..., 0]
    assert image[:7].mean() > 0.9 and image[9:].mean() < -0.9


def test_pictures_of_16_bits(tmp_path):
    Image.fromarray(np.full((4, 4), 256 * 100, "uint16")).save(tmp_path / "a.png")
    image = next(iter(data.from_directory(tmp_path, image_size=4)))
    np.testing.assert_allclose(image, np.full((1, 4, 4, 3), 100 / 127.5 - 1), atol=1e-6)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1"])
def test_pictures_of_every_mode(tmp_path, mode):
    name = "a.jpg" if mode == "CMYK" else "a.png"
    Image.new("RGB", (9, 9), "white").convert("L" if mode == "LA" else mode).convert(mode).save(
        tmp_path / name
    )
    image = next(iter(data.from_directory(tmp_path, image_size=4)))
    np.testing.assert_array_equal(image, np.ones((1, 4, 4, 3)))


def test_files_that_cannot_be_read_are_named(folder):
    (folder / "cats" / "broken.jpg").write_bytes(b"not a picture")
    cut = (folder / "cats" / "a.png").read_bytes()
    (folder / "dogs" / "cut.png").write_bytes(cut[: len(cut) // 2])
    with pytest.raises(ValueError, match=r"2 of 7 cannot: .*broken\.jpg.*cut\.png") as caught:
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
        (dict(examples=0), "examples=0"),
    ],
)
def test_folders_and_numbers_that_cannot_be_meant(folder, change, message):
    with pytest.raises(ValueError, match=message):
        data.from_directory(**{"path": folder, "image_size": 8, **change})


def test_an_empty_folder_and_loose_files(folder, tmp_path_factory):
    with pytest.raises(ValueError, match="path must hold images"):
        data.from_directory(tmp_path_factory.mktemp("empty"), image_size=8)
    Image.new("RGB", (4, 4)).save(folder / "loose.png")
    with pytest.raises(ValueError, match=r"1 images in no such folder, 'loose\.png'"):
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
    from keras.src.backend.config import keras_home  # what it found when it was imported, from the same environment

    assert data.keras_home() == Path(keras_home())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "elsewhere"))
    assert data.keras_home() == tmp_path / "elsewhere"
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data.keras_home() == tmp_path / ".keras"


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
