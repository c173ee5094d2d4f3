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
# # {{number}} A DCGAN on CIFAR-10
#
# **Convolutions make pictures in colour. You build both networks, break their rules one at a time, and train the pair
# for eight minutes.**
#
# ![A convolutional GAN for images of 32×32 pixels. In the generator G, 100 latents become a map of 4×4 places. Three
# layers double its sides, to 32×32. In the discriminator D, three layers halve the sides of a fake or a real image, and
# end in one logit. One loss changes D, the other flows back through D and changes G.](../docs/diagrams/dcgan.svg)
#
# Each coloured box is a **map**: height × width × **channels**, the numbers at each place. $G$ begins with few places
# and many channels, and doubles the sides three times. $D$ goes the other way.

# %% [markdown]
# ## Before you start
#
# **What you need.** Lesson {{lesson:mlp_gan}}: its training step is that of `gl.GAN`. You know what a convolution does:
# a small array of weights, the **kernel**, moves over a map, and at each stop outputs the sum of the products. The
# **stride** is the number of places from one stop to the next. With stride 2 a map of 32×32 becomes one of 16×16.
#
# **Mathematics.** Sums, remainders of division, mean and standard deviation, the normal distribution, the logarithm.
#
# **Time.** {{time}}, with the exercises.

# %%
import os
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # fewer messages

from dataclasses import replace
from functools import partial

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from IPython.display import display
from keras import layers

import gan_lessons as gl


# %%
def show(figure, words):
    """Shows a figure with a text for those who cannot see it."""
    display(figure, metadata={"image/png": {"alt": words}})
    plt.close("all")


# %% [markdown]
# The next cell holds the sizes of this lesson. With `TRAIN = False` section 5 loads a generator that the authors of the
# course trained, in place of training one.

# %% tags=["parameters"]
TRAIN = True
STEPS = gl.recipes.DCGAN.steps  # 7,810 steps of each player: about eight minutes on two cores
SHORT = 400  # steps of each short training in section 4
SEEDS = (0, 1)  # of these
COUNT = 2000  # samples behind a score
EXAMPLES = None  # how many real images to use; None for all

# %% tags=["fast"]
STEPS = 4
SHORT = 2
SEEDS = (0,)
COUNT = 100
EXAMPLES = 400

# %%
train = gl.data.load("cifar10", batch_size=64, examples=EXAMPLES, drop_remainder=True, seed=3)
real, _, _ = gl.data.arrays("cifar10", examples=1000)
print(f"{train.info.title}: {train.info.examples:,} images, each {train.info.image_shape}, in [−1, 1]")

# %% [markdown]
# Look at real images first. How sure are you of what each one shows? No generator should be held to more.

# %% tags=["real-images"]
gl.plotting.show_images(real[:40], columns=10, title=f"Real images: {train.info.title}")

# %% [markdown]
# ## 1. How does a layer make a map larger?
#
# Three numbers are to become seven, by a rule with weights that can be learnt. **Guess first:** how would you do it?
#
# The layer for it is the **transposed convolution**. Each input value writes one copy of the kernel into the output,
# multiplied by the value. Each copy begins `stride` places after the one before it. Where copies overlap, they are
# added. The output ends where the last copy ends.
#
# ### Exercise 1 · Write it
#
# Write the transposed convolution on a line. `x` and `kernel` are arrays of one axis.


# %%
def transposed(x, kernel, stride):
    return ...


gl.checks.dcgan.transposed(transposed)

# %% [markdown]
# The next cell draws what your function computes, one colour a copy. At which places do two copies meet?

# %%
x, kernel, stride = np.array([1.0, 0.5, 0.8]), np.array([0.6, 1.0, 0.6]), 2

y = np.zeros((len(x) - 1) * stride + len(kernel))
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained")
for i, value in enumerate(x):
    places = i * stride + np.arange(len(kernel))
    axes.bar(places, value * kernel, bottom=y[places], label=f"x[{i}] = {value:g}")
    y[places] += value * kernel  # y[s·i + j] += x[i]·w[j]
axes.set(xlabel="place in the output", ylabel="y", ylim=(0, 1.5), xticks=range(len(y)))
axes.legend(ncols=3, title="the copy written by", loc="upper right")
show(figure, "Seven bars. The three copies of the kernel overlap at places 2 and 4, where two colours are stacked.")

