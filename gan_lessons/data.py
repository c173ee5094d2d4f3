"""Loads sets of images as `tf.data.Dataset`s of float32 in [−1, 1].

    train = gl.data.load("mnist", batch_size=64)        # batches (64, 28, 28, 1)
    train.info.title                                    # "MNIST", or the stand-in that was really used
    mine = gl.data.from_directory("holiday/", image_size=64)

Images come from TensorFlow Datasets (TFDS), from a folder, or from the two sets that are bundled with the course and
stand in for the others where there is no network. They stay in memory as uint8, a quarter of their size in float32, and
become floats batch by batch. [−1, 1] is the range of tanh, the last activation of this course's generators.
"""

import bz2
import collections
import contextlib
import difflib
import mimetypes
import os
import random
import re
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from gan_lessons import _extras
from gan_lessons._arguments import integer

# How long to wait for a network, in seconds.
_PATIENCE = 2.0

# The files that `from_directory` reads, and some image files that it does not read and `mimetypes` does not know.
_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_OTHER_SUFFIXES = (
    *(".arw", ".avif", ".cr2", ".cr3", ".dng", ".eps", ".exr", ".hdr", ".heic", ".heif", ".icns", ".jp2", ".jpx"),
    *(".jxl", ".nef", ".orf", ".pcx", ".psd", ".raf", ".raw", ".rw2", ".tga", ".xcf"),
)

# Where a set's title is not its name.
_TITLES = {
    "celeb_a": "CelebA",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "fashion_mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "mnist": "MNIST",
    "standin_digits": "stand-in digits (drawn by gan_lessons)",
    "standin_scenes": "stand-in scenes (drawn by gan_lessons)",
    "stl10": "STL-10",
    "svhn_cropped": "SVHN",
}

# The names of classes, for sets that may have been prepared without them, with numbers in their place.
_CLASS_NAMES = {
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}

# The bundled sets, drawn by `data/draw.py`: image shape, number of images in each split, class names.
_SCENES = ("sunset", "house", "tree", "mountain", "boat", "balloon", "flower", "car", "fish", "night")
STAND_INS = {
    "standin_digits": ((28, 28, 1), {"train": 18_000, "test": 2_000}, tuple("0123456789")),
    "standin_scenes": ((32, 32, 3), {"train": 5_000, "test": 1_000}, _SCENES),
}


@dataclass(frozen=True)
class DataInfo:
    """Describes a set of images. Every data set made here carries one as its attribute `info`.

    Attributes:
        name: the name of the set really used, such as "mnist" or "standin_digits".
        title: its name for titles of plots: "MNIST", "stand-in digits (drawn by gan_lessons)".
        is_stand_in: True for the two bundled sets.
        image_shape: (height, width, channels).
        examples: the number of images.
        class_names: a tuple with the name of each label; empty if the set has no labels.
        split: the part of the set, in TFDS's notation; "" for a folder.
    """

    name: str
    title: str
    is_stand_in: bool
    image_shape: tuple[int, int, int]
    examples: int
    class_names: tuple[str, ...] = ()
    split: str = ""


class SplitError(ValueError):
    """Reports a split that a set does not have, or that has no images."""


