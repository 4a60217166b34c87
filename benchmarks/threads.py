"""What a second core is worth to a convolution layer: one compiled kernel with one thread and with several.

    python benchmarks/threads.py [--repeats 60] [--write]

The layer is that of the book's first page: 32 filters of 3 x 3 over 28 x 28 pixels, for 256 images at once.
One thread and several take turns, so that what else the machine does meets both alike; the quickest run of
each counts, since everything that disturbs a run makes it longer. A time belongs to its machine, and so does
the ratio: it cannot exceed the number of cores. `--write` keeps the table in benchmarks/results.
"""

import argparse
import os
import platform
import time
from pathlib import Path

import torch
from torch.nn import functional as F

RESULT = Path(__file__).resolve().parents[1] / "benchmarks" / "results" / "threads.md"
HEAD = """\
# One thread and several on the same convolution

{cores} cores, Python {python}, PyTorch {torch}; load before: {load:.1f}.
The quickest of {repeats} runs of each, in turn: 32 filters of 3 x 3 on 256 images of 28 x 28.
Regenerate: `python benchmarks/threads.py --write`.

| threads | times one thread |
|---|---|
"""


def quickest(counts: list[int], repeats: int) -> list[float]:
    """Seconds of the quickest run with each number of threads."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(256, 1, 28, 28, generator=generator)
    weight = torch.randn(32, 1, 3, 3, generator=generator)
    found: dict[int, list[float]] = {count: [] for count in counts}
    with torch.inference_mode():
        for repeat in range(repeats + 3):
            for count in counts:
                torch.set_num_threads(count)
                F.conv2d(images[:1], weight)  # wakes the threads
                begun = time.perf_counter()
                F.conv2d(images, weight)
                if repeat >= 3:  # the first runs warm the caches up
                    found[count].append(time.perf_counter() - begun)
    return [min(found[count]) for count in counts]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    counts = [1, *(2**n for n in range(1, 8) if 2**n <= cores)]
    seconds = quickest(counts, options.repeats)
    table = HEAD.format(
        cores=cores,
        python=platform.python_version(),
        torch=torch.__version__,
        load=load,
        repeats=options.repeats,
    )
    for count, value in zip(counts, seconds, strict=True):
        table += f"| {count} | {seconds[0] / value:.2f} |\n"
    print(table, seconds)
    if options.write:
        RESULT.write_text(table)


if __name__ == "__main__":
    main()
