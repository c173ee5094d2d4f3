"""The table of scores: which rows there are, what they train with, going on after a stop, and what the table says."""

import importlib.util
import json
import math
import os
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import gan_lessons as gl

ROOT = Path(__file__).resolve().parent.parent

_spec = importlib.util.spec_from_file_location("quality", ROOT / "benchmarks" / "quality.py")
quality = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(quality)

SHAPES = {"cifar10": (32, 32, 3), "mnist": (28, 28, 1)}


def row(name):
    return next(row for row in quality.rows() if row.name == name)


def made(name, set_name=None, seed=0):
    found = row(name)
    return found.make(SHAPES[set_name or found.sets[0]], seed)


def rate(optimizer):
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


def optimizers(gan):
    return [gan.generator_optimizer, gan.discriminator_optimizer]


def has_batch_norm(model):
    return any(isinstance(layer, layers.BatchNormalization) for layer in model.layers)


# --- rows are found ------------------------------------------------------------------------------------------------


def test_the_rows_are_all_that_the_package_has():
    lessons = ["lesson-mlp_gan", "plain-mlp_gan", "lesson-dcgan", "plain-dcgan", "one_batch-dcgan"]
    names = [row.name for row in quality.rows()]
    assert names[:5] == lessons and len(set(names)) == len(names)
    assert {
        "minimax", "non_saturating", "wasserstein-clip_weights", "wasserstein-gradient_penalty"
    } <= set(names)  # fmt: skip
    assert "wasserstein" not in names  # nothing would hold its critic
    for objective in quality.registered(gl.objectives):
        assert type(gl.objectives.get(objective)) is quality.registered(gl.objectives)[objective]
        assert any(name.split("-")[0] == objective for name in names)


def _into(module, thing, monkeypatch):
    thing.__module__ = module.__name__
    if isinstance(thing, type):
        keras.saving.register_keras_serializable("gan_lessons")(thing)
    monkeypatch.setattr(module, thing.__name__, thing, raising=False)


def test_what_is_new_joins_by_existing(monkeypatch):
    before = {row.name for row in quality.rows()}

    class LeastSquaresOfTest(gl.objectives.Objective):  # bounded: 0 is the least
        def discriminator_loss(self, real_logits, fake_logits):
            return keras.ops.mean((real_logits - 1) ** 2) + keras.ops.mean(fake_logits**2)

        def generator_loss(self, fake_logits):
            return keras.ops.mean((fake_logits - 1) ** 2)

    class BackwardsOfTest(gl.objectives.Wasserstein):  # a critic with its sign turned is as unbounded
        def discriminator_loss(self, real_logits, fake_logits):
            return keras.ops.mean(real_logits) - keras.ops.mean(fake_logits)

    class SlopeOfTest(gl.penalties.GradientPenalty):
        pass

    def tame_of_test(model, limit=1.0):
        return gl.constraints.clip_weights(model, limit)

    _into(gl.objectives, LeastSquaresOfTest, monkeypatch)
    assert {row.name for row in quality.rows()} - before == {"least_squares_of_test"}
    assert row("least_squares_of_test").title == "small CNN, least squares of test"

    _into(gl.penalties, SlopeOfTest, monkeypatch)
    _into(gl.constraints, tame_of_test, monkeypatch)
    news = {"least_squares_of_test", "wasserstein-slope_of_test", "wasserstein-tame_of_test"}
    assert {row.name for row in quality.rows()} - before == news

    monkeypatch.setitem(quality.SETTINGS, "non_saturating-slope_of_test", quality.TEXTBOOK)
    news.add("non_saturating-slope_of_test")
    assert {row.name for row in quality.rows()} - before == news

    _into(gl.objectives, BackwardsOfTest, monkeypatch)
    holders = ("clip_weights", "gradient_penalty", "slope_of_test", "tame_of_test")
    news |= {f"backwards_of_test-{held}" for held in holders}
    assert {row.name for row in quality.rows()} - before == news

    # What no paper has settings for trains as its kind does.
    assert rate(made("least_squares_of_test", "mnist").generator_optimizer) == pytest.approx(2e-4)
    slope = made("wasserstein-slope_of_test", "mnist")
    assert type(slope.penalty) is SlopeOfTest and slope.discriminator_steps == 5
    assert rate(slope.generator_optimizer) == pytest.approx(1e-4)
    both = made("non_saturating-slope_of_test", "mnist")
    assert type(both.penalty) is SlopeOfTest and both.discriminator_steps == 1
    kernel = made("wasserstein-tame_of_test", "mnist").discriminator.layers[1].kernel
    assert kernel.constraint.limit == 1.0


