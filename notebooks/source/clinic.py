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
# Each fault sits at one box or one arrow of this diagram. None of them raises an error, and all of them stand in code
# that people have published and others have copied.

# %% [markdown]
# ## Before you start
#
# **What you need.** Lesson {{lesson:mlp_gan}}, where you write a training step. A *training step* is one turn of $D$
# and one turn of $G$.
#
# **Mathematics.** $D$ outputs a **logit** $t$, any number: high for "real". The sigmoid $\sigma(t) = 1/(1 + e^{-t})$
# turns it into a probability. The losses use $\text{softplus}(t) = \log(1 + e^t)$, the negative logarithm of a
# probability: $\text{softplus}(-t) = -\log\sigma(t)$ and $\text{softplus}(t) = -\log(1 - \sigma(t))$.
#
# **Time.** {{time}}, with the exercises.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # fewer messages

import keras
import numpy as np
import tensorflow as tf
from keras import ops

import gan_lessons as gl
from gan_lessons import ward

print("Keras", keras.__version__, "on TensorFlow", tf.__version__)

# %% tags=["parameters"]
STEPS = 600  # of each player, in each training
EXAMPLES = 10_000  # images of MNIST

# %% tags=["fast"]
STEPS = 4
EXAMPLES = 640

# %%
images, _, info = gl.data.arrays("mnist", examples=EXAMPLES)
pixels = np.round((images + 1) * 127.5).astype("uint8")  # as in an image file
print(f"{info.title}: {len(pixels)} images of {pixels.shape[1]}×{pixels.shape[2]}")
print(f"{pixels.dtype}, from {pixels.min()} to {pixels.max()}")
print("softplus of −5, 0 and 5:", ops.softplus([-5.0, 0.0, 5.0]).numpy().round(3))

# %% [markdown]
# ## 1. What does a healthy training look like?
#
# `ward.SmallGAN` is a small GAN, written by hand as people write it. It has a method for each of its parts:
#
# | method | what it does |
# | --- | --- |
# | `batches(pixels)` | turns the bytes of image files into batches of images |
# | `players()`, `last_layer()` | make both networks; $D$'s last layer |
# | `set_up()` | compiles the model, makes both optimizers |
# | `latents(count)`, `fakes(count)` | $z$, and $G(z)$ |
# | `logits(images)` | $D$'s outputs |
# | `d_loss(real_logits, fake_logits)`, `g_loss(fake_logits)` | what each player descends |
# | `discriminator_turn(real_images)`, `generator_turn(count)` | one step of each player |
#
# **Guess first.** $D$ is good at its job if its logits are high for real images and low for fakes. In a healthy
# training of several hundred steps, does the gap between the two grow from the first step to the last?

# %%
healthy = ward.SmallGAN()
health = ward.train(healthy, pixels, STEPS)
ward.chart(healthy, health, "A healthy GAN")

# %% tags=["test"]
if STEPS == 600:
    assert health["d_loss"][-1] < 1.4 and health["g_loss"][-1] < 3
    assert health["d_fake"][-1] < 0 < health["d_real"][-1]

# %% [markdown]
# The gap is widest within the first hundred steps, when $G$ draws grey spots, and then shrinks. That is what success
# looks like here: the fakes become harder to tell. $D$'s loss rises towards $2 \log 2 = 1.39$, its value if $D$
# cannot tell at all, and $G$'s loss falls towards $\log 2 = 0.69$. **Neither loss runs to 0**, real images keep a
# logit above 0 and fakes one below it, and after six hundred steps many samples are digits, or nearly.
#
# Every patient below is this class with **one** method replaced. You see its chart first, then the method.
# `gl.checks.clinic.patient_1.sick` is the first one's class, `.code` shows its wrong method, and `.mended(method)`
# makes a GAN with your method in its place.
#
# ## 2. Can both players win?

# %%
patient = gl.checks.clinic.patient_1.sick()
history = ward.train(patient, pixels, STEPS)
ward.chart(patient, history, "Patient 1")

# %% tags=["test"]
if STEPS == 600:
    assert history["d_loss"][-1] < 0.1 and history["g_loss"][-1] < 0.1
    assert history["d_real"][-1] < 0 < history["d_fake"][-1]

# %% [markdown]
# **Predict.** Both losses fall to 0, as the losses of a classifier do when it learns. But these two are opponents.
# Look at the logits: which kind of image does $D$ call real? Which method would you read first?

# %%
gl.checks.clinic.patient_1.code

# %% [markdown]
# ### Exercise 1 · Patient 1
#
# Write the method as it should be.


# %%
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
if STEPS == 600:
    assert history["d_fake"][-1] < 0 < history["d_real"][-1] and history["g_loss"][-1] > 0.5

# %% [markdown]
# The labels were swapped in one of the two losses. $D$ learnt to give fakes a high logit, which is what $G$ wants, so
# nobody opposed $G$. **A loss cannot tell that it is wrong itself**, and a very low loss is no success.
#
# ## 3. Which player stands still?
#
# Two patients, each with a player that wins every time.

