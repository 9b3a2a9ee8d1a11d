// Package page makes one HTML file of a transcript, to be opened from disk and
// handed on: the ladder, every byte with the field that it belongs to and what
// that is for, and how the keys were made.
//
// The file asks nobody for anything. Its style and its script are named by their
// hashes in a content security policy, and everything else is data: text that
// came from the network is put into the page as text by the template, or as
// JSON that the script shows with textContent.
package page
