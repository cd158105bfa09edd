// What a kernel needs of CUDA's headers, so that clang alone compiles it, with nothing of the CUDA SDK.
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __noinline__ __attribute__((noinline))
#define KERNEL extern "C" __global__ void

#define SHIM_AXIS(what, x) \
  __declspec(property(get = get_##x)) unsigned x; \
  __device__ unsigned get_##x() const { return __nvvm_read_ptx_sreg_##what##_##x(); }
#define SHIM_REGISTER(type, what, name) \
  struct type { SHIM_AXIS(what, x) SHIM_AXIS(what, y) SHIM_AXIS(what, z) }; \
  extern const __device__ __attribute__((weak)) type name;

SHIM_REGISTER(shim_tid, tid, threadIdx)
SHIM_REGISTER(shim_ctaid, ctaid, blockIdx)
SHIM_REGISTER(shim_ntid, ntid, blockDim)
SHIM_REGISTER(shim_nctaid, nctaid, gridDim)

#define __syncthreads() __nvvm_bar_sync(0)
#define __syncwarp(mask) __nvvm_bar_warp_sync(mask)
#define __syncthreads_count(p) __nvvm_bar0_popc(p)
#define __syncthreads_or(p) __nvvm_bar0_or(p)
#define __ballot_sync(mask, p) __nvvm_vote_ballot_sync(mask, p)
#define __shfl_down_sync(mask, v, n) __nvvm_shfl_sync_down_i32(mask, v, n, 31)
#define __shfl_xor_sync(mask, v, n) __nvvm_shfl_sync_bfly_i32(mask, v, n, 31)
#define __shfl_up_sync(mask, v, n) __nvvm_shfl_sync_up_i32(mask, v, n, 0)
#define __threadfence() __nvvm_membar_gl()
#define LANE __nvvm_read_ptx_sreg_laneid()
