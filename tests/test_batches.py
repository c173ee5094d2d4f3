"""Data that a model cannot be trained on are refused, in words; data that it can are not."""

import re

import keras
import numpy as np
import pandas
import pytest
import scipy.sparse
import tensorflow as tf
from keras import layers
from others import LATENT, PLAYERS, SHAPE, images

from gan_lessons import GAN, Batch, Part
from gan_lessons.batches import BatchError, is_iterated


def generator(end="tanh", shape=SHAPE):
    return keras.Sequential(
        [
            keras.Input((LATENT,)),
            layers.Dense(5, activation="relu"),
            layers.Dense(int(np.prod(shape)), activation=end),
            layers.Reshape(shape),
        ]
    )


def discriminator(end=None, shape=SHAPE):
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(4), layers.Dense(1, activation=end)])


def compiled(G=None, D=None, **arguments):
    keras.utils.set_random_seed(0)
    gan = GAN(G or generator(), D or discriminator(), LATENT, **arguments)
    gan.compile(
        generator_optimizer=keras.optimizers.SGD(0.01),
        discriminator_optimizer=keras.optimizers.SGD(0.01),
        jit_compile=False,
    )
    return gan


@pytest.fixture(scope="module")
def gan():
    return compiled()


def refused(error, *words):
    """A context in which `error` must be raised, with each of the words in its message, on few lines."""
    return pytest.raises(error, match="(?s)" + "".join(f"(?=.*{word})" for word in words))


# --- images --------------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(1)
UNIT = RNG.uniform(0, 1, (16, *SHAPE)).astype("float32")  # in [0, 1]


def with_nan(index, value=np.nan, count=16):
    bad = images(count)
    bad[index, 1, 2, 0] = value
    return bad


class Batches(keras.utils.PyDataset):
    def __init__(self, x, size=4, **kwargs):
        super().__init__(**kwargs)
        self.x, self.size, self.epochs_ended = x, size, 0

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, index):
        return self.x[index * self.size : (index + 1) * self.size]

    def on_epoch_end(self):
        self.epochs_ended += 1


FORMS = {
    "array": lambda x: x,
    "tensor": lambda x: tf.constant(x),
    "dataset": lambda x: tf.data.Dataset.from_tensor_slices(x).batch(8),
    "labelled dataset": lambda x: tf.data.Dataset.from_tensor_slices((x, np.arange(len(x)))).batch(8),
    "PyDataset": lambda x: Batches(x, 8),
    "generator": lambda x: (x[i : i + 8] for i in range(0, len(x), 8)),
}

WRONG_VALUES = {
    "in [0, 1]": (UNIT, ["must use all of \\[-1, 1\\]", "images \\* 2 - 1", "values from 0\\.\\d+ to 0.99"]),
    "in [0, 255]": (UNIT * 255, ["last activation can reach", "images / 127.5 - 1", "to 25\\d"]),
    "a little too wide": (images(16) * 1.5, ["last activation can reach", "values from -1.4\\d* to 1.4", "Rescale"]),
    "with a NaN": (with_nan(3), ["finite numbers", "NaN"]),
    "with an infinity": (with_nan(3, -np.inf), ["finite numbers", "infinity"]),
}


def everything(gan):
    """All that training could have moved."""
    optimizers = gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
    return [np.array(v.numpy()) for v in [*gan.variables, *optimizers] if not v.path.startswith("mean")]


def same(before, after):
    return all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("wrong", WRONG_VALUES, ids=str)
def test_wrong_values_in_every_form(gan, wrong, form):
    before = everything(gan)
    x, words = WRONG_VALUES[wrong]
    with refused(ValueError, *words):
        gan.fit(FORMS[form](x), verbose=0)
    assert same(before, everything(gan)), "no weight may have been touched"


@pytest.mark.parametrize("form", ["array", "dataset"])
def test_wrong_values_in_evaluate_and_validation_data(gan, form):
    with refused(ValueError, "last activation can reach"):
        gan.evaluate(FORMS[form](UNIT * 255), verbose=0)
    with refused(ValueError, "Received: images in validation_data with values from", "last activation can reach"):
        gan.fit(images(4), validation_data=FORMS[form](UNIT * 255), verbose=0)
    with refused(ValueError, "Received: images in validation_data with a NaN"):
        gan.fit(images(4), validation_data=(with_nan(2), np.zeros(16)), verbose=0)


