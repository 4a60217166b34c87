"""Image filters: a small kernel moved over a gray image, in NumPy.

Images are arrays [H, W] of real numbers, 0 for black and 1 for white; results are float64 and may leave 0..1
(an edge filter gives negative values too). Kernels are arrays [h, w].
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Border = Literal["valid", "zeros", "replicate"]
Image = NDArray[np.float64]


def _kernel(rows: list[list[float]], divisor: float = 1) -> Image:
    kernel = np.array(rows, dtype=np.float64) / divisor
    kernel.setflags(write=False)  # a constant that everyone shares
    return kernel


IDENTITY = _kernel([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
BOX_BLUR = _kernel([[1, 1, 1], [1, 1, 1], [1, 1, 1]], divisor=9)
GAUSSIAN_BLUR = _kernel([[1, 2, 1], [2, 4, 2], [1, 2, 1]], divisor=16)
SHARPEN = _kernel([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
EMBOSS = _kernel([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
# As they are correlated: SOBEL_X answers to brightness that rises to the right, SOBEL_Y to brightness that
# rises downward (rows count from the top).
SOBEL_X = _kernel([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
SOBEL_Y = _kernel([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
LAPLACIAN = _kernel([[0, 1, 0], [1, -4, 1], [0, 1, 0]])


def correlate2d(image: ArrayLike, kernel: ArrayLike, border: Border = "valid") -> Image:
    """Lay the kernel on every place of the image, multiply value by value, and add up.

    This is cross-correlation, which deep learning calls convolution. At the border of an image [H, W] the
    kernel [h, w] would hang over the edge; `border` says what then:

    - "valid": stay inside. The result is smaller, [H - h + 1, W - w + 1].
    - "zeros": the image is surrounded by black. The result is [H, W].
    - "replicate": each edge value goes on outward, and a corner fills its quarter. The result is [H, W].

    >>> step = [[0, 0, 1, 1]] * 3
    >>> correlate2d(step, SOBEL_X)
    array([[4., 4.]])
    >>> correlate2d(step, [[1, 1, 1]], border="zeros")[0]
    array([0., 1., 2., 2.])
    """
    values, weights = _two_axes("image", image), _two_axes("kernel", kernel)
    height, width = weights.shape
    if border in ("zeros", "replicate"):
        # An even kernel has no center: the extra row or column goes below and to the right.
        around = (((height - 1) // 2, height // 2), ((width - 1) // 2, width // 2))
        values = np.pad(values, around, mode="constant" if border == "zeros" else "edge")
    elif border != "valid":
        raise ValueError(f'border must be "valid", "zeros" or "replicate", got {border!r}')
    if height > values.shape[0] or width > values.shape[1]:
        raise ValueError(
            f"the kernel {weights.shape} must fit into the image {values.shape}: "
            'use a smaller kernel, or border "zeros" or "replicate"'
        )
    rows, columns = values.shape[0] - height + 1, values.shape[1] - width + 1
    result = np.zeros((rows, columns))
    for i in range(height):
        for j in range(width):
            result += weights[i, j] * values[i : i + rows, j : j + columns]
    return result


def convolve2d(image: ArrayLike, kernel: ArrayLike, border: Border = "valid") -> Image:
    """Convolution as mathematics defines it: cross-correlation with the kernel flipped by 180°.

    For a kernel that the flip leaves alone, such as a blur, the two agree; an edge filter changes its
    sign.

    >>> step = [[0, 0, 1, 1]] * 3
    >>> convolve2d(step, SOBEL_X)
    array([[-4., -4.]])
    """
    return correlate2d(image, _two_axes("kernel", kernel)[::-1, ::-1], border)


def correlation_matrix(kernel: ArrayLike, shape: tuple[int, int]) -> Image:
    """The matrix that does to a flattened image what `correlate2d` does to the image, border "valid".

    `shape` is the image's, (H, W). The matrix is [places, H * W], a row for each of the
    (H - h + 1) * (W - w + 1) places where the kernel [h, w] fits: the same h * w weights, ever further right.

    >>> correlation_matrix([[1, 2, 3]], (1, 5)).astype(int).tolist()
    [[1, 2, 3, 0, 0], [0, 1, 2, 3, 0], [0, 0, 1, 2, 3]]
    """
    weights, (height, width) = _two_axes("kernel", kernel), shape
    rows, columns = height - weights.shape[0] + 1, width - weights.shape[1] + 1
    if rows < 1 or columns < 1:
        raise ValueError(
            f"the kernel {weights.shape} must fit into the image {tuple(shape)}: use a smaller kernel"
        )
    matrix = np.zeros((rows, columns, height, width))
    for i in range(rows):
        for j in range(columns):
            matrix[i, j, i : i + weights.shape[0], j : j + weights.shape[1]] = weights
    return matrix.reshape(rows * columns, height * width)


def gaussian_kernel(sigma: float, radius: int | None = None) -> Image:
    """A bell curve of `2 * radius + 1` weights that add up to 1, as one row [1, 2 * radius + 1].

    `sigma` is its width in pixels; beyond the default radius of three sigma hardly anything is left.

    >>> gaussian_kernel(1.0).shape
    (1, 7)
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be more than 0 pixels, got {sigma}")
    reach = math.ceil(3 * sigma) if radius is None else radius
    if reach < 0:
        raise ValueError(f"radius must be at least 0, got {reach}")
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return (weights / weights.sum())[np.newaxis, :]


