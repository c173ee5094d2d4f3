"""What `gl.callbacks.Doctor` costs a training: its own seconds over those of the whole `fit`, in one run.

    python benchmarks/doctor.py                       # the MLP GAN, the DCGAN, WGAN-GP
    python benchmarks/doctor.py dcgan --epochs 10

Epochs are as short as they may be for the doctor to look after each one: the most that it can cost. Networks, data and
optimizers are those of `speed.py`.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import contenders

import gan_lessons as gl
from gan_lessons.callbacks.doctor import STEPS_BETWEEN_LOOKS


class TimedDoctor(gl.callbacks.Doctor):
    """A doctor that counts its looks and its seconds."""

    looks, seconds = 0, 0.0

    def on_epoch_begin(self, epoch, logs=None):
        begin = time.perf_counter()
        super().on_epoch_begin(epoch, logs)
        self.seconds += time.perf_counter() - begin

    def on_epoch_end(self, epoch, logs=None):
        begin = time.perf_counter()
        super().on_epoch_end(epoch, logs)
        self.seconds += time.perf_counter() - begin

    def _look(self, epoch):
        self.looks += 1
        super()._look(epoch)


def measure(case, epochs):
    """Trains with a doctor. Returns: (its looks, its seconds, those of the whole, its share)."""
    gan, data = contenders.gan(case), contenders.batches(case)
    some = gl.data.arrays(contenders.SETS[case], examples=1000)[0]
    gan.fit(data, steps_per_epoch=20, verbose=0)  # traced and compiled
    doctor = TimedDoctor(some)
    begin = time.perf_counter()
    gan.fit(data, steps_per_epoch=STEPS_BETWEEN_LOOKS, epochs=epochs, verbose=0, callbacks=[doctor])
    whole = time.perf_counter() - begin
    return doctor.looks, doctor.seconds, whole, doctor.seconds / (whole - doctor.seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help=f"of: {', '.join(contenders.SHAPES)}")
    parser.add_argument("--epochs", type=int, default=5, help=f"of {STEPS_BETWEEN_LOOKS} steps")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(contenders.SHAPES):
        parser.error(f"unknown case {', '.join(sorted(unknown))}; there are {', '.join(contenders.SHAPES)}")
    print(f"{'':10}looks   doctor, s   fit, s   doctor over the rest")
    for case in arguments.cases or contenders.SHAPES:
        looks, seconds, whole, share = measure(case, arguments.epochs)
        print(f"{case:10}{looks:5} {seconds:11.2f} {whole:8.1f}   {share:.1%}", flush=True)


if __name__ == "__main__":
    main()
