package blob

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// location is where an object lies.
type location struct {
	scheme, bucket, key string
	query               string // as it was given, for the URLs of a listing
	endpoint, region    string
	pathStyle           bool // the bucket is in the URL's path, not in its host
	anonymous           bool
}

// parse takes an s3 or gs URL apart.
func parse(text string) (at location, err error) {
	at.scheme = schemeOf(text)
	if at.scheme != "s3" && at.scheme != "gs" {
		return at, fmt.Errorf("the scheme %q is not known; it may be s3, gs, http or https", at.scheme)
	}
	_, rest, ok := strings.Cut(text, "://")
	if !ok {
		return at, fmt.Errorf("%q is no URL; one is %s://bucket/key", text, at.scheme)
	}
	if i := strings.LastIndexByte(rest, '?'); i >= 0 && isQuery(rest[i+1:]) {
		rest, at.query = rest[:i], rest[i:]
		if err := at.parameters(at.query[1:]); err != nil {
			return at, err
		}
	}
	at.bucket, at.key, _ = strings.Cut(rest, "/")
	if at.bucket == "" {
		return at, fmt.Errorf("there is no bucket; a URL is %s://bucket/key", at.scheme)
	}
	return at, nil
}

// known are the parameters of a URL.
var known = map[string]bool{"endpoint": true, "region": true, "use_path_style": true, "anonymous": true}

// isQuery reports whether what follows a ? are parameters: else it belongs to a key or glob.
func isQuery(text string) bool {
	name, _, found := strings.Cut(text, "=")
	return found && known[name]
}

func (at *location) parameters(text string) error {
	q, err := url.ParseQuery(text)
	if err != nil {
		return fmt.Errorf("the parameters %q: %w", text, err)
	}
	for name := range q {
		if !known[name] {
			return fmt.Errorf("the parameter %q is not known; endpoint, region, use_path_style and anonymous are", name)
		}
	}
	at.endpoint, at.region = q.Get("endpoint"), q.Get("region")
	if at.pathStyle, err = flag(q, "use_path_style"); err != nil {
		return err
	}
	at.anonymous, err = flag(q, "anonymous")
	return err
}

func flag(q url.Values, name string) (bool, error) {
	switch v := q.Get(name); v {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, fmt.Errorf("%s=%q; it is true or false", name, v)
	}
}

// url is that of an object in the same bucket.
func (at *location) url(key string) string {
	return at.scheme + "://" + at.bucket + "/" + key + at.query
}

// redacted is a URL without what may be a secret in it: a password, and the parameters of the web.
func redacted(text string) string {
	if s := schemeOf(text); s != "http" && s != "https" {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		return path.Base(text)
	}
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	return u.Redacted()
}
