package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/signer"
	"specter/internal/signer/bridge"
	"specter/internal/signer/bridge/agent"
	"specter/internal/web"
)

// newAgents makes the place where the agents of all users arrive.
func (a *App) newAgents(ctx context.Context) (*agent.Broker, error) {
	instance, err := a.instance(ctx)
	if err != nil {
		return nil, err
	}
	known := func(k auth.Agent, err error) (agent.Known, error) {
		return agent.Known{ID: k.ID, UserID: k.UserID, Name: k.Name}, err
	}
	return agent.New(agent.Config{
		Instance: instance,
		Pair: func(ctx context.Context, r agent.PairRequest) (agent.Known, error) {
			return known(a.auth.PairAgent(ctx, auth.AgentPairing{Code: r.Code, Name: r.Name, Key: r.Key, Signature: r.Signature, Client: r.Client}))
		},
		Challenge: a.auth.AgentChallenge,
		Admit: func(ctx context.Context, id, challenge string, signature []byte) (agent.Known, error) {
			return known(a.auth.AdmitAgent(ctx, instance, id, challenge, signature))
		},
		Agents: a.agentsOf,
		Gone: func(k agent.Known) {
			ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
			defer stop()
			if err := a.auth.SeeAgent(ctx, k.ID); err != nil {
				a.c.Log.Warn("when an agent was last seen is not written down", "error", err)
			}
		},
		Client: door.ClientOf, AllowBody: door.AllowBody, Log: a.c.Log, Now: a.c.Now,
	})
}

// settingInstance is where instance is kept.
const settingInstance = "agents-instance"

// instance is this installation's name for its agents; nothing else follows from it. It is written
// down once: the uid becomes another one when an old Specter is taken over, and the agents that were
// paired before must still know their server.
func (a *App) instance(ctx context.Context) (string, error) {
	if kept, err := a.db.Setting(ctx, "", settingInstance); err != nil || kept != "" {
		return kept, err
	}
	uid, err := a.nodes.UID(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte("specter agents of " + uid))
	name := hex.EncodeToString(sum[:16])
	return name, a.db.PutSetting(ctx, "", settingInstance, name)
}

func (a *App) agentsOf(ctx context.Context, userID string) ([]agent.Known, error) {
	list, err := a.auth.AgentsOf(ctx, userID)
	var out []agent.Known
	for _, k := range list {
		out = append(out, agent.Known{ID: k.ID, UserID: k.UserID, Name: k.Name})
	}
	return out, err
}

// remoteBridge is what does a user's calls where the user has chosen agents; nil for others.
func (a *App) remoteBridge(ctx context.Context, userID string) (bridge.Remote, error) {
	u, err := a.settings.User(ctx, userID)
	if err != nil || u.Bridge != setting.AgentBridge {
		return nil, err
	}
	return a.agents.Of(ctx, userID)
}

// Agents lists the agents of who asks, with those that are connected.
func (u usb) Agents(ctx context.Context, by auth.Identity) ([]web.BridgeAgent, error) {
	list, err := u.a.auth.Agents(ctx, by)
	if err != nil {
		return nil, err
	}
	var out []web.BridgeAgent
	for _, k := range list {
		one := web.BridgeAgent{ID: k.ID, Name: k.Name, Created: k.Created, LastSeen: k.LastSeen}
		one.Since, one.Connected = u.a.agents.Since(k.ID)
		out = append(out, one)
	}
	return out, nil
}

// PairAgent makes a code for one agent. direct: the page came by our own TLS, so that the agent
// will meet our own authority's certificate too, where there is one.
func (u usb) PairAgent(ctx context.Context, by auth.Identity, direct bool) (web.BridgePairing, error) {
	code, until, err := u.a.auth.PairingCode(ctx, by)
	p := web.BridgePairing{Code: code, Until: until}
	if _, der := u.a.Authority(); err == nil && direct && der != nil {
		sum := sha256.Sum256(der)
		p.Fingerprint = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return p, err
}

// RenameAgent gives an agent of who asks another name.
func (u usb) RenameAgent(ctx context.Context, by auth.Identity, id, name string) error {
	return u.a.auth.RenameAgent(ctx, by, id, name)
}

// RevokeAgent shuts an agent out and cuts its line.
func (u usb) RevokeAgent(ctx context.Context, by auth.Identity, id string) error {
	if err := u.a.auth.RevokeAgent(ctx, by, id); err != nil {
		return err
	}
	u.a.agents.Cut(id)
	return nil
}

// testAgents looks at each of a user's agents.
func (u usb) testAgents(ctx context.Context, userID string) (web.BridgeReport, error) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	list, err := u.a.agentsOf(ctx, userID)
	if err != nil {
		return web.BridgeReport{}, err
	}
	out := web.BridgeReport{Version: u.a.c.Version}
	if len(list) == 0 {
		out.Steps = append(out.Steps, web.BridgeStep{Name: "agent", Err: errs.E(errs.Conflict, "no agent is paired yet; pair one below")})
	}
	for _, k := range list {
		found, err := u.a.agents.Devices(ctx, k, btc.Mainnet.String())
		out.Steps = append(out.Steps, web.BridgeStep{Name: "agent", About: k.Name, Err: err})
		out.Devices += len(found)
		for _, d := range found {
			if d.Err != "" {
				out.Steps = append(out.Steps, web.BridgeStep{Name: "device", About: d.Kind, Err: &signer.Fault{Code: signer.CodeUnknown, Cause: errs.E(errs.Unavailable, "%s", d.Err)}})
			}
		}
	}
	return out, nil
}
