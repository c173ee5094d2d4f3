"""`ScoreMonitor`: scores while training, in the logs."""

import warnings

import keras
import tensorflow as tf

from gan_lessons import _watched, scoring
from gan_lessons import features as extractors
from gan_lessons import samples as samples_of
from gan_lessons._arguments import integer


class ScoreMonitor(keras.callbacks.Callback):
    """Scores a model's samples while it trains, and writes the scores into the logs, where other callbacks find them.

    The logs, and so the history, have `frechet_distance` or the other names that `scores` asks for. What the numbers
    are (features, number of images, data, floor) is printed with the first score, and is in `cards`. The images are
    those of `model.generate(count, seed=seed)`, with the same seed each time and with the average of the weights where
    the model keeps it. The training itself is the same with this callback and without.

    - Put it *before* the callbacks that follow its scores: Keras calls callbacks in their order, and those before it do
      not see them.
    - Tell these callbacks which way is better: `mode="min"` for distances, `mode="max"` for the others.
    - Between two scores the logs repeat the last one, so a patience is still counted in epochs: choose several times
      `every`. If `every` is more than 1, the model is scored before the first epoch too, for the epochs until the next.
    - Images that are not finite have the worst score there is: infinity for distances.
    - Samples that cannot be scored are refused before the first step. A score that fails later is a warning, once: the
      logs repeat the last score, and the training goes on.

    Args:
        data: the real images, as in `gan_lessons.score`. A `tf.data.Dataset` is read once more than without this
            callback, which can change the order of a data set that shuffles: give the name of the set instead.
        every: epochs between two scores. They are computed after the epochs that are divisible by it, counted from 1,
            and after the last; a training that is resumed counts on.
        count: how many images of each kind. Fewer make all scores but the kernel distance worse, and cost less time.
        scores: as in `gan_lessons.score`.
        features, held_out, cache: as in `gan_lessons.score`.
        seed: an integer that fixes the samples.
        verbose: 1 to print the card of the first score, and a progress bar while the real images are read.

    Attributes:
        cards: {epochs trained: `ScoreCard`} of the last call of `fit`.
        reference: the `scoring.Reference` with the real images' floor; None before the first epoch.

    Raises:
        TypeError: for arguments of the wrong kind; at the start of `fit`, for a model without `generate`.
        ValueError: for integers that are too small, or scores that are unknown; at the start of `fit`, for samples of
            another shape than the real images.

    Example:
        >>> gan.fit(train, epochs=50, callbacks=[
        ...     ScoreMonitor("mnist", every=2),
        ...     keras.callbacks.EarlyStopping(monitor="frechet_distance", mode="min", patience=10),
        ... ])
    """

    def __init__(
        self,
        data: "str | tf.data.Dataset | scoring.Reference | object",
        every: int = 1,
        count: int = 5_000,
        scores: str | tuple[str, ...] = "frechet_distance",
        features: "str | extractors.Extractor | keras.Model | None" = None,
        held_out=None,
        seed: int = 0,
        cache: bool = True,
        verbose: int = 1,
    ):
        super().__init__()
        self.every = integer("every", every)
        self.count = integer("count", count, least=20)
        self.seed = integer("seed", seed, least=0)
        self.scores = scoring.names_of_scores(scores)
        self.data = data
        self.features = features
        self.held_out = held_out
        self.cache = cache
        self.verbose = verbose
        self.cards = {}
        self.reference = data if isinstance(data, scoring.Reference) else None

    def set_model(self, model: keras.Model) -> None:
        _watched.check_generates(self, model)
        super().set_model(model)

    def on_train_begin(self, logs=None):
        self.cards = {}
        self._card = None
        self._begun = self._warned = False
        if self.reference is None:
            self.reference = scoring.Reference(
                self.data,
                count=self.count,
                features=self.features,
                scores=self.scores,
                held_out=self.held_out,
                image_shape=getattr(self.model, "image_shape", None),
                value_range=samples_of.range_of(self.model),
                cache=self.cache,
                verbose=self.verbose,
            )

    def on_epoch_begin(self, epoch, logs=None):
        # Not in on_train_begin: BackupAndRestore may put other weights and another epoch in place there.
        if self._begun:
            return
        self._begun = True
        if self.every > 1:
            self._score(epoch)
        else:
            self._check_samples()

    def on_epoch_end(self, epoch, logs=None):
        trained = epoch + 1
        if trained % self.every == 0 or trained == self.params.get("epochs"):
            try:
                self._score(trained)
            except Exception as error:
                self._warn(error)
        if logs is not None:
            logs.update(self._card.scores)

    def _score(self, trained):
        try:
            value_range = samples_of.range_of(self.model)
            self._card = self.reference.score(self.model, seed=self.seed, value_range=value_range, verbose=0)
        except scoring.NotFinite:
            self._card = self.reference.broken(self.model, seed=self.seed)
        if self.verbose and not self.cards:
            print(f"\nEpochs trained: {trained}.\n{self._card}")
        self.cards[trained] = self._card

    def _check_samples(self):
        shape = tuple(keras.ops.convert_to_numpy(self.model.generate(2, seed=self.seed)).shape[1:])
        if shape != self.reference.image_shape:
            raise ValueError(
                "Samples and real images must have one shape. Received: model.generate(2, seed=…) returns samples of "
                f"shape {shape}, the real images have {self.reference.image_shape}. Load these in the samples' shape."
            )

    def _warn(self, error):
        if not self._warned:
            self._warned = True
            problem = f"The samples could not be scored: {_watched.in_words(error)}"
            warnings.warn(f"{problem} The logs repeat the last score. The training goes on.", stacklevel=2)
        self._card = self._card or self.reference.broken(self.model, seed=self.seed)
