//go:build !offline

package main

// cli lists the nouns.
type cli struct {
	Server  serverCmd  `cmd:"" help:"Run the web server on your own node."`
	Demo    demoCmd    `cmd:"" help:"Try it all on a Bitcoin chain inside the program: no node, no real money."`
	User    userCmd    `cmd:"" help:"Users: add, list, remove, set passwords, while the server does not run."`
	Token   tokenCmd   `cmd:"" help:"Tokens for programs that use the REST API, while the server does not run."`
	Export  exportCmd  `cmd:"" help:"Write everything as a data folder of the old Specter Desktop."`
	Import  importCmd  `cmd:"" help:"Take over an old Specter: its data folder, a zip of it, or its backup."`
	Backup  backupCmd  `cmd:"" help:"Backups: make one, prove one, make keys for them."`
	Restore restoreCmd `cmd:"" help:"Restore a backup, after showing what it would change."`
	Agent   agentCmd   `cmd:"" help:"Bring the signing devices of this computer to a Specter server elsewhere."`
	HWI     hwiCmd     `cmd:"" name:"hwi" passthrough:"" help:"Signing devices in the way of the program hwi, for Bitcoin Core's -signer=."`
	Secrets secretsCmd `cmd:"" help:"How stored secrets are locked: the node's password, private keys, seeds of software keys."`
	Service serviceCmd `cmd:"" help:"Linux: have systemd run the server."`
	Doctor  doctorCmd  `cmd:"" help:"Find out why Specter cannot be reached, and what mends it."`
	Health  healthCmd  `cmd:"" help:"Ask a running server whether it is ready; for containers and monitors."`
	Udev    udevCmd    `cmd:"" help:"Linux: let people use signing devices without being root."`
	offlineNouns
}
