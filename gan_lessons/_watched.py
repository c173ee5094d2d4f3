"""Reads what a callback or the doctor needs from the model that it watches, which may be any `keras.Model`."""

import numbers
import re
import textwrap

import keras


def check_generates(callback: keras.callbacks.Callback, model: keras.Model, hint: str = "") -> None:
    """Refuses a model without `generate`.

    Args:
        callback: the callback that needs `generate`, for the message.
        model: the model that is trained.
        hint: a sentence that says what to do about it.

    Raises:
        TypeError: if the model has no method `generate`.
    """
    if not callable(getattr(model, "generate", None)):
        raise TypeError(
            f"{type(callback).__name__} goes with a model that has generate(count, seed=…), as gan_lessons.GAN has. "
            f"Received: a model of type {type(model).__name__}.{hint and ' ' + hint}"
        )


def batches_trained(model: keras.Model) -> int | None:
    """Returns how many batches a model was trained on, in this call of `fit` and before it.

    `model.batches_trained` is exact. A model without this integer has the steps of the optimizer that took the most:
    fewer than batches where gradients are accumulated.

    Returns:
        An integer; None for a model without a counter and without an optimizer.
    """
    counted = getattr(model, "batches_trained", None)
    if isinstance(counted, numbers.Integral):
        return int(counted)
    models = [model, *(part for part in vars(model).values() if isinstance(part, keras.Model))]
    optimizers = [
        value
        for each in models
        for value in (getattr(each, "optimizer", None), *vars(each).values())
        if isinstance(value, keras.optimizers.Optimizer)
    ]
    steps = [int(keras.ops.convert_to_numpy(optimizer.iterations)) for optimizer in optimizers]
    return max(steps, default=None)


def in_words(error: Exception, most: int = 300) -> str:
    """Returns an error in one line, its kind first: messages of Keras are long, and have codes for bold letters.

    Args:
        error: the exception.
        most: how many characters of its message are kept.
    """
    message = re.sub(r"\x1b\[\d*m", "", str(error))
    return f"{type(error).__name__}: {textwrap.shorten(message, most, placeholder=' …')}"
