"""Images to work on: MNIST, two photographs, and a road that is drawn here.

MNIST is looked for in `$CONVCOURSE_DATA`, then in the user's cache folder, and is else downloaded into that
folder. Where it cannot be had, scikit-learn's 1,797 bundled digits take its place, with a warning and under
their own name: an `ImageSet` always says which of the two it holds.
"""

import gzip
import hashlib
import importlib.util
import os
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Split = Literal["train", "test"]

_PARTS = {"train": "train", "test": "t10k"}
# The four original files, unpacked.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# How long to wait for a server that does not answer.
_TIMEOUT_S = 15
# So many of the bundled digits are kept for testing: about the share that MNIST keeps.
_DIGITS_TEST = 297


class DataError(RuntimeError):
    """A data set is absent or damaged; the message says what to do."""


class NotMNIST(UserWarning):
    """The digits bundled with scikit-learn take MNIST's place."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images and their classes: `images` uint8 [N, H, W] (gray) or [N, C, H, W] (color), `labels` int64 [N],
    and where they come from.

    >>> images = ImageSet(torch.zeros(5, 28, 28, dtype=torch.uint8), torch.arange(5), "digits")
    >>> len(images), len(images[:2]), images
    (5, 2, ImageSet(5 images from digits))
    """

    images: Tensor
    labels: Tensor
    source: str

    def __post_init__(self) -> None:
        if self.images.ndim not in (3, 4) or self.images.dtype != torch.uint8:
            found = f"{self.images.dtype} {list(self.images.shape)}"
            raise ValueError(f"images must be uint8 of shape [N, H, W] or [N, C, H, W], got {found}")
        if self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"{len(self.images)} images need as many labels, got {list(self.labels.shape)}")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: slice | Tensor) -> "ImageSet":
        """Some of the images with their labels; `index` is a slice or a tensor of positions."""
        return ImageSet(self.images[index], self.labels[index], self.source)

    def __iter__(self) -> Iterator[Tensor]:
        raise TypeError("an ImageSet is not gone through image by image: use .images and .labels")

    def __repr__(self) -> str:
        return f"ImageSet({len(self):,} images from {self.source})"


def mnist(split: Split = "train", *, allow_digits: bool = True) -> ImageSet:
    """The 60,000 training or 10,000 test images of MNIST; only the two files of that split are read.

    Where MNIST cannot be had, the result holds scikit-learn's digits (8 x 8, enlarged), says so in `source`,
    and a `NotMNIST` warning is given; with `allow_digits=False` that is a DataError. A damaged file is a
    DataError always.

    >>> warnings.simplefilter("ignore", NotMNIST)
    >>> test = mnist("test")
    >>> test.images.dtype, test.images.shape[1:], test.source in ("MNIST", "digits")
    (torch.uint8, torch.Size([28, 28]), True)
    """
    if split not in _PARTS:
        raise ValueError(f'split must be "train" or "test", got {split!r}')
    try:
        folder = _folder_with(_files_of(split))
    except DataError as error:
        if not allow_digits:
            raise
        digits = _digits(split)
        warnings.warn(
            f"This is not MNIST: {len(digits):,} of scikit-learn's small digits stand in for it. {error}",
            NotMNIST,
            stacklevel=2,
        )
        return digits
    images, labels = (_read_idx(folder / name) for name in _files_of(split))
    return ImageSet(images, labels.long(), "MNIST")


def split(imageset: ImageSet, validation: int | float = 10_000, seed: int = 0) -> tuple[ImageSet, ImageSet]:
    """Set images aside at random: (what is left to train on, the validation set), the same for the same
    `seed`.

    `validation` is a number of images, or a share of them between 0 and 1.

    >>> images = ImageSet(torch.zeros(50, 28, 28, dtype=torch.uint8), torch.arange(50), "digits")
    >>> split(images, validation=0.2)
    (ImageSet(40 images from digits), ImageSet(10 images from digits))
    """
    count = round(validation * len(imageset)) if isinstance(validation, float) else validation
    if not 0 < count < len(imageset):
        raise ValueError(
            f"validation must leave images on both sides: more than 0 and fewer than {len(imageset)} images "
            f"(or a share between 0.0 and 1.0), got {validation}"
        )
    order = torch.randperm(len(imageset), generator=torch.Generator().manual_seed(seed))
    return imageset[order[count:]], imageset[order[:count]]


def photographs() -> dict[str, NDArray[np.float64]]:
    """Two color photographs that scikit-learn brings along, "china" and "flower": [427, 640, 3] in 0..1.

    >>> {name: photograph.shape for name, photograph in photographs().items()}
    {'china': (427, 640, 3), 'flower': (427, 640, 3)}
    """
    from PIL import Image

    return {
        name: np.asarray(Image.open(_bundled(f"images/{name}.jpg"))) / 255.0 for name in ("china", "flower")
    }


