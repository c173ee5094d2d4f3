"""The promises that every model of the package keeps, as tests. One call holds a model to all of them:

    TestContract = contract.holds(make_model, data)

`make_model(**compile_options)` is a function of a module that returns a fresh, compiled model on tiny networks;
`data()` returns {part of the batch: array}, with ten samples or so.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

TESTS = Path(__file__).parent
BATCH = 4


def holds(make, data, generates=True):
    """Returns a test class for one model.

    Args:
        make: a function of a module, from options of `compile` to a compiled model.
        data: a function that returns {part: array}, in the order in which the model declares them.
        generates: whether the model has `generate(count, seed)`.
    """
    promises = {"make": staticmethod(make), "data": staticmethod(data), "generates": generates}
    return type("TestContract", (_Contract,), promises)


def made(make, seed=0, **options):
    keras.utils.set_random_seed(seed)
    return make(**({"jit_compile": False} | options))


def everything(model):
    """All state that there is, by name: weights, random numbers, optimizers, counters."""
    found = {f"{i} {v.path}": v for i, v in enumerate([*model.weights, *model._random_states()])}
    found |= {f"setting {i}": v for i, v in enumerate(model._variables_of_settings())}
    for attribute in model._groups():
        found |= {f"{attribute} {i}": v for i, v in enumerate(getattr(model, attribute).variables)}
    return {key: np.array(v.numpy()) for key, v in found.items()} | {"counters": model._counters.numpy()}


def assert_equal(one, other):
    one, other = (state if isinstance(state, dict) else everything(state) for state in (one, other))
    for (key, a), b in zip(one.items(), other.values(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=key)


def differs(one, other):
    return any(not np.array_equal(a, b) for a, b in zip(one.values(), other.values(), strict=True))


def listing(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def x_of(parts):
    """Arrays as `fit` takes them: one alone, several as a tuple."""
    arrays = tuple(parts.values())
    return arrays[0] if len(arrays) == 1 else arrays


def fit(model, parts, epochs=1, **options):
    return model.fit(x_of(parts), **({"batch_size": BATCH, "epochs": epochs, "verbose": 0} | options))


def batches(parts):
    count = len(next(iter(parts.values())))
    return [{name: array[i : i + BATCH] for name, array in parts.items()} for i in range(0, count, BATCH)]


class Batches(keras.utils.PyDataset):
    def __init__(self, parts, **options):
        super().__init__(**options)
        self.batches = [tuple(batch.values()) for batch in batches(parts)]

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def set_of(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays[0] if len(arrays) == 1 else arrays).batch(BATCH)


def forms(parts):
    """Every form in which `fit` takes the same data: {name: (arguments, options)}."""
    arrays = tuple(parts.values())
    in_order = {"batch_size": BATCH, "shuffle": False}
    found = {
        "arrays": ((x_of(parts),), in_order),
        "tensors": ((tf.nest.map_structure(tf.constant, x_of(parts)),), in_order),
        "float64": ((tf.nest.map_structure(_double, x_of(parts)),), in_order),
        "dictionary": ((dict(parts),), in_order),
        "data set": ((set_of(*arrays),), {}),
        "data set of dictionaries": ((tf.data.Dataset.from_tensor_slices(dict(parts)).batch(BATCH),), {}),
        "data set of unknown length": ((set_of(*arrays).filter(lambda *batch: True),), {}),
        "PyDataset": ((Batches(parts),), {}),
        "PyDataset of two workers": ((Batches(parts, workers=2),), {}),
        "generator": ((iter(Batches(parts).batches),), {"steps_per_epoch": len(batches(parts))}),
    }
    if len(arrays) == 2:
        found["x and y"] = (arrays, in_order)
        found["two data sets"] = ((tuple(set_of(array) for array in arrays),), {})
    if len(arrays) == 1:
        labels = np.arange(len(arrays[0]))
        labelled = set_of(*arrays, labels)
        found["x and labels"] = ((*arrays, labels), in_order)
        found["beside labels"] = ((labelled,), {})
        found["beside labels in a dictionary"] = ((labelled.map(lambda x, y: (x, {"label": y})),), {})
        found["data set of 1-tuples"] = ((set_of(*arrays).map(lambda x: (x,)),), {})
        found["generator of (x, labels)"] = (
            (iter(list(labelled.as_numpy_iterator())),),
            {"steps_per_epoch": len(batches(parts))},
        )
    return found


def forms_of_validation_data(parts):
    """Every form in which `fit` takes data to evaluate on; a generator has no end, so it is none of them."""
    arrays = tuple(parts.values())
    found = {
        "arrays": x_of(parts),
        "tensors": tf.nest.map_structure(tf.constant, x_of(parts)),
        "dictionary": dict(parts),
        "data set": set_of(*arrays),
        "PyDataset": Batches(parts),
    }
    if len(arrays) == 1:
        labels = np.arange(len(arrays[0]))
        found |= {"(x,)": arrays, "(x, y)": (*arrays, labels), "[x, y]": [*arrays, labels]}
        found["beside labels"] = set_of(*arrays, labels)
    return found


def _double(array):
    return array.astype("float64") if array.dtype == "float32" else array


def refused(error, *words):
    return pytest.raises(error, match="(?s)" + "".join(f"(?=.*{word})" for word in words))


class _Contract:
    # --- what it is given ------------------------------------------------------------------------------------------

    def test_every_form_of_data_trains_the_same(self):
        parts = self.data()
        expected = None
        for name, (arguments, options) in forms(parts).items():
            model = made(self.make, run_eagerly=True)
            history = model.fit(*arguments, **options, verbose=0).history
            state = everything(model)
            assert model.batches_trained == len(batches(parts)), name
            expected = expected or (history, state)
            for key in expected[0]:
                np.testing.assert_allclose(
                    history[key], expected[0][key], rtol=1e-5, atol=1e-6, err_msg=f"{name} {key}"
                )
            for (key, a), b in zip(expected[1].items(), state.values(), strict=True):
                np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-6, err_msg=f"{name} {key}")

    def test_bad_input_is_refused_by_name_at_every_door(self):
        parts = self.data()
        model = made(self.make, run_eagerly=True)
        before = everything(model)
        declared = model.batch.parts
        assert list(declared) == list(parts)
        for name, part in declared.items():
            good = parts[name]
            bad = {
                "another shape": (good[..., None] if part.shape == () else good[:, 1:], ValueError),
                "another dtype": (good.astype("float32") if part.integer else (good * 9).astype("int64"), TypeError),
                "text": (np.array(["a"] * len(good)), TypeError),
            }
            if not part.integer:
                nan = good.copy()
                nan[0] = np.nan
                bad["a NaN"] = (nan, ValueError)
            if part.value_range is not None:
                bad["out of range"] = (good + 9 * (1 if part.integer else good.dtype.type(1)), ValueError)
            for kind, (array, error) in bad.items():
                wrong = parts | {name: array}
                for door in (
                    lambda wrong=wrong: fit(model, wrong),
                    lambda wrong=wrong: model.fit(set_of(*wrong.values()), verbose=0),
                    lambda wrong=wrong: model.fit(Batches(wrong), verbose=0),
                    lambda wrong=wrong: fit(model, parts, validation_data=x_of(wrong)),
                    lambda wrong=wrong: model.evaluate(x_of(wrong), verbose=0),
                    lambda wrong=wrong: model.train_on_batch(x_of(wrong)),
                    lambda wrong=wrong: model.test_on_batch(x_of(wrong)),
                ):
                    with refused(error, "Received: ", name):
                        door()
                        raise AssertionError(f"{name}, {kind}: accepted")
        for arguments, options, error, words in (
            ((None,), {}, TypeError, ["Received: x=None"]),
            (("a word",), {}, TypeError, ["Received"]),
            ((x_of(parts),), {"sample_weight": np.ones(10)}, ValueError, ["sample_weight"]),
            ((x_of(parts),), {"class_weight": {0: 1.0}}, ValueError, ["class_weight"]),
            ((set_of(*parts.values(), np.ones(10), np.ones(10)),), {}, TypeError, ["Leave them out"]),
            ((x_of({name: array[:0] for name, array in parts.items()}),), {}, ValueError, ["must not be empty"]),
        ):
            with refused(error, *words):
                model.fit(*arguments, **options, verbose=0)
        after = everything(model)
        before["counters"], after["counters"] = (
            before["counters"][:1],
            after["counters"][:1],
        )  # of batches, not of tries
        assert_equal(before, after)

    def test_arrays_are_shuffled_anew_in_every_epoch(self):
        """With a learning rate of 0 an epoch's losses depend on its batches alone: each order has other ones."""
        seen = []

        def orders(**options):
            model = made(self.make, run_eagerly=True)
            seen.clear()
            read = model.batch.read
            model.batch.read = lambda data: seen.append(_first_numbers(read(data))) or read(data)
            fit(model, self.data(), epochs=3, **options)
            assert model._counters.epochs == 3
            size = len(batches(self.data()))
            return [tuple(seen[i : i + size]) for i in range(0, 3 * size, size)]

        first, again = orders(), orders()
        assert first == again, "a seed makes it come out the same twice"
        assert len(set(first)) == 3, "each epoch has another order"
        assert len(set(orders(shuffle=False))) == 1

    # --- what it reports -------------------------------------------------------------------------------------------

    def test_history_is_the_mean_over_the_epoch(self):
        parts = self.data()
        model, twin = (made(self.make, run_eagerly=True) for _ in range(2))
        history = fit(model, parts, shuffle=False).history
        logs = []
        for batch in batches(parts):
            twin.reset_metrics()  # newer versions of Keras do so in train_on_batch; older ones return the mean so far
            logs.append(twin.train_on_batch(x_of(batch), return_dict=True))
        assert set(history) == set(logs[0]) == set(model.metrics_names)
        for key, (value,) in history.items():
            np.testing.assert_allclose(value, np.nanmean([log[key] for log in logs]), rtol=1e-4, err_msg=key)
        for (key, a), b in zip(everything(model).items(), everything(twin).items(), strict=True):
            if key != "counters":  # which count epochs as well
                np.testing.assert_allclose(a, b[1], rtol=1e-4, atol=1e-6, err_msg=key)

    def test_evaluate_is_seeded_and_leaves_no_trace(self):
        parts = self.data()
        model, twin = (made(self.make) for _ in range(2))
        fit(model, parts)
        before = everything(model)
        first = model.evaluate(x_of(parts), batch_size=BATCH, verbose=0, return_dict=True)
        second = model.evaluate(set_of(*parts.values()), verbose=0, return_dict=True)
        assert np.isfinite(list(first.values())).all() and set(first) == set(model.metrics_names)
        for key in first:
            np.testing.assert_allclose(first[key], second[key], rtol=1e-6, err_msg=key)
        model.test_on_batch(x_of(batches(parts)[0]))
        assert_equal(before, model)
        history = fit(twin, parts, validation_data=x_of(parts)).history
        assert_equal(before, twin)  # a training with validation is the same training
        for key, value in first.items():
            np.testing.assert_allclose(history[f"val_{key}"], [value], rtol=1e-5, err_msg=key)

    def test_validation_data_in_every_form(self):
        parts = self.data()
        model = made(self.make, run_eagerly=True)
        few = {name: array[:BATCH] for name, array in parts.items()}
        for form, data in forms_of_validation_data(parts).items():
            history = fit(model, few, validation_data=data, validation_batch_size=BATCH).history
            expected = model.evaluate(x_of(parts), batch_size=BATCH, verbose=0, return_dict=True)
            for key, value in expected.items():
                np.testing.assert_allclose(history[f"val_{key}"], [value], rtol=1e-5, err_msg=f"{form} {key}")

    # --- saving and resuming ---------------------------------------------------------------------------------------

    def test_2_and_2_are_4_through_a_file(self, tmp_path):
        parts = self.data()
        whole, half = (made(self.make) for _ in range(2))
        expected = fit(whole, parts, epochs=4).history
        first = fit(half, parts, epochs=2).history
        half.save(tmp_path / "half.keras")
        saved = everything(half)
        made_by_half = self.outputs(half)
        fit(half, parts)  # what happens after saving is not in the file
        keras.utils.set_random_seed(99)  # as in another process
        again = keras.models.load_model(tmp_path / "half.keras")
        assert type(again) is type(whole) and _sorted(again.get_config()) == _sorted(half.get_config())
        assert_equal(saved, again)
        np.testing.assert_allclose(self.outputs(again), made_by_half, rtol=1e-6, atol=1e-7)
        second = fit(again, parts, epochs=2).history
        assert_equal(whole, again)
        for key in expected:
            np.testing.assert_array_equal(expected[key], first[key] + second[key], err_msg=key)

    def test_weights_alone(self, tmp_path):
        parts = self.data()
        model = made(self.make, run_eagerly=True)
        fit(model, parts)
        model.save_weights(tmp_path / "w.weights.h5")
        other = made(self.make, seed=5, run_eagerly=True)
        assert differs(everything(model), everything(other))
        other.load_weights(tmp_path / "w.weights.h5")
        assert_equal(model, other)

    def test_a_save_that_fails_leaves_the_old_file(self, tmp_path, monkeypatch):
        model = made(self.make, run_eagerly=True)
        model.save(tmp_path / "model.keras")
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

        def fails(*_):
            raise RuntimeError("while writing")

        monkeypatch.setattr(type(next(iter(model._networks().values()))), "get_config", fails)
        with pytest.raises(RuntimeError, match="while writing"):
            model.save(tmp_path / "model.keras")
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_two_devices_and_a_backup_after_a_kill(self, tmp_path):
        """Another process trains on two devices, then on one with a backup until it kills itself; this one resumes."""
        folders = [str(TESTS.parent), str(TESTS), str(TESTS / "models")]
        code = f"import sys; sys.path[:0] = {folders!r}\nimport contract; contract.elsewhere()"
        done = subprocess.run(
            [sys.executable, "-c", code, self.make.__module__, self.make.__name__, self.data.__name__, str(tmp_path)],
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
        )
        assert "trained on 2" in done.stdout, done.stdout + done.stderr[-3000:]
        assert done.returncode == -9, done.stderr[-3000:]
        assert list((tmp_path / "backup").rglob("*.h5")), "the other process left a backup"
        whole = made(self.make)
        expected = fit(whole, self.data(), epochs=3).history
        resumed = made(self.make)
        found = fit(resumed, self.data(), epochs=3, callbacks=[_backup(tmp_path)]).history
        assert_equal(whole, resumed)
        for key in expected:
            np.testing.assert_array_equal(expected[key], found[key], err_msg=key)

    # --- ways to run -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_mixed_precision(self, policy):
        keras.config.set_dtype_policy(policy)
        model = made(self.make)
        before = [weight.numpy() for weight in model.trainable_weights]
        history = fit(model, self.data(), epochs=2).history
        assert all(np.isfinite(values).all() for values in history.values())
        assert all(weight.dtype == "float32" for weight in model.trainable_weights)
        moved = [not np.array_equal(a, b.numpy()) for a, b in zip(before, model.trainable_weights, strict=True)]
        assert np.mean(moved) >= 0.7
        scaled = [isinstance(getattr(model, key), keras.optimizers.LossScaleOptimizer) for key in model._groups()]
        assert all(scaled) if policy == "mixed_float16" else not any(scaled)
        assert np.isfinite(self.outputs(model)).all()

    def test_several_steps_a_call_train_the_same(self):
        one, several = made(self.make), made(self.make, steps_per_execution=2)
        history, others = fit(one, self.data(), epochs=2).history, fit(several, self.data(), epochs=2).history
        for key in history:
            np.testing.assert_allclose(others[key], history[key], rtol=1e-4, err_msg=key)
        for (key, a), b in zip(everything(one).items(), everything(several).values(), strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-5, err_msg=key)

    def test_xla(self):
        model = made(self.make, jit_compile=True)
        before = everything(model)
        history = fit(model, {name: array[:8] for name, array in self.data().items()}, epochs=2).history
        assert all(np.isfinite(values).any() for values in history.values())
        assert differs(before, everything(model)) and model.batches_trained == 4

    def test_learning_rates_are_reached(self):
        model = made(self.make, run_eagerly=True)
        rates = lambda: [float(getattr(model, key).learning_rate.numpy()) for key in model._groups()]  # noqa: E731
        first = rates()
        fit(model, self.data(), callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 10)])
        np.testing.assert_allclose(rates(), np.array(first) / 10, rtol=1e-5)
        model.optimizer.learning_rate.assign(first[0])
        np.testing.assert_allclose(rates(), first, rtol=1e-5)

    # --- what comes out --------------------------------------------------------------------------------------------

    def test_outputs_come_from_the_average_and_are_served(self, tmp_path):
        model = made(self.make, run_eagerly=True)
        fit(model, self.data())
        before = everything(model)
        inputs = self.inputs(model)
        predicted = model.predict(inputs, verbose=0)
        np.testing.assert_allclose(model.predict_on_batch(inputs), predicted, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(model(inputs), predicted, rtol=1e-5, atol=1e-6)
        model.export(tmp_path / "served", verbose=False)
        artefact = tf.saved_model.load(tmp_path / "served")
        served = artefact.serve(inputs)
        np.testing.assert_allclose(served, predicted, rtol=1e-5, atol=1e-6)
        for name in model._networks():
            alone = model.averaged(name)
            assert [w.shape for w in alone.weights] == [w.shape for w in getattr(model, name).weights]
            assert not {id(w) for w in alone.weights} & {id(w) for w in model.weights}
        with refused(ValueError, "Received"):
            model.predict(tf.nest.map_structure(lambda part: np.zeros((4, 2, 2, 2), part.dtype), inputs), verbose=0)
        assert_equal(before, model)

    def test_generate_is_seeded(self):
        model = made(self.make, run_eagerly=True)
        if not self.generates:
            with refused(TypeError, "predict"):
                model.generate(3)
            return
        before = everything(model)
        images = model.generate(5, seed=0)
        assert isinstance(images, np.ndarray) and images.shape == (5, *model.image_shape) and images.dtype == "float32"
        np.testing.assert_array_equal(images, model.generate(5, seed=0))
        assert not np.array_equal(images, model.generate(5, seed=1))
        assert_equal(before, model)

    # --- help ------------------------------------------------------------------------------------------------------

    def inputs(self, model):
        """Inputs of `call`, four of them."""
        random = np.random.default_rng(0)
        parts = model._inputs_batch().parts.values()
        found = [
            random.integers(0, part.value_range[1] + 1, (4, *part.shape)).astype("int32")
            if part.integer
            else random.uniform(-1, 1, (4, *part.shape)).astype("float32")
            for part in parts
        ]
        return found[0] if len(found) == 1 else tuple(found)

    def outputs(self, model):
        return np.asarray(model.predict(self.inputs(model), verbose=0), "float32")


def _sorted(config):
    return json.dumps(config, sort_keys=True)


def _first_numbers(batch):
    return tuple(np.round(np.concatenate([np.ravel(t.numpy())[:8] for t in tf.nest.flatten(batch)]), 5).tolist())


def _backup(folder):
    return keras.callbacks.BackupAndRestore(folder / "backup", save_freq=2)


class _Kill(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.batches_trained == 5:  # in the middle of the second epoch
            os.kill(os.getpid(), 9)


def elsewhere():
    """In a process of its own: trains on two devices and checks it; then trains until it is killed."""
    module, make, data, folder = sys.argv[1:]
    import importlib

    module = importlib.import_module(module)
    make, parts = getattr(module, make), getattr(module, data)()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice())
    even = {name: array[:8] for name, array in parts.items()}
    with strategy.scope():
        model = made(make)
    before = [weight.numpy() for weight in model.trainable_weights]
    history = model.fit(x_of(even), batch_size=4, epochs=3, verbose=0, validation_data=x_of(even)).history
    assert all(np.isfinite(values).any() for values in history.values()), history
    assert any((b != w.numpy()).any() for b, w in zip(before, model.trainable_weights))
    assert model.batches_trained == 6, model.batches_trained
    model.save(f"{folder}/model.keras")
    again = keras.models.load_model(f"{folder}/model.keras")
    for a, b in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    print("trained on", strategy.num_replicas_in_sync, flush=True)
    fit(made(make), parts, epochs=3, callbacks=[_backup(Path(folder)), _Kill()])
