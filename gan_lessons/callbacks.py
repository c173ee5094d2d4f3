"""Pictures, scores and a doctor while training: what the generator makes of the same latents, again and again.

    movie = gl.callbacks.TrainingMovie("training.gif")
    scores = gl.callbacks.ScoreMonitor("mnist", every=2)
    gan.fit(train, epochs=20, callbacks=[gl.callbacks.SampleGrid(every=1), movie, scores])

The latents are fixed by a seed, so that what changes from picture to picture is the generator. They are drawn
without touching the training's random numbers: with these callbacks and without them, the same weights
come out.
"""

import contextlib
import io
import math
import os
import struct
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import keras
import matplotlib
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw, ImageFont

from gan_lessons import doctor, plotting, scoring
from gan_lessons.saving import write

_MARGIN = 8  # pixels around a picture
_LINE = 18  # pixels from one line of text to the next
_NARROWEST = 240  # pixels, so that there is room for text


class _Pictures(keras.callbacks.Callback):
    """What both callbacks share: when a picture is due, and how it is made."""

    def __init__(self, every, count, seed, title, every_steps):
        super().__init__()
        self.every = _integer("every", every, least=1)
        self.count = _integer("count", count, least=1)
        self.seed = _integer("seed", seed, least=0)
        self.title = title
        self.every_steps = None if every_steps is None else _integer("every_steps", every_steps, least=1)
        self.unit = "epoch" if every_steps is None else "step"

    def set_model(self, model):
        _check_generates(self, model)
        super().set_model(model)

    def on_train_begin(self, logs=None):
        self._at = self._recorded_at = None
        self._logs = {}

    def on_epoch_begin(self, epoch, logs=None):
        # Not in on_train_begin: there nobody knows yet at which epoch a resumed training goes on.
        if self._at is None:
            self._at = self._recorded_at = self._steps() if self.every_steps else epoch
            self._begin(self._at)

    def on_train_batch_end(self, batch, logs=None):
        if not self.every_steps:
            return
        self._at, self._logs = self._steps(), logs
        # Not "divisible by": with steps_per_execution=10 Keras calls only after every tenth batch.
        if self._at // self.every_steps > self._recorded_at // self.every_steps:
            self._record_now()

    def on_epoch_end(self, epoch, logs=None):
        self._logs = logs
        if not self.every_steps:
            self._at = epoch + 1
            if self._at % self.every == 0:
                self._record_now()

    def on_train_end(self, logs=None):
        if self._at != self._recorded_at:  # the end is worth a picture, whatever `every` says
            self._record_now()

    def _begin(self, at):
        """Called before the first batch; `at` epochs (or steps) have been trained before."""
        raise NotImplementedError

    def _record(self, at, logs):
        """Called when a picture is due, after `at` epochs (or steps)."""
        raise NotImplementedError

    def _record_now(self):
        self._record(self._at, self._logs or {})
        self._recorded_at = self._at

    def _steps(self):
        """How many batches the model has been trained on, in this call of `fit` and before it."""
        names = getattr(self.model, "player_names", ())
        optimizers = [getattr(self.model, f"{name}_optimizer") for name in names] or [self.model.optimizer]
        return max(int(keras.ops.convert_to_numpy(optimizer.iterations)) for optimizer in optimizers)

    def _grid(self, zoom_to):
        """The generator's images as a uint8 grid, and a remark if there is something wrong with them."""
        images = np.asarray(self.model.generate(self.count, seed=self.seed))
        broken = int((~np.isfinite(images)).any(axis=(1, 2, 3)).sum()) if images.ndim == 4 else 0
        low, high = plotting.range_of(self.model)
        # A picture must not end a training: what cannot be shown is clipped, what is not a number is black.
        images = np.clip(np.nan_to_num(images, nan=low), low, high)
        zoom = max(1, math.ceil(zoom_to / images.shape[2])) if images.ndim == 4 else 1
        grid = plotting.image_grid(images, value_range=(low, high), zoom=zoom)
        return grid, f"NaN in {broken} of {self.count} images" if broken else None


