// Package results reads what probe wrote and makes it easy to look at: counts
// of each kind ([Tally]) in the terminal or as one HTML page, the difference
// between two scans ([Diff]), and columns for analysts ([Convert]).
//
// Files of any length take bounded memory, but for a difference, which knows
// each target of the first scan by some hundred bytes.
package results
