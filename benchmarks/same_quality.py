"""Compares the images of a DCGAN that was trained faster with those of the algorithm's own way, over several seeds.

    TFDS_DATA_DIR=… python benchmarks/same_quality.py                 # needs CIFAR-10; about 20 minutes on two cores
    TFDS_DATA_DIR=… python benchmarks/same_quality.py --steps 6000 --seeds 0 1 2 3 4

The ways are those of speed.py: fresh fakes for each player, as in the algorithm; the same fakes for both; bfloat16.
Each run has the networks of the lesson "A DCGAN on CIFAR-10" and the textbook's settings, with an average of the weights. The script prints the
Fréchet distance of 5,000 samples to as many test images, in the bundled CIFAR-10 features. For each way it prints the
mean, the spread over the seeds, and the difference to the first way in units of its standard error. It keeps each run
that is done in build/benchmarks.
"""

import argparse
import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import gan_lessons as gl
from gan_lessons import recipes, saving

#: What each way changes: the policy that the networks are made under, and arguments of `GAN`.
WAYS = {
    "fresh fakes": ("float32", {}),
    "shared fakes": ("float32", {"share_fakes": True}),
    "bfloat16": ("mixed_bfloat16", {}),
}
RECIPE = replace(recipes.DCGAN, **recipes.TEXTBOOK | {"average": 0.999})


def trained(way, seed, steps):
    """Returns a DCGAN after so many steps."""
    policy, arguments = WAYS[way]
    data = gl.data.load("cifar10", RECIPE.batch_size, drop_remainder=True, seed=seed, allow_stand_in=False)
    keras.config.set_dtype_policy(policy)
    try:
        recipe = replace(RECIPE, model=partial(RECIPE.model, **arguments))
        gan = recipe.build(data.info.image_shape, seed)
    finally:
        keras.config.set_dtype_policy("float32")
    gan.fit(data.repeat(), steps_per_epoch=steps, verbose=0)
    return gan


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks/same_quality.json"))
    arguments = parser.parse_args()

    held_out, _, info = gl.data.arrays("cifar10", split="test", allow_stand_in=False)
    reference = gl.scoring.Reference(held_out, count=5000, scores=["frechet_distance"], verbose=0)
    found = json.loads(arguments.output.read_text(encoding="utf-8")) if arguments.output.exists() else {}
    floor = reference.floor["frechet_distance"]
    print(f"{info.title}, test images; {arguments.steps} steps of batch 64; 5,000 samples; floor {floor:.1f}")
    for seed in arguments.seeds:  # seeds outside, so that an interruption leaves whole comparisons
        for way in WAYS:
            key = f"{way}, {arguments.steps} steps, seed {seed}"
            if key not in found:
                card = reference.score(trained(way, seed, arguments.steps), seed=0, verbose=0)
                found[key] = card.scores["frechet_distance"]
                arguments.output.parent.mkdir(parents=True, exist_ok=True)
                saving.write(arguments.output, json.dumps(found, indent=1).encode())
            print(f"{key}: {found[key]:.2f}", flush=True)
    print()
    keys = {way: [f"{way}, {arguments.steps} steps, seed {seed}" for seed in arguments.seeds] for way in WAYS}
    scores = {way: np.array([found[key] for key in own]) for way, own in keys.items()}
    first = next(iter(scores.values()))
    for way, own in scores.items():
        line = f"{way:14} mean {own.mean():6.2f}, spread over {len(own)} seeds {own.std(ddof=1):5.2f}"
        if own is not first:
            error = np.sqrt((own.var(ddof=1) + first.var(ddof=1)) / len(own))
            line += f"; {own.mean() - first.mean():+.2f} = {(own.mean() - first.mean()) / error:+.1f} standard errors"
        print(line)


if __name__ == "__main__":
    main()
