"""Tells the shape of a model's samples and the range of their values, for any model.

Plotting, scoring and the callbacks use these functions, so that all of them read a model in the same way.
"""

import math
from typing import Any

import numpy as np

from gan_lessons import validation


def shape_of(model: Any) -> tuple[int, ...]:
    """Returns the shape of a model's samples, without the batch axis.

    The function reads the attribute `image_shape`. A model without this attribute makes one sample.

    Args:
        model: a model with `generate(count, seed=…)`, or an array of samples, batch axis first.

    Returns:
        (height, width, channels) for images; any other shape for tables, series, volumes, …

    Example:
        >>> shape_of(gan)
        (28, 28, 1)
    """
    shape = getattr(model, "image_shape", None)
    if shape is None:
        samples = model if hasattr(model, "shape") else model.generate(1, seed=0)
        shape = np.shape(samples)[1:]
    return tuple(shape)


def range_of(model: Any, default: tuple[float, float] | None = (-1.0, 1.0)) -> tuple[float, float] | None:
    """Returns (low, high), the values of black and white in the samples that a model makes.

    The function reads the attribute `value_range`. Without this attribute the last activation of `model.generator`
    gives the range: (−1, 1) for tanh, (0, 1) for a sigmoid.

    Args:
        model: any object.
        default: what to return if neither tells the range.

    Example:
        >>> range_of(gan)
        (-1.0, 1.0)
    """
    found = getattr(model, "value_range", None)
    if found is None and (generator := getattr(model, "generator", None)) is not None:
        found = validation.RANGES.get(validation.last_activation(generator))
    return default if found is None else check_range(found)


def check_range(value_range: Any) -> tuple[float, float]:
    """Returns an argument `value_range` as two floats.

    Args:
        value_range: (low, high), the values of black and white.

    Raises:
        ValueError: if it is not two finite numbers, low < high.
    """
    try:
        low, high = map(float, value_range)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"value_range must be two numbers (low, high), low < high. Received: {value_range=}.")
    return low, high


def images_of(batch: Any) -> Any:
    """Returns the images of a batch of data, which may have labels or more beside them.

    Args:
        batch: an array or tensor of images, or a tuple or list that begins with it.
    """
    return batch[0] if isinstance(batch, (tuple, list)) else batch
