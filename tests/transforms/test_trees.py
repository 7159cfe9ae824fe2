"""Arguments and results that are trees, auxiliary results, captured arrays, kinds of arguments."""

import numpy as np
import pytest

import tapejit as tj

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.array([1.0, 2.0])


def model(p):
    return {"a": p["w"] * p["b"], "c": p["w"].sum()}


@pytest.mark.parametrize("transform", [tj.jacfwd, tj.jacrev, tj.jacobian])
def test_jacobian_of_trees(transform):
    found = transform(model)({"w": X, "b": 3.0})
    np.testing.assert_array_equal(found["a"]["w"], 3 * np.eye(2))
    np.testing.assert_array_equal(found["a"]["b"], X)
    np.testing.assert_array_equal(found["c"]["w"], [1, 1])
    assert found["c"]["b"] == 0


def test_hessian_of_trees():
    found = tj.hessian(lambda p: np.sum(p["w"] ** 2) * p["b"])({"w": X, "b": 3.0})
    np.testing.assert_array_equal(found["w"]["w"], 6 * np.eye(2))
    np.testing.assert_array_equal(found["w"]["b"], 2 * X)
    np.testing.assert_array_equal(found["b"]["w"], 2 * X)
    assert found["b"]["b"] == 0


@pytest.mark.parametrize("transform", [tj.jacfwd, tj.jacrev, tj.jacobian])
def test_argnums(transform):
    first, second = transform(lambda x, y, n: x * y**n, argnums=(0, -2))(X, 2 * X, 2)
    np.testing.assert_array_equal(first, np.diag(4 * X**2))
    np.testing.assert_array_equal(second, np.diag(4 * X**2))
    np.testing.assert_array_equal(transform(lambda x, k=1.0: x * k)(X, k=3.0), 3 * np.eye(2))
    np.testing.assert_array_equal(transform(np.multiply, argnums=np.int64(1))(X, 2 * X), np.diag(X))


def test_aux():
    def f(x):
        return x * 2, {"sum": x.sum(), "name": "text", "none": None}

    jacobian, aux = tj.jacobian(f, has_aux=True)(X)
    np.testing.assert_array_equal(jacobian, 2 * np.eye(2))
    assert aux == {"sum": 3.0, "name": "text", "none": None}
    assert tj.jvp(f, (X,), (X,), has_aux=True)[2] == aux
    _, pullback, found = tj.vjp(f, X, has_aux=True)
    assert found == aux
    np.testing.assert_array_equal(pullback(X)[0], 2 * X)


def test_a_pullback_is_used_again_and_in_transforms():
    value, pullback = tj.vjp(lambda x, y: (x * y, y.sum()), X, 3 * X)
    for _ in range(2):
        by_x, by_y = pullback((np.ones(2), 1.0))
        np.testing.assert_array_equal(by_x, 3 * X)
        np.testing.assert_array_equal(by_y, X + 1)
    value[0][:] = 100.0
    np.testing.assert_array_equal(pullback((np.ones(2), 1.0))[0], 3 * X)
    rows = tj.vmap(lambda c: pullback((c, 0.0))[0])(np.eye(2))
    np.testing.assert_array_equal(rows, np.diag(3 * X))
    slope = tj.grad(lambda c: np.sum(pullback((c, 0.0))[0] ** 2))(X)
    np.testing.assert_array_equal(slope, 2 * X * (3 * X) ** 2)


def test_a_pullback_does_not_see_later_writes():
    for x in (X.copy(), tj.array(X)):
        value, pullback = tj.vjp(lambda z: z**2 * z.sum(), x)
        expected = np.asarray(pullback(np.ones(2))[0]).copy()
        x[:] = 0.0
        value[:] = 0.0
        np.testing.assert_array_equal(pullback(np.ones(2))[0], expected)


def test_arrays_of_ours_give_arrays_of_ours():
    x = tj.array(X)
    for found in (tj.jacobian(np.sin)(x), tj.jvp(np.sin, (x,), (x,))[1], tj.vmap(np.sin)(x)):
        assert type(found) is type(x)


def test_recorded_transforms_are_differentiated():
    x = tj.array(X)
    x.attach_grad()
    with tj.record():
        total = tj.jacobian(lambda z: z**3)(x).sum() + tj.vmap(np.square)(x).sum()
    total.backward()
    np.testing.assert_allclose(x.grad.asnumpy(), 6 * X + 2 * X)


def test_captured_arrays_are_not_confused_with_variables():
    def f(x):
        return tj.jvp(lambda y: x * y, (x,), (np.ones(2),))[1].sum()  # d/dy is x

    np.testing.assert_array_equal(tj.grad(f)(X), [1, 1])
    second = tj.jacfwd(lambda x: tj.jacfwd(lambda y: x + y)(x).sum(axis=0))(X)
    np.testing.assert_array_equal(second, np.zeros((2, 2)))


