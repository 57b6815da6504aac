package v1

import (
	"net/url"
	"strconv"

	"specter/internal/errs"
	"specter/internal/node"
)

// nodeView is a stored connection; its password is never told.
type nodeView struct {
	ID          int64  `json:"id"`
	Alias       string `json:"alias"`
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Network     string `json:"network"`
	Protocol    string `json:"protocol"`
	Host        string `json:"host"`
	Port        *int   `json:"port"`
	User        string `json:"user"`
	HasPassword bool   `json:"has_password"`
	CookieFile  string `json:"cookie_file"`
	Datadir     string `json:"datadir"`
	Autodetect  bool   `json:"autodetect"`
	Active      bool   `json:"active"`
	Created     moment `json:"created"`
}

// nodePage is a page of nodes.
type nodePage struct {
	Items []nodeView `json:"items"`
	paging
}

// nodeInput is the settings of a connection.
type nodeInput struct {
	Name       string `json:"name" need:"yes"`
	Protocol   string `json:"protocol"`
	Host       string `json:"host"`
	Port       int    `json:"port"`
	User       string `json:"user"`
	Password   string `json:"password"`
	CookieFile string `json:"cookie_file"`
	Datadir    string `json:"datadir"`
	Autodetect bool   `json:"autodetect"`
	Untested   bool   `json:"untested"`
}

// nodePatch changes settings of a connection; what is left out stays.
type nodePatch struct {
	Name       *string `json:"name"`
	Protocol   *string `json:"protocol"`
	Host       *string `json:"host"`
	Port       *int    `json:"port"`
	User       *string `json:"user"`
	Password   *string `json:"password"`
	CookieFile *string `json:"cookie_file"`
	Datadir    *string `json:"datadir"`
	Autodetect *bool   `json:"autodetect"`
}

// stepView is one step of a connection's test.
type stepView struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	OK      bool   `json:"ok"`
	Warning bool   `json:"warning"`
	Skipped bool   `json:"skipped"`
	Detail  string `json:"detail"`
	Cure    string `json:"cure"`
}

// reportView is the outcome of a connection's test.
type reportView struct {
	OK          bool       `json:"ok"`
	Steps       []stepView `json:"steps"`
	Network     *string    `json:"network"`
	Version     *string    `json:"version"`
	SameNetwork []string   `json:"same_network"`
}

// candidateView is a node that was found.
type candidateView struct {
	Node    nodeView `json:"node"`
	Source  string   `json:"source"`
	Works   bool     `json:"works"`
	Version *string  `json:"version"`
	Trouble *string  `json:"trouble"`
}

// candidatePage lists what was found.
type candidatePage struct {
	Items []candidateView `json:"items"`
	paging
}

// statusView is how the program and its active node stand.
type statusView struct {
	Version         string  `json:"version"`
	Network         string  `json:"network"`
	NodeActive      bool    `json:"node_active"`
	NodeName        *string `json:"node_name"`
	NodeVersion     *string `json:"node_version"`
	NodeAway        bool    `json:"node_away"`
	NodeTrouble     *string `json:"node_trouble"`
	AnsweredAt      moment  `json:"answered_at"`
	TipHeight       *int32  `json:"tip_height"`
	TipHash         *string `json:"tip_hash"`
	TipTime         moment  `json:"tip_time"`
	Headers         *int32  `json:"headers"`
	Synced          bool    `json:"synced"`
	ProgressPercent int     `json:"progress_percent"`
	PrunedTo        *int32  `json:"pruned_to"`
	MinRelay        *int64  `json:"min_relay_sat_kvb"`
	MempoolTxs      int     `json:"mempool_txs"`
}

func nodeOf(n node.Node, active bool) nodeView {
	return nodeView{ID: n.ID, Alias: n.Alias, Name: n.Name, Kind: string(n.Kind), Network: n.Network.String(), Protocol: n.Protocol,
		Host: n.Host, Port: maybe(n.Port), User: n.User, HasPassword: !n.Password.IsZero(), CookieFile: n.CookieFile, Datadir: n.Datadir,
		Autodetect: n.Autodetect, Active: active, Created: moment(n.Created)}
}

// getStatus never waits for the node.
func getStatus(c *call) (any, error) {
	st := c.s.c.Nodes.Status(c.ctx())
	v := statusView{Version: c.s.c.Version, Network: c.network.String(), NodeActive: st.Active, NodeName: maybe(st.Node.Name),
		NodeVersion: maybe(st.Status.Version), NodeAway: st.Away, AnsweredAt: moment(st.At),
		Synced: st.Status.Synced, ProgressPercent: int(st.Status.Progress * 100), PrunedTo: maybe(st.Status.PrunedTo),
		MinRelay: rate(st.Status.MinRelay), MempoolTxs: st.Status.MempoolTxs}
	if c.id.User.Owner() { // why a node is away may hold its address
		v.NodeTrouble = maybe(st.Trouble)
	}
	if st.Known {
		tip := st.Status.Tip
		v.TipHeight, v.TipHash, v.TipTime, v.Headers = &tip.Height, hash(&tip.Hash), moment(tip.Time), &st.Status.Headers
	}
	return v, nil
}

