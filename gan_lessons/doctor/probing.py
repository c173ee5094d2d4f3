"""Runs single training steps of a GAN under observation, and undoes them.

It works for any `keras.Model` with a `generator`, a `discriminator` and a `train_step`, and knows nothing of the
losses. It sees from outside what a step does: the calls of the players, the gradients, the optimizers. It can also
force D's output: `step(batch, output=30.0)` runs the step with a discriminator that outputs 30 for every image, and the
gradient of a loss with respect to that output shows which way the loss pulls it.
"""

import collections
import contextlib
import itertools
import math
import random
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from gan_lessons import _keras

# The kinds of image that D is shown.
GENERATED, REAL, BETWEEN = "generated", "real", "between"


# --- what a step did ---------------------------------------------------------------------------------------------


@dataclass
class Call:
    """One call of a player.

    Attributes:
        player: whose call.
        inputs: the tensors that the player was given.
        outputs: the tensor that it output; the first, if it output several.
        images: of a call of D, the images among its inputs.
        kinds: of a call of D, the kind of each image.
        penalised: whether a penalty took the gradient of D's output with respect to the images.
        by_logits: whether D ends in a sigmoid of Keras's, so that forced outputs are logits.
    """

    player: str
    inputs: list
    outputs: tf.Tensor
    images: tf.Tensor = None
    kinds: np.ndarray = None
    penalised: bool = False
    by_logits: bool = False


@dataclass
class Pass:
    """One backward pass, `tape.gradient(target, sources)`.

    Attributes:
        player: whose weights are the sources. None if they are no weights: it is the inner gradient of a penalty.
        sources: what the target is differentiated with respect to.
        gradients: what the pass returned.
        slopes: {index of a call of D: ∂target/∂D(x), of the shape of D's output}.
    """

    player: str | None
    sources: list
    gradients: list = field(default_factory=list)
    slopes: dict = field(default_factory=dict)


@dataclass
class Update:
    """One call of an optimizer."""

    optimizer: object
    gradients: list
    variables: list


@dataclass(frozen=True)
class Owned:
    """A variable and the player that has it; None for a variable of neither."""

    variable: object
    owner: str | None


@dataclass
class Step:
    """The record of one training step.

    Attributes:
        calls: the calls of the players, in order.
        passes: the backward passes, in order.
        updates: the calls of optimizers, in order.
        training: {player: [whether Dropout, BatchNormalization and the like were called with training=True]}.
        logs: {name: value} that `train_step` returned.
        metrics: {name: result} of the model's metrics after it.
        moved: {player: the largest change of one of its trainable weights}.
        error: the exception that it raised, or None.
    """

    calls: list = field(default_factory=list)
    passes: list = field(default_factory=list)
    updates: list = field(default_factory=list)
    training: dict = field(default_factory=lambda: {"generator": [], "discriminator": []})
    logs: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    moved: dict = field(default_factory=dict)
    error: Exception | None = None

    def of(self, player: str) -> list:
        """Returns the calls of one player, as a list of (index, `Call`)."""
        return [(index, call) for index, call in enumerate(self.calls) if call.player == player]

    def pull(self, player: str, kind: str) -> np.ndarray:
        """Returns which way a player's loss pulls D's outputs: n · ∂loss/∂D(x), one number for each image of one kind.

        A negative number means that the loss falls when D's output rises. If the loss has the mean over n images, the
        number is the derivative of one image's loss. Over a map of outputs it is the sum.

        Args:
            player: whose loss: that of the backward passes with respect to the player's weights.
            kind: `REAL` or `GENERATED`.

        Returns:
            An array of shape (images,); empty if no such pass reached such an image.
        """
        found = []
        for one in self.passes:
            if one.player != player:
                continue
            for index, slope in one.slopes.items():
                rows = self.calls[index].kinds == kind
                if rows.any():
                    found.append(rows.sum() * slope.reshape(len(slope), -1).sum(1)[rows])
        return np.concatenate(found) if found else np.zeros(0)

    def outputs(self, kind: str) -> np.ndarray:
        """Returns D's outputs for the images of one kind, of shape (images, …), in the step's own calls."""
        found = [rows_of(call.outputs)[call.kinds == kind] for _, call in self.of("discriminator")]
        found = [some for some in found if len(some)]
        return np.concatenate(found) if found and len({some.shape[1] for some in found}) == 1 else np.zeros((0, 1))

    def gradients(self, player: str) -> float | None:
        """Returns the largest gradient that an optimizer was given for a weight of a player; None for no gradient."""
        sizes = []
        for update in self.updates:
            for gradient, variable in zip(update.gradients, update.variables, strict=False):
                if variable.owner == player and gradient is not None:
                    sizes.append(float(tf.reduce_max(tf.abs(tf.convert_to_tensor(gradient)))))
        return max(sizes, default=None)


