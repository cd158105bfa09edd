// Package blob reads and writes files in object stores (S3 and what speaks its protocol, Google Cloud Storage) and reads them from web
// servers.
//
// URLs are s3://bucket/key, gs://bucket/key, http:// and https://. Keys are as they are: nothing in them is decoded. Behind a key may
// stand ?endpoint=https://host:port&region=...&use_path_style=true&anonymous=true, of which endpoint is for servers other than the
// provider's own. Credentials are the provider's usual ones: of the environment, AWS's shared files or the machine's role for s3 (see
// Config), Google's application default credentials for gs. Those of AWS's single sign-on are not known.
//
// A file is read by ranges. Its version is asked for when it is opened, and each range is of that version or an error; a range that
// comes short is asked for again, and never taken for the whole. What fails for a reason that may pass is tried again a few times.
package blob

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/darray-go/darray/format"
)

// Store is what this package offers.
var Store = format.Store{Schemes: []string{"s3", "gs", "http", "https"}, Open: Open, List: List, Create: Create}

// Open asks for the size and version of the file of a URL. The input is to be closed; what was read stays good. A web server that gives
// no ranges is asked for the whole file, if that is not beyond o.Budget (1 GiB where it is 0).
func Open(ctx context.Context, url string, o format.Options) (*format.Input, error) {
	in, err := open(ctx, url, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", redacted(url), err)
	}
	return in, nil
}

func open(ctx context.Context, url string, o format.Options) (*format.Input, error) {
	if scheme := schemeOf(url); scheme == "http" || scheme == "https" {
		return openHTTP(ctx, url, o)
	}
	at, err := parse(url)
	if err != nil {
		return nil, err
	}
	c, err := connect(ctx, at)
	if err != nil {
		return nil, err
	}
	return c.open(ctx)
}

func schemeOf(url string) string {
	scheme, _, _ := strings.Cut(url, "://")
	return strings.ToLower(scheme)
}

// newTransport is a set of connections for one file, so that closing it closes them.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true // ranges are of the file's bytes
	t.MaxIdleConnsPerHost = parallel
	t.ResponseHeaderTimeout = stall
	return t
}

// stall is how long a server may send nothing before a request is given up and tried again.
const stall = time.Minute
