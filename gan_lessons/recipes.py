"""The settings of the course's trainings, each in one place.

A lesson shows a recipe, `benchmarks/quality.py` trains it, and the README prints its scores. Each recipe is a function
that makes the model, and a table of the settings that it trains with:

    recipe = gl.recipes.DCGAN
    print(recipe)
    train = gl.data.load(recipe.data, batch_size=recipe.batch_size, drop_remainder=True)
    gan = recipe.build((32, 32, 3), seed=3)
    gan.fit(train.repeat(), steps_per_epoch=recipe.steps)

To try another setting, replace it: `dataclasses.replace(gl.recipes.DCGAN, learning_rate=2e-4)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial

import keras
from keras import layers
from keras.optimizers import Adam, RMSprop
from keras.optimizers.schedules import CosineDecay

from gan_lessons import GAN, constraints, networks, penalties
from gan_lessons._arguments import integer


@dataclass(frozen=True)
class Recipe:
    """Holds all settings of a training.

    Attributes:
        model: a function from an image shape, (height, width, channels), to a model that is not compiled.
        data: the name of the image set that the settings were chosen for (see `gan_lessons.data.load`).
        batch_size: how many images a batch has.
        steps: how many steps the generator takes in the whole training.
        optimizer: a function from a learning rate to an optimizer. Each player gets an optimizer of its own.
        learning_rate: the learning rate of both players; with `decay`, the rate of the first step.
        decay: None for a constant rate, or a function from the learning rate and the number of steps to a schedule.
        average: None, or the share of the average of the generator's weights that each step keeps, such as 0.999.
        keras_initializers: whether all layers begin with Keras's default initializers, in place of their own.
        options: further arguments of `compile`.
    """

    model: Callable
    data: str
    batch_size: int
    steps: int
    optimizer: Callable
    learning_rate: float
    decay: Callable | None = None
    average: float | None = None
    keras_initializers: bool = False
    options: Mapping = field(default_factory=dict)

    def build(self, image_shape: tuple[int, ...], seed: int | None = None, steps: int | None = None) -> GAN:
        """Makes the model and compiles it.

        Args:
            image_shape: (height, width, channels) of the images to train on.
            seed: an integer for `keras.utils.set_random_seed`, so that you get the same weights each time.
            steps: how many steps the generator takes, in place of `Recipe.steps`. A decay ends with the last step.

        Returns:
            A compiled model.

        Raises:
            TypeError, ValueError: if steps is not a positive integer, or the model cannot make such images.

        Example:
            >>> gan = MLP_GAN.build((28, 28, 1), seed=0)
            >>> gan.generate(2).shape
            (2, 28, 28, 1)
        """
        steps = self.steps if steps is None else integer("steps", steps)
        if seed is not None:
            keras.utils.set_random_seed(seed)
        gan = self.model(tuple(image_shape))
        if self.keras_initializers:
            if seed is not None:
                keras.utils.set_random_seed(seed)  # the first weights, which are thrown away, drew random numbers too
            gan = _with_keras_initializers(gan)
        average = {} if self.average is None else {"use_ema": True, "ema_momentum": self.average}
        gan.compile(
            generator_optimizer=self._optimizer(steps, **average),
            discriminator_optimizer=self._optimizer(steps * gan.discriminator_steps),
            **self.options,
        )
        return gan

    def _optimizer(self, steps, **average):
        rate = self.decay(self.learning_rate, steps) if self.decay else self.learning_rate
        return self.optimizer(rate, **average)

    def __str__(self):
        rows = {column.name.replace("_", " "): getattr(self, column.name) for column in fields(self)}
        return "\n".join(f"{name:18} {_words(value)}" for name, value in rows.items())


def _words(value):
    """Returns a setting as text: functions and classes by their names, and a `partial` with its arguments."""
    if isinstance(value, partial):
        return f"{_words(value.func)}({', '.join(f'{name}={_words(part)}' for name, part in value.keywords.items())})"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_words(part)}" for name, part in value.items()) or "none"
    return getattr(value, "__name__", str(value))


def _with_keras_initializers(gan):
    """Returns a GAN of the same class and layers, whose layers begin with Keras's default initializers."""

    def begin_anew(layer):
        config = {key: value for key, value in layer.get_config().items() if not key.endswith("_initializer")}
        return type(layer).from_config(config)

    players = [
        keras.models.clone_model(player, clone_function=begin_anew) for player in (gan.generator, gan.discriminator)
    ]
    return type(gan)(
        *players,
        latent_dim=gan.latent_dim,
        objective=gan.objective,
        penalty=gan.penalty,
        discriminator_steps=gan.discriminator_steps,
    )


