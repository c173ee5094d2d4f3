"""Keeps the generator of digits that lesson 00 opens with: `python data/keep_digits_generator.py`.

It is lesson 02's generator, which `make course ONLY=mlp_gan` trains on the real MNIST. The file holds the average of
its weights, in half precision, which makes the file small and changes no pixel by more than about 1 of 255.
`portable.py` writes it to `digits_generator.keras` beside this script.
"""

import argparse
from pathlib import Path

import keras
import portable

import gan_lessons as gl

ROOT = Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gan", type=Path, default=ROOT / "build" / "mlp_gan" / "mnist" / "gan.keras")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("digits_generator.keras"))
    arguments = parser.parse_args()

    gan = keras.models.load_model(arguments.gan)
    keras.config.set_dtype_policy("float16")
    half = gl.networks.mlp_generator((28, 28, 1), name="digits_generator")
    half.set_weights(gan.averaged("generator").get_weights())
    portable.write(half, arguments.output)

    images, labels, _ = gl.data.arrays("mnist", allow_stand_in=False)
    keras.config.set_dtype_policy("float32")
    judge = gl.metrics.train_classifier(images, labels, epochs=5)
    latents = gan.sample_latents(10_000, seed=0)
    print("MNIST, seed 0:", gl.metrics.class_report(judge, half.predict(latents, verbose=0)))


if __name__ == "__main__":
    main()
