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
# A GAN needs many steps, and each takes its time. This lesson measures where the time goes, on *your* machine,
# and what can be done about it: so that you know which of the usual pieces of advice is worth following before
# you follow it.
#
# **What you will be able to do.** Say how fast a training step could be at best, and how far from that it is;
# profile one, and read from it what can be saved; find out in one line whether the images are the brake; decide
# by measuring when XLA, several steps a call, shared fakes and bfloat16 help; train on several devices, and say
# what stays the same.
#
# **What you need.** The networks of lessons {{lesson:mlp_gan}} and {{lesson:dcgan}}.
#
# **How long it takes.** On two cores, without a GPU, six to eight minutes of computing. Close what else is running:
# it would be measured too. Reading and exercises: three quarters of an hour.
#
# Previous: {{previous}}

# %%
import collections
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow is talkative when it starts

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow.tsl.profiler.protobuf import xplane_pb2

import gan_lessons as gl

FAST = os.environ.get("GAN_LESSONS_FAST") == "1"  # the tests run every lesson with few steps and small networks
keras.utils.set_random_seed(5)

images, _, info = gl.data.arrays("cifar10", examples=100 if FAST else 5000)
digits, _, digits_info = gl.data.arrays("mnist", examples=100 if FAST else 5000)
print(f"{info.title} and {digits_info.title}; {os.cpu_count()} processor cores")
print("Devices:", ", ".join(device.name for device in tf.config.list_logical_devices()))

# %% [markdown]
# ## 1. How to measure a step
#
# Three rules, or the numbers mean nothing.
#
# 1. **Not the first step.** The first step is traced into a graph, and the first batch has to wait for the data set
#    to fill its buffers. That takes seconds, once. It is worth knowing, but it is another number.
# 2. **Many steps at a time, several times, and the median.** A machine does other things too; the median
#    forgives it some.
# 3. **Compare neighbours.** To say that A is faster than B, run A, B, A, B, …, and look at the ratios. Two
#    numbers from different times of the day say more about the day.


# %%
UNITS, FILTERS = ((32, 32), (8, 8, 8)) if FAST else ((256, 512, 1024), (128, 64, 32))


def make_gan(generator, discriminator, share_fakes=False, **options):
    gan = gl.GAN(generator, discriminator, latent_dim=100, share_fakes=share_fakes)
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
        **options,
    )
    return gan


def mlp_gan(**options):
    generator = gl.networks.mlp_generator((28, 28, 1), units=UNITS)
    discriminator = gl.networks.mlp_discriminator((28, 28, 1), units=UNITS[1::-1])
    return make_gan(generator, discriminator, **options)


def dcgan(**options):
    generator = gl.networks.dcgan_generator((32, 32, 3), filters=FILTERS)
    discriminator = gl.networks.dcgan_discriminator((32, 32, 3), filters=FILTERS[::-1])
    return make_gan(generator, discriminator, **options)


def one_batch(images):
    """The same 64 images for ever: a data set that costs nothing."""
    return tf.data.Dataset.from_tensors(images[:64]).repeat()


class Clock(keras.callbacks.Callback):
    """Notes when each call of the training step has ended."""

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append((batch, time.perf_counter()))


def measure(runs, steps, repeats=1 if FAST else 7):
    """Milliseconds a step of each of the runs, which are {name: (gan, data)}: an array for each, taken in turn."""
    steps = 20 if FAST else steps
    times = {name: [] for name in runs}
    for _ in range(repeats + 1):
        for name, (gan, data) in runs.items():  # rule 3
            clock = Clock()
            gan.fit(data, steps_per_epoch=steps, verbose=0, callbacks=[clock])
            (first, begin), (last, end) = clock.ends[0], clock.ends[-1]  # rule 1
            times[name].append(1e3 * (end - begin) / (last - first))
    return {name: np.array(values[1:]) for name, values in times.items()}


def table(times, against=None):
    """Prints medians, and the median of the ratios to the first run, or another."""
    reference = times[against or next(iter(times))]
    for name, values in times.items():
        low, ratio, high = np.percentile(values / reference, (25, 50, 75))
        print(f"{name:28} {np.median(values):8.2f} ms a step   ratio {ratio:.2f} ({low:.2f} to {high:.2f})")


