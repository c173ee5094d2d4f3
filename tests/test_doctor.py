"""Each illness is planted in a GAN that is well without it, and the doctor names that one."""

import dataclasses
import random
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from others import Handmade, HandmadeCritic, bumps, small_discriminator, small_generator

import gan_lessons as gl
from gan_lessons import doctor
from gan_lessons.doctor import illnesses, symptoms
from gan_lessons.doctor.diagnosis import leaving_out

IMAGES = bumps(512)


def compiled(model, **kwargs):
    model.compile(**kwargs)
    return model


def trained(model, images=IMAGES, steps=300, **kwargs):
    model = compiled(model)
    history = model.fit(images, batch_size=64, epochs=-(-steps * 64 // len(images)), verbose=0, **kwargs)
    return model, history


def names(gan, data=IMAGES, **kwargs):
    diagnosis = gl.diagnose(gan, data, **kwargs)
    assert diagnosis.left_out == []
    return diagnosis.names


# --- patients ----------------------------------------------------------------------------------------------------
#
# Each is `Handmade`, or its critic, with one thing wrong. A patient is a function that returns (gan, data, history).


class TwoSizes(Handmade):
    """D has no Dense layer, so that it takes images of any size."""

    def __init__(self):
        convolutions = [layers.Conv2D(8, 4, strides=2), layers.LeakyReLU(0.2), layers.Conv2D(1, 3)]
        super().__init__(None, keras.Sequential([keras.Input((None, None, 1)), *convolutions]))


class Detached(Handmade):
    def g_loss(self, fake):
        weights = tf.add_n([tf.reduce_sum(0.0 * weight) for weight in self.generator.trainable_variables])
        return super().g_loss(tf.stop_gradient(fake)) + weights


class DetachedAltogether(Handmade):
    def g_loss(self, fake):
        return super().g_loss(tf.stop_gradient(fake))


class NeverStepped(Handmade):
    def step_generator(self, gradients):
        pass


class SwappedInD(Handmade):
    def d_loss(self, real, fake):
        return super().d_loss(fake, real)


class SwappedInG(Handmade):
    def g_loss(self, fake):
        on_fake = self.judge(fake)
        return self.entropy(tf.zeros_like(on_fake), on_fake)


class RealIsZeroToo(Handmade):
    def d_loss(self, real, fake):
        on_real, on_fake = self.judge(real), self.judge(fake)
        return self.entropy(tf.zeros_like(on_real), on_real) + self.entropy(tf.zeros_like(on_fake), on_fake)


class WrongSign(HandmadeCritic):
    def g_loss(self, fake):
        return tf.reduce_mean(self.judge(fake))


class NoiseAsReal(Handmade):
    def real_images(self, data):
        return keras.random.normal((64, 8, 8, 1), seed=self.seeds)


class SameSeed(Handmade):
    def latents(self, count):
        return keras.random.normal((count, self.latent_dim), seed=3)


class NumPyNoise(Handmade):
    def latents(self, count):
        return tf.constant(np.random.normal(size=(64, self.latent_dim)).astype("float32"))


class SigmoidAndLogits(Handmade):
    """With a cross-entropy other than Keras's, which would see through it."""

    def __init__(self):
        super().__init__(None, small_discriminator("sigmoid"))
        self.entropy = lambda labels, answers: tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, answers))


class TensorFlowsSigmoid(SigmoidAndLogits):
    """Which leaves no logits with its answers, as Keras's does."""

    def __init__(self):
        super().__init__()
        self.discriminator = small_discriminator(lambda answers: tf.sigmoid(answers))


class WithoutTraining(Handmade):
    def __init__(self):
        super().__init__(None, small_discriminator(extra=[layers.Dropout(0.3)]))

    def judge(self, images):
        return self.discriminator(images)


class GeneratorWithoutTraining(Handmade):
    def __init__(self):
        super().__init__(small_generator(extra=[layers.BatchNormalization()]))

    def make(self, count):
        return self.generator(self.latents(count))


class NoisyTarget(Handmade):
    def d_loss(self, real, fake):
        on_real, on_fake = self.judge(real), self.judge(fake)
        ones = 1 + 0.05 * tf.random.uniform((64, 1))
        return self.entropy(ones, on_real) + self.entropy(tf.zeros_like(on_fake), on_fake)


class NormalAlpha(HandmadeCritic):
    def alpha(self, count):
        return keras.random.normal((count, 1, 1, 1), seed=self.seeds)


class WithoutEpsilon(HandmadeCritic):
    epsilon = 0.0


class FlatWithoutEpsilon(WithoutEpsilon):
    """Its slope is 0 in the first step, so that every step makes NaN."""

    def __init__(self):
        super().__init__()
        self.discriminator.layers[-1].kernel.assign(np.zeros(self.discriminator.layers[-1].kernel.shape))


class LogarithmOfZero(Handmade):
    def d_loss(self, real, fake):
        return super().d_loss(real, fake) + 1e-3 * tf.reduce_mean(tf.math.log(tf.nn.relu(-tf.abs(self.judge(real)))))


class InfiniteLoss(Handmade):
    """Its logarithm of 0 is in what is shown alone, and no gradient passes through it."""

    def report(self, d_loss, g_loss):
        self.d_loss_mean.update_state(tf.math.log(0.0 * g_loss))
        return super().report(d_loss, g_loss)


