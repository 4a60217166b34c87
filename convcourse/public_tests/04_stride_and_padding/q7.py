from convcourse.checks import test_case

OK_FORMAT = False

name = "q7"
points = 2

@test_case(points=0.5, hidden=False)
def test_the_image_is_in_the_middle(pad):
    import numpy as np
    assert callable(pad), 'pad must be a function.'
    image = np.arange(12.0).reshape(3, 4) + 1
    for mode in ('zeros', 'replicate', 'reflect'):
        padded = pad(image, (2, 1), mode)
        assert isinstance(padded, np.ndarray), f"pad must return a NumPy array for mode '{mode}'."
        assert padded.ndim == 2, f"pad must return an image [height, width] for mode '{mode}'."
        assert padded.shape[0] > padded.shape[1], f"Mode '{mode}': an image of 3 × 4 with 2 rows and 1 column on each side becomes higher than wide; yours is {padded.shape[0]} × {padded.shape[1]}."
        assert np.array_equal(padded[2:5, 1:5], image), f"Mode '{mode}': the image itself must stay in the middle."
