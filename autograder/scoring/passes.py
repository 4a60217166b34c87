"""What a network must withstand: noise on its numbers, moved images, other company in its batch.

Three passes over the test images: as they are, with noise on every number of the network, and moved by up
to a pixel. The third goes in another order; some of its images are not moved, and must get the logits they
had.
"""

from dataclasses import dataclass

import numpy as np

from convcourse.network_rules.table import PASSES

# Of the images that are compared, so many in a thousand may change sides: two logits can be equal but for
# the order in which a processor adds.
SIDES_PER_MILLE = 2


class DependsOnBatch(ValueError):
    """An image's logits depend on the images next to it."""


@dataclass(frozen=True)
class Drawn:
    """What is drawn for one judging of N images.

    `order` and `other_order` are permutations, int [N]; `shifts` is int [N, 2], rows down and columns to the
    right, for the images in the second order; the first of them stays where it is. There is one of
    `noise_seeds` for each part of the images in the first order.
    """

    order: np.ndarray
    other_order: np.ndarray
    shifts: np.ndarray
    noise_seeds: list[int]


@dataclass(frozen=True)
class Accuracies:
    """Fractions of the test images: as they are, with noise on the network's numbers, and moved."""

    plain: float
    noisy: float
    shifted: float


def draw(images: int, seed: int) -> Drawn:
    """Draw orders, shifts and noise for so many images; the same seed draws the same.

    >>> drawn = draw(4, seed=1)
    >>> sorted(drawn.order.tolist()), drawn.shifts.shape, drawn.shifts[0].tolist()
    ([0, 1, 2, 3], (4, 2), [0, 0])
    """
    rng = np.random.default_rng(seed)
    order, other = rng.permutation(images), rng.permutation(images)
    shifts = rng.integers(-PASSES.shift_pixels, PASSES.shift_pixels + 1, (images, 2))
    shifts[0] = 0
    seeds = [int(seed) for seed in rng.integers(1 << 62, size=PASSES.noise_draws)]
    return Drawn(order, other, shifts, seeds)


def shifted(images: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Move each image [N, C, H, W] by its own shift [N, 2]; what comes in at the edge is black.

    >>> shifted(np.array([[[[1, 2], [3, 4]]]]), np.array([[0, 1]])).tolist()
    [[[[0, 1], [0, 3]]]]
    """
    moved = np.zeros_like(images)
    height, width = images.shape[2:]
    for down, right in np.unique(shifts, axis=0).tolist():
        chosen = (shifts == (down, right)).all(axis=1)
        rows, columns = (slice(max(n, 0), size + min(n, 0)) for n, size in ((down, height), (right, width)))
        back_rows, back_columns = (
            slice(max(-n, 0), size + min(-n, 0)) for n, size in ((down, height), (right, width))
        )
        part = moved[chosen]
        part[:, :, rows, columns] = images[chosen][:, :, back_rows, back_columns]
        moved[chosen] = part
    return moved


def check_alone(logits: np.ndarray, other_logits: np.ndarray, drawn: Drawn) -> None:
    """See that images which were not moved got the logits that they had in other company.

    Both arrays are [N, 10], in the orders of `drawn`. Raises `DependsOnBatch`.
    """
    if logits.shape != other_logits.shape or logits.ndim != 2:
        raise ValueError(f"logits of shapes {logits.shape} and {other_logits.shape} cannot be compared")
    place = np.argsort(drawn.order)  # where an image is in the first order
    still = np.flatnonzero((drawn.shifts == 0).all(axis=1))
    once, again = (
        part.astype(np.float64) for part in (logits[place[drawn.other_order[still]]], other_logits[still])
    )
    finite = np.isfinite(once).all(axis=1)
    alike = finite == np.isfinite(again).all(axis=1)
    # What is added to all logits of an image changes nothing, and must not make room for differences.
    once, again = (
        part - part.mean(axis=1, keepdims=True) for part in (once[finite & alike], again[finite & alike])
    )
    largest = np.maximum(np.abs(once).max(axis=1, initial=0), np.finfo(np.float32).tiny)
    near = np.abs(once - again).max(axis=1, initial=0) <= PASSES.logits_differ * largest
    sides = once.argmax(axis=1) != again.argmax(axis=1)
    if not (alike.all() and near.all()) or sides.sum() > SIDES_PER_MILLE * len(still) / 1000:
        raise DependsOnBatch(
            "the logits of an image change with the other images of its batch. Use no mean, maximum or norm "
            "over the first axis, and keep it first when you reshape."
        )


def judged(found: Accuracies, noise_of_rms: float) -> tuple[float, list[str]]:
    """The accuracy that is graded, and remarks for the student where that is not the plain one.

    `noise_of_rms` is how far noise moved the numbers, in parts of their tensor's root mean square.

    >>> judged(Accuracies(plain=0.993, noisy=0.992, shifted=0.99), 1 / 16)
    (0.993, [])
    >>> judged(Accuracies(plain=0.993, noisy=0.35, shifted=0.99), 1 / 16)[0]
    0.35
    """
    graded, remarks = found.plain, []
    claims = 100 * found.plain >= PASSES.claim_min_percent
    if claims and 100 * (found.plain - found.noisy) > PASSES.noise_drop_points:
        graded = min(graded, found.noisy)
        remarks.append(
            f"with noise of 1/{1 / noise_of_rms:.0f} of their size on its numbers it reads "
            f"{found.noisy:.2%} of the test images instead of {found.plain:.2%}, and more than "
            f"{PASSES.noise_drop_points:g} points less are not accepted. A trained network hardly notices "
            "such noise; numbers that hold more than one weight each do. More epochs, with random shifts, "
            "make an honest network steadier."
        )
    if claims and 100 * found.shifted < PASSES.shifted_min_percent:
        graded = min(graded, found.shifted)
        remarks.append(
            f"it reads {found.shifted:.2%} of the test images when each is moved by up to"
            f" {PASSES.shift_pixels} pixel; {PASSES.shifted_min_percent:g} % are asked for. Train with random"
            " shifts."
        )
    return graded, remarks
