"""PyTorch on the CPU: eager, an op at a time by threads; out= and in-place ops for results that are there already."""

import torch

import compute
from compute import POLY

FRESH = {
    "add": "a + b",
    "muladdsub": "a * b + c - d",
    "hypot": "torch.sqrt(a * a + b * b)",
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
    "hypot": "torch.mul(a, a, out=o).addcmul_(b, b).sqrt_()",
    "where": "torch.gt(a, b, out=m); torch.where(m, a, b, out=o)",
    "poly20": f"torch.mul(a, {POLY[0] / 8}, out=o).add_({POLY[1] / 8})" + "".join(f".mul_(a).add_({k / 8})" for k in POLY[2:]),
    "chain5": "torch.add(a, b, out=o).mul_(a).sub_(b).mul_(a).add_(b)",
    "matmul": "torch.matmul(a, b, out=o)",
}


def room(kernel, dtype, arrays):
    names = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if kernel == "where":
        names["m"] = torch.zeros(arrays["a"].shape, dtype=torch.bool)
    return dict(names, torch=torch)


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
