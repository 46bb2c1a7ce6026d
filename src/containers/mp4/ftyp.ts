import { ascii, type Bytes, box, u32 } from './box.ts'

/**
 * Brands, most general first: `iso6` is what default-base-moof and version 1 of trun need, `mp42` and `avc1` are what
 * QuickTime and older hardware players look for.
 */
const COMPATIBLE_BRANDS = ['isom', 'iso2', 'iso4', 'iso5', 'iso6', 'avc1', 'mp41', 'mp42']

/** Length of the box that ftyp() makes. A multiple of 16, so that the room after it starts aligned. */
export const FTYP_BYTES = 48

/** File Type Box. ISO/IEC 14496-12 §4.3. */
export const ftyp = (): Bytes =>
  box('ftyp', [
    ascii('isom'), // major_brand
    u32(512), // minor_version
    ...COMPATIBLE_BRANDS.map(ascii), // compatible_brands
  ])
