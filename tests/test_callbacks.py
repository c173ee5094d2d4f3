"""Pictures and scores while training, read back with Pillow, TensorBoard's reader and a real notebook."""

import base64
import io
import random
import re
import textwrap
import warnings
from pathlib import Path

import keras
import nbclient
import nbformat
import numpy as np
import pytest
import tensorflow as tf
from others import Handmade, bumps, small_generator
from PIL import Image, ImageSequence
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

import gan_lessons as gl
from gan_lessons import callbacks, doctor
from gan_lessons.callbacks import Doctor, SampleGrid, ScoreMonitor, TrainingMovie
from gan_lessons.doctor import signs

LATENT_DIM = 5
ADAM = {"learning_rate": 1e-2, "beta_1": 0.5}


def make_gan(channels=1, seed=0, run_eagerly=True, **kwargs):
    keras.utils.set_random_seed(seed)
    shape = (6, 8, channels)
    gan = gl.GAN(
        gl.networks.mlp_generator(shape, LATENT_DIM, units=(8,)),
        gl.networks.mlp_discriminator(shape, units=(8,), dropout=0.3),
        LATENT_DIM,
        **kwargs,
    )
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(**ADAM, use_ema=True, ema_momentum=0.9),
        discriminator_optimizer=keras.optimizers.Adam(**ADAM),
        run_eagerly=run_eagerly,
    )
    return gan


class Toy(keras.Model):
    """Generates images, with one weight that each batch moves: enough where only pictures are tested."""

    def __init__(self, channels=1, seed=0):
        super().__init__()
        self.image_shape = (6, 8, channels)
        self.weight = self.add_weight(name="weight", initializer="zeros")
        self.built = True
        self.compile("sgd", run_eagerly=True)
        self.weight.assign(0.1 * seed)

    def train_step(self, data):
        self.weight.assign_add(0.1)
        self.optimizer.iterations.assign_add(1)
        return {"d_loss": 1.0 / (1.0 + self.weight), "g_loss": self.weight}

    def generate(self, count, seed):
        noise = np.random.default_rng(seed).normal(size=(count, *self.image_shape))
        return np.tanh(noise * (1 + float(self.weight))).astype("float32")


def real_images(count=12, channels=1):
    return np.random.default_rng(0).uniform(-1, 1, (count, 6, 8, channels)).astype("float32")


def fit(gan, *chosen, epochs=2, **kwargs):
    """Three batches an epoch."""
    channels = gan.image_shape[-1]
    settings = {"batch_size": 4, "verbose": 0, "shuffle": False} | kwargs
    return gan.fit(real_images(channels=channels), epochs=epochs, callbacks=list(chosen), **settings)


def pixels(images):
    return np.floor((images.astype("float64") + 1) * 127.5 + 0.5).astype("uint8")


def grid_of(images, columns, zoom, gap=2):
    """Images in rows on white, written apart from the package's."""
    rows = -(-len(images) // columns)
    _, height, width, channels = images.shape
    height, width = height * zoom, width * zoom
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, "uint8")
    for index, image in enumerate(pixels(images)):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = np.kron(image, np.ones((zoom, zoom, 1), "uint8"))
    return canvas


def below_the_text(picture, grid):
    """The part of a picture where its grid must be: in the middle, eight pixels from the bottom."""
    picture = np.atleast_3d(np.asarray(picture))
    left = (picture.shape[1] - grid.shape[1]) // 2
    top = picture.shape[0] - 8 - grid.shape[0]
    return picture[top : top + grid.shape[0], left : left + grid.shape[1]]


class Spy(keras.callbacks.Callback):
    """What generate() gives after each epoch, 0 for before the first."""

    def __init__(self, count):
        super().__init__()
        self.count, self.images = count, {}

    def on_epoch_begin(self, epoch, logs=None):
        self.images.setdefault(epoch, self.model.generate(self.count, seed=0))

    def on_epoch_end(self, epoch, logs=None):
        self.images[epoch + 1] = self.model.generate(self.count, seed=0)


class Stop(keras.callbacks.Callback):
    """Raises in the middle of an epoch."""

    def __init__(self, error, epoch):
        super().__init__()
        self.error, self.epoch, self.now = error, epoch, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == 1:
            raise self.error


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def frames(path):
    """(comment, duration in ms, pixels) of each frame of a GIF."""
    with Image.open(path) as gif:
        found = []
        for frame in ImageSequence.Iterator(gif):
            found.append(
                (frame.info["comment"].decode(), frame.info["duration"], np.asarray(frame.convert("RGB")))
            )
        return found


def comments(path):
    return [comment.removeprefix("gan_lessons ") for comment, _, _ in frames(path)]


# --- SampleGrid: files


