"""The average of a network's weights, used in the place of the last ones without touching them."""

import keras
from keras import layers, ops

from gan_lessons._keras import flatten_layers


class Average:
    """An average of weights that an optimizer keeps (`use_ema=True`), for use while the training goes on.

    The average is read into variables of its own, and a network computes with these inside a `keras.StatelessScope`:
    the weights that are trained never change places with the average, so another thread may train meanwhile.

    BatchNormalization's moving mean and variance were taken under the last weights. With averaged ones the layers' values
    are others, so the statistics are measured anew, on inputs that the model names.

    Args:
        optimizer: the Keras optimizer, with `use_ema=True`.
        weights: the variables that it was built on, in order.
    """

    def __init__(self, optimizer, weights):
        self.optimizer = optimizer
        self.weights = list(weights)
        self._values = {id(weight): _copy_of(weight) for weight in self.weights}
        self._variables = list(self.weights)
        self._state = None

    def refresh(self, version, networks, inputs_of):
        """Reads the average anew if the training has gone on since.

        Args:
            version: what changes when weights are loaded from a file.
            networks: {name: network} of the networks that these weights are in.
            inputs_of: a function from a network's name to inputs on which its BatchNormalization is measured, or to
                None, which keeps the moving statistics.
        """
        state = (version, int(self.optimizer.iterations.numpy()))
        if state == self._state:
            return
        values = [self._values[id(weight)] for weight in self.weights]
        for weight, value in zip(self.weights, values):
            value.assign(weight)
        if state[1] > 0:  # before the first step the optimizer's average is still empty
            self.optimizer.finalize_variable_values(values)
            for name, network in networks.items():
                self._measure(network, inputs_of(name))
        self._state = state

    def mapping(self, constants=None):
        """Returns pairs (variable, value) for a `keras.StatelessScope`, in which networks compute with the average.

        Args:
            constants: what `numpy` returned, for a traced graph that must know nothing of this object's variables.
        """
        values = constants or [self._values[id(variable)] for variable in self._variables]
        return list(zip(self._variables, values, strict=True))

    def numpy(self):
        """The average as a list of NumPy arrays."""
        return [self._values[id(variable)].numpy() for variable in self._variables]

    def value_of(self, variable):
        """The average of a variable, or the variable itself where it has none."""
        return self._values.get(id(variable), variable)

    def _measure(self, network, inputs):
        if inputs is None:
            return
        norms = [
            layer
            for layer in flatten_layers(network)
            if isinstance(layer, layers.BatchNormalization) and layer.trainable and layer.momentum < 1
        ]
        if not norms:
            return
        statistics = [(layer, kept) for layer in norms for kept in (layer.moving_mean, layer.moving_variance)]
        # A layer keeps momentum · old + (1 − momentum) · seen: from old = 0, what it has seen follows.
        zeros = [(kept, ops.zeros(kept.shape, kept.dtype)) for _, kept in statistics]
        averages = [(weight, self._values[id(weight)]) for weight in self.weights]
        with keras.StatelessScope(state_mapping=[*averages, *zeros]) as scope:
            network(inputs, training=True)
        for layer, kept in statistics:
            if id(kept) not in self._values:
                self._values[id(kept)] = _copy_of(kept)
                self._variables.append(kept)
            seen = scope.get_current_value(kept) / (1.0 - layer.momentum)
            self._values[id(kept)].assign(seen)


def _copy_of(variable):
    return keras.Variable(variable.numpy(), dtype=variable.dtype, trainable=False, autocast=False, name="average")