class SampleGrid(_Pictures):
    """Shows samples while training: one picture updated in place in a notebook; else files, TensorBoard.

    The same latents are used for the whole training, and are those of `gan.generate(count, seed=seed)`. The
    last picture stays in the executed notebook, also when the training is interrupted.

    Args:
        every: epochs between two pictures. They are taken after the epochs that are divisible by it, counted
            from 1, and at the end of the training; a training that is taken up again with `initial_epoch`
            counts on.
        count: how many images a picture has.
        seed: an integer that fixes the latents.
        directory: where PNG files are written, `epoch-0001.png` and so on. Outside a notebook, and with
            neither this nor `log_dir`, it is `samples`.
        log_dir: where TensorBoard looks for images: `tensorboard --logdir <log_dir>`. Their step is the
            number of epochs trained (or of steps, with `every_steps`).
        title: what stands above the picture; name the data set.
        every_steps: in place of `every`: batches between two pictures. Files are then `step-00000100.png` and
            so on.

    Attributes:
        picture: the last picture, a `PIL.Image.Image`; None before the first.

    Raises:
        TypeError: if the model that is trained has no `generate`.
        ValueError: for numbers that are not positive integers, or a folder that cannot be written to.

    Example:
        >>> gan.fit(train, epochs=20, verbose=0, callbacks=[SampleGrid(every=1, title=train.info.title)])
    """

    def __init__(self, every=1, count=25, seed=0, directory=None, log_dir=None, title=None, every_steps=None):
        super().__init__(every, count, seed, title, every_steps)
        if directory is None and log_dir is None and not _in_notebook():
            directory = "samples"
        self.directory = None if directory is None else _folder("directory", directory)
        self.log_dir = None if log_dir is None else _folder("log_dir", log_dir)
        if log_dir is not None and not hasattr(tf.summary, "image"):
            raise ImportError(
                "log_dir needs TensorBoard, which is not installed. Install it: pip install tensorboard."
            )
        self.picture = None
        self._writer = None

    def _begin(self, at):
        self._shown = None  # a new call of fit, a new place in the notebook
        if _in_notebook():
            self._draw(at, {})  # there is something to look at from the first second on

    def _record(self, at, logs):
        grid = self._draw(at, logs)
        if self.directory is not None:
            digits = 4 if self.unit == "epoch" else 8
            with _never_mind_the_disk(self.directory):
                write(self.directory / f"{self.unit}-{at:0{digits}d}.png", _png(self.picture))
        if self.log_dir is not None:
            with _never_mind_the_disk(self.log_dir):
                if self._writer is None:
                    self._writer = tf.summary.create_file_writer(str(self.log_dir))
                with self._writer.as_default():
                    tf.summary.image("samples", grid[None], step=at)
                self._writer.flush()

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _draw(self, at, logs):
        grid, remark = self._grid(zoom_to=72)
        total = self.params.get("epochs") if self.unit == "epoch" else None
        losses = [f"{name} {logs[name]:.3f}" for name in ("d_loss", "g_loss") if name in logs]
        position = f"{self.unit} {at}" + (f" of {total}" if total else "")
        caption = " · ".join([position, *losses, *([remark] if remark else [])])
        self.picture = _captioned(grid, self.title, caption)
        if _in_notebook():
            from IPython.display import Image as Shown
            from IPython.display import display

            shown = Shown(_png(self.picture), format="png", alt=f"{self.count} samples, {caption}")
            if self._shown is None:
                self._shown = display(shown, display_id=True)
            else:
                self._shown.update(shown)
        return grid


