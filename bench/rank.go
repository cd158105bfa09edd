package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/net/comm"
)

// Rank is one process of a job that a suite started; rank 0 writes its times to w as JSON. Only the job named cases
// looks at cases.
func Rank(name string, cases []string, o Options, w io.Writer) error {
	o = o.withDefaults()
	switch name {
	case "cases":
		return collectivesRank(o, cases, w)
	case "add":
		return darray.Main(func(ctx context.Context, c *darray.Cluster) error {
			runs, err := timeAdd(ctx, c, o)
			if err != nil {
				return err
			}
			return json.NewEncoder(w).Encode(jobResult{Ours: runs})
		})
	case "block":
		return darray.SPMD(func(ctx context.Context, c *comm.Comm) error {
			result, err := timeBlock(ctx, c, o)
			if err != nil || c.Rank() != 0 {
				return err
			}
			return json.NewEncoder(w).Encode(result)
		})
	}
	return fmt.Errorf("no job %q; there are add, block and cases", name)
}

// Tags of the block job.
const (
	tagBlock = iota
	tagAck
	tagAddr
	tagCert
)

// timeBlock sends a block from rank 0 to rank 1 by comm, a bare quic-go stream and a bare TLS connection in turn; rank 1 answers one byte.
func timeBlock(ctx context.Context, c *comm.Comm, o Options) (jobResult, error) {
	var result jobResult
	block := make([]byte, o.Block)
	for i := range block {
		block[i] = byte(i)
	}
	bare, err := connectBare(ctx, c)
	if err != nil {
		return result, err
	}
	defer bare.close()
	secure, err := connectTLS(ctx, c)
	if err != nil {
		return result, err
	}
	defer secure.close()
	for i := range o.Repeat + 1 {
		ours, err := timed(func() error { return pass(ctx, c, block) })
		if err != nil {
			return result, err
		}
		theirs, err := timed(func() error { return bare.pass(ctx, c.Rank(), block) })
		if err != nil {
			return result, err
		}
		plain, err := timed(func() error { return secure.pass(c.Rank(), block) })
		if err != nil {
			return result, err
		}
		if i > 0 {
			result.Ours, result.Bare, result.TLS = append(result.Ours, ours), append(result.Bare, theirs), append(result.TLS, plain)
		}
	}
	result.Link = between(c)
	return result, comm.Barrier(ctx, c)
}

func timed(f func() error) (float64, error) {
	start := time.Now()
	err := f()
	return time.Since(start).Seconds(), err
}

// pass moves the block once by comm.
func pass(ctx context.Context, c *comm.Comm, block []byte) error {
	ack := make([]byte, 1)
	if c.Rank() == 0 {
		if err := comm.Send(ctx, c, 1, tagBlock, block); err != nil {
			return err
		}
		_, err := comm.Recv(ctx, c, 1, tagAck, ack)
		return err
	}
	if _, err := comm.Recv(ctx, c, 0, tagBlock, block); err != nil {
		return err
	}
	return comm.Send(ctx, c, 0, tagAck, ack)
}
