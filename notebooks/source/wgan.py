# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {{number}} WGAN
#
# The discriminator of the lessons before answers *whether* an image is real. Once it is sure, it has nothing
# more to say, and its loss does not tell whether the samples are any good. A **Wasserstein GAN** puts a
# **critic** in its place, which measures *how far* the generated images are from the real ones.
#
# **Afterwards you can**
# - say why the slope of a critic has to be held, and measure a distance with one;
# - hold it by clipping weights, and say what that does to the weights and to gradients;
# - write the gradient penalty with two tapes, and find the five faults that it is published with;
# - train a WGAN-GP on colour images, and read its curve, which means something;
# - rescue a generator that a plain GAN cannot train.
#
# **You need** lesson {{lesson:minimax_game}} for the distances, and {{lesson:dcgan}} for the networks.
#
# **Time** on two cores, without a GPU: about 20 minutes of computing, half of them the main training. Previous:
# {{previous}}

# %%
import os
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers, ops
from scipy.stats import wasserstein_distance

import gan_lessons as gl

FAST = os.environ.get("GAN_LESSONS_FAST") == "1"  # the tests run every lesson with little data and few steps
keras.utils.set_random_seed(4)

train = gl.data.load("cifar10", batch_size=64, examples=1000 if FAST else None, drop_remainder=True)
held_out, _, _ = gl.data.arrays("cifar10", split="test", examples=400 if FAST else 2000)
print(f"{train.info.title}: {train.info.examples} images to train on, {len(held_out)} to measure with")

# %% [markdown]
# ## 1. A distance that a critic can measure
#
# Lesson {{lesson:minimax_game}} put two distributions side by side that do not overlap: their Jensen-Shannon
# divergence is $\log 2$ however far apart they are, and so the generator is not told which way to go. The
# Wasserstein-1 distance is the least work, mass times way, that carries one distribution into the other, and
# falls steadily as they approach.
#
# To compute it from its definition one has to find the best plan of transport. The **Kantorovich-Rubinstein
# duality** turns that into a question for a critic $f$:
#
# $$ W_1(p_r, p_g) = \max_{\|f\|_L \le 1} \; \mathbb{E}_{x \sim p_r}[f(x)] - \mathbb{E}_{x \sim p_g}[f(x)] $$
#
# $\|f\|_L \le 1$ means: **1-Lipschitz**, nowhere steeper than 1. Without the condition, $2f$ would always be
# better than $f$, and the maximum infinite. With it, $f$ can be high where there is real mass and low where
# there is generated mass only as far as a slope of 1 allows: so it has to pay for the *way* in between.
#
# Two lines prove one half. Let a plan move each $y \sim p_g$ to an $x \sim p_r$. If $f$ is 1-Lipschitz,
#
# $$ \mathbb{E}[f(x)] - \mathbb{E}[f(y)] = \mathbb{E}[f(x) - f(y)] \le \mathbb{E}\,|x - y| . $$
#
# So **every** 1-Lipschitz critic, however badly trained, gives a value that is not above the work of any
# plan: a lower bound of $W_1$.

# %% [markdown]
# ### A critic on a line
#
# On a line we can build a critic that *cannot* be too steep. Cut the line into short intervals, and let the
# slope on interval $i$ be $\tanh\theta_i$, which is always between −1 and 1. Then $f(x) = \sum_i
# \tanh(\theta_i)\, \cdot$ (how much of interval $i$ lies left of $x$). We train $\theta$ by gradient ascent
# on the difference of the two means, and nothing else.

# %%
EDGES = np.linspace(-5, 7, 241, dtype="float32")


def left_of(points):
    """How much of each interval lies to the left of each point: (points, intervals)."""
    return np.clip(np.asarray(points, "float32")[:, None] - EDGES[:-1], 0, EDGES[1] - EDGES[0])


def train_critic_on_line(real, fake, steps=200):
    """The slopes of the best 1-Lipschitz critic between two clouds, and the distance that it measures."""
    theta = keras.Variable(np.zeros(len(EDGES) - 1, "float32"))
    optimizer = keras.optimizers.Adam(0.1)
    # f is linear in the slopes: for the difference of its two means, those of `left_of` are enough.
    difference = left_of(real).mean(0) - left_of(fake).mean(0)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = -ops.sum(difference * ops.tanh(theta))  # minus E[f(real)] − E[f(fake)]
        optimizer.apply(tape.gradient(loss, [theta]), [theta])
    return np.tanh(theta.numpy()), -float(loss)


def two_clouds(seed, count=500):
    random = np.random.default_rng(seed)
    sides = random.random(count) < 0.5
    real = np.where(sides, random.normal(-1.5, 0.5, count), random.normal(2.0, 0.7, count))
    return real, random.normal(0.5, 1.0, count)

# %% [markdown]
# Does it find the distance? `scipy.stats.wasserstein_distance` computes it in another way: it sorts both
# clouds and adds up the ways between points of equal rank.

# %%
print("seed   critic    scipy")
for seed in range(5):
    real, fake = two_clouds(seed)
    slopes, measured = train_critic_on_line(real, fake)
    true = wasserstein_distance(real, fake)
    print(f"{seed}      {measured:.4f}   {true:.4f}")
    assert 0.99 * true < measured <= true + 1e-4  # below, as the proof says, and by less than 1 %

# %% [markdown]
# In the picture look at the lower half. The critic rises with a slope of 1 where generated points have to
# move right, falls with a slope of −1 where they have to move left: **the slope points each generated point
# to where it is missing**. That is what the generator will be told. And wherever there is something to move,
# the best critic is *as steep as it may be*: $|f'| = 1$. Section 4 is built on this.

# %%
fig, (clouds, critic_axes) = plt.subplots(2, 1, figsize=(8, 5), sharex=True, layout="constrained")
clouds.hist(real, 60, alpha=0.6, label="real", color="tab:blue")
clouds.hist(fake, 60, alpha=0.6, label="generated", color="tab:orange")
clouds.set(title="Two clouds of 500 points", ylabel="points")
clouds.legend()
heights = np.concatenate([[0], np.cumsum(slopes * np.diff(EDGES))])
critic_axes.plot(EDGES, heights - heights.mean(), color="black", label="critic f")
critic_axes.step(EDGES[:-1], slopes, where="post", color="tab:red", lw=1, label="its slope")
critic_axes.set(title=f"The critic measures {measured:.3f}; the distance is {true:.3f}", xlabel="x")
critic_axes.legend()
plt.show()

