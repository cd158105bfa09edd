// Package s3_test tries format/blob with a real server of S3's protocol. It is a module of its own, so that the library's users need
// not have the server among their requirements. Run it by: cd test/s3 && go test ./...
package s3_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
)

const (
	accessKey = "user"
	secretKey = "password"
	bucket    = "arrays"
	ready     = "serving"
)

// TestMain is the tests, or the server where the environment names its folder and address: a process of its own, so that what it
// leaves open is not the tests'.
func TestMain(m *testing.M) {
	if dir := os.Getenv("DARRAY_TEST_S3_FOLDER"); dir != "" {
		if err := serve(dir, os.Getenv("DARRAY_TEST_S3_ADDRESS")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve runs the server until its standard input ends or it is told to stop.
func serve(dir, address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	for _, sub := range []string{"data", "marks"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	marks, err := meta.NewSideCar(filepath.Join(dir, "marks")) // not every file system has attributes
	if err != nil {
		return err
	}
	files, err := posix.New(filepath.Join(dir, "data"), marks, posix.PosixOpts{SideCarDir: filepath.Join(dir, "marks"), Concurrency: 100})
	if err != nil {
		return err
	}
	go func() { // the parent's end of the pipe closes even if it is killed
		_, _ = os.Stdin.Read(make([]byte, 1))
		stop()
	}()
	err = embedgw.RunVersityGW(ctx, files, &embedgw.Config{
		RootUserAccess: accessKey, RootUserSecret: secretKey, Ports: []string{address},
		MaxConnections: 1000, MaxRequests: 1000, MultipartMaxParts: 10000, Quiet: true, KeepAlive: true,
		S3Options: []s3api.Option{s3api.WithOnListen(func() { fmt.Println(ready) })},
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// started is a server with an empty bucket, and a client to look behind the library's back.
type started struct {
	endpoint string
	core     *minio.Core
}

// start runs a server until the test ends, and sets the credentials for it.
func start(t testing.TB) *started {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "DARRAY_TEST_S3_FOLDER="+t.TempDir(), "DARRAY_TEST_S3_ADDRESS="+address)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	lines := bufio.NewScanner(stdout)
	for said := ""; !strings.Contains(said, ready); said = lines.Text() {
		if !lines.Scan() {
			t.Fatal("the server did not start")
		}
	}
	go func() { // until the server ends
		for lines.Scan() {
		}
	}()
	core, err := minio.NewCore(address, &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: "us-east-1", Transport: transport(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := core.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", accessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	t.Setenv("AWS_ENDPOINT_URL", "http://"+address)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return &started{"http://" + address, core}
}
