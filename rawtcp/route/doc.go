// Package route asks the kernel how it routes packets: the route of one
// connection by its addresses, ports and the rules about them ([Find]), the
// addresses between which all routes are the same ([Borders]), and news of
// changes ([Watch]). It changes nothing, and needs no privilege.
package route
