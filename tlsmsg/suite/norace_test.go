//go:build !race

package suite

const raceAllocs = 0
