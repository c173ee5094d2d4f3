"""How a model is written into a file with all its state, and read again."""

import inspect

import keras
import numpy as np

from gan_lessons.models.state import state_of, why_not_saved
from gan_lessons.saving import Memory, replacing, write


class Saved(keras.Model):
    """The part of `GenerativeModel` that saves: the configuration, the compile options, all state.

    The configuration is the arguments of `__init__`, so a subclass writes none of this.
    """

    def _settings(self):
        """{argument of __init__: its present value}: an attribute of the same name, else what was given."""
        return {name: vars(self).get(name, given) for name, given in self._arguments.given.items()}

    def get_config(self):
        """The arguments of `__init__`, each as the attribute of its name holds it now."""
        parameters = inspect.signature(type(self).__init__).parameters.values()
        base = super().get_config()
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            base = {}  # no name, no dtype: this `__init__` does not take them
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
                raise ValueError(
                    f"The saved model's {name} cannot be made again. Received: {name} of class {kind!r}. Import the module "
                    "that defines it before loading, with @keras.saving.register_keras_serializable() above the class, or "
                    f"pass custom_objects={{{kind!r}: …}}. ({type(error).__name__}: {_cause(error)})"
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
        if unnamed := self._arguments.unnamed:
            return (
                "Arguments of __init__ must have names, by which they are saved. "
                f"Received: *args with {unnamed[0]!r}. Name them, or pass them on to the parent class."
            )
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
        store["counters"] = np.array([self.batches_trained, self._counters.epochs], "int64")

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


def _cause(error):
    """What went wrong in an error of Keras's loading, which has the cause last and long configurations before it."""
    text = str(error).split("Exception encountered: ")[-1].split("Full object config")[0].strip()
    return (text.splitlines() or ["no message"])[0][:300]
