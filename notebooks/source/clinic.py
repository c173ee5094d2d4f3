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
# # {{number}} The clinic
#
# When a GAN fails, look for a wrong line before you look for a better loss. Such a line raises no error, and the
# curves look as curves do. Here is a ward of eighteen GANs. Each of them has **one** defect, and each of these
# defects stands in code that people have published and others have copied.
#
# **What you will be able to do.** Examine a GAN that you did not write: find out in one training step which
# player moves, whether D learns what it should, whether samples differ, how steep a critic is; name the
# illness; mend the line; and show by numbers that it was that line.
#
# **What you need.** Lesson {{lesson:mlp_gan}} for the training step and lesson {{lesson:wgan}} for the critic
# and its penalty.
#
# **How long it takes.** On two cores, without a GPU, five to ten minutes of computing. Reading and exercises: two
# to three hours. The three rounds can be walked on three days.
#
# Previous: {{previous}}

# %%
import os
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow is talkative when it starts

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers, ops

import gan_lessons as gl

FAST = os.environ.get("GAN_LESSONS_FAST") == "1"  # the tests run every lesson with little data and few steps

images, _, info = gl.data.arrays("mnist", examples=400 if FAST else 10_000)
pixels = np.round((images + 1) * 127.5).astype("uint8")  # as they stand in an image file: 0 to 255
print(f"{info.title}: {len(pixels)} images {pixels.shape[1:]}, {pixels.dtype} from {pixels.min()} to {pixels.max()}")

# %% tags=["real-images"]
gl.plotting.show_images(images[:20], columns=10, title=f"Real images: {info.title}")

# %% [markdown]
# ## 1. A healthy GAN, on one screen
#
# A doctor has to know what healthy looks like. Here is a small GAN, as one writes it by hand. Read it once from
# top to bottom: every patient is this class with **one method** replaced, and in that method one thing is wrong.
#
# | method | what it is for |
# | --- | --- |
# | `batches` | from the bytes of image files to what `fit` is given |
# | `players` | the two networks |
# | `set_up` | compiling, the two optimizers |
# | `latents`, `fakes`, `logits` | $z$; $G(z)$; D's answers |
# | `d_loss`, `g_loss`, `penalty` | what each player descends; a penalty on D there is none yet |
# | `discriminator_turn`, `generator_turn` | one step of each player |
# | `train_step`, `log` | both turns on one batch; means over the epoch of what they report |

# %%
# For 1,500 steps XLA would take longer to compile than it saves, and for four steps TensorFlow's graph, too.
COMPILE = {"run_eagerly": True} if FAST else {"jit_compile": False}


def dense(width, activation="leaky_relu"):
    return layers.Dense(width, activation)


class SmallGAN(keras.Model):
    """A GAN written by hand. Those who are ill replace one of its methods."""

    latent_dim = 32
    batch_size = 64

    def __init__(self, seed=0):
        super().__init__()
        keras.utils.set_random_seed(seed)
        self.random = keras.random.SeedGenerator(seed)
        self.generator, self.discriminator = self.players()
        names = ("d_loss", "g_loss", "real_logit", "fake_logit")
        self.means = {name: keras.metrics.Mean(name=name) for name in names}
        self.set_up()

    def batches(self, pixels):
        images = pixels.astype("float32") / 127.5 - 1
        data = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images))
        return data.batch(self.batch_size, drop_remainder=True)

    def players(self):
        pixels_of = [layers.Dense(784, "tanh"), layers.Reshape((28, 28, 1))]
        generator = keras.Sequential([keras.Input((self.latent_dim,)), dense(128), dense(256), *pixels_of])
        judge_of = [layers.Flatten(), dense(256), dense(128), layers.Dense(1)]
        return generator, keras.Sequential([keras.Input((28, 28, 1)), *judge_of])

    def set_up(self):
        self.compile(optimizer=None, **COMPILE)  # None: the players have optimizers of their own
        self.d_optimizer = keras.optimizers.Adam(5e-4, beta_1=0.5)
        self.g_optimizer = keras.optimizers.Adam(5e-4, beta_1=0.5)

    def latents(self, count):
        return keras.random.normal((count, self.latent_dim), seed=self.random)

    def fakes(self, count):
        return self.generator(self.latents(count), training=True)

    def logits(self, images):
        return self.discriminator(images, training=True)

    def d_loss(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))

    def g_loss(self, fake_logits):
        return ops.mean(ops.softplus(-fake_logits))

    def penalty(self, real_images, fake_images):
        return 0.0

    def discriminator_turn(self, real_images):
        fake_images = self.fakes(ops.shape(real_images)[0])
        with tf.GradientTape() as tape:
            real_logits, fake_logits = self.logits(real_images), self.logits(fake_images)
            loss = self.d_loss(real_logits, fake_logits) + self.penalty(real_images, fake_images)
        weights = self.discriminator.trainable_variables
        self.d_optimizer.apply(tape.gradient(loss, weights), weights)
        return {"d_loss": loss, "real_logit": ops.mean(real_logits), "fake_logit": ops.mean(fake_logits)}

    def generator_turn(self, count):
        with tf.GradientTape() as tape:
            loss = self.g_loss(self.logits(self.fakes(count)))
        weights = self.generator.trainable_variables
        self.g_optimizer.apply(tape.gradient(loss, weights), weights)
        return {"g_loss": loss}

    def train_step(self, real_images):
        return self.log(self.discriminator_turn(real_images) | self.generator_turn(self.batch_size))

    def log(self, values):
        for name, value in values.items():
            self.means[name].update_state(value)
        return {name: mean.result() for name, mean in self.means.items()}


# %% [markdown]
# Does it do what `gl.GAN` does? From equal weights, with the same images and the same latents, it must arrive at
# equal weights.

