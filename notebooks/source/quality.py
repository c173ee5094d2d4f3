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
# The losses of a GAN do not tell how good its images are, and one's own eyes are kind to what one has waited for. This
# lesson is about the numbers that take their place: what they measure, how each of them can be fooled, and what has to
# stand beside one before it means anything.
#
# **Afterwards you can**
# - show why a loss may stay the same while noise becomes digits;
# - compute the Inception score and the Fréchet distance (FID) by hand, and write the second in NumPy;
# - say how much of a distance comes only of the number of images, and take it out;
# - fool every one of the scores, and so say what each of them does not see;
# - read precision against recall, and density and coverage;
# - score any generator so that the number can be read by somebody else.
#
# **You need** lesson {{lesson:mlp_gan}}. The table at the end scores the GANs that {{lesson:mlp_gan}},
# {{lesson:dcgan}} and {{lesson:wgan}} have saved on your machine; where one is missing, something else takes its place,
# and its row says what.
#
# **Time** on two cores, without a GPU: about five minutes of computing; reading and exercises an hour. Previous:
# {{previous}}

# %%
import io
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow is talkative when it starts

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import ops
from PIL import Image
from scipy import linalg, stats
from scipy.special import expit as sigmoid
from scipy.special import rel_entr

import gan_lessons as gl

FAST = os.environ.get("GAN_LESSONS_FAST") == "1"  # the tests run every lesson with few images and few steps
keras.utils.set_random_seed(5)

