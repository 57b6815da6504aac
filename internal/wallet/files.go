package wallet

import (
	"context"
	"slices"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/interop"
)

// Foreign is a wallet as another program's or device's file tells it.
type Foreign struct {
	Name       string // "" where the file has none
	Descriptor string
	Format     string // what the file is, in interop's words
	FromHeight int32  // look for coins from here; 0: unknown
	Warnings   []string
}

// ReadFile understands the wallet file of another program: a descriptor, Specter, Sparrow, Bitcoin
// Core, Electrum, Coldcard, Caravan, BSMS and account maps. Keys of the other kind of network are
// refused.
func (s *Service) ReadFile(data []byte, n btc.Network) (Foreign, error) {
	w, err := interop.ReadWallet(data, &n)
	if err != nil {
		return Foreign{}, err
	}
	return Foreign{Name: w.Name, Descriptor: w.Descriptor, Format: w.Format, FromHeight: w.BlockHeight, Warnings: w.Warnings}, nil
}

// fileKinds are the names and types of files that interop writes; the others are JSON.
var fileKinds = map[string][2]string{
	"bsms": {".bsms", "text/plain; charset=utf-8"}, "sparrow": {".txt", "text/plain; charset=utf-8"},
	"coldcard": {".txt", "text/plain; charset=utf-8"}, "keystone": {".txt", "text/plain; charset=utf-8"},
	"passport": {".txt", "text/plain; charset=utf-8"}, "jade": {".txt", "text/plain; charset=utf-8"},
	"specter-diy": {".txt", "text/plain; charset=utf-8"},
}

// ExportFormats lists what ExportFile writes, besides what Export does.
func ExportFormats() []string { return interop.WalletFormats() }

// ExportFile writes a wallet as another program's or device's file, in one of ExportFormats. The
// error has the code unsupported where that file cannot tell this wallet.
func (s *Service) ExportFile(ctx context.Context, ref Ref, format string) (File, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return File{}, err
	}
	if !slices.Contains(interop.WalletFormats(), format) {
		return File{}, errs.E(errs.Invalid, "%q is no format to export", format)
	}
	s.decorate(&r, s.knownKeys(ctx, r.Owner, r.Network))
	w := interop.Wallet{Name: r.Name, Descriptor: r.Descriptor}
	for _, c := range r.Cosigners {
		w.Cosigners = append(w.Cosigners, cosignerOf(c))
	}
	page, err := s.c.Store.History(ctx, []ID{r.ID}, Page{Number: 1, Size: 1})
	if err == nil && len(page.Rows) > 0 {
		w.BlockHeight = max(page.Rows[0].Height-144, 0)
	}
	data, err := interop.WriteWallet(w, format, ref.Network)
	if err != nil {
		return File{}, err
	}
	kind, known := fileKinds[format]
	if !known {
		kind = [2]string{".json", "application/json"}
	}
	return File{Name: r.Alias + "-" + format + kind[0], Type: kind[1], Data: data}, nil
}

// cosignerOf tells interop the names of a key's device.
func cosignerOf(c Cosigner) interop.Cosigner {
	out := interop.Cosigner{Name: c.DeviceName, DeviceType: c.DeviceType}
	if k, err := interop.ParseKey(c.Expression); err == nil {
		out.Key = k
	}
	return out
}
