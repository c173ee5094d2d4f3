"""Trains the two classifiers whose features the scores are measured in: `python data/train_features.py mnist cifar10`.

Each is a small convolutional network that ends in the mean over the picture of its last maps (the features) and one
softmax layer. It is trained with BatchNormalization on the real training set, then folded: normalisation becomes part
of the convolutions, and weights are rounded to half precision. `portable.py` writes the folded network beside this
script, to `mnist_features.keras` and `cifar10_features.keras`; `features.json` says how many pictures of the test set,
of which nothing was used in training, it classifies rightly.

The sets must be on this machine or on the network (`TFDS_DATA_DIR`). On two CPU cores MNIST takes a few minutes,
CIFAR-10 a quarter of an hour. The bundled network for CIFAR-10 was trained on images that had been through JPEG once
(26 to 34 dB), and its accuracy was measured on such.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
import portable
import tensorflow as tf
from keras import layers

import gan_lessons as gl

# Filters and stride of each 3×3 convolution, epochs, the largest shift in pixels, and whether a mirrored picture is one
# of the same class.
SETTINGS = {
    "mnist": {"convolutions": [(32, 1), (32, 2), (64, 1), (64, 2), (64, 1)], "epochs": 6, "shift": 2, "flip": False},
    "cifar10": {
        "convolutions": [(32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1)],
        "epochs": 10,
        "shift": 4,
        "flip": True,
    },
}
BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 128, 0.1, 5e-4


def network(image_shape, convolutions, classes, normalised, name):
    """The classifier: while it is trained (`normalised`), and with normalisation folded into the convolutions."""
    images = maps = keras.Input(image_shape, name="images")
    for index, (filters, stride) in enumerate(convolutions):
        maps = layers.Conv2D(
            filters, 3, stride, "same", use_bias=not normalised, kernel_initializer="he_normal", name=f"conv_{index}"
        )(maps)
        if normalised:
            maps = layers.BatchNormalization(momentum=0.9, name=f"norm_{index}")(maps)
        maps = layers.ReLU(name=f"relu_{index}")(maps)
    features = layers.GlobalAveragePooling2D(name="features")(maps)
    return keras.Model(images, layers.Dense(classes, "softmax", dtype="float32", name="classes")(features), name=name)


def batches(images, labels, shift, flip, seed):
    """Endless batches, each shifted by up to `shift` pixels; of pictures with two sides, about half are mirrored."""
    height, width = images.shape[1:3]
    black = np.rint((images + 1) * 127.5).astype("uint8")  # a quarter of the memory
    margins = [(0, 0), (shift, shift), (shift, shift), (0, 0)]
    pictures, answers = tf.constant(np.pad(black, margins)), tf.constant(labels)

    def batch_of(numbers, seed):
        top, left = tf.unstack(tf.random.stateless_uniform((2,), seed, 0, 2 * shift + 1, tf.int32))
        batch = tf.gather(pictures, numbers)[:, top : top + height, left : left + width]
        if flip:
            mirrored = tf.random.stateless_uniform((BATCH_SIZE, 1, 1, 1), seed + 1) < 0.5
            batch = tf.where(mirrored, batch[:, :, ::-1], batch)
        return tf.cast(batch, tf.float32) / 127.5 - 1.0, tf.gather(answers, numbers)

    numbers = tf.data.Dataset.range(len(images)).shuffle(len(images), seed=seed).repeat()
    seeds = tf.data.Dataset.random(seed=seed).batch(2, drop_remainder=True)
    both = tf.data.Dataset.zip(numbers.batch(BATCH_SIZE, drop_remainder=True), seeds)
    return both.map(batch_of).prefetch(4)


def folded(trained, image_shape, convolutions, classes, name):
    """The same network without normalisation, its weights in half precision: y = γ (w∗x − μ)/σ + β = (γ/σ) w∗x + …"""
    model = network(image_shape, convolutions, classes, normalised=False, name=name)
    for index in range(len(convolutions)):
        (kernel,) = trained.get_layer(f"conv_{index}").get_weights()
        norm = trained.get_layer(f"norm_{index}")
        gamma, beta, mean, variance = (np.asarray(weight, "float64") for weight in norm.get_weights())
        scale = gamma / np.sqrt(variance + norm.epsilon)
        model.get_layer(f"conv_{index}").set_weights([kernel * scale, beta - mean * scale])
    model.get_layer("classes").set_weights(trained.get_layer("classes").get_weights())
    model.set_weights([weight.astype("float16").astype("float32") for weight in model.get_weights()])
    return model


def accuracy(model, images, labels):
    return float((model.predict(images, batch_size=500, verbose=0).argmax(1) == labels).mean())


def train(name, epochs, folder):
    setting = SETTINGS[name]
    epochs = epochs or setting["epochs"]
    keras.utils.set_random_seed(0)
    images, labels, info = gl.data.arrays(name, allow_stand_in=False)
    test_images, test_labels, _ = gl.data.arrays(name, split="test", allow_stand_in=False)
    classes, steps = int(labels.max()) + 1, len(images) // BATCH_SIZE

    keras.config.set_dtype_policy("mixed_bfloat16")  # 1.4 times as fast on processors that have it
    model = network(info.image_shape, setting["convolutions"], classes, normalised=True, name=f"{name}_training")
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, (epochs - 1) * steps, warmup_target=LEARNING_RATE, warmup_steps=steps
    )
    model.compile(
        keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    begin = time.perf_counter()
    model.fit(
        batches(images, labels, setting["shift"], setting["flip"], seed=0),
        steps_per_epoch=steps,
        epochs=epochs,
        shuffle=False,
        verbose=2,
    )
    minutes = (time.perf_counter() - begin) / 60
    keras.config.set_dtype_policy("float32")
    small = folded(model, info.image_shape, setting["convolutions"], classes, f"{name}_features")
    path = folder / f"{name}_features.keras"
    portable.write(small, path)
    right = accuracy(keras.models.load_model(path, compile=False), test_images, test_labels)
    print(
        f"{path.name}: {right:.2%} of {len(test_images):,} test pictures; before rounding and folding "
        f"{accuracy(model, test_images, test_labels):.2%}; {small.count_params():,} weights, "
        f"{path.stat().st_size:,} bytes; {epochs} epochs in {minutes:.0f} minutes"
    )
    return {"test_accuracy": round(right, 4), "test_images": len(test_images), "epochs": epochs}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*SETTINGS, []], help="which; by default both")
    parser.add_argument("--epochs", type=int, help="in place of the number in SETTINGS")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="the folder to write to")
    arguments = parser.parse_args()
    record = arguments.to / "features.json"
    for name in arguments.names or SETTINGS:
        result = train(name, arguments.epochs, arguments.to)
        known = json.loads(record.read_text()) if record.exists() else {}
        record.write_text(json.dumps(known | {name: result}, indent=2) + "\n")


if __name__ == "__main__":
    main()
