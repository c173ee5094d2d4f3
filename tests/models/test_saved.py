"""Files: those of the former version still load, and what objectives and penalties keep is saved and put back."""

import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import assert_equal, differs, everything, listing
from others import LATENT, PLAYERS, images
from systems import adam, hard, small_gan

from gan_lessons import GAN, objectives
from gan_lessons.penalties import GradientPenalty

# --- files of gan_lessons 0.1, made by tests/files/make.py ---------------------------------------------------------

FILES = Path(__file__).parent.parent / "files"


def compiled(gan):
    average = keras.optimizers.Adam(0.01, beta_1=0.5, use_ema=True, ema_momentum=0.9)
    gan.compile(
        generator_optimizer=average, discriminator_optimizer=keras.optimizers.Adam(0.01, beta_1=0.5), jit_compile=False
    )
    return gan


def of_0_1(kind):
    """A model from a file, and a dictionary of what gan_lessons 0.1 made of it afterwards."""
    keras.utils.set_random_seed(99)  # as in another process
    if kind == "weights":
        gan = compiled(GAN(*PLAYERS["subclassed"](), LATENT, penalty=GradientPenalty(2.0), discriminator_steps=3))
        gan.load_weights(FILES / "subclassed.weights.h5")
    else:
        gan = keras.models.load_model(FILES / f"{kind}.keras")
    return gan, dict(np.load(FILES / f"{kind}.npz"))


def assert_goes_on(gan, expected):
    """Two epochs more end where they ended in 0.1.

    With the versions that made the files all weights are bit for bit equal. Others round differently, and of the bias
    before BatchNormalization, which has no gradient, Adam makes steps of that rounding: hence 1e-4; a step is 1e-2.
    """
    np.testing.assert_allclose(gan.generate(3, seed=0), expected["images"], rtol=1e-5, atol=1e-6)
    gan.fit(images(10), batch_size=2, epochs=2, shuffle=False, verbose=0)
    for index, weight in enumerate(gan.trainable_weights):
        np.testing.assert_allclose(weight.numpy(), expected[f"weight_{index}"], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(gan.generate(3, seed=0), expected["later"], rtol=1e-5, atol=1e-4)
    assert np.abs(expected["later"] - expected["images"]).max() > 0.01, "there was something to be equal in"


@pytest.mark.parametrize("kind", ["compiled", "uncompiled", "weights"])
def test_files_of_0_1_load_and_go_on(kind):
    gan, expected = of_0_1(kind)
    if kind == "uncompiled":
        assert not gan.compiled and gan.seed == 3 and gan.batches_trained == 0
        compiled(gan)
    else:
        assert gan.batches_trained == 10  # counted by D's optimizer there
    assert_goes_on(gan, expected)


def test_a_file_of_0_1_is_saved_again_with_its_count(tmp_path):
    """Between two turns of G: a count that began at 0 would give G other batches."""
    gan, expected = of_0_1("compiled")
    gan.save(tmp_path / "again.keras")
    gan = keras.models.load_model(tmp_path / "again.keras")
    assert gan.batches_trained == 10
    assert_goes_on(gan, expected)


# --- a file and a training that goes on: other people's networks beside those of the contract ----------------------

X = images(10)


def fit(gan, epochs, **options):
    return gan.fit(X, batch_size=2, epochs=epochs, verbose=0, shuffle=False, **options)  # 5 batches an epoch


@pytest.mark.parametrize("players", ["subclassed", "nested"])
def test_2_and_2_are_4_through_a_file(players, tmp_path):
    whole = hard(players)
    whole_history = fit(whole, 4).history

    half = hard(players)
    first = fit(half, 2).history
    half.save(tmp_path / "half.keras")
    fit(half, 1)  # what happens after saving is not in the file
    keras.utils.set_random_seed(99)  # as in another process
    again = keras.models.load_model(tmp_path / "half.keras")
    assert type(again) is GAN
    second = fit(again, 2).history
    assert_equal(whole, again)
    for key in whole_history:
        assert whole_history[key] == first[key] + second[key]
    np.testing.assert_array_equal(whole.generate(3, seed=0), again.generate(3, seed=0))


def test_a_file_brings_back_all_that_was_said(tmp_path):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)
    gan = small_gan(
        PLAYERS["nested"],
        optimizers=(lambda: adam(schedule), lambda: keras.optimizers.RMSprop(0.003)),
        objective="wasserstein",
        penalty=GradientPenalty(3.0, seed=4),
        discriminator_steps=2,
        steps_per_execution=2,
        jit_compile=False,
        run_eagerly=False,
    )
    gan2 = GAN(*PLAYERS["nested"](), LATENT, seed=8, share_fakes=True, name="mine")
    gan2.compile(generator_optimizer="adam", discriminator_optimizer="sgd", run_eagerly=True)
    fit(gan, 2)
    for model, name in ((gan, "a.keras"), (gan2, "b.keras")):
        model.save(tmp_path / name)
    again = keras.models.load_model(tmp_path / "a.keras")
    assert type(again.objective) is type(gan.objective) and again.penalty.get_config() == gan.penalty.get_config()
    assert (again.discriminator_steps, again.latent_dim, again.patch_logits) == (2, LATENT, False)
    assert again.steps_per_execution == 2 and again.jit_compile is False and again.run_eagerly is False
    assert isinstance(again.discriminator_optimizer, keras.optimizers.RMSprop)
    rebuilt = again.generator_optimizer._learning_rate
    assert (
        isinstance(rebuilt, keras.optimizers.schedules.ExponentialDecay)
        and rebuilt.get_config() == schedule.get_config()
    )
    assert int(again.generator_optimizer.iterations) == 5 and int(again.discriminator_optimizer.iterations) == 10
    np.testing.assert_allclose(again.optimizer.learning_rate, 0.01 * 0.5 ** (5 / 5), rtol=1e-6)
    assert_equal(gan, again)
    other = keras.models.load_model(tmp_path / "b.keras")
    assert other.run_eagerly is True and other.name == "mine" and other.seed == 8 and other.share_fakes is True
    assert isinstance(other.discriminator_optimizer, keras.optimizers.SGD)
    assert json.dumps(again.get_config()) == json.dumps(gan.get_config())


