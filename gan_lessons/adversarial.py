"""What every adversarial model shares: players with an optimizer each, saving, seeds, and the checks of what `fit` is given.

Keras plans for a model with one optimizer. This class gives each *player* (a sub-model) its own and makes what Keras offers
around `fit` reach all of them. It knows nothing of any game: that is the subclass's `train_step`.
"""

import contextlib
import functools
import weakref

import keras
import tensorflow as tf
from keras import ops

from gan_lessons import validation
from gan_lessons.saving import ExactBackup, Memory, replacing, write


def after_reading(train_step):
    """A decorator for `train_step`: nothing in it begins before its batch has been read.

    TensorFlow runs side by side what does not wait for one another. A step's random numbers and counters do not wait for
    its images, so at the end of a data set of unknown length they could run ahead, by a step that never comes.
    """

    @functools.wraps(train_step)
    def step(self, data):
        with tf.control_dependencies([part for part in tf.nest.flatten(data) if part is not None]):
            return train_step(self, data)

    return step


class AdversarialModel(keras.Model):
    """A model of several players, each with an optimizer of its own.

    A subclass names its players, sets one attribute for each, calls `track`, and writes `train_step`. `compile` then takes
    one `<player>_optimizer` for each.
    """

    #: The attributes that hold the sub-models that are trained.
    player_names = ()

    #: The shape of an image that the game is about, without the batch axis; for messages.
    image_shape = ()

    # --- players and their optimizers ------------------------------------------------------------------------------

    @property
    def players(self):
        """The sub-models that play, by name."""
        return {name: getattr(self, name) for name in self.player_names}

    def compile(
        self, *, run_eagerly=False, steps_per_execution=1, jit_compile="auto", auto_scale_loss=True, **optimizers
    ):
        """Gives each player its optimizer.

        Args:
            run_eagerly: run the training step as plain Python, to look inside it. Slow.
            steps_per_execution: how many batches are trained on in one call into TensorFlow; callbacks hear of the last.
            jit_compile: whether XLA compiles the training step. "auto" is Keras's rule: on a GPU, not on a CPU, where it
                pays for dense layers (a fifth of a step) and not for convolutions.
            auto_scale_loss: under the `mixed_float16` policy, whether optimizers are wrapped in a `LossScaleOptimizer`.
            **optimizers: one `<player>_optimizer` for each player: a Keras optimizer, or its name.

        Raises:
            TypeError: if an optimizer is missing, or one is given that belongs to no player.
            ValueError: if one optimizer is given to two players, or has been used for another network.
        """
        expected = [f"{name}_optimizer" for name in self.player_names]
        if unknown := sorted(set(optimizers) - set(expected)):
            raise TypeError(f"compile() takes {', '.join(expected)}. Received: {', '.join(unknown)}.")
        found = {}
        for name in expected:
            if optimizers.get(name) is None:
                raise TypeError(
                    f"Each player needs an optimizer. Received: {name}=None. "
                    f"Pass for example {name}=keras.optimizers.Adam(2e-4, beta_1=0.5)."
                )
            optimizer = keras.optimizers.get(optimizers[name])
            if any(optimizer is other for other in found.values()):
                raise ValueError(
                    f"Each player needs an optimizer of its own: it keeps a state for each weight. Received: {name} is "
                    f"the object given to another player too. Make two, with the same settings if you like."
                )
            if optimizer.built:
                raise ValueError(
                    f"An optimizer keeps a state for the weights it was first used on. Received: {name}, which has been "
                    "used already. Make a new one for compile(); to go on training, call fit() again without compile()."
                )
            if auto_scale_loss and self._computes_in_float16():
                if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                    optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            found[name] = optimizer

        # Without `optimizer=None` Keras would make one that steps nothing, and schedules would move only that.
        super().compile(
            optimizer=None, run_eagerly=run_eagerly, steps_per_execution=steps_per_execution, jit_compile=jit_compile
        )
        for name, player in self.players.items():
            validation.check_learns(name, player)
            optimizer = found[f"{name}_optimizer"]
            setattr(self, f"{name}_optimizer", optimizer)
            # Built here, so that there are slots to load a saved state into.
            optimizer.build(player.trainable_variables)
        # What Keras's callbacks look for: `model.optimizer.learning_rate`.
        self.optimizer = _EveryPlayersOptimizer(list(found.values()))
        self._compile_settings = {
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
            "auto_scale_loss": auto_scale_loss,
        }

    def descend(self, player, loss, tape):
        """One step of a player's optimizer down its loss; the other players' weights stay.

        Args:
            player: the player's name.
            loss: the scalar that it minimises.
            tape: the `tf.GradientTape` that watched the loss being computed.
        """
        weights = getattr(self, player).trainable_variables
        optimizer = getattr(self, f"{player}_optimizer")
        # Gradients of a loss can be too small for float16: there the optimizer scales them up from the first step of the
        # chain rule on, and down again before it uses them. Several devices add their gradients up, each its share.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        start = ops.cast(optimizer.scale_loss(ops.cast(1.0 / replicas, loss.dtype)), loss.dtype)
        gradients = tape.gradient(loss, weights, output_gradients=start)
        # No weight moves before every gradient is there: a penalty's gradient looks at biases that it does not move, and on
        # a busy machine some of them were seen to have moved by then.
        with tf.control_dependencies([gradient for gradient in gradients if gradient is not None]):
            gradients = [None if gradient is None else tf.identity(gradient) for gradient in gradients]
        optimizer.apply(gradients, weights)

    def _computes_in_float16(self):
        return any(layer.compute_dtype == "float16" for layer in self._flatten_layers())

    @contextlib.contextmanager
    def averaged(self, player):
        """Within this block a player has the average of its weights, if its optimizer keeps one (`use_ema=True`)."""
        optimizer = getattr(self, f"{player}_optimizer", None)
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        # Before the first step the average is still empty.
        if not getattr(optimizer, "use_ema", False) or optimizer.iterations.numpy() == 0:
            yield
            return
        variables = getattr(self, player).variables
        last = [ops.convert_to_numpy(variable) for variable in variables]
        try:
            for weight, average in zip(optimizer._trainable_variables, optimizer._model_variables_moving_average):
                if average is not None:
                    weight.assign(average)
            self.settle(player)
            yield
        finally:
            for variable, value in zip(variables, last):
                variable.assign(value)

    def settle(self, player):
        """Called when a player has been given other weights: brings in line what its layers keep besides weights.

        Nothing here; a subclass knows what its player is fed with.
        """

    # --- logs --------------------------------------------------------------------------------------------------------

    def track(self, names):
        """Names what the training history will have. To be called once, by the subclass's `__init__`."""
        self._means = {name: keras.metrics.Mean(name=name) for name in names}

    def log(self, **values):
        """Takes one batch's values into the means of the epoch."""
        for name, value in values.items():
            self._means[name].update_state(value)

    @property
    def metrics(self):
        # Keras would add a `loss` of its own, which is 0 for ever where there are several.
        return list(self._means.values())

    def get_metrics_result(self):
        results = super().get_metrics_result()
        strategy = tf.distribute.get_strategy()
        several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        if not several or tf.distribute.in_cross_replica_context():
            return results
        # Over several machines Keras averages what their steps answer along a first axis, which a number has not.
        return {name: ops.reshape(value, (1,)) for name, value in results.items()}

    # --- saving ----------------------------------------------------------------------------------------------------

    def get_compile_config(self):
        if not self.compiled:
            return None
        optimizers = {f"{name}_optimizer": getattr(self, f"{name}_optimizer") for name in self.player_names}
        return self._compile_settings | {
            name: keras.saving.serialize_keras_object(optimizer) for name, optimizer in optimizers.items()
        }

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def save_own_variables(self, store):
        super().save_own_variables(store)
        # Keras leaves the state of random numbers out; without it a resumed run would draw other noise.
        for index, state in enumerate(self._random_states()):
            store[f"random_state_{index}"] = ops.convert_to_numpy(state)

    def load_own_variables(self, store):
        states = {key: store[key] for key in store.keys() if key.startswith("random_state_")}
        super().load_own_variables({key: store[key] for key in store.keys() if key not in states})
        variables = self._random_states()
        if len(states) != len(variables):
            raise ValueError(
                "The saved state of random numbers must be of this model. "
                f"Received: {len(states)} states for {len(variables)} sources of randomness (Dropout layers and noise). "
                "Load the file into networks of the same layers, compiled in the same way."
            )
        for index, variable in enumerate(variables):
            variable.assign(states[f"random_state_{index}"])

    def _random_states(self):
        return [variable for variable in self.variables if "seed_generator_state" in variable.path]

    def save(self, filepath, overwrite=True, **kwargs):
        """Saves the whole model: players, optimizers with their state, random state, compile options.

        It is written under a temporary name and moved into place, so that a save that fails leaves what was there.

        Args:
            filepath: where to, ending in `.keras`.
            overwrite: whether a file that is there may be replaced without asking.
            **kwargs: as `keras.Model.save`.
        """
        if not str(filepath).endswith(".keras"):
            raise ValueError(
                f"A model is saved to a path that ends in .keras. Received: filepath={str(filepath)!r}. "
                "For the weights alone use save_weights; for serving, export."
            )
        with replacing(filepath, overwrite) as temporary:
            super().save(temporary, **kwargs)

    def save_weights(self, filepath, overwrite=True, **kwargs):
        """Saves the weights, the optimizers' and the random state, as `save` does. Args: as `keras.Model.save_weights`."""
        if kwargs.get("max_shard_size") is not None or not str(filepath).endswith(".weights.h5"):
            super().save_weights(filepath, overwrite=overwrite, **kwargs)  # Keras's own error, or several files
            return
        memory = Memory()
        super().save_weights(memory, **kwargs)
        write(filepath, memory.getbuffer(), overwrite)

    # --- what fit is given -----------------------------------------------------------------------------------------

    def check_images(self, images, name):
        """What the subclass makes of images that `fit` or `evaluate` is given: checks them, returns them guarded."""
        return images

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
        shuffle=None,
        **kwargs,
    ):
        """As `keras.Model.fit`; the images are checked first, and a bad one is refused in words before it is trained on.

        `shuffle` is by default True for arrays; a data set comes in its own order.

        With `keras.callbacks.BackupAndRestore` a training that was killed, and is started again by the same program in
        a fresh process, goes on as if nothing had happened: see `gan_lessons.saving.ExactBackup`.
        """
        if shuffle is None:
            shuffle = hasattr(x, "shape")  # an array; with others Keras's True would warn that it is ignored
        if callbacks is not None and not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = _made_to_fit(tf.nest.flatten(callbacks))
        x = self.check_images(x, "x")
        if isinstance(validation_data, (tuple, list)):
            images, *others = validation_data
            validation_data = (self.check_images(images, "validation_data"), *(others or [None]))
        elif validation_data is not None:
            validation_data = self.check_images(validation_data, "validation_data")
        # Keras's, left over from a fit that was interrupted, or resumed.
        self._eval_epoch_iterator = self._initial_epoch = None
        with validation.in_words(self.image_shape):
            history = super().fit(
                x,
                y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_split=validation_split,
                validation_data=validation_data,
                shuffle=shuffle,
                **kwargs,
            )
        if history.epoch and not history.history:
            raise ValueError("x must not be empty. Received: a data set that ended before its first batch.")
        return history

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras calls this with what it has made of the data; a resumed training has to read in it.
        self.batches_of_fit = iterator and weakref.ref(iterator)
        super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)

    def evaluate(self, x=None, *args, **kwargs):
        """As `keras.Model.evaluate`: the losses and what else the history has, on the given images, with the checks of `fit`.

        It draws the same random numbers every time, so that the same model and images give the same losses, and leaves the
        random state as it was, so that training with validation and without is the same training.
        """
        if not kwargs.get("_use_cached_eval_dataset"):  # within fit they have been looked at
            x = self.check_images(x, "x")
        states = self._random_states()
        before = [ops.convert_to_numpy(state) for state in states]
        try:
            for index, state in enumerate(states):
                state.assign([index, 0])
            with validation.in_words(self.image_shape):
                return super().evaluate(x, *args, **kwargs)
        finally:
            for state, value in zip(states, before):
                state.assign(value)