def test_whether_a_loss_has_a_lower_bound():
    assert quality.has_lower_bound(gl.objectives.Minimax())
    assert quality.has_lower_bound(gl.objectives.NonSaturating())
    assert not quality.has_lower_bound(gl.objectives.Wasserstein())


# --- what they train with ------------------------------------------------------------------------------------------

PAPERS = {  # optimizer, its settings, critic steps, BatchNormalization in D
    "minimax": ("Adam", {"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999}, 1, True),
    "non_saturating": ("Adam", {"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999}, 1, True),
    "wasserstein-clip_weights": ("RMSprop", {"learning_rate": 5e-5}, 5, True),
    "wasserstein-gradient_penalty": ("Adam", {"learning_rate": 1e-4, "beta_1": 0.0, "beta_2": 0.9}, 5, False),
}


@pytest.mark.parametrize("name", PAPERS)
def test_the_small_cnn_has_the_settings_of_the_papers(name):
    kind, settings, critic_steps, batch_norm = PAPERS[name]
    gan = made(name, "cifar10")
    for optimizer in optimizers(gan):
        config = optimizer.get_config()
        assert type(optimizer).__name__ == kind and not config["use_ema"]
        assert {key: config[key] for key in settings} == pytest.approx(settings)
    assert gan.discriminator_steps == critic_steps
    assert has_batch_norm(gan.generator) and has_batch_norm(gan.discriminator) == batch_norm
    kernels = [layer.kernel for layer in gan.discriminator.layers if hasattr(layer, "kernel")]
    limits = {getattr(kernel.constraint, "limit", None) for kernel in kernels}
    assert limits == ({0.01} if "clip" in name else {None})
    assert (gan.penalty.weight if gan.penalty else None) == (10.0 if "penalty" in name else None)
    assert row(name).batch_size == 64 and row(name).own_steps() >= 5000


def test_the_small_cnn_is_one_pair_of_networks_for_all_objectives_of_a_set():
    gans = [made(name, "mnist") for name in ("minimax", "wasserstein-clip_weights")]
    assert {gan.image_shape for gan in gans} == {(28, 28, 1)}
    for one, other in zip(gans[0].get_weights(), gans[1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)  # the seed decides
    assert np.abs(made("minimax", "mnist", seed=1).get_weights()[0] - gans[0].get_weights()[0]).max() > 0


@pytest.mark.parametrize("name", quality.LESSONS)
def test_a_lessons_row_is_the_lessons_own(name):
    source = (ROOT / "notebooks" / "source" / f"{name}.py").read_text(encoding="utf-8")
    learning_rate, beta_1 = map(float, re.search(r"\nLEARNING_RATE, BETA_1 = (\S+), (\S+)\n", source).groups())
    average = float(re.search(r"\nAVERAGE = (\S+)", source)[1])
    batch = re.search(r"\nBATCH_SIZE = (\d+)", source)
    gan, own = made(f"lesson-{name}"), row(f"lesson-{name}")

    assert own.batch_size == (int(batch[1]) if batch else 64)
    for optimizer in optimizers(gan):
        assert rate(optimizer) == pytest.approx(learning_rate) and optimizer.get_config()["beta_1"] == beta_1
        if "CosineDecay(LEARNING_RATE, STEPS)" in source:
            optimizer.iterations.assign(own.own_steps() // 2)
            assert rate(optimizer) == pytest.approx(learning_rate / 2)
            optimizer.iterations.assign(own.own_steps())
            assert rate(optimizer) == 0
    config = gan.generator_optimizer.get_config()
    assert config["use_ema"] and config["ema_momentum"] == average
    if name == "mlp_gan":
        sizes = [784, 512, 256, 1]
    else:
        shapes = [tuple(weight.shape) for weight in gan.discriminator.weights if weight.name == "kernel"]
        assert shapes[0] == (4, 4, 3, int(re.search(r"\nDISCRIMINATOR_FILTERS = \((\d+),", source)[1]))
        return
    dense = sum(a * b + b for a, b in zip(sizes, sizes[1:], strict=False))
    assert gan.discriminator.count_params() == dense


@pytest.mark.parametrize("name", quality.LESSONS)
def test_a_plain_loop_has_the_lessons_networks_and_none_of_its_care(name):
    lesson, plain = made(f"lesson-{name}"), made(f"plain-{name}")
    for player in ("generator", "discriminator"):
        one, other = getattr(lesson, player), getattr(plain, player)
        assert [type(layer) for layer in one.layers] == [type(layer) for layer in other.layers]
        assert [layer.count_params() for layer in one.layers] == [layer.count_params() for layer in other.layers]
        for layer in other.layers:
            if hasattr(layer, "kernel"):  # Glorot: the variance is 2 / (fan in + fan out)
                kernel = keras.ops.convert_to_numpy(layer.kernel)
                swapped = isinstance(layer, layers.Conv2DTranspose)
                field, channels = math.prod(kernel.shape[:-2]), kernel.shape[-2:][:: -1 if swapped else 1]
                assert abs(kernel.mean()) < 5 * kernel.std() / kernel.size**0.5
                expected = (2 / (field * sum(channels))) ** 0.5
                if kernel.size > 1000:
                    assert kernel.std() == pytest.approx(expected, rel=0.05)
                    limit = expected * 3**0.5  # uniform, so nothing lies beyond √3 standard deviations
                    assert np.abs(kernel).max() <= limit * 1.0001
            if isinstance(layer, layers.BatchNormalization):
                assert (keras.ops.convert_to_numpy(layer.gamma) == 1).all()
    for optimizer in optimizers(plain):
        config = optimizer.get_config()
        assert type(optimizer) is keras.optimizers.Adam and not config["use_ema"]
        assert (rate(optimizer), config["beta_1"]) == (pytest.approx(2e-4), 0.5)
    assert type(plain.objective) is type(lesson.objective) is gl.objectives.NonSaturating
    assert plain.penalty is None and plain.discriminator_steps == 1


@pytest.mark.parametrize("name", quality.LESSONS)
def test_one_batch_is_another_game_only_where_there_is_batch_norm(name):
    plain = made(f"plain-{name}")
    assert has_batch_norm(plain.discriminator) == quality.LESSONS[name].batch_norm
    assert quality.LESSONS[name].batch_norm == any(row.name == f"one_batch-{name}" for row in quality.rows())
    gans = plain, quality.OneBatch(plain.generator, plain.discriminator, plain.latent_dim)
    gans[1].compile(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.SGD(0.0))
    gans[0].compile(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.SGD(0.0))
    images = np.random.default_rng(0).uniform(-1, 1, (8, *plain.image_shape)).astype("float32")
    losses = []
    for gan in gans:
        gan._latent_seed.state.assign([0, 7])  # the same latents for both
        losses.append(gan.train_on_batch(images, return_dict=True))
    assert losses[0]["g_loss"] == pytest.approx(losses[1]["g_loss"], abs=1e-4)  # G's turn is the same
    assert (abs(losses[0]["d_loss"] - losses[1]["d_loss"]) < 1e-4) == (not quality.LESSONS[name].batch_norm)


def test_one_batch_is_what_it_says():
    """D's loss on one batch of both, against Keras's own cross-entropy on the same batch."""
    gan = made("one_batch-dcgan")
    assert type(gan) is quality.OneBatch
    gan.compile(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.SGD(0.0))
    images = np.random.default_rng(0).uniform(-1, 1, (8, 32, 32, 3)).astype("float32")
    gan._latent_seed.state.assign([0, 7])
    fakes = gan.generator(gan._draw_latents(8), training=True)
    gan._latent_seed.state.assign([0, 7])
    logits = gan.discriminator(np.concatenate([images, fakes]), training=True)
    labels = np.repeat([[1.0], [0.0]], 8, axis=0)
    expected = 2 * keras.losses.BinaryCrossentropy(from_logits=True)(labels, logits)  # a mean over both, ours a sum
    assert gan.train_on_batch(images, return_dict=True)["d_loss"] == pytest.approx(float(expected), rel=1e-5)


def test_a_lesson_and_its_plain_loop_see_the_same_images():
    for name, steps in {"mlp_gan": 19_000, "dcgan": 6_000}.items():
        lesson, plain = row(f"lesson-{name}"), row(f"plain-{name}")
        assert plain.own_steps() == steps and plain.batch_size == 64
        assert lesson.own_steps() * lesson.batch_size == steps * 64
        assert lesson.sets == plain.sets
        assert lesson.own_steps(20) * lesson.batch_size == 20 * 64


def test_a_lesson_that_does_not_say_what_it_trains_is_refused(tmp_path, monkeypatch):
    source = tmp_path / "notebooks" / "source"
    source.mkdir(parents=True)
    text = (ROOT / "notebooks" / "source" / "dcgan.py").read_text(encoding="utf-8")
    monkeypatch.setattr(quality, "ROOT", tmp_path)
    (source / "dcgan.py").write_text(text + "\ngan = gl.GAN(generator, discriminator, 100)\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"one statement gan = gl.GAN\(…\). Received: 2"):
        quality.from_lesson("dcgan", 100)
    (source / "dcgan.py").write_text(text.replace("train = gl", "other = gl"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"one statement train = .* Received: 0"):
        quality.from_lesson("dcgan", 100)
    (source / "dcgan.py").write_text(re.sub(r"\nLEARNING_RATE, BETA_1 = \S+,", "\nLEARNING_RATE, BETA_1 = 3e-4,", text))
    _, _, make = quality.from_lesson("dcgan", 100)
    optimizer = make((32, 32, 3), 0).generator_optimizer
    assert rate(optimizer) == pytest.approx(3e-4)
    optimizer.iterations.assign(100)
    assert rate(optimizer) == 0
    with pytest.raises(ValueError, match="makes images of"):
        make((28, 28, 1), 0)


# --- training, and going on ----------------------------------------------------------------------------------------


def tiny(image_shape, seed, learning_rate=1e-3, run_eagerly=True):
    """A GAN with all that is hard to take up again. Eagerly, since a few steps are sooner taken than compiled."""
    keras.utils.set_random_seed(seed)
    gan = gl.GAN(
        gl.networks.mlp_generator(image_shape, 4, units=(8,)),
        gl.networks.mlp_discriminator(image_shape, units=(8,), dropout=0.3),
        latent_dim=4,
        discriminator_steps=2,
    )
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(learning_rate, use_ema=True),
        discriminator_optimizer=keras.optimizers.Adam(learning_rate),
        run_eagerly=run_eagerly,
        jit_compile=False,
    )
    return gan


def pictures():
    images = np.random.default_rng(0).uniform(-1, 1, (24, 6, 6, 1)).astype("float32")
    return tf.data.Dataset.from_tensor_slices(images).shuffle(24, seed=3).batch(4, drop_remainder=True)


def train(folder, seed=0, steps=8, settings=None, run_eagerly=False):
    gan = tiny((6, 6, 1), seed, run_eagerly=run_eagerly)
    seconds = quality.train(gan, pictures(), steps, folder, settings or {"a": 1})
    return gan, seconds


class StoppedClock(quality.Clock):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt
        super().on_epoch_begin(epoch, logs)


def test_a_training_that_was_stopped_ends_as_one_that_was_not(tmp_path, monkeypatch):
    whole, seconds = train(tmp_path / "whole")
    assert seconds > 0
    assert int(whole.generator_optimizer.iterations) == 8 and int(whole.discriminator_optimizer.iterations) == 16

    with monkeypatch.context() as context:
        context.setattr(quality, "Clock", StoppedClock)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "stopped")
    again, seconds_again = train(tmp_path / "stopped")
    for one, other in zip(whole.variables, again.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    assert seconds_again > 0

    # What is done is not done again: the weights and the time are there at once.
    same, same_seconds = train(tmp_path / "stopped")
    assert same_seconds == pytest.approx(seconds_again, rel=1e-6)
    np.testing.assert_array_equal(same.get_weights()[0], again.get_weights()[0])


@pytest.mark.parametrize("batches_a_call", [1, 4])
def test_a_step_is_timed_from_one_turn_of_the_generator_to_the_next(monkeypatch, batches_a_call):
    now = iter(range(1000))
    monkeypatch.setattr(quality.time, "perf_counter", lambda: next(now))
    gan = tiny((6, 6, 1), 0)
    gan.steps_per_execution = batches_a_call
    # A second a call, two batches a step.
    assert quality.seconds_a_step(gan, pictures(), steps=2) == 2 / batches_a_call
    assert int(gan.generator_optimizer.iterations) == 3 * batches_a_call


def test_other_settings_begin_anew(tmp_path):
    first, _ = train(tmp_path / "run", steps=2, run_eagerly=True)
    other, _ = train(tmp_path / "run", seed=1, steps=3, settings={"a": 2}, run_eagerly=True)
    assert int(other.generator_optimizer.iterations) == 3
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(first.get_weights()[0], other.get_weights()[0])


def test_settings_tell_apart_what_trains_differently():
    def settings(**kwargs):
        return quality.settings_of(tiny((6, 6, 1), 0, **kwargs), 64)

    assert settings() == settings() == json.loads(json.dumps(settings()))
    assert settings() != settings(learning_rate=2e-3)
    assert settings() != quality.settings_of(tiny((6, 6, 1), 0), 32)
    lesson, plain = (quality.settings_of(made(f"{kind}-dcgan"), 64) for kind in ("lesson", "plain"))
    assert lesson["generator"] != plain["generator"]  # by their initializers alone
    assert lesson["generator_optimizer"] == {
        "class": "Adam",
        "learning_rate": {
            "class": "CosineDecay", "initial_learning_rate": 8e-4, "decay_steps": 6000, "alpha": 0.0, "warmup_steps": 0
        },
        "beta_1": 0.0, "use_ema": True, "ema_momentum": 0.999,
    }  # fmt: skip
    clipped = quality.settings_of(made("wasserstein-clip_weights", "mnist"), 64)
    assert "WeightClip 0.01" in clipped["discriminator"][0]
    penalised = quality.settings_of(made("wasserstein-gradient_penalty", "mnist"), 64)
    assert penalised["penalty"] == {"class": "GradientPenalty", "weight": 10.0}


# --- all of it, small ----------------------------------------------------------------------------------------------


@pytest.fixture
def small_world(tmp_path, monkeypatch):
    """Two tiny rows, 40 images called MNIST, and a folder for what is written. Counts the trainings."""
    trained = []

    def read(name, split, examples, image_size, allow_stand_in, data_dir):
        images = np.random.default_rng(len(split)).integers(0, 256, (64, 28, 28, 1), dtype="uint8")[:examples]
        info = gl.data.DataInfo(name, "MNIST", False, (28, 28, 1), len(images), (), split)
        return images, np.zeros(len(images), "int64"), info

    def make(image_shape, seed):
        return tiny(image_shape, seed)

    rows = [
        quality.Row("later", "the one", ("mnist",), 2, 64, make),
        quality.Row("sooner", "the other", ("mnist",), 1, 32, make, first=True),
    ]
    original = quality.train

    def counted(gan, data, steps, folder, settings):
        trained.append((folder.relative_to(tmp_path).as_posix(), steps))
        return original(gan, data, steps, folder, settings)

    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{quality.TABLE_START}\nold\n{quality.TABLE_END}\nafter\n", encoding="utf-8")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for name, value in {
        "rows": lambda: rows, "train": counted, "COUNT": 40, "RECORD": tmp_path / "quality.json", "README": readme,
        "BUILD": tmp_path / "build", "seconds_a_step": lambda gan, data: 30.0,
    }.items():  # fmt: skip
        monkeypatch.setattr(quality, name, value)
    monkeypatch.setattr(gl.data, "_read", read)
    return tmp_path, trained


def test_a_stop_at_any_time_leaves_a_table_and_nothing_is_trained_twice(small_world, monkeypatch, capsys):
    folder, trained = small_world
    with monkeypatch.context() as context:
        done = quality.train

        def stopped_at_the_second(gan, data, steps, place, settings):
            if trained:
                raise KeyboardInterrupt
            return done(gan, data, steps, place, settings)

        context.setattr(quality, "train", stopped_at_the_second)
        assert quality.main(["--seeds", "0"]) == 130
    printed = capsys.readouterr().out
    assert "All of it: about 4 min" in printed and "goes on" in printed  # 2 × 30 s and 2 × 30 s, and a minute each
    assert trained == [("build/sooner/mnist/0", 2)]  # 1 step of 64 images is 2 of 32
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("before\n") and readme.endswith("\nafter\n") and "\nold\n" not in readme
    assert "| the other |" in readme and "| the one |" not in readme

    assert quality.main(["--seeds", "0", "1"]) == 0
    assert [place for place, _ in trained] == [
        "build/sooner/mnist/0", "build/later/mnist/0", "build/sooner/mnist/1", "build/later/mnist/1"
    ]  # fmt: skip
    assert keras.models.load_model(folder / "build/later/mnist/1/gan.keras").generate(2).shape == (2, 28, 28, 1)
    results = json.loads((folder / "quality.json").read_text(encoding="utf-8"))
    assert [(r["row"], r["seed"], r["steps"]) for r in results] == [
        ("later", 0, 2), ("later", 1, 2), ("sooner", 0, 2), ("sooner", 1, 2)
    ]  # fmt: skip
    for result in results:
        assert result["data"] == "MNIST" and result["count"] == 40 and result["latents_seed"] == 0
        assert (result["split"], result["floor_split"]) == ("train[:40]", "test[:40]")
        assert set(result["scores"]) >= set(quality.COLUMNS) and set(result["floor"]) >= set(quality.COLUMNS)
        assert result["scores"]["frechet_distance"] > result["floor"]["frechet_distance"] > 0
        assert result["minutes"] >= 0 and result["features"] == "MNIST features"

    # Done is done, until the settings are others.
    assert quality.main(["--seeds", "0", "1"]) == 0 and len(trained) == 4
    monkeypatch.setattr(
        quality, "rows", lambda: [quality.Row("later", "the one", ("mnist",), 2, 64, lambda s, i: tiny(s, i, 0.01))]
    )
    assert quality.main(["--seeds", "1"]) == 0
    assert trained[4:] == [("build/later/mnist/1", 2)]
    assert len(json.loads((folder / "quality.json").read_text(encoding="utf-8"))) == 4

    # The table alone.
    (folder / "README.md").write_text(f"{quality.TABLE_START}{quality.TABLE_END}", encoding="utf-8")
    assert quality.main(["--table"]) == 0 and len(trained) == 5
    assert "| the one |" in (folder / "README.md").read_text(encoding="utf-8")


def test_other_steps_stay_in_build(small_world):
    folder, trained = small_world
    before = (folder / "README.md").read_text(encoding="utf-8")
    assert quality.main(["--steps", "1", "--only", "later", "--seeds", "0"]) == 0
    assert trained == [("build/steps-1/later/mnist/0", 1)]
    assert (folder / "README.md").read_text(encoding="utf-8") == before and not (folder / "quality.json").exists()
    assert len(json.loads((folder / "build/steps-1/quality.json").read_text(encoding="utf-8"))) == 1
    with pytest.raises(SystemExit):
        quality.main(["--steps", "0"])


def test_images_that_are_not_finite_have_no_scores(small_world):
    gan = tiny((28, 28, 1), 0)
    gan.generator.layers[1].kernel.assign(np.full((4, 8), np.nan))
    found = quality.Judge("mnist").measure(gan)
    assert found["scores"]["frechet_distance"] is None and found["scores"]["recall"] == 0
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_there_is_no_table_of_stand_ins(small_world, monkeypatch):
    folder, trained = small_world
    read = gl.data._read

    def without(*missing):
        """A set of which these splits are not there; where there is a stand-in, that is taken."""

        def swapped(name, split, examples, image_size, allow_stand_in, data_dir):
            images, labels, info = read(name, split, examples, image_size, allow_stand_in, data_dir)
            if split in missing and not allow_stand_in:
                raise RuntimeError("MNIST is not on this machine")
            if split in missing or ("both" in missing and allow_stand_in):
                info = gl.data.DataInfo("standin_digits", "stand-in digits", True, (28, 28, 1), len(images))
            return images, labels, info

        return swapped

    whys = {"test": "not on this machine", "train": "of the same set", "both": "is of real images"}
    for missing, why in whys.items():
        monkeypatch.setattr(gl.data, "_read", without(missing))
        with pytest.raises((RuntimeError, ValueError), match=why):
            quality.main(["--seeds", "0"])
    assert not trained and not (folder / "quality.json").exists()
    assert "old" in (folder / "README.md").read_text(encoding="utf-8")


def test_the_lessons_come_first_and_then_seed_by_seed():
    chosen = quality.rows()
    runs = [(row.name, name, seed) for row, name, seed in quality.plan(chosen, [0, 1], quality.SETS)]
    half = len(runs) // 2
    assert [run[:2] for run in runs[:5]] == [
        ("lesson-mlp_gan", "mnist"), ("plain-mlp_gan", "mnist"),
        ("lesson-dcgan", "cifar10"), ("plain-dcgan", "cifar10"), ("one_batch-dcgan", "cifar10"),
    ]  # fmt: skip
    small = [run[1] for run in runs[5:half]]
    assert small == ["cifar10"] * (len(small) // 2) + ["mnist"] * (len(small) // 2)
    assert [run[2] for run in runs] == [0] * half + [1] * half
    assert [run[:2] for run in runs[half:]] == [run[:2] for run in runs[:half]]
    digits = quality.plan(chosen, [0], ["mnist"])
    assert {name for _, name, _ in digits} == {"mnist"} and len(digits) == 2 + len(small) // 2


@pytest.mark.parametrize("seconds, words", [(5, "1 min"), (60 * 59, "59 min"), (3600 * 2 + 60 * 5, "2 h 5 min")])
def test_durations_are_said_as_one_says_them(seconds, words):
    assert quality.duration(seconds) == words


# --- the table -----------------------------------------------------------------------------------------------------


def result(name, set_name, seed, distance, digest="?", steps=6000, **optimizer):
    settings = {
        "generator_optimizer": {"class": "Adam", "learning_rate": 2e-4, "beta_1": 0.5, **optimizer},
        "discriminator_steps": 5 if "wasserstein" in name else 1,
        "batch_size": 64,
    }
    scores = {"frechet_distance": distance, "kernel_distance": 0.0125, "precision": 0.5, "recall": 0.25}
    floor = {"frechet_distance": 0.123, "kernel_distance": 0.00001, "precision": 0.8, "recall": 0.7}
    return {
        "row": name, "set": set_name, "seed": seed, "steps": steps, "minutes": 7.4, "data": set_name.upper(),
        "digest": digest, "split": "train[:10000]", "floor_split": "test[:10000]", "features": "X features",
        "features_note": "of a classifier", "count": 10_000, "latents_seed": 0, "scores": scores, "spreads": {},
        "floor": floor, "settings": settings,
    }  # fmt: skip


def line(text, start):
    (found,) = [line for line in text.splitlines() if line.startswith(f"| {start}")]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_the_table_says_what_one_has_to_know():
    results = [
        result("lesson-dcgan", "cifar10", 0, 4.0, use_ema=True, ema_momentum=0.999),
        result("lesson-dcgan", "cifar10", 1, 6.0, use_ema=True, ema_momentum=0.999),
        result("plain-dcgan", "cifar10", 0, 8.0),
        result("plain-dcgan", "cifar10", 1, 12.0),
        result("one_batch-dcgan", "cifar10", 0, 16.0),
        result("wasserstein-gradient_penalty", "cifar10", 0, 1234.5, beta_1=0.0, beta_2=0.9),
        result("minimax", "cifar10", 0, None),
        result("minimax", "mnist", 0, 2.0),
        result("no_longer_a_row", "mnist", 0, 2.0),
    ]
    text = quality.table(results)
    assert text.index("**CIFAR10.** 10,000 generated images (latents of seed 0) against train[:10000]") < text.index(
        "**MNIST.**"
    )
    cifar, mnist = text.split("**MNIST.**")
    assert "in X features: of a classifier." in cifar and "no_longer" not in text

    assert line(cifar, "lesson 03's DCGAN") == [
        "lesson 03's DCGAN", "5 (4–6)", "0.0125 (0.0125–0.0125)", "0.5 (0.5–0.5)", "0.25 (0.25–0.25)",
        "Adam 0.0002, β₁ 0.5, average 0.999", "6,000 × 64", "7", "0, 1", "–",
    ]  # fmt: skip
    penalty = line(cifar, "small CNN, wasserstein, gradient penalty")
    assert penalty[1] == "1,234" and penalty[-1] == "28.8 / 25.9"
    assert penalty[5] == "Adam 0.0002, β₁ 0, β₂ 0.9, 5 critic steps"
    assert line(cifar, "small CNN, minimax")[1] == "not finite"
    floor = line(cifar, "*real images, test[:10000]: the floor*")
    assert floor[1:5] == ["0.123", "1e-05", "0.8", "0.7"]
    tables = [[row.count("|") for row in part.splitlines() if row.startswith("|")] for part in (cifar, mnist)]
    assert all(len(set(counts)) == 1 for counts in tables)
    assert "FID published" not in mnist.splitlines()[2]  # published ones are of CIFAR-10

    assert "Lesson 03's DCGAN has 0.50 of the Fréchet distance of the plain loop (seeds 0, 1); the course wants" in text
    assert "has 0.25 of the Fréchet distance of the plain loop, one batch (seed 0)." in text
    for words in ("order of the rows alone", "cannot be compared", "same number of images", "plain loop"):
        assert words in text


def test_what_is_known_of_the_images_is_said(monkeypatch):
    monkeypatch.setitem(quality.KNOWN, "abc", "each once through JPEG")
    assert "These images: each once through JPEG." in quality.table([result("minimax", "cifar10", 0, 1.0, "abc")])
    assert "on other images" in quality.table([result("minimax", "cifar10", 0, 1.0, "abc")])
    assert "JPEG" not in quality.table([result("minimax", "cifar10", 0, 1.0)])


def test_shares_are_of_seeds_that_both_have():
    runs = [result("lesson-mlp_gan", "mnist", seed, 1.0 + seed) for seed in (0, 1)]
    assert quality._shares(runs) == []
    runs += [result("plain-mlp_gan", "mnist", 1, 4.0), result("plain-mlp_gan", "mnist", 2, None)]
    (sentence,) = quality._shares(runs)
    assert "0.50" in sentence and "(seed 1)" in sentence


def test_one_seed_that_broke_is_not_averaged_away():
    assert quality._spread([1.0, None, 2.0]) == "not finite for 1 of 3"


def test_a_readme_without_a_place_for_the_table_is_refused(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(quality.TABLE_START)
    with pytest.raises(ValueError, match="once each"):
        quality.write_table([], readme)


# --- what is committed ---------------------------------------------------------------------------------------------


def test_readmes_table_is_that_of_the_record():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    between = text.split(quality.TABLE_START)[1].split(quality.TABLE_END)[0]
    assert between == f"\n{quality.table(quality.Record(quality.RECORD).results)}\n", (
        "python benchmarks/quality.py --table"
    )


def test_the_record_is_of_todays_settings():
    """Each result's row still trains so; otherwise: python benchmarks/quality.py --only <row>."""
    known = {row.name: row for row in quality.rows()}
    settings = {}
    for found in quality.Record(quality.RECORD).results:
        own, key = known[found["row"]], (found["row"], found["set"])
        if key not in settings:
            settings[key] = quality.settings_of(own.make(SHAPES[found["set"]], 0), own.batch_size)
        assert found["steps"] == own.own_steps() and found["settings"] == settings[key], key
        assert found["data"] in ("MNIST", "CIFAR-10") and found["count"] == quality.COUNT


def test_no_table_is_made_without_the_sets(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", os.fspath(tmp_path))
    monkeypatch.setattr(gl.data, "network_answers", lambda url: False)
    with pytest.raises(RuntimeError, match="allow_stand_in=False"):
        quality.Judge("mnist")
