package alpha

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/auth"
	"specter/internal/btc/psbt"
	"specter/internal/btc/spend"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// pending lists the drafts that the old Specter would have: those that can be read and were not
// broadcast, one for each transaction, the newest.
func pending(drafts []wallet.Draft) []wallet.Draft {
	seen := map[string]bool{}
	var out []wallet.Draft
	for _, d := range drafts {
		if d.State == wallet.Broadcast || d.State == wallet.DraftBroken || seen[d.TxID.String()] {
			continue
		}
		seen[d.TxID.String()] = true
		out = append(out, d)
	}
	return out
}

func (s *Server) getPSBTs(w http.ResponseWriter, r *http.Request, c call) error {
	ref, _, err := s.ref(r, c, auth.Read)
	if err != nil {
		return err
	}
	drafts, err := s.c.Wallets.Drafts(r.Context(), ref)
	if err != nil {
		return err
	}
	result := map[string]psbtObject{}
	for _, d := range pending(drafts) {
		o, err := s.describe(r.Context(), ref, d)
		if err != nil {
			return err
		}
		result[o.Tx.TxID] = o
	}
	s.json(w, r, http.StatusOK, map[string]any{"result": result})
	return nil
}

// describe computes the object of a draft.
func (s *Server) describe(ctx context.Context, ref wallet.Ref, d wallet.Draft) (psbtObject, error) {
	p, err := psbt.Parse(d.PSBT)
	if err != nil {
		return psbtObject{}, err
	}
	var scripts [][]byte
	for i := range p.Inputs {
		if out, err := p.PrevOut(i); err == nil && out != nil {
			scripts = append(scripts, out.PkScript)
		}
	}
	for i := range p.Outputs {
		scripts = append(scripts, p.Outputs[i].Script)
	}
	known, err := s.c.Wallets.Own(ctx, ref, scripts)
	if err != nil {
		return psbtObject{}, err
	}
	own := func(script []byte) place {
		row, mine := known[string(script)]
		return place{mine, mine && row.Branch == 1}
	}
	// whole seconds, as they are stored: the time is the same in every answer
	b := subject{p: p, network: ref.Network, own: own, threshold: d.Need, cosigners: d.Signers, created: d.Created.Truncate(time.Second), final: d.Final}
	return b.object()
}

// request is the body of a POST. Numbers may be texts.
type request struct {
	Recipients []struct {
		Address string          `json:"address"`
		Amount  json.RawMessage `json:"amount"`
		Unit    string          `json:"unit"`
		Label   string          `json:"label"`
	} `json:"recipients"`
	FeeRate      json.RawMessage `json:"fee_rate"`
	Subtract     json.RawMessage `json:"subtract"`
	SubtractFrom json.RawMessage `json:"subtract_from"`
	RBF          json.RawMessage `json:"rbf"`
	RBFTxID      *string         `json:"rbf_tx_id"`
}

func (s *Server) postPSBT(w http.ResponseWriter, r *http.Request, c call) error {
	ref, rec, err := s.ref(r, c, auth.Write)
	if err != nil {
		return err
	}
	data, _, err := body(w, r, maxBody, typeJSON)
	if err != nil {
		return err
	}
	q, err := parseRequest(data)
	if err != nil {
		return err
	}
	var total btcutil.Amount
	for _, to := range q.Recipients { // what a replacement has to spend is found where it is planned
		if total += to.Amount; q.Replaces == nil && total > rec.Balance.Available() {
			return refuse(http.StatusPreconditionFailed, insufficient)
		}
	}
	d, err := s.c.Wallets.NewDraft(r.Context(), ref, q)
	if short := (*spend.InsufficientError)(nil); errors.As(err, &short) {
		return refuse(http.StatusPreconditionFailed, insufficient)
	}
	if err != nil {
		return err
	}
	s.labels(r.Context(), ref, q.Recipients)
	o, err := s.describe(r.Context(), ref, d)
	if err != nil {
		return err
	}
	s.json(w, r, http.StatusOK, map[string]any{"result": o})
	return nil
}

