"""Trains the generators that come with the course, and keeps them in `data/trained/`: see `gan_lessons/trained.py`.

    TFDS_DATA_DIR=… python benchmarks/trained.py dcgan_cifar10     # needs CIFAR-10; about eight minutes on two cores
    python benchmarks/trained.py --list                            # what each one is, without training

`ROWS` names the recipe and the seed of each. A training that was interrupted continues from its folder in build/trained
when you give the same command again. What is scored is what is kept: the generator in half precision.
"""

import argparse
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import gan_lessons as gl
from gan_lessons import recipes

BUILD = Path(__file__).resolve().parent.parent / "build" / "trained"
COUNT = 10_000  # generated images to score, and real images to compare them with
SCORES = ("frechet_distance", "kernel_distance", "precision_recall")


@dataclass(frozen=True)
class Row:
    """Describes a generator to keep.

    Attributes:
        recipe: the recipe's name in `gan_lessons.recipes`.
        seed: the seed of the weights and of the order of the images.
    """

    recipe: str
    seed: int

    @property
    def settings(self):
        """The recipe itself."""
        return getattr(recipes, self.recipe)


ROWS = {"dcgan_cifar10": Row("DCGAN", seed=3)}


def train(recipe, seed, folder):
    """Trains a recipe, or resumes its training. Returns: the model, and the title of the image set."""
    data = gl.data.load(recipe.data, recipe.batch_size, seed=seed, drop_remainder=True, allow_stand_in=False)
    gan = recipe.build(data.info.image_shape, seed)
    batches = recipe.steps * gan.discriminator_steps
    parts = math.gcd(batches, 20)
    backup = keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False)
    gan.fit(data.repeat(), steps_per_epoch=batches // parts, epochs=parts, verbose=2, callbacks=[backup])
    return gan, data.info.title


def keep(name, gan, about):
    """Keeps a model's generator, scores what is kept, and writes the scores beside it. Returns: the record."""
    path = gl.trained.keep(gan.averaged("generator"), name, about)
    reference = gl.scoring.Reference(
        ROWS[name].settings.data, count=COUNT, scores=SCORES, image_shape=gan.image_shape, verbose=0
    )
    images = gl.trained.generator(name).predict(gan.sample_latents(COUNT, seed=0), verbose=0)
    card = reference.score(images, verbose=0)
    scores = {score: float(f"{value:.4g}") for score, value in card.scores.items()}
    about = replace(about, scores=scores, scored=f"{COUNT:,} images, {card.features}")
    gl.trained.keep(gl.trained.generator(name), name, about)
    print(card)
    print(f"{path.name}: {path.stat().st_size:,} bytes. {about}")
    return about


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"which to train: {', '.join(ROWS)}")
    parser.add_argument("--list", action="store_true", help="print what is kept, and train nothing")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in ROWS]:
        parser.error(f"names must be among {', '.join(ROWS)}. Received: {', '.join(unknown)}.")
    for name in gl.trained.names() if arguments.list else ():
        print(f"{name}: {gl.trained.about(name)}")
    for name in () if arguments.list else arguments.names:
        recipe = ROWS[name].settings
        gan, title = train(recipe, ROWS[name].seed, BUILD / name)
        keep(name, gan, gl.trained.About(ROWS[name].recipe, title, recipe.steps, ROWS[name].seed))


if __name__ == "__main__":
    main()