# %%
small = SmallGAN()
copies = [keras.models.clone_model(player) for player in (small.generator, small.discriminator)]
for copy, player in zip(copies, (small.generator, small.discriminator)):
    copy.set_weights(player.get_weights())
package = gl.GAN(*copies, latent_dim=32, seed=0)
package.compile(
    generator_optimizer=keras.optimizers.Adam(5e-4, beta_1=0.5),
    discriminator_optimizer=keras.optimizers.Adam(5e-4, beta_1=0.5),
    **COMPILE,
)
for gan in (small, package):
    gan.fit(images[:256], batch_size=64, shuffle=False, verbose=0)
weights = small.generator.get_weights() + small.discriminator.get_weights()
theirs = package.generator.get_weights() + package.discriminator.get_weights()
apart = max(np.abs(a - b).max() for a, b in zip(weights, theirs))
print(f"After four steps the two differ by at most {apart:.1e}.")
assert apart < 1e-5

# %% [markdown]
# ## 2. Your instruments
#
# Curves and samples are what everybody looks at. Both come late, and many illnesses do not show in them. So you
# build four instruments first. Each is a function of a few lines that looks at a *single step*, or at a single
# batch, and answers with a number.
#
# ### Who moves?
#
# The first question to a GAN that does not learn: does one training step move both players at all?
#
# **Exercise 1.** Take one training step, `gan.train_step(real_images)`, and answer with two numbers: the largest
# change of a weight of the generator and of the discriminator, in absolute value. (`model.get_weights()` gives
# the weights as a list of NumPy arrays.)


# %%
def my_who_moves(gan, real_images):
    return ...


gl.checks.clinic.who_moves(my_who_moves)

# %% [markdown]
# ### Does D learn the right thing?
#
# D's job is to give real images a higher logit than generated ones. Its *loss* may fall while it learns something
# else: the loss is exactly what may be wrong. So do not ask the loss. Ask for the **margin**, the mean logit on
# real images minus the mean logit on fakes, before a step of D's and after, *on the same images*.
#
# **Exercise 2.** `step()` lets D take one step. Return by how much the step has changed the margin on the given
# images. (Call D on images as a function, `discriminator(images)`.)


# %%
def my_learns_to_tell(discriminator, step, real_images, fake_images):
    return ...


gl.checks.clinic.learns_to_tell(my_learns_to_tell)

# %% [markdown]
# ### How many different samples?
#
# Walk through the samples, one by one. Keep one if it is farther than `radius` from every sample that was kept
# before. How many are kept?
#
# **Exercise 3.** Write it, for an array of samples of shape `(count, …)`, with the Euclidean distance over all
# pixels.


# %%
def my_distinct(samples, radius):
    return ...


gl.checks.clinic.distinct(my_distinct)

# %% [markdown]
# ### How steep is a critic?
#
# **Exercise 4.** The length of the gradient $\|\nabla_x D(x)\|$ of a critic at each of the given points: an array
# of shape `(count,)`. The points may have any shape `(count, …)`. (You wrote this in lesson {{lesson:wgan}}, as a
# part of the penalty: a tape that watches the points, and the derivative of the *sum* of the answers.)


# %%
def my_slopes(critic, points):
    return ...


gl.checks.clinic.slopes(my_slopes)

# %% [markdown]
# ### The four, written out
#
# From here on these are used, whatever you have written.


# %%
def who_moves(gan, real_images):
    """The largest change of a weight of G, and of D, in one training step."""
    players = gan.generator, gan.discriminator
    before = [player.get_weights() for player in players]
    gan.train_step(real_images)
    after = [player.get_weights() for player in players]
    return [max(np.abs(new - old).max() for old, new in zip(*pair)) for pair in zip(before, after)]


def learns_to_tell(discriminator, step, real_images, fake_images):
    """By how much a step of D's widens its margin between real images and fakes."""

    def margin():
        return float(ops.mean(discriminator(real_images)) - ops.mean(discriminator(fake_images)))

    before = margin()
    step()
    return margin() - before


def distinct(samples, radius):
    """How many samples are farther than the radius from all that were counted before them."""
    samples = np.asarray(samples).reshape(len(samples), -1)
    kept = samples[:1]
    for sample in samples[1:]:
        if np.linalg.norm(kept - sample, axis=1).min() > radius:
            kept = np.concatenate([kept, sample[None]])
    return len(kept)


def slopes(critic, points):
    """The length of the critic's gradient at each point."""
    points = tf.convert_to_tensor(points)
    with tf.GradientTape() as tape:
        tape.watch(points)
        total = ops.sum(critic(points))
    return np.linalg.norm(np.reshape(tape.gradient(total, points), (len(points), -1)), axis=1)


# %% [markdown]
# For the third instrument we need a radius: when are two digits "the same"? The real images say: half of the
# distance that a digit typically has to its nearest other. Of 100 real images nearly all are then distinct.
#
# The chart also has how many logits D answers to one image. Its last line is a score: the Fréchet distance in the
# features of the small classifier of digits that comes with the package. It tells *that* something is wrong, and never what.

# %%
SAMPLES = 100 if FAST else 1000
some = images[:200].reshape(200, -1)
apart = np.linalg.norm(some[:, None] - some, axis=2) + 1e9 * np.eye(200)
RADIUS = np.median(apart.min(axis=1)) / 2
print(f"radius {RADIUS:.2f}: of 100 images of {info.title} {distinct(images[:100], RADIUS)} are distinct,", end=" ")
print(f"of 100 copies of one {distinct(np.repeat(images[:1], 100, axis=0), RADIUS)}")