// active is the row number of the active node; 0 when there is none.
func (c *call) active() int64 {
	if st := c.s.c.Nodes.Status(c.ctx()); st.Active {
		return st.Node.ID
	}
	return 0
}

func (c *call) node(n node.Node, err error) (any, error) {
	return nodeOf(n, n.ID != 0 && n.ID == c.active()), err
}

func getNodes(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	all, err := c.s.c.Nodes.List(c.ctx())
	if err != nil {
		return nil, err
	}
	active := c.active()
	rows, p, err := sliced(l, all, func(n node.Node) string { return strconv.FormatInt(n.ID, 10) })
	return nodePage{mapped(rows, func(n node.Node) nodeView { return nodeOf(n, n.ID == active) }), p}, err
}

func getNode(c *call) (any, error) { return c.node(c.s.c.Nodes.Get(c.ctx(), c.PathValue("alias"))) }

func (in nodeInput) node() node.Node {
	return node.Node{Name: in.Name, Kind: node.Core, Protocol: in.Protocol, Host: in.Host, Port: in.Port, User: in.User,
		Password: node.NewSecret(in.Password), CookieFile: in.CookieFile, Datadir: in.Datadir, Autodetect: in.Autodetect}
}

// postNode tests a connection, stores it and makes it the active one; untested it is stored as
// it stands.
func postNode(c *call) (any, error) {
	var in nodeInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	n := in.node()
	var err error
	if in.Untested {
		n.Network = c.network
		if n, err = c.s.c.Nodes.Save(c.ctx(), n); err == nil {
			err = c.s.c.Nodes.Activate(c.ctx(), n.Alias)
		}
	} else {
		n, _, err = c.s.c.Nodes.Connect(c.ctx(), n)
	}
	v, err := c.node(n, err)
	return created{"/nodes/" + url.PathEscape(n.Alias), v}, err
}

// postNodeTest tries a connection without storing anything.
func postNodeTest(c *call) (any, error) {
	var in nodeInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	return reportOf(c.s.c.Nodes.Test(c.ctx(), in.node())), nil
}

// postStoredNodeTest tries a stored connection.
func postStoredNodeTest(c *call) (any, error) {
	n, err := c.s.c.Nodes.Get(c.ctx(), c.PathValue("alias"))
	if err != nil {
		return nil, err
	}
	return reportOf(c.s.c.Nodes.Test(c.ctx(), n)), nil
}

func reportOf(r node.Report) reportView {
	v := reportView{OK: r.OK, Version: maybe(r.Version), SameNetwork: texts(r.SameNetwork),
		Steps: mapped(r.Steps, func(s node.Step) stepView {
			return stepView{Name: s.Name, Title: s.Title, OK: s.OK, Warning: s.Warning, Skipped: s.Skipped, Detail: s.Detail, Cure: s.Cure}
		})}
	if r.OK {
		v.Network = maybe(r.Network.String())
	}
	return v
}

// patchNode changes settings without a test.
func patchNode(c *call) (any, error) {
	var in nodePatch
	if err := c.take(&in); err != nil {
		return nil, err
	}
	n, err := c.s.c.Nodes.Get(c.ctx(), c.PathValue("alias"))
	if err != nil {
		return nil, err
	}
	over(&n.Name, in.Name)
	over(&n.Protocol, in.Protocol)
	over(&n.Host, in.Host)
	over(&n.Port, in.Port)
	over(&n.User, in.User)
	over(&n.CookieFile, in.CookieFile)
	over(&n.Datadir, in.Datadir)
	over(&n.Autodetect, in.Autodetect)
	if in.Password != nil {
		n.Password = node.NewSecret(*in.Password)
	}
	return c.node(c.s.c.Nodes.Save(c.ctx(), n))
}

// over replaces a value where a new one was sent.
func over[T any](old *T, sent *T) {
	if sent != nil {
		*old = *sent
	}
}

func deleteNode(c *call) (any, error) {
	return nil, c.s.c.Nodes.Delete(c.ctx(), c.PathValue("alias"))
}

func postActivateNode(c *call) (any, error) {
	alias := c.PathValue("alias")
	if err := c.s.c.Nodes.Activate(c.ctx(), alias); err != nil {
		return nil, err
	}
	return c.node(c.s.c.Nodes.Get(c.ctx(), alias))
}

// postCandidates looks for nodes on this machine.
func postCandidates(c *call) (any, error) {
	all := c.s.c.Nodes.Detect(c.ctx())
	if err := c.ctx().Err(); err != nil {
		return nil, errs.E(errs.Unavailable, "the search for nodes was cut off: %w", err)
	}
	return candidatePage{mapped(all, func(f node.Candidate) candidateView {
		return candidateView{Node: nodeOf(f.Node, false), Source: f.Source, Works: f.Works, Version: maybe(f.Version), Trouble: maybe(f.Trouble)}
	}), paging{Total: len(all)}}, nil
}
