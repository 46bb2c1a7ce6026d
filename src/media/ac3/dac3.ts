import { BitReader, BitWriter } from '../bits.ts'
import { asConfiguration, CodecConfigurationError } from '../errors.ts'
import { AC3_SAMPLE_RATES_HZ, ac3Channels } from './tables.ts'

/** dac3 body: AC3SpecificBox, ETSI TS 102 366 §F.4. */
export interface Ac3Configuration {
  readonly fscod: number
  readonly bsid: number
  readonly bsmod: number
  readonly acmod: number
  readonly lfeOn: boolean
  /** Index of the nominal bit rate: frmsizecod without its lowest bit. */
  readonly bitRateCode: number
  readonly sampleRateHz: number
  readonly channels: number
}

/** @throws {CodecConfigurationError} */
export function parseDac3(body: Uint8Array): Ac3Configuration {
  return asConfiguration('ac3', () => {
    const reader = new BitReader(body, 'dac3')
    const fscod = reader.u(2)
    const bsid = reader.u(5)
    const bsmod = reader.u(3)
    const acmod = reader.u(3)
    const lfeOn = reader.flag()
    const bitRateCode = reader.u(5)
    const sampleRateHz = AC3_SAMPLE_RATES_HZ[fscod]
    if (sampleRateHz === undefined) throw new CodecConfigurationError('ac3', 'has the reserved sample rate code')
    return { fscod, bsid, bsmod, acmod, lfeOn, bitRateCode, sampleRateHz, channels: ac3Channels(acmod, lfeOn) }
  })
}

export function buildDac3(fields: Omit<Ac3Configuration, 'sampleRateHz' | 'channels'>): Uint8Array {
  return new BitWriter()
    .u(2, fields.fscod)
    .u(5, fields.bsid)
    .u(3, fields.bsmod)
    .u(3, fields.acmod)
    .flag(fields.lfeOn)
    .u(5, fields.bitRateCode)
    .u(5, 0) // reserved
    .bytes()
}
