"""Draws the image sets that are bundled with the course: `python data/draw.py` writes four files beside it.

They stand in for MNIST and CIFAR-10 where there is no network. Each picture is drawn from a seed of its own,
so that any of them can be drawn again alone, and always comes out the same: picture i shows class i % 10.
`gan_lessons.data` reads them.
"""

import argparse
import bz2
from pathlib import Path

import digits
import numpy as np
import scenes

SETS = {"digits": digits, "scenes": scenes}
SPLITS = ("train", "test")


def draw(name, split, numbers):
    """The pictures of a set with these numbers: uint8 (len(numbers), height, width, channels)."""
    seeds = [[list(SETS).index(name), SPLITS.index(split), int(i)] for i in numbers]
    return np.stack(
        [SETS[name].image(np.random.Generator(np.random.PCG64(seed)), seed[-1] % 10) for seed in seeds]
    )


def pack(images):
    """Pictures as bytes: grey ones as they are, colour ones as television sends them, in bzip2.

    The eye sees brightness more finely than colour. So a colour picture is stored as its luma Y = (R + 2G +
    B)/4, in steps of 4, and its chroma B − Y and R − Y at half the resolution, in steps of 8: a quarter of
    the bytes, and one has to look twice to see a difference. Of the common compressions, bzip2 is the one
    whose output does not change with its version.
    """
    if images.shape[-1] == 3:
        red, green, blue = np.moveaxis(images.astype(float), -1, 0)
        luma = (red + 2 * green + blue) / 4
        blocks = [chroma.reshape(-1, 16, 2, 16, 2).mean((2, 4)) for chroma in (blue - luma, red - luma)]
        planes = [np.rint(luma / 4), *(np.rint(block / 8) for block in blocks)]
        images = np.concatenate([plane.astype("int8").ravel() for plane in planes])
    return bz2.compress(images.tobytes(), 9)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, help="the folder to write to")
    folder = parser.parse_args().to
    for name, module in SETS.items():
        for split, count in module.EXAMPLES.items():
            packed = pack(draw(name, split, range(count)))
            (folder / f"{name}_{split}.bz2").write_bytes(packed)
            print(f"{name}_{split}.bz2: {count} pictures, {len(packed):,} bytes")


if __name__ == "__main__":
    main()
