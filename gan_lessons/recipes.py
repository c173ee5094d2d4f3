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

from gan_lessons import (
    GAN,
    ConditionalGAN,
    InfoGAN,
    SemiSupervisedGAN,
    conditioning,
    constraints,
    networks,
    penalties,
)
from gan_lessons import layers as gan_layers
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
            discriminator_optimizer=self._optimizer(steps * getattr(gan, "discriminator_steps", 1)),
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
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_words, value))}]"
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


# --- labels and codes ----------------------------------------------------------------------------------------------


def _digit_players(image_shape, vector, maps=0):
    """A small DCGAN's networks: a generator from vectors of this length, a discriminator of images with more channels."""
    *size, channels = image_shape
    generator = networks.dcgan_generator(image_shape, latent_dim=vector, filters=(64, 32))
    return generator, networks.dcgan_discriminator((*size, channels + maps), filters=(32, 64))


def conditional(image_shape, way="projection", classes=10):
    """Makes a conditional GAN of digits, from the networks of a small DCGAN.

    Args:
        image_shape: (height, width, channels).
        way: how D uses the label: "maps", "projection" or "classifier" (see `gan_lessons.conditioning`).
        classes: the number of labels.
    """
    generator, discriminator = _digit_players(image_shape, 64 + classes, maps=classes if way == "maps" else 0)
    ways = {
        "maps": conditioning.conditional_discriminator,
        "projection": conditioning.projection_discriminator,
        "classifier": conditioning.with_head,
    }
    return ConditionalGAN(
        generator=conditioning.conditional_generator(generator, classes),
        discriminator=ways[way](discriminator, classes),
        latent_dim=64,
        num_classes=classes,
    )


#: MNIST, seed 0, 3,000 steps: 98.4 % of 5,000 images are read as the digit asked for.
CONDITIONAL = Recipe(
    model=conditional,
    data="mnist",
    batch_size=64,
    steps=5_000,
    optimizer=partial(Adam, beta_1=0.5),
    learning_rate=5e-4,
    decay=CosineDecay,
    average=0.999,
)


def infogan(image_shape):
    """Makes an InfoGAN of digits: 62 random numbers, one category of ten, two codes."""
    generator, discriminator = _digit_players(image_shape, 62 + 10 + 2)
    return InfoGAN(generator, conditioning.with_head(discriminator, 10 + 2), latent_dim=62, categories=10, continuous=2)


#: A starting point: nobody has measured yet how well its category matches the digit.
INFOGAN = replace(CONDITIONAL, model=infogan)


def few_labels(image_shape, classes=10):
    """Makes a classifier for few labels (Salimans et al., 2016), a plain Keras model that outputs class logits."""
    hidden = [
        layer
        for units in (1000, 500, 250, 250)
        for layer in (layers.Dense(units, activation="relu"), layers.GaussianNoise(0.5))
    ]
    return keras.Sequential(
        [keras.Input(image_shape), layers.Flatten(), layers.GaussianNoise(0.3), *hidden, layers.Dense(classes)]
    )


def semi_supervised(image_shape):
    """Makes a GAN whose discriminator is the classifier `few_labels`."""
    return SemiSupervisedGAN(
        generator=networks.mlp_generator(image_shape, latent_dim=100, units=(500, 500)),
        discriminator=conditioning.with_features(few_labels(image_shape)),
        latent_dim=100,
    )


#: A starting point: its errors with 100 labels have not been measured yet.
SEMI_SUPERVISED = replace(CONDITIONAL, model=semi_supervised, batch_size=100, steps=3_000, learning_rate=1e-3)


# --- points on the plane, and stacked digits: collapse, counted ----------------------------------------------------


def plane(shape, spectral_norm=False, pack=1, penalty=(), **options):
    """Makes a GAN of points: G and D are three dense layers of 128 each.

    Args:
        shape: (2,).
        spectral_norm: whether D's layers are spectrally normalised.
        pack: how many points D judges at once (PacGAN).
        penalty: functions that make a penalty each, so that each GAN has its own.
        **options: of `GAN`: objective, discriminator_steps, …
    """
    hidden = [layers.Dense(128, activation="relu") for _ in range(3)]
    leaky = [layers.Dense(128, activation=layers.LeakyReLU(0.2)) for _ in range(3)]
    packed = [gan_layers.Pack(pack)] if pack > 1 else []
    discriminator = keras.Sequential([keras.Input(shape), *packed, *leaky, layers.Dense(1)])
    return GAN(
        generator=keras.Sequential([keras.Input((2,)), *hidden, layers.Dense(shape[0])]),
        discriminator=gan_layers.spectral_norm(discriminator) if spectral_norm else discriminator,
        latent_dim=2,
        penalty=[make() for make in penalty] or None,
        **options,
    )


def _on_plane(**options):
    return Recipe(
        model=partial(plane, **options),
        data="points",
        batch_size=128,
        steps=20_000,
        optimizer=partial(Adam, beta_1=0.0, beta_2=0.99),
        learning_rate=1e-3,
        decay=CosineDecay,
        average=0.999,
        options={"jit_compile": True, "steps_per_execution": 100},
    )


#: Objectives and cures for collapse on the plane: {name: (title, recipe)}. Points are divided by `Toy.scale`.
PLANE = {
    "textbook": (
        "non-saturating, Adam 2e-4, β₁ 0.5, constant, no average",
        replace(_on_plane(), **TEXTBOOK | {"options": {"jit_compile": True, "steps_per_execution": 100}}),
    ),
    "minimax": ("minimax", _on_plane(objective="minimax")),
    "non_saturating": ("non-saturating", _on_plane()),
    "least_squares": ("least squares", _on_plane(objective="least_squares")),
    "hinge-spectral": ("hinge, spectral norm", _on_plane(objective="hinge", spectral_norm=True)),
    "wasserstein-gp": (
        "Wasserstein, gradient penalty, 5 critic steps",
        replace(
            _on_plane(
                objective="wasserstein", penalty=[partial(penalties.GradientPenalty, weight=1.0)], discriminator_steps=5
            ),
            steps=8_000,
            options={"jit_compile": True},
        ),
    ),
    "dragan": ("non-saturating, DRAGAN", _on_plane(penalty=[partial(penalties.DRAGAN, weight=1.0)])),
    "packed": ("non-saturating, D judges 2 at once", _on_plane(pack=2)),
    "r1": ("non-saturating, R1", _on_plane(penalty=[partial(penalties.R1, weight=0.1)])),
    "r3gan": (
        "relativistic, R1 and R2",
        _on_plane(
            objective="relativistic", penalty=[partial(penalties.R1, weight=0.1), partial(penalties.R2, weight=0.1)]
        ),
    ),
}
