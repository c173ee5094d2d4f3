"""What every adversarial model shares: saving and taking up again bit for bit, callbacks, precision, devices."""

import json
import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from others import LATENT, PLAYERS, SHAPE, images

from gan_lessons import GAN, AdversarialModel
from gan_lessons.penalties import GradientPenalty

X = images(10)


def adam(rate=0.01, **options):
    return keras.optimizers.Adam(rate, beta_1=0.5, **options)


def averaging_adam(rate=0.01):
    return adam(rate, use_ema=True, ema_momentum=0.9)


def make(players="sequential", seed=0, optimizers=(averaging_adam, adam), compile_options=None, **arguments):
    keras.utils.set_random_seed(seed)
    if "penalty" in arguments:
        arguments["penalty"] = arguments["penalty"]()  # after the seed is set: it draws its own from it
    gan = GAN(*PLAYERS[players](), LATENT, **arguments)
    gan.compile(
        generator_optimizer=optimizers[0](),
        discriminator_optimizer=optimizers[1](),
        **({"jit_compile": False} | (compile_options or {})),
    )
    return gan


def everything(gan):
    """All state that there is: weights, random state, both optimizers' slots and counters."""
    found = {f"{i} {v.path}": v for i, v in enumerate(gan.weights + gan._random_states())}
    for name in ("generator_optimizer", "discriminator_optimizer"):
        found |= {f"{name} {i}": v for i, v in enumerate(getattr(gan, name).variables)}
    return {key: np.array(v.numpy()) for key, v in found.items()}


def assert_equal(one, other):
    for (key, a), b in zip(everything(one).items(), everything(other).values(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=key)


def fit(gan, epochs, **options):
    return gan.fit(X, batch_size=2, epochs=epochs, verbose=0, shuffle=False, **options)  # 5 batches an epoch


def hard(players="sequential", **arguments):
    """Everything that makes going on exactly hard: Dropout and noise, α, an average of weights, 5 batches for 3 steps."""
    return make(players, penalty=lambda: GradientPenalty(2.0), discriminator_steps=3, **arguments)


# --- a game of one's own -------------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable("test_adversarial")
class ThreeOnALine(AdversarialModel):
    """Three players with one weight each: a pulls towards b, b towards c, c towards the data's mean."""

    player_names = ("a", "b", "c")

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        for name in self.player_names:
            setattr(self, name, keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False)]))
        self.track(["a_loss", "b_loss", "c_loss"])

    def train_step(self, data):
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        one = keras.ops.ones((1, 1))
        targets = {"a": self.b(one), "b": self.c(one), "c": keras.ops.mean(x)}
        for name in self.player_names:
            with tf.GradientTape() as tape:
                loss = keras.ops.sum((getattr(self, name)(one) - keras.ops.stop_gradient(targets[name])) ** 2)
            self.descend(name, loss, tape)
            self.log(**{f"{name}_loss": loss})


