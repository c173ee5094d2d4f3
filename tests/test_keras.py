"""Private names of Keras and TensorFlow, each against what it must do."""

import keras
from keras import layers

from gan_lessons import _keras


@keras.saving.register_keras_serializable("test_keras")
class Custom(layers.Layer):
    """A layer that keeps layers in attributes and in a list."""

    def __init__(self):
        super().__init__()
        self.one = layers.Dense(1, name="one")
        self.more = [layers.Dense(1, name="two"), layers.ReLU(name="three")]

    def build(self, shape):
        self.one.build(shape)
        self.more[0].build((*shape[:-1], 1))

    def call(self, x):
        return self.more[0](self.one(x))


def test_every_layer_however_deep():
    inner = keras.Sequential([keras.Input((4, 2)), layers.Dense(2, name="dense")], name="inner")
    model = keras.Sequential([inner, layers.TimeDistributed(layers.Dense(3, name="wrapped"), name="wrapper"), Custom()])
    names = [layer.name for layer in _keras.flatten_layers(model)]
    assert _keras.flatten_layers(model, include_self=False) == _keras.flatten_layers(model)[1:]
    assert {"inner", "dense", "wrapper", "wrapped", "one", "two", "three", model.name} <= set(names)
    assert len(names) == len(set(names))
    alone = layers.Dense(1)
    assert list(_keras.flatten_layers(alone)) == [alone]
