from convcourse.checks import test_case

OK_FORMAT = False

name = "q3"
points = 2

@test_case(points=0.5, hidden=False)
def test_a_bright_block(find):
    from numbers import Integral
    import numpy as np
    assert callable(find), 'find must be a function.'
    image = np.zeros((6, 9))
    image[2:4, 2:4] = 1
    place = find(image, np.ones((2, 2)))
    assert isinstance(place, (tuple, list)) and len(place) == 2, 'find must return a pair (row, column).'
    assert all((isinstance(number, Integral) for number in place)), 'Row and column must be whole numbers.'
    row, column = place
    assert 0 <= row <= 4 and 0 <= column <= 7, f'The window at {(row, column)} does not lie inside the image.'
    assert image[row:row + 2, column:column + 2].all(), f'The window at row {row}, column {column} does not cover the only bright block.'
