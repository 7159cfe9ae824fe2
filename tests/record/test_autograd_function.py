"""`autograd.Function`: derivatives in Python, in records and in decorated functions, to any order."""

import gc
import weakref

import numpy as onp
import pytest

import tapejit as tj
from tapejit import autograd, nd


class Cube(autograd.Function):
    """x ** 3 in arrays alone."""

    def forward(self, x):
        self.save_for_backward(x)
        return x * x * x

    def backward(self, dy):
        (x,) = self.saved_tensors
        return 3 * dy * x * x


class Sigmoid(autograd.Function):
    """Its backward takes the output."""

    def forward(self, x):
        y = 1 / (1 + tj.np.exp(-x))
        self.save_for_backward(y)
        return y

    def backward(self, dy):
        (y,) = self.saved_tensors
        return dy * y * (1 - y)


class Polar(autograd.Function):
    """Two inputs, three outputs, one of them of integers."""

    def forward(self, x, y):
        self.save_for_backward(x, y)
        return x * y, x + y, x.astype("int64")

    def backward(self, dp, ds, di):
        x, y = self.saved_tensors
        assert di.dtype == onp.int64
        return dp * y + ds, dp * x + ds


class Foreign(autograd.Function):
    """NumPy in both directions."""

    def forward(self, x):
        self.data = x.asnumpy()
        return tj.array(onp.sin(self.data))

    def backward(self, dy):
        return tj.array(dy.asnumpy() * onp.cos(self.data))


def variable(*values):
    x = tj.array(onp.array(values))
    x.attach_grad()
    return x


def test_a_call_is_differentiated_by_its_backward():
    x = variable(1.0, 2.0)
    with autograd.record():
        z = Cube()(x * 2) + x
    z.backward(tj.array([1.0, 10.0]))
    assert x.grad.tolist() == [25.0, 970.0]


def test_any_python_may_compute_the_derivative():
    x = variable(0.5, 1.5)
    with autograd.record():
        z = (Foreign()(x * x) * x).sum()
    z.backward()
    v = x.numpy()
    onp.testing.assert_allclose(x.grad.numpy(), onp.sin(v * v) + 2 * v * v * onp.cos(v * v), rtol=1e-12)


def test_several_inputs_and_outputs():
    x, y = variable(2.0), variable(5.0)
    with autograd.record():
        product, total, whole = Polar()(x, y)
        z = product * 10 + total
    assert whole.tolist() == [2]
    z.backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([51.0], [21.0])


def test_an_unmarked_input_takes_nothing_from_the_others():
    x, y = tj.array([2.0]), variable(5.0)
    with autograd.record():
        z = Polar()(x, y)[0]
    z.backward()
    assert y.grad.tolist() == [2.0]


def test_grad_req_add_and_two_calls_of_one_instance():
    x = tj.array([1.0, 2.0])
    x.attach_grad("add")
    square = Foreign()
    for _ in range(2):
        with autograd.record():
            z = square(x) + square(x * 2)
        z.backward()
    v = x.numpy()
    onp.testing.assert_allclose(x.grad.numpy(), 2 * (onp.cos(v) + 2 * onp.cos(2 * v)), rtol=1e-12)


def test_saved_inputs_are_those_of_the_call():
    x = variable(2.0)
    with autograd.record():
        y = Cube()(x)
    x[:] = 10.0
    y.backward()
    assert x.grad.tolist() == [12.0]


def test_outside_a_record_only_forward_runs():
    assert Foreign()(tj.array([0.0])).tolist() == [0.0]
    assert Cube()(tj.array([2.0])).tolist() == [8.0]


def test_forward_and_backward_are_not_recorded():
    seen = []

    class Spy(Cube):
        def forward(self, x):
            seen.append((autograd.is_recording(), autograd.is_training()))
            return super().forward(x)

        def backward(self, dy):
            seen.append(autograd.is_recording())
            return super().backward(dy)

    x = variable(1.0)
    with autograd.record():
        y = Spy()(x)
        y.backward()
        assert autograd.is_recording()
    assert seen == [(False, True), False]


@pytest.mark.parametrize(
    ("gradients", "error", "text"),
    [
        (lambda dy: (dy, dy), TypeError, "returned 2 gradients for 1 inputs"),
        (
            lambda dy: dy.sum(),
            ValueError,
            r"Wrong.backward \(test_autograd_f.*f64\[\].*input 0",
        ),
        (lambda dy: dy.astype("float32"), TypeError, r"astype\('float64'\)"),
        (lambda dy: dy.astype("int64"), TypeError, r"i64\[2\]"),
    ],
)
def test_gradients_that_do_not_fit(gradients, error, text):
    class Wrong(autograd.Function):
        def forward(self, x):
            return x * 1.0

        def backward(self, dy):
            return gradients(dy)

    x = variable(1.0, 2.0)
    with autograd.record():
        y = Wrong()(x)
    with pytest.raises(error, match=text):
        y.backward()


def test_what_is_missing_or_no_array_is_named():
    class Empty(autograd.Function):
        pass

    class Text(Cube):
        def forward(self, x):
            return "no array"

    x = variable(1.0)
    with autograd.record():
        with pytest.raises(AttributeError, match="Empty has to define forward"):
            Empty()(x)
        with pytest.raises(TypeError, match=r"Text.forward .* returned str"):
            Text()(x)


