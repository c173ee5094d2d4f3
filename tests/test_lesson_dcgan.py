"""What the lesson "A DCGAN on CIFAR-10" writes out is held against Keras, the package and closed forms, number for number."""

import ast
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import gan_lessons as gl

SCRIPT = Path(__file__).resolve().parent.parent / "notebooks" / "source" / "dcgan.py"
SOURCE = SCRIPT.read_text(encoding="utf-8")


def written_out(*names):
    """The lesson's definitions of these names, taken from its script and nothing else of it run."""
    scope = {"keras": keras, "layers": layers, "np": np, "gl": gl}
    functions = [node for node in ast.parse(SOURCE).body if isinstance(node, ast.FunctionDef)]
    found = [node for node in functions if node.name in names]
    assert {node.name for node in found} == set(names)
    exec(compile(ast.Module(found, type_ignores=[]), SCRIPT.name, "exec"), scope)
    return [scope[name] for name in names] if len(names) > 1 else scope[names[0]]


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("k, s", [(4, 2), (3, 2), (5, 2), (5, 3), (2, 3), (4, 1), (1, 1)])
def test_transposed_convolution_is_kerass(k, s, padding):
    transposed_convolution = written_out("transposed_convolution")
    images = np.random.default_rng(k).normal(size=(2, 5, 3, 4)).astype("float32")  # higher than wide
    layer = layers.Conv2DTranspose(3, k, strides=s, padding=padding, use_bias=False)
    expected = numbers(layer(images))
    np.testing.assert_allclose(
        transposed_convolution(images, numbers(layer.kernel), s, padding), expected, rtol=1e-4, atol=1e-5
    )


def test_transposed_convolution_is_the_transposed_matrix_of_a_convolution():
    transposed_convolution = written_out("transposed_convolution")
    kernel = np.random.default_rng(0).normal(size=(4, 4, 1, 1)).astype("float32")
    ends = np.eye(64, dtype="float32").reshape(64, 8, 8, 1)
    convolution = numbers(keras.ops.conv(ends, kernel, strides=2, padding="same")).reshape(64, 16).T
    starts = np.eye(16, dtype="float32").reshape(16, 4, 4, 1)
    transposed = transposed_convolution(starts, kernel, stride=2).reshape(16, 64).T
    np.testing.assert_allclose(transposed, convolution.T, atol=1e-6)


@pytest.mark.parametrize("k, s", [(2, 2), (3, 2), (4, 2), (5, 2), (6, 3), (4, 3)])
def test_overlap_counts_the_copies(k, s):
    _, overlap = written_out("transposed_convolution", "overlap")
    cut = max(k - s, 0) // 2
    line = np.zeros(8 * s)
    for i in range(8):
        for j in range(k):
            if 0 <= s * i + j - cut < 8 * s:
                line[s * i + j - cut] += 1
    assert np.array_equal(overlap(8, k, s), np.outer(line, line))


def test_pixels_of_random_generators_spread_as_the_paths_say():
    _, overlap, random_generator = written_out("transposed_convolution", "overlap", "random_generator")
    for k in (3, 4):
        variance = np.var([random_generator(k, seed, width=2)[8:16, 8:16] for seed in range(120)], axis=0)
        paths = overlap(4, k, 2, layer_count=3)[8:16, 8:16]
        expected = paths / (k / 2) ** 6
        assert abs(variance.mean() / expected.mean() - 1) < 0.35


def settings(model):
    """What each layer is, without names."""
    found = []
    for layer in model.layers:
        config = layer.get_config()
        config.pop("name")
        found.append((type(layer).__name__, keras.saving.serialize_keras_object(config)))
    return re.sub(r"'(seed|shared_object_id|name)': [^,}]+", "", repr(found))


@pytest.mark.parametrize("training", [False, True])
def test_the_generator_is_the_packages(training):
    *_, make_generator = written_out("normal", "batch_norm", "make_generator")
    ours = make_generator((16, 8, 4))
    theirs = gl.networks.dcgan_generator((32, 32, 3), filters=(16, 8, 4))
    assert settings(ours) == settings(theirs)
    ours.set_weights(theirs.get_weights())
    latents = np.random.default_rng(0).normal(size=(5, 100)).astype("float32")
    np.testing.assert_allclose(
        numbers(ours(latents, training=training)), numbers(theirs(latents, training=training)), atol=1e-6
    )


