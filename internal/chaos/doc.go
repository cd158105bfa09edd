// Package chaos makes random programs of messages and collectives, and networks that fail under them: for tests that no
// failure of a rank or a network makes another rank hang. Everything follows from a seed.
package chaos
