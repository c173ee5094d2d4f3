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
# # {{number}} Start here
#
# **A hundred random numbers go in, a handwritten digit comes out, and nobody wrote it. You make a network draw, walk
# from one of its drawings to the next, and find where it fails.**
#
# ![A generative adversarial network. Latents z go into the generator G, which makes fakes G(z). Real samples x and
# fakes go into the discriminator D, which outputs one logit for each. The gradient of D's loss changes D alone. The
# gradient of G's loss flows back through D and changes G alone.](../docs/diagrams/gan.svg)
#
# Sections 1 to 3 are about the box $G$ alone, after its training. Section 4 is about the rest.

# %% [markdown]
# ## Before you start
#
# **What you need.** Python functions and NumPy arrays: shapes, axes, broadcasting. You need no GPU, no network and no
# data set.
#
# **Mathematics.** Vectors and their length, the normal distribution, Pythagoras.
#
# **Time.** {{time}}, with the exercises.
#
# The next cell imports the course's package, `gan_lessons`. TensorFlow may print warnings about the processor and a
# missing GPU, which do no harm. If the cell fails, the README has a section on what commonly goes wrong.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # fewer messages

import keras
import matplotlib.pyplot as plt
import numpy as np

import gan_lessons as gl

print("Keras", keras.__version__, "on", keras.backend.backend())

# %% [markdown]
# It must say *on tensorflow*. The cell after this text holds the one size of this lesson; a larger number makes the
# measurements slower and surer.

# %% tags=["parameters"]
SAMPLES = 2000  # generated images behind each number that this lesson measures

# %% tags=["fast"]
SAMPLES = 300

# %% tags=["test"]
assert keras.backend.backend() == "tensorflow"

# %% [markdown]
# ## 1. Sixteen digits that nobody wrote
#
# A **generator** $G$ is a network that makes images. This one has been trained already, and is kept in one small
# file; in lesson {{lesson:mlp_gan}} you train it yourself. What goes in is a vector of random numbers, the **latent**
# $z$. What comes out is an image, $G(z)$.

# %%
generator = keras.models.load_model(gl.data.bundled("digits_generator.keras"), compile=False)

print("in: ", generator.input_shape)
print("out:", generator.output_shape)
print(f"{generator.count_params():,} weights")

# %% [markdown]
# `None` stands for the number of images, which you choose. Draw 16 latents; each of their numbers comes from the
# normal distribution $N(0, 1)$. The generator makes all 16 images at once.


# %%
def generate(latents):
    return np.asarray(generator(latents), "float32")  # G(z)


random = np.random.default_rng(seed=1)
latents = random.normal(size=(16, 100)).astype("float32")  # z ~ N(0, 1)
images = generate(latents)
gl.plotting.show_images(images, columns=8, title="Made by the generator that comes with this course")

# %% tags=["test"]
assert images.shape == (16, 28, 28, 1)
assert -1 <= images.min() and images.max() <= 1

# %% [markdown]
# **Before you go on:** which of the sixteen can you *not* read? Note your answer.
#
# Now ask a **classifier**: a second network, which comes with the package and reads 99.35% of MNIST's test set
# correctly. For each image it outputs ten probabilities, one a digit. The largest of them is how *sure* it is.

# %%
classifier = keras.models.load_model(gl.data.bundled("mnist_features.keras"), compile=False)


def read(images):
    """Returns the digit that the classifier reads in each image, and how sure it is."""
    probabilities = np.asarray(classifier(images))
    return probabilities.argmax(axis=1), probabilities.max(axis=1)


captions = [f"{digit}, {sure:.0%}" for digit, sure in zip(*read(images))]
gl.plotting.show_images(images, columns=8, captions=captions, title="Read by a classifier")

# %%
z = random.normal(size=(SAMPLES, 100)).astype("float32")
made = generate(z)
digits, sure = read(made)
print(f"{SAMPLES} images: the classifier is sure to {sure.mean():.3f} on average.")
print(f"It is less than 60% sure of {np.mean(sure < 0.6):.1%} of them.")

# %% tags=["test"]
assert 0.9 < sure.mean() < 0.98
assert 0 < np.mean(sure < 0.6) < 0.1
assert len(np.unique(digits)) == 10  # no digit is missing

