"""What a training step costs, side by side: `GAN.fit`, a loop by hand, the textbook's, and PyTorch's.

    python benchmarks/speed.py                                # all cases, all contenders
    python benchmarks/speed.py dcgan --contenders fit torch --starts 5
    python benchmarks/speed.py --long 20000                   # do time and memory stay flat?
    python benchmarks/speed.py --grow                         # how the cost grows with batch and pixels

The contenders (see contenders.py) are processes that live side by side and take turns, a block of steps each, in an
order that changes: on a noisy machine only the ratio of neighbours means something. Two processes of one and the same
program differ by some per cent for as long as they live, so all are started several times. Printed are medians, and
the ratio of `fit` to each contender with its quartiles. The floor is the step's multiply-adds over the best rate at
which this machine was seen to multiply matrices, in the same run. Small matrices and few channels do not reach that
rate: "its products alone" is what TensorFlow's kernels take for the step's own, with nothing else done.
"""

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

CASES = {"mlp": 120, "dcgan": 40, "wgan_gp": 40}  # steps in a block; a multiple of the critic's 5, and of 8
CONTENDERS = ("fit", "by hand", "textbook", "torch", "torch compiled")
OPTIONS = ("fit, shared fakes", "fit, XLA", "fit, no XLA", "fit, 8 steps a call", "fit, shared fakes, 8 steps")
OPTIONS += ("fit, one fixed batch", "fit, bfloat16")
WORKER = Path(__file__).with_name("contenders.py")


class Contender:
    """A process that trains when it is told to."""

    def __init__(self, name, case):
        begin = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, WORKER, name, case],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.name = name
        while (line := self.process.stdout.readline()) and line.strip() != "ready":
            pass  # what it prints while it starts, such as the name of a stand-in
        if not line:
            raise RuntimeError(f"{name} did not start: run {sys.executable} {WORKER} {name!r} {case} to see why.")
        self.start = time.perf_counter() - begin

    def ask(self, what):
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def products(case):
    """The layers' products in a step: D's turn, and G's. Returns: for each turn a list of (layer, what it yields).

    A layer yields its output ("forward"), and on the way back the slopes for its weights ("weights") and its input
    ("input"). The first layer of a network has no use for the last where only its weights are asked for. G's turn has
    fakes of its own; where they are shared it is shorter by a forward pass of G.
    """
    import contenders

    g, d = ([layer for layer in model.layers if hasattr(layer, "kernel")] for model in contenders.players(case))

    def of(layers, *kinds):
        return [(layer, kind) for layer in layers for kind in kinds]

    ds_turn = of(g, "forward") + 2 * (of(d, "forward", "weights") + of(d[1:], "input"))
    gs_turn = of(g, "forward") + of(d, "forward", "input") + of(g, "weights") + of(g[1:], "input")
    if case == "wgan_gp":
        # The slope: forwards, and back to the images. Its derivative: that way back once more, for its weights and its
        # values. The way forwards has no part in it, since the slope of a LeakyReLU does not change with its input.
        ds_turn += of(d, "forward", "input") + of(d, "weights", "forward")
    return ds_turn, gs_turn


def turns_of_g(case):
    """How many of G's turns a step has."""
    import contenders

    return 1 / contenders.CRITIC_STEPS if case == "wgan_gp" else 1


def multiply_adds(case):
    """Of one step of a batch: the layers' products, each of which costs the same."""
    import contenders

    def cost(layer):
        # A convolution uses every weight once for each pixel that it makes, a transposed one for each it takes.
        seen = layer.input if "Transpose" in type(layer).__name__ else layer.output
        return int(np.prod(layer.kernel.shape)) * int(np.prod(seen.shape[1:-1]))

    ds_turn, gs_turn = (sum(cost(layer) for layer, _ in turn) for turn in products(case))
    return contenders.BATCH * (ds_turn + turns_of_g(case) * gs_turn)


