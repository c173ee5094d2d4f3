"""Trains the generator of digits that lesson 00 opens with: `python data/train_digits_generator.py`.

It is lesson 02's generator, trained as there on the real MNIST, of which nothing but these weights remains. What is kept is
the average of its weights, in half precision, which makes the file small and changes no pixel by more than about 1 of 255.
It is written to `digits_generator.keras` beside this script.
"""

import argparse
from pathlib import Path

import keras

import gan_lessons as gl

EPOCHS, BATCH_SIZE, LEARNING_RATE = 34, 128, 8e-4


def train():
    """Lesson 02's training."""
    keras.utils.set_random_seed(0)
    images = gl.data.load("mnist", batch_size=BATCH_SIZE, seed=0, allow_stand_in=False, drop_remainder=True)
    gan = gl.GAN(
        gl.networks.mlp_generator((28, 28, 1)),
        gl.networks.mlp_discriminator((28, 28, 1)),
        latent_dim=100,
    )
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(LEARNING_RATE, beta_1=0.5, use_ema=True, ema_momentum=0.9995),
        discriminator_optimizer=keras.optimizers.Adam(LEARNING_RATE, beta_1=0.5),
    )
    gan.fit(images, epochs=EPOCHS, verbose=2)
    return gan


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gan", type=Path, help="a GAN saved by lesson 02, in place of training one")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("digits_generator.keras"))
    arguments = parser.parse_args()

    gan = keras.models.load_model(arguments.gan) if arguments.gan else train()
    keras.config.set_dtype_policy("float16")
    half = gl.networks.mlp_generator((28, 28, 1), name="digits_generator")
    with gan.averaged("generator"):
        half.set_weights(gan.generator.get_weights())
    half.save(arguments.output)

    images, labels, _ = gl.data.arrays("mnist", allow_stand_in=False)
    keras.config.set_dtype_policy("float32")
    judge = gl.metrics.train_classifier(images, labels, epochs=5)
    latents = gan.sample_latents(10_000, seed=0)
    print("MNIST, seed 0:", gl.metrics.class_report(judge, half.predict(latents, verbose=0)))


if __name__ == "__main__":
    main()
