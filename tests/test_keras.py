"""What differs between versions: each function of `gan_lessons._keras`, on the version that is installed."""

import inspect

import keras
import pytest

from gan_lessons import _keras


class WithRenorm:
    """Stands for the layer of Keras 3.15 on every version."""

    renorm = True


class WithoutRenorm:
    """Stands for the layer of Keras before 3.15 on every version."""


def test_renorm_is_off_unless_the_layer_has_it_and_it_is_on():
    assert _keras.renorm(keras.layers.BatchNormalization()) is False
    assert _keras.renorm(WithRenorm()) is True
    assert _keras.renorm(WithoutRenorm()) is False


def test_renorm_is_the_argument_that_keras_takes():
    if "renorm" in inspect.signature(keras.layers.BatchNormalization).parameters:
        assert _keras.renorm(keras.layers.BatchNormalization(renorm=True)) is True
    else:
        with pytest.raises(ValueError, match="renorm"):
            keras.layers.BatchNormalization(renorm=True)
