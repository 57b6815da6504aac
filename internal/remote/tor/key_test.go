package tor

import (
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/errs"
	"specter/internal/remote"
	"specter/internal/remote/remotetest"
)

// Against the standard library, which knows seeds alone.
func TestThePublicKeyIsTheLibrarys(t *testing.T) {
	for i := range 20 {
		seed := sha512.Sum512([]byte{byte(i)})
		private := ed25519.NewKeyFromSeed(seed[:32])
		e := sha512.Sum512(seed[:32])
		e[0] &= 248
		e[31] = e[31]&63 | 64
		if got, want := publicKey(e[:32]), []byte(private.Public().(ed25519.PublicKey)); !slices.Equal(got, want) {
			t.Errorf("seed %d: %x, want %x", i, got, want)
		}
	}
}

// A name of the spec's form that is in everybody's hands: the Tor Project's own.
func TestNamesOfOnionServices(t *testing.T) {
	const project = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion"
	for name, want := range map[string]bool{project: true, strings.ToUpper(project): true, "www." + project: false, "3" + project[1:]: false, project[:55] + ".onion": false,
		"expyuzz4wqqyqhjn.onion": false, "specter.example": false, "": false, ".onion": false} {
		if IsName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
	if k := NewKey(); !IsName(k.Name()) || NewKey().Name() == k.Name() {
		t.Errorf("a new key's name is %s", k.Name())
	}
}

func TestAKeyPrintsNothing(t *testing.T) {
	k := NewKey()
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s", k, k, k, k)} {
		if strings.Contains(text, k.text()[len(keyType)+1:]) || strings.Contains(text, "[") {
			t.Errorf("a key prints %s", text)
		}
	}
}

func TestTheKeyIsMadeOnceAndKept(t *testing.T) {
	var files remotetest.Files
	a, err := OpenKey(&files)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := OpenKey(&files); err != nil || b != a {
		t.Errorf("the second start has another key: %v", err)
	}
	if err := ForgetKey(&files); err != nil {
		t.Fatal(err)
	}
	if b, err := OpenKey(&files); err != nil || b == a {
		t.Errorf("a forgotten key is back: %v", err)
	}
	if _, err := OpenKey(&remotetest.Files{Fail: errors.New("full")}); err == nil {
		t.Error("a key that could not be kept is used")
	}
}

func TestAnOldSpectersKeyIsTakenOver(t *testing.T) {
	k := NewKey()
	for name, c := range map[string]struct {
		key, address string
		fault        string
	}{
		"key and address":      {k.text(), k.Name(), ""},
		"the address cut":      {k.text() + "\n", strings.TrimSuffix(k.Name(), ".onion") + "\n", ""},
		"no address":           {k.text(), "", ""},
		"another's address":    {k.text(), NewKey().Name(), "two different"},
		"a key of version 2":   {"RSA1024:" + base64.StdEncoding.EncodeToString(make([]byte, 64)), "", "version 3"},
		"a damaged key":        {keyType + ":" + base64.StdEncoding.EncodeToString(make([]byte, 64)), "", "damaged"},
		"a key that was cut":   {k.text()[:40], "", "64 bytes"},
		"something else there": {"hello", "", "64 bytes"},
	} {
		var files remotetest.Files
		files.Write(fileOldKey, []byte(c.key))
		if c.address != "" {
			files.Write(fileOldName, []byte(c.address))
		}
		got, err := OpenKey(&files)
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) || strings.Contains(err.Error(), c.key) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := files.Read(fileKey); err == nil {
				t.Errorf("%s: a key was written all the same", name)
			}
			continue
		}
		if err != nil || got != k {
			t.Errorf("%s: %v", name, err)
		}
		if again, err := OpenKey(&files); err != nil || again != k {
			t.Errorf("%s, the next time: %v", name, err)
		}
	}
}

func TestClientsAreKeptWithoutTheirSecrets(t *testing.T) {
	var files remotetest.Files
	c := NewClients(&files)
	if list, err := c.List(); err != nil || len(list) != 0 {
		t.Fatalf("%v %v", list, err)
	}
	name := NewKey().Name()
	p, err := c.Add(" my phone ", name, clock())
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(p.Key); err != nil || len(raw) != 32 || p.Line != strings.TrimSuffix(name, ".onion")+":descriptor:x25519:"+p.Key {
		t.Errorf("the pass is %+v", p)
	}
	raw, err := files.Read(fileClients)
	if err != nil || strings.Contains(string(raw), p.Key) {
		t.Errorf("what is kept: %s, %v", raw, err)
	}
	for _, bad := range []string{"", "   ", "MY PHONE", strings.Repeat("a", 61), "a\nb", "a\x00"} {
		if _, err := c.Add(bad, name, clock()); err == nil {
			t.Errorf("a client called %q is taken", bad)
		}
	}
	if err := c.Remove("her phone"); !errs.Is(err, errs.NotFound) {
		t.Errorf("removing who is not there: %v", err)
	}
	if err := c.Remove("my phone"); err != nil {
		t.Error(err)
	}
	for i := range maxClients {
		if _, err := c.Add(fmt.Sprint("client ", i), name, clock()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Add("one more", name, clock()); err == nil {
		t.Error("the list has no end")
	}
}

// A list that cannot be read must not open the service to everybody.
func TestADamagedListOfClientsOpensNothing(t *testing.T) {
	for _, text := range []string{"", "{", `[{"name":"a","public":"x"}]`, `[{"name":"a"}]`} {
		var files remotetest.Files
		files.Write(fileClients, []byte(text))
		if list, err := NewClients(&files).List(); err == nil {
			t.Errorf("%q is read as %v", text, list)
		}
		if _, err := NewClients(&files).Add("a", "b", clock()); err == nil {
			t.Errorf("%q is overwritten", text)
		}
	}
}

func TestAddressesOfControlPorts(t *testing.T) {
	for in, want := range map[string]string{"": DefaultControl, "9151": "127.0.0.1:9151", " localhost:9051 ": "localhost:9051", "[::1]:9051": "[::1]:9051", "192.168.1.4:9051": "192.168.1.4:9051",
		"tor:9051": "tor:9051", "unix:/run/tor/control": "unix:/run/tor/control"} {
		if got, err := CleanControl(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", ":9051", "http://127.0.0.1:9051", "8.8.8.8:9051", "tor.example:9051", "unix:run", "unix:/a\nb", "a b:1"} {
		if got, err := CleanControl(bad); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q is taken as %q, %v", bad, got, err)
		}
	}
}

var _ remote.Tunnel = (*Service)(nil)

func clock() time.Time { return time.Unix(1_790_000_000, 0) }

func newFiles() *remotetest.Files { return &remotetest.Files{} }
