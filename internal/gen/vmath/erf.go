package vmath

import (
	"math"

	"github.com/darray-go/darray/internal/lanes"
)

var errorFunctions = []Function{
	{
		Name: "Erf", Arity: 1, Doc: "is the error function, 2/sqrt(pi) times the integral of exp(-t*t) from 0 to x.",
		Method: "below c = 0.76 in size x + x P(x*x), P of degree 10; above, 1 - erfc(c) 2^(-s Q(s)) with s = |x| - c, Q of degree 17; both are computed and one is chosen",
		Source: "the form 1 - exp(-Q): C. Hastings, Approximations for Digital Computers, 1955; coefficients by Remez's exchange",
		ULP:    1, ULP32: 1,
		Float64: erf, Float32: erf32,
	},
	{
		Name: "Erfc", Arity: 1, Doc: "is 1 - erf(x), without the cancellation where that is small.",
		Method: "below 1/2 in size 1 - x - x P(x*x); above, exp(-x*x) F(1/(|x|+7/2))/(|x|+1/2) with x*x, exp and the product in two parts, F of degree 21, subtracted from 2 for negative x",
		Source: "the form of F: M. M. Shepherd and J. G. Laframboise, Mathematics of Computation 36, 1981; coefficients by Remez's exchange",
		ULP:    1, ULP32: 1,
		Float64: erfc, Float32: erfc32,
	},
}

// The coefficients come from sollya/erf.sollya. erfSmall are erf(x)/x - 1 in x*x on x*x <= 0.625, erfcSmall on x*x <= 1/4, both
// within 2^-56 of erf(x)/x, as is the first coefficient alone.
var (
	erfSmall = []float64{
		0x1.06eba8214db68p-3, -0x1.812746b03798ap-2, 0x1.ce2f21a03db8fp-4, -0x1.b82ce310d6714p-6, 0x1.565bccc332754p-8, -0x1.c02da4d37a146p-11,
		0x1.f9a13fc6bf16cp-14, -0x1.f4ab44a6a7dcep-17, 0x1.b7e4f13080913p-20, -0x1.4f171f8fdc82bp-23, 0x1.6410da77bb9f6p-27,
	}
	erfcSmall = []float64{
		0x1.06eba8214db68p-3, -0x1.812746b03794ap-2, 0x1.ce2f21a034711p-4, -0x1.b82ce30a7ebebp-6, 0x1.565bcacb44d63p-8, -0x1.c02cfd2618589p-11,
		0x1.f9814d10c389dp-14, -0x1.f12c64b44a449p-17, 0x1.83687b6b298b4p-20,
	}
)

// erfcCentre is erfc(erfCentre), within 2^-56 of it.
const (
	erfCentre  = 0x1.848p-1
	erfcCentre = 0x1.2207438f02990p-2
)

// erfLarge are log2(erfc(erfCentre+s)/erfcCentre)/s on 0 <= s <= 5.25; erf from it is within 2^-56.4.
var erfLarge = []float64{
	-0x1.9daa5ccf80f69p+1, -0x1.2ae071b0e26a3p+0, -0x1.35f8b93018643p-4, 0x1.29f8335034544p-6, -0x1.ac027fedbf027p-9, 0x1.9b8361af1d123p-13,
	0x1.34fac09f296c2p-13, -0x1.41d6a2db2dc9bp-14, 0x1.5857fb6279bf6p-16, -0x1.23050f9925a43p-19, -0x1.fbd7c2aed41dcp-21, 0x1.5f74f40af2d3bp-21,
	-0x1.e963115b82b4dp-23, 0x1.d4eb5bc960bbbp-25, -0x1.4049b71915173p-27, 0x1.2c38c2bdffa54p-30, -0x1.5af1fe83e5b13p-34, 0x1.747ab169f7e21p-39,
}

// erfcFar are the coefficients of (|x|+1/2) exp(x*x) erfc(x) in v = 1/(|x|+7/2) - 9/64 on 1/2 <= |x| <= 27.3 but for the first,
// which is in two parts; together within 2^-57.1.
var erfcFar = []float64{
	0x1.f6b9affef5366p-2, -0x1.3490c75521afap-3, -0x1.f0de1fe052973p+3, -0x1.043fe716bb627p+7, -0x1.5edbd1d8a753fp+9, -0x1.57da5fec26758p+11,
	-0x1.dde9e53f84809p+12, -0x1.7ef1fb36456b8p+13, 0x1.1012182f9c33bp+12, 0x1.2b7cf74b3f7eep+16, 0x1.f2761b1cc0bf8p+16, -0x1.ff0fb64c81940p+17,
	-0x1.23d01c9fb9d9bp+20, 0x1.db15f7a634417p+18, 0x1.13bc042425e2cp+23, 0x1.d0431f9158e8dp+20, -0x1.07deee6879d15p+26, -0x1.b70b0a7536609p+24,
	0x1.f7103154025cbp+28, 0x1.2abd5b84d2084p+27, -0x1.5a3a65dd924d5p+31,
}

