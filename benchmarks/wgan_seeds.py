"""Does lesson 04's WGAN-GP train through, whatever the seed? And does it where a plain GAN does not?

    python benchmarks/wgan_seeds.py                              # colour images, five seeds
    python benchmarks/wgan_seeds.py --experiment architecture    # section 6, both GANs, five seeds

Networks, settings and the score are the lesson's own, read from its source. Each seed is written to
build/benchmarks as it goes: run the command again after an interruption, and seeds that are done are kept,
the one that was under way goes on.

Collapsed is: a loss or a score that is not finite; samples that differ from each other, pixel by pixel, less
than half as much as real images do; or a sample score no better than that of ten real images, repeated.
"""

import argparse
import ast
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

import gan_lessons as gl

LESSON = Path(__file__).resolve().parent.parent / "notebooks" / "source" / "wgan.py"
SETTINGS = {
    "GENERATOR_FILTERS",
    "CRITIC_FILTERS",
    "PENALTY_WEIGHT",
    "CRITIC_STEPS",
    "AVERAGE",
    "CRITIC_BATCHES",
}
SETTINGS |= {"(LEARNING_RATE, BETA_1, BETA_2)"}
FUNCTIONS = {"wgan_gp", "deep_players", "deep_gan", "sliced_wasserstein"}


def from_lesson():
    """The lesson's settings and functions, by name, without running the lesson."""
    body = [
        node
        for node in ast.parse(LESSON.read_text(encoding="utf-8")).body
        if (isinstance(node, ast.FunctionDef) and node.name in FUNCTIONS)
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in SETTINGS)
    ]
    names = {"FAST": False, "gl": gl, "keras": keras, "layers": layers, "np": np}
    exec(compile(ast.Module(body=body, type_ignores=[]), str(LESSON), "exec"), names)
    return names


class Judge:
    """Measures samples against held-out images."""

    def __init__(self, name, lesson, count=1000):
        held_out, _, self.info = gl.data.arrays(name, split="test", examples=2 * count, allow_stand_in=False)
        self.distance, self.count = lesson["sliced_wasserstein"], count
        self.reals, others = held_out[:count], held_out[count:]
        self.floor = self.distance(others, self.reals)
        self.ten_images = self.distance(others[np.arange(count) % 10], self.reals)

    def __str__(self):
        return (
            f"{self.info.title}: sliced Wasserstein distance of {self.count} samples to as many held-out "
            f"images, 256 directions; other real images {self.floor:.2f}, ten repeated {self.ten_images:.2f}"
        )

    def measure(self, gan):
        samples = gan.generate(self.count, seed=1)
        return {
            "score": self.distance(samples, self.reals),
            "spread": float(samples.std(axis=0).mean() / self.reals.std(axis=0).mean()),
        }

    def is_collapsed(self, row):
        finite = all(np.isfinite(value) for value in row.values() if isinstance(value, float))
        return not finite or row["spread"] < 0.5 or row["score"] >= self.ten_images


class Measure(keras.callbacks.Callback):
    """Adds the judge's numbers to the history after each epoch."""

    def __init__(self, judge):
        super().__init__()
        self.judge = judge

    def on_epoch_end(self, epoch, logs):
        logs.update(self.judge.measure(self.model))


def train(gan, data, batches, folder, judge, epochs=20):
    """Trains in `epochs` parts, each kept in `folder` as it is done. Returns what the last one measured."""
    done = folder / "result.json"
    if done.exists():
        return json.loads(done.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    begin, taken_up_again = time.perf_counter(), (folder / "backup").exists()
    history = gan.fit(
        data.repeat(),
        steps_per_epoch=batches // epochs,
        epochs=epochs,
        verbose=2,
        callbacks=[
            keras.callbacks.BackupAndRestore(folder / "backup"),
            Measure(judge),
            keras.callbacks.CSVLogger(folder / "history.csv", append=taken_up_again),
        ],
    ).history
    row = {name: float(values[-1]) for name, values in history.items()}
    row["minutes"] = None if taken_up_again else (time.perf_counter() - begin) / 60
    gan.save(folder / "gan.keras")
    done.write_text(json.dumps(row), encoding="utf-8")
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiment", choices=("images", "architecture"), default="images")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument(
        "--steps", type=int, help="the generator's steps under WGAN-GP; 1500, or what section 6 takes"
    )
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks/wgan_seeds"))
    arguments = parser.parse_args()

    lesson = from_lesson()
    if arguments.experiment == "images":
        kinds, name, examples = {"WGAN-GP": lesson["wgan_gp"]}, "cifar10", None
        steps = arguments.steps or 1500
    else:
        kinds = {
            kind: lambda seed, kind=kind: lesson["deep_gan"](kind, seed) for kind in ("plain GAN", "WGAN-GP")
        }
        name, examples = "mnist", 20_000
        steps = arguments.steps or lesson["CRITIC_BATCHES"] // lesson["CRITIC_STEPS"]
    judge = Judge(name, lesson)
    print(judge)

    rows = []
    for kind, make in kinds.items():
        for seed in arguments.seeds:
            gan = make(seed)
            data = gl.data.load(
                name, batch_size=64, seed=seed, examples=examples, drop_remainder=True, allow_stand_in=False
            )
            setting = f"{arguments.experiment}-{steps}-{kind.replace(' ', '_')}-seed{seed}"
            row = train(gan, data, steps * lesson["CRITIC_STEPS"], arguments.output / setting, judge)
            rows.append((kind, seed, row))

    print(f"\n{judge}\n{steps * lesson['CRITIC_STEPS']} batches of 64 each\n")
    print("GAN        seed   critic's distance   sample score   spread   collapsed   minutes")
    for kind, seed, row in rows:
        minutes = f"{row['minutes']:.1f}" if row["minutes"] else "resumed"
        print(
            f"{kind:9}  {seed:4}   {row.get('distance', float('nan')):17.2f}   {row['score']:12.2f}   "
            f"{row['spread']:6.2f}   {'yes' if judge.is_collapsed(row) else 'no':9}   {minutes}"
        )
    for kind in kinds:
        collapsed = sum(judge.is_collapsed(row) for name, _, row in rows if name == kind)
        print(f"{kind}: {collapsed} of {len(arguments.seeds)} seeds collapsed")


if __name__ == "__main__":
    main()
