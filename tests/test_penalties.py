"""Each penalty against critics whose slopes are known, and against finite differences."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from others import images
from systems import sgd, small_gan

from gan_lessons import GAN, penalties
from gan_lessons.penalties import DRAGAN, R1, R2, GradientPenalty, LeCam, Penalty, ZeroCentred, checked, squared_slopes

# One row a penalty of slopes: how it is made, and its value where D has the slope s everywhere, at the weight w.
SLOPES = {
    "gradient penalty": (GradientPenalty, lambda s, w: w * (s - 1) ** 2),
    "zero-centred": (ZeroCentred, lambda s, w: w * s**2),
    "DRAGAN": (DRAGAN, lambda s, w: w * (s - 1) ** 2),
    "R1": (R1, lambda s, w: w / 2 * s**2),
    "R2": (R2, lambda s, w: w / 2 * s**2),
}


def test_every_penalty_of_the_package_is_tried_here():
    public = {c for c in vars(penalties).values() if isinstance(c, type) and issubclass(c, Penalty)}
    assert public == {kind for kind, _ in SLOPES.values()} | {LeCam, Penalty}


@pytest.fixture(params=SLOPES, ids=str)
def row(request):
    return SLOPES[request.param]


def seeded(kind, weight):
    """With draws that are the same each time it is made."""
    return kind(weight) if kind in (R1, R2) else kind(weight, seed=3)


@pytest.mark.parametrize("weight", [0.1, 1, 10.0, 250.0])
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("shape", [(4, 4, 1), (3, 5, 2), (2,), (1,)], ids=str)
def test_a_linear_critic_has_the_closed_form(row, weight, slope, shape):
    kind, value_at = row
    w = np.random.default_rng(0).normal(size=shape)
    w = (slope * w / np.linalg.norm(w)).astype("float32")

    def critic(x):
        return ops.sum(w * x, axis=tuple(range(1, len(shape) + 1)))[:, None] + 7.0

    value = kind(weight)(critic, tf.constant(images(5, 1, shape)), tf.constant(images(5, 2, shape)))
    assert tuple(value.shape) == ()
    np.testing.assert_allclose(value, value_at(slope, weight), rtol=1e-4, atol=1e-5 * weight)


def test_the_norm_is_of_each_image_by_itself():
    # D(x) = ½‖x‖² has the gradient x: at x̂ the norm is ‖x̂‖. With real = fake, x̂ is known whatever α is.
    x = images(6)
    value = GradientPenalty(10.0)(lambda t: 0.5 * ops.sum(t * t, axis=(1, 2, 3)), ops.convert_to_tensor(x), x)
    norms = np.linalg.norm(x.reshape(6, -1), axis=1)
    np.testing.assert_allclose(value, 10 * np.mean((norms - 1) ** 2), rtol=1e-5)


def quadratic(x):
    """D(x) = ½‖x‖², whose slope at x is ‖x‖."""
    return 0.5 * ops.sum(x * x, axis=tuple(range(1, len(x.shape))))


def test_r1_looks_at_real_images_r2_at_generated_ones():
    real, fake = images(6), images(6, 1)
    at_real, at_fake = ((x.reshape(6, -1) ** 2).sum(1).mean() for x in (real, fake))
    real, fake = tf.constant(real), tf.constant(fake)
    np.testing.assert_allclose(R1(3.0)(quadratic, real, fake), 1.5 * at_real, rtol=1e-5)
    np.testing.assert_allclose(R2(3.0)(quadratic, real, fake), 1.5 * at_fake, rtol=1e-5)


def test_the_zero_centred_penalty_lies_between():
    """With real = t·fake, x̂ = (1 + α(t − 1))·fake, so E‖x̂‖² = ‖fake‖²·E[(1 + α(t − 1))²], over 2,000 draws of α."""
    fake = np.tile(images(1), (2000, 1, 1, 1))
    value = ZeroCentred(1.0, seed=0)(quadratic, tf.constant(4 * fake), tf.constant(fake))
    np.testing.assert_allclose(value, (fake[0] ** 2).sum() * ((4**3 - 1) / 9), rtol=0.05)  # ∫(1 + 3α)² dα = 7


def test_dragan_looks_around_real_images_by_half_a_standard_deviation():
    seen, real = [], images(500)

    def critic(sample):
        seen.append([ops.convert_to_numpy(part) for part in sample])
        return ops.sum(sample[0], axis=(1, 2, 3))

    DRAGAN(seed=0)(critic, (tf.constant(real), tf.range(500)), None)
    noise = (seen[0][0] - real) / (0.5 * real.std())
    assert abs(noise.mean()) < 5 / noise.size**0.5 and abs(noise.std() - 1) < 5 / (2 * noise.size) ** 0.5
    assert (np.abs(noise) > 2).mean() > 0.03, "a normal, not a uniform"
    np.testing.assert_array_equal(seen[0][1], np.arange(500))  # labels stay


def test_on_the_generators_side_slopes_move_the_generator():
    """G(z) = a·z and D = ½‖x‖²: R2 is γ/2·a²·E‖z‖², whose derivative in a is γ·a·E‖z‖²."""
    z, a = tf.constant(images(8)), tf.Variable(1.5)
    with tf.GradientTape() as tape:
        value = R2(2.0)(quadratic, None, a * z)
    mean = (z.numpy().reshape(8, -1) ** 2).sum(1).mean()
    np.testing.assert_allclose(value, 1.5**2 * mean, rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(value, a), 2 * 1.5 * mean, rtol=1e-5)


def test_lecam_is_the_formula_with_its_moving_averages():
    penalty, random = LeCam(0.5, decay=0.9, start=3), np.random.default_rng(0)
    of_real = of_fake = 0.0
    for batch in range(6):
        real, fake = random.normal(1, 1, (4, 1)).astype("float32"), random.normal(-2, 1, (4, 1)).astype("float32")
        of_real, of_fake = 0.9 * of_real + 0.1 * real.mean(), 0.9 * of_fake + 0.1 * fake.mean()
        expected = 0.5 * (((real - of_fake) ** 2).mean() + ((fake - of_real) ** 2).mean())
        value = penalty(lambda x: 1.0 * x, tf.constant(real), tf.constant(fake))
        np.testing.assert_allclose(value, expected if batch >= 3 else 0.0, rtol=1e-5)
    np.testing.assert_allclose([penalty.of_real, penalty.of_fake], [of_real, of_fake], rtol=1e-5)


def test_lecam_pulls_outputs_to_averages_that_stay():
    """The averages are numbers to D: no gradient passes into the mean of this batch."""
    penalty, real, fake = LeCam(1.0, decay=0.0, start=0), tf.Variable([[2.0]]), tf.Variable([[-1.0]])
    with tf.GradientTape() as tape:
        value = penalty(lambda x: 1.0 * x, real, fake)
    found = tape.gradient(value, [real, fake])
    np.testing.assert_allclose(found, [[[2 * (2 + 1)]], [[2 * (-1 - 2)]]])


def test_lecam_needs_no_sample_by_itself():
    """BatchNormalization in D: a warning for a penalty on slopes, none for LeCam."""
    layers = keras.layers
    for penalty, warns in ((LeCam(), False), ([LeCam(), R1()], True)):
        critic = keras.Sequential([keras.Input((2,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(1)])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            GAN(keras.Sequential([keras.Input((2,)), layers.Dense(2)]), critic, latent_dim=2, penalty=penalty)
        assert any("BatchNormalization" in str(one.message) for one in caught) is warns


def draws(penalty, batch, shape=(2, 2, 1)):
    """α as the critic sees it: with real = 1 and fake = 0, x̂ = α in every pixel."""
    seen = []

    def critic(x):
        seen.append(ops.convert_to_numpy(x))
        return ops.sum(x, axis=(1, 2, 3))

    penalty(critic, ops.ones((batch, *shape)), ops.zeros((batch, *shape)))
    return seen[0]


def test_alpha_is_uniform_and_one_an_image():
    for seed in range(5):
        between = draws(GradientPenalty(seed=seed), 4000)
        alpha = between[:, 0, 0, 0]
        assert (between == alpha[:, None, None, None]).all(), "one α for all pixels of an image"
        assert len(np.unique(alpha)) > 3900, "another α for each image"
        assert 0 <= alpha.min() < 0.01 and 0.99 < alpha.max() <= 1
        assert abs(alpha.mean() - 1 / 2) < 0.02 and abs(alpha.var() - 1 / 12) < 0.006  # > 4 standard errors
        # Kolmogorov–Smirnov: the largest gap to the uniform's distribution function; 1.95/√n is passed once in 1000.
        gap = np.abs(np.sort(alpha) - (np.arange(4000) + 0.5) / 4000).max()
        assert gap < 1.95 / np.sqrt(4000)


def test_alpha_is_fresh_each_time_and_the_same_for_the_same_seed():
    penalty = GradientPenalty(seed=1)
    first, second = draws(penalty, 8), draws(penalty, 8)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, draws(GradientPenalty(seed=1), 8))
    keras.utils.set_random_seed(5)
    by_global = draws(GradientPenalty(), 8)
    keras.utils.set_random_seed(5)
    np.testing.assert_array_equal(by_global, draws(GradientPenalty(), 8))


def test_a_zero_gradient_gives_no_nan(row):
    kind, value_at = row
    w = tf.Variable(np.zeros((4, 4, 1), "float32"))
    with tf.GradientTape() as tape:
        value = kind(10.0)(lambda x: ops.sum(w * x, axis=(1, 2, 3)), tf.constant(images(3)), tf.constant(images(3, 1)))
    np.testing.assert_allclose(value, value_at(0.0, 10.0), rtol=1e-5)
    assert np.isfinite(tape.gradient(value, w)).all()


def test_the_gradient_in_the_critics_weights_is_a_finite_difference(row):
    # Smooth activations, double precision: the penalty's own gradient is of second order in D.
    keras.utils.set_random_seed(0)
    critic = keras.Sequential(
        [
            keras.Input((2, 2, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="tanh"),
            keras.layers.Dense(1),
        ]
    )
    kernels = [tf.Variable(w.numpy().astype("float64")) for w in critic.trainable_weights]

    def discriminate(x):
        x = tf.reshape(x, (-1, 4))
        return tf.tanh(x @ kernels[0] + kernels[1]) @ kernels[2] + kernels[3]

    real, fake = images(5, 0, (2, 2, 1)).astype("float64"), images(5, 1, (2, 2, 1)).astype("float64")

    def value():
        return seeded(row[0], 10.0)(discriminate, tf.constant(real), tf.constant(fake))

    with tf.GradientTape() as tape:
        penalty = value()
    gradients = tape.gradient(penalty, kernels, unconnected_gradients="zero")
    h = 1e-5
    for kernel, gradient in zip(kernels, gradients):
        start = kernel.numpy()
        for index in np.ndindex(start.shape):
            step = np.zeros_like(start)
            step[index] = h
            kernel.assign(start + step)
            up = float(value())
            kernel.assign(start - step)
            down = float(value())
            kernel.assign(start)
            np.testing.assert_allclose(gradient.numpy()[index], (up - down) / (2 * h), rtol=1e-4, atol=1e-5)
    assert max(np.abs(g).max() for g in gradients) > 0.1, "the comparison is not of zeros"


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_any_batch_size_inside_a_graph(row, batch):
    penalty = row[0](2.0)

    @tf.function(input_signature=[tf.TensorSpec((None, 4, 4, 1))] * 2)
    def value(real, fake):
        return penalty(lambda x: 4.0 * ops.sum(x, axis=(1, 2, 3)) / 4.0, real, fake)

    np.testing.assert_allclose(value(images(batch), images(batch, 1)), row[1](4.0, 2.0), rtol=1e-5)


def test_it_works_on_points_in_a_gan():
    critic = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)])
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    gan = GAN(generator, critic, latent_dim=2, objective="wasserstein", penalty=GradientPenalty(5.0))
    gan.compile(generator_optimizer="adam", discriminator_optimizer="adam", jit_compile=False)
    history = gan.fit(10 * images(10, shape=(2,)), batch_size=4, verbose=0).history
    assert set(history) == {"d_loss", "g_loss", "distance", "penalty"}
    assert np.isfinite(list(history.values())).all() and history["penalty"][0] > 0
    np.testing.assert_allclose(
        history["d_loss"][0], history["penalty"][0] - history["distance"][0], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("weight", [0, -1.0, float("nan"), float("inf"), True, "10", None], ids=repr)
def test_a_weight_must_be_positive(weight):
    for kind in (LeCam, *(kind for kind, _ in SLOPES.values())):
        with pytest.raises(ValueError, match="positive number. Received: weight="):
            kind(weight)


@pytest.mark.parametrize(
    "kind, arguments, error, words",
    [
        (DRAGAN, {"noise": 0}, ValueError, "noise must be a positive number. Received: noise=0"),
        (LeCam, {"decay": 1.0}, ValueError, "decay must be below 1. Received: decay=1.0"),
        (LeCam, {"decay": -0.1}, ValueError, "decay must be 0 or a positive number. Received: decay=-0.1"),
        (LeCam, {"start": -1}, ValueError, "start must be an integer of at least 0. Received: start=-1"),
        (LeCam, {"start": 0.5}, TypeError, "start must be an integer of at least 0. Received: start=0.5"),
    ],
)
def test_other_wrong_arguments_are_refused(kind, arguments, error, words):
    with pytest.raises(error, match=words):
        kind(**arguments)


def test_numpys_numbers_are_numbers():
    assert GradientPenalty(np.float32(2.5)).weight == 2.5 and GradientPenalty(np.int64(3)).weight == 3.0


@pytest.mark.parametrize(
    "penalty, config",
    [
        (GradientPenalty(3.5, seed=7, every=4), {"weight": 3.5, "seed": 7, "every": 4}),
        (ZeroCentred(3.5, seed=7, every=4), {"weight": 3.5, "seed": 7, "every": 4}),
        (DRAGAN(3.5, noise=0.2, seed=7, every=4), {"weight": 3.5, "noise": 0.2, "seed": 7, "every": 4}),
        (R1(3.5, every=4), {"weight": 3.5, "every": 4}),
        (R2(3.5, every=4), {"weight": 3.5, "every": 4}),
        (LeCam(3.5, decay=0.5, start=7), {"weight": 3.5, "decay": 0.5, "start": 7}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_survives_serialisation(penalty, config):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(penalty))
    assert type(again) is type(penalty) and again.get_config() == config


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_in_mixed_precision_slopes_are_added_up_in_full(row, dtype):
    """256 slopes of 1.5: a sum of so many squares is no number of sixteen bits. Generated images come in sixteen."""
    kind, value_at = row
    real, fake = tf.ones((3, 16, 16, 1)), tf.ones((3, 16, 16, 1), dtype)
    value = kind(0.1)(lambda x: ops.sum(ops.cast(1.5 * x, "float32"), axis=(1, 2, 3)), real, fake)
    assert value.dtype == "float32"
    np.testing.assert_allclose(value, value_at(24.0, 0.1), rtol=1e-5)


# --- nests: an image beside a label or a code -----------------------------------------------------------------------


def test_slopes_are_over_all_floating_parts_of_a_nest():
    """D(x, z, label) = 3·Σx + 2·Σz + label: the gradient's square is 9·|x| + 4·|z| entries, at every sample."""
    x, z, labels = tf.ones((5, 2, 2, 1)), tf.ones((5, 3)), tf.constant([1, 2, 3, 4, 5])

    def critic(sample):
        (x, z), labels = sample["pair"], sample["label"]
        return 3 * ops.sum(x, axis=(1, 2, 3)) + 2 * ops.sum(z, axis=1) + ops.cast(labels, "float32")

    found = squared_slopes(critic, {"pair": (x, z), "label": labels})
    np.testing.assert_allclose(found, np.full(5, 9 * 4 + 4 * 3), rtol=1e-6)


