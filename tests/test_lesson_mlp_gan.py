"""What the lesson "An MLP GAN on MNIST" writes out is held against the package and closed forms, number for number."""

import ast
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from scipy.spatial.distance import cdist
from scipy.special import expit

import gan_lessons as gl

SCRIPT = Path(__file__).resolve().parent.parent / "notebooks" / "source" / "mlp_gan.py"


def written_out():
    """The lesson's functions, classes and settings, taken from its script; nothing else of it is run."""
    scope = {"keras": keras, "layers": layers, "ops": ops, "tf": tf, "np": np, "gl": gl, "FAST": False}
    for node in ast.parse(SCRIPT.read_text(encoding="utf-8")).body:
        names = [ast.unparse(target) for target in node.targets] if isinstance(node, ast.Assign) else []
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) or names in (
            ["BATCH_SIZE"], ["EPOCHS"], ["(LEARNING_RATE, BETA_1)"], ["AVERAGE"],
        ):  # fmt: skip
            exec(compile(ast.Module([node], type_ignores=[]), SCRIPT.name, "exec"), scope)
    return scope


LESSON = written_out()


def logits(seed, scale=3.0):
    return (scale * np.random.default_rng(seed).normal(size=(32, 1))).astype("float32")


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.0])
def test_the_losses_are_the_objectives(scale):
    real, fake = logits(0, scale), logits(1, scale)
    objective = gl.objectives.NonSaturating()
    d_loss, g_loss = LESSON["discriminator_loss"](real, fake), LESSON["generator_loss"](fake)
    np.testing.assert_array_equal(d_loss, objective.discriminator_loss(real, fake))
    np.testing.assert_array_equal(g_loss, objective.generator_loss(fake))
    real, fake = real.astype("float64"), fake.astype("float64")
    np.testing.assert_allclose(d_loss, -np.log(expit(real)).mean() - np.log(1 - expit(fake)).mean(), rtol=1e-5)
    np.testing.assert_allclose(g_loss, -np.log(expit(fake)).mean(), rtol=1e-5)


def test_the_networks_are_the_packages():
    keras.utils.set_random_seed(0)
    written = [LESSON["build_generator"](), LESSON["build_discriminator"]()]
    keras.utils.set_random_seed(0)
    package = [gl.networks.mlp_generator((28, 28, 1)), gl.networks.mlp_discriminator((28, 28, 1))]
    for one, other, inputs in zip(written, package, [(4, 100), (4, 28, 28, 1)], strict=True):
        assert [weight.shape for weight in one.weights] == [weight.shape for weight in other.weights]
        x = np.random.default_rng(1).normal(size=inputs).astype("float32")
        np.testing.assert_array_equal(one(x), other(x))


def small_players(dropout):
    """Equal networks each time, of the lesson's kind but small; with Dropout, equal in its draws too."""
    keras.utils.set_random_seed(3)
    return (
        gl.networks.mlp_generator((6, 6, 1), latent_dim=4, units=(16, 16)),
        gl.networks.mlp_discriminator((6, 6, 1), units=(16,), dropout=dropout),
    )


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_the_written_out_step_is_that_of_gan(run_eagerly):
    images = np.tanh(np.random.default_rng(0).normal(size=(70, 6, 6, 1))).astype("float32")
    weights, histories = [], []
    for model in (LESSON["WrittenOutGAN"], gl.GAN):
        gan = model(*small_players(dropout=0.0), latent_dim=4, seed=7)
        gan.compile(generator_optimizer=LESSON["adam"](), discriminator_optimizer=LESSON["adam"]())
        gan.run_eagerly = run_eagerly
        # The last batch is smaller than the others.
        history = gan.fit(images, batch_size=16, epochs=3, shuffle=False, verbose=0)
        weights.append(gan.generator.get_weights() + gan.discriminator.get_weights())
        histories.append(history.history)
    start = small_players(dropout=0.0)
    start = start[0].get_weights() + start[1].get_weights()
    assert max(np.abs(a - b).max() for a, b in zip(weights[0], start, strict=True)) > 1e-3
    for ours, packages in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, packages, atol=1e-5)
    for name in ("d_loss", "g_loss"):
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-5)


