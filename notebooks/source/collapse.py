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
# # {{number}} Mode collapse
#
# You will make a GAN collapse, count what it has lost, and try five cures, each a change of one line.
#
# ![Mode collapse on a line](../docs/diagrams/collapse.svg)
#
# The real samples (blue) lie in three heaps, called **modes**. All fakes (orange) lie in one place. The curve is the
# output of the discriminator $D$: it is low where the fakes are now, and high over the heaps that have none. Every
# fake moves up the curve, so all of them leave for the same heap. $D$ is low there next. A generator $G$ whose fakes
# lie in few of the modes has **collapsed**.
#
# ## Before you start
#
# **What you need.** Lesson {{lesson:watch}}, where you saw a first collapse, and the loss of lesson
# {{lesson:minimax_game}}. From mathematics: the mean, the logarithm, the probability that two independent events both
# happen.
#
# **How long it takes.** {{time}}

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow prints much when it starts

from dataclasses import replace
from functools import partial

import keras
import numpy as np

import gan_lessons as gl
from gan_lessons import toys

# %% tags=["parameters"]
STEPS = 3000  # of each player, on the ring
GRID_STEPS = 4000
SEEDS = (0, 1, 2)
GRID_SEEDS = (0, 1)

# %% tags=["fast"]
STEPS = 100
GRID_STEPS = 100
SEEDS = (0,)
GRID_SEEDS = (0,)

# %% [markdown]
# ## A collapse, made with an optimizer's defaults
#
# The settings of this lesson come from `gl.recipes.PLANE`, a list of methods for points in the plane. The first one
# is the plain GAN. It trains with an Adam chosen for GANs. Put Keras's own Adam in its place, with a constant
# learning rate:

# %%
plain = gl.recipes.PLANE["non_saturating"][1]
careless = replace(plain, optimizer=keras.optimizers.Adam, decay=None, average=None, steps=STEPS)
print(careless)