score = gl.metrics.FrechetDistance("mnist")
score.update_real(images[:SAMPLES])
score.update_state(images[-SAMPLES:])
floor = score.result()
print(f"Fréchet distance, MNIST features, {SAMPLES} images: {floor:.1f} for other real images (the floor)")


# %%
STEPS, EPOCHS = (1, 1) if FAST else (50, 30)  # 1,500 steps; an entry in the curves for every 50
ward, charts = {}, {}


def make(gan, count, seed=1):
    """Samples, with the generator as it is used after the training."""
    latents = keras.random.normal((count, gan.latent_dim), seed=seed)
    return ops.convert_to_numpy(gan.generator(latents, training=False))


def vital_signs(gan, data):
    """What the instruments say of a GAN. They let it take a few steps more: it is examined after its training."""
    batches = list(gan.batches(data).take(1 if FAST else 20))
    moves = who_moves(gan, batches[0])
    margins = []
    for batch in batches:
        turn = partial(gan.discriminator_turn, batch)
        margins.append(learns_to_tell(gan.discriminator, turn, batch, gan.fakes(len(batch))))
    samples = make(gan, SAMPLES)
    sizes = [np.size(gan.logits(images[:1])) for images in (batch, samples)]
    signs = {
        "largest move of a weight of G": f"{moves[0]:.1e}",
        "largest move of a weight of D": f"{moves[1]:.1e}",
        "D's turn changes the margin by": f"{np.mean(margins):+.3f}",
        "logits for a real image, a fake": f"{sizes[0]}, {sizes[1]}",
        "distinct samples of 100": f"{distinct(samples[:100], RADIUS)}",
    }
    if samples.shape[1:] == images.shape[1:]:
        score.reset_state()
        score.update_state(np.nan_to_num(samples))
        signs["Fréchet distance, MNIST features"] = f"{score.result():.0f}"
    return signs


def show_chart(gan, history, title):
    """Both losses, D's answers, samples."""
    figure, (losses, answers, picture) = plt.subplots(
        1, 3, figsize=(11, 3), width_ratios=(3, 3, 2.4), layout="constrained"
    )
    steps, colours = STEPS * np.arange(1, len(history["d_loss"]) + 1), gl.plotting.COLOURS
    losses.plot(steps, history["d_loss"], color=colours["discriminator"], label="D's loss")
    losses.plot(steps, history["g_loss"], color=colours["generator"], label="G's loss")
    on_what = ring.name if gan.generator.output_shape[1:] == (2,) else info.title
    losses.set(title=f"{title} on {on_what}: losses", xlabel="step")
    losses.legend(frameon=False)
    answers.plot(steps, history["real_logit"], color=colours["real"], label="on real images")
    answers.plot(steps, history["fake_logit"], color=colours["generated"], label="on fakes")
    answers.axhline(0, color=colours["reference"], linewidth=0.8, linestyle=":")
    answers.set(title="D's mean logit", xlabel="step")
    answers.legend(frameon=False)
    samples = make(gan, 30 if gan.generator.output_shape[1:] != (2,) else 500)
    if samples.ndim == 2:
        picture.scatter(*points[:500].T, s=3, color=colours["real"], label="real")
        picture.scatter(*samples.T, s=3, color=colours["generated"], label="samples")
        picture.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal", title="real points, samples")
    else:
        grid = gl.plotting.image_grid(np.clip(np.nan_to_num(samples), -1, 1), columns=6)
        picture.imshow(grid[..., 0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        picture.set_axis_off()
        picture.set_title("samples, not chosen")
    plt.show()


def admit(patient, data=None, signs=vital_signs, standard="SmallGAN", **options):
    """Trains a GAN, shows its chart and what the instruments say, beside a healthy one, and keeps it."""
    gan, name = patient(), patient.__name__
    data = pixels if data is None else data
    batches = gan.batches(data).repeat()
    history = gan.fit(batches, steps_per_epoch=STEPS, epochs=EPOCHS, shuffle=False, verbose=0, **options).history
    show_chart(gan, history, name)
    ward[name], charts[name] = (gan, data, history), signs(gan, data)
    print(f"{'':36}{name:>14}" + (f"{'healthy':>14}" if name != standard else ""))
    for sign, value in charts[name].items():
        healthy = charts[standard].get(sign, "") if name != standard else ""
        print(f"{sign:36}{value:>14}{healthy:>14}")


admit(SmallGAN)

# %% [markdown]
# **What to look for.** The standard for the rest of the lesson. Both losses are moderate and neither runs away.
# D's mean logit is above 0 on real images and below 0 on fakes, by a small gap. Both players move; D's turn widens
# the margin; samples differ. They are rough after 1,500 steps, but they are digits, or nearly.
#
# ### The list
#
# What the ward has, under the names that the package's doctor uses. (Not all of them are on the ward.)

# %%
for name, words in gl.checks.clinic.ILLNESSES.items():
    print(f"{name:28}{words}")

# %% [markdown]
# ## 3. First round: they show at once
#
# For each patient there is a cell with its code, which is the class above with one method written wrongly; its
# chart; and a cell for you. Write the **name of the illness** in place of the dots, and **the method, mended**.
# The check trains what you have mended and looks at the numbers. `SmallGAN` has most of these methods as they
# should be; try first to do without looking.
#
# ### Patient 1
#
# The author had read that neural networks like their inputs between 0 and 1.
#
# **What to look for.** The background of the samples: what do they try to reach, and why is that hard
# for a tanh?


# %%
class Patient1(SmallGAN):
    def batches(self, pixels):
        images = pixels.astype("float32") / 255
        data = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images))
        return data.batch(self.batch_size, drop_remainder=True)


admit(Patient1)

# %%
illness = ...


class Mended1(SmallGAN):
    def batches(self, pixels):
        return ...


gl.checks.clinic.patient_1(illness, Mended1, pixels)


