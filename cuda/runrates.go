package cuda

import (
	"context"
	"os"
	"time"

	"github.com/darray-go/darray/array"
)

// interpreted is how fast the simulator is in truth, and not what it computes for the devices that it stands for: it executes some
// 100 M instructions a second, ten an element, and copies like any program.
var interpreted = array.Rates{Launch: 100 * time.Microsecond, Up: 5e9, Down: 5e9, Memory: 2e8, Ops: 5e7}

// Rates says how fast the device is. The first call reads what another process has measured, or measures it, for a tenth of a
// second, and keeps it in the user's cache directory for the next process. Data of the host is taken not to be pinned.
func (r *Runner) Rates(ctx context.Context) (array.Rates, error) {
	if r.d.info.Simulated {
		return interpreted, nil
	}
	if err := r.enter(ctx); err != nil {
		return array.Rates{}, err
	}
	defer r.leave()
	var rates Rates
	dir, err := os.UserCacheDir()
	if err == nil {
		rates, err = r.d.Rates(ctx, dir)
	} else { // no home: nothing is kept
		rates, err = r.d.Calibrate(ctx)
	}
	return array.Rates{
		Launch: rates.Launch, Up: rates.UploadPageable, Down: rates.DownloadPageable, Memory: rates.Add, Ops: rates.Ops,
	}, err
}
