"""Weight clipping: the constraint itself, and attached to networks that someone else wrote."""

import keras
import numpy as np
import pytest
from keras import layers
from others import LATENT, PLAYERS, SHAPE, images

from gan_lessons import GAN, networks
from gan_lessons.constraints import WeightClip, clip_weights


def test_it_clips_as_numpy_does():
    value = np.random.default_rng(0).normal(size=(20, 30)).astype("float32")
    clipped = keras.ops.convert_to_numpy(WeightClip(0.3)(value))
    np.testing.assert_array_equal(clipped, np.clip(value, np.float32(-0.3), np.float32(0.3)))
    assert (np.abs(value) > 0.3).any() and (clipped == value).any()


@pytest.mark.parametrize("limit", [0, -0.01, float("nan"), float("inf"), True, "0.01", None], ids=repr)
def test_a_limit_must_be_positive(limit):
    with pytest.raises(ValueError, match="limit must be a positive number. Received: limit="):
        WeightClip(limit)
    with pytest.raises(ValueError, match="limit must be a positive number"):
        clip_weights(networks.mlp_discriminator(SHAPE, units=(3,)), limit=limit)


def test_numpys_numbers_are_numbers():
    assert WeightClip(np.float32(0.5)).limit == 0.5


def test_it_survives_serialisation():
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(WeightClip(0.25)))
    assert isinstance(again, WeightClip) and again.limit == 0.25


def convolutions():
    """Every kind of kernel, nested twice, one of them in a wrapper."""
    inner = keras.Sequential(
        [
            layers.SeparableConv2D(3, 2),
            layers.DepthwiseConv2D(2),
            layers.BatchNormalization(),
            layers.Conv2DTranspose(2, 2),
        ]
    )
    x = keras.Input((6, 6, 1))
    y = layers.SpectralNormalization(layers.Conv2D(2, 2))(x)
    y = keras.Sequential([inner, layers.Flatten(), layers.LayerNormalization(), layers.Dense(3)])(y)
    return keras.Model(x, layers.Dense(1)(y))


@pytest.mark.parametrize("biases", [True, False])
def test_every_kernel_wherever_it_is_and_biases_as_chosen(biases):
    model = convolutions()
    assert clip_weights(model, 0.02, biases=biases) is model
    seen = set()
    for weight in model.trainable_weights:
        name = weight.path.split("/")[-1]
        limit = getattr(weight.constraint, "limit", None)
        if "kernel" in name:
            assert limit == 0.02, weight.path
        elif name == "bias":
            assert limit == (0.02 if biases else None), weight.path
        else:
            assert name in ("gamma", "beta") and limit is None, weight.path
        seen.add(name)
    assert {"kernel", "bias", "depthwise_kernel", "pointwise_kernel", "gamma", "beta"} <= seen


@pytest.mark.parametrize("players, biases", [("sequential", True), ("nested", False), ("subclassed", True)])
def test_fit_keeps_the_critic_within_the_limit(players, biases, tmp_path):
    keras.utils.set_random_seed(0)
    generator, critic = PLAYERS[players]()
    critic(images(2))  # a network has weights to clip once it has been called
    clip_weights(critic, 0.01, biases=biases)
    gan = GAN(generator, critic, LATENT, objective="wasserstein", discriminator_steps=2)
    gan.compile(
        generator_optimizer=keras.optimizers.RMSprop(0.02),
        discriminator_optimizer=keras.optimizers.RMSprop(0.02),
        jit_compile=False,
    )

    def check(gan):
        gan.fit(images(8), batch_size=2, epochs=2, verbose=0)
        for weight in gan.discriminator.trainable_weights:
            if "spectral_normalization" in weight.path:
                continue  # it rescales its kernel to norm 1 whenever it is called, after each clip as well
            name = weight.path.split("/")[-1]
            largest = float(np.abs(weight.numpy()).max())
            if "kernel" in name or (name == "bias" and biases):
                assert largest <= np.float32(0.01), weight.path
            if "kernel" in name:
                assert largest > 0.005, "clipped, not emptied"
        free = [w for w in gan.discriminator.trainable_weights if w.path.endswith("bias")]
        if not biases:
            assert max(float(np.abs(w.numpy()).max()) for w in free) > 0.01
        assert max(float(np.abs(w.numpy()).max()) for w in gan.generator.trainable_weights) > 0.05

    check(gan)
    gan.save(tmp_path / "clipped.keras")
    again = keras.models.load_model(tmp_path / "clipped.keras")
    if players == "subclassed":  # it made its layers anew; this is what the documentation says to do
        clip_weights(again.discriminator, 0.01, biases=biases)
    check(again)


def test_a_network_without_kernels_is_refused():
    model = keras.Sequential([keras.Input((3,)), layers.LayerNormalization()], name="only_norm")
    with pytest.raises(ValueError, match="needs a network with kernels to clip. Received: model='only_norm'"):
        clip_weights(model)


def test_a_network_that_is_not_built_yet_is_clipped_once_it_is():
    critic = clip_weights(keras.Sequential([layers.Flatten(), layers.Dense(3), layers.Dense(1)]), 0.02)
    critic(images(2))
    assert [w.constraint.limit for w in critic.trainable_weights] == [0.02] * 4
