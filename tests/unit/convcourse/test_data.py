"""MNIST is found, downloaded or honestly replaced; a damaged file says how to fix it."""

import gzip
import hashlib
import io
import urllib.error

import numpy as np
import pytest
import torch

from convcourse import data
from convcourse.data import DataError, ImageSet, NotMNIST, fetch, mnist, photographs, split

NAMES = tuple(data.SHA256)


def idx(values: np.ndarray) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.tobytes()


@pytest.fixture
def small_mnist(monkeypatch):
    """Four small files in place of the originals: name -> content, their checksums made known."""
    random = np.random.default_rng(0)
    files = {}
    for name in NAMES:
        count = 30 if name.startswith("train") else 20
        shape = (count, 28, 28) if "images" in name else (count,)
        files[name] = idx(random.integers(0, 10, shape, dtype=np.uint8))
    monkeypatch.setattr(data, "SHA256", {n: hashlib.sha256(c).hexdigest() for n, c in files.items()})
    return files


@pytest.fixture
def given(tmp_path, monkeypatch):
    """A folder that CONVCOURSE_DATA names, still empty; the cache is another empty folder."""
    monkeypatch.setenv("CONVCOURSE_DATA", str(tmp_path / "given"))
    monkeypatch.setattr(data, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv("CONVCOURSE_GRADING", raising=False)
    folder = tmp_path / "given" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def no_network(monkeypatch):
    asked = []

    def refuse(address, timeout):
        asked.append(address)
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(data.urllib.request, "urlopen", refuse)
    return asked


@pytest.fixture
def server(monkeypatch, small_mnist):
    """A mirror that serves `files`; change them to let it serve something else."""
    from torchvision.datasets import MNIST

    files = {f"{name}.gz": gzip.compress(content) for name, content in small_mnist.items()}
    sums = [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]
    monkeypatch.setattr(MNIST, "resources", sums)
    asked = []

    def answer(address, timeout):
        asked.append(address)
        name = address.rpartition("/")[2]
        if name not in files:
            raise urllib.error.HTTPError(address, 404, "Not Found", None, None)
        body = io.BytesIO(files[name])
        body.headers = {"Content-Length": str(len(files[name]))}
        return body

    monkeypatch.setattr(data.urllib.request, "urlopen", answer)
    return files, asked


def test_the_real_files_are_mnist(real_mnist):
    train, test = mnist("train", allow_digits=False), mnist("test", allow_digits=False)
    assert (len(train), len(test), train.source) == (60_000, 10_000, "MNIST")
    assert train.images.shape == (60_000, 28, 28) and train.images.dtype == torch.uint8
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9] and train.labels.dtype == torch.int64
    pixels = train.images.double() / 255
    assert round(pixels.mean().item(), 4) == 0.1307
    assert round(pixels.std().item(), 4) == 0.3081


def test_only_the_files_of_the_split_are_needed(given, small_mnist, no_network):
    for name in NAMES:
        if name.startswith("train"):
            (given / name).write_bytes(small_mnist[name])
    assert repr(mnist("train")) == "ImageSet(30 images from MNIST)"
    with pytest.warns(NotMNIST):
        assert mnist("test").source == "digits"


def test_values_and_labels_are_read_in_order(given, small_mnist, no_network):
    for name in NAMES:
        (given / name).write_bytes(small_mnist[name])
    images = mnist("test")
    raw = np.frombuffer(small_mnist["t10k-images-idx3-ubyte"][16:], np.uint8).reshape(20, 28, 28)
    np.testing.assert_array_equal(images.images.numpy(), raw)
    assert images.labels.tolist() == list(small_mnist["t10k-labels-idx1-ubyte"][8:])


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: b"", lambda c: c[:-1] + bytes([c[-1] ^ 1])])
def test_a_damaged_file_names_itself_and_the_remedy(given, small_mnist, no_network, spoil):
    for name in NAMES:
        (given / name).write_bytes(small_mnist[name])
    path = given / "train-images-idx3-ubyte"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DataError, match=rf"{path} is damaged .*: delete it and run `convcourse data mnist`"):
        mnist("train")


@pytest.mark.parametrize("part", ["train", "test"])
def test_without_mnist_digits_stand_in_and_say_so(given, no_network, part):
    with pytest.warns(NotMNIST, match="This is not MNIST: .* `convcourse data mnist`"):
        digits = mnist(part)
    assert digits.source == "digits"
    assert len(digits) == {"train": 1_500, "test": 297}[part]
    assert digits.images.shape[1:] == (28, 28)
    assert digits.images[:, 4:-4, 4:-4].max() > 250 and digits.images[:, :4].max() == 0
    assert digits.labels.unique().tolist() == list(range(10))
    assert no_network, "the download was not even tried"


