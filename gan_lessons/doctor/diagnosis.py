"""Examines a GAN and returns what is wrong with it: `gl.diagnose(gan, images)`.

Losses do not tell whether a GAN is well. Many mistakes in a training loop raise no error, and leave curves that look
like others. So the model itself is examined: a few training steps are run under observation and undone, D's outputs are
forced to see which way the losses pull, and samples are compared with the data.

    print(gl.diagnose(gan, images))
"""

import contextlib
import html
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from gan_lessons import _watched, validation
from gan_lessons._arguments import integer
from gan_lessons.doctor import probing, signs, symptoms
from gan_lessons.doctor.illnesses import ILLNESSES
from gan_lessons.models import GenerativeModel

# At least so many training steps are run, and at most so many until the generator has had its turn.
_STEPS, _PATIENCE = 2, 12

# At most so many images are searched for copies; all of MNIST would take a minute.
_IMAGES = 10_000

# What follows from an illness is not named beside it.
_FOLLOWS = {
    "images_out_of_range": {"discriminator_saturated", "collapsed", "memorised", "slack_penalty", "diverging"},
    "logits_map": {"discriminator_saturated", "collapsed"},
    "noise_as_real": {"memorised", "collapsed"},
    "generator_without_gradient": {"collapsed", "discriminator_saturated", "fixed_noise"},
    "discriminator_frozen": {"collapsed", "slack_penalty"},
    "swapped_labels": {"collapsed", "discriminator_saturated", "slack_penalty", "diverging"},
    "target_above_one": {"diverging"},
    "learning_rates_apart": {"diverging", "discriminator_saturated", "collapsed"},
    "fixed_noise": {"collapsed"},
    "optimizer_of_the_other": {"generator_without_gradient", "discriminator_frozen", "leftover_optimizer"},
    "batchnorm_with_penalty": {"slack_penalty"},
    "mixed_batch": {"collapsed", "discriminator_saturated"},
    "extrapolating_penalty": {"slack_penalty"},
    "penalty_without_epsilon": {"diverging"},
    "memorised": {"collapsed"},
    "diverging": {"collapsed", "discriminator_saturated", "slack_penalty"},
}


@dataclass(frozen=True)
class Diagnosis:
    """The findings of an examination. `print(diagnosis)` shows it as text, a notebook as a panel.

    Attributes:
        findings: a list of `Finding`, the gravest first.
        examined: what was looked at, a sentence.
        left_out: what could not be looked at, and why, a list of phrases.
    """

    findings: list
    examined: str = ""
    left_out: list = field(default_factory=list)

    @property
    def names(self) -> list:
        """The names of the illnesses that were found."""
        return [one.name for one in self.findings]

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __str__(self):
        head = "Nothing found." if self.healthy else "\n".join(map(str, self.findings))
        return "\n".join(filter(None, [head, self.examined, self._not_examined()]))

    def _not_examined(self):
        return f"Not examined: {'; '.join(self.left_out)}." if self.left_out else ""

    def _repr_html_(self):
        # Colours are those of the notebook's theme, light or dark.
        parts = [
            '<div style="border: 1px solid currentColor; border-radius: 4px; padding: 0.5em 1em; max-width: 60em">'
        ]
        if self.healthy:
            parts.append("<b>Nothing found.</b>")
        for one in self.findings:
            title, name, evidence, cause, remedy = map(
                html.escape, (one.title, one.name, one.evidence, one.cause, one.remedy)
            )
            parts.append(
                f'<p style="margin: 0.5em 0"><b>{title}</b> <code>{name}</code><br><b>Evidence:</b> {evidence}'
                f"<br><b>Likely cause:</b> {cause}<br><b>Try:</b> {remedy}</p>"
            )
        foot = html.escape(" ".join(filter(None, [self.examined, self._not_examined()])))
        parts.append(f'<div style="opacity: 0.7; font-size: 90%">{foot}</div></div>')
        return "".join(parts)