class SameBatch(HandmadeCritic):
    critic_steps = 3


class BatchNormCritic(HandmadeCritic):
    def __init__(self):
        super().__init__(None, small_discriminator(extra=[layers.BatchNormalization()]))


class MixedBatch(Handmade):
    """Both kinds in one batch, to a D with BatchNormalization."""

    def __init__(self):
        super().__init__(None, small_discriminator(extra=[layers.BatchNormalization()]))

    def d_loss(self, real, fake):
        answers = self.judge(tf.concat([real, fake], axis=0))
        return self.entropy(tf.constant([[1.0]] * 64 + [[0.0]] * 64), answers)


class OptimizersExchanged(Handmade):
    def step_discriminator(self, gradients):
        self.g_optimizer.apply(gradients, self.discriminator.trainable_variables)

    def step_generator(self, gradients):
        self.d_optimizer.apply(gradients, self.generator.trainable_variables)


class BuiltOnTheOther(Handmade):
    def compile(self):
        super().compile()
        self.d_optimizer.build(self.generator.trainable_variables)


class PlainLosses(Handmade):
    def report(self, d_loss, g_loss):
        return {"discriminator_loss": d_loss, "generator_loss": g_loss}


class RatesApart(Handmade):
    rates = (2e-4, 2e-2)


def frozen():
    gan = Handmade()
    gan.discriminator.trainable = False
    return compiled(gan), IMAGES, None


def leftover():
    return compiled(Handmade(), optimizer="rmsprop"), IMAGES, None


def cached():
    def augment(images):
        return tf.image.random_flip_left_right(images)

    data = tf.data.Dataset.from_tensor_slices(IMAGES).batch(64).map(augment).cache().prefetch(1)
    return compiled(Handmade()), data, None


def simply(kind, data=IMAGES):
    return lambda: (compiled(kind()), data, None)


EASY = {
    "images in [0, 1]": ("images_out_of_range", simply(Handmade, (IMAGES + 1) / 2)),
    "images in [0, 255]": ("images_out_of_range", simply(Handmade, (IMAGES + 1) * 127.5)),
    "images in [-1, 1] for a sigmoid": ("images_out_of_range", simply(lambda: Handmade(small_generator("sigmoid")))),
    "one grey": ("images_out_of_range", simply(Handmade, np.zeros_like(IMAGES))),
    "NaN in an image": (
        "images_out_of_range",
        simply(Handmade, np.where(np.arange(512)[:, None, None, None] == 5, np.nan, IMAGES)),
    ),
    "two sizes": ("logits_map", simply(TwoSizes, bumps(256, size=16))),
    "detached": ("generator_without_gradient", simply(Detached)),
    "detached altogether": ("generator_without_gradient", simply(DetachedAltogether)),
    "never stepped": ("generator_without_gradient", simply(NeverStepped)),
    "trainable = False": ("discriminator_frozen", frozen),
    "labels swapped in D": ("swapped_labels", simply(SwappedInD)),
    "labels swapped in G": ("swapped_labels", simply(SwappedInG)),
    "both labelled 0": ("swapped_labels", simply(RealIsZeroToo)),
    "a sign in a WGAN": ("swapped_labels", simply(WrongSign)),
    "noise as the data": ("noise_as_real", simply(Handmade, np.random.default_rng(0).uniform(-1, 1, (256, 8, 8, 1)))),
    "noise in the step": ("noise_as_real", simply(NoiseAsReal)),
    "one seed": ("fixed_noise", simply(SameSeed)),
    "NumPy's noise": ("fixed_noise", simply(NumPyNoise)),
    "sigmoid and logits": ("sigmoid_and_logits", simply(SigmoidAndLogits)),
    "TensorFlow's sigmoid": ("sigmoid_and_logits", simply(TensorFlowsSigmoid)),
    "no training=True for D": ("not_in_training_mode", simply(WithoutTraining)),
    "no training=True for G": ("not_in_training_mode", simply(GeneratorWithoutTraining)),
    "noise on the target": ("target_above_one", simply(NoisyTarget)),
    "alpha from a normal": ("extrapolating_penalty", simply(NormalAlpha)),
    "no epsilon": ("penalty_without_epsilon", simply(WithoutEpsilon)),
    "no epsilon, and flat from the first step": ("penalty_without_epsilon", simply(FlatWithoutEpsilon)),
    "a logarithm of 0": ("diverging", simply(LogarithmOfZero)),
    "a logarithm of 0 in the logs": ("diverging", simply(InfiniteLoss)),
    "same batch": ("same_batch", simply(SameBatch)),
    "batch norm in a critic": ("batchnorm_with_penalty", simply(BatchNormCritic)),
    "both kinds in one batch": ("mixed_batch", simply(MixedBatch)),
    "cache after augmentation": ("cached_augmentation", cached),
    "optimizers exchanged": ("optimizer_of_the_other", simply(OptimizersExchanged)),
    "built on the other": ("optimizer_of_the_other", simply(BuiltOnTheOther)),
    "leftover optimizer": ("leftover_optimizer", leftover),
    "plain losses": ("last_batch_loss", simply(PlainLosses)),
    "rates apart": ("learning_rates_apart", simply(RatesApart)),
}


