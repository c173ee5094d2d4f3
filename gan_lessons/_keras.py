"""Holds every private name of Keras and TensorFlow that the package needs: one small function for each.

A private name can change in any version. So no other module uses one, each function says why no public name serves, and
`tests/test_keras.py` holds each to what it promises. All were checked with Keras 3.10.0, 3.11.3, 3.12.0, 3.13.2, 3.14.0
and 3.15.1, on TensorFlow 2.21. Private modules are imported where they are used: a name that has moved breaks only the
function that needs it.
"""

import contextlib
import random
import weakref
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

# --- layers and networks -------------------------------------------------------------------------------------------


def flatten_layers(layer: keras.layers.Layer, include_self: bool = True) -> list[keras.layers.Layer]:
    """Returns a layer and all layers inside it, at any depth.

    `model.layers` is public, but only models have it: a layer that contains layers (`SpectralNormalization`,
    `Bidirectional`, a residual block of a user's own) has no public list of them.

    Args:
        layer: a Keras layer or model.
        include_self: whether the layer itself comes first.
    """
    return layer._flatten_layers(include_self=include_self)


def origin(tensor: keras.KerasTensor) -> tuple[keras.Operation, list[keras.KerasTensor]]:
    """Returns the operation that a symbolic tensor of a functional model comes out of, and the operation's inputs.

    The public `operation.output` is the output of the operation's first call, so it finds neither a layer that is
    called twice nor a model inside a model. The public `get_config()` has the whole graph, but fails for a network
    that cannot be serialised.

    Args:
        tensor: a `KerasTensor`, for example one of `model.outputs`.
    """
    operation, node, _ = tensor._keras_history
    return operation, list(operation._inbound_nodes[node].input_tensors)


def renorm(layer: keras.layers.BatchNormalization) -> bool:
    """Returns whether a BatchNormalization layer uses renormalisation. Keras has that setting since 3.15.

    Args:
        layer: a layer of any version.
    """
    return bool(getattr(layer, "renorm", False))


# --- optimizers ----------------------------------------------------------------------------------------------------


def weights_of(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Returns the weights that an optimizer was built for, in its order; an empty list before it is built.

    The public `optimizer.variables` has the optimizer's own state only, and names in it need not be unique.

    Args:
        optimizer: a Keras optimizer; of a `LossScaleOptimizer` the weights of the one inside.
    """
    return list(getattr(optimizer, "inner_optimizer", optimizer)._trainable_variables)


def averages_of(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Returns the averages that an optimizer keeps of its weights (`use_ema=True`); an empty list where it keeps none.

    The public `optimizer.variables` has them among all others. The public `finalize_variable_values` writes them into
    the weights, and no public name puts an earlier average back.

    Args:
        optimizer: a Keras optimizer; of a `LossScaleOptimizer` the averages of the one inside.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return list(optimizer._model_variables_moving_average) if optimizer.use_ema and optimizer.built else []


# --- training ------------------------------------------------------------------------------------------------------


class EpochIteratorMixin:
    """Lets a `keras.Model` find the object that `fit` reads its data with.

    A training that is resumed has to read the epochs before it from that object, so that a data set that shuffles
    anew in each epoch continues with the right order. `fit` gives the object to no public method:
    `make_train_function` is called without arguments, and the train function gets only one epoch's part of it.

    Put it before `keras.Model` among the base classes.

    Example:
        >>> class Model(EpochIteratorMixin, keras.Model): ...
        >>> model.epoch_iterator  # within fit, from `on_train_begin` on
    """

    _read_with = None

    @property
    def epoch_iterator(self):
        """The object that the latest `fit` or `evaluate` reads batches with; None before, and once it is gone.

        In `on_train_begin` it is the one of `fit`. Validation within `fit` sets its own.
        """
        return self._read_with and self._read_with()

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # fit and evaluate call this with the object, before they train. A weak reference: the data may be large.
        self._read_with = iterator and weakref.ref(iterator)
        super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)


def read_epoch(epoch_iterator, read: Callable[[Iterator], None]) -> None:
    """Goes through one epoch of data as `fit` does, with `read` in the place of the train function.

    `EpochIterator` is not public. What it yields has changed: Keras 3.10 yields (step, iterator), Keras 3.11 and later
    (first step, last step, iterator).

    Args:
        epoch_iterator: the `epoch_iterator` of a model.
        read: a function that takes an iterator over batches and reads the next `steps_per_execution` of them. At the
            end of the data it raises StopIteration.
    """
    with epoch_iterator.catch_stop_iteration():
        for *_, iterator in epoch_iterator:
            read(iterator)


def begin_at_epoch(model: keras.Model, epoch: int | None) -> None:
    """Sets the epoch with which a `fit` that has begun starts, from `on_train_begin`.

    `keras.callbacks.BackupAndRestore` sets the same attribute. The public argument `initial_epoch` of `fit` must be
    known before callbacks are called. Keras keeps the value after `fit`.

    Args:
        model: the model that is trained.
        epoch: epochs that are done; None to forget an earlier value.
    """
    model._initial_epoch = epoch


# --- probabilities that remember their logits ----------------------------------------------------------------------


def logits_of(probabilities: tf.Tensor) -> tf.Tensor | None:
    """Returns the logits that Keras's sigmoid or softmax has left on its output; None for another tensor.

    With `from_logits=True` Keras's cross-entropies take these logits in place of the probabilities. No public name
    tells of them.

    Args:
        probabilities: a TensorFlow tensor.
    """
    return getattr(probabilities, "_keras_logits", None)


# --- random numbers ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def keras_seed_kept():
    """Puts back, at the end of a `with` block, the state of the random numbers that Keras draws without a seed.

    `keras.random.normal(shape)` draws from a global `SeedGenerator`. Public names can set it
    (`keras.utils.set_random_seed`), not read it, and not take it away where it did not exist.
    """
    from keras.src.backend.common import global_state

    name = "global_seed_generator"
    generator = global_state.get_global_attribute(name)
    state = None if generator is None else keras.ops.convert_to_numpy(generator.state).copy()
    try:
        yield
    finally:
        global_state.set_global_attribute(name, generator)
        if generator is not None:
            generator.state.assign(state)


@contextlib.contextmanager
def tensorflow_seed(seed: int):
    """Gives TensorFlow another seed within a `with` block, and puts the former one back where it stood.

    `tf.random.normal(shape)` takes its seed from the eager context. The public `tf.random.set_seed` starts the sequence
    of seeds from its beginning and clears what operations keep, so it cannot put a state back. Operations keep their
    state under the seed: choose a seed that no other code uses, and no state of theirs moves.

    Args:
        seed: an integer.
    """
    from tensorflow.python.eager import context

    eager = context.context()
    former, sequence = eager._seed, getattr(eager, "_rng", None)
    eager._seed, eager._rng = seed, random.Random(seed)
    try:
        yield
    finally:
        eager._seed, eager._rng = former, sequence
