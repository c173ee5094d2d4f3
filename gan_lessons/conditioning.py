"""Networks that take labels, made from networks that do not.

Each function takes a built network and returns a new one around it, a plain functional Keras model. Labels are integers of
shape (batch,), from 0 to num_classes − 1.

    generator = conditional_generator(networks.dcgan_generator((32, 32, 3), latent_dim=100 + 10), num_classes=10)
    discriminator = projection_discriminator(networks.dcgan_discriminator((32, 32, 3)), num_classes=10)
    gan = gl.ConditionalGAN(generator, discriminator, latent_dim=100, num_classes=10)

Three ways stand side by side to give D the label: as maps beside the image (`conditional_discriminator`), as a projection
onto its features (`projection_discriminator`), or as an answer that D has to give (`with_head`).
"""

import keras
from keras import layers, ops

from gan_lessons._arguments import integer
from gan_lessons.layers import SpectralNorm


def conditional_generator(generator: keras.Model, num_classes: int, name: str | None = None) -> keras.Model:
    """Returns a generator that takes latents and labels: the label, one-hot, is the last part of the inner latent.

    (z, y) ↦ G([z, onehot(y)]). The first dense layer of G then adds a vector for each class, which it learns: an embedding.

    Args:
        generator: a model from latents of shape (batch, latent_dim + num_classes).
        num_classes: how many labels there are.
        name: the new model's name; by default the inner one's with "conditional_" before it.

    Returns:
        A model from [latents (batch, latent_dim), labels (batch,)] to what `generator` makes.

    Raises:
        TypeError, ValueError: if `generator` takes no vector, or one that leaves no room for a latent.

    Example:
        >>> inner = networks.mlp_generator((28, 28, 1), latent_dim=64 + 10)
        >>> conditional_generator(inner, num_classes=10).input_shape
        [(None, 64), (None,)]

    Reference:
        Mirza and Osindero, Conditional Generative Adversarial Nets, 2014, arXiv:1411.1784
    """
    num_classes = integer("num_classes", num_classes, least=2)
    shape = _input_shape("generator", generator)
    if len(shape) != 1 or shape[0] <= num_classes:
        raise ValueError(
            "generator must take a vector with room for a latent and the one-hot label. "
            f"Received: generator with input shape {(None, *shape)}, num_classes={num_classes}. "
            f"Make it with latent_dim=100 + {num_classes}, for latents of length 100."
        )
    latents = keras.Input((shape[0] - num_classes,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    joined = layers.Concatenate()([latents, OneHot(num_classes)(labels)])
    return keras.Model([latents, labels], generator(joined), name=name or f"conditional_{generator.name}")


def conditional_discriminator(discriminator: keras.Model, num_classes: int, name: str | None = None) -> keras.Model:
    """Returns a discriminator that sees the label as maps beside the image: num_classes channels, the label's is all 1.

    Args:
        discriminator: a model from images with channels + num_classes channels.
        num_classes: how many labels there are.
        name: the new model's name; by default the inner one's with "conditional_" before it.

    Returns:
        A model from [images, labels (batch,)] to what `discriminator` outputs.

    Raises:
        TypeError, ValueError: if `discriminator` takes no images, or too few channels.

    Example:
        >>> inner = networks.dcgan_discriminator((32, 32, 3 + 10))
        >>> conditional_discriminator(inner, num_classes=10).input_shape
        [(None, 32, 32, 3), (None,)]

    Reference:
        Mirza and Osindero, Conditional Generative Adversarial Nets, 2014, arXiv:1411.1784
    """
    num_classes = integer("num_classes", num_classes, least=2)
    shape = _input_shape("discriminator", discriminator)
    if shape[-1] <= num_classes:
        raise ValueError(
            "discriminator must take images with num_classes more channels than they have. "
            f"Received: discriminator with input shape {(None, *shape)}, num_classes={num_classes}. "
            f"Make it for images of (28, 28, 1 + {num_classes})."
        )
    images = keras.Input((*shape[:-1], shape[-1] - num_classes), name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    maps = layers.Reshape((*(1,) * (len(shape) - 1), num_classes))(OneHot(num_classes)(labels))
    return keras.Model(
        [images, labels],
        discriminator(layers.Concatenate()([images, Spread()([maps, images])])),
        name=name or f"conditional_{discriminator.name}",
    )


def projection_discriminator(discriminator: keras.Model, num_classes: int, name: str | None = None) -> keras.Model:
    """Returns a discriminator whose logit has a term for the label: a projection of its features onto a learnt vector.

    D(x, y) = w·φ(x) + b + v_y·φ(x), with φ what the last dense layer of `discriminator` takes. The first two terms ask "is
    it real?", the third "does it look like class y?".

    Args:
        discriminator: a functional model from images to a logit that ends in `Dense(1)`.
        num_classes: how many labels there are.
        name: the new model's name; by default the inner one's with "projection_" before it.

    Returns:
        A model from [images, labels (batch,)] to logits of shape (batch, 1).

    Raises:
        TypeError, ValueError: if `discriminator` is no functional model that ends in Dense(1).

    Reference:
        Miyato and Koyama, cGANs with Projection Discriminator, 2018, arXiv:1802.05637
    """
    num_classes = integer("num_classes", num_classes, least=2)
    features = features_of(discriminator)
    if tuple(discriminator.output_shape) != (None, 1):
        raise ValueError(
            "discriminator must end in Dense(1). "
            f"Received: discriminator with output shape {tuple(discriminator.output_shape)}."
        )
    labels = keras.Input((), dtype="int32", name="labels")
    vectors = layers.Embedding(num_classes, features.shape[-1], embeddings_initializer="zeros", name="classes")(labels)
    # Keras's Dot computes the sum over features of φ(x)·v_y for each image.
    projected = layers.Dot(axes=1)([features, vectors])
    return keras.Model(
        [discriminator.inputs[0], labels],
        layers.Add()([discriminator.outputs[0], projected]),
        name=name or f"projection_{discriminator.name}",
    )


def with_head(discriminator: keras.Model, size: int, name: str | None = None) -> keras.Model:
    """Returns a discriminator with a second output, a dense layer on the same features.

    The second output answers another question about the image: its class (an auxiliary classifier), or the code that it was
    made from (InfoGAN's recogniser, which shares all layers but the last with D).

    Args:
        discriminator: a functional model that ends in a dense layer. It may take labels too.
        size: how many numbers the second output has.
        name: the new model's name; by default the inner one's with "_with_head" behind it.

    Returns:
        A model from the same inputs to [logits, answers of shape (batch, size)].

    Raises:
        TypeError, ValueError: if `discriminator` is no functional model that ends in a dense layer.

    Reference:
        Odena et al., Conditional Image Synthesis with Auxiliary Classifier GANs, 2016, arXiv:1610.09585
    """
    answers = layers.Dense(integer("size", size), name="head")(features_of(discriminator))
    return keras.Model(
        _inputs_of(discriminator), [discriminator.outputs[0], answers], name=name or f"{discriminator.name}_with_head"
    )


def with_features(network: keras.Model, name: str | None = None) -> keras.Model:
    """Returns a network that outputs its features besides: [outputs, what its last dense layer takes].

    Args:
        network: a functional model that ends in a dense layer.
        name: the new model's name; by default the inner one's with "_with_features" behind it.

    Raises:
        TypeError, ValueError: if `network` is no functional model that ends in a dense layer.

    Reference:
        Salimans et al., Improved Techniques for Training GANs, 2016, arXiv:1606.03498, section 3.1
    """
    return keras.Model(
        _inputs_of(network), [network.outputs[0], features_of(network)], name=name or f"{network.name}_with_features"
    )


def features_of(network: keras.Model):
    """Returns the symbolic tensor that a network's last dense layer takes: its features φ(x), of shape (batch, n).

    Args:
        network: a functional model that ends in a dense layer.

    Raises:
        TypeError: if it is no functional model.
        ValueError: if its last layer is not dense, or takes no vector.
    """
    _input_shape("network", network)
    last = network.layers[-1]
    if not isinstance(last, (layers.Dense, SpectralNorm)) or len(last.input.shape) != 2:
        raise ValueError(
            "The network must end in a Dense layer on a vector of features. "
            f"Received: {network.name!r}, which ends in {last.name!r}, a {type(last).__name__}."
        )
    return last.input


@keras.saving.register_keras_serializable("gan_lessons")
class OneHot(layers.Layer):
    """Outputs 1 at the label's place and 0 elsewhere: labels of shape (batch,) become (batch, num_classes).

    Args:
        num_classes: how many labels there are.
        **kwargs: `name` and `dtype`, as for every layer.
    """

    def __init__(self, num_classes: int, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = integer("num_classes", num_classes)

    def call(self, labels):
        return ops.one_hot(ops.cast(labels, "int32"), self.num_classes, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.num_classes)

    def get_config(self):
        return super().get_config() | {"num_classes": self.num_classes}


@keras.saving.register_keras_serializable("gan_lessons")
class Spread(layers.Layer):
    """Repeats a small map over the size of images: [(batch, 1, 1, k), (batch, h, w, c)] becomes (batch, h, w, k)."""

    def call(self, inputs):
        maps, images = inputs
        return ops.broadcast_to(maps, (*ops.shape(images)[:-1], maps.shape[-1]))

    def compute_output_shape(self, input_shape):
        return (*input_shape[1][:-1], input_shape[0][-1])


def _input_shape(name, network):
    """The shape of a functional network's first input, without the batch axis."""
    if not isinstance(network, keras.Model) or not getattr(network, "inputs", None):
        raise TypeError(
            f"{name} must be a built functional or sequential Keras model. Received: {name}={network!r} of type "
            f"{type(network).__name__}. Begin it with keras.Input."
        )
    return tuple(network.inputs[0].shape[1:])


def _inputs_of(network):
    """A network's symbolic inputs, as its call takes them. (A sequential model that is nested has no `input`.)"""
    return network.inputs if len(network.inputs) > 1 else network.inputs[0]
