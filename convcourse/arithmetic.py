"""Sizes, parameters and receptive fields of convolution layers, worked out with whole numbers.

Every rule here is the one that `torch.nn` follows. The sizes come from Dumoulin and Visin, "A guide to
convolution arithmetic for deep learning" (arXiv 1603.07285).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # torch takes seconds to import, and most of this module needs none of it
    from torch import nn

Pair = int | tuple[int, int]


def conv_output_size(
    input_size: int, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """How many places a kernel can stand along one axis: the output size of a convolution along it.

    The kernel spans `dilation * (kernel_size - 1) + 1` values. It starts at one end of the padded input and
    moves by `stride` for as long as it fits, so the division is floored: what is left over at the far end is
    not looked at.

    All are whole numbers; ValueError where one breaks its rule or the kernel does not fit even once.

    >>> conv_output_size(7, kernel_size=3, stride=2)
    3
    >>> conv_output_size(8, kernel_size=3, stride=2)  # (8 - 3) / 2 = 2.5 is floored
    3
    """
    size = _whole("input_size", input_size, least=1)
    stride = _whole("stride", stride, least=1)
    padding = _whole("padding", padding, least=0)
    span = _span(kernel_size, dilation)
    padded = size + 2 * padding
    if span > padded:
        raise ValueError(
            f"the kernel spans {span} values but the padded input has {padded}: "
            "use a smaller kernel_size or dilation, or more padding"
        )
    return (padded - span) // stride + 1


def conv_output_shape(
    input_shape: Sequence[int],
    out_channels: int,
    kernel_size: Pair,
    stride: Pair = 1,
    padding: Pair | str = 0,
    dilation: Pair = 1,
) -> tuple[int, int, int]:
    """The output shape (C, H, W) of `nn.Conv2d` for one image of shape (C, H, W).

    Each setting is one whole number for both axes or a pair (height, width). `padding="valid"` is none, and
    `padding="same"` keeps height and width, which needs stride 1.

    >>> conv_output_shape((3, 32, 48), out_channels=8, kernel_size=5, stride=(1, 2), padding=2)
    (8, 32, 24)
    """
    _, *sizes = _image_shape(input_shape)
    channels = _whole("out_channels", out_channels, least=1)
    kernels, strides = _pair("kernel_size", kernel_size), _pair("stride", stride)
    dilations = _pair("dilation", dilation)
    if padding == "same":
        if strides != (1, 1):
            raise ValueError(
                f'padding="same" needs stride 1, got stride {stride}: give the padding in numbers'
            )
        for kernel, spread in zip(kernels, dilations, strict=True):
            _span(kernel, spread)
        return (channels, sizes[0], sizes[1])
    paddings = (0, 0) if padding == "valid" else _pair("padding", padding)
    height, width = (
        conv_output_size(*axis) for axis in zip(sizes, kernels, strides, paddings, dilations, strict=True)
    )
    return (channels, height, width)


def pool_output_shape(
    input_shape: Sequence[int],
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
) -> tuple[int, int, int]:
    """The output shape (C, H, W) of `nn.MaxPool2d`; pooling keeps the channels and steps by its own size.

    `stride` is `kernel_size` unless it is given, as in `torch.nn`.

    >>> pool_output_shape((10, 128, 128), kernel_size=4)
    (10, 32, 32)
    """
    channels = _image_shape(input_shape)[0]
    step = kernel_size if stride is None else stride
    for kernel, pad in zip(_pair("kernel_size", kernel_size), _pair("padding", padding), strict=True):
        if pad > kernel // 2:
            raise ValueError(f"padding must be at most half of kernel_size {kernel} when pooling, got {pad}")
    return conv_output_shape(input_shape, channels, kernel_size, step, padding, dilation)


def conv_parameters(
    in_channels: int, out_channels: int, kernel_size: Pair, bias: bool = True, groups: int = 1
) -> int:
    """How many numbers `nn.Conv2d` learns: each filter has a kernel for every channel it sees, and a bias.

    The size of the image does not matter.

    >>> conv_parameters(3, 10, kernel_size=3)  # 10 filters of 3 * 3 * 3 weights and 1 bias
    280
    """
    inputs = _whole("in_channels", in_channels, least=1)
    outputs = _whole("out_channels", out_channels, least=1)
    groups = _whole("groups", groups, least=1)
    if inputs % groups or outputs % groups:
        raise ValueError(f"groups must divide in_channels {inputs} and out_channels {outputs}, got {groups}")
    height, width = _pair("kernel_size", kernel_size, least=1)
    return outputs * (inputs // groups) * height * width + (outputs if bias else 0)


def conv_multiplications(
    input_shape: Sequence[int], out_channels: int, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0
) -> int:
    """How many products a convolution of an image [C, H, W] adds up: one for each weight at each place.

    >>> conv_multiplications((3, 5, 5), out_channels=2, kernel_size=3)
    486
    """
    _, height, width = conv_output_shape(input_shape, out_channels, kernel_size, stride, padding)
    return height * width * conv_parameters(input_shape[0], out_channels, kernel_size, bias=False)


def linear_parameters(in_features: int, out_features: int, bias: bool = True) -> int:
    """How many numbers `nn.Linear` learns: one weight for each input of each output, and a bias an output.

    >>> linear_parameters(784, 10)
    7850
    """
    inputs = _whole("in_features", in_features, least=1)
    outputs = _whole("out_features", out_features, least=1)
    return inputs * outputs + (outputs if bias else 0)


def receptive_field(layers: Iterable[Sequence[int]]) -> int:
    """How many input values along one axis a single value of the last layer can see.

    `layers` go from input to output, each as (kernel_size, stride) or (kernel_size, stride, dilation);
    pooling counts like convolution. Each layer widens the field by its span less one, in steps of all strides
    before it.

    >>> receptive_field([(3, 1), (3, 1)])
    5
    >>> receptive_field([(3, 1), (2, 2), (3, 1)])
    8
    """
    field, step = 1, 1
    for number, layer in enumerate(layers, start=1):
        if len(layer) not in (2, 3):
            raise ValueError(
                f"layer {number} must be (kernel_size, stride) or (kernel_size, stride, dilation), "
                f"got {layer!r}"
            )
        kernel_size, stride, dilation = (*layer, 1)[:3]
        field += (_span(kernel_size, dilation) - 1) * step
        step *= _whole("stride", stride, least=1)
    return field


def count_parameters(module: nn.Module) -> int:
    """How many numbers `module` learns, a shared one counted once.

    >>> from torch import nn
    >>> count_parameters(nn.Sequential(nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16)))
    192
    """
    return sum(parameter.numel() for parameter in module.parameters())


class LayerShape(NamedTuple):
    """A layer as an image passes it: `output_shape` without the batch, its `values`, its `parameters`."""

    name: str
    kind: str
    output_shape: tuple[int, ...]
    values: int
    parameters: int


def trace(module: nn.Module, input_shape: Sequence[int]) -> list[LayerShape]:
    """Send one blank image of `input_shape` (C, H, W) through `module` and note the layers in order of use.

    The module is left as it was: the pass is made in eval mode, without gradients. A layer used twice appears
    twice, its parameters counted the first time.

    >>> from torch import nn
    >>> for layer in trace(nn.Sequential(nn.Conv2d(3, 10, 3), nn.MaxPool2d(4)), (3, 130, 130)):
    ...     print(layer.kind, layer.output_shape, layer.values, layer.parameters)
    Conv2d (10, 128, 128) 163840 280
    MaxPool2d (10, 32, 32) 10240 0
    """
    import torch

    rows: list[LayerShape] = []
    counted: set[int] = set()

    def note(name: str, layer: nn.Module, output: object) -> None:
        if not isinstance(output, torch.Tensor):
            return
        shape = tuple(output.shape[1:])
        fresh = [parameter for parameter in layer.parameters() if id(parameter) not in counted]
        counted.update(id(parameter) for parameter in fresh)
        parameters = sum(parameter.numel() for parameter in fresh)
        rows.append(LayerShape(name, type(layer).__name__, shape, output[0].numel(), parameters))

    layers = [(name, layer) for name, layer in module.named_modules() if not any(layer.children())]
    hooks = [
        layer.register_forward_hook(lambda layer, _, output, name=name: note(name, layer, output))
        for name, layer in layers
    ]
    modes = [(part, part.training) for part in module.modules()]
    first = next(module.parameters(), torch.zeros(0))
    blank = torch.zeros(1, *input_shape, dtype=first.dtype, device=first.device)
    try:
        module.eval()
        with torch.no_grad():
            module(blank)
    finally:
        for hook in hooks:
            hook.remove()
        for part, training in modes:
            part.training = training
    return rows


def _whole(name: str, value: object, least: int) -> int:
    """`value` as an int of at least `least`, or an error that names the argument, the value and the rule."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def _pair(name: str, value: object, least: int | None = None) -> tuple[int, int]:
    """One number for both axes, or a pair (height, width)."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2:
        raise ValueError(f"{name} must be one number or a pair (height, width), got {value!r}")
    least = {"padding": 0}.get(name, 1) if least is None else least
    return (_whole(name, both[0], least), _whole(name, both[1], least))


def _span(kernel_size: int, dilation: int) -> int:
    """How many values a kernel reaches over, gaps included."""
    return _whole("dilation", dilation, least=1) * (_whole("kernel_size", kernel_size, least=1) - 1) + 1


def _image_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ValueError(f"input_shape must be (channels, height, width), got {tuple(shape)}")
    channels, height, width = (_whole("input_shape", size, least=1) for size in shape)
    return channels, height, width