class ProductsAlone:
    """A step's products at their own shapes, on numbers that are there already, and nothing else: TensorFlow's kernels.

    What is left of a step's time beyond this is all that could be saved without other kernels, or fewer products.
    """

    name = "its products alone"

    def __init__(self, case):
        import contenders
        import tensorflow as tf

        def product(layer, images, kernel):
            if "Dense" in type(layer).__name__:
                return tf.linalg.matmul(images, kernel)
            if "Transpose" in type(layer).__name__:
                return tf.nn.conv2d_transpose(images, kernel, (contenders.BATCH, *layer.output.shape[1:]), 2, "SAME")
            return tf.nn.conv2d(images, kernel, 2, "SAME")

        def program(turn):
            # Numbers of its own for each product: TensorFlow would compute equal ones once.
            numbers = [
                [
                    tf.random.normal(shape)
                    for shape in (
                        (contenders.BATCH, *layer.input.shape[1:]),
                        layer.kernel.shape,
                        (contenders.BATCH, *layer.output.shape[1:]),
                    )
                ]
                for layer, _ in turn
            ]

            @tf.function(jit_compile=contenders.XLA[case])
            def alone():
                results = []
                for (layer, kind), (images, kernel, slopes) in zip(turn, numbers):
                    with tf.GradientTape() as tape:
                        tape.watch([images, kernel])
                        made = product(layer, images, kernel)
                    asked = {"weights": kernel, "input": images}.get(kind)
                    results.append(made if asked is None else tape.gradient(made, asked, slopes))
                return results

            return alone

        self.ds_turn, self.gs_turn = map(program, products(case))
        self.share = turns_of_g(case)
        self.ask(1)

    def ask(self, steps):
        """The seconds that so many steps take."""
        seconds = 0.0
        for turn, share in ((self.ds_turn, 1), (self.gs_turn, self.share)):
            begin = time.perf_counter()
            for _ in range(steps):
                turn()
            seconds += share * (time.perf_counter() - begin)
        return seconds


def matrix_rate():
    """Multiply-adds a second of the best of some matrix products."""
    import tensorflow as tf

    best = 0.0
    for size in (1024, 2048):
        a = tf.random.normal((size, size))
        for _ in range(6):
            begin = time.perf_counter()
            tf.linalg.matmul(a, a).numpy()
            best = max(best, size**3 / (time.perf_counter() - begin))
    return best


def start(case, names):
    """A process for each contender that this machine can run; says which are left out."""
    contenders = []
    for name in names:
        if name.startswith("torch") and importlib.util.find_spec("torch") is None:
            print(f"({name} is left out: PyTorch is not installed. pip install torch)")
        elif "bfloat16" in name and not has_bfloat16():
            print(f"({name} is left out: this processor has no instructions for bfloat16.)")
        else:
            try:
                contenders.append(Contender(name, case))
            except RuntimeError as error:
                if not name.startswith("torch"):  # an extra, whose compiler may lack something here
                    raise
                print(f"({name} is left out. {error})")
    return contenders


