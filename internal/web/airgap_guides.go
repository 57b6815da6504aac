package web

// guideOf is the guide of a type of device. Menus change with the firmware; where a name is not
// found, the vendor's manual tells its new one.
func (c catalogue) guideOf(id string) guide {
	switch id {
	case "specter", "seedsigner", "krux", "jade", "other":
		return c.guideByCode(id)
	case "keystone", "passport", "cobo", "keycardshell", "coldcard":
		return c.guideByCard(id)
	}
	return c.guideByCable(id)
}

// guideByCode are the devices that read and show text as codes.
func (c catalogue) guideByCode(id string) guide {
	switch id {
	case "specter":
		return guide{
			About:    c.t("Works by QR codes, microSD card or cable. It keeps the wallets that it was told of."),
			Export:   []string{c.t("On the device: Master public keys, choose single key or multisig, and show the code or save it to the card."), c.t("Here: Add device, Specter-DIY, Scan a QR code. A file from the card does as well.")},
			Register: []string{c.t("Here: open the wallet's settings, Devices."), c.t("On the device: Scan QR code. It shows the keys and asks; compare them with what this page says.")},
			Check:    []string{c.t("Here: open the address, Check on a device."), c.t("On the device: Scan QR code. It derives the address itself and shows it.")},
			Sign:     []string{c.t("Here: open the draft, Show QR. Specter sends a slim PSBT that fits the device's memory."), c.t("On the device: Scan QR code, compare recipients, amounts and fee, confirm."), c.t("Here: Scan a QR code, and hold the device's answer in front of the camera.")},
			Message:  []string{c.t("Here: the device's page, Sign a message. On the device: Scan QR code, confirm, and show the answer to the camera.")},
			Limits:   []string{c.t("Taproot and miniscript: yes. Very large payments are better carried by card.")},
		}
	case "seedsigner":
		return guide{
			About:    c.t("Keeps nothing: the seed is loaded each time, from words or a SeedQR. It works by QR codes alone."),
			Export:   []string{c.t("On the device: load the seed, Export Xpub, single key or multisig, and as coordinator Specter Desktop."), c.t("Here: Add device, SeedSigner, Scan a QR code.")},
			Register: []string{c.t("It keeps no wallets. To check an address of a multisig wallet it asks for the descriptor: show it from the wallet's settings, Devices.")},
			Check:    []string{c.t("Here: open the address, Check on a device. On the device: Scan, then choose the seed or show the descriptor.")},
			Sign:     []string{c.t("Here: open the draft, Show QR. The codes are sparse and slow, as its camera likes."), c.t("On the device: Scan, choose the seed, review every output, sign."), c.t("Here: Scan a QR code.")},
			Message:  []string{c.t("Turn message signing on in the device's settings; then the device's page here, Sign a message.")},
			Limits:   []string{c.t("Taproot: single key wallets. It keeps no registration, so look at the change address it shows for multisig wallets.")},
		}
	case "krux":
		return guide{
			About:    c.t("Works by QR codes or SD card. Seeds may be kept encrypted or loaded each time."),
			Export:   []string{c.t("On the device: load the seed, Extended Public Key, and show the code of the wanted form or save it."), c.t("Here: Add device, Krux, Scan a QR code or choose the file.")},
			Register: []string{c.t("On the device: Wallet, Wallet Descriptor, load from camera. Here: the wallet's settings, Devices.")},
			Check:    []string{c.t("On the device: Address, Scan Address. Here: open the address, Check on a device.")},
			Sign:     []string{c.t("Here: open the draft, Show QR, or take the file on a card."), c.t("On the device: Sign, PSBT, load from camera or card; review; sign."), c.t("Here: Scan a QR code, or choose the signed file.")},
			Message:  []string{c.t("On the device: Sign, Message, load from camera. Here: the device's page, Sign a message.")},
			Limits:   []string{c.t("Taproot: single key wallets. Miniscript with newer firmware only.")},
		}
	case "jade":
		return guide{
			About:    c.t("Works by cable or, in its QR mode, by codes alone."),
			Export:   []string{c.t("On the device: Options, Wallet, Export Xpub, and choose single key or multisig."), c.t("Here: Add device, Jade, Scan a QR code.")},
			Register: []string{c.t("Here: the wallet's settings, Devices. On the device: Scan, and confirm every key.")},
			Check:    []string{c.t("Here: open the address, Check on a device. On the device: Scan.")},
			Sign:     []string{c.t("Here: open the draft, Show QR. On the device: Scan, review, sign; then Scan a QR code here.")},
			Message:  []string{c.t("Here: the device's page, Sign a message. On the device: Scan, confirm, and show the answer.")},
			Limits:   []string{c.t("Needs firmware 0.1.32 or later. No taproot. Only multisig with sorted keys can be registered by code.")},
		}
	}
	return guide{
		About:    c.t("For devices and programs that are not in the list: keys as text, PSBTs as files or codes."),
		Export:   []string{c.t("Export the public keys with fingerprint and derivation path, as text, file or code; paste, choose or scan them here.")},
		Register: []string{c.t("The wallet's settings offer its descriptor and the files of many programs, as codes too.")},
		Check:    []string{c.t("Compare addresses in the other program with those on this page, letter by letter.")},
		Sign:     []string{c.t("Open the draft, Show QR and choose the encoding that the program reads, or take the file. Bring the answer back by code, file or paste.")},
		Message:  []string{c.t("The device's page, Sign a message, shows a request that several programs read. Any signature can be pasted and is verified.")},
		Limits:   []string{c.t("What it can sign is for its maker to say; Specter verifies every signature that comes back.")},
	}
}