# %% tags=["test"]
at_length = STEPS > 7000 and SHORT >= 400 and not train.info.is_stand_in  # not the fast form, nor the stand-ins

layer = layers.Conv1DTranspose(1, 3, strides=2, padding="valid", use_bias=False)
layer.build((None, 3, 1))
layer.kernel.assign(kernel[:, None, None])
np.testing.assert_allclose(np.asarray(layer(x[None, :, None]))[0, :, 0], y, rtol=1e-5)
for k, s, padding in [(4, 2, "same"), (5, 2, "valid"), (3, 1, "same")]:  # what the text says of sizes
    size = layers.Conv2DTranspose(2, k, s, padding).compute_output_shape((None, 7, 7, 3))[1]
    assert size == (7 * s if padding == "same" else 6 * s + k)

# %% [markdown]
# At places 2 and 4. With stride $s$ and kernel $w$ of length $k$ the rule is
#
# $$ y[s\,i + j] \mathrel{+}= x[i]\; w[j] \qquad \text{for each } i \text{ and } j, $$
#
# the last line of the loop. On images a copy is a block of $k \times k$ places, and the product with the kernel
# becomes a sum over the input's channels. From $n$ places along an axis come $(n - 1)\,s + k$. Keras calls this
# `padding="valid"`; `"same"` cuts off $k - s$ places at the ends, so that $n \cdot s$ are left.
#
# Why the name? A convolution is a large matrix $C$, mostly zeros, applied to the pixels. This layer applies its
# transpose $C^\mathsf{T}$. That is not the inverse: it restores the size, not the values.

# %% [markdown]
# ## 2. Which layers draw a chessboard?
#
# In the picture above, place 2 gets two copies and place 3 gets one. Where places get different numbers of copies, an
# untrained layer already draws a pattern: larger values where more copies meet. **Guess first:** does a larger kernel
# make it weaker?
#
# ### Exercise 2 · Even overlap
#
# Away from the ends, which pairs `(kernel, stride)` give every place the same number of copies? List them, out of
# (2, 2), (4, 3), (5, 2), (6, 2), (6, 4), (6, 3).

# %%
even_pairs = ...  # for example [(2, 2), …]
gl.checks.dcgan.even_overlap(even_pairs)

# %% [markdown]
# Now count. A map of ones and a kernel of ones make the layer output the number of copies at each place.

# %%
ones = np.ones((1, 8, 8, 1), "float32")
figure, axes = plt.subplots(1, 4, figsize=(9, 2.7), layout="constrained")
counted = {}
for axis, (k, s) in zip(axes, [(3, 2), (4, 2), (5, 2), (6, 3)]):
    layer = layers.Conv2DTranspose(1, k, s, "same", kernel_initializer="ones")
    copies = np.asarray(layer(ones))[0, :, :, 0]
    counted[k, s] = inside = copies[6:-6, 6:-6]
    axis.imshow(inside[:4, :4], cmap="Greys", vmin=0, vmax=12)
    for (row, column), count in np.ndenumerate(inside[:4, :4]):
        axis.text(column, row, f"{count:g}", ha="center", va="center", color="white" if count > 6 else "black")
    axis.set(title=f"kernel {k}, stride {s}", xticks=[], yticks=[])
show(
    figure, "Copies at each place. Kernels 3 and 5 with stride 2 alternate; 4 with 2, and 6 with 3, have 4 everywhere."
)

# %% tags=["test"]
for (k, s), inside in counted.items():
    assert inside.size >= 16 and (np.ptp(inside) == 0) == (k % s == 0)

# %% [markdown]
# With stride 2, kernel 5 is less uneven than kernel 3: 4 to 9 copies in place of 1 to 4. A larger kernel makes the
# pattern weaker. It vanishes only where **the stride divides the kernel size**. The copies at place $p$ are the pairs
# with $s\,i + j = p$, so $j$ has the remainder $p \bmod s$. Each remainder has equally many $j$ in $0 \dots k - 1$
# only if $s$ divides $k$.
#
# DCGANs therefore take kernel 4 with stride 2. An even overlap does not *forbid* a chessboard, since neighbouring
# places still read different weights of the kernel. It means that none has to be unlearnt.

