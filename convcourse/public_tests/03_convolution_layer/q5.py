from convcourse.checks import test_case

OK_FORMAT = False

name = "q5"
points = 3

@test_case(points=0.5, hidden=False)
def test_shape(conv_layer):
    import numpy as np
    import torch as reference
    assert callable(conv_layer), 'conv_layer must be a function.'
    images, weight = (np.ones((2, 3, 6, 6)), np.ones((5, 3, 3, 3)))
    found = conv_layer(images, weight, np.zeros(5))
    assert isinstance(found, np.ndarray), 'conv_layer must return a NumPy array. Is there a return?'
    assert found.ndim == 4, f'The result has four axes [N, K, height, width]; yours has the shape {found.shape}.'
    assert found.shape[0] == 2, f'2 images went in, {found.shape[0]} came out.'
    assert found.shape[1] == 5, f'5 filters give 5 maps for each image, in axis 1; yours has {found.shape[1]} there.'
    expected = reference.nn.functional.conv2d(reference.from_numpy(images), reference.from_numpy(weight))
    assert found.shape == tuple(expected.shape), f'The maps are not {found.shape[2]} × {found.shape[3]}.'
