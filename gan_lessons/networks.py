"""Generators and discriminators: functions that return plain, built functional Keras models.

Layer sizes are arguments, discriminators answer logits (no sigmoid at the end), generators end in tanh and make images in
[−1, 1]. `GAN` takes these or any other Keras models. All layers are Keras's own but for `BatchNormalization`, and the
discriminators' `LeakyReLU`, which are Keras's with a faster way of computing (`gan_lessons.layers`).
"""

import math
import numbers

import keras
from keras import layers

from gan_lessons.layers import BatchNormalization, LeakyReLU


def mlp_generator(image_shape, latent_dim=100, units=(256, 512, 1024), name="mlp_generator"):
    """A generator of dense layers: latent → 256 → 512 → 1024 → pixels, LeakyReLU 0.2, tanh.

    Args:
        image_shape: (height, width, channels) of the images to make.
        latent_dim: the length of a latent vector.
        units: the widths of the hidden layers.
        name: the model's name.

    Returns:
        A model from (batch, latent_dim) to (batch, height, width, channels), with values in [−1, 1].

    Raises:
        ValueError: for a shape or a size that is not of positive integers.

    Example:
        >>> mlp_generator((28, 28, 1)).output_shape
        (None, 28, 28, 1)
    """
    image_shape = _positive("image_shape", image_shape)
    x = latents = keras.Input(_positive("latent_dim", latent_dim), name="latents")
    for width in _positive("units", units):
        x = layers.Dense(width)(x)
        x = layers.LeakyReLU(0.2)(x)
    x = layers.Dense(math.prod(image_shape), activation="tanh")(x)
    return keras.Model(latents, layers.Reshape(image_shape)(x), name=name)


def mlp_discriminator(image_shape, units=(512, 256), dropout=0.0, name="mlp_discriminator"):
    """A discriminator of dense layers: pixels → 512 → 256 → 1 logit, LeakyReLU 0.2.

    The second form in use is `units=(1024, 512, 256), dropout=0.3`.

    Args:
        image_shape: (height, width, channels) of the images to judge.
        units: the widths of the hidden layers.
        dropout: the rate of the Dropout after each hidden layer; 0 leaves Dropout out.
        name: the model's name.

    Returns:
        A model from (batch, height, width, channels) to logits of shape (batch, 1).

    Raises:
        ValueError: for a shape or a size that is not of positive integers, or a rate outside [0, 1).
    """
    if not isinstance(dropout, numbers.Real) or not 0 <= dropout < 1:
        raise ValueError(f"dropout is a rate in [0, 1). Received: dropout={dropout!r}.")
    images = keras.Input(_positive("image_shape", image_shape), name="images")
    x = layers.Flatten()(images)
    for width in _positive("units", units):
        x = layers.Dense(width)(x)
        x = LeakyReLU(0.2)(x)
        if dropout:
            x = layers.Dropout(dropout)(x)
    return keras.Model(images, layers.Dense(1)(x), name=name)


def dcgan_generator(
    image_shape=(32, 32, 3), latent_dim=100, filters=(512, 256, 128), batch_norm=True, name="dcgan_generator"
):
    """The DCGAN generator: a dense layer to a small map, then transposed convolutions that double it until it is an image.

    Each transposed convolution is 4×4 with stride 2; BatchNormalization and ReLU follow all but the last, which ends in
    tanh. Weights start from N(0, 0.02). Three filter counts make 4×4 → 8 → 16 → 32; four make 4×4 → 64.

    Args:
        image_shape: (height, width, channels). Height and width must be divisible by 2 to the number of filter counts.
        latent_dim: the length of a latent vector.
        filters: the channels of the maps, from the smallest map on.
        batch_norm: whether BatchNormalization is used (the paper does).
        name: the model's name.

    Returns:
        A model from (batch, latent_dim) to (batch, height, width, channels), with values in [−1, 1].

    Raises:
        ValueError: for sizes that are not positive integers, or a height or width that doubling cannot reach.

    Example:
        >>> dcgan_generator((64, 64, 3), filters=(512, 256, 128, 64)).output_shape
        (None, 64, 64, 3)

    Reference:
        Radford et al., Unsupervised Representation Learning with Deep Convolutional GANs, 2015, arXiv:1511.06434
    """
    filters = _positive("filters", filters)
    height, width, channels = _image_shape_for(image_shape, filters)
    scale = 2 ** len(filters)

    x = latents = keras.Input(_positive("latent_dim", latent_dim), name="latents")
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


def dcgan_discriminator(image_shape=(32, 32, 3), filters=(128, 256, 512), batch_norm=True, name="dcgan_discriminator"):
    """The DCGAN discriminator: strided convolutions that halve the image until a dense layer answers one logit.

    Each convolution is 4×4 with stride 2 and LeakyReLU 0.2; BatchNormalization comes before the activation in all but the
    first. Weights start from N(0, 0.02).

    Args:
        image_shape: (height, width, channels). Height and width must be divisible by 2 to the number of filter counts.
        filters: the channels of the maps, from the largest map on.
        batch_norm: whether BatchNormalization is used. A gradient penalty needs it off: see `dcgan_critic`.
        name: the model's name.

    Returns:
        A model from (batch, height, width, channels) to logits of shape (batch, 1).

    Raises:
        ValueError: for sizes that are not positive integers, or a height or width that cannot be halved so often.

    Reference:
        Radford et al., Unsupervised Representation Learning with Deep Convolutional GANs, 2015, arXiv:1511.06434
    """
    filters = _positive("filters", filters)
    x = images = keras.Input(_image_shape_for(image_shape, filters), name="images")
    for index, count in enumerate(filters):
        normalised = batch_norm and index > 0
        x = layers.Conv2D(count, 4, strides=2, padding="same", use_bias=not normalised, **_normal())(x)
        if normalised:
            x = BatchNormalization(gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02))(x)
        x = LeakyReLU(0.2)(x)
    return keras.Model(images, layers.Dense(1, **_normal())(layers.Flatten()(x)), name=name)


def dcgan_critic(image_shape=(32, 32, 3), filters=(128, 256, 512), name="dcgan_critic"):
    """The DCGAN discriminator without BatchNormalization, as WGAN-GP needs it.

    The gradient penalty holds the slope at each image by itself; BatchNormalization would make the answer to one image
    depend on the others in the batch.

    Args and Returns: as `dcgan_discriminator`.

    Reference:
        Gulrajani et al., Improved Training of Wasserstein GANs, 2017, section 4, arXiv:1704.00028
    """
    return dcgan_discriminator(image_shape, filters, batch_norm=False, name=name)


def _normal():
    # A new initializer each time: one object gives the same numbers again to every weight of the same shape.
    return {"kernel_initializer": keras.initializers.RandomNormal(0.0, 0.02)}


def _positive(name, value):
    """The sizes as a tuple, once each is known to be a positive integer."""
    sizes = (value,) if isinstance(value, numbers.Integral) else value
    if (
        not isinstance(sizes, (tuple, list))
        or not sizes
        or not all(isinstance(size, numbers.Integral) and not isinstance(size, bool) and size > 0 for size in sizes)
    ):
        raise ValueError(f"{name} must be made of positive integers. Received: {name}={value!r}.")
    return tuple(map(int, sizes))


def _image_shape_for(image_shape, filters):
    image_shape = _positive("image_shape", image_shape)
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