def test_labels_beside_images_stay_labels(row):
    """D(x, label) = label·Σx has the slope 4·label at images of 16 pixels. The labels of real samples are all 3."""
    kind, value_at = row
    real = (tf.constant(images(5)), tf.fill((5,), 3))
    fake = (tf.constant(images(5, 1)), tf.fill((5,), 3))

    def critic(sample):
        return ops.cast(sample[1], "float32") * ops.sum(sample[0], axis=(1, 2, 3))

    np.testing.assert_allclose(kind(2.0)(critic, real, fake), value_at(12.0, 2.0), rtol=1e-5)
    fake = (fake[0], tf.fill((5,), 1))  # R2 alone looks at generated samples, and at their labels
    expected = value_at(4.0 if kind is R2 else 12.0, 2.0)
    np.testing.assert_allclose(kind(2.0)(critic, real, fake), expected, rtol=1e-5)


def test_slopes_of_what_a_critic_does_not_read_are_zero():
    found = squared_slopes(lambda pair: ops.sum(pair[0], axis=1), (tf.ones((3, 2)), tf.ones((3, 4))))
    np.testing.assert_allclose(found, [2.0, 2.0, 2.0])


def test_a_nest_lies_between_with_one_alpha_and_the_labels_of_the_real_samples():
    seen = []

    def critic(sample):
        seen.append(sample)
        return ops.sum(sample[0], axis=(1, 2, 3)) + ops.sum(sample[1], axis=1)

    real = (tf.ones((50, 2, 2, 1)), tf.ones((50, 3)), tf.range(50))
    fake = (tf.zeros((50, 2, 2, 1)), tf.zeros((50, 3)), tf.zeros(50, tf.int32))
    value = GradientPenalty(10.0, seed=0)(critic, real, fake)
    x, z, labels = (part.numpy() for part in seen[0])
    alpha = x[:, 0, 0, 0]
    assert len(np.unique(alpha)) == 50
    np.testing.assert_array_equal(x, np.broadcast_to(alpha[:, None, None, None], x.shape))
    np.testing.assert_array_equal(z, np.broadcast_to(alpha[:, None], z.shape))
    np.testing.assert_array_equal(labels, np.arange(50))
    np.testing.assert_allclose(value, 10 * (np.sqrt(4 + 3) - 1) ** 2, rtol=1e-5)


