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
# # {{number}} Ten digits on demand
#
# **You ask for a 3 and get a 3. Then you take the labels away, and the generator sorts the digits by itself.**
#
# ![A conditional GAN. A label y goes into the generator beside the latents z, and into the discriminator beside the
# sample. The discriminator compares pairs: a real sample with its label against a fake with the label that it was made
# for.](../docs/diagrams/conditional.svg)
#
# The label goes to *both* players. Sections 1 to 3 are about what each of them does with it.

# %% [markdown]
# ## Before you start
#
# **What you need.** Lessons {{lesson:mlp_gan}} and {{lesson:dcgan}}: the two losses in logits, convolutions,
# BatchNormalization, the average of $G$'s weights.
#
# **Mathematics.** The sigmoid $\sigma$, the dot product, $\text{softmax}(l)_k = e^{l_k} / \sum_j e^{l_j}$, and the
# **cross-entropy** of a label $y$: $-\log \text{softmax}(l)_y$, small where the right class has most of the
# probability.
#
# **Time.** {{time}}, with the exercises.

# %%
import os
from dataclasses import replace
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # fewer messages

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import ops

import gan_lessons as gl
from gan_lessons import conditioning, networks

# %% tags=["parameters"]
EXAMPLES = None  # training images; None means all
STEPS = 5000  # of the conditional GAN and of the InfoGAN: about two minutes each on two cores
SHORT, SEEDS = 1000, (0, 1)  # of each GAN in the comparison of section 3
FEW_STEPS = 3000  # of the classifier with few labels, in section 5
SAMPLES = 5000  # images behind each number

# %% tags=["fast"]
EXAMPLES, STEPS, SHORT, SEEDS, FEW_STEPS, SAMPLES = 1000, 20, 10, (0,), 20, 200

# %% [markdown]
# MNIST's digits come with labels. A small classifier, trained on real digits and delivered with the course, will judge
# what the generators make.

# %%
images, labels, info = gl.data.arrays("mnist", examples=EXAMPLES)
labels = labels.astype("int32")
classifier = keras.models.load_model(gl.data.bundled("mnist_features.keras"), compile=False)


def read(pictures):
    return classifier.predict(pictures, batch_size=500, verbose=0).argmax(axis=1)


test_images, test_labels, _ = gl.data.arrays("mnist", split="test", examples=EXAMPLES)
print(f"{info.title}: {len(images)} digits; the classifier reads {np.mean(read(test_images) == test_labels):.1%} right")

# %% [markdown]
# ## 1. A generator that takes a label
#
# A generator takes a vector. The simplest way to tell it a label $y$ is to write $y$ into that vector, as a **one-hot**
# vector: ten numbers, 1 at place $y$ and 0 elsewhere.
#
# ### Exercise 1 · Latent and label, side by side
#
# Write `join(latents, labels)`: each latent, followed by its label, one-hot, with 10 classes.


# %%
def join(latents, labels):
    return ...


gl.checks.on_demand.join(join)

# %% [markdown]
# Behind that vector stands any generator you know. Its first dense layer computes $W [z, \text{onehot}(y)]$, which is
# $W_z z$ plus one column of $W$ for each class: $G$ learns a vector for each digit.

# %%
inner = networks.dcgan_generator(images.shape[1:], latent_dim=64 + 10, filters=(64, 32))
generator = conditioning.conditional_generator(inner, num_classes=10)
print("the generator inside takes", inner.input_shape)
print("the conditional one takes ", generator.input_shape)

# %% tags=["test"]
z, y = keras.random.normal((4, 64), seed=0), ops.convert_to_tensor(np.array([3, 3, 7, 0], "int32"))
np.testing.assert_allclose(generator([z, y]), inner(ops.concatenate([z, ops.one_hot(y, 10)], axis=1)), rtol=1e-5)

# %% [markdown]
# ## 2. A discriminator that sees pairs
#
# **Guess first.** $G$ gets the label, and $D$ does not see it. What will $G$ do with the label?
#
# Nothing makes $G$ use it: a perfect 7 made for the label 3 looks real to a $D$ that sees images alone. $D$ has to see
# *pairs*. A real image with its own label is real. A fake, with the label that it was made for, is not. $G$'s 7 with
# the label 3 is then easy to catch, since no real pair is like it.
#
# How does $D$ take the label? One good way is a **projection**. $D$ computes features $\varphi(x)$ of the image, and
# its logit has two parts:
#
# $$\text{logit}(x, y) = \underbrace{w \cdot \varphi(x) + b}_{\text{is it real?}} +
# \underbrace{v_y \cdot \varphi(x)}_{\text{does it look like a } y?}$$
#
# $v_y$ is a learnt vector for each class. It begins at 0, so that $D$ begins as a $D$ without labels.
#
# ### Exercise 2 · A logit by hand
#
# $\varphi(x) = (1, 2)$, $w = (\tfrac12, -1)$, $b = \tfrac12$ and $v_3 = (1, 1)$. What is the logit of the pair $(x, 3)$?

