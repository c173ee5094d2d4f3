# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {{number}} Faster and further
#
# **A GAN needs thousands of steps. You find out where the time of one step goes, on your own machine, and which of
# the usual pieces of advice make it shorter.**
#
# ![Where the time of a training step goes. Time runs from left to right. A step is a call from Python, D's turn and
# G's turn, one after the other. While a step runs, the batch of the next step is read.](../docs/diagrams/step.svg)
#
# Each box of the diagram takes time. The sections look at them one by one.

# %% [markdown]
# ## Before you start
#
# **What you need.** Lessons {{lesson:mlp_gan}} and {{lesson:dcgan}}: you train their networks again, for some steps.
#
# **Mathematics.** Products of matrices, the chain rule, the median, binary fractions.
#
# **Time.** {{time}}, with the exercises. Close what else is running on the machine: it would be measured too.

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # fewer messages

import time
from dataclasses import replace
from functools import partial

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import gan_lessons as gl

images, _, _ = gl.data.arrays("cifar10", examples=1000)
digits, _, _ = gl.data.arrays("mnist", examples=1000)
print(os.cpu_count(), "processor cores,", len(tf.config.list_physical_devices("GPU")), "GPUs")

# %% tags=["parameters"]
ROUNDS = 5  # how often each variant is measured
STEPS = {"DCGAN": 20, "MLP GAN": 40, "tiny GAN": 200}  # training steps in a round
A_CALL = 10  # steps in a call, where there are several
FILES = 400  # images on disk

# %% tags=["fast"]
ROUNDS = 1
STEPS = {"DCGAN": 4, "MLP GAN": 4, "tiny GAN": 4}
A_CALL = 2
FILES = 150

# %% [markdown]
# ## 1. How long is a step?
#
# Here is the DCGAN of lesson {{lesson:dcgan}}. It trains on one fixed batch again and again: the samples will be
# useless, and nothing but the step itself takes time. The callback `Clock` records when each call ends.
#
# **Predict.** You time the first eight steps. Which one is the longest, and how many times as long as the others?


