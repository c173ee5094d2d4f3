"""What every model of the package shares, whatever it learns: a GAN, a VAE, a diffusion model.

Keras plans for a model that maps x to y and has one loss. `GenerativeModel` makes what Keras offers around `fit` hold for
models of samples: checks of the data, means in the history, a `.keras` file with everything in it, exact resuming, an
average of the weights. It knows nothing of any game or loss: that is the subclass's `train_step`.
"""

import contextlib
import threading
import warnings
from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan_lessons._keras import flatten_layers
from gan_lessons.batches import Batch
from gan_lessons.models.average import Average
from gan_lessons.models.fitted import Fitted
from gan_lessons.models.optimizers import Optimizers, keeps_average, made_once, plain
from gan_lessons.models.saved import Saved
from gan_lessons.models.state import Counters
from gan_lessons.models.wrapped import constructs, reports, trains


class Mean(keras.metrics.Mean):
    """The mean of an epoch, which is NaN (0 / 0) where nothing was recorded: a mean over no turns is no number."""

    def result(self):
        return self.total / ops.cast(self.count, self.total.dtype)


class GenerativeModel(Saved, Fitted):
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
        for name, prepared in (("__init__", constructs), ("train_step", trains), ("test_step", reports)):
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

    # --- what the model works with -----------------------------------------------------------------------------------

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
        if self._counters.unknown and self.compiled:  # a file of gan_lessons 0.1, which counted by optimizers
            return max(int(getattr(self, attribute).iterations.numpy()) for attribute in self._groups())
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
            name: value
            for name, value in vars(self).items()
            if isinstance(value, keras.layers.Layer) and not isinstance(value, keras.metrics.Metric)
        }

    def _groups(self):
        """{attribute that holds an optimizer: names of the networks that it trains}."""
        return {"model_optimizer": tuple(self._networks())}

    def _weights_of(self, names):
        found = {id(v): v for name in names for v in getattr(self, name).trainable_variables}
        return list(found.values())

    # --- compile -----------------------------------------------------------------------------------------------------

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
                trial = tf.function(lambda *batch: self.test_step((batch,)), autograph=False)  # as Keras does
                trial.get_concrete_function(*specs)
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

    # --- steps -------------------------------------------------------------------------------------------------------

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

    # --- logs --------------------------------------------------------------------------------------------------------

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

    # --- outputs -----------------------------------------------------------------------------------------------------

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
        concerned = [key for key, trained in self._groups().items() if set(names) & set(trained)]
        averages = {key: self._hidden.averages[key] for key in concerned if key in self._hidden.averages}
        if not averages:
            return contextlib.nullcontext()
        if tf.executing_eagerly():
            self._refresh_averages()
        constants = getattr(self._hidden.exporting, "averages", {})
        # One scope for all: of two, Keras looks at the inner one alone.
        return keras.StatelessScope(
            [pair for key, average in averages.items() for pair in average.mapping(constants.get(key))]
        )

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
            id(v): average.value_of(v)
            for average in self._hidden.averages.values()
            for v in network.variables
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

    def export(self, *args, **kwargs):
        """As `keras.Model.export`: writes an artefact for serving, which takes the inputs of `call`."""
        self._refresh_averages()
        # In the artefact averages are constants: Keras would not find the variables that hold them here.
        self._hidden.exporting.averages = {name: average.numpy() for name, average in self._hidden.averages.items()}
        try:
            return super().export(*args, **kwargs)
        finally:
            self._hidden.exporting.averages = {}


def _float32(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


def _dtypes_of(network):
    return {layer.compute_dtype for layer in flatten_layers(network)}
