from convcourse.checks import test_case

OK_FORMAT = False

name = "q1"
points = 2

@test_case(points=0, hidden=False,
    failure_message="Give each of the five answers as one number.")
def test_numbers(response, flipped_response, flat_response, output_height, output_width):
    import numbers
    answers = {'response': response, 'flipped_response': flipped_response, 'flat_response': flat_response, 'output_height': output_height, 'output_width': output_width}
    for name, answer in answers.items():
        assert isinstance(answer, numbers.Real), f'{name} should be a number. Is it still "..."?'
    assert 1 <= output_height <= 20, 'The result cannot have more rows than the picture, which has 20.'
    assert 1 <= output_width <= 12, 'The result cannot have more columns than the picture, which has 12.'
