package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/node"
)

// nodeBox is the connection as the sidebar shows it.
type nodeBox struct {
	node.State
	Network btc.Network
	Tone    string // ok, busy, bad, none
}

func (s *Server) nodeBox(ctx context.Context) nodeBox {
	b := nodeBox{State: s.c.Nodes.Status(ctx), Network: s.network(ctx)}
	switch {
	case !b.Active:
		b.Tone = "none"
	case b.Away:
		b.Tone = "bad"
	case !b.Known || !b.Status.Synced:
		b.Tone = "busy"
	default:
		b.Tone = "ok"
	}
	return b
}

// network is the active node's, whose wallets the pages show.
func (s *Server) network(ctx context.Context) btc.Network {
	n, err := s.c.Nodes.Network(ctx)
	if err != nil {
		return s.c.Network
	}
	return n
}

type nodesPage struct {
	page
	Nodes []node.Node
}

// getNodes lists the stored nodes and shows how the active one stands.
func (s *Server) getNodes(w http.ResponseWriter, r *http.Request) error {
	p, err := s.page(r, s.tr(r, "Nodes"))
	if err != nil {
		return err
	}
	p.Section = "nodes"
	v := nodesPage{page: p}
	if v.Nodes, err = s.c.Nodes.List(r.Context()); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "nodes", v)
}

// found is a node on this machine, with the name under which its settings are kept here while
// the page is open: passwords do not travel through the page.
type found struct {
	node.Candidate
	Token string
}

type nodePage struct {
	page
	Conn   node.Node // the connection as typed
	Report *node.Report
	Error  string
	Found  []found
	Looked bool // the machine has been searched
	Edit   bool // the node is stored
}

func (s *Server) getNewNode(w http.ResponseWriter, r *http.Request) error {
	p, err := s.page(r, s.tr(r, "Connect a node"))
	if err != nil {
		return err
	}
	p.Section = "nodes"
	v := nodePage{page: p, Conn: node.Node{Name: s.freeNodeName(r.Context(), "Bitcoin Core"), Kind: node.Core, Protocol: "http", Host: "127.0.0.1"}}
	// A tunnel's node is at a port of this computer; a link from its settings says which.
	if port, err := strconv.ParseUint(r.FormValue("port"), 10, 16); err == nil && port > 0 {
		v.Conn.Port = int(port)
	}
	if r.FormValue("look") == "yes" {
		v.Looked, v.Found = true, s.look(r.Context())
	}
	if isHTMX(r) && r.Header.Get("HX-Target") == "found" {
		return s.fragment(w, r, http.StatusOK, "node", "found", v)
	}
	return s.render(w, r, http.StatusOK, "node", v)
}

// look searches the machine; names that are taken get a number.
func (s *Server) look(ctx context.Context) []found {
	var out []found
	for _, c := range s.c.Nodes.Detect(ctx) {
		c.Node.Name = s.freeNodeName(ctx, c.Node.Name)
		out = append(out, found{c, s.found.put(c.Node)})
	}
	return out
}

func (s *Server) freeNodeName(ctx context.Context, name string) string {
	nodes, err := s.c.Nodes.List(ctx)
	if err != nil {
		return name
	}
	free := name
	for i := 2; slices.ContainsFunc(nodes, func(n node.Node) bool { return strings.EqualFold(n.Name, free) }); i++ {
		free = name + " " + strconv.Itoa(i)
	}
	return free
}

func (s *Server) nodePage(r *http.Request) (nodePage, error) {
	p, err := s.page(r, "")
	if err != nil {
		return nodePage{}, err
	}
	n, err := s.c.Nodes.Get(r.Context(), r.PathValue("alias"))
	if err != nil {
		return nodePage{}, err
	}
	p.Title, p.Section = n.Name, "nodes"
	return nodePage{page: p, Conn: n, Edit: true}, nil
}

func (s *Server) getNode(w http.ResponseWriter, r *http.Request) error {
	v, err := s.nodePage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "node", v)
}

