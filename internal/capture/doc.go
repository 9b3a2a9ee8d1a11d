// Package capture writes what others read: packets as pcapng, and secrets as
// an NSS key log.
//
// Read pcapng.go, then keylog.go.
package capture
