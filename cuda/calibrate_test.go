package cuda_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/internal/leak"
)

// TestCalibrate measures a device whose rates are known.
func TestCalibrate(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{Rates: fake.Rates{
		Call: time.Microsecond, Launch: time.Nanosecond, HostToDevice: 1e9, DeviceToHost: 5e8, Memory: 1e9,
	}}, cuda.Options{})
	r := must[cuda.Rates](t)(dev.Calibrate(t.Context()))
	near := func(name string, got, want float64) {
		if got < 0.9*want || got > 1.1*want {
			t.Errorf("%s is %g, %g is set", name, got, want)
		}
	}
	near("Upload", r.Upload, 1e9)
	near("Download", r.Download, 5e8)
	near("Copy", r.Copy, 1e9)
	if r.Launch < time.Microsecond || r.Launch > 20*time.Microsecond || r.Queue > 2*time.Microsecond || r.Add <= 0 || r.Add > 1.1e9 {
		t.Errorf("%v", r)
	}
	if r.UploadPageable <= 0 || r.UploadPageable > r.Upload || r.DownloadPageable <= 0 {
		t.Errorf("%v", r)
	}
	if again := must[cuda.Rates](t)(dev.Calibrate(t.Context())); again != r {
		t.Errorf("measured twice: %v", again)
	}
	if s := dev.MemoryStats(); s.InUse != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRatesFile(t *testing.T) {
	leak.Check(t)
	dir := t.TempDir()
	v := must[*cuda.Driver](t)(cuda.Simulated(fake.Options{}))
	info := must[[]cuda.Info](t)(v.Devices())[0]
	file := cuda.RatesFile(dir, info)
	rates := func() (cuda.Rates, int) {
		d := must[*cuda.Device](t)(v.Open(0, cuda.Options{}))
		before := len(v.Machine().Trace())
		r := must[cuda.Rates](t)(d.Rates(t.Context(), dir))
		check(t, d.Close())
		return r, len(v.Machine().Trace()) - before
	}
	first, work := rates()
	if work == 0 {
		t.Error("nothing was measured")
	}
	second, work := rates()
	if work != 0 || first != second {
		t.Errorf("measured again: %v, %v", first, second)
	}
	good := string(must[[]byte](t)(os.ReadFile(file)))
	for _, broken := range []string{
		"", "{", "null", "[]", good[:len(good)/2], strings.Replace(good, info.UUID, "GPU-0", 1), `{"Launch": -1}`, strings.Repeat(" ", 1<<20) + good, good + good,
	} {
		check(t, os.WriteFile(file, []byte(broken), 0o600))
		if _, work := rates(); work == 0 {
			t.Errorf("taken for rates: %.40q", broken)
		}
		if text := must[[]byte](t)(os.ReadFile(file)); !json.Valid(text) {
			t.Errorf("%.40q was not replaced", broken)
		}
	}
	entries := must[[]os.DirEntry](t)(os.ReadDir(dir + "/darray"))
	if len(entries) != 1 {
		t.Errorf("%v left behind", entries)
	}
	check(t, v.Close())
}

// FuzzRates reads what somebody else may have put where rates are kept.
func FuzzRates(f *testing.F) {
	info := cuda.Info{UUID: "GPU-1", Driver: 12040}
	f.Add([]byte(`{"UUID":"GPU-1","Driver":12040,"Launch":1,"Queue":1,"Upload":1,"Download":1,"UploadPageable":1,"DownloadPageable":1,"Copy":1,"Add":1,"Ops":1}`))
	f.Add([]byte(`{"UUID":"GPU-1","Driver":12040,"Upload":1e400}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := cuda.ParseRates(text, info)
		if err == nil && (!(r.Upload > 0) || !(r.Add < 1e18) || r.Launch <= 0 || r.UUID != info.UUID) {
			t.Errorf("taken for rates: %v", r)
		}
	})
}
