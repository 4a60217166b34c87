from convcourse.checks import test_case

OK_FORMAT = False

name = "q3"
points = 3

@test_case(points=0.5, hidden=False)
def test_three_filters_on_a_color_image(conv_output_shape):
    assert callable(conv_output_shape), 'conv_output_shape must be a function.'
    shape = conv_output_shape((3, 32, 32), 3, 5)
    assert isinstance(shape, (tuple, list)) and len(shape) == 3, 'conv_output_shape must return three numbers: (out_channels, height, width).'
    wide = conv_output_shape((3, 32, 32), 7, 5)
    assert tuple(wide)[0] == 7, 'The number of output channels is the number of filters, here 7.'
    assert tuple(wide)[1:] == tuple(shape)[1:], 'The number of filters must not change height or width.'

@test_case(points=0.5, hidden=False)
def test_a_landscape_stays_a_landscape(conv_output_shape):
    import torch as reference
    shape = conv_output_shape((3, 40, 90), 8, 3)
    expected = reference.nn.Conv2d(3, 8, 3)(reference.zeros(1, 3, 40, 90)).shape[1:]
    assert isinstance(shape, (tuple, list)), 'conv_output_shape must return a tuple.'
    assert tuple(shape) == tuple(expected), f'An input 40 high and 90 wide, 8 filters of 3 × 3: the output is not {tuple(shape)}. Height comes before width.'
