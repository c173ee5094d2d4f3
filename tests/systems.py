"""Systems written on the package's bases as an engineer would write them, without a private name.

Each has a `make_…` that returns it compiled, on tiny networks of somebody else's, and data for `contract.holds`.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from others import LATENT, PLAYERS, SHAPE, images

import gan_lessons as gl

COUNT, CLASSES = 10, 3
IMAGES = gl.Part(SHAPE, value_range=(-1.0, 1.0))
LABELS = gl.Part((), value_range=(0, CLASSES - 1), integer=True)


def adam(rate=0.01, **options):
    return keras.optimizers.Adam(rate, beta_1=0.5, **options)


def averaging_adam():
    return adam(use_ema=True, ema_momentum=0.9)


def flat(*shapes, units, end=None, last=None, dropout=0.0):
    """A functional network of one hidden layer over all its inputs, flattened and put together."""
    inputs = [keras.Input(shape) for shape in shapes]
    x = [layers.Flatten()(layer) for layer in inputs]
    x = x[0] if len(x) == 1 else layers.Concatenate()(x)
    x = layers.Dropout(dropout)(layers.Dense(8, "relu")(x))
    x = layers.Dense(units, end)(x)
    x = layers.Reshape(last)(x) if last else x
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], x)


# --- GAN -----------------------------------------------------------------------------------------------------------


def plain():
    """Small smooth players without randomness, for comparison with what is computed by hand."""
    G = keras.Sequential(
        [keras.Input((LATENT,)), layers.Dense(5, "tanh"), layers.Dense(16, "tanh"), layers.Reshape(SHAPE)]
    )
    D = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(5, "tanh"), layers.Dense(1)])
    return G, D


def sgd(rate=0.1):
    return keras.optimizers.SGD(rate)


def small_gan(players=plain, optimizers=(sgd, sgd), seed=0, kind=gl.GAN, **arguments):
    """A compiled GAN on small players; `optimizers` are functions that make G's and D's."""
    names = ("jit_compile", "run_eagerly", "steps_per_execution")
    options = {name: arguments.pop(name) for name in names if name in arguments}
    keras.utils.set_random_seed(seed)
    gan = kind(*players(), LATENT, **arguments)
    gan.compile(
        generator_optimizer=optimizers[0](),
        discriminator_optimizer=optimizers[1](),
        **({"jit_compile": False} | options),
    )
    return gan


def make_gan(players="sequential", **options):
    """What makes resuming exactly hard: Dropout and noise, α, a lazy penalty, an average, several steps of D."""
    penalty = [gl.penalties.GradientPenalty(2.0), gl.penalties.GradientPenalty(0.5, every=2)]
    gan = gl.GAN(*PLAYERS[players](), LATENT, penalty=penalty, discriminator_steps=3)
    gan.compile(generator_optimizer=averaging_adam(), discriminator_optimizer=adam(), **options)
    return gan


def make_gan_of_parts(**options):
    """State in every part: u of spectral norms, LeCam's averages, random numbers of penalties and augmentations, p."""
    x = keras.Input(SHAPE)
    y = layers.LeakyReLU(0.2)(gl.layers.SpectralNorm(layers.Conv2D(8, 3, strides=2, padding="same"))(x))
    y = gl.layers.SelfAttention(spectral_norm=True)(y)
    y = layers.Flatten()(gl.layers.MinibatchStdDev()(y))
    D = keras.Model(x, gl.layers.SpectralNorm(layers.Dense(1))(y))
    gan = gl.GAN(
        PLAYERS["sequential"]()[0],
        D,
        LATENT,
        objective="hinge",
        penalty=[gl.penalties.LeCam(start=3), gl.penalties.DRAGAN(0.1), gl.penalties.ZeroCentred(0.1, every=2)],
        augment=[gl.augmentation.InstanceNoise(0.2, steps=20), gl.augmentation.AdaptiveAugment(target=0.1, images=30)],
    )
    gan.compile(generator_optimizer=averaging_adam(), discriminator_optimizer=adam(), **options)
    return gan


def make_relativistic_gan(**options):
    """R3GAN: its objective, which sees real images in G's turn, both its penalties, and packs."""
    players = PLAYERS["nested"]()
    D = keras.Sequential([keras.Input(SHAPE), gl.layers.Pack(2), layers.Conv2D(1, 3, padding="same"), players[1]])
    penalty, on_generator = [gl.penalties.R1(0.1), gl.penalties.R2(0.1)], gl.penalties.R2(0.1)
    gan = gl.GAN(
        players[0],
        D,
        LATENT,
        objective="relativistic",
        penalty=penalty,
        generator_penalty=on_generator,
        share_fakes=True,
    )
    gan.compile(generator_optimizer=averaging_adam(), discriminator_optimizer=adam(), **options)
    return gan


