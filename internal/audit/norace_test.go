//go:build !race

package audit_test

// runs is how often each server is audited.
const runs = 100
