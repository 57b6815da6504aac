package airgap

import (
	"specter/internal/airgap/ur"
	"specter/internal/btc/mnemonic"
)

// Encoder shows data as the texts of QR codes. Len is the number of codes that carry everything
// when none is missed; Part(i), i from 0, may be asked beyond it: fountain codes give further
// codes there, the others begin again.
type Encoder interface {
	Len() int
	Part(i int) string
}

// Decoder gathers the texts of QR codes. Add takes them in any order and more than once; an
// error concerns that text alone and leaves what was gathered untouched. Progress goes from 0
// to 1. Payload is there once Progress is 1.
type Decoder interface {
	Add(part string) error
	Progress() float64
	Payload() (Payload, bool)
}

// Format is a form of QR codes.
type Format string

// The formats that are read; those that can be written are said at NewEncoder.
const (
	FormatText     Format = "text"     // as it is
	FormatHex      Format = "hex"      // a PSBT or transaction
	FormatBase64   Format = "base64"   // a PSBT in one code
	FormatBase43   Format = "base43"   // Electrum
	FormatSpecter  Format = "specter"  // Base64 or text in chunks "p1of3 …"
	FormatUR       Format = "ur"       // version 2 with the registry's old types, which all devices read
	FormatURNew    Format = "ur-new"   // version 2 with the registry's new types
	FormatURLegacy Format = "ur1"      // version 1, Cobo Vault
	FormatBBQr     Format = "bbqr"     // Coldcard
	FormatSeedQR   Format = "seedqr"   // digits of a mnemonic
	FormatCompact  Format = "seedqr-c" // CompactSeedQR, the entropy in bytes
	FormatBinary   Format = "binary"   // a PSBT as it is in a file
)

// Kind says what a payload is.
type Kind string

// The kinds of payloads.
const (
	KindPSBT        Kind = "psbt"        // Data: binary, begins with the magic bytes; otherwise unverified
	KindTransaction Kind = "transaction" // Data: serialized
	KindDescriptors Kind = "descriptors" // Content: outputs or an account, with keys
	KindKey         Kind = "key"         // Content: one key
	KindAddress     Kind = "address"     // Content: an address
	KindMnemonic    Kind = "mnemonic"    // Mnemonic
	KindSeed        Kind = "seed"        // Content: entropy of a crypto-seed
	KindText        Kind = "text"        // Data: UTF-8
	KindBytes       Kind = "bytes"       // Data: anything else
	KindUnknown     Kind = "unknown"     // UR: a resource of a type not known here
)

// Payload is what came over the camera. Its bytes are foreign: nothing but their form has been
// looked at.
type Payload struct {
	Kind     Kind
	Format   Format
	Data     []byte
	UR       *ur.UR            // where it came as a resource
	Content  ur.Content        // of that resource
	Mnemonic mnemonic.Mnemonic // a secret
	FileType byte              // of a BBQr: P, T, J, C, U, B or X
}

// Text returns the data as text.
func (p Payload) Text() string { return string(p.Data) }
