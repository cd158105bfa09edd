package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/darray-go/darray/format"
)

// client speaks S3's protocol with one bucket's server, which Google's is, too.
type client struct {
	at        location
	core      *minio.Core
	transport *http.Transport
}

const (
	awsServer    = "https://s3.amazonaws.com"
	googleServer = "https://storage.googleapis.com"
	googleScope  = "https://www.googleapis.com/auth/devstorage.read_write"
	roleTimeout  = time.Second // to reach who knows of a machine's role, which nobody does where there is none
)

// connect prepares requests; it asks the network for no more than credentials.
func connect(ctx context.Context, at location) (*client, error) {
	c := &client{at: at, transport: newTransport()}
	env := Environment()
	o := &minio.Options{Transport: c.transport, Region: at.region, MaxRetries: 1} // retry is ours
	endpoint := at.endpoint
	if at.scheme == "gs" {
		if endpoint == "" {
			endpoint = googleServer
		}
		o.Creds = credentials.NewStatic("", "", "", credentials.SignatureAnonymous)
		if !at.anonymous {
			through, err := googleTransport(ctx, c.transport)
			if err != nil {
				return nil, err
			}
			o.Transport = through
		}
	} else {
		endpoint = firstOf(endpoint, env.Endpoint, awsServer)
		o.Region = firstOf(o.Region, env.Region)
		var err error
		if o.Creds, err = awsCredentials(ctx, at.anonymous); err != nil {
			return nil, err
		}
	}
	host, secure, err := server(endpoint)
	if err != nil {
		return nil, err
	}
	if o.Secure = secure; o.Region == "" && endpoint != awsServer {
		o.Region = "us-east-1" // what servers that have none call themselves
	}
	if at.pathStyle {
		o.BucketLookup = minio.BucketLookupPath
	}
	if c.core, err = minio.NewCore(host, o); err != nil {
		return nil, fmt.Errorf("endpoint %q: %w", endpoint, err)
	}
	return c, nil
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// server is the host of an endpoint, and whether it is spoken to by TLS.
func server(endpoint string) (host string, secure bool, err error) {
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.User != nil {
		return "", false, fmt.Errorf("the endpoint %q is not http://host:port or https://host:port", endpoint)
	}
	return u.Host, u.Scheme == "https", nil
}

// awsCredentials are those of the environment, of AWS's files or of the machine's role; none where there are none, which is asked once.
func awsCredentials(ctx context.Context, anonymous bool) (*credentials.Credentials, error) {
	none := credentials.NewStatic("", "", "", credentials.SignatureAnonymous)
	if anonymous {
		return none, nil
	}
	dialer := net.Dialer{Timeout: roleTimeout}
	client := &http.Client{Timeout: 10 * roleTimeout, Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialer.DialContext}}
	chain := credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: client}})
	found, err := chain.GetWithContext(&credentials.CredContext{Client: client, Context: ctx})
	if err = errors.Join(ctx.Err(), err); err != nil {
		return nil, err
	}
	if found.AccessKeyID == "" {
		return none, nil
	}
	return chain, nil
}

// googleTransport adds a token to each request.
func googleTransport(ctx context.Context, t *http.Transport) (http.RoundTripper, error) {
	found, err := google.FindDefaultCredentials(context.WithoutCancel(ctx), googleScope)
	if err != nil {
		return nil, fmt.Errorf("%w; set GOOGLE_APPLICATION_CREDENTIALS, or add ?anonymous=true for a public object", err)
	}
	return &oauth2.Transport{Source: found.TokenSource, Base: t}, nil
}

// open asks for the size and version of the object.
func (c *client) open(ctx context.Context) (*format.Input, error) {
	if c.at.key == "" || strings.HasSuffix(c.at.key, "/") {
		return nil, fmt.Errorf("is a folder; list it, or name an object in it")
	}
	var info minio.ObjectInfo
	err := retry(ctx, func() (_ bool, err error) {
		info, err = c.core.StatObject(ctx, c.at.bucket, c.at.key, minio.StatObjectOptions{})
		return false, judge(err)
	})
	if err != nil {
		c.close()
		return nil, err
	}
	o := &object{client: c, size: int(info.Size), etag: info.ETag}
	if o.etag == "" || o.size < 0 {
		c.close()
		return nil, fmt.Errorf("the server gives no ETag or no size, so that a change would not be seen; copy the file to the disk")
	}
	return format.NewInput(c.at.url(c.at.key), o.size, o.etag, newRemote(o, o.size)), nil
}

func (c *client) close() { c.transport.CloseIdleConnections() }

// object is a version of an object, as a ranger.
type object struct {
	*client
	size int
	etag string
}

func (o *object) get(ctx context.Context, at, n int) (io.ReadCloser, error) {
	var opts minio.GetObjectOptions
	if err := opts.SetRange(int64(at), int64(at+n-1)); err != nil {
		return nil, err
	}
	if err := opts.SetMatchETag(o.etag); err != nil {
		return nil, err
	}
	body, info, header, err := o.core.GetObject(ctx, o.at.bucket, o.at.key, opts)
	if err != nil {
		return nil, judge(err)
	}
	if info.ETag != o.etag {
		err = errChanged
	} else {
		err = checkRange(header, at, n, o.size)
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	return body, nil
}

// checkRange compares what an answer says it holds with what was asked for.
func checkRange(h http.Header, at, n, size int) error {
	lo, hi, total, err := contentRange(h)
	if err != nil {
		return err
	}
	if total != size {
		return errChanged
	}
	if lo != at || hi != at+n {
		return fmt.Errorf("the server gave bytes [%d, %d) where [%d, %d) were asked for", lo, hi, at, at+n)
	}
	return nil
}

// contentRange reads the header of a partial answer: bytes [lo, hi) of total.
func contentRange(h http.Header) (lo, hi, total int, err error) {
	text := h.Get("Content-Range")
	if text == "" {
		return 0, 0, 0, fmt.Errorf("the server serves no ranges; copy the file to the disk")
	}
	var last int
	if n, err := fmt.Sscanf(text, "bytes %d-%d/%d", &lo, &last, &total); n != 3 || err != nil || lo < 0 || last < lo || last >= total {
		return 0, 0, 0, fmt.Errorf("the server answers with a range %.80q; the size must be in it", text)
	}
	return lo, last + 1, total, nil
}
