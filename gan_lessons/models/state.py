"""State that Keras does not keep: a count of batches, the order of arrays, the variables of objectives and penalties."""

import types

import keras
import numpy as np
import tensorflow as tf


class Counters:
    """Counts the batches that a model was trained on, and the epochs whose arrays it was given in a new order."""

    def __init__(self):
        self.batches = keras.Variable(
            0, dtype="int64", trainable=False, aggregation="only_first_replica", name="batches_trained"
        )
        self.epochs = 0
        self.unknown = False  # whether the state came from a file that has no count

    @property
    def batches_trained(self) -> int:
        """How many batches were counted."""
        return int(self.batches.numpy())

    def count(self):
        """Counts one batch; within a training step."""
        self.batches.assign_add(1)

    def order(self, seed_generator, shuffle, batch_size):
        """Returns a function from (length, number of the part) to one epoch's order of arrays; None for their own.

        The order follows from the seed of the model's random numbers and the number of the epoch, so a training that
        resumes from a file goes on with the order that it would have had.

        Args:
            seed_generator: the model's `keras.random.SeedGenerator`.
            shuffle: True; False for the arrays' own order; "batch" to shuffle within each batch alone.
            batch_size: for "batch"; None for 32.
        """
        if not shuffle:
            return None

        def order(length, part):
            seed = int(seed_generator.state.numpy()[0])
            random = np.random.default_rng([seed, self.epochs, part])
            if shuffle != "batch":
                return random.permutation(length)
            starts = range(0, length, batch_size or 32)
            return np.concatenate([random.permutation(np.arange(length)[s : s + (batch_size or 32)]) for s in starts])

        return order

    def numpy(self):
        """What is saved: an array of two integers."""
        return np.array([self.batches_trained, self.epochs], "int64")

    def load(self, saved):
        """Restores what `numpy` returned; None for a file of gan_lessons 0.1, which has no count."""
        self.unknown = saved is None
        batches, self.epochs = (0, 0) if saved is None else (int(value) for value in np.asarray(saved))
        self.batches.assign(batches)

    def begin_at(self, batches):
        """Continues with a count that is known from elsewhere, where a file had none."""
        if self.unknown:
            self.batches.assign(batches)
            self.unknown = False


def state_of(thing):
    """Finds the variables and the random states in an object that Keras does not look into.

    Args:
        thing: an objective, a penalty, or a nest of such; networks and optimizers in it are left out.

    Returns:
        (variables, states of `keras.random.SeedGenerator`s), in the order in which attributes were set.
    """
    variables, seeds, seen = [], [], set()

    def walk(value):
        if id(value) in seen or isinstance(value, (keras.layers.Layer, keras.optimizers.Optimizer)):
            return
        seen.add(id(value))
        if isinstance(value, keras.random.SeedGenerator):
            seeds.append(value.state)
        elif isinstance(value, (keras.Variable, tf.Variable)):
            variables.append(value)
        elif isinstance(value, dict):
            for item in value.values():
                walk(item)
        elif isinstance(value, (list, tuple, set)):
            for item in value:
                walk(item)
        elif hasattr(value, "__dict__") and not isinstance(value, (type, types.FunctionType, types.ModuleType)):
            for item in list(vars(value).values()):
                walk(item)

    walk(thing)
    return variables, seeds


def why_not_saved(thing) -> str | None:
    """Why Keras cannot write something into a file, as the end of a sentence; None if it can.

    Args:
        thing: an argument of a model's `__init__`: a network, an objective, a penalty, a plain value.
    """
    if thing is None or isinstance(thing, (bool, int, float, str, bytes, np.generic, np.ndarray, dict, tuple, list)):
        return None
    kind = type(thing).__name__
    if isinstance(thing, types.FunctionType):
        if thing.__name__ == "<lambda>":
            return "a lambda. Write a function, with @keras.saving.register_keras_serializable() above it."
        return None
    if not hasattr(thing, "get_config"):
        return (
            f"which has no get_config. Give {kind} a get_config() that returns the arguments of its __init__, and put "
            "@keras.saving.register_keras_serializable() above the class."
        )
    try:
        keras.saving.serialize_keras_object(thing)
    except Exception as error:
        cause = (str(error).strip().splitlines() or [""])[0]
        return f"and writing it down raised {type(error).__name__}: {cause[:200]}"
    return None
