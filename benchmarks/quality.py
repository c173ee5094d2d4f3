"""Measures how good the course's GANs are: trains and scores them, and writes README's table.

    python benchmarks/quality.py                               # everything: hours; you may stop it at any time
    python benchmarks/quality.py --only lesson-dcgan plain-dcgan --seeds 0 1 2
    python benchmarks/quality.py --steps 20                    # does it run? README and quality.json stay as they are
    python benchmarks/quality.py --table                       # README's table from quality.json, without training

It needs the real MNIST and CIFAR-10 (TFDS_DATA_DIR) and refuses stand-ins. Before it starts it measures a few steps of
each GAN and prints how long the whole will take. It trains the most telling rows first. It writes each result at
once to quality.json and to README, and does not train that run again unless its settings have changed. A run that was
interrupted continues from its folder in build/quality when you give the same command again.

`ROWS` lists the rows. Each row names a recipe of `gan_lessons.recipes`, which has the settings. A lesson's GAN stands
beside its *plain loop*: the same networks with Keras's initializers, without an average of weights, with the textbook's
Adam and batch. If its discriminator has BatchNormalization, it also stands beside the *plain loop, one batch*: the same
with the training step of the well-known Keras examples, in which D sees real and generated images as one batch.
"""

import argparse
import hashlib
import json
import math
import os
import shutil
import statistics
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import gan_lessons as gl
from gan_lessons import recipes, saving, scoring

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "benchmarks" / "quality.json"
README = ROOT / "README.md"
BUILD = ROOT / "build" / "quality"
TABLE_START, TABLE_END = "<!-- quality (python benchmarks/quality.py) -->", "<!-- end of quality -->"

SETS = ("cifar10", "mnist")
COUNT = 10_000  # generated images to score, and real images to compare them with
LATENTS = 0  # the seed of the latents that are scored
PARTS = 20  # of a training, each with a line of progress and a backup
BATCH = 64  # the batches that steps are counted in
AIM = 0.7  # the share of its plain loop's Fréchet distance that a lesson's GAN is to stay below

# What is known of a set beyond its name, by a digest of its test images.
KNOWN = {"ef5e8eb3a5ada65d": "CIFAR-10 after one round trip through JPEG (26 to 34 dB)"}


