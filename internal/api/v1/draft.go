package v1

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/btc/spend"
	"specter/internal/wallet"
)

// recipientView is one output that was asked for.
type recipientView struct {
	Address   string `json:"address"`
	AmountSat int64  `json:"amount_sat"`
	Label     string `json:"label"`
	Max       bool   `json:"max"`
}

// draftInputView is an input of a draft.
type draftInputView struct {
	Outpoint   string  `json:"outpoint"`
	AmountSat  *int64  `json:"amount_sat"`
	Address    string  `json:"address"`
	Label      string  `json:"label"`
	Signatures int     `json:"signatures"`
	SpentBy    *string `json:"spent_by"`
}

// draftSignerView is a cosigner's part.
type draftSignerView struct {
	cosignerView
	Signed bool `json:"signed"`
}

// draftView is a PSBT on its way.
type draftView struct {
	ID          int64             `json:"id"`
	Wallet      string            `json:"wallet"`
	Created     moment            `json:"created"`
	Changed     moment            `json:"changed"`
	State       string            `json:"state"`
	Note        string            `json:"note"`
	TxID        string            `json:"txid"`
	Recipients  []recipientView   `json:"recipients"`
	Inputs      []draftInputView  `json:"inputs"`
	Outputs     []txOutputView    `json:"outputs"`
	ChangeSat   int64             `json:"change_sat"`
	FeeSat      int64             `json:"fee_sat"`
	FeeRate     int64             `json:"feerate_sat_kvb"`
	VSize       int64             `json:"vsize"`
	LockTime    uint32            `json:"locktime"`
	Replaceable bool              `json:"replaceable"`
	Signers     []draftSignerView `json:"signers"`
	Need        int               `json:"need"`
	Have        int               `json:"have"`
	Remarks     []remarkView      `json:"remarks"`
	Warnings    []string          `json:"warnings"`
	Trouble     *string           `json:"trouble"`
	Replaces    *string           `json:"replaces"`
	Expires     moment            `json:"expires"`
}

// draftDetailView is a draft with its bytes.
type draftDetailView struct {
	draftView
	PSBT        string  `json:"psbt"`
	Transaction *string `json:"transaction"`
}

// draftPage is a page of drafts.
type draftPage struct {
	Items []draftView `json:"items"`
	paging
}

// recipientInput is one output that is asked for.
type recipientInput struct {
	Address   string `json:"address" need:"yes"`
	AmountSat int64  `json:"amount_sat"`
	Label     string `json:"label"`
	Max       bool   `json:"max"`
}

// spendInput asks for a payment.
type spendInput struct {
	Recipients  []recipientInput `json:"recipients" need:"yes"`
	FeeRate     *int64           `json:"feerate_sat_kvb"`
	Blocks      *int             `json:"target_blocks"`
	Outpoints   []string         `json:"outpoints"`
	SubtractFee []int            `json:"subtract_fee_from"`
	Replaceable *bool            `json:"replaceable"`
	LockTime    *uint32          `json:"locktime"`
	Note        string           `json:"note"`
	Replaces    string           `json:"replaces"`
	Instead     *int64           `json:"instead_of_draft"`
	MaxFee      *int64           `json:"max_fee_sat"`
	Agreed      []spend.Code     `json:"agreed"`
}

// careOf makes a payment that has a grave remark a refusal, unless its code is agreed to.
func careOf(agreed []spend.Code) wallet.Care { return wallet.Care{Strict: true, Agreed: agreed} }

// previewView is what a draft would be.
type previewView struct {
	Inputs        []coinView      `json:"inputs"`
	Recipients    []recipientView `json:"recipients"`
	ChangeSat     int64           `json:"change_sat"`
	ChangeAddress *string         `json:"change_address"`
	FeeSat        int64           `json:"fee_sat"`
	FeeRate       int64           `json:"feerate_sat_kvb"`
	VSize         int64           `json:"vsize"`
	Remarks       []remarkView    `json:"remarks"`
	Warnings      []string        `json:"warnings"`
	Selector      string          `json:"selector"`
}

