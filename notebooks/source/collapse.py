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
# You will make a GAN collapse, count what it has lost, and try six cures, each a change of one line.
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
# **Time.** {{time}}, with the exercises.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow prints much when it starts

from dataclasses import replace
from functools import partial

import keras
import matplotlib.pyplot as plt
import numpy as np

import gan_lessons as gl
from gan_lessons import toys

# %% tags=["parameters"]
STEPS = 3000  # of each player, on the ring
GRID_STEPS = 6000
SEEDS = (0, 1)
GRID_SEEDS = (0, 1)
COUNTS = (1000, 5000)  # stacked digits

# %% tags=["fast"]
STEPS = 100
GRID_STEPS = 100
SEEDS = (0,)
GRID_SEEDS = (0,)
COUNTS = (50, 100)

# %% [markdown]
# ## A collapse, made with an optimizer's defaults
#
# The settings of this lesson come from `gl.recipes.PLANE`, a list of methods for points in the plane. Its plain GAN
# trains with an Adam chosen for GANs: no momentum, a learning rate that falls, an average of $G$'s weights. Put
# Keras's own Adam in its place, with a constant learning rate and no average:

# %%
plain = gl.recipes.PLANE["non_saturating"][1]
careless = replace(plain, optimizer=keras.optimizers.Adam, decay=None, average=None, steps=STEPS)
print(careless)


# %%
def train(recipe, toy, seed, **options):
    gan = recipe.build((2,), seed=seed)
    samples = toy.sample(recipe.batch_size * recipe.steps, seed=seed) / toy.scale  # about in [−1, 1]
    gan.fit(samples, batch_size=recipe.batch_size, verbose=0, **options)
    return gan


# %% [markdown]
# Adam is the default choice for a classifier: learning rate 0.001, momentum $\beta_1 = 0.9$.
#
# **Predict.** How many of the ring's eight modes have fakes after this training?

