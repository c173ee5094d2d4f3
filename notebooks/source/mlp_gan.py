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
# All other settings of the training are those of a **recipe**, which the package's benchmarks train as well. (Its steps
# make 34 epochs. For this lesson 20 are enough.)

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
turns = {
    discriminator: (discriminator_turn, generator, (d_optimizer, latents, images[:64])),
    generator: (generator_turn, discriminator, (g_optimizer, latents)),
}
for player, (turn, other, arguments) in turns.items():
    before = player.get_weights(), other.get_weights()
    turn(generator, discriminator, *arguments)
    assert all((old != new).any() for old, new in zip(before[0], player.get_weights()))
    assert all((old == new).all() for old, new in zip(before[1], other.get_weights()))

flags = []


class Witness(layers.Layer):
    def call(self, inputs, training=None):
        flags.append(training)
        return inputs


seen = [keras.Sequential([keras.Input(one.input_shape[1:]), Witness(), one]) for one in (generator, discriminator)]
flags.clear()
discriminator_turn(*seen, keras.optimizers.SGD(0.0), latents, images[:64])
generator_turn(*seen, keras.optimizers.SGD(0.0), latents)
assert flags == 5 * [True]

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
# The players never come to rest, and $G$'s weights jitter with them. The average over about the last 2,000 steps
# jitters less. $D$ never sees it; you will generate with it. And now the step:


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
# The package's scores and callbacks need a model with a method `generate(count, seed)`, so they work with your class.
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
# epochs to follow. (`train` shuffles itself, so `fit` need not.)

# %%
keras.utils.set_random_seed(2)
gan = MyGAN(build_generator(), build_discriminator(), recipe.average)
optimizers = [recipe.optimizer(recipe.learning_rate) for _ in range(2)]
gan.compile(*optimizers, **recipe.options)
grid = gl.callbacks.SampleGrid(count=25, title=f"MLP GAN on {info.title}")
training = gan.fit(train, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[grid, Distances()])
history = training.history

# %% tags=["test"]
assert {name: len(values) for name, values in history.items()} == dict.fromkeys(
    ("d_loss", "g_loss", "d_real", "d_fake", "generator", "averaged"), EPOCHS
)
assert all(0 < value < 1 for name in ("d_real", "d_fake") for value in history[name])
again = mnist.score(gan.generate(SAMPLES, seed=0), verbose=0).scores["frechet_distance"]
np.testing.assert_allclose(again, history["averaged"][-1], rtol=1e-3)

# %%
middle = (FIRST + EPOCHS) // 2
shown = sorted({1, 2, 4, FIRST, middle, EPOCHS} & set(range(1, EPOCHS + 1)))
columns = ("d_loss", "g_loss", "d_real", "d_fake", "generator", "averaged")
print("epoch", *(f"{name:>10}" for name in columns))
for epoch in shown:
    print(f"{epoch:5}", *(f"{history[name][epoch - 1]:10.3f}" for name in columns))

# %% [markdown]
# The last two columns are the Fréchet distances, of $G$ as it is and of its average. At first everything moves: $D$
# runs ahead, $G$ catches up. At epoch 8 the average still remembers the untrained $G$ that it began with. So for the
# early epochs look at $G$ as it is.
#
# **Guess first.** The next figure begins at epoch 8, with all axes from 0. On which side do you see the progress?

# %%
epochs = np.arange(FIRST, EPOCHS + 1)
colours, figure = gl.plotting.COLOURS, plt.figure(figsize=(9, 3.4), layout="constrained")
left, right = figure.subplots(1, 2)
for name, player, half in [("d_loss", "discriminator", 2 * np.log(2)), ("g_loss", "generator", np.log(2))]:
    left.plot(epochs, history[name][FIRST - 1 :], color=colours[player], label=name)
    left.axhline(half, color=colours[player], linestyle=":")
right.plot(epochs, history["generator"][FIRST - 1 :], "--", color=colours["generator"], label="G as it is")
right.plot(epochs, history["averaged"][FIRST - 1 :], color=colours["generator"], label="the average of G")
right.axhline(mnist.floor["frechet_distance"], color=colours["reference"], linestyle=":", label="real images")
left.set(title="Losses; dotted: D outputs ½ everywhere", ylim=(0, 1.8))
right.set(title=f"Fréchet distance of {SAMPLES:,} images", ylim=(0, 1.3 * max(history["generator"][FIRST - 1 :])))
for axes in (left, right):
    axes.set(xlabel="epoch", xlim=(FIRST, EPOCHS))
    axes.legend(frameon=False, ncols=3 if axes is left else 1)
plt.show()

