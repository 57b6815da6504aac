package web

import "specter/internal/airgap"

// codeWords names a form of codes for people.
func (c catalogue) codeWords(f airgap.Format) string {
	switch f {
	case airgap.FormatUR:
		return c.t("UR (animated; Keystone, Passport, Jade, Keycard Shell and many more)")
	case airgap.FormatURNew:
		return c.t("UR with the newer type names")
	case airgap.FormatURLegacy:
		return c.t("UR version 1 (Cobo Vault)")
	case airgap.FormatBBQr:
		return c.t("BBQr (Coldcard Q)")
	case airgap.FormatSpecter:
		return c.t("Base64 in numbered parts (Specter-DIY, SeedSigner, Krux)")
	case airgap.FormatBase64:
		return c.t("Base64 in one code")
	case airgap.FormatBase43:
		return c.t("Base43 in one code (Electrum)")
	}
	return string(f)
}
