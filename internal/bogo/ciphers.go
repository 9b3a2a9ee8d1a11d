package main

import (
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// suites returns the suites to offer or accept.
func (s *settings) suites() ([]tlsmsg.CipherSuite, error) {
	if s.ciphers != "" {
		return nil, fmt.Errorf("%w: -cipher %s", errUnimplemented, s.ciphers)
	}
	return suite.IDs(), nil
}
