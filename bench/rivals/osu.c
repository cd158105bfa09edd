/* The C rival of `darray bench collectives`: the cases of the OSU micro-benchmarks, written anew for any MPI.
 *
 *   mpicc -O3 -march=native -o osu osu.c && mpirun -n 2 ./osu --runs 5 --batch-ms 20 pingpong:8 allreduce:65536
 *
 * Rank 0 prints a line of JSON for each case: {"case", "bytes", "inner", "runs_s", "cpu_s"}. A run is a batch of
 * `inner` calls between barriers; its time is that of the slowest rank, divided by inner. Batches grow until one takes
 * --batch-ms, which is the warm-up. Every result is checked once. osu.py and the ranks of darray do the same.
 *
 *   pingpong   half of a round trip of that many bytes between ranks 0 and 1
 *   bw         64 messages of that many bytes in flight from rank 0 to rank 1, then 4 bytes back
 *   bcast      that many bytes; the root goes round, so that no call runs ahead of the one before
 *   allreduce  sum of that many bytes of double on every rank
 *   allgather  that many bytes from every rank to every rank
 *   alltoall   that many bytes from every rank to each rank
 *   barrier    (0 bytes)
 *   add        a + b of that many doubles: scatter a, scatter b, add, gather */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { WINDOW = 64, ALIGN = 64, MAX_INNER = 10000 };

static int rank, size;

struct job {
  const char *op;
  size_t n;            /* bytes, or doubles of add */
  char *out, *in;      /* what is sent and what comes */
  double *a, *b, *c;   /* add: the root's arrays */
  double *pa, *pb, *pc;
  int *counts, *starts;
  int turn;
};

static void fail(const char *what, const char *name) {
  fprintf(stderr, "osu: %s: %s\n", what, name);
  MPI_Abort(MPI_COMM_WORLD, 1);
  exit(1);
}

static void *room(size_t bytes) {
  void *p = aligned_alloc(ALIGN, (bytes / ALIGN + 1) * ALIGN);
  if (!p) fail("no memory", "");
  memset(p, 0, bytes);
  return p;
}

static int is(const struct job *j, const char *op) { return strcmp(j->op, op) == 0; }

static void prepare(struct job *j) {
  size_t in = j->n, out = j->n;
  if (is(j, "bw")) in = out = j->n * WINDOW;
  if (is(j, "allgather")) in = j->n * size;
  if (is(j, "alltoall")) in = out = j->n * size;
  j->turn = 0;
  if (!is(j, "add")) {
    j->out = room(out);
    j->in = room(in);
    for (size_t i = 0; i < out; i++) j->out[i] = (char)(i * 7 + rank);
    if (is(j, "allreduce"))
      for (size_t i = 0; i < j->n / 8; i++) ((double *)j->out)[i] = (double)(rank + 1) * (i % 1000);
    return;
  }
  j->counts = room(size * sizeof(int));
  j->starts = room(size * sizeof(int));
  for (int r = 0, at = 0; r < size; at += j->counts[r++]) {
    j->counts[r] = j->n / size + ((size_t)r < j->n % size);
    j->starts[r] = at;
  }
  size_t part = j->counts[rank] * sizeof(double);
  j->pa = room(part), j->pb = room(part), j->pc = room(part);
  if (rank == 0) {
    j->a = room(j->n * 8), j->b = room(j->n * 8), j->c = room(j->n * 8);
    for (size_t i = 0; i < j->n; i++) j->a[i] = i, j->b[i] = 1;
  }
}