begin = time.perf_counter()
gan = dcgan()
gan.fit(one_batch(images), steps_per_epoch=1, verbose=0)
print(f"The first step of a DCGAN, with tracing: {time.perf_counter() - begin:.1f} s.")
dcgan_time = measure({"DCGAN": (gan, one_batch(images))}, steps=20)
table(dcgan_time)

# %% [markdown]
# ### Where does it go?
#
# TensorFlow's profiler writes down every operation that it runs, with its time. The cell adds it up by kind.
# (`keras.callbacks.TensorBoard(profile_batch=(10, 20))` writes the same down; TensorBoard shows it along a time line,
# once `pip install tensorboard-plugin-profile` has been run.) In the names, `BackpropFilter` is a convolution's slope
# in its weights, `BackpropInput` its slope in what it was given, which is also what a *transposed* convolution
# computes on its way forwards.


# %%
def profile(gan, data, steps=10):
    """Milliseconds a step of each kind of operation, summed over the threads that work side by side."""
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        gan.fit(data, steps_per_epoch=steps, verbose=0)
        tf.profiler.experimental.stop()
        trace = xplane_pb2.XSpace()
        trace.ParseFromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    total = collections.Counter()
    for plane in trace.planes:
        for line in plane.lines:
            for event in line.events:
                name, colon, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
                if colon and name and not name.endswith(":") and kind.isidentifier():
                    total[kind.removeprefix("_MklNative")] += event.duration_ps / 1e9 / steps
    return total


profiled = profile(gan, one_batch(images))
in_all = sum(profiled.values())
for kind, milliseconds in profiled.most_common(12):
    print(f"{kind:32} {milliseconds:7.2f} ms   {milliseconds / in_all:5.1%}")
share = sum(milliseconds for kind, milliseconds in profiled.items() if "Conv2D" in kind) / in_all
print(f"All convolutions together: {share:.0%} of the work of a step.")

# %% [markdown]
# ### What a profile is good for
#
# Convolutions are what a DCGAN is. The rest of the list is where one may hope to find something. While this course
# was made it was longer: `Mul`, `Mean`, `SquaredDifference`, `Sub` and `Tile` took a fifth of the work of a step, and no
# layer of a DCGAN has such a name. Most of it was Keras's `BatchNormalization`,
#
# $$ y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta , $$
#
# written as one operation for each sign of the formula. The arithmetic is nothing; but every operation reads the whole
# batch from memory and writes it back. TensorFlow has *one* operation for the formula, and one for its gradient. So
# `gl.layers.BatchNormalization`, in the package's networks, is Keras's layer with another `call`: the same numbers in
# fewer passes. Here are both, side by side and in a profile each. (`FusedBatchNormEx` is the kernel with the ReLU that
# comes after it: TensorFlow joins what it finds next to each other.)


# %%
def of_keras_alone(layer):
    """The same layer without what this package does to Keras's."""
    kind = next(kind for kind in type(layer).__mro__ if kind.__module__.startswith("keras."))
    return kind.from_config(layer.get_config())


unfused = make_gan(
    keras.models.clone_model(gan.generator, clone_function=of_keras_alone),
    keras.models.clone_model(gan.discriminator, clone_function=of_keras_alone),
)
assert type(gan.generator.layers[3]) is gl.layers.BatchNormalization
assert type(unfused.generator.layers[3]) is keras.layers.BatchNormalization
batch_norm_times = measure({"one kernel": (gan, one_batch(images)), "Keras's own": (unfused, one_batch(images))}, 20)
table(batch_norm_times)

before, after = profile(unfused, one_batch(images)), profile(gan, one_batch(images))
changed = sorted(before | after, key=lambda kind: -abs(before[kind] - after[kind]))
print(f"\n{'':32} Keras's own   one kernel   (ms a step)")
for kind in [kind for kind in changed if "Conv2D" not in kind][:10]:
    print(f"{kind:32} {before[kind]:11.2f} {after[kind]:12.2f}")

# %% [markdown]
# **What to look for.** The ratio of the second line should be above 1: by so much is a step longer with Keras's own
# layer. In the list, what one column has and the other has not.
#
# **Exercise 1.** A batch of 64 maps of 16×16 pixels with 32 channels in float32 lies in memory, which can be read and
# written at 10 GB ($10^{10}$ bytes) a second. (a) How many million bytes has the batch? (b) How many ms do six
# operations take that each read it once and write it once? (c) And two such operations?