@pytest.mark.parametrize("channels", [1, 3])
def test_files_hold_the_generators_images_pixel_by_pixel(tmp_path, channels):
    gan, spy = Toy(channels), Spy(count=5)
    grid = SampleGrid(count=5, directory=tmp_path / "new" / "samples", title="stand-in digits")
    fit(gan, grid, spy, epochs=3)
    assert names(tmp_path / "new" / "samples") == ["epoch-0001.png", "epoch-0002.png", "epoch-0003.png"]
    for epoch in (1, 2, 3):
        with Image.open(tmp_path / "new" / "samples" / f"epoch-{epoch:04d}.png") as picture:
            assert picture.mode == ("L" if channels == 1 else "RGB")
            expected = grid_of(spy.images[epoch], columns=5, zoom=9)  # 8 pixels wide: nine times, at least 72
            assert np.array_equal(below_the_text(picture, expected), expected)
    assert np.array_equal(grid.picture, picture)
    assert not np.array_equal(spy.images[1], spy.images[3])  # it trains: the pictures differ


def test_the_text_says_epoch_and_losses(tmp_path, monkeypatch):
    seen = []
    original = callbacks._captioned
    monkeypatch.setattr(callbacks, "_captioned", lambda *args: seen.append(args[1:]) or original(*args))
    history = fit(Toy(), SampleGrid(directory=tmp_path, title="MNIST"), epochs=2)
    for epoch, (title, caption) in enumerate(seen):
        d_loss, g_loss = history.history["d_loss"][epoch], history.history["g_loss"][epoch]
        assert title == "MNIST"
        assert caption == f"epoch {epoch + 1} of 2 · d_loss {d_loss:.3f} · g_loss {g_loss:.3f}"


@pytest.mark.parametrize(
    "every, epochs, expected", [(2, 5, [2, 4, 5]), (2, 4, [2, 4]), (10, 3, [3]), (1, 2, [1, 2])]
)
def test_every_so_many_epochs_and_the_end(tmp_path, every, epochs, expected):
    fit(Toy(), SampleGrid(every=every, count=1, directory=tmp_path), epochs=epochs)
    assert names(tmp_path) == [f"epoch-{epoch:04d}.png" for epoch in expected]


def test_a_second_fit_counts_on(tmp_path):
    gan, grid = Toy(), SampleGrid(every=2, count=1, directory=tmp_path)
    fit(gan, grid, epochs=3)
    fit(gan, grid, epochs=6, initial_epoch=3)
    assert names(tmp_path) == [f"epoch-{epoch:04d}.png" for epoch in (2, 3, 4, 6)]
    fit(gan, grid, epochs=6, initial_epoch=6)  # nothing left to train: nothing to show
    assert len(names(tmp_path)) == 4


@pytest.mark.parametrize("steps_per_execution, expected", [(1, [2, 4, 6, 8, 9]), (2, [2, 5, 6, 8, 9])])
def test_every_so_many_steps(tmp_path, steps_per_execution, expected):
    gan = make_gan(run_eagerly=False, discriminator_steps=2)
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(**ADAM),
        discriminator_optimizer=keras.optimizers.Adam(**ADAM),
        steps_per_execution=steps_per_execution,
    )
    fit(gan, SampleGrid(every_steps=2, count=1, directory=tmp_path), epochs=3)
    found = [int(re.fullmatch(r"step-(\d{8})\.png", name)[1]) for name in names(tmp_path)]
    # Two at a time Keras calls after batches 2, 3, 5, 6, 8, 9: due once an even number is reached or passed.
    assert found == expected


def test_steps_count_on_in_a_second_fit(tmp_path):
    gan, grid = Toy(), SampleGrid(every_steps=4, count=1, directory=tmp_path)
    fit(gan, grid, epochs=1)
    fit(gan, grid, epochs=3, initial_epoch=1)
    assert names(tmp_path) == [f"step-{step:08d}.png" for step in (3, 4, 8, 9)]