def test_an_uncompiled_model_is_saved_too(tmp_path):
    gan = GAN(*PLAYERS["subclassed"](), LATENT)
    gan.save(tmp_path / "bare.keras")
    again = keras.models.load_model(tmp_path / "bare.keras")
    assert not again.compiled
    np.testing.assert_array_equal(gan.generate(2, seed=0), again.generate(2, seed=0))
    bare = keras.models.load_model(tmp_path / "bare.keras", compile=False)
    bare.compile(generator_optimizer="adam", discriminator_optimizer="adam", jit_compile=False)
    fit(bare, 1)


def test_weights_of_other_networks_are_refused(tmp_path):
    small_gan(PLAYERS["sequential"]).save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError):
        small_gan(PLAYERS["nested"]).load_weights(tmp_path / "w.weights.h5")


def test_networks_that_cannot_be_saved_leave_the_old_file(tmp_path):
    gan = small_gan(PLAYERS["nested"])
    gan.save(tmp_path / "gan.keras")
    before = listing(tmp_path)

    class Unsayable(keras.Model):
        def __init__(self, layer):  # no get_config: Keras cannot write down what `layer` is
            super().__init__()
            self.layer = layer

        def call(self, x):
            return self.layer(x)

        def get_config(self):
            raise NotImplementedError("this network cannot be described")

    bad = GAN(Unsayable(PLAYERS["nested"]()[0]), PLAYERS["nested"]()[1], LATENT)
    with pytest.raises(NotImplementedError, match="cannot be described"):
        bad.save(tmp_path / "gan.keras")
    assert listing(tmp_path) == before
    keras.models.load_model(tmp_path / "gan.keras")


def test_where_a_model_may_be_saved(tmp_path, monkeypatch):
    gan = small_gan(PLAYERS["nested"])
    with pytest.raises(ValueError, match="ends in .keras. Received: filepath="):
        gan.save(tmp_path / "gan.h5")
    with pytest.raises(FileNotFoundError, match="folder to save in must be there. Received: filepath="):
        gan.save(tmp_path / "nowhere" / "gan.keras")
    gan.save(str(tmp_path / "gan.keras"))
    before = listing(tmp_path)
    with pytest.raises(FileExistsError, match="overwrite=False"):
        gan.save(tmp_path / "gan.keras", overwrite=False)
    assert listing(tmp_path) == before
    with pytest.raises(ValueError):
        gan.save_weights(tmp_path / "weights.txt")
    monkeypatch.chdir(tmp_path)
    gan.save("here.keras")
    gan.save_weights("here.weights.h5")
    assert sorted(os.listdir(tmp_path)) == ["gan.keras", "here.keras", "here.weights.h5"]