def test_a_game_of_three_players(tmp_path):
    game = ThreeOnALine()
    with pytest.raises(TypeError, match="Each player needs an optimizer. Received: b_optimizer=None"):
        game.compile(a_optimizer="sgd", c_optimizer="sgd")
    optimizers = {
        f"{name}_optimizer": keras.optimizers.SGD(rate) for name, rate in (("a", 0.1), ("b", 0.2), ("c", 0.4))
    }
    game.compile(**optimizers, jit_compile=False)
    start = [float(game.players[name].weights[0].numpy().item()) for name in "abc"]
    data = np.full((6, 1), 5.0, "float32")
    history = game.fit(data, batch_size=2, epochs=1, verbose=0).history
    assert list(history) == ["a_loss", "b_loss", "c_loss"]
    a, b, c = start
    losses = []
    for _ in range(3):
        losses.append([(a - b) ** 2, (b - c) ** 2, (c - 5) ** 2])
        a, b, c = a - 0.1 * 2 * (a - b), b - 0.2 * 2 * (b - c), c - 0.4 * 2 * (c - 5)
    np.testing.assert_allclose([game.players[name].weights[0].numpy().item() for name in "abc"], [a, b, c], rtol=1e-4)
    np.testing.assert_allclose([history[key][0] for key in history], np.mean(losses, axis=0), rtol=1e-4)
    game.optimizer.learning_rate = 0.2
    np.testing.assert_allclose(
        [float(o.learning_rate.numpy()) for o in optimizers.values()], [0.2, 0.4, 0.8], rtol=1e-6
    )
    with pytest.raises(TypeError, match="x must be arrays"):
        game.fit("data")
    game.save(tmp_path / "game.keras")
    again = keras.models.load_model(tmp_path / "game.keras")
    for each in (game, again):
        each.fit(data, batch_size=2, epochs=1, verbose=0)
    for one, other in zip(game.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


# --- saving and going on -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("players", PLAYERS, ids=str)
def test_2_and_2_are_4_through_a_file(players, tmp_path):
    whole = hard(players)
    whole_history = fit(whole, 4).history

    half = hard(players)
    first = fit(half, 2).history
    half.save(tmp_path / "half.keras")
    fit(half, 1)  # what happens after saving is not in the file
    keras.utils.set_random_seed(99)  # as in another process
    again = keras.models.load_model(tmp_path / "half.keras")
    assert type(again) is GAN
    second = fit(again, 2).history
    assert_equal(whole, again)
    for key in whole_history:
        assert whole_history[key] == first[key] + second[key]
    np.testing.assert_array_equal(whole.generate(3, seed=0), again.generate(3, seed=0))


@pytest.mark.parametrize("players", ["sequential", "subclassed"])
def test_2_and_2_are_4_through_weights(players, tmp_path):
    whole = hard(players)
    fit(whole, 4)
    half = hard(players)
    fit(half, 2)
    half.save_weights(tmp_path / "half.weights.h5")
    again = hard(players, seed=5)
    again.load_weights(tmp_path / "half.weights.h5")
    fit(again, 2)
    assert_equal(whole, again)


def run(code, *arguments):
    root = Path(__file__).parent.parent.parent
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], env=environment, capture_output=True, text=True
    )


def test_a_file_brings_back_all_that_was_said(tmp_path):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)
    gan = make(
        "nested",
        optimizers=(lambda: adam(schedule), lambda: keras.optimizers.RMSprop(0.003)),
        objective="wasserstein",
        penalty=lambda: GradientPenalty(3.0, seed=4),
        discriminator_steps=2,
        seed=0,
        compile_options={"steps_per_execution": 2, "jit_compile": False, "run_eagerly": False},
    )
    gan2 = GAN(*PLAYERS["nested"](), LATENT, seed=8, share_fakes=True, name="mine")
    gan2.compile(generator_optimizer="adam", discriminator_optimizer="sgd", run_eagerly=True)
    fit(gan, 2)
    for model, name in ((gan, "a.keras"), (gan2, "b.keras")):
        model.save(tmp_path / name)
    again = keras.models.load_model(tmp_path / "a.keras")
    assert type(again.objective) is type(gan.objective) and again.penalty.get_config() == gan.penalty.get_config()
    assert (again.discriminator_steps, again.latent_dim, again.patch_logits) == (2, LATENT, False)
    assert again.steps_per_execution == 2 and again.jit_compile is False and again.run_eagerly is False
    assert isinstance(again.discriminator_optimizer, keras.optimizers.RMSprop)
    rebuilt = again.generator_optimizer._learning_rate
    assert (
        isinstance(rebuilt, keras.optimizers.schedules.ExponentialDecay)
        and rebuilt.get_config() == schedule.get_config()
    )
    assert int(again.generator_optimizer.iterations) == 5 and int(again.discriminator_optimizer.iterations) == 10
    np.testing.assert_allclose(again.optimizer.learning_rate, 0.01 * 0.5 ** (5 / 5), rtol=1e-6)
    assert_equal(gan, again)
    other = keras.models.load_model(tmp_path / "b.keras")
    assert other.run_eagerly is True and other.name == "mine" and other.seed == 8 and other.share_fakes is True
    assert isinstance(other.discriminator_optimizer, keras.optimizers.SGD)
    assert json.dumps(again.get_config()) == json.dumps(gan.get_config())


