"""What `SampleGrid` and `TrainingMovie` share: refused at the start or never the end, and no trace in the training."""

import re
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from watching import Toy, fit, names, real_images, train_with

import gan_lessons as gl
from gan_lessons.callbacks import SampleGrid, TrainingMovie, drawing, pictures


def both(folder, **kwargs):
    """A SampleGrid and a TrainingMovie that write into a folder."""
    return SampleGrid(directory=folder, **kwargs), TrainingMovie(folder / "t.gif", verbose=0, **kwargs)


def frames_of(path):
    """The numbers in a movie's comment, of which there are as many as frames."""
    with Image.open(path) as gif:
        numbers = gif.info["comment"].decode().split()[2:]
        assert gif.n_frames == len(numbers)
    return [int(number) for number in numbers]


# --- no trace, never the end


@pytest.mark.parametrize("every", [{}, {"every_steps": 2}], ids=["epochs", "steps"])
def test_training_is_the_same_bit_for_bit(tmp_path, every):
    history, state, drawn = train_with()
    watched_history, watched_state, watched_drawn = train_with(
        SampleGrid(directory=tmp_path, log_dir=tmp_path, **every),
        TrainingMovie(tmp_path / "training.gif", verbose=0, **every),
    )
    assert history == watched_history
    assert len(state) > 30 and all(np.array_equal(a, b) for a, b in zip(state, watched_state, strict=True))
    assert drawn == watched_drawn


def test_a_training_that_diverges_is_shown_and_goes_on(tmp_path, monkeypatch):
    seen = []
    original = drawing.captioned
    monkeypatch.setattr(drawing, "captioned", lambda *args: seen.append(args[2]) or original(*args))
    gan = Toy()
    gan.weight.assign(np.nan)
    grid = SampleGrid(count=3, directory=tmp_path)
    fit(gan, grid, TrainingMovie(tmp_path / "t.gif", count=3, verbose=0), epochs=2)
    assert all("NaN in 3 of 3 images" in caption for caption in seen) and len(seen) == 3 + 3
    assert frames_of(tmp_path / "t.gif") == [0, 1, 2]


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
    assert frames_of(folder / "t.gif") == [0, 1, 2, 3]  # the movie catches up


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
    error = ValueError if type(value) is int else TypeError
    with pytest.raises(error, match=rf"{name} must be an integer of at least \d. Received: {name}={value!r}"):
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


# --- what is refused before the first step


class Batches(keras.callbacks.Callback):
    """Counts the batches that are trained on."""

    count = 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1


