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
# # {{number}} The minimax game
#
# **You write a GAN of your own, on numbers in place of images. On a line you can compute everything: the best
# discriminator, what it measures, and how a trained one differs from it.**
#
# ![The game on a line. The fakes lie to the left, the real samples to the right. D's output is a curve, low over the
# fakes and high over the real samples. An arrow moves each fake up the curve, to the
# right.](../docs/diagrams/line.svg)
#
# An image is a point in a space of thousands of dimensions. Here an "image" is one number, a point on a line.

# %% [markdown]
# ## Before you start
#
# **What you need.** Lesson {{lesson:watch}}: generator, discriminator, logit. NumPy.
#
# **Mathematics.** A density on a line, and the mean as an integral; the logarithm; the derivative, to find a maximum;
# the chain rule.
#
# **Time.** {{time}}, with the exercises.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # fewer messages

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from IPython.display import display
from keras import layers, ops
from scipy import special, stats

import gan_lessons as gl


# %%
def show(figure, words):
    """Shows a figure, with a text for those who cannot see it."""
    display(figure, metadata={"image/png": {"alt": words}})
    plt.close(figure)


REAL, FAKE, GREEN = (gl.plotting.COLOURS[name] for name in ("real", "generated", "discriminator"))

# %% tags=["parameters"]
D_STEPS = 1500  # of a discriminator alone
STEPS = 1500  # of each player
FAR_STEPS = 500  # of each player, where the fakes begin far away
SEEDS = (0, 1, 2, 3, 4)

# %% tags=["fast"]
D_STEPS = 200
STEPS = 200
FAR_STEPS = 40
SEEDS = (0,)

# %% [markdown]
# ## 1. Who is the better judge?
#
# The real numbers have a density $p_r(x)$, the fakes $p_g(x)$: the integral of a density over a piece of the line is
# the share of the numbers that lie there. A discriminator outputs $D(x)$, the probability that $x$ is real. Here are
# two densities, and three discriminators that somebody drew by hand.

# %%
x = np.linspace(-8, 8, 4001)  # the line
p_real = 0.6 * stats.norm.pdf(x, -1.5, 0.6) + 0.4 * stats.norm.pdf(x, 2, 0.6)  # two bumps
p_fake = stats.norm.pdf(x, 0, 1.6)  # one wide bump

near_a_bump = (np.abs(x + 1.5) < 1) | (np.abs(x - 2) < 1)
judges = {
    "A": np.where(near_a_bump, 0.95, 0.05),
    "B": np.where(near_a_bump, 0.70, 0.25),
    "C": special.expit(-2 * x),  # a sigmoid: real is on the left
}

# %%
figure, rows = plt.subplots(4, 1, figsize=(7, 5), sharex=True, height_ratios=(2, 1, 1, 1), layout="constrained")
rows[0].fill_between(x, p_real, color=REAL, alpha=0.4, label="real, $p_r$")
rows[0].fill_between(x, p_fake, color=FAKE, alpha=0.4, label="fakes, $p_g$")
rows[0].set(xlim=(-6, 6), ylim=(0, 0.55), ylabel="density")
rows[0].legend(loc="upper right")
for axes, (name, D) in zip(rows[1:], judges.items()):
    axes.plot(x, D, color=GREEN)
    axes.set(ylim=(-0.05, 1.05), yticks=(0, 0.5, 1), ylabel=f"D(x) of {name}")
rows[-1].set_xlabel("x")
words = "Above, two bumps of real numbers, at -1.5 and 2, and one wide bump of fakes around 0. Below, D(x) of A, B, C. "
show(figure, words + "A is 0.95 near a bump and 0.05 elsewhere, B is 0.70 and 0.25, C falls from 1 to 0 at x = 0.")

# %% [markdown]
# **Guess first.** Which of the three judges best? Does any of them do worse than $D(x) = ½$ everywhere, which knows
# nothing?
#
# The answer depends on how you score. Goodfellow's game takes the logarithm of the probability that $D$ gives to the
# *right* answer: $\log D(x)$ for a real number, $\log(1 - D(x))$ for a fake. The **value** of the game adds the two
# means:
#
# $$V(D, G) = \mathbb{E}_{x \sim p_r}[\log D(x)] + \mathbb{E}_{x \sim p_g}[\log(1 - D(x))]
#   = \int p_r(x) \log D(x) + p_g(x) \log(1 - D(x)) \; dx$$
#
# $D$ wants $V$ large, $G$ wants it small: $\min_G \max_D V(D, G)$. That is the *minimax* of the title.


