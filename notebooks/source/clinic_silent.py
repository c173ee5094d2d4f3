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
# # {{number}} The clinic II: what no curve shows
#
# **Six more GANs are sick, and their curves look much like healthy ones. You find each fault by a question that takes
# one step, not one training.**
#
# ![A Wasserstein GAN with gradient penalty. The critic f outputs a number for each real sample x and each fake G(z).
# Between a real sample and a fake lies a point x̂; the penalty asks that the critic's slope there have length 1.
# Difference and penalty change the critic; only the fakes' mean changes the generator.](../docs/diagrams/wgan.svg)
#
# The first three patients are GANs of digits. The other three are critics, with the parts of this diagram.

# %% [markdown]
# ## Before you start
#
# **What you need.** Lesson {{lesson:clinic}}, and lesson {{lesson:wgan}} for the critic and the penalty on its slope.
#
# **Mathematics.** $\text{softplus}(t) = \log(1 + e^t)$, which is close to $t$ for a large $t$. The cross-entropy of a
# logit $t$ with a target $y$, which is $-y \log\sigma(t) - (1 - y) \log(1 - \sigma(t))$, equals $\text{softplus}(t) -
# y\,t$. The length of a vector, the derivative of a root, uniform and normal random numbers, the correlation of two
# columns of numbers (1: they rise together, 0: neither tells anything about the other).
#
# **Time.** {{time}}, with the exercises.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # fewer messages

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

import gan_lessons as gl
from gan_lessons import ward

# %% tags=["parameters"]
STEPS = 600  # of each player, in each training on digits
CRITIC_STEPS = 1500  # of the generator, in each training on points; the critic takes five times as many
EXAMPLES = 10_000  # images of MNIST

# %% tags=["fast"]
STEPS = 4
CRITIC_STEPS = 4
EXAMPLES = 640

# %%
images, _, info = gl.data.arrays("mnist", examples=EXAMPLES)
pixels = np.round((images + 1) * 127.5).astype("uint8")  # as in an image file
healthy = ward.SmallGAN()
health = ward.train(healthy, pixels, STEPS)
ward.chart(healthy, health, "A healthy GAN")

# %% [markdown]
# This is the healthy GAN of lesson {{lesson:clinic}}. Every patient is this class, or in the second half its
# Wasserstein form, with one method replaced.
#
# ## 1. Do the curves tell?
#
# This patient's author wrote the pipeline before the images had been downloaded, and forgot to come back to it: $D$
# gets noise as "real".


# %%
class NoiseAsReal(ward.SmallGAN):
    def batches(self, pixels):
        images = np.random.default_rng(0).uniform(-1, 1, pixels.shape).astype("float32")  # until the files are there
        data = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images), seed=0)
        return data.batch(self.batch_size, drop_remainder=True)


# %% [markdown]
# **Predict.** You have read the code, so you know what the samples will be. What will the curves look like?

# %%
noisy = NoiseAsReal()
history = ward.train(noisy, pixels, STEPS)
ward.chart(noisy, history, "Noise as real")

# %% [markdown]
# Cover the samples. Neither loss runs to 0, real images keep a logit above 0 and fakes one below it, and the gap
# shrinks in the second half: by the curves this GAN learns, if more slowly than the healthy one. And so it does. $G$
# learns what it is asked for, and what it is asked for is noise.
#
# A look at what $D$ gets takes one batch. In an image, neighbouring pixels are alike:


# %%
def neighbours(images):
    """The correlation of a pixel with its neighbour to the right."""
    return np.corrcoef(images[:, :, 1:].ravel(), images[:, :, :-1].ravel())[0, 1]


for name, gan in {"healthy": healthy, "noise as real": noisy}.items():
    batch = next(iter(gan.batches(pixels))).numpy()
    print(f"{name:14} from {batch.min():.2f} to {batch.max():.2f}, neighbours correlate by {neighbours(batch):.2f}")

# %% tags=["test"]
assert abs(neighbours(batch)) < 0.05 and neighbours(pixels) > 0.5

# %% [markdown]
# **Look at a batch, just before it goes into `fit`**: `gl.plotting.show_images(batch)` draws it.
#
# ## 2. Ask twice: what differs?

# %%
patient = gl.checks.clinic_silent.patient_1.sick()
history = ward.train(patient, pixels, STEPS)
ward.chart(patient, history, "Patient 1")

# %% [markdown]
# The curves are those of a healthy GAN, and still the samples are smudges. They come from latents that $G$ has not
# met in its training.
#
# **Predict.** Draw latents twice, and batches of images twice. What must differ between the two, and what differs
# here?


