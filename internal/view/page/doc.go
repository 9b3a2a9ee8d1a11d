// Package page makes one HTML file of a transcript, to open from disk and to
// pass on: the ladder, every byte with its field and what that is for, and how
// the keys were derived.
//
// The file loads nothing else. A content security policy names its style and
// script by their hashes, and everything else is data: the template puts text
// from the network into the page as text, or as JSON that the script shows with
// textContent.
package page