# %% [markdown]
# **Exercise 1.** What is the smallest Lipschitz constant (the steepest slope) of each function? In several
# dimensions the steepness is the length of the gradient, $\|\nabla f\|_2$.
#
# - (a) $f(x) = 2 - 3x$ on the line
# - (b) $f(x) = |x| / 2$ on the line
# - (c) $f(x_1, x_2) = 3 x_1 + 4 x_2 + 7$ on the plane
# - (d) a critic on images of $28 \times 28 \times 1$ whose answer is the *sum* of all pixels

# %%
steepest = {"a": ..., "b": ..., "c": ..., "d": ...}
gl.checks.wgan.steepest_slope(steepest)

# %% [markdown]
# ## 2. The objective, and algorithm 1
#
# For images there is no line to cut up: a network takes the place of $f$. It is called a **critic**, since
# it does not sort into two classes; its answer is any number, without a sigmoid. The game (Arjovsky 2017):
#
# $$ \min_G \; \max_{\|D\|_L \le 1} \; \mathbb{E}_x[D(x)] - \mathbb{E}_z[D(G(z))] $$
#
# **Exercise 2.** Write both losses *before* you read on. An optimizer makes a loss smaller, so each player's
# must be what it wants to be small. `real_logits` and `fake_logits` are the critic's answers $D(x)$ and
# $D(G(z))$, of shape `(batch, 1)`. Use `ops.mean`.

# %%
def my_critic_loss(real_logits, fake_logits):
    return ...


def my_generator_loss(fake_logits):
    return ...


gl.checks.wgan.losses(my_critic_loss, my_generator_loss)

# %% [markdown]
# Here they are. The critic wants $\mathbb{E}[D(x)] - \mathbb{E}[D(G(z))]$ large; its loss is the negative of
# it. Of that difference the generator can only change the second half. There is no logarithm and no sigmoid
# in them, so **nothing saturates**: the slope of the generator's loss in each logit is $-1/\text{batch}$,
# whatever the critic answers.

# %%
def critic_loss(real_logits, fake_logits):
    return ops.mean(fake_logits) - ops.mean(real_logits)


def generator_loss(fake_logits):
    return -ops.mean(fake_logits)


answers_real, answers_fake = np.random.default_rng(0).normal(size=(2, 64, 1)).astype("float32")
package = gl.objectives.Wasserstein()
ours, packaged = (f(answers_real, answers_fake) for f in (critic_loss, package.discriminator_loss))
assert np.allclose(ours, packaged)
assert np.allclose(generator_loss(answers_fake), package.generator_loss(answers_fake))

# How strongly is the generator pulled at each logit? Here the mean slope of its loss, times the batch of 64.
print("logits around   Wasserstein   minimax   non-saturating")
for certainty in (-50.0, 0.0, 50.0):
    logits = tf.constant(answers_fake + certainty)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        losses = [f(logits) for f in (generator_loss, gl.objectives.Minimax().generator_loss,
                                      gl.objectives.NonSaturating().generator_loss)]
    pulls = [64 * tape.gradient(loss, logits).numpy().mean() for loss in losses]
    print(f"{certainty:13.0f}   {pulls[0]:11.2f}   {pulls[1]:7.2f}   {pulls[2]:14.2f}")
    assert np.isclose(pulls[0], -1)

# %% [markdown]
# ### Algorithm 1 (Arjovsky 2017), line by line
#
# | the paper | here |
# | --- | --- |
# | $n_{critic}$ times: *fresh* images and latents | `discriminator_steps=5`: D steps on *every* batch |
# | one step *up* $\frac1m \sum D(x) - \frac1m \sum D(G(z))$ | one step *down* `critic_loss` |
# | $w \leftarrow \text{clip}(w, -c, c)$, $c = 0.01$ | `gl.constraints.clip_weights(critic, 0.01)` |
# | then a generator step down $-\frac1m \sum D(G(z))$ | on every fifth batch, `generator_loss` |
# | RMSprop, learning rate 5e-5 | `keras.optimizers.RMSprop(5e-5)` |
#
# Why five critic steps for one of the generator? The value is the distance only at the *maximum* over
# critics. A critic that lags behind points the generator to where mass was missing some time ago. With the minimax
# loss this would be poison, it would saturate; with the non-saturating one $G$ still gets a gradient, but a $D$ that is
# sure does not say how far off its images are. A critic can only become more right.
#
# Clipping needs no code in the training step: Keras applies a weight's *constraint* inside the optimizer's
# step.
#
# **Exercise 3.** 50,000 images, batches of 64, the last partial batch is dropped, `discriminator_steps=5`,
# 10 epochs. The count of critic steps goes on from epoch to epoch. How many steps does the generator take?

# %%
turns = ...
gl.checks.wgan.generator_turns(turns)

# %% [markdown]
# ## 3. What clipping does
#
# If every weight is in $[-c, c]$, there is *some* bound on the steepness, the same for all critics that we
# may choose from. That is all that the algorithm asks for: the critic then measures at most $K \cdot W_1$, with an
# unknown $K$; how near it comes depends on what clipped networks can express. The paper calls it "a clearly terrible way". We look at why.
#
# ### To the weights
#
# Two WGANs with the same networks for the same number of steps: one clipped, one with the gradient penalty
# that section 4 explains.

