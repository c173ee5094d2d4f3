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
# # {{number}} Watch a GAN learn
#
# You will see a GAN learn within seconds, stop it after every step, and break it in three ways.
#
# ![A generative adversarial network. Latents z go into the generator G, which makes fakes G(z). Real samples x and
# fakes go into the discriminator D, which outputs one logit for each. The gradient of D's loss changes D alone. The
# gradient of G's loss flows back through D and changes G alone.](../docs/diagrams/gan.svg)
#
# Read the diagram from left to right. The **generator** $G$ makes a fake of each **latent**, a vector of random
# numbers. The **discriminator** $D$ gets real samples and fakes, and outputs one number for each: high for "real",
# low for "fake". Two losses compare its outputs with two different wishes. The dashed arrows show whose weights each
# loss changes.
#
# ## Before you start
#
# **What you need.** Lesson {{lesson:start_here}}.
#
# **Mathematics.** Points in the plane, the gradient of a function of two variables (the direction in which it rises
# fastest), the logarithm, the mean.
#
# **Time.** {{time}}, with the exercises.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow prints much when it starts

import keras
import numpy as np

import gan_lessons as gl
from gan_lessons import toys

# %% tags=["parameters"]
STEPS = 4000  # of each player
SHORT = 2000  # where a failure shows earlier
GRID_STEPS = 6000
SEEDS = (0, 1, 2)

# %% tags=["fast"]
STEPS = 1000
SHORT = 500
GRID_STEPS = 500
SEEDS = (0,)

# %% [markdown]
# ## Two players in the plane
#
# An image has thousands of numbers, so you cannot see where it lies. A point of the plane has two. The real samples
# of this lesson are points in eight small heaps on a circle, called **modes**. A GAN does not know that they are
# points rather than images: the class `gl.GAN` is the one that later lessons train on photographs. Only its two
# networks are small.

# %%
ring = toys.ring(modes=8, std=0.05)
layers = keras.layers


def dense(width):
    return [layers.Dense(width, "relu"), layers.Dense(width, "relu")]


def players(units=64, width=64):
    generator = keras.Sequential([keras.Input((2,)), *dense(units), layers.Dense(2)])  # latent → point
    discriminator = keras.Sequential([keras.Input((2,)), *dense(width), layers.Dense(1)])  # point → logit
    return generator, discriminator


# %%
def new_gan(seed, g_rate=1e-3, d_rate=1e-3, momentum=0.5, units=64, width=64, **options):
    keras.utils.set_random_seed(seed)
    gan = gl.GAN(*players(units, width), latent_dim=2, **options)
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(g_rate, beta_1=momentum),
        discriminator_optimizer=keras.optimizers.Adam(d_rate, beta_1=momentum),
        steps_per_execution=50,  # faster: 50 steps in one call into TensorFlow
    )
    return gan


# %% [markdown]
# $D$ outputs a **logit**, any number. The sigmoid $\sigma(t) = 1/(1 + e^{-t})$ turns it into a probability: a logit
# of 0 is ½, "cannot tell".
#
# ## One step at a time
#
# At the start neither network knows anything. Let $D$ take 30 steps while $G$ stands still, then $G$ 30 steps while
# $D$ stands still, then $D$ again.
#
# **Predict.** Where will the fakes move in $G$'s turn: to the nearest heap, to the middle of the ring, or all to one
# side?

# %%
gan = new_gan(seed=0)
film = gl.watch.Film(ring.sample(400, seed=1))
batch = ring.sample(128, seed=2)
film.look(gan, "start")
for player in ("discriminator", "generator", "discriminator", "generator"):
    film.turn(gan, player, batch, steps=30)
film.strip(columns=5)

