// Package goal says how far a connection is to go, what came of it, and why:
// the one diagnosis that every command tells.
//
// A [Goal] is how far to go, an outcome is one word for what came of it, and a
// [transcript.Reason] says why. Reasons are found from the transcript, whether
// the connection was ours or somebody else's: a [Story] takes note of the
// entries as they come, and [Story.Reasons] gives the reasons. A scan keeps no
// transcript; it fills in [Facts] instead.
package goal