def low_pass(image: ArrayLike, sigma: float) -> Image:
    """Keep what changes slowly: blur by a Gaussian of `sigma` pixels. Same shape [H, W]; the border is
    replicated.

    The two-dimensional bell is the product of two one-dimensional ones, so rows and columns are blurred in
    turn.

    >>> low_pass(np.full((5, 9), 0.5), sigma=2.0).round(12)[0, 0]
    np.float64(0.5)
    """
    row = gaussian_kernel(sigma)
    return correlate2d(correlate2d(image, row, "replicate"), row.T, "replicate")


def high_pass(image: ArrayLike, sigma: float) -> Image:
    """Keep what changes fast, edges and texture: the image less its low pass. Values lie around 0.

    >>> image = np.eye(6)
    >>> np.allclose(low_pass(image, 1.5) + high_pass(image, 1.5), image)
    True
    """
    return _two_axes("image", image) - low_pass(image, sigma)


def spectrum(image: ArrayLike) -> tuple[Image, Image]:
    """How fast and how strong each wave in an image [H, W] is: its frequency and its power, both [H, W].

    Frequencies are in cycles per pixel, in the order of `np.fft.fft2`; the power is the squared magnitude of
    the transform. The mean brightness, of frequency 0, is taken off.

    >>> frequency, power = spectrum([[1, -1, 1, -1]])
    >>> frequency.tolist(), power.round(9).tolist()
    ([[0.0, 0.25, 0.5, 0.25]], [[0.0, 0.0, 16.0, 0.0]])
    """
    values = _two_axes("image", image)
    down, across = (np.fft.fftfreq(length) for length in values.shape)
    power = np.abs(np.fft.fft2(values - values.mean())) ** 2
    return np.hypot(down[:, None], across[None, :]), power


def likeness(image: ArrayLike, kernel: ArrayLike) -> Image:
    """How much each window of an image looks like the kernel, whatever its brightness and contrast: -1 to 1.

    The cosine of the angle between window and kernel, each less its mean (the normalized cross-correlation).
    An image [H, W] and a kernel [h, w] give [H - h + 1, W - w + 1]; a window of one value looks like
    nothing: 0.

    >>> likeness([[0, 0, 1, 1], [0, 0, 1, 1]], [[-1, 1], [-1, 1]])
    array([[0., 1., 0.]])
    """
    values, weights = _two_axes("image", image), _two_axes("kernel", kernel)
    centered = weights - weights.mean()
    ones = np.ones_like(weights)
    sums, squares = correlate2d(values, ones), correlate2d(values**2, ones)
    spread = np.sqrt(np.clip(squares - sums**2 / weights.size, 0, None))
    lengths = spread * np.linalg.norm(centered)
    # Rounding leaves a little spread where there is none.
    return np.where(spread > 1e-6, correlate2d(values, centered) / np.maximum(lengths, 1e-12), 0.0)


