package v1

import (
	"encoding/hex"
	"fmt"
	"net/url"

	"specter/internal/wallet"
)

// addressView is an address of a wallet.
type addressView struct {
	Branch    uint32 `json:"branch"`
	Index     uint32 `json:"index"`
	Address   string `json:"address"`
	Script    string `json:"script"`
	Path      string `json:"path"`
	Label     string `json:"label"`
	Used      bool   `json:"used"`
	Coins     int    `json:"coins"`
	AmountSat int64  `json:"amount_sat"`
}

// addressPage is a page of addresses.
type addressPage struct {
	Items []addressView `json:"items"`
	paging
}

func addressOf(a wallet.AddressRow) addressView {
	return addressView{Branch: a.Branch, Index: a.Index, Address: a.Address, Script: hex.EncodeToString(a.Script), Path: a.Path,
		Label: a.Label, Used: a.Used, Coins: a.Coins, AmountSat: int64(a.Amount)}
}

var (
	addressFilters = []string{"receive", "change", "used", "unused"}
	addressSorts   = []string{"index", "address", "label", "used", "coins", "amount"}
)

func getAddresses(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	q, err := c.rowsQuery(addressFilters, addressSorts)
	if err != nil {
		return nil, err
	}
	if q.Sort == "index" {
		q.Sort = ""
	}
	rows, p, err := pageOf(l, func(page, size int) ([]wallet.AddressRow, int, error) {
		h, err := c.s.c.Wallets.Addresses(c.ctx(), c.ref(), pageQuery(q, page, size))
		return h.Rows, h.Total, err
	}, func(a wallet.AddressRow) string { return fmt.Sprintf("%d/%d", a.Branch, a.Index) })
	return addressPage{mapped(rows, addressOf), p}, err
}

// getReceive is the address that was handed out last, or a fresh one where that has been used.
func getReceive(c *call) (any, error) {
	a, err := c.s.c.Wallets.ReceiveAddress(c.ctx(), c.ref())
	return addressOf(a), err
}

// postAddress hands out the next address.
func postAddress(c *call) (any, error) {
	a, err := c.s.c.Wallets.NewAddress(c.ctx(), c.ref())
	return created{walletPath(c.wallet.Alias) + "/addresses/" + url.PathEscape(a.Address), addressOf(a)}, err
}

func getAddress(c *call) (any, error) {
	a, err := c.s.c.Wallets.AddressInfo(c.ctx(), c.ref(), c.PathValue("address"))
	return addressOf(a), err
}
