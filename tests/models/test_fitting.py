"""Keras's callbacks around a training: the best epoch, means over no turns, NaN, interruptions; the split of arrays."""

from contextlib import nullcontext

import keras
import numpy as np
import pytest
from contract import assert_equal, everything
from others import images
from systems import averaging_adam, sgd, small_gan

from gan_lessons.models import fitting

X = images(10)


def make(**options):
    return small_gan(**({"run_eagerly": True} | options))


def fit(gan, epochs, **options):
    return gan.fit(X, **({"batch_size": 2, "epochs": epochs, "verbose": 0, "shuffle": False} | options))


# --- Keras's callbacks ---------------------------------------------------------------------------------------------


def test_a_fit_that_was_interrupted_leaves_no_validation_data_behind():
    gan = make()

    class Interrupt(keras.callbacks.Callback):
        def on_test_end(self, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gan.fit(X, verbose=0, validation_data=X, callbacks=[Interrupt()])
    other = X[::-1] / 2
    history = gan.fit(X, verbose=0, validation_data=other).history
    np.testing.assert_allclose(
        history["val_d_real"][0], gan.evaluate(other, verbose=0, return_dict=True)["d_real"], rtol=1e-5
    )


def test_model_checkpoint_keeps_the_best(tmp_path):
    gan = make()
    states = []

    class Remember(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            states.append((logs["d_loss"], everything(self.model)))

    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="d_loss", mode="min", save_best_only=True)
    weights = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.weights.h5", monitor="d_loss", mode="min", save_best_only=True, save_weights_only=True
    )
    each = keras.callbacks.ModelCheckpoint(tmp_path / "each" / "{epoch:02d}-{d_loss:.3f}.keras")
    fit(gan, 4, callbacks=[Remember(), best, weights, each])
    _, expected = min(states, key=lambda state: state[0])
    loaded = keras.models.load_model(tmp_path / "best.keras")
    by_weights = make(seed=9)
    by_weights.load_weights(tmp_path / "best.weights.h5")
    for model in (loaded, by_weights):
        for (key, a), b in zip(expected.items(), everything(model).values(), strict=True):
            np.testing.assert_array_equal(a, b, err_msg=key)
    names = sorted(p.name for p in (tmp_path / "each").iterdir())
    assert names == [f"{i + 1:02d}-{loss:.3f}.keras" for i, (loss, _) in enumerate(states)]


def test_early_stopping_gives_back_the_best_weights():
    gan = make()
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0])
    seen = []

    class Script(keras.callbacks.Callback):
        """Puts a loss of our choice in the logs, and remembers the weights."""

        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = next(losses)
            seen.append([w.numpy().copy() for w in self.model.weights])

    stop = keras.callbacks.EarlyStopping("score", mode="min", patience=2, restore_best_weights=True)
    history = fit(gan, 5, callbacks=[Script(), stop])
    assert len(history.epoch) == 4
    for a, b in zip(seen[1], gan.weights, strict=True):
        np.testing.assert_array_equal(a, b.numpy())
    stop = keras.callbacks.EarlyStopping("d_loss", mode="min", patience=0, min_delta=1e9)
    assert len(fit(gan, 5, callbacks=[stop]).epoch) == 2


def test_csv_logger_and_lambda_callback(tmp_path):
    gan = make()
    ended = []
    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    each = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ended.append((epoch, logs["g_loss"])))
    history = fit(gan, 2, callbacks=[log, each]).history
    header, *rows = (line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines())
    assert {"epoch", "d_loss", "g_loss", "d_real", "d_fake"} <= set(header) and "loss" not in header and len(rows) == 2
    np.testing.assert_allclose([float(row[header.index("d_loss")]) for row in rows], history["d_loss"], rtol=1e-6)
    assert ended == list(enumerate(history["g_loss"]))


