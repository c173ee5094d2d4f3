"""The course's recipes: what `build` makes of a table of settings, and whether papers and lessons have the same."""

import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops
from keras.optimizers import Adam
from keras.optimizers.schedules import CosineDecay

import gan_lessons as gl
from gan_lessons import recipes

SHAPES = {"cifar10": (32, 32, 3), "mnist": (28, 28, 1)}


def small(image_shape, discriminator_steps=1):
    """A GAN that is made in a moment."""
    generator = gl.networks.mlp_generator(image_shape, latent_dim=3, units=(4,))
    discriminator = gl.networks.mlp_discriminator(image_shape, units=(4,))
    return gl.GAN(generator, discriminator, latent_dim=3, discriminator_steps=discriminator_steps)


RECIPE = recipes.Recipe(
    model=small, data="mnist", batch_size=8, steps=10, optimizer=partial(Adam, beta_1=0.25), learning_rate=0.125
)


def optimizers(gan):
    return [gan.generator_optimizer, gan.discriminator_optimizer]


def rate(optimizer, step=0):
    """The learning rate after so many steps."""
    optimizer.iterations.assign(step)
    return float(ops.convert_to_numpy(optimizer.learning_rate))


def has_batch_norm(model):
    return any(isinstance(layer, layers.BatchNormalization) for layer in model.layers)


# --- build ---------------------------------------------------------------------------------------------------------


def test_build_compiles_with_the_settings():
    gan = RECIPE.build((4, 4, 1))
    assert gan.generate(2).shape == (2, 4, 4, 1)
    assert gan.generator_optimizer is not gan.discriminator_optimizer
    for optimizer in optimizers(gan):
        config = optimizer.get_config()
        assert type(optimizer) is Adam and config["beta_1"] == 0.25 and not config["use_ema"]
        assert rate(optimizer) == rate(optimizer, 10) == 0.125


def test_the_average_is_of_the_generator_alone():
    gan = replace(RECIPE, average=0.75).build((4, 4, 1))
    generators, discriminators = (optimizer.get_config() for optimizer in optimizers(gan))
    assert generators["use_ema"] and generators["ema_momentum"] == 0.75
    assert not discriminators["use_ema"]


