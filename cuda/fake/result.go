package fake

// result is a CUresult.
type result int32

// The results that the driver gives here.
const (
	success              result = 0
	invalidValue         result = 1
	outOfMemory          result = 2
	notInitialized       result = 3
	deinitialized        result = 4
	noDevice             result = 100
	invalidDevice        result = 101
	invalidContext       result = 201
	invalidPTX           result = 218
	notFound             result = 500
	invalidHandle        result = 400
	notReady             result = 600
	illegalAddress       result = 700
	launchOutOfResources result = 701
	alreadyRegistered    result = 712
	notRegistered        result = 713
	launchFailed         result = 719
)

// resultNames are the names and the meanings of results, zero-ended as C has them.
var resultNames = map[result][2][]byte{
	success:              {[]byte("CUDA_SUCCESS\x00"), []byte("no error\x00")},
	invalidValue:         {[]byte("CUDA_ERROR_INVALID_VALUE\x00"), []byte("invalid argument\x00")},
	outOfMemory:          {[]byte("CUDA_ERROR_OUT_OF_MEMORY\x00"), []byte("out of memory\x00")},
	notInitialized:       {[]byte("CUDA_ERROR_NOT_INITIALIZED\x00"), []byte("initialization error\x00")},
	deinitialized:        {[]byte("CUDA_ERROR_DEINITIALIZED\x00"), []byte("driver shutting down\x00")},
	noDevice:             {[]byte("CUDA_ERROR_NO_DEVICE\x00"), []byte("no CUDA-capable device is detected\x00")},
	invalidDevice:        {[]byte("CUDA_ERROR_INVALID_DEVICE\x00"), []byte("invalid device ordinal\x00")},
	invalidContext:       {[]byte("CUDA_ERROR_INVALID_CONTEXT\x00"), []byte("invalid device context\x00")},
	invalidPTX:           {[]byte("CUDA_ERROR_INVALID_PTX\x00"), []byte("a PTX JIT compilation failed\x00")},
	notFound:             {[]byte("CUDA_ERROR_NOT_FOUND\x00"), []byte("named symbol not found\x00")},
	invalidHandle:        {[]byte("CUDA_ERROR_INVALID_HANDLE\x00"), []byte("invalid resource handle\x00")},
	notReady:             {[]byte("CUDA_ERROR_NOT_READY\x00"), []byte("device not ready\x00")},
	illegalAddress:       {[]byte("CUDA_ERROR_ILLEGAL_ADDRESS\x00"), []byte("an illegal memory access was encountered\x00")},
	launchOutOfResources: {[]byte("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES\x00"), []byte("too many resources requested for launch\x00")},
	alreadyRegistered:    {[]byte("CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED\x00"), []byte("part or all of the requested memory range is already mapped\x00")},
	notRegistered:        {[]byte("CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED\x00"), []byte("pointer does not correspond to a registered memory region\x00")},
	launchFailed:         {[]byte("CUDA_ERROR_LAUNCH_FAILED\x00"), []byte("unspecified launch failure\x00")},
}