# --- what settings keep --------------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("test_saved")
class Moving(objectives.Wasserstein):
    """An objective with a mean that it moves, and random numbers of its own."""

    def __init__(self):
        self.mean = tf.Variable(0.0)
        self.seeds = keras.random.SeedGenerator(4)

    def discriminator_loss(self, real_logits, fake_logits):
        self.mean.assign(0.9 * self.mean + 0.1 * keras.ops.mean(real_logits) + 1.0)
        noise = 0.01 * keras.random.normal((), seed=self.seeds)
        return super().discriminator_loss(real_logits, fake_logits) + (self.mean + noise) * keras.ops.mean(real_logits)


@keras.saving.register_keras_serializable("test_saved")
class Adapting(GradientPenalty):
    """A penalty whose weight grows with every batch."""

    def __init__(self, **options):
        super().__init__(**options)
        self.factor = keras.Variable(1.0)

    def __call__(self, discriminate, real, fake):
        self.factor.assign(self.factor * 1.1)
        return self.factor * super().__call__(discriminate, real, fake)


def moving():
    return small_gan(objective=Moving(), penalty=[Adapting(seed=1), Adapting(seed=2)])


def test_state_of_objectives_and_penalties_is_saved(tmp_path):
    whole, half = moving(), moving()
    fit(whole, 2)
    fit(half, 1)
    half.save(tmp_path / "half.keras")
    again = keras.models.load_model(tmp_path / "half.keras")
    assert_equal(half, again)
    assert float(again.objective.mean.numpy()) > 3 and float(again.penalty[1].factor) > 1.5
    fit(again, 1)
    assert_equal(whole, again)
    other = moving()
    assert differs(everything(other), everything(half))
    half.save_weights(tmp_path / "half.weights.h5")
    other.load_weights(tmp_path / "half.weights.h5")
    assert_equal(half, other)


def test_state_of_objectives_and_penalties_is_put_back_after_evaluate():
    gan = moving()
    fit(gan, 1)
    before = everything(gan)
    first, second = (gan.evaluate(X, batch_size=2, verbose=0, return_dict=True) for _ in range(2))
    assert first == second
    gan.test_on_batch(X[:4])
    assert_equal(before, gan)


def test_a_file_for_other_settings_is_refused(tmp_path):
    fitted = moving()
    fitted.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match="states for 1 sources of randomness|variables in objectives"):
        small_gan().load_weights(tmp_path / "w.weights.h5")


def test_an_objective_that_is_not_registered_is_named_with_its_cause_in_few_words(tmp_path):
    class Mine(objectives.Wasserstein):
        pass

    gan = small_gan(objective=Mine())
    gan.save(tmp_path / "gan.keras")
    with pytest.raises(ValueError) as caught:
        keras.models.load_model(tmp_path / "gan.keras")
    said = str(caught.value)
    assert said.startswith("The saved model's objective cannot be made again. Received: objective of class 'Mine'.")
    assert "register_keras_serializable() above the class" in said and "Could not locate class 'Mine'" in said
    assert len(said) < 600 and "config" not in said.split("custom_objects=")[1]
    again = keras.models.load_model(tmp_path / "gan.keras", custom_objects={"Mine": Mine})
    assert type(again.objective) is Mine


def test_a_network_that_cannot_be_made_again_shows_its_own_cause(tmp_path):
    @keras.saving.register_keras_serializable("test_saved")
    class Picky(keras.layers.Layer):
        def __init__(self, size):
            super().__init__()

        def call(self, x):
            return x

        def get_config(self):
            return {}

    def players():
        G, D = PLAYERS["nested"]()
        return keras.Sequential([*G.layers, Picky(3)]), D

    gan = small_gan(players)
    gan.save(tmp_path / "gan.keras")
    with pytest.raises(
        ValueError, match="generator cannot be made again.*missing 1 required positional argument: 'size'"
    ) as e:
        keras.models.load_model(tmp_path / "gan.keras")
    assert len(str(e.value)) < 700