# %%
def make_wgan(clip=None, generator_filters=(128, 64, 32), critic_filters=(32, 64, 128)):
    """A small WGAN at 32×32: clipped, with the settings of algorithm 1, or else with a gradient penalty."""
    keras.utils.set_random_seed(4)
    critic = gl.networks.dcgan_critic((32, 32, 3), filters=critic_filters)
    for weight in critic.trainable_variables:
        weight.assign(weight / 4)  # N(0, 0.005): nearly all of it begins inside ±0.01
    gan = gl.GAN(
        generator=gl.networks.dcgan_generator((32, 32, 3), latent_dim=100, filters=generator_filters),
        discriminator=gl.constraints.clip_weights(critic, clip) if clip else critic,
        latent_dim=100,
        objective="wasserstein",
        penalty=None if clip else gl.penalties.GradientPenalty(weight=10.0),
        discriminator_steps=5,
    )
    if clip:
        optimizers = [keras.optimizers.RMSprop(5e-5) for _ in range(2)]
    else:
        optimizers = [keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9) for _ in range(2)]
    gan.compile(generator_optimizer=optimizers[0], discriminator_optimizer=optimizers[1])
    return gan


def weights_of(model):
    return np.concatenate([ops.convert_to_numpy(weight).ravel() for weight in model.trainable_variables])


clipped, penalised = make_wgan(clip=0.01), make_wgan()
weights_at_start = weights_of(clipped.discriminator)
for gan in (clipped, penalised):
    gan.fit(train.repeat(), steps_per_epoch=5 if FAST else 750, epochs=1, verbose=2)

# %% [markdown]
# The first picture is where both began: a quarter of the usual N(0, 0.02), so that nearly every weight
# starts well inside ±0.01, and whatever ends at the limit was brought there by training. The clipped
# critic's weights are driven to the two ends of what is allowed, since the steepest critic is the best one:
# it becomes a very simple function. The penalised critic's are free to be what they need to be.

# %%
def near_limit(values):
    return np.mean((np.abs(values) > 0.0095) & (np.abs(values) < 0.0105))  # ±0.01, to within 5 %


fig, axes = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
found = {
    "both, at the start": weights_at_start,
    "clipped": weights_of(clipped.discriminator),
    "gradient penalty": weights_of(penalised.discriminator),
}
for ax, (name, values) in zip(axes, found.items(), strict=True):
    at_limit = near_limit(values)
    ax.hist(values, bins=np.linspace(-0.03, 0.03, 61), weights=np.full(len(values), 1 / len(values)))
    ax.set(title=f"{name}: {at_limit:.0%} at ±0.01", xlabel="weight", ylabel="share" if ax is axes[0] else "")
plt.show()

assert np.abs(found["clipped"]).max() <= 0.01 + 1e-7
assert near_limit(weights_at_start) < 0.05
assert FAST or near_limit(found["clipped"]) > 0.5 > 0.2 > near_limit(found["gradient penalty"])

# %% [markdown]
# ### To gradients, through depth
#
# The generator learns from the gradient that comes *back through* the critic. Each layer multiplies it, by a
# factor which the clip decides. Twelve layers multiply twelve times. This is figure 1b of Gulrajani 2017,
# made again: critics of twelve layers tell a Swiss roll from the same roll blurred; then we measure the
# length of $\partial D / \partial h$ at the input $h$ of each layer.

# %%
def swiss_roll(random, count, blur):
    angle = 1.5 * np.pi * (1 + 2 * random.random(count))
    roll = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / 7
    return (roll + blur * random.normal(size=roll.shape)).astype("float32")


def deep_critic(depth=12, width=128):
    keras.utils.set_random_seed(0)
    critic = keras.Sequential([keras.Input((2,))])
    for _ in range(depth - 1):
        critic.add(layers.Dense(width, activation="relu", kernel_initializer="he_normal"))
    critic.add(layers.Dense(1))
    return critic


def gradient_norms(critic, points):
    """The mean length of ∂D/∂h at the input h of each layer, from the critic's input on."""
    h, inputs = tf.constant(points), []
    with tf.GradientTape() as tape:
        for layer in critic.layers:
            tape.watch(h)
            inputs.append(h)
            h = layer(h)
        total = ops.sum(h)
    return [np.linalg.norm(gradient, axis=1).mean() for gradient in tape.gradient(total, inputs)]

# %%
def train_deep_critic(clip, steps=20 if FAST else 300):
    critic, random = deep_critic(), np.random.default_rng(0)
    penalty = None if clip else gl.penalties.GradientPenalty(weight=10.0, seed=0)
    if clip:
        gl.constraints.clip_weights(critic, clip)
    optimizer = keras.optimizers.RMSprop(5e-4) if clip else keras.optimizers.Adam(1e-4, 0.0, 0.9)
    optimizer.build(critic.trainable_variables)

    @tf.function
    def step(real, fake):
        with tf.GradientTape() as tape:
            loss = critic_loss(critic(real), critic(fake))
            if penalty:
                loss += penalty(critic, real, fake)
        optimizer.apply(tape.gradient(loss, critic.trainable_variables), critic.trainable_variables)

    for _ in range(steps):
        step(swiss_roll(random, 128, blur=0.02), swiss_roll(random, 128, blur=0.5))
    return critic


points = swiss_roll(np.random.default_rng(1), 512, blur=0.02)
settings = {"clip 0.001": 0.001, "clip 0.01": 0.01, "clip 0.1": 0.1, "gradient penalty": None}
norms = {name: gradient_norms(train_deep_critic(clip), points) for name, clip in settings.items()}

# %% [markdown]
# The scale is logarithmic: from one tick to the next is a factor of ten thousand. Read each curve from the
# right, the critic's answer, to the left, its input, where the generator takes over.

# %%
fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for name, values in norms.items():
    # A gradient below 1e-30 can hardly be told from 0 in float32: it is drawn at the lower edge.
    ax.semilogy(range(1, 13), np.maximum(values, 1e-30), "o-", label=name)
    print(f"{name:16}  at the last layer {values[-1]:.1e}, at the input {values[0]:.1e}")
ax.axhline(1, color="black", lw=0.5)
ax.set(title="A critic of twelve layers on the Swiss roll", ylabel="‖∂D/∂h‖")
ax.set(xlabel="layer (1: the critic's input)", xticks=range(1, 13))
ax.legend()
plt.show()
if not FAST:
    assert norms["clip 0.001"][0] < 1e-20 and norms["clip 0.01"][0] < 1e-10  # vanished
    assert norms["clip 0.1"][0] > 1e3  # exploded
    assert 0.5 < norms["gradient penalty"][0] < 2

