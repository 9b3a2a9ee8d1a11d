package guard_test

import (
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/guard"
)

// A guard needs only the address to guard. Port 0 chooses a free one.
func Example() {
	g, err := guard.Open(guard.Options{Local: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer g.Close()
	fmt.Println(g.Kind(), "guards", g.Local().Addr()) // now the SYN may leave from g.Local()
	// Output: listener guards 127.0.0.1
}