@pytest.mark.parametrize("loser", ["discriminator", "generator"])
def test_terminate_on_nan_stops(loser):
    class Breaks:
        """As an objective whose formula divides by zero: one player's loss is NaN from the first batch on."""

        def discriminator_loss(self, real_logits, fake_logits):
            return keras.ops.mean(real_logits) * (float("nan") if loser == "discriminator" else 1.0)

        def generator_loss(self, fake_logits):
            return keras.ops.mean(fake_logits) * (float("nan") if loser == "generator" else 1.0)

    gan = make(objective=Breaks())
    batches = []
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: batches.append(batch))
    fit(gan, 3, callbacks=[keras.callbacks.TerminateOnNaN(), count])
    assert len(batches) == 1
    stop = keras.callbacks.TerminateOnNaN()
    stop.raise_error = True  # an argument since Keras 3.12
    raises = pytest.raises(RuntimeError) if "raise_error" in stop.__init__.__code__.co_varnames else nullcontext()
    with raises:
        fit(gan, 3, callbacks=stop)
    healthy = make()
    assert len(fit(healthy, 2, callbacks=[[keras.callbacks.TerminateOnNaN()]]).epoch) == 2


def test_progress_bar_shows_the_losses(capsys):
    gan = make()
    gan.fit(X, batch_size=5, epochs=1, verbose=2)
    out = capsys.readouterr().out
    assert all(f"{name}: " in out for name in ("d_loss", "g_loss", "d_real", "d_fake")) and " loss: " not in out
    gan.evaluate(X, verbose=2)
    assert "d_loss: " in capsys.readouterr().out


def test_early_stopping_gives_back_the_average_of_the_best_epoch():
    """What `generate` computes with belongs to the weights that are given back."""
    scores, made = [3.0, 1.0, 2.0, 2.0], []

    class Script(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = scores[epoch]
            made.append(self.model.generate(3, seed=0))

    gan = make(optimizers=(averaging_adam, sgd))
    stop = keras.callbacks.EarlyStopping("score", mode="min", patience=2, restore_best_weights=True)
    fit(gan, 4, callbacks=[Script(), stop])
    assert np.abs(made[1] - made[3]).max() > 1e-3, "the two differ, or nothing is tested"
    np.testing.assert_allclose(gan.generate(3, seed=0), made[1], rtol=1e-5, atol=1e-6)
    again = make(optimizers=(averaging_adam, sgd))  # no epoch was better than the last: nothing moves
    stop = keras.callbacks.EarlyStopping("score", mode="max", patience=9, restore_best_weights=True)
    scores[:], made[:] = [1.0, 2.0, 3.0, 4.0], []
    fit(again, 4, callbacks=[Script(), stop])
    np.testing.assert_allclose(again.generate(3, seed=0), made[3], rtol=1e-5, atol=1e-6)


def test_callbacks_in_a_list_of_kerass_own_are_the_same():
    """Arrays are shuffled anew in each epoch, and what Keras's callbacks cannot do here is done, in this form too."""
    gan, twin = make(), make()
    history = fit(gan, 2, shuffle=True, callbacks=keras.callbacks.CallbackList([keras.callbacks.TerminateOnNaN()]))
    expected = fit(twin, 2, shuffle=True, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert history.history == expected.history and gan._counters.epochs == 2
    assert_equal(gan, twin)
    with pytest.raises(ValueError, match="SwapEMAWeights"):
        fit(gan, 1, callbacks=keras.callbacks.CallbackList([keras.callbacks.SwapEMAWeights()]))


def test_swapping_in_the_average_is_refused():
    gan = make(optimizers=(averaging_adam, sgd))
    before = everything(gan)
    with pytest.raises(
        ValueError, match="needs no callback here.*Received: callbacks with SwapEMAWeights. Leave it out"
    ):
        fit(gan, 1, callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True)])
    assert_equal(before, gan)


class WithoutConfig:
    """An objective that cannot be saved."""

    def discriminator_loss(self, real_logits, fake_logits):
        return keras.ops.mean(fake_logits) - keras.ops.mean(real_logits)

    def generator_loss(self, fake_logits):
        return -keras.ops.mean(fake_logits)


def test_a_checkpoint_that_cannot_be_written_is_refused_before_the_training(tmp_path):
    with pytest.warns(UserWarning, match="get_config.*cannot be saved whole"):
        gan = make(objective=WithoutConfig())
    with pytest.raises(
        ValueError, match="ModelCheckpoint saves the whole model.*Received: objective.*save_weights_only"
    ):
        fit(gan, 1, callbacks=[keras.callbacks.ModelCheckpoint(tmp_path / "gan.keras")])
    assert gan.batches_trained == 0
    weights = keras.callbacks.ModelCheckpoint(tmp_path / "gan.weights.h5", save_weights_only=True)
    fit(gan, 1, callbacks=[weights])
    with pytest.warns(UserWarning):
        other = make(objective=WithoutConfig(), seed=5)
    other.load_weights(tmp_path / "gan.weights.h5")
    assert_equal(gan, other)


