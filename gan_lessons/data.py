"""Image sets as `tf.data.Dataset`s of float32 in [−1, 1], and where they come from.

    train = gl.data.load("mnist", batch_size=64)        # batches (64, 28, 28, 1)
    train.info.title                                    # "MNIST", or the stand-in that was really used
    mine = gl.data.from_directory("holiday/", image_size=64)

Images come from TensorFlow Datasets (TFDS), from a folder, or from the two sets that are bundled with the course, which
stand in for the others where there is no network. They are kept in memory as uint8, a quarter of their size in float32, and
turned into floats batch by batch. [−1, 1] is the range of tanh, in which the generators of this course end.
"""

import bz2
import contextlib
import difflib
import os
import random
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf

# How long to wait for an answer to "is there a network?", in seconds.
_PATIENCE = 2.0

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")

_TITLES = {
    "celeb_a": "CelebA",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "fashion_mnist": "Fashion-MNIST",
    "kmnist": "KMNIST",
    "mnist": "MNIST",
    "stl10": "STL-10",
    "svhn_cropped": "SVHN",
}


@dataclass(frozen=True)
class DataInfo:
    """What a set of images is. Every data set made here carries one as its attribute `info`.

    Attributes:
        name: the name of the set really used, such as "mnist" or "standin_digits".
        title: the same for people, for titles of plots: "MNIST", "stand-in digits (drawn by gan_lessons)".
        is_stand_in: True for the two bundled sets.
        image_shape: (height, width, channels).
        examples: how many images there are.
        class_names: a tuple with the name of each label; empty if the set has no labels.
    """

    name: str
    title: str
    is_stand_in: bool
    image_shape: tuple
    examples: int
    class_names: tuple = ()


#: The bundled sets. `data/draw.py` in the course's repository draws them.
STAND_INS = {
    "standin_digits": DataInfo(
        name="standin_digits",
        title="stand-in digits (drawn by gan_lessons)",
        is_stand_in=True,
        image_shape=(28, 28, 1),
        examples=0,
        class_names=tuple("0123456789"),
    ),
    "standin_scenes": DataInfo(
        name="standin_scenes",
        title="stand-in scenes (drawn by gan_lessons)",
        is_stand_in=True,
        image_shape=(32, 32, 3),
        examples=0,
        class_names=(
            "sunset", "house", "tree", "mountain", "boat", "balloon", "flower", "car", "fish", "night",
        ),
    ),
}  # fmt: skip


def load(
    name,
    batch_size=64,
    split="train",
    labels=False,
    shuffle=True,
    seed=None,
    examples=None,
    image_size=None,
    allow_stand_in=True,
    drop_remainder=False,
    data_dir=None,
):
    """Loads a set of images, ready to train on.

    The set is looked for on this machine, then on the network (TFDS downloads it and shows its progress). Where neither
    has it, one printed line says so and a bundled stand-in of the same shape takes its place: drawn digits for sets with
    one channel, drawn scenes for colour. So a lesson runs anywhere; `info.title` says what it ran on.

    Args:
        name: the name of a TFDS image set ("mnist", "cifar10", "fashion_mnist", …), or a bundled set itself:
            "standin_digits" (28×28×1), "standin_scenes" (32×32×3).
        batch_size: images in a batch.
        split: a split in TFDS's notation: "train", "test", "train[:10%]", "train[5000:]", "train+test".
        labels: whether to answer (images, labels) rather than images.
        shuffle: whether to shuffle: over the whole set, anew in each epoch.
        seed: an integer that fixes the order together with the global seed. By default it is drawn from Python's random
            numbers, so that after `keras.utils.set_random_seed(n)` the order is the same in each run.
        examples: take the first so many images only; all if there are fewer.
        image_size: an integer or (height, width): images are cropped about their centre to that shape, then resized.
        allow_stand_in: if False, a set that cannot be had is an error.
        drop_remainder: whether to leave out a last batch that is smaller than the others.
        data_dir: where prepared TFDS sets are, and are put; default: the environment variable `TFDS_DATA_DIR`, then
            TFDS's own folder `~/tensorflow_datasets`.

    Returns:
        A `tf.data.Dataset` of float32 images (batch, height, width, channels) in [−1, 1], or of pairs of these and int64
        labels (batch,). Its attribute `info` is a `DataInfo`.

    Raises:
        ValueError: for a name, split or number that cannot be meant, or a prepared set that is damaged.
        RuntimeError: if the set cannot be had and `allow_stand_in` is False.

    Example:
        >>> train = gl.data.load("mnist", batch_size=64, examples=10_000)
        >>> next(iter(train)).shape
        TensorShape([64, 28, 28, 1])
    """
    _check_positive("batch_size", batch_size)
    images, targets, info = _read(name, split, examples, image_size, allow_stand_in, data_dir)
    return _dataset(images, targets, info, batch_size, labels, shuffle, seed, drop_remainder)


