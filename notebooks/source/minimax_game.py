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
# **What you will be able to do.** Say what the two players of a GAN play for, what the best discriminator
# answers and what its value measures; choose the generator's loss and say why; tell which GANs come to rest
# and which go round for ever. Nothing here has to be believed: every statement is computed, and stands in a
# cell as an `assert`.
#
# **What you need.** Integrals, logarithms, gradient descent, and a little NumPy. {{previous}} is enough of
# Keras.
#
# **How long it takes.** An hour of reading and trying; one to two minutes of computing on a laptop.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers, ops
from scipy import stats
from scipy.special import expit as sigmoid
from scipy.special import rel_entr, xlogy

import gan_lessons as gl

FAST = os.environ.get("GAN_LESSONS_FAST") == "1"  # a quick run through, for tests: it trains next to nothing
keras.utils.set_random_seed(1)
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})
REAL, FAKE, D_COLOUR = "tab:blue", "tab:orange", "tab:green"  # the same colours in every picture

# %% [markdown]
# ## 1. What they play for
#
# A generator $G$ turns random latents $z$ into images $G(z)$. A discriminator $D$ looks at an image $x$ and
# answers $D(x)$, the probability that it is real. Both fight over one number, the **value** of the game:
#
# $$V(D, G) = \mathbb{E}_{x \sim p_r}[\log D(x)] + \mathbb{E}_{z}[\log(1 - D(G(z)))]$$
#
# Each term is a logarithm of the probability that $D$ gives to the *right* answer. $D$ wants $V$ large, $G$
# wants it small:
# $\min_G \max_D V(D, G)$.
#
# An image is a point in a space of thousands of dimensions, and its density cannot be drawn. So let an
# "image" be a single number. Then the real data have a density $p_r(x)$ on a line, the generated ones a
# density $p_g(x)$, and both expectations are integrals that can be computed:
#
# $$V(D, G) = \int p_r(x) \log D(x) + p_g(x) \log(1 - D(x)) \; dx$$

# %%
x = np.linspace(-8, 8, 4001)  # the line


def value(D, p_real, p_fake):
    """V(D, G), from values at the points x. xlogy(p, D) is p·log D, and 0 where p is 0."""
    D = np.clip(D, 1e-16, 1 - 1e-16)  # a float comes no nearer to 1; log(0) would come of rounding alone
    return np.trapezoid(xlogy(p_real, D) + xlogy(p_fake, 1 - D), x)


p_real = 0.5 * stats.norm.pdf(x, -1.5, 0.6) + 0.5 * stats.norm.pdf(x, 2, 0.6)  # two bumps
p_fake = stats.norm.pdf(x, 0, 1.6)  # one wide bump: a generator that has not learnt much yet

discriminators = {
    "undecided: ½ everywhere": np.full_like(x, 0.5),
    "“real is on the right”": sigmoid(2 * x),
    "“real is at the two bumps”": 0.2 + 0.6 * ((np.abs(x + 1.5) < 0.9) | (np.abs(x - 2) < 0.9)),
}
for name, D in discriminators.items():
    print(f"V = {value(D, p_real, p_fake):6.3f}   {name}")

# %%
figure, (above, below) = plt.subplots(2, 1, figsize=(8, 5), sharex=True)
above.fill_between(x, p_real, color=REAL, alpha=0.4, label="$p_r$, real")
above.fill_between(x, p_fake, color=FAKE, alpha=0.4, label="$p_g$, generated")
above.set(ylabel="density", title="Which of three discriminators has the highest value?")
above.legend()
for (name, D), style in zip(discriminators.items(), (":", "--", "-")):
    below.plot(x, D, style, color=D_COLOUR, label=f"{name}, V = {value(D, p_real, p_fake):.2f}")
below.set(xlabel="x", ylabel="D(x)", xlim=(-6, 6), ylim=(-0.05, 1.05))
below.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.3))
plt.show()

# %% [markdown]
# **What to look for.** The third, which says *real* where blue is above orange, has the highest value. The
# second is worse than no opinion at all: it is often sure and wrong, and $\log$ of a small number costs much.
#
# **Exercise 1.** With paper and pencil: $D(x) = ½$ everywhere. What is $V$, for *any* $p_r$ and $p_g$? Give a
# number (you may write it with `np.log`).

# %%
v_undecided = ...
gl.checks.minimax_game.value_at_equilibrium(v_undecided)

# %% [markdown]
# If widgets run where you read this, be the discriminator yourself:
# $D(x) = \sigma(\text{slope} \cdot (x - \text{centre}))$. How high do you get? (No single threshold gets far
# here. Why?)

# %%
from ipywidgets import FloatSlider, interact


@interact(slope=FloatSlider(0.2, min=-3, max=3, step=0.1), centre=FloatSlider(-1, min=-5, max=5, step=0.25))
def be_the_discriminator(slope, centre):
    print(f"V = {value(sigmoid(slope * (x - centre)), p_real, p_fake):.4f}")


# %% [markdown]
# ## 2. The discriminator that nobody beats
#
# Under the integral each $x$ stands for itself: $D(x)$ at one $x$ has no influence on any other. So the best
# $D$ is found point by point. With $a = p_r(x)$ and $b = p_g(x)$, maximise over $y = D(x)$
#
# $$a \log y + b \log(1 - y), \qquad
#   \text{derivative } \frac{a}{y} - \frac{b}{1 - y} = 0 \iff y = \frac{a}{a + b}.$$
#
# $$\boxed{D^*(x) = \frac{p_r(x)}{p_r(x) + p_g(x)}}$$


