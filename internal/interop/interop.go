// Package interop reads and writes the files of other programs and devices, one file each:
// key exports, wallet files, registration texts, labels. Values in, values out: no disk, no
// clock, no network. Foreign bytes are bounded and never believed.
package interop

// MaxFile is the largest foreign file that is read, in bytes.
const MaxFile = 10 << 20
