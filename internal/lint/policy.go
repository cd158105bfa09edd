package lint

import (
	"fmt"
	"strings"
)

// Policy is what policy.txt says; that file explains its lines.
type Policy struct {
	aliases map[string]string   // short name of a third-party package: its pattern
	layers  map[string][]string // pattern of packages: patterns of what they may import
	tests   []string            // patterns of what any test may import
	never   [][2]string         // importer, imported
	except  map[string][]string // rule: patterns of the files it does not hold for
}

// ReadPolicy reads the text of a policy file.
func ReadPolicy(text string) (*Policy, error) {
	p := &Policy{aliases: map[string]string{}, layers: map[string][]string{}, except: map[string][]string{}}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if words := strings.Fields(line); len(words) > 0 {
			if err := p.add(words[0], words[1:]); err != nil {
				return nil, fmt.Errorf("policy line %d: %w", i+1, err)
			}
		}
	}
	return p, nil
}

func (p *Policy) add(verb string, args []string) error {
	switch {
	case verb == "alias" && len(args) == 2:
		p.aliases[args[0]] = args[1]
	case verb == "layer" && len(args) >= 1:
		if _, twice := p.layers[args[0]]; twice {
			return fmt.Errorf("a second layer line for %s", args[0])
		}
		p.layers[args[0]] = p.expand(args[1:])
	case verb == "tests":
		p.tests = append(p.tests, p.expand(args)...)
	case verb == "never" && len(args) == 2:
		p.never = append(p.never, [2]string{args[0], args[1]})
	case verb == "except" && len(args) == 2:
		return fmt.Errorf("say why %s need not keep %q", args[1], args[0])
	case verb == "except" && len(args) > 2:
		p.except[args[0]] = append(p.except[args[0]], args[1])
	default:
		return fmt.Errorf("no such line: %s %s", verb, strings.Join(args, " "))
	}
	return nil
}

// expand puts patterns in the place of short names.
func (p *Policy) expand(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		if pattern, ok := p.aliases[name]; ok {
			name = pattern
		}
		out[i] = name
	}
	return out
}

// layer returns the pattern of the layer line that says the most of a package; false where none matches.
func (p *Policy) layer(pkg string) (pattern string, ok bool) {
	if _, ok := p.layers[pkg]; ok {
		return pkg, true
	}
	for candidate := range p.layers {
		if match(candidate, pkg) && len(candidate) > len(pattern) {
			pattern, ok = candidate, true
		}
	}
	return pattern, ok
}

// excepts reports whether a rule does not hold for a file.
func (p *Policy) excepts(rule, file string) bool { return matchAny(p.except[rule], file) }

// match reports whether name is what pattern says, or below it where that ends in "/...".
func match(pattern, name string) bool {
	if folder, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == folder || strings.HasPrefix(name, folder+"/")
	}
	return name == pattern
}

func matchAny(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if match(pattern, name) {
			return true
		}
	}
	return false
}
