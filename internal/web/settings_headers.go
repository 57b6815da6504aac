package web

import (
	"specter/internal/btc"
	"specter/internal/wallet"
)

// walletHeaders tells of the program's own chain of block headers.
type walletHeaders interface {
	Headers(n btc.Network) wallet.HeaderState
}

// headersView is the chain of headers for the page.
type headersView struct{ wallet.HeaderState }

// Ready reports whether everything that the node told of is there and can be believed.
func (v headersView) Ready() bool {
	return v.Enough && v.Target > 0 && v.Height >= v.Target && v.Trouble == ""
}

// Short reports whether everything is there and it is too little.
func (v headersView) Short() bool { return v.Target > 0 && v.Height >= v.Target && !v.Enough }

// Known is how many blocks above the first one are there.
func (v headersView) Known() int32 { return max(v.Height, 0) }

// Percent is how far fetching is.
func (v headersView) Percent() int64 {
	if v.Target <= 0 {
		return 0
	}
	return min(100*int64(v.Known())/int64(v.Target), 100)
}

// Size is what the headers take on the disk.
func (v headersView) Size() string { return megabytes(v.Bytes) }
