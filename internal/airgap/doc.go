// Package airgap carries data over the camera: what a signing device shows as one or many QR
// codes becomes a Payload, and a PSBT or text becomes the codes that a device can read.
//
// The forms are Uniform Resources of both versions (package ur), BBQr (package bbqr), Electrum's
// Base43, the chunks "p1of3 …" of Specter-DIY, SeedQR, and plain Base64, hex and text. A Scanner
// tells them apart. Pictures are drawn by package qr. All that is foreign is bounded.
package airgap
