package coldcardtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"

	"specter/internal/btc"
	"specter/internal/signer/signertest"
)

// handle answers a command; nil is "okay".
func (p *port) handle(command string, args []byte) ([]byte, error) {
	switch command {
	case "ping":
		return append([]byte("biny"), args...), nil
	case "ncry":
		return p.agree(args)
	case "vers":
		return []byte(fmt.Sprintf("asci2026-08-20\n%s\n3.2.1\n260820133600\n%s", p.Model.Version, p.Model.Hardware)), nil
	case "blkc":
		return []byte("asci" + p.Model.Chain), nil
	case "sha2":
		return p.running.Sum([]byte("biny")), nil
	case "upld":
		return p.store(args)
	case "dwld":
		return p.fetch(args)
	case "XKEY": // the simulator's: a key is pressed; here the person decides
		return nil, nil
	case "EXEC": // the simulator's: one question alone is answered, whether it is Edge
		if p.edge() {
			return []byte("biny1"), nil
		}
		return []byte("biny0"), nil
	case "stok", "smok", "pwok", "bkok":
		return p.decided()
	}
	if p.Model.Blank {
		return nil, said("no seed")
	}
	return p.handleKeys(command, args)
}

// handleKeys answers the commands that need a seed.
func (p *port) handleKeys(command string, args []byte) ([]byte, error) {
	switch command {
	case "mitm", "xpub", "pass", "msls", "msas", "msgt":
		if !p.secret {
			return nil, said("must encrypt")
		}
	}
	switch command {
	case "mitm":
		return p.vouch()
	case "xpub":
		return p.xpub(string(args))
	case "show":
		return p.showSingle(args)
	case "pass":
		return nil, p.switchWallet(string(args))
	case "smsg":
		return nil, p.signMessage(args)
	case "stxn":
		return nil, p.signTransaction(args)
	case "enrl":
		return nil, p.enrol(args)
	}
	if p.edge() {
		switch command {
		case "mins":
			return nil, p.enrol(args)
		case "msls", "msgt":
			return p.listed(command, string(args))
		case "msas":
			return p.showNamed(args)
		}
	} else {
		switch command {
		case "p2sh":
			return p.showMultisig(args)
		case "msck":
			return p.check(args)
		}
	}
	if p.isBound() {
		p.shutdown = true
	}
	return nil, said("Unknown cmd")
}

// agree begins an encrypted link.
func (p *port) agree(args []byte) ([]byte, error) {
	if len(args) != 68 {
		return nil, said("badlen")
	}
	version := binary.LittleEndian.Uint32(args)
	if version != 1 && version != 2 {
		return nil, framingError("bad ncry version")
	}
	p.mu.Lock()
	bound := p.bound
	p.bound = bound || version == 2
	p.mu.Unlock()
	if bound {
		return nil, framingError("crypto already set up")
	}
	host, err := btcec.ParsePubKey(append([]byte{4}, args[4:]...))
	if err != nil {
		return nil, said("bad pubkey")
	}
	secret, public := btcec.PrivKeyFromBytes(draw())
	p.key = shared(secret, host)
	block, err := aes.NewCipher(p.key[:])
	if err != nil {
		return nil, err
	}
	p.in, p.out = cipher.NewCTR(block, make([]byte, 16)), cipher.NewCTR(block, make([]byte, 16))
	p.result = nil
	answer := append([]byte("mypb"), public.SerializeUncompressed()[1:]...)
	if p.Model.Blank {
		return append(answer, make([]byte, 8)...), nil
	}
	master := p.master()
	fp, text := master.Fingerprint(), master.Public().String()
	answer = binary.LittleEndian.AppendUint32(append(answer, fp[:]...), uint32(len(text)))
	return append(answer, text...), nil
}

// shared hashes the two coordinates of the Diffie-Hellman point.
func shared(secret *btcec.PrivateKey, public *btcec.PublicKey) [32]byte {
	var in, out btcec.JacobianPoint
	public.AsJacobian(&in)
	btcec.ScalarMultNonConst(&secret.Key, &in, &out)
	out.ToAffine()
	return sha256.Sum256(btcec.NewPublicKey(&out.X, &out.Y).SerializeUncompressed()[1:])
}

// master is the master key in use, written for the network that the device is set to.
func (p *port) master() btc.XKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := p.now
	key.Main = p.Model.Chain == "BTC"
	return key
}

// vouch signs the link's key.
func (p *port) vouch() ([]byte, error) {
	key, _ := p.master().PrivateKey()
	if p.Model.Impostor {
		key, _ = btcec.PrivKeyFromBytes(draw())
	}
	return append([]byte("biny"), ecdsa.SignCompact(key, p.key[:], true)...), nil
}

// derive follows a path written with m and apostrophes.
func (p *port) derive(text string) (btc.XKey, btc.Path, error) {
	path, err := btc.ParsePath(text)
	if err != nil || len(path) > 12 || len(text) == 0 || text[0] != 'm' {
		return btc.XKey{}, nil, said("bad path")
	}
	key, err := p.master().Derive(path)
	return key, path, err
}

func (p *port) xpub(text string) ([]byte, error) {
	key, _, err := p.derive(text)
	if err != nil {
		return nil, err
	}
	if p.Lie.XPub {
		key = signertest.Elsewhere(key)
	}
	return []byte("asci" + key.Public().String()), nil
}

// network is the one whose addresses the device writes.
func (p *port) network() btc.Network {
	switch p.Model.Chain {
	case "BTC":
		return btc.Mainnet
	case "XRT":
		return btc.Regtest
	}
	return btc.Testnet3
}

// store takes a block of a file.
func (p *port) store(args []byte) ([]byte, error) {
	nums, data, err := words(args, 2)
	if err != nil {
		return nil, err
	}
	at, total := nums[0], nums[1]
	if p.busyWith("stxn") {
		return nil, errBusy
	}
	p.result = nil
	if at == 0 {
		p.running.Reset()
		p.upload = nil
	}
	switch {
	case at%256 != 0:
		return nil, said("alignment")
	case int(at) != len(p.upload):
		return nil, said("offset")
	case total < 1 || total > 4<<20 || uint64(at)+uint64(len(data)) > uint64(total):
		return nil, said("long")
	}
	p.upload = append(p.upload, data...)
	p.running.Write(data)
	return binary.LittleEndian.AppendUint32([]byte("int1"), at), nil
}

// fetch gives a block of the result.
func (p *port) fetch(args []byte) ([]byte, error) {
	nums, rest, err := words(args, 3)
	switch {
	case err != nil || len(rest) != 0:
		return nil, said("badlen")
	case !p.secret:
		return nil, said("must encrypt")
	case nums[2] != 1 || p.result == nil:
		return nil, said("not allowed")
	}
	at, size := int(nums[0]), min(int(nums[1]), 2048)
	if size < 1 || at+size > len(p.result) {
		return nil, said("not allowed: out of bounds")
	}
	return append([]byte("biny"), p.result[at:at+size]...), nil
}

// uploaded checks a command about the uploaded file: its size, flags and checksum.
func (p *port) uploaded(args []byte, flags int) error {
	if len(args) != 4+4*flags+32 {
		return said("badlen")
	}
	sum := sha256.Sum256(p.upload)
	if int(binary.LittleEndian.Uint32(args)) != len(p.upload) || string(args[4+4*flags:]) != string(sum[:]) {
		return said("Checksum")
	}
	return nil
}