# %%
passes = {"a": ..., "b": ..., "c": ...}
gl.checks.faster.passes(passes)

# %% [markdown]
# ## 2. How fast could it be?
#
# Nearly all the work of a network is multiplying and adding, and one can count it. A dense layer from $a$ to $b$
# numbers needs $a \cdot b$ products for each image. A convolution uses every one of its weights once for each
# pixel that it makes, a transposed one once for each pixel that it takes.
#
# That is the way forwards. The way back costs as much *twice*: each product has two factors, and the chain rule
# asks for the slope in either, in the weight and in the value. So with $g$ and $d$ products forwards in G and D,
# a step costs about
#
# $$ \underbrace{g + 2 \cdot 3d}_{D\text{'s turn: fakes made, two batches forwards and back}} +
#    \underbrace{3g + 2d}_{G\text{'s turn: through both, but back only to D's input}} = 4g + 8d . $$
#
# **Exercise 2.** Count the products of one image's way forwards through (a) a dense layer from 784 to 512
# numbers; (b) a convolution with a kernel of 4×4 and stride 2, from 16×16×32 to 8×8×64; (c) a transposed
# convolution with a kernel of 4×4 and stride 2, from 8×8×64 to 16×16×32.

# %%
products = {"a": ..., "b": ..., "c": ...}
gl.checks.faster.products(products)


# %%
def multiply_adds(model):
    total = 0
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            seen = layer.input if "Transpose" in type(layer).__name__ else layer.output
            total += int(np.prod(layer.kernel.shape)) * int(np.prod(seen.shape[1:-1]))
    return total


def matrix_rate(size=1024):
    """The best rate at which this machine multiplies matrices: multiply-adds a second."""
    a, best = tf.random.normal((size, size)), 0.0
    for _ in range(3 if FAST else 20):
        begin = time.perf_counter()
        tf.linalg.matmul(a, a).numpy()
        best = max(best, size**3 / (time.perf_counter() - begin))
    return best


rate = matrix_rate()
print(f"This machine: {rate / 1e9:.0f}e9 multiply-adds a second, at its best, on a large matrix product.")
mlp_time = measure({"MLP GAN": (mlp_gan(), one_batch(digits))}, steps=100)
for name, one, times in [("MLP GAN", mlp_gan(), mlp_time), ("DCGAN", gan, dcgan_time)]:
    g, d = multiply_adds(one.generator), multiply_adds(one.discriminator)
    floor = 1e3 * 64 * (4 * g + 8 * d) / rate
    took = np.median(times[name])
    work = f"{g / 1e6:.2f}e6 + {d / 1e6:.2f}e6 products"
    print(f"{name:8} {work}; floor {floor:5.1f} ms, measured {took:5.1f}: {took / floor:.1f} times that")

# %% [markdown]
# The last number is what is left to gain by programming better: no trick brings it below 1, only less work does,
# or another number format (section 5), or another machine. Between 1 and 3 a step is in good order. Where the work
# is small, as in the MLP, Adam's own reading and writing of every weight weighs more: it does not depend on the
# batch, so larger batches use such a machine better.
#
# ### Less work: the same fakes for both turns
#
# One of the four $g$ can be saved. The algorithm draws new latents for G's turn; `gl.GAN(…, share_fakes=True)`
# uses D's fakes again, as DCGAN's own code did, so that G runs forwards only once a step. A step then costs
# $3g + 8d$. What does the formula promise, and what do you get?

# %%
g, d = multiply_adds(gan.generator), multiply_adds(gan.discriminator)
promised = (3 * g + 8 * d) / (4 * g + 8 * d)
runs = {"fresh fakes": (gan, one_batch(images)), "shared fakes": (dcgan(share_fakes=True), one_batch(images))}
sharing_times = measure(runs, steps=20)
table(sharing_times)
print(f"promised by counting products: {promised:.2f}")

