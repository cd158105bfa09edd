package csv

import (
	"errors"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
)

// moment is the text of a date, a time, or both.
type moment struct {
	seconds int64 // since 1970-01-01, in UTC where zoned, else as the clock says
	nanos   int64 // 0 to 999,999,999
	zoned   bool  // it has Z or an offset
	dated   bool  // it is a date alone
}

const daySeconds = 24 * 60 * 60

// errNotMoment is text that is no date or time.
var (
	errNotDate   = errors.New("is not a date like 2012-01-31")
	errNotClock  = errors.New("is not a time like 12:34:56.789")
	errNotMoment = errors.New("is not a timestamp like 2012-01-31T12:34:56.789Z")
	errNoZone    = errors.New("has neither Z nor an offset, as the column's time zone needs")
	errZone      = errors.New("has Z or an offset, and the column has no time zone")
)

// pair is two digits at the beginning of b, at most top; -1 if they are not there.
func pair(b []byte, top int) int {
	if len(b) < 2 || b[0]-'0' > 9 || b[1]-'0' > 9 {
		return -1
	}
	if v := int(b[0]-'0')*10 + int(b[1]-'0'); v <= top {
		return v
	}
	return -1
}

// parseDate is the days since 1970-01-01 of a date like 2012-01-31.
func parseDate(b []byte) (days int64, ok bool) {
	if len(b) != 10 || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	c, y, m, d := pair(b, 99), pair(b[2:], 99), pair(b[5:], 12), pair(b[8:], 31)
	if c < 0 || y < 0 || m < 1 || d < 1 {
		return 0, false
	}
	year := 100*c + y
	if d > monthDays(year, m) {
		return 0, false
	}
	return daysOf(year, m, d), true
}

func monthDays(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysOf counts the days from 1970-01-01 in the Gregorian calendar. Years are taken to begin in March, so that the leap day is the last one:
// (153m+2)/5 is then the days before month m, and 719468 the days from 0000-03-01.
func daysOf(year, month, day int) int64 {
	m := (month + 9) % 12
	y := year - m/10
	return int64(365*y+floor(y, 4)-floor(y, 100)+floor(y, 400)+(153*m+2)/5+day-1) - 719468
}

// floor is a/b, rounded down.
func floor(a, b int) int {
	if a < 0 {
		return -((b - 1 - a) / b)
	}
	return a / b
}

// parseClock is the nanoseconds since midnight of a time like 12:34 or 12:34:56.789 at the beginning of b, and what follows.
func parseClock(b []byte) (seconds, nanos int64, rest []byte, err error) {
	h := pair(b, 23)
	if h < 0 || len(b) < 5 || b[2] != ':' || pair(b[3:], 59) < 0 {
		return 0, 0, b, errNotClock
	}
	seconds = int64(h)*3600 + int64(pair(b[3:], 59))*60
	if b = b[5:]; len(b) == 0 || b[0] != ':' {
		return seconds, 0, b, nil
	}
	s := pair(b[1:], 59)
	if s < 0 {
		return 0, 0, b, errNotClock
	}
	seconds += int64(s)
	if b = b[3:]; len(b) == 0 || b[0] != '.' && b[0] != ',' {
		return seconds, 0, b, nil
	}
	b = b[1:]
	n := 0
	for ; n < len(b) && b[n]-'0' <= 9; n++ {
		switch {
		case n < 9:
			nanos = nanos*10 + int64(b[n]-'0')
		case b[n] != '0':
			return 0, 0, b, errFine
		}
	}
	if n == 0 {
		return 0, 0, b, errNotClock
	}
	for k := n; k < 9; k++ {
		nanos *= 10
	}
	return seconds, nanos, b[n:], nil
}

// parseMoment is a date, alone or with T or a blank and a time, and Z or an offset.
func parseMoment(b []byte) (m moment, err error) {
	if len(b) < 10 {
		return m, errNotMoment
	}
	days, ok := parseDate(b[:10])
	if !ok {
		return m, errNotMoment
	}
	m.seconds = days * daySeconds
	if b = b[10:]; len(b) == 0 {
		m.dated = true
		return m, nil
	}
	if b[0] != 'T' && b[0] != ' ' && b[0] != 't' {
		return m, errNotMoment
	}
	seconds, nanos, rest, err := parseClock(b[1:])
	if err != nil {
		return m, err
	}
	m.seconds += seconds
	m.nanos = nanos
	if len(rest) == 0 {
		return m, nil
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return m, errNotMoment
	}
	m.seconds -= offset
	m.zoned = true
	return m, nil
}

// parseOffset is the seconds east of UTC of Z, +02, +0200 or +02:00; a blank may be before it.
func parseOffset(b []byte) (seconds int64, ok bool) {
	if len(b) > 1 && b[0] == ' ' {
		b = b[1:]
	}
	if len(b) == 1 && b[0]|0x20 == 'z' {
		return 0, true
	}
	if len(b) < 3 || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	negative := b[0] == '-'
	h, minutes := pair(b[1:], 23), 0
	switch rest := b[3:]; {
	case len(rest) == 3 && rest[0] == ':':
		minutes = pair(rest[1:], 59)
	case len(rest) == 2:
		minutes = pair(rest, 59)
	case len(rest) > 0:
		return 0, false
	}
	if h < 0 || minutes < 0 {
		return 0, false
	}
	seconds = int64(h)*3600 + int64(minutes)*60
	if negative {
		seconds = -seconds
	}
	return seconds, true
}

// perSecond is how many of a unit a second has.
func perSecond(u arrow.TimeUnit) int64 {
	switch u {
	case arrow.Millisecond:
		return 1e3
	case arrow.Microsecond:
		return 1e6
	case arrow.Nanosecond:
		return 1e9
	}
	return 1
}

// in is a moment in a unit, exactly.
func (m *moment) in(u arrow.TimeUnit) (int64, error) {
	per := perSecond(u)
	each := int64(1e9) / per
	if m.nanos%each != 0 {
		return 0, errFine
	}
	low, high := math.MinInt64/per, math.MaxInt64/per
	if m.seconds >= high || m.seconds < low {
		return 0, errRange
	}
	return m.seconds*per + m.nanos/each, nil
}
