"""Networks as other people write them, tiny: what the package has to work with, not only its own."""

import keras
import numpy as np
from keras import layers

SHAPE = (4, 4, 1)
LATENT = 3


def images(count=12, seed=0, shape=SHAPE):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype("float32")


def sequential():
    """`Sequential` without an Input: built on first use. Dropout and noise in D, BatchNormalization in G."""
    generator = keras.Sequential(
        [
            layers.Dense(6),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(16),
            layers.Reshape(SHAPE),
            layers.Activation("tanh"),
        ]
    )
    discriminator = keras.Sequential(
        [
            layers.GaussianNoise(0.1),
            layers.Flatten(),
            layers.Dense(6),
            layers.LeakyReLU(0.2),
            layers.Dropout(0.3),
            layers.Dense(1),
        ]
    )
    return generator, discriminator


@keras.saving.register_keras_serializable("others")
class Generator(keras.Model):
    def __init__(self, width=6, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.hidden = layers.Dense(width, activation="relu")
        self.norm = layers.BatchNormalization()
        self.pixels = layers.Dense(16)

    def call(self, z, training=False):
        x = self.norm(self.hidden(z), training=training)
        return keras.ops.reshape(keras.ops.tanh(self.pixels(x)), (-1, *SHAPE))

    def get_config(self):
        return super().get_config() | {"width": self.width}


@keras.saving.register_keras_serializable("others")
class Discriminator(keras.Model):
    def __init__(self, width=6, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.conv = layers.SpectralNormalization(layers.Conv2D(width, 3, strides=2, padding="same"))
        self.drop = layers.Dropout(0.3)
        self.logit = layers.Dense(1)

    def call(self, x, training=False):
        x = keras.ops.leaky_relu(self.conv(x, training=training), 0.2)
        x = self.drop(x, training=training)
        return self.logit(keras.ops.mean(x, axis=(1, 2)))

    def get_config(self):
        return super().get_config() | {"width": self.width}


def subclassed():
    """Subclassed, registered models with SpectralNormalization, BatchNormalization and Dropout; `call` is all there is."""
    return Generator(), Discriminator()


def nested():
    """Functional models that contain models, with Dropout in both players."""
    body = keras.Sequential([keras.Input((LATENT,)), layers.Dense(8, activation="relu"), layers.Dropout(0.2)])
    head_in = keras.Input((8,))
    head = keras.Model(head_in, layers.Reshape(SHAPE)(layers.Dense(16, activation="tanh")(head_in)))
    z = keras.Input((LATENT,))
    generator = keras.Model(z, head(body(z)))
    x = keras.Input(SHAPE)
    features = keras.Sequential(
        [
            layers.Conv2D(4, 3, strides=2),
            layers.LayerNormalization(),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dropout(0.2),
        ]
    )
    discriminator = keras.Model(x, layers.Dense(1)(features(x)))
    return generator, discriminator


PLAYERS = {"sequential": sequential, "subclassed": subclassed, "nested": nested}
