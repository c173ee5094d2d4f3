"""A sick GAN as an exercise: the student writes its wrong method anew."""

import types

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import NOTHING, Function, noticing_blanks
from gan_lessons.checks.kinds import Blank, Hint, written


class Patient(Exercise):
    """An exercise: a GAN with one wrong method, which the student writes anew.

    A mended method is right if it does what the healthy class's method does. One that does the same as a known wrong
    method gets the hint of that.

    Args:
        title: what the exercise is called.
        sick: a subclass of a healthy GAN with the wrong method.
        look: a function that uses the method of a GAN, and returns an array or a tuple of arrays to compare.
        hint: what a student reads whose method still does what the sick one does.
        mistakes: from another wrong method, or what it returns as a string, to its hint.
        nudge, formula, right: as in `Function` and `Exercise`.
    """

    def __init__(self, title, sick, look, hint, mistakes, nudge, formula, right):
        self.sick, self.healthy = sick, sick.__base__
        (self.method,) = [name for name, value in vars(sick).items() if isinstance(value, types.FunctionType)]
        reference, wrong = (getattr(one, self.method) for one in (self.healthy, sick))
        probe = lambda function: look(self._with(function))  # noqa: E731
        super().__init__(title, Function(reference, [probe], {wrong: hint, **mistakes}, nudge, formula), right)

    def _with(self, method):
        def returning(*arguments):
            result = method(*arguments)
            if result is None and self.method != "set_up":
                raise Hint(NOTHING)
            return result

        return type("Mended", (self.healthy,), {self.method: returning})()

    @property
    def code(self):
        """The wrong method, for a notebook to show."""
        from IPython.display import Markdown

        return Markdown(f"```python\n{written(getattr(self.sick, self.method))}\n```")

    def mended(self, method):
        """Returns a GAN with the student's method, or with a right one as long as the student's is not."""
        try:
            self.kind.examine(noticing_blanks(method))
        except (Hint, Blank):
            print("Your method is not right yet. This GAN has the authors' one.")
            return self.healthy()
        return self._with(method)
