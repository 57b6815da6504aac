//go:build offline

package main

// cli lists the nouns of a build without the web server: the tools alone, a third of the size.
type cli struct {
	offlineNouns
}
