package difftest_test

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"specter/internal/btc"
)

// Numbers of one round.
const (
	addressRounds = 300
	wrongOfOne    = 4
)

// addressInfo is the node's view of an address.
type addressInfo struct {
	IsValid        bool
	ScriptPubKey   string
	IsScript       *bool
	IsWitness      bool
	WitnessVersion *int   `json:"witness_version"`
	WitnessProgram string `json:"witness_program"`
	Error          string
	Locations      []int `json:"error_locations"`
}

func addresses(w *world) {
	good, wrong := 0, 0
	for range addressRounds * w.rounds {
		n := btc.Regtest
		if w.chance(8) {
			n = btc.Networks()[w.IntN(5)]
		}
		text, ok := btc.AddressOf(w.script(), n)
		if !ok {
			w.Fatal("a standard script without an address")
		}
		if w.chance(8) && strings.ContainsRune(text, '1') && len(text) > 40 {
			text = strings.ToUpper(text) // for Base58 this is one more wrong address
		}
		for i := range 1 + wrongOfOne {
			s := text
			for range min(i, 3) {
				s = w.mistype(s)
			}
			if w.sameAddress(s) {
				good++
			} else {
				wrong++
			}
		}
	}
	w.Logf("%d addresses told alike, %d refused alike", good, wrong)
	if good < addressRounds/2 || wrong < addressRounds {
		w.Error("too few of one kind: the writer of addresses is broken")
	}
}

// mistype mostly writes another character of the same alphabet, which is what people do.
func (w *world) mistype(s string) string {
	letters := "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	if !strings.HasPrefix(strings.ToLower(s), "bcrt1") {
		letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	}
	if s == strings.ToUpper(s) {
		letters = strings.ToUpper(letters)
	}
	if s == "" || w.chance(6) {
		return w.mutate(s+"x", letters+"bio1Q ")
	}
	b := []byte(s)
	b[w.IntN(len(b))] = letters[w.IntN(len(letters))]
	return string(b)
}

// sameAddress compares validateaddress and returns whether the address is good.
func (w *world) sameAddress(s string) bool {
	w.Helper()
	var info addressInfo
	w.ask(&info, "validateaddress", s)
	a, err := btc.ParseAddress(s, btc.Regtest)
	if (err == nil) != info.IsValid {
		if strings.TrimSpace(s) != s {
			return false // the node passes over blanks in Base58
		}
		w.Errorf("%q: we say %v, the node %+v", s, err, info)
		return false
	}
	if err != nil {
		var where *btc.AddressError
		if errors.As(err, &where) && !slices.Equal(where.Positions, info.Locations) {
			w.Errorf("%q: wrong at %v, the node says %v: %v, %s", s, where.Positions, info.Locations, err, info.Error)
		}
		return false
	}
	version := -1
	if info.WitnessVersion != nil {
		version = *info.WitnessVersion
	}
	if hex.EncodeToString(a.Script) != info.ScriptPubKey || a.WitnessVersion != version || hex.EncodeToString(a.WitnessProgram) != info.WitnessProgram {
		w.Errorf("%q: we %+v, the node %+v", s, a, info)
	}
	return true
}
