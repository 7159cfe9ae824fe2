"""`numpy.fft` by traced functions: values, dtypes and errors are NumPy's, for every length, axis and norm."""

import threading
import warnings
from itertools import product

import numpy as np
import pytest
from parts import numbers, reals

import tapejit as tj
from tapejit import np as face
from tapejit.runtime import fourier, pocketfft

INPUTS = {
    "complex": numbers(5),
    "real": reals(6),
    "3-d": numbers(3, 4, 5),
    "real 3-d": reals(3, 4, 5),
    "c64": numbers(4).astype(np.complex64),
    "f32": reals(4).astype(np.float32),
    "integers": np.arange(6),
    "bools": np.arange(6) > 2,
    "one": numbers(1),
    "none": numbers(0),
    "no rows": numbers(0, 3),
    "0-d": np.array(1.5),
}
ONE_AXIS = (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft)
ONE_AXIS_OPTIONS = (
    {},
    *({"n": n} for n in (4, 7, 1, 0)),
    *({"axis": k} for k in (0, -2, 5)),
    *({"norm": norm} for norm in ("ortho", "forward", "backward", "other")),
    {"n": 3, "axis": 0, "norm": "ortho"},
)
SEVERAL_AXES = tuple(getattr(np.fft, p + name) for p in ("", "r") for name in ("fft2", "fftn")) + tuple(
    getattr(np.fft, p + name) for p in ("i", "ir") for name in ("fft2", "fftn")
)
SEVERAL_AXES_OPTIONS = (
    {},
    *({"axes": axes} for axes in ((0, 1), (1, 0), (0,), (), (0, 0))),
    *({"s": s, "axes": (0, 1)} for s in ((4, 3), (-1, 3), (2,))),
    *({"norm": norm} for norm in ("ortho", "forward")),
)


