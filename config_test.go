package darray_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/leak"
)

func TestConfigFromEnv(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("sixteen bytes or more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"DARRAY_RANKS": "3", "DARRAY_RANK": "2", "DARRAY_SIZE": "4", "DARRAY_ADDR": "h:1", "DARRAY_TOKEN_FILE": secret,
		"DARRAY_JOB": "j", "DARRAY_INIT_TIMEOUT": "90s", "DARRAY_PEER_TIMEOUT": "1200ms", "DARRAY_MEMORY_LIMIT": "4GiB",
		"DARRAY_CPU": "go",
	} {
		t.Setenv(name, value)
	}
	c, err := darray.ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if c.Ranks != 3 || c.Rank != 2 || c.Size != 4 || c.Addr != "h:1" || string(c.Token) != "sixteen bytes or more" || c.Job != "j" ||
		c.JoinTimeout != 90*time.Second || c.PeerTimeout != 1200*time.Millisecond || c.MemoryLimit != 4<<30 || c.CPU != "go" {
		t.Errorf("%+v", c)
	}
}

// TestForcedCPU: the instruction set that is forced is taken, or refused with what there is; the result is the same.
func TestForcedCPU(t *testing.T) {
	leak.Check(t)
	c, err := darray.Config{CPU: "go"}.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	xs := darray.FromSlice([]float64{1, 2, 3})
	got, err := c.Collect(t.Context(), darray.Sum(darray.Multiply(xs, xs)))
	if err != nil || !strings.Contains(got[0].String(), "14") {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := (darray.Config{CPU: "sse9"}).Local(2); err == nil || !strings.Contains(err.Error(), "avx2") {
		t.Errorf("error %v", err)
	}
}

func TestConfigFromEnvRefuses(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"DARRAY_RANK": "0"}, "DARRAY_SIZE"},
		{map[string]string{"DARRAY_SIZE": "2"}, "DARRAY_RANK"},
		{map[string]string{"DARRAY_RANK": "2", "DARRAY_SIZE": "2"}, "below"},
		{map[string]string{"DARRAY_RANK": "-1", "DARRAY_SIZE": "2"}, "DARRAY_RANK"},
		{map[string]string{"DARRAY_RANKS": "100000"}, "DARRAY_RANKS"},
		{map[string]string{"DARRAY_INIT_TIMEOUT": "soon"}, "90s"},
		{map[string]string{"DARRAY_MEMORY_LIMIT": "9999999TiB"}, "4GiB"},
		{map[string]string{"DARRAY_CPU": "sse9"}, "avx2"},
		{map[string]string{"DARRAY_TOKEN_FILE": "/no/such/file"}, "DARRAY_TOKEN_FILE"},
	} {
		t.Run(c.want, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			if _, err := darray.ConfigFromEnv(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: error %v does not say %q", c.env, err, c.want)
			}
			if err := darray.Main(nil); err == nil {
				t.Errorf("%v: Main ran", c.env)
			}
		})
	}
}
