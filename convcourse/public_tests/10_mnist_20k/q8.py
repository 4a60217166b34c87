from convcourse.checks import test_case

OK_FORMAT = False

name = "q8"
points = 2

@test_case(points=0, hidden=False)
def test_log_and_network_belong_together(log_file, fingerprint):
    assert isinstance(log_file, dict), 'There is no training_log.json yet: run the long cell above first.'
    assert isinstance(fingerprint, str) and len(fingerprint) == 64, 'fingerprint must be a text of 64 hexadecimal digits.'
    assert fingerprint == log_file.get('network_sha256'), 'The log names another file than this network.onnx: export both together, or compute the SHA-256 of the whole file.'
    rows = log_file.get('epochs')
    assert isinstance(rows, list) and len(rows) >= 3, 'The log must show at least three epochs.'
