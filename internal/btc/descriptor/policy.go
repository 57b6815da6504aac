package descriptor

import "specter/internal/errs"

func (p *parser) parsePlaceholder(s string) (*keyExpr, error) {
	return nil, errs.Bad(errs.Unsupported, "not yet")
}
func (p *parser) bareKey(s string) (*keyExpr, error) {
	return nil, errs.Bad(errs.Unsupported, "not yet")
}
func (k *keyExpr) parsePolicyPath(s string) error { return errs.Bad(errs.Unsupported, "not yet") }

// Policy returns the BIP388 wallet policy.
func (d *Descriptor) Policy() (template string, keys []string, err error) {
	return "", nil, errs.Bad(errs.Unsupported, "not yet")
}

// FromPolicy expands a BIP388 wallet policy.
func FromPolicy(template string, keys []string, o Options) (*Descriptor, error) {
	return nil, errs.Bad(errs.Unsupported, "not yet")
}