@pytest.mark.parametrize("form", ["dataset", "labelled dataset", "PyDataset", "generator"])
def test_a_nan_in_the_third_batch_touches_no_weight_and_no_file(tmp_path, form):
    gan = compiled()
    gan.fit(images(16), batch_size=8, verbose=0)
    path = tmp_path / "best.keras"
    gan.save(path)
    saved = path.read_bytes()
    at_batch = []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: at_batch.append(everything(gan)))
    checkpoint = keras.callbacks.ModelCheckpoint(path, monitor="d_loss", mode="min", save_best_only=False)
    with refused(ValueError, "finite numbers"):
        gan.fit(FORMS[form](with_nan(19, count=24)), verbose=0, callbacks=[watch, checkpoint])
    assert len(at_batch) == 2, "two good batches were trained on"
    assert same(at_batch[-1], everything(gan)), "the third moved nothing"
    assert path.read_bytes() == saved and [p.name for p in tmp_path.iterdir()] == ["best.keras"]
    assert not any(np.isnan(value).any() for value in everything(gan))


def test_integers_are_refused_with_the_recipe(gan):
    pixels = RNG.integers(0, 256, (8, *SHAPE)).astype("uint8")
    for form in ("array", "dataset", "labelled dataset", "generator", "PyDataset"):
        with refused(TypeError, "floating-point", "uint8", "astype\\('float32'\\) / 127.5 - 1"):
            gan.fit(FORMS[form](pixels), verbose=0)
    with refused(TypeError, "floating-point", "int64"):
        gan.fit(pixels.astype("int64"), verbose=0)


@pytest.mark.parametrize(
    "shape, form",
    [((8, 8, 1), form) for form in FORMS] + [((4, 4, 3), "array"), ((4, 4, 3), "dataset"), ((4, 5, 1), "array")],
)
def test_sizes_and_channels(gan, shape, form):
    with refused(ValueError, "must have shape", f"{shape[0]}, {shape[1]}, {shape[2]}", "\\(n, 4, 4, 1\\)"):
        gan.fit(FORMS[form](images(8, shape=shape)), verbose=0)


def test_a_missing_axis_is_named(gan):
    with refused(ValueError, "Add the channel axis: images\\[..., None\\]"):
        gan.fit(images(8)[..., 0], verbose=0)
    with refused(ValueError, "batch axis is missing: dataset.batch\\(64\\)"):
        gan.fit(tf.data.Dataset.from_tensor_slices(images(8)), verbose=0)
    with refused(ValueError, "Add the channel axis"):
        gan.fit(tf.data.Dataset.from_tensor_slices(images(8)[..., 0]).batch(4), verbose=0)
    with refused(ValueError, "batch axis is missing"):
        gan.fit(images(1)[0], verbose=0)


@pytest.mark.parametrize(
    "signature", [tf.TensorSpec(None), tf.TensorSpec((None, None, None, 1)), tf.TensorSpec((None,) * 4)], ids=str
)
def test_shapes_that_a_data_set_does_not_declare(gan, signature):
    def data(shape):
        return tf.data.Dataset.from_generator(lambda: iter([images(4, shape=shape)]), output_signature=signature)

    with refused(ValueError, "must have shape", "\\(4, 8, 8, 1\\)", "\\(n, 4, 4, 1\\)"):
        gan.fit(data((8, 8, 1)), verbose=0)
    assert np.isfinite(gan.fit(data(SHAPE), verbose=0).history["d_loss"]).all()


def test_empty_sets(gan):
    with refused(ValueError, "images must not be empty", "\\(0, 4, 4, 1\\)"):
        gan.fit(images(0), verbose=0)
    with refused(ValueError, "x must not be empty"):
        gan.fit(FORMS["dataset"](images(0)), verbose=0)
    with refused(ValueError, "x must not be empty"):
        gan.fit(FORMS["dataset"](images(4)).take(0), verbose=0)
    unknown = tf.data.Dataset.from_tensor_slices(images(8)).filter(lambda x: tf.reduce_all(x > 2)).batch(4)
    with pytest.warns(UserWarning, match="ran out of data"), refused(ValueError, "x must not be empty"):
        gan.fit(unknown, epochs=3, verbose=0)
    with refused(ValueError, "x must not be empty"):
        gan.fit(Batches(images(0)), verbose=0)
    with refused(ValueError, "x must not be empty", "generator without a batch"):
        gan.fit(iter([]), verbose=0)
    with refused(ValueError, "must not be empty"):
        gan.evaluate(images(0), verbose=0)


