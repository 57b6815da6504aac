// Package legacy reads what an old Specter kept (its data folder ~/.specter, the zip that its
// backup button made, or single files of either) and tells the domain rooms what it found. It
// never writes there.
//
// Everything is foreign: names are no paths, numbers may be texts, files are cut off or huge. A
// file that cannot be read is one line in the report, and its copy (.bkp) is tried; the rest comes
// in. Read finds, Take hands over: what is here already stays as it is where it is newer, so
// taking over twice changes nothing.
package legacy

import (
	"sort"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/btc/txgraph"
	"specter/internal/device"
	"specter/internal/node"
)

// Found is all that an old folder told.
type Found struct {
	From        string // the folder or file
	UID         string // part of the wallets' names inside the node; "": not told
	Login       *Login // nil: not told
	Users       []User // the owner first
	Invitations []Invitation
	Nodes       []Node
	Active      string // alias of the node that was active; "": none
	Devices     []Device
	Wallets     []Wallet // in order of owner, chain and alias
	Program     Program
	Kept        []Kept
	Problems    []Problem
}

// Login is how people logged in.
type Login struct {
	Method          auth.Method
	MinPassword     int // 0: not told
	InvitationHours int // 0: for ever
}

// OwnerID is the id of the one user who looked after an old Specter.
const OwnerID = "admin"

// User is a person who could log in.
type User struct {
	ID       string // in names of folders
	Name     string
	Owner    bool
	Hash     string // of auth.LegacyHash; "": none that can be read
	Tokens   []Token
	Settings Settings
	Listed   bool // stands in users.json; others are known by their folders alone

	raw object // the record as it stood, without its password
}

// Token is an API token.
type Token struct {
	ID          string
	JWT         string
	Description string
	Life        time.Duration
}

// Invitation is a registration link that was not used.
type Invitation struct {
	Secret  string
	Created time.Time
	Expires time.Time // zero: never
}

// Node is a connection to a node.
type Node struct {
	node.Node
	Managed bool // the old program started it itself
	Sure    bool // the network was told, not guessed

	file string
	raw  object // as it stood, without its password
}

// Device is a signing device of a user.
type Device struct {
	User string
	device.Device
	InNode bool // its keys lie in a wallet of the node

	file string
	raw  object // as it stood
}

// Wallet is a wallet of a user. Its cached transactions are read when they are taken over.
type Wallet struct {
	User       string
	Chain      string // name of its folder
	Network    btc.Network
	Alias      string
	Name       string
	Descriptor string
	Devices    []string  // aliases, in the order of the keys
	Height     int32     // no coin is older than this block; 0: not told
	Next       [2]uint32 // first index not handed out: receive, change
	Ahead      [2]uint32 // how many addresses were listed
	Used       []txgraph.Place
	Labels     []Label
	Frozen     []wire.OutPoint
	Drafts     []Draft
	Txs        int // cached transactions, as far as counted

	file      string // its JSON, without ".json"
	services  bool   // services have addresses of it
	tabled    bool   // its table of addresses is there, and sound
	lastBlock string // hash of the block up to which the node was asked
	raw       object // as it stood, without its frozen coins and labels
}

// Label is what a user wrote on an address.
type Label struct{ Address, Text string }

// Draft is a payment that waits for signatures.
type Draft struct {
	TxID string
	PSBT string
	Made time.Time
}

// Program is what an old Specter had for all users together.
type Program struct {
	Proxy       string
	OnlyTor     bool
	Whitelist   string // of the bridge, an origin a line
	OnionKey    string
	Onion       string // address
	Certificate []byte // PEM
	Key         []byte // PEM
}

// Kept is what this program cannot use yet. It is kept as it was.
type Kept struct {
	Kind string // for people: "Spectrum connection", "Liquid wallet"…
	User string
	Name string
	File string
	Data []byte

	quiet bool // no line tells of it
}

// Problem is a part of a folder that could not be read.
type Problem struct {
	File string
	Text string
}

// String is the problem in one line.
func (p Problem) String() string {
	if p.File == "" {
		return p.Text
	}
	return strconv.QuoteToGraphic(clip(p.File, 200)) + ": " + p.Text
}

// maxProblems bounds the lines that are told one by one.
const maxProblems = 1000

func (f *Found) problem(file, text string) {
	switch n := len(f.Problems); {
	case n < maxProblems:
		f.Problems = append(f.Problems, Problem{file, text})
	case n == maxProblems:
		f.Problems = append(f.Problems, Problem{"", "there are more problems than can be told"})
	}
}

// Empty reports whether nothing of an old Specter was found.
func (f *Found) Empty() bool {
	return f.UID == "" && f.Login == nil && len(f.Users)+len(f.Nodes)+len(f.Devices)+len(f.Wallets)+len(f.Kept)+len(f.Invitations) == 0
}

// user finds or makes the entry of a user whose folder or file was seen.
func (f *Found) user(id string) *User {
	for i := range f.Users {
		if f.Users[i].ID == id {
			return &f.Users[i]
		}
	}
	f.Users = append(f.Users, User{ID: id, Name: id, Owner: id == OwnerID})
	return &f.Users[len(f.Users)-1]
}

// sort puts the owner first, and everything else in an order that is the same every time.
func (f *Found) sort() {
	sort.SliceStable(f.Users, func(i, j int) bool { return f.Users[i].Owner && !f.Users[j].Owner })
	place := map[string]int{}
	for i, u := range f.Users {
		place[u.ID] = i
	}
	sort.SliceStable(f.Devices, func(i, j int) bool {
		a, b := f.Devices[i], f.Devices[j]
		return place[a.User] < place[b.User] || a.User == b.User && a.Alias < b.Alias
	})
	sort.SliceStable(f.Wallets, func(i, j int) bool {
		a, b := f.Wallets[i], f.Wallets[j]
		if a.User != b.User {
			return place[a.User] < place[b.User]
		}
		return a.Chain < b.Chain || a.Chain == b.Chain && a.Alias < b.Alias
	})
}

// clip cuts a text to at most n bytes, between characters.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && text[n]&0xc0 == 0x80 {
		n--
	}
	return text[:n]
}
