"""Checks of arguments, and the few numbers that several modules share.

Every check names the argument: the rule, then `Received: name=value`.
"""

import math
import numbers

import numpy as np

#: How far a value may lie past the end of its range: rounding and resampling carry a pixel a little past it.
ROOM = 1e-3


def integer(name: str, value, least: int = 1, most: int | None = None) -> int:
    """Returns an argument that must be an integer, as a Python int.

    Args:
        name: the argument's name, for the message.
        value: what the user gave.
        least: the smallest value that is allowed.
        most: the largest value that is allowed; None for any.

    Raises:
        TypeError: if it is not an integer (a bool is none).
        ValueError: if it is too small or too large.
    """
    rule = f"{name} must be an integer of at least {least}" + (f" and at most {most}" if most is not None else "")
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{rule}. Received: {name}={value!r}.")
    if value < least or (most is not None and value > most):
        raise ValueError(f"{rule}. Received: {name}={value!r}.")
    return int(value)


def positive(name: str, value, hint: str = "") -> float:
    """Returns an argument that must be a positive, finite number, as a float.

    Args:
        name: the argument's name, for the message.
        value: what the user gave.
        hint: a sentence that says what to do about a wrong value.

    Raises:
        ValueError: if it is no number, not finite, or not above 0.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    if not is_number or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a positive number. Received: {name}={value!r}.{hint and ' ' + hint}")
    return float(value)


def not_negative(name: str, value, hint: str = "") -> float:
    """Returns an argument that must be 0 or a positive, finite number, as a float.

    Args:
        name, value, hint: as in `positive`.

    Raises:
        ValueError: if it is no number, not finite, or below 0.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    if not is_number or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be 0 or a positive number. Received: {name}={value!r}.{hint and ' ' + hint}")
    return float(value)
