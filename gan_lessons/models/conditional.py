"""The game with labels: both players see which class a sample is to be of."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons import _arguments, objectives, validation
from gan_lessons.batches import Batch, Part
from gan_lessons.models.adversarial import AdversarialModel
from gan_lessons.models.game import FromLatents, Game


@keras.saving.register_keras_serializable("gan_lessons")
class ConditionalGAN(FromLatents, Game, AdversarialModel):
    """A generator G: (z, y) ↦ image of class y, trained against a discriminator D: (image, y) ↦ logit.

    D judges pairs. A real image with its label is real; a generated image, with the label that it was made for, is not. An
    image that looks real and has the wrong label gives itself away, so G has to make what it is asked for. How D uses the
    label is a matter of its network (see `gan_lessons.conditioning`): as maps beside the image, or as a projection.

    If D has a second output, it is an *auxiliary classifier*: K logits, one a class. Its cross-entropy on real images is
    then a part of D's loss, and on generated ones a part of G's, both times `classifier_weight`. Such a D needs no labels
    as input: one that takes images alone is called with images alone.

    Args:
        generator: a Keras model from [latents (batch, latent_dim), labels (batch,)] to images. Labels are int32.
        discriminator: a Keras model from [images, labels], or from images alone, to logits of shape (batch, 1), or to
            [logits, class logits of shape (batch, num_classes)].
        latent_dim: the length of a latent vector; latents are drawn from N(0, 1).
        num_classes: K, the number of labels, 0 to K − 1.
        objective, penalty, generator_penalty, discriminator_steps: as for `GAN`. A penalty is computed for pairs of an
            image and its label; the slope is that in the image.
        classifier_weight: the weight of the classifier's losses; without a second output of D it has no effect.
        seed: an integer fixes the latents drawn while training. By default they follow `keras.utils.set_random_seed`.
        **kwargs: `name` and `dtype`, as for every `keras.Model`.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if the networks do not fit each other.

    Example:
        >>> generator = gl.conditioning.conditional_generator(gl.networks.mlp_generator((28, 28, 1), 64 + 10), 10)
        >>> discriminator = gl.conditioning.projection_discriminator(gl.networks.mlp_discriminator((28, 28, 1)), 10)
        >>> gan = ConditionalGAN(generator, discriminator, latent_dim=64, num_classes=10)
        >>> gan.compile(generator_optimizer="adam", discriminator_optimizer="adam")
        >>> gan.fit((images, labels), epochs=20)
        >>> gan.generate(labels=[3, 3, 7], seed=0).shape
        (3, 28, 28, 1)

    The history has what that of `GAN` has and, with a classifier, `class_loss`, its cross-entropy on real images, and
    `class_agreement`, the share of generated images that it takes for what they were made for.

    References:
        Mirza and Osindero, Conditional Generative Adversarial Nets, 2014, arXiv:1411.1784
        Odena et al., Conditional Image Synthesis with Auxiliary Classifier GANs, 2016, arXiv:1610.09585
        Miyato and Koyama, cGANs with Projection Discriminator, 2018, arXiv:1802.05637
    """

    player_names = ("generator", "discriminator")

    def __init__(
        self,
        generator,
        discriminator,
        latent_dim: int,
        num_classes: int,
        *,
        objective="non_saturating",
        penalty=None,
        generator_penalty=None,
        discriminator_steps: int = 1,
        classifier_weight: float = 1.0,
        seed: int | None = None,
        **kwargs,
    ):
        latent_dim = _arguments.integer("latent_dim", latent_dim)
        num_classes = _arguments.integer("num_classes", num_classes, least=2)
        trial = [np.zeros((2, latent_dim), "float32"), np.zeros(2, "int32")]
        images = validation.trial("generator", generator, trial, "[latents, labels]")
        self._check_images(images)
        takes_labels = len(getattr(discriminator, "inputs", None) or [0, 0]) > 1
        shown = [images, trial[1]] if takes_labels else images
        outputs = validation.trial(
            "discriminator", discriminator, shown, "[images, labels]" if takes_labels else "images"
        )
        logits, classes = outputs if isinstance(outputs, (list, tuple)) and len(outputs) == 2 else (outputs, None)
        validation.check_logits(logits, 2)
        if classes is not None and tuple(classes.shape) != (2, num_classes):
            raise ValueError(
                "The second output of discriminator must have a logit for each class, shape (batch, num_classes). "
                f"Received: shape {(None, *classes.shape[1:])}, num_classes={num_classes}."
            )
        if not takes_labels and classes is None:
            raise ValueError(
                "The discriminator must use labels: as a second input, or as a second output, a classifier. "
                "Received: discriminator with one input and one output. See gan_lessons.conditioning."
            )

        super().__init__(seed=seed, **kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.latent_dim = latent_dim
        self.num_classes = num_classes
        self.objective = objectives.get(objective)
        self.penalty = penalty
        self.generator_penalty = generator_penalty
        self.discriminator_steps = _arguments.integer("discriminator_steps", discriminator_steps)
        self.classifier_weight = _arguments.not_negative("classifier_weight", classifier_weight)
        self._takes_labels, self._has_classifier = takes_labels, classes is not None

        value_range = validation.RANGES.get(validation.last_activation(generator))
        pictures = Part(tuple(images.shape[1:]), value_range, reach="the generator's last activation can reach")
        labels = Part((), value_range=(0, num_classes - 1), integer=True)
        self.batch = Batch({"images": pictures, "labels": labels})
        self.call_inputs = Batch({"latents": Part((latent_dim,)), "labels": labels})
        self.track_game()
        if self._has_classifier:
            self.track("class_loss", "class_agreement")

    @staticmethod
    def _check_images(images):
        if not hasattr(images, "shape") or len(images.shape) < 2 or images.shape[0] != 2:
            raise ValueError(
                "The generator must make one sample of each latent and label. "
                f"Received: {getattr(images, 'shape', type(images).__name__)} for 2 latents."
            )

    # --- the game ----------------------------------------------------------------------------------------------------

    def train_step(self, data):
        """One batch: D's turn and, on every `discriminator_steps`-th batch, G's."""
        images, labels = self.read(data)

        # D's turn. The fakes have the batch's own labels: D sees each class as often fake as real.
        fakes = self.generator([self.draw_latents(ops.shape(labels)[0]), labels], training=True)
        with tf.GradientTape() as tape:
            d_loss = self.discriminators_loss(images, fakes, labels)
        self.log(d_loss=self.descend("discriminator", d_loss, tape))

        # G's turn.
        self.every(self.discriminator_steps, self.generators_turn, images, labels)

    def generators_turn(self, images, labels):
        """One step of G."""
        with tf.GradientTape() as tape:
            fakes = self.generator([self.draw_latents(ops.shape(labels)[0]), labels], training=True)
            g_loss = self.generators_loss(images, fakes, labels)
        self.log(g_loss=self.descend("generator", g_loss, tape))

    def discriminators_loss(self, images, fakes, labels, training=True):
        """Computes what D descends: the objective's loss on pairs, penalties, the classifier's loss on real images."""
        discriminate = lambda pair: self.judge(*pair, training)[0]  # noqa: E731
        real_logits, classes = self.judge(images, labels, training)
        fake_logits = discriminate((fakes, labels))
        self.log(**self.objective_log(real_logits, fake_logits))
        loss = self.objective.discriminator_loss(real_logits, fake_logits)
        loss = loss + self.penalise("penalty", discriminate, (images, labels), (fakes, labels), training)
        if self._has_classifier:
            class_loss = cross_entropy(labels, classes)
            self.log(class_loss=class_loss)
            loss = loss + self.classifier_weight * class_loss
        return loss

    def generators_loss(self, images, fakes, labels, training=True):
        """Computes what G descends: the objective's loss of its fakes, penalties, the classifier's loss on fakes."""
        discriminate = lambda pair: self.judge(*pair, training)[0]  # noqa: E731
        fake_logits, classes = self.judge(fakes, labels, training)
        loss = self.generator_objective(fake_logits, (images, labels), discriminate)
        loss = loss + self.penalise("generator_penalty", discriminate, (images, labels), (fakes, labels), training)
        if self._has_classifier:
            taken_for = ops.cast(ops.argmax(classes, axis=-1), "int32")
            self.log(class_agreement=ops.mean(ops.cast(taken_for == ops.cast(labels, "int32"), "float32")))
            loss = loss + self.classifier_weight * cross_entropy(labels, classes)
        return loss

    def judge(self, images, labels, training=True):
        """Returns D's logits on pairs and, if it has a classifier, its class logits (else None), in full precision."""
        outputs = self.discriminator([images, labels] if self._takes_labels else images, training=training)
        logits, classes = outputs if self._has_classifier else (outputs, None)
        full = keras.config.floatx()
        return ops.cast(logits, full), None if classes is None else ops.cast(classes, full)

    def test_step(self, data):
        """The same losses on one batch, with nothing learnt."""
        images, labels = self.read(data)
        fakes = self.generator([self.draw_latents(ops.shape(labels)[0]), labels], training=False)
        d_loss = self.discriminators_loss(images, fakes, labels, training=False)
        g_loss = self.generators_loss(images, fakes, labels, training=False)
        self.log(
            d_loss=d_loss + self.layer_losses("discriminator"),
            g_loss=g_loss + self.layer_losses("generator"),
        )

    # --- images from latents and labels ------------------------------------------------------------------------------

    def call(self, inputs, training=False):
        """Returns the generator's images for (latents, labels), by the average of its weights if it has one."""
        latents, labels = inputs
        if training:
            return self.generator([latents, labels], training=True)
        with self.average_of("generator"):
            return self.generator([latents, labels], training=False)

    def generate(
        self, count: int | None = None, seed: int | None = None, labels=None, latents=None, batch_size: int = 256
    ) -> np.ndarray:
        """Makes images of the classes asked for.

        Args:
            count: how many. Not needed with `labels` or `latents`.
            seed: an integer for the same latents every time; None for others each time.
            labels: a class for each image. By default 0, 1, …, K − 1, and again from 0.
            latents: latents of your own, of shape (count, latent_dim), in place of drawn ones.
            batch_size: how many images are made at a time.

        Returns:
            A NumPy array of shape (count, height, width, channels), float32, in the generator's range.

        Raises:
            ValueError: if nothing tells how many, if the numbers disagree, or for a label that is none of the classes.
        """
        if labels is not None:
            labels = checked_labels(labels, self.num_classes)
            if count not in (None, len(labels)):
                raise ValueError(f"count must be the number of labels. Received: {count=}, {len(labels)} labels.")
            count = len(labels)
        latents = self.given_latents(count, seed, latents)
        if labels is None:
            labels = np.arange(len(latents), dtype="int32") % self.num_classes
        return self.compute("generator", [latents, labels], batch_size)

    def measuring_inputs(self, name):
        """Returns 512 latents, always the same, with labels in turn: see `FromLatents`."""
        if name != "generator":
            return None
        return [keras.random.normal((512, self.latent_dim), seed=0), ops.arange(512, dtype="int32") % self.num_classes]


def cross_entropy(labels, logits):
    """Returns the mean of −log softmax(logits)[label], for integer labels (batch,) and class logits (batch, K)."""
    return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def checked_labels(labels, num_classes: int) -> np.ndarray:
    """Returns labels as an int32 array of shape (count,).

    Args:
        labels: integers from 0 to num_classes − 1.
        num_classes: the number of classes.

    Raises:
        TypeError, ValueError: if they are anything else.
    """
    array = np.asarray(labels if hasattr(labels, "shape") else list(labels))
    rule = f"labels must be integers from 0 to {num_classes - 1}, one for each image"
    if array.ndim != 1 or not len(array) or not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{rule}. Received: labels of shape {array.shape}, {array.dtype}.")
    if array.min() < 0 or array.max() >= num_classes:
        raise ValueError(f"{rule}. Received: labels from {array.min()} to {array.max()}.")
    return array.astype("int32")
