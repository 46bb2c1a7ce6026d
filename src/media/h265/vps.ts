import { BitReader } from '../bits.ts'
import { BitstreamError } from '../errors.ts'
import { removeEmulationPrevention } from '../nal/emulation-prevention.ts'
import { frameRate } from '../nal/vui.ts'
import { H265NalUnitType, h265NalUnitType } from './nal-unit-type.ts'
import { type ProfileTierLevel, readProfileTierLevel } from './profile-tier-level.ts'

export interface H265Vps {
  readonly profileTierLevel: ProfileTierLevel
  readonly maxSubLayers: number
  /** Pictures per second; 0 when the VPS has no timing. */
  readonly frameRate: number
}

/**
 * Reads a video parameter set NAL unit (with its 2-byte header). ITU-T H.265 §7.3.2.1.
 * @throws {BitstreamError}
 */
export function parseH265Vps(nalUnit: Uint8Array): H265Vps {
  if (h265NalUnitType(nalUnit[0] ?? 0) !== H265NalUnitType.vps)
    throw new BitstreamError('H.265 VPS', 'has another type')
  const reader = new BitReader(removeEmulationPrevention(nalUnit), 'H.265 VPS')
  reader.skip(16) // NAL unit header
  reader.skip(12) // vps_video_parameter_set_id, two base layer flags, vps_max_layers_minus1
  const maxSubLayersMinus1 = reader.u(3)
  if (maxSubLayersMinus1 > 6) throw new BitstreamError('H.265 VPS', 'has more than 7 sub-layers')
  reader.skip(17) // vps_temporal_id_nesting_flag, vps_reserved_0xffff_16bits
  const profileTierLevel = readProfileTierLevel(reader, maxSubLayersMinus1)
  for (let i = reader.flag() ? 0 : maxSubLayersMinus1; i <= maxSubLayersMinus1; i++) {
    reader.ue() // vps_max_dec_pic_buffering_minus1
    reader.ue() // vps_max_num_reorder_pics
    reader.ue() // vps_max_latency_increase_plus1
  }
  const maxLayerId = reader.u(6)
  const layerSetsMinus1 = reader.ueUpTo(1023, 'vps_num_layer_sets_minus1')
  reader.skip(layerSetsMinus1 * (maxLayerId + 1)) // layer_id_included_flag
  let rate = 0
  if (reader.flag()) {
    const unitsInTick = reader.u(32) // vps_num_units_in_tick
    rate = frameRate(reader.u(32), unitsInTick)
  }
  return { profileTierLevel, maxSubLayers: maxSubLayersMinus1 + 1, frameRate: rate }
}
