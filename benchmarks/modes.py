"""Counts the modes that GANs cover: each objective and each cure for collapse, over several seeds.

    python benchmarks/modes.py                                     # every row: hours; you may stop it at any time
    python benchmarks/modes.py --only grid-r1 grid-plain --seeds 0 1 2 3 4
    python benchmarks/modes.py --steps 20                          # does it run? Nothing is written
    python benchmarks/modes.py --table                             # the table from modes.json, without training

On the plane (the ring of 8 and the grid of 25, as PacGAN has them) it counts in 2,500 samples: the modes with a sample
within 3σ, the *share* of samples within 3σ of a mode, and the reverse KL over modes. Real samples have a share of
98.9 %. On stacked digits (1,000 modes, needs MNIST) it counts in 26,000 samples with a classifier of single digits.

`ROWS` lists the rows; a new objective trains nothing until a row names it. Each result is written at once to
modes.json, and is not computed again unless the row has changed.
"""

import argparse
import hashlib
import json
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

import gan_lessons as gl
from gan_lessons import recipes, saving, stacked, toys

RECORD = Path(__file__).resolve().parent / "modes.json"
README = Path(__file__).resolve().parent / "README.md"
TABLE_START, TABLE_END = "<!-- modes (python benchmarks/modes.py) -->", "<!-- end of modes -->"
SEEDS = (0, 1, 2, 3, 4)
POINTS, DIGITS = 2_500, 26_000  # samples to count in

#: What PacGAN's tables 1 to 3 have (arXiv:1712.04086): modes covered, means of ten runs.
PUBLISHED = {
    "ring": "GAN 6.3, ALI 6.6, PacGAN2 7.9 of 8",
    "grid": "GAN 17.3, ALI 24.1, PacGAN4 24.8 of 25",
    "stacked": "DCGAN 99, VEEGAN 150, PacDCGAN2 1,000 of 1,000",
}


@dataclass(frozen=True)
class Row:
    """A method on a data set: its name for `--only`, its title in the table, the set, and its recipe."""

    name: str
    title: str
    data: str
    recipe: recipes.Recipe

    @property
    def digest(self):
        return hashlib.sha256(f"{self.data}\n{self.recipe}".encode()).hexdigest()[:12]


ROWS = [
    Row(f"{data}-{name}", title, data, recipe)
    for data in ("ring", "grid")
    for name, (title, recipe) in recipes.PLANE.items()
]


def samples_of(data, seed):
    """(training samples, a function from generated samples to {name: number}) of a data set."""
    if data == "stacked":
        digits, labels, info = gl.data.arrays("mnist", allow_stand_in=False)
        classifier = keras.models.load_model(gl.data.bundled("mnist_features.keras"), compile=False)

        def count(made):
            found = stacked.count(made, classifier)
            return {"modes": found.covered, "of": found.modes, "reverse KL": found.reverse_kl}

        return stacked.images(digits, 50_000, seed=seed), DIGITS, count
    toy = {"ring": toys.ring, "grid": toys.grid}[data]()
    scale = toy.scale

    def count(made):
        return {
            "modes": toys.modes_covered(made * scale, toy),
            "of": len(toy.modes),
            "share": toys.share_on_modes(made * scale, toy),
            "reverse KL": toys.reverse_kl(made * scale, toy),
        }

    return (toy.sample(100_000, seed=seed) / scale).astype("float32"), POINTS, count


def run(row, seed, steps=None):
    """Trains a row with a seed. Returns its counts and minutes."""
    steps = row.recipe.steps if steps is None else steps
    samples, made, count = samples_of(row.data, seed)
    gan = row.recipe.build(samples.shape[1:], seed=seed, steps=steps)
    batches = tf.data.Dataset.from_tensor_slices(samples).shuffle(len(samples), seed=seed).repeat()
    batches = batches.batch(row.recipe.batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)
    total = steps * gan.discriminator_steps
    started = time.perf_counter()
    gan.fit(batches, steps_per_epoch=total, verbose=0)
    minutes = (time.perf_counter() - started) / 60
    found = count(gan.generate(made, seed=0))
    return {name: round(float(value), 4) for name, value in found.items()} | {"minutes": round(minutes, 2)}


# --- the record and its table --------------------------------------------------------------------------------------


def table(record):
    """The table of what the record has, as Markdown."""
    lines = [
        "| set | method | modes, each seed | share on a mode | reverse KL, nats | minutes |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in ROWS:
        runs = [record[key] for key in (f"{row.name} {row.digest} {seed}" for seed in range(100)) if key in record]
        if not runs:
            continue
        modes = ", ".join(f"{run['modes']:.0f}" for run in runs)
        share = "–" if "share" not in runs[0] else span([100 * run["share"] for run in runs], "{:.0f} %")
        lines.append(
            f"| {row.data} | {row.title} | {modes} of {runs[0]['of']:.0f} | {share} | "
            f"{span([run['reverse KL'] for run in runs], '{:.2f}')} | "
            f"{statistics.median(run['minutes'] for run in runs):.1f} |"
        )
    if len(lines) == 2:
        lines = ["No run is recorded yet."]
    published = "; ".join(f"{name}: {text}" for name, text in PUBLISHED.items())
    return "\n".join([*lines, "", f"Published (PacGAN, ten runs each): {published}."])


def span(values, form):
    """Median, and lowest to highest where they differ."""
    texts = [form.format(value) for value in (statistics.median(values), min(values), max(values))]
    return texts[0] if texts[1] == texts[2] else f"{texts[0]} ({texts[1]} to {texts[2]})"


def write_table(record):
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(TABLE_START)
    text = f"{before}{TABLE_START}\n{table(record)}\n{TABLE_END}{rest.split(TABLE_END)[1]}"
    saving.write(README, text.encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=[row.name for row in ROWS], metavar="ROW")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--steps", type=int, help="a trial of so many steps, which writes nothing")
    parser.add_argument("--table", action="store_true", help="print the table, and write it to README")
    options = parser.parse_args()
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    rows = [row for row in ROWS if options.only is None or row.name in options.only]
    for row, seed in [] if options.table else [(row, seed) for seed in options.seeds for row in rows]:
        key = f"{row.name} {row.digest} {seed}"
        if key in record and options.steps is None:
            continue
        found = run(row, seed, options.steps)
        print(f"{row.name}, seed {seed}:", ", ".join(f"{name} {value:g}" for name, value in found.items()), flush=True)
        if options.steps is None:
            record[key] = found
            saving.write(RECORD, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())
    if options.steps is None:
        write_table(record)
        print(table(record))


if __name__ == "__main__":
    main()
