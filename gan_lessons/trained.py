"""Loads generators that the authors of the course trained, for readers who do not want to wait for a training.

    generator = gl.trained.generator("dcgan_cifar10")    # a Keras model, float32
    print(gl.trained.about("dcgan_cifar10"))             # its recipe, steps, seed and scores
    gan = gl.GAN(generator, discriminator, latent_dim=100)
    gan.generate(25, seed=0)

A file of at most 1 MB holds one generator: its configuration, its weights in half precision, and its record. The files
are in a checkout's `data/trained/`, and in the package once it is installed. `python benchmarks/trained.py` makes them.
"""

import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np

from gan_lessons import saving

#: The most bytes that a file may have.
LIMIT = 1_000_000

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent / "data"
_SUFFIX = ".npz"


@dataclass(frozen=True)
class About:
    """Records what a kept generator is. `print` shows it as a sentence.

    Attributes:
        recipe: the name of its recipe, such as "DCGAN" for `gl.recipes.DCGAN`.
        data: the title of the image set that it was trained on.
        steps: how many steps the generator took.
        seed: the seed of the weights and of the order of the images.
        scores: {name: score}, as in a `gl.scoring.ScoreCard`.
        scored: what the scores depend on: the number of images, and the features.
    """

    recipe: str
    data: str
    steps: int
    seed: int
    scores: Mapping[str, float] = field(default_factory=dict)
    scored: str = ""

    def __str__(self):
        words = f"Trained by the authors of the course: recipe {self.recipe} on {self.data}, "
        words += f"{self.steps:,} steps, seed {self.seed}."
        if self.scores:
            scores = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in self.scores.items())
            words += f" Scores: {scores}" + (f" ({self.scored})." if self.scored else ".")
        return words


def names() -> tuple[str, ...]:
    """Returns the names of the generators that come with the course.

    Example:
        >>> names()
        ('dcgan_cifar10',)
    """
    return tuple(sorted({path.stem for folder in _folders() for path in folder.glob(f"*{_SUFFIX}")}))


def generator(name: str | os.PathLike) -> keras.Model:
    """Returns a trained generator.

    Args:
        name: one of `names()`, or the path of a file that `keep` wrote.

    Returns:
        A built Keras model of float32.

    Raises:
        ValueError: for a name that the course does not have, or a file of another kind.
        FileNotFoundError: for a path where there is no file.

    Example:
        >>> gl.trained.generator("dcgan_cifar10").output_shape
        (None, 32, 32, 3)
    """
    network, weights, _ = _read(name)
    model = keras.models.model_from_json(network)
    model.set_weights([weight.astype("float32") for weight in weights])
    return model


def about(name: str | os.PathLike) -> About:
    """Returns the record of a trained generator.

    Args, Raises: as for `generator`.
    """
    return About(**json.loads(_read(name)[2]))


def keep(generator: keras.Model, name: str | os.PathLike, about: About) -> Path:
    """Writes a generator to a file, in half precision. The file is whole, or it is not written.

    The configuration holds no setting that only a training reads: older versions of Keras refuse some of these.

    Args:
        generator: a built functional or sequential model. A GAN that keeps an average of its weights has the right one:
            `gan.averaged("generator")`.
        name: a name of letters, digits and underscores, for the folder `data/trained/` of this checkout; or a path that
            ends in ".npz".
        about: what the generator is.

    Returns:
        The path of the file.

    Raises:
        TypeError: if generator is not a Keras model.
        ValueError: if the file would have more than 1 MB, for a weight that half precision cannot hold, or for a wrong
            name.
        FileNotFoundError: if the folder is not there.

    Example:
        >>> keep(gan.averaged("generator"), "mine.npz", About("DCGAN", "CIFAR-10", steps=7810, seed=3))
        PosixPath('mine.npz')
    """
    if not isinstance(generator, keras.Model):
        raise TypeError(
            f"generator must be a Keras model. Received: generator of type {type(generator).__name__}. "
            'Of a GAN, give gan.averaged("generator").'
        )
    path = _path_to_write(name)
    with np.errstate(over="ignore"):
        weights = {f"weight_{n:03}": w.astype("float16") for n, w in enumerate(generator.get_weights())}
    if not all(np.isfinite(weight).all() for weight in weights.values()):
        raise ValueError(
            f"generator must have finite weights below 65,504, the largest number of half precision. Received: "
            f"generator={generator.name!r} with others. Did its training diverge?"
        )
    memory = io.BytesIO()
    np.savez_compressed(memory, network=_network(generator), about=json.dumps(asdict(about)), **weights)
    if memory.tell() > LIMIT:
        raise ValueError(
            f"The file of a generator must have at most {LIMIT:,} bytes. Received: generator={generator.name!r} with "
            f"{generator.count_params():,} weights, {memory.tell():,} bytes in half precision. Train a narrower one."
        )
    path.parent.mkdir(exist_ok=True)
    saving.write(path, memory.getvalue())
    return path


def _network(generator):
    """Returns the configuration as JSON, for every version of Keras that the package admits."""
    return json.dumps(_in_float32(saving.portable(json.loads(generator.to_json()))))


def _in_float32(config):
    """Returns a configuration whose layers compute in float32, whatever policy the generator was trained under."""
    if isinstance(config, dict):
        if str(config.get("class_name")).endswith("DTypePolicy"):
            return "float32"
        return {key: _in_float32(value) for key, value in config.items()}
    return [_in_float32(value) for value in config] if isinstance(config, list) else config


# --- where files are -----------------------------------------------------------------------------------------------


def _folders():
    return [_PACKAGE / "bundled" / "trained", _CHECKOUT / "trained"]


def _is_path(name):
    return not isinstance(name, str) or name.endswith(_SUFFIX)


def _path_to_write(name):
    if _is_path(name):
        path = Path(name)
        if path.suffix != _SUFFIX:
            raise ValueError(f"A path must end in {_SUFFIX!r}. Received: name={os.fspath(name)!r}.")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"The folder must be there. Received: name={os.fspath(name)!r}. Make it first.")
        return path
    if not re.fullmatch(r"\w+", name, re.ASCII):
        raise ValueError(
            f"name must be letters, digits and underscores, or a path that ends in {_SUFFIX!r}. Received: {name=}."
        )
    if not _CHECKOUT.is_dir():
        raise ValueError(
            f"name must be a path where the package is installed without its repository. Received: {name=}. "
            f"Give a path that ends in {_SUFFIX!r}."
        )
    return _CHECKOUT / "trained" / f"{name}{_SUFFIX}"


def _read(name):
    """Returns the configuration, the weights in half precision and the record of a file."""
    if _is_path(name):
        path = Path(name)
    elif name in names():
        path = next(path for folder in _folders() if (path := folder / f"{name}{_SUFFIX}").is_file())
    else:
        raise ValueError(
            f"name must be one of the generators that come with the course: {', '.join(names()) or 'none is there'}. "
            f"Received: {name=}. Train it: `python benchmarks/trained.py {name}` in a checkout of the course."
        )
    try:
        with np.load(path) as file:
            weights = [file[key] for key in sorted(file.files) if key.startswith("weight_")]
            return str(file["network"]), weights, str(file["about"])
    except (ValueError, KeyError, AttributeError, TypeError, EOFError) as error:
        raise ValueError(
            f"name must be a file that gl.trained.keep wrote. Received: name={os.fspath(name)!r}, which is another."
        ) from error
