"""`Doctor`: a diagnosis while training."""

import contextlib
import warnings

import keras
import numpy as np

from gan_lessons import doctor
from gan_lessons._arguments import integer
from gan_lessons.callbacks import watched
from gan_lessons.doctor import probing, signs

# A look takes this many samples: the work of about one training step of batch 64.
_SAMPLES = 64

#: A look costs about two steps, so at most one in so many is taken.
STEPS_BETWEEN_LOOKS = 200


class Doctor(keras.callbacks.Callback):
    """Watches the training of a GAN, and reports what goes wrong when it shows.

    It looks at the curves, at the weights (NaN, growing, not moving), at the optimizers, and at the samples of fixed
    latents (collapse). Each finding is reported once, when it appears. It works with any model that has a `generator`
    and a `discriminator`, and leaves the training as it is without it, bit for bit.

    A look costs about as much as two training steps, and there is at most one in two hundred. So it sees what shows
    while training, not what is wrong with the training step itself: call `gan_lessons.diagnose(gan, data)` before
    training for that. It reports a collapse from the thousandth step on: before, every generator has little variety.

    A look that fails is a warning, once, and a line of the diagnosis; the training goes on.

    Args:
        data: real images in the generator's range, an array or a `tf.data.Dataset` of batches, to tell collapse from
            data of little variety. By default only a generator that makes one image of all latents has collapsed.
        every: epochs between two looks.
        seed: an integer that fixes the latents.
        verbose: 1 to print findings, 0 for silence.

    Attributes:
        findings: the findings of the last call of `fit`, a list of `gan_lessons.doctor.Finding`.
        failed: what could not be looked at in the last call of `fit`, and why: a list of sentences.
        diagnosis: both as a `gan_lessons.doctor.Diagnosis`, which notebooks show as a panel.

    Raises:
        TypeError: for arguments of the wrong kind; at the start of `fit`, for a model without generator and
            discriminator.
        ValueError: for integers that are too small.

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
        self.images = None if data is None else probing.rows_of(doctor.some_images(data, _SAMPLES))
        self.findings = []
        self.failed = []
        self._epochs = 0

    @property
    def diagnosis(self) -> "doctor.Diagnosis":
        """What was found so far, as a `gan_lessons.doctor.Diagnosis`."""
        return doctor.Diagnosis(list(self.findings), " ".join([f"Looked on for {self._epochs} epochs.", *self.failed]))

    def set_model(self, model: keras.Model) -> None:
        doctor.check_players(model)
        super().set_model(model)

    def on_train_begin(self, logs=None):
        self.findings, self.failed, self._curves, self._epochs = [], [], {}, 0
        self._before = None
        self._begun = False

    def on_epoch_begin(self, epoch, logs=None):
        # Not in on_train_begin: BackupAndRestore may put other weights in place there.
        if not self._begun:
            self._begun = True
            self._first = self._last_look = 0
            with self._or_warn("The weights"):
                self._first = self._last_look = self._steps()
                self._before = signs.fingerprint(self.model)

    def on_epoch_end(self, epoch, logs=None):
        self._epochs += 1
        with self._or_warn("The model"):
            self._record(logs or {})
            last = epoch + 1 == self.params.get("epochs")
            broken = not all(np.isfinite(values[-1]) for values in self._curves.values())
            steps = self._steps()  # no counter of batches: Keras would wait for each of them
            due = (epoch + 1) % self.every == 0 and steps - self._last_look >= STEPS_BETWEEN_LOOKS
            if due or last or broken:
                self._last_look = steps
                self._look(epoch + 1, steps - self._first)

    def _record(self, logs):
        """Adds an epoch to the curves, of what is a number: logs may hold dictionaries and arrays too."""
        for name, value in logs.items():
            with contextlib.suppress(TypeError, ValueError):
                value = float(value)
                self._curves.setdefault(name, []).append(value)

    def _look(self, epoch, steps):
        samples = None
        with self._or_warn("The samples"):
            samples = self._samples()
        for found in signs.seen_while_training(self.model, self._curves, self._before, steps, samples, self.images):
            if found.name not in [known.name for known in self.findings]:
                self.findings.append(found)
                if self.verbose:
                    print(f"\nEpoch {epoch}, {found}")

    def _samples(self):
        """Samples of the fixed latents, with the generator's present weights; None for a model without latents.

        A conditional generator takes more than latents: then the samples are those of `model.generate`.
        """
        latent_dim, generate = (getattr(self.model, name, None) for name in ("latent_dim", "generate"))
        samples = None
        if isinstance(latent_dim, int):
            latents = keras.random.normal((_SAMPLES, latent_dim), seed=self.seed)
            try:
                samples = self.model.generator(latents, training=False)
            except Exception:
                if not callable(generate):
                    raise
        if samples is None and callable(generate):
            samples = generate(_SAMPLES, seed=self.seed)
        return None if samples is None else keras.ops.convert_to_numpy(samples).astype("float32")

    def _steps(self):
        return watched.batches_trained(self.model) or 0

    @contextlib.contextmanager
    def _or_warn(self, subject):
        """Turns an error into a warning and a line of the diagnosis, once: a watcher must not end a training."""
        try:
            yield
        except Exception as error:
            if not any(line.startswith(subject) for line in self.failed):
                self.failed.append(f"{subject} could not be looked at: {watched.in_words(error)}")
                warnings.warn(f"{self.failed[-1]} The training goes on.", stacklevel=3)
