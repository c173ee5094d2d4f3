"""How samples of any shape are laid out and labelled, pixel by pixel against a lay-out written apart."""

import numpy as np
import pytest
from watching import grid_of

from gan_lessons import plotting
from gan_lessons.callbacks import drawing

RANGE = (-1.0, 1.0)


def samples(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_laid_out_in_a_square(channels):
    images = samples(9, 6, 8, channels)
    picture, count, broken = drawing.lay_out(images, RANGE, smallest=24)
    assert (count, broken) == (9, 0)
    assert np.array_equal(picture, grid_of(images, columns=3, zoom=3))


def test_small_images_are_not_enlarged_past_a_screen():
    wide, _, _ = drawing.lay_out(samples(400, 28, 28, 1), RANGE, smallest=72)
    assert wide.shape == (20 * 58 - 2, 20 * 58 - 2, 1)  # twice: three times would be 1,720 pixels
    huge, _, _ = drawing.lay_out(samples(1, 20, 1500, 1), RANGE, smallest=72)
    assert huge.shape == (20, 1500, 1)


def test_transparent_pixels_are_laid_over_white():
    images = samples(1, 2, 2, 4)
    images[0, 0, 0] = [-1, -1, -1, 1]  # black, opaque
    images[0, 0, 1] = [-1, -1, -1, -1]  # black, transparent: white
    images[0, 1, 0] = [1, -1, -1, 0]  # red, half: 255, 127.5, 127.5
    images[0, 1, 1] = [-1, 1, -1, 0.6]  # green, four fifths: 51, 255, 51
    for given, value_range in ((images, RANGE), (images / 2 + 0.5, (0.0, 1.0))):
        picture, _, _ = drawing.lay_out(given, value_range, smallest=2)
        assert picture.tolist()[0] == [[0, 0, 0], [255, 255, 255]]
        assert picture[1, 0].tolist() in ([255, 127, 127], [255, 128, 128])
        assert picture[1, 1].tolist() == [51, 255, 51]
    pixels = np.array([[[[0, 0, 0, 255], [10, 20, 30, 0]]]], "uint8")
    assert drawing.lay_out(pixels, RANGE, smallest=2)[0].tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_pixels_are_shown_as_they_are():
    pixels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    assert np.array_equal(drawing.lay_out(pixels, RANGE, smallest=16)[0], pixels[0])


def test_a_video_is_a_row_of_frames():
    videos = samples(2, 5, 6, 8, 3)
    picture, count, _ = drawing.lay_out(videos, RANGE, smallest=8)
    assert count == 2
    assert np.array_equal(picture, grid_of(videos.reshape(10, 6, 8, 3), columns=5, zoom=1))


def test_rows_are_one_below_the_other():
    rows = [samples(4, 6, 8, 1), -samples(4, 6, 8, 1), samples(4, 6, 8, 1) ** 2]
    picture, count, _ = drawing.lay_out(rows, RANGE, smallest=8)
    assert count == 12
    assert np.array_equal(picture, grid_of(np.concatenate(rows), columns=4, zoom=1))


def test_many_channels_are_a_grey_image():
    images = samples(4, 28, 28)
    assert np.array_equal(drawing.lay_out(images, RANGE, smallest=28)[0], grid_of(images[..., None], columns=2, zoom=1))


def inked(picture, colour):
    """The mean (row, column) of the pixels that are nearer to a colour than to white."""
    distance = np.abs(picture.astype(int) - np.array(colour)).sum(-1)
    rows, columns = np.nonzero(distance < 60)
    return rows.mean(), columns.mean()


def test_rows_of_a_table_are_points_of_their_first_two_columns():
    orange = [int(plotting.COLOURS["generated"][at : at + 2], 16) for at in (1, 3, 5)]
    places = {}
    for x, y in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)):
        # 20 points in one place, so that they are opaque; other columns do not matter.
        table = np.tile(np.array([x, y, 99.0, -99.0], "float32"), (20, 1))
        picture, count, broken = drawing.lay_out(table, RANGE, smallest=1)
        assert (count, broken) == (20, 0) and picture.shape == (400, 400, 3)
        places[x, y] = inked(picture, orange)
    (row, column), right, above = places[0.0, 0.0], places[0.5, 0.0], places[0.0, 0.5]
    assert right == (pytest.approx(row, abs=1), pytest.approx(column + 400 * 0.84 * 0.5 / 2.2, abs=1))
    assert above == (pytest.approx(row - 400 * 0.89 * 0.5 / 2.2, abs=1), pytest.approx(column, abs=1))
    outside = np.tile(np.array([3.0, 0.0], "float32"), (20, 1))  # the axes grow: it is inside
    assert column < inked(drawing.lay_out(outside, RANGE, smallest=1)[0], orange)[1] < 400 * 0.97
    (picture, *_) = drawing.lay_out(np.zeros((20, 1), "float32"), RANGE, smallest=1)  # a single column: a line
    assert inked(picture, orange) == (pytest.approx(row, abs=1), pytest.approx(column, abs=1))