def test_an_interrupted_training_leaves_its_pictures(tmp_path):
    grid = SampleGrid(count=1, directory=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(Toy(), grid, Stop(KeyboardInterrupt(), epoch=2), epochs=5)
    assert names(tmp_path) == ["epoch-0001.png", "epoch-0002.png"] and grid.picture is not None


def test_outside_a_notebook_pictures_go_somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(Toy(), SampleGrid(count=1), epochs=1)
    assert names(tmp_path / "samples") == ["epoch-0001.png"]


# --- SampleGrid: TensorBoard


def test_tensorboard_gets_the_grid(tmp_path):
    gan, spy = make_gan(channels=3), Spy(count=4)
    fit(gan, SampleGrid(count=4, log_dir=tmp_path), spy, epochs=2)
    assert all("tfevents" in name for name in names(tmp_path))
    found = {}
    for path in tmp_path.iterdir():
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                width, height, *images = value.tensor.string_val
                assert value.tag == "samples" and len(images) == 1
                found[event.step] = tf.io.decode_png(images[0]).numpy()
    assert sorted(found) == [1, 2]
    for step, seen in found.items():
        assert np.array_equal(seen, grid_of(spy.images[step], columns=2, zoom=9))


# --- TrainingMovie


@pytest.mark.parametrize("channels", [1, 3])
def test_the_movie_read_back(tmp_path, channels, capsys):
    gan, spy, path = Toy(channels), Spy(count=5), tmp_path / "new" / "training.gif"
    fit(gan, TrainingMovie(path, count=5, title="MNIST", frames_per_second=4), spy, epochs=3)
    found = frames(path)
    assert [comment for comment, _, _ in found] == [f"gan_lessons epoch {epoch}" for epoch in (0, 1, 2, 3)]
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


def test_colour_images_that_happen_to_be_grey_stay_grey():
    ramp = np.linspace(-1, 1, 4 * 8 * 8).reshape(4, 8, 8, 1).repeat(3, axis=-1)
    picture = callbacks._captioned(gl.plotting.image_grid(ramp, zoom=6), "a title", "epoch 1")
    data = callbacks._join_gif([callbacks._Frame.of(picture, "epoch", 1)], 0.2, 2.0)
    seen = np.asarray(read(data).convert("RGB")).astype(int)
    assert np.ptp(seen, axis=-1).max() == 0
    assert np.abs(seen - np.asarray(picture)).max() <= 6


def read(data):
    return Image.open(io.BytesIO(data))


def test_the_movie_is_whole_after_every_frame(tmp_path):
    path, seen = tmp_path / "training.gif", []

    class Look(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append([(comment, duration) for comment, duration, _ in frames(path)])

    fit(Toy(), TrainingMovie(path, count=1, verbose=0), Look(), epochs=3)
    assert [len(found) for found in seen] == [1, 2, 3]
    assert all(found[-1][1] == 2000 and all(duration == 200 for _, duration in found[:-1]) for found in seen)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("out of memory")])
def test_the_movie_of_a_training_that_stops_is_there(tmp_path, error):
    path = tmp_path / "training.gif"
    movie = TrainingMovie(path, count=1, verbose=0)
    with pytest.raises(type(error)):
        fit(Toy(), movie, Stop(error, epoch=2), epochs=5)
    assert comments(path) == ["epoch 0", "epoch 1", "epoch 2"]
    assert movie.show().data == path.read_bytes()


@pytest.mark.parametrize("same_callback", [True, False])
def test_a_movie_goes_on(tmp_path, same_callback):
    path = tmp_path / "training.gif"
    gan, movie = Toy(), TrainingMovie(path, count=2, verbose=0)
    fit(gan, movie, epochs=3)
    before = frames(path)
    movie = movie if same_callback else TrainingMovie(path, count=2, verbose=0)
    fit(gan, movie, epochs=5, initial_epoch=3)
    after = frames(path)
    assert comments(path) == [f"epoch {epoch}" for epoch in range(6)]
    assert all(np.array_equal(a[2], b[2]) for a, b in zip(before, after, strict=False))
    # From an earlier state than the last frame: what did not happen is forgotten.
    fit(gan, TrainingMovie(path, count=2, verbose=0), epochs=3, initial_epoch=2)
    assert comments(path) == [f"epoch {epoch}" for epoch in range(4)]
    fit(gan, TrainingMovie(path, count=2, verbose=0), epochs=1)
    assert comments(path) == ["epoch 0", "epoch 1"]  # from epoch 0: a new movie


def test_a_movie_goes_on_after_backup_and_restore(tmp_path):
    path = tmp_path / "training.gif"

    def chosen():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup"), TrainingMovie(path, count=2, verbose=0)

    with pytest.raises(RuntimeError):
        fit(Toy(), *chosen(), Stop(RuntimeError(), epoch=3), epochs=5)
    fit(Toy(seed=1), *chosen(), epochs=5)
    assert comments(path) == [f"epoch {epoch}" for epoch in range(6)]
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
    assert comments(path) == ["epoch 0", "epoch 1", "epoch 2", "epoch 3"]
    *_, large, last = frames(path)
    assert large[2].shape == last[2].shape
    height, width = first[0][2].shape[:2]
    assert np.array_equal(frames(path)[0][2][:height, :width], first[0][2])
    assert (last[2][height:] == 255).all() and (
        last[2][:, width:] == 255
    ).all()  # nothing of the frame before


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"no movie at all", b"GIF89a" + bytes(40)])
def test_a_damaged_file_is_begun_anew_with_a_word(tmp_path, content):
    path = tmp_path / "training.gif"
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="cannot be read as a GIF"):
        fit(Toy(), TrainingMovie(path, count=1, verbose=0), epochs=2, initial_epoch=1)
    assert comments(path) == ["epoch 1", "epoch 2"]


def test_a_truncated_movie_is_noticed(tmp_path):
    path = tmp_path / "training.gif"
    fit(Toy(), TrainingMovie(path, count=1, verbose=0), epochs=1)
    data = path.read_bytes()
    for length in range(0, len(data) - 1, 97):
        with pytest.raises((ValueError, IndexError)):
            callbacks._split_gif(data[:length])


