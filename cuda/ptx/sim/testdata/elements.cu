// Element-wise kernels: arithmetic of every width, divisions, conversions, a switch, function calls, struct parameters.

KERNEL saxpy(int n, float a, const float *x, float *y) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x) y[i] = a * x[i] + y[i];
}

KERNEL poly(int n, const double *x, double *y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  double v = x[i], p = 0.5;
  for (int k = 0; k < 12; k++) p = __builtin_fma(p, v, 1.0 / (k + 1));
  y[i] = __builtin_sqrt(p * p + 1) / (v * v + 3);
}

KERNEL divisions(int n, const int *x, const long long *y, long long *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  long long b = y[i];
  int a = x[i];
  unsigned long long u = (unsigned long long)b;
  out[i] = a / 7 + a % 10 + b / 1000003 + b % (a | 1) + (long long)(u / 10) + (long long)(u % (unsigned)(a | 1)) + (unsigned)a / 3u;
}

KERNEL narrow(int n, const signed char *a, const unsigned short *b, signed char *c, unsigned short *d, unsigned char *e) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  c[i] = (signed char)(a[i] * 3 - b[i]);
  d[i] = (unsigned short)(b[i] / (unsigned short)(1 + (i & 7)) + a[i]);
  e[i] = (unsigned char)((a[i] >> 1) ^ (b[i] >> 3));
}

KERNEL convert(int n, const double *x, int *i32, unsigned char *u8, float *f32, long long *i64) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  i32[i] = (int)x[i];
  u8[i] = (unsigned char)(unsigned)x[i];
  f32[i] = (float)x[i];
  i64[i] = (long long)__builtin_floor(x[i]) + (long long)__builtin_fabs(x[i]);
}

static __device__ __noinline__ int choose(int k, int v) {
  switch (k) {
    case 0: return v + 1;
    case 1: return v * v;
    case 2: return v - 7;
    case 3: return ~v;
    case 4: return v << 3;
    case 5: return v / 3;
    case 6: return -v;
    default: return 0;
  }
}

KERNEL calls(int n, int *x) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = choose(i % 9, x[i]) + choose((i + 1) % 9, i);
}

// A switch whose branches store, so that no compiler makes a table of values of it.
KERNEL branches(int n, const int *k, int *x) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int v = x[i];
  switch (k[i]) {
    case 0: v = v * 3 + 1; for (int j = 0; j < v % 5; j++) x[i] = v += j; break;
    case 1: v ^= 0x55; break;
    case 2: v = v / 11; x[i] = v; v++; break;
    case 3: v = -v; break;
    case 4: while (v > 100) v /= 2; break;
    case 5: v = __builtin_popcount(v); break;
    case 6: v = __builtin_clz(v | 1); break;
    case 7: v = v % 13; break;
  }
  x[i] = v;
}

struct pair { double a; int b[5]; };

static __device__ __noinline__ pair turn(pair p, int by) {
  pair q = p;
  for (int i = 0; i < 5; i++) q.b[(i + by) % 5] = p.b[i];
  q.a = -p.a;
  return q;
}

KERNEL structs(pair p, double *out) {
  int i = threadIdx.x;
  pair q = turn(p, i % 5);
  out[i] = q.a + q.b[i % 5] * 10 + p.b[(i + 1) % 5];
}

__constant__ int table[4] = {10, -20, 30, -40};
__device__ double scale = 2.5;
__device__ int counter;

KERNEL variables(int n, double *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = table[i & 3] * scale;
  if (i < n) __nvvm_atom_add_gen_i(&counter, 1);
}

KERNEL vectors(int n, const int *x, int *y) {
  typedef int v4 __attribute__((ext_vector_type(4)));
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) ((v4 *)y)[i] = ((const v4 *)x)[i] * 3 + i;
}