def oriented_derivatives(size: int, sigma: float, degrees: float) -> Image:
    """An edge and a line in one direction, [2, size, size]: a Gaussian's first and second derivative.

    They are taken along the direction that is `degrees` down from the right; `sigma` is in pixels.

    >>> edge, line = oriented_derivatives(3, sigma=1.0, degrees=0)
    >>> edge.round(1).tolist()
    [[-0.4, 0.0, 0.4], [-0.6, 0.0, 0.6], [-0.4, 0.0, 0.4]]
    """
    at = np.arange(size) - (size - 1) / 2
    down, across = np.meshgrid(at, at, indexing="ij")
    along = across * math.cos(math.radians(degrees)) + down * math.sin(math.radians(degrees))
    bell = np.exp(-(across**2 + down**2) / (2 * sigma**2))
    return np.stack([along * bell, (along**2 - sigma**2) * bell])


def line_filter(degrees: float) -> Image:
    """A smooth kernel [7, 7] that answers to a bright line, upright at 0 degrees; weights sum to 0.

    At 37 degrees the line leans to the right at its top.

    >>> kernel = line_filter(0)
    >>> kernel[3].round(1).tolist()
    [-0.3, -0.6, 0.3, 1.4, 0.3, -0.6, -0.3]
    """
    kernel = -oriented_derivatives(7, 1.2, degrees)[1]
    return kernel - kernel.mean()


def explained_by_one_direction(kernels: ArrayLike) -> tuple[Image, Image]:
    """What of each kernel [N, size, size] is an edge or a line in one direction, and its share.

    Of all sums of two `oriented_derivatives` (24 directions, four widths) the nearest to each kernel
    [N, size, size], and the share [N], 0 to 1, of the kernel's energy (its summed squares) that is in it.

    >>> _, shares = explained_by_one_direction([SOBEL_X, SOBEL_X + SOBEL_Y, LAPLACIAN])
    >>> shares.round(2)
    array([0.99, 0.99, 0.22])
    """
    stack = np.asarray(kernels, dtype=np.float64)
    flat = stack.reshape(len(stack), -1)
    nearest = np.zeros_like(flat)
    for sigma in (1.0, 1.5, 2.0, 2.5):
        for degrees in np.arange(24) * 7.5:
            pair = oriented_derivatives(stack.shape[-1], sigma, degrees).reshape(2, -1)
            basis, _ = np.linalg.qr(pair.T)
            part = flat @ basis @ basis.T
            better = (part**2).sum(1) > (nearest**2).sum(1)
            nearest[better] = part[better]
    return nearest.reshape(stack.shape), (nearest**2).sum(1) / (flat**2).sum(1)


def gray(photograph: ArrayLike) -> Image:
    """A color photograph [H, W, 3] as brightness [H, W], weighted as the eye does (ITU-R BT.601).

    >>> gray([[[1.0, 1.0, 1.0], [0.0, 1.0, 0.0]]]).round(3)
    array([[1.   , 0.587]])
    """
    values = np.asarray(photograph, dtype=np.float64)
    if values.ndim != 3 or values.shape[2] != 3:
        raise ValueError(f"photograph must have the shape [H, W, 3], got {list(values.shape)}")
    return values @ np.array([0.299, 0.587, 0.114])


def _two_axes(name: str, array: ArrayLike) -> Image:
    values = np.asarray(array, dtype=np.float64)
    if values.ndim != 2 or values.size == 0:
        remedy = ": make a color image gray first" if values.ndim == 3 else ""
        raise ValueError(f"{name} must have the shape [height, width], got {list(values.shape)}{remedy}")
    return values
