package core_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain/core"
	"specter/internal/errs"
)

func TestPoolEntryAndFloorAreReadAsDecimals(t *testing.T) {
	f := newFake(t)
	src := open(t, f.config(t))
	ctx := t.Context()
	f.set("getmempoolentry", json.RawMessage(`{"vsize":141,"ancestorcount":2,"ancestorsize":251,"descendantcount":1,"descendantsize":141,"fees":{"base":0.00000423,"ancestor":6.75e-06,"descendant":0.00000423}}`))
	e, err := src.PoolEntry(ctx, chainhash.Hash{1})
	if err != nil || e.Fee != 423 || e.AncestorFee != 675 || e.AncestorVSize != 251 || e.Ancestors != 2 || e.Descendants != 1 {
		t.Errorf("%+v %v", e, err)
	}
	for _, answer := range []string{`{}`, `{"vsize":141,"ancestorsize":100,"descendantsize":141,"fees":{"base":1,"ancestor":1,"descendant":1}}`, `{"vsize":1,"ancestorsize":1,"descendantsize":1,"fees":{"base":"x"}}`} {
		f.set("getmempoolentry", json.RawMessage(answer))
		if _, err := src.PoolEntry(ctx, chainhash.Hash{1}); !errs.Is(err, errs.Unavailable) {
			t.Errorf("%s gave %v", answer, err)
		}
	}
	f.set("getmempoolentry", &core.RPCError{Code: -5, Message: "Transaction not in mempool"})
	if _, err := src.PoolEntry(ctx, chainhash.Hash{1}); !errs.Is(err, errs.NotFound) {
		t.Errorf("not there: %v", err)
	}
	f.set("getmempoolinfo", json.RawMessage(`{"mempoolminfee":0.00004321,"minrelaytxfee":1e-6,"incrementalrelayfee":0.00000100}`))
	if floor, err := src.PoolFloor(ctx); err != nil || floor.MinRelay != 100 || floor.Min != 4_321 || floor.Increment != 100 {
		t.Errorf("%+v %v", floor, err)
	}
	f.set("getmempoolinfo", json.RawMessage(`{"mempoolminfee":0.00000001,"minrelaytxfee":0.00001}`))
	if floor, err := src.PoolFloor(ctx); err != nil || floor.Min != btc.SatPerVB(1) || floor.Increment != btc.SatPerVB(1) {
		t.Errorf("an old node: %+v %v", floor, err)
	}
}

func TestPackageRefusalsNameTheReason(t *testing.T) {
	f := newFake(t)
	src := open(t, f.config(t))
	parent, child := wire.NewMsgTx(2), wire.NewMsgTx(3)
	parent.AddTxOut(wire.NewTxOut(1, nil))
	child.AddTxOut(wire.NewTxOut(2, nil))
	for _, tx := range []*wire.MsgTx{parent, child} {
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{}, nil, nil))
	}
	result := func(tx *wire.MsgTx, words string) string {
		return `"` + tx.WitnessHash().String() + `":{"txid":"` + tx.TxHash().String() + `","error":"` + words + `"}`
	}
	for name, c := range map[string]struct {
		answer any
		says   string // "": taken
		kind   errs.Kind
	}{
		"taken":     {json.RawMessage(`{"package_msg":"success","tx-results":{}}`), "", 0},
		"poor":      {json.RawMessage(`{"package_msg":"transaction failed","tx-results":{` + result(parent, "min relay fee not met") + `,` + result(child, "") + `}}`), "passes on", errs.Invalid},
		"signature": {json.RawMessage(`{"package_msg":"transaction failed","tx-results":{` + result(child, "mandatory-script-verify-flag-failed") + `}}`), "signature", errs.Invalid},
		"shape":     {json.RawMessage(`{"package_msg":"package-not-child-with-parents","tx-results":{}}`), "package-not-child", errs.Invalid},
		"old node":  {&core.RPCError{Code: -32601, Message: "Method not found"}, "26", errs.Unavailable},
	} {
		f.set("submitpackage", c.answer)
		err := src.SubmitPackage(t.Context(), []*wire.MsgTx{parent, child})
		if c.says == "" && err != nil || c.says != "" && (!errs.Is(err, c.kind) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
