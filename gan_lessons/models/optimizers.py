"""What callbacks find as `model.optimizer`: one learning rate for all of a model's optimizers."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops


class Optimizers:
    """Stands in the place of `model.optimizer` for all optimizers of a model.

    Keras's callbacks and users read and set `model.optimizer.learning_rate`. Here setting it moves every optimizer's rate
    in proportion, by `=` or by `assign`. What has no meaning for several optimizers is an `AttributeError` that names them.

    Args:
        optimizers: {name of the model's attribute: Keras optimizer}, the one that is read first.
    """

    built = True

    def __init__(self, optimizers: dict):
        self._optimizers = dict(optimizers)
        self._ratios = [1.0] * len(optimizers)

    @property
    def learning_rate(self):
        """The rate of the first optimizer that learns; set it, or call `.assign`, and all move in proportion."""
        return Rate(self)

    @learning_rate.setter
    def learning_rate(self, value):
        optimizers = list(self._optimizers.values())
        rates = [float(ops.convert_to_numpy(optimizer.learning_rate)) for optimizer in optimizers]
        if first := float(ops.convert_to_numpy(self._first_that_learns.learning_rate)):
            # Remembered, so that a schedule can pass through 0 and come back.
            self._ratios = [rate / first for rate in rates]
        for optimizer, ratio in zip(optimizers, self._ratios, strict=True):
            optimizer.learning_rate = float(ops.convert_to_numpy(value)) * ratio

    lr = learning_rate

    @property
    def iterations(self):
        """The first optimizer's steps."""
        return self._first.iterations

    @property
    def variables(self):
        """All optimizers' variables."""
        return [variable for optimizer in self._optimizers.values() for variable in optimizer.variables]

    @property
    def _first(self):
        return next(iter(self._optimizers.values()))

    @property
    def _first_that_learns(self):
        """The first optimizer whose rate is above 0: of a rate of 0 nothing is in proportion."""
        if not tf.executing_eagerly():
            return self._first  # within a training step rates have no values to look at
        learning = [o for o in self._optimizers.values() if float(ops.convert_to_numpy(o.learning_rate)) > 0]
        return learning[0] if learning else self._first

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        names = ", ".join(f"model.{attribute}" for attribute in self.__dict__.get("_optimizers", {}))
        raise AttributeError(
            f"model.optimizer stands for all optimizers of the model; it has learning_rate, iterations and variables. "
            f"Received: {name}. Ask {names}."
        )


class Rate:
    """The learning rate of `Optimizers`: a number, with the `assign` of a variable.

    It computes as the float that it is: `rate / 2`, `1 - rate`, `f"{rate:.1e}"`.
    """

    def __init__(self, optimizers: Optimizers):
        self._optimizers = optimizers

    shape = ()

    @property
    def value(self):
        """The rate of the first optimizer that learns, a variable or a tensor."""
        return self._optimizers._first_that_learns.learning_rate

    @property
    def dtype(self):
        """The rate's dtype, as of a variable."""
        return self.value.dtype

    def assign(self, value):
        """Sets that optimizer's rate, and the others' in proportion."""
        self._optimizers.learning_rate = value
        return self

    def numpy(self) -> np.ndarray:
        """The rate as a NumPy array without axes."""
        return np.asarray(ops.convert_to_numpy(self.value))

    def __float__(self):
        return float(self.numpy())

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.numpy(), dtype=dtype)

    def __tf_tensor__(self, dtype=None, name=None):
        return tf.convert_to_tensor(ops.convert_to_tensor(self.value), dtype)

    def __repr__(self):
        return f"<learning rate {float(self):g} of {len(self._optimizers._optimizers)} optimizers>"

    __hash__ = object.__hash__


def _of_float(name):
    def method(self, *others):
        return getattr(float(self), name)(*(float(other) if isinstance(other, Rate) else other for other in others))

    return method


for _name in "eq lt le gt ge add radd sub rsub mul rmul truediv rtruediv pow rpow neg round format bool int".split():
    setattr(Rate, f"__{_name}__", _of_float(f"__{_name}__"))


def plain(optimizer):
    """The optimizer inside of a `LossScaleOptimizer`, or the optimizer itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def keeps_average(optimizer) -> bool:
    """Whether an optimizer keeps an average of the weights (`use_ema=True`)."""
    return bool(getattr(plain(optimizer), "use_ema", False))


def made_once(name: str, identifier, others) -> keras.optimizers.Optimizer:
    """Returns an optimizer from its name or object, refusing one that is already in use.

    Args:
        name: the argument's name, for messages.
        identifier: a Keras optimizer, its name or its configuration.
        others: the optimizers that this model has already been given.

    Raises:
        TypeError: if it is None.
        ValueError: if it is unknown to Keras, given twice, or has been used for other weights.
    """
    if identifier is None:
        raise TypeError(
            f"Each player needs an optimizer. Received: {name}=None. "
            f"Pass for example {name}=keras.optimizers.Adam(2e-4, beta_1=0.5)."
        )
    optimizer = keras.optimizers.get(identifier)
    if any(optimizer is other for other in others):
        raise ValueError(
            f"Each player needs an optimizer of its own: it keeps a state for each weight. Received: {name} is "
            "the object given to another player too. Make two, with the same settings if you like."
        )
    if optimizer.built:
        raise ValueError(
            f"An optimizer keeps a state for the weights it was first used on. Received: {name}, which has been "
            "used already. Make a new one for compile(); to go on training, call fit() again without compile()."
        )
    return optimizer
