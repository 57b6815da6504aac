package setting

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"specter/internal/errs"
)

// Bridge is what the owner has decided about the USB bridge of this server.
type Bridge struct {
	// Origins are the web sites that may ask, see bridge.CleanOrigin for their spelling; nil where
	// nobody has chosen: DefaultOrigin alone.
	Origins []string
	// Afar lets those sites ask from other computers too.
	Afar bool
	// Token opens the bridge to programs; "": none was made.
	Token string
}

// DefaultOrigin is on the whitelist from the start, as in the old Specter.
const DefaultOrigin = "http://127.0.0.1:25441/"

// RemoteBridge is the address of the bridge on the computer that a person sits at.
const RemoteBridge = "http://127.0.0.1:25441/hwi/api/"

// AgentBridge stands in the place of an address where the user's agents have the devices. It is no
// address: no host is called so.
const AgentBridge = "agent:"

const (
	nameOrigins = "bridge-origins"
	nameAfar    = "bridge-afar"
	nameToken   = "bridge-token"
	noOrigins   = "-" // the owner has emptied the list
)

func (b Bridge) values() map[string]string {
	v := map[string]string{}
	switch {
	case len(b.Origins) == 0:
		v[nameOrigins] = noOrigins
	case !slices.Equal(b.Origins, []string{DefaultOrigin}):
		v[nameOrigins] = strings.Join(b.Origins, "\n")
	}
	if b.Afar {
		v[nameAfar] = "yes"
	}
	if b.Token != "" {
		v[nameToken] = b.Token
	}
	return v
}

func readBridge(v map[string]string) Bridge {
	b := Bridge{Afar: v[nameAfar] == "yes", Token: v[nameToken]}
	switch text := v[nameOrigins]; text {
	case "":
		b.Origins = []string{DefaultOrigin}
	case noOrigins:
	default:
		b.Origins = strings.Fields(text)
	}
	return b
}

// Bridge returns what the owner has decided about the USB bridge.
func (s *Service) Bridge(ctx context.Context) (Bridge, error) {
	stored, err := s.store.Settings(ctx, "")
	if err != nil {
		return Bridge{}, err
	}
	return readBridge(stored), nil
}

// ChangeBridge is ChangeProgram for the bridge. The origins must be in their one spelling.
func (s *Service) ChangeBridge(ctx context.Context, change func(*Bridge) error) (Bridge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.Bridge(ctx)
	if err != nil {
		return before, err
	}
	after := before
	after.Origins = slices.Clone(before.Origins)
	if err := change(&after); err != nil {
		return before, err
	}
	if len(after.Token) > 200 || strings.ContainsAny(after.Token, " \t\r\n") {
		return before, errs.E(errs.Invalid, "this cannot be the bridge's token")
	}
	return after, s.put(ctx, "", before.values(), after.values())
}

// localBridge are the ways to write the bridge of this very server.
var localBridge = []string{"", "/hwi/api", "/hwi/api/", "/hwi/settings", "/hwi/settings/"}

// CleanBridge brings the address of a bridge into its one spelling, as the old Specter did: http
// where no scheme is written, /hwi/api/ for the settings page and where no path is. "" is the
// bridge of this server, AgentBridge stays. errs.Invalid for what is no address.
func CleanBridge(text string) (string, error) {
	text = strings.TrimSpace(text)
	if slices.Contains(localBridge, text) {
		return "", nil
	}
	if text == AgentBridge {
		return text, nil
	}
	refused := errs.E(errs.Invalid, "%.100q is no address of a bridge; write it as %s", text, RemoteBridge)
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || len(text) > 300 || (u.Scheme != "http" && u.Scheme != "https") ||
		u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(u.Host, " ;,'\"*\\") || strings.ContainsAny(u.Path, " ;,'\"\\") {
		return "", refused
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	switch {
	case strings.HasSuffix(path, "/hwi/settings"):
		path = strings.TrimSuffix(path, "settings") + "api"
	case !strings.HasSuffix(path, "/hwi/api"):
		path += "/hwi/api"
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + path + "/", nil
}

// BridgeInBrowser reports whether the page itself asks this bridge, because it runs on the
// computer that the browser runs on. All others are asked by this server.
func BridgeInBrowser(address string) bool {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return false
	}
	host := u.Hostname()
	return host == "localhost" || host == "127.0.0.1"
}

// reachesIn reports whether a bridge may stand in the network of this server, where a member has
// no business to look around. Onion names are reached through the proxy alone.
func reachesIn(address string) bool {
	u, err := url.Parse(address)
	if err != nil || address == "" || address == AgentBridge || BridgeInBrowser(address) {
		return false
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return true
	}
	return !strings.HasSuffix(u.Hostname(), ".onion")
}
