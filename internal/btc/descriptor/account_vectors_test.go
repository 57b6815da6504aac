package descriptor_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/vectors"
)

func TestBIP67SortsKeys(t *testing.T) {
	vectors.Each(t, "bip67/vectors.json", nil, func(c vectors.Case) error {
		var v struct {
			Threshold        int
			Keys, Sorted     []string
			Redeem           string `json:"redeem_script"`
			Address, Network string
		}
		c.Decode(&v)
		return checkSortedMulti(t, v.Threshold, v.Keys, v.Sorted, v.Redeem, v.Address, v.Network)
	})
}

func checkSortedMulti(t *testing.T, k int, keys, sorted []string, redeem, address, net string) error {
	for _, text := range []string{
		fmt.Sprintf("sh(sortedmulti(%d,%s))", k, strings.Join(keys, ",")),
		fmt.Sprintf("sh(multi(%d,%s))", k, strings.Join(sorted, ",")),
	} {
		d, err := descriptor.Parse(text, descriptor.Options{})
		if err != nil {
			return err
		}
		o, err := d.Derive(0)
		if err != nil {
			return err
		}
		a, _ := o.Address(*network(t, net))
		if err := firstError(
			equal("redeem script", hex.EncodeToString(o.RedeemScript), redeem),
			equal("address", a, address),
		); err != nil {
			return err
		}
	}
	return nil
}

func TestAccountsOfTheBIPs(t *testing.T) {
	vectors.Each(t, "bip44-86/accounts.json", nil, func(c vectors.Case) error {
		var v struct {
			Network   string
			Type      string `json:"script_type"`
			Path      string `json:"account_path"`
			Slip      string `json:"account_xpub_slip132"`
			SlipPriv  string `json:"account_xprv_slip132"`
			XPub      string `json:"account_xpub"`
			XPrv      string `json:"account_xprv"`
			Addresses []struct{ Path, Address string }
		}
		c.Decode(&v)
		for _, key := range []string{v.Slip, v.SlipPriv, v.XPub, v.XPrv} {
			if key == "" {
				continue
			}
			d, err := descriptor.ParseAny("[00000001/"+v.Path[2:]+"]"+key, descriptor.Options{AllowPrivate: true, Network: network(t, v.Network)})
			if err != nil {
				return err
			}
			if err := equal("script type", d.ScriptType(), v.Type); err != nil {
				return err
			}
			w, err := d.WithBranches()
			if err != nil {
				return err
			}
			for _, a := range v.Addresses {
				if err := checkAccountAddress(t, w, v.Network, a.Path, a.Address); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func checkAccountAddress(t *testing.T, d *descriptor.Descriptor, net, path, want string) error {
	p, err := btc.ParsePath(path)
	if err != nil {
		return err
	}
	b, err := d.Branch(int(p[len(p)-2]))
	if err != nil {
		return err
	}
	o, err := b.Derive(p[len(p)-1])
	if err != nil {
		return err
	}
	a, _ := o.Address(*network(t, net))
	return firstError(equal("address at "+path, a, want), equal("path", o.Keys[0].Origin.Path.String(), p.String()))
}