# %%
def optimal_discriminator(p_real, p_fake):
    """The share of the real density in the sum of both."""
    return p_real / (p_real + p_fake)


best = optimal_discriminator(p_real, p_fake)
v_best = value(best, p_real, p_fake)
print(f"V(D*, G) = {v_best:.4f}")

# Nobody beats it: not the three from above, and not the best itself with something added to its logit,
# however small.
assert all(value(D, p_real, p_fake) < v_best for D in discriminators.values())
logit = np.log(best / (1 - best))
for wobble in (0.1 * np.sin(3 * x), np.full_like(x, 0.1), -0.1 * x):
    assert value(sigmoid(logit + wobble), p_real, p_fake) < v_best

# %% [markdown]
# **Exercise 2.** Real data from $N(0, 1)$, fakes from $N(2, 1)$. Write $D^*$ as a function of the points `x`
# (`stats.norm.pdf(x, mean, std)` is the density of a Gaussian).


# %%
def d_star(x):
    return ...


gl.checks.minimax_game.optimal_discriminator(d_star)

# %% [markdown]
# ### Does training find it?
#
# A network never sees a density. It sees samples: real ones with the label 1, fakes with the label 0, and
# learns to classify them. Its loss is the binary cross-entropy, the mean of $-\log D(x)$ over the real and
# $-\log(1 - D(x))$ over the fake ones: just $-½ V$, when there are as many of both. So training a classifier
# climbs $V$.
#
# The network ends in a plain number, the **logit** $t$, and $D(x) = \sigma(t) = 1/(1 + e^{-t})$.
# `from_logits=True` tells the loss so.

# %%
random = np.random.default_rng(0)
count = 20_000
bump = random.random(count) < 0.5
real = np.where(bump, random.normal(-1.5, 0.6, count), random.normal(2, 0.6, count))
fake = random.normal(0, 1.6, count)
samples = np.concatenate([real, fake]).astype("float32")[:, None]
labels = np.concatenate([np.ones(count), np.zeros(count)]).astype("float32")[:, None]

classifier = keras.Sequential(
    [
        keras.Input((1,)),
        layers.Dense(32, activation="tanh"),
        layers.Dense(32, activation="tanh"),
        layers.Dense(1),
    ]
)
epochs = 3 if FAST else 40
rate = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=epochs * len(samples) // 1000)
classifier.compile(keras.optimizers.Adam(rate), keras.losses.BinaryCrossentropy(from_logits=True))
classifier.fit(samples, labels, batch_size=1000, epochs=epochs, verbose=0)

learnt = sigmoid(classifier.predict(x[:, None], batch_size=len(x), verbose=0)[:, 0])
error = np.trapezoid(np.abs(learnt - best) * (p_real + p_fake) / 2, x)
print(
    f"V of the network {value(learnt, p_real, p_fake):.4f}, of D* {v_best:.4f}; mean distance |D − D*| = "
    f"{error:.4f}"
)
assert value(learnt, p_real, p_fake) <= v_best
if not FAST:
    assert error < 0.02 and v_best - value(learnt, p_real, p_fake) < 0.005

# %%
figure, axes = plt.subplots(figsize=(8, 3.2))
axes.fill_between(x, p_real, color=REAL, alpha=0.3, label="$p_r$")
axes.fill_between(x, p_fake, color=FAKE, alpha=0.3, label="$p_g$")
axes.plot(x, best, color="black", linewidth=3, alpha=0.35, label="$D^* = p_r/(p_r+p_g)$")
axes.plot(x, learnt, "--", color=D_COLOUR, label="D, learnt from samples")
axes.set(
    xlabel="x", ylabel="D(x), densities", xlim=(-6, 6), title="A classifier finds the ratio of two densities"
)
axes.legend(fontsize=8)
plt.show()

# %% [markdown]
# **What to look for.** The two curves lie on each other where there are samples. Beyond $|x| > 4$ hardly any
# fall, nobody tells the network what is right there, and it costs it nothing to be wrong.

# %% [markdown]
# ## 3. What its value measures
#
# Put $D^*$ into $V$. With the mean of the two densities, $m = ½(p_r + p_g)$, we have
# $D^* = p_r / 2m$ and $1 - D^* = p_g / 2m$:
#
# $$V(D^*, G) = \int p_r \log\frac{p_r}{2m} + p_g \log\frac{p_g}{2m} \; dx
#   = \mathrm{KL}(p_r \| m) + \mathrm{KL}(p_g \| m) - 2 \log 2
#   = 2 \cdot \mathrm{JSD}(p_r \| p_g) - \log 4.$$
#
# $\mathrm{KL}(p \| q) = \int p \log (p/q)$ is the Kullback–Leibler divergence, and $\mathrm{JSD}$, the
# Jensen–Shannon divergence, is half the sum of the two: 0 if and only if $p_r = p_g$, and at most $\log 2$.
# Against the best discriminator the generator therefore does best by making $p_g = p_r$. There $D^* = ½$ and
# $V = -\log 4$: the **equilibrium**.


# %%
def kl(p, q):
    """rel_entr(p, q) is p·log(p/q), and 0 where p is 0."""
    return np.trapezoid(rel_entr(p, q), x)


