"""What a model reads from a batch, and the checks of all data that it is given.

A model declares the parts of its batch, each with a name, a shape and a range. Whatever a user hands to `fit` (arrays,
tuples, data sets, generators) is held against that declaration before a weight moves, part by part.
"""

import collections.abc
import contextlib
import itertools
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from gan_lessons._arguments import ROOM

# One picture of a snow field may lie in [0, 1] by itself; this many pictures without a single dark pixel do not.
_ENOUGH_PICTURES = 8


class BatchError(ValueError):
    """Data that a model cannot be trained on. It is found in a batch, within TensorFlow's reading of a data set."""


@dataclass(frozen=True)
class Part:
    """One part of a batch: what its samples look like.

    Args:
        shape: of one sample, without the batch axis; None stands for any size along an axis.
        value_range: (lowest, highest) value, or None for any finite number.
        integer: whether the values are integers (class labels), where otherwise they are floating-point numbers.
        reach: what sets the range, as the end of a sentence ("the generator's last activation can reach").

    Example:
        >>> Part((28, 28, 1), value_range=(-1.0, 1.0))      # grey pictures
        >>> Part((), value_range=(0, 9), integer=True)      # labels of ten classes
    """

    shape: tuple
    value_range: tuple | None = None
    integer: bool = False
    reach: str = "the model works in"

    @property
    def is_picture(self) -> bool:
        """Whether samples have the shape of pictures: (height, width, channels)."""
        return len(self.shape) == 3 and self.shape[-1] in (1, 3, 4) and not self.integer

    @property
    def can_be_dark(self) -> bool:
        """Whether many samples without a negative value show that they are in [0, 1] by mistake.

        Points, of shape (features,), may well lie to one side of 0.
        """
        return not self.integer and self.value_range is not None and self.value_range[0] < 0 and len(self.shape) > 1


# --- reading a batch -------------------------------------------------------------------------------------------------


