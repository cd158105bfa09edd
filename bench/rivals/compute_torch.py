"""PyTorch on the CPU: eager, an op at a time by threads; out= and in-place ops for results that are there already."""

import torch

import compute
from compute import INTEREST, POLY, VOLATILITY

FRESH = {
    "add": "a + b",
    "muladdsub": "a * b + c - d",
    "length": "torch.sqrt(a * a + b * b)",
    "where": "torch.where(a > b, a, b)",
    "poly20": compute.horner(lambda i: str(POLY[i] / 8)),
    "chain5": "((((a + b) * a) - b) * a) + b",
    "sum": "a.sum()",
    "dot": "torch.dot(a, b)",
    "meanstd": "torch.std_mean(a, unbiased=False)[::-1]",
    "max": "a.max()",
    "sum-axis0": "a.sum(dim=0)",
    "sum-axis1": "a.sum(dim=1)",
    "matmul": "a @ b",
}

INTO = {
    "add": "torch.add(a, b, out=o)",
    "muladdsub": "torch.mul(a, b, out=o).add_(c).sub_(d)",
    "length": "torch.mul(a, a, out=o).addcmul_(b, b).sqrt_()",
    "where": "torch.gt(a, b, out=m); torch.where(m, a, b, out=o)",
    "poly20": f"torch.mul(a, {POLY[0] / 8}, out=o).add_({POLY[1] / 8})" + "".join(f".mul_(a).add_({k / 8})" for k in POLY[2:]),
    "chain5": "torch.add(a, b, out=o).mul_(a).sub_(b).mul_(a).add_(b)",
    "matmul": "torch.matmul(a, b, out=o)",
}

# The math suite's functions have the same names here; PyTorch has no cbrt.
FUNCTIONS = {name: "torch." + name for name in (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "pow", "sqrt", "hypot", "sin", "cos", "tan", "asin", "acos", "atan", "atan2",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "floor", "ceil", "trunc", "round", "sign", "copysign", "floor_divide",
    "remainder", "fmod", "nextafter", "reciprocal",
)}  # fmt: skip

FRESH["expsin"] = "torch.exp(-a * a) * torch.sin(b)"
INTO["expsin"] = "torch.neg(a, out=o).mul_(a).exp_(); torch.sin(b, out=t); o.mul_(t)"
FRESH["blackscholes"] = "call_price(a, b, c)"
INTO["blackscholes"] = "call_price_into(a, b, c, o, t, u)"
FRESH["logsumexp"] = "torch.logsumexp(a, 0)"

for statements, more in zip((FRESH, INTO), compute.functions(FUNCTIONS)):
    statements.update(more)


def normal(d):
    return 0.5 * (1 + torch.erf(d * 0.5**0.5))


def call_price(spot, strike, time):
    deviation = VOLATILITY * torch.sqrt(time)
    d1 = (torch.log(spot / strike) + (INTEREST + VOLATILITY**2 / 2) * time) / deviation
    d2 = d1 - deviation
    return spot * normal(d1) - strike * torch.exp(-INTEREST * time) * normal(d2)


def call_price_into(spot, strike, time, o, t, u):
    """The same in place: t is the deviation and then the strike's part, u is d1."""
    torch.sqrt(time, out=t).mul_(VOLATILITY)
    torch.mul(time, INTEREST + VOLATILITY**2 / 2, out=u)
    torch.div(spot, strike, out=o).log_().add_(u)
    torch.div(o, t, out=u)
    torch.sub(u, t, out=t).mul_(0.5**0.5).erf_().add_(1).mul_(0.5).mul_(strike)
    t.mul_(torch.mul(time, -INTEREST, out=o).exp_())
    torch.mul(u, 0.5**0.5, out=o).erf_().add_(1).mul_(0.5).mul_(spot).sub_(t)


def room(kernel, dtype, arrays):
    names = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if kernel == "where":
        names["m"] = torch.zeros(arrays["a"].shape, dtype=torch.bool)
    for name in {"expsin": "t", "blackscholes": "tu"}.get(kernel, ""):
        names[name] = torch.zeros_like(names["a"])
    return dict(names, torch=torch, call_price=call_price, call_price_into=call_price_into)


def summary(result):
    if isinstance(result, tuple):
        result = torch.stack(result)
    return compute.summary(result.numpy())


def cpu():
    """What torch says of the instructions that it uses."""
    lines = [line.strip(" -") for line in torch.__config__.show().splitlines() if "CPU capability" in line]
    return lines[0] if lines else ""


if __name__ == "__main__":
    torch.set_num_threads(compute.threads())
    torch.set_grad_enabled(False)
    compute.Rival(f"torch {torch.__version__}, {cpu()}, {compute.python()}", room, FRESH, INTO, summary).serve()
