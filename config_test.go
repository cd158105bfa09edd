package darray_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray"
)

func TestConfigFromEnv(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("sixteen bytes or more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"DARRAY_RANKS": "3", "DARRAY_RANK": "2", "DARRAY_SIZE": "4", "DARRAY_ADDR": "h:1", "DARRAY_TOKEN_FILE": secret,
		"DARRAY_JOB": "j", "DARRAY_INIT_TIMEOUT": "90s", "DARRAY_PEER_TIMEOUT": "1200ms", "DARRAY_MEMORY_LIMIT": "4GiB",
	} {
		t.Setenv(name, value)
	}
	c, err := darray.ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if c.Ranks != 3 || c.Rank != 2 || c.Size != 4 || c.Addr != "h:1" || string(c.Token) != "sixteen bytes or more" || c.Job != "j" ||
		c.JoinTimeout != 90*time.Second || c.PeerTimeout != 1200*time.Millisecond || c.MemoryLimit != 4<<30 {
		t.Errorf("%+v", c)
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
