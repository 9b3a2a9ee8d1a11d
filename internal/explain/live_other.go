//go:build !linux

// Live capture needs Linux.

package explain

import "context"

// Interface needs Linux: it returns ErrUnsupported.
func Interface(context.Context, string, Options) (*Report, error) { return nil, ErrUnsupported }