# %%
def ask_twice(gan):
    """The largest difference of two draws: of latents, of batches."""
    batches = gan.batches(pixels).repeat()
    first, second = [(gan.latents(64), batch) for batch in batches.take(2)]
    return [float(np.abs(one - two).max()) for one, two in zip(first, second)]


for name, gan in {"healthy": healthy, "patient 1": patient}.items():
    latents, batches = ask_twice(gan)
    print(f"{name:10} latents differ by {latents:.2f}, batches by {batches:.2f}")

# %% tags=["test"]
assert ask_twice(patient)[0] == 0 < min(ask_twice(healthy))

# %%
gl.checks.clinic_silent.patient_1.code

# %% [markdown]
# ### Exercise 1 · Patient 1
#
# The author wants a training that can be repeated exactly. `self.random` is a `keras.random.SeedGenerator`, made with
# the model's seed. Write the method as it should be.


# %%
def latents(self, count):
    return ...


gl.checks.clinic_silent.patient_1(latents)

# %%
mended = gl.checks.clinic_silent.patient_1.mended(latents)
mended_history = ward.train(mended, pixels, STEPS)
rows = {
    "sick, its own latents": ops.convert_to_numpy(patient.fakes(64))[:10],  # those of its training
    "sick, others": ward.samples(patient, 10),
    "mended, others": ward.samples(mended, 10),
}
gl.plotting.image_rows(rows, title="Patient 1, before and after")

# %% [markdown]
# The first row answers why the curves looked healthy. $G$ was trained on the same 64 latents in every step. On these
# it draws digits, and these 64 fakes are all that $D$ ever gets, so all that the losses know. What $G$ does
# elsewhere, nobody asked. The same happens without an integer as seed: NumPy's random numbers, drawn inside a
# training step, are drawn once, when TensorFlow compiles the step.
#
# ## 3. Ask at the ends: what does a very sure D pay?
#
# "Noise in the labels helps" is advice that people pass on. This author has followed it.

# %%
patient = gl.checks.clinic_silent.patient_2.sick()
history = ward.train(patient, pixels, STEPS)
ward.chart(patient, history, "Patient 2")

# %% [markdown]
# **Predict.** Look at $D$'s loss in the first steps. It is the mean of negative logarithms of probabilities. What is
# odd about it? The samples do not show it, and later the curves do not either.

# %%
gl.checks.clinic_silent.patient_2.code

# %% [markdown]
# `ops.softplus(real_logits) - targets * real_logits` is the cross-entropy. The targets are noisy, as meant: they lie
# between 1 and 1.3, and their mean is 1.15.
#
# ### Exercise 2 · The loss of a sure D
#
# A real image has the logit $t = 1000$: $D$ is right, and very sure. What is its cross-entropy,
# $\text{softplus}(t) - y\,t$, with the target $y = 1.15$?

# %%
loss = ...
gl.checks.clinic_silent.lowest_loss(loss)

# %% [markdown]
# ### Exercise 3 · Patient 2
#
# Write the loss so that it has a lowest value for every image. Keep the noise in the labels of real images, or leave
# it out.


# %%
def d_loss(self, real_logits, fake_logits):
    return ...


gl.checks.clinic_silent.patient_2(d_loss)

# %%
mended = gl.checks.clinic_silent.patient_2.mended(d_loss)
mended_history = ward.train(mended, pixels, STEPS)
sure = tf.fill((64, 1), 1000.0)
for name, gan in {"healthy": healthy, "patient 2": patient, "mended": mended}.items():
    print(f"{name:10} D's loss where it is right and very sure: {float(gan.d_loss(sure, -sure)):8.1f}")

# %% tags=["test"]
assert float(patient.d_loss(sure, -sure)) < -100 and float(healthy.d_loss(sure, -sure)) == 0
assert float(mended.d_loss(sure, -sure)) >= 0

# %%
print("at the end   D's loss   D's logit of real images")
for name, curves in {"healthy": health, "patient 2": history, "mended": mended_history}.items():
    print(f"{name:10} {curves['d_loss'][-1]:10.2f} {curves['d_real'][-1]:10.2f}")

