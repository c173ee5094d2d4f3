# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {{number}} An MLP GAN on MNIST
#
# **You write the training step of a GAN, train it to handwritten digits in a few minutes, and find out what its losses
# tell you and what they do not.**
#
# ![A generative adversarial network. Latents z go into the generator G, which makes fakes G(z). Real samples x and
# fakes go into the discriminator D, which outputs one logit for each. The gradient of D's loss changes D alone. The
# gradient of G's loss flows back through D and changes G alone.](../docs/diagrams/gan.svg)
#
# Each dashed arrow is one half of the training step: one gradient, one optimizer. You write both halves, then the
# class around them. Everything after that uses your class.

# %% [markdown]
# ## Before you start
#
# **What you need.** Lessons {{lesson:watch}} and {{lesson:minimax_game}}: logits, the two losses, the value of the
# game. From Keras: `Dense` layers, `fit`, optimizers.
#
# **Mathematics.** The logarithm, the sigmoid $\sigma(t) = 1/(1 + e^{-t})$, the mean, the gradient and the chain rule,
# the length of a vector. The optional section at the end uses the variance of a sum of independent numbers.
#
# **Time.** {{time}}, with the exercises.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # fewer messages

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers, ops

import gan_lessons as gl

# %% [markdown]
# The sizes of this lesson stand in one cell. The training takes most of the time.

# %% tags=["parameters"]
EXAMPLES = None  # training images; None means all
EPOCHS = 20  # about four minutes on two cores
FIRST = 8  # the epoch at which the curves of section 4 begin
SAMPLES = 2500  # images behind each score
QUERIES = 500  # images that section 5 compares with all training images

# %% tags=["fast"]
EXAMPLES, EPOCHS, FIRST, SAMPLES, QUERIES = 2000, 3, 1, 300, 100

# %% [markdown]
# All other settings of the training are those of a **recipe**, which the package's benchmarks train as well:

# %%
recipe = gl.recipes.MLP_GAN
print(recipe)

# %% [markdown]
# ## 1. Two stacks of dense layers
#
# MNIST has 60,000 handwritten digits to train on and 10,000 to test with, of 28×28 pixels. The values lie in
# $[-1, 1]$, because the generator ends in $\tanh$. (Without a network and without MNIST on this machine you get a
# stand-in, drawn for this course. The lesson works with it and gives other numbers.)

# %%
train = gl.data.load(recipe.data, batch_size=recipe.batch_size, examples=EXAMPLES, seed=0, drop_remainder=True)
images, _, info = gl.data.arrays(recipe.data, examples=EXAMPLES)
test_images, _, _ = gl.data.arrays(recipe.data, split="test", examples=EXAMPLES)
print(f"{info.title}: {len(images)} training images of shape {images.shape[1:]}")

# %% tags=["real-images"]
gl.plotting.show_images(images[:20], columns=10, title=f"Real images: {info.title}")

# %% [markdown]
# Both players are plain stacks of dense layers (*multi-layer perceptrons*, MLPs). $G$ widens from 100 random numbers
# to 784 pixels, $D$ narrows from 784 pixels to one number. That number is a **logit**: any real number, with
# $D(x) = \sigma(\text{logit})$ the probability that $x$ is real.


# %%
def dense(units):
    return [layers.Dense(units), layers.LeakyReLU(0.2)]  # t for t > 0, else 0.2 t


def build_generator():
    pixels = [layers.Dense(28 * 28, "tanh"), layers.Reshape((28, 28, 1))]
    return keras.Sequential([keras.Input((100,)), *dense(256), *dense(512), *dense(1024), *pixels])


def build_discriminator():
    logit = layers.Dense(1)  # no sigmoid
    return keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), *dense(512), *dense(256), logit])


# %% [markdown]
# **Guess first.** $G$ has not been trained. Does $D$, not trained either, already output different numbers for its
# fakes and for real images?

# %%
keras.utils.set_random_seed(1)
generator, discriminator = build_generator(), build_discriminator()
latents = keras.random.normal((64, 100), seed=0)
fakes = generator(latents)
print(f"G: {generator.count_params():,} weights, {latents.shape} -> {fakes.shape}")
print(f"D: {discriminator.count_params():,} weights, {fakes.shape} -> {discriminator(fakes).shape}")
for name, kind in {"real": images[:64], "fakes": fakes}.items():
    logits = ops.convert_to_numpy(discriminator(kind))
    print(f"D's logits, {name:5}: mean {logits.mean():+.2f}, standard deviation {logits.std():.2f}")

