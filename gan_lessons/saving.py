"""Writes files that are whole or not there, and backs up a training so that it can be killed at any moment.

The models of the package save with it. `fit` puts `ExactBackup` in the place of `keras.callbacks.BackupAndRestore`.
"""

import contextlib
import io
import json
import os
import shutil
import uuid
import warnings
from pathlib import Path

import h5py
import keras

from gan_lessons._keras import begin_at_epoch, read_epoch


@contextlib.contextmanager
def replacing(filepath, overwrite=True):
    """A temporary path beside `filepath`, which takes its place if the block succeeds and is removed if it does not.

    A process that is killed in the block leaves the temporary file, hidden, named as `leftovers` says.

    Args:
        filepath: the path of the file to write; its folder must be there.
        overwrite: whether a file that is there may be replaced.

    Yields:
        The temporary path, of the same ending.

    Raises:
        FileNotFoundError, FileExistsError: if the folder is not there, or the file is and may not be replaced.
        OSError: if the file cannot be written (a full disk, a folder that is read-only); what was there is as it was.
    """
    filepath = os.fspath(filepath)
    folder, name = os.path.split(filepath)
    if folder and not os.path.isdir(folder):
        raise FileNotFoundError(f"The folder to save in must be there. Received: filepath={filepath!r}. Make it first.")
    if os.path.exists(filepath) and not overwrite:
        raise FileExistsError(
            f"Received: filepath={filepath!r}, which is there, and overwrite=False. Save under another name."
        )
    # The end of the name is kept: Keras tells formats apart by it.
    temporary = os.path.join(folder, f".{uuid.uuid4().hex[:8]}-{name}")
    try:
        yield temporary
        os.replace(temporary, filepath)
    except OSError as error:
        if error.errno is None or isinstance(error, FileExistsError):
            raise
        # HDF5's own message is five lines of addresses; of its kind the error stays.
        raise OSError(
            error.errno, f"{os.strerror(error.errno)}: the file could not be written, and is as it was before", filepath
        ) from error
    finally:
        if os.path.isdir(temporary):
            shutil.rmtree(temporary)
        elif os.path.exists(temporary):
            os.remove(temporary)


def write(filepath, data, overwrite=True):
    """Writes bytes to a file: all of them, or none. Args, Raises: as `replacing`."""
    with replacing(filepath, overwrite) as temporary:
        Path(temporary).write_bytes(data)


# What only a training reads, and a private mark of one process. Without them a version of Keras sets its own default.
_UNUSED = ("_initializer", "_regularizer", "_constraint", "quantization_config", "shared_object_id")


def portable(config):
    """Returns a network's configuration for every version of Keras that the package admits.

    Keras 3.15 writes settings that older versions refuse: of initialisers, and of a renormalisation that is off. A
    network that is never trained again needs none of them.

    Args:
        config: nested dictionaries and lists, as in `model.to_json()`.
    """
    if isinstance(config, dict):
        off = "renorm" if config.get("renorm") is False else "nothing"
        return {
            key: portable(value)
            for key, value in config.items()
            if not key.endswith(_UNUSED) and not key.startswith(off)
        }
    return [portable(value) for value in config] if isinstance(config, list) else config


class Memory(io.BytesIO):
    """What `save_weights` of a Keras model can write to, in place of a path.

    HDF5 that runs into a full disk can take the process down with it, when it closes the file that it could not finish.
    So it writes into memory, and the bytes go to the disk in one piece.
    """

    def __str__(self):
        return "memory.weights.h5"  # Keras looks at the end of the name


def leftovers(filepath):
    """The files that processes killed in `replacing(filepath)` have left."""
    filepath = Path(filepath)
    return sorted(filepath.parent.glob(f".{'[0-9a-f]' * 8}-*{filepath.name}"))