# %% [markdown]
# Blue points are real, orange ones are fakes. The background is $\sigma(D)$: blue where $D$ says "real", orange where
# it says "fake", white where it cannot tell. Each black arrow shows where $D$ pulls a fake.
#
# - *D after 30*: a pale hollow appears under the fakes, and every arrow points out of it. $G$ has not moved.
# - *G after 30*: the fakes have left the middle, **all to one side**. $G$ sees no heaps. It follows the arrows, and
#   its weights are shared by all fakes, so they move together.
# - *D after 60*: $D$ has changed its mind about that side. The arrows turn round.
#
# That is the whole game. Nobody tells $G$ where the real samples are. Move through it yourself, forward and back (the
# slider needs a running kernel; in a saved page the strip above shows the same):

# %%
film.slider()

# %% [markdown]
# ### What an arrow is
#
# $G$ wants its loss to fall. The loss of one fake $x = G(z)$ is $-\log \sigma(D(x))$: it is small where $D$ says
# "real". The arrow is the direction in which this loss falls fastest if $x$ moves:
#
# $$-\nabla_x \bigl(-\log \sigma(D(x))\bigr) = \bigl(1 - \sigma(D(x))\bigr)\,\nabla_x D(x)$$
#
# $\nabla_x D$ points uphill on $D$. The factor in front is large where $D$ is sure that the sample is fake. This line
# computes it: `gl.watch.pull(gan, fakes)`. It is the dashed orange arrow of the diagram, stopped at the fakes. In the
# package's `GAN` the same gradient continues through $G$, to its weights.
#
# ### Exercise 1 · How long is an arrow?
#
# For one fake, $D$ outputs the logit 0, and $\nabla_x D = (0, 2)$ there. How long is its arrow?

# %%
length = ...
gl.checks.watch.arrow_length(length)

# %% tags=["test"]
fakes = gan.generate(50, seed=3)
x = keras.Variable(fakes)
import tensorflow as tf

with tf.GradientTape() as tape:
    logits = gan.discriminate(x, training=False)
slope = tape.gradient(logits, x.value).numpy()
factor = 1 - gl.watch.judgement(gan, fakes)[:, None]
np.testing.assert_allclose(gl.watch.pull(gan, fakes), factor * slope, rtol=1e-3, atol=1e-5)

# %% [markdown]
# ## Four thousand steps
#
# Now `fit` gives both players their steps in turn. The film takes a picture now and then.
#
# **Predict.** How many of the eight heaps will the fakes find?


