package compute

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// freeMemory is the bytes that programs can take without pushing others out.
func freeMemory() float64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return usualMemory
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 && fields[0] == "MemAvailable:" {
			if kib, err := strconv.ParseFloat(fields[1], 64); err == nil {
				return kib * 1024
			}
		}
	}
	return usualMemory
}