const (
	erfcFarFirst     = 0x1.3d7b15f432777p-1
	erfcFarFirstTail = -0x1.e45a48766965fp-56
)

// powersOf2 are (2^r - 1)/r on |r| <= 1/2, within 2^-55 of 2^r; those for float32 within 2^-39.
var powersOf2 = []float64{
	0x1.62e42fefa39f3p-1, 0x1.ebfbdff82c599p-3, 0x1.c6b08d7048d8dp-5, 0x1.3b2ab6fba1acbp-7, 0x1.5d87fe7c04ac1p-10, 0x1.4309130a4dbe2p-13,
	0x1.ffcbecfb6beabp-17, 0x1.62bfd1b87e241p-20, 0x1.b543c3e1cb1c0p-24, 0x1.e60bddc0945cfp-28, 0x1.bd2e1864809fep-32,
}

// The same for float32: erf32Large is within 2^-44 of erf on s <= 3.4, where erf is 1 in float32, erfc32Far within 2^-40.9 for
// |x| <= 10.5 about 1/(|x|+7/2) = 41/256.
var (
	erf32Small = []float64{
		0x1.06eba8214d949p-3, -0x1.812746b026a58p-2, 0x1.ce2f21950dfe4p-4, -0x1.b82ce036a44c1p-6, 0x1.565b6f2bd4069p-8, -0x1.c0201cbddc6b9p-11,
		0x1.f87968908cb4fp-14, -0x1.e5cdef98c76c5p-17, 0x1.4e960eb557c90p-20,
	}
	erfc32Small = []float64{
		0x1.06eba8214ccd0p-3, -0x1.812746af8601ep-2, 0x1.ce2f20ef52016p-4, -0x1.b82ca0ca5b680p-6, 0x1.564ff15f30e09p-8, -0x1.bdfd86ab50713p-11,
		0x1.c5d7a1b79c800p-14,
	}
	erf32Large = []float64{
		0x1.9daa5ccf90464p+1, 0x1.2ae071ac10f70p+0, 0x1.35f8bd263b6eap-4, -0x1.29f893a6aafe7p-6, 0x1.ac0bfb9ce7ab3p-9, -0x1.9c6de776282dfp-13,
		-0x1.34cce1e811462p-13, 0x1.45c7b9301fe96p-14, -0x1.78e2c8ec6d35ep-16, 0x1.1d50a96c0c027p-18, -0x1.0829b37c19735p-21, 0x1.c57aa33926611p-26,
	}
	erfc32Far = []float64{
		0x1.424a7027123bfp-1, 0x1.d9f52e006e9e3p-2, -0x1.6ac3f1dce470ap+0, -0x1.cd21b083b32f9p+4, -0x1.b104646155939p+7, -0x1.1093df5eeae69p+10,
		-0x1.ea3dc74153596p+11, -0x1.269d73e6d0d65p+13, -0x1.39b89f6e41868p+13, 0x1.4f9f5331efbc7p+14, 0x1.735dbb77fcbbdp+16, 0x1.e14363471a68fp+14,
		-0x1.f5155d486f0fcp+18, -0x1.f8f839c14d21ap+18, 0x1.2355c2b57482cp+21, 0x1.d01beb6584e2cp+18,
	}
	powersOf2For32 = []float64{
		0x1.62e42fef7a7bcp-1, 0x1.ebfbdff7c5f0cp-3, 0x1.c6b08defbec7fp-5, 0x1.3b2ab7f364e16p-7, 0x1.5d87297a18660p-10, 0x1.4306c19cd80a7p-13,
		0x1.00ee023528d50p-16, 0x1.6633b100dc767p-20,
	}
)

func erf(_ *lanes.Program, x ...lanes.F) lanes.F {
	size := x[0].Abs()
	s := size.Sub(erfCentre).Min(5.25)
	q := inWays(s, 2, erfLarge...)
	z := size.Mul(size)
	near := size.FMA(inWays(z, 2, erfSmall[1:]...).FMA(z, erfSmall[0]), size)
	shifted := s.FMA(q, lanes.Magic)
	r := s.FMS(q, shifted.Sub(lanes.Magic))
	e := r.FMA(inWays(r, 2, powersOf2...), 1)
	e = e.Bits().Add(shifted.Bits().Shl(52)).Float()
	return size.Ge(erfCentre).Select(e.FNMA(erfcCentre, 1), near).XorSign(x[0]) // NaN is near
}

func erf32(_ *lanes.Program, x ...lanes.F) lanes.F {
	return erfBy(x[0], 3.4, erf32Small, erf32Large, powersOf2For32)
}