@pytest.mark.parametrize("training", [False, True])
def test_the_discriminator_is_the_packages(training):
    *_, make_discriminator = written_out("normal", "batch_norm", "make_discriminator")
    ours = make_discriminator((4, 8, 16))
    theirs = gl.networks.dcgan_discriminator((32, 32, 3), filters=(4, 8, 16))
    assert settings(ours) == settings(theirs)
    ours.set_weights(theirs.get_weights())
    images = np.random.default_rng(0).uniform(-1, 1, (5, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(
        numbers(ours(images, training=training)), numbers(theirs(images, training=training)), atol=1e-6
    )


def test_settings_tell_networks_apart():
    *_, make_generator = written_out("normal", "batch_norm", "make_generator")
    plain = gl.networks.dcgan_generator((32, 32, 3), filters=(16, 8, 4), batch_norm=False)
    assert settings(make_generator((16, 8, 4))) != settings(plain)


def test_each_switch_breaks_one_rule():
    small_players = written_out("small_players")

    def kinds(model):
        return [type(layer).__name__ for layer in model.layers]

    generator, discriminator = small_players()
    packages = gl.networks.dcgan_discriminator((32, 32, 3), filters=(32, 64, 128))
    assert kinds(discriminator) == kinds(packages)
    assert kinds(generator).count("Conv2DTranspose") == 3

    for player in small_players(batch_norm=False):
        assert "BatchNormalization" not in kinds(player)
    generator, discriminator = small_players(strided=False)
    assert "Conv2DTranspose" not in kinds(generator) and "UpSampling2D" in kinds(generator)
    assert {layer.strides for layer in discriminator.layers if isinstance(layer, layers.Conv2D)} == {(1, 1)}
    for stddev in (0.02, 0.2):
        for player in small_players(stddev=stddev):
            kernels = [numbers(layer.kernel) for layer in player.layers if hasattr(layer, "kernel")]
            spreads = [kernel.std() for kernel in kernels]
            np.testing.assert_allclose(spreads, stddev, rtol=0.1)
    _, discriminator = small_players(slope=0.0)
    leaky = [layer for layer in discriminator.layers if isinstance(layer, layers.LeakyReLU)]
    assert [layer.negative_slope for layer in leaky] == [0.0] * 3


def test_measures_on_images_whose_values_are_known():
    measures = written_out("measures")
    board = np.indices((32, 32)).sum(0) % 2 * 2.0 - 1  # ±1, with a period of 2 pixels in both directions
    wave = np.cos(2 * np.pi * np.arange(32) / 16)[None, :] * np.ones((32, 1))  # period 16 pixels
    images = np.stack([board, board, wave, -wave])[..., None] * np.ones(3)

    distance, contrast, fine = measures(images[:2])
    assert distance == 0 and np.isclose(contrast, 1) and np.isclose(fine, 1)
    distance, contrast, fine = measures(images[2:])
    np.testing.assert_allclose([distance, contrast, fine], [2 * np.sqrt(0.5), np.sqrt(0.5), 0], atol=1e-9)
    # Uncorrelated patterns of mean squares 1 and ½: their distance is the root of the sum.
    distance, _, fine = measures(images[[0, 2]])
    assert np.isclose(distance, np.sqrt(1.5)) and np.isclose(fine, 1 / 1.5)


def test_worst_is_the_larger_of_a_factor_and_its_inverse():
    worst = written_out("worst")
    assert np.isclose(worst(np.array([1.0, 0.25, 2.0])), 4.0)
    assert np.isclose(worst(np.array([1.0, 1.0, 3.0])), 3.0)


def test_a_fully_convolutional_discriminator_answers_25_logits_for_64_and_1_for_32():
    shape = {}
    for size in (32, 64):
        x = np.zeros((1, size, size, 3), "float32")
        for filters in (2, 2, 2):
            x = layers.Conv2D(filters, 4, strides=2, padding="same")(x)
        shape[size] = numbers(layers.Conv2D(1, 4, padding="valid")(x)).size
    assert shape == {32: 1, 64: 25}
    assert gl.checks.dcgan.two_sizes(shape[64], shape[32])


# --- the script ----------------------------------------------------------------------------------------


CELLS = re.split(r"^# %%", SOURCE, flags=re.MULTILINE)[1:]


def test_every_exercise_is_asked():
    for name in gl.checks.exercises("dcgan"):
        assert f"gl.checks.dcgan.{name}(" in SOURCE


def test_cells_fit_on_a_screen():
    bodies = ["\n".join(cell.splitlines()[1:]).strip().splitlines() for cell in CELLS]
    assert {body[0]: len(body) for body in bodies if len(body) > 30} == {}


def test_real_images_are_shown_only_in_tagged_cells():
    call = re.compile(r"(show_images|image_grid|image_rows)\(\s*(real_images|next\()")
    showing = [cell for cell in CELLS if call.search(cell)]
    assert len(showing) == 2
    assert all('tags=["real-images"]' in cell.splitlines()[0] for cell in showing)
