from convcourse.checks import test_case

OK_FORMAT = False

name = "q6"
points = 3

@test_case(points=0.5, hidden=False)
def test_shape(conv_fast):
    import numpy as np
    import torch as reference
    assert callable(conv_fast), 'conv_fast must be a function.'
    images, weight = (np.ones((2, 3, 6, 6)), np.ones((5, 3, 3, 3)))
    found = conv_fast(images, weight, np.zeros(5))
    assert isinstance(found, np.ndarray), 'conv_fast must return a NumPy array. Is there a return?'
    expected = reference.nn.functional.conv2d(reference.from_numpy(images), reference.from_numpy(weight))
    assert found.shape == tuple(expected.shape), f'2 images of 3 × 6 × 6 and 5 filters of 3 × 3: the result has not the shape {found.shape}. Its axes are [N, K, height, width].'
