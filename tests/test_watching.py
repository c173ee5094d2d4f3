"""A watch finds what shows while training, and raises nothing, whatever the model does."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from others import Handmade, bumps, small_generator

from gan_lessons import doctor
from gan_lessons.doctor import COMPARED, Watch

IMAGES = bumps(COMPARED)
OTHERS = bumps(COMPARED, seed=1)


def old(gan, steps=1500):
    """A compiled model whose optimizers have counted steps."""
    gan.compile()
    return trained(gan, steps)


def trained(gan, steps=200):
    for optimizer in (gan.g_optimizer, gan.d_optimizer):
        optimizer.iterations.assign_add(steps)
    return gan


def names(findings):
    return [one.name for one in findings]


class Shows(Handmade):
    """A GAN that generates what it is told to."""

    latent_dim = None

    def __init__(self, images):
        super().__init__(latent_dim=None)
        self.images = images

    def generate(self, count, seed):
        return self.images[:count]


def test_a_watch_counts_epochs_and_steps():
    gan = old(Handmade())
    watch = Watch(gan, IMAGES)
    assert watch.steps_since_look == 0 and watch.is_finite and watch.diagnosis.healthy
    trained(gan, 30)
    watch.record({"d_loss": 0.5})
    assert watch.steps_since_look == 30 and watch.epochs == 1 and watch.look() == [] and watch.steps_since_look == 0
    assert str(watch.diagnosis) == "Nothing found.\nLooked on for 1 epochs." and watch.left_out == []


def test_each_illness_is_found_once():
    gan = old(Handmade())
    watch = Watch(gan)
    watch.record({"d_loss": np.nan})
    assert not watch.is_finite
    assert names(watch.look()) == ["diverging"] and watch.look() == [] and names(watch.findings) == ["diverging"]
    gan = old(Handmade())
    watch = Watch(gan)
    gan.generator.layers[0].kernel.assign_add(tf.ones((6, 32)))
    gan.d_optimizer.learning_rate = 0.1
    trained(gan, 12)
    watch.record({"d_real": 1.0, "d_fake": 0.0})
    expected = ["discriminator_frozen", "learning_rates_apart", "discriminator_saturated"]
    assert names(watch.look()) == expected and watch.diagnosis.names == expected


@pytest.mark.parametrize(
    ("samples", "images", "steps", "expected"),
    [
        (OTHERS, IMAGES, 200, []),
        (OTHERS[:1].repeat(COMPARED, 0), IMAGES, 200, ["collapsed"]),
        (OTHERS[:4].repeat(COMPARED // 4, 0), IMAGES, 200, ["collapsed"]),
        (OTHERS[:4].repeat(COMPARED // 4, 0), None, 200, []),
        (OTHERS[:1].repeat(COMPARED, 0), None, 200, ["collapsed"]),
        (OTHERS[:1].repeat(COMPARED, 0), IMAGES, 199, []),
        (OTHERS[:1].repeat(COMPARED, 0), bumps(COMPARED, size=6), 200, []),
        (np.full_like(OTHERS, np.nan), IMAGES, 200, []),
    ],
)
def test_collapse_is_found_in_what_a_model_generates(samples, images, steps, expected):
    gan = old(Shows(samples))
    watch = Watch(gan, images)
    trained(gan, steps)
    assert names(watch.look()) == expected and watch.left_out == []


def test_collapse_is_not_found_in_the_first_steps():
    gan = old(Shows(OTHERS[:1].repeat(COMPARED, 0)), 799)
    watch = Watch(gan, IMAGES)
    assert names((trained(gan), watch.look())[1]) == []  # 999 steps
    assert names((trained(gan), watch.look())[1]) == ["collapsed"]


def test_samples_are_made_from_latents_where_these_are_all_that_the_generator_takes():
    class Both(Handmade):
        def generate(self, count, seed):
            raise ZeroDivisionError

    gan = old(Both())
    gan.generator.layers[0].kernel.assign(np.zeros((6, 32)))  # one image of all latents
    watch = Watch(gan, IMAGES)
    assert names((trained(gan), watch.look())[1]) == ["collapsed"] and watch.left_out == []


class Conditional(Handmade):
    """A generator that takes more than latents, and nobody else knows what."""

    def __init__(self):
        super().__init__(small_generator(latent_dim=9))


class Strange(Handmade):
    """Its optimizers, weights and latents are none."""

    def __init__(self):
        super().__init__(latent_dim=None)
        self.generator = keras.layers.Layer()

    def compile(self):
        super().compile()

        class Uncounted(keras.optimizers.SGD):
            @property
            def iterations(self):
                raise RuntimeError("nobody counts")

        self.g_optimizer = self.d_optimizer = Uncounted()


def test_what_cannot_be_looked_at_is_left_out_and_named():
    gan = old(Conditional())
    watch = Watch(gan, IMAGES)
    for _ in range(2):
        trained(gan)
        assert watch.look() == []
    (left_out,) = watch.left_out
    assert left_out.startswith("samples (") and "expected axis -1" in left_out and "\x1b" not in left_out
    assert str(watch.diagnosis).splitlines()[2] == f"Not examined: {left_out}."
    gan = old(Handmade())
    gan.latent_dim = None
    watch = Watch(gan, IMAGES)
    trained(gan)
    assert watch.look() == [] and "neither latent_dim nor generate" in watch.left_out[0]


def test_a_watch_raises_nothing():
    gan = Strange()
    gan.compile()
    watch = Watch(gan, "no images")
    watch.record({"d_loss": {"of": 1.0}, "g_loss": None, "words": "none", "vector": [1.0, 2.0], "fine": 1.0})
    watch.record(None)
    assert watch.is_finite and watch.steps_since_look == 0 and watch.look() == [] and watch.epochs == 2
    assert {phrase.partition(" (")[0] for phrase in watch.left_out} == {
        "which weights move",
        "the number of steps",
        "the curve d_loss",
        "the curve g_loss",
        "the curve words",
        "the curve vector",
    }
    assert all("nobody counts" in one for one in watch.left_out[:2])


def test_the_package_has_what_it_had():
    for name in ("ILLNESSES", "Diagnosis", "Finding", "diagnose", "check_players", "some_images"):
        assert hasattr(doctor, name)