# %%
class Clock(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.ends = [(-1, time.perf_counter())]

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append((batch, time.perf_counter()))


def fixed(images, batch_size):
    return tf.data.Dataset.from_tensors(images[:batch_size]).repeat()


recipe = gl.recipes.DCGAN
gan, data, clock = recipe.build((32, 32, 3), seed=0), fixed(images, recipe.batch_size), Clock()
gan.fit(data, steps_per_epoch=8, verbose=0, callbacks=[clock])
first_steps = 1e3 * np.diff([end for _, end in clock.ends])
print(*(f"{milliseconds:.0f}" for milliseconds in first_steps), "ms")

# %% tags=["test"]
assert first_steps[0] > 5 * np.median(first_steps[1:])

# %% [markdown]
# The first step takes seconds: TensorFlow *traces* the Python code into a graph, once. The others take a fraction of
# that, and differ from one another, since the machine has other work too. So:
#
# 1. Leave the first step out.
# 2. Measure many steps at a time, several times.
# 3. To compare two variants A and B, measure A, B, A, B, … in turn. A slow minute of the machine then hits both.
#
# ### Exercise 1 · One number from two series
#
# `plain` and `other` are arrays: `plain[i]` and `other[i]` are the milliseconds of a step in round $i$, measured one
# right after the other. Return how many times as long the other variant takes. A slow minute must not change the
# result, and neither must one round in which something else happened.


# %%
def ratio(plain, other):
    return ...


gl.checks.faster.ratio(ratio)

# %%
ratio = gl.checks.faster.ratio.working(ratio)


def milliseconds(gan, data, steps):
    clock = Clock()
    gan.fit(data, steps_per_epoch=steps, verbose=0, callbacks=[clock])
    (first, begin), (last, end) = clock.ends[1], clock.ends[-1]  # not the first call
    return 1e3 * (end - begin) / (last - first)


def in_turn(steps, **runs):
    times = {name: [] for name in runs}
    for _ in range(ROUNDS + 1):
        for name, (gan, data) in runs.items():
            times[name].append(milliseconds(gan, data, steps))
    return {name: np.array(values[1:]) for name, values in times.items()}  # not the first round


# %%
found = {}  # (network, variant): the ratio, with quartiles


def compare(network, **runs):
    times = in_turn(STEPS[network], **runs)
    plain = next(iter(times.values()))
    for name, values in times.items():
        low, high = np.percentile(values / plain, (25, 75))
        found[network, name] = low, float(ratio(plain, values)), high
        print(f"{network}, {name:20} {np.median(values):7.2f} ms   ratio {found[network, name][1]:.2f}", end=" ")
        print(f"(half of the rounds: {low:.2f} to {high:.2f})")


# %% [markdown]
# ## 2. Where does it go?
#
# A step consists of several hundred operations: convolutions, activations, BatchNormalization, Adam's updates.
#
# **Predict.** Which kind takes the most, and what share of the step?
#
# TensorFlow's profiler records each operation with its time. The cell adds them up by kind.

# %%
import collections
import tempfile
from pathlib import Path

from tensorflow.tsl.profiler.protobuf import xplane_pb2


def profile(gan, data, steps=10):
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        gan.fit(data, steps_per_epoch=steps, verbose=0)
        tf.profiler.experimental.stop()
        recorded = next(Path(folder).rglob("*.xplane.pb")).read_bytes()
    return xplane_pb2.XSpace.FromString(recorded)


# %%
def by_kind(trace, steps=10):
    total = collections.Counter()  # milliseconds a step, summed over the cores
    for plane in trace.planes:
        for event in (event for line in plane.lines for event in line.events):
            name, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
            if name and not name.endswith(":") and kind.isidentifier():
                total[kind.removeprefix("_MklNative")] += event.duration_ps / 1e9 / steps
    return total


kinds = by_kind(profile(gan, data))
for kind, took in kinds.most_common(9):
    print(f"{kind:30} {took:6.2f} ms   {took / kinds.total():4.0%}")
convolutions = sum(took for kind, took in kinds.items() if "Conv2D" in kind) / kinds.total()
print(f"All convolutions together: {convolutions:.0%} of the work of a step")

# %% tags=["test"]
assert convolutions > 0.5

# %% [markdown]
# Convolutions, forwards and backwards: `BackpropFilter` is the gradient for the weights, `BackpropInput` the gradient
# for the input (a transposed convolution uses it on its way forwards). Adam and the activations hardly count.
#
# ### How fast could it be?
#
# A convolution is multiplying and adding, and you can count that. It uses each of its weights once for each pixel that
# it makes; a transposed one, once for each pixel that it gets. A dense layer uses each weight once. Call $g$ and $d$
# the products that G and D need for one image on the way forwards. Backwards costs twice as much, as each product has
# two factors and the chain rule asks for the gradient of both: once for the weights, once for the input.
#
# ### Exercise 2 · The products of a step
#
# In D's turn, G makes fakes, and D trains on two batches, the real images and the fakes. In G's turn, G makes new
# fakes, D judges them, and the gradient goes back through D to G's weights. How many times $g$ and how many times $d$
# is a step, for each image of a batch? (Count each backward pass in full, also through the first layer.)

# %%
products = {"g": ..., "d": ...}
gl.checks.faster.products(products)


# %%
def multiply_adds(network):
    total = 0
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            pixels = layer.input if "Transpose" in type(layer).__name__ else layer.output
            total += np.prod(layer.kernel.shape) * np.prod(pixels.shape[1:-1])
    return int(total)


def best_rate(size=1024):
    a, took = tf.random.normal((size, size)), []
    for _ in range(20):
        begin = time.perf_counter()
        tf.linalg.matmul(a, a).numpy()
        took.append(time.perf_counter() - begin)
    return size**3 / min(took)


# %%
g, d = multiply_adds(gan.generator), multiply_adds(gan.discriminator)
floor = 1e3 * recipe.batch_size * (4 * g + 8 * d) / best_rate()
took = milliseconds(gan, data, STEPS["DCGAN"])
print(f"{g / 1e6:.1f} million products forwards in G, {d / 1e6:.1f} million in D")
print(f"at the best rate of this machine: {floor:.0f} ms a step; measured: {took:.0f} ms")

# %% tags=["test"]
step = tf.function(gan.train_step).get_concrete_function(tf.TensorSpec((64, 32, 32, 3)))
options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
counted = tf.compat.v1.profiler.profile(step.graph, options={**options, "output": "none"}).total_float_ops / 2
assert abs(counted / (64 * (4 * g + 9 * d)) - 1) < 0.03  # the graph has D's gradients in G's turn, until it is pruned

# %% [markdown]
# No programming brings a step below its count; only fewer products do, or another number format, or another machine.
# What does the count predict for a change of the algorithm? `share_fakes=True` uses D's fakes again in G's turn, as
# DCGAN's first code did: G makes fakes once a step, $3g + 8d$.
#
# **Predict.** By how much does a step get shorter? Divide, then measure.

# %%
shared = replace(recipe, model=partial(gl.recipes.dcgan, share_fakes=True)).build((32, 32, 3), seed=0)
print(f"by counting: {(3 * g + 8 * d) / (4 * g + 8 * d):.2f}")
compare("DCGAN", plain=(gan, data), shared_fakes=(shared, data))

# %% [markdown]
# ### What is not a product
#
# The rest of a profile *moves* numbers: it reads a batch from memory and writes it back. Keras computes
# BatchNormalization, $y = \gamma (x - \mu) / \sqrt{\sigma^2 + \varepsilon} + \beta$, as one operation for each sign of
# the formula, and each reads and writes the whole batch. `gl.layers.BatchNormalization`, which the package's networks
# have, is Keras's layer with one operation of TensorFlow's for all of them. Here is the same GAN with Keras's own:


# %%
def of_keras(layer):
    kind = next(kind for kind in type(layer).__mro__ if kind.__module__.startswith("keras."))
    return kind.from_config(layer.get_config())


def with_keras_layers(image_shape):
    ours = gl.recipes.dcgan(image_shape)
    networks = (ours.generator, ours.discriminator)
    return gl.GAN(*(keras.models.clone_model(one, clone_function=of_keras) for one in networks), latent_dim=100)


unfused = replace(recipe, model=with_keras_layers).build((32, 32, 3), seed=0)
compare("DCGAN", plain=(gan, data), keras_layers=(unfused, data))

# %% tags=["test"]
both = [type(one.generator.layers[3]) for one in (gan, unfused)]
assert both == [gl.layers.BatchNormalization, keras.layers.BatchNormalization]

# %% [markdown]
# (`keras_layers` has Keras's LeakyReLU as well. In a WGAN-GP that one costs more: its second derivative, zero
# everywhere, goes back through the whole critic as an array of zeros. `benchmarks/README.md` has the numbers.)
#
# ## 3. Do the images come too late?
#
# While a step runs, the next batch should get ready beside it. If it does not, the processor waits. The test takes one
# line: train on **one fixed batch**, and compare.
#
# **Predict.** The images lie in small PNG files. One way reads, decodes and shrinks the files of each batch when it is
# due. Another does the same with `prefetch`: TensorFlow prepares the next batches beside the step. The third,
# `gl.data.from_directory`, decodes each file once and keeps the bytes. How much longer does a step take with each?

# %%
from PIL import Image

folder = tempfile.TemporaryDirectory()
for number, pixels in enumerate(gl.plotting.to_pixels(images[:FILES])):
    Image.fromarray(pixels).resize((128, 128)).save(f"{folder.name}/{number:03}.png")


def read_files(batch_size=64):
    paths = sorted(Path(folder.name).glob("*.png"))
    while True:
        for start in range(0, len(paths) - batch_size, batch_size):
            small = [Image.open(path).resize((32, 32)) for path in paths[start : start + batch_size]]
            yield np.stack(small).astype("float32") / 127.5 - 1


# %%
files = tf.data.Dataset.from_generator(read_files, output_signature=tf.TensorSpec((64, 32, 32, 3)))
kept = gl.data.from_directory(folder.name, image_size=32, batch_size=64, drop_remainder=True).repeat()
compare(
    "DCGAN",
    one_fixed_batch=(gan, data),
    files=(gan, files),
    files_prefetched=(gan, files.prefetch(2)),
    from_directory=(gan, kept),
)

# %% tags=["test"]
if ROUNDS > 1:
    assert found["DCGAN", "from_directory"][1] < found["DCGAN", "files"][0] > 1.1

# %% [markdown]
# Reading the files anew makes a step much longer. `prefetch` moves the reading beside the step, but the reading stays,
# and here both cores already work on the step. (Where a graphics card computes the step, the cores are free, and
# `prefetch` helps.) `from_directory` decodes each file once, and comes nearest to the fixed batch. So do less work
# first, and only then do it at another time.
#
# ### Exercise 3 · What does waiting cost?
#
# A friend measures, in ms a step: 120 on the data set, 75 on one fixed batch. (a) How many ms of a step are waiting?
# (b) By what factor does the training get faster with a perfect pipeline? (c) And by what factor with a graphics card
# that takes 5 ms for the work, where the pipeline still brings a batch every 120 ms?

# %%
waiting = {"a": ..., "b": ..., "c": ...}
gl.checks.faster.waiting(waiting)

# %% [markdown]
# ## 4. What surrounds the work?
#
# For each step, Python calls TensorFlow, Keras calls the callbacks, and results come back. This takes about a
# millisecond, whatever the networks are. Two options of `compile` reduce it:
#
# - `steps_per_execution=10` takes ten steps in one call. Callbacks then run after every tenth batch only.
# - `jit_compile=True` is XLA, a compiler: it joins many small operations to few large ones. The first call takes
#   longer. Keras uses XLA by itself on GPUs only.
#
# ### Exercise 4 · Ten steps a call
#
# Of a step of 2 ms, 0.5 ms surround the work, once for each call. How long is a step with `steps_per_execution=10`?
# And what is the most that *any* number of steps a call can save, in per cent?

# %%
per_call = {"ms a step, 10 a call": ..., "most that can be saved, %": ...}
gl.checks.faster.steps_per_call(per_call)

# %% [markdown]
# **Predict.** Three GANs: a tiny one in the plane, as in lesson {{lesson:watch}}, the MLP GAN of lesson
# {{lesson:mlp_gan}}, and the DCGAN. Which of them gain by ten steps a call? Which by XLA?


# %%
def tiny_gan(**options):
    def network(outputs):
        hidden = [keras.layers.Dense(32, "relu") for _ in range(2)]
        return keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(outputs)])

    tiny = gl.GAN(generator=network(2), discriminator=network(1), latent_dim=2)
    adams = {f"{player}_optimizer": keras.optimizers.Adam(1e-3) for player in ("generator", "discriminator")}
    tiny.compile(**adams, **options)
    return tiny


