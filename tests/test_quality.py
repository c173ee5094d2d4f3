"""The table of scores: its rows, how they train and resume, and what the table says."""

import importlib.util
import json
import os
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import gan_lessons as gl
from gan_lessons import recipes

ROOT = Path(__file__).resolve().parent.parent

_spec = importlib.util.spec_from_file_location("quality", ROOT / "benchmarks" / "quality.py")
quality = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(quality)

SHAPES = {"cifar10": (32, 32, 3), "mnist": (28, 28, 1)}


def row(name):
    return next(row for row in quality.ROWS if row.name == name)


def made(name, set_name=None, seed=0):
    found = row(name)
    return found.make(SHAPES[set_name or found.sets[0]], seed)


def has_batch_norm(model):
    return any(isinstance(layer, layers.BatchNormalization) for layer in model.layers)


# --- the rows ------------------------------------------------------------------------------------------------------


def test_each_row_has_a_name_and_a_recipe_of_its_own():
    names = [row.name for row in quality.ROWS]
    assert names == [
        "lesson-mlp_gan", "plain-mlp_gan", "lesson-dcgan", "plain-dcgan", "one_batch-dcgan",
        "minimax", "non_saturating", "wasserstein-clip_weights", "wasserstein-gradient_penalty",
    ]  # fmt: skip
    assert row("lesson-dcgan").recipe is recipes.DCGAN and row("lesson-mlp_gan").recipe is recipes.MLP_GAN
    for name, recipe in recipes.SMALL_CNN.items():
        assert row(name).recipe is recipe and row(name).steps == recipe.steps
    assert {name for own in quality.ROWS for name in own.against} <= set(names)


def test_a_new_objective_starts_no_training(monkeypatch):
    """The rows are named: what the package gains by a class does not join the table by existing."""

    @keras.saving.register_keras_serializable("gan_lessons")
    class OfTest(gl.objectives.NonSaturating):
        pass

    before = [row.name for row in quality.ROWS]
    monkeypatch.setattr(gl.objectives, "OfTest", OfTest, raising=False)
    _spec.loader.exec_module(anew := importlib.util.module_from_spec(_spec))
    assert [row.name for row in anew.ROWS] == before


def test_a_decay_ends_with_the_rows_own_steps():
    optimizer = made("lesson-dcgan").discriminator_optimizer
    for step, rate in ((0, 8e-4), (3_000, 4e-4), (6_000, 0)):
        optimizer.iterations.assign(step)
        assert float(keras.ops.convert_to_numpy(optimizer.learning_rate)) == pytest.approx(rate)


@pytest.mark.parametrize("name", ["mlp_gan", "dcgan"])
def test_one_batch_is_another_game_only_where_there_is_batch_norm(name):
    plain = made(f"plain-{name}")
    batch_norm = has_batch_norm(plain.discriminator)
    assert batch_norm == any(row.name == f"one_batch-{name}" for row in quality.ROWS)
    gans = plain, quality.OneBatch(plain.generator, plain.discriminator, plain.latent_dim)
    gans[1].compile(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.SGD(0.0))
    gans[0].compile(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.SGD(0.0))
    images = np.random.default_rng(0).uniform(-1, 1, (8, *plain.image_shape)).astype("float32")
    losses = []
    for gan in gans:
        gan.seed_generator.state.assign([0, 7])  # the same latents for both
        losses.append(gan.train_on_batch(images, return_dict=True))
    assert losses[0]["g_loss"] == pytest.approx(losses[1]["g_loss"], abs=1e-4)  # G's turn is the same
    assert (abs(losses[0]["d_loss"] - losses[1]["d_loss"]) < 1e-4) == (not batch_norm)


def test_one_batch_is_what_it_says():
    """D's loss on one batch of both, against Keras's own cross-entropy on the same batch."""
    gan = made("one_batch-dcgan")
    assert type(gan) is quality.OneBatch
    gan.compile(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.SGD(0.0))
    images = np.random.default_rng(0).uniform(-1, 1, (8, 32, 32, 3)).astype("float32")
    gan.seed_generator.state.assign([0, 7])
    fakes = gan.generator(gan.draw_latents(8), training=True)
    gan.seed_generator.state.assign([0, 7])
    logits = gan.discriminator(np.concatenate([images, fakes]), training=True)
    labels = np.repeat([[1.0], [0.0]], 8, axis=0)
    expected = 2 * keras.losses.BinaryCrossentropy(from_logits=True)(labels, logits)  # a mean over both, ours a sum
    assert gan.train_on_batch(images, return_dict=True)["d_loss"] == pytest.approx(float(expected), rel=1e-5)