# %%
patient = gl.checks.clinic.patient_2.sick()
history = ward.train(patient, pixels, STEPS)
ward.chart(patient, history, "Patient 2")

# %% tags=["test"]
if STEPS == 600:
    assert history["d_loss"][-1] < 0.2 and history["g_loss"][-1] > 2

# %%
other = gl.checks.clinic.patient_3.sick()
other_history = ward.train(other, pixels, STEPS)
ward.chart(other, other_history, "Patient 3")

# %% tags=["test"]
if STEPS == 600:
    assert other_history["g_loss"][-1] < 0.2 and np.ptp(other_history["d_real"]) < 0.05

# %% [markdown]
# **Predict.** In each of the two, one player does not learn at all. Which one stands still in patient 2, and which in
# patient 3?
#
# You need no curve to answer. Take one training step, and measure by how much the weights of each player change:


# %%
def who_moves(gan):
    """The largest change of a weight in one training step: of G, of D."""
    batch = next(iter(gan.batches(pixels)))
    changes = ward.moved(gan, lambda: gan.train_step(batch))  # all weights, after − before, of each player
    return [float(np.abs(change).max()) for change in changes]


for name, gan in {"healthy": healthy, "patient 2": patient, "patient 3": other}.items():
    g, d = who_moves(gan)
    print(f"{name:10} G {g:.1e}   D {d:.1e}")

# %% tags=["test"]
assert who_moves(patient)[0] == 0 < who_moves(patient)[1]
assert who_moves(other)[1] == 0 < who_moves(other)[0]

# %% [markdown]
# A change of exactly 0 is no small step: no step was taken. Patient 2's $G$ keeps its first weights, so its samples
# never change, and $D$ has an easy task. Patient 3's $D$ is a random function: its mean logit of real images is a
# straight line. $G$ finds images that this function calls real, and they need not be digits.
#
# Why does patient 2's $G$ not move? It has an optimizer, and a turn:

# %%
gl.checks.clinic.patient_2.code

# %% [markdown]
# ### Exercise 2 · Patient 2
#
# A `GradientTape` records what is computed inside its `with`. Write the turn as it should be.


# %%
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
# The comment says why the author froze $D$. Does $G$'s turn move $D$ without that line? Look at the turn above. Then
# write `set_up` as it should be.


# %%
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
    print(f"{name}, mended:", [f"{change:.1e}" for change in who_moves(gan)])

# %%
rows = {name: ward.samples(gan, 10) for name, gan in mended.items()}
gl.plotting.image_rows(rows, title="Samples of both, mended")

# %% tags=["test"]
assert all(min(who_moves(gan)) > 0 for gan in mended.values())

# %% [markdown]
# - **Patient 2.** The fakes were made before the tape began, so the tape knew no way from the loss to $G$'s weights.
#   Every gradient was `None`, and Keras raised an error: *No gradients provided*. The author silenced it with zeros.
#   `.numpy()`, `predict` and `tf.stop_gradient` cut $G$ off in the same way.
# - **Patient 3.** In Keras 2 a model kept the weights that were trainable when it was *compiled*, so people froze $D$
#   before they compiled the model that trains $G$. In Keras 3 the flag counts when the step is *taken*. Nobody needs
#   the line: $G$'s turn applies gradients to $G$'s weights alone.
#
# ## 4. What do the samples try to reach?

# %%
patient = gl.checks.clinic.patient_4.sick()
history = ward.train(patient, pixels, STEPS)
ward.chart(patient, history, "Patient 4")

# %% tags=["test"]
if STEPS == 600:
    assert abs(np.median(ward.samples(patient, 100))) < 0.3  # the background is grey
    assert min(who_moves(patient)) > 0

# %% [markdown]
# **Predict.** Both players move. What is wrong with these samples? Which method could make $G$ draw so?

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
ward.train(mended, pixels, STEPS)
rows = {"sick": ward.samples(patient, 10), "mended": ward.samples(mended, 10)}
gl.plotting.image_rows(rows, title="Patient 4, before and after")

# %% tags=["test"]
if STEPS == 600:
    assert np.median(ward.samples(mended, 100)) < -0.9

# %% [markdown]
# The real images lay in $[0, 1]$, with a background of 0. $G$ ends in a $\tanh$, whose range is $[-1, 1]$, so 0 is
# the *middle* of what $G$ can draw: $G$ did learn its task, and drew white digits on grey. Nothing here raises an
# error, since 0 to 1 is a part of −1 to 1. The task is harder than the right one. A $\tanh$ holds its ends, −1 and 1,
# by itself, as its slope is near 0 there. At 0 its slope is 1, and every disturbance shows in the background: $D$ has
# something to find, and its logits stay about 3½ apart, in place of about 1½ in the healthy chart.
#
# ## 5. Where can a curve not go?

