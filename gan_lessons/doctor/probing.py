"""Runs single training steps of a GAN under observation, and undoes them.

Any GAN will do that is a `keras.Model` with a `generator`, a `discriminator` and a `train_step`: nothing is known of
its losses. What a step does is seen from outside: which calls of the players, which gradients, which optimizers. And
questions can be put to it: with `answer=30` the step is run with a discriminator that answers 30 to every image, and
the gradient of the losses with respect to that answer tells what the losses want.
"""

import contextlib
import itertools
import math
import random
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common import global_state
from tensorflow.python.eager import context
from tensorflow.python.ops import stateful_random_ops

_GLOBAL_SEED = "global_seed_generator"

# What kind of image a row of D's input is.
GENERATED, REAL, BETWEEN = "generated", "real", "between"


@dataclass
class Call:
    """One call of a player.

    `inputs` and `outputs` are tensors. Of a call of D `images` are the images among its inputs, `kinds` says of each
    what it is, and `penalised` whether a penalty took the gradient of D's answer with respect to them. `by_logits` says
    that D ends in a sigmoid of Keras's, and that questions are put to its logits.
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

    `player` is the one whose weights are the sources, or None where they are not weights: then it is the inner
    gradient of a penalty. `answers` has {index of a call of D: ∂target/∂D(x), of D's output's shape}.
    """

    player: str | None
    sources: list
    gradients: list = field(default_factory=list)
    answers: dict = field(default_factory=dict)


@dataclass
class Update:
    """One call of an optimizer."""

    optimizer: object
    gradients: list
    variables: list


@dataclass
class Step:
    """What one training step did.

    Attributes:
        calls: of the players, in order.
        passes: the backward passes, in order.
        updates: the calls of optimizers, in order.
        training: {player: [whether Dropout, BatchNormalization and the like were called with training=True]}.
        logs: what `train_step` returned.
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

    def of(self, player):
        """The calls of one player, as a list of (index, `Call`)."""
        return [(index, call) for index, call in enumerate(self.calls) if call.player == player]

    def pull(self, player, kind):
        """What a player's loss wants of D's answers: n · ∂loss/∂D(x) for the images of one kind, one number an image.

        A negative number means that the loss falls when D's answer rises. With the mean over n images in the loss it
        is the derivative of one image's loss. A map of answers is summed up.

        Args:
            player: whose loss: of the backward passes with respect to its weights.
            kind: `REAL` or `GENERATED`.

        Returns:
            An array of shape (images,), empty where no such pass reached such an image.
        """
        found = []
        for one in self.passes:
            if one.player != player:
                continue
            for index, slope in one.answers.items():
                rows = self.calls[index].kinds == kind
                if rows.any():
                    found.append(rows.sum() * slope.reshape(len(slope), -1).sum(1)[rows])
        return np.concatenate(found) if found else np.zeros(0)

    def answers(self, kind):
        """D's answers to the images of one kind, of shape (images, …), in the step's own calls."""
        found = [rows_of(call.outputs)[call.kinds == kind] for _, call in self.of("discriminator")]
        found = [some for some in found if len(some)]
        return np.concatenate(found) if found and len({some.shape[1] for some in found}) == 1 else np.zeros((0, 1))

    def gradients(self, player):
        """The largest gradient given to an optimizer for one of a player's weights; None if there was none at all."""
        sizes = []
        for update in self.updates:
            for gradient, variable in zip(update.gradients, update.variables, strict=False):
                if variable.owner == player and gradient is not None:
                    sizes.append(float(tf.reduce_max(tf.abs(tf.convert_to_tensor(gradient)))))
        return max(sizes, default=None)


class _Enough(BaseException):
    """Ends a step that has shown what it was run for; no Exception, which the step's own code might catch."""


@dataclass(frozen=True)
class Owned:
    """A variable and whose it is."""

    variable: object
    owner: str | None


def rows_of(images):
    """Images, one a row: (n, numbers), float32."""
    images = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(images, "float32")))
    return images.reshape(len(images), math.prod(images.shape[1:]))