@pytest.mark.parametrize("patient", EASY)
def test_a_planted_defect_is_named(patient):
    name, make = EASY[patient]
    gan, data, history = make()
    assert names(gan, data, history=history) == [name]


# --- illnesses that come with training ---------------------------------------------------------------------------


def sure_discriminator():
    """D was trained against a generator that stood still, and is as sure as after ten times as long."""
    gan, _ = trained(NeverStepped(), steps=200)
    last = gan.discriminator.layers[-1]
    last.kernel.assign(10 * last.kernel)
    last.bias.assign(10 * last.bias)
    return compiled(Handmade(gan.generator, gan.discriminator)), IMAGES, None


def old(gan):
    """A model whose optimizers have counted 1500 steps."""
    for optimizer in (gan.g_optimizer, gan.d_optimizer):
        optimizer.iterations.assign(1500)
    return gan


def one_image():
    gan = compiled(Handmade())
    gan.generator.layers[0].kernel.assign(tf.zeros((6, 32)))
    return old(gan), IMAGES, None


class Signs(layers.Layer):
    """Of a latent only the signs of the first three numbers: eight images."""

    def call(self, latents):
        return keras.ops.sign(latents[:, :3])


def eight_images():
    generator = keras.Sequential([keras.Input((6,)), Signs(), *small_generator(latent_dim=3).layers])
    return old(compiled(Handmade(generator))), IMAGES, None


def copies():
    choose = layers.Dense(
        40, activation="softmax", kernel_initializer=keras.initializers.RandomNormal(stddev=30, seed=1)
    )
    pixels = layers.Dense(64, use_bias=False)
    generator = keras.Sequential([keras.Input((6,)), choose, pixels, layers.Reshape((8, 8, 1))])
    pixels.kernel.assign(IMAGES[:40].reshape(40, 64))
    return compiled(Handmade(generator)), IMAGES, None


class Slack(HandmadeCritic):
    weight = 1e-6
    rates = (1e-3, 1e-2)


def slack():
    return trained(Slack(), steps=240)[0], IMAGES, None


def broken_weight():
    gan = compiled(Handmade())
    gan.generator.layers[-2].bias.assign(np.where(np.arange(64) == 3, np.nan, 0))
    return gan, IMAGES, None


def huge_weights():
    gan = compiled(Handmade())
    gan.discriminator.layers[1].kernel.assign(1000 * gan.discriminator.layers[1].kernel)
    return gan, IMAGES, None


def broken_curve():
    return compiled(Handmade()), IMAGES, {"d_loss": [0.7, 0.9, np.nan], "g_loss": [0.7, 0.8, 0.9]}


def growing_curve():
    return compiled(Handmade()), IMAGES, {"d_loss": list(-(2.0 ** np.arange(20))), "g_loss": [0.7] * 20}


LATE = {
    "a sure discriminator": ("discriminator_saturated", sure_discriminator),
    "one image": ("collapsed", one_image),
    "eight images": ("collapsed", eight_images),
    "copies": ("memorised", copies),
    "a penalty of no weight": ("slack_penalty", slack),
    "NaN in a weight": ("diverging", broken_weight),
    "huge weights": ("diverging", huge_weights),
    "NaN in a curve": ("diverging", broken_curve),
    "a curve that grows": ("diverging", growing_curve),
}


@pytest.mark.parametrize("patient", LATE)
def test_what_training_brings_is_named(patient):
    name, make = LATE[patient]
    gan, data, history = make()
    assert names(gan, data, history=history) == [name]


def test_every_illness_is_planted():
    assert {name for name, _ in (EASY | LATE).values()} == set(doctor.ILLNESSES)


# --- the healthy -------------------------------------------------------------------------------------------------


def packaged(objective, shape=(8, 8, 1), clip=None, normed=False, rate=1e-3, **kwargs):
    discriminator = gl.networks.mlp_discriminator(shape, (32,), dropout=0.1)
    if normed:
        discriminator = gl.layers.spectral_norm(discriminator)
    if clip:
        gl.constraints.clip_weights(discriminator, clip)
    gan = gl.GAN(gl.networks.mlp_generator(shape, 6, (32,)), discriminator, 6, objective=objective, **kwargs)
    first, second = (keras.optimizers.Adam(rate, beta_1=0.5) for _ in range(2))
    return compiled(gan, generator_optimizer=first, discriminator_optimizer=second)


def convolutional():
    gan = gl.GAN(
        gl.networks.dcgan_generator((8, 8, 1), 6, (16, 8)), gl.networks.dcgan_discriminator((8, 8, 1), (8, 16)), 6
    )
    first, second = (keras.optimizers.Adam(1e-3, beta_1=0.5) for _ in range(2))
    return compiled(gan, generator_optimizer=first, discriminator_optimizer=second)


class OneCall(Handmade):
    """As published: D sees both kinds in one call, 1 is generated and 0 real; with noise on the labels, inwards."""

    def d_loss(self, real, fake):
        answers = self.judge(tf.concat([fake, real], axis=0))
        labels = tf.concat([tf.ones((64, 1)) - 0.05 * tf.random.uniform((64, 1)), tf.zeros((64, 1))], axis=0)
        return self.entropy(labels, answers)

    def g_loss(self, fake):
        on_fake = self.judge(fake)
        return self.entropy(tf.zeros_like(on_fake), on_fake)