# %% tags=["test"]
package = recipe.model((28, 28, 1))  # the same networks as the recipe's: the same functions, given the same weights
package.generator.set_weights(generator.get_weights())
package.discriminator.set_weights(discriminator.get_weights())
np.testing.assert_array_equal(package.generator(latents), fakes)
np.testing.assert_array_equal(package.discriminator(fakes), discriminator(fakes))
spreads = [ops.convert_to_numpy(discriminator(kind)).std() for kind in (images[:64], fakes)]
assert spreads[0] > 2 * spreads[1]

# %% [markdown]
# It does: random weights already react to ink. The fakes are faint noise and get logits near one number; strokes get
# widely different ones. So $D$ begins with an easy task.
#
# ## 2. The step is two turns
#
# ### The losses, in logits
#
# An image that is real costs $D$ $-\log \sigma(l)$, where $l$ is its logit; a fake costs $-\log(1 - \sigma(l))$. $G$
# pays $-\log \sigma(l)$ for its fakes, as it wants them to be taken for real. With $\text{softplus}(t) = \log(1 + e^t)$
#
# $$-\log \sigma(l) = \text{softplus}(-l), \qquad -\log(1 - \sigma(l)) = \text{softplus}(l).$$


# %%
def discriminator_loss(real_logits, fake_logits):
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))  # −V(D, G)


def generator_loss(fake_logits):
    return ops.mean(ops.softplus(-fake_logits))  # −log D(G(z))


# %% [markdown]
# **Guess first.** $D$ is wrong about a fake and sure of it: logit 20. Which loss do you get in `float32`, by way of
# the probability and by softplus?

# %%
probability = ops.sigmoid(tf.constant(20.0))
print(f"D(x) = {float(probability)}")
print(f"-log(1 - D(x)) = {float(-ops.log(1 - probability))}")
print(f"softplus(20)   = {float(ops.softplus(20.0)):.4f}")

# %% tags=["test"]
assert np.isinf(float(-ops.log(1 - probability))) and abs(float(ops.softplus(20.0)) - 20) < 1e-4
random = np.random.default_rng(0)
real_logits, fake_logits = (random.normal(size=(32, 1)).astype("float32") for _ in range(2))
entropy = keras.losses.BinaryCrossentropy(from_logits=True)  # with label 1 for real and 0 for fake
ones, zeros = np.ones((32, 1)), np.zeros((32, 1))
expected = float(entropy(ones, real_logits) + entropy(zeros, fake_logits))
np.testing.assert_allclose(discriminator_loss(real_logits, fake_logits), expected, rtol=1e-5)
np.testing.assert_allclose(generator_loss(fake_logits), float(entropy(ones, fake_logits)), rtol=1e-5)

# %% [markdown]
# The sigmoid of 20 rounds to 1, and $\log 0$ is $-\infty$: one such image would ruin the training. That is why $D$ ends
# in a logit.
#
# ### D's turn
#
# $D$'s turn makes fakes, computes both kinds of logits under a `tf.GradientTape`, and takes one step for $D$'s weights.
# A tape records every operation inside its `with`, so that it can compute gradients afterwards.


# %%
def discriminator_turn(generator, discriminator, optimizer, latents, real_images):
    fake_images = generator(latents, training=True)  # before the tape: no gradient goes into G
    with tf.GradientTape() as tape:
        real_logits = discriminator(real_images, training=True)
        fake_logits = discriminator(fake_images, training=True)
        loss = discriminator_loss(real_logits, fake_logits)
    weights = discriminator.trainable_variables
    optimizer.apply(tape.gradient(loss, weights), weights)
    return loss, real_logits, fake_logits


# %% [markdown]
# (`training=True` does not matter for these layers. It does for Dropout and BatchNormalization.)
#
# ### Exercise 1 · G's turn
#
# Write $G$'s turn: one step of `optimizer` for $G$'s weights, on fakes of these `latents`, down $G$'s loss. Return the
# loss. Two things differ from $D$'s turn, apart from the loss. Think about where the fakes are made.


# %%
def generator_turn(generator, discriminator, optimizer, latents):
    return ...


gl.checks.mlp_gan.generator_turn(generator_turn)

# %% [markdown]
# If yours is right, skip the next cell: everything below then trains with your function.


