from convcourse.checks import test_case

OK_FORMAT = False

name = "q7"
points = 2

@test_case(points=0.5, hidden=False,
    failure_message="Both functions should keep the shape and return real numbers, and the two results should add up to the image.")
def test_two_parts_of_the_image(low_pass, high_pass):
    import numpy as np
    assert callable(low_pass), 'There is no function called low_pass yet. Run its cell first.'
    assert callable(high_pass), 'There is no function called high_pass yet. Run its cell first.'
    image = np.zeros((6, 10))
    image[2:4, 3:7] = 1
    low, high = (low_pass(image, 0.2), high_pass(image, 0.2))
    for name, result in {'low_pass': low, 'high_pass': high}.items():
        assert isinstance(result, np.ndarray), f'{name} should return a NumPy array. Does it return anything yet?'
        assert result.shape == image.shape, f'{name} should keep the shape {image.shape}, but returned {result.shape}.'
        assert not np.iscomplexobj(result), f'{name} should return real numbers. Take the real part at the end.'
    assert np.abs(low + high - image).max() < 1e-09, 'What low_pass keeps and what high_pass keeps should add up to the image.'
    assert np.abs(low_pass(image, 1.0) - image).max() < 1e-09, 'No frequency is above 1, so with a cutoff of 1 the image should stay as it is.'
