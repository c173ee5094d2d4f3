"""Networks around networks: each against the sum that it stands for."""

import keras
import numpy as np
import pytest
from keras import layers

from gan_lessons import conditioning, networks

K = 3
LABELS = np.array([0, 2, 1, 2], "int32")
IMAGES = np.random.default_rng(0).normal(size=(4, 8, 8, 2)).astype("float32")


def test_the_label_is_the_last_part_of_the_latent():
    inner = networks.mlp_generator((4, 4, 1), latent_dim=5 + K, units=(6,))
    outer = conditioning.conditional_generator(inner, K)
    latents = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    joined = np.concatenate([latents, np.eye(K)[LABELS]], axis=1)
    np.testing.assert_allclose(outer([latents, LABELS]), inner(joined), rtol=1e-5)
    assert outer.trainable_variables == inner.trainable_variables


def test_the_label_is_maps_beside_the_image():
    inner = networks.dcgan_discriminator((8, 8, 2 + K), filters=(4,))
    outer = conditioning.conditional_discriminator(inner, K)
    maps = np.broadcast_to(np.eye(K, dtype="float32")[LABELS][:, None, None], (4, 8, 8, K))
    np.testing.assert_allclose(outer([IMAGES, LABELS]), inner(np.concatenate([IMAGES, maps], axis=-1)), rtol=1e-5)
    points = conditioning.conditional_discriminator(keras.Sequential([keras.Input((2 + K,)), layers.Dense(1)]), K)
    assert points([IMAGES[:, 0, 0], LABELS]).shape == (4, 1)


def test_spread_repeats_a_map_over_the_image():
    maps = np.arange(2 * K, dtype="float32").reshape(2, 1, 1, K)
    spread = conditioning.Spread()([maps, IMAGES[:2]])
    np.testing.assert_array_equal(spread, np.broadcast_to(maps, (2, 8, 8, K)))


def test_the_projection_is_a_product_with_the_features():
    inner = networks.dcgan_discriminator((8, 8, 2), filters=(4,))
    outer = conditioning.projection_discriminator(inner, K)
    np.testing.assert_allclose(outer([IMAGES, LABELS]), inner(IMAGES), rtol=1e-5)  # the vectors begin at 0
    vectors = outer.get_layer("classes").embeddings
    vectors.assign(np.random.default_rng(1).normal(size=vectors.shape))
    features = np.asarray(conditioning.with_features(inner)(IMAGES)[1])
    product = (np.asarray(vectors)[LABELS] * features).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(outer([IMAGES, LABELS]), np.asarray(inner(IMAGES)) + product, rtol=1e-4, atol=1e-5)


def test_a_head_is_a_dense_layer_on_the_features():
    inner = networks.mlp_discriminator((8, 8, 2), units=(6, 5))
    logits, answers = conditioning.with_head(inner, 7)(IMAGES)
    head = conditioning.with_head(inner, 7)
    features = np.asarray(conditioning.with_features(inner)(IMAGES)[1])
    assert features.shape == (4, 5)
    kernel, bias = head.get_layer("head").get_weights()
    np.testing.assert_allclose(head(IMAGES)[1], features @ kernel + bias, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logits, inner(IMAGES), rtol=1e-5)
    assert answers.shape == (4, 7)


def test_the_features_of_a_spectrally_normalised_network_are_found():
    inner = networks.resnet_discriminator((8, 8, 2), filters=(4, 4))
    outer = conditioning.projection_discriminator(inner, K)
    np.testing.assert_allclose(outer([IMAGES, LABELS]), inner(IMAGES), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: conditioning.conditional_generator("G", K), "generator must be a built functional or sequential"),
        (
            lambda: conditioning.conditional_generator(networks.mlp_generator((4, 4, 1), latent_dim=K), K),
            "room for a latent and the one-hot label. Received: generator with input shape",
        ),
        (
            lambda: conditioning.conditional_discriminator(networks.mlp_discriminator((4, 4, 1)), K),
            "num_classes more channels than they have",
        ),
        (
            lambda: conditioning.projection_discriminator(
                keras.Sequential([keras.Input((4,)), layers.Dense(2)]), num_classes=K
            ),
            r"discriminator must end in Dense\(1\)",
        ),
        (
            lambda: conditioning.with_head(keras.Sequential([keras.Input((4,)), layers.ReLU()]), 2),
            "must end in a Dense layer on a vector of features",
        ),
        (lambda: conditioning.with_head(networks.mlp_discriminator((4, 4, 1)), 0), "size must be an integer"),
    ],
)
def test_networks_that_do_not_fit_are_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