images, labels, info = gl.data.arrays("mnist", examples=600 if FAST else None)
COUNT = min(300 if FAST else 10_000, len(images) // 2)  # n of most scores
reference = images[:COUNT]  # what everything is compared with
others, other_labels = images[COUNT : 2 * COUNT], labels[COUNT : 2 * COUNT]  # as many real images again
print(f"{info.title}, train: {len(images)} images; {COUNT} to compare with, {COUNT} others")

# %% [markdown]
# ## 1. What the losses say, and what they do not
#
# A GAN as in lesson {{lesson:mlp_gan}}, a little smaller, is trained for some epochs. Beside the losses two things
# are kept: after each epoch `ScoreMonitor` scores the generator, and at some epochs we keep the weights of both
# players. What the score is, the sections after this one say; for now it is enough that it compares generated images
# with real ones, and that lower is better.

# %%
EPOCHS, KEPT = (2, (1, 2)) if FAST else (8, (1, 2, 4, 8))
keras.utils.set_random_seed(5)
gan = gl.GAN(
    generator=gl.networks.mlp_generator((28, 28, 1), latent_dim=100, units=(256, 512)),
    discriminator=gl.networks.mlp_discriminator((28, 28, 1), units=(256, 128)),
    latent_dim=100,
)
gan.compile(
    generator_optimizer=keras.optimizers.Adam(8e-4, beta_1=0.5),
    discriminator_optimizer=keras.optimizers.Adam(8e-4, beta_1=0.5),
    run_eagerly=FAST,  # few steps are sooner taken than compiled
)
snapshots = {}  # epoch: the weights of G, the weights of D


class Keep(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in KEPT:
            snapshots[epoch + 1] = self.model.generator.get_weights(), self.model.discriminator.get_weights()


monitored = gl.scoring.Reference("mnist", count=60 if FAST else 2_000, scores=["frechet_distance"], verbose=0)
monitor = gl.callbacks.ScoreMonitor(monitored, verbose=0)
history = gan.fit(images, batch_size=128, epochs=EPOCHS, verbose=0, callbacks=[Keep(), monitor]).history

# %% [markdown]
# Here is what one usually has: the losses, and what $D$ answers. The dotted lines are the equilibrium of lesson
# {{lesson:minimax_game}}, where $D$ cannot tell: $2 \log 2$, $\log 2$ and ½. **From these curves alone: how much
# better are the images of the last epoch than those of the first?** Decide before you read on.

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
epochs, colours = np.arange(1, EPOCHS + 1), gl.plotting.COLOURS
for key, words, colour in (("d_loss", "D's loss", "discriminator"), ("g_loss", "G's loss", "generator")):
    axes[0].plot(epochs, history[key], "o-", color=colours[colour], label=words)
for key, words, colour in (("d_real", "on real images", "real"), ("d_fake", "on generated ones", "generated")):
    axes[1].plot(epochs, history[key], "o-", color=colours[colour], label=words)
for level in (np.log(2), 2 * np.log(2)):
    axes[0].axhline(level, color="black", linestyle=":", linewidth=1)
axes[1].axhline(0.5, color="black", linestyle=":", linewidth=1)
axes[0].set(title=f"{info.title}: the losses", xlabel="epoch", ylim=(0, None))
axes[1].set(title=f"{info.title}: D's mean answers", xlabel="epoch", ylim=(0, 1))
for ax in axes:
    ax.legend(fontsize=8)
plt.show()

# %%
data = f"{monitored.title}, {monitored.split}"
print(f"Fréchet distance, {monitored.extractor.title}, n = {monitored.count}, {data}, seed 0")
print("           D's loss   G's loss   distance")
for epoch in KEPT:
    at = {key: values[epoch - 1] for key, values in history.items()}
    print(f"epoch {epoch:2} {at['d_loss']:10.3f} {at['g_loss']:10.3f} {at['frechet_distance']:10.2f}")
print(f"the floor, real images of the test set in place of generated ones: {monitored.floor['frechet_distance']:.2f}")
if not FAST and not info.is_stand_in:
    assert np.ptp(history["d_loss"]) < 0.4
    assert history["frechet_distance"][0] > 4 * history["frechet_distance"][-1]

rows, trained = {}, {}
for epoch in KEPT:
    trained[epoch] = gl.GAN(keras.models.clone_model(gan.generator), gan.discriminator, latent_dim=100)
    trained[epoch].generator.set_weights(snapshots[epoch][0])
    rows[f"epoch {epoch}"] = trained[epoch].generate(12, seed=1)
gl.plotting.image_rows(rows, title=f"The MLP GAN on {info.title}, the same latents")

# %% [markdown]
# The losses hardly move, and the images become digits. How can that be? Because the opponent has moved as well. We have
# the players of several epochs: let each generator play against each discriminator, with nothing learnt. In the table a
# row is a generator, a column a discriminator; what a training logs is the diagonal.


# %%
def play(generator_epoch, discriminator_epoch):
    """G's loss, for G of one epoch against D of another."""
    gan.generator.set_weights(snapshots[generator_epoch][0])
    gan.discriminator.set_weights(snapshots[discriminator_epoch][1])
    return gan.evaluate(images[:COUNT], batch_size=500, verbose=0, return_dict=True)["g_loss"]


losses = np.array([[play(g, d) for d in KEPT] for g in KEPT])
print("G's loss        against D of epoch" + "".join(f"{epoch:8}" for epoch in KEPT))
for epoch, against in zip(KEPT, losses, strict=True):
    print(f"G of epoch {epoch:2}{'':21}" + "".join(f"{loss:8.2f}" for loss in against))
if not FAST and not info.is_stand_in:
    assert np.ptp(losses[-1]) > 0.1  # the same images
    assert losses[0, -1] > losses[-1, -1] + 0.2  # the same discriminator

# %% [markdown]
# Read along the last row: always the same images, and against each discriminator another loss. **A loss is measured
# against the opponent, and tells of both of them.** From one number of the diagonal to the next both have changed. So a
# loss that stays where it is says nothing about the images, and two trainings, each with a discriminator of its own,
# cannot be compared by their losses at all. Now read down the last column: against *one and the same* discriminator the
# first generator does worse than the last. What is needed is a judge that stays the same.
#
# ## 2. The classifier score
#
# The first such judge is a classifier of real images (Salimans et al. 2016). It answers $p(y|x)$, a probability for
# each class $y$. Two things are wanted of generated images:
#
# - each is clearly *something*: $p(y|x)$ is sharp;
# - together they are *everything*: the mean over the images, $p(y) = \mathbb E_x\, p(y|x)$, is broad.
#
# Sharp beside broad is a large distance between the two, and the score is
#
# $$ \exp\left( \mathbb{E}_x\, \mathrm{KL}\big( p(y|x) \,\|\, p(y) \big) \right),
#    \qquad \mathrm{KL}(p \| q) = \sum_y p(y) \log \frac{p(y)}{q(y)}. $$
#
# Write KL out and the exponent is $H[p(y)] - \mathbb{E}_x H[p(y|x)]$, an entropy less a mean entropy. Both lie between
# 0 and $\log K$ for $K$ classes, so the score lies between 1 and $K$. With the classifier InceptionV3 it is called the
# **Inception score**. It is one line of NumPy:


# %%
def inception_score(probabilities):
    """exp(E KL(p(y|x) ‖ p(y))) of probabilities (n, classes)."""
    p_y = probabilities.mean(axis=0)
    return np.exp(rel_entr(probabilities, p_y).sum(axis=1).mean())  # rel_entr(p, q) = p log(p / q), 0 where p is 0


def entropy(p):
    return -np.sum(p * np.log(p), axis=-1)


random = np.random.default_rng(0)
some = random.dirichlet(np.full(10, 0.3), size=2_000)  # 2,000 made-up answers for ten classes
by_entropies = np.exp(entropy(some.mean(axis=0)) - entropy(some).mean())
metric = gl.metrics.InceptionScore(splits=1)
metric.update_state(some)
print(f"the formula {inception_score(some):.6f}, by entropies {by_entropies:.6f}, the package {metric.result():.6f}")
assert np.allclose([by_entropies, metric.result()], inception_score(some))

# %% [markdown]
# (Published scores cut the images into ten parts and give mean and standard deviation over these: `splits=10`.)
#
# **Exercise 1.** Ten classes. What is the score, to two decimals? By hand; where you need a calculator, `np.exp` and
# `np.log`.
#
# - (a) 1,000 images of the same digit, and the classifier is certain of each
# - (b) ten images, one of each digit, and it is certain of each
# - (c) 1,000 images, and it answers 1/10 for every digit, for each of them
# - (d) it is certain of each image; half of them are 4, half are 9
# - (e) it is certain of each image; half are 3, a quarter 5, a quarter 8

# %%
scores_by_hand = {"a": ..., "b": ..., "c": ..., "d": ..., "e": ...}
gl.checks.quality.classifier_scores(scores_by_hand)

# %% [markdown]
# ### On a line, where all of it can be computed
#
# Let an "image" be a number. There are two classes, with real images from $N(-1, 1)$ and $N(+1, 1)$, half of each. The
# best classifier there can be is known, $p(\text{right} \,|\, x) = \sigma(2x)$. Take a generator that makes half of its
# "images" from $N(-m, 1)$ and half from $N(+m, 1)$. At $m = 1$ it is perfect.
#
# In the right picture look for the real data, and for the best score.

# %%
x = np.linspace(-12, 12, 4801)


def score_on_the_line(density):
    """The classifier score of a density at the points x, by integrals."""
    right = sigmoid(2 * x)
    p_y = np.trapezoid(density * right, x)  # p(right)
    divergence = rel_entr(right, p_y) + rel_entr(1 - right, 1 - p_y)
    return np.exp(np.trapezoid(density * divergence, x))


def two_bumps(m):
    return (stats.norm.pdf(x, -m, 1) + stats.norm.pdf(x, m, 1)) / 2


distances = np.linspace(0, 6, 61)
scores = [score_on_the_line(two_bumps(m)) for m in distances]

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
for m, colour, words in ((1, "real", "real, m = 1"), (4, "generated", "generated, m = 4")):
    left.fill_between(x, two_bumps(m), alpha=0.4, color=gl.plotting.COLOURS[colour], label=words)
left.plot(x, sigmoid(2 * x) / 5, color="black", linewidth=1, label="p(right | x), a fifth of it")
left.set(title="Two classes on a line", xlabel="x", ylabel="density", xlim=(-8, 8))
left.legend(fontsize=8)
right.plot(distances, scores, color="black")
right.plot(1, score_on_the_line(two_bumps(1)), "o", color=gl.plotting.COLOURS["real"], label="the real data")
right.set(title="Classifier score of the generator", xlabel="m", ylabel="score, at most 2")
right.legend()
plt.show()

# %%
at = {m: score_on_the_line(two_bumps(m)) for m in (1, 4)}
print("by integrals:", ", ".join(f"m = {m}: {score:.4f}" for m, score in at.items()))
assert np.all(np.diff(scores) > 0), "the farther from the middle, the higher"
assert np.isclose(scores[0], score_on_the_line(stats.norm.pdf(x))) and scores[-1] > 1.99

# From samples, as one has them: the package's metric against the integral.
for m, integral in at.items():
    points = random.choice([-m, m], 20_000) + random.normal(size=20_000)
    metric = gl.metrics.InceptionScore(splits=1)
    metric.update_state(np.stack([1 - sigmoid(2 * points), sigmoid(2 * points)], axis=1))
    print(f"m = {m}: {metric.result():.4f} from 20,000 samples")
    assert abs(metric.result() - integral) < 0.03

# %% [markdown]
# The score goes on rising when the generator has long left the data behind. Of course it does: **no real image stands
# in the formula.** It asks whether the classifier is sure, not whether the images are like those that there are. A
# score above that of real images is no triumph; it means that the images are easier to classify than real ones.
#
# ## 3. The Fréchet distance
#
# So let us compare with real data. Given two clouds, how much work is it to move one so that it becomes the other?
# Lesson {{lesson:wgan}} asked that with the distance; now take its *square*. For two Gaussians on a line the best
# plan is a shift and a stretch, $T(x) = \mu_b + \frac{\sigma_b}{\sigma_a}(x - \mu_a)$, and the mean square of the way
# is
#
# $$ \mathbb{E}\,(x - T(x))^2 = (\mu_a - \mu_b)^2 + (\sigma_a - \sigma_b)^2. $$
#
# (Put $x = \mu_a + \sigma_a \varepsilon$: then $x - T(x) = (\mu_a - \mu_b) + (\sigma_a - \sigma_b)\,\varepsilon$, with
# $\mathbb E\,\varepsilon = 0$ and $\mathbb E\,\varepsilon^2 = 1$.) In $d$ dimensions the variances become covariance
# matrices (Dowson & Landau 1982):
#
# $$ |\mu_a - \mu_b|^2 + \mathrm{tr}\left( \Sigma_a + \Sigma_b - 2\, (\Sigma_a \Sigma_b)^{1/2} \right) $$
#
# $M^{1/2}$ is the matrix whose product with itself is $M$. In two dimensions its trace can be had by hand: if $M$ has
# the eigenvalues $\lambda_1, \lambda_2$, it is $\sqrt{\lambda_1} + \sqrt{\lambda_2}$, whose square is
# $\lambda_1 + \lambda_2 + 2 \sqrt{\lambda_1 \lambda_2} = \mathrm{tr}\, M + 2 \sqrt{\det M}$.


# %%
def frechet_in_the_plane(mean_a, covariance_a, mean_b, covariance_b):
    """By hand, for two dimensions."""
    product = covariance_a @ covariance_b
    trace_of_root = np.sqrt(np.trace(product) + 2 * np.sqrt(max(np.linalg.det(product), 0)))
    return np.sum((mean_a - mean_b) ** 2) + np.trace(covariance_a + covariance_b) - 2 * trace_of_root


origin, round_cloud = np.zeros(2), np.eye(2)
rising = np.array([[2.0, 1.2], [1.2, 1.0]])
falling = np.array([[2.0, -1.2], [-1.2, 1.0]])
pairs = {
    "equal": (origin, rising, origin, rising),
    "shifted by (3, 1)": (origin, rising, np.array([3.0, 1.0]), rising),
    "three times as wide": (origin, rising, origin, 9 * rising),
    "round, and rising": (origin, round_cloud, origin, rising),
    "rising, and falling": (origin, rising, origin, falling),
    "a line, and a line across it": (origin, np.diag([4.0, 0.0]), origin, np.diag([0.0, 4.0])),
}
print(f"{'':30} by hand   package   with scipy's root")
for name, pair in pairs.items():
    mean_a, covariance_a, mean_b, covariance_b = pair
    root = linalg.sqrtm(covariance_a @ covariance_b + 1e-12 * np.eye(2)).real  # a singular matrix may have no root
    by_scipy = np.sum((mean_a - mean_b) ** 2) + np.trace(covariance_a + covariance_b - 2 * root)
    found = frechet_in_the_plane(*pair), gl.metrics.frechet(*pair), by_scipy
    print(f"{name:30} " + "   ".join(f"{abs(value):7.4f}" for value in found))  # without a −0.0000
    assert np.allclose(found, found[0], atol=1e-4)

# %% [markdown]
# The picture shows the last but one: the cloud that rises, the one that falls, and the way of some points under the
# best plan, $T(x) = A x$ with $A = \Sigma_a^{-1/2} (\Sigma_a^{1/2} \Sigma_b \Sigma_a^{1/2})^{1/2} \Sigma_a^{-1/2}$.
# Along each axis by itself the two clouds have the same mean and the same spread; nevertheless most points have to
# move. The mean square length of all arrows *is* the Fréchet distance.

# %%
points = random.normal(size=(2_000, 2))
points = (points - points.mean(axis=0)) @ np.linalg.inv(linalg.sqrtm(np.cov(points, rowvar=False))).real
start = points @ linalg.sqrtm(rising).real  # a sample whose covariance is `rising` to the last digit
root = linalg.sqrtm(rising).real
plan = np.linalg.inv(root) @ linalg.sqrtm(root @ falling @ root).real @ np.linalg.inv(root)
end = start @ plan.T

work = np.sum((start - end) ** 2) / (len(start) - 1)
print(f"mean square of the way {work:.4f}, the formula {frechet_in_the_plane(origin, rising, origin, falling):.4f}")
assert np.allclose(np.cov(end, rowvar=False), falling) and np.isclose(
    work, gl.metrics.frechet(origin, rising, origin, falling)
)

figure, ax = plt.subplots(figsize=(5.5, 4.2), layout="constrained")
ax.scatter(*start.T, s=4, alpha=0.3, color=gl.plotting.COLOURS["real"], label="before: rising")
ax.scatter(*end.T, s=4, alpha=0.3, color=gl.plotting.COLOURS["generated"], label="after: falling")
ways = end[:60] - start[:60]
ax.quiver(*start[:60].T, *ways.T, angles="xy", scale_units="xy", scale=1, width=0.003, color="black")
ax.set(title=f"The best plan moves by {work:.2f} in the mean square", aspect="equal")
ax.legend(fontsize=8)
plt.show()

# %% [markdown]
# **Exercise 2.** By hand: what is the Fréchet distance of
#
# - (a) on a line, mean 0 and standard deviation 1, from mean 3 and standard deviation 1
# - (b) on a line, mean 0 and *variance* 1, from mean 0 and *variance* 9
# - (c) in the plane, equal means, $\Sigma_a = \begin{pmatrix} 4 & 0 \\ 0 & 1 \end{pmatrix}$ from
#   $\Sigma_b = \begin{pmatrix} 1 & 0 \\ 0 & 4 \end{pmatrix}$
# - (d) in the plane, equal means, $\Sigma_a = \begin{pmatrix} 1 & 0.8 \\ 0.8 & 1 \end{pmatrix}$ from
#   $\Sigma_b = \begin{pmatrix} 1 & -0.8 \\ -0.8 & 1 \end{pmatrix}$

# %%
distances_by_hand = {"a": ..., "b": ..., "c": ..., "d": ...}
gl.checks.quality.gaussian_distances(distances_by_hand)

# %% [markdown]
# **Exercise 3.** Now for data: `real` is an array of $n$ vectors of length $d$, of shape `(n, d)`, `made` another, of
# shape `(m, d)`. Write their Fréchet distance. `np.cov(real, rowvar=False)` is the covariance matrix, and
# `linalg.sqrtm(matrix).real` the root of a matrix.


# %%
def my_frechet_distance(real, made):
    return ...


gl.checks.quality.frechet_distance(my_frechet_distance)


# %% [markdown]
# Here it is, four lines, to be used below.


# %%
def frechet_distance(real, made):
    covariance_a, covariance_b = np.cov(real, rowvar=False), np.cov(made, rowvar=False)
    root = linalg.sqrtm(covariance_a @ covariance_b).real
    shift = np.sum((real.mean(axis=0) - made.mean(axis=0)) ** 2)
    return shift + np.trace(covariance_a + covariance_b - 2 * root)


# %% [markdown]
# ### Of images: in features
#
# An image is a vector of pixels too. But pixels are no measure of likeness: a digit shifted by one pixel is as far
# from itself as another digit. So images go through a classifier, and one takes the layer before the last, the
# **features**: what the classifier has found in the picture. With the 2048 features of InceptionV3 the distance is
# called **FID**. Ours is a classifier of digits with 64 features that comes with the package; a distance in other
# features is another number, so it is named by them.

# %%
network = gl.features.mnist()
print(network, "\n", network.note)

shipped = gl.GAN(  # the generator of digits that the course began with; its discriminator is not needed
    gl.networks.mlp_generator((28, 28, 1)), gl.networks.mlp_discriminator((28, 28, 1)), latent_dim=100, name="digits"
)
kept = keras.models.load_model(gl.data.bundled("digits_generator.keras"), compile=False)
shipped.generator.set_weights(kept.get_weights())
generated = shipped.generate(COUNT, seed=0)
seen = {"reference": network.both(reference), "others": network.both(others), "generated": network.both(generated)}

metric = gl.metrics.FrechetDistance()  # given features
metric.update_real(seen["reference"][0])
for name in ("others", "generated"):
    metric.reset_state()
    metric.update_state(seen[name][0])
    ours = frechet_distance(*(seen[key][0].astype("float64") for key in ("reference", name)))
    print(f"{name:10} ours {ours:.4f}, the package {metric.result():.4f}   (n = {COUNT}, {network.title})")
    assert FAST or np.isclose(ours, metric.result(), rtol=1e-3, atol=1e-4)

# %% [markdown]
# The second line is a score. The first is its **floor**: other real images, as many, in place of the generated ones. It
# is not 0, and without it one cannot say whether the second number is large or small.
#
# This is how it is done with the package in one line. The card says what one has to know: n, the features, the data and
# which part of it, the seed, the floor. Its other rows are the subject of the sections that follow.

# %%
card = gl.score(shipped, "mnist", count=COUNT)

# %% [markdown]
# ## 4. The number of images
#
# Let both sides be *the same* Gaussian, $N(0, I)$ in $d$ dimensions; the true distance is 0. What does one measure
# with $n$ samples of each? The means are off: each coordinate of $\hat\mu_a - \hat\mu_b$ has the variance $2/n$, and
# the square of the length is $2d/n$ in the mean. The covariances are off, and the term with the root turns *every*
# deviation into something positive; to leading order it adds $d(d+1)/2n$. So a distance from samples is
#
# $$ \text{measured} \approx \text{true} + \frac{b}{n}, \qquad \text{here } b = 2d + \frac{d(d+1)}{2}. $$
#
# It is too large, for *any* generator, and it falls with $n$; the more features, the more.

# %%
d, draws = 64, 2 if FAST else 10
b = 2 * d + d * (d + 1) / 2
print(f"two samples of the same N(0, I) in {d} dimensions, mean of {draws} draws")
print("     n   measured      b/n")
for n in (1_000, 2_000, 5_000):
    measured = np.mean([frechet_distance(*random.normal(size=(2, n, d))) for _ in range(draws)])
    print(f"{n:6}   {measured:8.3f} {b / n:8.3f}")
    assert abs(measured - b / n) < 0.1 * b / n

# %% [markdown]
# And for images? The features are cut into parts of $n$ images; each part is scored, and we look at the mean over the
# parts. On the left the Fréchet distance, on the right the **kernel distance** (Bińkowski et al. 2018). That one
# compares not two Gaussians but all pairs, by $k(x, y) = (x \cdot y / d + 1)^3$:
#
# $$ \mathbb{E}\,k(x, x') + \mathbb{E}\,k(y, y') - 2\,\mathbb{E}\,k(x, y), $$
#
# with $x, x'$ two *different* real images and $y, y'$ two different generated ones. Each of the three means is
# without bias, and so is the sum, with any number of images. The price: for equal distributions it is 0 only in the
# mean, and may come out negative.

# %%
SIZES = [n for n in (250, 500, 1_000, 2_000, 5_000, 10_000) if n <= COUNT] if not FAST else [75, 150, 300]


def over_parts(score, real, made, n):
    """A score's mean over parts of n images, and the standard error of that mean (None for one part)."""
    parts = [slice(start, start + n) for start in range(0, COUNT - n + 1, n)]
    found = np.array([score(real[part], made[part]) for part in parts])
    return found.mean(), found.std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else None


def frechet(real, made):
    """As above, for fewer images than features too, where the product of the covariances may have no root."""
    metric = gl.metrics.FrechetDistance()
    metric.update_real(real)
    metric.update_state(made)
    return metric.result()


# %%
def kernel_distance(real, made, block=1_000):
    """The formula, over all pairs; in blocks, since 10,000 × 10,000 numbers are 800 MB."""

    def k(products):
        values = products / real.shape[1] + 1
        return values * values * values

    def total(a, b):
        return sum(k(a[start : start + block] @ b.T).sum() for start in range(0, len(a), block))

    def different(a):  # an image with itself is no pair
        return (total(a, a) - k(np.sum(a * a, axis=1)).sum()) / (len(a) * (len(a) - 1))

    return different(real) + different(made) - 2 * total(real, made) / (len(real) * len(made))


features = {name: answers[0].astype("float64") for name, answers in seen.items()}
few = features["reference"][:300], features["generated"][:300]
assert np.isclose(kernel_distance(*few), gl.metrics.kernel_distance(*few))

# %%
curves = {
    (title, name): [over_parts(score, features["reference"], features[name], n) for n in SIZES]
    for title, score in (("Fréchet distance", frechet), ("kernel distance", kernel_distance))
    for name in ("generated", "others")
}

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
print(f"mean over parts of n images, {info.title}, {network.title}, seed 0")
print(f"{'':29}" + "".join(f"{n:>9}" for n in SIZES))
for (title, name), found in curves.items():
    means, errors = [mean for mean, _ in found], [error or 0 for _, error in found]
    ax, colour = axes[int(title[0] == "k")], "generated" if name == "generated" else "real"
    words = "the shipped generator" if name == "generated" else "real against real"
    ax.errorbar(SIZES, means, errors, fmt="o-", capsize=3, color=gl.plotting.COLOURS[colour], label=words)
    print(f"{title + ', ' + name:29}" + "".join(f"{mean:9.4f}" for mean in means))
for ax, title in zip(axes, ("Fréchet distance", "kernel distance"), strict=True):
    ax.set(xscale="log", xlabel="n", title=f"{title}, {network.title}")
    ax.set_xticks(SIZES, labels=[f"{n}" for n in SIZES], minor=False)
    ax.minorticks_off()
    ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    ax.legend(fontsize=8)
plt.show()

falls = [mean for mean, _ in curves["Fréchet distance", "generated"]]
assert np.all(np.diff(falls) < 0)
if not FAST and not info.is_stand_in:
    stays = [mean for mean, _ in curves["kernel distance", "generated"]]
    assert falls[0] > 1.5 * falls[-1] and np.ptp(stays) < 0.25 * np.mean(stays)

# %% [markdown]
# **What to look for.** The same generator, the same images: on the left its score gets better and better by nothing but
# counting more of them, and so does the score of real images. On the right it stays. So
#
# - **a Fréchet distance without n means nothing**, and two with different n cannot be compared. Published scores take
#   10,000 or 50,000 images;
# - the floor tells how much of it comes of n;
# - the bars, one standard error over the parts, tell how much chance is in it. Another seed is another part. A single
#   score has no bar: the seed is stated beside it, and little differences mean nothing.
#
# It can be taken out. Over $1/n$ the distance is nearly a straight line (Chong & Forsyth 2020). Lay a line through the
# points, and read it where $1/n = 0$:

# %%
figure, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
without_end = {}
for name, colour in (("generated", "generated"), ("others", "real")):
    means = np.array([mean for mean, _ in curves["Fréchet distance", name]])
    fitted = np.array(SIZES) >= (0 if FAST else 1_000)  # for smaller n the terms in 1/n² show
    slope, without_end[name] = np.polyfit(1 / np.array(SIZES)[fitted], means[fitted], 1)
    t = np.linspace(0, 1 / SIZES[0], 50)
    ax.plot(1 / np.array(SIZES), means, "o", color=gl.plotting.COLOURS[colour])
    words = "real against real" if name == "others" else "the shipped generator"
    words = f"{words}: {without_end[name]:.3f} + {slope:.0f}/n"
    ax.plot(t, without_end[name] + slope * t, "--", color=gl.plotting.COLOURS[colour], label=words)
    print(f"{name:10} measured with n = {SIZES[-1]}: {means[-1]:.3f}; with n → ∞: {without_end[name]:.3f}")
ax.set(xlabel="1/n", ylabel="Fréchet distance", title=f"{info.title}, {network.title}: a line over 1/n", xlim=(0, None))
ax.legend(fontsize=8)
plt.show()

if not FAST and not info.is_stand_in:
    at_1000 = curves["Fréchet distance", "others"][SIZES.index(1_000)][0]
    assert abs(without_end["others"]) < 0.1 * at_1000

# %% [markdown]
# Real against real goes to 0, as it must: what was there was bias. (But for chance: a line through few points can end a
# little below 0, where no distance is.)
#
# **Exercise 4.** A paper gives a Fréchet distance of 14 with $n = 1{,}000$ images and, for the same generator, of 10
# with $n = 5{,}000$. What is it with infinitely many, and what would one measure with 10,000?

# %%
corrected = {"without end": ..., "10,000": ...}
gl.checks.quality.without_bias(corrected)

# %% [markdown]
# ## 5. What a Fréchet distance cannot see
#
# It knows the mean and the covariance, nothing else. Three distributions on a line, each with mean 0 and variance 1: a
# Gaussian, a uniform one, and a coin that shows −1 or +1. To the Fréchet distance they are one and the same:

# %%
same_moments = {
    "Gaussian": random.normal(size=100_000),
    "uniform": random.uniform(-np.sqrt(3), np.sqrt(3), 100_000),
    "coin": random.choice([-1.0, 1.0], 100_000),
}
print("distance from the Gaussian:")
for name, values in same_moments.items():
    fd = frechet(same_moments["Gaussian"][:, None], values[:, None])
    w1 = stats.wasserstein_distance(same_moments["Gaussian"], values)
    print(f"  {name:9} Fréchet {fd:.5f}   Wasserstein-1 {w1:.3f}   E x⁴ = {np.mean(values**4):.2f}")
    assert fd < 1e-3

# %% [markdown]
# The same can be done to features: draw vectors from a Gaussian with the mean and the covariance of the real ones. It
# has never seen an image, and what it draws are the features of no image at all: ours are means of ReLUs and never
# negative, those of the Gaussian often are.
#
# For the comparisons of this section and the next, all scores in one function. Real images are taken in once.

# %%
N = min(COUNT, 300 if FAST else 5_000)  # in this section and the next
JUDGES = {
    "Fréchet": gl.metrics.FrechetDistance(),
    "kernel": gl.metrics.KernelDistance(subsets=20, subset_size=1_000),
    "neighbours": gl.metrics.PrecisionRecall(),
}
for judge in JUDGES.values():
    judge.update_real(features["reference"][:N])
classes = gl.metrics.InceptionScore()

HEADER = f"{'':38} Fréchet   kernel  classifier  precision  recall  density  coverage"


def measure(found, probabilities):
    """All scores of n images, from their features (n, d) and the classifier's probabilities (n, classes)."""
    for judge, numbers in [*((judge, found) for judge in JUDGES.values()), (classes, probabilities)]:
        judge.reset_state()
        judge.update_state(numbers)
    distances = {name: JUDGES[name].result() for name in ("Fréchet", "kernel")}
    return distances | {"classifier": classes.result()} | JUDGES["neighbours"].result()


def row(name, made):
    """One line under HEADER."""
    first = f"{name:38} {made['Fréchet']:7.3f} {made['kernel']:8.4f} {made['classifier']:11.2f}"
    return f"{first} {made['precision']:10.2f} {made['recall']:7.2f} {made['density']:8.2f} {made['coverage']:9.2f}"


# %%
classifier = keras.models.load_model(gl.data.bundled("mnist_features.keras"), compile=False)


def gaussian_with_the_moments_of(found, count):
    return random.multivariate_normal(found.mean(axis=0), np.cov(found, rowvar=False), count)


impostors = gaussian_with_the_moments_of(features["reference"][:N], N)
last_layer = classifier.get_layer("classes")  # what the classifier would say of such features
scored = {
    "the floor: other real images": measure(*(part[:N] for part in seen["others"])),
    "the shipped generator": measure(*(part[:N] for part in seen["generated"])),
    "no images: a Gaussian, equal moments": measure(impostors, ops.convert_to_numpy(last_layer(impostors))),
}
print(HEADER)
for name, made in scored.items():
    print(row(name, made))
print(f"\n{info.title}, train, {network.title}, n = {N} on both sides, seed 0")
negative = np.mean(features["reference"] < 0), np.mean(impostors < 0)
print(f"negative features: {negative[0]:.0%} of those of real images, {negative[1]:.0%} of the Gaussian's")
floor, cheat = scored["the floor: other real images"], scored["no images: a Gaussian, equal moments"]
assert features["reference"].min() >= 0 > impostors.min()
if not FAST and not info.is_stand_in:
    assert cheat["Fréchet"] < 1.2 * floor["Fréchet"] < scored["the shipped generator"]["Fréchet"]
    assert cheat["precision"] < 0.8 * floor["precision"]

# %% [markdown]
# By both distances they are real: by Fréchet's nearer, even, than other real images are; by the kernel's next to 0.
# (The moments were taken from the very images that they are compared with, so that only one side has a sampling
# error, and half of the $b/n$ is missing. The kernel distance does look at third moments as well; here they are too
# little apart to weigh.) The last four columns ask whether each vector has real *neighbours*, and precision says at
# once that few have. Its high recall is a warning, though: the next section tells where it comes from.
#
# ## 6. Neighbours: precision and recall
#
# One number cannot say *what* is wrong. Are the images bad, or are they too few in kind? Two numbers can
# (Kynkäänniemi et al. 2019). Lay a ball around each real image, as large as the way to its $k$-th nearest real
# neighbour. The balls together are where real images live. **Precision** is the fraction of generated images that lie
# in one of the balls. Then the other way round: balls around the generated images, and **recall** is the fraction of
# real images that lie in one of those.
#
# In the picture there are 40 real points, and one far from the others; 30 generated ones, nowhere near any.

# %%
real_points = np.concatenate([random.normal(size=(40, 2)), [[7.0, 6.0]]])
made_points = np.array([4.6, 4.4]) + 0.4 * random.normal(size=(30, 2))
apart = np.linalg.norm(real_points[:, None] - real_points, axis=2)
radii = np.sort(apart, axis=1)[:, 3]  # column 0 is the point itself: k = 3

metric = gl.metrics.PrecisionRecall(neighbours=3, density_neighbours=3)
metric.update_real(real_points)
metric.update_state(made_points)
four = metric.result()

figure, ax = plt.subplots(figsize=(5.6, 5), layout="constrained")
for centre, radius in zip(real_points, radii, strict=True):
    ax.add_patch(plt.Circle(centre, radius, color=gl.plotting.COLOURS["real"], alpha=0.07))
ax.scatter(*real_points.T, s=12, color=gl.plotting.COLOURS["real"], label="real, with their balls (k = 3)")
ax.scatter(*made_points.T, s=12, color=gl.plotting.COLOURS["generated"], label="generated")
ax.set(title=", ".join(f"{name} {value:.2f}" for name, value in four.items()))
ax.set(aspect="equal", xlim=(-4, 12), ylim=(-4, 12))
ax.legend(fontsize=8, loc="upper left")
plt.show()

inside = np.linalg.norm(made_points[:, None] - real_points, axis=2) <= radii  # (generated, real)
assert np.isclose(four["precision"], inside.any(axis=1).mean())
assert np.isclose(four["density"], inside.sum() / (3 * len(made_points)))
assert np.isclose(four["coverage"], inside.any(axis=0).mean())
assert four["precision"] == 1 and four["density"] < 0.5 and four["coverage"] < 0.1

# %% [markdown]
# Perfect precision, thanks to the huge ball of a single outlier. Two more numbers were made against that
# (Naeem et al. 2020). **Density** counts in *how many* balls of real images a generated one lies, over $k$: where real
# images are dense it is in many. It is 1 for equal distributions, and can be more. **Coverage** is the fraction of real
# images whose ball has a generated one in it: as recall, but with the balls of the *real* ones, so that a few odd
# generated images cannot make them huge.
#
# **Exercise 5.** On a line, real points 0, 1, 2, 6 and generated ones 1.5, 9, 9.5; $k = 1$ for all four numbers. (A
# point on the rim of a ball lies in it.) Draw it.

# %%
on_a_line = {"precision": ..., "recall": ..., "density": ..., "coverage": ...}
gl.checks.quality.on_a_line(on_a_line)

# %% [markdown]
# ### Precision against recall
#
# One can be had for the other without training anything, by being choosy about the latents: **truncation**. BigGAN
# draws its latents anew where an entry is large; StyleGAN pulls what its first network makes of them towards the mean of
# that, by a factor $\psi < 1$. The thought is the same: what is near the middle should be most usual. Many published
# pictures are made so, and the scores beside them are not always of the same $\psi$. What does a factor $\psi$ do to ours?

# %%
PSI = (0.5, 1.0) if FAST else (0.4, 0.6, 0.8, 1.0, 1.2)
latents = shipped.sample_latents(N, seed=0)
truncated = {psi: shipped.generate(latents=psi * latents) for psi in PSI}
scaled = {psi: measure(*network.both(made)) for psi, made in truncated.items()}

print(HEADER)
for psi, made in scaled.items():
    print(row(f"latents times {psi}", made))
print(row("the floor: other real images", floor))
rows = {f"ψ = {psi}": truncated[psi][:12] for psi in (PSI[0], 1.0)}
gl.plotting.image_rows(rows, title="The shipped generator: the same latents times ψ")

# %% [markdown]
# With smaller $\psi$ *both* fall. In the upper row look for images that are between two digits, or grey: lesson
# {{lesson:mlp_gan}} found that of short latents too. Nearly all latents of 100 numbers are about 10 long; times 0.4
# they are 4, and there G was never trained. (BigGAN's authors had to add a regulariser to the training before
# their generator would stand truncation.)
#
# There is a better way to choose. From one digit to another $G$ has to change quickly: **between** the
# digits it is steep. So drop the latents at which it is steepest (Tanielian et al. 2020). For a random direction
# $v \sim N(0, I)$ the mean of $\|J v\|^2$ is the sum of the squares of all entries of the Jacobian $J$ of $G$, and
# $J v \approx (G(z + h v) - G(z)) / h$.


# %%
def steepness(gan, latents, directions=2, h=0.05):
    """An estimate of ‖J‖ for each latent (n, latent_dim): how fast the image changes."""
    images = gan.generate(latents=latents)
    squares = 0
    for seed in range(directions):
        way = h * np.random.default_rng(seed).normal(size=latents.shape).astype("float32")
        squares = squares + np.sum((gan.generate(latents=latents + way) - images) ** 2, axis=(1, 2, 3))
    return np.sqrt(squares / directions) / h


SHARES = (1, 0.5) if FAST else (1, 0.7, 0.5, 0.3, 0.2, 0.125)
pool = shipped.sample_latents(int(N / SHARES[-1]), seed=1)
order = np.argsort(steepness(shipped, pool))  # flattest first
chosen = {}
for share in SHARES:
    kept = np.sort(order[: int(share * len(pool))])[:N]  # the first N of the flattest
    chosen[share] = measure(*network.both(shipped.generate(latents=pool[kept])))
rows = {"flattest": shipped.generate(latents=pool[order[:12]]), "steepest": shipped.generate(latents=pool[order[-12:]])}
gl.plotting.image_rows(rows, title=f"Out of {len(pool)} latents of the shipped generator")

# %%
print(HEADER)
for share, made in chosen.items():
    print(row(f"the flattest {share:.0%} of the latents", made))
print(row("the floor: other real images", floor))
print(f"\n{info.title}, train, {network.title}, n = {N} on both sides, seed 1")

figure, ax = plt.subplots(figsize=(6.5, 4.4), layout="constrained")
for found, words, style in ((scaled, "latents times ψ", "s--"), (chosen, "the flattest share of the latents", "o-")):
    places = [(made["recall"], made["precision"]) for made in found.values()]
    ax.plot(*zip(*places), style, label=words)
    for label, place in zip(found, places, strict=True):
        ax.annotate(f"{label:g}", place, textcoords="offset points", xytext=(6, 4), fontsize=8)
ax.plot(floor["recall"], floor["precision"], "*", ms=12, color=gl.plotting.COLOURS["real"], label="real images")
ax.set(xlabel="recall", ylabel="precision", title=f"{info.title}, {network.title}, n = {N}")
ax.legend(fontsize=8)
plt.show()

if not FAST and not info.is_stand_in:
    first, last = chosen[SHARES[0]], chosen[SHARES[-1]]
    assert last["precision"] > first["precision"] + 0.03 and last["recall"] < first["recall"] - 0.03
    assert last["Fréchet"] > 2 * first["Fréchet"]
    assert max(scaled[0.4][name] / scaled[1.0][name] for name in ("precision", "recall")) < 1

# %% [markdown]
# **What to look for.** The steepest latents make what lies between two digits; the flattest of all make clean upright
# ones, and nothing else. So the round points go up and to the left, precision for recall, and end above the precision
# of real images. That is no triumph: those images are more *usual* than real ones are. The Fréchet distance pays for
# it, several times over at the end, since it misses the digits that are no longer made. The square points show the
# well-known trick on a generator that it does not suit: it buys nothing.
#
# - A precision without its recall means nothing.
# - Scores of truncated samples have to say so, and how much.
# - Whether something trades one for the other, or only spoils both, has to be measured.

# %% [markdown]
# ## 7. Fooling all of them
#
# What a score can see is best learnt by making images for it. Ten "generators" without a network, and what each of
# them gets. First, images that are made for the classifier score: start from noise, and let gradient ascent change
# *the pixels* until the classifier is certain, once for each digit.


# %%
def dream(classes, steps=20 if FAST else 150):
    """One image for each class, made from noise, of which the classifier is certain."""
    pictures = keras.Variable(np.random.default_rng(0).uniform(-1, 1, (len(classes), 28, 28, 1)).astype("float32"))
    optimizer = keras.optimizers.Adam(0.05)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            answers = classifier(ops.convert_to_tensor(pictures))
            loss = ops.sum(keras.losses.sparse_categorical_crossentropy(classes, answers))
        optimizer.apply([tape.gradient(loss, pictures.value)], [pictures])
        pictures.assign(ops.clip(pictures, -1, 1))
    return pictures.numpy()


nothing = dream(np.arange(10))
sure = seen["generated"][1].argmax(axis=0)  # for each digit the generated image that the classifier is surest of
rows = {"from noise": nothing, "the surest": generated[sure]}
gl.plotting.image_rows(rows, title="Ten pictures of nothing, and ten of our generator's", scale=1.5)

# %% [markdown]
# Then images that only look at their neighbours: copies of the very training images; a tenth of the images, ten times
# each; all digits but the 8. And what ought not to matter: real images that have been through a JPEG file, or were made
# smaller and larger again, or stand one pixel to the right.


# %%
def through_jpeg(images, quality):
    made = []
    for pixels in gl.plotting.to_pixels(images)[..., 0]:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        made.append(np.asarray(Image.open(file), "float32") / 127.5 - 1)
    return np.stack(made)[..., None]


def resized(images, size, antialias):
    """Smaller and back to 28×28, bilinear."""
    small = ops.image.resize(images, (size, size), "bilinear", antialias=antialias, data_format="channels_last")
    back = ops.image.resize(small, (28, 28), "bilinear", data_format="channels_last")
    return np.clip(ops.convert_to_numpy(back), -1, 1)


real = others[:N]
without_eights = real[other_labels[:N] != 8]
fakes = {
    "ten pictures of nothing": nothing[np.arange(N) % 10],
    "ten good ones": generated[sure][np.arange(N) % 10],
    "copies of the training images": reference[:N],
    "a tenth of real images, ten times": real[: N // 10][np.arange(N) % (N // 10)],
    "real images without the 8": without_eights[np.arange(N) % len(without_eights)],
    "real images, JPEG of quality 75": through_jpeg(real, 75),
    "real images, JPEG of quality 30": through_jpeg(real, 30),
    "real images, to 20×20 and back": resized(real, 20, antialias=False),
    "the same, antialiased": resized(real, 20, antialias=True),
    "real images, one pixel to the right": np.roll(real, 1, axis=2),
}
fooled = {name: measure(*network.both(made)) for name, made in fakes.items()}

# %% tags=["real-images"]
rows = {"real images": real[:8]} | {name: made[:8] for name, made in list(fakes.items())[-5:]}
gl.plotting.image_rows(rows, title=f"What has been done to real images: {info.title}")

# %%
print(HEADER)
for name, made in {**scored, **fooled}.items():
    print(row(name, made))
print(f"\n{info.title}, train, {network.title}, n = {N} on both sides, seed 0")

ten, copies = fooled["ten good ones"], fooled["copies of the training images"]
assert copies["Fréchet"] < 1e-3 < floor["Fréchet"] and copies["precision"] == copies["recall"] == 1
if not FAST and not info.is_stand_in:
    assert min(fooled["ten pictures of nothing"]["classifier"], ten["classifier"]) > floor["classifier"]
    assert ten["recall"] < 0.05 and ten["precision"] > 0.7
    assert fooled["real images without the 8"]["precision"] > 0.95 * floor["precision"]
    assert fooled["real images without the 8"]["Fréchet"] > 2 * floor["Fréchet"]
    assert fooled["real images, JPEG of quality 30"]["Fréchet"] > scored["the shipped generator"]["Fréchet"]
    assert fooled["real images, one pixel to the right"]["Fréchet"] < 2 * floor["Fréchet"]

# %% [markdown]
# **What to look for,** row by row.
#
# - *Ten pictures of nothing*, and *ten good ones*: the two best classifier scores, better than real images'. Whether a
#   picture is one of a digit at all, and whether there are more than ten, does not come into the formula. The other
#   columns see it: the first have no real neighbour, the second find hardly a real image: recall 0.
# - *Copies*: both distances 0 but for chance, precision, recall and coverage 1: no generator can have more. (Density
#   has no highest value, and *ten good ones* have more of it.) **None of these scores tells a generator that hands
#   out its training images from a perfect one.** The nearest neighbours of lesson {{lesson:mlp_gan}} do.
# - *A tenth of real images, ten times*: to the Fréchet distance just a smaller sample. Recall is 0: where an image
#   stands ten times its ball has no size. Coverage, whose balls are those of the real images, falls by what is
#   missing.
# - *Without the 8*: precision does not mind, each image is a good one. The distances, recall, coverage and the
#   classifier score do.
# - *JPEG, resizing*: real images, and in the picture one has to look twice. Yet a JPEG of quality 30 moves them farther
#   away than our generator's digits are, and the filter that one resizes with decides as well. So both sides have to be
#   prepared in the *same* way: the same files, the same resizing (Parmar et al. 2022). This is why a card has a line on
#   it where images were made to fit.
# - *One pixel to the right*: next to nothing, though every pixel has changed its place. This network was trained on
#   shifted digits, and takes a mean over all places. **The features decide what can be seen**, and each network has
#   its blind spots.

# %% [markdown]
# **Exercise 6.** Four generators, each with one fault: it `"copies"` the training images, it `"repeats"` twenty
# pictures, it `"misses"` half of the classes, it `"blurs"`. You see only their cards. Whose is which?

# %%
cards = {
    name: measure(*network.both(made))
    for name, made in gl.checks.quality.suspects(reference[:N], real, other_labels[:N]).items()
}
print(HEADER)
for name, made in {"the floor": floor, **cards}.items():
    print(row(name, made))
print(f"\n{info.title}, train, {network.title}, n = {N} on both sides")

# %%
whose = {"A": ..., "B": ..., "C": ..., "D": ...}
gl.checks.quality.whose_card(whose)

# %% [markdown]
# ## 8. The lessons' own generators
#
# Now the GANs of the lessons before, in one table a set. `scoring.Reference` looks at the real images once and scores
# many generators against them; for a named set it compares with images of the training part, and takes the floor from
# the test part. A generator that no lesson has saved on this machine is replaced, and its row says by what.


# %%
def saved_by(lesson, set_name):
    """The GAN that a lesson has saved at laptop size, or None."""
    path = Path("../build") / lesson / set_name / "gan.keras"
    return None if FAST or not path.exists() else keras.models.load_model(path)


def small_gan(data, critic):
    """In place of a DCGAN or WGAN-GP that is not there: the same kind, with small networks, trained for a moment."""
    keras.utils.set_random_seed(5)
    discriminator = gl.networks.dcgan_critic if critic else gl.networks.dcgan_discriminator
    gan = gl.GAN(
        generator=gl.networks.dcgan_generator((32, 32, 3), filters=(64, 32, 16)),
        discriminator=discriminator((32, 32, 3), filters=(16, 32, 64)),
        latent_dim=100,
        objective="wasserstein" if critic else "non_saturating",
        penalty=gl.penalties.GradientPenalty(weight=10.0) if critic else None,
        discriminator_steps=5 if critic else 1,
    )
    optimizers = [keras.optimizers.Adam(2e-4, beta_1=0.0 if critic else 0.5, beta_2=0.9) for _ in range(2)]
    gan.compile(generator_optimizer=optimizers[0], discriminator_optimizer=optimizers[1], run_eagerly=FAST)
    gan.fit(data.repeat(), steps_per_epoch=SMALL_STEPS, epochs=1, verbose=0)
    return gan


SMALL_STEPS = 1 if FAST else 500
colour = gl.data.load("cifar10", batch_size=64, examples=600 if FAST else None, drop_remainder=True)

# %%
digits = {f"MLP GAN of section 1, epoch {epoch}": trained[epoch] for epoch in (KEPT[0], KEPT[-1])}
found = saved_by("mlp_gan", info.name)
digits["MLP GAN, its lesson's" if found else "MLP GAN, as it ships"] = found or shipped

pictures = {}
for words, lesson, critic in (("DCGAN", "dcgan", False), ("WGAN-GP", "wgan", True)):
    found = saved_by(lesson, colour.info.name)
    title = f"{words}, its lesson's" if found else f"small {words}, {SMALL_STEPS} steps, in its place"
    pictures[title] = found or small_gan(colour, critic)
print(*digits, *pictures, sep="\n")

# %%
TABLE_COUNT = 200 if FAST else 10_000
tables = {}
for set_name, gans in (("mnist", digits), ("cifar10", pictures)):
    against = gl.scoring.Reference(set_name, count=TABLE_COUNT, verbose=0)
    tables[set_name] = {title: against.score(gan, seed=0, verbose=0) for title, gan in gans.items()}

for scored_cards in tables.values():
    one = next(iter(scored_cards.values()))
    names = {"frechet_distance": "Fréchet", "kernel_distance": "kernel", "inception_score": "classifier"}
    print(HEADER)
    for title, numbers in [("the floor: real images", one.floor), *((t, c.scores) for t, c in scored_cards.items())]:
        print(row(title, {names.get(name, name): value for name, value in numbers.items()}))
    print(f"n = {one.count} on both sides, {one.features}, seed {one.seed}")
    print(f"{one.data}, {one.split}; floor: {one.floor_split}\n")
    if not FAST:
        assert all(card.scores["frechet_distance"] > one.floor["frechet_distance"] for card in scored_cards.values())

# %% [markdown]
# **What to look for.**
#
# - Compare within a table only. The two are measured in the features of two networks: a 5 in one and a 5 in the other
#   have nothing to do with each other.
# - Go down the Fréchet column, then down the others: do they put the generators in the same order? Where they do not,
#   ask which question each of them answers. A low precision asks for better images, a low recall for more kinds of
#   them.
# - The first two generators are those of section 1. Their losses were nearly the same.
# - Hold each number against the *floor's*, not against 1. A precision above that of real images does not mean better
#   than real: as with the flattest latents above, it means more usual than real, and then recall is low.
# - A score is one of a *trained model*, not of a method. The WGAN-GP of its lesson has had about a fifth of the
#   generator steps of the DCGAN, which is what its lesson had the time for.
# - How far is the best from the floor, and how far apart are the others? That is how much there is to gain.
#
# ## Recap
#
# - A loss is measured against the opponent. It may stay the same from noise to digits.
# - The classifier score is exp of $H[p(y)] - \mathbb E H[p(y|x)]$. No real image stands in it.
# - The Fréchet distance is that of two Gaussians with the features' mean and covariance: blind for all else, and too
#   large by about $b/n$. The kernel distance has no such bias.
# - Precision and density ask whether the images are good, recall and coverage whether all kinds are there. One can be
#   had for the other.
# - None of them sees a copy. Compare with the nearest training images, as lesson {{lesson:mlp_gan}} does.
# - Beside a score stand: n, features (and how images were made to fit), data and split, seed, and the floor.

# %%
gl.checks.report("quality")

# %% [markdown]
# **References**
#
# - Salimans et al., *Improved Techniques for Training GANs*, 2016,
#   [arXiv:1606.03498](https://arxiv.org/abs/1606.03498): the Inception score.
# - Barratt, Sharma, *A Note on the Inception Score*, 2018, [arXiv:1801.01973](https://arxiv.org/abs/1801.01973): how it
#   misleads.
# - Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, 2017,
#   [arXiv:1706.08500](https://arxiv.org/abs/1706.08500): the FID.
# - Dowson, Landau, *The Fréchet Distance between Multivariate Normal Distributions*, 1982.
# - Bińkowski et al., *Demystifying MMD GANs*, 2018, [arXiv:1801.01401](https://arxiv.org/abs/1801.01401): the kernel
#   distance (KID), and that FID has no unbiased estimator.
# - Chong, Forsyth, *Effectively Unbiased FID and Inception Score and Where to Find Them*, 2020,
#   [arXiv:1911.07023](https://arxiv.org/abs/1911.07023): extrapolating in 1/n.
# - Kynkäänniemi et al., *Improved Precision and Recall Metric for Assessing Generative Models*, 2019,
#   [arXiv:1904.06991](https://arxiv.org/abs/1904.06991).
# - Naeem et al., *Reliable Fidelity and Diversity Metrics for Generative Models*, 2020,
#   [arXiv:2002.09797](https://arxiv.org/abs/2002.09797): density and coverage.
# - Tanielian et al., *Learning Disconnected Manifolds: a no GAN's land*, 2020,
#   [arXiv:2006.04596](https://arxiv.org/abs/2006.04596): leaving out the latents at which G is steep.
# - Parmar, Zhang, Zhu, *On Aliased Resizing and Surprising Subtleties in GAN Evaluation*, 2022,
#   [arXiv:2104.11222](https://arxiv.org/abs/2104.11222): resizing and JPEG.
# - Brock, Donahue, Simonyan, *Large Scale GAN Training for High Fidelity Natural Image Synthesis*, 2018,
#   [arXiv:1809.11096](https://arxiv.org/abs/1809.11096): truncation.
#
# Next: {{next}}
