"""`SampleGrid`: samples while training, as one picture in a notebook, as files or in TensorBoard."""

import os
from collections.abc import Callable

import keras
import tensorflow as tf

from gan_lessons import _extras
from gan_lessons.callbacks import drawing
from gan_lessons.callbacks.pictures import Pictures, folder, in_notebook
from gan_lessons.saving import write


class SampleGrid(Pictures):
    """Shows samples while training: one picture updated in place in a notebook; else files, TensorBoard.

    The samples are those of `model.generate(count, seed=seed)`, with the same seed for the whole training. The last
    picture stays in the executed notebook, also when the training is interrupted.

    Images of 1, 3 or 4 channels, videos and volumes (a row of frames), tables (points) and series (lines) are drawn;
    `gan_lessons.callbacks.drawing` has the rules. A picture is tried before the first step: what cannot be drawn is
    refused there. Later the training goes on without a picture that fails, with one warning.

    Args:
        every: epochs between two pictures. They are drawn after the epochs that are divisible by it, counted from 1,
            and at the end of the training; a training that is resumed with `initial_epoch` counts on.
        count: how many samples a picture has.
        seed: an integer that fixes the samples.
        directory: where PNG files are written, `epoch-0001.png` and so on. Outside a notebook, and with neither this
            nor `log_dir`, it is `samples`.
        log_dir: where TensorBoard looks for images: `tensorboard --logdir <log_dir>`. Their step is the number of
            epochs trained (or of steps, with `every_steps`).
        title: a text above the picture; name the data set.
        every_steps: in place of `every`: batches between two pictures. Files are then `step-00000100.png` and so on.
        images: a function of the model that returns the samples to draw, in place of `model.generate`: an array
            (n, …), or a list of arrays of one shape, of which each is a row. `count` and `seed` are then not used.

    Attributes:
        picture: the last picture, a `PIL.Image.Image`; None before the first.

    Raises:
        TypeError: for arguments of the wrong kind; at the start of `fit`, for a model without `generate`.
        ValueError: for integers that are too small, or a folder that cannot be written to; at the start of `fit`, for
            samples that cannot be drawn.

    Example:
        >>> gan.fit(train, epochs=20, verbose=0, callbacks=[SampleGrid(every=1, title=train.info.title)])
        >>> # a translator: a row of sources, of its outputs, of targets
        >>> rows = SampleGrid(images=lambda model: [source, model.predict(source, verbose=0), target])
    """

    def __init__(
        self,
        every: int = 1,
        count: int = 25,
        seed: int = 0,
        directory: str | os.PathLike | None = None,
        log_dir: str | os.PathLike | None = None,
        title: str | None = None,
        every_steps: int | None = None,
        *,
        images: Callable[[keras.Model], object] | None = None,
    ):
        super().__init__(every, count, seed, title, every_steps, images)
        if directory is None and log_dir is None and not in_notebook():
            directory = "samples"
        self.directory = None if directory is None else folder("directory", directory)
        self.log_dir = None if log_dir is None else folder("log_dir", log_dir)
        if log_dir is not None:
            _extras.module("tensorboard", extra="tensorboard")  # without it TensorFlow would fail at the first picture
        self.picture = None
        self._writer = None

    def _begin(self, at):
        self._shown = None  # a new call of fit, a new place in the notebook
        self._draw(at, {}, *self._try_to_lay_out())

    def _record(self, at, logs):
        grid, count, broken = self._lay_out()
        self._draw(at, logs, grid, count, broken)
        if self.directory is not None:
            digits = 4 if self.unit == "epoch" else 8
            with self._or_warn(f"A picture could not be written to {self.directory}"):
                write(self.directory / f"{self.unit}-{at:0{digits}d}.png", drawing.png(self.picture))
        if self.log_dir is not None:
            with self._or_warn(f"A picture could not be written to {self.log_dir}"):
                if self._writer is None:
                    self._writer = tf.summary.create_file_writer(str(self.log_dir))
                with self._writer.as_default():
                    tf.summary.image("samples", grid[None], step=at)
                self._writer.flush()

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        if self._writer is not None:
            with self._or_warn(f"A picture could not be written to {self.log_dir}"):
                self._writer.close()
            self._writer = None

    def _draw(self, at, logs, grid, count, broken):
        total = self.params.get("epochs") if self.unit == "epoch" else None
        position = f"{self.unit} {at}" + (f" of {total}" if total else "")
        losses = [f"{name} {logs[name]:.3f}" for name in ("d_loss", "g_loss", "loss") if name in logs]
        remark = [f"NaN in {broken} of {count} images"] if broken else []
        caption = " · ".join([position, *losses, *remark])
        self.picture = drawing.captioned(grid, self.title, caption)
        if in_notebook():
            self._show(f"{count} samples, {caption}")

    def _show(self, description):
        from IPython.display import Image, display

        picture = Image(drawing.png(self.picture), format="png", alt=description)
        if self._shown is None:
            self._shown = display(picture, display_id=True)
        else:
            self._shown.update(picture)