# %% [markdown]
# ### Patient 2
#
# Keras had refused to train this one: *No gradients provided*. The author made the error go away.
#
# **What to look for.** First the samples, then who moves.


# %%
class Patient2(SmallGAN):
    def generator_turn(self, count):
        fake_images = self.fakes(count)
        with tf.GradientTape() as tape:
            loss = self.g_loss(self.logits(fake_images))
        weights = self.generator.trainable_variables
        gradients = tape.gradient(loss, weights)
        gradients = [ops.zeros_like(w) if g is None else g for g, w in zip(gradients, weights)]  # there was an error
        self.g_optimizer.apply(gradients, weights)
        return {"g_loss": loss}


admit(Patient2)

# %%
illness = ...


class Mended2(SmallGAN):
    def generator_turn(self, count):
        ...


gl.checks.clinic.patient_2(illness, Mended2, pixels)


# %% [markdown]
# ### Patient 3
#
# Losses written down from memory.
#
# **What to look for.** Both losses fall to 0. Can both players win? Look at the signs of D's logits.


# %%
class Patient3(SmallGAN):
    def d_loss(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(real_logits)) + ops.mean(ops.softplus(-fake_logits))


admit(Patient3)

# %%
illness = ...


class Mended3(SmallGAN):
    def d_loss(self, real_logits, fake_logits):
        return ...


gl.checks.clinic.patient_3(illness, Mended3, pixels)


# %% [markdown]
# ### Patient 4
#
# D answers probabilities, and so its author ended it in what makes probabilities.
#
# **What to look for.** The range of D's answers; and both losses at the end: have you seen such numbers before,
# in lesson {{lesson:mlp_gan}}?


# %%
class Patient4(SmallGAN):
    def players(self):
        pixels_of = [layers.Dense(784, "tanh"), layers.Reshape((28, 28, 1))]
        generator = keras.Sequential([keras.Input((self.latent_dim,)), dense(128), dense(256), *pixels_of])
        judge_of = [layers.Flatten(), dense(256), dense(128), layers.Dense(1, "sigmoid")]
        return generator, keras.Sequential([keras.Input((28, 28, 1)), *judge_of])


admit(Patient4)

# %%
illness = ...


class Mended4(SmallGAN):
    def players(self):
        return ...


gl.checks.clinic.patient_4(illness, Mended4, pixels)


# %% [markdown]
# ### Patient 5
#
# From code for an older Keras, with its comment.
#
# **What to look for.** What becomes of D's answers to real images and to fakes, and who wins.


# %%
class Patient5(SmallGAN):
    def set_up(self):
        self.discriminator.trainable = False  # so that G's turn does not move D
        self.compile(optimizer=None, **COMPILE)
        self.d_optimizer = keras.optimizers.Adam(5e-4, beta_1=0.5)
        self.g_optimizer = keras.optimizers.Adam(5e-4, beta_1=0.5)


admit(Patient5)

# %%
illness = ...


class Mended5(SmallGAN):
    def set_up(self):
        ...


gl.checks.clinic.patient_5(illness, Mended5, pixels)


# %% [markdown]
# ### Patient 6
#
# The author wrote D's turn first, copied it, and changed what had to be changed.
#
# **What to look for.** D's answer to fakes. Who has taught it that?


# %%
class Patient6(SmallGAN):
    def generator_turn(self, count):
        with tf.GradientTape() as tape:
            loss = self.g_loss(self.logits(self.fakes(count)))
        weights = self.discriminator.trainable_variables
        self.g_optimizer.apply(tape.gradient(loss, weights), weights)
        return {"g_loss": loss}


admit(Patient6)

# %%
illness = ...


class Mended6(SmallGAN):
    def generator_turn(self, count):
        ...


gl.checks.clinic.patient_6(illness, Mended6, pixels)


# %% [markdown]
# ## 4. Second round: they seem well
#
# The curves of the next eight are, most of them, those of the healthy one. In some the samples tell; in some nothing
# tells but the code, or one number that somebody has thought of asking for. Before you read a patient's code, look
# at its chart, and decide: would you have noticed?
#
# So there is a second page to the chart. Its questions are of two kinds. **Asked twice:** draw latents twice, ask D
# about the same images twice, go through the data twice; what differs, and what should? **Asked at the ends:** what
# does D's loss say at logits of ±1000, where a D that is right and very sure should pay nothing?


# %%
def second_page(gan, data):
    """What is asked twice, what is asked at the ends, and which optimizers there are."""
    batches = gan.batches(data)
    batch = next(iter(batches)).numpy()
    first, second = ({image.tobytes() for part in batches for image in part.numpy()} for _ in range(2))
    sure = tf.fill((64, 1), 1000.0)
    neighbours = np.corrcoef(batch[:, :, 1:].ravel(), batch[:, :, :-1].ravel())[0, 1]
    optimizers = (gan.optimizer, gan.d_optimizer, gan.g_optimizer)
    rates = ["none" if one is None else f"{float(one.learning_rate):.0e}" for one in optimizers]
    return {
        "latents, drawn twice, differ by": f"{np.abs(gan.latents(64) - gan.latents(64)).max():.1f}",
        "logits, asked twice, differ by": f"{np.abs(gan.logits(batch) - gan.logits(batch)).max():.1f}",
        "images that both passes have": f"{len(first & second) / len(first):.0%}",
        "neighbouring pixels correlate by": f"{neighbours:.2f}",
        "D's loss where it is right and sure": f"{float(gan.d_loss(sure, -sure)):.0f}",
        "rates: model.optimizer": rates[0],
        "rates: D's, G's": f"{rates[1]}, {rates[2]}",
    }


def both_pages(gan, data):
    return vital_signs(gan, data) | second_page(gan, data)


