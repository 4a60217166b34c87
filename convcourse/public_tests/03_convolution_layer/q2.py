from convcourse.checks import test_case

OK_FORMAT = False

name = "q2"
points = 3

@test_case(points=0.5, hidden=False)
def test_shape(correlate):
    import numpy as np
    import torch as reference
    assert callable(correlate), 'correlate must be a function.'
    found = correlate(np.ones((5, 9)), np.ones((3, 3)))
    assert isinstance(found, np.ndarray), 'correlate must return a NumPy array. Is there a return?'
    expected = reference.nn.functional.conv2d(reference.zeros(1, 1, 5, 9), reference.zeros(1, 1, 3, 3)).shape[2:]
    assert found.shape == tuple(expected), f'An image 5 high and 9 wide and a kernel of 3 × 3: your map has the shape {found.shape}. Count the positions along each axis.'

@test_case(points=0.5, hidden=False)
def test_a_kernel_of_ones_adds_up(correlate):
    import numpy as np
    image = np.arange(35.0).reshape(5, 7)
    found = correlate(image, np.ones((3, 3)))
    assert isinstance(found, np.ndarray) and found.ndim == 2, 'correlate must return an array [height, width].'
    assert np.isclose(found[0, 0], image[:3, :3].sum()), f'A kernel of nine ones adds up the nine pixels under it; your first value is {found[0, 0]:g}.'
    assert np.isclose(found[-1, -1], image[-3:, -3:].sum()), f'The last window ends in the lower right corner of the image; your last value is {found[-1, -1]:g}.'