class TrainingMovie(_Pictures):
    """Makes an animated GIF of a training: the same latents, before the first epoch and after each.

    The file is complete after every frame: when the training is interrupted, fails or is killed, the movie up
    to there is on the disk. The last frame is held for two seconds.

    A training that is taken up again with `initial_epoch`, or by `BackupAndRestore`, goes on with its movie:
    the frames up to there are kept, from the same callback or, in a new process, from the file. A training
    from epoch 0 begins a new movie, which replaces the file.

    A frame of 25 grey images of 28×28 takes 15 to 60 kB, of 25 colour images of 32×32 40 to 80 kB; noise
    takes most. Fewer images and a larger `every` make the file smaller. Each frame has a palette of its own
    of 256 colours; grey images stay exact.

    Args:
        path: the file to write, ending in `.gif`.
        every: epochs between two frames. They are taken after the epochs that are divisible by it, counted
            from 1, and at the end of the training.
        count: how many images a frame has.
        seed: an integer that fixes the latents.
        frames_per_second: the speed, between 0.1 and 50.
        title: what stands above each frame; name the data set.
        every_steps: in place of `every`: batches between two frames.
        display: whether a notebook shows the movie when the training has ended. `movie.show()` shows it at
            any time.
        verbose: 1 to print one line with the file's name and size at the end; 0 for silence.

    Raises:
        TypeError: if the model that is trained has no `generate`.
        ValueError: for numbers out of their range, a path that does not end in .gif or a folder that cannot
            be written to.

    Example:
        >>> movie = TrainingMovie("mnist.gif", every=2, title=train.info.title)
        >>> gan.fit(train, epochs=40, callbacks=[movie])
        mnist.gif: 21 frames, 0.4 MB
    """

    def __init__(
        self,
        path="training.gif",
        every=1,
        count=25,
        seed=0,
        frames_per_second=5,
        title=None,
        every_steps=None,
        display=False,
        verbose=1,
    ):
        super().__init__(every, count, seed, title, every_steps)
        self.path = Path(path)
        if self.path.suffix.lower() != ".gif":
            raise ValueError(f"path must end in .gif. Received: path={str(path)!r}.")
        if self.path.is_dir():
            raise ValueError(f"path must be a file. Received: path={str(path)!r}, which is a folder.")
        _folder("path", self.path.parent)
        if isinstance(frames_per_second, bool) or not isinstance(frames_per_second, (int, float)):
            raise ValueError(f"frames_per_second must be a number. Received: {frames_per_second=}.")
        if not 0.1 <= frames_per_second <= 50:
            raise ValueError(
                f"frames_per_second must lie between 0.1 and 50. Received: {frames_per_second=}."
            )
        self.frames_per_second = frames_per_second
        self.display = display
        self.verbose = verbose
        self._frames = []

    def _begin(self, at):
        if at == 0:
            self._frames = []
        elif not self._frames:
            self._frames = self._frames_on_disk()
        # After a crash a training may go on from before the last frame.
        self._frames = [frame for frame in self._frames if frame.unit == self.unit and frame.at <= at]
        if not self._frames or self._frames[-1].at < at:
            self._record(at, {})

    def _record(self, at, logs):
        grid, remark = self._grid(zoom_to=48)
        caption = " · ".join([f"{self.unit} {at}", *([remark] if remark else [])])
        # No smaller than a frame before it, of which a border would stay to be seen.
        picture = _at_least(_captioned(grid, self.title, caption), _size(self._frames))
        frame = _Frame.of(picture, self.unit, at)
        self._frames.append(frame)
        with _never_mind_the_disk(self.path):
            write(self.path, self._gif())

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        if self.verbose:
            print(f"{self.path}: {len(self._frames)} frames, {len(self._gif()) / 1e6:.1f} MB")
        if self.display and _in_notebook():
            from IPython.display import display

            display(self.show())

    def show(self):
        """The movie so far, for a notebook: the last expression of a cell shows it.

        Returns:
            An `IPython.display.Image`.

        Raises:
            ValueError: if there is no frame yet.
        """
        from IPython.display import Image as Shown

        if not self._frames:
            raise ValueError(
                "There must be a frame to show. Received: a TrainingMovie that no fit() has used yet."
            )
        return Shown(self._gif(), format="gif", alt=f"Samples while training, {len(self._frames)} frames")

    def _gif(self):
        return _join_gif(self._frames, delay=1 / self.frames_per_second, hold=2.0)

    def _frames_on_disk(self):
        try:
            return _split_gif(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValueError, IndexError, struct.error):
            warnings.warn(f"{self.path} cannot be read as a GIF; the movie begins anew.", stacklevel=2)
            return []


# --- scores -------------------------------------------------------------------------------------------------


