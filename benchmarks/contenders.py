"""One way of training a GAN, run as a process of its own: what `speed.py` starts and times.

    python benchmarks/contenders.py fit dcgan

The ways play the same game on the same images with equal networks and optimizers:

- `fit`: `GAN.fit`, with its input pipeline. `fit, …` are variants of it.
- `by hand`: a loop over a `tf.function`, as you would write it for this game, with the same pipeline.
- `textbook`: a `keras.Model` as in the well-known examples, of Keras's own layers: fresh fakes for each player, real
  and generated images concatenated, several critic steps in a Python loop.
- `torch`, `torch compiled`: PyTorch's well-known example, eager and through `torch.compile`.

A process says `ready`, then answers each line "n" with the seconds that n steps took, and "memory" with its peak in MB.
How a data set begins, with a shuffle buffer to be filled, which is done once for a whole training, is not in the
seconds: n steps are taken before those that are timed. (PyTorch's loop picks its images out of an array.)
A step has 64 images. For WGAN-GP it is a step of the critic, with a fifth of a step of the generator.
"""

import itertools
import os
import resource
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BATCH, LATENT_DIM, CRITIC_STEPS, PENALTY_WEIGHT = 64, 100, 5, 10.0
SHAPES = {"mlp": (28, 28, 1), "dcgan": (32, 32, 3), "wgan_gp": (32, 32, 3)}
SETS = {"mlp": "mnist", "dcgan": "cifar10", "wgan_gp": "cifar10"}
# XLA where it pays on a CPU, as the lessons have it: for dense layers, not for convolutions (`speed.py --options`).
XLA = {"mlp": True, "dcgan": False, "wgan_gp": False}


# --- TensorFlow -------------------------------------------------------------------------------------------------------


def players(case):
    """Returns (generator, discriminator): the networks of the lesson."""
    from gan_lessons import recipes

    make = {"mlp": recipes.mlp_gan, "dcgan": recipes.dcgan, "wgan_gp": recipes.wgan_gp}[case]
    gan = make(SHAPES[case])
    return gan.generator, gan.discriminator


def adam():
    """Returns the textbook's optimizer, which all contenders have."""
    from gan_lessons.recipes import TEXTBOOK

    return TEXTBOOK["optimizer"](TEXTBOOK["learning_rate"])


def batches(case):
    import gan_lessons as gl

    return gl.data.load(SETS[case], batch_size=BATCH, drop_remainder=True, seed=0).repeat()


def timed_fit(model, data):
    """What trains a `keras.Model` for twice so many steps, and answers the seconds of the second half."""
    import keras

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.ends = []

        def on_train_batch_end(self, batch, logs=None):
            self.ends.append((batch + 1, time.perf_counter()))

    def run(steps):
        clock = Clock()
        model.fit(data, steps_per_epoch=2 * steps, verbose=0, callbacks=[clock])
        (first, begin), (last, end) = clock.ends[len(clock.ends) // 2 - 1], clock.ends[-1]
        return (end - begin) * steps / (last - first)

    return run


def gan(case, share_fakes=False, **options):
    """A compiled `gan_lessons.GAN`."""
    import gan_lessons as gl

    wgan = {"objective": "wasserstein", "penalty": gl.penalties.GradientPenalty(PENALTY_WEIGHT)}
    wgan = wgan | {"discriminator_steps": CRITIC_STEPS} if case == "wgan_gp" else {}
    gan = gl.GAN(*players(case), LATENT_DIM, share_fakes=share_fakes, **wgan)
    options = {"jit_compile": XLA[case]} | options
    gan.compile(generator_optimizer=adam(), discriminator_optimizer=adam(), **options)
    return gan


def fit(case, pipeline=True, policy="float32", **options):
    import keras

    keras.config.set_dtype_policy(policy)
    data = batches(case)
    if not pipeline:
        import tensorflow as tf

        data = tf.data.Dataset.from_tensors(next(iter(data))).repeat()
    return timed_fit(gan(case, **options), data)


def by_hand(case):
    """The game as you would write it by hand: running sums in the place of Keras's metrics, XLA as `fit` has it."""
    import tensorflow as tf

    generator, discriminator = players(case)
    g_optimizer, d_optimizer = adam(), adam()
    g_optimizer.build(generator.trainable_variables)
    d_optimizer.build(discriminator.trainable_variables)
    wgan = case == "wgan_gp"
    names = ("d_loss", "g_loss", "penalty") if wgan else ("d_loss", "g_loss", "d_real", "d_fake")
    sums = {name: tf.Variable(0.0) for name in names}

    def draw():
        return tf.random.normal((BATCH, LATENT_DIM))

    def discriminators_turn(images):
        fakes = generator(draw(), training=True)
        with tf.GradientTape() as tape:
            real_logits = discriminator(images, training=True)
            fake_logits = discriminator(fakes, training=True)
            if wgan:
                alpha = tf.random.uniform((BATCH, 1, 1, 1))
                between = alpha * images + (1 - alpha) * fakes
                with tf.GradientTape() as inner:
                    inner.watch(between)
                    answers = discriminator(between, training=True)
                slopes = tf.reduce_sum(inner.gradient(answers, between) ** 2, axis=(1, 2, 3))
                penalty = PENALTY_WEIGHT * tf.reduce_mean((tf.sqrt(slopes + 1e-12) - 1) ** 2)
                d_loss = tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits) + penalty
                sums["penalty"].assign_add(penalty)
            else:
                d_loss = tf.reduce_mean(tf.math.softplus(-real_logits)) + tf.reduce_mean(tf.math.softplus(fake_logits))
                sums["d_real"].assign_add(tf.reduce_mean(tf.sigmoid(real_logits)))
                sums["d_fake"].assign_add(tf.reduce_mean(tf.sigmoid(fake_logits)))
        weights = discriminator.trainable_variables
        d_optimizer.apply(tape.gradient(d_loss, weights), weights)
        sums["d_loss"].assign_add(d_loss)

    def generators_turn():
        with tf.GradientTape() as tape:
            logits = discriminator(generator(draw(), training=True), training=True)
            g_loss = -tf.reduce_mean(logits) if wgan else tf.reduce_mean(tf.math.softplus(-logits))
        weights = generator.trainable_variables
        g_optimizer.apply(tape.gradient(g_loss, weights), weights)
        sums["g_loss"].assign_add(g_loss)

    @tf.function(jit_compile=XLA[case])
    def critic_step(images):
        discriminators_turn(images)

    @tf.function(jit_compile=XLA[case])
    def step(images):
        discriminators_turn(images)
        generators_turn()

    data, taken = batches(case), 0

    def play(iterator, steps):
        nonlocal taken
        begin = time.perf_counter()
        for _ in range(steps):
            taken += 1
            (step if not wgan or taken % CRITIC_STEPS == 0 else critic_step)(next(iterator))
        sums["d_loss"].numpy()
        return time.perf_counter() - begin

    def run(steps):
        iterator = iter(data)
        play(iterator, steps)
        return play(iterator, steps)

    return run


