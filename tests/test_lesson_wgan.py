"""What the lesson "WGAN" writes out, against what the package and SciPy have, number for number."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from scipy.stats import wasserstein_distance

import gan_lessons as gl

SOURCE = Path(__file__).parent.parent / "notebooks" / "source" / "wgan.py"


@pytest.fixture(scope="module")
def lesson():
    """The functions that the lesson defines, without running the lesson."""
    text = SOURCE.read_text(encoding="utf-8")
    body = [
        node
        for node in ast.parse(text).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EDGES")
    ]
    names = {"keras": keras, "np": np, "ops": ops, "tf": tf, "gl": gl, "FAST": True, "layers": keras.layers}
    exec(compile(ast.Module(body=body, type_ignores=[]), str(SOURCE), "exec"), names)
    return names


@pytest.fixture
def logits():
    random = np.random.default_rng(0)
    return random.normal(1, 2, (32, 1)).astype("float32"), random.normal(-1, 3, (32, 1)).astype("float32")


@pytest.fixture
def images():
    return tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 16, 8, 8, 3)).astype("float32"))


def small_critic():
    keras.utils.set_random_seed(0)
    return gl.networks.dcgan_critic((8, 8, 3), filters=(8, 16))


def test_the_losses_are_the_packages(lesson, logits):
    real, fake = logits
    package = gl.objectives.Wasserstein()
    assert float(lesson["critic_loss"](real, fake)) == pytest.approx(fake.mean() - real.mean(), rel=1e-5)
    assert float(lesson["generator_loss"](fake)) == pytest.approx(-fake.mean(), rel=1e-5)
    assert float(lesson["critic_loss"](real, fake)) == float(package.discriminator_loss(real, fake))
    assert float(lesson["generator_loss"](fake)) == float(package.generator_loss(fake))


def test_the_gradient_penalty_is_the_packages_and_so_are_its_gradients(lesson, images):
    critic, (real, fake) = small_critic(), images
    packaged = gl.penalties.GradientPenalty(weight=10.0)
    found = []
    for penalty in (lesson["gradient_penalty"], packaged):
        # Both draw one α an image; with the same images on both sides it does not matter which.
        with tf.GradientTape() as tape:
            value = penalty(critic, real, real)
        found.append((value, tape.gradient(value, critic.trainable_variables)))
    (ours, our_gradients), (theirs, their_gradients) = found
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)
    for our, their in zip(our_gradients, their_gradients, strict=True):
        if their is None:
            assert our is None
        else:
            np.testing.assert_allclose(our, their, rtol=1e-4, atol=1e-6)

    # Between two different sets of images: the same value in the mean over α.
    means = [np.mean([float(p(critic, real, fake)) for _ in range(20)]) for p in (lesson["gradient_penalty"], packaged)]
    assert means[0] == pytest.approx(means[1], rel=1e-2)


@pytest.mark.parametrize("length", [0.0, 0.5, 1.0, 4.0])
def test_the_gradient_penalty_of_a_linear_critic(lesson, images, length):
    direction = np.random.default_rng(1).normal(size=(8, 8, 3)).astype("float32")
    w = length * direction / np.linalg.norm(direction)
    assert float(lesson["gradient_penalty"](lesson["linear"](w), *images)) == pytest.approx(
        10 * (length - 1) ** 2, abs=1e-3
    )


def test_the_critic_step_is_one_of_the_packages(lesson, images):
    """One step of the lesson's and one of GAN's own parts, from the same weights: the same weights."""
    real, _ = images
    ours, theirs = small_critic(), small_critic()
    lesson["wgan_gp_critic_step"](ours, keras.optimizers.SGD(0.1), real, real)

    objective, penalty = gl.objectives.Wasserstein(), gl.penalties.GradientPenalty(10.0)
    optimizer = keras.optimizers.SGD(0.1)
    with tf.GradientTape() as tape:
        loss = objective.discriminator_loss(theirs(real), theirs(real)) + penalty(theirs, real, real)
    optimizer.apply(tape.gradient(loss, theirs.trainable_variables), theirs.trainable_variables)
    before = small_critic().trainable_variables
    for one, other, start in zip(ours.trainable_variables, theirs.trainable_variables, before, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
        assert one.shape == (1,) or np.abs(one.numpy() - start.numpy()).max() > 0 or "bias" in one.name


@pytest.mark.parametrize("seed", range(5))
def test_the_critic_on_a_line_measures_the_distance_from_below(lesson, seed):
    real, fake = lesson["two_clouds"](seed)
    slopes, measured = lesson["train_critic_on_line"](real, fake)
    true = wasserstein_distance(real, fake)
    assert np.abs(slopes).max() <= 1
    assert 0.99 * true < measured <= true + 1e-4


def test_the_gradient_norms_are_finite_differences(lesson):
    keras.utils.set_random_seed(0)
    critic = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)])
    points = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")
    first, last = lesson["gradient_norms"](critic, points)
    h = 1e-3
    partial = [
        (critic(points + h * unit) - critic(points - h * unit)).numpy()[:, 0] / (2 * h)
        for unit in np.eye(2, dtype="float32")
    ]
    assert first == pytest.approx(np.linalg.norm(partial, axis=0).mean(), rel=1e-2)
    assert last == pytest.approx(np.linalg.norm(critic.layers[-1].kernel), rel=1e-4)


def test_sliced_wasserstein_is_the_mean_of_scipys_distances(lesson):
    random = np.random.default_rng(0)
    images, reals = random.normal(size=(2, 30, 4, 4, 3))
    found = lesson["sliced_wasserstein"](images, reals, directions=7, seed=3)

    start, end = np.random.default_rng(3).integers(30, size=(2, 7))
    expected = []
    for i, j in zip(start, end, strict=True):
        line = (reals[j] - reals[i]).ravel()
        line = line / np.linalg.norm(line)
        expected.append(wasserstein_distance(images.reshape(30, -1) @ line, reals.reshape(30, -1) @ line))
    assert found == pytest.approx(np.mean(expected), rel=1e-6)
    assert lesson["sliced_wasserstein"](reals, reals) == 0


def test_the_settings_that_are_said_to_be_the_papers_are():
    text = SOURCE.read_text(encoding="utf-8")
    settings = {
        ast.unparse(node.targets[0]): node.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).strip("()")[0].isupper()
    }
    assert ast.literal_eval(settings["PENALTY_WEIGHT"]) == 10.0
    assert ast.literal_eval(settings["CRITIC_STEPS"]) == 5
    assert ast.literal_eval(settings["(LEARNING_RATE, BETA_1, BETA_2)"])[1:] == (0.0, 0.9)
