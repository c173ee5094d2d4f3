"""Callbacks that watch a training: pictures, scores and the doctor.

    movie = gl.callbacks.TrainingMovie("training.gif")
    scores = gl.callbacks.ScoreMonitor("mnist", every=2)
    gan.fit(train, epochs=20, callbacks=[gl.callbacks.SampleGrid(every=1), movie, scores])

They use seeds of their own and do not touch the training's random numbers: a training ends with the same weights with
these callbacks and without them.
"""

import importlib
from typing import TYPE_CHECKING

from gan_lessons.callbacks.grid import SampleGrid
from gan_lessons.callbacks.movie import TrainingMovie

if TYPE_CHECKING:
    from gan_lessons.callbacks.doctor import Doctor
    from gan_lessons.callbacks.scores import ScoreMonitor

__all__ = ["Doctor", "SampleGrid", "ScoreMonitor", "TrainingMovie"]

# Pictures need neither the doctor nor the scores, so these two are imported on first use.
_LATER = {"Doctor": "doctor", "ScoreMonitor": "scores"}


def __getattr__(name: str):
    if name in _LATER:
        return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER])