def test_somebody_elses_gif_is_not_taken_into_the_movie(tmp_path):
    path = tmp_path / "training.gif"
    cats = [Image.new("RGB", (20, 10), colour) for colour in ("red", "green", "blue")]
    cats[0].save(path, save_all=True, append_images=cats[1:])
    fit(Toy(), TrainingMovie(path, count=1, verbose=0), epochs=2, initial_epoch=1)
    assert comments(path) == ["epoch 1", "epoch 2"]


def test_a_movie_by_steps(tmp_path):
    path = tmp_path / "training.gif"
    fit(Toy(), TrainingMovie(path, every_steps=2, count=1, verbose=0), epochs=2)
    assert comments(path) == ["step 0", "step 2", "step 4", "step 6"]


# --- both


@pytest.mark.parametrize("every", [{}, {"every_steps": 2}], ids=["epochs", "steps"])
def test_training_is_the_same_bit_for_bit(tmp_path, every):
    def train(*chosen):
        gan = make_gan(run_eagerly=False, penalty=gl.penalties.GradientPenalty(seed=3))
        history = fit(gan, *chosen, shuffle=True, validation_data=real_images(4)).history
        optimizers = gan.generator_optimizer, gan.discriminator_optimizer
        variables = gan.variables + [variable for optimizer in optimizers for variable in optimizer.variables]
        state = [keras.ops.convert_to_numpy(variable) for variable in variables]
        drawn = random.random(), np.random.random(), float(keras.random.normal(()))  # the next of every kind
        return history, state, drawn

    history, state, drawn = train()
    watched_history, watched_state, watched_drawn = train(
        SampleGrid(directory=tmp_path, log_dir=tmp_path, **every),
        TrainingMovie(tmp_path / "training.gif", verbose=0, **every),
    )
    assert history == watched_history
    assert len(state) > 30 and all(np.array_equal(a, b) for a, b in zip(state, watched_state, strict=True))
    assert drawn == watched_drawn


def test_the_same_latents_for_the_whole_training_and_the_same_as_generate(tmp_path):
    gan, seen = make_gan(), []
    grid = SampleGrid(count=3, seed=7, directory=tmp_path)
    frozen = keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0)
    gan.compile(generator_optimizer=frozen[0], discriminator_optimizer=frozen[1], run_eagerly=True)
    expected = grid_of(gan.generate(3, seed=7), columns=3, zoom=9)
    fit(gan, grid, epochs=3)
    for name in names(tmp_path):
        with Image.open(tmp_path / name) as picture:
            seen.append(below_the_text(picture, expected).copy())
    assert len(seen) == 3 and all(np.array_equal(image, expected) for image in seen)


def test_a_generator_that_ends_in_a_sigmoid_is_shown_in_its_range(tmp_path):
    latents = keras.Input((LATENT_DIM,))
    x = keras.layers.Dense(48, activation="sigmoid")(latents)
    generator = keras.Model(latents, keras.layers.Reshape((6, 8, 1))(x))
    gan = gl.GAN(generator, gl.networks.mlp_discriminator((6, 8, 1), units=(4,)), LATENT_DIM)
    gan.compile(generator_optimizer="sgd", discriminator_optimizer="sgd", run_eagerly=True)
    grid = SampleGrid(count=2, directory=tmp_path)
    gan.fit(real_images() / 2 + 0.5, batch_size=6, verbose=0, callbacks=[grid])
    expected = grid_of(gan.generate(2, seed=0) * 2 - 1, columns=2, zoom=9)
    assert np.abs(below_the_text(grid.picture, expected).astype(int) - expected).max() <= 1


def test_a_training_that_diverges_is_shown_and_goes_on(tmp_path, monkeypatch):
    seen = []
    original = callbacks._captioned
    monkeypatch.setattr(callbacks, "_captioned", lambda *args: seen.append(args[2]) or original(*args))
    gan = Toy()
    gan.weight.assign(np.nan)
    grid = SampleGrid(count=3, directory=tmp_path)
    fit(gan, grid, TrainingMovie(tmp_path / "t.gif", count=3, verbose=0), epochs=2)
    assert all("NaN in 3 of 3 images" in caption for caption in seen) and len(seen) == 2 + 3
    assert len(comments(tmp_path / "t.gif")) == 3