def diagnose(gan: keras.Model, data, history=None, count: int = 256, seed: int = 0) -> Diagnosis:
    """Examines a GAN, before it is trained or after, and returns what is wrong with it.

    It runs a few training steps on batches of the data as plain Python, then some with forced outputs of D, which show
    which way the losses pull. Then it puts everything back, bit for bit: weights, optimizers, metrics and random
    states. (It builds a model that is not built.) This takes some ten times as long as a training step without
    TensorFlow's graph, and the time to trace one with it.

    What raises an error while it is looked at is left out, and named in the diagnosis.

    Args:
        gan: a `gan_lessons.GAN`, or any compiled `keras.Model` with the attributes `generator` and `discriminator` and
            a `train_step` of its own.
        data: what `fit` takes: an array of images, a `tf.data.Dataset` of batches, a tuple or dictionary of these, a
            `keras.utils.PyDataset` or a Python generator of batches, some of which are then used up. Labels may stand
            beside the images. A data set that shuffles is in another order after it was read here.
        history: what `fit` returned, or its `.history`, to look at the curves too.
        count: how many samples are compared with the data.
        seed: an integer, for the random numbers of the examination.

    Returns:
        A `Diagnosis`.

    Raises:
        TypeError: for a model without players, data of another kind, or a count or seed that is no integer.
        ValueError: for a model that is not compiled, data without a batch, or a count or seed that is too small.
        Exception: what the training step raises, if it is no symptom of a known illness.

    Example:
        >>> gl.diagnose(gan, images / 255)
        images_out_of_range: The real images are not what the generator can make.
            Evidence: Real images have values from 0 to 1; the generator can make -1 … 1.
            ...
    """
    check_players(gan)
    if not gan.compiled:
        raise ValueError("gan must be compiled, since its training step is run. Received: a model without compile().")
    count, seed = integer("count", count, least=32), integer("seed", seed, least=0)
    curves = getattr(history, "history", history) or {}
    if not isinstance(curves, dict):
        raise TypeError(
            f"history must be what fit() returned, or its .history. Received: history of type {type(history).__name__}."
        )
    batches, images = _read(data, seed)
    _build(gan, batches[0])
    case = symptoms.Case(gan, data, images, history=without_empty_means(gan, curves))
    if one := signs.weights_not_finite(gan):  # a step would only make more NaN
        return Diagnosis([one], _examined(case))
    with probing.Examination(gan, seed) as examination:
        case.trained = _watched.batches_trained(gan) or 0
        _run(case, examination, batches)
        with leaving_out("samples", case.left_out):
            case.samples = _samples(case, count, seed)
        findings = _findings(case)
    if case.error is not None and not findings:
        raise case.error
    return Diagnosis(findings, _examined(case), case.left_out + _beyond(gan))


def _beyond(gan):
    """What a model has beside images and logits, which no examination looks at: phrases for `left_out`."""
    parts = list(gan.batch.parts) if isinstance(gan, GenerativeModel) else []
    others = [f"whether {' and '.join(parts[1:])} are used as they are meant to be"] if len(parts) > 1 else []
    if len(getattr(gan.discriminator, "outputs", None) or []) > 1:
        others.append("what the discriminator's further outputs learn")
    return others


def without_empty_means(gan, curves):
    """Returns the curves without the NaN of each epoch in which a player had no turn, as this package's models log it.

    Another loss is finite in such an epoch. In a training that diverges it is not: a weight that is NaN spreads.
    """
    if not isinstance(gan, GenerativeModel):  # Keras's mean of nothing is 0
        return curves
    losses = {name: np.asarray(values, "float64").ravel() for name, values in curves.items() if signs.is_loss(name)}
    kept = dict(curves)
    for name, values in losses.items():
        others = [other for other in losses.values() if len(other) == len(values)]
        kept[name] = values[~(np.isnan(values) & np.isfinite(others).any(axis=0))]
    return kept


@contextlib.contextmanager
def leaving_out(what: str, left_out: list):
    """Ends a `with` block that raises, and records in `left_out` what it looked at and the error."""
    try:
        yield
    except Exception as error:  # of any kind: the rest can still be looked at
        phrase = f"{what} ({_watched.in_words(error, 200)})"
        if phrase not in left_out:
            left_out.append(phrase)


def _findings(case):
    found = []
    for name in ILLNESSES:
        with leaving_out(name, case.left_out):
            found.append(getattr(symptoms, name)(case))
    found = [one for one in found if one is not None]
    hidden = set().union(*(_FOLLOWS.get(one.name, set()) for one in found))
    return [one for one in found if one.name not in hidden]


def _examined(case):
    parts = [f"{len(case.images)} real images"]
    if case.samples is not None:
        parts.append(f"{len(case.samples)} samples")
    parts.append(f"{len(case.steps)} training steps, run and undone")
    if case.history:
        parts.append(f"the curves of {max(map(np.size, case.history.values()))} epochs")
    return f"Examined: {', '.join(parts)}."


# --- examining ---------------------------------------------------------------------------------------------------