# %% [markdown]
# Most of what $G$ draws is a digit. A few in a hundred are not, and the course does not hide them: what a generator
# does badly tells you more than its best pictures.
#
# A warning for later: *sure* is not *good*. A classifier that has only ever seen digits reads a digit into anything.
#
# ### Are all of them different?
#
# **Guess first.** Among the images made just now, are there two that you could not tell apart? If so: are their
# latents neighbours, too?
#
# The next cell looks for them. The distance of two images is the root of the sum of all squared differences of their
# pixels; the distance of two latents is measured in the same way.


# %%
def distances(rows):
    """Returns the distance of each row from each other row."""
    squares = np.sum(rows**2, axis=1)
    squared = squares[:, None] + squares - 2 * rows @ rows.T  # |a − b|² = |a|² + |b|² − 2 a·b
    np.fill_diagonal(squared, np.inf)  # not with itself
    return np.sqrt(np.maximum(squared, 0))


between_images, between_latents = distances(made.reshape(SAMPLES, -1)), distances(z)
nearest = between_images.argmin(axis=1)  # each image's nearest other image
closest = between_images.min(axis=1).argsort()
first = [i for i in closest if i < nearest[i]][:8]  # the eight closest pairs
second = nearest[first]

# %%
pairs = {"first": made[first], "second": made[second]}
gl.plotting.image_rows(pairs, title=f"The closest pairs among {SAMPLES} images")

# %%
print("median distance of   these pairs   all pairs")
for name, apart in [("images", between_images), ("latents", between_latents)]:
    print(f"{name:18} {np.median(apart[first, second]):13.1f} {np.median(apart):11.1f}")

# %% tags=["test"]
assert np.median(between_images[first, second]) < 0.3 * np.median(between_images)
assert np.median(between_latents[first, second]) > 0.9 * np.median(between_latents)

# %% [markdown]
# You can hardly tell the pairs apart, and all of them are ones. Their latents are no neighbours: they are about as
# far apart as any two. So $G$ sends latents from all over its space to nearly the same stroke. That need not be a
# fault. A one is a stroke, and there are few ways to draw a stroke.
#
# Whether $G$ copies images that it was trained on is another question; lesson {{lesson:mlp_gan}} measures that.

# %% [markdown]
# ### Exercise 1 · From numbers to pixels
#
# The generator's values lie in $[-1, 1]$: $-1$ is black, $1$ is white. Image files hold pixels from 0 to 255, of type
# `uint8`. Write the conversion.
#
# For every exercise: replace the three dots, run the cell, read what it says. A wrong answer gets a hint, and you may
# try as often as you like.


# %%
def to_pixels(images):
    return ...


gl.checks.start_here.to_pixels(to_pixels)


# %% [markdown]
# ## 2. What lies between two digits?
#
# $G$ is a continuous function: move $z$ a little and the image changes a little. So you can walk through the latents
# from a digit to another, and look at what lies on the way.
#
# ### Exercise 2 · The way between two latents
#
# Write the straight way between two latents. At $t = 0$ you are at `start`, at $t = 1$ at `end`, and at $t = ¼$ you
# have gone a quarter of the way.


# %%
def between(start, end, t):
    return ...


gl.checks.start_here.between(between)

# %% [markdown]
# **Guess first.** The next cell walks from an image to another in two ways: through the latents, and by fading one
# image into the other, pixel by pixel. What do the two show half-way?

# %%
t = np.linspace(0, 1, 9, dtype="float32")[:, None]
start, end = latents[4], latents[5]
walk = generate((1 - t) * start + t * end)
fade = (1 - t[..., None, None]) * walk[0] + t[..., None, None] * walk[-1]
gl.plotting.image_rows({"latents": walk, "pixels": fade}, title="Two ways from an image to another")

# %% [markdown]
# In the upper row a stroke bends and closes, and nearly every step is a drawing of its own. In the lower row both
# digits are there at once, in grey.
#
# One pair may be luck. **Grey pixels** can be counted for as many pairs as you like: ink is black or white, so a
# drawing has few pixels in between.


# %%
def grey(images):
    """Returns the share of pixels that are neither clearly black nor clearly white."""
    return np.mean(np.abs(images) < 0.7)