# --- in a GAN: several, on either player, lazy ----------------------------------------------------------------------


@keras.saving.register_keras_serializable("test_penalties")
class Bias(Penalty):
    """Penalises the mean logit of generated samples: its gradient in D's last bias is the weight itself."""

    def __call__(self, discriminate, real, fake):
        return self.weight * ops.mean(discriminate(fake))


X = images(8)


def flat_objective():
    """No loss but the penalties."""

    class Nothing:
        def discriminator_loss(self, real_logits, fake_logits):
            return 0.0 * (ops.mean(real_logits) + ops.mean(fake_logits))

        def generator_loss(self, fake_logits):
            return 0.0 * ops.mean(fake_logits)

    return Nothing()


@pytest.mark.filterwarnings("ignore:objective must be something that Keras can save")
@pytest.mark.parametrize("run_eagerly", [True, False])
def test_a_lazy_penalty_is_seldom_and_heavy(run_eagerly):
    """On every third batch it moves D's last bias by 3 · weight · rate, in place of weight · rate on each."""
    gan = small_gan(objective=flat_objective(), penalty=Bias(0.5, every=3), run_eagerly=run_eagerly)
    bias, values, logged = gan.discriminator.layers[-1].bias, [], []
    see = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: (values.append(float(bias.numpy()[0])), logged.append(logs["penalty"]))
    )
    gan.fit(X, batch_size=1, epochs=1, verbose=0, callbacks=[see])
    np.testing.assert_allclose(np.diff([0.0, *values]), [0, 0, -0.15, 0, 0, -0.15, 0, 0], atol=1e-6)
    assert logged[0] == logged[1] == 0.0 != logged[2]
    every = small_gan(objective=flat_objective(), penalty=Bias(0.5), run_eagerly=run_eagerly)
    every.fit(X[:6], batch_size=1, verbose=0)
    np.testing.assert_allclose(every.discriminator.layers[-1].bias.numpy(), [-0.05 * 6], rtol=1e-5)