class ExactBackup(keras.callbacks.BackupAndRestore):
    """Backs up a training as `keras.callbacks.BackupAndRestore` does, and resumes it exactly.

    A training that was killed at any moment, and is started again by the same program in a fresh process, ends with the
    same weights, optimizers, random state and history, bit for bit, as one that was not. For that

    - all is in one file, which is replaced in one step: Keras writes the weights, then the epoch, and a process that is
      killed between the two trains an epoch twice;
    - with `save_freq=n` a resumed training goes on behind the batch of the backup, with the epoch's means as they were:
      Keras begins the epoch again with the weights of its middle;
    - the data is read again up to there without being trained on, so that a data set that shuffles anew in each epoch
      goes on with the order of the right epoch;
    - the history of the epochs before is in what `fit` returns;
    - it comes after all other callbacks: what they do at the end of an epoch is done when the epoch counts as done.

    It does not know the state of callbacks that remember (`EarlyStopping`, `ReduceLROnPlateau`, `ModelCheckpoint` with
    `save_best_only`), data whose order is not fixed by a seed, and validation data that is shuffled anew in each epoch.

    A backup that cannot be written, on a full disk for example, is a warning: the last one stays, the training goes on.

    Args:
        backup_dir, save_freq, delete_checkpoint: as in Keras. With `delete_checkpoint=False` the end is kept as well:
            when the program is killed after `fit` and started again, nothing is trained again.
    """

    def __init__(self, backup_dir, save_freq="epoch", delete_checkpoint=True):
        super().__init__(os.fspath(backup_dir), save_freq=save_freq, delete_checkpoint=delete_checkpoint)
        self.path = os.path.join(self.backup_dir, "latest.weights.h5")

    def on_train_begin(self, logs=None):
        self._epoch = self._batch = 0  # how far the training is: epochs, then batches of the next one
        self._to_pass = 0  # of these the batches that were trained on before, and are only read now
        self._read = self._unsaved = 0
        with _never_mind("cleaned up"):
            for path in leftovers(self.path):
                path.unlink()
        if not os.path.exists(self.path):
            return
        counters = self.model._counters
        epochs_before = counters.epochs  # this call of fit
        self.model.load_weights(self.path)
        with h5py.File(self.path) as file:
            if "training" not in file:
                raise ValueError(
                    "The backup must be one that this version has written: it must say how far the training was. "
                    f"Received: {self.path!r}. Delete it to begin anew."
                )
            state = json.loads(file["training"][()])
        self._epoch, self._to_pass, self._means = state["epoch"], state["batch"], state["means"]
        counters.epochs = epochs_before + self._epoch
        begin_at_epoch(self.model, self._epoch)
        self.model.history.epoch[:] = state["history_epoch"]
        self.model.history.history.update(state["history"])
        for _ in range(self._epoch):
            read_epoch(self.model.epoch_iterator, self._read_batches)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._batch, self._read = epoch, 0, 0
        self._trained_before = self.model.batches_trained
        if self._to_pass:
            for metric, values in zip(self.model.metrics, self._means, strict=True):
                for variable, value in zip(metric.variables, values, strict=True):
                    variable.assign(value)
            self._pass_over_batches()

    def on_train_batch_end(self, batch, logs=None):
        # Counted by the model: what Keras passes as `batch` depends on its version, where a call has several steps.
        batches = self._read + self.model.batches_trained - self._trained_before
        done, self._batch = batches - self._batch, batches
        if self._to_pass:
            self._to_pass = max(0, self._to_pass - done)
            return
        self._unsaved += done
        if self.save_freq != "epoch" and self._unsaved >= self.save_freq:
            self.write()

    def on_epoch_end(self, epoch, logs=None):
        self._epoch, self._batch = epoch + 1, 0
        if self.save_freq == "epoch":
            self.write()

    def on_train_end(self, logs=None):
        if self.delete_checkpoint and os.path.exists(self.path):
            with _never_mind("deleted"):
                os.remove(self.path)  # first, and in one step: half a backup would be worse than none
                shutil.rmtree(self.backup_dir)

    def write(self):
        """Writes the backup of this moment."""
        self._unsaved = 0
        state = {
            "epoch": self._epoch,
            "batch": self._batch,
            "means": [[variable.numpy().tolist() for variable in metric.variables] for metric in self.model.metrics],
            "history_epoch": self.model.history.epoch,
            "history": self.model.history.history,
        }
        memory = Memory()
        keras.Model.save_weights(self.model, memory)
        with h5py.File(memory, "a") as file:
            file["training"] = json.dumps(state, default=float)
        with _never_mind("written"):
            os.makedirs(self.backup_dir, exist_ok=True)
            write(self.path, memory.getbuffer())

    def _pass_over_batches(self):
        """For the batches that were trained on before, what Keras calls to train on one only reads it."""
        train = self.model.train_function

        def read_or_train(iterator):
            if self._to_pass:
                self._read_batches(iterator)
                return self.model.get_metrics_result()
            self.model.train_function = train
            return train(iterator)

        self.model.train_function = read_or_train

    def _read_batches(self, iterator):
        for index in range(self.model.steps_per_execution):
            if next(iterator, None) is None:
                if index == 0:
                    raise StopIteration  # as Keras's own; later ones it takes for the last batches of an epoch
                break
            self._read += 1


@contextlib.contextmanager
def _never_mind(done):
    """Within this block an error of the disk is a warning: a night's training must not end for it."""
    try:
        yield
    except OSError as error:
        warnings.warn(f"The backup could not be {done}: {error}. The training goes on.", stacklevel=3)
