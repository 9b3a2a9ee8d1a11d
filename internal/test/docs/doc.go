// Package docs keeps docs/reading-a-handshake.md true: its test makes the
// document anew from a handshake in the lab, and compares them.
//
//	go test ./internal/test/docs -update
package docs
