"""`Doctor` as a callback: it sees what goes wrong, leaves no trace and never ends a training."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from others import Handmade, bumps, small_generator
from watching import real_images, train_with

from gan_lessons import signs
from gan_lessons.callbacks import Doctor


def watched(model, watch, epochs=2, images=None, compiled=False, **kwargs):
    if not compiled:
        model.compile(**kwargs)
    images = bumps(512) if images is None else images
    model.fit(images, batch_size=64, epochs=epochs, verbose=0, callbacks=[watch])
    return [found.name for found in watch.findings]


def test_a_watched_training_is_the_same_bit_for_bit():
    history, state, drawn = train_with()
    watched_history, watched_state, watched_drawn = train_with(Doctor(real_images(80), verbose=0))
    assert history == watched_history and drawn == watched_drawn
    assert all(np.array_equal(a, b) for a, b in zip(state, watched_state, strict=True))


def test_the_doctor_says_what_goes_wrong_once(capsys):
    class TooFast(Handmade):
        rates = (1e-3, 1e-1)

    class Frozen(Handmade):
        def step_discriminator(self, gradients):
            pass

    class Detached(Handmade):
        def step_generator(self, gradients):
            pass

    watch = Doctor(verbose=1)
    assert watched(TooFast(), watch, epochs=40) == ["learning_rates_apart"]
    out = capsys.readouterr().out
    assert out.count("learning_rates_apart: ") == 1 and "Epoch 25, learning_rates_apart" in out
    assert watch.diagnosis.names == ["learning_rates_apart"] and "40 epochs" in str(watch.diagnosis)
    assert watched(Frozen(), Doctor(verbose=0)) == ["discriminator_frozen"]
    assert watched(Detached(), Doctor(verbose=0)) == ["generator_without_gradient"]
    assert watched(Handmade(), Doctor(verbose=0), optimizer="rmsprop") == ["leftover_optimizer"]
    assert watched(Handmade(), Doctor(verbose=0)) == [] and capsys.readouterr().out == ""


def test_the_doctor_sees_a_training_that_diverges_at_once():
    class Breaks(Handmade):
        def g_loss(self, fake):
            return super().g_loss(fake) / tf.cast(self.g_optimizer.iterations < 20, "float32")

    watch = Doctor(verbose=0, every=100)
    assert watched(Breaks(), watch, epochs=6) == ["diverging"]
    (found,) = watch.findings
    assert "generator" in found.evidence


def collapses():
    """A generator that does not hear its latents, after its first thousand steps."""
    gan = Handmade()
    gan.generator.layers[0].kernel.assign(np.zeros((6, 32)))
    gan.generator.layers[0].trainable = False
    gan.compile()
    for optimizer in (gan.g_optimizer, gan.d_optimizer):
        optimizer.iterations.assign(signs.FIRST_STEPS)
    return gan


@pytest.mark.parametrize("images", [None, bumps(100)])
def test_the_doctor_sees_collapse(images):
    watch = Doctor(images, verbose=0)
    assert watched(collapses(), watch, epochs=30, compiled=True) == ["collapsed"]
    assert watched(Handmade(), watch, epochs=60) == [], "a new training, new findings"


def test_a_look_is_rare_and_the_last_epoch_has_one(monkeypatch):
    looks = []
    seen = signs.seen_while_training
    monkeypatch.setattr(signs, "seen_while_training", lambda *args: looks.append(args[3]) or seen(*args))
    watched(Handmade(), Doctor(verbose=0), epochs=30)  # eight steps an epoch
    assert looks == [200, 240]
    looks.clear()
    watched(Handmade(), Doctor(verbose=0, every=20), epochs=50)
    assert looks == [320, 400]


def test_the_doctor_knows_a_sure_discriminator_by_its_curves():
    watch = Doctor(verbose=0)
    curves = {"d_real": [0.5, 0.9995], "d_fake": [0.5, 0.0004]}
    gan = Handmade()
    gan.compile()
    for sure in (False, True):
        shown = {name: values[: 1 + sure] for name, values in curves.items()}
        found = signs.seen_while_training(gan, shown, signs.fingerprint(gan), 5, None, None)
        assert [one.name for one in found] == ["discriminator_saturated"] * sure
    assert watch.diagnosis.healthy


def test_what_the_doctor_cannot_watch_is_refused():
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="two players.*Sequential"):
        model.fit(np.zeros((4, 2)), np.zeros((4, 1)), verbose=0, callbacks=[Doctor()])
    for name, value in [("every", 0), ("every", 1.5), ("seed", -1)]:
        error = ValueError if type(value) is int else TypeError
        with pytest.raises(error, match=rf"{name} must be an integer of at least \d+. Received: {name}={value!r}"):
            Doctor(**{name: value})
    with pytest.raises(TypeError, match="data must be what fit.. takes"):
        Doctor("mnist")


# --- a watcher never ends a training


class Conditional(Handmade):
    """Its generator takes a class beside the latents, three classes in all."""

    def __init__(self):
        super().__init__(generator=small_generator(latent_dim=6 + 3))

    def latents(self, count):
        classes = tf.one_hot(tf.random.uniform((count,), 0, 3, tf.int32), 3)
        return tf.concat([super().latents(count), classes], axis=1)


class TwoOutputs(Handmade):
    """Its generator outputs an image and three numbers."""

    def __init__(self):
        latents = keras.Input((6,))
        hidden = layers.Dense(16, "relu")(latents)
        image = layers.Reshape((8, 8, 1))(layers.Dense(64, "tanh")(hidden))
        super().__init__(generator=keras.Model(latents, [image, layers.Dense(3)(hidden)]))

    def make(self, count):
        return super().make(count)[0]


class NestedLogs(Handmade):
    """Its logs have a dictionary and an array beside the losses."""

    def report(self, d_loss, g_loss):
        return super().report(d_loss, g_loss) | {"compile_metrics": {"mae": d_loss}, "per_class": tf.ones(3)}


@pytest.mark.parametrize("make", [Conditional, TwoOutputs])
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_samples_that_cannot_be_made_are_a_line_of_the_diagnosis(make):
    watch, gan = Doctor(bumps(100), verbose=0), make()
    with pytest.warns(UserWarning) as warned:
        assert watched(gan, watch, epochs=30) == []
    messages = [str(one.message) for one in warned if "looked at" in str(one.message)]
    assert len(messages) == 1 and messages[0].startswith("The samples could not be looked at: ValueError: ")
    assert messages[0].endswith("The training goes on.") and "\n" not in messages[0]
    (line,) = watch.failed
    assert line in str(watch.diagnosis) and "Looked on for 30 epochs." in str(watch.diagnosis)
    assert int(gan.g_optimizer.iterations) == 30 * 8, "trained to the end"
    with pytest.warns(UserWarning, match="The samples could not be looked at"):  # a new training, a new line
        assert watched(make(), watch, epochs=2) == [] and len(watch.failed) == 1


def test_the_rest_is_still_looked_at_when_samples_cannot_be_made():
    class Frozen(Conditional):
        def step_discriminator(self, gradients):
            pass

    watch = Doctor(verbose=0)
    with pytest.warns(UserWarning, match="The samples could not be looked at"):
        assert watched(Frozen(), watch) == ["discriminator_frozen"]


def test_a_conditional_model_that_generates_is_looked_at_by_that():
    class Generates(Conditional):
        asked = ()

        def generate(self, count, seed):
            self.asked += ((count, seed),)
            return np.ones((count, 8, 8, 1), "float32")  # collapsed

    gan = Generates()
    gan.compile()
    for optimizer in (gan.g_optimizer, gan.d_optimizer):
        optimizer.iterations.assign(signs.FIRST_STEPS)
    watch = Doctor(seed=3, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert watched(gan, watch, epochs=30, compiled=True) == ["collapsed"]
    assert set(gan.asked) == {(64, 3)} and watch.failed == []


def test_logs_that_are_no_numbers_are_passed_over():
    class Breaks(NestedLogs):
        def g_loss(self, fake):
            return super().g_loss(fake) / tf.cast(self.g_optimizer.iterations < 20, "float32")

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        watch = Doctor(verbose=0)
        assert watched(NestedLogs(), watch) == [] and watch.failed == []
        assert watched(Breaks(), watch, epochs=6) == ["diverging"]


def test_whatever_a_look_raises_is_one_line(monkeypatch):
    def fails(*args):
        raise KeyError("a name")

    monkeypatch.setattr(signs, "seen_while_training", fails)
    watch = Doctor(verbose=0)
    with pytest.warns(UserWarning, match="The model could not be looked at: KeyError: 'a name'") as warned:
        watched(Handmade(), watch, epochs=30)
    assert len(watch.failed) == 1 and sum("looked at" in str(one.message) for one in warned) == 1
    monkeypatch.setattr(signs, "fingerprint", fails)
    with pytest.warns(UserWarning, match="The weights could not be looked at: KeyError: 'a name'"):
        watched(Handmade(), watch)


def test_looks_are_counted_in_the_batches_that_the_model_counts(monkeypatch):
    looks = []
    seen = signs.seen_while_training
    monkeypatch.setattr(signs, "seen_while_training", lambda *args: looks.append(args[3]) or seen(*args))

    class Counts(Handmade):
        """Counts each batch twice as much as its optimizers do."""

        @property
        def batches_trained(self):
            return 2 * int(self.g_optimizer.iterations)

    watched(Counts(), Doctor(verbose=0), epochs=30)  # sixteen counted an epoch
    assert looks == [208, 416, 480]
