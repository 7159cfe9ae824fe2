"""A bank of branchy functions of three numbers: each kind of control flow that people write, in plain Python.

`BANK` holds them all. None knows of tapejit, so that the same function runs in NumPy.
"""

import contextlib

import numpy as np


def nested_ifs_in_a_loop(x):
    total = x.sum() * 0.0
    for v in x:
        if v > 0:
            total = total + v
            if v > 1:
                total = total * v
        elif v < -1:
            total = total - v**3
    return total


def early_return_of_a_helper(x):
    def huber(v):
        if np.abs(v) <= 1.0:
            return 0.5 * v * v
        return np.abs(v) - 0.5

    return huber(x[0]) + 2.0 * huber(x[1]) + huber(x[0] * x[2])


def continue_and_break(x):
    total = x.prod()
    for k, v in enumerate(x):
        if v < -0.5:
            continue
        if total > 3.0:
            break
        total = total + v * (k + 1)
    return total


def for_else_nested(x):
    y = x * 1.0
    for i in range(2):
        for j in range(3):
            if y[j] > 1 + i:
                y = y * 0.5
                break
        else:
            y = y + 0.25
    return (y * y).sum()


def while_else(x):
    y, rounds = x * x, 0
    while y.sum() < 6.0:
        y = y * 1.7 + 0.1
        rounds += 1
        if rounds == 3:
            break
    else:
        return (y * x).sum()
    return np.sin(y).sum()


def branch_in_try(x):
    try:
        if x[0] > 0.5:
            raise KeyError("too large")
        scale = 1.0 / (1.0 + x[1] ** 2)
    except KeyError:
        scale = x[2] * 0.5
    else:
        scale = scale + 1.0
    finally:
        offset = x[1] * 3.0
    return scale * x.sum() + offset


def error_of_a_lookup(x):
    table = {0: 1.5, 1: -0.5}
    try:
        weight = table[int(np.argmax(x))]
    except KeyError:
        weight = 4.0
    return weight * (x**2).sum()


def suppressed(x):
    y = x.sum()
    with contextlib.suppress(ValueError):
        if y < 0:
            raise ValueError
        y = y * y
    return y * x[0]


def continued_fraction(x):
    def tail(depth):
        if depth == 0:
            return x[0] * x[0] + 1.0
        if x[depth % 3] > 0:
            return 1.0 + x[depth % 3] / tail(depth - 1)
        return 2.0 + 0.5 / tail(depth - 1)

    return tail(4)


def mutual_recursion(x):
    def even(v, n):
        return v.sum() if n == 0 or v.max() > 4 else odd(v * 1.5, n - 1)

    def odd(v, n):
        return v.prod() if n == 0 or v.min() < -4 else even(v + 0.5, n - 1)

    return even(x, 3)


def filtered_comprehension(x):
    kept = [v * v for v in x if -1 < v < 1]
    return sum(kept, start=x[0] * 0.0) + len(kept) * x[1]


def dictionary_of_signs(x):
    groups = {"up": x.sum() * 0.0, "down": x.sum() * 0.0}
    for v in x:
        groups["up" if v > 0 else "down"] += v * v
    return groups["up"] - 2.0 * groups["down"]


def chosen_closure(x):
    def steep(slope):
        return lambda v: v * slope if v > 0 else 0.1 * v

    activation = steep(x[2]) if x[2] > 0 else steep(2.0)
    return activation(x[0]) + activation(x[1])


def generator(x):
    def partial_sums():
        total = x[0] * 0.0
        for v in x:
            total = total + v
            if total > 0:
                yield total

    result = x[2] * 1.0
    for s in partial_sums():
        result = result + s * s
    return result


def first_match(x):
    found = next((v for v in x if v > 0.5), None)
    return x.prod() if found is None else found * found + x.sum()


def any_and_all(x):
    if any(v > 1.5 for v in x):
        return x.sum()
    if all(v < 0.5 for v in x):
        return (x * x).sum()
    return np.cos(x).sum()


