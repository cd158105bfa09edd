package cuda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// mostRates is how long a file of rates may be, in bytes.
const mostRates = 64 << 10

// ParseRates reads rates as WriteRates writes them. An error where they are not those of a device that info describes, or no
// numbers that a device can have.
func ParseRates(text []byte, info Info) (Rates, error) {
	var r Rates
	if len(text) > mostRates {
		return r, fmt.Errorf("rates of %d bytes; %d are the limit", len(text), mostRates)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return Rates{}, fmt.Errorf("rates: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return Rates{}, errors.New("rates: there is more behind them")
	}
	if err := r.check(info); err != nil {
		return Rates{}, err
	}
	return r, nil
}

// RatesFile is where in a folder for caches, such as os.UserCacheDir tells, the rates of a device are kept.
func RatesFile(dir string, info Info) string {
	return filepath.Join(dir, "darray", fmt.Sprintf("cuda-%s-%d.json", info.UUID, info.Driver))
}

// Rates returns what the device was measured to do by a process before this one, from RatesFile, or measures it and leaves the file
// for the next. A file that is broken is as none; that none can be written is no error, since what was measured is there.
func (d *Device) Rates(ctx context.Context, dir string) (Rates, error) {
	file := RatesFile(dir, d.info)
	if text, err := readUpTo(file, mostRates+1); err == nil {
		if r, err := ParseRates(text, d.info); err == nil {
			d.mu.Lock()
			d.rates = &r
			d.mu.Unlock()
			return r, nil
		}
	}
	r, err := d.Calibrate(ctx)
	if err != nil {
		return Rates{}, err
	}
	_ = WriteRates(file, r)
	return r, nil
}

func readUpTo(file string, n int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, n))
}

// WriteRates writes rates to a file, in whose place it puts them at once: who reads it sees the old ones or the new.
func WriteRates(file string, r Rates) (err error) {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".rates-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
