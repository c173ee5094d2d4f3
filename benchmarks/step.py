"""What a step of `GAN.fit` costs, beside a hand-written `tf.function` loop with the same mathematics.

    python benchmarks/step.py                 # all cases
    python benchmarks/step.py mlp --blocks 15

Both play on the same batches with networks and optimizers made alike, and are timed in turn, a block of steps each, in one
process: on a noisy machine only the ratio of neighbours means something. Printed is the median of the ratios of the pairs,
with their quartiles. The aim is at most 1.05.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import gan_lessons as gl

LATENT_DIM = 100


def adam():
    return keras.optimizers.Adam(2e-4, beta_1=0.5)


def mlp():
    return gl.networks.mlp_generator((28, 28, 1)), gl.networks.mlp_discriminator((28, 28, 1))


def dcgan():
    return gl.networks.dcgan_generator(filters=(128, 64, 32)), gl.networks.dcgan_discriminator(
        filters=(32, 64, 128)
    )


# name: (networks, image shape, steps in a block, XLA)
CASES = {
    "mlp": (mlp, (28, 28, 1), 200, False),
    "mlp, XLA": (mlp, (28, 28, 1), 200, True),
    "dcgan": (dcgan, (32, 32, 3), 25, False),
    "dcgan, XLA": (dcgan, (32, 32, 3), 25, True),
}


def hand_written(generator, discriminator, generator_optimizer, discriminator_optimizer, jit_compile):
    """The game as one would write it by hand, with running sums in the place of Keras's metrics."""
    sums = {name: tf.Variable(0.0) for name in ("d_loss", "g_loss", "d_real", "d_fake")}

    @tf.function(jit_compile=jit_compile)
    def step(images):
        fakes = generator(tf.random.normal((tf.shape(images)[0], LATENT_DIM)), training=True)
        with tf.GradientTape() as tape:
            real_logits = discriminator(images, training=True)
            fake_logits = discriminator(fakes, training=True)
            d_loss = tf.reduce_mean(tf.math.softplus(-real_logits)) + tf.reduce_mean(
                tf.math.softplus(fake_logits)
            )
        weights = discriminator.trainable_variables
        discriminator_optimizer.apply(tape.gradient(d_loss, weights), weights)
        with tf.GradientTape() as tape:
            fakes = generator(tf.random.normal((tf.shape(images)[0], LATENT_DIM)), training=True)
            g_loss = tf.reduce_mean(tf.math.softplus(-discriminator(fakes, training=True)))
        weights = generator.trainable_variables
        generator_optimizer.apply(tape.gradient(g_loss, weights), weights)
        sums["d_loss"].assign_add(d_loss)
        sums["g_loss"].assign_add(g_loss)
        sums["d_real"].assign_add(tf.reduce_mean(tf.sigmoid(real_logits)))
        sums["d_fake"].assign_add(tf.reduce_mean(tf.sigmoid(fake_logits)))

    return step


def measure(networks, image_shape, steps, jit_compile, blocks):
    images = np.random.default_rng(0).uniform(-1, 1, (1024, *image_shape)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices(images).batch(64).repeat().prefetch(2)

    gan = gl.GAN(*networks(), LATENT_DIM)
    gan.compile(generator_optimizer=adam(), discriminator_optimizer=adam(), jit_compile=jit_compile)

    generator, discriminator = networks()
    optimizers = adam(), adam()
    optimizers[0].build(generator.trainable_variables)
    optimizers[1].build(discriminator.trainable_variables)
    step = hand_written(generator, discriminator, *optimizers, jit_compile)

    def ours():
        gan.fit(data, steps_per_epoch=steps, verbose=0)

    def theirs():
        for batch in data.take(steps):
            step(batch)

    ours(), theirs()  # traced and compiled
    times = []
    for block in range(blocks):
        pair = {}
        for run in (ours, theirs) if block % 2 else (theirs, ours):
            begin = time.perf_counter()
            run()
            pair[run] = (time.perf_counter() - begin) / steps
        times.append((pair[ours], pair[theirs]))
    return np.array(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help=f"of: {', '.join(CASES)}")
    parser.add_argument("--blocks", type=int, default=11, help="how many pairs of blocks are timed")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(CASES):
        parser.error(f"unknown case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")

    print(f"{os.cpu_count()} cores, batch 64, {arguments.blocks} pairs of blocks")
    print(f"{'case':12} {'fit, ms/step':>13} {'by hand':>9} {'ratio':>7} {'quartiles':>14}")
    for name in arguments.cases or CASES:
        times = measure(*CASES[name], arguments.blocks)
        low, ratio, high = np.percentile(times[:, 0] / times[:, 1], (25, 50, 75))
        ours, theirs = 1e3 * np.median(times, axis=0)
        print(f"{name:12} {ours:13.2f} {theirs:9.2f} {ratio:7.3f}   {low:.3f} - {high:.3f}", flush=True)


if __name__ == "__main__":
    main()
