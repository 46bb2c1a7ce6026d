import { BitstreamError } from '../errors.ts'
import { buildDec3, type Eac3Substream } from './dec3.ts'
import { type Eac3Syncframe, eac3Syncframes } from './eac3-syncframe.ts'

/** Bits 5 (Lc/Rc) to 12 (Cvh) of chanmap, counted from the most significant, are bits 0 to 7 of chan_loc. */
const FIRST_MAPPED_BIT = 5
const LAST_MAPPED_BIT = 12
const CHANMAP_LFE2 = 1 << (15 - 14)
const LOCATION_LFE2 = 1 << 8

/**
 * Makes the dec3 body from one access unit. bsmod stays 0 (complete main): the syncframe hides it behind the mixing
 * metadata, and no player acts on it.
 * @throws {BitstreamError} damaged, or no independent substream first
 */
export function dec3FromAccessUnit(accessUnit: Uint8Array): Uint8Array {
  const substreams: Eac3Substream[] = []
  let bytes = 0
  let samples = 0
  let rateHz = 0
  for (const frame of eac3Syncframes(accessUnit)) {
    bytes += frame.frameBytes
    if (frame.dependent) {
      const parent = substreams.pop()
      if (parent === undefined) throw new BitstreamError('E-AC-3 access unit', 'begins with a dependent substream')
      substreams.push(withDependent(parent, frame))
      continue
    }
    if (frame.substreamId === 0) {
      samples += frame.samples
      rateHz = frame.sampleRateHz
    }
    // Short syncframes come several to an access unit; each substream is described once.
    if (frame.substreamId === substreams.length) substreams.push(independent(frame))
  }
  if (samples === 0) throw new BitstreamError('E-AC-3 access unit', 'has no first programme')
  const dataRateKbps = Math.round((bytes * 8 * rateHz) / samples / 1000)
  return buildDec3(Math.min(dataRateKbps, 0x1fff), substreams)
}

function independent({ fscod, bsid, acmod, lfeOn }: Eac3Syncframe): Eac3Substream {
  return { fscod, bsid, bsmod: 0, acmod, lfeOn, dependentSubstreams: 0, channelLocations: 0 }
}

function withDependent(parent: Eac3Substream, frame: Eac3Syncframe): Eac3Substream {
  let channelLocations = parent.channelLocations
  for (let bit = FIRST_MAPPED_BIT; bit <= LAST_MAPPED_BIT; bit++) {
    if ((frame.channelMap & (0x8000 >> bit)) !== 0) channelLocations |= 1 << (bit - FIRST_MAPPED_BIT)
  }
  if ((frame.channelMap & CHANMAP_LFE2) !== 0) channelLocations |= LOCATION_LFE2
  const dependentSubstreams = Math.max(parent.dependentSubstreams, frame.substreamId + 1)
  return { ...parent, dependentSubstreams, channelLocations }
}
