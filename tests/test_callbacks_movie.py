"""`TrainingMovie`: its GIF, read back with Pillow."""

import keras
import numpy as np
import pytest
from PIL import Image, ImageSequence
from watching import Spy, Stop, Toy, below_the_text, fit, grid_of, names

from gan_lessons.callbacks import TrainingMovie


def frames(path):
    """(number, duration in ms, pixels) of each frame of a GIF, the numbers from its comment."""
    with Image.open(path) as gif:
        _, _, *numbers = gif.info["comment"].decode().split()
        found = [(frame.info["duration"], np.asarray(frame.convert("RGB"))) for frame in ImageSequence.Iterator(gif)]
    return [(int(number), *frame) for number, frame in zip(numbers, found, strict=True)]


def comment(path):
    with Image.open(path) as gif:
        return gif.info["comment"].decode()


def numbers(path):
    return [number for number, _, _ in frames(path)]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_movie_read_back(tmp_path, channels, capsys):
    gan, spy, path = Toy(channels), Spy(count=5), tmp_path / "new" / "training.gif"
    fit(gan, TrainingMovie(path, count=5, title="MNIST", frames_per_second=4), spy, epochs=3)
    found = frames(path)
    assert comment(path) == "gan_lessons epoch 0 1 2 3"
    assert [duration for _, duration, _ in found] == [250, 250, 250, 2000]
    for epoch, (_, _, seen) in enumerate(found):
        expected = grid_of(spy.images[epoch], columns=5, zoom=6)
        seen = below_the_text(seen, expected).astype(int)
        if channels == 1:
            assert np.array_equal(seen, np.repeat(expected, 3, axis=-1))  # exact
        else:
            assert np.sqrt(np.mean((seen - expected) ** 2)) < 6  # of 255: 256 colours stand for all
    with Image.open(path) as gif:
        assert gif.info["loop"] == 0  # for ever
    assert names(tmp_path / "new") == ["training.gif"]
    size = path.stat().st_size
    assert capsys.readouterr().out == f"{path}: 4 frames, {size / 1e6:.1f} MB\n"


class Shows(Toy):
    """A model whose samples are given: one array for before the first epoch and for after each."""

    def __init__(self, samples):
        super().__init__(shape=samples[0].shape[1:])
        self.samples = samples

    def generate(self, count, seed):
        return self.samples[round(float(self.weight) * 10 / 3)]  # three batches an epoch, a tenth each


def test_grey_images_are_exact_whatever_their_greys_are(tmp_path):
    # Noise of 256, 255 and 254 greys in turn: here a palette shared between frames shows.
    random, path = np.random.default_rng(0), tmp_path / "training.gif"
    samples = [random.integers(0, 256 - epoch % 3, (4, 40, 40, 1)).astype("uint8") for epoch in range(7)]
    for epochs in (3, 6):  # the second call reads the first one's file
        model = Shows(samples)
        model.weight.assign(0.1 * 3 * (epochs - 3))
        fit(model, TrainingMovie(path, count=4, verbose=0), initial_epoch=epochs - 3, epochs=epochs)
    found = frames(path)
    assert len(found) == 7
    for pixels, (_, _, seen) in zip(samples, found, strict=True):
        grid = grid_of(pixels / 127.5 - 1, columns=2, zoom=2)
        assert np.array_equal(below_the_text(seen, grid), np.repeat(grid, 3, axis=-1))


def test_each_frame_has_256_colours_of_its_own(tmp_path):
    path = tmp_path / "training.gif"
    ramp = np.linspace(0, 255, 48 * 48).reshape(48, 48).astype("uint8")
    samples = [np.zeros((1, 48, 48, 3), "uint8") for _ in range(3)]
    for channel, image in enumerate(samples):
        image[0, :, :, channel] = ramp
        image[0, :, :, channel - 1] = ramp.T
    fit(Shows(samples), TrainingMovie(path, count=1, verbose=0), epochs=2)
    for image, (_, _, seen) in zip(samples, frames(path), strict=True):
        assert len(np.unique(seen.reshape(-1, 3), axis=0)) > 240
        off = below_the_text(seen, image[0]).astype(int) - image[0]
        assert np.sqrt(np.mean(off**2)) < 8, "of 255: one palette for all three would be off by 12 and more"


def test_colour_images_that_happen_to_be_grey_stay_grey(tmp_path):
    path = tmp_path / "training.gif"
    ramp = np.linspace(0, 255, 4 * 8 * 8).astype("uint8").reshape(4, 8, 8, 1).repeat(3, axis=-1)
    fit(Shows([ramp, ramp]), TrainingMovie(path, count=4, verbose=0), epochs=1)
    for _, _, seen in frames(path):
        grid = grid_of(ramp / 127.5 - 1, columns=2, zoom=6)
        assert np.ptp(seen.astype(int), axis=-1).max() == 0
        assert np.abs(below_the_text(seen, grid).astype(int) - grid).max() <= 6


def test_a_training_that_does_not_move_keeps_all_its_frames(tmp_path):
    path = tmp_path / "training.gif"
    same = np.zeros((1, 8, 8, 1), "float32")
    fit(Shows([same] * 5), TrainingMovie(path, count=1, verbose=0), epochs=4)
    assert numbers(path) == [0, 1, 2, 3, 4]


def test_the_movie_is_whole_after_every_frame(tmp_path):
    path, seen = tmp_path / "training.gif", []

    class Look(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append([(number, duration) for number, duration, _ in frames(path)])

    fit(Toy(), TrainingMovie(path, count=1, verbose=0), Look(), epochs=3)
    assert [len(found) for found in seen] == [1, 2, 3]
    assert all(found[-1][1] == 2000 and all(duration == 200 for _, duration in found[:-1]) for found in seen)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("out of memory")])