half = SAMPLES // 2
print(f"as they are:                  {grey(made):.1%} grey")
print(f"half-way between the latents: {grey(generate((z[:half] + z[half:]) / 2)):.1%}")
print(f"half-way between the images:  {grey((made[:half] + made[half:]) / 2):.1%}")

# %% tags=["test"]
half_way = generate((z[:half] + z[half:]) / 2)
assert grey(made) < grey(half_way) < 0.6 * grey((made[:half] + made[half:]) / 2)

# %% [markdown]
# Half-way between two images lies a blur. Half-way between two latents lies an image, though a slightly greyer one
# than usual. Section 3 finds out why.
#
# ### Move through it yourself
#
# Each slider moves a latent along one direction. (Where no kernel runs, as in an HTML page, the sliders do nothing,
# and the picture stays.)

# %%
from IPython.display import display
from ipywidgets import FloatSlider, interact

directions = np.linalg.qr(random.normal(size=(100, 3)))[0].T  # three, at right angles


def slider():
    return FloatSlider(0, min=-8, max=8)


@interact(a=slider(), b=slider(), c=slider())
def move(a, b, c):
    moved = latents[3] + np.array([a, b, c]) @ directions
    display(gl.plotting.show_images(generate(moved[None]), columns=1, scale=2.0))


# %% [markdown]
# ## 3. Where does it fail?
#
# Latents of 100 numbers from $N(0, 1)$ have a peculiarity. The square of each number is 1 on average, so the squared
# length $z_1^2 + \dots + z_{100}^2$ is about 100:

# %%
lengths = np.linalg.norm(z, axis=1)
print(f"{SAMPLES} latents: lengths from {lengths.min():.1f} to {lengths.max():.1f},")
print(f"{lengths.mean():.2f} on average.")

# %% tags=["test"]
assert 6.5 < lengths.min() and lengths.max() < 13.5 and abs(lengths.mean() - 10) < 0.2

# %% [markdown]
# In training $G$ has seen latents of these lengths only: all of them about 10, in every direction. What does it make
# of latents that are shorter, or longer?
#
# ### Exercise 3 · Latents of a given length
#
# Write the function that the experiment needs. It gets `latents` of shape `(n, 100)` and returns them with the same
# directions, each with the given length.


# %%
def with_length(latents, length):
    return ...


gl.checks.start_here.with_length(with_length)

# %% [markdown]
# **Guess first.** Which come out worse, latents of length 2 or latents of length 50? Then look at ten latents, each
# shortened and stretched.

# %%
unit = z / np.linalg.norm(z, axis=1, keepdims=True)  # length 1
shown = (1, 2, 4, 7, 10, 16, 50)
rows = {f"length {length}": generate(length * unit[:10]) for length in shown}
gl.plotting.image_rows(rows, title="Ten directions, seven lengths")

# %%
print("length   sure   grey   how different")
tried = [1, 2, 4, 6, 8, 10, 13, 16, 20, 30, 50]
results = []
for length in tried:
    batch = generate(length * unit)
    results.append((read(batch)[1].mean(), grey(batch), batch.std(axis=0).mean()))
    print(f"{length:6}  {results[-1][0]:.3f}  {results[-1][1]:5.1%}  {results[-1][2]:.2f}")

# %%
figure, axes = plt.subplots(figsize=(7, 3.2))
axes.axvspan(8, 12.4, color="tab:green", alpha=0.2, label="lengths in training")
axes.plot(tried, [sure for sure, _, _ in results], "o-")
axes.set(xscale="log", ylim=(0, 1), xlabel="length of the latents", ylabel="sure")
axes.set_xticks([1, 2, 5, 10, 20, 50], labels=["1", "2", "5", "10", "20", "50"])
axes.set_title("How sure the classifier is of what it reads")
axes.legend(loc="lower right")
plt.show()

# %% tags=["test"]
by_length = dict(zip(tried, results))
assert by_length[1][0] < by_length[2][0] < by_length[4][0] < by_length[10][0] - 0.05  # short: less sure
assert by_length[10][0] - 0.08 < by_length[50][0]  # long: hardly
assert all(after[1] < before[1] for before, after in zip(results, results[1:]))  # the longer, the less grey
assert by_length[1][2] < 0.2 * by_length[10][2]  # short: one figure for all