@pytest.mark.parametrize("x", [None, "mnist", [1, 2, 3], {"image": 1}, 5], ids=repr)
def test_what_is_not_images(gan, x):
    with refused(TypeError, "x must be", "Received: x"):
        gan.fit(x)


def test_a_data_set_of_dictionaries(gan):
    data = tf.data.Dataset.from_tensor_slices({"image": images(8)}).batch(4)
    with refused(TypeError, "x must have the parts images", "a dictionary with image"):
        gan.fit(data)


def test_latents_of_the_wrong_size(gan):
    for wrong in (np.zeros((2, 4)), np.zeros(3), np.zeros((0, 3)), np.zeros((2, 3, 1))):
        with refused(ValueError, "latents must have shape \\(count, 3\\)"):
            gan.generate(latents=wrong)
    with refused(ValueError, "latents must have shape \\(n, 3\\)"):
        gan.predict(np.zeros((2, 4), "float32"), verbose=0)
    with refused(ValueError, "count must be the number of latents", "count=3, 2 latents"):
        gan.generate(3, latents=np.zeros((2, 3)))
    with refused(ValueError, "needs a count or latents"):
        gan.generate()
    for count in (0, -1, 2.5, "4", True):
        with refused((TypeError, ValueError), "count must be an integer of at least 1", "Received: count="):
            gan.generate(count)


# --- no false alarm ------------------------------------------------------------------------------------------------


def test_a_small_bright_batch_is_trained_on(gan):
    bright = UNIT[:7] * 0.9 + 0.05
    gan.fit(bright, verbose=0)
    # The last batch of a data set is often small, and may be of bright images alone.
    whole = np.concatenate([images(8), bright])
    gan.fit(tf.data.Dataset.from_tensor_slices(whole).batch(8), verbose=0)
    gan.fit(np.concatenate([images(1), UNIT]), verbose=0)  # one image with a dark pixel is enough


def test_a_little_past_the_end_is_rounding(gan):
    gan.fit(images(8) * 1.0009, verbose=0)


def test_black_images_are_not_dark_by_mistake(gan):
    gan.fit(np.zeros((16, *SHAPE), "float32"), verbose=0)  # grey: no range to be wrong about
    gan.fit(-np.ones((16, *SHAPE), "float32"), verbose=0)


def test_a_sigmoid_generator_takes_0_to_1_and_refuses_the_rest():
    gan = compiled(generator("sigmoid"))
    gan.fit(UNIT, verbose=0)
    with refused(ValueError, "last activation can reach", "values from -0.9"):
        gan.fit(images(16), verbose=0)


@pytest.mark.parametrize("shape", [(1,), (2,)], ids=str)
def test_points_of_any_scale_with_a_linear_generator(shape):
    gan = compiled(generator(None, shape), discriminator(None, shape))
    gan.fit(100 + images(16, shape=shape), verbose=0)
    gan.fit(tf.data.Dataset.from_tensor_slices(-50 * UNIT.reshape(-1, *shape)).batch(16), verbose=0)


def test_points_to_one_side_of_zero_with_a_tanh_generator():
    gan = compiled(generator("tanh", (2,)), discriminator(None, (2,)))
    gan.fit(UNIT.reshape(-1, 2), verbose=0)
    gan.fit(tf.data.Dataset.from_tensor_slices(UNIT.reshape(-1, 2)).batch(16), verbose=0)


def test_images_of_any_range_with_a_linear_generator():
    gan = compiled(generator(None))
    for x in (UNIT, UNIT * 255, images(16) * 3):
        gan.fit(x, verbose=0)


@pytest.mark.parametrize("players", PLAYERS, ids=str)
def test_other_peoples_networks_are_judged_alike(players):
    gan = compiled(*PLAYERS[players]())
    with refused(ValueError, "must use all of \\[-1, 1\\]"):
        gan.fit(UNIT, verbose=0)
    with refused(ValueError, "images / 127.5 - 1"):
        gan.fit(UNIT * 255, verbose=0)


def test_a_py_dataset_stays_what_it_is():
    data = Batches(images(10), workers=2)
    guarded = Batch({"images": Part(SHAPE, (-1.0, 1.0))}).prepare(data)[0]
    assert guarded.num_batches == 3 and guarded.workers == 2
    np.testing.assert_array_equal(guarded[2], data[2])
    guarded.on_epoch_end()
    assert data.epochs_ended == 1


