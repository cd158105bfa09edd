package launch

import "context"

// Rank is the place of one rank in a job that another launcher has started.
type Rank struct {
	Rank, Size           int
	LocalRank, LocalSize int    // LocalSize 0: unknown
	Job, Token           string // the same on all ranks
	Addr                 string // rank 0's, where it is known beforehand
	// Publish is told on rank 0 where the program listens, with commas between the addresses. It may block; an error ends
	// the rank.
	Publish func(ctx context.Context, addrs string) error
}

// RunRank runs c.Argv as one rank, like Run; c.Ranks is not used. Other ranks are not told of its end: that is for the
// launcher to do.
func RunRank(ctx context.Context, c Config, r Rank) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	c.Ranks = 1
	publishing := make(chan struct{})
	close(publishing)
	c.part = &part{
		first: r.Rank, size: r.Size, localFirst: r.LocalRank, localSize: r.LocalSize, id: r.Job, token: r.Token, addr: r.Addr,
		up: func(m message) {
			if m.Kind != "root" || r.Publish == nil {
				return
			}
			publishing = make(chan struct{}) // once: the agent takes no second address
			go func() {
				defer close(publishing)
				if err := r.Publish(ctx, m.Addr); err != nil {
					end(err)
				}
			}()
		},
	}
	err := Run(ctx, c)
	end(nil)
	<-publishing
	return err
}
