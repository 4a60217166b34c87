"""A convolution layer, written to be read: first as plain loops, then in one step, then its gradients.

Images are tensors [N, C_in, H, W]: N images of C_in channels. The weight is [C_out, C_in, K_h, K_w]: C_out
filters, each with one slice of K_h x K_w for every channel. The result is C_out feature maps for each image:
[N, C_out, H_out, W_out]. Both functions agree with `torch.nn.functional.conv2d`, and the two gradients with
autograd.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from convcourse.arithmetic import Pair, _pair, conv_output_size


def conv2d_loops(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
) -> Tensor:
    """The layer, one product at a time: slow, and nothing hidden.

    `x` [N, C_in, H, W], `weight` [C_out, C_in, K_h, K_w], `bias` [C_out] -> [N, C_out, H_out, W_out].
    ValueError where shapes do not fit.

    >>> x = torch.arange(12.0).reshape(1, 1, 3, 4)
    >>> weight = torch.tensor([[[[1.0, 0.0], [0.0, -1.0]]]])
    >>> conv2d_loops(x, weight, bias=torch.tensor([10.0]))
    tensor([[[[5., 5., 5.],
              [5., 5., 5.]]]])
    """
    images, filters, height, width = _output_shape(x, weight, bias, stride, padding, dilation)
    step_down, step_right = _pair("stride", stride)
    gap_down, gap_right = _pair("dilation", dilation)
    _, channels, kernel_height, kernel_width = weight.shape
    x = _surround_with_zeros(x, padding)
    out = x.new_zeros(images, filters, height, width)

    for n in range(images):  # for every image
        for k in range(filters):  # and every filter
            for i in range(height):  # at every row
                for j in range(width):  # and every column of the result:
                    total = torch.zeros((), dtype=x.dtype) if bias is None else bias[k]
                    for c in range(channels):  # go through all channels
                        for u in range(kernel_height):  # and the rows
                            for v in range(kernel_width):  # and columns of the kernel,
                                row = i * step_down + u * gap_down
                                column = j * step_right + v * gap_right
                                total = total + x[n, c, row, column] * weight[k, c, u, v]  # and add up
                    out[n, k, i, j] = total
    return out


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
) -> Tensor:
    """The same layer without loops: take every window at once, then one sum of products over all of them.

    `x` [N, C_in, H, W], `weight` [C_out, C_in, K_h, K_w], `bias` [C_out] -> [N, C_out, H_out, W_out].
    ValueError where shapes do not fit.

    >>> x = torch.ones(2, 3, 5, 7)
    >>> conv2d(x, torch.ones(4, 3, 3, 3), stride=2).shape
    torch.Size([2, 4, 2, 3])
    """
    _output_shape(x, weight, bias, stride, padding, dilation)
    _, _, kernel_height, kernel_width = weight.shape
    step_down, step_right = _pair("stride", stride)
    gap_down, gap_right = _pair("dilation", dilation)
    x = _surround_with_zeros(x, padding)

    # windows[n, c, i, j, u, v] is the value that kernel cell (u, v) sees when it is at place (i, j).
    span_down, span_right = gap_down * (kernel_height - 1) + 1, gap_right * (kernel_width - 1) + 1
    windows = x.unfold(2, span_down, step_down).unfold(3, span_right, step_right)
    windows = windows[..., ::gap_down, ::gap_right]

    out = torch.einsum("ncijuv,kcuv->nkij", windows, weight)
    return out if bias is None else out + bias[:, None, None]


def kernel_gradient(x: Tensor, output_gradient: Tensor) -> Tensor:
    """What a layer of stride 1 without padding hands its weights in backpropagation: dL/dweight.

    `x` [N, C_in, H, W] is the layer's input and `output_gradient` [N, C_out, H_out, W_out] the gradient of
    the loss with respect to its output -> [C_out, C_in, H - H_out + 1, W - W_out + 1], the weight's shape. A
    weight meets one value of the input at each place; its gradient adds them up, each times the place's own
    gradient: the input, correlated with the output's gradient. ValueError where shapes do not fit.

    >>> x = torch.arange(12.0).reshape(1, 1, 3, 4)
    >>> kernel_gradient(x, torch.ones(1, 1, 2, 3))  # each weight meets six values
    tensor([[[[18., 24.],
              [42., 48.]]]])
    """
    if x.ndim != 4 or output_gradient.ndim != 4 or x.shape[0] != output_gradient.shape[0]:
        raise ValueError(
            "x must have the shape [N, C_in, H, W] and output_gradient [N, C_out, H_out, W_out], "
            f"got {list(x.shape)} and {list(output_gradient.shape)}"
        )
    height, width = output_gradient.shape[2:]
    if height > x.shape[2] or width > x.shape[3]:
        raise ValueError(
            f"the output, {height} x {width}, must not be larger than the input, {x.shape[2]} x {x.shape[3]}"
        )
    # windows[n, c, u, v, i, j] is the value that kernel cell (u, v) meets at place (i, j).
    windows = x.unfold(2, height, 1).unfold(3, width, 1)
    return torch.einsum("ncuvij,nkij->kcuv", windows, output_gradient)


def input_gradient(weight: Tensor, output_gradient: Tensor) -> Tensor:
    """What a layer of stride 1 without padding hands the layer before it in backpropagation: dL/dx.

    `weight` [C_out, C_in, K_h, K_w] and `output_gradient` [N, C_out, H_out, W_out] -> [N, C_in, H, W] with
    H = H_out + K_h - 1 and W = W_out + K_w - 1, the input's shape. A value of the input is read by up to
    K_h x K_w windows, each time with another weight, and collects the gradients of all of them: the output's
    gradient, with zeros around it, correlated with the flipped weight. ValueError where shapes do not fit.

    >>> input_gradient(torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[1.0, 10.0, 100.0]]]]))
    tensor([[[[  1.,  12., 120., 200.]]]])
    """
    around = (weight.shape[2] - 1, weight.shape[3] - 1)
    filters_as_inputs = weight.flip(2, 3).transpose(0, 1)
    return conv2d(output_gradient, filters_as_inputs, padding=around)


def most_exciting(maps: Tensor, images: Tensor, channels: Sequence[int], size: int, count: int = 5) -> Tensor:
    """The patches that filters answer to most, [len(channels), count, size, size], strongest first.

    `maps` [N, C_out, H_out, W_out] are what a layer of stride 1 without padding makes of `images` [N, H, W],
    and `size` is how many pixels one of its values depends on along each axis. An image gives at most one
    patch.

    >>> images = torch.eye(4).reshape(1, 4, 4) * torch.tensor([1.0, 3.0]).reshape(2, 1, 1)
    >>> maps = conv2d(images[:, None], torch.eye(2).reshape(1, 1, 2, 2))
    >>> most_exciting(maps, images, [0], size=2, count=1)
    tensor([[[[3., 0.],
              [0., 3.]]]])
    """
    rows = []
    for k in channels:
        strongest = maps[:, k].amax((1, 2)).argsort(descending=True)[:count]
        places = maps[strongest, k].flatten(1).argmax(1)
        patches = []
        for n, place in zip(strongest.tolist(), places.tolist(), strict=True):
            i, j = divmod(place, maps.shape[3])
            patches.append(images[n, i : i + size, j : j + size])
        rows.append(torch.stack(patches))
    return torch.stack(rows)


def mean_cosines(vectors: Tensor, labels: Tensor) -> tuple[float, float]:
    """The mean cosine between vectors of the same class, and between those of different classes.

    `vectors` [N, D] and `labels` [N]. A vector's cosine with itself, which is always 1, is left out.

    >>> mean_cosines(torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 5.0]]), torch.tensor([7, 7, 4]))
    (1.0, 0.0)
    """
    directions = torch.nn.functional.normalize(vectors)
    cosines = directions @ directions.T
    same = labels[:, None] == labels
    pairs = ~torch.eye(len(labels), dtype=torch.bool)
    return cosines[same & pairs].mean().item(), cosines[~same].mean().item()


def _output_shape(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair, dilation: Pair
) -> tuple[int, int, int, int]:
    """The shape [N, C_out, H_out, W_out] of the result, after checking that the arguments fit together."""
    if x.ndim != 4:
        raise ValueError(f"x must have the shape [N, C_in, H, W], got {list(x.shape)}: is the batch missing?")
    if weight.ndim != 4:
        raise ValueError(f"weight must have the shape [C_out, C_in, K_h, K_w], got {list(weight.shape)}")
    if x.shape[1] != weight.shape[1]:
        raise ValueError(
            f"x has {x.shape[1]} channels but each filter has {weight.shape[1]}: they must agree"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(
            f"bias must have the shape [{weight.shape[0]}], one per filter, got {list(bias.shape)}"
        )
    axes = zip(
        x.shape[2:],
        weight.shape[2:],
        _pair("stride", stride),
        _pair("padding", padding),
        _pair("dilation", dilation),
        strict=True,
    )
    height, width = (conv_output_size(*axis) for axis in axes)
    return x.shape[0], weight.shape[0], height, width


def _surround_with_zeros(x: Tensor, padding: Pair) -> Tensor:
    down, right = _pair("padding", padding)
    images, channels, height, width = x.shape
    padded = x.new_zeros(images, channels, height + 2 * down, width + 2 * right)
    padded[:, :, down : down + height, right : right + width] = x
    return padded