class Examination:
    """A context in which a GAN's training steps can be run and watched; at its end all is as it was, bit for bit.

    Undone are: the weights and states of the model and all that belongs to it, its metrics, its optimizers (in the
    place of one that is not built a copy steps), its plain attributes, and the random states of Python, NumPy,
    TensorFlow and Keras. Not undone is what only the GAN's own code can reach, such as variables in a global name.

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

    def __init__(self, gan, seed=0):
        self.gan = gan
        self.players = {"generator": gan.generator, "discriminator": gan.discriminator}
        self.seed = seed
        self._step = self._answer = self._traced = None
        self._flat = self._in_optimizer = False
        self._passes = []  # the backward passes that are going on, the innermost last

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._keep_random_states(stack)
            self._optimizers, self._late = {}, []
            found = {id(one): one for thing in _belongings(self.gan) for one in _variables_of(thing)}
            self._variables = list(found.values())
            stack.callback(self._restore_late)
            stack.callback(self.rewind, self.state())
            self._watch_players(stack)
            self._watch_tapes(stack)
            self._watch_optimizers(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    # --- running steps -------------------------------------------------------------------------------------------

    def step(self, batch, answer=None, flat=False):
        """Runs one training step, eagerly, and says what it did.

        Args:
            batch: what `train_step` takes.
            answer: a number that D answers to every image. Gradients pass as if it had answered itself; optimizers
                count the step, and leave the weights as they are.
            flat: whether D's answers pass on no gradient: a critic of slope 0. Weights stay here too.

        Returns:
            A `Step`. An exception that the training step raised is its `error`.
        """
        self._step, self._answer, self._flat = Step(), answer, flat
        before = {
            name: [_array(weight) for weight in player.trainable_variables] for name, player in self.players.items()
        }
        eagerly = tf.config.functions_run_eagerly()
        tf.config.run_functions_eagerly(True)
        step = self._step
        try:
            logs = self.gan.train_step(batch)
            if isinstance(logs, dict):
                step.logs = {name: _array(value) for name, value in logs.items()}
        except Exception as error:  # whatever the user's code raises is a thing to look at
            step.error = error
        finally:
            tf.config.run_functions_eagerly(eagerly)
            self._step = self._answer = None
            self._flat = self._in_optimizer = False
            self._passes.clear()
        for name, player in self.players.items():
            pairs = zip(player.trainable_variables, before[name], strict=True)
            changes = [np.abs(_array(weight) - old).max(initial=0) for weight, old in pairs]
            step.moved[name] = float(np.max(changes, initial=0))
        with contextlib.suppress(Exception):  # a metric that has seen nothing may have no result
            results = {metric.name: metric.result() for metric in self.gan.metrics}
            step.metrics = {name: _array(value) for name, value in results.items() if not isinstance(value, dict)}
        _sort_images(step, batch)
        return step

    def latents_of_traced_steps(self, batch, steps=2):
        """The latents of steps that TensorFlow has traced, as `fit` runs them: what Python draws, it draws but once.

        A step is traced no further than to the generator's first call.

        Returns:
            A list of what the generator was given first, an array for each step; empty if that cannot be seen.
        """
        if self.gan.run_eagerly or tf.config.functions_run_eagerly():
            return []
        train_step = getattr(self.gan.train_step, "python_function", self.gan.train_step)

        @tf.function(autograph=False)
        def begin(data):
            self._traced = []
            with contextlib.suppress(_Enough):
                train_step(data)
            graph = tf.compat.v1.get_default_graph()
            return [latents for latents in self._traced if getattr(latents, "graph", None) is graph]

        try:
            traced = begin.get_concrete_function(batch)  # a call would warn of many tracings: here is one a model
            found = [traced(batch) for _ in range(steps)]
        except Exception:  # a step that cannot be traced: fit() will say so
            return []
        finally:
            self._traced = None
        return [_array(latents) for (latents,) in filter(None, found)]

    def state(self):
        """What `rewind` takes: all values as they are now."""
        plain = {key: value for key, value in vars(self.gan).items() if type(value) in (int, float, bool, str)}
        return [_array(variable) for variable in self._variables], plain

    def rewind(self, state):
        """Puts back the values of an earlier `state()`."""
        values, plain = state
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
        vars(self.gan).update(plain)

    # --- watching ------------------------------------------------------------------------------------------------

    def _owner(self, variable):
        key = _key(variable)
        return next(
            (name for name, one in self.players.items() if any(key == _key(weight) for weight in one.variables)), None
        )

    def _watch_players(self, stack):
        for name, player in self.players.items():
            _shadow_call(stack, player, self._watched_call(name, player.call))
            for layer in player._flatten_layers(include_self=False):
                if _has_two_modes(layer):
                    _shadow_call(stack, layer, self._watched_mode(name, layer.call))

    def _watched_call(self, player, call):
        def watched(inputs, *args, **kwargs):
            if self._traced is not None and player == "generator":
                self._traced += tf.nest.flatten(inputs)[:1]
                raise _Enough
            outputs = call(inputs, *args, **kwargs)
            if self._step is None:
                return outputs
            # Of several answers the first is the one about real and generated.
            first, *others = tf.nest.flatten(outputs)
            index = len(self._step.calls)
            self._step.calls.append(Call(player, tf.nest.flatten(inputs), first))
            if player == "generator":
                return outputs
            return tf.nest.pack_sequence_as(outputs, [self._questioned(first, index), *others])

        return watched

    def _questioned(self, answers, index):
        """D's answers, or the ones that are to stand in their place, with an eye on the gradient that comes back."""

        @tf.custom_gradient
        def question(answers):
            def gradient(slope):
                if self._passes:
                    seen = self._passes[-1].answers
                    seen[index] = seen.get(index, 0) + np.asarray(keras.ops.cast(slope, "float32"))
                return 0.0 * slope if self._flat else slope

            return (tf.identity(answers) if self._answer is None else tf.ones_like(answers) * self._answer), gradient

        logits = getattr(answers, "_keras_logits", None)
        if logits is None or not np.allclose(answers, tf.sigmoid(logits), atol=1e-3, equal_nan=True):
            return question(answers)
        # Keras's sigmoid leaves its logits with what it answers, and Keras's cross-entropy takes those. So the question
        # is put to the logits.
        self._step.calls[index].by_logits = True
        logits = question(logits)
        probabilities = tf.sigmoid(logits)
        probabilities._keras_logits = logits
        return probabilities

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
                if self._step is None or self._in_optimizer:  # the optimizer within a LossScaleOptimizer
                    return original(optimizer, grads, trainable_variables)
                acting = self._acting(optimizer)
                variables = optimizer._trainable_variables if trainable_variables is None else trainable_variables
                variables, grads = list(variables), list(grads)
                owned = [Owned(variable, self._owner(variable)) for variable in variables]
                self._step.updates.append(Update(optimizer, grads, owned))
                if self._answer is not None or self._flat:  # a question: no weight needs to move
                    optimizer._iterations.assign_add(1)
                    return None
                self._in_optimizer = True
                try:
                    original(acting, grads, None if trainable_variables is None else variables)
                    optimizer._iterations.assign(acting._iterations)
                finally:
                    self._in_optimizer = False

            _replace(stack, kind, "apply", apply)

    # --- undoing -------------------------------------------------------------------------------------------------

    def _acting(self, optimizer):
        """An optimizer that may step in the place of another, and is undone: itself, if it was built; else a copy."""
        if id(optimizer) not in self._optimizers:
            acting = optimizer
            if not optimizer.built:
                acting = type(optimizer).from_config(optimizer.get_config())
                acting._iterations.assign(optimizer._iterations)
            self._optimizers[id(optimizer)] = optimizer, acting
            known = {id(variable) for variable in self._variables}
            # One that only the step's own code knows of.
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

        keras_generator = global_state.get_global_attribute(_GLOBAL_SEED)
        if keras_generator is None:
            stack.callback(global_state.set_global_attribute, _GLOBAL_SEED, None)
        else:
            stack.callback(keras_generator.state.assign, _array(keras_generator.state))
        if (tensorflow_generator := stateful_random_ops.global_generator) is not None:
            stack.callback(tensorflow_generator.state.assign, _array(tensorflow_generator.state))

        # TensorFlow's operations keep their random state under their seed. With a seed that nobody has used, none of
        # those that the user's code has drawn from moves.
        eager = context.context()
        stack.callback(setattr, eager, "_seed", eager._seed)
        stack.callback(setattr, eager, "_rng", getattr(eager, "_rng", None))
        eager._seed = 7_777_777 + 1_000_003 * next(self._count)
        eager._rng = random.Random(self.seed)


