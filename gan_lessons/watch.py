"""Shows a GAN in the plane while it learns: D as a heat map, each fake with an arrow to where D pulls it.

    film = gl.watch.Film(ring.sample(400, seed=0), every=100)
    gan.fit(samples, batch_size=128, epochs=4, callbacks=[film])
    film.strip(columns=4)        # a row of pictures: the end of a cell in a notebook
    film.slider()                # the same, forward and back, where widgets run
    film.gif()                   # the same as a movie, also in a saved notebook

    film.turn(gan, "discriminator", batch)      # one step of one player, and its picture

A film keeps numbers, not pictures: the fakes of fixed latents, their arrows, D on a lattice of points. So all pictures
of a film have the same window and the same scale of arrows.
"""

import io
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike
from PIL import Image

from gan_lessons._arguments import integer, positive
from gan_lessons.plotting import COLOURS, Picture

#: Orange where D says "fake", white at ½, blue where it says "real"; in 17 steps, whose edges are level lines of D.
JUDGEMENT = LinearSegmentedColormap.from_list("judgement", ["#f0a875", "#ffffff", "#7fb9e0"], N=17)

_LONGEST = 0.25  # of the window's width: longer arrows are cut
_TYPICAL = 0.12  # of the window's width: an arrow longer than 9 of 10
_SIDE = 260  # pixels, of one picture in a strip


# --- what is looked at -----------------------------------------------------------------------------------------------


def pull(gan: keras.Model, samples: ArrayLike) -> np.ndarray:
    """Returns where D pulls each sample: the direction in which G's loss falls fastest if the sample moves.

        −∂ℓ/∂x  at x = G(z),  ℓ the generator's loss of that one sample

    For the non-saturating loss −log σ(D(x)) that is (1 − σ(D(x)))·∇D(x); for the minimax loss log(1 − σ(D(x))) it is
    σ(D(x))·∇D(x); for Wasserstein's it is ∇D(x). G takes a step that moves its fakes along their arrows as far as its
    weights can.

    Args:
        gan: a `GAN` with an objective that sees the fakes alone.
        samples: an array of shape (count, …) as D takes it.

    Returns:
        A float32 array of the samples' shape.

    Raises:
        TypeError: if the model has no discriminator and objective.
        ValueError: if the objective compares fakes with real samples.

    Example:
        >>> fakes = gan.generate(60, seed=0)
        >>> pull(gan, fakes).shape
        (60, 2)
    """
    _check_plays(gan)
    if getattr(gan.objective, "generator_sees_real", False):
        raise ValueError(
            "pull() needs an objective whose generator_loss sees the fakes alone. "
            f"Received: objective={gan.objective!r}, which compares them with real samples."
        )
    samples = ops.convert_to_tensor(samples, "float32")
    with tf.GradientTape() as tape:
        tape.watch(samples)
        loss = gan.objective.generator_loss(gan.discriminate(samples, training=False))
    # The loss is a mean over samples: each has 1/count of the gradient.
    return -len(samples) * ops.convert_to_numpy(tape.gradient(loss, samples))


def judgement(gan: keras.Model, samples: ArrayLike) -> np.ndarray:
    """Returns how likely D takes each sample to be real: σ(D(x)), between 0 and 1.

    Args:
        gan: a `GAN`.
        samples: an array of shape (count, …) as D takes it.

    Returns:
        A float32 array of shape (count,).

    Example:
        >>> judgement(gan, gan.generate(3, seed=0))
        array([0.48, 0.51, 0.50], dtype=float32)
    """
    _check_plays(gan)
    logits = gan.discriminate(ops.convert_to_tensor(samples, "float32"), training=False)
    return ops.convert_to_numpy(ops.sigmoid(logits))[:, 0]


class Frame(NamedTuple):
    """One moment of a training.

    Attributes:
        caption: what has happened, such as "step 300".
        fakes: the samples that G makes of the film's latents, of shape (count, 2).
        arrows: `pull` at each fake, of shape (count, 2).
        surface: `judgement` on the film's lattice, of shape (resolution, resolution); the first row is the lowest.
    """

    caption: str
    fakes: np.ndarray
    arrows: np.ndarray
    surface: np.ndarray