def test_a_disk_that_fails_is_a_warning_not_the_end(tmp_path):
    folder = tmp_path / "samples"
    grid, movie = SampleGrid(count=1, directory=folder), TrainingMovie(folder / "t.gif", count=1, verbose=0)

    class Unplug(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                folder.rename(tmp_path / "gone")
            if epoch == 2:
                (tmp_path / "gone").rename(folder)

    with pytest.warns(UserWarning, match="could not be written.*The training goes on"):
        history = fit(Toy(), grid, movie, Unplug(), epochs=3)
    assert len(history.history["d_loss"]) == 3
    assert names(folder) == ["epoch-0001.png", "epoch-0003.png", "t.gif"]
    assert comments(folder / "t.gif") == ["epoch 0", "epoch 1", "epoch 2", "epoch 3"]  # the movie catches up


@pytest.mark.parametrize("make", [SampleGrid, TrainingMovie])
def test_a_model_without_generate_is_refused(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=rf"{make.__name__} goes with a model that has generate.*Sequential"):
        model.fit(np.zeros((4, 2)), np.zeros((4, 1)), verbose=0, callbacks=[make()])


@pytest.mark.parametrize("make", [SampleGrid, TrainingMovie])
@pytest.mark.parametrize(
    "name, value",
    [("every", 0), ("every", 1.5), ("every", True), ("every", None), ("count", 0), ("count", "25"),
     ("seed", None), ("seed", -1), ("seed", 0.5), ("every_steps", 0), ("every_steps", 2.0)],
)  # fmt: skip
def test_numbers_are_checked_at_once(make, name, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ValueError, match=rf"{name} must be an integer of at least \d. Received: {name}={value!r}"
    ):
        make(**{name: value})
    assert names(tmp_path) == []


def test_paths_are_checked_at_once(tmp_path):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.gif").mkdir()
    for name in ("directory", "log_dir"):
        with pytest.raises(ValueError, match=f"{name} must be in a folder that can be made"):
            SampleGrid(**{name: tmp_path / "file" / "samples"})
        with pytest.raises(ValueError, match=f"{name} must be in a folder that can be made"):
            SampleGrid(**{name: tmp_path / "file"})
    with pytest.raises(ValueError, match="path must be in a folder that can be made"):
        TrainingMovie(tmp_path / "file" / "training.gif")
    with pytest.raises(ValueError, match="path must end in .gif. Received: path='training.mp4'"):
        TrainingMovie("training.mp4")
    with pytest.raises(ValueError, match="which is a folder"):
        TrainingMovie(tmp_path / "folder.gif")
    TrainingMovie(tmp_path / "LOUD.GIF")


@pytest.mark.parametrize("value", [0, -1, 51, "5", None, True, float("nan")])
def test_frames_per_second_is_checked(value, tmp_path):
    with pytest.raises(ValueError, match="frames_per_second must"):
        TrainingMovie(tmp_path / "training.gif", frames_per_second=value)


def test_there_is_nothing_to_show_before_a_fit(tmp_path):
    with pytest.raises(ValueError, match="no fit.. has used yet"):
        TrainingMovie(tmp_path / "training.gif").show()


# --- the text on a picture


def test_long_text_wraps_and_no_letter_is_lost():
    text = "stand-in scenes (drawn by gan_lessons), " + "Antidisestablishmentarianism " * 3
    lines = callbacks._wrapped(text, callbacks._font(), 240)
    assert " ".join(lines) == " ".join(text.split())
    assert all(callbacks._font().getlength(line) <= 240 or " " not in line for line in lines)
    assert callbacks._wrapped("two\nlines", callbacks._font(), 240) == ["two", "lines"]
    picture = callbacks._captioned(np.zeros((72, 72, 1), "uint8"), text, "epoch 1")
    assert picture.height == 8 + 18 * (len(lines) + 1) + 4 + 72 + 8
    assert np.asarray(picture)[: 8 + 18 * (len(lines) + 1)].min() < 100  # ink


# --- a real notebook


CELLS = [
    """
    import numpy as np, keras, gan_lessons as gl
    keras.utils.set_random_seed(0)
    gan = gl.GAN(gl.networks.mlp_generator((6, 8, 1), 5, units=(8,)),
                 gl.networks.mlp_discriminator((6, 8, 1), units=(8,)), latent_dim=5)
    gan.compile(generator_optimizer="adam", discriminator_optimizer="adam", run_eagerly=True)
    images = np.random.default_rng(0).uniform(-1, 1, (8, 6, 8, 1)).astype("float32")
    """,
    """
    grid = gl.callbacks.SampleGrid(count=4, title="MNIST")
    movie = gl.callbacks.TrainingMovie("training.gif", count=4, display=True)
    history = gan.fit(images, epochs=3, verbose=0, callbacks=[grid, movie])
    """,
    """
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 5:
                raise KeyboardInterrupt
    try:
        gan.fit(images, epochs=9, initial_epoch=3, verbose=0, callbacks=[grid, movie, Stop()])
    except KeyboardInterrupt:
        pass
    """,
    "gl.plotting.loss_curves(history)",
    """
    %matplotlib inline
    gl.plotting.show_images(gan.generate(4))
    """,
    "movie.show()",
]


def test_in_a_notebook_one_picture_is_updated_and_the_last_one_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setenv(
        "PYTHONPATH", str(Path(gl.__file__).parents[1])
    )  # the package under test, installed or not
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(textwrap.dedent(cell)) for cell in CELLS]
    )
    client = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client.execute()
    _, training, interrupted, curves, again, shown = notebook.cells

    def pictures(cell, kind):
        return [output for output in cell.outputs if kind in output.get("data", {})]

    def alt(output, kind):
        return output["metadata"][kind]["alt"]

    (grid,) = pictures(training, "image/png")
    assert re.fullmatch(
        r"4 samples, epoch 3 of 3 · d_loss \d\.\d{3} · g_loss \d\.\d{3}", alt(grid, "image/png")
    )
    picture = Image.open(io.BytesIO(base64.b64decode(grid["data"]["image/png"])))
    assert picture.mode == "L" and np.asarray(picture).std() > 0
    (movie,) = pictures(training, "image/gif")
    assert Image.open(io.BytesIO(base64.b64decode(movie["data"]["image/gif"]))).n_frames == 4
    assert "training.gif: 4 frames" in "".join(output.get("text", "") for output in training.outputs)

    (grid,) = pictures(interrupted, "image/png")
    assert "epoch 5 of 9" in alt(grid, "image/png")
    for cell in (curves, again):  # a figure is shown once, with pyplot's own formatter and without it
        assert [list(output["data"]) for output in cell.outputs] == [["text/plain", "image/png"]] or [
            sorted(output["data"]) for output in cell.outputs
        ] == [["image/png", "text/plain"]]
    (movie,) = pictures(shown, "image/gif")
    assert Image.open(io.BytesIO(base64.b64decode(movie["data"]["image/gif"]))).n_frames == 6
    assert names(tmp_path) == ["training.gif"]  # in a notebook no files are written unless asked for


