"""Checks of the two networks of a GAN, before a step is taken.

What networks are given to read is checked in `gan_lessons.batches`.
"""

import re

import keras
import numpy as np
from keras import layers

from gan_lessons._keras import flatten_layers
from gan_lessons.batches import fits

# What a generator that ends in this activation can make. One that ends in another can make anything.
RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}


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
    if isinstance(taken, tuple) and not fits(taken[1:], image_shape):
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
    norms = [layer for layer in flatten_layers(model) if isinstance(layer, layers.BatchNormalization)]
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


def _described(answer):
    return f"shape {tuple(answer.shape)}" if hasattr(answer, "shape") else f"a {type(answer).__name__}"


def _first_line(error):
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Exception encountered")]
    return re.sub(r"\x1b\[\d*m", "", lines[0]) if lines else "no message."  # without Keras's bold type