class ScoreMonitor(keras.callbacks.Callback):
    """Scores the generator while it trains, and writes the scores into the logs, where other callbacks find them.

    In the logs, and so in the history, stand `frechet_distance` or whatever else `scores` asks for. What the numbers
    are (features, number of images, data, floor) is printed when the training begins, and is in `cards`. The same
    latents are used each time, and the average of the weights where the optimizer keeps one: it is `gan.generate(count,
    seed=seed)` that is scored. The training itself is the same with this callback and without.

    - Put it *before* the callbacks that follow its scores: Keras calls callbacks in their order, and what comes before
      has not seen them.
    - Tell these callbacks which way is better: `mode="min"` for distances, `mode="max"` for the others.
    - Between two scores the logs repeat the last one, so a patience is still counted in epochs: take several times
      `every`. If `every` is more than 1, the generator is scored before the first epoch too, for the epochs until the
      next.
    - Images that are not finite have the worst score there is: infinity for distances.

    Args:
        data: the real images, as in `gan_lessons.score`. A `tf.data.Dataset` is read once more than without this
            callback, which can change the order of one that shuffles: give the name of the set instead.
        every: epochs between two scores. They are taken after the epochs that are divisible by it, counted from 1, and
            after the last; a training that is taken up again counts on.
        count: how many images of each kind. Fewer make all scores but the kernel distance worse, and cost less time.
        scores: as in `gan_lessons.score`.
        features, held_out, cache: as in `gan_lessons.score`.
        seed: an integer that fixes the latents.
        verbose: 1 to print the card of the first score, and a progress bar while the real images are looked at.

    Attributes:
        cards: {epochs trained: `ScoreCard`} of the last call of `fit`.
        reference: the `scoring.Reference` with the real images' floor; None before the first epoch.

    Raises:
        TypeError: if the model that is trained has no `generate`.
        ValueError: for numbers that are not positive integers, or scores that are unknown.

    Example:
        >>> gan.fit(train, epochs=50, callbacks=[
        ...     ScoreMonitor("mnist", every=2),
        ...     keras.callbacks.EarlyStopping(monitor="frechet_distance", mode="min", patience=10),
        ... ])
    """

    def __init__(
        self,
        data,
        every=1,
        count=5_000,
        scores="frechet_distance",
        features=None,
        held_out=None,
        seed=0,
        cache=True,
        verbose=1,
    ):
        super().__init__()
        self.every = _integer("every", every, least=1)
        self.count = _integer("count", count, least=20)
        self.seed = _integer("seed", seed, least=0)
        self.scores = scoring.names_of_scores(scores)
        self.data = data
        self.features = features
        self.held_out = held_out
        self.cache = cache
        self.verbose = verbose
        self.cards = {}
        self.reference = data if isinstance(data, scoring.Reference) else None

    def set_model(self, model):
        _check_generates(self, model)
        super().set_model(model)

    def on_train_begin(self, logs=None):
        self.cards = {}
        self._last = None
        if self.reference is None:
            self.reference = scoring.Reference(
                self.data,
                count=self.count,
                features=self.features,
                scores=self.scores,
                held_out=self.held_out,
                image_shape=getattr(self.model, "image_shape", None),
                value_range=plotting.range_of(self.model),
                cache=self.cache,
                verbose=self.verbose,
            )

    def on_epoch_begin(self, epoch, logs=None):
        # Not in on_train_begin: BackupAndRestore may put other weights and another epoch in place there.
        if self._last is None and self.every > 1:
            self._score(epoch)

    def on_epoch_end(self, epoch, logs=None):
        trained = epoch + 1
        if trained % self.every == 0 or trained == self.params.get("epochs"):
            self._score(trained)
        if logs is not None:
            logs.update(self._last.scores)

    def _score(self, trained):
        try:
            self._last = self.reference.score(self.model, seed=self.seed, verbose=0)
        except scoring.NotFinite:
            self._last = self.reference.broken(self.model, seed=self.seed)
        if self.verbose and not self.cards:
            print(f"\nEpochs trained: {trained}.\n{self._last}")
        self.cards[trained] = self._last


# --- the doctor ---------------------------------------------------------------------------------------------


