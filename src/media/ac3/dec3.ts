import { BitReader, BitWriter } from '../bits.ts'
import { asConfiguration, CodecConfigurationError } from '../errors.ts'
import { AC3_SAMPLE_RATES_HZ, ac3Channels } from './tables.ts'

/** One independent substream (a programme) with the dependent ones that extend its channels. */
export interface Eac3Substream {
  readonly fscod: number
  readonly bsid: number
  readonly bsmod: number
  readonly acmod: number
  readonly lfeOn: boolean
  readonly dependentSubstreams: number
  /** Where the channels of the dependent substreams are; least significant bit Lc/Rc, bit 8 LFE2. Table F.6.1. */
  readonly channelLocations: number
}

/** dec3 body: EC3SpecificBox, ETSI TS 102 366 §F.6. */
export interface Eac3Configuration {
  readonly dataRateKbps: number
  readonly substreams: readonly Eac3Substream[]
  readonly sampleRateHz: number
  /** Of the first programme, dependent substreams included. */
  readonly channels: number
}

/** Channels at each location from the least significant bit: Lc/Rc, Lrs/Rrs, Cs, Ts, Lsd/Rsd, Lw/Rw, Lvh/Rvh, Cvh, LFE2. */
const LOCATION_CHANNELS = [2, 2, 1, 1, 2, 2, 2, 1, 1] as const

/** @throws {CodecConfigurationError} */
export function parseDec3(body: Uint8Array): Eac3Configuration {
  return asConfiguration('eac3', () => {
    const reader = new BitReader(body, 'dec3')
    const dataRateKbps = reader.u(13)
    const count = reader.u(3) + 1
    const substreams = Array.from({ length: count }, () => readSubstream(reader))
    const [first] = substreams
    const sampleRateHz = AC3_SAMPLE_RATES_HZ[first?.fscod ?? 3]
    if (first === undefined || sampleRateHz === undefined) {
      // fscod 3 announces a halved rate that only the syncframe names, in fscod2.
      throw new CodecConfigurationError('eac3', 'has a reduced sample rate, which dec3 cannot name')
    }
    return { dataRateKbps, substreams, sampleRateHz, channels: eac3Channels(first) }
  })
}

function readSubstream(reader: BitReader): Eac3Substream {
  const fscod = reader.u(2)
  const bsid = reader.u(5)
  reader.skip(2) // reserved, asvc
  const bsmod = reader.u(3)
  const acmod = reader.u(3)
  const lfeOn = reader.flag()
  reader.skip(3) // reserved
  const dependentSubstreams = reader.u(4)
  const channelLocations = reader.u(dependentSubstreams > 0 ? 9 : 1)
  return { fscod, bsid, bsmod, acmod, lfeOn, dependentSubstreams, channelLocations }
}

function eac3Channels(substream: Eac3Substream): number {
  let channels = ac3Channels(substream.acmod, substream.lfeOn)
  LOCATION_CHANNELS.forEach((count, i) => {
    if ((substream.channelLocations & (1 << i)) !== 0) channels += count
  })
  return channels
}

export function buildDec3(dataRateKbps: number, substreams: readonly Eac3Substream[]): Uint8Array {
  const writer = new BitWriter().u(13, dataRateKbps).u(3, substreams.length - 1)
  for (const substream of substreams) {
    writer
      .u(2, substream.fscod)
      .u(5, substream.bsid)
      .u(2, 0) // reserved, asvc
      .u(3, substream.bsmod)
      .u(3, substream.acmod)
      .flag(substream.lfeOn)
      .u(3, 0) // reserved
      .u(4, substream.dependentSubstreams)
      .u(substream.dependentSubstreams > 0 ? 9 : 1, substream.channelLocations)
  }
  return writer.bytes()
}
