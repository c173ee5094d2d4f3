"""Small forms of the networks of R3GAN (Huang et al. 2025, arXiv:2501.05441): residual, and nothing normalised."""

from collections.abc import Sequence

import keras
from keras import layers

from gan_lessons._arguments import integer
from gan_lessons.layers import LeakyReLU
from gan_lessons.networks.sizes import image_shape_for, sizes_of


def r3gan_generator(
    image_shape: Sequence[int] = (32, 32, 3),
    latent_dim: int = 64,
    filters: Sequence[int] = (64, 48, 32, 16),
    name: str = "r3gan_generator",
) -> keras.Model:
    """Build the generator of R3GAN, small: no normalisation, no tanh, bilinear upsampling.

    A dense layer makes the smallest map. On each map there is one residual block, x + F(x), and between two maps bilinear
    upsampling to sides twice as long, and a 1×1 convolution to the next number of channels. F is a 1×1 convolution,
    LeakyReLU 0.2, a 3×3 convolution, LeakyReLU 0.2 and a 1×1 convolution that begins at 0, so that at first every block
    passes its input on. A 1×1 convolution makes the pixels, which may have any value.

    The paper has two blocks a map, 3×3 convolutions in groups, and from 768 filters down. The defaults are for two CPU
    cores: with `r3gan_discriminator`'s and both penalties a step on 64 images costs three times the step of a DCGAN with
    128, 64 and 32 filters.

    Args:
        image_shape: (height, width, channels). Height and width must be divisible by 2 to the number of filter counts
            less one.
        latent_dim: the length of a latent vector.
        filters: the channels of the maps, from the smallest map on: 4 → 8 → 16 → 32 for four.
        name: the model's name.

    Returns:
        A model from (batch, latent_dim) to (batch, height, width, channels).

    Raises:
        TypeError, ValueError: for sizes that are not positive integers.
        ValueError: for a height or width that doubling cannot reach.

    Example:
        >>> r3gan_generator((28, 28, 1), filters=(96, 64, 32)).output_shape        # 7 → 14 → 28
        (None, 28, 28, 1)

    Reference:
        Huang et al., The GAN is dead; long live the GAN! A Modern GAN Baseline, 2025, arXiv:2501.05441
    """
    filters = sizes_of("filters", filters)
    height, width, channels = image_shape_for(image_shape, len(filters) - 1)
    scale = 2 ** (len(filters) - 1)

    x = latents = keras.Input((integer("latent_dim", latent_dim),), name="latents")
    x = layers.Dense(height // scale * (width // scale) * filters[0])(x)
    x = layers.Reshape((height // scale, width // scale, filters[0]))(x)
    for index, count in enumerate(filters):
        if index > 0:
            x = layers.UpSampling2D(interpolation="bilinear")(_narrowed(x, count))
        x = _block(x, len(filters))
    return keras.Model(latents, layers.Conv2D(channels, 1)(x), name=name)


def r3gan_discriminator(
    image_shape: Sequence[int] = (32, 32, 3),
    filters: Sequence[int] = (16, 32, 48, 64),
    name: str = "r3gan_discriminator",
) -> keras.Model:
    """Build the discriminator of R3GAN, small: the generator's blocks in the other order, bilinear downsampling.

    Bilinear downsampling by 2 is the mean over 2×2 places. A weighted sum over places for each channel, a depthwise
    convolution as large as the smallest map, and a dense layer make the logit. It is meant for
    `objective="relativistic", penalty=[penalties.R1(γ), penalties.R2(γ)]`.

    Args:
        image_shape: (height, width, channels). Height and width must be divisible by 2 to the number of filter counts
            less one.
        filters: the channels of the maps, from the largest map on.
        name: the model's name.

    Returns:
        A model from (batch, height, width, channels) to logits of shape (batch, 1).

    Raises:
        TypeError, ValueError: for sizes that are not positive integers.
        ValueError: for a height or width that cannot be halved so often.

    Reference:
        Huang et al., The GAN is dead; long live the GAN! A Modern GAN Baseline, 2025, arXiv:2501.05441
    """
    filters = sizes_of("filters", filters)
    images = keras.Input(image_shape_for(image_shape, len(filters) - 1), name="images")
    x = layers.Conv2D(filters[0], 1)(images)
    for index, count in enumerate(filters):
        if index > 0:
            x = _narrowed(layers.AveragePooling2D(2)(x), count)
        x = _block(x, len(filters))
    x = layers.DepthwiseConv2D(x.shape[1:3])(x)
    return keras.Model(images, layers.Dense(1)(layers.Flatten()(x)), name=name)


def _narrowed(x, filters):
    return x if x.shape[-1] == filters else layers.Conv2D(filters, 1, use_bias=False)(x)


def _block(x, blocks):
    """x + F(x). Without normalisation, weights of F begin smaller the more blocks there are (Fixup, arXiv:1901.09321)."""
    filters = x.shape[-1]

    def convolution(size, scale, use_bias=True):
        start = keras.initializers.VarianceScaling(scale, "fan_in", "untruncated_normal") if scale else "zeros"
        return layers.Conv2D(filters, size, padding="same", use_bias=use_bias, kernel_initializer=start)

    scale = 2 / (1 + 0.2**2) / blocks**0.5
    y = LeakyReLU(0.2)(convolution(1, scale)(x))
    y = LeakyReLU(0.2)(convolution(3, scale)(y))
    return layers.Add()([x, convolution(1, 0, use_bias=False)(y)])
