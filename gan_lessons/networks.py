"""Generators and discriminators: functions that return plain, built functional Keras models.

Layer sizes are arguments. Discriminators output logits (no sigmoid at the end). Generators end in tanh and output
images in [−1, 1]. `GAN` takes these or any other Keras models. All layers are Keras's own except `BatchNormalization`
and the discriminators' `LeakyReLU`, which compute the same in a faster way (`gan_lessons.layers`).
"""

import math
import numbers
from collections.abc import Sequence

import keras
from keras import layers

from gan_lessons._arguments import integer
from gan_lessons.layers import BatchNormalization, LeakyReLU


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
    image_shape = _sizes("image_shape", image_shape)
    x = latents = keras.Input((integer("latent_dim", latent_dim),), name="latents")
    for width in _sizes("units", units):
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
    images = keras.Input(_sizes("image_shape", image_shape), name="images")
    x = layers.Flatten()(images)
    for width in _sizes("units", units):
        x = layers.Dense(width)(x)
        x = LeakyReLU(0.2)(x)
        if dropout:
            x = layers.Dropout(dropout)(x)
    return keras.Model(images, layers.Dense(1)(x), name=name)


def dcgan_generator(
    image_shape: Sequence[int] = (32, 32, 3),
    latent_dim: int = 100,
    filters: Sequence[int] = (512, 256, 128),
    batch_norm: bool = True,
    name: str = "dcgan_generator",
) -> keras.Model:
    """Build the DCGAN generator: a dense layer to a small map, then transposed convolutions that double its sides.

    Each transposed convolution is 4×4 with stride 2. BatchNormalization and ReLU follow all layers but the last, which
    ends in tanh. Weights start from N(0, 0.02). With three filter counts the sides of a square map are 4 → 8 → 16 → 32,
    with four 4 → 8 → 16 → 32 → 64.

    Args:
        image_shape: (height, width, channels). Height and width must be divisible by 2 to the number of filter counts.
        latent_dim: the length of a latent vector.
        filters: the channels of the maps, from the smallest map on.
        batch_norm: whether to use BatchNormalization (the paper does).
        name: the model's name.

    Returns:
        A model from (batch, latent_dim) to (batch, height, width, channels), with values in [−1, 1].

    Raises:
        TypeError, ValueError: for sizes that are not positive integers.
        ValueError: for a height or width that doubling cannot reach.

    Example:
        >>> dcgan_generator((64, 64, 3), filters=(512, 256, 128, 64)).output_shape
        (None, 64, 64, 3)

    Reference:
        Radford et al., Unsupervised Representation Learning with Deep Convolutional GANs, 2015, arXiv:1511.06434
    """
    filters = _sizes("filters", filters)
    height, width, channels = _image_shape_for(image_shape, filters)
    scale = 2 ** len(filters)

    x = latents = keras.Input((integer("latent_dim", latent_dim),), name="latents")
    x = layers.Dense(height // scale * (width // scale) * filters[0], use_bias=not batch_norm, **_normal())(x)
    x = layers.Reshape((height // scale, width // scale, filters[0]))(x)
    for count in (*filters[1:], None):
        if batch_norm:
            x = BatchNormalization(gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02))(x)
        x = layers.ReLU()(x)
        if count:
            x = layers.Conv2DTranspose(count, 4, strides=2, padding="same", use_bias=not batch_norm, **_normal())(x)
    images = layers.Conv2DTranspose(channels, 4, strides=2, padding="same", activation="tanh", **_normal())(x)
    return keras.Model(latents, images, name=name)


def dcgan_discriminator(
    image_shape: Sequence[int] = (32, 32, 3),
    filters: Sequence[int] = (128, 256, 512),
    batch_norm: bool = True,
    name: str = "dcgan_discriminator",
) -> keras.Model:
    """Build the DCGAN discriminator: strided convolutions that halve the image, then a dense layer to a logit.

    Each convolution is 4×4 with stride 2 and LeakyReLU 0.2. BatchNormalization comes before the activation in all
    convolutions but the first. Weights start from N(0, 0.02).

    Args:
        image_shape: (height, width, channels). Height and width must be divisible by 2 to the number of filter counts.
        filters: the channels of the maps, from the largest map on.
        batch_norm: whether to use BatchNormalization. A gradient penalty needs it off: see `dcgan_critic`.
        name: the model's name.

    Returns:
        A model from (batch, height, width, channels) to logits of shape (batch, 1).

    Raises:
        TypeError, ValueError: for sizes that are not positive integers.
        ValueError: for a height or width that cannot be halved so often.

    Reference:
        Radford et al., Unsupervised Representation Learning with Deep Convolutional GANs, 2015, arXiv:1511.06434
    """
    filters = _sizes("filters", filters)
    x = images = keras.Input(_image_shape_for(image_shape, filters), name="images")
    for index, count in enumerate(filters):
        normalised = batch_norm and index > 0
        x = layers.Conv2D(count, 4, strides=2, padding="same", use_bias=not normalised, **_normal())(x)
        if normalised:
            x = BatchNormalization(gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02))(x)
        x = LeakyReLU(0.2)(x)
    return keras.Model(images, layers.Dense(1, **_normal())(layers.Flatten()(x)), name=name)


def dcgan_critic(
    image_shape: Sequence[int] = (32, 32, 3), filters: Sequence[int] = (128, 256, 512), name: str = "dcgan_critic"
) -> keras.Model:
    """Build the DCGAN discriminator without BatchNormalization, as WGAN-GP needs it.

    The gradient penalty is a function of the slope at each image alone. With BatchNormalization the output for an image
    would depend on the other images of the batch.

    Args, Returns, Raises: as for `dcgan_discriminator`.

    Reference:
        Gulrajani et al., Improved Training of Wasserstein GANs, 2017, section 4, arXiv:1704.00028
    """
    return dcgan_discriminator(image_shape, filters, batch_norm=False, name=name)


def _normal():
    # A new initializer each time: the same object gives the same numbers to every weight of the same shape.
    return {"kernel_initializer": keras.initializers.RandomNormal(0.0, 0.02)}


def _sizes(name, value):
    """Return a tuple of positive integers, from such a tuple, a list or an integer."""
    sizes = (value,) if isinstance(value, numbers.Integral) else value
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(f"{name} must be a tuple of integers, such as (28, 28, 1). Received: {name}={value!r}.")
    if not sizes:
        raise ValueError(f"{name} must have at least one entry. Received: {name}={value!r}.")
    return tuple(integer(f"{name}[{i}]", size) for i, size in enumerate(sizes))


def _image_shape_for(image_shape, filters):
    image_shape = _sizes("image_shape", image_shape)
    if len(image_shape) != 3:
        raise ValueError(
            f"image_shape must be (height, width, channels). Received: image_shape={image_shape!r}. "
            "Grey images have one channel: (28, 28, 1)."
        )
    scale = 2 ** len(filters)
    if image_shape[0] % scale or image_shape[1] % scale:
        raise ValueError(
            f"With {len(filters)} filter counts the image is halved {len(filters)} times, so height and width must be "
            f"divisible by {scale}. Received: image_shape={image_shape!r}, filters={tuple(filters)!r}. "
            "Give fewer filter counts, or resize the images."
        )
    return image_shape
