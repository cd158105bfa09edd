"""Numba: njit(parallel=True), no fastmath, array expressions and loops as its users write them; compiled before anything is timed."""

import math

import numba
import numpy as np
from numba import njit, prange

import compute
from compute import INTEREST, POLY, VOLATILITY


def add(a, b, o):
    for i in prange(len(a)):
        o[i] = a[i] + b[i]


def muladdsub(a, b, c, d, o):
    for i in prange(len(a)):
        o[i] = a[i] * b[i] + c[i] - d[i]


def length(a, b, o):
    for i in prange(len(a)):
        o[i] = math.sqrt(a[i] * a[i] + b[i] * b[i])


def where(a, b, o):
    for i in prange(len(a)):
        o[i] = a[i] if a[i] > b[i] else b[i]


def poly20(a, k, o):
    k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10 = k
    for i in prange(len(a)):
        x = a[i]
        o[i] = (((((((((k0 * x + k1) * x + k2) * x + k3) * x + k4) * x + k5) * x + k6) * x + k7) * x + k8) * x + k9) * x + k10


def chain5(a, b, o):
    for i in prange(len(a)):
        o[i] = ((a[i] + b[i]) * a[i] - b[i]) * a[i] + b[i]


def add_fresh(a, b):
    return a + b


def muladdsub_fresh(a, b, c, d):
    return a * b + c - d


def length_fresh(a, b):
    return np.sqrt(a * a + b * b)


def where_fresh(a, b):
    return np.where(a > b, a, b)


def poly20_fresh(a, k):
    o = np.empty_like(a)
    k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10 = k
    for i in prange(len(a)):
        x = a[i]
        o[i] = (((((((((k0 * x + k1) * x + k2) * x + k3) * x + k4) * x + k5) * x + k6) * x + k7) * x + k8) * x + k9) * x + k10
    return o


def chain5_fresh(a, b):
    return ((a + b) * a - b) * a + b


def total(a):
    s = 0.0
    for i in prange(len(a)):
        s += a[i]
    return s


def dot(a, b):
    s = 0.0
    for i in prange(len(a)):
        s += a[i] * b[i]
    return s


def meanstd(a):
    s = 0.0
    for i in prange(len(a)):
        s += a[i]
    m = s / len(a)
    v = 0.0
    for i in prange(len(a)):
        v += (a[i] - m) * (a[i] - m)
    return m, math.sqrt(v / len(a))


def greatest(a):
    return np.max(a)