# --- rows ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """Describes a GAN of the table.

    Attributes:
        name: the row's name for `--only`, and the name of its folder.
        title: the row's name in the table.
        recipe: the settings, a `gan_lessons.recipes.Recipe`.
        steps: the generator's, counted in batches of 64. In batches of its own size it sees as many images.
        sets: the image sets to train on.
        first: whether it is trained before the others.
        against: the names of the rows that it is compared with in a sentence below the table.
        fid: the FID on CIFAR-10 that others have published: gans-pytorch / StudioGAN.
    """

    name: str
    title: str
    recipe: recipes.Recipe
    steps: int
    sets: tuple
    first: bool = False
    against: tuple = ()
    fid: str = "–"

    def own_steps(self, steps=None):
        """Returns how many batches of this row's size have the images of so many batches of 64."""
        return max(1, (steps or self.steps) * BATCH // self.recipe.batch_size)

    def make(self, image_shape, seed):
        """Returns the compiled GAN."""
        return self.recipe.build(image_shape, seed, self.own_steps())


class OneBatch(gl.GAN):
    """Trains as the well-known Keras examples do: D sees real and generated images as one batch.

    To most networks, such as those of these examples, that is the same game. BatchNormalization makes it another game:
    it brings the two halves to one mean and variance together, and in G's turn D sees generated images alone.
    """

    def train_step(self, data):
        real_images = keras.tree.flatten(data)[0]
        count = keras.ops.shape(real_images)[0]
        both = keras.ops.concatenate([real_images, self.generator(self.draw_latents(count), training=True)])
        with tf.GradientTape() as tape:
            logits = self.discriminator(both, training=True)
            d_loss = self.objective.discriminator_loss(logits[:count], logits[count:])
        self.descend("discriminator", d_loss, tape)
        with tf.GradientTape() as tape:
            fake_images = self.generator(self.draw_latents(count), training=True)
            g_loss = self.objective.generator_loss(self.discriminator(fake_images, training=True))
        self.descend("generator", g_loss, tape)
        self.log(d_loss=d_loss, g_loss=g_loss, **self.objective.log(logits[:count], logits[count:]))
        return self.get_metrics_result()


MLP_GAN, DCGAN = "the course's MLP GAN", "the course's DCGAN"
PLAIN_MLP_GAN, PLAIN_DCGAN = recipes.plain_loop(recipes.MLP_GAN), recipes.plain_loop(recipes.DCGAN)
ONE_BATCH = replace(PLAIN_DCGAN, model=partial(recipes.dcgan, kind=OneBatch))
CLIP, PENALTY = "wasserstein-clip_weights", "wasserstein-gradient_penalty"

ROWS = (
    Row("lesson-mlp_gan", MLP_GAN, recipes.MLP_GAN, 19_000, ("mnist",), True, ("plain-mlp_gan",)),
    Row("plain-mlp_gan", "plain loop", PLAIN_MLP_GAN, 19_000, ("mnist",), True),
    Row("lesson-dcgan", DCGAN, recipes.DCGAN, 6_000, ("cifar10",), True, ("plain-dcgan", "one_batch-dcgan")),
    Row("plain-dcgan", "plain loop", PLAIN_DCGAN, 6_000, ("cifar10",), True),
    Row("one_batch-dcgan", "plain loop, one batch", ONE_BATCH, 6_000, ("cifar10",), True),
    Row("minimax", "small CNN, minimax", recipes.SMALL_CNN["minimax"], 6_000, SETS),
    Row(
        "non_saturating",
        "small CNN, non saturating",
        recipes.SMALL_CNN["non_saturating"],
        6_000,
        SETS,
        fid="24.7 / 49.0",
    ),
    Row(CLIP, "small CNN, wasserstein, clip weights", recipes.SMALL_CNN[CLIP], 6_000, SETS, fid="49.9 / 159"),
    Row(
        PENALTY, "small CNN, wasserstein, gradient penalty", recipes.SMALL_CNN[PENALTY], 6_000, SETS, fid="28.8 / 25.9"
    ),
)


# --- what a run is -------------------------------------------------------------------------------------------------


def settings_of(gan, batch_size):
    """Returns all that decides a training, in plain values. A result with other settings is no longer this row's."""

    def number(value):
        if isinstance(value, dict) and "class_name" in value:  # a schedule in place of a learning rate
            parts = {key: number(part) for key, part in value["config"].items() if key != "name" and part is not None}
            return {"class": value["class_name"]} | parts
        return float(f"{value:.6g}") if isinstance(value, float) else value

    def plain(thing, usual=()):
        config = {key: number(value) for key, value in thing.get_config().items() if key not in ("name", "seed")}
        usual = dict(usual)
        return {"class": type(thing).__name__} | {
            key: value for key, value in config.items() if key == "learning_rate" or value != usual.get(key)
        }

    def leaves(layer):
        inner = getattr(layer, "layers", None)
        return [leaf for part in inner for leaf in leaves(part)] if inner else [layer]

    def network(model):
        lines = []
        for layer in leaves(model):
            if layer.count_params():
                kinds = ("kernel_initializer", "gamma_initializer", "kernel_constraint", "bias_constraint")
                words = [plain(getattr(layer, kind)) for kind in kinds if getattr(layer, kind, None) is not None]
                values = ["".join(f"{part} " for part in word.values()).strip() for word in words]
                lines.append(", ".join([f"{type(layer).__name__} of {layer.count_params()}", *values]))
        return lines

    def optimizer(player):
        thing = getattr(gan, f"{player}_optimizer")
        return plain(thing, type(thing)().get_config())

    settings = {} if type(gan) is gl.GAN else {"class": type(gan).__name__}
    settings |= {"objective": plain(gan.objective), "penalty": gan.penalty and plain(gan.penalty, {"every": 1})}
    settings |= {"discriminator_steps": gan.discriminator_steps, "latent_dim": gan.latent_dim, "batch_size": batch_size}
    for player in ("generator", "discriminator"):
        settings |= {player: network(getattr(gan, player)), f"{player}_optimizer": optimizer(player)}
    return json.loads(json.dumps(settings))


class Clock(keras.callbacks.Callback):
    """Records the seconds of each part of a training in its history, which a backup keeps."""

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs):
        logs["seconds"] = time.perf_counter() - self.begin


