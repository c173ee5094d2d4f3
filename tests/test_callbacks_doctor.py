"""`Doctor` as a callback: it sees what goes wrong, leaves no trace and never ends a training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from others import Handmade, bumps, small_generator
from watching import real_images, train_with

from gan_lessons import doctor
from gan_lessons.callbacks import Doctor
from gan_lessons.doctor import signs


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


@pytest.fixture
def looks(monkeypatch):
    """The steps after which a watch looks."""
    found, look = [], doctor.Watch.look
    monkeypatch.setattr(doctor.Watch, "look", lambda self: found.append(self.steps_since_look) or look(self))
    return found


def test_a_look_is_rare_and_the_last_epoch_has_one(looks):
    watched(Handmade(), Doctor(verbose=0), epochs=30)  # eight steps an epoch
    assert looks == [200, 40]
    looks.clear()
    watched(Handmade(), Doctor(verbose=0, every=20), epochs=50)
    assert looks == [320, 80]


def test_looks_are_counted_in_the_batches_that_the_model_counts(looks):
    class Counts(Handmade):
        """Counts each batch twice as much as its optimizers do."""

        @property
        def batches_trained(self):
            return 2 * int(self.g_optimizer.iterations)

    watched(Counts(), Doctor(verbose=0), epochs=30)  # sixteen counted an epoch
    assert looks == [208, 208, 64]


def test_the_doctor_knows_a_sure_discriminator_by_its_curves():
    class Sure(Handmade):
        def report(self, d_loss, g_loss):
            return super().report(d_loss, g_loss) | {"d_real": self.sure, "d_fake": 1 - self.sure}

    for sure, expected in [(0.5, []), (0.9995, ["discriminator_saturated"])]:
        gan = Sure()
        gan.sure = sure
        watch = Doctor(verbose=0)
        assert watch.diagnosis.healthy and watch.findings == []
        assert watched(gan, watch) == expected


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


def test_samples_that_cannot_be_made_are_one_line_of_the_diagnosis():
    watch, gan = Doctor(bumps(100), verbose=0), Conditional()
    gan.compile()
    gan.g_optimizer.iterations.assign(signs.FIRST_STEPS)
    assert watched(gan, watch, epochs=60, compiled=True) == []
    (phrase,) = watch.diagnosis.left_out
    assert phrase.startswith("samples (ValueError: ") and "\n" not in phrase
    assert str(watch.diagnosis).splitlines() == [
        "Nothing found.",
        "Looked on for 60 epochs.",
        f"Not examined: {phrase}.",
    ]
    assert int(gan.g_optimizer.iterations) == signs.FIRST_STEPS + 60 * 8, "trained to the end"
    assert watched(Handmade(), watch) == [] and watch.diagnosis.left_out == [], "a new training, a new diagnosis"


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize(("collapsed", "expected"), [(False, []), (True, ["collapsed"])])
def test_the_first_of_several_outputs_is_the_sample(collapsed, expected):
    gan = TwoOutputs()
    gan.compile()
    gan.g_optimizer.iterations.assign(signs.FIRST_STEPS)
    if collapsed:
        hidden = gan.generator.layers[1]
        hidden.kernel.assign(np.zeros((6, 16)))
        hidden.trainable = False
    watch = Doctor(bumps(100), verbose=0)
    assert watched(gan, watch, epochs=30, compiled=True) == expected and watch.diagnosis.left_out == []


def test_the_rest_is_still_looked_at_when_samples_cannot_be_made():
    class Frozen(Conditional):
        def step_discriminator(self, gradients):
            pass

    watch, gan = Doctor(verbose=0), Frozen()
    gan.compile()
    gan.g_optimizer.iterations.assign(signs.FIRST_STEPS)
    assert watched(gan, watch, epochs=30, compiled=True) == ["discriminator_frozen"]
    assert len(watch.diagnosis.left_out) == 1


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
    assert watched(gan, watch, epochs=30, compiled=True) == ["collapsed"]
    assert set(gan.asked) == {(64, 3)} and watch.diagnosis.left_out == []


def test_curves_that_are_not_numbers_are_left_out_and_the_others_are_looked_at():
    class Breaks(NestedLogs):
        def g_loss(self, fake):
            return super().g_loss(fake) / tf.cast(self.g_optimizer.iterations < 20, "float32")

    watch = Doctor(verbose=0)
    assert watched(NestedLogs(), watch) == []
    (phrase,) = watch.diagnosis.left_out  # Keras takes the dictionary apart, and its numbers are curves
    assert phrase.startswith("the curve per_class (")
    assert watched(Breaks(), watch, epochs=6) == ["diverging"]


def test_whatever_a_look_raises_is_one_line(monkeypatch):
    def fails(*args):
        raise KeyError("a name")

    monkeypatch.setattr(signs, "rates_of_players_apart", fails)
    watch = Doctor(verbose=0)
    assert watched(Handmade(), watch, epochs=60) == []
    assert watch.diagnosis.left_out == ["the learning rates (KeyError: 'a name')"]
    monkeypatch.setattr(signs, "fingerprint", fails)
    watched(Handmade(), watch)
    assert watch.diagnosis.left_out[0] == "which weights move (KeyError: 'a name')"
