package lab_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// A command enters the lab by running itself again, and then has a server to
// talk to.
func Example() {
	ctx := context.Background()
	if !netns.Inside() {
		status, err := netns.Reexec(ctx, os.Args)
		if err != nil {
			log.Print(err) // says what forbids it, and the remedy
			os.Exit(3)
		}
		os.Exit(status)
	}
	l, err := lab.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	srv, err := l.StartTLSServer(service.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("rawshake connect %v --servername %s --ca %s --cert %s --key %s\n",
		srv.Addr(), pki.ServerName, srv.CAFile(), srv.ClientCertFile(), srv.ClientKeyFile())
}