# --- a declared batch ------------------------------------------------------------------------------------------------

PAIR = Batch({"images": Part(SHAPE, (-1.0, 1.0)), "labels": Part((), (0, 9), integer=True)})
X, Y = images(6), np.arange(6)


def read(batches):
    return [tuple(tensor.numpy() for tensor in PAIR.read(batch)) for batch in batches]


@pytest.mark.parametrize(
    "element",
    [(X, Y), [X, Y], ((X, Y),), ((X, Y), None, None), {"images": X, "labels": Y}, ({"labels": Y, "images": X}, None)],
    ids=["(a, b)", "[a, b]", "((a, b),)", "((a, b), None, None)", "dictionary", "(dictionary, None)"],
)
def test_parts_are_found_in_every_structure(element):
    parts, rest = PAIR.split(element, "x")
    assert parts[0] is X and parts[1] is Y and rest == []
    images_read, labels_read = PAIR.read(
        tf.nest.map_structure(lambda leaf: None if leaf is None else tf.constant(leaf), element)
    )
    np.testing.assert_array_equal(images_read, X)
    np.testing.assert_array_equal(labels_read, Y)


def test_parts_that_are_missing_or_not_read():
    with refused(TypeError, "must have the parts images, labels", "1 of them", "Pass \\(images, labels\\)"):
        PAIR.prepare(X)
    with refused(TypeError, "without labels"):
        PAIR.prepare({"images": X, "digits": Y})
    with refused(TypeError, "reads images, labels from a batch, and nothing else", "1 more"):
        PAIR.prepare((X, Y, np.ones(6)))
    alone = Batch({"images": Part(SHAPE)})
    alone.prepare(X, Y)
    for unread, error in (({"a": Y, "b": Y}, "2 more"), ((Y, Y), "2 more")):
        with refused(TypeError, "nothing else", error):
            alone.prepare(X, unread)
    with refused(ValueError, "beside x must be finite"):
        alone.prepare(X, np.full(6, np.nan))
    with refused(TypeError, "beside x must be labels"):
        alone.prepare(X, np.array([b"a"] * 6))
    with refused(ValueError, "same number of samples", "\\(6, 4, 4, 1\\), \\(5,\\)"):
        PAIR.prepare((X, Y[:5]))


def test_labels_are_checked_as_labels():
    for wrong, error, words in (
        (Y.astype("float32"), TypeError, ["labels must be integers", "astype\\('int32'\\)"]),
        (Y + 9, ValueError, ["labels must lie between 0 and 9", "to 1[14]"]),
        (np.eye(10)[Y].astype("int64"), ValueError, ["labels must have shape \\(n,\\)", "argmax"]),
    ):
        with refused(error, *words):
            PAIR.prepare((X, wrong))
        with refused(error, *words), PAIR.in_words():
            list(PAIR.prepare(tf.data.Dataset.from_tensor_slices((X, wrong)).batch(3))[0])


