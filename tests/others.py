"""Networks as other people write them, tiny: what the package has to work with, not only its own."""

import keras
import numpy as np
import tensorflow as tf
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


# --- a GAN by hand -------------------------------------------------------------------------------------------------


def bumps(count=256, seed=0, size=8):
    """Images of one bright spot on a dark ground, smooth and all different, in [-1, 1]: (count, size, size, 1)."""
    random = np.random.default_rng(seed)
    centres = random.uniform(1, size - 2, (count, 2))
    widths = random.uniform(1.0, 1.8, (count, 1, 1))
    rows, columns = np.mgrid[:size, :size]
    square = (rows - centres[:, :1, None]) ** 2 + (columns - centres[:, 1:, None]) ** 2
    return (2 * np.exp(-square / (2 * widths**2)) - 1)[..., None].astype("float32")


def small_generator(activation="tanh", latent_dim=6, size=8, extra=()):
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            layers.Dense(32),
            *extra,
            layers.LeakyReLU(0.2),
            layers.Dense(size * size, activation=activation),
            layers.Reshape((size, size, 1)),
        ]
    )


def small_discriminator(activation=None, size=8, extra=()):
    hidden = [layers.Flatten(), layers.Dense(32), *extra, layers.LeakyReLU(0.2)]
    return keras.Sequential([keras.Input((size, size, 1)), *hidden, layers.Dense(1, activation=activation)])


class Handmade(keras.Model):
    """A GAN as one writes it by hand, without this package: healthy, and with parts that a sick one overrides."""

    critic_steps = 1
    rates = (1e-3, 1e-3)
    from_logits = True

    def __init__(self, generator=None, discriminator=None, latent_dim=6):
        super().__init__()
        self.generator = small_generator() if generator is None else generator
        self.discriminator = small_discriminator() if discriminator is None else discriminator
        self.latent_dim = latent_dim
        self.seeds = keras.random.SeedGenerator(7)
        self.d_loss_mean = keras.metrics.Mean(name="d_loss")
        self.g_loss_mean = keras.metrics.Mean(name="g_loss")
        self.entropy = keras.losses.BinaryCrossentropy(from_logits=self.from_logits)

    def compile(self, **kwargs):
        super().compile(**({"optimizer": None} | kwargs))
        self.g_optimizer, self.d_optimizer = (keras.optimizers.Adam(rate, beta_1=0.5) for rate in self.rates)

    def latents(self, count):
        return keras.random.normal((count, self.latent_dim), seed=self.seeds)

    def real_images(self, data):
        return data[0] if isinstance(data, tuple) else data

    def make(self, count):
        return self.generator(self.latents(count), training=True)

    def judge(self, images):
        return self.discriminator(images, training=True)

    def d_loss(self, real, fake):
        on_real, on_fake = self.judge(real), self.judge(fake)
        ones, zeros = tf.ones_like(on_real), tf.zeros_like(on_fake)
        return self.entropy(ones, on_real) + self.entropy(zeros, on_fake)

    def g_loss(self, fake):
        on_fake = self.judge(fake)
        return self.entropy(tf.ones_like(on_fake), on_fake)

    def step_discriminator(self, gradients):
        self.d_optimizer.apply(gradients, self.discriminator.trainable_variables)

    def step_generator(self, gradients):
        self.g_optimizer.apply(gradients, self.generator.trainable_variables)

    def train_step(self, data):
        real = self.real_images(data)
        count = tf.shape(real)[0]
        for _ in range(self.critic_steps):
            fake = self.make(count)
            with tf.GradientTape() as tape:
                d_loss = self.d_loss(real, fake)
            self.step_discriminator(tape.gradient(d_loss, self.discriminator.trainable_variables))
        with tf.GradientTape() as tape:
            g_loss = self.g_loss(self.make(count))
        self.step_generator(tape.gradient(g_loss, self.generator.trainable_variables))
        self.d_loss_mean.update_state(d_loss)
        self.g_loss_mean.update_state(g_loss)
        return self.report(d_loss, g_loss)

    def report(self, d_loss, g_loss):
        return {"d_loss": self.d_loss_mean.result(), "g_loss": self.g_loss_mean.result()}


class HandmadeCritic(Handmade):
    """The same as a WGAN with gradient penalty."""

    weight = 10.0
    epsilon = 1e-12

    def alpha(self, count):
        return keras.random.uniform((count, 1, 1, 1), seed=self.seeds)

    def penalty(self, real, fake):
        alpha = self.alpha(tf.shape(real)[0])
        between = alpha * real + (1 - alpha) * fake
        with tf.GradientTape() as tape:
            tape.watch(between)
            answers = self.judge(between)
        square = tf.reduce_sum(tape.gradient(answers, between) ** 2, axis=(1, 2, 3))
        return self.weight * tf.reduce_mean((tf.sqrt(square + self.epsilon) - 1) ** 2)

    def d_loss(self, real, fake):
        return tf.reduce_mean(self.judge(fake)) - tf.reduce_mean(self.judge(real)) + self.penalty(real, fake)

    def g_loss(self, fake):
        return -tf.reduce_mean(self.judge(fake))