# --- scores -------------------------------------------------------------------------------------------------


@pytest.fixture
def means():
    """Features that cost nothing: the mean of each row of an image of 6×8."""
    inputs = keras.Input((6, 8, 1))
    rows = keras.layers.Reshape((6,))(keras.ops.mean(inputs, axis=2))
    return gl.features.Extractor(keras.Model(inputs, rows), "row means")


def monitor(means, **kwargs):
    settings = {"count": 30, "features": means, "cache": False, "verbose": 0} | kwargs
    return ScoreMonitor(settings.pop("data", real_images(80)), **settings)


class Scored(keras.callbacks.Callback):
    """The Fréchet distance of what generate() gives after each epoch, by the metric itself."""

    def __init__(self, means):
        super().__init__()
        self.means, self.distances = means, {}

    def measure(self, epochs):
        distance = gl.metrics.FrechetDistance(self.means)
        distance.update_real(real_images(80)[:30])
        distance.update_state(self.model.generate(30, seed=0))
        self.distances[epochs] = distance.result()

    def on_epoch_begin(self, epoch, logs=None):
        self.measure(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.measure(epoch + 1)


@pytest.mark.parametrize("every, scored", [(1, [1, 2, 3, 4, 5]), (2, [0, 2, 4, 5]), (3, [0, 3, 5]), (9, [0, 5])])
def test_scores_are_in_the_logs(means, every, scored):
    scores, truth = monitor(means, every=every), Scored(means)
    history = fit(Toy(), scores, truth, epochs=5).history
    assert list(scores.cards) == scored
    for epochs, card in scores.cards.items():
        assert card.scores["frechet_distance"] == pytest.approx(truth.distances[epochs], rel=1e-5)
    # Between two scores stands the last one.
    latest = [max(at for at in scored if at <= epoch + 1) for epoch in range(5)]
    assert history["frechet_distance"] == [scores.cards[at].scores["frechet_distance"] for at in latest]
    assert scores.reference.floor["frechet_distance"] < min(history["frechet_distance"])


def test_all_the_scores_that_are_asked_for_are_in_the_logs(means):
    history = fit(Toy(), monitor(means, scores=("kernel_distance", "precision_recall")), epochs=2).history
    assert set(history) == {"d_loss", "g_loss", "kernel_distance", "precision", "recall", "density", "coverage"}


class Drifts(Toy):
    """Images that are like the real ones after three epochs, less so before and after."""

    def generate(self, count, seed):
        off = abs(float(self.weight) - 0.9)
        return np.clip(real_images(80)[30 : 30 + count] - off, -1, 1).astype("float32")


def test_the_best_is_kept_and_a_training_that_gets_worse_is_stopped(means, tmp_path):
    gan = make_gan()
    losses = {"monitor": "frechet_distance", "mode": "min"}
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True, **losses)
    scores = monitor(means)
    history = fit(gan, scores, best, epochs=6).history["frechet_distance"]
    kept = keras.models.load_model(tmp_path / "best.keras")
    assert scores.reference.score(kept, verbose=0).scores["frechet_distance"] == pytest.approx(min(history), rel=1e-5)
    assert len(set(history)) == 6

    toy = Drifts()
    stopped = fit(toy, monitor(means), keras.callbacks.EarlyStopping(patience=2, **losses), epochs=20).history
    distances = stopped["frechet_distance"]
    assert len(distances) == 5 and np.argmin(distances) == 2, "best after the third epoch, and two more"
    # Scored every second epoch, best at the fourth's end of those, and the patience counted in epochs.
    stopped = fit(Drifts(), monitor(means, every=2), keras.callbacks.EarlyStopping(patience=4, **losses), epochs=20)
    assert len(stopped.history["frechet_distance"]) in (6, 8)