# %% [markdown]
# Between a clip at which nothing arrives and a clip at which far too much does there is a factor of ten; the
# right value depends on depth and width, and a little off it the generator gets $10^{-14}$ or $10^{5}$. The
# fourth curve needs no such luck.
#
# ## 4. The gradient penalty
#
# ### Derived
#
# Section 1 showed: where mass has to be moved, the best critic has a slope of exactly 1. In general
# (Gulrajani 2017, proposition 1): if the best plan moves $y$ to $x$, then the best critic rises with slope 1
# all along the straight line from $y$ to $x$; its gradient there has length 1. The reason is the proof of
# section 1 read backwards: for the best critic and plan $f(x) - f(y) = \|x - y\|$; a function that may not
# be steeper than 1 climbs by the whole length of a way only by climbing with slope 1 at every point of it.
#
# So, rather than bound the weights, ask for this where it matters. We do not know which $x$ belongs to which
# $y$, so take pairs at random, and one point on the line between them, each equally likely:
#
# $$ \lambda \; \mathbb{E}\left[ \left( \|\nabla_{\hat x} D(\hat x)\|_2 - 1 \right)^2 \right], \qquad
#    \hat x = \alpha x + (1 - \alpha)\, G(z), \quad \alpha \sim U[0, 1], \quad \lambda = 10 $$
#
# - **One α for each image**, not for each pixel nor for the batch: a point on the line of *its* pair.
# - **One norm for each image**, over all its pixels and channels: steepness is a matter of one image.
# - **No BatchNorm in the critic**: it makes the answer to one image depend on the others, and "the slope at
#   an image" loses its meaning.

# %% [markdown]
# ### A tape within a tape
#
# The penalty contains a gradient, and the critic's optimizer needs *its* gradient with respect to the
# weights: a derivative of a derivative. So one tape runs inside the other. The inner one answers
# $\nabla_{\hat x} D$; the outer one must be *watching while the inner one answers*, or it does not know how
# that gradient came from the weights. On a linear critic $D(x) = w \cdot x$:

# %%
w = tf.Variable([3.0, 4.0])
x = tf.constant([[1.0, 1.0]])

with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        inner.watch(x)  # x is not a variable, so the tape has to be told
        answer = ops.sum(x * w)
    slope = inner.gradient(answer, x)  # here: the outer tape sees it
    penalty = (ops.norm(slope) - 1) ** 2
in_w = outer.gradient(penalty, w).numpy()
print("∇D =", slope.numpy()[0], " its length:", float(ops.norm(slope)))
print("asked for inside the outer tape:   gradient of the penalty in w =", in_w)
assert np.allclose(in_w, 2 * (5 - 1) * np.array([0.6, 0.8]))  # by hand: 2 (‖w‖ − 1) w / ‖w‖

with tf.GradientTape() as inner:
    inner.watch(x)
    answer = ops.sum(x * w)
slope = inner.gradient(answer, x)  # here: before the outer tape begins
with tf.GradientTape() as outer:
    penalty = (ops.norm(slope) - 1) ** 2
nothing = outer.gradient(penalty, w)
print("asked for before the outer tape:   gradient of the penalty in w =", nothing)
assert nothing is None

# %% [markdown]
# **Exercise 4.** Write the gradient penalty, with λ = 10. `critic` is any function from images `(batch,
# height, width, channels)` to answers `(batch, 1)`; `real` and `fake` are such images. You need only the
# *inner* tape: the outer one is the training step's.
#
# Two things help. `keras.random.uniform(shape)` draws from $U[0, 1]$. And the derivative of the **sum** of
# all answers gives each image the derivative of its own answer, since no other answer depends on it.

# %%
def my_gradient_penalty(critic, real, fake):
    return ...


gl.checks.wgan.gradient_penalty(my_gradient_penalty)

# %% [markdown]
# ### Written out
#
# Each line, with its reason. $\varepsilon$ is there because the root has an infinite slope at 0.

# %%
def gradient_penalty(critic, real, fake, weight=10.0, epsilon=1e-12):
    alpha = keras.random.uniform((len(real), 1, 1, 1))  # one for each image, the same for all of its pixels
    between = alpha * real + (1 - alpha) * fake
    with tf.GradientTape() as tape:
        tape.watch(between)
        answers = ops.sum(critic(between))
    gradients = tape.gradient(answers, between)  # (batch, height, width, channels)
    norms = ops.sqrt(ops.sum(gradients**2, axis=(1, 2, 3)) + epsilon)  # (batch,)
    return weight * ops.mean((norms - 1) ** 2)


def wgan_gp_critic_step(critic, optimizer, real, fake):
    """What `GAN.train_step` does on D's turn with a Wasserstein objective and a gradient penalty."""
    with tf.GradientTape() as tape:  # the outer tape
        loss = critic_loss(critic(real), critic(fake)) + gradient_penalty(critic, real, fake)
    optimizer.apply(tape.gradient(loss, critic.trainable_variables), critic.trainable_variables)
    return loss

# %% [markdown]
# **Checked where the answer is known.** A linear critic $D(x) = w \cdot x$ has the gradient $w$ everywhere,
# so its penalty must be $10\,(\|w\| - 1)^2$ whatever the images, and the gradient of the penalty in $w$ must
# be $20\,(\|w\| - 1)\, w / \|w\|$.

# %%
def linear(weights):
    return lambda images: ops.sum(images * weights, axis=(1, 2, 3))[:, None]


random = np.random.default_rng(0)
real, fake = tf.constant(random.uniform(-1, 1, (2, 64, 8, 8, 3)).astype("float32"))
direction = random.normal(size=(8, 8, 3)).astype("float32")
direction /= np.linalg.norm(direction)

print("‖w‖    10(‖w‖−1)²   ours      the package")
for length in (0.25, 1.0, 3.0):
    w = tf.Variable(length * direction)
    with tf.GradientTape() as tape:
        ours = gradient_penalty(linear(w), real, fake)
    packaged = gl.penalties.GradientPenalty(weight=10.0)(linear(w), real, fake)
    print(f"{length:4.2f}   {10 * (length - 1) ** 2:10.4f}   {float(ours):7.4f}   {float(packaged):7.4f}")
    assert np.allclose([ours, packaged], 10 * (length - 1) ** 2, atol=1e-4)
    assert np.allclose(tape.gradient(ours, w), 20 * (length - 1) * direction, atol=1e-4)