def test_series_are_lines_one_colour_a_channel():
    series = np.zeros((1, 20, 2), "float32")
    series[:, :, 0], series[:, :, 1] = 0.5, -0.5
    picture, count, _ = drawing.lay_out(np.tile(series, (20, 1, 1)), RANGE, smallest=1)
    assert count == 20 and picture.shape == (400, 400, 3)
    upper, lower = inked(picture, (0x1F, 0x77, 0xB4))[0], inked(picture, (0xFF, 0x7F, 0x0E))[0]
    assert lower - upper == pytest.approx(400 * 0.89 * 1.0 / 2.2, abs=2)


@pytest.mark.parametrize("shape", [(6, 8, 1), (6, 8, 4), (5, 6, 8, 3), (7,), (20, 3), (28, 28)], ids=str)
def test_what_is_not_a_number_is_counted_and_shown(shape):
    broken = samples(5, *shape)
    broken[1] = np.nan
    broken.reshape(5, -1)[3, 0] = np.inf
    picture, count, found = drawing.lay_out(broken, RANGE, smallest=1)
    assert (count, found) == (5, 2) and picture.dtype == np.uint8
    assert drawing.lay_out(broken * np.nan, RANGE, smallest=1)[2] == 5


def test_a_nan_is_black_and_values_outside_are_clipped():
    images = np.array([np.nan, np.inf, -np.inf, 7.0, -7.0, 1.0], "float32").reshape(1, 1, 6, 1)
    assert drawing.lay_out(images, RANGE, smallest=1)[0].ravel().tolist() == [0, 255, 0, 255, 0, 255]


def test_half_precision_is_drawn():
    import keras

    images = samples(4, 6, 8, 1)
    half = keras.ops.cast(images, "bfloat16")
    rounded = keras.ops.convert_to_numpy(keras.ops.cast(half, "float32"))
    assert np.array_equal(drawing.lay_out(half, RANGE, smallest=8)[0], grid_of(rounded, columns=2, zoom=1))


@pytest.mark.parametrize("shape", [(8, 8, 2), (8, 8, 13), (3, 8, 8, 2), (2, 3, 4, 5, 1), ()], ids=str)
def test_what_cannot_be_drawn_is_refused_by_its_shape(shape):
    with pytest.raises(ValueError, match="Samples must be images.*Received: samples of shape") as caught:
        drawing.lay_out(samples(4, *shape), RANGE, smallest=8)
    assert f"samples of shape {shape}" in str(caught.value)


def test_rows_of_different_shapes_nothing_and_integers_are_refused():
    with pytest.raises(ValueError, match=r"All rows must have the same.*\(4, 6, 8, 1\), \(4, 3\)"):
        drawing.lay_out([samples(4, 6, 8, 1), samples(4, 3)], RANGE, smallest=8)
    with pytest.raises(ValueError, match="All rows.*Received: no row"):
        drawing.lay_out([], RANGE, smallest=8)
    with pytest.raises(ValueError, match="at least one sample"):
        drawing.lay_out(samples(0, 6, 8, 1), RANGE, smallest=8)
    with pytest.raises(TypeError, match="int64.*astype"):
        drawing.lay_out(np.ones((2, 6, 8, 1), "int64"), RANGE, smallest=8)


# --- the text


def ink(picture):
    """The columns of a picture that have dark pixels above its grid of 72 rows."""
    return np.nonzero((np.asarray(picture)[: -72 - 8] < 128).any(axis=0))[0]


@pytest.mark.parametrize(
    "text",
    ["stand-in scenes (drawn by gan_lessons), " + "Antidisestablishmentarianism " * 3, "WWW MMM " * 20, "W" * 90],
)
def test_long_text_wraps_within_the_picture(text):
    short = drawing.captioned(np.zeros((72, 72, 1), "uint8"), None, "epoch 1")
    picture = drawing.captioned(np.zeros((72, 72, 1), "uint8"), text, "epoch 1")
    lines, rest = divmod(picture.height - short.height, 18)
    assert lines > 1 and rest == 0 and picture.width == short.width == 240 + 16
    columns = ink(picture)
    assert columns.min() > 0 and columns.max() < picture.width - 1, "no letter is cut off at the sides"


def test_lines_of_a_title_stay_lines():
    heights = [
        drawing.captioned(np.zeros((72, 72, 1), "uint8"), title, "epoch 1").height for title in (None, "a", "a\nb")
    ]
    assert np.diff(heights).tolist() == [18, 18]


def test_a_picture_has_the_grids_colours():
    assert drawing.captioned(np.zeros((9, 9, 1), "uint8"), "a", "b").mode == "L"
    picture = drawing.captioned(np.full((9, 9, 3), (255, 0, 0), "uint8"), "a", "b")
    assert picture.mode == "RGB" and (picture.getpixel((128, picture.height - 9))) == (255, 0, 0)
