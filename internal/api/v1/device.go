package v1

import (
	"crypto/rand"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/mnemonic"
	"specter/internal/device"
)

// deviceTypeView is a kind of device.
type deviceTypeView struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	USB     bool    `json:"usb"`
	SD      bool    `json:"sd"`
	QR      *string `json:"qr"`
	Taproot bool    `json:"taproot"`
	Hot     bool    `json:"hot"`
}

// deviceTypePage lists the kinds.
type deviceTypePage struct {
	Items []deviceTypeView `json:"items"`
	paging
}

// keyView is an extended public key of a device.
type keyView struct {
	Key         string  `json:"key"`
	XPub        string  `json:"xpub"`
	Fingerprint *string `json:"fingerprint"`
	Path        *string `json:"path"`
	ScriptType  string  `json:"script_type"`
	Purpose     string  `json:"purpose"`
	Original    string  `json:"original"`
	Mainnet     bool    `json:"mainnet"`
}

// deviceView is a stored signing device.
type deviceView struct {
	ID            int64     `json:"id"`
	Alias         string    `json:"alias"`
	Name          string    `json:"name"`
	Type          string    `json:"type"`
	Hot           bool      `json:"hot"`
	NeedsPassword bool      `json:"needs_password"`
	Keys          []keyView `json:"keys"`
	Created       moment    `json:"created"`
}

// deviceDetailView is a device with the wallets that use it.
type deviceDetailView struct {
	deviceView
	Wallets []string `json:"wallet_names"`
}

// devicePage is a page of devices.
type devicePage struct {
	Items []deviceView `json:"items"`
	paging
}

// deviceInput asks for a device.
type deviceInput struct {
	Name string   `json:"name" need:"yes"`
	Type string   `json:"type" need:"yes"`
	Keys []string `json:"keys" need:"yes"`
}

// devicePatch changes a device.
type devicePatch struct {
	Name *string `json:"name"`
	Type *string `json:"type"`
}

// keysInput brings keys, each as typed or as a device exports it.
type keysInput struct {
	Keys []string `json:"keys" need:"yes"`
}

// parsedKeysView is what was understood of keys.
type parsedKeysView struct {
	Keys     []keyView `json:"keys"`
	Problems []string  `json:"problems"`
}

// hotDeviceInput asks for a software key.
type hotDeviceInput struct {
	Name        string `json:"name" need:"yes"`
	Words       string `json:"words" need:"yes"`
	Passphrase  string `json:"passphrase"`
	Password    string `json:"password"`
	Unprotected bool   `json:"unprotected"`
	Account     uint32 `json:"account"`
}

// wordsInput asks for fresh seed words.
type wordsInput struct {
	Count int `json:"count" need:"yes"`
}

// wordsView is fresh seed words, which nothing remembers.
type wordsView struct {
	Words string `json:"words"`
}

func keyOf(k device.Key) keyView {
	v := keyView{Key: k.Expression(), XPub: k.XPub, ScriptType: k.ScriptType, Purpose: k.Words(), Original: k.Original, Mainnet: k.Main()}
	if k.HasOrigin {
		v.Fingerprint, v.Path = maybe(k.Fingerprint.String()), maybe(k.Path.Full())
	}
	return v
}

func deviceOf(d device.Device) deviceView {
	return deviceView{ID: d.ID, Alias: d.Alias, Name: d.Name, Type: d.Type, Hot: d.Hot(), NeedsPassword: d.NeedsSecret,
		Keys: mapped(d.Keys, keyOf), Created: moment(d.Created)}
}

func devicePath(alias string) string { return "/devices/" + url.PathEscape(alias) }

func getDeviceTypes(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, device.Types(), func(t device.Type) string { return t.ID })
	return deviceTypePage{mapped(rows, func(t device.Type) deviceTypeView {
		return deviceTypeView{ID: t.ID, Name: t.Name, USB: t.USB, SD: t.SD, QR: maybe(t.QR), Taproot: t.Taproot, Hot: t.Hot}
	}), p}, err
}

func getDevices(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	all, err := c.s.c.Devices.List(c.ctx(), c.user())
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, all, func(d device.Device) string { return strconv.FormatInt(d.ID, 10) })
	return devicePage{mapped(rows, deviceOf), p}, err
}

// detail answers with a device and its use.
func (c *call) device(d device.Device, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	uses, err := c.s.c.Devices.Uses(c.ctx(), c.user(), d)
	return deviceDetailView{deviceOf(d), texts(uses)}, err
}

func getDevice(c *call) (any, error) {
	return c.device(c.s.c.Devices.Get(c.ctx(), c.user(), c.PathValue("alias")))
}