def _run(case, examination, batches):
    """Runs the training steps that the examinations look at, and leaves the model as it was before them."""
    if len(batches) == 1:  # what comes from the batch must not look like what is the same in every step
        batches = [*batches, probing.rolled(batches[0])]
    start = turn = examination.state()
    batch_of_turn = batches[0]
    had_turn = False
    for index in range(_PATIENCE):
        before = examination.state()
        batch = batches[index % len(batches)]
        case.steps.append(examination.step(batch))
        if case.error is not None:
            break
        if not had_turn and case.steps[-1].gradients("generator") is not None:
            had_turn, turn, batch_of_turn = True, before, batch
        if had_turn and index + 1 >= _STEPS:
            break
    with leaving_out("the generator's range", case.left_out):
        case.value_range = _value_range(case)
    case.probabilities = _outputs_probabilities(case)
    if case.error is None:
        further = symptoms.OF_LOGITS if case.by_logits() else symptoms.OF_PROBABILITIES if case.probabilities else ()
        for output in (symptoms.UNDECIDED, symptoms.SURE, -symptoms.SURE, *further):
            examination.rewind(turn)
            case.forced[output] = examination.step(batch_of_turn, output=output)
        if case.has_penalty():
            examination.rewind(turn)
            case.flat = examination.step(batch_of_turn, flat=True)
        examination.rewind(start)
        case.traced = examination.traced_inputs(batches[0])
    examination.rewind(start)


def _value_range(case):
    """Returns (lowest, highest) that the generator can make, by its last activation or by trial; None for any value.

    This is not the `value_range` that a model declares: an illness is that the two differ.
    """
    generator, latents = case.gan.generator, _latents(case)
    if latents is None:  # it cannot be tried
        return validation.RANGES.get(validation.last_activation(generator))
    return validation.output_range(generator, latents.shape[1])


def _latents(case):
    """Returns the vectors that the generator was given in the steps, (n, latent_dim); None if it was given others."""
    found = [call.inputs for step in case.steps for _, call in step.of("generator")]
    if not found or any(len(inputs) != 1 or inputs[0].shape.rank != 2 for inputs in found):
        return None
    return np.concatenate([probing.rows_of(inputs[0]) for inputs in found])


def _outputs_probabilities(case):
    """Returns whether D ends in a sigmoid; see `validation.answers_probabilities`."""
    outputs = [step.outputs(kind) for step in case.steps for kind in (symptoms.REAL, symptoms.GENERATED)]
    outputs = np.concatenate([one.ravel() for one in outputs] or [np.zeros(0)])
    if not len(outputs) or outputs.min() < 0 or outputs.max() > 1:
        return False
    shown = case.shown(symptoms.REAL)
    try:
        return bool(shown) and validation.answers_probabilities(case.gan.discriminator, shown[0].shape[1:])
    except Exception:  # it takes more than images
        return False


def _samples(case, count, seed):
    """Returns samples as the model makes them for its user, or from latents like those it is trained on.

    A generator that takes more than latents is judged by what it made in the training steps.
    """
    gan = case.gan
    made = [probing.rows_of(call.outputs) for step in case.steps for _, call in step.of("generator")]
    if callable(getattr(gan, "generate", None)):
        with contextlib.suppress(Exception):  # a method of that name may take and return anything
            samples = np.asarray(gan.generate(count, seed=seed))
            if len(samples) == count and (not made or probing.rows_of(samples).shape[1] == made[0].shape[1]):
                return samples
    latents = _latents(case)
    if latents is None:
        made = [one for one in made if one.shape[1] == made[0].shape[1]]
        return np.concatenate(made) if made else None
    low, high = float(latents.min()), float(latents.max())
    generator = np.random.default_rng(seed)
    if low >= -1 and high <= 1:  # a normal distribution goes past these at once
        latents = generator.uniform(-1 if low < 0 else 0, 1, (count, latents.shape[1]))
    else:
        latents = generator.normal(latents.mean(), latents.std(), (count, latents.shape[1]))
    outputs = tf.nest.flatten(gan.generator(latents.astype("float32"), training=False))
    return np.asarray(keras.ops.convert_to_numpy(outputs[0]))


# --- what was given ----------------------------------------------------------------------------------------------


