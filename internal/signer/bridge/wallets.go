package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
)

// registry keeps what devices answered when wallets were registered, so that nobody approves a
// policy twice. Nothing in it is secret.
type registry struct{ memory signer.Memory }

// kept is a registration in the registry.
type kept struct {
	Wallet string `json:"wallet"`     // the name the wallet had then; part of what some devices prove
	Text   string `json:"descriptor"` // as it was registered: the order of its keys is part of it too
	Name   string `json:"name"`
	ID     string `json:"id"`
	Proof  string `json:"proof"`
}

func registryKey(kind string, fp btc.Fingerprint, d *descriptor.Descriptor) string {
	h := sha256.Sum256([]byte(orderless(d)))
	return "bridge/" + kind + "/" + fp.String() + "/" + hex.EncodeToString(h[:])
}

// sorted matches templates in which the order of the keys says nothing.
var sorted = regexp.MustCompile(`^(wsh\(|sh\()+sortedmulti\([0-9]+(,@[0-9]+/\*\*)+\)+$`)

// orderless writes a wallet in a way that is the same for every order of keys that means the
// same wallet: the one from a PSBT or of an address need not be the one of its owner.
func orderless(d *descriptor.Descriptor) string {
	template, keys, err := d.Policy()
	if err != nil || !sorted.MatchString(template) {
		return d.String()
	}
	slices.Sort(keys)
	return template + " " + strings.Join(keys, " ")
}

// find returns what is kept of a wallet at a device: the wallet as it was registered, and what
// the device answered.
func (r registry) find(key string) (w signer.Wallet, reg signer.Registration, ok bool) {
	if r.memory == nil {
		return w, reg, false
	}
	raw, found := r.memory.Get(key)
	var k kept
	if !found || json.Unmarshal(raw, &k) != nil {
		return w, reg, false
	}
	d, err := descriptor.Parse(k.Text, descriptor.Options{})
	if err != nil {
		return w, reg, false
	}
	w = signer.Wallet{Name: k.Wallet, Descriptor: d}
	reg.Name = k.Name
	var errID, errProof error
	if k.ID != "" {
		reg.ID, errID = hex.DecodeString(k.ID)
	}
	if k.Proof != "" {
		reg.Proof, errProof = hex.DecodeString(k.Proof)
	}
	return w, reg, errID == nil && errProof == nil && !reg.IsZero()
}

// put keeps a registration; forget drops it.
func (r registry) put(key string, w signer.Wallet, reg signer.Registration) error {
	if r.memory == nil || reg.IsZero() {
		return nil
	}
	raw, err := json.Marshal(kept{w.Name, w.Descriptor.String(), reg.Name, hex.EncodeToString(reg.ID), hex.EncodeToString(reg.Proof)})
	if err != nil {
		return err
	}
	return r.memory.Put(key, raw)
}

func (r registry) forget(key string) {
	if r.memory != nil {
		_ = r.memory.Put(key, []byte("{}")) // at worst the stale one is refused once more
	}
}

// readWallet takes a wallet from a call: any descriptor that wallets have.
func readWallet(text, name string) (signer.Wallet, error) {
	if text == "" {
		return signer.Wallet{}, signer.E(signer.CodeMissing, "Descriptor must not be empty")
	}
	d, err := descriptor.Parse(text, descriptor.Options{AllowSLIP132: true})
	if err == nil && d.Branches() == 1 && !d.IsRanged() {
		d, err = d.WithBranches()
	} else if err == nil && d.Branches() == 1 {
		if both, bothErr := d.WithBranches(); bothErr == nil {
			d = both
		}
	}
	if err != nil {
		return signer.Wallet{}, &signer.Fault{Code: signer.CodeBadArgument, Cause: err}
	}
	return signer.Wallet{Name: name, Descriptor: d}, nil
}

// nameOf is what a wallet is called on the device where the caller did not say.
func nameOf(w signer.Wallet) string {
	if name := strings.TrimSpace(w.Name); name != "" {
		return name
	}
	return "Specter " + w.Descriptor.Checksum()
}

// registered makes sure that the device knows the wallet: by the proof that the caller brought,
// by what is kept, or by asking the person now.
func (j *job) registered(ctx context.Context, s signer.Signer, w signer.Wallet, proof []byte) (signer.Wallet, signer.Registration, error) {
	w.Name = nameOf(w)
	if !s.NeedsRegistration(w) {
		return w, signer.Registration{}, nil
	}
	if len(proof) > 0 {
		return w, signer.Registration{Name: w.Name, Proof: proof}, nil
	}
	key, err := j.key(ctx, s, w)
	if err != nil {
		return w, signer.Registration{}, err
	}
	if known, reg, ok := j.s.kept.find(key); ok {
		return known, reg, nil
	}
	reg, err := j.register(ctx, s, w, key)
	return w, reg, err
}

func (j *job) key(ctx context.Context, s signer.Signer, w signer.Wallet) (string, error) {
	fp, err := s.Fingerprint(ctx)
	return registryKey(s.Info().Kind, fp, w.Descriptor), err
}

func (j *job) register(ctx context.Context, s signer.Signer, w signer.Wallet, key string) (signer.Registration, error) {
	j.tell(j.name, signer.Notice{Kind: signer.NoticeRegister})
	reg, err := s.Register(ctx, w)
	if err != nil {
		return reg, err
	}
	if err := j.s.kept.put(key, w, reg); err != nil {
		j.s.log.Warn("a device's registration of a wallet could not be kept; its person will be asked again", "err", err)
	}
	return reg, nil
}

