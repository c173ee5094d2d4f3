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
# **What you will be able to do.** Make images with a generator that ships with this course, move through the space they
# come from, and say what a generative adversarial network is made of.
#
# **What you need.** To have run `import numpy` before. No GPU, no network, no data set.
#
# **How long it takes.** Ten minutes of reading; one minute of computing.

# %% [markdown]
# ## Does everything work?
#
# The next cell imports the course's package, `gan_lessons`, and prints what it runs on. If it fails, the README has a
# section on what commonly goes wrong.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow is talkative when it starts

import keras
import numpy as np
import tensorflow as tf

import gan_lessons as gl

print("Keras", keras.__version__, "on", keras.backend.backend(), tf.__version__)
print("Devices:", ", ".join(device.device_type for device in tf.config.list_physical_devices()))
assert keras.backend.backend() == "tensorflow", "The training step uses tf.GradientTape: set KERAS_BACKEND=tensorflow."

# %% [markdown]
# ## Sixteen digits that nobody wrote
#
# Here is a **generator**: a neural network that has been trained already, and is kept in one small file. What goes into it
# is a vector of random numbers, the **latent** $z$. What comes out is an image, $G(z)$. You will train this very generator
# in lesson {{lesson:mlp_gan}}; its weights are kept here in half precision, to be small.

# %%
generator = keras.models.load_model(gl.data.bundled("digits_generator.keras"), compile=False)

print("in: ", generator.input_shape)
print("out:", generator.output_shape)
print(f"{generator.count_params():,} weights")

# %% [markdown]
# `None` stands for the number of images, which is yours to choose. Draw 16 latents from the normal distribution $N(0, 1)$,
# and the generator makes 16 images of them, all at once. Its values lie in $[-1, 1]$: $-1$ is black, $1$ is white.


# %%
def generate(latents):
    return generator.predict(latents, verbose=0).astype("float32")


random = np.random.default_rng(seed=1)
latents = random.normal(size=(16, generator.input_shape[1])).astype("float32")  # z ~ N(0, 1)
images = generate(latents)  # G(z)

assert images.shape == (16, 28, 28, 1)
assert -1 <= images.min() and images.max() <= 1
gl.plotting.show_images(images, columns=8, title="Made by the generator that ships with this course")

# %% [markdown]
# **What to look for.** Most of these you can read without thinking; one or two are not quite a digit. No two are alike.
# And the network was never even shown an image, as you will see below. (Whether it copies some all the same, lesson
# {{lesson:mlp_gan}} measures.)
#
# *Change one line:* give the random generator another seed, and run the cell again. Other numbers in, other digits out.

# %% [markdown]
# ## A space of digits
#
# The generator is a continuous function. Move $z$ a little and the image changes a little. So the latents form a space in
# which one can walk: start at one image, go straight to another, and look at what lies on the way.

# %%
start, end = latents[0], latents[5]
t = np.linspace(0, 1, 10, dtype="float32")[:, None]
way = (1 - t) * start + t * end  # ten latents on the straight way
gl.plotting.show_images(generate(way), columns=10, title="From one latent to another")

# %% [markdown]
# **What to look for.** Every step is an image in its own right: strokes bend, close and open. This is *not* one picture
# fading out while another fades in. The next cell fades one into the other, pixel by pixel, for comparison.

# %%
first, last = generate(np.stack([start, end]))
faded = (1 - t[..., None, None]) * first + t[..., None, None] * last
gl.plotting.show_images(faded, columns=10, title="The same two images, faded into each other")

# %% [markdown]
# In the middle of the fade both digits are there at once, in grey. That is the difference between averaging *images* and
# averaging *latents*. It can be measured: ink is black or white, so an image of ink has few grey pixels.


# %%
def greyness(images):
    """The share of pixels that are neither clearly black nor clearly white."""
    return float(np.mean(np.abs(images) < 0.7))


pairs = random.normal(size=(2, 200, generator.input_shape[1])).astype("float32")
middle_of_latents = generate(pairs.mean(axis=0))
middle_of_images = (generate(pairs[0]) + generate(pairs[1])) / 2

print(f"grey pixels half-way between 200 pairs of latents: {greyness(middle_of_latents):.1%}")
print(f"grey pixels half-way between the images themselves: {greyness(middle_of_images):.1%}")
assert greyness(middle_of_latents) < greyness(middle_of_images)

# %% [markdown]
# ### Move through it yourself
#
# Each slider moves the latent along one direction. (In a page without a running kernel, such as an HTML copy, the sliders do
# not answer; the picture below them stays.)

# %%
from IPython.display import display
from ipywidgets import FloatSlider, interact

