// Kernels whose threads work together: shared memory, shuffles, votes, atomics.

KERNEL tree(int n, const double *x, double *out) {
  __shared__ double s[256];
  int t = threadIdx.x, i = blockIdx.x * 256 + t;
  s[t] = i < n ? x[i] : 0;
  __syncthreads();
  for (int k = 128; k > 0; k >>= 1) {
    if (t < k) s[t] += s[t + k];
    __syncthreads();
  }
  if (t == 0) out[blockIdx.x] = s[0];
}

KERNEL shuffles(int n, const int *x, int *out) {
  __shared__ int part[32];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int v = i < n ? x[i] : 0;
  for (int d = 16; d; d >>= 1) v += __shfl_down_sync(0xffffffff, v, d);
  if (LANE == 0) part[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x < 32) {
    v = threadIdx.x < blockDim.x / 32 ? part[threadIdx.x] : 0;
    for (int d = 16; d; d >>= 1) v += __shfl_xor_sync(0xffffffff, v, d);
    if (threadIdx.x == 0) out[blockIdx.x] = v;
  }
}

static __device__ long long both(long long v, int d) {
  unsigned lo = __shfl_down_sync(0xffffffff, (int)v, d), hi = __shfl_down_sync(0xffffffff, (int)(v >> 32), d);
  return (long long)((unsigned long long)hi << 32 | lo);
}

KERNEL shuffles64(const long long *x, long long *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  long long v = x[i];
  for (int d = 16; d; d >>= 1) v += both(v, d);
  if (LANE == 0) out[i / 32] = v;
}

KERNEL histogram(int n, const unsigned char *x, unsigned *out) {
  __shared__ unsigned s[64];
  if (threadIdx.x < 64) s[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x)
    __nvvm_atom_add_gen_i((int *)&s[x[i] % 64], 1);
  __syncthreads();
  if (threadIdx.x < 64) __nvvm_atom_add_gen_i((int *)&out[threadIdx.x], s[threadIdx.x]);
}

KERNEL prefix(int n, const int *x, int *out) {
  __shared__ int s[2][128];
  int t = threadIdx.x, from = 0;
  s[0][t] = t < n ? x[t] : 0;
  __syncthreads();
  for (int d = 1; d < 128; d *= 2) {
    s[1 - from][t] = s[from][t] + (t >= d ? s[from][t - d] : 0);
    from = 1 - from;
    __syncthreads();
  }
  if (t < n) out[t] = s[from][t];
}

KERNEL matmul(int n, const double *a, const double *b, double *c) {
  __shared__ double x[8][8], y[8][8];
  int i = blockIdx.y * 8 + threadIdx.y, j = blockIdx.x * 8 + threadIdx.x;
  double sum = 0;
  for (int k = 0; k < n; k += 8) {
    x[threadIdx.y][threadIdx.x] = i < n && k + threadIdx.x < n ? a[i * n + k + threadIdx.x] : 0;
    y[threadIdx.y][threadIdx.x] = j < n && k + threadIdx.y < n ? b[(k + threadIdx.y) * n + j] : 0;
    __syncthreads();
    for (int l = 0; l < 8; l++) sum += x[threadIdx.y][l] * y[l][threadIdx.x];
    __syncthreads();
  }
  if (i < n && j < n) c[i * n + j] = sum;
}

// Each warp keeps the values that are odd, packed, and counts them.
KERNEL compact(const int *x, int *out, int *count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x, w = i / 32;
  int v = x[i];
  unsigned odd = __ballot_sync(0xffffffff, v & 1);
  int at = __builtin_popcount(odd & ((1u << LANE) - 1));
  if (v & 1) out[w * 32 + at] = v;
  if (LANE == 0) count[w] = __builtin_popcount(odd);
  int all = __syncthreads_count(v & 1);
  if (threadIdx.x == 0) count[gridDim.x * blockDim.x / 32 + blockIdx.x] = all;
}

// Maximum by compare and swap, minimum by an atomic operation, a float64 sum.
KERNEL atomics(int n, const int *x, int *max, int *min, double *sum) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int old = *(volatile int *)max;
  while (old < x[i]) {
    int seen = __nvvm_atom_cas_gen_i(max, old, x[i]);
    if (seen == old) break;
    old = seen;
  }
  __nvvm_atom_min_gen_i(min, x[i]);
  __nvvm_atom_add_gen_d(sum, x[i]);
}

extern __shared__ int room[];

KERNEL reverse(int n, int *x) {
  room[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  x[threadIdx.x] = room[n - 1 - threadIdx.x];
}

// A warp that works in halves, each with its own member mask.
KERNEL halves(const int *x, int *out) {
  int v = x[threadIdx.x];
  if (threadIdx.x < 16) {
    for (int d = 8; d; d >>= 1) v += __shfl_xor_sync(0x0000ffff, v, d);
  } else {
    for (int d = 8; d; d >>= 1) v -= __shfl_xor_sync(0xffff0000, v, d);
  }
  __syncwarp(0xffffffff);
  out[threadIdx.x] = v;
}

// The tree within a warp, which needs __syncwarp between writing and reading.
KERNEL warptree(const int *x, int *out) {
  __shared__ int s[32];
  int t = threadIdx.x;
  s[t] = x[t];
  __syncwarp(0xffffffff);
  for (int d = 16; d; d >>= 1) {
    int v = t < d ? s[t + d] : 0;
    __syncwarp(0xffffffff);
    s[t] += v;
    __syncwarp(0xffffffff);
  }
  if (t == 0) *out = s[0];
}
