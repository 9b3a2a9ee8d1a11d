// Package reassembly puts IP packets together that arrived in fragments: RFC
// 791, section 3.2, and RFC 8200, section 4.5, with RFC 5722's answer to
// overlapping fragments for both versions.
//
// It does no I/O. The endpoint uses it for what it receives, and the transcript
// once more to show what the fragments held.
package reassembly
