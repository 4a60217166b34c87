from convcourse.checks import test_case

OK_FORMAT = False

name = "q1"
points = 2

@test_case(points=0, hidden=False)
def test_form(correlation, convolution):
    from numbers import Real
    for name, rows in {'correlation': correlation, 'convolution': convolution}.items():
        assert isinstance(rows, list), f'{name} must be a list of rows, each a list of numbers.'
        assert len(rows) == 2, f'{name}: a 3 × 3 kernel has not {len(rows)} positions on top of each other in 4 rows.'
        for row in rows:
            assert isinstance(row, list) and len(row) == 2, f'{name}: each row must be a list with one number for every position of the kernel along 4 columns.'
            assert all((isinstance(value, Real) for value in row)), f'{name} must hold numbers.'
