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
# **What you will be able to do.** Write the training step of a GAN yourself, as a `keras.Model`; train it to
# digits that a classifier takes for digits; read its curves; say with numbers how good it is and whether it
# has copied its training images; stop a training and take it up again without losing a bit.
#
# **What you need.** Lesson {{lesson:minimax_game}}: the value $V(D, G)$, and why the generator descends
# $-\log D(G(z))$. Some Keras: `Dense`, `fit`, an optimizer.
#
# **How long it takes.** On two cores, without a GPU, about ten minutes of computing, five to eight of them the
# training. Reading and exercises: an hour.
#
# Previous: {{previous}}

# %%
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow is talkative when it starts

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers, ops

import gan_lessons as gl

FAST = os.environ.get("GAN_LESSONS_FAST") == "1"  # the tests run every lesson with few images and few steps
keras.utils.set_random_seed(1)

# %% [markdown]
# ## 1. The images
#
# MNIST: 60,000 handwritten digits for training and 10,000 for testing, 28×28 pixels, one channel. As
# everywhere in this course the values lie in $[-1, 1]$, since that is what the generator's last function,
# tanh, can reach. With images in $[0, 1]$ the sign of the background alone would tell D which ones are real.
#
# The cell prints which set it really uses. Without a network and without MNIST on this machine that is a
# stand-in, drawn by this course's authors; everything below works with it, and gives other numbers.

# %%
images, labels, info = gl.data.arrays("mnist", examples=2_000 if FAST else None)
test_images, test_labels, _ = gl.data.arrays("mnist", split="test", examples=500 if FAST else None)

print(f"{info.title}: {len(images)} images to train on, {len(test_images)} to test with")
print(f"shape {images.shape[1:]}, {images.dtype}, values from {images.min():g} to {images.max():g}")
assert images.min() >= -1 and images.max() <= 1

# %% [markdown]
# Look at some before you ask a network for more of them: thick and thin strokes, slanted and upright, now and
# then one that you have to read twice.

# %% tags=["real-images"]
gl.plotting.show_images(images[:20], columns=10, title=f"Real images: {info.title}")

# %% [markdown]
# ## 2. The two players
#
# Both are plain stacks of dense layers (*multi-layer perceptrons*, MLPs).
#
# - **G** widens: 100 random numbers → 256 → 512 → 1024 → 784 = 28·28 pixels. tanh brings them into $[-1, 1]$.
# - **D** narrows: 784 pixels → 512 → 256 → 1 number, and there is *nothing* after that number. It is a
#   **logit**: any real number, with $D(x) = \sigma(\text{logit}) = 1/(1 + e^{-\text{logit}})$. Logit 0 means
#   ½.
#
# In between stands LeakyReLU: $t$ for positive $t$, $0.2\,t$ for negative. All that G learns comes through D;
# a ReLU would be 0, with slope 0, for half of D's units, and nothing comes through those.


# %%
def build_generator(latent_dim=100):
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            layers.Dense(256), layers.LeakyReLU(0.2),
            layers.Dense(512), layers.LeakyReLU(0.2),
            layers.Dense(1024), layers.LeakyReLU(0.2),
            layers.Dense(28 * 28, activation="tanh"),
            layers.Reshape((28, 28, 1)),
        ],
        name="generator",
    )  # fmt: skip


def build_discriminator():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(512), layers.LeakyReLU(0.2),
            layers.Dense(256), layers.LeakyReLU(0.2),
            layers.Dense(1),  # a logit: no sigmoid
        ],
        name="discriminator",
    )  # fmt: skip


# %%
generator, discriminator = build_generator(), build_discriminator()
latents = keras.random.normal((16, 100), seed=0)
noise = generator(latents)

print(f"G: {generator.count_params():,} weights, {latents.shape} -> {noise.shape}")
print(f"D: {discriminator.count_params():,} weights, {noise.shape} -> {discriminator(noise).shape}")
print("D(x) of an untrained D:", np.round(ops.sigmoid(discriminator(images[:5]))[:, 0], 2))
assert discriminator(images[:5]).shape == (5, 1)

# %% [markdown]
# `gl.networks.mlp_generator` and `mlp_discriminator` build the same functions, with the sizes as arguments.
# Given the same weights they must give the same answers:

# %%
package_generator = gl.networks.mlp_generator((28, 28, 1), latent_dim=100)
package_discriminator = gl.networks.mlp_discriminator((28, 28, 1))
package_generator.set_weights(generator.get_weights())
package_discriminator.set_weights(discriminator.get_weights())

np.testing.assert_array_equal(package_generator(latents), generator(latents))
np.testing.assert_array_equal(package_discriminator(noise), discriminator(noise))
print("Same weights, same answers.")

# %% [markdown]
# ## 3. The two losses
#
# D wants $V(D, G) = \mathbb E_x[\log D(x)] + \mathbb E_z[\log(1 - D(G(z)))]$ large, so its loss is $-V$. G's
# loss is $-\mathbb E_z[\log D(G(z))]$. With logits $l$ both logarithms become one function,
# $\text{softplus}(t) = \log(1 + e^t)$:
#
# $$-\log \sigma(l) = \log(1 + e^{-l}) = \text{softplus}(-l), \qquad
# -\log(1 - \sigma(l)) = \log(1 + e^{l}) = \text{softplus}(l).$$
#
# So: *real images, softplus(−logit); fakes in D's loss, softplus(+logit); fakes in G's loss,
# softplus(−logit)*. Note that G's loss treats fakes as D's loss treats real images: G wants its images to be
# called real.


