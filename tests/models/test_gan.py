"""The game itself: steps against hand-written ones, logs, every form of data, and images from latents."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from others import LATENT, PLAYERS, SHAPE, images
from systems import plain, sgd
from systems import small_gan as compiled

from gan_lessons import GAN, networks
from gan_lessons.objectives import Minimax
from gan_lessons.penalties import GradientPenalty


def values(model):
    return [weight.numpy().copy() for weight in model.weights]


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


# --- one step ------------------------------------------------------------------------------------------------------


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


# The derivatives of the two losses in each logit, for a batch of n: D's in real and in fake, G's in fake.
DERIVATIVES = {
    "minimax": (lambda r: sigmoid(r) - 1, sigmoid, lambda f: -sigmoid(f)),
    "non_saturating": (lambda r: sigmoid(r) - 1, sigmoid, lambda f: sigmoid(f) - 1),
    "wasserstein": (lambda r: -np.ones_like(r), np.ones_like, lambda f: -np.ones_like(f)),
}


def forward(x, weights):
    """A network of one hidden tanh layer. Returns its output and what the way back needs."""
    w1, b1, w2, b2 = weights
    hidden = np.tanh(x @ w1 + b1)
    return hidden @ w2 + b2, hidden


def backward(x, hidden, weights, d_out):
    """The chain rule by hand: gradients in the weights and in x, from the gradient in the output."""
    w1, _, w2, _ = weights
    d_hidden = (d_out @ w2.T) * (1 - hidden**2)
    return [x.T @ d_hidden, d_hidden.sum(0), hidden.T @ d_out, d_out.sum(0)], d_hidden @ w1.T


def step_by_hand(G, D, x, z_d, z_g, objective, rate_g, rate_d):
    """One batch of algorithm 1 of arXiv:1406.2661, in NumPy: the weights of both after it."""
    n, (d_real, d_fake, g_fake) = len(x), DERIVATIVES[objective]
    fakes = np.tanh(forward(z_d, G)[0])
    real_logits, real_hidden = forward(x, D)
    fake_logits, fake_hidden = forward(fakes, D)
    of_real, _ = backward(x, real_hidden, D, d_real(real_logits) / n)
    of_fake, _ = backward(fakes, fake_hidden, D, d_fake(fake_logits) / n)
    D = [w - rate_d * (a + b) for w, a, b in zip(D, of_real, of_fake)]

    out, g_hidden = forward(z_g, G)
    fakes = np.tanh(out)
    logits, hidden = forward(fakes, D)
    _, d_fakes = backward(fakes, hidden, D, g_fake(logits) / n)
    of_g, _ = backward(z_g, g_hidden, G, d_fakes * (1 - fakes**2))
    return [w - rate_g * g for w, g in zip(G, of_g)], D


@pytest.mark.parametrize("objective", DERIVATIVES)
@pytest.mark.parametrize("options", [{}, {"run_eagerly": True}, {"share_fakes": True}], ids=str)
def test_three_steps_are_those_in_numpy(objective, options):
    gan = compiled(objective=objective, seed=1, optimizers=(lambda: sgd(0.3), lambda: sgd(0.2)), **options)
    G, D = ([w.numpy().astype("float64") for w in model.weights] for model in (gan.generator, gan.discriminator))
    x = images(12)
    same_draws = keras.random.SeedGenerator(0)
    same_draws.state.assign(gan.seed_generator.state)
    for start in (0, 4, 8):
        batch = x[start : start + 4]
        z_d = ops.convert_to_numpy(keras.random.normal((4, LATENT), seed=same_draws))
        z_g = z_d if gan.share_fakes else ops.convert_to_numpy(keras.random.normal((4, LATENT), seed=same_draws))
        G, D = step_by_hand(G, D, batch.reshape(4, 16).astype("float64"), z_d, z_g, objective, 0.3, 0.2)
        gan.fit(batch, batch_size=4, verbose=0)
        for model, expected in ((gan.generator, G), (gan.discriminator, D)):
            for weight, value in zip(model.weights, expected, strict=True):
                np.testing.assert_allclose(weight.numpy(), value, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("objective", DERIVATIVES)
def test_a_step_with_a_penalty_is_the_one_written_out(objective):
    gan = compiled(objective=objective, penalty=GradientPenalty(10.0, seed=5), seed=2)
    twin = compiled(objective=objective, seed=2)
    G, D = twin.generator, twin.discriminator
    assert_same(values(D), values(gan.discriminator))
    x, n = tf.constant(images(6)), 6
    draws, alphas = keras.random.SeedGenerator(0), keras.random.SeedGenerator(5)
    draws.state.assign(gan.seed_generator.state)
    gan.fit(x, batch_size=n, verbose=0, shuffle=False)  # each image has its own α

    fakes = G(keras.random.normal((n, LATENT), seed=draws))
    alpha = keras.random.uniform((n, 1, 1, 1), seed=alphas)
    with tf.GradientTape() as tape:
        real_logits, fake_logits = D(x), D(fakes)
        if objective == "wasserstein":
            loss = tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits)
        else:
            cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits
            loss = tf.reduce_mean(cross_entropy(tf.ones((n, 1)), real_logits))
            loss += tf.reduce_mean(cross_entropy(tf.zeros((n, 1)), fake_logits))
        with tf.GradientTape() as inner:
            between = alpha * x + (1 - alpha) * fakes
            inner.watch(between)
            answers = D(between)
        slopes = tf.norm(tf.reshape(inner.gradient(answers, between), (n, -1)), axis=1)
        loss += 10.0 * tf.reduce_mean((slopes - 1) ** 2)
    for weight, gradient in zip(D.trainable_weights, tape.gradient(loss, D.trainable_weights)):
        weight.assign(weight - 0.1 * gradient)
    for mine, written in zip(gan.discriminator.weights, D.weights):
        np.testing.assert_allclose(mine.numpy(), written.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("players", PLAYERS.values(), ids=PLAYERS)
def test_each_turn_moves_one_player_only(players):
    still, moving = (lambda: sgd(0.0)), (lambda: sgd(0.1))
    for mover, optimizers in (("generator", (moving, still)), ("discriminator", (still, moving))):
        gan = compiled(players, optimizers)
        before = {name: [w.numpy().copy() for w in player.trainable_weights] for name, player in gan.players.items()}
        gan.fit(images(4), batch_size=4, verbose=0)
        for name, player in gan.players.items():
            spectral = [w for w in player.trainable_weights if "spectral_normalization" in w.path]
            free = [w for w in player.trainable_weights if "spectral_normalization" not in w.path]
            changed = moved(
                [v for v, w in zip(before[name], player.trainable_weights) if not any(w is s for s in spectral)],
                [w.numpy() for w in free],
            )
            assert any(changed) == (name == mover), (mover, name)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_discriminator_steps(steps):
    gan = compiled(discriminator_steps=steps)
    counts = []
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: counts.append(
            (
                int(gan.generator_optimizer.iterations),
                int(gan.discriminator_optimizer.iterations),
                values(gan.generator),
            )
        )
    )
    gan.fit(images(14), batch_size=2, epochs=2, verbose=0, callbacks=[record])  # 7 batches: not divisible by 2 or 3
    assert [d for _, d, _ in counts] == list(range(1, 15))
    assert [g for g, _, _ in counts] == [d // steps for d in range(1, 15)]
    for (g_before, _, before), (g_after, _, after) in zip(counts, counts[1:]):
        assert any(moved(before, after)) == (g_after > g_before), "G moves on its turns only"


def test_each_discriminator_step_sees_a_fresh_batch_and_fresh_latents():
    seen, real = [], []

    class Watch(Minimax):
        def discriminator_loss(self, real_logits, fake_logits):
            seen.append(fake_logits.numpy().ravel())
            real.append(real_logits.numpy().ravel())
            return super().discriminator_loss(real_logits, fake_logits)

    still = lambda: sgd(0.0)  # noqa: E731
    gan = compiled(objective=Watch(), discriminator_steps=3, run_eagerly=True, optimizers=(still, still))
    x = images(6)
    gan.fit(x, batch_size=2, verbose=0, shuffle=False)
    np.testing.assert_allclose(np.concatenate(real), ops.convert_to_numpy(gan.discriminator(x)).ravel(), rtol=1e-5)
    assert len(np.unique(np.round(np.concatenate(seen), 6))) == 6


def test_players_are_called_in_training_mode():
    calls = []

    class Spy(layers.Layer):
        def call(self, x, training=None):
            calls.append(training)
            return x

    def players():
        G, D = plain()
        return keras.Sequential([Spy(), *G.layers]), keras.Sequential([Spy(), *D.layers])

    gan = compiled(players, run_eagerly=True)
    calls.clear()
    gan.fit(images(4), batch_size=4, verbose=0)
    assert calls and all(calls)
    calls.clear()
    gan.evaluate(images(4), batch_size=4, verbose=0)
    gan.generate(2)
    assert calls and not any(calls)


def test_batch_norm_statistics_of_g_move():
    gan = compiled(PLAYERS["sequential"])
    before = values(gan.generator)
    gan.fit(images(4), batch_size=4, verbose=0)
    paths = [w.path for w in gan.generator.weights]
    changed = dict(zip(paths, moved(before, values(gan.generator))))
    assert all(change for path, change in changed.items() if "moving" in path)


# --- logs ----------------------------------------------------------------------------------------------------------


class Recorder(Minimax):
    """Remembers what each batch's losses were; for `run_eagerly`."""

    def __init__(self):
        self.d, self.g, self.answers = [], [], []

    def discriminator_loss(self, real_logits, fake_logits):
        self.d.append(float(super().discriminator_loss(real_logits, fake_logits)))
        self.answers.append((float(ops.mean(ops.sigmoid(real_logits))), float(ops.mean(ops.sigmoid(fake_logits)))))
        return super().discriminator_loss(real_logits, fake_logits)

    def generator_loss(self, fake_logits):
        self.g.append(float(super().generator_loss(fake_logits)))
        return super().generator_loss(fake_logits)


