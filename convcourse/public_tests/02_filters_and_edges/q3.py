from convcourse.checks import test_case

OK_FORMAT = False

name = "q3"
points = 4

@test_case(points=1, hidden=False,
    failure_message="correlate should return float64 of shape [H - h + 1, W - w + 1], and a kernel that holds a single 1 should return the image.")
def test_shape_and_identity(correlate):
    import numpy as np
    assert callable(correlate), 'There is no function called correlate yet. Run its cell first.'
    image = np.arange(20.0).reshape(4, 5)
    out = correlate(image, np.ones((1, 1)))
    assert isinstance(out, np.ndarray), 'correlate should return a NumPy array. Does it return anything yet?'
    assert out.dtype == np.float64, f'The result should have type float64, but yours has {out.dtype}.'
    assert out.shape == (4, 5) and (out == image).all(), 'A kernel of one row and one column that holds a 1 should return the image as it is.'
    out = correlate(image, np.ones((3, 3)))
    assert out.shape != (2, 2), 'One row or column of places is missing. Count the places: the last one touches the far edge of the image.'
    assert out.shape == (2, 3), f'A 3 x 3 kernel has 2 x 3 places in a 4 x 5 image, but your result has shape {out.shape}.'
    assert (correlate(image, np.zeros((2, 3))) == 0).all(), 'A kernel of zeros should give zeros.'
