package sshtunnel

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"specter/internal/errs"
	"specter/internal/remote"
)

// Where keys lie.
const (
	fileKey   = "ssh/id_ed25519"
	fileHosts = "ssh/hosts.json"
)

// Keys are what this Specter logs in with: a key of its own, and those of a running ssh-agent.
type Keys struct {
	files remote.Files
	// agent connects to the ssh-agent; nil: there is none.
	agent func() (net.Conn, error)

	mu sync.Mutex // two askers must not make two keys
}

// NewKeys takes the files in which the own key lies, and a way to the ssh-agent (may be nil).
func NewKeys(files remote.Files, agent func() (net.Conn, error)) *Keys {
	return &Keys{files: files, agent: agent}
}

// own reads the own key, or makes it.
func (k *Keys) own() (ssh.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	text, err := k.files.Read(fileKey)
	if err == nil {
		s, err := ssh.ParsePrivateKey(text)
		if err != nil {
			return nil, errs.E(errs.Unavailable, "the SSH key in the data folder (%s) is spoilt: %w. Put it back from a backup, or delete it to have a new one made", fileKey, err)
		}
		return s, nil
	}
	if !errors.Is(err, remote.ErrNoFile) {
		return nil, err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "specter")
	if err != nil {
		return nil, err
	}
	if err := k.files.Write(fileKey, pem.EncodeToMemory(block)); err != nil {
		return nil, fmt.Errorf("keep the new SSH key: %w", err)
	}
	return ssh.NewSignerFromKey(private)
}

// nothing is a port that only a server as root could use, and none does.
const nothing = "localhost:1"

// AuthorizedKey is the line for the server's ~/.ssh/authorized_keys: the key may do nothing there
// but listen where binds say and reach the ports in opens.
func (k *Keys) AuthorizedKey(binds, opens []string) (string, error) {
	s, err := k.own()
	if err != nil {
		return "", err
	}
	options := []string{"restrict", "port-forwarding"}
	// sshd knows no word for none here; without the option all would be allowed.
	if len(binds) == 0 {
		binds = []string{nothing}
	}
	for _, b := range binds {
		options = append(options, `permitlisten="`+b+`"`)
	}
	if len(opens) == 0 {
		opens = []string{nothing}
	}
	for _, o := range opens {
		options = append(options, `permitopen="`+o+`"`)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.PublicKey())))
	return strings.Join(options, ",") + " " + line + " specter", nil
}

// signers lists the own key first, then the agent's. end closes the agent's connection.
func (k *Keys) signers() (list []ssh.Signer, end func(), err error) {
	own, err := k.own()
	if err != nil {
		return nil, nil, err
	}
	list, end = []ssh.Signer{own}, func() {}
	if k.agent == nil {
		return list, end, nil
	}
	c, err := k.agent()
	if err != nil {
		return list, end, nil // the agent has gone: the own key is left
	}
	more, err := agent.NewClient(c).Signers()
	if err != nil {
		c.Close()
		return list, end, nil
	}
	return append(list, more[:min(len(more), 5)]...), func() { c.Close() }, nil // servers count attempts
}

// Hosts remembers the keys of servers.
type Hosts struct {
	files remote.Files
	mu    sync.Mutex
}

// NewHosts takes the files in which they lie.
func NewHosts(files remote.Files) *Hosts { return &Hosts{files: files} }

// HostKeyError is a server that shows another key than the first time.
type HostKeyError struct {
	Address      string
	Known, Shown string // fingerprints, SHA256:…
}

// Error says what may be wrong and what to do.
func (e *HostKeyError) Error() string {
	return fmt.Sprintf("the server %s shows another key than before: %s, and it was %s. Somebody may stand between you and it, so nothing was sent. "+
		"If you have set the server up anew, compare the key there (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and have the old one forgotten", e.Address, e.Shown, e.Known)
}

func (h *Hosts) read() (map[string]string, error) {
	known := map[string]string{}
	text, err := h.files.Read(fileHosts)
	if errors.Is(err, remote.ErrNoFile) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &known); err != nil {
		return nil, errs.E(errs.Unavailable, "the list of known SSH servers (%s) is spoilt: %w. Delete it after you have made sure of the servers' keys", fileHosts, err)
	}
	return known, nil
}

func (h *Hosts) write(known map[string]string) error {
	text, err := json.MarshalIndent(known, "", "  ")
	if err != nil {
		return err
	}
	return h.files.Write(fileHosts, text)
}

// check pins a key on first sight and refuses another one later.
func (h *Hosts) check(address string, key ssh.PublicKey) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, err := h.read()
	if err != nil {
		return err
	}
	shown := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	switch was, ok := known[address]; {
	case ok && was == shown:
		return nil
	case ok && isFingerprint(was) && was == ssh.FingerprintSHA256(key): // it was told beforehand
	case ok:
		e := &HostKeyError{Address: address, Known: "?", Shown: ssh.FingerprintSHA256(key)}
		if isFingerprint(was) {
			e.Known = was
		}
		if old, _, _, _, err := ssh.ParseAuthorizedKey([]byte(was)); err == nil {
			e.Known = ssh.FingerprintSHA256(old)
		}
		return e
	}
	known[address] = shown
	return h.write(known)
}

// algorithms are those by which the pinned key is asked for: a server has several keys, and with
// another kind of key than the first time it would look like an impostor.
func (h *Hosts) algorithms(address string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, err := h.read()
	if err != nil {
		return nil
	}
	if isFingerprint(known[address]) { // of which kind is not known; the one that people look up goes first
		return []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(known[address]))
	if err != nil {
		return nil
	}
	if key.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{key.Type()}
}

// Fingerprint is the pinned key's of a server, SHA256:…; "" while none is pinned.
func (h *Hosts) Fingerprint(t Target) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, err := h.read()
	if err != nil {
		return ""
	}
	if was := known[t.Address()]; isFingerprint(was) {
		return was
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(known[t.Address()]))
	if err != nil {
		return ""
	}
	return ssh.FingerprintSHA256(key)
}

// Expect pins a server's key by its fingerprint, SHA256:…, before the server has shown it: that
// key alone is taken from here on. errs.Invalid for what is no such fingerprint.
func (h *Hosts) Expect(t Target, fingerprint string) error {
	if fingerprint = strings.TrimSpace(fingerprint); !isFingerprint(fingerprint) {
		return errs.E(errs.Invalid, "%.100q is no fingerprint of a server's key; on the server, ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub prints it: SHA256: and 43 letters", fingerprint)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	known, err := h.read()
	if err != nil {
		return err
	}
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(known[t.Address()])); err == nil && ssh.FingerprintSHA256(key) == fingerprint {
		return nil // it is pinned in full
	}
	known[t.Address()] = fingerprint
	return h.write(known)
}

// isFingerprint reports whether a pin is a fingerprint and not a key.
func isFingerprint(text string) bool {
	body, ok := strings.CutPrefix(text, "SHA256:")
	sum, err := base64.RawStdEncoding.Strict().DecodeString(body)
	return ok && err == nil && len(sum) == sha256.Size
}

// Forget drops a server's key; the next one that it shows is pinned.
func (h *Hosts) Forget(t Target) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, err := h.read()
	if err != nil {
		return err
	}
	delete(known, t.Address())
	return h.write(known)
}
