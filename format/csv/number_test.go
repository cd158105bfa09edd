package csv_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/darray-go/darray/format/csv"
)

// randomNumber is the text of a number, of one of the ways that they are written in.
func randomNumber(r *rand.Rand) string {
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = '0' + byte(r.IntN(10))
		}
		return string(b)
	}
	sign := []string{"", "", "-", "+"}[r.IntN(4)]
	kind := r.IntN(8)
	if kind == 6 && r.IntN(10) > 0 {
		kind = 3 // halves take long to make
	}
	switch kind {
	case 0:
		return strconv.FormatFloat(math.Float64frombits(r.Uint64()), 'g', -1, 64)
	case 1:
		return strconv.FormatFloat(r.NormFloat64()*math.Exp2(float64(r.IntN(200)-100)), 'e', r.IntN(20), 64)
	case 2:
		return strconv.FormatFloat(r.NormFloat64()*1000, 'f', r.IntN(10), 64)
	case 3:
		return sign + digits(1+r.IntN(22)) + "." + digits(r.IntN(22))
	case 4:
		return sign + digits(1+r.IntN(20)) + "e" + strconv.Itoa(r.IntN(700)-350)
	case 5:
		return sign + "." + digits(1+r.IntN(25)) + "E+" + strconv.Itoa(r.IntN(30))
	case 6: // half way between two floats, and a little beside
		f := math.Float64frombits(r.Uint64()&^(0x7ff<<52) | uint64(1000+r.IntN(60))<<52)
		half := new(big.Float).SetPrec(200).Add(big.NewFloat(f), big.NewFloat(math.Nextafter(f, math.Inf(1))))
		return half.Quo(half, big.NewFloat(2)).Text('f', 60) + []string{"", "0", "1"}[r.IntN(3)]
	}
	return sign + strconv.FormatUint(1<<53-5+uint64(r.IntN(10)), 10) + []string{"", "e22", "e-22", "e23", "e-23", "000", ".0"}[r.IntN(7)]
}

// TestNumbersAsStrconv: numbers are those that strconv makes of their text, bit for bit.
func TestNumbersAsStrconv(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	n := 1_000_000
	if testing.Short() {
		n = 300_000
	}
	for range n {
		text := randomNumber(r)
		want, wantErr := strconv.ParseFloat(text, 64)
		got, err := csv.ParseFloat([]byte(text))
		if (err == nil) != (wantErr == nil) || err == nil && math.Float64bits(got) != math.Float64bits(want) && want == want {
			t.Fatalf("%s: %v and %v, want %v and %v", text, got, err, want, wantErr)
		}
		want32, wantErr := strconv.ParseFloat(text, 32)
		got32, err := csv.ParseFloat32([]byte(text))
		if (err == nil) != (wantErr == nil) || err == nil && math.Float32bits(got32) != math.Float32bits(float32(want32)) && want32 == want32 {
			t.Fatalf("%s: float32 %v and %v, want %v and %v", text, got32, err, want32, wantErr)
		}
	}
	for _, text := range []string{"", "-", "+", ".", "1e", "1e+", "e5", "1.2.3", "0x10", "1_000", "1,5", "--1", "infin", "+nan", "1 ", " 1", "1e5x", "Ⅷ", strings.Repeat("1", 2000)} {
		if v, err := csv.ParseFloat([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, v)
		}
	}
}

// TestFloatsAreShortest: what is written reads back as the same bits, and no shorter decimal would.
func TestFloatsAreShortest(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	digits := func(s string) int {
		mantissa, _, _ := strings.Cut(s, "e")
		return len(strings.TrimRight(strings.TrimLeft(strings.Map(func(c rune) rune {
			if c == '.' || c == '-' {
				return -1
			}
			return c
		}, mantissa), "0"), "0"))
	}
	for i := range 500_000 {
		v := math.Float64frombits(r.Uint64())
		switch i % 4 {
		case 1:
			v = float64(r.IntN(2e9)-1e9) / 100
		case 2:
			v = float64(r.Int64N(2e15)-1e15) / []float64{1, 10, 1e3, 1e6, 1e7}[r.IntN(5)]
		case 3:
			v = r.NormFloat64()
		}
		if v != v || math.IsInf(v, 0) {
			continue
		}
		text := string(csv.AppendFloat(nil, v, 64))
		back, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Float64bits(back) != math.Float64bits(v) {
			t.Fatalf("%v is written %s, which is %v, %v", v, text, back, err)
		}
		if want := strconv.FormatFloat(v, 'e', -1, 64); digits(text) != digits(want) {
			t.Fatalf("%s, the shortest is %s", text, want)
		}
		v32 := float32(v)
		if back, err := strconv.ParseFloat(string(csv.AppendFloat(nil, float64(v32), 32)), 32); !math.IsInf(float64(v32), 0) && (err != nil || float32(back) != v32) {
			t.Fatalf("float32 %v comes back as %v, %v", v32, back, err)
		}
	}
	for v, want := range map[float64]string{0: "0.0", math.Copysign(0, -1): "-0.0", 1: "1.0", -2.5: "-2.5", 0.1: "0.1", 1e21: "1e+21", 123456.78: "123456.78", 1e-7: "1e-07", 1e15: "1000000000000000.0", math.Inf(-1): "-Inf", 100: "100.0", 0.01: "0.01", -0.5: "-0.5"} {
		if got := string(csv.AppendFloat(nil, v, 64)); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

// TestDecimals compares with rational numbers.
func TestDecimals(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	exact, refused := 0, 0
	for range 200_000 {
		text := randomNumber(r)
		if _, e, _ := strings.Cut(strings.ToLower(text), "e"); len(e) > 3 || strings.ContainsAny(text, "NI") {
			continue
		}
		precision, scale := 1+r.Int32N(38), int32(0)
		scale = r.Int32N(precision + 1)
		value, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatal(text)
		}
		ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
		value.Mul(value, new(big.Rat).SetInt(ten))
		most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
		fits := value.IsInt() && value.Num().CmpAbs(most) < 0
		got, err := csv.ParseDecimal([]byte(text), precision, scale)
		if fits != (err == nil) || fits && got.BigInt().Cmp(value.Num()) != 0 {
			t.Fatalf("%s as decimal(%d, %d): %v, %v; want %v, %t", text, precision, scale, got.BigInt(), err, value, fits)
		}
		if fits {
			exact++
		} else {
			refused++
		}
	}
	if exact < 5000 || refused < 5000 {
		t.Errorf("%d fit, %d did not", exact, refused)
	}
}

// BenchmarkNumber parses one number of some digits.
func BenchmarkNumber(b *testing.B) {
	for _, text := range []string{"1.5", "-1234.56", "0.30000000000000004", "1.7976931348623157e308"} {
		b.Run(fmt.Sprint(len(text)), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			digits := []byte(text)
			for b.Loop() {
				if _, err := csv.ParseFloat(digits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