# --- running steps and undoing them ------------------------------------------------------------------------------


class _Enough(BaseException):
    """Ends a step that has shown what it was run for. No `Exception`: the step's own code might catch that."""


class Examination:
    """A context that runs a GAN's training steps and records them; at its end it puts everything back, bit for bit.

    It puts back the weights and states of the model and of all that belongs to it, its metrics, its optimizers (a copy
    steps in the place of an optimizer that is not built), its plain attributes, which layers are trainable, and the
    random states of Python, NumPy, TensorFlow and Keras. It cannot put back what only the GAN's own code can reach,
    such as variables in a global name.

    Args:
        gan: a compiled `keras.Model` with `generator`, `discriminator` and `train_step`, both players built.
        seed: an integer, for the random numbers that the steps draw.

    Example:
        >>> with Examination(gan) as examination:
        ...     step = examination.step(batch)
        >>> step.moved
        {'generator': 0.0, 'discriminator': 0.0002}
    """

    _count = itertools.count(1)

    def __init__(self, gan: keras.Model, seed: int = 0):
        self.gan = gan
        self.players = {"generator": gan.generator, "discriminator": gan.discriminator}
        self.seed = seed
        self._step = self._output = self._traced = None
        self._flat = self._in_optimizer = False
        self._passes = []  # the backward passes that are under way, the innermost last

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._keep_random_states(stack)
            self._optimizers, self._late = {}, []
            found = {id(one): one for thing in _belongings(self.gan) for one in _variables_of(thing)}
            self._variables = list(found.values())
            self._layers = _keras.flatten_layers(self.gan)
            stack.callback(self._restore_late)
            stack.callback(self.rewind, self.state())
            self._watch_players(stack)
            self._watch_tapes(stack)
            self._watch_optimizers(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def step(self, batch, output: float | None = None, flat: bool = False) -> Step:
        """Runs one training step, eagerly, and returns its record.

        Args:
            batch: what `train_step` takes.
            output: a number that D outputs for every image. Gradients pass as if D had computed it; optimizers count
                the step, and leave the weights as they are.
            flat: whether D's outputs pass on no gradient, as a critic of slope 0 does. Weights stay here too.

        Returns:
            A `Step`. An exception that the training step raised is its `error`.
        """
        self._step, self._output, self._flat = Step(), output, flat
        before = {
            name: [(weight, _array(weight)) for weight in player.variables] for name, player in self.players.items()
        }
        trainable = {id(weight) for player in self.players.values() for weight in player.trainable_variables}
        eagerly = tf.config.functions_run_eagerly()
        tf.config.run_functions_eagerly(True)
        step = self._step
        try:
            logs = self.gan.train_step(batch)
            if isinstance(logs, dict):
                step.logs = {name: _array(value) for name, value in logs.items() if not isinstance(value, dict)}
        except Exception as error:  # whatever the user's code raises is a thing to look at
            step.error = error
        finally:
            tf.config.run_functions_eagerly(eagerly)
            self._step = self._output = None
            self._flat = self._in_optimizer = False
            self._passes.clear()
        # A step may switch `trainable` on for a part of itself: what an optimizer was given is trainable too.
        trainable |= {id(owned.variable) for update in step.updates for owned in update.variables}
        for name, pairs in before.items():
            changes = [np.abs(_array(weight) - old).max(initial=0) for weight, old in pairs if id(weight) in trainable]
            step.moved[name] = float(np.max(changes, initial=0))
        with contextlib.suppress(Exception):  # a metric that has seen nothing may have no result
            step.metrics = _results(self.gan.metrics)
            _drop_empty_means(step, self.gan.metrics)
        _sort_images(step, batch)
        return step

    def traced_inputs(self, batch) -> list:
        """Returns the generator's inputs in three steps that TensorFlow traces, as `fit` runs them.

        In a traced step the user's Python runs only once, so random numbers that Python draws are constants. A step is
        traced only as far as the generator's first call.

        Args:
            batch: what `train_step` takes in the first two steps; in the third it takes `rolled(batch)`.

        Returns:
            For each step the list of the generator's inputs, arrays; an empty list if they cannot be seen.
        """
        if self.gan.run_eagerly or tf.config.functions_run_eagerly():
            return []
        train_step = getattr(self.gan.train_step, "python_function", self.gan.train_step)

        @tf.function(autograph=False)
        def begin(data):
            self._traced = []
            with contextlib.suppress(_Enough):
                train_step(data)
            return [tf.identity(one) for one in self._traced]

        try:
            traced = begin.get_concrete_function(batch)  # a call would warn of many tracings: here is one a model
            found = [traced(batch) for batch in (batch, batch, rolled(batch))]
        except Exception:  # a step that cannot be traced: fit() will raise the same
            return []
        finally:
            self._traced = None
        return [[_array(one) for one in inputs] for inputs in found if inputs]

    def state(self):
        """Returns all values as they are now, for `rewind`."""
        plain = {key: value for key, value in vars(self.gan).items() if type(value) in (int, float, bool, str)}
        return [_array(variable) for variable in self._variables], plain, [one.trainable for one in self._layers]

    def rewind(self, state):
        """Puts back the values of an earlier `state()`."""
        values, plain, trainable = state
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
        vars(self.gan).update(plain)
        for layer, value in zip(self._layers, trainable, strict=True):  # a layer comes before those inside it
            if layer.trainable != value:
                layer.trainable = value

    # --- watching ------------------------------------------------------------------------------------------------

    def _owner(self, variable):
        key = _key(variable)
        return next(
            (name for name, one in self.players.items() if any(key == _key(weight) for weight in one.variables)), None
        )

    def _watch_players(self, stack):
        for name, player in self.players.items():
            _shadow_call(stack, player, self._watched_call(name, player.call))
            for layer in _keras.flatten_layers(player, include_self=False):
                if _has_two_modes(layer):
                    _shadow_call(stack, layer, self._watched_mode(name, layer.call))

    def _watched_call(self, player, call):
        def watched(inputs, *args, **kwargs):
            if self._traced is not None and player == "generator":
                self._traced += _tensors_in(inputs)
                raise _Enough
            outputs = call(inputs, *args, **kwargs)
            if self._step is None:
                return outputs
            # Of several outputs the first is the image, or the one about real and generated.
            first, *others = tf.nest.flatten(outputs)
            index = len(self._step.calls)
            self._step.calls.append(Call(player, _tensors_in(inputs), first))
            if player == "generator":
                return outputs
            return tf.nest.pack_sequence_as(outputs, [self._seen_or_forced(first, index), *others])

        return watched

    def _seen_or_forced(self, outputs, index):
        """Returns D's outputs, or forced outputs, and records the gradient that comes back to them."""

        @tf.custom_gradient
        def watch(outputs):
            def gradient(slope):
                if self._passes:
                    slopes = self._passes[-1].slopes
                    slopes[index] = slopes.get(index, 0) + np.asarray(keras.ops.cast(slope, "float32"))
                return 0.0 * slope if self._flat else slope

            return (tf.identity(outputs) if self._output is None else tf.ones_like(outputs) * self._output), gradient

        logits = _keras.logits_of(outputs)
        if logits is None or not np.allclose(outputs, tf.sigmoid(logits), atol=1e-3, equal_nan=True):
            return watch(outputs)
        # Keras's sigmoid leaves its logits with its output, and Keras's cross-entropy takes those: they are what has to
        # be watched and forced. Keras's sigmoid of them leaves them again.
        self._step.calls[index].by_logits = True
        return keras.ops.sigmoid(watch(logits))

    def _watched_mode(self, player, call):
        def watched(*args, **kwargs):
            if self._step is not None:
                self._step.training[player].append(bool(kwargs.get("training")))
            return call(*args, **kwargs)

        return watched

    def _watch_tapes(self, stack):
        original = tf.GradientTape.gradient

        def gradient(tape, target, sources, *args, **kwargs):
            if self._step is None:
                return original(tape, target, sources, *args, **kwargs)
            flat = tf.nest.flatten(sources)
            owners = {self._owner(source) for source in flat if _is_variable(source)}
            one = Pass(owners.pop() if len(owners) == 1 else None, flat)
            self._step.passes.append(one)
            self._passes.append(one)
            try:
                found = original(tape, target, sources, *args, **kwargs)
            finally:
                self._passes.pop()
            one.gradients = tf.nest.flatten(found)
            return found

        _replace(stack, tf.GradientTape, "gradient", gradient)

    def _watch_optimizers(self, stack):
        kinds = [keras.optimizers.Optimizer, keras.optimizers.LossScaleOptimizer]
        for kind in kinds:
            original = kind.apply

            def apply(optimizer, grads, trainable_variables=None, original=original):
                if self._step is None or self._in_optimizer:  # the optimizer inside a LossScaleOptimizer
                    return original(optimizer, grads, trainable_variables)
                acting = self._acting(optimizer)
                variables = _keras.weights_of(optimizer) if trainable_variables is None else trainable_variables
                variables, grads = list(variables), list(grads)
                owned = [Owned(variable, self._owner(variable)) for variable in variables]
                self._step.updates.append(Update(optimizer, grads, owned))
                if self._output is not None or self._flat:  # D is not itself: no weight needs to move
                    _counter(optimizer).assign_add(1)
                    return None
                self._in_optimizer = True
                try:
                    original(acting, grads, None if trainable_variables is None else variables)
                    _counter(optimizer).assign(_counter(acting))
                finally:
                    self._in_optimizer = False

            _replace(stack, kind, "apply", apply)

    # --- undoing -------------------------------------------------------------------------------------------------

    def _acting(self, optimizer):
        """Returns the optimizer that steps in the place of another: itself if it was built, else a copy."""
        if id(optimizer) not in self._optimizers:
            acting = optimizer
            if not optimizer.built:
                acting = type(optimizer).from_config(optimizer.get_config())
                _counter(acting).assign(_counter(optimizer))
            self._optimizers[id(optimizer)] = optimizer, acting
            known = {id(variable) for variable in self._variables}
            # An optimizer that only the step's own code knows of has variables that were not found before.
            new = [variable for variable in optimizer.variables if id(variable) not in known]
            self._late += [(variable, _array(variable)) for variable in new]
        return self._optimizers[id(optimizer)][1]

    def _restore_late(self):
        for variable, value in self._late:
            variable.assign(value)

    def _keep_random_states(self, stack):
        python, numpy = random.getstate(), np.random.get_state()
        stack.callback(random.setstate, python)
        stack.callback(np.random.set_state, numpy)
        random.seed(self.seed)
        np.random.seed(self.seed)
        with contextlib.suppress(RuntimeError):  # under op determinism there may be no global generator
            generator = tf.random.get_global_generator()
            stack.callback(generator.state.assign, _array(generator.state))
            stack.callback(tf.random.set_global_generator, generator)
        stack.enter_context(_keras.keras_seed_kept())
        # TensorFlow's operations keep their random state under their seed. With an unused seed, no state moves that
        # the user's code has drawn from.
        stack.enter_context(_keras.tensorflow_seed(7_777_777 + 1_000_003 * next(self._count) + self.seed))


# --- what belongs to a model -------------------------------------------------------------------------------------


def _belongings(model, depth=5):
    """Yields all that has a state of its own among the attributes of a model, and of what it holds.

    The walk goes breadth first, so that each thing is met on its shortest way and the depth counts from there.
    """
    seen, waiting = {}, collections.deque([(model, depth)])
    while waiting:
        thing, depth = waiting.popleft()
        if id(thing) in seen or depth == 0:
            continue
        seen[id(thing)] = thing
        inner = ()
        if isinstance(thing, (list, tuple, set)):
            inner = list(thing)
        elif isinstance(thing, dict):
            inner = list(thing.values())
        elif _has_state(thing):
            yield thing
            inner = list(vars(thing).values()) if isinstance(thing, keras.Model) else ()
        else:
            cells = getattr(thing, "__closure__", None) or ()  # what a function has taken from around it
            inner = [cell.cell_contents for cell in cells if _is_filled(cell)] + _plain_attributes(thing)
        waiting.extend((other, depth - 1) for other in inner)


def _plain_attributes(thing):
    """Returns the attributes of an object of the user's own; nothing for an object of a library."""
    libraries = ("builtins", "keras", "tensorflow", "numpy", "functools", "abc")
    library = type(thing).__module__.partition(".")[0] in libraries
    return [] if library else list(getattr(thing, "__dict__", {}).values())


def _is_filled(cell):
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _has_state(thing):
    kinds = (keras.layers.Layer, keras.metrics.Metric, keras.optimizers.Optimizer, keras.random.SeedGenerator)
    return _is_variable(thing) or isinstance(thing, (*kinds, tf.random.Generator, tf.Module))


def _variables_of(thing):
    if _is_variable(thing):
        return [thing]
    if isinstance(thing, (keras.random.SeedGenerator, tf.random.Generator)):
        return [thing.state]
    return list(thing.variables)


def _is_variable(thing):
    return isinstance(thing, (keras.Variable, tf.Variable))


def _key(variable):
    return id(variable.value if isinstance(variable, keras.Variable) else variable)  # Keras's wrap TensorFlow's


def _array(value):
    return np.array(keras.ops.convert_to_numpy(value))  # a copy, not a view of the variable's memory


def _tensors_in(inputs):
    """Returns what a player was given as a list of tensors. It may have been given arrays of NumPy's."""
    return [tf.convert_to_tensor(one) for one in tf.nest.flatten(inputs) if one is not None]


def _results(metrics):
    """Returns {name: result} of metrics, of which two may have the same name; dictionaries of results are left out."""
    results = {}
    for index, metric in enumerate(metrics):
        value = metric.result()
        if not isinstance(value, dict):
            results[metric.name if metric.name not in results else f"{metric.name} {index}"] = _array(value)
    return results


def _drop_empty_means(step, metrics):
    """Drops the NaN of each mean that has recorded nothing: the loss of a player that has not had its turn yet."""
    for metric in metrics:
        if isinstance(metric, keras.metrics.Mean) and _array(metric.count) == 0:
            for values in (step.logs, step.metrics):
                if np.isnan(values.get(metric.name, 0.0)).all():
                    del values[metric.name]


def _counter(optimizer):
    """Returns the variable in which an optimizer counts its calls; `iterations` may be computed from it."""
    variables = getattr(optimizer, "inner_optimizer", optimizer).variables
    return next(variable for variable in variables if variable.name == "iteration")


def _has_two_modes(layer):
    """Whether training=True makes a difference to a layer by itself: Dropout, BatchNormalization, noise."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return layer.trainable
    rates = (getattr(layer, "rate", None), getattr(layer, "stddev", None))
    return (
        "Dropout" in type(layer).__name__
        and bool(rates[0])
        or isinstance(layer, keras.layers.GaussianNoise)
        and bool(rates[1])
    )


def _replace(stack, owner, name, value):
    """Replaces an attribute of a class until the stack unwinds."""
    if name in vars(owner):
        stack.callback(setattr, owner, name, vars(owner)[name])
    else:
        stack.callback(delattr, owner, name)
    setattr(owner, name, value)


def _shadow_call(stack, layer, call):
    """Puts another `call` before a layer's own until the stack unwinds, past Keras, which tracks what is set."""
    attributes = vars(layer)
    if "call" in attributes:
        stack.callback(attributes.update, call=attributes["call"])
    else:
        stack.callback(attributes.pop, "call", None)
    attributes["call"] = call


# --- which image is which ----------------------------------------------------------------------------------------


def rows_of(images) -> np.ndarray:
    """Returns images as rows: (n, numbers), float32."""
    images = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(images, "float32")))
    return images.reshape(len(images), math.prod(images.shape[1:]))


