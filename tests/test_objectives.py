"""Each objective against NumPy's closed forms and derivatives worked out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from others import LATENT, images
from systems import sgd, small_gan

from gan_lessons import objectives


def softplus(t):
    return np.logaddexp(0.0, np.asarray(t, "float64"))


def sigmoid(t):
    return np.exp(-softplus(-np.asarray(t, "float64")))


def relu(t):
    return np.maximum(np.asarray(t, "float64"), 0)


def ratio(p, q):
    return p / (p + q)


CROSS_ENTROPY = {
    "d": lambda r, f: softplus(-r).mean() + softplus(f).mean(),
    "d_dr": lambda r, f: -sigmoid(-r),
    "d_df": lambda r, f: sigmoid(f),
    "log": lambda r, f: {"d_real": sigmoid(r).mean(), "d_fake": sigmoid(f).mean()},
    "best": lambda p, q: np.log(p / q),
    "even": (0.0, 2 * np.log(2)),
}
OUTPUTS = {"log": lambda r, f: {"output_real": r.mean(), "output_fake": f.mean()}}

# One row an objective, in float64: its losses d and g, their derivatives in each logit (for one logit of the mean over
# n), what it logs, the best D for two densities (None without one), and at p = q the best D's output and loss.
CASES = {
    "minimax": CROSS_ENTROPY
    | {
        "make": objectives.Minimax,
        "g": lambda r, f: -softplus(f).mean(),
        "g_df": lambda r, f: -sigmoid(f),
    },
    "non_saturating": CROSS_ENTROPY
    | {
        "make": objectives.NonSaturating,
        "g": lambda r, f: softplus(-f).mean(),
        "g_df": lambda r, f: -sigmoid(-f),
    },
    "smoothed": CROSS_ENTROPY
    | {
        "make": lambda: objectives.NonSaturating(real_label=0.8),
        "d": lambda r, f: (0.8 * softplus(-r) + 0.2 * softplus(r)).mean() + softplus(f).mean(),
        "d_dr": lambda r, f: sigmoid(r) - 0.8,
        "g": lambda r, f: softplus(-f).mean(),
        "g_df": lambda r, f: -sigmoid(-f),
        "best": lambda p, q: np.log(0.8 * ratio(p, q) / (1 - 0.8 * ratio(p, q))),
        "even": (np.log(0.4 / 0.6), -0.8 * np.log(0.4) - 0.2 * np.log(0.6) - np.log(0.6)),
    },
    "wasserstein": {
        "make": objectives.Wasserstein,
        "d": lambda r, f: f.mean() - r.mean(),
        "g": lambda r, f: -f.mean(),
        "d_dr": lambda r, f: -np.ones_like(r),
        "d_df": lambda r, f: np.ones_like(f),
        "g_df": lambda r, f: -np.ones_like(f),
        "log": lambda r, f: {"distance": r.mean() - f.mean()},
        "best": None,
        "even": (0.0, 0.0),
    },
    "least_squares": OUTPUTS
    | {
        "make": objectives.LeastSquares,
        "d": lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2,
        "g": lambda r, f: ((f - 1) ** 2).mean() / 2,
        "d_dr": lambda r, f: r - 1,
        "d_df": lambda r, f: f,
        "g_df": lambda r, f: f - 1,
        "best": ratio,
        "even": (0.5, 0.25),
    },
    "least_squares by Pearson": OUTPUTS
    | {
        "make": lambda: objectives.LeastSquares(a=-1.0, b=1.0, c=0.0),
        "d": lambda r, f: ((r - 1) ** 2).mean() / 2 + ((f + 1) ** 2).mean() / 2,
        "g": lambda r, f: (f**2).mean() / 2,
        "d_dr": lambda r, f: r - 1,
        "d_df": lambda r, f: f + 1,
        "g_df": lambda r, f: f,
        "best": lambda p, q: (p - q) / (p + q),
        "even": (0.0, 1.0),
    },
    "hinge": OUTPUTS
    | {
        "make": objectives.Hinge,
        "d": lambda r, f: relu(1 - r).mean() + relu(1 + f).mean(),
        "g": lambda r, f: -f.mean(),
        "d_dr": lambda r, f: -1.0 * (r < 1),
        "d_df": lambda r, f: 1.0 * (f > -1),
        "g_df": lambda r, f: -np.ones_like(f),
        "best": lambda p, q: np.sign(p - q),
        "even": (0.3, 2.0),
    },
    "relativistic": {
        "make": objectives.Relativistic,
        "d": lambda r, f: softplus(f - r).mean(),
        "g": lambda r, f: softplus(r - f).mean(),
        "d_dr": lambda r, f: -sigmoid(f - r),
        "d_df": lambda r, f: sigmoid(f - r),
        "g_df": lambda r, f: -sigmoid(r - f),
        "log": lambda r, f: {"prefers_real": sigmoid(r - f).mean()},
        "best": lambda p, q: np.log(p / q) + 5.0,
        "even": (7.0, np.log(2)),
    },
    "relativistic_average": {
        "make": objectives.RelativisticAverage,
        "d": lambda r, f: softplus(f.mean() - r).mean() + softplus(f - r.mean()).mean(),
        "g": lambda r, f: softplus(r - f.mean()).mean() + softplus(r.mean() - f).mean(),
        "d_dr": lambda r, f: -sigmoid(f.mean() - r) - sigmoid(f - r.mean()).mean(),
        "d_df": lambda r, f: sigmoid(f.mean() - r).mean() + sigmoid(f - r.mean()),
        "g_df": lambda r, f: -sigmoid(r - f.mean()).mean() - sigmoid(r.mean() - f),
        "log": lambda r, f: {"prefers_real": sigmoid(r - f.mean()).mean()},
        "best": None,
        "even": (7.0, 2 * np.log(2)),
    },
}


def logits(seed, scale=3.0, shape=(7, 1)):
    return np.random.default_rng(seed).normal(0, scale, shape).astype("float32")


@pytest.fixture(params=CASES, ids=str)
def case(request):
    return CASES[request.param]["make"](), CASES[request.param]


def test_every_objective_of_the_package_has_a_row_here():
    assert set(objectives._BY_NAME) <= set(CASES)
    assert all(type(objectives.get(name)) is type(CASES[name]["make"]()) for name in objectives._BY_NAME)
    public = {c for c in vars(objectives).values() if isinstance(c, type) and issubclass(c, objectives.Objective)}
    assert public - {objectives.Objective} == set(objectives._BY_NAME.values())


@pytest.mark.parametrize("shape", [(7, 1), (5,), (3, 4, 4, 1)], ids=str)
def test_losses_and_logs_are_the_formulas(case, shape):
    objective, truth = case
    for seed in range(3):
        real, fake = logits(seed, shape=shape), logits(100 + seed, shape=shape)
        d_loss, g_loss = objective.discriminator_loss(real, fake), objective.generator_loss(fake, real)
        if not objective.generator_sees_real:
            assert float(objective.generator_loss(fake)) == float(g_loss)
        assert tuple(d_loss.shape) == tuple(g_loss.shape) == ()
        np.testing.assert_allclose(
            d_loss, truth["d"](real.astype("float64"), fake.astype("float64")), rtol=2e-5, atol=1e-6
        )
        np.testing.assert_allclose(
            g_loss, truth["g"](real.astype("float64"), fake.astype("float64")), rtol=2e-5, atol=1e-6
        )
        logged, expected = objective.log(real, fake), truth["log"](real.astype("float64"), fake.astype("float64"))
        assert set(logged) == set(expected) == set(objective.log_names)
        for key in expected:
            np.testing.assert_allclose(logged[key], expected[key], rtol=2e-5, atol=1e-6)


def gradients(objective, real, fake):
    real, fake = tf.constant(real), tf.constant(fake)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        d_loss, g_loss = objective.discriminator_loss(real, fake), objective.generator_loss(fake, real)
    found = [tape.gradient(d_loss, real), tape.gradient(d_loss, fake), tape.gradient(g_loss, fake)]
    return [g.numpy() for g in found]


def test_gradients_are_the_derivatives_in_the_logits(case):
    objective, truth = case
    real, fake = logits(3), logits(4)
    d_real, d_fake, g_fake = gradients(objective, real, fake)
    np.testing.assert_allclose(d_real, truth["d_dr"](real, fake) / 7, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(d_fake, truth["d_df"](real, fake) / 7, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(g_fake, truth["g_df"](real, fake) / 7, rtol=1e-4, atol=1e-7)


def test_gradients_are_finite_differences_of_the_losses(case):
    objective, _ = case
    real, fake = logits(5).astype("float64"), logits(6).astype("float64")
    d_real, d_fake, g_fake = gradients(objective, real, fake)
    h = 1e-4
    for index in range(7):
        step = np.zeros((7, 1))
        step[index] = h

        def slope(loss, step=step):
            return (float(loss(step)) - float(loss(-step))) / (2 * h)

        np.testing.assert_allclose(
            d_real[index, 0], slope(lambda e: objective.discriminator_loss(real + e, fake)), atol=1e-6
        )
        np.testing.assert_allclose(
            d_fake[index, 0], slope(lambda e: objective.discriminator_loss(real, fake + e)), atol=1e-6
        )
        np.testing.assert_allclose(
            g_fake[index, 0], slope(lambda e: objective.generator_loss(fake + e, real)), atol=1e-6
        )


@pytest.mark.parametrize("real", [-1e4, 1e4])
@pytest.mark.parametrize("fake", [-1e4, 1e4])
def test_extreme_logits_stay_finite_and_right(case, real, fake):
    objective, truth = case
    real, fake = np.full((4, 1), real, "float32"), np.full((4, 1), fake, "float32")
    np.testing.assert_allclose(objective.discriminator_loss(real, fake), truth["d"](real, fake), rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(objective.generator_loss(fake, real), truth["g"](real, fake), rtol=1e-6, atol=1e-30)
    for gradient in gradients(objective, real, fake):
        assert np.isfinite(gradient).all()
    for value in objective.log(real, fake).values():
        assert np.isfinite(value)


@pytest.mark.parametrize("name", [name for name, row in CASES.items() if row["best"]])
def test_the_best_d_is_where_its_loss_is_least(name):
    """On five points, each of which real and generated samples hit as often as their densities say, in all pairs."""
    objective, truth = CASES[name]["make"](), CASES[name]
    p, q = np.array([5, 4, 3, 2, 1]), np.array([1, 3, 2, 4, 5])
    at_real, at_fake = np.repeat(np.arange(5), p), np.repeat(np.arange(5), q)
    at_real, at_fake = np.repeat(at_real, 15), np.tile(at_fake, 15)

    def loss(d):
        return float(objective.discriminator_loss(d[at_real], d[at_fake]))

    best, random = truth["best"](p / 15, q / 15), np.random.default_rng(0)
    least = loss(best)
    np.testing.assert_allclose(least, truth["d"](best[at_real], best[at_fake]), rtol=1e-6)
    for size in (1e-2, 0.1, 1.0):
        assert all(loss(best + size * random.normal(size=5)) > least for _ in range(20)), size


def test_where_both_densities_are_one_no_image_gets_a_push(case):
    """At p = q a D of one output everywhere is the best: real and generated logits are pulled with opposite forces."""
    objective, truth = case
    output, value = truth["even"]
    logits = np.full((4, 1), output, "float64")
    np.testing.assert_allclose(objective.discriminator_loss(logits, logits), value, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(truth["d_dr"](logits, logits) + truth["d_df"](logits, logits), 0, atol=1e-12)


@pytest.mark.parametrize("kind", [objectives.Minimax, objectives.NonSaturating])
@pytest.mark.parametrize("wrong", [1.05, 0, -0.1, True, "0.9", None, float("nan")], ids=repr)
def test_a_target_above_one_is_refused(kind, wrong):
    with pytest.raises(ValueError, match=r"real_label must be in \(0, 1\]. Received: real_label="):
        kind(real_label=wrong)


def test_least_squares_needs_two_targets():
    with pytest.raises(ValueError, match="a and b must differ.*Received: a=1"):
        objectives.LeastSquares(a=1.0, b=1.0)


def test_a_losing_generator_is_moved_by_the_non_saturating_loss_only():
    fake = np.full((1, 1), -20.0, "float32")  # D is sure that it is generated
    *_, saturated = gradients(objectives.Minimax(), fake, fake)
    *_, kept = gradients(objectives.NonSaturating(), fake, fake)
    assert abs(saturated[0, 0]) < 1e-8 and abs(kept[0, 0] + 1) < 1e-6


def test_minimax_is_zero_sum_in_the_fakes_and_log_4_at_equilibrium():
    zeros, fake = np.zeros((4, 1), "float32"), logits(7)
    minimax = objectives.Minimax()
    np.testing.assert_allclose(minimax.discriminator_loss(zeros, zeros), np.log(4), rtol=1e-6)
    np.testing.assert_allclose(minimax.generator_loss(zeros), -np.log(2), rtol=1e-6)
    np.testing.assert_allclose(
        minimax.discriminator_loss(zeros, fake) - np.log(2), -minimax.generator_loss(fake), rtol=1e-5
    )


def test_get_takes_names_and_objects():
    assert type(objectives.get("minimax")) is objectives.Minimax
    assert type(objectives.get("non_saturating")) is objectives.NonSaturating
    assert type(objectives.get("wasserstein")) is objectives.Wasserstein

    class LeastSquares:  # not derived from Objective: the two methods are all that is asked
        def discriminator_loss(self, real_logits, fake_logits):
            return keras.ops.mean((real_logits - 1) ** 2) + keras.ops.mean(fake_logits**2)

        def generator_loss(self, fake_logits):
            return keras.ops.mean((fake_logits - 1) ** 2)

    own = LeastSquares()
    assert objectives.get(own) is own


@pytest.mark.parametrize(
    "wrong",
    ["hinges", "Minimax", None, 3, objectives.Minimax, object()],
    ids=["name", "class name", "None", "3", "class", "object"],
)
def test_get_refuses_in_words(wrong):
    with pytest.raises(ValueError, match="Received: objective=") as error:
        objectives.get(wrong)
    if isinstance(wrong, str):
        assert all(repr(name) in str(error.value) for name in objectives._BY_NAME)
    else:
        assert "generator_loss" in str(error.value) and "instance" in str(error.value)


def test_the_base_says_what_is_to_be_written():
    class Half(objectives.Objective):
        pass

    with pytest.raises(NotImplementedError, match="Half must define discriminator_loss"):
        Half().discriminator_loss(0, 0)
    with pytest.raises(NotImplementedError, match="Half must define generator_loss"):
        Half().generator_loss(0)
    assert Half().log(0, 0) == {} and Half().log_names == ()


def test_an_objective_that_sees_real_logits_gets_them_in_the_generators_turn():
    """A relativistic objective (Jolicoeur-Martineau 2018, arXiv:1807.00734): a step of G against one written out."""
    gan = small_gan(objective="relativistic", optimizers=(sgd, lambda: sgd(0.0)), run_eagerly=True)
    twin = small_gan()
    draws, x = keras.random.SeedGenerator(0), tf.constant(images(10))
    draws.state.assign(gan.seed_generator.state)
    keras.random.normal((10, LATENT), seed=draws)  # for D's turn
    with tf.GradientTape() as tape:
        fakes = twin.generator(keras.random.normal((10, LATENT), seed=draws))
        margins = twin.discriminator(x) - twin.discriminator(fakes)
        loss = tf.reduce_mean(tf.math.softplus(margins))
    weights = twin.generator.trainable_weights
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        weight.assign(weight - 0.1 * gradient)
    history = gan.fit(x, batch_size=10, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["g_loss"][0], loss, rtol=1e-5)
    for a, b in zip(gan.generator.weights, twin.generator.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)
    assert np.isfinite(gan.evaluate(x, verbose=0, return_dict=True)["g_loss"])


def test_objectives_survive_serialisation(case):
    objective, _ = case
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(objective))
    assert type(again) is type(objective) and again.get_config() == objective.get_config()
