import { parseAvcC } from '#media/h264/avcc.ts'
import { H264NalUnitType, h264NalUnitType } from '#media/h264/nal-unit-type.ts'
import { hevcParameterSets, parseHvcC } from '#media/h265/hvcc.ts'
import { H265NalUnitType, h265NalUnitType } from '#media/h265/nal-unit-type.ts'
import type { VideoFormat } from '#media/track.ts'
import type { ElementaryFramer } from './elementary-framer.ts'
import type { Segments } from './segments.ts'

/** The byte stream form's zero_byte and start_code_prefix_one_3bytes. H.264 and H.265 annex B. */
const START_CODE = Uint8Array.of(0, 0, 0, 1)

/** What the framer must know of H.264 or H.265. */
interface NalSyntax {
  readonly typeOf: (firstByte: number) => number
  readonly delimiterType: number
  /** An access unit that has one of these brings its own parameter sets. */
  readonly spsType: number
  /** An access unit delimiter NAL unit that allows every slice type. */
  readonly delimiter: Uint8Array
}

const H264: NalSyntax = {
  typeOf: h264NalUnitType,
  delimiterType: H264NalUnitType.accessUnitDelimiter,
  spsType: H264NalUnitType.sps,
  delimiter: Uint8Array.of(0x09, 0xf0), // primary_pic_type 7, H.264 §7.3.2.4
}

const H265: NalSyntax = {
  typeOf: h265NalUnitType,
  delimiterType: H265NalUnitType.accessUnitDelimiter,
  spsType: H265NalUnitType.sps,
  delimiter: Uint8Array.of(0x46, 0x01, 0x50), // pic_type 2, H.265 §7.3.2.5
}

/**
 * H.264 and H.265 in the byte stream form that H.222.0 §2.14 and §2.17 demand: an access unit delimiter before every
 * access unit, parameter sets before every random access point that has none of its own, nothing else added.
 */
export function nalFramer(format: VideoFormat): ElementaryFramer {
  const isH264 = format.codec === 'h264'
  const syntax = isH264 ? H264 : H265
  let lengthSize = 4
  let parameterSets: readonly Uint8Array[] = []
  if (format.configuration.length > 0) {
    if (isH264) {
      const record = parseAvcC(format.configuration)
      lengthSize = record.lengthSize
      parameterSets = [...record.sps, ...record.spsExtensions, ...record.pps]
    } else {
      const record = parseHvcC(format.configuration)
      lengthSize = record.lengthSize
      parameterSets = hevcParameterSets(record)
    }
  }
  return (payload, isRandomAccess, out) => {
    frameNalUnits(payload, lengthSize, syntax, isRandomAccess ? parameterSets : [], out)
  }
}

function frameNalUnits(
  payload: Uint8Array,
  lengthSize: number,
  syntax: NalSyntax,
  parameterSets: readonly Uint8Array[],
  out: Segments,
): void {
  let position = 0
  const first = syntax.typeOf(payload[lengthSize] ?? 0)
  if (first === syntax.delimiterType) {
    const end = nalUnitEnd(payload, 0, lengthSize)
    out.add(START_CODE)
    out.add(payload, lengthSize, end)
    position = end
  } else {
    out.add(START_CODE)
    out.add(syntax.delimiter)
  }
  if (parameterSets.length > 0 && !holdsType(payload, lengthSize, syntax, syntax.spsType)) {
    for (const unit of parameterSets) {
      out.add(START_CODE)
      out.add(unit)
    }
  }
  while (position < payload.length) {
    const end = nalUnitEnd(payload, position, lengthSize)
    out.add(START_CODE)
    out.add(payload, Math.min(position + lengthSize, end), end)
    position = end
  }
}

function holdsType(payload: Uint8Array, lengthSize: number, syntax: NalSyntax, type: number): boolean {
  for (let position = 0; position < payload.length; position = nalUnitEnd(payload, position, lengthSize)) {
    if (syntax.typeOf(payload[position + lengthSize] ?? 0) === type) return true
  }
  return false
}

/** Where the NAL unit at `position` ends. A length beyond the payload ends with it: no byte is lost to a bad length. */
function nalUnitEnd(payload: Uint8Array, position: number, lengthSize: number): number {
  let length = 0
  for (let i = 0; i < lengthSize; i++) length = length * 256 + (payload[position + i] ?? 0)
  return Math.min(payload.length, position + lengthSize + length)
}
