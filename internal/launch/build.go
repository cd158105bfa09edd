package launch

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"io"
	"os"
	"runtime"
	"strings"
)

// BuildID tells this executable from every other build of the same source: the id that the Go linker wrote into it, or,
// where that was left out or stands elsewhere than in ELF, the hash of the file. Empty where the file cannot be read.
func BuildID() string {
	f, err := openSelf()
	if err != nil {
		return ""
	}
	defer f.Close()
	if id := noteID(f); id != "" {
		return id
	}
	h := sha256.New()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return ""
	}
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)[:16])
}

// openSelf opens the running program, which on Linux works after a newer one has taken its path.
func openSelf() (*os.File, error) {
	if runtime.GOOS == "linux" {
		if f, err := os.Open("/proc/self/exe"); err == nil {
			return f, nil
		}
	}
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// noteHeader is the sizes, type and name ("Go") of an ELF note, before the id.
const noteHeader = 16

func noteID(r io.ReaderAt) string {
	file, err := elf.NewFile(r)
	if err != nil {
		return ""
	}
	section := file.Section(".note.go.buildid")
	if section == nil {
		return ""
	}
	note, err := section.Data()
	if err != nil || len(note) <= noteHeader {
		return ""
	}
	id := strings.TrimRight(string(note[noteHeader:]), "\x00")
	return id[:min(len(id), 256)]
}