# --- what belongs to a model -------------------------------------------------------------------------------------


def _belongings(thing, depth=5, seen=None):
    """All that has a state of its own among the attributes of a model, and of what it holds."""
    seen = {} if seen is None else seen
    if id(thing) in seen or depth == 0:
        return
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
    for other in inner:
        yield from _belongings(other, depth - 1, seen)


def _plain_attributes(thing):
    """The attributes of an object of the user's own; of what libraries have made, none."""
    library = type(thing).__module__.partition(".")[0] in (
        "builtins",
        "keras",
        "tensorflow",
        "numpy",
        "functools",
        "abc",
    )
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
    return id(getattr(variable, "_value", variable))  # Keras's variables wrap TensorFlow's


def _array(value):
    return np.array(keras.ops.convert_to_numpy(value))  # a copy, not a view of the variable's memory


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
    """Puts another `call` before a layer's own until the stack unwinds; past Keras, which tracks attributes that are
    set.
    """
    attributes = vars(layer)
    if "call" in attributes:
        stack.callback(attributes.update, call=attributes["call"])
    else:
        stack.callback(attributes.pop, "call", None)
    attributes["call"] = call


# --- which image is which ----------------------------------------------------------------------------------------


def images_of(batch):
    """The images of a batch that may have labels beside them."""
    return tf.nest.flatten(batch)[0]