def of_recipe(recipe, shape):
    return lambda **options: replace(recipe, options=options).build(shape, seed=0)


# %%
points = gl.toys.ring().sample(64, seed=0)
mlp = gl.recipes.MLP_GAN
makers = {
    "tiny GAN": (tiny_gan, fixed(points, 64)),
    "MLP GAN": (of_recipe(mlp, (28, 28, 1)), fixed(digits, mlp.batch_size)),
    "DCGAN": (of_recipe(recipe, (32, 32, 3)), data),
}
options = {
    "plain": dict(jit_compile=False),
    "steps_per_execution": dict(jit_compile=False, steps_per_execution=A_CALL),
    "XLA": dict(jit_compile=True),
}

# %%
for network, (make, batches) in makers.items():
    compare(network, **{name: (make(**chosen), batches) for name, chosen in options.items()})

# %% tags=["test"]
if ROUNDS > 1:
    assert found["tiny GAN", "steps_per_execution"][1] < 0.85 and found["DCGAN", "XLA"][1] > 1.1

# %% [markdown]
# Ten steps a call help the tiny GAN most, since its step has hardly any work. For the DCGAN a millisecond is little.
# XLA makes the DCGAN *slower*: on a CPU its convolutions cannot compete with those of TensorFlow's library. What XLA
# does well is to join small operations, such as the dozen of Adam's update of a weight. So look at the rows of your own
# machine: a setting that helps one network may harm another.
#
# ## 5. What do fewer bits buy?
#
# A number of 16 bits is half as much to move, and some processors multiply two of them in the time of one product of
# 32 bits. There are two formats:
#
# | | bits of the exponent | bits of the fraction | smallest number above 0 | next number after 1 |
# | --- | --- | --- | --- | --- |
# | float32 | 8 | 23 | 1e-45 | 1 + 1.2e-7 |
# | bfloat16 | 8 | 7 | 9e-41 | 1 + 1/128 |
# | float16 | 5 | 10 | 6e-8 | 1 + 1/1024 |
#
# bfloat16 is *coarse*. float16 is *short*: a gradient of 1e-8 becomes 0.
#
# ### Exercise 5 · A weight that learns in bfloat16
#
# A weight of 1.0 is kept in bfloat16, and each sum is rounded to the nearest number of the format. What is the weight
# after 1,000 steps of +0.001? And what would it be in float32, to one decimal?