class OneTapeEach(Handmade):
    """As in TensorFlow's tutorial: one forward pass under two tapes, and bytes that the step scales itself."""

    def real_images(self, data):
        return tf.cast(data, "float32") / 127.5 - 1

    def train_step(self, data):
        real = self.real_images(data)
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fake = self.make(tf.shape(real)[0])
            on_real, on_fake = self.judge(real), self.judge(fake)
            g_loss = self.entropy(tf.ones_like(on_fake), on_fake)
            d_loss = self.entropy(tf.ones_like(on_real), on_real) + self.entropy(tf.zeros_like(on_fake), on_fake)
        g_gradients = g_tape.gradient(g_loss, self.generator.trainable_variables)
        d_gradients = d_tape.gradient(d_loss, self.discriminator.trainable_variables)
        self.step_generator(g_gradients)
        self.step_discriminator(d_gradients)
        self.d_loss_mean.update_state(d_loss)
        self.g_loss_mean.update_state(g_loss)
        return self.report(d_loss, g_loss)


class Probabilities(Handmade):
    """A sigmoid at the end of D, and a loss that expects it."""

    from_logits = False

    def __init__(self):
        super().__init__(None, small_discriminator("sigmoid"))


class Repaired(Handmade):
    """A sigmoid and from_logits=True: Keras's cross-entropy warns, and takes the logits."""

    def __init__(self):
        super().__init__(None, small_discriminator("sigmoid"))


class LeastSquares(Handmade):
    """Targets −1, 1 and 0, as in the first half of the paper; a little noise on all that D sees."""

    def judge(self, images):
        return super().judge(images + 0.05 * keras.random.normal(tf.shape(images), seed=self.seeds))

    def d_loss(self, real, fake):
        return tf.reduce_mean((self.judge(real) - 1) ** 2) + tf.reduce_mean((self.judge(fake) + 1) ** 2)

    def g_loss(self, fake):
        return tf.reduce_mean(self.judge(fake) ** 2)


class Hinge(Handmade):
    """With a penalty on D's slope at real images (R1), which has no square root and wants 0."""

    def d_loss(self, real, fake):
        with tf.GradientTape() as tape:
            tape.watch(real)
            on_real = self.judge(real)
        slopes = tf.reduce_sum(tape.gradient(on_real, real) ** 2, axis=(1, 2, 3))
        hinge = tf.reduce_mean(tf.nn.relu(1 - on_real)) + tf.reduce_mean(tf.nn.relu(1 + self.judge(fake)))
        return hinge + 0.1 * tf.reduce_mean(slopes)

    def g_loss(self, fake):
        return -tf.reduce_mean(self.judge(fake))


def lipschitz(**kwargs):
    return packaged("wasserstein", discriminator_steps=5, **kwargs)


BYTES = np.rint((IMAGES + 1) * 127.5).astype("uint8")

HEALTHY = {
    "minimax": (lambda: packaged("minimax"), IMAGES),
    "non-saturating": (lambda: packaged("non_saturating"), IMAGES),
    "Wasserstein, penalty": (lambda: lipschitz(penalty=gl.penalties.GradientPenalty()), IMAGES),
    "Wasserstein, clipped": (lambda: lipschitz(clip=0.05), IMAGES),
    "Wasserstein, flat between": (lambda: lipschitz(penalty=gl.penalties.ZeroCentred(0.01)), IMAGES),
    "Wasserstein, DRAGAN": (lambda: lipschitz(penalty=gl.penalties.DRAGAN()), IMAGES),
    "hinge, spectral norm": (lambda: packaged("hinge", normed=True), IMAGES),
    "relativistic, R1 and R2": (
        lambda: packaged("relativistic", penalty=[gl.penalties.R1(1.0), gl.penalties.R2(1.0)]),
        IMAGES,
    ),
    "relativistic, flat between": (lambda: packaged("relativistic", penalty=gl.penalties.ZeroCentred(0.01)), IMAGES),
    "relativistic to averages": (lambda: packaged("relativistic_average"), IMAGES),
    "smoothed, LeCam": (
        lambda: packaged(gl.objectives.NonSaturating(real_label=0.9), penalty=gl.penalties.LeCam(start=10)),
        IMAGES,
    ),
    "augmented, noise": (
        lambda: packaged("least_squares", augment=[gl.augmentation.InstanceNoise(0.5), gl.augmentation.DiffAugment()]),
        IMAGES,
    ),
    "convolutions": (convolutional, IMAGES),
    "by hand, penalty": (lambda: compiled(HandmadeCritic()), IMAGES),
    "one call, ones are generated": (lambda: compiled(OneCall()), IMAGES),
    "one tape each, bytes": (lambda: compiled(OneTapeEach()), BYTES),
    "probabilities": (lambda: compiled(Probabilities()), IMAGES),
    "repaired by Keras": (lambda: compiled(Repaired()), IMAGES),
    "least squares": (lambda: compiled(LeastSquares()), IMAGES),
    "hinge, R1": (lambda: compiled(Hinge()), IMAGES),
}


@pytest.mark.parametrize("kind", HEALTHY)
def test_the_healthy_have_a_clean_bill_before_training_and_after(kind):
    keras.utils.set_random_seed(list(HEALTHY).index(kind))
    make, images = HEALTHY[kind]
    gan = make()
    assert names(gan, images) == []
    watch = gl.callbacks.Doctor(images, verbose=0)
    history = gan.fit(images, batch_size=64, epochs=26, verbose=0, callbacks=[watch])
    assert names(gan, images, history=history) == [] and watch.diagnosis.healthy


