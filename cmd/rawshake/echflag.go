//go:build linux

// --ech-config: what a server publishes to encrypt the ClientHello to.

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// parseECHConfig reads an ECHConfigList: in base64, as HTTPS records of DNS show it
// after ech=, or a file that holds it so, in PEM (ECHCONFIG), or as bytes.
func parseECHConfig(value string) ([]tlsmsg.ECHConfig, error) {
	raw, err := readECHFile(value)
	what := "it"
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENAMETOOLONG) || errors.Is(err, unix.ENOTDIR) {
		if raw, err = decodeECH([]byte(value)); err != nil {
			return nil, usageError("--ech-config: it is neither a file nor an ECHConfigList in base64, as stands after ech= in an HTTPS record of DNS")
		}
	} else if err != nil {
		return nil, fileError("--ech-config", err)
	} else {
		what = plain.Escape(value)
	}
	list, err := tlsmsg.ParseECHConfigList(raw)
	if err != nil {
		return nil, usageError("--ech-config: %s holds no ECHConfigList: %v", what, err)
	}
	if _, err := handshake.UsableECH(list); err != nil {
		return nil, usageError("--ech-config: %v", err)
	}
	return list, nil
}

func readECHFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxECHFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxECHFile:
		return nil, fmt.Errorf("%s has more than %d bytes, which no ECHConfigList has", name, maxECHFile)
	}
	if raw, err := decodeECH(b); err == nil {
		return raw, nil
	}
	return b, nil
}

const maxECHFile = 256 << 10 // bytes: the longest list in base64, and as much around it

// decodeECH takes PEM or base64.
func decodeECH(text []byte) ([]byte, error) {
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		} else if block.Type == "ECHCONFIG" { // RFC 9934
			return block.Bytes, nil
		}
	}
	s := strings.TrimPrefix(string(bytes.TrimSpace(text)), "ech=")
	raw, err := base64.StdEncoding.DecodeString(strings.Trim(s, `"`))
	if err == nil && len(raw) == 0 {
		err = fmt.Errorf("nothing")
	}
	return raw, err
}