func erfBy(x lanes.F, most float64, small, large, powers []float64) lanes.F {
	size := x.Abs()
	s := size.Sub(erfCentre).Min(most)
	v := s.Mul(inWays(s, 4, large...)).Neg()
	near := x.FMA(erfPart(x, small), x)
	shifted := v.Add(lanes.Magic)
	r := v.Sub(shifted.Sub(lanes.Magic))
	e := r.FMA(inWays(r, 4, powers...), 1)
	e = e.Bits().Add(shifted.Bits().Shl(52)).Float()
	far := e.FNMA(erfcCentre, 1).XorSign(x)
	return size.Ge(erfCentre).Select(far, near) // NaN is near
}

// erfPart is erf(x)/x - 1; the second coefficient is added with one rounding too, as it is larger than the first.
func erfPart(x lanes.F, cs []float64) lanes.F {
	z := x.Mul(x)
	return inWays(z, 4, cs[1:]...).FMA(z, cs[0])
}

func erfc(p *lanes.Program, x ...lanes.F) lanes.F {
	size := p.F(-6).Max(x[0]).Abs().Min(27.3) // erfc is 2 below -6, 0 above 27.3
	y, n := erfcLarge(p, size)
	one := fastTwoSum(p.F(1), x[0].Neg())
	near := one.hi.Add(x[0].FNMA(erfPart(x[0], erfcSmall), one.lo))
	far := y.Bits().Add(n.Bits().Shl(52)).Float()
	far = p.RareOne(x[0].Gt(26.5), far, func() lanes.F { return twoPowers(y, n.Sub(lanes.Magic)) })
	far = x[0].Lt(0).Select(p.F(2).Sub(far), far)
	return x[0].Abs().Ge(0.5).Select(far, near) // NaN is near
}

// erfcLarge is y * 2^n of erfc for 1/2 <= x <= 27.3, y within 2^-55.5 and rounded; n had Magic added.
func erfcLarge(p *lanes.Program, x lanes.F) (y, n lanes.F) {
	w, z := reciprocal(x, 3.5), reciprocal(x, 0.5)
	square := twoProd(x, x)
	shifted := square.hi.FNMA(log2e, lanes.Magic)
	n = shifted.Sub(lanes.Magic)
	r := fastTwoSum(n.FNMA(ln2Hi, square.hi.Neg()), n.FNMA(ln2Lo, square.lo.Neg())) // the first is exact
	one := fastTwoSum(p.F(1), r.hi)
	low := one.lo.Add(r.hi.Mul(r.hi).FMA(inWays(r.hi, 4, expCoefficients...), r.lo)) // below 0.07: no need to normalise
	v := w.hi.Sub(0x1.2p-3)
	slope := v.Mul(v).FMA(-180, 0.49) // of F, as it is near x = 1/2, where alone it matters
	f := fastTwoSum(p.F(erfcFarFirst), v.FMA(inWays(v, 4, erfcFar...), w.lo.FMA(slope, erfcFarFirstTail)))
	product := twoProd(one.hi, f.hi)
	product = fastTwoSum(product.hi, low.FMA(f.hi, one.hi.FMA(f.lo, product.lo)))
	h := product.hi.Mul(z.hi)
	tail := product.hi.FMA(z.lo, product.lo.FMA(z.hi, product.hi.FMS(z.hi, h)))
	return h.Add(tail), shifted
}

// reciprocal is 1/(x+c) for x and c of about one size.
func reciprocal(x lanes.F, c float64) dd {
	d := x.Add(c)
	z := x.Program().F(1).Div(d)
	low := x.Sub(d.Sub(c))
	return dd{z, z.Mul(z.FNMA(low, z.FNMA(d, 1)))}
}

func erfc32(p *lanes.Program, x ...lanes.F) lanes.F {
	size := x[0].Abs().Min(10.5) // erfc is 0 or 2 beyond
	square := size.Mul(size)     // exact
	shifted := square.FNMA(log2e, lanes.Magic)
	r := shifted.Sub(lanes.Magic).FNMA(math.Ln2, square.Neg())
	e := r.FMA(r.FMA(inWays(r, 4, exp32Coefficients...), 1), 1)
	e = e.Bits().Add(shifted.Bits().Shl(52)).Float()
	v := p.F(1).Div(size.Add(3.5)).Sub(0x1.48p-3)
	far := e.Mul(inWays(v, 4, erfc32Far...)).Div(size.Add(0.5))
	far = x[0].Lt(0).Select(p.F(2).Sub(far), far)
	near := p.F(1).Sub(x[0].FMA(inWays(x[0].Mul(x[0]), 2, erfc32Small...), x[0]))
	return x[0].Abs().Ge(0.5).Select(far, near) // NaN is near
}
