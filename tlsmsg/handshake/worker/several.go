package worker

// several is the error of a verdict that was made of several.
type several struct {
	first error // what crypto/x509 said of the first; may be nil
	each  []*Verdict
}

func (e *several) Error() string { return e.each[0].Text }

func (e *several) Unwrap() error { return e.first }

// Each returns all that is wrong with a chain, one after the other, each with a
// text of its own.
func (v *Verdict) Each() []*Verdict {
	if s, ok := v.Err.(*several); ok {
		return s.each
	}
	return []*Verdict{v}
}
