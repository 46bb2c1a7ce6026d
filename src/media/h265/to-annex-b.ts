import { toAnnexB } from '../nal/annex-b.ts'
import { type HevcConfiguration, hevcParameterSets } from './hvcc.ts'
import { H265NalUnitType, h265NalUnitType } from './nal-unit-type.ts'

/** pic_type 2: any slice types. ITU-T H.265 §7.3.2.5. */
const ACCESS_UNIT_DELIMITER = Uint8Array.of(H265NalUnitType.accessUnitDelimiter << 1, 0x01, 0x50)

/**
 * An access unit as MPEG-TS wants it (ISO/IEC 13818-1 §2.17): delimiter first, and parameter sets before a random
 * access point. The result's slices borrow from payload and configuration.
 * @throws {BitstreamError}
 */
export function h265ToAnnexB(
  payload: Uint8Array,
  configuration: HevcConfiguration,
  isRandomAccess: boolean,
): Uint8Array[] {
  return toAnnexB(payload, {
    lengthSize: configuration.lengthSize,
    delimiter: ACCESS_UNIT_DELIMITER,
    parameterSets: isRandomAccess ? hevcParameterSets(configuration) : [],
    isDelimiter: (firstByte) => h265NalUnitType(firstByte) === H265NalUnitType.accessUnitDelimiter,
    isSps: (firstByte) => h265NalUnitType(firstByte) === H265NalUnitType.sps,
  })
}