# %%
def value(D, p_real, p_fake):
    """Returns V(D, G). xlogy(p, D) is p·log D, and 0 where p is 0."""
    D = np.clip(D, 1e-16, 1 - 1e-16)  # rounding alone must not make log 0
    return np.trapezoid(special.xlogy(p_real, D) + special.xlogy(p_fake, 1 - D), x)


for name, D in judges.items():
    print(f"V of {name}: {value(D, p_real, p_fake):.2f}")

# %% [markdown]
# ### Exercise 1 · Knowing nothing
#
# What is $V$ of $D(x) = ½$ everywhere, for *any* two densities? (Paper and pencil; you may write the number with
# `np.log`.)

# %%
v_undecided = ...
gl.checks.minimax_game.value_at_equilibrium(v_undecided)

# %% tags=["test"]
scores = {name: value(D, p_real, p_fake) for name, D in judges.items()}
undecided = value(np.full_like(x, 0.5), p_real, p_fake)
assert scores["C"] < scores["A"] < undecided < scores["B"]
for D in judges.values():
    np.testing.assert_allclose(value(D, p_real, p_fake), gl.theory.value(D, p_real, p_fake, x))

# %% [markdown]
# A is right nearly everywhere that B is, and does worse than knowing nothing. It is too sure: where it is wrong, it
# pays $\log 0.05 \approx -3$. The logarithm rewards honest probabilities.
#
# ## 2. What is the best discriminator?
#
# Under the integral, each $x$ stands for itself: $D(x)$ at one $x$ does not change the rest. So you can find the best
# $D$ point by point. At one $x$, with $a = p_r(x)$ and $b = p_g(x)$, which $y = D(x)$ makes
# $a \log y + b \log(1 - y)$ largest?
#
# ### Exercise 2 · The best discriminator
#
# Find that $y$, and write it as a function of the two densities at the points.


# %%
def best_discriminator(p_real, p_fake):
    return ...


gl.checks.minimax_game.best_discriminator(best_discriminator)

# %% [markdown]
# The derivative $\frac{a}{y} - \frac{b}{1 - y}$ is 0 where $y = \frac{a}{a + b}$:
#
# $$D^*(x) = \frac{p_r(x)}{p_r(x) + p_g(x)}$$
#
# From here on the lesson works with *your* function. (`working` returns it if it is right, and the course's
# otherwise.)

# %%
best_discriminator = gl.checks.minimax_game.best_discriminator.working(best_discriminator)
best = best_discriminator(p_real, p_fake)
print(f"V of D*: {value(best, p_real, p_fake):.3f}")

# %% tags=["test"]
v_best, logit = value(best, p_real, p_fake), special.logit(best)
assert v_best > scores["B"] + 0.05
for wobble in (0.1 * np.sin(3 * x), np.full_like(x, 0.1), -0.1 * x):  # nothing near D* is better
    assert value(special.expit(logit + wobble), p_real, p_fake) < v_best
np.testing.assert_allclose(best, gl.theory.optimal_discriminator(p_real, p_fake))

# %% [markdown]
# ### Does training find it?
#
# A network never sees a density. It sees samples, and it outputs a logit $t$, with $D(x) = \sigma(t)$ and
# $\sigma(t) = 1/(1 + e^{-t})$. It lowers a loss, and $D$'s loss is $-V$, with means over a batch in place of the
# integrals: the mean of $-\log D(x)$ over real samples, plus that of $-\log(1 - D(x))$ over fakes. Keras calls these
# means the *binary cross-entropy* with the labels 1 and 0. (`ops` is `keras.ops`: NumPy's functions, in a form that
# TensorFlow can differentiate.)

# %%
cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)


def discriminator_loss(real_logits, fake_logits):
    on_real = cross_entropy(ops.ones_like(real_logits), real_logits)  # mean of −log D(x)
    on_fakes = cross_entropy(ops.zeros_like(fake_logits), fake_logits)  # mean of −log(1 − D(G(z)))
    return on_real + on_fakes


def network():
    """From one number to one number: from a sample to a logit, or from a latent to a fake."""
    hidden = [layers.Dense(64, "relu") for _ in range(2)]
    return keras.Sequential([keras.Input((1,)), *hidden, layers.Dense(1)])