# %%
def generator_turn(generator, discriminator, optimizer, latents):
    with tf.GradientTape() as tape:
        fake_images = generator(latents, training=True)  # inside: the way back to G's weights
        loss = generator_loss(discriminator(fake_images, training=True))
    weights = generator.trainable_variables  # D is computed, and does not move
    optimizer.apply(tape.gradient(loss, weights), weights)
    return loss


# %% [markdown]
# The gradient goes back through $D$, through the image, to $G$'s weights $\theta_G$, by the chain rule:
#
# $$\frac{\partial\, \text{loss}}{\partial \theta_G} =
# \frac{\partial\, \text{loss}}{\partial\, \text{logit}} \cdot
# \underbrace{\frac{\partial\, \text{logit}}{\partial\, \text{image}}}_{\text{through } D} \cdot
# \underbrace{\frac{\partial\, \text{image}}{\partial \theta_G}}_{\text{through } G}.$$
#
# All three factors must lie inside the tape. If the fakes are made before it, the last one is missing and the gradient
# is `None`.
#
# **Guess first.** $D$ takes one step, then $G$ takes one. Which losses fall, on the same images and latents?


# %%
def losses():
    fake_logits = discriminator(generator(latents))
    d_loss = discriminator_loss(discriminator(images[:64]), fake_logits)
    return f"d_loss {float(d_loss):.3f}, g_loss {float(generator_loss(fake_logits)):.3f}"


d_optimizer, g_optimizer = (recipe.optimizer(recipe.learning_rate) for _ in range(2))
print("before:      ", losses())
discriminator_turn(generator, discriminator, d_optimizer, latents, images[:64])
print("D's turn:    ", losses())
generator_turn(generator, discriminator, g_optimizer, latents)
print("G's turn:    ", losses())

# %% tags=["test"]
for player, other, turn, arguments in [
    (discriminator, generator, discriminator_turn, (d_optimizer, latents, images[:64])),
    (generator, discriminator, generator_turn, (g_optimizer, latents)),
]:
    before = [network.get_weights() for network in (player, other)]
    turn(generator, discriminator, *arguments)
    moved = [np.any([(a != b).any() for a, b in zip(old, network.get_weights())]) for network, old in zip((player, other), before)]
    assert moved == [True, False]

# %% [markdown]
# Each turn lowers its player's loss and raises the other's. Neither loss will fall for long.
#
# ## 3. Your own `keras.Model`
#
# Put the two turns into the `train_step` of a `keras.Model`, and `fit` does the rest: epochs, batches, callbacks, and
# compiling to a graph. What surrounds the step comes first:


# %%
class Players(keras.Model):
    def __init__(self, generator, discriminator, average, seed=None):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.averaged = keras.models.clone_model(generator)
        self.averaged.set_weights(generator.get_weights())
        self.average = average
        self.random = keras.random.SeedGenerator(seed)
        self.means = {name: keras.metrics.Mean(name) for name in ("d_loss", "g_loss", "d_real", "d_fake")}

    def compile(self, generator_optimizer, discriminator_optimizer, **options):
        super().compile(optimizer=None, **options)  # None: two of our own
        self.g_optimizer, self.d_optimizer = generator_optimizer, discriminator_optimizer

    def draw_latents(self, count):
        return keras.random.normal((count, 100), seed=self.random)


# %% [markdown]
# A **mean** collects a number over an epoch; Keras resets it when the next epoch begins. The history of the training
# will hold four: both losses, and $D$'s mean output on real images and on fakes.
#
# `averaged` is a second copy of $G$ that is never trained. Each of its weights $\bar\theta$ follows the weight $\theta$
# of $G$ slowly:
#
# $$\bar\theta \leftarrow a\,\bar\theta + (1 - a)\,\theta, \qquad a = 0.9995.$$
#
# The players never come to rest, and $G$'s weights jitter with them. The average over about the last 2,000 steps jitters
# less. $D$ never sees it; you will generate with it. And now the step:


# %%
class MyGAN(Players):
    def train_step(self, real_images):
        count = ops.shape(real_images)[0]
        players = self.generator, self.discriminator
        d_loss, real, fake = discriminator_turn(*players, self.d_optimizer, self.draw_latents(count), real_images)
        g_loss = generator_turn(*players, self.g_optimizer, self.draw_latents(count))
        for slow, fast in zip(self.averaged.variables, self.generator.variables):
            slow.assign(self.average * slow + (1 - self.average) * fast)
        for name, value in zip(self.means, (d_loss, g_loss, ops.sigmoid(real), ops.sigmoid(fake))):
            self.means[name].update_state(value)
        return {name: mean.result() for name, mean in self.means.items()}

    def generate(self, count, seed=None):
        return self.averaged.predict(keras.random.normal((count, 100), seed=seed), batch_size=500, verbose=0)