def arrays(name, split="train", examples=None, image_size=None, allow_stand_in=True, data_dir=None):
    """Loads a set of images whole, as NumPy arrays in the set's own order.

    Args:
        name, split, examples, image_size, allow_stand_in, data_dir: as in `load`.

    Returns:
        images: float32 in [−1, 1], (examples, height, width, channels).
        labels: int64, (examples,), or None if the set has none.
        info: a `DataInfo`.

    Raises:
        ValueError, RuntimeError: as `load`.
    """
    images, targets, info = _read(name, split, examples, image_size, allow_stand_in, data_dir)
    return images.astype("float32") / 127.5 - 1.0, targets, info


def from_directory(
    path,
    image_size,
    batch_size=64,
    labels=False,
    shuffle=True,
    seed=None,
    examples=None,
    channels=3,
    drop_remainder=False,
):
    """Reads a folder of images of any sizes: your own pictures.

    Images are JPEG, PNG, WebP, GIF (the first picture) or BMP files, in the folder or in folders within it. Each is turned
    the way its camera was held, cropped about its centre to the shape asked for, and resized.

    Args:
        path: the folder.
        image_size: an integer or (height, width).
        batch_size, shuffle, seed, examples, drop_remainder: as in `load`; files are in the order of their names.
        labels: whether to answer (images, labels). The first folder on the way to a file is its class.
        channels: 3 for colour, 1 for grey.

    Returns:
        A `tf.data.Dataset` as from `load`, `info` included.

    Raises:
        ValueError: for a folder that does not exist or has no images, files that cannot be read (they are named), or
            arguments that cannot be meant.
    """
    folder = Path(path).expanduser()
    _check_positive("batch_size", batch_size)
    _check_positive("examples", examples, optional=True)
    height, width = _pair(image_size)
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (colour). Received: channels={channels!r}.")
    if not folder.is_dir():
        raise ValueError(f"path must be a folder of images. Received: path={str(path)!r}, which is none.")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())
    if not files:
        raise ValueError(f"path must hold images ({', '.join(_SUFFIXES)}). Received: path={str(path)!r}, which has none.")
    class_names, targets = (), None
    if labels:
        folders = [file.relative_to(folder).parts[0] for file in files]
        loose = [file.name for file in files if file.parent == folder]
        if loose:
            raise ValueError(
                "labels=True takes the class of an image from the folder it is in, inside path. "
                f"Received: path={str(path)!r}, with {len(loose)} images in no such folder, {loose[0]!r} among them."
            )
        class_names = tuple(sorted(set(folders)))
        targets = np.array([class_names.index(one) for one in folders[:examples]], "int64")
    images = _read_files(files[:examples], (height, width), channels)
    info = DataInfo(
        name=folder.resolve().name,
        title=folder.resolve().name,
        is_stand_in=False,
        image_shape=(height, width, channels),
        examples=len(images),
        class_names=class_names,
    )
    return _dataset(images, targets, info, batch_size, labels, shuffle, seed, drop_remainder)