# %% [markdown]
# A target above 1 rewards $D$ for every bit of further certainty, without end: there is no lowest loss to come to
# rest at. In the first steps of the chart $D$'s loss is **below 0**, which no cross-entropy with targets from 0 to 1
# can be, and its logits of real images are far higher than the healthy ones. Later $G$ holds $D$ back, and the curve
# looks like others. One-sided smoothing goes the other way: targets *below* 1 for real images, and exactly 0 for
# fakes (Salimans et al., 2016).
#
# ## 4. A critic: what if it is flat?
#
# The other patients are WGANs of points. `ward.SmallWGAN` is `ward.SmallGAN` with Wasserstein losses, five steps of
# the critic in each training step, and a penalty in three methods: `between` draws the points $\hat x$, `lengths`
# turns gradients into their lengths, `penalty` puts them together.

# %%
ring = gl.toys.ring(std=0.05)
points = ring.sample(10_000, seed=0)
critic = ward.SmallWGAN()
critic_health = ward.train(critic, points, CRITIC_STEPS)
ward.chart(critic, critic_health, "A healthy WGAN", toy=ring)

# %%
patient = gl.checks.clinic_silent.patient_3.sick()
history = ward.train(patient, points, CRITIC_STEPS)
ward.chart(patient, history, "Patient 3", toy=ring)

# %% tags=["test"]
assert np.isfinite(history["d_loss"]).all()
if CRITIC_STEPS == 1500:
    shares = [gl.toys.share_on_modes(ward.samples(gan, 1000), ring) for gan in (critic, patient)]
    assert min(shares) > 0.3

# %% [markdown]
# **Predict.** This training went well. Here is the method. Can it ever go wrong?

# %%
gl.checks.clinic_silent.patient_3.code

# %% [markdown]
# Put something in whose answer you know. Let the critic's last layer begin with zeros, as some networks do: the
# critic is flat, and its slope is 0 everywhere.

# %%
for name, kind in {"healthy": ward.SmallWGAN, "patient 3": gl.checks.clinic_silent.patient_3.sick}.items():
    gan = kind()
    gan.discriminator.layers[-1].kernel.assign(np.zeros((64, 1)))
    losses = [float(gan.train_step(batch)["d_loss"]) for batch in gan.batches(points).take(3)]
    print(f"{name:10} mean of D's loss after 1, 2, 3 steps:", *(f"{loss:.3f}" for loss in losses))

# %% tags=["test"]
assert np.isnan(losses[-1])

# %% [markdown]
# One step, and every weight is NaN. The derivative of $\sqrt s$ is $1/(2\sqrt s)$, which is infinite at $s = 0$. The
# square inside the root has the derivative 0 there, and infinity times 0 is NaN.
#
# ### Exercise 4 · Patient 3
#
# Write the method so that it is finite everywhere, and changes no length that matters.


# %%
def lengths(self, gradients):
    return ...


gl.checks.clinic_silent.patient_3(lengths)

# %%
mended = gl.checks.clinic_silent.patient_3.mended(lengths)
mended.discriminator.layers[-1].kernel.assign(np.zeros((64, 1)))
losses = [float(mended.train_step(batch)["d_loss"]) for batch in mended.batches(points).take(3)]
print("mended     mean of D's loss after 1, 2, 3 steps:", *(f"{loss:.3f}" for loss in losses))

# %% tags=["test"]
assert np.isfinite(losses).all()

# %% [markdown]
# ## 5. Where does the penalty look?

# %%
patient = gl.checks.clinic_silent.patient_4.sick()
history = ward.train(patient, points, CRITIC_STEPS)
ward.chart(patient, history, "Patient 4", toy=ring)

# %% [markdown]
# The penalty asks for the slope at $\hat x = \alpha x + (1 - \alpha)\, G(z)$. Again, put something in whose answer
# you know: if every real point is 1 and every fake is 0, then $\hat x$ is $\alpha$ itself.

# %%
for name, gan in {"healthy": critic, "patient 4": patient}.items():
    alpha = ops.convert_to_numpy(gan.between(tf.ones((10_000, 2)), tf.zeros((10_000, 2))))[:, 0]
    inside = np.mean((alpha >= 0) & (alpha <= 1))
    print(f"{name:10} α from {alpha.min():.2f} to {alpha.max():.2f}; {inside:.0%} in [0, 1]")

# %% tags=["test"]
assert abs(inside - 0.3413) < 0.02  # of a normal distribution

# %% [markdown]
# **Predict.** From which distribution is patient 4's $\alpha$?

# %%
gl.checks.clinic_silent.patient_4.code

# %% [markdown]
# ### Exercise 5 · Patient 4
#
# Write the method so that $\hat x$ lies between the two, everywhere with the same probability.


# %%
def between(self, real_points, fake_points):
    return ...