def images_of(batch):
    """Returns the images of a batch that may have labels beside them: the first of the parts with the most axes."""
    # Not the first of all: a dictionary's parts are sorted by name.
    return max(tf.nest.flatten(batch), key=lambda part: len(getattr(part, "shape", ())))


def rolled(batch):
    """Returns a batch with its samples moved on by one place, all parts alike: another batch of the same samples."""

    def roll(part):
        part = tf.convert_to_tensor(part)
        return part if part.shape.rank == 0 else tf.concat([part[1:], part[:1]], axis=0)

    return tf.nest.map_structure(roll, batch)


def _sort_images(step, batch):
    """Sets the kind of each row that D was shown: real, generated, or a point between, which a penalty looks at.

    Rows that the generator output, or that the batch has, are known by their numbers. A step may first scale, augment
    or blur its images: then the rows that are not known are of the kind that D has not been shown yet. If D was shown
    neither kind, they are of the kind whose images they are nearest to.
    """
    made = [call.outputs for _, call in step.of("generator")]
    looked_at = [rows_of(source) for one in step.passes if one.player is None for source in one.sources]
    judged = [call for _, call in step.of("discriminator")]
    for call, images in zip(judged, _images_among([call.inputs for call in judged], made), strict=True):
        call.images = images
        rows = rows_of(images)
        generated, real = _known(made, images.dtype), _known(_real_images(batch, images), images.dtype)
        kinds = [(row.tobytes() in generated, row.tobytes() in real) for row in rows]
        call.kinds = np.array([GENERATED if fake else REAL if true else "" for fake, true in kinds], object)
        given = [rows, *(rows_of(one) for one in call.inputs if one.shape.rank)]
        call.penalised = any(np.array_equal(one, points) for one in given for points in looked_at)
        if call.penalised:
            call.kinds[call.kinds == ""] = BETWEEN
    seen = {kind for call in judged for kind in call.kinds}
    for call in judged:
        unknown = call.kinds == ""
        if not unknown.any():
            continue
        if (GENERATED in seen) != (REAL in seen):
            call.kinds[unknown] = REAL if GENERATED in seen else GENERATED
        else:
            call.kinds[unknown] = _nearest_kind(rows_of(call.images)[unknown], made, _real_images(batch, call.images))