def jensen_shannon(p, q):
    middle = (p + q) / 2
    return (kl(p, middle) + kl(q, middle)) / 2


for p_g in (p_fake, p_real, stats.norm.pdf(x, 1, 0.5), stats.norm.pdf(x, -3, 0.3)):
    v = value(optimal_discriminator(p_real, p_g), p_real, p_g)
    print(f"V(D*, G) = {v:8.5f}     2·JSD − log 4 = {2 * jensen_shannon(p_real, p_g) - np.log(4):8.5f}")
    assert np.isclose(v, 2 * jensen_shannon(p_real, p_g) - np.log(4))
    assert -np.log(4) - 1e-9 <= v <= 1e-9
assert np.isclose(value(optimal_discriminator(p_real, p_real), p_real, p_real), -np.log(4))  # the equilibrium
assert np.isclose(gl.theory.jensen_shannon(p_real, p_fake, x), jensen_shannon(p_real, p_fake))

# %%
shifts = np.linspace(-4, 4, 81)
values = [
    value(optimal_discriminator(p := stats.norm.pdf(x), q := stats.norm.pdf(x, s)), p, q) for s in shifts
]

figure, axes = plt.subplots(figsize=(8, 3.2))
axes.plot(shifts, values, color="black")
axes.axhline(-np.log(4), color="grey", linestyle=":")
axes.annotate(
    "−log 4: $p_g = p_r$, D answers ½", (0, -np.log(4)), (-1.35, -0.85), arrowprops={"arrowstyle": "->"}
)
axes.axhline(0, color="grey", linestyle=":")
axes.text(-3.95, 0.04, "0: D tells every image right", fontsize=9)
axes.set(
    xlabel="s, how far the fakes, N(s, 1), are from the real data, N(0, 1)",
    ylabel="V(D*, G)",
    ylim=(-1.5, 0.2),
    title="What the generator sees when the discriminator is perfect",
)
plt.show()

# %% [markdown]
# **What to look for.** One valley, its floor at $p_g = p_r$. But the walls flatten towards 0: from far away,
# hardly anything says which way is down. Sections 4 and 5 are about that.

# %% [markdown]
# ## 4. Two losses for the generator
#
# $D$ descends $-V$. Of $V$, the generator can change only the second term, so by the rules of the game it
# descends
# $\mathbb{E}[\log(1 - D(G(z)))]$: the **minimax** or *saturating* loss. In the same paper, its authors advise
# against it and let $G$ descend $-\mathbb{E}[\log D(G(z))]$ instead: the **non-saturating** loss. Both want
# $D(G(z))$ large. In the logit $t$ of a fake, with $\mathrm{softplus}(t) = \log(1 + e^t)$,
#
# | | loss | slope in $t$ | where D is sure, $t \ll 0$ |
# | --- | --- | --- | --- |
# | minimax | $\log(1 - \sigma(t)) = -\mathrm{softplus}(t)$ | $-\sigma(t)$ | slope $\to 0$ |
# | non-saturating | $-\log \sigma(t) = \mathrm{softplus}(-t)$ | $-(1 - \sigma(t))$ | slope $\to -1$ |
#
# Everything that the generator learns passes through this slope: the chain rule multiplies by it.

# %%
t = np.linspace(-8, 8, 801)
losses = {"minimax: log(1 − σ(t))": -np.logaddexp(0, t), "non-saturating: −log σ(t)": np.logaddexp(0, -t)}
slopes = {"minimax: −σ(t)": -sigmoid(t), "non-saturating: −(1 − σ(t))": -sigmoid(-t)}

figure, both = plt.subplots(1, 2, figsize=(10, 3.4))
for axes, curves, title in zip(both, (losses, slopes), ("The loss", "Its slope: what the generator feels")):
    axes.axvspan(-8, -3, color="grey", alpha=0.15)
    for (name, curve), colour in zip(curves.items(), ("tab:red", "tab:purple")):
        axes.plot(t, curve, color=colour, label=name)
    axes.set(xlabel="t, D's logit on a fake", title=title, xlim=(-8, 8))
    axes.legend(fontsize=9, loc="upper right")
both[1].set_ylim(-1.05, 0.4)
both[0].text(-7.8, -7.5, "D is sure:\na fake", fontsize=9)
plt.show()

for loss, slope in zip(losses.values(), slopes.values()):  # the table's slopes, against finite differences
    assert np.abs(np.gradient(loss, t)[1:-1] - slope[1:-1]).max() < 1e-4

# %% [markdown]
# **What to look for.** In the grey part $D$ has seen through the fake: that is how training begins, and where
# the generator needs help most. There the red slope is flat at 0, and the purple one is at −1.
#
# **Exercise 3.** $D$ gives a fake the logit −6 (a probability of 0.25 %). How many times larger is the
# non-saturating slope than the minimax one?

# %%
times_larger = ...
gl.checks.minimax_game.gradient_ratio(times_larger)

# %% [markdown]
# **Exercise 4.** Write the non-saturating loss, as a function of the logits of a batch of fakes. It has to be
# finite for every logit: $\sigma(-1000)$ is 0 in floating point, and $\log 0$ is $-\infty$.


# %%
def non_saturating_loss(fake_logits):
    return ...


gl.checks.minimax_game.non_saturating_loss(non_saturating_loss)

