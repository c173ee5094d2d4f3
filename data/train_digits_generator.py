"""Trains the small generator of digits that lesson 00 opens with: `python data/train_digits_generator.py`.

A DCGAN for 28×28 images with a latent of 32 numbers, trained on the real MNIST, of which nothing but these weights remains.
It writes `digits_generator.keras` beside itself: the generator alone, with the average of its weights.
"""

import argparse
from pathlib import Path

import keras

import gan_lessons as gl

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--output", type=Path, default=Path(__file__).with_name("digits_generator.keras"))
arguments = parser.parse_args()

keras.utils.set_random_seed(0)
train = gl.data.load("mnist", batch_size=64, seed=0, allow_stand_in=False, drop_remainder=True)
gan = gl.GAN(
    gl.networks.dcgan_generator((28, 28, 1), latent_dim=32, filters=(64, 32), name="digits_generator"),
    gl.networks.dcgan_discriminator((28, 28, 1), filters=(32, 64)),
    latent_dim=32,
)
steps = arguments.epochs * len(train)
gan.compile(
    generator_optimizer=keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(2e-4, steps, alpha=0.05), beta_1=0.5, use_ema=True, ema_momentum=0.999
    ),
    discriminator_optimizer=keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(2e-4, steps, alpha=0.05), beta_1=0.5
    ),
)
gan.fit(train, epochs=arguments.epochs, verbose=2)
with gan.averaged("generator"):
    gan.generator.save(arguments.output)

images, labels, _ = gl.data.arrays("mnist", allow_stand_in=False)
judge = gl.metrics.train_classifier(images, labels)
print("MNIST, seed 0:", gl.metrics.class_report(judge, gan.generate(10_000, seed=0)))