# %% [markdown]
# It is no longer quite the algorithm: G is now asked about the very images that D has just been trained on. To the
# images of such a DCGAN it made no difference that could be seen, over three seeds (`benchmarks/same_quality.py`).
#
# ### Less work: nothing sent back for nothing
#
# Counting finds more than that. In the WGAN-GP of lesson {{lesson:wgan}} D's turn has the slope of the critic besides:
# a way forwards, $d$, a way back to the images, $d$, and the derivative of that way back in its weights and its
# values, $2d$. With the two batches as before that is $g + 6d + 4d$. While this course was made, the products that
# TensorFlow really computed were held against this count, and were $2d$ more. Where did they come from?
#
# The slope of a chain of layers is a product, $W_1^\top f'(u_1)\, W_2^\top f'(u_2) \cdots$, where $u_i$ is what
# goes into the $i$-th activation. For LeakyReLU $f'$ is 0.2 or 1: it does not change with $u$, so $f'' = 0$, and
# nothing goes back through $u$. TensorFlow knows that, and says it with an *array of zeros*; and zeros are then taken
# back through every layer of the critic like any other numbers. `gl.layers.LeakyReLU` is Keras's layer, and says it with
# nothing at all. The critics of `gl.networks` have it; here is one beside the same with Keras's own.


# %%
def wgan_gp(critic):
    generator = gl.networks.dcgan_generator((32, 32, 3), filters=FILTERS)
    penalty = gl.penalties.GradientPenalty(10.0)
    gan = gl.GAN(generator, critic, 100, objective="wasserstein", penalty=penalty, discriminator_steps=5)
    gan.compile(
        generator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9),
        discriminator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.0, beta_2=0.9),
    )
    return gan


critic = gl.networks.dcgan_critic((32, 32, 3), filters=FILTERS[::-1])
critic_of_keras = keras.models.clone_model(critic, clone_function=of_keras_alone)
critic_of_keras.set_weights(critic.get_weights())
slopes = []
for one in (critic, critic_of_keras):
    penalise = gl.penalties.GradientPenalty(10.0, seed=0)
    with tf.GradientTape() as tape:
        penalty = penalise(one, tf.constant(images[:32]), tf.constant(images[32:64]))
    slopes.append(tape.gradient(penalty, [layer.kernel for layer in one.layers if hasattr(layer, "kernel")]))
assert all(np.allclose(own, other, atol=1e-6) for own, other in zip(*slopes, strict=True)), "the same slopes"

# %%
runs = {
    "nothing taken back": (wgan_gp(critic), one_batch(images)),
    "zeros taken back": (wgan_gp(critic_of_keras), one_batch(images)),
}
zeros_times = measure(runs, steps=40)
table(zeros_times)

g, d = multiply_adds(gan.generator), multiply_adds(critic)
gs_turn = (3 * g + 2 * d) / 5  # after every fifth step
print(f"promised by counting products: {(g + 12 * d + gs_turn) / (g + 10 * d + gs_turn):.2f}\n")

before, after = (profile(*runs[name], steps=20) for name in ("zeros taken back", "nothing taken back"))
for kind in ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"):
    print(f"{kind:24} {before[kind]:6.2f} ms a step with zeros, {after[kind]:6.2f} without")

# %% [markdown]
# **What to look for.** The second ratio above 1, near what the count promises; and which kinds of products the
# difference is in: those of a way back. The gradients are the same numbers, as the first of the two cells has checked.
#
# ## 3. Are the images the brake?
#
# The one line that finds it out: **train on one fixed batch**. If that is clearly faster than your data set, the
# processor is waiting for images. Three ways of bringing the same images, from 500 small PNG files:
#
# - *read each time*: open, decode and resize every file again in every epoch, one after the other, in Python;
# - *the course's way*: `gl.data.from_directory` decodes once, keeps bytes in memory, turns them into floats batch
#   by batch, beside the training;
# - *one fixed batch*, which costs nothing.


# %%
FILE_SIZE = (48, 48) if FAST else (256, 256)


def read_each_time(folder, batch_size=64):
    paths = sorted(Path(folder).glob("*.png"))

    def generate():
        while True:
            for begin in range(0, len(paths) - batch_size, batch_size):
                pictures = [
                    np.asarray(Image.open(path).resize((32, 32), Image.Resampling.LANCZOS))
                    for path in paths[begin : begin + batch_size]
                ]
                yield np.stack(pictures).astype("float32") / 127.5 - 1

    return tf.data.Dataset.from_generator(
        generate, output_signature=tf.TensorSpec((batch_size, 32, 32, 3), tf.float32)
    )


