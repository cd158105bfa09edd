package csv

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
)

// The days that texts of four digits for the year can name: 0000-01-01 and 9999-12-31.
const firstDay, lastDay = -719528, 2932896

// timeAppender is the appender of dates and times.
func timeAppender(a arrow.Array) (appender, error) {
	switch a := a.(type) {
	case *arrowarray.Date32:
		return func(b []byte, row int) ([]byte, error) { return appendDate(b, int64(a.Value(row))) }, nil
	case *arrowarray.Date64:
		return func(b []byte, row int) ([]byte, error) {
			v, day := int64(a.Value(row)), int64(daySeconds*1000)
			if v%day != 0 {
				return nil, fmt.Errorf("a date64 of %d ms is no whole day; cast the column to a timestamp", v)
			}
			return appendDate(b, v/day)
		}, nil
	case *arrowarray.Time32:
		unit := a.DataType().(*arrow.Time32Type).Unit
		return func(b []byte, row int) ([]byte, error) { return appendTime(b, int64(a.Value(row)), unit) }, nil
	case *arrowarray.Time64:
		unit := a.DataType().(*arrow.Time64Type).Unit
		return func(b []byte, row int) ([]byte, error) { return appendTime(b, int64(a.Value(row)), unit) }, nil
	case *arrowarray.Timestamp:
		t := a.DataType().(*arrow.TimestampType)
		return func(b []byte, row int) ([]byte, error) { return appendStamp(b, int64(a.Value(row)), t) }, nil
	}
	return nil, fmt.Errorf("there is no text for %s", a.DataType())
}

// appendDate appends a day since 1970-01-01, like 2012-01-31.
func appendDate(b []byte, days int64) ([]byte, error) {
	if days < firstDay || days > lastDay {
		return nil, fmt.Errorf("the day %d from 1970-01-01 is not of the years 0 to 9999; write the file in another format", days)
	}
	year, month, day := civil(days)
	b = appendPair(b, year/100)
	b = appendPair(b, year%100)
	b = appendPair(append(b, '-'), month)
	return appendPair(append(b, '-'), day), nil
}

// civil is the reverse of daysOf: in years that begin in March, of cycles of 400 years, which are 146097 days.
func civil(days int64) (year, month, day int) {
	d := int(days) + 719468
	cycle := floor(d, 146097)
	d -= cycle * 146097
	year = (d - d/1460 + d/36524 - d/146096) / 365
	d -= 365*year + year/4 - year/100
	m := (5*d + 2) / 153
	day = d - (153*m+2)/5 + 1
	month = (m+2)%12 + 1
	year += 400 * cycle
	if month <= 2 {
		year++
	}
	return year, month, day
}

func appendPair(b []byte, v int) []byte { return append(b, '0'+byte(v/10), '0'+byte(v%10)) }

// appendTime appends a time of day, like 12:34:56.789.
func appendTime(b []byte, v int64, unit arrow.TimeUnit) ([]byte, error) {
	per := perSecond(unit)
	if v < 0 || v >= daySeconds*per {
		return nil, fmt.Errorf("%d is no time of a day, in %s", v, unit)
	}
	return appendClock(b, v/per, v%per, per), nil
}

// appendClock appends seconds of a day, and parts of a second where there are some.
func appendClock(b []byte, seconds, parts, per int64) []byte {
	b = appendPair(b, int(seconds/3600))
	b = appendPair(append(b, ':'), int(seconds/60%60))
	b = appendPair(append(b, ':'), int(seconds%60))
	if parts == 0 {
		return b
	}
	b = append(b, '.')
	for per /= 10; per > 0; per /= 10 {
		b = append(b, '0'+byte(parts/per%10))
	}
	return b
}

// appendStamp appends a timestamp, like 2012-01-31T12:34:56.789; with Z if its type has a time zone.
func appendStamp(b []byte, v int64, t *arrow.TimestampType) ([]byte, error) {
	per := perSecond(t.Unit)
	seconds, parts := v/per, v%per
	if parts < 0 {
		seconds, parts = seconds-1, parts+per
	}
	days, rest := seconds/daySeconds, seconds%daySeconds
	if rest < 0 {
		days, rest = days-1, rest+daySeconds
	}
	b, err := appendDate(b, days)
	if err != nil {
		return nil, err
	}
	b = appendClock(append(b, 'T'), rest, parts, per)
	if t.TimeZone != "" {
		b = append(b, 'Z')
	}
	return b, nil
}
