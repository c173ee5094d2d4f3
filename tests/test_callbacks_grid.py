"""`SampleGrid`: its files, its events and its place in a notebook, read back with Pillow, TensorBoard and nbclient."""

import base64
import io
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
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from watching import ADAM, LATENT_DIM, Spy, Stop, Toy, below_the_text, fit, grid_of, make_gan, names, real_images

import gan_lessons as gl
from gan_lessons.callbacks import SampleGrid, drawing

# --- files


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
    original = drawing.captioned
    monkeypatch.setattr(drawing, "captioned", lambda *args: seen.append(args[1:]) or original(*args))
    history = fit(Toy(), SampleGrid(directory=tmp_path, title="MNIST"), epochs=2)
    before, *seen = seen
    assert before == ("MNIST", "epoch 0 of 2")
    for epoch, (title, caption) in enumerate(seen):
        d_loss, g_loss = history.history["d_loss"][epoch], history.history["g_loss"][epoch]
        assert title == "MNIST"
        assert caption == f"epoch {epoch + 1} of 2 · d_loss {d_loss:.3f} · g_loss {g_loss:.3f}"


@pytest.mark.parametrize("every, epochs, expected", [(2, 5, [2, 4, 5]), (2, 4, [2, 4]), (10, 3, [3]), (1, 2, [1, 2])])
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


# --- TensorBoard


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
    monkeypatch.setenv("PYTHONPATH", str(Path(gl.__file__).parents[1]))  # the package under test, installed or not
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(textwrap.dedent(cell)) for cell in CELLS])
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
    assert re.fullmatch(r"4 samples, epoch 3 of 3 · d_loss \d\.\d{3} · g_loss \d\.\d{3}", alt(grid, "image/png"))
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
