package main

import (
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// remedied turns an error into the sentence that a person reads: what
// happened, then what to do about it. Text from the network is escaped.
func (f *connectFlags) remedied(err error) error {
	text := view.Escape(err.Error())
	if remedy := f.remedy(err); remedy != "" {
		text += "\n  " + remedy
	}
	return errors.New(text)
}

func (f *connectFlags) remedy(err error) string {
	switch {
	case errors.Is(err, link.ErrPermission), errors.Is(err, guard.ErrPermission):
		return `Grant it with: sudo setcap cap_net_raw+ep "$(command -v rawshake)"` + "\n  " +
			"Or see a handshake without any privilege, in a private network: rawshake lab demo. What this machine allows: rawshake doctor"
	case errors.Is(err, guard.ErrPortInUse):
		return fmt.Sprintf("Choose another port than %d with --source-port, or leave the flag out.", f.sourcePort)
	case errors.Is(err, rawtcp.ErrReset) && f.guard == guard.KindNone:
		return "Without a guard the local kernel answers the SYN-ACK with a RST of its own: leave out --guard none, or use --guard auto."
	}
	return f.tls.remedy(err)
}
