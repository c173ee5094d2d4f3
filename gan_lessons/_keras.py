"""What differs between versions of Keras and TensorFlow, and every private name of theirs that the package needs.

Each function hides one such thing and says why it is needed. `tests/test_keras.py` tests each on the installed version;
`make test-oldest` and `make test-colab` run the tests on others.
"""

import keras


def renorm(layer: keras.layers.BatchNormalization) -> bool:
    """Return whether a BatchNormalization layer uses renormalisation. Keras has that setting since 3.15."""
    return bool(getattr(layer, "renorm", False))
