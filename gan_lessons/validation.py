"""Refuses what cannot train, before a step is taken, in words.

Networks are looked at when a GAN is made; images when `fit` or `evaluate` is called and, for data sets, as each batch goes
by: a bad batch never reaches a weight.
"""

import contextlib
import re

import keras
import numpy as np
import tensorflow as tf
from keras import layers

# What a generator that ends in this activation can make. One that ends in another can make anything.
RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}

# Rounding and resampling may carry a pixel a little past the end of its range.
_ROOM = 1e-3

# One image of a snow field may lie in [0, 1] by itself; this many images without a single dark pixel do not.
_ENOUGH_IMAGES = 8


# --- networks ------------------------------------------------------------------------------------------------------


def last_activation(model):
    """The name of the activation that a network ends in, looking back past what only reshapes.

    Args:
        model: a Keras layer or model.

    Returns:
        "tanh", "sigmoid", "linear", another activation's name, or None where it cannot be told (a subclassed model).
    """
    if isinstance(model, keras.Sequential):
        last = next((layer for layer in reversed(model.layers) if not _only_reshapes(layer)), None)
        return last_activation(last) if last is not None else "linear"
    if isinstance(model, keras.Model):
        return _activation_before(model.outputs[0]) if getattr(model, "outputs", None) else None
    kind = type(model).__name__.lower()  # keras.ops.tanh in a functional model is an operation called Tanh
    activation = getattr(model, "activation", None)
    return kind if kind in (*RANGES, "softmax") else getattr(activation, "__name__", None)


def _activation_before(tensor):
    operation, node, _ = tensor._keras_history
    if _only_reshapes(operation):
        return _activation_before(operation._inbound_nodes[node].input_tensors[0])
    return last_activation(operation)


def _only_reshapes(operation):
    # Under mixed precision networks often end in Activation("linear", dtype="float32").
    if isinstance(operation, layers.Activation):
        return operation.activation is keras.activations.linear
    return type(operation).__name__ in ("Reshape", "Flatten", "Permute", "Cropping2D", "Squeeze", "Identity", "Cast")


def output_range(generator, latent_dim):
    """(lowest, highest) value that a generator can make, from its last activation or by trial; None for any."""
    activation = last_activation(generator)
    if activation in (*RANGES, "linear"):
        return RANGES.get(activation)
    # Code that cannot be looked into. Large latents drive a tanh to both of its ends, and not further.
    images = _answers(generator, 1e4 * _noise((32, latent_dim)))
    for low, high in RANGES.values():
        at_an_end = (np.abs(images - low) < 0.01) | (np.abs(images - high) < 0.01)
        if low <= images.min() < low + 0.01 and high - 0.01 < images.max() <= high and at_an_end.mean() > 0.5:
            return low, high
    return None


def answers_probabilities(discriminator, image_shape):
    """Whether a discriminator ends in a sigmoid; one whose code cannot be looked into is tried on loud noise.

    Args: the network; the shape of what it takes, without the batch axis. Returns: a bool.
    """
    activation = last_activation(discriminator)
    if activation in ("sigmoid", "softmax", "linear"):
        return activation != "linear"
    answers = _answers(discriminator, np.concatenate([scale * _noise((16, *image_shape)) for scale in (1, -1e4, 1e4)]))
    return answers.min() >= 0 and 0.99 < answers.max() <= 1


