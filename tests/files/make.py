"""Makes the files in this folder: models saved by gan_lessons 0.1, and what that version made of them afterwards.

Run it with the package of that version and this repository's tests in PYTHONPATH, and a folder as its argument. Do not
run it again: `test_saved.py` holds today's code to the files as they are.
"""

import json
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
from others import LATENT, PLAYERS, images

from gan_lessons import GAN
from gan_lessons.penalties import GradientPenalty


def adam(**options):
    return keras.optimizers.Adam(0.01, beta_1=0.5, **options)


def compiled(gan):
    gan.compile(
        generator_optimizer=adam(use_ema=True, ema_momentum=0.9), discriminator_optimizer=adam(), jit_compile=False
    )
    return gan


def fit(gan):
    gan.fit(images(10), batch_size=2, epochs=2, shuffle=False, verbose=0)
    return gan


def hard(players):
    """Dropout and noise, α, an average of weights, and epochs of 5 batches for 3 steps of D."""
    penalty = GradientPenalty(2.0)
    return compiled(GAN(*PLAYERS[players](), LATENT, penalty=penalty, discriminator_steps=3))


def outcome(gan, path):
    """Writes the images of a model, then those after two epochs more, with all weights."""
    found = {"images": gan.generate(3, seed=0)}
    fit(gan)
    found |= {f"weight_{i}": weight.numpy() for i, weight in enumerate(gan.trainable_weights)}
    np.savez_compressed(path, later=gan.generate(3, seed=0), **found)


NEW = ("input_axes", "output_axes", "quantization_config")  # of Keras 3.15; each holds its default here


def without_what_only_keras_3_15_knows(path):
    """Takes settings out of a file that older versions of Keras do not know, so that they can read it too."""
    with zipfile.ZipFile(path) as file:
        content = {name: file.read(name) for name in file.namelist()}
    config = json.loads(content["config.json"])

    def cleaned(value):
        if isinstance(value, dict):
            value = {key: cleaned(item) for key, item in value.items() if key not in NEW}
            if value.get("renorm") is False:
                value = {key: item for key, item in value.items() if not key.startswith("renorm")}
        return [cleaned(item) for item in value] if isinstance(value, list) else value

    content["config.json"] = json.dumps(cleaned(config)).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    keras.utils.set_random_seed(0)
    for name, players in (("compiled", "sequential"), ("weights", "subclassed")):
        gan = fit(hard(players))
        if name == "compiled":
            gan.save(folder / "compiled.keras")
            without_what_only_keras_3_15_knows(folder / "compiled.keras")
        else:
            gan.save_weights(folder / "subclassed.weights.h5")
        outcome(gan, folder / f"{name}.npz")
    gan = GAN(*PLAYERS["nested"](), LATENT, objective="wasserstein", seed=3)
    gan.save(folder / "uncompiled.keras")
    without_what_only_keras_3_15_knows(folder / "uncompiled.keras")
    outcome(compiled(gan), folder / "uncompiled.npz")
