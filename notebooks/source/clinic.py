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
# **Five GANs are sick, each by one wrong method. You look at the curves and the samples, find the fault, mend it, and
# see the same GAN healthy.**
#
# ![A generative adversarial network. Latents z go into the generator G, which makes fakes G(z). Real samples x and
# fakes go into the discriminator D, which outputs one logit for each. The gradient of D's loss changes D alone. The
# gradient of G's loss flows back through D and changes G alone.](../docs/diagrams/gan.svg)
#
# Each fault sits at one box or one arrow of this diagram. None of them raises an error. All of them stand in code that
# people have published and others have copied.

# %% [markdown]
# ## Before you start
#
# **What you need.** Lesson {{lesson:mlp_gan}}: you have written a training step there. A *training step* here is one
# turn of $D$ and one turn of $G$.
#
# **Mathematics.** $D$ outputs a **logit** $t$, any number: high for "real". The sigmoid $\sigma(t) = 1/(1 + e^{-t})$ turns
# it into a probability. The losses use $\text{softplus}(t) = \log(1 + e^t)$. It is positive everywhere, near 0 for $t$
# far below 0, and near $t$ for $t$ far above 0. It is the negative logarithm of a probability:
# $\text{softplus}(-t) = -\log\sigma(t)$ and $\text{softplus}(t) = -\log(1 - \sigma(t))$.
#
# **Time.** {{time}}, with the exercises.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # fewer messages

import numpy as np

import gan_lessons as gl
from gan_lessons import ward

# %% tags=["parameters"]
STEPS = 1500  # of each player, in each training
EXAMPLES = 10_000  # images of MNIST

# %% tags=["fast"]
STEPS = 4
EXAMPLES = 640

# %%
images, _, info = gl.data.arrays("mnist", examples=EXAMPLES)
pixels = np.round((images + 1) * 127.5).astype("uint8")  # as in an image file
print(f"{info.title}: {len(pixels)} images of {pixels.shape[1]}×{pixels.shape[2]}, {pixels.dtype}")
print(f"lowest {pixels.min()}, highest {pixels.max()}")

# %% [markdown]
# ## 1. What does a healthy training look like?
#
# `ward.SmallGAN` is a small GAN, written by hand as people write it. It has a method for each of its parts:
#
# | method | what it does |
# | --- | --- |
# | `batches(pixels)` | makes batches of images of the bytes |
# | `players()` | makes both networks |
# | `set_up()` | compiles the model, makes both optimizers |
# | `latents(count)`, `fakes(count)` | $z$, and $G(z)$ |
# | `logits(images)` | $D$'s outputs |
# | `d_loss(real_logits, fake_logits)`, `g_loss(fake_logits)` | what each player descends |
# | `discriminator_turn(real_images)`, `generator_turn(count)` | one step of each player |
#
# **Guess first.** $D$ is good at its job if its logits are high for real images and low for fakes. In a healthy
# training, does the gap between them grow, shrink, or stay?

# %%
healthy = ward.SmallGAN()
health = ward.train(healthy, pixels, STEPS)
ward.chart(healthy, health, "A healthy GAN")

# %% tags=["test"]
if STEPS == 1500:
    assert 0.5 < health["d_loss"][-1] < 1.4 and 0.6 < health["g_loss"][-1] < 2.5
    assert health["d_fake"][-1] < 0 < health["d_real"][-1]

# %% [markdown]
# TODO healthy text
#
# Every patient below is this class with **one** method replaced. You see its chart first.
#
# ## 2. Can both players win?

# %%
patient = gl.checks.clinic.patient_1.sick()
history = ward.train(patient, pixels, STEPS)
ward.chart(patient, history, "Patient 1")

# %% tags=["test"]
if STEPS == 1500:
    assert history["d_loss"][-1] < 0.05 and history["g_loss"][-1] < 0.05
    assert history["d_real"][-1] < -3 and history["d_fake"][-1] > 3

# %% [markdown]
# **Predict.** Both losses fall to 0, which looks like success. Look at the logits, too: which kind of image does $D$
# call real? Then name the method that you would look at first. Here it is:

# %%
gl.checks.clinic.patient_1.code

# %% [markdown]
# ### Exercise 1 · Patient 1
#
# Write the method as it should be. `ops` has `mean` and `softplus`.

# %%
from keras import ops


def d_loss(self, real_logits, fake_logits):
    return ...


gl.checks.clinic.patient_1(d_loss)

# %% [markdown]
# The same patient, with your method in place of the wrong one:

# %%
mended = gl.checks.clinic.patient_1.mended(d_loss)
history = ward.train(mended, pixels, STEPS)
ward.chart(mended, history, "Patient 1, mended")

# %% tags=["test"]
if STEPS == 1500:
    assert np.allclose(history["d_loss"], health["d_loss"], atol=1e-3)  # the healthy training, from the same seed

# %% [markdown]
# The labels were swapped in one of the two losses. $D$ learnt to give fakes a high logit, which is what $G$ wants, so
# nobody opposed $G$. **A loss cannot tell that it is wrong itself.** What is lower than a healthy loss is not better.
#
# ## 3. Which player stands still?

# %%
patient = gl.checks.clinic.patient_2.sick()
history = ward.train(patient, pixels, STEPS)
ward.chart(patient, history, "Patient 2")

# %% tags=["test"]
if STEPS == 1500:
    assert history["d_loss"][-1] < 0.1 and history["g_loss"][-1] > 3

# %%
other = gl.checks.clinic.patient_3.sick()
other_history = ward.train(other, pixels, STEPS)
ward.chart(other, other_history, "Patient 3")

# %% tags=["test"]
if STEPS == 1500:
    assert other_history["g_loss"][-1] < 0.1 and other_history["d_fake"][-1] > 3

# %% [markdown]
# **Predict.** In each of the two, one player wins every time, and the other does not learn. Which one stands still in
# patient 2, and which in patient 3?
#
# You need no curve to answer. Take one training step, and measure by how much the weights of each player change:


# %%
def who_moves(gan, data):
    """The largest change of a weight in one training step: of G, of D."""
    batch = next(iter(gan.batches(data)))
    changes = ward.moved(gan, lambda: gan.train_step(batch))  # after - before, all weights of each player
    return [float(np.abs(change).max()) for change in changes]


for name, gan in {"healthy": healthy, "patient 2": patient, "patient 3": other}.items():
    g, d = who_moves(gan, pixels)
    print(f"{name:10} G {g:.1e}   D {d:.1e}")

# %% tags=["test"]
assert who_moves(patient, pixels)[0] == 0 < who_moves(patient, pixels)[1]
assert who_moves(other, pixels)[1] == 0 < who_moves(other, pixels)[0]

# %% [markdown]
# A change of exactly 0 is no small step: no step was taken at all. Patient 2's $G$ never leaves its first weights, so
# its samples stay noise, and $D$ has an easy task. Patient 3's $D$ is a random function that never changes; $G$ finds
# images that this function calls real, and they need not be digits.
#
# Why does patient 2's $G$ not move? Its $G$ has an optimizer, and a turn:

# %%
gl.checks.clinic.patient_2.code

# %% [markdown]
# ### Exercise 2 · Patient 2
#
# A tape knows what was computed inside its `with`. Write the turn as it should be. (`tf` is TensorFlow.)

# %%
import tensorflow as tf


def generator_turn(self, count):
    return ...


gl.checks.clinic.patient_2(generator_turn)

# %% [markdown]
# And patient 3's $D$?

# %%
gl.checks.clinic.patient_3.code

# %% [markdown]
# ### Exercise 3 · Patient 3
#
# The comment says why the author froze $D$. Who says that $G$'s turn moves $D$? Look at `generator_turn`. Then write
# `set_up` as it should be.

# %%
import keras


def set_up(self):
    return ...


gl.checks.clinic.patient_3(set_up)

