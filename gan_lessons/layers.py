"""Layers: some of Keras's with the same numbers for less work, and those that GANs need besides."""

import keras
import tensorflow as tf
from keras import ops

from gan_lessons import _arguments, _keras


@keras.saving.register_keras_serializable("gan_lessons")
class BatchNormalization(keras.layers.BatchNormalization):
    """Normalises batches as `keras.layers.BatchNormalization` does, in one kernel of TensorFlow's while it trains.

    In training the layer computes each channel's mean μ and variance σ² over the batch and its pixels, and outputs

        y = γ (x − μ) / √(σ² + ε) + β.

    Keras computes this in half a dozen operations, each of which reads and writes the whole batch. `FusedBatchNormV3`
    computes it in one operation, and its gradient in another. Numbers, weights, arguments and saved files are those of
    Keras's layer. On a CPU a DCGAN's step takes 5 to 10 % less time; with bfloat16, where all else costs less, a fifth.

    The layer calls Keras's own code where the kernel does not apply: outside training, and for masks, inputs other than
    (batch, height, width, channels), `synchronized`, `renorm`, no scale or no center, an epsilon below 1.001e-5, and
    weights other than float32.

    Args:
        *args, **kwargs: as for `keras.layers.BatchNormalization`.

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
        # The kernel normalises by the variance of the batch, but outputs n / (n − 1) of it, an estimate of the variance
        # of all images. Keras's moving average is over the variance of the batch.
        count = ops.cast(ops.prod(ops.shape(inputs)[:-1]), variance.dtype)
        variance = variance * ops.maximum(count - 1, 1) / count
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return ops.cast(outputs, self.compute_dtype)

    def _has_a_kernel_for(self, inputs):
        last = self.axis in (-1, len(inputs.shape) - 1)
        plain = self.scale and self.center and not self.synchronized and not _keras.renorm(self)
        known = inputs.dtype != "float64" and self.variable_dtype == "float32"
        return len(inputs.shape) == 4 and last and plain and known and self.epsilon >= 1.001e-5


@keras.saving.register_keras_serializable("gan_lessons")
class LeakyReLU(keras.layers.LeakyReLU):
    """Outputs what `keras.layers.LeakyReLU` does, with no second derivative where TensorFlow has an array of zeros.

    The layer outputs x where x > 0, and αx elsewhere, so its slope is 1 or α. A gradient penalty is a function of
    slopes, and its own gradient asks how the slopes change with x. They do not change. TensorFlow represents this as
    zeros and propagates the zeros back through the whole network, layer by layer. With this layer nothing is
    propagated: a critic's step of WGAN-GP takes a seventh less time. Numbers, arguments and saved files are those of
    Keras's layer. The only visible difference: the gradient of the penalty *alone* for a bias is None instead of zeros.

    Args:
        *args, **kwargs: as for `keras.layers.LeakyReLU`.

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


