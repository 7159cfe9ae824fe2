"""Real functions of complex and real arrays that between them use whatever complex numbers can do."""

import numpy as np
from parts import numbers, reals

C, R = numbers, reals


def powers(a):
    return np.sum((a**3 + a**-2 + a**2 + a**0.5 + a**1).real)


def trigonometric(a):
    return np.sum((np.sin(a) * np.cos(a) / np.tan(a) + np.sinh(a) * np.cosh(a) + np.tanh(a)).real)


def in_place(a):
    b = a * 1
    b[1:] = b[:-1] * 1j
    b[0] = 3.0
    b += a
    b.imag = b.real * 2.0
    return np.sum(np.abs(b) ** 2)


def newton(a):
    z = a
    for _ in range(4):
        z = z - (z**3 - 1.0) / (3.0 * z**2)
    return np.sum(np.abs(z - 1.0) ** 2)


def until_large(a):
    count = 0
    while np.abs(a[0]) < 100.0:
        a = a * (1.0 + 0.5j) + 0.1j
        count += 1
    return np.sum(a.real) + count


def filtered(a):
    spectrum = np.fft.fftshift(np.fft.fftn(a)) * np.arange(12.0).reshape(3, 4)
    return np.sum(np.abs(np.fft.ifftn(np.fft.ifftshift(spectrum))) ** 2)


BANK = {
    "product": (lambda a, b: np.sum(np.abs(a @ b) ** 2), C(3, 4), C(4, 2)),
    "product by BLAS": (lambda a, b: np.sum(np.abs(a @ b)), C(12, 9), C(9, 7)),
    "product with a real matrix": (lambda a, b: np.sum(np.abs(a @ b)), R(3, 4), C(4, 5)),
    "vdot": (lambda a, b: np.vdot(a, b).imag, C(5), C(5, seed=2)),
    "vecdot": (lambda a, b: np.sum(np.vecdot(a, b).real ** 2), C(3, 5), C(5, seed=2)),
    "outer": (lambda a, b: np.sum(np.outer(a, b).real ** 2), C(3), C(4)),
    "einsum": (lambda a, b: np.sum(np.einsum("ij,kj->ik", a, b.conj()).real), C(3, 4), C(2, 4)),
    "cumsum": (lambda a: np.sum(np.abs(np.cumsum(a)) ** 2), C(5)),
    "cumprod": (lambda a: np.sum(np.abs(np.cumprod(a))), C(5)),
    "prod": (lambda a: np.abs(np.prod(a)), C(5)),
    "prod with a zero": (lambda a: np.abs(np.prod(a) + 1.0), np.array([1j, 0.0, 2.0 - 1j])),
    "statistics": (lambda a: np.mean(a).real + np.var(a) + np.std(a, axis=0).sum(), C(4, 3)),
    "norms": (lambda a: np.linalg.norm(a) + np.linalg.norm(a, 1), C(4, 3)),
    "where": (lambda a: np.sum(np.abs(np.where(a.real > 0, a * a, np.sqrt(a)))), C(6)),
    "indices": (lambda a: np.sum(np.abs(a[[0, 2, 2]]) ** 2) + a[1:3].imag.sum() + a[::-2].real.sum(), C(6)),
    "power": (lambda a, b: np.sum(np.abs(a**b)), C(4), C(4, seed=2)),
    "real power": (lambda a, b: np.sum((a**b).imag), C(4), R(4)),
    "power of a real": (lambda a, b: np.sum(((a * a + 1.0) ** b).imag), R(4), C(4)),
    "static powers": (powers, C(4)),
    "angle": (lambda a: np.sum(np.angle(a) ** 2), C(5)),
    "from parts": (lambda x, y: np.sum(np.exp(x + 1j * y).real), R(4), R(4, seed=2)),
    "trigonometric": (trigonometric, C(4)),
    "logarithms": (lambda a: np.sum((np.exp(a) * np.log(a) + np.log10(a) + np.log2(a)).imag), C(4)),
    "inverse trigonometric": (lambda a: np.sum((np.arcsin(a) * np.arccos(a) + np.arctan(a)).imag), C(6)),
    "inverse hyperbolic": (lambda a: np.sum((np.arcsinh(a) * np.arccosh(a) + np.arctanh(a)).real), C(6)),
    "expm1 and log1p": (lambda a: np.sum((np.expm1(a) * np.log1p(a) + np.log1p(1e-3 * a)).imag), C(6)),
    "sign": (lambda a: np.sum(np.sign(a).real), C(4)),
    "concatenate": (lambda a, x: np.sum(np.abs(np.concatenate([a, x, a * 2])) ** 2), C(3), R(3)),
    "pad": (lambda a: np.sum(np.abs(np.pad(np.stack([a, a.conj() * 1j]), 1)) ** 3), C(3)),
    "0-d": (lambda a: np.abs(a * a + 1j), np.array(1.0 + 2.0j)),
    "empty": (lambda a: np.sum(np.abs(a)) + 1.0, C(0)),
    "not contiguous": (lambda a: np.sum(np.abs(np.exp(a))), C(4, 6)[::2, ::-1]),
    "transposed": (lambda a: np.sum(np.abs(a.T @ a) ** 2), np.asfortranarray(C(3, 2))),
    "correlate": (lambda a, b: np.sum(np.abs(np.correlate(a, b, "full")) ** 2), C(5), C(3)),
    "convolve": (lambda a, b: np.sum(np.abs(np.convolve(a, b)) ** 2), C(5), C(3)),
    "in place": (in_place, C(4)),
    "Newton's method": (newton, C(3)),
    "while": (until_large, C(3)),
    "fft": (lambda a: np.sum(np.abs(np.fft.fft(a)) ** 3), C(5)),
    "fft of reals": (lambda a: np.sum(np.abs(np.fft.fft(a, 8)) ** 3), R(6)),
    "rfft": (lambda a: np.sum(np.abs(np.fft.rfft(a)) ** 3) + np.fft.rfft(a).imag.sum(), R(6)),
    "rfft of odd length": (lambda a: np.sum(np.abs(np.fft.rfft(a, axis=0, n=5)) ** 3), R(6, 2)),
    "irfft": (lambda a: np.sum(np.fft.irfft(a) ** 3), C(4)),
    "irfft of odd length": (lambda a: np.sum(np.fft.irfft(a, n=7, norm="ortho") ** 3), C(4)),
    "hfft": (lambda a: np.sum(np.fft.hfft(a, norm="forward") ** 3), C(4)),
    "ihfft": (lambda a: np.sum(np.abs(np.fft.ihfft(a))) ** 3, R(6)),
    "fftn": (filtered, C(3, 4)),
    "rfft2": (lambda a: np.sum(np.fft.irfft2(np.fft.rfft2(a) * np.arange(9.0).reshape(3, 3)) ** 3), R(3, 4)),
}
COMPILED = (
    "product",
    "product by BLAS",
    "statistics",
    "indices",
    "static powers",
    "trigonometric",
    "inverse hyperbolic",
    "in place",
    "while",
    "rfft",
    "fftn",
)