def test_an_uncompiled_model_is_saved_too(tmp_path):
    gan = GAN(*PLAYERS["subclassed"](), LATENT)
    gan.save(tmp_path / "bare.keras")
    again = keras.models.load_model(tmp_path / "bare.keras")
    assert not again.compiled
    np.testing.assert_array_equal(gan.generate(2, seed=0), again.generate(2, seed=0))
    bare = keras.models.load_model(tmp_path / "bare.keras", compile=False)
    bare.compile(generator_optimizer="adam", discriminator_optimizer="adam", jit_compile=False)
    fit(bare, 1)


def test_weights_of_other_networks_are_refused(tmp_path):
    make("sequential").save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError):
        make("nested").load_weights(tmp_path / "w.weights.h5")


# --- a save that fails ---------------------------------------------------------------------------------------------


def listing(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_networks_that_cannot_be_saved_leave_the_old_file(tmp_path):
    gan = make("nested")
    gan.save(tmp_path / "gan.keras")
    before = listing(tmp_path)

    class Unsayable(keras.Model):
        def __init__(self, layer):  # no get_config: Keras cannot write down what `layer` is
            super().__init__()
            self.layer = layer

        def call(self, x):
            return self.layer(x)

        def get_config(self):
            raise NotImplementedError("this network cannot be described")

    bad = GAN(Unsayable(PLAYERS["nested"]()[0]), PLAYERS["nested"]()[1], LATENT)
    with pytest.raises(NotImplementedError, match="cannot be described"):
        bad.save(tmp_path / "gan.keras")
    assert listing(tmp_path) == before
    keras.models.load_model(tmp_path / "gan.keras")


def test_where_a_model_may_be_saved(tmp_path, monkeypatch):
    gan = make("nested")
    with pytest.raises(ValueError, match="ends in .keras. Received: filepath="):
        gan.save(tmp_path / "gan.h5")
    with pytest.raises(FileNotFoundError, match="folder to save in must be there. Received: filepath="):
        gan.save(tmp_path / "nowhere" / "gan.keras")
    gan.save(str(tmp_path / "gan.keras"))
    before = listing(tmp_path)
    with pytest.raises(FileExistsError, match="overwrite=False"):
        gan.save(tmp_path / "gan.keras", overwrite=False)
    assert listing(tmp_path) == before
    with pytest.raises(ValueError):
        gan.save_weights(tmp_path / "weights.txt")
    monkeypatch.chdir(tmp_path)
    gan.save("here.keras")
    gan.save_weights("here.weights.h5")
    assert sorted(os.listdir(tmp_path)) == ["gan.keras", "here.keras", "here.weights.h5"]


# --- callbacks -----------------------------------------------------------------------------------------------------


# --- precision -----------------------------------------------------------------------------------------------------


@pytest.fixture
def policy():
    before = keras.mixed_precision.dtype_policy()
    yield keras.mixed_precision.set_dtype_policy
    keras.mixed_precision.set_dtype_policy(before)


@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("players", PLAYERS, ids=str)
def test_mixed_precision(policy, name, players, tmp_path):
    policy(name)
    optimizers = (averaging_adam, adam)
    gan = make(players, optimizers=optimizers, penalty=lambda: GradientPenalty(2.0), discriminator_steps=2)
    scaled = name == "mixed_float16"
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) == scaled
    before = [w.numpy().copy() for w in gan.trainable_weights]
    history = fit(gan, 2).history
    assert np.isfinite(list(history.values())).all()
    assert all(w.dtype == "float32" for w in gan.trainable_weights)
    assert sum(not np.array_equal(a, w.numpy()) for a, w in zip(before, gan.trainable_weights)) >= 0.8 * len(before)
    made = gan.generate(3, seed=0)
    assert made.dtype == "float32" and np.isfinite(made).all()

    whole = make(players, optimizers=optimizers, penalty=lambda: GradientPenalty(2.0), discriminator_steps=2)
    fit(whole, 4)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    fit(again, 2)
    assert_equal(whole, again)


