package transport

// Usage reads the usage page and usage of the first collection from a HID report descriptor (HID
// 1.11, 6.2.2). The bytes are the device's own; ok is false where they say nothing.
func Usage(descriptor []byte) (page, usage uint16, ok bool) {
	hasPage := false
	for at := 0; at < len(descriptor); {
		tag := descriptor[at]
		at++
		if tag == 0xfe { // a long item: its size follows
			if at >= len(descriptor) {
				return 0, 0, false
			}
			at += 2 + int(descriptor[at])
			continue
		}
		size := int(tag & 3)
		if size == 3 {
			size = 4
		}
		if at+size > len(descriptor) {
			return 0, 0, false
		}
		value := little(descriptor[at : at+size])
		at += size
		switch tag &^ 3 {
		case 0x04: // usage page, global
			page, hasPage = uint16(value), true
		case 0x08: // usage, local; four bytes bring their page
			usage = uint16(value)
			if size == 4 {
				page, hasPage = uint16(value>>16), true
			}
		case 0xa0: // a collection begins: what stands before is its usage
			return page, usage, hasPage
		}
	}
	return page, usage, false
}

func little(b []byte) (n uint32) {
	for i, x := range b {
		n |= uint32(x) << (8 * i)
	}
	return n
}
