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
# # {{number}} Going round in circles
#
# **Two players can circle each other without end, although each takes the right step. You see why in a GAN of two
# numbers, and what stops it. This lesson is optional: no other builds on it.**
#
# ![The smallest GAN. On a line of numbers lie one fake, at θ, and one real sample, at 0. D's logit is a straight line
# through 0 with the slope ψ. An arrow moves the fake up the slope, towards the real
# sample.](../docs/diagrams/dirac.svg)

# %% [markdown]
# ## Before you start
#
# **What you need.** Lesson {{lesson:minimax_game}} for the losses, and lesson {{lesson:wgan}} for clipping and the
# gradient penalty.
#
# **Mathematics.** Derivatives of functions of two variables, and the chain rule. A *vector field*: an arrow at each
# point of the plane, which says in which direction a point there moves. *Complex numbers*: their absolute value, the
# imaginary unit $i$. *Eigenvalues* $\lambda$ of a 2×2 matrix $A$: the solutions of $\det(A - \lambda I) = 0$, which may
# be complex. The exponential function.
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
from scipy.special import expit as sigmoid

import gan_lessons as gl
from gan_lessons.theory import DiracGAN


# %%
def show(figure, words):
    """Shows a figure, with a text for those who cannot see it."""
    display(figure, metadata={"image/png": {"alt": words}})
    plt.close(figure)


# %% tags=["parameters"]
STEPS = 1500  # of each player, in section 5
SEEDS = (0, 1, 2, 3, 4)

# %% tags=["fast"]
STEPS = 200
SEEDS = (0,)

# %% [markdown]
# ## 1. A GAN of two numbers
#
# The real data are one number, 0. The generator makes one number, $\theta$. The discriminator is a straight line: its
# logit at $x$ is $\psi x$. So it outputs 0 on the real number, whatever $\psi$ is, and $u = \psi\theta$ on the fake.
# This is the **Dirac-GAN** (Mescheder et al., 2018). The only point where neither player can improve is
# $\theta = 0$, $\psi = 0$: the fake is right and $D$ is flat. It is called the **equilibrium**.
#
# | game | $G$ lowers | $D$ lowers |
# | --- | --- | --- |
# | minimax | $-\mathrm{softplus}(u)$ | $\mathrm{softplus}(u)$ |
# | non-saturating | $\mathrm{softplus}(-u)$ | $\mathrm{softplus}(u)$ |
# | Wasserstein | $-u$ | $u$ |
#
# (As before, $\mathrm{softplus}(t) = \log(1 + e^t)$, so $\log(1 - \sigma(u)) = -\mathrm{softplus}(u)$, and
# $-\log \sigma(u) = \mathrm{softplus}(-u)$. What $D$ loses on the real number is constant, and left out.)
#
# Let both take infinitely small steps, in continuous time: $\theta' = -\partial\,\text{loss}_G / \partial\theta$ and
# $\psi' = -\partial\,\text{loss}_D / \partial\psi$. In the Wasserstein game that is $\theta' = \psi$,
# $\psi' = -\theta$.
#
# ### Exercise 1 · The minimax game's arrows
#
# Write $(\theta', \psi')$ of the minimax game. The derivative of softplus is $\sigma$, here `sigmoid`.


# %%
def minimax_field(theta, psi):
    return ..., ...


gl.checks.dynamics.minimax_field(minimax_field)

# %% [markdown]
# **Guess first.** Both players begin at $\theta = 1$, $\psi = 1$: the fake is too far to the right, and $D$'s line
# rises to the right. Where does the path end, in each of the three games?

# %%
minimax_field = gl.checks.dynamics.minimax_field.working(minimax_field)


def non_saturating_field(theta, psi):
    return psi * sigmoid(-psi * theta), -theta * sigmoid(psi * theta)


def wasserstein_field(theta, psi):
    return psi, -theta


# %% [markdown]
# The package has the same three games, `gl.theory.DiracGAN`. Its `flow` follows the arrows in continuous time.


# %%
def draw(axes, field, path, title):
    theta, psi = np.meshgrid(np.linspace(-1.8, 1.8, 9), np.linspace(-1.8, 1.8, 9))
    across, up = field(theta, psi)
    length = np.hypot(across, up) + 1e-9  # all arrows equally long: they show the direction alone
    axes.quiver(theta, psi, across / length, up / length, color="0.65", pivot="middle", scale=17, width=0.006)
    axes.plot(*path.T, color=gl.plotting.COLOURS["real"])
    axes.plot(*path[0], "o", color="black")
    axes.plot(*path[-1], "s", color=gl.plotting.COLOURS["generated"])
    axes.plot(0, 0, "+", color="black", markersize=12)
    axes.set(title=title, xlim=(-2, 2), ylim=(-2, 2), aspect="equal", xlabel="θ, where the fake is")