static void done(struct job *j) {
  void *all[] = {j->out, j->in, j->a, j->b, j->c, j->pa, j->pb, j->pc, j->counts, j->starts};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void pingpong(struct job *j) {
  if (rank == 0) {
    MPI_Send(j->out, j->n, MPI_BYTE, 1, 1, MPI_COMM_WORLD);
    MPI_Recv(j->in, j->n, MPI_BYTE, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  } else if (rank == 1) {
    MPI_Recv(j->in, j->n, MPI_BYTE, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Send(j->out, j->n, MPI_BYTE, 0, 1, MPI_COMM_WORLD);
  }
}

static void window(struct job *j) {
  MPI_Request all[WINDOW];
  char ack[4] = {0};
  if (rank == 0) {
    for (int i = 0; i < WINDOW; i++) MPI_Isend(j->out + i * j->n, j->n, MPI_BYTE, 1, 1, MPI_COMM_WORLD, &all[i]);
    MPI_Waitall(WINDOW, all, MPI_STATUSES_IGNORE);
    MPI_Recv(ack, 4, MPI_BYTE, 1, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  } else if (rank == 1) {
    for (int i = 0; i < WINDOW; i++) MPI_Irecv(j->in + i * j->n, j->n, MPI_BYTE, 0, 1, MPI_COMM_WORLD, &all[i]);
    MPI_Waitall(WINDOW, all, MPI_STATUSES_IGNORE);
    MPI_Send(ack, 4, MPI_BYTE, 0, 2, MPI_COMM_WORLD);
  }
}

static void add(struct job *j) {
  int own = j->counts[rank];
  if (j->n % size == 0) {
    MPI_Scatter(j->a, own, MPI_DOUBLE, j->pa, own, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    MPI_Scatter(j->b, own, MPI_DOUBLE, j->pb, own, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  } else {
    MPI_Scatterv(j->a, j->counts, j->starts, MPI_DOUBLE, j->pa, own, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    MPI_Scatterv(j->b, j->counts, j->starts, MPI_DOUBLE, j->pb, own, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  }
  for (int i = 0; i < own; i++) j->pc[i] = j->pa[i] + j->pb[i];
  if (j->n % size == 0)
    MPI_Gather(j->pc, own, MPI_DOUBLE, j->c, own, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  else
    MPI_Gatherv(j->pc, own, MPI_DOUBLE, j->c, j->counts, j->starts, MPI_DOUBLE, 0, MPI_COMM_WORLD);
}

static void call(struct job *j) {
  if (is(j, "pingpong")) pingpong(j);
  else if (is(j, "bw")) window(j);
  else if (is(j, "bcast")) MPI_Bcast(j->out, j->n, MPI_BYTE, j->turn++ % size, MPI_COMM_WORLD);
  else if (is(j, "allreduce")) MPI_Allreduce(j->out, j->in, j->n / 8, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  else if (is(j, "allgather")) MPI_Allgather(j->out, j->n, MPI_BYTE, j->in, j->n, MPI_BYTE, MPI_COMM_WORLD);
  else if (is(j, "alltoall")) MPI_Alltoall(j->out, j->n, MPI_BYTE, j->in, j->n, MPI_BYTE, MPI_COMM_WORLD);
  else if (is(j, "barrier")) MPI_Barrier(MPI_COMM_WORLD);
  else if (is(j, "add")) add(j);
  else fail("there are pingpong bw bcast allreduce allgather alltoall barrier and add, not", j->op);
}

/* pattern is what prepare put at byte i of rank r's out. */
static int pattern(const char *p, size_t from, size_t n, int r) {
  for (size_t i = 0; i < n; i++)
    if (p[i] != (char)((from + i) * 7 + r)) return 0;
  return 1;
}

/* check looks at the result of at least one call; bcast left the bytes of rank 0, where the first call began. */
static void check(struct job *j) {
  int ok = 1;
  if (is(j, "pingpong") && rank < 2) ok = pattern(j->in, 0, j->n, 1 - rank);
  if (is(j, "bw") && rank == 1) ok = pattern(j->in, 0, j->n * WINDOW, 0);
  if (is(j, "bcast")) ok = pattern(j->out, 0, j->n, 0);
  if (is(j, "allreduce"))
    for (size_t i = 0; i < j->n / 8; i++) ok &= ((double *)j->in)[i] == size * (size + 1) / 2.0 * (i % 1000);
  for (int r = 0; r < size; r++) {
    if (is(j, "allgather")) ok &= pattern(j->in + r * j->n, 0, j->n, r);
    if (is(j, "alltoall")) ok &= pattern(j->in + r * j->n, rank * j->n, j->n, r);
  }
  if (is(j, "add") && rank == 0)
    for (size_t i = 0; i < j->n; i++) ok &= j->c[i] == i + 1.0;
  if (!ok) fail("wrong result of", j->op);
}

static double cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* batch gives the wall seconds of the slowest rank and the CPU seconds of all of them, for one call. */
static void batch(struct job *j, int inner, double *wall, double *work) {
  MPI_Barrier(MPI_COMM_WORLD);
  double w = cpu(), t = MPI_Wtime();
  for (int i = 0; i < inner; i++) call(j);
  t = MPI_Wtime() - t;
  MPI_Barrier(MPI_COMM_WORLD); /* a rank that waits for the others works, too */
  w = cpu() - w;
  MPI_Allreduce(&t, wall, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  MPI_Allreduce(&w, work, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  *wall /= inner * (is(j, "pingpong") ? 2 : 1);
  *work /= inner;
}

static void measure(char *name, int runs, double target) {
  struct job j = {0};
  char label[64];
  snprintf(label, sizeof label, "%s", name);
  char *colon = strchr(name, ':');
  if (!colon) fail("a case is OP:BYTES, not", name);
  *colon = 0;
  j.op = name, j.n = strtoull(colon + 1, NULL, 10);
  prepare(&j);
  call(&j);
  check(&j);
  double wall, work, times[runs], works[runs];
  int inner = 1;
  for (;;) {
    batch(&j, inner, &wall, &work);
    double took = wall * inner;
    if (took >= target || inner == MAX_INNER) break;
    double grow = took > 0 ? 1.2 * target / took : 10;
    inner = inner * (grow > 10 ? 10 : grow < 2 ? 2 : grow);
    if (inner > MAX_INNER) inner = MAX_INNER;
  }
  for (int i = 0; i < runs; i++) batch(&j, inner, &times[i], &works[i]);
  if (rank == 0) {
    printf("{\"case\": \"%s\", \"bytes\": %zu, \"inner\": %d, \"runs_s\": [", label, j.n, inner);
    for (int i = 0; i < runs; i++) printf("%s%.9g", i ? ", " : "", times[i]);
    printf("], \"cpu_s\": [");
    for (int i = 0; i < runs; i++) printf("%s%.9g", i ? ", " : "", works[i]);
    printf("]}\n");
    fflush(stdout);
  }
  done(&j);
}

int main(int argc, char **argv) {
  int runs = 5;
  double target = 0.02;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc) runs = atoi(argv[++i]);
    else if (strcmp(argv[i], "--batch-ms") == 0 && i + 1 < argc) target = atof(argv[++i]) / 1000;
    else measure(argv[i], runs, target);
  }
  MPI_Finalize();
  return 0;
}
