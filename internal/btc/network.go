package btc

import (
	"strings"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"specter/internal/errs"
)

// Network is one of the five Bitcoin networks. The zero value is Mainnet.
type Network uint8

// The networks, named as the glossary has them.
const (
	Mainnet Network = iota
	Testnet3
	Testnet4
	Signet
	Regtest
)

// Networks lists every network, mainnet first.
func Networks() []Network { return []Network{Mainnet, Testnet3, Testnet4, Signet, Regtest} }

// Params returns the consensus and encoding parameters of the network.
func (n Network) Params() *chaincfg.Params {
	switch n {
	case Testnet3:
		return &chaincfg.TestNet3Params
	case Testnet4:
		return &chaincfg.TestNet4Params
	case Signet:
		return &chaincfg.SigNetParams
	case Regtest:
		return &chaincfg.RegressionNetParams
	}
	return &chaincfg.MainNetParams
}

// String returns "mainnet", "testnet3", "testnet4", "signet" or "regtest".
func (n Network) String() string {
	switch n {
	case Testnet3:
		return "testnet3"
	case Testnet4:
		return "testnet4"
	case Signet:
		return "signet"
	case Regtest:
		return "regtest"
	}
	return "mainnet"
}

// CoreName returns Bitcoin Core's word for the network: main, test, testnet4, signet, regtest.
// It is also the name of the chain folder of the old Specter's data folder.
func (n Network) CoreName() string {
	switch n {
	case Mainnet:
		return "main"
	case Testnet3:
		return "test"
	}
	return n.String()
}

// IsMain reports whether the network is mainnet, whose keys begin with xpub.
func (n Network) IsMain() bool { return n == Mainnet }

// CoinType returns the SLIP-44 coin type in derivation paths: 0 on mainnet, 1 elsewhere.
func (n Network) CoinType() uint32 {
	if n == Mainnet {
		return 0
	}
	return 1
}

// ParseNetwork reads a network's name in our words or Bitcoin Core's.
func ParseNetwork(s string) (Network, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "main", "mainnet", "bitcoin", "any":
		return Mainnet, nil
	case "test", "testnet", "testnet3":
		return Testnet3, nil
	case "testnet4":
		return Testnet4, nil
	case "signet":
		return Signet, nil
	case "regtest":
		return Regtest, nil
	}
	return 0, errs.E(errs.Invalid, "%q is no network; use main, test, testnet4, signet or regtest", s)
}