# %%
print(f"{'':10} epoch {FIRST}  to epoch {middle}  to epoch {EPOCHS}")
for name in ("d_loss", "g_loss", "generator"):
    one, two, three = (history[name][epoch - 1] for epoch in (FIRST, middle, EPOCHS))
    print(f"{name:10} {one:7.3f} {two:7.3f} ({two / one - 1:+.0%}) {three:7.3f} ({three / two - 1:+.0%})")

# %% tags=["test"]
if EPOCHS == 20 and not info.is_stand_in:
    late = {name: np.array(values[FIRST - 1 :]) for name, values in history.items()}
    half = len(late["d_loss"]) // 2
    for name in ("d_loss", "g_loss"):
        assert np.ptp(late[name]) < 0.2 * late[name].mean()  # nearly flat
        assert np.ptp(late[name][half:]) < 0.05 * late[name].mean()  # flat
    assert late["generator"][-3:].mean() < 0.6 * late["generator"][:3].mean()
    assert late["generator"][-3:].mean() < 0.95 * late["generator"][half : half + 3].mean()
    assert late["averaged"][-1] < 0.6 * late["averaged"][half] and late["averaged"][-1] < late["generator"][-1]
    assert late["averaged"][0] > 5 * late["generator"][0]  # the average still remembers the untrained G
    assert np.all(late["d_real"] > 0.5) and np.all(late["d_fake"] < 0.5)
    divergence = (2 * np.log(2) - late["d_loss"]) / 2  # if D were the best one; at most log 2
    assert np.all(divergence < 0.12 * np.log(2))

# %% [markdown]
# **A flat loss, better samples**, in this run, and most clearly in the second half:
#
# - *Epochs 8 to 14.* The losses still creep towards the dotted lines, by less than a tenth. The distance of $G$ as it
#   is halves.
# - *Epochs 14 to 20.* The losses hardly move. The distance of $G$ as it is falls further, with some jitter. That of the
#   average falls by more than half.
#
# In a classifier a flat loss means that nothing is learnt any more. Here each loss is measured against an opponent that
# learns as well: $D$'s loss on $G$'s newest fakes, $G$'s loss with the newest $D$. You often read that a flat loss
# shows that "both learn equally fast". That fits this run, because the right-hand side says so. The left-hand side
# would look much the same if neither learnt anything: **a $D$ that stays blind has flat losses too, exactly on the
# dotted lines.**
#
# Theory does not rescue the losses. For the *best possible* $D$ the loss is $2 \log 2 - 2\,\text{JSD}$, with the
# Jensen–Shannon divergence of lesson {{lesson:minimax_game}}. Read in this way, the losses above would say that the
# fakes are nearly perfect from epoch 8 on. They are not. That statement is about the best $D$, and yours is not: it
# follows a moving $G$, a few steps behind.
#
# What can you read off the losses? Whether the training has failed. If `d_real` goes to 1, `d_fake` to 0, and both stay
# there, $D$ has won, and $G$ learns little. If both are ½ to the last digit and the samples are noise, $D$ is blind.
# In between, the losses do not tell good from better. Look at samples:

# %%
rows = {f"epoch {epoch}": Distances.pictures["generator", epoch] for epoch in shown}
rows["the average"] = Distances.pictures["averaged", EPOCHS]
gl.plotting.image_rows(rows, title="Ten latents while G learns; last row: the average of G")

# %% [markdown]
# Follow one column. Up to epoch 8 you see strokes form. After that, ten images hardly show progress: a column turns
# from one digit into another, and some get worse. It takes 2,500 images and a score to see that the mean gets better.
# The last row shows the same latents, with the average of $G$: cleaner strokes, and less noise around them.
#
# Now a hundred samples of the average, the first hundred, none picked:

# %%
samples = gan.generate(SAMPLES, seed=0)
gl.plotting.show_images(samples[:100], columns=20, title="The first 100 samples of the average")

# %% [markdown]
# ## 5. Has it memorised its training images?
#
# A generator that hands out training images would get the best of scores. To find out, look for the nearest training
# image of each sample. As a distance take the length of the difference of all pixels, $\|a - b\|$.
#
# ### Exercise 3 · All distances
#
# Write `distances(samples, images)`: an array with a row for each sample and a column for each image. Both arguments
# have shape `(count, height, width, channels)`. Subtracting each of 60,000 images from each of 500 samples would need
# 94 GB. Use $\|a - b\|^2 = \|a\|^2 + \|b\|^2 - 2\,a \cdot b$.


# %%
def distances(samples, images):
    return ...


gl.checks.mlp_gan.distances(distances)

# %% [markdown]
# Again: if yours is right, skip the next cell.


# %%
def distances(samples, images):
    a, b = samples.reshape(len(samples), -1), images.reshape(len(images), -1)
    squares = np.sum(a**2, axis=1)[:, None] + np.sum(b**2, axis=1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0))  # rounding may leave a little less than 0


nearest = images[distances(samples[:10], images).argmin(axis=1)]