def compare(case, names, repeats, starts):
    """Starts the contenders, lets them take turns, starts them anew, …; prints the table, returns it."""
    steps, random = CASES[case], np.random.default_rng(0)
    times, start_up, memory, rates = {}, {}, {}, []
    alone = ProductsAlone(case)
    for _ in range(starts):
        contenders = start(case, names)
        names = [one.name for one in contenders]  # what is left out, is left out with one word
        for _ in range(repeats):
            rates.append(matrix_rate())
            times.setdefault(alone.name, []).append(alone.ask(steps // 4) / (steps // 4))
            for index in random.permutation(len(contenders)):
                time.sleep(0.3)  # thread pools of the one before may still be waiting for work, and turn in circles
                one = contenders[index]
                times.setdefault(one.name, []).append(one.ask(steps) / steps)
        for one in contenders:
            start_up.setdefault(one.name, []).append(one.start)
            memory.setdefault(one.name, []).append(one.ask("memory"))
            one.stop()
    first = np.array(times[names[0]])
    floor = multiply_adds(case) / max(rates)

    print(f"\n{case}: batch 64, {starts} starts, {repeats} blocks of {steps} steps after each, in turn; median")
    work, rate = multiply_adds(case) / 1e9, max(rates) / 1e9
    print(f"floor {1e3 * floor:.1f} ms: {work:.2f}e9 multiply-adds at {rate:.0f}e9 a second")
    print(f"{'':22} ms/step  images/s   floor  {names[0]} / it   quartiles      start, s   peak MB")
    rows = {}
    for name in (*names, alone.name):
        own = np.array(times[name])
        low, ratio, high = np.percentile(first / own, (25, 50, 75))
        step = np.median(own)
        rows[name] = {"ms": 1e3 * step, "ratio": ratio, "low": low, "high": high, "floors": step / floor}
        print(
            f"{name:22} {1e3 * step:7.1f} {64 / step:9.0f} {step / floor:6.2f}× {ratio:10.3f}   {low:.3f} - {high:.3f}"
            + (f" {np.median(start_up[name]):10.1f} {max(memory[name]):9.0f}" if name in start_up else ""),
            flush=True,
        )
    return rows


def stay_flat(case, total):
    """Prints time and memory over a long training."""
    fit, part = Contender("fit", case), total // 10
    print(f"\n{case}: {total} steps of GAN.fit")
    print("step      ms/step   memory, MB (peak so far)")
    for index in range(1, 11):
        seconds = fit.ask(part)
        print(f"{index * part:7} {1e3 * seconds / part:9.2f} {fit.ask('memory'):10.0f}", flush=True)
    fit.stop()


def grow():
    """Prints how a DCGAN step grows with the batch and with the pixels; 1.00 is in proportion."""
    import keras

    import gan_lessons as gl

    def step_time(batch, size):
        deeper = size // 32 - 1
        filters = (128, 64, 32, 16)[: 3 + deeper]
        gan = gl.GAN(
            gl.networks.dcgan_generator((size, size, 3), filters=filters),
            gl.networks.dcgan_discriminator((size, size, 3), filters=filters[::-1]),
            latent_dim=100,
        )
        gan.compile(
            generator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
            discriminator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
        )
        images = np.random.default_rng(0).uniform(-1, 1, (4 * batch, size, size, 3)).astype("float32")
        gan.fit(images, batch_size=batch, verbose=0)
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            gan.fit(images, batch_size=batch, epochs=2, verbose=0)
            times.append((time.perf_counter() - begin) / 8)
        return np.median(times)

    print("\nDCGAN, GAN.fit: ms a step")
    base = step_time(64, 32)
    for batch, size in ((16, 32), (32, 32), (64, 32), (128, 32), (256, 32), (64, 64)):
        own = step_time(batch, size)
        share = own / base / (batch / 64)
        line = f"batch {batch:3}, {size}×{size}: {1e3 * own:7.1f}   per image {share:5.2f} × that of batch 64 at 32×32"
        print(line, flush=True)


def has_bfloat16():
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return True  # not to be found out here; where it is emulated the table shows it
    return "avx512_bf16" in flags or "amx_bf16" in flags


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help=f"of: {', '.join(CASES)}")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS + OPTIONS, default=list(CONTENDERS))
    parser.add_argument("--options", action="store_true", help="GAN.fit with other options")
    parser.add_argument("--starts", type=int, default=3, help="how many times each contender is started")
    parser.add_argument("--repeats", type=int, default=4, help="how many blocks it runs after each start")
    parser.add_argument("--long", type=int, metavar="STEPS", help="do time and memory stay flat over these?")
    parser.add_argument("--grow", action="store_true", help="how the cost grows with batch and pixels")
    parser.add_argument("--output", type=Path, help="a JSON file for the numbers")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(CASES):
        parser.error(f"unknown case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")

    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    if arguments.long or arguments.grow:
        for case in arguments.cases or ["mlp"]:
            if arguments.long:
                stay_flat(case, arguments.long)
        if arguments.grow:
            grow()
        return
    names = ["fit", *OPTIONS] if arguments.options else arguments.contenders
    results = {case: compare(case, names, arguments.repeats, arguments.starts) for case in arguments.cases or CASES}
    if arguments.output:
        arguments.output.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