# %%
def discriminator_loss(real_logits, fake_logits):
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))  # −V(D, G)


def generator_loss(fake_logits):
    return ops.mean(ops.softplus(-fake_logits))  # −log D(G(z))


# %% [markdown]
# Two checks. First, Keras's own cross-entropy, with label 1 for real and 0 for fake, must agree. Second, *why
# logits?* In float32, $\sigma(20)$ is already exactly 1, so that $\log(1 - \sigma(20))$ is $-\infty$. The
# softplus of a logit of 20, or of 2,000, is an ordinary number.

# %%
real_logits, fake_logits = tf.constant([[2.0], [-0.5]]), tf.constant([[-1.0], [0.3]])
cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
ones, zeros = ops.ones((2, 1)), ops.zeros((2, 1))

ours = float(discriminator_loss(real_logits, fake_logits))
keras_says = float(cross_entropy(ones, real_logits) + cross_entropy(zeros, fake_logits))
print(f"D's loss: {ours:.6f} written out, {keras_says:.6f} by Keras's cross-entropy")
np.testing.assert_allclose(ours, keras_says, rtol=1e-5)
np.testing.assert_allclose(generator_loss(fake_logits), cross_entropy(ones, fake_logits), rtol=1e-5)

with np.errstate(divide="ignore"):
    naive = -np.log(np.float32(1) - np.float32(1) / (1 + np.exp(np.float32(-20))))
by_softplus = float(ops.softplus(20.0))
print(f"-log(1 - D(x)) at logit 20: {naive} by way of the probability, {by_softplus:.4f} by softplus")
assert np.isinf(naive) and np.isfinite(float(ops.softplus(2000.0)))

# %% [markdown]
# ### Two numbers to know by heart
#
# If D cannot tell, its logit is 0 for every image and it answers ½. Each softplus is then
# $\text{softplus}(0) = \log 2$:
#
# $$\text{D's loss} = \log 2 + \log 2 = 2\log 2 = 1.386, \qquad \text{G's loss} = \log 2 = 0.693.$$
#
# These are the losses at the equilibrium of lesson {{lesson:minimax_game}}, where $V = -\log 4 = -2 \log 2$.
# Keep in mind how you got them: they say that D *answers ½*. They do not say why.

# %%
undecided = ops.zeros((64, 1))
d_loss, g_loss = discriminator_loss(undecided, undecided), generator_loss(undecided)
print(f"D's loss {float(d_loss):.4f}, G's loss {float(g_loss):.4f}")
np.testing.assert_allclose(d_loss, 2 * np.log(2), rtol=1e-6)
np.testing.assert_allclose(g_loss, np.log(2), rtol=1e-6)

# %% [markdown]
# ## 4. One step of the game, by hand
#
# A step is two turns on one batch of real images. **D's turn:**
#
# 1. draw latents and make fakes of them;
# 2. under a `tf.GradientTape`, which notes down every operation, ask D about the real images and about the
#    fakes, and compute D's loss;
# 3. ask the tape for the gradient of that loss in D's weights; let D's optimizer take a step.
#
# The fakes are made *before* the tape starts. For D they are pictures like any others; how they came about is
# nothing that D could change. A tape that does not see G need not remember G's layers, and need not go back
# through them.

# %%
d_optimizer = keras.optimizers.Adam(2e-4, beta_1=0.5)
real_images = images[:64]

fake_images = generator(keras.random.normal((64, 100)), training=True)
with tf.GradientTape() as tape:
    real_logits = discriminator(real_images, training=True)
    fake_logits = discriminator(fake_images, training=True)
    d_loss = discriminator_loss(real_logits, fake_logits)
weights = discriminator.trainable_variables
d_optimizer.apply(tape.gradient(d_loss, weights), weights)

after = discriminator_loss(discriminator(real_images), discriminator(fake_images))
print(f"D's loss on this batch: {float(d_loss):.4f} before its step, {float(after):.4f} after it")
assert after < d_loss

# %% [markdown]
# **G's turn:** new latents, new fakes, and this time they are made *inside* the tape. The way from G's loss
# back to G's weights leads through D and then through the image:
#
# $$\frac{\partial\, \text{loss}}{\partial \theta_G} =
# \frac{\partial\, \text{loss}}{\partial\, \text{logit}} \cdot
# \underbrace{\frac{\partial\, \text{logit}}{\partial\, \text{image}}}_{\text{through } D} \cdot
# \underbrace{\frac{\partial\, \text{image}}{\partial \theta_G}}_{\text{through } G}.$$
#
# D is asked and does not move: the step is taken for G's weights alone. (Setting
# `discriminator.trainable = False`, as old code does, is not needed.)

# %%
g_optimizer = keras.optimizers.Adam(2e-4, beta_1=0.5)
d_before = discriminator.get_weights()

with tf.GradientTape() as tape:
    fake_images = generator(keras.random.normal((64, 100), seed=5), training=True)
    g_loss = generator_loss(discriminator(fake_images, training=True))
weights = generator.trainable_variables
g_optimizer.apply(tape.gradient(g_loss, weights), weights)

after = generator_loss(discriminator(generator(keras.random.normal((64, 100), seed=5))))
print(f"G's loss on these latents: {float(g_loss):.4f} before its step, {float(after):.4f} after it")
assert after < g_loss
assert all((old == new).all() for old, new in zip(d_before, discriminator.get_weights(), strict=True))

# %% [markdown]
# What if the fakes of G's turn are made outside the tape, or stopped on the way? Then there is no way back.
# The loss comes out as before, and every gradient is `None`. Keras's optimizers refuse that in words; many a
# hand-written loop just goes on, and G stays as it is for ever.