// psbtInput is a PSBT as text.
type psbtInput struct {
	PSBT string `json:"psbt" need:"yes"`
}

// signatureInput is what came back from a signer: a PSBT, or the signed transaction in hex.
type signatureInput struct {
	PSBT        string `json:"psbt"`
	Transaction string `json:"transaction"`
}

// signInput names the software key that signs.
type signInput struct {
	Device   string `json:"device" need:"yes"`
	Password string `json:"password"`
}

// noteInput changes a draft's note.
type noteInput struct {
	Note string `json:"note" need:"yes"`
}

// broadcastView names the transaction that was sent.
type broadcastView struct {
	TxID string `json:"txid"`
}

func recipient(r wallet.Recipient) recipientView {
	return recipientView{Address: r.Address, AmountSat: int64(r.Amount), Label: r.Label, Max: r.Max}
}

func draftOf(alias string, d wallet.Draft) draftView {
	return draftView{ID: int64(d.ID), Wallet: alias, Created: moment(d.Created), Changed: moment(d.Changed), State: string(d.State),
		Note: d.Note, TxID: d.TxID.String(), Recipients: mapped(d.Recipients, recipient),
		Inputs: mapped(d.Inputs, func(in wallet.DraftInput) draftInputView {
			return draftInputView{Outpoint: in.OutPoint.String(), AmountSat: known(in.Amount), Address: in.Address, Label: in.Label,
				Signatures: in.Sigs, SpentBy: hash(in.SpentBy)}
		}),
		Outputs: outputsOf(d.Outputs), ChangeSat: int64(d.Change), FeeSat: int64(d.Fee), FeeRate: int64(d.FeeRate), VSize: int64(d.VSize),
		LockTime: d.LockTime, Replaceable: d.Replaceable, Need: d.Need, Have: d.Have, Remarks: mapped(d.Remarks, remarkOf), Warnings: texts(d.Warnings), Trouble: maybe(d.Trouble + d.Lost),
		Replaces: hash(d.Replaces), Expires: moment(d.Expires),
		Signers: mapped(d.Signers, func(s wallet.DraftSigner) draftSignerView { return draftSignerView{cosigner(s.Cosigner), s.Signed} })}
}

func detailOf(alias string, d wallet.Draft) draftDetailView {
	v := draftDetailView{draftView: draftOf(alias, d), PSBT: base64.StdEncoding.EncodeToString(d.PSBT)}
	if d.Final != nil {
		v.Transaction = maybe(hex.EncodeToString(d.Final))
	}
	return v
}

func (c *call) draftPath(id wallet.DraftID) string {
	return walletPath(c.wallet.Alias) + "/drafts/" + strconv.FormatInt(int64(id), 10)
}

// spend reads a spendInput into what the wallet room is asked.
func (c *call) spend() (wallet.SpendRequest, error) {
	var in spendInput
	if err := c.take(&in); err != nil {
		return wallet.SpendRequest{}, err
	}
	req := wallet.SpendRequest{SubtractFee: in.SubtractFee, NoRBF: in.Replaceable != nil && !*in.Replaceable, LockTime: in.LockTime,
		Note: in.Note, Token: c.onceToken(), Care: careOf(in.Agreed)}
	for i, r := range in.Recipients {
		switch {
		case r.Max && r.AmountSat != 0:
			return req, invalid(fmt.Sprintf("recipients[%d].max", i), "a recipient gets an amount or all that is left, not both")
		case !r.Max && (r.AmountSat <= 0 || r.AmountSat > int64(btc.MaxMoney)):
			return req, invalid(fmt.Sprintf("recipients[%d].amount_sat", i), "an amount is 1 to %d sat", int64(btc.MaxMoney))
		}
		req.Recipients = append(req.Recipients, wallet.Recipient{Address: r.Address, Amount: btcutil.Amount(r.AmountSat), Label: r.Label, Max: r.Max})
	}
	var err error
	if req.FeeRate, req.Blocks, err = feeChoice(in.FeeRate, in.Blocks); err != nil {
		return req, err
	}
	if req.Coins, err = outpoints("outpoints", in.Outpoints); err != nil {
		return req, err
	}
	return req, in.places(&req)
}

