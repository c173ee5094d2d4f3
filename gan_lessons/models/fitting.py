"""What `fit` does around Keras's own: callbacks made to fit models with several losses, and the split of arrays."""

import math

import keras
import numpy as np
import tensorflow as tf

from gan_lessons._keras import averages_of
from gan_lessons.saving import ExactBackup


def made_to_fit(model, callbacks):
    """Returns callbacks for a training, with those of Keras's replaced that plan for a model with one loss.

    Args:
        model: the `GenerativeModel` that is trained.
        callbacks: a list of `keras.callbacks.Callback`.

    Raises:
        ValueError: for a callback that cannot do what it promises on this model.
    """
    found, backups = [], []
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.SwapEMAWeights):
            raise ValueError(
                "The average of weights needs no callback here: generate, predict and export use it, and the weights that "
                "are trained stay in place. Received: callbacks with SwapEMAWeights. Leave it out."
            )
        if isinstance(callback, keras.callbacks.ModelCheckpoint) and not callback.save_weights_only:
            if reason := model._unsaveable():
                raise ValueError(f"ModelCheckpoint saves the whole model. {reason} Or pass save_weights_only=True.")
        if type(callback) is keras.callbacks.TerminateOnNaN:  # it looks at `loss` alone
            callback = _TerminateOnNaN(raise_error=getattr(callback, "raise_error", False))
        if type(callback) is keras.callbacks.BackupAndRestore:
            callback = ExactBackup(callback.backup_dir, callback.save_freq, callback.delete_checkpoint)
        if isinstance(callback, ExactBackup):
            backups.append(callback)
        elif isinstance(callback, keras.callbacks.ModelCheckpoint):
            if callback.best is None and callback.mode in ("min", "max"):
                # To Keras NaN, a mean over no turns, is better than None, and no better than any number. It chooses the
                # comparison at the end of an epoch, too late for `save_freq=n`.
                worst, better = {"min": (math.inf, keras.ops.less), "max": (-math.inf, keras.ops.greater)}[
                    callback.mode
                ]
                callback.best, callback.monitor_op = worst, better
            found.append(callback)
        elif hasattr(callback, "monitor"):  # EarlyStopping, ReduceLROnPlateau, and what is made like them
            found += [hides := _Hides(), callback, _Shows(hides)]
            if getattr(callback, "restore_best_weights", False) and model._hidden.averages:
                found.append(_RestoresAverage(callback))
        else:
            found.append(callback)
    # A backup comes last, when the others have done their part of an epoch and the history has it.
    return [_Begins(), *found, *([keras.callbacks.History(), *backups] if backups else [])]


class _Begins(keras.callbacks.Callback):
    """Comes before all others and counts epochs."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model._counters.epochs += 1


class _Hides(keras.callbacks.Callback):
    """Comes before a callback that waits for a better value, and hides means over no turns, which count for nothing."""

    def on_epoch_end(self, epoch, logs=None):
        self.hidden = _without_turns(self.model, logs)
        for name in self.hidden:
            del logs[name]


class _Shows(keras.callbacks.Callback):
    """Comes after such a callback and gives back what was hidden: all others find every name in every epoch."""

    def __init__(self, hides):
        super().__init__()
        self.hides = hides

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs.update(dict.fromkeys(self.hides.hidden, float("nan")))


class _RestoresAverage(keras.callbacks.Callback):
    """Comes after EarlyStopping, which restores the best epoch's weights, and restores that epoch's average with them."""

    def __init__(self, stops):
        super().__init__()
        self.stops, self.best = stops, None

    def _averages(self):
        return [value for name in self.model._groups() for value in averages_of(getattr(self.model, name))]

    def on_epoch_end(self, epoch, logs=None):
        if self.stops.best_weights is not self.best:
            self.best = self.stops.best_weights
            self.values = [average.numpy() for average in self._averages()]

    def on_train_end(self, logs=None):
        if self.best is None or not all(map(np.array_equal, self.best, self.model.get_weights())):
            return
        for average, value in zip(self._averages(), self.values, strict=True):
            average.assign(value)
        self.model._hidden.loads += 1  # what was read from the optimizers is out of date


class _TerminateOnNaN(keras.callbacks.TerminateOnNaN):
    """Stops at the first value of the logs that is not finite, but for means that have no turn in them yet."""

    def __init__(self, raise_error):
        super().__init__()
        self.raise_error = raise_error  # an argument since Keras 3.12

    def on_batch_end(self, batch, logs=None):
        no_turn = _without_turns(self.model, logs)
        total = sum(float(value) for name, value in (logs or {}).items() if name not in no_turn)
        super().on_batch_end(batch, {"loss": total})


def _without_turns(model, logs):
    """The names in the logs that are NaN because nothing was recorded."""
    nan = [name for name, value in (logs or {}).items() if math.isnan(float(value))]
    empty = {metric.name for metric in model.metrics if nan and float(metric.count.numpy()) == 0}
    return [name for name in nan if name in empty]


def split(element, fraction):
    """Splits arrays as Keras's `validation_split`: the last `fraction` of them is for validation.

    Args:
        element: (x,) or (x, y), nests of arrays.
        fraction: between 0 and 1.

    Returns:
        ((x, y) to train on, (x, y) to evaluate), y None where there is no y.
    """
    count = min(array.shape[0] for array in tf.nest.flatten(element))
    at = math.floor(count * (1.0 - fraction))
    if not 0 < at < count:
        raise ValueError(
            "validation_split must leave samples on both sides. "
            f"Received: validation_split={fraction}, {count} samples. Change it, or pass validation_data."
        )
    sides = slice(at), slice(at, None)
    parts = [tf.nest.map_structure(lambda array, side=side: np.asarray(array)[side], element) for side in sides]
    return [part if len(part) == 2 else (part[0], None) for part in parts]
