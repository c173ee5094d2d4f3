"""Writes a network for every version of Keras that the package admits: `portable.write(model, path)`.

A `.keras` file is a zip archive of a configuration and the weights. Keras 3.15 writes settings of initialisers that
older versions refuse. A network that is never trained again needs none of these settings, so `write` leaves them out.
"""

import json
import zipfile

from gan_lessons.saving import portable


def write(model, path):
    """Save a network to a `.keras` file without the settings that only a training reads, compressed.

    Args:
        model: a functional or sequential Keras model of Keras's own layers.
        path: where to write; an existing file is replaced.
    """
    model.save(path)
    with zipfile.ZipFile(path) as saved:
        parts = {name: saved.read(name) for name in saved.namelist()}
    parts["config.json"] = json.dumps(portable(json.loads(parts["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)