// guideByCard are the devices that read UR or BBQr, and cards.
func (c catalogue) guideByCard(id string) guide {
	switch id {
	case "keystone":
		return guide{
			About:    c.t("Works by animated QR codes or microSD card."),
			Export:   []string{c.t("On the device: connect a software wallet and choose Specter, or Multisig Wallet and show the extended public key."), c.t("Here: Add device, Keystone, Scan a QR code; or choose the file from the card.")},
			Register: []string{c.t("Here: the wallet's settings, Devices. On the device: Multisig Wallet, import by scanning or from the card; compare the keys.")},
			Check:    []string{c.t("The device lists the addresses of a registered wallet; compare them with those on this page.")},
			Sign:     []string{c.t("Here: open the draft, Show QR. On the device: scan, review, sign; then Scan a QR code here. By card: the file of the draft, and its signed answer.")},
			Limits:   []string{c.t("Taproot: single key wallets. No miniscript. Only multisig with sorted keys can be registered.")},
		}
	case "passport":
		return guide{
			About:    c.t("Works by animated QR codes or microSD card."),
			Export:   []string{c.t("On the device: Connect Wallet, choose Specter, single key or multisig, then QR code or microSD."), c.t("Here: Add device, Passport, Scan a QR code; or choose the file.")},
			Register: []string{c.t("Here: the wallet's settings, Devices. The device asks for it while it is connected as multisig, or under Multisig in its settings.")},
			Check:    []string{c.t("On the device: Verify Address, and scan the code of the receive page here.")},
			Sign:     []string{c.t("Here: open the draft, Show QR. On the device: Sign with QR Code; review; then Scan a QR code here. By card: Sign with microSD.")},
			Limits:   []string{c.t("Taproot with newer firmware, single key wallets. No miniscript.")},
		}
	case "cobo":
		return guide{
			About:    c.t("The older device of Keystone's makers. Works by QR codes of UR version 1, or card."),
			Export:   []string{c.t("On the device: connect a watch-only wallet, or Multisig Wallet and show the extended public key."), c.t("Here: Add device, Cobo Vault, Scan a QR code; or choose the file from the card.")},
			Register: []string{c.t("Here: the wallet's settings, Devices. On the device: Multisig Wallet, import by scanning or from the card.")},
			Check:    []string{c.t("The device lists the addresses of a registered wallet; compare them with those on this page.")},
			Sign:     []string{c.t("Here: open the draft, Show QR. On the device: scan, review, sign; then Scan a QR code here. By card as well.")},
			Limits:   []string{c.t("No taproot, no miniscript. It gets no new firmware any more.")},
		}
	case "keycardshell":
		return guide{
			About:  c.t("A card reader with a camera: the keys are on a smart card. It works by QR codes alone."),
			Export: []string{c.t("On the device: Connect, choose Bitcoin single key or multisig; here: Add device, Keycard Shell, Scan a QR code.")},
			Check:  []string{c.t("On the device: Addresses; compare with those on this page.")},
			Sign:   []string{c.t("Here: open the draft, Show QR. On the device: scan, review, sign; then Scan a QR code here.")},
			Limits: []string{c.t("No taproot. It keeps no multisig wallets, so it cannot tell your change from a payment: compare every output.")},
		}
	}
	return guide{
		About:    c.t("Works by microSD card, cable, and on the Q by QR codes (BBQr)."),
		Export:   []string{c.t("Single key: Advanced/Tools, Export Wallet, Generic JSON. Multisig: Settings, Multisig Wallets, Export XPUB."), c.t("Here: Add device, Coldcard, choose the file, or scan the codes of a Q.")},
		Register: []string{c.t("Here: the wallet's settings, Devices, and take the file on a card or show the codes to a Q."), c.t("On the device: Settings, Multisig Wallets, Import. It shows every key; compare them.")},
		Check:    []string{c.t("On the device: Address Explorer, and choose the wallet.")},
		Sign:     []string{c.t("Here: open the draft, File. On the device: Ready To Sign. Choose the signed file here. With a Q: Show QR, scan, and scan its answer.")},
		Message:  []string{c.t("Here: the device's page, Sign a message, and take the file on a card. On the device: Advanced/Tools, File Management, Sign Text File. The signed file is read back here.")},
		Limits:   []string{c.t("Multisig with up to 15 keys. Taproot and miniscript need the Edge firmware."), c.t("The maker has published advice on seeds that some firmware versions made with too little randomness. Keep the firmware current, and read that advice if the seed is older.")},
	}
}

