package darray

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// manifestName is hidden from Open as a file of data, and read by it first.
const manifestName = "_manifest.json"

// manifest lists the files of a directory in the order of their rows.
type manifest struct {
	Format string         `json:"format"`
	Rows   int            `json:"rows"`
	Parts  []manifestPart `json:"parts"`
}

type manifestPart struct {
	File  string `json:"file"`
	Rows  int    `json:"rows"`
	Bytes int64  `json:"bytes"`
}

// maxManifest bounds a manifest, in bytes.
const maxManifest = 64 << 20

// readManifest gives the files that a directory's manifest lists, once it is sure that they are there and as long as it says; nil where there is
// no manifest.
func readManifest(dir string) ([]string, error) {
	path := filepath.Join(dir, manifestName)
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil // there is none
	}
	if info.Size() > maxManifest {
		return nil, fmt.Errorf("%s: has %d bytes; it is no manifest of darray's", path, info.Size())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("%s: %w; remove it to open what files there are", path, err)
	}
	var files []string
	for _, p := range m.Parts {
		if !filepath.IsLocal(p.File) {
			return nil, fmt.Errorf("%s: names %q, which is not below it", path, p.File)
		}
		file := filepath.Join(dir, p.File)
		switch info, err := os.Stat(file); {
		case err != nil:
			return nil, fmt.Errorf("%s lists %s: %w; copy the directory again, with all of its files", path, p.File, err)
		case info.Size() != p.Bytes:
			return nil, fmt.Errorf("%s: has %d bytes, %s says %d; copy it again", file, info.Size(), manifestName, p.Bytes)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: lists no parts", path)
	}
	return files, nil
}
