"""Constrains the discriminator's weights after each of its steps.

Keras applies a weight's constraint inside the optimizer's step, so the training step needs no code for it.
"""

from typing import Any

import keras
from keras import ops

from gan_lessons._arguments import positive
from gan_lessons._keras import flatten_layers


@keras.saving.register_keras_serializable("gan_lessons")
class WeightClip(keras.constraints.Constraint):
    """Clips every entry of a weight to [−limit, limit]: WGAN's way to keep the critic Lipschitz.

    Args:
        limit: the largest absolute value that remains. The paper uses 0.01.

    Raises:
        ValueError: if the limit is not a positive number.

    Example:
        >>> keras.layers.Dense(8, kernel_constraint=WeightClip(0.01))

    Reference:
        Arjovsky et al., Wasserstein GAN, 2017, algorithm 1, arXiv:1701.07875
    """

    def __init__(self, limit: float = 0.01):
        self.limit = positive("limit", limit, "The paper uses 0.01.")

    def __call__(self, value: Any) -> Any:
        """Returns the weight, clipped. Args: the weight, a tensor of any shape."""
        return ops.clip(value, -self.limit, self.limit)

    def get_config(self) -> dict[str, float]:
        """Returns the arguments of the constraint."""
        return {"limit": self.limit}


# Keras's names of the weights that a layer multiplies by, and the argument that constrains each.
_KERNELS = {
    "kernel": "kernel_constraint",
    "depthwise_kernel": "depthwise_constraint",
    "pointwise_kernel": "pointwise_constraint",
    "recurrent_kernel": "recurrent_constraint",
    "embeddings": "embeddings_constraint",
}


def clip_weights(model: keras.Model, limit: float = 0.01, biases: bool = True) -> keras.Model:
    """Puts a `WeightClip` on the weights of any network.

    Biases add a constant to a layer's output and do not change its slope, so the Lipschitz bound does not depend on
    them. The paper's code clips them all the same; `biases` is that choice. The function leaves out the scales and
    shifts of normalisation layers.

    A functional or Sequential network keeps the clip in its file. A subclassed network makes its layers anew when it is
    loaded: call this function again on it, or pass `WeightClip` to the layers in its code.

    Args:
        model: a Keras model, usually the critic. The function changes it in place.
        limit: the largest absolute value that remains.
        biases: whether to clip biases too.

    Returns:
        The model itself.

    Raises:
        ValueError: if the model has no weight to clip.

    Example:
        >>> critic = clip_weights(networks.mlp_discriminator((28, 28, 1)), limit=0.01)
    """
    clip = WeightClip(limit)
    clipped = _KERNELS | ({"bias": "bias_constraint"} if biases else {})
    found = False
    for layer in flatten_layers(model):
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
            f"clip_weights needs a network with kernels to clip. Received: model={model.name!r}, without one. "
            "For layers of your own, pass WeightClip to add_weight(constraint=…)."
        )
    return model