# %% [markdown]
# ### Measured on a real generator
#
# A small generator makes numbers around 0, the real data lie around 3. $G$ stands still while $D$ learns, and
# before every step of $D$ we ask: how long is the gradient that *would* reach $G$'s weights, under each of
# the two losses?

# %%
latents = random.normal(size=(256, 1)).astype("float32")
real_batch = random.normal(3, 0.5, size=(256, 1)).astype("float32")
generator = keras.Sequential([keras.Input((1,)), layers.Dense(16, activation="relu"), layers.Dense(1)])
discriminator = keras.Sequential([keras.Input((1,)), layers.Dense(16, activation="relu"), layers.Dense(1)])
optimizer = keras.optimizers.Adam(0.02)
minimax, non_saturating = gl.objectives.Minimax(), gl.objectives.NonSaturating()


@tf.function
def measure_then_train_d():
    with tf.GradientTape(persistent=True) as tape:
        fake_logits = discriminator(generator(latents))
        d_loss = minimax.discriminator_loss(discriminator(real_batch), fake_logits)
        g_losses = minimax.generator_loss(fake_logits), non_saturating.generator_loss(fake_logits)
    norms = [
        tf.linalg.global_norm(tape.gradient(g_loss, generator.trainable_variables)) for g_loss in g_losses
    ]
    d_gradients = tape.gradient(d_loss, discriminator.trainable_variables)
    optimizer.apply(d_gradients, discriminator.trainable_variables)
    return [ops.mean(ops.sigmoid(fake_logits)), *norms]


measured = np.array([[float(number) for number in measure_then_train_d()] for _ in range(1000)])
d_fake, minimax_norm, non_saturating_norm = measured.T

# %%
figure, axes = plt.subplots(figsize=(8, 3.4))
axes.semilogy(d_fake, ":", color=D_COLOUR, label="D's mean answer on the fakes")
axes.semilogy(minimax_norm, color="tab:red", label="‖gradient in G‖, minimax")
axes.semilogy(non_saturating_norm, color="tab:purple", label="‖gradient in G‖, non-saturating")
axes.set(xlabel="steps that D has taken", title="The better D is, the less the minimax loss teaches G")
axes.legend(fontsize=8)
plt.show()

print(
    f"after 1,000 steps D says {d_fake[-1]:.1e} to the fakes; the gradients in G have the norms "
    f"{minimax_norm[-1]:.1e} (minimax) and {non_saturating_norm[-1]:.1e} (non-saturating)"
)
assert minimax_norm[-1] < 0.2 * minimax_norm[0]  # saturated
assert non_saturating_norm[-1] > non_saturating_norm[0]  # not
assert non_saturating_norm[-1] > 100 * minimax_norm[-1]

# %% [markdown]
# **What to look for.** The red curve follows the dotted one down: the slope *is* $\sigma(t)$, which is $D$'s
# answer. The purple one does not fall. (It is larger than at the beginning, because $D$ has become steeper.)
# This is the whole difference, and the reason why `gl.GAN` has `objective="non_saturating"` by default.

# %% [markdown]
# ## 5. Distributions that do not overlap
#
# Images fill a tiny part of the space of all pixel values. Two such thin sets rarely meet, so let us see what
# the divergence says of densities that do not overlap. Real data: uniform on $[0, 1]$. Fakes: uniform
# on $[s, s + 1]$.
#
# Beside it another distance, the **Wasserstein** or earth mover's distance: the least work (mass times way)
# that carries one heap of sand into the other. On a line it is the area between the two cumulative
# distributions, $W = \int |F_p - F_q| \, dx$.


# %%
def wasserstein(p, q):
    step = x[1] - x[0]
    return np.trapezoid(np.abs(np.cumsum(p - q) * step), x)


shifts = np.linspace(0, 4, 41)
step = x[1] - x[0]


def box(left):
    """The uniform density on [left, left + 1]; the points on its two edges count half."""
    return np.clip((x - left) / step + 0.5, 0, 1) * np.clip((left + 1 - x) / step + 0.5, 0, 1)


jsd = np.array([jensen_shannon(box(0), box(s)) for s in shifts])
w = np.array([wasserstein(box(0), box(s)) for s in shifts])
assert np.allclose(jsd, np.minimum(shifts, 1) * np.log(2), atol=0.01)  # constant from s = 1 on: log 2
assert np.allclose(w, shifts, atol=0.01)  # falls with the distance, all the way

# %%
figure, axes = plt.subplots(figsize=(8, 3.4))
axes.axvspan(1, 4, color="grey", alpha=0.15)
axes.text(2.0, 0.25, "no overlap", fontsize=9)
axes.plot(shifts, w, color="tab:purple", label="Wasserstein distance: s")
axes.plot(shifts, jsd, color="tab:red", label="Jensen–Shannon: log 2 as soon as they part")
axes.axhline(np.log(2), color="grey", linestyle=":")
axes.set(
    xlabel="s, how far apart the two boxes are",
    ylabel="distance",
    title="Near or far? Only one of the two can tell",
)
axes.legend()
plt.show()

# %% [markdown]
# **What to look for.** From $s = 1$ on, $\mathrm{JSD}$ stays at $\log 2$: its slope in $s$ is 0, so a
# generator that is compared by it learns nothing about where to go. $W$ keeps its slope at every distance.
# {{lesson:wgan}} builds a GAN that estimates $W$.
#
# **Exercise 5.** Uniform on $[0, 1]$ against uniform on $[5, 6]$: what are the Jensen–Shannon divergence (in
# nats, that is with the natural logarithm) and the Wasserstein distance?

