from convcourse.checks import test_case

OK_FORMAT = False

name = "q7"
points = 5

@test_case(points=0, hidden=False)
def test_the_file_is_within_the_budget(parameters_in_file):
    assert type(parameters_in_file) is int, 'parameters_in_file must be a whole number. If there is no network.onnx yet, run the long cell above first.'
    assert parameters_in_file < 20000, f'The file holds {parameters_in_file:,} numbers, too many. Change build_network and train again.'