# %%
patient = gl.checks.clinic.patient_5.sick()
history = ward.train(patient, pixels, STEPS)
ward.chart(patient, history, "Patient 5")

# %% tags=["test"]
if STEPS == 600:
    assert min(history["d_loss"]) > 1.006 and 0 <= min(history["d_fake"]) and max(history["d_real"]) <= 1

# %% [markdown]
# **Predict.** Compare with the healthy chart. In which range do $D$'s logits stay here, and what could keep them in
# it?

# %%
gl.checks.clinic.patient_5.code

# %% [markdown]
# ### Exercise 5 · The lowest loss
#
# Whatever $D$ learns, this layer outputs numbers between 0 and 1. The loss is $\text{softplus}(-t)$ for a real image,
# plus $\text{softplus}(t)$ for a fake. Which value can $D$'s loss come near, and never fall below?

# %%
lowest = ...
gl.checks.clinic.lowest_loss(lowest)

# %% [markdown]
# ### Exercise 6 · Patient 5
#
# Write the method as it should be, with `keras.layers` in place of `layers`.


# %%
def last_layer(self):
    return ...


gl.checks.clinic.patient_5(last_layer)

# %%
mended = gl.checks.clinic.patient_5.mended(last_layer)
mended_history = ward.train(mended, pixels, STEPS)
rows = {"sick": ward.samples(patient, 10), "mended": ward.samples(mended, 10)}
gl.plotting.image_rows(rows, title="Patient 5, before and after")

# %% [markdown]
# In numbers: the lowest loss of $D$ in each training, and the Fréchet distance of 1,000 samples to 1,000 real images,
# where less is better (lesson {{lesson:quality}}).

# %%
print(f"D's lowest loss: sick {min(history['d_loss']):.3f}, mended {min(mended_history['d_loss']):.3f}")
score = gl.metrics.FrechetDistance("mnist")
score.update_real(images[:1000])
for name, gan in {"sick": patient, "mended": mended}.items():
    score.reset_state()
    score.update_state(ward.samples(gan, 1000))
    print(f"Fréchet distance in MNIST features, 1,000 samples, {name}: {score.result():.1f}")

# %% [markdown]
# 1.006: after about a hundred steps the curve lies on it, and $G$'s loss at $\log 2 = 0.693$. $D$ has won as far as
# it can. In published code this last layer stands beside `from_logits=True`, which means the same as the softplus
# here: *the loss takes logits*. Then the sigmoid comes twice, and every gradient passes through the slope of the
# first one, $\sigma(v)(1 - \sigma(v))$. That is at most ¼, and near 0 once $D$ is sure, so that nothing reaches $G$.
# The loss's own sigmoid does no such harm: the slope of $\text{softplus}(-t)$ comes near −1 where $D$ is sure of a
# fake.
#
# ## 6. What does a doctor find?
#
# You have asked the same few questions of every patient: what is $D$ shown, who moves, what can $D$ output, do the
# losses disagree? `gl.diagnose(gan, data)` asks them all. It lets a GAN take a few steps, looks, and puts everything
# back. This is patient 1, before its first training step:

# %%
patient = gl.checks.clinic.patient_1.sick()
gl.diagnose(patient, patient.batches(pixels))

# %% [markdown]
# Read the *evidence* first: it has the numbers. Now the other four, and the healthy one:

# %%
findings = {"healthy": gl.diagnose(ward.SmallGAN(), healthy.batches(pixels)).names}
for number in (2, 3, 4, 5):
    patient = getattr(gl.checks.clinic, f"patient_{number}").sick()
    findings[f"patient {number}"] = gl.diagnose(patient, patient.batches(pixels)).names
for name, found in findings.items():
    print(f"{name:10} {', '.join(found) or 'nothing found'}")

# %% tags=["test"]
assert not findings["healthy"] and all(found for name, found in findings.items() if name != "healthy")

# %% [markdown]
# ## What the doctor does not see
#
# "Nothing found" means: none of the faults that it knows. It does not mean *good*. An untrained GAN is healthy by
# that measure, and so is a GAN with too small a network, too few images or too little time. A score tells of these;
# see lesson {{lesson:quality}}. And no doctor knows what you *meant*.

# %%
gl.checks.report("clinic")

# %% [markdown]
# ## Recap
#
# - A loss cannot tell that it is wrong itself. If both players win, one loss asks for the wrong thing.
# - Ask who moves in one step. A change of exactly 0 has a cause in the code.
# - Make the fakes inside the tape. In Keras 3, freeze nobody.
# - Real images and fakes need the same range: print the minimum and the maximum of a batch.
# - Know the lowest value that a loss can reach, and look whether the curve stays above it.
#
# **References**
#
# - Goodfellow et al., *Generative Adversarial Nets*, 2014, [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Lucic et al., *Are GANs Created Equal?*, 2017, [arXiv:1711.10337](https://arxiv.org/abs/1711.10337): much of what
#   is reported as a better loss is a better search for settings.
#
# Next: {{next}}
