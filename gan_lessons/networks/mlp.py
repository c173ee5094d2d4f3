"""Networks of dense layers."""

import math
import numbers
from collections.abc import Sequence

import keras
from keras import layers

from gan_lessons._arguments import integer
from gan_lessons.layers import LeakyReLU
from gan_lessons.networks.sizes import sizes_of


def mlp_generator(
    image_shape: Sequence[int],
    latent_dim: int = 100,
    units: Sequence[int] = (256, 512, 1024),
    name: str = "mlp_generator",
) -> keras.Model:
    """Build a generator of dense layers: latent → 256 → 512 → 1024 → pixels, LeakyReLU 0.2, tanh.

    Args:
        image_shape: (height, width, channels) of the images to generate.
        latent_dim: the length of a latent vector.
        units: the widths of the hidden layers.
        name: the model's name.

    Returns:
        A model from (batch, latent_dim) to (batch, height, width, channels), with values in [−1, 1].

    Raises:
        TypeError, ValueError: for a shape or a size that is not made of positive integers.

    Example:
        >>> mlp_generator((28, 28, 1)).output_shape
        (None, 28, 28, 1)
    """
    image_shape = sizes_of("image_shape", image_shape)
    x = latents = keras.Input((integer("latent_dim", latent_dim),), name="latents")
    for width in sizes_of("units", units):
        x = layers.Dense(width)(x)
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Dense(math.prod(image_shape), activation="tanh")(x)
    return keras.Model(latents, layers.Reshape(image_shape)(x), name=name)


def mlp_discriminator(
    image_shape: Sequence[int],
    units: Sequence[int] = (512, 256),
    dropout: float = 0.0,
    name: str = "mlp_discriminator",
) -> keras.Model:
    """Build a discriminator of dense layers: pixels → 512 → 256 → 1 logit, LeakyReLU 0.2.

    Another common choice is `units=(1024, 512, 256), dropout=0.3`.

    Args:
        image_shape: (height, width, channels) of the images to judge.
        units: the widths of the hidden layers.
        dropout: the rate of the Dropout after each hidden layer; 0 leaves Dropout out.
        name: the model's name.

    Returns:
        A model from (batch, height, width, channels) to logits of shape (batch, 1).

    Raises:
        TypeError, ValueError: for a shape or a size that is not made of positive integers.
        ValueError: for a rate outside [0, 1).
    """
    if not isinstance(dropout, numbers.Real) or not 0 <= dropout < 1:
        raise ValueError(f"dropout must be a rate in [0, 1). Received: dropout={dropout!r}.")
    images = keras.Input(sizes_of("image_shape", image_shape), name="images")
    x = layers.Flatten()(images)
    for width in sizes_of("units", units):
        x = layers.Dense(width)(x)
        x = LeakyReLU(0.2)(x)
        if dropout:
            x = layers.Dropout(dropout)(x)
    return keras.Model(images, layers.Dense(1)(x), name=name)
