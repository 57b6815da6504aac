package coldcardtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/signer/signertest"
)

// enrol asks whether to keep the wallet that was uploaded.
func (p *port) enrol(args []byte) error {
	if err := p.uploaded(args, 0); err != nil {
		return err
	}
	w, err := p.readWallet(string(p.upload))
	if err != nil {
		return err
	}
	return p.ask("enrl", true, func(ctx context.Context) []byte {
		if !p.Person.Ask(ctx, signertest.ShowPolicy, w.name+": "+w.desc.String()).Approve {
			return refusal
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, old := range p.wallets {
			if old.desc.String() == w.desc.String() {
				return nil
			}
		}
		p.wallets = append(p.wallets, w)
		return nil // nothing to fetch: the question is simply gone
	})
}

// readWallet reads both forms of wallet files.
func (p *port) readWallet(file string) (w enrolled, err error) {
	var named struct{ Desc, Name string }
	if strings.HasPrefix(file, "{") {
		if p.old(5, 4) || json.Unmarshal([]byte(file), &named) != nil {
			return w, said("'desc' key required")
		}
		if w.desc, err = descriptor.Parse(named.Desc, descriptor.Options{}); err != nil {
			return w, said("bad descriptor")
		}
		w.name = named.Name
	} else if w, err = readText(file); err != nil {
		return w, err
	}
	most := 20
	if p.edge() {
		most = 30
	}
	if len(w.name) < 2 || len(w.name) > most {
		return w, said("name must be ascii, 1..20 long")
	}
	return w, p.admissible(w.desc)
}

// admissible refuses wallets that the firmware does not know, or that the device has no part in.
func (p *port) admissible(d *descriptor.Descriptor) error {
	_, _, plain := d.Threshold()
	switch {
	case p.edge():
	case !plain || d.Type() == "tr":
		return said("unsupported descriptor")
	case !strings.Contains(d.String(), "sortedmulti("):
		return said(`Unsorted multisig "multi(...)" not allowed`)
	}
	mine := 0
	for _, k := range d.Keys() {
		if k.Origin == nil || k.Origin.Fingerprint != p.master().Fingerprint() {
			continue
		}
		key, err := p.master().Derive(k.Origin.Path)
		if err != nil || k.XKey == nil || key.PublicKey != k.XKey.PublicKey || key.ChainCode != k.XKey.ChainCode {
			return said("wrong pubkey")
		}
		mine++
	}
	switch {
	case mine == 0:
		return said("my key not included")
	case mine > 1 && !p.edge() && !p.old(5, 6): // since 5.6.1
		return said("my key included more than once")
	}
	return nil
}

// readText reads the file of lines: name, policy, format, and before each key its derivation.
func readText(file string) (w enrolled, err error) {
	var m, n int
	var path, format string
	var keys []string
	for _, line := range strings.Split(file, "\n") {
		label, value, found := strings.Cut(line, ":")
		if !found || strings.HasPrefix(line, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		switch label = strings.ToLower(label); label {
		case "name":
			w.name = value
		case "policy":
			if _, err := fmt.Sscanf(value, "%d of %d", &m, &n); err != nil {
				return w, said("bad policy line")
			}
		case "format":
			format = map[string]string{"p2sh": "sh(%s)", "p2wsh": "wsh(%s)", "p2sh-p2wsh": "sh(wsh(%s))"}[strings.ToLower(value)]
		case "derivation":
			path = strings.TrimPrefix(value, "m")
		default:
			if _, err := strconv.ParseUint(label, 16, 32); err != nil || len(label) != 8 {
				return w, said("bad line")
			}
			keys = append(keys, fmt.Sprintf("[%s%s]%s/<0;1>/*", label, path, value))
		}
	}
	if n != len(keys) || format == "" {
		return w, said("wrong # of xpubs")
	}
	text := fmt.Sprintf(format, fmt.Sprintf("sortedmulti(%d,%s)", m, strings.Join(keys, ",")))
	if w.desc, err = descriptor.Parse(text, descriptor.Options{}); err != nil {
		return w, said("bad wallet")
	}
	return w, nil
}

// check tells whether a multisig of m, n and xor of fingerprints is known.
func (p *port) check(args []byte) ([]byte, error) {
	nums, rest, err := words(args, 3)
	if err != nil || len(rest) != 0 {
		return nil, said("badlen")
	}
	found := p.Lie.Registry
	for _, d := range p.known() {
		m, n, _ := d.Threshold()
		var sum uint32
		for _, k := range d.Keys() {
			sum ^= binary.LittleEndian.Uint32(k.Origin.Fingerprint[:])
		}
		found = found || uint32(m) == nums[0] && uint32(n) == nums[1] && sum == nums[2]
	}
	answer := []byte("int1\x00\x00\x00\x00")
	if found {
		answer[4] = 1
	}
	return answer, nil
}

func (p *port) named(name string) (*descriptor.Descriptor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.wallets {
		if w.name == name {
			return w.desc, nil
		}
	}
	return nil, said("Miniscript wallet not found")
}

// listed answers Edge's questions about wallets.
func (p *port) listed(command, name string) ([]byte, error) {
	var answer any
	if command == "msls" {
		names := []string{}
		p.mu.Lock()
		for _, w := range p.wallets {
			names = append(names, w.name)
		}
		p.mu.Unlock()
		answer = names
	} else {
		d, err := p.named(name)
		if err != nil && !p.Lie.Registry {
			return nil, err
		}
		told := map[string]string{"name": name}
		if d != nil {
			told["desc"] = d.String()
		}
		answer = told
	}
	text, err := json.Marshal(answer)
	return append([]byte("asci"), text...), err
}

// showNamed shows an address of a wallet that Edge knows by name.
func (p *port) showNamed(args []byte) ([]byte, error) {
	nums, name, err := words(args, 2)
	if err != nil || nums[0] > 1 {
		return nil, said("change not bool")
	}
	d, err := p.named(string(name))
	if err != nil {
		return nil, err
	}
	return p.showAt(d, nums[0], nums[1])
}

func (p *port) showAt(d *descriptor.Descriptor, branch, index uint32) ([]byte, error) {
	if p.Lie.Address {
		index++
	}
	part, err := d.Branch(int(branch))
	if err != nil {
		return nil, err
	}
	out, err := part.Derive(index)
	if err != nil {
		return nil, err
	}
	address, _ := out.Address(p.network())
	p.look(address)
	return []byte("asci" + address), nil
}

// showMultisig shows an address of a multisig whose script and paths are told.
func (p *port) showMultisig(args []byte) ([]byte, error) {
	if len(args) < 8 {
		return nil, said("badlen")
	}
	m, n, size := int(args[4]), int(args[5]), int(binary.LittleEndian.Uint16(args[6:]))
	if m < 1 || m > n || n > 20 || size < 30 || size > 520 || len(args) < 8+size {
		return nil, said("badlen")
	}
	script, rest := args[8:8+size], args[8+size:]
	var origins []btc.KeyOrigin
	for range n {
		if len(rest) < 1 || len(rest) < 1+4*int(rest[0]) || rest[0] < 1 || rest[0] > 16 {
			return nil, said("badlen")
		}
		nums, after, err := words(rest[1:1+4*int(rest[0])], int(rest[0]))
		if err != nil || len(after) != 0 {
			return nil, said("badlen")
		}
		o := btc.KeyOrigin{Fingerprint: btc.Fingerprint(rest[1:5]), Path: nums[1:]}
		origins, rest = append(origins, o), rest[1+4*int(rest[0]):]
	}
	if len(rest) != 0 {
		return nil, said("badlen")
	}
	for _, d := range p.known() {
		if at, branch, index := matches(d, m, script, origins); at {
			return p.showAt(d, branch, index)
		}
	}
	return nil, said("Multisig wallet with those fingerprints not found")
}

// matches finds the script among a wallet's by the last two steps of its keys' paths, and the
// keys in the order of the script.
func matches(d *descriptor.Descriptor, m int, script []byte, origins []btc.KeyOrigin) (ok bool, branch, index uint32) {
	threshold, n, _ := d.Threshold()
	last := origins[0].Path
	if threshold != m || n != len(origins) || len(last) < 2 {
		return false, 0, 0
	}
	branch, index = last[len(last)-2], last[len(last)-1]
	if branch > 1 {
		return false, 0, 0
	}
	part, err := d.Branch(int(branch))
	if err != nil {
		return false, 0, 0
	}
	out, err := part.Derive(index)
	if err != nil || !bytes.Equal(script, out.WitnessScript) && !bytes.Equal(script, out.RedeemScript) {
		return false, 0, 0
	}
	at := 1
	for _, o := range origins {
		found := false
		for _, k := range out.Keys {
			if k.Origin.String() == o.String() && bytes.HasPrefix(script[at+1:], k.PubKey) {
				found = true
			}
		}
		if at += 34; !found {
			return false, 0, 0
		}
	}
	return true, branch, index
}