def load(
    name: str,
    batch_size: int = 64,
    split: str = "train",
    labels: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    examples: int | None = None,
    image_size: int | tuple[int, int] | None = None,
    allow_stand_in: bool = True,
    drop_remainder: bool = False,
    data_dir: str | os.PathLike | None = None,
) -> tf.data.Dataset:
    """Loads a set of images, ready to train on.

    The function looks for the set on this machine, then on the network (TFDS downloads it and shows its progress).
    Where neither has it, the function prints one line and uses a bundled stand-in of the same shape: drawn digits for
    sets with one channel, drawn scenes for colour. So a lesson runs anywhere; `info.title` names the set.

    Args:
        name: a TFDS image set ("mnist", "cifar10", "fashion_mnist", …) or a bundled set: "standin_digits" (28×28×1),
            "standin_scenes" (32×32×3).
        batch_size: images in a batch.
        split: in TFDS's notation: "train", "test", "train[:10%]", "train[5000:]", "train+test".
        labels: whether to yield pairs (images, labels) instead of images.
        shuffle: whether to shuffle: over the whole set, anew in each epoch.
        seed: an integer that fixes the order, together with the global seed. By default Python's random numbers give
            the seed, so that after `keras.utils.set_random_seed(n)` the order is the same in each run.
        examples: the number of images to use, from the first on; all if the set has fewer.
        image_size: an integer or (height, width): images are cropped about their centre to that shape and resized.
        allow_stand_in: if False, raise an error where the set is not available.
        drop_remainder: whether to leave out a last batch that is smaller than the others.
        data_dir: the folder of prepared TFDS sets, for reading and for downloads. Default: the environment variable
            `TFDS_DATA_DIR`, then TFDS's own folder `~/tensorflow_datasets`.

    Returns:
        A `tf.data.Dataset` of float32 images (batch, height, width, channels) in [−1, 1], or of pairs of these and
        int64 labels (batch,). Its attribute `info` is a `DataInfo`.

    Raises:
        TypeError: if name or split is not a string, or a number is not an integer.
        ValueError: for an unknown name or split, a number out of range, or a prepared set that is damaged.
        RuntimeError: if the set is not available and `allow_stand_in` is False.

    Example:
        >>> train = gl.data.load("mnist", batch_size=64, examples=10_000)
        >>> next(iter(train)).shape
        TensorShape([64, 28, 28, 1])
    """
    batch_size = integer("batch_size", batch_size)
    seed = None if seed is None else integer("seed", seed, least=0)
    images, targets, info = _read(name, split, examples, image_size, allow_stand_in, data_dir)
    return _dataset(images, targets, info, batch_size, labels, shuffle, seed, drop_remainder)


def arrays(
    name: str,
    split: str = "train",
    examples: int | None = None,
    image_size: int | tuple[int, int] | None = None,
    allow_stand_in: bool = True,
    data_dir: str | os.PathLike | None = None,
) -> tuple[np.ndarray, np.ndarray | None, DataInfo]:
    """Loads a set of images whole, as NumPy arrays in the set's own order.

    Args:
        name, split, examples, image_size, allow_stand_in, data_dir: as in `load`.

    Returns:
        images: float32 in [−1, 1], (examples, height, width, channels).
        labels: int64, (examples,), or None if the set has no labels.
        info: a `DataInfo`.

    Raises:
        TypeError, ValueError, RuntimeError: as `load`.

    Example:
        >>> images, labels, info = gl.data.arrays("mnist", split="test", examples=1_000)
        >>> images.shape, info.title
        ((1000, 28, 28, 1), 'MNIST')
    """
    images, targets, info = _read(name, split, examples, image_size, allow_stand_in, data_dir)
    images = images.astype("float32")
    images /= 127.5
    images -= 1.0
    return images, targets, info


