"""`TrainingMovie`: a training as an animated GIF."""

import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
from PIL import Image, ImageSequence

from gan_lessons import _extras
from gan_lessons._arguments import positive
from gan_lessons.callbacks import drawing
from gan_lessons.callbacks.pictures import Pictures, folder, in_notebook
from gan_lessons.saving import write

_HOLD = 2.0  # seconds that the last frame is held


class Frame(NamedTuple):
    """One frame: after how many epochs (or steps), and its picture, grey (mode L) or with a palette (mode P)."""

    at: int
    picture: Image.Image


class TrainingMovie(Pictures):
    """Makes an animated GIF of a training: the same samples before the first epoch and after each.

    The file is complete after every frame: when the training is interrupted, fails or is killed, the movie up to there
    is on the disk. The last frame is held for two seconds.

    A training that is resumed with `initial_epoch`, or by `BackupAndRestore`, goes on with its movie: the frames up to
    there are kept, from the same callback or, in a new process, from the file. A training from epoch 0 begins a new
    movie, which replaces the file.

    A frame of 25 grey images of 28×28 takes 15 to 60 kB, of 25 colour images of 32×32 40 to 80 kB; noise takes most.
    Each frame has a palette of its own of 256 colours; grey images stay exact. The whole file is encoded again with
    each frame, which takes about 0.1 s at 100 frames: fewer images and a larger `every` make it smaller and faster.

    What can be drawn, and what happens to a picture that fails, is as in `SampleGrid`.

    Args:
        path: the file to write, ending in `.gif`.
        every: epochs between two frames. They are drawn after the epochs that are divisible by it, counted from 1, and
            at the end of the training.
        count: how many samples a frame has.
        seed: an integer that fixes the samples.
        frames_per_second: the speed, between 0.1 and 50.
        title: a text above each frame; name the data set.
        every_steps: in place of `every`: batches between two frames.
        display: whether a notebook shows the movie when the training has ended. `movie.show()` shows it at any time.
        verbose: 1 to print one line with the file's name and size at the end; 0 for silence.
        images: a function of the model that returns the samples to draw, as in `SampleGrid`.

    Raises:
        TypeError: for arguments of the wrong kind; at the start of `fit`, for a model without `generate`.
        ValueError: for numbers out of their range, a path that does not end in .gif or a folder that cannot be written
            to; at the start of `fit`, for samples that cannot be drawn.

    Example:
        >>> movie = TrainingMovie("mnist.gif", every=2, title=train.info.title)
        >>> gan.fit(train, epochs=40, callbacks=[movie])
        mnist.gif: 21 frames, 0.4 MB
        >>> digits = TrainingMovie(images=lambda model: model.generate(labels=range(10), seed=0))
    """

    smallest = 48

    def __init__(
        self,
        path: str | os.PathLike = "training.gif",
        every: int = 1,
        count: int = 25,
        seed: int = 0,
        frames_per_second: float = 5,
        title: str | None = None,
        every_steps: int | None = None,
        display: bool = False,
        verbose: int = 1,
        *,
        images: Callable[[keras.Model], object] | None = None,
    ):
        super().__init__(every, count, seed, title, every_steps, images)
        self.path = Path(path)
        if self.path.suffix.lower() != ".gif":
            raise ValueError(f"path must end in .gif. Received: path={str(path)!r}.")
        if self.path.is_dir():
            raise ValueError(f"path must be a file. Received: path={str(path)!r}, which is a folder.")
        folder("path", self.path.parent)
        self.frames_per_second = positive("frames_per_second", frames_per_second)
        if not 0.1 <= self.frames_per_second <= 50:
            raise ValueError(f"frames_per_second must lie between 0.1 and 50. Received: {frames_per_second=}.")
        self.display = display
        self.verbose = verbose
        self._frames: list[Frame] = []

    def _begin(self, at):
        if at == 0:
            self._frames = []
        elif not self._frames:
            self._frames = self._frames_on_disk()
        # After a crash a training may go on from before the last frame.
        self._frames = [frame for frame in self._frames if frame.at <= at]
        laid_out = self._try_to_lay_out()
        if not self._frames or self._frames[-1].at < at:
            self._add(at, *laid_out)

    def _record(self, at, logs):
        self._add(at, *self._lay_out())

    def _add(self, at, grid, count, broken):
        remark = f" · NaN in {broken} of {count} images" if broken else ""
        # The number in the caption makes any two frames differ: Pillow would merge equal ones.
        picture = drawing.captioned(grid, self.title, f"{self.unit} {at}{remark}")
        pictures = [frame.picture for frame in self._frames] + [picture]
        # All frames get one size: of a larger frame the border would stay visible around a smaller one.
        size = tuple(max(each.size[axis] for each in pictures) for axis in (0, 1))
        self._frames.append(Frame(at, picture))
        self._frames = [Frame(frame.at, _with_palette(_at_least(frame.picture, size))) for frame in self._frames]
        with self._or_warn(f"A picture could not be written to {self.path}"):
            write(self.path, self._gif())

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        if self.verbose and self._frames:
            print(f"{self.path}: {len(self._frames)} frames, {len(self._gif()) / 1e6:.1f} MB")
        if self.display and in_notebook():
            from IPython.display import display

            display(self.show())

    def show(self):
        """Returns the movie so far for a notebook: the last expression of a cell shows it.

        Returns:
            An `IPython.display.Image`.

        Raises:
            ValueError: if the movie has no frame yet.
        """
        shown = _extras.module("IPython.display", extra="notebooks").Image

        if not self._frames:
            raise ValueError("There must be a frame to show. Received: a TrainingMovie that no fit() has used yet.")
        return shown(self._gif(), format="gif", alt=f"Samples while training, {len(self._frames)} frames")

    def _gif(self):
        """The movie as bytes. The comment names the frames, so that a movie can be resumed from its file."""
        first, *others = (frame.picture for frame in self._frames)
        buffer = io.BytesIO()
        first.save(
            buffer,
            "GIF",
            save_all=True,
            append_images=others,
            duration=[10 * round(100 / self.frames_per_second)] * len(others) + [round(1000 * _HOLD)],  # ms
            loop=0,  # without end
            comment=" ".join(["gan_lessons", self.unit, *(str(frame.at) for frame in self._frames)]),
            optimize=False,  # with its optimisation Pillow reads some greys back as their neighbours
        )
        return buffer.getvalue()

    def _frames_on_disk(self):
        try:
            with Image.open(self.path) as gif:
                ours, unit, *numbers = gif.info.get("comment", b"").decode().split()
                pictures = [_with_palette(frame.copy()) for frame in ImageSequence.Iterator(gif)]
            if ours != "gan_lessons" or len(pictures) != len(numbers):
                raise ValueError("it has other frames than its comment says.")
        except FileNotFoundError:
            return []
        except Exception as error:  # a damaged file raises any of half a dozen kinds in Pillow
            warnings.warn(f"{self.path} cannot be read as a movie; it begins anew. ({error})", stacklevel=2)
            return []
        if unit != self.unit:  # epochs and steps cannot stand in one movie
            return []
        return [Frame(int(at), picture) for at, picture in zip(numbers, pictures, strict=True)]


def _at_least(picture, size):
    """The picture, with white added at the right and below where it is smaller than `size`."""
    if picture.size == size:
        return picture
    canvas = Image.new("L" if picture.mode == "L" else "RGB", size, "white")
    canvas.paste(picture if picture.mode == "L" else picture.convert("RGB"))
    return canvas


def _with_palette(picture):
    """A picture as a GIF can hold it: grey, or with the 256 colours that suit it best."""
    return picture.quantize(256, kmeans=1) if picture.mode == "RGB" else picture
