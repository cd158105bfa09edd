"""dask.array: blocks of 2**20 elements by the threaded scheduler; da.store for results that are there already."""

import dask
import dask.array as da
import numpy as np

import compute
from compute import POLY

BLOCK = 1 << 20

EXPRESSIONS = {
    "add": "a + b",
    "muladdsub": "a * b + c - d",
    "length": "da.sqrt(a * a + b * b)",
    "where": "da.where(a > b, a, b)",
    "poly20": compute.horner(lambda i: f"k{i}"),
    "chain5": "((((a + b) * a) - b) * a) + b",
    "sum": "a.sum()",
    "dot": "da.dot(a, b)",
    "max": "a.max()",
    "sum-axis0": "a.sum(axis=0)",
    "sum-axis1": "a.sum(axis=1)",
    "matmul": "a @ b",
}
REDUCTIONS = {"sum", "dot", "max", "sum-axis0", "sum-axis1"}

FRESH = {kernel: f"({text}).compute()" for kernel, text in EXPRESSIONS.items()}
FRESH["meanstd"] = "dask.compute(a.mean(), a.std())"
INTO = {kernel: f"da.store({text}, o, lock=False)" for kernel, text in EXPRESSIONS.items() if kernel not in REDUCTIONS}


def blocks(array):
    if array.ndim == 1:
        return BLOCK
    rows, cols = array.shape
    if rows == cols:  # matmul
        return (min(rows, 1024), min(cols, 1024))
    return (max(1, BLOCK // cols), cols)


def room(kernel, dtype, arrays):
    names = {name: da.from_array(array, chunks=blocks(array)) for name, array in arrays.items() if name != "o"}
    constants = {f"k{i}": dtype(k / 8) for i, k in enumerate(POLY)}
    return dict(names, o=arrays["o"], da=da, dask=dask, **constants)


if __name__ == "__main__":
    dask.config.set(scheduler="threads", num_workers=compute.threads())
    compute.Rival(f"dask {dask.__version__}, numpy {np.__version__}, {compute.python()}", room, FRESH, INTO).serve()