gl.checks.clinic_silent.patient_4(between)

# %%
mended = gl.checks.clinic_silent.patient_4.mended(between)
ward.train(mended, points, CRITIC_STEPS)
for name, gan in {"healthy": critic, "patient 4": patient, "mended": mended}.items():
    fakes = ward.samples(gan, 2000)
    modes, share = gl.toys.modes_covered(fakes, ring), gl.toys.share_on_modes(fakes, ring)
    print(f"{name:10} {modes} of 8 modes, {share:.0%} of the fakes on one")

# %% [markdown]
# About a third of a normal distribution lies in $[0, 1]$. With the rest the penalty asks for the slope beyond the
# real points and behind the fakes, where it need not be 1. In this run the samples suffer for it: most of them lie on
# no mode. The critic's loss does not tell. It stays near 0 in both charts, since it is a *difference* of two outputs
# that move together. (Their common level means nothing: the losses do not change if you add a constant to the
# critic.)
#
# ## 6. What does an output depend on?
#
# The last patient's author gave the critic `BatchNormalization`, as discriminators often have it.


# %%
class BatchNormed(ward.SmallWGAN):
    def players(self):
        generator, _ = super().players()
        hidden = [layers.Dense(64, "relu"), layers.BatchNormalization(), layers.Dense(64, "relu")]
        return generator, keras.Sequential([keras.Input((2,)), *hidden, layers.Dense(1)])


normed = BatchNormed()
history = ward.train(normed, points, CRITIC_STEPS)
ward.chart(normed, history, "BatchNormalization in the critic", toy=ring)

# %% [markdown]
# **Predict.** Put the same point into the critic twice, each time among 63 other points. Does it output the same
# number?

# %%
batches = [np.concatenate([points[:1], others]) for others in (points[1:64], points[64:127])]
for name, gan in {"healthy": critic, "with BatchNormalization": normed}.items():
    first, second = (float(gan.logits(batch)[0, 0]) for batch in batches)
    print(f"{name:24} {first:8.4f} {second:8.4f}")

# %% tags=["test"]
assert abs(first - second) > 1e-4

# %% [markdown]
# The penalty is about the slope at *each* point: that of one output with respect to one input. With
# `BatchNormalization` an output also depends on all other points of the batch, through their mean and variance. So
# the critic is no function of a point any more, and a slope of length 1 does not mean what it should.
# `LayerNormalization`, which looks at one point only, is allowed.
#
# ## 7. The doctor asks the same
#
# None of the questions of this lesson needs a training. `gl.diagnose` asks them of a GAN before its first step:

# %%
sick = {f"patient {n}": getattr(gl.checks.clinic_silent, f"patient_{n}").sick for n in (1, 2, 3, 4)}
kinds = {"noise as real": NoiseAsReal, **sick, "BatchNormalization": BatchNormed, "healthy": ward.SmallWGAN}
findings = {}
for name, kind in kinds.items():
    gan = kind()
    batches = gan.batches(points if isinstance(gan, ward.SmallWGAN) else pixels)
    findings[name] = gl.diagnose(gan, batches).names
    print(f"{name:20} {', '.join(findings[name]) or 'nothing found'}")

# %% tags=["test"]
assert not findings.pop("healthy") and all(findings.values())

# %% [markdown]
# ## What did not show
#
# - `BatchNormalization` did little visible harm in this run: the samples find the ring. A fault can be one and cost
#   little on the task at hand.
# - Patient 3 never met a flat critic, and patient 2 settled down. Another seed, another task, and they do not.
# - A question finds the faults that it is about. Nobody has listed all of them.

# %%
gl.checks.report("clinic_silent")

# %% [markdown]
# ## Recap
#
# - Look at a batch just before it goes into `fit`.
# - Ask twice: latents must differ from step to step, in the compiled step too.
# - Ask at the ends: what does a very sure $D$ pay? A target above 1 rewards it without end.
# - Ask where you know the answer: a flat critic, reals of 1 and fakes of 0, one point among different others.
# - These questions take one step. Ask them before you train; `gl.diagnose` does.
#
# **References**
#
# - Salimans et al., *Improved Techniques for Training GANs*, 2016,
#   [arXiv:1606.03498](https://arxiv.org/abs/1606.03498): one-sided label smoothing, and why one-sided.
# - Gulrajani et al., *Improved Training of Wasserstein GANs*, 2017,
#   [arXiv:1704.00028](https://arxiv.org/abs/1704.00028): the penalty, α uniform, no BatchNormalization in the critic.
#
# Next: {{next}}
