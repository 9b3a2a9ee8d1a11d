// Package dictionary explains fields: for each, where it is defined, and in a
// sentence or two of plain words what it is for.
//
// The explanations are text files, one a layer, in en/. A teacher can edit or
// translate them without touching code: another folder of such files is a
// dictionary too (see [Load]). In a file, a line that begins at the margin is the
// name of a field; the indented lines below it are, first, where it is defined,
// and then the explanation:
//
//	IPv4.time_to_live
//	    RFC 791, section 3.1
//	    How many routers the packet may still pass. Each takes one off …
//
// Several names above one explanation share it. A name may be the end of a
// field's path: "length" is what is said of every length that has nothing better.
// "@third" after a name is for the packet in that situation (see
// internal/view/dissect), and comes before what is said of others. Lines that begin
// with # are remarks.
package dictionary
