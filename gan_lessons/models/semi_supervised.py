"""A discriminator that classifies: few labels, many images without."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons import _arguments, validation
from gan_lessons.batches import Batch, Part
from gan_lessons.models.adversarial import AdversarialModel
from gan_lessons.models.conditional import cross_entropy
from gan_lessons.models.game import FromLatents


@keras.saving.register_keras_serializable("gan_lessons")
class SemiSupervisedGAN(FromLatents, AdversarialModel):
    """A classifier of K classes that is D as well, and a generator that keeps it from being lazy.

    D has K class logits l_k; "generated" is a class K + 1 whose logit is fixed at 0. Then

        D(x) = Σ_k e^{l_k} / (Σ_k e^{l_k} + 1) = σ(log Σ_k e^{l_k})

    is the probability that x is real, and log Σ_k e^{l_k} its logit. D's loss has three parts: the cross-entropy of the few
    labelled images, −E[log D(x)] of images without labels, and −E[log(1 − D(G(z)))] of generated ones. G matches features:

        ‖E[f(x)] − E[f(G(z))]‖²,  f(x) the features that D's last layer takes.

    The paper found that this G makes worse images and a better classifier than one that plays the game itself.

    Args:
        generator: a Keras model from latents of shape (batch, latent_dim) to images.
        discriminator: a Keras model from images to [class logits of shape (batch, K), features of shape (batch, n)]:
            `gl.conditioning.with_features(classifier)`.
        latent_dim: the length of a latent vector; latents are drawn from N(0, 1).
        seed: an integer fixes the latents drawn while training. By default they follow `keras.utils.set_random_seed`.
        **kwargs: `name` and `dtype`, as for every `keras.Model`.

    A batch has three parts: `images` without labels, and `labelled` images with their `labels`, as many of each. There are
    few labelled ones: repeat them.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if the networks do not fit each other.

    Example:
        >>> classifier = keras.Sequential([keras.Input((28, 28, 1)), …, layers.Dense(10)])
        >>> discriminator = gl.conditioning.with_features(classifier)
        >>> gan = SemiSupervisedGAN(gl.networks.mlp_generator((28, 28, 1)), discriminator, latent_dim=100)
        >>> gan.compile(generator_optimizer=keras.optimizers.Adam(3e-4, 0.5),
        ...             discriminator_optimizer=keras.optimizers.Adam(3e-4, 0.5))
        >>> few = np.resize(np.arange(100), len(images))                    # 0, 1, …, 99, 0, 1, …
        >>> gan.fit((images, labelled[few], labels[few]), epochs=20)
        >>> gan.classify(images).shape
        (60000, 10)

    The history has `d_loss` and `g_loss`; `class_loss` and `class_accuracy` on the labelled images; `d_real` and `d_fake`.

    Reference:
        Salimans et al., Improved Techniques for Training GANs, 2016, arXiv:1606.03498, sections 3.1 and 5
    """

    player_names = ("generator", "discriminator")

    def __init__(self, generator, discriminator, latent_dim: int, *, seed: int | None = None, **kwargs):
        latent_dim = _arguments.integer("latent_dim", latent_dim)
        latents = np.zeros((2, latent_dim), "float32")
        images = validation.trial("generator", generator, latents, "latents")
        outputs = validation.trial("discriminator", discriminator, images, "images")
        if not isinstance(outputs, (list, tuple)) or [len(output.shape) for output in outputs] != [2, 2]:
            raise ValueError(
                "discriminator must have two outputs, class logits of shape (batch, K) and features of shape (batch, n). "
                f"Received: outputs of shapes {[(None, *output.shape[1:]) for output in tf.nest.flatten(outputs)]}. "
                "Make it with gan_lessons.conditioning.with_features(classifier)."
            )

        super().__init__(seed=seed, **kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.latent_dim = latent_dim
        self.num_classes = int(outputs[0].shape[1])

        value_range = validation.RANGES.get(validation.last_activation(generator))
        pictures = Part(tuple(images.shape[1:]), value_range, reach="the generator's last activation can reach")
        labels = Part((), value_range=(0, self.num_classes - 1), integer=True)
        self.batch = Batch({"images": pictures, "labelled": pictures, "labels": labels})
        self.call_inputs = Batch({"latents": Part((latent_dim,))})
        self.track("d_loss", "g_loss", "class_loss", "class_accuracy", "d_real", "d_fake")

    # --- the game ----------------------------------------------------------------------------------------------------

    def train_step(self, data):
        """One batch: D's turn, then G's."""
        images, labelled, labels = self.read(data)
        fakes = self.generator(self.draw_latents(ops.shape(images)[0]), training=True)
        with tf.GradientTape() as tape:
            d_loss = self.discriminators_loss(images, fakes, labelled, labels)
        self.log(d_loss=self.descend("discriminator", d_loss, tape))

        with tf.GradientTape() as tape:
            fakes = self.generator(self.draw_latents(ops.shape(images)[0]), training=True)
            g_loss = self.generators_loss(images, fakes)
        self.log(g_loss=self.descend("generator", g_loss, tape))

    def discriminators_loss(self, images, fakes, labelled, labels, training=True):
        """Computes what D descends: which class, real or generated."""
        classes, _ = self.judge(labelled, training)
        class_loss = cross_entropy(labels, classes)
        right = ops.cast(ops.argmax(classes, axis=-1), "int32") == ops.cast(labels, "int32")
        real, fake = (ops.logsumexp(self.judge(x, training)[0], axis=-1) for x in (images, fakes))
        self.log(
            class_loss=class_loss,
            class_accuracy=ops.mean(ops.cast(right, "float32")),
            d_real=ops.mean(ops.sigmoid(real)),
            d_fake=ops.mean(ops.sigmoid(fake)),
        )
        return class_loss + ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))

    def generators_loss(self, images, fakes, training=True):
        """Computes what G descends: the squared distance of the mean features."""
        (_, of_real), (_, of_fakes) = self.judge(images, training), self.judge(fakes, training)
        return ops.sum(ops.square(ops.mean(of_real, axis=0) - ops.mean(of_fakes, axis=0)))

    def judge(self, images, training=True):
        """(D's class logits, its features) in full precision."""
        return [ops.cast(output, keras.config.floatx()) for output in self.discriminator(images, training=training)]

    def test_step(self, data):
        """The same losses on one batch, with nothing learnt."""
        images, labelled, labels = self.read(data)
        fakes = self.generator(self.draw_latents(ops.shape(images)[0]), training=False)
        d_loss = self.discriminators_loss(images, fakes, labelled, labels, training=False)
        self.log(
            d_loss=d_loss + self.layer_losses("discriminator"),
            g_loss=self.generators_loss(images, fakes, training=False) + self.layer_losses("generator"),
        )

    # --- outputs -----------------------------------------------------------------------------------------------------

    def classify(self, images, batch_size: int = 256) -> np.ndarray:
        """Returns the probability of each class, given that the image is real: softmax(l), of shape (count, K).

        Args:
            images: an array of shape (count, height, width, channels), in the generator's range.
            batch_size: how many images are classified at a time.

        It computes with the average of D's weights, where D's optimizer keeps one.
        """
        logits, _ = self.compute("discriminator", np.asarray(images, "float32"), batch_size)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)