def bisection(x):
    low, high = np.full(1, -4.0), np.full(1, 4.0)
    target = x[0]
    for _ in range(6):
        middle = (low + high) / 2
        if middle[0] ** 3 + middle[0] > target:
            high = middle
        else:
            low = middle
    return (low * x[1] + x[2] * x[2]).sum()


def newton_until_converged(x):
    goal, y = np.abs(x[0]) + 1.0, np.abs(x[0]) + 2.0
    for _ in range(20):
        step = (y**3 - goal) / (3 * y * y)
        y = y - step
        if np.abs(step) < 1e-12:
            break
    return y * x[1] + x[2]


def line_search(x):
    def energy(v):
        return ((v - 0.5) ** 2).sum() + 0.1 * (v**4).sum()

    slope = 2 * (x - 0.5) + 0.4 * x**3
    rate, before = 1.0, energy(x)
    while energy(x - rate * slope) > before - 0.3 * rate * (slope * slope).sum():
        rate = rate * 0.5
    return energy(x - rate * slope)


def adaptive_step(x):
    t, y, h = 0.0, x * 1.0, 0.4
    while t < 1.0:
        full = y + h * np.sin(y)
        half = y + 0.5 * h * np.sin(y)
        half = half + 0.5 * h * np.sin(half)
        if np.abs(full - half).max() > 0.01 and h > 0.1:
            h = h * 0.5
            continue
        t, y = t + h, half
    return (y * x).sum()


def piecewise_loss(x):
    error = x[0] * x[1] - x[2]
    if error < -1:
        return -2.0 * error - 1.0
    if error < 1:
        return error * error
    if error < 3:
        return 2.0 * error - 1.0
    return 5.0 + np.log(error - 2.0)


def collision(x):
    position, velocity = x[0], x[1] * 2.0
    for _ in range(5):
        position = position + 0.3 * velocity
        if position > 1.0:
            position, velocity = 2.0 - position, -0.8 * velocity
        elif position < -1.0:
            position, velocity = -2.0 - position, -0.8 * velocity
    return position * x[2] + velocity


def rejection_loop(x):
    y, seed = x, 7
    for _ in range(10):
        seed = (seed * 16807) % 2147483647
        trial = y + (seed / 2147483647 - 0.5) * 4.0
        if (trial * trial).sum() < 4.0:
            return (trial * x).sum()
    return (y * y).sum() * 0.5


def matched(x):
    match (bool(x[0] > 0), bool(x[1] > 0)):
        case (True, True):
            return x[0] * x[1]
        case (True, _):
            return x[0] + x[1] ** 2
        case (_, True):
            return np.exp(x[0]) * x[2]
        case _:
            return x.sum()


def walrus(x):
    if (total := x.sum()) > 1:
        return total * total
    if (least := x.min()) < -1:
        return least * total
    return total


def chained_comparison(x):
    if -0.5 < x[0] < x[1]:
        return x[1] - x[0]
    if x[2] > x[0] >= x[1]:
        return x[2] * x[0]
    return x[0] * x[1] * x[2]


def extremes(x):
    low = min(x[0], x[1], x[2])
    high = max(x[0] * x[1], x[2] + 1.0)
    return low * high + min([x[0], 0.3])


def asserted(x):
    try:
        assert x.sum() > -0.5, "too small"
    except AssertionError:
        return (x**3).sum()
    return (x * x).sum()


def listed(x):
    signs = [1.0 if v > 0 else -1.0 for v in (x > 0.2).tolist()]
    return sum(s * v for s, v in zip(signs, x, strict=True)) * x[0]


def sorted_by_value(x):
    first, second, third = sorted(x, reverse=True)
    return first * 3.0 + second * second - third


def index_of_a_list(x):
    weights = [0.5, -1.0, 2.0]
    return weights[np.argmin(x)] * x.sum() + weights[int(x[0] > 0)] * x[1]


