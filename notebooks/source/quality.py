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
# # {{number}} How good is it?
#
# **You learn to read the numbers that say how good generated images are. Then you fool each of them.**
#
# ![A score of generated images. Real samples x and fakes G(z) go through one network, a classifier whose weights stay
# as they are. It turns each image into features, a short vector. A score compares the features of the real samples
# with those of the fakes. No gradient flows: a score changes no weights.](../docs/diagrams/quality.svg)
#
# The diagram has no dashed arrow. In a GAN, $D$ judges the fakes, and $D$ changes all the time. A score needs a judge
# that stays the same.

# %% [markdown]
# ## Before you start
#
# **What you need.** Lesson {{lesson:mlp_gan}}.
#
# **Mathematics.** Mean, variance, logarithm. The probability $p(y|x)$ of a class $y$ for an image $x$. The covariance
# matrix $\Sigma$ of vectors, with the variances of their entries on its diagonal; its trace $\mathrm{tr}\,\Sigma$,
# the sum of the diagonal. The length $|v|$ of a vector.
#
# **Time.** {{time}}, with the exercises.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # fewer messages

from dataclasses import replace

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from IPython.display import display
from keras import ops
from scipy import linalg

import gan_lessons as gl


def show(figure, text):
    """Shows a figure, with a text for those who cannot see it."""
    display(figure, metadata={"image/png": {"alt": text}})
    plt.close("all")


# %% tags=["parameters"]
N = 5000  # images on each side of a score
EXAMPLES = None  # for the training: all of MNIST
EPOCHS = 6
KEPT = (1, 2, 4, 6)  # the epochs whose players are kept
TURNS = 25  # of each player, one at a time
SIZES = (250, 500, 1000, 2000, 5000)
STEPS = 150  # of the pictures made from noise
SEEDS = (0, 1, 2)

# %% tags=["fast"]
N = 200
EXAMPLES = 600
EPOCHS = 2
KEPT = (1, 2)
TURNS = 3
SIZES = (100, 200)
STEPS = 10
SEEDS = (0,)

# %%
images, labels, info = gl.data.arrays("mnist", examples=EXAMPLES)
reference = images[:N]  # what every score of this lesson compares with
others, other_labels = images[N : 2 * N], labels[N : 2 * N]  # other real images
print(f"{info.title}: {len(images)} images. {N} to compare with, {N} others.")

# %% [markdown]
# ## 1. Can you tell from the losses?
#
# Train the GAN of lesson {{lesson:mlp_gan}} for a few epochs. Record the losses, and keep a copy of both players at the
# end of some epochs.

# %%
recipe = replace(gl.recipes.MLP_GAN, average=None)  # G as it plays, without an average of its weights
gan = recipe.build((28, 28, 1), seed=5)
latents = gan.sample_latents(500, seed=0)


def g_loss(generator, discriminator):
    """Returns the mean of −log σ(D(G(z)))."""
    return float(ops.mean(ops.softplus(-discriminator(generator(latents)))))


def copied(player):
    copy = keras.models.clone_model(player)
    copy.set_weights(player.get_weights())
    return copy


# %%
kept = {}


