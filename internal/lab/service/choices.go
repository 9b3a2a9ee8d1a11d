// The words that flags and topology files may say.

package service

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/lab/pki"
)

// Choices are the words that a field of a service may be, by the
// name of the flag that says it.
func Choices(flag string) []string {
	switch flag {
	case "kind":
		alone := slices.DeleteFunc(slices.Clone(Kinds), func(k Kind) bool { return k == Closed || k == Unreachable || k == Command })
		return words(alone)
	case "key-type":
		return words(pki.KeyTypes)
	case "fault":
		return words(pki.Faults)
	case "client-auth":
		return words(clientAuths)
	case "misbehave":
		return words(Acts)
	}
	return nil
}

func words[T ~string](list []T) (out []string) {
	for _, w := range list {
		out = append(out, string(w))
	}
	return out
}

// notOneOf says that a word is none of those that there are.
func notOneOf[T ~string](what string, word T, list []T) error {
	return fmt.Errorf("%s %q is not one of %s", what, string(word), strings.Join(words(list), ", "))
}
