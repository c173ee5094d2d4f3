"""Measures how good the digits of "An MLP GAN on MNIST" are, over several seeds: a classifier of MNIST judges 10,000 of them.

    TFDS_DATA_DIR=… python benchmarks/mlp_mnist.py --seeds 0 1 2

It saves each seed's GAN in build/benchmarks and does not train it again. It prints the table at the end.
"""

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import gan_lessons as gl
from gan_lessons.recipes import MLP_GAN


def train(recipe, seed, epochs):
    """Trains a GAN on MNIST. Returns: the GAN, and the seconds that it took."""
    data = gl.data.load("mnist", recipe.batch_size, seed=seed, drop_remainder=True, allow_stand_in=False)
    gan = recipe.build(data.info.image_shape, seed)
    begin = time.perf_counter()
    gan.fit(data, epochs=epochs, verbose=2)
    return gan, time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=34)
    parser.add_argument("--batch-size", type=int, default=MLP_GAN.batch_size)
    parser.add_argument("--learning-rate", type=float, default=MLP_GAN.learning_rate)
    arguments = parser.parse_args()
    recipe = replace(MLP_GAN, batch_size=arguments.batch_size, learning_rate=arguments.learning_rate)

    folder = Path("build/benchmarks")
    folder.mkdir(parents=True, exist_ok=True)
    images, labels, _ = gl.data.arrays("mnist", allow_stand_in=False)
    judge = gl.metrics.train_classifier(images, labels, epochs=5)
    test_images, test_labels, _ = gl.data.arrays("mnist", split="test", allow_stand_in=False)
    accuracy = float((judge.predict(test_images, verbose=0).argmax(1) == test_labels).mean())
    rows = [
        f"judge: {accuracy:.2%} of MNIST's test set; real test images: {gl.metrics.class_report(judge, test_images)}"
    ]
    for seed in arguments.seeds:
        setting = f"{arguments.epochs}-{arguments.batch_size}-{arguments.learning_rate:g}"
        path = folder / f"mlp_mnist-{setting}-seed{seed}.keras"
        if path.exists():
            gan, took = keras.models.load_model(path), "trained before"
        else:
            gan, seconds = train(recipe, seed, arguments.epochs)
            gan.save(path)
            took = f"{seconds:.0f} s"
        report = gl.metrics.class_report(judge, gan.generate(10_000, seed=0))
        rows.append(f"seed {seed} ({took}): {report}; rarest digit {report.shares.min():.1%}")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
