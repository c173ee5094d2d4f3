"""Files that are whole or not there: killed trainings, full disks, folders that are read-only."""

import contextlib
import errno
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from contract import assert_equal, listing
from others import images
from PIL import Image
from systems import ThreeOnALine, hard

from gan_lessons import saving
from gan_lessons.callbacks import SampleGrid, TrainingMovie
from gan_lessons.saving import ExactBackup, Memory, leftovers, replacing, write


def fit(gan, epochs, **options):
    return gan.fit(images(10), batch_size=2, epochs=epochs, verbose=0, shuffle=False, **options)  # 5 batches an epoch


# --- one file ------------------------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file.txt"
    for content in ("one", "two"):
        with replacing(path) as temporary:
            assert Path(temporary).parent == tmp_path and temporary.endswith("file.txt")
            Path(temporary).write_text(content)
            assert not path.exists() or path.read_text() == "one"
        assert listing(tmp_path) == {"file.txt": content.encode()}
    with pytest.raises(KeyboardInterrupt):
        with replacing(path) as temporary:
            Path(temporary).write_text("thr")
            raise KeyboardInterrupt
    assert listing(tmp_path) == {"file.txt": b"two"}
    with pytest.raises(FileExistsError, match="overwrite=False. Save under another name"):
        with replacing(path, overwrite=False):
            raise AssertionError
    with pytest.raises(FileNotFoundError, match="folder to save in must be there. Received: filepath="):
        with replacing(tmp_path / "nowhere" / "file.txt"):
            raise AssertionError


def test_leftovers_are_those_of_the_file(tmp_path):
    path = tmp_path / "file.txt"
    with replacing(path) as one, replacing(one) as other, replacing(tmp_path / "else.csv") as third:
        for name in (one, other, third, path, tmp_path / ".mine-file.txt"):
            Path(name).write_text("")
        assert leftovers(path) == sorted([Path(one), Path(other)])


def test_weights_are_written_by_way_of_memory(tmp_path):
    """What Keras writes itself, and what goes through memory in one piece, are the same weights."""
    game, memory = walk(), Memory()
    keras.Model.save_weights(game, memory)
    keras.Model.save_weights(game, tmp_path / "direct.weights.h5")
    write(tmp_path / "memory.weights.h5", memory.getbuffer())
    with h5py.File(tmp_path / "direct.weights.h5") as one, h5py.File(tmp_path / "memory.weights.h5") as other:
        names = []
        one.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        assert len(names) >= 3
        for name in names:
            np.testing.assert_array_equal(one[name][()], other[name][()])


# --- a training that is killed -------------------------------------------------------------------------------------


class Killed(BaseException):
    """As SIGKILL, nothing of ours handles it."""


class Kill(keras.callbacks.Callback):
    def __init__(self, epoch, batch):
        super().__init__()
        self.at, self.epoch = (epoch, batch), None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        # Several steps a call: newer versions of Keras name the last of them, older ones the first, which may be earlier.
        if (self.epoch, batch + self.model.steps_per_execution - 1) >= self.at:
            raise Killed


def assert_same_history(one, other):
    assert one.epoch == other.epoch and list(one.history) == list(other.history)
    for key, values in one.history.items():  # NaN is that of a mean that nothing is recorded for
        np.testing.assert_array_equal(values, other.history[key], err_msg=key)


@pytest.mark.parametrize("players, save_freq", [("sequential", "epoch"), ("subclassed", 2), ("nested", 7)])
def test_2_and_2_are_4_through_backup_and_restore(players, save_freq, tmp_path):
    whole = hard(players)
    expected = fit(whole, 4)

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=save_freq)

    for seed, at in ((0, (1, 3)), (5, (2, 3))):  # with a backup other weights do not matter
        with pytest.raises(Killed):
            fit(hard(players, seed=seed), 4, callbacks=[backup(), Kill(*at)])
    resumed = hard(players, seed=77)
    history = fit(resumed, 4, callbacks=[backup()])
    assert_equal(whole, resumed)
    assert_same_history(history, expected)
    assert listing(tmp_path) == {}


class Walk(ThreeOnALine):
    """A game that is quick to trace and feels the order of the data; with validation, and pictures of noise."""

    image_shape = (6, 8, 1)

    def test_step(self, data):
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.log(c_loss=keras.ops.mean(x) - keras.ops.sum(self.c.weights[0]))
        return self.get_metrics_result()

    def generate(self, count, seed):
        return np.tanh(np.random.default_rng(seed).normal(size=(count, *self.image_shape))).astype("float32")


NUMBERS = np.random.default_rng(0).normal(size=(10, 1)).astype("float32")


