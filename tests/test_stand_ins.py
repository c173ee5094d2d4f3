import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gan_lessons import data

FOLDER = Path(__file__).resolve().parents[1] / "data"
SETS = {"digits": (28, 28, 1), "scenes": (32, 32, 3)}
SPLITS = [(name, split) for name in SETS for split in ("train", "test")]


@pytest.fixture(scope="module")
def draw():
    """The script data/draw.py, as a module."""
    sys.path.insert(0, str(FOLDER))  # it imports its neighbours
    try:
        spec = importlib.util.spec_from_file_location("draw", FOLDER / "draw.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("digits", "scenes"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def bundled():
    """The bundled pictures, as they are unpacked: {("digits", "train"): uint8 (n, h, w, c), …}."""
    return {(name, split): data._unpack(f"standin_{name}", split) for name, split in SPLITS}


def test_each_set_is_under_3_mb():
    for name in SETS:
        files = list(FOLDER.glob(f"{name}_*.bz2"))
        assert len(files) == 2 and sum(file.stat().st_size for file in files) < 3_000_000


@pytest.mark.parametrize("name, split", SPLITS)
def test_sizes_and_balance(name, split, bundled, draw):
    shape, counts, class_names = data.STAND_INS[f"standin_{name}"]
    assert shape == SETS[name] == draw.SETS[name].SHAPE and counts == draw.SETS[name].EXAMPLES
    assert bundled[name, split].shape == (counts[split], *shape) and counts[split] % 10 == 0
    images, labels, info = data.arrays(f"standin_{name}", split=split, examples=200)
    np.testing.assert_array_equal(np.bincount(labels), np.full(10, 20))
    np.testing.assert_allclose(images, bundled[name, split][:200] / 127.5 - 1, atol=1e-6)
    assert info.class_names == class_names and len(class_names) == 10 and info.is_stand_in
    assert name == "digits" or class_names == draw.SETS[name].CLASSES


@pytest.mark.parametrize("name, split", SPLITS)
def test_any_picture_drawn_again_is_the_bundled_one(name, split, bundled, draw, monkeypatch):
    """Ten from front, middle and end: drawn, packed and unpacked they are the file's, bit for bit."""
    count = len(bundled[name, split])
    numbers = [*range(4), *range(count // 2 - 3, count // 2), *range(count - 3, count)]
    packed = draw.pack(draw.draw(name, split, numbers))
    monkeypatch.setattr(data, "bundled", lambda file: _Bytes(packed))
    np.testing.assert_array_equal(data._unpack(f"standin_{name}", split), bundled[name, split][numbers])


class _Bytes:
    def __init__(self, content):
        self.content = content

    def read_bytes(self):
        return self.content


def test_the_script_writes_the_same_bytes_in_every_process(tmp_path, draw):
    """Run as a program, twice, on shorter sets; and once here."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import draw; "
        "[module.EXAMPLES.update(train=20, test=10) for module in draw.SETS.values()]; "
        "sys.argv[1:] = ['--to', sys.argv[2]]; draw.main()"
    )
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        subprocess.run([sys.executable, "-c", code, str(FOLDER), str(tmp_path / run)], check=True, capture_output=True)
    for name, split in SPLITS:
        first, second = ((tmp_path / run / f"{name}_{split}.bz2").read_bytes() for run in ("first", "second"))
        assert first == second == draw.pack(draw.draw(name, split, range(20 if split == "train" else 10)))


def test_the_bundled_files_are_what_packing_their_pictures_gives(bundled, draw):
    """bzip2 of the very bytes: no other program has been at the files."""
    for split in ("train", "test"):
        assert draw.pack(bundled["digits", split]) == (FOLDER / f"digits_{split}.bz2").read_bytes()


def test_packing_changes_colours_little(draw, monkeypatch):
    drawn = draw.draw("scenes", "train", range(40))
    monkeypatch.setattr(data, "bundled", lambda file: _Bytes(draw.pack(drawn)))
    difference = data._unpack("standin_scenes", "train").astype(float) - drawn
    assert np.abs(difference.mean()) < 1 and np.sqrt((difference**2).mean()) < 8


def test_no_picture_twice(bundled):
    for name in SETS:
        both = np.concatenate([bundled[name, "train"], bundled[name, "test"]])
        assert len({picture.tobytes() for picture in both}) == len(both)


# ----------------------------------------------------------------------------------------------------- digits


def test_digits_are_centred_as_in_mnist(bundled):
    """The centre of mass is in the middle; the ink fits a box of 20×20 and fills its longer side."""
    ink = bundled["digits", "test"][..., 0].astype(float)
    pixels = np.arange(28)
    mass = ink.sum((1, 2))
    rows, columns = (ink.sum(2) @ pixels) / mass, (ink.sum(1) @ pixels) / mass
    assert np.abs(rows - 13.5).max() < 0.3 and np.abs(columns - 13.5).max() < 0.3
    dark = ink > 127
    sides = np.array([[np.ptp(np.flatnonzero(one.any(axis))) + 1 for axis in (0, 1)] for one in dark])
    assert (sides.max(1) <= 22).all() and np.mean((sides.max(1) >= 19) & (sides.max(1) <= 21)) > 0.95


def test_digits_have_mnists_ink(bundled):
    """MNIST's published mean and standard deviation are 0.1307 and 0.3081; 19.1 % of it is not black."""
    ink = bundled["digits", "train"] / 255
    assert abs(ink.mean() - 0.1307) < 0.01 and abs(ink.std() - 0.3081) < 0.01
    assert abs((ink > 0).mean() - 0.191) < 0.015


def nearest_mean_accuracy(train, test):
    """How many test pictures are nearest to the mean training picture of their own class."""
    train, test = (images.reshape(len(images), -1) / 255 for images in (train, test))
    means = np.stack([train[label::10].mean(0) for label in range(10)])
    distances = (means**2).sum(1) - 2 * test @ means.T
    return np.mean(distances.argmin(1) == np.arange(len(test)) % 10)


def test_the_classes_overlap_but_not_too_much(bundled):
    """The nearest mean picture gets many wrong (on MNIST it is right in 82 %), but far from all."""
    assert 0.7 < nearest_mean_accuracy(bundled["digits", "train"][:4000], bundled["digits", "test"]) < 0.9
    assert 0.4 < nearest_mean_accuracy(bundled["scenes", "train"][:2000], bundled["scenes", "test"]) < 0.85


@pytest.mark.parametrize("name", SETS)
def test_pictures_of_a_class_differ(name, bundled):
    """No two pictures of a class are near; no few directions hold all variance: a collapse would show."""
    images = bundled[name, "test"]
    images = images.reshape(len(images), -1) / 255
    for label in range(10):
        some = images[label::10][:60] - images[label::10][:60].mean(0)
        products = some @ some.T
        squares = np.diag(products)
        distances = squares[:, None] + squares - 2 * products + 1e9 * np.eye(len(some))
        assert distances.min() > 1.0
        # (Σλ)² / Σλ² over the eigenvalues λ of the covariance: how many directions matter.
        assert np.trace(products) ** 2 / (products**2).sum() > 4


def test_scenes_use_the_whole_range(bundled):
    images = bundled["scenes", "test"]
    assert images.min() == 0 and images.max() == 255
    assert 0.35 < images.mean() / 255 < 0.6 and 0.18 < images.std() / 255 < 0.3  # CIFAR-10: 0.47 and 0.25
