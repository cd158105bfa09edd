package launch

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

func TestTop(t *testing.T) {
	leak.Check(t)
	s := server(t, 5)
	s.setCommand([]string{"prog", "-x"})
	agents := []*Agent{connect(t, s, 0), connect(t, s, 1), connect(t, s, 2)}
	in := []comm.Position{
		{Op: "Allreduce", Peer: 1, Tag: -1, Seq: 17, Site: "main.go:42", Waited: 12 * time.Second, Blocked: true},
		{Op: "Irecv", Peer: 2, Tag: 5, Site: "main.go:40", Waited: time.Minute},
		{Op: "Bcast", Peer: -1, Tag: -1, Seq: 16, Site: "main.go:39", Waited: time.Minute, Ended: true},
	}
	agents[0].Answer(func() []comm.Position { return in })
	long := make([]comm.Position, 100) // does not fit a line
	for i := range long {
		long[i] = comm.Position{Op: "Recv", Peer: i, Site: strings.Repeat("x", 600), Blocked: true}
	}
	agents[1].Answer(func() []comm.Position { return long })
	s.hasEnded(4)
	job, rows, err := Top(t.Context(), s.addr())
	if err != nil || job.Ranks != 5 || job.Command != "prog -x" || len(rows) != 5 {
		t.Fatalf("%+v, %d rows, %v", job, len(rows), err)
	}
	if !reflect.DeepEqual(rows[0].At, in) || len(rows[1].At) == 0 || rows[2].State != "is joining" || rows[3].State != "has not joined" || rows[4].State != "has ended" {
		t.Errorf("%+v", rows)
	}
	var text strings.Builder
	if err := WriteTable(&text, []Row{{Rank: 0, PID: 7, Host: "h", At: in}, {Rank: 1, Host: "h", State: "is joining"}, {Rank: 2, PID: 9, Host: "h", At: in[2:]}}); err != nil {
		t.Error(err)
	}
	want := `RANK  HOST  PID  IN                               FOR   AT
0     h     7    Allreduce #17, waits for 1       12s   main.go:42
0     h     7    Irecv from 2 tag 5, under way    1m0s  main.go:40
1     h     -    is joining                       -     -
2     h     9    none, last in Bcast #16          1m0s  main.go:39
`
	if got := text.String(); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
	if runtime.GOOS != "linux" {
		return
	}
	jobs, err := Jobs(t.Context())
	if err != nil || !slices.ContainsFunc(jobs, func(j Job) bool { return j.Socket == s.addr() }) {
		t.Errorf("jobs %+v, %v; want one at %s", jobs, err, s.addr())
	}
}
