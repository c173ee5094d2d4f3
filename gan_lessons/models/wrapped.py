"""What is done around the methods that a subclass writes: its `__init__`, its steps."""

import functools
import inspect
from types import SimpleNamespace

import tensorflow as tf


def _outermost(method, around):
    """A method of which only the most derived form is surrounded: `super().train_step(data)` is the plain one."""

    @functools.wraps(method)
    def prepared(self, *args, **kwargs):
        if getattr(type(self), method.__name__) is not prepared:
            return method(self, *args, **kwargs)
        return around(method, self, *args, **kwargs)

    prepared.__signature__ = inspect.signature(method)  # Keras reads it without looking at what is wrapped
    return prepared


def constructs(init):
    """`__init__`, which keeps its arguments for `get_config`, and ends with the model's `_finish`."""
    signature = inspect.signature(init)
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    positional = [name for name, parameter in signature.parameters.items() if parameter.kind in kinds][1:]

    @functools.wraps(init)
    def prepared(self, *args, **kwargs):
        try:
            given, passed_on = _named(signature, self, args, kwargs)
        except TypeError:
            init(self, *args, **kwargs)  # Python's own words name the method and the argument
            raise
        outermost = type(self).__init__ is prepared
        if outermost:
            # Past Keras, which would take the networks in it for attributes of their own.
            object.__setattr__(self, "_arguments", SimpleNamespace(given=given, unnamed=passed_on))
        else:  # it has the names of what came in as *args: `def __init__(self, *args, extra, **kwargs)`
            found = [(name, value) for name, value in zip(positional, args) if _is_in(value, self._arguments.unnamed)]
            self._arguments.given = dict(found) | self._arguments.given
            named = [value for _, value in found]
            self._arguments.unnamed = [item for item in self._arguments.unnamed if not _is_in(item, named)]
        init(self, *args, **kwargs)
        if outermost:
            self._finish()

    prepared.__signature__ = signature  # Keras reads it without looking at what is wrapped
    return prepared


def _named(signature, self, args, kwargs):
    """The arguments of a call by name, defaults too, and the list of those that came in as *args."""
    bound = signature.bind(self, *args, **kwargs)
    bound.apply_defaults()
    given, unnamed = dict(list(bound.arguments.items())[1:]), []
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            given |= given.pop(name)
        elif parameter.kind is parameter.VAR_POSITIONAL:
            unnamed = list(given.pop(name))
    return given, unnamed


def _is_in(value, items):
    return any(value is item for item in items)


def trains(step):
    """`train_step`, which waits for its batch, counts it, and returns the means so far."""

    def around(step, self, data):
        # TensorFlow runs side by side what does not wait for one another. A step's random numbers and counters do not
        # wait for its samples, so at the end of a data set of unknown length they could run ahead, by a step that
        # never comes.
        with tf.control_dependencies([part for part in tf.nest.flatten(data) if part is not None]):
            self._counters.count()
            logs = step(self, data)
        return self.get_metrics_result() if logs is None else logs

    return _outermost(step, around)


def reports(step):
    """`test_step`, which returns the means so far."""

    def around(step, self, data):
        logs = step(self, data)
        return self.get_metrics_result() if logs is None else logs

    return _outermost(step, around)