@keras.saving.register_keras_serializable("gan_lessons")
class SpectralNorm(keras.layers.Wrapper):
    """Computes a layer with W/σ(W) in place of its kernel W, where σ(W) is the largest singular value of W.

    A dense layer with that kernel changes distances by a factor of at most 1. With it in every layer, and activations of
    slope 1 at most, D is 1-Lipschitz for dense layers; for convolutions, whose kernel is taken as a matrix with one column
    for each output channel, it is so up to a factor of the kernel's size.

    W stays as it is, and the layer is a function of it: the gradient goes through σ(W) too. σ comes from the power
    iteration, one round for each step of the optimizer,

        v = Wᵀu / ‖Wᵀu‖,   u ← Wv / ‖Wv‖,   σ = ‖Wᵀu‖,

    with u saved. Keras calls a weight's constraint after each step that moves the weight, and only then; the constraint of
    W moves u here. So u stays through G's turn, through penalties and through evaluation, and every model that trains with
    Keras's optimizers moves it. (`keras.layers.SpectralNormalization` moves u in every call with `training=True`, and
    writes W/σ back into W.)

    Args:
        layer: a layer with a kernel: `Dense`, `Conv2D`, `Conv2DTranspose`, their kin in 1D and 3D, or `Embedding`.
        iterations: rounds of the power iteration for each step.
        **kwargs: `name` and so on, as for every layer.

    Raises:
        TypeError: for what is no such layer, or a number of iterations that is no integer.

    Example:
        >>> x = SpectralNorm(keras.layers.Conv2D(64, 3, strides=2, padding="same"))(images)

    Reference:
        Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018, arXiv:1802.05957
    """

    #: Rounds of the power iteration when the layer is built, after which σ is right to a few per cent.
    _AT_FIRST = 30

    def __init__(self, layer, iterations: int = 1, **kwargs):
        if not isinstance(layer, _WITH_KERNEL):
            kinds = ", ".join(kind.__name__ for kind in _WITH_KERNEL)
            raise TypeError(f"layer must be one of {kinds}, the layers with one kernel. Received: layer={layer!r}.")
        self.iterations = _arguments.integer("iterations", iterations)
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(layer, **kwargs)

    def build(self, input_shape=None):
        super().build(input_shape)
        self._weight = _kernel_of(self.layer)
        self._own_constraint = self._weight.constraint
        rows = self._matrix(self._weight).shape[0]
        self.u = self.add_weight(
            name="u", shape=(rows,), initializer=self._first_direction, trainable=False, autocast=False,
            aggregation="only_first_replica",
        )  # fmt: skip
        self._weight.constraint = self._after_a_step

    def call(self, inputs):
        weight = ops.cast(self._weight, self.u.dtype)
        sigma = self._sigma(weight, ops.stop_gradient(self.u))
        # The layer computes with other values of its weights, which stay as they are.
        values = {id(variable): variable.value for variable in self.layer.variables}
        values[id(self._weight)] = weight / sigma
        outputs, _ = self.layer.stateless_call(
            [values[id(variable)] for variable in self.layer.trainable_variables],
            [values[id(variable)] for variable in self.layer.non_trainable_variables],
            inputs,
        )
        return outputs

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    @property
    def sigma(self):
        """σ(W) as the layer divides by it: from below, the largest singular value of the kernel."""
        return self._sigma(ops.convert_to_tensor(self._weight), self.u)

    def settle(self, rounds: int = 30):
        """Moves u by more rounds of the power iteration, for weights that were set by hand."""
        self.u.assign(self._iterated(self._weight, self.u, rounds))

    def _sigma(self, weight, u):
        return ops.norm(ops.matmul(u, self._matrix(weight))) + 1e-12

    def _matrix(self, weight):
        """A kernel as a matrix, one column for each output."""
        if isinstance(self.layer, _TRANSPOSED):  # their kernels have the axis of the inputs last
            weight = ops.swapaxes(weight, -1, -2)
        return ops.reshape(weight, (-1, weight.shape[-1]))

    def _iterated(self, weight, u, rounds):
        matrix = self._matrix(ops.cast(weight, "float32"))
        for _ in range(rounds):
            u = _unit(ops.matmul(matrix, _unit(ops.matmul(u, matrix))))
        return u

    def _first_direction(self, shape, dtype=None):
        # Any direction that is not at right angles to the one looked for; the same each time, for a fresh u is no choice.
        start = keras.random.normal(shape, dtype="float32", seed=1)
        return ops.cast(self._iterated(self._weight, _unit(start), self._AT_FIRST), dtype)

    def _after_a_step(self, weight):
        """The constraint of the kernel, which keeps the user's own and moves u."""
        weight = weight if self._own_constraint is None else self._own_constraint(weight)
        weight = ops.convert_to_tensor(weight)
        self.u.assign(self._iterated(weight, ops.convert_to_tensor(self.u), self.iterations))
        return weight

    def get_config(self):
        return super().get_config() | {"iterations": self.iterations}


_TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
_WITH_KERNEL = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    *_TRANSPOSED,
    keras.layers.Embedding,
)


def spectral_norm(model: keras.Model, iterations: int = 1) -> keras.Model:
    """Returns a copy of a functional or Sequential network with a `SpectralNorm` around each layer that has a kernel.

    The copy starts with the same weights.

    Args:
        model: the network, usually a discriminator without BatchNormalization. It stays as it is.
        iterations: as in `SpectralNorm`.

    Raises:
        ValueError: if no layer has a kernel to normalise.

    Example:
        >>> D = spectral_norm(networks.dcgan_critic((32, 32, 3)))
    """
    found = []

    def wrapped(layer):
        copy = type(layer).from_config(layer.get_config())
        if not isinstance(layer, _WITH_KERNEL):
            return copy
        copy = SpectralNorm(copy, iterations, name=layer.name)
        found.append((layer, copy))
        return copy

    result = keras.models.clone_model(model, clone_function=wrapped)
    if not found:
        raise ValueError(
            f"spectral_norm needs a network with kernels. Received: model={model.name!r}, without one at its first level. "
            "In networks of your own put SpectralNorm around the layers."
        )
    names = {layer.name: layer for layer in model.layers}
    for layer in result.layers:
        source = names[layer.name]
        inner = layer.layer if isinstance(layer, SpectralNorm) else layer
        inner.set_weights(source.get_weights())
        if isinstance(layer, SpectralNorm):
            layer.settle()
    return result


def _kernel_of(layer):
    """The variable that a layer multiplies by."""
    return next(weight for weight in layer.weights if weight.name in ("kernel", "embeddings"))


def _unit(vector):
    return vector / (ops.norm(vector) + 1e-12)