def hard(players="sequential", seed=0, **options):
    """The same on other people's networks, with all random numbers from a seed."""
    keras.utils.set_random_seed(seed)
    return make_gan(players, **({"jit_compile": False} | options))


def image_data():
    return {"images": images(COUNT)}


# --- VAE (arXiv:1312.6114) -----------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("systems")
class VAE(gl.GenerativeModel):
    def __init__(self, encoder, decoder, latent_dim, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.encoder, self.decoder, self.latent_dim = encoder, decoder, latent_dim
        self.batch = gl.Batch({"images": IMAGES})
        self.track("loss", "kl")

    def call(self, images, training=False):
        with self.average_of("encoder", "decoder"):
            return self.decoder(self.encoder(images, training=training)[:, : self.latent_dim], training=training)

    def loss_of(self, images, training):
        mean, log_variance = ops.split(ops.cast(self.encoder(images, training=training), "float32"), 2, axis=-1)
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        made = self.decoder(mean + ops.exp(log_variance / 2) * noise, training=training)
        kl = ops.mean(ops.sum(ops.exp(log_variance) + mean**2 - 1 - log_variance, axis=-1)) / 2
        self.log(kl=kl)
        return kl + ops.mean(ops.sum((images - ops.cast(made, "float32")) ** 2, axis=(1, 2, 3)))

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = self.loss_of(self.read(data), training=True)
        self.log(loss=self.descend(loss, tape))

    def test_step(self, data):
        self.log(loss=self.loss_of(self.read(data), training=False))

    def generate(self, count, seed=None):
        return self.compute("decoder", keras.random.normal((count, self.latent_dim), seed=seed))


def make_vae(**options):
    encoder = flat(SHAPE, units=4, dropout=0.2)
    vae = VAE(encoder, flat((2,), units=16, end="tanh", last=SHAPE), latent_dim=2)
    vae.compile(averaging_adam(), **options)
    return vae


# --- conditional GAN (arXiv:1411.1784) -----------------------------------------------------------------------------


@keras.saving.register_keras_serializable("systems")
class Conditional(gl.AdversarialModel):
    player_names = ("generator", "discriminator")

    def __init__(self, generator, discriminator, latent_dim, objective="non_saturating", penalty=None, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.discriminator, self.latent_dim = generator, discriminator, latent_dim
        self.objective, self.penalty = gl.objectives.get(objective), penalty
        self.batch = gl.Batch({"images": IMAGES, "labels": LABELS})
        self.call_inputs = gl.Batch({"latents": gl.Part((latent_dim,)), "labels": LABELS})
        self.track("d_loss", "g_loss")

    def call(self, inputs, training=False):
        latents, labels = inputs
        with self.average_of("generator"):
            return self.generator([latents, ops.one_hot(labels, CLASSES)], training=training)

    def fakes(self, labels, training):
        latents = keras.random.normal((ops.shape(labels)[0], self.latent_dim), seed=self.seed_generator)
        return self.generator([latents, ops.one_hot(labels, CLASSES)], training=training)

    def logits(self, images, labels, training):
        return ops.cast(self.discriminator([images, ops.one_hot(labels, CLASSES)], training=training), "float32")

    def train_step(self, data):
        images, labels = self.read(data)
        fakes = self.fakes(labels, training=True)
        with tf.GradientTape() as tape:
            d_loss = self.objective.discriminator_loss(
                self.logits(images, labels, True), self.logits(fakes, labels, True)
            )
            if self.penalty is not None:
                d_loss += self.penalty(lambda pair: self.logits(*pair, True), (images, labels), (fakes, labels))
        self.log(d_loss=self.descend("discriminator", d_loss, tape))
        with tf.GradientTape() as tape:
            g_loss = self.objective.generator_loss(self.logits(self.fakes(labels, True), labels, True))
        self.log(g_loss=self.descend("generator", g_loss, tape))

    def test_step(self, data):
        images, labels = self.read(data)
        fake = self.logits(self.fakes(labels, False), labels, False)
        self.log(d_loss=self.objective.discriminator_loss(self.logits(images, labels, False), fake))
        self.log(g_loss=self.objective.generator_loss(fake))

    def generate(self, count=None, seed=None, labels=None):
        labels = np.arange(count) % CLASSES if labels is None else np.asarray(labels)
        latents = keras.random.normal((len(labels), self.latent_dim), seed=seed)
        return self.compute("generator", [latents, ops.one_hot(labels, CLASSES)])


def make_conditional(**options):
    gan = Conditional(
        flat((LATENT,), (CLASSES,), units=16, end="tanh", last=SHAPE),
        flat(SHAPE, (CLASSES,), units=1, dropout=0.3),
        latent_dim=LATENT,
        penalty=gl.penalties.GradientPenalty(1.0),
    )
    gan.compile(generator_optimizer=averaging_adam(), discriminator_optimizer=adam(), **options)
    return gan


def labelled_data():
    return {"images": images(COUNT), "labels": (np.arange(COUNT) % CLASSES).astype("int64")}


# --- paired translation (pix2pix, arXiv:1611.07004) ----------------------------------------------------------------


@keras.saving.register_keras_serializable("systems")
class Translator(gl.AdversarialModel):
    player_names = ("generator", "discriminator")
    generates = "target"

    def __init__(self, generator, discriminator, weight=100.0, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.discriminator, self.weight = generator, discriminator, weight
        self.objective = gl.objectives.NonSaturating()
        self.batch = gl.Batch({"source": IMAGES, "target": IMAGES})
        self.track("d_loss", "g_loss", "distance")

    def call(self, source, training=False):
        with self.average_of("generator"):
            return self.generator(source, training=training)

    def losses_of(self, source, target, made, training):
        real = ops.cast(self.discriminator([source, target], training=training), "float32")
        fake = ops.cast(self.discriminator([source, made], training=training), "float32")
        distance = ops.mean(ops.abs(target - ops.cast(made, "float32")))
        self.log(distance=distance)
        g_loss = self.objective.generator_loss(fake) + self.weight * distance
        return self.objective.discriminator_loss(real, fake), g_loss

    def train_step(self, data):
        source, target = self.read(data)
        with tf.GradientTape(persistent=True) as tape:
            made = self.generator(source, training=True)
            d_loss, g_loss = self.losses_of(source, target, made, training=True)
        self.log(d_loss=self.descend("discriminator", d_loss, tape), g_loss=self.descend("generator", g_loss, tape))

    def test_step(self, data):
        source, target = self.read(data)
        d_loss, g_loss = self.losses_of(source, target, self.generator(source, training=False), training=False)
        self.log(d_loss=d_loss, g_loss=g_loss)


def make_translator(**options):
    generator = flat(SHAPE, units=16, end="tanh", last=SHAPE, dropout=0.2)
    model = Translator(generator, flat(SHAPE, SHAPE, units=1))
    model.compile(generator_optimizer=adam(), discriminator_optimizer="sgd", **options)
    return model


def paired_data():
    return {"source": images(COUNT), "target": images(COUNT, 1)}


# --- BiGAN (arXiv:1605.09782): the generator's player has two networks ---------------------------------------------


@keras.saving.register_keras_serializable("systems")
class BiGAN(gl.AdversarialModel):
    player_names = {"generator": ("generator", "encoder"), "discriminator": ("discriminator",)}

    def __init__(self, generator, encoder, discriminator, latent_dim, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.encoder, self.discriminator = generator, encoder, discriminator
        self.latent_dim = latent_dim
        self.objective = gl.objectives.NonSaturating()
        self.batch = gl.Batch({"images": IMAGES})
        self.call_inputs = gl.Batch({"latents": gl.Part((latent_dim,))})
        self.track("d_loss", "g_loss")

    def call(self, latents, training=False):
        with self.average_of("generator"):
            return self.generator(latents, training=training)

    def logits(self, images, training):
        """D's logits on (x, E(x)) and on (G(z), z)."""
        latents = keras.random.normal((ops.shape(images)[0], self.latent_dim), seed=self.seed_generator)
        pairs = (
            [images, self.encoder(images, training=training)],
            [self.generator(latents, training=training), latents],
        )
        return [ops.cast(self.discriminator(pair, training=training), "float32") for pair in pairs]

    def train_step(self, data):
        images = self.read(data)
        with tf.GradientTape() as tape:
            d_loss = self.objective.discriminator_loss(*self.logits(images, True))
        self.log(d_loss=self.descend("discriminator", d_loss, tape))
        with tf.GradientTape() as tape:
            real, fake = self.logits(images, True)
            g_loss = self.objective.discriminator_loss(fake, real)  # both of its networks want the labels swapped
        self.log(g_loss=self.descend("generator", g_loss, tape))

    def test_step(self, data):
        real, fake = self.logits(self.read(data), False)
        self.log(
            d_loss=self.objective.discriminator_loss(real, fake), g_loss=self.objective.discriminator_loss(fake, real)
        )

    def encode(self, images):
        return self.compute("encoder", images)

    def generate(self, count, seed=None):
        return self.compute("generator", keras.random.normal((count, self.latent_dim), seed=seed))


def make_bigan(**options):
    gan = BiGAN(
        flat((LATENT,), units=16, end="tanh", last=SHAPE),
        flat(SHAPE, units=LATENT),
        flat(SHAPE, (LATENT,), units=1, dropout=0.3),
        latent_dim=LATENT,
    )
    gan.compile(generator_optimizer=averaging_adam(), discriminator_optimizer=adam(), **options)
    return gan


# --- two domains without pairs (CycleGAN, arXiv:1703.10593) --------------------------------------------------------


@keras.saving.register_keras_serializable("systems")
class TwoDomains(gl.AdversarialModel):
    player_names = {
        "generators": ("generator_ab", "generator_ba"),
        "discriminators": ("discriminator_a", "discriminator_b"),
    }
    generates = "b"

    def __init__(self, generator_ab, generator_ba, discriminator_a, discriminator_b, cycle=10.0, **kwargs):
        super().__init__(**kwargs)
        self.generator_ab, self.generator_ba, self.cycle = generator_ab, generator_ba, cycle
        self.discriminator_a, self.discriminator_b = discriminator_a, discriminator_b
        self.objective = gl.objectives.NonSaturating()
        self.batch = gl.Batch({"a": IMAGES, "b": IMAGES}, paired=False)
        self.track("d_loss", "g_loss")

    def call(self, images, training=False):
        with self.average_of("generator_ab"):
            return self.generator_ab(images, training=training)

    def losses_of(self, a, b, training):
        made_b, made_a = self.generator_ab(a, training=training), self.generator_ba(b, training=training)
        d_loss, g_loss = 0.0, 0.0
        for network, real, made in ((self.discriminator_a, a, made_a), (self.discriminator_b, b, made_b)):
            real, fake = (ops.cast(network(x, training=training), "float32") for x in (real, made))
            d_loss += self.objective.discriminator_loss(real, fake)
            g_loss += self.objective.generator_loss(fake)
        for network, made, start in ((self.generator_ba, made_b, a), (self.generator_ab, made_a, b)):
            back = ops.cast(network(made, training=training), "float32")
            g_loss += self.cycle * ops.mean(ops.abs(back - start))
        return d_loss, g_loss

    def train_step(self, data):
        a, b = self.read(data)
        with tf.GradientTape(persistent=True) as tape:
            d_loss, g_loss = self.losses_of(a, b, training=True)
        self.log(d_loss=self.descend("discriminators", d_loss, tape), g_loss=self.descend("generators", g_loss, tape))

    def test_step(self, data):
        d_loss, g_loss = self.losses_of(*self.read(data), training=False)
        self.log(d_loss=d_loss, g_loss=g_loss)


def make_two_domains(**options):
    networks = [flat(SHAPE, units=16, end="tanh", last=SHAPE, dropout=0.1) for _ in range(2)]
    model = TwoDomains(*networks, flat(SHAPE, units=1), flat(SHAPE, units=1, dropout=0.2))
    model.compile(generators_optimizer=averaging_adam(), discriminators_optimizer=adam(), **options)
    return model


def unpaired_data():
    return {"a": images(COUNT), "b": images(COUNT, 1)}


# --- a game of three players, whose steps can be computed by hand --------------------------------------------------


@keras.saving.register_keras_serializable("systems")
class ThreeOnALine(gl.AdversarialModel):
    """Three players with one weight each: a pulls towards b, b towards c, c towards the data's mean."""

    player_names = ("a", "b", "c")

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        for name in self.player_names:
            setattr(self, name, keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)]))
        self.track(["a_loss", "b_loss", "c_loss"])

    def train_step(self, data):
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        one = keras.ops.ones((1, 1))
        targets = {"a": self.b(one), "b": self.c(one), "c": keras.ops.mean(x)}
        for name in self.player_names:
            with tf.GradientTape() as tape:
                loss = keras.ops.sum((getattr(self, name)(one) - keras.ops.stop_gradient(targets[name])) ** 2)
            self.descend(name, loss, tape)
            self.log(**{f"{name}_loss": loss})
