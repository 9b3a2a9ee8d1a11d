// Numbers of things in words.

package plain

import "fmt"

// Plural is a number of things in words: "1 byte", "2 bytes".
func Plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Octets is a number of bytes in words.
func Octets(n int) string { return Plural(n, "byte") }
