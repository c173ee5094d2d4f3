"""One learning rate for all optimizers: as a number, as a variable, in Keras's callbacks; what it refuses in words."""

import operator

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from others import images
from systems import small_gan

from gan_lessons import GAN
from gan_lessons.models.optimizers import keeps_average, plain

X = images(10)


def adam(rate=0.01):
    return keras.optimizers.Adam(rate)


def make(optimizers=(adam, adam), **options):
    return small_gan(optimizers=optimizers, **({"run_eagerly": True} | options))


def fit(gan, epochs, **options):
    return gan.fit(X, batch_size=2, epochs=epochs, verbose=0, shuffle=False, **options)


def rates(gan):
    return float(gan.generator_optimizer.learning_rate.numpy()), float(
        gan.discriminator_optimizer.learning_rate.numpy()
    )


def two_rates(**arguments):
    return make((lambda: adam(0.01), lambda: adam(0.04)), **arguments)


# --- a number, and a variable --------------------------------------------------------------------------------------

OPERATIONS = {
    "half": lambda rate: rate / 2,
    "inverse": lambda rate: 1 / rate,
    "product": lambda rate: (3 * rate, rate * 3),
    "sum": lambda rate: (1 + rate, rate + 1),
    "difference": lambda rate: (1 - rate, rate - 1, -rate),
    "power": lambda rate: (rate**2, 2**rate),
    "comparison": lambda rate: (rate < 1, rate <= 0.001, rate > 0, rate >= 1, rate == 0.01, rate != 0.5),
    "with itself": lambda rate: (rate - rate, rate / rate, rate == rate),
    "rounded": lambda rate: (round(rate, 1), int(rate), bool(rate), min(rate, 1.0), sorted([1.0, rate])[0] + 0),
    "in words": lambda rate: f"{rate:.3f} and {rate:.0e}",
    "NumPy": lambda rate: (np.sqrt(rate), np.array([rate, 1.0], "float32").tolist(), float(np.asarray(rate))),
    "TensorFlow": lambda rate: (float(tf.sqrt(rate)), float(tf.constant(2.0) * rate), float(rate * tf.constant(2.0))),
    "Keras": lambda rate: (float(ops.sqrt(rate)), float(ops.convert_to_numpy(rate)), float(ops.multiply(rate, 2.0))),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_it_computes_as_the_float_that_it_is(operation):
    rate, number = make().optimizer.learning_rate, float(np.float32(0.01))
    found, expected = OPERATIONS[operation](rate), OPERATIONS[operation](number)
    if isinstance(found, str):
        assert found == expected == "0.010 and 1e-02"
    else:
        flat = lambda values: np.hstack(tf.nest.flatten(values))  # noqa: E731
        np.testing.assert_allclose(flat(found), flat(expected), rtol=1e-6)


def test_it_has_what_a_variable_has():
    gan = two_rates()
    rate = gan.optimizer.learning_rate
    assert (
        rate.shape == () and rate.dtype == "float32" and rate.numpy().shape == () and rate.numpy() == np.float32(0.01)
    )
    assert "0.01 of 2 optimizers" in repr(rate) and hash(rate) == hash(rate)
    assert rate.assign(0.02) is rate
    np.testing.assert_allclose(rates(gan), (0.02, 0.08), rtol=1e-6)
    gan.optimizer.lr = 0.01
    np.testing.assert_allclose(rates(gan), (0.01, 0.04), rtol=1e-6)
    gan.optimizer.lr.assign(tf.constant(0.03))
    np.testing.assert_allclose(rates(gan), (0.03, 0.12), rtol=1e-6)


def test_it_can_be_logged_within_a_compiled_step():
    class Logging(GAN):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.track("rate")

        def train_step(self, data):
            super().train_step(data)
            self.log(rate=self.optimizer.learning_rate)

    gan = make(kind=Logging, run_eagerly=False)
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: [0.5, 0.25][epoch])
    np.testing.assert_allclose(fit(gan, 2, callbacks=[schedule]).history["rate"], [0.5, 0.25], rtol=1e-6)


def test_a_rate_of_zero_stays_and_does_not_stop_the_others():
    gan = make((lambda: adam(0.0), lambda: adam(0.04)))
    assert gan.optimizer.learning_rate == np.float32(0.04)
    fit(gan, 1, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate)])
    np.testing.assert_allclose(rates(gan), (0, 0.04), rtol=1e-6)
    gan.optimizer.learning_rate = 0.02
    np.testing.assert_allclose(rates(gan), (0, 0.02), rtol=1e-6)


def test_it_reaches_optimizers_that_scale_losses():
    keras.config.set_dtype_policy("mixed_float16")
    gan = two_rates()
    gan.optimizer.learning_rate.assign(0.02)
    inner = [optimizer.inner_optimizer for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer)]
    np.testing.assert_allclose([float(o.learning_rate.numpy()) for o in inner], (0.02, 0.08), rtol=1e-6)
    assert plain(gan.generator_optimizer) is inner[0] and plain(inner[0]) is inner[0]


def test_keeps_average():
    averaging = keras.optimizers.Adam(use_ema=True)
    assert keeps_average(averaging) and keeps_average(keras.optimizers.LossScaleOptimizer(averaging))
    assert not keeps_average(keras.optimizers.Adam())


