"""What is read from a model that is watched, whatever its class: how many batches it was trained on, and its errors."""

import keras
import numpy as np
import pytest
from others import Handmade, bumps
from watching import Toy, fit, make_gan, real_images

from gan_lessons import _watched


def test_batches_of_a_gan_are_counted_whoever_takes_a_step():
    gan = make_gan(discriminator_steps=2)
    assert _watched.batches_trained(gan) == 0
    fit(gan, epochs=3)
    fit(gan, epochs=1)
    assert _watched.batches_trained(gan) == 4 * 3  # the generator took half as many steps


def test_a_counter_of_the_model_comes_before_its_optimizers():
    model = Toy()
    fit(model)
    assert _watched.batches_trained(model) == 6
    model.batches_trained = np.int64(7)
    assert _watched.batches_trained(model) == 7 and type(_watched.batches_trained(model)) is int
    model.batches_trained = lambda: 8  # not a counter: somebody else's method of the same name
    assert _watched.batches_trained(model) == 6


def test_optimizers_are_found_wherever_they_are():
    gan = Handmade()
    gan.compile()
    gan.fit(bumps(64), batch_size=16, verbose=0)
    assert _watched.batches_trained(gan) == 4

    class Holds(keras.Model):
        """A model that holds the model which has the optimizers."""

        def __init__(self, inner):
            super().__init__()
            self.inner = inner

    assert _watched.batches_trained(Holds(gan)) == 4
    assert _watched.batches_trained(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])) is None


def test_a_model_without_generate_is_refused_with_what_to_do():
    _watched.check_generates(keras.callbacks.Callback(), Toy())
    with pytest.raises(TypeError, match="Callback goes with a model.*Received: a model of type Sequential. Do this"):
        _watched.check_generates(keras.callbacks.Callback(), keras.Sequential(), hint="Do this.")


def test_an_error_in_one_line_without_the_codes_of_a_terminal():
    layer = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError) as caught:
        layer(real_images(1).reshape(1, -1))
    line = _watched.in_words(caught.value)
    assert line.startswith("ValueError: ") and "\n" not in line and "\x1b" not in line and len(line) < 330
    assert _watched.in_words(KeyError("a")) == "KeyError: 'a'"