// labels puts the labels of the request on the addresses, in the place of older ones. The draft
// is made by then: trouble here is logged alone.
func (s *Server) labels(ctx context.Context, ref wallet.Ref, list []wallet.Recipient) {
	for _, to := range list {
		if to.Label == "" {
			continue
		}
		if err := s.c.Wallets.SetLabel(context.WithoutCancel(ctx), ref, wallet.LabelAddress, to.Address, to.Label); err != nil {
			s.c.Log.Warn("a recipient's label was not stored", "wallet", ref.Alias, "error", err)
		}
	}
}

// parseRequest reads the body of a POST.
func parseRequest(data []byte) (wallet.SpendRequest, error) {
	var q request
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&q); err != nil {
		return wallet.SpendRequest{}, errs.E(errs.Invalid, "the body is no JSON object of the expected shape: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return wallet.SpendRequest{}, errs.E(errs.Invalid, "the body goes on after its JSON object")
	}
	if len(q.Recipients) == 0 || absent(q.FeeRate) {
		return wallet.SpendRequest{}, errs.E(errs.Invalid, "recipients and fee_rate are needed")
	}
	return q.spend()
}

func (q *request) spend() (out wallet.SpendRequest, err error) {
	text, err := word(q.FeeRate)
	if err == nil {
		out.FeeRate, err = feeRate(text)
	}
	if err != nil {
		return out, errs.E(errs.Invalid, "fee_rate must be a number: %w", err)
	}
	for i, to := range q.Recipients {
		r, err := recipient(to.Address, to.Amount, to.Unit)
		if err != nil {
			return out, errs.E(errs.Invalid, "recipient %d: %w", i+1, err)
		}
		r.Label = strings.TrimSpace(to.Label)
		out.Recipients = append(out.Recipients, r)
	}
	rbf, err := truth("rbf", q.RBF)
	if err != nil {
		return out, err
	}
	out.NoRBF = !rbf
	if id := q.RBFTxID; id != nil && *id != "" {
		txid, err := chainhash.NewHashFromStr(*id)
		if err != nil || len(*id) != 2*chainhash.HashSize {
			return out, errs.E(errs.Invalid, "rbf_tx_id must be the txid of the transaction to replace: 64 hex digits")
		}
		out.Replaces = txid
	}
	subtract, err := truth("subtract", q.Subtract)
	if err != nil || !subtract {
		return out, err
	}
	from := 0
	if !absent(q.SubtractFrom) {
		text, err := word(q.SubtractFrom)
		if err == nil {
			from, err = strconv.Atoi(strings.TrimSpace(text))
		}
		if err != nil || from < 0 || from >= len(out.Recipients) {
			return out, errs.E(errs.Invalid, "subtract_from must be the place of a recipient, from 0 to %d", len(out.Recipients)-1)
		}
	}
	out.SubtractFee = []int{from}
	return out, nil
}

// recipient reads one recipient. Upper-case bech32, as QR codes have it, is taken.
func recipient(address string, raw json.RawMessage, unit string) (wallet.Recipient, error) {
	address = strings.TrimSpace(address)
	if upper := strings.ToUpper(address); upper == address {
		for _, prefix := range []string{"BC1", "TB1", "BCRT1"} {
			if strings.HasPrefix(address, prefix) {
				address = strings.ToLower(address)
				break
			}
		}
	}
	if address == "" || absent(raw) || unit == "" {
		return wallet.Recipient{}, errs.E(errs.Invalid, "address, amount and unit are needed")
	}
	text, err := word(raw)
	if err != nil {
		return wallet.Recipient{}, errs.E(errs.Invalid, "the amount must be a number")
	}
	a, err := amount(text, unit)
	return wallet.Recipient{Address: address, Amount: a}, err
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// truth reads yes or no; absent is no.
func truth(name string, raw json.RawMessage) (bool, error) {
	var yes bool
	switch {
	case absent(raw):
		return false, nil
	case json.Unmarshal(raw, &yes) == nil:
		return yes, nil
	}
	if text, err := word(raw); err == nil {
		if b, err := strconv.ParseBool(strings.ToLower(text)); err == nil {
			return b, nil
		}
	}
	return false, errs.E(errs.Invalid, "%s must be true or false", name)
}
