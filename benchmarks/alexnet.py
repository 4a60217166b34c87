"""AlexNet, images per second: our loop and networks against torchvision's reference loop with its AlexNet.

    python benchmarks/alexnet.py [--write] [--device cpu] [--images 64] [--batch 32] [--rounds 2]

Both train on the same folder of JPEGs of 500 x 375, cut from two photographs, with 1,000 classes. The
reference loop does what torchvision's references/classification does by default: Pillow decodes every
picture in every epoch in the workers of a DataLoader, cuts a random part, resizes it to 224 and mirrors it;
SGD with momentum, float32, loss and accuracy asked for after every batch. Ours reads the folder once, keeps
it on the device, and cuts and mirrors there (bfloat16 on a GPU, float32 on a CPU); what the reading takes is
listed by itself, and so is a row that reads while it trains. Every row is measured in every round, and its
best round counts. Processor time, which other programs on the machine disturb less, adds up the process and
its workers.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision import models, transforms
from torchvision.datasets import ImageFolder

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for `solutions`, which is not installed

from convcourse.cifar import FolderOfImages  # noqa: E402
from convcourse.data import ImageSet, photographs  # noqa: E402
from convcourse.training import Recipe, fit, set_seed  # noqa: E402
from solutions.training import alexnet as ours  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "alexnet.md"
CLASSES, PICTURE = 1000, (375, 500)


class Spent(NamedTuple):
    """Seconds on the clock and of processor time."""

    wall: float
    processor: float


def make_pictures(folder: Path, count: int) -> None:
    """So many JPEGs in ten classes, each a part of a photograph in a tint of its own."""
    random = np.random.default_rng(0)
    scenes = list(photographs().values())
    for number in range(count):
        scene = scenes[number % len(scenes)]
        top, left = (
            random.integers(0, have - want + 1) for have, want in zip(scene.shape, PICTURE, strict=False)
        )
        part = scene[top : top + PICTURE[0], left : left + PICTURE[1]] * random.uniform(0.7, 1, 3)
        file = folder / f"class_{number % 10}" / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((255 * part).astype(np.uint8)).save(file, quality=90)


def torchvision_loop(folder: Path, batch: int, device: str) -> Callable[[], None]:
    """One epoch of the reference loop."""
    change = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.PILToTensor(),
            transforms.ConvertImageDtype(torch.float),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    pictures = ImageFolder(str(folder), change)
    network = models.alexnet(num_classes=CLASSES).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss()
    workers = min(16, os.cpu_count() or 1)

    def epoch() -> None:
        loader = DataLoader(pictures, batch, shuffle=True, num_workers=workers, pin_memory=device == "cuda")
        network.train()
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            scores = network(images)
            loss = criterion(scores, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found = scores.topk(5, dim=1).indices == labels[:, None]
            found[:, 0].sum().item(), found.sum().item(), loss.item()

    return epoch


def our_loop(
    build: Callable[[], nn.Module], images: ImageSet | FolderOfImages, batch: int, device: str, size: int
):
    """One epoch of `fit`; one image is measured after it, as it must have some."""
    first = images[:1] if isinstance(images, ImageSet) else torch.utils.data.Subset(images, [0])
    network = build()
    recipe = Recipe(
        epochs=1,
        batch_size=batch,
        learning_rate=0.01,
        weight_decay=1e-4,
        augment=ours.random_cut(size),
        optimizer=ours.momentum,
    )

    def epoch() -> None:
        fit(network, images, first, recipe, device=device, progress=False)

    return epoch


def spent(work: Callable[[], object]) -> Spent:
    """What one call takes; the processor time of its finished workers is counted in."""

    def processor() -> float:
        each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in each)

    wall, before = time.perf_counter(), processor()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return Spent(time.perf_counter() - wall, processor() - before)


def measure(folder: Path, batch: int, device: str, rounds: int) -> tuple[dict[str, Spent], Spent]:
    """The best of each row's rounds, and what reading the folder once takes."""
    set_seed(0)
    pictures = FolderOfImages(folder, size=256)
    reading = spent(pictures.load)
    images = pictures.load()
    torchvisions = lambda: models.alexnet(num_classes=CLASSES)  # noqa: E731
    rows = {
        "torchvision's loop, its AlexNet": torchvision_loop(folder, batch, device),
        "our loop, torchvision's AlexNet": our_loop(torchvisions, images, batch, device, 224),
        "our loop, AlexNet as published": our_loop(
            lambda: ours.as_published(CLASSES), images, batch, device, 227
        ),
        "our loop, modern AlexNet": our_loop(lambda: ours.modern(CLASSES), images, batch, device, 227),
        "our loop, modern AlexNet, read while training": our_loop(
            lambda: ours.modern(CLASSES), pictures, batch, device, 227
        ),
    }
    found: dict[str, list[Spent]] = {name: [] for name in rows}
    for turn in range(rounds + 1):
        for name, epoch in rows.items():
            taken = spent(epoch)
            if turn:  # the first round starts libraries and chooses algorithms
                found[name].append(taken)
            print(turn, name, taken, flush=True)
    best = {name: Spent(*(min(column) for column in zip(*took, strict=True))) for name, took in found.items()}
    return best, reading


def page(best: dict[str, Spent], reading: Spent, chosen: argparse.Namespace) -> str:
    count, reference = chosen.images, next(iter(best.values()))
    place = (
        torch.cuda.get_device_name()
        if chosen.device == "cuda"
        else f"{torch.get_num_threads()} thread on {os.cpu_count()} cores"
    )
    lines = [
        "# AlexNet, images per second",
        "",
        f"{count} JPEGs of 500 x 375, batches of {chosen.batch}, 1,000 classes, {place}, torch "
        f"{torch.__version__}. Load before: {chosen.load:.1f}. "
        "Regenerate: `python benchmarks/alexnet.py --write`.",
        "",
        "| row | images per second | times the first | processor time per image, ms | share of the first |",
        "|---|---|---|---|---|",
    ]
    for name, took in best.items():
        lines.append(
            f"| {name} | {count / took.wall:.1f} | {reference.wall / took.wall:.2f} | "
            f"{1000 * took.processor / count:.0f} | {took.processor / reference.processor:.0%} |"
        )
    lines += [
        "",
        f"Reading the folder into memory, once for all epochs: {1000 * reading.processor / count:.1f} ms of "
        "processor time per image.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--device", default="cpu")
    options.add_argument("--images", type=int, default=64)
    options.add_argument("--batch", type=int, default=32)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--write", action="store_true")
    chosen = options.parse_args()
    chosen.load = os.getloadavg()[0]
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        make_pictures(Path(name), chosen.images)
        best, reading = measure(Path(name), chosen.batch, chosen.device, chosen.rounds)
    text = page(best, reading, chosen)
    print(text)
    if chosen.write:
        RESULT.write_text(text)


if __name__ == "__main__":
    main()
