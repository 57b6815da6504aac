// Package core is Bitcoin Core (and Knots) as a chain.Source, over JSON-RPC.
//
// A watch-only descriptor wallet inside the node, named as the request says, does the
// scanning; its facts are copied out by listsinceblock. What the node keeps is a cache: when it
// is missing, half scanned or of another wallet, it is made again. The RPC client, the search
// for a node on this machine (bitcoin.conf, cookies) and the step-by-step test of a connection
// live here too. Works with Bitcoin Core 25 and newer; nothing here reads the environment.
package core
