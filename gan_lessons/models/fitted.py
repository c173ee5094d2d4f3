"""The doors through which a model is given data: `fit`, `evaluate`, `predict` and their forms for one batch."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from gan_lessons._keras import EpochIteratorMixin, begin_at_epoch
from gan_lessons.batches import Batch, is_iterated
from gan_lessons.models import fitting


class Fitted(EpochIteratorMixin, keras.Model):
    """The part of `GenerativeModel` that reads data: at every door they are checked in the same way, part by part."""

    def train_step(self, data):
        """Trains on one batch: a subclass defines it.

        Args:
            data: the batch; `self.read(data)` gives its declared parts.

        Returns:
            Nothing, or a dictionary of logs; with nothing, the means so far are reported.
        """
        raise NotImplementedError(f"{type(self).__name__} must define train_step(data) to be trained.")

    def test_step(self, data):
        """Computes on one batch what `train_step` logs, with nothing learnt: a subclass defines it. Args: as there."""
        raise NotImplementedError(f"{type(self).__name__} must define test_step(data) to be evaluated.")

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        **kwargs,
    ):
        """As `keras.Model.fit`; the data are checked first, and a bad batch is refused in words before it is trained on.

        Args:
            x: arrays (one, a tuple, a dictionary by part), a data set of batches, a tuple of data sets, one a part, a
                `keras.utils.PyDataset`, or a generator of batches.
            y: the second part, where x is the first.
            shuffle: whether arrays are shuffled, anew in every epoch, by a state that the model saves. A data set comes in
                its own order.
            validation_data: what the model is evaluated on after each epoch: as x, or a tuple (x, y) of arrays.
            batch_size, epochs, verbose, callbacks, validation_split, **kwargs: as in Keras.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            TypeError, ValueError: for data that does not fit the model; no weight has moved by the batch in question.

        With `keras.callbacks.BackupAndRestore` a training that was killed, and is started again by the same program in
        a fresh process, goes on as if nothing had happened: see `gan_lessons.saving.ExactBackup`.
        """
        self._refuse_weights(class_weight=class_weight, sample_weight=sample_weight)
        self._look_again()
        if validation_data is not None or validation_split:
            self._look_again_at_evaluate()
        shuffle = True if shuffle is None else shuffle
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = callbacks.callbacks
        callbacks = fitting.made_to_fit(self, tf.nest.flatten([] if callbacks is None else callbacks))
        # Keras's, left over from a fit that was interrupted, or resumed.
        self._eval_epoch_iterator = None
        begin_at_epoch(self, None)
        with self.batch.in_words():
            if validation_split and validation_data is None and x is not None and not is_iterated(x):
                (x, y), validation_data = fitting.split(self.batch.arrays(x, y), validation_split)
            x, _ = self.batch.prepare(
                x, y, "x", batch_size, self._counters.order(self.seed_generator, shuffle, batch_size)
            )
            if validation_data is not None:
                size = kwargs.pop("validation_batch_size", None) or batch_size
                validation_data = self._validation(validation_data, size)
            history = super().fit(
                x,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_data=validation_data,
                validation_split=validation_split if validation_data is None else 0.0,
                shuffle=False,
                **kwargs,
            )
        if history.epoch and not history.history:
            raise ValueError("x must not be empty. Received: a data set that ended before its first batch.")
        return history

    def _validation(self, data, batch_size):
        """What Keras is given as validation_data: (x, y) of arrays, data sets and all else that fit takes."""
        x, y = data, None
        if isinstance(data, (tuple, list)) and not any(is_iterated(item) for item in data):
            count, unread = max(len(self.batch.parts), 1), [item for item in data if item is not None]
            if len(data) == 3 and count < 3 and data[2] is not None:
                self._refuse_weights(sample_weight=data[2])
            x, y = (tuple(data), None) if len(unread) == count > 1 else (data[0], data[1] if len(data) > 1 else None)
        return self.batch.prepare(x, y, "validation_data", batch_size)[0]

    def _refuse_weights(self, **given):
        for name, value in given.items():
            if value is not None:
                raise ValueError(
                    f"{type(self).__name__} does not read weights of samples or classes. Received: {name} of type "
                    f"{type(value).__name__}. Leave it out; to show some samples more often, repeat them in the data."
                )

    def _look_again(self):
        """Notices what changed between compile and the start of a training."""
        if not self.compiled:
            return  # Keras says so itself
        if type(self).train_step is Fitted.train_step:
            self.train_step(None)
        changed = []
        for attribute, names in self._groups().items():
            weights, known = self._weights_of(names), self._hidden.trained[attribute]
            self._check_learns(attribute, names)
            if unknown := [weight.path for weight in weights if id(weight) not in set(known)]:
                raise ValueError(
                    f"The optimizer must know every weight that it moves. Received: {unknown[0]} of "
                    f"{' and '.join(names)}, trainable now and not when the model was compiled. Call compile() again."
                )
            if [id(weight) for weight in weights] != self._hidden.trained.get(f"{attribute} now", known):
                changed.append(attribute)
            self._hidden.trained[f"{attribute} now"] = [id(weight) for weight in weights]
        if changed:
            self.make_train_function(force=True)  # the old one moves the weights that were trainable then
        self._trace_with_these_settings()
        self._counters.begin_at(self.batches_trained)

    def _trace_with_these_settings(self):
        """Forgets the traced steps if an argument of `__init__` was replaced since: they would go on with the old one."""
        settings, before = self._settings(), self._hidden.trained.get("settings")
        self._hidden.trained["settings"] = settings
        if before is not None and any(value is not before[name] for name, value in settings.items()):
            self.make_train_function(force=True)
            self.make_test_function(force=True)

    def _look_again_at_evaluate(self):
        """Notices a missing `test_step` before any work, and settings that changed."""
        if type(self).test_step is Fitted.test_step:
            self.test_step(None)
        if self.compiled:
            self._trace_with_these_settings()

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, steps=None, **kwargs):
        """As `keras.Model.evaluate`: the losses and what else the history has, with the checks of `fit`.

        It draws the same random numbers every time, so that the same model and data give the same losses, and leaves all
        state as it was, so that training with validation and without is the same training.
        """
        self._look_again_at_evaluate()
        within_fit = kwargs.get("_use_cached_eval_dataset", False)
        if not within_fit:
            self._refuse_weights(sample_weight=sample_weight)
        with self.batch.in_words(), self._without_a_trace():
            if not within_fit:  # there it has been looked at
                x, _ = self.batch.prepare(x, y, "x", batch_size)
            return super().evaluate(x, verbose=verbose, steps=steps, **kwargs)

    @contextlib.contextmanager
    def _without_a_trace(self):
        """Within this block random numbers begin at a fixed state; after it, all state is as before."""
        states = self._random_states()
        kept = [*states, *self._variables_of_settings(), *self.non_trainable_variables]
        before = [variable.numpy() for variable in kept]
        try:
            for index, state in enumerate(states):
                state.assign([index, 0])
            yield
        finally:
            for variable, value in zip(kept, before):
                variable.assign(value)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """As `keras.Model.train_on_batch`, with the checks of `fit`."""
        self._refuse_weights(class_weight=class_weight, sample_weight=sample_weight)
        self._look_again()
        return super().train_on_batch(*self._one_batch(x, y), return_dict=return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """As `keras.Model.test_on_batch`, with the checks of `fit`."""
        self._refuse_weights(sample_weight=sample_weight)
        self._look_again_at_evaluate()
        with self._without_a_trace():
            return super().test_on_batch(*self._one_batch(x, y), return_dict=return_dict)

    def _one_batch(self, x, y):
        return tf.nest.map_structure(_as_floatx, self.batch.arrays(x, y))

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """As `keras.Model.predict`, from inputs of `call` to outputs; the inputs are checked first."""
        self._refresh_averages()
        inputs = self._inputs_batch()
        with inputs.in_words():
            x, _ = inputs.prepare(x, None, "x", batch_size)
            return super().predict(x, verbose=verbose, steps=steps, callbacks=callbacks)

    def predict_on_batch(self, x):
        """As `keras.Model.predict_on_batch`; the inputs are checked first."""
        self._refresh_averages()
        (x,) = self._inputs_batch().arrays(x)
        return super().predict_on_batch(tf.nest.map_structure(_as_floatx, x))

    def _inputs_batch(self):
        return self.call_inputs or Batch(dict(list(self.batch.parts.items())[:1]))


def _as_floatx(array):
    return array.astype(keras.config.floatx()) if np.issubdtype(array.dtype, np.floating) else array
