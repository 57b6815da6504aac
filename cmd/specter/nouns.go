package main

// offlineNouns are the commands that need no node, no data folder and no network.
type offlineNouns struct {
	Address    addressCmd    `cmd:"" help:"Addresses."`
	BBQr       bbqrCmd       `cmd:"" name:"bbqr" help:"Files in QR codes of Coldcard's form."`
	Descriptor descriptorCmd `cmd:"" help:"Output descriptors: check, derive, convert."`
	Device     deviceCmd     `cmd:"" help:"Key exports of signing devices."`
	Key        keyCmd        `cmd:"" help:"Extended keys, WIF and public keys."`
	Labels     labelsCmd     `cmd:"" help:"Label files."`
	Message    messageCmd    `cmd:"" help:"Signed messages."`
	Miniscript miniscriptCmd `cmd:"" help:"Miniscript: check and satisfy."`
	Policy     policyCmd     `cmd:"" help:"Wallet policies of BIP388."`
	PSBT       psbtCmd       `cmd:"" name:"psbt" help:"Partially signed transactions."`
	QR         qrCmd         `cmd:"" name:"qr" help:"QR codes of any form."`
	Script     scriptCmd     `cmd:"" help:"Scripts."`
	Seed       seedCmd       `cmd:"" help:"Seed words of BIP39."`
	Tx         txCmd         `cmd:"" help:"Raw transactions."`
	UR         urCmd         `cmd:"" name:"ur" help:"Uniform Resources, the QR codes of most devices."`
	URI        uriCmd        `cmd:"" name:"uri" help:"Payment URIs (bitcoin:…)."`
	Wallet     walletCmd     `cmd:"" help:"Wallet files of other programs."`

	Completion completionCmd `cmd:"" help:"Print a script that completes commands in a shell."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}