# %% tags=["real-images"]
gl.plotting.nearest_neighbours(samples[:10], nearest, title="Samples, and the nearest training images")

# %% tags=["test"]
direct = np.sqrt(((samples[:10] - nearest) ** 2).sum(axis=(1, 2, 3)))
np.testing.assert_allclose(distances(samples[:10], images).min(axis=1), direct, rtol=1e-3, atol=1e-2)

# %% [markdown]
# The same digit in most columns, and another hand. But how near is near? A distance says something beside others:
#
# - **test images**, which certainly are no copies, as nobody trained on them;
# - **noisy copies**: training images with a little noise;
# - **shifted copies**: training images moved by one pixel.
#
# **Guess first.** Order the four by their distance to the nearest training image: samples, test images, noisy copies,
# shifted copies.

# %%
random = np.random.default_rng(0)
chosen = images[random.choice(len(images), QUERIES, replace=False)]
kinds = {
    "noisy copies": chosen + random.normal(0, 0.05, chosen.shape).astype("float32"),
    "samples": samples[:QUERIES],
    "test images": test_images[:QUERIES],
    "shifted copies": np.roll(chosen, shift=1, axis=2),
}
closest = {name: distances(queries, images).min(axis=1) for name, queries in kinds.items()}
for name, values in closest.items():
    print(f"{name:15} median {np.median(values):5.2f}, smallest {values.min():5.2f}")
copied = closest["samples"] <= closest["noisy copies"].max()
print(f"samples as near to a training image as a noisy copy: {copied.mean():.1%}")

# %%
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
for name, values in closest.items():
    axes.ecdf(values, label=name)
axes.set(xlabel="distance to the nearest training image", ylabel="share of images", xlim=(0, None))
axes.set(title="Near, or a copy? (share of images that lie nearer)")
axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% tags=["test"]
medians = {name: np.median(values) for name, values in closest.items()}
assert medians["noisy copies"] < 0.5 * min(medians[name] for name in ("samples", "test images", "shifted copies"))
assert copied.mean() < 0.01
if EPOCHS == 20 and not info.is_stand_in:
    assert medians["noisy copies"] < medians["samples"] < medians["test images"] < medians["shifted copies"]

# %% [markdown]
# The curve of the noisy copies is a step at the far left. The three others lie close together, far to the right of it.
# So your $G$ does not hand out training images, nor noisy copies of them. Two warnings:
#
# - The samples lie a little nearer to training images than test images do. That is not copying: plain, smooth strokes
#   are near to many images.
# - The shifted copies are *farther* away than test images. **This test does not detect them.** "Far in pixels" excludes
#   one kind of copying only. Compare in features, or after the best shift, to exclude more.
#
# ## 6. What did not work
#
# Ask the classifier what it reads in the samples, and how sure it is:

# %%
classifier = keras.models.load_model(gl.data.bundled("mnist_features.keras"), compile=False)
for name, kind in {"samples": samples, "real images": test_images[:SAMPLES]}.items():
    report = gl.metrics.class_report(classifier, kind)
    unsure = np.mean(classifier.predict(kind, verbose=0).max(axis=1) < 0.6)
    print(f"{name:12} sure to {report.confidence:.3f}, less than 60% sure of {unsure:.1%} of them")
    print(" " * 12, *(f"{digit}: {share:.0%} " for digit, share in enumerate(report.shares)))
distance, floor = history["averaged"][-1], mnist.floor["frechet_distance"]
print(f"Fréchet distance {distance:.2f}, {distance / floor:.0f} times that of real images ({floor:.3f})")

# %% tags=["test"]
if EPOCHS == 20 and not info.is_stand_in:
    read = gl.metrics.class_report(classifier, samples)
    assert 0.9 < read.confidence < report.confidence
    assert read.shares.min() > 0.04 and read.shares.max() > 1.5 * read.shares.min()
    assert 5 < distance / floor < 60

# %% [markdown]
# - **Some samples are no digits**: strokes that do not meet, parts of two digits, single wrong pixels. A dense layer
#   does not know which pixels are neighbours. The convolutions of lesson {{lesson:dcgan}} do.
# - **The digits are not equally frequent**, and the losses do not show it.
# - **The distance stays far above that of real images.** (The recipe trains for 34 epochs, this lesson for 20.)
# - This is one training, from one seed. The README's table scores this recipe for two seeds.

# %%
gl.checks.report("mlp_gan")

# %% [markdown]
# ## Optional: between two latents
#
# In lesson {{lesson:start_here}} the images half-way between two latents were greyer than usual, because half-way
# latents are shorter: about 7 in place of 10.
#
# ### Exercise 4 · Half-way, spread as latents are
#
# The numbers in two latents $a$ and $b$ are independent, each from $N(0, 1)$. For which weight $w > 0$ are the numbers
# in $w\,a + w\,b$ from $N(0, 1)$ again?

