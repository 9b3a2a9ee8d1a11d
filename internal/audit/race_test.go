//go:build race

package audit_test

// runs is how often each server is audited: the race detector makes it slow.
const runs = 5