def test_float16_gradients_are_those_of_float32(policy):
    """A loss so small that its gradients underflow in float16, unless they are scaled on the way."""

    class Faint:
        def discriminator_loss(self, real_logits, fake_logits):
            return 1e-7 * (keras.ops.mean(fake_logits) - keras.ops.mean(real_logits))

        def generator_loss(self, fake_logits):
            return -1e-7 * keras.ops.mean(fake_logits)

    def trained(name):
        policy(name)
        keras.utils.set_random_seed(0)
        G = keras.Sequential([keras.Input((LATENT,)), layers.Dense(16, "tanh"), layers.Reshape(SHAPE)])
        D = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(8, "tanh"), layers.Dense(1)])
        gan = GAN(G, D, LATENT, objective=Faint())
        before = [w.numpy().copy() for w in gan.trainable_weights]
        gan.compile(
            generator_optimizer=keras.optimizers.SGD(1e6),
            discriminator_optimizer=keras.optimizers.SGD(1e6),
            jit_compile=False,
        )
        gan.fit(X, batch_size=10, verbose=0, shuffle=False)
        return [w.numpy() - b for w, b in zip(gan.trainable_weights, before)]

    for full, half in zip(trained("float32"), trained("mixed_float16")):
        assert np.abs(full).max() > 0 or np.abs(half).max() == 0
        np.testing.assert_allclose(half, full, rtol=0.05, atol=0.02 * np.abs(full).max() + 1e-9)


def test_float16_passes_over_a_step_that_overflows(policy):
    policy("mixed_float16")

    class Loud:
        def discriminator_loss(self, real_logits, fake_logits):
            return 1e6 * (keras.ops.mean(fake_logits) - keras.ops.mean(real_logits))

        def generator_loss(self, fake_logits):
            return -keras.ops.mean(fake_logits)

    gan = make("nested", objective=Loud(), optimizers=(adam, adam))
    before = [w.numpy().copy() for w in gan.discriminator.weights]
    scale = float(gan.discriminator_optimizer.dynamic_scale)
    gan.fit(X, batch_size=10, verbose=0)
    for a, w in zip(before, gan.discriminator.weights):
        np.testing.assert_array_equal(a, w.numpy())
    assert float(gan.discriminator_optimizer.dynamic_scale) == scale / 2


# --- several devices -----------------------------------------------------------------------------------------------


ONE_OR_TWO = """
import sys
sys.path[:0] = {path!r}
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from gan_lessons import GAN
from others import LATENT, images
from systems import plain

class Alike(GAN):
    def draw_latents(self, count):  # every replica gets the same latents, so that one device can have them twice
        z = keras.ops.reshape(keras.ops.cos(keras.ops.arange(2 * LATENT, dtype="float32")), (2, LATENT))
        return keras.ops.concatenate([z, z])[:count]

def halfway(discriminate, real_images, fake_images):  # a gradient penalty without random numbers
    points = (real_images + keras.ops.cast(fake_images, "float32")) / 2
    with tf.GradientTape() as tape:
        tape.watch(points)
        logits = discriminate(points)
    slopes = keras.ops.sqrt(keras.ops.sum(tape.gradient(logits, points) ** 2, axis=(1, 2, 3)) + 1e-12)
    return keras.ops.mean((slopes - 1) ** 2)

def make(**options):
    keras.utils.set_random_seed(0)
    gan = Alike(*plain(), LATENT, **options)
    gan.compile(generator_optimizer=keras.optimizers.SGD(0.5, momentum=0.5),
                discriminator_optimizer=keras.optimizers.SGD(0.5, momentum=0.5), jit_compile=False)
    return gan

def fit(gan, *callbacks, epochs=3, shuffled=False):
    data = tf.data.Dataset.from_tensor_slices(images(12))
    if shuffled:  # not to compare with one device: on several Keras looks at the first batch in advance
        data = data.shuffle(12, seed=2)
    history = gan.fit(data.batch(4), epochs=epochs, verbose=0, validation_data=images(4), callbacks=list(callbacks)).history
    state = gan.weights + gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
    return history, [w.numpy() for w in state]

def two():
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()).scope()

CASES = [
    (dict(), "float32", 3, 1e-5),
    (dict(share_fakes=True), "float32", 3, 1e-5),
    (dict(penalty=halfway, discriminator_steps=2, objective="wasserstein"), "float32", 3, 1e-5),
    (dict(penalty=halfway), "mixed_bfloat16", 1, 2e-2),  # 3 steps: later ones magnify how sums are rounded
    (dict(discriminator_steps=2), "mixed_float16", 1, 5e-3),
]
for options, policy, epochs, margin in CASES:
    keras.mixed_precision.set_dtype_policy(policy)
    gan = make(**options)
    start = [w.numpy() for w in gan.weights]
    one, weights = fit(gan, epochs=epochs)
    with two():
        gan = make(**options)
        found, others = fit(gan, epochs=epochs)
    for key in one:
        np.testing.assert_allclose(one[key], found[key], rtol=margin, atol=margin, err_msg=str((options, policy, key)))
    for a, b in zip(weights, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=margin, atol=margin, err_msg=str((options, policy)))
    moved = max(np.abs(a - b).max() for a, b in zip(start, weights))
    assert moved > 0.1, moved  # there was something to be equal in

class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.discriminator_optimizer.iterations.numpy() == 5:  # in the middle of the second epoch
            raise KeyboardInterrupt

gan.save({folder!r} + "/gan.keras")  # the last of the cases
again = keras.models.load_model({folder!r} + "/gan.keras", custom_objects={{"Alike": Alike}})
for a, b in zip(gan.weights, again.weights, strict=True):
    np.testing.assert_array_equal(a.numpy(), b.numpy())

def backed_up(*callbacks):
    with two():
        gan = make(discriminator_steps=2)
        return fit(gan, keras.callbacks.BackupAndRestore({folder!r} + "/backup", save_freq=2), *callbacks, shuffled=True)

keras.mixed_precision.set_dtype_policy("float32")
whole, weights = backed_up()
try:
    backed_up(Stop())
except KeyboardInterrupt:
    pass
resumed, others = backed_up()
assert whole == resumed, (whole, resumed)
for a, b in zip(weights, others, strict=True):
    np.testing.assert_array_equal(a, b)
print("equal")
"""