def test_the_movie_of_a_training_that_stops_is_there(tmp_path, error):
    path = tmp_path / "training.gif"
    movie = TrainingMovie(path, count=1, verbose=0)
    with pytest.raises(type(error)):
        fit(Toy(), movie, Stop(error, epoch=2), epochs=5)
    assert numbers(path) == [0, 1, 2]
    assert movie.show().data == path.read_bytes()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("same_callback", [True, False])
def test_a_movie_goes_on(tmp_path, same_callback, channels):
    path = tmp_path / "training.gif"
    gan, movie = Toy(channels), TrainingMovie(path, count=2, verbose=0)
    fit(gan, movie, epochs=3)
    before = frames(path)
    movie = movie if same_callback else TrainingMovie(path, count=2, verbose=0)
    fit(gan, movie, epochs=5, initial_epoch=3)
    after = frames(path)
    assert numbers(path) == list(range(6))
    assert all(np.array_equal(a[2], b[2]) for a, b in zip(before, after, strict=False))
    # From an earlier state than the last frame: what did not happen is forgotten.
    fit(gan, TrainingMovie(path, count=2, verbose=0), epochs=3, initial_epoch=2)
    assert numbers(path) == list(range(4))
    fit(gan, TrainingMovie(path, count=2, verbose=0), epochs=1)
    assert numbers(path) == [0, 1]  # from epoch 0: a new movie


def test_a_movie_goes_on_after_backup_and_restore(tmp_path):
    path = tmp_path / "training.gif"

    def chosen():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup"), TrainingMovie(path, count=2, verbose=0)

    with pytest.raises(RuntimeError):
        fit(Toy(), *chosen(), Stop(RuntimeError(), epoch=3), epochs=5)
    fit(Toy(seed=1), *chosen(), epochs=5)
    assert numbers(path) == list(range(6))
    resumed = frames(path)
    fit(Toy(), TrainingMovie(path, count=2, verbose=0), epochs=5)
    assert all(np.array_equal(a[2], b[2]) for a, b in zip(resumed, frames(path), strict=True))


def test_frames_of_another_size_lose_nothing(tmp_path):
    path = tmp_path / "training.gif"
    gan = Toy()
    fit(gan, TrainingMovie(path, count=9, verbose=0), epochs=1)
    first = frames(path)
    fit(gan, TrainingMovie(path, count=49, verbose=0), epochs=2, initial_epoch=1)
    fit(gan, TrainingMovie(path, count=9, verbose=0), epochs=3, initial_epoch=2)
    assert numbers(path) == [0, 1, 2, 3]
    *_, large, last = frames(path)
    assert large[2].shape == last[2].shape
    height, width = first[0][2].shape[:2]
    assert np.array_equal(frames(path)[0][2][:height, :width], first[0][2])
    assert (last[2][height:] == 255).all() and (last[2][:, width:] == 255).all()  # nothing of the frame before


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"no movie at all", b"GIF89a" + bytes(40)])
def test_a_damaged_file_is_begun_anew_with_a_word(tmp_path, content):
    path = tmp_path / "training.gif"
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="cannot be read as a movie"):
        fit(Toy(), TrainingMovie(path, count=1, verbose=0), epochs=2, initial_epoch=1)
    assert numbers(path) == [1, 2]


def test_a_truncated_movie_is_noticed(tmp_path):
    path = tmp_path / "training.gif"
    fit(Toy(), TrainingMovie(path, count=1, verbose=0), epochs=1)
    data = path.read_bytes()
    assert len(TrainingMovie(path)._frames_on_disk()) == 2
    for length in range(0, len(data) - 1, 97):
        path.write_bytes(data[:length])
        with pytest.warns(UserWarning, match="cannot be read as a movie"):
            assert TrainingMovie(path)._frames_on_disk() == []


def test_the_gif_of_somebody_else_is_not_taken_into_the_movie(tmp_path):
    path = tmp_path / "training.gif"
    cats = [Image.new("RGB", (20, 10), colour) for colour in ("red", "green", "blue")]
    for comment in ({}, {"comment": "cats"}, {"comment": "cats of 2 3 4"}):
        cats[0].save(path, save_all=True, append_images=cats[1:], **comment)
        with pytest.warns(UserWarning, match="cannot be read as a movie"):
            fit(Toy(), TrainingMovie(path, count=1, verbose=0), epochs=2, initial_epoch=1)
        assert numbers(path) == [1, 2]


def test_a_movie_by_steps(tmp_path):
    path = tmp_path / "training.gif"
    fit(Toy(), TrainingMovie(path, every_steps=2, count=1, verbose=0), epochs=2)
    assert comment(path) == "gan_lessons step 0 2 4 6"


@pytest.mark.parametrize("value", [0, -1, 51, "5", None, True, float("nan")])
def test_frames_per_second_is_checked(value, tmp_path):
    with pytest.raises(ValueError, match="frames_per_second must"):
        TrainingMovie(tmp_path / "training.gif", frames_per_second=value)


def test_there_is_nothing_to_show_before_a_fit(tmp_path):
    with pytest.raises(ValueError, match="no fit.. has used yet"):
        TrainingMovie(tmp_path / "training.gif").show()


def test_a_movie_of_steps_does_not_go_on_with_one_of_epochs(tmp_path):
    path, gan = tmp_path / "training.gif", Toy()
    fit(gan, TrainingMovie(path, count=1, verbose=0), epochs=2)
    fit(gan, TrainingMovie(path, every_steps=3, count=1, verbose=0), epochs=3, initial_epoch=2)
    assert comment(path) == "gan_lessons step 6 9" and numbers(path) == [6, 9]
