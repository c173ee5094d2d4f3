"""The game: a generator against a discriminator.

`GAN.train_step` is the algorithm of Goodfellow et al. (arXiv:1406.2661) in Keras, to be read from top to bottom. What may
vary is handed in: the two networks, the objective that they play for, penalties on either player.
"""

import warnings

import keras
import tensorflow as tf
from keras import ops

from gan_lessons import _arguments, augmentation, objectives, validation
from gan_lessons.batches import Batch, Part
from gan_lessons.models.adversarial import AdversarialModel
from gan_lessons.models.game import FromLatents, Game


@keras.saving.register_keras_serializable("gan_lessons")
class GAN(FromLatents, Game, AdversarialModel):
    """A generator G: z ↦ image, trained against a discriminator D: image ↦ logit.

    On each batch D takes a step down `objective.discriminator_loss`, plus the penalty; on every
    `discriminator_steps`-th batch G then takes a step down `objective.generator_loss`.

    Args:
        generator: a Keras model from latents of shape (batch, latent_dim) to images.
        discriminator: a Keras model from images to logits of shape (batch, 1), without a sigmoid at the end.
        latent_dim: the length of a latent vector; latents are drawn from N(0, 1).
        objective: "minimax", "non_saturating", "wasserstein", "least_squares", "hinge", "relativistic",
            "relativistic_average", or an object with `discriminator_loss` and `generator_loss` (see
            `gan_lessons.objectives`).
        penalty: None, an object called as `penalty(discriminate, real_images, fake_images)` (see
            `gan_lessons.penalties`), or a list of such; their sum is added to D's loss.
        generator_penalty: the same for G's loss.
        augment: None, an augmentation of all that D sees in training, real and generated, or a list of such (see
            `gan_lessons.augmentation`).
        discriminator_steps: how many steps D takes for one of G's (n_critic in WGAN); each sees a fresh batch.
        patch_logits: set it if D is meant to output a map with one logit for each patch of the image (PatchGAN).
        share_fakes: whether both turns use the same fakes. The algorithm draws fresh ones for G's turn; with the same ones
            G runs forwards once a step, not twice, which makes a DCGAN's step on a CPU about a tenth shorter. Both are
            common (DCGAN's own code shares). Only with `discriminator_steps=1`.
        seed: an integer fixes the latents drawn while training. By default they follow `keras.utils.set_random_seed`.
        **kwargs: `name` and `dtype`, as for every `keras.Model`.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if the networks do not fit each other or cannot train.

    Example:
        >>> gan = GAN(mlp_generator((28, 28, 1)), mlp_discriminator((28, 28, 1)), latent_dim=100)
        >>> gan.compile(generator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
        ...             discriminator_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5))
        >>> history = gan.fit(images, batch_size=64, epochs=20)
        >>> gan.generate(25, seed=0).shape
        (25, 28, 28, 1)

    The history has `d_loss` and `g_loss`, means over the epoch, what the objective adds (`d_real` and `d_fake`, D's mean
    output on both kinds of images; `distance` for Wasserstein), what the augmentation adds, `penalty` and
    `generator_penalty`.
    Losses of layers (regularizers, `add_loss`) are part of the loss of the player that has them.

    On several devices: build and compile within the scope of a strategy of TensorFlow's, `with strategy.scope():`. It is
    `tf.distribute.MirroredStrategy()` for the GPUs of one machine; for several machines it is
    `tf.distribute.MultiWorkerMirroredStrategy()`, in one process each with its `TF_CONFIG`, made before all else. A batch
    is shared out among them; the losses are those of the whole batch, and the training is that of one device, but for
    `BatchNormalization`, which sees its device's share alone. Each process saves, and backs up, under a name of its own.

    If the generator's optimizer keeps an average of the weights, `keras.optimizers.Adam(…, use_ema=True,
    ema_momentum=0.999)`, then `generate`, `predict` and `export` use the average, with BatchNormalization's statistics
    measured anew for it. `gan.averaged("generator").save("generator.keras")` saves it alone.

    Reference:
        Goodfellow et al., Generative Adversarial Nets, 2014, arXiv:1406.2661
    """

    player_names = ("generator", "discriminator")

    def __init__(
        self,
        generator,
        discriminator,
        latent_dim: int,
        *,
        objective="non_saturating",
        penalty=None,
        generator_penalty=None,
        augment=None,
        discriminator_steps: int = 1,
        patch_logits: bool = False,
        share_fakes: bool = False,
        seed: int | None = None,
        **kwargs,
    ):
        image_shape = validation.check_players(generator, discriminator, latent_dim, patch_logits)
        discriminator_steps = _arguments.integer("discriminator_steps", discriminator_steps)
        if share_fakes and discriminator_steps > 1:
            raise ValueError(
                "Only players that take turns step by step can share fakes. "
                f"Received: share_fakes=True, {discriminator_steps=}. Leave share_fakes out: where D takes several steps "
                "for one of G's there is little to gain."
            )
        if sentence := validation.warn_about_batch_norm(discriminator, penalty):
            warnings.warn(sentence, stacklevel=3)

        super().__init__(seed=seed, **kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.latent_dim = int(latent_dim)
        self.objective = objectives.get(objective)
        self.penalty = penalty
        self.generator_penalty = generator_penalty
        self.augment = augment
        self.discriminator_steps = discriminator_steps
        self.patch_logits = bool(patch_logits)
        self.share_fakes = bool(share_fakes)

        value_range = validation.output_range(generator, self.latent_dim)
        images = Part(image_shape, value_range, reach="the generator's last activation can reach")
        self.batch = Batch({"images" if images.is_picture else "samples": images})
        self.call_inputs = Batch({"latents": Part((self.latent_dim,))})
        self.track_game()
        self.track(augmentation.log_names(augment))

    # --- the game ----------------------------------------------------------------------------------------------------

    def train_step(self, data):
        """One batch: D's turn and, on every `discriminator_steps`-th batch, G's."""
        real_images = self.read(data)
        if self.share_fakes:
            return self.train_on_shared_fakes(real_images)

        # D's turn: raise the logits of real images, lower those of fresh fakes.
        fake_images = self.generator(self.draw_latents(ops.shape(real_images)[0]), training=True)
        self.discriminators_turn(real_images, fake_images)

        # G's turn: make fakes whose logits D raises.
        self.every(self.discriminator_steps, self.generators_turn, real_images)

    def discriminators_turn(self, real_images, fake_images):
        """One step of D. The fakes were made outside its tape: nothing flows back into G."""
        with tf.GradientTape() as tape:
            real_logits = self.discriminate(real_images)
            fake_logits = self.discriminate(fake_images)
            d_loss = self.objective.discriminator_loss(real_logits, fake_logits)
            d_loss = d_loss + self.penalise("penalty", self.discriminate, real_images, fake_images)
        self.log(d_loss=self.descend("discriminator", d_loss, tape), **self.objective_log(real_logits, fake_logits))
        self.log(**augmentation.logs(self.augment))
        augmentation.adapt(self.augment, real_logits)

    def generators_turn(self, real_images):
        """One step of G. D is called inside the tape, but only G's weights move."""
        with tf.GradientTape() as tape:
            fake_images = self.generator(self.draw_latents(ops.shape(real_images)[0]), training=True)
            g_loss = self.generators_loss(real_images, fake_images)
        self.log(g_loss=self.descend("generator", g_loss, tape))

    def train_on_shared_fakes(self, real_images):
        """Both turns on the same fakes: what their tape recorded for D's turn is used in G's."""
        with tf.GradientTape() as tape:
            fake_images = self.generator(self.draw_latents(ops.shape(real_images)[0]), training=True)
        self.discriminators_turn(real_images, fake_images)
        with tape:
            g_loss = self.generators_loss(real_images, fake_images)
        self.log(g_loss=self.descend("generator", g_loss, tape))

    def generators_loss(self, real_images, fake_images, training=True):
        """What G descends: the objective's loss of its fakes, and the penalties on G."""
        fake_logits = self.discriminate(fake_images, training)
        discriminate = lambda images: self.discriminate(images, training)  # noqa: E731
        loss = self.generator_objective(fake_logits, real_images, discriminate)
        return loss + self.penalise("generator_penalty", discriminate, real_images, fake_images, training)

    def test_step(self, data):
        """The same losses on one batch, with nothing learnt: what `evaluate` and `validation_data` report."""
        real_images = self.read(data)
        fake_images = self.generator(self.draw_latents(ops.shape(real_images)[0]), training=False)
        discriminate = lambda images: self.discriminate(images, training=False)  # noqa: E731
        real_logits, fake_logits = discriminate(real_images), discriminate(fake_images)
        d_loss = self.objective.discriminator_loss(real_logits, fake_logits)
        d_loss = d_loss + self.penalise("penalty", discriminate, real_images, fake_images, training=False)
        self.log(
            d_loss=d_loss + self.layer_losses("discriminator"),
            g_loss=self.generators_loss(real_images, fake_images, training=False) + self.layer_losses("generator"),
            **self.objective_log(real_logits, fake_logits),
            **augmentation.logs(self.augment),
        )

    def discriminate(self, images, training=True):
        """D's logits, in full precision, whatever the networks compute in; in training, of augmented images."""
        images = augmentation.augmented(self.augment, images) if training else images
        return ops.cast(self.discriminator(images, training=training), keras.config.floatx())