# %% [markdown]
# ## 3. Which rules make the pair trainable?
#
# Radford, Metz and Chintala (2015) tried many convolutional GANs. Most did not train. They wrote down what did:
#
# 1. Strides in place of pooling: both networks learn how to resize.
# 2. **BatchNorm** in both, except at $G$'s output and in $D$'s first layer. It gives each channel mean 0 and spread 1
#    over the batch, then scales and shifts it by two learnt numbers.
# 3. No hidden dense layers.
# 4. ReLU in $G$, with tanh at the end; LeakyReLU in $D$, so that negative inputs pass a gradient on to $G$ too.
# 5. Weights begin as $N(0, 0.02)$. Adam with the learning rate 0.0002 and $\beta_1 = 0.5$.
#
# Here is $G$ by these rules. Follow the sizes in the comments.


# %%
def normal(mean=0.0):
    return keras.initializers.RandomNormal(mean, 0.02)


def batch_norm():  # Keras's layer, computed faster
    return gl.layers.BatchNormalization(gamma_initializer=normal(mean=1.0))


def up(x, filters, normalise=True, **options):
    x = layers.ReLU()(batch_norm()(x) if normalise else x)
    return layers.Conv2DTranspose(filters, 4, strides=2, padding="same", kernel_initializer=normal(), **options)(x)


def down(x, filters, normalise=True):
    x = layers.Conv2D(filters, 4, 2, "same", use_bias=not normalise, kernel_initializer=normal())(x)
    return gl.layers.LeakyReLU(0.2)(batch_norm()(x) if normalise else x)


# %%
def make_generator(a=128, b=64, c=32, normalise=True):
    latents = keras.Input((100,), name="latents")
    x = layers.Dense(4 * 4 * a, use_bias=not normalise, kernel_initializer=normal())(latents)
    x = layers.Reshape((4, 4, a))(x)
    x = up(x, b, normalise, use_bias=not normalise)  # 8×8×64
    x = up(x, c, normalise, use_bias=not normalise)  # 16×16×32
    return keras.Model(latents, up(x, 3, normalise, activation="tanh"))  # 32×32×3


def make_discriminator(a=128, b=64, c=32, normalise=True):
    images = keras.Input((32, 32, 3))
    x = down(images, c, normalise=False)  # 16×16×32
    x = down(down(x, b, normalise), a, normalise)  # 4×4×128
    return keras.Model(images, layers.Dense(1, kernel_initializer=normal())(layers.Flatten()(x)))


# %% tags=["test"]
recipe = gl.recipes.DCGAN
keras.utils.set_random_seed(0)
mine = [*make_generator().get_weights(), *make_discriminator().get_weights()]
packages = recipe.build((32, 32, 3), seed=0)
theirs = [*packages.generator.get_weights(), *packages.discriminator.get_weights()]
for one, other in zip(mine, theirs, strict=True):
    np.testing.assert_array_equal(one, other)
for network, name in [(make_generator(), "generator"), (make_discriminator(), "discriminator")]:
    kinds = [type(layer) for layer in network.layers]
    assert kinds == [type(layer) for layer in getattr(packages, name).layers]

# %% [markdown]
# Before a BatchNorm there is no bias: BatchNorm subtracts each channel's mean, so a bias would be subtracted again.
#
# ### Exercise 3 · Count the weights
#
# How many weights has the first transposed convolution, 4×4, from 128 channels to 64, without a bias?

# %%
weights = ...
gl.checks.dcgan.layer_weights(weights)

# %% [markdown]
# ### Why so small, and why BatchNorm?
#
# **Guess first.** Weights of spread 0.02 are small. What do the first images of $G$ look like with BatchNorm, and what
# without? The next cell prints the standard deviation of what each layer outputs for 256 latents.

# %%
latents = np.random.default_rng(0).normal(size=(256, 100)).astype("float32")
spread = {}
for name, normalise in [("with BatchNorm", True), ("without", False)]:
    keras.utils.set_random_seed(0)
    network = make_generator(normalise=normalise)
    outputs = [layer.output for layer in network.layers if hasattr(layer, "kernel")]
    values = keras.Model(network.input, outputs)(latents, training=True)
    spread[name] = [float(keras.ops.std(value)) for value in values]
    print(f"{name:15}", " → ".join(f"{value:.5f}" for value in spread[name]))