def _noise(shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")  # no draw from the user's random numbers


def _answers(model, inputs):
    return np.asarray(keras.ops.convert_to_numpy(model(inputs, training=False)), "float32")


def check_players(generator, discriminator, latent_dim, patch_logits):
    """Builds both networks and makes sure that they fit each other.

    Args:
        generator: a Keras model from latents to images.
        discriminator: a Keras model from images to logits.
        latent_dim: the length of a latent vector.
        patch_logits: whether the discriminator is meant to answer a map of logits.

    Returns:
        The shape of what the generator makes, without the batch axis.

    Raises:
        TypeError: if a player is not a Keras model, or latent_dim not an integer.
        ValueError: if their shapes do not fit, or the discriminator answers probabilities or an unannounced map.
    """
    for name, player in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(player, keras.layers.Layer):
            raise TypeError(
                f"{name} must be a Keras model. Received: {name}={player!r} of type {type(player).__name__}. "
                "Call the function that makes it, and pass what it returns."
            )
    if generator is discriminator:
        raise ValueError("generator and discriminator must be two networks. Received the same object for both.")
    if isinstance(latent_dim, bool) or not isinstance(latent_dim, (int, np.integer)):
        raise TypeError(f"latent_dim must be an integer. Received: latent_dim={latent_dim!r}.")
    if latent_dim < 1:
        raise ValueError(f"latent_dim must be at least 1. Received: latent_dim={latent_dim}.")

    wanted = getattr(generator, "input_shape", None) if generator.built else None
    if isinstance(wanted, tuple) and wanted[1:] and None not in wanted[1:] and tuple(wanted[1:]) != (latent_dim,):
        raise ValueError(
            "The generator's input must be a vector of latent_dim numbers. "
            f"Received: latent_dim={latent_dim}, generator.input_shape={wanted}. Make the two agree."
        )
    # Two latents rather than one: a network that mixes up the batch axis shows it.
    try:
        images = generator(keras.ops.zeros((2, int(latent_dim))), training=False)
    except Exception as error:
        raise ValueError(
            f"The generator must take latents of shape (batch, latent_dim). Received: latent_dim={latent_dim}, and "
            f"calling it on them raised {type(error).__name__}: {_first_line(error)} Make the two agree."
        ) from error
    if not hasattr(images, "shape") or len(images.shape) < 2 or images.shape[0] != 2:
        raise ValueError(
            "The generator must make one image of each latent. "
            f"Received: {_described(images)} for 2 latents. Let it return a single tensor of shape (batch, …)."
        )
    image_shape = tuple(images.shape)[1:]
    try:
        logits = discriminator(images, training=False)
    except Exception as error:
        raise ValueError(
            "The discriminator must take what the generator makes. "
            f"Received: a generator that makes {image_shape}, a discriminator that takes "
            f"{_input_shape(discriminator)}, and calling one on the other raised {type(error).__name__}: "
            f"{_first_line(error)} Give both networks the same image_shape."
        ) from error
    taken = _input_shape(discriminator)
    if isinstance(taken, tuple) and not _fits(taken[1:], image_shape):
        raise ValueError(
            "The discriminator must take what the generator makes. "
            f"Received: generator output shape {(None, *image_shape)}, discriminator input shape {taken}. "
            "Give both networks the same image_shape."
        )
    _check_logits(logits, patch_logits)
    if answers_probabilities(discriminator, image_shape):
        raise ValueError(
            "The discriminator must answer logits; the objectives apply the sigmoid themselves, and a second one leaves "
            "gradients of a quarter of their size or less. Received: a discriminator that "
            f"ends in {last_activation(discriminator) or 'a sigmoid: its answers to any images lie in [0, 1]'}. "
            "End it in Dense(1) without an activation."
        )
    check_learns("generator", generator)
    check_learns("discriminator", discriminator)
    return image_shape


def check_learns(name, player):
    """Refuses a player that has no weight to train. Args: its name; the network. Raises: ValueError."""
    if not player.trainable_variables:
        raise ValueError(
            f"Both players must be able to learn. Received: {name}={player.name!r} without a trainable weight. "
            f"Set {name}.trainable = True; nothing has to be frozen here, each step moves one player's weights only."
        )


def _check_logits(logits, patch_logits):
    if not hasattr(logits, "shape"):
        raise ValueError(
            f"The discriminator must answer with one tensor of logits. Received: {_described(logits)}. "
            "Of a network with several outputs, pass keras.Model(network.input, network.outputs[0])."
        )
    shape = tuple(logits.shape)
    if not shape or shape[0] != 2:
        raise ValueError(
            "The discriminator must answer each image by itself. "
            f"Received: an answer of shape {shape} to 2 images. Keep the batch axis first."
        )
    if not patch_logits and shape not in ((2,), (2, 1)):
        raise ValueError(
            f"The discriminator must answer one logit an image, of shape (batch, 1). Received: {(None, *shape[1:])}. "
            "End it in Flatten or GlobalAveragePooling2D and Dense(1). If a map with one logit a patch is meant "
            "(a PatchGAN), say so with patch_logits=True."
        )


def mixing_layers(model):
    """The names of the layers of BatchNormalization, but for frozen ones: these use statistics that they have kept."""
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, layers.BatchNormalization)]
    return [layer.name for layer in norms if layer.trainable]


def warn_about_batch_norm(discriminator, penalty):
    """A sentence for the user if a per-image penalty meets a discriminator that mixes the images of a batch, else None."""
    mixed = mixing_layers(discriminator)
    if penalty is not None and mixed:
        return (
            "The penalty holds the slope at each image by itself, but BatchNormalization makes the discriminator's answer "
            f"to one image depend on the others. Received: discriminator with {', '.join(mixed)}. "
            "Leave BatchNormalization out of it (networks.dcgan_critic), or use LayerNormalization."
        )
    return None


