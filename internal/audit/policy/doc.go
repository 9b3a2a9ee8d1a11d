// Package policy judges what an audit found by rules: those of RFC 9325, of
// Mozilla's guidelines or of PCI DSS, which are built in, or a file's.
//
// [Load] reads a policy, [Judge] gives the verdict. A rule has one check, a
// level, the source that it stands in, and may say which line of a server's
// configuration mends what violates it. The built-in ones are files of the
// same format (builtin/*.yaml, docs/policies.md).
//
// Begin with policy.go and judge.go.
package policy
