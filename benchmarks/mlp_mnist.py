"""How good lesson 02's digits are, over several seeds: what a classifier of MNIST says of 10,000 of them.

    TFDS_DATA_DIR=… python benchmarks/mlp_mnist.py --seeds 0 1 2

Each seed's generator is saved in build/benchmarks as it is done, and is not trained again; the table is printed at the end.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import gan_lessons as gl


def train(seed, epochs, batch_size, learning_rate):
    """Lesson 02's training; returns the GAN, and the seconds it took."""
    keras.utils.set_random_seed(seed)
    data = gl.data.load("mnist", batch_size=batch_size, seed=seed, drop_remainder=True, allow_stand_in=False)
    gan = gl.GAN(
        gl.networks.mlp_generator((28, 28, 1)),
        gl.networks.mlp_discriminator((28, 28, 1)),
        latent_dim=100,
    )
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(learning_rate, beta_1=0.5, use_ema=True, ema_momentum=0.9995),
        discriminator_optimizer=keras.optimizers.Adam(learning_rate, beta_1=0.5),
    )
    begin = time.perf_counter()
    gan.fit(data, epochs=epochs, verbose=2)
    return gan, time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=34)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=8e-4)
    arguments = parser.parse_args()

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
            gan, seconds = train(seed, arguments.epochs, arguments.batch_size, arguments.learning_rate)
            gan.save(path)
            took = f"{seconds:.0f} s"
        report = gl.metrics.class_report(judge, gan.generate(10_000, seed=0))
        rows.append(f"seed {seed} ({took}): {report}; rarest digit {report.shares.min():.1%}")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
