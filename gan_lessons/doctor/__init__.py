"""Tells what is wrong with a GAN, in words and with its numbers: `gl.diagnose(gan, images)`.

- `diagnosis` runs the examination and returns a `Diagnosis`;
- `illnesses` has the names of what can be wrong, each with its likely cause and a remedy;
- `symptoms` recognises each illness, one function each;
- `signs` has what can be seen from outside: weights, optimizers, curves, samples;
- `probing` runs single training steps under observation, and undoes them;
- `watching` looks on while a GAN is trained, for `gl.callbacks.Doctor`.
"""

from gan_lessons.doctor.diagnosis import Diagnosis, check_players, diagnose, some_images
from gan_lessons.doctor.illnesses import ILLNESSES, Finding
from gan_lessons.doctor.watching import COMPARED, Watch

__all__ = ["COMPARED", "ILLNESSES", "Diagnosis", "Finding", "Watch", "check_players", "diagnose", "some_images"]
