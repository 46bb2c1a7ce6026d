import { BitReader } from '../bits.ts'
import { BitstreamError } from '../errors.ts'
import { AC3_SYNC_WORD } from './ac3-syncframe.ts'
import { AC3_BLOCK_SAMPLES, AC3_FRAME_SAMPLES, AC3_SAMPLE_RATES_HZ } from './tables.ts'

/** strmtyp. ETSI TS 102 366 table E.1.2. */
const StreamType = { independent: 0, dependent: 1, ac3Conversion: 2, reserved: 3 } as const

const BLOCKS = [1, 2, 3, 6] as const
const MIN_BSID = 11
const MAX_BSID = 16

export interface Eac3Syncframe {
  /** Extends the channels of the independent substream before it. */
  readonly dependent: boolean
  readonly substreamId: number
  readonly frameBytes: number
  readonly fscod: number
  readonly sampleRateHz: number
  readonly samples: number
  readonly bsid: number
  readonly acmod: number
  readonly lfeOn: boolean
  /** chanmap of a dependent substream, most significant bit left; 0 when it has none. Table E.1.4. */
  readonly channelMap: number
}

/**
 * Reads syncinfo() and bsi() up to chanmap. ETSI TS 102 366 §E.1.2.
 * @throws {BitstreamError}
 */
export function parseEac3Syncframe(frame: Uint8Array): Eac3Syncframe {
  const reader = new BitReader(frame, 'E-AC-3 syncframe')
  if (reader.u(16) !== AC3_SYNC_WORD) throw new BitstreamError('E-AC-3 syncframe', 'lacks its sync word')
  const streamType = reader.u(2)
  if (streamType === StreamType.reserved) throw new BitstreamError('E-AC-3 syncframe', 'has a reserved stream type')
  const substreamId = reader.u(3)
  const frameBytes = 2 * (reader.u(11) + 1) // frmsiz
  const fscod = reader.u(2)
  const second = reader.u(2) // fscod2 when fscod is 3, else numblkscod
  const blocks = fscod === 3 ? 6 : (BLOCKS[second] ?? 6)
  const sampleRateHz = fscod === 3 ? (AC3_SAMPLE_RATES_HZ[second] ?? 0) / 2 : (AC3_SAMPLE_RATES_HZ[fscod] ?? 0)
  if (sampleRateHz === 0) throw new BitstreamError('E-AC-3 syncframe', 'has a reserved sample rate')
  const acmod = reader.u(3)
  const lfeOn = reader.flag()
  const bsid = reader.u(5)
  if (bsid < MIN_BSID || bsid > MAX_BSID)
    throw new BitstreamError('E-AC-3 syncframe', `has bsid ${bsid} of another syntax`)
  for (let programme = acmod === 0 ? 2 : 1; programme > 0; programme--) {
    reader.skip(5) // dialnorm
    if (reader.flag()) reader.skip(8) // compre, compr
  }
  const dependent = streamType === StreamType.dependent
  const channelMap = dependent && reader.flag() ? reader.u(16) : 0
  const samples = blocks * AC3_BLOCK_SAMPLES
  return { dependent, substreamId, frameBytes, fscod, sampleRateHz, samples, bsid, acmod, lfeOn, channelMap }
}

/**
 * The syncframes of an access unit, in order.
 * @throws {BitstreamError} one is damaged or reaches past the end
 */
export function eac3Syncframes(accessUnit: Uint8Array): Eac3Syncframe[] {
  const frames: Eac3Syncframe[] = []
  for (let position = 0; position < accessUnit.length; ) {
    const frame = parseEac3Syncframe(accessUnit.subarray(position))
    position += frame.frameBytes
    if (position > accessUnit.length) throw new BitstreamError('E-AC-3 syncframe', 'is longer than its access unit')
    frames.push(frame)
  }
  if (frames.length === 0) throw new BitstreamError('E-AC-3 access unit', 'is empty')
  return frames
}

/** PCM samples per channel of an access unit: those of its first programme. @throws {BitstreamError} */
export function eac3Samples(accessUnit: Uint8Array): number {
  let samples = 0
  for (const frame of eac3Syncframes(accessUnit))
    if (!frame.dependent && frame.substreamId === 0) samples += frame.samples
  return samples
}

/**
 * The access unit that begins the bytes: syncframes up to six audio blocks of the first programme, with all that
 * belongs to them. ETSI TS 102 366 §E.1.3.1.3.
 * @throws {BitstreamError} it is damaged, or begins in the middle of one
 */
export function measureEac3AccessUnit(bytes: Uint8Array): {
  readonly bytes: number
  readonly samples: number
  readonly sampleRateHz: number
} {
  const first = parseEac3Syncframe(bytes)
  if (first.dependent || first.substreamId !== 0) {
    throw new BitstreamError('E-AC-3 access unit', 'does not begin with its first programme')
  }
  let position = first.frameBytes
  let samples = first.samples
  while (position < bytes.length) {
    const next = parseEac3Syncframe(bytes.subarray(position))
    const isFirstProgramme = !next.dependent && next.substreamId === 0
    if (isFirstProgramme && samples >= AC3_FRAME_SAMPLES) break
    if (isFirstProgramme) samples += next.samples
    position += next.frameBytes
  }
  return { bytes: position, samples, sampleRateHz: first.sampleRateHz }
}