# %%
fake_images = generator(latents, training=True)  # too early: no tape is listening
with tf.GradientTape() as tape:
    g_loss = generator_loss(discriminator(fake_images, training=True))
gradients = tape.gradient(g_loss, generator.trainable_variables)
print(f"loss {float(g_loss):.4f}, gradients {gradients}")
assert all(gradient is None for gradient in gradients)

# %% [markdown]
# ## 5. The same as a `keras.Model`
#
# With a `train_step` of our own inside a `keras.Model`, `fit` does the rest: epochs, batches, progress,
# callbacks, compiling to a graph. First what surrounds the step. Three points:
#
# - **Two optimizers.** `compile` takes both. `optimizer=None` is for Keras, which would otherwise make a
#   third one that steps nothing, and which learning-rate schedules would then find and change to no effect.
# - **A source of latents** of the model's own, `SeedGenerator`: the same seed, the same latents in the same
#   order.
# - **Mean trackers.** What `train_step` returns is shown as it is; a plain number would be the last batch's,
#   and the curve all noise. A `Mean` adds up over the epoch, and Keras resets it when the next one starts.


# %%
class Players(keras.Model):
    """Two networks, their optimizers, and what is logged of them."""

    def __init__(self, generator, discriminator, latent_dim, seed=None):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.latent_dim = latent_dim
        self.latent_seed = keras.random.SeedGenerator(seed)
        self.d_mean = keras.metrics.Mean(name="d_loss")
        self.g_mean = keras.metrics.Mean(name="g_loss")

    def compile(self, generator_optimizer, discriminator_optimizer):
        super().compile(optimizer=None)
        self.g_optimizer, self.d_optimizer = generator_optimizer, discriminator_optimizer

    def draw_latents(self, count):
        return keras.random.normal((count, self.latent_dim), seed=self.latent_seed)


# %% [markdown]
# And the step in full. `training=True` tells a network that it is being trained. Our two do not care. Dropout
# and BatchNormalization do, and without it Dropout would be off, so write it whenever a player plays.


