package legacy

import (
	"fmt"
	"slices"
	"strconv"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/node"
	"specter/internal/wallet"
)

// nodes takes the connections.
func (t *taker) nodes() error {
	here, err := t.r.Nodes.List(t.ctx)
	if err != nil {
		return err
	}
	for i := range t.f.Nodes {
		n := &t.f.Nodes[i]
		alias, err := t.node(n, here)
		if err != nil {
			return err
		}
		if alias != "" && n.Alias == t.f.Active && !t.o.Dry {
			if err := t.activate(alias); err != nil {
				return err
			}
		}
	}
	return nil
}

// activate makes the node that was active the active one, unless there is one.
func (t *taker) activate(alias string) error {
	_, err := t.r.Nodes.Active(t.ctx)
	if errs.Is(err, errs.NotFound) {
		return t.r.Nodes.Activate(t.ctx, alias)
	}
	return err
}

// node takes one; it returns its alias here, "" where it is not here.
func (t *taker) node(n *Node, here []node.Node) (string, error) {
	ref, _, found, err := t.before(auth.OwnerID, "node", n.Alias)
	if err != nil {
		return "", err
	}
	if found {
		id, _ := strconv.ParseInt(ref, 10, 64)
		if i := slices.IndexFunc(here, func(o node.Node) bool { return o.ID == id }); i >= 0 {
			t.line("node", OwnerID, n.Name, Same, "")
			return here[i].Alias, t.keepWritten(auth.OwnerID, n.written(), n.raw, nil, false)
		}
		if !t.o.Again {
			t.line("node", OwnerID, n.Name, LeftOut, deletedHere)
			return "", nil
		}
	}
	if i := slices.IndexFunc(here, func(o node.Node) bool { return sameNode(o, n.Node) }); i >= 0 {
		t.line("node", OwnerID, n.Name, Same, "this Specter is connected to it already")
		if err := t.keepWritten(auth.OwnerID, n.written(), n.raw, nil, false); err != nil {
			return "", err
		}
		return here[i].Alias, t.note(auth.OwnerID, "node", n.Alias, strconv.FormatInt(here[i].ID, 10), nil)
	}
	detail := ""
	if n.Managed {
		detail = "the old Specter started this node itself; this one does not, so start it yourself"
	}
	if t.o.Dry {
		t.line("node", OwnerID, n.Name, Taken, "%s", detail)
		return "", nil
	}
	made, err := t.r.Nodes.Adopt(t.ctx, n.Node)
	if err != nil {
		return "", t.refused(err, "node", OwnerID, n.Name)
	}
	t.line("node", OwnerID, n.Name, Taken, "%s", renamed(detail, n.Name, made.Name))
	if err := t.keepWritten(auth.OwnerID, n.written(), n.raw, nodeFields(made), true); err != nil {
		return "", err
	}
	return made.Alias, t.note(auth.OwnerID, "node", n.Alias, strconv.FormatInt(made.ID, 10), nil)
}

// renamed adds to what is said of a thing that it has another name here: its own is another's.
func renamed(detail, name, here string) string {
	switch {
	case name == here:
		return detail
	case detail == "":
		return "named " + shown(here)
	}
	return "named " + shown(here) + "; " + detail
}

// written is the file that the way back writes of a node.
func (n *Node) written() string { return "nodes/" + n.Alias + ".json" }

// nodeFields are a node's fields as the old program names them, but for its password.
func nodeFields(n node.Node) map[string]string {
	return map[string]string{"name": n.Name, "host": n.Host, "port": strconv.Itoa(n.Port), "user": n.User, "protocol": n.Protocol,
		"datadir": n.Datadir, "autodetect": strconv.FormatBool(n.Autodetect)}
}

func sameNode(a, b node.Node) bool {
	return a.Kind == node.Core && a.Host == b.Host && a.Port == b.Port && a.Host != "" && a.User == b.User && a.Autodetect == b.Autodetect && a.Password.Reveal() == b.Password.Reveal()
}

// devices takes the devices of all users.
func (t *taker) devices() error {
	for i := range t.f.Devices {
		d := &t.f.Devices[i]
		if t.gone[d.User] {
			t.line("device", d.User, d.Name, LeftOut, "its user is left out")
			continue
		}
		if err := t.device(d); err != nil {
			return err
		}
	}
	return nil
}

func (t *taker) device(d *Device) error {
	owner := t.ids[d.User]
	here, known, err := t.hereDevice(owner, d)
	if err != nil {
		return err
	}
	if known && here == nil && !t.o.Again {
		t.line("device", d.User, d.Name, LeftOut, deletedHere)
		return nil
	}
	detail := ""
	if d.InNode {
		detail = "its keys lie in a wallet of the node, which signs there; its seed words make a software key of it here"
	}
	if here == nil {
		if t.o.Dry {
			t.line("device", d.User, d.Name, Taken, "%s", detail)
			return nil
		}
		v := d.Device
		v.Owner = owner
		made, err := t.r.Devices.Adopt(t.ctx, v)
		if err != nil {
			return t.refused(err, "device", d.User, d.Name)
		}
		t.line("device", d.User, d.Name, Taken, "%s", renamed(detail, d.Name, made.Name))
		if err := t.keepWritten(owner, d.file, d.raw, map[string]string{"name": made.Name, "type": made.Type}, true); err != nil {
			return err
		}
		return t.note(owner, "device", d.Alias, strconv.FormatInt(made.ID, 10), keysText(d.Keys))
	}
	_, value, _, err := t.before(owner, "device", d.Alias)
	if err != nil {
		return err
	}
	if err := t.keepWritten(owner, d.file, d.raw, nil, false); err != nil {
		return err
	}
	return t.moreKeys(owner, d, here, value)
}

