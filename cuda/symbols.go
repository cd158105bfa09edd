package cuda

import "fmt"

// function is one of the driver's, an index into its table.
type function uint8

// The driver's functions that are called here.
const (
	fnInit function = iota
	fnDriverGetVersion
	fnGetErrorName
	fnGetErrorString
	fnDeviceGetCount
	fnDeviceGet
	fnDeviceGetName
	fnDeviceGetAttribute
	fnDeviceTotalMem
	fnDeviceGetUUID
	fnPrimaryCtxRetain
	fnPrimaryCtxRelease
	fnCtxSetCurrent
	fnCtxSynchronize
	fnMemGetInfo
	fnMemAlloc
	fnMemFree
	fnMemHostAlloc
	fnMemFreeHost
	fnMemHostRegister
	fnMemHostUnregister
	fnMemcpyHtoDAsync
	fnMemcpyDtoHAsync
	fnMemcpyDtoDAsync
	fnMemcpyPeerAsync
	fnMemsetD8Async
	fnStreamCreate
	fnStreamDestroy
	fnStreamSynchronize
	fnStreamWaitEvent
	fnEventCreate
	fnEventDestroy
	fnEventRecord
	fnEventQuery
	fnEventElapsedTime
	fnModuleLoadDataEx
	fnModuleUnload
	fnModuleGetFunction
	fnFuncGetAttribute
	fnFuncSetAttribute
	fnFuncGetParamInfo
	fnLaunchKernel
	fnOccupancy
	functions // how many
)

// names are the functions' symbols. The version is spelled out, as headers of CUDA do by macros that differ between 12 and 13;
// a driver keeps every version that it ever had.
var names = [functions]string{
	fnInit:               "cuInit",
	fnDriverGetVersion:   "cuDriverGetVersion",
	fnGetErrorName:       "cuGetErrorName",
	fnGetErrorString:     "cuGetErrorString",
	fnDeviceGetCount:     "cuDeviceGetCount",
	fnDeviceGet:          "cuDeviceGet",
	fnDeviceGetName:      "cuDeviceGetName",
	fnDeviceGetAttribute: "cuDeviceGetAttribute",
	fnDeviceTotalMem:     "cuDeviceTotalMem_v2",
	fnDeviceGetUUID:      "cuDeviceGetUuid_v2",
	fnPrimaryCtxRetain:   "cuDevicePrimaryCtxRetain",
	fnPrimaryCtxRelease:  "cuDevicePrimaryCtxRelease_v2",
	fnCtxSetCurrent:      "cuCtxSetCurrent",
	fnCtxSynchronize:     "cuCtxSynchronize",
	fnMemGetInfo:         "cuMemGetInfo_v2",
	fnMemAlloc:           "cuMemAlloc_v2",
	fnMemFree:            "cuMemFree_v2",
	fnMemHostAlloc:       "cuMemHostAlloc",
	fnMemFreeHost:        "cuMemFreeHost",
	fnMemHostRegister:    "cuMemHostRegister_v2",
	fnMemHostUnregister:  "cuMemHostUnregister",
	fnMemcpyHtoDAsync:    "cuMemcpyHtoDAsync_v2",
	fnMemcpyDtoHAsync:    "cuMemcpyDtoHAsync_v2",
	fnMemcpyDtoDAsync:    "cuMemcpyDtoDAsync_v2",
	fnMemcpyPeerAsync:    "cuMemcpyPeerAsync",
	fnMemsetD8Async:      "cuMemsetD8Async",
	fnStreamCreate:       "cuStreamCreate",
	fnStreamDestroy:      "cuStreamDestroy_v2",
	fnStreamSynchronize:  "cuStreamSynchronize",
	fnStreamWaitEvent:    "cuStreamWaitEvent",
	fnEventCreate:        "cuEventCreate",
	fnEventDestroy:       "cuEventDestroy_v2",
	fnEventRecord:        "cuEventRecord",
	fnEventQuery:         "cuEventQuery",
	fnEventElapsedTime:   "cuEventElapsedTime",
	fnModuleLoadDataEx:   "cuModuleLoadDataEx",
	fnModuleUnload:       "cuModuleUnload",
	fnModuleGetFunction:  "cuModuleGetFunction",
	fnFuncGetAttribute:   "cuFuncGetAttribute",
	fnFuncSetAttribute:   "cuFuncSetAttribute",
	fnFuncGetParamInfo:   "cuFuncGetParamInfo",
	fnLaunchKernel:       "cuLaunchKernel",
	fnOccupancy:          "cuOccupancyMaxActiveBlocksPerMultiprocessor",
}

// older is what a driver may have in place of a name of its successors: cuDeviceGetUuid_v2 came with CUDA 11.4.
var older = map[string]string{"cuDeviceGetUuid_v2": "cuDeviceGetUuid"}

// newer is what drivers have that are newer than the oldest that will do: cuFuncGetParamInfo came with CUDA 12.4. Its address is 0 in
// the table of others.
var newer = map[function]bool{fnFuncGetParamInfo: true}

// resolver gives the address of a symbol of a library: dlsym, or the table of a simulated one.
type resolver func(name string) (uintptr, error)

// resolve looks up all names, and says which is missing.
func resolve(sym resolver) (table [functions]uintptr, err error) {
	for i, name := range names {
		addr, err := sym(name)
		if err != nil && older[name] != "" {
			addr, err = sym(older[name])
		}
		if err != nil && newer[function(i)] {
			continue
		}
		if err != nil {
			return table, fmt.Errorf("%w: the driver has no %s, it is older than CUDA 11.0; install a newer one: %w", ErrUnavailable, name, err)
		}
		table[i] = addr
	}
	return table, nil
}
