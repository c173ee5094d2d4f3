"""What is added to a player's loss.

A penalty is called as `penalty(discriminate, real, fake)` and returns a scalar. It receives a *function* from samples to
logits rather than a network, so that a model whose discriminator sees more than images hands in a closure and reuses the
penalty unchanged. Samples may be nests: (image, label), or (image, code).
"""

import inspect

import keras
import tensorflow as tf
from keras import ops

from gan_lessons import _arguments

# √ has an infinite slope at 0; one critic that ignores one image would make the whole gradient NaN.
_EPSILON = 1e-12


class Penalty:
    """What penalties share: a weight, and how often they are computed.

    A subclass defines `__call__(discriminate, real, fake)`. It may keep variables and `keras.random.SeedGenerator`s as
    attributes: the model saves them, and a resumed training goes on with them.

    Args:
        weight: what the penalty is multiplied by.
        every: k for a lazy penalty: it is computed on every k-th batch only, and counts k times there, so that its mean is
            that of a penalty on every batch (Karras et al. 2019, arXiv:1912.04958, appendix B).

    Raises:
        TypeError, ValueError: if the weight is no positive number, or `every` no positive integer.
    """

    def __init__(self, weight: float = 1.0, every: int = 1):
        self.weight = _arguments.positive("weight", weight, "For no penalty, pass penalty=None to the GAN.")
        self.every = _arguments.integer("every", every)

    def __call__(self, discriminate, real, fake):
        """The penalty on one batch, a scalar.

        Args:
            discriminate: a function from samples to logits, one a sample.
            real: real samples, of shape (batch, …), or a nest of such.
            fake: generated samples, in the same structure.
        """
        raise NotImplementedError(f"{type(self).__name__} must define __call__(discriminate, real, fake).")

    def get_config(self):
        return {"weight": self.weight, "every": self.every}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("gan_lessons")
class GradientPenalty(Penalty):
    """The penalty that makes a critic nearly 1-Lipschitz, between the real and the generated images.

    λ · E_x̂[(‖∇D(x̂)‖₂ − 1)²]  with  x̂ = αx + (1 − α)G(z)  and  α ~ U[0, 1], one α an image.

    The norm is over all pixels and channels of one image, so the discriminator must treat each image by itself: no
    BatchNormalization in it. Of a nest, all floating-point parts lie between with one α, and the norm is over them all;
    integers, such as labels, are those of the real samples.

    Args:
        weight: λ.
        seed: an integer fixes the draws of α. By default it follows `keras.utils.set_random_seed`.
        every: as in `Penalty`.

    Raises:
        TypeError, ValueError: as in `Penalty`.

    Example:
        >>> penalty = GradientPenalty(weight=10.0)
        >>> critic = lambda images: 3.0 * ops.sum(images, axis=(1, 2, 3)) / 28.0      # ‖∇D‖ = 3 for 28×28×1 images
        >>> penalty(critic, ops.ones((4, 28, 28, 1)), ops.zeros((4, 28, 28, 1)))      # 10 · (3 − 1)²
        40.0

    Reference:
        Gulrajani et al., Improved Training of Wasserstein GANs, 2017, arXiv:1704.00028
    """

    def __init__(self, weight: float = 10.0, seed: int | None = None, every: int = 1):
        super().__init__(weight, every)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def __call__(self, discriminate, real, fake):
        """The penalty on one batch. Args, Returns: as `Penalty.__call__`."""
        count = ops.shape(tf.nest.flatten(real)[0])[0]
        alpha = keras.random.uniform((count,), dtype=keras.config.floatx(), seed=self.seed_generator)
        between = tf.nest.map_structure(lambda x, g: _between(alpha, x, g), real, fake)
        norms = ops.sqrt(squared_slopes(discriminate, between) + _EPSILON)
        return self.weight * ops.mean(ops.square(norms - 1))

    def get_config(self):
        return super().get_config() | {"seed": self.seed}


def squared_slopes(discriminate, samples):
    """‖∇D(x)‖² at each sample, over all floating-point parts of it.

    Args:
        discriminate: a function from samples to logits, one a sample.
        samples: of shape (batch, …), or a nest of such.

    Returns:
        A tensor of shape (batch,).
    """
    parts = [part for part in tf.nest.flatten(samples) if part.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(parts)
        # The derivative of a sum over samples gives each sample the derivative of its own logit.
        logits = ops.sum(discriminate(samples))
    gradients = tape.gradient(logits, parts, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    squares = [ops.sum(ops.square(g), axis=tuple(range(1, len(g.shape)))) for g in gradients]
    return sum(squares[1:], squares[0])


def _between(alpha, real, fake):
    real = ops.convert_to_tensor(real)
    if not real.dtype.is_floating:
        return real
    alpha = ops.cast(ops.reshape(alpha, (-1,) + (1,) * (len(real.shape) - 1)), real.dtype)
    return alpha * real + (1 - alpha) * ops.cast(fake, real.dtype)


def checked(penalty, name: str = "penalty") -> list:
    """Returns a penalty argument as a list of penalties.

    Args:
        penalty: None, a function or an object called as `penalty(discriminate, real, fake)`, or a list of these.
        name: the argument's name, for messages.

    Raises:
        TypeError: if it cannot be called with three arguments.
    """
    if penalty is None:
        return []
    found = list(penalty) if isinstance(penalty, (list, tuple)) else [penalty]
    for item in found:
        if isinstance(item, type) or not callable(item) or not _takes_three(item):
            raise TypeError(
                f"{name} must be called as {name}(discriminate, real, fake). Received: {name}={item!r}. "
                "Pass for example gan_lessons.penalties.GradientPenalty(); a regularizer of Keras's goes to layers "
                "(kernel_regularizer=…)."
            )
    return found


def _takes_three(function):
    try:
        inspect.signature(function).bind(None, None, None)
    except TypeError:
        return False
    except ValueError:  # a built-in that does not tell
        return True
    return True