def _known(images, dtype):
    """Returns the rows of several batches of images as bytes, in the precision in which D was shown them."""
    return {row.tobytes() for one in images for row in rows_of(tf.cast(one, dtype))}


def _real_images(batch, like):
    """Returns the parts of a batch that have the shape of some images (a batch of pairs has two); else the first."""
    parts = [tf.convert_to_tensor(part) for part in tf.nest.flatten(batch)]
    return [part for part in parts if part.shape[1:] == like.shape[1:]] or parts[:1]


def _images_among(inputs, made):
    """Returns the images among the inputs of each call of D.

    They are the input that has the shape of the generated images, else the first. Labels may stand beside the images,
    or behind them as further channels, and so may a source image of the same shape. So of several such parts the images
    are the part in which some call was shown generated images.

    Args:
        inputs: for each call of D its inputs, tensors.
        made: what the generator output in this step, tensors.
    """
    parts = [_parts_like(given, made) or given[:1] for given in inputs]
    place = 0
    for given in parts:
        generated = [bool(_known(made, part.dtype) & _known([part], part.dtype)) for part in given]
        if any(generated):
            place = generated.index(True)
            break
    return [given[min(place, len(given) - 1)] for given in parts]


def _parts_like(inputs, made):
    """Returns the inputs, and the first and last channels of inputs, that have the shape of generated images."""
    shapes = {tuple(one.shape)[1:] for one in made}
    found = []
    for one in inputs:
        for shape in shapes:
            if tuple(one.shape)[1:] == shape:
                found.append(one)
            elif len(shape) == 3 and one.shape.rank == 4 and tuple(one.shape)[1:3] == shape[:2]:
                if one.shape[3] > shape[2]:
                    found += [one[..., : shape[2]], one[..., -shape[2] :]]
    return found