# %% [markdown]
# ### Five faults that are published and copied
#
# Each runs without an error. Each cell computes what it does.
#
# **α from a normal.** The points then lie *outside* the line between the pair two times out of three. Take a
# critic that is perfect between generated (0) and real (1), slope 1, and steep only beyond, where no image
# is. Nothing is to be punished.

# %%
alpha = random.normal(size=100_000)
print(f"normal α: {np.mean((alpha < 0) | (alpha > 1)):.0%} of the points are outside the line")



def perfect_between(images):
    return images + 5 * ops.relu(images - 1) + 5 * ops.relu(-images)


for name, alpha in {"uniform": random.random(4096), "normal": random.normal(size=4096)}.items():
    points = tf.constant(alpha.astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch(points)
        answers = ops.sum(perfect_between(points))
    value = 10 * np.mean((np.abs(tape.gradient(answers, points)) - 1) ** 2)
    print(f"{name:8} penalty on a perfect critic: {value:.1f}")
    assert value == 0 if name == "uniform" else value > 50

# %% [markdown]
# **A root without ε.** $\sqrt{u}$ has the slope $1 / (2\sqrt{u})$. One image at which the critic is flat
# (all its units off), and the chain rule multiplies infinity by 0. From the next step on every weight is
# NaN.

# %%
for epsilon in (0.0, 1e-12):
    w = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        value = gradient_penalty(linear(w * direction), real, fake, epsilon=epsilon)
    gradient = float(tape.gradient(value, w))
    print(f"ε = {epsilon:g}: penalty {float(value):.2f}, its gradient in w: {gradient}")
    assert np.isnan(gradient) == (epsilon == 0)

# %% [markdown]
# **BatchNorm in the critic.** It subtracts the mean of the batch. After it, the *sum* of all answers is a
# constant, so its gradient is 0 and the penalty is 10, whether the critic is steep or flat: the penalty sees
# nothing. Deeper in a network it sees something, but not the slope.

# %%
def then_batch_norm(critic):
    normalise = layers.BatchNormalization(scale=False, center=False)
    return lambda images: normalise(critic(images), training=True)


print("‖w‖      slope of image 0's answer in image 0    in image 1    penalty")
for length in (0.25, 1.0, 100.0):
    mixed_critic = then_batch_norm(linear(length * direction))
    with tf.GradientTape() as tape:
        tape.watch(real)
        first_answer = mixed_critic(real)[0, 0]
    slopes = np.linalg.norm(tape.gradient(first_answer, real).numpy().reshape(len(real), -1), axis=1)
    value = float(gradient_penalty(mixed_critic, real, fake))
    print(f"{length:6.2f}   {slopes[0]:37.3f}    {slopes[1]:10.3f}    {value:7.4f}")
    assert np.isclose(value, 10, atol=1e-2) and slopes[1] > 1e-3

# %% [markdown]
# `gl.GAN` warns if it is given a penalty and a discriminator with BatchNormalization.
#
# **One norm over the whole batch**, and **the mean of the answers in place of their sum**: both count the
# images into the slope. A linear critic with $\|w\| = 1$ is exactly right. It should pay nothing.

# %%
w = tf.constant(direction)
with tf.GradientTape(persistent=True) as tape:
    tape.watch(real)
    answers = linear(w)(real)
    total, mean = ops.sum(answers), ops.mean(answers)
whole_batch = 10 * (ops.norm(ops.reshape(tape.gradient(total, real), -1)) - 1) ** 2
each_image = 10 * ops.mean((ops.norm(ops.reshape(tape.gradient(mean, real), (64, -1)), axis=1) - 1) ** 2)
print(f"as it should be {float(gradient_penalty(linear(w), real, fake)):6.2f}")
print(f"norm over all   {float(whole_batch):6.2f} = 10 (√64 − 1)²: a right critic is pressed flat")
print(f"mean of answers {float(each_image):6.2f} = 10 (1/64 − 1)²: only a slope of 64 would pay nothing")
assert np.isclose(whole_batch, 490, rtol=1e-3) and np.isclose(each_image, 10 * (1 / 64 - 1) ** 2, rtol=1e-3)

# %% [markdown]
# ### A soft bound has a price
#
# The penalty asks for slopes near 1, it does not enforce them, and the critic gains by being steeper.
#
# **Exercise 5.** All real mass stands at one point, all generated mass at another, $W = 2$ away. A critic of
# slope $s$ between them has the loss $-W s + \lambda (s - 1)^2$. With $\lambda = 10$, which $s$ is best?

# %%
best_slope = ...
gl.checks.wgan.best_slope(best_slope)

# %% [markdown]
# So a WGAN-GP's `distance` is somewhat *above* $W_1$, the more so the larger it is. It can be put right:
# divide by the steepest slope that the critic has. What is left belongs to a 1-Lipschitz critic, and is a
# lower bound by the proof of section 1.
#
# We train a network, with the step written out above, between the clouds of section 1. They are laid into a
# plane, as points $(x, 0)$; the distance stays what it was, and SciPy knows it. Why a plane, the cell after
# shows.

# %%
def network_critic(real, fake, seed, dimensions, steps=20 if FAST else 600):
    """What a critic measures between two clouds on the first axis, and its steepest slope along it."""
    keras.utils.set_random_seed(seed)
    critic = gl.networks.mlp_discriminator((1, dimensions, 1), units=(64, 64))  # a point is a tiny image
    optimizer = keras.optimizers.Adam(2e-3, beta_1=0.0, beta_2=0.9)
    optimizer.build(critic.trainable_variables)

    def as_images(x):
        rest = np.zeros((len(x), dimensions - 1))
        return tf.constant(np.c_[x, rest].reshape(-1, 1, dimensions, 1), "float32")

    real_images, fake_images = as_images(real), as_images(fake)
    step = tf.function(lambda: wgan_gp_critic_step(critic, optimizer, real_images, fake_images))
    for _ in range(steps):
        step()
    x = np.linspace(min(real.min(), fake.min()), max(real.max(), fake.max()), 1001)
    slopes = np.diff(critic(as_images(x)).numpy()[:, 0]) / np.diff(x)
    return float(-critic_loss(critic(real_images), critic(fake_images))), np.abs(slopes).max()


print("seed   W₁ (scipy)   distance   steepest   distance / steepest")
for seed in range(2 if FAST else 5):
    real, fake = two_clouds(seed)
    true = wasserstein_distance(real, fake)
    measured, slope = network_critic(real, fake, seed, dimensions=2)
    print(f"{seed}      {true:10.3f}   {measured:8.3f}   {slope:8.3f}   {measured / slope:19.3f}")
    assert measured / slope < 1.02 * true  # 2 %: the steepest slope is looked for on a grid
    assert FAST or (measured / slope > 0.9 * true and 0.98 < measured / true < 1.15)

# %% [markdown]
# **A trap, on a line only.** With $W = 1$, exercise 5 expects a distance 5 % too large, and that is about
# what we find. On a line itself, though, the same critic can go wrong altogether. Where its slope happens to
# begin with the wrong sign, it has to pass 0 on the way to the right one, and there the penalty is at its
# highest: it stays. In a plane a gradient can turn round without becoming shorter; so it can in the 3072
# dimensions of an image.

# %%
for seed in range(1 if FAST else 3):
    real, fake = two_clouds(seed)
    measured, slope = network_critic(real, fake, seed, dimensions=1)
    print(f"seed {seed}: W₁ {wasserstein_distance(real, fake):.3f}, found on the line {measured / slope:.3f}")

# %% [markdown]
# ## 5. WGAN-GP on colour images
#
# ### A measure that the critic has no part in
#
# We want to know whether the critic's `distance` tells how good the samples are. For that we need a second
# opinion: not from any network that is being trained here, and on images that the critic never saw. Section
# 1 has one to offer. On a line $W_1$ is easy: sort and subtract. So project all images on a line; do that
# for many lines, and take the mean. This is the **sliced Wasserstein distance**.
#
# Which lines? In directions at random in 3072 dimensions nearly all pictures look alike: noise would score
# better than a rough picture. We take the directions in which *real images differ from each other*: from one
# held-out image to another. Projected on them, real images lie far apart, and what lacks their large shapes
# and colours does not.

# %%
def sliced_wasserstein(images, reals, directions=256, seed=0):
    """The mean distance on a line, over lines from one real image to another; as many images as reals."""
    images, reals = images.reshape(len(images), -1), reals.reshape(len(reals), -1)
    random = np.random.default_rng(seed)
    start, end = random.integers(len(reals), size=(2, directions))
    lines = (reals[end] - reals[start]).T  # (pixels, directions)
    lines = lines / (np.linalg.norm(lines, axis=0) + 1e-9)  # an image and itself: a line of length 0
    return float(np.abs(np.sort(images @ lines, axis=0) - np.sort(reals @ lines, axis=0)).mean())


half = len(held_out) // 2
reference, more_reals = held_out[:half], held_out[half:]
floor = sliced_wasserstein(more_reals, reference)
print(f"sliced Wasserstein distance to {half} held-out images of {train.info.title}, 256 directions:")
squares = more_reals.reshape(half, 8, 4, 8, 4, 3).mean(axis=(2, 4))
scores = {
    "as many other real images: the floor": more_reals,
    "these, darker by ¼": more_reals - 0.25,
    "these, as 8×8 squares": squares.repeat(4, axis=1).repeat(4, axis=2),
    "ten of these, repeated": more_reals[np.arange(half) % 10],
    "one of these, repeated": np.repeat(more_reals[:1], half, axis=0),
    "uniform noise": np.random.default_rng(0).uniform(-1, 1, reference.shape),
}
scores = {name: sliced_wasserstein(images, reference) for name, images in scores.items()}
for name, score in scores.items():
    print(f"  {name:37} {score:6.2f}")
assert min(scores.values()) == floor

# %% [markdown]
# It sees colours, brightness, large shapes, and whether samples differ from each other as real images do.
# The third row says what it does not see: anything finer than 4 pixels. It will not replace your eyes. Lower
# is better; only numbers with the same images, count and directions can be compared.

# %%
class SampleDistance(keras.callbacks.Callback):
    """Adds to the history, after each epoch, how far samples are from images that were held out."""

    def on_epoch_end(self, epoch, logs):
        samples = self.model.generate(len(reference), seed=1)
        logs["sample_distance"] = sliced_wasserstein(samples, reference)
        # 1: as different from each other as real images are; 0: all the same
        logs["spread"] = samples.std(axis=0).mean() / reference.std(axis=0).mean()

# %% [markdown]
# ### The training
#
# All settings in one place. λ, n_critic and Adam's β are Gulrajani's; the networks are smaller, so that a
# laptop can train them, and the learning rate is 1e-4 in the paper. The critic is the DCGAN discriminator
# without its BatchNorm; the generator keeps BatchNorm, since the penalty is none of its business. `use_ema`
# lets `generate` use a running average of G's weights.

# %%
GENERATOR_FILTERS = (128, 64, 32)
CRITIC_FILTERS = (32, 64, 128)
PENALTY_WEIGHT = 10.0  # λ
CRITIC_STEPS = 5  # n_critic
LEARNING_RATE, BETA_1, BETA_2 = 2e-4, 0.0, 0.9
AVERAGE = 0.99  # of G's weights, over about the last 100 of its steps
EPOCHS = 2 if FAST else 25
BATCHES = 10 if FAST else 300  # in what counts as an epoch here: not quite half a pass over the images


def wgan_gp(seed):
    def adam(**kwargs):
        return keras.optimizers.Adam(LEARNING_RATE, beta_1=BETA_1, beta_2=BETA_2, **kwargs)

    keras.utils.set_random_seed(seed)
    gan = gl.GAN(
        generator=gl.networks.dcgan_generator((32, 32, 3), latent_dim=100, filters=GENERATOR_FILTERS),
        discriminator=gl.networks.dcgan_critic((32, 32, 3), filters=CRITIC_FILTERS),
        latent_dim=100,
        objective="wasserstein",
        penalty=gl.penalties.GradientPenalty(weight=PENALTY_WEIGHT),
        discriminator_steps=CRITIC_STEPS,
    )
    gan.compile(
        generator_optimizer=adam(use_ema=True, ema_momentum=AVERAGE), discriminator_optimizer=adam()
    )
    return gan


gan = wgan_gp(seed=4)

# %% [markdown]
# It can be interrupted: press ■, and either read on with what there is, or run the cell again to go on after
# the last whole epoch. The curve is written to a file after each epoch, so that it is not lost either.
#
# While it runs, watch `distance`: it is large at first, then it falls, fast for some epochs, then slowly and with
# relapses. Whether the samples get better with it we measure below.

# %%
folder = Path("../build/wgan") / (train.info.name + ("-fast" if FAST else ""))
folder.mkdir(parents=True, exist_ok=True)
taken_up_again = (folder / "backup").exists()

try:
    gan.fit(
        train.take(BATCHES),
        epochs=EPOCHS,
        verbose=2,
        callbacks=[
            keras.callbacks.BackupAndRestore(folder / "backup"),
            SampleDistance(),
            keras.callbacks.CSVLogger(folder / "history.csv", append=taken_up_again),
            gl.callbacks.SampleGrid(every=1, count=25, seed=0, title=f"WGAN-GP on {train.info.title}"),
        ],
    )
    gan.save(folder / "gan.keras")
except KeyboardInterrupt:
    print("Stopped. Run this cell again to go on after the last whole epoch.")

# %%
title = f"WGAN-GP trained on {train.info.title}: 60 samples, not chosen"
gl.plotting.show_images(gan.generate(60, seed=3), columns=12, title=title)

# %% [markdown]
# **What to look for.** The samples differ from one another about as much as photographs do (`spread`, in the log
# above, is near 1), and have their colours, brightness and large shapes: a sky, a ground, something dark between.
# *Things* there are not yet. In the time that we have given it the generator has had only one step for five of the
# critic's, 1,500 in all; published trainings take a hundred thousand. What we get for it is a curve that can be
# read. To it now.

# %% [markdown]
# ### Does the curve tell?
#
# In the left picture both curves are over epochs; in the right one each point is an epoch. If the critic's
# distance tells how good the samples are, the points lie along a rising line.

# %%
def read_history(path):
    table = np.genfromtxt(path, delimiter=",", names=True)
    return {name: np.atleast_1d(table[name]) for name in table.dtype.names}


def compare(curve, quality, name, title):
    """Draws a curve beside the distance of the samples, and one against the other; their rank correlation."""
    ranks = [np.argsort(np.argsort(values)) for values in (curve, quality)]
    agreement = np.corrcoef(ranks)[0, 1]
    fig, (over_time, against) = plt.subplots(1, 2, figsize=(11, 3.5), layout="constrained")
    over_time.plot(1 + np.arange(len(curve)), curve, "o-", color="tab:blue")
    over_time.set(title=title, xlabel="record", ylabel=name)
    right = over_time.twinx()
    right.plot(1 + np.arange(len(quality)), quality, "s--", color="tab:red")
    right.set_ylabel("samples: sliced Wasserstein", color="tab:red")
    against.scatter(curve, quality, c=np.arange(len(curve)), cmap="viridis")
    against.set(title=f"rank correlation {agreement:+.2f}", xlabel=name, ylabel="samples: sliced Wasserstein")
    plt.show()
    return agreement


history = read_history(folder / "history.csv")
quality = history["sample_distance"]
agreement = compare(history["distance"], quality, "critic's distance", f"WGAN-GP on {train.info.title}")
print(f"samples: {quality[0]:.2f} → {quality[-1]:.2f}; floor {floor:.2f} ({half} images each)")
print(f"penalty / λ = E(‖∇D‖ − 1)² in the last epoch: {history['penalty'][-1] / PENALTY_WEIGHT:.3f}")
assert FAST or (agreement > 0.5 and history["spread"][-1] > 0.6)

# %% [markdown]
# The same generator in a plain GAN, with the discriminator of lesson {{lesson:dcgan}}. What would you
# conclude about the samples from these curves?

# %%
keras.utils.set_random_seed(4)
plain = gl.GAN(
    generator=gl.networks.dcgan_generator((32, 32, 3), latent_dim=100, filters=GENERATOR_FILTERS),
    discriminator=gl.networks.dcgan_discriminator((32, 32, 3), filters=CRITIC_FILTERS),
    latent_dim=100,
)
plain.compile(
    generator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
    discriminator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
)
steps, epochs = (3, 3) if FAST else (120, 12)
records = plain.fit(
    train.repeat(), steps_per_epoch=steps, epochs=epochs, verbose=0, callbacks=[SampleDistance()]
).history

quality = np.array(records["sample_distance"])
for name in ("d_loss", "g_loss"):
    compare(np.array(records[name]), quality, name, f"plain GAN on {train.info.title}")

# %% [markdown]
# ### Reading a critic's curve
#
# A falling curve is good news only if the critic is what it should be. Three small WGANs on a ring of eight
# Gaussians follow. One is healthy. In one, nothing holds the slope of the critic. In one, the critic is
# twelve layers deep and clipped at 0.001.

# %%
def ring_gan(critic_layers, penalty=None):
    keras.utils.set_random_seed(4)

    def network(hidden, outputs):
        dense = [layers.Dense(64, activation="relu") for _ in range(hidden)]
        return keras.Sequential([keras.Input((2,)), *dense, layers.Dense(outputs)])

    gan = gl.GAN(
        generator=network(2, outputs=2),
        discriminator=network(critic_layers, outputs=1),
        latent_dim=2,
        objective="wasserstein",
        penalty=penalty,
        discriminator_steps=5,
    )
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.0, beta_2=0.9),
        discriminator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.9),
    )
    return gan