class Doctor(keras.callbacks.Callback):
    """Looks at a GAN while it is trained, and prints what goes wrong when it shows.

    It looks at the curves, at the weights (NaN, growing, not moving), at the optimizers, and at what the generator
    makes of fixed latents (collapse). It prints each finding once. It goes with any model that has a `generator` and a
    `discriminator`, never ends a training, and leaves it as it is without the callback, bit for bit: what it cannot
    look at, it leaves out and names in the diagnosis.

    A look costs about as much as two training steps, and there is at most one in two hundred. So it finds what shows
    while training, not what is wrong with the training step itself: call `gan_lessons.diagnose(gan, data)` before
    training for that. It looks for collapse from the thousandth step on: before, every generator has little variety.

    Args:
        data: real images in the generator's range, an array or a `tf.data.Dataset` of batches, to tell collapse from
            data of little variety. By default only a generator that makes one image of all latents has collapsed.
        every: epochs between two looks.
        seed: an integer that fixes the latents.
        verbose: 1 to print findings, 0 for silence.

    Attributes:
        findings: the findings of the last call of `fit`, a list of `gan_lessons.doctor.Finding`.
        diagnosis: the same as a `gan_lessons.doctor.Diagnosis`, which notebooks show as a panel.

    Raises:
        TypeError: if the model that is trained has no generator and discriminator.
        ValueError: for numbers that are not positive integers.

    Example:
        >>> watch = gl.callbacks.Doctor(images)
        >>> gan.fit(images, epochs=20, callbacks=[watch])
        Epoch 3, diverging: The training diverges. …
        >>> watch.diagnosis.names
        ['diverging']
    """

    def __init__(self, data=None, every=1, seed=0, verbose=1):
        super().__init__()
        self.every = _integer("every", every, least=1)
        self.seed = _integer("seed", seed, least=0)
        self.verbose = verbose
        self.images = None if data is None else doctor.some_images(data, doctor.COMPARED)
        self._watch = None

    @property
    def findings(self):
        """What has been found so far."""
        return [] if self._watch is None else list(self._watch.findings)

    @property
    def diagnosis(self):
        """What has been found so far, as a `gan_lessons.doctor.Diagnosis`."""
        return doctor.Diagnosis([]) if self._watch is None else self._watch.diagnosis

    def set_model(self, model):
        doctor.check_players(model)
        super().set_model(model)

    def on_train_begin(self, logs=None):
        self._watch = None

    def on_epoch_begin(self, epoch, logs=None):
        # Not in on_train_begin: BackupAndRestore may put other weights in place there.
        if self._watch is None:
            self._watch = doctor.Watch(self.model, self.images, self.seed)

    def on_epoch_end(self, epoch, logs=None):
        self._watch.record(logs)
        last = epoch + 1 == self.params.get("epochs")
        due = (epoch + 1) % self.every == 0 and self._watch.steps_since_look >= _STEPS_BETWEEN_LOOKS
        if due or last or not self._watch.is_finite:
            self._look(epoch + 1)

    def _look(self, epoch):
        for found in self._watch.look():
            if self.verbose:
                print(f"\nEpoch {epoch}, {found}")


_STEPS_BETWEEN_LOOKS = 200


# --- GIF ----------------------------------------------------------------------------------------------------
#
# Pillow encodes each frame once; here they are joined. To let Pillow write the file would mean to encode all
# frames again with each new one. A GIF is a header, blocks, and the byte 0x3B; of a frame's blocks the first
# is a comment with its number, so that a movie can be taken up again from its file.
#
# Reference: Graphics Interchange Format 89a, CompuServe, 1990, www.w3.org/Graphics/GIF/spec-gif89a.txt


@dataclass(frozen=True)
class _Frame:
    """One image of a GIF, encoded, with its own palette."""

    unit: str
    at: int
    size: tuple
    blocks: bytes

    @classmethod
    def of(cls, picture, unit, at):
        buffer = io.BytesIO()
        if picture.mode == "RGB":
            picture = picture.quantize(256, kmeans=1)
        picture.save(buffer, "GIF", comment=f"gan_lessons {unit} {at}".encode())
        return _split_gif(buffer.getvalue())[0]


def _join_gif(frames, delay, hold):
    """Frames as the bytes of an endless animation; delay and hold (of the last frame) in seconds."""
    loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    parts = [b"GIF89a", struct.pack("<HHBBB", *_size(frames), 0, 0, 0), loop]
    for frame in frames:
        hundredths = round(100 * (hold if frame is frames[-1] else delay))
        comment = f"gan_lessons {frame.unit} {frame.at}".encode()
        parts += [b"\x21\xfe", bytes([len(comment)]), comment, b"\x00"]
        parts += [struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 0x04, hundredths, 0, 0), frame.blocks]
    return b"".join(parts) + b"\x3b"


def _size(frames):
    """The width and height that all frames fit in."""
    return tuple(max((frame.size[axis] for frame in frames), default=0) for axis in (0, 1))


