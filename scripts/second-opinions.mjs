// Compares our results with those of other programs: see second-opinions, which runs this.
// Arguments: our results, the file for theirs, the folder of the reports.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRequire } from 'node:module'
import * as btc from '@scure/btc-signer'
import { joinQRs, splitQRs } from 'bbqr'

const require = createRequire(import.meta.url)
const { UR, UREncoder, URDecoder } = require('@ngraveio/bc-ur')
const { compileMiniscript } = require('@bitcoinerlab/miniscript')

const [, , from, to, reports] = process.argv
const ours = JSON.parse(readFileSync(from, 'utf8'))
const theirs = { Miniscripts: [], Codes: [], Signings: [] }
let failed = false

/** report writes what a package said about our results. */
function report(name, checked, disagreements) {
  const { version } = JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url), 'utf8'))
  const out = { tool: name, version, checked, disagreements }
  writeFileSync(join(reports, name.replace('@', '').replace('/', '-') + '.json'), JSON.stringify(out, null, 2) + '\n')
  console.log(`${name} ${version}: ${JSON.stringify(checked)}, ${disagreements.length} disagreements`)
  failed ||= disagreements.length > 0
}

/** attempt returns what f gives, or the error as text. */
function attempt(f) {
  try {
    return f()
  } catch (e) {
    return `error: ${e.message}`
  }
}

// One form of script text: pushes of numbers are told in several ways.
const words = (asm) => asm.replace(/\bOP_(\d+)\b/g, '$1').replace(/<([0-9a-f]{1,10})>/g, '$1').trim().split(/\s+/).join(' ')

function miniscripts() {
  const bad = []
  let sane = 0
  for (const m of ours.Miniscripts) {
    const t = compileMiniscript(m.Expression)
    if (t.issane) sane++
    if (words(t.asm) !== words(m.ASM) || t.issane !== m.Sane) bad.push({ ...m, theirs: t })
  }
  report('@bitcoinerlab/miniscript', { scripts: ours.Miniscripts.length, ofWhichSane: sane }, bad)
}

/** cborBytes wraps a byte string as crypto-psbt carries it. */
function cborBytes(b) {
  const n = b.length
  const head = n < 24 ? [0x40 | n] : n < 256 ? [0x58, n] : n < 65536 ? [0x59, n >> 8, n & 255] : [0x5a, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]
  return Buffer.concat([Buffer.from(head), b])
}

function urs() {
  const bad = []
  ours.Codes.forEach((c, i) => {
    const want = cborBytes(Buffer.from(c.PSBT, 'hex'))
    const d = new URDecoder()
    for (const part of c.UR) if (!d.isComplete()) d.receivePart(part)
    const got = attempt(() => (d.isSuccess() ? d.resultUR() : { type: d.resultError() }))
    if (got.type !== 'crypto-psbt' || !want.equals(Buffer.from(got.cbor))) bad.push({ inputs: c.Inputs, theirs: String(got.type ?? got) })
    const e = new UREncoder(new UR(want, 'crypto-psbt'), 300)
    const parts = []
    for (let n = 0; n < e.fragmentsLength * 2 + 20; n++) {
      const part = e.nextPart()
      if (n % 4 !== 2 || e.fragmentsLength === 1) parts.push(part)
    }
    theirs.Codes[i] = { Inputs: c.Inputs, PSBT: c.PSBT, UR: parts }
  })
  report('@ngraveio/bc-ur', { inputsOfThePSBTs: ours.Codes.map((c) => c.Inputs) }, bad)
}

function bbqrs() {
  const bad = []
  ours.Codes.forEach((c, i) => {
    const got = attempt(() => joinQRs(c.BBQr))
    if (got.fileType !== 'P' || Buffer.from(got.raw).toString('hex') !== c.PSBT) bad.push({ inputs: c.Inputs, theirs: String(got.fileType ?? got) })
    theirs.Codes[i].BBQr = splitQRs(Buffer.from(c.PSBT, 'hex'), 'P', { encoding: ['Z', '2', 'H'][i % 3] }).parts
  })
  report('bbqr', { inputsOfThePSBTs: ours.Codes.map((c) => c.Inputs) }, bad)
}

function signings() {
  const bad = []
  const read = (s) => btc.Transaction.fromPSBT(Buffer.from(s, 'base64'), { allowUnknown: true, lowR: true })
  for (const s of ours.Signings) {
    const what = { kind: s.Kind, psbt: s.PSBT }
    const final = attempt(() => {
      const tx = read(s.Signed) // signed by us, made final by them
      tx.finalize()
      return tx.hex
    })
    if (final !== s.Final) bad.push({ ...what, step: 'finalize ours', ours: s.Final, theirs: final })
    const signed = attempt(() => {
      const tx = read(s.PSBT)
      for (const k of s.Keys) attempt(() => tx.sign(Buffer.from(k, 'hex')))
      return Buffer.from(tx.toPSBT(0)).toString('base64')
    })
    if (signed.startsWith('error')) bad.push({ ...what, step: 'sign', theirs: signed })
    theirs.Signings.push({ ...s, Signed: signed })
  }
  report('@scure/btc-signer', { psbts: ours.Signings.length, kinds: [...new Set(ours.Signings.map((s) => s.Kind))] }, bad)
}

miniscripts()
urs()
bbqrs()
signings()
writeFileSync(to, JSON.stringify(theirs))
process.exitCode = failed ? 1 : 0