# %%
weight = ...
gl.checks.mlp_gan.half_way(weight)

# %% [markdown]
# Half-way between the ends the *spherical* way has just these weights, if $a$ and $b$ are at a right angle. In general,
# with the angle $\omega$ between them,
#
# $$z(t) = \frac{\sin((1-t)\,\omega)}{\sin\omega}\, a + \frac{\sin(t\,\omega)}{\sin\omega}\, b .$$
#
# `gl.plotting.latent_path` computes it.

# %%
a, b = (np.asarray(keras.random.normal((SAMPLES, 100), seed=seed)) for seed in (4, 5))
ways = {
    "straight": gl.plotting.latent_path(a, b, steps=11, spherical=False),
    "spherical": gl.plotting.latent_path(a, b, steps=11),
}
rows = {}
for name, way in ways.items():
    rows[name] = gan.averaged.predict(way[0], verbose=0)
    half = gan.averaged.predict(way[:, 5], verbose=0)
    grey, sure = np.mean(np.abs(half) < 0.7), gl.metrics.class_report(classifier, half).confidence
    length = np.linalg.norm(way[:, 5], axis=1).mean()
    print(f"{name:9} half-way: length {length:.1f}, grey pixels {grey:.1%}, the classifier is sure to {sure:.3f}")
gl.plotting.image_rows(rows, title="Two ways between two latents")

# %% tags=["test"]
halves = {name: np.linalg.norm(way[:, 5], axis=1).mean() for name, way in ways.items()}
assert abs(halves["straight"] - 50**0.5) < 0.3 and abs(halves["spherical"] - 10) < 0.3
if EPOCHS == 20 and not info.is_stand_in:
    made = {name: gan.averaged.predict(way[:, 5], verbose=0) for name, way in ways.items()}
    assert np.mean(np.abs(made["straight"]) < 0.7) > np.mean(np.abs(made["spherical"]) < 0.7)

# %% [markdown]
# The straight way's half-way images are a little greyer. To the eye the two ways differ little.
#
# ## Optional: the package's class
#
# `gl.GAN` is your class with more around it: checks of the images, other objectives, saving and resuming. Given the
# same weights and seed, both take the same steps.

# %%
package = gl.GAN(build_generator(), build_discriminator(), latent_dim=100, seed=7)
mine = MyGAN(build_generator(), build_discriminator(), recipe.average, seed=7)
players = "generator", "discriminator"
for player in players:
    getattr(mine, player).set_weights(getattr(package, player).get_weights())

for model in (package, mine):
    model.compile(**{f"{player}_optimizer": recipe.optimizer(recipe.learning_rate) for player in players})
    model.fit(images[:640], batch_size=64, shuffle=False, verbose=0)
pairs = zip(package.generator.get_weights(), mine.generator.get_weights())
apart = max(np.abs(one - other).max() for one, other in pairs)
print(f"after 10 steps the weights of the two G differ by at most {apart:.1e}")

# %% tags=["test"]
assert apart < 1e-4
for name in ("d_loss", "g_loss", "d_real", "d_fake"):  # means over the epoch, as the package's
    np.testing.assert_allclose(mine.history.history[name], package.history.history[name], rtol=1e-3)

once = MyGAN(build_generator(), build_discriminator(), 0.9)
once.compile(*(recipe.optimizer(recipe.learning_rate) for _ in range(2)))
start = once.generator.get_weights()
once.fit(images[:64], batch_size=64, verbose=0)
for old, new, slow in zip(start, once.generator.get_weights(), once.averaged.get_weights()):
    np.testing.assert_allclose(slow, 0.9 * old + 0.1 * new, atol=1e-6)

# %% [markdown]
# ## Recap
#
# - A step is two turns. In $D$'s turn the fakes are made before the tape starts, in $G$'s turn inside it.
# - Write the losses from logits, with softplus.
# - Losses of $2 \log 2$ and $\log 2$ say that $D$ cannot tell. The fakes may be perfect, or $D$ is blind.
# - A flat loss says nothing about progress. Measure the samples with something that is not a player.
# - Nearest neighbours in pixels show copying of one kind, and only beside test images and known copies.
#
# **References**
#
# - Goodfellow et al., *Generative Adversarial Nets*, 2014, [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Heusel et al., *GANs Trained by a Two Time-Scale Update Rule*, 2017,
#   [arXiv:1706.08500](https://arxiv.org/abs/1706.08500): the Fréchet distance of features.
# - Yazıcı et al., *The Unusual Effectiveness of Averaging in GAN Training*, 2018,
#   [arXiv:1806.04498](https://arxiv.org/abs/1806.04498).
# - White, *Sampling Generative Networks*, 2016, [arXiv:1609.04468](https://arxiv.org/abs/1609.04468): the spherical
#   way.
#
# Next: {{next}}
