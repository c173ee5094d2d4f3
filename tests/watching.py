"""What the tests of the callbacks share: models to watch, and pictures laid out apart from the package's."""

import random

import keras
import numpy as np

import gan_lessons as gl

LATENT_DIM = 5
ADAM = {"learning_rate": 1e-2, "beta_1": 0.5}


def make_gan(channels=1, seed=0, run_eagerly=True, **kwargs):
    keras.utils.set_random_seed(seed)
    shape = (6, 8, channels)
    gan = gl.GAN(
        gl.networks.mlp_generator(shape, LATENT_DIM, units=(8,)),
        gl.networks.mlp_discriminator(shape, units=(8,), dropout=0.3),
        LATENT_DIM,
        **kwargs,
    )
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(**ADAM, use_ema=True, ema_momentum=0.9),
        discriminator_optimizer=keras.optimizers.Adam(**ADAM),
        run_eagerly=run_eagerly,
    )
    return gan


class Toy(keras.Model):
    """Generates images, with one weight that each batch moves: enough where only pictures are tested."""

    def __init__(self, channels=1, seed=0, shape=None):
        super().__init__()
        self.image_shape = shape or (6, 8, channels)
        self.weight = self.add_weight(name="weight", initializer="zeros")
        self.built = True
        self.compile("sgd", run_eagerly=True)
        self.weight.assign(0.1 * seed)

    def train_step(self, data):
        self.weight.assign_add(0.1)
        self.optimizer.iterations.assign_add(1)
        return {"d_loss": 1.0 / (1.0 + self.weight), "g_loss": self.weight}

    def generate(self, count, seed):
        noise = np.random.default_rng(seed).normal(size=(count, *self.image_shape))
        return np.tanh(noise * (1 + float(self.weight))).astype("float32")


def real_images(count=12, channels=1):
    return np.random.default_rng(0).uniform(-1, 1, (count, 6, 8, channels)).astype("float32")


def fit(gan, *chosen, epochs=2, **kwargs):
    """Three batches an epoch."""
    channels = gan.image_shape[-1]
    settings = {"batch_size": 4, "verbose": 0, "shuffle": False} | kwargs
    return gan.fit(real_images(channels=channels), epochs=epochs, callbacks=list(chosen), **settings)


def pixels(images):
    return np.floor((images.astype("float64") + 1) * 127.5 + 0.5).astype("uint8")


def grid_of(images, columns, zoom, gap=2):
    """Images in rows on white, written apart from the package's."""
    rows = -(-len(images) // columns)
    _, height, width, channels = images.shape
    height, width = height * zoom, width * zoom
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, "uint8")
    for index, image in enumerate(pixels(images)):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = np.kron(image, np.ones((zoom, zoom, 1), "uint8"))
    return canvas


def below_the_text(picture, grid):
    """The part of a picture where its grid must be: in the middle, eight pixels from the bottom."""
    picture = np.atleast_3d(np.asarray(picture))
    left = (picture.shape[1] - grid.shape[1]) // 2
    top = picture.shape[0] - 8 - grid.shape[0]
    return picture[top : top + grid.shape[0], left : left + grid.shape[1]]


class Spy(keras.callbacks.Callback):
    """What generate() gives after each epoch, 0 for before the first."""

    def __init__(self, count):
        super().__init__()
        self.count, self.images = count, {}

    def on_epoch_begin(self, epoch, logs=None):
        self.images.setdefault(epoch, self.model.generate(self.count, seed=0))

    def on_epoch_end(self, epoch, logs=None):
        self.images[epoch + 1] = self.model.generate(self.count, seed=0)


class Stop(keras.callbacks.Callback):
    """Raises in the middle of an epoch."""

    def __init__(self, error, epoch):
        super().__init__()
        self.error, self.epoch, self.now = error, epoch, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and batch == 1:
            raise self.error


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def train_with(*chosen):
    """A training with callbacks, all that comes of it: the history, every variable, the next random numbers."""
    gan = make_gan(run_eagerly=False, penalty=gl.penalties.GradientPenalty(seed=3))
    history = fit(gan, *chosen, shuffle=True, epochs=3, validation_data=real_images(4)).history
    optimizers = gan.generator_optimizer, gan.discriminator_optimizer
    variables = gan.variables + [variable for optimizer in optimizers for variable in optimizer.variables]
    state = [keras.ops.convert_to_numpy(variable) for variable in variables]
    return history, state, (random.random(), np.random.random(), float(keras.random.normal(())))
