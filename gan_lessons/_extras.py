"""Imports of packages that only some functions need, so that a plain `pip install` stays small."""

import importlib
from types import ModuleType

# What to install for each extra of pyproject.toml. (A project under this name on a package index may be another one, so
# the message names the packages themselves.)
INSTALL = {
    "data": "tensorflow-datasets importlib_resources",
    "notebooks": "ipywidgets",
    "tensorboard": "tensorboard",
}


def module(name: str, extra: str) -> ModuleType:
    """Import a module that belongs to one of the package's extras.

    Args:
        name: the module, such as "tensorflow_datasets".
        extra: the extra in pyproject.toml that installs it, such as "data".

    Returns:
        The module.

    Raises:
        ImportError: if it, or something that it needs, is not installed; the message says what to install.

    Example:
        >>> tfds = module("tensorflow_datasets", extra="data")
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"This needs {name}, which the extra [{extra}] of gan_lessons installs. Received: {error}. "
            f"Install it: pip install {INSTALL[extra]}",
            name=error.name,
        ) from error
