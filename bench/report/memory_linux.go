package report

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// FreeMemory is the bytes that programs can take without pushing others out; 0 where the system does not say.
func FreeMemory() float64 { return kibibytes("/proc/meminfo", "MemAvailable:") }

// PeakMemory is the most bytes of memory that this process has had at once since ResetPeakMemory or its start, pages of mapped files with it; 0
// where the system does not say.
func PeakMemory() float64 { return kibibytes("/proc/self/status", "VmHWM:") }

// ResetPeakMemory has the peak begin at what the process has now, where the system can: proc(5), clear_refs.
func ResetPeakMemory() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// kibibytes finds a line "key: n kB" and gives it in bytes.
func kibibytes(path, key string) float64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 && fields[0] == key {
			if kib, err := strconv.ParseFloat(fields[1], 64); err == nil {
				return kib * 1024
			}
		}
	}
	return 0
}
