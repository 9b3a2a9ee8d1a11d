// Package dictionary explains fields: where each is defined, and what it is
// for, in a sentence or two of plain words.
//
// The explanations are text files in en/, one for each layer. A teacher can
// edit or translate them without touching code: another folder of such files is
// a dictionary too (see [Load]). In a file, a line without indentation is the
// name of a field; the indented lines below it are first where it is defined,
// and then the explanation:
//
//	IPv4.time_to_live
//	    RFC 791, section 3.1
//	    How many routers the packet may still pass. Each takes one off …
//
// Several names above one explanation share it. A name may be the end of a
// field's path: "length" explains every length without a better entry. "@third"
// after a name is for the packet in that situation (see internal/view/dissect),
// and takes precedence there. Lines that begin with # are comments.
package dictionary
