//go:build linux

// The flag that says which congestion notification our SYN asks for.

package main

import (
	"github.com/spf13/pflag"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

const ecnOff = "off"

var ecnModes = []string{ecnOff, wire.ECNClassic.String(), wire.ECNAccurate.String()}

func registerECN(fl *pflag.FlagSet, value *string) {
	fl.StringVar(value, "ecn", ecnOff, "congestion notification that the SYN asks for: off, classic (RFC 3168), accurate (RFC 9768)")
}

func parseECN(value string) (wire.ECNMode, error) {
	if value == "" { // of a command that has no such flag
		value = ecnOff
	}
	name, err := oneOf("--ecn", value, ecnModes...)
	if err != nil || name == ecnOff {
		return wire.ECNNone, err
	}
	if name == wire.ECNAccurate.String() {
		return wire.ECNAccurate, nil
	}
	return wire.ECNClassic, nil
}