# %%
divergence = ...
distance = ...
gl.checks.minimax_game.far_apart(divergence, distance)

# %% [markdown]
# ## 6. The smallest GAN there is
#
# Knowing where the equilibrium lies is one thing; getting there is another. Both players move at once, and
# what is downhill for one is uphill for the other.
#
# The **Dirac-GAN** (Mescheder 2018) shows it in two dimensions. The real data are one image, at 0. The
# generator makes one image, at $\theta$. The discriminator has one weight: its logit is $\psi x$. On the fake
# it answers $u = \psi\theta$, on the real image always 0. The equilibrium is $\theta = \psi = 0$. Let each
# player descend its loss in small steps:
#
# | | G descends | so $\theta' =$ | D descends | so $\psi' =$ |
# | --- | --- | --- | --- | --- |
# | minimax | $-\mathrm{softplus}(u)$ | $\psi\sigma(u)$ | $\mathrm{softplus}(u)$ | $-\theta\sigma(u)$ |
# | non-satur. | $\mathrm{softplus}(-u)$ | $\psi\sigma(-u)$ | $\mathrm{softplus}(u)$ | $-\theta\sigma(u)$ |
# | Wasserstein | $-u$ | $\psi$ | $u$ | $-\theta$ |
#
# A penalty on $D$'s slope, $w\,(|\psi| - \text{target})^2$, adds
# $-2w\,(|\psi| - \text{target})\,\mathrm{sign}(\psi)$ to $\psi'$.


# %%
def minimax_field(theta, psi):
    return psi * sigmoid(psi * theta), -theta * sigmoid(psi * theta)


def non_saturating_field(theta, psi):
    return psi * sigmoid(-psi * theta), -theta * sigmoid(psi * theta)


def wasserstein_field(theta, psi):
    return psi, -theta


def slope_penalty(psi, weight, target):
    return -2 * weight * (np.abs(psi) - target) * np.sign(psi)


# The package has the same fields, and follows them. From here on we use it.
somewhere = np.array([0.7, -0.3])
for name, field in [
    ("minimax", minimax_field),
    ("non_saturating", non_saturating_field),
    ("wasserstein", wasserstein_field),
]:
    assert np.allclose(gl.theory.DiracGAN(name).field(*somewhere), field(*somewhere))

# %% [markdown]
# ### What the equilibrium looks like from near by
#
# Near the equilibrium the field is nearly linear, $(\theta, \psi)' \approx J \, (\theta, \psi)$ with the
# Jacobian $J$. Its eigenvalues $\lambda$ say everything about this linear part: paths behave like $e^{\lambda t}$. A
# negative real part pulls in, a positive one pushes out, an imaginary part turns. From the table, with $\sigma(0) = ½$ and
# a penalty with target 0 (called **R1**),
#
# $$J = \begin{pmatrix} 0 & c \\ -c & -2w \end{pmatrix}, \qquad \lambda = -w \pm \sqrt{w^2 - c^2},
#   \qquad c = ½ \text{ (minimax, non-saturating)}, \; c = 1 \text{ (Wasserstein)}.$$
#
# Without a penalty: $\lambda = \pm ci$. Nothing pulls in; the players turn round each other.

# %%
for objective, c in [("minimax", 0.5), ("non_saturating", 0.5), ("wasserstein", 1.0)]:
    for w in (0.0, 0.3):
        game = gl.theory.DiracGAN(objective, penalty_weight=w)
        computed = game.eigenvalues()  # of the Jacobian, by finite differences
        root = np.sqrt(complex(w**2 - c**2))
        print(f"{objective:15} w = {w}:  λ = {computed[0]:.3f}, {computed[1]:.3f}")
        assert np.allclose(computed, [-w + root, -w - root], atol=1e-6)

# Do paths obey them? After one full turn, of length 2π/|Im λ|, the distance should have changed by e^(Re λ ·
# 2π/|Im λ|).
game = gl.theory.DiracGAN("non_saturating", penalty_weight=0.3)
rate = game.eigenvalues()[0]
turn = 2 * np.pi / rate.imag
_, path = game.flow(start=(0.01, 0.0), time=turn)
shrunk = np.hypot(*path[-1]) / np.hypot(*path[0])
expected = np.exp(rate.real * turn)
print(f"after a turn of {turn:.1f} the distance is {shrunk:.5f} of what it was; λ says {expected:.5f}")
assert np.isclose(shrunk, expected, rtol=0.01)

# %% [markdown]
# **Exercise 6.** Before you look on: which of these settle? Each is trained from $(1, 1)$ with 5,000 steps of
# gradient descent, step size 0.1, both players at once. `True` if it ends within 0.01 of the equilibrium.
# (`clipped`: $|\psi| \le 0.5$, as WGAN does it. `gp`: the penalty of WGAN-GP, target 1, $w = 0.5$. `r1`: target 0,
# $w = 0.3$.)
# Remember that a real step is not infinitely small.

# %%
settles = {
    "minimax": ...,
    "non_saturating": ...,
    "wasserstein": ...,
    "wasserstein_clipped": ...,
    "wasserstein_gp": ...,
    "non_saturating_r1": ...,
}
gl.checks.minimax_game.which_settle(settles)