// places reads whose place a payment takes, and the cap on its fee.
func (in spendInput) places(req *wallet.SpendRequest) error {
	if in.Replaces != "" {
		id, err := chainhash.NewHashFromStr(in.Replaces)
		if err != nil || len(in.Replaces) != 2*chainhash.HashSize {
			return invalid("replaces", "a transaction id has 64 hexadecimal digits")
		}
		req.Replaces = id
	}
	if in.Instead != nil {
		if *in.Instead < 1 {
			return invalid("instead_of_draft", "a draft's number is 1 or more")
		}
		req.Instead = wallet.DraftID(*in.Instead)
	}
	if in.MaxFee != nil {
		if *in.MaxFee < 1 || *in.MaxFee > int64(btc.MaxMoney) {
			return invalid("max_fee_sat", "the cap is 1 to %d sat", int64(btc.MaxMoney))
		}
		req.MaxFee = btcutil.Amount(*in.MaxFee)
	}
	return nil
}

// Bounds of what is asked about fees; the wallet room has its own of reason.
const (
	maxFeeRate = 100_000_000 // sat/kvB
	maxTarget  = 1008        // blocks, a week
)

func postPreview(c *call) (any, error) {
	req, err := c.spend()
	if err != nil {
		return nil, err
	}
	p, err := c.s.c.Wallets.Preview(c.ctx(), c.ref(), req)
	return previewOf(p), err
}

func previewOf(p wallet.Preview) previewView {
	return previewView{Inputs: mapped(p.Inputs, coinOf), Recipients: mapped(p.Recipients, recipient), ChangeSat: int64(p.Change),
		ChangeAddress: maybe(p.ChangeAddr), FeeSat: int64(p.Fee), FeeRate: int64(p.FeeRate), VSize: int64(p.VSize),
		Remarks: mapped(p.Remarks, remarkOf), Warnings: texts(p.Warnings), Selector: p.How}
}

// postDraft makes a draft. The Idempotency-Key goes down to the wallet as the draft's token: even
// a program that is killed between making and answering makes one draft.
func postDraft(c *call) (any, error) {
	req, err := c.spend()
	if err != nil {
		return nil, err
	}
	d, err := c.s.c.Wallets.NewDraft(c.ctx(), c.ref(), req)
	return created{c.draftPath(d.ID), detailOf(c.wallet.Alias, d)}, err
}

func postPSBT(c *call) (any, error) {
	data, err := c.packet()
	if err != nil {
		return nil, err
	}
	d, err := c.s.c.Wallets.ImportPSBT(c.ctx(), c.ref(), data)
	return created{c.draftPath(d.ID), detailOf(c.wallet.Alias, d)}, err
}

// packet is a PSBT from the body, as it is or in JSON.
func (c *call) packet() ([]byte, error) {
	if !c.isJSON {
		return c.body, nil
	}
	var in psbtInput
	err := c.take(&in)
	return []byte(in.PSBT), err
}

func getDrafts(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	all, err := c.s.c.Wallets.Drafts(c.ctx(), c.ref())
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, all, func(d wallet.Draft) string { return strconv.FormatInt(int64(d.ID), 10) })
	return draftPage{mapped(rows, func(d wallet.Draft) draftView { return draftOf(c.wallet.Alias, d) }), p}, err
}

// draftID is the draft of the path.
func (c *call) draftID() (wallet.DraftID, error) {
	n, err := c.number("id", "draft")
	return wallet.DraftID(n), err
}

