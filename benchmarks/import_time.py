"""What `import gan_lessons` adds to `import keras`, in seconds: the median over fresh processes, in turn.

    python benchmarks/import_time.py

The aim is under 0.5 s.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time


def seconds(code):
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    seconds("import keras, gan_lessons")  # files into the cache
    pairs = [(seconds("import keras"), seconds("import keras, gan_lessons")) for _ in range(runs)]
    alone, both = (statistics.median(column) for column in zip(*pairs))
    added = statistics.median(both - alone for alone, both in pairs)
    print(f"import keras: {alone:.2f} s; with gan_lessons: {both:.2f} s; added: {added:.2f} s (median of {runs} pairs)")


if __name__ == "__main__":
    main()