// hereDevice finds the device that one became, or that has its keys. known tells that it was
// taken over before.
func (t *taker) hereDevice(owner string, d *Device) (here *device.Device, known bool, err error) {
	if owner == "" {
		return nil, false, nil
	}
	list, err := t.r.Devices.List(t.ctx, owner)
	if err != nil {
		return nil, false, err
	}
	ref, _, known, err := t.before(owner, "device", d.Alias)
	if err != nil {
		return nil, false, err
	}
	id, _ := strconv.ParseInt(ref, 10, 64)
	for i := range list {
		if known && list[i].ID == id {
			return &list[i], true, nil
		}
	}
	others := t.othersDevices(owner, d)
	for i := range list {
		if others[list[i].ID] {
			continue
		}
		shared := 0
		for _, k := range d.Keys {
			if hasKey(list[i].Keys, k) {
				shared++
			}
		}
		if shared > 0 && (shared == len(d.Keys) || list[i].Alias == d.Alias) || len(d.Keys) == 0 && len(list[i].Keys) == 0 && list[i].Alias == d.Alias {
			return &list[i], known, nil
		}
	}
	return nil, known, nil
}

// othersDevices are the ids of what the folder's other devices became: two devices of one seed, a
// spare one, say, are two.
func (t *taker) othersDevices(owner string, d *Device) map[int64]bool {
	ids := map[int64]bool{}
	for i := range t.f.Devices {
		o := &t.f.Devices[i]
		if o.User != d.User || o.Alias == d.Alias {
			continue
		}
		if ref, _, known, err := t.before(owner, "device", o.Alias); err == nil && known {
			if id, err := strconv.ParseInt(ref, 10, 64); err == nil {
				ids[id] = true
			}
		}
	}
	return ids
}

func hasKey(keys []device.Key, k device.Key) bool {
	return slices.ContainsFunc(keys, func(o device.Key) bool { return o.XPub == k.XPub && o.ScriptType == k.ScriptType })
}

// moreKeys adds the keys that the old program got since the last time.
func (t *taker) moreKeys(owner string, d *Device, here *device.Device, value []byte) error {
	var fresh []device.Key
	for _, k := range d.Keys {
		if !hasKey(here.Keys, k) && !inKeysText(value, k) {
			fresh = append(fresh, k)
		}
	}
	if len(fresh) == 0 {
		t.line("device", d.User, d.Name, Same, "")
		return t.note(owner, "device", d.Alias, strconv.FormatInt(here.ID, 10), keysText(d.Keys))
	}
	if !t.o.Dry {
		if _, err := t.r.Devices.AddKeys(t.ctx, owner, here.Alias, fresh); err != nil {
			return t.refused(err, "device", d.User, d.Name)
		}
	}
	t.line("device", d.User, d.Name, Merged, "%s", plural(len(fresh), "key", "keys")+" more")
	return t.note(owner, "device", d.Alias, strconv.FormatInt(here.ID, 10), keysText(d.Keys))
}

// uid makes the old program's uid ours where there is no wallet yet.
func (t *taker) uid() error {
	if t.f.UID == "" || t.o.Dry {
		return nil
	}
	now, err := t.r.Nodes.UID(t.ctx)
	if err != nil || now == t.f.UID {
		return err
	}
	users, err := t.r.Auth.Users(t.ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		for _, n := range btc.Networks() {
			list, err := t.r.Wallets.List(t.ctx, wallet.Owner(u.ID), n)
			if err != nil {
				return err
			}
			if len(list) > 0 {
				return nil
			}
		}
	}
	if err := t.r.Nodes.AdoptUID(t.ctx, t.f.UID); err != nil {
		return err
	}
	t.r.Wallets.SetUID(t.f.UID)
	return nil
}

// keysText remembers keys: a line each.
func keysText(keys []device.Key) []byte {
	var b []byte
	for _, k := range keys {
		b = fmt.Appendf(b, "%s %s\n", k.XPub, k.ScriptType)
	}
	return b
}

func inKeysText(text []byte, k device.Key) bool {
	want := fmt.Sprintf("%s %s\n", k.XPub, k.ScriptType)
	for len(text) > 0 {
		i := slices.Index(text, '\n')
		if i < 0 {
			return false
		}
		if string(text[:i+1]) == want {
			return true
		}
		text = text[i+1:]
	}
	return false
}