# %% tags=["test"]
t = np.float32([[-3.0], [0.5], [2.0], [-1000.0]])
D = special.expit(t.astype("float64"))
assert np.isclose(float(discriminator_loss(t[:3], t)), -np.log(D[:3]).mean() - np.log(1 - D).mean(), rtol=1e-5)

# %%
random = np.random.default_rng(0)
left = random.random(20_000) < 0.6
real = np.where(left, random.normal(-1.5, 0.6, 20_000), random.normal(2, 0.6, 20_000))
fake = random.normal(0, 1.6, 20_000)
real_samples, fake_samples = (tf.constant(numbers[:, None], "float32") for numbers in (real, fake))


def draw_real(count=256):
    return tf.gather(real_samples, tf.random.uniform((count,), 0, len(real), tf.int32))


def draw_fake(count=256):
    return tf.gather(fake_samples, tf.random.uniform((count,), 0, len(fake), tf.int32))


# %%
def descender(D, draw_real, draw_fake, optimizer):
    """Returns a function that lets D take one step."""

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = discriminator_loss(D(draw_real()), D(draw_fake()))
        optimizer.apply(tape.gradient(loss, D.trainable_variables), D.trainable_variables)

    return step


# %% [markdown]
# **Guess first.** The next cell trains a network by this loss, on samples. Where will it differ from $D^*$?

# %%
keras.utils.set_random_seed(0)
D = network()
step = descender(D, draw_real, draw_fake, keras.optimizers.Adam(2e-3))
for _ in range(D_STEPS):
    step()

learnt = ops.convert_to_numpy(ops.sigmoid(D(x[:, None].astype("float32"))))[:, 0]
error = np.trapezoid(np.abs(learnt - best) * (p_real + p_fake) / 2, x)
print(f"V of the network: {value(learnt, p_real, p_fake):.3f}; mean of |D − D*| over real and fakes: {error:.3f}")

# %%
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.fill_between(x, p_real, color=REAL, alpha=0.3, label="real, $p_r$")
axes.fill_between(x, p_fake, color=FAKE, alpha=0.3, label="fakes, $p_g$")
axes.plot(x, best, color="black", linewidth=3, alpha=0.35, label="D*")
axes.plot(x, learnt, color=GREEN, label="D, learnt from samples")
axes.set(xlabel="x", ylim=(0, 1.02), xlim=(-8, 8))
axes.legend(loc="upper right", fontsize=8)
show(
    figure,
    "D learnt from samples follows D*, closely at the left bump and less so at the right one, where samples are fewer.",
)

# %% tags=["test"]
assert value(learnt, p_real, p_fake) < v_best
if D_STEPS >= 1500:
    assert error < 0.03 and v_best - value(learnt, p_real, p_fake) < 0.01

# %% [markdown]
# The two are close, and closest at the left bump, where most samples lie. To the right of 3, where they are few, the
# network is farther off: it knows nothing but samples.
#
# ## 3. What does the best discriminator measure?
#
# Put $D^*$ into $V$. With $m = ½(p_r + p_g)$, the mean of the two densities, $D^* = p_r / 2m$ and
# $1 - D^* = p_g / 2m$, so
#
# $$V(D^*, G) = \int p_r \log\frac{p_r}{2m} + p_g \log\frac{p_g}{2m} \; dx
#   = 2 \cdot \mathrm{JSD}(p_r, p_g) - 2 \log 2$$
#
# $$\text{with} \quad \mathrm{JSD}(p, q) = \frac12 \int p \log \frac{p}{m} + q \log \frac{q}{m} \; dx .$$
#
# This is the **Jensen–Shannon divergence**. It is 0 exactly where $p = q$. So against the best discriminator, $G$
# does best by making $p_g = p_r$. That is the theorem behind GANs.


# %%
def jensen_shannon(p, q):
    """rel_entr(p, m) is p·log(p/m), and 0 where p is 0."""
    m = (p + q) / 2
    return np.trapezoid(special.rel_entr(p, m) + special.rel_entr(q, m), x) / 2


print("fakes           V(D*, G)   2·JSD − 2·log 2")
for name, p_g in {"one wide bump": p_fake, "left bump only": stats.norm.pdf(x, -1.5, 0.6), "as real": p_real}.items():
    v = value(best_discriminator(p_real, p_g), p_real, p_g)
    print(f"{name:15} {v:8.4f}   {2 * jensen_shannon(p_real, p_g) - 2 * np.log(2):8.4f}")