def outcome(run):
    """What a call returns, or the kind of its error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return run()
    except (ValueError, TypeError, IndexError) as error:
        return error


def recorded(function, x, options):
    with tj.record():
        found = function(tj.array(x), **options)
    return found.numpy()


def assert_like_numpy(function, x, options):
    expected = outcome(lambda: function(x, **options))
    found = outcome(lambda: recorded(function, x, options))
    if isinstance(expected, Exception):
        assert isinstance(found, Exception), (options, found)
        return
    assert found.dtype == expected.dtype, options
    tolerance = 1e-5 if expected.dtype in (np.float32, np.complex64) else 1e-13
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=10 * tolerance, err_msg=str(options))


@pytest.mark.parametrize("function", ONE_AXIS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", INPUTS)
def test_along_one_axis(function, name):
    for options in ONE_AXIS_OPTIONS:
        assert_like_numpy(function, INPUTS[name], options)


@pytest.mark.parametrize("function", SEVERAL_AXES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [numbers(3, 4, 5), reals(3, 4), reals(4, 6).astype(np.float32), numbers(5)])
def test_along_several_axes(function, x):
    for options in SEVERAL_AXES_OPTIONS:
        assert_like_numpy(function, x, options)


@pytest.mark.parametrize("function", [np.fft.fftshift, np.fft.ifftshift])
def test_shifts(function):
    for x, axes in product((numbers(5), reals(4, 3), numbers(3, 4, 5)), (None, 0, -1, (0, -1))):
        assert_like_numpy(function, x, {"axes": axes})


def spectra(x, y):
    """All kinds of transforms, of even, odd, prime and long lengths, along several axes."""
    return (
        np.fft.fft(x, axis=0),
        np.fft.ifft(x),
        np.fft.fft(np.fft.ifft(x, 509)),
        np.fft.rfft(y),
        np.fft.rfft(y, 7, axis=0),
        np.fft.irfft(x, 11),
        np.fft.irfft(x, axis=1, n=6),
        np.fft.fft(x.astype(np.complex64)),
        np.fft.rfft(y.astype(np.float32)),
        np.fft.irfft(x.astype(np.complex64)),
        np.fft.fft(x[:, 0]),
        np.fft.fft(x[0, :1] * 2.0),
        np.fft.rfft(y[0, :1] * 2.0),
        np.fft.fft(x[:0]),
    )


@pytest.fixture(params=["loops", "python"])
def way(request, monkeypatch):
    """How native programs reach NumPy: its C loops, or Python if there are no such loops."""
    if request.param == "python":
        monkeypatch.setattr(fourier, "loops", lambda dtype: None)
        fourier._routine.cache_clear()
        yield 5  # rows of another length: another program
        fourier._routine.cache_clear()
    else:
        assert pocketfft.loops("c128")
        assert pocketfft.loops("f64")
        yield 6


@pytest.mark.parametrize("tier", ["compile"], indirect=True)
def test_compiled_transforms_are_numpys_to_the_last_bit(tier, way):
    x, y = numbers(way, 5, 3), reals(way, 8, 2)
    compiled = tj.jit(spectra)
    for _ in range(2):
        for found, expected in zip(compiled(x, y), spectra(x, y), strict=True):
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("tier", ["compile"], indirect=True)
def test_threads_transform_at_once(tier):
    compiled = tj.jit(lambda x: np.fft.ifft(np.fft.fft(x) * 2.0))
    rows = [numbers(4096, seed=k) for k in range(4)]
    compiled(rows[0])
    found = [None] * len(rows)

    def work(k):
        for _ in range(20):
            found[k] = compiled(rows[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(rows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
    for k, row in enumerate(rows):
        np.testing.assert_allclose(found[k], 2.0 * row, rtol=1e-12)


def test_the_numpy_face_has_transforms():
    x = face.array([1.0, 0.0, 0.0, 2.0])
    np.testing.assert_allclose(face.fft.rfft(x).asnumpy(), np.fft.rfft([1.0, 0.0, 0.0, 2.0]))
    np.testing.assert_array_equal(face.fft.fftfreq(4).asnumpy(), np.fft.fftfreq(4))
    assert face.array([1j]).dtype == np.complex64


# -- A differential equation ---------------------------------------------------------------------------------


def burgers(u, viscosity, wave_numbers, steps, dt=1e-3):
    """u_t = viscosity u_xx - u u_x on a circle: pseudo-spectral, midpoint rule, integrating factor."""
    decay = np.exp(-viscosity * wave_numbers**2 * dt)
    spectrum = np.fft.fft(u)
    for _ in range(steps):
        middle = spectrum + 0.5 * dt * advection(spectrum, wave_numbers)
        spectrum = decay * (spectrum + dt * advection(middle, wave_numbers))
    return np.fft.ifft(spectrum).real


def advection(spectrum, wave_numbers):
    u = np.fft.ifft(spectrum).real
    return -0.5j * wave_numbers * np.fft.fft(u * u)


@pytest.mark.parametrize(("tier", "steps"), [("interpret", 20), ("compile", 2)], indirect=["tier"])
def test_gradients_through_a_spectral_solver(tier, steps):
    points = np.linspace(0.0, 2.0 * np.pi, 32, endpoint=False)
    start, wave_numbers = np.sin(points) + 0.3 * np.cos(2.0 * points), np.fft.fftfreq(32, 1.0 / 32.0)

    def energy(u, viscosity):
        return np.sum(burgers(u, viscosity, wave_numbers, steps)[:16] ** 2)

    value, (by_start, by_viscosity) = tj.value_and_grad(energy, argnums=(0, 1))(start, 0.05)
    np.testing.assert_allclose(value, energy(start, 0.05), rtol=1e-12)
    step = 1e-6
    direction = reals(32)
    along = (energy(start + step * direction, 0.05) - energy(start - step * direction, 0.05)) / (2.0 * step)
    np.testing.assert_allclose(by_start @ direction, along, rtol=1e-7)
    slope = (energy(start, 0.05 + step) - energy(start, 0.05 - step)) / (2.0 * step)
    np.testing.assert_allclose(by_viscosity, slope, rtol=1e-6)
