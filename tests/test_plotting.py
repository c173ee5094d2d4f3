"""Pictures, held against pixels computed here and against what matplotlib was really given."""

import io
import itertools
import math

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import gan_lessons as gl
from gan_lessons import objectives, plotting


def random_images(count, height=4, width=6, channels=1, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, height, width, channels)).astype("float32")


def pixels_of(figure):
    """The figure as it would be seen, an array (height, width, 3)."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer).convert("RGB"))


def find(small, large):
    """Every (row, column) at which one array of pixels stands in another."""
    height, width = small.shape[:2]
    corners = np.argwhere((large[: 1 - height, : 1 - width] == small[0, 0]).all(axis=-1))
    return [(r, c) for r, c in corners if np.array_equal(large[r : r + height, c : c + width], small)]


def texts(figure):
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts] + [axes.get_title()]
    return [text for text in found if text]


# --- pixels ----------------------------------------------------------------------------------------------------------


def test_to_pixels_by_hand():
    values = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 1.0005, -1.0005]).reshape(1, 1, 7, 1)
    # (x + 1)·127.5 is 0, 63.75, 127.5, 191.25, 255; a little past the end is the end.
    assert plotting.to_pixels(values).ravel().tolist() == [0, 64, 128, 191, 255, 255, 0]
    assert plotting.to_pixels(values.clip(-1, 1) / 2 + 0.5, (0, 1)).ravel().tolist() == [
        0,
        64,
        128,
        191,
        255,
        255,
        0,
    ]
    pixels = np.arange(12, dtype="uint8").reshape(1, 2, 2, 3)
    assert (plotting.to_pixels(pixels) == pixels).all()
    assert (plotting.to_pixels(pixels.astype("float32"), (0, 255)) == pixels).all()


def test_every_pixel_survives_the_way_to_floats_and_back():
    pixels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    assert (plotting.to_pixels(pixels.astype("float32") / 127.5 - 1) == pixels).all()


def test_tensors_and_half_floats_are_taken():
    images = random_images(2)
    assert (plotting.to_pixels(keras.ops.convert_to_tensor(images)) == plotting.to_pixels(images)).all()
    assert plotting.to_pixels(images.astype("float16")).shape == images.shape


@pytest.mark.parametrize(
    "images, error, says",
    [
        (np.zeros((4, 8, 8)), ValueError, r"\[\.\.\., None\]"),
        (np.zeros((8, 8)), ValueError, "For a single grey image"),
        (np.zeros((2, 8, 8, 4)), ValueError, "1 channel"),
        (np.zeros((2, 8, 8, 1, 1)), ValueError, "along the first axis"),
        (np.zeros((0, 8, 8, 1)), ValueError, "at least one image"),
        (np.zeros((2, 0, 8, 1)), ValueError, "at least one image"),
        (np.full((2, 8, 8, 1), np.nan), ValueError, "NaN or infinity in 2 of 2"),
        (np.full((2, 8, 8, 1), np.inf), ValueError, "NaN or infinity in 2 of 2"),
        (np.full((2, 8, 8, 1), 255.0), ValueError, r"values from 255 to 255.*value_range=\(-1, 1\)"),
        (np.full((2, 8, 8, 1), -1.01), ValueError, "value_range"),
        (np.zeros((2, 8, 8, 1), int), TypeError, "int64"),
        ("cats", TypeError, "floats in value_range"),
        (None, TypeError, "floats in value_range"),
    ],
)
def test_to_pixels_refuses_in_words(images, error, says):
    with pytest.raises(error, match=says):
        plotting.to_pixels(images)


@pytest.mark.parametrize("value_range", [(1, -1), (0, 0), (0, np.inf), 1, None, (0, 1, 2), "01", ("a", "b")])
def test_a_range_must_be_one(value_range):
    with pytest.raises(ValueError, match="value_range"):
        plotting.to_pixels(random_images(1), value_range)


@pytest.mark.parametrize("channels", [1, 3])
def test_image_grid_pixel_by_pixel(channels):
    images = random_images(5, 4, 6, channels)
    grid = plotting.image_grid(images, columns=3, zoom=2, gap=3)
    expected = np.full((2 * 8 + 3, 3 * 12 + 2 * 3, channels), 255)
    for index in range(5):
        for i in range(8):
            for j in range(12):
                value = images[index, i // 2, j // 2]
                expected[(index // 3) * 11 + i, (index % 3) * 15 + j] = np.floor((value + 1) * 127.5 + 0.5)
    assert grid.dtype == np.uint8
    assert np.array_equal(grid, expected)


def test_rows_can_stand_further_apart_than_columns():
    assert plotting.image_grid(random_images(4), columns=2, gap=0, row_gap=5).shape == (4 + 5 + 4, 6 + 6, 1)


@pytest.mark.parametrize(
    "count, columns",
    [
        (1, 1),
        (2, 2),
        (5, 5),
        (7, 3),
        (8, 4),
        (10, 5),
        (12, 4),
        (16, 4),
        (20, 5),
        (25, 5),
        (50, 10),
        (100, 10),
    ],
)
def test_columns_by_default(count, columns):
    assert plotting.image_grid(random_images(count, 1, 1), gap=0).shape == (
        math.ceil(count / columns),
        columns,
        1,
    )


def test_more_columns_than_images_leave_no_empty_place():
    assert plotting.image_grid(random_images(3), columns=10, gap=0).shape == (4, 18, 1)


@pytest.mark.parametrize("name, value", [("columns", 0), ("columns", 2.5), ("zoom", 0), ("gap", -1), ("row_gap", True)])
def test_counts_of_a_grid(name, value):
    error = ValueError if value in (0, -1) else TypeError
    with pytest.raises(error, match=rf"{name} must be an integer of at least \d. Received: {name}={value}"):
        plotting.image_grid(random_images(2), **{name: value})


# --- pictures of images ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_is_on_the_figure_pixel_by_pixel(channels):
    images = random_images(6, 28, 28, channels)
    captions = [f"number {index}" for index in range(6)]
    figure = plotting.show_images(images, columns=3, title="stand-in digits", captions=captions)
    seen = pixels_of(figure)
    places = []
    for image in images:
        # 28 pixels are enlarged three times, to at least 72.
        pixels = np.floor((image.astype("float64") + 1) * 127.5 + 0.5).astype("uint8")
        enlarged = np.kron(np.broadcast_to(pixels, (28, 28, 3)), np.ones((3, 3, 1), "uint8"))
        found = find(enlarged, seen)
        assert len(found) == 1
        places.append(found[0])
    rows = sorted({row for row, _ in places})
    columns = sorted({column for _, column in places})
    assert places == [(row, column) for row in rows for column in columns]
    assert columns[1] - columns[0] == 84 + 2 and rows[1] - rows[0] > 84 + 10  # room for the caption
    assert set(texts(figure)) == {"stand-in digits", *captions}
    assert not figure.axes[0].axison


def test_a_screen_of_twice_the_resolution_gets_twice_the_pixels():
    figure = plotting.show_images(random_images(4, 8, 8), columns=2)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200)
    sharp = np.asarray(Image.open(buffer).convert("RGB"))
    plain = pixels_of(figure)
    assert np.array_equal(sharp[::2, ::2], plain) and np.array_equal(sharp[1::2, 1::2], plain)


def test_scale_enlarges_and_wide_grids_fit_the_page():
    small, large = (
        plotting.show_images(random_images(4, 8, 8)),
        plotting.show_images(random_images(4, 8, 8), scale=2),
    )
    assert large.get_figwidth() > 1.8 * small.get_figwidth()
    wide = plotting.show_images(random_images(8, 256, 256, 3), columns=8)
    assert 11 <= wide.get_figwidth() <= 12.5
    many = plotting.show_images(random_images(30, 28, 28), columns=30)
    assert many.get_figwidth() <= 12.5


def test_a_title_wraps_within_the_figure():
    figure = plotting.show_images(random_images(1), title="word " * 30)
    figure.canvas.draw()
    extent = figure.texts[0].get_window_extent()
    assert extent.x0 >= 0 and extent.x1 <= figure.bbox.width and extent.y1 <= figure.bbox.height
    top_of_images = figure.axes[0].get_window_extent().y1
    assert extent.y0 >= top_of_images


def test_captions_must_be_as_many_as_images():
    with pytest.raises(ValueError, match="Received: 2 captions, 3 images"):
        plotting.show_images(random_images(3), captions=["a", "b"])


@pytest.mark.parametrize("scale", [0, -1, math.inf, math.nan, "2", True])
def test_scale_is_a_positive_number(scale):
    with pytest.raises(ValueError, match="scale must be a positive number"):
        plotting.show_images(random_images(1), scale=scale)


def test_image_rows_names_its_rows():
    early, late = random_images(3, 28, 28), random_images(3, 28, 28, seed=1)
    figure = plotting.image_rows({"epoch 1": early, "epoch 20": late}, title="the same latents")
    assert set(texts(figure)) == {"epoch 1", "epoch 20", "the same latents"}
    figure.canvas.draw()
    labels = figure.axes[0].texts
    assert all(0 <= label.get_window_extent().x0 for label in labels)
    assert labels[0].get_window_extent().y0 > labels[1].get_window_extent().y1
    both = plotting.show_images(np.concatenate([early, late]), columns=3)
    assert np.array_equal(figure.axes[0].images[0].get_array(), both.axes[0].images[0].get_array())


def test_image_rows_refuses_rows_that_do_not_go_together():
    with pytest.raises(ValueError, match=r"Received: \{'a': \(3, 4, 6, 1\), 'b': \(2, 4, 6, 1\)\}"):
        plotting.image_rows({"a": random_images(3), "b": random_images(2)})
    for rows in ({}, random_images(2)):
        with pytest.raises(ValueError, match="rows must be a dictionary"):
            plotting.image_rows(rows)


def test_nearest_neighbours_stand_below_their_samples():
    samples, near = random_images(3, 8, 8), random_images(6, 8, 8, seed=1).reshape(3, 2, 8, 8, 1)
    figure = plotting.nearest_neighbours(samples, near)
    assert set(texts(figure)) == {"generated", "nearest", "2nd nearest"}
    grid = plotting.image_grid(np.concatenate([samples, near[:, 0], near[:, 1]]), columns=3, zoom=9)
    assert (figure.axes[0].images[0].get_array() == grid).all()
    assert set(texts(plotting.nearest_neighbours(samples, near[:, 0]))) == {"generated", "nearest"}
    many = plotting.nearest_neighbours(samples, np.repeat(near, 11, axis=1))
    assert {"3rd nearest", "11th nearest", "21st nearest", "22nd nearest"} < set(texts(many))


# --- latent space ----------------------------------------------------------------------------------------------------


def test_the_arc_keeps_length_and_speed():
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, 5, 64))
    start *= 8 / np.linalg.norm(start, axis=1, keepdims=True)
    end *= 8 / np.linalg.norm(end, axis=1, keepdims=True)
    path = plotting.latent_path(start, end, 9)
    assert path.shape == (5, 9, 64) and path.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 8, rtol=1e-5)
    np.testing.assert_allclose(path[:, 0], start, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(path[:, -1], end, rtol=1e-5, atol=1e-6)
    angles = np.arccos(np.sum(path[:, 1:] * path[:, :-1], axis=-1) / 64)
    whole = np.arccos(np.sum(start * end, axis=-1) / 64)
    np.testing.assert_allclose(angles, np.repeat(whole[:, None] / 8, 8, axis=1), rtol=1e-3)


def test_a_quarter_of_a_circle():
    path = plotting.latent_path([1.0, 0.0], [0.0, 1.0], 3)
    np.testing.assert_allclose(path, [[1, 0], [math.sqrt(0.5), math.sqrt(0.5)], [0, 1]], atol=1e-6)


def test_the_straight_way_is_short_in_the_middle():
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, 200, 100))
    straight = np.linalg.norm(plotting.latent_path(start, end, 3, spherical=False)[:, 1], axis=-1)
    arc = np.linalg.norm(plotting.latent_path(start, end, 3)[:, 1], axis=-1)
    # Means of 200 lengths with a spread of 0.7: within 0.2 of √(d/2) and √d.
    assert abs(straight.mean() - math.sqrt(50)) < 0.2
    assert abs(arc.mean() - 10) < 0.2
    np.testing.assert_allclose(plotting.latent_path([0.0, 0.0], [2.0, 4.0], 3, False), [[0, 0], [1, 2], [2, 4]])


@pytest.mark.parametrize("end", [[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0], [0.0, 0.0]])
def test_latents_in_one_line_with_the_origin(end):
    path = plotting.latent_path([1.0, 2.0], end, 5)
    np.testing.assert_allclose(path, np.linspace([1.0, 2.0], end, 5), atol=1e-6)


def test_a_path_needs_two_latents_of_one_shape():
    with pytest.raises(ValueError, match=r"start of shape \(3,\), end of shape \(4,\)"):
        plotting.latent_path(np.zeros(3), np.zeros(4), 5)
    with pytest.raises(ValueError, match="steps must be an integer of at least 2"):
        plotting.latent_path(np.zeros(3), np.ones(3), 1)


def tiny_gan(activation="tanh"):
    latents = keras.Input((6,))
    x = keras.layers.Dense(8 * 8, activation=activation)(latents)
    generator = keras.Model(latents, keras.layers.Reshape((8, 8, 1))(x))
    return gl.GAN(generator, gl.networks.mlp_discriminator((8, 8, 1), units=(4,)), latent_dim=6)


def test_interpolation_shows_what_the_generator_makes_on_the_way():
    gan = tiny_gan()
    figure = plotting.interpolation(gan, rows=2, steps=4, seed=5, title="MNIST")
    assert texts(figure) == ["MNIST"]
    ends = gan.sample_latents(4, seed=5)
    images = []
    for row in range(2):
        a, b = ends[row].astype("float64"), ends[2 + row].astype("float64")
        angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        for t in (0, 1 / 3, 2 / 3, 1):
            z = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
            images.append(keras.ops.convert_to_numpy(gan.generator(z[None].astype("float32")))[0])
    expected = plotting.image_grid(np.array(images), columns=4, zoom=9)
    shown = figure.axes[0].images[0].get_array()
    assert np.abs(shown.astype(int) - expected).max() <= 1  # rounding
    straight = plotting.interpolation(gan, rows=2, steps=4, seed=5, spherical=False).axes[0].images[0].get_array()
    assert np.abs(straight.astype(int) - expected).max() > 5


@pytest.mark.parametrize("activation, expected", [("tanh", (-1, 1)), ("sigmoid", (0, 1)), ("linear", (-1, 1))])
def test_the_range_comes_from_the_generator(activation, expected):
    gan = tiny_gan(activation)
    assert plotting.range_of(gan) == expected
    plotting.interpolation(gan, rows=1, steps=2)  # a linear generator leaves its range: clipped, not refused
    assert plotting.range_of(object()) == (-1, 1)


def test_interpolation_checks_its_arguments():
    with pytest.raises(TypeError, match=r"generate\(latents=…\).*type Sequential"):
        plotting.interpolation(keras.Sequential())
    gan = tiny_gan()
    with pytest.raises(ValueError, match="rows must be"):
        plotting.interpolation(gan, rows=0)
    with pytest.raises(ValueError, match="steps must be an integer of at least 2"):
        plotting.interpolation(gan, steps=1)


# --- curves ----------------------------------------------------------------------------------------------------------


def game(epochs=4, sign=1.0):
    t = np.linspace(0, 1, epochs)
    return {
        "d_loss": (1 + t / 3).tolist(),
        "g_loss": (sign * (1 - t / 4)).tolist(),
        "d_real": (0.8 - t / 4).tolist(),
        "d_fake": (0.2 + t / 4).tolist(),
    }


def curves(figure):
    """{label: (xs, ys)} of the curves, and {text: height} of the reference lines."""
    (axes,) = figure.axes
    lines = [line for line in axes.get_lines() if not line.get_label().startswith("_")]
    found = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in lines}
    heights = [line.get_ydata()[0] for line in axes.get_lines() if line.get_label().startswith("_")]
    return found, {text.get_text(): height for text, height in zip(axes.texts, heights, strict=True)}


def test_loss_curves_draw_the_numbers_from_epoch_1_on():
    history = game()
    figure = plotting.loss_curves(history, title="MNIST")
    found, _ = curves(figure)
    assert found == {
        "discriminator (d_loss)": ([1, 2, 3, 4], history["d_loss"]),
        "generator (g_loss)": ([1, 2, 3, 4], history["g_loss"]),
    }
    (axes,) = figure.axes
    assert axes.get_title() == "MNIST" and axes.get_xlabel() == "epoch" and axes.get_ylabel() == "loss"
    assert {text.get_text() for text in axes.get_legend().get_texts()} == set(found)


def test_reference_lines_only_where_they_apply():
    two_log_two, log_two = pytest.approx(1.3862943611), pytest.approx(0.6931471806)
    assert curves(plotting.loss_curves(game()))[1] == {"2 log 2": two_log_two, "log 2": log_two}
    minimax = curves(plotting.loss_curves(game(sign=-1.0)))[1]
    assert minimax == {"2 log 2": two_log_two, "−log 2": pytest.approx(-0.6931471806)}
    found, lines = curves(plotting.loss_curves(game() | {"penalty": [0.1] * 4}))
    assert lines == {} and found["penalty, part of d_loss"] == ([1, 2, 3, 4], [0.1] * 4)
    wasserstein = {"d_loss": [-3.0, -1.0], "g_loss": [0.5, 0.4], "distance": [3.0, 1.0]}
    assert curves(plotting.loss_curves(wasserstein))[1] == {}


def test_the_reference_values_are_those_of_the_objectives():
    half = np.zeros((8, 1), "float32")  # logits of a D that says ½
    for objective, sign in ((gl.objectives.NonSaturating(), 1.0), (gl.objectives.Minimax(), -1.0)):
        lines = curves(plotting.loss_curves(game(sign=sign)))[1]
        assert list(lines.values()) == pytest.approx(
            [float(objective.discriminator_loss(half, half)), float(objective.generator_loss(half))], rel=1e-5
        )


def test_discriminator_curves_of_both_kinds():
    history = game()
    figure = plotting.discriminator_curves(history)
    found, lines = curves(figure)
    assert found["on real images, D(x)"] == ([1, 2, 3, 4], history["d_real"])
    assert found["on generated images, D(G(z))"] == ([1, 2, 3, 4], history["d_fake"])
    assert lines == {"½": 0.5}
    low, high = figure.axes[0].get_ylim()
    assert low <= 0 and high >= 1
    found, lines = curves(plotting.discriminator_curves({"d_loss": [-3, -1], "g_loss": [0, 0], "distance": [3, 1]}))
    assert found == {"the critic's distance": ([1, 2], [3, 1])} and lines == {"0": 0.0}
    losses = {"d_loss": [1, 1], "g_loss": [1, 1]}
    found, lines = curves(plotting.discriminator_curves(losses | {"output_real": [3, 1], "output_fake": [-2, 0]}))
    assert found == {"on real images, D(x)": ([1, 2], [3, 1]), "on generated images, D(G(z))": ([1, 2], [-2, 0])}
    assert lines == {}
    found, lines = curves(plotting.discriminator_curves(losses | {"prefers_real": [0.9, 0.6]}))
    assert list(found.values()) == [([1, 2], [0.9, 0.6])] and lines == {"½": 0.5}


def test_what_every_objective_logs_has_its_curves():
    for name in objectives._BY_NAME:
        logged = dict.fromkeys(objectives.get(name).log_names, [0.5, 0.4])
        found, _ = curves(plotting.discriminator_curves(logged | {"d_loss": [1, 1], "g_loss": [1, 1]}))
        assert list(found.values()) == [([1, 2], [0.5, 0.4])] * len(logged)


def test_validation_is_dashed_if_there_is_some_for_every_epoch():
    history = game() | {"val_d_loss": [1.0, 1.1, 1.2, 1.3], "val_g_loss": [0.7, 0.8]}
    found, _ = curves(plotting.loss_curves(history))
    assert found["discriminator (d_loss), validation"] == ([1, 2, 3, 4], [1.0, 1.1, 1.2, 1.3])
    assert "generator (g_loss), validation" not in found
    lines = {line.get_label(): line for line in plotting.loss_curves(history).axes[0].get_lines()}
    assert lines["discriminator (d_loss), validation"].get_linestyle() == "--"


@pytest.mark.parametrize("draw", [plotting.loss_curves, plotting.discriminator_curves])
@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 12, 40, 100, 1000])
def test_ticks_are_whole_epochs_from_the_first(draw, epochs):
    figure = draw(game(epochs))
    (axes,) = figure.axes
    ticks = axes.get_xticks()
    assert ticks[0] == 1 and all(tick == int(tick) and 1 <= tick <= epochs for tick in ticks)
    assert len(ticks) <= 12 and (epochs == 1 or len(ticks) >= 2)
    low, high = axes.get_xlim()
    assert 0 < 1 - low + 1e-9 or epochs == 1
    assert low <= 1 and high >= epochs
    figure.canvas.draw()
    labels = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(labels))
    if epochs == 1:  # one point is seen only by its marker
        assert all(line.get_marker() == "o" for line in axes.get_lines() if not line.get_label().startswith("_"))


def test_a_history_a_continued_one_and_a_table_are_taken():
    history = keras.callbacks.History()
    history.history, history.epoch = game(), [5, 6, 7, 8]  # fit(initial_epoch=5, epochs=9)
    assert curves(plotting.loss_curves(history))[0]["generator (g_loss)"][0] == [6, 7, 8, 9]
    assert curves(plotting.loss_curves(game() | {"epoch": [0, 1, 2, 3]}))[0]["generator (g_loss)"][0] == [
        1,
        2,
        3,
        4,
    ]

    class Table:  # the part of a pandas.DataFrame that is used
        columns = {key: np.array(value) for key, value in (game() | {"epoch": [2, 3, 4, 5]}).items()}

        def keys(self):
            return list(self.columns)

        def __getitem__(self, key):
            return self.columns[key]

    assert curves(plotting.discriminator_curves(Table()))[0]["on real images, D(x)"][0] == [3, 4, 5, 6]


def test_nan_leaves_a_gap():
    history = game()
    history["g_loss"][2] = float("nan")
    figure = plotting.loss_curves(history)
    figure.canvas.draw()
    assert np.isfinite(figure.axes[0].get_ylim()).all()


@pytest.mark.parametrize("draw", [plotting.loss_curves, plotting.discriminator_curves])
def test_what_is_no_history_is_refused_in_words(draw):
    with pytest.raises(TypeError, match="return value of fit.*Received: history of type list"):
        draw([1, 2])
    with pytest.raises(ValueError, match="Received: loss, without"):
        draw({"loss": [1.0]})
    with pytest.raises(ValueError, match="Received: no entry"):
        draw({})
    with pytest.raises(ValueError, match="at least one epoch"):
        draw({"d_loss": [], "g_loss": [], "d_real": [], "d_fake": []})


# --- figures ---------------------------------------------------------------------------------------------------------


FIGURES = {
    "show_images": lambda: plotting.show_images(random_images(3), title="a title"),
    "image_rows": lambda: plotting.image_rows({"a": random_images(3)}),
    "nearest_neighbours": lambda: plotting.nearest_neighbours(random_images(3), random_images(3)),
    "interpolation": lambda: plotting.interpolation(tiny_gan(), rows=1, steps=2),
    "loss_curves": lambda: plotting.loss_curves(game()),
    "discriminator_curves": lambda: plotting.discriminator_curves(game()),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_belong_to_nobody_and_show_themselves(name):
    before = plt.get_fignums()
    figures = [FIGURES[name]() for _ in range(3)]
    assert plt.get_fignums() == before
    assert isinstance(figures[0], Figure)
    shown = np.asarray(Image.open(io.BytesIO(figures[0]._repr_png_())).convert("RGB"))
    assert np.array_equal(shown, pixels_of(figures[0]))
    assert (shown[[0, -1]] == 255).all() and shown.std() > 0  # a white border, and something in it


def test_every_public_function_is_among_the_figures_or_tested_by_name():
    here = {name for name, value in vars(plotting).items() if getattr(value, "__module__", "") == plotting.__name__}
    public = {name for name in here if not name.startswith("_")}
    assert public == set(FIGURES) | {"Picture", "to_pixels", "image_grid", "latent_path"}


def test_colours_are_told_apart_without_red_or_green_cones():
    """Machado, Oliveira and Fernandes (2009): what full protanopia and deuteranopia make of linear RGB."""
    protan = [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]
    deutan = [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]

    def lab(colour, matrix):
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        rgb = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        rgb = np.clip(np.array(matrix) @ rgb, 0, 1)
        xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
        f = np.cbrt(xyz / np.array([0.9505, 1.0, 1.089]))
        return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])

    for pair in (("real", "generated"), ("discriminator", "generator"), ("discriminator", "penalty")):
        for matrix in (np.eye(3), protan, deutan):
            first, second = (lab(plotting.COLOURS[name], matrix) for name in pair)
            assert np.linalg.norm(first - second) > 20, pair  # ΔE of 2.3 can just be seen