# --- means over no turns -------------------------------------------------------------------------------------------
# With 5 batches an epoch and 7 steps of D for one of G's, G has turns in the epochs 2, 3, 5, 6, and none in 1 and 4.

TURNS = [False, True, True, False, True, True]


def seldom(**options):
    return make(discriminator_steps=7, **options)


def test_a_mean_over_no_turns_is_nan_in_the_history_and_everywhere(tmp_path):
    gan, seen = seldom(), []
    see = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["g_loss"]))
    table = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    stop = keras.callbacks.EarlyStopping("g_loss", mode="min", patience=9)
    history = fit(gan, 6, callbacks=[see, stop, table]).history
    assert np.isfinite(history["g_loss"]).tolist() == TURNS and np.isfinite(history["d_loss"]).all()
    np.testing.assert_array_equal(seen, history["g_loss"])
    header, *rows = (line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines())
    np.testing.assert_allclose([float(row[header.index("g_loss")]) for row in rows], history["g_loss"], rtol=1e-6)


def test_nan_is_never_the_best(tmp_path):
    gan, states = seldom(), {}
    remember = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: states.__setitem__(epoch, [w.numpy() for w in gan.weights])
    )
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="g_loss", mode="max", save_best_only=True)
    stop = keras.callbacks.EarlyStopping("g_loss", mode="max", patience=9, restore_best_weights=True)
    reduce = keras.callbacks.ReduceLROnPlateau("g_loss", mode="max", patience=9)
    history = fit(gan, 6, callbacks=[remember, best, stop, reduce]).history["g_loss"]
    expected = int(np.nanargmax(history))
    assert best.best == stop.best == reduce.best == history[expected]
    loaded = keras.models.load_model(tmp_path / "best.keras")
    for a, b, c in zip(states[expected], loaded.weights, gan.weights, strict=True):
        np.testing.assert_array_equal(a, b.numpy())
        np.testing.assert_array_equal(a, c.numpy())


def test_nan_is_never_the_best_of_batches(tmp_path):
    gan, seen = seldom(), []
    see = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["g_loss"]))
    path = tmp_path / "best.keras"
    best = keras.callbacks.ModelCheckpoint(path, monitor="g_loss", mode="min", save_best_only=True, save_freq=3)
    fit(gan, 1, callbacks=[best, see])
    assert not path.exists() and np.isnan(seen).all()
    fit(gan, 2, callbacks=[best, see])
    # The mean of an epoch so far: G has turns in batches 7 (the second epoch, 6 … 10) and 14 (the third, 11 … 15).
    assert np.isfinite(seen).tolist() == [batch in (7, 8, 9, 10, 14, 15) for batch in range(1, 16)]
    assert best.best in seen
    assert keras.models.load_model(path).batches_trained in (7, 8, 9, 10, 14, 15)


