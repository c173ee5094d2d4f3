"""Kept generators: what is written is what is read, in every version of Keras, and the course has what it says."""

import importlib.util
import json
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import gan_lessons as gl
from gan_lessons import trained
from gan_lessons.trained import About

ROOT = Path(__file__).resolve().parent.parent
ABOUT = About("DCGAN", "CIFAR-10", steps=1234, seed=5, scores={"frechet_distance": 1.987}, scored="10 images")


def small(**arguments):
    """A generator with BatchNormalization whose statistics are not those of the start."""
    keras.utils.set_random_seed(0)
    model = gl.networks.dcgan_generator((8, 8, 1), latent_dim=5, filters=(8, 4), **arguments)
    model(np.random.default_rng(0).normal(size=(64, 5)).astype("float32"), training=True)
    return model


def latents(count=6):
    return np.random.default_rng(1).normal(size=(count, 5)).astype("float32")


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


# --- written and read ----------------------------------------------------------------------------------------------


def test_a_kept_generator_has_the_weights_in_half_precision(tmp_path):
    generator = small()
    path = trained.keep(generator, tmp_path / "mine.npz", ABOUT)
    assert path == tmp_path / "mine.npz"
    again = trained.generator(path)
    for one, two in zip(generator.get_weights(), again.get_weights(), strict=True):
        assert two.dtype == "float32"
        np.testing.assert_array_equal(two, one.astype("float16").astype("float32"))
    assert np.abs(numbers(again(latents())) - numbers(generator(latents()))).max() < 1 / 255
    assert (again.name, again.output_shape) == (generator.name, (None, 8, 8, 1))
    assert [layer.name for layer in again.layers] == [layer.name for layer in generator.layers]
    assert trained.generator(str(path)).count_params() == generator.count_params()


def test_its_record_is_read_and_prints_as_a_sentence(tmp_path):
    path = trained.keep(small(), tmp_path / "mine.npz", ABOUT)
    assert trained.about(path) == ABOUT
    assert str(ABOUT) == (
        "Trained by the authors of the course: recipe DCGAN on CIFAR-10, 1,234 steps, seed 5. "
        "Scores: frechet distance 1.99 (10 images)."
    )
    assert "Scores" not in str(About("DCGAN", "CIFAR-10", 1, 0))


def test_a_generator_trained_in_another_precision_comes_back_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        path = trained.keep(small(), tmp_path / "mine.npz", ABOUT)
        again = trained.generator(path)  # whatever the policy of the reader
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in again.layers} == {"float32"}
    assert numbers(again(latents())).dtype == "float32"


def test_labels_stay_integers(tmp_path):
    z, y = keras.Input((3,)), keras.Input((), dtype="int32")
    x = layers.Dense(4)(layers.Concatenate()([z, layers.Embedding(10, 2)(y)]))
    path = trained.keep(keras.Model([z, y], x), tmp_path / "two.npz", ABOUT)
    again = trained.generator(path)
    assert [one.dtype for one in again.inputs] == ["float32", "int32"]
    assert again([np.ones((2, 3)), np.array([9, 0])]).shape == (2, 4)


def test_no_setting_that_a_version_of_keras_refuses_is_in_the_file(tmp_path):
    path = trained.keep(small(), tmp_path / "mine.npz", ABOUT)
    with np.load(path) as file:
        network = str(file["network"])
    for word in ("initializer", "input_axes", "quantization", "renorm", "shared_object"):
        assert word not in network
    assert json.loads(network)["config"]["layers"]


def test_the_average_of_a_gans_weights_is_what_is_kept(tmp_path):
    gan = gl.GAN(small(), gl.networks.dcgan_discriminator((8, 8, 1), (4, 8)), latent_dim=5)
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
        discriminator_optimizer=keras.optimizers.Adam(0.01),
    )
    gan.fit(np.zeros((16, 8, 8, 1), "float32"), batch_size=4, verbose=0)
    path = trained.keep(gan.averaged("generator"), tmp_path / "mine.npz", ABOUT)
    other = gl.GAN(trained.generator(path), gan.discriminator, latent_dim=5)
    np.testing.assert_allclose(other.generate(8, seed=0), gan.generate(8, seed=0), atol=0.01)
    last = numbers(gan.generator(gan.sample_latents(8, seed=0)))
    assert np.abs(last - gan.generate(8, seed=0)).max() > 0.02, "the average is not the last weights"


# --- refused -------------------------------------------------------------------------------------------------------


def test_more_than_a_megabyte_is_refused_and_nothing_is_written(tmp_path):
    large = gl.networks.mlp_generator((28, 28, 1), latent_dim=100)
    path = tmp_path / "mine.npz"
    trained.keep(small(), path, ABOUT)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"at most 1,000,000 bytes\. Received: .*1,486,352 weights.*narrower"):
        trained.keep(large, path, ABOUT)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e5])
def test_weights_that_half_precision_cannot_hold_are_refused(tmp_path, value):
    generator = small()
    generator.layers[1].kernel.assign(np.full(generator.layers[1].kernel.shape, value))
    with pytest.raises(ValueError, match="finite weights below 65,504.*Received: generator='dcgan_generator'"):
        trained.keep(generator, tmp_path / "mine.npz", ABOUT)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"Received: generator of type ndarray\..*averaged"):
        trained.keep(np.zeros(3), tmp_path / "mine.npz", ABOUT)


