"""Draws README's picture, `docs/samples.png`, from the generators that come with the course: `python docs/samples.py`.

The images are the first that the generators make of seed 0, none picked.
"""

from pathlib import Path

import keras
import numpy as np
from PIL import Image

import gan_lessons as gl

ROOT = Path(__file__).parent.parent
ROWS, HEIGHT = 6, 384  # of each grid: images down, pixels

generators = {
    8: keras.models.load_model(gl.data.bundled("digits_generator.keras"), compile=False),
    10: gl.trained.generator("dcgan_cifar10"),
}
grids = []
for columns, generator in generators.items():
    latents = keras.random.normal((ROWS * columns, generator.input_shape[1]), seed=0)
    grid = gl.plotting.image_grid(generator.predict(latents, verbose=0), columns=columns)
    grid = np.repeat(grid, 3, axis=-1) if grid.shape[-1] == 1 else grid
    picture = Image.fromarray(grid)
    grids.append(picture.resize((round(picture.width * HEIGHT / picture.height), HEIGHT), Image.Resampling.LANCZOS))

gap = 12
sheet = Image.new("RGB", (sum(grid.width for grid in grids) + gap, HEIGHT), "white")
sheet.paste(grids[0], (0, 0))
sheet.paste(grids[1], (grids[0].width + gap, 0))
sheet.save(ROOT / "docs" / "samples.png", optimize=True)
print(f"docs/samples.png, {sheet.width} × {sheet.height}")
