"""The mpi4py rival of `darray bench collectives`: the cases, the batches and the checks of osu.c, by buffer calls.

    mpirun -n 2 python3 osu.py --runs 5 --batch-ms 20 pingpong:8 allreduce:65536
"""

import json
import resource
import sys

import numpy as np
from mpi4py import MPI

WINDOW, MAX_INNER = 64, 10000
comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()


def pattern(start, n, r):
    return ((np.arange(start, start + n, dtype=np.int64) * 7 + r) & 255).astype(np.uint8)


def same(ok, op):
    if not ok:
        print("osu.py: wrong result of", op, file=sys.stderr)
        comm.Abort(1)


def pingpong(n):
    out, into = pattern(0, n, rank), np.zeros(n, np.uint8)

    def call():
        if rank == 0:
            comm.Send(out, 1, 1)
            comm.Recv(into, 1, 1)
        elif rank == 1:
            comm.Recv(into, 0, 1)
            comm.Send(out, 0, 1)

    return call, lambda: rank > 1 or np.array_equal(into, pattern(0, n, 1 - rank))


def bw(n):
    out, into = pattern(0, n * WINDOW, rank), np.zeros(n * WINDOW, np.uint8)
    parts = [(out if rank == 0 else into)[i * n : (i + 1) * n] for i in range(WINDOW)]
    ack = np.zeros(4, np.uint8)

    def call():
        if rank == 0:
            MPI.Request.Waitall([comm.Isend(part, 1, 1) for part in parts])
            comm.Recv(ack, 1, 2)
        elif rank == 1:
            MPI.Request.Waitall([comm.Irecv(part, 0, 1) for part in parts])
            comm.Send(ack, 0, 2)

    return call, lambda: rank != 1 or np.array_equal(into, pattern(0, n * WINDOW, 0))


def bcast(n):
    data, turn = pattern(0, n, rank), [0]

    def call():
        comm.Bcast(data, turn[0] % size)
        turn[0] += 1

    return call, lambda: np.array_equal(data, pattern(0, n, 0))


def allreduce(n):
    ramp = np.arange(n // 8) % 1000
    out, into = (rank + 1.0) * ramp, np.zeros(n // 8)
    return lambda: comm.Allreduce(out, into, MPI.SUM), lambda: np.array_equal(into, size * (size + 1) / 2 * ramp)


def allgather(n):
    out, into = pattern(0, n, rank), np.zeros(n * size, np.uint8)
    want = lambda: np.concatenate([pattern(0, n, r) for r in range(size)])
    return lambda: comm.Allgather(out, into), lambda: np.array_equal(into, want())


def alltoall(n):
    out, into = pattern(0, n * size, rank), np.zeros(n * size, np.uint8)
    want = lambda: np.concatenate([pattern(rank * n, n, r) for r in range(size)])
    return lambda: comm.Alltoall(out, into), lambda: np.array_equal(into, want())


def barrier(n):
    return comm.Barrier, lambda: True


def add(n):
    counts = [n // size + (r < n % size) for r in range(size)]
    pa, pb, pc = (np.zeros(counts[rank]) for _ in range(3))
    a = b = c = None
    if rank == 0:
        a, b, c = np.arange(n, dtype=np.float64), np.ones(n), np.zeros(n)

    def even():
        comm.Scatter(a, pa)
        comm.Scatter(b, pb)
        np.add(pa, pb, out=pc)
        comm.Gather(pc, c)

    def uneven():
        comm.Scatterv([a, counts], pa)
        comm.Scatterv([b, counts], pb)
        np.add(pa, pb, out=pc)
        comm.Gatherv(pc, [c, counts])

    return uneven if n % size else even, lambda: rank > 0 or np.array_equal(c, np.arange(1.0, n + 1))


def cpu():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime


def batch(call, inner, halves):
    comm.Barrier()
    w, t = cpu(), MPI.Wtime()
    for _ in range(inner):
        call()
    t = MPI.Wtime() - t
    comm.Barrier()
    w = cpu() - w
    return comm.allreduce(t, MPI.MAX) / (inner * halves), comm.allreduce(w, MPI.SUM) / inner


def measure(name, runs, target):
    op, _, n = name.partition(":")
    n = int(n)
    call, right = globals()[op](n)
    call()
    same(right(), op)
    inner, halves = 1, 2 if op == "pingpong" else 1
    while True:
        took = batch(call, inner, halves)[0] * inner
        if took >= target or inner == MAX_INNER:
            break
        inner = min(MAX_INNER, int(inner * min(10, max(2, 1.2 * target / took if took > 0 else 10))))
    results = [batch(call, inner, halves) for _ in range(runs)]
    if rank == 0:
        line = {"case": name, "bytes": n, "inner": inner, "runs_s": [r[0] for r in results], "cpu_s": [r[1] for r in results]}
        print(json.dumps(line), flush=True)


def main(args):
    runs, target = 5, 0.02
    while args:
        arg = args.pop(0)
        if arg == "--runs":
            runs = int(args.pop(0))
        elif arg == "--batch-ms":
            target = float(args.pop(0)) / 1000
        else:
            measure(arg, runs, target)


main(sys.argv[1:])