def _nearest_kind(rows, made, real):
    none = np.zeros((0, rows.shape[1]))
    fakes, real = (
        np.concatenate([none, *(one for one in map(rows_of, images) if one.shape[1] == rows.shape[1])])
        for images in (made, real)
    )
    nearer = nearest(rows, real) <= nearest(rows, fakes)
    return np.where(nearer, REAL, GENERATED).astype(object)


def nearest(points, others, itself: bool = False) -> np.ndarray:
    """Returns the Euclidean distance of each point to the nearest of the others: min_j ‖x_i − y_j‖.

    Args:
        points: (n, numbers).
        others: (m, numbers).
        itself: whether `points` are the first rows of `others`; then a point is not its own neighbour.

    Returns:
        An array of shape (n,); infinity if there are no others.
    """
    points, others = np.asarray(points, "float64"), np.asarray(others, "float64")
    if not len(others):
        return np.full(len(points), math.inf)
    best = np.full(len(points), math.inf)
    square = (points**2).sum(1)
    for start in range(0, len(others), 4096):
        some = others[start : start + 4096]
        distances = square[:, None] + (some**2).sum(1)[None] - 2 * points @ some.T
        if itself:
            rows = np.arange(max(start, 0), min(start + len(some), len(points)))
            distances[rows, rows - start] = math.inf
        best = np.minimum(best, distances.min(1))
    return np.sqrt(np.maximum(best, 0))