ring = gl.toys.ring()
points = ring.sample(1280 if FAST else 12_800, seed=0)
third = ring_gan(critic_layers=2, penalty=gl.penalties.GradientPenalty(weight=10.0))
first = ring_gan(critic_layers=2)
second = ring_gan(critic_layers=11)
gl.constraints.clip_weights(second.discriminator, 0.001)

toys = {"I": first, "II": second, "III": third}
fig, axes = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
for ax, (name, toy_gan) in zip(axes, toys.items(), strict=True):
    curve = toy_gan.fit(points, batch_size=128, epochs=2 if FAST else 25, verbose=0).history["distance"]
    ax.plot(range(1, 1 + len(curve)), curve, "o-")
    ax.set(title=f"run {name}: ends at {curve[-1]:.2g}", xlabel="epoch")
axes[0].set_ylabel("critic's distance")
plt.show()

# %% [markdown]
# **Exercise 6.** Which is which? Answer `"healthy"`, `"unbounded"` (nothing holds the slope) or `"dead"`
# (clipped to nothing) for each. The true distance between a ring of radius 1 and a cloud that starts near its
# centre cannot be far from 1. What a critic measures is a lower bound of it, which is even below 0 while the critic
# still points the wrong way.

# %%
diagnosis = {"I": ..., "II": ..., "III": ...}
gl.checks.wgan.read_the_curves(diagnosis)

