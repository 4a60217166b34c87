from convcourse.checks import test_case

OK_FORMAT = False

name = "q4"
points = 3

@test_case(points=0.5, hidden=False,
    failure_message="pad should add as many rows and columns on each side as it is asked for and leave the image in the middle.")
def test_pad_shape(pad):
    import numpy as np
    assert callable(pad), 'There is no function called pad yet. Run its cell first.'
    image = np.arange(1.0, 7.0).reshape(2, 3)
    for border in ('zeros', 'replicate'):
        out = pad(image, 1, 2, border)
        assert isinstance(out, np.ndarray), 'pad should return a NumPy array. Does it return anything yet?'
        assert out.shape != (6, 5), 'Rows and columns have changed places: rows are added above and below.'
        assert out.shape == (4, 7), f'One row above and below and two columns left and right make a 2 x 3 image 4 x 7, but yours has shape {out.shape}.'
        assert (out[1:-1, 2:-2] == image).all(), 'The image itself should stand unchanged in the middle.'
    assert pad(image, 1, 2, 'zeros').sum() == image.sum(), 'With "zeros" all new pixels should be 0.'

@test_case(points=0.5, hidden=False,
    failure_message="filter_image with zeros or replicate should return the shape of the image, with valid a smaller one.")
def test_filter_image_shape(filter_image):
    import numpy as np
    assert callable(filter_image), 'There is no function called filter_image yet. Run its cell first.'
    image, kernel = (np.ones((5, 8)), np.ones((3, 3)) / 9)
    for border in ('valid', 'zeros', 'replicate'):
        out = filter_image(image, kernel, border)
        assert isinstance(out, np.ndarray), 'filter_image should return a NumPy array. Does it return anything yet?'
        if border == 'valid':
            assert out.shape[0] < 5 and out.shape[1] < 8, 'With "valid" the kernel stays inside, so the result should be smaller than the image.'
        else:
            assert out.shape == (5, 8), f'With "{border}" the result should have the shape of the image, but yours is {out.shape}.'