# --- the textbook's settings ---------------------------------------------------------------------------------------

#: How DCGAN trains: Radford et al., 2015, arXiv:1511.06434.
TEXTBOOK = {
    "batch_size": 64,
    "optimizer": partial(Adam, beta_1=0.5),
    "learning_rate": 2e-4,
    "decay": None,
    "average": None,
    "options": {},
}


def plain_loop(recipe: Recipe) -> Recipe:
    """Returns a recipe with the same networks and as many images, but the textbook's settings and Keras's initializers.

    Args:
        recipe: the recipe to compare with.
    """
    steps = recipe.steps * recipe.batch_size // TEXTBOOK["batch_size"]
    return replace(recipe, steps=steps, keras_initializers=True, **TEXTBOOK)


# --- the lessons' trainings ----------------------------------------------------------------------------------------


def mlp_gan(image_shape):
    """Makes the GAN of the lesson "An MLP GAN on MNIST"."""
    return GAN(
        generator=networks.mlp_generator(image_shape, latent_dim=100),
        discriminator=networks.mlp_discriminator(image_shape),
        latent_dim=100,
        objective="non_saturating",
    )


MLP_GAN = Recipe(
    model=mlp_gan,
    data="mnist",
    batch_size=128,
    steps=34 * 468,  # 34 epochs
    optimizer=partial(Adam, beta_1=0.5),
    learning_rate=8e-4,
    average=0.9995,
    options={"jit_compile": True, "steps_per_execution": 8},  # faster, with the same results
)

#: The filters of the lessons' convolutional generators, from the smallest map on. Discriminators have them backwards.
FILTERS = (128, 64, 32)


def dcgan(image_shape, kind=GAN, **arguments):
    """Makes the GAN of the lesson "A DCGAN on CIFAR-10", or another class of GAN with the same networks."""
    return kind(
        generator=networks.dcgan_generator(image_shape, latent_dim=100, filters=FILTERS),
        discriminator=networks.dcgan_discriminator(image_shape, filters=FILTERS[::-1]),
        latent_dim=100,
        objective="non_saturating",
        **arguments,
    )


DCGAN = Recipe(
    model=dcgan,
    data="cifar10",
    batch_size=64,
    steps=10 * 781,  # 10 epochs
    optimizer=partial(Adam, beta_1=0.0),
    learning_rate=8e-4,
    decay=CosineDecay,
    average=0.999,
)


def wgan_gp(image_shape):
    """Makes the Wasserstein GAN with gradient penalty of the lesson "WGAN"."""
    return GAN(
        generator=networks.dcgan_generator(image_shape, latent_dim=100, filters=FILTERS),
        discriminator=networks.dcgan_critic(image_shape, filters=FILTERS[::-1]),
        latent_dim=100,
        objective="wasserstein",
        penalty=penalties.GradientPenalty(weight=10.0),
        discriminator_steps=5,
    )


WGAN_GP = Recipe(
    model=wgan_gp,
    data="cifar10",
    batch_size=64,
    steps=1_500,  # 7,500 of the critic
    optimizer=partial(Adam, beta_1=0.0, beta_2=0.9),
    learning_rate=2e-4,
    average=0.99,
)


