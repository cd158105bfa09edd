"""The rivals of `darray bench gpu`: CuPy, PyTorch (eager and compiled), JAX and Numba on a GPU, of which the first argument names one.

They speak the words of compute.py, but for the operands and the clock. There are three modes:

    resident  operands and results in the GPU's memory; the host's clock, over calls in a row and the wait for the last
    kernel    the same, by CUDA events around each call; JAX has no events, so that it does not play here
    host      NumPy arrays in, a NumPy array out

Operands below SETS_BYTES together are made several times, each set shifted by SHIFT elements, and the sets take turns, so that
the GPU's cache does not serve. What is compiled is compiled before anything is timed, except in the case that times that.
"""

import gc
import math
import random
import sys
import time

import numpy as np

import compute
from compute import INTEREST, VOLATILITY, python

SETS_BYTES = 256 << 20
MOST_SETS = 16
SHIFT = 4099
OPS = 24  # of an expression that is compiled, each + or *

RESIDENT, KERNEL, HOST = "resident", "kernel", "host"


def sets_of(bytes):
    """How many sets of operands take turns, as the suite has them."""
    return 1 if bytes < 1 << 16 else max(1, min(MOST_SETS, SETS_BYTES // bytes))


def tile(k, span, n, dtype, shift):
    """The period of operand k of a set, or as much of it as there are elements."""
    whole = compute.uniform(k, span, compute.PERIOD, dtype)
    return np.roll(whole, -shift)[: min(n, compute.PERIOD)]


def chain(ops):
    """An expression of OPS operations by the bits of ops."""
    text = "a"
    for i in range(OPS):
        text = f"({text} {'*' if ops >> i & 1 else '+'} b)"
    return text


EXPRESSIONS = {
    "add": "a + b",
    "muladdsub": "a * b + c - d",
    "expsin": "exp(-a * a) * sin(b)",
    "launch": "a + b",
    "compile": chain(0),
    "matmul": "a @ b",
}
NAMES = {"blackscholes": "abc", "muladdsub": "abcd", "sum": "a"}


def names(kernel):
    return NAMES.get(kernel, "ab")


def define(source, name, scope):
    """A function of a text, as if it stood in a file."""
    exec(source, scope)
    return scope[name]


def call_price(library):
    """Black and Scholes by a library's functions; it has them as log, sqrt, exp and erf."""

    def price(spot, strike, years):
        deviation = VOLATILITY * library.sqrt(years)
        d1 = (library.log(spot / strike) + (INTEREST + VOLATILITY**2 / 2) * years) / deviation
        near = 0.5 * (1 + library.erf(d1 * 0.5**0.5))
        far = 0.5 * (1 + library.erf((d1 - deviation) * 0.5**0.5))
        return spot * near - strike * library.exp(-INTEREST * years) * far

    return price


class Library:
    """What a rival is made of: up and down move an array, repeat makes n elements of a tile on the GPU, sync waits, function(kernel) is
    what computes it, compiled(ops) a function that nobody has compiled yet, start and stop are events."""

    def expression(self, kernel, scope):
        return define(f"def f({', '.join(names(kernel))}):\n    return {EXPRESSIONS[kernel]}\n", "f", dict(scope))

    def compiled(self, ops):
        return None

    def trim(self):
        gc.collect()


class CuPy(Library):
    """Element-wise expressions by cupy.fuse, one kernel each."""

    def __init__(self):
        import cupy
        from cupyx.scipy import special

        cupy.erf = special.erf
        self.cp = cupy
        cupy.cuda.Device(0).use()
        name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
        self.about = f"cupy {cupy.__version__}, fused, on {name}, {python()}"

    def up(self, array):
        return self.cp.asarray(array)

    def down(self, array):
        return self.cp.asnumpy(array)

    def repeat(self, array, n):
        return self.cp.tile(array, -(-n // len(array)))[:n].copy()

    def sync(self, result):
        self.cp.cuda.get_current_stream().synchronize()

    def function(self, kernel, dtype):
        cp = self.cp
        if kernel in ("sum", "dot"):
            return {"sum": lambda a: a.sum(), "dot": lambda a, b: cp.dot(a, b)}[kernel]
        if kernel == "matmul":
            return cp.matmul
        if kernel == "blackscholes":
            return cp.fuse(call_price(cp))
        return cp.fuse(self.expression(kernel, {"exp": cp.exp, "sin": cp.sin}))

    def compiled(self, ops):
        return self.cp.fuse(define(f"def f(a, b):\n    return {chain(ops)}\n", "f", {}))

    def start(self):
        event = self.cp.cuda.Event()
        event.record()
        return event

    def stop(self, start):
        end = self.start()
        return lambda: (end.synchronize(), self.cp.cuda.get_elapsed_time(start, end) / 1e3)[1]

    def trim(self):
        gc.collect()
        self.cp.get_default_memory_pool().free_all_blocks()
        self.cp.get_default_pinned_memory_pool().free_all_blocks()


class Torch(Library):
    """PyTorch as it is written, an op at a time; or by torch.compile."""

    def __init__(self, compiling):
        import torch

        self.torch, self.compiling = torch, compiling
        if not torch.cuda.is_available():
            raise RuntimeError("torch sees no GPU: torch.cuda.is_available() is False")
        torch.set_grad_enabled(False)
        torch.set_float32_matmul_precision("highest")  # not TF32, whose products have three digits
        how = "torch.compile" if compiling else "eager"
        self.about = f"torch {torch.__version__}, {how}, on {torch.cuda.get_device_name(0)}, {python()}"

    def up(self, array):
        return self.torch.from_numpy(array).to("cuda")

    def down(self, array):
        return array.cpu().numpy()

    def repeat(self, array, n):
        return array.repeat(-(-n // len(array)))[:n].clone()

    def sync(self, result):
        self.torch.cuda.synchronize()

    def finish(self, f):
        if not self.compiling:
            return f
        return self.torch.compile(f, dynamic=False)

    def function(self, kernel, dtype):
        torch = self.torch
        torch._dynamo.reset() if self.compiling else None
        if kernel == "compile" and not self.compiling:
            return None
        plain = {"sum": lambda a: a.sum(), "dot": lambda a, b: torch.dot(a, b), "blackscholes": call_price(torch)}
        return self.finish(plain.get(kernel) or self.expression(kernel, {"exp": torch.exp, "sin": torch.sin}))

    def compiled(self, ops):
        return self.finish(define(f"def f(a, b):\n    return {chain(ops)}\n", "f", {}))

    def start(self):
        event = self.torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def stop(self, start):
        end = self.start()
        return lambda: (end.synchronize(), start.elapsed_time(end) / 1e3)[1]

    def trim(self):
        gc.collect()
        self.torch.cuda.empty_cache()


class JAX(Library):
    """jax.jit of each expression, with float64 as elsewhere."""

    def __init__(self):
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_default_matmul_precision", "highest")
        import jax.numpy as jnp
        from jax.scipy.special import erf

        self.jax, self.jnp, self.erf = jax, jnp, erf
        device = jax.devices()[0]
        if device.platform == "cpu":
            raise RuntimeError("jax sees no GPU: jax.devices() has the processor alone")
        self.about = f"jax {jax.__version__}, jit, on {device.device_kind}, {python()}"

    def up(self, array):
        return self.jax.device_put(array)

    def down(self, array):
        return np.asarray(array)

    def repeat(self, array, n):
        return self.jnp.tile(array, -(-n // len(array)))[:n]

    def sync(self, result):
        self.jax.block_until_ready(result)

    def function(self, kernel, dtype):
        jnp, erf = self.jnp, self.erf

        class functions:
            sqrt, log, exp = jnp.sqrt, jnp.log, jnp.exp

        functions.erf = staticmethod(erf)
        plain = {"sum": lambda a: a.sum(), "dot": lambda a, b: jnp.dot(a, b), "blackscholes": call_price(functions)}
        return self.jax.jit(plain.get(kernel) or self.expression(kernel, {"exp": jnp.exp, "sin": jnp.sin}))

    def compiled(self, ops):
        return self.jax.jit(define(f"def f(a, b):\n    return {chain(ops)}\n", "f", {}))

    start = None


class Numba(Library):
    """cuda.jit loops with cuda.grid, and cuda.reduce."""

    THREADS = 256

    def __init__(self):
        from numba import cuda
        import numba

        if numba.config.ENABLE_CUDASIM:
            raise RuntimeError("NUMBA_ENABLE_CUDASIM is set: the times of a simulator stand beside nobody's")
        if not cuda.is_available():
            raise RuntimeError("numba sees no GPU: numba.cuda.is_available() is False")
        self.cuda = cuda
        name = cuda.get_current_device().name
        name = name.decode() if isinstance(name, bytes) else name
        self.about = f"numba {numba.__version__}, cuda.jit, on {name}, {python()}"

    def up(self, array):
        return self.cuda.to_device(array)

    def down(self, array):
        return array if np.isscalar(array) else array.copy_to_host()

    def repeat(self, array, n):
        whole = np.tile(array.copy_to_host(), -(-n // len(array)))[:n]
        return self.cuda.to_device(whole)

    def sync(self, result):
        self.cuda.synchronize()

    def kernel(self, arguments, body, scope):
        source = (
            f"def f({arguments}, o):\n    start, step = cuda.grid(1), cuda.gridsize(1)\n"
            f"    for i in range(start, o.size, step):\n        o[i] = {body}\n"
        )
        return self.cuda.jit(define(source, "f", dict(scope, cuda=self.cuda, math=math)))

    def launched(self, kernel):
        cuda = self.cuda

        def call(*arrays):
            out = cuda.device_array_like(arrays[0])
            blocks = max(1, min(-(-out.size // self.THREADS), 65535))
            kernel[blocks, self.THREADS](*arrays, out)
            return out

        return call

    def function(self, kernel, dtype):
        cuda = self.cuda
        if kernel in ("sum", "dot", "matmul"):
            if kernel != "sum":
                return None  # it has no product of vectors or matrices of its own
            return cuda.reduce(lambda a, b: a + b)
        scope = {}
        if kernel == "blackscholes":
            rate, volatility, half, root = (dtype(x) for x in (INTEREST, VOLATILITY, 0.5, 0.5**0.5))

            @cuda.jit(device=True)
            def price(spot, strike, years):
                deviation = volatility * math.sqrt(years)
                d1 = (math.log(spot / strike) + (rate + volatility * volatility * half) * years) / deviation
                near, far = half + half * math.erf(d1 * root), half + half * math.erf((d1 - deviation) * root)
                return spot * near - strike * math.exp(-rate * years) * far

            scope, body = {"price": price}, "price(a[i], b[i], c[i])"
        else:
            body = self.at(EXPRESSIONS[kernel].replace("exp(", "math.exp(").replace("sin(", "math.sin("))
        return self.launched(self.kernel(", ".join(names(kernel)), body, scope))

    def at(self, text):
        """The expression of an element: a[i] for a."""
        for name in "abcd":
            text = "".join(f"{name}[i]" if c == name and self.alone(text, at) else c for at, c in enumerate(text))
        return text

    @staticmethod
    def alone(text, at):
        around = text[at - 1 : at] + text[at + 1 : at + 2]
        return not any(c.isalnum() or c in "._[" for c in around)

    def compiled(self, ops):
        return self.launched(self.kernel("a, b", self.at(chain(ops)), {}))

    def start(self):
        event = self.cuda.event(timing=True)
        event.record()
        return event

    def stop(self, start):
        end = self.start()
        return lambda: (end.synchronize(), self.cuda.event_elapsed_time(start, end) / 1e3)[1]


LIBRARIES = {
    "cupy": CuPy,
    "torch": lambda: Torch(False),
    "torch-compiled": lambda: Torch(True),
    "jax": JAX,
    "numba": Numba,
}


class Rival(compute.Rival):
    """One library; what it answers is what compute.Rival does."""

    def __init__(self, library):
        super().__init__(library.about, None, {}, {})
        self.library, self.sets, self.host, self.turn = library, None, None, 0

    def prepare(self, ask):
        self.free(ask)
        self.kernel, self.spans = ask["kernel"], ask["spans"]
        self.dtype = {"float64": np.float64, "float32": np.float32}[ask["dtype"]]
        self.n = ask["n"] ** 2 if self.kernel == "matmul" else ask["n"]
        self.shape = (ask["n"], ask["n"]) if self.kernel == "matmul" else (self.n,)
        self.function = self.library.function(self.kernel, self.dtype)
        if self.function is None:
            return {"unavailable": f"it has no {self.kernel}"}
        return {}

    def operands(self):
        """The sets on the GPU, where they are made of what is uploaded of a period."""
        if self.sets is None:
            up, n = self.library.up, self.n
            count = sets_of(len(self.spans) * n * np.dtype(self.dtype).itemsize)
            self.sets = []
            for i in range(count):
                arrays = [up(tile(k, span, n, self.dtype, i * SHIFT)) for k, span in enumerate(self.spans)]
                if n > compute.PERIOD:
                    arrays = [self.library.repeat(array, n) for array in arrays]
                self.sets.append([array.reshape(self.shape) for array in arrays])
        return self.sets

    def call(self, mode):
        """What is timed, and gives the result."""
        library, f = self.library, self.function
        if mode == HOST:
            if self.host is None:
                self.host = [compute.uniform(k, span, self.n, self.dtype).reshape(self.shape) for k, span in enumerate(self.spans)]
            return lambda: library.down(f(*map(library.up, self.host)))
        sets = self.operands()

        def call():
            self.turn += 1
            run = library.compiled(random.getrandbits(OPS)) if self.kernel == "compile" else f
            return run(*sets[self.turn % len(sets)])

        return call

    def check(self, ask):
        if ask["mode"] == KERNEL and self.library.start is None:
            return {"unavailable": "it has no events"}
        if ask["mode"] == HOST:
            return {"check": compute.summary(self.call(HOST)())}
        result = self.function(*self.operands()[0])
        return {"check": compute.summary(self.library.down(result))}

    def run(self, ask):
        mode, inner = ask["mode"], ask["inner"]
        call = self.call(mode)
        self.library.sync(call())
        end, runs = time.perf_counter() + ask["limit"], []
        while not runs or (len(runs) < ask["repeat"] and time.perf_counter() < end):
            runs.append((self.events if mode == KERNEL else self.clock)(call, inner) / inner)
        return {"runs_s": runs}

    def clock(self, call, inner):
        start = time.perf_counter()
        for _ in range(inner):
            result = call()
        self.library.sync(result)
        return time.perf_counter() - start

    def events(self, call, inner):
        ends = []
        for _ in range(inner):
            start = self.library.start()
            call()
            ends.append(self.library.stop(start))
        return sum(end() for end in ends)

    def free(self, ask):
        self.sets = self.host = self.function = None
        self.library.trim()
        compute.trim()
        return {}


if __name__ == "__main__":
    which = sys.argv.pop(1)
    sys.argv[0] = which
    Rival(LIBRARIES[which]()).serve()