def _sort_images(step, batch):
    """Says of each row that D was shown whether it is real, generated, or a point between, where a penalty looks.

    Rows that are what the generator made, or what the batch had, are known by their numbers. A step may scale,
    augment or blur its images first: then the rows that are not known are of the kind that has not been seen; and
    where neither has been seen, of the kind whose images they are nearest to.
    """
    made = [call.outputs for _, call in step.of("generator")]
    looked_at = [rows_of(source) for one in step.passes if one.player is None for source in one.sources]
    for _, call in step.of("discriminator"):
        call.images = images = _images_among(call.inputs, made)
        rows = rows_of(images)
        generated = {row.tobytes() for one in made for row in rows_of(tf.cast(one, images.dtype))}
        real = {row.tobytes() for row in rows_of(tf.cast(images_of(batch), images.dtype))}
        kinds = [(row.tobytes() in generated, row.tobytes() in real) for row in rows]
        call.kinds = np.array([GENERATED if fake else REAL if true else "" for fake, true in kinds], object)
        given = [rows, *(rows_of(one) for one in call.inputs if one.shape.rank)]
        call.penalised = any(np.array_equal(one, points) for one in given for points in looked_at)
        if call.penalised:
            call.kinds[call.kinds == ""] = BETWEEN
    seen = {kind for _, call in step.of("discriminator") for kind in call.kinds}
    for _, call in step.of("discriminator"):
        unknown = call.kinds == ""
        if not unknown.any():
            continue
        if (GENERATED in seen) != (REAL in seen):
            call.kinds[unknown] = REAL if GENERATED in seen else GENERATED
        else:
            call.kinds[unknown] = _nearest_kind(rows_of(call.images)[unknown], made, images_of(batch))


def _images_among(inputs, made):
    """Of all that D was given, the images: what has the shape of those that were made, or else the first.

    Labels may stand beside the images, or behind them as further channels.
    """
    shapes = [tuple(one.shape)[1:] for one in made]
    for one in inputs:
        for shape in shapes:
            if tuple(one.shape)[1:] == shape:
                return one
            if len(shape) == 3 and tuple(one.shape)[1:3] == shape[:2] and one.shape[3] > shape[2]:
                return one[..., : shape[2]]
    return inputs[0]


def _nearest_kind(rows, made, real):
    fakes = [rows_of(one) for one in made]
    fakes = np.concatenate([one for one in fakes if one.shape[1] == rows.shape[1]] or [np.zeros((0, rows.shape[1]))])
    real = rows_of(real)
    real = real if real.shape[1] == rows.shape[1] else np.zeros((0, rows.shape[1]))
    nearer = nearest(rows, real) <= nearest(rows, fakes)
    return np.where(nearer, REAL, GENERATED).astype(object)


def nearest(points, others, itself=False):
    """The Euclidean distance of each point to the nearest of the others: min_j ‖x_i − y_j‖.

    Args:
        points: (n, numbers).
        others: (m, numbers).
        itself: whether `points` are the first rows of `others`; then a point is not its own neighbour.

    Returns:
        An array of shape (n,); infinity where there are no others.
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