@pytest.mark.parametrize("toy", ["ring", "moons"])
def test_points_are_no_images(toy):
    points = getattr(gl.toys, toy)().sample(512, seed=0)
    players = (
        keras.Sequential([keras.Input((2,)), layers.Dense(32, activation="relu"), layers.Dense(outputs)])
        for outputs in (2, 1)
    )
    gan = gl.GAN(*players, latent_dim=2)
    gan.compile(generator_optimizer=keras.optimizers.Adam(1e-3), discriminator_optimizer=keras.optimizers.Adam(1e-3))
    assert names(gan, gl.toys.as_dataset(points)) == []
    gan.fit(points, batch_size=64, epochs=40, verbose=0)
    assert names(gan, points) == []


# --- other people's models ----------------------------------------------------------------------------------------


def convolution():
    """A network from images to images."""
    hidden = layers.Conv2D(8, 3, padding="same", activation="relu")
    return keras.Sequential([keras.Input((8, 8, 1)), hidden, layers.Conv2D(1, 3, padding="same", activation="tanh")])


class Translator(Handmade):
    """Image to image: G is given what it is to translate, and draws no latents."""

    def __init__(self):
        super().__init__(convolution())

    def real_images(self, data):
        self.given = tf.reverse(data[0] if isinstance(data, tuple) else data, axis=[1])
        return data[1] if isinstance(data, tuple) else data

    def make(self, count):
        return self.generator(self.given, training=True)


class Pix2Pix(Translator):
    """As published: D sees each image beside its source, and G's loss has the distance to the target."""

    def __init__(self):
        super().__init__()
        flat = [layers.Flatten(), layers.Dense(32), layers.LeakyReLU(0.2), layers.Dense(1)]
        self.discriminator = keras.Sequential([keras.Input((8, 8, 2)), *flat])

    def real_images(self, data):
        self.given, self.target = data
        return self.target

    def judge(self, images):
        return self.discriminator(tf.concat([self.given, images], axis=-1), training=True)

    def g_loss(self, fake):
        return super().g_loss(fake) + 10 * tf.reduce_mean(tf.abs(self.target - fake))


class PairOfInputs(Pix2Pix):
    """The same with a D of two inputs."""

    def __init__(self):
        super().__init__()
        inputs = [keras.Input((8, 8, 1)), keras.Input((8, 8, 1))]
        self.discriminator = keras.Model(inputs, self.discriminator(layers.Concatenate()(inputs)))

    def judge(self, images):
        return self.discriminator([self.given, images], training=True)


def two_inputs(first, second):
    inputs = keras.Input((first,)), keras.Input((second,))
    return keras.Model(inputs, small_generator(latent_dim=first + second)(layers.Concatenate()(inputs)))


class LabelsFirst(Handmade):
    """generator([labels, latents]), with labels of the batch."""

    def __init__(self):
        super().__init__(two_inputs(3, 6))

    def real_images(self, data):
        self.labels = data[1]
        return data[0]

    def make(self, count):
        return self.generator([self.labels, self.latents(count)], training=True)


class LabelsAndOneSeed(LabelsFirst):
    def latents(self, count):
        return keras.random.normal((count, self.latent_dim), seed=3)


class LabelsBehind(Handmade):
    """generator(latents and labels, side by side): latent_dim is not the size of what it takes."""

    def __init__(self):
        super().__init__(small_generator(latent_dim=6 + 3))

    def real_images(self, data):
        self.labels = data[1]
        return data[0]

    def make(self, count):
        return self.generator(tf.concat([self.latents(count), self.labels], axis=1), training=True)


class LabelsBehindOneSeed(LabelsBehind):
    def latents(self, count):
        return keras.random.normal((count, self.latent_dim), seed=3)


class ConstantFirst(Handmade):
    """generator([a learned constant, latents]), as StyleGAN."""

    def __init__(self):
        super().__init__(two_inputs(4, 6))

    def make(self, count):
        return self.generator([tf.ones((count, 4)), self.latents(count)], training=True)


class TwoOutputs(Handmade):
    """An image and a mask."""

    def __init__(self):
        body = small_generator()
        super().__init__(keras.Model(body.inputs, [body.outputs[0], layers.Dense(3)(body.layers[1].output)]))

    def make(self, count):
        return super().make(count)[0]


class Toggled(Handmade):
    """It switches `trainable` in each turn, as code for older versions of Keras does."""

    def train_step(self, data):
        self.discriminator.trainable = True
        logs = super().train_step(data)
        self.discriminator.trainable = False
        return logs

    def step_discriminator(self, gradients):
        super().step_discriminator(gradients)
        self.discriminator.trainable = False


class UnnamedMetrics(Handmade):
    def __init__(self):
        super().__init__()
        self.d_loss_mean, self.g_loss_mean = keras.metrics.Mean(), keras.metrics.Mean()


class NestedLogs(Handmade):
    def report(self, d_loss, g_loss):
        return super().report(d_loss, g_loss) | {"more": {"of": d_loss}}


class NumPyInputs(Handmade):
    """Run as plain Python, its players are given arrays."""

    def make(self, count):
        return self.generator(np.random.normal(size=(64, 6)).astype("float32"), training=True)


