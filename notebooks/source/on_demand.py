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

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # fewer messages

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import ops

import gan_lessons as gl
from gan_lessons import conditioning, networks

# %% tags=["parameters"]
EXAMPLES = None  # training images; None means all
STEPS = 6000  # of the conditional GAN: about two minutes on two cores
SHORT = 1500  # of each GAN in the comparison of section 3
CODE_STEPS = 6000  # of the InfoGAN in section 4
EPOCHS = 10  # of the classifier with few labels, in section 5
SAMPLES = 5000  # images behind each number

# %% tags=["fast"]
EXAMPLES, STEPS, SHORT, CODE_STEPS, EPOCHS, SAMPLES = 1000, 20, 10, 20, 1, 200

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
SHAPE, LATENT = images.shape[1:], 64


def new_generator():
    inner = networks.dcgan_generator(SHAPE, LATENT + 10, filters=(64, 32))
    return conditioning.conditional_generator(inner, num_classes=10)


print("G takes", new_generator().input_shape)

# %% tags=["test"]
generator = new_generator()
z, y = keras.random.normal((4, LATENT), seed=0), np.array([3, 3, 7, 0], "int32")
one_hot = ops.one_hot(y, 10)
joined = ops.concatenate([z, one_hot], axis=1)
inner = generator.layers[-1]
np.testing.assert_allclose(generator([z, ops.convert_to_tensor(y)]), inner(joined), rtol=1e-5)

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

# %%
def players(way="projection", labelled_maps=10):
    maps = labelled_maps if way == "maps" else 0
    discriminator = networks.dcgan_discriminator((*SHAPE[:2], SHAPE[2] + maps), filters=(32, 64))
    wrap = {
        "projection": conditioning.projection_discriminator,
        "maps": conditioning.conditional_discriminator,
        "classifier": conditioning.with_head,
    }[way]
    return new_generator(), wrap(discriminator, 10)


# %%
def train(gan, data, steps, d_rate=5e-4, g_rate=5e-4):
    for player, rate in {"generator": g_rate, "discriminator": d_rate}.items():
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
        average = {"use_ema": True, "ema_momentum": 0.999} if player == "generator" else {}
        ...