@pytest.mark.parametrize("make", [SampleGrid, TrainingMovie])
def test_samples_that_cannot_be_drawn_are_refused_before_the_first_step(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, batches = Toy(shape=(8, 8, 2)), Batches()
    with pytest.raises(ValueError, match="before the training begins") as caught:
        fit(model, batches, make(every=20, count=4), epochs=2)
    for words in (make.__name__, "model.generate(4, seed=0)", "samples of shape (8, 8, 2)", "Give images=…"):
        assert words in str(caught.value)
    assert batches.count == 0 and float(model.weight) == 0
    fit(model, make(count=4, images=lambda model: model.generate(4, 0)[..., :1]))  # as the error says


@pytest.mark.parametrize("make", [SampleGrid, TrainingMovie])
def test_a_model_that_cannot_generate_from_a_count_is_refused_before_the_first_step(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    class Conditional(Toy):
        def generate(self, labels):
            return super().generate(len(labels), seed=0)

    batches = Batches()
    with pytest.raises(ValueError, match="raised TypeError: .*seed.* Give images=…"):
        fit(Conditional(), batches, make())
    assert batches.count == 0
    with pytest.raises(ValueError, match=r"images\(model\) returns, which raised ZeroDivisionError: division by zero"):
        fit(Conditional(), batches, make(images=lambda model: 1 / 0))
    assert batches.count == 0
    fit(Conditional(), make(images=lambda model: model.generate(labels=[0, 1, 2])))


@pytest.mark.parametrize("shape", [(7,), (20, 3), (6, 8, 4), (6, 6, 6, 1), (3, 6, 8, 3), (28, 28)], ids=str)
def test_every_shape_that_can_be_drawn_trains_to_the_end(tmp_path, shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(Toy(shape=shape), *both(tmp_path, count=4), epochs=2)
    assert names(tmp_path) == ["epoch-0001.png", "epoch-0002.png", "t.gif"]
    assert frames_of(tmp_path / "t.gif") == [0, 1, 2]


# --- a picture that fails is a warning


class Fails(Toy):
    """Generates images, but not in two of its five epochs of three batches."""

    def generate(self, count, seed):
        if 0.5 < float(self.weight) < 1.1:
            raise RuntimeError("out of\nmemory \x1b[1mbold\x1b[0m")
        return super().generate(count, seed)


@pytest.mark.parametrize("which", [0, 1], ids=["SampleGrid", "TrainingMovie"])
def test_an_error_in_generate_is_one_warning(tmp_path, which):
    picture = both(tmp_path, count=2)[which]
    with pytest.warns(UserWarning) as warned:
        history = fit(Fails(), picture, epochs=5)
    messages = [str(one.message) for one in warned if "picture" in str(one.message)]
    assert messages == ["A picture could not be drawn: RuntimeError: out of memory bold The training goes on."]
    assert len(history.history["d_loss"]) == 5
    if which == 0:
        assert names(tmp_path) == [f"epoch-{epoch:04d}.png" for epoch in (1, 4, 5)]
    else:
        assert frames_of(tmp_path / "t.gif") == [0, 1, 4, 5]


def test_an_error_in_drawing_is_one_warning_and_no_stop(tmp_path, monkeypatch):
    class Grows(Toy):
        """Images that lose their channels while training."""

        def generate(self, count, seed):
            images = super().generate(count, seed)
            return images if float(self.weight) < 0.5 else np.concatenate([images, images], axis=-1)

    for picture in both(tmp_path, count=2):
        with pytest.warns(UserWarning, match="could not be drawn: ValueError: Samples must be images") as warned:
            history = fit(Grows(), picture, epochs=4)
        assert len(history.history["d_loss"]) == 4
        assert sum("could not be drawn" in str(one.message) for one in warned) == 1


def test_an_interrupt_in_generate_is_no_picture_that_fails(tmp_path):
    class Interrupted(Toy):
        def generate(self, count, seed):
            if float(self.weight) > 0.5:
                raise KeyboardInterrupt
            return super().generate(count, seed)

    for picture in both(tmp_path, count=2):
        with pytest.raises(KeyboardInterrupt):
            fit(Interrupted(), picture, epochs=4)


# --- a function of the model


def test_a_function_of_the_model_says_what_is_drawn(tmp_path):
    source = real_images(3)
    models = []

    def rows(model):
        models.append(model)
        return [source, source * float(model.weight), -source]

    class Translates(keras.Model):
        """A model without `generate`, and so without a value range."""

        def __init__(self):
            super().__init__()
            self.image_shape = (6, 8, 1)
            self.weight = self.add_weight(name="weight", initializer="zeros")
            self.built = True
            self.compile("sgd", run_eagerly=True)

        def train_step(self, data):
            self.weight.assign_add(0.1)
            return {"loss": self.weight}

    model, (grid, movie) = Translates(), both(tmp_path, images=rows)
    fit(model, grid, movie, epochs=2)
    assert models == [model] * (3 + 3)
    weight = float(model.weight)
    expected, count, _ = drawing.lay_out([source, source * weight, -source], (-1.0, 1.0), 72)
    assert count == 9
    picture = np.asarray(grid.picture)
    assert np.array_equal(picture[-8 - len(expected) : -8], pad(expected[..., 0], picture.shape[1]))
    assert frames_of(tmp_path / "t.gif") == [0, 1, 2]


def pad(grid, width):
    left = (width - grid.shape[1]) // 2
    return np.pad(grid, ((0, 0), (left, width - grid.shape[1] - left)), constant_values=255)


@pytest.mark.parametrize("make", [SampleGrid, TrainingMovie])
def test_images_must_be_a_function(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError, match="images must be a function of the model.*ndarray"):
        make(images=real_images(3))
    with pytest.raises(TypeError, match="positional"):
        make(*range(1, 11))  # keyword-only


def test_the_value_range_of_the_model_is_used(tmp_path):
    class Bytes(Toy):
        value_range = (0.0, 255.0)

        def generate(self, count, seed):
            return np.full((count, 6, 8, 1), 51.0, "float32")

    grid = SampleGrid(count=2, directory=tmp_path)
    fit(Bytes(), grid)
    assert np.asarray(grid.picture)[-9].tolist().count(51) == 2 * 72
    Bytes.value_range = None  # any value: shown as if in (-1, 1)
    fit(Bytes(), grid)
    assert np.asarray(grid.picture)[-9].tolist().count(255) == grid.picture.width


# --- steps


def test_steps_are_the_batches_that_the_model_counts(tmp_path):
    class Counts(Toy):
        """Its optimizer takes a step on every third batch, as with accumulated gradients."""

        batches = 0

        @property
        def batches_trained(self):
            return self.batches

        def train_step(self, data):
            self.batches += 1
            self.optimizer.iterations.assign(self.batches // 3)
            return {"d_loss": 0.0}

    model, (grid, movie) = Counts(), both(tmp_path, count=1, every_steps=2)
    fit(model, grid, movie, epochs=2)
    assert frames_of(tmp_path / "t.gif") == [0, 2, 4, 6]
    assert names(tmp_path)[:-1] == [f"step-{step:08d}.png" for step in (2, 4, 6)]


def test_a_model_that_counts_no_steps_is_refused_before_the_first(tmp_path):
    class Uncounted(Toy):
        def __init__(self):
            super().__init__()
            self.compile(optimizer=None, run_eagerly=True)

        def train_step(self, data):
            return {"d_loss": 0.0}

    for picture in both(tmp_path, count=1, every_steps=2):
        with pytest.raises(ValueError, match="every_steps needs a model that counts.*Uncounted.*Use every="):
            fit(Uncounted(), picture)
    fit(Uncounted(), *both(tmp_path, count=1))
    assert frames_of(tmp_path / "t.gif") == [0, 1, 2]


# --- what is imported


def test_a_process_without_a_kernel_is_no_notebook():
    # A real notebook is in the tests of SampleGrid.
    assert not pictures.in_notebook()


def test_pictures_bring_neither_the_doctor_nor_the_scores():
    """In a fresh process: nothing of the doctor, and nothing of the scores, until one of the two is asked for."""
    code = """
import sys
import gan_lessons.callbacks as callbacks
assert callable(callbacks.SampleGrid) and callable(callbacks.TrainingMovie)
parts = ("doctor", "probing", "signs", "symptoms", "illnesses", "scoring", "metrics", "features")
def loaded():
    return {name.split(".")[1] for name in sys.modules if name.startswith("gan_lessons.")} & set(parts)
assert not loaded(), loaded()
assert {"Doctor", "ScoreMonitor", "SampleGrid", "TrainingMovie"} <= set(dir(callbacks))
from gan_lessons.callbacks import ScoreMonitor
assert "scoring" in loaded() and "doctor" not in loaded(), loaded()
assert callbacks.Doctor.__name__ == "Doctor" and "doctor" in loaded()
try:
    callbacks.Nurse
except AttributeError as error:
    assert "Nurse" in str(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_private_module_is_imported():
    """The sources of the pictures, and of what they import of the package's own, name no private module of theirs."""
    folder = gl.callbacks.__path__[0]
    sources = {path.name: path.read_text() for path in Path(folder).glob("*.py")}
    assert {"grid.py", "movie.py", "drawing.py", "pictures.py"} <= set(sources)
    for name, source in sources.items():
        assert not re.search(r"keras\.src|tensorflow\.python|\._keras|_trainable_variables", source), name
