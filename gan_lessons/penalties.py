"""What is added to the discriminator's loss.

A penalty is called as `penalty(discriminate, real_images, fake_images)` and returns a scalar. It receives a *function*
from images to logits rather than a network, so that a model whose discriminator sees more than images (labels, codes)
hands in a closure and reuses the penalty unchanged.
"""

import numbers

import keras
import tensorflow as tf
from keras import ops

# √ has an infinite slope at 0; one critic that ignores one image would make the whole gradient NaN.
_EPSILON = 1e-12


@keras.saving.register_keras_serializable("gan_lessons")
class GradientPenalty:
    """The penalty that makes a critic nearly 1-Lipschitz, between the real and the generated images.

    λ · E_x̂[(‖∇D(x̂)‖₂ − 1)²]  with  x̂ = αx + (1 − α)G(z)  and  α ~ U[0, 1], one α an image.

    The norm is over all pixels and channels of one image, so the discriminator must treat each image by itself: no
    BatchNormalization in it.

    Args:
        weight: λ.
        seed: an integer fixes the draws of α. By default it follows `keras.utils.set_random_seed`.

    Raises:
        ValueError: if the weight is not a positive number.

    Example:
        >>> penalty = GradientPenalty(weight=10.0)
        >>> critic = lambda images: 3.0 * ops.sum(images, axis=(1, 2, 3)) / 28.0      # ‖∇D‖ = 3 for 28×28×1 images
        >>> penalty(critic, ops.ones((4, 28, 28, 1)), ops.zeros((4, 28, 28, 1)))      # 10 · (3 − 1)²
        40.0

    Reference:
        Gulrajani et al., Improved Training of Wasserstein GANs, 2017, arXiv:1704.00028
    """

    def __init__(self, weight=10.0, seed=None):
        if isinstance(weight, bool) or not isinstance(weight, numbers.Real) or not 0 < weight < float("inf"):
            raise ValueError(
                f"The weight of a penalty must be a positive number. Received: weight={weight!r}. "
                "For no penalty, pass penalty=None to the GAN."
            )
        self.weight = float(weight)
        self.seed = seed
        # `GAN` finds the generator under this name, and saves its state so that a resumed run draws the same α.
        self.seed_generator = keras.random.SeedGenerator(seed)

    def __call__(self, discriminate, real_images, fake_images):
        """The penalty on one batch.

        Args:
            discriminate: a function from images to logits, one an image.
            real_images: of shape (batch, …).
            fake_images: of the same shape.

        Returns:
            A scalar: λ times the mean squared distance of the gradient's norm from 1.
        """
        shape = ops.shape(real_images)
        alpha_shape = (shape[0],) + (1,) * (len(shape) - 1)
        alpha = keras.random.uniform(alpha_shape, dtype=real_images.dtype, seed=self.seed_generator)
        between = alpha * real_images + (1 - alpha) * ops.cast(fake_images, real_images.dtype)

        with tf.GradientTape() as tape:
            tape.watch(between)
            # The derivative of a sum over images gives each image the derivative of its own logit.
            logits = ops.sum(discriminate(between))
        gradients = tape.gradient(logits, between)

        norms = ops.sqrt(ops.sum(ops.square(gradients), axis=tuple(range(1, len(shape)))) + _EPSILON)
        return self.weight * ops.mean(ops.square(norms - 1))

    def get_config(self):
        return {"weight": self.weight, "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        return cls(**config)
