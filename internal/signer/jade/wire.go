package jade

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/fxamacker/cbor/v2"

	"specter/internal/signer"
)

// Bounds of what a device may send.
const (
	maxFrame   = 128 << 10 // bytes of one message; the firmware sends at most 90 KiB
	maxPieces  = 4096      // messages of one long reply
	maxReply   = 8 << 20   // bytes of one long reply, put together
	maxSkipped = 10_000    // log messages and stale replies before the one that is awaited
	maxNoise   = 8 << 10   // bytes that are kept of boot messages and the like before the greeting is answered
	maxOpen    = 32        // places among them where a message may begin
)

var errGarbled = signer.E(signer.CodeConnection, "the Jade answered with something that is not understood; disconnect it, connect it again and retry")

// decoding is strict: bounded depth and counts, no double keys, no tags.
var decoding = func() cbor.DecMode {
	m, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: 8, MaxArrayElements: 1024, MaxMapPairs: 256,
		TagsMd: cbor.TagsForbidden,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return m
}()

// request is what the host sends.
type request struct {
	ID     string `cbor:"id"`
	Method string `cbor:"method"`
	Params any    `cbor:"params,omitempty"`
}

// reply is any message of the device.
type reply struct {
	ID     string          `cbor:"id"`
	Result cbor.RawMessage `cbor:"result"`
	Error  *refusal        `cbor:"error"`
	Log    cbor.RawMessage `cbor:"log"`
	SeqNum uint64          `cbor:"seqnum"`
	SeqLen uint64          `cbor:"seqlen"`
}

// refusal is the device's error.
type refusal struct {
	Code    int64  `cbor:"code"`
	Message string `cbor:"message"`
}

// The device's error codes (main/utils/cbor_rpc.h of the firmware).
const (
	codeInvalidRequest  = -32600
	codeUnknownMethod   = -32601
	codeBadParameters   = -32602
	codeInternal        = -32603
	codeCancelled       = -32000
	codeProtocol        = -32001
	codeLocked          = -32002
	codeNetworkMismatch = -32003
)

// fault turns the device's error into ours, with HWI's code.
func (r *refusal) fault(method string) error {
	text := printable(r.Message)
	switch r.Code {
	case codeCancelled:
		return signer.Declined(nouns[method])
	case codeBadParameters:
		return signer.E(signer.CodeBadArgument, "the Jade refuses: %s", text)
	case codeUnknownMethod:
		return signer.E(signer.CodeUnavailable, "the firmware of this Jade cannot do this: update it with Blockstream's app (%s)", text)
	case codeLocked:
		return signer.E(signer.CodeNotReady, "the Jade is locked: unlock it and try again")
	case codeNetworkMismatch:
		return signer.E(signer.CodeConnection, "the Jade is set up for another network: %s", text)
	case codeInvalidRequest, codeProtocol:
		return signer.E(signer.CodeConnection, "the Jade lost the thread (%s): disconnect it, connect it again and retry", text)
	case codeInternal:
		return signer.E(signer.CodeUnknown, "the Jade failed: %s", text)
	}
	return signer.E(signer.CodeUnknown, "the Jade failed with error %d: %s", r.Code, text)
}

// nouns say what was refused.
var nouns = map[string]string{
	"auth_user": "unlocking", "pin": "unlocking", "sign_psbt": "the transaction", "sign_message": "the message",
	"get_signature": "the message", "register_multisig": "the wallet", "register_descriptor": "the wallet",
	"get_receive_address": "the address", "get_xpub": "the key", "get_extended_data": "the transaction",
}

// printable cuts a device's text to what can be shown in a sentence.
func printable(s string) string {
	out := make([]rune, 0, 200)
	for _, r := range s {
		if r < ' ' || r == 0x7f || len(out) == 200 {
			break
		}
		out = append(out, r)
	}
	return string(out)
}

// wire is the conversation: requests out, replies in, in order.
type wire struct {
	c    signer.Conn
	buf  []byte // read, but not yet understood
	id   uint32
	torn error // why the conversation cannot go on
}

// newWire begins with an id of chance, so that a late answer to an earlier session is not taken
// for one of this.
func newWire(c signer.Conn, rand io.Reader) (*wire, error) {
	var b [4]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return nil, fmt.Errorf("reading randomness: %w", err)
	}
	return &wire{c: c, id: binary.BigEndian.Uint32(b[:])}, nil
}

// isLost reports whether the connection itself is gone.
func isLost(err error) bool {
	return signer.CodeOf(err) == signer.CodeConnection && !errors.Is(err, errGarbled)
}

// greet asks who is there. What a booting board prints before is passed over.
func (w *wire) greet(ctx context.Context, into any) error {
	id, err := w.send(ctx, "get_version_info", map[string]any{"nonblocking": true})
	if err != nil {
		return err
	}
	for {
		r, found, err := w.find(id)
		switch {
		case err != nil:
			return err
		case found && r.Error == nil && len(r.Result) > 0:
			return decode(r.Result, into)
		case found || len(w.buf) > maxNoise:
			return errGarbled
		}
		if err := w.fill(ctx); err != nil {
			return err
		}
	}
}