def test_a_decay_ends_with_the_last_step_of_each_player():
    decaying = replace(RECIPE, model=partial(small, discriminator_steps=3), decay=CosineDecay)
    for steps, given in ((10, {}), (4, {"steps": 4})):
        gan = decaying.build((4, 4, 1), **given)
        for optimizer, own in zip(optimizers(gan), (steps, 3 * steps), strict=True):
            assert rate(optimizer) == 0.125
            assert rate(optimizer, own // 2) == pytest.approx(0.0625)  # half a cosine is at its middle
            assert rate(optimizer, own - 1) > 0 and rate(optimizer, own) == 0


def test_options_are_those_of_compile():
    gan = replace(RECIPE, options={"steps_per_execution": 5, "run_eagerly": True}).build((4, 4, 1))
    assert gan.steps_per_execution == 5 and gan.run_eagerly


def test_the_seed_decides_the_weights():
    first, same, other = (RECIPE.build((4, 4, 1), seed=seed).get_weights() for seed in (0, 0, 1))
    for one, two in zip(first, same, strict=True):
        np.testing.assert_array_equal(one, two)
    assert np.abs(first[0] - other[0]).max() > 0
    unseeded = [RECIPE.build((4, 4, 1)).get_weights()[0] for _ in range(2)]
    assert np.abs(unseeded[0] - unseeded[1]).max() > 0


@pytest.mark.parametrize("steps, error", [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_wrong_steps_are_refused(steps, error):
    with pytest.raises(error, match=f"steps must be an integer .* Received: steps={steps}"):
        RECIPE.build((4, 4, 1), steps=steps)


def test_a_recipe_prints_as_a_table_of_settings():
    words = dict(line.split(maxsplit=1) for line in str(recipes.DCGAN).splitlines() if len(line.split()) == 2)
    assert words == {
        "model": "dcgan", "data": "cifar10", "steps": "7810", "optimizer": "Adam(beta_1=0.0)", "decay": "CosineDecay",
        "average": "0.999", "options": "none",
    }  # fmt: skip
    assert "batch size         64" in str(recipes.DCGAN).splitlines()
    assert "options            jit_compile=True, steps_per_execution=8" in str(recipes.MLP_GAN).splitlines()
    penalty = "small_cnn(objective=wasserstein, penalty=10.0, discriminator_steps=5)"
    assert penalty in str(recipes.SMALL_CNN["wasserstein-gradient_penalty"])


# --- the small CNN -------------------------------------------------------------------------------------------------

PAPERS = {  # optimizer, its settings, critic steps, BatchNormalization in D
    "minimax": ("Adam", {"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999}, 1, True),
    "non_saturating": ("Adam", {"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999}, 1, True),
    "wasserstein-clip_weights": ("RMSprop", {"learning_rate": 5e-5}, 5, True),
    "wasserstein-gradient_penalty": ("Adam", {"learning_rate": 1e-4, "beta_1": 0.0, "beta_2": 0.9}, 5, False),
}


@pytest.mark.parametrize("name", recipes.SMALL_CNN)
def test_the_small_cnn_has_the_settings_of_the_papers(name):
    kind, settings, critic_steps, batch_norm = PAPERS[name]
    recipe = recipes.SMALL_CNN[name]
    gan = recipe.build((32, 32, 3), seed=0)
    for optimizer in optimizers(gan):
        config = optimizer.get_config()
        assert type(optimizer).__name__ == kind and not config["use_ema"]
        assert {key: config[key] for key in settings} == pytest.approx(settings)
    assert type(gan.objective) is type(gl.objectives.get(name.split("-")[0]))
    assert gan.discriminator_steps == critic_steps
    assert has_batch_norm(gan.generator) and has_batch_norm(gan.discriminator) == batch_norm
    kernels = [layer.kernel for layer in gan.discriminator.layers if hasattr(layer, "kernel")]
    limits = {getattr(kernel.constraint, "limit", None) for kernel in kernels}
    assert limits == ({0.01} if "clip" in name else {None})
    assert (gan.penalty.weight if gan.penalty else None) == (10.0 if "penalty" in name else None)
    assert recipe.batch_size == 64 and recipe.steps >= 5000


def test_the_small_cnn_is_one_pair_of_networks_for_all_objectives():
    gans = [recipes.SMALL_CNN[name].build((28, 28, 1), seed=0) for name in ("minimax", "wasserstein-clip_weights")]
    for one, other in zip(gans[0].get_weights(), gans[1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape, halvings", [((32, 32, 3), 3), ((28, 28, 1), 2), ((6, 10, 1), 1), ((8, 4, 1), 2)])
def test_the_small_cnn_halves_an_image_as_often_as_it_can(shape, halvings):
    gan = recipes.small_cnn(shape, "minimax")
    assert gan.image_shape == shape
    assert sum(isinstance(layer, layers.Conv2D) for layer in gan.discriminator.layers) == halvings


def test_the_small_cnn_refuses_an_image_that_it_cannot_halve():
    with pytest.raises(ValueError, match="must be divisible by 2"):
        recipes.small_cnn((7, 8, 1), "minimax")


# --- networks that nobody has tuned --------------------------------------------------------------------------------


@pytest.mark.parametrize("critic", [False, True])
def test_the_deep_generator_has_ten_layers_without_batch_norm(critic):
    gan = recipes.deep_mlp((4, 6, 3), critic=critic)
    assert gan.image_shape == (4, 6, 3) and not has_batch_norm(gan.generator)
    hidden, pixels = 64 * 256 + 256 + 9 * (256 * 256 + 256), 256 * 72 + 72
    assert gan.generator.count_params() == hidden + pixels
    assert (type(gan.objective) is gl.objectives.Wasserstein) == (gan.penalty is not None) == critic
    assert gan.discriminator_steps == (5 if critic else 1)


# --- the plain loops -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", [recipes.MLP_GAN, recipes.DCGAN], ids=["mlp_gan", "dcgan"])
def test_a_plain_loop_has_the_lessons_networks_and_none_of_its_care(recipe):
    own, shape = recipes.plain_loop(recipe), SHAPES[recipe.data]
    lesson, plain = recipe.build(shape, seed=0), own.build(shape, seed=0)
    for player in ("generator", "discriminator"):
        one, other = getattr(lesson, player), getattr(plain, player)
        assert [type(layer) for layer in one.layers] == [type(layer) for layer in other.layers]
        assert [layer.count_params() for layer in one.layers] == [layer.count_params() for layer in other.layers]
        for layer in other.layers:
            if hasattr(layer, "kernel"):  # Glorot: the variance is 2 / (fan in + fan out)
                kernel = ops.convert_to_numpy(layer.kernel)
                field, channels = math.prod(kernel.shape[:-2]), kernel.shape[-2:]
                assert abs(kernel.mean()) < 5 * kernel.std() / kernel.size**0.5
                expected = (2 / (field * sum(channels))) ** 0.5
                if kernel.size > 1000:
                    assert kernel.std() == pytest.approx(expected, rel=0.05)
                    limit = expected * 3**0.5  # uniform, so nothing lies beyond √3 standard deviations
                    assert np.abs(kernel).max() <= limit * 1.0001
            if isinstance(layer, layers.BatchNormalization):
                assert (ops.convert_to_numpy(layer.gamma) == 1).all()
    for optimizer in optimizers(plain):
        config = optimizer.get_config()
        assert type(optimizer) is Adam and not config["use_ema"] and config["beta_1"] == 0.5
        assert rate(optimizer) == rate(optimizer, own.steps) == pytest.approx(2e-4)
    assert type(plain.objective) is type(lesson.objective) is gl.objectives.NonSaturating
    assert plain.penalty is None and plain.discriminator_steps == 1
    assert own.batch_size == 64 and own.steps * 64 == recipe.steps * recipe.batch_size  # as many images
    again = own.build(shape, seed=0)
    np.testing.assert_array_equal(plain.get_weights()[0], again.get_weights()[0])


def test_a_plain_loop_plays_the_same_game():
    class Other(gl.GAN):
        pass

    other = recipes.plain_loop(replace(recipes.DCGAN, model=partial(recipes.dcgan, kind=Other)))
    assert type(other.build((32, 32, 3))) is Other
    plain = recipes.plain_loop(recipes.SMALL_CNN["wasserstein-gradient_penalty"]).build((28, 28, 1))
    assert (type(plain.objective), plain.penalty.weight) == (gl.objectives.Wasserstein, 10.0)
    assert plain.discriminator_steps == 5
    clipped = recipes.plain_loop(recipes.SMALL_CNN["wasserstein-clip_weights"]).build((28, 28, 1))
    assert clipped.discriminator.layers[1].kernel.constraint.limit == 0.01


# --- the lessons ---------------------------------------------------------------------------------------------------


def lessons_own(monkeypatch, lesson, mark):
    """Executes the one cell of a lesson with these words, and no other. Returns: the names that it defines."""
    (path,) = (Path(__file__).parent.parent / "notebooks").glob(f"[0-9][0-9]_{lesson}.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    (text,) = [text for text in texts if mark in text]
    names = {"FAST": False, "gl": gl, "keras": keras, "layers": layers, "images": range(60_000), "train": range(781)}
    monkeypatch.setattr(gl.data, "load", lambda name, batch_size, **_: range(60_000 // batch_size))
    exec(text.split("\nmade = {}")[0], names)  # what follows trains at once
    return names


@pytest.mark.parametrize(
    "name, seed, lesson, mark, gan, steps",
    [
        ("DCGAN", 3, "dcgan", "STEPS = EPOCHS", "gan", "STEPS"),
        ("WGAN_GP", 4, "wgan", "def wgan_gp(", "gan", "EPOCHS * BATCHES // CRITIC_STEPS"),
        ("DEEP_MLP", 0, "wgan", "def deep_gan(", "deep_gan('plain GAN', 0)", "CRITIC_BATCHES"),
        ("DEEP_MLP_WGAN_GP", 0, "wgan", "def deep_gan(", "deep_gan('WGAN-GP', 0)", "CRITIC_BATCHES // 5"),
    ],
)
def test_a_recipe_has_the_settings_that_its_lesson_shows(monkeypatch, name, seed, lesson, mark, gan, steps):
    """To be deleted when the lessons take their settings from the recipes: until then this reads a cell's text."""
    keras.utils.clear_session()  # so that Keras counts the names of layers from 0, twice
    own = lessons_own(monkeypatch, lesson, mark)
    theirs, steps = eval(gan, own), eval(steps, own)
    keras.utils.clear_session()
    recipe = getattr(recipes, name)
    ours = recipe.build(SHAPES[recipe.data], seed)
    assert ours.get_config() | ours.get_compile_config() == theirs.get_config() | theirs.get_compile_config()
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (recipe.steps, recipe.batch_size) == (steps, own.get("BATCH_SIZE", 64))