def photograph_crop(
    name: str, rows: tuple[int, int], columns: tuple[int, int], step: int = 1
) -> NDArray[np.float64]:
    """A part of a photograph as channels [3, H, W] of 0..1, in which squares of `step` pixels become one.

    `rows` and `columns` are first and last + 1, in the photograph's pixels; what does not fill a square is
    left out.

    >>> photograph_crop("flower", (0, 40), (100, 163), step=4).shape
    (3, 10, 15)
    """
    part = photographs()[name][rows[0] : rows[1], columns[0] : columns[1]]
    height, width = part.shape[0] // step, part.shape[1] // step
    squares = part[: height * step, : width * step].reshape(height, step, width, step, 3)
    return np.moveaxis(squares.mean((1, 3)), 2, 0)


def road(height: int = 160, width: int = 240, noise: float = 0.02, seed: int = 0) -> NDArray[np.float64]:
    """A straight road through fields, seen by a driver, as brightness [height, width] in 0..1.

    Drawn here: a sky, fields with trees and posts, asphalt between two solid lines, a dashed line in the
    middle; all marks run toward one point. `noise` is the standard deviation of what a camera adds to each
    pixel. The same for the same `seed`.

    >>> picture = road(80, 120)
    >>> picture.shape, bool(picture.min() >= 0), bool(picture.max() <= 1)
    ((80, 120), True, True)
    """
    if height < 8 or width < 8:
        raise ValueError(f"height and width must be at least 8 pixels, got {height} and {width}")
    rng = np.random.default_rng(seed)
    fine = 4  # each pixel is the mean of 4 x 4 samples, so that slanted edges are smooth
    down = (np.arange(height * fine)[:, None] + 0.5) / (height * fine)
    across = ((np.arange(width * fine)[None, :] + 0.5) / (width * fine) - 0.5) * width / height
    horizon = 0.36
    near = np.clip((down - horizon) / (1 - horizon), 1e-6, None)  # 0 at the horizon, 1 at the driver
    from_middle = across / near  # on the ground, in halves of a lane
    ground = down > horizon
    grain = rng.normal(size=(height, width)).repeat(fine, 0).repeat(fine, 1)
    picture = np.where(ground, 0.42 + 0.05 * grain * np.clip(2 * near, 0.3, 1), 0.93 - 0.25 * down / horizon)
    hills = horizon - 0.035 - 0.03 * np.sin(5 * across + 1) - 0.015 * np.sin(13 * across)
    picture = np.where(~ground & (down > hills), 0.52, picture)
    asphalt = ground & (np.abs(from_middle) < 0.95)
    picture = np.where(asphalt, 0.27 + 0.012 * grain, picture)
    dashes = (0.55 / near) % 1 < 0.55
    marks = (np.abs(np.abs(from_middle) - 0.84) < 0.035) | ((np.abs(from_middle) < 0.03) & dashes)
    picture = np.where(asphalt & marks, 0.9, picture)
    for depth, side in ((0.05, -1.6), (0.09, 1.9), (0.16, -1.7), (0.3, 1.6)):  # trees, the nearest last
        foot, middle = horizon + depth * (1 - horizon), side * depth
        trunk = (np.abs(across - middle) < 0.09 * depth) & (down < foot) & (down > foot - 1.2 * depth)
        crown = (across - middle) ** 2 + (0.8 * (down - foot + 1.5 * depth)) ** 2 < (0.55 * depth) ** 2
        picture = np.where(trunk, 0.2, np.where(crown, 0.3 + 0.05 * grain, picture))
    for depth in (0.12, 0.22, 0.5):  # white posts along the right side
        foot, middle = horizon + depth * (1 - horizon), 1.1 * depth
        post = (np.abs(across - middle) < 0.02 * depth) & (down < foot) & (down > foot - 0.35 * depth)
        picture = np.where(post, 0.95, picture)
    pixels = picture.reshape(height, fine, width, fine).mean((1, 3))
    return np.clip(pixels + noise * rng.normal(size=pixels.shape), 0, 1)


def rings(size: int = 200) -> NDArray[np.float64]:
    """Concentric rings [size, size] of 0..1, ever faster outward: at the sides half a cycle per pixel.

    >>> rings(8)[4].round(2).tolist()
    [1.0, 0.04, 0.5, 0.96, 1.0, 0.96, 0.5, 0.04]
    """
    place = np.arange(size) - size // 2
    squared = place[:, None] ** 2 + place[None, :] ** 2
    return 0.5 + 0.5 * np.cos(np.pi * squared / size)