// guideByCable are the devices that work by cable, programs, and the keys of this program.
func (c catalogue) guideByCable(id string) guide {
	cable := guide{
		Export: []string{c.t("Paste the keys that the device's own program, or HWI, exports: with fingerprint and path.")},
		Check:  []string{c.t("Let a program that talks to the device show the address on its screen, and compare it with the one here.")},
		Sign:   []string{c.t("Take the file of the draft to a program that talks to the device (HWI, Sparrow), sign there, and choose the signed file here.")},
	}
	switch id {
	case "electrum":
		return guide{
			About:    c.t("A program on another computer, perhaps one without network. It reads one QR code at a time, or files."),
			Export:   []string{c.t("In Electrum: Wallet, Information, and copy the master public key with its path; or save a copy of the wallet file without a password."), c.t("Here: Add device, Electrum, and paste, choose or scan it.")},
			Register: []string{c.t("The wallet's settings offer the Electrum file: open it in Electrum.")},
			Check:    []string{c.t("Compare with Electrum's list of addresses.")},
			Sign:     []string{c.t("Here: open the draft, File or Show QR. In Electrum: Tools, Load transaction; sign; show as QR code or save. Scan it or choose the file here.")},
			Message:  []string{c.t("In Electrum: Tools, Sign message. Paste the signature on the device's page here; it is verified.")},
			Limits:   []string{c.t("No taproot and no miniscript. One code holds about 2 kB: larger PSBTs go by file.")},
		}
	case "hot":
		return guide{
			About:  c.t("A seed that is encrypted on this computer. Hot: for small sums and for trying out."),
			Export: []string{c.t("Nothing to do: the keys are made with the seed.")},
			Sign:   []string{c.t("Open the draft and press Sign.")},
			Limits: []string{c.t("Who breaks into this computer can take the coins. Write the words down: without them a broken disk takes the coins too.")},
		}
	case "ledger":
		cable.About = c.t("Works by cable.")
		cable.Register = []string{c.t("The device shows the wallet's policy once, and again to every program that kept no proof of it.")}
		cable.Limits = []string{c.t("Needs the Bitcoin app 2.1 or later. Taproot: yes, and miniscript by policy.")}
	case "bitbox02":
		cable.About = c.t("Works by cable. At the first connection it shows a pairing code: compare it.")
		cable.Register = []string{c.t("The device asks for a name and keeps the wallet at first use.")}
		cable.Limits = []string{c.t("Old addresses (P2PKH, and multisig in bare P2SH) are not supported. Multisig with up to 15 keys.")}
	case "trezor":
		cable.About = c.t("Works by cable. The Model One asks for its PIN by positions.")
		cable.Register = []string{c.t("It keeps no wallets; the cosigners are sent with every payment.")}
		cable.Limits = []string{c.t("Taproot: single key wallets. Multisig with up to 15 keys. No miniscript.")}
	case "keepkey":
		cable.About = c.t("Works by cable. It asks for its PIN by positions.")
		cable.Register = []string{c.t("It keeps no wallets; the cosigners are sent with every payment.")}
		cable.Limits = []string{c.t("No taproot, no miniscript.")}
	}
	return cable
}