// readNode puts what was typed over a node. An empty password keeps the stored one; a host may
// be written with its scheme, as the old Specter took it.
func readNode(r *http.Request, n node.Node) (node.Node, error) {
	n.Name = strings.TrimSpace(r.FormValue("name"))
	n.Host, n.Protocol = strings.TrimSuffix(strings.TrimSpace(r.FormValue("host")), "/"), oneOf(r.FormValue("protocol"), "http", "https")
	if scheme, host, ok := strings.Cut(n.Host, "://"); ok {
		n.Protocol, n.Host = strings.ToLower(scheme), host
	}
	n.User, n.CookieFile = strings.TrimSpace(r.FormValue("user")), strings.TrimSpace(r.FormValue("cookie"))
	if p := r.FormValue("password"); p != "" {
		n.Password = node.NewSecret(p)
	}
	n.Autodetect = false
	n.Port = 0
	if port := strings.TrimSpace(r.FormValue("port")); port != "" {
		var err error
		if n.Port, err = strconv.Atoi(port); err != nil || n.Port < 1 || n.Port > 65535 {
			n.Port = 0
			return n, errs.E(errs.Invalid, "%q is no port; it is a number from 1 to 65535", limit(port, 20))
		}
	}
	return n, nil
}

func (s *Server) postNewNode(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	p, err := s.page(r, s.tr(r, "Connect a node"))
	if err != nil {
		return err
	}
	p.Section = "nodes"
	v := nodePage{page: p}
	if token := r.FormValue("found"); token != "" {
		n, ok := s.found.get(token)
		if !ok {
			return s.redirect(w, r, "/new-node?look=yes") // forgotten meanwhile: look again
		}
		n.Name = s.freeNodeName(r.Context(), n.Name)
		v.Conn = n
	} else {
		v.Conn, err = readNode(r, node.Node{Kind: node.Core})
	}
	return s.connect(w, r, v, err)
}

func (s *Server) postNode(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.nodePage(r)
	if err != nil {
		return err
	}
	v.Conn, err = readNode(r, v.Conn)
	return s.connect(w, r, v, err)
}

// connect tests, or tests and stores, or stores untested what the form says.
func (s *Server) connect(w http.ResponseWriter, r *http.Request, v nodePage, err error) error {
	ctx, cancel := context.WithTimeout(r.Context(), 45*time.Second)
	defer cancel()
	var saved node.Node
	action := r.FormValue("action")
	if err == nil {
		switch action {
		case "test":
			report := s.c.Nodes.Test(ctx, v.Conn)
			v.Report = &report
			return s.render(w, r, http.StatusOK, "node", v)
		case "save":
			if saved, err = s.c.Nodes.Save(ctx, v.Conn); err == nil {
				err = s.c.Nodes.Activate(ctx, saved.Alias)
			}
		default:
			var report node.Report
			saved, report, err = s.c.Nodes.Connect(ctx, v.Conn)
			v.Report = &report
		}
	}
	if err != nil {
		s.note(r, err)
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "node", v)
	}
	s.say(w, r, flashOK, "Connected to %q.", saved.Name)
	if len(v.Wallets) == 0 {
		return s.redirect(w, r, "/welcome")
	}
	return s.redirect(w, r, "/nodes")
}

func (s *Server) nodeChange(w http.ResponseWriter, r *http.Request, done string, do func(alias string) error) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if err := do(r.PathValue("alias")); err != nil {
		return err
	}
	s.say(w, r, flashOK, done)
	return s.back(w, r, "/nodes")
}

func (s *Server) postActivateNode(w http.ResponseWriter, r *http.Request) error {
	return s.nodeChange(w, r, "This node answers now for all pages.", func(alias string) error { return s.c.Nodes.Activate(r.Context(), alias) })
}

func (s *Server) postDeleteNode(w http.ResponseWriter, r *http.Request) error {
	return s.nodeChange(w, r, "The connection is deleted. Nothing changed on the node itself.", func(alias string) error { return s.c.Nodes.Delete(r.Context(), alias) })
}

func (s *Server) postRenameNode(w http.ResponseWriter, r *http.Request) error {
	return s.nodeChange(w, r, "The node has a new name.", func(alias string) error {
		return s.c.Nodes.Rename(r.Context(), alias, r.FormValue("name"))
	})
}

// PortText is the port for the form; "" stands for the network's own.
func (p nodePage) PortText() string {
	if p.Conn.Port == 0 {
		return ""
	}
	return strconv.Itoa(p.Conn.Port)
}

// FormPath is where the form goes.
func (p nodePage) FormPath() string {
	if p.Edit {
		return "/nodes/" + url.PathEscape(p.Conn.Alias)
	}
	return "/new-node"
}