# %% [markdown]
# **Short latents fail, long ones degrade slowly.** You may have guessed the opposite: far from everything it has seen,
# should a network not be at its worst?
#
# - *Short.* At length 1 all ten drawings are the same grey figure, something between a 3 and an 8. The column "how
#   different" says so for all of them: it is the standard deviation of a pixel from drawing to drawing. The reason is
#   that $G$ is continuous. All short latents lie close to $z = 0$, so all of their images lie close to $G(0)$; and
#   $z = 0$ is the middle of *all* digits.
# - *Long.* The directions still tell the digits apart. The strokes become harder, with fewer and fewer grey pixels,
#   and some break. $G$ ends in a $\tanh$. A latent twice as long makes the numbers that go into it about twice as
#   large (exactly twice, if the layers had no biases: the rest of each is linear, or a LeakyReLU), and $\tanh$ of a
#   large number is nearly $1$ or $-1$: white or black.
#
# And the warning from above: the classifier stays sure at length 50, where you can see that the drawings are cruder.
# It measures whether a digit can be recognised, not whether a hand could have drawn it. Lesson {{lesson:quality}} is
# about better measures.
#
# ### Exercise 4 · Half-way between two latents
#
# Two latents from $N(0, 1)$ are about 10 long and nearly at right angles to each other. (Their product $a_1 b_1 +
# \dots + a_{100} b_{100}$ has terms of both signs and is 0 on average, where the squared lengths are 100.) How long
# is the latent half-way between them?

# %%
length_half_way = ...
gl.checks.start_here.halfway_length(length_half_way)

# %% [markdown]
# Find your answer on the curve above. It explains why half-way images were greyer. Lesson {{lesson:mlp_gan}} compares
# the straight way with one that keeps the length.

# %% [markdown]
# ## 4. How does a network learn to draw?
#
# It plays a game against a second network.
#
# | player | what it does | what it wants |
# | --- | --- | --- |
# | **generator** $G$ | makes an image from a latent: $z \mapsto G(z)$ | that its images pass for real ones |
# | **discriminator** $D$ | outputs how likely an image is to be real: $x \mapsto D(x)$ | to be right |
#
# Both start from random weights. $D$ learns from real images and from those of $G$ which is which. **$G$ never sees a
# real image.** It learns from $D$ alone: from how $D(G(z))$ changes when the pixels of $G(z)$ change. When even the
# best possible $D$ cannot tell the two apart, the images of $G$ are distributed as the real ones are.
#
# That is a **generative adversarial network**, a GAN (Goodfellow et al., 2014). In this package it takes three
# things, and trains like any other Keras model:

# %%
keras.utils.set_random_seed(0)
gan = gl.GAN(
    generator=gl.networks.mlp_generator((28, 28, 1), latent_dim=100),
    discriminator=gl.networks.mlp_discriminator((28, 28, 1)),
    latent_dim=100,
)
gl.plotting.show_images(gan.generate(8, seed=0), columns=8, title="A generator that has not been trained")

# %% tags=["test"]
assert gan.generator.count_params() == generator.count_params()  # the network of section 1, before its training

# %% [markdown]
# Noise. This is the network of section 1, with random weights. What lies between this picture and the first is the
# game.
#
# ## The course
#
# {{course}}
#
# Each lesson runs from top to bottom as it stands.

# %%
gl.checks.report("start_here")

# %% [markdown]
# ## Recap
#
# - A generator is a continuous function from latents, $z \sim N(0, 1)$, to images.
# - Half-way between two latents lies an image; half-way between two images lies a blur.
# - Latents far apart can give nearly the same image: here, ones.
# - Latents shorter than those of the training all give one blurred figure; longer ones give harder strokes.
# - A GAN trains the generator against a discriminator. The generator never sees a real image.
#
# **References**
#
# - Goodfellow et al., *Generative Adversarial Nets*, 2014, [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Radford et al., *Unsupervised Representation Learning with Deep Convolutional GANs*, 2015,
#   [arXiv:1511.06434](https://arxiv.org/abs/1511.06434): walks through the latents of a generator (theirs is
#   convolutional, as in lesson {{lesson:dcgan}}).
#
# Next: {{next}}