# %% [markdown]
# ## 6. Where a plain GAN fails
#
# The practical case for WGAN-GP is not finer pictures; a well-built DCGAN makes equally good ones. It is
# that it works on networks which nobody has tuned. Here is one: a generator of **ten dense layers of 256
# ReLU units, no BatchNorm**, for digits. The networks and the number of images seen are the same for both;
# the plain GAN's generator even takes five times as many steps.

# %%
digits = gl.data.load("mnist", batch_size=64, examples=1000 if FAST else 20_000, drop_remainder=True)
test_digits, _, _ = gl.data.arrays("mnist", split="test", examples=1000)
CRITIC_BATCHES = 10 if FAST else 4000


def deep_players():
    hidden = [layers.Dense(256, activation="relu") for _ in range(10)]
    pixels = [layers.Dense(28 * 28, activation="tanh"), layers.Reshape((28, 28, 1))]
    generator = keras.Sequential([keras.Input((64,)), *hidden, *pixels])
    return generator, gl.networks.mlp_discriminator((28, 28, 1), units=(256, 256, 256))


def deep_gan(kind, seed):
    keras.utils.set_random_seed(seed)
    generator, discriminator = deep_players()
    if kind == "plain GAN":
        gan = gl.GAN(generator, discriminator, latent_dim=64)
        optimizers = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in range(2)]
    else:
        penalty = gl.penalties.GradientPenalty(weight=10.0)
        gan = gl.GAN(
            generator, discriminator, 64, objective="wasserstein", penalty=penalty, discriminator_steps=5
        )
        optimizers = [keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9) for _ in range(2)]
    gan.compile(generator_optimizer=optimizers[0], discriminator_optimizer=optimizers[1])
    return gan


