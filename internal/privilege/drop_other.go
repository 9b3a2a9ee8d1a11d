//go:build !linux

// Systems without capabilities.

package privilege

// Held is what this thread may use: here nothing.
func Held() (Set, error) { return 0, nil }

// Keep does nothing here.
func Keep(Set) (Set, error) { return 0, ErrUnsupported }

// Without calls f.
func Without(_ Set, f func()) error {
	f()
	return nil
}

// Confine does nothing here.
func Confine([]string) bool { return false }

// A Person is another user, which there is none of here.
type Person struct{}

// As makes none.
func As(int, int, []int) (*Person, error) { return nil, ErrUnsupported }

// Do calls f.
func (*Person) Do(f func() error) error { return f() }
