"""Holds every private name of Keras and TensorFlow that the package needs: one small function for each."""

import keras

# --- layers and networks -------------------------------------------------------------------------------------------


def flatten_layers(layer: keras.layers.Layer, include_self: bool = True) -> list[keras.layers.Layer]:
    """Returns a layer and all layers inside it, at any depth.

    `model.layers` is public, but only models have it: a layer that contains layers (`SpectralNormalization`,
    `Bidirectional`, a residual block of a user's own) has no public list of them.

    Args:
        layer: a Keras layer or model.
        include_self: whether the layer itself comes first.
    """
    return layer._flatten_layers(include_self=include_self)