LABELS = np.eye(3, dtype="float32")[np.arange(512) % 3]
PAIRS = (np.flip(IMAGES, axis=1).copy(), IMAGES)

OTHERS = {
    "image to image": (Translator, IMAGES, []),
    "image to image, one batch": (Translator, IMAGES[:64], []),
    "image to image, batches of one image": (Translator, tf.data.Dataset.from_tensor_slices(IMAGES).batch(1), []),
    "pix2pix": (Pix2Pix, PAIRS, []),
    "pix2pix, D of two inputs": (PairOfInputs, PAIRS, []),
    "labels first": (LabelsFirst, (IMAGES, LABELS), []),
    "labels behind": (LabelsBehind, (IMAGES, LABELS), []),
    "labels and one seed": (LabelsAndOneSeed, (IMAGES, LABELS), ["fixed_noise"]),
    "labels behind and one seed": (LabelsBehindOneSeed, (IMAGES, LABELS), ["fixed_noise"]),
    "a constant first": (ConstantFirst, IMAGES, []),
    "two outputs": (TwoOutputs, IMAGES, []),
    "trainable switched": (Toggled, IMAGES, []),
    "metrics of one name": (UnnamedMetrics, IMAGES, []),
    "nested logs": (NestedLogs, IMAGES, []),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_of_models(kind):
    make, data, expected = OTHERS[kind]
    assert names(compiled(make()), data) == expected


def test_players_may_be_given_arrays():
    assert names(compiled(NumPyInputs(), run_eagerly=True)) == []


@pytest.mark.parametrize("kind", ["pix2pix", "pix2pix, D of two inputs", "labels first", "trainable switched"])
def test_other_kinds_of_models_are_healthy_after_training_too(kind):
    make, data, _ = OTHERS[kind]
    gan = compiled(make())
    history = gan.fit(tf.data.Dataset.from_tensor_slices(data).batch(64), epochs=40, shuffle=False, verbose=0)
    assert names(gan, data, history=history) == []


def test_what_raises_while_it_is_looked_at_is_left_out_and_named(monkeypatch):
    def raises(case):
        raise ZeroDivisionError("\x1b[1mby\nhand\x1b[0m")

    monkeypatch.setattr(symptoms, "collapsed", raises)
    diagnosis = gl.diagnose(compiled(RatesApart()), IMAGES)
    assert diagnosis.names == ["learning_rates_apart"]
    assert diagnosis.left_out == ["collapsed (ZeroDivisionError: by hand)"]
    assert str(diagnosis).splitlines()[-1] == "Not examined: collapsed (ZeroDivisionError: by hand)."
    assert "Not examined: collapsed" in diagnosis._repr_html_()


def test_an_error_is_left_out_once_in_one_line():
    left_out = []
    for _ in range(2):
        with leaving_out("samples", left_out):
            raise ValueError("\x1b[1mOf shape\n\n(64, 9)\x1b[0m " + "and so on " * 40)
    with leaving_out("weights", left_out):
        pass
    assert len(left_out) == 1 and left_out[0].startswith("samples (ValueError: Of shape (64, 9) and so on and")
    assert len(left_out[0]) < 240
    with pytest.raises(KeyboardInterrupt), leaving_out("samples", left_out):
        raise KeyboardInterrupt


# --- without a trace ---------------------------------------------------------------------------------------------


def all_of(gan):
    """Every number of a model: weights, optimizers, metrics, seeds."""
    optimizers = [gan.generator_optimizer, gan.discriminator_optimizer] if hasattr(gan, "generator_optimizer") else [
        gan.g_optimizer, gan.d_optimizer]  # fmt: skip
    variables = [*gan.variables, *(v for optimizer in optimizers for v in optimizer.variables)]
    variables += [v for metric in gan.metrics for v in metric.variables]
    return [keras.ops.convert_to_numpy(v).copy() for v in variables]


def drawn():
    """What the next draws of every source of random numbers are."""
    return (
        random.random(),
        np.random.random(),
        float(keras.random.normal(())),
        float(tf.random.normal(())),
        float(tf.random.normal((), seed=5)),
        float(tf.random.get_global_generator().normal(())),
    )


def with_penalty():
    gan = lipschitz(penalty=gl.penalties.GradientPenalty())
    gan.fit(IMAGES, batch_size=64, epochs=1, verbose=0)
    return gan


class Counts(Handmade):
    """Dropout, TensorFlow's own random numbers, and a step that counts itself in Python."""

    def __init__(self):
        super().__init__(None, small_discriminator(extra=[layers.Dropout(0.3), layers.BatchNormalization()]))
        self.steps = 0

    def latents(self, count):
        self.steps += 1
        return tf.random.normal((count, self.latent_dim))


@pytest.mark.parametrize("make", [with_penalty, lambda: trained(Counts(), steps=20)[0]])
def test_an_examination_leaves_no_trace(make):
    def live(examined):
        keras.utils.clear_session()  # before Keras 3.13 a new seed does not reach the generator that is there
        keras.utils.set_random_seed(0)
        gan = make()
        tf.random.normal((), seed=5)
        tf.random.set_global_generator(tf.random.Generator.from_seed(4))
        before = all_of(gan), dict(vars(gan))
        if examined:
            gl.diagnose(gan, IMAGES)
            assert all(np.array_equal(one, other) for one, other in zip(before[0], all_of(gan), strict=True))
            assert set(vars(gan)) == set(before[1]) and getattr(gan, "steps", 0) == before[1].get("steps", 0)
            assert "call" not in vars(gan.generator) and "apply" not in vars(keras.optimizers.Optimizer)
        numbers = drawn()
        gan.run_eagerly, gan.train_function = True, None  # a second graph may add the same terms in another order
        history = gan.fit(IMAGES, batch_size=64, epochs=2, verbose=0, shuffle=False).history
        return numbers, history, all_of(gan)

    (numbers, history, state), (other_numbers, other_history, other_state) = live(True), live(False)
    assert numbers == other_numbers and history == other_history
    assert all(np.array_equal(one, other) for one, other in zip(state, other_state, strict=True))


def test_what_belongs_to_a_player_inside_another_model_is_put_back():
    class Holds(Handmade):
        """It holds its players in another model too, which is met first and deeper."""

        def __init__(self):
            keras.Model.__init__(self)
            generator, discriminator = small_generator(), small_discriminator()
            discriminator.seen = keras.metrics.Sum()
            self.both = keras.Sequential([generator, discriminator])
            super().__init__(generator, discriminator)

        def judge(self, images):
            self.discriminator.seen.update_state(1.0)
            return super().judge(images)

    gan = compiled(Holds())
    assert names(gan) == [] and float(gan.discriminator.seen.result()) == 0


def test_which_layers_are_trainable_is_put_back():
    class Freezes(Handmade):
        def report(self, d_loss, g_loss):
            self.discriminator.trainable = False
            return super().report(d_loss, g_loss)

    gan = compiled(Freezes())
    gan.discriminator.layers[1].trainable = False
    before = [layer.trainable for layer in gan.discriminator.layers]
    gl.diagnose(gan, IMAGES)
    assert [layer.trainable for layer in gan.discriminator.layers] == before == [True, False, True, True]
    assert gan.discriminator.trainable


def test_an_optimizer_that_was_not_built_is_not_built_after():
    gan = compiled(Handmade())
    before = len(gan.g_optimizer.variables)
    gl.diagnose(gan, IMAGES)
    assert not gan.g_optimizer.built and len(gan.g_optimizer.variables) == before


def test_the_same_examination_says_the_same():
    gan = trained(Handmade(), steps=50)[0]
    assert str(gl.diagnose(gan, IMAGES, seed=3)) == str(gl.diagnose(gan, IMAGES, seed=3))


def test_a_step_that_fails_leaves_no_trace_and_says_its_own_error():
    class Fails(Handmade):
        def g_loss(self, fake):
            raise ZeroDivisionError("by hand")

    gan = compiled(Fails())
    before = all_of(gan)
    with pytest.raises(ZeroDivisionError, match="by hand"):
        gl.diagnose(gan, IMAGES)
    assert all(np.array_equal(one, other) for one, other in zip(before, all_of(gan), strict=True))
    assert not tf.config.functions_run_eagerly() and "call" not in vars(gan.discriminator)


# --- what is given -----------------------------------------------------------------------------------------------


class Batches(keras.utils.PyDataset):
    num_batches = 4

    def __getitem__(self, index):
        return IMAGES[64 * index : 64 * index + 64] * 0.5 + 0.5


WHITE = 0.5 * IMAGES + 0.5


@pytest.mark.parametrize(
    "data",
    [
        WHITE,
        WHITE.astype("float64"),
        (WHITE, np.arange(512)),
        tf.data.Dataset.from_tensor_slices(WHITE).batch(100),
        tf.data.Dataset.from_tensor_slices(WHITE).batch(64).repeat(),
        tf.data.Dataset.from_tensor_slices((WHITE, np.arange(512))).batch(64),
        Batches(),
        (WHITE[at : at + 64] for at in range(0, 512, 64)),
        ([WHITE[at : at + 64], np.arange(64)] for at in range(0, 512, 64)),
    ],
    ids=["array", "float64", "pair", "dataset", "endless", "labels", "PyDataset", "generator", "pairs"],
)
def test_data_of_every_kind(data):
    assert names(compiled(Handmade()), data) == ["images_out_of_range"]


def test_players_that_were_never_called_are_built():
    class Later(Handmade):
        def __init__(self):
            hidden = [layers.Dense(64, activation="tanh"), layers.Reshape((8, 8, 1))]
            super().__init__(keras.Sequential(hidden), keras.Sequential([layers.Flatten(), layers.Dense(1)]))

    assert names(compiled(Later())) == []
    gan = compiled(Later())
    del gan.latent_dim
    with pytest.raises(ValueError, match="The generator must be built, or the model must have latent_dim"):
        gl.diagnose(gan, IMAGES)


def test_an_ema_of_the_weights_is_what_is_sampled():
    gan = packaged("non_saturating")
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(1e-3, use_ema=True, ema_momentum=0.9),
        discriminator_optimizer=keras.optimizers.Adam(1e-3),
    )
    gan.fit(IMAGES, batch_size=64, epochs=1, verbose=0)
    assert names(gan) == []


