"""What the callbacks that draw pictures share: when a picture is due, of which samples, and what if it fails.

The samples come from a fixed seed, so that only the model changes from picture to picture.
"""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import keras

from gan_lessons import _watched
from gan_lessons import samples as samples_of
from gan_lessons._arguments import integer
from gan_lessons.callbacks import drawing

_HINT = (
    "Give images=…, a function of the model that returns an array of samples, such as "
    "images=lambda model: model.predict(inputs, verbose=0)."
)


class Pictures(keras.callbacks.Callback):
    """Draws samples at the end of epochs or after a number of batches; the base of `SampleGrid` and `TrainingMovie`.

    The first picture is tried before the first step, so that a training never begins with samples that cannot be drawn.
    A picture that fails later is a warning, once, and the training goes on.
    """

    #: Pixels: narrower images are enlarged to at least this width.
    smallest = 72

    def __init__(
        self,
        every: int,
        count: int,
        seed: int,
        title: str | None,
        every_steps: int | None,
        images: Callable[[keras.Model], object] | None,
    ):
        super().__init__()
        self.every = integer("every", every)
        self.count = integer("count", count)
        self.seed = integer("seed", seed, least=0)
        self.title = title
        self.every_steps = None if every_steps is None else integer("every_steps", every_steps)
        self.unit = "epoch" if every_steps is None else "step"
        if images is not None and not callable(images):
            raise TypeError(
                "images must be a function of the model that returns an array of samples. Received: images of type "
                f"{type(images).__name__}. For fixed inputs: images=lambda model: model.predict(inputs, verbose=0)."
            )
        self.images = images

    def set_model(self, model: keras.Model) -> None:
        if self.images is None:
            _watched.check_generates(self, model, _HINT)
        super().set_model(model)

    def on_train_begin(self, logs=None):
        self._at = self._recorded_at = None
        self._logs = {}
        self._warned = set()

    def on_epoch_begin(self, epoch, logs=None):
        # Not in on_train_begin: BackupAndRestore may put other weights and another epoch in place there.
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
        """Called before the first batch; `at` epochs (or steps) were trained before."""
        raise NotImplementedError

    def _record(self, at, logs):
        """Called when a picture is due, after `at` epochs (or steps)."""
        raise NotImplementedError

    def _record_now(self):
        self._recorded_at = self._at
        with self._or_warn("A picture could not be drawn"):
            self._record(self._at, self._logs or {})

    def _steps(self):
        steps = _watched.batches_trained(self.model)
        if steps is None:
            raise ValueError(
                f"every_steps needs a model that counts its batches, as model.batches_trained or in an optimizer. "
                f"Received: a model of type {type(self.model).__name__} without either. Use every=… to count epochs."
            )
        return steps

    def _lay_out(self):
        """The samples of the model as it is now, on one picture: see `drawing.lay_out`."""
        samples = self.model.generate(self.count, seed=self.seed) if self.images is None else self.images(self.model)
        return drawing.lay_out(samples, samples_of.range_of(self.model), self.smallest)

    def _try_to_lay_out(self):
        """As `_lay_out`, before the first step: an error ends the training before it begins."""
        try:
            return self._lay_out()
        except Exception as error:
            call = f"model.generate({self.count}, seed={self.seed})" if self.images is None else "images(model)"
            raise ValueError(
                f"{type(self).__name__} must have samples that can be drawn before the training begins. Received: what "
                f"{call} returns, which raised {_watched.in_words(error)} {_HINT}"
            ) from error

    @contextlib.contextmanager
    def _or_warn(self, problem):
        """Turns an error into a warning, once in a training: a night's training must not end for a picture."""
        try:
            yield
        except Exception as error:
            if problem not in self._warned:
                self._warned.add(problem)
                warnings.warn(f"{problem}: {_watched.in_words(error)} The training goes on.", stacklevel=3)


def folder(name: str, path: str | os.PathLike) -> Path:
    """Returns a folder as a Path, and makes it if it does not exist.

    Args:
        name: the argument's name, for the message.
        path: the folder.

    Raises:
        ValueError: if the folder cannot be made or written to.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        writable = os.access(path, os.W_OK)
    except OSError as error:
        raise ValueError(
            f"{name} must be in a folder that can be made. Received: {str(path)!r}, which raised {error}."
        ) from error
    if not writable:
        raise ValueError(f"{name} must be in a folder that can be written to. Received: {str(path)!r}.")
    return Path(path)


def in_notebook() -> bool:
    """Returns whether a Jupyter kernel runs this, which can show pictures."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
