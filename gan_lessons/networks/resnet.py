"""The residual networks of spectrally normalised GANs (Miyato et al. 2018, arXiv:1802.05957, appendix B)."""

from collections.abc import Sequence

import keras
from keras import layers

from gan_lessons._arguments import integer
from gan_lessons.layers import BatchNormalization, SpectralNorm
from gan_lessons.networks.sizes import image_shape_for, sizes_of


def resnet_generator(
    image_shape: Sequence[int] = (32, 32, 3),
    latent_dim: int = 128,
    filters: Sequence[int] = (64, 32, 16),
    batch_norm: bool = True,
    name: str = "resnet_generator",
) -> keras.Model:
    """Build a residual generator: a dense layer to a small map, then residual blocks that double its sides.

    A block outputs F(x) + S(x). F is BatchNormalization, ReLU, nearest-neighbour upsampling, a 3×3 convolution, and once
    more BatchNormalization, ReLU and a 3×3 convolution. S is upsampling and a 1×1 convolution. BatchNormalization, ReLU
    and a 3×3 convolution to tanh end the network.

    The paper has 256 filters throughout. The defaults are for two CPU cores: with `resnet_discriminator`'s a step on 64
    images costs three times the step of a DCGAN with 128, 64 and 32 filters.

    Args:
        image_shape: (height, width, channels). Height and width must be divisible by 2 to the number of filter counts.
        latent_dim: the length of a latent vector.
        filters: the channels of the blocks' outputs, from the smallest map on.
        batch_norm: whether to use BatchNormalization (the paper does).
        name: the model's name.

    Returns:
        A model from (batch, latent_dim) to (batch, height, width, channels), with values in [−1, 1].

    Raises:
        TypeError, ValueError: for sizes that are not positive integers.
        ValueError: for a height or width that doubling cannot reach.

    Example:
        >>> resnet_generator((28, 28, 1), filters=(64, 32)).output_shape        # 7 → 14 → 28
        (None, 28, 28, 1)

    Reference:
        Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018, arXiv:1802.05957
    """
    filters = sizes_of("filters", filters)
    height, width, channels = image_shape_for(image_shape, len(filters))
    scale = 2 ** len(filters)

    def activated(x):
        return layers.ReLU()(BatchNormalization()(x) if batch_norm else x)

    x = latents = keras.Input((integer("latent_dim", latent_dim),), name="latents")
    x = layers.Dense(height // scale * (width // scale) * filters[0])(x)
    x = layers.Reshape((height // scale, width // scale, filters[0]))(x)
    for count in filters:
        # A 1×1 convolution computes the same before the upsampling as after it, for a quarter of the work.
        shortcut = layers.UpSampling2D()(layers.Conv2D(count, 1)(x))
        x = layers.UpSampling2D()(activated(x))
        x = layers.Conv2D(count, 3, padding="same")(x)
        x = layers.Conv2D(count, 3, padding="same")(activated(x))
        x = layers.Add()([x, shortcut])
    images = layers.Conv2D(channels, 3, padding="same", activation="tanh")(activated(x))
    return keras.Model(latents, images, name=name)


def resnet_discriminator(
    image_shape: Sequence[int] = (32, 32, 3),
    filters: Sequence[int] = (16, 32, 64, 64),
    halvings: int = 2,
    spectral_norm: bool = True,
    name: str = "resnet_discriminator",
) -> keras.Model:
    """Build a residual discriminator with spectral normalisation: residual blocks, a sum over places, a dense layer.

    A block outputs F(x) + S(x). F is ReLU, a 3×3 convolution, ReLU, a 3×3 convolution and, in the first `halvings` blocks,
    a mean over 2×2 places. S is a 1×1 convolution and the same mean, or x itself where the shape stays. In the first
    block, which sees pixels, F begins with the convolution. ReLU and the sum over all places come before the last layer.

    The paper has 128 filters throughout; see `resnet_generator` on the defaults.

    Args:
        image_shape: (height, width, channels). Height and width must be divisible by 2 to the number of halvings.
        filters: the channels of the blocks' outputs.
        halvings: how many of the blocks, from the first on, halve the map.
        spectral_norm: whether each layer with a kernel has a `SpectralNorm`.
        name: the model's name.

    Returns:
        A model from (batch, height, width, channels) to logits of shape (batch, 1).

    Raises:
        TypeError, ValueError: for sizes that are not positive integers, or more halvings than blocks.
        ValueError: for a height or width that cannot be halved so often.

    Example:
        >>> D = resnet_discriminator((28, 28, 1), filters=(32, 32, 32))

    Reference:
        Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018, arXiv:1802.05957
    """
    filters = sizes_of("filters", filters)
    halvings = integer("halvings", halvings, least=0, most=len(filters))

    def with_kernel(layer):
        return SpectralNorm(layer) if spectral_norm else layer

    x = images = keras.Input(image_shape_for(image_shape, halvings), name="images")
    for index, count in enumerate(filters):
        halved = layers.AveragePooling2D(2) if index < halvings else layers.Identity()
        shortcut = x
        if index < halvings or x.shape[-1] != count:
            # A mean over places and a 1×1 convolution may change places; this order costs a quarter.
            shortcut = with_kernel(layers.Conv2D(count, 1))(halved(x))
        x = x if index == 0 else layers.ReLU()(x)
        x = with_kernel(layers.Conv2D(count, 3, padding="same"))(x)
        x = with_kernel(layers.Conv2D(count, 3, padding="same"))(layers.ReLU()(x))
        x = layers.Add()([halved(x), shortcut])
    height, width = x.shape[1:3]
    # A sum over places, as in the paper.
    x = layers.Rescaling(float(height * width))(layers.GlobalAveragePooling2D()(layers.ReLU()(x)))
    return keras.Model(images, with_kernel(layers.Dense(1))(x), name=name)