@keras.saving.register_keras_serializable("gan_lessons")
class MinibatchStdDev(keras.layers.Layer):
    """Adds a channel that tells D how much the samples of a batch differ: the cheapest sight of a collapse.

    For each group of samples: the standard deviation of each feature over the group, the mean of these over all
    features, written into one more channel of every sample of the group. A generator that makes one image is then known
    by a 0 there.

    Args:
        group_size: samples in a group. If it does not divide the batch, the largest number below it that does.
        **kwargs: as for every layer.

    Raises:
        TypeError, ValueError: if it is no integer of at least 2.

    Example:
        >>> MinibatchStdDev()(ops.ones((8, 4, 4, 16))).shape
        TensorShape([8, 4, 4, 17])

    Reference:
        Karras et al., Progressive Growing of GANs, 2017, section 3, arXiv:1710.10196
    """

    def __init__(self, group_size: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.group_size = _arguments.integer("group_size", group_size, least=2)

    def call(self, inputs):
        count = ops.shape(inputs)[0]
        sizes = ops.arange(1, self.group_size + 1)
        size = ops.max(ops.where(ops.mod(count, sizes) == 0, sizes, 1))
        x = ops.cast(inputs, "float32")
        groups = tf.reshape(x, tf.concat([[size, count // size], tf.shape(x)[1:]], axis=0))
        deviation = ops.sqrt(ops.var(groups, axis=0) + 1e-8)  # (groups, …)
        mean = ops.mean(deviation, axis=tuple(range(1, len(inputs.shape))), keepdims=True)
        channel = tf.tile(mean, tf.concat([[size], tf.shape(x)[1:-1], [1]], axis=0))
        return ops.concatenate([inputs, ops.cast(channel, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        return super().get_config() | {"group_size": self.group_size}


@keras.saving.register_keras_serializable("gan_lessons")
class Pack(keras.layers.Layer):
    """Puts beside each sample those that follow it in the batch, so that D judges several at once (PacGAN).

    As the first layer of D it turns D's question from "is this image real?" into "are these images real?". Images that
    are good one by one but all the same are then easy to tell from real ones. The samples come one behind another along
    the last axis; the last samples of the batch are followed by the first. The batch keeps its length, so that all
    objectives work as they are.

    A penalty on the slope at each sample is no longer per sample: D's outputs for `size` packs depend on it.

    Args:
        size: how many samples D judges at once.
        **kwargs: as for every layer.

    Raises:
        TypeError, ValueError: if it is no positive integer.

    Example:
        >>> body = networks.mlp_discriminator((28, 28, 2))
        >>> D = keras.Sequential([keras.Input((28, 28, 1)), Pack(2), body])

    Reference:
        Lin et al., PacGAN: The power of two samples in generative adversarial networks, 2017, arXiv:1712.04086
    """

    def __init__(self, size: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.size = _arguments.integer("size", size)

    def call(self, inputs):
        return ops.concatenate([ops.roll(inputs, -place, axis=0) for place in range(self.size)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.size * input_shape[-1])

    def get_config(self):
        return super().get_config() | {"size": self.size}


@keras.saving.register_keras_serializable("gan_lessons")
class SelfAttention(keras.layers.Layer):
    """Lets every place of a map look at every other: y = x + γ·v(A·h(x)), with γ = 0 at first.

    A = softmax(f(x)·g(x)ᵀ) has a row for each place, which says how much it takes from each other place. f, g and h are
    1×1 convolutions to an eighth of the channels, v is one back to all of them. At γ = 0 the layer passes its inputs on,
    so that a network learns near things first. It goes into a map of 8×8 to 32×32 of either player.

    Args:
        spectral_norm: whether its convolutions have a `SpectralNorm`, as in the paper.
        **kwargs: as for every layer.

    Example:
        >>> SelfAttention()(ops.ones((2, 8, 8, 64))).shape
        TensorShape([2, 8, 8, 64])

    Reference:
        Zhang et al., Self-Attention Generative Adversarial Networks, 2018, arXiv:1805.08318
    """

    def __init__(self, spectral_norm: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.spectral_norm = bool(spectral_norm)

    def build(self, input_shape):
        channels = input_shape[-1]
        inner = max(1, channels // 8)
        for name, count in (("f", inner), ("g", inner), ("h", inner), ("v", channels)):
            layer = keras.layers.Conv2D(count, 1, use_bias=False, dtype=self.dtype_policy, name=name)
            layer = SpectralNorm(layer, name=f"{name}_norm") if self.spectral_norm else layer
            layer.build((*input_shape[:-1], inner if name == "v" else channels))
            setattr(self, name, layer)
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros")

    def call(self, inputs):
        _, height, width, channels = inputs.shape
        inner = max(1, channels // 8)
        f, g, h = (ops.reshape(layer(inputs), (-1, height * width, inner)) for layer in (self.f, self.g, self.h))
        scores = ops.cast(ops.matmul(f, ops.transpose(g, (0, 2, 1))), "float32")
        mixed = ops.matmul(ops.cast(ops.softmax(scores), h.dtype), h)
        return inputs + self.gamma * self.v(ops.reshape(mixed, (-1, height, width, mixed.shape[-1])))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"spectral_norm": self.spectral_norm}
