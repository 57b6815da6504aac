package psbt

import "specter/internal/errs"

// LockTime returns the locktime of the unsigned transaction. In version 2 it is the greatest
// one that inputs require, of the kind that all of them allow, heights before times; without
// any it is the fallback (BIP370). The error is malformed where inputs require both kinds.
func (p *Packet) LockTime() (uint32, error) {
	if p.Version < 2 {
		return p.FallbackLockTime, nil
	}
	var height, time uint32
	heightOK, timeOK, any := true, true, false
	for i := range p.Inputs {
		in := &p.Inputs[i]
		if in.RequiredHeight == 0 && in.RequiredTime == 0 {
			continue
		}
		any = true
		heightOK = heightOK && in.RequiredHeight != 0
		timeOK = timeOK && in.RequiredTime != 0
		height, time = max(height, in.RequiredHeight), max(time, in.RequiredTime)
	}
	switch {
	case !any:
		return p.FallbackLockTime, nil
	case heightOK:
		return height, nil
	case timeOK:
		return time, nil
	}
	return 0, errs.Bad(errs.Malformed, "one input requires a locktime in blocks and another one in time; no transaction can satisfy both")
}

// Convert returns the same PSBT in another version, 0 or 2. To version 0 the required locktimes
// become the transaction's locktime; silent payments cannot be told in version 0.
func (p *Packet) Convert(version uint32) (*Packet, error) {
	if version != 0 && version != 2 {
		return nil, errs.Bad(errs.Unsupported, "PSBT version %d does not exist; use 0 or 2", version)
	}
	c := p.Clone()
	if version == p.Version {
		return c, nil
	}
	lock, err := p.LockTime()
	if err != nil {
		return nil, err
	}
	if version == 0 {
		if err := c.dropV2(); err != nil {
			return nil, err
		}
	}
	c.Version, c.FallbackLockTime = version, lock
	c.order = nil
	return c, c.checkUnknowns()
}

func (p *Packet) dropV2() error {
	silent := len(p.ECDHShares)+len(p.DLEQProofs) > 0
	p.Modifiable = nil
	for i := range p.Inputs {
		in := &p.Inputs[i]
		silent = silent || len(in.ECDHShares)+len(in.DLEQProofs) > 0
		in.RequiredTime, in.RequiredHeight = 0, 0
	}
	for i := range p.Outputs {
		silent = silent || p.Outputs[i].SilentInfo != nil || p.Outputs[i].Script == nil
	}
	if silent {
		return errs.Bad(errs.Unsupported, "this PSBT pays a silent payment address, which version 0 cannot tell")
	}
	return nil
}

// checkUnknowns refuses a conversion in which a field, unknown in one version, would take on
// a meaning in the other.
func (p *Packet) checkUnknowns() error {
	check := func(list []KeyValue, v2 map[byte]string) error {
		for _, kv := range list {
			if _, known := v2[kv.Key[0]]; known {
				return errs.Bad(errs.Unsupported, "the unknown field %s has a meaning in the other version; the PSBT cannot be converted", shortHex(kv.Key))
			}
		}
		return nil
	}
	if err := check(p.Unknown, globalOnlyV2); err != nil {
		return err
	}
	for i := range p.Inputs {
		if err := check(p.Inputs[i].Unknown, inputOnlyV2); err != nil {
			return err
		}
	}
	for i := range p.Outputs {
		if err := check(p.Outputs[i].Unknown, outputOnlyV2); err != nil {
			return err
		}
	}
	return nil
}