def test_scores_go_on_after_backup_and_restore(means, tmp_path):
    def chosen():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup"), monitor(means, every=2)

    whole = monitor(means, every=2)
    fit(make_gan(), whole, epochs=6)
    with pytest.raises(RuntimeError):
        fit(make_gan(), *chosen(), Stop(RuntimeError(), epoch=3), epochs=6)
    backup, resumed = chosen()
    history = fit(make_gan(seed=1), backup, resumed, epochs=6).history
    # It begins again after three epochs, which is not divisible by two: there is a score of it for epoch four's place.
    assert list(resumed.cards) == [3, 4, 6] and len(history["frechet_distance"]) == 6
    for at in (4, 6):
        assert resumed.cards[at].scores == pytest.approx(whole.cards[at].scores, rel=1e-5)


def test_a_second_fit_counts_scores_on(means):
    gan, scores = Toy(), monitor(means, every=2)
    fit(gan, scores, epochs=3)
    assert list(scores.cards) == [0, 2, 3]
    reference = scores.reference
    fit(gan, scores, epochs=6, initial_epoch=3)
    assert list(scores.cards) == [3, 4, 6] and scores.reference is reference
    shared = monitor(means, data=reference)
    fit(gan, shared, epochs=1)
    assert shared.reference is reference


def train_with(*chosen):
    """A training with callbacks, all that comes of it: the history, every variable, the next random numbers."""
    gan = make_gan(run_eagerly=False)
    history = fit(gan, *chosen, shuffle=True, epochs=3).history
    state = [keras.ops.convert_to_numpy(variable) for variable in gan.variables]
    return history, state, (random.random(), np.random.random(), float(keras.random.normal(())))


def test_a_scored_training_is_the_same_bit_for_bit():
    history, state, drawn = train_with()
    gl.features.mnist.cache_clear()  # to load it is a part of what must leave no trace
    scores = ScoreMonitor(real_images(80), every=2, count=30, scores=tuple(gl.scoring.METRICS), cache=False, verbose=0)
    scored_history, scored_state, scored_drawn = train_with(scores)
    assert history == {name: scored_history[name] for name in history} and "recall" in scored_history
    assert all(np.array_equal(a, b) for a, b in zip(state, scored_state, strict=True))
    assert drawn == scored_drawn


def test_a_training_that_diverges_has_the_worst_score_and_goes_on(means):
    gan = Toy()
    gan.weight.assign(np.nan)
    scores = monitor(means, scores=("frechet_distance", "precision_recall"))
    history = fit(gan, scores, epochs=2).history
    assert history["frechet_distance"] == [np.inf, np.inf] and history["coverage"] == [0, 0]


def test_the_first_card_is_printed(means, capsys):
    scores = monitor(means, verbose=1)
    fit(Toy(), scores, epochs=2)
    out = capsys.readouterr().out
    assert out == f"\nEpochs trained: 1.\n{scores.cards[1]}\n" and "30 real images in place of the generated" in out


def test_what_cannot_be_monitored_is_refused(means):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="ScoreMonitor goes with a model that has generate.*Sequential"):
        model.fit(np.zeros((4, 2)), np.zeros((4, 1)), verbose=0, callbacks=[monitor(means)])
    for name, value in [("every", 0), ("every", 1.5), ("count", 19), ("count", "25"), ("seed", None), ("seed", -1)]:
        with pytest.raises(ValueError, match=rf"{name} must be an integer of at least \d+. Received: {name}={value!r}"):
            monitor(means, **{name: value})
    with pytest.raises(ValueError, match="scores must be some of"):
        monitor(means, scores="fid")
    with pytest.raises(ValueError, match="have one shape"):
        fit(Toy(), monitor(means, data=real_images(80)[:, :4]))


# --- the doctor ---------------------------------------------------------------------------------------------


def watched(model, watch, epochs=2, images=None, compiled=False, **kwargs):
    if not compiled:
        model.compile(**kwargs)
    images = bumps(512) if images is None else images
    model.fit(images, batch_size=64, epochs=epochs, verbose=0, callbacks=[watch])
    return [found.name for found in watch.findings]


def test_a_watched_training_is_the_same_bit_for_bit():
    history, state, drawn = train_with()
    watched_history, watched_state, watched_drawn = train_with(Doctor(real_images(80), verbose=0))
    assert history == watched_history and drawn == watched_drawn
    assert all(np.array_equal(a, b) for a, b in zip(state, watched_state, strict=True))