# %%
games = {
    "minimax": gl.theory.DiracGAN("minimax"),
    "non-saturating": gl.theory.DiracGAN("non_saturating"),
    "Wasserstein": gl.theory.DiracGAN("wasserstein"),
    "Wasserstein, clipped": gl.theory.DiracGAN("wasserstein", clip=0.5),
    "Wasserstein, penalty to slope 1": gl.theory.DiracGAN(
        "wasserstein", penalty_weight=0.5, penalty_target=1.0
    ),
    "non-saturating, penalty to slope 0": gl.theory.DiracGAN(
        "non_saturating", penalty_weight=0.3, penalty_target=0.0
    ),
}

# %%
theta, psi = np.meshgrid(np.linspace(-2, 2, 21), np.linspace(-2, 2, 21))
figure, grid = plt.subplots(2, 3, figsize=(11, 7.4), sharex=True, sharey=True, layout="constrained")
for axes, (name, game) in zip(grid.flat, games.items()):
    axes.streamplot(
        theta, psi, *game.field(theta, psi), color="lightgrey", density=0.9, arrowsize=0.8, linewidth=0.8
    )
    _, path = game.flow(start=(1.0, 1.0), time=60)
    axes.plot(*path.T, color="tab:blue", linewidth=1.2)
    axes.plot(*path[0], "o", color="tab:blue")
    axes.plot(*path[-1], "s", color="tab:red")
    axes.plot(0, 0, "+", color="black", markersize=12)
    axes.set(title=name, xlim=(-2, 2), ylim=(-2, 2), aspect="equal")
    if game.clip:
        axes.axhspan(-game.clip, game.clip, color="tab:blue", alpha=0.1)
figure.supxlabel("θ, where the fake is")
figure.supylabel("ψ, the slope of D")
figure.suptitle("From ● to ■ in continuous time; + is the equilibrium")
plt.show()

# %% [markdown]
# **What to look for.**
#
# - *Minimax* and *Wasserstein*: a circle. $G$ runs from $D$'s slope until it is past 0, $D$ turns its slope,
#   and so on.
# - *Non-saturating*: the same linear part, and yet a slow spiral inwards. What the eigenvalues do not see
#   pulls, but weakly. With $u = \theta\psi$, $(r^2)' = 2\theta\theta' + 2\psi\psi' = 2u\,(\sigma(-u) - \sigma(u))
#   \approx -u^2$, and over a turn $u^2 = \theta^2\psi^2$ is $r^4/8$ in the mean. So $(1/r^2)' \approx 1/8$: the
#   distance $r$ falls like $1/\sqrt{t}$ and not like $e^{-t}$.
# - *Clipped*: the clip cuts the large circle down to one that just fits inside it. Smaller, but a circle.
# - *Penalty to slope 1* (WGAN-GP): at the equilibrium $\psi$ would have to be 0, and the penalty pushes it
#   away from there. No rest.
# - *Penalty to slope 0* (R1): friction. It settles.