# %%
after_1000_steps = {"bfloat16": ..., "float32": ...}
gl.checks.faster.rounding(after_1000_steps)

# %% [markdown]
# Therefore *mixed precision* keeps the weights and Adam's averages in float32, and only the layers compute in 16 bits.
# `"mixed_float16"` also multiplies the loss by a large number before the way backwards, and divides the gradients
# after it; `gl.GAN` does this for both players. `"mixed_bfloat16"` does not need it.
#
# **Predict.** Which of the two gains more, the DCGAN or the MLP GAN?

# %%
for network, (make, batches) in list(makers.items())[1:]:
    keras.config.set_dtype_policy("mixed_bfloat16")
    half = make(jit_compile=False)
    keras.config.set_dtype_policy("float32")
    compare(network, plain=(make(jit_compile=False), batches), bfloat16=(half, batches))
print("weights:", half.generator.weights[0].dtype, "computing:", half.generator.layers[1].compute_dtype)

# %% tags=["test"]
assert {str(weight.dtype) for weight in half.generator.trainable_variables} == {"float32"}
assert half.generator.layers[2].compute_dtype == "bfloat16"
one = {name: tf.constant(1.0, name) + tf.constant(0.002, name) for name in ("bfloat16", "float16")}
assert float(one["bfloat16"]) == 1 < float(one["float16"]) and float(tf.constant(1e-8, "float16")) == 0

