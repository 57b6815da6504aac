package miniscript_test

import "github.com/btcsuite/btcd/address/v2"

func hash160(b []byte) [20]byte { return [20]byte(address.Hash160(b)) }