# %%
_, path = games["minimax"].flow((1.0, 1.0), time=60)
assert np.allclose(np.hypot(*path.T), np.sqrt(2))  # a circle: θ² + ψ² never changes
times, path = games["non-saturating"].flow((1.0, 1.0), time=200)
inverse_square = 1 / np.hypot(*path.T) ** 2
assert np.isclose((inverse_square[-1] - inverse_square[len(times) // 2]) / 100, 1 / 8, rtol=0.02)
_, path = games["Wasserstein, clipped"].flow((1.0, 1.0), time=60)
assert np.allclose(
    np.hypot(*path[len(path) // 2 :].T), 0.5, atol=0.01
)  # the circle with the radius of the clip
_, path = games["Wasserstein, penalty to slope 1"].flow((1.0, 1.0), time=60)
assert np.hypot(*path.T).min() > 0.5
_, path = games["non-saturating, penalty to slope 0"].flow((1.0, 1.0), time=60)
assert np.hypot(*path[-1]) < 1e-6

# %% [markdown]
# ### Steps are not infinitely small
#
# A computer takes steps of size $h$. When both players move **at once**, a step multiplies by $1 + h\lambda$,
# and for
# $\lambda = ci$ that has the length $\sqrt{1 + h^2c^2} > 1$: the circle becomes a spiral *outwards*. When
# they **alternate**,
# $D$ first and then $G$ against the new $D$ (as `gl.GAN` does), the length is exactly 1, as long as
# $hc \le 2$: a circle again.

# %%
h, steps = 0.1, 5000
print(f"{'':36}{'at once':^22}{'alternating':^22}")
print(f"{'':36}{'longest |μ|':>11}{'distance':>10}  {'longest |μ|':>11}{'distance':>10}")
ends = {}
for name, game in games.items():
    row = f"{name:36}"
    for alternating in (False, True):
        try:
            longest = f"{np.abs(game.update_eigenvalues(h, alternating)).max():.5f}"
        except (
            ValueError
        ):  # the penalty to slope 1 has a kink at the equilibrium: no derivative, no eigenvalues
            longest = "kink"
        ends[name, alternating] = np.hypot(*game.descend((1.0, 1.0), steps, h, alternating).T)
        row += f"{longest:>11}{ends[name, alternating][-1]:10.1e}  "
    print(row)

assert np.isclose(np.abs(games["Wasserstein"].update_eigenvalues(h)).max(), np.sqrt(1 + h**2))
assert np.isclose(np.abs(games["Wasserstein"].update_eigenvalues(h, alternating=True)).max(), 1)
assert np.isclose(
    ends["non-saturating", False][-500:].mean(), np.sqrt(2 * h), rtol=0.03
)  # stuck where in and out balance
assert (
    max(ends["non-saturating, penalty to slope 0", alternating][-1] for alternating in (False, True)) < 1e-6
)

# %%
figure, both = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True, layout="constrained")
for axes, alternating, title in zip(both, (False, True), ("both players at once", "alternating, D first")):
    for name in games:
        axes.loglog(1 + np.arange(steps + 1), ends[name, alternating], label=name, linewidth=1.2)
    axes.set(xlabel="step", title=title, ylim=(1e-6, 1e4))
both[0].set_ylabel("distance from the equilibrium")
both[1].legend(fontsize=8, loc="lower left")
plt.show()

# %% [markdown]
# **What to look for.** Only one line goes down to the ground. On the left, Wasserstein without any constraint
# leaves the picture; non-saturating stays at $r = \sqrt{2h} \approx 0.45$, where the weak pull inwards ($r^2$ loses
# $h\,r^4/8$ a step) and the throw outwards (it gains $h^2 r^2/4$) balance. On the right nothing explodes, and still
# only the penalty to slope 0 comes to rest in these 5,000 steps: non-saturating goes on falling, like $1/\sqrt{t}$.
#
# **What this does not say.** That WGAN-GP is useless: with data that are not a single point and a $D$ that is
# not a straight line, it trains very well ({{lesson:wgan}}). It says that a GAN may go round *although* every
# formula is right, that a lower learning rate alone makes the circle slower and at best smaller, and that friction
# on $D$'s slope is what stops it.

# %% [markdown]
# ## 7. A whole GAN on a line
#
# Now everything at once: two networks, samples instead of densities, alternating steps. `gl.GAN` is the class
# that you will meet in all lessons; lesson by lesson we look inside. Here an "image" is one number, so its
# shape is `(1,)`.

# %%
random = np.random.default_rng(0)
left = random.random(10_240) < 0.6
real_numbers = np.where(left, random.normal(-1, 0.4, 10_240), random.normal(1.5, 0.6, 10_240))
train = gl.toys.as_dataset(real_numbers[:, None], batch_size=256, seed=0)  # 40 batches


def network(name):
    """From one number to one number: as generator (latent → number) and discriminator (number → logit)."""
    hidden = [layers.Dense(64, activation="relu") for _ in range(2)]
    return keras.Sequential([keras.Input((1,)), *hidden, layers.Dense(1)], name=name)


keras.utils.set_random_seed(5)
gan = gl.GAN(
    generator=network("generator"),
    discriminator=network("discriminator"),
    latent_dim=1,
    objective="non_saturating",
    discriminator_steps=2,  # two steps of D for one of G, so that D stays near the D* of section 2
)
epochs = 3 if FAST else 50
falling = keras.optimizers.schedules.CosineDecay  # steps that shrink: section 6's throw outwards shrinks too
gan.compile(
    generator_optimizer=keras.optimizers.Adam(falling(1e-3, decay_steps=20 * epochs), beta_1=0.0),
    discriminator_optimizer=keras.optimizers.Adam(falling(2e-3, decay_steps=40 * epochs), beta_1=0.0),
)

# %% [markdown]
# While it trains we keep, after each epoch, $D$'s answers along the line and where $G$ puts 4,000 latents.
# The latents are fixed and evenly spread over $N(0, 1)$, so that a change in the picture is a change of $G$.

# %%
line = np.linspace(-3.5, 4, 301, dtype="float32")
even_latents = stats.norm.ppf((np.arange(4000) + 0.5) / 4000).astype("float32")[:, None]
frames = []  # (D along the line, generated numbers)


def keep_frame(epoch=None, logs=None):
    answers = sigmoid(ops.convert_to_numpy(gan.discriminator(line[:, None]))[:, 0])
    frames.append((answers, gan.generate(latents=even_latents, batch_size=4000)[:, 0]))


keep_frame()  # before the first step
history = gan.fit(
    train, epochs=epochs, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=keep_frame)]
)

distances = [stats.wasserstein_distance(made, real_numbers) for _, made in frames]
print(
    f"Wasserstein distance between generated and real numbers: {distances[0]:.2f} before, "
    f"{distances[-1]:.2f} after"
)
assert len(frames) == epochs + 1 and np.isfinite(history.history["d_loss"]).all()

# %%
real_density = 0.6 * stats.norm.pdf(line, -1, 0.4) + 0.4 * stats.norm.pdf(line, 1.5, 0.6)


def draw(axes, frame):
    """One moment of the game: both densities and D above, and below them which latent goes where."""
    upper, lower = axes
    answers, made = frames[frame]
    upper.fill_between(line, real_density, color=REAL, alpha=0.35, label="real")
    upper.hist(
        made, bins=75, range=(line[0], line[-1]), density=True, color=FAKE, alpha=0.5, label="generated"
    )
    upper.plot(line, answers, color=D_COLOUR, label="D(x)")
    upper.axhline(0.5, color="grey", linestyle=":", linewidth=0.8)
    upper.set(ylim=(0, 1.4), xlim=(line[0], line[-1]), title=f"after {40 * frame} steps")
    upper.legend(loc="upper right", fontsize=8)
    chosen = slice(40, None, 80)
    lower.plot([even_latents[chosen, 0], made[chosen]], [0, 1], color=FAKE, linewidth=0.6)
    lower.set(ylim=(0, 1), yticks=(0, 1), yticklabels=("z", "G(z)"), xlabel="x")


# %% [markdown]
# A moving picture is a list of still ones. Pillow writes them into one GIF; as part of the page's HTML it
# plays wherever the notebook is shown.

# %%
import base64
import io

from IPython.display import HTML
from PIL import Image

figure, axes = plt.subplots(
    2, 1, figsize=(6.4, 4.2), dpi=90, height_ratios=(3, 1), sharex=True, layout="constrained"
)
pictures = []
for frame in range(len(frames)):
    for part in axes:
        part.clear()
    draw(axes, frame)
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    pictures.append(picture.quantize(colors=32))
plt.close(figure)

milliseconds = [200] * (len(pictures) - 1) + [3000]
file = io.BytesIO()
pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0)
print(f"{len(pictures)} frames, {len(file.getvalue()) / 1e6:.2f} MB")
HTML(f'<img alt="A GAN on a line" src="data:image/gif;base64,{base64.b64encode(file.getvalue()).decode()}">')

# %% [markdown]
# **What to look for.** The generator begins with one narrow bump. $D$ (green) falls where there is too much
# orange and rises where there is too little; $G$ moves its mass up $D$'s slope, and $D$ flattens towards ½
# behind it. (Far to the left nothing ever falls, so nothing teaches $D$ there.) Below, the lines of the
# latents have to tear apart between the two bumps, where hardly a real number lies: a continuous $G$ cannot
# do that entirely, and a little orange stays in the gap.

# %%
figure, grid = plt.subplots(
    2, 4, figsize=(14, 4.4), height_ratios=(3, 1), sharex=True, sharey="row", layout="constrained"
)
for column, frame in enumerate(np.linspace(0, 1, 4) ** 2 * (len(frames) - 1)):
    draw(grid[:, column], round(frame))
plt.show()

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.2), layout="constrained")
steps_taken = 40 * np.arange(1, epochs + 1)
left.plot(steps_taken, -np.array(history.history["d_loss"]), color=D_COLOUR, label="V, as D sees it: −d_loss")
left.axhline(-np.log(4), color="grey", linestyle=":", label="−log 4")
left.set(xlabel="steps", title="The value goes to −log 4")
left.legend()
right.semilogy(40 * np.arange(len(distances)), distances, color=FAKE)
right.set(xlabel="steps", title="Wasserstein distance, generated to real")
plt.show()

