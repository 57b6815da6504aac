// Package bbqr reads and writes BBQr, the form in which Coldcard and others carry files through
// several QR codes (bbqr.org): eight letters of header, then hex, Base32, or Base32 of deflated
// data. The deflate writer is our own, since a reader may have a window of 1024 bytes only and
// the standard library's writer always uses 32 KiB.
package bbqr
