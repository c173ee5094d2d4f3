"""Files: those of the former version still load, and what objectives and penalties keep is saved and put back."""

from pathlib import Path

import keras
import numpy as np
import pytest
from others import LATENT, PLAYERS, images

from gan_lessons import GAN
from gan_lessons.penalties import GradientPenalty

# --- files of gan_lessons 0.1, made by tests/files/make.py -----------------------------------------------------------

FILES = Path(__file__).parent.parent / "files"


def compiled(gan):
    average = keras.optimizers.Adam(0.01, beta_1=0.5, use_ema=True, ema_momentum=0.9)
    gan.compile(
        generator_optimizer=average, discriminator_optimizer=keras.optimizers.Adam(0.01, beta_1=0.5), jit_compile=False
    )
    return gan


def of_0_1(kind):
    """A model from a file, and a dictionary of what gan_lessons 0.1 made of it afterwards."""
    keras.utils.set_random_seed(99)  # as in another process
    if kind == "weights":
        gan = compiled(GAN(*PLAYERS["subclassed"](), LATENT, penalty=GradientPenalty(2.0), discriminator_steps=3))
        gan.load_weights(FILES / "subclassed.weights.h5")
    else:
        gan = keras.models.load_model(FILES / f"{kind}.keras")
    return gan, dict(np.load(FILES / f"{kind}.npz"))


def assert_goes_on(gan, expected):
    """Two epochs more end where they ended in 0.1.

    With the versions that made the files all weights are bit for bit equal. Others round differently, and of the bias
    before BatchNormalization, which has no gradient, Adam makes steps of that rounding: hence 1e-4, where a step is 1e-2.
    """
    np.testing.assert_allclose(gan.generate(3, seed=0), expected["images"], rtol=1e-5, atol=1e-6)
    gan.fit(images(10), batch_size=2, epochs=2, shuffle=False, verbose=0)
    for index, weight in enumerate(gan.trainable_weights):
        np.testing.assert_allclose(weight.numpy(), expected[f"weight_{index}"], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(gan.generate(3, seed=0), expected["later"], rtol=1e-5, atol=1e-4)
    assert np.abs(expected["later"] - expected["images"]).max() > 0.01, "there was something to be equal in"


@pytest.mark.parametrize("kind", ["compiled", "uncompiled", "weights"])
def test_files_of_0_1_load_and_go_on(kind):
    gan, expected = of_0_1(kind)
    if kind == "uncompiled":
        assert not gan.compiled and gan.seed == 3 and gan.batches_trained == 0
        compiled(gan)
    else:
        assert gan.batches_trained == 10  # counted by D's optimizer there
    assert_goes_on(gan, expected)


def test_a_file_of_0_1_is_saved_again_with_its_count(tmp_path):
    """Between two turns of G: a count that began at 0 would give G other batches."""
    gan, expected = of_0_1("compiled")
    gan.save(tmp_path / "again.keras")
    gan = keras.models.load_model(tmp_path / "again.keras")
    assert gan.batches_trained == 10
    assert_goes_on(gan, expected)