def test_the_doctor_says_what_goes_wrong_once(capsys):
    class TooFast(Handmade):
        rates = (1e-3, 1e-1)

    class Frozen(Handmade):
        def step_discriminator(self, gradients):
            pass

    class Detached(Handmade):
        def step_generator(self, gradients):
            pass

    watch = Doctor(verbose=1)
    assert watched(TooFast(), watch, epochs=40) == ["learning_rates_apart"]
    out = capsys.readouterr().out
    assert out.count("learning_rates_apart: ") == 1 and "Epoch 25, learning_rates_apart" in out
    assert watch.diagnosis.names == ["learning_rates_apart"] and "40 epochs" in str(watch.diagnosis)
    assert watched(Frozen(), Doctor(verbose=0)) == ["discriminator_frozen"]
    assert watched(Detached(), Doctor(verbose=0)) == ["generator_without_gradient"]
    assert watched(Handmade(), Doctor(verbose=0), optimizer="rmsprop") == ["leftover_optimizer"]
    assert watched(Handmade(), Doctor(verbose=0)) == [] and capsys.readouterr().out == ""


def test_the_doctor_sees_a_training_that_diverges_at_once():
    class Breaks(Handmade):
        def g_loss(self, fake):
            return super().g_loss(fake) / tf.cast(self.g_optimizer.iterations < 20, "float32")

    watch = Doctor(verbose=0, every=100)
    assert watched(Breaks(), watch, epochs=6) == ["diverging"]
    (found,) = watch.findings
    assert "generator" in found.evidence


def collapses():
    """A generator that does not hear its latents, after its first thousand steps."""
    gan = Handmade()
    gan.generator.layers[0].kernel.assign(np.zeros((6, 32)))
    gan.generator.layers[0].trainable = False
    gan.compile()
    for optimizer in (gan.g_optimizer, gan.d_optimizer):
        optimizer.iterations.assign(signs.FIRST_STEPS)
    return gan


@pytest.mark.parametrize("images", [None, bumps(100)])
def test_the_doctor_sees_collapse(images):
    watch = Doctor(images, verbose=0)
    assert watched(collapses(), watch, epochs=30, compiled=True) == ["collapsed"]
    assert watched(Handmade(), watch, epochs=60) == [], "a new training, new findings"


def test_a_look_is_rare_and_the_last_epoch_has_one(monkeypatch):
    looks = []
    look = doctor.Watch.look
    monkeypatch.setattr(doctor.Watch, "look", lambda self: looks.append(signs.steps_trained(self.model)) or look(self))
    watched(Handmade(), Doctor(verbose=0), epochs=30)  # eight steps an epoch
    assert looks == [200, 240]
    looks.clear()
    watched(Handmade(), Doctor(verbose=0, every=20), epochs=50)
    assert looks == [320, 400]


def test_the_doctor_knows_a_sure_discriminator_by_its_curves():
    class Sure(Handmade):
        def report(self, d_loss, g_loss):
            return super().report(d_loss, g_loss) | {"d_real": self.sure, "d_fake": 1 - self.sure}

    for sure, expected in [(0.5, []), (0.9995, ["discriminator_saturated"])]:
        gan = Sure()
        gan.sure = sure
        watch = Doctor(verbose=0)
        assert watch.diagnosis.healthy and watch.findings == []
        assert watched(gan, watch) == expected


class Conditional(Handmade):
    """Its generator takes labels behind the latents, so that `latent_dim` is not all that it takes."""

    def __init__(self):
        super().__init__(small_generator(latent_dim=6 + 3))

    def make(self, count):
        labels = tf.one_hot(tf.random.uniform((count,), 0, 3, "int32"), 3)
        return self.generator(tf.concat([self.latents(count), labels], axis=1), training=True)


class Generates(Conditional):
    def generate(self, count, seed):
        return bumps(1).repeat(count, axis=0)


@pytest.mark.parametrize(("kind", "expected"), [(Conditional, []), (Generates, ["collapsed"])])
def test_the_doctor_never_ends_a_training(kind, expected):
    gan, watch = kind(), Doctor(bumps(100), verbose=0)
    gan.compile()
    for optimizer in (gan.g_optimizer, gan.d_optimizer):
        optimizer.iterations.assign(signs.FIRST_STEPS)
    assert watched(gan, watch, epochs=30, compiled=True) == expected
    assert len(watch.diagnosis.left_out) == (kind is Conditional)
    assert ("Not examined: samples (" in str(watch.diagnosis)) == (kind is Conditional)


def test_what_the_doctor_cannot_watch_is_refused():
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="two players.*Sequential"):
        model.fit(np.zeros((4, 2)), np.zeros((4, 1)), verbose=0, callbacks=[Doctor()])
    for name, value in [("every", 0), ("every", 1.5), ("seed", -1)]:
        with pytest.raises(ValueError, match=rf"{name} must be an integer of at least \d+. Received: {name}={value!r}"):
            Doctor(**{name: value})
    with pytest.raises(TypeError, match="data must be what fit.. takes"):
        Doctor("mnist")
