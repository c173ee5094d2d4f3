"""The networks of DCGAN: strided and transposed convolutions."""

from collections.abc import Sequence

import keras
from keras import layers

from gan_lessons._arguments import integer
from gan_lessons.layers import BatchNormalization, LeakyReLU
from gan_lessons.networks.sizes import image_shape_for, sizes_of


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
    filters = sizes_of("filters", filters)
    height, width, channels = image_shape_for(image_shape, len(filters))
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
    filters = sizes_of("filters", filters)
    x = images = keras.Input(image_shape_for(image_shape, len(filters)), name="images")
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
