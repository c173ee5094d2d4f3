"""Models of players: a game of three, precision, several devices and machines as one."""

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
from contract import assert_equal
from keras import layers
from others import LATENT, SHAPE, images
from systems import ThreeOnALine, hard, small_gan

from gan_lessons import GAN

X = images(10)


def fit(gan, epochs):
    return gan.fit(X, batch_size=2, epochs=epochs, verbose=0, shuffle=False)


# --- a game of one's own -------------------------------------------------------------------------------------------


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


# --- precision -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "policy, players", [("mixed_float16", "subclassed"), ("mixed_bfloat16", "nested")], ids=["float16", "bfloat16"]
)
def test_mixed_precision_goes_on_from_a_file(policy, players, tmp_path):
    """On other people's networks than those of the contract, and with the loss scale in the file."""
    keras.config.set_dtype_policy(policy)
    gan, whole = hard(players), hard(players)
    fit(whole, 4)
    fit(gan, 2)
    made = gan.generate(3, seed=0)
    assert made.dtype == "float32" and np.isfinite(made).all()
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    fit(again, 2)
    assert_equal(whole, again)


def test_float16_gradients_are_those_of_float32():
    """A loss so small that its gradients underflow in float16, unless they are scaled on the way."""

    class Faint:
        def discriminator_loss(self, real_logits, fake_logits):
            return 1e-7 * (keras.ops.mean(fake_logits) - keras.ops.mean(real_logits))

        def generator_loss(self, fake_logits):
            return -1e-7 * keras.ops.mean(fake_logits)

    def trained(name):
        keras.config.set_dtype_policy(name)
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


def test_float16_passes_over_a_step_that_overflows():
    keras.config.set_dtype_policy("mixed_float16")

    class Loud:
        def discriminator_loss(self, real_logits, fake_logits):
            return 1e6 * (keras.ops.mean(fake_logits) - keras.ops.mean(real_logits))

        def generator_loss(self, fake_logits):
            return -keras.ops.mean(fake_logits)

    gan = small_gan(objective=Loud())
    before = [w.numpy().copy() for w in gan.discriminator.weights]
    scale = float(gan.discriminator_optimizer.dynamic_scale)
    gan.fit(X, batch_size=10, verbose=0)
    for a, w in zip(before, gan.discriminator.weights):
        np.testing.assert_array_equal(a, w.numpy())
    assert float(gan.discriminator_optimizer.dynamic_scale) == scale / 2


# --- several devices -----------------------------------------------------------------------------------------------


def run(code, *arguments):
    root = Path(__file__).parent.parent.parent
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], env=environment, capture_output=True, text=True
    )


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
    options = dict(verbose=0, validation_data=images(4), callbacks=list(callbacks))
    history = gan.fit(data.batch(4), epochs=epochs, **options).history
    state = gan.weights + gan.generator_optimizer.variables + gan.discriminator_optimizer.variables
    return history, [w.numpy() for w in state]

def two():
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()).scope()

CASES = [
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
        backup = keras.callbacks.BackupAndRestore({folder!r} + "/backup", save_freq=2)
        return fit(gan, backup, *callbacks, shuffled=True)

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
