"""Kills a training again and again, starts it again each time, and compares its end with that of one left alone.

    python benchmarks/killed.py                        # 50 kills: half with a backup each epoch, half every 3 batches
    python benchmarks/killed.py --kills 5 --every 3
    python benchmarks/killed.py --keras                # the same with Keras's own callback, for comparison

The training is a small GAN with all that is hard to resume exactly: Dropout, a gradient penalty, an average of
weights, three steps of D for one of G, data that is shuffled anew in each epoch, validation, a model saved each epoch.
A third of the kills (SIGKILL) come while a backup is being written, the others at any moment, the start included.

After each kill the backup and the saved model must be whole files. Each start must go on no further back than the last
interval between backups. The end must be equal bit for bit: weights, both optimizers, random state, history. A dot is a
kill; each costs a start, which is mostly the import of TensorFlow: the whole takes ten minutes on two free cores.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

BATCHES, EPOCHS, EVERY = 8, 12, 3


# --- the training, in a process of its own -------------------------------------------------------------------------


def train(folder, every, kerass):
    import keras
    import numpy as np
    import tensorflow as tf

    import gan_lessons as gl
    from gan_lessons.saving import ExactBackup

    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).uniform(-1, 1, (4 * BATCHES, 6, 6, 1)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images), seed=1).batch(4)
    gan = gl.GAN(
        gl.networks.mlp_generator((6, 6, 1), 3, units=(8,)),
        gl.networks.mlp_discriminator((6, 6, 1), units=(8,), dropout=0.3),
        latent_dim=3,
        penalty=gl.penalties.GradientPenalty(1.0),
        discriminator_steps=3,
    )
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
        discriminator_optimizer=keras.optimizers.Adam(0.01),
        jit_compile=False,
    )
    original = keras.callbacks.BackupAndRestore

    class KerassOwn(original):  # `fit` replaces Keras's class itself, not what inherits from it
        pass

    def told(save):
        def tell_and_save(self):
            say("saving")
            save(self)
            say("saved")

        return tell_and_save

    kind = KerassOwn if kerass else ExactBackup
    kind.write = told(kind.write)
    backup = (kind if kerass else original)(folder / "backup", every, delete_checkpoint=False)
    steps = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: say(f"at {int(gan.discriminator_optimizer.iterations)}"),
        on_train_batch_end=lambda batch, logs: say(f"at {int(gan.discriminator_optimizer.iterations)}"),
    )
    checkpoint = keras.callbacks.ModelCheckpoint(folder / "gan.keras")
    callbacks = [backup, steps, checkpoint]
    history = gan.fit(data, epochs=EPOCHS, validation_data=images[:8], verbose=0, callbacks=callbacks)
    state = gan.variables + gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
    np.savez(folder / "end.npz", *(variable.numpy() for variable in state))
    (folder / "history.json").write_text(json.dumps([history.epoch, history.history], default=float))
    say("end")


def say(line):
    os.write(1, f"{line}\n".encode())


# --- the killer ----------------------------------------------------------------------------------------------------


class Process:
    """One start of the training; `lines` are what it has said so far."""

    def __init__(self, folder, every, kerass):
        command = [sys.executable, __file__, "--train", str(folder), "--every", str(every), *(["--keras"] * kerass)]
        self.began, self.lines, self.news = time.monotonic(), [], threading.Condition()
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append((time.monotonic(), line.strip()))
                self.news.notify_all()
        with self.news:
            self.lines.append((time.monotonic(), "gone"))
            self.news.notify_all()

    def said(self, word):
        return [line for _, line in self.lines if line.startswith(word)]

    def wait_for(self, word, times=1):
        """Until the word was said so many times; False if the process ended before."""
        with self.news:
            self.news.wait_for(lambda: len(self.said(word)) >= times or self.said("gone"))
            return len(self.said(word)) >= times

    def kill(self):
        self.process.send_signal(signal.SIGKILL)

    def close(self):
        """Waits for its end; True if it was killed, False if it came to the end of the training."""
        self.process.wait()
        self.reader.join()
        if self.process.returncode == -signal.SIGKILL:
            return True
        if self.process.returncode:
            self.errors.seek(0)
            sys.exit(f"The training failed:\n{self.errors.read().decode(errors='replace')[-3000:]}")
        return False


def check_files(folder):
    """Raises if a file that is there is not whole."""
    import h5py

    for path in folder.glob("backup/*.weights.h5"):
        if not path.name.startswith("."):
            with h5py.File(path) as file:
                file.visititems(lambda name, item: item[()] if isinstance(item, h5py.Dataset) else None)
    for path in folder.glob("*.keras"):
        if not path.name.startswith("."):
            with zipfile.ZipFile(path) as file:
                assert file.testzip() is None, path


def differences(folder, reference):
    """What is not equal at the end, in words."""
    import numpy as np

    found = []
    with np.load(folder / "end.npz") as one, np.load(reference / "end.npz") as other:
        different = sum(not np.array_equal(one[name], other[name]) for name in other.files)
        if different or one.files != other.files:
            found.append(f"{different} of {len(other.files)} variables")
    if (folder / "history.json").read_text() != (reference / "history.json").read_text():
        found.append("the history")
    return found


def torment(every, kills, kerass, chance, folder):
    """Kills so many times and returns the number of kills, of those within a save, of ends, and what was wrong."""
    reference = folder / "reference"
    reference.mkdir()
    whole = Process(reference, every, kerass)
    assert not whole.close()
    times = {word: [at for at, line in whole.lines if line == word] for word in ("saving", "saved")}
    save_seconds = statistics.median(b - a for a, b in zip(times["saving"], times["saved"], strict=True))
    first = next(at for at, line in whole.lines if line == "at 1")
    start_seconds, train_seconds = first - whole.began, whole.lines[-1][0] - first
    print(
        f"backup {every if every == 'epoch' else f'every {every} batches'}: a start takes {start_seconds:.1f} s, "
        f"the training {train_seconds:.1f} s with {len(times['saved'])} backups of {1e3 * save_seconds:.0f} ms",
        flush=True,
    )
    interval = BATCHES if every == "epoch" else every
    killed, in_saves, ends, wrong, trainings = 0, 0, 0, [], 0
    while killed < kills or ends == 0:
        run = folder / f"run{trainings}"
        run.mkdir()
        trainings, reached, going = trainings + 1, 0, True
        while going:
            process = Process(run, every, kerass)
            if killed < kills:
                kind = chance.choice(["save", "any", "any"])
                if kind == "save":
                    if process.wait_for("saving", chance.randint(1, max(1, len(times["saved"]) // 6))):
                        time.sleep(chance.uniform(0, save_seconds))
                elif chance.random() < 0.25:
                    time.sleep(chance.uniform(0, start_seconds))
                elif process.wait_for("at"):
                    time.sleep(chance.uniform(0, train_seconds / 3))
                process.kill()
            try:
                going = process.close()
            except SystemExit as error:
                wrong.append(f"it could not be started again: {str(error).splitlines()[-1]}")
                break
            if steps := [int(line.split()[1]) for line in process.said("at")]:
                if steps[0] < reached - interval:
                    wrong.append(f"step {reached} was reached, and it went on from step {steps[0]}")
                reached = steps[-1]
            if going:
                killed += 1
                in_saves += len(process.said("saving")) > len(process.said("saved"))
                print(".", end="", flush=True)
                try:
                    check_files(run)
                except Exception as error:
                    wrong.append(f"a damaged file: {error}")
            else:
                ends += 1
                wrong += [f"not equal at the end: {what}" for what in differences(run, reference)]
    return killed, in_saves, ends, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="how many, for all kinds of backup together")
    parser.add_argument("--every", help="'epoch', or a number of batches; by default both, one after the other")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--keras", action="store_true", help="Keras's own BackupAndRestore")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    frequencies = [int(every) if every.isdigit() else every for every in [arguments.every or "epoch"]]
    if arguments.train:
        return train(arguments.train, frequencies[0], arguments.keras)
    if arguments.every is None:
        frequencies.append(EVERY)
    failed = False
    if arguments.kills < len(frequencies):
        parser.error("--kills must be one at least for each kind of backup")
    for every in frequencies:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            kills, chance = arguments.kills // len(frequencies), random.Random(arguments.seed)
            killed, in_saves, ends, wrong = torment(every, kills, arguments.keras, chance, Path(folder))
        print(
            f"\n{killed} kills, {in_saves} of them while a backup was being written; {ends} trainings came to their "
            f"end, {'all equal bit for bit' if not wrong else 'and this was wrong:'} ({time.monotonic() - begin:.0f} s)"
        )
        for line in wrong:
            print(f"  {line}")
        failed |= bool(wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
