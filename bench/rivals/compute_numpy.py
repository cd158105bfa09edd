"""NumPy: one thread but in BLAS; temporaries as its users write them, and out= with as few as it can do."""

import numpy as np

import compute
from compute import POLY

ARRAY_OPS = {
    "add": "a + b",
    "muladdsub": "a * b + c - d",
    "length": "np.sqrt(a * a + b * b)",
    "where": "np.where(a > b, a, b)",
    "poly20": compute.horner(lambda i: f"k{i}"),
    "chain5": "((((a + b) * a) - b) * a) + b",
    "sum": "a.sum()",
    "dot": "np.dot(a, b)",
    "meanstd": "(a.mean(), a.std())",
    "max": "a.max()",
    "sum-axis0": "a.sum(axis=0)",
    "sum-axis1": "a.sum(axis=1)",
    "matmul": "a @ b",
}

INTO = {
    "add": "np.add(a, b, out=o)",
    "muladdsub": "np.multiply(a, b, out=o); np.add(o, c, out=o); np.subtract(o, d, out=o)",
    "length": "np.multiply(a, a, out=o); np.multiply(b, b, out=t); np.add(o, t, out=o); np.sqrt(o, out=o)",
    "where": "np.greater(a, b, out=m); np.copyto(o, b); np.copyto(o, a, where=m)",
    "poly20": "np.multiply(a, k0, out=o); np.add(o, k1, out=o)"
    + "".join(f"; np.multiply(o, a, out=o); np.add(o, k{i}, out=o)" for i in range(2, len(POLY))),
    "chain5": "np.add(a, b, out=o); np.multiply(o, a, out=o); np.subtract(o, b, out=o); np.multiply(o, a, out=o); np.add(o, b, out=o)",
    "matmul": "np.matmul(a, b, out=o)",
}

# NumPy's names of the math suite's functions; it has no erf.
FUNCTIONS = {name: "np." + name for name in (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "sqrt", "cbrt", "hypot", "sin", "cos", "tan", "sinh", "cosh", "tanh",
    "floor", "ceil", "trunc", "sign", "copysign", "floor_divide", "remainder", "fmod", "nextafter", "reciprocal",
)}  # fmt: skip
FUNCTIONS |= {"a" + name: "np.arc" + name for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")}
FUNCTIONS |= {"pow": "np.power", "round": "np.rint"}

ARRAY_OPS["expsin"] = "np.exp(-a * a) * np.sin(b)"
INTO["expsin"] = "np.negative(a, out=o); np.multiply(o, a, out=o); np.exp(o, out=o); np.sin(b, out=t); np.multiply(o, t, out=o)"
ARRAY_OPS["logsumexp"] = "logsumexp(a)"

for statements, more in zip((ARRAY_OPS, INTO), compute.functions(FUNCTIONS)):
    statements.update(more)


def logsumexp(a):
    m = a.max()
    return m + np.log(np.exp(a - m).sum())


def room(kernel, dtype, arrays):
    names = dict(arrays, np=np, logsumexp=logsumexp, **{f"k{i}": dtype(k / 8) for i, k in enumerate(POLY)})
    if kernel in ("length", "expsin"):
        names["t"] = np.zeros_like(arrays["a"])
    if kernel == "where":
        names["m"] = np.zeros(arrays["a"].shape, bool)
    return names


def blas():
    """The BLAS that is loaded: NumPy of the time does not say."""
    np.ones((2, 2)) @ np.ones((2, 2))
    try:
        with open("/proc/self/maps") as maps:
            libraries = {line.split("/")[-1].strip() for line in maps if "blas" in line.lower()}
    except OSError:
        return ""
    return ", ".join(sorted(libraries))


if __name__ == "__main__":
    about = f"numpy {np.__version__} ({blas()}), {compute.python()}"
    compute.Rival(about, room, ARRAY_OPS, INTO).serve()