directions = np.linalg.qr(random.normal(size=(generator.input_shape[1], 3)))[0].T.astype("float32")


@interact(
    a=FloatSlider(0, min=-6, max=6, step=0.5, description="direction 1"),
    b=FloatSlider(0, min=-6, max=6, step=0.5, description="direction 2"),
    c=FloatSlider(0, min=-6, max=6, step=0.5, description="direction 3"),
)
def walk(a, b, c):
    z = latents[3] + np.array([a, b, c], "float32") @ directions
    display(gl.plotting.show_images(generate(z[None]), columns=1, scale=2.0))


# %%
steps = np.linspace(-6, 6, 9, dtype="float32")
plane = latents[3] + steps[:, None, None] * directions[0] + steps[None, :, None] * directions[1]
plane_images = generate(plane.reshape(81, -1))
gl.plotting.show_images(plane_images, columns=9, title="A plane through the latent space: directions 1 (down) and 2 (right)")

# %% [markdown]
# **What to look for.** Neighbours resemble each other, regions belong to one digit, and between the regions lie the images
# that are not quite one or the other. Far from the middle, where latents from $N(0, 1)$ hardly ever fall, the generator was
# never asked for anything, and its answers get worse.

# %% [markdown]
# ## How does a network learn to draw?
#
# By playing a game against a second network.
#
# | player | what it does | what it wants |
# | --- | --- | --- |
# | the **generator** $G$ | makes an image of a latent: $z \mapsto G(z)$ | that its images pass for real ones |
# | the **discriminator** $D$ | looks at an image and answers how likely it is to be real: $x \mapsto D(x)$ | to be right |
#
# Both start from random weights. $D$ learns from real images and from those of $G$ which is which. $G$ never sees a real
# image: all that it learns, it learns from how $D$'s answer changes with the pixels of $G(z)$. When even the best
# possible $D$ can no longer tell them apart, $G$ makes images as the real ones are made.
#
# That is a **generative adversarial network**, a GAN (Goodfellow et al., 2014,
# [arXiv:1406.2661](https://arxiv.org/abs/1406.2661)). In this package it takes three things, and trains like every other
# Keras model:

# %%
keras.utils.set_random_seed(0)
gan = gl.GAN(
    generator=gl.networks.mlp_generator((28, 28, 1), latent_dim=100),
    discriminator=gl.networks.mlp_discriminator((28, 28, 1)),
    latent_dim=100,
)
gl.plotting.show_images(gan.generate(8, seed=0), columns=8, title="A generator that has not been trained")

# %% [markdown]
# **What to look for.** Noise. Between this picture and the first one of this lesson there is nothing but the game. Lesson 01
# says what the game is, lesson 02 plays it, and the ones after it make it work on pictures in colour.
#
# ## The course
#
# {{course}}
#
# The lessons build on one another. Each can be run from top to bottom as it stands, and each has **exercises** that check
# themselves.

# %% [markdown]
# ## Exercises
#
# Replace the three dots by your answer, run the cell, and read what it says. A wrong answer gets a hint; a blank one does no
# harm. Try a wrong one, too.
#
# **1.** You want 16 images from `generator`. What is the shape of the latents that you have to give it?

# %%
shape = ...
gl.checks.start_here.latent_shape(shape)

# %% [markdown]
# **2.** For how many pixel values does each number of the latent have to serve? (Pixel values made, divided by numbers given.)

# %%
pixels_per_number = ...
gl.checks.start_here.numbers_made(pixels_per_number)


# %% [markdown]
# **3.** Image files hold pixels from 0 to 255, of type `uint8`. Write the conversion from the generator's range.


# %%
def to_pixels(images):
    return ...


gl.checks.start_here.to_pixels(to_pixels)


# %% [markdown]
# **4.** Write the straight way between two latents: at $t = 0$ you are at `start`, at $t = 1$ at `end`.


# %%
def between(start, end, t):
    return ...


gl.checks.start_here.between(between)

# %%
gl.checks.report("start_here")

# %% [markdown]
# ## Recap
#
# - A generator is a function from latents, $z \sim N(0, 1)$, to images; every latent is an image, and near latents are alike.
# - Half-way between two latents lies an image; half-way between two images lies a blur.
# - A GAN trains the generator against a discriminator. The generator never sees a real image.
#
# **References**
#
# - Goodfellow et al., *Generative Adversarial Nets*, 2014, [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Radford et al., *Unsupervised Representation Learning with Deep Convolutional GANs*, 2015,
#   [arXiv:1511.06434](https://arxiv.org/abs/1511.06434): walks through the latent space of a generator (theirs is
#   convolutional, as in lesson {{lesson:dcgan}}).
#
# Next: {{next}}