# %% tags=["test"]
for p_g in (p_fake, p_real, stats.norm.pdf(x, 1, 0.5), stats.norm.pdf(x, -3, 0.3)):
    v = value(best_discriminator(p_real, p_g), p_real, p_g)
    assert np.isclose(v, 2 * jensen_shannon(p_real, p_g) - np.log(4))
    assert np.isclose(gl.theory.jensen_shannon(p_real, p_g, x), jensen_shannon(p_real, p_g))

# %% [markdown]
# ### How far is far?
#
# A second way to compare two densities is the **Wasserstein distance** $W$: see them as two heaps of sand, and ask
# for the least work (mass times distance) that turns one heap into the other.
#
# ### Exercise 3 · Two boxes far apart
#
# Real numbers spread evenly over $[0, 1]$, fakes over $[5, 6]$. What is their Jensen–Shannon divergence, and what is
# their Wasserstein distance?

# %%
divergence = ...
distance = ...
gl.checks.minimax_game.far_apart(divergence, distance)

# %% [markdown]
# Now move the fakes: a box over $[s, s + 1]$, for $s$ from 0 to 4. On a line, $W = \int |F_p - F_q| \, dx$, where $F$
# is the share of the mass to the left of $x$.


# %%
def wasserstein(p, q):
    return np.trapezoid(np.abs(np.cumsum(p - q) * (x[1] - x[0])), x)


def box(s):
    return stats.uniform.pdf(x, s + 0.002, 1)  # its edges lie between two points of x


shifts = np.linspace(0, 4, 41)
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.plot(shifts, [wasserstein(box(0), box(s)) for s in shifts], color="tab:purple", label="Wasserstein")
axes.plot(shifts, [jensen_shannon(box(0), box(s)) for s in shifts], color="tab:red", label="Jensen–Shannon")
axes.set(xlabel="s, where the fakes' box begins (the real one begins at 0)", ylabel="distance", ylim=(0, None))
axes.legend()
show(figure, "The Wasserstein distance rises with s. The Jensen-Shannon divergence rises until s = 1, then is flat.")

# %% tags=["test"]
for s in (0.0, 0.5, 1.0, 3.0):
    assert abs(jensen_shannon(box(0), box(s)) - min(s, 1) * np.log(2)) < 0.01
    assert abs(wasserstein(box(0), box(s)) - s) < 0.02
assert np.isclose(wasserstein(p_real, p_fake), gl.theory.wasserstein_1d(p_real, p_fake, x), atol=1e-3)

# %% [markdown]
# From $s = 1$ on, $\mathrm{JSD}$ is flat: a $G$ that followed *its* slope would not move at all. $W$ has a slope at
# every distance, which is why lesson {{lesson:wgan}} builds a GAN on it. But the flat line belongs to the best
# discriminator, and you have not trained a GAN yet. Do that first, then look whether it stops.
#
# ## 4. Your own GAN
#
# $G$ can change only the second term of $V$. By the rules of the game it lowers $\mathbb{E}[\log(1 - D(G(z)))]$, the
# **minimax** loss. Goodfellow's paper recommends another one in practice, $-\mathbb{E}[\log D(G(z))]$, the
# **non-saturating** loss. Both want $D(G(z))$ large.
#
# ### Exercise 4 · G's loss
#
# Write the non-saturating loss from the logits of a batch of fakes, without Keras's cross-entropy. It must be finite
# for every logit: $\sigma(-1000)$ rounds to 0, and $\log 0$ is not a number. Use `ops.softplus(t)`, which computes
# $\log(1 + e^t)$ for every $t$.


# %%
def generator_loss(fake_logits):
    return ...


gl.checks.minimax_game.generator_loss(generator_loss)

# %% [markdown]
# Here is a whole GAN, with your loss. $D$ takes a step, then $G$ takes one against the new $D$. Each tape's
# gradient goes to one player's weights alone: the two dashed arrows in the diagram of lesson {{lesson:watch}}.

# %%
generator_loss = gl.checks.minimax_game.generator_loss.working(generator_loss)


