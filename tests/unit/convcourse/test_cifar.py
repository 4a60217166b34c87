"""CIFAR-10 is found, told apart from its copy, or asked for; a folder of pictures becomes training images."""

import io
import pickle
import urllib.error

import numpy as np
import pytest
import torch
from PIL import Image

from convcourse import cifar
from convcourse.cifar import CLASSES, FolderOfImages, cifar10, read_square
from convcourse.data import DataError, split
from convcourse.training import Recipe, fit


def jpeg(shade: tuple[int, int, int], size: tuple[int, int] = (32, 32)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, shade).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture
def given(tmp_path, monkeypatch):
    """The folder that CONVCOURSE_DATA names; the cache is another; both are empty."""
    monkeypatch.setenv("CONVCOURSE_DATA", str(tmp_path / "given"))
    monkeypatch.setattr(cifar, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv("CONVCOURSE_GRADING", raising=False)
    (tmp_path / "given").mkdir()
    return tmp_path / "given"


@pytest.fixture
def reencoded(given):
    """A parquet file of four images in one color each."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    shades = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    rows = [{"bytes": jpeg(shade), "path": f"test/{i}.jpg"} for i, shade in enumerate(shades)]
    path = given / "cifar10-jpeg" / "test.parquet"
    path.parent.mkdir()
    parquet.write_table(pyarrow.table({"image": rows, "label": [3, 0, 9, 1]}), path)
    return path, shades


@pytest.fixture
def original(given, monkeypatch):
    """Files in the form of the originals, in the folder given, whatever their checksums."""
    from torchvision.datasets import CIFAR10

    folder = given / "cifar-10-batches-py"
    folder.mkdir()
    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(CIFAR10, "_load_meta", lambda self: None)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32), dtype=np.uint8)
    (folder / "test_batch").write_bytes(
        pickle.dumps({"data": pixels.reshape(5, -1), "labels": [4, 1, 0, 9, 2]})
    )
    return folder, pixels


@pytest.fixture
def no_network(monkeypatch):
    from torchvision.datasets import utils

    def refuse(*args, **kwargs):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(utils, "_urlretrieve", refuse)


def test_the_copy_says_that_it_was_reencoded(reencoded):
    _, shades = reencoded
    images = cifar10("test")
    assert images.source == "CIFAR-10 (JPEG)"
    assert images.images.shape == (4, 3, 32, 32) and images.images.dtype == torch.uint8
    assert images.labels.tolist() == [3, 0, 9, 1] and images.labels.dtype == torch.int64
    for image, shade in zip(images.images, shades, strict=True):
        assert (image.double().mean((1, 2)) - torch.tensor(shade)).abs().max() < 3


def test_the_original_comes_first_and_keeps_its_pixels(reencoded, original):
    _, pixels = original
    images = cifar10("test")
    assert images.source == "CIFAR-10"
    assert torch.equal(images.images, torch.from_numpy(pixels))
    assert images.labels.tolist() == [4, 1, 0, 9, 2]


def test_the_cache_is_looked_in_as_well(reencoded, tmp_path):
    path, _ = reencoded
    path.parent.rename(tmp_path / "moved")
    (tmp_path / "cache").mkdir()
    (tmp_path / "moved").rename(tmp_path / "cache" / "cifar10-jpeg")
    assert len(cifar10("test")) == 4


def test_color_images_can_be_split_and_trained_on(reencoded):
    train, valid = split(cifar10("test"), validation=1)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 10))
    recipe = Recipe(epochs=1, batch_size=2)
    assert len(fit(network, train, valid, recipe, device="cpu", progress=False).rows) == 1


def test_without_files_and_network_it_says_what_to_do(given, no_network):
    with pytest.raises(
        DataError, match=r"is there a network.*CONVCOURSE_DATA.*cifar-10-batches-py.*test.parquet"
    ):
        cifar10("test")


def test_nothing_is_downloaded_while_grading(given, monkeypatch):
    monkeypatch.setenv("CONVCOURSE_GRADING", "1")
    with pytest.raises(DataError, match="no network while grading"):
        cifar10("train")


@pytest.mark.parametrize("spoil", [lambda content: content[:-9], lambda content: b""])
def test_a_damaged_copy_is_named(reencoded, spoil):
    path, _ = reencoded
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DataError, match=f"{path} cannot be read .* copy it anew"):
        cifar10("test")


def test_a_damaged_jpeg_in_the_copy_is_named(given):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = given / "cifar10-jpeg" / "train.parquet"
    path.parent.mkdir()
    parquet.write_table(pyarrow.table({"image": [{"bytes": b"no JPEG", "path": ""}], "label": [0]}), path)
    with pytest.raises(DataError, match=f"{path} cannot be read"):
        cifar10("train")


def test_a_damaged_original_is_named(given):
    (given / "cifar-10-batches-py").mkdir()
    with pytest.raises(DataError, match=r"cannot be read from .*delete .*cifar-10-batches-py"):
        cifar10("train")


def test_an_unknown_split_is_named():
    with pytest.raises(ValueError, match="got 'valid'"):
        cifar10("valid")


def test_the_real_copy_has_ten_classes_of_a_thousand(monkeypatch):
    """Where the files are at hand: all 10,000 test images, in the order of CLASSES."""
    monkeypatch.setenv("CONVCOURSE_GRADING", "1")  # no download
    try:
        test = cifar10("test")
    except DataError as error:
        pytest.skip(str(error))
    assert test.images.shape == (10_000, 3, 32, 32)
    assert test.labels.bincount().tolist() == [1_000] * 10
    assert len(CLASSES) == 10
    blue = test.images[:, 2].float().mean((1, 2)) - test.images[:, 0].float().mean((1, 2))
    bluest = max(range(10), key=lambda label: blue[test.labels == label].mean().item())
    assert CLASSES[bluest] in ("airplane", "ship"), "the sky and the sea are blue"


@pytest.fixture
def pictures(tmp_path):
    """Two classes: a wide and a tall picture with a white middle, and a small one; a note next to them."""
    for name in ("zebra", "ant"):
        (tmp_path / name).mkdir()
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = (255, 255, 255)
    Image.fromarray(wide).save(tmp_path / "zebra" / "wide.png")
    Image.fromarray(wide.transpose(1, 0, 2)).save(tmp_path / "zebra" / "tall.PNG")
    (tmp_path / "ant" / "small.jpg").write_bytes(jpeg((0, 0, 200), (9, 7)))
    (tmp_path / "ant" / "notes.txt").write_text("not a picture")
    return tmp_path


def test_folders_are_classes_in_alphabetical_order(pictures):
    dataset = FolderOfImages(pictures, size=20)
    assert dataset.classes == ["ant", "zebra"]
    assert [(file.name, label) for file, label in dataset.samples] == [
        ("small.jpg", 0), ("tall.PNG", 1), ("wide.png", 1),
    ]  # fmt: skip


def test_the_middle_is_cut_out_of_wide_and_tall_pictures(pictures):
    dataset = FolderOfImages(pictures, size=20)
    for image, label in dataset:
        assert image.shape == (3, 20, 20) and image.dtype == torch.uint8
        if label == 1:
            assert image.float().mean() > 240
    assert dataset[0][0].float().mean((1, 2)).tolist() == pytest.approx([0, 0, 200], abs=4)


def test_random_cuts_differ_and_repeat_with_the_seed(pictures):
    file = pictures / "zebra" / "wide.png"

    def cuts():
        torch.manual_seed(0)
        return [read_square(file, 20, random=True) for _ in range(20)]

    first = cuts()
    assert all(torch.equal(one, other) for one, other in zip(first, cuts(), strict=True))
    shades = [cut.float().mean().item() for cut in first]
    assert min(shades) < 60 and max(shades) > 200, "no cut came from the side, or none from the middle"


def test_a_jpeg_decoded_small_looks_like_the_whole(tmp_path):
    generator = np.random.default_rng(0)
    coarse = Image.fromarray(generator.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    (tmp_path / "a").mkdir()
    large = coarse.resize((800, 600), Image.Resampling.BICUBIC)
    large.save(tmp_path / "a" / "x.jpg", quality=95)
    large.save(tmp_path / "a" / "x.png")
    from_jpeg, from_png = (image.float() for image, _ in FolderOfImages(tmp_path, size=30))
    assert (from_jpeg - from_png).abs().mean() < 3


def test_a_loaded_folder_is_an_image_set(pictures):
    dataset = FolderOfImages(pictures, size=16)
    images = dataset.load(threads=2)
    assert images.source == "folder" and images.labels.tolist() == [0, 1, 1]
    for index in range(3):
        assert torch.equal(images.images[index], dataset[index][0])


def test_an_unreadable_picture_is_named(pictures):
    spoiled = pictures / "ant" / "broken.jpg"
    spoiled.write_bytes(jpeg((9, 9, 9))[:100])
    dataset = FolderOfImages(pictures, size=16)
    with pytest.raises(DataError, match=f"{spoiled} cannot be read as an image .* take it away"):
        dataset.load(threads=2)


def test_an_empty_folder_and_none_at_all_are_named(tmp_path):
    with pytest.raises(DataError, match=rf"{tmp_path} holds no images: .*/CLASS/NAME.jpg"):
        FolderOfImages(tmp_path, size=16)
    with pytest.raises(DataError, match=r"there is no folder .*nowhere"):
        FolderOfImages(tmp_path / "nowhere", size=16)
    with pytest.raises(ValueError, match="size must be at least 1 pixel, got 0"):
        FolderOfImages(tmp_path, size=0)


def test_more_than_the_memory_holds_is_refused_beforehand(pictures):
    with pytest.raises(DataError, match=r"3 images of 5000000 x 5000000 take .* choose a smaller size"):
        FolderOfImages(pictures, size=5_000_000).load()
