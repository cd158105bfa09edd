"""The tutorial of examples/scatteradd with mpi4py: rank 0 scatters A and B, every rank adds its parts, rank 0 gathers C."""

import numpy as np
from mpi4py import MPI

n = 100
comm = MPI.COMM_WORLD
a = b = total = None
if comm.Get_rank() == 0:
    a, b, total = np.arange(n, dtype=np.float64), np.ones(n), np.empty(n)
pa, pb = np.empty(n // comm.Get_size()), np.empty(n // comm.Get_size())
comm.Scatter(a, pa)
comm.Scatter(b, pb)
comm.Gather(pa + pb, total)
if comm.Get_rank() == 0:
    print("Result of A + B = [%g %g %g ... %g]" % (total[0], total[1], total[2], total[-1]))