def _input_shape(model):
    try:
        return model.input_shape
    except (AttributeError, ValueError):
        return "shapes that it does not declare"


def _fits(declared, shape):
    return len(declared) == len(shape) and all(d is None or s is None or d == s for d, s in zip(declared, shape))


def _described(answer):
    return f"shape {tuple(answer.shape)}" if hasattr(answer, "shape") else f"a {type(answer).__name__}"


def _first_line(error):
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Exception encountered")]
    return re.sub(r"\x1b\[\d*m", "", lines[0]) if lines else "no message."  # without Keras's bold type


# --- images --------------------------------------------------------------------------------------------------------


def guard(x, image_shape, value_range, name="x"):
    """Checks the images that `fit` or `evaluate` was given, and data sets as their batches go by.

    Args:
        x: what the user gave: an array, a `tf.data.Dataset`, a `keras.utils.PyDataset` or a Python generator.
        image_shape: what the generator makes, without the batch axis.
        value_range: (lowest, highest) value that the generator can make, or None for any.
        name: the argument's name, for messages.

    Returns:
        Something to give to Keras in its place.

    Raises:
        TypeError: for integer images, or none.
        ValueError: for an empty set, a wrong shape or range, or a NaN.
    """
    if x is None:
        raise TypeError(f"{name} must be images: an array or a tf.data.Dataset. Received: {name}=None.")
    if isinstance(x, tf.data.Dataset):
        return _guard_dataset(x, image_shape, value_range, name)
    if isinstance(x, keras.utils.PyDataset):
        if x.num_batches == 0:
            raise ValueError(f"{name} must not be empty. Received: a PyDataset without a batch.")
        check_array(_images_of(x[0]), image_shape, value_range, name)
        return _GuardedPyDataset(x, image_shape, value_range, name)
    if hasattr(x, "__next__"):
        return _guard_iterator(x, image_shape, value_range, name)
    if isinstance(x, tf.distribute.DistributedDataset):
        return x
    check_array(x, image_shape, value_range, name)
    return x


def check_array(images, image_shape, value_range, name="x"):
    """Checks a whole array of images: shape, dtype, emptiness, NaN, range. Args and Raises: as `guard`."""
    if isinstance(images, (str, bytes)) or not hasattr(images, "shape"):
        raise TypeError(
            f"{name} must be images: an array of shape {_with_batch(image_shape)} or a tf.data.Dataset. "
            f"Received: {name} of type {type(images).__name__}."
        )
    _check_spec(tuple(images.shape), np.dtype(str(keras.backend.standardize_dtype(images.dtype))), image_shape, name)
    if images.shape[0] == 0:
        raise ValueError(f"{name} must not be empty. Received: {name} of shape {tuple(images.shape)}.")
    images = keras.ops.convert_to_numpy(images)
    low, high = float(images.min()), float(images.max())
    if not np.isfinite([low, high]).all():
        raise ImageError(_explain("nan", name, low, high))
    if value_range is not None:
        if low < value_range[0] - _ROOM or high > value_range[1] + _ROOM:
            raise ImageError(_explain("range", name, low, high))
        if _can_be_dark(image_shape, value_range) and len(images) >= _ENOUGH_IMAGES and low >= 0 and high > 0:
            raise ImageError(_explain("dark", name, low, high))


def _can_be_dark(image_shape, value_range):
    # Points, of shape (features,), may well lie to one side of 0.
    return value_range[0] < 0 and len(image_shape) > 1


class ImageError(ValueError):
    """Images that cannot be trained on. TensorFlow passes on the name of an error and its text, no more."""


def _guard_dataset(dataset, image_shape, value_range, name):
    spec = dataset.element_spec
    images = _images_of(spec)
    if not isinstance(images, tf.TensorSpec):
        raise TypeError(
            f"A data set must yield images, or tuples that begin with images. Received: {name} with elements {spec}. "
            "Pick the images out with dataset.map(…)."
        )
    if images.shape.rank is not None:
        _check_spec(tuple(images.shape), np.dtype(images.dtype.as_numpy_dtype), image_shape, name)
    if dataset.cardinality() == 0:
        raise ValueError(f"{name} must not be empty. Received: a data set without a batch.")

    def check(*element):
        batch = _images_of(element)
        batch = tf.ensure_shape(batch, (None, *image_shape))  # not every data set has said it beforehand
        low, high = tf.reduce_min(batch), tf.reduce_max(batch)
        # Read from the right: NaN compares false with everything, so each rule says what must hold.
        rules = [("nan", tf.reduce_all(tf.math.is_finite(batch)))]
        if value_range is not None:
            few = tf.shape(batch)[0] < _ENOUGH_IMAGES
            rules.append(("range", (low >= value_range[0] - _ROOM) & (high <= value_range[1] + _ROOM)))
            if _can_be_dark(image_shape, value_range):
                rules.append(("dark", few | (low < 0) | (high <= 0)))
        asserts = [tf.debugging.Assert(holds, [f"<{_MARK}:{rule}:{name}>", low, high]) for rule, holds in rules]
        with tf.control_dependencies(asserts):
            batch = tf.identity(batch)
        return (batch, *element[1:]) if isinstance(spec, (tuple, list)) else batch

    return dataset.map(check, num_parallel_calls=2, deterministic=True)


