"""Oracle of tests/intervals.rs: values and ranges of elementary functions and their derivatives, by mpmath.

    pip install mpmath && python3 tests/tables/intervals.py

writes two tables beside this file. A value v is given by its two neighbouring doubles, `below` <= v <= `above`, equal
where v is a double to 150 bits. All numbers are shortest decimals, which read back exactly.

points.csv   function,parameter,order,x,below,above          parameter: the exponent of powi and powf
ranges.csv   function,order,lo,hi,min_below,max_above        extrema by a search that knows no critical points
"""

import math
import random
from pathlib import Path

import mpmath as mp
from mpmath import mpf

mp.mp.prec = 200
random.seed(20261124)


def neighbours(v):
    """The doubles next to v."""
    if abs(v) > mpf(math.nextafter(math.inf, 0)):
        most = math.nextafter(math.inf, 0)
        return (most, math.inf) if v > 0 else (-math.inf, -most)
    f = float(v)
    if abs(mpf(f) - v) <= mpf(2) ** -150 * abs(v):
        return f, f
    while mpf(f) > v:
        f = math.nextafter(f, -math.inf)
    while mpf(math.nextafter(f, math.inf)) <= v:
        f = math.nextafter(f, math.inf)
    return f, math.nextafter(f, math.inf)


def sigmoid(x, order):
    s, c, difference = 1 / (1 + mp.exp(-x)), 1 / (1 + mp.exp(x)), -mp.tanh(x / 2)
    return [s, s * c, s * c * difference, s * c * (1 - 6 * s * c)][order]


def tanh(x, order):
    s = 1 / mp.cosh(x) ** 2
    t = mp.tanh(x)
    return [t, s, -2 * s * t, 4 * t**2 * s - 2 * s**2][order]


def erf(x, order):
    g = 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)
    return [mp.erf(x), g, -2 * x * g, (4 * x * x - 2) * g][order]


def atan(x, order):
    u = 1 + x * x
    return [mp.atan(x), 1 / u, -2 * x / u**2, (6 * x * x - 2) / u**3][order]


def softplus(x, order):
    return mp.log1p(mp.exp(x)) if order == 0 else sigmoid(x, order - 1)


FUNCTIONS = {
    "exp": lambda x, k: mp.exp(x),
    "ln": lambda x, k: [mp.log(x), 1 / x, -1 / x**2, 2 / x**3][k],
    "sqrt": lambda x, k: mp.sqrt(x) ** (1 - 2 * k) * [1, 0.5, -0.25, 0.375][k],
    "sin": lambda x, k: [mp.sin(x), mp.cos(x), -mp.sin(x), -mp.cos(x)][k],
    "cos": lambda x, k: [mp.cos(x), -mp.sin(x), -mp.cos(x), mp.sin(x)][k],
    "tanh": tanh,
    "atan": atan,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "erf": erf,
}
POSITIVE = {"ln", "sqrt"}


def check_derivatives():
    for name, f in FUNCTIONS.items():
        for x in [mpf("0.3"), mpf("1.7"), mpf("2.9")]:
            for k in range(3):
                slope = mp.diff(lambda t: f(t, k), x)
                assert abs(slope - f(x, k + 1)) < mpf(10) ** -20, (name, k, x)


def around(x, steps):
    found = [x]
    up = down = x
    for _ in range(steps):
        up, down = math.nextafter(up, math.inf), math.nextafter(down, -math.inf)
        found += [up, down]
    return found


