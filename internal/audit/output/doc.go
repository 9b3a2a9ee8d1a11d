// Package output shows what an audit found: as text for people ([Table]), as
// JSON ([JSON], whose schema is [Schema]), as JUnit XML and SARIF for other
// programs ([JUnit], [SARIF]), and as an HTML page ([HTML]).
//
// Text from the network is made harmless for each of them.
//
// Begin with model.go, which says the report in words for people, and with
// table.go, which draws them.
package output