class Film(keras.callbacks.Callback):
    """Records a GAN in the plane, as a callback of `fit` or one player's step at a time, and shows what it recorded.

    Args:
        real: real points, of shape (count, 2): drawn in every picture, and the window fits them.
        every: batches between two frames while `fit` runs. With `steps_per_execution=k` in `compile`, frames come at
            multiples of k.
        count: how many fakes each frame has.
        seed: an integer that fixes their latents.
        room: how far the window reaches past the real points, as a part of their extent.
        resolution: D is computed on resolution² points.

    Raises:
        TypeError: for arguments of the wrong kind; when it looks at a model without `generate` and discriminator.
        ValueError: for points that do not lie in the plane, or numbers out of their range.

    Example:
        >>> film = Film(toys.ring().sample(400, seed=0), every=500)
        >>> gan.fit(samples, batch_size=128, epochs=4, callbacks=[film])
        >>> film.strip(columns=5)
    """

    def __init__(
        self,
        real: ArrayLike,
        every: int = 100,
        count: int = 60,
        seed: int = 0,
        room: float = 0.3,
        resolution: int = 60,
    ):
        super().__init__()
        self.real = np.asarray(real, "float32")
        if self.real.ndim != 2 or self.real.shape[1] != 2 or len(self.real) < 2 or not np.isfinite(self.real).all():
            raise ValueError(
                "real must be at least 2 finite points of the plane, of shape (count, 2). "
                f"Received: real of shape {self.real.shape}."
            )
        self.every, self.count = integer("every", every), integer("count", count)
        self.seed, self.resolution = integer("seed", seed, least=0), integer("resolution", resolution, least=2)
        self.frames: list[Frame] = []
        self._turns = {"discriminator": 0, "generator": 0}
        low, high = self.real.min(axis=0), self.real.max(axis=0)
        half = (0.5 + positive("room", room)) * float((high - low).max())
        middle = (low + high) / 2
        #: (left, right, bottom, top) of every picture: a square.
        self.window = tuple(
            float(value) for value in (middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half)
        )

    # --- recording ---

    def look(self, gan: keras.Model, caption: str) -> Frame:
        """Adds a frame of the model as it is, and returns it."""
        fakes = gan.generate(self.count, seed=self.seed)
        left, right, bottom, top = self.window
        across, up = np.meshgrid(np.linspace(left, right, self.resolution), np.linspace(bottom, top, self.resolution))
        lattice = np.stack([across.ravel(), up.ravel()], axis=1)
        surface = judgement(gan, lattice).reshape(self.resolution, self.resolution)
        self.frames.append(Frame(caption, fakes, pull(gan, fakes), surface))
        return self.frames[-1]

    def turn(self, gan: keras.Model, player: str, batch: ArrayLike, steps: int = 1) -> Frame:
        """Lets one player take steps while the other stands still, then adds a frame.

        Args:
            gan: a compiled `GAN`.
            player: "discriminator" or "generator".
            batch: real samples. G's turn uses their number alone.
            steps: how many steps on this batch, each with fresh fakes.

        Returns:
            The frame after the last step.

        Raises:
            ValueError: for another player.
        """
        if player not in self._turns:
            raise ValueError(f'player must be "discriminator" or "generator". Received: player={player!r}.')
        if not self.frames:
            self.look(gan, "start")
        batch = ops.convert_to_tensor(batch, "float32")
        for _ in range(integer("steps", steps)):
            if player == "discriminator":
                gan.discriminators_turn(batch, gan.generator(gan.draw_latents(len(batch)), training=True))
            else:
                gan.generators_turn(batch)
        self._turns[player] += steps
        return self.look(gan, f"{'D' if player == 'discriminator' else 'G'} after {self._turns[player]}")

    def on_train_begin(self, logs=None):
        self._due = self.model.batches_trained + self.every
        if not self.frames:
            self.look(self.model, f"step {self.model.batches_trained}")

    def on_train_batch_end(self, batch, logs=None):
        if self.model.batches_trained >= self._due:
            self.look(self.model, f"step {self.model.batches_trained}")
            self._due += self.every

    # --- showing ---

    def strip(
        self, frames: list[int] | None = None, columns: int = 4, title: str | None = None, arrows: bool = True
    ) -> Picture:
        """Shows frames side by side.

        Blue points are real, orange ones are fakes. The background is D's judgement: blue for "real", orange for
        "fake", white where D cannot tell. An arrow is `pull`; all arrows of a strip have one scale, and those that
        would be longer than a quarter of the window are cut.

        Args:
            frames: numbers of frames, from 0; negative ones count from the end. None for all.
            columns: the number of pictures in a row.
            title: the text above them.
            arrows: False to leave the arrows out.

        Returns:
            A matplotlib `Figure`.

        Raises:
            ValueError: if the film is empty, or has no such frame.
        """
        chosen = self._chosen(frames)
        columns = min(integer("columns", columns), len(chosen))
        rows = -(-len(chosen) // columns)
        above = 30 if title else 0
        figure = Picture(_SIDE * columns, (_SIDE + 24) * rows + above, layout="constrained")
        if title:
            figure.suptitle(title, fontsize=12)
        scale = self._scale(chosen) if arrows else None
        for place, frame in enumerate(chosen):
            self._draw(figure.add_subplot(rows, columns, place + 1), frame, scale)
        return figure

    def gif(self, frames: list[int] | None = None, frames_per_second: float = 4):
        """Returns the frames as an animated GIF for a notebook: the last expression of a cell shows it.

        Args:
            frames: as in `strip`.
            frames_per_second: the speed. The last frame stays for two seconds.

        Returns:
            An `IPython.display.Image`; its `data` is the file.
        """
        from IPython.display import Image as Shown

        chosen = self._chosen(frames)
        pause = round(1000 / positive("frames_per_second", frames_per_second))
        pictures = [Image.open(io.BytesIO(self._png(frame))).convert("RGB") for frame in chosen]
        # Without dithering: its noise would differ from frame to frame, and triple the file.
        first, *others = (picture.quantize(64, kmeans=1, dither=Image.Dither.NONE) for picture in pictures)
        buffer = io.BytesIO()
        first.save(
            buffer,
            "GIF",
            save_all=True,
            append_images=others,
            duration=[pause] * len(others) + [2000],
            loop=0,
        )
        text = f"{len(chosen)} pictures of a GAN in the plane, from {chosen[0].caption} to {chosen[-1].caption}"
        return Shown(buffer.getvalue(), format="gif", alt=text)

    def slider(self):
        """Returns the film as a widget: a slider and a button that move forward and back.

        A saved notebook shows only its last position: put `strip` or `gif` beside it.

        Returns:
            An ipywidgets box.
        """
        import ipywidgets

        chosen = self._chosen(None)
        pictures = {}

        def png(place):
            if place not in pictures:
                pictures[place] = self._png(chosen[place])
            return pictures[place]

        picture = ipywidgets.Image(value=png(0), format="png")
        play = ipywidgets.Play(value=0, max=len(chosen) - 1, interval=400)
        slider = ipywidgets.IntSlider(value=0, max=len(chosen) - 1, description="frame")
        ipywidgets.jslink((play, "value"), (slider, "value"))
        slider.observe(lambda change: setattr(picture, "value", png(change["new"])), names="value")
        left = ipywidgets.Layout(align_items="flex-start")  # or else the picture is stretched to the width of the page
        return ipywidgets.VBox([ipywidgets.HBox([play, slider]), picture], layout=left)

    def _chosen(self, frames):
        if not self.frames:
            raise ValueError("The film has no frame yet. Give it to fit(callbacks=[film]), or call film.look(gan, …).")
        if frames is None:
            return list(self.frames)
        if bad := [number for number in frames if not -len(self.frames) <= number < len(self.frames)]:
            raise ValueError(f"The film has frames 0 to {len(self.frames) - 1}. Received: frames={bad}.")
        return [self.frames[number] for number in frames]

    def _scale(self, frames):
        """What an arrow is multiplied by: 9 of 10 arrows in these frames are then shorter than `_TYPICAL`."""
        lengths = np.concatenate([np.linalg.norm(frame.arrows, axis=1) for frame in frames])
        typical = float(np.quantile(lengths, 0.9))
        return _TYPICAL * (self.window[1] - self.window[0]) / typical if typical > 0 else 1.0

    def _png(self, frame):
        figure = Picture(360, 384, layout="constrained")
        self._draw(figure.add_subplot(), frame, self._scale(self.frames))
        return figure._repr_png_()

    def _draw(self, axes, frame, scale):
        axes.imshow(
            frame.surface, extent=self.window, origin="lower", cmap=JUDGEMENT, vmin=0, vmax=1, interpolation="bilinear"
        )
        axes.scatter(*self.real.T, s=4, color=COLOURS["real"], linewidths=0)
        axes.scatter(*frame.fakes.T, s=14, color=COLOURS["generated"], edgecolors="white", linewidths=0.4, zorder=2)
        if scale is not None:
            shown = frame.arrows * scale
            lengths = np.linalg.norm(shown, axis=1, keepdims=True)
            shown = shown * np.minimum(1, _LONGEST * (self.window[1] - self.window[0]) / np.maximum(lengths, 1e-12))
            how = dict(angles="xy", scale_units="xy", scale=1, width=0.006, color="#222222", zorder=3)
            axes.quiver(*frame.fakes.T, *shown.T, **how)
        axes.set(xlim=self.window[:2], ylim=self.window[2:], xticks=[], yticks=[])
        axes.set_title(frame.caption, fontsize=10)


def _check_plays(gan):
    if not hasattr(gan, "discriminate") or not hasattr(gan, "objective"):
        raise TypeError(
            "The model must have a discriminator and an objective, such as gan_lessons.GAN. "
            f"Received: gan of type {type(gan).__name__}."
        )