def test_a_lesson_and_its_plain_loop_see_the_same_images():
    for name, steps in {"mlp_gan": 19_000, "dcgan": 6_000}.items():
        lesson, plain = row(f"lesson-{name}"), row(f"plain-{name}")
        assert plain.own_steps() == steps and plain.recipe.batch_size == 64
        assert lesson.own_steps() * lesson.recipe.batch_size == steps * 64
        assert lesson.sets == plain.sets
        assert lesson.own_steps(20) * lesson.recipe.batch_size == 20 * 64


# --- training, and going on ----------------------------------------------------------------------------------------


def tiny_model(image_shape):
    generator = gl.networks.mlp_generator(image_shape, 4, units=(8,))
    discriminator = gl.networks.mlp_discriminator(image_shape, units=(8,), dropout=0.3)
    return gl.GAN(generator, discriminator, latent_dim=4, discriminator_steps=2)


# All that is hard to resume exactly. Eagerly, since a few steps take less time than compiling.
TINY = recipes.Recipe(
    tiny_model, "mnist", batch_size=64, steps=2, optimizer=keras.optimizers.Adam, learning_rate=1e-3, average=0.99,
    options={"run_eagerly": True, "jit_compile": False},
)  # fmt: skip


def tiny(image_shape, seed, **changes):
    return replace(TINY, **changes).build(image_shape, seed)


def pictures():
    images = np.random.default_rng(0).uniform(-1, 1, (24, 6, 6, 1)).astype("float32")
    return tf.data.Dataset.from_tensor_slices(images).shuffle(24, seed=3).batch(4, drop_remainder=True)


def train(folder, seed=0, steps=8, settings=None, run_eagerly=False):
    gan = tiny((6, 6, 1), seed, options={"run_eagerly": run_eagerly, "jit_compile": False})
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

    rows = [
        quality.Row("later", "the one", TINY, 2, ("mnist",)),
        quality.Row("sooner", "the other", replace(TINY, batch_size=32), 1, ("mnist",), first=True),
    ]
    original = quality.train

    def counted(gan, data, steps, folder, settings):
        trained.append((folder.relative_to(tmp_path).as_posix(), steps))
        return original(gan, data, steps, folder, settings)

    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{quality.TABLE_START}\nold\n{quality.TABLE_END}\nafter\n", encoding="utf-8")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for name, value in {
        "ROWS": rows, "train": counted, "COUNT": 40, "RECORD": tmp_path / "quality.json", "README": readme,
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
    changed = quality.Row("later", "the one", replace(TINY, learning_rate=0.01), 2, ("mnist",))
    monkeypatch.setattr(quality, "ROWS", [changed])
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
    chosen = quality.ROWS
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

    assert line(cifar, "the course's DCGAN") == [
        "the course's DCGAN", "5 (4–6)", "0.0125 (0.0125–0.0125)", "0.5 (0.5–0.5)", "0.25 (0.25–0.25)",
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

    assert (
        "The course's DCGAN has 0.50 of the Fréchet distance of the plain loop (seeds 0, 1); the course wants" in text
    )
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
    known = {row.name: row for row in quality.ROWS}
    settings = {}
    for found in quality.Record(quality.RECORD).results:
        own, key = known[found["row"]], (found["row"], found["set"])
        if key not in settings:
            settings[key] = quality.settings_of(own.make(SHAPES[found["set"]], 0), own.recipe.batch_size)
        assert found["steps"] == own.own_steps() and found["settings"] == settings[key], key
        assert found["data"] in ("MNIST", "CIFAR-10") and found["count"] == quality.COUNT


def test_no_table_is_made_without_the_sets(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", os.fspath(tmp_path))
    monkeypatch.setattr(gl.data, "network_answers", lambda url: False)
    with pytest.raises(RuntimeError, match="allow_stand_in=False"):
        quality.Judge("mnist")
