"""Imports of packages that only some functions need, so that a plain `pip install` stays small."""

import importlib
from types import ModuleType

# What to install for each extra of pyproject.toml. The messages name the packages themselves: on a package index,
# another project may have the name gan_lessons.
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
        ImportError: if it cannot be imported: it, or something that it needs, is not installed or has another version.

    Example:
        >>> tfds = module("tensorflow_datasets", extra="data")
    """
    try:
        return importlib.import_module(name)
    except Exception as error:  # packages that do not fit each other fail with errors of many kinds
        cause = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ImportError(
            f"This needs {name.partition('.')[0]}, which must be installed in a version that fits the other packages. "
            f"Received: {cause}. Install it: pip install --upgrade {INSTALL[extra]}"
        ) from error