def bundled(name):
    """The path of a file that comes with the course: in `data/` of a checkout, inside the package once it is installed.

    Args:
        name: the file's name, such as "digits_train.bz2".

    Returns:
        A `pathlib.Path`.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "bundled", package.parent / "data"):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"The course comes with no file of this name. Received: name={name!r}. If it should be there, install the package "
        "again, or take a fresh copy of the repository."
    )


# ---------------------------------------------------------------------------------------------- from images to batches


def _dataset(images, targets, info, batch_size, labels, shuffle, seed, drop_remainder):
    """A data set over uint8 images (n, h, w, c) in memory. What is shuffled are their numbers, which is much cheaper."""
    count = len(images)
    if labels and targets is None:
        raise ValueError(f"labels=True needs a set that has labels. {info.title} has none; leave labels=False.")
    if drop_remainder and count < batch_size:
        raise ValueError(
            "drop_remainder=True must leave a batch. "
            f"Received: batch_size={batch_size}, which is more than the {count} images of {info.title}."
        )
    with tf.device("CPU"):  # a whole set would be a waste of a GPU's memory
        images = tf.constant(images)
        targets = tf.constant(targets) if labels else None

    def batch_of(numbers):
        batch = tf.cast(tf.gather(images, numbers), tf.float32) / 127.5 - 1.0
        return (batch, tf.gather(targets, numbers)) if labels else batch

    order = tf.data.Dataset.range(count)
    if shuffle:
        # keras.utils.set_random_seed seeds Python's random numbers too.
        seed = random.randrange(2**31) if seed is None else seed
        order = order.shuffle(count, seed=seed, reshuffle_each_iteration=True)
    batches = order.batch(batch_size, drop_remainder=drop_remainder).map(batch_of).prefetch(tf.data.AUTOTUNE)
    batches.info = info
    return batches


def _resize(images, size):
    """Crops uint8 images (n, h, w, c) about their centre to the shape of `size`, then resizes them."""
    height, width = images.shape[1:3]
    if (height, width) == tuple(size):
        return images
    scale = min(height / size[0], width / size[1])
    crop = round(size[0] * scale), round(size[1] * scale)
    top, left = (height - crop[0]) // 2, (width - crop[1]) // 2
    images = images[:, top : top + crop[0], left : left + crop[1]]
    resized = [tf.image.resize(images[i : i + 1000], size, antialias=True) for i in range(0, len(images), 1000)]
    return np.concatenate([np.clip(np.rint(part), 0, 255).astype("uint8") for part in resized])


def _read_files(files, size, channels):
    """Image files as uint8 (n, h, w, c)."""
    from PIL import Image, ImageOps
    from tqdm.auto import tqdm

    images, unreadable = np.empty((len(files), *size, channels), "uint8"), []
    for i, file in enumerate(tqdm(files, desc="Reading images", leave=False, disable=len(files) < 1000)):
        try:
            with Image.open(file) as picture:
                picture.draft("RGB", (2 * size[1], 2 * size[0]))  # a JPEG need not be decoded larger than it is used
                picture = ImageOps.exif_transpose(picture).convert("RGB" if channels == 3 else "L")
                picture = ImageOps.fit(picture, (size[1], size[0]), Image.Resampling.LANCZOS)
            images[i] = np.asarray(picture).reshape(*size, channels)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            unreadable.append(f"{file} ({error})")
    if unreadable:
        more = f", and {len(unreadable) - 5} more" if len(unreadable) > 5 else ""
        raise ValueError(
            f"path must hold images that can be read; {len(unreadable)} of {len(files)} cannot: "
            f"{'; '.join(unreadable[:5])}{more}. Delete or replace them."
        )
    return images


# ---------------------------------------------------------------------------------------------------------- the sources


def _read(name, split, examples, image_size, allow_stand_in, data_dir):
    """The first `examples` images of a set as uint8 (n, h, w, c), its labels or None, its DataInfo."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"name must be the name of an image set, such as 'mnist'. Received: name={name!r}.")
    if not isinstance(split, str):
        raise TypeError(f"split must be a string, such as 'train'. Received: split={split!r}.")
    _check_positive("examples", examples, optional=True)
    size = None if image_size is None else _pair(image_size)
    if name in STAND_INS:
        return _read_stand_in(name, split, examples, size)

    builder = _builder(name, data_dir)
    shape = builder.info.features[_image_key(builder)].shape
    if size is None and None in shape:
        raise ValueError(
            f"image_size must be given for {name}, whose images are of many sizes. "
            "Received: image_size=None. Give one such as image_size=64."
        )
    reason = None if builder.is_prepared() else _fetch(builder)
    if reason is None:
        return _read_prepared(builder, split, examples, size)
    if not allow_stand_in:
        raise RuntimeError(
            f"{name} is not in {Path(builder.data_dir).parent.parent}, and {reason}. Received: allow_stand_in=False. Prepare "
            "it where there is a network and set TFDS_DATA_DIR to the folder, or let a stand-in take its place."
        )
    if shape[-1] not in (1, 3):
        raise RuntimeError(f"{name} cannot be had ({reason}), and no stand-in has {shape[-1]} channels.")
    stand_in = "standin_digits" if shape[-1] == 1 else "standin_scenes"
    images, targets, info = _read_stand_in(stand_in, split, examples, size or shape[:2])
    print(f"{_title(name)} is not on this machine and {reason}: these are the {info.title} in its place.")
    return images, targets, info