def walk(steps_per_execution=1):
    keras.utils.set_random_seed(0)
    game = Walk()
    game.compile(
        a_optimizer=keras.optimizers.Adam(0.1),
        b_optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        c_optimizer=keras.optimizers.Adam(0.1),
        steps_per_execution=steps_per_execution,
        jit_compile=False,
    )
    return game


def go(game, epochs, *callbacks, **options):
    data = dict(x=NUMBERS, batch_size=2, shuffle=False) | options
    return game.fit(**data, epochs=epochs, verbose=0, callbacks=list(callbacks))


def assert_same_walk(one, other):
    for a, b in zip(one.weights + one.optimizer.variables, other.weights + other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


class Batches(keras.utils.PyDataset):
    """Another order in each epoch."""

    def __init__(self):
        super().__init__()
        self.order = np.random.default_rng(0)
        self.on_epoch_end()

    def on_epoch_end(self):
        self.rows = self.order.permutation(len(NUMBERS))

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return NUMBERS[self.rows[2 * index : 2 * index + 2]]


def shuffled():
    return tf.data.Dataset.from_tensor_slices(NUMBERS).shuffle(10, seed=3).batch(2)


DATA = {
    "shuffled anew in each epoch": lambda: dict(x=shuffled()),
    "some steps an epoch": lambda: dict(x=shuffled().repeat(), steps_per_epoch=4),
    "of unknown length": lambda: dict(x=shuffled().filter(lambda x: True)),
    "PyDataset": lambda: dict(x=Batches()),
    "array": lambda: dict(x=NUMBERS, batch_size=2, shuffle=True),
}


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras's word at each end of unknown length
@pytest.mark.parametrize("steps_per_execution", [1, 2])
@pytest.mark.parametrize("data", DATA, ids=str)
def test_the_data_goes_on_where_it_was(data, steps_per_execution, tmp_path):
    def run(*callbacks):
        game = walk(steps_per_execution)
        options = {"batch_size": None, "shuffle": None, "validation_data": NUMBERS} | DATA[data]()
        return game, go(game, 4, backup(), *callbacks, **options)

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=3)

    whole, expected = run()
    assert len(set(expected.history["c_loss"])) == 4
    with pytest.raises(Killed):
        run(Kill(2, 3))
    resumed, history = run()
    assert_same_walk(whole, resumed)
    assert_same_history(history, expected)


@pytest.mark.parametrize("moment", ["before the backup is in its place", "after it", "while the end is cleaned up"])
def test_killed_while_the_backup_is_written(moment, tmp_path, monkeypatch):
    whole = walk()
    expected = go(whole, 3)
    original, calls = os.replace, []

    def replace(source, target):
        if str(target).endswith("latest.weights.h5") and "-" not in Path(target).name:
            calls.append(target)
            if moment.startswith("before") and len(calls) == 2:
                raise Killed
            original(source, target)
            if moment.startswith("after") and len(calls) == 2:
                raise Killed
        else:
            original(source, target)

    def rmtree(path, *args, **kwargs):
        raise Killed

    monkeypatch.setattr(saving.os, "replace", replace)
    if moment.startswith("while"):
        monkeypatch.setattr(saving.shutil, "rmtree", rmtree)
    with pytest.raises(Killed):
        go(walk(), 3, keras.callbacks.BackupAndRestore(tmp_path / "backup"))
    monkeypatch.undo()
    resumed = walk()
    history = go(resumed, 3, keras.callbacks.BackupAndRestore(tmp_path / "backup"))
    assert_same_walk(whole, resumed)
    assert_same_history(history, expected)


def test_what_a_killed_save_leaves_is_cleaned_up(tmp_path):
    folder = tmp_path / "backup"
    folder.mkdir()
    (folder / ".0123abcd-latest.weights.h5").write_bytes(b"half")
    go(walk(), 1, keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False))
    assert list(listing(folder)) == ["latest.weights.h5"]


def test_the_end_can_be_kept(tmp_path):
    def run(epochs=2):
        game = walk()
        return game, go(game, epochs, keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False))

    (one, first), (other, second) = run(), run()  # the second has nothing to do
    assert_same_walk(one, other)
    assert_same_history(first, second)
    longer, history = run(epochs=3)
    whole = walk()
    assert_same_history(history, go(whole, 3))
    assert_same_walk(longer, whole)
    # A fit without a backup begins at its own beginning, whatever was resumed before.
    assert go(longer, 1).epoch == [0]


def test_the_history_has_what_other_callbacks_put_there(tmp_path):
    def run(*callbacks):
        schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.9 * rate)
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        game = walk()
        return go(game, 3, backup, schedule, *callbacks), game

    expected, whole = run()
    with pytest.raises(Killed):
        run(Kill(2, 0))
    history, resumed = run()
    assert_same_history(history, expected)
    np.testing.assert_allclose(history.history["learning_rate"], 0.1 * 0.9 ** np.arange(1, 4), rtol=1e-6)
    assert_same_walk(whole, resumed)


