package explain

import (
	"context"
)

func Interface(ctx context.Context, name string, o Options) (*Report, error) {
	return nil, ErrUnsupported
}