# %%
class WrittenOutGAN(Players):
    def train_step(self, real_images):
        count = ops.shape(real_images)[0]  # the last batch may be smaller

        # D's turn. The fakes are made outside the tape: nothing is to flow back into G.
        fake_images = self.generator(self.draw_latents(count), training=True)
        with tf.GradientTape() as tape:
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            d_loss = discriminator_loss(real_logits, fake_logits)
        weights = self.discriminator.trainable_variables
        self.d_optimizer.apply(tape.gradient(d_loss, weights), weights)

        # G's turn. The fakes are made inside the tape; D is asked, but only G's weights move.
        with tf.GradientTape() as tape:
            fake_images = self.generator(self.draw_latents(count), training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            g_loss = generator_loss(fake_logits)
        weights = self.generator.trainable_variables
        self.g_optimizer.apply(tape.gradient(g_loss, weights), weights)

        self.d_mean.update_state(d_loss)
        self.g_mean.update_state(g_loss)
        return {"d_loss": self.d_mean.result(), "g_loss": self.g_mean.result()}


# %% [markdown]
# ### ... which is what `gl.GAN` does
#
# If so, then equal networks, equal images in equal order and equal latents must lead to equal weights. The
# weights are equal since we copy them. The latents are equal since both draw them from a `SeedGenerator` with
# seed 7, in the same order: first D's, then G's. We train both for two epochs of five batches and look at the
# largest difference among two million weights.


# %%
def adam():
    return keras.optimizers.Adam(2e-4, beta_1=0.5)


def train_briefly(gan):
    gan.compile(generator_optimizer=adam(), discriminator_optimizer=adam())
    history = gan.fit(images[:320], batch_size=64, epochs=2, shuffle=False, verbose=0)
    return gan.generator.get_weights() + gan.discriminator.get_weights(), history.history


start = generator.get_weights(), discriminator.get_weights()
package_generator.set_weights(start[0])
package_discriminator.set_weights(start[1])

ours, our_history = train_briefly(WrittenOutGAN(generator, discriminator, latent_dim=100, seed=7))
package, history = train_briefly(gl.GAN(package_generator, package_discriminator, latent_dim=100, seed=7))

moved = max(np.abs(a - b).max() for a, b in zip(ours, start[0] + start[1], strict=True))
apart = max(np.abs(a - b).max() for a, b in zip(ours, package, strict=True))
print(f"In 10 steps weights have moved by up to {moved:.1e}; the two models differ by at most {apart:.1e}.")
assert moved > 1e-3 and apart < 1e-5
for loss in ("d_loss", "g_loss"):
    np.testing.assert_allclose(our_history[loss], history[loss], rtol=1e-5)

# %% [markdown]
# So from here on we can use `gl.GAN`. What it has beyond the class above is what one needs around the step:
# saving the whole, checks of the images, `evaluate`, `generate`, other objectives.
#
# ## 6. A judge
#
# Before training, decide how to tell whether it has worked. The losses will not say, as you will see, and
# one's own eyes are kind. So we train a small convolutional classifier on the real digits (a minute or two). Of
# a set of samples it tells
#
# - the **mean confidence**, the largest class probability averaged: near 1 if each sample clearly is *some*
#   digit;
# - the **share of each digit**: near 10 % each if G makes all of them.
#
# Read them together. One perfect 1, repeated, has confidence 1; noise may be spread over all digits.

# %%
judge = gl.metrics.train_classifier(images, labels, epochs=1 if FAST else 5)
accuracy = float(np.mean(judge.predict(test_images, verbose=0).argmax(1) == test_labels))
real_report = gl.metrics.class_report(judge, test_images)

print(f"The judge gets {accuracy:.1%} of the test images of {info.title} right.")
print(f"Real images: {real_report}")
print(f"Noise:       {gl.metrics.class_report(judge, np.asarray(noise))}")
if not FAST and not info.is_stand_in:
    assert accuracy > 0.985

# %% [markdown]
# The confidence on real test images is the mark to aim at: nobody's digits, real ones included, get 1.
#
# ## 7. The training
#
# All settings in one place. Beyond the paper's game there are four habits of today:
#
# - **Adam with β₁ = 0.5.** β₁ says how long Adam's momentum lasts. The opponent moves, so that old gradients
#   mislead; momentum is kept short.
# - **An average of G's weights**, $\bar\theta \leftarrow 0.9995\,\bar\theta + 0.0005\,\theta$ after each step.
#   The players circle each other, as the Dirac-GAN of lesson {{lesson:minimax_game}} does; an average over
#   the last two thousand steps lies nearer to the middle. D never sees it. It is Keras's own `use_ema=True`;
#   `gan.generate` uses the average, `gan.generator` holds the last weights.
# - **Large steps.** A learning rate of 8e-4 is four times DCGAN's, with its batch of 128. The last
#   weights jump about more for it; but they are not what we use, and the average moves on faster.
# - **Compiled.** `jit_compile=True` lets XLA, TensorFlow's compiler, fuse the small operations of a step, and
#   `steps_per_execution=8` goes through Python once for eight steps. Neither changes the game. With dense
#   layers this saves a quarter of the time on a CPU; lesson {{lesson:faster}} measures it on your machine.

# %%
BATCH_SIZE = 128
EPOCHS = 2 if FAST else 34
LEARNING_RATE, BETA_1 = 8e-4, 0.5
AVERAGE = 0.9995  # how much of the average is kept at each step

keras.utils.set_random_seed(2)
train = gl.data.load("mnist", batch_size=BATCH_SIZE, examples=len(images), seed=0, drop_remainder=True)

gan = gl.GAN(
    generator=gl.networks.mlp_generator((28, 28, 1), latent_dim=100),
    discriminator=gl.networks.mlp_discriminator((28, 28, 1)),
    latent_dim=100,
    objective="non_saturating",
)
gan.compile(
    generator_optimizer=keras.optimizers.Adam(
        LEARNING_RATE, beta_1=BETA_1, use_ema=True, ema_momentum=AVERAGE
    ),
    discriminator_optimizer=keras.optimizers.Adam(LEARNING_RATE, beta_1=BETA_1),
    jit_compile=True,
    steps_per_execution=8,
)
print(f"{EPOCHS} epochs of {len(train)} steps: {EPOCHS * len(train)} steps of each player")

# %% [markdown]
# We want to see more than the end, so here is a callback: a few times during training it keeps the images that
# G's last weights make of ten fixed latents, and the judge's confidence on 2,000 samples, once from the last
# weights and once from their average.


# %%
class Logbook(keras.callbacks.Callback):
    def __init__(self, epochs, judge, latents):
        super().__init__()
        self.epochs, self.judge, self.latents = epochs, judge, latents
        self.pictures, self.last, self.averaged = {}, {}, {}

    def on_epoch_end(self, epoch, logs=None):
        epoch += 1  # Keras counts from 0
        if epoch in self.epochs:
            averaged = self.model.generate(latents=self.latents)
            last = self.model.generator.predict(self.latents, batch_size=256, verbose=0)
            self.pictures[epoch] = last[:10]
            self.averaged[epoch] = gl.metrics.class_report(self.judge, averaged).confidence
            self.last[epoch] = gl.metrics.class_report(self.judge, last).confidence
            print(
                f"epoch {epoch:2}: d_loss {logs['d_loss']:.3f}, g_loss {logs['g_loss']:.3f}, "
                f"confidence {self.averaged[epoch]:.3f} (last weights: {self.last[epoch]:.3f})"
            )


fixed_latents = gan.sample_latents(200 if FAST else 2000, seed=3)
logbook = Logbook({1, 2, 3, *range(5, EPOCHS, 5), EPOCHS}, judge, fixed_latents)

# %% [markdown]
# One more thing before the start. Here is a GAN whose D is blind: its last layer has only zeros, so that its
# logit is 0 whatever it is shown. G is untrained.

# %%
blind = gl.GAN(build_generator(), build_discriminator(), latent_dim=100)
blind.discriminator.layers[-1].kernel.assign(np.zeros((256, 1)))
blind.compile(generator_optimizer=adam(), discriminator_optimizer=adam())

losses = blind.evaluate(images[:1000], batch_size=200, verbose=0, return_dict=True)
print({name: round(value, 3) for name, value in losses.items()})
np.testing.assert_allclose(losses["d_loss"], 2 * np.log(2), rtol=1e-5)
gl.plotting.show_images(blind.generate(8, seed=0), columns=8, title="At equilibrium, by the losses")

# %% [markdown]
# By its losses this GAN has reached the equilibrium, to the last digit, and G makes noise. **D(x) ≈ ½ can
# mean that the fakes are perfect, or that D is blind.** Remember this picture when you see the curves.
#
# Now the training. It takes five to ten minutes; the grid shows the same 25 latents every few epochs.
#
# **It can be interrupted.** `BackupAndRestore` writes the whole game into a folder after each epoch. Press ■,
# then read on with what there is, or run the cell again, today or tomorrow: it goes on after the last whole
# epoch. The backup is removed at the end.

# %%
folder = Path("../build/mlp_gan") / (train.info.name + ("-fast" if FAST else ""))
folder.mkdir(parents=True, exist_ok=True)
try:
    gan.fit(
        train,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[
            keras.callbacks.BackupAndRestore(folder / "backup"),
            gl.callbacks.SampleGrid(every=5, count=25, seed=0, title=f"MLP GAN on {info.title}"),
            logbook,
        ],
    )
    gan.save(folder / "gan.keras")
except KeyboardInterrupt:
    print("Stopped. Run this cell again to go on after the last whole epoch, or read on with what there is.")
history = gan.history

# %% [markdown]
# ## 8. Reading the curves

# %%
gl.plotting.loss_curves(history, title=f"MLP GAN on {info.title}: losses, means over an epoch")

# %%
gl.plotting.discriminator_curves(history, title=f"MLP GAN on {info.title}: what D answers")

# %% [markdown]
# **What to look for.** In the first epochs D learns faster than G: its loss dips, its answers on real and
# generated images part. Then G catches up. The dotted lines are those of a D that cannot tell, $2\log 2$ and
# $\log 2$: D's loss comes near its own, G's stays about a third above. From then on *both are nearly flat*. D's
# answers stand above and below ½ by a small margin.
#
# For a classifier a flat loss would mean that nothing is being learnt. Here it means that both players learn
# equally fast: D's loss is measured on G's *newest* fakes, G's against the *newest* D. The next cell puts the
# loss beside something with a fixed scale.

# %%
epochs = sorted(logbook.averaged)
figure, axes = plt.subplots(figsize=(7, 3.8), layout="constrained")
axes.plot(np.array(history.epoch) + 1, history.history["d_loss"], color="tab:green", label="D's loss")
axes.axhline(2 * np.log(2), color="tab:green", linestyle=":", label="2 log 2")
axes.set(xlabel="epoch", ylabel="D's loss", title=f"{info.title}: a flat loss, better samples")
scores = axes.twinx()
confidences = [logbook.averaged[epoch] for epoch in epochs]
scores.plot(epochs, confidences, "o-", color="tab:orange", label="the judge's confidence")
scores.axhline(real_report.confidence, color="tab:orange", linestyle=":", label="... in real images")
scores.set(ylabel="mean confidence", ylim=(0, 1.02))
axes.legend(handles=[*axes.lines, *scores.lines], loc="lower right", frameon=False)
plt.show()

if not FAST and not info.is_stand_in and len(history.epoch) == EPOCHS:
    early, late = history.history["d_loss"][9], history.history["d_loss"][-1]
    print(f"epoch 10 to epoch {EPOCHS}: D's loss {early:.3f} to {late:.3f}, ", end="")
    print(f"confidence {logbook.averaged[10]:.3f} to {logbook.averaged[EPOCHS]:.3f}")
    assert abs(late - early) < 0.25 and logbook.averaged[EPOCHS] > logbook.averaged[10]

# %% [markdown]
# **What the curves are good for.** They show whether the game is still on. It is over if D's answers go to 1
# and 0 and stay there: D has won. G still gets a gradient, since its loss does not saturate; but all its images
# look equally false to D, and the gradient says little about what would be better. It is over, too, if both
# answers are ½ and the samples are noise: D is blind. They do not show how good the samples are; compare the
# blind D above. For that, look at samples.
#
# ### The same ten latents, epoch by epoch

# %%
gl.plotting.image_rows(
    {f"epoch {epoch}": pictures for epoch, pictures in logbook.pictures.items()},
    title=f"MLP GAN on {info.title}: ten latents while G learns, its last weights",
)

# %% [markdown]
# **What to look for.** First the blob in the middle: where there is ink at all. Then strokes, then digits.
# Follow one column: the outline gets cleaner, but what it shows may turn from one digit into another up to the
# end. The players never come to rest; what settles is the quality, not the picture.
#
# ## 9. How good is it?

# %%
count = 500 if FAST else 10_000
samples = gan.generate(count, seed=0)
report = gl.metrics.class_report(judge, samples)

print(f"MLP GAN on {info.title}: {report}")
print(f"the rarest digit: {report.shares.min():.1%}; confidence on real images: {real_report.confidence:.3f}")
trained_to_the_end = not FAST and history.epoch[-1] + 1 == EPOCHS
if trained_to_the_end and not train.info.is_stand_in:
    assert report.confidence >= 0.95
    assert report.shares.min() >= 0.05

# %% [markdown]
# A hundred of them, the first hundred, none picked. Look for pictures that are no digit: two strokes that do
# not meet, a bit of one digit joined to a bit of another, specks. (Single wrong pixels are typical of an MLP:
# no layer of it knows that pixels have neighbours. The next lessons' convolutions do.)

# %%
gl.plotting.show_images(samples[:100], columns=20, title=f"MLP GAN on {info.title}: the first 100 samples")

# %% [markdown]
# The judge's confidence has blind spots of its own. It cannot see *variety within* a digit: a G with one
# perfect image of each digit would get 1. For that, see the neighbours below, and the lessons on scores.
#
# ### What the average does
#
# The same training, judged twice: `gan.generator` holds the weights after the last step, `gan.generate` uses
# their average.

# %%
last_weights = gan.generator.predict(gan.sample_latents(count, seed=0), batch_size=256, verbose=0)
last_report = gl.metrics.class_report(judge, last_weights)
print(f"last weights: {last_report}")
print(f"averaged:     {report}")

figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.plot(epochs, confidences, "o-", color="tab:orange", label="averaged weights")
axes.plot(epochs, [logbook.last[epoch] for epoch in epochs], "s--", color="tab:blue", label="last weights")
axes.set(xlabel="epoch", ylabel="mean confidence", title=f"{info.title}: with and without the average")
axes.set_ylim(bottom=max(0, confidences[-1] - 0.15))
axes.legend(frameon=False)
plt.show()

later = [epoch for epoch in epochs if epoch >= 20]
if later and not info.is_stand_in:
    gains = [logbook.averaged[epoch] - logbook.last[epoch] for epoch in later]
    print(f"from epoch {later[0]} on the average gains {np.mean(gains):+.3f} in confidence")
    assert min(gains) > 0

# %% [markdown]
# **What to look for.** In the first epochs the average still remembers the untrained G, and lies below the
# picture. Once it has forgotten that, it is better than the last weights all the time: those jump about for as
# long as the training goes on. There is another way to quiet: let the learning rate fall to 0,
# `keras.optimizers.schedules.CosineDecay(LEARNING_RATE, EPOCHS * len(train))`. The last weights then settle
# and the two curves meet. But where steps get small G stops learning as well: try it, and compare the end.
#
# ## 10. Between two latents
#
# In lesson {{lesson:start_here}} we walked from one latent to another on a straight line. Is that a good way?
# Look at the *lengths* of latents. For $z \sim N(0, I)$ in $d$ dimensions, $\|z\|^2$ is a sum of $d$ squares,
# each with mean 1: $\|z\| \approx \sqrt d$, with a spread of only about 0.7. For $d = 100$ every latent lies
# near a sphere of radius 10.
#
# Two of them are nearly at right angles, so that half-way on the straight line the length is only
# $\sqrt{d/2} \approx 7.1$. From there G has never been asked for an image. The **spherical** way turns at a
# steady pace about the origin instead, with $\omega$ the angle between the two:
#
# $$z(t) = \frac{\sin((1-t)\,\omega)}{\sin\omega}\, z_0 + \frac{\sin(t\,\omega)}{\sin\omega}\, z_1 .$$

# %%
lengths = np.linalg.norm(gan.sample_latents(10_000, seed=1), axis=1)
start, end = gan.sample_latents(1000, seed=4), gan.sample_latents(1000, seed=5)
straight = gl.plotting.latent_path(start, end, steps=11, spherical=False)  # (1000, 11, 100)
curved = gl.plotting.latent_path(start, end, steps=11)

figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.axhspan(*np.quantile(lengths, [0.005, 0.995]), color="0.9", label="99 % of all latents")
t = np.linspace(0, 1, 11)
axes.plot(t, np.linalg.norm(curved, axis=2).mean(0), "o-", label="spherical")
axes.plot(t, np.linalg.norm(straight, axis=2).mean(0), "s-", label="straight")
axes.set(xlabel="t", ylabel="length ‖z(t)‖", title="Length on the way, mean of 1,000 pairs", ylim=(6, 13))
axes.legend(frameon=False)
plt.show()

half_way = np.linalg.norm(straight[:, 5], axis=1)
print(f"length of a latent: {lengths.mean():.2f} ± {lengths.std():.2f}; half-way: {half_way.mean():.2f}")
print(f"of 10,000 latents, shorter than that: {np.sum(lengths < half_way.mean())}")
assert abs(lengths.mean() - 10) < 0.1 and abs(half_way.mean() - np.sqrt(50)) < 0.1
assert np.sum(lengths < half_way.mean()) <= 1

# %%
gl.plotting.interpolation(gan, rows=4, steps=11, seed=8, title=f"MLP GAN on {info.title}: the spherical way")

# %%
gl.plotting.interpolation(
    gan, rows=4, steps=11, seed=8, spherical=False, title=f"MLP GAN on {info.title}: the straight way"
)

# %% [markdown]
# **What to look for.** Same ends, other ways. Strokes bend, open and close; there is no fading of one picture
# into another. Then compare the middle columns: those of the straight way are often greyer, since a shorter
# latent drives the tanh at the end less far. Does it matter? Ask the judge, and count grey pixels:

# %%
places = {"the ends": start, "spherical, half-way": curved[:, 5], "straight, half-way": straight[:, 5]}
for name, z in places.items():
    made = gan.generate(latents=z)
    confidence = gl.metrics.class_report(judge, made).confidence
    grey, spread = np.mean(np.abs(made) < 0.7), made.std(axis=0).mean()
    print(f"{name:20} confidence {confidence:.3f}, grey pixels {grey:.1%}, spread of a pixel {spread:.3f}")

# %% [markdown]
# Read that table before you believe a rule of thumb, this one too. The spherical way's half-way points are
# distributed as the ends are ($z_0$ and $z_1$ nearly at a right angle, with weights near $\sin 45°$: the
# variances ½ and ½ add up to 1), so whatever differs in that row is chance. The straight way's are latents
# shrunk by $\sqrt ½$, nearer to the origin: look for more grey, and for images that differ less from one
# another, in the last two columns. To a judge of digits that may make little difference, or none.
#
# ## 11. Has it memorised?
#
# A generator that hands out its training images would get the best of scores. So find for each sample the
# nearest training image, by the distance of the pixels, $\|a - b\|$. With
# $\|a-b\|^2 = \|a\|^2 + \|b\|^2 - 2\,a \cdot b$ the work is one matrix product.


# %%
def nearest(queries, others, block=500):
    """For each query the index of the nearest of the others, and the Euclidean distance to it."""
    queries, others = queries.reshape(len(queries), -1), others.reshape(len(others), -1)
    lengths = np.sum(others**2, axis=1)
    index, distance = [], []
    for begin in range(0, len(queries), block):  # a block at a time, so that it fits into memory
        part = queries[begin : begin + block]
        squares = np.sum(part**2, axis=1)[:, None] + lengths - 2 * part @ others.T
        index.append(squares.argmin(1))
        distance.append(np.sqrt(np.maximum(squares.min(1), 0)))
    return np.concatenate(index), np.concatenate(distance)


index, _ = nearest(samples[:10], images)

# %% tags=["real-images"]
gl.plotting.nearest_neighbours(
    samples[:10], images[index], title=f"MLP GAN on {info.title}: samples and the nearest training images"
)

# %% [markdown]
# **What to look for.** Is the lower picture *the same* as the upper, or another digit of the same kind?
#
# Eyes are one thing. A distance alone says nothing: how near is near? We need to know how near an image comes
# that certainly was *not* copied. The test images are such: digits of the same kind that G and D never saw.
# And, for the other end of the scale, two kinds of cheating: training images with a little noise, and
# training images shifted by one pixel.

# %%
queries = 200 if FAST else 1000
picked = np.random.default_rng(0).choice(len(images), queries, replace=False)
noisy = images[picked] + np.random.default_rng(1).normal(0, 0.05, images[picked].shape).astype("float32")
shifted = np.roll(images[picked], shift=1, axis=2)

distances = {
    "copies with noise": nearest(noisy, images)[1],
    "copies shifted by a pixel": nearest(shifted, images)[1],
    "our samples": nearest(samples[:queries], images)[1],
    "test images": nearest(test_images[:queries], images)[1],
}
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, values in distances.items():
    axes.ecdf(values, label=name)
    print(f"{name:26} median {np.median(values):5.2f}, smallest {values.min():5.2f}")
axes.set(xlabel="distance to the nearest training image", ylabel="share of images that are nearer")
axes.set(title=f"{info.title}: near, or a copy?")
axes.legend(frameon=False)
plt.show()

# %%
copies = np.quantile(distances["copies with noise"], 0.99)
closer = np.mean(distances["our samples"] <= copies)
ratio = np.median(distances["our samples"]) / np.median(distances["test images"])
print(f"samples as near to a training image as a noisy copy: {closer:.1%}")
print(f"median distance, samples over test images: {ratio:.2f}")
assert closer < 0.01, "a part of the samples are copies"

# %% [markdown]
# **What this shows, and what not.** No sample is a pixel-by-pixel copy of a training image, not even a noisy
# one. But:
#
# - The samples may come nearer to training images than test images do. That is not copying yet: G's strokes
#   are plain and smooth, and a plain image is near to many. (Test images are also by other writers.)
# - A *shifted* copy is as far from its original as a test image is from its neighbour: see the curves.
#   Distance of pixels would not have caught that cheat. "Not near in pixels" is evidence against one kind of
#   copying only.
# - To look for others, change the distance: compare after the best shift, or compare what the judge's inner
#   layers make of the images.

# %% [markdown]
# ## 12. Saving, and taking up again
#
# `history` is what `fit` returns: a dictionary with one mean an epoch for each name. `d_real` and `d_fake`
# are D's mean answers.

# %%
print({name: len(values) for name, values in history.history.items()})
print({name: round(values[-1], 3) for name, values in history.history.items()})

# %% [markdown]
# `gan.save` writes *everything* into one file: both networks, both optimizers with their momentum and the
# average, the state of the random numbers, and how it was compiled. So training can go on as if it had never
# stopped. That is a strong claim; here is the test. A small GAN, with Dropout in D so that there is more
# randomness to get wrong, is trained for 4 epochs, and for 2, saved, loaded, and 2 more.
#
# (The images come in a fixed order here. The order belongs to the data, not to the model: a shuffled `train`
# would start its shuffles anew.)


# %%
def small_gan():
    keras.utils.set_random_seed(5)
    gan = gl.GAN(
        generator=gl.networks.mlp_generator((28, 28, 1), latent_dim=16, units=(64,)),
        discriminator=gl.networks.mlp_discriminator((28, 28, 1), units=(64,), dropout=0.3),
        latent_dim=16,
    )
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5, use_ema=True, ema_momentum=0.99),
        discriminator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
        jit_compile=False,  # for so few steps compiling would take longer than training
    )
    return gan