# %%
def train(gan, toy, steps):
    film = gl.watch.Film(toy.sample(400, seed=1), every=steps // 10)
    gan.fit(toy.sample(128 * steps, seed=2), batch_size=128, verbose=0, callbacks=[film])
    return film


# %%
import time

gan = new_gan(seed=0)
started = time.perf_counter()
film = train(gan, ring, STEPS)
print(f"{STEPS} steps of each player in {time.perf_counter() - started:.0f} seconds")
film.strip([0, 1, 2, 3, 4, 6, 8, 10], columns=4)

# %%
film.gif()

# %% [markdown]
# The fakes first spread in a cloud, then line up along the ring, then gather in the heaps. At the end most fakes lie
# in a heap, with arrows too short to see. A few lie on the way between two heaps, where $D$ is sure (orange): these
# are pulled hard. (Arrows longer than a quarter of the picture are cut.)
#
# Two numbers say how good the fakes are. `modes_covered` counts heaps with at least one fake within three standard
# deviations of the centre. One fake is enough, so it is easily satisfied. `share_on_modes` is the share of all fakes
# that lie so near; real samples have 99 %. One training shows little: here are several, each from other weights.


# %%
def count(gan, toy):
    fakes = gan.generate(2500, seed=0)
    modes, share = toys.modes_covered(fakes, toy), toys.share_on_modes(fakes, toy)
    print(f"{modes} of {len(toy.modes)} modes, {share:.0%} of the fakes on one")
    return modes, share


healthy = []
for seed in SEEDS:
    again = new_gan(seed)
    train(again, ring, STEPS)
    healthy.append(count(again, ring))

# %% tags=["test"]
assert all(modes == 8 for modes, _ in healthy)
if STEPS == 4000:
    assert all(share > 0.8 for _, share in healthy)

# %% [markdown]
# The same two networks learn a distribution without modes, too. *Change one line:* put `ring` in place of `moons`, or
# a distribution of your own: a `toys.Toy("mine", draw)` with a function `draw(random, count)` that returns points.

# %%
moons = toys.moons()
on_moons = new_gan(seed=0)
moons_film = train(on_moons, moons, STEPS)
moons_film.strip([0, 1, 2, 4, 10], columns=5)

# %% [markdown]
# ## Mode collapse
#
# A GAN can also fail so that all fakes are nearly the same. You need a number to notice it.
#
# ### Exercise 2 · A number for mode collapse
#
# Write a function that finds each fake's nearest mode, and returns the share of fakes at the most popular one.
# `fakes` has shape (count, 2), `modes` has shape (modes, 2).


# %%
def largest_share(fakes, modes):
    return ...


gl.checks.watch.largest_share(largest_share)

# %% [markdown]
# Now let $G$ take steps four times as large as $D$'s, and give both more momentum (Adam's $\beta_1$, 0.9 in place of
# 0.5).
#
# **Predict.** Does $G$ learn the ring four times as fast?

# %%
hasty = new_gan(seed=0, g_rate=4e-3, momentum=0.9)
hasty_film = train(hasty, ring, SHORT)
hasty_film.strip([3, 4, 5, 6, 7, 8, 9, 10], columns=4, title="G's steps four times as large, momentum 0.9")

# %% [markdown]
# **This is mode collapse.** All sixty fakes come from different latents, and all lie in one place or on one short
# curve. The place moves: $G$ goes to where $D$ says "real". $D$ learns that this place is fake. $G$ leaves, all fakes
# together, for the next place that $D$ has forgotten. Neither ever wins. $G$ pays no price for putting all fakes in
# one place, as $D$ judges each fake **alone**.
#
# Is it this one seed, and which of the two changes does it? The number of exercise 2, at ten moments of each
# training:


# %%
def popularity(film):
    nearest = [np.linalg.norm(frame.fakes[:, None] - ring.modes, axis=2).argmin(axis=1) for frame in film.frames[1:]]
    return [float(np.bincount(each).max() / len(each)) for each in nearest]


print("healthy       ", *(f"{share:.2f}" for share in popularity(film)))

# %%
changes = {
    "both": dict(g_rate=4e-3, momentum=0.9),
    "steps alone": dict(g_rate=4e-3),
    "momentum alone": dict(momentum=0.9),
}
collapsed = {name: [] for name in changes}
for name, options in changes.items():
    for seed in SEEDS:
        collapsed[name].append(popularity(train(new_gan(seed, **options), ring, SHORT)))
        print(f"{name:14}", *(f"{share:.2f}" for share in collapsed[name][-1]))

# %% tags=["test"]
assert popularity(film)[-1] < 0.4 and np.median(collapsed["both"]) > 0.9
assert np.median(collapsed["steps alone"]) > 0.6

# %% [markdown]
# A healthy $G$ has about ⅛ at each mode, somewhat more at the most popular one of sixty fakes. Each change alone
# brings collapse as well, less steadily, and not on every seed for all 2,000 steps. Common code has $\beta_1 = 0.5$
# for GANs in place of Adam's usual 0.9: you have seen why.

# %% [markdown]
# ## A weak D, a strong D, steps too large
#
# Three more ways to change the balance:
#
# | | what changes |
# | --- | --- |
# | weak $D$ | 8 units in each hidden layer, not 64 |
# | strong $D$ | 10 steps of $D$ for each step of $G$, and $G$ gets as many steps as before |
# | large steps | both learning rates 0.03, not 0.001 |
#
# **Predict.** Which of them find all eight modes?

# %%
settings = {
    "weak D": dict(width=8),
    "strong D": dict(discriminator_steps=10),
    "large steps": dict(g_rate=0.03, d_rate=0.03),
}
results, films = {}, {}
for name, options in settings.items():
    for seed in SEEDS:
        gan = new_gan(seed, **options)
        film = train(gan, ring, SHORT * options.get("discriminator_steps", 1))
        films.setdefault(name, film)  # the first seed's
        print(f"{name:12}", end=" ")
        results.setdefault(name, []).append(count(gan, ring))

# %%
from IPython.display import display

for name, film in films.items():
    display(film.strip([1, 3, 5, 10], title=name))

# %% tags=["test"]
assert all(modes == 8 for modes, _ in results["strong D"])
if SHORT == 2000:
    assert all(share < 0.3 for _, share in results["weak D"])
    assert all(modes < 8 for modes, _ in results["large steps"])

# %% [markdown]
# - **Weak D.** Its landscape is nearly one slope, pale everywhere. It cannot draw eight heaps. All fakes slide along
#   the slope together, $D$ tilts it, and they slide back: collapse again. $G$ learns no more than $D$ can tell.
# - **Large steps.** $D$ is sure everywhere, with sharp edges in wrong places. The fakes end on a line or in one or
#   two clumps.
# - **Strong D.** (Its pictures count $D$'s steps, ten for each of $G$'s.) You often read that a $D$ that wins leaves
#   $G$ without a gradient. Here all eight modes are found, in as few steps of $G$, and at ten times the cost.
#
# ### So where does that warning come from?
#
# From the first form of the loss. In the minimax game $G$ lowers $\log(1 - \sigma(D(x)))$. Its arrow is
# $\sigma(D(x))\,\nabla_x D(x)$: the same direction, another length.
#
# ### Exercise 3 · When D is sure
#
# For one fake, $\sigma(D(x)) = 0.01$. How many times longer is the arrow of the loss $-\log \sigma(D(x))$ than that
# of $\log(1 - \sigma(D(x)))$?

# %%
ratio = ...
gl.checks.watch.ratio_of_arrows(ratio)

# %% [markdown]
# Train $D$ alone, and measure the arrows of both losses on the same fakes:

# %%
lengths = {}
for objective in ("minimax", "non_saturating"):
    gan = new_gan(seed=0, objective=objective)
    film = gl.watch.Film(ring.sample(400, seed=1))
    film.look(gan, "start")
    for steps in (30, 70, 200):
        film.turn(gan, "discriminator", batch, steps=steps)
    lengths[objective] = [float(np.linalg.norm(frame.arrows, axis=1).mean()) for frame in film.frames]

print("steps of D alone       0     30    100    300")
for objective, values in lengths.items():
    print(f"{objective:16}", *(f"{value:6.2f}" for value in values))

# %% tags=["test"]
assert lengths["minimax"][-1] < lengths["minimax"][-2] and lengths["non_saturating"][-1] > 3
assert lengths["non_saturating"][-1] > 10 * lengths["minimax"][-1]

# %% [markdown]
# The surer $D$ is, the *longer* the arrows of the one loss, and the *shorter* those of the other. Therefore the
# package plays `"non_saturating"` unless you ask for something else.
#
# **Predict.** $D$ has had 300 steps alone, and the minimax arrows have nearly vanished. Does $G$ still learn the
# ring?

# %%
late = []
for seed in SEEDS:
    gan = new_gan(seed, objective="minimax")
    film = gl.watch.Film(ring.sample(400, seed=1))
    film.turn(gan, "discriminator", batch, steps=300)
    train(gan, ring, SHORT)
    late.append(count(gan, ring))

# %% tags=["test"]
assert all(modes == 8 for modes, _ in late)

# %% [markdown]
# It does, on every seed. Adam divides each weight's gradient by its recent size, so a short arrow does not make a
# short step, as long as it is not lost in rounding. The theory of the vanishing gradient (Arjovsky and Bottou, 2017)
# is about the *best possible* $D$ and the gradient itself. It is right, and in this plane it did not stop $G$.
#
# ## Twenty-five modes, and your own line
#
# The last distribution is a grid of 25 modes. The next cell trains on it twice, with 128 units in place of 64. Only
# one line differs: the second grid is the first one, a quarter as large. Its modes are closer together and narrower,
# so that the picture is the same.
#
# **Predict.** Does the size matter?

# %%
grids = {
    "from −4 to 4": toys.grid(spacing=2.0, std=0.1),
    "from −1 to 1": toys.grid(spacing=0.5, std=0.025),
}
scores, grid_films = {}, {}
for name, grid in grids.items():
    for seed in SEEDS:
        gan = new_gan(seed, width=128, units=128)
        grid_films[name] = train(gan, grid, GRID_STEPS)
        print(f"{name:14}", end=" ")
        scores.setdefault(name, []).append(count(gan, grid))

# %%
for name, film in grid_films.items():
    display(film.strip([1, 3, 5, 10], title=f"grid {name}"))

# %% tags=["test"]
if GRID_STEPS == 6000:
    large, small = (np.mean([share for _, share in scores[name]]) for name in grids)
    assert small > large

# %% [markdown]
# It does, for the same networks and rates. On the small grid every mode is found and most fakes lie on one; on the
# large grid modes are missing, and less than half of the fakes lie on one. The background shows why: on the large
# grid $D$ is made of rays through the middle. A new ReLU network has all its folds at the origin, and steps of 0.001
# are slow to carry them to 4. Images in this course are scaled to $[-1, 1]$ for a reason like this.
#
# *Change one line.* Each of these takes half a minute, and you can say beforehand what you expect:
#
# - `toys.grid(spacing=0.5, std=0.0125)`: modes half as wide, the grid that papers use (in their units, $\pm 4$ and
#   0.05);
# - `latent_dim=2` in `new_gan`: 1, or 8, with the generator's `keras.Input((2,))` to match;
# - `objective="wasserstein", penalty=gl.penalties.GradientPenalty(1.0), discriminator_steps=3` as options of
#   `new_gan`.
#
# ## What did not work
#
# - **The share on modes stays below that of real samples**, on the ring and on the grid, with every setting here. The
#   fakes between the heaps never vanish: $G$ is continuous, so between two latents whose fakes lie in two heaps there
#   are latents whose fakes lie on the way.
# - **Training does not settle.** Two pictures of the film a few hundred steps apart differ, in the healthy runs too.
# - **A stronger $D$ did not break anything**, which was meant to be this lesson's second failure.
# - The ring here is an easy one, with heaps five times as wide as in the literature (0.05 in place of 0.01). The
#   grid's are twice as wide.

# %%
gl.checks.report("watch")

# %% [markdown]
# ## Recap
#
# - $D$ draws a landscape; each fake is pulled uphill on it; $G$'s weights follow all the arrows at once.
# - $G$ never sees a real sample, and both players move in turn, so the landscape changes under the fakes.
# - Mode collapse: $G$ outruns $D$, all fakes go to one place, and leave when $D$ has learnt it.
# - A weak $D$ teaches little. A strong $D$ teaches well, as long as the loss keeps its arrows long or Adam restores
#   them.
# - Count the modes *and* the share of fakes on them, over several seeds.
#
# **References**
#
# - Goodfellow et al., *Generative Adversarial Nets*, 2014, [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Kahng et al., *GAN Lab*, 2018, [arXiv:1809.01587](https://arxiv.org/abs/1809.01587): a GAN to watch in the
#   browser.
# - Arjovsky and Bottou, *Towards Principled Methods for Training Generative Adversarial Networks*, 2017,
#   [arXiv:1701.04862](https://arxiv.org/abs/1701.04862).
# - Lin et al., *PacGAN*, 2017, [arXiv:1712.04086](https://arxiv.org/abs/1712.04086): ring and grid, and a $D$ that
#   judges several fakes **together**.
#
# Next: {{next}}