def test_the_two_halves_of_the_digits_share_no_image(given, no_network):
    with pytest.warns(NotMNIST):
        train, test = mnist("train"), mnist("test")
    seen = {bytes(image.flatten().tolist()) for image in train.images}
    assert len(seen) == 1_500
    assert not seen & {bytes(image.flatten().tolist()) for image in test.images}


def test_digits_can_be_refused(given, no_network):
    with pytest.raises(DataError, match="Name or service not known"):
        mnist("train", allow_digits=False)


def test_nothing_is_downloaded_while_grading(given, no_network, monkeypatch):
    monkeypatch.setenv("CONVCOURSE_GRADING", "1")
    with pytest.warns(NotMNIST, match="no network while grading"):
        mnist("train")
    assert no_network == []


def test_fetch_downloads_what_is_missing_into_the_cache(given, server, small_mnist, tmp_path, capsys):
    _, asked = server
    folder = fetch("mnist")
    assert folder == tmp_path / "cache" / "MNIST" / "raw"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == small_mnist
    assert "train-images-idx3-ubyte.gz" in capsys.readouterr().err, "there was no progress bar"
    assert len(mnist("train")) == 30
    assert len(asked) == 4, "a file was asked for twice"


def test_a_wrong_download_is_not_kept(given, server, tmp_path):
    files, _ = server
    files["train-images-idx3-ubyte.gz"] = gzip.compress(b"a page that asks for a password")
    with pytest.raises(DataError, match="what came is not the file expected"):
        fetch("mnist")
    assert not (tmp_path / "cache").exists()


def test_an_unknown_split_or_data_set_is_named():
    with pytest.raises(ValueError, match='split must be "train" or "test", got \'valid\''):
        mnist("valid")
    with pytest.raises(ValueError, match="the data set must be \"mnist\", got 'cifar'"):
        fetch("cifar")


def numbered(count: int) -> ImageSet:
    return ImageSet(torch.zeros(count, 28, 28, dtype=torch.uint8), torch.arange(count), "digits")


def test_split_parts_all_images_and_repeats_itself():
    first, again, other = (split(numbered(50), validation=20, seed=seed) for seed in (1, 1, 2))
    train, validation = (part.labels.tolist() for part in first)
    assert len(validation) == 20
    assert sorted(train + validation) == list(range(50))
    assert validation == again[1].labels.tolist() != other[1].labels.tolist()
    assert validation != sorted(validation)


@pytest.mark.parametrize("validation", [0, 50, 0.0, 1.0, -1, 0.001])
def test_split_leaves_images_on_both_sides(validation):
    with pytest.raises(ValueError, match="more than 0 and fewer than 50 images"):
        split(numbered(50), validation)


def test_an_image_set_checks_what_it_is_given():
    with pytest.raises(ValueError, match=r"images must be uint8 of shape .*, got torch.float32"):
        ImageSet(torch.zeros(2, 28, 28), torch.zeros(2), "digits")
    with pytest.raises(ValueError, match="2 images need as many labels, got \\[3\\]"):
        ImageSet(torch.zeros(2, 28, 28, dtype=torch.uint8), torch.zeros(3), "digits")
    with pytest.raises(TypeError, match=r"use \.images and \.labels"):
        iter(numbered(2))


def test_what_scikit_learn_brings_along_is_read_as_it_reads_it(given, no_network):
    from sklearn.datasets import load_digits, load_sample_image

    for name, photograph in photographs().items():
        np.testing.assert_array_equal(photograph, load_sample_image(f"{name}.jpg") / 255)
    with pytest.warns(NotMNIST):
        train, test = mnist("train"), mnist("test")
    bundle = load_digits()
    counts = torch.cat([train.labels, test.labels]).bincount().tolist()
    assert counts == np.bincount(bundle.target).tolist()
    order = torch.randperm(1_797, generator=torch.Generator().manual_seed(0))
    assert test.labels.tolist() == bundle.target[order[:297].numpy()].tolist()
    coarse = torch.nn.functional.adaptive_avg_pool2d(test.images[:, 4:-4, 4:-4].double(), 8).flatten()
    likeness = np.corrcoef(coarse, bundle.images[order[:297].numpy()].ravel())[0, 1]
    assert likeness > 0.97


def test_photographs_are_real_and_between_0_and_1():
    for photograph in photographs().values():
        assert photograph.shape == (427, 640, 3) and photograph.dtype == np.float64
        assert 0 <= photograph.min() < 0.05 and 0.9 < photograph.max() <= 1
