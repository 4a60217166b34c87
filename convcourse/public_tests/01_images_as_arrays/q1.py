from convcourse.checks import test_case

OK_FORMAT = False

name = "q1"
points = 2

@test_case(points=0, hidden=False,
    failure_message="Give each of the four answers as one whole number.")
def test_whole_numbers(brightest_row, brightest_column, place_of_60, color_values):
    import numbers
    answers = {'brightest_row': brightest_row, 'brightest_column': brightest_column, 'place_of_60': place_of_60, 'color_values': color_values}
    for name, answer in answers.items():
        assert isinstance(answer, numbers.Integral) and (not isinstance(answer, bool)), f'{name} should be a whole number, such as 7. Is it still "..."?'
    assert 0 <= brightest_row < 3, 'The picture has 3 rows, so a row number lies between 0 and 2.'
    assert 0 <= brightest_column < 5, 'The picture has 5 columns, so a column number lies between 0 and 4.'
    assert 0 <= place_of_60 < 15, 'The picture has 15 pixels, so a place lies between 0 and 14.'
    assert color_values % (32 * 48) == 0, 'Every pixel of the color picture holds equally many numbers, so 32 x 48 must divide your answer.'