# %%
logit = ...
gl.checks.on_demand.projection(logit)

# %% [markdown]
# `gl.ConditionalGAN` is the GAN that you know, with pairs in place of images. Each fake gets the label of a real image
# of the batch, so that $D$ sees each label as often fake as real. The recipe is a small DCGAN:

# %%
recipe = gl.recipes.CONDITIONAL
print(recipe)


def batches(*arrays, size=recipe.batch_size):
    pairs = tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0])
    return pairs.shuffle(len(images), seed=0).repeat().batch(size, drop_remainder=True).prefetch(4)


# %%
gan = recipe.build(images.shape[1:], seed=0, steps=STEPS)
gan.fit(batches(images, labels), steps_per_epoch=STEPS // 5, epochs=5, verbose=2)
asked = np.arange(SAMPLES) % 10
made = gan.generate(labels=asked, seed=0)
print(f"of {SAMPLES} fakes, {np.mean(read(made) == asked):.1%} are read as the digit asked for")

# %% tags=["test"]
agreement = np.mean(read(made) == asked)
if STEPS == 5000 and not info.is_stand_in:
    assert agreement > 0.97

# %%
gl.plotting.show_images(made[:100], columns=10, title="Ten of each, asked for in order; none picked")

# %% [markdown]
# Each column was asked for its digit. **Guess first:** each *row* of the next picture has one latent and ten labels.
# What do the digits of a row have in common?

# %%
styles = np.repeat(gan.sample_latents(5, seed=4), 10, axis=0)
rows = gan.generate(labels=np.tile(np.arange(10), 5), latents=styles)
gl.plotting.show_images(rows, columns=10, title="One latent a row, ten labels")

# %% [markdown]
# Their slant and their thickness. The label says *what*, so the latent is left with *how*. Nobody asked for that
# division. It comes about because one $W_z$ serves all ten digits.
#
# ## 3. Three places for a label
#
# $D$ can take the label in other ways:
#
# - as **maps** beside the image: ten more channels, of which the label's is all 1;
# - as a question: $D$ does not get the label, but has a second output with ten logits, a **classifier**. Its
#   cross-entropy on real images is part of $D$'s loss, and on fakes part of $G$'s: $G$ must make what the classifier
#   reads as the label.
#
# **Guess first.** After a short training, which one makes most often what was asked for?

# %%
def short(way, seed):
    other = replace(recipe, model=partial(gl.recipes.conditional, way=way))
    rival = other.build(images.shape[1:], seed=seed, steps=SHORT)
    rival.fit(batches(images, labels), steps_per_epoch=SHORT, verbose=0)
    return np.mean(read(rival.generate(labels=asked, seed=0)) == asked)


table = {way: [short(way, seed) for seed in SEEDS] for way in ("maps", "projection", "classifier")}
for way, shares in table.items():
    print(f"{way:11}", *(f"seed {seed}: {share:.1%}  " for seed, share in zip(SEEDS, shares)))

# %% tags=["test"]
assert all(len(shares) == len(SEEDS) for shares in table.values())
# RESULT_OF_THREE

# %% [markdown]
# TEXT_OF_THREE
#
# ## 4. Codes that nobody labelled
#
# Now take the labels away. **InfoGAN** gives $G$ a latent of three parts: 62 random numbers, one category of ten
# (one-hot, drawn at random), and two numbers from $U(-1, 1)$. The last two parts are the **code** $c$. $D$ gets a
# second output $Q$, which must read the code from the image. Both players' losses have one more term:
#
# $$-\log Q(c \mid G(z, c)) = \text{cross-entropy of the category} + \tfrac12 \sum_j (c_j - Q_j)^2.$$
#
# $G$ can lower it in one way only: by making images from which the code can be read.
#
# ### Exercise 3 · A code that nobody can read
#
# At the start $Q$ cannot tell the ten categories apart. What is the cross-entropy of a $Q$ that gives each of them the
# same probability? (Natural logarithm.)

# %%
start = ...
gl.checks.on_demand.guessing(start)

# %% [markdown]
# **Guess first.** No label is used. What will the ten categories be?

# %%
info_recipe = gl.recipes.INFOGAN
coder = info_recipe.build(images.shape[1:], seed=0, steps=STEPS)
coder.fit(batches(images), steps_per_epoch=STEPS // 5, epochs=5, verbose=2)
gl.plotting.show_images(coder.generate(100, seed=1), columns=10, title="One category a column; no label was used")

# %%
category = np.arange(SAMPLES) % 10
digit = read(coder.generate(SAMPLES, seed=0))
counts = np.zeros((10, 10), int)
np.add.at(counts, (category, digit), 1)
names = counts.argmax(axis=1)
print("category:     ", *range(10))
print("mostly a:     ", *names)
print("share of that:", *(f"{row.max() / row.sum():.0%}" for row in counts))
print(f"fakes read as what their category mostly is: {np.mean(names[category] == digit):.1%}")

# %% tags=["test"]
from scipy.optimize import linear_sum_assignment

pairs = linear_sum_assignment(-counts)
matched = counts[pairs].sum() / SAMPLES  # each category for a digit of its own
# RESULT_OF_CODES

# %% [markdown]
# TEXT_OF_CODES
#
# The two numbers are read as well, by the sum of squares. Turn them:

# %%
turned = np.linspace(-1.5, 1.5, 10)
rows = {}
for j in range(2):
    codes = np.zeros((10, 2))
    codes[:, j] = turned
    for k in (2, 5):
        latents = np.repeat(coder.sample_latents(1, seed=k), 10, axis=0)
        latents[:, 62:] = coder.sample_latents(10, seed=0, category=k, codes=codes)[:, 62:]
        rows[f"code {j + 1}, category {k}"] = coder.compute("generator", latents)
gl.plotting.image_rows(rows, title="One number of the code, from −1.5 to 1.5, all else fixed")

# %% [markdown]
# TEXT_OF_TURNS
#
# ## 5. D as a classifier with 100 labels
#
# $D$ learns what digits look like. Can that help a classifier that has 100 labels only, ten of each digit?
#
# Give $D$ ten class logits $l_1, \dots, l_{10}$, and let "generated" be an eleventh class with the logit 0. The
# probability that $x$ is real is then the sum of the first ten of the softmax,
#
# $$D(x) = \frac{\sum_k e^{l_k}}{\sum_k e^{l_k} + 1}.$$
#
# ### Exercise 4 · Real, by its class logits
#
# There are three classes, and $D$ outputs the class logits $1, 0, -1$. What is $D(x)$?

# %%
d_of_x = ...
gl.checks.on_demand.real_by_classes(d_of_x)

# %% [markdown]
# $D$'s loss is the usual one with this $D(x)$, on all 60,000 images without their labels, and the cross-entropy of the
# 100 labelled ones. $G$ gets another loss: the mean features of its fakes, the outputs of $D$'s last hidden layer,
# shall be those of real images (**feature matching**).
#
# **Guess first.** The same network, trained on the 100 labels alone, errs on how many of 100 test digits? And with the
# 60,000 images beside them?

# %%
few_recipe = gl.recipes.SEMI_SUPERVISED
random = np.random.default_rng(0)
few = np.concatenate([random.choice(np.flatnonzero(labels == digit), 10, replace=False) for digit in range(10)])

keras.utils.set_random_seed(0)
alone = gl.recipes.few_labels(images.shape[1:])
alone.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
alone.fit(images[few], labels[few], batch_size=100, epochs=max(FEW_STEPS // 10, 1), verbose=0)
errors = {"100 labels alone": np.mean(alone.predict(test_images, verbose=0).argmax(axis=1) != test_labels)}

# %%
helped = few_recipe.build(images.shape[1:], seed=0, steps=FEW_STEPS)
size = few_recipe.batch_size
both = tf.data.Dataset.zip(batches(images, size=size), batches(images[few], labels[few], size=size))
both = both.map(lambda unlabelled, labelled: (unlabelled, *labelled))
helped.fit(both, steps_per_epoch=FEW_STEPS, verbose=0)
errors["and 60,000 images"] = np.mean(helped.classify(test_images).argmax(axis=1) != test_labels)
for name, share in errors.items():
    print(f"{name:18} {share:.1%} of {len(test_images)} test digits wrong")

# %% tags=["test"]
# RESULT_OF_FEW

# %%
fakes = helped.generate(20, seed=0)
gl.plotting.show_images(fakes, columns=10, title="The fakes that went with it")

# %% [markdown]
# TEXT_OF_FEW
#
# ## What did not work
#
# TEXT_OF_FAILURES

# %%
gl.checks.report("on_demand")

# %% [markdown]
# ## Recap
#
# - A label reaches $G$ as a part of its vector. $G$ uses it only if $D$ sees pairs, or asks for the label.
# - $D$ takes a label as maps, as a projection, or as a question.
# - InfoGAN needs no labels: a code that $Q$ must read comes to mean something, often the digit.
# - A $D$ with class logits is a classifier: images without labels help it.
#
# **References**
#
# - Mirza and Osindero, *Conditional Generative Adversarial Nets*, 2014,
#   [arXiv:1411.1784](https://arxiv.org/abs/1411.1784).
# - Odena et al., *Conditional Image Synthesis with Auxiliary Classifier GANs*, 2016,
#   [arXiv:1610.09585](https://arxiv.org/abs/1610.09585).
# - Miyato and Koyama, *cGANs with Projection Discriminator*, 2018,
#   [arXiv:1802.05637](https://arxiv.org/abs/1802.05637).
# - Chen et al., *InfoGAN*, 2016, [arXiv:1606.03657](https://arxiv.org/abs/1606.03657).
# - Salimans et al., *Improved Techniques for Training GANs*, 2016,
#   [arXiv:1606.03498](https://arxiv.org/abs/1606.03498).
#
# Next: {{next}}