class _TerminateOnNaN(keras.callbacks.TerminateOnNaN):
    def on_batch_end(self, batch, logs=None):
        super().on_batch_end(batch, {"loss": sum((logs or {}).values())})  # not finite if one of them is not


def _made_to_fit(callbacks):
    """Keras's callbacks, with those replaced that plan for a model with one loss, or give back less than they say."""
    found, backups = [], []
    for callback in callbacks:
        if type(callback) is keras.callbacks.TerminateOnNaN:  # it looks at `loss` alone
            callback = _TerminateOnNaN(callback.raise_error)
        if type(callback) is keras.callbacks.BackupAndRestore:
            callback = ExactBackup(callback.backup_dir, callback.save_freq, callback.delete_checkpoint)
        (backups if isinstance(callback, ExactBackup) else found).append(callback)
    # A backup comes last, when the others have done their part of an epoch and the history has it.
    return [*found, keras.callbacks.History(), *backups] if backups else found


class _EveryPlayersOptimizer:
    """What a callback finds as `model.optimizer`: one learning rate, which moves every player's in proportion."""

    built = True

    def __init__(self, optimizers):
        self._optimizers = optimizers
        self._ratios = [1.0] * len(optimizers)

    @property
    def learning_rate(self):
        return self._optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        first = float(ops.convert_to_numpy(self.learning_rate))
        rates = [float(ops.convert_to_numpy(optimizer.learning_rate)) for optimizer in self._optimizers]
        if first > 0:
            # Remembered, so that a schedule can pass through 0 and come back.
            self._ratios = [rate / first for rate in rates]
        for optimizer, ratio in zip(self._optimizers, self._ratios):
            optimizer.learning_rate = float(ops.convert_to_numpy(value)) * ratio

    lr = learning_rate

    @property
    def iterations(self):
        return self._optimizers[0].iterations

    @property
    def variables(self):
        return [variable for optimizer in self._optimizers for variable in optimizer.variables]
