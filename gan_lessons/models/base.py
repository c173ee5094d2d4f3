"""What every model of the package shares, whatever it learns: a GAN, a VAE, a diffusion model.

Keras plans for a model that maps x to y and has one loss. `GenerativeModel` makes what Keras offers around `fit` hold for
models of samples: checks of the data, means in the history, a `.keras` file with everything in it, exact resuming, an
average of the weights. It knows nothing of any game or loss: that is the subclass's `train_step`.
"""

import contextlib
import functools
import inspect
import threading
import warnings
from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons import _arguments
from gan_lessons._keras import EpochIteratorMixin, begin_at_epoch, flatten_layers
from gan_lessons.batches import Batch, in_words, is_iterated
from gan_lessons.models import fitting
from gan_lessons.models.average import Average
from gan_lessons.models.optimizers import Optimizers, keeps_average, made_once, plain
from gan_lessons.models.state import Counters, state_of, why_not_saved
from gan_lessons.saving import Memory, replacing, write


class Mean(keras.metrics.Mean):
    """The mean of an epoch, which is NaN where nothing was recorded: a mean over no turns is no number."""

    def result(self):
        recorded = ops.cast(self.count, self.total.dtype)
        return ops.where(recorded > 0, self.total / ops.maximum(recorded, 1), float("nan"))


