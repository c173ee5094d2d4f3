"""How long it takes to score 10,000 images with every metric, against real images whose features are kept on disk.

    python benchmarks/scores.py                       # digits of the MLP GAN, colour images of the DCGAN
    TFDS_DATA_DIR=… python benchmarks/scores.py --accuracy

The generators are not trained and the real images are noise: neither changes the work. The aim is under 20 seconds on
two cores, from the making of the images to the card. With --accuracy it also says how many pictures of the real test
sets the bundled classifiers get right, as `data/features.json` states it (needs MNIST and CIFAR-10).
"""

import argparse
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import gan_lessons as gl

CASES = {
    "mnist": ((28, 28, 1), gl.networks.mlp_generator, gl.networks.mlp_discriminator),
    "cifar10": ((32, 32, 3), gl.networks.dcgan_generator, gl.networks.dcgan_discriminator),
}


def timed(work):
    """What a function returns, the seconds it took, and the seconds of all processors together."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"which features: {', '.join(CASES)}; by default both")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--accuracy", action="store_true")
    arguments = parser.parse_args()

    print(f"{'features':<10}{'what':<44}{'seconds':>9}{'processor seconds':>20}")
    for name in arguments.names or CASES:
        shape, generator, discriminator = CASES[name]
        gan = gl.GAN(generator(shape), discriminator(shape), latent_dim=100)
        real = np.random.default_rng(0).uniform(-1, 1, (2 * arguments.count, *shape)).astype("float32")
        with tempfile.TemporaryDirectory() as folder:
            os.environ["KERAS_HOME"] = folder

            def look(real=real, name=name):
                return gl.scoring.Reference(real, count=arguments.count, features=name, verbose=0)

            rows = {
                "real images, looked at for the first time": timed(look),
                "real images, features on disk": timed(look),
            }
        reference = rows["real images, features on disk"][0]
        rows[f"generating and scoring {arguments.count:,}"] = timed(lambda r=reference, g=gan: r.score(g, verbose=0))
        rows[f"generating alone {arguments.count:,}"] = timed(lambda g=gan: g.generate(arguments.count, seed=0))
        for what, (_, wall, cpu) in rows.items():
            print(f"{name:<10}{what:<44}{wall:>9.1f}{cpu:>20.1f}")
    if arguments.accuracy:
        for name in arguments.names or CASES:
            images, labels, info = gl.data.arrays(name, split="test", allow_stand_in=False)
            right = float((gl.features.get(name).probabilities(images).argmax(1) == labels).mean())
            print(f"{gl.features.get(name).title}: {right:.2%} of {info.title}'s {len(images):,} test images right")


if __name__ == "__main__":
    main()