def _builder(name, data_dir):
    """TFDS's builder of a set of this name, which knows its shape, where it is kept, and how to get it."""
    import tensorflow_datasets as tfds

    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR")  # TFDS itself looks at it only when it is first imported
    try:
        with _quiet():
            return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError:
        known = [*STAND_INS, *tfds.list_builders(with_community_datasets=False)]
        close = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=3)
        hint = f"Did you mean {' or '.join(map(repr, close))}?" if close else "See tfds.list_builders()."
        raise ValueError(f"name must be an image set of TFDS or {', '.join(STAND_INS)}. Received: name={name!r}. {hint}") from None
    except Exception as error:
        raise ValueError(
            f"name must be a set that TFDS can open. Received: name={name!r}, where it says: {_first_line(error)}. If it was "
            f"prepared before, in {data_dir or '~/tensorflow_datasets'}, its folder is damaged: delete that and load again."
        ) from error


def _image_key(builder):
    import tensorflow_datasets as tfds

    for key, feature in builder.info.features.items():
        if isinstance(feature, tfds.features.Image):
            return key
    raise ValueError(f"name must be a set of images. Received: name={builder.name!r}, which has {[*builder.info.features]}.")


def _fetch(builder):
    """Downloads a set. Returns None, or, if it could not, why not."""
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        return f"TFDS cannot download it by itself ({' '.join(builder.MANUAL_DOWNLOAD_INSTRUCTIONS.split())})"
    urls = list(builder.url_infos or {})
    if not _network_answers(urls[0] if urls else "https://storage.googleapis.com"):
        return "the network does not answer"
    try:
        builder.download_and_prepare()
    except Exception as error:
        return f"could not be downloaded ({_first_line(error)})"
    return None


def _network_answers(url):
    """Whether a URL answers, found out in at most `_PATIENCE` seconds.

    TFDS retries for minutes before it gives up, so it is not asked unless the very file it would fetch is there. The
    question goes through `requests`, TFDS's own means, so that proxies and certificates are those of the download; and in a
    thread, since looking up a host's name has no time-out of its own. Only the head of the answer is waited for.
    """
    answers = []

    def ask():
        import requests

        with contextlib.suppress(requests.RequestException):
            with requests.get(url, stream=True, timeout=_PATIENCE) as response:
                answers.append(response.ok)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    return answers == [True]


def _read_prepared(builder, split, examples, size):
    """Images, labels, DataInfo of a set that is on this machine."""
    import tensorflow_datasets as tfds

    features, key = builder.info.features, _image_key(builder)
    label = next((k for k, feature in features.items() if isinstance(feature, tfds.features.ClassLabel)), None)
    count = _count(split, builder.info.splits)
    count = count if examples is None else min(count, examples)
    shape = (*(size or features[key].shape[:2]), features[key].shape[-1])
    _check_memory(builder.name, count, shape)

    def wanted(example):
        image = example[key]
        if size is not None:
            # one image at a time: they may differ in size
            image = tf.numpy_function(lambda one: _resize(one[None], size)[0], [image], tf.uint8)
        return tf.ensure_shape(image, shape), example[label] if label else tf.constant(0, tf.int64)

    images, targets, read = np.empty((count, *shape), "uint8"), np.empty(count, "int64"), 0
    try:
        with _quiet():
            examples_in_order = builder.as_dataset(split=split, shuffle_files=False)
        batches = examples_in_order.take(count).map(wanted, num_parallel_calls=tf.data.AUTOTUNE).batch(1000)
        for batch, batch_targets in batches.as_numpy_iterator():
            images[read : read + len(batch)], targets[read : read + len(batch)] = batch, batch_targets
            read += len(batch)
        problem = f"it has {read} images where {count} are promised" if read < count else None
    except (tf.errors.OpError, OSError, ValueError) as error:
        problem = _first_line(error)
    if problem:
        raise ValueError(
            f"The prepared set {builder.name} in {builder.data_dir} is damaged: {problem}. Delete that folder and load again."
        )
    info = DataInfo(
        name=builder.name,
        title=_title(builder.name),
        is_stand_in=False,
        image_shape=shape,
        examples=count,
        class_names=tuple(features[label].names) if label else (),
    )
    return images, targets if label else None, info


