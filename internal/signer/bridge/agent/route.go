package agent

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bridge"
)

// pathPrefix begins the paths of devices that an agent has: agent:<id>:<path there>.
const pathPrefix = "agent:"

// mostDevices bounds what one agent may list.
const mostDevices = 64

// user does the calls of one user.
type user struct {
	b      *Broker
	agents []Known // paired, connected or not
}

// Of is what does a user's calls: the user's agents and no others.
func (b *Broker) Of(ctx context.Context, userID string) (bridge.Remote, error) {
	list, err := b.c.Agents(ctx, userID)
	if err != nil {
		return nil, err
	}
	return &user{b, list}, nil
}

// device is what an agent lists. Foreign text; the path gets its prefix here.
type device map[string]any

func (d device) text(name string) string {
	v, _ := d[name].(string) // anything else is no text
	return v
}

// Do does a call at the right agent. enumerate asks all.
func (u *user) Do(ctx context.Context, method string, params map[string]json.RawMessage, tell func(signer.Notice)) (json.RawMessage, error) {
	if len(u.agents) == 0 {
		return nil, &signer.Fault{Code: signer.CodeConnection, Cause: errs.E(errs.Conflict, "your devices are to be reached by an agent, and none is paired yet; pair one under Settings, USB devices")}
	}
	switch method {
	case "enumerate":
		list, err := u.list(ctx, params, tell)
		if err != nil {
			return nil, err
		}
		return json.Marshal(list)
	case "detect_device":
		return u.detect(ctx, params, tell)
	case "bitbox02_pairing":
		return u.pairing(ctx, params)
	}
	a, params, err := u.choose(ctx, params)
	if err != nil {
		return nil, err
	}
	return u.b.do(ctx, a, method, params, tell)
}

// connected are the user's agents that can be asked now.
func (u *user) connected() (out []Known) {
	for _, a := range u.agents {
		if _, ok := u.b.Since(a.ID); ok {
			out = append(out, a)
		}
	}
	return out
}

// nobody says that no agent is connected.
func (u *user) nobody() error { return away(u.agents[0].Name) }

// list asks all connected agents at once. Those that fail are left out as long as one answers.
func (u *user) list(ctx context.Context, params map[string]json.RawMessage, tell func(signer.Notice)) ([]device, error) {
	agents := u.connected()
	if len(agents) == 0 {
		return nil, u.nobody()
	}
	found, failed := make([][]device, len(agents)), make([]error, len(agents))
	var all sync.WaitGroup
	for i, a := range agents {
		all.Go(func() { found[i], failed[i] = u.listAt(ctx, a, params, tell) })
	}
	all.Wait()
	out, answered := []device{}, false
	for i := range agents {
		out = append(out, found[i]...)
		answered = answered || failed[i] == nil
	}
	if !answered {
		return nil, failed[0]
	}
	return out, nil
}

func (u *user) listAt(ctx context.Context, a Known, params map[string]json.RawMessage, tell func(signer.Notice)) ([]device, error) {
	raw, err := u.b.do(ctx, a, "enumerate", params, tell)
	if err != nil {
		return nil, err
	}
	var list []device
	if json.Unmarshal(raw, &list) != nil || len(list) > mostDevices {
		return nil, errs.E(errs.Unavailable, "the agent at %s lists devices in a way that cannot be read", a.Name)
	}
	list = slices.DeleteFunc(list, func(d device) bool { return d == nil })
	for _, d := range list {
		mark(d, a)
	}
	return list, nil
}

// Device is what an agent says of a device, for a test of the connection.
type Device struct {
	Kind string // family; foreign text
	Err  string // why it cannot be used; "" it can
}

// Devices asks one agent what it sees. chain is a network's name.
func (b *Broker) Devices(ctx context.Context, a Known, chain string) ([]Device, error) {
	name, err := json.Marshal(chain)
	if err != nil {
		return nil, err
	}
	u := &user{b, []Known{a}}
	list, err := u.listAt(ctx, a, map[string]json.RawMessage{"chain": name, "pair": json.RawMessage("false")}, nil)
	var out []Device
	for _, d := range list {
		out = append(out, Device{clip(d.text("type"), 40), clip(d.text("error"), maxSentence)})
	}
	return out, err
}