def test_none_is_zero():
    class Cut(Cube):
        def backward(self, dy):
            return None

    x = variable(3.0)
    with autograd.record():
        y = Cut()(x) + x
    y.backward()
    assert x.grad.tolist() == [1.0]


@pytest.mark.parametrize("function", [Cube, Sigmoid])
def test_second_and_third_derivatives(function):
    x = variable(0.3, -1.2)
    with autograd.record():
        y = function()(x * x)
        (first,) = autograd.grad(y, x, create_graph=True)
        (second,) = autograd.grad(first, x, create_graph=True)
        (third,) = autograd.grad(second, x, create_graph=True)
    plain = (lambda v: v**6) if function is Cube else (lambda v: 1 / (1 + onp.exp(-v * v)))
    g1 = tj.elementwise_grad(plain)
    g2 = tj.elementwise_grad(g1)
    for found, f in ((first, g1), (second, g2), (third, tj.elementwise_grad(g2))):
        onp.testing.assert_allclose(found.numpy(), f(x.numpy()), rtol=1e-9)


def test_second_order_through_inputs_of_both_kinds():
    x, y = variable(2.0), variable(5.0)
    with autograd.record():
        z = Polar()(x * x, y)[0]
        (dx,) = autograd.grad(z, x, create_graph=True)  # 2 x y
        loss = dx * dx
    loss.backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([8 * 2.0 * 25], [8 * 4.0 * 5])


def test_a_number_among_the_inputs_is_known():
    class Scaled(autograd.Function):
        def forward(self, x, factor):
            self.factor = factor
            return x * factor

        def backward(self, dy):
            return dy * self.factor, None

    x = variable(1.0)
    with autograd.record():
        (slope,) = autograd.grad(Scaled()(x, 2.5) ** 2, x, create_graph=True)
    slope.backward()
    assert (slope.tolist(), x.grad.tolist()) == ([12.5], [12.5])


def test_a_backward_that_leaves_the_arrays_has_no_second_order():
    class Leaving(Cube):
        def backward(self, dy):
            return dy * tj.array(self.saved_tensors[0].asnumpy())

    class Keeping(Cube):
        def forward(self, x):
            self.slope = 3 * x * x
            return x * x * x

        def backward(self, dy):
            return dy * self.slope

    x = variable(1.0)
    for function, text in ((Leaving, r"Leaving.backward .* no derivative.*asnumpy"), (Keeping, "'slope'")):
        with autograd.record():
            y = function()(x)
            with pytest.raises(tj.MXNetError, match=text):
                autograd.grad(y, x, create_graph=True)
            autograd.grad(y, x)


@pytest.mark.parametrize("function", [Cube, Sigmoid])
def test_in_decorated_functions_it_is_traced(function):
    def f(x):
        return (function()(x * 1.5) * x).sum()

    def plain(x):
        y = x * 1.5
        return ((y**3 if function is Cube else 1 / (1 + onp.exp(-y))) * x).sum()

    v = onp.array([0.3, -0.8])
    tangent = onp.array([1.0, 2.0])
    pairs = [
        (tj.jit(f)(v), plain(v)),
        (tj.grad(f)(v), tj.grad(plain)(v)),
        (tj.jit(tj.grad(f))(v), tj.grad(plain)(v)),
        (tj.hessian(f)(v), tj.hessian(plain)(v)),
        (tj.vmap(tj.grad(f))(onp.stack([v, 2 * v])), tj.vmap(tj.grad(plain))(onp.stack([v, 2 * v]))),
        (tj.jvp(f, (v,), (tangent,))[1], tj.jvp(plain, (v,), (tangent,))[1]),
    ]
    for mine, expected in pairs:
        onp.testing.assert_allclose(mine, expected, rtol=1e-9)


def test_the_nd_face():
    x = nd.array([1, 2])
    x.attach_grad()
    with autograd.record():
        y = Sigmoid()(x.as_np_ndarray()).as_nd_ndarray() + Cube()(x)
    assert type(y) is nd.NDArray
    y.backward()
    s = 1 / (1 + onp.exp(-onp.array([1.0, 2.0])))
    onp.testing.assert_allclose(x.grad.asnumpy(), s * (1 - s) + [3, 12], rtol=1e-6)


def test_backward_twice_needs_retain_graph_and_frees():
    x = variable(1.0)
    kept = []

    class Watched(Cube):
        def forward(self, x):
            kept.append(weakref.ref(self))
            return super().forward(x)

    with autograd.record():
        y = Watched()(x)
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(tj.MXNetError, match="retain_graph"):
        y.backward()
    gc.collect()
    assert kept[0]() is None


def test_backward_sets_the_training_flag_for_the_derivative():
    seen = []

    class Identity(autograd.Function):
        def forward(self, x):
            return x * 1.0

        def backward(self, dy):
            seen.append(autograd.is_training())
            return dy

    x = nd.array([1.0])
    x.attach_grad()
    with autograd.record(train_mode=False):
        y = Identity()(x)
    y.backward(retain_graph=True)
    y.backward(retain_graph=True, train_mode=False)
    autograd.backward([y])
    assert seen == [True, False, True]
    assert not autograd.is_training()