# %%
ring = toys.ring(std=0.05)
film = gl.watch.Film(ring.sample(400, seed=1), every=max(100, STEPS // 10))
gan = train(careless, ring, seed=0, callbacks=[film])
film.strip(list(range(len(film.frames)))[-8:], columns=4)

# %% [markdown]
# Blue points are real, orange ones are sixty fakes. The background is blue where $D$ outputs "real". A black arrow
# shows where $D$ pulls a fake. You see sixty fakes from sixty different latents in one clump or on one line. In each
# picture it is somewhere else. Lesson {{lesson:watch}} got there with a quick $G$; here both players have the same
# optimizer.
#
# Nothing in $G$'s loss forbids this. The loss is a mean over fakes, and $D$ outputs one number for each fake **from
# this fake alone**. Two equal fakes cost as little as two different ones.
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
# Against a $D$ that stands still, collapse is the best that $G$ can do. Only a $D$ that moves can prevent it. Let all
# fakes lie at the first mode, where an eighth of the real samples lie too. The best $D$ there outputs
#
# $$\sigma(D^*) = \frac{p_r}{p_r + p_g} = \frac{1/8}{1/8 + 1} = \frac19,$$
#
# and 1 at each other mode. That is about the best $D$. A trained $D$ is late: it is low there once the fakes have been
# there for some steps.

# %% tags=["test"]
fakes = gan.generate(2500, seed=0) * ring.scale
if STEPS >= 3000:
    spread = np.linalg.norm([frame.fakes.std(axis=0) for frame in film.frames[2:]], axis=1)
    assert np.median(spread) < 0.8  # the ring itself has 1.0
    assert toys.reverse_kl(fakes, ring) > 0.2

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
    print(f"{name:30} {modes:2d} of {len(toy.modes)} modes   {share:6.1%} on one   reverse KL {uneven:.2f}")


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
# ## Six cures, a line each
#
# Each cure changes one thing in the careless settings:
#
# - **no momentum**: the recipe's own Adam, with $\beta_1 = 0$. A player follows the other as it is now, not as it was
#   ten steps ago.
# - **smaller steps**: the learning rate falls to 0 along a cosine, and $G$'s weights are averaged. The chase dies down.
# - **R1**: $D$'s loss gets $\frac{\gamma}{2}$ times the mean of $\lVert\nabla D(x)\rVert^2$ at real $x$. A flatter
#   $D$ pulls less hard.
# - **relativistic, R1, R2**: $D$ compares a real sample with a fake, so only differences of its outputs count. R2 is
#   R1 at the fakes.
# - **hinge, spectral norm**: another loss, and each layer of $D$ is divided by the most that it stretches a vector, so
#   that $D$ cannot be steep.
# - **pack**: $D$ gets two samples at once, so it can notice that two fakes are equal.
#
# Only the last one lets $D$ see the collapse itself. How much does that tell it?
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
# The layer that makes pairs is `gl.layers.Pack(2)`, the first one of $D$. It puts each sample of a batch beside the
# next one.
#
# **Predict.** Which of the six restores all eight modes? Which has the largest share on a mode?

# %%
make, r1, r2 = gl.recipes.plane, partial(gl.penalties.R1, weight=0.1), partial(gl.penalties.R2, weight=0.1)
cures = {
    "careless": {},
    "no momentum": dict(optimizer=plain.optimizer),
    "smaller steps": dict(decay=plain.decay, average=plain.average),
    "R1": dict(model=partial(make, penalty=[r1])),
    "relativistic, R1, R2": dict(model=partial(make, objective="relativistic", penalty=[r1, r2])),
    "hinge, spectral norm": dict(model=partial(make, objective="hinge", spectral_norm=True)),
    "pack": dict(model=partial(make, pack=2)),
}

# %%
results, ends = {}, {}


def try_out(name, change, toy, seeds, into):
    for seed in seeds:
        gan = train(replace(careless, **change), toy, seed)
        points = gan.generate(2500, seed=0) * toy.scale
        ends.setdefault(name, points[:300])  # of the first seed
        into.setdefault(name, []).append(three_numbers(points, toy))
        show(f"{name}, seed {seed}", into[name][-1], toy)


for name, change in cures.items():
    try_out(name, change, ring, SEEDS, into=results)


# %%
def picture(ends, toy):
    figure, axes = plt.subplots(-(-len(ends) // 4), 4, figsize=(9, 2.4 * -(-len(ends) // 4)), layout="constrained")
    for place in axes.flat:
        place.set_axis_off()
    for place, (name, points) in zip(axes.flat, ends.items(), strict=False):
        place.scatter(*toy.modes.T, s=60, facecolors="none", edgecolors=gl.plotting.COLOURS["real"])
        place.scatter(*points.T, s=3, color=gl.plotting.COLOURS["generated"])
        place.set(xlim=(-1.6 * toy.scale, 1.6 * toy.scale), ylim=(-1.6 * toy.scale, 1.6 * toy.scale), aspect="equal")
        place.set_title(name, fontsize=10)
    plt.show()


picture(ends, ring)


# %% tags=["test"]
def middle(found, place):
    return float(np.median([numbers[place] for numbers in found]))


uneven = {name: middle(found, 2) for name, found in results.items()}
if STEPS == 3000:
    assert uneven["careless"] > 0.4 and middle(results["careless"], 0) < 8
    assert uneven["pack"] < 0.4 and uneven["relativistic, R1, R2"] < 0.4
    assert uneven["no momentum"] < 0.2 and middle(results["no momentum"], 1) > 0.6

# %% [markdown]
# Read the reverse KL first. It tells three groups apart, in these two seeds:
#
# - **No momentum** cures everything at once. Eight modes, and nearly as many fakes on one as real samples. No other
#   network, no other loss. (The recipe's optimizer has $\beta_2 = 0.99$, too. With Adam's own 0.999, one more training
#   of 4,000 steps, not shown here, gave 8 modes and 96 % on one. That points to $\beta_1$.)
# - **Pack** and **relativistic, R1, R2** cure the collapse: the reverse KL falls from above 1 to below 0.2. But look at
#   the picture: the fakes go round in a closed line, beside the modes. The share stays low.
# - **Smaller steps**, **R1** and **hinge, spectral norm** leave the careless GAN collapsed after 3,000 steps.
#
# So there are two illnesses. One is collapse: high reverse KL. The other is a spread $G$ that does not settle: low
# reverse KL, low share. A paper that counts modes alone cannot tell them apart.
#
# ### Why momentum?
#
# Adam does not step along the gradient $g$, but along a running mean of the past ones:
#
# $$m \leftarrow \beta_1\, m + (1 - \beta_1)\, g$$
#
# With $\beta_1 = 0.9$ it remembers about ten steps. For a classifier the past gradients are good advice, as its goal
# stands still. In a game the goal moves: $m$ pulls the fakes up a hill that $D$ has taken away. Both players overshoot.
# `beta_1=0.0` in the recipe's optimizer is the line that ends this.
#
# Pack does not make the players faster. It changes what $D$ can output: for the best $D$ two equal fakes are suspicious
# **wherever** they lie, so $G$ gains little by moving all of them elsewhere.
#
# ## Twenty-five modes
#
# On the ring, neighbours are $15\,\sigma$ apart; on the grid of 25 they are $40\,\sigma$ apart. Momentum is gone now.
#
# **Predict.** Do smaller steps and R1, which cured nothing on the ring, add anything here? Look at the modes **and**
# the share.

# %%
grid = toys.grid()
calm = cures["no momentum"] | dict(steps=GRID_STEPS)
on_grid, ends = {}, {}
try_out("no momentum", calm, grid, GRID_SEEDS, into=on_grid)
try_out("and smaller steps", calm | cures["smaller steps"], grid, GRID_SEEDS, into=on_grid)
try_out("and R1", calm | cures["smaller steps"] | cures["R1"], grid, GRID_SEEDS, into=on_grid)
picture(ends, grid)

# %% [markdown]
# The count of modes hardly tells the three apart: 24 and 25, 24 and 25, 25 and 25. The share does. With steps of one
# size 46 % and 68 % of the fakes lie on a mode. Smaller steps raise that by much in one seed and hardly in the other;
# with R1 both are above 80 %. The same two changes left the careless GAN collapsed. They act on the second illness, not
# on the first.
#
# The thought behind R1: near the end $D$'s slope at real samples keeps pushing fakes to and fro across a mode. A
# penalty on this slope lets them come to rest.
#
# All three stay below the 98.9 % of real samples. In the picture you see why: the fakes between two modes. $G$ is
# continuous, so some latents lie between those of two modes.
#
# ## What did not work
#
# - **No cure is enough on the grid**: without momentum a third to a half of the fakes still miss; with all three
#   changes about one in six does.
# - **Three of six cures** left the careless GAN collapsed: smaller steps, R1, and the hinge with spectral norm. The
#   papers on R1 and spectral norm train longer, and with other settings.
# - **The best cure was no cure from a paper**, but an optimizer's setting. PacGAN's table has 6.3 of 8 modes for the
#   plain GAN on its ring and 7.9 with pairs. Its published code trains with $\beta_1 = 0.8$. This lesson does not show
#   how large the gap is without momentum.
# - **Two seeds** are few. Read differences of a few per cent as nothing.
# - The ring here is the easy one of lesson {{lesson:watch}}: $\sigma = 0.05$, where the paper's has 0.01.
# - **Smaller steps come too early** in a short training. On this grid with 3,000 steps, half as many as above, smaller
#   steps left 13 and 15 of 25 modes, and 3 % and 6 % on one (two seeds, not shown here). Try it: `GRID_STEPS = 3000`.
#
# ## Optional: a thousand modes
#
# Collapse in images is counted on **stacked digits**: three digits, drawn independently, are the red, the green and
# the blue of one image. There are $10^3$ modes. A classifier of single digits, called on each colour, tells the mode.
#
# **Predict.** How many of the 1,000 modes do 1,000 *real* images cover? And 5,000?

# %%
digits, labels, info = gl.data.arrays("mnist", examples=10_000)
classifier = keras.models.load_model(gl.data.bundled("mnist_features.keras"), compile=False)
of_real = [gl.stacked.count(gl.stacked.images(digits, count, seed=0), classifier) for count in COUNTS]
print(info.title, *of_real, sep="\n")

# %% tags=["test"]
for covering, count in zip(of_real, COUNTS, strict=True):
    assert abs(covering.covered - 1000 * (1 - (1 - 1 / 1000) ** count)) < 30

# %%
generator = keras.models.load_model(gl.data.bundled("digits_generator.keras"), compile=False)
latents = np.random.default_rng(0).normal(size=(2000, generator.input_shape[1])).astype("float32")
made = generator.predict(latents, verbose=0)
print("bundled generator:", gl.stacked.count(gl.stacked.images(made, COUNTS[-1], seed=0), classifier))

# %% [markdown]
# 1,000 real images cover about 630 modes: with one draw for each mode, a share of $1/e$ is missed by chance. Therefore
# papers count in 26,000 samples. The generator that comes with this course makes one digit at a time, and three of
# its digits make one image here. They cover nearly as many modes as real images: no digit is missing.

# %%
gl.checks.report("collapse")

# %% [markdown]
# ## Recap
#
# - $D$ outputs a number for each fake alone. Against a $D$ that stands still, collapse is what pays most.
# - A trained $D$ is late, so all fakes move from place to place together.
# - Count modes, share and reverse KL: a cloud, one mode and a small ring each fool one or two of them.
# - Momentum makes both players late. Without it the plain GAN finds all modes of the ring.
# - Pairs let $D$ see that fakes are equal, and end collapse. Smaller steps and R1 bring spread fakes onto the modes.
#
# **References**
#
# - Lin et al., *PacGAN*, 2017, [arXiv:1712.04086](https://arxiv.org/abs/1712.04086): ring, grid, stacked digits, pairs.
# - Metz et al., *Unrolled GANs*, 2016, [arXiv:1611.02163](https://arxiv.org/abs/1611.02163): stacked digits.
# - Mescheder et al., *Which Training Methods for GANs do actually Converge?*, 2018,
#   [arXiv:1801.04406](https://arxiv.org/abs/1801.04406): R1.
# - Miyato et al., *Spectral Normalization*, 2018, [arXiv:1802.05957](https://arxiv.org/abs/1802.05957).
# - Huang et al., *The GAN is dead; long live the GAN!*, 2025, [arXiv:2501.05441](https://arxiv.org/abs/2501.05441):
#   the relativistic loss with R1 and R2.
#
# Next: {{next}}
