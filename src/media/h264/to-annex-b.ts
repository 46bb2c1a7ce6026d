import { toAnnexB } from '../nal/annex-b.ts'
import type { AvcConfiguration } from './avcc.ts'
import { H264NalUnitType, h264NalUnitType } from './nal-unit-type.ts'

/** primary_pic_type 7: any slice types. ITU-T H.264 §7.3.2.4. */
const ACCESS_UNIT_DELIMITER = Uint8Array.of(0x09, 0xf0)

/**
 * An access unit as MPEG-TS wants it (ISO/IEC 13818-1 §2.14): delimiter first, and parameter sets before a random
 * access point. The result's slices borrow from payload and configuration.
 * @throws {BitstreamError}
 */
export function h264ToAnnexB(
  payload: Uint8Array,
  configuration: AvcConfiguration,
  isRandomAccess: boolean,
): Uint8Array[] {
  const { lengthSize, sps, spsExtensions, pps } = configuration
  return toAnnexB(payload, {
    lengthSize,
    delimiter: ACCESS_UNIT_DELIMITER,
    parameterSets: isRandomAccess ? [...sps, ...spsExtensions, ...pps] : [],
    isDelimiter: (firstByte) => h264NalUnitType(firstByte) === H264NalUnitType.accessUnitDelimiter,
    isSps: (firstByte) => h264NalUnitType(firstByte) === H264NalUnitType.sps,
  })
}