# %% [markdown]
# A ratio below 1 means that your processor has instructions for bfloat16 (Intel since Cooper Lake, AMD since Zen 4, many
# graphics cards). A ratio above 1 means that it emulates them. The images do not get worse by it: over three seeds, a
# DCGAN in bfloat16 had a Fréchet distance of 7.7 ± 0.3, and in float32 8.1 ± 0.4 (`benchmarks/same_quality.py`).
#
# ## What it gave, and what did not work

# %%
rows = sorted(
    (item for item in found.items() if item[0][1] not in ("plain", "one_fixed_batch")), key=lambda x: -x[1][1]
)
figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
for place, (_, (low, middle, high)) in enumerate(rows):
    colour = "tab:blue" if middle < 1 else "tab:orange"
    axes.plot([low, high], [place, place], color=colour, alpha=0.4, linewidth=4)
    axes.plot(middle, place, "o", color=colour)
axes.axvline(1, color="grey")
axes.set_yticks(range(len(rows)), [f"{network}, {name.replace('_', ' ')}" for (network, name), _ in rows])
axes.set(xscale="log", xlabel="times as long as the plain step (with half of the rounds)", title="Left of 1: faster")
axes.set_xticks([0.5, 0.7, 1, 1.5, 2, 3], labels=["0.5", "0.7", "1", "1.5", "2", "3"])
axes.minorticks_off()
plt.show()

