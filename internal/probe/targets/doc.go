// Package targets says which hosts and ports a scan goes to, and in what order:
// addresses, blocks, ranges and names as people write them, exclusions, the
// special-purpose registries, and a keyed permutation of a whole space that
// takes no memory.
//
// Read number.go (addresses as 128-bit numbers) and set.go (sets of them),
// special.go (what is left out unless asked for), parse.go and zone.go (what people write),
// space.go (a numbered space of targets), permute.go (its order), stream.go
// (lists read line by line).
package targets
