package web

import (
	"net/http"
	"strconv"
	"strings"
)

// readWalletFile takes the wallet that was pasted, scanned or chosen as a file, in any form that
// is known, and puts its descriptor and what else the file tells into the form. Text that is no
// file of another program is left for the wallet room to judge.
func (s *Server) readWalletFile(r *http.Request, v *walletNewPage) error {
	pieces, err := foreign(r, "descriptor", "file")
	if err != nil || len(pieces) == 0 {
		return err
	}
	data := pieces[len(pieces)-1]
	v.Form.Descriptor = strings.TrimSpace(string(data))
	f, err := s.c.Wallets.ReadFile(data, v.Network)
	if err != nil {
		if strings.HasPrefix(v.Form.Descriptor, "{") || strings.HasPrefix(v.Form.Descriptor, "BSMS") {
			return err
		}
		return nil
	}
	if f.Format == "descriptor" {
		return nil // its warnings come from the wallet room
	}
	v.Form.File = true // labels and devices come along: the wallet room reads it again
	if strings.TrimSpace(v.Form.Name) == "" {
		v.Form.Name = f.Name
	}
	if f.FromHeight > 0 && v.Form.Since == sinceNow {
		v.Form.Since, v.Form.Height = sinceHeight, strconv.Itoa(int(f.FromHeight))
	}
	return nil
}