# %% tags=["test"]
assert spread["with BatchNorm"][-1] > 50 * spread["without"][-1]

# %% [markdown]
# The last number is the contrast of the first images. Without BatchNorm it is 0.002, of a range of 2: even grey. Each
# layer shrinks the signal, and on the way back each shrinks the gradient as well. BatchNorm restores spread 1 before
# every ReLU, whatever the weights are.

# %% [markdown]
# ## 4. What if you break a rule?
#
# A short training each, with networks half as wide, from the same seeds. `gl.recipes.TEXTBOOK` holds the settings of
# rule 5. Each row of the table changes one thing.
#
# | row | what changes |
# | --- | --- |
# | no BatchNorm | rule 2 |
# | Keras's weights | rule 5: the first weights are those that Keras chooses |
# | one batch | in $D$'s turn, real images and fakes are one batch of 128 in place of two of 64 |
# | this course's | other settings for Adam: section 5 |
#
# *One batch* stands in well-known example code. It saves a call of $D$, and nothing complains.


# %%
class OneBatch(gl.GAN):
    """A GAN that calls D once in D's turn, on real images and fakes together."""

    def discriminators_turn(self, real_images, fake_images):
        count = keras.ops.shape(real_images)[0]
        with tf.GradientTape() as tape:
            logits = self.discriminate(keras.ops.concatenate([real_images, fake_images]))
            real_logits, fake_logits = logits[:count], logits[count:]
            d_loss = self.objective.discriminator_loss(real_logits, fake_logits)
        d_loss = self.descend("discriminator", d_loss, tape)
        self.log(d_loss=d_loss, **self.objective.log(real_logits, fake_logits))


def dcgan(image_shape, kind=gl.GAN, filters=(128, 64, 32), normalise=True):
    return kind(make_generator(*filters, normalise), make_discriminator(*filters, normalise), latent_dim=100)


# %%
small = partial(dcgan, filters=(64, 32, 16))
rules = replace(gl.recipes.DCGAN, model=small, **gl.recipes.TEXTBOOK)
recipes = {
    "all the rules": rules,
    "no BatchNorm": replace(rules, model=partial(small, normalise=False)),
    "Keras's weights": replace(rules, keras_initializers=True),
    "one batch": replace(rules, model=partial(small, kind=OneBatch)),
    "this course's": replace(gl.recipes.DCGAN, model=small, average=None),  # too short for an average
}

# %% [markdown]
# The score is the **Fréchet distance** between fakes and real images, in numbers that a classifier computes of them:
# less is better, and lesson {{lesson:quality}} explains it. **Guess first:** which row is the worst? Is one better than
# "all the rules"?

# %%
reference = gl.scoring.Reference("cifar10", count=COUNT, scores=["frechet_distance"], verbose=0)
distances, rows = {}, {}
print("                 Fréchet distance        D's loss  G's loss")
for name, recipe in recipes.items():
    for seed in SEEDS:
        gan = recipe.build((32, 32, 3), seed, steps=SHORT)
        history = gan.fit(train.take(SHORT), verbose=0).history
        score = reference.score(gan, verbose=0).scores["frechet_distance"]
        distances.setdefault(name, []).append(score)
    rows[name] = gan.generate(12, seed=0)
    scores = " ".join(f"{value:7.1f}" for value in distances[name])
    print(f"{name:16} {scores:20} {history['d_loss'][-1]:10.2f} {history['g_loss'][-1]:9.2f}")

# %%
figure = gl.plotting.image_rows(rows, title=f"{train.info.title}, after {SHORT} steps, seed {SEEDS[-1]}")
show(figure, "Twelve fakes for each row of the table above.")

# %% tags=["test"]
assert np.isfinite(list(distances.values())).all()
if at_length:
    mean = {name: np.mean(values) for name, values in distances.items()}
    assert mean["one batch"] > 2 * mean["all the rules"] and mean["no BatchNorm"] > mean["all the rules"]
    assert mean["this course's"] < 0.85 * mean["all the rules"]