in_order = {"x": images[:512], "batch_size": 64, "shuffle": False, "verbose": 0}

uninterrupted = small_gan()
uninterrupted.fit(**in_order, epochs=4)

with tempfile.TemporaryDirectory() as scratch:
    first_half = small_gan()
    first_half.fit(**in_order, epochs=2)
    first_half.save(Path(scratch) / "half.keras")
    resumed = keras.models.load_model(Path(scratch) / "half.keras")  # compiled, optimizers and all

rest = resumed.fit(**in_order, initial_epoch=2, epochs=4)


# %%
def assert_equal_bit_for_bit(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.generate(8, seed=0), other.generate(8, seed=0))  # the average, too


assert_equal_bit_for_bit(uninterrupted, resumed)
print(f"{resumed.count_params():,} weights: 2 + 2 epochs are 4 epochs, bit for bit.")

# %% [markdown]
# And if nobody had the time to save, because the power failed in the third epoch? `BackupAndRestore` does it
# after every epoch. Here an exception plays the power cut. The second attempt is a *new* model, as it would
# be in a new process; it finds the backup and does only the epochs that are missing. Its history has all four.


# %%
class PowerCut(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


with tempfile.TemporaryDirectory() as scratch:
    backup = Path(scratch) / "backup"
    callbacks = [keras.callbacks.BackupAndRestore(backup), PowerCut()]
    try:
        small_gan().fit(**in_order, epochs=4, callbacks=callbacks)
    except KeyboardInterrupt:
        print("interrupted after two epochs")

    second_attempt, trained = small_gan(), []
    count = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: trained.append(epoch))
    callbacks = [keras.callbacks.BackupAndRestore(backup), count]
    second_history = second_attempt.fit(**in_order, epochs=4, callbacks=callbacks)