def test_a_mean_over_no_turns_in_the_name_of_a_file(tmp_path):
    gan = seldom()
    fit(gan, 2, callbacks=[keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}-{g_loss:.1f}.keras")])
    first, second = sorted(path.name for path in tmp_path.iterdir())
    assert first == "1-nan.keras" and second.startswith("2-") and "nan" not in second


def test_terminate_on_nan_passes_over_means_without_a_turn():
    gan = make(discriminator_steps=5)
    assert len(fit(gan, 2, callbacks=[keras.callbacks.TerminateOnNaN()]).epoch) == 2
    assert gan.batches_trained == 10


def test_a_loss_of_nan_stops_though_another_mean_has_no_turn():
    class Breaks(WithoutConfig):
        def discriminator_loss(self, real_logits, fake_logits):
            return keras.ops.mean(real_logits) * float("nan")

    with pytest.warns(UserWarning):
        gan = make(discriminator_steps=5, objective=Breaks())
    fit(gan, 2, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert gan.batches_trained == 1


# --- trainings that begin late, end early and begin again ----------------------------------------------------------


def test_epochs_that_are_not_begun_at_0():
    gan = make()
    assert fit(gan, 5, initial_epoch=3).epoch == [3, 4] and gan.batches_trained == 10
    assert fit(gan, 1).epoch == [0] and gan._counters.epochs == 3


def test_validation_every_second_epoch():
    gan = make()
    history = fit(gan, 4, validation_data=X, validation_freq=2).history
    assert len(history["d_loss"]) == 4 and len(history["val_d_loss"]) == 2
    expected = gan.evaluate(X, batch_size=2, verbose=0, return_dict=True)
    np.testing.assert_allclose([history[f"val_{key}"][1] for key in expected], list(expected.values()), rtol=1e-5)


def test_some_steps_an_epoch():
    """Of data that go on, an epoch is `steps_per_epoch` batches, and G has its turns over epochs."""
    import tensorflow as tf

    gan, whole = make(discriminator_steps=3), make(discriminator_steps=3)
    data = tf.data.Dataset.from_tensor_slices(X).batch(2)
    gan.fit(data.repeat(), steps_per_epoch=2, epochs=5, verbose=0)
    whole.fit(data, epochs=2, verbose=0)
    assert gan.batches_trained == whole.batches_trained == 10
    for a, b in zip(gan.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_an_interrupted_training_is_continued_by_the_next_fit():
    """As in a notebook: the cell is stopped in the middle of an epoch, then run again."""

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.batches_trained == 7:
                raise KeyboardInterrupt

    gan, twin = make(discriminator_steps=2), make(discriminator_steps=2)
    with pytest.raises(KeyboardInterrupt):
        fit(gan, 3, callbacks=[Stop()], validation_data=X)
    fit(twin, 1)
    twin.fit(X[:4], batch_size=2, verbose=0, shuffle=False)
    history, expected = fit(gan, 2), fit(twin, 2)
    assert history.epoch == [0, 1] and history.history == expected.history and gan.batches_trained == 17
    for a, b in zip(gan.weights, twin.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_other_callbacks_in_the_next_fit():
    gan, given = seldom(), [keras.callbacks.TerminateOnNaN()]
    kept = list(given)
    assert np.isnan(fit(gan, 1, callbacks=given).history["g_loss"]).all() and given == kept
    stop = keras.callbacks.EarlyStopping("g_loss", mode="min", patience=0)
    assert np.isfinite(fit(gan, 1, callbacks=[stop]).history["g_loss"]).all()
    assert np.isnan(fit(gan, 2).history["g_loss"]).tolist() == [False, True]  # epochs 3 and 4 of the training


# --- the split of arrays -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.4, 0.5, 0.85])
@pytest.mark.parametrize("with_y", [False, True])
def test_split_is_that_of_keras(fraction, with_y):
    """Keras's own `validation_split` on a model that records what it is trained and evaluated on."""
    seen = {"train": [], "test": []}

    class Sees(keras.Model):
        def train_step(self, data):
            seen["train"].append(data)
            return {"loss": 0.0}

        def test_step(self, data):
            seen["test"].append(data)
            return {"loss": 0.0}

    x, y = np.arange(20.0).reshape(10, 2), np.arange(10) if with_y else None
    model = Sees()
    model.compile(run_eagerly=True)
    model.built = True
    model.fit(x, y, batch_size=10, validation_split=fraction, verbose=0, shuffle=False)
    found = fitting.split((x,) if y is None else (x, y), fraction)
    for (part_x, part_y), kind in zip(found, ("train", "test"), strict=True):
        expected = seen[kind][-1]
        expected_x, expected_y, _ = keras.utils.unpack_x_y_sample_weight(expected)
        np.testing.assert_array_equal(part_x, expected_x)
        np.testing.assert_array_equal(part_y, expected_y) if with_y else None
        assert (part_y is None) == (not with_y)


@pytest.mark.parametrize("fraction", [0.9, 1.0, 1.5])
def test_a_split_leaves_samples_on_both_sides(fraction):
    with pytest.raises(ValueError, match="samples on both sides. Received: validation_split=.*, 3 samples"):
        fitting.split((np.ones((3, 1)),), fraction)


def test_a_model_is_evaluated_on_the_last_part():
    gan = make()
    history = fit(gan, 1, validation_split=0.4).history
    expected = gan.evaluate(X[6:], batch_size=2, verbose=0, return_dict=True)
    np.testing.assert_allclose([history[f"val_{key}"][0] for key in expected], list(expected.values()), rtol=1e-5)
    assert gan.batches_trained == 3