// using does something with a wallet that the device knows. Where the device has forgotten it,
// the person is asked once more.
func (j *job) using(ctx context.Context, s signer.Signer, w signer.Wallet, proof []byte, f func(signer.Wallet, signer.Registration) error) error {
	named, reg, err := j.registered(ctx, s, w, proof)
	if err != nil {
		return err
	}
	if err = f(named, reg); !notRegistered(err) {
		return err
	}
	w.Name = nameOf(w)
	key, err := j.key(ctx, s, w)
	if err != nil {
		return err
	}
	j.s.kept.forget(key)
	if reg, err = j.register(ctx, s, w, key); err != nil {
		return err
	}
	return f(w, reg)
}

// wallet reads the parameters that name a wallet; nil where there is no descriptor.
func (j *job) wallet(field string) (w signer.Wallet, proof []byte, err error) {
	text, err := j.p.text(field, "")
	if err != nil {
		return w, nil, err
	}
	if w.Name, err = j.p.text("wallet_name", ""); err != nil {
		return w, nil, err
	}
	if proof, err = j.p.bytes("registration", 128); err != nil || text == "" {
		return w, proof, err
	}
	w, err = readWallet(text, w.Name)
	return w, proof, err
}

func registerMultisig(ctx context.Context, j *job) (any, error) {
	if _, err := j.enroll(ctx); err != nil {
		return nil, err
	}
	return true, nil
}

func registerWallet(ctx context.Context, j *job) (any, error) { return j.enroll(ctx) }

// enroll shows a wallet to the person of a device where the family wants that.
func (j *job) enroll(ctx context.Context) (any, error) {
	w, _, err := j.wallet("descriptor")
	if err == nil && w.Descriptor == nil {
		_, err = readWallet("", "")
	}
	if err != nil {
		return nil, err
	}
	w.Name = nameOf(w)
	var reg signer.Registration
	needed := false
	err = j.with(ctx, func(ctx context.Context, s signer.Signer) error {
		if needed = s.NeedsRegistration(w); !needed {
			return nil
		}
		key, err := j.key(ctx, s, w)
		if err != nil {
			return err
		}
		reg, err = j.register(ctx, s, w, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"name": reg.Name, "id": hex.EncodeToString(reg.ID), "proof": hex.EncodeToString(reg.Proof), "needed": needed}, nil
}

func displayAddress(ctx context.Context, j *job) (any, error) {
	field := "xpubs_descriptor"
	text, err := j.p.text(field, "")
	if err == nil && text == "" {
		text, err = j.p.text("descriptor", "")
	}
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, signer.E(signer.CodeMissing, "Descriptor must not be empty")
	}
	w, branch, index, err := signer.AtAddress(text, j.network.IsMain())
	if err != nil {
		return nil, err
	}
	if w.Name, err = j.p.text("wallet_name", ""); err != nil {
		return nil, err
	}
	proof, err := j.p.bytes("registration", 128)
	if err != nil {
		return nil, err
	}
	var address string
	err = j.with(ctx, func(ctx context.Context, s signer.Signer) error {
		return j.using(ctx, s, w, proof, func(w signer.Wallet, reg signer.Registration) (err error) {
			address, err = s.ShowAddress(ctx, w, reg, branch, index)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return address, nil
}

func signTx(ctx context.Context, j *job) (any, error) {
	text, err := j.p.text("psbt", "")
	if err != nil {
		return nil, err
	}
	tx, err := readPSBT(text)
	if err != nil {
		return nil, err
	}
	w, proof, err := j.wallet("descriptor")
	if err != nil {
		return nil, err
	}
	var signed *psbt.Packet
	err = j.with(ctx, func(ctx context.Context, s signer.Signer) error {
		signed, err = j.sign(ctx, s, w, proof, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return signed.Base64()
}

// sign signs for one wallet that is told, or for those that the PSBT itself tells of.
func (j *job) sign(ctx context.Context, s signer.Signer, w signer.Wallet, proof []byte, tx *psbt.Packet) (*psbt.Packet, error) {
	wallets := []signer.Wallet{w}
	if w.Descriptor == nil {
		fp, err := s.Fingerprint(ctx)
		if err != nil {
			return nil, err
		}
		spends, err := signer.WalletsOf(tx, fp, j.network.IsMain())
		if err != nil {
			return nil, err
		}
		wallets = wallets[:0]
		for _, spend := range spends {
			spend.Wallet.Name = w.Name
			wallets = append(wallets, spend.Wallet)
		}
		if len(wallets) == 0 {
			return nil, signer.E(signer.CodeBadTransaction, "no input of this transaction belongs to the device %s", fp)
		}
		if !anyRegisters(s, wallets) { // one question for all of them
			return s.Sign(ctx, signer.Wallet{}, signer.Registration{}, tx)
		}
	}
	for _, one := range wallets {
		err := j.using(ctx, s, one, proof, func(w signer.Wallet, reg signer.Registration) error {
			next, err := s.Sign(ctx, w, reg, tx)
			if err == nil {
				tx = next
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return tx, nil
}

func anyRegisters(s signer.Signer, wallets []signer.Wallet) bool {
	for _, w := range wallets {
		if w.Name = nameOf(w); s.NeedsRegistration(w) {
			return true
		}
	}
	return false
}