def _guard_iterator(batches, image_shape, value_range, name):
    for batch in batches:
        check_array(_images_of(batch), image_shape, value_range, name)
        yield tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)  # Keras wants tuples


class _GuardedPyDataset(keras.utils.PyDataset):
    """A PyDataset whose batches are checked as they go by."""

    def __init__(self, dataset, *check):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self.dataset, self.check = dataset, check
        self.on_epoch_begin, self.on_epoch_end = dataset.on_epoch_begin, dataset.on_epoch_end

    @property
    def num_batches(self):
        return self.dataset.num_batches

    def __getitem__(self, index):
        batch = self.dataset[index]
        check_array(_images_of(batch), *self.check)
        return batch


_MARK = "gan_lessons"


@contextlib.contextmanager
def in_words(image_shape):
    """Turns what guarded images raise inside TensorFlow into a ValueError that says what is wrong with them."""
    try:
        yield
    except tf.errors.OpError as error:
        text = str(error)
        if found := re.search(rf"<{_MARK}:(\w+):(\w+)>\W*?\] \[(\S+?)\] \[(\S+?)\]", text):
            rule, name, low, high = found.groups()
            message = _explain(rule, name, float(low), float(high))
        elif found := re.search(r"ImageError: (.*)", text):
            message = found[1]
        elif found := re.search(r"Shape of tensor .*?(\[[\d,]*\]) is not compatible with expected shape", text):
            message = _explain_shape("a batch", found[1], image_shape)
        else:
            raise
    else:
        return
    raise ValueError(message)


def _images_of(element):
    return element[0] if isinstance(element, (tuple, list)) else element


def _check_spec(shape, dtype, image_shape, name):
    if not np.issubdtype(dtype, np.floating) and "float" not in str(dtype):
        raise TypeError(
            f"Images must be floating-point numbers in the generator's range. Received: {name} with dtype {dtype}. "
            "For pixels in 0 … 255: images.astype('float32') / 127.5 - 1."
        )
    if len(shape) != len(image_shape) + 1 or not _fits(image_shape, shape[1:]):
        hint = "Give both networks the images' shape, or resize the images (data.load(…, image_size=…))."
        if len(shape) == len(image_shape) and _fits(image_shape[:-1], shape[1:]):
            hint = "Add the channel axis: images[..., None]."
        elif len(shape) == len(image_shape) and _fits(image_shape, shape):
            hint = "The batch axis is missing: dataset.batch(64)."
        raise ValueError(_explain_shape(name, shape, image_shape, hint))


def _explain_shape(name, shape, image_shape, hint="Resize the images, or give both networks their shape."):
    return (
        f"Real and generated images must have the same shape. Received: {name} of shape {shape}, "
        f"and a generator that makes {_with_batch(image_shape)}. {hint}"
    )


def _with_batch(image_shape):
    return f"(n, {', '.join(map(str, image_shape))})"


def _explain(problem, name, low, high):
    if problem == "nan":
        return (
            f"Images must be finite numbers. Received: {name} with a NaN or an infinity in it. "
            "No weight has been touched by that batch; find it with numpy.isfinite(images).all(axis=(1, 2, 3))."
        )
    received = f"Received: {name} with values from {low:g} to {high:g}"
    if problem == "dark":
        return (
            "The generator ends in tanh and makes images in [-1, 1]; images without a value below 0 would be told from "
            f"its own at a glance. {received}. If they are in [0, 1]: images * 2 - 1. "
            "If the generator is meant to make [0, 1], end it in a sigmoid."
        )
    advice = "If they are in 0 … 255: images / 127.5 - 1." if high > 2 and low >= 0 else "Rescale them to the generator's range."
    return f"Real images must lie in the range that the generator's last activation can reach. {received}. {advice}"
