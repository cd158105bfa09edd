"""What the Python rivals of `darray bench elementwise|reduce|matmul|small|math` share: operands, checks, and the talk with the suite.

A rival is a process that lives through the whole run. It reads a JSON object a line from stdin and answers with one a line
on stdout; `darray bench contender` speaks the same words:

    (at the start)                                                {"about": "numpy 2.0, ..."}
    {"do": "prepare", "kernel": "add", "dtype": "float64", "n": 1000,   makes the operands, one for each span, which says what
     "spans": [[0, 1], [0, 1]]}                                         its elements lie in                    {}
    {"do": "check", "mode": "fresh"}                              computes once: sum, first, middle and last element  {"check": [...]}
    {"do": "run", "inner": 10, "repeat": 3, "limit": 0.5}         one call that does not count, then up to 3 batches of 10 calls,
                                                                  no further one begun after 0.5 s  {"runs_s": [seconds a call, ...]}
    {"do": "free"}                                                drops the operands and results               {}

What a rival cannot do it answers with {"unavailable": "why"}, what went wrong with {"error": "why"}. It answers when its threads have come
to rest, so that none of them runs into the next contender's turn; how they wait inside its own turn is left as it comes.
"""

import ctypes
import gc
import json
import sys
import time
import timeit

import numpy as np

PERIOD = 1 << 20  # operands repeat after so many elements
ROW = 1000  # elements in a row of the 2-D operands of sum-axis0 and sum-axis1

# Numerators over 8 of the polynomial's coefficients, the highest power first: Horner's scheme, ten * and ten +.
POLY = [3, -5, 7, -2, 4, -6, 1, -7, 5, -3, 2]


def uniform(k, span, n, dtype):
    """Operand k: the top 24 bits of i * odd + k in 32 bits, over 2**24, for i modulo PERIOD, spread over [lo, hi) in float64: the
    same values as the suite's."""
    i = np.arange(min(n, PERIOD), dtype=np.uint32)
    odd = np.uint32([2654435761, 2246822519, 3266489917, 668265263][k])
    unit = ((i * odd + np.uint32(k * 40503)) >> np.uint32(8)).astype(np.float64) * 2.0**-24
    lo, hi = map(float, span)
    tile = (lo + (hi - lo) * unit).astype(dtype)
    out = np.empty(n, dtype)
    for at in range(0, n, PERIOD):
        out[at : at + PERIOD] = tile[: n - at]
    return out


def operands(kernel, spans, dtype, n):
    """The kernel's arrays by name."""
    elements = n * n if kernel == "matmul" else n
    arrays = {name: uniform(k, span, elements, dtype) for k, (name, span) in enumerate(zip("abcd", spans))}
    shape = {"matmul": (n, n), "sum-axis0": (-1, ROW), "sum-axis1": (-1, ROW)}.get(kernel, (n,))
    return {name: array.reshape(shape) for name, array in arrays.items()}


def horner(coefficient):
    """The polynomial's expression, its coefficients named by a function of their index."""
    text = coefficient(0)
    for i in range(1, len(POLY)):
        text = f"({text} * a + {coefficient(i)})"
    return text


# The cases of the math suite that are functions of two operands; the others have one.
BINARY = {"atan2", "copysign", "floor_divide", "fmod", "hypot", "logaddexp", "nextafter", "pow", "remainder"}


def arguments(kernel):
    return "a, b" if kernel in BINARY else "a"


def functions(names):
    """Fresh and into statements for the functions of a library that take out=; names are the library's by case."""
    fresh = {kernel: f"{name}({arguments(kernel)})" for kernel, name in names.items()}
    into = {kernel: f"{name}({arguments(kernel)}, out=o)" for kernel, name in names.items()}
    return fresh, into


# What the options of the blackscholes case have in common: the interest of a year, and how much the price moves in one.
INTEREST, VOLATILITY = 0.02, 0.3


def summary(result):
    """What a result is checked by."""
    flat = np.asarray(result).reshape(-1)
    return [float(flat.sum(dtype=np.float64))] + [float(flat[i]) for i in (0, len(flat) // 2, len(flat) - 1)]


def trim():
    """Gives freed memory back to the system, where the C library can."""
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        pass


def rest():
    """Waits, a second at most, until this process uses no CPU time."""
    end = time.perf_counter() + 1
    while time.perf_counter() < end:
        used = time.process_time()
        time.sleep(0.002)
        if time.process_time() - used < 0.0004:
            return


class Rival:
    """A rival says about, has room(arrays), which adds what its kernels need to the names that statements may use, and
    fresh and into: statements by kernel. A fresh one is an expression; an into one leaves its result in o."""

    def __init__(self, about, room, fresh, into, result=summary):
        self.about, self.room, self.fresh, self.into, self.result = about, room, fresh, into, result
        self.names, self.kernel = {}, ""

    def prepare(self, ask):
        self.kernel, self.mode = ask["kernel"], "fresh"
        if self.kernel not in self.fresh and self.kernel not in self.into:
            return {"unavailable": f"it has no {self.kernel}"}
        dtype = {"float64": np.float64, "float32": np.float32}[ask["dtype"]]
        arrays = operands(self.kernel, ask["spans"], dtype, ask["n"])
        arrays["o"] = np.zeros_like(arrays["a"])
        self.names = self.room(self.kernel, dtype, arrays)
        return {}

    def statement(self, mode):
        return (self.fresh if mode == "fresh" else self.into).get(self.kernel)

    def check(self, ask):
        self.mode = ask["mode"]
        line = self.statement(self.mode)
        if line is None:
            return {"unavailable": f"no way to do {self.kernel} {self.mode}"}
        if self.mode == "fresh":
            return {"check": self.result(eval(line, self.names))}
        exec(line, self.names)
        return {"check": self.result(self.names["o"])}

    def run(self, ask):
        self.mode = ask.get("mode", self.mode)
        timer = timeit.Timer(self.statement(self.mode), globals=self.names)
        timer.timeit(1)
        end, runs = time.perf_counter() + ask["limit"], []
        while not runs or (len(runs) < ask["repeat"] and time.perf_counter() < end):
            runs.append(timer.timeit(ask["inner"]) / ask["inner"])
        return {"runs_s": runs}

    def free(self, ask):
        self.names = {}
        trim()
        return {}

    def serve(self):
        out = sys.stdout
        sys.stdout = sys.stderr  # what a library prints is no answer
        print(json.dumps({"about": self.about}), file=out, flush=True)
        for line in sys.stdin:
            ask = json.loads(line)
            try:
                answer = {"prepare": self.prepare, "check": self.check, "run": self.run, "free": self.free}[ask["do"]](ask)
            except Exception as e:  # the suite goes on without this case
                answer = {"error": f"{type(e).__name__}: {e}"}
            rest()
            print(json.dumps(answer), file=out, flush=True)


def threads():
    """How many threads the suite allows: the only argument."""
    return int(sys.argv[1])


def python():
    return "Python " + sys.version.split()[0]
