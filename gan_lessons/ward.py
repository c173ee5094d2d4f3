"""The healthy GANs of the two lessons "The clinic", and what these lessons look at.

`SmallGAN` and `SmallWGAN` are written by hand, as people write them: `gan_lessons.GAN` would refuse most of the faults
that the lessons are about. A sick GAN is a subclass with one wrong method; `gan_lessons.checks.patients` has more.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from gan_lessons import plotting


class SmallGAN(keras.Model):
    """A GAN of digits, written by hand, with a method for each of its parts.

    Args:
        seed: fixes the first weights, the order of the images and the latents.
    """

    latent_dim, batch_size = 32, 64

    def __init__(self, seed=0):
        super().__init__()
        keras.utils.set_random_seed(seed)
        self.random = keras.random.SeedGenerator(seed)
        self.generator, self.discriminator = self.players()
        self.means = {name: keras.metrics.Mean(name=name) for name in ("d_loss", "g_loss", "d_real", "d_fake")}
        self.set_up()

    def batches(self, pixels):
        """Returns the training data, from pixels 0 to 255, as batches in [−1, 1]."""
        images = pixels.astype("float32") / 127.5 - 1
        data = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images), seed=0)
        return data.batch(self.batch_size, drop_remainder=True)

    def players(self):
        """Returns G, from latents to images, and D, from images to logits."""

        def leaky():
            return layers.LeakyReLU(negative_slope=0.2)

        two = {"kernel_size": 4, "strides": 2, "padding": "same"}  # doubles or halves the size
        generator = [layers.Dense(7 * 7 * 32), leaky(), layers.Reshape((7, 7, 32)), layers.Conv2DTranspose(16, **two)]
        generator += [leaky(), layers.Conv2DTranspose(1, activation="tanh", **two)]
        discriminator = [layers.Conv2D(16, **two), leaky(), layers.Conv2D(32, **two), leaky(), layers.Flatten()]
        return (
            keras.Sequential([keras.Input((self.latent_dim,)), *generator]),
            keras.Sequential([keras.Input((28, 28, 1)), *discriminator, self.last_layer()]),
        )

    def last_layer(self):
        """Returns D's last layer."""
        return layers.Dense(1)

    def set_up(self):
        """Compiles the model and gives each player its optimizer."""
        self.compile(optimizer=None, jit_compile=False)  # the players have optimizers of their own
        self.d_optimizer = keras.optimizers.Adam(1e-3, beta_1=0.5)
        self.g_optimizer = keras.optimizers.Adam(1e-3, beta_1=0.5)

    def latents(self, count):
        """Draws latents from N(0, 1)."""
        return keras.random.normal((count, self.latent_dim), seed=self.random)

    def fakes(self, count):
        """Returns what G makes of fresh latents, in training."""
        return self.generator(self.latents(count), training=True)

    def logits(self, images):
        """Returns D's logits, in training."""
        return self.discriminator(images, training=True)

    def d_loss(self, real_logits, fake_logits):
        """Returns what D descends."""
        return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))

    def g_loss(self, fake_logits):
        """Returns what G descends."""
        return ops.mean(ops.softplus(-fake_logits))

    def penalty(self, real_images, fake_images):
        """Returns what is added to D's loss."""
        return 0.0

    def discriminator_turn(self, real_images):
        """Takes one step of D and returns what it records."""
        fake_images = self.fakes(ops.shape(real_images)[0])
        with tf.GradientTape() as tape:
            real_logits, fake_logits = self.logits(real_images), self.logits(fake_images)
            loss = self.d_loss(real_logits, fake_logits) + self.penalty(real_images, fake_images)
        weights = self.discriminator.trainable_variables
        self.d_optimizer.apply(tape.gradient(loss, weights), weights)
        return {"d_loss": loss, "d_real": ops.mean(real_logits), "d_fake": ops.mean(fake_logits)}

    def generator_turn(self, count):
        """Takes one step of G and returns what it records."""
        with tf.GradientTape() as tape:
            loss = self.g_loss(self.logits(self.fakes(count)))
        weights = self.generator.trainable_variables
        self.g_optimizer.apply(tape.gradient(loss, weights), weights)
        return {"g_loss": loss}

    def train_step(self, real_images):
        return self.log(self.discriminator_turn(real_images) | self.generator_turn(self.batch_size))

    def log(self, values):
        """Records values and returns the means so far."""
        for name, value in values.items():
            self.means[name].update_state(value)
        return {name: mean.result() for name, mean in self.means.items()}