def from_directory(
    path: str | os.PathLike,
    image_size: int | tuple[int, int],
    batch_size: int = 64,
    labels: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    examples: int | None = None,
    channels: int = 3,
    drop_remainder: bool = False,
    background: str | tuple[int, int, int] = "white",
) -> tf.data.Dataset:
    """Reads a folder of images of any sizes: your own pictures.

    The function reads JPEG, PNG, WebP, GIF, BMP and TIFF files, in the folder and in the folders inside it. It turns
    each image the way its camera was held, crops it about its centre to the shape asked for, and resizes it. Of a file
    with several images (an animation, the pages of a TIFF) it reads the first. It ignores hidden files and folders,
    whose names begin with a dot, and warns if it leaves out image files of other kinds.

    Args:
        path: the folder.
        image_size: an integer or (height, width).
        batch_size, shuffle, seed, examples, drop_remainder: as in `load`; files are in the order of their paths.
        labels: whether to yield (images, labels). The class of an image is the first folder on the way to its file.
        channels: 3 for colour, 1 for grey.
        background: the colour behind transparent images, as Pillow names colours: "white", "#336699", (51, 102, 153).

    Returns:
        A `tf.data.Dataset` as from `load`, `info` included.

    Raises:
        TypeError: if a number is not an integer.
        ValueError: for a folder that does not exist or has no images, for files that cannot be read (the message names
            them; images with 32 bits a channel are among these), or for arguments out of range.

    Example:
        >>> mine = gl.data.from_directory("holiday/", image_size=64, labels=True)
        >>> mine.info.class_names
        ('beach', 'city')
    """
    folder = Path(path).expanduser()
    batch_size = integer("batch_size", batch_size)
    examples = None if examples is None else integer("examples", examples)
    seed = None if seed is None else integer("seed", seed, least=0)
    size = _pair(image_size)
    background = _colour(background)
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (colour). Received: channels={channels!r}.")
    if not folder.is_dir():
        raise ValueError(f"path must be a folder that exists. Received: path={str(path)!r}.")
    files, others = _image_files(folder)
    left_out = ", ".join(f"{count} {suffix}" for suffix, count in sorted(others.items()))
    if not files:
        raise ValueError(
            f"path must hold images ({', '.join(_SUFFIXES)}). Received: path={str(path)!r}, "
            + (f"with images of other kinds: {left_out}. Convert them." if left_out else "without a file of these.")
        )
    if left_out:
        warnings.warn(
            f"{path}: {others.total()} image files are left out ({left_out}), {len(files)} are read. To use them all, "
            f"convert them to one of {', '.join(_SUFFIXES)}.",
            stacklevel=2,
        )
    class_names, targets = (), None
    if labels:
        loose = [file.name for file in files if file.parent == folder]
        if loose:
            raise ValueError(
                "labels=True takes the class of an image from its folder inside path. Received: "
                f"path={str(path)!r}, with {len(loose)} images outside of such folders, {loose[0]!r} among them. "
                "Move them into a folder for each class."
            )
        classes = [file.relative_to(folder).parts[0] for file in files]
        class_names = tuple(sorted(set(classes)))
        targets = np.array([class_names.index(one) for one in classes[:examples]], "int64")
    images = _read_files(files[:examples], size, channels, background)
    title = folder.resolve().name
    info = DataInfo(title, title, False, images.shape[1:], len(images), class_names)
    return _dataset(images, targets, info, batch_size, labels, shuffle, seed, drop_remainder)