// parseKeys reads keys as they were sent. Where part of it is not understood, nothing is stored:
// a program that sends rubbish beside a key has a mistake.
func (c *call) parseKeys(list []string) ([]device.Key, error) {
	p, err := c.s.c.Devices.ParseKeys([]byte(strings.Join(list, "\n")))
	if err != nil {
		return nil, err
	}
	if len(p.Problems) > 0 {
		return nil, invalid("keys", "%s", p.Problems[0])
	}
	return p.Keys, nil
}

func postKeyCheck(c *call) (any, error) {
	var in keysInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	p, err := c.s.c.Devices.ParseKeys([]byte(strings.Join(in.Keys, "\n")))
	return parsedKeysView{mapped(p.Keys, keyOf), texts(p.Problems)}, err
}

func postDevice(c *call) (any, error) {
	var in deviceInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if err := knownType(in.Type); err != nil {
		return nil, err
	}
	keys, err := c.parseKeys(in.Keys)
	if err != nil {
		return nil, err
	}
	d, err := c.s.c.Devices.Create(c.ctx(), c.user(), in.Name, in.Type, keys)
	v, err := c.device(d, err)
	return created{devicePath(d.Alias), v}, err
}

// knownType refuses a misspelt type, which the device room would take for "other".
func knownType(id string) error {
	if !slices.ContainsFunc(device.Types(), func(t device.Type) bool { return t.ID == id }) {
		return invalid("type", "%q is no type of device; GET %s/device-types lists them", limit(id, 40), Root)
	}
	return nil
}

// postHotDevice makes a software key of seed words.
func postHotDevice(c *call) (any, error) {
	var in hotDeviceInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	d, err := c.s.c.Devices.CreateHot(c.ctx(), c.user(), in.Name, device.Seed{Words: in.Words, Passphrase: in.Passphrase,
		Password: in.Password, Network: c.network, Account: in.Account, Unprotected: in.Unprotected})
	v, err := c.device(d, err)
	return created{devicePath(d.Alias), v}, err
}

// postWords makes seed words and forgets them: whoever asks writes them down and sends them back
// for a software key.
func postWords(c *call) (any, error) {
	var in wordsInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	bits := map[int]int{12: 128, 24: 256}[in.Count]
	if bits == 0 {
		return nil, invalid("count", "seed words are 12 or 24")
	}
	m, err := mnemonic.New(bits, rand.Reader)
	if err != nil {
		return nil, err
	}
	return wordsView{strings.Join(m.Words(), " ")}, nil
}

func patchDevice(c *call) (any, error) {
	var in devicePatch
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if in.Name == nil && in.Type == nil {
		return nil, invalid("", "say what to change: name or type")
	}
	alias := c.PathValue("alias")
	d, err := c.s.c.Devices.Get(c.ctx(), c.user(), alias)
	if err == nil && in.Type != nil {
		if err = knownType(*in.Type); err == nil {
			d, err = c.s.c.Devices.SetType(c.ctx(), c.user(), alias, *in.Type)
		}
	}
	if err == nil && in.Name != nil {
		d, err = c.s.c.Devices.Rename(c.ctx(), c.user(), alias, *in.Name)
	}
	return c.device(d, err)
}

func deleteDevice(c *call) (any, error) {
	return nil, c.s.c.Devices.Forget(c.ctx(), c.user(), c.PathValue("alias"))
}

func postDeviceKeys(c *call) (any, error) {
	var in keysInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	alias := c.PathValue("alias")
	if _, err := c.s.c.Devices.Get(c.ctx(), c.user(), alias); err != nil {
		return nil, err
	}
	keys, err := c.parseKeys(in.Keys)
	if err != nil {
		return nil, err
	}
	return c.device(c.s.c.Devices.AddKeys(c.ctx(), c.user(), alias, keys))
}

// deleteDeviceKey removes a key; ?script_type= tells which, where the same xpub is there for several.
func deleteDeviceKey(c *call) (any, error) {
	alias := c.PathValue("alias")
	x, _, err := btc.ParseXKey(c.PathValue("xpub"))
	if err != nil {
		return nil, notFound("the device has no such key")
	}
	d, err := c.s.c.Devices.Get(c.ctx(), c.user(), alias)
	if err != nil {
		return nil, err
	}
	scriptType := c.params.Get("script_type")
	var of []string
	for _, k := range d.Keys {
		if k.XPub == x.String() {
			of = append(of, k.ScriptType)
		}
	}
	if !c.params.Has("script_type") {
		if len(of) > 1 {
			return nil, invalid("script_type", "the device has this key for several script types; say which")
		}
		if len(of) == 1 {
			scriptType = of[0]
		}
	}
	return c.device(c.s.c.Devices.RemoveKey(c.ctx(), c.user(), alias, x.String(), scriptType))
}