def game(G, D, draw_real, loss_of_g, for_g, for_d):
    @tf.function
    def step():
        real, z = draw_real(), tf.random.uniform((256, 1), -1, 1)
        with tf.GradientTape() as tape:
            d_loss = discriminator_loss(D(real), D(G(z)))
        for_d.apply(tape.gradient(d_loss, D.trainable_variables), D.trainable_variables)
        with tf.GradientTape() as tape:
            g_loss = loss_of_g(D(G(z)))
        for_g.apply(tape.gradient(g_loss, G.trainable_variables), G.trainable_variables)
        return d_loss

    return step


# %%
latents = np.linspace(-1, 1, 2001, dtype="float32")[:, None]  # evenly spread, the same in every picture
line = np.linspace(-4, 4, 161, dtype="float32")[:, None]


def made(G):
    return ops.convert_to_numpy(G(latents))[:, 0]


def train(seed, every=STEPS // 30):
    """Returns moments of a training: (step, fakes, D on the line, D's loss)."""
    keras.utils.set_random_seed(seed)
    G, D, moments, d_loss = network(), network(), [], np.nan
    for_g, for_d = (keras.optimizers.Adam(rate, beta_1=0.5) for rate in (1e-3, 2e-3))
    step = game(G, D, draw_real, generator_loss, for_g, for_d)
    for number in range(STEPS + 1):
        if number % every == 0:
            moments.append((number, made(G), special.expit(ops.convert_to_numpy(D(line))[:, 0]), float(d_loss)))
        d_loss = step()
    return moments


# %% [markdown]
# **Guess first.** All fakes begin near 0. Will they split between the two bumps, and in what shares?

# %%
trainings = {seed: train(seed) for seed in SEEDS}


def draw_moment(axes, moment):
    number, fakes, D, _ = moment
    axes.fill_between(x, p_real, color=REAL, alpha=0.35, label="real")
    axes.hist(fakes, bins=np.arange(-4, 4.1, 0.1), density=True, color=FAKE, alpha=0.6, label="fakes")
    axes.plot(line[:, 0], D, color=GREEN, label="D(x)")
    axes.axhline(0.5, color="grey", linestyle=":", linewidth=0.8)
    axes.set(xlim=(-4, 4), ylim=(0, 1.2), title=f"step {number}", xlabel="x")


# %%
moments = trainings[SEEDS[0]]
figure, all_axes = plt.subplots(1, 5, figsize=(13, 3), sharey=True, layout="constrained")
for axes, number in zip(all_axes, (0, 1, 3, 6, 30)):
    draw_moment(axes, moments[number])
figure.legend(*axes.get_legend_handles_labels(), loc="outside right center")
words = "The fakes begin in one narrow bump near 0, spread, and end in two bumps that nearly cover the real ones. "
show(figure, words + "D is low where there are too many fakes, and ends near a half.")

# %%
print("seed   W at the start, and in the last ten pictures   D's loss there   fakes left of 0.25")
for seed, moments in trainings.items():
    w = [stats.wasserstein_distance(fakes, real) for _, fakes, _, _ in moments]
    d_loss, left = np.mean([one[-1] for one in moments[-10:]]), np.mean(moments[-1][1] < 0.25)
    print(f"{seed:4} {w[0]:16.2f} {min(w[-10:]):16.2f} to {max(w[-10:]):.2f} {d_loss:22.2f} {left:20.0%}")
floor = stats.wasserstein_distance(real[:2001], real[2001:])
print(f"real numbers against real numbers {floor:.2f} {np.mean(real < 0.25):51.0%}")

# %% tags=["test"]
ends = {seed: [stats.wasserstein_distance(one[1], real) for one in moments] for seed, moments in trainings.items()}
assert all(np.isfinite(w).all() and min(w[1:]) < 0.7 * w[0] for w in ends.values())
if STEPS >= 1500:
    for seed, w in ends.items():
        assert max(w[-10:]) < 0.5 * w[0] and max(w[-10:]) > 1.7 * min(w[-10:])  # near, and it does not settle
        assert abs(np.mean([one[-1] for one in trainings[seed][-10:]]) - 2 * np.log(2)) < 0.1
        assert abs(np.mean(trainings[seed][-1][1] < 0.25) - 0.6) < 0.1

# %% [markdown]
# All seeds find both bumps, in about the right shares, and $W$ falls to a fraction of what it was. $D$'s loss is close
# to 1.39, that is $\log 4$: the loss of a $D$ that outputs ½. So neither player is winning. The loss does *not* say
# whether the fakes are good: it stays there while $W$ goes up and down.
#
# ## 5. Does it stop when the fakes are far away?
#
# Section 3 said: between boxes that do not touch, $\mathrm{JSD}$ is flat. So put your GAN there. The real numbers are
# spread over $[0, 1]$. $G$ is the smallest network, $G(z) = wz + b$, and begins with $w = 0.4$, $b = 5.6$: the fakes
# are spread over $[5.2, 6]$. Look first at what $D$ learns while $G$ stands still.


# %%
def far_away():
    G = keras.Sequential([keras.Input((1,)), layers.Dense(1)])  # w·z + b
    G.set_weights([np.float32([[0.4]]), np.float32([5.6])])
    return G, network()


def near_zero():
    return tf.random.uniform((256, 1))


keras.utils.set_random_seed(0)
G, D = far_away()
step = descender(D, near_zero, lambda: G(tf.random.uniform((256, 1), -1, 1)), keras.optimizers.Adam(2e-3))
for _ in range(FAR_STEPS):
    step()

# %%
stretch = np.linspace(-1, 7, 200, dtype="float32")[:, None]
logits = ops.convert_to_numpy(D(stretch))[:, 0]
figure, both = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
for axes, curve, label in zip(both, (special.expit(logits), logits), ("D(x) = σ(t)", "the logit t")):
    axes.axvspan(0, 1, color=REAL, alpha=0.25, label="real")
    axes.axvspan(5.2, 6, color=FAKE, alpha=0.25, label="fakes")
    axes.plot(stretch[:, 0], curve, color=GREEN)
    axes.set(xlabel="x", ylabel=label)
both[1].legend()
words = "D(x) is 1 at the real numbers and 0 at the fakes, and flat at both. The logit falls in a nearly straight line "
show(figure, words + "from the real numbers to the fakes, and on under the fakes.")

# %% tags=["test"]
under = (stretch[:, 0] > 5.2) & (stretch[:, 0] < 6)
assert logits[under][0] > logits[under][-1]
if FAR_STEPS >= 500:
    assert np.ptp(special.expit(logits[under])) < 0.01 and logits[under][0] - logits[under][-1] > 0.2

# %% [markdown]
# On the left is what the theorem is about: $D$ is sure, and flat where the fakes are. On the right is what your losses
# get. The logit still has a slope under the fakes, and the slope shows the way.
#
# The next cell lets $G$ move: both losses, five seeds each, with a slow $D$ (its learning rate is a tenth of $G$'s)
# and with a quick one (as large as $G$'s).
#
# **Guess first.** Which of the four bring the fakes to the real numbers?


# %%
def minimax_loss(fake_logits):
    return -ops.mean(ops.softplus(fake_logits))  # log(1 − σ(t)) = −softplus(t)


def approach(loss_of_g, rate_of_d, seed):
    """Returns the Wasserstein distance before each step."""
    keras.utils.set_random_seed(seed)
    G, D = far_away()
    for_g, for_d = (keras.optimizers.Adam(rate, beta_1=0.5) for rate in (0.02, rate_of_d))
    step, distances = game(G, D, near_zero, loss_of_g, for_g, for_d), []
    for _ in range(FAR_STEPS):
        distances.append(stats.wasserstein_distance(made(G), (latents[:, 0] + 1) / 2))
        step()
    return distances


# %%
losses = {"non-saturating": generator_loss, "minimax": minimax_loss}
ways = {}
print("D      loss            W after 0, 100, 200 … steps (mean of the seeds)   first step with W < 0.2, for each seed")
for speed, rate in {"slow": 0.002, "quick": 0.02}.items():
    for name, loss in losses.items():
        w = ways[speed, name] = np.array([approach(loss, rate, seed) for seed in SEEDS])
        means = " ".join(f"{each:.2f}" for each in w.mean(axis=0)[::100])
        first = [int(near.argmax()) if near.any() else "never" for near in w < 0.2]
        print(f"{speed:6} {name:15} {means:48} {', '.join(map(str, first))}")

# %%
figure, both = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True, layout="constrained")
for axes, speed in zip(both, ("slow", "quick")):
    for name, style, colour in (("non-saturating", "-", "tab:purple"), ("minimax", "--", "tab:red")):
        axes.plot(ways[speed, name].T, style, color=colour)
        axes.plot([], style, color=colour, label=name)
    axes.set(title=f"{speed} D", xlabel="steps", ylim=(0, None))