if not FAST:
    assert distances[-1] < 0.25 * distances[0]
    flat = 6  # epochs, or 240 steps: the loss has come to where it will stay …
    assert np.abs(np.array(history.history["d_loss"][flat - 1 :]) - np.log(4)).max() < 0.1
    assert np.mean(distances[-5:]) < 0.6 * distances[flat]  # … and the samples go on getting better
    assert (
        np.abs(frames[-1][0] - 0.5)[np.abs(line) < 2].mean() < 0.1
    )  # D is nearly undecided where there are data

# %% [markdown]
# **What to look for.** The left curve is what one usually watches. From 240 steps on it stays within 0.02 of
# $-\log 4$: neither player is winning. That is *not* failure, and it does not say that nothing happens: the
# right curve goes on falling, to a third of what it was then. On images there is no such right curve. This
# is why the next lessons look at samples, and why scores of samples were invented.
#
# *Change one line:* make the seed of the GAN 4, and run this section again. There $G$ finds only one of the two bumps,
# and for some 500 steps nothing changes, until the other is found. (Of the seeds 0 to 7 it is the only one that does
# so.) You will meet this again, on images, as *collapse*.

# %%
gl.checks.report("minimax_game")

# %% [markdown]
# ## Recap
#
# - $V(D, G)$ is the mean logarithm of the probability that $D$ gives to the right answer, on real images and on fakes,
#   the two means added. The best $D$ answers $p_r / (p_r + p_g)$.
# - Against it $V = 2\,\mathrm{JSD} - \log 4$. The only equilibrium is $p_g = p_r$, $D = ½$, $V = -\log 4$.
# - The minimax loss gives $G$ no gradient where $D$ is sure; the non-saturating one does.
# - $\mathrm{JSD}$ cannot tell near from far when nothing overlaps; the Wasserstein distance can.
# - Descent of two players need not settle: eigenvalues on the imaginary axis turn. A penalty on $D$'s slope
#   at the data is friction.
#
# **References**
#
# - Goodfellow et al., *Generative Adversarial Nets*, 2014,
#   [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Arjovsky et al., *Wasserstein GAN*, 2017, [arXiv:1701.07875](https://arxiv.org/abs/1701.07875).
# - Gulrajani et al., *Improved Training of Wasserstein GANs*, 2017,
#   [arXiv:1704.00028](https://arxiv.org/abs/1704.00028).
# - Mescheder et al., *Which Training Methods for GANs do actually Converge?*, 2018,
#   [arXiv:1801.04406](https://arxiv.org/abs/1801.04406). Its penalties are written
# $\frac{\gamma}{2}(\dots)^2$: $\gamma = 2w$.
#
# Next: {{next}}