def bundled(name: str) -> Path:
    """Returns the path of a file that comes with the course: in a checkout's `data/`, in the package once installed.

    Args:
        name: the file's name, such as "digits_train.bz2".

    Raises:
        FileNotFoundError: if the course has no such file.

    Example:
        >>> gl.data.bundled("digits_train.bz2").name
        'digits_train.bz2'
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "bundled", package.parent / "data"):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"name must be a file that comes with the course. Received: name={name!r}. "
        "If it should be there, install the package again, or take a fresh copy of the repository."
    )


def keras_home() -> Path:
    """Returns the folder in which Keras keeps its downloads: `KERAS_HOME`, else `~/.keras`."""
    if "KERAS_HOME" in os.environ:
        return Path(os.environ["KERAS_HOME"])
    home = Path.home()
    return (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"  # the rule that Keras itself follows


# --- from images to batches ----------------------------------------------------------------------------------------


def _dataset(images, targets, info, batch_size, labels, shuffle, seed, drop_remainder):
    """Returns batches of uint8 images (n, h, w, c) that are in memory, as floats."""
    count = len(images)
    if labels and targets is None:
        raise ValueError(f"labels must be False for a set without labels. Received: labels={labels!r} for {info.name}.")
    if drop_remainder and count < batch_size:
        raise ValueError(
            "With drop_remainder=True batch_size must be at most the number of images. "
            f"Received: batch_size={batch_size} for {count} images. Give a smaller batch_size."
        )
    with tf.device("CPU"):  # a whole set would be a waste of a GPU's memory
        images = tf.constant(images)
        targets = tf.constant(targets) if labels else None

    def batch_of(numbers):
        batch = tf.cast(tf.gather(images, numbers), tf.float32) / 127.5 - 1.0
        return (batch, tf.gather(targets, numbers)) if labels else batch

    # The images' numbers are shuffled, not the images: it costs next to nothing, however large these are.
    order = tf.data.Dataset.range(count)
    if shuffle:
        if seed is None:
            seed = random.randrange(2**31)  # keras.utils.set_random_seed seeds Python's random numbers too
        order = order.shuffle(count, seed=seed, reshuffle_each_iteration=True)
    batches = order.batch(batch_size, drop_remainder=drop_remainder).map(batch_of).prefetch(tf.data.AUTOTUNE)
    batches.info = info
    return batches


def _fit(images, size):
    """Crops uint8 images (…, h, w, c) about their centre to the shape of `size`, then resizes them."""
    height, width = tf.shape(images)[-3], tf.shape(images)[-2]
    scale = tf.minimum(height / size[0], width / size[1])
    rows, columns = (tf.maximum(tf.cast(tf.round(scale * side), tf.int32), 1) for side in size)
    top, left = (height - rows) // 2, (width - columns) // 2
    images = images[..., top : top + rows, left : left + columns, :]
    return tf.saturate_cast(tf.round(tf.image.resize(images, size, antialias=True)), tf.uint8)


# --- files of images -----------------------------------------------------------------------------------------------


def _image_files(folder):
    """Returns the files to read, by path, and the number of image files of other kinds, by suffix."""
    files, others = [], collections.Counter()
    for file in sorted(folder.rglob("*")):
        suffix = file.suffix.lower()
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if hidden or not file.is_file():
            continue
        if suffix in _SUFFIXES:
            files.append(file)
        elif suffix in _OTHER_SUFFIXES or str(mimetypes.types_map.get(suffix)).startswith("image/"):
            others[suffix] += 1
    return files, others


def _read_files(files, size, channels, background):
    """Returns the images of files as uint8 (n, h, w, c)."""
    from PIL import Image, ImageOps
    from tqdm.auto import tqdm

    _check_memory(len(files), (*size, channels))
    images, unreadable = np.empty((len(files), *size, channels), "uint8"), []
    for i, file in enumerate(tqdm(files, desc="Reading images", leave=False, delay=2)):
        try:
            with Image.open(file) as picture:
                # A large JPEG can be decoded at a fraction of its size, which saves most of the time. Which side is
                # which is known only after the turn below.
                picture.draft(None, (2 * max(size), 2 * max(size)))
                picture = _opaque(ImageOps.exif_transpose(picture), background)
                picture = picture.convert("RGB" if channels == 3 else "L")
                picture = ImageOps.fit(picture, (size[1], size[0]), Image.Resampling.LANCZOS)
            images[i] = np.asarray(picture).reshape(images[i].shape)
        except Exception as error:  # a damaged file makes Pillow's readers raise errors of almost any type
            unreadable.append(f"{file} ({_first_line(error)})")
    if unreadable:
        more = f" and {len(unreadable) - 5} more" if len(unreadable) > 5 else ""
        raise ValueError(
            f"path must hold images that can be read. Received: {len(unreadable)} of {len(files)} that cannot: "
            f"{'; '.join(unreadable[:5])}{more}. Mend or delete them."
        )
    return images


def _opaque(picture, background):
    """Returns a Pillow image with 8 bits a channel, laid over the background where it is transparent."""
    from PIL import Image

    if picture.mode in ("I", "F"):
        raise ValueError("32 bits a channel, of which black and white are unknown: save it with 8 or 16")
    if picture.mode.startswith("I;16"):
        picture = _eight_bits(picture)
    if not picture.has_transparency_data:
        return picture
    canvas = Image.new("RGBA", picture.size, background)
    canvas.alpha_composite(picture.convert("RGBA"))
    return canvas


def _eight_bits(picture):
    """Returns a 16-bit grey Pillow image with 8 bits; Pillow itself would make white of all values above 255."""
    from PIL import Image

    values = np.asarray(picture)
    grey = Image.fromarray((values // 256).astype("uint8"))
    if "transparency" in picture.info:
        grey.putalpha(Image.fromarray(np.where(values == picture.info["transparency"], 0, 255).astype("uint8")))
    return grey


def _colour(background):
    """Returns (red, green, blue, 255) from whatever Pillow takes for a colour."""
    from PIL import ImageColor

    colour = background
    if isinstance(background, str):
        with contextlib.suppress(ValueError):
            colour = ImageColor.getrgb(background)[:3]
    if not (isinstance(colour, Sequence) and len(colour) == 3 and all(value in range(256) for value in colour)):
        raise ValueError(
            "background must be a colour: a name, '#rrggbb' or three integers from 0 to 255. "
            f"Received: background={background!r}."
        )
    return (*colour, 255)


# --- the sources ---------------------------------------------------------------------------------------------------


def _read(name, split, examples, image_size, allow_stand_in, data_dir):
    """Returns the first `examples` images of a set as uint8 (n, h, w, c), its labels or None, its DataInfo."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"name must be the name of an image set, such as 'mnist'. Received: name={name!r}.")
    if not isinstance(split, str):
        raise TypeError(f"split must be a string, such as 'train'. Received: split={split!r}.")
    examples = None if examples is None else integer("examples", examples)
    size = None if image_size is None else _pair(image_size)
    if name in STAND_INS:
        return _read_stand_in(name, split, examples, size)

    builder, key, prepared = _builder(name, data_dir)
    shape = builder.info.features[key].shape
    if size is None and None in shape:
        raise ValueError(
            f"image_size must be given for {name}, whose images have many sizes. "
            "Received: image_size=None. Give a size, such as image_size=64."
        )
    missing = None if prepared else _fetch(builder)
    if not missing:
        return _read_prepared(builder, key, split, examples, size)
    missing = f"{_TITLES.get(name, name)} is not on this machine and {missing}"
    if not allow_stand_in or shape[-1] not in (1, 3):
        raise RuntimeError(
            f"{missing}. Received: name={name!r}, allow_stand_in={allow_stand_in}. "
            "Prepare it where there is a network and name its folder in TFDS_DATA_DIR, or allow a stand-in."
        )
    stand_in = "standin_digits" if shape[-1] == 1 else "standin_scenes"
    read = _read_stand_in(stand_in, split, examples, size or shape[:2])
    print(f"{missing}: using the {_TITLES[stand_in]} in its place.")
    return read