# %% [markdown]
# *One batch* makes the same noise of all latents. *No BatchNorm* hardly leaves even grey; where it does, it draws a
# chessboard, in spite of the even overlap. *Keras's weights* give noise with large patches. The last row has the best
# mean and shows the most; on the first seed its score only equals that of "all the rules". Two seeds differ by a factor
# of two, so trust the large differences alone.
#
# Look at the losses of *one batch*: both are near 0. Each player wins, as if they played two games. They do. BatchNorm
# computes its means over the batch, so what $D$ outputs for a fake depends on the images beside it. In $D$'s turn the
# fakes are normalised together with real images, in $G$'s turn alone. $G$ gets the gradient of another function than
# the one that $D$ has learnt. `gl.GAN` calls $D$ twice.

# %% [markdown]
# ## 5. Eight minutes
#
# Three habits are newer than the rules.
#
# **No momentum.** Adam follows a running mean of gradients, $m \leftarrow \beta_1 m + (1 - \beta_1)\,g$. In a game, old
# gradients are about an opponent who has moved on. The authors of DCGAN went from 0.9 to 0.5. Later GANs (WGAN-GP,
# BigGAN, StyleGAN) take $\beta_1 = 0$. Without momentum larger steps can be taken.
#
# **Steps that shrink.** Large steps help at the start, small ones at the end. The rate falls along half a cosine:
# $\eta_t = \tfrac12 \eta_0\,(1 + \cos \pi t / T)$, from $\eta_0$ to 0 at the last step $T$.
#
# **An average of the weights.** The players can circle around each other. After each step, $G$'s optimizer updates an
# average, $\bar\theta \leftarrow 0.999\,\bar\theta + 0.001\,\theta$, which lies nearer to the middle. `generate` uses
# $\bar\theta$; the training goes on with $\theta$.
#
# ### Exercise 4 · How long does an average remember?
#
# After how many steps is the share of today's $\bar\theta$ in the average down to one half?

# %%
steps_to_half = ...
gl.checks.dcgan.half_life(steps_to_half)

# %% [markdown]
# All settings in one place. The networks are those that you read in section 3.

# %%
recipe = replace(gl.recipes.DCGAN, model=dcgan)
print(recipe)

# %% [markdown]
# **Guess first.** What appears earlier in the pictures, colours or shapes? The cell below trains, and shows the fakes
# of the same 25 latents after each tenth of the training. `d_real` and `d_fake` are $D$'s mean outputs, as
# probabilities.