class Batch:
    """The parts that a model reads from each batch, by name and in order.

    Args:
        parts: a dictionary of `Part`s. An empty one reads batches as they are and checks nothing.
        paired: whether the parts belong together sample by sample. If not (two domains without pairs), arrays and data
            sets may differ in length, each is shuffled by itself, and the shorter ones repeat.
    """

    def __init__(self, parts: dict, paired: bool = True):
        self.parts = dict(parts)
        self.paired = paired
        self._failures = []  # what was found wrong within TensorFlow
        self._guards = {}  # data sets with their checks, which take a while to set up

    def read(self, data):
        """Returns the declared parts of what a training step is given, floats in Keras's default precision.

        Args:
            data: a batch in any structure that Keras uses: a tensor, (x,), (x, y), ((a, b),), {"a": …, "b": …}.

        Returns:
            A tensor where one part is declared, else a tuple of tensors in the declared order.
        """
        parts, _ = self.split(data, "data")
        for (name, part), tensor in zip(self.parts.items(), parts):
            _check_spec(tuple(tensor.shape), _dtype_of(tensor), name, part)
        parts = [
            # Keras may hand over NumPy arrays here, which no network takes beside tensors.
            keras.ops.convert_to_tensor(tensor) if part.integer else keras.ops.cast(tensor, keras.config.floatx())
            for part, tensor in zip(self.parts.values(), parts)
        ]
        return parts[0] if len(parts) == 1 else tuple(parts)

    def split(self, element, argument: str):
        """Splits a batch into the declared parts and the rest.

        Args:
            element: a batch, its specification, or arrays of whole data sets.
            argument: the name of the argument that it came in, for messages.

        Returns:
            (list of the declared parts, list of what stands beside them).

        Raises:
            TypeError: if a part is missing, or something is given that the model does not read.
        """
        names = list(self.parts)
        if isinstance(element, collections.abc.Mapping):
            if missing := [name for name in names if name not in element]:
                raise TypeError(
                    f"{argument} must have the parts {', '.join(names)}. Received: a dictionary with "
                    f"{', '.join(map(str, element)) or 'nothing'}, without {', '.join(missing)}."
                )
            return [element[name] for name in names], []
        if not isinstance(element, (tuple, list)):
            element = (element,)
        while len(element) > 1 and element[-1] is None:  # Keras's (x, None, None)
            element = element[:-1]
        first = element[0] if element else None
        if isinstance(first, collections.abc.Mapping) or (
            isinstance(first, (tuple, list)) and (len(element) == 1 or len(first) == len(names))
        ):
            parts, rest = self.split(first, argument)
            return parts, [*rest, *element[1:]]
        if len(element) < len(names):
            raise TypeError(
                f"{argument} must have the parts {', '.join(names)}. Received: {len(element)} of them. "
                f"Pass {_example_of(names)}, or a data set of such batches."
            )
        return list(element[: len(names)]), list(element[len(names) :])

    def check_rest(self, rest, argument: str):
        """Refuses what stands beside the declared parts and would be dropped.

        A model of images alone accepts one set of labels beside them, since many data sets have them.
        """
        rest = [item for item in rest if item is not None]
        if not rest or not self.parts:
            return
        names = ", ".join(self.parts)
        if len(self.parts) > 1 or len(rest) > 1 or len(tf.nest.flatten(rest[0])) > 1:
            raise TypeError(
                f"This model reads {names} from a batch, and nothing else. Received: {argument} with "
                f"{len(tf.nest.flatten(rest))} more (labels, sample weights). Leave them out: they would have no effect."
            )

    # --- what fit, evaluate and predict are given --------------------------------------------------------------------

    def prepare(self, x, y=None, argument="x", batch_size=None, order=None):
        """Checks data and returns it in a form for Keras.

        Args:
            x: arrays in any structure, a `tf.data.Dataset`, a tuple of data sets, a `keras.utils.PyDataset` or a
                generator of batches.
            y: what stands beside x, where x is arrays.
            argument: the argument's name, for messages.
            batch_size: of arrays; by default 32, as in Keras.
            order: None to keep the order of arrays, or a function from (length, number of the part) to the indices of
                one epoch.

        Returns:
            (data, length): a data set or an iterable for Keras, and how many samples the arrays have (None for others).

        Raises:
            TypeError, ValueError: for data that does not fit the declaration, naming the part.
        """
        if x is None:
            raise TypeError(f"{argument} must be data to read: arrays or a tf.data.Dataset. Received: {argument}=None.")
        sets = [item for item in tf.nest.flatten(x) if isinstance(item, tf.data.Dataset)]
        if isinstance(x, (tuple, list)) and sets:
            x = self._together(x, argument)
        if is_iterated(x):
            if y is not None:
                raise TypeError(f"{argument} brings its own batches, so y must be None. Received: y of {_kind(y)}.")
            return self._guarded(x, argument), None
        element = self.arrays(x, y, argument)
        return self._as_data_set(element, batch_size or 32, order), _length(element)

    def arrays(self, x, y=None, argument="x"):
        """Checks whole arrays and returns (x,) or (x, y) of NumPy arrays in the structure that they came in."""
        element = (x,) if y is None else (x, y)
        element = tf.nest.map_structure(lambda leaf: _array(leaf, argument, self.parts), element)
        if self.parts:
            parts, rest = self.split(element, argument)
            self.check_rest(rest, argument)
            for (name, part), array in zip(self.parts.items(), parts):
                check(array, part, _place(name, argument))
            for array in tf.nest.flatten(rest):
                _check_unread(array, argument)
        lengths = {array.shape[0] if array.ndim else None for array in tf.nest.flatten(element)}
        if None in lengths or (self.paired and len(lengths) > 1):
            raise ValueError(
                "Arrays that belong together must have the same number of samples. Received: "
                f"{argument} with shapes {', '.join(str(array.shape) for array in tf.nest.flatten(element))}."
            )
        return element

    def _as_data_set(self, element, batch_size, order):
        """A data set of batches of arrays, which asks `order` anew at the beginning of every epoch.

        NumPy picks the rows. A pipeline of TensorFlow's own operations would take several times as long to set up, at
        every call of `fit`, and a copy of all data.
        """
        arrays, length = tf.nest.flatten(element), _length(element)
        floatx = np.dtype(keras.config.floatx())
        dtypes = [floatx if np.issubdtype(array.dtype, np.floating) else array.dtype for array in arrays]
        orders = {}

        def rows(index):
            if index == 0 and order is not None:
                sizes = {0: length} if self.paired else {n: array.shape[0] for n, array in enumerate(arrays)}
                orders.update({number: order(size, number) for number, size in sizes.items()})
            places = np.arange(index * batch_size, min((index + 1) * batch_size, length))
            found = []
            for number, (array, dtype) in enumerate(zip(arrays, dtypes)):
                at = places % array.shape[0]  # the shorter ones repeat
                if order is not None:
                    at = orders[0 if self.paired else number][at]
                found.append(array[at].astype(dtype, copy=False))
            return found

        def batch(index):
            tensors = tf.numpy_function(rows, [index], [tf.as_dtype(dtype) for dtype in dtypes])
            for tensor, array in zip(tensors, arrays):
                tensor.set_shape((None, *array.shape[1:]))
            return tf.nest.pack_sequence_as(element, tensors)

        batches = tf.data.Dataset.range(-(-length // batch_size)).map(batch)
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
        options.experimental_optimization.apply_default_optimizations = False  # they cost more than they gain here
        return batches.with_options(options).prefetch(tf.data.AUTOTUNE)

    def _together(self, sets, argument):
        """One data set of batches from a tuple of data sets, one a part."""
        if len(sets) != len(self.parts) or not all(isinstance(item, tf.data.Dataset) for item in sets):
            raise TypeError(
                f"A tuple of data sets must have one for each of {', '.join(self.parts)}. Received: {argument} with "
                f"{len(sets)} items."
            )
        sizes = [int(item.cardinality()) for item in sets]
        longest = max(sizes)
        if not self.paired and longest > 0:
            sets = [item if size == longest else item.repeat() for item, size in zip(sets, sizes)]
        # Each part is a data set of its own, which may bring labels: only its first element is read.
        sets = [item.map(_first) for item in sets]
        together = tf.data.Dataset.zip(tuple(sets))
        return together.take(longest) if not self.paired and longest > 0 else together

    def _guarded(self, x, argument):
        """What is iterated, with a check of each batch as it goes by: a bad batch never reaches a weight."""
        if not self.parts:
            return x
        if isinstance(x, tf.data.Dataset):
            known = self._guards.get(argument)
            if known is None or known[0] is not x:
                known = self._guards[argument] = (x, self._guarded_data_set(x, argument))
            return known[1]
        if isinstance(x, keras.utils.PyDataset):
            if x.num_batches == 0:
                raise ValueError(f"{argument} must not be empty. Received: a PyDataset without a batch.")
            return _GuardedPyDataset(x, lambda batch: self._check_batch(batch, argument))
        if not hasattr(x, "__next__"):
            return x
        first = next(x, None)
        if first is None:
            raise ValueError(f"{argument} must not be empty. Received: a generator without a batch.")
        return self._guarded_generator(itertools.chain([first], x), argument)

    @contextlib.contextmanager
    def in_words(self):
        """Within this block, what is found wrong with a batch inside TensorFlow is raised as what it was."""
        self._failures.clear()
        try:
            yield
        except (tf.errors.OpError, BatchError):
            if not self._failures:
                raise
        else:
            return
        raise self._failures[0]  # outside of `except`, so that TensorFlow's own trace is not shown above it

    def _check_batch(self, batch, argument):
        try:
            parts, rest = self.split(batch, argument)
            self.check_rest(rest, argument)
            for (name, part), array in zip(self.parts.items(), parts):
                check(_array(array, argument, self.parts), part, _place(name, argument))
        except (TypeError, ValueError) as error:
            self._failures.append(error)
            raise BatchError(str(error)) from error
        return batch

    def _guarded_generator(self, batches, argument):
        for batch in batches:
            self._check_batch(batch, argument)
            yield tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)  # Keras wants tuples

    def _guarded_data_set(self, data, argument):
        parts, rest = self.split(data.element_spec, argument)
        self.check_rest(rest, argument)
        for (name, part), spec in zip(self.parts.items(), parts):
            place = _place(name, argument)
            _refuse_ragged(spec, place)
            if not isinstance(spec, tf.TensorSpec):
                raise TypeError(
                    f"A data set must yield batches of {', '.join(self.parts)}. "
                    f"Received: {place} with elements {data.element_spec}. Pick the parts out with dataset.map(…)."
                )
            shape = None if spec.shape.rank is None else tuple(spec.shape)
            _check_spec(shape, _dtype_of(spec), place, part)
        if data.cardinality() == 0:
            raise ValueError(f"{argument} must not be empty. Received: a data set without a batch.")

        def fail(*arrays):
            self._check_batch(arrays, argument)
            return np.bool_(True)

        def guarded(*element):
            element = element if isinstance(data.element_spec, (tuple, list)) else element[0]
            tensors, _ = self.split(element, argument)
            good = tf.reduce_all([_is_good(tensor, part) for tensor, part in zip(tensors, self.parts.values())])
            # Python looks only at a batch that is bad, and says what is wrong with it.
            passed = tf.cond(good, lambda: True, lambda: tf.numpy_function(fail, tensors, tf.bool))
            with tf.control_dependencies([passed]):
                element = tf.nest.map_structure(tf.identity, element)
            for tensor, part in zip(self.split(element, argument)[0], self.parts.values()):
                tensor.set_shape((None, *part.shape))  # not every data set has said it beforehand
            return element

        return data.map(guarded, num_parallel_calls=2, deterministic=True)


class _GuardedPyDataset(keras.utils.PyDataset):
    """A PyDataset whose batches are checked as they go by."""

    def __init__(self, dataset, check):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self.dataset, self.check = dataset, check
        self.on_epoch_begin, self.on_epoch_end = dataset.on_epoch_begin, dataset.on_epoch_end

    @property
    def num_batches(self):
        return self.dataset.num_batches

    def __getitem__(self, index):
        return self.check(self.dataset[index])


def is_iterated(x) -> bool:
    """Whether data is read batch by batch rather than sliced: a data set, a `PyDataset`, a generator, a loader."""
    kinds = (tf.data.Dataset, tf.distribute.DistributedDataset, keras.utils.PyDataset)
    nest = (tuple, list, dict, str, bytes)
    return (
        isinstance(x, kinds)
        or hasattr(x, "__next__")
        or (hasattr(x, "__iter__") and not hasattr(x, "shape") and not isinstance(x, nest))
    )


# --- checks ----------------------------------------------------------------------------------------------------------


def check(array, part: Part, name: str = "images"):
    """Checks a whole array of samples against its declaration: shape, dtype, emptiness, NaN and range.

    Args:
        array: a NumPy array of shape (n, …).
        part: what it must look like.
        name: what to call it in messages.

    Raises:
        TypeError: for integers where floats are wanted, or the reverse.
        ValueError: for an empty array, a wrong shape or range, or a NaN.
    """
    array = np.asarray(array) if isinstance(array, np.ndarray) else keras.ops.convert_to_numpy(array)
    _check_spec(tuple(array.shape), array.dtype, name, part)
    if array.shape[0] == 0:
        raise ValueError(f"{name} must not be empty. Received: {name} of shape {tuple(array.shape)}.")
    low, high = (0, 0) if array.size == 0 else (array.min(), array.max())
    low, high = float(low), float(high)
    if not np.isfinite([low, high]).all():
        find = f"numpy.isfinite({name.split()[0]})"
        if array.ndim > 1:
            axes = tuple(range(1, array.ndim))
            find += f".all(axis={axes if len(axes) > 1 else axes[0]})"
        raise ValueError(
            f"{name} must be finite numbers. Received: {name} with a NaN or an infinity in it. "
            f"No weight has been touched by that batch; find it with {find}."
        )
    if part.value_range is None:
        return
    lowest, highest = part.value_range
    received = f"Received: {name} with values from {low:g} to {high:g}."
    if part.integer:
        if low < lowest or high > highest:
            raise ValueError(f"{name} must lie between {lowest} and {highest}. {received}")
        return
    if low < lowest - ROOM or high > highest + ROOM:
        advice = "Rescale them to that range."
        if part.is_picture and high > 2 and low >= 0:
            advice = "If they are in 0 … 255: images / 127.5 - 1."
        raise ValueError(
            f"{name} must lie in [{lowest:g}, {highest:g}], the range that {part.reach}. {received} {advice}"
        )
    if part.can_be_dark and len(array) >= _ENOUGH_PICTURES and low >= 0 and high > 0:
        raise ValueError(
            f"{name} must use all of [{lowest:g}, {highest:g}], the range that {part.reach}; samples without a value "
            f"below 0 would be told from generated ones at a glance. {received} If they are in [0, 1]: images * 2 - 1. "
            "If the generator is meant to make [0, 1], end it in a sigmoid."
        )


def _is_good(tensor, part):
    """The rules of `check` for the values of one batch, as a scalar tensor of TensorFlow's."""
    if tensor.shape.rank is None:
        return tf.constant(False)  # a data set that declares nothing: Python looks at every batch
    shape = tf.shape(tensor)
    fits = [shape[axis + 1] == size for axis, size in enumerate(part.shape) if size is not None]
    low, high = tf.reduce_min(tensor), tf.reduce_max(tensor)
    holds = [*fits, shape[0] > 0]
    if not part.integer:
        holds.append(tf.reduce_all(tf.math.is_finite(tensor)))
    if part.value_range is not None:
        room = 0 if part.integer else ROOM
        lowest, highest = (
            tf.cast(value, tensor.dtype) for value in (part.value_range[0] - room, part.value_range[1] + room)
        )
        holds.append((low >= lowest) & (high <= highest))
        if part.can_be_dark:
            holds.append((shape[0] < _ENOUGH_PICTURES) | (low < 0) | (high <= 0))
    return tf.reduce_all(tf.stack(holds))


def _check_spec(shape, dtype, name, part):
    integral = np.issubdtype(dtype, np.integer)
    if part.integer and not integral:
        raise TypeError(
            f"{name} must be integers, the number of each sample's class. Received: {name} with dtype {dtype}. "
            f"Convert them: {name.split()[0]}.astype('int32'); from one-hot rows, .argmax(axis=-1)."
        )
    if not part.integer and not np.issubdtype(dtype, np.floating) and "float" not in str(dtype):
        recipe = f"Convert them: {name.split()[0]}.astype('float32')."
        if part.is_picture:
            recipe = "For pixels in 0 … 255: images.astype('float32') / 127.5 - 1."
        raise TypeError(f"{name} must be floating-point numbers. Received: {name} with dtype {dtype}. {recipe}")
    if shape is None or (len(shape) == len(part.shape) + 1 and fits(part.shape, shape[1:])):
        return
    hint = "Give the networks the shape of the data."
    if part.is_picture:
        hint = "Give the networks the images' shape, or resize the images (data.load(…, image_size=…))."
    if len(shape) == len(part.shape) and fits(part.shape, shape):
        hint = "The batch axis is missing: dataset.batch(64)."
    elif part.is_picture and len(shape) == 3 and fits(part.shape[:-1], shape[1:]):
        hint = "Add the channel axis: images[..., None]."
    elif len(shape) == 2 and len(part.shape) == 1:
        hint = f"Rows have {shape[1]} columns where the networks take {part.shape[0]}: make the two agree."
    elif part.integer and len(shape) == len(part.shape) + 2:
        hint = "From one-hot rows to class numbers: .argmax(axis=-1)."
    raise ValueError(
        f"{name} must have shape {with_batch(part.shape)}, the shape that the model works in. "
        f"Received: {name} of shape {shape}. {hint}"
    )


def _check_unread(array, argument):
    """Labels beside images are not read, and yet a NaN or text in them says that something else was meant."""
    if not np.issubdtype(array.dtype, np.number) and array.dtype != bool:
        raise TypeError(
            f"What stands beside {argument} must be labels: numbers. Received: values of dtype {array.dtype}. "
            "This model does not read them: leave them out."
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"What stands beside {argument} must be finite numbers. Received: a NaN or an infinity. "
            "This model does not read it: leave it out."
        )


def _array(leaf, argument, parts):
    """One leaf of what the user gave, as a NumPy array."""
    _refuse_ragged(leaf, argument)
    if hasattr(leaf, "to_numpy"):  # a pandas DataFrame or Series
        leaf = leaf.to_numpy()
    if isinstance(leaf, (str, bytes)) or not hasattr(leaf, "shape"):
        wanted = ", ".join(f"{name} of shape {with_batch(part.shape)}" for name, part in parts.items()) or "an array"
        raise TypeError(
            f"{argument} must be arrays ({wanted}) or a tf.data.Dataset. Received: {argument} of {_kind(leaf)}."
        )
    return leaf if isinstance(leaf, np.ndarray) else np.asarray(keras.ops.convert_to_numpy(leaf))


def _refuse_ragged(leaf, name):
    ragged = (tf.RaggedTensor, tf.SparseTensor, tf.RaggedTensorSpec, tf.SparseTensorSpec)
    if isinstance(leaf, ragged) or hasattr(leaf, "toarray"):
        raise TypeError(
            f"{name} must be dense arrays. Received: {_kind(leaf)}. "
            "Convert it: tensor.to_tensor() for a ragged one, tf.sparse.to_dense(tensor) or matrix.toarray() for a sparse one."
        )


def fits(declared, shape) -> bool:
    """Whether a shape is one of those that a declaration with free axes (None) allows."""
    return len(declared) == len(shape) and all(d is None or s is None or d == s for d, s in zip(declared, shape))


def with_batch(shape) -> str:
    """A shape with its batch axis, for messages: (28, 28, 1) becomes "(n, 28, 28, 1)"."""
    return f"(n, {', '.join(map(str, shape))})" if shape else "(n,)"


def _place(name, argument):
    return name if argument == "x" else f"{name} in {argument}"


def _example_of(names):
    return f"({', '.join(names)})"


def _length(element):
    return max(array.shape[0] for array in tf.nest.flatten(element))


def _dtype_of(tensor):
    name = str(keras.backend.standardize_dtype(tensor.dtype))
    return np.dtype("bytes" if name == "string" else name)


def _kind(thing):
    return f"type {type(thing).__name__}"


def _first(*element):
    first = element[0]
    return _first(*first) if isinstance(first, (tuple, list)) else first
