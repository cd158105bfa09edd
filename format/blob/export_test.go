package blob

import "net/http"

// Located is parse, for the fuzzer: bucket, key and the URL that they make again.
func Located(text string) (bucket, key, again string, err error) {
	at, err := parse(text)
	return at.bucket, at.key, at.url(at.key), err
}

// ContentRange is contentRange.
func ContentRange(text string) (lo, hi, total int, err error) {
	return contentRange(http.Header{"Content-Range": {text}})
}