# --- all optimizers as one -----------------------------------------------------------------------------------------


def test_it_stands_for_all_optimizers():
    gan = make(discriminator_steps=2)
    fit(gan, 1)
    variables = gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
    assert [id(v) for v in gan.optimizer.variables] == [id(v) for v in variables]
    assert int(gan.optimizer.iterations) == int(gan.generator_optimizer.iterations) == 2


@pytest.mark.parametrize("name", ["apply_gradients", "use_ema", "inner_optimizer", "weight_decay"])
def test_what_has_no_meaning_for_several_is_an_error_that_names_them(name):
    optimizer = make().optimizer
    words = f"Received: {name}. Ask model.generator_optimizer, model.discriminator_optimizer"
    with pytest.raises(AttributeError, match=words):
        operator.attrgetter(name)(optimizer)
    assert not hasattr(optimizer, name)


# --- Keras's callbacks ---------------------------------------------------------------------------------------------


def test_schedulers_move_both_rates_and_keep_their_ratio():
    gan = two_rates()
    seen = []
    record = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(rates(gan)))
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: [rate, rate / 2, 0.0, 0.02][epoch])
    history = fit(gan, 4, callbacks=[schedule, record]).history
    np.testing.assert_allclose(seen, [(0.01, 0.04), (0.005, 0.02), (0, 0), (0.02, 0.08)], rtol=1e-6)
    np.testing.assert_allclose(history["learning_rate"], [0.01, 0.005, 0, 0.02], rtol=1e-6)


def test_reduce_on_plateau_moves_both_rates():
    gan = two_rates()
    reduce = keras.callbacks.ReduceLROnPlateau("d_loss", mode="min", factor=0.1, patience=1, min_delta=1e9)
    history = fit(gan, 3, callbacks=[reduce]).history
    np.testing.assert_allclose(rates(gan), (0.0001, 0.0004), rtol=1e-5)
    np.testing.assert_allclose(history["learning_rate"], [0.01, 0.01, 0.001], rtol=1e-5)


def test_a_rate_can_be_set_by_hand():
    gan = two_rates()
    gan.discriminator_optimizer.learning_rate = 0.1
    gan.optimizer.learning_rate = 0.02
    np.testing.assert_allclose(rates(gan), (0.02, 0.2), rtol=1e-6)
    gan = make(optimizers=(lambda: adam(0.0), lambda: adam(0.0)))
    gan.optimizer.learning_rate = 0.01
    np.testing.assert_allclose(rates(gan), (0.01, 0.01), rtol=1e-6)


def test_schedules_in_the_optimizers_run_on_each_players_own_steps():
    def decay():
        return keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(1e-2, 1, 0.5))

    gan = make(optimizers=(decay, decay), discriminator_steps=2)
    fit(gan, 2)  # 10 steps of D, 5 of G
    np.testing.assert_allclose(rates(gan), (1e-2 * 0.5**5, 1e-2 * 0.5**10), rtol=1e-5)
    with pytest.raises(TypeError, match="LearningRateSchedule"):
        gan.optimizer.learning_rate = 0.1


@pytest.mark.parametrize("write_graph", [True, False])
def test_tensorboard(tmp_path, write_graph):
    gan = make(run_eagerly=not write_graph)
    board = keras.callbacks.TensorBoard(
        tmp_path,
        write_graph=write_graph,
        histogram_freq=1,
        write_images=False,
        update_freq="batch",
        write_steps_per_second=True,
    )
    fit(gan, 2, validation_data=X, callbacks=[board])
    found = {}
    for path in sorted(tmp_path.rglob("events*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                found.setdefault(path.parent.name, set()).add(value.tag)
    assert {"epoch_d_loss", "epoch_g_loss", "batch_d_loss", "batch_g_loss"} <= found["train"]
    assert {"epoch_d_loss", "evaluation_d_loss_vs_iterations"} <= found["validation"]
    kernels = [tag for tag in found["train"] if "kernel" in tag]
    assert kernels, found["train"]


# --- clipped gradients ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "clip, sizes",
    [
        ({"clipvalue": 1e-3}, lambda steps: max(np.abs(step).max() for step in steps)),
        ({"clipnorm": 1e-3}, lambda steps: max(np.linalg.norm(step) for step in steps)),
        ({"global_clipnorm": 1e-3}, lambda steps: np.sqrt(sum((step**2).sum() for step in steps))),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_gradients_are_clipped_by_keras_own_arguments(clip, sizes):
    """A step of SGD at the rate 1 is the gradient itself: clipped for D, as it is for G."""
    clipped, plain_one = (
        small_gan(optimizers=(lambda: keras.optimizers.SGD(1.0), lambda o=o: keras.optimizers.SGD(1.0, **o)))
        for o in (clip, {})
    )
    found = []
    for gan in (clipped, plain_one):
        before = [weight.numpy() for weight in gan.discriminator.trainable_weights]
        gan.fit(X, batch_size=10, verbose=0, shuffle=False)
        found.append(
            [weight.numpy() - a for weight, a in zip(gan.discriminator.trainable_weights, before, strict=True)]
        )
    np.testing.assert_allclose(sizes(found[0]), 1e-3, rtol=1e-3)
    assert sizes(found[1]) > 0.1, "there was something to clip"
