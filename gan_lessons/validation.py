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
    """The name of the activation that a network ends in.

    Args:
        model: a Keras layer or model.

    Returns:
        "tanh", "sigmoid", another activation's name, or None where it cannot be told (a subclassed model).
    """
    if isinstance(model, keras.Sequential):
        return next((name for name in map(last_activation, reversed(model.layers)) if name != "linear"), "linear")
    if isinstance(model, keras.Model):
        return _activation_before(model.outputs[0]) if getattr(model, "outputs", None) else None
    if isinstance(model, (layers.Reshape, layers.Flatten, layers.Permute, layers.Cropping2D, layers.InputLayer)):
        return "linear"
    kind = type(model).__name__.lower()  # keras.ops.tanh in a functional model is an operation called Tanh
    activation = getattr(model, "activation", None)
    return kind if kind in RANGES else getattr(activation, "__name__", None)


def _activation_before(tensor):
    """Walks back from a functional model's output over what only reshapes, to what made its values."""
    while tensor is not None:
        operation, node, _ = tensor._keras_history
        if (activation := last_activation(operation)) != "linear":
            return activation
        if not isinstance(operation, (layers.Reshape, layers.Flatten, layers.Permute, layers.Cropping2D)):
            return activation
        tensor = operation._inbound_nodes[node].input_tensors[0]
    return "linear"


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
    images = generator(keras.ops.zeros((2, int(latent_dim))), training=False)
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
    _check_logits(tuple(logits.shape), patch_logits)
    if (activation := last_activation(discriminator)) in ("sigmoid", "softmax"):
        raise ValueError(
            "The discriminator must answer logits; the objectives apply the sigmoid themselves, and a second one leaves "
            f"gradients of a quarter of their size or less. Received: a discriminator that ends in {activation}. "
            "End it in Dense(1) without an activation."
        )
    for name, player in (("generator", generator), ("discriminator", discriminator)):
        if not player.trainable_variables:
            raise ValueError(
                f"Both players must be able to learn. Received: {name}={player.name!r} without a trainable weight. "
                f"Set {name}.trainable = True; nothing has to be frozen here, each step moves one player's weights only."
            )
    return image_shape


def _check_logits(shape, patch_logits):
    if shape[0] != 2:
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


def warn_about_batch_norm(discriminator, penalty):
    """A sentence for the user if a per-image penalty meets a discriminator that mixes the images of a batch, else None."""
    mixed = [layer.name for layer in discriminator._flatten_layers() if isinstance(layer, layers.BatchNormalization)]
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


def _first_line(error):
    return str(error).strip().splitlines()[0] if str(error).strip() else "no message."


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
        return x
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
            f"{name} must be images: an array of shape {('n', *image_shape)} or a tf.data.Dataset. "
            f"Received: {name} of type {type(images).__name__}."
        )
    _check_spec(tuple(images.shape), np.dtype(str(keras.backend.standardize_dtype(images.dtype))), image_shape, name)
    if images.shape[0] == 0:
        raise ValueError(f"{name} must not be empty. Received: {name} of shape {tuple(images.shape)}.")
    images = keras.ops.convert_to_numpy(images)
    low, high = float(images.min()), float(images.max())
    if problem := _problem(low, high, len(images), value_range):
        raise ValueError(_explain(problem, name, low, high))


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
        low, high = tf.reduce_min(batch), tf.reduce_max(batch)
        # Read from the right: NaN compares false with everything, so each rule says what must hold.
        rules = [("nan", tf.reduce_all(tf.math.is_finite(batch)))]
        if value_range is not None:
            few = tf.shape(batch)[0] < _ENOUGH_IMAGES
            rules.append(("range", (low >= value_range[0] - _ROOM) & (high <= value_range[1] + _ROOM)))
            if value_range[0] < 0:
                rules.append(("dark", few | (low < 0) | (high <= 0)))
        asserts = [tf.debugging.Assert(holds, [f"<{_MARK}:{rule}>", low, high]) for rule, holds in rules]
        with tf.control_dependencies(asserts):
            return tuple(tf.nest.map_structure(tf.identity, part) for part in element) if len(element) > 1 else (
                tf.nest.map_structure(tf.identity, element[0])
            )

    return dataset.map(check, num_parallel_calls=2, deterministic=True)


def _guard_iterator(batches, image_shape, value_range, name):
    for batch in batches:
        check_array(_images_of(batch), image_shape, value_range, name)
        yield batch


_MARK = "gan_lessons"


@contextlib.contextmanager
def in_words(name="x"):
    """Turns what a guarded data set raises inside TensorFlow into a ValueError that says what is wrong with the images."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = re.search(rf"<{_MARK}:(\w+)>\W+([-+.\w]+)\W*?[\s\]\[]+([-+.\w]+)", str(error))
        if not found:
            raise
        message = _explain(found[1], name, *map(float, found.groups()[1:]))
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
        raise ValueError(
            f"Real and generated images must have the same shape. Received: {name} of shape {shape}, "
            f"and a generator that makes {('batch', *image_shape)}. {hint}"
        )


def _problem(low, high, count, value_range):
    if not np.isfinite(low) or not np.isfinite(high):
        return "nan"
    if value_range is None:
        return None
    if low < value_range[0] - _ROOM or high > value_range[1] + _ROOM:
        return "range"
    if value_range[0] < 0 and count >= _ENOUGH_IMAGES and low >= 0 and high > 0:
        return "dark"
    return None


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
    advice = "If they are in 0 … 255: images / 127.5 - 1." if high > 2 else "Rescale them to the generator's range."
    return f"Real images must lie in the range that the generator's last activation can reach. {received}. {advice}"
