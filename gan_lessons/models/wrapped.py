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

    def around(init, self, *args, **kwargs):
        try:
            given = inspect.signature(init).bind(self, *args, **kwargs).arguments
        except TypeError:
            init(self, *args, **kwargs)  # Python's own words name the method and the argument
            raise
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