charts["SmallGAN"] |= second_page(*ward["SmallGAN"][:2])

# %% [markdown]
# ### Patient 7
#
# The pipeline was written before the images had been downloaded. It was to be replaced later.
#
# **What to look for.** Cover the samples. From the curves alone: what samples do you expect?


# %%
class Patient7(SmallGAN):
    def batches(self, pixels):
        images = np.random.default_rng(0).uniform(-1, 1, pixels.shape).astype("float32")  # until the files are there
        data = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images))
        return data.batch(self.batch_size, drop_remainder=True)


admit(Patient7, signs=both_pages)

# %%
illness = ...


class Mended7(SmallGAN):
    def batches(self, pixels):
        return ...


gl.checks.clinic.patient_7(illness, Mended7, pixels)


# %% [markdown]
# ### Patient 8
#
# The author wants a training that can be repeated exactly.
#
# **What to look for.** The table, line by line. The samples are made from latents that G has not met
# while it learnt.


# %%
class Patient8(SmallGAN):
    def latents(self, count):
        return keras.random.normal((count, self.latent_dim), seed=1)


admit(Patient8, signs=both_pages)

# %%
illness = ...


class Mended8(SmallGAN):
    def latents(self, count):
        return ...


gl.checks.clinic.patient_8(illness, Mended8, pixels)


# %% [markdown]
# ### Patient 9
#
# Noise in the labels, the author had read, keeps D from being too sure of itself.
#
# **What to look for.** D's answers to real images, beside those of the healthy GAN; then the second page.


# %%
class Patient9(SmallGAN):
    def d_loss(self, real_logits, fake_logits):
        cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        noise = keras.random.uniform(ops.shape(real_logits), seed=self.random)
        real_labels = ops.ones_like(real_logits) + 0.3 * noise  # noise in the labels is said to help
        return cross_entropy(real_labels, real_logits) + cross_entropy(ops.zeros_like(fake_logits), fake_logits)


admit(Patient9, signs=both_pages)

# %%
illness = ...


class Mended9(SmallGAN):
    def d_loss(self, real_logits, fake_logits):
        return ...


gl.checks.clinic.patient_9(illness, Mended9, pixels)


# %% [markdown]
# ### Patient 10
#
# The author gives G `BatchNormalization` and D `Dropout`, as many do. That is not the fault.
#
# **What to look for.** What the second page says of logits that were asked for twice. Which layer should have
# made them differ?


# %%
class Patient10(SmallGAN):
    def players(self):  # BatchNormalization in G, Dropout in D: meant so, and not the fault
        pixels_of = [layers.Dense(784, "tanh"), layers.Reshape((28, 28, 1))]
        hidden = [dense(128), layers.BatchNormalization(), dense(256), layers.BatchNormalization()]
        generator = keras.Sequential([keras.Input((self.latent_dim,)), *hidden, *pixels_of])
        judge_of = [layers.Flatten(), dense(256), layers.Dropout(0.3), dense(128), layers.Dropout(0.3), layers.Dense(1)]
        return generator, keras.Sequential([keras.Input((28, 28, 1)), *judge_of])

    def fakes(self, count):
        return self.generator(self.latents(count))

    def logits(self, images):
        return self.discriminator(images)


admit(Patient10, signs=both_pages)

# %%
illness = ...


class Mended10(Patient10):
    def fakes(self, count):
        return ...

    def logits(self, images):
        return ...


gl.checks.clinic.patient_10(illness, Mended10, pixels)


# %% [markdown]
# ### Patient 11
#
# For more variety each image is moved by a pixel or two, at random; and for speed the pipeline keeps what it
# has.
#
# **What to look for.** How many images two passes have in common. How many should it be, if each is moved at
# random?


# %%
shifts = keras.random.SeedGenerator(0)


def shifted(image):
    """The image moved by up to two pixels in each direction, at random."""
    return tf.roll(image, keras.random.randint((2,), -2, 3, seed=shifts), (0, 1))


class Patient11(SmallGAN):
    def batches(self, pixels):
        images = pixels.astype("float32") / 127.5 - 1
        data = tf.data.Dataset.from_tensor_slices(images).map(shifted).cache()  # so that it is fast
        return data.shuffle(len(images)).batch(self.batch_size, drop_remainder=True)


admit(Patient11, signs=both_pages)

# %% [markdown]
# (In TensorFlow's pipelines each step works on what the one before gives it, in the order in which they are written.)

# %%
illness = ...


class Mended11(SmallGAN):
    def batches(self, pixels):
        return ...


gl.checks.clinic.patient_11(illness, Mended11, pixels)


# %% [markdown]
# ### Patient 12
#
# Networks from an earlier project, whose images were 14×14. D has no dense layer, so it takes images of any
# size.
#
# **What to look for.** This one is not quiet at all. But would you not have expected an error message, rather
# than a curve?


# %%
class Patient12(SmallGAN):
    def players(self):
        pixels_of = [layers.Dense(196, "tanh"), layers.Reshape((14, 14, 1))]
        generator = keras.Sequential([keras.Input((self.latent_dim,)), dense(128), dense(256), *pixels_of])
        halving = {"kernel_size": 4, "strides": 2, "padding": "same", "activation": "leaky_relu"}
        judge_of = [layers.Conv2D(8, **halving), layers.Conv2D(16, **halving), layers.Conv2D(1, 4), layers.Flatten()]
        return generator, keras.Sequential([keras.Input((None, None, 1)), *judge_of])


admit(Patient12, signs=both_pages)

# %%
illness = ...


class Mended12(SmallGAN):
    def players(self):
        return ...


gl.checks.clinic.patient_12(illness, Mended12, pixels)