# %%
def train(recipe, toy, seed, watched=True):
    gan = recipe.build((2,), seed=seed)
    samples = toy.sample(recipe.batch_size * recipe.steps, seed=seed) / toy.scale  # in [−1, 1], nearly
    film = gl.watch.Film(samples[:400], every=max(100, recipe.steps // 10))
    gan.fit(samples, batch_size=recipe.batch_size, verbose=0, callbacks=[film] if watched else [])
    return gan, film


# %% [markdown]
# Adam is the default choice for a classifier: learning rate 0.001, momentum $\beta_1 = 0.9$.
#
# **Predict.** How many of the ring's eight modes have fakes after this training?

# %%
ring = toys.ring(std=0.05)
gan, film = train(careless, ring, seed=0)
film.strip(columns=4)

# %% [markdown]
# Blue points are real, orange ones are sixty fakes. The background is blue where $D$ outputs "real". A black arrow
# shows where $D$ pulls a fake. You see sixty fakes from sixty different latents in one clump or on one short line. In
# each picture it is somewhere else.
#
# Why does $G$ put up with this? Because nothing in its loss says otherwise. The loss is a mean over fakes, and $D$
# outputs one number for each fake **without seeing the others**. Two equal fakes cost as little as two different ones.
#
# ### Exercise 1 What collapse pays
#
# $D$ stands still. Its logit is 2 at the first of eight modes, and 0 at the seven others. $G$ has an eighth of its
# fakes at each. Its loss is the mean of $-\log \sigma(D(x))$ over its fakes. By how much does the loss fall if $G$
# moves all fakes to the first mode?

# %%
falls_by = ...
gl.checks.collapse.what_it_pays(falls_by)

# %% [markdown]
# So collapse is no accident of $G$: against a $D$ that stands still it is the best that $G$ can do. What prevents it
# is that $D$ moves. Let all fakes lie at the first mode, where an eighth of the real samples lie too. The best $D$
# there outputs
#
# $$\sigma(D^*) = \frac{p_r}{p_r + p_g} = \frac{1/8}{1/8 + 1} = \frac19,$$
#
# and 1 at each other mode. A $D$ that is quick and has this shape drives the fakes apart before they have gathered.
# A slow one, or one with the momentum of ten past steps, is always late.

# %% tags=["test"]
fakes = gan.generate(2500, seed=0) * ring.scale
if STEPS >= 3000:
    spread = np.linalg.norm([frame.fakes.std(axis=0) for frame in film.frames[2:]], axis=1)
    assert np.median(spread) < 0.6  # the ring itself has 1.0
    assert toys.modes_covered(fakes, ring) < 8

# %% [markdown]
# ## Three numbers, and how to fool each
#
# You cannot look at images as you look at this ring. There you need numbers. Three are in use:
#
# - **modes covered**: how many modes have at least one fake within $3\sigma$ of their centre ($\sigma$ is a mode's
#   standard deviation);
# - **share on a mode**: the share of fakes that lie so near to a centre; of real samples it is 98.9 %;
# - **reverse KL**: how unevenly the fakes are shared out. Each fake counts for its nearest mode. With $q_k$ the share
#   of mode $k$, of $K$ modes:
#
# $$\mathrm{KL} = \sum_k q_k \log \frac{q_k}{1/K} = \sum_k q_k \log (K q_k)$$
#
# A mode without fakes adds 0. "Reverse" says that the weights are the generator's shares, not those of the data.
#
# ### Exercise 2 How uneven?
#
# Write the reverse KL. `counts` is an array with the number of fakes of each mode; some may be 0.


# %%
def reverse_kl(counts):
    return ...


gl.checks.collapse.reverse_kl(reverse_kl)

# %% [markdown]
# ### Exercise 3 Fool the count
#
# Papers often report the first number alone. Write a function that returns 2,500 points in the plane which cover
# **all** modes of a toy, although at most 1 % of the points lie on one. `toy.modes` holds the centres, an array of
# shape (modes, 2).


# %%
def fool_the_count(toy):
    return ...


gl.checks.collapse.fool_the_count(fool_the_count)

# %% [markdown]
# Each of the other numbers can be fooled, too. Of four sets of points, say first which number finds the fault:
#
# - *real*: real samples;
# - *cloud*: points drawn evenly from a square around the ring;
# - *one*: real samples of one mode;
# - *half*: the ring at half its size.


# %%
def three_numbers(points, toy):
    nearest = np.linalg.norm(points[:, None] - toy.modes, axis=2).argmin(axis=1)
    uneven = reverse_kl(np.bincount(nearest, minlength=len(toy.modes)))
    uneven = toys.reverse_kl(points, toy) if uneven is ... else uneven  # until exercise 2 is done
    return toys.modes_covered(points, toy), toys.share_on_modes(points, toy), float(uneven)


def show(name, numbers, toy):
    modes, share, uneven = numbers
    print(f"{name:26} {modes:2d} of {len(toy.modes)} modes   {share:6.1%} on one   reverse KL {uneven:.2f}")


# %%
real = ring.sample(2500, seed=0)
cloud = np.random.default_rng(0).uniform(-1.3, 1.3, (2500, 2))
one = real[np.linalg.norm(real - ring.modes[0], axis=1) < 0.3]
sets = {"real": real, "cloud": cloud, "one": one, "half": real / 2}
measured = {name: three_numbers(points, ring) for name, points in sets.items()}
for name, numbers in measured.items():
    show(name, numbers, ring)

# %% tags=["test"]
assert abs(measured["real"][1] - 0.989) < 0.01
assert measured["cloud"][0] == 8 and measured["cloud"][1] < 0.15 and measured["cloud"][2] < 0.05
assert measured["one"][0] == 1 and measured["one"][1] > 0.97 and abs(measured["one"][2] - np.log(8)) < 0.01
assert measured["half"][:2] == (0, 0.0) and measured["half"][2] < 0.01

# %% [markdown]
# The cloud fools the count and the reverse KL; only the share finds it out. One mode fools the share. The half ring
# fools the reverse KL. So print all three. A cloud is not far-fetched: a published example of GAN training on a grid
# covers 25 of 25 modes with every seed, and about one fake in ten lies on a mode.

# %%
show("the collapsed GAN", three_numbers(gan.generate(2500, seed=0) * ring.scale, ring), ring)

# %% [markdown]
# ## Cures, a line each
#
# Each cure changes one thing in the careless settings:
#
# | cure | what it changes | the thought behind it |
# | --- | --- | --- |
# | no momentum | $\beta_1 = 0$ in Adam | a player follows the other as it is now |
# | smaller steps | the learning rate falls to 0 along a cosine; $G$'s weights are averaged | the circling dies down |
# | R1 | adds $\frac{\gamma}{2}\,\mathbb{E}\lVert\nabla D(x)\rVert^2$ at real samples to $D$'s loss | a flat $D$ pulls nobody across the ring |
# | hinge, spectral norm | another loss; each layer of $D$ divided by its largest stretch | a $D$ of bounded slope |
# | pack | $D$ gets two samples at once | $D$ sees that two fakes are equal |
#
# The last one is the only one that lets $D$ see collapse itself.
#
# ### Exercise 4 D judges two at once
#
# $G$ has collapsed onto the first of eight modes, and is perfect there. For one fake the best $D$ outputs the logit
# $\log(p_r / p_g) = \log\frac18 = -2.08$. Now $D$ gets **pairs**: two real samples, drawn independently, or two fakes.
# What is the best $D$'s logit for two fakes at the first mode?

# %%
logit = ...
gl.checks.collapse.pair(logit)

# %% tags=["test"]
inputs = keras.ops.convert_to_tensor([[1.0], [2.0], [3.0]])
assert keras.ops.convert_to_numpy(gl.layers.Pack(2)(inputs)).tolist() == [[1, 2], [2, 3], [3, 1]]

# %% [markdown]
# The layer that makes pairs is one line, `gl.layers.Pack(2)` in front of $D$: it puts each sample of a batch beside
# the next one.
#
# **Predict.** Which of the five restores all eight modes? Which has the largest share on a mode?

# %%
model = gl.recipes.plane
r1 = partial(gl.penalties.R1, weight=0.1)
cures = {
    "careless": {},
    "no momentum": dict(optimizer=partial(keras.optimizers.Adam, beta_1=0.0)),
    "smaller steps": dict(decay=plain.decay, average=plain.average),
    "R1": dict(model=partial(model, penalty=[r1])),
    "hinge, spectral norm": dict(model=partial(model, objective="hinge", spectral_norm=True)),
    "pack": dict(model=partial(model, pack=2)),
}

# %%
results, films = {}, {}
for name, change in cures.items():
    for seed in SEEDS:
        gan, film = train(replace(careless, **change), ring, seed)
        films.setdefault(name, film)  # of the first seed
        results.setdefault(name, []).append(three_numbers(gan.generate(2500, seed=0) * ring.scale, ring))
        show(f"{name}, seed {seed}", results[name][-1], ring)

# %%
endings = gl.watch.Film(ring.sample(400, seed=1))
endings.frames = [films[name].frames[-1]._replace(caption=name) for name in cures]
endings.strip(columns=3, title=f"After {STEPS} steps")

# %% tags=["test"]
def middle(results, place):
    return {name: float(np.median([numbers[place] for numbers in found])) for name, found in results.items()}


modes, share, uneven = (middle(results, place) for place in range(3))

# %% [markdown]
# RESULT
#
# ## Then smaller steps

# %%
both = {
    "R1, smaller steps": cures["R1"] | cures["smaller steps"],
    "pack, smaller steps": cures["pack"] | cures["smaller steps"],
}
for name, change in both.items():
    for seed in SEEDS:
        gan, _ = train(replace(careless, **change), ring, seed)
        results.setdefault(name, []).append(three_numbers(gan.generate(2500, seed=0) * ring.scale, ring))
        show(f"{name}, seed {seed}", results[name][-1], ring)

# %% [markdown]
# ## Twenty-five modes
#
# The grid of 25 is harder.

# %%
grid = toys.grid()
careful = {
    "no momentum": cures["no momentum"],
    "and smaller steps": cures["no momentum"] | cures["smaller steps"],
    "and R1": cures["no momentum"] | cures["smaller steps"] | cures["R1"],
}
on_grid = {}
for name, change in careful.items():
    for seed in GRID_SEEDS:
        gan, film = train(replace(careless, steps=GRID_STEPS, **change), grid, seed)
        on_grid.setdefault(name, []).append(three_numbers(gan.generate(2500, seed=0) * grid.scale, grid))
        show(f"{name}, seed {seed}", on_grid[name][-1], grid)

# %%
film.strip([2, 5, 10], columns=3, title="The grid, the last training")