def train(gan, data, steps, folder, settings):
    """Trains for so many steps of the generator, or resumes a training that was interrupted.

    Args:
        gan: a compiled GAN.
        data: a `tf.data.Dataset` of batches, in an order fixed by a seed.
        steps: how many steps the generator takes.
        folder: the folder for the backup. If it holds a run with other settings, that run is deleted.
        settings: what `settings_of` returns.

    Returns:
        The seconds that the training took, without what an interruption cost.
    """
    text, path = json.dumps({"steps": steps} | settings), folder / "settings.json"
    if folder.exists() and not (path.exists() and path.read_text(encoding="utf-8") == text):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    saving.write(path, text.encode())
    parts = math.gcd(steps, PARTS)
    history = gan.fit(
        data.repeat(),
        steps_per_epoch=steps // parts * gan.discriminator_steps,
        epochs=parts,
        verbose=1 if sys.stdout.isatty() else 2,
        # Keep the backup of the end too: after an interruption while scoring you need not train again.
        callbacks=[Clock(), keras.callbacks.BackupAndRestore(folder / "backup", delete_checkpoint=False)],
    ).history
    return sum(history["seconds"])


class Judge:
    """Scores GANs against a real image set.

    Args:
        name: the set's name.

    Raises:
        RuntimeError: if the set is not on this machine. The table has no scores against stand-ins.
    """

    def __init__(self, name):
        images, _, self.info = gl.data.arrays(name, split="test", allow_stand_in=False)
        self.name, self.shape = name, self.info.image_shape
        self.digest = hashlib.blake2b(np.rint((images + 1) * 127.5).astype("uint8"), digest_size=8).hexdigest()
        scores = ("frechet_distance", "kernel_distance", "precision_recall")
        self.reference = scoring.Reference(name, count=COUNT, scores=scores, image_shape=self.shape)
        if self.info.is_stand_in or self.reference.title != self.info.title:
            raise RuntimeError(f"The table is of real images. Received: {self.reference.title} for {name!r}.")

    def load(self, batch_size, seed):
        """Returns the training images in batches, a `tf.data.Dataset`."""
        return gl.data.load(self.name, batch_size, seed=seed, drop_remainder=True, allow_stand_in=False)

    def measure(self, gan):
        """Scores a GAN. Returns: a dictionary for JSON."""
        try:
            card = self.reference.score(gan, seed=LATENTS)
        except scoring.NotFinite:
            card = self.reference.broken(gan, seed=LATENTS)

        def plain(numbers):
            return {name: float(f"{value:.6g}") if math.isfinite(value) else None for name, value in numbers.items()}

        about = ("split", "floor_split", "features", "features_note", "count")
        return (
            {"data": card.data, "digest": self.digest}
            | {name: getattr(card, name) for name in about}
            | {"latents_seed": card.seed}
            | {name: plain(getattr(card, name)) for name in ("scores", "spreads", "floor")}
        )


# --- the record, and the table from it -----------------------------------------------------------------------------