# %% [markdown]
# ### Patient 13
#
# The learning rates are to fall to a tenth in the course of the training. Keras has a callback for that, and
# the author uses it.
#
# **What to look for.** Compare samples and numbers with those of the healthy GAN, very closely. What has the
# falling rate changed?


# %%
class Patient13(SmallGAN):
    def set_up(self):
        self.compile(**COMPILE)
        self.d_optimizer = keras.optimizers.Adam(5e-4, beta_1=0.5)
        self.g_optimizer = keras.optimizers.Adam(5e-4, beta_1=0.5)


falling = keras.callbacks.LearningRateScheduler(lambda epoch: 5e-4 * 0.1 ** (epoch / EPOCHS))
admit(Patient13, signs=both_pages, callbacks=[falling])

# %% [markdown]
# To mend it: after 1,500 steps a tenth of the rate of 5e-4 is to be left, for both players. The callback goes; an
# optimizer takes a schedule as its learning rate, `keras.optimizers.schedules.ExponentialDecay(rate, steps, factor)`.

# %%
illness = ...


class Mended13(SmallGAN):
    def set_up(self):
        ...


gl.checks.clinic.patient_13(illness, Mended13, pixels)


# %% [markdown]
# ### Patient 14
#
# The author keeps what is logged short.
#
# **What to look for.** The samples and the instruments. Is this GAN ill?


# %%
class Patient14(SmallGAN):
    def log(self, values):
        return values


admit(Patient14, signs=both_pages)

# %%
illness = ...


class Mended14(SmallGAN):
    def log(self, values):
        return ...


gl.checks.clinic.patient_14(illness, Mended14, pixels)

# %% [markdown]
# ## 5. Third round: critics
#
# A WGAN-GP has more places in which to go wrong, and its defects hide better: a critic that is held a little
# wrongly still is a critic. So this round is on a toy that trains in seconds and of which one sees everything: the
# ring of eight Gaussians of lesson {{lesson:wgan}}. First the healthy class. It is `SmallGAN` with other losses; a
# penalty, in three methods (`between` draws the points at which the critic's slope is asked for, `lengths` turns
# gradients into slopes, `penalty` puts them together); and a `train_step` in which the critic has five turns.

# %%
ring = gl.toys.ring(std=0.05)
points = ring.sample(1280 if FAST else 10_000, seed=0)


class SmallWGAN(SmallGAN):
    """The same with a critic, a gradient penalty, and five steps of the critic for one of the generator."""

    latent_dim = 2
    batch_size = 128
    critic_steps = 5

    def batches(self, points):  # in each batch five, one for each step of the critic
        data = tf.data.Dataset.from_tensor_slices(points).shuffle(len(points))
        return data.batch(self.critic_steps * self.batch_size, drop_remainder=True)

    def players(self):
        generator = [keras.Input((self.latent_dim,)), dense(64, "relu"), dense(64, "relu"), layers.Dense(2)]
        critic = [keras.Input((2,)), dense(64, "relu"), dense(64, "relu"), layers.Dense(1)]
        return keras.Sequential(generator), keras.Sequential(critic)

    def set_up(self):
        self.compile(optimizer=None, **COMPILE)
        self.d_optimizer = keras.optimizers.Adam(2e-3, beta_1=0.5, beta_2=0.9)
        self.g_optimizer = keras.optimizers.Adam(5e-4, beta_1=0.5, beta_2=0.9)

    def d_loss(self, real_logits, fake_logits):
        return ops.mean(fake_logits) - ops.mean(real_logits)

    def g_loss(self, fake_logits):
        return -ops.mean(fake_logits)

    def between(self, real_points, fake_points):
        alpha = keras.random.uniform((ops.shape(real_points)[0], 1), seed=self.random)
        return alpha * real_points + (1 - alpha) * fake_points

    def lengths(self, gradients):
        return ops.sqrt(ops.sum(gradients**2, axis=1) + 1e-12)

    def penalty(self, real_points, fake_points):
        between = self.between(real_points, fake_points)
        with tf.GradientTape() as tape:
            tape.watch(between)
            answers = ops.sum(self.logits(between))
        return 10 * ops.mean((self.lengths(tape.gradient(answers, between)) - 1) ** 2)

    def train_step(self, real_points):
        for fresh_points in ops.split(real_points, self.critic_steps):
            values = self.discriminator_turn(fresh_points)
        return self.log(values | self.generator_turn(self.batch_size))


# %% [markdown]
# Your instruments so far ask about steps and samples. A critic wants four more, and all are of one kind: **put
# something in whose answer is known, and look at what comes out.**
#
# - *Where does the penalty look?* Let all real points be 1 and all fakes be 0. Then the point between them, at which
#   the critic is asked, is α itself.
# - *What if the critic is flat?* Let all its weights be 0. The penalty's gradient in them has to be a number.
# - *Does an answer depend on one point only?* Ask about the same point twice, among different others.
# - *How many batches does a step of the generator cost?* Listen to `discriminator_turn` while a training step runs.

# %%
def penalised(gan, count=1000):
    """Where on the line from a fake (0) to a real point (1) the penalty looks at the slope."""
    seen, logits = [], gan.logits
    gan.logits = lambda x: seen.append(np.array(x)) or logits(x)  # listens, and passes the question on
    gan.penalty(tf.ones((count, 2)), tf.zeros((count, 2)))
    del gan.logits  # the method of the class is back
    return seen[-1][:, 0]


def flat_gradient(gan, count=64):
    """The largest gradient of the penalty in a weight of the critic, where the critic is flat."""
    weights = gan.discriminator.get_weights()
    gan.discriminator.set_weights([np.zeros_like(weight) for weight in weights])
    with tf.GradientTape() as tape:
        penalty = gan.penalty(tf.ones((count, 2)), tf.zeros((count, 2)))
    gradients = tape.gradient(penalty, gan.discriminator.trainable_variables)
    gan.discriminator.set_weights(weights)
    return max(np.abs(gradient).max() for gradient in gradients if gradient is not None)


