package miniscript_test

import (
	"crypto/sha256"

	"github.com/btcsuite/btcd/address/v2"
	//lint:ignore SA1019 scripts hash with it
	"golang.org/x/crypto/ripemd160"
	"specter/internal/btc/miniscript"
)

func hash160(b []byte) [20]byte { return [20]byte(address.Hash160(b)) }

func digestOf(kind miniscript.HashKind, image []byte) []byte {
	once := sha256.Sum256(image)
	switch kind {
	case miniscript.HASH256:
		twice := sha256.Sum256(once[:])
		return twice[:]
	case miniscript.HASH160:
		return address.Hash160(image)
	case miniscript.RIPEMD160:
		h := ripemd160.New()
		h.Write(image)
		return h.Sum(nil)
	}
	return once[:]
}