@pytest.mark.filterwarnings("ignore:objective must be something that Keras can save")
def test_several_penalties_are_added():
    gan = small_gan(objective=flat_objective(), penalty=[Bias(0.5), Bias(0.25), lambda d, real, fake: 3.0], seed=1)
    history = gan.fit(X, batch_size=8, verbose=0).history
    np.testing.assert_allclose(gan.discriminator.layers[-1].bias.numpy(), [-0.075], rtol=1e-5)
    assert history["penalty"] == history["d_loss"]


@pytest.mark.filterwarnings("ignore:objective must be something that Keras can save")
def test_a_penalty_on_the_generator_moves_the_generator_alone():
    """Pulls the generated images to 0.5: the gradient in a bias of G's last layer, under tanh, is written out."""

    def pull(discriminate, real, fake):
        return ops.mean((fake - 0.5) ** 2)

    gan = small_gan(objective=flat_objective(), generator_penalty=pull, optimizers=(sgd, sgd), share_fakes=True)
    twin = small_gan()
    draws = keras.random.SeedGenerator(0)
    draws.state.assign(gan.seed_generator.state)
    fakes = ops.convert_to_numpy(twin.generator(keras.random.normal((8, 3), seed=draws))).reshape(8, 16)
    before = [w.numpy() for w in gan.discriminator.weights]
    history = gan.fit(X, batch_size=8, verbose=0).history
    gradient = (2 * (fakes - 0.5) * (1 - fakes**2)).sum(0) / fakes.size
    np.testing.assert_allclose(gan.generator.layers[1].bias.numpy(), -0.1 * gradient, rtol=1e-3, atol=1e-6)
    for a, w in zip(before, gan.discriminator.weights, strict=True):
        np.testing.assert_array_equal(a, w.numpy())
    np.testing.assert_allclose(history["generator_penalty"][0], ((fakes - 0.5) ** 2).mean(), rtol=1e-5)
    assert "val_generator_penalty" in gan.fit(X, verbose=0, validation_data=X).history


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [keras.regularizers.L2(), GradientPenalty, "gp", 10.0, lambda x: x, [GradientPenalty(), 3]],
    ids=["a regularizer", "a class", "a name", "a number", "of one argument", "a list"],
)
def test_what_is_no_penalty_is_refused(wrong):
    words = r"mine must be called as mine\(discriminate, real, fake\). Received: mine=.*GradientPenalty\(\)"
    with pytest.raises(TypeError, match=words):
        checked(wrong, "mine")


def test_what_is_a_penalty():
    one, other = GradientPenalty(), lambda discriminate, real, fake: 0.0
    assert (
        checked(None) == [] and checked(one) == [one] and checked([one, other]) == checked((one, other)) == [one, other]
    )


@pytest.mark.parametrize("every, error", [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_every_must_be_a_positive_integer(every, error):
    with pytest.raises(error, match="every must be an integer of at least 1. Received: every="):
        GradientPenalty(every=every)


def test_the_base_says_what_is_to_be_written():
    class Half(Penalty):
        pass

    with pytest.raises(NotImplementedError, match="Half must define __call__"):
        Half()(None, None, None)