def test_what_cannot_be_examined_is_refused():
    gan = compiled(Handmade())
    with pytest.raises(TypeError, match="gan must be a keras.Model. Received: gan of type int"):
        gl.diagnose(3, IMAGES)
    with pytest.raises(TypeError, match=r"two players.*Received: a Sequential whose generator is None"):
        gl.diagnose(keras.Sequential([layers.Dense(1)]), IMAGES)
    with pytest.raises(TypeError, match="two players"):
        doctor.check_players(keras.Sequential([layers.Dense(1)]))
    with pytest.raises(ValueError, match="must be compiled"):
        gl.diagnose(Handmade(), IMAGES)
    for name, value, error in [
        ("count", 31, ValueError),
        ("count", 40.0, TypeError),
        ("seed", -1, ValueError),
        ("seed", True, TypeError),
    ]:
        with pytest.raises(error, match=rf"{name} must be an integer of at least \d+. Received: {name}={value!r}"):
            gl.diagnose(gan, IMAGES, **{name: value})
    with pytest.raises(TypeError, match="history must be what fit.. returned.*Received: history of type list"):
        gl.diagnose(gan, IMAGES, history=[1.0])
    for data, kind in [("mnist", "str"), ({}, "dict"), ((), "tuple"), ((IMAGES, "mnist"), "tuple")]:
        with pytest.raises(TypeError, match=f"data must be what fit.. takes.*Received: data of type {kind}"):
            gl.diagnose(gan, data)
    with pytest.raises(ValueError, match=r"data must be images.*Received: an array of shape \(0, 8, 8, 1\)"):
        gl.diagnose(gan, IMAGES[:0])
    with pytest.raises(ValueError, match="data must not be empty"):
        gl.diagnose(gan, tf.data.Dataset.from_tensor_slices(IMAGES[:0]).batch(2))
    with pytest.raises(ValueError, match=r"batches of images.*shape \(8,\)"):
        gl.diagnose(gan, tf.data.Dataset.from_tensor_slices(IMAGES[0, 0, :, 0]).batch(8))


