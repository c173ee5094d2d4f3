"""Checks of the two networks of a GAN, before a step is taken.

What networks are given to read is checked in `gan_lessons.batches`.
"""

import re

import keras
import numpy as np
from keras import layers

from gan_lessons import _arguments, penalties
from gan_lessons._keras import flatten_layers, origin
from gan_lessons.batches import fits

# What a generator that ends in this activation can make. A generator that ends in another can make anything.
RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}

# A network is tried on two samples: if it mixes up the batch axis, that shows. Some take batches of certain sizes only, such
# as those that compute statistics over groups of 4 or 8.
_TRIALS = (2, 4, 8, 16, 32, 64)


# --- what a network ends in -----------------------------------------------------------------------------------------


def last_activation(model: keras.layers.Layer) -> str | None:
    """Returns the name of the activation that a network ends in, looking back past layers that only reshape.

    Args:
        model: a Keras layer or model.

    Returns:
        "tanh", "sigmoid", "linear", another activation's name, or None where the code does not tell (a subclassed model).
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
    operation, inputs = origin(tensor)
    return _activation_before(inputs[0]) if _only_reshapes(operation) else last_activation(operation)


def _only_reshapes(operation):
    # Under mixed precision networks often end in Activation("linear", dtype="float32").
    if isinstance(operation, layers.Activation):
        return operation.activation is keras.activations.linear
    return type(operation).__name__ in ("Reshape", "Flatten", "Permute", "Cropping2D", "Squeeze", "Identity", "Cast")


def output_range(generator: keras.layers.Layer, latent_dim: int) -> tuple[float, float] | None:
    """Returns (lowest, highest) value that a generator can make, from its last activation or by trial; None for any."""
    activation = last_activation(generator)
    if activation in (*RANGES, "linear"):
        return RANGES.get(activation)
    # The code does not tell. Large latents drive a tanh to both of its ends, and not further.
    images = _computed(generator, 1e4 * _noise((64, latent_dim)))
    for low, high in RANGES.values():
        at_an_end = (np.abs(images - low) < 0.01) | (np.abs(images - high) < 0.01)
        if low <= images.min() < low + 0.01 and high - 0.01 < images.max() <= high and at_an_end.mean() > 0.5:
            return low, high
    return None


def answers_probabilities(discriminator: keras.layers.Layer, image_shape: tuple) -> bool:
    """Whether a discriminator ends in a sigmoid; if its code does not tell, it is tried on loud noise.

    Args:
        discriminator: the network.
        image_shape: the shape of what it takes, without the batch axis.
    """
    activation = last_activation(discriminator)
    if activation in ("sigmoid", "softmax", "linear"):
        return activation != "linear"
    loud = np.concatenate([scale * _noise((64, *image_shape)) for scale in (1, -1e4, 1e4)])
    outputs = _computed(discriminator, loud)
    return outputs.min() >= 0 and 0.99 < outputs.max() <= 1


def _noise(shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")  # no draw from the user's random numbers


def _computed(model, inputs):
    return np.asarray(keras.ops.convert_to_numpy(model(inputs, training=False)), "float32")


# --- two networks that fit each other -------------------------------------------------------------------------------


def check_players(
    generator: keras.layers.Layer, discriminator: keras.layers.Layer, latent_dim: int, patch_logits: bool
) -> tuple:
    """Builds both networks and makes sure that they fit each other.

    Args:
        generator: a Keras model from latents to images.
        discriminator: a Keras model from images to logits.
        latent_dim: the length of a latent vector.
        patch_logits: whether the discriminator is meant to output a map of logits.

    Returns:
        The shape of what the generator makes, without the batch axis.

    Raises:
        TypeError: if a player is not a Keras model, or latent_dim not an integer.
        ValueError: if their shapes do not fit, or the discriminator outputs probabilities or an unannounced map.
    """
    for name, player in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(player, keras.layers.Layer):
            raise TypeError(
                f"{name} must be a Keras model. Received: {name}={player!r} of type {type(player).__name__}. "
                "Call the function that makes it, and pass what it returns."
            )
    if generator is discriminator:
        raise ValueError("generator and discriminator must be two networks. Received the same object for both.")
    latent_dim = _arguments.integer("latent_dim", latent_dim)

    wanted = getattr(generator, "input_shape", None) if generator.built else None
    if isinstance(wanted, tuple) and wanted[1:] and None not in wanted[1:] and tuple(wanted[1:]) != (latent_dim,):
        raise ValueError(
            "The generator's input must be a vector of latent_dim numbers. "
            f"Received: latent_dim={latent_dim}, generator.input_shape={wanted}. Make the two agree."
        )
    try:
        count, images = _tried(generator, lambda count: keras.ops.zeros((count, latent_dim)))
    except Exception as error:
        raise ValueError(
            f"The generator must take latents of shape (batch, latent_dim). Received: latent_dim={latent_dim}, and "
            f"a call of the generator on such latents raised {type(error).__name__}: {_first_line(error)} "
            "If it is a matter of shapes, make the two agree; else mend the network."
        ) from error
    if not hasattr(images, "shape") or len(images.shape) < 2 or images.shape[0] != count:
        raise ValueError(
            "The generator must make one sample of each latent. "
            f"Received: {_described(images)} for {count} latents. Let it return a single tensor of shape (batch, …)."
        )
    image_shape = tuple(images.shape)[1:]
    taken = _input_shape(discriminator)
    if isinstance(taken, tuple) and not fits(taken[1:], image_shape):
        raise ValueError(
            "The discriminator must take what the generator makes. "
            f"Received: generator output shape {(None, *image_shape)}, discriminator input shape {taken}. "
            "Give both networks the same image_shape."
        )
    try:
        count, logits = _tried(discriminator, lambda count: keras.ops.zeros((count, *image_shape), images.dtype))
    except Exception as error:
        raise ValueError(
            "The discriminator must take what the generator makes. "
            f"Received: a generator that makes {image_shape}, and a call of the discriminator on such samples raised "
            f"{type(error).__name__}: {_first_line(error)} If it is a matter of shapes, give both networks the same "
            "image_shape; else mend the network."
        ) from error
    check_logits(logits, count, patch_logits)
    if answers_probabilities(discriminator, image_shape):
        raise ValueError(
            "The discriminator must output logits; the objectives apply the sigmoid themselves, and a second one leaves "
            "gradients of a quarter of their size or less. Received: a discriminator that "
            f"ends in {last_activation(discriminator) or 'a sigmoid: its outputs for any images lie in [0, 1]'}. "
            "End it in Dense(1) without an activation."
        )
    check_learns("generator", generator)
    check_learns("discriminator", discriminator)
    return image_shape


def check_learns(name: str, player: keras.layers.Layer):
    """Refuses a player that has no weight to train. Args: its name; the network. Raises: ValueError."""
    if not player.trainable_variables:
        raise ValueError(
            f"Both players must be able to learn. Received: {name}={player.name!r} without a trainable weight. "
            f"Set {name}.trainable = True; nothing has to be frozen here, each step moves one player's weights only."
        )


def mixing_layers(model: keras.layers.Layer) -> list[str]:
    """Returns the names of the layers of BatchNormalization that mix a batch: a frozen one uses what it has kept."""
    norms = [layer for layer in flatten_layers(model) if isinstance(layer, layers.BatchNormalization)]
    return [layer.name for layer in norms if layer.trainable]


def warn_about_batch_norm(discriminator: keras.layers.Layer, penalty) -> str | None:
    """Returns a sentence for the user if a penalty per image meets a discriminator that mixes a batch, else None."""
    mixed = mixing_layers(discriminator)
    if not mixed or not any(getattr(one, "per_sample", True) for one in penalties.checked(penalty)):
        return None
    return (
        "The penalty holds the slope at each image by itself, but BatchNormalization makes the discriminator's output "
        f"for one image depend on the others. Received: discriminator with {', '.join(mixed)}. "
        "Leave BatchNormalization out of it (networks.dcgan_critic), or use LayerNormalization."
    )


def _tried(network, inputs_of):
    """(count, outputs) for the first count of samples that a network takes; the first error if it takes none of them."""
    first = None
    for count in _TRIALS:
        try:
            return count, network(inputs_of(count), training=False)
        except Exception as error:
            first = first or error
    raise first


def trial(name: str, network: keras.layers.Layer, inputs, what: str):
    """Returns a network's outputs for a trial of two samples.

    Args:
        name: the argument that holds the network, for messages.
        network: a Keras model.
        inputs: an array, or a list of arrays, with two samples.
        what: what the inputs are, for messages.

    Raises:
        TypeError: if it is no Keras model.
        ValueError: if it does not take such inputs.
    """
    if not isinstance(network, keras.layers.Layer):
        raise TypeError(
            f"{name} must be a Keras model. Received: {name}={network!r} of type {type(network).__name__}. "
            "Call the function that makes it, and pass what it returns."
        )
    try:
        return network(keras.tree.map_structure(keras.ops.convert_to_tensor, inputs), training=False)
    except Exception as error:
        shapes = [tuple(array.shape) for array in (inputs if isinstance(inputs, list) else [inputs])]
        raise ValueError(
            f"{name} must take {what}, here of shapes {', '.join(map(str, shapes))}. Received: {name}={network.name!r}, "
            f"which raised {type(error).__name__}: {_first_line(error)}"
        ) from error


def check_logits(logits, count: int, patch_logits: bool = False):
    """Refuses what is not a logit for each image.

    Args:
        logits: what a discriminator outputs.
        count: for how many images.
        patch_logits: whether a map of logits an image is allowed.

    Raises:
        ValueError: if it is anything else.
    """
    if not hasattr(logits, "shape"):
        raise ValueError(
            f"The discriminator must output one tensor of logits. Received: {_described(logits)}. "
            "Of a network with several outputs, pass keras.Model(network.input, network.outputs[0])."
        )
    shape = tuple(logits.shape)
    if not shape or shape[0] != count:
        raise ValueError(
            "The discriminator must judge each image by itself. "
            f"Received: an output of shape {shape} for {count} images. Keep the batch axis first."
        )
    if not patch_logits and shape[1:] not in ((), (1,)):
        raise ValueError(
            f"The discriminator must output one logit an image, of shape (batch, 1). Received: {(None, *shape[1:])}. "
            "End it in Flatten or GlobalAveragePooling2D and Dense(1). If a map with one logit a patch is meant "
            "(a PatchGAN), say so with patch_logits=True."
        )


def _input_shape(model):
    try:
        return model.input_shape
    except (AttributeError, ValueError):
        return "shapes that it does not declare"


def _described(output):
    return f"shape {tuple(output.shape)}" if hasattr(output, "shape") else f"a {type(output).__name__}"


def _first_line(error):
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Exception encountered")]
    return re.sub(r"\x1b\[\d*m", "", lines[0]) if lines else "no message."  # without Keras's bold type