def range_of_an_int(x):
    y = x
    for i in range(int(np.abs(x[0]) * 2)):
        y = y * 1.1 + i
    return (y * y).sum()


def formatted(x):
    label = f"{bool(x[0] > 0)!s:>5}"
    return x.prod() if label == " True" else x.sum() * x[1]


def looked_at_by_float(x):
    scale = 2.0 if float(x[0] * x[1]) > 0.25 else 0.5
    return (x * x * scale).sum()


def item_compared(x):
    if x.sum().item() > 0:
        return (x**2).sum()
    return x.sum()


def item_computed_with(x):
    return x[0].item() * x[1] + x.sum().item() ** 2


def and_or(x):
    positive = x[0] > 0 and x[1] > 0
    return ((positive and 2.0) or 0.5) * x.sum() + (x[2] if x[1] > 0 or x[2] > 0 else x[0] ** 2)


def ternaries(x):
    return (x[0] if x[0] > x[1] else x[1]) * (1.0 if x[2] > 0 else x[2])


def state_machine(x):
    state, total = "start", x[0] * 0.0
    for v in x:
        if state == "start":
            state = "high" if v > 0 else "low"
        elif state == "high" and v < 0:
            state, total = "low", total + v
        elif state == "low" and v > 0:
            state, total = "high", total * v + 1.0
        total = total + v * v
    return total * (2.0 if state == "high" else 1.0)


def stack_of_intervals(x):
    stack, area = [(0.0, 1.0)], x[0] * 0.0
    while stack:
        low, high = stack.pop()
        middle = 0.5 * (low + high)
        f_low, f_middle, f_high = (np.sin(x[0] * t) + x[1] * t**3 for t in (low, middle, high))
        if np.abs(f_low - 2 * f_middle + f_high) > 0.1 and high - low > 0.2:
            stack += [(low, middle), (middle, high)]
        else:
            area = area + (high - low) * (f_low + 4 * f_middle + f_high) / 6
    return area * x[2]


def data_dependent_slices(x):
    n = int((x > 0).sum())
    return (x[:n] ** 2).sum() + x[n:].sum() * 3.0


def in_place_under_a_branch(x):
    y = x * 2.0
    if y[0] > 0:
        y[1] = y[0] * y[2]
    else:
        y[1] = y[1] * 0.5
    return (y * y).sum()


def masked_by_python(x):
    y = x.copy()
    for i in range(3):
        if y[i] < 0:
            y[i] = 0.1 * y[i]
    return (y * np.array([1.0, 2.0, 3.0])).sum()


def collatz_like(x):
    y, steps = np.abs(x[0]) * 4 + 1.0, 0
    while y > 1.5 and steps < 12:
        y = y * 0.5 if y > 3 else y * 0.9 + 0.05
        steps += 1
    return y * x[1] + steps * x[2]


def two_loops_in_a_row(x):
    y = x * x + 0.1
    while y.sum() < 10:
        y = y * 1.6
    while y.max() > 2:
        y = y * 0.7
    return (y * x).sum()


def loop_in_a_loop(x):
    y, z = x * x + 0.1, x * 0.0
    while y.sum() < 20:
        z = y
        while z.max() < 3:
            z = z * 1.4 + 0.1
        y = y + z
    return (y * x).sum() + z.sum()


def branch_in_a_while(x):
    y = x * x + 0.5
    while y.sum() < 40:
        y = y * 1.3 if y[0] > y[1] else y + y[::-1] * 0.4
    return (y * x).sum()


def two_tests_per_round(x):
    y = x * x + 0.3
    while True:
        y = y * 1.2
        if y.sum() > 30:
            return (y * x).sum()
        y = y + 0.1
        if y.max() > 12:
            return y.prod() * 0.01


BANK = [f for f in list(globals().values()) if callable(f) and getattr(f, "__module__", None) == __name__]
