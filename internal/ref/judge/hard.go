package judge

import (
	"embed"
	"strconv"
	"strings"
	"sync"
)

// hard.txt has inputs whose results lie next to a midpoint of two floats (its own comment says where from): a function, the format's bits,
// x, and y for functions of two.
//
//go:embed hard.txt
var hardFile embed.FS

type hardKey struct{ name, bits string }

var hardTable = sync.OnceValue(func() map[hardKey][][2]float64 {
	text, err := hardFile.ReadFile("hard.txt")
	if err != nil {
		return nil
	}
	all := map[hardKey][][2]float64{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] == "#" {
			continue
		}
		var v [2]float64
		for i, w := range words[2:min(len(words), 4)] {
			v[i], _ = strconv.ParseFloat(w, 64) // the test reads them again
		}
		key := hardKey{words[0], words[1]}
		all[key] = append(all[key], v)
	}
	return all
})

// hardInputs are those for a function and type.
func hardInputs[T Float](name string) [][2]float64 {
	bits := "64"
	if top[T]() == 128 {
		bits = "32"
	}
	return hardTable()[hardKey{name, bits}]
}