with tempfile.TemporaryDirectory() as folder:
    for index, image in enumerate(images[:500]):
        pixels = Image.fromarray(np.rint((image + 1) * 127.5).astype("uint8"))
        pixels.resize(FILE_SIZE, Image.Resampling.BICUBIC).save(Path(folder) / f"{index:03}.png")
    ours = gl.data.from_directory(folder, image_size=32, batch_size=64, drop_remainder=True).repeat()
    runs = {
        "one fixed batch": (gan, one_batch(images)),
        "the course's way": (gan, ours),
        "read each time": (gan, read_each_time(folder)),
    }
    input_times = measure(runs, steps=20)
table(input_times)

# %% [markdown]
# **What to look for.** The second ratio should be near 1, the third well above: what is read anew for every batch is
# the brake, though each file is small. Where yours are, let the one line tell.
#
# **Exercise 3.** A friend measures, in ms a step: on the data set 120; on one fixed batch 75. (a) How many ms of
# a step are spent waiting? (b) By what factor would the training become faster with a perfect pipeline? (c) And
# by what factor with a graphics card that takes 5 ms a step, and the pipeline as it is, which brings a batch every
# 120 ms?

# %%
waiting = {"a": ..., "b": ..., "c": ...}
gl.checks.faster.waiting(waiting)

# %% [markdown]
# ## 4. Small steps: what surrounds the work
#
# Around every step Python calls TensorFlow, callbacks are asked, numbers go to and fro: a
# millisecond or so, whatever the networks. For a DCGAN that is nothing. For a tiny network it is most of the time. Two
# options of `compile` are there for it:
#
# - `steps_per_execution=10`: ten steps in one call. Callbacks hear of every tenth batch only.
# - `jit_compile=True`: XLA joins many small operations into few (Adam's update of a weight is a dozen of them). It
#   takes seconds to compile. Its convolutions on a CPU are not as good as TensorFlow's own. Keras's `"auto"` uses
#   it on GPUs alone.
#
# A GAN on points of the plane, as in lesson {{lesson:wgan}}, the MLP GAN, and the DCGAN:


# %%
def tiny_gan(**options):
    def network(inputs, outputs):
        hidden = [keras.layers.Dense(32, activation="relu") for _ in range(2)]
        return keras.Sequential([keras.Input((inputs,)), *hidden, keras.layers.Dense(outputs)])

    return make_gan(network(100, 2), network(2, 1), **options)


points = gl.toys.ring().sample(1000, seed=0)
settings = {
    "plain": {"jit_compile": False},
    "XLA": {"jit_compile": True},
    "10 steps a call": {"jit_compile": False, "steps_per_execution": 10},
}
if not FAST:
    settings["both"] = {"jit_compile": True, "steps_per_execution": 10}
option_times = {}
for name, make, data, steps in [("tiny", tiny_gan, points, 200), ("MLP GAN", mlp_gan, digits, 100)]:
    print(name)
    runs = {setting: (make(**options), one_batch(data)) for setting, options in settings.items()}
    option_times[name] = measure(runs, steps)
    table(option_times[name])

print("DCGAN")
dcgans = {"plain": gan, "XLA": dcgan(jit_compile=True)}
if not FAST:
    dcgans["10 steps a call"] = dcgan(jit_compile=False, steps_per_execution=10)
option_times["DCGAN"] = measure({setting: (one, one_batch(images)) for setting, one in dcgans.items()}, steps=40)
table(option_times["DCGAN"])

# %% [markdown]
# **What to look for.** Several steps a call save most where a step has hardly any work, and little where it has much.
# XLA is another matter: it gains where a step is dense layers and Adam, and loses, by a third or more, where it is
# convolutions. In a tiny step a call of compiled code costs as much as it saves. For your own networks, measure;
# a few lines are all it takes.
#
# **Exercise 4.** Of a step of 2 ms, 0.5 ms is what surrounds the work, once for each call. How long is a step with
# `steps_per_execution=10`? And what would be the most that *any* number of steps a call can save, in per cent?

# %%
per_call = {"ms a step, 10 a call": ..., "most that can be saved, %": ...}
gl.checks.faster.steps_per_call(per_call)