# %%
mended = {
    "patient 2": gl.checks.clinic.patient_2.mended(generator_turn),
    "patient 3": gl.checks.clinic.patient_3.mended(set_up),
}
for name, gan in mended.items():
    ward.train(gan, pixels, STEPS)
    print(f"{name}, mended:", [f"{change:.1e}" for change in who_moves(gan, pixels)])

# %%
rows = {name: ward.samples(gan, 10) for name, gan in mended.items()}
gl.plotting.image_rows(rows, title="Samples of both, mended")

# %% tags=["test"]
assert all(min(who_moves(gan, pixels)) > 0 for gan in mended.values())

# %% [markdown]
# - **Patient 2.** The fakes were made before the tape began. So the tape knew no way from the loss to $G$'s weights,
#   every gradient was `None`, and Keras raised an error: *No gradients provided*. The author silenced it with zeros.
#   `.numpy()`, `predict` and `tf.stop_gradient` cut $G$ off in the same way.
# - **Patient 3.** In Keras 2 a model kept the weights that were trainable when it was *compiled*, so people froze $D$
#   before they compiled the model in which $G$ is trained. In Keras 3 the flag counts when the step is *taken*. The
#   line is needed by nobody: $G$'s turn applies gradients to $G$'s weights alone.

# %% [markdown]
# ## 4. What do the samples try to reach?

# %%
patient = gl.checks.clinic.patient_4.sick()
history = ward.train(patient, pixels, STEPS)
ward.chart(patient, history, "Patient 4")

# %% tags=["test"]
if STEPS == 1500:
    assert abs(np.median(ward.samples(patient, 100))) < 0.3  # the background is grey

# %% [markdown]
# **Predict.** Both players move (you may ask `who_moves`). Digits are there. What is wrong with the picture, and which
# method would make it so?

# %%
gl.checks.clinic.patient_4.code

# %% [markdown]
# ### Exercise 4 · Patient 4
#
# Find the line, and write the method as it should be.


# %%
def batches(self, pixels):
    return ...


gl.checks.clinic.patient_4(batches)

# %%
mended = gl.checks.clinic.patient_4.mended(batches)
history = ward.train(mended, pixels, STEPS)
rows = {"sick": ward.samples(patient, 10), "mended": ward.samples(mended, 10)}
gl.plotting.image_rows(rows, title="Patient 4, before and after")

# %% tags=["test"]
if STEPS == 1500:
    assert np.median(ward.samples(mended, 100)) < -0.9

# %% [markdown]
# The real images lay in $[0, 1]$, with a background of 0. $G$ ends in a $\tanh$, whose range is $[-1, 1]$, so 0 is its
# *middle*. TODO why
#
# ## 5. Why do the curves stop here?

# %%
patient = gl.checks.clinic.patient_5.sick()
history = ward.train(patient, pixels, STEPS)
ward.chart(patient, history, "Patient 5")

# %% [markdown]
# Compare with the healthy chart of section 1. TODO
#
# **Predict.** What keeps D's logits in this range?

# %%
print(f"D's loss at the end: {history['d_loss'][-1]:.3f}")
gl.checks.clinic.patient_5.code

# %% [markdown]
# ### Exercise 5 · The lowest loss
#
# Whatever $D$ learns, this method outputs numbers between 0 and 1. The loss is
# $\text{softplus}(-t)$ for a real image and $\text{softplus}(t)$ for a fake, added. What is the lowest value that
# $D$'s loss can come near?

# %%
lowest = ...
gl.checks.clinic.lowest_loss(lowest)

# %% [markdown]
# ### Exercise 6 · Patient 5
#
# Write the method as it should be.


# %%
def logits(self, images):
    return ...


gl.checks.clinic.patient_5(logits)

# %%
mended = gl.checks.clinic.patient_5.mended(logits)
mended_history = ward.train(mended, pixels, STEPS)
rows = {"sick": ward.samples(patient, 10), "mended": ward.samples(mended, 10)}
gl.plotting.image_rows(rows, title="Patient 5, before and after")

# %% [markdown]
# TODO
#
# ## 6. What a doctor finds