// draft answers with the draft of the path after something was done to it.
func (c *call) draft(do func(id wallet.DraftID) (wallet.Draft, error)) (any, error) {
	id, err := c.draftID()
	if err != nil {
		return nil, err
	}
	d, err := do(id)
	return detailOf(c.wallet.Alias, d), err
}

func getDraft(c *call) (any, error) {
	return c.draft(func(id wallet.DraftID) (wallet.Draft, error) { return c.s.c.Wallets.Draft(c.ctx(), c.ref(), id) })
}

func patchDraft(c *call) (any, error) {
	var in noteInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	return c.draft(func(id wallet.DraftID) (wallet.Draft, error) {
		if err := c.s.c.Wallets.SetNote(c.ctx(), c.ref(), id, in.Note); err != nil {
			return wallet.Draft{}, err
		}
		return c.s.c.Wallets.Draft(c.ctx(), c.ref(), id)
	})
}

func deleteDraft(c *call) (any, error) {
	id, err := c.draftID()
	if err != nil {
		return nil, err
	}
	return nil, c.s.c.Wallets.DeleteDraft(c.ctx(), c.ref(), id)
}

// getPSBT hands out the PSBT as a file: binary, or base64 with ?format=base64.
func getPSBT(c *call) (any, error) {
	format := c.params.Get("format")
	if err := oneOf("format", format, []string{"binary", "base64"}); err != nil {
		return nil, err
	}
	id, err := c.draftID()
	if err != nil {
		return nil, err
	}
	d, err := c.s.c.Wallets.Draft(c.ctx(), c.ref(), id)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s-%d.psbt", btc.Slug(c.wallet.Name), d.ID)
	if format == "base64" {
		return wallet.File{Name: name + ".txt", Type: "text/plain; charset=utf-8", Data: []byte(base64.StdEncoding.EncodeToString(d.PSBT))}, nil
	}
	return wallet.File{Name: name, Type: "application/octet-stream", Data: d.PSBT}, nil
}

func postSignatures(c *call) (any, error) {
	data := c.body
	if c.isJSON {
		var in signatureInput
		if err := c.take(&in); err != nil {
			return nil, err
		}
		if (in.PSBT == "") == (in.Transaction == "") {
			return nil, invalid("psbt", "give the signed PSBT, or the signed transaction in hex")
		}
		data = []byte(in.PSBT + in.Transaction)
	}
	return c.draft(func(id wallet.DraftID) (wallet.Draft, error) {
		return c.s.c.Wallets.AddSignatures(c.ctx(), c.ref(), id, data)
	})
}

// postSignHot signs with a software key. The device must be a cosigner's: another of the user's
// has nothing to sign here, and a token for one wallet learns nothing of it.
func postSignHot(c *call) (any, error) {
	var in signInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	for _, s := range c.wallet.Cosigners {
		if s.DeviceAlias == in.Device && s.DeviceID != 0 {
			return c.draft(func(id wallet.DraftID) (wallet.Draft, error) {
				return c.s.c.Wallets.SignHot(c.ctx(), c.ref(), id, s.DeviceID, in.Password)
			})
		}
	}
	var hot []string
	for _, s := range c.wallet.Cosigners {
		if s.Hot {
			hot = append(hot, s.DeviceAlias)
		}
	}
	if len(hot) == 0 {
		return nil, invalid("device", "no software key is a cosigner of this wallet; sign on the devices themselves")
	}
	return nil, invalid("device", "the wallet's software keys are %s", strings.Join(hot, ", "))
}

// postBroadcast sends a draft, by the active node or by the sender that via names.
func postBroadcast(c *call) (any, error) {
	id, err := c.draftID()
	if err != nil {
		return nil, err
	}
	txid, err := c.s.c.Wallets.BroadcastVia(c.ctx(), c.ref(), id, c.params.Get("via"))
	return broadcastView{TxID: txid.String()}, err
}