def critic_batches(gan, real_points):
    """How many steps the critic takes in one training step, and on how many different batches."""
    seen, turn = [], gan.discriminator_turn
    gan.discriminator_turn = lambda batch: seen.append(np.array(batch)) or turn(batch)
    gan.train_step(real_points)
    del gan.discriminator_turn
    return len(seen), len({batch.tobytes() for batch in seen})


def critic_signs(gan, points):
    """What the instruments say of a WGAN on the ring."""
    batch = next(iter(gan.batches(points)))
    moves = who_moves(gan, batch)
    samples = make(gan, 500)
    alpha = np.random.default_rng(0).random((500, 1)).astype("float32")
    between = alpha * points[:500] + (1 - alpha) * samples
    steep = slopes(gan.discriminator, between)
    others = [gan.logits(np.concatenate([points[:1], rest]))[0, 0] for rest in (points[1:64], points[64:127])]
    alpha = penalised(gan)
    steps, fresh = critic_batches(gan, batch)
    nearest = np.linalg.norm(samples[:, None] - ring.modes, axis=2).min(axis=1)
    return {
        "largest move of a weight of G": f"{moves[0]:.1e}",
        "largest move of a weight of D": f"{moves[1]:.1e}",
        "critic's slope, mean ± spread": f"{steep.mean():.2f} ± {steep.std():.2f}",
        "D(x) among others differs by": f"{abs(float(others[0] - others[1])):.1e}",
        "penalised between real and fake": f"{np.mean((alpha >= 0) & (alpha <= 1)):.0%}",
        "penalty's gradient, flat critic": f"{flat_gradient(gan):.0e}",
        "critic's steps, on batches": f"{steps}, {fresh}",
        "modes covered, of 8": f"{gl.toys.modes_covered(samples, ring)}" if np.isfinite(samples).all() else "none",
        "samples near a mode": f"{np.mean(nearest < 3 * ring.std):.0%}",
    }


admit(SmallWGAN, points, critic_signs, standard="SmallWGAN")

# %% [markdown]
# **What to look for.** The samples find the ring. The critic's two answers wander, but together: only their
# difference means anything, and so G's loss, which is one of the two, says nothing by itself. The slope is 1, all
# points that are penalised lie between real and fake, and each of the critic's five steps has a batch of its own.


# %% [markdown]
# ### Patient 15
#
# The penalty as it stands in the paper, where there is no ε.
#
# **What to look for.** Curves and samples are those of the healthy one, to the last point. So is the table, but for
# one line. It may go well for a long time.


# %%
class Patient15(SmallWGAN):
    def lengths(self, gradients):
        return ops.sqrt(ops.sum(gradients**2, axis=1))


admit(Patient15, points, critic_signs, standard="SmallWGAN")

# %%
illness = ...


class Mended15(SmallWGAN):
    def lengths(self, gradients):
        return ...


gl.checks.clinic.patient_15(illness, Mended15, points)


# %% [markdown]
# ### Patient 16
#
# Between a real point and a fake. Which distribution has α?
#
# **What to look for.** First the samples, then the table.


# %%
class Patient16(SmallWGAN):
    def between(self, real_points, fake_points):
        alpha = keras.random.normal((ops.shape(real_points)[0], 1), seed=self.random)
        return alpha * real_points + (1 - alpha) * fake_points


admit(Patient16, points, critic_signs, standard="SmallWGAN")

# %%
illness = ...


class Mended16(SmallWGAN):
    def between(self, real_points, fake_points):
        return ...


gl.checks.clinic.patient_16(illness, Mended16, points)


# %% [markdown]
# ### Patient 17
#
# `BatchNormalization` in the critic, since it makes networks train faster.
#
# **What to look for.** First the samples, then the lines on the critic: two of them are not as they should be.


# %%
class Patient17(SmallWGAN):
    def players(self):
        generator = [keras.Input((self.latent_dim,)), dense(64, "relu"), dense(64, "relu"), layers.Dense(2)]
        hidden = [dense(64, "relu"), layers.BatchNormalization(), dense(64, "relu")]
        critic = [keras.Input((2,)), *hidden, layers.Dense(1)]
        return keras.Sequential(generator), keras.Sequential(critic)


admit(Patient17, points, critic_signs, standard="SmallWGAN")

# %%
illness = ...


class Mended17(SmallWGAN):
    def players(self):
        return ...


gl.checks.clinic.patient_17(illness, Mended17, points)


# %% [markdown]
# ### Patient 18
#
# Five steps of the critic for one of the generator, says algorithm 1.
#
# **What to look for.** The lines on the critic: one of them is not as it should be.


# %%
class Patient18(SmallWGAN):
    def train_step(self, real_points):
        for _ in range(self.critic_steps):
            values = self.discriminator_turn(real_points)
        return self.log(values | self.generator_turn(self.batch_size))


admit(Patient18, points, critic_signs, standard="SmallWGAN")

# %%
illness = ...


class Mended18(SmallWGAN):
    def train_step(self, real_points):
        return ...


gl.checks.clinic.patient_18(illness, Mended18, points)

# %% [markdown]
# ## 6. The doctor
#
# What you have done by hand is a method: take one step and see who moves; look at what D is shown, and at what it
# answers; ask what a method returns where the answer is known. `gl.diagnose(gan, data)` does the same, for every
# illness on the list. It lets the GAN take a few steps, looks, and puts everything back, weights, optimizers and
# random numbers, so that a training goes on as if nobody had been there. It takes a `gl.GAN`, or a `keras.Model`
# written by hand, such as these.

