"""What is done to the discriminator's weights after each of its steps.

Keras applies a weight's constraint inside the optimizer's step, so the training step needs no code for it.
"""

import numbers

import keras
from keras import ops

from gan_lessons import _keras


@keras.saving.register_keras_serializable("gan_lessons")
class WeightClip(keras.constraints.Constraint):
    """Clips every entry of a weight to [−limit, limit]: WGAN's way to keep the critic Lipschitz.

    Args:
        limit: the largest absolute value that is left. The paper uses 0.01.

    Raises:
        ValueError: if the limit is not a positive number.

    Example:
        >>> keras.layers.Dense(8, kernel_constraint=WeightClip(0.01))

    Reference:
        Arjovsky et al., Wasserstein GAN, 2017, algorithm 1, arXiv:1701.07875
    """

    def __init__(self, limit=0.01):
        if isinstance(limit, bool) or not isinstance(limit, numbers.Real) or not 0 < limit < float("inf"):
            raise ValueError(f"limit must be a positive number. Received: limit={limit!r}.")
        self.limit = float(limit)

    def __call__(self, value):
        return ops.clip(value, -self.limit, self.limit)

    def get_config(self):
        return {"limit": self.limit}


# What Keras calls the weights that a layer multiplies by, and the argument that constrains each.
_KERNELS = {
    "kernel": "kernel_constraint",
    "depthwise_kernel": "depthwise_constraint",
    "pointwise_kernel": "pointwise_constraint",
    "recurrent_kernel": "recurrent_constraint",
    "embeddings": "embeddings_constraint",
}


def clip_weights(model, limit=0.01, biases=True):
    """Puts a `WeightClip` on the weights of a network, whoever wrote it.

    Biases add a constant to what a layer passes on and do not change its slope, so the Lipschitz bound does not need them
    clipped; the paper's code clips them all the same. `biases` is that choice. Scales and shifts of normalisation layers
    are left alone.

    The clip is kept when a functional or a Sequential network is saved. A subclassed one makes its layers anew when it
    is loaded: call this again on it, or pass `WeightClip` to the layers in its code.

    Args:
        model: a Keras model, usually the critic. It is changed in place.
        limit: the largest absolute value that is left.
        biases: whether biases are clipped too.

    Returns:
        The model, for use in an expression.

    Raises:
        ValueError: if the model has no weight to clip.

    Example:
        >>> critic = clip_weights(networks.mlp_discriminator((28, 28, 1)), limit=0.01)
    """
    clip = WeightClip(limit)
    clipped = _KERNELS | ({"bias": "bias_constraint"} if biases else {})
    found = False
    for layer in _keras.flatten_layers(model):
        for argument in clipped.values():
            if hasattr(layer, argument):
                setattr(layer, argument, clip)  # for the layer's config, and for weights not yet made
                found = True
    for weight in model.weights:
        if weight.name in clipped:
            weight.constraint = clip
            found = True
    if not found:
        raise ValueError(
            f"clip_weights needs a network with kernels to clip. Received: model={model.name!r}, without any. "
            "For layers of your own, pass WeightClip to add_weight(constraint=…)."
        )
    return model