def test_wrong_names_and_paths_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="letters, digits and underscores.*Received: name='a b'"):
        trained.keep(small(), "a b", ABOUT)
    with pytest.raises(ValueError, match=r"must end in '\.npz'\. Received: name='.*mine\.keras'"):
        trained.keep(small(), tmp_path / "mine.keras", ABOUT)
    with pytest.raises(FileNotFoundError, match="The folder must be there"):
        trained.keep(small(), tmp_path / "no" / "mine.npz", ABOUT)
    monkeypatch.setattr(trained, "_CHECKOUT", tmp_path / "data")
    with pytest.raises(ValueError, match="without its repository. Received: name='mine'"):
        trained.keep(small(), "mine", ABOUT)


def test_what_the_course_does_not_have_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"must be one of .*dcgan_cifar10.*Received: name='nothing'.*python bench"):
        trained.generator("nothing")
    with pytest.raises(FileNotFoundError):
        trained.about(tmp_path / "nothing.npz")
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("text", "other"):
        with pytest.raises(ValueError, match=rf"gl\.trained\.keep wrote\. Received: name='.*{name}\.npz'"):
            trained.generator(tmp_path / f"{name}.npz")


# --- where files are -----------------------------------------------------------------------------------------------


def test_names_are_found_in_a_checkout_and_in_an_installed_package(tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "_CHECKOUT", tmp_path / "data")
    monkeypatch.setattr(trained, "_PACKAGE", tmp_path / "package")
    assert trained.names() == ()
    with pytest.raises(ValueError, match="none is there"):
        trained.generator("mine")
    (tmp_path / "data").mkdir()
    path = trained.keep(small(), "mine", ABOUT)
    assert path == tmp_path / "data" / "trained" / "mine.npz" and trained.names() == ("mine",)
    installed = tmp_path / "package" / "bundled" / "trained"
    installed.mkdir(parents=True)
    path.rename(installed / "mine.npz")
    assert trained.names() == ("mine",) and trained.about("mine") == ABOUT


# --- what the course has -------------------------------------------------------------------------------------------

_spec = importlib.util.spec_from_file_location("trained_rows", ROOT / "benchmarks" / "trained.py")
rows = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rows)


def test_all_kept_generators_have_a_row_and_take_less_than_12_mb():
    assert set(trained.names()) == set(rows.ROWS)
    sizes = [path.stat().st_size for path in (ROOT / "data" / "trained").iterdir()]
    assert max(sizes) <= trained.LIMIT and sum(sizes) < 12_000_000


@pytest.mark.parametrize("name", rows.ROWS)
def test_a_kept_generator_is_its_recipes(name):
    row, about = rows.ROWS[name], trained.about(name)
    recipe = row.settings
    assert (about.recipe, about.seed, about.steps) == (row.recipe, row.seed, recipe.steps)
    assert np.isfinite(list(about.scores.values())).all() and "frechet_distance" in about.scores
    generator = trained.generator(name)
    own = recipe.build(generator.output_shape[1:], seed=0).generator
    assert [(type(layer), layer.count_params()) for layer in generator.layers] == [
        (type(layer), layer.count_params()) for layer in own.layers
    ]


def test_the_dcgan_makes_images_that_differ():
    images = numbers(trained.generator("dcgan_cifar10")(np.random.default_rng(0).normal(size=(32, 100))))
    assert images.shape == (32, 32, 32, 3) and np.abs(images).max() <= 1
    assert images.std(0).mean() > 0.2 and 0.3 < images.std() < 0.7


def test_keeping_scores_what_is_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trained, "_CHECKOUT", tmp_path)
    monkeypatch.setattr(rows, "COUNT", 40)
    monkeypatch.setattr(rows, "SCORES", ("frechet_distance",))
    monkeypatch.setitem(rows.ROWS, "tiny", rows.Row("MLP_GAN", 0))
    digits, _, _ = gl.data.arrays("standin_digits", examples=200)
    monkeypatch.setattr(rows.gl.scoring, "Reference", lambda data, **kw: REFERENCE(digits, **kw))
    gan = gl.GAN(
        gl.networks.mlp_generator((28, 28, 1), 3, (4,)), gl.networks.mlp_discriminator((28, 28, 1), (4,)), latent_dim=3
    )
    about = rows.keep("tiny", gan, ABOUT)
    assert trained.about("tiny") == about and about.scored.startswith("40 images, ")
    kept = trained.generator("tiny").predict(gan.sample_latents(40, seed=0), verbose=0)
    card = REFERENCE(digits, count=40, scores=("frechet_distance",), verbose=0).score(kept, verbose=0)
    assert about.scores == {"frechet_distance": pytest.approx(card.scores["frechet_distance"], rel=1e-3)}
    assert asdict(about) | {"scores": {}, "scored": ""} == asdict(ABOUT) | {"scores": {}, "scored": ""}


REFERENCE = gl.scoring.Reference