def test_the_written_out_step_trains_with_dropout_on():
    # With training=True the same network answers differently from call to call; without it, it would not.
    flags = []

    class Witness(keras.layers.Layer):
        def call(self, inputs, training=None):
            flags.append(training)
            return inputs

    def with_witness(network):
        return keras.Sequential([keras.Input(network.input_shape[1:]), Witness(), network])

    players = [with_witness(network) for network in small_players(dropout=0.3)]
    gan = LESSON["WrittenOutGAN"](*players, latent_dim=4, seed=1)
    gan.compile(generator_optimizer=LESSON["adam"](), discriminator_optimizer=LESSON["adam"]())
    gan.run_eagerly = True
    flags.clear()
    gan.fit(np.zeros((8, 6, 6, 1), "float32"), batch_size=8, verbose=0)
    assert len(flags) == 5 and all(flag is True for flag in flags)  # G twice, D three times


def test_the_logs_are_means_over_the_epoch():
    images = np.tanh(np.random.default_rng(0).normal(size=(64, 6, 6, 1))).astype("float32")
    gan = LESSON["WrittenOutGAN"](*small_players(dropout=0.0), latent_dim=4, seed=7)
    gan.compile(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.SGD(0.0))
    one_batch = [gan.fit(part, batch_size=16, verbose=0).history["d_loss"][0] for part in np.split(images, 4)]
    fresh = LESSON["WrittenOutGAN"](*small_players(dropout=0.0), latent_dim=4, seed=7)
    fresh.compile(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.SGD(0.0))
    epoch = fresh.fit(images, batch_size=16, shuffle=False, verbose=0).history["d_loss"]
    np.testing.assert_allclose(epoch, [np.mean(one_batch)], rtol=1e-5)


@pytest.mark.parametrize("block", [3, 7, 500])
def test_nearest_finds_what_scipy_finds(block):
    random = np.random.default_rng(0)
    queries, others = random.normal(size=(7, 5, 4, 1)), random.normal(size=(20, 5, 4, 1))
    index, distance = LESSON["nearest"](queries.astype("float32"), others.astype("float32"), block=block)
    expected = cdist(queries.reshape(7, -1), others.reshape(20, -1))
    np.testing.assert_array_equal(index, expected.argmin(1))
    np.testing.assert_allclose(distance, expected.min(1), rtol=1e-4)


def test_the_logbook_keeps_both_confidences():
    class Judge:
        """Calls an image a 1 with a probability that grows with its mean."""

        def predict(self, images, **kwargs):
            one = expit(images.mean(axis=(1, 2, 3)))
            return np.stack([1 - one, one], axis=1)

    gan = gl.GAN(*small_players(dropout=0.0), latent_dim=4, seed=1)
    optimizer = keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=0.9)
    gan.compile(generator_optimizer=optimizer, discriminator_optimizer=LESSON["adam"]())
    latents = gan.sample_latents(20, seed=0)
    logbook = LESSON["Logbook"]({1, 3}, Judge(), latents)
    gan.fit(np.zeros((32, 6, 6, 1), "float32"), batch_size=8, epochs=3, verbose=0, callbacks=[logbook])

    def confidence(images):
        return gl.metrics.class_report(Judge(), images).confidence

    assert set(logbook.pictures) == set(logbook.last) == set(logbook.averaged) == {1, 3}
    last = gan.generator.predict(latents, batch_size=256, verbose=0)
    np.testing.assert_array_equal(logbook.pictures[3], last[:10])
    assert logbook.averaged[3] == confidence(gan.generate(latents=latents))
    assert logbook.last[3] == confidence(last)
    assert logbook.last[3] != logbook.averaged[3]


def test_the_settings_are_about_five_minutes_of_steps():
    # What was measured to reach the aim (see benchmarks/mlp_mnist.py); a step of 128 images is 12 to 20 ms on two cores.
    steps = LESSON["EPOCHS"] * (60_000 // LESSON["BATCH_SIZE"])
    assert LESSON["BATCH_SIZE"] == 128 and 14_000 <= steps <= 20_000
    assert 0 < LESSON["BETA_1"] < 0.9 and 0.9 <= LESSON["AVERAGE"] < 1


def test_the_logits_of_an_exercise_are_those_that_its_check_has():
    """Read from the text; the formula is written out, so that neither the package's nor the check's is used."""
    text = SCRIPT.read_text(encoding="utf-8").replace("\n# ", " ")
    sentence = r"D's logits on two real images are \$(.+?)\$ and \$(.+?)\$, on two fakes \$(.+?)\$ and \$(.+?)\$"
    (found,) = re.findall(sentence, text)
    first, second, third, fourth = map(float, found)
    loss = -np.mean(np.log(expit([first, second]))) - np.mean(np.log(1 - expit([third, fourth])))
    assert gl.checks.mlp_gan.loss_of_logits(loss).status == "right"