class Record:
    """Keeps results in a JSON file, one for each row, set and seed."""

    def __init__(self, path):
        self.path = path

    @property
    def results(self):
        """All results that the file has now. A second process may have added some."""
        return json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else []

    def has(self, row, set_name, seed, steps, settings):
        """Returns whether a run has been done with just these settings."""
        return any(
            _key(result) == (row, set_name, seed) and result["steps"] == steps and result["settings"] == settings
            for result in self.results
        )

    def add(self, result):
        """Adds a result, replaces an earlier result of the same run, and writes the file."""
        results = sorted([*(old for old in self.results if _key(old) != _key(result)), result], key=_key)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        saving.write(self.path, (json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode())


def _key(result):
    return result["row"], result["set"], result["seed"]


COLUMNS = {
    "frechet_distance": "Fréchet distance",
    "kernel_distance": "kernel distance",
    "precision": "precision",
    "recall": "recall",
}


def table(results):
    """Returns README's table of results and the words around it, as Markdown."""
    parts = [_of_one_set(name, results) for name in SETS if any(result["set"] == name for result in results)]
    if not parts:
        return "No results yet: `python benchmarks/quality.py` makes them."
    words = [
        "The floor is what other real images score in the place of generated ones; no GAN can be asked for more. "
        "Where there are several seeds, a score is their mean, with the lowest and the highest in brackets. Minutes "
        "are those of one training, on a machine that did other work too.",
        "A *lesson's* row has the networks and settings of the lesson, for as many steps as the table says. The *plain "
        "loop* below it has the same networks, begun as Keras begins layers, and trains by the textbook's Adam in "
        f"batches of {BATCH}, without an average of the weights. Both see the same number of images, each in batches "
        "of its own size: the batch goes with the learning rate, so it is one of the settings, and images are what "
        "training costs. Its form with *one batch* has the training step of the well-known Keras examples besides, "
        "whose own D has no BatchNormalization: D sees real and generated images as one batch, and here its "
        "BatchNormalization brings the two to one mean and variance together.",
        "The *small CNN* is one pair of networks under the objectives, the constraint and the penalty of its rows, "
        "for the same number of the generator's steps, with the optimizer and the critic steps of each one's paper.",
        "*FID published* stands there for the order of the rows alone: "
        "[gans-pytorch](https://github.com/xyfJASON/gans-pytorch) (one CNN for every loss, 40,000 steps, 50,000 "
        "images) / [StudioGAN](https://github.com/POSTECH-CVLab/PyTorch-StudioGAN) (10,000 images; networks differ "
        "from row to row). In absolute value these cannot be compared with ours: they are distances in other features, "
        "the 2048 of InceptionV3, of larger networks that trained for longer"
        + (", on other images." if any(result["digest"] in KNOWN for result in results) else "."),
    ]
    return "\n\n".join([*parts, *_shares(results), *words])


def _of_one_set(name, results):
    """Returns the table of one set and the text above it."""
    here = [result for result in results if result["set"] == name]
    one, beside = here[0], name == "cifar10"
    known = f" These images: {KNOWN[one['digest']]}." if one["digest"] in KNOWN else ""
    lines = [
        f"**{one['data']}.** {one['count']:,} generated images (latents of seed {one['latents_seed']}) against "
        f"{one['split']}, in {one['features']}: {one['features_note']}.{known}",
        "",
    ]
    head = ["", *COLUMNS.values(), "optimizer", "steps × batch", "minutes", "seeds", *["FID published"] * beside]
    lines += [_line(head), _line(["---"] + ["--:"] * 4 + ["---"] + ["--:"] * (3 + beside))]
    floor = [_number(one["floor"][column]) for column in COLUMNS]
    lines.append(_line([f"*real images, {one['floor_split']}: the floor*", *floor] + [""] * (4 + beside)))
    for row in ROWS:
        runs = [result for result in here if result["row"] == row.name]
        if runs:
            steps = f"{runs[0]['steps']:,} × {runs[0]['settings']['batch_size']}"
            scores = [_spread([run["scores"][column] for run in runs]) for column in COLUMNS]
            minutes = f"{statistics.mean(run['minutes'] for run in runs):.0f}"
            seeds = ", ".join(str(run["seed"]) for run in runs)
            cells = [row.title, *scores, _optimizer(runs[0]["settings"]), steps, minutes, seeds]
            lines.append(_line(cells + [row.fid] * beside))
    return "\n".join(lines)


def _line(cells):
    return "| " + " | ".join(cells) + " |"


def _number(value):
    if value is None:
        return "not finite"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _spread(values):
    """Returns the mean of several seeds, with the lowest and the highest."""
    if None in values:
        broken = values.count(None)
        return "not finite" if broken == len(values) else f"not finite for {broken} of {len(values)}"
    if len(values) == 1:
        return _number(values[0])
    return f"{_number(statistics.mean(values))} ({_number(min(values))}–{_number(max(values))})"


def _optimizer(settings):
    """Describes the generator's optimizer, and the number of critic steps."""
    own = settings["generator_optimizer"]
    words = [f"{own['class']} {_rate(own['learning_rate'])}"]
    words += [f"{letter} {own[name]:g}" for letter, name in {"β₁": "beta_1", "β₂": "beta_2"}.items() if name in own]
    if own.get("use_ema"):
        words.append(f"average {own.get('ema_momentum', 0.99):g}")
    if settings["discriminator_steps"] > 1:
        words.append(f"{settings['discriminator_steps']} critic steps")
    return ", ".join(words)


def _rate(rate):
    """Returns a learning rate as text, or the first rate of a schedule and the schedule's name."""
    if isinstance(rate, dict):
        return f"{rate['initial_learning_rate']:g} by {rate['class']}"
    return f"{rate:g}"


def _shares(results):
    """Returns a sentence for each pair of rows to compare: the share of Fréchet distances, over the seeds of both."""

    def distances(row):
        found = {run["seed"]: run["scores"]["frechet_distance"] for run in results if run["row"] == row}
        return {seed: distance for seed, distance in found.items() if distance is not None}

    sentences, by_name = [], {row.name: row for row in ROWS}
    for row in ROWS:
        own = distances(row.name)
        for name in row.against:
            other = distances(name)
            if seeds := sorted(own.keys() & other.keys()):
                share = statistics.mean(own[seed] for seed in seeds) / statistics.mean(other[seed] for seed in seeds)
                aim = f"; the course wants {AIM} at most" if name == row.against[0] else ""
                sentences.append(
                    f"{row.title[0].upper()}{row.title[1:]} has {share:.2f} of the Fréchet distance of the "
                    f"{by_name[name].title} (seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}){aim}."
                )
    return sentences


def write_table(results, readme=None):
    """Writes the table between its two lines in README.

    Raises:
        ValueError: if README does not have each of the two lines once.
    """
    readme = readme or README
    text = readme.read_text(encoding="utf-8")
    if text.count(TABLE_START) != 1 or text.count(TABLE_END) != 1:
        raise ValueError(f"{readme.name} must hold the lines {TABLE_START} and {TABLE_END} once each.")
    before, rest = text.split(TABLE_START)
    after = rest.split(TABLE_END)[1]
    saving.write(readme, f"{before}{TABLE_START}\n{table(results)}\n{TABLE_END}{after}".encode())


# --- the work ------------------------------------------------------------------------------------------------------


def plan(chosen, seeds, sets):
    """Returns the runs, (row, set, seed), in the order of training: seed by seed, the lessons' rows first."""
    runs = []
    for seed in seeds:
        runs += [(row, name, seed) for row in chosen if row.first for name in row.sets if name in sets]
        runs += [(row, name, seed) for name in sets for row in chosen if not row.first and name in row.sets]
    return runs


def seconds_a_step(gan, data, steps=6):
    """Measures a step of the generator and the discriminator's steps before it: the median of a few, in seconds."""
    # Keras calls a callback after the last batch of each call.
    every, a_call, times = gan.discriminator_steps, gan.steps_per_execution, []
    clock = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: times.append(time.perf_counter()))
    gan.fit(data.repeat().take((steps + 1) * every * a_call), verbose=0, callbacks=[clock])
    return float(np.median(np.diff(times[every - 1 :: every]))) / a_call


