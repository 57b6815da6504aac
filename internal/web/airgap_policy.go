package web

import "specter/internal/door"

// scanWorker begins the name of the one script that runs compiled code: it finds QR codes in
// pictures, in a worker that sees no page, no cookie and no form.
const scanWorker = "js/scan-worker."

// workerPolicy lets that worker compile the reader and fetch it from this server; a worker has
// the policy of its own script, so no page needs wasm-unsafe-eval.
const workerPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"

// scannerPolicy is the policy of pages that read codes: they start the worker and play a screen
// recording that was chosen from the disk.
const scannerPolicy = door.Policy + "; worker-src 'self'; media-src blob:"

// scannerMark is in a page exactly if a scanner is: no text of a person's or a stranger's comes out
// with an angle bracket.
var scannerMark = []byte(`<dialog class="scan"`)
