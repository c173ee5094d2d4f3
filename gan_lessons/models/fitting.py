"""What `fit` does around Keras's own: callbacks made to fit models with several losses, and the split of arrays."""

import math

import keras
import numpy as np
import tensorflow as tf

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
            callback = _TerminateOnNaN.like(callback)
        if type(callback) is keras.callbacks.BackupAndRestore:
            callback = ExactBackup(callback.backup_dir, callback.save_freq, callback.delete_checkpoint)
        (backups if isinstance(callback, ExactBackup) else found).append(callback)
    by_batch = [c for c in found if isinstance(c, keras.callbacks.ModelCheckpoint) and c.save_freq != "epoch"]
    first = (_BeginsInBatches if by_batch else _Begins)()
    # A backup comes last, when the others have done their part of an epoch and the history has it.
    return [first, *found, _Ends(first), *([keras.callbacks.History(), *backups] if backups else [])]


class _Begins(keras.callbacks.Callback):
    """Comes before all others: counts epochs, and hides means over no turns, which nothing may take for the best."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model._counters.epochs += 1

    def on_epoch_end(self, epoch, logs=None):
        self.hidden = _without_turns(self.model, logs)
        for name in self.hidden:
            del logs[name]


class _BeginsInBatches(_Begins):
    """The same for callbacks that look at the logs of batches."""

    def on_train_batch_end(self, batch, logs=None):
        for name in _without_turns(self.model, logs):
            del logs[name]


class _Ends(keras.callbacks.Callback):
    """Comes after all others: gives back what was hidden, so that the history has a value, NaN, for every epoch."""

    def __init__(self, first):
        super().__init__()
        self.first = first

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs.update(dict.fromkeys(self.first.hidden, float("nan")))


class _TerminateOnNaN(keras.callbacks.TerminateOnNaN):
    """Stops at the first value of the logs that is not finite, but for means that have no turn in them yet."""

    @classmethod
    def like(cls, callback):
        """Returns one with the settings of Keras's callback, which differ between versions."""
        made = cls()
        vars(made).update(vars(callback))
        return made

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
    parts = [
        tf.nest.map_structure(lambda array: np.asarray(array)[side], element) for side in (slice(at), slice(at, None))
    ]  # noqa: B023
    return [part if len(part) == 2 else (part[0], None) for part in parts]
