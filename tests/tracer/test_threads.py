"""Threads record independently, share leaves safely, and get clear errors where they may not meddle."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import AutogradError


def test_threads_recording_at_once_get_their_own_gradients():
    shared = tj.array(np.linspace(0.5, 1.5, 4))
    shared.attach_grad("null")

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(30):
            x = tj.array(rng.standard_normal(4))
            x.attach_grad()
            with tj.record():
                y = (np.sin(x * shared) * x).sum()
                if y > 0:
                    y = y * 2.0
            y.backward()
            data, s = x.numpy(), shared.numpy()
            factor = 2.0 if (np.sin(data * s) * data).sum() > 0 else 1.0
            expected = factor * (np.sin(data * s) + data * s * np.cos(data * s))
            np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-12)
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


def test_a_decorated_function_called_by_threads_at_once():
    f = tj.value_and_grad(lambda x: (x**3).sum() if x.sum() > 0 else (x * x).sum())

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(30):
            x = rng.standard_normal(5)
            _, gradient = f(x)
            np.testing.assert_allclose(gradient, 3 * x**2 if x.sum() > 0 else 2 * x, rtol=1e-12)
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


def test_flags_belong_to_the_thread():
    seen = []
    with tj.record():
        thread = threading.Thread(target=lambda: seen.append((tj.is_recording(), tj.is_training())))
        thread.start()
        thread.join()
    assert seen == [(False, False)]


def test_a_value_still_being_recorded_by_another_thread():
    x = tj.array([1.0, 2.0])
    x.attach_grad()
    errors = []

    def ask(y):
        try:
            y.numpy()
        except AutogradError as error:
            errors.append(str(error))

    with tj.record():
        y = x * 2
        thread = threading.Thread(target=ask, args=(y,))
        thread.start()
        thread.join()
        z = y * 3
    assert "another thread" in errors[0]
    z.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [6, 6])


def test_an_exception_inside_record_restores_everything():
    x = tj.array([1.0, 2.0])
    x.attach_grad()

    def fail():
        with tj.record():
            _ = x * 2
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fail()
    assert not tj.is_recording()
    assert not tj.is_training()
    with tj.record():
        y = x * x
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4])
