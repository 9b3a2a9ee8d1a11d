package route_test

import (
	"testing"

	"github.com/rawshake/rawshake/internal/test/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }
