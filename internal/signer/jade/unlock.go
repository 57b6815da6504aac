package jade

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"specter/internal/signer"
)

// errand is a request that the device makes through its host.
type errand struct {
	Request *struct {
		Params  errandParams `cbor:"params"`
		OnReply string       `cbor:"on-reply"`
	} `cbor:"http_request"`
}

// errandParams is where it goes and what it says.
type errandParams struct {
	URLs   []string        `cbor:"urls"`
	Method string          `cbor:"method"`
	Accept string          `cbor:"accept"`
	Data   cbor.RawMessage `cbor:"data"`
}

// Bounds of an errand.
const (
	maxErrands   = 4        // between auth_user and its answer; firmware before 1.0.28 makes two
	maxURLs      = 4        //
	maxURL       = 256      // bytes
	maxFields    = 16       // of a body
	maxRelayBody = 32 << 10 // bytes, either way
)

// unlock makes the device ready, with its person's PIN where it is locked.
func (d *device) unlock(ctx context.Context) error {
	if d.info.Err != nil && !d.open {
		return d.info.Err
	}
	if d.open {
		return nil
	}
	if d.about.State == stateLocked {
		if d.o.Relay == nil {
			return signer.E(signer.CodeNotReady, "the Jade is locked, and its PIN server cannot be reached from here: unlock it with \"QR PIN unlock\" on the device and try again")
		}
		d.o.Tell(signer.Notice{Kind: signer.NoticeUnlock})
	}
	var chance [32]byte
	if _, err := io.ReadFull(d.o.Rand, chance[:]); err != nil {
		return err
	}
	var done bool
	if err := d.soon(ctx, "add_entropy", map[string]any{"entropy": chance[:]}, &done); err != nil {
		return err
	}
	// The clock of a Jade starts at zero with each switching on; it shows one-time passwords.
	params := map[string]any{"network": network(d.o.Network), "epoch": uint64(max(d.o.Now().Unix(), 0))}
	if err := d.authenticate(ctx, params); err != nil {
		return err
	}
	d.open, d.about.State, d.info.Warnings = true, stateReady, nil
	return nil
}

// authenticate calls auth_user and runs the errands to the PIN server until the device is content.
func (d *device) authenticate(ctx context.Context, params any) error {
	method := "auth_user"
	for range maxErrands {
		var raw cbor.RawMessage
		if err := d.wire.call(ctx, method, params, &raw); err != nil {
			return err
		}
		var done bool
		if decoding.Unmarshal(raw, &done) == nil {
			if !done {
				return signer.E(signer.CodeNotReady, "the PIN was wrong: try again, but with care, since a Jade erases itself after three wrong PINs in a row")
			}
			return nil
		}
		var e errand
		if err := decode(raw, &e); err != nil {
			return err
		}
		if e.Request == nil {
			return errGarbled
		}
		answer, err := d.run(ctx, e)
		if err != nil {
			d.wire.cancel(ctx)
			return err
		}
		method, params = e.Request.OnReply, answer
	}
	return errGarbled
}

// run carries one errand to the PIN server and brings the answer in the form that the device
// takes. Nothing but what the protocol documents is let through.
func (d *device) run(ctx context.Context, e errand) (map[string]string, error) {
	p := e.Request.Params
	switch e.Request.OnReply {
	case "pin", "handshake_init", "handshake_complete":
	default:
		return nil, errGarbled
	}
	if p.Method != "POST" || p.Accept != "json" || len(p.URLs) == 0 || len(p.URLs) > maxURLs {
		return nil, errGarbled
	}
	for _, u := range p.URLs {
		if err := checkURL(u); err != nil {
			return nil, err
		}
	}
	body, err := bodyOf(p.Data)
	if err != nil {
		return nil, err
	}
	if d.o.Relay == nil {
		return nil, signer.E(signer.CodeNotReady, "the Jade wants to reach its PIN server, which is not possible from here")
	}
	answer, err := d.o.Relay(ctx, p.URLs, body)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, signer.E(signer.CodeConnection, "the PIN server of the Jade cannot be reached, so it stays locked: %w", err)
	}
	var fields map[string]string
	if len(answer) > maxRelayBody || json.Unmarshal(answer, &fields) != nil || len(fields) == 0 || len(fields) > maxFields {
		return nil, signer.E(signer.CodeConnection, "the PIN server of the Jade answered with something that it should not; the Jade stays locked")
	}
	return fields, nil
}

// checkURL lets through addresses of PIN servers: https, or http to an onion service.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if len(text) > maxURL || err != nil || u.Host == "" || u.User != nil || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !strings.HasSuffix(u.Hostname(), ".onion")) {
		return signer.E(signer.CodeConnection, "the Jade names a PIN server at %q; only https and onion addresses are asked: set it up anew on the device", printable(text))
	}
	return nil
}

// bodyOf is the JSON of the device's data: an object of texts, or (before firmware 1.0.28) one
// text or nothing.
func bodyOf(raw cbor.RawMessage) ([]byte, error) {
	if len(raw) == 0 || len(raw) > maxRelayBody {
		return nil, errGarbled
	}
	var text string
	if decoding.Unmarshal(raw, &text) == nil {
		return json.Marshal(text)
	}
	var fields map[string]string
	if err := decode(raw, &fields); err != nil || len(fields) > maxFields {
		return nil, errGarbled
	}
	return json.Marshal(fields)
}
