// Package legacytest makes what tests of taking an old Specter over are tried with: archives that
// nobody's Specter writes, and a large data folder.
package legacytest

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"
)

// device is a sound file, so that only the rest of an archive is at fault.
const device = `{"name": "Cold", "type": "other", "keys": []}`

// Archives are hostile zips by what is wrong with them. Every one is to be refused as a whole,
// with little memory.
func Archives() map[string][]byte {
	out := map[string][]byte{}
	for name, entry := range map[string]string{"parent": "../devices/x.json", "inner parent": "devices/../../x.json", "absolute": "/devices/x.json", "backslash": `devices\..\x.json`,
		"drive": "C:/devices/x.json", "double": "devices/cold.json", "case clash": "devices/COLD.json", "control": "devices/a\nb.json", "dot": "./devices/x.json", "double slash": "devices//x.json", "no name": "devices/\x00"} {
		out[name] = pack(file{entry, 0o600, "{}"})
	}
	out["link"] = pack(file{"devices/x.json", 0o777 | fs.ModeSymlink, "/etc/passwd"})
	out["folder's link"] = pack(file{"devices/x/", 0o777 | fs.ModeSymlink, ""})
	out["device"] = pack(file{"devices/x.json", 0o600 | fs.ModeDevice, ""})
	out["pipe"] = pack(file{"devices/x.json", 0o600 | fs.ModeNamedPipe, ""})
	out["bomb"] = pack(file{"devices/x.json", 0o600, strings.Repeat("0", 40<<20)})
	out["encrypted"] = flagged(1)
	out["64-bit form"] = zip64()
	out["more behind"] = append(pack(), 0)
	out["cut off"] = pack()[:60]
	out["million entries"] = entries(1_000_000)
	out["huge directory"] = huge()
	out["declared too large"] = declared(3 << 30)
	return out
}

// Liar is a zip with a file that says it has ten bytes and has millions.
func Liar() []byte {
	b := pack(file{"devices/x.json", 0o600, `{"name": "` + strings.Repeat("0", 30<<20) + `"}`})
	at := bytes.LastIndex(b, []byte("devices/x.json")) - headLen
	binary.LittleEndian.PutUint32(b[at+24:], 10)
	return b
}

// Nested is a zip within a zip: nothing opens the inner one.
func Nested() []byte {
	inner := pack(file{"devices/y.json", 0o600, strings.Repeat("0", 40<<20)})
	return pack(file{"devices/inner.zip", 0o600, string(inner)})
}

// Mac is a zip as macOS packs a folder, with its own shadow of it.
func Mac() []byte {
	return pack2(file{".specter/devices/cold.json", 0o600, device}, file{"__MACOSX/.specter/devices/._cold.json", 0o600, "\x00\x05\x16\x07"}, file{".specter/.DS_Store", 0o600, "x"})
}

type file struct {
	name string
	mode fs.FileMode
	text string
}

// pack writes a zip with a sound file and others; names are taken as they are.
func pack(files ...file) []byte {
	return pack2(append([]file{{"devices/cold.json", 0o600, device}}, files...)...)
}

func pack2(files ...file) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		h.SetMode(f.mode)
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, f.text)
		}
		if err != nil && !strings.HasSuffix(f.name, "/") {
			panic(err) // a buffer takes everything
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// headLen is the length of an entry of the list of files before its name.
const headLen = 46

// flagged sets a bit of the flags of the only file.
func flagged(bit byte) []byte {
	b := pack()
	b[bytes.LastIndex(b, []byte("devices/cold.json"))-headLen+8] |= bit
	return b
}

// declared says of a small file that it is large, in size and packed size.
func declared(size uint32) []byte {
	b := pack()
	at := bytes.LastIndex(b, []byte("devices/cold.json")) - headLen
	binary.LittleEndian.PutUint32(b[at+20:], size)
	binary.LittleEndian.PutUint32(b[at+24:], size)
	return b
}

// zip64 is a sound zip of the 64-bit form.
func zip64() []byte {
	var b bytes.Buffer
	le := binary.LittleEndian
	head := make([]byte, 30)
	le.PutUint32(head, 0x04034b50)
	le.PutUint16(head[26:], 14)
	le.PutUint32(head[14:], crc32.ChecksumIEEE([]byte("{}")))
	le.PutUint32(head[18:], 2)
	le.PutUint32(head[22:], 2)
	b.Write(head)
	b.WriteString("devices/a.json{}")
	start := b.Len()
	entry := make([]byte, headLen)
	le.PutUint32(entry, 0x02014b50)
	le.PutUint32(entry[16:], crc32.ChecksumIEEE([]byte("{}")))
	le.PutUint32(entry[20:], 2)
	le.PutUint32(entry[24:], 2)
	le.PutUint16(entry[28:], 14)
	b.Write(entry)
	b.WriteString("devices/a.json")
	size, at := b.Len()-start, b.Len()
	end64 := make([]byte, 56)
	le.PutUint32(end64, 0x06064b50)
	le.PutUint64(end64[4:], 44)
	le.PutUint64(end64[24:], 1)
	le.PutUint64(end64[32:], 1)
	le.PutUint64(end64[40:], uint64(size))
	le.PutUint64(end64[48:], uint64(start))
	b.Write(end64)
	locator := make([]byte, 20)
	le.PutUint32(locator, 0x07064b50)
	le.PutUint64(locator[8:], uint64(at))
	le.PutUint32(locator[16:], 1)
	b.Write(locator)
	b.Write(ending(0xffff, 0xffffffff, 0xffffffff))
	return b.Bytes()
}

func ending(count uint16, size, start uint32) []byte {
	end := make([]byte, 22)
	binary.LittleEndian.PutUint32(end, 0x06054b50)
	binary.LittleEndian.PutUint16(end[8:], count)
	binary.LittleEndian.PutUint16(end[10:], count)
	binary.LittleEndian.PutUint32(end[12:], size)
	binary.LittleEndian.PutUint32(end[16:], start)
	return end
}

// entries is a list of so many files that are not there.
func entries(count int) []byte {
	var b bytes.Buffer
	head := make([]byte, headLen)
	binary.LittleEndian.PutUint32(head, 0x02014b50)
	binary.LittleEndian.PutUint16(head[28:], 7)
	b.WriteString("PK\x03\x04")
	start := b.Len()
	for i := range count {
		b.Write(head)
		fmt.Fprintf(&b, "%07d", i)
	}
	size := b.Len() - start
	b.Write(ending(uint16(count&0xffff), uint32(size), uint32(start)))
	return b.Bytes()
}

// huge says that its list of files is larger than all of it.
func huge() []byte {
	b := pack()
	binary.LittleEndian.PutUint32(b[len(b)-10:], 0xfffffff0)
	return b
}
