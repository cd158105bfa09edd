// Command lazyadd is the MPI tutorial again, as one expression: the engine scatters, adds and gathers.
//
//	go run ./examples/lazyadd
//	darray run -n 4 go run ./examples/lazyadd
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/darray-go/darray"
)

func main() {
	err := darray.Main(func(ctx context.Context, c *darray.Cluster) error {
		a := darray.Arange(0.0, 100, 1)
		b := darray.Ones(darray.Float64, 100)
		sum, err := darray.Add(a, b).CollectContext(ctx)
		if err != nil {
			return err
		}
		fmt.Println("Result of A + B =", sum)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}