@pytest.mark.parametrize("discriminator_steps", [1, 2])
def test_epoch_logs_are_means_over_the_epoch(discriminator_steps):
    x = images(11)  # batches of 4, 4 and 3
    record = Recorder()
    gan = compiled(objective=record, run_eagerly=True, discriminator_steps=discriminator_steps)
    history = gan.fit(x, batch_size=4, epochs=2, verbose=0, shuffle=False).history
    turns = [batch for batch in range(6) if (batch + 1) % discriminator_steps == 0]
    for epoch in range(2):
        np.testing.assert_allclose(history["d_loss"][epoch], np.mean(record.d[3 * epoch : 3 * epoch + 3]), rtol=1e-5)
        real, fake = np.mean(record.answers[3 * epoch : 3 * epoch + 3], axis=0)
        np.testing.assert_allclose(history["d_real"][epoch], real, rtol=1e-5)
        np.testing.assert_allclose(history["d_fake"][epoch], fake, rtol=1e-5)
        of_epoch = [loss for batch, loss in zip(turns, record.g) if batch // 3 == epoch]
        np.testing.assert_allclose(history["g_loss"][epoch], np.mean(of_epoch), rtol=1e-5)
    assert len(set(np.round(record.d, 6))) == 6, "the batches differ, or a mean would not show"

    for options in {1: [{}, {"steps_per_execution": 2}], 2: [{"steps_per_execution": 3}]}[discriminator_steps]:
        twin = compiled(objective="minimax", discriminator_steps=discriminator_steps, **options)
        other = twin.fit(x, batch_size=4, epochs=2, verbose=0, shuffle=False).history
        for key in history:
            np.testing.assert_allclose(other[key], history[key], rtol=1e-4, err_msg=f"{options} {key}")


def test_what_the_history_has():
    base = {"d_loss", "g_loss"}
    for objective, more in (
        ("minimax", {"d_real", "d_fake"}),
        ("non_saturating", {"d_real", "d_fake"}),
        ("wasserstein", {"distance"}),
    ):
        for penalty in (None,) if objective == "minimax" else (GradientPenalty(10.0),):
            gan = compiled(objective=objective, penalty=penalty, run_eagerly=True)
            history = gan.fit(images(4), batch_size=4, verbose=0, validation_data=images(4, 1)).history
            names = base | more | ({"penalty"} if penalty else set())
            assert set(history) == names | {f"val_{name}" for name in names}
            assert gan.metrics_names == [m.name for m in gan.metrics] and set(gan.metrics_names) == names
            if objective == "wasserstein":
                for prefix in ("", "val_"):
                    parts = -history[prefix + "distance"][0] + history.get(prefix + "penalty", [0])[0]
                    np.testing.assert_allclose(history[prefix + "d_loss"][0], parts, rtol=1e-4, atol=1e-6)


def test_an_objective_of_ones_own_without_a_log():
    class LeastSquares:
        def discriminator_loss(self, real_logits, fake_logits):
            return ops.mean((real_logits - 1) ** 2) + ops.mean(fake_logits**2)

        def generator_loss(self, fake_logits):
            return ops.mean((fake_logits - 1) ** 2)

    assert set(compiled(objective=LeastSquares()).fit(images(4), verbose=0).history) == {"d_loss", "g_loss"}


def test_one_batch_at_a_time():
    gan = compiled()
    logs = gan.train_on_batch(images(4), return_dict=True)
    assert set(logs) == {"d_loss", "g_loss", "d_real", "d_fake"} and int(gan.generator_optimizer.iterations) == 1
    assert len(gan.train_on_batch(images(4))) == len(gan.metrics_names)
    tested = gan.test_on_batch(images(4), return_dict=True)
    assert set(tested) == set(logs) and int(gan.generator_optimizer.iterations) == 2


# --- forms of data -------------------------------------------------------------------------------------------------

X, LABELS = images(10), np.arange(10)


def slices(*parts):
    return tf.data.Dataset.from_tensor_slices(parts[0] if len(parts) == 1 else parts).batch(4)


def everything(gan):
    optimizers = gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
    return [np.array(v.numpy()) for v in [*gan.variables, *gan._random_states(), *optimizers]]


def test_a_data_set_of_unknown_length_counts_its_batches_exactly():
    gan = compiled(PLAYERS["sequential"])
    state = [int(v.numpy()[1]) for v in gan._random_states()]
    gan.fit(slices(X).filter(lambda x: True), epochs=4, verbose=0)
    per_step = compiled(PLAYERS["sequential"])
    per_step.fit(X[:4], batch_size=4, verbose=0)
    drawn = [int(v.numpy()[1]) - s for v, s in zip(per_step._random_states(), state)]
    assert int(gan.generator_optimizer.iterations) == int(gan.discriminator_optimizer.iterations) == 12
    assert [int(v.numpy()[1]) for v in gan._random_states()] == [12 * d for d in drawn]


# --- evaluate ------------------------------------------------------------------------------------------------------


def test_evaluate_disturbs_no_state_of_layers():
    """Spectral normalisation moves its vectors in training; those of the contract have no such state."""
    gan = compiled(PLAYERS["subclassed"], run_eagerly=True)
    gan.fit(X, batch_size=4, verbose=0, shuffle=False)
    before = everything(gan)
    first = gan.evaluate(X, batch_size=4, verbose=0, return_dict=True)
    second = gan.evaluate(slices(X), verbose=0, return_dict=True)
    assert first == second and np.isfinite(list(first.values())).all()
    after = everything(gan)
    kept = [
        w.path
        for w in [
            *gan.variables,
            *gan._random_states(),
            *gan.generator_optimizer.variables,
            *gan.discriminator_optimizer.variables,
        ]
    ]
    means = {m.path for metric in gan.metrics for m in metric.variables}
    assert_same(
        [v for v, path in zip(before, kept) if path not in means],
        [v for v, path in zip(after, kept) if path not in means],
    )


def test_evaluate_is_the_objective_on_the_images():
    gan = compiled()
    gan.fit(X, batch_size=4, verbose=0)
    found = gan.evaluate(X, batch_size=10, verbose=0, return_dict=True)
    # It always draws from the same state: [index of the source, 0].
    draws = keras.random.SeedGenerator(0)
    index = [i for i, v in enumerate(gan._random_states()) if v is gan.seed_generator.state][0]
    draws.state.assign([index, 0])
    real = ops.convert_to_numpy(gan.discriminator(X))
    fake = ops.convert_to_numpy(gan.discriminator(gan.generator(keras.random.normal((10, LATENT), seed=draws))))
    np.testing.assert_allclose(found["d_real"], sigmoid(real).mean(), rtol=1e-4)
    np.testing.assert_allclose(found["d_fake"], sigmoid(fake).mean(), rtol=1e-4)
    np.testing.assert_allclose(found["g_loss"], np.log1p(np.exp(-fake)).mean(), rtol=1e-4)
    np.testing.assert_allclose(
        found["d_loss"], np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean(), rtol=1e-4
    )


# --- images from latents -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gan():
    gan = compiled(PLAYERS["nested"])
    gan.fit(X, batch_size=4, verbose=0)
    return gan


def test_latents_are_normal():
    gan = GAN(*plain(), LATENT)
    z = gan.sample_latents(20_000, seed=0)
    assert isinstance(z, np.ndarray) and z.shape == (20_000, LATENT) and z.dtype == "float32"
    assert np.abs(z.mean(0)).max() < 0.03 and np.abs(np.cov(z.T) - np.eye(LATENT)).max() < 0.05
    assert abs((np.abs(z) < 1).mean() - 0.6827) < 0.01, "and not uniform, nor cut off"
    np.testing.assert_array_equal(gan.sample_latents(5, seed=7), gan.sample_latents(5, seed=7))
    assert not np.array_equal(gan.sample_latents(5), gan.sample_latents(5))
    assert not np.array_equal(gan.sample_latents(5, seed=7), gan.sample_latents(5, seed=8))


def test_generate(gan):
    made = gan.generate(7, seed=0)
    assert isinstance(made, np.ndarray) and made.shape == (7, *SHAPE) and made.dtype == "float32"
    assert -1 <= made.min() < made.max() <= 1
    np.testing.assert_array_equal(made, gan.generate(7, seed=0))
    assert not np.array_equal(made, gan.generate(7))
    z = gan.sample_latents(7, seed=0)
    np.testing.assert_array_equal(made, gan.generate(latents=z))
    np.testing.assert_array_equal(made, gan.generate(np.int64(7), latents=z.tolist()))
    np.testing.assert_allclose(made, gan.generate(7, seed=0, batch_size=2), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(made, gan.predict(z, verbose=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(made, gan.predict(z, batch_size=2, verbose=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        made, gan.predict(tf.data.Dataset.from_tensor_slices(z).batch(3), verbose=0), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(made, gan(z), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("players", [PLAYERS["subclassed"], PLAYERS["nested"]], ids=["subclassed", "nested"])
def test_export_and_summary(players, tmp_path):
    gan = compiled(players, run_eagerly=True)
    gan.export(tmp_path / "served", verbose=False)  # before training
    gan.fit(X, batch_size=4, verbose=0)
    gan.export(tmp_path / "served", verbose=False)
    z = gan.sample_latents(3, seed=1)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.serve(z), gan.generate(latents=z), rtol=1e-5, atol=1e-6)
    lines = []
    gan.summary(print_fn=lambda line, **_: lines.append(line))
    text = "\n".join(lines)
    assert gan.generator.name in text and gan.discriminator.name in text
    assert f"{sum(int(np.prod(w.shape)) for w in gan.trainable_weights):,}" in text and "Optimizer params" in text


# --- ways to run ---------------------------------------------------------------------------------------------------


class SameLatents(GAN):
    """XLA draws other random numbers, so the comparison is without any."""

    def draw_latents(self, count):
        return ops.reshape(ops.cos(ops.arange(4 * LATENT, dtype="float32")), (4, LATENT))[:count]


def slope_at_real_images(discriminate, real_images, fake_images):
    with tf.GradientTape() as tape:
        tape.watch(real_images)
        logits = ops.sum(discriminate(real_images))
    return ops.mean(tape.gradient(logits, real_images) ** 2)


def trained(**options):
    keras.utils.set_random_seed(0)
    gan = SameLatents(*plain(), LATENT, penalty=slope_at_real_images, discriminator_steps=2)
    gan.compile(generator_optimizer=sgd(), discriminator_optimizer=sgd(), **options)
    history = gan.fit(X, batch_size=4, epochs=2, verbose=0, shuffle=False).history
    return history, values(gan)


@pytest.fixture(scope="module")
def trained_plainly():
    return trained(jit_compile=False)


@pytest.mark.parametrize(
    "options",
    [
        {"run_eagerly": True},
        {"jit_compile": True, "steps_per_execution": 3},
        {},
    ],
    ids=str,
)
def test_every_way_to_run_trains_the_same(trained_plainly, options):
    (expected, weights), (history, others) = trained_plainly, trained(**options)
    for key in expected:
        np.testing.assert_allclose(history[key], expected[key], rtol=1e-4, err_msg=key)
    for a, b in zip(weights, others):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("players", [PLAYERS["subclassed"], PLAYERS["nested"]], ids=["subclassed", "nested"])
def test_xla_compiles_other_peoples_networks(players):
    gan = compiled(players, jit_compile=True)
    assert np.isfinite(list(gan.fit(X[:8], batch_size=4, epochs=2, verbose=0).history.values())).all()


def test_the_latents_have_a_seed_of_their_own():
    def run(seed, global_seed):
        keras.utils.set_random_seed(0)
        players = plain()
        keras.utils.set_random_seed(global_seed)
        gan = GAN(*players, LATENT, seed=seed)
        gan.compile(generator_optimizer=sgd(), discriminator_optimizer=sgd(), jit_compile=False)
        gan.fit(X, batch_size=4, verbose=0, shuffle=False)
        return values(gan)

    assert_same(run(5, 1), run(5, 2))
    assert any(moved(run(5, 1), run(6, 1)))


def test_it_learns():
    # A distribution that a linear generator can make: the mean of its images must move onto the data's.
    keras.utils.set_random_seed(0)
    G = keras.Sequential([keras.Input((2,)), layers.Dense(2)])
    D = networks.mlp_discriminator((1, 1, 2), units=(16, 16))
    D = keras.Sequential([keras.Input((2,)), layers.Reshape((1, 1, 2)), D])
    gan = GAN(G, D, 2)
    adam = lambda: keras.optimizers.Adam(0.01, beta_1=0.5)  # noqa: E731
    gan.compile(generator_optimizer=adam(), discriminator_optimizer=adam(), jit_compile=False, steps_per_execution=50)
    target = np.array([3.0, -2.0])
    x = (target + np.random.default_rng(0).normal(size=(6400, 2))).astype("float32")
    start = np.abs(gan.generate(1000, seed=0).mean(0) - target).max()
    gan.fit(x, batch_size=64, epochs=8, verbose=0)
    assert start > 2.5 and np.abs(gan.generate(1000, seed=0).mean(0) - target).max() < 0.7
