"""Checks of the sizes that networks are built of."""

import numbers

from gan_lessons._arguments import integer


def sizes_of(name, value):
    """Returns a tuple of positive integers, from such a tuple, a list or an integer."""
    sizes = (value,) if isinstance(value, numbers.Integral) else value
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(f"{name} must be a tuple of integers, such as (28, 28, 1). Received: {name}={value!r}.")
    if not sizes:
        raise ValueError(f"{name} must have at least one entry. Received: {name}={value!r}.")
    return tuple(integer(f"{name}[{i}]", size) for i, size in enumerate(sizes))


def image_shape_for(image_shape, halvings):
    """Returns an image shape whose sides can be halved so often."""
    image_shape = sizes_of("image_shape", image_shape)
    if len(image_shape) != 3:
        raise ValueError(
            f"image_shape must be (height, width, channels). Received: image_shape={image_shape!r}. "
            "Grey images have one channel: (28, 28, 1)."
        )
    scale = 2**halvings
    if image_shape[0] % scale or image_shape[1] % scale:
        raise ValueError(
            f"The network halves or doubles the image {halvings} times, so height and width must be divisible by {scale}. "
            f"Received: image_shape={image_shape!r}. Give fewer filter counts, or resize the images."
        )
    return image_shape
