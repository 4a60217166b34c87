from convcourse.checks import test_case

OK_FORMAT = False

name = "q2"
points = 4

@test_case(points=0.5, hidden=False)
def test_a_row_of_seven(conv_output_size):
    from numbers import Integral
    import torch as reference
    assert callable(conv_output_size), 'conv_output_size must be a function.'
    for stride in (1, 2):
        size = conv_output_size(7, 3, stride=stride)
        assert isinstance(size, Integral), 'conv_output_size must return a whole number (int). Is there a return?'
        row, kernel = (reference.zeros(1, 1, 7), reference.zeros(1, 1, 3))
        expected = reference.nn.functional.conv1d(row, kernel, stride=stride).shape[-1]
        assert size == expected, f'A kernel of 3 moves with stride {stride} over 7 pixels: the number of positions is not {size}. Draw seven boxes and slide the window.'

@test_case(points=0.5, hidden=False)
def test_padding_grows_both_ends(conv_output_size):
    from numbers import Integral
    size = conv_output_size(32, 5, padding=2)
    assert isinstance(size, Integral), 'conv_output_size must return a whole number (int).'
    assert size == 32, f'With padding 2 at both ends a kernel of 5 keeps the size of a row (here 32 pixels); yours gives {size}.'