# %%
gan, data, history = ward["Patient2"]
before = gan.get_weights()
diagnosis = gl.diagnose(gan, gan.batches(data), history=history)
assert all(np.array_equal(old, new) for old, new in zip(before, gan.get_weights()))
print(diagnosis)

# %% [markdown]
# Each finding has a name, the **evidence** with its numbers, the likely cause, and what to try. Read the evidence
# first: it is what one of your instruments had said. In a notebook the same is shown as a panel:

# %%
diagnosis

# %% [markdown]
# Now it walks through the ward. To make it harder, it sees none of the trained GANs: each class is made anew, and
# has not taken one step. On the left is what the patient has (so mend first, then read), on the right what the doctor
# says.

# %%
named = {}
for name, (gan, data, _) in list(ward.items())[:: 7 if FAST else 1]:
    fresh = type(gan)()
    named[name] = gl.diagnose(fresh, fresh.batches(data)).names
    print(f"{name:12}{gl.checks.clinic.WARD.get(name, 'healthy'):28}{', '.join(named[name]) or 'healthy'}")

# %% [markdown]
# The assertion holds the doctor to it: nothing missed, and no healthy GAN called ill.

# %%
for name, findings in named.items():
    assert gl.checks.clinic.WARD[name] in findings if name in gl.checks.clinic.WARD else not findings, name

# %% [markdown]
# ### While it trains
#
# `gl.callbacks.Doctor` looks at the end of an epoch at what costs little: losses, weights, a few samples. At most once
# in 200 steps, but always where a loss is not finite, and at the very end. It says each finding once, when it first
# appears; the training goes on. Here is patient 15 again, with one difference: its critic's last layer begins with
# zeros, as many networks' do. So it is flat in its first step.


# %%
class Patient15Flat(Patient15):
    def players(self):
        generator, critic = super().players()
        critic.layers[-1].kernel.assign(np.zeros((64, 1)))
        return generator, critic


doctor = gl.callbacks.Doctor()
gan = Patient15Flat()
batches = gan.batches(points).repeat()
gan.fit(batches, steps_per_epoch=STEPS, epochs=3, shuffle=False, verbose=0, callbacks=[doctor])
print("findings:", [finding.name for finding in doctor.findings])
assert "diverging" in [finding.name for finding in doctor.findings]

# %% [markdown]
# The callback sees *that* this one diverges, and when. By then every weight is NaN, and nobody can see why. Before the
# training one could: `gl.diagnose` asks patient 15 the question that you have asked it, about a flat critic.

# %%
gan = Patient15()
print(gl.diagnose(gan, gan.batches(points)))

# %% [markdown]
# ### What no doctor sees
#
# A clean bill means: none of these illnesses. It does not mean: good. Here is a GAN that has never been trained.

# %%
untrained = SmallGAN()
diagnosis = gl.diagnose(untrained, untrained.batches(pixels))
print("the doctor says:", diagnosis.names or "healthy")
assert diagnosis.healthy
distances = {}
for name, gan in {"untrained": untrained, f"after {STEPS * EPOCHS:,} steps": ward["SmallGAN"][0]}.items():
    score.reset_state()
    score.update_state(make(gan, SAMPLES))
    distances[name] = score.result()
    print(f"{name:20} Fréchet distance {distances[name]:6.1f} (floor {floor:.1f}), MNIST features, {SAMPLES} images")
assert FAST or distances["untrained"] > 3 * distances["after 1,500 steps"]

# %% [markdown]
# Too small a network, too few images, too short a training, an objective that does not suit: these are no defects
# of a line, and a score tells of them. And no doctor knows what you *meant*: patient 16 trains; it only is not what
# its author believes it to be.
#
# ## Recap
#
# - *What is D shown?* Range, size, a look at the batch, two passes: `images_out_of_range`, `logits_map`,
#   `noise_as_real`, `cached_augmentation`.
# - *Who moves in one step, and whose weights does each optimizer hold?* `generator_without_gradient`,
#   `discriminator_frozen`, `optimizer_of_the_other`, `leftover_optimizer`.
# - *Does D's own turn widen the margin?* `swapped_labels`.
# - *What can D answer, and what does its loss say at logits of ±1000?* `sigmoid_and_logits`, `target_above_one`.
# - *Asked twice, what differs?* Latents, logits, batches: `fixed_noise`, `not_in_training_mode`, `same_batch`.
# - *Where does the penalty look, on what does an answer depend, what if the critic is flat?*
#   `extrapolating_penalty`, `batchnorm_with_penalty`, `penalty_without_epsilon`.
# - *What is one point of a curve made of?* `last_batch_loss`.
#
# And three rules:
#
# - A loss cannot tell that it is wrong itself. Ask for something else.
# - Most instruments need one step, not one training. Use them before you train.
# - One change at a time; and the number that said *sick* has to say *healthy* afterwards.

# %%
gl.checks.report("clinic")

# %% [markdown]
# **References**
#
# - Goodfellow et al., *Generative Adversarial Nets*, 2014,
#   [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Salimans et al., *Improved Techniques for Training GANs*, 2016,
#   [arXiv:1606.03498](https://arxiv.org/abs/1606.03498): one-sided label smoothing, and why one-sided.
# - Gulrajani et al., *Improved Training of Wasserstein GANs*, 2017,
#   [arXiv:1704.00028](https://arxiv.org/abs/1704.00028): the penalty; α uniform; no BatchNorm in the critic.
# - Lucic et al., *Are GANs Created Equal?*, 2017, [arXiv:1711.10337](https://arxiv.org/abs/1711.10337): how much of
#   what is said to be a better loss is a better search for settings.
#
# Next: {{next}}