def cache_folder() -> Path:
    """Where downloads are kept for this user, outside any project."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("convcourse", appauthor=False))


def fetch(name: str = "mnist") -> Path:
    """Make sure that all files of a data set are here, with a progress bar where they must be downloaded.

    Returns their folder; DataError where there is no network, with what to do instead.
    """
    if name != "mnist":
        raise ValueError(f'the data set must be "mnist", got {name!r}')
    return _folder_with(tuple(SHA256))


def _files_of(split: Split) -> tuple[str, str]:
    part = _PARTS[split]
    return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"


def _folder_with(names: tuple[str, ...]) -> Path:
    """The first folder that holds all of `names`, downloading them into the cache where none does."""
    given = os.environ.get("CONVCOURSE_DATA")
    if given and _holds(Path(given) / "MNIST" / "raw", names):
        return Path(given) / "MNIST" / "raw"
    cache = cache_folder() / "MNIST" / "raw"
    if _holds(cache, names):
        return cache
    if os.environ.get("CONVCOURSE_GRADING") == "1":
        raise DataError("There is no network while grading, and these files are not at hand.")
    for name in names:
        if not (cache / name).is_file():
            _download(name, cache)
    return cache


def _holds(folder: Path, names: tuple[str, ...]) -> bool:
    return all((folder / name).is_file() for name in names)


def _download(name: str, folder: Path) -> None:
    """Fetch one file from the mirrors that torchvision names, check it, and put it in place whole."""
    from torchvision.datasets import MNIST

    digest = dict(MNIST.resources)[f"{name}.gz"]
    problems = []
    for mirror in MNIST.mirrors:
        try:
            packed = _get(f"{mirror}{name}.gz")
        except (urllib.error.URLError, OSError) as error:
            problems.append(f"{mirror}: {getattr(error, 'reason', error)}")
            continue
        if hashlib.md5(packed, usedforsecurity=False).hexdigest() != digest:
            problems.append(f"{mirror}: what came is not the file expected")
            continue
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{name}.{os.getpid()}.part"
        unfinished.write_bytes(gzip.decompress(packed))
        unfinished.replace(folder / name)
        return
    raise DataError(
        f"MNIST could not be downloaded; is there a network? ({name}: {'; '.join(problems)}.) Then run "
        f"`convcourse data mnist`, or put the four unpacked files into {folder}, or set CONVCOURSE_DATA to a "
        "folder that holds them in MNIST/raw."
    )


def _get(address: str) -> bytes:
    """The bytes at an address, with a progress bar."""
    from tqdm.auto import tqdm

    with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer:
        total = int(answer.headers.get("Content-Length") or 0) or None
        received = []
        with tqdm(total=total, unit="B", unit_scale=True, desc=address.rpartition("/")[2]) as bar:
            while block := answer.read(1 << 16):
                received.append(block)
                bar.update(len(block))
    return b"".join(received)


def _read_idx(path: Path) -> Tensor:
    """An idx file: two zero bytes, a type byte (8: uint8), the number of axes, their sizes, the values."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256[path.name]:
        raise DataError(
            f"{path} is damaged ({len(content):,} bytes, and its checksum is not the original's): delete it "
            "and run `convcourse data mnist`, or copy the original file there again."
        )
    axes = content[3]
    sizes = np.frombuffer(content, dtype=">u4", count=axes, offset=4).tolist()
    values = torch.frombuffer(bytearray(content[4 + 4 * axes :]), dtype=torch.uint8)
    return values.reshape(sizes)


def _digits(split: Split) -> ImageSet:
    """scikit-learn's digits, enlarged from 8 x 8 to 20 x 20 and framed to 28 x 28 as MNIST's are."""
    table = torch.from_numpy(np.loadtxt(_bundled("data/digits.csv.gz"), delimiter=",", dtype=np.float32))
    small = table[:, :64].reshape(-1, 1, 8, 8) * (255 / 16)
    large = torch.nn.functional.interpolate(small, size=(20, 20), mode="bicubic", align_corners=False)
    framed = torch.nn.functional.pad(large, (4, 4, 4, 4)).clamp(0, 255).round().to(torch.uint8)[:, 0]
    order = torch.randperm(len(framed), generator=torch.Generator().manual_seed(0))
    chosen = order[:_DIGITS_TEST] if split == "test" else order[_DIGITS_TEST:]
    return ImageSet(framed[chosen], table[chosen, 64].long(), "digits")


def _bundled(name: str) -> Path:
    """A file that lies in scikit-learn's package; importing the package takes seconds and is not needed."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        raise DataError("scikit-learn is not installed: run pip install scikit-learn")
    return Path(spec.submodule_search_locations[0]) / "datasets" / name