def points():
    xs = [0.0, 5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-200, 1e-100, 1e-50, 1e-20, 1e-16, 1e-12, 1e-8, 1e-5]
    xs += [1e-3, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.5, 5.9, 6.0, 6.5, 9.0, 17.0, 18.7, 19.06, 19.1, 22.0, 26.6]
    xs += [27.2, 27.3, 27.4, 30.0, 36.7, 36.8, 37.5, 40.0, 41.0, 100.0, 350.0, 372.0, 708.4, 709.7, 709.79, 745.0, 745.2, 746.5]
    xs += [1e3, 1e4, 1e6, 9.9e6, 1.1e7, 1e10, 1e16, 1e22, 1e100, 1e200, 1e300, 1.7976931348623157e308]
    for k in [1, 2, 3, 4, 5, 7, 11, 22, 44, 355, 710, 103993, 1000003, 6000000]:
        xs += around(float(k * mp.pi / 2), 1)
    for c in ["0.6584789484624084", "1.1462158347805889", "0.5773502691896258", "0.7071067811865476", "1.224744871391589"]:
        xs += around(float(c), 1)
    for c in [0.34657359027997264, 0.6931471805599453, 1.0, 1.4142135623730951, 2.0, 0.414, 0.25, 0.75]:
        xs += around(c, 1)
    xs += [-x for x in xs[::3]]
    xs += [random.uniform(-3, 3) for _ in range(40)] + [random.uniform(-40, 40) for _ in range(30)]
    xs += [random.choice([-1, 1]) * 10 ** random.uniform(-30, 8) for _ in range(40)]
    return sorted(set(xs))


def write_points(rows):
    for name, f in FUNCTIONS.items():
        for k in range(1 if name == "exp" else 4):
            for x in points():
                if name in POSITIVE and (x < 0 or (x == 0 and not (name == "sqrt" and k == 0))):
                    continue
                below, above = neighbours(f(mpf(x), k))
                rows.append(f"{name},0,{k},{x!r},{below!r},{above!r}")
    bases = [x for x in points() if x != 0][::9] + [0.0, 1.0, -1.0]
    for n in [0, 1, 2, 3, 4, 5, 8, 17, 64, 1023, 100000, 2147483647, -1, -2, -3, -7, -1000, -2147483648]:
        for x in bases + around(1.0, 2) + [1.0000001, -0.9999999]:
            if x == 0 and n < 0:
                continue
            below, above = neighbours(mpf(x) ** n)
            rows.append(f"powi,{n},0,{x!r},{below!r},{above!r}")
    for a in [0.5, -0.5, 0.1, 0.25, 1 / 3, 1.5, 2.5, math.pi, -0.3, -2.75, 40.5, 1e-9, 3.0]:
        for k in range(3):
            for x in (x for x in bases if x > 0):
                factor = mp.fprod(mpf(a) - j for j in range(k))
                below, above = neighbours(factor * mpf(x) ** (mpf(a) - k) if factor else mpf(0))
                rows.append(f"powf,{a!r},{k},{x!r},{below!r},{above!r}")


def extremes(f, k, lo, hi):
    """Least and greatest value on [lo, hi]: a grid, then ternary search about its least and greatest point."""
    grid = [lo + (hi - lo) * mpf(i) / 240 for i in range(241)]
    values = [f(x, k) for x in grid]
    found = []
    for sign in (1, -1):
        i = min(range(241), key=lambda i: sign * values[i])
        a, b = grid[max(i - 1, 0)], grid[min(i + 1, 240)]
        for _ in range(130):
            c, d = a + (b - a) / 3, b - (b - a) / 3
            if sign * f(c, k) < sign * f(d, k):
                b = d
            else:
                a = c
        found.append(sign * min(sign * values[i], sign * f((a + b) / 2, k)))
    return found


def write_ranges(rows):
    for name, f in FUNCTIONS.items():
        for k in range(4):
            for _ in range(20):
                middle, half = random.uniform(-3, 3), 10 ** random.uniform(-3, 0.7)
                lo, hi = middle - half, middle + half
                if name in POSITIVE:
                    lo, hi = 2.0**lo, 2.0**hi
                least, most = extremes(f, k, mpf(lo), mpf(hi))
                rows.append(f"{name},{k},{lo!r},{hi!r},{neighbours(least)[0]!r},{neighbours(most)[1]!r}")


if __name__ == "__main__":
    check_derivatives()
    folder = Path(__file__).parent
    for file, head, fill in [
        ("points.csv", "function,parameter,order,x,below,above", write_points),
        ("ranges.csv", "function,order,lo,hi,min_below,max_above", write_ranges),
    ]:
        rows = []
        fill(rows)
        (folder / file).write_text(head + "\n" + "\n".join(rows) + "\n")
        print(file, len(rows))
