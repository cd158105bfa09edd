package darray

import (
	"errors"

	"github.com/darray-go/darray/internal/launch"
	"github.com/darray-go/darray/net/comm"
)

// local makes p ranks of this process.
func (cfg Config) local(p int) ([]*comm.Comm, error) {
	return comm.Config{Size: p, WaitWarn: cfg.WaitWarn, Warn: say}.Local()
}

// blame returns the rank that is at fault for err of this one, which may be this one itself.
func blame(c *comm.Comm, err error) int {
	self := c.WorldRank(c.Rank())
	for _, e := range []error{c.Err(), err} {
		if re := (*RankError)(nil); errors.As(e, &re) && re.Rank != self {
			return re.Rank
		}
	}
	return self
}

// rootCause is the error of a rank that failed by itself, if there is one, rather than of one that it broke off.
func rootCause(errs []error, blames []int) error {
	var first error
	for r, err := range errs {
		if err != nil && blames[r] == r {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// leave closes c. After err it tells the launcher who is at fault, and lets that rank speak first.
func leave(agent *launch.Agent, c *comm.Comm, err error) error {
	if agent == nil || err == nil {
		return errors.Join(err, c.Close())
	}
	self, culprit := c.WorldRank(c.Rank()), blame(c, err)
	if culprit == self {
		agent.Blame(self, self)
	}
	err = errors.Join(err, c.Close())
	if culprit != self {
		agent.Blame(self, culprit)
	}
	return err
}