# %% [markdown]
# ## 5. Fewer bits
#
# Numbers of 16 bits halve what has to be moved, and processors with instructions for them multiply twice as
# many, or far more where there are units for whole matrices. There are two formats, and the difference matters
# for GANs.
#
# | | bits for the exponent | for the fraction | smallest number > 0 | next number after 1 |
# | --- | --- | --- | --- | --- |
# | float32 | 8 | 23 | 1e-45 | 1 + 1.2e-7 |
# | bfloat16 | 8 | 7 | 9e-41 | 1 + 0.0078 |
# | float16 | 5 | 10 | 6e-8 | 1 + 0.00098 |
#
# **bfloat16 is coarse; float16 is short.** The cell shows both faults. A weight of 1 does not notice a step of
# 0.002 in bfloat16: so in Keras's *mixed* policies **weights and optimizers stay float32**, and only the layers
# compute in 16 bits. A gradient of 1e-8 is 0 in float16: so under `mixed_float16` the loss is multiplied by a
# large number before the way back, and the gradients divided by it after. Keras does so for *one* optimizer;
# `gl.GAN` has two, and scales both. bfloat16 needs none of that.

# %%
for name in ("float32", "bfloat16", "float16"):
    one_and_a_bit = tf.cast(1.0, name) + tf.cast(0.002, name)
    small = tf.cast(tf.constant(1e-8), name)
    print(f"{name:9} 1 + 0.002 = {float(one_and_a_bit):.6f}     a gradient of 1e-8 is {float(small):.1e}")
assert float(tf.cast(1.0, "bfloat16") + tf.cast(0.002, "bfloat16")) == 1 and float(tf.cast(1e-8, "float16")) == 0


# %%
def in_bfloat16(make):
    """A GAN whose layers compute in bfloat16. The policy is global while layers are made, and put back after."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return make()
    finally:
        keras.config.set_dtype_policy("float32")


half = in_bfloat16(dcgan)
kinds = {str(weight.dtype) for weight in half.generator.trainable_variables}
print(f"weights: {kinds}; layers compute in {half.generator.layers[2].compute_dtype}")
assert kinds == {"float32"} and half.generator.layers[2].compute_dtype == "bfloat16"
bfloat16_times = measure({"float32": (gan, one_batch(images)), "bfloat16": (half, one_batch(images))}, steps=20)
table(bfloat16_times)

# %% [markdown]
# **When to use it.** A ratio below 1: your processor has instructions for bfloat16 (Intel since Cooper Lake and
# Sapphire Rapids, AMD since Zen 4, many graphics cards). Above 1: it has not, and emulates them; leave it off, and for
# MLPs, where there is nothing to gain even with them. Over three seeds the images of such a DCGAN scored no worse. The
# losses themselves are computed in float32 in any case: `gl.GAN` turns D's answers back first.
#
# **Exercise 5.** Numbers in bfloat16 near 1 are 1/128 apart. A weight of 1.0 kept *in bfloat16* gets steps of
# 0.001, rounded to the nearest number after each. What is it after 1,000 steps of +0.001? And what would it be in
# float32, to one decimal?

# %%
after_1000_steps = {"bfloat16": ..., "float32": ...}
gl.checks.faster.rounding(after_1000_steps)

# %% [markdown]
# ## 6. Several devices
#
# Under `tf.distribute.MirroredStrategy` every device holds a copy of the networks and trains on its share of the
# batch; the gradients are added up, and all take the same step. So the *mathematics* is that of the whole batch,
# as long as no layer looks at several images at once (BatchNorm does: each device takes the statistics of its own
# share).
#
# That can be checked without a second device: TensorFlow cuts the processor into two. It has to be told before it
# does anything else, therefore in a process of its own. The script is all that one needs for two real devices,
# too, without its first two lines.

# %%
script = """
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)

import keras, numpy as np
import gan_lessons as gl

def trained(strategy):
    keras.utils.set_random_seed(0)
    with strategy.scope():                                   # networks, GAN and compile() inside, fit() anywhere
        gan = gl.GAN(gl.networks.mlp_generator((28, 28, 1), units=(64,)),
                     gl.networks.mlp_discriminator((28, 28, 1), units=(64,)), latent_dim=100, seed=1)
        gan.compile(generator_optimizer=keras.optimizers.SGD(0.01), discriminator_optimizer=keras.optimizers.SGD(0.01))
    images = np.random.default_rng(0).uniform(-1, 1, (256, 28, 28, 1)).astype("float32")
    history = gan.fit(images, batch_size=64, epochs=2, shuffle=False, verbose=0).history
    return gan.discriminator.get_weights(), history["d_loss"][-1]

