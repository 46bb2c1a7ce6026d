import { BitReader } from '../bits.ts'
import { BitstreamError } from '../errors.ts'
import { type Ac3Configuration, buildDac3 } from './dac3.ts'
import { AC3_SAMPLE_RATES_HZ, ac3Channels } from './tables.ts'

export const AC3_SYNC_WORD = 0x0b77

/** Highest bsid of the AC-3 syntax; 9 and 10 were never given a meaning, 11 to 16 are E-AC-3's. ETSI TS 102 366 §4.4.2.1, §E.1.3.1.6. */
const MAX_BSID = 8

/** Nominal bit rates by frmsizecod / 2, in kbit/s. ETSI TS 102 366 table 4.13. */
const BIT_RATES_KBPS = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640] as const

export interface Ac3Syncframe extends Ac3Configuration {
  readonly frameBytes: number
  readonly bitRateBps: number
}

/**
 * Reads syncinfo() and the start of bsi(). ETSI TS 102 366 §4.3.
 * @throws {BitstreamError}
 */
export function parseAc3Syncframe(frame: Uint8Array): Ac3Syncframe {
  const reader = new BitReader(frame, 'AC-3 syncframe')
  if (reader.u(16) !== AC3_SYNC_WORD) throw new BitstreamError('AC-3 syncframe', 'lacks its sync word')
  reader.skip(16) // crc1
  const fscod = reader.u(2)
  const frmsizecod = reader.u(6)
  const bsid = reader.u(5)
  const bsmod = reader.u(3)
  const acmod = reader.u(3)
  if ((acmod & 1) !== 0 && acmod !== 1) reader.skip(2) // cmixlev
  if ((acmod & 4) !== 0) reader.skip(2) // surmixlev
  if (acmod === 2) reader.skip(2) // dsurmod
  const lfeOn = reader.flag()
  const sampleRateHz = AC3_SAMPLE_RATES_HZ[fscod]
  const kbps = BIT_RATES_KBPS[frmsizecod >> 1]
  if (bsid > MAX_BSID) throw new BitstreamError('AC-3 syncframe', `has bsid ${bsid}, more than ${MAX_BSID}`)
  if (sampleRateHz === undefined || kbps === undefined) {
    throw new BitstreamError('AC-3 syncframe', 'has a reserved sample rate or frame size')
  }
  // 1536 samples at kbps, in 16-bit words; 44.1 kHz needs one word more in every frame with an odd code.
  const words = Math.floor((kbps * 96_000) / sampleRateHz) + (fscod === 1 ? frmsizecod & 1 : 0)
  return {
    fscod,
    bsid,
    bsmod,
    acmod,
    lfeOn,
    bitRateCode: frmsizecod >> 1,
    sampleRateHz,
    channels: ac3Channels(acmod, lfeOn),
    frameBytes: 2 * words,
    bitRateBps: kbps * 1000,
  }
}

/** The dac3 body for a stream that begins with this syncframe. @throws {BitstreamError} */
export function dac3FromSyncframe(frame: Uint8Array): Uint8Array {
  return buildDac3(parseAc3Syncframe(frame))
}