# %%
gan = recipe.build((32, 32, 3), seed=3, steps=STEPS)
movie = gl.callbacks.TrainingMovie(os.path.join(tempfile.gettempdir(), "dcgan.gif"), count=18, verbose=0)
if TRAIN:
    parts = min(10, STEPS)
    grid = gl.callbacks.SampleGrid(count=25, seed=0, title=f"DCGAN on {train.info.title}")
    gan.fit(train.repeat(), steps_per_epoch=STEPS // parts, epochs=parts, verbose=2, callbacks=[grid, movie])
    print("You look at a generator that was trained just now.")
else:
    gan = gl.GAN(gl.trained.generator("dcgan_cifar10"), make_discriminator(), latent_dim=100)
    print("You look at another generator.", gl.trained.about("dcgan_cifar10"))

# %%
if TRAIN:
    display(movie.show())

# %%
if TRAIN:
    figure = gl.plotting.discriminator_curves(gan.history, title=f"DCGAN on {train.info.title}: what D outputs")
    show(figure, "D's mean output on real images rises and that on fakes falls, slowly, from about one half each.")

# %% tags=["test"]
kept = gl.trained.generator("dcgan_cifar10")
assert [weight.shape for weight in kept.get_weights()] == [w.shape for w in make_generator().get_weights()]
loaded = gl.GAN(kept, make_discriminator(), latent_dim=100).generate(200, seed=0)
assert 0.3 < loaded.std() < 0.7 and loaded.std(axis=0).mean() > 0.25
if at_length and TRAIN:
    ends = {key: values[-1] for key, values in gan.history.history.items()}
    assert 0.5 < ends["d_real"] < 0.98 and 0.02 < ends["d_fake"] < 0.5, ends

# %% [markdown]
# Colours come first, then a background with something in front of it, then parts. $D$'s lead grows to the end, and that
# is no fault as long as neither curve reaches its edge: $D$ learns faster to see what is left to see. The curves tell
# whether the game goes on. They do not tell how good the fakes are.

# %% [markdown]
# ## 6. What did it learn?
#
# A hundred fakes, the first hundred, none picked. **Guess first:** how many of them can you name?

# %%
samples = gan.generate(COUNT, seed=1)
figure = gl.plotting.show_images(samples[:100], columns=10, title=f"DCGAN on {train.info.title}: 100 fakes")
show(figure, "A hundred small colour pictures: animals, vehicles, ships and landscapes, most of them distorted.")

# %%
score = reference.score(samples, verbose=0).scores["frechet_distance"]
floor = reference.floor["frechet_distance"]
print(f"Fréchet distance {score:.2f}; of other real images {floor:.2f}")

# %% tags=["test"]
if at_length:
    assert floor < score < 3.5 and score < 0.5 * min(map(min, distances.values()))

# %% [markdown]
# Colours are plausible, and most pictures have something in front of a background. You can take some for a bird in the
# sky, a ship, a car, an animal with four legs. Most have no name.
#
# How much of it is the new habits? The README's table has the same networks, trained on as many images by the
# textbook's settings and Keras's weights: 3.11, against 1.84 by this recipe (10,000 fakes, 6,000 steps, two seeds
# each, whose ranges do not meet). That is a share of 0.59. With *one batch* it is 42.
#
# ### Is there a chessboard in them?
#
# Section 2 said that kernel 4 does not forbid one. To measure it, multiply each image by a chessboard of ones and minus
# ones, and take the mean. Where neighbouring pixels are alike, the terms cancel. **Guess first:** do the fakes have
# more of it than real images?

# %%
board = (-1.0) ** np.add.outer(np.arange(32), np.arange(32))


def chessboard(images):
    """Returns the root mean square, over the images, of what each has of the chessboard."""
    return np.sqrt(np.mean(np.mean(images.mean(axis=-1) * board, axis=(1, 2)) ** 2))


print(f"real images {chessboard(real):.4f}, fakes {chessboard(samples):.4f}")

# %% tags=["test"]
x = np.stack([board, np.ones((32, 32)), -board, np.arange(32) * np.ones((32, 1))])[..., None] * np.ones(3)
assert np.isclose(chessboard(x), np.sqrt(0.5))  # two of four are chessboards, and a slope has nothing of it
if at_length:
    assert chessboard(samples) > 1.3 * chessboard(real)

# %% [markdown]
# They do. You can see it on even ground, in the sky for instance, if you look closely.
#
# ### Between two fakes
#
# If $G$ had stored pictures, the way from one latent to another would jump. **Guess first:** does it?

# %%
figure = gl.plotting.interpolation(gan, rows=5, steps=10, seed=2, title="From one latent to another")
show(figure, "Five rows of ten pictures. In each row one picture changes into another by small steps.")

# %%
start, end = gan.sample_latents(2, seed=5)
frames = gan.generate(latents=gl.plotting.latent_path(start, end, steps=41))
moves = np.sqrt(np.mean((frames[1:] - frames[:-1]) ** 2, axis=(1, 2, 3)))
whole = np.sqrt(np.mean((frames[-1] - frames[0]) ** 2))
print(f"The largest of 40 steps changes {moves.max() / whole:.0%} of what lies between the two ends.")

# %% tags=["test"]
if at_length:
    assert moves.max() < 0.4 * whole

# %% [markdown]
# It does not jump: the pictures between are pictures too.
#
# ### Why 32×32?
#
# Each doubling of the side multiplies the pixels, and the work of the last layers, by four. And it has to be done on
# both sides:
#
# ### Exercise 5 · Two sizes, no error
#
# Somebody changes the data from 32×32 to 64×64 and forgets $G$. Their $D$ has no dense layer. It has three
# `Conv2D(…, 4, strides=2, padding="same")` and then one `Conv2D(1, 4, padding="valid")`, which outputs a logit for each
# place where its kernel fits whole. The loss is a mean over all logits, so nothing complains. How many logits does $D$
# output for one real image, and how many for one fake?

# %%
logits = {"real": ..., "fake": ...}
gl.checks.dcgan.two_sizes(logits)

# %% [markdown]
# `gl.GAN` compares the sizes before the first step, and refuses.
#
# ## What did not work
#
# - **Most of the things have no name**, and not every kind is there. Recall, the share of real images that have a fake
#   near them, is 0.44 for the generator that comes with the course, and 0.84 for other real images.
# - **The chessboard came back**, with an even overlap.
# - **A rate that stays large.** With 0.0008 to the end the Fréchet distance was 1.87 after 6,000 steps and 4.39 after
#   12,496: in the last of these $D$ had won. More steps alone buy nothing.
# - **Tricks for $D$.** With the textbook's settings, after 3,000 steps: 5.2 without any, 5.4 with label smoothing, 5.4
#   with noise on all that $D$ sees, 12.4 with no BatchNorm in $D$ (one run each).
#
# These numbers stand in `benchmarks/README.md`.

# %%
gl.checks.report("dcgan")

# %% [markdown]
# ## Optional: your own pictures, at 64×64
#
# One more doubling, one more entry in `filters`. Set `MY_PICTURES` to a folder of a few hundred pictures or more; the
# more alike they are, the sooner you see something. 4,000 steps take about half an hour.

# %%
MY_PICTURES = None  # for example "/home/you/pictures/flowers"


def train_on(folder, steps=4000):
    pictures = gl.data.from_directory(folder, image_size=64, batch_size=64, drop_remainder=True)
    generator = gl.networks.dcgan_generator((64, 64, 3), filters=(128, 64, 32, 16))
    discriminator = gl.networks.dcgan_discriminator((64, 64, 3), filters=(16, 32, 64, 128))
    own = replace(gl.recipes.DCGAN, model=lambda shape: gl.GAN(generator, discriminator, latent_dim=100))
    gan = own.build((64, 64, 3), steps=steps)
    grid = gl.callbacks.SampleGrid(every_steps=max(1, steps // 10), title=pictures.info.title)
    gan.fit(pictures.repeat(), steps_per_epoch=steps, verbose=2, callbacks=[grid])
    return gan


if MY_PICTURES:
    train_on(MY_PICTURES)

# %% tags=["test"]
from PIL import Image

with tempfile.TemporaryDirectory() as folder:
    for number in range(64):
        noise = np.random.default_rng(number).integers(0, 256, (70, 80, 3), dtype="uint8")
        Image.fromarray(noise).save(os.path.join(folder, f"{number}.png"))
    assert train_on(folder, steps=2).generate(2).shape == (2, 64, 64, 3)

# %% [markdown]
# ## Recap
#
# - A transposed convolution writes scaled copies of its kernel and adds them. `"same"` makes $n \cdot s$ places.
# - A stride that divides the kernel size overlaps evenly: 4 and 2.
# - Small first weights need BatchNorm, and BatchNorm needs real images and fakes in separate batches.
# - No momentum, a rate that falls to 0, and an average of the weights: 0.59 of the textbook's Fréchet distance.
# - $D$'s curves tell whether the game goes on. Look at the fakes to see how well.
#
# **References**
#
# - Radford, Metz, Chintala: *Unsupervised Representation Learning with Deep Convolutional GANs*, 2015,
#   [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - Dumoulin, Visin: *A guide to convolution arithmetic for deep learning*, 2016,
#   [arXiv:1603.07285](https://arxiv.org/abs/1603.07285).
# - Odena, Dumoulin, Olah: *Deconvolution and Checkerboard Artifacts*, Distill, 2016,
#   [doi:10.23915/distill.00003](https://doi.org/10.23915/distill.00003).
# - Yazıcı et al.: *The Unusual Effectiveness of Averaging in GAN Training*, 2018,
#   [arXiv:1806.04498](https://arxiv.org/abs/1806.04498).
# - Gidel et al.: *Negative Momentum for Improved Game Dynamics*, 2018,
#   [arXiv:1807.04740](https://arxiv.org/abs/1807.04740).
# - Brock, Donahue, Simonyan: *Large Scale GAN Training for High Fidelity Natural Image Synthesis*, 2018,
#   [arXiv:1809.11096](https://arxiv.org/abs/1809.11096).
#
# Next: {{next}}