both[0].set_ylabel("Wasserstein distance")
both[0].legend()
words = "With a slow D all curves of both losses fall from 5 to nearly 0. With a quick D those of the non-saturating "
show(figure, words + "loss do as well, and those of the minimax loss stay near 5.")

# %% tags=["test"]
assert all(np.allclose(w[:, 0], 5.1, atol=0.01) and (w[:, -1] < w[:, 0]).all() for w in ways.values())
if FAR_STEPS >= 500:
    assert all((w[:, 300] < 0.2).all() for key, w in ways.items() if key != ("quick", "minimax"))
    assert (ways["quick", "minimax"][:, -1] > 4.6).all()

# %% [markdown]
# **Three of the four arrive**, in less than 300 steps and on every seed, although the two distributions do not touch
# for most of the way and $\mathrm{JSD} = \log 2$ has no slope there. Why?
#
# - **The theorem is about the best $D$.** The best $D$ is exactly 1 on the real numbers and exactly 0 on the fakes. It
#   is flat, and so is every loss of it. A trained $D$ is a smooth network after a finite number of steps. It has to
#   fall somewhere between 1 and 5.2; no sample there says where, so it falls gradually, and its logit goes on
#   falling under the fakes.
# - **The loss.** A fake $x$ feels the slope $\nabla t$ of the logit, times what the chain rule puts in front of it:
#   $1 - \sigma(t)$ for the non-saturating loss, $\sigma(t)$ for the minimax loss. The first factor is nearly 1 where
#   $D$ is sure of a fake. The second is $D(x)$ itself, and goes to 0.
# - **The race.** A quick $D$ becomes sure before $G$ has moved, and the minimax loss stops where the theorem says. With
#   a slow $D$ the same loss arrives.
#
# Arjovsky and Bottou (2017) prove that the minimax gradient vanishes as $D$ nears the best one. Fedus et al. (2018)
# show GANs that learn where the divergence has no useful slope. Both are right: the $D$s differ. The reason for a WGAN
# is thus not that other GANs cannot learn from afar. It is that the slope of its critic does not depend on winning a
# race, and that its loss measures a distance.
#
# ## What did not work
#
# - **On the two bumps, no training settles.** In the last ten pictures $W$ rises to about twice its lowest value, or
#   more, at the same loss of $D$. The optional lesson {{lesson:dynamics}} finds out why.
# - **The minimax loss against a quick $D$** moved the fakes by less than half a unit, on every seed.
# - **The speed in section 5 is no merit of a loss.** Adam moves $b$ by about its rate, 0.02, at each step, whatever the
#   gradient's length. That alone gives about 255 steps for a distance of 5.1.

