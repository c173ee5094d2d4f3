"""Draws README's picture, `docs/samples.png`, from what lessons 02 and 03 have trained: `python docs/samples.py`.

Run `make course` with the real image sets first; the lessons leave their GANs in build/. The images are the first that the
generators make of seed 0, none picked.
"""

from pathlib import Path

import keras
import numpy as np
from PIL import Image

import gan_lessons as gl

ROOT = Path(__file__).parent.parent
ROWS, HEIGHT = 6, 384  # of each grid: images down, pixels

grids = []
for folder, columns in (("mlp_gan/mnist", 8), ("dcgan/cifar10", 10)):
    gan = keras.models.load_model(ROOT / "build" / folder / "gan.keras")
    grid = gl.plotting.image_grid(gan.generate(ROWS * columns, seed=0), columns=columns)
    grid = np.repeat(grid, 3, axis=-1) if grid.shape[-1] == 1 else grid
    picture = Image.fromarray(grid)
    grids.append(picture.resize((round(picture.width * HEIGHT / picture.height), HEIGHT), Image.Resampling.LANCZOS))

gap = 12
sheet = Image.new("RGB", (sum(grid.width for grid in grids) + gap, HEIGHT), "white")
sheet.paste(grids[0], (0, 0))
sheet.paste(grids[1], (grids[0].width + gap, 0))
sheet.save(ROOT / "docs" / "samples.png", optimize=True)
print(f"docs/samples.png, {sheet.width} × {sheet.height}")