def _split_gif(data):
    """The frames of a GIF that have one of our comments.

    Raises:
        ValueError, IndexError, struct.error: if it is not a GIF, or a damaged one.
    """
    if data[:3] != b"GIF":
        raise ValueError("not a GIF")
    shared_palette, position = _palette(data, 13, data[10])
    frames, label = [], None
    while data[position] != 0x3B:
        if data[position] == 0x21:  # an extension: its kind, then a chain
            kind, start = data[position + 1], position + 2
            position = _chain_end(data, start)
            if kind == 0xFE:
                label = data[start + 1 : position - 1].decode("ascii", "replace").split()
        elif data[position] == 0x2C:  # an image: place and flags, palette, code size, a chain
            place, flags = data[position : position + 9], data[position + 9]
            palette, position = _palette(data, position + 10, flags)
            palette, bits = (palette, flags & 7) if palette else (shared_palette, data[10] & 7)
            start, position = position, _chain_end(data, position + 1)
            blocks = place + bytes([0x80 | flags & 0x40 | bits]) + palette + data[start:position]
            if label and len(label) == 3 and label[0] == "gan_lessons":
                frames.append(_Frame(label[1], int(label[2]), struct.unpack("<HH", place[5:9]), blocks))
            label = None
        else:
            raise ValueError("not a block of a GIF")
    return frames


def _palette(data, position, flags):
    length = 3 << ((flags & 7) + 1) if flags & 0x80 else 0
    return data[position : position + length], position + length


def _chain_end(data, position):
    """Where a chain of sub-blocks ends: each begins with its length, the last has length 0."""
    while data[position]:
        position += 1 + data[position]
    return position + 1


# --- pictures -----------------------------------------------------------------------------------------------


def _captioned(grid, title, caption):
    """A grid with text above it, as a `PIL.Image.Image`; grey (mode L) if the grid is."""
    mode = "L" if grid.shape[-1] == 1 else "RGB"
    inner = max(grid.shape[1], _NARROWEST)
    font = _font()
    lines = [line for text in (title, caption) if text for line in _wrapped(str(text), font, inner)]
    above = _MARGIN + _LINE * len(lines) + 4
    picture = Image.new(mode, (inner + 2 * _MARGIN, above + grid.shape[0] + _MARGIN), "white")
    draw = ImageDraw.Draw(picture)
    for index, line in enumerate(lines):
        draw.text((picture.width / 2, _MARGIN + _LINE * index), line, fill="black", font=font, anchor="ma")
    images = Image.fromarray(grid[..., 0] if mode == "L" else grid)
    picture.paste(images, ((picture.width - images.width) // 2, above))
    return picture


def _at_least(picture, size):
    """The picture, with white added at the right and below where it is smaller than `size`."""
    canvas = Image.new(picture.mode, (max(picture.width, size[0]), max(picture.height, size[1])), "white")
    canvas.paste(picture)
    return canvas


def _font():
    # matplotlib brings this font along, and the other pictures have it too.
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), 13)


def _wrapped(text, font, width):
    lines = []
    for paragraph in text.splitlines():
        lines.append("")
        for word in paragraph.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and font.getlength(longer) > width:
                lines.append(word)
            else:
                lines[-1] = longer
    return lines


def _png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _in_notebook():
    """Whether there is a Jupyter kernel that can show pictures."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


# --- models and arguments -----------------------------------------------------------------------------------


def _check_generates(callback, model):
    if not callable(getattr(model, "generate", None)):
        raise TypeError(
            f"{type(callback).__name__} goes with a model that has generate(count, seed=…), as gan_lessons."
            f"GAN has. Received: a model of type {type(model).__name__}."
        )


def _integer(name, value, least):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}. Received: {name}={value!r}.")
    return int(value)


def _folder(name, folder):
    """The folder as a Path, made if it is not there."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError as error:
        raise ValueError(
            f"{name} must be in a folder that can be made. Received: {str(folder)!r}, which raised {error}."
        ) from error
    if not writable:
        raise ValueError(f"{name} must be in a folder that can be written to. Received: {str(folder)!r}.")
    return Path(folder)


@contextlib.contextmanager
def _never_mind_the_disk(path):
    """A picture that cannot be written is a warning: a night's training must not end for it."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        warnings.warn(
            f"A picture could not be written to {path}: {error}. The training goes on.", stacklevel=2
        )
