package blob

import "os"

// Config is what the environment says of object stores beside credentials, by the names that AWS gave them.
type Config struct {
	Endpoint string // AWS_ENDPOINT_URL_S3, else AWS_ENDPOINT_URL: the server for s3 URLs that name none; "" for AWS
	Region   string // AWS_REGION, else AWS_DEFAULT_REGION: for URLs that name none; "" asks AWS where a bucket is
}

// Environment reads the configuration, as Open, List and Create do.
func Environment() Config {
	return Config{Endpoint: first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), Region: first("AWS_REGION", "AWS_DEFAULT_REGION")}
}

func first(names ...string) string {
	for _, name := range names {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}