# %% [markdown]
# - **What helped**: to decode the files once, several steps a call for a small network, fewer products.
# - **What did not**: XLA for convolutions, and `prefetch` on a processor that is busy already.
# - **What is uncertain**: a ratio whose rounds lie on both sides of 1. Measure it again with more rounds.
# - No setting brings a DCGAN's step below its products. Most of a long training is there, and only other hardware, or a
#   smaller network, makes it much shorter.
#
# ## Optional: stop and go on, and two devices
#
# The surest way to save time is not to lose a training. `save` keeps all of a GAN: both players, both optimizers, the
# states of the random numbers. Two epochs, a saved file and two more epochs give the weights of four epochs:

# %%
trained = {}
for name in ("without a stop", "stopped"):
    keras.utils.set_random_seed(0)
    tiny = tiny_gan()
    tiny.fit(points, batch_size=16, epochs=2, verbose=0)
    if name == "stopped":
        tiny.save(f"{folder.name}/tiny.keras")
        tiny = keras.models.load_model(f"{folder.name}/tiny.keras")
    tiny.fit(points, batch_size=16, epochs=2, verbose=0)
    trained[name] = np.concatenate([np.ravel(weight) for weight in tiny.get_weights()])
print("largest difference of a weight:", np.abs(np.subtract(*trained.values())).max())

# %% tags=["test"]
assert np.array_equal(*trained.values())

# %% [markdown]
# For a training that may be killed, `keras.callbacks.BackupAndRestore("folder")` saves by itself: run the same cell
# again, and `fit` goes on.
#
# With several graphics cards, make and compile the GAN under a strategy. Each device trains on its share of the batch,
# the gradients are added, and all take the same step:
#
# ```python
# with tf.distribute.MirroredStrategy().scope():
#     gan = recipe.build((32, 32, 3))
# gan.fit(train)
# ```
#
# The mathematics is that of the whole batch, except for BatchNormalization, which takes the statistics of each share.
# Two halves of one processor are no faster than the whole, so there is nothing to measure here.

# %% tags=["test"]
import subprocess
import sys

script = """
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import keras, numpy as np
import gan_lessons as gl

def trained(strategy):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        gan = gl.GAN(gl.networks.mlp_generator((28, 28, 1), units=(64,)),
                     gl.networks.mlp_discriminator((28, 28, 1), units=(64,)), latent_dim=100, seed=1)
        gan.compile(generator_optimizer=keras.optimizers.SGD(0.01), discriminator_optimizer=keras.optimizers.SGD(0.01))
    images = np.random.default_rng(0).uniform(-1, 1, (256, 28, 28, 1)).astype("float32")
    return gan.fit(images, batch_size=64, epochs=2, shuffle=False, verbose=0).history["d_loss"][-1]

two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice())
assert two.num_replicas_in_sync == 2
assert abs(trained(two) - trained(tf.distribute.get_strategy())) < 0.1
"""
result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
assert result.returncode == 0, result.stderr[-2000:]

# %%
gl.checks.report("faster")

# %% [markdown]
# ## Recap
#
# - Measure variants in turn, leave the first call out, and look at the median of the ratios.
# - A step of a GAN costs about $4g + 8d$ products an image. For a DCGAN that is most of the time.
# - One fixed batch in place of the data set tells whether the images come too late.
# - Several steps a call help where a step has little work; XLA helps dense layers and, on a CPU, not convolutions.
# - In mixed precision the layers compute in 16 bits, and the weights stay in float32.
#
# **References**
#
# - Williams, Waterman and Patterson, *Roofline*, 2009, doi:10.1145/1498765.1498785: what a machine can do at best.
# - Micikevicius et al., *Mixed Precision Training*, 2017, [arXiv:1710.03740](https://arxiv.org/abs/1710.03740).
# - Kalamkar et al., *A Study of BFLOAT16 for Deep Learning Training*, 2019,
#   [arXiv:1905.12322](https://arxiv.org/abs/1905.12322).
# - Goyal et al., *Accurate, Large Minibatch SGD*, 2017, [arXiv:1706.02677](https://arxiv.org/abs/1706.02677): larger
#   batches on more devices.
#
# Next: {{next}}
