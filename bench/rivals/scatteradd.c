/* The tutorial of examples/scatteradd in C: rank 0 scatters A and B, every rank adds its parts, rank 0 gathers C. */
#include <mpi.h>
#include <stdio.h>

enum { N = 100 };

int main(int argc, char **argv) {
  int rank, size;
  double a[N], b[N], sum[N], pa[N], pb[N], pc[N];
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  int part = N / size;
  if (rank == 0)
    for (int i = 0; i < N; i++) a[i] = i, b[i] = 1;
  MPI_Scatter(a, part, MPI_DOUBLE, pa, part, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  MPI_Scatter(b, part, MPI_DOUBLE, pb, part, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  for (int i = 0; i < part; i++) pc[i] = pa[i] + pb[i];
  MPI_Gather(pc, part, MPI_DOUBLE, sum, part, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  if (rank == 0) printf("Result of A + B = [%g %g %g ... %g]\n", sum[0], sum[1], sum[2], sum[N - 1]);
  MPI_Finalize();
  return 0;
}