class Estimate:
    """Estimates how long runs take, from the seconds of a step of each row on each set, which it keeps in build/."""

    def __init__(self):
        self.path = BUILD / "step_seconds.json"
        self.seconds = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}

    def record(self, row, name, seconds):
        """Records the seconds that a step of a row on a set takes."""
        self.seconds[f"{row.name} {name}"] = seconds
        self.path.parent.mkdir(parents=True, exist_ok=True)
        saving.write(self.path, json.dumps(self.seconds, indent=1).encode())

    def knows(self, row, name):
        """Returns whether a step of a row on a set has been measured."""
        return math.isfinite(self.seconds.get(f"{row.name} {name}", math.nan))

    def of(self, runs, steps):
        """Returns the seconds of several runs together, with a minute more for each to compile and score."""
        return sum(row.own_steps(steps) * self.seconds[f"{row.name} {name}"] + 60 for row, name, _ in runs)


def duration(seconds):
    """Returns seconds as text, in hours and minutes."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def work(chosen, seeds, sets, steps=None):
    """Does all runs that are not done, and records each result at once.

    Args:
        chosen: rows.
        seeds: the seeds of the trainings.
        sets: names of image sets.
        steps: the generator's, in batches of 64, in place of each row's own; the results then stay in build/.
    """
    folder = BUILD / f"steps-{steps}" if steps else BUILD
    record = Record(folder / "quality.json" if steps else RECORD)
    runs = plan(chosen, seeds, sets)
    judges = {name: Judge(name) for name in dict.fromkeys(name for _, name, _ in runs)}
    settings = {}
    for row, name, seed in runs:
        if (row.name, name) not in settings:
            settings[row.name, name] = settings_of(row.make(judges[name].shape, seed), row.recipe.batch_size)
    left = [
        (row, name, seed)
        for row, name, seed in runs
        if not record.has(row.name, name, seed, row.own_steps(steps), settings[row.name, name])
    ]
    print(f"{len(runs)} runs, {len(runs) - len(left)} of them done before.")
    estimate = Estimate()
    for row, name, seed in left:
        if not estimate.knows(row, name):
            print(f"measuring a step of {row.name} on {name} …", flush=True)
            gan = row.make(judges[name].shape, seed)
            estimate.record(row, name, seconds_a_step(gan, judges[name].load(row.recipe.batch_size, seed)))
    for row, name, seed in left:
        batches = f"{row.own_steps(steps):6,} steps of {row.recipe.batch_size:3}"
        print(f"  {row.name:32} {name:8} seed {seed}: {batches}, {duration(estimate.of([(row, name, seed)], steps))}")
    if left:
        print(f"All of it: about {duration(estimate.of(left, steps))}. Ctrl-C stops it; the same command goes on.")

    for index, (row, name, seed) in enumerate(left):
        title, remaining = f"{row.name}, {name}, seed {seed}", duration(estimate.of(left[index:], steps))
        print(f"\n[{index + 1}/{len(left)}] {title}; to the end of all about {remaining}", flush=True)
        judge, own = judges[name], settings[row.name, name]
        gan = row.make(judge.shape, seed)
        data = judge.load(row.recipe.batch_size, seed)
        place = folder / row.name / name / str(seed)
        seconds = train(gan, data, row.own_steps(steps), place, own)
        gan.save(place / "gan.keras")
        measured = judge.measure(gan)
        run = {"row": row.name, "set": name, "seed": seed, "steps": row.own_steps(steps)}
        record.add(run | {"minutes": round(seconds / 60, 2)} | measured | {"settings": own})
        if not steps:
            write_table(record.results)
            estimate.record(row, name, seconds / row.own_steps())  # the next seed's will take as long
        print(f"{title}: {measured['scores']}, {seconds / 60:.1f} min", flush=True)
    print("\n" + table(record.results))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = {row.name: row for row in ROWS}
    parser.add_argument("--only", nargs="+", choices=known, default=list(known), metavar="ROW", help=", ".join(known))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--steps", type=int, help="the generator's, in batches of 64; results then stay in build/")
    parser.add_argument("--table", action="store_true", help="only write README's table anew, from quality.json")
    options = parser.parse_args(arguments)
    if options.steps is not None and options.steps < 1:
        parser.error(f"--steps must be at least 1. Received: {options.steps}.")
    if options.table:
        write_table(Record(RECORD).results)
        return 0
    try:
        work([known[name] for name in known if name in options.only], options.seeds, options.sets, options.steps)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
