"""Trains WGAN-GP as its paper does, over several seeds, to see whether it collapses, and where a plain GAN does.

    python benchmarks/wgan_seeds.py                              # colour images, five seeds
    python benchmarks/wgan_seeds.py --experiment architecture    # ten dense layers, both GANs, five seeds

Networks and settings are those of `gan_lessons.recipes`, for all steps of the recipe: the lesson "WGAN" trains
`WGAN_GP` for fewer. The script writes each seed to build/benchmarks as it goes. Run the command again after an
interruption: it keeps the seeds that are done, and resumes the training that was interrupted.

A training has collapsed if a loss or a score is not finite; if its samples differ from each other, pixel by pixel, less
than half as much as real images do; or if its sample score is no better than that of ten real images, repeated.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import gan_lessons as gl
from gan_lessons import recipes, saving

EXPERIMENTS = {  # the recipes to train, and how many of their set's images to train on
    "images": ({"WGAN-GP": recipes.WGAN_GP}, None),
    "architecture": ({"plain GAN": recipes.DEEP_MLP, "WGAN-GP": recipes.DEEP_MLP_WGAN_GP}, 20_000),
}


def sliced_wasserstein(images, reals, directions=256, seed=0):
    """Computes the mean Wasserstein-1 distance on a line, over lines from one real image to another.

    Args:
        images: of shape (count, …), as many as reals.
        reals: of the same shape.
        directions: how many lines.
        seed: the seed of the lines.
    """
    images, reals = images.reshape(len(images), -1), reals.reshape(len(reals), -1)
    start, end = np.random.default_rng(seed).integers(len(reals), size=(2, directions))
    lines = (reals[end] - reals[start]).T  # (pixels, directions)
    lines = lines / (np.linalg.norm(lines, axis=0) + 1e-9)  # the line from an image to itself has length 0
    return float(np.abs(np.sort(images @ lines, axis=0) - np.sort(reals @ lines, axis=0)).mean())


class Judge:
    """Measures samples against held-out images."""

    def __init__(self, name, count=1000):
        held_out, _, self.info = gl.data.arrays(name, split="test", examples=2 * count, allow_stand_in=False)
        self.count = count
        self.reals, others = held_out[:count], held_out[count:]
        self.floor = sliced_wasserstein(others, self.reals)
        self.ten_images = sliced_wasserstein(others[np.arange(count) % 10], self.reals)

    def __str__(self):
        return (
            f"{self.info.title}: sliced Wasserstein distance of {self.count} samples to as many held-out "
            f"images, 256 directions; other real images {self.floor:.2f}, ten repeated {self.ten_images:.2f}"
        )

    def measure(self, gan):
        samples = gan.generate(self.count, seed=1)
        return {
            "score": sliced_wasserstein(samples, self.reals),
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
    """Trains in `epochs` parts, and keeps each part in `folder`. Returns: the measurements of the last part."""
    done = folder / "result.json"
    if done.exists():
        return json.loads(done.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    begin, resumed = time.perf_counter(), (folder / "backup").exists()
    history = gan.fit(
        data.repeat(),
        steps_per_epoch=batches // epochs,
        epochs=epochs,
        verbose=2,
        callbacks=[
            keras.callbacks.BackupAndRestore(folder / "backup"),
            Measure(judge),
            keras.callbacks.CSVLogger(folder / "history.csv", append=resumed),
        ],
    ).history
    row = {name: float(values[-1]) for name, values in history.items()}
    row["minutes"] = None if resumed else (time.perf_counter() - begin) / 60
    gan.save(folder / "gan.keras")
    saving.write(done, json.dumps(row).encode())
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiment", choices=("images", "architecture"), default="images")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--steps", type=int, help="the generator's steps under WGAN-GP; the recipe's")
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks/wgan_seeds"))
    arguments = parser.parse_args()

    kinds, examples = EXPERIMENTS[arguments.experiment]
    critic = kinds["WGAN-GP"]
    steps = arguments.steps or critic.steps
    judge = Judge(critic.data)
    batches = steps * critic.model(judge.info.image_shape).discriminator_steps
    print(judge)

    rows = []
    for kind, recipe in kinds.items():
        for seed in arguments.seeds:
            gan = recipe.build(judge.info.image_shape, seed)
            data = gl.data.load(
                recipe.data, recipe.batch_size, seed=seed, examples=examples, drop_remainder=True, allow_stand_in=False
            )
            setting = f"{arguments.experiment}-{steps}-{kind.replace(' ', '_')}-seed{seed}"
            row = train(gan, data, batches, arguments.output / setting, judge)
            rows.append((kind, seed, row))

    print(f"\n{judge}\n{batches} batches of {critic.batch_size} each\n")
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
