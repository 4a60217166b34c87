"""A small training as a program of its own, for the tests that kill it or start it several times over.

    python train_bars.py OUT [--checkpoint FILE] [--die-in-step N | --die-while-writing N] [--plain]

Writes OUT/log.json and OUT/weights.pt. `--plain` leaves out what several processes do not share: dropout,
batch normalization and augmentation.
"""

import argparse
import os
import signal
from pathlib import Path

import torch
from torch import nn

from convcourse.data import ImageSet
from convcourse.training import Normalize, Recipe, fit, random_affine, set_seed

BATCH_SIZE = 17  # 120 = 7 * 17 + 1: the last batch has an image for one process of two


def bars(count=120, seed=0, channels=None):
    """Images of 8 x 8 with a bright bar, upright (0) or level (1): learned in a few epochs."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    shape = (count, 8, 8) if channels is None else (count, channels, 8, 8)
    images = torch.randint(0, 60, shape, generator=generator, dtype=torch.uint8)
    for image, label in zip(images, labels, strict=True):
        place = int(torch.randint(1, 7, (), generator=generator))
        if label:
            image[..., place, :] = 255
        else:
            image[..., :, place] = 255
    return ImageSet(images, labels, "digits")


def network(plain=False):
    set_seed(0)
    noise = [] if plain else [nn.BatchNorm2d(4), nn.Dropout(0.1)]
    head = [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 2)]
    return nn.Sequential(Normalize(), nn.Conv2d(1, 4, 3), *noise, nn.ReLU(), *head)


def train(out, checkpoint=None, plain=False):
    """The training that all of it is about: its log, and the weights it ends with."""
    torch.set_num_threads(1)
    model = network(plain)
    augment = None if plain else random_affine(1)
    recipe = Recipe(epochs=4, batch_size=BATCH_SIZE, augment=augment, ema_decay=0.9, patience=4)
    log = fit(model, bars(), bars(40, seed=1), recipe, device="cpu", checkpoint=checkpoint)
    if int(os.environ.get("RANK", 0)) == 0:
        out.mkdir(exist_ok=True)
        log.save(out / "log.json")
        torch.save(model.state_dict(), out / "weights.pt")
    return log, model.state_dict()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--die-in-step", type=int, default=0)
    parser.add_argument("--die-while-writing", type=int, default=0)
    parser.add_argument("--plain", action="store_true")
    chosen = parser.parse_args()
    if chosen.die_while_writing:
        written = [0]

        def fsync(file):
            written[0] += 1
            if written[0] == chosen.die_while_writing:
                os.ftruncate(file, 1000)  # only so much has reached the disk
                os.kill(os.getpid(), signal.SIGKILL)

        os.fsync = fsync
    if chosen.die_in_step:
        optimizer_step, taken = torch.optim.AdamW.step, [0]

        def step(self, *arguments):
            taken[0] += 1
            if taken[0] == chosen.die_in_step:
                os.kill(os.getpid(), signal.SIGKILL)
            return optimizer_step(self, *arguments)

        torch.optim.AdamW.step = step
    train(chosen.out, chosen.checkpoint, chosen.plain)


if __name__ == "__main__":
    main()
