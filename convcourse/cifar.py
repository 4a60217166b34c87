"""Color images to work on: CIFAR-10, and any folder of pictures sorted into a folder a class.

CIFAR-10 is 50,000 + 10,000 photographs of 32 x 32 in ten classes (Krizhevsky, "Learning Multiple Layers of
Features from Tiny Images", 2009). It is looked for in `$CONVCOURSE_DATA` and then in the user's cache folder:
in each the original pixels, in the folder cifar-10-batches-py that torchvision makes, or a copy re-encoded as
JPEG, in cifar10-jpeg/train.parquet and test.parquet. Where neither lies, torchvision downloads the original
into the cache. An `ImageSet` always says which of the two it holds: JPEG changes almost every pixel a little.
"""

import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from convcourse.data import DataError, ImageSet, Split, cache_folder

if TYPE_CHECKING:
    from PIL.Image import Image

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
# Mean and standard deviation of the original training pixels, red, green and blue, from 0 to 1.
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_ORIGINAL, _REENCODED = "cifar-10-batches-py", "cifar10-jpeg"


def cifar10(split: Split = "train") -> ImageSet:
    """CIFAR-10's 50,000 training or 10,000 test images, uint8 [N, 3, 32, 32]; labels number `CLASSES`.

    `source` says "CIFAR-10" for the original pixels and "CIFAR-10 (JPEG)" for the copy re-encoded as JPEG.
    DataError where neither can be had or a file is damaged, with what to do.

    >>> test = cifar10("test")  # doctest: +SKIP
    >>> test.images.shape, CLASSES[test.labels[0]]  # doctest: +SKIP
    (torch.Size([10000, 3, 32, 32]), 'airplane')
    """
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train" or "test", got {split!r}')
    for folder in _folders():
        if (folder / _ORIGINAL).is_dir():
            return _original(folder, split)
        if (path := folder / _REENCODED / f"{split}.parquet").is_file():
            return _reencoded(path)
    return _original(cache_folder(), split, download=True)


def _folders() -> Iterator[Path]:
    """Where to look: first in the folder that the user named."""
    if given := os.environ.get("CONVCOURSE_DATA"):
        yield Path(given)
    yield cache_folder()


class FolderOfImages(Dataset[tuple[Tensor, int]]):
    """Pictures of any size in PATH/CLASS/NAME.jpg, as ImageNet's lie, each cut to one square size.

    `dataset[i]` is (uint8 [3, size, size], label): the shorter side is resized to `size`, or with
    `random=True` to anything up to 1.15 times that, and a square cut out of the middle, or anywhere. Labels
    number the class folders in alphabetical order; `classes` has their names. DataError where there is no
    image, or for one that cannot be read, by name.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "cat").mkdir(), (folder / "dog").mkdir()
    (None, None)
    >>> Image.new("RGB", (50, 30), "red").save(folder / "dog" / "rex.png")
    >>> pictures = FolderOfImages(folder, size=20)
    >>> image, label = pictures[0]
    >>> image.shape, pictures.classes[label]
    (torch.Size([3, 20, 20]), 'dog')
    """

    def __init__(self, path: str | Path, size: int, random: bool = False):
        if size < 1:
            raise ValueError(f"size must be at least 1 pixel, got {size}")
        path = Path(path)
        if not path.is_dir():
            raise DataError(f"there is no folder {path}: name one that holds a folder of images per class")
        self.size, self.random = size, random
        self.classes = sorted(folder.name for folder in path.iterdir() if folder.is_dir())
        self.samples = [
            (file, label)
            for label, name in enumerate(self.classes)
            for file in sorted((path / name).rglob("*"))
            if file.suffix.lower() in SUFFIXES
        ]
        if not self.samples:
            raise DataError(
                f"{path} holds no images: they are looked for as {path}/CLASS/NAME.jpg "
                f"({', '.join(SUFFIXES)}), one folder a class"
            )

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        file, label = self.samples[index]
        return read_square(file, self.size, self.random), label

    def load(self, threads: int = 8) -> ImageSet:
        """Read all of them into memory once, in order: no epoch waits for a file again.

        DataError where they would take more than half of the machine's memory.
        """
        needed, there = len(self) * 3 * self.size**2, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if needed > there / 2:
            raise DataError(
                f"{len(self):,} images of {self.size} x {self.size} take {needed / 1e9:.1f} GB of the "
                f"machine's {there / 1e9:.1f}: choose a smaller size, or fewer images"
            )
        images = torch.empty(len(self), 3, self.size, self.size, dtype=torch.uint8)

        def read(index: int) -> None:
            images[index], _ = self[index]

        with ThreadPoolExecutor(threads) as pool:  # Pillow lets other threads run while it decodes
            list(pool.map(read, range(len(self))))
        return ImageSet(images, torch.tensor([label for _, label in self.samples]), "folder")