class GenerativeModel(EpochIteratorMixin, keras.Model):
    """A `keras.Model` that learns what samples look like: the base of every model in this package.

    A subclass takes its networks and settings as arguments of `__init__`, keeps each under its own name, declares its
    batch, names what the history has with `track`, and writes `train_step` and `test_step`. All else is here:

    - `fit`, `evaluate`, `predict` and their `…_on_batch` forms check every part of what they are given;
    - arrays are shuffled anew in every epoch, by a state that is saved;
    - the history has means over the epoch;
    - `get_config` is the arguments of `__init__`: nothing to write;
    - `save` writes all state, of random numbers and of the arguments' own variables too, or leaves the old file;
    - `BackupAndRestore` resumes bit for bit;
    - `evaluate` draws the same random numbers each time and leaves no trace;
    - an average of weights (`use_ema=True` in the optimizer) is used by every way out.

    Args:
        seed: an integer fixes the random numbers drawn while training, the order of arrays too. By default they follow
            `keras.utils.set_random_seed`.
        **kwargs: `name` and `dtype`, as for every `keras.Model`.

    Example:
        A variational autoencoder (arXiv:1312.6114):

        >>> class VAE(gl.GenerativeModel):
        ...     def __init__(self, encoder, decoder, latent_dim, seed=None, **kwargs):
        ...         super().__init__(seed=seed, **kwargs)
        ...         self.encoder, self.decoder, self.latent_dim = encoder, decoder, latent_dim
        ...         self.batch = gl.Batch({"images": gl.Part(encoder.input_shape[1:], value_range=(0.0, 1.0))})
        ...         self.track("loss", "reconstruction", "kl")
        ...
        ...     def call(self, images, training=False):
        ...         return self.decoder(self.encoder(images, training=training)[:, : self.latent_dim], training=training)
        ...
        ...     def loss_of(self, images, training):
        ...         mean, log_variance = ops.split(self.encoder(images, training=training), 2, axis=-1)
        ...         noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        ...         made = self.decoder(mean + ops.exp(log_variance / 2) * noise, training=training)
        ...         kl = ops.mean(ops.sum(ops.exp(log_variance) + mean**2 - 1 - log_variance, axis=-1)) / 2
        ...         reconstruction = ops.mean(ops.sum(keras.losses.binary_crossentropy(images, made), axis=(1, 2)))
        ...         self.log(reconstruction=reconstruction, kl=kl)
        ...         return reconstruction + kl
        ...
        ...     def train_step(self, data):
        ...         with tf.GradientTape() as tape:
        ...             loss = self.loss_of(self.read(data), training=True)
        ...         self.log(loss=self.descend(loss, tape))
        ...
        ...     def test_step(self, data):
        ...         self.log(loss=self.loss_of(self.read(data), training=False))
        ...
        ...     def generate(self, count, seed=None):
        ...         return self.compute("decoder", keras.random.normal((count, self.latent_dim), seed=seed))
        >>> vae = VAE(encoder, decoder, latent_dim=2)
        >>> vae.compile(optimizer="adam")
        >>> vae.fit(images, epochs=20)
    """

    #: The part of the batch whose samples `generate` makes; by default the first.
    generates: str | None = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for name, prepared in (("__init__", _constructs), ("train_step", _trains), ("test_step", _reports)):
            if name in vars(cls):
                setattr(cls, name, prepared(vars(cls)[name]))

    def __init__(self, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        #: The source of this model's random numbers: `keras.random.normal(shape, seed=self.seed_generator)`.
        self.seed_generator = keras.random.SeedGenerator(seed)
        #: What a batch has; what `call` takes (by default the first part of a batch).
        self.batch = Batch({})
        self.call_inputs = None
        self._means = {}
        self._counters = Counters()
        # Kept from Keras, which would save it under other names: whatever is derived, or saved by hand below.
        self._hidden = SimpleNamespace(averages={}, loads=0, trained={}, exporting=threading.local())

    def _finish(self):
        """Called when the most derived `__init__` has returned."""
        self._build_if_possible()

    # --- what the model works with ----------------------------------------------------------------------------------

    @property
    def sample_part(self):
        """The `Part` that describes what `generate` makes."""
        parts = self.batch.parts
        return parts.get(self.generates) or next(iter(parts.values()), None)

    @property
    def image_shape(self) -> tuple:
        """The shape of a sample, without the batch axis; () where nothing was declared."""
        return self.sample_part.shape if self.sample_part else ()

    @property
    def value_range(self) -> tuple | None:
        """(lowest, highest) value of a sample; None for any."""
        return self.sample_part.value_range if self.sample_part else None

    @property
    def batches_trained(self) -> int:
        """How many batches the model has been trained on, in all its calls of `fit`; saved with it."""
        return self._counters.batches_trained

    def read(self, data):
        """Returns the declared parts of a batch: one tensor, or a tuple in the declared order.

        Args:
            data: what `train_step` or `test_step` was given.
        """
        return self.batch.read(data)

    def _networks(self):
        """{name: network} of the sub-models that are trained."""
        return {
            name: value for name, value in vars(self).items()
            if isinstance(value, keras.layers.Layer) and not isinstance(value, keras.metrics.Metric)
        }

    def _groups(self):
        """{attribute that holds an optimizer: names of the networks that it trains}."""
        return {"model_optimizer": tuple(self._networks())}

    def _weights_of(self, names):
        found = {id(v): v for name in names for v in getattr(self, name).trainable_variables}
        return list(found.values())

    # --- compile --------------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer="adam",
        *,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ):
        """Gives the model its optimizer, and builds what is not built yet.

        Args:
            optimizer: a Keras optimizer, or its name.
            run_eagerly: run the training step as plain Python, to look inside it. Slow.
            steps_per_execution: how many batches are trained on in one call into TensorFlow; callbacks hear of the last.
            jit_compile: whether XLA compiles the training step. "auto" is Keras's rule: on a GPU, not on a CPU, where it
                pays for dense layers (a fifth of a step) and not for convolutions.
            auto_scale_loss: under the `mixed_float16` policy, whether optimizers are wrapped in a `LossScaleOptimizer`.

        Raises:
            ValueError: if the optimizer has been used for other weights, or a network cannot learn.
        """
        self._compile(
            {"model_optimizer": optimizer},
            {"optimizer": "model_optimizer"},
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=auto_scale_loss,
        )

    def _compile(self, optimizers, arguments, **options):
        """Compiles with optimizers by attribute; `arguments` maps what `compile` calls them to the attribute."""
        found = {}
        for attribute, identifier in optimizers.items():
            name = next(argument for argument, held in arguments.items() if held == attribute)
            found[attribute] = made_once(name, identifier, found.values())
        self._build_networks()
        for attribute, names in self._groups().items():
            self._check_learns(attribute, names)
            if options["auto_scale_loss"] and self._computes_in_float16():
                if not isinstance(found[attribute], keras.optimizers.LossScaleOptimizer):
                    found[attribute] = keras.optimizers.LossScaleOptimizer(found[attribute])

        # Without `optimizer=None` Keras would make one that steps nothing, and schedules would move only that.
        super().compile(optimizer=None, **{key: options[key] for key in options if key != "auto_scale_loss"})
        self._hidden.averages, self._hidden.trained = {}, {}
        for attribute, names in self._groups().items():
            optimizer, weights = found[attribute], self._weights_of(names)
            setattr(self, attribute, optimizer)
            optimizer.build(weights)  # here, so that there are slots to load a saved state into
            self._hidden.trained[attribute] = [id(weight) for weight in weights]
            if keeps_average(optimizer):
                self._hidden.averages[attribute] = Average(plain(optimizer), weights)
        self.optimizer = Optimizers(found)  # what Keras's callbacks look for
        self._compile_settings = options
        self._optimizer_arguments = arguments
        if reason := self._unsaveable():
            warnings.warn(f"{reason} Until then this model trains, but cannot be saved whole.", stacklevel=4)

    def _check_learns(self, attribute, names):
        if not self._weights_of(names):
            raise ValueError(
                f"What has an optimizer must be able to learn. Received: {' and '.join(names) or type(self).__name__} "
                f"without a trainable weight. Set {names[0] if names else 'a network'}.trainable = True; nothing has to "
                "be frozen here, each step moves only the weights that it is for."
            )

    def _computes_in_float16(self):
        return any(_dtypes_of(network) & {"float16"} for network in self._networks().values())

    def _build_if_possible(self):
        if self.built or type(self).call is keras.Model.call:
            return
        inputs = self._example_inputs()
        if inputs is not None:
            self(inputs)

    def _example_inputs(self):
        """Zeros in the shape that `call` takes, one sample; None where the shape is not known."""
        parts = (self.call_inputs or Batch(dict(list(self.batch.parts.items())[:1]))).parts
        if not parts or any(None in part.shape for part in parts.values()):
            return None
        zeros = [ops.zeros((1, *part.shape), "int32" if part.integer else None) for part in parts.values()]
        return zeros[0] if len(zeros) == 1 else tuple(zeros)

    def _build_networks(self):
        """Builds networks that nothing has called yet, by tracing a step on a batch as it was declared."""
        self._build_if_possible()
        unbuilt = [name for name, network in self._networks().items() if not network.built]
        if unbuilt and self.batch.parts:
            specs = tuple(
                tf.TensorSpec((None, *part.shape), "int32" if part.integer else keras.config.floatx())
                for part in self.batch.parts.values()
            )
            try:
                tf.function(lambda *batch: self.test_step((batch,))).get_concrete_function(*specs)
            except Exception as error:
                raise ValueError(
                    f"compile() could not build {', '.join(unbuilt)}: a trial of test_step raised {type(error).__name__}: "
                    f"{error} Call the networks once on data, or begin them with keras.Input."
                ) from error
        if unbuilt := [name for name, network in self._networks().items() if not network.built]:
            raise ValueError(
                f"compile() needs networks whose weights are there. Received: {', '.join(unbuilt)}, not built. "
                "Begin it with keras.Input, or call it once on data."
            )
        self.built = True

    # --- steps --------------------------------------------------------------------------------------------------------------

    def descend(self, loss, tape):
        """Takes one step of the optimizer down a loss.

        Losses of layers (regularizers, `add_loss`) count too.

        Args:
            loss: the scalar to minimise.
            tape: the `tf.GradientTape` that watched it being computed.

        Returns:
            The scalar that was minimised: the loss and the losses of layers.
        """
        return self._descend("model_optimizer", loss, tape)

    def _descend(self, attribute, loss, tape):
        names = self._groups()[attribute]
        optimizer, weights = getattr(self, attribute), self._weights_of(names)
        if not hasattr(loss, "shape") or tuple(loss.shape) != ():
            raise ValueError(
                f"A loss must be a scalar, the mean over the batch. Received: loss of shape "
                f"{tuple(loss.shape) if hasattr(loss, 'shape') else type(loss).__name__}. Take keras.ops.mean(loss)."
            )
        with tf.GradientTape() as of_layers:
            extra = self._layer_losses(names)
        # Gradients of a loss can be too small for float16: there the optimizer scales them up from the first step of the
        # chain rule on, and down again before it uses them. Several devices add their gradients up, each its share.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        start = ops.cast(optimizer.scale_loss(ops.cast(1.0 / replicas, loss.dtype)), loss.dtype)
        # A layer's loss on what it saw is on the first tape, a regularizer's, which is computed here, on the second.
        targets = [loss, *extra]
        starts = [ops.cast(start, target.dtype) for target in targets]
        gradients = tape.gradient(targets, weights, output_gradients=starts)
        if extra:
            more = of_layers.gradient(extra, weights, output_gradients=starts[1:])
            gradients = [b if a is None else a if b is None else a + b for a, b in zip(gradients, more)]
        # No weight moves before every gradient is there: a penalty's gradient looks at biases that it does not move, and on
        # a busy machine some of them were seen to have moved by then.
        with tf.control_dependencies([gradient for gradient in gradients if gradient is not None]):
            gradients = [None if gradient is None else tf.identity(gradient) for gradient in gradients]
        optimizer.apply(gradients, weights)
        return loss + sum(ops.cast(value, loss.dtype) for value in extra) if extra else loss

    def _layer_losses(self, names):
        """The losses of the layers in networks: of each, what its last call added, and its regularizers once."""
        found = {id(value): value for name in names for value in getattr(self, name).losses}
        return list(found.values())

    def every(self, n: int, turn, *args):
        """Calls `turn(*args)` on every n-th batch that the model is trained on, and not on the others.

        Batches are counted by the model, over all calls of `fit`, and the count is saved.

        Args:
            n: 1 for every batch.
            turn: a function of tensors, without a result.
            *args: the tensors.
        """
        if n == 1:
            turn(*args)
            return

        # Whether it is due is decided once for all devices: in a condition on each, TensorFlow adds no gradients up.
        def if_it_is_due(strategy, *args):
            tf.cond(self._counters.batches % n == 0, lambda: strategy.run(turn, args=args), lambda: None)

        tf.distribute.get_replica_context().merge_call(if_it_is_due, args=args)

    # --- logs -----------------------------------------------------------------------------------------------------------------

    def track(self, *names):
        """Adds names to what the history has, each the mean over an epoch.

        Args:
            *names: strings, or lists of them.
        """
        for name in tf.nest.flatten(names):
            if name not in self._means:
                self._means[name] = Mean(name=name)

    def log(self, **values):
        """Records one batch's values, scalars, for the means of the epoch.

        Raises:
            ValueError: for a name that `track` was not given, or a value that is no scalar.
        """
        for name, value in values.items():
            if name not in self._means:
                raise ValueError(
                    f"The history has {', '.join(self._means) or 'nothing yet'}. Received: log({name}=…). "
                    f"Add it in __init__: self.track({name!r})."
                )
            if tuple(getattr(value, "shape", ())) != ():
                raise ValueError(
                    f"A logged value must be a scalar. Received: {name} of shape {tuple(value.shape)}. "
                    "Take keras.ops.mean of it."
                )
            self._means[name].update_state(value)

    @property
    def metrics(self):
        # Keras would add a `loss` of its own, which stays 0 where the model has several.
        return list(self._means.values())

    def get_metrics_result(self):
        results = super().get_metrics_result()
        strategy = tf.distribute.get_strategy()
        several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        if not several or tf.distribute.in_cross_replica_context():
            return results
        # Over several machines Keras averages what their steps output along a first axis, which a number lacks.
        return {name: ops.reshape(value, (1,)) for name, value in results.items()}

    # --- outputs ----------------------------------------------------------------------------------------------------------

    def generate(self, count: int, seed: int | None = None):
        """Makes samples. A model that can make them from nothing but a seed defines this.

        Args:
            count: how many.
            seed: an integer for the same samples every time; None for others each time.

        Returns:
            A NumPy array of shape (count, *image_shape), float32.
        """
        raise TypeError(
            f"{type(self).__name__} makes its outputs from given inputs, not from a seed alone. "
            f"Received: generate(count={count}). Call predict(inputs)."
        )

    def compute(self, name: str, inputs, batch_size: int = 256):
        """Computes a network's outputs, with the average of its weights where its optimizer keeps one.

        Args:
            name: the attribute that holds the network.
            inputs: an array or a tuple of arrays, with samples along the first axis.
            batch_size: how many samples are computed at a time.

        Returns:
            NumPy arrays, float32, in the structure of the network's outputs.
        """
        inputs = tf.nest.map_structure(ops.convert_to_tensor, inputs)
        count = tf.nest.flatten(inputs)[0].shape[0]
        network, batches = getattr(self, name), []
        with self.average_of(name):
            for start in range(0, count, batch_size):
                part = tf.nest.map_structure(lambda tensor: tensor[start : start + batch_size], inputs)  # noqa: B023
                batches.append(tf.nest.map_structure(_float32, network(part, training=False)))
        return tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *batches)

    def average_of(self, *names):
        """A scope in which networks compute with the average of their weights, where their optimizer keeps one.

        The weights themselves stay as they are. `call` of a subclass uses it when it is not training.

        Args:
            *names: attributes that hold the networks.
        """
        scopes = contextlib.ExitStack()
        for attribute, trained in self._groups().items():
            if attribute in self._hidden.averages and set(names) & set(trained):
                if tf.executing_eagerly():
                    self._refresh_averages()
                constants = getattr(self._hidden.exporting, "averages", {}).get(attribute)
                scopes.enter_context(self._hidden.averages[attribute].scope(constants))
        return scopes

    def averaged(self, name: str):
        """Returns a copy of a network, with the average of its weights where its optimizer keeps one.

        Args:
            name: the attribute that holds the network.

        Returns:
            A Keras model that shares nothing with this one.

        Example:
            >>> gan.averaged("generator").save("generator.keras")
        """
        network = getattr(self, name)
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
        if not copy.built:
            self._build_copy(name, copy)
        self._refresh_averages()
        values = {
            id(v): average.value_of(v) for average in self._hidden.averages.values() for v in network.variables
            if average.value_of(v) is not v
        }
        for variable, target in zip(network.variables, copy.variables, strict=True):
            target.assign(values.get(id(variable), variable))
        return copy

    def _build_copy(self, name, copy):
        shapes = getattr(self, name).get_build_config() or {}
        copy.build_from_config(shapes)

    def measuring_inputs(self, name: str):
        """Inputs of a network on which BatchNormalization is measured for averaged weights, or None to keep it as it is.

        Args:
            name: the attribute that holds the network.
        """
        return None

    def _refresh_averages(self):
        for attribute, average in self._hidden.averages.items():
            networks = {name: getattr(self, name) for name in self._groups()[attribute]}
            average.refresh(self._hidden.loads, networks, self.measuring_inputs)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """As `keras.Model.predict`, from inputs of `call` to outputs; the inputs are checked first."""
        self._refresh_averages()
        with in_words() as failures:
            x, _ = self._inputs_batch().prepare(x, None, "x", batch_size, failures=failures)
            return super().predict(x, verbose=verbose, steps=steps, callbacks=callbacks)

    def predict_on_batch(self, x):
        """As `keras.Model.predict_on_batch`; the inputs are checked first."""
        self._refresh_averages()
        (x,) = self._inputs_batch().arrays(x)
        return super().predict_on_batch(tf.nest.map_structure(_as_floatx, x))

    def _inputs_batch(self):
        return self.call_inputs or Batch(dict(list(self.batch.parts.items())[:1]))

    def export(self, *args, **kwargs):
        """As `keras.Model.export`: writes an artefact for serving, which takes the inputs of `call`."""
        self._refresh_averages()
        # In the artefact averages are constants: Keras would not find the variables that hold them here.
        self._hidden.exporting.averages = {name: average.numpy() for name, average in self._hidden.averages.items()}
        try:
            return super().export(*args, **kwargs)
        finally:
            self._hidden.exporting.averages = {}

    # --- saving ----------------------------------------------------------------------------------------------------------

    def _settings(self):
        """{argument of __init__: its present value}: an attribute of the same name, else what was given."""
        return {name: vars(self).get(name, given) for name, given in self._arguments.given.items()}

    def get_config(self):
        """The arguments of `__init__`, each as the attribute of its name holds it now."""
        base = super().get_config()
        own = {name: value for name, value in self._settings().items() if name not in base}
        return base | {name: keras.saving.serialize_keras_object(value) for name, value in own.items()}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        arguments = {}
        for name, value in config.items():
            try:
                arguments[name] = keras.saving.deserialize_keras_object(value, custom_objects=custom_objects)
            except Exception as error:
                kind = value.get("class_name", value) if isinstance(value, dict) else value
                cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                raise ValueError(
                    f"The saved model's {name} cannot be made again. Received: {name} of class {kind!r}. Import the module "
                    "that defines it before loading, with @keras.saving.register_keras_serializable() above the class, or "
                    f"pass custom_objects={{{kind!r}: …}}. ({type(error).__name__}: {cause[:300]})"
                ) from None
        return cls(**arguments)

    def get_compile_config(self):
        if not self.compiled:
            return None
        return self._compile_settings | {
            argument: keras.saving.serialize_keras_object(getattr(self, attribute))
            for argument, attribute in self._optimizer_arguments.items()
        }

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def _unsaveable(self):
        """Why this model could not be saved and loaded again, as a sentence; None if it could."""
        for name, value in self._settings().items():
            for item in value if isinstance(value, (list, tuple)) else [value]:
                if reason := why_not_saved(item):
                    return f"{name} must be something that Keras can save. Received: {name}={item!r}, {reason}"
        return None

    def save_own_variables(self, store):
        super().save_own_variables(store)
        # Keras leaves the state of random numbers out; without it a resumed run would draw other noise.
        for index, state in enumerate(self._random_states()):
            store[f"random_state_{index}"] = state.numpy()
        for index, variable in enumerate(self._variables_of_settings()):
            store[f"setting_state_{index}"] = variable.numpy()
        store["counters"] = self._counters.numpy()

    def load_own_variables(self, store):
        ours = ("random_state_", "setting_state_", "counters")
        super().load_own_variables({key: store[key] for key in store.keys() if not key.startswith(ours)})
        for key, variables, kind in (
            ("random_state_", self._random_states(), "sources of randomness (Dropout layers and noise)"),
            ("setting_state_", self._variables_of_settings(), "variables in objectives, penalties and other settings"),
        ):
            states = [store[f"{key}{index}"] for index in range(sum(name.startswith(key) for name in store.keys()))]
            if len(states) != len(variables):
                raise ValueError(
                    f"The saved state must be of this model. Received: {len(states)} states for {len(variables)} {kind}. "
                    "Load the file into networks of the same layers, compiled in the same way."
                )
            for variable, value in zip(variables, states):
                variable.assign(value)
        self._counters.load(store["counters"] if "counters" in store.keys() else None)
        self._hidden.loads += 1

    def _random_states(self):
        """The state of all random numbers: the model's own, those of its settings, those of its layers."""
        inner = {id(variable) for network in self._networks().values() for variable in network.variables}
        states = [variable for variable in self.variables if "seed_generator_state" in variable.path]
        own = [state for state in states if id(state) not in inner]
        known = {id(state) for state in states}
        settings = [state for state in state_of(self._settings())[1] if id(state) not in known]
        return own + settings + [state for state in states if id(state) in inner]

    def _variables_of_settings(self):
        known = {id(variable) for variable in self.variables}
        return [variable for variable in state_of(self._settings())[0] if id(variable) not in known]

    def save(self, filepath, overwrite=True, **kwargs):
        """Saves the whole model: networks, optimizers with their state, random state, compile options.

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

    # --- fit and evaluate -------------------------------------------------------------------------------------------------

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
        shuffle = True if shuffle is None else shuffle
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = fitting.made_to_fit(self, tf.nest.flatten([] if callbacks is None else callbacks))
        # Keras's, left over from a fit that was interrupted, or resumed.
        self._eval_epoch_iterator = None
        begin_at_epoch(self, None)
        with in_words() as failures:
            if validation_split and validation_data is None and x is not None and not is_iterated(x):
                (x, y), validation_data = fitting.split(self.batch.arrays(x, y), validation_split)
            x, _ = self.batch.prepare(
                x, y, "x", batch_size, self._counters.order(self.seed_generator, shuffle, batch_size), failures
            )
            if validation_data is not None:
                size = kwargs.pop("validation_batch_size", None) or batch_size
                validation_data = self._validation(validation_data, size, failures)
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

    def _validation(self, data, batch_size, failures):
        """What Keras is given as validation_data: (x, y) of arrays, data sets and all else that fit takes."""
        x, y = data, None
        if isinstance(data, (tuple, list)) and not any(is_iterated(item) for item in data):
            count, unread = max(len(self.batch.parts), 1), [item for item in data if item is not None]
            if len(data) == 3 and count < 3 and data[2] is not None:
                self._refuse_weights(sample_weight=data[2])
            x, y = (tuple(data), None) if len(unread) == count > 1 else (data[0], data[1] if len(data) > 1 else None)
        return self.batch.prepare(x, y, "validation_data", batch_size, failures=failures)[0]

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
        self._counters.after_loading(
            max(int(getattr(self, attribute).iterations.numpy()) for attribute in self._groups())
        )

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, steps=None, **kwargs):
        """As `keras.Model.evaluate`: the losses and what else the history has, with the checks of `fit`.

        It draws the same random numbers every time, so that the same model and data give the same losses, and leaves all
        state as it was, so that training with validation and without is the same training.
        """
        within_fit = kwargs.get("_use_cached_eval_dataset", False)
        if not within_fit:
            self._refuse_weights(sample_weight=sample_weight)
        with in_words() as failures, self._without_a_trace():
            if not within_fit:  # there it has been looked at
                x, _ = self.batch.prepare(x, y, "x", batch_size, failures=failures)
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
        with self._without_a_trace():
            return super().test_on_batch(*self._one_batch(x, y), return_dict=return_dict)

    def _one_batch(self, x, y):
        return tf.nest.map_structure(_as_floatx, self.batch.arrays(x, y))


# --- what is done around a subclass's methods ---------------------------------------------------------------------------


def _outermost(method, around):
    """A method of which only the most derived form is surrounded: `super().train_step(data)` is the plain one."""

    @functools.wraps(method)
    def prepared(self, *args, **kwargs):
        if getattr(type(self), method.__name__) is not prepared:
            return method(self, *args, **kwargs)
        return around(method, self, *args, **kwargs)

    return prepared


def _constructs(init):
    def around(init, self, *args, **kwargs):
        given = inspect.signature(init).bind(self, *args, **kwargs).arguments
        given = dict(list(given.items())[1:])
        for name, parameter in inspect.signature(init).parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                given |= given.pop(name, {})
            elif name in given or parameter.default is parameter.empty:
                continue
            else:
                given[name] = parameter.default
        # Past Keras, which would take the networks in it for attributes of their own.
        object.__setattr__(self, "_arguments", SimpleNamespace(given=given))
        init(self, *args, **kwargs)
        self._finish()

    return _outermost(init, around)


def _trains(step):
    def around(step, self, data):
        # TensorFlow runs side by side what does not wait for one another. A step's random numbers and counters do not
        # wait for its samples, so at the end of a data set of unknown length they could run ahead, by a step that
        # never comes.
        with tf.control_dependencies([part for part in tf.nest.flatten(data) if part is not None]):
            self._counters.count()
            logs = step(self, data)
        return self.get_metrics_result() if logs is None else logs

    return _outermost(step, around)


def _reports(step):
    def around(step, self, data):
        logs = step(self, data)
        return self.get_metrics_result() if logs is None else logs

    return _outermost(step, around)


def _float32(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


def _as_floatx(array):
    return array.astype(keras.config.floatx()) if np.issubdtype(array.dtype, np.floating) else array


def _dtypes_of(network):
    return {layer.compute_dtype for layer in flatten_layers(network)}
