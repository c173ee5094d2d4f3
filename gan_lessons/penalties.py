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

    Most penalties are functions of slopes, as `squared_slopes` computes them, and work on either player: on the generator
    (`GAN(generator_penalty=…)`) the slope at generated images is a function of G's weights too.

    Args:
        weight: what the penalty is multiplied by.
        every: k for a lazy penalty: it is computed on every k-th batch only, and counts k times there, so that its mean is
            that of a penalty on every batch (Karras et al. 2019, arXiv:1912.04958, appendix B). Compiled by
            XLA it saves no time: it is computed on every batch, and counts on every k-th.

    Raises:
        TypeError, ValueError: if the weight is no positive number, or `every` no positive integer.
    """

    #: Whether it is a function of each sample by itself. A D with BatchNormalization, which mixes a batch, then gets a
    #: warning.
    per_sample = True

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
        between = _somewhere_between(real, fake, self.seed_generator)
        return self.weight * ops.mean(ops.square(_slopes(discriminate, between) - 1))

    def get_config(self):
        return super().get_config() | {"seed": self.seed}


@keras.saving.register_keras_serializable("gan_lessons")
class ZeroCentred(Penalty):
    """The penalty that makes D flat between the real and the generated images.

    λ · E_x̂[‖∇D(x̂)‖²]  with  x̂ = αx + (1 − α)G(z)  and  α ~ U[0, 1], one α an image.

    It is 0 for a D of one output everywhere, which is the best D at the equilibrium: there `GradientPenalty`, whose
    target is the slope 1, still pushes D. Nests are treated as in `GradientPenalty`.

    Args:
        weight: λ.
        seed, every: as in `GradientPenalty`.

    Raises:
        TypeError, ValueError: as in `Penalty`.

    Example:
        >>> slope_3 = lambda images: 3.0 * ops.sum(images, axis=(1, 2, 3)) / 28.0      # for 28×28×1 images
        >>> ZeroCentred(10.0)(slope_3, ops.ones((4, 28, 28, 1)), ops.zeros((4, 28, 28, 1)))      # 10 · 3²
        90.0

    Reference:
        Thanh-Tung et al., Improving Generalization and Stability of GANs, 2019, arXiv:1902.03984
    """

    def __init__(self, weight: float = 10.0, seed: int | None = None, every: int = 1):
        super().__init__(weight, every)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def __call__(self, discriminate, real, fake):
        """The penalty on one batch. Args, Returns: as `Penalty.__call__`."""
        between = _somewhere_between(real, fake, self.seed_generator)
        return self.weight * ops.mean(squared_slopes(discriminate, between))

    def get_config(self):
        return super().get_config() | {"seed": self.seed}


@keras.saving.register_keras_serializable("gan_lessons")
class DRAGAN(Penalty):
    """The penalty that holds D's slope near 1 around the real images.

    λ · E[(‖∇D(x + δ)‖₂ − 1)²]  with  δ ~ N(0, (noise · s)²) and s the standard deviation of the batch's pixels.

    The paper's game settles where D is steep at real images, so it looks there alone and not at G's. Of a nest every
    floating-point part gets its noise.

    Args:
        weight: λ.
        noise: the size of δ, in standard deviations of the batch.
        seed, every: as in `GradientPenalty`.

    Raises:
        TypeError, ValueError: as in `Penalty`, and for a noise that is not positive.

    Example:
        >>> slope_3 = lambda images: 3.0 * ops.sum(images, axis=(1, 2, 3)) / 28.0      # for 28×28×1 images
        >>> DRAGAN(10.0)(slope_3, ops.ones((4, 28, 28, 1)), None)      # 10 · (3 − 1)²
        40.0

    Reference:
        Kodali et al., On Convergence and Stability of GANs, 2017, arXiv:1705.07215
    """

    def __init__(self, weight: float = 10.0, noise: float = 0.5, seed: int | None = None, every: int = 1):
        super().__init__(weight, every)
        self.noise = _arguments.positive("noise", noise, "At the real images themselves, R1 holds the slope.")
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def __call__(self, discriminate, real, fake):
        """The penalty on one batch. Args, Returns: as `Penalty.__call__`."""
        around = tf.nest.map_structure(self._disturbed, real)
        return self.weight * ops.mean(ops.square(_slopes(discriminate, around) - 1))

    def _disturbed(self, part):
        part = ops.convert_to_tensor(part)
        if not part.dtype.is_floating:
            return part
        noise = keras.random.normal(ops.shape(part), dtype=part.dtype, seed=self.seed_generator)
        return part + self.noise * ops.std(part) * noise

    def get_config(self):
        return super().get_config() | {"noise": self.noise, "seed": self.seed}


@keras.saving.register_keras_serializable("gan_lessons")
class R1(Penalty):
    """The penalty that makes D flat at the real images.

    γ/2 · E_x[‖∇D(x)‖²]

    Where G makes the real images, D has nothing to tell apart and must leave them alone: with this penalty the game
    converges near the equilibrium. It draws no random numbers.

    Args:
        weight: γ. 10 is common; at 32×32 pixels 0.01 to 1.
        every: as in `Penalty`; StyleGAN2 has 16.

    Raises:
        TypeError, ValueError: as in `Penalty`.

    Example:
        >>> slope_3 = lambda images: 3.0 * ops.sum(images, axis=(1, 2, 3)) / 28.0      # for 28×28×1 images
        >>> R1(10.0)(slope_3, ops.ones((4, 28, 28, 1)), None)      # 10/2 · 3²
        45.0

    Reference:
        Mescheder et al., Which Training Methods for GANs do actually Converge?, 2018, arXiv:1801.04406
    """

    def __init__(self, weight: float = 10.0, every: int = 1):
        super().__init__(weight, every)

    def __call__(self, discriminate, real, fake):
        """The penalty on one batch. Args, Returns: as `Penalty.__call__`."""
        return self.weight / 2 * ops.mean(squared_slopes(discriminate, real))


@keras.saving.register_keras_serializable("gan_lessons")
class R2(R1):
    """The penalty that makes D flat at the generated images: γ/2 · E_z[‖∇D(G(z))‖²].

    R3GAN has it together with `R1`, at every step: R1 alone leaves D free to be steep where G's images are.

    Args, Raises: as for `R1`.

    Example:
        >>> gan = GAN(…, objective="relativistic", penalty=[R1(1.0), R2(1.0)])

    Reference:
        Mescheder et al., 2018, arXiv:1801.04406; Huang et al., The GAN is dead; long live the GAN!, 2025,
        arXiv:2501.05441
    """

    def __call__(self, discriminate, real, fake):
        """The penalty on one batch. Args, Returns: as `Penalty.__call__`."""
        return super().__call__(discriminate, fake, None)


@keras.saving.register_keras_serializable("gan_lessons")
class LeCam(Penalty):
    """The penalty that holds D's outputs near what they used to be on the other kind of images, for little data.

    λ · (E_x[(D(x) − α_F)²] + E_z[(D(G(z)) − α_R)²])  with α_R and α_F moving averages of D's mean output on real and on
    generated images, which are saved with the model.

    A D that learns a few images by heart drives its outputs apart; here that costs the more, the further. The averages
    mean nothing at first, so the penalty is 0 for the first `start` batches.

    Args:
        weight: λ.
        decay: the share of the averages that each batch keeps.
        start: how many batches pass before the penalty counts.

    Raises:
        TypeError, ValueError: as in `Penalty`; for a decay outside [0, 1), or a start that is no integer of 0 or more.

    Example:
        >>> gan = GAN(…, objective="hinge", penalty=LeCam(0.3, start=1000))

    Reference:
        Tseng et al., Regularizing Generative Adversarial Networks under Limited Data, 2021, arXiv:2104.03310
    """

    per_sample = False

    def __init__(self, weight: float = 0.3, decay: float = 0.99, start: int = 1000):
        super().__init__(weight)
        self.decay = _arguments.not_negative("decay", decay)
        if self.decay >= 1:
            raise ValueError(f"decay must be below 1. Received: decay={decay!r}. The paper uses 0.99.")
        self.start = _arguments.integer("start", start, least=0)
        self.of_real, self.of_fake, self.batches = (
            keras.Variable(0.0, trainable=False, autocast=False, aggregation="mean", name=name)
            for name in ("of_real", "of_fake", "batches")
        )

    def __call__(self, discriminate, real, fake):
        """The penalty on one batch. Args, Returns: as `Penalty.__call__`."""
        on_real, on_fake = discriminate(real), discriminate(fake)
        for average, outputs in ((self.of_real, on_real), (self.of_fake, on_fake)):
            average.assign(self.decay * average + (1 - self.decay) * ops.stop_gradient(ops.mean(outputs)))
        self.batches.assign_add(1.0)
        apart = ops.mean(ops.square(on_real - self.of_fake)) + ops.mean(ops.square(on_fake - self.of_real))
        return self.weight * apart * ops.cast(self.batches > self.start, apart.dtype)

    def get_config(self):
        return {"weight": self.weight, "decay": self.decay, "start": self.start}


def _slopes(discriminate, samples):
    """‖∇D(x)‖ at each sample."""
    return ops.sqrt(squared_slopes(discriminate, samples) + _EPSILON)


def squared_slopes(discriminate, samples):
    """‖∇D(x)‖² at each sample, over all floating-point parts of it.

    Args:
        discriminate: a function from samples to logits, one a sample.
        samples: of shape (batch, …), or a nest of such.

    Returns:
        A tensor of shape (batch,), in float32 at least: generated samples may be of fewer bits.
    """
    parts = [part for part in tf.nest.flatten(samples) if part.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(parts)
        # The derivative of a sum over samples gives each sample the derivative of its own logit.
        logits = ops.sum(discriminate(samples))
    gradients = tape.gradient(logits, parts, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    gradients = [ops.cast(g, keras.backend.result_type(g.dtype, "float32")) for g in gradients]
    squares = [ops.sum(ops.square(g), axis=tuple(range(1, len(g.shape)))) for g in gradients]
    return sum(squares[1:], squares[0])


def _somewhere_between(real, fake, seed):
    """αx + (1 − α)G(z) with one α ~ U[0, 1] for all parts of a sample; integers are those of the real samples."""
    count = ops.shape(tf.nest.flatten(real)[0])[0]
    alpha = keras.random.uniform((count,), dtype=keras.config.floatx(), seed=seed)
    return tf.nest.map_structure(lambda x, g: _between(alpha, x, g), real, fake)


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
