from convcourse.checks import test_case

OK_FORMAT = False

name = "q2"
points = 3

@test_case(points=0.5, hidden=False,
    failure_message="channels_first should return an array of shape [3, H, W] that holds the same values.")
def test_channels_first_shape(channels_first):
    import numpy as np
    assert callable(channels_first), 'There is no function called channels_first yet. Run its cell first.'
    out = channels_first(np.zeros((4, 6, 3)))
    assert isinstance(out, np.ndarray), 'channels_first should return a NumPy array. Does it return anything yet?'
    assert out.ndim == 3, f'channels_first should return an array with 3 axes, but yours has {out.ndim}.'
    assert out.shape[0] == 3, f'The first axis should be the color, of length 3, but yours has length {out.shape[0]}.'
    assert out.shape[1:] != (6, 4), 'Height and width have changed places.'
    red = np.zeros((4, 6, 3))
    red[..., 0] = 1
    assert (channels_first(red)[0] == 1).all(), 'In a purely red picture the first channel of the result should be 1 everywhere. Yours mixes the colors: reshaping keeps the values in their old order, so it is not enough.'
