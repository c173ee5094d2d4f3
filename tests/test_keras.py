"""What the package needs of Keras's and TensorFlow's private names, held to what `_keras` promises of each."""

import ast
import gc
import inspect
import random
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import gan_lessons
from gan_lessons import _keras

PACKAGE = Path(gan_lessons.__file__).parent


# --- no private name anywhere else -----------------------------------------------------------------------------------


def private_names():
    """The private attributes of what the package builds on."""
    inputs = keras.Input((2,))
    things = [
        keras.Model(inputs, layers.Dense(1)(inputs)),
        keras.Sequential([layers.Dense(1)]),
        inputs,
        keras.Variable(0.0),
        keras.metrics.Mean(),
        keras.optimizers.Adam(),
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()),
        keras.callbacks.Callback(),
        keras.random.SeedGenerator(0),
        tf.constant(0.0),
        tf.data.Dataset.range(1),
    ]
    return {name for thing in things for name in dir(thing) if name.startswith("_") and not name.startswith("__")}


def uses_of_private_names(node, names, own=False):
    """Where a part of a module has one of some names as an attribute or a method, or imports a private module.

    `own` says that the part is inside a class that inherits from nothing: its `self` is not one of Keras's.
    """
    if isinstance(node, ast.ClassDef):
        own = not node.bases
    if isinstance(node, ast.Attribute) and node.attr in names:
        if not (own and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
            yield f"line {node.lineno}: .{node.attr}"
    if isinstance(node, ast.FunctionDef) and node.name in names and not own:
        yield f"line {node.lineno}: def {node.name}"
    modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    yield from (f"line {node.lineno}: {one}" for one in modules if one.startswith(("keras.src", "tensorflow.python")))
    for child in ast.iter_child_nodes(node):
        yield from uses_of_private_names(child, names, own)


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_private_names_stand_in_one_module(path):
    found = list(uses_of_private_names(ast.parse(path.read_text(encoding="utf-8")), private_names()))
    assert (found != []) == (path.name == "_keras.py"), found


# --- layers and networks -------------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("test_keras")
class Block(layers.Layer):
    """A layer that contains a layer, and has no public list of it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm = layers.BatchNormalization(name="inside_a_block")

    def call(self, inputs):
        return self.norm(inputs)


def test_layers_at_any_depth():
    wrapped = layers.SpectralNormalization(layers.Dense(2, name="wrapped"))
    inner = keras.Sequential([layers.Dense(2, name="inner"), Block(name="block")])
    model = keras.Sequential([keras.Input((2,)), wrapped, inner])
    names = {layer.name for layer in _keras.flatten_layers(model)}
    assert {"wrapped", "inner", "block", "inside_a_block", wrapped.name, inner.name, model.name} <= names
    assert _keras.flatten_layers(model)[0] is model
    without = _keras.flatten_layers(model, include_self=False)
    assert all(layer is not model for layer in without) and len(without) == len(_keras.flatten_layers(model)) - 1


def test_the_origin_of_a_tensor():
    shared, inner = layers.Dense(3), keras.Sequential([keras.Input((3,)), layers.Dense(3)])
    inputs = keras.Input((3,))
    first = shared(inputs)
    second = shared(keras.ops.tanh(first))
    last = inner(second)
    assert _keras.origin(last)[0] is inner and _keras.origin(last)[1][0] is second
    operation, (between,) = _keras.origin(second)
    assert operation is shared and type(_keras.origin(between)[0]).__name__ == "Tanh"
    assert _keras.origin(between)[1][0] is first and _keras.origin(first)[1][0] is inputs


class WithRenorm:
    """Stands for the layer of Keras 3.15 on every version."""

    renorm = True


def test_renorm_is_off_unless_the_layer_has_it_and_it_is_on():
    assert _keras.renorm(keras.layers.BatchNormalization()) is False
    assert _keras.renorm(WithRenorm()) is True
    assert _keras.renorm(object()) is False


def test_renorm_is_the_argument_that_keras_takes():
    if "renorm" in inspect.signature(keras.layers.BatchNormalization).parameters:
        assert _keras.renorm(keras.layers.BatchNormalization(renorm=True)) is True
    else:
        with pytest.raises(ValueError, match="renorm"):
            keras.layers.BatchNormalization(renorm=True)


# --- optimizers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda optimizer: optimizer, keras.optimizers.LossScaleOptimizer])
def test_the_weights_of_an_optimizer(wrap):
    optimizer = wrap(keras.optimizers.Adam())
    assert _keras.weights_of(optimizer) == []
    weights = [keras.Variable(1.0), keras.Variable(2.0)]
    optimizer.build(weights)
    assert [id(weight) for weight in _keras.weights_of(optimizer)] == [id(weight) for weight in weights]


def test_averages_of_an_optimizer_are_those_that_it_keeps_in_order():
    weights = [keras.Variable([1.0, 2.0], name="first"), keras.Variable(5.0, name="second")]
    optimizer = keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    scaled = keras.optimizers.LossScaleOptimizer(optimizer)
    assert _keras.averages_of(optimizer) == []  # not built
    scaled.build(weights)
    optimizer.apply([tf.ones(2), tf.constant(2.0)], weights)
    optimizer.apply([tf.ones(2), tf.constant(2.0)], weights)
    for averages in (_keras.averages_of(optimizer), _keras.averages_of(scaled)):
        # After the first step the average is the weight; then half of it and half of the next.
        np.testing.assert_allclose(averages[0].numpy(), [-0.5, 0.5])
        np.testing.assert_allclose(averages[1].numpy(), 2.0)
    plain = keras.optimizers.SGD()
    plain.build(weights)
    assert _keras.averages_of(plain) == []


# --- training ------------------------------------------------------------------------------------------------------


class Recorder(_keras.EpochIteratorMixin, keras.Model):
    """A model that records the batches that it is trained on, and learns nothing."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def train_step(self, data):
        self.seen.append(np.ravel(data).tolist())
        return {"loss": 0.0}

    test_step = train_step


class Reader(keras.callbacks.Callback):
    """A callback that reads some epochs before the training begins, as a backup that resumes one does."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs, self.read = epochs, []

    def on_train_begin(self, logs=None):
        for _ in range(self.epochs):
            _keras.read_epoch(self.model.epoch_iterator, self.read_batches)

    def read_batches(self, iterator):
        for index in range(self.model.steps_per_execution):
            batch = next(iterator, None)
            if batch is None:
                if index == 0:
                    raise StopIteration
                return
            self.read.append(np.ravel(batch).tolist())


class Shuffled(keras.utils.PyDataset):
    """Five batches, in another order in each epoch."""

    num_batches = 5

    def __init__(self):
        super().__init__()
        self.random = np.random.default_rng(3)
        self.order = range(5)

    def __getitem__(self, index):
        return np.full((1, 2), self.order[index], "float32")

    def on_epoch_begin(self):
        self.order = self.random.permutation(5)


FORMS = {
    "data set": lambda: tf.data.Dataset.range(10).shuffle(10, seed=3).batch(2),
    "data set of unknown length": lambda: tf.data.Dataset.range(10).shuffle(10, seed=3).batch(2).filter(lambda x: True),
    "PyDataset": Shuffled,
}


@pytest.mark.parametrize("steps_per_execution", [1, 2])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_epochs_that_are_read_are_the_epochs_that_fit_trains_on(form, steps_per_execution):
    def trained(read, epochs):
        tf.random.set_seed(0)
        model, reader = Recorder(), Reader(read)
        model.compile(optimizer=None, run_eagerly=True, steps_per_execution=steps_per_execution)
        model.fit(FORMS[form](), epochs=epochs, shuffle=False, verbose=0, callbacks=[reader])
        return reader.read + model.seen

    whole = trained(0, 3)
    assert trained(2, 1) == whole and len(whole) == 15
    assert whole[:5] != whole[5:10], "each epoch has an order of its own"


def test_the_iterator_of_fit_is_known_and_not_kept():
    class Asks(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.found = self.model.epoch_iterator.num_batches

    model, asks = Recorder(), Asks()
    assert model.epoch_iterator is None
    model.compile(optimizer=None, run_eagerly=True)
    data, other = np.zeros((6, 2), "float32"), np.zeros((4, 2), "float32")
    for _ in range(2):  # the second time after a validation, which has set its own
        model.fit(data, batch_size=2, validation_data=(other, None), verbose=0, callbacks=[asks])
        assert asks.found == 3
    gc.collect()
    assert model.epoch_iterator is None


def test_a_fit_begins_at_the_epoch_that_a_callback_sets():
    class Begins(keras.callbacks.Callback):
        epochs = ()

        def __init__(self, epoch):
            super().__init__()
            self.epoch = epoch

        def on_train_begin(self, logs=None):
            _keras.begin_at_epoch(self.model, self.epoch)
            self.epochs = []

        def on_epoch_begin(self, epoch, logs=None):
            self.epochs.append(epoch)

    model = Recorder()
    model.compile(optimizer=None, run_eagerly=True)
    for epoch, expected in [(2, [2, 3]), (None, [0, 1, 2, 3])]:
        begins = Begins(epoch)
        model.fit(np.zeros((2, 2), "float32"), epochs=4, verbose=0, callbacks=[begins])
        assert begins.epochs == expected


# --- probabilities that remember their logits ----------------------------------------------------------------------


def test_the_logits_of_keras_probabilities():
    logits = tf.constant([[-1.0, 2.0]])
    for function in (keras.activations.sigmoid, keras.ops.sigmoid, keras.activations.softmax):
        assert _keras.logits_of(function(logits)) is logits
    assert _keras.logits_of(tf.sigmoid(logits)) is None and _keras.logits_of(keras.activations.tanh(logits)) is None


# --- random numbers ------------------------------------------------------------------------------------------------


def test_keras_draws_as_if_nothing_had_been_drawn():
    def draws(inside):
        keras.utils.clear_session()  # before Keras 3.13 a new seed does not reach the generator that is there
        keras.utils.set_random_seed(0)
        first = float(keras.random.normal(()))
        with _keras.keras_seed_kept():
            inside()
        return first, float(keras.random.normal(()))

    expected = draws(lambda: None)
    assert draws(lambda: keras.random.normal((3,))) == expected
    assert draws(lambda: keras.utils.set_random_seed(5)) == expected
    assert len(set(expected)) == 2


def test_a_generator_that_keras_did_not_have_is_taken_away_again():
    def next_draw(inside):
        keras.utils.clear_session()
        random.seed(1)  # Keras takes the seed of a new generator from Python
        with _keras.keras_seed_kept():
            inside()
        random.seed(1)
        return float(keras.random.normal(()))

    assert next_draw(lambda: keras.random.normal((3,))) == next_draw(lambda: None)


@pytest.mark.parametrize("seed", [None, 4])
def test_tensorflow_draws_as_if_nothing_had_been_drawn(seed):
    def draws(inside):
        if seed is not None:
            tf.random.set_seed(seed)
        first = float(tf.random.normal(())), float(tf.random.normal((), seed=5))
        with _keras.tensorflow_seed(1_234_567 + (seed or 0)):
            inside()
        return first, float(tf.random.normal(())), float(tf.random.normal((), seed=5))

    def draw():
        return [float(tf.random.normal(())), float(tf.random.normal((), seed=5))]

    if seed is not None:
        assert draws(draw) == draws(lambda: None)
    inside = []
    for _ in range(2):
        with _keras.tensorflow_seed(7_654_321 + (seed or 0)):
            inside.append(float(tf.random.normal(())))
    assert inside[0] != inside[1], "an operation goes on where it was under this seed"