print("epochs of the second attempt, counted from 0:", trained)
assert trained == [2, 3] and second_history.epoch == [0, 1, 2, 3]
assert_equal_bit_for_bit(uninterrupted, second_attempt)

# %% [markdown]
# ## 13. Exercises
#
# Replace the three dots by your answer, run the cell, and read what it says. Wrong answers get a hint about
# why.
#
# **1.** D answers ½ to every image, real or fake. What is its loss?

# %%
loss = ...
gl.checks.mlp_gan.answers_half(loss)

# %% [markdown]
# **2.** D's logits on two real images are $2$ and $0$, on two fakes $-2$ and $1$. What is its loss? (By hand
# or in NumPy.)

# %%
loss = ...
gl.checks.mlp_gan.loss_of_logits(loss)


# %% [markdown]
# **3.** *One-sided label smoothing*: D is to answer 0.9 to real images, not 1, so that it never becomes too
# sure of itself; for fakes the target stays 0. Write its loss. (The cross-entropy of an answer $D$ against a
# target $y$ is $-y \log D - (1 - y) \log(1 - D)$.)


# %%
def smoothed_discriminator_loss(real_logits, fake_logits):
    return ...


gl.checks.mlp_gan.smoothed_loss(smoothed_discriminator_loss)


# %% [markdown]
# **4.** Write G's turn from memory: one step of `optimizer` for G, against D, on fakes of these latents, in
# the non-saturating game. Return G's loss.