# %%
gl.checks.report("minimax_game")

# %% [markdown]
# ## Recap
#
# - $V(D, G)$ is the mean logarithm of the probability that $D$ gives to the right answer, once for real samples and
#   once for fakes. The best $D$ is $p_r / (p_r + p_g)$.
# - Against it $V = 2\,\mathrm{JSD} - 2 \log 2$, which is least at $p_g = p_r$. There $D = ½$ and $V = -\log 4$.
# - Where two distributions do not touch, JSD is flat and the Wasserstein distance is not. That is about the best $D$.
# - A trained $D$ is smooth and has a slope under the fakes, so a GAN learns from afar. Here only one failed: the
#   minimax loss against a $D$ that became sure too quickly.
# - A GAN's loss says that neither player wins. It does not say how good the fakes are.
#
# **References**
#
# - Goodfellow et al., *Generative Adversarial Nets*, 2014, [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Arjovsky and Bottou, *Towards Principled Methods for Training Generative Adversarial Networks*, 2017,
#   [arXiv:1701.04862](https://arxiv.org/abs/1701.04862): what happens as $D$ nears the best.
# - Arjovsky et al., *Wasserstein GAN*, 2017, [arXiv:1701.07875](https://arxiv.org/abs/1701.07875).
# - Fedus et al., *Many Paths to Equilibrium: GANs Do Not Need to Decrease a Divergence At Every Step*, 2018,
#   [arXiv:1710.08446](https://arxiv.org/abs/1710.08446).
#
# Next: {{next}}