one, one_loss = trained(tf.distribute.get_strategy())
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice())
two, two_loss = trained(strategy)
print("devices:", strategy.num_replicas_in_sync)
print(f"D's loss: {one_loss:.4f} on one, {two_loss:.4f} on two")
"""
result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
print(result.stdout or result.stderr[-2000:])
assert result.returncode == 0

# %% [markdown]
# The losses agree but for the latents: each device draws its own. (The package's tests give both the same latents
# and hold every weight against the other to five digits.) It is not *faster* here, since the two halves of a
# processor are no more than the whole. With two graphics cards it is, if each still has enough to do: so one
# doubles the batch with the devices, and then a larger learning rate is worth trying (Goyal 2017).
#
# ## 7. What it gave
#
# All in one table, from this machine. Above 1 is slower than the plain way, below 1 faster.

# %%
summary = {
    "images: read each time": input_times["read each time"] / input_times["one fixed batch"],
    "images: the course's way": input_times["the course's way"] / input_times["one fixed batch"],
    "tiny GAN: XLA": option_times["tiny"]["XLA"] / option_times["tiny"]["plain"],
    "tiny GAN: 10 steps a call": option_times["tiny"]["10 steps a call"] / option_times["tiny"]["plain"],
    "MLP GAN: XLA": option_times["MLP GAN"]["XLA"] / option_times["MLP GAN"]["plain"],
    "MLP GAN: 10 steps a call": option_times["MLP GAN"]["10 steps a call"] / option_times["MLP GAN"]["plain"],
    "DCGAN: XLA": option_times["DCGAN"]["XLA"] / option_times["DCGAN"]["plain"],
    "DCGAN: Keras's BatchNorm": batch_norm_times["Keras's own"] / batch_norm_times["one kernel"],
    "WGAN-GP: zeros taken back": zeros_times["zeros taken back"] / zeros_times["nothing taken back"],
    "DCGAN: shared fakes": sharing_times["shared fakes"] / sharing_times["fresh fakes"],
    "DCGAN: bfloat16": bfloat16_times["bfloat16"] / bfloat16_times["float32"],
}
figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
for row, (name, ratios) in enumerate(reversed(summary.items())):
    low, middle, high = np.percentile(ratios, (25, 50, 75))
    axes.plot([low, high], [row, row], color="0.6", lw=3)
    axes.plot(middle, row, "o", color="tab:blue" if middle < 1 else "tab:orange")
    print(f"{name:28} {middle:5.2f}")
axes.axvline(1, color="black", lw=0.8)
axes.set(yticks=range(len(summary)), yticklabels=list(reversed(summary)), title="This machine: faster to the left")
axes.set(xscale="log", xlabel="time of a step over that of the plain way (median and quartiles)")
axes.set_xticks([0.5, 0.7, 1, 1.5, 2, 3], labels=["0.5", "0.7", "1", "1.5", "2", "3"])
axes.minorticks_off()
plt.show()

# %% [markdown]
# ## Recap
#
# - A step of a GAN costs about $4g + 8d$ products an image. Over the machine's best rate that is the floor.
# - A profile says which operations that goes into; for a DCGAN, mostly convolutions. What it lists besides is worth a
#   look: simple operations cost what their passes over memory cost, and one kernel for many saves passes. And where it
#   has more than was counted, something is done for nothing: in WGAN-GP a backward pass of zeros.
# - One fixed batch instead of the data set tells whether the images are the brake.
# - Several steps a call save what surrounds the work: much for tiny networks, little for large ones. XLA gains with
#   dense layers and loses, on a CPU, with convolutions.
# - bfloat16 is coarse, float16 is short. Weights stay float32; float16 needs its losses scaled, for both players.
# - Several devices add their gradients up: the same mathematics as one device on the whole batch, BatchNorm aside.
# - Measure, in turn, and look at ratios.

# %%
gl.checks.report("faster")

# %% [markdown]
# **References**
#
# - Micikevicius et al.: Mixed Precision Training, 2017, [arXiv:1710.03740](https://arxiv.org/abs/1710.03740)
# - Kalamkar et al.: A Study of BFLOAT16 for Deep Learning Training, 2019,
#   [arXiv:1905.12322](https://arxiv.org/abs/1905.12322)
# - Goyal et al.: Accurate, Large Minibatch SGD, 2017, [arXiv:1706.02677](https://arxiv.org/abs/1706.02677)
# - Williams, Waterman, Patterson: Roofline, 2009, doi:10.1145/1498765.1498785: what a machine can do at best
#
# Next: {{next}}