# %%
games = {name: DiracGAN(name) for name in ("minimax", "non_saturating", "wasserstein")}
fields = (minimax_field, non_saturating_field, wasserstein_field)
figure, row = plt.subplots(1, 3, figsize=(11, 4), sharey=True, layout="constrained")
for axes, field, (name, game) in zip(row, fields, games.items()):
    _, path = game.flow(start=(1, 1), time=40)
    draw(axes, field, path, name.replace("_", "-"))
row[0].set_ylabel("ψ, the slope of D")
words = (
    "Arrows turn clockwise round the equilibrium. The minimax and Wasserstein paths are circles. The non-saturating "
)
show(figure, words + "path is a spiral that winds slowly inwards.")

# %% tags=["test"]
somewhere = np.random.default_rng(0).normal(size=(2, 20))
for field, game in zip(fields, games.values()):
    np.testing.assert_allclose(field(*somewhere), game.field(*somewhere))
for name in ("minimax", "wasserstein"):
    np.testing.assert_allclose(np.hypot(*games[name].flow((1, 1), time=40)[1].T), np.sqrt(2), rtol=1e-6)
times, path = games["non_saturating"].flow((1, 1), time=200)
inverse_square = 1 / (path**2).sum(axis=1)
assert np.isclose((inverse_square[-1] - inverse_square[len(times) // 2]) / 100, 1 / 8, rtol=0.02)

# %% [markdown]
# The path begins at the dot; the square is where it is after a time of 40. First $D$ turns its line, until it falls to
# the right. Then the fake climbs to the left, past 0, to the other side. There $D$ turns its line again, and the fake
# comes back. In the minimax and the Wasserstein game the path is a **circle**, since the squared distance from the
# equilibrium does not change:
#
# $$(\theta^2 + \psi^2)' = 2\theta\theta' + 2\psi\psi' = 2u\,\sigma(u) - 2u\,\sigma(u) = 0 \quad\text{(minimax)}$$
#
# In the non-saturating game it is $2u\,(\sigma(-u) - \sigma(u))$, which is negative where $u \ne 0$: a pull inwards.
# But close to the equilibrium this is about $-u^2$, very weak, and the distance falls like $1/\sqrt{t}$ only.
#
# ## 2. Steps are not infinitely small
#
# A computer takes steps of a size $h$. Take the Wasserstein game, and let both players move **at once**:
# $\theta \leftarrow \theta + h\psi$ and $\psi \leftarrow \psi - h\theta$, with the old values on the right.
#
# ### Exercise 2 · After 200 steps
#
# $h = 0.1$, and the players begin at distance 1 from the equilibrium. How far away are they after 200 steps? (Look at
# one step from $\theta = 1$, $\psi = 0$ first.)

# %%
distance = ...
gl.checks.dynamics.after_200_steps(distance)

# %% [markdown]
# ### Exercise 3 · Players who alternate
#
# Usually the players **alternate**: $D$ moves first, then $G$ against the new $D$. Write one such step of the
# Wasserstein game.


# %%
def alternating_step(theta, psi, h):
    return ..., ...


gl.checks.dynamics.alternating_step(alternating_step)

# %% [markdown]
# **Guess first.** Does taking turns bring them nearer?

# %%
alternating_step = gl.checks.dynamics.alternating_step.working(alternating_step)


def step_at_once(theta, psi, h):
    return theta + h * psi, psi - h * theta


def walk(step, h=0.1, steps=200):
    path = [(1.0, 0.0)]
    for _ in range(steps):
        path.append(step(*path[-1], h))
    return np.array(path)


# %%
figure, row = plt.subplots(1, 2, figsize=(8, 4.3), layout="constrained")
for axes, step, title in zip(row, (step_at_once, alternating_step), ("both at once", "D first, then G")):
    axes.plot(*walk(step).T, ".-", markersize=3, linewidth=0.8)
    axes.plot(0, 0, "+", color="black", markersize=12)
    axes.set(title=title, xlabel="θ", ylabel="ψ", aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
show(
    figure,
    "Both at once: a spiral outwards, to 2.7 times the distance. D first, then G: a closed curve, almost a circle.",
)

# %% tags=["test"]
assert np.isclose(np.hypot(*walk(step_at_once)[-1]), 1.01**100)
assert 0.9 < np.hypot(*walk(alternating_step, steps=5000).T).min() < 1.1
game = games["wasserstein"]
np.testing.assert_allclose(walk(alternating_step), game.descend((1, 0), 200, 0.1, alternating=True))
np.testing.assert_allclose(walk(step_at_once), game.descend((1, 0), 200, 0.1))

# %% [markdown]
# It does not bring them nearer, but it stops the growth. Both steps are matrices:
#
# $$\text{at once: } \begin{pmatrix} 1 & h \\ -h & 1 \end{pmatrix} \qquad
#   \text{alternating: } \begin{pmatrix} 1 - h^2 & h \\ -h & 1 \end{pmatrix}$$
#
# The eigenvalues of a matrix say how a vector grows when it is multiplied by the matrix again and again: like
# $|\lambda|^n$ after $n$ steps. The next cell computes them.

# %%
h = 0.1
for name, step in (("at once", [[1, h], [-h, 1]]), ("alternating", [[1 - h**2, h], [-h, 1]])):
    eigenvalues = np.linalg.eigvals(step)
    print(f"{name:12} λ = {eigenvalues[0]:.3f} and {eigenvalues[1]:.3f}, |λ| = {abs(eigenvalues[0]):.5f}")

# %% [markdown]
# At once, $\lambda = 1 \pm ih$, of absolute value $\sqrt{1 + h^2} > 1$: outwards, for every step size. A smaller step
# only makes it slower. Alternating, $|\lambda| = 1$: round and round.
#
# ## 3. Friction
#
# What would make a spiral go *inwards*? **R1** (Mescheder et al., 2018) is a penalty on $D$'s slope at the real data.
# The slope of $\psi x$ is $\psi$, so it adds $w\psi^2$ to $D$'s loss, with a weight $w$. That adds $-2w\psi$ to
# $\psi'$: the steeper $D$ is, the more it is pulled back to flat. In the Wasserstein game, in continuous time,
#
# $$\begin{pmatrix} \theta \\ \psi \end{pmatrix}' = J \begin{pmatrix} \theta \\ \psi \end{pmatrix}, \qquad
#   J = \begin{pmatrix} 0 & 1 \\ -1 & -2w \end{pmatrix}, \qquad \lambda = -w \pm \sqrt{w^2 - 1}.$$
#
# $J$ is the **Jacobian**, the matrix of all derivatives of $(\theta', \psi')$. In continuous time a vector grows like
# $e^{\lambda t}$. Its length follows the *real part* of $\lambda$: negative means inwards. The imaginary part turns it.
# Without penalty, $\lambda = \pm i$: the circle.
#
# ### Exercise 4 · The best friction
#
# With two eigenvalues, the one with the larger real part is the slower one and decides. Which $w$ brings the players
# back fastest?

# %%
best_w = ...
gl.checks.dynamics.best_weight(best_w)

# %%
figure, row = plt.subplots(1, 3, figsize=(11, 4), sharey=True, layout="constrained")
for axes, w in zip(row, (0.1, 1.0, 5.0)):
    game = DiracGAN("wasserstein", penalty_weight=w)
    _, path = game.flow(start=(1, 1), time=10)
    slow, fast = sorted(game.eigenvalues(), key=lambda each: -each.real)
    print(f"w = {w}: λ = {slow:.2f} and {fast:.2f}; after a time of 10 the distance is {np.hypot(*path[-1]):.5f}")
    draw(axes, game.field, path, f"w = {w}")
row[0].set_ylabel("ψ, the slope of D")
words = "With w = 0.1 the path is a spiral inwards. With w = 1 it goes to the middle directly. With "
show(figure, words + "w = 5 D becomes flat at once, and the fake creeps towards 0 and is not there at the end.")

# %% tags=["test"]
ends = {w: np.hypot(*DiracGAN("wasserstein", penalty_weight=w).flow((1, 1), time=10)[1][-1]) for w in (0.1, 1.0, 5.0)}
assert ends[1.0] < 0.01 < ends[5.0] and ends[1.0] < ends[0.1]
for objective, c in (("minimax", 0.5), ("non_saturating", 0.5), ("wasserstein", 1.0)):
    for w in (0.0, 0.3, 2.0):
        root = np.sqrt(complex(w**2 - c**2))
        found = DiracGAN(objective, penalty_weight=w).eigenvalues()
        np.testing.assert_allclose(np.sort_complex(found), np.sort_complex([-w - root, -w + root]), atol=1e-6)

# %% [markdown]
# Too little friction, and they circle for long. Too much, and $D$ is so flat that $G$ hardly gets a gradient.
#
# ## 4. Which of them settle?
#
# You know two more ways to hold $D$'s slope, from lesson {{lesson:wgan}}: clipping, here $|\psi| \le 0.5$, and the
# penalty towards slope 1, $w\,(|\psi| - 1)^2$. And the other two games? They are not linear, but close to the
# equilibrium they nearly are. Since $\sigma(0) = ½$, their $J$ has ½ and −½ in place of 1 and −1.
#
# ### Exercise 5 · Six games
#
# Each of the six begins at $(1, 1)$ and takes 5,000 steps of size $h = 0.1$, both players at once. Which of them end
# within 0.01 of the equilibrium? `True` or `False` for each. `clipped` and `slope_1` are Wasserstein games (with
# $w = 0.5$ for the penalty), and `slope_0` is the non-saturating game with R1, $w = 0.3$.

# %%
settles = {
    "minimax": ...,
    "non_saturating": ...,
    "wasserstein": ...,
    "clipped": ...,
    "slope_1": ...,
    "slope_0": ...,
}
gl.checks.dynamics.which_settle(settles)

# %%
games |= {
    "clipped": DiracGAN("wasserstein", clip=0.5),
    "slope_1": DiracGAN("wasserstein", penalty_weight=0.5, penalty_target=1.0),
    "slope_0": DiracGAN("non_saturating", penalty_weight=0.3, penalty_target=0.0),
}
print("distance after 5000 steps   at once   alternating")
for name, game in games.items():
    ends = [np.hypot(*game.descend((1, 1), 5000, 0.1, alternating)[-1]) for alternating in (False, True)]
    print(f"{name:25} {ends[0]:9.2g} {ends[1]:13.2g}")

# %%
figure, grid = plt.subplots(2, 3, figsize=(11, 7.6), sharex=True, sharey=True, layout="constrained")
for axes, (name, game) in zip(grid.flat, games.items()):
    draw(axes, game.field, game.flow(start=(1, 1), time=40)[1], name)
for axes in grid[:, 0]:
    axes.set_ylabel("ψ, the slope of D")
words = "Paths in continuous time. Circles: minimax, wasserstein, and a smaller one for clipped. A slow spiral for "
show(figure, words + "non_saturating, a closed loop round the middle for slope_1, a path to the middle for slope_0.")

# %% tags=["test"]
ends = {name: np.hypot(*game.descend((1, 1), 5000, 0.1)[-1]) for name, game in games.items()}
assert ends["slope_0"] < 1e-6 and min(end for name, end in ends.items() if name != "slope_0") > 0.1
_, path = games["clipped"].flow((1, 1), time=60)
np.testing.assert_allclose(np.hypot(*path[len(path) // 2 :].T), 0.5, atol=0.01)
assert np.hypot(*games["slope_1"].flow((1, 1), time=60)[1].T).min() > 0.5
assert np.isclose(ends["non_saturating"], np.sqrt(2 * 0.1), rtol=0.05)  # inwards and outwards balance

# %% [markdown]
# - *minimax*, *wasserstein*: steps at once spiral outwards.
# - *non_saturating*: its weak pull inwards and the outward push of the steps balance, at a distance of 0.45.
# - *clipped*: the clip cuts the large circle down to one that fits. It is a circle still.
# - *slope_1*: at the equilibrium $\psi$ would have to be 0, and the penalty pushes it away from there.
# - *slope_0*: friction. It settles.
#
# Alternating steps explode in no game, and `slope_0` is still the only one that comes to rest. (`non_saturating` goes
# on falling, slowly.)
#
# ## 5. And with a network for D?
#
# A straight line is not a network. So keep the one real number and the one fake, and make $D$ a network of two hidden
# layers. The game is the non-saturating one, the players alternate, and R1 needs two tapes: the inner one for $D$'s
# slope at the real number, the outer one for the gradient of the whole loss.
#
# **Guess first.** Which weight $w$ brings the fake to 0: 0, 0.1, 1 or 10?


# %%
def network():
    hidden = [layers.Dense(32, "tanh") for _ in range(2)]
    return keras.Sequential([keras.Input((1,)), *hidden, layers.Dense(1)])


def d_loss(D, theta, w):
    real = tf.zeros((1, 1))
    with tf.GradientTape() as inner:
        inner.watch(real)
        logit = D(real)
    slope = inner.gradient(logit, real)
    return ops.sum(ops.softplus(-logit) + ops.softplus(D(theta)) + w * slope**2)  # w·slope² is R1


def g_loss(D, theta):
    return ops.sum(ops.softplus(-D(theta)))


# %%
def descend(loss, weights, rate=0.1):
    with tf.GradientTape() as tape:
        value = loss()
    for weight, slope in zip(weights, tape.gradient(value, weights)):
        weight.assign_sub(rate * slope)


# %%
def swing(w, seed):
    """Returns θ before each step of a training by plain gradient descent."""
    keras.utils.set_random_seed(seed)
    D, theta, path = network(), tf.Variable([[1.0]]), []

    @tf.function
    def step():
        descend(lambda: d_loss(D, theta, w), D.trainable_variables)
        descend(lambda: g_loss(D, theta), [theta])

    for _ in range(STEPS):
        path.append(float(theta[0, 0]))
        step()
    return np.array(path)


# %%
swings = {w: [swing(w, seed) for seed in SEEDS] for w in (0.0, 0.1, 1.0, 10.0)}
print("w      largest |θ| in the last 200 steps, for each seed")
for w, paths in swings.items():
    print(f"{w:4}  ", " ".join(f"{np.abs(path[-200:]).max():8.5f}" for path in paths))

figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
for (w, paths), style in zip(swings.items(), ("-", "--", "-.", ":")):
    axes.plot(paths[0][:600], style, label=f"w = {w:g}")
axes.axhline(0, color="grey", linewidth=0.6)
axes.set(xlabel="step", ylabel="θ, where the fake is", title=f"seed {SEEDS[0]}")
axes.legend()
words = "Without penalty the fake swings about 0 and the swings shrink slowly. With w = 0.1 and 1 it comes to 0 and "
show(figure, words + "stays. With w = 10 it stays near 1.")

# %% tags=["test"]
if STEPS >= 1500:
    last = {w: [np.abs(path[-200:]).max() for path in paths] for w, paths in swings.items()}
    assert max(last[0.1] + last[1.0]) < 0.001 < 0.01 < min(last[0.0]) and min(last[10.0]) > 0.5
    assert all(np.ptp(path[-200:]) < 1e-3 for path in swings[10.0])  # no slope under the fake moves it any more

# %% [markdown]
# Without a penalty, the fake swings around 0, and the swings get smaller only slowly. (They do get smaller, which the
# straight line did not do. A network has more weights than one, among them biases; this lesson leaves open which of
# them damp it.) With $w = 0.1$ or 1 the fake comes to 0 and stays. With $w = 10$, $D$ is flat where the fake is,
# and the fake stays there: section 3 again.
#
# ## What this does not say
#
# - **It is about the end, not the beginning.** Eigenvalues tell what happens close to the equilibrium. They do not tell
#   whether a training gets there, or how good the samples are.
# - **Real data are not one point.** A WGAN-GP, the `slope_1` of this lesson, does not come to rest here. On images it
#   trains well (lesson {{lesson:wgan}}).
# - **The step of 0.1 is part of the result**, in section 4 too: with a smaller one, the games that grow do so more
#   slowly.

# %%
gl.checks.report("dynamics")

# %% [markdown]
# ## Recap
#
# - In the smallest GAN, each player's best direction leads round the equilibrium and not to it.
# - Steps of both at once spiral outwards, for every step size. Steps in turn stay on a closed curve.
# - Near the equilibrium, eigenvalues decide: of the Jacobian by their real part, of a step by their absolute value.
# - A penalty that pulls $D$'s slope at the real data to 0 (R1) is friction. Clipping and a pull to slope 1 are not.
# - Too much friction makes $D$ flat, and $G$ learns nothing.
#
# **References**
#
# - Mescheder et al., *Which Training Methods for GANs do actually Converge?*, 2018,
#   [arXiv:1801.04406](https://arxiv.org/abs/1801.04406). Its penalties are written $\frac{\gamma}{2}(\dots)^2$:
#   $\gamma = 2w$.
# - Arjovsky et al., *Wasserstein GAN*, 2017, [arXiv:1701.07875](https://arxiv.org/abs/1701.07875).
# - Gulrajani et al., *Improved Training of Wasserstein GANs*, 2017,
#   [arXiv:1704.00028](https://arxiv.org/abs/1704.00028).
#
# Next: {{next}}
