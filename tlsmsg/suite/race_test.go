//go:build race

package suite

// raceAllocs is what the race detector itself allocates in a CBC record.
const raceAllocs = 1