def _tfds():
    """Import TensorFlow Datasets."""
    # TFDS only logs an error in its own import, and goes on without its contents. Importing its core raises the error.
    _extras.module("tensorflow_datasets.core", extra="data")
    return _extras.module("tensorflow_datasets", extra="data")


def _builder(name, data_dir):
    """Returns TFDS's builder of a set, the name of its image feature, and whether it is prepared on this machine."""
    from absl import logging

    tfds = _tfds()

    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR")  # TFDS itself looks only when it is first imported
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)  # no log lines about folders that TFDS looks for and does not find
    try:
        if not re.match(r"\w+(/|:|$)", name):
            raise tfds.core.DatasetNotFoundError
        builder = tfds.builder(name, data_dir=data_dir)
        features, prepared = builder.info.features, builder.is_prepared()
    except tfds.core.DatasetNotFoundError:
        known = [*STAND_INS, *tfds.list_builders(with_community_datasets=False)]
        close = difflib.get_close_matches(name.lower().replace("-", "_"), known)
        hint = f"Did you mean {' or '.join(map(repr, close))}?" if close else "See tfds.list_builders()."
        raise ValueError(
            f"name must be an image set of TFDS, or one of {', '.join(STAND_INS)}. Received: name={name!r}. {hint}"
        ) from None
    except Exception as error:
        raise ValueError(
            f"name must be a set that TFDS can open. Received: name={name!r}. TFDS reports: "
            f"{_first_line(error)}. If it was prepared in {data_dir or '~/tensorflow_datasets'}, its folder "
            "there is damaged: delete that folder and load again."
        ) from error
    finally:
        logging.set_verbosity(verbosity)
    for key, feature in features.items():
        if isinstance(feature, tfds.features.Image):
            return builder, key, prepared
    raise ValueError(f"name must be an image set. Received: name={name!r}, which has {', '.join(features)}.")