def test_in_axes_and_out_axes():
    matrix = np.arange(6.0).reshape(2, 3)
    stacked = tj.vmap(lambda x, y: x + y, in_axes=(0, None), out_axes=1)(matrix, np.ones(3))
    np.testing.assert_array_equal(stacked, (matrix + 1).T)
    np.testing.assert_array_equal(tj.vmap(np.sum, in_axes=1)(matrix), matrix.sum(axis=0))
    np.testing.assert_array_equal(tj.vmap(np.sum, in_axes=-1)(matrix), matrix.sum(axis=0))
    tree = {"a": matrix, "b": 10.0, "c": "text"}
    axes = ({"a": 1, "b": None, "c": None},)
    total, same = tj.vmap(lambda d: (d["a"].sum() + d["b"], d["b"]), in_axes=axes, out_axes=(0, None))(tree)
    np.testing.assert_array_equal(total, matrix.sum(axis=0) + 10)
    assert same == 10
    np.testing.assert_array_equal(tj.vmap(lambda x, k: x * k)(np.ones(2), k=np.ones(2)), [1, 1])
    cube = np.arange(24.0).reshape(2, 3, 4)
    for axis in range(3):
        for out in range(-3, 3):
            found = tj.vmap(lambda x: x * 2, in_axes=axis, out_axes=out)(cube)
            np.testing.assert_array_equal(found, np.moveaxis(cube, axis, out) * 2)


@pytest.mark.parametrize("parting", [False, True])
def test_none_among_the_results_of_vmap(parting):
    def twice(x):
        y = x * 2.0 if parting and x > 1.5 else x + x
        return {"y": y, "n": None, "pair": (None, x)}

    found = tj.vmap(twice, out_axes={"y": 0, "n": None, "pair": 0})(X)
    np.testing.assert_array_equal(found["y"], 2 * X)
    assert found["n"] is None
    assert found["pair"][0] is None
    np.testing.assert_array_equal(found["pair"][1], X)


def test_vmap_keeps_dtypes_and_constants():
    found = tj.vmap(lambda x: (np.argmax(x), x > 0, 7, np.ones(2)))(np.eye(3, dtype=np.float32))
    np.testing.assert_array_equal(found[0], [0, 1, 2])
    assert [x.shape for x in found] == [(3,), (3, 3), (3,), (3, 2)]
    assert found[1].dtype == bool


def test_gradient_of_a_vmap_whose_first_result_is_an_integer():
    def f(x):
        return tj.vmap(lambda row: (np.argmax(row), row.sum() ** 2))(x)[1].sum()

    np.testing.assert_array_equal(tj.grad(f)(np.eye(2)), 2 * np.ones((2, 2)))


def test_per_example_gradients():
    rng = np.random.default_rng(0)
    w, xs, ys = rng.normal(size=(4, 3)), rng.normal(size=(5, 4)), rng.normal(size=(5, 3))

    def loss(w, x, y):
        return np.sum((np.tanh(np.dot(x, w)) - y) ** 2)

    stacked = tj.vmap(tj.grad(loss), in_axes=(None, 0, 0))(w, xs, ys)
    single = tj.grad(loss)
    np.testing.assert_allclose(stacked, [single(w, x, y) for x, y in zip(xs, ys, strict=True)], rtol=1e-12)


def test_results_that_depend_on_nothing():
    value, tangent = tj.jvp(lambda x: 3.0, (X,), (X,))
    assert (value, tangent) == (3.0, 0.0)
    np.testing.assert_array_equal(tj.jacrev(lambda x: np.ones(3))(X), np.zeros((3, 2)))
    np.testing.assert_array_equal(tj.jacfwd(lambda x, y: x, argnums=1)(X, X), np.zeros((2, 2)))
    np.testing.assert_array_equal(tj.jacobian(lambda x: x)(X), np.eye(2))


def test_empty_arrays():
    empty = np.zeros(0)
    assert tj.jacfwd(np.sin)(empty).shape == (0, 0)
    assert tj.jacrev(np.sin)(empty).shape == (0, 0)
    assert tj.vmap(np.sin)(np.zeros((0, 2))).shape == (0, 2)


def test_methods_and_decorators():
    class Model:
        rate = 2.0

        @tj.jacobian
        def apply(self, x):
            return x * self.rate

    assert Model.apply.__name__ == "apply"

    @tj.vmap
    def double(x):
        """Doc."""
        return x * 2

    assert double.__doc__ == "Doc."
    np.testing.assert_array_equal(double(X), 2 * X)
    assert "mul" in double.ir(X)


def test_transforms_inside_a_compiled_function_replay():
    def cubes(x):
        return np.sum(x**3)

    for f in (
        lambda x: tj.vmap(np.sin)(x),
        lambda x: tj.grad(cubes)(x),
        lambda x: tj.hvp(cubes, x, x),
        lambda x: tj.vjp(cubes, x)[1](1.0)[0],
        lambda x: tj.jvp(cubes, (x,), (x,))[1],
        lambda x: tj.hessian(cubes)(x) @ x,
    ):
        compiled = tj.jit(f)
        for scale in (1.0, 2.0, 3.0):
            np.testing.assert_allclose(compiled(X * scale), f(X * scale))
        assert compiled.memory.traces == 1


def test_one_program_for_one_transformed_function():
    f = tj.vmap(tj.hessian(lambda x: np.sum(x**5) * x[0]))
    f(np.ones((4, 2)))
    before = tj.cache_info()
    for _ in range(3):
        f(np.ones((4, 2)))
    assert f.memory.traces == 1
    assert tj.cache_info().interpreted - before.interpreted <= 4, "its trace, and the path in each call"
