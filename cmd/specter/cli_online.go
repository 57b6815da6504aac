//go:build !offline

package main

// cli lists the nouns.
type cli struct {
	Server serverCmd `cmd:"" help:"Run the web server on your own node."`
	Demo   demoCmd   `cmd:"" help:"Try it all on a Bitcoin chain inside the program: no node, no real money."`
	offlineNouns
}
