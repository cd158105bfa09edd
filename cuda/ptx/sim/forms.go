package sim

import "strings"

// form is one way to write an instruction: its modifiers in order, each a choice by |, optional where ? follows.
type form struct {
	mods  string
	build func(b *builder, got []string)
}

// match holds modifiers against a pattern and returns what stands in each place, "" for what was left out.
func match(pattern string, mods []string) ([]string, bool) {
	slots := strings.Fields(pattern)
	got := make([]string, len(slots))
	for i, slot := range slots {
		choice, optional := strings.CutSuffix(slot, "?")
		if len(mods) > 0 && oneOf(choice, mods[0]) {
			got[i], mods = mods[0], mods[1:]
		} else if !optional {
			return nil, false
		}
	}
	return got, len(mods) == 0
}

func oneOf(choice, s string) bool {
	for c := range strings.SplitSeq(choice, "|") {
		if c == s {
			return true
		}
	}
	return false
}

// known lists the forms of an instruction for an error.
func known(op string, list []form) string {
	var s []string
	for _, f := range list {
		var out strings.Builder
		out.WriteString(op)
		for slot := range strings.FieldsSeq(f.mods) {
			choice, optional := strings.CutSuffix(slot, "?")
			choice = strings.ReplaceAll(choice, "|", "|.")
			if optional {
				out.WriteString("{." + choice + "}")
			} else {
				out.WriteString("." + choice)
			}
		}
		s = append(s, out.String())
	}
	return strings.Join(s, ", ")
}

// Lists of types as they recur.
const (
	ints16to64 = "u16|s16|u32|s32|u64|s64"
	bits16to64 = "b16|b32|b64"
	all16to64  = "b16|b32|b64|u16|s16|u32|s32|u64|s64|f32|f64"
	all8to64   = "b8|b16|b32|b64|u8|u16|u32|u64|s8|s16|s32|s64|f32|f64"
	rounding   = "rn|rz|rm|rp"
	scopes     = "cta|gpu|sys"
)
