package btc

import "specter/internal/errs"

// Version is a row of the SLIP-132 table: what four version bytes say about a key.
type Version struct {
	Bytes      [4]byte
	Prefix     string // xpub, ypub, Zpub, tprv…
	Main       bool
	Private    bool
	ScriptType string // "", "sh-wpkh", "wpkh", "sh-wsh", "wsh": Specter's key types
}

// versions is SLIP-132's table of registered Bitcoin versions.
var versions = []Version{
	{[4]byte{0x04, 0x88, 0xb2, 0x1e}, "xpub", true, false, ""},
	{[4]byte{0x04, 0x88, 0xad, 0xe4}, "xprv", true, true, ""},
	{[4]byte{0x04, 0x9d, 0x7c, 0xb2}, "ypub", true, false, "sh-wpkh"},
	{[4]byte{0x04, 0x9d, 0x78, 0x78}, "yprv", true, true, "sh-wpkh"},
	{[4]byte{0x02, 0x95, 0xb4, 0x3f}, "Ypub", true, false, "sh-wsh"},
	{[4]byte{0x02, 0x95, 0xb0, 0x05}, "Yprv", true, true, "sh-wsh"},
	{[4]byte{0x04, 0xb2, 0x47, 0x46}, "zpub", true, false, "wpkh"},
	{[4]byte{0x04, 0xb2, 0x43, 0x0c}, "zprv", true, true, "wpkh"},
	{[4]byte{0x02, 0xaa, 0x7e, 0xd3}, "Zpub", true, false, "wsh"},
	{[4]byte{0x02, 0xaa, 0x7a, 0x99}, "Zprv", true, true, "wsh"},
	{[4]byte{0x04, 0x35, 0x87, 0xcf}, "tpub", false, false, ""},
	{[4]byte{0x04, 0x35, 0x83, 0x94}, "tprv", false, true, ""},
	{[4]byte{0x04, 0x4a, 0x52, 0x62}, "upub", false, false, "sh-wpkh"},
	{[4]byte{0x04, 0x4a, 0x4e, 0x28}, "uprv", false, true, "sh-wpkh"},
	{[4]byte{0x02, 0x42, 0x89, 0xef}, "Upub", false, false, "sh-wsh"},
	{[4]byte{0x02, 0x42, 0x85, 0xb5}, "Uprv", false, true, "sh-wsh"},
	{[4]byte{0x04, 0x5f, 0x1c, 0xf6}, "vpub", false, false, "wpkh"},
	{[4]byte{0x04, 0x5f, 0x18, 0xbc}, "vprv", false, true, "wpkh"},
	{[4]byte{0x02, 0x57, 0x54, 0x83}, "Vpub", false, false, "wsh"},
	{[4]byte{0x02, 0x57, 0x50, 0x48}, "Vprv", false, true, "wsh"},
}

// VersionOf finds a version by its bytes.
func VersionOf(b [4]byte) (Version, bool) {
	for _, v := range versions {
		if v.Bytes == b {
			return v, true
		}
	}
	return Version{}, false
}

// VersionByPrefix finds a version by its Base58 prefix, such as "zpub".
func VersionByPrefix(prefix string) (Version, error) {
	for _, v := range versions {
		if v.Prefix == prefix {
			return v, nil
		}
	}
	return Version{}, errs.Bad(errs.BadKey, "%q is no prefix of an extended key", prefix)
}

// VersionFor finds the version for a script type on a network; where SLIP-132 has no row of
// its own (taproot, legacy) it is the neutral xpub or tpub.
func VersionFor(scriptType string, main, private bool) Version {
	var neutral Version
	for _, v := range versions {
		if v.Main != main || v.Private != private {
			continue
		}
		if v.ScriptType == scriptType {
			return v
		}
		if v.ScriptType == "" {
			neutral = v
		}
	}
	return neutral
}

// ScriptTypeOf tells the key type that a path stands for: 44h pkh, 49h sh-wpkh, 84h wpkh,
// 86h tr, 48h/…/1h sh-wsh, 48h/…/2h wsh, else "".
func ScriptTypeOf(p Path) string {
	if len(p) == 0 {
		return ""
	}
	const h = Hardened
	switch p[0] {
	case 44 | h:
		return "pkh"
	case 49 | h:
		return "sh-wpkh"
	case 84 | h:
		return "wpkh"
	case 86 | h:
		return "tr"
	case 48 | h:
		if len(p) == 4 && p[3] == 1|h {
			return "sh-wsh"
		}
		if len(p) == 4 && p[3] == 2|h {
			return "wsh"
		}
	}
	return ""
}