def check_players(gan):
    """Refuses what is no `keras.Model` with a `generator` and a `discriminator`. Raises: TypeError."""
    if not isinstance(gan, keras.Model):
        raise TypeError(f"gan must be a keras.Model. Received: gan of type {type(gan).__name__}.")
    for player in ("generator", "discriminator"):
        if not isinstance(getattr(gan, player, None), keras.layers.Layer):
            raise TypeError(
                "gan must have its two players as gan.generator and gan.discriminator, each a keras.Model. "
                f"Received: a {type(gan).__name__} whose {player} is {getattr(gan, player, None)!r}. "
                "Other models cannot be examined."
            )


def some_images(data, count: int) -> np.ndarray:
    """Returns the first images of what `fit` takes. Args: the data; how many at most. Returns: an array, (n, …)."""
    return _read(data, 0, count)[1]


def _read(data, seed, most=_IMAGES):
    """Returns batches as `train_step` takes them, and at most `most` images of the data."""
    parts = list(data.values()) if isinstance(data, dict) else list(data) if isinstance(data, tuple) else [data]
    if parts and all(isinstance(part, tf.data.Dataset) for part in parts):
        data = data if isinstance(data, tf.data.Dataset) else tf.data.Dataset.zip(data)
    if parts and all(hasattr(part, "shape") for part in parts):
        whole = tf.nest.map_structure(keras.ops.convert_to_numpy, data)
        images = probing.images_of(whole)
        if images.ndim < 2 or len(images) == 0:
            raise ValueError(f"data must be images, (n, …), n > 0. Received: an array of shape {images.shape}.")
        order = np.random.default_rng(seed).permutation(len(images))
        size = min(64, len(images))
        starts = range(0, min(len(images), size * _PATIENCE) - size + 1, size)
        batches = [tf.nest.map_structure(lambda part, at=at: part[order[at : at + size]], whole) for at in starts]
        return [_tensors(batch) for batch in batches], images[order[:most]]
    if isinstance(data, keras.utils.PyDataset):
        elements = (data[index] for index in range(data.num_batches or _PATIENCE))
    elif isinstance(data, tf.data.Dataset) or hasattr(data, "__next__"):
        elements = data
    else:
        raise TypeError(
            "data must be what fit() takes: an array of images, a tf.data.Dataset or a generator of batches. "
            f"Received: data of type {type(data).__name__}."
        )
    kept = not hasattr(data, "__next__")  # a generator's batches are gone once they are read: take no more than needed
    batches, images, read = [], [], 0
    for element in elements:
        element = _tensors(element)
        some = keras.ops.convert_to_numpy(probing.images_of(element))
        if some.ndim < 2:
            raise ValueError(
                f"data must have batches of images, (n, …). Received: a batch of shape {some.shape}. Batch it: "
                "data.batch(64)."
            )
        if len(batches) < _PATIENCE:
            batches.append(element)
        images.append(some)
        read += len(some)
        if read >= most and (most < _IMAGES or len(batches) == _PATIENCE) or (not kept and len(batches) == _PATIENCE):
            break
    if not batches:
        raise ValueError("data must not be empty. Received: a data set without a batch.")
    sizes = [len(probing.images_of(batch)) for batch in batches]
    whole = [batch for batch, size in zip(batches, sizes, strict=True) if size == sizes[0]]  # not the last, smaller one
    images = [some for some in images if some.shape[1:] == images[0].shape[1:]]
    return whole, np.concatenate(images)[:most]


def _tensors(batch):
    """Returns a batch as Keras gives it to `train_step`: tuples in place of lists, tensors, none of them float64."""

    def tensor(part):
        part = tf.convert_to_tensor(part)
        return tf.cast(part, keras.config.floatx()) if part.dtype.is_floating else part

    batch = tuple(batch) if isinstance(batch, list) else batch
    return tf.nest.map_structure(tensor, batch)


def _build(gan, batch):
    """Builds players that have not been called yet, so that there are weights to look at."""
    if not gan.discriminator.built:
        _call(gan.discriminator, "discriminator", probing.images_of(batch))
    if not gan.generator.built:
        if not isinstance(getattr(gan, "latent_dim", None), int):
            raise ValueError(
                "The generator must be built, or the model must have latent_dim. Received: a generator without "
                "weights. Call it once: gan.generator(latents)."
            )
        _call(gan.generator, "generator", tf.zeros((2, gan.latent_dim)))


def _call(player, name, inputs):
    try:
        player(inputs, training=False)
    except Exception as error:
        raise ValueError(
            f"The {name} must be built. Received: a {name} without weights; to call it on {tuple(inputs.shape)} raised "
            f"{type(error).__name__}: {error} Call it once on what it takes."
        ) from error