func clip(text string, most int) string {
	if text = strings.ToValidUTF8(text, ""); len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// mark says of a device at which agent it is.
func mark(d device, a Known) {
	d["path"], d["agent"] = pathPrefix+a.ID+":"+d.text("path"), a.Name
}

// text reads a parameter that is a text; "" otherwise.
func text(params map[string]json.RawMessage, name string) string {
	var v string
	if json.Unmarshal(params[name], &v) != nil {
		return ""
	}
	return v
}

// split takes the agent out of a path. errs.NotFound for one that is not this user's.
func (u *user) split(path string) (Known, string, error) {
	rest, ok := strings.CutPrefix(path, pathPrefix)
	id, there, found := strings.Cut(rest, ":")
	if ok && found {
		for _, a := range u.agents {
			if a.ID == id {
				return a, there, nil
			}
		}
	}
	return Known{}, "", unknown("The device could not be found. Please check it is properly connected and try again")
}

func unknown(text string) error {
	return &signer.Fault{Code: signer.CodeUnknownDevice, Cause: errs.E(errs.NotFound, "%s", text)}
}

// with is params with another path.
func with(params map[string]json.RawMessage, path string) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(params))
	for k, v := range params {
		out[k] = v
	}
	raw, err := json.Marshal(path)
	if err != nil {
		return params // a text always has a form
	}
	out["path"] = raw
	return out
}

// choose finds the agent that has the device which a call means. As at the bridge, the path decides, then the
// fingerprint, then the family.
func (u *user) choose(ctx context.Context, params map[string]json.RawMessage) (Known, map[string]json.RawMessage, error) {
	if path := text(params, "path"); path != "" {
		a, there, err := u.split(path)
		return a, with(params, there), err
	}
	agents := u.connected()
	switch len(agents) {
	case 0:
		return Known{}, nil, u.nobody()
	case 1:
		return agents[0], params, nil
	}
	// Nobody is asked anything while the right one is looked for.
	look := map[string]json.RawMessage{"pair": json.RawMessage("false")}
	for _, name := range []string{"passphrase", "chain"} {
		if v, ok := params[name]; ok {
			look[name] = v
		}
	}
	list, err := u.list(ctx, look, nil)
	if err != nil {
		return Known{}, nil, err
	}
	for _, d := range list {
		if meant(d, params) {
			a, there, err := u.split(d.text("path"))
			return a, with(params, there), err
		}
	}
	if len(agents) < len(u.agents) {
		for _, a := range u.agents {
			if _, ok := u.b.Since(a.ID); !ok {
				return Known{}, nil, unknown("The device could not be found. Is it at the agent " + a.Name + "? That agent is not connected")
			}
		}
	}
	return Known{}, nil, unknown("The device could not be found. Please check it is properly connected and try again")
}

// meant reports whether a listed device is the one that fingerprint or family name.
func meant(d device, params map[string]json.RawMessage) bool {
	if fp := text(params, "fingerprint"); fp != "" {
		return strings.EqualFold(d.text("fingerprint"), fp)
	}
	kind := text(params, "device_type")
	return kind != "" && strings.EqualFold(d.text("type"), kind)
}

// detect asks the agents in turn.
func (u *user) detect(ctx context.Context, params map[string]json.RawMessage, tell func(signer.Notice)) (json.RawMessage, error) {
	agents := u.connected()
	if path := text(params, "path"); path != "" {
		a, there, err := u.split(path)
		if errs.Is(err, errs.NotFound) {
			return json.RawMessage("null"), nil
		}
		agents, params = []Known{a}, with(params, there)
	}
	if len(agents) == 0 {
		return nil, u.nobody()
	}
	var first error
	answered := false
	for _, a := range agents {
		raw, err := u.b.do(ctx, a, "detect_device", params, tell)
		var d device
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, err
		case err != nil:
			if first == nil {
				first = err
			}
		case json.Unmarshal(raw, &d) != nil:
			return nil, errs.E(errs.Unavailable, "the agent at %s answers in a way that cannot be read", a.Name)
		case d != nil:
			mark(d, a)
			return json.Marshal(d)
		default:
			answered = true
		}
	}
	if !answered {
		return nil, first
	}
	return json.RawMessage("null"), nil
}

// pairing is the pairing code that some device shows now.
func (u *user) pairing(ctx context.Context, params map[string]json.RawMessage) (json.RawMessage, error) {
	var failed []error
	agents := u.connected()
	for _, a := range agents {
		raw, err := u.b.do(ctx, a, "bitbox02_pairing", params, nil)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		var code struct {
			Code string `json:"code"`
		}
		if json.Unmarshal(raw, &code) == nil && code.Code != "" {
			return json.Marshal(code)
		}
	}
	switch {
	case len(agents) == 0:
		return nil, u.nobody()
	case len(failed) == len(agents):
		return nil, errors.Join(failed...)
	}
	return json.RawMessage(`{"code":""}`), nil
}

var _ bridge.Remote = (*user)(nil)
