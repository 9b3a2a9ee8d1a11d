// Package plain makes text from the network harmless, on a terminal ([Escape])
// and in JSON ([AppendString], [Object]), and counts things in words.
package plain