def test_two_devices_train_as_one_on_the_whole_batch(tmp_path):
    """Without and with a penalty and several steps of D, in full and in mixed precision; saved, and taken up again."""
    done = run(
        ONE_OR_TWO.format(path=[str(Path(__file__).parent.parent), str(Path(__file__).parent)], folder=str(tmp_path))
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "equal" in done.stdout


WORKER = """
import json, os, sys
sys.path[:0] = {path!r}
worker = int(sys.argv[1])
addresses = ["localhost:" + port for port in sys.argv[2:]]
os.environ["TF_CONFIG"] = json.dumps(dict(cluster=dict(worker=addresses), task=dict(type="worker", index=worker)))
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()  # before anything else is computed
import keras, numpy as np
from gan_lessons import GAN
from others import LATENT, images
from systems import plain

class Alike(GAN):
    def draw_latents(self, count):
        z = keras.ops.reshape(keras.ops.cos(keras.ops.arange(2 * LATENT, dtype="float32")), (2, LATENT))
        return keras.ops.concatenate([z, z])[:count]

def trained():
    keras.utils.set_random_seed(0)
    gan = Alike(*plain(), LATENT, discriminator_steps=2)
    gan.compile(generator_optimizer=keras.optimizers.SGD(0.5), discriminator_optimizer=keras.optimizers.SGD(0.5),
                jit_compile=False)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    data = tf.data.Dataset.from_tensor_slices(images(12)).batch(4).with_options(options)
    return gan, gan.fit(data, epochs=2, verbose=0, validation_data=data).history

with strategy.scope():
    gan, history = trained()
gan.save({folder!r} + f"/worker{{worker}}.keras")
again = keras.models.load_model({folder!r} + f"/worker{{worker}}.keras", custom_objects={{"Alike": Alike}})
alone, expected = trained()
for key in expected:
    np.testing.assert_allclose(history[key], expected[key], rtol=1e-5, err_msg=key)
for a, b, c in zip(gan.weights, alone.weights, again.weights, strict=True):
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(a.numpy(), c.numpy())
print("equal on", strategy.num_replicas_in_sync)
"""


def test_two_processes_train_as_one_on_the_whole_batch(tmp_path):
    root = Path(__file__).parent.parent.parent
    code = WORKER.format(path=[str(Path(__file__).parent.parent), str(Path(__file__).parent)], folder=str(tmp_path))
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("localhost", 0))
        ports = [str(each.getsockname()[1]) for each in (one, other)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(worker), *ports],
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for worker in range(2)
    ]
    try:
        said = [worker.communicate(timeout=300)[0] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    for worker, text in zip(workers, said, strict=True):
        assert worker.returncode == 0 and "equal on 2" in text, text[-3000:]