# %% [markdown]
# The package's scores and callbacks ask a model for `generate(count, seed)` alone, so they work with your class.
#
# ## 4. What do the losses tell?
#
# ### Exercise 2 · A D that cannot tell
#
# $D$ outputs ½ for every image, real or fake. What are the two losses? (Round to two decimals if you like.)

# %%
losses_at_half = {"d_loss": ..., "g_loss": ...}
gl.checks.mlp_gan.answers_half(losses_at_half)

# %% [markdown]
# At the equilibrium of lesson {{lesson:minimax_game}} the fakes are distributed as the real images are, the best $D$
# outputs ½, and the losses are those of the exercise. **Guess first:** if both losses of a training have exactly these
# values, are the fakes good?
#
# Build a GAN, set the weights of $D$'s last layer to 0, and compute both losses.

# %%
keras.utils.set_random_seed(0)
blind = MyGAN(build_generator(), build_discriminator(), recipe.average)
for weight in blind.discriminator.layers[-1].weights:
    weight.assign(ops.zeros_like(weight))

noise = blind.generate(1000, seed=0)
real_logits, fake_logits = blind.discriminator(images[:1000]), blind.discriminator(noise)
print(f"d_loss {float(discriminator_loss(real_logits, fake_logits)):.4f}")
print(f"g_loss {float(generator_loss(fake_logits)):.4f}")
gl.plotting.show_images(noise[:8], columns=8, title="At equilibrium, by the losses")

# %% tags=["test"]
np.testing.assert_allclose(discriminator_loss(real_logits, fake_logits), 2 * np.log(2), rtol=1e-6)
np.testing.assert_allclose(generator_loss(fake_logits), np.log(2), rtol=1e-6)

# %% [markdown]
# By its losses this GAN has reached the equilibrium, to the last digit, and $G$ makes noise. The losses say that $D$
# *cannot tell*. They do not say why: the fakes are perfect, or **$D$ is blind**.
#
# ### Train
#
# So you need a score that does not come from $D$. A classifier that comes with the package turns each image into 64
# numbers, its **features**. The **Fréchet distance** compares mean and covariance of the features of generated images
# with those of real ones; lower is better, and lesson {{lesson:quality}} is about it. This callback measures it after
# each epoch, for $G$ as it is and for the average:

# %%
mnist = gl.scoring.Reference(recipe.data, count=SAMPLES, scores="frechet_distance", verbose=0)


class Distances(keras.callbacks.Callback):
    pictures = {}

    def on_epoch_end(self, epoch, logs):
        latents = keras.random.normal((SAMPLES, 100), seed=0)
        for name in ("generator", "averaged"):
            made = getattr(self.model, name).predict(latents, batch_size=500, verbose=0)
            logs[name] = mnist.score(made, verbose=0).scores["frechet_distance"]
            self.pictures[name, epoch + 1] = made[:10]


print(f"Real test images have {mnist.floor['frechet_distance']:.3f}.")

# %% [markdown]
# **Guess first.** Sketch what you expect for 20 epochs: $D$'s loss, $G$'s loss, the Fréchet distance.
#
# The picture shows 25 samples of the average, and the losses below it. The average begins as noise and takes a few
# epochs to follow.

# %%
keras.utils.set_random_seed(2)
gan = MyGAN(build_generator(), build_discriminator(), recipe.average)
optimizers = [recipe.optimizer(recipe.learning_rate) for _ in range(2)]
gan.compile(*optimizers, **recipe.options)
grid = gl.callbacks.SampleGrid(count=25, title=f"MLP GAN on {info.title}")
history = gan.fit(train, epochs=EPOCHS, verbose=0, callbacks=[grid, Distances()]).history

# %% tags=["test"]
assert {name: len(values) for name, values in history.items()} == dict.fromkeys(
    ("d_loss", "g_loss", "d_real", "d_fake", "generator", "averaged"), EPOCHS
)
assert all(0 < value < 1 for name in ("d_real", "d_fake") for value in history[name])