// find looks for the reply with an id anywhere in what was read, and drops what cannot belong to
// it. Bytes of a boot message may look like the beginning of a message; few do, and a device that
// sends many is none of ours.
func (w *wire) find(id string) (r reply, found bool, err error) {
	first, open := len(w.buf), 0
	for i, b := range w.buf {
		if !opensMap(b) {
			continue
		}
		r, rest, err := parse(w.buf[i:])
		switch {
		case err == nil && r.ID == id:
			w.buf = rest
			return r, true, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			first = min(first, i)
			if open++; open > maxOpen {
				return reply{}, false, errGarbled
			}
		}
	}
	w.buf = w.buf[first:]
	return reply{}, false, nil
}

// opensMap reports whether a byte begins a CBOR map of a size that messages have.
func opensMap(b byte) bool { return b >= 0xa1 && b <= 0xb9 || b == 0xbf }

// call sends a request and waits for its reply, whose result is decoded into into.
func (w *wire) call(ctx context.Context, method string, params, into any) error {
	r, err := w.exchange(ctx, method, params)
	if err != nil {
		return err
	}
	return decode(r.Result, into)
}

func decode(raw []byte, into any) error {
	if err := decoding.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w (%v)", errGarbled, err)
	}
	return nil
}

// exchange is one request and its reply. When ctx ends first the device is told to let go.
func (w *wire) exchange(ctx context.Context, method string, params any) (reply, error) {
	if w.torn != nil {
		return reply{}, w.torn
	}
	id, err := w.send(ctx, method, params)
	if err != nil {
		return reply{}, err
	}
	r, err := w.await(ctx, id)
	if err != nil {
		if ctx.Err() != nil {
			w.cancel(ctx)
		}
		return reply{}, err
	}
	if r.Error != nil {
		return reply{}, r.Error.fault(method)
	}
	if len(r.Result) == 0 {
		return reply{}, errGarbled
	}
	return r, nil
}

// await reads until the reply with an id comes; log messages and late replies to calls that were
// given up are skipped.
func (w *wire) await(ctx context.Context, id string) (reply, error) {
	for range maxSkipped {
		r, err := w.next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				w.torn = err
			}
			return reply{}, err
		}
		// "00" is the id of a refusal to read the request at all.
		if r.ID == id || r.ID == "00" && r.Error != nil {
			return r, nil
		}
	}
	w.torn = errGarbled
	return reply{}, errGarbled
}

// send writes a request and returns its id.
func (w *wire) send(ctx context.Context, method string, params any) (string, error) {
	w.id++
	id := strconv.FormatUint(uint64(w.id), 10)
	raw, err := cbor.Marshal(request{ID: id, Method: method, Params: params})
	if err != nil {
		return "", fmt.Errorf("writing a request to the Jade: %w", err)
	}
	for sent := 0; sent < len(raw); {
		n, err := w.c.Write(ctx, raw[sent:])
		sent += n
		if err != nil {
			if sent > 0 { // half a message cannot be taken back
				w.torn = signer.Lost(err)
			}
			return "", signer.Lost(err)
		}
	}
	return id, nil
}

// cancel tells the device to stop waiting. A Jade heeds it between its questions; what stands on
// its screen stays there until the person answers, and that answer comes to nothing.
func (w *wire) cancel(ctx context.Context) {
	short, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	_, _ = w.send(short, "cancel", nil)
}

// next reads one message. errGarbled means that the bytes in front are none.
func (w *wire) next(ctx context.Context) (reply, error) {
	for {
		if len(w.buf) > 0 {
			r, rest, err := parse(w.buf)
			if err == nil {
				w.buf = rest
				return r, nil
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(w.buf) >= maxFrame {
				return reply{}, errGarbled
			}
		}
		if err := w.fill(ctx); err != nil {
			return reply{}, err
		}
	}
}

// fill reads what is there.
func (w *wire) fill(ctx context.Context) error {
	var piece [4096]byte
	n, err := w.c.Read(ctx, piece[:])
	w.buf = append(w.buf, piece[:n]...)
	if err != nil && n == 0 {
		return signer.Lost(err)
	}
	return nil
}

// parse takes the first message of data. io.ErrUnexpectedEOF means that it goes on.
func parse(data []byte) (r reply, rest []byte, err error) {
	if !opensMap(data[0]) {
		return r, nil, errGarbled
	}
	rest, err = decoding.UnmarshalFirst(data, &r)
	switch {
	case err != nil:
		return reply{}, nil, err
	case len(r.ID) > 16 || r.ID == "" && len(r.Log) == 0:
		return reply{}, nil, errGarbled
	case r.Error != nil && len(r.Result) > 0:
		return reply{}, nil, errGarbled
	}
	return r, rest, nil
}

// long is a call whose answer may come in several messages of bytes.
func (w *wire) long(ctx context.Context, method string, params any) ([]byte, error) {
	r, err := w.exchange(ctx, method, params)
	if err != nil {
		return nil, err
	}
	origin, total := r.ID, r.SeqLen
	if total > maxPieces || total > 0 && r.SeqNum != 1 {
		return nil, errGarbled
	}
	var all []byte
	for at := uint64(1); ; at++ {
		var piece []byte
		if err := decode(r.Result, &piece); err != nil {
			return nil, err
		}
		if all = append(all, piece...); len(all) > maxReply {
			return nil, errGarbled
		}
		if at >= total {
			return all, nil
		}
		r, err = w.exchange(ctx, "get_extended_data", map[string]any{"origid": origin, "orig": method, "seqnum": at + 1, "seqlen": total})
		if err != nil {
			return nil, err
		}
		if r.SeqNum != at+1 || r.SeqLen != total {
			return nil, errGarbled
		}
	}
}