made = {}
for kind in ("plain GAN", "WGAN-GP"):
    deep = deep_gan(kind, seed=0)
    deep.fit(digits.repeat(), steps_per_epoch=CRITIC_BATCHES, epochs=1, verbose=2)
    made[kind] = deep.generate(1000, seed=1)

# %%
spread_of_reals = test_digits.std(axis=0).mean()
print(f"1000 samples against {len(test_digits)} held-out images of {digits.info.title}")
for kind, samples in made.items():
    spread = samples.std(axis=0).mean() / spread_of_reals
    distance = sliced_wasserstein(samples, test_digits[: len(samples)])
    print(f"{kind:10}  spread {spread:5.2f} × that of real images, sliced Wasserstein {distance:.2f}")
    if not FAST:
        assert spread < 0.2 if kind == "plain GAN" else spread > 0.4
rows = {kind: samples[:12] for kind, samples in made.items()}
gl.plotting.image_rows(rows, title=f"Ten dense layers, trained on {digits.info.title}")

# %% [markdown]
# The plain GAN makes one picture, whatever the latent: it has **collapsed**, and nothing in its losses,
# printed above, says so. WGAN-GP's digits are rough after so few steps, but they are many.
# `benchmarks/wgan_seeds.py --experiment architecture` does the same for five seeds.
#
# A network whose generator cannot be trained is rescued in three lines: `objective="wasserstein"`,
# `penalty=GradientPenalty()`, `discriminator_steps=5`. The price: a critic step costs more, since the
# penalty is a derivative that is derived again, and the generator waits for five of them.
#
# ## Recap
#
# - $W_1$ is the largest difference of means over 1-Lipschitz critics; each such critic gives a lower bound,
#   and its slope tells every sample where to go.
# - The losses are means of the critic's answers: no sigmoid, nothing saturates, so the critic may and should
#   be trained well: `n_critic` = 5.
# - Clipping holds the slope, but drives the weights to the limit, and gradients to nothing or to infinity
#   with depth.
# - The gradient penalty asks for $\|\nabla D\| = 1$ between real and generated images: one α and one norm
#   for each image, α uniform, an ε under the root, no BatchNorm in the critic, the inner tape inside the
#   outer one.
# - `distance` falls as the samples get better, and follows them more closely than a loss of a plain GAN does. It is
#   comparable within one run, not between critics.

# %%
gl.checks.report("wgan")

# %% [markdown]
# ## References
#
# - Arjovsky, Chintala, Bottou: Wasserstein GAN, 2017, [arXiv:1701.07875](https://arxiv.org/abs/1701.07875):
#   the objective, algorithm 1
# - Gulrajani et al.: Improved Training of Wasserstein GANs, 2017,
#   [arXiv:1704.00028](https://arxiv.org/abs/1704.00028): the gradient penalty, figure 1b
# - Karras et al.: Progressive Growing of GANs, 2018, [arXiv:1710.10196](https://arxiv.org/abs/1710.10196):
#   sliced Wasserstein distance as a score
# - Villani: Optimal Transport, Old and New, 2009: the duality, theorem 5.10
#
# Next: {{next}}