# %%
def generator_step(generator, discriminator, optimizer, latents):
    return ...


gl.checks.mlp_gan.generator_step(generator_step)


# %% [markdown]
# **5.** Write the spherical way for two latents of shape `(latent_dim,)`, in NumPy.


# %%
def spherical(start, end, t):
    return ...


gl.checks.mlp_gan.spherical(spherical)

# %% [markdown]
# **6.** Three small GANs, 200 steps each. In each of them one thing is wrong:
#
# - `"frozen"`: no gradient reaches G, so that it stays as it was at the start;
# - `"sigmoid"`: D ends in a sigmoid, and the loss, which expects logits, applies another to what it is given;
# - `"swapped"`: in D's loss, real images have label 0 and fakes label 1;
#
# or nothing is (`"healthy"`). Read *both* plots of a column before you decide.

# %%
sick = gl.checks.mlp_gan.sick_runs(images[:2000])
colours = gl.plotting.COLOURS

figure, rows = plt.subplots(2, 3, figsize=(9, 4.6), sharex=True, sharey="row", layout="constrained")
for (name, curves), (losses, answers) in zip(sick.items(), rows.T, strict=True):
    steps = 10 * np.arange(1, len(curves["d_loss"]) + 1)
    losses.plot(steps, curves["d_loss"], colours["discriminator"], label="D's loss")
    losses.plot(steps, curves["g_loss"], colours["generator"], label="G's loss")
    losses.set(title=name, ylim=(0, 5))
    answers.plot(steps, curves["d_real"], colours["real"], label="D's answer, real images")
    answers.plot(steps, curves["d_fake"], colours["generated"], label="D's answer, generated")
    answers.set(xlabel="step", ylim=(-0.05, 1.05))