def read_square(file: Path, size: int, random: bool = False) -> Tensor:
    """One picture as uint8 [3, size, size]; see `FolderOfImages` for how it is cut."""
    from PIL import Image

    larger, left, top = 1 + 0.15 * torch.rand(()).item() * random, 0.5, 0.5
    if random:
        left, top = torch.rand(2).tolist()
    try:
        with Image.open(file) as image:
            shorter = round(size * larger)
            image.draft("RGB", (shorter, shorter))  # a JPEG much too large is decoded at half or quarter size
            scale = shorter / min(image.size)
            width, height = (max(shorter, round(side * scale)) for side in image.size)
            resized = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{file} cannot be read as an image ({error}): fix it or take it away") from error
    x, y = round(left * (width - size)), round(top * (height - size))
    return _tensor(resized.crop((x, y, x + size, y + size)))


def _original(root: Path, split: Split, download: bool = False) -> ImageSet:
    """The original pixels, as torchvision keeps them; it checks the files' checksums."""
    from torchvision.datasets import CIFAR10

    if download and os.environ.get("CONVCOURSE_GRADING") == "1":
        raise DataError("There is no network while grading, and CIFAR-10 is not at hand.")
    try:
        data = CIFAR10(str(root), train=split == "train", download=download)
    except (OSError, RuntimeError, EOFError) as error:
        remedy = (
            "is there a network? Or set CONVCOURSE_DATA to a folder that holds "
            f"{_ORIGINAL} (original) or {_REENCODED}/{split}.parquet (re-encoded)"
            if download
            else f"delete {root / _ORIGINAL} and it is downloaded anew"
        )
        raise DataError(f"CIFAR-10 cannot be read from {root} ({error}): {remedy}") from error
    images = torch.from_numpy(data.data).permute(0, 3, 1, 2).contiguous()
    return ImageSet(images, torch.tensor(data.targets), "CIFAR-10")


def _reencoded(path: Path) -> ImageSet:
    """A parquet file with the columns image (bytes of a JPEG, path) and label."""
    try:
        import pyarrow.compute
        from pyarrow import parquet
    except ImportError as error:
        raise DataError(f"{path} is read with pyarrow: run pip install pyarrow") from error
    try:
        table = parquet.read_table(path, columns=["image", "label"])
        encoded = pyarrow.compute.struct_field(table["image"], "bytes").to_pylist()
        images, labels = _decode_all(encoded), torch.tensor(table["label"].to_pylist())
    except (OSError, ValueError, KeyError, pyarrow.ArrowException) as error:
        raise DataError(
            f"{path} cannot be read ({error}): it must hold the columns image (bytes, path) and label; "
            "copy it anew, or take it away"
        ) from error
    return ImageSet(images, labels, "CIFAR-10 (JPEG)")


def _decode_all(encoded: Sequence[bytes]) -> Tensor:
    """JPEGs of one size as uint8 [N, 3, H, W]."""
    from PIL import Image

    return torch.stack([_tensor(Image.open(io.BytesIO(content)).convert("RGB")) for content in encoded])


def _tensor(image: "Image") -> Tensor:
    """A Pillow image as uint8 [3, H, W]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)
