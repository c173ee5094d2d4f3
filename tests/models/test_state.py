"""State that Keras does not keep: counts, the order of arrays, the variables of settings; and what cannot be saved."""

import keras
import numpy as np
import pytest
from keras import layers

from gan_lessons import objectives, penalties
from gan_lessons.models.state import Counters, state_of, why_not_saved

# --- counts and orders ---------------------------------------------------------------------------------------------


def test_counters_count_and_are_restored():
    counters = Counters()
    for _ in range(3):
        counters.count()
    counters.epochs += 2
    saved = counters.numpy()
    assert counters.batches_trained == 3 and saved.tolist() == [3, 2] and saved.dtype == "int64"
    other = Counters()
    other.load(saved)
    other.begin_at(99)  # of no effect: the count is known
    assert (other.batches_trained, other.epochs) == (3, 2)
    other.load(None)  # a file without a count
    assert (other.batches_trained, other.epochs, other.unknown) == (0, 0, True)
    other.begin_at(7)
    other.begin_at(99)
    assert other.batches_trained == 7


def orders(seed=1, length=50, epochs=3, shuffle=True, batch_size=None, part=0):
    counters, found = Counters(), []
    order = counters.order(keras.random.SeedGenerator(seed), shuffle, batch_size)
    for _ in range(epochs):
        counters.epochs += 1
        found.append(order(length, part).tolist())
    return found


def test_an_order_is_a_permutation_and_another_one_in_each_epoch():
    found = orders()
    for order in found:
        assert sorted(order) == list(range(50)) and order != list(range(50))
    assert len({tuple(order) for order in found}) == 3
    # Uniform: over 2,000 epochs each index comes first 200 times, give or take 5 standard deviations of √180.
    first = np.bincount([order[0] for order in orders(length=10, epochs=2000)], minlength=10)
    assert np.abs(first - 200).max() < 67


def test_an_order_follows_from_the_seed_the_epoch_and_the_part():
    assert orders() == orders() != orders(seed=2)
    assert orders() != orders(part=1)
    counters = Counters()
    counters.load(np.array([0, 1]))
    counters.epochs += 1  # the second epoch, in a training that resumes
    assert counters.order(keras.random.SeedGenerator(1), True, None)(50, 0).tolist() == orders()[1]


def test_an_order_does_not_depend_on_what_was_drawn_since():
    seeds, counters = keras.random.SeedGenerator(1), Counters()
    before = counters.order(seeds, True, None)(50, 0).tolist()
    keras.random.normal((3,), seed=seeds)
    assert counters.order(seeds, True, None)(50, 0).tolist() == before


@pytest.mark.parametrize("batch_size", [None, 4, 7, 50, 64])
def test_batch_shuffles_within_batches_alone(batch_size):
    size = batch_size or 32
    for order in orders(shuffle="batch", batch_size=batch_size):
        for start in range(0, 50, size):
            part = order[start : start + size]
            assert sorted(part) == list(range(start, min(start + size, 50)))
        assert order != list(range(50))


def test_without_shuffling_there_is_no_order():
    assert Counters().order(keras.random.SeedGenerator(1), False, None) is None


# --- what settings keep --------------------------------------------------------------------------------------------


class Running:
    """An objective as someone writes it who keeps a mean, a list of seeds, and itself."""

    def __init__(self):
        self.mean = keras.Variable(1.0)
        self.seeds = {"a": [keras.random.SeedGenerator(1)], "b": keras.random.SeedGenerator(2)}
        self.me = self
        self.network = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
        self.optimizer = keras.optimizers.SGD()
        self.text, self.array, self.kind = "text", np.ones(2), Running


def test_state_of_finds_variables_and_seeds_at_any_depth():
    running = Running()
    other = keras.Variable(2.0)
    variables, seeds = state_of(
        {"objective": running, "penalty": [penalties.GradientPenalty(seed=3), (other, running)]}
    )
    assert [id(v) for v in variables] == [id(running.mean), id(other)]
    gradient = seeds[2]
    assert [id(s) for s in seeds[:2]] == [id(running.seeds["a"][0].state), id(running.seeds["b"].state)]
    assert len(seeds) == 3 and gradient.numpy()[0] == 3
    assert state_of([None, 3, "text", np.ones(2), len, Running]) == ([], [])


# --- what cannot be saved ------------------------------------------------------------------------------------------


class WithoutConfig:
    pass


class Breaking:
    def get_config(self):
        raise RuntimeError("first line\nsecond line")


def named(discriminate, real, fake):
    return 0.0


@pytest.mark.parametrize(
    "thing",
    [None, 3, 2.5, "text", np.float32(1), np.ones(2), [1, "a"], named, objectives.Wasserstein()],
    ids=lambda thing: type(thing).__name__,
)
def test_what_can_be_saved(thing):
    assert why_not_saved(thing) is None


@pytest.mark.parametrize(
    "thing, words",
    [
        (lambda *_: 0.0, "a lambda. Write a function, with @keras.saving.register_keras_serializable"),
        (WithoutConfig(), "no get_config. Give WithoutConfig a get_config"),
        (Breaking(), "raised RuntimeError: first line"),
    ],
    ids=["lambda", "no config", "breaking"],
)
def test_what_cannot_be_saved_says_why(thing, words):
    said = why_not_saved(thing)
    assert words in said and "second line" not in said
