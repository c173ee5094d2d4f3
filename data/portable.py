"""Writes a network for every version of Keras that the package admits: `portable.write(model, path)`.

A `.keras` file is a zip archive of a configuration and the weights. Keras 3.15 writes settings of initialisers that
older versions refuse. A network that is never trained again needs none of these settings, so `write` leaves them out.
"""

import json
import zipfile

# What only a training reads, and a private mark of one process. Without them a version of Keras sets its own default.
UNUSED = ("_initializer", "_regularizer", "_constraint", "quantization_config", "shared_object_id")


def write(model, path):
    """Save a network to a `.keras` file without the settings that only a training reads, compressed.

    Args:
        model: a functional or sequential Keras model of Keras's own layers.
        path: where to write; an existing file is replaced.
    """
    model.save(path)
    with zipfile.ZipFile(path) as saved:
        parts = {name: saved.read(name) for name in saved.namelist()}
    parts["config.json"] = json.dumps(without_unused(json.loads(parts["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)


def without_unused(config):
    """Return a configuration (nested dicts and lists) without the keys that end as `UNUSED` names."""
    if isinstance(config, dict):
        return {key: without_unused(value) for key, value in config.items() if not key.endswith(UNUSED)}
    if isinstance(config, list):
        return [without_unused(value) for value in config]
    return config
