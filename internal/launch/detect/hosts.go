package detect

import (
	"fmt"
	"strconv"
	"strings"
)

// Host is one host of a job and how many ranks it has.
type Host struct {
	Name  string
	Ranks int
}

// ParseHosts reads "a:2,b" as given to `darray run --hosts`: names with a number of ranks, 1 where there is none. An IPv6
// address stands in brackets, as in [fd00::1]:2.
func ParseHosts(list string) ([]Host, error) {
	var hosts []Host
	for _, item := range strings.Split(list, ",") {
		h := Host{Name: strings.TrimSpace(item), Ranks: 1}
		bracket := strings.HasPrefix(h.Name, "[")
		if i := strings.LastIndexByte(h.Name, ':'); i >= 0 && (!bracket || strings.HasSuffix(h.Name[:i], "]")) {
			n, err := strconv.Atoi(h.Name[i+1:])
			if err != nil || n < 1 || n > MaxRanks {
				return nil, fmt.Errorf("%q: want HOST or HOST:RANKS, as in a:2,b:2", item)
			}
			h.Name, h.Ranks = h.Name[:i], n
		}
		if bracket {
			h.Name = strings.TrimSuffix(strings.TrimPrefix(h.Name, "["), "]")
		}
		if h.Name == "" || strings.HasPrefix(h.Name, "-") || strings.ContainsAny(h.Name, " \t\n'\"[]") || !bracket && strings.Contains(h.Name, ":") {
			return nil, fmt.Errorf("%q: want HOST or HOST:RANKS, as in a:2,b:2", item)
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

// maxExpanded bounds what a list may stand for, and maxGroups the brackets in one name.
const (
	maxExpanded = MaxRanks
	maxGroups   = 8
	maxName     = 1024 // bytes
)

// ExpandNodes reads Slurm's lists of names: "a[1-3,07],b" is a1 a2 a3 a07 b. Numbers keep their leading zeros.
func ExpandNodes(list string) ([]string, error) {
	var all []string
	for rest := list; ; {
		end, depth := 0, 0
		for ; end < len(rest) && (rest[end] != ',' || depth > 0); end++ {
			switch rest[end] {
			case '[':
				depth++
			case ']':
				depth--
			}
			if depth < 0 || depth > 1 {
				return nil, fmt.Errorf("%q: brackets do not match", list)
			}
		}
		if end == 0 || depth != 0 {
			return nil, fmt.Errorf("%q: want names such as a[1-3,07],b", list)
		}
		names, err := expandName(rest[:end], maxExpanded-len(all))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", list, err)
		}
		all = append(all, names...)
		if end == len(rest) {
			return all, nil
		}
		rest = rest[end+1:]
	}
}

// expandName reads one name with any number of bracket groups; the last one varies first.
func expandName(name string, limit int) ([]string, error) {
	names := []string{""}
	for group := 0; ; group++ {
		head, rest, found := strings.Cut(name, "[")
		if len(names[0])+len(head) > maxName {
			return nil, fmt.Errorf("a name of more than %d bytes", maxName)
		}
		for i := range names {
			names[i] += head
		}
		if !found {
			return names, nil
		}
		ranges, tail, _ := strings.Cut(rest, "]")
		parts, err := expandRanges(ranges, limit/len(names))
		if err != nil {
			return nil, err
		}
		if group == maxGroups {
			return nil, fmt.Errorf("more than %d brackets", maxGroups)
		}
		next := make([]string, 0, len(names)*len(parts))
		for _, n := range names {
			for _, p := range parts {
				next = append(next, n+p)
			}
		}
		names, name = next, tail
	}
}

// expandRanges reads "1-3,07".
func expandRanges(ranges string, limit int) ([]string, error) {
	var parts []string
	for _, r := range strings.Split(ranges, ",") {
		first, last, isRange := strings.Cut(r, "-")
		if !isRange {
			last = first
		}
		lo, err1 := digits(first)
		hi, err2 := digits(last)
		if err1 != nil || err2 != nil || hi < lo {
			return nil, fmt.Errorf("%q is no range of numbers", r)
		}
		if hi-lo >= limit-len(parts) {
			return nil, fmt.Errorf("it stands for more than %d names", maxExpanded)
		}
		for n := lo; n <= hi; n++ {
			parts = append(parts, fmt.Sprintf("%0*d", len(first), n))
		}
	}
	return parts, nil
}

func digits(s string) (int, error) {
	if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(s)
}

// expandCounts reads Slurm's "2(x3),1": 2 2 2 1.
func expandCounts(list string) ([]int, error) {
	if list == "" {
		return nil, nil
	}
	var counts []int
	for _, item := range strings.Split(list, ",") {
		count, times, repeated := strings.Cut(item, "(x")
		n, err := digits(count)
		k := 1
		if repeated && err == nil {
			k, err = digits(strings.TrimSuffix(times, ")"))
			if !strings.HasSuffix(times, ")") {
				err = strconv.ErrSyntax
			}
		}
		if err != nil || k > maxExpanded-len(counts) {
			return nil, fmt.Errorf("%q: want counts such as 2(x3),1", list)
		}
		for range k {
			counts = append(counts, n)
		}
	}
	return counts, nil
}
