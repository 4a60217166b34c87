from convcourse.checks import test_case

OK_FORMAT = False

name = "q5"
points = 3

@test_case(points=0.5, hidden=False,
    failure_message="Each of the three kernels should be an array of the right shape whose weights add up to 1, so that a flat picture stays as bright as it is.")
def test_kernels_keep_brightness(box_blur, gaussian_blur, sharpen):
    import numpy as np
    kernels = {'box_blur(3, 5)': (box_blur, (3, 5), (3, 5)), 'gaussian_blur(5, 1.0)': (gaussian_blur, (5, 1.0), (5, 5)), 'sharpen(0.5)': (sharpen, (0.5,), (3, 3))}
    for call, (function, arguments, shape) in kernels.items():
        name = call.split('(')[0]
        assert callable(function), f'There is no function called {name} yet. Run its cell first.'
        kernel = function(*arguments)
        assert isinstance(kernel, np.ndarray), f'{call} should return a NumPy array. Does it return anything yet?'
        assert kernel.shape == shape, f'{call} should return shape {shape}, but yours is {kernel.shape}.'
        assert abs(kernel.sum() - 1) < 1e-06, f'The weights of {call} should add up to 1, but yours add up to {kernel.sum():.3f}. A flat picture would change its brightness.'
