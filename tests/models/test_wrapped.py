"""What is done around the methods of a subclass: arguments of `__init__` as the config, steps that count and report."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from others import LATENT, SHAPE, images
from systems import flat, plain, small_gan

import gan_lessons as gl

X = images(8)


def network():
    return keras.Sequential([keras.Input((4,)), layers.Dense(4)])


@keras.saving.register_keras_serializable("test_wrapped")
class Copier(gl.GenerativeModel):
    """Learns to output its input."""

    def __init__(self, network, weight=1.0, *, tag: str = "plain", seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.network, self.weight, self.tag = network, weight, tag
        self.batch = gl.Batch({"rows": gl.Part((4,))})
        self.track("loss")

    def call(self, rows, training=False):
        return self.network(rows, training=training)

    def train_step(self, data):
        rows = self.read(data)
        with tf.GradientTape() as tape:
            loss = self.weight * ops.mean((self.network(rows, training=True) - rows) ** 2)
        self.log(loss=self.descend(loss, tape))

    def test_step(self, data):
        rows = self.read(data)
        self.log(loss=self.weight * ops.mean((self.network(rows) - rows) ** 2))


def own(model):
    """The config without the network, and without what every Keras model has."""
    return {key: value for key, value in model.get_config().items() if key not in ("network", "dtype", "trainable")}


def again(model):
    return type(model).from_config(model.get_config())


# --- the config ----------------------------------------------------------------------------------------------------


def test_positional_keyword_and_default_arguments():
    model = Copier(network(), 2.0, tag="mine", name="first")
    assert own(model) == {"name": "first", "weight": 2.0, "tag": "mine", "seed": None}
    model = Copier(weight=3.0, network=network(), seed=5, name="named")
    assert own(model) == {"name": "named", "weight": 3.0, "tag": "plain", "seed": 5}
    copy = again(model)
    assert own(copy) == own(model) and copy.network is not model.network
    assert [w.shape for w in copy.network.weights] == [w.shape for w in model.network.weights]


def test_the_config_follows_an_attribute_that_was_changed():
    model = Copier(network(), weight=2.0)
    model.weight = 0.5
    assert own(model)["weight"] == again(model).weight == 0.5


@keras.saving.register_keras_serializable("test_wrapped")
class Silent(Copier):
    """A subclass without an `__init__`."""


@keras.saving.register_keras_serializable("test_wrapped")
class Scaled(Copier):
    """Its arguments come by name and through **kwargs."""

    def __init__(self, network, scale=1.0, **kwargs):
        super().__init__(network, weight=2 * scale, **kwargs)
        self.scale = scale


@keras.saving.register_keras_serializable("test_wrapped")
class ScaledMore(Scaled):
    """A subclass of a subclass; what its parents compute is no argument of its own."""

    def __init__(self, network, *, more, **kwargs):
        super().__init__(network, scale=3 * more, **kwargs)
        self.more = more


@keras.saving.register_keras_serializable("test_wrapped")
class PassesOn(Copier):
    """As most people write a subclass: whatever the parent takes, and one thing more."""

    def __init__(self, *args, extra=1.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra = extra


@keras.saving.register_keras_serializable("test_wrapped")
class PassesOnTwice(PassesOn):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, extra=7.0, **kwargs)


@keras.saving.register_keras_serializable("test_wrapped")
class WithoutKwargs(Copier):
    def __init__(self, network, weight):
        super().__init__(network, weight)


@keras.saving.register_keras_serializable("test_wrapped")
class WithItsOwnConfig(Copier):
    """As it was written for gan_lessons 0.1."""

    def __init__(self, *args, extra=1.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.extra = extra

    def get_config(self):
        return super().get_config() | {"extra": self.extra}


SUBCLASSES = {
    "no __init__": (lambda: Silent(network(), 2.0, tag="a"), {"weight": 2.0, "tag": "a", "seed": None}),
    "through **kwargs": (lambda: Scaled(network(), 2.0, tag="a"), {"scale": 2.0, "tag": "a"}),
    "of a subclass": (lambda: ScaledMore(network(), more=2.0, tag="a"), {"more": 2.0, "tag": "a"}),
    "*args": (lambda: PassesOn(network(), 2.0, extra=5.0), {"weight": 2.0, "extra": 5.0}),
    "*args twice": (lambda: PassesOnTwice(network(), 2.0, tag="a"), {"weight": 2.0, "tag": "a"}),
    "no **kwargs": (lambda: WithoutKwargs(network(), 2.0), {"weight": 2.0}),
    "its own": (lambda: WithItsOwnConfig(network(), 2.0, extra=5.0), {"weight": 2.0, "extra": 5.0}),
}


@pytest.mark.parametrize("kind", SUBCLASSES)
def test_subclasses_write_no_config(kind, tmp_path):
    make, expected = SUBCLASSES[kind]
    model = make()
    found = own(model)
    found.pop("name", None)
    assert found == expected
    model.compile("sgd", jit_compile=False)
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    assert type(copy) is type(model) and own(copy) == own(model)
    for name in ("weight", "extra", "scale", "more"):
        assert getattr(copy, name, None) == getattr(model, name, None), name
    for a, b in zip(model.weights, copy.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_arguments_without_names_are_refused_where_they_cannot_be_saved(tmp_path):
    class Nets(Copier):
        def __init__(self, *networks, **kwargs):
            super().__init__(network=keras.Sequential(networks), **kwargs)

    model = Nets(network(), network())
    with pytest.warns(UserWarning, match="Arguments of __init__ must have names.*Received: \\*args with"):
        model.compile("sgd", jit_compile=False)


# --- steps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eagerly", [True, False])
def test_a_step_that_calls_its_parents_counts_one_batch(eagerly):
    """And draws the random numbers of one, so the training is the parent's."""

    class Twice(gl.GAN):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.track("half")

        def train_step(self, data):
            logs = super().train_step(data)
            assert logs is None  # the means are returned once, by the outermost step
            self.log(half=0.5)

        def test_step(self, data):
            super().test_step(data)
            self.log(half=0.25)

    mine, plainly = (small_gan(kind=kind, run_eagerly=eagerly, discriminator_steps=2) for kind in (Twice, gl.GAN))
    history = mine.fit(X, batch_size=2, verbose=0, validation_data=X).history
    expected = plainly.fit(X, batch_size=2, verbose=0, validation_data=X).history
    assert mine.batches_trained == plainly.batches_trained == 4
    assert history.pop("half") == [0.5] and history.pop("val_half") == [0.25]
    assert history == expected
    for a, b in zip(mine.weights, plainly.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_step_may_return_logs_of_its_own():
    class Own(Copier):
        def train_step(self, data):
            super().train_step(data)
            return {"mine": 2.0}

    model = Own(network())
    model.compile("sgd", run_eagerly=True)
    assert model.fit(np.ones((4, 4), "float32"), verbose=0).history == {"mine": [2.0]}
    assert model.batches_trained == 1


def test_a_model_without_steps_says_so_before_it_begins():
    class Still(gl.GenerativeModel):
        def __init__(self, network):
            super().__init__()
            self.network = network
            self.batch = gl.Batch({"rows": gl.Part((4,))})

    class TrainedOnly(Still):
        def train_step(self, data):
            raise AssertionError("trained before validation_data was looked at")

    rows = np.ones((4, 4), "float32")
    still, trained = Still(network()), TrainedOnly(network())
    for model in (still, trained):
        model.compile("sgd", run_eagerly=True)
    with pytest.raises(NotImplementedError, match="Still must define train_step"):
        still.fit(rows, verbose=0)
    for door in (
        lambda: trained.fit(rows, verbose=0, validation_data=rows),
        lambda: trained.fit(rows, verbose=0, validation_split=0.5),
        lambda: trained.evaluate(rows, verbose=0),
        lambda: trained.test_on_batch(rows),
    ):
        with pytest.raises(NotImplementedError, match="TrainedOnly must define test_step"):
            door()


def test_a_player_and_an_optimizer_more(tmp_path):
    """A GAN with an encoder that learns to invert G: a third player beside the two of the parent."""

    @keras.saving.register_keras_serializable("test_wrapped")
    class WithEncoder(gl.GAN):
        player_names = ("generator", "discriminator", "encoder")

        def __init__(self, *args, encoder, **kwargs):
            super().__init__(*args, **kwargs)
            self.encoder = encoder
            self.track("e_loss")

        def train_step(self, data):
            super().train_step(data)
            images = self.read(data)
            with tf.GradientTape() as tape:
                loss = ops.mean((self.generator(self.encoder(images, training=True)) - images) ** 2)
            self.log(e_loss=self.descend("encoder", loss, tape))

    def make():
        keras.utils.set_random_seed(0)
        gan = WithEncoder(*plain(), LATENT, encoder=flat(SHAPE, units=LATENT, dropout=0.2))
        adams = {f"{name}_optimizer": keras.optimizers.Adam(0.01) for name in gan.player_names}
        gan.compile(**adams, run_eagerly=True)
        return gan

    whole, half, plainly = make(), make(), small_gan(optimizers=(keras.optimizers.Adam,) * 2, run_eagerly=True)
    assert set(whole.fit(X, verbose=0, epochs=2).history) == {"d_loss", "g_loss", "d_real", "d_fake", "e_loss"}
    half.fit(X, verbose=0)
    half.save(tmp_path / "half.keras")
    loaded = keras.models.load_model(tmp_path / "half.keras")
    loaded.fit(X, verbose=0)
    for a, b in zip(whole.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert len(whole.weights) > len(plainly.weights)