class Keep(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in KEPT:
            kept[epoch + 1] = copied(gan.generator), copied(gan.discriminator)


history = gan.fit(images, batch_size=recipe.batch_size, epochs=EPOCHS, verbose=0, callbacks=[Keep()]).history

# %%
epochs = np.arange(1, EPOCHS + 1)
figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
ax.plot(epochs, history["d_loss"], "o-", color=gl.plotting.COLOURS["discriminator"], label="D's loss")
ax.plot(epochs, history["g_loss"], "o-", color=gl.plotting.COLOURS["generator"], label="G's loss")
ax.set(title=f"{info.title}: the losses that fit logs", xlabel="epoch", ylim=(0, None))
ax.legend(loc="lower right")
show(figure, "Both losses over the epochs, two nearly level lines between 1 and 1.5.")

# %% [markdown]
# **Predict.** From these curves alone: how much better are the images of the last epoch than those of the first?

# %%
rows = {f"epoch {epoch}": np.asarray(kept[epoch][0](latents[:12])) for epoch in KEPT}
figure = gl.plotting.image_rows(rows, title=f"The generator of each epoch, the same latents ({info.title})")
show(
    figure, "Twelve images of the generator after each kept epoch: grey noise at first, digits with specks at the end."
)

# %% [markdown]
# In this run the losses hardly move, and noise becomes digits. How? The opponent changes too. Let each generator play
# against each discriminator, without learning:

# %%
table = np.array([[g_loss(kept[g][0], kept[d][1]) for d in KEPT] for g in KEPT])
print("G's loss      against D of epoch" + "".join(f"{epoch:7}" for epoch in KEPT) + "    logged")
for epoch, row in zip(KEPT, table):
    against = "".join(f"{loss:7.2f}" for loss in row)
    print(f"G of epoch {epoch}" + " " * 20 + against + f"{history['g_loss'][epoch - 1]:10.2f}")

# %% tags=["test"]
if N == 5000 and not info.is_stand_in:
    assert np.ptp(history["d_loss"]) < 0.6 and np.ptp(history["g_loss"]) < 0.6
    assert np.ptp(table[-1]) > 0.3  # the same images, other opponents
    assert table[0, -1] > table[-1, -1] + 0.15  # the same opponent
# %% [markdown]
# - **Along a row**: always the same images, and a different loss against each opponent. A loss depends on both players.
#   So a level loss says nothing about the images, and you cannot compare the losses of two trainings.
# - **Down the last column**: one opponent for all. Now the first generator does worst.
# - **The diagonal** holds the pairs that trained together. Why is it not what `fit` logs? Let the two take a few more
#   turns, one at a time, and measure $G$'s loss after each turn:

# %%
after_d, after_g = [], []
for batch in images[: TURNS * 128].reshape(TURNS, 128, 28, 28, 1):
    gan.discriminators_turn(batch, gan.generator(gan.draw_latents(128)))
    after_d.append(g_loss(gan.generator, gan.discriminator))
    gan.generators_turn(batch)
    after_g.append(g_loss(gan.generator, gan.discriminator))

# %%
turns, colours = np.arange(1, TURNS + 1), gl.plotting.COLOURS
figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
ax.plot(np.arange(2, 2 * TURNS + 2) / 2, np.ravel([after_d, after_g], "F"), color="lightgrey", zorder=1)
ax.plot(turns, after_d, "o", color=colours["discriminator"], label="after D's turn")
ax.plot(turns + 0.5, after_g, "o", color=colours["generator"], label="after G's turn")
ax.axhline(history["g_loss"][-1], color="black", linestyle=":", label="logged for the last epoch")
ax.set(title="G's loss, turn by turn", xlabel="turn", ylim=(0, 1.35 * max(after_d)))
ax.legend(ncols=3, loc="upper center")
show(figure, "A zigzag: D's turns raise G's loss to about the logged line, and G's turns lower it.")

# %% tags=["test"]
if N == 5000 and not info.is_stand_in:
    assert np.mean(np.array(after_d) > np.array(after_g)) > 0.75
    assert abs(np.mean(after_d) - history["g_loss"][-1]) < abs(np.mean(after_g) - history["g_loss"][-1])

# %% [markdown]
# $D$'s turn raises $G$'s loss, and $G$'s turn lowers it. `fit` logs $G$'s loss between the two turns, as the mean of an
# epoch. A kept pair stands after $G$'s turn, at one moment.
#
# ## 2. A judge that stays the same
#
# A **classifier** of real images can be the judge (Salimans et al., 2016). For each image it outputs $p(y|x)$, ten
# probabilities. You want two things of a set of images:
#
# - Each is clearly one digit: $p(y|x)$ is **sharp**.
# - Together they are all digits: the mean over the images, $p(y)$, is **broad**.
#
# The **Kullback–Leibler divergence** $\mathrm{KL}(p \| q) = \sum_y p(y) \log \frac{p(y)}{q(y)}$ measures how far $p$
# is from $q$. It is 0 where the two are equal. The **classifier score** is
#
# $$\exp\Bigl(\text{mean over the images of } \mathrm{KL}\bigl(p(y|x) \,\|\, p(y)\bigr)\Bigr).$$
#
# It lies between 1 and the number of classes. With the classifier InceptionV3 it is called the Inception score.


# %%
def classifier_score(probabilities):  # (images, classes)
    p_y = probabilities.mean(axis=0)
    divergences = np.sum(probabilities * np.log((probabilities + 1e-12) / p_y), axis=1)  # 1e-12: no log of 0
    return np.exp(divergences.mean())


# %% tags=["test"]
some = np.random.default_rng(0).dirichlet(np.full(10, 0.3), size=500)
metric = gl.metrics.InceptionScore(splits=1)
metric.update_state(some)
np.testing.assert_allclose(classifier_score(some), metric.result(), rtol=1e-5)

# %% [markdown]
# ### Exercise 1 · Three scores by hand
#
# There are ten classes. Give the score, to two decimals.
#
# - (a) For each of 1,000 images the classifier outputs ⅒ for every digit.
# - (b) The set has ten pictures, one of each digit, 100 times each. The classifier is certain of each.
# - (c) The classifier is certain of each image. Half are threes, a quarter fives, a quarter eights.

# %%
scores_by_hand = {"a": ..., "b": ..., "c": ...}
gl.checks.quality.classifier_scores(scores_by_hand)

# %% [markdown]
# Now make ten pictures *for* the score. Start from noise, and change the pixels so that the classifier becomes
# certain: the loss is $-\log p(y|x)$, with another digit $y$ for each picture.
#
# **Predict.** Does the result look like digits? Is its score above or below that of real digits?

# %%
classifier = keras.models.load_model(gl.data.bundled("mnist_features.keras"), compile=False)


def dream(steps):
    """Returns ten pictures made from noise, one for each digit."""
    pixels = keras.Variable(np.random.default_rng(0).uniform(-1, 1, (10, 28, 28, 1)))
    optimizer = keras.optimizers.Adam(0.05)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            outputs = classifier(ops.convert_to_tensor(pixels))
            loss = ops.sum(keras.losses.sparse_categorical_crossentropy(np.arange(10), outputs))
        optimizer.apply([tape.gradient(loss, pixels.value)], [pixels])
        pixels.assign(ops.clip(pixels, -1, 1))
    return pixels.numpy()


# %%
shipped = keras.models.load_model(gl.data.bundled("digits_generator.keras"), compile=False)


def generate(seed, factor=1.0):
    """Returns N images of the generator that comes with the course."""
    z = np.random.default_rng(seed).normal(size=(N, 100)).astype("float32")
    return shipped.predict(factor * z, batch_size=500, verbose=0).astype("float32")


network = gl.features.mnist()  # the same classifier; both() returns its features too
generated, nothing = generate(seed=0), dream(STEPS)
for name, made in {"real images": others, "the course's generator": generated, "from noise": nothing}.items():
    print(f"{name:24} {classifier_score(network.both(made)[1]):5.2f}")

# %%
surest = generated[network.both(generated)[1].argmax(axis=0)]  # for each digit the image with the highest p(y|x)
figure = gl.plotting.image_rows({"from noise": nothing, "generated": surest}, title="Read by the classifier as 0 to 9")
show(figure, "Above, ten pictures of stripes and dots, no digit among them. Below, ten digits from 0 to 9.")

# %% tags=["test"]
if N == 5000:
    assert classifier_score(network.both(nothing)[1]) > classifier_score(network.both(others)[1])

# %% [markdown]
# The pictures from noise have the highest score, above real digits. Why? **No real image stands in the formula.** It
# measures whether the classifier is sure, and not whether an image is like real ones. A score above that of real images
# means "easier to classify", not "better".
#
# ## 3. Compare with real images
#
# How much work is it to move one cloud of points onto another? A **plan** says where each point goes. Square the
# length of each way: their mean is the plan's cost, and the best plan has the lowest. On a line, between two normal
# distributions, it shifts and stretches, and its cost is
#
# $$(\mu_a - \mu_b)^2 + (\sigma_a - \sigma_b)^2.$$
#
# **Predict.** Two clouds in the plane have the same mean. Along each axis alone they have the same variance, too; but
# one rises to the right and the other falls. Is the cost 0?

# %%
rising, falling = np.array([[2.0, 1.2], [1.2, 1.0]]), np.array([[2.0, -1.2], [-1.2, 1.0]])  # covariance matrices
root = linalg.sqrtm(rising).real
plan = np.linalg.inv(root) @ linalg.sqrtm(root @ falling @ root).real @ np.linalg.inv(root)  # the best plan: x ↦ plan x
start = np.random.default_rng(0).normal(size=(1000, 2)) @ root
end = start @ plan
print(f"mean square of the way: {np.mean(np.sum((start - end) ** 2, axis=1)):.2f}")

# %%
tails = np.linspace(-4, 4, 15)[:, None] * np.linalg.eigh(rising)[1][:, 1]  # fifteen points along the rising cloud
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.scatter(*start.T, s=5, alpha=0.25, color=gl.plotting.COLOURS["real"], label="before: rising")
ax.scatter(*end.T, s=5, alpha=0.25, color=gl.plotting.COLOURS["generated"], label="after: falling")
ways = (tails @ plan - tails).T
ax.quiver(*tails.T, *ways, angles="xy", scale_units="xy", scale=1, width=0.005, color="black")
ax.set(title="The best plan, for fifteen points", aspect="equal", xlim=(-5, 8), ylim=(-4, 4))
ax.legend(loc="center right")
show(figure, "A cloud that rises to the right, one that falls, and fifteen arrows from the first to the second.")

# %% [markdown]
# It is not. In several dimensions variances become covariance matrices, and the cost is the **Fréchet distance**
# (Dowson and Landau, 1982):
#
# $$|\mu_a - \mu_b|^2 + \mathrm{tr}\bigl(\Sigma_a + \Sigma_b - 2\,(\Sigma_a \Sigma_b)^{1/2}\bigr)$$
#
# The root of a matrix $M$ is the matrix whose product with itself is $M$; `linalg.sqrtm(M).real` computes it.
#
# ### Exercise 2 · The Fréchet distance
#
# `real` has shape $(n, d)$, a vector in each row; `made` has shape $(m, d)$. Write their distance.
# `np.cov(real, rowvar=False)` is the covariance matrix.


# %%
def frechet_distance(real, made):
    return ...


gl.checks.quality.frechet_distance(frechet_distance)

# %% [markdown]
# From here on the lesson measures with *your* function. (`working` returns it if it is right, and the course's
# otherwise.)

# %%
distance = gl.checks.quality.frechet_distance.working(frechet_distance)

# %% [markdown]
# Images are vectors of pixels, but pixels measure likeness badly: a digit and the same digit one pixel to the right
# are far apart. So use the classifier again. The layer before its last one outputs 64 numbers for an image, its
# **features**. With the 2048 features of InceptionV3 the distance is called **FID**.


# %%
def features(images):
    return network(images).astype("float64")


real, real_2, fake = features(reference), features(others), features(generated)
impostors = np.random.default_rng(0).multivariate_normal(real.mean(axis=0), np.cov(real.T), N)
compared = {"the course's generator": fake, "other real images": real_2, "no images: a Gaussian": impostors}
for name, made in compared.items():
    print(f"{name:24} {distance(real, made):6.3f}   negative features: {np.mean(made < 0):.0%}")

# %% tags=["test"]
moments = real.mean(axis=0), np.cov(real.T), fake.mean(axis=0), np.cov(fake.T)
np.testing.assert_allclose(distance(real, fake), gl.metrics.frechet(*moments), rtol=1e-3)
assert real.min() >= 0 > impostors.min()
if N == 5000 and not info.is_stand_in:
    assert distance(real, impostors) < distance(real, real_2) < 0.2 * distance(real, fake)

# %% [markdown]
# - The **generator's** number means little alone.
# - **Other real images** have a distance as well, the **floor**. A perfect generator has about this distance. Read
#   every score beside its floor.
# - The **Gaussian** fools the distance. Its vectors have the mean and the covariance of the real features, and no image
#   behind them: an image has no negative features here, since they come out of a ReLU. The Fréchet distance compares
#   mean and covariance, and nothing else. (It is even below the floor, as the mean and covariance come from the very
#   images that you compare with.)
#
# ## 4. Does the number of images matter?
#
# Cut the features into parts of $n$ images, and measure each part. The generator is the same, and so are its images.
#
# **Predict.** Is the mean of the distances of small parts lower, higher or equal?


# %%
def mean_over_parts(made, n):
    parts = [slice(start, start + n) for start in range(0, N - n + 1, n)]
    return np.mean([distance(real[part], made[part]) for part in parts])


curves = {
    "the course's generator": [mean_over_parts(fake, n) for n in SIZES],
    "other real images": [mean_over_parts(real_2, n) for n in SIZES],
}

# %%
figure, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
for (name, means), colour in zip(curves.items(), ("generated", "real")):
    ax.plot(SIZES, means, "o-", color=gl.plotting.COLOURS[colour], label=name)
    print(f"{name:24}", *(f"{mean:7.3f}" for mean in means))
ax.set(xscale="log", xlabel="n", ylabel="Fréchet distance", ylim=(0, None), title=f"{info.title}, MNIST features")
ax.set_xticks(SIZES, labels=map(str, SIZES))
ax.minorticks_off()
ax.legend()
show(figure, "Both distances fall as n grows, the generator's and that of real images by about as much.")

# %% tags=["test"]
for means in curves.values():
    assert np.all(np.diff(means) < 0)

# %% [markdown]
# The score of one generator improves when you count more of its images. The mean and covariance of a sample miss
# those of the whole by a little. Squares turn each miss, in whatever direction, into a positive number. The mean square
# of a miss is proportional to $1/n$, and so
#
# $$\text{measured} \approx a + \frac{b}{n},$$
#
# where $a$ is the distance with infinitely many images, and $b/n$ is the **bias**. **A Fréchet distance without its $n$
# means nothing.**
#
# ### Exercise 3 · Take the bias out
#
# A paper reports a distance of 14 with $n = 1{,}000$ and, for the same generator, 10 with $n = 5{,}000$. What is it
# with infinitely many images? What would you measure with 10,000?

# %%
corrected = {"infinitely many": ..., "ten thousand": ...}
gl.checks.quality.without_bias(corrected)

# %% [markdown]
# The same for the two curves: a straight line in $1/n$ (Chong and Forsyth, 2020).

# %%
large = np.array([n for n in SIZES if n >= 500 or N < 500])  # for small n, terms in 1/n² show too
limits = {}
for name, means in curves.items():
    b, a = np.polyfit(1 / large, means[-len(large) :], deg=1)  # measured ≈ a + b/n
    limits[name] = a
    print(f"{name:24} n = {SIZES[-1]}: {means[-1]:.3f}   infinitely many: {a:.3f}")

# %% tags=["test"]
if N == 5000 and not info.is_stand_in:
    assert abs(limits["other real images"]) < 0.03 < limits["the course's generator"]

# %% [markdown]
# For real images the line ends near 0, as it should: nearly all of their distance is bias. So a floor is not one number,
# either.
#
# **Predict.** What changes a floor, besides $n$?

# %%
test_images = gl.data.arrays("mnist", "test", examples=EXAMPLES)[0]
samples = {
    "the others": others,
    "more training images": images[2 * N : 3 * N],
    "the test set's first": test_images[:N],
    "the test set's last": test_images[-N:],
}
floors = {}
half = N // 2
print(f"the floor from {'n = ' + str(half):>24} {'n = ' + str(N):>9}")
for name, made in samples.items():
    found = features(made)
    floors[name] = distance(real[:half], found[:half]), distance(real, found)
    print(f"{name:28}" + "".join(f"{floor:10.3f}" for floor in floors[name]))

# %% tags=["test"]
assert all(few > many for few, many in floors.values())
if N == 5000 and not info.is_stand_in:
    all_floors = {name: many for name, (_, many) in floors.items()}
    assert max(all_floors, key=all_floors.get) == "the test set's last"
    assert all_floors["the test set's last"] > 1.15 * all_floors["the others"]

# %% [markdown]
# - **n.** With half of the images, the floor is about twice as high.
# - **Chance.** Two parts of the training set do not have the same floor. Smaller differences between scores mean
#   nothing.
# - **The split**, the part of a set that the images come from. Other people wrote the test digits of MNIST, and the
#   last 5,000 are known as the harder ones. Their floor is the highest at n = 5,000, by hardly more than chance.
# - **The features.** In the features of another network every number is different.
#
# From here on everything has one floor: `judge` compares $n$ images with `reference`, and its floor is `others`.

# %%
scores = ("frechet_distance", "inception_score", "precision_recall")
judge = gl.scoring.Reference(reference, count=N, held_out=others, scores=scores, verbose=0)


def print_row(name, found):
    names = ("frechet_distance", "inception_score", "precision", "recall", "coverage")
    print(f"{name:28}" + "".join(f"{found[key]:11.2f}" for key in names))


HEADER = f"{'':28}    Fréchet classifier  precision     recall   coverage"

# %% [markdown]
# ## 5. Bad images, or too few kinds?
#
# One number cannot tell these two faults apart. Draw a ball around each real image, as large as the way to its $k$-th
# nearest real neighbour (all in features). Together the balls are where real images lie.
#
# - **Precision** is the share of fakes that lie in a ball of a real image: are the fakes good?
# - **Recall** is the reverse. Draw balls around the *fakes*; it is the share of real images in one of them: does $G$
#   make all kinds? (Kynkäänniemi et al., 2019)
# - **Coverage** is the share of *real* balls with a fake in them (Naeem et al., 2020).
#
# **Predict.** Forty real points lie in a cloud, one lies far off. Thirty fakes lie in between. How high is precision?

# %%
random = np.random.default_rng(0)
real_points = np.concatenate([random.normal(size=(40, 2)), [[7.0, 6.0]]])
fake_points = np.array([4.6, 4.4]) + 0.4 * random.normal(size=(30, 2))
ways = np.linalg.norm(real_points[:, None] - real_points, axis=2)
radii = np.sort(ways, axis=1)[:, 3]  # column 0 is the point itself: k = 3
inside = np.linalg.norm(fake_points[:, None] - real_points, axis=2) <= radii  # (fakes, real)
print(f"precision {inside.any(axis=1).mean():.2f}, coverage {inside.any(axis=0).mean():.2f}")

# %%
figure, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
for centre, radius in zip(real_points, radii):
    ax.add_patch(plt.Circle(centre, radius, color=gl.plotting.COLOURS["real"], alpha=0.12))
ax.scatter(*real_points.T, s=14, color=gl.plotting.COLOURS["real"], label="real, with their balls (k = 3)")
ax.scatter(*fake_points.T, s=14, color=gl.plotting.COLOURS["generated"], label="fakes")
ax.set(aspect="equal", xlim=(-5, 15), ylim=(-4, 13.5))
ax.legend(loc="lower right")
show(figure, "A cloud of real points with small balls. One point far off has a huge ball, with all fakes in it.")

# %% tags=["test"]
metric = gl.metrics.PrecisionRecall(neighbours=3, density_neighbours=3)
metric.update_real(real_points)
metric.update_state(fake_points)
four = metric.result()
assert four["precision"] == inside.any(axis=1).mean() == 1
np.testing.assert_allclose(four["coverage"], inside.any(axis=0).mean())

# %% [markdown]
# Precision is 1, thanks to the huge ball of one outlier. Coverage counts balls instead: only that one has a fake in it.
#
# ### Exercise 4 · Three numbers on a line
#
# Real points lie at 0, 1, 2 and 6; fakes at 1.5, 9 and 9.5. Take $k = 1$. A point on the rim of a ball lies in it.

# %%
on_a_line = {"precision": ..., "recall": ..., "coverage": ...}
gl.checks.quality.on_a_line(on_a_line)

# %% [markdown]
# ## 6. Fool all of them
#
# Six sets of $n$ images. The first four come from "generators" without a network; the last two are real images that
# were changed a little.
#
# **Predict.** Which set has the best Fréchet distance? Which has the best precision, and a recall of 0?


# %%
def resized(images, size):
    """Returns images scaled down to size × size pixels, and up again."""
    small = ops.image.resize(images, (size, size), antialias=True, data_format="channels_last")
    return ops.convert_to_numpy(ops.image.resize(small, (28, 28), data_format="channels_last"))


turn = np.arange(N)
without_8 = others[other_labels != 8]
sets = {
    "ten pictures from noise": nothing[turn % 10],
    "ten good pictures": surest[turn % 10],
    "copies of the reference": reference,
    "real, without the 8": without_8[turn % len(without_8)],
    "real, to 20×20 and back": resized(others, 20),
    "real, one pixel to the right": np.roll(others, 1, axis=2),
}

# %% tags=["real-images"]
shown = {"real images": others} | {name: sets[name] for name in list(sets)[-2:]}
figure = gl.plotting.image_rows({name: made[:10] for name, made in shown.items()}, title=f"Real images ({info.title})")
show(figure, "Ten real digits in three rows: as they are, softened by resizing, and one pixel to the right.")

# %%
print(HEADER)
print_row("the floor", judge.floor)
print_row("the course's generator", judge.score(generated, verbose=0).scores)
fooled = {name: judge.score(made, verbose=0).scores for name, made in sets.items()}
for name, found in fooled.items():
    print_row(name, found)
print(f"n = {N} on both sides, {info.title}, MNIST features")

# %% tags=["test"]
copies, ten = fooled["copies of the reference"], fooled["ten good pictures"]
assert copies["frechet_distance"] < 1e-2 and copies["precision"] == copies["recall"] == copies["coverage"] == 1
if N == 5000 and not info.is_stand_in:
    assert fooled["ten pictures from noise"]["inception_score"] > judge.floor["inception_score"]
    assert ten["recall"] < 0.01 and ten["precision"] > 0.75
    assert fooled["real, without the 8"]["precision"] > judge.floor["precision"] - 0.03
    assert fooled["real, to 20×20 and back"]["frechet_distance"] > 5 * distance(real, fake)
    assert fooled["real, one pixel to the right"]["frechet_distance"] < 3 * distance(real, real_2)

# %% [markdown]
# - **From noise, ten good pictures.** The two best classifier scores, above the floor's. The other columns show that
#   the first are like nothing real, and that the second lack variety. (Where an image stands many times, its ball has
#   no size. So recall is 0.)
# - **Copies.** The best value in every column that compares with real images. *None of these scores tells a generator
#   that memorised its training images from a perfect one.* Nearest neighbours do, as in lesson {{lesson:mlp_gan}}.
# - **Without the 8.** Precision stays at the floor's, since each image is a good one.
# - **To 20×20 and back.** You have to look twice to see the change, and the distance is larger than that of the
#   generator's digits. So prepare both sides in the same way, with the same resizing (Parmar et al., 2022).
# - **One pixel to the right.** Nearly every stroke moves, and hardly a score. This classifier was trained on shifted
#   digits. A score measures only what its features hold.
#
# ### Exercise 5 · Whose card is it?
#
# Four generators have one fault each: one `"copies"` the reference, one `"repeats"` twenty pictures, one `"misses"`
# half of the digits, one `"blurs"`. The next cell shuffles them. Whose card is which?

# %%
few = others[other_labels < 5]
faults = {
    "copies": reference,
    "repeats": others[turn % 20],
    "misses": few[turn % len(few)],
    "blurs": keras.layers.AveragePooling2D(3, strides=1, padding="same")(others).numpy(),
}
shuffled = np.random.default_rng(50).permutation(list(faults))
print(HEADER)
print_row("the floor", judge.floor)
for letter, fault in zip("ABCD", shuffled):
    print_row(letter, judge.score(faults[fault], verbose=0).scores)

# %%
whose = {"A": ..., "B": ..., "C": ..., "D": ...}
gl.checks.quality.whose_card(whose)

# %% tags=["test"]
assert [part.right for part in gl.checks.quality.whose_card.kind.parts.values()] == list(shuffled)

# %% [markdown]
# ## In one line
#
# `gl.score` computes these scores for a model or for images. Its card says what you need to read it: $n$, the features, the
# data and their split, the seed, the floor. It has two more rows. The kernel distance compares pairs of images, and
# its mean does not depend on $n$ (Bińkowski et al., 2018). Density counts in how many real balls a fake lies.

# %%
trained = gl.GAN(*kept[KEPT[-1]], latent_dim=100, name=f"epoch {KEPT[-1]}")
card = gl.score(trained, "mnist", count=N)

# %% [markdown]
# ## What did not work: truncation
#
# Many published pictures come from latents times a factor $\psi < 1$: near the middle, images should be more usual.
# Precision rises, recall falls (Brock et al., 2018).
#
# **Predict.** Which $\psi$ gives this generator its lowest Fréchet distance?


# %%
def measured(made):
    """Returns the Fréchet distance, its part of the means, precision, recall, and the share of grey pixels."""
    means = np.sum((real.mean(axis=0) - features(made).mean(axis=0)) ** 2)
    found = judge.score(made, verbose=0).scores
    return found["frechet_distance"], means, found["precision"], found["recall"], np.mean(np.abs(made) < 0.5)


def print_means(name, found):
    total, means, precision, recall, grey = np.mean(found, axis=0)
    print(f"{name:10} {total:.3f} = {means:.3f} + {total - means:.3f}", end="")
    print(f"{precision:14.2f} {recall:9.2f} {grey:11.1%}")


print(f"{'':10} Fréchet = means + rest     precision    recall    grey pixels")
truncated = {}
for factor in (0.6, 0.8, 1.0, 1.2):
    truncated[factor] = np.array([measured(generate(seed, factor)) for seed in SEEDS])
    print_means(f"ψ = {factor}", truncated[factor])

# %% [markdown]
# - **$\psi < 1$ lowers both**, precision and recall. The latents of the training have lengths of about 10, and $G$ did
#   not learn what to make of shorter ones (lesson {{lesson:start_here}}).
# - **$\psi = 1.2$ beats $\psi = 1$**, on each of the seeds. The table splits the distance into its two terms, and the
#   gain lies in the first: the mean feature moves nearer to that of real images.
#
# What moves it? Longer latents give harder strokes, with fewer grey pixels. So take the images of $\psi = 1$, and
# change nothing but their contrast:


# %%
def harder(made):
    return np.tanh(1.2 * np.arctanh(np.clip(made, -0.9999, 0.9999)))  # as if the numbers before G's tanh were 1.2 times


contrast = np.array([measured(harder(generate(seed))) for seed in SEEDS])
print_means("contrast", contrast)

# %% tags=["test"]
if N == 5000 and not info.is_stand_in:
    gain = truncated[1.0] - truncated[1.2]
    assert np.all(gain[:, :2] > 0)  # for each seed
    assert np.all(np.abs(gain[:, 0] - gain[:, 1]) < 0.03)  # the rest hardly changes
    assert np.all(truncated[0.6][:, 2:4] < truncated[1.0][:, 2:4])
    assert np.all(contrast[:, 1] < truncated[1.2][:, 1])

# %% [markdown]
# Contrast alone gains more than $\psi = 1.2$ does. So this $\psi$ does not make better *digits*; it makes harder
# strokes. Why these features prefer them, we do not know. $G$'s images have about as many grey pixels as real ones
# before the change, and fewer after it.

# %%
gl.checks.report("quality")

# %% [markdown]
# ## Recap
#
# - A loss depends on both players. It may stay level from noise to digits.
# - The classifier score measures whether a classifier is sure. It compares with no real image.
# - The Fréchet distance compares means and covariances of features, and has a bias of about $b/n$.
# - Precision measures whether the fakes are good, recall and coverage whether all kinds are there. Copies pass all.
# - Report with each score $n$, features, data, split, seed and the floor.
#
# **References**
#
# - Salimans et al., *Improved Techniques for Training GANs*, 2016,
#   [arXiv:1606.03498](https://arxiv.org/abs/1606.03498): the Inception score.
# - Barratt and Sharma, *A Note on the Inception Score*, 2018, [arXiv:1801.01973](https://arxiv.org/abs/1801.01973).
# - Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, 2017,
#   [arXiv:1706.08500](https://arxiv.org/abs/1706.08500): the FID.
# - Dowson and Landau, *The Fréchet Distance between Multivariate Normal Distributions*, 1982.
# - Bińkowski et al., *Demystifying MMD GANs*, 2018, [arXiv:1801.01401](https://arxiv.org/abs/1801.01401): the kernel
#   distance.
# - Chong and Forsyth, *Effectively Unbiased FID and Inception Score and Where to Find Them*, 2020,
#   [arXiv:1911.07023](https://arxiv.org/abs/1911.07023).
# - Kynkäänniemi et al., *Improved Precision and Recall Metric for Assessing Generative Models*, 2019,
#   [arXiv:1904.06991](https://arxiv.org/abs/1904.06991).
# - Naeem et al., *Reliable Fidelity and Diversity Metrics for Generative Models*, 2020,
#   [arXiv:2002.09797](https://arxiv.org/abs/2002.09797): coverage and density.
# - Parmar et al., *On Aliased Resizing and Surprising Subtleties in GAN Evaluation*, 2022,
#   [arXiv:2104.11222](https://arxiv.org/abs/2104.11222).
# - Brock et al., *Large Scale GAN Training for High Fidelity Natural Image Synthesis*, 2018,
#   [arXiv:1809.11096](https://arxiv.org/abs/1809.11096): truncation.
#
# Next: {{next}}