def test_a_backup_of_another_kind_is_refused(tmp_path):
    class Kerass(keras.callbacks.BackupAndRestore):
        """Keras's own, which `fit` leaves as it is."""

    game = walk()
    go(game, 1, Kerass(tmp_path / "backup", delete_checkpoint=False))
    with pytest.raises(ValueError, match="Received: .*latest.weights.h5'. Delete it to begin anew"):
        go(game, 1, ExactBackup(tmp_path / "backup"))


def test_killed_for_good_in_another_process():
    """The script, with one kill: it compares weights, optimizers, random state, history and the files itself."""
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, str(root / "benchmarks" / "killed.py"), "--kills", "1", "--every", "3"],
        env=os.environ | {"PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "1 kills" in done.stdout and "1 trainings came to their end, all equal bit for bit" in done.stdout


# --- a disk that is full, a folder that is read-only ---------------------------------------------------------------


@contextlib.contextmanager
def full_disk(folder, room=2048):
    """No file can grow beyond `room` bytes: as on a full disk, a write fails in the middle of a file, for root too."""
    soft, hard_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard_limit))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard_limit))


@contextlib.contextmanager
def read_only(folder):
    """Nothing can be written into the folder. Permissions do not bind root, so root is somebody else for a while."""
    folder.chmod(0o555)
    root = os.getuid() == 0
    if root:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)
        folder.chmod(0o755)


TROUBLES = {
    "full disk": (full_disk, errno.EFBIG, os.strerror(errno.EFBIG)),
    "read-only": (read_only, errno.EACCES, os.strerror(errno.EACCES)),
}


@pytest.fixture
def folder():
    """A folder that others may enter; pytest's own are for one user."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        yield Path(path)


@pytest.fixture(scope="module")
def gan():
    return hard("nested")


@pytest.mark.parametrize("form", ["whole", "weights", "checkpoint", "checkpoint of weights"])
@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_a_save_that_fails_says_so_and_leaves_the_old_file(trouble, form, folder, gan):
    disk, code, words = TROUBLES[trouble]
    path = folder / ("gan.weights.h5" if "weights" in form else "gan.keras")
    checkpoint = keras.callbacks.ModelCheckpoint(path, save_weights_only="weights" in form)
    save = {
        "whole": lambda: gan.save(path),
        "weights": lambda: gan.save_weights(path),
    }.get(form, lambda: fit(gan, 1, callbacks=[checkpoint]))
    save()
    before = listing(folder)
    assert before[path.name], "there is something to lose"
    fit(gan, 1)
    with disk(folder):
        with pytest.raises(OSError) as caught:
            save()
    assert caught.value.errno == code
    assert f"{words}: the file could not be written, and is as it was before: {str(path)!r}" in str(caught.value)
    assert listing(folder) == before
    save()
    assert listing(folder).keys() == before.keys() and listing(folder) != before


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_a_training_goes_on_without_a_backup_and_pictures(trouble, folder):
    disk, _, words = TROUBLES[trouble]
    whole = walk()
    expected = go(whole, 3)

    def callbacks():
        return [
            keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False),
            SampleGrid(count=4, directory=folder),
            TrainingMovie(folder / "training.gif", count=4, verbose=0),
        ]

    go(walk(), 1, *callbacks())
    before = listing(folder)
    assert len(before) == 3
    resumed = walk()
    chosen = callbacks()
    with disk(folder), pytest.warns(UserWarning) as warned:
        history = go(resumed, 3, *chosen)
    assert_same_walk(whole, resumed)
    assert_same_history(history, expected)
    said = "\n".join(str(warning.message) for warning in warned)
    assert f"The backup could not be written: [Errno {TROUBLES[trouble][1]}] {words}" in said
    assert "A picture could not be written to" in said and "The training goes on." in said
    after = listing(folder)
    if trouble == "full disk":  # what is small enough is there, and whole
        after = {name: content for name, content in after.items() if name in before}
    assert after == before
    for path in folder.glob("*.png"):
        Image.open(path).load()

    again = walk()  # from the last good backup, now that there is room again
    history = go(again, 3, *callbacks())
    assert_same_walk(whole, again)
    assert_same_history(history, expected)


def test_a_folder_that_is_read_only_is_refused_at_once(folder):
    with read_only(folder):
        for make_one in (lambda: SampleGrid(directory=folder), lambda: TrainingMovie(folder / "training.gif")):
            with pytest.raises(ValueError, match="must be in a folder that can be written to. Received: "):
                make_one()
    assert listing(folder) == {}