def _read_stand_in(name, split, examples, size):
    """Images, labels, DataInfo of a bundled set."""
    import tensorflow_datasets as tfds

    info = STAND_INS[name]
    sets = {part: _unpack(name, part) for part in ("train", "test")}
    splits = {part: tfds.core.SplitInfo(part, [len(images)], 0) for part, images in sets.items()}
    count = _count(split, splits)
    chosen = [
        (sets[part.splitname][part.from_ : part.to], np.arange(len(sets[part.splitname]))[part.from_ : part.to] % 10)
        for part in tfds.core.ReadInstruction.from_spec(split).to_absolute(splits)
    ]
    images, targets = (np.concatenate(parts)[:examples] for parts in zip(*chosen, strict=True))
    if size is not None:
        _check_memory(name, len(images), (*size, info.image_shape[-1]))
        images = _resize(images, size)
    return images, targets, replace(info, image_shape=images.shape[1:], examples=len(images))


def _unpack(name, split):
    """The pictures of a bundled set, uint8; number i has label i % 10. `pack` in data/draw.py says how they are stored."""
    height, width, channels = STAND_INS[name].image_shape
    packed = bz2.decompress(bundled(f"{name.removeprefix('standin_')}_{split}.bz2").read_bytes())
    if channels == 1:
        return np.frombuffer(packed, "uint8").reshape(-1, height, width, 1)
    count = len(packed) // (height * width * 3 // 2)  # a luma a pixel, two chromas for every four
    luma, *chromas = np.split(np.frombuffer(packed, "int8").astype("float32"), [count * height * width, -count * height * width // 4])
    luma = 4 * luma.reshape(count, height, width)
    chromas = tf.reshape(tf.stack(chromas, -1), (count, height // 2, width // 2, 2))
    blue, red = np.moveaxis(8 * tf.image.resize(chromas, (height, width)).numpy(), -1, 0)
    picture = np.stack([luma + red, luma - (red + blue) / 2, luma + blue], -1)
    return np.clip(np.rint(picture), 0, 255).astype("uint8")


# ------------------------------------------------------------------------------------------------------- small helpers


def _count(split, splits):
    """How many images a split has: {"train": SplitInfo, …} and TFDS's notation."""
    import tensorflow_datasets as tfds

    try:
        parts = tfds.core.ReadInstruction.from_spec(split).to_absolute(splits)
        count = sum(len(range(splits[p.splitname].num_examples)[p.from_ : p.to]) for p in parts)
    except Exception as error:
        raise ValueError(
            f"split must be one of {', '.join(map(repr, splits))}, or a part of one, such as 'train[:10%]'. "
            f"Received: split={split!r}. TFDS says: {_first_line(error)}"
        ) from None
    if not count:
        raise ValueError(f"split must have images in it. Received: split={split!r}, which has none.")
    return count


def _check_positive(argument, value, optional=False):
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{argument} must be a positive integer. Received: {argument}={value!r}.")


def _pair(image_size):
    """(height, width) from an integer or a pair."""
    pair = image_size if isinstance(image_size, (tuple, list)) else (image_size, image_size)
    if len(pair) != 2 or any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1 for n in pair):
        raise ValueError(
            "image_size must be a positive integer or a pair (height, width) of them. "
            f"Received: image_size={image_size!r}."
        )
    return int(pair[0]), int(pair[1])


def _check_memory(name, count, shape):
    import psutil

    needed, free = count * int(np.prod(shape)), psutil.virtual_memory().available
    if needed > 0.7 * free:
        raise ValueError(
            f"The images must fit in memory, and {count} of {name} at {shape} take {needed / 2**30:.1f} GiB where "
            f"{free / 2**30:.1f} are free. Give a smaller image_size, or examples=n to take the first n."
        )


def _title(name):
    return _TITLES.get(name, name)


def _first_line(error):
    """What an exception says, in one line."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


@contextlib.contextmanager
def _quiet():
    """Keeps back TFDS's log lines about folders that it looked for and did not find."""
    from absl import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)