def deep_mlp(image_shape, critic=False):
    """Makes a GAN whose generator nobody has tuned: ten dense layers without BatchNormalization.

    Args:
        image_shape: (height, width, channels).
        critic: whether it is a Wasserstein GAN with gradient penalty, in place of a plain GAN.
    """
    width, latent_dim = 256, 64
    hidden = [layers.Dense(width, activation="relu") for _ in range(10)]
    height, columns, channels = image_shape
    pixels = [layers.Dense(height * columns * channels, activation="tanh"), layers.Reshape(image_shape)]
    return GAN(
        generator=keras.Sequential([keras.Input((latent_dim,)), *hidden, *pixels]),
        discriminator=networks.mlp_discriminator(image_shape, units=(width, width, width)),
        latent_dim=latent_dim,
        objective="wasserstein" if critic else "non_saturating",
        penalty=penalties.GradientPenalty(weight=10.0) if critic else None,
        discriminator_steps=5 if critic else 1,
    )


DEEP_MLP = Recipe(model=deep_mlp, data="mnist", steps=4_000, **TEXTBOOK)
DEEP_MLP_WGAN_GP = Recipe(
    model=partial(deep_mlp, critic=True),
    data="mnist",
    batch_size=64,
    steps=800,  # 4,000 of the critic: as many images as the plain GAN sees
    optimizer=partial(Adam, beta_1=0.0, beta_2=0.9),
    learning_rate=4e-4,  # with 1e-4, so few steps give blobs
)


# --- one small CNN under each objective ----------------------------------------------------------------------------


def small_cnn(image_shape, objective, clip=None, penalty=None, discriminator_steps=1):
    """Makes a GAN of a small DCGAN's networks, the same for all objectives.

    It halves the image as often as it can, at most three times.

    Args:
        image_shape: (height, width, channels).
        objective: as for `GAN`.
        clip: the largest absolute value of the discriminator's weights, or None.
        penalty: the weight of a gradient penalty, which needs a discriminator without BatchNormalization, or None.
        discriminator_steps: as for `GAN`.
    """
    height, width, _ = image_shape
    filters = next(((64, 32, 16)[:n] for n in (3, 2) if height % 2**n == width % 2**n == 0), (64,))
    generator = networks.dcgan_generator(image_shape, latent_dim=100, filters=filters)
    discriminator = networks.dcgan_discriminator(image_shape, filters=filters[::-1], batch_norm=penalty is None)
    if clip is not None:
        constraints.clip_weights(discriminator, clip)
    return GAN(
        generator,
        discriminator,
        latent_dim=100,
        objective=objective,
        penalty=None if penalty is None else penalties.GradientPenalty(penalty),
        discriminator_steps=discriminator_steps,
    )


SMALL_CNN = {
    "minimax": Recipe(partial(small_cnn, objective="minimax"), "cifar10", steps=6_000, **TEXTBOOK),
    "non_saturating": Recipe(partial(small_cnn, objective="non_saturating"), "cifar10", steps=6_000, **TEXTBOOK),
    "wasserstein-clip_weights": Recipe(  # Arjovsky et al., 2017, arXiv:1701.07875
        model=partial(small_cnn, objective="wasserstein", clip=0.01, discriminator_steps=5),
        data="cifar10",
        batch_size=64,
        steps=6_000,
        optimizer=RMSprop,
        learning_rate=5e-5,
    ),
    "wasserstein-gradient_penalty": Recipe(  # Gulrajani et al., 2017, arXiv:1704.00028
        model=partial(small_cnn, objective="wasserstein", penalty=10.0, discriminator_steps=5),
        data="cifar10",
        batch_size=64,
        steps=6_000,
        optimizer=partial(Adam, beta_1=0.0, beta_2=0.9),
        learning_rate=1e-4,
    ),
}
