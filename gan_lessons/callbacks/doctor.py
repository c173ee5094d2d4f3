"""`Doctor`: a diagnosis while training."""

import keras

from gan_lessons import doctor
from gan_lessons._arguments import integer

#: A look costs about two steps, so at most one in so many is taken.
STEPS_BETWEEN_LOOKS = 200


class Doctor(keras.callbacks.Callback):
    """Watches the training of a GAN, and reports what goes wrong when it shows.

    It looks at the curves, at the weights (NaN, growing, not moving), at the optimizers, and at the samples of fixed
    latents (collapse). It reports each finding once, when it appears. It works with any model that has a `generator`
    and a `discriminator`, and leaves the training as it is without it, bit for bit. It never ends the training: the
    diagnosis names what it could not look at, and why.

    A look costs about as much as two training steps, and there is at most one in two hundred. So it sees what shows
    while training, not what is wrong with the training step itself: call `gan_lessons.diagnose(gan, data)` before
    training for that. It reports a collapse from the thousandth step on: before, every generator has little variety.

    Args:
        data: real images in the generator's range, an array or a `tf.data.Dataset` of batches, to tell collapse from
            data of little variety. By default only a generator that makes one image of all latents has collapsed.
        every: epochs between two looks.
        seed: an integer that fixes the latents.
        verbose: 1 to print findings, 0 for silence.

    Raises:
        TypeError: for arguments of the wrong kind; at the start of `fit`, for a model without generator and
            discriminator.
        ValueError: for integers that are too small, or data without images.

    Example:
        >>> watch = gl.callbacks.Doctor(images)
        >>> gan.fit(images, epochs=20, callbacks=[watch])
        Epoch 3, diverging: The training diverges. …
        >>> watch.diagnosis.names
        ['diverging']
    """

    def __init__(self, data=None, every: int = 1, seed: int = 0, verbose: int = 1):
        super().__init__()
        self.every = integer("every", every)
        self.seed = integer("seed", seed, least=0)
        self.verbose = verbose
        self.images = None if data is None else doctor.some_images(data, doctor.COMPARED)
        self._watch = None

    @property
    def findings(self) -> "list[doctor.Finding]":
        """The findings of the last call of `fit`, so far."""
        return self.diagnosis.findings

    @property
    def diagnosis(self) -> "doctor.Diagnosis":
        """The diagnosis of the last call of `fit`, so far: findings, and what could not be looked at."""
        return doctor.Diagnosis([]) if self._watch is None else self._watch.diagnosis

    def set_model(self, model: keras.Model) -> None:
        doctor.check_players(model)
        super().set_model(model)

    def on_train_begin(self, logs=None):
        self._watch = None

    def on_epoch_begin(self, epoch, logs=None):
        # Not in on_train_begin: BackupAndRestore may put other weights in place there.
        if self._watch is None:
            self._watch = doctor.Watch(self.model, self.images, self.seed)

    def on_epoch_end(self, epoch, logs=None):
        self._watch.record(logs)
        last = epoch + 1 == self.params.get("epochs")
        # No counter of batches here: Keras would wait for each batch to tell it.
        due = (epoch + 1) % self.every == 0 and self._watch.steps_since_look >= STEPS_BETWEEN_LOOKS
        if due or last or not self._watch.is_finite:
            for found in self._watch.look():
                if self.verbose:
                    print(f"\nEpoch {epoch + 1}, {found}")