class SmallWGAN(SmallGAN):
    """A GAN of points in the plane: a critic with a gradient penalty, five steps of it for one of the generator."""

    latent_dim, batch_size, critic_steps = 2, 128, 5

    def batches(self, points):  # five batches in one: each step of the critic gets its own
        data = tf.data.Dataset.from_tensor_slices(points).shuffle(len(points), seed=0)
        return data.batch(self.critic_steps * self.batch_size, drop_remainder=True)

    def players(self):
        def network(outputs):
            hidden = [layers.Dense(64, "relu"), layers.Dense(64, "relu")]
            return keras.Sequential([keras.Input((2,)), *hidden, layers.Dense(outputs)])

        return network(2), network(1)

    def set_up(self):
        self.compile(optimizer=None, jit_compile=False)
        self.d_optimizer = keras.optimizers.Adam(2e-3, beta_1=0.5, beta_2=0.9)
        self.g_optimizer = keras.optimizers.Adam(5e-4, beta_1=0.5, beta_2=0.9)

    def d_loss(self, real_logits, fake_logits):
        return ops.mean(fake_logits) - ops.mean(real_logits)

    def g_loss(self, fake_logits):
        return -ops.mean(fake_logits)

    def between(self, real_points, fake_points):
        """Returns a point between each pair, α ~ U[0, 1]."""
        alpha = keras.random.uniform((ops.shape(real_points)[0], 1), seed=self.random)
        return alpha * real_points + (1 - alpha) * fake_points

    def lengths(self, gradients):
        """Returns the length of each row."""
        return ops.sqrt(ops.sum(gradients**2, axis=1) + 1e-12)

    def penalty(self, real_points, fake_points):
        between = self.between(real_points, fake_points)
        with tf.GradientTape() as tape:
            tape.watch(between)
            total = ops.sum(self.logits(between))
        return 10 * ops.mean((self.lengths(tape.gradient(total, between)) - 1) ** 2)

    def train_step(self, real_points):
        for fresh_points in ops.split(real_points, self.critic_steps):
            values = self.discriminator_turn(fresh_points)
        return self.log(values | self.generator_turn(self.batch_size))


def train(gan, data, steps, every=50):
    """Trains a GAN of the ward. Returns its curves, the means over `every` steps by name, and the steps as "step"."""
    every = min(every, steps)
    batches, epochs = gan.batches(data).repeat(), steps // every
    history = gan.fit(batches, steps_per_epoch=every, epochs=epochs, shuffle=False, verbose=0).history
    return history | {"step": [every * (epoch + 1) for epoch in range(epochs)]}


def samples(gan, count, seed=1):
    """Returns samples, the generator used as it is after the training."""
    latents = keras.random.normal((count, gan.latent_dim), seed=seed)
    return ops.convert_to_numpy(gan.generator(latents, training=False))


def moved(gan, act):
    """Returns by how much a call changes the weights of G, and those of D: an array for each."""

    def weights():
        players = (gan.generator, gan.discriminator)
        return [np.concatenate([np.ravel(one) for one in player.get_weights()]) for player in players]

    before = weights()
    act()
    return [after - old for after, old in zip(weights(), before, strict=True)]


def chart(gan, history, title, toy=None):
    """Returns a picture of a training: both losses, D's mean logits, and samples (points, where a toy is given)."""
    from IPython.display import Image

    figure, colours = plotting.Picture(1100, 320, layout="constrained"), plotting.COLOURS
    figure.suptitle(title)
    losses, logits, picture = figure.subplots(1, 3, width_ratios=(3, 3, 2.8))
    for axes, name, label, colour in (
        (losses, "d_loss", "D's loss", "discriminator"),
        (losses, "g_loss", "G's loss", "generator"),
        (logits, "d_real", "D, real ones", "real"),
        (logits, "d_fake", "D, fakes", "generated"),
    ):
        axes.plot(history["step"], history[name], color=colours[colour], label=label)
    for axes, what in ((losses, "loss"), (logits, "mean logit")):
        axes.axhline(0, color=colours["reference"], linewidth=0.8, linestyle=":")
        axes.set(xlabel="step", ylabel=what)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    if toy:
        for points, kind in ((toy.sample(500, seed=1), "real"), (samples(gan, 500), "generated")):
            picture.scatter(*points.T, s=3, color=colours[kind], label=kind)
        picture.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal")
        picture.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, markerscale=3)
    else:
        grid = plotting.image_grid(np.nan_to_num(samples(gan, 30)).clip(-1, 1), columns=6)
        picture.imshow(grid[..., 0], cmap="gray", vmin=0, vmax=255)
        picture.set_axis_off()
    ends = ", ".join(f"{name} {history[name][-1]:.2f}" for name in ("d_loss", "g_loss", "d_real", "d_fake"))
    text = f"{title}: curves of both losses and of D's mean logits, and samples. At the end {ends}."
    return Image(figure._repr_png_(), format="png", alt=text)
