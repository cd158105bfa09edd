"""numexpr: the whole expression compiled for its virtual machine, in blocks, by threads."""

import numexpr as ne
import numpy as np

import compute
from compute import POLY

EXPRESSIONS = {
    "add": "a + b",
    "muladdsub": "a * b + c - d",
    "length": "sqrt(a * a + b * b)",
    "where": "where(a > b, a, b)",
    "poly20": compute.horner(lambda i: f"k{i}"),
    "chain5": "((((a + b) * a) - b) * a) + b",
    "sum": "sum(a)",
    "dot": "sum(a * b)",
    "max": "max(a)",
    "sum-axis0": "sum(a, axis=0)",
    "sum-axis1": "sum(a, axis=1)",
}
EXPRESSIONS |= {f: f"{f}(a)" for f in ("exp", "expm1", "log", "log10", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "floor", "ceil")}
EXPRESSIONS |= {"a" + f: f"arc{f}(a)" for f in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}
EXPRESSIONS |= {"atan2": "arctan2(a, b)", "pow": "a ** b", "remainder": "a % b", "fmod": "fmod(a, b)", "reciprocal": "1 / a"}
EXPRESSIONS["expsin"] = "exp(-a * a) * sin(b)"
REDUCTIONS = {"sum", "dot", "max", "sum-axis0", "sum-axis1"}

FRESH = {kernel: f"ev({text!r})" for kernel, text in EXPRESSIONS.items()}
FRESH["meanstd"] = "meanstd(a)"
FRESH["logsumexp"] = "logsumexp(a)"
INTO = {kernel: f"ev({text!r}, out=o)" for kernel, text in EXPRESSIONS.items() if kernel not in REDUCTIONS}


def meanstd(a):
    m = ne.evaluate("sum(a)") / a.size
    m = a.dtype.type(m)
    return m, (ne.evaluate("sum((a - m) * (a - m))") / a.size) ** 0.5


def logsumexp(a):
    m = a.dtype.type(ne.evaluate("max(a)"))
    s = ne.evaluate("sum(exp(a - m))")
    return m + np.log(s)


def room(kernel, dtype, arrays):
    # Constants in an expression are float64; these have the arrays' type.
    constants = {f"k{i}": dtype(k / 8) for i, k in enumerate(POLY)} if kernel == "poly20" else {}
    # evaluate finds its operands among the names of its caller.
    return dict(arrays, ev=ne.evaluate, meanstd=meanstd, logsumexp=logsumexp, **constants)


if __name__ == "__main__":
    ne.set_num_threads(compute.threads())
    about = f"numexpr {ne.__version__}, {'with' if ne.use_vml else 'without'} VML, {compute.python()}"
    compute.Rival(about, room, FRESH, INTO).serve()