def _fetch(builder):
    """Downloads a set. Returns None, or the reason if the download failed."""
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        return "TFDS needs files that you have to get yourself (its catalogue says which)"
    urls = list(builder.url_infos or {})
    if not network_answers(urls[0] if urls else "https://storage.googleapis.com"):
        return "the network does not answer"
    try:
        builder.download_and_prepare()
    except Exception as error:
        return f"could not be downloaded ({_first_line(error)})"
    return None


def network_answers(url: str) -> bool:
    """Returns whether a file is there on the network, after at most two seconds.

    TFDS retries for minutes before it gives up, so `load` calls this function first, with the very file that TFDS would
    fetch. The request goes through `requests`, as TFDS's own do, so that proxies and certificates are those of the
    download. It runs in a thread, since looking up a host's name has no time-out, and reads the head of the response
    only.

    Args:
        url: the address of a file.
    """
    responses = []

    def ask():
        import requests

        with contextlib.suppress(requests.RequestException):
            with requests.get(url, stream=True, timeout=_PATIENCE) as response:
                responses.append(response.ok)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    return responses == [True]


def _read_prepared(builder, key, split, examples, size):
    """Returns images, labels, DataInfo of a TFDS set that is on this machine."""
    tfds = _tfds()

    features = builder.info.features
    label = next((k for k, one in features.items() if isinstance(one, tfds.features.ClassLabel)), None)
    parts, count = _parts(split, builder.info.splits)
    count = count if examples is None else min(count, examples)
    *native, channels = features[key].shape
    shape = (*(size or native), channels)
    _check_memory(count, shape)

    def pair(example):
        return example[key], example[label] if label else tf.constant(-1, tf.int64)

    def fitted(images, targets):
        return _fit(images, shape[:2]), targets

    images, targets, read = np.empty((count, *shape), "uint8"), np.empty(count, "int64"), 0
    problem = None
    try:
        pairs = builder.as_dataset(split=split).take(count).map(pair)
        if None in native:  # images of many sizes do not fit in a batch before they are resized
            batches = pairs.map(fitted, num_parallel_calls=tf.data.AUTOTUNE).batch(500)
        else:
            batches = pairs.batch(500) if shape[:2] == tuple(native) else pairs.batch(500).map(fitted)
        for some, their_targets in batches.prefetch(1).as_numpy_iterator():
            images[read : read + len(some)], targets[read : read + len(some)] = some, their_targets
            read += len(some)
    except Exception as error:
        problem = _first_line(error)
    if problem or read < count:
        problem = problem or f"it ends after {read} of {count} images"
        raise ValueError(
            f"A prepared set must be whole. Received: {builder.name} in {builder.data_path}, which is "
            f"damaged: {problem}. Delete that folder and load again."
        )
    class_names = tuple(features[label].names) if label else ()
    if class_names == tuple(map(str, range(len(class_names)))):
        class_names = _CLASS_NAMES.get(builder.name, class_names)
    info = DataInfo(builder.name, _TITLES.get(builder.name, builder.name), False, shape, count, class_names, split)
    return images, targets if label else None, info


