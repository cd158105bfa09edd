package detect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/internal/launch/detect"
)

func TestExpandNodes(t *testing.T) {
	for list, want := range map[string]string{
		"a":                                 "a",
		"a[1-3,07],b":                       "a1 a2 a3 a07 b",
		"n[08-11]":                          "n08 n09 n10 n11",
		"r[1-2]c[0-1]x":                     "r1c0x r1c1x r2c0x r2c1x",
		"a-b[5],c.d.e":                      "a-b5 c.d.e",
		"n[099-100,2]":                      "n099 n100 n2",
		"[1-2]":                             "1 2",
		"":                                  "error",
		"a,":                                "error",
		"a[1":                               "error",
		"a]1":                               "error",
		"a[[1]]":                            "error",
		"a[2-1]":                            "error",
		"a[x]":                              "error",
		"a[]":                               "error",
		"a[1-9999999999]":                   "error",
		"a[0-999999999]":                    "error",
		"a[0-999][0-9999]":                  "error",
		strings.Repeat("a", 5000) + "[1-2]": "error",
		"a" + strings.Repeat("[1]", 9):      "error",
	} {
		got := "error"
		if names, err := detect.ExpandNodes(list); err == nil {
			got = strings.Join(names, " ")
		}
		if got != want {
			t.Errorf("%.40q: got %.80q, want %q", list, got, want)
		}
	}
}

func TestParseHosts(t *testing.T) {
	for list, want := range map[string]string{
		"a:2,b:3":           "[{a 2} {b 3}]",
		"a, b":              "[{a 1} {b 1}]",
		"u@h.x:4":           "[{u@h.x 4}]",
		"[fd00::1]:2,[::1]": "[{fd00::1 2} {::1 1}]",
		"":                  "error",
		"a:":                "error",
		"a:0":               "error",
		"a:-1":              "error",
		"-oProxyCommand=x":  "error",
		"a b":               "error",
		"fd00::1:2":         "error",
		"a,,b":              "error",
	} {
		got := "error"
		if hosts, err := detect.ParseHosts(list); err == nil {
			got = fmt.Sprint(hosts)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", list, got, want)
		}
	}
}

func FuzzExpandNodes(f *testing.F) {
	for _, seed := range []string{"a[1-3,07],b", "r[1-2]c[0-1]x", "a[", "a[0-9999]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		names, err := detect.ExpandNodes(list)
		if err != nil {
			return
		}
		if len(names) == 0 || len(names) > detect.MaxRanks || slices.Contains(names, "") && !strings.Contains(list, "[") {
			t.Errorf("%q: %d names", list, len(names))
		}
		if !strings.Contains(list, "[") && strings.Join(names, ",") != list {
			t.Errorf("%q: got %q", list, names)
		}
	})
}

func FuzzParseHosts(f *testing.F) {
	for _, seed := range []string{"a:2,b", "[::1]:2", "a:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		hosts, err := detect.ParseHosts(list)
		for _, h := range hosts {
			if err == nil && (h.Name == "" || h.Name[0] == '-' || h.Ranks < 1 || h.Ranks > detect.MaxRanks) {
				t.Errorf("%q: %+v", list, h)
			}
		}
	})
}