rows[0, 2].legend(frameon=False)
rows[1, 2].legend(frameon=False)
plt.show()

# %%
diagnosis = {"A": ..., "B": ..., "C": ...}
gl.checks.mlp_gan.diagnosis(diagnosis)

# %%
gl.checks.report("mlp_gan")

# %% [markdown]
# ## Recap
#
# - A step of the game is two turns. D's: fakes made outside the tape, both kinds of images, D's weights. G's:
#   new fakes made inside the tape, asked of D, G's weights.
# - Losses are written in logits, with softplus. D at ½ everywhere has the loss $2 \log 2$, G then $\log 2$,
#   and that can mean success or blindness.
# - Curves tell whether the game is on; a judge and your eyes tell how good the samples are.
# - An average of G's weights costs hardly anything, and lets the players take large steps.
# - Latents live near a sphere. Nearest neighbours show copying of one kind; they need a comparison to mean
#   anything.
# - One file holds the whole game, and training goes on from it bit for bit.
#
# **References**
#
# - Goodfellow et al., *Generative Adversarial Nets*, 2014,
#   [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Salimans et al., *Improved Techniques for Training GANs*, 2016,
#   [arXiv:1606.03498](https://arxiv.org/abs/1606.03498): one-sided label smoothing, scores by a classifier.
# - White, *Sampling Generative Networks*, 2016, [arXiv:1609.04468](https://arxiv.org/abs/1609.04468): the
#   spherical way.
# - Yazıcı et al., *The Unusual Effectiveness of Averaging in GAN Training*, 2018,
#   [arXiv:1806.04498](https://arxiv.org/abs/1806.04498).
#
# Next: {{next}}