def _read_stand_in(name, split, examples, size):
    """Returns images, labels, DataInfo of a bundled set. Picture i of a split has label i % 10."""
    tfds = _tfds()

    _, counts, class_names = STAND_INS[name]
    parts, _ = _parts(split, {part: tfds.core.SplitInfo(part, [count], 0) for part, count in counts.items()})
    images = np.concatenate([_unpack(name, part)[where] for part, where in parts])[:examples]
    targets = np.concatenate([np.arange(counts[part])[where] % 10 for part, where in parts])[:examples]
    if size is not None and size != images.shape[1:3]:
        _check_memory(len(images), (*size, images.shape[-1]))
        images = np.concatenate([_fit(images[i : i + 500], size) for i in range(0, len(images), 500)])
    info = DataInfo(name, _TITLES[name], True, images.shape[1:], len(images), class_names, split)
    return images, targets, info


def _unpack(name, split):
    """Returns the pictures of a bundled set as uint8 (n, h, w, c); the inverse of `pack` in data/draw.py."""
    height, width, channels = STAND_INS[name][0]
    packed = bz2.decompress(bundled(f"{name.removeprefix('standin_')}_{split}.bz2").read_bytes())
    if channels == 1:
        return np.frombuffer(packed, "uint8").reshape(-1, height, width, 1)
    count = len(packed) * 2 // (height * width * 3)  # a luma for each pixel, two chromas for every four
    planes = np.frombuffer(packed, "int8").astype("float32")
    luma = 4 * planes[: count * height * width].reshape(count, height, width)
    chromas = 8 * planes[count * height * width :].reshape(2, count, height // 2, width // 2, 1)
    blue, red = (tf.image.resize(chroma, (height, width)).numpy()[..., 0] for chroma in chromas)
    picture = np.stack([luma + red, luma - (red + blue) / 2, luma + blue], -1)
    return np.clip(np.rint(picture), 0, 255).astype("uint8")


# --- small helpers -------------------------------------------------------------------------------------------------


def _parts(split, splits):
    """Returns what TFDS's notation selects of {"train": SplitInfo, …}: [("train", slice), …], the number of images."""
    tfds = _tfds()

    try:
        parts = tfds.core.ReadInstruction.from_spec(split).to_absolute(splits)
    except Exception as error:
        raise SplitError(
            f"split must be one of {', '.join(map(repr, splits))}, or a part of one, such as 'train[:10%]'. "
            f"Received: split={split!r}. TFDS reports: {_first_line(error)}"
        ) from None
    parts = [(part.splitname, slice(part.from_, part.to)) for part in parts]
    count = sum(len(range(splits[name].num_examples)[where]) for name, where in parts)
    if not count:
        raise SplitError(f"split must have images in it. Received: split={split!r}, which is empty.")
    return parts, count


def _pair(image_size):
    """Returns (height, width) from an integer or a pair."""
    pair = image_size if isinstance(image_size, (tuple, list)) else (image_size, image_size)
    if len(pair) != 2:
        raise ValueError(f"image_size must be an integer or (height, width). Received: image_size={image_size!r}.")
    return integer("image_size", pair[0]), integer("image_size", pair[1])


def _check_memory(count, shape):
    import psutil

    needed, free = count * int(np.prod(shape)), psutil.virtual_memory().available
    if needed > 0.7 * free:
        raise ValueError(
            f"The images must fit in memory. Received: {count} of {shape}, {needed / 2**30:.1f} GiB, with "
            f"{free / 2**30:.1f} GiB free. Give a smaller image_size, or examples=n to take the first n."
        )


def _first_line(error):
    """Returns the first line of an exception's message."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