def sum_axis0(a):
    """Every thread sums a part of the rows."""
    parts = numba.get_num_threads()
    rows, cols = a.shape
    sums = np.zeros((parts, cols), a.dtype)
    for p in prange(parts):
        for i in range(p * rows // parts, (p + 1) * rows // parts):
            for j in range(cols):
                sums[p, j] += a[i, j]
    return sums.sum(axis=0)


def sum_axis1(a):
    rows, cols = a.shape
    o = np.empty(rows, a.dtype)
    for i in prange(rows):
        s = 0.0
        for j in range(cols):
            s += a[i, j]
        o[i] = s
    return o


FUNCTIONS = [
    add, muladdsub, length, where, poly20, chain5,
    add_fresh, muladdsub_fresh, length_fresh, where_fresh, poly20_fresh, chain5_fresh,
    total, dot, meanstd, greatest, sum_axis0, sum_axis1,
]  # fmt: skip

FRESH = {
    "add": "add_fresh(a, b)",
    "muladdsub": "muladdsub_fresh(a, b, c, d)",
    "length": "length_fresh(a, b)",
    "where": "where_fresh(a, b)",
    "poly20": "poly20_fresh(a, k)",
    "chain5": "chain5_fresh(a, b)",
    "sum": "total(a)",
    "dot": "dot(a, b)",
    "meanstd": "meanstd(a)",
    "max": "greatest(a)",
    "sum-axis0": "sum_axis0(a)",
    "sum-axis1": "sum_axis1(a)",
}

INTO = {
    "add": "add(a, b, o)",
    "muladdsub": "muladdsub(a, b, c, d, o)",
    "length": "length(a, b, o)",
    "where": "where(a, b, o)",
    "poly20": "poly20(a, k, o)",
    "chain5": "chain5(a, b, o)",
}


def expsin(a, b, o):
    for i in prange(len(a)):
        o[i] = math.exp(-a[i] * a[i]) * math.sin(b[i])


def expsin_fresh(a, b):
    return np.exp(-a * a) * np.sin(b)


@njit
def price(spot, strike, time, terms):
    """A call option's; the terms have the operands' type, as constants of another would make all of it float64."""
    rate, volatility, half, root = terms
    deviation = volatility * math.sqrt(time)
    d1 = (math.log(spot / strike) + (rate + volatility * volatility * half) * time) / deviation
    near, far = half + half * math.erf(d1 * root), half + half * math.erf((d1 - deviation) * root)
    return spot * near - strike * math.exp(-rate * time) * far


def blackscholes(a, b, c, terms, o):
    for i in prange(len(a)):
        o[i] = price(a[i], b[i], c[i], terms)


def blackscholes_fresh(a, b, c, terms):
    o = np.empty_like(a)
    for i in prange(len(a)):
        o[i] = price(a[i], b[i], c[i], terms)
    return o


def logsumexp(a, m):
    """m is the greatest: found in here, Numba 0.56 would fuse its loop with this one, and compute nonsense."""
    s = 0.0
    for i in prange(len(a)):
        s += math.exp(a[i] - m)
    return m + math.log(s)


FUNCTIONS += [expsin, expsin_fresh, blackscholes, blackscholes_fresh, logsumexp]
FRESH |= {"expsin": "expsin_fresh(a, b)", "blackscholes": "blackscholes_fresh(a, b, c, terms)", "logsumexp": "logsumexp(a, greatest(a))"}
INTO |= {"expsin": "expsin(a, b, o)", "blackscholes": "blackscholes(a, b, c, terms, o)"}

# The math suite's functions, of which each becomes two loops: for some of them Numba has NumPy's scalar function only.
SCALARS = {f: f"math.{f}(a[i])" for f in (
    "exp", "expm1", "log", "log10", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc",
)}  # fmt: skip
SCALARS |= {f: f"math.{f}(a[i], b[i])" for f in ("pow", "hypot", "atan2", "copysign")}
SCALARS |= {f: f"np.{f}(a[i])" for f in ("exp2", "log2", "cbrt", "floor", "ceil", "trunc", "sign", "reciprocal")}
SCALARS |= {f: f"np.{f}(a[i], b[i])" for f in ("fmod", "nextafter", "logaddexp")}
SCALARS |= {"round": "np.rint(a[i])", "floor_divide": "a[i] // b[i]", "remainder": "a[i] % b[i]"}

for kernel, text in SCALARS.items():
    call = compute.arguments(kernel)
    loop = f"    for i in prange(len(a)):\n        o[i] = {text}\n"
    made = {"math": math, "np": np, "prange": prange}
    exec(f"def f_{kernel}({call}, o):\n{loop}", made)
    exec(f"def f_{kernel}_fresh({call}):\n    o = np.empty_like(a)\n{loop}    return o", made)
    FUNCTIONS += [made[f"f_{kernel}"], made[f"f_{kernel}_fresh"]]
    FRESH[kernel], INTO[kernel] = f"f_{kernel}_fresh({call})", f"f_{kernel}({call}, o)"

# Division as NumPy has it: without a check that raises, which would keep loops from being vectorised.
SERIAL = {f.__name__: njit(error_model="numpy")(f) for f in FUNCTIONS}
PARALLEL = {f.__name__: njit(parallel=True, error_model="numpy")(f) for f in FUNCTIONS}

FEW = 10_000  # elements up to which starting threads costs more than it brings, as a user would find


def room(kernel, dtype, arrays):
    compiled = SERIAL if arrays["a"].size <= FEW else PARALLEL
    terms = tuple(dtype(x) for x in (INTEREST, VOLATILITY, 0.5, 0.5**0.5))
    return dict(arrays, k=tuple(dtype(k / 8) for k in POLY), terms=terms, **compiled)


if __name__ == "__main__":
    numba.set_num_threads(compute.threads())
    PARALLEL["add"](np.ones(4), np.ones(4), np.ones(4))  # picks the threading layer
    about = f"numba {numba.__version__}, njit(parallel=True), threads by {numba.threading_layer()}, {compute.python()}"
    compute.Rival(about, room, FRESH, INTO).serve()
