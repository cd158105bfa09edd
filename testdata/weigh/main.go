// Command weigh is a program that opens, computes and writes with what every program has: its size is held by a test.
package main

import (
	"log"
	"os"

	"github.com/darray-go/darray"
)

func main() {
	f, err := darray.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := f.Filter(darray.Greater(f.Col("delay"), 15)).Write(os.Args[2]); err != nil {
		log.Fatal(err)
	}
}