@pytest.mark.parametrize("length, batch_size", [(6, 4), (6, 6), (6, 1), (5, 32)])
def test_arrays_become_batches_in_order_or_in_the_order_given(length, batch_size):
    data, count = PAIR.prepare((X[:length], Y[:length]), batch_size=batch_size)
    found = read(data)
    assert count == length and int(data.cardinality()) == len(found) == -(-length // batch_size)
    np.testing.assert_array_equal(np.concatenate([y for _, y in found]), Y[:length])
    np.testing.assert_array_equal(np.concatenate([x for x, _ in found]), X[:length])
    epochs = iter([np.arange(length)[::-1], np.roll(np.arange(length), 1)])
    data, _ = PAIR.prepare((X[:length], Y[:length]), batch_size=batch_size, order=lambda size, part: next(epochs))
    for expected in (np.arange(length)[::-1], np.roll(np.arange(length), 1)):
        found = read(data)
        np.testing.assert_array_equal(np.concatenate([y for _, y in found]), expected)
        np.testing.assert_array_equal(np.concatenate([x for x, _ in found]), X[expected])


def test_two_domains_may_differ_in_length():
    part = Part((1,))
    domains = Batch({"a": part, "b": part}, paired=False)
    a, b = np.arange(7.0, dtype="float32")[:, None], np.arange(3.0, dtype="float32")[:, None]

    def epoch(data):
        found = [domains.read(batch) for batch in data]
        return [np.concatenate([batch[i].numpy()[:, 0] for batch in found]).tolist() for i in (0, 1)]

    rolled = domains.prepare((a, b), batch_size=2, order=lambda size, part: np.roll(np.arange(size), part))[0]
    assert epoch(rolled) == [[0, 1, 2, 3, 4, 5, 6], [2, 0, 1, 2, 0, 1, 2]]
    sets = tuple(tf.data.Dataset.from_tensor_slices(x).batch(1) for x in (a, b))
    assert epoch(domains.prepare(sets)[0]) == [[0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 0, 1, 2, 0]]
    labelled = tuple(tf.data.Dataset.from_tensor_slices((x, x)).batch(1) for x in (a, b))
    assert epoch(domains.prepare(labelled)[0]) == [[0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 0, 1, 2, 0]]
    with refused(TypeError, "one for each of a, b", "3 items"):
        domains.prepare((*sets, sets[0]))
    paired = Batch({"a": part, "b": part})
    assert epoch(paired.prepare((sets[0], sets[0].take(7)))[0])[1] == [0, 1, 2, 3, 4, 5, 6]


def test_what_is_ragged_or_sparse():
    rows = Batch({"rows": Part((3,))})
    ragged = tf.RaggedTensor.from_row_lengths(tf.range(6.0), [3, 3])
    sparse = tf.sparse.from_dense(np.eye(3, dtype="float32"))
    for wrong in (ragged, sparse, scipy.sparse.eye(3, format="csr", dtype="float32")):
        with refused(TypeError, "must be dense arrays", "Convert it"):
            rows.prepare(wrong)
    for wrong in (ragged, sparse):
        with refused(TypeError, "must be dense arrays"):
            rows.prepare(tf.data.Dataset.from_tensor_slices(wrong).batch(2))


def test_a_data_frame_trains_as_its_array():
    table = np.random.default_rng(0).normal(size=(16, 2)).astype("float32")
    G, D = generator(None, (2,)), discriminator(None, (2,))
    start = G.get_weights(), D.get_weights()
    ends = []
    for x in (table, pandas.DataFrame(table, columns=["height", "weight"]), pandas.DataFrame(table.astype("float64"))):
        G.set_weights(start[0]), D.set_weights(start[1])
        gan = compiled(G, D, seed=1)
        gan.fit(x, batch_size=8, verbose=0)
        ends.append(G.get_weights())
    for others in ends[1:]:
        for one, other in zip(ends[0], others, strict=True):
            np.testing.assert_array_equal(one, other)
    with refused(TypeError, "floating-point", "object"):
        gan.fit(pandas.DataFrame({"a": ["x"] * 8, "b": [1.0] * 8}), verbose=0)


def test_hints_fit_tables_and_series():
    table, series = (
        compiled(generator(None, (7,)), discriminator(None, (7,))),
        compiled(generator(None, (8, 2)), discriminator(None, (8, 2))),
    )
    rows = np.random.default_rng(0).normal(size=(32, 7)).astype("float32")
    for model, wrong, words in (
        (table, rows[:, :6], ["6 columns", "take 7"]),
        (table, np.where(rows > 2, np.nan, rows), ["isfinite\\(samples\\).all\\(axis=1\\)"]),
        (table, tf.data.Dataset.from_tensor_slices(rows), ["batch axis is missing"]),
        (series, tf.data.Dataset.from_tensor_slices(np.zeros((9, 8, 2), "float32")), ["batch axis is missing"]),
        (table, np.ones((32, 7), "int64"), ["astype\\('float32'\\)"]),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            model.fit(wrong, verbose=0)
        message = str(caught.value)
        assert all(re.search(word, message) for word in words), message
        assert not re.search("pixel|channel|127|image", message), message


def test_what_is_iterated_and_what_is_sliced():
    x = images(4)
    for data in (tf.data.Dataset.from_tensor_slices(x), Batches(x), iter([x]), (batch for batch in [x]), range(3)):
        assert is_iterated(data), data
    for data in (x, tf.constant(x), (x, x), [x], {"images": x}, pandas.DataFrame({"a": [1.0]}), "mnist", None):
        assert not is_iterated(data), data


def test_a_bad_batch_keeps_its_error():
    batch = Batch({"images": Part(SHAPE, (-1.0, 1.0))})
    data, _ = batch.prepare(Batches(images(4) * 9, size=4))
    with pytest.raises(BatchError, match="last activation|must lie in"):
        data[0]
    with refused(ValueError, "images must lie in"), batch.in_words():
        data[0]
