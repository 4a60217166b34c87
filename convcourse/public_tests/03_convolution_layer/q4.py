from convcourse.checks import test_case

OK_FORMAT = False

name = "q4"
points = 3

@test_case(points=0.5, hidden=False)
def test_one_map(apply_filter):
    import numpy as np
    assert callable(apply_filter), 'apply_filter must be a function.'
    found = apply_filter(np.ones((3, 5, 5)), np.ones((3, 3, 3)), 0.0)
    assert isinstance(found, np.ndarray), 'apply_filter must return a NumPy array. Is there a return?'
    assert found.ndim == 2, f'One filter gives one map [height, width]; your result has the shape {found.shape}. Do the channels end up in the sum?'
    assert found.shape[0] == found.shape[1], 'A square image and a square filter give a square map.'