def test_some_images_are_the_first_of_the_data():
    batches = tf.data.Dataset.from_tensor_slices(IMAGES).batch(50)
    classes = np.arange(len(IMAGES))
    beside = tf.data.Dataset.from_tensor_slices(classes).batch(50)
    parts = {"classes": classes, "pictures": IMAGES}  # the images are not the first part
    for data in (batches, (batches, beside), tf.data.Dataset.from_tensor_slices(parts).batch(50)):
        np.testing.assert_array_equal(doctor.some_images(data, 64), IMAGES[:64])
    expected = doctor.some_images(IMAGES, 64)
    for data in ((IMAGES, classes), parts):
        np.testing.assert_array_equal(doctor.some_images(data, 64), expected)
    assert doctor.some_images(IMAGES, 64).shape == (64, 8, 8, 1)


# --- what is said ------------------------------------------------------------------------------------------------


def test_a_finding_says_all_in_words():
    for name, line in doctor.ILLNESSES.items():
        one = illnesses.finding(name, "Seen.", number=2)
        assert one.numbers == {"number": 2.0} and isinstance(one, doctor.Finding)
        assert line and one.title.endswith(".") and len(one.cause) > 20 and len(one.remedy) > 10
        assert (
            str(one).startswith(f"{name}: {one.title}\n") and "Evidence: Seen." in str(one) and one.remedy in str(one)
        )
    with pytest.raises(KeyError):
        illnesses.finding("measles", "Spots.")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "other"


def test_every_illness_has_an_examination_with_its_formula():
    for name in doctor.ILLNESSES:
        assert getattr(symptoms, name).__doc__


def test_a_diagnosis_is_text_and_a_panel():
    healthy = doctor.Diagnosis([], "Examined: 3 images.")
    assert healthy.healthy and healthy.names == [] and str(healthy) == "Nothing found.\nExamined: 3 images."
    assert "Nothing found." in healthy._repr_html_()
    one = dataclasses.replace(illnesses.finding("collapsed", "1 < 2 & <script>"), title="<b>")
    ill = doctor.Diagnosis([one, illnesses.finding("diverging", "NaN.")])
    assert ill.names == ["collapsed", "diverging"] and not ill.healthy
    assert str(ill).count("Evidence:") == 2
    panel = ill._repr_html_()
    assert "1 &lt; 2 &amp; &lt;script&gt;" in panel and "<script>" not in panel and "&lt;b&gt;" in panel
    assert panel.count("<div") == panel.count("</div>") and panel.count("<p") == panel.count("</p>")
    assert not re.search(r"(?<!-)color:|background", panel), "the colours are the notebook's"


def test_the_evidence_has_the_numbers():
    found = gl.diagnose(compiled(RatesApart()), IMAGES).findings[0]
    assert found.numbers == pytest.approx({"generator": 2e-4, "discriminator": 2e-2, "ratio": 100}, rel=1e-5)
    found = gl.diagnose(compiled(Handmade()), WHITE).findings[0]
    assert found.numbers == pytest.approx({"low": WHITE.min(), "high": WHITE.max()}, abs=1e-3)  # of three batches
    assert "from 0 to 0.99" in found.evidence and "-1 … 1" in found.evidence
    found = gl.diagnose(compiled(NoisyTarget()), IMAGES).findings[0]
    assert 0.995 < found.numbers["lowest"] < 1.02 < found.numbers["highest"] < 1.06  # from 1 to 1.05
