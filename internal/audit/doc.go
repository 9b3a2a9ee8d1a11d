// Package audit finds everything that a TLS server will do, in few connections,
// and judges it.
//
// An [Audit] is a machine without I/O: Next gives a [Question], each of which
// takes one connection, and Answer takes what came of it. What a connection
// asks is decided from what the ones before it said: what the server chose is
// removed, and the same is asked again. A driver may have several questions
// under way at once; [Run] is the blocking one.
//
// Begin with report.go, which says what is found, and audit.go.
package audit