def textbook(case):
    import keras
    import tensorflow as tf
    from keras import ops

    def of_keras(layer):
        kind = next(kind for kind in type(layer).__mro__ if kind.__module__.startswith("keras."))
        return kind.from_config(layer.get_config())

    generator, discriminator = (keras.models.clone_model(player, clone_function=of_keras) for player in players(case))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)

    class GAN(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator, self.discriminator = generator, discriminator
            self.d_loss, self.g_loss = keras.metrics.Mean(name="d_loss"), keras.metrics.Mean(name="g_loss")
            self.g_optimizer, self.d_optimizer = adam(), adam()

        @property
        def metrics(self):
            return [self.d_loss, self.g_loss]

        def train_step(self, images):
            step = self.wgan_step if case == "wgan_gp" else self.plain_step
            d_loss, g_loss = step(images)
            self.d_loss.update_state(d_loss)
            self.g_loss.update_state(g_loss)
            return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}

        def plain_step(self, images):
            fakes = self.generator(keras.random.normal((BATCH, LATENT_DIM)), training=True)
            both = ops.concatenate([fakes, images], axis=0)
            labels = ops.concatenate([ops.zeros((BATCH, 1)), ops.ones((BATCH, 1))], axis=0)
            with tf.GradientTape() as tape:
                d_loss = loss(labels, self.discriminator(both, training=True))
            weights = self.discriminator.trainable_weights
            self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights, strict=True))
            with tf.GradientTape() as tape:
                fakes = self.generator(keras.random.normal((BATCH, LATENT_DIM)), training=True)
                g_loss = loss(ops.ones((BATCH, 1)), self.discriminator(fakes, training=True))
            weights = self.generator.trainable_weights
            self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
            return d_loss, g_loss

        def wgan_step(self, images):
            for _ in range(CRITIC_STEPS):
                with tf.GradientTape() as tape:
                    fakes = self.generator(keras.random.normal((BATCH, LATENT_DIM)), training=True)
                    fake_logits = self.discriminator(fakes, training=True)
                    real_logits = self.discriminator(images, training=True)
                    between = images + keras.random.uniform((BATCH, 1, 1, 1)) * (fakes - images)
                    with tf.GradientTape() as inner:
                        inner.watch(between)
                        answers = self.discriminator(between, training=True)
                    norms = ops.sqrt(ops.sum(ops.square(inner.gradient(answers, between)), axis=[1, 2, 3]) + 1e-12)
                    penalty = ops.mean((norms - 1.0) ** 2)
                    d_loss = ops.mean(fake_logits) - ops.mean(real_logits) + PENALTY_WEIGHT * penalty
                weights = self.discriminator.trainable_variables
                self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights, strict=True))
            with tf.GradientTape() as tape:
                fakes = self.generator(keras.random.normal((BATCH, LATENT_DIM)), training=True)
                g_loss = -ops.mean(self.discriminator(fakes, training=True))
            weights = self.generator.trainable_variables
            self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
            return d_loss, g_loss

    gan = GAN()
    gan.compile(optimizer=None)
    data = batches(case)
    turns = CRITIC_STEPS if case == "wgan_gp" else 1  # this step's loop takes several of the critic's
    run = timed_fit(gan, data)
    return lambda steps: run(steps // turns)


# --- PyTorch ----------------------------------------------------------------------------------------------------------


def torch_players(case, torch):
    from gan_lessons.recipes import FILTERS

    nn = torch.nn
    channels = SHAPES[case][-1]
    if case == "mlp":
        widths = [LATENT_DIM, 256, 512, 1024]
        hidden = [part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), nn.LeakyReLU(0.2))]
        generator = nn.Sequential(*hidden, nn.Linear(1024, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))
        discriminator = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 512), nn.LeakyReLU(0.2),
            nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1),
        )  # fmt: skip
        return generator, discriminator
    a, b, c = FILTERS
    norm = nn.Identity if case == "wgan_gp" else nn.BatchNorm2d
    up = down = {"kernel_size": 4, "stride": 2, "padding": 1}
    generator = nn.Sequential(
        nn.Linear(LATENT_DIM, 16 * a, bias=False), nn.Unflatten(1, (a, 4, 4)), nn.BatchNorm2d(a), nn.ReLU(),
        nn.ConvTranspose2d(a, b, **up, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
        nn.ConvTranspose2d(b, c, **up, bias=False), nn.BatchNorm2d(c), nn.ReLU(),
        nn.ConvTranspose2d(c, channels, **up), nn.Tanh(),
    )  # fmt: skip
    c, b, a = FILTERS
    discriminator = nn.Sequential(
        nn.Conv2d(channels, a, **down), nn.LeakyReLU(0.2),
        nn.Conv2d(a, b, **down, bias=case == "wgan_gp"), norm(b), nn.LeakyReLU(0.2),
        nn.Conv2d(b, c, **down, bias=case == "wgan_gp"), norm(c), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(16 * c, 1),
    )  # fmt: skip
    return generator, discriminator


def torch_loop(case, compiled=False):
    import torch

    import gan_lessons as gl

    images, _, _ = gl.data.arrays(SETS[case])
    images = torch.from_numpy(((images.transpose(0, 3, 1, 2) + 1) * 127.5).round().astype("uint8"))
    generator, discriminator = torch_players(case, torch)
    g_optimizer = torch.optim.Adam(generator.parameters(), 2e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(discriminator.parameters(), 2e-4, betas=(0.5, 0.999))
    if compiled:
        generator, discriminator = torch.compile(generator), torch.compile(discriminator)
    loss = torch.nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
    sums, taken = torch.zeros(2), 0

    def run(steps):
        nonlocal taken
        begin = time.perf_counter()
        for _ in range(steps):
            taken += 1
            picked = torch.randint(len(images), (BATCH,))
            reals = images[picked].float() / 127.5 - 1
            d_optimizer.zero_grad(set_to_none=True)
            fakes = generator(torch.randn(BATCH, LATENT_DIM))
            if case == "wgan_gp":
                fakes = fakes.detach()
                alpha = torch.rand(BATCH, 1, 1, 1)
                between = (alpha * reals + (1 - alpha) * fakes).requires_grad_(True)
                slopes = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)[0]
                penalty = PENALTY_WEIGHT * ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()
                d_loss = discriminator(fakes).mean() - discriminator(reals).mean() + penalty
            else:
                d_loss = loss(discriminator(reals), ones) + loss(discriminator(fakes.detach()), zeros)
            d_loss.backward()
            d_optimizer.step()
            sums[0] += d_loss.detach()
            if case == "wgan_gp":
                if taken % CRITIC_STEPS:
                    continue
                fakes = generator(torch.randn(BATCH, LATENT_DIM))
            g_optimizer.zero_grad(set_to_none=True)
            logits = discriminator(fakes)
            g_loss = -logits.mean() if case == "wgan_gp" else loss(logits, ones)
            g_loss.backward()
            g_optimizer.step()
            sums[1] += g_loss.detach()
        return time.perf_counter() - begin

    return run


CONTENDERS = {
    "fit": fit,
    "by hand": by_hand,
    "textbook": textbook,
    "torch": torch_loop,
    "torch compiled": lambda case: torch_loop(case, compiled=True),
    "fit, shared fakes": lambda case: fit(case, share_fakes=case != "wgan_gp"),
    "fit, XLA": lambda case: fit(case, jit_compile=True),
    "fit, no XLA": lambda case: fit(case, jit_compile=False),
    "fit, 8 steps a call": lambda case: fit(case, steps_per_execution=8),
    "fit, shared fakes, 8 steps": lambda case: fit(case, share_fakes=case != "wgan_gp", steps_per_execution=8),
    "fit, one fixed batch": lambda case: fit(case, pipeline=False),
    "fit, bfloat16": lambda case: fit(case, policy="mixed_bfloat16"),
}


def main():
    name, case = sys.argv[1:]
    run = CONTENDERS[name](case)
    run(4 * CRITIC_STEPS)  # traced and compiled
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "memory":
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
            continue
        print(run(int(line)), flush=True)


if __name__ == "__main__":
    main()
